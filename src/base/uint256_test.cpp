#include "base/uint256.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sep {
namespace {

using Big = boost::multiprecision::cpp_int;

Big big(const Uint256& value) {
  Big out = 0;
  for (std::size_t i = 4; i-- > 0;) out = out << 64 | value.limb(i);
  return out;
}

const Big kModulus = Big(1) << 256;

/// Limbs at the edges are as frequent as random ones: that is where carries and quotient corrections are.
Uint256 operand() {
  const auto limb =
      rc::gen::oneOf(rc::gen::elementOf(std::vector<std::uint64_t>{0, 1, ~0ULL, ~0ULL - 1, 1ULL << 63,
                                                                   (1ULL << 63) - 1, (1ULL << 63) + 1}),
                     rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
  std::array<std::uint64_t, 4> limbs{};
  const auto used = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, 5));
  for (std::size_t i = 0; i < used; ++i) limbs[i] = *limb;
  return Uint256::from_limbs(limbs);
}

RC_GTEST_PROP(Uint256Property, AgreesWithBoost, ()) {
  for (int i = 0; i < 200; ++i) {
    const Uint256 a = operand();
    const Uint256 b = operand();
    const Big x = big(a);
    const Big y = big(b);
    RC_ASSERT((a < b) == (x < y));
    RC_ASSERT((a == b) == (x == y));
    RC_ASSERT(checked_add(a, b).has_value() == (x + y < kModulus));
    RC_ASSERT(big(wrapping_add(a, b)) == (x + y) % kModulus);
    RC_ASSERT(checked_sub(a, b).has_value() == (x >= y));
    RC_ASSERT(big(wrapping_sub(a, b)) == (x - y + kModulus) % kModulus);
    RC_ASSERT(checked_mul(a, b).has_value() == (x * y < kModulus));
    RC_ASSERT(big(wrapping_mul(a, b)) == (x * y) % kModulus);
    if (!b.is_zero()) {
      RC_ASSERT(big(a / b) == x / y);
      RC_ASSERT(big(a % b) == x % y);
      RC_ASSERT(big(div_rounding_up(a, b)) == (x + y - 1) / y);
    }
    const auto shift = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0U, 256U));
    RC_ASSERT(big(a >> shift) == x >> shift);
    RC_ASSERT(big(wrapping_shl(a, shift)) == (x << shift) % kModulus);
    RC_ASSERT(big(a & b) == (x & y));
    RC_ASSERT(big(a | b) == (x | y));
    RC_ASSERT(big(a ^ b) == (x ^ y));
    RC_ASSERT(a.bit_length() == (a.is_zero() ? 0U : msb(x) + 1));
  }
}

RC_GTEST_PROP(Uint256Property, MulDivAgreesWithBoost, ()) {
  for (int i = 0; i < 500; ++i) {
    const Uint256 a = operand();
    const Uint256 b = operand();
    const Uint256 d = operand();
    const auto down = mul_div(a, b, d);
    const auto up = mul_div_rounding_up(a, b, d);
    if (d.is_zero()) {
      RC_ASSERT(!down && !up);
      continue;
    }
    const Big product = big(a) * big(b);
    const Big floor = product / big(d);
    const Big ceiling = (product + big(d) - 1) / big(d);
    RC_ASSERT(down.has_value() == (floor < kModulus));
    RC_ASSERT(up.has_value() == (ceiling < kModulus));
    if (down) RC_ASSERT(big(*down) == floor);
    if (up) RC_ASSERT(big(*up) == ceiling);
  }
}

RC_GTEST_PROP(Uint256Property, TextAndBytesRoundTrip, ()) {
  const Uint256 value = operand();
  RC_ASSERT(to_string(value) == big(value).str());
  RC_ASSERT(parse_uint256(to_string(value)).value() == value);
  RC_ASSERT(parse_quantity(to_quantity(value)).value() == value);
  RC_ASSERT(from_big_endian(to_big_endian(value)) == value);
}

TEST(Uint256, ParsesOnlyPlainDecimals) {
  EXPECT_EQ(parse_uint256("0").value(), 0);
  EXPECT_EQ(
      parse_uint256("115792089237316195423570985008687907853269984665640564039457584007913129639935").value(),
      Uint256::max());
  EXPECT_EQ(parse_uint256("115792089237316195423570985008687907853269984665640564039457584007913129639936")
                .error()
                .code,
            errc::kAmountOverflow);
  for (const auto* text : {"", " 1", "1 ", "+1", "-1", "01", "00", "1.0", "1e3", "0x10", "٣"})
    EXPECT_EQ(parse_uint256(text).error().code, errc::kInvalidValue) << text;
}

TEST(Uint256, ParsesQuantities) {
  EXPECT_EQ(parse_quantity("0x1a").value(), 26);
  EXPECT_EQ(parse_quantity("0x001A").value(), 26);
  EXPECT_EQ(parse_quantity("0x" + std::string(64, 'f')).value(), Uint256::max());
  for (const auto& text : {std::string("0x"), std::string("1a"), std::string("0xg"), std::string("0x-1"),
                           "0x" + std::string(65, '0'), std::string()})
    EXPECT_FALSE(parse_quantity(text)) << text;
  EXPECT_EQ(to_quantity(0), "0x0");
  EXPECT_EQ(to_quantity(256), "0x100");
}

using Uint256DeathTest = ::testing::Test;
TEST(Uint256DeathTest, OperatorsNeverLoseABit) {
  EXPECT_DEATH(Uint256::max() + 1, "broken invariant");
  EXPECT_DEATH(Uint256(0) - 1, "broken invariant");
  EXPECT_DEATH(Uint256::pow2(128) * Uint256::pow2(128), "broken invariant");
  EXPECT_DEATH(Uint256(1) / 0, "broken invariant");
  EXPECT_DEATH(Uint256(3) << 255, "broken invariant");
  EXPECT_DEATH(Uint256::pow2(64).to_u64(), "broken invariant");
  EXPECT_DEATH(Uint256(-1), "broken invariant");
}

}  // namespace
}  // namespace sep
