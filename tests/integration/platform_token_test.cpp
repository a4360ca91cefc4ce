// A token that keeps to ERC-20 as little as Tether's USDT does, traded by the platform on a local chain.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/decimal.h"
#include "base/hex.h"
#include "base/json.h"
#include "support/platform.h"
#include "uniswap/contracts.h"

namespace sep {
namespace {

using support::Events;
using support::field;
using support::need;
using support::Platform;
using testing::ElementsAre;

/// USDC, as devnet/contracts/ZeroFirstToken.sol has it: approve reverts where it would replace an allowance,
/// and nothing returns a bool.
class ZeroFirstTokenTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    platform_ = std::make_unique<Platform>(Platform::devnet_configuration(
        {{"# reset_allowance = true # of a", "reset_allowance = true # of a"}}));
    const auto made = platform().rpc(
        "eth_sendTransaction",
        {json::object{{"from", to_hex(platform().account(5))}, {"data", bytecode()}, {"gas", "0x200000"}}});
    const auto code = platform().rpc("eth_getCode", {mined(made).at("contractAddress"), "latest"});
    platform().rpc("anvil_setCode", {to_hex(usdc()), code});
    const auto approved = platform().send({.from = platform().account(),
                                           .to = usdc(),
                                           .data = uniswap::erc20::approve(router(), *parse_amount("7", 6))});
    mined(json::string(to_hex(approved)));
    platform().await_market();
  }
  static void TearDownTestSuite() { platform_.reset(); }
  static Platform& platform() { return *platform_; }

  /// The receipt, which anvil has a moment after it has taken the transaction.
  static json::object mined(const json::value& tx_hash) {
    json::value receipt;
    if (!support::eventually([&] {
          receipt = platform().rpc("eth_getTransactionReceipt", {tx_hash});
          return receipt.is_object();
        }))
      throw std::runtime_error("not mined");
    return receipt.as_object();
  }
  static std::string bytecode() {
    std::ifstream file(std::string(SEP_SOURCE_DIR) + "/devnet/contracts/ZeroFirstToken.json");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return string_or(need(parse_json(text), "the artifact").as_object(), "bytecode");
  }
  static Address usdc() { return platform().token("USDC").address; }
  static Address router() { return platform().settings().chain.contracts.swap_router; }
  static json::value approve(const std::string& usdc_amount) {
    return platform().rpc(
        "eth_call",
        {json::object{{"from", to_hex(platform().account())},
                      {"to", to_hex(usdc())},
                      {"data", to_hex(uniswap::erc20::approve(router(), *parse_decimal(usdc_amount, 6)))}},
         "latest"});
  }
  static Uint256 allowance() {
    return need(uniswap::decode_uint(
                    platform().call(usdc(), uniswap::erc20::allowance(platform().account(), router()))),
                "the allowance");
  }
  /// The amounts that the last plan approves, in its order.
  static std::vector<std::string> approvals(const Events& events) {
    std::vector<std::string> amounts;
    for (const auto& event : events) {
      if (support::topic_of(event) != "plan.created") continue;
      amounts.clear();
      for (const auto& step : event.at("payload").at("steps").as_array())
        if (step.at("kind") == "approve") amounts.push_back(string_or(step.as_object(), "amount"));
    }
    return amounts;
  }

 private:
  static inline std::unique_ptr<Platform> platform_;
};

TEST_F(ZeroFirstTokenTest, AnAllowanceThatStandsIsResetBeforeTheNextIsSet) {
  ASSERT_EQ(allowance(), *parse_amount("7", 6));
  EXPECT_THROW(approve("8"), std::runtime_error) << "the token is as it should not be";
  EXPECT_EQ(approve("0"), "0x") << "it answers nothing";
  const auto before = platform().mark();
  // What the first leaves over, since the price was better than its bound, stands before the second.
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(allowance().is_zero());
    const auto events =
        platform().await_end(platform().submit(platform().intent("acquire", "0.1", "WETH", "USDC")));
    ASSERT_EQ(support::topic_of(events.back()), "exec.completed") << field(events.back(), "detail");
    const auto swap =
        support::find_event(events, "plan.created")->at("payload").at("steps").as_array().back();
    EXPECT_THAT(approvals(events), ElementsAre("0", string_or(swap.as_object(), "max_amount_in")));
    EXPECT_EQ(allowance(), *parse_amount(string_or(swap.as_object(), "max_amount_in"), 6) -
                               *parse_amount(field(events.back(), "amountIn"), 6));
    platform().await_market();
  }
  platform().expect_reconciled(before);
}

TEST_F(ZeroFirstTokenTest, ItIsBoughtAndSoldByManyAtOnce) {
  const auto before = platform().mark();
  std::vector<json::object> intents;
  for (int i = 0; i < 4; ++i) {
    intents.push_back(platform().intent("acquire", "0.1", "WETH", "USDC"));
    intents.push_back(platform().intent("dispose", "0.1", "WETH", "USDC"));
  }
  for (const auto& id : platform().submit_together(intents)) {
    const auto events = platform().await_end(id);
    EXPECT_EQ(support::topic_of(events.back()), "exec.completed") << field(events.back(), "detail");
  }
  platform().expect_reconciled(before);
}

}  // namespace
}  // namespace sep
