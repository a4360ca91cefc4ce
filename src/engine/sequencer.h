#pragma once
// The sequencer's decision: which appends enter the record together, in which order and with which numbers,
// and what to do where the store refuses them. The state coordinator carries it out against PostgreSQL, the
// simulation against a store of its own.
//
// Entry points: Sequencer::stage() for each append of a group, batch() for what is to be committed, then
// committed() or dropped(); after_failure() for what the store says against it.
//
// Invariants
//  1. A batch is what may be committed as one: events contiguous from the record's end on, each intent once
//  in
//     `heads`, moving from the sequence that the record has; no idempotency key twice, no nonce for two
//     intents.
//  2. What an append is refused for is on the record: one that only meets something staged, which may yet
//  fail,
//     is put off (kLater) until that is decided.
//  3. A halt, or its end, is a batch by itself: what comes behind it is held to the record
//  (engine/control.h).
//  4. An append with exec.step_prepared claims its nonce: two intents never have bytes at the same one.
//  5. The first append of a group is never put off: whoever stages again what was put off makes progress.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/control.h"
#include "engine/envelope.h"
#include "engine/lifecycle.h"

namespace sep::engine {

// --- values ---------------------------------------------------------------------------------------------

/// The row of one intent: where its events end, and what lists and restarts ask for.
struct IntentRow {
  std::string correlation_id;
  std::string strategy_id;
  IntentHead head;
  Timestamp received_at;
  Timestamp deadline;  // received_at + time_window

  bool operator==(const IntentRow&) const = default;
};

struct HeadChange {
  IntentRow row;                        // after the batch
  std::uint64_t expected_sequence = 0;  // before it; 0: a new intent
};

struct ControlChange {
  Control control;                      // after the batch
  std::uint64_t expected_sequence = 0;  // before it; 0: its first event
};

struct IdempotencyClaim {
  std::string key;
  std::string body_hash;
  std::string correlation_id;
  bool operator==(const IdempotencyClaim&) const = default;
};

/// Claiming a nonce again for the same intent changes nothing; for another intent it is refused.
struct NonceClaim {
  std::uint64_t chain_id = 0;
  std::string account;  // "0x…", any case
  std::uint64_t nonce = 0;
  std::string correlation_id;
  bool operator==(const NonceClaim&) const = default;
};

/// What a service asks to append: events of one intent (or control), all or none, and what they claim.
struct RecordAppend {
  std::vector<Envelope> events;  // not empty; global_sequence is of no meaning
  std::optional<IdempotencyClaim> idempotency;
  std::vector<NonceClaim> nonces;

  const std::string& correlation_id() const { return events.front().correlation_id; }
};

/// One group commit; see invariant 1. The store holds the claims.
struct CommitBatch {
  std::vector<Envelope> events;
  std::vector<HeadChange> heads;
  std::vector<ControlChange> controls;
  std::vector<IdempotencyClaim> idempotency;
  std::vector<NonceClaim> nonces;
};

/// Why a batch is not committed. Nothing changed, except for kOutcomeUnknown.
struct CommitFailure {
  enum class Kind {
    kIdempotencyKey,  // a key is taken
    kAccountNonce,    // another intent holds an (account, nonce)
    kHeadMoved,       // an intent's or a control's head is not where the batch expects it
    kRecordMoved,     // the record's end is not: another writer was here; reload everything
    kDuplicateEvent,  // an event id with its time is on the record
    kNotLeading,      // this writer does not hold the lock: lead, then reload
    kUnavailable,     // no connection; nothing was sent
    kOutcomeUnknown,  // the connection broke while committing: reload and look for the batch's events
    kInvalid,         // the store refuses the data itself (a NUL in a text, a number out of range)
    kFull,            // there is no room on the store's disk
    kOther,           // the store refuses for another reason (read-only, …)
  };
  Kind kind = Kind::kOther;
  std::string detail;
};
std::string_view to_string(CommitFailure::Kind kind);

// --- decisions ------------------------------------------------------------------------------------------

/// What becomes of one append of a group.
struct Staging {
  enum class Kind {
    kStaged,       // in the batch
    kLater,        // it meets what is staged and not committed: to be staged again with the next group
    kConflict,     // not the intent's next: it lost, or it is on the record already (a repeat)
    kRefused,      // `why`: never to be asked again as it is
    kUnavailable,  // `why`: the record could not be asked
  };
  Kind kind = Kind::kStaged;
  Error why;                       // of all but kStaged and kLater
  std::optional<IntentHead> head;  // kConflict: where the record has the intent; none: it does not know it
};

class Sequencer {
 public:
  /// Answers the intent's row as the record has it; nothing for one that is not there.
  using Lookup = std::function<Result<std::optional<IntentRow>>(const std::string& correlation_id)>;

