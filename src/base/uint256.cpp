#include "base/uint256.h"

#include <algorithm>

#include "base/hex.h"

namespace sep {
namespace {

using u64 = std::uint64_t;

constexpr u64 high(u128 value) {
  return static_cast<u64>(value >> 64);
}
constexpr u64 low(u128 value) {
  return static_cast<u64>(value);
}
constexpr u128 join(u64 hi, u64 lo) {
  return static_cast<u128>(hi) << 64 | lo;
}

// Division by a normalised divisor with a precomputed reciprocal: N. Möller, T. Granlund, "Improved division
// by invariant integers", IEEE Transactions on Computers 60 (2011). A 128-by-64 machine division costs
// several times as much.

/// floor((2^128 - 1) / d) - 2^64, for d with its top bit set.
u64 reciprocal_2by1(u64 d) {
  return low(join(~d, ~u64{0}) / d);
}

/// The reciprocal of the two-limb divisor (d1, d0), d1 with its top bit set (algorithm 6).
u64 reciprocal_3by2(u64 d1, u64 d0) {
  u64 v = reciprocal_2by1(d1);
  u64 p = d1 * v + d0;
  if (p < d0) {
    --v;
    if (p >= d1) {
      --v;
      p -= d1;
    }
    p -= d1;
  }
  const u128 t = static_cast<u128>(v) * d0;
  p += high(t);
  if (p < high(t)) {
    --v;
    if (join(p, low(t)) >= join(d1, d0)) --v;
  }
  return v;
}

struct QuotientRemainder1 {
  u64 quotient;
  u64 remainder;
};
struct QuotientRemainder2 {
  u64 quotient;
  u128 remainder;
};

/// (u1, u0) / d with u1 < d (algorithm 4).
QuotientRemainder1 divide_2by1(u64 u1, u64 u0, u64 d, u64 reciprocal) {
  u128 q = static_cast<u128>(reciprocal) * u1 + join(u1, u0);
  u64 q1 = high(q) + 1;
  u64 r = u0 - q1 * d;
  if (r > low(q)) {
    --q1;
    r += d;
  }
  if (r >= d) {
    ++q1;
    r -= d;
  }
  return {q1, r};
}

/// (u2, u1, u0) / d with (u2, u1) < d (algorithm 5).
QuotientRemainder2 divide_3by2(u64 u2, u64 u1, u64 u0, u128 d, u64 reciprocal) {
  const u128 q = static_cast<u128>(reciprocal) * u2 + join(u2, u1);
  u64 q1 = high(q);
  u128 r = join(u1 - q1 * high(d), u0) - static_cast<u128>(low(d)) * q1 - d;
  ++q1;
  if (high(r) >= low(q)) {
    --q1;
    r += d;
  }
  if (r >= d) {
    ++q1;
    r -= d;
  }
  return {q1, r};
}

template <std::size_t N>
struct Division {
  std::array<u64, N> quotient{};
  std::array<u64, 4> remainder{};
};

/// numerator / divisor, Knuth's algorithm D (TAOCP 4.3.1) on 64-bit limbs; divisor is not zero.
template <std::size_t N>
Division<N> divide(const std::array<u64, N>& numerator, const std::array<u64, 4>& divisor) {
  Division<N> result;
  std::size_t n = 4;
  while (divisor[n - 1] == 0) --n;
  std::size_t m = N;
  while (m > 0 && numerator[m - 1] == 0) --m;
  if (m < n) {
    std::copy_n(numerator.begin(), m, result.remainder.begin());
    return result;
  }

  // Normalise: shift both so that the divisor's top bit is set.
  const auto shift = static_cast<unsigned>(std::countl_zero(divisor[n - 1]));
  const auto shifted = [shift](u64 limb, u64 below) {
    return shift == 0 ? limb : limb << shift | below >> (64 - shift);
  };
  std::array<u64, 4> v{};
  for (std::size_t i = n; i-- > 0;) v[i] = shifted(divisor[i], i > 0 ? divisor[i - 1] : 0);
  std::array<u64, N + 1> u{};
  u[m] = shifted(0, numerator[m - 1]);
  for (std::size_t i = m; i-- > 0;) u[i] = shifted(numerator[i], i > 0 ? numerator[i - 1] : 0);

  if (n == 1) {
    const u64 reciprocal = reciprocal_2by1(v[0]);
    u64 remainder = u[m];
    for (std::size_t j = m; j-- > 0;) {
      const auto step = divide_2by1(remainder, u[j], v[0], reciprocal);
      result.quotient[j] = step.quotient;
      remainder = step.remainder;
    }
    result.remainder[0] = remainder >> shift;
    return result;
  }

  const u128 top = join(v[n - 1], v[n - 2]);
  const u64 reciprocal = reciprocal_3by2(v[n - 1], v[n - 2]);
  for (std::size_t j = m - n + 1; j-- > 0;) {
    const u64 u2 = u[j + n];
    const u64 u1 = u[j + n - 1];
    const u64 u0 = u[j + n - 2];
    if (join(u2, u1) == top) {
      // The digit would be 2^64: it is 2^64 - 1, and the remainder follows from one plain multiply-subtract.
      u64 carry = 0;
      u64 borrow = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const u128 product = static_cast<u128>(~u64{0}) * v[i] + carry;
        carry = high(product);
        const u128 difference = static_cast<u128>(u[i + j]) - low(product) - borrow;
        u[i + j] = low(difference);
        borrow = high(difference) & 1;
      }
      u[j + n] = u2 - carry - borrow;
      result.quotient[j] = ~u64{0};
      continue;
    }
    auto [digit, rest] = divide_3by2(u2, u1, u0, top, reciprocal);
    u64 carry = 0;
    u64 borrow = 0;
    for (std::size_t i = 0; i + 2 < n; ++i) {
      const u128 product = static_cast<u128>(digit) * v[i] + carry;
      carry = high(product);
      const u128 difference = static_cast<u128>(u[i + j]) - low(product) - borrow;
      u[i + j] = low(difference);
      borrow = high(difference) & 1;
    }
    const u128 subtrahend = static_cast<u128>(carry) + borrow;
    const bool too_large = rest < subtrahend;
    rest -= subtrahend;
    if (too_large) {
      // The digit was one too large (it saw only the divisor's two top limbs): give one divisor back.
      --digit;
      u64 add_carry = 0;
      for (std::size_t i = 0; i + 2 < n; ++i) {
        const u128 sum = static_cast<u128>(u[i + j]) + v[i] + add_carry;
        u[i + j] = low(sum);
        add_carry = high(sum);
      }
      rest += top + add_carry;
    }
    u[j + n - 2] = low(rest);
    u[j + n - 1] = high(rest);
    u[j + n] = 0;
    result.quotient[j] = digit;
  }
  for (std::size_t i = 0; i < n; ++i)
    result.remainder[i] = shift == 0 ? u[i] : u[i] >> shift | u[i + 1] << (64 - shift);
  return result;
}

constexpr std::array<u64, 4> limbs_of(const Uint256& value) {
  return {value.limb(0), value.limb(1), value.limb(2), value.limb(3)};
}

struct MulDiv {
  Uint256 quotient;
  bool exact;
};

std::optional<MulDiv> full_mul_div(const Uint256& a, const Uint256& b, const Uint256& d) {
  if (d.is_zero()) return std::nullopt;
  const auto result = divide(Uint256::wide_mul(a, b), limbs_of(d));
  const auto& q = result.quotient;
  if ((q[4] | q[5] | q[6] | q[7]) != 0) return std::nullopt;
  return MulDiv{Uint256::from_limbs({q[0], q[1], q[2], q[3]}),
                Uint256::from_limbs(result.remainder).is_zero()};
}

}  // namespace

