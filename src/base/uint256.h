#pragma once
// Uint256: the EVM's unsigned 256-bit integer, checked.
//
// Entry points: the operators, checked_* and wrapping_*, mul_div, parse_uint256 / to_string, parse_quantity /
// to_quantity, from_big_endian / to_big_endian.
// Invariants
//  1. The operators + - * / % << never lose a bit silently: overflow, underflow and division by zero abort
//     (SEP_ASSERT). Where an operand comes from outside, use checked_*; where Solidity says `unchecked`,
//     wrapping_*.
//  2. Nothing allocates, except the functions that return text.
#include <array>
#include <bit>
#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sep {

using u128 = unsigned __int128;
using i128 = __int128;

class Uint256 {
 public:
  constexpr Uint256() = default;
  /// Implicit, so that `amount > 0` reads as it should; a negative value aborts.
  template <std::integral T>
  constexpr Uint256(T value) : limbs_{static_cast<std::uint64_t>(value), 0, 0, 0} {  // NOLINT(*explicit*)
    if constexpr (std::signed_integral<T>) SEP_ASSERT(value >= 0);
  }
  constexpr Uint256(u128 value)  // NOLINT(*explicit*)
      : limbs_{static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value >> 64), 0, 0} {}
  /// Least significant limb first.
  static constexpr Uint256 from_limbs(const std::array<std::uint64_t, 4>& limbs) {
    Uint256 value;
    value.limbs_ = limbs;
    return value;
  }
  static constexpr Uint256 max() { return from_limbs({~0ULL, ~0ULL, ~0ULL, ~0ULL}); }
  /// 2^exponent, exponent < 256.
  static constexpr Uint256 pow2(unsigned exponent) { return Uint256(1U) << exponent; }

  constexpr std::uint64_t limb(std::size_t index) const { return limbs_[index]; }
  constexpr bool is_zero() const { return (limbs_[0] | limbs_[1] | limbs_[2] | limbs_[3]) == 0; }
  /// Number of bits up to the highest one that is set; 0 for zero.
  constexpr unsigned bit_length() const {
    for (std::size_t i = 4; i-- > 0;)
      if (limbs_[i] != 0) return static_cast<unsigned>(64 * i + 64) - std::countl_zero(limbs_[i]);
    return 0;
  }
  constexpr bool bit(unsigned index) const { return (limbs_[index / 64] >> (index % 64) & 1) != 0; }

  constexpr bool fits_u64() const { return (limbs_[1] | limbs_[2] | limbs_[3]) == 0; }
  constexpr bool fits_u128() const { return (limbs_[2] | limbs_[3]) == 0; }
  /// The value as a machine integer; aborts where it does not fit.
  constexpr std::uint64_t to_u64() const {
    SEP_ASSERT(fits_u64());
    return limbs_[0];
  }
  constexpr u128 to_u128() const {
    SEP_ASSERT(fits_u128());
    return low_u128();
  }
  /// The low 128 bits.
  constexpr u128 low_u128() const { return static_cast<u128>(limbs_[1]) << 64 | limbs_[0]; }

  friend constexpr bool operator==(const Uint256&, const Uint256&) = default;
  friend constexpr std::strong_ordering operator<=>(const Uint256& a, const Uint256& b) {
    for (std::size_t i = 4; i-- > 1;)
      if (a.limbs_[i] != b.limbs_[i]) return a.limbs_[i] <=> b.limbs_[i];
    return a.limbs_[0] <=> b.limbs_[0];
  }

  friend constexpr Uint256 operator+(const Uint256& a, const Uint256& b) {
    Uint256 sum;
    SEP_ASSERT(!add_carry(a, b, sum));
    return sum;
  }
  friend constexpr Uint256 operator-(const Uint256& a, const Uint256& b) {
    Uint256 difference;
    SEP_ASSERT(!sub_borrow(a, b, difference));
    return difference;
  }
  friend constexpr Uint256 operator*(const Uint256& a, const Uint256& b) {
    const auto product = checked_mul(a, b);
    SEP_ASSERT(product.has_value());
    return *product;
  }
  friend Uint256 operator/(const Uint256& a, const Uint256& b);
  friend Uint256 operator%(const Uint256& a, const Uint256& b);
  Uint256& operator+=(const Uint256& other) { return *this = *this + other; }
  Uint256& operator-=(const Uint256& other) { return *this = *this - other; }
  Uint256& operator*=(const Uint256& other) { return *this = *this * other; }
  Uint256& operator/=(const Uint256& other) { return *this = *this / other; }

  friend constexpr Uint256 operator&(const Uint256& a, const Uint256& b) {
    return from_limbs({a.limbs_[0] & b.limbs_[0], a.limbs_[1] & b.limbs_[1], a.limbs_[2] & b.limbs_[2],
                       a.limbs_[3] & b.limbs_[3]});
  }
  friend constexpr Uint256 operator|(const Uint256& a, const Uint256& b) {
    return from_limbs({a.limbs_[0] | b.limbs_[0], a.limbs_[1] | b.limbs_[1], a.limbs_[2] | b.limbs_[2],
                       a.limbs_[3] | b.limbs_[3]});
  }
  friend constexpr Uint256 operator^(const Uint256& a, const Uint256& b) {
    return from_limbs({a.limbs_[0] ^ b.limbs_[0], a.limbs_[1] ^ b.limbs_[1], a.limbs_[2] ^ b.limbs_[2],
                       a.limbs_[3] ^ b.limbs_[3]});
  }
  /// Aborts where a set bit would leave the top; a shift of 256 or more is such only for a value other than
  /// 0.
  friend constexpr Uint256 operator<<(const Uint256& a, unsigned bits) {
    SEP_ASSERT(a.is_zero() || a.bit_length() + bits <= 256);
    return wrapping_shl(a, bits);
  }
  /// Bits that leave at the bottom are dropped: floor division by 2^bits.
  friend constexpr Uint256 operator>>(const Uint256& a, unsigned bits) {
    Uint256 out;
    const std::size_t limbs = bits / 64;
    const unsigned rest = bits % 64;
    for (std::size_t i = 0; i + limbs < 4; ++i) {
      out.limbs_[i] = a.limbs_[i + limbs] >> rest;
      if (rest != 0 && i + limbs + 1 < 4) out.limbs_[i] |= a.limbs_[i + limbs + 1] << (64 - rest);
    }
    return out;
  }

  struct DivMod;
  /// Floor division; aborts for a divisor of zero.
  static DivMod div_mod(const Uint256& a, const Uint256& b);

  friend constexpr std::optional<Uint256> checked_add(const Uint256& a, const Uint256& b) {
    Uint256 sum;
    if (add_carry(a, b, sum)) return std::nullopt;
    return sum;
  }
  friend constexpr std::optional<Uint256> checked_sub(const Uint256& a, const Uint256& b) {
    Uint256 difference;
    if (sub_borrow(a, b, difference)) return std::nullopt;
    return difference;
  }
  friend constexpr std::optional<Uint256> checked_mul(const Uint256& a, const Uint256& b) {
    const auto product = wide_mul(a, b);
    if ((product[4] | product[5] | product[6] | product[7]) != 0) return std::nullopt;
    return from_limbs({product[0], product[1], product[2], product[3]});
  }
  friend constexpr Uint256 wrapping_add(const Uint256& a, const Uint256& b) {
    Uint256 sum;
    add_carry(a, b, sum);
    return sum;
  }
  friend constexpr Uint256 wrapping_sub(const Uint256& a, const Uint256& b) {
    Uint256 difference;
    sub_borrow(a, b, difference);
    return difference;
  }
  friend constexpr Uint256 wrapping_mul(const Uint256& a, const Uint256& b) {
    const auto product = wide_mul(a, b);
    return from_limbs({product[0], product[1], product[2], product[3]});
  }
  friend constexpr Uint256 wrapping_shl(const Uint256& a, unsigned bits) {
    Uint256 out;
    const std::size_t limbs = bits / 64;
    const unsigned rest = bits % 64;
    for (std::size_t i = limbs; i < 4; ++i) {
      out.limbs_[i] = a.limbs_[i - limbs] << rest;
      if (rest != 0 && i > limbs) out.limbs_[i] |= a.limbs_[i - limbs - 1] >> (64 - rest);
    }
    return out;
  }

  /// All 512 bits of the product, least significant limb first.
  static constexpr std::array<std::uint64_t, 8> wide_mul(const Uint256& a, const Uint256& b) {
    std::array<std::uint64_t, 8> out{};
    for (std::size_t i = 0; i < 4; ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < 4; ++j) {
        const u128 term = static_cast<u128>(a.limbs_[i]) * b.limbs_[j] + out[i + j] + carry;
        out[i + j] = static_cast<std::uint64_t>(term);
        carry = static_cast<std::uint64_t>(term >> 64);
      }
      out[i + 4] = carry;
    }
    return out;
  }

 private:
  static constexpr bool add_carry(const Uint256& a, const Uint256& b, Uint256& sum) {
    u128 carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      carry += static_cast<u128>(a.limbs_[i]) + b.limbs_[i];
      sum.limbs_[i] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    return carry != 0;
  }
  static constexpr bool sub_borrow(const Uint256& a, const Uint256& b, Uint256& difference) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const u128 step = static_cast<u128>(a.limbs_[i]) - b.limbs_[i] - borrow;
      difference.limbs_[i] = static_cast<std::uint64_t>(step);
      borrow = static_cast<std::uint64_t>(step >> 64) & 1;
    }
    return borrow != 0;
  }

  std::array<std::uint64_t, 4> limbs_{};
};

