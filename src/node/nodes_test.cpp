#include "node/nodes.h"

#include <list>
#include <map>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "node/scripted_server.h"

namespace sep::node {
namespace {

using asio::ip::tcp;
using testing::HasSubstr;
using namespace std::chrono_literals;
using Kind = SubmitOutcome::Kind;

constexpr std::uint64_t kChain = 7;

std::string hash_text(std::uint64_t seed) {
  std::string digits = std::to_string(seed);
  return "0x" + std::string(64 - digits.size(), '0') + digits;
}
Hash32 hash_of(std::uint64_t seed) {
  return parse_hash(hash_text(seed)).value();
}
const Hash32 kTransaction = hash_of(77);

/// One endpoint of a made-up chain whose block n has the hash n.
class FakeNode {
 public:
  enum class Mode { kAnswers, kCuts, kSilent };

  explicit FakeNode(asio::io_context& context)
      : server_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0),
                [this, &context](Peer<tcp>& peer) -> awaitable<void> {
                  while (const auto request = co_await peer.http_request()) {
                    const auto call = json::parse(*request).as_object();
                    const std::string method(call.at("method").as_string());
                    ++asked[method];
                    if (mode == Mode::kCuts) co_return;
                    if (mode == Mode::kSilent) {
                      asio::steady_timer forever(context, Deadline::max());
                      co_await forever.async_wait(kNoThrow);
                      co_return;
                    }
                    auto text = R"({"jsonrpc":"2.0","id":)" + json::serialize(call.at("id")) + "," +
                                answer(method, call.at("params").as_array()) + "}";
                    if (!co_await peer.send_http(std::move(text))) co_return;
                  }
                }) {}

  engine::NodeEndpoint endpoint(std::string name) const {
    return {.name = std::move(name), .rpc_url = "http://127.0.0.1:" + std::to_string(server_.port())};
  }

  Mode mode = Mode::kAnswers;
  std::uint64_t chain_id = kChain;
  std::uint64_t head = 10;
  std::uint64_t fork = 0;                      // added to the seed of its blocks' hashes
  std::map<std::string, std::string> replies;  // "result":… or "error":…, by method
  std::map<std::string, int> asked;

 private:
  std::string answer(const std::string& method, const json::array& params) {
    if (const auto own = replies.find(method); own != replies.end()) return own->second;
    if (method == "eth_chainId") return R"("result":")" + to_quantity(chain_id) + "\"";
    if (method != "eth_getBlockByNumber") return R"("error":{"code":-32601,"message":"no such method"})";
    const std::string block(params.at(0).as_string());
    const auto number = block == "latest" ? head : parse_quantity(block).value().to_u64();
    if (number > head) return R"("result":null)";
    return R"("result":)" + json::serialize(json::object{{"number", to_quantity(number)},
                                                         {"hash", hash_text(fork + number)},
                                                         {"parentHash", hash_text(fork + number - 1)},
                                                         {"timestamp", "0x1"},
                                                         {"gasLimit", "0x1"}});
  }

  ScriptedServer<tcp> server_;
};

std::string receipt_reply(std::uint64_t block, const std::string& status = "0x1",
                          const std::string& data = "0x01") {
  const json::object log{{"address", "0x" + std::string(40, 'b')},
                         {"topics", json::array{}},
                         {"data", data},
                         {"blockNumber", to_quantity(block)},
                         {"blockHash", hash_text(block)},
                         {"transactionHash", hash_text(77)},
                         {"logIndex", "0x0"}};
  return R"("result":)" + json::serialize(json::object{{"transactionHash", hash_text(77)},
                                                       {"status", status},
                                                       {"blockNumber", to_quantity(block)},
                                                       {"blockHash", hash_text(block)},
                                                       {"gasUsed", "0x5208"},
                                                       {"effectiveGasPrice", "0x1"},
                                                       {"logs", json::array{log}}});
}
const std::string kAbsent = R"("result":null)";
std::string refusal(const std::string& words) {
  return R"("error":{"code":-32000,"message":")" + words + "\"}";
}

