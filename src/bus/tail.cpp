// Reading a stream in order: an ephemeral consumer without acknowledgements that is made anew, from the
// message after the last one seen, whenever a gap, a silence or a lost connection says that it is gone
// (ADR-17).
//
// Invariants
//  1. The handler gets ascending stream sequences, each once; a restart of the stream starts over.
//  2. Every incarnation has a deliver subject of its own, so a former one's late messages reach nobody.
#include <charconv>

#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include "bus/core.h"
#include "bus/protocol.h"

namespace sep::bus {
namespace {

constexpr milliseconds kRepairInterval{50};
constexpr int kMissedHeartbeats = 3;

}  // namespace

class Tail : public Lasting, public std::enable_shared_from_this<Tail> {
 public:
  Tail(std::shared_ptr<Core> core, TailConfig config, MessageHandler handler)
      : core_(std::move(core)),
        config_(std::move(config)),
        handler_(std::move(handler)),
        check_(core_->executor) {}

  static asio::awaitable<Status> start(std::shared_ptr<Tail> self) {
    SEP_CO_CHECK(co_await attach(self));
    asio::co_spawn(self->core_->executor, watch(self), asio::detached);
    co_return Status{};
  }

  void check_now() override {
    detach();
    check_.wake();
  }

  void stop() override {
    open_ = false;
    check_now();
  }

 private:
  /// Makes an incarnation of the consumer.
  static asio::awaitable<Status> attach(std::shared_ptr<Tail> self) {
    SEP_CO_TRY(const StreamInfo info, co_await Core::stream_info(self->core_, self->config_.stream));
    self->choose_start(info);
    const std::string subject = self->core_->new_inbox();
    self->next_consumer_sequence_ = 1;
    const std::weak_ptr<Tail> weak = self;
    SEP_CO_TRY(self->listener_, self->core_->listen(subject, {}, Listener::Where::kExecutor,
                                                    [weak, subject](Incoming incoming) {
                                                      if (const auto tail = weak.lock())
                                                        tail->receive(subject, std::move(incoming));
                                                    }));
    self->subject_ = subject;
    json::object body{{"stream_name", self->config_.stream},
                      {"config", ordered_config_json(self->config_, subject, self->next_sequence_)}};
    const auto made =
        co_await Core::api(self->core_, "CONSUMER.CREATE." + self->config_.stream, std::move(body));
    if (made) co_return Status{};
    self->detach();
    co_return fail(made.error());
  }

  void choose_start(const StreamInfo& info) {
    const bool first_time = created_.empty();
    if (first_time) {
      next_sequence_ = config_.from_sequence.value_or(info.last_sequence + 1);
      if (next_sequence_ == 0) next_sequence_ = 1;  // sequences count from 1
    } else if (created_ != info.created || info.last_sequence < last_seen_) {
      core_->log->warn("stream {} was made anew or lost messages; it is read from its start", config_.stream);
      next_sequence_ = 1;
      last_seen_ = 0;
    }
    created_ = info.created;
  }

  void detach() {
    if (listener_) listener_->close();
    listener_.reset();
    subject_.clear();
  }

  static asio::awaitable<void> watch(std::shared_ptr<Tail> self) {
    while (self->open_) {
      const bool attached = self->listener_ != nullptr;
      self->heard_ = false;
      const bool woken = co_await self->check_.sleep(attached ? self->config_.heartbeat * kMissedHeartbeats
                                                              : kRepairInterval);
      if (!self->open_) break;
      if (attached && !woken && self->heard_) continue;
      self->detach();
      if (const Status made = co_await attach(self); !made) {
        self->core_->log->debug("tail of {}: {}", self->config_.stream, made.error().detail);
      }
    }
    self->detach();
  }

  void receive(const std::string& subject, Incoming incoming) {
    if (subject != subject_) return;
    heard_ = true;
    if (incoming.control) {
      answer_control(incoming);
      return;
    }
    const auto delivery = parse_ack_subject(incoming.message.reply);
    if (!delivery) return;
    if (delivery->consumer_sequence != next_consumer_sequence_) {
      check_now();  // a message is missing: read it again
      return;
    }
    ++next_consumer_sequence_;
    last_seen_ = delivery->stream_sequence;
    next_sequence_ = last_seen_ + 1;
    incoming.message.stream_sequence = delivery->stream_sequence;
    incoming.message.deliveries = delivery->deliveries;
    handler_(incoming.message);
  }

  void answer_control(const Incoming& incoming) {
    // A flow control request asks for an answer once all before it is done, which it is here.
    const std::string& reply = incoming.stalled.empty() ? incoming.message.reply : incoming.stalled;
    if (!reply.empty()) {
      if (const Status sent = core_->send(reply, {}, {}); !sent) check_now();
    }
    std::uint64_t sent_by_server = 0;
    const std::string& last = incoming.last_consumer;
    const bool says =
        std::from_chars(last.data(), last.data() + last.size(), sent_by_server).ptr != last.data();
    if (says && sent_by_server + 1 != next_consumer_sequence_) check_now();
  }

  const std::shared_ptr<Core> core_;
  const TailConfig config_;
  const MessageHandler handler_;
  std::shared_ptr<Listener> listener_;  // of this incarnation; none while it is being made
  std::string subject_;                 // its deliver subject
  Beat check_;
  bool open_ = true;
  bool heard_ = false;                        // anything since the last look
  std::string created_;                       // of the stream, as last seen
  std::uint64_t next_sequence_ = 1;           // of the stream, to read next
  std::uint64_t last_seen_ = 0;               // of the stream, 0: none
  std::uint64_t next_consumer_sequence_ = 1;  // of this incarnation
};

asio::awaitable<Result<Subscription>> Bus::tail(TailConfig config, MessageHandler handler) {
  const auto core = core_;
  const auto tail = std::make_shared<Tail>(core, std::move(config), std::move(handler));
  SEP_CO_CHECK(co_await Tail::start(tail));
  core->add(tail);
  co_return Subscription(std::shared_ptr<void>(tail.get(), [tail](void*) { tail->stop(); }));
}

}  // namespace sep::bus
