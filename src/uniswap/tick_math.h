#pragma once
// Prices and ticks: price(tick) = 1.0001^tick, held as its square root in Q64.96 (v3-core 1.0.1,
// TickMath.sol).
#include <cstdint>

#include "base/uint256.h"

namespace sep::uniswap {

inline constexpr std::int32_t kMinTick = -887272;
inline constexpr std::int32_t kMaxTick = 887272;
/// sqrt_ratio_at_tick(kMinTick) and (kMaxTick). A pool's price lies in [kMinSqrtRatio, kMaxSqrtRatio).
inline constexpr Uint256 kMinSqrtRatio = 4295128739U;
inline constexpr Uint256 kMaxSqrtRatio =
    Uint256::from_limbs({0x5d951d5263988d26, 0xefd1fc6a50648849, 0x00000000fffd8963, 0});
/// 2^96: one in Q64.96.
inline constexpr Uint256 kQ96 = Uint256::from_limbs({0, 1ULL << 32, 0, 0});

/// sqrt(1.0001^tick) · 2^96, rounded as the contract does. Aborts outside [kMinTick, kMaxTick].
Uint256 sqrt_ratio_at_tick(std::int32_t tick);

/// The greatest tick whose ratio is at most the given one. Aborts outside [kMinSqrtRatio, kMaxSqrtRatio).
std::int32_t tick_at_sqrt_ratio(const Uint256& sqrt_ratio_x96);

}  // namespace sep::uniswap
