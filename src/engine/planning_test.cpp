#include "engine/planning.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/execution.h"
#include "engine/test_support.h"

namespace sep::engine {
namespace {

using namespace test;
using Big = boost::multiprecision::cpp_int;
using Rational = boost::multiprecision::cpp_rational;

Big big(const Uint256& value) {
  return Big(to_string(value));
}
Big floor_of(const Rational& value) {
  return numerator(value) / denominator(value);
}
Big ceil_of(const Rational& value) {
  const Big down = floor_of(value);
  return down == value ? down : down + 1;
}

/// A request to plan whose parts a test may change.
struct Desk {
  /// Whether it is worth asking again.
  bool passes(const json::object& document) const {
    const auto made = plan(document);
    return !made && made.error().passes;
  }
  Settings limits = settings();
  MarketState state = market();
  Timestamp now = kNow;
  bool approve = false;

  std::expected<Plan, NoPlan> plan(const json::object& document) const {
    const auto wanted = parse_intent(document, limits.chain).value();
    const PoolBook pools(state, limits.chain);
    return make_plan(
        {wanted, "01J5S3Y4PEJHBJ5A7FYHBXQRFG", kNow.plus_ms(-250), now, state, pools, limits, approve});
  }
  Result<Pricing> price(const json::object& document) const {
    return price_intent(intent(document), state, PoolBook(state, limits.chain), limits, now);
  }
  std::string_view reason(const json::object& document) const {
    const auto made = plan(document);
    return made ? std::string_view("planned") : made.error().why.code;
  }
};

const uniswap::Pool& pool_of(const Desk& desk) {
  return desk.state.pools.front().pool;
}

TEST(Planning, DisposeSellsExactlyTheAmount) {
  const Desk desk;
  const auto plan = desk.plan(intent_document("dispose", "2"));
  ASSERT_TRUE(plan) << plan.error().why.detail;
  const auto& swap = plan->swap();
  const auto quote = pool_of(desk).quote_exact_input(uniswap::Direction::kOneForZero, wad("2"));
  EXPECT_EQ(swap.kind, SwapKind::kExactInput);
  EXPECT_EQ(swap.amount_in, wad("2"));
  EXPECT_EQ(swap.amount_out, quote->amount_out);
  EXPECT_EQ(big(swap.bound), floor_of(Rational(big(quote->amount_out)) * Rational(99, 100)));
  EXPECT_EQ(swap.venue, "uniswap_v3");
  ASSERT_EQ(swap.paths.size(), 1U);
  const auto& path = swap.paths.front();
  EXPECT_EQ(path.amount_in, swap.amount_in);
  EXPECT_EQ(path.amount_out, swap.amount_out);
  EXPECT_EQ(path.bound, swap.bound);
  EXPECT_EQ(path.tokens, (std::vector<PathToken>{{kWeth.address, "WETH"}, {kUsdc.address, "USDC"}}));
  ASSERT_EQ(path.hops.size(), 1U);
  EXPECT_EQ(path.hops[0].pool, address(0xa1));
  EXPECT_EQ(path.hops[0].fee_pips, 500U);
  EXPECT_EQ(path.hops[0].sqrt_price_x96_after, quote->sqrt_price_x96_after);
  EXPECT_EQ(swap.router, kRouter);
  EXPECT_EQ(swap.recipient, kAccount);
  EXPECT_EQ(swap.block_number, 100U);
  EXPECT_EQ(swap.block_hash, hash(0xb1));
  EXPECT_EQ(swap.deadline_unix_s, kNow.plus_ms(-250).ms / 1000 + 300);
}

TEST(Planning, OnPaperThereIsOneStepWithoutGas) {
  Desk desk;
  const auto on_chain = desk.plan(intent_document("dispose", "2")).value();
  desk.limits.execution = {.venue = Venue::kPaper};  // no fees are configured
  desk.state.account->native_wei = Uint256();
  const auto plan = desk.plan(intent_document("dispose", "2"));
  ASSERT_TRUE(plan) << plan.error().why.detail;
  ASSERT_EQ(plan->steps.size(), 1U);
  const auto& swap = plan->swap();
  EXPECT_EQ(swap.venue, kPaperVenue);
  EXPECT_EQ(swap.amount_out, on_chain.swap().amount_out);
  EXPECT_EQ(swap.bound, on_chain.swap().bound);
  EXPECT_EQ(plan->estimated_cost.gas_units, 0U);
  EXPECT_TRUE(plan->estimated_cost.gas_wei.is_zero());
  desk.state.account->balances.clear();
  EXPECT_EQ(desk.reason(intent_document("dispose", "2")), errc::kInsufficientBalance);
}

TEST(Planning, AcquireBuysExactlyTheAmount) {
  const Desk desk;
  const auto plan = desk.plan(intent_document("acquire", "2"));
  ASSERT_TRUE(plan) << plan.error().why.detail;
  const auto& swap = plan->swap();
  const auto quote = pool_of(desk).quote_exact_output(uniswap::Direction::kZeroForOne, wad("2"));
  EXPECT_EQ(swap.kind, SwapKind::kExactOutput);
  EXPECT_EQ(swap.amount_out, wad("2"));
  EXPECT_EQ(swap.amount_in, quote->amount_in);
  EXPECT_EQ(big(swap.bound), ceil_of(Rational(big(quote->amount_in)) * Rational(101, 100)));
  EXPECT_EQ(plan->plan_id, "01J5S3Y4PEJHBJ5A7FYHBXQRFG");
  EXPECT_EQ(plan->estimated_duration_ms, 12'000);
}

/// Whatever amount and slippage: the bound is the exact rational number, rounded down for what must come out
/// and up for what may go in.
RC_GTEST_PROP(PlanningProperty, BoundsAreExact, ()) {
  const Desk desk;
  const bool dispose = *rc::gen::arbitrary<bool>();
  const auto amount = Uint256(*rc::gen::inRange<std::uint64_t>(1'000'000'000'000, 3'000'000'000'000'000'000));
  const auto slippage = Uint256(*rc::gen::inRange<std::uint64_t>(0, kWad));
  auto document = intent_document(dispose ? "dispose" : "acquire", format_amount(amount, 18));
  document["constraints"].as_object()["max_slippage"] = format_amount(slippage, 18);
  const auto pricing = desk.price(document);
  RC_ASSERT(pricing.has_value());
  const auto& swap = pricing->swap;
  const Rational share(big(slippage), big(kWad));
  if (dispose)
    RC_ASSERT(big(swap.bound) == floor_of(Rational(big(swap.amount_out)) * (1 - share)));
  else
    RC_ASSERT(big(swap.bound) == ceil_of(Rational(big(swap.amount_in)) * (1 + share)));
}

// --- Routes

uniswap::Pool wbtc_weth() {
  return pool(0xa2, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000'000'000);
}

TEST(Planning, APairWithoutAPoolGoesOverOthers) {
  Desk desk;
  desk.state = market({usdc_weth(), wbtc_weth()});
  const auto plan = desk.plan(intent_document("dispose", "0.1", kWbtc, kUsdc));
  ASSERT_TRUE(plan) << plan.error().why.detail;
  ASSERT_EQ(plan->swap().paths.size(), 1U);
  const auto& path = plan->swap().paths.front();
  EXPECT_EQ(path.tokens, (std::vector<PathToken>{
                             {kWbtc.address, "WBTC"}, {kWeth.address, "WETH"}, {kUsdc.address, "USDC"}}));
  ASSERT_EQ(path.hops.size(), 2U);
  EXPECT_EQ(path.hops[0].pool, address(0xa2));
  EXPECT_EQ(path.hops[1].pool, address(0xa1));
  const auto weth = wbtc_weth().quote_exact_input(uniswap::Direction::kZeroForOne, units("0.1", kWbtc));
  const auto usdc = usdc_weth().quote_exact_input(uniswap::Direction::kOneForZero, weth->amount_out);
  EXPECT_EQ(plan->swap().amount_out, usdc->amount_out);

  const auto bought = desk.plan(intent_document("acquire", "500", kUsdc, kWbtc));
  ASSERT_TRUE(bought) << bought.error().why.detail;
  EXPECT_EQ(bought->swap().paths.front().tokens.front().symbol, "WBTC");
  EXPECT_EQ(bought->swap().paths.front().hops.size(), 2U);
}

TEST(Planning, AMiddleTokenThatIsNotConfiguredHasItsAddress) {
  Desk desk;
  desk.state = market({usdc_weth(), wbtc_weth()});
  std::erase(desk.limits.chain.tokens, kWeth);
  // WBTC cannot be valued without WETH between it and dollars: its buyer pays in a stablecoin.
  const auto plan = desk.plan(intent_document("acquire", "500", kUsdc, kWbtc));
  ASSERT_TRUE(plan) << plan.error().why.detail;
  EXPECT_EQ(plan->swap().paths.front().tokens[1], (PathToken{kWeth.address, ""}));
}

TEST(Planning, ALargeAmountIsDividedAndItsBoundWithIt) {
  Desk desk;
  desk.limits.risk.max_notional_usd_wad = wad("1000000");
  const auto deep = usdc_weth(0xa1);
  const auto other = usdc_weth(0xa2);
  desk.state = market({deep, other});
  const auto plan = desk.plan(intent_document("dispose", "40"));
  ASSERT_TRUE(plan) << plan.error().why.detail;
  const auto& swap = plan->swap();
  ASSERT_EQ(swap.paths.size(), 2U);
  Uint256 in, out, bound;
  for (const auto& path : swap.paths) {
    const auto& through = path.hops[0].pool == address(0xa1) ? deep : other;
    EXPECT_EQ(path.amount_out,
              through.quote_exact_input(uniswap::Direction::kOneForZero, path.amount_in)->amount_out);
    in = in + path.amount_in;
    out = out + path.amount_out;
    bound = bound + path.bound;
  }
  EXPECT_EQ(in, wad("40"));
  EXPECT_EQ(out, swap.amount_out);
  EXPECT_EQ(bound, swap.bound);
  EXPECT_GT(swap.amount_out, deep.quote_exact_input(uniswap::Direction::kOneForZero, wad("40"))->amount_out);
  // A criterion that leaves nothing between quote and bound divides exactly too.
  const auto tight = desk.plan(with_criteria(intent_document("dispose", "40"),
                                             {{"min_amount_out", format_amount(swap.amount_out, 6)}}));
  ASSERT_TRUE(tight);
  for (const auto& path : tight->swap().paths) EXPECT_EQ(path.bound, path.amount_out);
}

TEST(Planning, GasIsWorthMoreThanALittle) {
  Desk desk;
  desk.limits.risk.max_notional_usd_wad = wad("1000000");
  desk.state = market({usdc_weth(0xa1), usdc_weth(0xa2)});
  desk.state.account->native_wei = wad("1000");
  EXPECT_EQ(desk.plan(intent_document("dispose", "0.1"))->swap().paths.size(), 1U);
  desk.limits.execution.max_fee_per_gas_wei = number("100000000000000");
  desk.state.block.base_fee_wei = number("20000000000000");  // 20,000 gwei: a path costs thousands of dollars
  EXPECT_EQ(desk.plan(intent_document("dispose", "40"))->swap().paths.size(), 1U);
}

TEST(Planning, ARouteAboveTheGasLimitGivesWayToALighterOne) {
  Desk desk;
  desk.limits.risk.max_notional_usd_wad = wad("1000000");
  desk.state = market({usdc_weth(0xa1), usdc_weth(0xa2)});
  const auto divided = desk.plan(intent_document("dispose", "40"));
  ASSERT_EQ(divided->swap().paths.size(), 2U);
  desk.limits.execution.max_gas_limit = gas_limit_for(divided->swap().gas_estimate);
  EXPECT_EQ(desk.plan(intent_document("dispose", "40"))->swap().paths.size(), 2U);
  --desk.limits.execution.max_gas_limit;
  const auto lighter = desk.plan(intent_document("dispose", "40"));
  ASSERT_TRUE(lighter) << lighter.error().why.detail;
  EXPECT_EQ(lighter->swap().paths.size(), 1U);
}

// --- Success criteria

TEST(Planning, CriteriaTightenTheBound) {
  const Desk desk;
  const auto sold = desk.plan(intent_document("dispose"))->swap();
  const auto between = format_amount(sold.amount_out - 1, 6);
  const auto tight = desk.plan(with_criteria(intent_document("dispose"), {{"min_amount_out", between}}));
  ASSERT_TRUE(tight);
  EXPECT_EQ(tight->swap().bound, sold.amount_out - 1);
  const auto loose = desk.plan(with_criteria(intent_document("dispose"), {{"min_amount_out", "1"}}));
  EXPECT_EQ(loose->swap().bound, sold.bound);

  const auto bought = desk.plan(intent_document("acquire"))->swap();
  const auto most = format_amount(bought.amount_in + 1, 6);
  const auto dear = desk.plan(with_criteria(intent_document("acquire"), {{"max_amount_in", most}}));
  ASSERT_TRUE(dear);
  EXPECT_EQ(dear->swap().bound, bought.amount_in + 1);
  const auto generous = desk.plan(with_criteria(intent_document("acquire"), {{"max_amount_in", "90000"}}));
  EXPECT_EQ(generous->swap().bound, bought.bound);
}

TEST(Planning, ACriterionOnTheExactSideLeavesTheBound) {
  const Desk desk;
  const auto bought = desk.plan(intent_document("acquire"))->swap();
  const auto plan = desk.plan(with_criteria(intent_document("acquire"), {{"min_amount_out", "1"}}));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->swap().bound, bought.bound);
  EXPECT_EQ(desk.reason(with_criteria(intent_document("acquire"), {{"min_amount_out", "1.1"}})),
            errc::kCriteriaUnreachable);
}

TEST(Planning, EachCriterionHoldsUpToItselfAndNoFurther) {
  const Desk desk;
  const auto dispose = intent_document("dispose");
  const auto acquire = intent_document("acquire");
  const auto sold = *desk.plan(dispose);
  const auto bought = *desk.plan(acquire);
  const auto check = [&](const json::object& document, std::string_view metric, const Uint256& met,
                         const Uint256& missed, unsigned decimals, std::string_view reason) {
    const auto at = [&](const Uint256& value) {
      return desk.reason(with_criteria(document, {{metric, format_amount(value, decimals)}}));
    };
    EXPECT_EQ(at(met), "planned") << metric;
    EXPECT_EQ(at(missed), reason) << metric;
  };
  const auto& out = sold.swap().amount_out;
  const auto& in = bought.swap().amount_in;
  const auto& gas = sold.estimated_cost.gas_usd_wad;
  const auto& impact = sold.swap().price_impact_wad;
  ASSERT_FALSE(impact.is_zero());
  check(dispose, "min_amount_out", out, out + 1, 6, errc::kCriteriaUnreachable);
  check(acquire, "max_amount_in", in, in - 1, 6, errc::kCriteriaUnreachable);
  check(dispose, "max_gas_usd", gas, gas - 1, 18, errc::kGasLimit);
  check(dispose, "max_price_impact", impact, impact - 1, 18, errc::kPriceImpact);
  // One block, and what has passed since the intent was submitted.
  check(dispose, "complete_within_ms", 12'250U, 12'249U, 0, errc::kCriteriaUnreachable);
}

TEST(Planning, TheDurationCountsConfirmations) {
  Desk desk;
  desk.limits.chain.confirmations = 3;
  EXPECT_EQ(desk.plan(intent_document())->estimated_duration_ms, 36'000);
}

// --- Rejections

TEST(Planning, TheWindowEndsPlanning) {
  Desk desk;
  desk.limits.market.max_age_ms = 1'000'000;
  desk.now = kNow.plus_ms(300'000 - 251);
  EXPECT_EQ(desk.reason(intent_document()), "planned");
  desk.now = kNow.plus_ms(300'000 - 250);
  EXPECT_EQ(desk.reason(intent_document()), errc::kTimeWindow);
}

TEST(Planning, AStaleMarketIsNotPriced) {
  Desk desk;
  desk.now = kNow.plus_ms(10'000);
  EXPECT_EQ(desk.reason(intent_document()), errc::kStaleMarket);
  desk = Desk();
  desk.state.account.reset();
  EXPECT_EQ(desk.reason(intent_document()), errc::kStaleMarket);
}

TEST(Planning, NoRouteWithoutAUsablePool) {
  Desk desk;
  EXPECT_EQ(desk.reason(intent_document("acquire", "1", kWbtc, kUsdc)), errc::kNoRoute);
  desk.state.pools[0].quarantine = "differs";
  EXPECT_EQ(desk.reason(intent_document()), errc::kNoRoute);
}

TEST(Planning, ThePoolsMustHoldTheAmount) {
  EXPECT_EQ(Desk().reason(intent_document("acquire", "100000")), errc::kInsufficientLiquidity);
}

TEST(Planning, NoPriceInDollarsIsNoPlan) {
  Desk desk;
  desk.state = market({pool(0xa2, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000'000'000)});
  EXPECT_EQ(desk.reason(intent_document("dispose", "1", kWeth, kWbtc)), errc::kNoPrice);
}

TEST(Planning, PriceImpactHasALimit) {
  Desk desk;
  const auto impact = desk.plan(intent_document("dispose"))->swap().price_impact_wad;
  desk.limits.risk.max_price_impact_wad = impact;
  EXPECT_EQ(desk.reason(intent_document("dispose")), "planned");
  desk.limits.risk.max_price_impact_wad = impact - 1;
  EXPECT_EQ(desk.reason(intent_document("dispose")), errc::kPriceImpact);
}

TEST(Planning, GasHasItsLimits) {
  Desk desk;
  desk.limits.execution.max_fee_per_gas_wei = number("12375000000");  // of 8/9, base fee and priority fee
  EXPECT_EQ(desk.reason(intent_document()), "planned");
  desk.limits.execution.max_fee_per_gas_wei = number("12374999999");
  EXPECT_EQ(desk.reason(intent_document()), errc::kGasLimit);
  desk = Desk();
  desk.limits.execution.max_gas_limit = 100'000;
  EXPECT_EQ(desk.reason(intent_document()), errc::kGasLimit);
}

TEST(Planning, WhatTheBaseIsExchangedForCountsAgainstTheLimitToo) {
  Desk desk;
  EXPECT_EQ(desk.reason(intent_document("dispose", "3")), "planned");
  desk.limits.risk.max_notional_usd_wad = wad("7000");  // three are worth 7,500: risk may have been told less
  EXPECT_EQ(desk.reason(intent_document("dispose", "3")), errc::kNotionalLimit);
  EXPECT_EQ(desk.reason(intent_document("acquire", "3")), errc::kNotionalLimit);
  desk.limits.risk.max_notional_usd_wad = wad("7490");  // and the price impact that is allowed
  EXPECT_EQ(desk.reason(intent_document("acquire", "3")), "planned");
}

TEST(Planning, ALimitInUsdDoesNotHoldForGasWithoutAPrice) {
  Desk desk;
  desk.state = market({pool(0xa2, kWbtc, kUsdc, 500, 60, 50'000'000'000'000'000)});  // none with WETH
  const auto document = intent_document("dispose", "0.001", kWbtc, kUsdc);
  EXPECT_EQ(desk.reason(document), "planned") << "where nothing limits it, it need not be known";
  EXPECT_EQ(desk.reason(with_criteria(document, {{"max_gas_usd", "1000"}})), errc::kNoPrice);
  desk.limits.execution.max_gas_usd_wad = wad("1000");
  EXPECT_EQ(desk.reason(document), errc::kNoPrice);
}

TEST(Planning, AStaleMarketAndGasAboveTheCapPassAndNothingElseDoes) {
  Desk stale;
  stale.now = kNow.plus_ms(10'000);
  EXPECT_TRUE(stale.passes(intent_document()));
  stale = Desk();
  stale.state.account.reset();
  EXPECT_TRUE(stale.passes(intent_document()));
  stale.now = kNow.plus_ms(300'000 - 250);
  EXPECT_FALSE(stale.passes(intent_document())) << "the window has ended";

  Desk dear;
  dear.limits.execution.max_fee_per_gas_wei = number("12374999999");
  EXPECT_TRUE(dear.passes(intent_document()));
  auto bounded = intent_document();
  bounded["success_criteria"] = json::array{json::object{{"metric", "max_gas_usd"}, {"value", "0.000001"}}};
  EXPECT_TRUE(dear.passes(bounded)) << "what it costs below the cap is to be seen";
  EXPECT_FALSE(Desk().passes(bounded));
  EXPECT_FALSE(dear.passes(intent_document("acquire", "1", kWbtc, kUsdc))) << "no route at any price of gas";
  Desk large;
  large.limits.execution.max_gas_limit = 100'000;
  EXPECT_FALSE(large.passes(intent_document()));
}

TEST(Planning, TheAccountMustHoldWhatMayBePaid) {
  Desk desk;
  const auto swap = desk.plan(intent_document())->swap();
  auto& balance = desk.state.account->balances[kUsdc.address];
  balance = swap.bound;
  EXPECT_EQ(desk.reason(intent_document()), "planned");
  balance = swap.bound - 1;
  EXPECT_EQ(desk.reason(intent_document()), errc::kInsufficientBalance);
  desk.state.account->balances.erase(kUsdc.address);
  EXPECT_EQ(desk.reason(intent_document()), errc::kInsufficientBalance);

  desk = Desk();
  const auto gas = desk.plan(intent_document())->estimated_cost.gas_wei;
  desk.state.account->native_wei = gas;
  EXPECT_EQ(desk.reason(intent_document()), "planned");
  desk.state.account->native_wei = gas - 1;
  EXPECT_EQ(desk.reason(intent_document()), errc::kInsufficientBalance);
}

// --- Approvals, cost, risk

TEST(Planning, AnExactApprovalIsAlwaysAStep) {
  Desk desk;
  desk.state.account->allowances[kUsdc.address] = Uint256::max();  // what is there belongs to others
  const auto plan = desk.plan(intent_document());
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->steps.size(), 2U);
  const auto& approve = std::get<ApproveStep>(plan->steps[0]);
  EXPECT_EQ(approve.token, kUsdc);
  EXPECT_EQ(approve.spender, kRouter);
  EXPECT_EQ(approve.amount, plan->swap().bound);
  const auto sale = desk.plan(intent_document("dispose", "2"));
  EXPECT_EQ(std::get<ApproveStep>(sale->steps[0]).amount, wad("2"));
}

TEST(Planning, AStandingApprovalIsMadeOnceUpToItsCap) {
  Desk desk;
  desk.limits.execution.allowance = AllowanceMode::kStanding;
  desk.limits.execution.standing_allowance_cap = number("50000000000");
  auto plan = desk.plan(intent_document());
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->steps.size(), 2U);
  EXPECT_EQ(std::get<ApproveStep>(plan->steps[0]).amount, number("50000000000"));
  const auto needed = plan->swap().bound;
  const auto with_approval = plan->estimated_cost.gas_units;

  desk.state.account->allowances[kUsdc.address] = needed;
  plan = desk.plan(intent_document());
  EXPECT_EQ(plan->steps.size(), 1U);
  EXPECT_LT(plan->estimated_cost.gas_units, with_approval);

  desk.state.account->allowances[kUsdc.address] = needed - 1;
  desk.limits.execution.standing_allowance_cap = 1U;  // a cap below the need does not stop the intent
  EXPECT_EQ(std::get<ApproveStep>(desk.plan(intent_document())->steps[0]).amount, needed);
}

/// The amounts that the plan's steps before the swap approve.
std::vector<Uint256> approvals(const Plan& plan) {
  std::vector<Uint256> amounts;
  for (const auto& step : plan.steps)
    if (const auto* approve = std::get_if<ApproveStep>(&step)) amounts.push_back(approve->amount);
  return amounts;
}

TEST(Planning, ATokenThatNeedsItIsResetToZeroFirst) {
  Desk desk;
  for (auto& token : desk.limits.chain.tokens) token.reset_allowance = token == kUsdc;
  auto& allowance = desk.state.account->allowances[kUsdc.address];
  allowance = {};
  auto plan = desk.plan(intent_document());
  const auto bound = plan->swap().bound;
  EXPECT_EQ(approvals(*plan), std::vector{bound}) << "nothing stands that would have to go";
  const auto without = plan->estimated_cost.gas_units;
  allowance = 1U;
  plan = desk.plan(intent_document());
  EXPECT_EQ(approvals(*plan), (std::vector{Uint256(), bound}));
  EXPECT_GT(plan->estimated_cost.gas_units, without);
  EXPECT_EQ(approvals(*desk.plan(intent_document("dispose", "2"))), std::vector{wad("2")})
      << "WETH needs none";
  allowance = {};
  desk.approve = true;  // what is in flight left something behind that the market does not know yet
  EXPECT_EQ(approvals(*desk.plan(intent_document())), (std::vector{Uint256(), bound}));
}

TEST(Planning, AnAllowanceThatProvedTooSmallIsSetAnew) {
  Desk desk;
  desk.limits.execution.allowance = AllowanceMode::kStanding;
  desk.limits.execution.standing_allowance_cap = number("50000000000");
  desk.state.account->allowances[kUsdc.address] = number("50000000000");
  EXPECT_TRUE(approvals(*desk.plan(intent_document())).empty());
  desk.approve = true;
  EXPECT_EQ(approvals(*desk.plan(intent_document())), std::vector{number("50000000000")});
}

TEST(Planning, TheCostIsGasAtThePresentPrice) {
  const Desk desk;
  const auto plan = desk.plan(intent_document());
  const auto& cost = plan->estimated_cost;
  EXPECT_GT(cost.gas_units, plan->swap().gas_estimate);
  EXPECT_EQ(big(cost.gas_wei), Big(cost.gas_units) * Big("11000000000"));
  // One WETH is about 2,500 USD here.
  const Big expected = big(cost.gas_wei) * 2'500;
  EXPECT_LT(abs(big(cost.gas_usd_wad) - expected) * 1'000, expected);
}

TEST(Planning, TheRiskScoreIsTheLargestShareOfALimit) {
  Desk desk;
  EXPECT_EQ(desk.plan(intent_document("dispose", "0.001"))->risk_score, 20U);  // slippage: 1 % of 5 %
  const auto notional = desk.price(intent_document())->notional_usd_wad;
  desk.limits.risk.max_notional_usd_wad = notional * 2U;
  EXPECT_EQ(desk.plan(intent_document())->risk_score, 50U);
  desk.limits.risk.max_notional_usd_wad = notional;
  EXPECT_EQ(desk.plan(intent_document())->risk_score, 100U);
}

}  // namespace
}  // namespace sep::engine
