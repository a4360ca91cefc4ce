// Nodes that lie: one of three endpoints tells every lie that tests/support/lying_node.h knows, first to
// node::Nodes alone, then to a whole platform with intents under way; and two endpoints, where one liar is
// enough to leave everything open, and nothing may come of it.
#include "support/lying_node.h"

#include <csignal>
#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/parts.h"
#include "base/hex.h"
#include "ethereum/keys.h"
#include "ethereum/transaction.h"
#include "node/nodes.h"
#include "node/scripted_server.h"
#include "support/platform.h"

namespace sep {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using support::Lies;
using support::LyingNode;
using support::Platform;
using support::TempDir;

struct NamedLies {
  std::string name;
  Lies lies;
};

std::vector<NamedLies> every_lie() {
  return {{"HidesReceipts", {.hide_receipts = true}},
          {"InventsReceipts", {.invent_receipts = true}},
          {"TurnsReceipts", {.turn_receipts = true}},
          {"ClaimsAHigherNonce", {.nonce_offset = 5}},
          {"ClaimsALowerNonce", {.nonce_offset = -1000}},
          {"ShowsAnOldChain", {.old_blocks = 10}},
          {"LagsByOne", {.old_blocks = 1}},
          {"SwallowsTransactions", {.swallow = true}},
          {"PassesOnAndCuts", {.cut_after_forward = true}},
          {"RefusesTransactions", {.refusal = "insufficient funds for gas * price + value"}},
          {"SaysTheNonceIsUsed", {.refusal = "nonce too low: next nonce 900, tx nonce 1"}},
          {"AnswersGarbage", {.garbage = true}},
          {"IsSilent", {.silent = true}},
          {"IsSlow", {.delay = 150ms}},
          {"ServesAnotherChain", {.chain_id = 1}}};
}

std::uint64_t lies_told(const LyingNode& liar) {
  std::uint64_t sum = 0;
  for (const auto& [method, count] : liar.told()) sum += count;
  return sum;
}

std::unique_ptr<app::Anvil> new_anvil(const std::filesystem::path& directory) {
  app::AnvilOptions options;
  options.keep_state = false;
  return support::need(app::start_anvil(directory, options), "anvil");
}

// --- The endpoints alone

class LyingEndpoint : public ::testing::Test {
 protected:
  LyingEndpoint() : key_(PrivateKey::from_hex(kDevnetPrivateKey).value()) {}

