#include "node/node.h"

#include <deque>
#include <map>

#include <gtest/gtest.h>

#include "base/hex.h"
#include "node/scripted_server.h"

namespace sep::node {
namespace {

using asio::ip::tcp;

const std::string kHashText = "0x" + std::string(64, 'a');
const Hash32 kHash = parse_hash(kHashText).value();
const std::string kAddressText = "0x" + std::string(40, 'b');

/// A node whose every answer is `reply`: "result":… or "error":…; where the method has one of `replies`, its
/// next.
class AnsweringNode : public ::testing::Test {
 protected:
  AnsweringNode()
      : server_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0),
                [this](Peer<tcp>& peer) -> awaitable<void> {
                  while (const auto request = co_await peer.http_request()) {
                    last_request = json::parse(*request);
                    const auto id = json::serialize(last_request.at("id"));
                    auto& own = replies[std::string(last_request.at("method").as_string())];
                    const auto text = own.empty() ? reply : own.front();
                    if (!own.empty()) own.pop_front();
                    co_await peer.send_http(R"({"jsonrpc":"2.0","id":)" + id + "," + text + "}");
                  }
                }),
        node_(context_.get_executor(),
              {.rpc_url = "http://127.0.0.1:" + std::to_string(server_.port()), .ipc_path = {}, .rpc = {}}) {}

  template <class T>
  T ask(awaitable<T> question) {
    return run(context_, std::move(question));
  }

  std::string reply;
  std::map<std::string, std::deque<std::string>> replies;
  json::value last_request;

  asio::io_context context_;
  ScriptedServer<tcp> server_;
  Node node_;
};

json::object log_json() {
  return {{"address", kAddressText},   {"topics", {kHashText}},  {"data", "0x0102"},
          {"blockNumber", "0x10"},     {"blockHash", kHashText}, {"transactionHash", kHashText},
          {"transactionIndex", "0x0"}, {"logIndex", "0x3"}};
}
json::object receipt_json() {
  return {{"transactionHash", kHashText},   {"status", "0x1"},     {"blockNumber", "0x10"},
          {"blockHash", kHashText},         {"gasUsed", "0x5208"}, {"effectiveGasPrice", "0x3b9aca00"},
          {"logs", json::array{log_json()}}};
}
json::object header_json() {
  return {{"number", "0x10"},          {"hash", kHashText},       {"parentHash", kHashText},
          {"timestamp", "0x6553f100"}, {"gasLimit", "0x1c9c380"}, {"baseFeePerGas", "0x7"}};
}
json::object transaction_json() {
  return {{"hash", kHashText}, {"from", kAddressText},  {"to", nullptr},
          {"nonce", "0x1"},    {"value", "0x0"},        {"gas", "0x5208"},
          {"input", "0x"},     {"blockNumber", "0x10"}, {"blockHash", kHashText}};
}
json::object fee_history_json() {
  return {{"oldestBlock", "0x1"},
          {"baseFeePerGas", {"0x1", "0x2"}},
          {"reward", json::parse(R"([["0x5","0x6"]])")}};
}
json::array simulation_json() {
  return {
      {{"calls",
        json::array{
            {{"status", "0x1"}, {"returnData", "0x01"}, {"gasUsed", "0x5208"}, {"logs", json::array{}}}}}}};
}
std::string result_of_text(const json::value& value) {
  return R"("result":)" + json::serialize(value);
}

TEST_F(AnsweringNode, ReadsTheTransactionsOfABlock) {
  reply = result_of_text(json::object{{"transactions", json::array{transaction_json(), transaction_json()}}});
  const auto transactions = ask(node_.transactions(16U));
  ASSERT_TRUE(transactions) << transactions.error().message;
  ASSERT_EQ((*transactions)->size(), 2U);
  EXPECT_EQ((*transactions)->back().nonce, 1U);
  reply = R"("result":null)";
  EXPECT_FALSE(ask(node_.transactions(16U)).value());
}

