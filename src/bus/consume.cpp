// Work queues: a durable push consumer whose deliver group shares the messages.
//
// Invariants
//  1. held_ has every message that was delivered here and has no verdict yet; each is kept in progress at the
//     server, so that none goes to another member while this one lives.
//  2. A redelivery of a held message does not start a second handler; it only brings a newer reply subject.
//  3. A message leaves the queue by +ACK, or by +TERM after its dead letter is stored.
//  4. A message that waits takes no place of one that no handler has seen.
//  5. While a handler works on what was announced, the stream's message of the same id waits in held_ for its
//     verdict. What is remembered of announcements is bounded: a message that meets no memory of its own is
//     handled again, as any that is delivered twice.
#include <deque>
#include <map>
#include <unordered_map>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "bus/core.h"
#include "bus/protocol.h"

namespace sep::bus {
namespace {

constexpr milliseconds kStreamPatience{5000};  // with a stream that is not there
constexpr milliseconds kRepairInterval{100};   // between looks at a consumer that could not be looked at
constexpr milliseconds kExceptionRetry{1000};  // of a handler that threw
constexpr milliseconds kDeadLetterTimeout{5000};
constexpr milliseconds kDeadLetterRetry{1000};  // when the dead letter could not be stored
constexpr milliseconds kDeadLetterAge{std::chrono::days(30)};
constexpr int kProgressPerAckWait = 3;          // two may be lost
constexpr std::size_t kMostDoneEarly = 10'000;  // announced and done, their message not yet delivered
constexpr std::size_t kMostFailures = 10'000;   // messages of which failures are remembered
// A member that stops, or stands still, has what it holds delivered again: only far more deliveries than
// tries say that a message ends the process that handles it.
constexpr std::uint64_t kDeliveriesPerTry = 10;

StreamConfig dead_letters() {
  StreamConfig config;
  config.name = kDeadStream;
  config.subjects = {"dead.>"};
  config.max_age = kDeadLetterAge;
  return config;
}

}  // namespace

class WorkQueue : public Consumer, public std::enable_shared_from_this<WorkQueue> {
 public:
  WorkQueue(std::shared_ptr<Core> core, ConsumerConfig config, WorkHandler handler)
      : core_(std::move(core)),
        config_(std::move(config)),
        handler_(std::move(handler)),
        check_(core_->executor),
        progress_(core_->executor) {
    counters_.durable = config_.durable;
  }

  /// Listens before the consumer exists: the server delivers only while somebody does.
  static asio::awaitable<Status> start(std::shared_ptr<WorkQueue> self) {
    SEP_CO_CHECK(co_await Core::ensure_stream(self->core_, dead_letters()));
    const std::weak_ptr<WorkQueue> weak = self;
    SEP_CO_TRY(self->listener_,
               self->core_->listen(deliver_subject(self->config_), self->config_.deliver_group,
                                   Listener::Where::kExecutor, [weak](Incoming incoming) {
                                     if (const auto queue = weak.lock()) queue->receive(std::move(incoming));
                                   }));
    if (self->config_.early)
      self->announcements_ = self->core_->hear_announced(
          self->config_.filter_subject, [weak](const std::string& id, const Message& message) {
            if (const auto queue = weak.lock()) queue->announced(id, message);
          });
    const auto until = std::chrono::steady_clock::now() + kStreamPatience;
    auto ensured = co_await ensure_consumer(self);
    // Perhaps its stream is being made anew at this moment.
    while (!ensured && ensured.error().code == errc::kNotFound && std::chrono::steady_clock::now() < until) {
      co_await self->check_.sleep(kRepairInterval);
      ensured = co_await ensure_consumer(self);
    }
    if (!ensured) {
      self->open_ = false;
      self->announcements_.reset();
      self->listener_->close();
      co_return fail(ensured.error());
    }
    asio::co_spawn(self->core_->executor, watch(self), asio::detached);
    asio::co_spawn(self->core_->executor, keep_in_progress(self), asio::detached);
    co_return Status{};
  }

  void check_now() override { check_.wake(); }