class NodesTest : public ::testing::Test {
 protected:
  FakeNode& add() { return fakes_.emplace_back(context_); }
  void add(int count) {
    for (int i = 0; i < count; ++i) add();
  }
  FakeNode& fake(std::size_t index) { return *std::next(fakes_.begin(), static_cast<std::ptrdiff_t>(index)); }

  Nodes& nodes() {
    if (nodes_) return *nodes_;
    NodesOptions options{.chain_id = kChain, .max_lag_blocks = 3};
    for (std::size_t i = 0; i < fakes_.size(); ++i) {
      auto endpoint = fake(i).endpoint(std::string(1, static_cast<char>('a' + i)));
      if (configure_) configure_(i, endpoint);
      options.endpoints.push_back(std::move(endpoint));
    }
    options.rpc.timeout = 300ms;
    options.poll_interval = options.probe_interval = 10ms;
    options.first_backoff = 10ms;
    options.max_backoff = 20ms;
    nodes_.emplace(context_.get_executor(), std::move(options));
    return *nodes_;
  }
  /// Runs what goes on by itself until it is so, for at most some seconds.
  bool until(const std::function<bool(const NodesHealth&)>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition(nodes().health())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      context_.restart();
      context_.run_one_for(100ms);
    }
    return true;
  }
  bool all_well() {
    return until([](const NodesHealth& health) {
      for (const auto& endpoint : health.endpoints)
        if (!endpoint.ok || (endpoint.read && !endpoint.head)) return false;
      return health.can_decide();
    });
  }
  /// Every endpoint was asked for its chain once more from now on.
  bool probed() {
    std::vector<std::uint64_t> before;
    for (const auto& endpoint : nodes().health().endpoints) before.push_back(endpoint.calls);
    return until([&](const NodesHealth& health) {
      for (std::size_t i = 0; i < before.size(); ++i)
        if (health.endpoints[i].calls < before[i] + 2) return false;
      return true;
    });
  }
  template <class T>
  T ask(awaitable<T> question) {
    return run(context_, std::move(question));
  }
  /// The next head, none within the time.
  std::optional<Head> next_head(milliseconds bound = 2000ms) {
    using namespace asio::experimental::awaitable_operators;
    const auto wait = [this](milliseconds time) -> awaitable<int> {
      asio::steady_timer timer(context_, time);
      co_await timer.async_wait(asio::use_awaitable);
      co_return 0;
    };
    auto first = ask(nodes().next_head() || wait(bound));
    if (first.index() == 1) return std::nullopt;
    return std::get<0>(first).value();
  }

  asio::io_context context_{1};
  std::list<FakeNode> fakes_;
  std::function<void(std::size_t, engine::NodeEndpoint&)> configure_;
  std::optional<Nodes> nodes_;
};

TEST(AgreementOf, IsTheMajorityAndAtLeastTwo) {
  EXPECT_EQ(agreement_of(1), 1);
  EXPECT_EQ(agreement_of(2), 2);
  EXPECT_EQ(agreement_of(3), 2);
  EXPECT_EQ(agreement_of(4), 3);
  EXPECT_EQ(agreement_of(5), 3);
}

// --- Decisions

TEST_F(NodesTest, OneEndpointDecidesAlone) {
  add().replies["eth_getTransactionReceipt"] = receipt_reply(5);
  ASSERT_TRUE(all_well());
  EXPECT_EQ(ask(nodes().receipt(kTransaction)).value()->block_number, 5);
  fake(0).replies["eth_getTransactionCount"] = R"("result":"0x4")";
  EXPECT_EQ(ask(nodes().transaction_count({}, kPending)).value(), 4);
  EXPECT_EQ(next_head()->number, 10);
}

TEST_F(NodesTest, AQuestionRightAfterTheStartWaitsForTheFirstProbes) {
  add(3);
  fake(2).mode = FakeNode::Mode::kSilent;
  for (std::size_t i = 0; i < 3; ++i) fake(i).replies["eth_getTransactionReceipt"] = kAbsent;
  EXPECT_TRUE(ask(nodes().receipt(kTransaction)));
}

