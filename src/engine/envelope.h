#pragma once
// The envelope of an event: one immutable fact in an intent's life.
//
// Invariants, held by the state coordinator (engine/sequencer.h):
//  1. sequence counts an intent's events from 1 without gaps.
//  2. causation_id is the event_id of the event before it; for intent.submitted the correlation id itself.
//  3. global_sequence is contiguous over the whole record, in commit order; 0 means not committed yet.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace sep::engine {

inline constexpr std::int64_t kEnvelopeVersion = 1;

struct Envelope {
  std::string event_id;  // ULID; also Nats-Msg-Id
  Timestamp timestamp;   // the record's time column
  std::string topic;     // one of engine/topics.h; also the NATS subject
  std::string correlation_id;
  std::string causation_id;
  std::uint64_t sequence = 0;
  std::uint64_t global_sequence = 0;
  json::object payload;
  std::int64_t version = kEnvelopeVersion;

  bool operator==(const Envelope&) const = default;
};

/// "intent-<ULID>"
std::string correlation_of(std::string_view intent_id);
/// The ULID of "intent-<ULID>"; empty where the text is not a correlation id.
std::string_view intent_id_of(std::string_view correlation_id);

/// The wire form, camelCase, `globalSequence` only once committed.
json::object to_json(const Envelope& envelope);
/// INVALID_EVENT with the pointer of the field at fault.
Result<Envelope> envelope_from_json(const json::value& value);

}  // namespace sep::engine
