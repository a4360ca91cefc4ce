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
//  3. A transaction ends only on a receipt, or on the sight of another one, not ours, that used its nonce and
//  is
//     `confirmations` deep. Absence, silence and counts of transactions end nothing.
//  4. Every attempt's hash may be the one that is included: all are asked for, until the intent ends.
//  5. What it signs is never dearer than execution.max_fee_per_gas, and a swap or approval leaves so much
//  room
//     below it that a cancellation can still outbid the last of them.
//  6. What is on the record is followed as the record says it, whatever is configured today.
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

/// What gas costs on the chain now, in wei a unit.
struct FeesSeen {
  Uint256 base_fee;  // of the next block
  // What recent blocks' transactions paid on top, at each style's percentile; none where they tell nothing.
  std::optional<Uint256> passive_tip, normal_tip, aggressive_tip;
};
/// From an answer of eth_feeHistory: the base fee of the block after the last, and of each block a row with
/// the rewards at `percentiles`. A style's tip is the median of its percentile over the blocks that paid any:
/// one block's bids decide nothing, and empty blocks say nothing.
FeesSeen fees_seen(const ExecutionSettings& settings, const Uint256& next_base_fee,
                   std::span<const std::vector<Uint256>> rewards, std::span<const unsigned> percentiles);
/// The percentiles of the three styles, ascending, each once.
std::vector<unsigned> reward_percentiles(const ExecutionSettings& settings);

const FeePolicy& policy_of(const ExecutionSettings& settings, ExecutionStyle style);
/// The most that a swap or an approval pays: execution.max_fee_per_gas less the raise of one replacement,
/// which is kept for a cancellation.
Uint256 attempt_fee_cap(const ExecutionSettings& settings);
/// GAS_LIMIT where a transaction would need more than execution.max_gas_limit.
Status check_gas_limit(const ExecutionSettings& settings, std::uint64_t gas_limit);
/// The limit of a transaction that used, or is estimated to use, so much gas: a third more, and what state
/// that others make in between may add.
std::uint64_t gas_limit_for(std::uint64_t gas_used);
/// priority = the style's tip, at least min_priority_fee_per_gas and at most the style's own maximum, which
/// is also paid where the tip is not known; max_fee = base_fee · multiplier + priority, at most
/// attempt_fee_cap. GAS_LIMIT where that does not even pay the present base fee and the priority fee, or
/// `gas_limit` exceeds the configured one.
Result<Fees> initial_fees(const ExecutionSettings& settings, ExecutionStyle style, const FeesSeen& seen,
                          std::uint64_t gas_limit);
/// Both fees raised by `bump_basis_points`, rounded up, or to what is `wanted` now where that is more;
/// max_fee at most `cap`, and the whole of it where there is no room for another raise. Nothing where the
/// raise exceeds `cap`.
std::optional<Fees> replacement_fees(const Fees& fees, const Fees& wanted, const Uint256& cap,
                                     std::uint32_t bump_basis_points);

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
/// By how much the fill's price is worse than the pools' price was when the swap was planned, as a share of
/// 10^18, rounded up to what one unit of token_out makes; 0 where it is better. The plan's own figure for a
/// fill as planned.
Uint256 price_impact_wad(const SwapStep& swap, const Fill& fill);

// What was observed.

struct SimulationSeen {
  bool success = false;
  std::vector<std::uint64_t> gas_used;  // one a step
  std::string_view code;                // where it failed
  std::string detail;
  bool allowance = false;  // it failed for an allowance that is too small, or has to be reset to zero first
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
/// The transaction of the account that used a nonce, found in its block while `head` was the latest; none
/// where it was not found, whatever the count of transactions says.
struct NonceSeen {
  struct User {
    Hash32 tx_hash;
    std::uint64_t block_number = 0;
  };
  std::uint64_t nonce = 0;
  std::optional<User> user;
  std::uint64_t head = 0;
  Timestamp at;
};
/// The account is halted on the record, by us or before.
struct AccountHalted {};
/// The record refused to let a transaction begin: KILL_SWITCH or SIGNER_HALTED.
struct BeginRefused {
  std::string_view code;
  std::string detail;
  Timestamp at;
};
/// What was refused may begin again: the account's halt has ended.
struct BeginAllowed {};
using Observation = std::variant<SimulationSeen, BroadcastSeen, ReceiptSeen, HeadSeen, FeesSeen, NonceSeen,
                                 AccountHalted, BeginRefused, BeginAllowed>;

// What to do.

/// Call the plan's steps, in order, on the node's pending state.
struct Simulate {};
/// Sign every step of the plan at fresh consecutive nonces, and append `started` and the prepared events at
/// once.
struct Prepare {
  std::vector<std::uint64_t> gas_limits;  // one a step
  std::vector<Fees> fees;                 // one a step, with these gas limits
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
/// Find the transaction that used the account's nonce (NonceSeen): the chain counts it as used, and none of
/// ours has a receipt.
struct AskNonce {
  std::uint64_t nonce = 0;
};
/// Halt the account on the record (AccountHalted then): somebody else uses its key, and a person has to look.
struct HaltAccount {
  std::uint64_t nonce = 0;
  Hash32 tx_hash;  // not ours
  std::string detail;
};
struct EventDraft {
  std::string_view topic;
  Payload payload;
};
struct Append {
  std::vector<EventDraft> events;
};
/// Ask the risk engine and the planner again; append their answers, or exec.failed where there is no new
/// plan.
struct Replan {
  std::string reason;  // why the present plan failed; empty: it is too old to begin on
  std::string detail;
  bool approve = false;  // the new plan is to set the allowance, whatever the present one seems to be
};
struct WakeAt {
  Timestamp at;
};
struct Finished {};
using Command = std::variant<Simulate, Prepare, PrepareReplacement, Broadcast, AskReceipts, AskNonce,
                             HaltAccount, Append, Replan, WakeAt, Finished>;

class Execution {
 public:
  /// The events of one intent, from the first. INVALID_EVENT where they are not a whole history with a plan.
  /// Tokens and amounts are the record's. A step is done `confirmations` blocks deep, its own counted.
  static Result<Execution> from_history(std::span<const Envelope> events, const ExecutionSettings& settings,
                                        unsigned confirmations);

