#include "uniswap/router.h"

#include <algorithm>

#include "uniswap/path_search.h"
#include "uniswap/price.h"
#include "uniswap/split.h"

namespace sep::uniswap {
namespace {

Path to_path(const PoolGraph& graph, const PoolPath& pools, const std::vector<SwapAtPrice>& swaps) {
  Path path{swaps.front().swap.amount_in, swaps.back().swap.amount_out, {}};
  for (std::uint32_t hop = 0; hop < pools.hops; ++hop) {
    const Pool& pool = graph.pool(pools.pools[hop]);
    const auto& [price_before, direction, swap] = swaps[hop];
    path.hops.push_back({pool.state().address, pool.token_in(direction), pool.token_out(direction),
                         pool.state().fee_pips, price_before, swap.sqrt_price_x96_after,
                         pool.quoter_ticks_crossed(swap.tick_after)});
  }
  return path;
}

Route to_route(const PoolGraph& graph, std::vector<Share> shares, Kind kind) {
  std::ranges::sort(shares, [](const Share& a, const Share& b) {
    return a.amount != b.amount ? a.amount > b.amount : a.path.pools < b.path.pools;
  });
  Route route;
  std::vector<std::vector<SwapAtPrice>> swaps;
  for (const auto& share : shares) {
    swaps.push_back(follow_path(graph, share.path, kind, share.amount));
    route.paths.push_back(to_path(graph, share.path, swaps.back()));
    route.amount_in += route.paths.back().amount_in;
    route.amount_out += route.paths.back().amount_out;
  }
  route.price_impact_wad = price_impact_wad(swaps);
  route.gas_estimate = gas_of(shares);
  return route;
}

}  // namespace

Result<Route> best_route(const PoolGraph& graph, const QuoteRequest& request, const RouteLimits& limits) {
  SEP_ASSERT(limits.max_hops >= 1 && limits.max_hops <= kMaxHops);
  SEP_ASSERT(limits.max_paths >= 1 && limits.max_paths <= kMaxPaths);
  if (request.token_in == request.token_out) return fail(errc::kSameAsset, "both tokens are the same");
  if (request.amount.is_zero()) return fail(errc::kInvalidAmount, "must be greater than zero");
  if (request.amount.bit(255)) return fail(errc::kAmountOverflow, "is 2^255 base units or more");
  const auto token_in = graph.find_token(request.token_in);
  const auto token_out = graph.find_token(request.token_out);
  if (!token_in || !token_out) return fail(errc::kNoRoute, "no pool trades one of the tokens");

  const Objective objective{request.kind, request.gas_unit_cost_wad};
  PathSearch search(graph, objective, *token_in, *token_out, limits.max_hops);
  if (!search.connected()) return fail(errc::kNoRoute, "no pools lead from one token to the other");
  const auto found = search.best(request.amount, 1, std::vector<bool>(graph.pool_count(), false));
  const auto single = found.empty() ? std::nullopt : std::optional(found.front());
  if (limits.max_paths > 1) {
    auto division = divide(graph, objective, search, request.amount, limits.max_paths, single);
    if (division && (!single || division->score > single->score))
      return to_route(graph, std::move(division->shares), request.kind);
  }
  if (!single)
    return fail(errc::kInsufficientLiquidity, "the pools between the tokens do not hold enough liquidity");
  return to_route(graph, {Share{single->path, request.amount, single->quote}}, request.kind);
}

Result<Route> best_direct(std::span<const Pool* const> pools, const QuoteRequest& request,
                          const std::optional<Address>& only) {
  const auto& [token0, token1] = std::minmax(request.token_in, request.token_out);
  std::vector<const Pool*> usable;
  for (const Pool* pool : pools) {
    const PoolState& state = pool->state();
    if (state.token0 == token0 && state.token1 == token1 && (!only || state.address == *only))
      usable.push_back(pool);
  }
  auto route = best_route(PoolGraph(usable), request, {.max_hops = 1, .max_paths = 1});
  if (!route && route.error().code == errc::kNoRoute)
    return fail(errc::kNoRoute,
                only ? "the pool is unknown or trades another pair" : "no pool trades this pair");
  return route;
}

}  // namespace sep::uniswap
