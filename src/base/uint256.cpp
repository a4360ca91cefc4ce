#include "base/uint256.h"

#include <algorithm>

#include "base/hex.h"
#include "base/wide.h"

namespace sep {
namespace {

using u64 = std::uint64_t;

constexpr std::array<u64, 4> limbs_of(const Uint256& value) {
  return {value.limb(0), value.limb(1), value.limb(2), value.limb(3)};
}

template <std::size_t M>
std::optional<Uint256> rounded(const wide::Quotient<M>& quotient, bool up) {
  for (std::size_t i = 4; i < M; ++i)
    if (quotient.value[i] != 0) return std::nullopt;
  const auto& q = quotient.value;
  const auto floor = Uint256::from_limbs({q[0], q[1], q[2], q[3]});
  return up && !quotient.exact ? checked_add(floor, 1) : floor;
}

std::optional<Uint256> mul_div(const Uint256& a, const Uint256& b, const Uint256& d, bool up) {
  if (d.is_zero()) return std::nullopt;
  if (a.fits_u128() && b.fits_u128()) {
    const auto product = wide::multiply<2, 2>({a.limb(0), a.limb(1)}, {b.limb(0), b.limb(1)});
    return rounded(wide::divide(product, limbs_of(d)), up);
  }
  return rounded(wide::divide(Uint256::wide_mul(a, b), limbs_of(d)), up);
}

template <std::size_t N>
Uint256::DivMod divide_by(const Uint256& a, const Uint256& d) {
  wide::Limbs<N> divisor{};
  for (std::size_t i = 0; i < N; ++i) divisor[i] = d.limb(i);
  const auto division = wide::Divisor<N>(divisor).divide(limbs_of(a));
  std::array<u64, 4> remainder{};
  std::ranges::copy(division.remainder, remainder.begin());
  return {Uint256::from_limbs(division.quotient), Uint256::from_limbs(remainder)};
}

}  // namespace

Uint256::DivMod Uint256::div_mod(const Uint256& a, const Uint256& b) {
  switch (wide::length(b.limbs_)) {
    case 1:
      return divide_by<1>(a, b);
    case 2:
      return divide_by<2>(a, b);
    case 3:
      return divide_by<3>(a, b);
    default:
      SEP_ASSERT(!b.is_zero());
      return divide_by<4>(a, b);
  }
}

std::optional<Uint256> mul_div(const Uint256& a, const Uint256& b, const Uint256& d) {
  return mul_div(a, b, d, false);
}

std::optional<Uint256> mul_div_rounding_up(const Uint256& a, const Uint256& b, const Uint256& d) {
  return mul_div(a, b, d, true);
}

Uint256 div_rounding_up(const Uint256& a, const Uint256& d) {
  const auto [quotient, remainder] = Uint256::div_mod(a, d);
  return remainder.is_zero() ? quotient : quotient + 1;
}

Uint256 pow10(unsigned exponent) {
  constexpr unsigned kLast = kPowersOf10.size() - 1;
  Uint256 power = kPowersOf10[std::min(exponent, kLast)];
  for (unsigned done = kLast; done < exponent; done += kLast)
    power *= kPowersOf10[std::min(exponent - done, kLast)];
  return power;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Uint256> with_digits(Uint256 value, std::string_view digits) {
  constexpr std::size_t kDigits = kPowersOf10.size() - 1;  // of them 64 bits hold any
  for (; !digits.empty(); digits.remove_prefix(std::min(digits.size(), kDigits))) {
    u64 chunk = 0;
    for (const char c : digits.substr(0, kDigits)) chunk = 10 * chunk + static_cast<u64>(c - '0');
    const auto power = kPowersOf10[std::min(digits.size(), kDigits)];
    if (value.fits_u64()) {
      value = u128{value.to_u64()} * power + chunk;
      continue;
    }
    const auto shifted = checked_mul(value, power);
    const auto sum = shifted ? checked_add(*shifted, chunk) : std::nullopt;
    if (!sum) return std::nullopt;
    value = *sum;
  }
  return value;
}

Result<Uint256> parse_uint256(std::string_view decimal) {
  if (!all_digits(decimal)) return fail(errc::kInvalidValue, "not a decimal integer");
  if (decimal.size() > 1 && decimal[0] == '0')
    return fail(errc::kInvalidValue, "an integer with a leading zero");
  const auto value = with_digits(0, decimal);
  if (!value) return fail(errc::kAmountOverflow, "an integer above 2^256 - 1");
  return *value;
}

std::string to_string(const Uint256& value) {
  constexpr unsigned kDigits = kPowersOf10.size() - 1;  // of a piece; what is left at the front has up to 20
  std::array<char, 80> text{};
  auto* begin = text.end();
  Uint256 rest = value;
  while (!rest.fits_u64()) {
    const auto [quotient, remainder] = Uint256::div_mod(rest, kPowersOf10[kDigits]);
    u64 piece = remainder.to_u64();
    for (unsigned i = 0; i < kDigits; ++i, piece /= 10) *--begin = static_cast<char>('0' + piece % 10);
    rest = quotient;
  }
  u64 front = rest.to_u64();
  do {
    *--begin = static_cast<char>('0' + front % 10);
    front /= 10;
  } while (front != 0);
  return {begin, text.end()};
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
