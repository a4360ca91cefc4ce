#pragma once
// NATS for Asio coroutines: requests, publishing and work queues.
//
// Entry points: Bus::connect; request and serve for questions; publish_event(s) for what a stream must hold;
// consume for work that is shared by a group and must not be lost.
//
// Invariants
//  1. Handlers run on the executor given to connect, which is one thread (or a strand). serve_raw alone calls
//     on a thread of the bus.
//  2. publish, reply, announce, awaits, connected and the template wait may be called from any thread,
//     publish_events and publish_row from any but the executor's; everything else, the end of a Bus and of a
//     Subscription included, on the executor, or while nothing runs on it. Only connect, close, wait and (for
//     one round trip) the three calls that subscribe block. A Bus ends before the context of its executor.
//  3. After close() (or the destructor) no handler is called, and every request in flight has ended with
//     BUS_UNAVAILABLE. A handler's coroutine that already runs is not cancelled; what it sends is refused.
//  4. A lost connection is made again for ever; subscriptions and consumers continue by themselves.
//     Nothing is buffered while it is down: sending answers BUS_UNAVAILABLE.
//  5. An error of a request says nothing about whether it was carried out; only the reply does.
//  6. A message of a work queue is acknowledged only after its handler returned Verdict::ack. It may be
//     handled more than once (redelivery), also by two members at a time.
//  7. A request that this Bus itself serves does not go over the server: it is handed over here, whatever
//     other members the queue group has. So is what it publishes, also in a row, to its own subscribers
//     (those without a queue group). While the connection is down both fail as any other sending does.
//  8. What is announced reaches this process alone, and may never be: nothing is sent, stored or kept. A work
//     queue's handler that acknowledges it has done the work of the stream's message of the same id.
//  9. A Bus is two connections (core.h): what is published, and a work queue's verdict, may wait in a buffer
//     for a millisecond, and a request that was made later may come before it.
#include <any>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/result.h"

namespace sep::bus {

namespace asio = boost::asio;
using std::chrono::milliseconds;

struct Message {
  std::string subject{};
  std::string reply{};  // empty: no answer is awaited
  std::string body{};
  std::uint64_t stream_sequence = 0;  // 0: not from a stream
  std::uint64_t deliveries = 0;       // how often the work queue has delivered it, this time included
  /// What a sender in this process handed over instead of a body: see request, publish and announce.
  std::any object{};
};

using MessageHandler = std::function<void(const Message&)>;
/// The reply's body. An exception is logged and leaves the asker without an answer.
using RequestHandler = std::function<asio::awaitable<std::string>(Message)>;

struct Options {
  std::string url{};                   // nats://host:port, several separated by commas
  std::string name{};                  // of the connection, shown by the server's monitoring
  milliseconds connect_timeout{5000};  // of the first connection, attempts included
  milliseconds reconnect_wait{100};    // between attempts afterwards
  milliseconds ping_interval{10'000};  // two unanswered pings are a lost connection
  /// Called on the executor for each dead letter that a work queue stored, with the consumer's name.
  std::function<void(const std::string& durable)> on_dead_letter{};
};

/// Ends its subscription when destroyed (on the executor); no handler starts afterwards. An empty one does
/// nothing.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::shared_ptr<void> state) : state_(std::move(state)) {}
  void reset() { state_.reset(); }
  explicit operator bool() const { return state_ != nullptr; }

 private:
  std::shared_ptr<void> state_;
};

// --- Streams
// ------------------------------------------------------------------------------------------------

/// File storage, limits retention, oldest discarded first.
struct StreamConfig {
  std::string name{};
  std::vector<std::string> subjects{};
  milliseconds duplicate_window{120'000};  // the same message id within it is stored once
  milliseconds max_age{0};                 // 0: kept for ever
};

struct StreamInfo {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;  // 0: never held a message
  std::uint64_t messages = 0;
  std::string created{};  // RFC 3339; another value under the same name: the stream was made anew
};

struct StoredMessage {
  std::uint64_t sequence = 0;
  std::string subject{};
  std::string body{};
};

struct Publication {
  std::string subject{};
  std::string body{};
  std::string message_id{};  // Nats-Msg-Id
  /// The stream refuses it (INVALID_VALUE) unless its last message has this sequence; empty: whatever it has.
  std::optional<std::uint64_t> expected_last_sequence{};
  std::any object{};  // of a row; as of Bus::publish
};

struct PubAck {
  std::uint64_t sequence = 0;
  bool duplicate = false;  // the stream already held this message id: this body was dropped
};

/// The value of a key; each change raises the bucket's revision.
struct KeyValue {
  std::string value{};
  std::uint64_t revision = 0;
};

// --- Work queues
// --------------------------------------------------------------------------------------------

/// What becomes of a message after its handler.
struct Verdict {
  enum class Kind { kAck, kRetry, kWait, kDead };
  Kind kind = Kind::kAck;
  milliseconds delay{0};
  std::string reason{};

