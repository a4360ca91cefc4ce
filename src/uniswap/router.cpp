#include "uniswap/router.h"

#include <tuple>

#include "uniswap/price.h"

namespace sep::uniswap {
namespace {

// Measured over random swaps through SwapRouter02 on fresh pools (tests/integration/quoter_test.cpp): a step
// reads one cold word of the bitmap, a crossing writes the tick's four slots.
constexpr std::uint64_t kGasOfSwap = 110'000;
constexpr std::uint64_t kGasOfCrossedTick = 30'000;
constexpr std::uint64_t kGasOfStep = 7'500;

std::uint64_t gas_estimate(const SwapResult& swap) {
  return kGasOfSwap + kGasOfCrossedTick * swap.ticks_crossed + kGasOfStep * swap.steps;
}

struct Candidate {
  const Pool* pool = nullptr;
  Direction direction = Direction::kZeroForOne;
  SwapResult swap;
};

bool is_better(const Candidate& a, const Candidate& b, Kind kind) {
  const auto rank = [](const Candidate& c) {
    const PoolState& state = c.pool->state();
    return std::tuple(gas_estimate(c.swap), state.fee_pips, state.address);
  };
  if (kind == Kind::kExactInput && a.swap.amount_out != b.swap.amount_out)
    return a.swap.amount_out > b.swap.amount_out;
  if (kind == Kind::kExactOutput && a.swap.amount_in != b.swap.amount_in)
    return a.swap.amount_in < b.swap.amount_in;
  return rank(a) < rank(b);
}

Route to_route(const Candidate& best) {
  const PoolState& state = best.pool->state();
  const SwapResult& swap = best.swap;
  return {swap.amount_in,
          swap.amount_out,
          price_impact_wad(state.sqrt_price_x96, best.direction, swap),
          {{swap.amount_in,
            swap.amount_out,
            {Hop{state.address, best.pool->token_in(best.direction), best.pool->token_out(best.direction),
                 state.fee_pips, state.sqrt_price_x96, swap.sqrt_price_x96_after,
                 best.pool->quoter_ticks_crossed(swap.tick_after)}}}},
          gas_estimate(swap)};
}

}  // namespace

Result<Route> best_direct(std::span<const Pool* const> pools, const QuoteRequest& request,
                          const std::optional<Address>& only) {
  if (request.token_in == request.token_out) return fail(errc::kSameAsset, "both tokens are the same");
  const bool zero_for_one = request.token_in < request.token_out;
  const Address& token0 = zero_for_one ? request.token_in : request.token_out;
  const Address& token1 = zero_for_one ? request.token_out : request.token_in;
  const auto direction = zero_for_one ? Direction::kZeroForOne : Direction::kOneForZero;

  bool any_pool = false;
  std::optional<Candidate> best;
  for (const Pool* pool : pools) {
    const PoolState& state = pool->state();
    if (state.token0 != token0 || state.token1 != token1 || (only && state.address != *only)) continue;
    any_pool = true;
    auto swap = request.kind == Kind::kExactInput ? pool->quote_exact_input(direction, request.amount)
                                                  : pool->quote_exact_output(direction, request.amount);
    if (!swap) {
      if (swap.error().code == errc::kInsufficientLiquidity) continue;
      return fail(std::move(swap).error());
    }
    if (!swap->complete) continue;
    const Candidate candidate{pool, direction, *swap};
    if (!best || is_better(candidate, *best, request.kind)) best = candidate;
  }
  if (!any_pool)
    return fail(errc::kNoRoute,
                only ? "the pool is unknown or trades another pair" : "no pool trades this pair");
  if (!best) return fail(errc::kInsufficientLiquidity, "no pool of this pair holds enough liquidity");
  return to_route(*best);
}

}  // namespace sep::uniswap
