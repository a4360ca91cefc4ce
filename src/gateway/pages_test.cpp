#include "gateway/pages.h"

#include <cstdlib>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sep::gateway {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::HasSubstr;

const std::string kId = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";
constexpr auto kBrowser = "text/html,application/xhtml+xml,*/*;q=0.8";

/// A folder as web/tools/pack.mjs leaves it.
class PagesTest : public testing::Test {
 protected:
  PagesTest() {
    auto pattern = (fs::temp_directory_path() / "sep-pages-XXXXXX").string();
    folder = fs::path(::mkdtemp(pattern.data())) / "out";
    fs::create_directories(folder / "_next");
    write("../secret.txt", "outside the folder");
    write("unlisted.txt", "not in the manifest");
    for (const std::string name : {"index.html", "submit.html", "intent.html", "intent.txt", "404.html"}) {
      const bool html = name.ends_with(".html");
      write(name, "<p>" + name);
      files["/" + name] = {{"type", html ? "text/html; charset=utf-8" : "text/x-component"},
                           {"etag", "\"" + name.substr(0, name.size() - 4) + "\""},
                           {"immutable", false},
                           {"encodings", json::object{}}};
      if (html) files["/" + name].as_object()["csp"] = "default-src 'none'; script-src 'self'";
    }
    write("_next/app[1].js", "0123456789");
    write("_next/app.js.br", "brotli");
    write("_next/app.js.gz", "gzip");
    files["/_next/app[1].js"] = {{"type", "text/javascript"},
                                 {"etag", "\"5f2a\""},
                                 {"immutable", true},
                                 {"encodings", {{"br", "_next/app.js.br"}, {"gzip", "_next/app.js.gz"}}}};
    routes = {{"/", "/index.html"},
              {"/submit", "/submit.html"},
              {"/intent/{id}", "/intent.html"},
              {"/intent/{id}.txt", "/intent.txt"}};
  }
  ~PagesTest() override { fs::remove_all(folder.parent_path()); }

  void write(const fs::path& name, const std::string& text) const { std::ofstream(folder / name) << text; }
  Result<Pages> load() const {
    write("pages.json", json::serialize(json::object{{"files", files}, {"routes", routes}}));
    return Pages::load(folder);
  }
  Pages loaded() const {
    auto pages = load();
    EXPECT_TRUE(pages) << pages.error().detail;
    return pages ? std::move(*pages) : Pages();
  }
  std::string refusal() const {
    const auto pages = load();
    return pages ? "" : pages.error().detail;
  }

  fs::path folder;
  json::object files, routes;
};

std::string header(const Reply& reply, std::string_view name) {
  std::string value;
  for (const auto& [key, text] : reply.headers)
    if (key == name) value += text;
  return value;
}

std::string text_of(const std::optional<Reply>& reply) {
  return reply ? std::string(reply->body.view()) : "nothing";
}

TEST_F(PagesTest, FindsFilesThenRoutesThenRoutesOfAnIdentifier) {
  routes["/intent.html"] = "/index.html";  // never reached: a file has this path
  const auto pages = loaded();
  EXPECT_EQ(text_of(pages.answer({.path = "/"})), "<p>index.html");
  EXPECT_EQ(text_of(pages.answer({.path = "/submit"})), "<p>submit.html");
  EXPECT_EQ(text_of(pages.answer({.path = "/submit.html"})), "<p>submit.html");
  EXPECT_EQ(text_of(pages.answer({.path = "/intent.html"})), "<p>intent.html");
  EXPECT_EQ(text_of(pages.answer({.path = "/intent/" + kId})), "<p>intent.html");
  EXPECT_EQ(text_of(pages.answer({.path = "/intent/" + kId + ".txt"})), "<p>intent.txt");
  EXPECT_EQ(text_of(pages.answer({.path = "/_next/app%5B1%5D.js"})), "0123456789");
}

