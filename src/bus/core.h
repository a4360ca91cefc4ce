#pragma once
// The connection beneath Bus: cnats's threads on one side, the executor on the other. Internal to this
// folder.
//
// Invariants
//  1. cnats's callbacks only post to the executor (serve_raw's handler and replies excepted); all state below
//     that is neither atomic nor under a mutex belongs to the executor.
//  2. What a callback of cnats refers to is freed only after cnats has said that no further call comes.
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <nats/nats.h>

#include "base/json.h"
#include "base/log.h"
#include "bus/bus.h"

namespace sep::bus {

/// A message with what only this folder needs to know of it.
struct Incoming {
  Message message;
  std::string message_id{};  // of a message from a stream
  bool no_responders = false;
};
using IncomingHandler = std::function<void(Incoming)>;

/// One subscription of cnats. Ends when destroyed by its owner; the callback's share of it lives on until
/// cnats is done.
class Listener {
 public:
  enum class Where { kExecutor, kCallersThread };
  static Result<std::shared_ptr<Listener>> open(natsConnection* connection, asio::any_io_executor executor,
                                                const std::string& subject, const std::string& queue_group,
                                                Where where, IncomingHandler handler);
  /// No handler starts afterwards; waits for one that runs on a thread of cnats.
  void close();
  bool is_open() const { return open_; }
  /// What came for it, from any thread: runs the handler where this says.
  static void receive(const std::shared_ptr<Listener>& self, Incoming incoming);

 private:
  static void on_message(natsConnection*, natsSubscription*, natsMsg* raw, void* closure);
  static void on_complete(void* closure);
  void deliver(Incoming incoming);

  asio::any_io_executor executor_;
  Where where_ = Where::kExecutor;
  IncomingHandler handler_;
  natsSubscription* subscription_ = nullptr;
  std::mutex handling_;  // held while handler_ runs on a thread of cnats
  std::atomic<bool> open_{true};
};

/// A work queue as the connection beneath it sees it: it continues by itself after a lost connection, and
/// ends with the bus.
class Consumer {
 public:
  virtual ~Consumer() = default;
  /// The connection or the server's state is new: look whether the consumer is still there.
  virtual void check_now() = 0;
  virtual void stop() = 0;
  virtual ConsumerCounters counters() const = 0;
};

/// Sleep of a loop that can be woken early; a waking while the loop is busy counts for its next sleep.
class Beat {
 public:
  explicit Beat(const asio::any_io_executor& executor) : timer_(executor) {}
  /// True if woken.
  asio::awaitable<bool> sleep(milliseconds duration);
  void wake();

