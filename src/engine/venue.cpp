#include "engine/venue.h"

#include "engine/execution.h"
#include "uniswap/contracts.h"

namespace sep::engine {

uniswap::Kind pools_kind(SwapKind kind) {
  return kind == SwapKind::kExactInput ? uniswap::Kind::kExactInput : uniswap::Kind::kExactOutput;
}

Result<uniswap::Route> UniswapV3Venue::price_quote(const uniswap::QuoteRequest& request,
                                                   const PoolBook& pools) const {
  SEP_TRY(auto route, uniswap::best_route(pools.graph, request));
  constexpr uniswap::RouteLimits kLighter[] = {{3, 2}, {3, 1}, {2, 1}, {1, 1}};
  for (const auto& limits : kLighter) {
    if (gas_limit_for(route.gas_estimate) <= max_gas_limit_) break;
    auto lighter = uniswap::best_route(pools.graph, request, limits);
    if (lighter && lighter->gas_estimate < route.gas_estimate) route = std::move(*lighter);
  }
  return route;
}

ContractCall UniswapV3Venue::build_swap_tx(const SwapStep& step) const {
  uniswap::swap_router::Swap swap{.kind = pools_kind(step.kind),
                                  .recipient = step.recipient,
                                  .deadline = static_cast<std::uint64_t>(step.deadline_unix_s),
                                  .paths = {}};
  for (const auto& path : step.paths) {
    auto& one = swap.paths.emplace_back();
    for (const auto& token : path.tokens) one.path.tokens.push_back(token.address);
    for (const auto& hop : path.hops) one.path.fees_pips.push_back(hop.fee_pips);
    one.amount = step.kind == SwapKind::kExactInput ? path.amount_in : path.amount_out;
    one.bound = path.bound;
  }
  return {step.router, uniswap::swap_router::multicall(swap)};
}

ContractCall call_of(const PlanStep& step, const VenueAdapter& venue) {
  if (const auto* approve = std::get_if<ApproveStep>(&step))
    return {approve->token.address, uniswap::erc20::approve(approve->spender, approve->amount)};
  return venue.build_swap_tx(std::get<SwapStep>(step));
}

}  // namespace sep::engine
