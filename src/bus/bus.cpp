#include "bus/bus.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <thread>

#include <boost/algorithm/string/split.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "bus/core.h"
#include "bus/protocol.h"
#include "engine/topics.h"

namespace sep::bus {
namespace {

constexpr milliseconds kApiTimeout{5000};
constexpr milliseconds kFlushTimeout{1000};
constexpr milliseconds kFirstConnectRetry{50};
constexpr int kMaxPingsOut = 2;

std::string describe(natsStatus status) {
  return fmt::format("NATS: {}", natsStatus_GetText(status));
}

natsStatus set_servers(natsOptions* nats_options, const std::string& urls) {
  std::vector<std::string> servers;
  boost::algorithm::split(servers, urls, [](char c) { return c == ','; });
  std::vector<const char*> pointers;
  for (const std::string& server : servers) pointers.push_back(server.c_str());
  return natsOptions_SetServers(nats_options, pointers.data(), static_cast<int>(pointers.size()));
}

natsStatus first_error(std::initializer_list<natsStatus> statuses) {
  const auto* found = std::ranges::find_if(statuses, [](natsStatus status) { return status != NATS_OK; });
  return found == statuses.end() ? NATS_OK : *found;
}

/// What both connections of a Bus have in common.
natsStatus set_common(natsOptions* nats_options, const Options& options, const std::string& name) {
  const auto wait = options.reconnect_wait.count();
  return first_error({
      set_servers(nats_options, options.url),
      natsOptions_SetName(nats_options, name.c_str()),
      natsOptions_SetTimeout(nats_options, std::max<std::int64_t>(options.connect_timeout.count(), 1)),
      natsOptions_SetMaxReconnect(nats_options, -1),
      natsOptions_SetReconnectWait(nats_options, wait),
      natsOptions_SetReconnectJitter(nats_options, wait / 4, wait),
      natsOptions_SetPingInterval(nats_options, options.ping_interval.count()),
      natsOptions_SetMaxPingsOut(nats_options, kMaxPingsOut),
  });
}

/// The results of questions that are asked together, and the timer that their asker sleeps on.
struct Gathering {
  Gathering(const asio::any_io_executor& executor, std::size_t count)
      : timer(executor), results(count, fail(errc::kTimeout, "no answer within the bound")), missing(count) {}

  /// On the executor.
  void settle(std::size_t index, Result<std::string> result) {
    if (results.empty()) return;  // the asker waited no longer
    results[index] = std::move(result);
    if (--missing == 0) timer.cancel();
  }

  asio::steady_timer timer;
  std::vector<Result<std::string>> results;
  std::size_t missing;
};

/// The same for an asker that blocks.
class Collecting {
 public:
  explicit Collecting(std::size_t count)
      : results_(count, fail(errc::kTimeout, "no answer within the bound")), missing_(count) {}

