#include "base/decimal.h"

#include <algorithm>
#include <optional>

namespace sep {
namespace {

constexpr std::size_t kMaxLength = 256;  // characters; 2^256 - 1 with 77 decimals needs 79

/// value · 10^zeros; nothing where that is above 2^256 - 1.
std::optional<Uint256> with_zeros(const Uint256& value, std::size_t zeros) {
  constexpr std::size_t kMostZeros = 77;  // of any number but zero
  if (value.fits_u64() && zeros < kPowersOf10.size()) return u128{value.to_u64()} * kPowersOf10[zeros];
  if (value.is_zero()) return value;
  if (zeros > kMostZeros) return std::nullopt;
  return checked_mul(value, pow10(static_cast<unsigned>(zeros)));
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

  auto value = with_digits(0, whole);
  if (value) value = with_digits(*value, fraction);
  if (value) value = with_zeros(*value, decimals - fraction.size());
  if (!value) return fail(errc::kAmountOverflow, "is above 2^256 - 1 base units");
  return *value;
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
