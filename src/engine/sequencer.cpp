#include "engine/sequencer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "engine/topics.h"

namespace sep::engine {
namespace {

// More are asked for again: forgetting costs a lookup, remembering costs memory.
constexpr std::size_t kMaxKnownHeads = 50'000;

/// What lists and restarts ask for, from the first event of an intent.
Result<IntentRow> new_row(const Envelope& submitted) {
  IntentRow row;
  row.correlation_id = submitted.correlation_id;
  row.received_at = submitted.timestamp;
  SEP_TRY(const auto* intent, object_at(submitted.payload, "intent"));
  SEP_TRY(row.strategy_id, get_string(*intent, "strategy_id"));
  SEP_TRY(const auto* constraints, object_at(*intent, "constraints"));
  SEP_TRY(const auto window, get_int(*constraints, "time_window"));
  row.deadline = submitted.timestamp.plus_ms(window * 1000);
  return row;
}

/// The record's key does not keep the same id with another time apart.
Status check_distinct_ids(const std::vector<Envelope>& events) {
  std::vector<std::string_view> ids;
  for (const auto& event : events) ids.push_back(event.event_id);
  std::ranges::sort(ids);
  const auto twice = std::ranges::adjacent_find(ids);
  if (twice == ids.end()) return {};
  return fail(errc::kInvalidEvent, fmt::format("event id {} is there twice", *twice), "/eventId");
}

/// What is signed may be sent as soon as it is on the record: its nonce is the intent's from the same moment.
Status check_claims(const RecordAppend& append) {
  for (const auto& event : append.events) {
    if (event.topic != topic::kExecStepPrepared) continue;
    SEP_TRY(const auto nonce, get_uint(event.payload, "nonce"));
    if (std::ranges::find(append.nonces, nonce, &NonceClaim::nonce) == append.nonces.end())
      return fail(errc::kInvalidEvent, fmt::format("nonce {} is prepared and not claimed", nonce), "/nonces");
  }
  return {};
}

Staging refused(Error why) {
  return {Staging::Kind::kRefused, std::move(why), std::nullopt};
}

}  // namespace

std::string_view to_string(CommitFailure::Kind kind) {
  using Kind = CommitFailure::Kind;
  switch (kind) {
    case Kind::kIdempotencyKey:
      return "idempotency key taken";
    case Kind::kAccountNonce:
      return "nonce taken";
    case Kind::kHeadMoved:
      return "intent moved";
    case Kind::kRecordMoved:
      return "record moved";
    case Kind::kDuplicateEvent:
      return "duplicate event";
    case Kind::kNotLeading:
      return "not leading";
    case Kind::kUnavailable:
      return "unavailable";
    case Kind::kOutcomeUnknown:
      return "outcome unknown";
    case Kind::kInvalid:
      return "invalid data";
    case Kind::kFull:
      return "disk full";
    case Kind::kOther:
      break;
  }
  return "refused";
}

void Sequencer::reset(std::uint64_t last_global_sequence) {
  last_global_sequence_ = last_global_sequence;
  known_.clear();
  controls_.clear();
  begin_group();
}

Staging Sequencer::stage(const RecordAppend& append) {
  SEP_ASSERT(!append.events.empty());
  const auto& id = append.correlation_id();
  if (closed_ || put_off_.contains(id)) return {Staging::Kind::kLater, {}, std::nullopt};
  if (const auto distinct = check_distinct_ids(append.events); !distinct) return refused(distinct.error());

  if (is_control(id)) return stage_control(append);
  if (const auto claimed = check_claims(append); !claimed)
    return refused({errc::kInvalidEvent, claimed.error().detail, claimed.error().pointer});
  const auto staged = head_at_.find(id);
  std::optional<IntentRow> row;
  if (staged != head_at_.end()) {
    row = batch_.heads[staged->second].row;
  } else {
    auto known = known_row(append);
    if (!known) return {Staging::Kind::kUnavailable, known.error(), std::nullopt};
    row = std::move(*known);
  }

  const auto before = row ? std::optional(row->head) : std::nullopt;
  const auto after = advance_head(before, append.events);
  if ((!after && staged != head_at_.end()) || claims_what_is_staged(append)) {
    put_off_.insert(id);
    return {Staging::Kind::kLater, {}, std::nullopt};
  }
  if (!after) {
    if (after.error().code == errc::kInvalidEvent) return refused(after.error());
    return {Staging::Kind::kConflict, after.error(), before};
  }
  if (const auto admitted = admit(append, after->state); !admitted) {
    if (admitted.error().code == errc::kStoreUnavailable)
      return {Staging::Kind::kUnavailable, admitted.error(), std::nullopt};
    if (admitted.error().code == errc::kInvalidEvent) return refused(admitted.error());
    if (staged == head_at_.end()) return {Staging::Kind::kConflict, admitted.error(), before};
    put_off_.insert(id);
    return {Staging::Kind::kLater, {}, std::nullopt};
  }
  if (!row) {
    auto created = new_row(append.events.front());
    if (!created) return refused({errc::kInvalidEvent, created.error().detail, created.error().pointer});
    row = std::move(*created);
  }
  row->head = *after;
  put(append, std::move(*row), before ? before->sequence : 0);
  return {};
}

Staging Sequencer::stage_control(const RecordAppend& append) {
  closed_ = true;
  if (!batch_.events.empty()) return {Staging::Kind::kLater, {}, std::nullopt};
  const auto known = controls_.find(append.correlation_id());
  const auto before = known == controls_.end() ? std::nullopt : std::optional(known->second);
  auto after = advance_control(before, append.events);
  if (!after) {
    closed_ = false;
    if (after.error().code == errc::kInvalidEvent) return refused(after.error());
    return {Staging::Kind::kConflict, after.error(), std::nullopt};
  }
  batch_.controls.push_back({std::move(*after), before ? before->sequence : 0});
  add_events(append);
  return {};
}

/// INVALID_EVENT: a claim names no account. STORE_UNAVAILABLE: what an intent holds could not be asked.
Status Sequencer::admit(const RecordAppend& append, State after) const {
  if (!any_halted(controls_)) return {};
  std::vector<NonceAsked> asked;
  for (const auto& claim : append.nonces) {
    const auto account = parse_address(claim.account);
    if (!account) return fail(errc::kInvalidEvent, account.error().detail, "/nonces");
    const auto owner = nonces_.find({claim.chain_id, lower(claim.account), claim.nonce});
    bool held = owner != nonces_.end() && owner->second == append.correlation_id();
    if (!held && holds_) {
      SEP_TRY(held, holds_(claim));
    }
    asked.push_back({{claim.chain_id, *account}, held});
  }
  return engine::admit(controls_, append.events, after, asked);
}

/// A first event's intent is taken to be new without asking: the store refuses it where it is not.
Result<std::optional<IntentRow>> Sequencer::known_row(const RecordAppend& append) {
  if (const auto known = known_.find(append.correlation_id()); known != known_.end()) return known->second;
  if (append.events.front().sequence == 1) return std::nullopt;
  SEP_TRY(auto row, lookup_(append.correlation_id()));
  if (row && !is_terminal(row->head.state)) known_[append.correlation_id()] = *row;
  return row;
}

bool Sequencer::claims_what_is_staged(const RecordAppend& append) const {
  if (append.idempotency && keys_.contains(append.idempotency->key)) return true;
  return std::ranges::any_of(append.nonces, [&](const NonceClaim& claim) {
    const auto owner = nonces_.find({claim.chain_id, lower(claim.account), claim.nonce});
    return owner != nonces_.end() && owner->second != append.correlation_id();
  });
}

void Sequencer::put(const RecordAppend& append, IntentRow row, std::uint64_t expected_sequence) {
  const auto [at, is_new] = head_at_.try_emplace(append.correlation_id(), batch_.heads.size());
  if (is_new)
    batch_.heads.push_back({std::move(row), expected_sequence});
  else
    batch_.heads[at->second].row = std::move(row);
  add_events(append);
  if (append.idempotency) {
    keys_.insert(append.idempotency->key);
    batch_.idempotency.push_back(*append.idempotency);
  }
  for (const auto& claim : append.nonces)
    if (nonces_.try_emplace({claim.chain_id, lower(claim.account), claim.nonce}, claim.correlation_id).second)
      batch_.nonces.push_back(claim);
}

void Sequencer::add_events(const RecordAppend& append) {
  for (const auto& event : append.events) {
    batch_.events.push_back(event);
    batch_.events.back().global_sequence = last_global_sequence_ + batch_.events.size();
  }
}

std::vector<Envelope> Sequencer::committed() {
  auto events = std::move(batch_.events);
  last_global_sequence_ += events.size();
  if (known_.size() > kMaxKnownHeads) known_.clear();
  for (auto& change : batch_.controls) {
    auto id = change.control.correlation_id;
    controls_.insert_or_assign(std::move(id), std::move(change.control));
  }
  for (auto& change : batch_.heads) {
    const auto id = change.row.correlation_id;
    if (is_terminal(change.row.head.state))
      known_.erase(id);
    else
      known_[id] = std::move(change.row);
  }
  begin_group();
  return events;
}

void Sequencer::dropped() {
  for (const auto& change : batch_.heads) known_.erase(change.row.correlation_id);
  begin_group();
}

void Sequencer::begin_group() {
  batch_ = {};
  closed_ = false;
  head_at_.clear();
  put_off_.clear();
  keys_.clear();
  nonces_.clear();
}

AfterFailure after_failure(CommitFailure::Kind kind, std::size_t appends) {
  using Kind = CommitFailure::Kind;
  switch (kind) {
    case Kind::kIdempotencyKey:
    case Kind::kAccountNonce:
    case Kind::kHeadMoved:
    case Kind::kDuplicateEvent:
    case Kind::kInvalid:
      return appends > 1 ? AfterFailure::kSplit : AfterFailure::kRefuse;
    case Kind::kFull:
      return AfterFailure::kWait;
    case Kind::kOther:
      // Perhaps only one append meets it.
      return appends > 1 ? AfterFailure::kSplit : AfterFailure::kWait;
    default:
      return AfterFailure::kReload;
  }
}

}  // namespace sep::engine
