// What the platform refuses, gives up, or takes another way, and the reason that it tells: limits, markets,
// and chains that do not do what was planned.
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/hex.h"
#include "ethereum/abi.h"
#include "ethereum/rlp.h"
#include "support/platform.h"
#include "uniswap/contracts.h"

namespace sep {
namespace {

using std::chrono::milliseconds;
using support::Events;
using support::field;
using support::need;
using support::Platform;
using testing::Contains;
using testing::Not;

const Bytes kAlwaysReverts{0x60, 0x00, 0x60, 0x00, 0xfd};  // PUSH1 0 PUSH1 0 REVERT

/// A short life for prices, so that a dead node is noticed soon.
const std::pair<std::string, std::string> kQuickly{"max_age_ms = 5000", "max_age_ms = 2500"};
/// DAI is in no pool: no route leads to it.
const std::pair<std::string, std::string> kLonelyDai{
    "[[pool]]\ntoken_a = \"USDC\"\ntoken_b = \"DAI\"\nfee = 100\n", ""};

class LimitsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    platform_ = std::make_unique<Platform>(Platform::devnet_configuration({kQuickly, kLonelyDai}));
  }
  static void TearDownTestSuite() { platform_.reset(); }
  static Platform& platform() { return *platform_; }

  void SetUp() override {
    platform().await_market();
    before_ = platform().mark();
  }
  /// Whatever a test did, in the end the account has what the record says, and nothing is left open.
  void TearDown() override {
    platform().rpc("evm_setAutomine", {true});
    platform().rpc("evm_mine");
    platform().expect_reconciled(before_, foreign_);
  }

  json::object intent(const std::string& type, const std::string& amount, const std::string& base,
                      const std::string& quote) const {
    return platform().intent(type, amount, base, quote);
  }
  static void set(json::object& intent, const char* constraint, const json::value& value) {
    intent["constraints"].as_object()[constraint] = value;
  }
  static void add_criterion(json::object& intent, const char* metric, const char* value) {
    if (!intent.contains("success_criteria")) intent["success_criteria"] = json::array{};
    intent["success_criteria"].as_array().push_back(json::object{{"metric", metric}, {"value", value}});
  }

  /// Submits it, and expects this end with this reason and a sentence beside it.
  Events expect_end(const json::object& document, const std::string& topic, const std::string& reason) {
    const auto events = platform().await_end(platform().submit(document));
    support::expect_unbroken(events);
    EXPECT_EQ(support::topic_of(events.back()), topic) << field(events.back(), "detail");
    EXPECT_EQ(field(events.back(), "reason"), reason) << field(events.back(), "detail");
    if (topic != "intent.expired") EXPECT_FALSE(field(events.back(), "detail").empty());
    return events;
  }

  void stop_mining() { platform().rpc("evm_setAutomine", {false}); }
  /// Also what waits in the pool.
  void resume_mining() {
    platform().rpc("evm_setAutomine", {true});
    platform().rpc("evm_mine");
  }
  /// Account `index` sells this much fresh WETH in the pool of the fee, ahead of the platform in the same
  /// block.
  void sell_weth(std::size_t index, const std::string& amount, std::uint32_t fee_pips) {
    const auto& weth = platform().token("WETH").address;
    const auto& router = platform().settings().chain.contracts.swap_router;
    const auto units = *parse_amount(amount, 18);
    const auto from = platform().account(index);
    platform().send({.from = from,
                     .to = weth,
                     .data = abi::Encoder().call(abi::selector("deposit()")),
                     .value_wei = units});
    platform().send({.from = from, .to = weth, .data = uniswap::erc20::approve(router, units)});
    platform().send({.from = from,
                     .to = router,
                     .data = uniswap::swap_router::multicall(
                         {.kind = uniswap::Kind::kExactInput,
                          .recipient = from,
                          .deadline = 1ULL << 40U,
                          .paths = {{{{weth, platform().token("USDC").address}, {fee_pips}}, units, 0U}}})});
  }
  Bytes code_of(const Address& address) const {
    return *from_hex(platform().rpc("eth_getCode", {to_hex(address), "latest"}).as_string());
  }
  void set_code(const Address& address, const Bytes& code) {
    platform().rpc("anvil_setCode", {to_hex(address), to_hex(code)});
  }
  static std::uint64_t nonce_of(const json::object& prepared) {
    return static_cast<std::uint64_t>(prepared.at("payload").at("nonce").as_int64());
  }
  static json::object last_prepared(const Events& events) {
    const auto found = std::find_if(events.rbegin(), events.rend(), [](const json::object& event) {
      return support::topic_of(event) == "exec.step_prepared";
    });
    return found == events.rend() ? json::object{} : *found;
  }
  /// Until the transactions of its first, second, … plan are in the node's pool.
  Events await_pending(const std::string& id, int plan = 1) {
    return platform().await(id, [plan, plans = 0](const json::object& event) mutable {
      plans += support::topic_of(event) == "plan.created";
      return plans >= plan && support::topic_of(event) == "exec.step_submitted";
    });
  }

