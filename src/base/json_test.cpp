#include "base/json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sep {
namespace {

TEST(Json, OneTextWhateverTheOrderOfKeys) {
  EXPECT_EQ(canonical_json(parse_json(R"({ "b" : [1, {"d":null,"c":"é\u0000"}], "a" : -5 })").value()),
            R"({"a":-5,"b":[1,{"c":"é\u0000","d":null}]})");
}

TEST(Json, AKeyTwiceIsRefusedHoweverItIsWritten) {
  for (const auto* text : {R"({"a":1,"a":2})", R"({"a":1,"\u0061":2})", R"([{"b":{"a":1,"b":2,"a":3}}])"})
    EXPECT_EQ(parse_json(text).error().code, errc::kMalformedJson) << text;
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":["a","a"]})"));
}

TEST(Json, ANumberThatWouldComeBackAsAnotherIsRefused) {
  const auto* const text = "[222222222222222222222222.22222222222222222222222222222222222222]";
  const auto refused = parse_json(text);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::kMalformedJson);
  EXPECT_EQ(refused.error().detail, "a number has more digits than are kept");
  EXPECT_FALSE(
      parse_json(R"({"a":[{"b":222222222222222222222222.22222222222222222222222222222222222222}]})"));
  for (const auto* beyond_any_double : {"[22222222.22e2221]", "1e400", "-1e309"})
    EXPECT_FALSE(parse_json(beyond_any_double)) << beyond_any_double;
  // A field's own error says more about a number that does not belong there.
  for (const auto* kept : {R"({"amount":1.5})", R"({"amount":1e18})", R"({"amount":0.01})",
                           R"({"amount":18446744073709551615})", R"({"amount":-9223372036854775808})"})
    EXPECT_TRUE(parse_json(kept)) << kept;
}

RC_GTEST_PROP(JsonProperty, WhatIsParsedHasOneTextThatReadsBack, ()) {
  const auto part = [] { return std::to_string(*rc::gen::arbitrary<std::uint64_t>()); };
  auto text = part();
  if (*rc::gen::arbitrary<bool>()) text += part();
  if (*rc::gen::arbitrary<bool>()) text += "." + part();
  if (*rc::gen::arbitrary<bool>()) text += "e" + std::to_string(*rc::gen::inRange(-4000, 4000));
  const auto value = parse_json(text);
  if (!value) RC_SUCCEED("refused");
  const auto canonical = canonical_json(*value);
  RC_ASSERT(canonical_json(parse_json(canonical).value()) == canonical);
}

// Boost.JSON's own way is the reference: every byte below 0x80 at every place of a word, and between others.
RC_GTEST_PROP(JsonProperty, AStringIsWrittenAsTheLibraryDoes, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::inRange<char>(0x20, 0x7f), rc::gen::inRange<char>(0, 0x7f),
                     rc::gen::element('"', '\\', '\x1f', ' ', '!', '#', '[', ']', '\0')));
  std::string written;
  append_json_string(text, written);
  RC_ASSERT(written == json::serialize(json::string(text)));
}

TEST(Json, OneEscapedCharacterIsFoundWhereverItStands) {
  for (std::size_t size = 1; size <= 20; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (const char c : {'"', '\\', '\n', '\0', '\x1f'}) {
        std::string text(size, 'a');
        text[at] = c;
        std::string written;
        append_json_string(text, written);
        EXPECT_EQ(written, json::serialize(json::string(text))) << at << " of " << size;
        EXPECT_NE(written.find('\\'), std::string::npos) << at << " of " << size;
      }
  std::string written;
  append_json_string("plain enough é \x7f", written);
  EXPECT_EQ(written, "\"plain enough é \x7f\"");
}

}  // namespace
}  // namespace sep
