#pragma once
// Spot values and price impact. The spot price is the exact ratio sqrt_price_x96² / 2^192 of base units of
// token1 for one base unit of token0.
#include <optional>
#include <span>
#include <vector>

#include "base/uint256.h"
#include "uniswap/pool.h"

namespace sep::uniswap {

/// What `amount_in` is worth in the other token at the spot price, without fee or impact; in base units,
/// rounded down (computed with 64 binary digits after the point). Empty where amount or value exceeds 192
/// bits.
std::optional<Uint256> value_at_spot(const Uint256& sqrt_price_x96, Direction direction,
                                     const Uint256& amount_in);

/// How much less a swap gives than the spot price before it promised, fee left out:
///   1 - amount_out / ((amount_in - fee_amount) · spot price)
/// as a fraction of 10^18, rounded down; 0 for dust where rounding hides it, 10^18 where nothing comes out.
Uint256 price_impact_wad(const Uint256& sqrt_price_x96_before, Direction direction, const SwapResult& swap);

/// A swap and the price that it met.
struct SwapAtPrice {
  Uint256 sqrt_price_x96_before;
  Direction direction = Direction::kZeroForOne;
  SwapResult swap;
};

/// The same for several paths side by side, each a chain of swaps in which what comes out of one goes into
/// the next: 1 - (sum of what comes out) / (sum of what the spot prices on each path promised for its
/// amount_in, less the share that each hop's fee really took). For one path of one swap it is
/// price_impact_wad of that swap.
Uint256 price_impact_wad(std::span<const std::vector<SwapAtPrice>> paths);

}  // namespace sep::uniswap
