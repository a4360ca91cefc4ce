#pragma once
// Planning: from an intent and the market at one block to a plan with its bounds, or the reason why there is
// none.
#include <string>

#include "base/result.h"
#include "engine/intent.h"
#include "engine/market_state.h"
#include "engine/plan.h"
#include "engine/settings.h"

namespace sep::engine {

struct PlanningInput {
  const Intent& intent;
  std::string plan_id;
  Timestamp submitted_at;  // the time window begins here
  Timestamp now;
  const MarketState& market;
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

/// STALE_MARKET, NO_ROUTE, INSUFFICIENT_LIQUIDITY, NO_PRICE, AMOUNT_OVERFLOW.
Result<Pricing> price_intent(const Intent& intent, const MarketState& market, const Settings& settings,
                             Timestamp now);

/// The bounds: exact input: floor(quote · (1 - slippage)); exact output: ceil(quote · (1 + slippage));
/// tightened by the success criteria. Besides the errors of price_intent: TIME_WINDOW, PRICE_IMPACT,
/// CRITERIA_UNREACHABLE, GAS_LIMIT, INSUFFICIENT_BALANCE.
Result<Plan> make_plan(const PlanningInput& input);

/// Whether there is no plan only at this moment: the market is not fresh, or gas is above
/// execution.max_fee_per_gas. Asked again within the time window, make_plan may answer otherwise; whatever
/// else it says is an answer.
bool passes(const Error& no_plan, const PlanningInput& input);

}  // namespace sep::engine
