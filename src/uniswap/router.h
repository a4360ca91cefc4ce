#pragma once
// Finds the best direct swap between two tokens over all pools of the pair.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/uint256.h"
#include "uniswap/pool.h"

namespace sep::uniswap {

struct QuoteRequest {
  Address token_in;
  Address token_out;
  Uint256 amount;  // base units of token_in for an exact input, of token_out for an exact output
  Kind kind = Kind::kExactInput;
  /// What a unit of gas costs: base units of token_out (exact input) or of token_in (exact output), times
  /// 10^18. 0: routes are compared without their gas.
  Uint256 gas_unit_cost_wad{};
};

/// One pool on the way.
struct Hop {
  Address pool;
  Address token_in;
  Address token_out;
  std::uint32_t fee_pips = 0;
  Uint256 sqrt_price_x96_before;
  Uint256 sqrt_price_x96_after;
  std::uint32_t ticks_crossed = 0;  // as QuoterV2 counts them: Pool::quoter_ticks_crossed
};

/// Pools one after the other: what comes out of one goes into the next.
struct Path {
  Uint256 amount_in;   // base units of the route's token_in
  Uint256 amount_out;  // base units of the route's token_out
  std::vector<Hop> hops;
};

/// Paths side by side, in one transaction: their amounts add up to the route's. No two share a pool.
struct Route {
  Uint256 amount_in;
  Uint256 amount_out;
  Uint256 price_impact_wad;  // price.h
  std::vector<Path> paths;   // at least one
  /// Gas of the whole transaction through SwapRouter02's multicall: a base for the call, both transfers and
  /// the pool's storage, plus what each crossed tick and each word of the bitmap costs. An estimate, for
  /// comparing and budgeting; the transaction's limit comes from the node.
  std::uint64_t gas_estimate = 0;
};

/// The route that gives most (exact input) or takes least (exact output); among equals the one with less gas,
/// then the lower fee, then the lower address, so that the answer does not depend on the pools' order. `only`
/// restricts the search to one pool. SAME_ASSET; NO_ROUTE: no pool for the pair; INSUFFICIENT_LIQUIDITY: no
/// pool can do the whole amount; INVALID_AMOUNT, AMOUNT_OVERFLOW as Pool::quote_*.
Result<Route> best_direct(std::span<const Pool* const> pools, const QuoteRequest& request,
                          const std::optional<Address>& only = std::nullopt);

}  // namespace sep::uniswap
