#include "base/decimal.h"

#include <algorithm>

namespace sep {
namespace {

constexpr std::size_t kMaxLength = 256;  // characters; 2^256 - 1 with 77 decimals needs 79

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Of digits whose number 64 bits hold; 0 of none.
std::uint64_t small_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) value = 10 * value + static_cast<std::uint64_t>(c - '0');
  return value;
}

}  // namespace

Result<Uint256> parse_decimal(std::string_view text, unsigned decimals) {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  const bool plain = text.size() <= kMaxLength && all_digits(whole) &&
                     (whole.size() == 1 || whole[0] != '0') &&
                     (point == std::string_view::npos || all_digits(fraction));
  if (!plain) return fail(errc::kInvalidAmount, "must be a plain decimal number such as \"1\" or \"0.25\"");
  if (fraction.size() > decimals)
    return fail(errc::kTooManyDecimals, "has " + std::to_string(fraction.size()) + " decimals; at most " +
                                            std::to_string(decimals) + " are allowed");

  constexpr auto kDigits = kPowersOf10.size() - 1;  // of them 64 bits hold any
  if (whole.size() <= kDigits && decimals <= kDigits)
    return u128{small_number(whole)} * kPowersOf10[decimals] +
           small_number(fraction) * kPowersOf10[decimals - fraction.size()];
  std::string digits(whole);
  digits += fraction;
  digits.append(decimals - fraction.size(), '0');
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  auto value = parse_uint256(digits);
  if (!value) return fail(errc::kAmountOverflow, "is above 2^256 - 1 base units");
  return value;
}

Result<Uint256> parse_amount(std::string_view text, unsigned decimals) {
  SEP_TRY(const auto value, parse_decimal(text, decimals));
  if (value.is_zero()) return fail(errc::kInvalidAmount, "must be greater than zero");
  return value;
}

std::string format_amount(const Uint256& value, unsigned decimals) {
  std::string text = to_string(value);
  if (decimals == 0) return text;
  if (text.size() <= decimals) text.insert(0, decimals + 1 - text.size(), '0');
  text.insert(text.size() - decimals, 1, '.');
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace sep