TEST_F(AnsweringNode, ReadsAReceipt) {
  reply = result_of_text(receipt_json());
  const auto receipt = ask(node_.receipt(kHash));
  ASSERT_TRUE(receipt) << receipt.error().message;
  ASSERT_TRUE(*receipt);
  EXPECT_TRUE((*receipt)->success);
  EXPECT_EQ((*receipt)->block_number, 16);
  EXPECT_EQ((*receipt)->gas_used, 21000);
  EXPECT_EQ((*receipt)->effective_gas_price_wei, Uint256(1'000'000'000));
  ASSERT_EQ((*receipt)->logs.size(), 1);
  EXPECT_EQ((*receipt)->logs[0].data, (Bytes{1, 2}));
  EXPECT_EQ((*receipt)->logs[0].log_index, 3);
  EXPECT_EQ(to_hex((*receipt)->logs[0].address), kAddressText);
}

TEST_F(AnsweringNode, WhatIsNotMinedHasNoReceipt) {
  reply = R"("result":null)";
  EXPECT_FALSE(ask(node_.receipt(kHash)).value());
  auto pending = receipt_json();
  pending["blockHash"] = nullptr;
  reply = result_of_text(pending);
  EXPECT_FALSE(ask(node_.receipt(kHash)).value());
}

TEST_F(AnsweringNode, AnAnswerAboutSomethingElseIsUnusable) {
  const auto unknown = [](const auto& result) {
    return !result && result.error().kind == NodeError::Kind::kUnknownOutcome;
  };
  reply = result_of_text(receipt_json());
  EXPECT_TRUE(unknown(ask(node_.receipt(Hash32{}))));
  reply = result_of_text(transaction_json());
  EXPECT_TRUE(unknown(ask(node_.transaction(Hash32{}))));
  reply = result_of_text(header_json());
  EXPECT_TRUE(ask(node_.header(kHash)));
  EXPECT_TRUE(ask(node_.header(16)));
  EXPECT_TRUE(unknown(ask(node_.header(Hash32{}))));
  EXPECT_TRUE(unknown(ask(node_.header(17))));
}

/// Every way to spoil one document: each member taken out, or replaced by a value of another kind.
std::vector<json::value> spoiled(const json::object& good, const std::vector<std::string>& required) {
  std::vector<json::value> out = {true,          1, -1, "", "0x", "x", json::array{}, json::array{nullptr},
                                  json::object{}};
  for (const auto& key : required) {
    auto without = good;
    without.erase(key);
    out.emplace_back(without);
    for (const json::value& bad : {json::value(nullptr), json::value(true), json::value(12),
                                   json::value("zz"), json::value("0xzz"), json::value(json::object{}),
                                   json::value(json::array{1}), json::value("0x1" + std::string(64, '0'))}) {
      auto changed = good;
      changed[key] = bad;
      if (key == "blockHash" && bad.is_null()) continue;  // means "not mined"
      out.emplace_back(changed);
    }
  }
  return out;
}

TEST_F(AnsweringNode, ASpoiledDocumentIsAnUnusableAnswer) {
  const auto refused = [](const auto& result) {
    return !result && result.error().kind == NodeError::Kind::kUnknownOutcome;
  };
  for (const auto& bad : spoiled(receipt_json(), {"transactionHash", "status", "blockNumber", "blockHash",
                                                  "gasUsed", "effectiveGasPrice", "logs"})) {
    reply = result_of_text(bad);
    const auto receipt = ask(node_.receipt(kHash));
    // an object without a block's hash is a pending receipt, as some nodes give it
    if (receipt && !*receipt && bad.is_object() && !bad.get_object().contains("blockHash")) continue;
    EXPECT_TRUE(refused(receipt)) << reply;
  }
  for (const auto& bad : spoiled(header_json(), {"number", "parentHash", "timestamp", "gasLimit"})) {
    reply = result_of_text(bad);
    EXPECT_TRUE(refused(ask(node_.header(kLatest)))) << reply;
  }
  for (const auto& bad :
       spoiled(transaction_json(), {"hash", "from", "nonce", "value", "gas", "input", "blockNumber"})) {
    reply = result_of_text(bad);
    EXPECT_TRUE(refused(ask(node_.transaction(kHash)))) << reply;
    reply = result_of_text(json::object{{"transactions", json::array{bad}}});
    EXPECT_TRUE(refused(ask(node_.transactions(16U)))) << reply;
  }
  auto absurd = header_json();
  absurd["baseFeePerGas"] = "0x1" + std::string(32, '0');  // 2^128: sums of it could overflow
  reply = result_of_text(absurd);
  EXPECT_TRUE(refused(ask(node_.header(kLatest))));
  auto dear = fee_history_json();
  dear["baseFeePerGas"].as_array()[1] = absurd["baseFeePerGas"];
  reply = result_of_text(dear);
  EXPECT_TRUE(refused(ask(node_.fee_history(1, kLatest, {50}))));
  for (const auto& bad : spoiled(fee_history_json(), {"oldestBlock", "baseFeePerGas"})) {
    reply = result_of_text(bad);
    EXPECT_TRUE(refused(ask(node_.fee_history(1, kLatest, {50})))) << reply;
  }
  for (const auto& bad : spoiled(log_json(), {"address", "topics", "data", "blockNumber", "blockHash",
                                              "transactionHash", "logIndex"})) {
    reply = result_of_text(json::array{log_json(), bad});
    EXPECT_TRUE(refused(ask(node_.logs(Hash32{}, {})))) << reply;
  }
  for (const auto& bad :
       spoiled(simulation_json()[0].at("calls").at(0).as_object(), {"status", "returnData", "gasUsed"})) {
    reply = result_of_text(json::array{{{"calls", json::array{bad}}}});
    EXPECT_TRUE(refused(ask(node_.simulate({CallRequest{}})))) << reply;
  }
  for (const json::value& bad :
       {json::value(nullptr), json::value(1), json::value("1"), json::value("0x"), json::value("0xg"),
        json::value(json::array{}), json::value(json::object{}), json::value("0x1" + std::string(64, '0'))}) {
    reply = result_of_text(bad);
    EXPECT_TRUE(refused(ask(node_.chain_id()))) << reply;
    EXPECT_TRUE(refused(ask(node_.balance(Address{})))) << reply;
    EXPECT_TRUE(refused(ask(node_.transaction_count(Address{}, kPending)))) << reply;
    EXPECT_TRUE(refused(ask(node_.estimate_gas({})))) << reply;
  }
  for (const json::value& bad : {json::value(nullptr), json::value(1), json::value("00"), json::value("0x0"),
                                 json::value("0xgg"), json::value(json::array{})}) {
    reply = result_of_text(bad);
    EXPECT_TRUE(refused(ask(node_.code(Address{})))) << reply;
    EXPECT_TRUE(refused(ask(node_.call({})))) << reply;
  }
}

TEST_F(AnsweringNode, ABlockThatTheNodeLacksIsNone) {
  reply = R"("result":null)";
  EXPECT_FALSE(ask(node_.header(kHash)).value());
  EXPECT_EQ(last_request.at("method"), "eth_getBlockByHash");
}

TEST_F(AnsweringNode, ARevertIsAResultInEveryNodesForm) {
  const Bytes data{0x08, 0xc3, 0x79, 0xa0};
  for (const std::string error :
       {R"({"code":3,"message":"execution reverted: x","data":"0x08c379a0"})",  // geth, reth, erigon
        R"({"code":-32015,"message":"VM execution error.","data":"Reverted 0x08c379a0"})",    // nethermind
        R"({"code":-32000,"message":"execution reverted","data":"0x08c379a0"})",              // besu
        R"({"code":-32603,"message":"Transaction reverted","data":{"data":"0x08c379a0"}})"})  // providers
  {
    reply = R"("error":)" + error;
    const auto outcome = ask(node_.call({}));
    ASSERT_TRUE(outcome) << error;
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().data, data) << error;
    EXPECT_FALSE(ask(node_.estimate_gas({})).value()) << error;
  }
  reply = R"("error":{"code":-32000,"message":"out of gas"})";
  EXPECT_TRUE(ask(node_.call({})).value().error().data.empty());
  reply = R"("error":{"code":3,"message":"execution reverted","data":"0xzz"})";
  EXPECT_TRUE(ask(node_.call({})).value().error().data.empty());
}

TEST_F(AnsweringNode, OtherErrorsOfACallAreNotReverts) {
  for (const std::string message :
       {"header not found", "insufficient funds for gas * price + value", "rate limit"}) {
    reply = R"("error":{"code":-32000,"message":")" + message + "\"}";
    const auto outcome = ask(node_.call({}));
    ASSERT_FALSE(outcome) << message;
    EXPECT_EQ(outcome.error().kind, NodeError::Kind::kAnswered);
  }
}