  void stop() override {
    if (!std::exchange(open_, false)) return;
    announcements_.reset();
    listener_->close();
    check_.wake();
    progress_.wake();
    // Those that no handler is called with go to another member at once; those that run still give their
    // verdict.
    for (const Key& key : std::exchange(waiting_, {})) give_back(key);
    for (const auto& [due, key] : std::exchange(resting_, {})) give_back(key);
  }

  ConsumerCounters counters() const override {
    ConsumerCounters copy = counters_;
    copy.held = held_.size();
    return copy;
  }

 private:
  /// Stream sequence and the time it was stored at: a stream that was made anew counts from 1 again.
  using Key = std::pair<std::uint64_t, std::string>;

  // --- The consumer at the server

  static asio::awaitable<Result<json::object>> call(std::shared_ptr<WorkQueue> self, std::string_view verb,
                                                    json::object body) {
    const ConsumerConfig& config = self->config_;
    return Core::api(self->core_, fmt::format("CONSUMER.{}.{}.{}", verb, config.stream, config.durable),
                     std::move(body));
  }

  /// True if it had to be made. One with another configuration is deleted first: not everything can be
  /// updated, and this server says that it has updated the filter and then delivers nothing.
  static asio::awaitable<Result<bool>> ensure_consumer(std::shared_ptr<WorkQueue> self) {
    const json::object wanted = durable_config_json(self->config_);
    const auto info = co_await call(self, "INFO", {});
    if (info) {
      SEP_CO_TRY(const json::object existing, get_object(*info, "config"));
      if (has_configuration(existing, wanted)) co_return false;
      self->core_->log->warn("consumer {} has another configuration: deleted", self->config_.durable);
      SEP_CO_CHECK(co_await call(self, "DELETE", {}));
    } else if (info.error().code != errc::kNotFound) {
      co_return fail(info.error());
    }
    json::object body{{"stream_name", self->config_.stream}, {"config", wanted}};
    SEP_CO_CHECK(co_await call(self, "DURABLE.CREATE", std::move(body)));
    self->core_->log->info("consumer {} made", self->config_.durable);
    co_return true;
  }

  /// A consumer can vanish: its stream was made anew, or somebody reset it.
  static asio::awaitable<void> watch(std::shared_ptr<WorkQueue> self) {
    milliseconds pause = self->config_.check_interval;
    while (self->open_) {
      co_await self->check_.sleep(pause);
      if (!self->open_) co_return;
      const auto made = co_await ensure_consumer(self);
      if (made && *made) ++self->counters_.recreated;
      pause = made ? self->config_.check_interval : kRepairInterval;
    }
  }

  static asio::awaitable<void> keep_in_progress(std::shared_ptr<WorkQueue> self) {
    while (self->open_ || !self->held_.empty()) {
      co_await self->progress_.sleep(self->config_.ack_wait / kProgressPerAckWait);
      for (const auto& [key, message] : self->held_) self->send(message.reply, "+WPI");
    }
  }

  // --- Messages

  void receive(Incoming incoming) {
    Message& message = incoming.message;
    const auto delivery = parse_ack_subject(message.reply);
    if (!delivery) return;
    message.stream_sequence = delivery->stream_sequence;
    message.deliveries = delivery->deliveries;
    const auto early = early_.find(incoming.message_id);
    if (early != early_.end() && early->second.done) {
      early_.erase(early);
      ++counters_.acked;
      send(message.reply, "+ACK");
      return;
    }
    const Key key{message.stream_sequence, std::string(delivery->stored_at)};
    const auto [held, is_new] = held_.insert_or_assign(key, std::move(message));
    if (!is_new) return;
    // One of a stream that is no more must not be acknowledged: this one would be instead.
    for (auto former = held_.lower_bound({key.first, {}});
         former != held_.end() && former->first.first == key.first; ++former)
      if (former->first != key) former->second.reply.clear();
    if (early != early_.end()) {
      early->second.delivered = key;
      return;
    }
    waiting_.push_back(key);
    start_handlers();
  }

  // --- What is announced

  void announced(const std::string& id, const Message& message) {
    if (running_ >= config_.max_in_flight || !early_.try_emplace(id).second) return;
    ++running_;
    asio::co_spawn(core_->executor, handle_early(shared_from_this(), id, message), asio::detached);
  }