// Friends are found only through an argument of the type; these declarations let integers convert.
constexpr std::optional<Uint256> checked_add(const Uint256& a, const Uint256& b);
constexpr std::optional<Uint256> checked_sub(const Uint256& a, const Uint256& b);
constexpr std::optional<Uint256> checked_mul(const Uint256& a, const Uint256& b);
constexpr Uint256 wrapping_add(const Uint256& a, const Uint256& b);
constexpr Uint256 wrapping_sub(const Uint256& a, const Uint256& b);
constexpr Uint256 wrapping_mul(const Uint256& a, const Uint256& b);

struct Uint256::DivMod {
  Uint256 quotient;
  Uint256 remainder;
};

inline Uint256 operator/(const Uint256& a, const Uint256& b) {
  return Uint256::div_mod(a, b).quotient;
}
inline Uint256 operator%(const Uint256& a, const Uint256& b) {
  return Uint256::div_mod(a, b).remainder;
}

/// floor(a * b / d) with a 512-bit product (Uniswap v3-core FullMath.sol). Empty where d is 0 or the quotient
/// does not fit.
std::optional<Uint256> mul_div(const Uint256& a, const Uint256& b, const Uint256& d);
/// ceil(a * b / d). Empty where d is 0 or the quotient does not fit.
std::optional<Uint256> mul_div_rounding_up(const Uint256& a, const Uint256& b, const Uint256& d);
/// ceil(a / d); aborts for a divisor of zero.
Uint256 div_rounding_up(const Uint256& a, const Uint256& d);
/// All that 64 bits hold.
inline constexpr auto kPowersOf10 = [] {
  std::array<std::uint64_t, 20> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = 10 * powers[i - 1];
  return powers;
}();
/// 10^exponent, exponent <= 77.
Uint256 pow10(unsigned exponent);

