#pragma once
// The execution of one intent on chain, as a pure state machine. It is the fold of the intent's events (what
// is on the record) and of what was observed since (answers of the node); from both, and the time, it decides
// what to do next. After a crash the first part is read again and the second is asked for again: nothing else
// is kept.
//
// Entry points: Execution::from_history and apply (the record), observe (the node), decide (what to do).
//
// Invariants:
//  1. Nothing is broadcast before its exec.step_prepared is on the record; what is broadcast are its bytes.
//  2. A step never gets a second nonce: a replacement, and a cancellation, stand at the nonce of the first
//  attempt.
//  3. A transaction ends only on a receipt, or on a nonce that the chain says is used by another one.
//  Absence,
//     silence and refusals end nothing.
//  4. Every attempt's hash may be the one that is included: all are asked for.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/envelope.h"
#include "engine/intent.h"
#include "engine/lifecycle.h"
#include "engine/plan.h"
#include "engine/settings.h"
#include "ethereum/log.h"

namespace sep::engine {

/// Of one EIP-1559 transaction; fees in wei a unit of gas.
struct Fees {
  std::uint64_t gas_limit = 0;
  Uint256 max_fee_per_gas;
  Uint256 max_priority_fee_per_gas;

  bool operator==(const Fees&) const = default;
};

/// max_fee = base_fee · multiplier + priority, at most `cap`. GAS_LIMIT where `cap` does not even pay the
/// present base fee and the priority fee, or `gas_limit` exceeds the configured one.
Result<Fees> initial_fees(const ExecutionSettings& settings, ExecutionStyle style, const Uint256& base_fee,
                          std::uint64_t gas_limit);
/// Both fees raised by 12.5 %, rounded up: the least that nodes accept as a replacement. Nothing where that
/// exceeds `cap`.
std::optional<Fees> replacement_fees(const Fees& fees, const Uint256& cap);
const FeePolicy& policy_of(const ExecutionSettings& settings, ExecutionStyle style);

/// One signed transaction, as exec.step_prepared recorded it.
struct Attempt {
  std::size_t step_index = 0;
  unsigned number = 0;  // from 1, within its step
  StepKind kind = StepKind::kSwap;
  std::uint64_t nonce = 0;
  Hash32 tx_hash;
  Bytes raw;
  Fees fees;
  Timestamp prepared_at;
  bool submitted = false;  // exec.step_submitted is on the record
};

/// A receipt, reduced to what decides.
struct ReceiptView {
  bool success = false;
  std::uint64_t block_number = 0;
  Hash32 block_hash;
  Uint256 gas_used;
  Uint256 effective_gas_price;
  std::vector<Log> logs;
  std::string revert_code = std::string(errc::kReverted);  // where !success
  std::string revert_detail;
};

/// What `account` paid of token_in and received of token_out, from ERC-20 Transfer logs; both net.
struct Fill {
  Uint256 amount_in;
  Uint256 amount_out;
};
Fill fill_from_logs(const SwapStep& swap, std::span<const Log> logs);

// What was observed.

struct SimulationSeen {
  bool success = false;
  std::vector<std::uint64_t> gas_used;  // one a step
  std::string_view code;                // where it failed
  std::string detail;
};
enum class BroadcastOutcome { kAccepted, kNonceTooLow, kUnderpriced, kRefused, kUnknown };
struct BroadcastSeen {
  Hash32 tx_hash;
  BroadcastOutcome outcome;
  std::string detail;
  Timestamp at;
};
/// The node was asked for a receipt while `head` was its latest block.
struct ReceiptSeen {
  Hash32 tx_hash;
  std::optional<ReceiptView> receipt;
  std::uint64_t head = 0;
  Timestamp at;
};
struct HeadSeen {
  std::uint64_t number = 0;
  std::uint64_t account_nonce = 0;  // transactions of the account included up to this block
  Timestamp at;
};
using Observation = std::variant<SimulationSeen, BroadcastSeen, ReceiptSeen, HeadSeen>;

// What to do.

/// Call the plan's steps, in order, on the node's pending state.
struct Simulate {};
/// Sign every step of the plan at fresh consecutive nonces, and append `started` and the prepared events at
/// once.
struct Prepare {
  std::vector<std::uint64_t> gas_limits;  // one a step
};
/// Sign a transaction at the nonce of an earlier attempt: the same step again, or a cancellation.
struct PrepareReplacement {
  std::size_t step_index = 0;
  StepKind kind;
  std::uint64_t nonce = 0;
  Fees fees;
};
struct Broadcast {
  Attempt attempt;
};
struct AskReceipts {
  std::vector<Hash32> tx_hashes;
};
struct EventDraft {
  std::string_view topic;
  json::object payload;
};
struct Append {
  std::vector<EventDraft> events;
};
/// Ask the risk engine and the planner again; append their answers, or `otherwise` where there is no new
/// plan.
struct Replan {
  std::string reason;
  std::string detail;
};
struct WakeAt {
  Timestamp at;
};
struct Finished {};
using Command = std::variant<Simulate, Prepare, PrepareReplacement, Broadcast, AskReceipts, Append, Replan,
                             WakeAt, Finished>;

class Execution {
 public:
  /// The events of one intent, from the first. INVALID_EVENT where they are not a whole history with a plan.
  static Result<Execution> from_history(std::span<const Envelope> events, const ExecutionSettings& settings,
                                        const ChainSettings& chain);