  static asio::awaitable<void> handle_early(std::shared_ptr<WorkQueue> self, std::string id,
                                            Message message) {
    Verdict verdict = co_await call_handler(self, std::move(message));
    const bool done = verdict.kind == Verdict::Kind::kAck;
    const auto early = self->early_.find(id);
    if (const auto delivered = early->second.delivered) {
      self->early_.erase(early);
      if (done || !self->open_) {
        if (!done) verdict = Verdict::retry(milliseconds{0}, {});
        co_await carry_out(self, *delivered, std::move(verdict));
        self->held_.erase(*delivered);
      } else {
        self->waiting_.push_back(*delivered);
      }
    } else if (done) {
      early->second.done = true;
      self->forget_oldest(std::move(id));
    } else {
      self->early_.erase(early);
    }
    --self->running_;
    self->start_handlers();
  }

  /// `id` is the newest that is done.
  void forget_oldest(std::string id) {
    done_early_.push_back(std::move(id));
    if (done_early_.size() <= kMostDoneEarly) return;
    // Perhaps it was delivered since, and is announced again now.
    const auto oldest = early_.find(done_early_.front());
    if (oldest != early_.end() && oldest->second.done) early_.erase(oldest);
    done_early_.pop_front();
  }

  void start_handlers() {
    while (running_ < config_.max_in_flight && !waiting_.empty()) {
      const Key key = waiting_.front();
      waiting_.pop_front();
      ++running_;
      asio::co_spawn(core_->executor, handle_waiting(shared_from_this(), key), asio::detached);
    }
  }

  static asio::awaitable<void> handle_waiting(std::shared_ptr<WorkQueue> self, Key key) {
    co_await handle(self, key);
    --self->running_;
    self->start_handlers();
  }

  static asio::awaitable<void> handle(std::shared_ptr<WorkQueue> self, Key key) {
    Verdict verdict = co_await judge(self, key);
    if (verdict.kind == Verdict::Kind::kWait && self->open_) {
      self->rest(key, verdict.delay);
      co_return;
    }
    // A queue that ends does not wait: another member takes over.
    if (verdict.kind == Verdict::Kind::kWait) verdict = Verdict::retry(milliseconds{0}, {});
    co_await carry_out(self, key, std::move(verdict));
    self->held_.erase(key);
  }

  // --- What waits: handled again when its time has come, in that order, at most max_in_flight at once

  void rest(const Key& key, milliseconds delay) {
    resting_.emplace(std::chrono::steady_clock::now() + delay, key);
    if (resters_ >= config_.max_in_flight) return;
    ++resters_;
    asio::co_spawn(core_->executor, handle_resting(shared_from_this()), asio::detached);
  }

  static asio::awaitable<void> handle_resting(std::shared_ptr<WorkQueue> self) {
    while (!self->resting_.empty()) {
      const auto [due, key] = *self->resting_.begin();
      self->resting_.erase(self->resting_.begin());
      asio::steady_timer timer(self->core_->executor, due);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
      if (self->open_)
        co_await handle(self, key);
      else
        self->give_back(key);
    }
    --self->resters_;
  }

  void give_back(const Key& key) {
    send(held_.at(key).reply, "-NAK");
    held_.erase(key);
  }

  static asio::awaitable<Verdict> judge(std::shared_ptr<WorkQueue> self, Key key) {
    const Message& message = self->held_.at(key);
    if (message.deliveries > self->config_.max_tries * kDeliveriesPerTry) {
      co_return Verdict::dead(fmt::format("delivered {} times without a verdict", message.deliveries));
    }
    Verdict verdict = co_await call_handler(self, message);
    if (verdict.kind == Verdict::Kind::kRetry && self->has_failed_too_often(key)) {
      co_return Verdict::dead(std::move(verdict.reason));
    }
    co_return verdict;
  }

  /// Counts one more failure.
  bool has_failed_too_often(const Key& key) {
    const auto failures = ++failures_[key];
    if (failures_.size() > kMostFailures) failures_.erase(failures_.begin());
    return failures >= config_.max_tries;
  }