TEST_F(PagesTest, FindsNothingElse) {
  const auto pages = loaded();
  for (const std::string path : {"/submi",
                                 "/submit.htm",
                                 "/SUBMIT",
                                 "submit",
                                 "",
                                 "//",
                                 "/intent/",
                                 "/intent/{id}",
                                 "/intent/42",
                                 "/unlisted.txt",
                                 "/pages.json",
                                 "/_next",
                                 "/_next/",
                                 "/_next/app.js.br",
                                 "/../secret.txt",
                                 "/..",
                                 "/.",
                                 "/./submit",
                                 "/submit/../submit",
                                 "/%2e%2e/secret.txt",
                                 "/%2E%2E%2Fsecret.txt",
                                 "/..%2fsecret.txt",
                                 "/%2fsubmit",
                                 "%2fsubmit",
                                 "/..%5csecret.txt",
                                 "/submit%00",
                                 "/submit%0",
                                 "/submit%",
                                 "/submit%zz",
                                 "/%73ubmi",
                                 "/_next%2fapp[1].js",
                                 "/_next//app[1].js"})
    EXPECT_EQ(text_of(pages.answer({.path = path})), "nothing") << path;
  for (const std::string& id :
       {kId + "0", kId.substr(1), "8"s + kId.substr(1), "01j5s3y4pejhbj5a7fyhbxqrfg"s})
    EXPECT_EQ(text_of(pages.answer({.path = "/intent/" + id})), "nothing") << id;
}

TEST_F(PagesTest, ServesWhatThereWasAtTheStart) {
  const auto pages = loaded();
  fs::remove_all(folder);
  EXPECT_EQ(text_of(pages.answer({.path = "/submit"})), "<p>submit.html");
}

TEST_F(PagesTest, AnswersShareTheirBytes) {
  const auto pages = loaded();
  const auto first = pages.answer({.path = "/submit"});
  const auto second = pages.answer({.path = "/submit.html"});
  EXPECT_EQ(first->body.view().data(), second->body.view().data());
}

TEST_F(PagesTest, PagesBringTheirPolicy) {
  const auto pages = loaded();
  const auto page = pages.answer({.path = "/submit"});
  EXPECT_EQ(page->status, 200u);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(*page, "Content-Security-Policy"), "default-src 'none'; script-src 'self'");
  EXPECT_EQ(header(*page, "Cache-Control"), "no-cache");
  const auto script = pages.answer({.path = "/_next/app[1].js"});
  EXPECT_EQ(header(*script, "Content-Security-Policy"), "");
  EXPECT_EQ(header(*script, "Cache-Control"), "public, max-age=31536000, immutable");
}