TEST_F(NodesTest, TwoMustSayTheSameOfAReceipt) {
  add(2);
  ASSERT_TRUE(all_well());
  const auto answer = [&](const std::string& a, const std::string& b) {
    fake(0).replies["eth_getTransactionReceipt"] = a;
    fake(1).replies["eth_getTransactionReceipt"] = b;
    return ask(nodes().receipt(kTransaction));
  };
  const auto both = answer(receipt_reply(5), receipt_reply(5));
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ((*both)->block_number, 5);
  const auto none = answer(kAbsent, kAbsent);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  for (const auto& other :
       {kAbsent, receipt_reply(6), receipt_reply(5, "0x0"), receipt_reply(5, "0x1", "0x02"),
        std::string(R"("result":"garbage")"), refusal("busy")}) {
    const auto open = answer(receipt_reply(5), other);
    ASSERT_FALSE(open) << other;
    EXPECT_EQ(open.error().kind, NodeError::Kind::kUnknownOutcome) << other;
    fake(1).replies["eth_getTransactionReceipt"] = kAbsent;
    ASSERT_TRUE(all_well());
  }
  EXPECT_EQ(nodes().health().decided, 2);
  EXPECT_EQ(nodes().health().open, 6);
}

TEST_F(NodesTest, OneOfThreeMayLieAboutAReceipt) {
  add(3);
  ASSERT_TRUE(all_well());
  for (std::size_t liar = 0; liar < 3; ++liar) {
    for (const auto& [truth, lie] :
         std::vector<std::pair<std::string, std::string>>{
             {receipt_reply(5), kAbsent},                   // hides it
             {kAbsent, receipt_reply(5)},                   // invents one
             {receipt_reply(5), receipt_reply(6)},          // in another block
             {receipt_reply(5), receipt_reply(5, "0x0")}})  // turns success into failure
    {
      for (std::size_t i = 0; i < 3; ++i)
        fake(i).replies["eth_getTransactionReceipt"] = i == liar ? lie : truth;
      const auto decided = ask(nodes().receipt(kTransaction));
      ASSERT_TRUE(decided) << decided.error().message;
      EXPECT_EQ(decided->has_value(), truth != kAbsent);
      if (*decided) {
        EXPECT_EQ((*decided)->block_number, 5);
        EXPECT_TRUE((*decided)->success);
      }
    }
  }
}

TEST_F(NodesTest, WhereTwoAreNeededOneAloneDecidesNothing) {
  add(2);
  ASSERT_TRUE(all_well());
  fake(0).replies["eth_getTransactionReceipt"] = receipt_reply(5);
  fake(0).replies["eth_getTransactionCount"] = R"("result":"0x4")";
  fake(1).mode = FakeNode::Mode::kCuts;
  ASSERT_TRUE(until([](const NodesHealth& health) { return !health.can_decide(); }));
  EXPECT_THAT(nodes().health().detail(), HasSubstr("nothing is decided: 2 must agree, 1 of 2"));
  EXPECT_FALSE(ask(nodes().receipt(kTransaction)));
  EXPECT_FALSE(ask(nodes().transaction_count({}, kPending)));
  // What decides nothing is still answered.
  fake(0).replies["eth_call"] = R"("result":"0x01")";
  EXPECT_EQ(ask(nodes().call({})).value().value(), Bytes{1});

  fake(1).mode = FakeNode::Mode::kAnswers;
  fake(1).replies = fake(0).replies;
  ASSERT_TRUE(all_well());
  EXPECT_TRUE(ask(nodes().receipt(kTransaction)).value());
}

TEST_F(NodesTest, ASilentEndpointDoesNotHoldUpTwoThatAgree) {
  add(3);
  ASSERT_TRUE(all_well());
  for (std::size_t i = 0; i < 3; ++i) fake(i).replies["eth_getTransactionReceipt"] = receipt_reply(5);
  fake(0).mode = FakeNode::Mode::kSilent;
  const auto started = std::chrono::steady_clock::now();
  EXPECT_TRUE(ask(nodes().receipt(kTransaction)).value());
  EXPECT_LT(std::chrono::steady_clock::now() - started, 200ms);  // its timeout is 300 ms
}

