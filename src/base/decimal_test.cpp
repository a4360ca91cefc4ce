#include "base/decimal.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/hex.h"

namespace sep {
namespace {

TEST(Decimal, ParsesPlainAmounts) {
  EXPECT_EQ(parse_amount("1", 6).value(), 1'000'000);
  EXPECT_EQ(parse_amount("1.0", 6).value(), 1'000'000);
  EXPECT_EQ(parse_amount("2512.4", 6).value(), 2'512'400'000);
  EXPECT_EQ(parse_amount("0.000001", 6).value(), 1);
  EXPECT_EQ(parse_amount("1.5", 18).value(), 1'500'000'000'000'000'000);
  EXPECT_EQ(parse_amount("7", 0).value(), 7);
  EXPECT_EQ(to_string(parse_amount("0.1", 77).value()), "1" + std::string(76, '0'));
}

TEST(Decimal, RefusesEverythingElse) {
  for (const auto* text : {"",   "0",  "0.0",  "-1",  "+1",    "1e18", "1E2",      " 1",  "1 ",    ".5",
                           "1.", "01", "00.5", "1,5", "1.2.3", "NaN",  "Infinity", "0x1", "1_000", "."})
    EXPECT_EQ(parse_amount(text, 18).error().code, errc::kInvalidAmount) << text;
  EXPECT_EQ(parse_amount(std::string(257, '1'), 18).error().code, errc::kInvalidAmount);
  EXPECT_EQ(parse_amount("0.0000001", 6).error().code, errc::kTooManyDecimals);
  EXPECT_EQ(parse_amount("1.0", 0).error().code, errc::kTooManyDecimals);
  EXPECT_EQ(parse_amount("1" + std::string(77, '0'), 6).error().code, errc::kAmountOverflow);
}

TEST(Decimal, TheGreatestAmountIsTheGreatestInteger) {
  const std::string greatest = to_string(Uint256::max());
  EXPECT_EQ(parse_amount(greatest, 0).value(), Uint256::max());
  EXPECT_EQ(parse_amount(greatest.substr(0, 60) + "." + greatest.substr(60), 18).value(), Uint256::max());
  EXPECT_EQ(parse_amount(greatest.substr(0, 60) + ".584007913129639936", 18).error().code,
            errc::kAmountOverflow);
}

TEST(Decimal, ZeroIsADecimalButNotAnAmount) {
  EXPECT_EQ(parse_decimal("0", 18).value(), 0);
  EXPECT_EQ(parse_decimal("0.000", 18).value(), 0);
  EXPECT_FALSE(parse_decimal("-0", 18));
}

TEST(Decimal, FormatsCanonically) {
  EXPECT_EQ(format_amount(2'512'400'000U, 6), "2512.4");
  EXPECT_EQ(format_amount(1'000'000, 6), "1");
  EXPECT_EQ(format_amount(1, 18), "0.000000000000000001");
  EXPECT_EQ(format_amount(0, 18), "0");
  EXPECT_EQ(format_amount(100, 0), "100");
  EXPECT_EQ(format_amount(100, 2), "1");
}

RC_GTEST_PROP(DecimalProperty, FormatAndParseAreInverse, (std::uint64_t high, std::uint64_t low)) {
  const Uint256 value = static_cast<u128>(high) << 64 | low;
  const auto decimals = *rc::gen::inRange(0U, 40U);
  const std::string text = format_amount(value, decimals);
  RC_ASSERT(parse_decimal(text, decimals).value() == value);
  RC_ASSERT(text.find('.') == std::string::npos || text.back() != '0');
}

TEST(Hex, RoundTripsAndRefuses) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xab, 0xff}), "0x00abff");
  EXPECT_EQ(from_hex("0x00ABff").value(), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_TRUE(from_hex("0x")->empty());
  for (const auto* text : {"", "00", "0x0", "0xzz", "0X00", "0x 0"}) EXPECT_FALSE(from_hex(text)) << text;
}

}  // namespace
}  // namespace sep
