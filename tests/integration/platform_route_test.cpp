// The whole platform over several pools: a pair that no pool trades, an amount that is better divided, and a
// bound that the chain misses on one path of several.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/decimal.h"
#include "base/hex.h"
#include "base/json.h"
#include "ethereum/abi.h"
#include "support/platform.h"
#include "uniswap/contracts.h"

namespace sep {
namespace {

using support::Events;
using support::field;
using support::need;
using support::Platform;
using testing::ElementsAre;

class PlatformRouteTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    platform_ = std::make_unique<Platform>(
        Platform::devnet_configuration({{"max_notional_usd = \"10000\"", "max_notional_usd = \"1000000\""}}));
  }
  static void TearDownTestSuite() { platform_.reset(); }
  static Platform& platform() { return *platform_; }

  /// The swap of the plan in the events.
  static json::object swap_of(const Events& events) {
    const auto plan = support::find_event(events, "plan.created");
    if (!plan) throw std::runtime_error("no plan: " + field(events.back(), "detail"));
    return plan->at("payload").at("steps").as_array().back().as_object();
  }
  static std::vector<std::string> symbols_of(const json::value& path) {
    std::vector<std::string> symbols;
    for (const auto& token : path.at("tokens").as_array())
      symbols.push_back(string_or(token.as_object(), "symbol"));
    return symbols;
  }

  /// What QuoterV2 says now of each path of the swap.
  void expect_quoted(const json::object& swap) {
    const bool exact_input = string_or(swap, "swap_kind") == "exact_input";
    const auto kind = exact_input ? uniswap::Kind::kExactInput : uniswap::Kind::kExactOutput;
    const auto units = [&](const json::object& of, const char* amount, const char* token) {
      const auto decimals = swap.at(token).at("decimals").to_number<unsigned>();
      return need(parse_decimal(string_or(of, amount), decimals), amount);
    };
    for (const auto& element : swap.at("paths").as_array()) {
      const auto& path = element.as_object();
      uniswap::SwapPath named;
      for (const auto& token : path.at("tokens").as_array())
        named.tokens.push_back(need(parse_address(string_or(token.as_object(), "address")), "a token"));
      for (const auto& fee : path.at("fees").as_array())
        named.fees_pips.push_back(fee.to_number<std::uint32_t>());
      const auto in = units(path, "amount_in", "token_in");
      const auto out = units(path, "amount_out", "token_out");
      const auto answer =
          need(uniswap::quoter::decode_path(
                   kind, platform().call(platform().settings().chain.contracts.quoter,
                                         uniswap::quoter::exact_path(kind, named, exact_input ? in : out))),
               "QuoterV2");
      EXPECT_EQ(to_string(answer.amount), to_string(exact_input ? out : in)) << json::serialize(path);
    }
  }

 private:
  static inline std::unique_ptr<Platform> platform_;
};

TEST_F(PlatformRouteTest, APairWithoutAPoolIsTradedOverOthers) {
  for (const auto& [type, amount, base, quote, way] :
       std::vector<std::tuple<const char*, const char*, const char*, const char*, std::vector<std::string>>>{
           {"dispose", "0.1", "WBTC", "DAI", {"WBTC", "WETH", "USDC", "DAI"}},
           {"acquire", "1500.25", "DAI", "WBTC", {"WBTC", "WETH", "USDC", "DAI"}},
           {"acquire", "0.02", "WBTC", "USDC", {"USDC", "WETH", "WBTC"}}}) {
    SCOPED_TRACE(fmt::format("{} {} {} for {}", type, amount, base, quote));
    const bool acquire = std::string_view(type) == "acquire";
    platform().await_market();
    const auto before = platform().mark();
    // The plan's state is that of the present block: the quoter is asked before anything is sent.
    platform().rpc("evm_setAutomine", {false});
    const auto id = platform().submit(platform().intent(type, amount, base, quote));
    const auto planned = platform().await_topic(id, "plan.created");
    const auto swap = swap_of(planned);
    expect_quoted(swap);
    platform().rpc("evm_setAutomine", {true});
    platform().rpc("evm_mine");
    const auto events = platform().await_end(id);
    ASSERT_EQ(support::topic_of(events.back()), "exec.completed") << field(events.back(), "detail");
    support::expect_unbroken(events);
    const auto& paths = swap.at("paths").as_array();
    ASSERT_EQ(paths.size(), 1U);
    EXPECT_EQ(symbols_of(paths[0]), way);
    // Nobody else traded.
    EXPECT_EQ(field(events.back(), "amountIn"), string_or(swap, "amount_in"));
    EXPECT_EQ(field(events.back(), "amountOut"), string_or(swap, "amount_out"));
    EXPECT_EQ(string_or(swap, acquire ? "amount_out" : "amount_in"), amount);
    platform().expect_reconciled(before);
  }
}

