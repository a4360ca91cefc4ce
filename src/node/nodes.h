#pragma once
// Several endpoints of one chain as one node that is harder to lie to and harder to lose.
//
// Entry points: Nodes, which has the reads and the submission of node/node.h's Node, and the heads that the
// endpoints agree on; health() for whoever shows it.
// Invariants
//  1. What decides an execution (a receipt, the account's nonce, the head, and every read that is anchored to
//     a block's hash, which has one true answer) is believed only where a majority of the configured reading
//     endpoints, and at least two where there are two, say the same. Too few answers, or contradicting ones,
//     leave the question open: an OUTCOME_UNKNOWN error, never "absent". With two endpoints both are needed;
//     three survive the loss, or the lies, of one.
//  2. An endpoint that cannot be reached, gave no usable answer, limits our rate, serves another chain or
//  lags
//     behind the others is ill: it has no vote and is read from last, until a cheap probe says otherwise.
//     Only a call that failed makes its pauses longer, only one that did not makes them short again.
//  3. An answer that says that the question or the transaction is wrong never blames the endpoint.
//  4. Signed bytes go to every endpoint that submits, ill ones too. One acceptance is acceptance; a refusal
//     needs all of them; everything else is unknown, or unreachable where surely none was handed them.
//  5. The same one-thread rule as Node's. Calls under way outlive a Nodes and end within their timeout.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/settings.h"
#include "node/heads.h"
#include "node/node.h"

namespace sep::node {

struct NodesOptions {
  std::vector<engine::NodeEndpoint> endpoints;
  std::uint64_t chain_id = 0;  // that they must serve
  std::uint64_t max_lag_blocks = 3;
  RpcOptions rpc;
  milliseconds poll_interval{1000};   // of heads, where no subscription is to be had
  milliseconds probe_interval{5000};  // of an endpoint that is well
  milliseconds first_backoff{200};    // before the probe of one that fell ill, doubled up to max_backoff
  milliseconds max_backoff{10'000};
};

/// The endpoint's name for people, which holds no secret.
std::string endpoint_name(const engine::NodeEndpoint& endpoint);
/// For a Node of this endpoint alone.
NodeOptions node_options(const engine::NodeEndpoint& endpoint, RpcOptions rpc = {});
/// As the configuration says.
NodesOptions nodes_options(const engine::ChainSettings& chain);

/// How much of `readers` endpoints must say the same: 1 of 1, otherwise the majority, at least two.
constexpr std::size_t agreement_of(std::size_t readers) {
  return readers < 2 ? readers : std::max<std::size_t>(2, readers / 2 + 1);
}

struct EndpointHealth {
  std::string name;  // holds no secret
  bool read = false;
  bool submit = false;
  bool ok = false;
  std::string detail;                 // why it is ill; empty otherwise
  std::optional<std::uint64_t> head;  // of a reading one that was heard
  std::uint64_t lag_blocks = 0;       // behind the others
  std::uint64_t calls = 0;            // since the start, probes included
  std::uint64_t failures = 0;         // calls without an answer of the node's own
  std::uint64_t contradictions = 0;   // answers against what the majority said
};

struct NodesHealth {
  std::vector<EndpointHealth> endpoints;  // as configured
  std::size_t readers = 0;
  std::size_t voters = 0;     // readers that are well
  std::size_t needed = 0;     // that must agree
  std::uint64_t decided = 0;  // questions of invariant 1 since the start
  std::uint64_t open = 0;     // those that had no agreed answer
  /// Whether questions can be decided; the detail says what is lacking.
  bool can_decide() const { return voters >= needed; }
  std::string detail() const;
};

class Nodes {
 public:
  /// Follows the endpoints' heads and probes their health from now on.
  Nodes(asio::any_io_executor executor, NodesOptions options);
  ~Nodes();
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;

  /// What HeadFollower::next does, for the head that the endpoints agree on: it waits while they do not.
  /// Never goes back to a lower block while an endpoint that is well still has the higher one.
  awaitable<Result<Head>> next_head();
  /// For a reader that could not use a head: the present one comes once more, unless a newer one waits.
  void repeat_head();
  /// Unix milliseconds at which so many endpoints as must agree last confirmed this block as the chain's, at
  /// most max_lag_blocks below their own heads; 0 where it is not the head that they agree on.
  std::int64_t confirmed_ms(const Hash32& block) const;
  void stop();

  NodesHealth health() const;

  // --- Decided by agreement

  awaitable<NodeResult<std::uint64_t>> chain_id();
  /// The highest that so many endpoints as must agree have reached.
  awaitable<NodeResult<std::uint64_t>> transaction_count(Address address, BlockId block);
  /// None where they agree that it is not mined.
  awaitable<NodeResult<std::optional<Receipt>>> receipt(Hash32 transaction);
  awaitable<NodeResult<std::vector<Log>>> logs(Hash32 block, std::vector<Address> addresses,
                                               std::vector<Hash32> topics0 = {});

  // --- By agreement where the block is a hash, otherwise from the healthiest that answers

  awaitable<NodeResult<Executed<Bytes>>> call(CallRequest request, BlockId block = kLatest);
  awaitable<NodeResult<std::vector<Executed<Bytes>>>> call_many(std::vector<CallRequest> requests,
                                                                BlockId block = kLatest);
  awaitable<NodeResult<Uint256>> balance(Address address, BlockId block = kLatest);
  awaitable<NodeResult<std::optional<BlockHeader>>> header(BlockId block);

  // --- From the healthiest that answers; one that lacks what is asked for is not the last word

  awaitable<NodeResult<std::string>> client_version();
  awaitable<NodeResult<Bytes>> code(Address address, BlockId block = kLatest);
  awaitable<NodeResult<std::vector<SimulatedCall>>> simulate(std::vector<CallRequest> requests,
                                                             BlockId block = kPending);
  awaitable<NodeResult<FeeHistory>> fee_history(unsigned blocks, BlockId newest,
                                                std::vector<unsigned> percentiles);
  awaitable<NodeResult<std::optional<TransactionInfo>>> transaction(Hash32 transaction);
  awaitable<NodeResult<std::optional<std::vector<TransactionInfo>>>> transactions(BlockId block);
  awaitable<NodeResult<std::optional<Halt>>> halt_of(Hash32 transaction);

  // --- To every endpoint that submits

  awaitable<SubmitOutcome> send_raw_transaction(Bytes raw);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::node
