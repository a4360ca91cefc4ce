#pragma once
// What is in a node's answers: JSON as the values of node/node.h. Internal to this folder.
//
// Every field is checked; one that is missing, of another type or out of range is an error: MISSING_FIELD,
// WRONG_TYPE, INVALID_VALUE.
#include "node/node.h"

namespace sep::node {

// --- Single values

Result<std::string_view> text_of(const json::value& value);
Result<Uint256> quantity_of(const json::value& value);
Result<std::uint64_t> u64_of(const json::value& value);
Result<Bytes> bytes_of(const json::value& value);

// --- Documents

Result<BlockHeader> read_header(const json::value& value);
Result<std::vector<Log>> read_logs(const json::value& value);
/// None for null, and for a receipt without a block, as some nodes give it of a pending transaction.
Result<std::optional<Receipt>> read_receipt(const json::value& value);
Result<std::optional<TransactionInfo>> read_transaction(const json::value& value);
/// Of a block that was asked for with them; none for a block that the node does not have.
Result<std::optional<std::vector<TransactionInfo>>> read_transactions(const json::value& value);
Result<FeeHistory> read_fee_history(const json::value& value);
/// Of eth_simulateV1 with one block of `count` calls.
Result<std::vector<SimulatedCall>> read_simulation(const json::value& value, std::size_t count);

// --- Errors

/// The halt that a node's error to eth_call, eth_estimateGas or a simulated call stands for; none for other
/// errors (unknown block, too little balance).
std::optional<Halt> halt_of_error(const NodeError& error);

}  // namespace sep::node
