#pragma once
// What amounts are worth in USD, from the pools themselves: a stablecoin counts as 1 USD, any other token is
// valued at the spot price (no fee, no impact) of the deepest pools that lead to one, over at most one token
// in between.
#include <span>

#include "base/result.h"
#include "base/uint256.h"
#include "engine/settings.h"
#include "uniswap/pool.h"

namespace sep::engine {

/// `amount` of one of the pool's tokens in the other one, at the spot price, rounded up. Nothing where the
/// pool has no price or the result exceeds 2^256-1.
std::optional<Uint256> at_spot(const uniswap::Pool& pool, const Address& token, const Uint256& amount);

/// USD · 10^18, rounded up at each step, so that a limit is never passed by rounding. NO_PRICE where no pools
/// lead to a stablecoin.
Result<Uint256> usd_value(const Token& token, const Uint256& amount, const ChainSettings& chain,
                          std::span<const uniswap::Pool* const> pools);

/// The same for wei of the chain's coin, by its wrapped token. NO_PRICE also where that is not configured.
Result<Uint256> native_usd_value(const Uint256& wei, const ChainSettings& chain,
                                 std::span<const uniswap::Pool* const> pools);

}  // namespace sep::engine