Uint256::DivMod Uint256::div_mod(const Uint256& a, const Uint256& b) {
  SEP_ASSERT(!b.is_zero());
  const auto result = divide(a.limbs_, b.limbs_);
  return {from_limbs(result.quotient), from_limbs(result.remainder)};
}

std::optional<Uint256> mul_div(const Uint256& a, const Uint256& b, const Uint256& d) {
  const auto result = full_mul_div(a, b, d);
  if (!result) return std::nullopt;
  return result->quotient;
}

std::optional<Uint256> mul_div_rounding_up(const Uint256& a, const Uint256& b, const Uint256& d) {
  const auto result = full_mul_div(a, b, d);
  if (!result) return std::nullopt;
  return result->exact ? result->quotient : checked_add(result->quotient, 1);
}

Uint256 div_rounding_up(const Uint256& a, const Uint256& d) {
  const auto [quotient, remainder] = Uint256::div_mod(a, d);
  return remainder.is_zero() ? quotient : quotient + 1;
}

Uint256 pow10(unsigned exponent) {
  Uint256 power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

Result<Uint256> parse_uint256(std::string_view decimal) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (decimal.empty() || !std::ranges::all_of(decimal, is_digit))
    return fail(errc::kInvalidValue, "not a decimal integer");
  if (decimal.size() > 1 && decimal[0] == '0')
    return fail(errc::kInvalidValue, "an integer with a leading zero");
  std::optional<Uint256> value = 0;
  for (const char c : decimal) {
    value = checked_mul(*value, 10);
    if (value) value = checked_add(*value, c - '0');
    if (!value) return fail(errc::kAmountOverflow, "an integer above 2^256 - 1");
  }
  return *value;
}