TEST_F(AnsweringNode, AMissingSimulationIsSaid) {
  reply = R"("error":{"code":-32601,"message":"the method eth_simulateV1 does not exist/is not available"})";
  const auto result = ask(node_.simulate({CallRequest{}}));
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().unsupported());
}

TEST_F(AnsweringNode, ASimulationHasAsManyCallsAsAskedFor) {
  reply = result_of_text(simulation_json());
  EXPECT_TRUE(ask(node_.simulate({CallRequest{}})));
  EXPECT_FALSE(ask(node_.simulate({CallRequest{}, CallRequest{}})));
}

TEST_F(AnsweringNode, ASimulatedRevertCarriesItsData) {
  reply = result_of_text(json::parse(
      R"([{"calls":[{"status":"0x0","returnData":"0x","gasUsed":"0x1","error":{"code":3,"message":"execution reverted: STF","data":"0x08c379a0"}}]}])"));
  const auto calls = ask(node_.simulate({CallRequest{}}));
  ASSERT_TRUE(calls);
  ASSERT_FALSE(calls->front().result);
  EXPECT_EQ(calls->front().result.error().data, (Bytes{0x08, 0xc3, 0x79, 0xa0}));
  EXPECT_EQ(calls->front().result.error().message, "execution reverted: STF");
}