TEST_F(NodesTest, TheNonceIsTheHighestThatTwoConfirm) {
  add(3);
  ASSERT_TRUE(all_well());
  const auto count = [&](std::vector<int> counts) {
    for (std::size_t i = 0; i < 3; ++i)
      fake(i).replies["eth_getTransactionCount"] = R"("result":"0x)" + std::to_string(counts[i]) + "\"";
    return ask(nodes().transaction_count({}, kLatest)).value();
  };
  EXPECT_EQ(count({4, 4, 4}), 4);
  EXPECT_EQ(count({9, 4, 4}), 4) << "one claims more";
  EXPECT_EQ(count({1, 4, 4}), 4) << "one claims less";
  EXPECT_EQ(count({4, 5, 6}), 5);
}

TEST_F(NodesTest, WhatIsAnchoredToABlocksHashNeedsAgreement) {
  add(3);
  ASSERT_TRUE(all_well());
  for (std::size_t i = 0; i < 3; ++i) fake(i).replies["eth_call"] = R"("result":"0x02")";
  fake(0).replies["eth_call"] = R"("result":"0x01")";
  EXPECT_EQ(ask(nodes().call({}, hash_of(5))).value().value(), Bytes{2});
  EXPECT_EQ(ask(nodes().call({}, kLatest)).value().value(), Bytes{1}) << "the preferred one's word is enough";
  fake(1).replies["eth_call"] = R"("error":{"code":3,"message":"execution reverted: a"})";
  fake(2).replies["eth_call"] = R"("error":{"code":3,"message":"execution reverted, b"})";
  EXPECT_FALSE(ask(nodes().call({}, hash_of(5))).value().has_value()) << "in words of their own";
  for (std::size_t i = 0; i < 3; ++i) fake(i).replies["eth_getLogs"] = R"("result":[])";
  fake(2).replies["eth_getLogs"] = kAbsent;
  EXPECT_TRUE(ask(nodes().logs(hash_of(5), {})));
}

// --- Heads

TEST_F(NodesTest, AHeadCountsWhenTwoHaveIt) {
  add(2);
  ASSERT_TRUE(all_well());
  EXPECT_EQ(next_head()->number, 10);
  fake(0).head = 11;
  EXPECT_FALSE(next_head(200ms));
  fake(1).head = 12;  // what it has at 11 is asked
  EXPECT_EQ(next_head()->number, 11);
  fake(0).head = 12;
  EXPECT_EQ(next_head()->number, 12);
  nodes().repeat_head();
  EXPECT_EQ(next_head()->number, 12);
  EXPECT_FALSE(next_head(50ms));
}

TEST_F(NodesTest, ABlockIsConfirmedWhileItIsTheHeadThatTheyAgreeOn) {
  add(2);
  ASSERT_TRUE(all_well());
  EXPECT_EQ(next_head()->number, 10);
  const auto confirmed = [&](std::uint64_t block) { return nodes().confirmed_ms(hash_of(block)); };
  const auto first = confirmed(10);
  EXPECT_GT(first, 0);
  EXPECT_EQ(confirmed(9), 0);
  EXPECT_TRUE(until([&](const NodesHealth&) { return confirmed(10) > first; }));

  fake(0).head = fake(1).head = 11;
  EXPECT_EQ(next_head()->number, 11);
  EXPECT_EQ(confirmed(10), 0) << "there is a newer one";
  EXPECT_GT(confirmed(11), 0);

  // Two chains that part above block 11 have it in common, and say nothing of what is the head.
  fake(0).head = 12;
  const auto common = confirmed(11);
  EXPECT_TRUE(until([&](const NodesHealth&) { return confirmed(11) > common; }));
  fake(0).head = 16;
  EXPECT_TRUE(until([&](const NodesHealth&) { return confirmed(11) == 0; }));
}

