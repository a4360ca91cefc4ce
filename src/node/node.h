#pragma once
// The Ethereum node, typed: reads, simulation, submission, receipts.
//
// Entry points: Node; classify_refusal for the words with which nodes refuse a transaction. New heads are
// node/heads.h.
// Invariants
//  1. Every field of an answer is checked; one that is missing or of another type makes the answer unusable
//     (NodeError::Kind::kUnknownOutcome), never a default. So does an answer about something else than was
//     asked.
//  2. A revert is a result (Executed), not an error: NodeError always means that the question stays open.
//  3. send_raw_transaction never fails: what happened, including "unknown", is its answer.
//  4. The same one-thread rule as RpcClient. A Node outlives its running coroutines.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/uint256.h"
#include "ethereum/address.h"
#include "ethereum/hash.h"
#include "ethereum/log.h"
#include "node/rpc.h"

namespace sep::node {

struct NodeOptions {
  std::string rpc_url;   // http(s)://
  std::string ipc_path;  // unix socket; where set, it is used instead of rpc_url (half the latency on anvil)
  RpcOptions rpc;
};

/// Which block a read refers to.
class BlockId {
 public:
  enum class Tag { kLatest, kPending, kSafe, kFinalized };
  BlockId(Tag tag) : id_(tag) {}                  // NOLINT(*explicit*)
  BlockId(std::uint64_t number) : id_(number) {}  // NOLINT(*explicit*)
  BlockId(const Hash32& hash) : id_(hash) {}      // NOLINT(*explicit*)

  const Hash32* if_hash() const { return std::get_if<Hash32>(&id_); }
  const std::uint64_t* if_number() const { return std::get_if<std::uint64_t>(&id_); }
  /// "latest", "0x1a", or {"blockHash": "0x…"} (EIP-1898).
  json::value to_json() const;

 private:
  std::variant<Tag, std::uint64_t, Hash32> id_;
};
inline constexpr BlockId::Tag kLatest = BlockId::Tag::kLatest;
inline constexpr BlockId::Tag kPending = BlockId::Tag::kPending;

struct BlockHeader {
  std::uint64_t number = 0;
  Hash32 hash;  // zero for the pending block
  Hash32 parent_hash;
  std::uint64_t timestamp = 0;  // unix seconds
  Uint256 base_fee_wei;         // 0 before EIP-1559
  std::uint64_t gas_limit = 0;

  bool operator==(const BlockHeader&) const = default;
};

struct Receipt {
  Hash32 tx_hash;
  bool success = false;  // false: reverted, only the gas was spent
  std::uint64_t block_number = 0;
  Hash32 block_hash;
  std::uint64_t gas_used = 0;
  Uint256 effective_gas_price_wei;
  std::vector<Log> logs;
};

struct TransactionInfo {
  Hash32 hash;
  Address from;
  std::optional<Address> to;  // none: creates a contract
  std::uint64_t nonce = 0;
  Uint256 value_wei;
  std::uint64_t gas_limit = 0;
  Bytes input;
  std::optional<std::uint64_t> block_number;  // both none while pending
  std::optional<Hash32> block_hash;
};

/// A call without a transaction. Unset fields are the node's default (gas: its cap; no balance is needed for
/// gas unless fees are set).
struct CallRequest {
  std::optional<Address> from;
  std::optional<Address> to;
  Bytes data;
  Uint256 value_wei;
  std::optional<std::uint64_t> gas_limit;
  std::optional<Uint256> max_fee_per_gas_wei;
  std::optional<Uint256> max_priority_fee_per_gas_wei;
};

/// The EVM stopped without success. `data` is the revert data for ethereum/revert.h, empty for other halts
/// (out of gas, invalid opcode); `message` is what the node says.
struct Halt {
  Bytes data;
  std::string message;
};
template <class T>
using Executed = std::expected<T, Halt>;

struct FeeHistory {
  std::uint64_t oldest_block = 0;
  std::vector<Uint256> base_fees_wei;             // one more than blocks: the last is the next block's
  std::vector<std::vector<Uint256>> rewards_wei;  // for each block, for each percentile asked for
};

/// One call of a simulation. gas_used includes the intrinsic gas.
struct SimulatedCall {
  Executed<Bytes> result;
  std::uint64_t gas_used = 0;
  std::vector<Log> logs;
};

/// What became of signed bytes that were handed to the node.
struct SubmitOutcome {
  enum class Kind {
    kAccepted,      // in the node's pool, or mined
    kAlreadyKnown,  // these very bytes are there already: as good as accepted
    kNonceTooLow,   // the account's nonce is used: by these bytes or by others, ask for the receipt
    kUnderpriced,   // fee below the pool's or block's minimum, or too small a bump over the one it replaces
    kInsufficientFunds,  // value + gas limit · max fee exceeds the balance
    kRefused,            // refused for good: these bytes will never be taken
    kBusy,         // refused for now (rate limit, full pool, nonce gap): the same bytes may be offered again
    kUnreachable,  // surely not handed over
    kUnknown,      // may or may not have been taken: offer the same bytes again, or look for the receipt
  };
  Kind kind = Kind::kUnknown;
  std::string message;  // of the node, or ours where there was no answer
};
std::string_view to_string(SubmitOutcome::Kind kind);

/// Sorts a node's answer to eth_sendRawTransaction by its words, since codes do not tell (-32000 for nearly
/// all). Never kAccepted, kUnreachable or kUnknown; what is not in the table is kRefused.
SubmitOutcome::Kind classify_refusal(std::int64_t rpc_code, std::string_view message);

class Node {
 public:
  Node(asio::any_io_executor executor, const NodeOptions& options);

