#pragma once
// The event stream: one feed of committed events in, any number of subscribed clients out.
//
// Entry points: StreamHub::publish() takes the feed; StreamHub::attach() makes a StreamClient for one
// connection, whose owner (gateway/server.cpp, or a test) passes messages in with receive() and takes frames
// out with next(). Nothing here knows a socket.
//
// Invariants
//  1. The hub passes events on in globalSequence order without gap or repeat: what the feed repeats is
//  dropped, what
//     it skipped is read from History first.
//  2. A client gets an event exactly once if at least one of its subscriptions covers it. A subscription
//  covers what
//     matches its topics (and correlationId) from its beginning on: fromSequence, or the moment it was made.
//  3. While a client's missed events are read, its live events wait; so each subscription delivers in order.
//  4. Whatever the hub has published, History can read (the record is committed before it is published).
//  5. A client's queue is bounded. A client that lets it overflow gets SLOW_CONSUMER and is closed; publish()
//  never
//     waits for a client.
//  6. One executor runs everything (one thread); there are no locks.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/json.h"
#include "base/result.h"
#include "engine/envelope.h"

namespace sep::gateway {

namespace asio = boost::asio;

/// One committed event: what subscriptions look at, and its envelope's JSON, serialised once for all clients.
struct StreamEvent {
  std::uint64_t global_sequence = 0;
  std::uint64_t sequence = 0;
  std::string topic;
  std::string correlation_id;
  std::shared_ptr<const std::string> text;
};

/// `envelope.global_sequence` is not 0.
StreamEvent stream_event(const engine::Envelope& envelope);
/// The same where the envelope's JSON is at hand already; `text` must be its wire form with globalSequence.
StreamEvent stream_event(const engine::Envelope& envelope, std::shared_ptr<const std::string> text);

/// The record, as the stream reads it.
class History {
 public:
  virtual ~History() = default;
  /// At most `limit` events from `from_global` on, contiguous; empty past the record's end.
  virtual asio::awaitable<Result<std::vector<StreamEvent>>> range(std::uint64_t from_global,
                                                                  std::size_t limit) = 0;
  /// All events of one intent from `from_sequence` on; empty for an unknown one.
  virtual asio::awaitable<Result<std::vector<StreamEvent>>> history(std::string correlation_id,
                                                                    std::uint64_t from_sequence) = 0;
};

struct StreamLimits {
  std::size_t max_message_bytes = 64 * 1024;      // of a client's message
  std::size_t max_subscriptions = 64;             // a client
  std::size_t max_queue_bytes = 4 * 1024 * 1024;  // waiting for one client; above it is a slow consumer
  std::size_t max_queue_frames = 16 * 1024;
  std::size_t recent_events =
      8 * 1024;                   // kept in memory, so that a short absence costs no read of the record
  std::size_t page_events = 500;  // of one read of the record
  std::chrono::milliseconds retry_delay{100};  // after a failed read of the record
  unsigned max_read_tries = 20;                // for a client's missed events, then it is told and closed
  std::chrono::milliseconds stall_timeout{
      15'000};  // a client that takes nothing for so long while missed events wait
};

/// WebSocket close codes (RFC 6455, 7.4) that the stream uses.
enum class CloseCode : std::uint16_t { kGoingAway = 1001, kPolicy = 1008, kTooBig = 1009, kTryLater = 1013 };

class StreamHub;

/// One connection's subscriptions and its outgoing queue. Made by StreamHub::attach.
class StreamClient {
 public:
  /// A frame to write, or, when `text` is null, the order to close with `code` (the last one).
  struct Frame {
    std::shared_ptr<const std::string> text;
    CloseCode code = CloseCode::kGoingAway;
    std::string reason;
  };

  struct Impl;
  explicit StreamClient(std::shared_ptr<Impl> impl);
  ~StreamClient();
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  /// A text message of the client: subscribe, unsubscribe or ping. Answers go to the queue.
  void receive(std::string_view text);
  /// A message that is not text, or is larger than max_message_bytes.
  void receive_binary();
  void receive_oversize();
  /// The next frame to write; waits for one. One caller at a time.
  asio::awaitable<Frame> next();
  /// The next frame where there is one; nothing while none waits.
  std::optional<Frame> ready();
  /// True once close was ordered: what is still being written has little time left.
  bool closing() const;
  /// Called once when close is ordered, so that the owner can bound the write that is under way.
  void on_closing(std::function<void()> callback);
  /// The connection is gone: forget everything.
  void detach();

 private:
  std::shared_ptr<Impl> impl_;
};

class StreamHub {
 public:
  struct Stats {
    std::uint64_t head = 0;  // the last globalSequence passed on
    std::size_t clients = 0;
    std::size_t subscriptions = 0;
    std::uint64_t delivered = 0;  // frames queued for clients, events only
    std::uint64_t dropped_clients = 0;
    std::uint64_t gaps_filled = 0;
  };

  /// `head` is the last globalSequence of the record that the feed will not deliver: it begins at head + 1.
  /// To start without a hole, open the feed first and ask for the record's head afterwards; what the feed
  /// repeats is dropped. `history` outlives the hub.
  static std::shared_ptr<StreamHub> create(asio::any_io_executor executor, History& history,
                                           std::uint64_t head, StreamLimits limits = {});
  ~StreamHub();
  StreamHub(const StreamHub&) = delete;
  StreamHub& operator=(const StreamHub&) = delete;

  /// An event of the feed; on the executor.
  void publish(StreamEvent event);
  /// The record goes so far at the least: what of it the feed did not bring is read from History.
  void reach(std::uint64_t global_sequence);
  std::shared_ptr<StreamClient> attach();
  /// What the answer to a ping says beside the head: `members` is called for each one.
  void tell_with_pong(std::function<json::object()> members);
  /// `listener` hears of every event that is passed on, whether the feed brought it or History had it.
  void tell(std::function<void(const StreamEvent&)> listener);
  /// Orders every client to close with 1001 and stops reading the record.
  void stop();
  Stats stats() const;
  const StreamLimits& limits() const;

  struct Impl;
  explicit StreamHub(std::shared_ptr<Impl> impl);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::gateway
