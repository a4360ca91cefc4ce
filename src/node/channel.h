#pragma once
// One connection over which calls, answers and notifications pass at the same time: a unix socket or a
// WebSocket. Internal to this folder.
//
// Invariants
//  1. A channel lives once: after a cut, garbage or close() it is dead, and every open call has ended.
//  2. A call whose bytes were never handed to the socket ends as kUnreachable, any other without an answer as
//     kUnknownOutcome.
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "node/connect.h"
#include "node/endpoint.h"
#include "node/rpc.h"

namespace sep::node {

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  static awaitable<NodeResult<std::shared_ptr<Channel>>> open(asio::any_io_executor executor,
                                                              Endpoint endpoint, std::size_t max_answer_bytes,
                                                              Deadline deadline);
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Results in the order of the calls; never fewer than calls.
  awaitable<std::vector<NodeResult<json::value>>> call(std::vector<RpcCall> calls, Deadline deadline);

  /// The next notification's params.result; none at the deadline; an error once the channel is dead. One
  /// reader. Of more than kMaxNotifications unread ones the oldest are dropped.
  awaitable<NodeResult<std::optional<json::value>>> notification(Deadline deadline);

  bool has_notification() const { return !notifications_.empty(); }
  bool alive() const { return alive_; }
  void close() { die("closed by us"); }

 protected:
  Channel(asio::any_io_executor executor, Endpoint endpoint, std::size_t max_answer_bytes);

  virtual void start_reading() = 0;
  /// Writes one text; ends in written().
  virtual void start_writing(const std::string& text) = 0;
  virtual void shut() = 0;

  /// One complete message.
  void receive(json::value message);
  void written(const boost::system::error_code& error);
  void die(const std::string& why);

  const Endpoint endpoint_;
  const std::size_t max_answer_bytes_;

 private:
  static constexpr std::size_t kMaxNotifications = 256;

  /// The calls of one call(), which waits on `done`.
  struct Batch {
    explicit Batch(const asio::any_io_executor& executor) : done(executor) {}
    Event done;
    std::vector<std::optional<NodeResult<json::value>>> results;
    std::size_t open = 0;
    bool sent = false;
  };
  struct Slot {
    std::shared_ptr<Batch> batch;
    std::size_t index = 0;
  };
  struct Outgoing {
    std::shared_ptr<Batch> batch;
    std::string text;
  };

  /// Takes a batch out of the channel, however its coroutine ends.
  struct Forget {
    Channel& channel;
    std::shared_ptr<Batch> batch;
    std::uint64_t first_id;
    ~Forget();
  };

  void receive_one(json::value message);
  void write_next();
  std::unexpected<NodeError> no_answer(const Batch& batch, const std::string& why) const;

  asio::any_io_executor executor_;
  bool alive_ = true;
  bool writing_ = false;
  std::string death_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, Slot> slots_;
  std::deque<Outgoing> outgoing_;  // the first is being written while writing_
  std::deque<json::value> notifications_;
  Event notified_;
};

}  // namespace sep::node