  /// Done: never again.
  static Verdict ack() { return {}; }
  /// It failed: any member may try again after `delay`; counted against this member's max_tries.
  static Verdict retry(milliseconds delay, std::string reason) {
    return {Kind::kRetry, delay, std::move(reason)};
  }
  /// Not the message's fault (a part is down): this member calls its handler again after `delay`, not
  /// counted.
  static Verdict wait(milliseconds delay) { return {Kind::kWait, delay, {}}; }
  /// It can never succeed: to dead.<subject> with `reason`.
  static Verdict dead(std::string reason) { return {Kind::kDead, milliseconds{0}, std::move(reason)}; }
};
/// An exception counts as Verdict::retry with the text of the exception.
using WorkHandler = std::function<asio::awaitable<Verdict>(Message)>;

struct ConsumerConfig {
  std::string stream{};
  std::string durable{};                  // no dots: "planner-workers"
  std::string deliver_group{};            // "planner.workers"; its members share the work
  std::string filter_subject{};           // one subject
  milliseconds ack_wait{5'000};           // a member silent for so long loses the message to another
  std::int64_t max_ack_pending = 10'000;  // of the whole group
  std::uint64_t max_tries = 10;           // of one member that may fail; then the message is dead
  std::size_t max_in_flight = 256;        // handlers at once in this member; further messages wait here.
                                          // As many again of messages that were told to wait
  /// The handler is also called with what is announced. Its Verdict::ack is the acknowledgement of the
  /// stream's message with that id; after any other verdict that message is handled as if nothing had been
  /// announced.
  bool early = false;
  milliseconds check_interval{2000};  // how soon a consumer that was deleted elsewhere is made again
};

/// Of one consumer of this process, for metrics.
struct ConsumerCounters {
  std::string durable{};
  std::uint64_t acked = 0;
  std::uint64_t retried = 0;
  std::uint64_t dead = 0;
  std::uint64_t recreated = 0;
  std::uint64_t held = 0;  // now: delivered and without a verdict
};

/// Stream that keeps dead letters, subjects dead.>; made by consume. A dead letter is JSON: {"subject",
/// "data", "reason", "tries"}.
inline constexpr std::string_view kDeadStream = "DEAD";

/// How far a work queue is behind its stream.
struct ConsumerInfo {
  std::uint64_t pending = 0;         // messages not yet delivered to anybody
  std::uint64_t unacknowledged = 0;  // delivered and without an acknowledgement
};

class Core;  // core.h

class Bus {
 public:
  /// Blocks until connected, at most options.connect_timeout. BUS_UNAVAILABLE.
  static Result<std::shared_ptr<Bus>> connect(asio::any_io_executor executor, Options options);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Idempotent. Not from within a serve_raw handler.
  void close();
  bool connected() const;
  const asio::any_io_executor& executor() const;

  /// Runs one of the coroutines below and blocks until it ends: for threads other than the executor's, while
  /// the executor runs.
  template <class T>
  T wait(asio::awaitable<T> operation) {
    return asio::co_spawn(executor(), std::move(operation), asio::use_future).get();
  }

  // --- Messages

  /// BUS_UNAVAILABLE: not connected, nobody serves the subject, or the connection was lost; TIMEOUT.
  asio::awaitable<Result<std::string>> request(std::string subject, std::string body, milliseconds timeout);
  /// The same; where this Bus serves the subject its handler gets `object` and no body, and `text`, which
  /// makes the body that says the same, is not called.
  asio::awaitable<Result<std::string>> request(std::string subject, std::any object,
                                               std::function<std::string()> text, milliseconds timeout);
  /// To whoever listens now; its own subscribers get `object`, where there is one, instead of the body.
  /// BUS_UNAVAILABLE.
  Status publish(std::string_view subject, std::string_view body, std::any object = {});
  /// Answers a request. BUS_UNAVAILABLE; INVALID_VALUE where no answer is awaited.
  Status reply(const Message& request, std::string_view body);

