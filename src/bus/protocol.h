#pragma once
// JetStream's wire protocol as text: requests to $JS.API.>, their replies, and what a delivered message's
// reply subject says. Pure. Source: github.com/nats-io/nats-architecture-and-design, ADR-1, ADR-13, ADR-15.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "bus/bus.h"

namespace sep::bus {

/// How the reply subject of a work queue's message begins.
inline constexpr std::string_view kAckSubject = "$JS.ACK.";

/// Says of a delivered message where it stands; its reply subject says it.
struct Delivery {
  std::uint64_t deliveries = 0;  // from 1
  std::uint64_t stream_sequence = 0;
  std::uint64_t consumer_sequence = 0;  // contiguous over what this consumer delivers
  std::string_view stored_at;           // ns since 1970, a view into the subject
};
/// $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>, or the longer form
/// with domain and account in front of the stream.
std::optional<Delivery> parse_ack_subject(std::string_view reply);

/// Configuration of a stream, for $JS.API.STREAM.CREATE and UPDATE.
json::object stream_config_json(const StreamConfig& config);
/// The stream beneath a bucket of keys, which holds each key's last value.
json::object bucket_config_json(const std::string& bucket);

/// Literal subject that a durable's members listen on (a wildcard subscription would get nothing).
std::string deliver_subject(const ConsumerConfig& config);
json::object durable_config_json(const ConsumerConfig& config);
/// True if the server's configuration has every member of `wanted`; the server omits empty strings and zeros.
bool has_configuration(const json::object& server, const json::object& wanted);

/// The reply's object. NOT_FOUND (404), BUS_UNAVAILABLE (5xx), INVALID_VALUE (else), detail from the server.
Result<json::object> parse_api_reply(std::string_view text);
Result<StreamInfo> parse_stream_info(const json::object& reply);
Result<ConsumerInfo> parse_consumer_info(const json::object& reply);
/// Of the stream, from one consumer's information.
Result<std::uint64_t> delivered_sequence(const json::value& consumer);
Result<PubAck> parse_pub_ack(std::string_view text);
/// INTERNAL where the base64 is at fault.
Result<StoredMessage> parse_stored_message(const json::object& reply);

/// `{"subject", "data", "reason", "tries"}`
std::string dead_letter_json(const Message& message, std::string_view reason);
/// "-NAK", or with a delay that the server keeps.
std::string negative_ack(milliseconds delay);

}  // namespace sep::bus
