// Streams and what is stored in them: Bus's calls to $JS.API.STREAM.>, how far its consumers are, and
// acknowledged publishing.
#include <algorithm>

#include "bus/core.h"
#include "bus/protocol.h"

namespace sep::bus {
namespace {

/// NOT_FOUND becomes nothing.
template <class T>
Result<std::optional<T>> if_found(Result<T> result) {
  if (result) return std::optional<T>(std::move(result).value());
  if (result.error().code == errc::kNotFound) return std::optional<T>();
  return fail(std::move(result).error());
}

Question to_question(Publication publication) {
  return {.subject = std::move(publication.subject),
          .body = std::move(publication.body),
          .message_id = std::move(publication.message_id),
          .expected_last_sequence = publication.expected_last_sequence,
          .object = std::move(publication.object)};
}

}  // namespace

asio::awaitable<Result<StreamInfo>> Core::stream_info(std::shared_ptr<Core> self, std::string stream) {
  SEP_CO_TRY(const json::object reply, co_await api(self, "STREAM.INFO." + stream, {}));
  co_return parse_stream_info(reply);
}

asio::awaitable<Result<StreamInfo>> Core::ensure_stream(std::shared_ptr<Core> self, StreamConfig config) {
  const auto existing = co_await stream_info(self, config.name);
  if (!existing && existing.error().code != errc::kNotFound) co_return fail(existing.error());
  const std::string call = existing ? "STREAM.UPDATE." : "STREAM.CREATE.";
  SEP_CO_TRY(const json::object reply, co_await api(self, call + config.name, stream_config_json(config)));
  co_return parse_stream_info(reply);
}

asio::awaitable<Result<std::optional<StoredMessage>>> Core::get_message(std::shared_ptr<Core> self,
                                                                        std::string stream,
                                                                        std::uint64_t sequence) {
  json::object body{{"seq", sequence}};
  SEP_CO_TRY(const auto reply, if_found(co_await api(self, "STREAM.MSG.GET." + stream, std::move(body))));
  if (!reply) co_return std::optional<StoredMessage>();
  co_return parse_stored_message(*reply);
}

asio::awaitable<Result<StreamInfo>> Bus::ensure_stream(StreamConfig config) {
  return Core::ensure_stream(core_, std::move(config));
}

asio::awaitable<Result<StreamInfo>> Bus::stream_info(std::string stream) {
  return Core::stream_info(core_, std::move(stream));
}

asio::awaitable<Result<ConsumerInfo>> Bus::consumer_info(std::string stream, std::string durable) {
  const auto core = core_;
  SEP_CO_TRY(const json::object reply,
             co_await Core::api(core, "CONSUMER.INFO." + stream + "." + durable, {}));
  co_return parse_consumer_info(reply);
}

asio::awaitable<Status> Bus::delete_stream(std::string stream) {
  const auto core = core_;
  const auto deleted = if_found(co_await Core::api(core, "STREAM.DELETE." + stream, {}));
  if (!deleted) co_return fail(deleted.error());
  core->check_all();
  co_return Status{};
}

asio::awaitable<Result<std::optional<StoredMessage>>> Bus::get_message(std::string stream,
                                                                       std::uint64_t sequence) {
  return Core::get_message(core_, std::move(stream), sequence);
}

asio::awaitable<Result<std::optional<StoredMessage>>> Bus::last_message(std::string stream) {
  const auto core = core_;
  SEP_CO_TRY(const StreamInfo info, co_await Core::stream_info(core, stream));
  if (info.messages == 0) co_return std::optional<StoredMessage>();
  co_return co_await Core::get_message(core, stream, info.last_sequence);
}

asio::awaitable<Status> Bus::ensure_bucket(std::string bucket) {
  const auto core = core_;
  const auto existing = co_await Core::stream_info(core, "KV_" + bucket);
  if (existing) co_return Status{};
  if (existing.error().code != errc::kNotFound) co_return fail(existing.error());
  const auto made = co_await Core::api(core, "STREAM.CREATE.KV_" + bucket, bucket_config_json(bucket));
  if (!made) co_return fail(made.error());
  co_return Status{};
}

asio::awaitable<Result<std::optional<KeyValue>>> Bus::get_key(std::string bucket, std::string key) {
  const auto core = core_;
  json::object body{{"last_by_subj", "$KV." + bucket + "." + key}};
  const auto reply = co_await Core::api(core, "STREAM.MSG.GET.KV_" + bucket, std::move(body));
  if (!reply) {
    // No message, and no stream: both are "not found".
    if (reply.error().code != errc::kNotFound) co_return fail(reply.error());
    const auto stream = co_await Core::stream_info(core, "KV_" + bucket);
    if (!stream) co_return fail(stream.error());
    co_return std::optional<KeyValue>();
  }
  SEP_CO_TRY(auto stored, parse_stored_message(*reply));
  co_return KeyValue{std::move(stored.body), stored.sequence};
}

asio::awaitable<Result<std::uint64_t>> Bus::put_key(std::string bucket, std::string key, std::string value,
                                                    std::uint64_t revision, milliseconds timeout) {
  std::vector<Question> questions(1);
  questions[0].subject = "$KV." + bucket + "." + key;
  questions[0].body = std::move(value);
  questions[0].expected_sequence = revision;
  auto replies = co_await Core::ask(core_, std::move(questions), timeout);
  SEP_CO_TRY(const std::string text, std::move(replies[0]));
  SEP_CO_TRY(const auto ack, parse_pub_ack(text));
  co_return ack.sequence;
}

asio::awaitable<Result<std::uint64_t>> Bus::furthest_delivery(std::string stream) {
  const auto core = core_;
  std::uint64_t furthest = 0;
  for (std::uint64_t seen = 0;;) {
    json::object body{{"offset", seen}};
    SEP_CO_TRY(const json::object page, co_await Core::api(core, "CONSUMER.LIST." + stream, std::move(body)));
    const json::array consumers = get_array(page, "consumers").value_or(json::array{});
    for (const json::value& consumer : consumers) {
      SEP_CO_TRY(const std::uint64_t delivered, delivered_sequence(consumer));
      furthest = std::max(furthest, delivered);
    }
    seen += consumers.size();
    if (consumers.empty() || get_uint(page, "total").value_or(0) <= seen) co_return furthest;
  }
}

asio::awaitable<Result<PubAck>> Bus::publish_event(Publication publication, milliseconds timeout) {
  const auto core = core_;
  std::vector<Question> one;
  one.push_back(to_question(std::move(publication)));
  auto replies = co_await Core::ask(core, std::move(one), timeout);
  SEP_CO_TRY(const std::string text, std::move(replies[0]));
  co_return parse_pub_ack(text);
}

Result<PubAck> Bus::publish_row(std::vector<Publication> publications, milliseconds timeout) {
  std::vector<Question> questions;
  questions.reserve(publications.size());
  for (auto& publication : publications) {
    auto former = questions.empty() ? std::string() : questions.back().message_id;
    questions.push_back(to_question(std::move(publication)));
    questions.back().expected_last_id = std::move(former);
  }
  SEP_TRY(const auto reply, core_->ask_in_a_row(questions, timeout));
  return parse_pub_ack(reply);
}

std::vector<Result<PubAck>> Bus::publish_events(std::vector<Publication> publications, milliseconds timeout) {
  std::vector<Question> questions;
  questions.reserve(publications.size());
  for (auto& publication : publications) questions.push_back(to_question(std::move(publication)));
  std::vector<Result<PubAck>> acks;
  acks.reserve(questions.size());
  for (const auto& reply : core_->ask_and_block(questions, timeout))
    acks.push_back(reply ? parse_pub_ack(*reply) : Result<PubAck>(fail(reply.error())));
  return acks;
}

}  // namespace sep::bus