TEST_F(NodesTest, AMadeUpHeadIsNotFollowed) {
  add(3);
  ASSERT_TRUE(all_well());
  EXPECT_EQ(next_head()->number, 10);
  fake(0).head = 1'000'000;
  EXPECT_FALSE(next_head(200ms));
  EXPECT_EQ(nodes().health().voters, 3) << "the others are not behind one that nobody follows";
  fake(1).head = fake(2).head = 11;
  EXPECT_EQ(next_head()->number, 11);
}

TEST_F(NodesTest, AnotherForkAtTheSameHeightIsNotAgreement) {
  add(2);
  fake(1).fork = 500;
  ASSERT_TRUE(all_well());
  EXPECT_FALSE(next_head(200ms));
  fake(1).fork = 0;
  fake(1).head = 11;
  EXPECT_EQ(next_head()->number, 10);
}

TEST_F(NodesTest, AReorganisationThatTwoFollowIsFollowed) {
  add(3);
  ASSERT_TRUE(all_well());
  EXPECT_EQ(next_head()->hash, hash_of(10));
  fake(0).fork = fake(1).fork = 500;
  EXPECT_EQ(next_head()->hash, hash_of(510));
}

TEST_F(NodesTest, TheHeadDoesNotGoBackWhenTheLeadersFallIll) {
  add(3);
  fake(2).head = 9;
  ASSERT_TRUE(all_well());
  EXPECT_EQ(next_head()->number, 10);
  fake(0).mode = FakeNode::Mode::kCuts;
  ASSERT_TRUE(until([](const NodesHealth& health) { return health.voters == 2; }));
  EXPECT_FALSE(next_head(200ms)) << "the second still has block 10";
  fake(2).head = 11;
  fake(1).head = 11;
  EXPECT_EQ(next_head()->number, 11);
}

TEST_F(NodesTest, OneThatLagsHasNoVote) {
  add(3);
  fake(0).head = 6;  // 4 behind, 3 are allowed
  for (std::size_t i = 0; i < 3; ++i) fake(i).replies["eth_call"] = R"("result":"0x02")";
  fake(0).replies["eth_call"] = R"("result":"0x01")";
  ASSERT_TRUE(until([](const NodesHealth& health) { return !health.endpoints[0].ok && health.voters == 2; }));
  EXPECT_EQ(nodes().health().endpoints[0].lag_blocks, 4);
  EXPECT_THAT(nodes().health().endpoints[0].detail, HasSubstr("4 blocks behind"));
  EXPECT_EQ(ask(nodes().call({})).value().value(), Bytes{2}) << "it is read from last";
  fake(0).head = 7;
  EXPECT_TRUE(all_well());
}

// --- Health

TEST_F(NodesTest, AnotherEndpointAnswersWhileOneIsIllAndItComesBack) {
  add(2);
  for (std::size_t i = 0; i < 2; ++i)
    fake(i).replies["eth_getBalance"] = R"("result":"0x)" + std::to_string(i) + "\"";
  ASSERT_TRUE(all_well());
  EXPECT_EQ(ask(nodes().balance({})).value(), Uint256(0));
  fake(0).mode = FakeNode::Mode::kCuts;
  EXPECT_EQ(ask(nodes().balance({})).value(), Uint256(1));
  ASSERT_TRUE(until([](const NodesHealth& health) { return !health.endpoints[0].ok; }));
  EXPECT_GT(nodes().health().endpoints[0].failures, 0);
  const auto asked = fake(0).asked["eth_getBalance"];
  EXPECT_EQ(ask(nodes().balance({})).value(), Uint256(1));
  EXPECT_EQ(fake(0).asked["eth_getBalance"], asked) << "only the probe goes to one that is ill";
  fake(0).mode = FakeNode::Mode::kAnswers;
  ASSERT_TRUE(all_well());
  EXPECT_EQ(ask(nodes().balance({})).value(), Uint256(0));
}

TEST_F(NodesTest, AnAnswerAboutTheQuestionBlamesNobody) {
  add(1);
  ASSERT_TRUE(all_well());
  fake(0).replies["eth_call"] = refusal("insufficient funds for gas * price + value");
  fake(0).replies["eth_sendRawTransaction"] = refusal("nonce too low");
  EXPECT_FALSE(ask(nodes().call({})));
  EXPECT_EQ(ask(nodes().send_raw_transaction({1})).kind, Kind::kNonceTooLow);
  EXPECT_TRUE(nodes().health().endpoints[0].ok);
  EXPECT_EQ(nodes().health().endpoints[0].failures, 0);
}

