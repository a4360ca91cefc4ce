#include "uniswap/price.h"

#include "base/decimal.h"
#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

constexpr unsigned kScaleBits = 64;  // extra binary digits that keep small values exact enough to compare

/// What `amount` is worth at the price, rounded down.
std::optional<Uint256> at_price(const Uint256& sqrt_price, Direction direction, const Uint256& amount) {
  if (sqrt_price.is_zero()) return std::nullopt;
  const bool zero_for_one = direction == Direction::kZeroForOne;
  const Uint256& numerator = zero_for_one ? sqrt_price : kQ96;
  const Uint256& denominator = zero_for_one ? kQ96 : sqrt_price;
  const auto once = mul_div(amount, numerator, denominator);
  return once ? mul_div(*once, numerator, denominator) : std::nullopt;
}

/// amount · 2^64.
std::optional<Uint256> scaled(const Uint256& amount) {
  if (amount.bit_length() + kScaleBits > 256) return std::nullopt;
  return amount << kScaleBits;
}

/// value_at_spot · 2^64.
std::optional<Uint256> scaled_value(const Uint256& sqrt_price, Direction direction, const Uint256& amount) {
  const auto more = scaled(amount);
  return more ? at_price(sqrt_price, direction, *more) : std::nullopt;
}

/// What the spot prices promised for a path's input, fees left out; · 2^64.
std::optional<Uint256> scaled_promise(std::span<const SwapAtPrice> path) {
  auto promised = scaled(path.front().swap.amount_in);
  for (const auto& [price, direction, swap] : path) {
    if (!promised || swap.amount_in.is_zero()) return std::nullopt;
    promised = mul_div(*promised, swap.amount_in - swap.fee_amount, swap.amount_in);
    if (promised) promised = at_price(price, direction, *promised);
  }
  return promised;
}

Uint256 shortfall_wad(const Uint256& amount_out, const std::optional<Uint256>& scaled_promise) {
  const auto given = scaled(amount_out);
  if (amount_out.is_zero() || !scaled_promise || !given) return kWad;
  if (*given >= *scaled_promise) return 0;
  return *mul_div(*scaled_promise - *given, kWad, *scaled_promise);
}

}  // namespace

std::optional<Uint256> value_at_spot(const Uint256& sqrt_price_x96, Direction direction,
                                     const Uint256& amount_in) {
  const auto scaled = scaled_value(sqrt_price_x96, direction, amount_in);
  if (!scaled) return std::nullopt;
  return *scaled >> kScaleBits;
}

Uint256 price_impact_wad(const Uint256& sqrt_price_x96_before, Direction direction, const SwapResult& swap) {
  return shortfall_wad(swap.amount_out,
                       scaled_value(sqrt_price_x96_before, direction, swap.amount_in - swap.fee_amount));
}

Uint256 price_impact_wad(std::span<const std::vector<SwapAtPrice>> paths) {
  Uint256 given;
  std::optional<Uint256> promised = Uint256();
  for (const auto& path : paths) {
    given += path.back().swap.amount_out;
    const auto one = scaled_promise(path);
    promised = promised && one ? checked_add(*promised, *one) : std::nullopt;
  }
  return shortfall_wad(given, promised);
}

}  // namespace sep::uniswap
