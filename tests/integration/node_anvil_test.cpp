// src/node against a real node: every typed call over HTTP and over IPC, the outcomes of submissions, and
// heads that outlive the node.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/parts.h"
#include "base/clock.h"
#include "base/hex.h"
#include "ethereum/revert.h"
#include "ethereum/transaction.h"
#include "node/heads.h"
#include "node/node.h"
#include "node/scripted_server.h"
#include "support/temp_dir.h"

namespace sep::node {
namespace {

using Kind = SubmitOutcome::Kind;

constexpr std::uint64_t kChainId = 31337;
const Uint256 kGwei(1'000'000'000U);

/// Reverts with its calldata as data.
constexpr std::string_view kRevertsCode = "0x365f5f37365ffd";
/// Logs its calldata under topic 0x2a.
constexpr std::string_view kLogsCode = "0x365f5f37602a365fa100";
/// Without calldata opens its gate (storage slot 0); with calldata answers 1 where the gate is open, else
/// reverts.
constexpr std::string_view kGateCode = "0x3660095760015f55005b5f546012575f5ffd5b60015f5260205ff3";

Address address_of_byte(std::uint8_t byte) {
  Address address;
  address.bytes.fill(byte);
  return address;
}
const Address kReverts = address_of_byte(0xa1);
const Address kLogs = address_of_byte(0xa2);
const Address kGate = address_of_byte(0xa3);
const Address kNobody = address_of_byte(0xee);

Hash32 hash_of_number(std::uint64_t value) {
  Hash32 hash;
  hash.bytes = to_big_endian(Uint256(value));
  return hash;
}

template <class T>
T must(NodeResult<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

class AnvilTest : public ::testing::TestWithParam<std::string> {
 protected:
  AnvilTest() : key_(PrivateKey::from_hex(kDevnetPrivateKey).value()) {
    app::AnvilOptions options;
    options.keep_state = false;
    auto started = app::start_anvil(directory_ / "anvil", options);
    if (!started) throw std::runtime_error(started.error().detail);
    anvil_ = std::move(*started);
    NodeOptions node;
    node.rpc_url = anvil_->rpc_url();
    if (GetParam() == "ipc") node.ipc_path = anvil_->ipc_path();
    node_.emplace(context_.get_executor(), node);
    anvil("anvil_setCode", {to_hex(kReverts), kRevertsCode});
    anvil("anvil_setCode", {to_hex(kLogs), kLogsCode});
    anvil("anvil_setCode", {to_hex(kGate), kGateCode});
  }

  template <class T>
  T ask(awaitable<T> question) {
    return run(context_, std::move(question));
  }
  json::value anvil(std::string method, json::array params = {}) {
    return must(ask(node_->rpc().call(std::move(method), std::move(params))));
  }

  SignedTransaction transaction(std::uint64_t nonce, Address to, Bytes data = {}) {
    Transaction tx;
    tx.chain_id = kChainId;
    tx.nonce = nonce;
    tx.max_priority_fee_per_gas = kGwei;
    tx.max_fee_per_gas = kGwei * Uint256(10U);
    tx.gas_limit = 200'000;
    tx.to = to;
    tx.data = std::move(data);
    return sign(std::move(tx), key_);
  }
  /// Sends and waits until it is mined.
  Receipt mine(const SignedTransaction& tx) {
    const auto outcome = ask(node_->send_raw_transaction(tx.raw));
    if (outcome.kind != Kind::kAccepted) throw std::runtime_error(outcome.message);
    for (;;)
      if (auto receipt = must(ask(node_->receipt(tx.hash)))) return *receipt;
  }

  /// Stops every thread of the node where it stands; SIGCONT lets it go on.
  void freeze() {
    anvil_->kill(SIGSTOP);
    const auto runs = [](const std::filesystem::path& thread) {
      std::ifstream file(thread / "stat");
      const std::string stat((std::istreambuf_iterator<char>(file)), {});
      const auto state = stat.rfind(") ");
      return state != std::string::npos && stat[state + 2] != 'T';
    };
    const std::filesystem::path threads = "/proc/" + std::to_string(anvil_->pid()) + "/task";
    while (std::ranges::any_of(std::filesystem::directory_iterator(threads), runs)) std::this_thread::yield();
  }

  support::TempDir directory_;
  asio::io_context context_;
  PrivateKey key_;
  std::unique_ptr<app::Anvil> anvil_;
  std::optional<Node> node_;
};

INSTANTIATE_TEST_SUITE_P(Transport, AnvilTest, ::testing::Values("http", "ipc"),
                         [](const auto& instance) { return instance.param; });

TEST_P(AnvilTest, SaysWhatItIs) {
  EXPECT_EQ(must(ask(node_->chain_id())), kChainId);
  EXPECT_THAT(must(ask(node_->client_version())), ::testing::StartsWith("anvil/"));
}

TEST_P(AnvilTest, HeadersByTagNumberAndHash) {
  anvil("anvil_mine", {"0x2"});
  const auto latest = must(ask(node_->header(kLatest)));
  ASSERT_TRUE(latest);
  EXPECT_EQ(latest->number, 2);
  EXPECT_FALSE(latest->hash.is_zero());
  EXPECT_EQ(must(ask(node_->header(2))), latest);
  EXPECT_EQ(must(ask(node_->header(latest->hash))), latest);
  const auto parent = must(ask(node_->header(latest->parent_hash)));
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->number, 1);
  EXPECT_LE(parent->timestamp, latest->timestamp);
  EXPECT_GT(latest->base_fee_wei, Uint256(0U));
  EXPECT_GT(latest->gas_limit, 1'000'000U);
  EXPECT_EQ(must(ask(node_->header(kPending))).value().number, 3);
  EXPECT_FALSE(must(ask(node_->header(99))));
  EXPECT_FALSE(must(ask(node_->header(hash_of_number(1)))));
}

TEST_P(AnvilTest, AccountsAtABlock) {
  const Uint256 ten_thousand_ether = Uint256(10'000U) * pow10(18);
  EXPECT_EQ(must(ask(node_->balance(key_.address()))), ten_thousand_ether);
  EXPECT_EQ(must(ask(node_->code(kReverts))), from_hex(kRevertsCode).value());
  EXPECT_TRUE(must(ask(node_->code(kNobody))).empty());
  const auto before = must(ask(node_->header(kLatest))).value();
  anvil("evm_setAutomine", {false});
  ASSERT_EQ(ask(node_->send_raw_transaction(transaction(0, kNobody).raw)).kind, Kind::kAccepted);
  EXPECT_EQ(must(ask(node_->transaction_count(key_.address(), kLatest))), 0);
  EXPECT_EQ(must(ask(node_->transaction_count(key_.address(), kPending))), 1);
  anvil("evm_mine");
  EXPECT_EQ(must(ask(node_->transaction_count(key_.address(), kLatest))), 1);
  EXPECT_LT(must(ask(node_->balance(key_.address()))), ten_thousand_ether);
  EXPECT_EQ(must(ask(node_->balance(key_.address(), before.number))), ten_thousand_ether);
  EXPECT_EQ(must(ask(node_->balance(key_.address(), before.hash))), ten_thousand_ether);
}

TEST_P(AnvilTest, ATransactionFromPendingToMined) {
  anvil("evm_setAutomine", {false});
  const auto tx = transaction(0, kNobody);
  EXPECT_FALSE(must(ask(node_->transaction(tx.hash))));
  ASSERT_EQ(ask(node_->send_raw_transaction(tx.raw)).kind, Kind::kAccepted);
  const auto pending = must(ask(node_->transaction(tx.hash)));
  ASSERT_TRUE(pending);
  EXPECT_EQ(pending->from, key_.address());
  EXPECT_EQ(pending->to, kNobody);
  EXPECT_EQ(pending->nonce, 0);
  EXPECT_FALSE(pending->block_number);
  EXPECT_FALSE(must(ask(node_->receipt(tx.hash))));
  anvil("evm_mine");
  const auto mined = must(ask(node_->transaction(tx.hash)));
  const auto block = must(ask(node_->header(kLatest))).value();
  ASSERT_TRUE(mined);
  EXPECT_EQ(mined->block_hash, block.hash);
  const auto receipt = must(ask(node_->receipt(tx.hash)));
  ASSERT_TRUE(receipt);
  EXPECT_TRUE(receipt->success);
  EXPECT_EQ(receipt->tx_hash, tx.hash);
  EXPECT_EQ(receipt->block_hash, block.hash);
  EXPECT_EQ(receipt->block_number, block.number);
  EXPECT_EQ(receipt->gas_used, 21'000U);
  EXPECT_EQ(receipt->effective_gas_price_wei, block.base_fee_wei + kGwei);
}

TEST_P(AnvilTest, CallsAndTheirReverts) {
  const Bytes data{1, 2, 3};
  const auto revert = must(ask(node_->call({.from = {}, .to = kReverts, .data = data})));
  ASSERT_FALSE(revert);
  EXPECT_EQ(revert.error().data, data);
  const auto estimate =
      must(ask(node_->estimate_gas({.from = key_.address(), .to = kReverts, .data = data})));
  ASSERT_FALSE(estimate);
  EXPECT_EQ(estimate.error().data, data);
  EXPECT_EQ(must(ask(node_->estimate_gas({.from = key_.address(), .to = kNobody}))).value(), 21'000U);
  EXPECT_TRUE(must(ask(node_->call({.from = {}, .to = kNobody}))).value().empty());
  // too little gas is a halt without data
  const auto starved =
      must(ask(node_->call({.from = {}, .to = kLogs, .data = data, .value_wei = {}, .gas_limit = 21'100})));
  ASSERT_FALSE(starved);
  EXPECT_TRUE(starved.error().data.empty());
}

TEST_P(AnvilTest, ManyCallsAtOnce) {
  std::vector<CallRequest> requests;
  for (std::uint8_t i = 1; i <= 60; ++i)
    requests.push_back({.from = {}, .to = i % 2 == 0 ? kReverts : kNobody, .data = {i}});
  const auto results = must(ask(node_->call_many(requests)));
  ASSERT_EQ(results.size(), 60);
  for (std::size_t i = 0; i < 60; ++i) {
    ASSERT_EQ(results[i].has_value(), i % 2 == 0) << i;
    if (!results[i]) {
      EXPECT_EQ(results[i].error().data, Bytes{static_cast<std::uint8_t>(i + 1)});
    }
  }
}

TEST_P(AnvilTest, LogsByBlockHashAndByRange) {
  const auto receipt = mine(transaction(0, kLogs, {7, 8}));
  ASSERT_EQ(receipt.logs.size(), 1);
  const auto& log = receipt.logs[0];
  EXPECT_EQ(log.address, kLogs);
  EXPECT_EQ(log.data, (Bytes{7, 8}));
  EXPECT_THAT(log.topics, ::testing::ElementsAre(hash_of_number(0x2a)));
  EXPECT_EQ(log.block_hash, receipt.block_hash);
  EXPECT_EQ(log.tx_hash, receipt.tx_hash);
  mine(transaction(1, kLogs, {9}));

  const auto count = [&](auto question) { return must(ask(std::move(question))).size(); };
  EXPECT_EQ(count(node_->logs(receipt.block_hash, {kLogs})), 1);
  EXPECT_EQ(count(node_->logs(receipt.block_hash, {kNobody})), 0);
  EXPECT_EQ(count(node_->logs(receipt.block_hash, {}, {hash_of_number(0x2a)})), 1);
  EXPECT_EQ(count(node_->logs(receipt.block_hash, {}, {hash_of_number(1), hash_of_number(2)})), 0);
  EXPECT_EQ(count(node_->logs(0, receipt.block_number + 1, {kNobody, kLogs})), 2);
  EXPECT_EQ(count(node_->logs(receipt.block_number + 1, receipt.block_number + 1, {kLogs})), 1);
  EXPECT_FALSE(ask(node_->logs(hash_of_number(5), {})));  // an unknown block is an error, not "no logs"
}

TEST_P(AnvilTest, WhyAMinedTransactionReverted) {
  const auto text = from_hex(  // Error("STF")
                        "0x08c379a0"
                        "0000000000000000000000000000000000000000000000000000000000000020"
                        "0000000000000000000000000000000000000000000000000000000000000003"
                        "5354460000000000000000000000000000000000000000000000000000000000")
                        .value();
  const auto tx = transaction(0, kReverts, text);
  const auto receipt = mine(tx);
  EXPECT_FALSE(receipt.success);
  const auto halt = must(ask(node_->halt_of(tx.hash)));
  ASSERT_TRUE(halt);
  EXPECT_EQ(halt->data, text);
  EXPECT_EQ(decode_revert(halt->data).kind, Revert::Kind::kError);
  const auto good = transaction(1, kNobody);
  mine(good);
  EXPECT_FALSE(must(ask(node_->halt_of(good.hash))));
  EXPECT_FALSE(must(ask(node_->halt_of(hash_of_number(1)))));
}

TEST_P(AnvilTest, WhyItRevertedInsideItsBlock) {
  // The gate opens in the same block, behind the transaction that needs it: only the state before the block
  // shows the revert.
  anvil("evm_setAutomine", {false});
  const auto use = transaction(0, kGate, {1});
  const auto open = transaction(1, kGate);
  ASSERT_EQ(ask(node_->send_raw_transaction(use.raw)).kind, Kind::kAccepted);
  ASSERT_EQ(ask(node_->send_raw_transaction(open.raw)).kind, Kind::kAccepted);
  anvil("evm_mine");
  EXPECT_FALSE(must(ask(node_->receipt(use.hash))).value().success);
  EXPECT_TRUE(must(ask(node_->halt_of(use.hash))));
  EXPECT_TRUE(must(ask(node_->receipt(open.hash))).value().success);
}

TEST_P(AnvilTest, SimulatedCallsSeeEachOther) {
  const CallRequest open{.from = key_.address(), .to = kGate};
  const CallRequest use{.from = key_.address(), .to = kGate, .data = {1}};
  const CallRequest log{.from = key_.address(), .to = kLogs, .data = {5}};
  const auto together = must(ask(node_->simulate({open, use, log})));
  ASSERT_EQ(together.size(), 3);
  EXPECT_TRUE(together[0].result);
  ASSERT_TRUE(together[1].result);
  EXPECT_EQ(from_big_endian(*together[1].result), Uint256(1U));
  EXPECT_GT(together[0].gas_used, 40'000U);  // a first write of a slot
  ASSERT_EQ(together[2].logs.size(), 1);
  EXPECT_EQ(together[2].logs[0].data, Bytes{5});

  const auto alone = must(ask(node_->simulate({use})));
  EXPECT_FALSE(alone[0].result);
  const auto revert = must(ask(node_->simulate({{.from = {}, .to = kReverts, .data = {9, 9}}})));
  ASSERT_FALSE(revert[0].result);
  EXPECT_EQ(revert[0].result.error().data, (Bytes{9, 9}));
}

TEST_P(AnvilTest, FeeHistory) {
  mine(transaction(0, kNobody));
  const auto block = must(ask(node_->header(kLatest))).value();
  const auto history = must(ask(node_->fee_history(1, kLatest, {25, 75})));
  EXPECT_EQ(history.oldest_block, block.number);
  ASSERT_EQ(history.base_fees_wei.size(), 2);
  EXPECT_EQ(history.base_fees_wei[0], block.base_fee_wei);
  ASSERT_EQ(history.rewards_wei.size(), 1);
  EXPECT_EQ(history.rewards_wei[0], (std::vector<Uint256>{kGwei, kGwei}));
}

TEST_P(AnvilTest, OutcomesOfSubmissions) {
  const auto outcome = [&](const SignedTransaction& tx) { return ask(node_->send_raw_transaction(tx.raw)); };
  anvil("evm_setAutomine", {false});
  const auto first = transaction(0, kNobody);
  EXPECT_EQ(outcome(first).kind, Kind::kAccepted);
  auto seen = outcome(first);
  EXPECT_EQ(seen.kind, Kind::kAlreadyKnown) << seen.message;
  seen = outcome(transaction(0, kLogs));  // the same nonce and fee
  EXPECT_EQ(seen.kind, Kind::kUnderpriced) << seen.message;
  auto dearer = first.transaction;
  dearer.max_fee_per_gas = dearer.max_fee_per_gas * Uint256(2U);
  dearer.max_priority_fee_per_gas = dearer.max_priority_fee_per_gas * Uint256(2U);
  const auto replacement = sign(dearer, key_);
  seen = outcome(replacement);
  EXPECT_EQ(seen.kind, Kind::kAccepted) << seen.message;
  anvil("evm_mine");
  EXPECT_TRUE(must(ask(node_->receipt(replacement.hash))));
  seen = outcome(first);
  EXPECT_EQ(seen.kind, Kind::kNonceTooLow) << seen.message;

  auto cheap = first.transaction;
  cheap.nonce = 1;
  cheap.max_fee_per_gas = Uint256(1U);
  cheap.max_priority_fee_per_gas = Uint256(1U);
  seen = outcome(sign(cheap, key_));
  EXPECT_EQ(seen.kind, Kind::kUnderpriced) << seen.message;
  auto dear = first.transaction;
  dear.nonce = 1;
  dear.value = pow10(30);
  seen = outcome(sign(dear, key_));
  EXPECT_EQ(seen.kind, Kind::kInsufficientFunds) << seen.message;
  auto starved = first.transaction;
  starved.nonce = 1;
  starved.gas_limit = 20'000;
  seen = outcome(sign(starved, key_));
  EXPECT_EQ(seen.kind, Kind::kRefused) << seen.message;
  auto elsewhere = first.transaction;
  elsewhere.nonce = 1;
  elsewhere.chain_id = 1;
  seen = outcome(sign(elsewhere, key_));
  EXPECT_EQ(seen.kind, Kind::kRefused) << seen.message;
  seen = ask(node_->send_raw_transaction({1, 2, 3}));
  EXPECT_EQ(seen.kind, Kind::kRefused) << seen.message;
}

TEST_P(AnvilTest, AStoppedNodeIsUnreachableAndComesBack) {
  ASSERT_TRUE(ask(node_->chain_id()));
  anvil_->kill(SIGKILL);
  ASSERT_TRUE(anvil_->wait(milliseconds(5000)));
  // The first may be cut on the connection that was kept; then nothing can be sent any more.
  ask(node_->send_raw_transaction(transaction(0, kNobody).raw));
  EXPECT_EQ(ask(node_->send_raw_transaction(transaction(0, kNobody).raw)).kind, Kind::kUnreachable);
  EXPECT_EQ(ask(node_->chain_id()).error().kind, NodeError::Kind::kUnreachable);
  ASSERT_TRUE(anvil_->start());
  EXPECT_EQ(must(ask(node_->chain_id())), kChainId);
}

TEST_P(AnvilTest, AFrozenNodeLeavesTheOutcomeUnknown) {
  ASSERT_TRUE(ask(node_->chain_id()));
  freeze();
  const auto tx = transaction(0, kNobody);
  const auto result = ask(node_->rpc().call("eth_sendRawTransaction", {to_hex(tx.raw)}, milliseconds(100)));
  anvil_->kill(SIGCONT);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, NodeError::Kind::kUnknownOutcome);
  // It was taken: offered again, it is there or mined.
  const auto again = ask(node_->send_raw_transaction(tx.raw)).kind;
  EXPECT_TRUE(again == Kind::kAlreadyKnown || again == Kind::kNonceTooLow || again == Kind::kAccepted)
      << to_string(again);
}

class HeadsTest : public AnvilTest {
 protected:
  HeadsTest() {
    HeadOptions options;
    options.timeout = milliseconds(300);
    options.probe_interval = milliseconds(100);
    options.poll_interval = milliseconds(20);
    options.first_backoff = milliseconds(10);
    options.max_backoff = milliseconds(50);
    if (GetParam() == "ipc") options.ipc_path = anvil_->ipc_path();
    if (GetParam() == "ws") options.ws_url = anvil_->ws_url();
    if (GetParam() == "polling") options.rpc_url = anvil_->rpc_url();
    heads_.emplace(context_.get_executor(), options);
  }

  Head next() {
    using namespace asio::experimental::awaitable_operators;
    const auto bounded = [this]() -> awaitable<Head> {
      asio::steady_timer bound(context_, std::chrono::seconds(20));
      auto first = co_await (heads_->next() || bound.async_wait(asio::use_awaitable));
      if (first.index() != 0) throw std::runtime_error("no head within 20 s");
      co_return std::get<0>(first).value();
    };
    return ask(bounded());
  }
  /// Runs until `condition` holds, at most 20 s.
  bool eventually(const std::function<bool()>& condition) {
    context_.restart();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < end) context_.run_one_for(milliseconds(50));
    return condition();
  }

  std::optional<HeadFollower> heads_;
};

INSTANTIATE_TEST_SUITE_P(Source, HeadsTest, ::testing::Values("ipc", "ws", "polling"),
                         [](const auto& instance) { return instance.param; });

TEST_P(HeadsTest, ThePresentHeadThenEachNewOne) {
  const auto first = next();
  EXPECT_EQ(first.number, 0);
  EXPECT_TRUE(heads_->connected());
  auto parent = first;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    anvil("evm_mine");
    const auto head = next();
    EXPECT_EQ(head.number, number);
    EXPECT_EQ(head.parent_hash, parent.hash);
    EXPECT_EQ(must(ask(node_->header(number))), head);
    parent = head;
  }
}

TEST_P(HeadsTest, AnIdleNodeIsConfirmed) {
  next();
  const auto confirmed = heads_->last_confirmed_ms();
  EXPECT_NEAR(static_cast<double>(confirmed), static_cast<double>(now().ms), 5000);
  EXPECT_TRUE(eventually([&] { return heads_->last_confirmed_ms() > confirmed; }));
}

TEST_P(HeadsTest, FollowsAReorganisation) {
  next();
  for (int i = 0; i < 3; ++i) anvil("evm_mine");
  Head old;
  while (old.number < 3) old = next();
  anvil("anvil_reorg", {2, json::array()});
  Head head = old;
  while (head.number < 3 || head.hash == old.hash) head = next();
  EXPECT_EQ(head, must(ask(node_->header(kLatest))).value());
}

TEST_P(HeadsTest, OutlivesTheNode) {
  next();
  anvil("anvil_mine", {"0x3"});
  Head head;
  while (head.number < 3) head = next();
  anvil_->kill(SIGKILL);
  ASSERT_TRUE(anvil_->wait(milliseconds(5000)));
  EXPECT_TRUE(eventually([&] { return !heads_->connected(); }));
  const auto confirmed = heads_->last_confirmed_ms();
  ASSERT_TRUE(anvil_->start());  // begins anew
  head = next();
  EXPECT_EQ(head.number, 0);
  EXPECT_TRUE(heads_->connected());
  EXPECT_GT(heads_->last_confirmed_ms(), confirmed);
  ask(node_->chain_id());  // over IPC this notices the cut
  anvil("evm_mine");
  EXPECT_EQ(next().number, 1);
}

TEST_P(HeadsTest, NoticesAFrozenNode) {
  const auto first = next();
  freeze();
  EXPECT_TRUE(eventually([&] { return !heads_->connected(); }));
  anvil_->kill(SIGCONT);
  EXPECT_EQ(next(), first);  // again, since the connection was lost
  EXPECT_TRUE(heads_->connected());
}

TEST_P(HeadsTest, StoppingEndsTheWait) {
  next();
  asio::post(context_, [&] { heads_->stop(); });
  const auto stopped = ask(heads_->next());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, errc::kNotReady);
}

}  // namespace
}  // namespace sep::node
