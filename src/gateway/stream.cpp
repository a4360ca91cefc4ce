#include "gateway/stream.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/json.h"
#include "base/log.h"
#include "engine/topics.h"
#include "gateway/problem.h"
#include "gateway/validation.h"

namespace sep::gateway {
namespace {

using Clock = std::chrono::steady_clock;

/// True where the wait was ended by cancel() and not by time.
asio::awaitable<bool> wait(asio::steady_timer& timer) {
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return error == asio::error::operation_aborted;
}

}  // namespace

StreamEvent stream_event(const engine::Envelope& envelope, std::shared_ptr<const std::string> text) {
  SEP_ASSERT(envelope.global_sequence != 0);
  return {envelope.global_sequence, envelope.sequence, envelope.topic, envelope.correlation_id,
          std::move(text)};
}

StreamEvent stream_event(const engine::Envelope& envelope) {
  std::string text;
  engine::write_json(envelope, text);
  return stream_event(envelope, std::make_shared<const std::string>(std::move(text)));
}

namespace {

/// What one subscribe action asked for. Its beginning is by the intent's sequence or by the global one.
struct Subscription {
  std::vector<std::string> topics;  // empty: taken back
  std::string correlation_id;       // empty: of every intent
  bool by_sequence = false;
  std::uint64_t from = 0;

  bool covers(const StreamEvent& event) const {
    if ((by_sequence ? event.sequence : event.global_sequence) < from) return false;
    if (!correlation_id.empty() && correlation_id != event.correlation_id) return false;
    return std::any_of(topics.begin(), topics.end(),
                       [&](const auto& pattern) { return engine::topic::matches(pattern, event.topic); });
  }
};

using SubscriptionPtr = std::shared_ptr<Subscription>;

}  // namespace

/// The feed's side: the newest events and who is told of them.
struct StreamHub::Impl : std::enable_shared_from_this<StreamHub::Impl> {
  Impl(asio::any_io_executor e, History& h, std::uint64_t last, StreamLimits l)
      : executor(std::move(e)), history(h), limits(l), head(last), retry(executor) {}

  asio::any_io_executor executor;
  History& history;
  StreamLimits limits;
  std::uint64_t head;              // the last one passed on
  std::deque<StreamEvent> recent;  // contiguous; recent.back() is the head
  std::set<StreamClient::Impl*> clients;
  std::map<std::uint64_t, StreamEvent> held;  // came while one before them is missing
  std::uint64_t wanted = 0;                   // the highest that the feed brought
  bool filling = false;
  bool stopped = false;
  asio::steady_timer retry;
  std::uint64_t delivered = 0, dropped_clients = 0, gaps_filled = 0;

  std::uint64_t first_recent() const { return head + 1 - recent.size(); }
  const StreamEvent& recent_at(std::uint64_t global_sequence) const {
    return recent[global_sequence - first_recent()];
  }

  std::function<json::object()> pong_members;
  std::function<void(const StreamEvent&)> listener;

  json::object pong() const {
    auto members = pong_members ? pong_members() : json::object{};
    members["globalSequence"] = head;
    return members;
  }
  void publish(StreamEvent event);
  void reach(std::uint64_t global_sequence);
  void start_filling();
  void pass_on(StreamEvent event);
  void pass_on_held();
  asio::awaitable<void> fill_gap();
};

/// A client's side. Its events are those with a globalSequence below `position`, examined and done with; live
/// clients stand at the hub's head and are pushed to, others are brought there by catch_up().
struct StreamClient::Impl : std::enable_shared_from_this<StreamClient::Impl> {
  explicit Impl(std::shared_ptr<StreamHub::Impl> h)
      : hub(std::move(h)),
        position(hub->head + 1),
        frames_ready(hub->executor),
        room_ready(hub->executor),
        retry(hub->executor) {}

  std::shared_ptr<StreamHub::Impl> hub;
  std::vector<SubscriptionPtr> subscriptions;  // oldest first
  std::deque<SubscriptionPtr> missed;          // whose events before `position` are still to be read
  std::uint64_t position;
  bool catching_up = false;
  bool closing = false;
  bool detached = false;

  std::deque<Frame> queue;
  std::size_t queue_bytes = 0;
  std::uint64_t taken = 0;
  asio::steady_timer frames_ready, room_ready, retry;
  std::function<void()> closing_callback;

  bool ended() const { return closing || detached; }

  // --- actions