/// One digit or more, and nothing else.
bool all_digits(std::string_view text);
/// The number that `value` becomes with decimal digits (of none: itself) written behind it; nothing where it
/// is above 2^256 - 1.
std::optional<Uint256> with_digits(Uint256 value, std::string_view digits);

/// Decimal digits only, no sign, no leading zero (except "0" itself), below 2^256.
/// INVALID_VALUE; AMOUNT_OVERFLOW where it is too large.
Result<Uint256> parse_uint256(std::string_view decimal);
std::string to_string(const Uint256& value);

/// Ethereum JSON-RPC quantities: "0x0", "0x1a"; 1 to 64 digits of either case. Leading zeros are accepted,
/// since some nodes write them. INVALID_VALUE otherwise.
Result<Uint256> parse_quantity(std::string_view text);
/// "0x" and lower-case digits without leading zeros; "0x0" for zero.
std::string to_quantity(const Uint256& value);

/// The value of at most 32 bytes, most significant first; aborts for more.
Uint256 from_big_endian(std::span<const std::uint8_t> bytes);
/// 32 bytes, most significant first.
std::array<std::uint8_t, 32> to_big_endian(const Uint256& value);

}  // namespace sep

template <>
struct std::hash<sep::Uint256> {
  std::size_t operator()(const sep::Uint256& value) const noexcept {
    std::size_t seed = 0;
    for (std::size_t i = 0; i < 4; ++i) seed = (seed ^ value.limb(i)) * 0x9e3779b97f4a7c15ULL;
    return seed;
  }
};