TEST_F(AnsweringNode, ACallNamesWhatIsSetAndNothingElse) {
  reply = R"("result":"0x")";
  CallRequest request{.from = Address{},
                      .to = {},
                      .data = {1, 2},
                      .value_wei = Uint256(255),
                      .gas_limit = 21000,
                      .max_fee_per_gas_wei = Uint256(16),
                      .max_priority_fee_per_gas_wei = {}};
  ASSERT_TRUE(ask(node_.call(request, 17)));
  const auto& params = last_request.at("params").as_array();
  EXPECT_EQ(params[0], json::parse(R"({"from":"0x0000000000000000000000000000000000000000","input":"0x0102",
      "data":"0x0102","value":"0xff","gas":"0x5208","maxFeePerGas":"0x10"})"));
  EXPECT_EQ(params[1], "0x11");
}

TEST_F(AnsweringNode, LogsAreAskedForByBlockHashOrRange) {
  reply = R"("result":[])";
  Address address;
  address.bytes.fill(0xbb);
  ASSERT_TRUE(ask(node_.logs(Hash32{}, {address}, {Hash32{}})));
  const auto zero = "0x" + std::string(64, '0');
  EXPECT_EQ(last_request.at("params").at(0),
            json::parse(R"({"address":[")" + kAddressText + R"("],"topics":[[")" + zero +
                        R"("]],"blockHash":")" + zero + "\"}"));
  ASSERT_TRUE(ask(node_.logs(1, 2, {})));
  EXPECT_EQ(last_request.at("params").at(0), (json::value{{"fromBlock", "0x1"}, {"toBlock", "0x2"}}));
}

TEST_F(AnsweringNode, ARevertIsReplayedAfterItsBlockThenBeforeIt) {
  auto receipt = receipt_json();
  receipt["status"] = "0x0";
  replies["eth_getTransactionReceipt"] = {result_of_text(receipt)};
  replies["eth_getTransactionByHash"] = {result_of_text(transaction_json())};
  replies["eth_call"] = {R"("result":"0x")",
                         R"("error":{"code":3,"message":"execution reverted","data":"0x01"})"};
  const auto halt = ask(node_.halt_of(kHash));
  ASSERT_TRUE(halt) << halt.error().message;
  ASSERT_TRUE(*halt);
  EXPECT_EQ((*halt)->data, Bytes{1});
  EXPECT_EQ(last_request.at("params").at(1), "0xf");  // the block of the receipt is 0x10

  replies["eth_getTransactionReceipt"] = {R"("result":null)"};
  EXPECT_FALSE(ask(node_.halt_of(kHash)).value());
}

TEST_F(AnsweringNode, ASubmissionIsSortedByWhatIsKnown) {
  using Kind = SubmitOutcome::Kind;
  const Bytes raw{0x02, 0xc0};
  reply = result_of_text(json::string(to_hex(keccak256(ByteView(raw)))));
  EXPECT_EQ(ask(node_.send_raw_transaction(raw)).kind, Kind::kAccepted);
  reply = result_of_text(json::string(kHashText));
  EXPECT_EQ(ask(node_.send_raw_transaction(raw)).kind, Kind::kUnknown);
  reply = R"("result":null)";
  EXPECT_EQ(ask(node_.send_raw_transaction(raw)).kind, Kind::kUnknown);
  reply = R"("nonsense":1)";
  EXPECT_EQ(ask(node_.send_raw_transaction(raw)).kind, Kind::kUnknown);
  reply = R"("error":{"code":-32000,"message":"nonce too low: next nonce 5, tx nonce 3"})";
  EXPECT_EQ(ask(node_.send_raw_transaction(raw)).kind, Kind::kNonceTooLow);
  EXPECT_EQ(ask(node_.send_raw_transaction(raw)).message, "nonce too low: next nonce 5, tx nonce 3");
}

