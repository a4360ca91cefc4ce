#pragma once
// Finds the best way to swap one token for another over all pools of a market: one path of up to three pools,
// or several paths side by side.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/uint256.h"
#include "uniswap/pool.h"
#include "uniswap/pool_graph.h"

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
  /// Gas of the whole transaction through SwapRouter02's multicall: a base, and what each path, each pool,
  /// each crossed tick and each word of the bitmap costs (path_search.h). An estimate, for comparing and
  /// budgeting; the transaction's limit comes from the node.
  std::uint64_t gas_estimate = 0;
};

/// How far a search goes.
struct RouteLimits {
  std::uint32_t max_hops = 3;   // pools of a path, 1 to 3
  std::uint32_t max_paths = 4;  // 1 to 4
};

/// The route that leaves most of token_out after its gas (exact input), or takes least of token_in with its
/// gas (exact output); among single paths that are equal in this the one with less gas, then the lower sum of
/// fees, then the lower addresses. Never worse than any single path within the limits. Every amount is what
/// Pool quotes; the paths' amounts add up to the request's. SAME_ASSET; INVALID_AMOUNT for 0; AMOUNT_OVERFLOW
/// from 2^255; NO_ROUTE: no pools lead from one token to the other; INSUFFICIENT_LIQUIDITY: they cannot do
/// the whole amount.
Result<Route> best_route(const PoolGraph& graph, const QuoteRequest& request, const RouteLimits& limits = {});

/// The best single pool of the pair, by best_route's rules and with its errors. `only` restricts the search
/// to one pool.
Result<Route> best_direct(std::span<const Pool* const> pools, const QuoteRequest& request,
                          const std::optional<Address>& only = std::nullopt);

}  // namespace sep::uniswap