  void settle(std::size_t index, Result<std::string> result) {
    const std::scoped_lock lock(mutex_);
    if (results_.empty()) return;
    results_[index] = std::move(result);
    if (--missing_ == 0) settled_.notify_one();
  }
  std::vector<Result<std::string>> wait(milliseconds timeout) {
    std::unique_lock lock(mutex_);
    settled_.wait_for(lock, timeout, [&] { return missing_ == 0; });
    return std::exchange(results_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable settled_;
  std::vector<Result<std::string>> results_;
  std::size_t missing_;
};

asio::awaitable<void> answer(std::shared_ptr<Core> core, std::shared_ptr<RequestHandler> handler,
                             Message message) {
  const std::string reply = message.reply;
  const std::string subject = message.subject;
  try {
    const std::string body = co_await (*handler)(std::move(message));
    if (reply.empty()) co_return;
    if (const Status sent = core->send(reply, {}, body); !sent) {
      core->log->warn("the answer to {} is lost: {}", subject, sent.error().detail);
    }
  } catch (const std::exception& error) {
    core->log->error("the handler of {} failed: {}", subject, error.what());
  }
}

Headers headers_of(const Question& question) {
  Headers headers;
  if (!question.message_id.empty()) headers.emplace_back("Nats-Msg-Id", question.message_id);
  if (question.expected_sequence)
    headers.emplace_back("Nats-Expected-Last-Subject-Sequence", std::to_string(*question.expected_sequence));
  if (question.expected_last_sequence)
    headers.emplace_back("Nats-Expected-Last-Sequence", std::to_string(*question.expected_last_sequence));
  if (!question.expected_last_id.empty())
    headers.emplace_back("Nats-Expected-Last-Msg-Id", question.expected_last_id);
  return headers;
}

natsStatus publish_on(natsConnection* connection, const std::string& subject, const std::string& reply,
                      std::string_view body, const Headers& headers) {
  if (headers.empty() && reply.empty())
    return natsConnection_Publish(connection, subject.c_str(), body.data(), static_cast<int>(body.size()));
  if (headers.empty())
    return natsConnection_PublishRequest(connection, subject.c_str(), reply.c_str(), body.data(),
                                         static_cast<int>(body.size()));
  natsMsg* raw = nullptr;
  natsStatus status = natsMsg_Create(&raw, subject.c_str(), reply.empty() ? nullptr : reply.c_str(),
                                     body.data(), static_cast<int>(body.size()));
  const std::unique_ptr<natsMsg, decltype(&natsMsg_Destroy)> message(raw, natsMsg_Destroy);
  for (const auto& [key, value] : headers)
    if (status == NATS_OK) status = natsMsgHeader_Set(raw, key, value.c_str());
  return status == NATS_OK ? natsConnection_PublishMsg(connection, raw) : status;
}

bool is_connected(natsConnection* connection) {
  return natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED;
}

/// The handle that the user holds: closes the listener when it is let go.
Subscription hold(Core& core, std::shared_ptr<Listener> listener) {
  core.flush();
  return Subscription(std::shared_ptr<void>(listener.get(), [listener](void*) { listener->close(); }));
}

}  // namespace

// --- Core: connection
// ----------------------------------------------------------------------------------

Core::Core(asio::any_io_executor on, Options with) : executor(std::move(on)), options(std::move(with)) {}

Core::~Core() {
  close();
}

Status Core::connect() {
  natsOptions* raw = nullptr;
  if (const natsStatus status = natsOptions_Create(&raw); status != NATS_OK) {
    return fail(errc::kBusUnavailable, describe(status));
  }
  const std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)> nats_options(raw, natsOptions_Destroy);
  const auto deadline = std::chrono::steady_clock::now() + options.connect_timeout;
  for (;;) {
    const Status status = connect_once(raw);
    if (status) break;
    if (std::chrono::steady_clock::now() + kFirstConnectRetry > deadline) return status;
    std::this_thread::sleep_for(kFirstConnectRetry);
  }
  SEP_CHECK(connect_bulk());
  inbox_ = new_inbox() + ".";
  SEP_TRY(replies_, listen(inbox_ + "*", {}, Listener::Where::kCallersThread,
                           [this](Incoming incoming) { take_reply(std::move(incoming)); }));
  return {};
}

Status Core::connect_once(natsOptions* nats_options) {
  // cnats's share of this object: freed by on_closed, its last call for a connection that was made.
  auto* closure = new std::weak_ptr<Core>(weak_from_this());
  natsStatus status = first_error({
      set_common(nats_options, options, options.name),
      // Without it every send waits about a millisecond in a buffer.
      natsOptions_SetSendAsap(nats_options, true),
      natsOptions_SetDisconnectedCB(nats_options, on_disconnected, closure),
      natsOptions_SetReconnectedCB(nats_options, on_reconnected, closure),
      natsOptions_SetClosedCB(nats_options, on_closed, closure),
      natsOptions_SetErrorHandler(nats_options, on_error, nullptr),
  });
  if (status == NATS_OK) status = natsConnection_Connect(&connection_, nats_options);
  if (status == NATS_OK) return {};
  delete closure;
  return fail(errc::kBusUnavailable, fmt::format("{} at {}", describe(status), options.url));
}

Status Core::connect_bulk() {
  natsOptions* raw = nullptr;
  natsStatus status = natsOptions_Create(&raw);
  const std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)> nats_options(raw, natsOptions_Destroy);
  if (status == NATS_OK)
    status = first_error({
        set_common(raw, options, options.name + " (bulk)"),
        // What is sent on it is handed over to its own subscribers here.
        natsOptions_SetNoEcho(raw, true),
        natsOptions_SetErrorHandler(raw, on_error, nullptr),
    });
  if (status == NATS_OK) status = natsConnection_Connect(&bulk_, raw);
  if (status == NATS_OK) return {};
  return fail(errc::kBusUnavailable, fmt::format("{} at {}", describe(status), options.url));
}

void Core::close() {
  if (closed_.exchange(true)) return;
  for (const auto& consumer : consumers()) consumer->stop();
  if (replies_) replies_->close();
  fail_waiting("the bus is closed");
  // The verdicts that were given last are not to be given again.
  if (bulk_ != nullptr && is_connected(bulk_)) natsConnection_FlushTimeout(bulk_, kFlushTimeout.count());
  for (auto* connection : {bulk_, connection_}) {
    if (connection == nullptr) continue;
    natsConnection_Close(connection);
    natsConnection_Destroy(connection);
  }
}

bool Core::connected() const {
  return !closed_ && is_connected(connection_);
}

void Core::on_disconnected(natsConnection*, void* closure) {
  const auto core = static_cast<std::weak_ptr<Core>*>(closure)->lock();
  if (!core || core->closed_) return;
  core->log->warn("connection to {} lost", core->options.url);
  core->fail_waiting("the connection was lost before the answer");
}

void Core::on_reconnected(natsConnection*, void* closure) {
  const auto core = static_cast<std::weak_ptr<Core>*>(closure)->lock();
  if (!core || core->closed_) return;
  core->log->info("connected to {} again", core->options.url);
  asio::post(core->executor, [core] { core->check_all(); });
}

void Core::on_closed(natsConnection*, void* closure) {
  delete static_cast<std::weak_ptr<Core>*>(closure);
}

void Core::on_error(natsConnection*, natsSubscription*, natsStatus status, void*) {
  logger("bus")->warn("{}", describe(status));
}

// --- Core: messages
// ------------------------------------------------------------------------------------

Status Core::send(const std::string& subject, const std::string& reply, std::string_view body,
                  const Headers& headers) {
  // The answer to a request that was handed over here.
  if (!inbox_.empty() && subject.starts_with(inbox_)) {
    take_reply({.message = {.subject = subject, .body = std::string(body)}});
    return {};
  }
  // cnats would keep the message and send it whenever the server is back; its sender has moved on by then.
  if (!connected()) return fail(errc::kBusUnavailable, "not connected to NATS");
  const natsStatus status = publish_on(connection_, subject, reply, body, headers);
  if (status != NATS_OK) return fail(errc::kBusUnavailable, describe(status));
  return {};
}

Status Core::publish(const std::string& subject, std::string_view body, const std::any& object) {
  if (closed_ || !is_connected(bulk_)) return fail(errc::kBusUnavailable, "not connected to NATS");
  hand_over(subject, body, object);
  const natsStatus status = publish_on(bulk_, subject, {}, body, {});
  if (status != NATS_OK) return fail(errc::kBusUnavailable, describe(status));
  return {};
}

void Core::send_soon(const std::string& subject, std::string_view body) {
  if (!closed_ && is_connected(bulk_)) publish_on(bulk_, subject, {}, body, {});
}

Result<std::shared_ptr<Listener>> Core::listen(const std::string& subject, const std::string& queue_group,
                                               Listener::Where where, IncomingHandler handler, Line line) {
  if (closed_) return fail(errc::kBusUnavailable, "the bus is closed");
  return Listener::open(line == Line::kBulk ? bulk_ : connection_, executor, subject, queue_group, where,
                        std::move(handler));
}

void Core::flush() {
  // Where it fails, the connection is lost, and the subscriptions are the first that is sent on the next one.
  for (auto* connection : {connection_, bulk_})
    if (is_connected(connection)) natsConnection_FlushTimeout(connection, kFlushTimeout.count());
}

std::string Core::new_inbox() {
  natsInbox* raw = nullptr;
  SEP_ASSERT(natsInbox_Create(&raw) == NATS_OK);
  const std::unique_ptr<natsInbox, decltype(&natsInbox_Destroy)> inbox(raw, natsInbox_Destroy);
  return raw;
}

asio::awaitable<std::vector<Result<std::string>>> Core::ask(std::shared_ptr<Core> self,
                                                            std::vector<Question> questions,
                                                            milliseconds timeout) {
  const auto gathering = std::make_shared<Gathering>(self->executor, questions.size());
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < questions.size(); ++i)
    numbers.push_back(
        self->put(questions[i], [gathering, executor = self->executor, i](Result<std::string> result) {
          asio::post(executor, [gathering, i, result = std::move(result)]() mutable {
            gathering->settle(i, std::move(result));
          });
        }));
  if (!questions.empty()) {
    gathering->timer.expires_after(timeout);
    co_await gathering->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (gathering->missing > 0) self->forget(numbers);
  }
  co_return std::exchange(gathering->results, {});
}

