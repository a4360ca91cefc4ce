#pragma once
// How a service speaks with the record: it appends events and reads histories through the state coordinator.
//
// Invariants:
//  1. An append whose answer was lost is asked again with the same event ids, so it happens once or not at
//  all.
//  2. `committed` and `duplicate` both mean: these events are on the record.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "engine/control.h"
#include "engine/envelope.h"
#include "engine/execution.h"
#include "engine/lifecycle.h"

namespace sep::services {

namespace asio = boost::asio;
template <class T>
using Task = asio::awaitable<T>;

/// Subjects of the coordinator's requests.
namespace subject {
inline constexpr const char* kAppend = "record.append";
inline constexpr const char* kHistory = "record.query.history";
inline constexpr const char* kRange = "record.query.range";
inline constexpr const char* kUnfinished = "record.query.unfinished";
inline constexpr const char* kList = "record.query.list";
/// {"keys": [as in Redis]} → {"documents": [as Redis would hold them, or null]}: intents, plans,
/// transactions; and, folded over the whole record, totals and positions.
inline constexpr const char* kDocuments = "record.query.documents";
inline constexpr const char* kTotals = "record.query.totals";
inline constexpr const char* kStrategies = "record.query.strategies";
inline constexpr const char* kHead = "record.query.head";
/// {"strategy_id"} → {"open": its intents that are not terminal, "control": the kill switch or null}, both of
/// one moment, which is not before any answer that was given earlier.
inline constexpr const char* kOpenIntents = "record.query.open";
/// {} → {"controls": [engine::to_json(Control)]}
inline constexpr const char* kControls = "record.query.controls";
/// {"chain_id", "account", "from"} → {"nonces": [{"nonce", "correlation_id"}]}, at most 1,000
inline constexpr const char* kNonces = "record.query.nonces";
inline constexpr const char* kNextNonce = "record.query.next_nonce";
/// Published: events that are committed, in the record's order, one JSON text a line. Whoever follows it and
/// misses some, or hears some twice, has the record to ask.
inline constexpr const char* kCommitted = "record.committed";
}  // namespace subject

struct NonceRequest {
  std::uint64_t chain_id = 0;
  Address account;
  std::uint64_t nonce = 0;
};

struct IdempotencyRequest {
  std::string key;
  std::string body_hash;
};

struct AppendRequest {
  std::vector<engine::Envelope> events;
  std::optional<IdempotencyRequest> idempotency;
  std::vector<NonceRequest> nonces;
};

struct AppendAnswer {
  enum class Status { kCommitted, kDuplicate, kConflict };
  Status status = Status::kCommitted;
  std::string reason;  // of a conflict
  std::string detail;
  std::optional<engine::IntentHead> head;                          // of a conflict: where the intent stands
  std::optional<std::pair<std::string, std::string>> idempotency;  // of a conflict: correlation id, body hash

  bool on_record() const { return status != Status::kConflict; }
  /// Refused by a halt (engine/control.h): the intent stands where it stood.
  bool halted() const {
    return status == Status::kConflict && (reason == errc::kKillSwitch || reason == errc::kSignerHalted);
  }
};

struct UnfinishedIntent {
  std::string correlation_id;
  std::string strategy_id;
  engine::IntentHead head;
  Timestamp deadline;
};

/// A code of another service's answer as the constant of base/errors.h, so that it outlives the answer;
/// INTERNAL for one that is not known.
std::string_view known_code(std::string_view code);

/// The object of record.committed: events, and the text of each.
struct CommittedEvents {
  std::vector<engine::SharedEvent> events;
  std::vector<std::shared_ptr<const std::string>> texts;
};
using CommittedObject = std::shared_ptr<const CommittedEvents>;

/// The event that a message of the EVENTS stream holds, or that was announced; never null. Within a process
/// the message's object is an engine::SharedEvent. One that is announced waits for its commit, and may never
/// be on the record: whoever acts on it may append what follows, which is committed behind it or refused with
/// it, and do nothing else before that is on the record.
Result<engine::SharedEvent> event_of(const bus::Message& message);

/// What a worker says of its input where it cannot learn where the intent stands. Events are committed before
/// they are published: an intent that the record does not know (NOT_FOUND) will never be there.
bus::Verdict without_head(const Error& why);

/// The next events of an intent, with fresh ids and right sequence and causation; `head` empty: its first
/// ones.
std::vector<engine::Envelope> next_events(const std::string& correlation_id,
                                          const std::optional<engine::IntentHead>& head,
                                          std::vector<engine::EventDraft> drafts, Timestamp at);

/// What came of a wish to halt or to resume.
struct ControlAnswer {
  bool changed = false;     // by this very wish; else it was so already
  engine::Control control;  // as it stands
};

class RecordClient {
 public:
  explicit RecordClient(std::shared_ptr<bus::Bus> bus) : bus_(std::move(bus)) {}

  /// Tries for up to 10 s. BUS_UNAVAILABLE, TIMEOUT, STORE_UNAVAILABLE, NOT_READY: not known to be on the
  /// record; the same request may be made again. DISK_FULL: not on the record, and there is no room at
  /// present. INVALID_EVENT: refused for good.
  Task<Result<AppendAnswer>> append(AppendRequest request);
  /// Appends what a worker decided about its input. Ack: these events, or ones that end the intent, are on
  /// the record; otherwise the input comes again and is looked at anew. Where a halt refuses them, and
  /// `instead` is given, it appends what that makes of the code (KILL_SWITCH, SIGNER_HALTED) and the sentence
  /// that says why.
  using Instead = std::function<std::vector<engine::EventDraft>(std::string_view code, std::string detail)>;
  Task<bus::Verdict> append_decision(std::string correlation_id, engine::IntentHead head,
                                     std::vector<engine::EventDraft> drafts, Instead instead = {});
  /// What a worker says of its input while it can decide nothing yet, `head` being what it left: wait while
  /// the record has the intent there, or not as far; ack once it has gone on, as when its window ended or it
  /// was cancelled.
  Task<bus::Verdict> wait_at(engine::IntentHead head, std::string correlation_id,
                             std::chrono::milliseconds delay);
  /// Where the intent stands. NOT_FOUND.
  Task<Result<engine::IntentHead>> head(std::string correlation_id);
  Task<Result<std::vector<engine::Envelope>>> history(std::string correlation_id,
                                                      std::uint64_t from_sequence = 1);
  /// At most `limit` events, and no more than fit one answer; empty past the record's end.
  Task<Result<std::vector<engine::Envelope>>> range(std::uint64_t from_global, std::size_t limit);
  Task<Result<std::vector<UnfinishedIntent>>> unfinished();

  /// Every control that has events.
  Task<Result<engine::Controls>> controls();
  /// Brings what the correlation id names (engine::kControlCorrelation, or a signer's) into the state; one
  /// that is in it already is left as it is. BUS_UNAVAILABLE, TIMEOUT, STORE_UNAVAILABLE: not known to be on
  /// the record; the same wish may be made again. SEQUENCE_CONFLICT: others change it faster than we can.
  Task<Result<ControlAnswer>> set_control(std::string correlation_id, engine::ControlState state,
                                          engine::ControlReason why);
  /// From then on no intent takes a new nonce of the account, until a person resumes it.
  Task<Result<ControlAnswer>> halt_signer(engine::SignerId signer, engine::ControlReason why);

  /// The coordinator's answer to any of its queries; its error as an Error.
  Task<Result<json::object>> query(std::string query_subject, json::object question);

 private:
  std::shared_ptr<bus::Bus> bus_;
};

}  // namespace sep::services