std::string to_string(const Uint256& value) {
  constexpr u64 kChunk = 10'000'000'000'000'000'000ULL;  // 10^19, the largest power of ten in 64 bits
  std::string text;
  Uint256 rest = value;
  while (!rest.is_zero()) {
    const auto [quotient, remainder] = Uint256::div_mod(rest, kChunk);
    u64 chunk = remainder.to_u64();
    for (int i = 0; i < 19 && (chunk != 0 || !quotient.is_zero()); ++i, chunk /= 10)
      text += static_cast<char>('0' + chunk % 10);
    rest = quotient;
  }
  if (text.empty()) return "0";
  std::ranges::reverse(text);
  return text;
}

Result<Uint256> parse_quantity(std::string_view text) {
  if (!text.starts_with("0x") || text.size() < 3 || text.size() > 66)
    return fail(errc::kInvalidValue, "not a quantity: 0x and 1 to 64 hexadecimal digits");
  Uint256 value;
  for (const char c : text.substr(2)) {
    const int digit = hex_digit(c);
    if (digit < 0) return fail(errc::kInvalidValue, "not a hexadecimal digit");
    value = value << 4 | Uint256(digit);
  }
  return value;
}

std::string to_quantity(const Uint256& value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (Uint256 rest = value; !rest.is_zero(); rest = rest >> 4) text += kDigits[rest.limb(0) & 15];
  if (text.empty()) return "0x0";
  text += "x0";
  std::ranges::reverse(text);
  return text;
}

Uint256 from_big_endian(std::span<const std::uint8_t> bytes) {
  SEP_ASSERT(bytes.size() <= 32);
  std::array<u64, 4> limbs{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    limbs[i / 8] |= static_cast<u64>(bytes[bytes.size() - 1 - i]) << (8 * (i % 8));
  return Uint256::from_limbs(limbs);
}

std::array<std::uint8_t, 32> to_big_endian(const Uint256& value) {
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t i = 0; i < 32; ++i)
    bytes[31 - i] = static_cast<std::uint8_t>(value.limb(i / 8) >> (8 * (i % 8)));
  return bytes;
}

}  // namespace sep