std::vector<Result<std::string>> Core::ask_and_block(const std::vector<Question>& questions,
                                                     milliseconds timeout) {
  if (questions.empty()) return {};
  const auto collecting = std::make_shared<Collecting>(questions.size());
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < questions.size(); ++i)
    numbers.push_back(put(questions[i], [collecting, i](Result<std::string> result) {
      collecting->settle(i, std::move(result));
    }));
  auto results = collecting->wait(timeout);
  forget(numbers);
  return results;
}

Result<std::string> Core::ask_in_a_row(const std::vector<Question>& questions, milliseconds timeout) {
  SEP_ASSERT(!questions.empty());
  if (closed_ || !is_connected(bulk_)) return fail(errc::kBusUnavailable, "not connected to NATS");
  const auto collecting = std::make_shared<Collecting>(1);
  const auto number =
      expect([collecting](Result<std::string> result) { collecting->settle(0, std::move(result)); });
  const std::string answer_to = inbox_ + std::to_string(number);
  natsStatus status = NATS_OK;
  for (const auto& question : questions) {
    hand_over(question.subject, question.body, question.object);
    const auto& reply = &question == &questions.back() ? answer_to : std::string();
    if (status == NATS_OK)
      status = publish_on(bulk_, question.subject, reply, question.body, headers_of(question));
  }
  // The whole buffer in one write, and no longer wait than for what it asks anyway.
  const auto until = std::chrono::steady_clock::now() + timeout;
  if (status == NATS_OK)
    status = natsConnection_FlushTimeout(bulk_, std::max<std::int64_t>(timeout.count(), 1));
  const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
  auto results = status == NATS_OK
                     ? collecting->wait(std::max(left, milliseconds{1}))
                     : std::vector<Result<std::string>>(1, fail(errc::kBusUnavailable, describe(status)));
  forget({&number, 1});
  return std::move(results[0]);
}

