#include "node/answers.h"

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/text.h"

namespace sep::node {

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

namespace {

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

Result<bool> read_status(const json::value& value) {
  SEP_TRY(const auto status, u64_of(value));
  if (status > 1) return fail(errc::kInvalidValue, "neither 0 nor 1");
  return status == 1;
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

constexpr std::string_view kExecutionReverted = "execution reverted";

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

/// Of a unit of gas. No chain's is near 2^128 wei; a node that says so must not make sums overflow.
Result<Uint256> gas_price_of(const json::value& value) {
  SEP_TRY(const auto price, quantity_of(value));
  if (!(price >> 128).is_zero()) return fail(errc::kInvalidValue, "a price of gas of 2^128 wei or more");
  return price;
}

}  // namespace

Result<BlockHeader> read_header(const json::value& value) {
  SEP_TRY(const auto* object, object_of(value));
  BlockHeader header;
  SEP_TRY(header.number, member(*object, "number", u64_of));
  SEP_TRY(header.parent_hash, member(*object, "parentHash", hash_of));
  SEP_TRY(header.timestamp, member(*object, "timestamp", u64_of));
  SEP_TRY(header.gas_limit, member(*object, "gasLimit", u64_of));
  SEP_TRY(const auto hash, optional_member(*object, "hash", hash_of));
  SEP_TRY(const auto base_fee, optional_member(*object, "baseFeePerGas", gas_price_of));
  header.hash = hash.value_or(Hash32{});
  header.base_fee_wei = base_fee.value_or(Uint256{});
  return header;
}

Result<std::vector<Log>> read_logs(const json::value& value) {
  return list_of(value, read_log);
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
  SEP_TRY(receipt.effective_gas_price_wei, member(*object, "effectiveGasPrice", gas_price_of));
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

Result<std::optional<std::vector<TransactionInfo>>> read_transactions(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  SEP_TRY(const auto* block, object_of(value));
  const auto* list = block->if_contains("transactions");
  if (list == nullptr || !list->is_array()) return fail(errc::kMissingField, "no transactions");
  std::vector<TransactionInfo> transactions;
  for (const auto& element : list->get_array()) {
    SEP_TRY(auto info, read_transaction(element));
    if (!info) return fail(errc::kWrongType, "a transaction that is null");
    transactions.push_back(*std::move(info));
  }
  return transactions;
}

Result<FeeHistory> read_fee_history(const json::value& value) {
  SEP_TRY(const auto* object, object_of(value));
  FeeHistory history;
  const auto prices = [](const json::value& list) { return list_of(list, gas_price_of); };
  const auto rows = [&](const json::value& list) { return list_of(list, prices); };
  SEP_TRY(history.oldest_block, member(*object, "oldestBlock", u64_of));
  SEP_TRY(history.base_fees_wei, member(*object, "baseFeePerGas", prices));
  SEP_TRY(auto rewards, optional_member(*object, "reward", rows));
  if (rewards) history.rewards_wei = std::move(*rewards);
  if (history.base_fees_wei.empty()) return fail(errc::kInvalidValue, "no base fees");
  return history;
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

}  // namespace sep::node