  /// Whether the claim's intent holds its nonce on the record. Asked only while something is halted.
  using Holds = std::function<Result<bool>(const NonceClaim& claim)>;

  /// Asks `lookup` and `holds` for what it does not know; without `holds` every nonce is new to its intent.
  /// Knows nothing before reset().
  explicit Sequencer(Lookup lookup, Holds holds = {})
      : lookup_(std::move(lookup)), holds_(std::move(holds)) {}

  /// The record ends here; all else that was known is forgotten. For a writer that begins to lead, and after
  /// every failure that means reloading.
  void reset(std::uint64_t last_global_sequence);
  /// What the record says of halts; to be told after every reset().
  void know(Controls controls) { controls_ = std::move(controls); }
  /// Where the record ends, as far as it is known to be committed.
  std::uint64_t last_global_sequence() const { return last_global_sequence_; }

  /// Adds the append to the batch, or says why not; then nothing of it is in.
  Staging stage(const RecordAppend& append);
  const CommitBatch& batch() const { return batch_; }
  /// The batch is on the record: gives its events.
  std::vector<Envelope> committed();
  /// The batch is not on the record. The heads of its intents are asked for anew.
  void dropped();
  /// This intent's head is asked for anew: the store said that it is another.
  void forget(const std::string& correlation_id) { known_.erase(correlation_id); }

 private:
  using NonceKey = std::tuple<std::uint64_t, std::string, std::uint64_t>;

  Staging stage_control(const RecordAppend& append);
  Status admit(const RecordAppend& append, State after) const;
  Result<std::optional<IntentRow>> known_row(const RecordAppend& append);
  bool claims_what_is_staged(const RecordAppend& append) const;
  void put(const RecordAppend& append, IntentRow row, std::uint64_t expected_sequence);
  void add_events(const RecordAppend& append);
  void begin_group();

  Lookup lookup_;
  Holds holds_;
  Controls controls_;
  std::uint64_t last_global_sequence_ = 0;
  std::unordered_map<std::string, IntentRow> known_;  // of intents that are not terminal

  // Of the group being staged.
  bool closed_ = false;  // nothing more enters it: a control does, or waits for the next one
  CommitBatch batch_;
  std::unordered_map<std::string, std::size_t> head_at_;  // correlation id → index in batch_.heads
  std::unordered_set<std::string> put_off_;               // correlation ids with an append that is kLater
  std::set<std::string> keys_;
  std::map<NonceKey, std::string> nonces_;  // → correlation id
};

/// What to do with a batch that the store did not commit.
enum class AfterFailure {
  kSplit,   // dropped(); one of its appends is at fault: each is to be committed alone
  kRefuse,  // dropped(); its only append is at fault and is to be answered
  kWait,    // dropped(); no append is at fault: the store takes nothing at present, and each is told so
  kReload,  // lead again, reset(), and look for the batch's events on the record
};
/// `appends`: how many the batch holds.
AfterFailure after_failure(CommitFailure::Kind kind, std::size_t appends);

}  // namespace sep::engine
