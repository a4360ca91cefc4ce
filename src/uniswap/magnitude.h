#pragma once
// Positive numbers of any size in 64 significant bits, rounded in a direction that the caller names: what
// upper and lower bounds are reckoned with. No amount of money is ever one of these.
#include <bit>
#include <compare>
#include <cstdint>

#include "base/uint256.h"
#include "uniswap/swap_math.h"

namespace sep::uniswap {

/// mantissa · 2^exponent; the mantissa's top bit is set, except in zero. Each operation's result is at most
/// (kDown) or at least (kUp) the true one, and within two units of the last of its 64 bits.
struct Magnitude {
  // Ordered by exponent first, which is the order of the values.
  std::int32_t exponent = kZeroExponent;
  std::uint64_t mantissa = 0;

  auto operator<=>(const Magnitude&) const = default;
  bool is_zero() const { return mantissa == 0; }

  static constexpr std::int32_t kZeroExponent = -(1 << 28);
  static constexpr std::uint64_t kTop = 1ULL << 63;
  static constexpr Magnitude one() { return {-63, kTop}; }
  /// Above every other one; for comparing only.
  static constexpr Magnitude infinite() { return {1 << 28, kTop}; }

  static Magnitude of(const Uint256& value, Rounding rounding) {
    const unsigned bits = value.bit_length();
    if (bits == 0) return {};
    if (bits <= 64) return {static_cast<std::int32_t>(bits) - 64, value.limb(0) << (64 - bits)};
    const Magnitude down{static_cast<std::int32_t>(bits - 64), (value >> (bits - 64)).limb(0)};
    return rounding == Rounding::kUp ? next(down) : down;
  }

  /// 1 / value, for a value above zero.
  Magnitude inverse(Rounding rounding) const {
    // (2^127 - 1) / mantissa lies between 2^63 and 2^64 and is at most two below the true quotient.
    const auto quotient = static_cast<std::uint64_t>((~u128{0} >> 1) / mantissa);
    const Magnitude down{-127 - exponent, quotient};
    return rounding == Rounding::kUp ? next(down) : down;
  }

  /// The greatest integer that is not above it; 2^256 - 1 where that is more.
  Uint256 floor() const {
    if (exponent > 192) return Uint256::max();
    if (exponent >= 0) return Uint256(mantissa) << static_cast<unsigned>(exponent);
    return exponent > -64 ? Uint256(mantissa >> -exponent) : Uint256();
  }

  /// The next greater one.
  static Magnitude next(const Magnitude& value) {
    if (value.mantissa == ~0ULL) return {value.exponent + 1, kTop};
    return {value.exponent, value.mantissa + 1};
  }

  /// Both above zero.
  friend Magnitude multiply(const Magnitude& a, const Magnitude& b, Rounding rounding) {
    const u128 product = static_cast<u128>(a.mantissa) * b.mantissa;
    const auto shift = static_cast<std::int32_t>(product >> 127);
    const Magnitude down{a.exponent + b.exponent + 63 + shift,
                         static_cast<std::uint64_t>(product >> (63 + shift))};
    return rounding == Rounding::kUp ? next(down) : down;
  }

  friend Magnitude add(const Magnitude& a, const Magnitude& b, Rounding rounding) {
    const Magnitude& large = a < b ? b : a;
    const Magnitude& small = a < b ? a : b;
    const std::int32_t distance = large.exponent - small.exponent;
    const u128 sum = static_cast<u128>(large.mantissa) + (distance < 64 ? small.mantissa >> distance : 0);
    const auto carry = static_cast<std::int32_t>(sum >> 64);
    const Magnitude down{large.exponent + carry, static_cast<std::uint64_t>(sum >> carry)};
    return rounding == Rounding::kUp ? next(down) : down;
  }

  /// At least a - b; zero where b is at least a.
  friend Magnitude subtract_up(const Magnitude& a, const Magnitude& b) {
    if (a <= b) return {};
    const std::int32_t distance = a.exponent - b.exponent;
    // The subtrahend is rounded down. It is below a, so the difference is above zero.
    const std::uint64_t difference = a.mantissa - (distance < 64 ? b.mantissa >> distance : 0);
    const int shift = std::countl_zero(difference);
    return {a.exponent - shift, difference << shift};
  }
};

}  // namespace sep::uniswap
