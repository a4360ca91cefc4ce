#include "gateway/pages.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "base/ulid.h"

namespace sep::gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "pages.json";
constexpr std::string_view kNotFoundPage = "/404.html";
constexpr std::string_view kId = "{id}";
constexpr std::size_t kUlidLength = 26;
constexpr std::string_view kNotBuilt =
    "<!doctype html><title>sep</title><p>The pages are not built: run <code>make web</code>, and start "
    "again. The "
    "API is there: <a href=\"/openapi.json\">/openapi.json</a>.\n";

Error malformed(std::string detail) {
  return {errc::kConfiguration, std::string(kManifest) + ": " + std::move(detail), {}};
}

Result<std::string> read_file(const fs::path& path) {
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!fs::is_regular_file(path, error) || !file)
    return fail(errc::kConfiguration, "cannot read " + path.string());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// True for "/a/b.html": segments that name something, none of which leads elsewhere.
bool is_plain_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  while (!path.empty()) {
    const auto segment = path.substr(1, path.find('/', 1) - 1);
    path = path.substr(segment.size() + 1);
    if (segment.empty() || segment == "." || segment == ".." || segment.find('\0') != segment.npos)
      return false;
  }
  return true;
}

bool is_header_value(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_strong_etag(std::string_view text) {
  return is_header_value(text) && text.size() > 2 && text.starts_with('"') && text.ends_with('"') &&
         text.substr(1, text.size() - 2).find_first_of("\" ") == text.npos;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// The path that percent-encoding stands for. Nothing where it is malformed, or hides a slash or a NUL.
std::optional<std::string> decoded(std::string_view path) {
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      text += path[i];
      continue;
    }
    if (i + 2 >= path.size()) return std::nullopt;
    const auto high = hex_digit(path[i + 1]);
    const auto low = hex_digit(path[i + 2]);
    if (!high || !low) return std::nullopt;
    const auto byte = static_cast<char>(*high * 16 + *low);
    if (byte == '/' || byte == '\0') return std::nullopt;
    text += byte;
    i += 2;
  }
  return text;
}

}  // namespace

Result<Pages> Pages::load(const fs::path& folder) {
  SEP_TRY(const auto text, read_file(folder / kManifest));
  auto manifest = parse_json(text);
  if (!manifest) return fail(malformed(manifest.error().detail));
  if (!manifest->is_object()) return fail(malformed("must be an object"));
  const auto files = get_object(manifest->get_object(), "files");
  const auto routes = get_object(manifest->get_object(), "routes");
  if (!files || !routes) return fail(malformed("must have the objects \"files\" and \"routes\""));

  Pages pages;
  for (const auto& [key, entry] : *files) {
    const std::string path(key);
    if (!is_plain_path(path) || !entry.is_object()) return fail(malformed(path + " is no file with a path"));
    SEP_TRY(auto file, load_file(folder, path, entry.get_object()));
    pages.files_.emplace(path, std::move(file));
  }
  for (const auto& [route, target] : *routes) SEP_CHECK(pages.add_route(route, target));
  if (pages.find("/") == nullptr) return fail(malformed("has no route \"/\""));
  return pages;
}

Result<Pages::File> Pages::load_file(const fs::path& folder, const std::string& path,
                                     const json::object& entry) {
  const auto encodings = get_object(entry, "encodings");
  const auto immutable = get_bool(entry, "immutable");
  File file{
      .type = string_or(entry, "type"), .etag = string_or(entry, "etag"), .csp = string_or(entry, "csp")};
  if (!is_header_value(file.type)) return fail(malformed(path + " has no type"));
  if (!is_strong_etag(file.etag)) return fail(malformed(path + " has no etag"));
  if (entry.contains("csp") && !is_header_value(file.csp)) return fail(malformed(path + " has no csp"));
  if (!immutable || !encodings) return fail(malformed(path + " lacks immutable or encodings"));
  file.immutable = *immutable;
  const auto add = [&](Encoding encoding, const fs::path& name) -> Status {
    SEP_TRY(auto body, read_file(folder / name));
    file.bodies.emplace(encoding, Body(std::move(body)));
    file.encodings.push_back(encoding);
    return {};
  };
  SEP_CHECK(add(Encoding::kIdentity, path.substr(1)));
  for (const auto& [name, packed] : *encodings) {
    const auto encoding = parse_encoding(name);
    if (!encoding || file.bodies.contains(*encoding) || !packed.is_string() ||
        !is_plain_path("/" + std::string(packed.get_string())))
      return fail(malformed(fmt::format("{} has no encoding \"{}\"", path, std::string_view(name))));
    SEP_CHECK(add(*encoding, std::string(packed.get_string())));
  }
  return file;
}

