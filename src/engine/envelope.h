#pragma once
// The envelope of an event: one immutable fact in a life, which is an intent's (engine/lifecycle.h) or that
// of something that can be halted (engine/control.h). The correlation id says whose.
//
// Invariants, held by the state coordinator:
//  1. sequence counts the events of a correlation id from 1 without gaps.
//  2. causation_id is the event_id of the event before it; for the first one the correlation id itself.
//  3. global_sequence is contiguous over the whole record, in commit order; 0 means not committed yet.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "ethereum/address.h"

namespace sep::engine {

inline constexpr std::int64_t kEnvelopeVersion = 1;

/// What an event says: a document that never changes. Copies share it, and its text is written once for all
/// who need it. Any thread may read it; but a copy of a part (Boost.JSON's) lies in the memory of the whole,
/// and where that was parsed into memory of its own (storage_for), only one thread at a time may make such
/// copies.
class Payload {
 public:
  Payload();
  Payload(json::object object);                             // NOLINT(google-explicit-constructor)
  Payload(std::initializer_list<json::value_ref> members);  // NOLINT(google-explicit-constructor)

  const json::object& object() const { return value().get_object(); }
  const json::value& value() const;
  operator const json::object&() const { return object(); }  // NOLINT(google-explicit-constructor)
  const json::value& at(std::string_view key) const { return object().at(key); }
  bool contains(std::string_view key) const { return object().contains(key); }
  /// Its JSON.
  std::string_view text() const;
  /// The same, where all threads may copy parts of it.
  Payload for_another_thread() const;
  bool operator==(const Payload& other) const { return object() == other.object(); }

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // none: an empty document
};

struct Envelope {
  std::string event_id;  // ULID; also Nats-Msg-Id
  Timestamp timestamp;   // the record's time column
  std::string topic;     // one of engine/topics.h; also the NATS subject
  std::string correlation_id;
  std::string causation_id;
  std::uint64_t sequence = 0;
  std::uint64_t global_sequence = 0;
  Payload payload;
  std::int64_t version = kEnvelopeVersion;

  bool operator==(const Envelope&) const = default;
};

/// One that never changes again, for all threads.
using SharedEvent = std::shared_ptr<const Envelope>;
std::vector<SharedEvent> shared(std::vector<Envelope> events);

/// "intent-<ULID>"
std::string correlation_of(std::string_view intent_id);
/// The ULID of "intent-<ULID>"; empty where the text is not a correlation id.
std::string_view intent_id_of(std::string_view correlation_id);

/// The correlation id of the kill switch.
inline constexpr std::string_view kControlCorrelation = "control";

/// An account on a chain, as something that can be halted.
struct SignerId {
  std::uint64_t chain_id = 0;  // EIP-155, not 0
  Address account;

  bool operator==(const SignerId&) const = default;
};
/// "signer-<chain id>-<account in lower case>"
std::string correlation_of(const SignerId& signer);
/// The inverse; nothing where the text is not one.
std::optional<SignerId> signer_of(std::string_view correlation_id);

/// Whether the text is the correlation id of an intent, of the kill switch or of a signer.
bool is_correlation_id(std::string_view text);

/// Whether the event is the next one of its correlation id: `sequence` and `last_event_id` are those of the
/// event before it, 0 where there is none. SEQUENCE_CONFLICT with the pointer of the field at fault.
Status check_next(const Envelope& event, std::uint64_t sequence, std::string_view last_event_id);

/// The wire form, camelCase, `globalSequence` only once committed.
json::object to_json(const Envelope& envelope);
/// The text of the wire form, added to `out`.
void write_json(const Envelope& envelope, std::string& out);
/// INVALID_EVENT with the pointer of the field at fault.
Result<Envelope> envelope_from_json(json::value value);
/// The event of a text of the wire form. MALFORMED_JSON, INVALID_EVENT.
Result<Envelope> parse_envelope(std::string_view text);

}  // namespace sep::engine
