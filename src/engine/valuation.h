#pragma once
// What amounts are worth in USD, from the pools themselves: a stablecoin counts as 1 USD, any other token is
// valued at the spot price (no fee, no impact) of the deepest pools that lead to one, over at most one token
// in between.
//
// Entry point: Valuation, made once for a state of the pools; what it is asked costs two multiplications a
// pool on the way, however many pools there are.
// Invariant: it points to the pools, which must stay where they are and as they are.
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/uint256.h"
#include "engine/settings.h"
#include "uniswap/pool.h"

namespace sep::engine {

/// `amount` of one of the pool's tokens in the other one, at the spot price, rounded up. Nothing where the
/// pool has no price or the result exceeds 2^256-1.
std::optional<Uint256> at_spot(const uniswap::Pool& pool, const Address& token, const Uint256& amount);

class Valuation {
 public:
  /// Of no token but stablecoins.
  Valuation() = default;
  Valuation(const ChainSettings& chain, std::span<const uniswap::Pool* const> pools);

  /// USD · 10^18, rounded up at each step, so that a limit is never passed by rounding. NO_PRICE where no
  /// pools lead to a stablecoin, or the value exceeds 2^256-1.
  Result<Uint256> usd(const Token& token, const Uint256& amount) const;

  /// The same for wei of the chain's coin, by its wrapped token. NO_PRICE also where that is not configured.
  Result<Uint256> native_usd(const Uint256& wei) const;

  /// What a unit of gas costs in base units of the token, times 10^18, rounded up; 0 where the pools tell no
  /// price of the token or of the chain's coin. For comparing routes (uniswap::QuoteRequest).
  Uint256 gas_unit_cost_wad(const Uint256& gas_price_wei, const Token& token) const;

 private:
  /// The pools from a token to a stablecoin, at most two.
  struct Way {
    std::vector<const uniswap::Pool*> pools;
    unsigned stablecoin_decimals = 0;
  };
  std::map<Address, Way> ways_;  // of the configured tokens that are no stablecoins
  std::set<Address> stablecoins_;
  std::optional<Token> wrapped_;
};

}  // namespace sep::engine
