#include "engine/risk.h"

#include <gtest/gtest.h>

#include "engine/test_support.h"

namespace sep::engine {
namespace {

using namespace test;

const Intent& sample() {
  static const auto kIntent = intent(intent_document());
  return kIntent;
}

RiskDecision decide(const RiskSettings& settings, Result<Uint256> notional = wad("2499.7654329"),
                    std::uint64_t open_intents = 1) {
  return decide_risk({sample(), std::move(notional), open_intents}, settings);
}

struct Row {
  std::string check, value, limit;
  bool ok;
  bool operator==(const Row&) const = default;
};

std::vector<Row> rows(const RiskDecision& decision) {
  std::vector<Row> all;
  for (const auto& check : decision.checks)
    all.push_back({std::string(check.check), check.value, check.limit, check.ok});
  return all;
}

TEST(Risk, EveryCheckIsListedInOrderWithValueAndLimit) {
  auto limits = settings().risk;
  limits.max_open_intents = 4;
  limits.allowed_tokens = {"USDC", "WETH"};
  const auto decision = decide(limits);
  EXPECT_TRUE(decision.approved());
  EXPECT_EQ(decision.reason(), "");
  EXPECT_EQ(decision.detail(), "");
  EXPECT_EQ(decision.notional_usd_wad, wad("2499.7654329"));
  EXPECT_EQ(rows(decision), (std::vector<Row>{{"kill_switch", "off", "off", true},
                                              {"allowed_tokens", "WETH, USDC", "USDC, WETH", true},
                                              {"max_slippage", "0.01", "0.05", true},
                                              {"notional_usd", "2499.765432", "10000", true},
                                              {"open_intents", "1", "4", true}}));
}

TEST(Risk, WithoutLimitsThatIsSaid) {
  const auto all = rows(decide(settings().risk));
  EXPECT_EQ(all[1], (Row{"allowed_tokens", "WETH, USDC", "every configured token", true}));
  EXPECT_EQ(all[4], (Row{"open_intents", "1", "unlimited", true}));
  const auto uncounted = rows(decide_risk({sample(), wad("1"), std::nullopt}, settings().risk));
  EXPECT_EQ(uncounted[4], (Row{"open_intents", "not counted", "unlimited", true}));
}

TEST(Risk, AHaltStopsLikeTheConfiguredSwitchAndTellsWhoAndWhy) {
  const auto decision = decide_risk(
      {sample(), wad("1"), 1, "since 10:00 by ops@desk (USER_REQUEST: looks wrong)"}, settings().risk);
  EXPECT_FALSE(decision.approved());
  EXPECT_EQ(decision.reason(), errc::kKillSwitch);
  EXPECT_EQ(rows(decision)[0],
            (Row{"kill_switch", "on since 10:00 by ops@desk (USER_REQUEST: looks wrong)", "off", false}));
}

TEST(Risk, EachLimitHoldsUpToItselfAndNoFurther) {
  auto limits = settings().risk;
  limits.max_notional_usd_wad = wad("100");
  EXPECT_TRUE(decide(limits, wad("100")).approved());
  EXPECT_EQ(decide(limits, wad("100") + 1).reason(), errc::kNotionalLimit);

  limits = settings().risk;
  limits.max_slippage_wad = wad("0.01");
  EXPECT_TRUE(decide(limits).approved());
  limits.max_slippage_wad = wad("0.01") - 1;
  EXPECT_EQ(decide(limits).reason(), errc::kSlippageLimit);

  limits = settings().risk;
  limits.max_open_intents = 3;
  EXPECT_TRUE(decide(limits, wad("1"), 3).approved());
  const auto crowded = decide(limits, wad("1"), 4);
  EXPECT_EQ(crowded.reason(), errc::kOpenIntentsLimit);
  EXPECT_EQ(crowded.detail(), "open_intents is 4; allowed: 3");
}

TEST(Risk, BothTokensMustBeAllowed) {
  auto limits = settings().risk;
  limits.allowed_tokens = {"WETH"};
  EXPECT_EQ(decide(limits).reason(), errc::kTokenNotAllowed);
  limits.allowed_tokens = {"USDC"};
  EXPECT_EQ(decide(limits).reason(), errc::kTokenNotAllowed);
}

TEST(Risk, NoPriceIsNoApproval) {
  for (const auto code : {errc::kNoPrice, errc::kStaleMarket}) {
    const auto decision = decide(settings().risk, fail(code, "why not"));
    EXPECT_FALSE(decision.approved());
    EXPECT_EQ(decision.reason(), code);
    EXPECT_EQ(rows(decision)[3], (Row{"notional_usd", "unknown", "10000", false}));
    EXPECT_EQ(decision.detail(), "notional_usd is unknown: why not");
  }
}

TEST(Risk, TheFirstFailureGivesTheReasonAndAllAreListed) {
  auto limits = settings().risk;
  limits.kill_switch = true;
  limits.allowed_tokens = {"DAI"};
  limits.max_slippage_wad = wad("0.001");
  limits.max_open_intents = 1;
  limits.max_notional_usd_wad = wad("1");
  const std::vector<std::string_view> order = {errc::kKillSwitch, errc::kTokenNotAllowed,
                                               errc::kSlippageLimit, errc::kNotionalLimit,
                                               errc::kOpenIntentsLimit};
  const auto decision = decide(limits, wad("2"), 2);
  ASSERT_EQ(decision.checks.size(), order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_FALSE(decision.checks[i].ok);
    EXPECT_EQ(decision.checks[i].reason, order[i]);
  }
  EXPECT_EQ(decision.reason(), errc::kKillSwitch);
  EXPECT_EQ(decision.detail(), "kill_switch is on; allowed: off");
  limits.kill_switch = false;
  EXPECT_EQ(decide(limits, wad("2"), 2).reason(), errc::kTokenNotAllowed);
  limits.allowed_tokens.clear();
  EXPECT_EQ(decide(limits, wad("2"), 2).reason(), errc::kSlippageLimit);
}

TEST(Risk, ChecksAsJson) {
  const auto list = to_json(decide(settings().risk).checks);
  ASSERT_EQ(list.size(), 5U);
  EXPECT_EQ(list[2],
            (json::object{{"check", "max_slippage"}, {"value", "0.01"}, {"limit", "0.05"}, {"ok", true}}));
}

}  // namespace
}  // namespace sep::engine
