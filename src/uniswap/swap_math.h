#pragma once
// One step of a swap: the amounts between two prices at constant liquidity (v3-core 1.0.1, SwapMath.sol and
// SqrtPriceMath.sol). Every rounding is the contract's.
#include <cstdint>

#include "base/uint256.h"

namespace sep::uniswap {

/// 100 % in the unit of fees: hundredths of a basis point.
inline constexpr std::uint32_t kFeeUnit = 1'000'000;

enum class Direction { kZeroForOne, kOneForZero };  // token0 in and price falls; token1 in and price rises
enum class Kind { kExactInput, kExactOutput };
enum class Rounding { kDown, kUp };

/// Token0 between two prices (in any order, both above 0): liquidity · 2^96 · |a - b| / (a · b).
Uint256 amount0_delta(const Uint256& sqrt_a_x96, const Uint256& sqrt_b_x96, u128 liquidity,
                      Rounding rounding);
/// Token1 between two prices: liquidity · |a - b| / 2^96.
Uint256 amount1_delta(const Uint256& sqrt_a_x96, const Uint256& sqrt_b_x96, u128 liquidity,
                      Rounding rounding);

/// The price after `amount` of input (without fee) at constant liquidity > 0, rounded so that the target is
/// not passed. The price must stay a valid one: the caller knows that the amount does not reach the target.
Uint256 next_price_from_input(const Uint256& sqrt_price_x96, u128 liquidity, const Uint256& amount,
                              Direction direction);
/// The price after `amount` of output, rounded so that the target is passed. Precondition as above.
Uint256 next_price_from_output(const Uint256& sqrt_price_x96, u128 liquidity, const Uint256& amount,
                               Direction direction);

struct SwapStep {
  Uint256 sqrt_price_next_x96;
  Uint256 amount_in;  // without the fee
  Uint256 amount_out;
  Uint256 fee_amount;
};

/// The way from `current` to `target`, crossed whole: the same for every swap that does so.
SwapStep compute_whole_step(const Uint256& current_x96, const Uint256& target_x96, u128 liquidity,
                            Direction direction, std::uint32_t fee_pips);

/// The last step of a swap, which ends before the target. Precondition: liquidity and `remaining` are above
/// 0, and `remaining` is below what the whole step to the next stop takes (exact input, fee included) or
/// gives (exact output).
SwapStep compute_partial_step(const Uint256& current_x96, u128 liquidity, const Uint256& remaining, Kind kind,
                              Direction direction, std::uint32_t fee_pips);

/// What compute_partial_step gives for an exact input, its price and fee left out.
Uint256 partial_output(const Uint256& current_x96, u128 liquidity, const Uint256& remaining,
                       Direction direction, std::uint32_t fee_pips);

/// Swaps from `current` towards `target` until it is reached or `remaining` is used up: input including fee,
/// or output. The direction is the target's side; the two may be equal (a step of zero length).
SwapStep compute_swap_step(const Uint256& current_x96, const Uint256& target_x96, u128 liquidity,
                           const Uint256& remaining, Kind kind, Direction direction, std::uint32_t fee_pips);

}  // namespace sep::uniswap
