#include "engine/envelope.h"

#include <charconv>
#include <iterator>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/ulid.h"

namespace sep::engine {
namespace {
constexpr std::string_view kPrefix = "intent-";
constexpr std::string_view kSignerPrefix = "signer-";

void write_member(std::string_view key, std::string_view value, std::string& out) {
  out += '"';
  out += key;
  out += "\":";
  append_json_string(value, out);
  out += ',';
}
void write_member(std::string_view key, std::uint64_t value, std::string& out) {
  const fmt::format_int digits(value);
  ((out += '"') += key) += "\":";
  out.append(digits.data(), digits.size()) += ',';
}

/// More than the envelope's own members take.
constexpr std::size_t kAroundPayload = 384;

}  // namespace

struct Payload::Shared {
  explicit Shared(json::object object) : value(std::move(object)) {}
  json::value value;
  std::once_flag written;
  std::string text;
};

Payload::Payload() = default;
Payload::Payload(json::object object) : shared_(std::make_shared<Shared>(std::move(object))) {}
Payload::Payload(std::initializer_list<json::value_ref> members)
    : Payload(json::value(members).as_object()) {}

const json::value& Payload::value() const {
  static const json::value kEmpty(json::object_kind);
  return shared_ ? shared_->value : kEmpty;
}

std::string_view Payload::text() const {
  if (!shared_) return "{}";
  std::call_once(shared_->written, [this] { shared_->text = json::serialize(shared_->value); });
  return shared_->text;
}

Payload Payload::for_another_thread() const {
  if (!shared_ || shared_->value.storage() == json::storage_ptr()) return *this;
  return json::object(object(), json::storage_ptr());
}

std::vector<SharedEvent> shared(std::vector<Envelope> events) {
  std::vector<SharedEvent> list;
  list.reserve(events.size());
  for (auto& event : events) {
    event.payload = event.payload.for_another_thread();
    list.push_back(std::make_shared<const Envelope>(std::move(event)));
  }
  return list;
}

std::string correlation_of(std::string_view intent_id) {
  return std::string(kPrefix) + std::string(intent_id);
}

std::string_view intent_id_of(std::string_view correlation_id) {
  if (!correlation_id.starts_with(kPrefix)) return {};
  const auto id = correlation_id.substr(kPrefix.size());
  return is_ulid(id) ? id : std::string_view{};
}

std::string correlation_of(const SignerId& signer) {
  return fmt::format("{}{}-{}", kSignerPrefix, signer.chain_id, to_hex(signer.account));
}

std::optional<SignerId> signer_of(std::string_view correlation_id) {
  if (!correlation_id.starts_with(kSignerPrefix)) return std::nullopt;
  const auto rest = correlation_id.substr(kSignerPrefix.size());
  SignerId signer;
  const auto* const begin = rest.data();
  const auto* const end = begin + rest.size();
  const auto [stop, error] = std::from_chars(begin, end, signer.chain_id);
  if (error != std::errc{} || stop == end || *stop != '-') return std::nullopt;
  const auto account = parse_address(std::string_view(stop + 1, end));
  if (!account) return std::nullopt;
  signer.account = *account;
  // Each signer has one id: no leading zeros, no other case.
  if (signer.chain_id == 0 || correlation_of(signer) != correlation_id) return std::nullopt;
  return signer;
}

bool is_correlation_id(std::string_view text) {
  return text == kControlCorrelation || !intent_id_of(text).empty() || signer_of(text).has_value();
}

Status check_next(const Envelope& event, std::uint64_t sequence, std::string_view last_event_id) {
  const std::string_view cause = sequence == 0 ? std::string_view(event.correlation_id) : last_event_id;
  if (event.sequence != sequence + 1)
    return fail(errc::kSequenceConflict,
                fmt::format("sequence {} is not the next one, {}", event.sequence, sequence + 1),
                "/sequence");
  if (event.causation_id != cause)
    return fail(errc::kSequenceConflict,
                fmt::format("causationId {} is not the last event's id, {}", event.causation_id, cause),
                "/causationId");
  return {};
}

json::object to_json(const Envelope& envelope) {
  json::object object;
  object["eventId"] = envelope.event_id;
  object["timestamp"] = to_rfc3339(envelope.timestamp);
  object["topic"] = envelope.topic;
  object["correlationId"] = envelope.correlation_id;
  object["causationId"] = envelope.causation_id;
  object["sequence"] = envelope.sequence;
  if (envelope.global_sequence != 0) object["globalSequence"] = envelope.global_sequence;
  object["payload"] = envelope.payload.object();
  object["version"] = envelope.version;
  return object;
}

void write_json(const Envelope& envelope, std::string& out) {
  const auto payload = envelope.payload.text();
  out.reserve(out.size() + payload.size() + kAroundPayload);
  out += '{';
  write_member("eventId", envelope.event_id, out);
  write_member("timestamp", to_rfc3339(envelope.timestamp), out);
  write_member("topic", envelope.topic, out);
  write_member("correlationId", envelope.correlation_id, out);
  write_member("causationId", envelope.causation_id, out);
  write_member("sequence", envelope.sequence, out);
  if (envelope.global_sequence != 0) write_member("globalSequence", envelope.global_sequence, out);
  out += "\"payload\":";
  out += payload;
  fmt::format_to(std::back_inserter(out), ",\"version\":{}}}", envelope.version);
}

Result<Envelope> parse_envelope(std::string_view text) {
  SEP_TRY(auto value, parse_json(text, kMaxJsonDepth, storage_for(text)));
  return envelope_from_json(std::move(value));
}

Result<Envelope> envelope_from_json(json::value value) {
  if (!value.is_object()) return fail(errc::kInvalidEvent, "an event must be a JSON object");
  auto& object = value.get_object();
  const auto read = [&]() -> Result<Envelope> {
    Envelope envelope;
    SEP_TRY(envelope.event_id, get_string(object, "eventId"));
    SEP_TRY(const auto timestamp, get_string(object, "timestamp"));
    SEP_TRY(envelope.timestamp, parse_rfc3339(timestamp));
    SEP_TRY(envelope.topic, get_string(object, "topic"));
    SEP_TRY(envelope.correlation_id, get_string(object, "correlationId"));
    SEP_TRY(envelope.causation_id, get_string(object, "causationId"));
    SEP_TRY(envelope.sequence, get_uint(object, "sequence"));
    auto* payload = object.if_contains("payload");
    if (payload == nullptr || !payload->is_object()) return fail(get_object(object, "payload").error());
    envelope.payload = Payload(std::move(payload->get_object()));
    SEP_TRY(envelope.version, get_int(object, "version"));
    if (object.contains("globalSequence")) {
      SEP_TRY(envelope.global_sequence, get_uint(object, "globalSequence"));
    }
    if (envelope.version != kEnvelopeVersion)
      return fail(errc::kInvalidEvent, fmt::format("version {} is not known", envelope.version), "/version");
    if (!is_ulid(envelope.event_id)) return fail(errc::kInvalidEvent, "eventId is not a ULID", "/eventId");
    if (!is_correlation_id(envelope.correlation_id))
      return fail(errc::kInvalidEvent,
                  "correlationId is not intent-<ULID>, control or signer-<chain id>-<account>",
                  "/correlationId");
    return envelope;
  };
  auto result = read();
  if (!result) return fail(errc::kInvalidEvent, result.error().detail, result.error().pointer);
  return result;
}

}  // namespace sep::engine