  /// Calls that have no function here.
  RpcClient& rpc() { return rpc_; }

  awaitable<NodeResult<std::uint64_t>> chain_id();
  awaitable<NodeResult<std::string>> client_version();
  /// None where the node does not have the block.
  awaitable<NodeResult<std::optional<BlockHeader>>> header(BlockId block);
  awaitable<NodeResult<Bytes>> code(Address address, BlockId block = kLatest);
  awaitable<NodeResult<Uint256>> balance(Address address, BlockId block = kLatest);
  /// The nonce of the account's next transaction; at kPending those in the pool count.
  awaitable<NodeResult<std::uint64_t>> transaction_count(Address address, BlockId block);

  awaitable<NodeResult<Executed<Bytes>>> call(CallRequest request, BlockId block = kLatest);
  /// Independent calls in one batch, results in their order. The first NodeError of any fails the whole.
  awaitable<NodeResult<std::vector<Executed<Bytes>>>> call_many(std::vector<CallRequest> requests,
                                                                BlockId block = kLatest);
  awaitable<NodeResult<Executed<std::uint64_t>>> estimate_gas(CallRequest request, BlockId block = kPending);
  /// Calls one after the other on one state (an approval, then the swap that needs it), by eth_simulateV1.
  /// The error is `unsupported()` where the node has no such method.
  awaitable<NodeResult<std::vector<SimulatedCall>>> simulate(std::vector<CallRequest> requests,
                                                             BlockId block = kPending);
  /// The `blocks` (1..1024) up to `newest`; percentiles 0..100, ascending.
  awaitable<NodeResult<FeeHistory>> fee_history(unsigned blocks, BlockId newest,
                                                std::vector<unsigned> percentiles);

  /// Logs of one block, which a reorganisation cannot exchange under us. `addresses` empty: of any; `topics0`
  /// empty: any first topic.
  awaitable<NodeResult<std::vector<Log>>> logs(Hash32 block, std::vector<Address> addresses,
                                               std::vector<Hash32> topics0 = {});
  /// Logs of the blocks from..to, both included.
  awaitable<NodeResult<std::vector<Log>>> logs(std::uint64_t from, std::uint64_t to,
                                               std::vector<Address> addresses,
                                               std::vector<Hash32> topics0 = {});

  /// None while not mined (or unknown to the node: the two cannot be told apart).
  awaitable<NodeResult<std::optional<Receipt>>> receipt(Hash32 transaction);
  awaitable<NodeResult<std::optional<TransactionInfo>>> transaction(Hash32 transaction);
  /// Of the block, in order. None where the node does not have the block.
  awaitable<NodeResult<std::optional<std::vector<TransactionInfo>>>> transactions(BlockId block);
  awaitable<SubmitOutcome> send_raw_transaction(Bytes raw);
  /// Why a mined transaction reverted: from a replay on the state after its block, where what stood before it
  /// in the block (its approval, the trade that moved the price) has happened, then on the state before it.
  /// None where the transaction is not mined, or neither replay reverts.
  /// debug_traceTransaction would run it exactly where it ran, but anvil 1.7.1 locks up for good when it
  /// mines while it traces.
  awaitable<NodeResult<std::optional<Halt>>> halt_of(Hash32 transaction);

 private:
  RpcClient rpc_;
};

/// The fields of a header as eth_getBlockBy* and newHeads give them.
NodeResult<BlockHeader> header_from_json(const json::value& value);

}  // namespace sep::node