  std::set<std::string> foreign_;  // transactions of the account that the test sent itself

 private:
  static inline std::unique_ptr<Platform> platform_;
  support::Mark before_;
};

// --- Risk and planning

TEST_F(LimitsTest, RiskLimitsRefuse) {
  const auto events = expect_end(intent("acquire", "5", "WETH", "USDC"), "risk.rejected", "NOTIONAL_LIMIT");
  EXPECT_EQ(events.back().at("payload").at("checks").as_array().size(),
            5U);  // all of them, not only the failed one
  auto loose = intent("acquire", "1", "WETH", "USDC");
  set(loose, "max_slippage", "0.051");
  expect_end(loose, "risk.rejected", "SLIPPAGE_LIMIT");
}

TEST_F(LimitsTest, PlansThatCannotBeMadeAreRefused) {
  expect_end(intent("dispose", "0.1", "WBTC", "DAI"), "plan.rejected", "NO_ROUTE");
  auto strict = intent("dispose", "1", "WETH", "USDC");
  add_criterion(strict, "max_price_impact", "0.000000000000000001");
  expect_end(strict, "plan.rejected", "PRICE_IMPACT");
  auto cheap = intent("dispose", "1", "WETH", "USDC");
  add_criterion(cheap, "max_gas_usd", "0.000001");
  expect_end(cheap, "plan.rejected", "GAS_LIMIT");
  auto dear = intent("dispose", "1", "WETH", "USDC");
  add_criterion(dear, "min_amount_out", "10000");
  expect_end(dear, "plan.rejected", "CRITERIA_UNREACHABLE");
}

TEST_F(LimitsTest, GasAboveTheCapIsNotPaid) {
  const auto base_fee = [&](const char* wei) {
    platform().rpc("anvil_setNextBlockBaseFeePerGas", {wei});
    platform().rpc("evm_mine");
    platform().await_market();
  };
  base_fee(to_quantity(Uint256(600U) * pow10(9)).c_str());  // execution.max_fee_per_gas_gwei is 500
  const auto patient = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  auto hasty = intent("dispose", "1", "WETH", "USDC");
  set(hasty, "time_window", 3);
  const auto events = expect_end(hasty, "intent.expired", "TIME_WINDOW");
  EXPECT_THAT(support::topics_of(events), Not(Contains("plan.created")));
  EXPECT_EQ(platform().get("/intents/" + patient).at("state"), "accepted");
  auto impossible = intent("dispose", "0.1", "WBTC", "DAI");
  expect_end(impossible, "plan.rejected", "NO_ROUTE");
  base_fee("0x3b9aca00");
  EXPECT_EQ(support::topic_of(platform().await_end(patient).back()), "exec.completed");
}

