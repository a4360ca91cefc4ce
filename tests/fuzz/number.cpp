// Decimal amounts, quantities and 256-bit arithmetic, each against a second method: Boost.Multiprecision, and
// the way back.
#include <optional>
#include <string>

#include "fuzz/fuzz.h"
#include <boost/multiprecision/cpp_int.hpp>

#include "base/decimal.h"
#include "base/hex.h"
#include "base/uint256.h"

namespace sep {
namespace {

using Big = boost::multiprecision::cpp_int;

Big big(const Uint256& value) {
  Big out;
  for (std::size_t i = 4; i-- > 0;) out = (out << 64) | value.limb(i);
  return out;
}
const Big kMax = big(Uint256::max());

/// The value of an accepted decimal text, times 10^decimals, digit by digit.
Big scaled(std::string_view text, unsigned decimals) {
  Big value = 0;
  unsigned after = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.') {
      point = true;
      continue;
    }
    value = value * 10 + (c - '0');
    if (point) ++after;
  }
  SEP_ASSERT(after <= decimals);
  for (; after < decimals; ++after) value *= 10;
  return value;
}

/// SPEC 3's form: digits, no sign, no leading zero, digits on both sides of a point.
bool well_formed(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!digits(whole) || (whole.size() > 1 && whole.front() == '0')) return false;
  return point == std::string_view::npos || digits(text.substr(point + 1));
}

void decimals_of(std::string_view text, unsigned decimals) {
  const auto parsed = parse_decimal(text, decimals);
  const auto amount = parse_amount(text, decimals);
  if (!parsed) {
    fuzz::expect_said(parsed.error());
    SEP_ASSERT(!amount);
    fuzz::expect_said(amount.error());
    // Refused for a reason: its form, its length, its decimals, or its size.
    const auto point = text.find('.');
    const auto after = point == std::string_view::npos ? 0 : text.size() - point - 1;
    SEP_ASSERT(!well_formed(text) || text.size() > 256 || after > decimals || scaled(text, decimals) > kMax);
    return;
  }
  SEP_ASSERT(well_formed(text));
  SEP_ASSERT(big(*parsed) == scaled(text, decimals));
  SEP_ASSERT(amount.has_value() == !parsed->is_zero());
  const auto canonical = format_amount(*parsed, decimals);
  SEP_ASSERT(canonical.size() <= text.size());
  SEP_ASSERT(parse_decimal(canonical, decimals) == *parsed);
}

void integers_of(std::string_view text) {
  if (const auto parsed = parse_uint256(text)) {
    SEP_ASSERT(to_string(*parsed) == text);
    SEP_ASSERT(big(*parsed).str() == text);
  } else {
    fuzz::expect_said(parsed.error());
  }
  if (const auto quantity = parse_quantity(text)) {
    SEP_ASSERT(big(*quantity) == Big(std::string(text)));
    SEP_ASSERT(parse_quantity(to_quantity(*quantity)) == *quantity);
  } else {
    fuzz::expect_said(quantity.error());
  }
  if (const auto bytes = from_hex(text)) {
    std::string lower(text);
    for (auto& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    SEP_ASSERT(to_hex(*bytes) == lower);
  }
}

void same(const std::optional<Uint256>& ours, const std::optional<Big>& theirs) {
  SEP_ASSERT(ours.has_value() == (theirs.has_value() && *theirs >= 0 && *theirs <= kMax));
  if (ours) SEP_ASSERT(big(*ours) == *theirs);
}

void arithmetic_of(const Uint256& a, const Uint256& b, const Uint256& d) {
  const Big x = big(a), y = big(b), z = big(d);
  same(checked_add(a, b), x + y);
  same(checked_sub(a, b), x - y);
  same(checked_mul(a, b), x * y);
  SEP_ASSERT(big(wrapping_mul(a, b)) == ((x * y) & kMax));
  SEP_ASSERT((a < b) == (x < y) && (a == b) == (x == y));
  const unsigned bits = d.limb(0) % 300;
  SEP_ASSERT(big(a >> bits) == x >> bits);
  SEP_ASSERT(big(wrapping_shl(a, bits)) == ((x << bits) & kMax));
  if (z == 0) {
    SEP_ASSERT(!mul_div(a, b, d) && !mul_div_rounding_up(a, b, d));
  } else {
    same(mul_div(a, b, d), Big(x * y / z));
    same(mul_div_rounding_up(a, b, d), Big((x * y + z - 1) / z));
    const auto divided = Uint256::div_mod(a, d);
    SEP_ASSERT(big(divided.quotient) == x / z && big(divided.remainder) == x % z);
    SEP_ASSERT(big(div_rounding_up(a, d)) == (x + z - 1) / z);
  }
  SEP_ASSERT(from_big_endian(to_big_endian(a)) == a);
  SEP_ASSERT(to_string(a) == x.str() && parse_uint256(to_string(a)) == a);
}

}  // namespace

FUZZ_TARGET(data) {
  fuzz::Take take(data);
  const auto choice = take.byte();
  if (choice % 2 == 0) {
    decimals_of(fuzz::text_of(take.rest()), choice / 2 % 37);
    integers_of(fuzz::text_of(take.rest()));
    return;
  }
  const auto a = from_big_endian(take.next(32)), b = from_big_endian(take.next(32));
  arithmetic_of(a, b, from_big_endian(take.next(32)));
}

}  // namespace sep
