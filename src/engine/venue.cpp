#include "engine/venue.h"

#include "uniswap/contracts.h"

namespace sep::engine {

Result<uniswap::Route> UniswapV3Venue::price_quote(const Token& token_in, const Token& token_out,
                                                   const Uint256& amount, SwapKind kind,
                                                   std::span<const uniswap::Pool* const> pools) const {
  return uniswap::best_direct(pools, {.token_in = token_in.address,
                                      .token_out = token_out.address,
                                      .amount = amount,
                                      .kind = kind == SwapKind::kExactInput ? uniswap::Kind::kExactInput
                                                                            : uniswap::Kind::kExactOutput});
}

ContractCall UniswapV3Venue::build_swap_tx(const SwapStep& step) const {
  const bool exact_input = step.kind == SwapKind::kExactInput;
  return {step.router, uniswap::swap_router::multicall(
                           {.kind = exact_input ? uniswap::Kind::kExactInput : uniswap::Kind::kExactOutput,
                            .token_in = step.token_in.address,
                            .token_out = step.token_out.address,
                            .fee_pips = step.fees.front(),
                            .recipient = step.recipient,
                            .amount = exact_input ? step.amount_in : step.amount_out,
                            .bound = step.bound,
                            .deadline = static_cast<std::uint64_t>(step.deadline_unix_s)})};
}

ContractCall call_of(const PlanStep& step, const VenueAdapter& venue) {
  if (const auto* approve = std::get_if<ApproveStep>(&step))
    return {approve->token.address, uniswap::erc20::approve(approve->spender, approve->amount)};
  return venue.build_swap_tx(std::get<SwapStep>(step));
}

}  // namespace sep::engine