std::uint64_t Core::expect(ReplyHandler handler) {
  const std::scoped_lock lock(waiting_mutex_);
  const auto number = ++last_number_;
  waiting_.emplace(number, std::move(handler));
  return number;
}

std::uint64_t Core::put(const Question& question, ReplyHandler handler) {
  const auto number = expect(std::move(handler));
  auto reply = inbox_ + std::to_string(number);
  if (const auto here = connected() ? served_here(question.subject) : nullptr) {
    Listener::receive(here, {.message = {.subject = question.subject,
                                         .reply = std::move(reply),
                                         .body = question.body,
                                         .object = question.object}});
  } else if (auto sent = send(question.subject, reply, question.text ? question.text() : question.body,
                              headers_of(question));
             !sent) {
    answer(number, fail(std::move(sent).error()));
  }
  return number;
}

void Core::forget(std::span<const std::uint64_t> numbers) {
  const std::scoped_lock lock(waiting_mutex_);
  for (const auto number : numbers) waiting_.erase(number);
}

void Core::answer(std::uint64_t number, Result<std::string> result) {
  ReplyHandler handler;
  {
    const std::scoped_lock lock(waiting_mutex_);
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) return;  // answered too late
    handler = std::move(found->second);
    waiting_.erase(found);
  }
  handler(std::move(result));
}