TEST_F(LimitsTest, AnAccountWithoutEtherIsNotDrivenIntoTheWall) {
  const auto account = to_hex(platform().account());
  const auto balance = platform().rpc("eth_getBalance", {account, "latest"});
  platform().rpc("anvil_setBalance", {account, "0x0"});
  platform().rpc("evm_mine");
  platform().await_market();
  expect_end(intent("dispose", "1", "WETH", "USDC"), "plan.rejected", "INSUFFICIENT_BALANCE");
  platform().rpc("anvil_setBalance", {account, balance});
  platform().rpc("evm_mine");
}

TEST_F(LimitsTest, PricesOfASilentNodeAreWaitedFor) {
  const auto fresh = [&] {
    const auto document = need(parse_json(platform().http("GET", "/readyz").body), "/readyz");
    return document.at("dependencies").at("market").at("ok").as_bool();
  };
  ASSERT_TRUE(platform().stack().signal("anvil", SIGSTOP));
  EXPECT_TRUE(support::eventually([&] { return !fresh(); }));
  const auto patient = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  const auto unwanted = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  auto hasty = intent("dispose", "1", "WETH", "USDC");
  set(hasty, "time_window", 4);
  auto loose = intent("dispose", "1", "WETH", "USDC");
  set(loose, "max_slippage", "0.051");
  expect_end(loose, "risk.rejected", "SLIPPAGE_LIMIT");  // needs no price
  expect_end(hasty, "intent.expired", "TIME_WINDOW");
  EXPECT_EQ(platform().http("POST", "/intents/" + unwanted + "/cancel").status, 202);
  EXPECT_EQ(support::topic_of(platform().await_end(unwanted).back()), "intent.cancelled");
  EXPECT_EQ(platform().get("/intents/" + patient).at("state"), "submitted");
  ASSERT_TRUE(platform().stack().signal("anvil", SIGCONT));
  EXPECT_EQ(support::topic_of(platform().await_end(patient).back()), "exec.completed");
}

// --- The chain does something else

TEST_F(LimitsTest, WhatFailsInSimulationIsNotSent) {
  const auto router = platform().settings().chain.contracts.swap_router;
  const auto code = code_of(router);
  const auto nonce = platform().nonce();
  set_code(router, kAlwaysReverts);
  const auto events =
      expect_end(intent("dispose", "1", "WETH", "USDC"), "exec.failed", "SIMULATION_REVERTED");
  set_code(router, code);
  EXPECT_THAT(support::topics_of(events), Not(Contains("exec.step_prepared")));
  EXPECT_GT(std::ranges::count(support::topics_of(events), "plan.created"), 1);  // it was planned again
  EXPECT_EQ(platform().nonce(), nonce);
}

/// Simulated on what is pending, planned on the latest block: until there is a new one, another plan would be
/// the same.
TEST_F(LimitsTest, WhatPendingSwapsMakeTooDearWaitsForTheirBlock) {
  stop_mining();
  const auto first = platform().submit(intent("dispose", "3.9", "WETH", "USDC"));
  await_pending(first);
  auto tight = intent("dispose", "1", "WETH", "USDC");
  set(tight, "max_slippage", "0.001");
  const auto second = platform().submit(tight);
  std::size_t plans = 0;
  platform().await(second, [&](const json::object& event) {
    return support::topic_of(event) == "plan.created" && ++plans == 3;
  });
  platform().rpc("evm_setAutomine", {true});
  platform().rpc("evm_mine");
  EXPECT_EQ(support::topic_of(platform().await_end(first).back()), "exec.completed");
  const auto events = platform().await_end(second);
  EXPECT_EQ(support::topic_of(events.back()), "exec.completed");
  std::optional<json::object> before;
  for (const auto& event : events) {
    if (support::topic_of(event) != "plan.created") continue;
    const auto swap = [](const json::object& plan) {
      return plan.at("payload").at("steps").as_array().back().as_object();
    };
    const auto time = [](const json::object& plan) {
      return parse_rfc3339(string_or(plan, "timestamp")).value();
    };
    if (before && swap(*before).at("block_hash") == swap(event).at("block_hash")) {
      EXPECT_GE(time(event).ms - time(*before).ms, 500);
    }
    before = event;
  }
}

