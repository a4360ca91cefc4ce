#include "services/append_request.h"

#include <fmt/format.h>

#include "base/json.h"
#include "ethereum/address.h"
#include "gateway/validation.h"

namespace sep::services {

namespace {

constexpr std::size_t kMaxEventBytes = 256'000;  // of one event's text: an answer with it must fit a message

}  // namespace

std::string append_text(const engine::RecordAppend& append) {
  std::string text = "{\"events\":[";
  for (const auto& event : append.events) {
    if (text.back() == '}') text += ',';
    engine::write_json(event, text);
  }
  text += ']';
  if (append.idempotency) {
    text += ",\"idempotency\":";
    text += json::serialize(
        json::object{{"key", append.idempotency->key}, {"body_hash", append.idempotency->body_hash}});
  }
  json::array nonces;
  for (const auto& nonce : append.nonces)
    nonces.push_back(
        json::object{{"chain_id", nonce.chain_id}, {"account", nonce.account}, {"nonce", nonce.nonce}});
  if (!nonces.empty()) text += ",\"nonces\":" + json::serialize(nonces);
  return text + '}';
}

Status check_append(const engine::RecordAppend& append) {
  if (append.events.empty())
    return fail(errc::kInvalidEvent, "an append needs at least one event", "/events");
  for (const auto& event : append.events) {
    if (event.payload.text().size() > kMaxEventBytes)
      return fail(errc::kInvalidEvent, fmt::format("an event has at most {} bytes", kMaxEventBytes),
                  "/events");
    const auto schema = gateway::payload_schema(event.topic);
    if (!gateway::has_schema(schema))
      return fail(errc::kInvalidEvent, fmt::format("unknown topic {}", event.topic), "/topic");
    if (const auto faults = gateway::validate(schema, event.payload.value()); !faults.empty())
      return fail(
          errc::kInvalidEvent,
          fmt::format("{}: payload{}: {}", event.topic, faults.front().pointer, faults.front().message),
          "/payload" + faults.front().pointer);
  }
  return {};
}

Result<engine::RecordAppend> parse_append(std::string_view body) {
  SEP_TRY(auto value, parse_json(body, kMaxJsonDepth, storage_for(body)));
  if (!value.is_object()) return fail(errc::kInvalidEvent, "an append must be a JSON object");
  auto& object = value.get_object();
  engine::RecordAppend append;
  auto* list = object.if_contains("events");
  if (list == nullptr || !list->is_array()) return fail(get_array(object, "events").error());
  auto& events = list->get_array();
  for (auto& element : events) {
    SEP_TRY(append.events.emplace_back(), engine::envelope_from_json(std::move(element)));
    auto& event = append.events.back();
    event.global_sequence = 0;
    event.payload = event.payload.for_another_thread();
  }
  SEP_CHECK(check_append(append));
  if (object.contains("idempotency")) {
    SEP_TRY(const auto claim, get_object(object, "idempotency"));
    append.idempotency.emplace();
    append.idempotency->correlation_id = append.correlation_id();
    SEP_TRY(append.idempotency->key, get_string(claim, "key"));
    SEP_TRY(append.idempotency->body_hash, get_string(claim, "body_hash"));
  }
  if (object.contains("nonces")) {
    SEP_TRY(const auto nonces, get_array(object, "nonces"));
    for (const auto& element : nonces) {
      if (!element.is_object())
        return fail(errc::kInvalidEvent, "a nonce claim must be an object", "/nonces");
      engine::NonceClaim claim;
      SEP_TRY(claim.chain_id, get_uint(element.get_object(), "chain_id"));
      SEP_TRY(const auto text, get_string(element.get_object(), "account"));
      SEP_TRY(const auto account, parse_address(text));
      claim.account = to_hex(account);
      SEP_TRY(claim.nonce, get_uint(element.get_object(), "nonce"));
      claim.correlation_id = append.correlation_id();
      append.nonces.push_back(std::move(claim));
    }
  }
  return append;
}

}  // namespace sep::services
