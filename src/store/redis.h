#pragma once
// One hiredis connection over a unix socket with bounded waits. Internal to store/.
//
// Invariant: after an error the connection is closed, since an answer could still arrive in the place of
// another's; the next call connects again.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <hiredis/hiredis.h>

#include "base/result.h"

namespace sep::store {

/// An answer; the views that it gives live as long as it does.
class RedisReply {
 public:
  explicit RedisReply(redisReply* reply) : owner_(reply, &freeReplyObject), reply_(reply) {}

  bool is_nil() const { return reply_->type == REDIS_REPLY_NIL; }
  std::string_view text() const;  // of a string or status; empty otherwise
  std::int64_t integer() const { return reply_->integer; }
  std::size_t size() const { return reply_->type == REDIS_REPLY_ARRAY ? reply_->elements : 0; }
  RedisReply operator[](std::size_t index) const { return RedisReply(owner_, reply_->element[index]); }

 private:
  RedisReply(std::shared_ptr<void> owner, const redisReply* reply)
      : owner_(std::move(owner)), reply_(reply) {}

  std::shared_ptr<void> owner_;  // of the whole answer
  const redisReply* reply_;
};

class RedisConnection {
 public:
  using Arguments = std::vector<std::string>;

  /// Connects at the first call. `database` is Redis's number of it.
  RedisConnection(std::string socket, int timeout_ms, int database);

  /// One command and its answer. CACHE_UNAVAILABLE: no connection, no answer in time, or an error answered;
  /// NOT_READY: it still loads what it had.
  Result<RedisReply> call(const Arguments& arguments);
  /// All commands in one write, then their answers in order; the first error among them is the result's.
  Result<std::vector<RedisReply>> pipeline(const std::vector<Arguments>& commands);

 private:
  Status ensure_connected();
  Status append(const Arguments& arguments);
  Result<RedisReply> receive();
  std::unexpected<Error> broken();

  std::string socket_;
  int timeout_ms_;
  int database_;
  std::unique_ptr<redisContext, decltype(&redisFree)> context_{nullptr, &redisFree};
};

}  // namespace sep::store