 private:
  asio::steady_timer timer_;
  bool woken_ = false;
};

struct Question {
  std::string subject{};
  std::string body{};
  std::string message_id{};                               // empty: none
  std::optional<std::uint64_t> expected_sequence{};       // of the subject's last message; 0: it has none
  std::optional<std::uint64_t> expected_last_sequence{};  // of the stream's last message
  std::string expected_last_id{};                         // of the stream's last message; empty: any
  std::any object{};                                      // to be handed over here instead of the body
  std::function<std::string()> text{};                    // makes the body where it must be sent
};

/// The two connections. What is sent on the prompt one goes out at once: requests and answers. What is sent
/// on the bulk one waits in a buffer, for a millisecond at the most, and whoever listens to everything
/// listens on it: neither is told by the server what it sent itself.
enum class Line { kPrompt, kBulk };

/// Of a message to JetStream.
using Headers = std::vector<std::pair<const char*, std::string>>;

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::any_io_executor on, Options with);
  ~Core();
  Status connect();
  void close();
  bool connected() const;

  /// Any thread. `reply` may be empty.
  Status send(const std::string& subject, const std::string& reply, std::string_view body,
              const Headers& headers = {});
  /// Any thread; see Bus.
  Status publish(const std::string& subject, std::string_view body, const std::any& object);
  Result<std::shared_ptr<Listener>> listen(const std::string& subject, const std::string& queue_group,
                                           Listener::Where where, IncomingHandler handler,
                                           Line line = Line::kPrompt);
  /// Blocks until the server has all that was sent, for one round trip.
  void flush();
  std::string new_inbox();

  /// Asks all at once and waits for every reply, `timeout` in all. One result each, in order.
  static asio::awaitable<std::vector<Result<std::string>>> ask(std::shared_ptr<Core> self,
                                                               std::vector<Question> questions,
                                                               milliseconds timeout);
  /// The same, blocking, on any thread but the executor's.
  std::vector<Result<std::string>> ask_and_block(const std::vector<Question>& questions,
                                                 milliseconds timeout);
  /// As the last one of a row, which is sent in one piece. Blocks.
  Result<std::string> ask_in_a_row(const std::vector<Question>& questions, milliseconds timeout);
  /// To be sent within about a millisecond, with what else there is; lost where the connection is.
  void send_soon(const std::string& subject, std::string_view body);
  /// What is asked or sent here on a subject of this pattern is handed to the listener, as long as it is
  /// open, without the way over the server.
  enum class Serves { kRequests, kEverybody };
  void hand_over_to(std::string pattern, Serves serves, const std::shared_ptr<Listener>& listener);
  /// See Bus.
  using AnnouncementHandler = std::function<void(const std::string& message_id, const Message& message)>;
  bool awaits(std::string_view subject);
  void announce(std::string subject, std::string message_id, std::any what);
  /// Until what it returns is let go.
  std::shared_ptr<void> hear_announced(std::string pattern, AnnouncementHandler handler);
  /// $JS.API.<call>
  static asio::awaitable<Result<json::object>> api(std::shared_ptr<Core> self, std::string call,
                                                   json::object body);
  static asio::awaitable<Result<StreamInfo>> stream_info(std::shared_ptr<Core> self, std::string stream);
  static asio::awaitable<Result<std::optional<StoredMessage>>> get_message(std::shared_ptr<Core> self,
                                                                           std::string stream,
                                                                           std::uint64_t sequence);
  static asio::awaitable<Result<StreamInfo>> ensure_stream(std::shared_ptr<Core> self, StreamConfig config);

  void add(const std::shared_ptr<Consumer>& consumer);
  void check_all();
  std::vector<std::shared_ptr<Consumer>> consumers() const;

  const asio::any_io_executor executor;
  const Options options;
  const Logger log = logger("bus");

 private:
  /// Called once, on any thread.
  using ReplyHandler = std::function<void(Result<std::string>)>;
  static void on_disconnected(natsConnection*, void* closure);
  static void on_reconnected(natsConnection*, void* closure);
  static void on_closed(natsConnection*, void* closure);
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* closure);
  Status connect_once(natsOptions* nats_options);
  Status connect_bulk();
  /// Sends a question whose answer goes to `handler`; the number to forget it by.
  std::uint64_t put(const Question& question, ReplyHandler handler);
  /// The number that an answer will have.
  std::uint64_t expect(ReplyHandler handler);
  void forget(std::span<const std::uint64_t> numbers);
  void answer(std::uint64_t number, Result<std::string> result);
  std::shared_ptr<Listener> served_here(std::string_view subject);
  void hand_over(const std::string& subject, std::string_view body, const std::any& object);
  void take_reply(Incoming incoming);
  void fail_waiting(const std::string& detail);

  natsConnection* connection_ = nullptr;
  natsConnection* bulk_ = nullptr;
  std::atomic<bool> closed_{false};
  std::string inbox_;  // "_INBOX.<unique>."; a request's reply subject is this and its number
  std::shared_ptr<Listener> replies_;
  std::mutex waiting_mutex_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, ReplyHandler> waiting_;
  struct Local {
    std::string pattern;
    Serves serves;
    std::weak_ptr<Listener> listener;
  };
  struct Hearer {
    std::string pattern;
    AnnouncementHandler handler;
  };
  std::vector<std::shared_ptr<Hearer>> hearers_of(std::string_view subject);

  std::mutex locals_mutex_;
  std::vector<Local> locals_;
  std::vector<std::weak_ptr<Hearer>> hearers_;
  std::vector<std::weak_ptr<Consumer>> consumers_;
};

}  // namespace sep::bus