TEST_F(PlatformRouteTest, ALargeAmountIsDividedAndMovesWhatItsFillsSay) {
  for (const auto& [type, amount] : {std::pair{"dispose", "60"}, {"acquire", "45.5"}}) {
    SCOPED_TRACE(type);
    const bool acquire = std::string_view(type) == "acquire";
    platform().await_market();
    const auto before = platform().mark();
    const auto direct = platform().quoter(type, amount, "WETH", "USDC");
    const auto id = platform().submit(platform().intent(type, amount, "WETH", "USDC"));
    const auto events = platform().await_end(id);
    ASSERT_EQ(support::topic_of(events.back()), "exec.completed") << field(events.back(), "detail");
    const auto swap = swap_of(events);
    EXPECT_EQ(swap.at("paths").as_array().size(), 2U) << json::serialize(swap);
    EXPECT_EQ(field(events.back(), "amountIn"), string_or(swap, "amount_in"));
    EXPECT_EQ(field(events.back(), "amountOut"), string_or(swap, "amount_out"));
    const auto divided =
        need(parse_decimal(string_or(swap, acquire ? "amount_in" : "amount_out"), 6), "quote");
    EXPECT_TRUE(acquire ? divided < direct : divided > direct) << "the best single pool is no better";
    const auto bound =
        need(parse_decimal(string_or(swap, acquire ? "max_amount_in" : "min_amount_out"), 6), "the bound");
    Uint256 sum;
    for (const auto& path : swap.at("paths").as_array())
      sum = sum +
            need(parse_decimal(string_or(path.as_object(), acquire ? "max_amount_in" : "min_amount_out"), 6),
                 "a path's bound");
    EXPECT_EQ(sum, bound);
    platform().expect_reconciled(before);
    EXPECT_THAT(platform().swaps_by_intent(before), ElementsAre(testing::Pair(id, 1U)));
    // The view of the plan shows what the record says.
    const auto plan = support::find_event(events, "plan.created");
    ASSERT_TRUE(support::eventually([&] {
      return string_or(platform().get("/plans/" + field(*plan, "planId")), "state") == "completed";
    }));
    const auto view = platform().get("/plans/" + field(*plan, "planId"));
    EXPECT_EQ(view.at("steps").as_array().back().at("paths"), swap.at("paths"));
  }
  platform().expect_replay_equal();
}

/// Somebody sells into one of the two pools ahead of the swap, in the same block: the other path would still
/// be filled, and is not.
TEST_F(PlatformRouteTest, ABoundMissedOnOnePathUndoesTheWhole) {
  platform().await_market();
  auto intent = platform().intent("dispose", "60", "WETH", "USDC");
  intent["constraints"].as_object()["max_slippage"] = "0.001";
  const auto before = platform().mark();
  const auto from = platform().account(1);
  const auto& weth = platform().token("WETH").address;
  const auto& router = platform().settings().chain.contracts.swap_router;
  const auto units = need(parse_decimal("20", 18), "20");
  platform().send({.from = from,
                   .to = weth,
                   .data = abi::Encoder().call(abi::selector("deposit()")),
                   .value_wei = units});
  platform().send({.from = from, .to = weth, .data = uniswap::erc20::approve(router, units)});
  platform().await_market();
  platform().rpc("evm_setAutomine", {false});
  const auto id = platform().submit(intent);
  const auto sent = platform().await_topic(id, "exec.step_submitted");
  ASSERT_EQ(swap_of(sent).at("paths").as_array().size(), 2U);
  platform().send({.from = from,
                   .to = router,
                   .data = uniswap::swap_router::multicall(
                       {.kind = uniswap::Kind::kExactInput,
                        .recipient = from,
                        .deadline = 1ULL << 40U,
                        .paths = {{{{weth, platform().token("USDC").address}, {500}}, units, 0U}}})});
  ASSERT_TRUE(support::eventually([&] { return platform().rpc("txpool_status").at("pending") == "0x3"; }))
      << json::serialize(platform().rpc("txpool_status"));
  platform().rpc("evm_mine");
  const auto reverted = platform().await(id, [](const json::object& event) {
    return support::topic_of(event) == "exec.step_reverted" ||
           support::is_terminal_topic(support::topic_of(event));
  });
  EXPECT_EQ(support::topic_of(reverted.back()), "exec.step_reverted");
  EXPECT_EQ(field(reverted.back(), "reason"), "SLIPPAGE_EXCEEDED");
  const auto held = platform().balances();
  EXPECT_EQ(held.at("WETH"), before.balances.at("WETH"));
  EXPECT_EQ(held.at("USDC"), before.balances.at("USDC"));
  // It is planned again on what the pools are then.
  platform().rpc("evm_setAutomine", {true});
  platform().rpc("evm_mine");
  const auto events = platform().await_end(id);
  EXPECT_EQ(support::topic_of(events.back()), "exec.completed") << field(events.back(), "detail");
  platform().expect_reconciled(before);
}

}  // namespace
}  // namespace sep
