#pragma once
// The pages of web/, as the gateway serves them: a static export in one folder, and the manifest pages.json
// that the web build (web/tools/pack.mjs) writes beside it.
//
//   {"files": {"/index.html": {"type": "text/html; charset=utf-8", "etag": "\"5f2a\"", "immutable": false,
//                              "csp": "default-src 'none'; …",                  of pages only
//                              "encodings": {"br": "index.html.br", "gzip": "index.html.gz"}}, …},
//    "routes": {"/": "/index.html", "/submit": "/submit.html", "/intent/{id}": "/intent/_.html", …}}
//
// Entry points: Pages::load() reads it all once; answer() is what GET and HEAD are answered.
//
// Invariants
//  1. Nothing outside the manifest is ever read, and nothing at all after load(): a path of a request is
//  looked up,
//     never opened.
//  2. An answer shares its bytes with every other one.
//  3. A path is first a file, then a route, then a route whose {id} stands for one ULID.
//  4. A file whose name changes with its content ("immutable") is kept by caches for a year; everything else
//  is
//     asked for anew each time, and answered 304 where the ETag is the same.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "gateway/negotiation.h"
#include "gateway/reply.h"

namespace sep::gateway {

/// What of a request decides about a page. Headers are empty where they are absent, and lists where they came
/// in several lines.
struct PageRequest {
  std::string_view path;   // of the target, as it came: percent-encoded
  std::string_view query;  // likewise, without the question mark
  bool head = false;       // HEAD, which knows no ranges
  std::string accept{};
  std::string accept_encoding{};
  std::string if_none_match{};
  std::string if_range{};
  std::string range{};
};

class Pages {
 public:
  /// No pages: nothing is found but the sentence at "/" that says how they are made.
  Pages() = default;
  Pages(Pages&&) = default;
  Pages& operator=(Pages&&) = default;

  /// CONFIGURATION with what is missing or malformed.
  static Result<Pages> load(const std::filesystem::path& folder);

  bool empty() const { return files_.empty(); }
  /// 200, 206, 304, 308 ("/submit/" leads to "/submit") or 416; without pages, 503 at "/" for browsers.
  /// Nothing where there is nothing at this path.
  std::optional<Reply> answer(const PageRequest& request) const;
  /// The page that tells a person that there is nothing at this path, with status 404. Nothing for programs,
  /// and where there is no such page.
  std::optional<Reply> not_found(const PageRequest& request) const;

 private:
  struct File {
    std::string type;
    std::string etag;  // of the identity encoding
    std::string csp;   // empty: the API's
    bool immutable = false;
    std::map<Encoding, Body> bodies;  // identity among them
    std::vector<Encoding> encodings;  // of bodies
  };
  /// A route with one {id}: what stands before and after it.
  struct Pattern {
    std::string prefix;
    std::string suffix;
    const File* file = nullptr;
  };

  static Result<File> load_file(const std::filesystem::path& folder, const std::string& path,
                                const json::object& entry);
  Status add_route(const std::string& route, const json::value& target);
  const File* find(std::string_view path) const;
  /// The file in the encoding that the request likes best.
  static Reply whole(const File& file, Encoding encoding);
  static Reply answer(const File& file, const PageRequest& request);

  std::map<std::string, File, std::less<>> files_;
  std::map<std::string, const File*, std::less<>> routes_;
  std::vector<Pattern> patterns_;
};

}  // namespace sep::gateway
