#pragma once
// The read models as a fold over events: documents for people (docs: GET /intents/{id}, /plans/{id},
// /strategies/{id}/positions, /stats), and the lists they are found by. A page folds the events that it hears
// by the same rules (web/lib/sep/fold.ts); tests/vectors/projection.json holds the two to one another.
//
// Entry points: apply_to_intent() and friends, one pure step each; fold_intent(), fold_plan() for one
// intent's history; Projection, the whole set of documents, as the projector and the replay use it.
// Invariants
//  1. Equal events give equal documents: nothing but the events enters (no clock), numbers are integers or
//     strings, and canonical_json() of a document is its only text.
//  2. A document is its own state: a fold may stop at any event, and go on from the stored documents.
//  3. Every event counts once: one that is not the intent's next changes nothing.
//  4. The fold never fails on a payload: what it does not know, it leaves out.
//  5. Money is integers inside (base units; USD in 10^-6), with the rounding stated where it happens.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/envelope.h"
#include "engine/lifecycle.h"

namespace sep::engine {

/// Of what the fold makes of an event: raised with every change of it, so that documents which an earlier
/// program stored are told from this one's and built anew.
inline constexpr unsigned kProjectionForm = 2;

// --- keys of the documents (Redis keys)
// -----------------------------------------------------------------------

std::string intent_key(std::string_view intent_id);       // intent:{id}
std::string plan_key(std::string_view plan_id);           // plan:{id}
std::string positions_key(std::string_view strategy_id);  // positions:{strategy}
inline constexpr std::string_view kStatsKey = "stats";
std::string transaction_key(std::string_view tx_hash);  // transaction:{hash}: {"intent_id"} of who made it
// and the buckets of engine/window_stats.h

// --- one step each
// --------------------------------------------------------------------------------------------

/// True where `event` is the next one of the intent that `view` shows (empty: none yet).
bool is_next(const json::object& view, const Envelope& event);

/// The intent's view after the event. An empty object is the view before intent.submitted. Its `summary`:
///   notional_usd            of the latest risk.approved
///   plans                   how many plan.created there were
///   quoted, bound           of the latest one's swap: what it expects to pay (exact_output) or to receive
///                           (exact_input), and the most or the least that it allows
///   attempts                exec.step_prepared of every kind, over all plans
///   attempt                 of the latest exec.step_prepared of kind swap
///   phase                   prepared, broadcast: exec.step_prepared, exec.step_submitted of kind swap;
///                           included: exec.step_filled with something received (an approval is filled with
///                           "0"); reverted, reorged: where the event's txHash is tx_hash, which tells the
///                           swap's from its approval's
///   tx_hash                 of the swap that was broadcast, included or completed last
///   amount_in, amount_out   of the swap's fill, and of exec.completed
///   block_number            of the swap's fill
///   gas_cost_usd, criteria  of exec.completed
///   reason, detail          of the latest event that has them
/// A new plan removes phase, attempt, block_number and the reason; a reorganisation of tx_hash the amounts
/// and block_number; completion the reason.
json::object apply_to_intent(json::object view, const Envelope& event);

/// The plan's view after an event of its intent, `view` being empty before its plan.created. A new plan of
/// the same intent supersedes it; the intent's end ends it.
json::object apply_to_plan(json::object view, const Envelope& event);

/// The strategy's positions (empty: none yet) after an event that ended an intent: the swaps of `plan` (its
/// view after the event) that are filled are booked. Until the end a reorganisation can undo a fill; after
/// it, none is followed. Any other event changes nothing.
///
/// PnL is per (base, quote), in the quote asset, by the average-cost method: closing a part of a position
/// realises what the part brought less the same part of what the position cost. Parts are rounded against the
/// strategy, to the quote token's last unit; closing the rest takes all that is left, so that nothing gets
/// lost. Selling more than was bought opens a short position, which cost less than nothing: what it brought.
/// Always
///   realised_pnl_quote = received_quote − paid_quote + cost of the open position (− for a short one),
/// which is how the cost is known; average_cost_quote shows it for one base token, rounded down.
json::object apply_to_positions(json::object positions, const json::object& intent, const json::object& plan,
                                const Envelope& event);

/// The totals after an event that took an intent from state `before` (none: it is new) to the view `after`.
/// success_numerator / success_denominator = completed / (completed + failed + expired): an intent that its
/// owner cancelled, or that the rules refused, is neither. total_value_usd sums what risk valued the
/// completed ones at.
json::object apply_to_stats(json::object stats, std::optional<State> before, const json::object& after,
                            const Envelope& event);
/// The totals of an empty record.
json::object empty_stats();

// --- one intent's history
// -------------------------------------------------------------------------------------

/// The view after these events of one intent, from its first; empty where there are none.
json::object fold_intent(std::span<const Envelope> history);
/// The view of one of its plans; empty where the history does not hold it.
json::object fold_plan(std::span<const Envelope> history, std::string_view plan_id);

// --- everything
// -----------------------------------------------------------------------------------------------

/// Where an intent stands in the lists.
struct ListEntry {
  std::string intent_id;
  std::string strategy_id;
  std::optional<State> before;  // state at the last take_changes(); none: the intent is new
  State after;