TEST_F(LimitsTest, AfterARevertItIsPlannedAgain) {
  const auto router = platform().settings().chain.contracts.swap_router;
  const auto code = code_of(router);
  stop_mining();
  const auto id = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  await_pending(id);
  set_code(router, kAlwaysReverts);
  platform().rpc("evm_mine");
  set_code(router, code);
  const auto reverted = platform().await_topic(id, "exec.step_reverted");
  EXPECT_EQ(field(reverted.back(), "reason"), "REVERTED");
  await_pending(id, 2);
  resume_mining();
  const auto events = platform().await_end(id);
  EXPECT_EQ(support::topic_of(events.back()), "exec.completed") << field(events.back(), "detail");
  EXPECT_EQ(std::ranges::count(support::topics_of(events), "risk.approved"), 2);
  EXPECT_EQ(std::ranges::count(support::topics_of(events), "plan.created"), 2);
}

TEST_F(LimitsTest, APriceThatRunsAwayIsNotPaid) {
  stop_mining();
  const auto id = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  const auto plan = support::find_event(await_pending(id), "plan.created").value();
  const auto& swap = plan.at("payload").at("steps").as_array().back();
  const auto fee_pips =
      swap.at("paths").as_array().front().at("fees").as_array().front().to_number<std::uint32_t>();
  sell_weth(1, "300", fee_pips);  // far more than 1 % down, in the same block and before ours
  resume_mining();
  const auto events = platform().await_end(id);
  const auto reverted = support::find_event(events, "exec.step_reverted");
  ASSERT_TRUE(reverted);
  EXPECT_EQ(field(*reverted, "reason"), "SLIPPAGE_EXCEEDED");
  EXPECT_EQ(support::topic_of(events.back()), "exec.completed") << field(events.back(), "detail");
  support::expect_unbroken(events);
}

TEST_F(LimitsTest, ATransactionPastItsWindowIsReplacedByACancellation) {
  stop_mining();
  auto document = intent("dispose", "1", "WETH", "USDC");
  set(document, "time_window", 2);
  const auto id = platform().submit(document);
  std::set<std::uint64_t> open;  // nonces that need a cancellation
  for (const auto& event : await_pending(id))
    if (support::topic_of(event) == "exec.step_prepared") open.insert(nonce_of(event));
  platform().await(id, [&](const json::object& event) {
    if (support::topic_of(event) == "exec.step_submitted" && field(event, "kind") == "cancel")
      open.erase(nonce_of(event));
    return open.empty();
  });
  resume_mining();
  const auto events = platform().await_end(id);
  EXPECT_EQ(support::topic_of(events.back()), "intent.expired");
  EXPECT_EQ(field(events.back(), "reason"), "TIME_WINDOW");
}

TEST_F(LimitsTest, ABaseFeeAboveTheCapHoldsUpAndWedgesNothing) {
  const auto mine_at = [&](const char* base_fee_wei) {
    platform().rpc("anvil_setNextBlockBaseFeePerGas", {base_fee_wei});
    platform().rpc("evm_mine");
  };
  stop_mining();
  auto document = intent("dispose", "1", "WETH", "USDC");
  set(document, "time_window", 3);
  const auto id = platform().submit(document);
  await_pending(id);
  mine_at("0x8bb2c97000");  // 600 gwei; the cap is 500
  platform().await_market();
  const auto patient = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  std::size_t cancellations = 0;
  platform().await(id, [&](const json::object& event) {
    return support::topic_of(event) == "exec.step_prepared" && field(event, "kind") == "cancel" &&
           ++cancellations == 2;
  });
  mine_at("0x8bb2c97000");
  EXPECT_EQ(platform().get("/intents/" + id).at("state"), "executing") << "below the base fee, it goes on";
  platform().rpc("evm_setAutomine", {true});
  mine_at("0x3b9aca00");
  EXPECT_EQ(support::topic_of(platform().await_end(id).back()), "intent.expired");
  EXPECT_EQ(support::topic_of(platform().await_end(patient).back()), "exec.completed");
}