TEST(ClassifyRefusal, KnowsTheNodesWords) {
  using Kind = SubmitOutcome::Kind;
  struct Case {
    std::string_view message;
    Kind kind;
  };
  for (const auto& [message, kind] : std::vector<Case>{
           // geth
           {"already known", Kind::kAlreadyKnown},
           {"nonce too low: next nonce 5, tx nonce 3", Kind::kNonceTooLow},
           {"replacement transaction underpriced", Kind::kUnderpriced},
           {"replacement transaction underpriced: new tx gas fee cap 1 <= 1 queued", Kind::kUnderpriced},
           {"transaction underpriced: gas tip cap 1, minimum needed 1000000", Kind::kUnderpriced},
           {"insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1",
            Kind::kInsufficientFunds},
           {"txpool is full", Kind::kBusy},
           {"future transaction tries to replace pending", Kind::kBusy},
           {"in-flight transaction limit reached for delegated accounts", Kind::kBusy},
           {"intrinsic gas too low: have 20999, want 21000", Kind::kRefused},
           {"exceeds block gas limit", Kind::kRefused},
           {"invalid sender", Kind::kRefused},
           {"invalid chain id for signer: have 5 want 1", Kind::kRefused},
           {"tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", Kind::kRefused},
           {"max priority fee per gas higher than max fee per gas", Kind::kRefused},
           // reth
           {"transaction discarded outright due to pool size constraints", Kind::kBusy},
           {"max fee per gas less than block base fee", Kind::kUnderpriced},
           // anvil
           {"transaction already imported", Kind::kAlreadyKnown},
           {"Insufficient funds for gas * price + value", Kind::kInsufficientFunds},
           // nethermind, new and old
           {"AlreadyKnown", Kind::kAlreadyKnown},
           {"OldNonce, Current nonce: 5, nonce of rejected tx: 3.", Kind::kNonceTooLow},
           {"NonceGap, Future nonce. Expected nonce: 7", Kind::kBusy},
           {"FeeTooLow, EffectivePriorityFeePerGas too low", Kind::kUnderpriced},
           {"FeeTooLowToCompete", Kind::kUnderpriced},
           {"ReplacementNotAllowed", Kind::kUnderpriced},
           {"InsufficientFunds, Balance is 0", Kind::kInsufficientFunds},
           {"nonce too high", Kind::kBusy},
           {"Invalid, InvalidTxSignature: Signature is invalid.", Kind::kRefused},
           // erigon
           {"INTERNAL_ERROR: existing tx with same hash", Kind::kAlreadyKnown},
           {"existing txn with same hash", Kind::kAlreadyKnown},
           {"could not replace existing tx", Kind::kUnderpriced},
           {"fee too low", Kind::kUnderpriced},
           {"underpriced", Kind::kUnderpriced},
           {"pending sub-pool is full", Kind::kBusy},
           {"insufficient funds", Kind::kInsufficientFunds},
           // besu
           {"Known transaction", Kind::kAlreadyKnown},
           {"Nonce too low", Kind::kNonceTooLow},
           {"Upfront cost exceeds account balance", Kind::kInsufficientFunds},
           {"Gas price below configured minimum gas price", Kind::kUnderpriced},
           {"Transaction nonce is too distant from current sender nonce", Kind::kBusy},
           {"", Kind::kRefused}})
    EXPECT_EQ(classify_refusal(-32000, message), kind) << message;
  EXPECT_EQ(classify_refusal(-32005, "daily limit"), Kind::kBusy);
}

TEST(BlockId, IsWrittenAsNodesExpect) {
  EXPECT_EQ(BlockId(kLatest).to_json(), "latest");
  EXPECT_EQ(BlockId(kPending).to_json(), "pending");
  EXPECT_EQ(BlockId(BlockId::Tag::kSafe).to_json(), "safe");
  EXPECT_EQ(BlockId(BlockId::Tag::kFinalized).to_json(), "finalized");
  EXPECT_EQ(BlockId(std::uint64_t{26}).to_json(), "0x1a");
  EXPECT_EQ(BlockId(Hash32{}).to_json(), (json::value{{"blockHash", "0x" + std::string(64, '0')}}));
}

}  // namespace
}  // namespace sep::node
