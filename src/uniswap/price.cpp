#include "uniswap/price.h"

#include "base/decimal.h"
#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

constexpr unsigned kScaleBits = 64;  // extra binary digits that keep small values exact enough to compare

/// value_at_spot · 2^64.
std::optional<Uint256> scaled_value(const Uint256& sqrt_price, Direction direction, const Uint256& amount) {
  if (sqrt_price.is_zero() || amount.bit_length() + kScaleBits > 256) return std::nullopt;
  const bool zero_for_one = direction == Direction::kZeroForOne;
  const Uint256& numerator = zero_for_one ? sqrt_price : kQ96;
  const Uint256& denominator = zero_for_one ? kQ96 : sqrt_price;
  const auto once = mul_div(amount << kScaleBits, numerator, denominator);
  return once ? mul_div(*once, numerator, denominator) : std::nullopt;
}

}  // namespace

std::optional<Uint256> value_at_spot(const Uint256& sqrt_price_x96, Direction direction,
                                     const Uint256& amount_in) {
  const auto scaled = scaled_value(sqrt_price_x96, direction, amount_in);
  if (!scaled) return std::nullopt;
  return *scaled >> kScaleBits;
}

Uint256 price_impact_wad(const Uint256& sqrt_price_x96_before, Direction direction, const SwapResult& swap) {
  const auto promised = scaled_value(sqrt_price_x96_before, direction, swap.amount_in - swap.fee_amount);
  if (swap.amount_out.is_zero() || !promised) return kWad;
  const Uint256 given = swap.amount_out << kScaleBits;
  if (given >= *promised) return 0;
  return *mul_div(*promised - given, kWad, *promised);
}

}  // namespace sep::uniswap
