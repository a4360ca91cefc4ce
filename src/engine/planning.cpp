#include "engine/planning.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/decimal.h"
#include "engine/execution.h"
#include "engine/venue.h"

namespace sep::engine {
namespace {

/// Of an ERC-20 approve that sets a fresh allowance, intrinsic gas included; rounded up from what common
/// tokens take.
constexpr std::uint64_t kApproveGas = 60'000;
/// What simulation and signing may add to the estimate (the orchestrator's own margin is a third).
constexpr std::uint64_t kGasMarginPercent = 140;

const Uint256 kOne(kWad);

Uint256 with_slippage(SwapKind kind, const SwapStep& swap, const Uint256& slippage_wad) {
  if (kind == SwapKind::kExactInput) return *mul_div(swap.amount_out, kOne - slippage_wad, kOne);
  return mul_div_rounding_up(swap.amount_in, kOne + slippage_wad, kOne).value_or(Uint256::max());
}

bool needs_approval(const SwapStep& swap, const MarketState& market, const ExecutionSettings& settings) {
  if (settings.venue == Venue::kPaper) return false;
  // An exact allowance belongs to one swap: what is left of others may be spent or set anew by an intent in
  // flight.
  if (settings.allowance == AllowanceMode::kExact || !market.account) return true;
  const auto known = market.account->allowances.find(swap.token_in.address);
  return known == market.account->allowances.end() || known->second < swap.max_amount_in();
}

/// Where the token takes no new allowance over an old one.
bool needs_reset(const SwapStep& swap, const MarketState& market) {
  if (!swap.token_in.reset_allowance || !market.account) return swap.token_in.reset_allowance;
  const auto known = market.account->allowances.find(swap.token_in.address);
  return known == market.account->allowances.end() || !known->second.is_zero();
}

/// Never more than the cap stands: what a larger swap needs is approved exactly, and spent by it.
Uint256 approval_amount(const SwapStep& swap, const ExecutionSettings& settings) {
  if (settings.allowance == AllowanceMode::kExact) return swap.max_amount_in();
  return std::max(settings.standing_allowance_cap, swap.max_amount_in());
}

std::string percent(const Uint256& wad) {
  return format_amount(wad / pow10(12), 4) + " %";
}

/// Criteria that are known now tighten the bound, or refuse. `complete_after_ms`: from the intent's
/// submission.
Status apply_criteria(const Intent& intent, std::int64_t complete_after_ms, const EstimatedCost& cost,
                      SwapStep& swap) {
  for (const auto& criterion : intent.criteria) {
    const auto unreachable = [&](std::string present) {
      return fail(
          errc::kCriteriaUnreachable,
          fmt::format("{} {} cannot be met now: {}", to_string(criterion.metric), criterion.text, present));
    };
    switch (criterion.metric) {
      case Metric::kMinAmountOut:
        if (swap.amount_out < criterion.value)
          return unreachable(format_amount(swap.amount_out, swap.token_out.decimals) + " would come out");
        if (swap.kind == SwapKind::kExactInput) set_bound(swap, std::max(swap.bound, criterion.value));
        break;
      case Metric::kMaxAmountIn:
        if (swap.amount_in > criterion.value)
          return unreachable(format_amount(swap.amount_in, swap.token_in.decimals) + " would be paid");
        if (swap.kind == SwapKind::kExactOutput) set_bound(swap, std::min(swap.bound, criterion.value));
        break;
      case Metric::kMaxGasUsd:
        if (cost.gas_usd_wad > criterion.value)
          return fail(errc::kGasLimit, fmt::format("gas would cost {} USD; the criterion allows {}",
                                                   format_usd(cost.gas_usd_wad), criterion.text));
        break;
      case Metric::kMaxPriceImpact:
        if (swap.price_impact_wad > criterion.value)
          return fail(errc::kPriceImpact,
                      fmt::format("the price impact would be {}; the criterion allows {}",
                                  percent(swap.price_impact_wad), percent(criterion.value)));
        break;
      case Metric::kCompleteWithinMs:
        if (Uint256(complete_after_ms) > criterion.value)
          return unreachable(fmt::format("it would be about {} ms after its submission", complete_after_ms));
        break;
    }
  }
  return {};
}

/// Risk valued the base by one pool's price, which somebody may have moved; what it would be exchanged for
/// says what it is worth, less the price impact.
Status check_value(const SwapStep& swap, const PoolBook& pools, const RiskSettings& risk) {
  const auto limit = risk.max_notional_usd_wad +
                     mul_div_rounding_up(risk.max_notional_usd_wad, risk.max_price_impact_wad, Uint256(kWad))
                         .value_or(Uint256());
  const std::pair<const Token&, const Uint256&> sides[] = {{swap.token_in, swap.amount_in},
                                                           {swap.token_out, swap.amount_out}};
  for (const auto& [token, amount] : sides)
    if (const auto usd = pools.valuation.usd(token, amount); usd && *usd > limit)
      return fail(
          errc::kNotionalLimit,
          fmt::format("{} {} would change hands, worth {} USD; allowed: {} and the price impact of {}",
                      format_amount(amount, token.decimals), token.symbol, format_usd(*usd),
                      format_usd(risk.max_notional_usd_wad), percent(risk.max_price_impact_wad)));
  return {};
}

/// A limit on what gas costs holds only where gas has a price.
Status check_gas_price(const Intent& intent, const EstimatedCost& cost, const PlanningInput& input) {
  const bool limited =
      input.settings.execution.max_gas_usd_wad ||
      std::ranges::find(intent.criteria, Metric::kMaxGasUsd, &Criterion::metric) != intent.criteria.end();
  if (!limited || cost.gas_wei.is_zero()) return {};
  if (const auto usd = input.pools.valuation.native_usd(cost.gas_wei); !usd)
    return fail(usd.error().code, "what gas costs in USD is limited, and not known: " + usd.error().detail);
  return {};
}

Status check_balance(const SwapStep& swap, const EstimatedCost& cost, const MarketState& market) {
  if (!market.account) return fail(errc::kStaleMarket, "the account's balances are not known yet");
  const auto known = market.account->balances.find(swap.token_in.address);
  const auto has = known == market.account->balances.end() ? Uint256() : known->second;
  if (has < swap.max_amount_in())
    return fail(errc::kInsufficientBalance,
                fmt::format("balance too low: needs {} {}, the account has {}",
                            format_amount(swap.max_amount_in(), swap.token_in.decimals), swap.token_in.symbol,
                            format_amount(has, swap.token_in.decimals)));
  if (market.account->native_wei < cost.gas_wei)
    return fail(errc::kInsufficientBalance,
                fmt::format("balance too low for gas: needs {} ETH, the account has {}",
                            format_amount(cost.gas_wei, 18), format_amount(market.account->native_wei, 18)));
  return {};
}

/// 100 · value / limit, at most 100, rounded up.
unsigned share_of(const Uint256& value, const Uint256& limit) {
  if (limit.is_zero() || value >= limit) return 100;
  return static_cast<unsigned>(mul_div_rounding_up(value, Uint256(100U), limit)->to_u64());
}

std::vector<SwapPath> paths_of(const uniswap::Route& route, const SwapStep& swap,
                               const ChainSettings& chain) {
  std::vector<SwapPath> paths;
  paths.reserve(route.paths.size());
  for (const auto& found : route.paths) {
    auto& path = paths.emplace_back(SwapPath{.amount_in = found.amount_in, .amount_out = found.amount_out});
    path.tokens.push_back({swap.token_in.address, swap.token_in.symbol});
    for (const auto& hop : found.hops) {
      path.hops.push_back({hop.pool, hop.fee_pips, hop.ticks_crossed, hop.sqrt_price_x96_after});
      if (hop.token_out == swap.token_out.address) break;
      const auto* middle = find_token(chain, hop.token_out);
      path.tokens.push_back({hop.token_out, middle == nullptr ? "" : middle->symbol});
    }
    path.tokens.push_back({swap.token_out.address, swap.token_out.symbol});
  }
  return paths;
}

/// What a unit of gas costs now, in this style.
Uint256 gas_price_wei(const MarketState& market, const ExecutionSettings& settings, ExecutionStyle style) {
  return market.block.base_fee_wei + policy_of(settings, style).max_priority_fee_per_gas_wei;
}

EstimatedCost cost_of(const SwapStep& swap, const MarketState& market, const PoolBook& pools,
                      const ExecutionSettings& settings, const Uint256& gas_price_wei) {
  EstimatedCost cost;
  cost.gas_units = swap.gas_estimate;
  if (needs_approval(swap, market, settings))
    cost.gas_units += needs_reset(swap, market) ? 2 * kApproveGas : kApproveGas;
  cost.gas_units = cost.gas_units * kGasMarginPercent / 100;
  cost.gas_wei = Uint256(cost.gas_units) * gas_price_wei;
  if (auto usd = pools.valuation.native_usd(cost.gas_wei)) cost.gas_usd_wad = *usd;
  return cost;
}

}  // namespace

Result<Pricing> price_intent(const Intent& intent, const MarketState& market, const PoolBook& pools,
                             const Settings& settings, Timestamp now) {
  SEP_CHECK(market.check_fresh(now, settings.market));
  Pricing pricing;
  auto& swap = pricing.swap;
  swap.kind = intent.type == IntentType::kAcquire ? SwapKind::kExactOutput : SwapKind::kExactInput;
  swap.token_in = intent.token_in();
  swap.token_out = intent.token_out();
  const auto gas_price =
      settings.on_paper() ? Uint256() : gas_price_wei(market, settings.execution, intent.style);
  const auto& counted = swap.kind == SwapKind::kExactInput ? swap.token_out : swap.token_in;
  const UniswapV3Venue venue(settings.chain.name, settings.execution.max_gas_limit);
  SEP_TRY(const auto route,
          venue.price_quote({.token_in = swap.token_in.address,
                             .token_out = swap.token_out.address,
                             .amount = intent.amount,
                             .kind = pools_kind(swap.kind),
                             .gas_unit_cost_wad = pools.valuation.gas_unit_cost_wad(gas_price, counted)},
                            pools));
  // Dust: the pool would take it and give nothing.
  if (route.amount_out.is_zero())
    return fail(errc::kInsufficientLiquidity, "the amount is too small: nothing would come out");
  swap.venue = venue.venue();
  swap.amount_in = route.amount_in;
  swap.amount_out = route.amount_out;
  swap.price_impact_wad = route.price_impact_wad;
  swap.paths = paths_of(route, swap, settings.chain);
  swap.gas_estimate = route.gas_estimate;
  swap.router = settings.chain.contracts.swap_router;
  swap.block_number = market.block.number;
  swap.block_hash = market.block.hash;
  set_bound(swap, with_slippage(swap.kind, swap, intent.max_slippage_wad));
  SEP_TRY(pricing.notional_usd_wad, pools.valuation.usd(intent.base, intent.amount));
  if (settings.on_paper())
    swap.venue = kPaperVenue;  // no transaction, no gas
  else
    pricing.cost = cost_of(swap, market, pools, settings.execution, gas_price);
  return pricing;
}

std::expected<Plan, NoPlan> make_plan(const PlanningInput& input) {
  const auto& intent = input.intent;
  const auto& settings = input.settings;
  const auto deadline = input.submitted_at.plus_ms(intent.time_window_s * 1000);
  if (input.now >= deadline) return fail(errc::kTimeWindow, "the time window ended before a plan was made");
  SEP_TRY(auto pricing, price_intent(intent, input.market, input.pools, settings, input.now));
  auto& swap = pricing.swap;
  if (swap.price_impact_wad > settings.risk.max_price_impact_wad)
    return fail(errc::kPriceImpact,
                fmt::format("the price impact would be {}; allowed: {}", percent(swap.price_impact_wad),
                            percent(settings.risk.max_price_impact_wad)));
  SEP_CHECK(check_value(swap, input.pools, settings.risk));
  SEP_CHECK(check_gas_limit(settings.execution, swap.gas_estimate));
  SEP_CHECK(check_gas_price(intent, pricing.cost, input));
  Plan plan;
  plan.plan_id = input.plan_id;
  plan.estimated_duration_ms =
      input.market.block_interval_ms * static_cast<std::int64_t>(settings.chain.confirmations);
  plan.estimated_cost = pricing.cost;
  const auto fees = settings.on_paper()
                        ? Result<Fees>(Fees{})
                        : initial_fees(settings.execution, intent.style,
                                       {.base_fee = input.market.block.base_fee_wei}, swap.gas_estimate);
  const auto complete_after_ms =
      std::max<std::int64_t>(0, input.now.ms - input.submitted_at.ms) + plan.estimated_duration_ms;
  if (auto met = apply_criteria(intent, complete_after_ms, plan.estimated_cost, swap); !met) {
    // What it costs when a unit of gas is within its cap again is to be seen.
    const bool passes = met.error().code == errc::kGasLimit && !fees;
    return std::unexpected(NoPlan(std::move(met.error()), passes));
  }
  if (!fees) return std::unexpected(NoPlan(fees.error(), true));
  SEP_CHECK(check_balance(swap, pricing.cost, input.market));
  swap.recipient = input.market.account->address;
  swap.deadline_unix_s = deadline.unix_seconds();
  if (input.approve || needs_approval(swap, input.market, settings.execution)) {
    if (swap.token_in.reset_allowance && (input.approve || needs_reset(swap, input.market)))
      plan.steps.emplace_back(ApproveStep{swap.token_in, swap.router, {}});
    plan.steps.emplace_back(
        ApproveStep{swap.token_in, swap.router, approval_amount(swap, settings.execution)});
  }
  plan.risk_score = std::max({share_of(pricing.notional_usd_wad, settings.risk.max_notional_usd_wad),
                              share_of(intent.max_slippage_wad, settings.risk.max_slippage_wad),
                              share_of(swap.price_impact_wad, settings.risk.max_price_impact_wad)});
  plan.steps.emplace_back(std::move(swap));
  return plan;
}

}  // namespace sep::engine