TEST_F(LimitsTest, AForeignTransactionAtOurNonceEndsTheIntentAndHaltsTheAccount) {
  stop_mining();
  const auto id = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  const auto swap = last_prepared(await_pending(id));
  platform().rpc("anvil_dropTransaction", {field(swap, "txHash")});
  platform().rpc("evm_mine");  // the approval
  const auto hash =
      platform().send({.from = platform().account(), .to = platform().account(7), .nonce = nonce_of(swap)});
  foreign_.insert(to_hex(hash));
  platform().rpc("evm_mine");
  ASSERT_EQ(platform().nonce(), nonce_of(swap) + 1);
  const auto events = platform().await_end(id);
  EXPECT_EQ(support::topic_of(events.back()), "exec.failed");
  EXPECT_EQ(field(events.back(), "reason"), "FOREIGN_NONCE");
  const auto halted = platform().get("/status").at("signer").at("halted");
  EXPECT_EQ(halted.at("reason"), "FOREIGN_NONCE");
  EXPECT_EQ(halted.at("nonce").to_number<std::uint64_t>(), nonce_of(swap));
  resume_mining();
  const auto waiting = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  platform().await_topic(waiting, "plan.created");
  const auto resumed = support::run_sep(
      {"signer", "resume", "--reason", "a test", "--data-dir", platform().stack().directory().string()});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(support::topic_of(platform().await_end(waiting).back()), "exec.completed");
  EXPECT_EQ(support::topic_of(
                platform().await_end(platform().submit(intent("dispose", "1", "WETH", "USDC"))).back()),
            "exec.completed");
}

// --- Cancelled by its owner

TEST_F(LimitsTest, CancelledBeforeAnythingIsSentNothingIsSpent) {
  const auto nonce = platform().nonce();
  ASSERT_TRUE(platform().stack().signal(
      "anvil", SIGSTOP));  // planned on what is known; the simulation waits for the node
  const auto id = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  platform().await_topic(id, "plan.created");
  EXPECT_EQ(platform().http("POST", "/intents/" + id + "/cancel").status, 202U);
  const auto events = platform().await_end(id);
  ASSERT_TRUE(platform().stack().signal("anvil", SIGCONT));
  EXPECT_EQ(support::topic_of(events.back()), "intent.cancelled");
  EXPECT_THAT(support::topics_of(events), Not(Contains("exec.step_prepared")));
  EXPECT_EQ(platform().nonce(), nonce);
}

TEST_F(LimitsTest, CancelledWhilePendingItsNoncesAreSpentOnNothing) {
  stop_mining();
  const auto id = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  std::set<std::uint64_t> open;
  for (const auto& event : await_pending(id))
    if (support::topic_of(event) == "exec.step_prepared") open.insert(nonce_of(event));
  EXPECT_EQ(platform().http("POST", "/intents/" + id + "/cancel").status, 202U);
  platform().await(id, [&](const json::object& event) {
    if (support::topic_of(event) == "exec.step_submitted" && field(event, "kind") == "cancel")
      open.erase(nonce_of(event));
    return open.empty();
  });
  resume_mining();
  const auto events = platform().await_end(id);
  EXPECT_EQ(support::topic_of(events.back()), "intent.cancelled");
  EXPECT_EQ(platform().http("POST", "/intents/" + id + "/cancel").status, 409U);
}

TEST_F(LimitsTest, CancelledTooLateItIsCompleted) {
  stop_mining();
  const auto id = platform().submit(intent("dispose", "1", "WETH", "USDC"));
  await_pending(id);
  resume_mining();  // mined before the cancellation is asked for
  const auto cancel = platform().http("POST", "/intents/" + id + "/cancel");
  EXPECT_THAT(cancel.status, testing::AnyOf(202U, 409U));
  EXPECT_EQ(support::topic_of(platform().await_end(id).back()), "exec.completed");
}