Status Pages::add_route(const std::string& route, const json::value& target) {
  const auto file = target.is_string() ? files_.find(std::string_view(target.get_string())) : files_.end();
  if (file == files_.end()) return fail(malformed(route + " leads to no file"));
  const auto id = route.find(kId);
  if (!is_plain_path(route) && route != "/") return fail(malformed(route + " is no path"));
  if (id == route.npos)
    routes_.emplace(route, &file->second);
  else
    patterns_.push_back({route.substr(0, id), route.substr(id + kId.size()), &file->second});
  return {};
}

const Pages::File* Pages::find(std::string_view path) const {
  if (const auto file = files_.find(path); file != files_.end()) return &file->second;
  if (const auto route = routes_.find(path); route != routes_.end()) return route->second;
  for (const auto& [prefix, suffix, file] : patterns_) {
    if (path.size() == prefix.size() + kUlidLength + suffix.size() && path.starts_with(prefix) &&
        path.ends_with(suffix) && is_ulid(path.substr(prefix.size(), kUlidLength)))
      return file;
  }
  return nullptr;
}

std::optional<Reply> Pages::answer(const PageRequest& request) const {
  const auto path = decoded(request.path);
  if (!path) return std::nullopt;
  if (empty()) {
    if (*path != "/" || !accepts_html(request.accept)) return std::nullopt;
    return Reply{503, std::string(kNotBuilt), "text/html; charset=utf-8", {{"Vary", "Accept"}}};
  }
  if (const auto* file = find(*path)) return answer(*file, request);
  const auto without_slash = std::string_view(*path).substr(0, path->size() - 1);
  if (!path->ends_with('/') || without_slash == "/" || find(without_slash) == nullptr) return std::nullopt;
  std::string location(request.path.substr(0, request.path.size() - 1));
  if (!request.query.empty()) location.append("?").append(request.query);
  return Reply{308, {}, {}, {{"Location", std::move(location)}}};
}

std::optional<Reply> Pages::not_found(const PageRequest& request) const {
  const auto page = files_.find(kNotFoundPage);
  if (page == files_.end() || !accepts_html(request.accept)) return std::nullopt;
  auto reply = whole(page->second, choose_encoding(request.accept_encoding, page->second.encodings));
  std::erase_if(reply.headers, [](const auto& header) { return header.first == "ETag"; });
  reply.status = 404;
  return reply;
}

Reply Pages::whole(const File& file, Encoding encoding) {
  Reply reply{200, file.bodies.at(encoding), file.type, {}};
  reply.headers = {{"ETag", encoded_etag(file.etag, encoding)},
                   {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
                   {"Vary", "Accept-Encoding"}};
  if (encoding != Encoding::kIdentity) reply.headers.emplace_back("Content-Encoding", to_string(encoding));
  if (!file.csp.empty()) reply.headers.emplace_back("Content-Security-Policy", file.csp);
  return reply;
}

Reply Pages::answer(const File& file, const PageRequest& request) {
  // A part is one of the identity encoding: whoever asks for it knows that body's bytes.
  const bool ranged = !request.head && !request.range.empty();
  const auto encoding =
      ranged ? Encoding::kIdentity : choose_encoding(request.accept_encoding, file.encodings);
  auto reply = whole(file, encoding);
  reply.headers.emplace_back("Accept-Ranges", "bytes");
  const auto etag = encoded_etag(file.etag, encoding);
  if (if_none_match(request.if_none_match, etag)) {
    reply.status = 304;
    reply.body = {};
    reply.content_type.clear();
    std::erase_if(reply.headers, [](const auto& header) { return header.first == "Content-Encoding"; });
    return reply;
  }
  if (!ranged || !if_range(request.if_range, etag)) return reply;
  const auto size = reply.body.size();
  const auto range = parse_range(request.range, size);
  if (const auto* part = std::get_if<BodyPart>(&range)) {
    reply.status = 206;
    reply.body = reply.body.part(part->first, part->length);
    reply.headers.emplace_back(
        "Content-Range", fmt::format("bytes {}-{}/{}", part->first, part->first + part->length - 1, size));
  } else if (std::holds_alternative<NoSuchPart>(range)) {
    reply.status = 416;
    reply.body = {};
    reply.content_type.clear();
    reply.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
  }
  return reply;
}

}  // namespace sep::gateway