TEST_F(NodesTest, ARateLimitIsTheEndpoints) {
  add(2);
  ASSERT_TRUE(all_well());
  fake(0).replies["eth_getCode"] = R"("error":{"code":-32005,"message":"daily limit"})";
  fake(1).replies["eth_getCode"] = R"("result":"0x01")";
  EXPECT_EQ(ask(nodes().code({})).value(), Bytes{1});
  EXPECT_EQ(nodes().health().endpoints[0].failures, 1);
}

TEST_F(NodesTest, AnotherChainHasNoVote) {
  add(3);
  fake(0).chain_id = 8;
  for (std::size_t i = 0; i < 3; ++i) fake(i).replies["eth_getBalance"] = R"("result":"0x1")";
  fake(0).replies["eth_getBalance"] = R"("result":"0x9")";
  ASSERT_TRUE(until([](const NodesHealth& health) { return health.voters == 2 && !health.endpoints[0].ok; }));
  EXPECT_EQ(nodes().health().endpoints[0].detail, "serves chain 8, not 7");
  EXPECT_EQ(ask(nodes().balance({})).value(), Uint256(1));
  EXPECT_EQ(ask(nodes().chain_id()).value(), kChain);
  fake(1).replies["eth_sendRawTransaction"] = fake(2).replies["eth_sendRawTransaction"] = refusal("busy");
  ask(nodes().send_raw_transaction({1}));
  EXPECT_EQ(fake(0).asked["eth_sendRawTransaction"], 0);
}

TEST_F(NodesTest, TheChainsIdIsTheConfiguredOnesOwnWord) {
  add(1);
  fake(0).chain_id = 8;
  EXPECT_EQ(ask(nodes().chain_id()).value(), 8);
}

TEST_F(NodesTest, ABlockOrTransactionThatOneLacksIsAskedOfTheOthers) {
  add(2);
  ASSERT_TRUE(all_well());
  fake(0).head = 9;
  EXPECT_EQ(ask(nodes().header(10)).value()->hash, hash_of(10));
  EXPECT_FALSE(ask(nodes().header(11)).value());
}

/// One endpoint's word about a block's parent would decide whether a receipt counts.
TEST_F(NodesTest, ABlocksHeaderByItsHashIsWhatTheyAgreeOn) {
  add(3);
  const auto header = [](std::uint64_t parent) {
    return R"("result":)" + json::serialize(json::object{{"number", to_quantity(10U)},
                                                         {"hash", hash_text(10)},
                                                         {"parentHash", hash_text(parent)},
                                                         {"timestamp", "0x1"},
                                                         {"gasLimit", "0x1"}});
  };
  fake(0).replies["eth_getBlockByHash"] = header(66);
  fake(1).replies["eth_getBlockByHash"] = fake(2).replies["eth_getBlockByHash"] = header(9);
  ASSERT_TRUE(all_well());
  EXPECT_EQ(ask(nodes().header(hash_of(10))).value()->parent_hash, hash_of(9));
  fake(1).replies["eth_getBlockByHash"] = kAbsent;
  EXPECT_FALSE(ask(nodes().header(hash_of(10)))) << "open: all three say something else";
}

TEST_F(NodesTest, ANameHoldsNoSecret) {
  EXPECT_EQ(endpoint_name({.rpc_url = "https://node.example/v3/key"}), "https://node.example:443");
  EXPECT_EQ(endpoint_name({.name = "own", .rpc_url = "https://node.example/v3/key"}), "own");
}

// --- Submission

class Submission : public NodesTest {
 protected:
  const Bytes raw_{2, 0xc0};
  std::string taken() const { return R"("result":")" + to_hex(keccak256(ByteView(raw_))) + "\""; }
  SubmitOutcome submit(const std::vector<std::string>& answers) {
    for (std::size_t i = 0; i < answers.size(); ++i) fake(i).replies["eth_sendRawTransaction"] = answers[i];
    return ask(nodes().send_raw_transaction(raw_));
  }
};