  void receive(std::string_view text);
  void subscribe(const json::object& action);
  void unsubscribe(const json::object& action);
  void reply(std::string_view action, const json::object& request, json::object more = {});
  void refuse(std::string_view code, std::string_view message, const json::object& request,
              const std::vector<Fault>& faults = {});

  // --- the queue

  void push(std::shared_ptr<const std::string> text);
  void order_close(CloseCode code, std::string reason);
  void drop_slow();
  bool is_full() const {
    return queue_bytes > hub->limits.max_queue_bytes || queue.size() > hub->limits.max_queue_frames;
  }
  bool has_room() const {
    return queue_bytes <= hub->limits.max_queue_bytes / 2 && queue.size() <= hub->limits.max_queue_frames / 2;
  }
  asio::awaitable<Frame> next();
  std::optional<Frame> ready();

  // --- events

  void live(const StreamEvent& event);
  void deliver(const StreamEvent& event);
  void start_catching_up();
  asio::awaitable<void> catch_up();
  asio::awaitable<void> read_missed(SubscriptionPtr subscription);
  asio::awaitable<void> deliver_missed(SubscriptionPtr subscription, std::vector<StreamEvent> events);
  asio::awaitable<void> advance();
  asio::awaitable<std::vector<StreamEvent>> read(std::uint64_t from, std::uint64_t end);
  asio::awaitable<std::optional<std::vector<StreamEvent>>> read_history(const Subscription& subscription);
  asio::awaitable<bool> read_failed(unsigned tries, std::string_view why);
  asio::awaitable<void> wait_for_room();
  bool covered_by_older(const Subscription* subscription, const StreamEvent& event) const;
};

// --- hub

void StreamHub::Impl::publish(StreamEvent event) {
  if (stopped || event.global_sequence <= head) return;
  wanted = std::max(wanted, event.global_sequence);
  if (!filling && event.global_sequence == head + 1) return pass_on(std::move(event));
  held.emplace(event.global_sequence, std::move(event));
  // What is let go here is on the record: fill_gap() reads on until it has all that was wanted.
  if (held.size() > limits.recent_events) held.erase(std::prev(held.end()));
  start_filling();
}

void StreamHub::Impl::reach(std::uint64_t global_sequence) {
  if (stopped || global_sequence <= head) return;
  wanted = std::max(wanted, global_sequence);
  start_filling();
}

void StreamHub::Impl::start_filling() {
  if (std::exchange(filling, true)) return;
  asio::co_spawn(executor, [self = shared_from_this()] { return self->fill_gap(); }, asio::detached);
}

void StreamHub::Impl::pass_on(StreamEvent event) {
  head = event.global_sequence;
  recent.push_back(std::move(event));
  if (recent.size() > limits.recent_events) recent.pop_front();
  if (listener) listener(recent.back());
  for (auto* client : clients) client->live(recent.back());
}

void StreamHub::Impl::pass_on_held() {
  while (!held.empty() && held.begin()->first <= head + 1) {
    auto next = held.extract(held.begin());
    if (next.key() == head + 1) pass_on(std::move(next.mapped()));
  }
}

asio::awaitable<void> StreamHub::Impl::fill_gap() {
  ++gaps_filled;
  pass_on_held();
  while (!stopped && head < wanted) {
    auto page = co_await history.range(head + 1, limits.page_events);
    const auto before = head;
    if (page) {
      for (auto& event : *page) {
        if (event.global_sequence == head + 1) pass_on(std::move(event));
      }
    }
    pass_on_held();
    if (head != before || stopped) continue;
    logger("gateway")->warn("stream: events from {} on are missing and cannot be read: {}", head + 1,
                            page ? "the record does not have them yet" : page.error().detail);
    retry.expires_after(limits.retry_delay);
    co_await wait(retry);
  }
  filling = false;
}

// --- client: actions

void StreamClient::Impl::receive(std::string_view text) {
  if (ended()) return;
  const auto document = parse_json(text);
  if (!document) return refuse(errc::kMalformedJson, document.error().detail, {});
  const json::object empty;
  const auto& action = document->is_object() ? document->get_object() : empty;
  const auto faults = validate(schema::kStreamAction, *document);
  if (!faults.empty()) {
    const bool unknown = faults.front().pointer.empty() || faults.front().pointer == "/action";
    return refuse(
        unknown ? errc::kInvalidAction : errc::kValidationFailed,
        unknown ? "an action is an object whose \"action\" is \"subscribe\", \"unsubscribe\" or \"ping\""
                : (faults.front().pointer.substr(1) + " " + faults.front().message),
        action, faults);
  }
  const auto& name = action.at("action").get_string();
  if (name == "ping") return reply("pong", {}, hub->pong());
  if (name == "subscribe") return subscribe(action);
  unsubscribe(action);
}

void StreamClient::Impl::subscribe(const json::object& action) {
  if (subscriptions.size() >= hub->limits.max_subscriptions)
    return refuse(
        errc::kInvalidAction,
        "a connection has at most " + std::to_string(hub->limits.max_subscriptions) + " subscriptions",
        action);
  auto subscription = std::make_shared<Subscription>();
  for (const auto& pattern : action.at("topics").get_array())
    subscription->topics.emplace_back(pattern.get_string());
  subscription->correlation_id = string_or(action, "correlationId");
  const auto* from = action.if_contains("fromSequence");
  subscription->by_sequence = from != nullptr && !subscription->correlation_id.empty();
  subscription->from = from != nullptr ? static_cast<std::uint64_t>(from->as_int64()) : hub->head + 1;
  subscriptions.push_back(subscription);
  reply("subscribed", action);
  const bool has_missed = subscription->by_sequence || subscription->from < position;
  if (!has_missed) return;
  missed.push_back(std::move(subscription));
  start_catching_up();
}

void StreamClient::Impl::unsubscribe(const json::object& action) {
  const auto* topics = action.if_contains("topics");
  const auto* correlation = action.if_contains("correlationId");
  for (const auto& subscription : subscriptions) {
    const bool other = subscription->correlation_id != string_or(action, "correlationId");
    if (other && (topics != nullptr || correlation != nullptr)) continue;
    std::erase_if(subscription->topics, [&](const std::string& pattern) {
      if (topics == nullptr) return true;
      const auto& list = topics->get_array();
      return std::find(list.begin(), list.end(), json::value(pattern)) != list.end();
    });
  }
  std::erase_if(subscriptions, [](const auto& subscription) { return subscription->topics.empty(); });
  reply("unsubscribed", action);
}

void StreamClient::Impl::reply(std::string_view action, const json::object& request, json::object more) {
  json::object answer{{"action", action}};
  for (auto& [key, value] : more) answer[key] = std::move(value);
  // The request's own words, where they have the right type, so that a client knows what is answered.
  const auto echo = [&](std::string_view key, bool right_type) {
    if (right_type) answer[key] = request.at(key);
  };
  if (const auto* topics = request.if_contains("topics"))
    echo("topics", topics->is_array() && std::all_of(topics->get_array().begin(), topics->get_array().end(),
                                                     [](const auto& topic) { return topic.is_string(); }));
  if (const auto* correlation = request.if_contains("correlationId"))
    echo("correlationId", correlation->is_string());
  if (const auto* from = request.if_contains("fromSequence"))
    echo("fromSequence", from->is_int64() && from->get_int64() >= 0);
  push(std::make_shared<const std::string>(json::serialize(answer)));
}

void StreamClient::Impl::refuse(std::string_view code, std::string_view message, const json::object& request,
                                const std::vector<Fault>& faults) {
  json::object more{{"code", code}, {"message", message}};
  if (!faults.empty()) more["errors"] = to_json(faults);
  reply("error", request, std::move(more));
}

// --- client: the queue

void StreamClient::Impl::push(std::shared_ptr<const std::string> text) {
  if (ended()) return;
  queue_bytes += text->size();
  queue.push_back({std::move(text), {}, {}});
  if (is_full()) return drop_slow();
  frames_ready.cancel();
}

void StreamClient::Impl::order_close(CloseCode code, std::string reason) {
  if (std::exchange(closing, true)) return;
  queue.push_back({nullptr, code, std::move(reason)});
  frames_ready.cancel();
  room_ready.cancel();
  retry.cancel();
  if (closing_callback) std::exchange(closing_callback, nullptr)();
}

void StreamClient::Impl::drop_slow() {
  ++hub->dropped_clients;
  queue.clear();
  queue_bytes = 0;
  const json::object error{{"action", "error"},
                           {"code", errc::kSlowConsumer},
                           {"message",
                            "events come faster than this connection takes them; connect again and "
                            "subscribe with fromSequence"}};
  queue.push_back({std::make_shared<const std::string>(json::serialize(error)), {}, {}});
  order_close(CloseCode::kPolicy, std::string(errc::kSlowConsumer));
}

asio::awaitable<StreamClient::Frame> StreamClient::Impl::next() {
  while (queue.empty() && !detached) {
    frames_ready.expires_at(Clock::time_point::max());
    co_await wait(frames_ready);
  }
  co_return detached ? Frame{} : *ready();
}

std::optional<StreamClient::Frame> StreamClient::Impl::ready() {
  if (queue.empty() || detached) return std::nullopt;
  auto frame = std::move(queue.front());
  queue.pop_front();
  if (frame.text) queue_bytes -= frame.text->size();
  ++taken;
  if (has_room()) room_ready.cancel();
  return frame;
}

// --- client: events

void StreamClient::Impl::live(const StreamEvent& event) {
  if (catching_up || ended()) return;
  position = event.global_sequence + 1;
  deliver(event);
}

void StreamClient::Impl::deliver(const StreamEvent& event) {
  const bool covered = std::any_of(subscriptions.begin(), subscriptions.end(),
                                   [&](const auto& subscription) { return subscription->covers(event); });
  if (!covered) return;
  ++hub->delivered;
  push(event.text);
}

void StreamClient::Impl::start_catching_up() {
  if (std::exchange(catching_up, true)) return;
  asio::co_spawn(hub->executor, [self = shared_from_this()] { return self->catch_up(); }, asio::detached);
}

asio::awaitable<void> StreamClient::Impl::catch_up() {
  while (!ended()) {
    if (!missed.empty()) {
      auto subscription = std::move(missed.front());
      missed.pop_front();
      co_await read_missed(std::move(subscription));
    } else if (position <= hub->head) {
      co_await advance();
    } else {
      break;
    }
  }
  catching_up = false;
}

// Delivers what `subscription` covers before `position`, which stands still meanwhile.
asio::awaitable<void> StreamClient::Impl::read_missed(SubscriptionPtr subscription) {
  if (subscription->by_sequence) {
    auto events = co_await read_history(*subscription);
    if (events) co_await deliver_missed(subscription, std::move(*events));
    co_return;
  }
  auto from = std::max<std::uint64_t>(subscription->from, 1);
  while (!ended() && from < position && !subscription->topics.empty()) {
    auto page = co_await read(from, position);
    from += page.size();
    co_await deliver_missed(subscription, std::move(page));
  }
}

asio::awaitable<void> StreamClient::Impl::deliver_missed(SubscriptionPtr subscription,
                                                         std::vector<StreamEvent> events) {
  for (const auto& event : events) {
    co_await wait_for_room();
    if (ended()) co_return;
    if (event.global_sequence >= position || !subscription->covers(event)) continue;
    if (covered_by_older(subscription.get(), event)) continue;
    ++hub->delivered;
    push(event.text);
  }
}

// Brings `position` nearer to the head.
asio::awaitable<void> StreamClient::Impl::advance() {
  const auto page = co_await read(position, hub->head + 1);
  for (const auto& event : page) {
    co_await wait_for_room();
    if (ended()) co_return;
    deliver(event);
    position = event.global_sequence + 1;
    if (!missed.empty()) co_return;
  }
}

// Some of the events [from, end), at least the first, from memory or the record; none only when the client
// has ended. `end` is at most the hub's head + 1.
asio::awaitable<std::vector<StreamEvent>> StreamClient::Impl::read(std::uint64_t from, std::uint64_t end) {
  for (unsigned tries = 0; !ended(); ++tries) {
    std::vector<StreamEvent> events;
    const auto limit = std::min<std::uint64_t>(end - from, hub->limits.page_events);
    if (from >= hub->first_recent()) {
      for (auto at = from; at < from + limit; ++at) events.push_back(hub->recent_at(at));
      co_return events;
    }
    auto page = co_await hub->history.range(from, limit);
    if (page) {
      for (auto& event : *page) {
        if (event.global_sequence != from + events.size() || event.global_sequence >= end) break;
        events.push_back(std::move(event));
      }
    }
    if (!events.empty()) co_return events;
    if (!co_await read_failed(tries, page ? "the record does not have them yet" : page.error().detail)) break;
  }
  co_return std::vector<StreamEvent>{};
}

// Nothing when the client has ended.
asio::awaitable<std::optional<std::vector<StreamEvent>>> StreamClient::Impl::read_history(
    const Subscription& subscription) {
  for (unsigned tries = 0; !ended(); ++tries) {
    auto events = co_await hub->history.history(subscription.correlation_id, subscription.from);
    if (events) co_return std::move(*events);
    if (!co_await read_failed(tries, events.error().detail)) break;
  }
  co_return std::nullopt;
}

// False when it is given up: the client is told and closed, since a subscription with a hole is worth
// nothing.
asio::awaitable<bool> StreamClient::Impl::read_failed(unsigned tries, std::string_view why) {
  if (ended()) co_return false;
  if (tries + 1 >= hub->limits.max_read_tries) {
    refuse(errc::kStoreUnavailable, "missed events cannot be read: " + std::string(why), {});
    order_close(CloseCode::kTryLater, std::string(errc::kStoreUnavailable));
    co_return false;
  }
  retry.expires_after(hub->limits.retry_delay);
  co_await wait(retry);
  co_return !ended();
}

// Missed events come as fast as the client takes them; only one that takes none at all is slow.
asio::awaitable<void> StreamClient::Impl::wait_for_room() {
  while (!ended() && !has_room()) {
    const auto before = taken;
    room_ready.expires_after(hub->limits.stall_timeout);
    const bool notified = co_await wait(room_ready);
    if (!notified && taken == before && !ended()) drop_slow();
  }
}

bool StreamClient::Impl::covered_by_older(const Subscription* subscription, const StreamEvent& event) const {
  for (const auto& older : subscriptions) {
    if (older.get() == subscription) return false;
    if (older->covers(event)) return true;
  }
  return false;
}

// --- the public faces

StreamClient::StreamClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
StreamClient::~StreamClient() {
  detach();
}

void StreamClient::receive(std::string_view text) {
  impl_->receive(text);
}
void StreamClient::receive_binary() {
  impl_->refuse(errc::kInvalidAction, "messages are text (JSON), not binary", {});
}
void StreamClient::receive_oversize() {
  impl_->refuse(errc::kBodyTooLarge,
                "a message has at most " + std::to_string(impl_->hub->limits.max_message_bytes) + " bytes",
                {});
}
asio::awaitable<StreamClient::Frame> StreamClient::next() {
  return impl_->next();
}
std::optional<StreamClient::Frame> StreamClient::ready() {
  return impl_->ready();
}
bool StreamClient::closing() const {
  return impl_->closing;
}
void StreamClient::on_closing(std::function<void()> callback) {
  if (impl_->closing) return callback();
  impl_->closing_callback = std::move(callback);
}

void StreamClient::detach() {
  if (std::exchange(impl_->detached, true)) return;
  impl_->hub->clients.erase(impl_.get());
  impl_->closing_callback = nullptr;
  impl_->frames_ready.cancel();
  impl_->room_ready.cancel();
  impl_->retry.cancel();
}

StreamHub::StreamHub(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
StreamHub::~StreamHub() {
  stop();
}

std::shared_ptr<StreamHub> StreamHub::create(asio::any_io_executor executor, History& history,
                                             std::uint64_t head, StreamLimits limits) {
  return std::make_shared<StreamHub>(std::make_shared<Impl>(std::move(executor), history, head, limits));
}

void StreamHub::reach(std::uint64_t global_sequence) {
  impl_->reach(global_sequence);
}
void StreamHub::publish(StreamEvent event) {
  impl_->publish(std::move(event));
}

void StreamHub::tell_with_pong(std::function<json::object()> members) {
  impl_->pong_members = std::move(members);
}

void StreamHub::tell(std::function<void(const StreamEvent&)> listener) {
  impl_->listener = std::move(listener);
}

std::shared_ptr<StreamClient> StreamHub::attach() {
  auto client = std::make_shared<StreamClient::Impl>(impl_);
  impl_->clients.insert(client.get());
  if (impl_->stopped) client->order_close(CloseCode::kGoingAway, "the server stops");
  return std::make_shared<StreamClient>(std::move(client));
}

void StreamHub::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  impl_->retry.cancel();
  for (auto* client : impl_->clients) client->order_close(CloseCode::kGoingAway, "the server stops");
}

StreamHub::Stats StreamHub::stats() const {
  Stats stats{impl_->head,      impl_->clients.size(),  0,
              impl_->delivered, impl_->dropped_clients, impl_->gaps_filled};
  for (const auto* client : impl_->clients) stats.subscriptions += client->subscriptions.size();
  return stats;
}

const StreamLimits& StreamHub::limits() const {
  return impl_->limits;
}

}  // namespace sep::gateway