// --- Another configuration

/// Needs the ERC-20 contract that it names: account 8's first.
std::string with_token(std::string configuration, const Address& address) {
  const std::string first = "[[token]]\nsymbol = \"WETH\"";
  const auto at = configuration.find(first);
  return configuration.insert(
      at, fmt::format("[[token]]\nsymbol = \"LONE\"\nname = \"Without a pool\"\naddress = "
                      "\"{}\"\ndecimals = 18\n\n",
                      to_checksum(address)));
}

TEST_F(LimitsTest, ConfiguredLimitsHold) {
  std::ifstream file(std::filesystem::path(SEP_SOURCE_DIR) / "devnet/contracts/Token.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  auto code = *from_hex(need(parse_json(text), "Token.json").at("bytecode").as_string());
  append(code, abi::Encoder().string("Without a pool").string("LONE").uint(18U).finish());
  const auto hash = platform().rpc(
      "eth_sendTransaction",
      {json::object{{"from", to_hex(platform().account(8))}, {"data", to_hex(code)}, {"gas", "0x4c4b40"}}});
  json::value receipt;  // it is mined a moment after it was taken
  ASSERT_TRUE(support::eventually([&] {
    receipt = platform().rpc("eth_getTransactionReceipt", {hash});
    return receipt.is_object();
  }));
  const auto lone = *parse_address(receipt.at("contractAddress").as_string());

  platform().reconfigure(
      with_token(Platform::devnet_configuration(
                     {kQuickly,
                      {"max_notional_usd = \"10000\"", "max_notional_usd = \"1000000000\""},
                      {"max_price_impact = \"0.10\"", "max_price_impact = \"0.35\""},
                      {"max_open_intents = 0", "max_open_intents = 2"},
                      {"allowed_tokens = []", "allowed_tokens = [\"WETH\", \"USDC\", \"DAI\", \"LONE\"]"}}),
                 lone));
  expect_end(intent("dispose", "0.1", "WBTC", "WETH"), "risk.rejected", "TOKEN_NOT_ALLOWED");
  expect_end(intent("dispose", "0.1", "LONE", "WETH"), "risk.rejected", "NO_PRICE");
  expect_end(intent("acquire", "100000", "WETH", "USDC"), "plan.rejected", "INSUFFICIENT_LIQUIDITY");
  expect_end(intent("dispose", "3000", "WETH", "USDC"), "plan.rejected", "PRICE_IMPACT");
  expect_end(intent("dispose", "11000000", "USDC", "DAI"), "plan.rejected", "INSUFFICIENT_BALANCE");

  stop_mining();
  const auto one = platform().submit(intent("dispose", "0.1", "WETH", "USDC"));
  const auto two = platform().submit(intent("dispose", "0.1", "WETH", "USDC"));
  for (const auto& id : {one, two}) await_pending(id);
  expect_end(intent("dispose", "0.1", "WETH", "USDC"), "risk.rejected", "OPEN_INTENTS_LIMIT");
  resume_mining();
  for (const auto& id : {one, two})
    EXPECT_EQ(support::topic_of(platform().await_end(id).back()), "exec.completed");
}

TEST_F(LimitsTest, TheKillSwitchStopsNewWorkAndEndsWhatIsUnderWay) {
  stop_mining();
  const auto id = platform().submit(intent("dispose", "0.1", "WETH", "USDC"));
  await_pending(id);
  platform().reconfigure(
      Platform::devnet_configuration({kQuickly, {"kill_switch = false", "kill_switch = true"}}));
  expect_end(intent("dispose", "0.1", "WETH", "USDC"), "risk.rejected", "KILL_SWITCH");
  resume_mining();
  EXPECT_EQ(support::topic_of(platform().await_end(id).back()), "exec.completed");
  platform().reconfigure(Platform::devnet_configuration({kQuickly, kLonelyDai}));
}

}  // namespace
}  // namespace sep