void Core::take_reply(Incoming incoming) {
  const std::string_view text = std::string_view(incoming.message.subject).substr(inbox_.size());
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (incoming.no_responders)
    answer(number, fail(errc::kBusUnavailable, "nobody serves this subject"));
  else
    answer(number, std::move(incoming.message.body));
}

void Core::fail_waiting(const std::string& detail) {
  std::unordered_map<std::uint64_t, ReplyHandler> waiting;
  {
    const std::scoped_lock lock(waiting_mutex_);
    waiting.swap(waiting_);
  }
  for (auto& [number, handler] : waiting) handler(fail(errc::kBusUnavailable, detail));
}

void Core::hand_over_to(std::string pattern, Serves serves, const std::shared_ptr<Listener>& listener) {
  const std::scoped_lock lock(locals_mutex_);
  std::erase_if(locals_, [](const auto& local) { return local.listener.expired(); });
  locals_.push_back({std::move(pattern), serves, listener});
}

std::shared_ptr<Listener> Core::served_here(std::string_view subject) {
  const std::scoped_lock lock(locals_mutex_);
  for (const auto& local : locals_) {
    if (local.serves != Serves::kRequests || !engine::topic::matches(local.pattern, subject)) continue;
    if (auto listener = local.listener.lock(); listener && listener->is_open()) return listener;
  }
  return nullptr;
}

void Core::hand_over(const std::string& subject, std::string_view body, const std::any& object) {
  // Held beyond the lock: whoever lets go of a listener last also ends what its handler owns.
  std::vector<std::shared_ptr<Listener>> listeners;
  {
    const std::scoped_lock lock(locals_mutex_);
    for (const auto& local : locals_)
      if (local.serves == Serves::kEverybody && engine::topic::matches(local.pattern, subject))
        listeners.push_back(local.listener.lock());
  }
  for (const auto& listener : listeners)
    if (listener)
      Listener::receive(listener, {.message = {.subject = subject,
                                               .body = object.has_value() ? std::string() : std::string(body),
                                               .object = object}});
}

std::vector<std::shared_ptr<Core::Hearer>> Core::hearers_of(std::string_view subject) {
  std::vector<std::shared_ptr<Hearer>> found;
  const std::scoped_lock lock(locals_mutex_);
  for (const auto& weak : hearers_)
    if (auto hearer = weak.lock(); hearer && engine::topic::matches(hearer->pattern, subject))
      found.push_back(std::move(hearer));
  return found;
}

bool Core::awaits(std::string_view subject) {
  return !hearers_of(subject).empty();
}

void Core::announce(std::string subject, std::string message_id, std::any what) {
  Message message{.subject = std::move(subject), .deliveries = 1, .object = std::move(what)};
  asio::post(executor, [self = shared_from_this(), id = std::move(message_id), message = std::move(message)] {
    if (self->closed_) return;
    for (const auto& hearer : self->hearers_of(message.subject)) hearer->handler(id, message);
  });
}

std::shared_ptr<void> Core::hear_announced(std::string pattern, AnnouncementHandler handler) {
  auto hearer = std::make_shared<Hearer>(std::move(pattern), std::move(handler));
  const std::scoped_lock lock(locals_mutex_);
  std::erase_if(hearers_, [](const auto& weak) { return weak.expired(); });
  hearers_.push_back(hearer);
  return hearer;
}

asio::awaitable<Result<json::object>> Core::api(std::shared_ptr<Core> self, std::string call,
                                                json::object body) {
  std::vector<Question> questions(1);
  questions[0].subject = "$JS.API." + call;
  questions[0].body = body.empty() ? std::string() : canonical_json(body);
  auto replies = co_await ask(self, std::move(questions), kApiTimeout);
  SEP_CO_TRY(const std::string text, std::move(replies[0]));
  co_return parse_api_reply(text);
}

void Core::add(const std::shared_ptr<Consumer>& consumer) {
  std::erase_if(consumers_, [](const auto& weak) { return weak.expired(); });
  consumers_.push_back(consumer);
}

void Core::check_all() {
  for (const auto& consumer : consumers()) consumer->check_now();
}

std::vector<std::shared_ptr<Consumer>> Core::consumers() const {
  std::vector<std::shared_ptr<Consumer>> alive;
  for (const auto& weak : consumers_)
    if (auto consumer = weak.lock()) alive.push_back(std::move(consumer));
  return alive;
}

