#pragma once
// Planning: from an intent and the market at one block to a plan with its bounds, or the reason why there is
// none.
#include <expected>
#include <string>

#include "base/result.h"
#include "engine/intent.h"
#include "engine/market_state.h"
#include "engine/plan.h"
#include "engine/pool_book.h"
#include "engine/settings.h"

namespace sep::engine {

struct PlanningInput {
  const Intent& intent;
  std::string plan_id;
  Timestamp submitted_at;  // the time window begins here
  Timestamp now;
  const MarketState& market;
  const PoolBook& pools;  // of this market
  const Settings& settings;
  /// A transaction failed for its allowance: the plan sets it anew, whatever the market says it is. What is
  /// in flight changes it before the market's block shows it.
  bool approve = false;
};

/// A priced intent, before bounds and steps: what POST /quotes answers from, and plans are made of.
struct Pricing {
  SwapStep swap;  // bound by the intent's slippage; deadline and recipient not set
  Uint256 notional_usd_wad;
  EstimatedCost cost;
};

/// The best route at the present price of gas. STALE_MARKET, NO_ROUTE, INSUFFICIENT_LIQUIDITY, NO_PRICE,
/// AMOUNT_OVERFLOW.
Result<Pricing> price_intent(const Intent& intent, const MarketState& market, const PoolBook& pools,
                             const Settings& settings, Timestamp now);

/// Why there is no plan.
struct NoPlan {
  /// A stale market passes. Implicit, so that SEP_TRY passes an error on.
  NoPlan(Error error)  // NOLINT(google-explicit-constructor)
      : NoPlan(std::move(error), false) {
    passes = why.code == errc::kStaleMarket;
  }
  NoPlan(Error error, bool passes_by_itself) : why(std::move(error)), passes(passes_by_itself) {}

  Error why;
  /// Only at this moment: the market is not fresh, or gas is above execution.max_fee_per_gas. Asked again
  /// within the time window, make_plan may answer otherwise; whatever else it says is an answer.
  bool passes;
};

/// The bounds: exact input: floor(quote · (1 - slippage)); exact output: ceil(quote · (1 + slippage));
/// tightened by the success criteria. Besides the errors of price_intent: TIME_WINDOW, PRICE_IMPACT,
/// CRITERIA_UNREACHABLE, GAS_LIMIT, INSUFFICIENT_BALANCE; NOTIONAL_LIMIT where what the base is exchanged for
/// is worth more than risk may allow; NO_PRICE where gas has none and is limited in USD.
std::expected<Plan, NoPlan> make_plan(const PlanningInput& input);

}  // namespace sep::engine
