#include "node/node.h"

#include <algorithm>
#include <array>

#include "base/hex.h"

namespace sep::node {
namespace {

constexpr std::string_view kExecutionReverted = "execution reverted";

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

// Readers of single values.
// ------------------------------------------------------------------------------------

Result<std::string_view> text_of(const json::value& value) {
  if (!value.is_string()) return fail(errc::kWrongType, "a string was expected");
  return std::string_view(value.get_string());
}

Result<Uint256> quantity_of(const json::value& value) {
  SEP_TRY(const auto text, text_of(value));
  return parse_quantity(text);
}

Result<std::uint64_t> u64_of(const json::value& value) {
  SEP_TRY(const auto quantity, quantity_of(value));
  if (!quantity.fits_u64()) return fail(errc::kInvalidValue, "a quantity above 2^64-1");
  return quantity.to_u64();
}

Result<Bytes> bytes_of(const json::value& value) {
  SEP_TRY(const auto text, text_of(value));
  return from_hex(text);
}

Result<Hash32> hash_of(const json::value& value) {
  SEP_TRY(const auto text, text_of(value));
  return parse_hash(text);
}

Result<Address> address_of(const json::value& value) {
  SEP_TRY(const auto bytes, bytes_of(value));
  Address address;  // not parse_address: a node's letter case is no checksum that we should hold it to
  if (bytes.size() != address.bytes.size()) return fail(errc::kInvalidValue, "an address of another length");
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

/// The member `key`, read by `read`; MISSING_FIELD where it is absent or null.
template <class Read>
auto member(const json::object& object, std::string_view key, Read read) -> decltype(read(json::value())) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null())
    return fail(errc::kMissingField, "\"" + std::string(key) + "\" is missing");
  auto result = read(*value);
  if (!result) return fail(result.error().code, "\"" + std::string(key) + "\": " + result.error().detail);
  return result;
}

/// The same, none where it is absent or null.
template <class Read>
auto optional_member(const json::object& object, std::string_view key, Read read)
    -> Result<std::optional<typename decltype(read(json::value()))::value_type>> {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return member(object, key, read);
}

Result<const json::object*> object_of(const json::value& value) {
  if (!value.is_object()) return fail(errc::kWrongType, "an object was expected");
  return &value.get_object();
}

template <class Read>
auto list_of(const json::value& value, Read read)
    -> Result<std::vector<typename decltype(read(json::value()))::value_type>> {
  if (!value.is_array()) return fail(errc::kWrongType, "an array was expected");
  std::vector<typename decltype(read(json::value()))::value_type> list;
  for (const auto& element : value.get_array()) {
    SEP_TRY(auto item, read(element));
    list.push_back(std::move(item));
  }
  return list;
}

// Readers of documents.
// ----------------------------------------------------------------------------------------

Result<BlockHeader> read_header(const json::value& value) {
  SEP_TRY(const auto* object, object_of(value));
  BlockHeader header;
  SEP_TRY(header.number, member(*object, "number", u64_of));
  SEP_TRY(header.parent_hash, member(*object, "parentHash", hash_of));
  SEP_TRY(header.timestamp, member(*object, "timestamp", u64_of));
  SEP_TRY(header.gas_limit, member(*object, "gasLimit", u64_of));
  SEP_TRY(const auto hash, optional_member(*object, "hash", hash_of));
  SEP_TRY(const auto base_fee, optional_member(*object, "baseFeePerGas", quantity_of));
  header.hash = hash.value_or(Hash32{});
  header.base_fee_wei = base_fee.value_or(Uint256{});
  return header;
}

Result<Log> read_log(const json::value& value) {
  SEP_TRY(const auto* object, object_of(value));
  Log log;
  SEP_TRY(log.address, member(*object, "address", address_of));
  SEP_TRY(log.topics,
          member(*object, "topics", [](const json::value& list) { return list_of(list, hash_of); }));
  SEP_TRY(log.data, member(*object, "data", bytes_of));
  SEP_TRY(log.block_number, member(*object, "blockNumber", u64_of));
  SEP_TRY(log.block_hash, member(*object, "blockHash", hash_of));
  SEP_TRY(log.tx_hash, member(*object, "transactionHash", hash_of));
  SEP_TRY(log.log_index, member(*object, "logIndex", u64_of));
  return log;
}

Result<std::vector<Log>> read_logs(const json::value& value) {
  return list_of(value, read_log);
}

Result<bool> read_status(const json::value& value) {
  SEP_TRY(const auto status, u64_of(value));
  if (status > 1) return fail(errc::kInvalidValue, "neither 0 nor 1");
  return status == 1;
}

Result<std::optional<Receipt>> read_receipt(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  SEP_TRY(const auto* object, object_of(value));
  SEP_TRY(const auto block_hash, optional_member(*object, "blockHash", hash_of));
  if (!block_hash) return std::nullopt;  // some nodes answer receipts of pending transactions
  Receipt receipt;
  receipt.block_hash = *block_hash;
  SEP_TRY(receipt.tx_hash, member(*object, "transactionHash", hash_of));
  SEP_TRY(receipt.success, member(*object, "status", read_status));
  SEP_TRY(receipt.block_number, member(*object, "blockNumber", u64_of));
  SEP_TRY(receipt.gas_used, member(*object, "gasUsed", u64_of));
  SEP_TRY(receipt.effective_gas_price_wei, member(*object, "effectiveGasPrice", quantity_of));
  SEP_TRY(receipt.logs, member(*object, "logs", read_logs));
  return receipt;
}

Result<std::optional<TransactionInfo>> read_transaction(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  SEP_TRY(const auto* object, object_of(value));
  TransactionInfo info;
  SEP_TRY(info.hash, member(*object, "hash", hash_of));
  SEP_TRY(info.from, member(*object, "from", address_of));
  SEP_TRY(info.to, optional_member(*object, "to", address_of));
  SEP_TRY(info.nonce, member(*object, "nonce", u64_of));
  SEP_TRY(info.value_wei, member(*object, "value", quantity_of));
  SEP_TRY(info.gas_limit, member(*object, "gas", u64_of));
  SEP_TRY(info.input, member(*object, "input", bytes_of));
  SEP_TRY(info.block_number, optional_member(*object, "blockNumber", u64_of));
  SEP_TRY(info.block_hash, optional_member(*object, "blockHash", hash_of));
  if (info.block_number.has_value() != info.block_hash.has_value())
    return fail(errc::kInvalidValue, "a block's number without its hash, or the reverse");
  return info;
}

Result<FeeHistory> read_fee_history(const json::value& value) {
  SEP_TRY(const auto* object, object_of(value));
  FeeHistory history;
  const auto quantities = [](const json::value& list) { return list_of(list, quantity_of); };
  const auto rows = [&](const json::value& list) { return list_of(list, quantities); };
  SEP_TRY(history.oldest_block, member(*object, "oldestBlock", u64_of));
  SEP_TRY(history.base_fees_wei, member(*object, "baseFeePerGas", quantities));
  SEP_TRY(auto rewards, optional_member(*object, "reward", rows));
  if (rewards) history.rewards_wei = std::move(*rewards);
  if (history.base_fees_wei.empty()) return fail(errc::kInvalidValue, "no base fees");
  return history;
}

// Reverts.
// -----------------------------------------------------------------------------------------------------

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// The revert data in an error's "data": the hex itself, "Reverted 0x…" (older nethermind), or one object
/// deeper (providers).
Bytes halt_data(const json::value& data) {
  if (const auto* object = data.if_object()) {
    const auto* inner = object->if_contains("data");
    return inner != nullptr && inner->is_string() ? halt_data(*inner) : Bytes{};
  }
  if (!data.is_string()) return {};
  std::string_view text = data.get_string();
  if (const auto hex = text.find("0x"); hex != std::string_view::npos) text.remove_prefix(hex);
  return from_hex(text).value_or(Bytes{});
}

/// The halt that a node's error to eth_call, eth_estimateGas or a simulated call stands for; none for other
/// errors (unknown block, too little balance).
std::optional<Halt> halt_of_error(const NodeError& error) {
  constexpr std::int64_t kReverted = 3;  // geth, reth, anvil, erigon, nethermind
  constexpr std::array<std::string_view, 9> kWords = {
      "revert",         "out of gas",         "invalid opcode", "invalid jump",        "stack underflow",
      "stack overflow", "vm execution error", "evm error",      "gas required exceeds"};
  if (error.kind != NodeError::Kind::kAnswered) return std::nullopt;
  const auto message = lower(error.message);
  const bool halted = error.rpc_code == kReverted || std::ranges::any_of(kWords, [&](std::string_view words) {
                        return message.find(words) != std::string::npos;
                      });
  if (!halted) return std::nullopt;
  return Halt{halt_data(error.data), error.message};
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

Result<SimulatedCall> read_simulated(const json::value& value) {
  SEP_TRY(const auto* object, object_of(value));
  SimulatedCall call;
  SEP_TRY(const auto success, member(*object, "status", read_status));
  SEP_TRY(auto data, member(*object, "returnData", bytes_of));
  SEP_TRY(call.gas_used, member(*object, "gasUsed", u64_of));
  if (success) {
    call.result = std::move(data);
    SEP_TRY(auto logs, optional_member(*object, "logs", read_logs));
    if (logs) call.logs = std::move(*logs);
    return call;
  }
  Halt halt{std::move(data), std::string(kExecutionReverted)};
  if (const auto* error = object->if_contains("error"); error != nullptr && error->is_object()) {
    halt.message = string_or(error->get_object(), "message", kExecutionReverted);
    const auto* error_data = error->get_object().if_contains("data");
    if (halt.data.empty() && error_data != nullptr) halt.data = halt_data(*error_data);
  }
  call.result = std::unexpected(std::move(halt));
  return call;
}

Result<std::vector<SimulatedCall>> read_simulation(const json::value& value, std::size_t count) {
  if (!value.is_array() || value.get_array().size() != 1)
    return fail(errc::kInvalidValue, "not one simulated block");
  SEP_TRY(const auto* block, object_of(value.get_array()[0]));
  SEP_TRY(auto calls,
          member(*block, "calls", [](const json::value& list) { return list_of(list, read_simulated); }));
  if (calls.size() != count) return fail(errc::kInvalidValue, "another number of calls than asked for");
  return calls;
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
  co_return usable(read_receipt(result));
}

awaitable<NodeResult<std::optional<TransactionInfo>>> Node::transaction(Hash32 transaction) {
  SEP_CO_TRY(const auto result, co_await rpc_.call("eth_getTransactionByHash", {to_hex(transaction)}));
  co_return usable(read_transaction(result));
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
