#include "node/node.h"

#include "base/hex.h"
#include "base/text.h"
#include "node/answers.h"

namespace sep::node {
namespace {

std::unexpected<NodeError> unusable(const std::string& why) {
  return std::unexpected(NodeError{.kind = NodeError::Kind::kUnknownOutcome,
                                   .message = "the Ethereum node's answer is not usable: " + why,
                                   .data = nullptr});
}

/// A reading error of an answer's fields, as the answer's.
template <class T>
NodeResult<T> usable(Result<T> result) {
  if (result) return std::move(*result);
  return unusable(result.error().detail);
}

/// What `read` makes of the result; a halt where the error is one.
template <class Read>
auto executed(NodeResult<json::value> result, Read read)
    -> NodeResult<Executed<typename decltype(read(json::value()))::value_type>> {
  using Outcome = Executed<typename decltype(read(json::value()))::value_type>;
  if (!result) {
    if (auto halt = halt_of_error(result.error())) return Outcome(std::unexpected(std::move(*halt)));
    return std::unexpected(std::move(result).error());
  }
  SEP_TRY(auto value, usable(read(*result)));
  return Outcome(std::move(value));
}

// Requests.
// ----------------------------------------------------------------------------------------------------

json::object request_json(const CallRequest& request) {
  json::object out;
  if (request.from) out["from"] = to_hex(*request.from);
  if (request.to) out["to"] = to_hex(*request.to);
  if (!request.data.empty()) {
    out["input"] = to_hex(request.data);
    out["data"] = out["input"];  // for nodes that know the older name only
  }
  if (!request.value_wei.is_zero()) out["value"] = to_quantity(request.value_wei);
  if (request.gas_limit) out["gas"] = to_quantity(*request.gas_limit);
  if (request.max_fee_per_gas_wei) out["maxFeePerGas"] = to_quantity(*request.max_fee_per_gas_wei);
  if (request.max_priority_fee_per_gas_wei)
    out["maxPriorityFeePerGas"] = to_quantity(*request.max_priority_fee_per_gas_wei);
  return out;
}

json::object logs_filter(const std::vector<Address>& addresses, const std::vector<Hash32>& topics0) {
  json::object filter;
  if (!addresses.empty()) {
    auto& list = filter["address"].emplace_array();
    for (const auto& address : addresses) list.emplace_back(to_hex(address));
  }
  if (!topics0.empty()) {
    auto& list = filter["topics"].emplace_array().emplace_back(json::array_kind).get_array();
    for (const auto& topic : topics0) list.emplace_back(to_hex(topic));
  }
  return filter;
}

}  // namespace

json::value BlockId::to_json() const {
  if (const auto* number = std::get_if<std::uint64_t>(&id_)) return json::string(to_quantity(*number));
  if (const auto* hash = std::get_if<Hash32>(&id_)) return json::object{{"blockHash", to_hex(*hash)}};
  switch (std::get<Tag>(id_)) {
    case Tag::kPending:
      return "pending";
    case Tag::kSafe:
      return "safe";
    case Tag::kFinalized:
      return "finalized";
    case Tag::kLatest:
      break;
  }
  return "latest";
}

NodeResult<BlockHeader> header_from_json(const json::value& value) {
  return usable(read_header(value));
}

Node::Node(asio::any_io_executor executor, const NodeOptions& options)
    : rpc_(std::move(executor), options.ipc_path.empty() ? options.rpc_url : options.ipc_path, options.rpc) {}

awaitable<NodeResult<std::uint64_t>> Node::chain_id() {
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_chainId", {}));
  co_return usable(u64_of(result));
}

awaitable<NodeResult<std::string>> Node::client_version() {
  SEP_CO_TRY(const auto result, co_await rpc_.call("web3_clientVersion", {}));
  SEP_CO_TRY(const auto text, usable(text_of(result)));
  co_return std::string(text);
}

awaitable<NodeResult<std::optional<BlockHeader>>> Node::header(BlockId block) {
  json::array params;
  if (const auto* hash = block.if_hash()) {
    params = {to_hex(*hash), false};
  } else {
    params = {block.to_json(), false};
  }
  SEP_CO_TRY(const auto result,
             co_await rpc_.call(block.if_hash() != nullptr ? "eth_getBlockByHash" : "eth_getBlockByNumber",
                                std::move(params)));
  if (result.is_null()) co_return std::nullopt;
  SEP_CO_TRY(auto header, header_from_json(result));
  const auto* hash = block.if_hash();
  const auto* number = block.if_number();
  if ((hash != nullptr && header.hash != *hash) || (number != nullptr && header.number != *number))
    co_return unusable("another block");
  co_return header;
}

awaitable<NodeResult<Bytes>> Node::code(Address address, BlockId block) {
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_getCode", {to_hex(address), block.to_json()}));
  co_return usable(bytes_of(result));
}

awaitable<NodeResult<Uint256>> Node::balance(Address address, BlockId block) {
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_getBalance", {to_hex(address), block.to_json()}));
  co_return usable(quantity_of(result));
}

awaitable<NodeResult<std::uint64_t>> Node::transaction_count(Address address, BlockId block) {
  SEP_CO_TRY(const auto result,
             co_await rpc_.call("eth_getTransactionCount", {to_hex(address), block.to_json()}));
  co_return usable(u64_of(result));
}

awaitable<NodeResult<Executed<Bytes>>> Node::call(CallRequest request, BlockId block) {
  co_return executed(co_await rpc_.call("eth_call", {request_json(request), block.to_json()}), bytes_of);
}

awaitable<NodeResult<std::vector<Executed<Bytes>>>> Node::call_many(std::vector<CallRequest> requests,
                                                                    BlockId block) {
  std::vector<RpcCall> calls;
  for (const auto& request : requests) {
    calls.push_back({"eth_call", {}});
    calls.back().params = {request_json(request), block.to_json()};
  }
  SEP_CO_TRY(auto results, co_await rpc_.batch(std::move(calls)));
  std::vector<Executed<Bytes>> out;
  for (auto& result : results) {
    SEP_CO_TRY(auto outcome, executed(std::move(result), bytes_of));
    out.push_back(std::move(outcome));
  }
  co_return out;
}

awaitable<NodeResult<Executed<std::uint64_t>>> Node::estimate_gas(CallRequest request, BlockId block) {
  co_return executed(co_await rpc_.call("eth_estimateGas", {request_json(request), block.to_json()}), u64_of);
}

awaitable<NodeResult<std::vector<SimulatedCall>>> Node::simulate(std::vector<CallRequest> requests,
                                                                 BlockId block) {
  json::array calls;
  for (const auto& request : requests) {
    calls.push_back(request_json(request));
    calls.back().get_object().erase("data");  // eth_simulateV1 is young enough to know "input" everywhere
  }
  json::object options{{"blockStateCalls", {{{"calls", std::move(calls)}}}}, {"validation", false}};
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_simulateV1", {std::move(options), block.to_json()}));
  co_return usable(read_simulation(result, requests.size()));
}

awaitable<NodeResult<FeeHistory>> Node::fee_history(unsigned blocks, BlockId newest,
                                                    std::vector<unsigned> percentiles) {
  json::array list;
  for (const auto percentile : percentiles) list.push_back(percentile);
  SEP_CO_TRY(const auto result,
             co_await rpc_.call("eth_feeHistory", {to_quantity(blocks), newest.to_json(), std::move(list)}));
  co_return usable(read_fee_history(result));
}

awaitable<NodeResult<std::vector<Log>>> Node::logs(Hash32 block, std::vector<Address> addresses,
                                                   std::vector<Hash32> topics0) {
  auto filter = logs_filter(addresses, topics0);
  filter["blockHash"] = to_hex(block);
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_getLogs", {std::move(filter)}));
  co_return usable(read_logs(result));
}

awaitable<NodeResult<std::vector<Log>>> Node::logs(std::uint64_t from, std::uint64_t to,
                                                   std::vector<Address> addresses,
                                                   std::vector<Hash32> topics0) {
  auto filter = logs_filter(addresses, topics0);
  filter["fromBlock"] = to_quantity(from);
  filter["toBlock"] = to_quantity(to);
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_getLogs", {std::move(filter)}));
  co_return usable(read_logs(result));
}

awaitable<NodeResult<std::optional<Receipt>>> Node::receipt(Hash32 transaction) {
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_getTransactionReceipt", {to_hex(transaction)}));
  SEP_CO_TRY(auto found, usable(read_receipt(result)));
  if (found && found->tx_hash != transaction) co_return unusable("the receipt of another transaction");
  co_return found;
}

awaitable<NodeResult<std::optional<TransactionInfo>>> Node::transaction(Hash32 transaction) {
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_getTransactionByHash", {to_hex(transaction)}));
  SEP_CO_TRY(auto found, usable(read_transaction(result)));
  if (found && found->hash != transaction) co_return unusable("another transaction");
  co_return found;
}

awaitable<NodeResult<std::optional<std::vector<TransactionInfo>>>> Node::transactions(BlockId block) {
  const auto* hash = block.if_hash();
  SEP_CO_TRY(const auto result,
             co_await rpc_.call(hash != nullptr ? "eth_getBlockByHash" : "eth_getBlockByNumber",
                                {hash != nullptr ? json::value(to_hex(*hash)) : block.to_json(), true}));
  co_return usable(read_transactions(result));
}

awaitable<SubmitOutcome> Node::send_raw_transaction(Bytes raw) {
  const auto expected = to_hex(keccak256(raw));
  const auto result = co_await rpc_.call("eth_sendRawTransaction", {to_hex(raw)});
  if (result) {
    if (result->is_string() && lower(result->get_string()) == expected)
      co_return SubmitOutcome{SubmitOutcome::Kind::kAccepted, {}};
    co_return SubmitOutcome{SubmitOutcome::Kind::kUnknown, "the node answered with another transaction hash"};
  }
  const auto& error = result.error();
  switch (error.kind) {
    case NodeError::Kind::kAnswered:
      co_return SubmitOutcome{classify_refusal(error.rpc_code, error.message), error.message};
    case NodeError::Kind::kUnreachable:
      co_return SubmitOutcome{SubmitOutcome::Kind::kUnreachable, error.message};
    case NodeError::Kind::kUnknownOutcome:
      break;
  }
  co_return SubmitOutcome{SubmitOutcome::Kind::kUnknown, error.message};
}

awaitable<NodeResult<std::optional<Halt>>> Node::halt_of(Hash32 hash) {
  // The receipt says where it ran: some nodes show a mined transaction as pending for a moment longer.
  SEP_CO_TRY(const auto mined, co_await receipt(hash));
  if (!mined || mined->success) co_return std::nullopt;
  SEP_CO_TRY(const auto info, co_await transaction(hash));
  if (!info) co_return std::nullopt;
  const CallRequest replay{.from = info->from,
                           .to = info->to,
                           .data = info->input,
                           .value_wei = info->value_wei,
                           .gas_limit = info->gas_limit,
                           .max_fee_per_gas_wei = {},
                           .max_priority_fee_per_gas_wei = {}};
  for (const std::uint64_t before : {0U, 1U}) {
    if (mined->block_number < before) continue;
    SEP_CO_TRY(auto outcome, co_await call(replay, mined->block_number - before));
    if (!outcome) co_return std::move(outcome).error();
  }
  co_return std::nullopt;
}

}  // namespace sep::node