  node::Nodes& nodes(const std::vector<std::string>& urls) {
    node::NodesOptions options{.chain_id = 31337};
    for (std::size_t i = 0; i < urls.size(); ++i)
      options.endpoints.push_back({.name = std::string(1, static_cast<char>('a' + i)), .rpc_url = urls[i]});
    options.poll_interval = options.probe_interval = 50ms;
    options.rpc.timeout = 1000ms;
    nodes_.emplace(context_.get_executor(), std::move(options));
    return *nodes_;
  }
  template <class T>
  T ask(node::awaitable<T> question) {
    return node::run(context_, std::move(question));
  }
  bool until(const std::function<bool(const node::NodesHealth&)>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition(nodes_->health())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      context_.restart();
      context_.run_one_for(100ms);
    }
    return true;
  }
  /// Asks until it is decided: while endpoints catch up with each other it may stay open for a moment.
  template <class T>
  T decided(const std::function<node::awaitable<node::NodeResult<T>>()>& question) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      auto answer = ask(question());
      if (answer) return *answer;
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(answer.error().message);
      context_.restart();
      context_.run_for(20ms);
    }
  }
  SignedTransaction transfer(std::uint64_t nonce) const {
    Transaction tx;
    tx.chain_id = 31337;
    tx.nonce = nonce;
    tx.max_priority_fee_per_gas = Uint256(1'000'000'000U);
    tx.max_fee_per_gas = Uint256(100'000'000'000U);
    tx.gas_limit = 21'000;
    tx.to = Address{};
    return sign(std::move(tx), key_);
  }

  TempDir directory_;
  PrivateKey key_;
  asio::io_context context_{1};
  std::optional<node::Nodes> nodes_;
};

TEST_F(LyingEndpoint, OneOfThreeChangesNoDecision) {
  const auto anvil = new_anvil(directory_ / "anvil");
  LyingNode mirror(anvil->rpc_url()), liar(anvil->rpc_url());
  auto& nodes = this->nodes({liar.url(), anvil->rpc_url(), mirror.url()});
  ASSERT_TRUE(until([](const auto& health) { return health.voters == 3; }));
  std::uint64_t nonce = 0;
  for (const auto& [name, lies] : every_lie()) {
    SCOPED_TRACE(name);
    const auto never_mined = transfer(nonce + 100).hash;
    const auto told = lies_told(liar);
    liar.tell(lies);
    const auto tx = transfer(nonce);
    const auto outcome = ask(nodes.send_raw_transaction(tx.raw));
    // Passed on and cut, the others may find it mined and its nonce used: what became of it is then not
    // known.
    const bool may_be_unknown = lies.cut_after_forward;
    EXPECT_TRUE(outcome.kind == node::SubmitOutcome::Kind::kAccepted ||
                outcome.kind == node::SubmitOutcome::Kind::kAlreadyKnown ||
                (may_be_unknown && outcome.kind == node::SubmitOutcome::Kind::kUnknown))
        << to_string(outcome.kind) << outcome.message;
    const auto receipt = [&] {
      for (;;)
        if (auto mined = decided<std::optional<node::Receipt>>([&] { return nodes.receipt(tx.hash); }))
          return *mined;
    }();
    EXPECT_TRUE(receipt.success);
    EXPECT_EQ(receipt.tx_hash, tx.hash);
    EXPECT_EQ(receipt.gas_used, 21'000);
    EXPECT_FALSE(decided<std::optional<node::Receipt>>([&] { return nodes.receipt(never_mined); }));
    ++nonce;
    EXPECT_EQ(decided<std::uint64_t>(
                  [&] { return nodes.transaction_count(key_.address(), node::BlockId::Tag::kLatest); }),
              nonce);
    // The honest ones may have agreed before the liar had anything to lie about: asked until it lied, with
    // the same answer each time.
    ASSERT_TRUE(until([&](const auto&) {
      const auto again = decided<std::optional<node::Receipt>>([&] { return nodes.receipt(tx.hash); });
      EXPECT_TRUE(again && again->success && again->block_hash == receipt.block_hash);
      return lies_told(liar) > told;
    })) << "the lie was not told";
    liar.tell({});
    ASSERT_TRUE(until([](const auto& health) { return health.voters == 3; })) << nodes.health().detail();
  }
}

TEST_F(LyingEndpoint, NodesOfDifferentChainsAgreeOnNothing) {
  const auto first = new_anvil(directory_ / "first");
  const auto second = new_anvil(directory_ / "second");
  auto& nodes = this->nodes({first->rpc_url(), second->rpc_url()});
  ASSERT_TRUE(until([](const auto& health) { return health.voters == 2; }));
  // Two that begin in the same second would mine the same blocks.
  node::Node ahead(context_.get_executor(), {.rpc_url = second->rpc_url(), .ipc_path = {}, .rpc = {}});
  ASSERT_TRUE(ask(ahead.rpc().call("evm_mine", {})));
  const auto tx = transfer(0);
  ASSERT_EQ(ask(nodes.send_raw_transaction(tx.raw)).kind, node::SubmitOutcome::Kind::kAccepted);
  // Both mine it, each in a block of its own.
  for (auto* anvil : {first.get(), second.get()}) {
    node::Node one(context_.get_executor(), {.rpc_url = anvil->rpc_url(), .ipc_path = {}, .rpc = {}});
    while (!ask(one.receipt(tx.hash)).value()) {
    }
  }
  const auto receipt = ask(nodes.receipt(tx.hash));
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().kind, node::NodeError::Kind::kUnknownOutcome);
}

TEST_F(LyingEndpoint, AnEndpointThatDiesIsReplacedAndComesBack) {
  const auto first = new_anvil(directory_ / "first");
  const auto second = new_anvil(directory_ / "second");
  auto& nodes = this->nodes({first->rpc_url(), second->rpc_url()});
  ASSERT_TRUE(until([](const auto& health) { return health.voters == 2; }));
  first->kill(SIGKILL);
  EXPECT_TRUE(ask(nodes.balance(key_.address())));
  ASSERT_TRUE(until([](const auto& health) { return !health.endpoints[0].ok; }));
  EXPECT_FALSE(ask(nodes.receipt(transfer(0).hash))) << "one alone decides nothing";
  EXPECT_EQ(ask(nodes.send_raw_transaction(transfer(0).raw)).kind, node::SubmitOutcome::Kind::kAccepted);
  ASSERT_TRUE(first->start());
  EXPECT_TRUE(until([](const auto& health) { return health.voters == 2; }));
}

// --- The whole platform

/// A platform whose chain is reached over `count` endpoints: the node itself, the liar and, of three, a
/// mirror.
class LyingPlatform : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TempDir>();
    anvil_ = new_anvil(*directory_ / "anvil");
    const auto deployed = app::deploy_devnet(anvil_->rpc_url(), *directory_ / "deploy.log");
    ASSERT_TRUE(deployed) << deployed.error().detail;
    liar_ = std::make_unique<LyingNode>(anvil_->rpc_url());
    mirror_ = std::make_unique<LyingNode>(anvil_->rpc_url());
    platform_ = std::make_unique<Platform>(configuration(3));
  }
  static void TearDownTestSuite() {
    platform_.reset();
    mirror_.reset();
    liar_.reset();
    anvil_.reset();
    directory_.reset();
  }

  /// Of one endpoint: the liar.
  static std::string configuration(int count) {
    auto text = Platform::devnet_configuration({{"poll_interval_ms = 1000", "poll_interval_ms = 50"},
                                                {"rpc_timeout_ms = 5000", "rpc_timeout_ms = 1000"}});
    if (count > 1)
      text += fmt::format("\n[[chain.endpoint]]\nname = \"node\"\nrpc_url = \"{}\"\nws_url = \"{}\"\n",
                          anvil_->rpc_url(), anvil_->ws_url());
    text += fmt::format("\n[[chain.endpoint]]\nname = \"liar\"\nrpc_url = \"{}\"\n", liar_->url());
    if (count == 3)
      text += fmt::format("[[chain.endpoint]]\nname = \"mirror\"\nrpc_url = \"{}\"\n", mirror_->url());
    return text;
  }
  static Platform& platform() { return *platform_; }

  static std::vector<json::object> some_intents(std::size_t count) {
    std::vector<json::object> intents;
    for (std::size_t i = 0; i < count; ++i) {
      intents.push_back(i % 2 == 0
                            ? platform().intent("acquire", fmt::format("0.0{}", 11 + i), "WETH", "USDC")
                            : platform().intent("dispose", fmt::format("1{}.5", i), "USDC", "DAI"));
      intents.back()["constraints"].as_object()["max_slippage"] = "0.05";
    }
    return intents;
  }
  static bool is_ready() {
    const auto answer = platform().http("GET", "/readyz");
    return answer.status == 200;
  }
  /// What the status says of an endpoint.
  static json::object endpoint(const std::string& name) {
    const auto status = platform().get("/status");
    if (const auto* endpoints = status.if_contains("endpoints"))
      for (const auto& one : endpoints->as_array())
        if (string_or(one.as_object(), "name") == name) return one.as_object();
    return {};
  }
  static void mine_at_base_fee(const char* wei) {
    platform().rpc("anvil_setNextBlockBaseFeePerGas", {wei});
    platform().rpc("evm_mine");
  }
  static void expect_completed(const std::vector<std::string>& ids) {
    for (const auto& id : ids) {
      const auto events = platform().await_end(id, milliseconds(60'000));
      support::expect_unbroken(events);
      EXPECT_EQ(support::topic_of(events.back()), "exec.completed") << json::serialize(events.back());
    }
  }

  static inline std::unique_ptr<TempDir> directory_;
  static inline std::unique_ptr<app::Anvil> anvil_;
  static inline std::unique_ptr<LyingNode> liar_, mirror_;
  static inline std::unique_ptr<Platform> platform_;
};

TEST_F(LyingPlatform, OneOfThreeCostsNoIntent) {
  ASSERT_TRUE(support::eventually([] { return is_ready(); }));
  const auto before = platform().mark();
  for (const auto& [name, lies] : every_lie()) {
    SCOPED_TRACE(name);
    liar_->tell(lies);
    expect_completed(platform().submit_together(some_intents(4)));
    liar_->tell({});
    if (HasFailure()) return;
  }
  platform().expect_reconciled(before);
  platform().expect_replay_equal();
}

TEST_F(LyingPlatform, TheStatusNamesTheEndpointThatIsIll) {
  liar_->tell({.garbage = true});
  EXPECT_TRUE(support::eventually([] {
    const auto liar = endpoint("liar");
    return !liar.empty() && liar.at("ok") == false && !liar.at("detail").as_string().empty();
  }));
  EXPECT_EQ(endpoint("node").at("ok"), true);
  EXPECT_TRUE(is_ready()) << "two of three are enough";
  // Each service looks for itself, and one of them was the first.
  EXPECT_TRUE(support::eventually([] {
    const auto metrics = platform().http("GET", "/metrics").body;
    return metrics.contains("sep_node_up{endpoint=\"liar\",service=\"orchestrator\"} 0") &&
           metrics.contains("sep_node_up{endpoint=\"liar\",service=\"market\"} 0") &&
           metrics.contains("sep_node_up{endpoint=\"mirror\",service=\"market\"} 1");
  }));
  liar_->tell({});
  EXPECT_TRUE(support::eventually([] { return endpoint("liar").at("ok") == true; }));
}

/// Where both must say the same, one liar leaves everything open: nothing may fail, and all is done once it
/// tells the truth.
TEST_F(LyingPlatform, OneOfTwoLeavesEverythingOpen) {
  platform().reconfigure(configuration(2));
  ASSERT_TRUE(support::eventually([] { return is_ready(); }));
  for (const auto& lies :
       std::vector<Lies>{{.hide_receipts = true}, {.invent_receipts = true}, {.turn_receipts = true}}) {
    const auto before = platform().mark();
    liar_->tell(lies);
    // Invented receipts are told of what is not mined yet.
    if (lies.invent_receipts) platform().rpc("evm_setAutomine", {false});
    const auto ids = platform().submit_together(some_intents(3));
    for (const auto& id : ids) platform().await_topic(id, "exec.step_submitted");
    if (lies.invent_receipts) mine_at_base_fee("0xe8d4a51000");  // 1000 gwei: a block without ours
    // Several rounds of questions about receipts, each of them answered by a lie.
    const auto told = liar_->told()["eth_getTransactionReceipt"];
    ASSERT_TRUE(support::eventually(
        [&] { return liar_->told()["eth_getTransactionReceipt"] >= told + 5 * ids.size(); }));
    for (const auto& event : platform().record(before.global_sequence))
      EXPECT_FALSE(support::topic_of(event) == "exec.step_filled" ||
                   support::topic_of(event) == "exec.step_reverted" ||
                   support::topic_of(event) == "exec.completed" || support::topic_of(event) == "exec.failed")
          << json::serialize(event);
    if (lies.invent_receipts) {
      mine_at_base_fee("0x3b9aca00");
      platform().rpc("evm_setAutomine", {true});
    }
    liar_->tell({});
    expect_completed(ids);
    platform().expect_reconciled(before);
  }
}

/// As public nodes do, who limit it to 100 and less.
TEST_F(LyingPlatform, ANodeThatTakesOnlySmallBatchesIsReadAndTradedOn) {
  liar_->tell({.max_batch = 100});
  platform().reconfigure(configuration(2));
  ASSERT_TRUE(support::eventually([] { return is_ready(); }));
  EXPECT_GE(liar_->told()["(batch)"], 1);
  expect_completed(platform().submit_together(some_intents(2)));
  liar_->tell({});
}

/// The node's head moves on, and what its blocks hold cannot be read: the prices are those of the last one
/// that could.
TEST_F(LyingPlatform, PricesAreNoFresherThanTheBlockThatTheyAreOf) {
  platform().reconfigure(configuration(1));
  ASSERT_TRUE(support::eventually([] { return is_ready(); }));
  const auto market_is_fresh = [] {
    const auto document = parse_json(platform().http("GET", "/readyz").body);
    return document && document->at("dependencies").at("market").at("ok").as_bool();
  };
  liar_->tell({.refused_methods = {"eth_getLogs"}});
  platform().rpc("evm_mine");
  EXPECT_TRUE(support::eventually([&] { return !market_is_fresh(); }));
  liar_->tell({});
  EXPECT_TRUE(support::eventually(market_is_fresh));
}

/// A block changes a pool, and of the same block the account cannot be read at first.
TEST_F(LyingPlatform, WhatABlockChangedIsKnownOnceItIsReadWhole) {
  platform().reconfigure(configuration(1));
  ASSERT_TRUE(support::eventually([] { return is_ready(); }));
  liar_->tell({.refused_methods = {"eth_getBalance"}});
  auto large = platform().intent("dispose", "3", "WETH", "USDC");
  large["constraints"].as_object()["max_slippage"] = "0.05";
  expect_completed({platform().submit(large)});
  const auto told = liar_->told()["eth_getBalance"];
  ASSERT_TRUE(support::eventually([&] { return liar_->told()["eth_getBalance"] > told; }));
  liar_->tell({});
  platform().await_market();
  const auto quoted = [] {
    const json::object request{{"intent_type", "dispose"},
                               {"assets", platform().intent("dispose", "1", "WETH", "USDC").at("assets")},
                               {"amount", "1"},
                               {"max_slippage", "0.01"}};
    const auto answer = platform().http("POST", "/quotes", json::serialize(request));
    if (answer.status != 200) throw std::runtime_error(answer.body);
    return string_or(parse_json(answer.body)->as_object(), "amount_out");
  };
  const auto followed = quoted();
  platform().reconfigure(configuration(1));  // reads every pool at its start
  ASSERT_TRUE(support::eventually([] { return is_ready(); }));
  EXPECT_EQ(quoted(), followed);
}

TEST_F(LyingPlatform, TheDoctorLooksAtEveryEndpoint) {
  const auto config = *directory_ / "doctor.toml";
  std::ofstream(config) << configuration(3);
  liar_->tell({.chain_id = 1});
  const auto overlay = platform().stack().directory() / "sep.toml";
  const auto doctor = support::run_sep({"doctor", "--config", config.string(), "--config", overlay.string()});
  liar_->tell({});
  EXPECT_NE(doctor.code, 0);
  EXPECT_THAT(doctor.out, testing::ContainsRegex("ok +node node +anvil.*chain 31337, at block"));
  EXPECT_THAT(doctor.out, testing::ContainsRegex("FAILED +node liar +the node serves chain 1"));
  EXPECT_THAT(doctor.out, testing::ContainsRegex("ok +node mirror"));
}

}  // namespace
}  // namespace sep