// --- Bus
// ----------------------------------------------------------------------------------------------------

Result<std::shared_ptr<Bus>> Bus::connect(asio::any_io_executor executor, Options options) {
  auto core = std::make_shared<Core>(std::move(executor), std::move(options));
  SEP_CHECK(core->connect());
  return std::shared_ptr<Bus>(new Bus(std::move(core)));
}

Bus::Bus(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Bus::~Bus() {
  core_->close();
}

void Bus::close() {
  core_->close();
}
bool Bus::connected() const {
  return core_->connected();
}
const asio::any_io_executor& Bus::executor() const {
  return core_->executor;
}

asio::awaitable<Result<std::string>> Bus::request(std::string subject, std::string body,
                                                  milliseconds timeout) {
  std::vector<Question> questions(1);
  questions[0].subject = std::move(subject);
  questions[0].body = std::move(body);
  auto results = co_await Core::ask(core_, std::move(questions), timeout);
  co_return std::move(results[0]);
}

asio::awaitable<Result<std::string>> Bus::request(std::string subject, std::any object,
                                                  std::function<std::string()> text, milliseconds timeout) {
  std::vector<Question> questions(1);
  questions[0].subject = std::move(subject);
  questions[0].object = std::move(object);
  questions[0].text = std::move(text);
  auto results = co_await Core::ask(core_, std::move(questions), timeout);
  co_return std::move(results[0]);
}

Status Bus::publish(std::string_view subject, std::string_view body, std::any object) {
  return core_->publish(std::string(subject), body, object);
}

Status Bus::reply(const Message& request, std::string_view body) {
  if (request.reply.empty()) return fail(errc::kInvalidValue, "no answer is awaited");
  return core_->send(request.reply, {}, body);
}

bool Bus::awaits(std::string_view subject) const {
  return core_->awaits(subject);
}

void Bus::announce(std::string subject, std::string message_id, std::any what) {
  core_->announce(std::move(subject), std::move(message_id), std::move(what));
}

Subscription Bus::hear_announced(std::string subject, MessageHandler handler) {
  return Subscription(core_->hear_announced(
      std::move(subject),
      [handler = std::move(handler)](const std::string&, const Message& message) { handler(message); }));
}

Result<Subscription> Bus::subscribe(const std::string& subject, const std::string& queue_group,
                                    MessageHandler handler) {
  SEP_TRY(auto listener,
          core_->listen(
              subject, queue_group, Listener::Where::kExecutor,
              [handler = std::move(handler)](const Incoming& incoming) { handler(incoming.message); },
              queue_group.empty() ? Line::kBulk : Line::kPrompt));
  if (queue_group.empty()) core_->hand_over_to(subject, Core::Serves::kEverybody, listener);
  return hold(*core_, std::move(listener));
}

Result<Subscription> Bus::serve(const std::string& subject, const std::string& queue_group,
                                RequestHandler handler) {
  auto shared = std::make_shared<RequestHandler>(std::move(handler));
  // The listener must not keep the core alive: the core owns the connection that the listener hangs on.
  const std::weak_ptr<Core> weak = core_;
  SEP_TRY(auto listener,
          core_->listen(subject, queue_group, Listener::Where::kExecutor, [weak, shared](Incoming incoming) {
            const auto core = weak.lock();
            if (!core) return;
            asio::co_spawn(core->executor, answer(core, shared, std::move(incoming.message)), asio::detached);
          }));
  core_->hand_over_to(subject, Core::Serves::kRequests, listener);
  return hold(*core_, std::move(listener));
}

Result<Subscription> Bus::serve_raw(const std::string& subject, const std::string& queue_group,
                                    MessageHandler handler) {
  SEP_TRY(auto listener, core_->listen(subject, queue_group, Listener::Where::kCallersThread,
                                       [handler = std::move(handler)](const Incoming& incoming) {
                                         handler(incoming.message);
                                       }));
  core_->hand_over_to(subject, Core::Serves::kRequests, listener);
  return hold(*core_, std::move(listener));
}

}  // namespace sep::bus