  bool operator==(const ListEntry&) const = default;
};

/// What is new since the last take_changes().
struct Changes {
  std::uint64_t last_global_sequence = 0;
  std::vector<std::pair<std::string, std::string>> documents;  // key → canonical JSON; each key once
  std::vector<ListEntry> lists;                                // by intent id; each intent once

  bool empty() const { return documents.empty(); }
};

/// All documents, working on copies in memory and fetching what it does not have. Whoever takes changes and
/// then fails to store them, or meets an error, must begin again with a new Projection.
class Projection {
 public:
  /// Answers the stored document of a key, nothing where there is none.
  using Fetch = std::function<Result<std::optional<json::object>>(const std::string& key)>;

  /// Whether a document is among the changes.
  using Wanted = bool (*)(std::string_view key);

  /// `last_global_sequence` is how far the stored documents are. Without `wanted` all changes are told.
  Projection(std::uint64_t last_global_sequence, Fetch fetch, Wanted wanted = nullptr);

  /// Applies the next event of the record; one that was applied before changes nothing. SEQUENCE_CONFLICT
  /// where events between are missing; what fetch answers.
  Status apply(const Envelope& event);

  /// The changes, to be stored as one step.
  Changes take_changes();

  std::uint64_t last_global_sequence() const { return last_global_sequence_; }

 private:
  /// A way through the lifecycle since the last take_changes().
  struct Move {
    std::optional<State> before;
    State after;
  };
  /// One document, and where it lives: those that end with their intent have a memory of their own, which is
  /// given back at once.
  struct Document {
    std::unique_ptr<json::monotonic_resource> memory;  // none: the common one
    json::object object;
    bool changed = false;
    bool finished = false;     // no further event concerns it
    std::optional<Move> move;  // of an intent
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  using Documents = std::unordered_map<std::string, Document, Hash, std::equal_to<>>;
  using Entry = Documents::value_type;

  /// A document is fetched at its first use, unless it is sure to be new.
  enum class Origin { kStored, kNew };
  /// References outlast later insertions.
  Result<Entry*> document(std::string_view key, Origin origin);
  /// Good until the next call.
  std::string_view key_of(std::string_view prefix, std::string_view id);
  bool is_wanted(std::string_view key) const { return wanted_ == nullptr || wanted_(key); }
  void mark_changed(Entry& entry);
  template <class Change>
  Status update(std::string_view key, Change change);
  Status apply_to_plans(std::string_view old_plan_id, const Envelope& event);
  Status note_transaction(const Envelope& event);
  /// In the totals, and as applied; `intent` is empty where the event is of none.
  Status count(std::optional<State> before, const json::object& intent, const Envelope& event);
  Status enter_state(Entry& intent, std::optional<State> before, State after, const Envelope& event);

  std::uint64_t last_global_sequence_;
  Fetch fetch_;
  Wanted wanted_;
  Documents documents_;
  std::vector<Entry*> changed_;
  std::string key_;  // what key_of() made last
};

}  // namespace sep::engine