TEST_F(Submission, GoesToEveryEndpointAndOneAcceptanceIsEnough) {
  add(2);
  ASSERT_TRUE(all_well());
  EXPECT_EQ(submit({refusal("nonce too low"), taken()}).kind, Kind::kAccepted);
  EXPECT_EQ(submit({taken(), refusal("intrinsic gas too low")}).kind, Kind::kAccepted);
  EXPECT_EQ(submit({refusal("intrinsic gas too low"), refusal("already known")}).kind, Kind::kAlreadyKnown);
  ASSERT_TRUE(probed());
  EXPECT_EQ(fake(0).asked["eth_sendRawTransaction"], 3);
  EXPECT_EQ(fake(1).asked["eth_sendRawTransaction"], 3);
}

TEST_F(Submission, IsRefusedOnlyByAll) {
  add(2);
  ASSERT_TRUE(all_well());
  const auto refused = submit({refusal("intrinsic gas too low"), refusal("intrinsic gas too low")});
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_THAT(refused.message, HasSubstr("intrinsic gas too low"));
  EXPECT_EQ(submit({refusal("intrinsic gas too low"), refusal("nonce too low")}).kind, Kind::kNonceTooLow);
  EXPECT_EQ(submit({refusal("intrinsic gas too low"), refusal("txpool is full")}).kind, Kind::kUnknown);
  EXPECT_EQ(submit({refusal("txpool is full"), refusal("txpool is full")}).kind, Kind::kBusy);
  EXPECT_EQ(submit({refusal("insufficient funds"), R"("result":7)"}).kind, Kind::kUnknown);
  fake(1).mode = FakeNode::Mode::kCuts;
  EXPECT_EQ(submit({refusal("insufficient funds")}).kind, Kind::kUnknown);
}

TEST_F(Submission, AnAcceptanceDoesNotWaitForASilentEndpoint) {
  add(2);
  ASSERT_TRUE(all_well());
  fake(0).mode = FakeNode::Mode::kSilent;
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(submit({taken(), taken()}).kind, Kind::kAccepted);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 200ms);
}

TEST_F(Submission, IllEndpointsAreOfferedTheBytesToo) {
  add(2);
  ASSERT_TRUE(all_well());
  fake(0).replies["eth_chainId"] = R"("result":"garbage")";
  ASSERT_TRUE(until([](const NodesHealth& health) { return !health.endpoints[0].ok; }));
  EXPECT_EQ(submit({taken(), refusal("insufficient funds")}).kind, Kind::kAccepted);
}

TEST_F(Submission, MayHaveEndpointsOfItsOwn) {
  add(2);
  configure_ = [](std::size_t index, engine::NodeEndpoint& endpoint) {
    (index == 0 ? endpoint.submit : endpoint.read) = false;
  };
  fake(0).replies["eth_getBalance"] = fake(1).replies["eth_getBalance"] = R"("result":"0x1")";
  fake(1).replies["eth_chainId"] = R"("error":{"code":-32601,"message":"no such method"})";
  ASSERT_TRUE(all_well());
  EXPECT_TRUE(ask(nodes().balance({})));
  EXPECT_EQ(submit({taken(), taken()}).kind, Kind::kAccepted);
  EXPECT_EQ(fake(0).asked["eth_sendRawTransaction"], 0);
  EXPECT_EQ(fake(1).asked["eth_getBalance"], 0);
  EXPECT_EQ(fake(1).asked["eth_getBlockByNumber"], 0);
}

TEST_F(Submission, NothingListensAnywhere) {
  NodesOptions options{.endpoints = {{.rpc_url = "http://127.0.0.1:1"}, {.rpc_url = "http://127.0.0.1:2"}},
                       .chain_id = kChain};
  Nodes nowhere(context_.get_executor(), options);
  EXPECT_EQ(ask(nowhere.send_raw_transaction(raw_)).kind, Kind::kUnreachable);
}

}  // namespace
}  // namespace sep::node
