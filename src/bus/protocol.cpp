#include "bus/protocol.h"

#include <algorithm>
#include <charconv>

#include <boost/algorithm/string/split.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

namespace sep::bus {
namespace {

std::int64_t nanoseconds(milliseconds duration) {
  return std::chrono::nanoseconds(duration).count();
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::string> decode_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return fail(errc::kInternal, "the server's message is not base64");
  const auto padding = static_cast<std::size_t>(std::ranges::count(text, '='));
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

bool is_empty_value(const json::value& value) {
  return value == json::value("") || value == json::value(0) || value == json::value(false);
}

}  // namespace

std::optional<Delivery> parse_ack_subject(std::string_view reply) {
  if (!reply.starts_with(kAckSubject)) return std::nullopt;
  std::vector<std::string_view> tokens;
  boost::algorithm::split(tokens, reply, [](char c) { return c == '.'; });
  // The short form has nine tokens. The long one has domain and account before the stream, and may end in a
  // random token.
  const std::size_t stream = tokens.size() == 9 ? 2 : 4;
  if (tokens.size() != 9 && tokens.size() < 11) return std::nullopt;
  const auto deliveries = parse_number(tokens[stream + 2]);
  const auto stream_sequence = parse_number(tokens[stream + 3]);
  const auto consumer_sequence = parse_number(tokens[stream + 4]);
  if (!deliveries || !stream_sequence || !consumer_sequence) return std::nullopt;
  return Delivery{*deliveries, *stream_sequence, *consumer_sequence, tokens[stream + 5]};
}

json::object stream_config_json(const StreamConfig& config) {
  // The server refuses a duplicate window that is longer than the messages are kept.
  const auto window = config.max_age.count() > 0 ? std::min(config.duplicate_window, config.max_age)
                                                 : config.duplicate_window;
  return {{"name", config.name},
          {"subjects", json::value_from(config.subjects)},
          {"retention", "limits"},
          {"discard", "old"},
          {"storage", "file"},
          {"num_replicas", 1},
          {"max_consumers", -1},
          {"max_msgs", -1},
          {"max_bytes", -1},
          {"max_msg_size", -1},
          {"max_age", nanoseconds(config.max_age)},
          {"duplicate_window", nanoseconds(window)}};
}

json::object bucket_config_json(const std::string& bucket) {
  return {{"name", "KV_" + bucket},    {"subjects", json::array{"$KV." + bucket + ".>"}},
          {"retention", "limits"},     {"discard", "new"},
          {"storage", "memory"},       {"num_replicas", 1},
          {"max_consumers", -1},       {"max_msgs", -1},
          {"max_bytes", -1},           {"max_msg_size", -1},
          {"max_msgs_per_subject", 1}, {"allow_rollup_hdrs", true},
          {"deny_delete", true}};
}

std::string deliver_subject(const ConsumerConfig& config) {
  return fmt::format("_deliver.{}.{}", config.stream, config.durable);
}

json::object durable_config_json(const ConsumerConfig& config) {
  // Tries are counted here and not by the server's max_deliver, which would drop the message in silence.
  return {{"durable_name", config.durable},
          {"deliver_subject", deliver_subject(config)},
          {"deliver_group", config.deliver_group},
          {"deliver_policy", "all"},
          {"ack_policy", "explicit"},
          {"ack_wait", nanoseconds(config.ack_wait)},
          {"max_deliver", -1},
          {"max_ack_pending", config.max_ack_pending},
          {"filter_subject", config.filter_subject},
          {"replay_policy", "instant"}};
}

bool has_configuration(const json::object& server, const json::object& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& member) {
    const json::value* value = server.if_contains(member.key());
    return value != nullptr ? *value == member.value() : is_empty_value(member.value());
  });
}

Result<json::object> parse_api_reply(std::string_view text) {
  SEP_TRY(json::value value, parse_json(text));
  if (!value.is_object()) return fail(errc::kInternal, "JetStream's reply is not an object");
  json::object& object = value.as_object();
  const json::value* error = object.if_contains("error");
  if (error == nullptr || !error->is_object()) return std::move(object);
  const std::int64_t status = get_int(error->as_object(), "code").value_or(500);
  std::string detail = "JetStream: " + string_or(error->as_object(), "description", "unknown error");
  if (status == 404) return fail(errc::kNotFound, std::move(detail));
  constexpr std::int64_t kWrongLastSequence = 10'071;  // JSStreamWrongLastSequenceErrF
  if (get_int(error->as_object(), "err_code").value_or(0) == kWrongLastSequence)
    return fail(errc::kSequenceConflict, std::move(detail));
  return fail(status >= 500 ? errc::kBusUnavailable : errc::kInvalidValue, std::move(detail));
}

Result<StreamInfo> parse_stream_info(const json::object& reply) {
  SEP_TRY(const json::object state, get_object(reply, "state"));
  StreamInfo info;
  SEP_TRY(info.first_sequence, get_uint(state, "first_seq"));
  SEP_TRY(info.last_sequence, get_uint(state, "last_seq"));
  SEP_TRY(info.messages, get_uint(state, "messages"));
  SEP_TRY(info.created, get_string(reply, "created"));
  return info;
}

Result<ConsumerInfo> parse_consumer_info(const json::object& reply) {
  ConsumerInfo info;
  SEP_TRY(info.pending, get_uint(reply, "num_pending"));
  SEP_TRY(info.unacknowledged, get_uint(reply, "num_ack_pending"));
  return info;
}

Result<std::uint64_t> delivered_sequence(const json::value& consumer) {
  if (!consumer.is_object()) return fail(errc::kInternal, "a consumer's information is not an object");
  SEP_TRY(const json::object delivered, get_object(consumer.as_object(), "delivered"));
  return get_uint(delivered, "stream_seq");
}

Result<PubAck> parse_pub_ack(std::string_view text) {
  SEP_TRY(const json::object reply, parse_api_reply(text));
  PubAck ack;
  SEP_TRY(ack.sequence, get_uint(reply, "seq"));
  ack.duplicate = get_bool(reply, "duplicate").value_or(false);
  return ack;
}

Result<StoredMessage> parse_stored_message(const json::object& reply) {
  SEP_TRY(const json::object message, get_object(reply, "message"));
  StoredMessage stored;
  SEP_TRY(stored.sequence, get_uint(message, "seq"));
  SEP_TRY(stored.subject, get_string(message, "subject"));
  SEP_TRY(stored.body, decode_base64(string_or(message, "data")));
  return stored;
}

std::string dead_letter_json(const Message& message, std::string_view reason) {
  return canonical_json(json::object{{"subject", message.subject},
                                     {"data", message.body},
                                     {"reason", reason},
                                     {"tries", message.deliveries}});
}

std::string negative_ack(milliseconds delay) {
  if (delay.count() <= 0) return "-NAK";
  return fmt::format("-NAK {{\"delay\": {}}}", nanoseconds(delay));
}

}  // namespace sep::bus
