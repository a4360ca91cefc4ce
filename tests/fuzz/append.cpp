// The body of record.append, which any service of the platform can send to the coordinator.
#include "fuzz/fuzz.h"

#include "ethereum/address.h"
#include "gateway/validation.h"
#include "services/append_request.h"

namespace sep {

FUZZ_TARGET(data) {
  const auto append = services::parse_append(fuzz::text_of(data));
  if (!append) return fuzz::expect_said(append.error());
  SEP_ASSERT(!append->events.empty());
  for (const auto& event : append->events) {
    SEP_ASSERT(event.global_sequence == 0);
    SEP_ASSERT(gateway::validate(gateway::payload_schema(event.topic), event.payload.value()).empty());
    const auto again = engine::envelope_from_json(engine::to_json(event));
    SEP_ASSERT(again && *again == event);
  }
  for (const auto& claim : append->nonces) {
    SEP_ASSERT(claim.correlation_id == append->correlation_id());
    const auto address = parse_address(claim.account);
    SEP_ASSERT(address && to_hex(*address) == claim.account);
  }
  if (append->idempotency) SEP_ASSERT(append->idempotency->correlation_id == append->correlation_id());
}

}  // namespace sep