TEST_F(PagesTest, EachEncodingIsARepresentation) {
  const auto pages = loaded();
  const auto ask = [&](std::string accept_encoding, std::string known = {}) {
    return *pages.answer({.path = "/_next/app[1].js",
                          .accept_encoding = std::move(accept_encoding),
                          .if_none_match = std::move(known)});
  };
  const auto br = ask("gzip, br"), packed = ask("gzip"), plain = ask("");
  EXPECT_EQ(br.body.view(), "brotli");
  EXPECT_EQ(header(br, "Content-Encoding"), "br");
  EXPECT_EQ(header(br, "ETag"), "\"5f2a-br\"");
  EXPECT_EQ(packed.body.view(), "gzip");
  EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(packed, "ETag"), "\"5f2a-gzip\"");
  EXPECT_EQ(plain.body.view(), "0123456789");
  EXPECT_EQ(header(plain, "Content-Encoding"), "");
  EXPECT_EQ(header(plain, "ETag"), "\"5f2a\"");
  for (const auto& reply : {br, packed, plain}) EXPECT_EQ(header(reply, "Vary"), "Accept-Encoding");

  EXPECT_EQ(ask("br", "\"5f2a-br\"").status, 304u);
  EXPECT_EQ(ask("br", "W/\"other\", W/\"5f2a-br\"").status, 304u);
  EXPECT_EQ(ask("br", "*").status, 304u);
  EXPECT_EQ(ask("gzip", "\"5f2a-br\"").status, 200u);
  EXPECT_EQ(ask("", "\"5f2a-br\"").status, 200u);
  const auto known = ask("br", "\"5f2a-br\"");
  EXPECT_EQ(known.body.size(), 0u);
  EXPECT_EQ(known.content_type, "");
  EXPECT_EQ(header(known, "ETag"), "\"5f2a-br\"");
  EXPECT_EQ(header(known, "Vary"), "Accept-Encoding");
  EXPECT_EQ(header(known, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(header(known, "Content-Encoding"), "");
}

TEST_F(PagesTest, ServesPartsOfThePlainBody) {
  const auto pages = loaded();
  const auto ask = [&](std::string range, std::string condition = {}, bool head = false) {
    return *pages.answer({.path = "/_next/app[1].js",
                          .head = head,
                          .accept_encoding = "br",
                          .if_range = std::move(condition),
                          .range = std::move(range)});
  };
  const auto part = ask("bytes=2-5");
  EXPECT_EQ(part.status, 206u);
  EXPECT_EQ(part.body.view(), "2345");
  EXPECT_EQ(header(part, "Content-Range"), "bytes 2-5/10");
  EXPECT_EQ(header(part, "Content-Encoding"), "");
  EXPECT_EQ(header(part, "ETag"), "\"5f2a\"");
  EXPECT_EQ(header(part, "Accept-Ranges"), "bytes");
  EXPECT_EQ(ask("bytes=-1").body.view(), "9");
  const auto none = ask("bytes=10-");
  EXPECT_EQ(none.status, 416u);
  EXPECT_EQ(none.body.size(), 0u);
  EXPECT_EQ(header(none, "Content-Range"), "bytes */10");
  for (const auto* ignored : {"bytes=0-1,3-4", "lines=1-2", "bytes=4-2"}) {
    EXPECT_EQ(ask(ignored).status, 200u) << ignored;
    EXPECT_EQ(ask(ignored).body.view(), "0123456789") << ignored;
  }
  EXPECT_EQ(ask("bytes=2-5", "\"5f2a\"").status, 206u);
  EXPECT_EQ(ask("bytes=2-5", "\"older\"").body.view(), "0123456789");
  EXPECT_EQ(ask("bytes=2-5", "W/\"5f2a\"").status, 200u);
  const auto headed = ask("bytes=2-5", "", true);
  EXPECT_EQ(headed.status, 200u);
  EXPECT_EQ(headed.body.view(), "brotli");
  // What the client has already is not sent in parts.
  EXPECT_EQ(
      pages.answer({.path = "/_next/app[1].js", .if_none_match = "\"5f2a\"", .range = "bytes=2-5"})->status,
      304u);
}

TEST_F(PagesTest, ATrailingSlashLeadsToThePage) {
  const auto pages = loaded();
  const auto moved = pages.answer({.path = "/submit/", .query = "side=acquire"});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->status, 308u);
  EXPECT_EQ(header(*moved, "Location"), "/submit?side=acquire");
  EXPECT_EQ(header(*pages.answer({.path = "/intent/" + kId + "/"}), "Location"), "/intent/" + kId);
  EXPECT_FALSE(pages.answer({.path = "/nothing/"}));
  EXPECT_FALSE(pages.answer({.path = "/submit//"}));
  EXPECT_FALSE(pages.answer({.path = "//evil.example/"}));
}

TEST_F(PagesTest, OnlyPeopleGetThePageThatSaysThatThereIsNothing) {
  const auto pages = loaded();
  const auto page = pages.not_found({.path = "/x", .accept = kBrowser});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 404u);
  EXPECT_EQ(page->body.view(), "<p>404.html");
  EXPECT_EQ(header(*page, "ETag"), "");
  EXPECT_FALSE(pages.not_found({.path = "/x", .accept = "*/*"}));
  files.erase("/404.html");
  EXPECT_FALSE(loaded().not_found({.path = "/x", .accept = kBrowser}));
}

