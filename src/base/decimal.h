#pragma once
// Amounts between people and integers: "2512.4" USDC is 2512400000 base units. Exact in both directions; no
// float.
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/uint256.h"

namespace sep {

/// 10^18: one whole in the fixed-point form ("wad") that ratios and ether amounts are held in.
inline constexpr std::uint64_t kWad = 1'000'000'000'000'000'000ULL;

/// A positive amount of whole tokens as base units of a token with `decimals` decimals: "1", "1.0", "0.5".
/// INVALID_AMOUNT: zero, a sign, an exponent, spaces, "", ".5", "1.", "01", or over 256 characters;
/// TOO_MANY_DECIMALS: more digits after the point than the token has (zeros count); AMOUNT_OVERFLOW: above
/// 2^256 - 1.
Result<Uint256> parse_amount(std::string_view text, unsigned decimals);

/// The same, with zero allowed.
Result<Uint256> parse_decimal(std::string_view text, unsigned decimals);

/// The exact canonical text: no trailing zeros after the point, no point without digits after it ("1",
/// "2512.4").
std::string format_amount(const Uint256& value, unsigned decimals);

}  // namespace sep