  /// One more event of the record; those already applied change nothing.
  Status apply(const Envelope& event);
  void observe(const Observation& observation);
  /// The next command; call again after carrying it out. WakeAt: nothing to do until then, or an observation.
  Command decide(Timestamp now) const;

  // Payloads of what the caller appends.
  EventDraft started() const;
  EventDraft prepared(const Attempt& attempt) const;
  EventDraft failed(std::string_view reason, std::string_view detail) const;
  /// All that is left of the plan, filled on paper at the price of a block: no transaction, no gas. Nothing
  /// of the plan is prepared.
  std::vector<EventDraft> filled_on_paper(const Fill& fill, std::uint64_t block_number,
                                          const Hash32& block_hash, Timestamp now) const;
  /// The number of the next attempt of a step, from 1.
  unsigned next_attempt(std::size_t step_index) const;

  const std::string& intent_id() const { return intent_id_; }
  const IntentHead& head() const { return head_; }
  const Intent& intent() const { return intent_; }
  /// The payload of intent.submitted.
  const Payload& submitted() const { return submitted_; }
  const Plan& plan() const { return plan_; }
  Timestamp submitted_at() const { return submitted_at_; }
  /// Until then another plan at the same block's price may be waited with: the next block is due.
  Timestamp next_block_due() const;
  Timestamp deadline() const { return submitted_at_.plus_ms(intent_.time_window_s * 1000); }
  bool prepared_any() const;
  /// Nonces on the record of the present plan, for the account's bookkeeping.
  std::vector<std::uint64_t> nonces() const;

 private:
  struct Inclusion {
    bool success = false;
    Hash32 tx_hash;  // zero: on paper
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
    unsigned refusals = 0;  // one after the other
    std::optional<ReceiptSeen> receipt;
    std::uint64_t receipt_of_head = 0;  // heads_seen_ then
  };
  enum class Abandon { kNo, kCancel, kExpire, kRefused, kForeign };

  Execution(const ExecutionSettings& settings, unsigned confirmations)
      : settings_(settings), confirmations_(confirmations) {}

  std::optional<Command> decide_unprepared(Timestamp now) const;
  std::optional<Command> halt_account(Timestamp now) const;
  std::optional<Command> outcome_of_abandoning(Timestamp now) const;
  std::optional<Command> ask_nonce(const Step& step, Timestamp now) const;
  std::optional<Command> send_prepared(Timestamp now) const;
  std::optional<Command> record_submissions() const;
  std::optional<Command> record_inclusion(std::size_t index) const;
  std::optional<Command> conclude(Timestamp now) const;
  std::optional<Command> drive(std::size_t index, Timestamp now) const;
  std::optional<Command> replace(std::size_t index, Timestamp now) const;
  Abandon abandon(Timestamp now) const;
  Append end_unprepared(std::string_view reason, std::string_view detail) const;
  Fees wanted_fees() const;
  bool affordable() const;
  bool refused(const Attempt& attempt) const;
  bool nonce_gone(const Step& step, Timestamp now) const;
  bool foreign(const Step& step, Timestamp now) const;
  bool may_replan(std::string_view reason, Timestamp now) const;
  bool confirmed(const Inclusion& inclusion) const;
  const AttemptState& state_of(const Hash32& hash) const;
  bool never_left(const Attempt& attempt) const;
  bool held_up(const Step& step) const;
  bool receipts_known_absent(const Step& step) const;
  EventDraft completed(Timestamp now) const;
  json::array criteria_results(const Fill& fill, Timestamp now, const Uint256& gas_usd_wad) const;
  Uint256 gas_cost_usd_wad() const;
  std::optional<Uint256> gas_budget_usd_wad() const;
  json::object ids() const;
  Timestamp next_wake(Timestamp now) const;

  ExecutionSettings settings_;
  unsigned confirmations_;

  // The record.
  std::string intent_id_;
  Payload submitted_;
  Intent intent_;
  Timestamp submitted_at_;
  IntentHead head_;
  Plan plan_;
  Timestamp planned_at_;
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
  std::uint64_t heads_seen_ = 0;
  std::optional<FeesSeen> fees_;
  std::map<std::uint64_t, Timestamp> nonce_used_since_;  // nonces of ours that the chain counts as used
  std::map<std::uint64_t, NonceSeen> nonce_users_;
  Timestamp in_turn_since_;  // the account's nonce grew to what it is; 0: before we looked
  bool halted_ = false;
  std::optional<BeginRefused> begin_refused_;
};

}  // namespace sep::engine