  /// The three calls that subscribe return once the server knows it: a request made thereafter, by anybody,
  /// finds the handler. `queue_group` empty: every subscriber gets every message. BUS_UNAVAILABLE.
  Result<Subscription> subscribe(const std::string& subject, const std::string& queue_group,
                                 MessageHandler handler);
  /// Each request is a coroutine of its own on the executor.
  Result<Subscription> serve(const std::string& subject, const std::string& queue_group,
                             RequestHandler handler);
  /// `handler` is called on a thread of the bus, one message at a time in the order of arrival, and must not
  /// block; answer with reply() from any thread. Destroying the subscription waits for a running handler.
  Result<Subscription> serve_raw(const std::string& subject, const std::string& queue_group,
                                 MessageHandler handler);

  // --- Announcements, any thread

  /// Whether somebody here hears what is announced on the subject.
  bool awaits(std::string_view subject) const;
  /// Tells this process what a stream is about to get on `subject` with this message id; to be called in the
  /// order in which the stream will have it.
  void announce(std::string subject, std::string message_id, std::any what);
  /// On the executor, and called there. `subject` may have wildcards.
  Subscription hear_announced(std::string subject, MessageHandler handler);

  // --- Streams

  /// Makes the stream, or gives an existing one this configuration.
  asio::awaitable<Result<StreamInfo>> ensure_stream(StreamConfig config);
  /// NOT_FOUND.
  asio::awaitable<Result<StreamInfo>> stream_info(std::string stream);
  /// Also its consumers. No error where there is none. Work queues of this bus look for theirs at once.
  asio::awaitable<Status> delete_stream(std::string stream);
  /// NOT_FOUND: no such stream; nothing where it holds no message.
  asio::awaitable<Result<std::optional<StoredMessage>>> last_message(std::string stream);
  /// Nothing where the stream holds no message at `sequence`.
  asio::awaitable<Result<std::optional<StoredMessage>>> get_message(std::string stream,
                                                                    std::uint64_t sequence);
  /// The highest sequence that any consumer of the stream says it was delivered; 0 where there is none.
  /// Beyond the stream's last message it says that the stream was rolled back. NOT_FOUND: no such stream.
  asio::awaitable<Result<std::uint64_t>> furthest_delivery(std::string stream);

  /// Stored once acknowledged. BUS_UNAVAILABLE also where no stream takes the subject; TIMEOUT.
  asio::awaitable<Result<PubAck>> publish_event(Publication publication, milliseconds timeout);
  /// All at once, in order, then waits for every acknowledgement, `timeout` in all. One result each, in the
  /// order given. A failure in the middle does not stop those after it: publish again from the first failure.
  /// Blocks.
  std::vector<Result<PubAck>> publish_events(std::vector<Publication> publications, milliseconds timeout);
  /// The same for less: each must stand right behind the one before it, or is refused, so that the last one's
  /// acknowledgement is all. Gives that one's; any error leaves open which of them are stored. Blocks.
  Result<PubAck> publish_row(std::vector<Publication> publications, milliseconds timeout);

  // --- Buckets of keys (NATS KV), in the server's memory: gone when it starts anew

  /// Makes the bucket where it is absent. Names and keys: A-Z a-z 0-9 - _, keys with dots between.
  asio::awaitable<Status> ensure_bucket(std::string bucket);
  /// Nothing where the key is absent. NOT_FOUND: no such bucket.
  asio::awaitable<Result<std::optional<KeyValue>>> get_key(std::string bucket, std::string key);
  /// Sets the key if `revision` is still its revision (0: it is absent), and gives the new one.
  /// SEQUENCE_CONFLICT: it is not. Any other error: unknown, look again.
  asio::awaitable<Result<std::uint64_t>> put_key(std::string bucket, std::string key, std::string value,
                                                 std::uint64_t revision, milliseconds timeout);

  // --- Reading streams

  /// Joins the work queue; makes the durable consumer where it is absent, and makes it anew where it has
  /// another configuration (which delivers the stream's messages again). A stream that is not there is waited
  /// for, up to 5 s. NOT_FOUND, BUS_UNAVAILABLE, TIMEOUT.
  asio::awaitable<Result<Subscription>> consume(ConsumerConfig config, WorkHandler handler);
  std::vector<ConsumerCounters> counters() const;
  /// Of the whole group, as the server knows it. NOT_FOUND.
  asio::awaitable<Result<ConsumerInfo>> consumer_info(std::string stream, std::string durable);

 private:
  explicit Bus(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace sep::bus