  static asio::awaitable<Verdict> call_handler(std::shared_ptr<WorkQueue> self, Message message) {
    try {
      co_return co_await self->handler_(std::move(message));
    } catch (const std::exception& error) {
      co_return Verdict::retry(kExceptionRetry, error.what());
    }
  }

  static asio::awaitable<void> carry_out(std::shared_ptr<WorkQueue> self, Key key, Verdict verdict) {
    const Message& message = self->held_.at(key);  // with the newest reply subject
    switch (verdict.kind) {
      case Verdict::Kind::kAck:
        ++self->counters_.acked;
        self->failures_.erase(key);
        self->send(message.reply, "+ACK");
        break;
      case Verdict::Kind::kRetry:
      case Verdict::Kind::kWait:
        ++self->counters_.retried;
        self->send(message.reply, negative_ack(verdict.delay));
        break;
      case Verdict::Kind::kDead:
        // A copy: what is held is overwritten where it is delivered once more.
        co_await bury(self, key, message, verdict.reason);
        break;
    }
  }

  static asio::awaitable<void> bury(std::shared_ptr<WorkQueue> self, Key key, Message message,
                                    std::string reason) {
    self->core_->log->error("{} gives up on {} ({}): {}", self->config_.durable, message.subject,
                            message.stream_sequence, reason);
    std::vector<Question> letter(1);
    letter[0].subject = "dead." + message.subject;
    letter[0].body = dead_letter_json(message, reason);
    // The time tells apart messages of a stream that was made anew and counts from 1 again.
    letter[0].message_id = fmt::format("{}.{}.{}", self->config_.durable, key.first, key.second);
    const auto replies = co_await Core::ask(self->core_, std::move(letter), kDeadLetterTimeout);
    const bool stored = replies[0] && parse_pub_ack(*replies[0]);
    if (stored) {
      ++self->counters_.dead;
      self->failures_.erase(key);
      if (self->core_->options.on_dead_letter) self->core_->options.on_dead_letter(self->config_.durable);
    }
    // Somebody may have deleted the stream; the next try finds it again.
    if (!stored) co_await Core::ensure_stream(self->core_, dead_letters());
    self->send(message.reply, stored ? "+TERM" : negative_ack(kDeadLetterRetry));
  }

  /// What is lost here comes again: the server redelivers after ack_wait.
  void send(const std::string& reply, std::string_view what) {
    if (!reply.empty()) core_->send_soon(reply, what);
  }

  const std::shared_ptr<Core> core_;
  const ConsumerConfig config_;
  const WorkHandler handler_;
  std::shared_ptr<Listener> listener_;
  Beat check_;
  Beat progress_;
  bool open_ = true;
  std::map<Key, Message> held_;
  std::deque<Key> waiting_;                // held, no handler yet
  std::map<Key, std::uint64_t> failures_;  // here; of those that may be delivered again
  std::multimap<std::chrono::steady_clock::time_point, Key> resting_;  // held, to be handled again then
  std::size_t resters_ = 0;
  struct Early {
    bool done = false;
    std::optional<Key> delivered;  // meanwhile: it waits for this verdict
  };
  std::shared_ptr<void> announcements_;
  std::unordered_map<std::string, Early> early_;  // by message id
  std::deque<std::string> done_early_;            // oldest first; perhaps delivered since
  std::size_t running_ = 0;
  ConsumerCounters counters_;
};

asio::awaitable<Result<Subscription>> Bus::consume(ConsumerConfig config, WorkHandler handler) {
  const auto core = core_;
  const auto queue = std::make_shared<WorkQueue>(core, std::move(config), std::move(handler));
  SEP_CO_CHECK(co_await WorkQueue::start(queue));
  core->add(queue);
  co_return Subscription(std::shared_ptr<void>(queue.get(), [queue](void*) { queue->stop(); }));
}

std::vector<ConsumerCounters> Bus::counters() const {
  std::vector<ConsumerCounters> counters;
  for (const auto& consumer : core_->consumers()) counters.push_back(consumer->counters());
  return counters;
}

}  // namespace sep::bus
