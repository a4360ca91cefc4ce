// Envelopes, as they come over the bus: what is read is written the same again, and keeps its schema.
#include "engine/envelope.h"

#include "fuzz/fuzz.h"

#include "gateway/validation.h"

namespace sep {

FUZZ_TARGET(data) {
  const auto parsed = parse_json(fuzz::text_of(data));
  if (!parsed) return fuzz::expect_said(parsed.error());
  const auto envelope = engine::envelope_from_json(*parsed);
  if (!envelope) {
    SEP_ASSERT(envelope.error().code == errc::kInvalidEvent);
    return fuzz::expect_said(envelope.error());
  }
  const auto written = engine::to_json(*envelope);
  const auto again = engine::envelope_from_json(written);
  SEP_ASSERT(again.has_value() && *again == *envelope);
  SEP_ASSERT(canonical_json(engine::to_json(*again)) == canonical_json(written));
  // The coordinator holds topics to their schemas, and sequence and cause to the record; the rest is held
  // here.
  for (const auto& fault : gateway::validate(gateway::schema::kEnvelope, written)) {
    const bool held_later =
        fault.pointer == "/topic" || fault.pointer == "/sequence" || fault.pointer == "/causationId";
    if (!held_later) std::fprintf(stderr, "%s: %s\n", fault.pointer.c_str(), fault.message.c_str());
    SEP_ASSERT(held_later);
  }
  const auto schema = gateway::payload_schema(envelope->topic);
  if (gateway::has_schema(schema))
    for (const auto& fault : gateway::validate(schema, envelope->payload.value()))
      SEP_ASSERT(!fault.code.empty() && !fault.message.empty());
}

}  // namespace sep
