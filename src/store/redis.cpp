#include "store/redis.h"

#include <poll.h>
#include <sys/time.h>

namespace sep::store {

std::string_view RedisReply::text() const {
  return reply_->str == nullptr ? std::string_view{} : std::string_view{reply_->str, reply_->len};
}

RedisConnection::RedisConnection(std::string socket, int timeout_ms, int database)
    : socket_(std::move(socket)), timeout_ms_(timeout_ms), database_(database) {}

std::unexpected<Error> RedisConnection::broken() {
  std::string why = context_ == nullptr ? "out of memory" : context_->errstr;
  context_.reset();
  return fail(errc::kCacheUnavailable, "Redis at " + socket_ + ": " + why);
}

Status RedisConnection::ensure_connected() {
  if (context_ != nullptr) {
    // Nothing is due on an idle connection: what is there to read is its end.
    pollfd descriptor{context_->fd, POLLIN, 0};
    if (poll(&descriptor, 1, 0) == 0) return {};
  }
  const timeval timeout{timeout_ms_ / 1000, timeout_ms_ % 1000 * 1000};
  context_.reset(redisConnectUnixWithTimeout(socket_.c_str(), timeout));
  if (context_ == nullptr || context_->err != 0) return broken();
  if (redisSetTimeout(context_.get(), timeout) != REDIS_OK) return broken();
  SEP_CHECK(append({"SELECT", std::to_string(database_)}));
  SEP_CHECK(receive());
  return {};
}

Status RedisConnection::append(const Arguments& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const auto& argument : arguments) {
    texts.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(texts.size()), texts.data(), lengths.data()) !=
      REDIS_OK)
    return broken();
  return {};
}

Result<RedisReply> RedisConnection::receive() {
  void* reply = nullptr;
  if (redisGetReply(context_.get(), &reply) != REDIS_OK) return broken();
  RedisReply owned(static_cast<redisReply*>(reply));
  if (static_cast<redisReply*>(reply)->type != REDIS_REPLY_ERROR) return owned;
  // Answers to later commands of the pipeline may follow: this connection is not to be used again.
  context_.reset();
  return fail(owned.text().starts_with("LOADING") ? errc::kNotReady : errc::kCacheUnavailable,
              "Redis refuses: " + std::string(owned.text()));
}

Result<RedisReply> RedisConnection::call(const Arguments& arguments) {
  SEP_TRY(auto replies, pipeline({arguments}));
  return std::move(replies.front());
}

Result<std::vector<RedisReply>> RedisConnection::pipeline(const std::vector<Arguments>& commands) {
  SEP_CHECK(ensure_connected());
  for (const auto& arguments : commands) SEP_CHECK(append(arguments));
  std::vector<RedisReply> replies;
  replies.reserve(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    SEP_TRY(auto reply, receive());
    replies.push_back(std::move(reply));
  }
  return replies;
}

}  // namespace sep::store
