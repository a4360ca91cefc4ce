#include "gateway/negotiation.h"

#include <array>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

namespace sep::gateway {
namespace {

constexpr std::array kBoth = {Encoding::kGzip, Encoding::kBrotli};
constexpr std::array kGzipOnly = {Encoding::kGzip};

TEST(Negotiation, ChoosesTheEncodingThatIsLikedBest) {
  EXPECT_EQ(choose_encoding("gzip, deflate, br, zstd", kBoth), Encoding::kBrotli);
  EXPECT_EQ(choose_encoding("gzip, deflate, br, zstd", kGzipOnly), Encoding::kGzip);
  EXPECT_EQ(choose_encoding("gzip, deflate, br, zstd", {}), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("", kBoth), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("br;q=0.5, gzip;q=0.8", kBoth), Encoding::kGzip);
  EXPECT_EQ(choose_encoding("br ; Q=0.501 ,gzip; q=0.5", kBoth), Encoding::kBrotli);
  EXPECT_EQ(choose_encoding("gzip;q=0.5, identity", kBoth), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("gzip;q=0.5", kBoth), Encoding::kGzip);  // identity is allowed, but not asked for
  EXPECT_EQ(choose_encoding("X-GZip", kBoth), Encoding::kGzip);
}

TEST(Negotiation, NeverChoosesWhatIsRefused) {
  EXPECT_EQ(choose_encoding("br;q=0, gzip", kBoth), Encoding::kGzip);
  EXPECT_EQ(choose_encoding("*", kBoth), Encoding::kBrotli);
  EXPECT_EQ(choose_encoding("*, br;q=0.000", kBoth), Encoding::kGzip);
  EXPECT_EQ(choose_encoding("*;q=0", kBoth), Encoding::kIdentity);
  EXPECT_EQ(choose_encoding("identity;q=0, *;q=0", kBoth), Encoding::kIdentity);
  for (const auto* malformed : {"gzip;q=2", "gzip;q=1.001", "gzip;q=", "gzip;q=.5", "gzip;q=0.1234",
                                "gzip;q=-1", "gzip;q=1x", ";;;,,,=", "gzi", "gzip2"})
    EXPECT_EQ(choose_encoding(malformed, kBoth), Encoding::kIdentity) << malformed;
}

TEST(Negotiation, KnowsABrowser) {
  EXPECT_TRUE(accepts_html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
  EXPECT_TRUE(accepts_html("application/json, TEXT/HTML;q=0.1"));
  EXPECT_FALSE(accepts_html("*/*"));
  EXPECT_FALSE(accepts_html(""));
  EXPECT_FALSE(accepts_html("text/html;q=0"));
  EXPECT_FALSE(accepts_html("text/htmlx"));
}

TEST(Negotiation, EachEncodingHasAnEtagOfItsOwn) {
  EXPECT_EQ(encoded_etag("\"5f2a\"", Encoding::kIdentity), "\"5f2a\"");
  EXPECT_EQ(encoded_etag("\"5f2a\"", Encoding::kGzip), "\"5f2a-gzip\"");
  EXPECT_EQ(encoded_etag("\"5f2a\"", Encoding::kBrotli), "\"5f2a-br\"");
}

TEST(Negotiation, IfNoneMatchComparesWeakly) {
  EXPECT_TRUE(if_none_match("\"a\"", "\"a\""));
  EXPECT_TRUE(if_none_match("W/\"a\"", "\"a\""));
  EXPECT_TRUE(if_none_match("\"x\", W/\"y\" ,\"a\"", "\"a\""));
  EXPECT_TRUE(if_none_match("\"x,y\", \"a\"", "\"a\""));
  EXPECT_TRUE(if_none_match(" * ", "\"a\""));
  for (const auto* other : {"", "\"b\"", "a", "\"a", "a\"", "\"A\"", "\"a-gzip\"", "\"x, \"a\"\"y", "\"*\""})
    EXPECT_FALSE(if_none_match(other, "\"a\"")) << other;
}

TEST(Negotiation, IfRangeComparesStrongly) {
  EXPECT_TRUE(if_range("", "\"a\""));
  EXPECT_TRUE(if_range(" \"a\" ", "\"a\""));
  EXPECT_FALSE(if_range("W/\"a\"", "\"a\""));
  EXPECT_FALSE(if_range("\"b\"", "\"a\""));
  EXPECT_FALSE(if_range("Sat, 22 Aug 2026 10:00:00 GMT", "\"a\""));
}

std::string described(const Range& range) {
  if (std::holds_alternative<WholeBody>(range)) return "whole";
  if (std::holds_alternative<NoSuchPart>(range)) return "none";
  const auto part = std::get<BodyPart>(range);
  return std::to_string(part.first) + "+" + std::to_string(part.length);
}

TEST(Negotiation, ReadsOneRange) {
  EXPECT_EQ(described(parse_range("bytes=0-0", 10)), "0+1");
  EXPECT_EQ(described(parse_range("bytes=2-5", 10)), "2+4");
  EXPECT_EQ(described(parse_range("Bytes = 2 - 5", 10)), "2+4");
  EXPECT_EQ(described(parse_range("bytes=9-", 10)), "9+1");
  EXPECT_EQ(described(parse_range("bytes=5-99", 10)), "5+5");
  EXPECT_EQ(described(parse_range("bytes=-3", 10)), "7+3");
  EXPECT_EQ(described(parse_range("bytes=-99", 10)), "0+10");
  EXPECT_EQ(described(parse_range("bytes=10-", 10)), "none");
  EXPECT_EQ(described(parse_range("bytes=10-12", 10)), "none");
  EXPECT_EQ(described(parse_range("bytes=-0", 10)), "none");
  EXPECT_EQ(described(parse_range("bytes=0-", 0)), "none");
  EXPECT_EQ(described(parse_range("bytes=-1", 0)), "none");
  for (const auto* ignored :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes=1",
        "bytes=+1-2", "bytes=0x1-2", "bytes=1--2", "bytes=99999999999999999999999-"})
    EXPECT_EQ(described(parse_range(ignored, 10)), "whole") << ignored;
}

RC_GTEST_PROP(Negotiation, APartIsAlwaysWithinTheBody, (std::string header, std::size_t size)) {
  for (const auto& text : {header, "bytes=" + header}) {
    const auto range = parse_range(text, size);
    if (const auto* part = std::get_if<BodyPart>(&range)) {
      RC_ASSERT(part->length >= 1u);
      RC_ASSERT(part->first < size);
      RC_ASSERT(part->length <= size - part->first);
    }
  }
}

std::string unpacked(const std::string& packed, std::size_t size) {
  std::string text(size + 1, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

RC_GTEST_PROP(Negotiation, WhatIsCompressedComesBack, (std::string text)) {
  RC_ASSERT(unpacked(gzip(text), text.size()) == text);
}

TEST(Negotiation, CompressesJsonWell) {
  std::string text = "[";
  for (int i = 0; i < 200; ++i)
    text += R"({"intent_id": "01J5S3Y4PEJHBJ5A7FYHBXQ)" + std::to_string(i) + "\"},";
  EXPECT_LT(gzip(text).size(), text.size() / 5);
  EXPECT_EQ(unpacked(gzip(text), text.size()), text);
}

}  // namespace
}  // namespace sep::gateway
