// bus/bus.h over the simulated NATS server.
#include "simulation/broker.h"
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sep::bus {

using sim::Broker;
using sim::World;

class Core {
 public:
  explicit Core(asio::any_io_executor executor)
      : world(*World::current()),
        broker(*world.broker),
        process(world.process_of(asio::query(executor, asio::execution::context))),
        incarnation(process.incarnation()),
        executor_(std::move(executor)) {}

  const asio::any_io_executor& executor() const { return executor_; }
  bool alive() const { return open && process.up() && process.incarnation() == incarnation; }

  World& world;
  Broker& broker;
  sim::Process& process;
  const std::uint64_t incarnation;
  bool open = true;

 private:
  asio::any_io_executor executor_;
};

namespace {

std::unexpected<Error> down() {
  return fail(errc::kBusUnavailable, "the connection is closed");
}

asio::awaitable<void> sleep(asio::any_io_executor executor, std::int64_t ms) {
  asio::steady_timer timer(executor, std::chrono::milliseconds(ms));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

template <class Part>
Subscription closing(std::shared_ptr<Part> part) {
  return Subscription(std::shared_ptr<void>(part.get(), [part](void*) { part->open = false; }));
}

}  // namespace

Bus::Bus(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Bus::~Bus() {
  close();
}
void Bus::close() {
  core_->open = false;
}
bool Bus::connected() const {
  return core_->alive();
}
const asio::any_io_executor& Bus::executor() const {
  return core_->executor();
}

Result<std::shared_ptr<Bus>> Bus::connect(asio::any_io_executor executor, Options) {
  return std::shared_ptr<Bus>(new Bus(std::make_shared<Core>(std::move(executor))));
}

asio::awaitable<Result<std::string>> Bus::request(std::string subject, std::string body,
                                                  milliseconds timeout) {
  const auto core = core_;
  if (!core->alive()) co_return down();
  asio::steady_timer answered(core->executor(), timeout);
  std::optional<Result<std::string>> answer;
  const auto question = std::make_shared<Broker::Question>();
  question->process = &core->process;
  question->incarnation = core->incarnation;
  question->answered = [&](Result<std::string> result) {
    if (answer) return;
    answer = std::move(result);
    answered.cancel();
  };
  core->broker.request(subject, body, question);
  boost::system::error_code ignored;
  co_await answered.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (answer) co_return std::move(*answer);
  co_return fail(errc::kTimeout, "no answer on " + subject);
}

/// Its processes have nothing in common but the server.
asio::awaitable<Result<std::string>> Bus::request(std::string subject, std::any,
                                                  std::function<std::string()> text, milliseconds timeout) {
  co_return co_await request(std::move(subject), text(), timeout);
}

Status Bus::publish(std::string_view subject, std::string_view body, std::any) {
  if (!core_->alive()) return down();
  core_->broker.publish(core_->process, std::string(subject), std::string(body));
  return {};
}

Status Bus::reply(const Message& request, std::string_view body) {
  if (!core_->alive()) return down();
  core_->broker.reply(core_->process, request.reply, std::string(body));
  return {};
}

Result<Subscription> Bus::subscribe(const std::string& subject, const std::string& queue_group,
                                    MessageHandler handler) {
  if (!core_->alive()) return down();
  auto listener = std::make_shared<Broker::Listener>();
  listener->process = &core_->process;
  listener->incarnation = core_->incarnation;
  listener->subject = subject;
  listener->group = queue_group;
  listener->handler = std::move(handler);
  core_->broker.listen(listener);
  return closing(std::move(listener));
}

bool Bus::awaits(std::string_view) const {
  return true;
}

void Bus::announce(std::string subject, std::string message_id, std::any what) {
  core_->broker.announce(subject, message_id, std::move(what));
}

Subscription Bus::hear_announced(std::string subject, MessageHandler handler) {
  auto listener = std::make_shared<Broker::Listener>();
  listener->process = &core_->process;
  listener->incarnation = core_->incarnation;
  listener->subject = std::move(subject);
  listener->handler = std::move(handler);
  listener->announcements = true;
  core_->broker.listen(listener);
  return closing(std::move(listener));
}

Result<Subscription> Bus::serve_raw(const std::string& subject, const std::string& queue_group,
                                    MessageHandler handler) {
  return subscribe(subject, queue_group, std::move(handler));
}

Result<Subscription> Bus::serve(const std::string& subject, const std::string& queue_group,
                                RequestHandler handler) {
  return subscribe(
      subject, queue_group, [core = core_, handler = std::move(handler)](const Message& message) {
        asio::co_spawn(
            core->executor(),
            [](std::shared_ptr<Core> self, RequestHandler serve, Message asked) -> asio::awaitable<void> {
              const auto answer = co_await serve(asked);
              if (self->alive()) self->broker.reply(self->process, asked.reply, answer);
            }(core, handler, message),
            asio::detached);
      });
}

// --- Buckets of keys

asio::awaitable<Status> Bus::ensure_bucket(std::string bucket) {
  const auto core = core_;
  co_await sleep(core->executor(), core->world.latency());
  if (!core->alive()) co_return down();
  core->broker.buckets[bucket];
  co_return Status{};
}

asio::awaitable<Result<std::optional<KeyValue>>> Bus::get_key(std::string bucket, std::string key) {
  const auto core = core_;
  co_await sleep(core->executor(), core->world.latency());
  if (!core->alive()) co_return down();
  if (core->world.fault(core->world.faults.request_lost, "key not read")) {
    co_await sleep(core->executor(), 500);
    co_return fail(errc::kTimeout, "no answer");
  }
  const auto found = core->broker.buckets.find(bucket);
  if (found == core->broker.buckets.end()) co_return fail(errc::kNotFound, "no such bucket");
  const auto known = found->second.find(key);
  if (known == found->second.end()) co_return std::nullopt;
  co_return known->second;
}

asio::awaitable<Result<std::uint64_t>> Bus::put_key(std::string bucket, std::string key, std::string value,
                                                    std::uint64_t revision, milliseconds timeout) {
  const auto core = core_;
  co_await sleep(core->executor(), core->world.latency());
  if (!core->alive()) co_return down();
  const bool unknown = core->world.fault(core->world.faults.reply_lost, "key's change unknown");
  if (unknown && core->world.random.one_in(2)) {
    co_await sleep(core->executor(), timeout.count());
    co_return fail(errc::kTimeout, "no answer");
  }
  const auto found = core->broker.buckets.find(bucket);
  if (found == core->broker.buckets.end()) co_return fail(errc::kNotFound, "no such bucket");
  const auto known = found->second.find(key);
  if ((known == found->second.end() ? 0 : known->second.revision) != revision)
    co_return fail(errc::kSequenceConflict, "the key was changed");
  const auto next = ++core->broker.revision;
  found->second[key] = {.value = std::move(value), .revision = next};
  if (unknown) {
    co_await sleep(core->executor(), timeout.count());
    co_return fail(errc::kTimeout, "no answer");
  }
  co_await sleep(core->executor(), core->world.latency());
  co_return next;
}

// --- Streams

asio::awaitable<Result<StreamInfo>> Bus::ensure_stream(StreamConfig config) {
  co_return co_await stream_info(config.name);
}

asio::awaitable<Result<StreamInfo>> Bus::stream_info(std::string) {
  const auto core = core_;
  co_await sleep(core->executor(), core->world.latency());
  StreamInfo info{.first_sequence = 1};
  if (const auto last = core->broker.last()) info.last_sequence = info.messages = last->sequence;
  co_return info;
}

asio::awaitable<Status> Bus::delete_stream(std::string) {
  SEP_ASSERT(false);
}

asio::awaitable<Result<std::optional<StoredMessage>>> Bus::last_message(std::string) {
  const auto core = core_;
  co_await sleep(core->executor(), core->world.latency());
  co_return core->broker.last();
}

asio::awaitable<Result<std::optional<StoredMessage>>> Bus::get_message(std::string, std::uint64_t) {
  SEP_ASSERT(false);
}

asio::awaitable<Result<std::uint64_t>> Bus::furthest_delivery(std::string) {
  SEP_ASSERT(false);
}

asio::awaitable<Result<PubAck>> Bus::publish_event(Publication publication, milliseconds timeout) {
  const auto core = core_;
  if (!core->alive()) co_return down();
  co_await sleep(core->executor(), core->world.latency());
  const bool unknown = core->world.fault(core->world.faults.publish_unknown, "publication's outcome unknown");
  if (unknown && core->world.random.one_in(2)) {
    co_await sleep(core->executor(), timeout.count());
    co_return fail(errc::kTimeout, "no acknowledgement");
  }
  const auto ack = core->broker.store(publication);
  if (!ack.duplicate) core->broker.publish(core->process, publication.subject, publication.body);
  if (unknown) {
    co_await sleep(core->executor(), timeout.count());
    co_return fail(errc::kTimeout, "no acknowledgement");
  }
  co_return ack;
}

// --- Work queues

namespace {

/// What a member knows of announcements, by message id.
struct Early {
  bool done = false;
  std::optional<Message> delivered;
};
using EarlyOnes = std::map<std::string, Early>;
/// What failed at a member, by stream sequence.
using Failures = std::map<std::uint64_t, std::uint64_t>;
constexpr std::uint64_t kDeliveriesPerTry = 10;

/// The life of one message at one member, as bus/consume.cpp has it.
asio::awaitable<void> work(std::shared_ptr<Core> core, std::shared_ptr<Broker::Member> member,
                           ConsumerConfig config, WorkHandler handler, std::shared_ptr<Failures> failures,
                           Message message) {
  const auto sequence = message.stream_sequence;
  for (;;) {
    auto verdict = message.deliveries > config.max_tries * kDeliveriesPerTry
                       ? Verdict::dead("delivered too often")
                       : co_await handler(message);
    if (verdict.kind == Verdict::Kind::kRetry && ++(*failures)[sequence] >= config.max_tries)
      verdict = Verdict::dead(std::move(verdict.reason));
    if (verdict.kind == Verdict::Kind::kWait && member->open) {
      co_await sleep(core->executor(), verdict.delay.count());
      continue;
    }
    member->held.erase(sequence);
    if (!core->alive()) co_return;
    if (verdict.kind == Verdict::Kind::kAck)
      core->broker.acknowledge(config.durable, sequence);
    else if (verdict.kind == Verdict::Kind::kDead)
      core->broker.dead(config.durable, sequence, verdict.reason);
    else
      core->broker.again(config.durable, sequence, verdict.delay.count());
    co_return;
  }
}

asio::awaitable<void> work_early(std::shared_ptr<Core> core, std::shared_ptr<Broker::Member> member,
                                 ConsumerConfig config, WorkHandler handler, std::shared_ptr<EarlyOnes> early,
                                 std::shared_ptr<Failures> failures, Message announced) {
  const auto id = announced.body;
  const auto verdict = co_await handler(std::move(announced));
  auto delivered = std::move((*early)[id].delivered);
  (*early)[id] = {.done = verdict.kind == Verdict::Kind::kAck};
  if (delivered || verdict.kind != Verdict::Kind::kAck) early->erase(id);
  if (!delivered || !core->alive()) co_return;
  if (verdict.kind != Verdict::Kind::kAck)
    co_return co_await work(core, member, config, handler, failures, std::move(*delivered));
  core->world.count("done early");
  member->held.erase(delivered->stream_sequence);
  core->broker.acknowledge(config.durable, delivered->stream_sequence);
}

}  // namespace

asio::awaitable<Result<Subscription>> Bus::consume(ConsumerConfig config, WorkHandler handler) {
  const auto core = core_;
  co_await sleep(core->executor(), core->world.latency());
  auto member = std::make_shared<Broker::Member>();
  member->process = &core->process;
  member->incarnation = core->incarnation;
  const auto early = std::make_shared<EarlyOnes>();
  const auto failures = std::make_shared<Failures>();
  member->receive = [core, weak = std::weak_ptr(member), config, handler, early, failures](Message message,
                                                                                           std::string id) {
    const auto self = weak.lock();
    if (!self) return;
    const auto known = early->find(id);
    if (known != early->end() && known->second.done) {
      core->world.count("done early");
      early->erase(known);
      return core->broker.acknowledge(config.durable, message.stream_sequence);
    }
    if (!self->held.insert(message.stream_sequence).second) return;
    if (known != early->end()) {
      known->second.delivered = std::move(message);
      return;
    }
    asio::co_spawn(core->executor(), work(core, self, config, handler, failures, std::move(message)),
                   asio::detached);
  };
  core->broker.join(config, member);
  std::vector<Subscription> both;
  if (config.early)
    both.push_back(hear_announced(config.filter_subject, [core, weak = std::weak_ptr(member), config, handler,
                                                          early, failures](const Message& announced) {
      const auto self = weak.lock();
      if (!self || !self->open || !early->try_emplace(announced.body).second) return;
      asio::co_spawn(core->executor(), work_early(core, self, config, handler, early, failures, announced),
                     asio::detached);
    }));
  both.push_back(closing(std::move(member)));
  co_return Subscription(std::make_shared<std::vector<Subscription>>(std::move(both)));
}

std::vector<ConsumerCounters> Bus::counters() const {
  return {};
}
asio::awaitable<Result<ConsumerInfo>> Bus::consumer_info(std::string, std::string) {
  co_return ConsumerInfo{};
}

}  // namespace sep::bus