  /// One more event of the record; those already applied change nothing.
  Status apply(const Envelope& event);
  void observe(const Observation& observation);
  /// The next command; call again after carrying it out. WakeAt: nothing to do until then, or an observation.
  Command decide(Timestamp now) const;

  // Payloads of what the caller appends.
  EventDraft started() const;
  EventDraft prepared(const Attempt& attempt) const;
  EventDraft failed(std::string_view reason, std::string_view detail) const;
  /// The number of the next attempt of a step, from 1.
  unsigned next_attempt(std::size_t step_index) const;

  const std::string& intent_id() const { return intent_id_; }
  const IntentHead& head() const { return head_; }
  const Intent& intent() const { return intent_; }
  const json::object& intent_document() const { return intent_document_; }
  const Plan& plan() const { return plan_; }
  Timestamp submitted_at() const { return submitted_at_; }
  Timestamp deadline() const { return submitted_at_.plus_ms(intent_.time_window_s * 1000); }
  bool prepared_any() const;
  /// Nonces on the record of the present plan, for the account's bookkeeping.
  std::vector<std::uint64_t> nonces() const;

 private:
  struct Inclusion {
    bool success = false;
    Hash32 tx_hash;
    std::uint64_t block_number = 0;
    Hash32 block_hash;
    Uint256 gas_cost_wei;
    std::string reason;
    std::string detail;
  };
  struct Step {
    std::vector<Attempt> attempts;
    std::optional<Inclusion> included;  // on the record
  };
  struct AttemptState {
    std::optional<BroadcastOutcome> broadcast;
    std::string broadcast_detail;
    Timestamp broadcast_at;
    std::optional<ReceiptSeen> receipt;
  };
  enum class Abandon { kNo, kCancel, kExpire, kRefused, kForeign };

  Execution(const ExecutionSettings& settings, const ChainSettings& chain)
      : settings_(settings), chain_(chain) {}

  std::optional<Command> decide_unprepared(Timestamp now) const;
  std::optional<Command> send_prepared(Timestamp now) const;
  std::optional<Command> record_submissions() const;
  std::optional<Command> record_inclusion(std::size_t index) const;
  std::optional<Command> conclude(Timestamp now) const;
  std::optional<Command> drive(std::size_t index, Timestamp now) const;
  std::optional<Command> replace(std::size_t index, Timestamp now) const;
  Abandon abandon(Timestamp now) const;
  bool foreign(const Step& step, Timestamp now) const;
  bool may_replan(std::string_view reason, Timestamp now) const;
  bool confirmed(const Inclusion& inclusion) const;
  const AttemptState& state_of(const Hash32& hash) const;
  bool never_left(const Attempt& attempt) const;
  bool receipts_known_absent(const Step& step) const;
  EventDraft completed(Timestamp now) const;
  json::array criteria_results(Timestamp now, const Uint256& gas_usd_wad) const;
  Uint256 gas_cost_usd_wad() const;
  json::object ids() const;
  Timestamp next_wake(Timestamp now) const;

  ExecutionSettings settings_;
  ChainSettings chain_;

  // The record.
  std::string intent_id_;
  json::object intent_document_;
  Intent intent_;
  Timestamp submitted_at_;
  IntentHead head_;
  Plan plan_;
  unsigned plans_ = 0;
  unsigned sent_plans_ = 0;  // of which something was prepared
  std::vector<Step> steps_;
  bool cancel_requested_ = false;
  Uint256 gas_spent_wei_;
  std::optional<Fill> fill_;

  // Observed since.
  std::optional<SimulationSeen> simulation_;
  std::map<Hash32, AttemptState> attempts_seen_;
  HeadSeen chain_head_;
  std::map<std::uint64_t, Timestamp> nonce_used_since_;  // nonces of ours that the chain counts as used
};

}  // namespace sep::engine