TEST_F(PagesTest, WithoutPagesTheRootSaysWhatToDo) {
  const Pages none;
  const auto page = none.answer({.path = "/", .accept = kBrowser});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 503u);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_THAT(text_of(page), HasSubstr("make web"));
  EXPECT_FALSE(none.answer({.path = "/", .accept = "application/json"}));
  EXPECT_FALSE(none.answer({.path = "/submit", .accept = kBrowser}));
}

TEST_F(PagesTest, AManifestThatIsNotOneIsRefused) {
  EXPECT_THAT(Pages::load(folder / "nowhere").error().detail, HasSubstr("pages.json"));
  for (const auto* text : {"", "{", "[]", "{}", R"({"files": {}})", R"({"files": [], "routes": {}})",
                           R"({"files": {}, "routes": {}})"}) {
    write("pages.json", text);
    EXPECT_FALSE(Pages::load(folder)) << text;
  }
}

TEST_F(PagesTest, AFaultyEntryIsRefusedByName) {
  const auto sound = files;
  const auto with = [&](std::string_view path, std::string_view member, json::value value) {
    files = sound;
    files[path].as_object()[member] = std::move(value);
    return refusal();
  };
  EXPECT_THAT(with("/submit.html", "type", 1), HasSubstr("/submit.html"));
  EXPECT_THAT(with("/submit.html", "type", "text/html\r\nX: y"), HasSubstr("/submit.html"));
  EXPECT_THAT(with("/submit.html", "csp", "default-src\n"), HasSubstr("/submit.html"));
  EXPECT_THAT(with("/submit.html", "immutable", "no"), HasSubstr("/submit.html"));
  EXPECT_THAT(with("/submit.html", "encodings", json::array{}), HasSubstr("/submit.html"));
  EXPECT_THAT(with("/submit.html", "encodings", {{"zstd", "submit.html"}}), HasSubstr("zstd"));
  EXPECT_THAT(with("/submit.html", "encodings", {{"identity", "submit.html"}}), HasSubstr("identity"));
  EXPECT_THAT(with("/submit.html", "encodings", {{"br", "../secret.txt"}}), HasSubstr("/submit.html"));
  EXPECT_THAT(with("/submit.html", "encodings", {{"br", "/etc/passwd"}}), HasSubstr("/submit.html"));
  EXPECT_THAT(with("/submit.html", "encodings", {{"br", "_next"}}), HasSubstr("_next"));
  EXPECT_THAT(with("/submit.html", "encodings", {{"br", "absent.br"}}), HasSubstr("absent.br"));
  for (const auto* etag : {"", "5f2a", "\"\"", "\"a\"b\"", "W/\"a\"", "\"a b\""})
    EXPECT_THAT(with("/submit.html", "etag", etag), HasSubstr("/submit.html")) << etag;
  for (const auto* path : {"/../secret.txt", "/_next/../index.html", "unlisted.txt", "//unlisted.txt",
                           "/absent.html", "/_next", "/", "/unlisted.txt/"}) {
    files = sound;
    files[path] = sound.at("/submit.html");
    EXPECT_NE(refusal(), "") << path;
  }
}

TEST_F(PagesTest, AFaultyRouteIsRefused) {
  const auto sound = routes;
  routes["/more"] = "/absent.html";
  EXPECT_THAT(refusal(), HasSubstr("/more"));
  routes = sound;
  routes["/more"] = 1;
  EXPECT_THAT(refusal(), HasSubstr("/more"));
  routes = sound;
  routes["more"] = "/submit.html";
  EXPECT_THAT(refusal(), HasSubstr("more"));
  routes = sound;
  routes.erase("/");
  EXPECT_THAT(refusal(), HasSubstr("\"/\""));
}

}  // namespace
}  // namespace sep::gateway
