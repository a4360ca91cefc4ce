// The bus against a real nats-server.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "app/parts.h"
#include "base/json.h"
#include "bus/bus.h"
#include "support/eventually.h"
#include "support/temp_dir.h"

namespace sep::bus {
namespace {

using support::eventually;

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;  // for what should take milliseconds, on a busy machine
constexpr milliseconds kTimeout{5000};

/// What handlers saw, and a bounded wait for it.
template <class T>
class Seen {
 public:
  void add(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  template <class Condition>
  bool wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return condition(values_); });
  }
  bool wait_for_count(std::size_t count) {
    return wait_until([count](const auto& values) { return values.size() >= count; });
  }
  std::vector<T> values() {
    const std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

/// An executor on a thread of its own, as in production, and a bus on it.
class Member {
 public:
  /// Runs `function` on the executor and waits.
  template <class Function>
  auto run(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto done = task.get_future();
    asio::post(context_, [&task] { task(); });
    return done.get();
  }

  explicit Member(const std::string& url) : thread_([this] { context_.run(); }) {
    auto connected =
        Bus::connect(context_.get_executor(), {.url = url, .name = "test", .reconnect_wait = 10ms});
    if (!connected) ADD_FAILURE() << connected.error().detail;
    bus = std::move(connected).value();
  }
  ~Member() {
    run([this] {
      subscriptions.clear();
      bus->close();
    });
    guard_.reset();
    context_.stop();
    thread_.join();
    bus.reset();
  }

  void serve(const std::string& subject, RequestHandler handler) {
    run([&] { subscriptions.push_back(bus->serve(subject, "test", std::move(handler)).value()); });
  }
  void subscribe(const std::string& subject, MessageHandler handler) {
    run([&] { subscriptions.push_back(bus->subscribe(subject, {}, std::move(handler)).value()); });
  }
  void consume(ConsumerConfig config, WorkHandler handler) {
    auto subscription = bus->wait(bus->consume(std::move(config), std::move(handler)));
    ASSERT_TRUE(subscription) << subscription.error().detail;
    subscriptions.push_back(std::move(subscription).value());
  }
  Result<std::string> request(const std::string& subject, const std::string& body,
                              milliseconds timeout = kTimeout) {
    return bus->wait(bus->request(subject, body, timeout));
  }
  PubAck publish_event(const std::string& subject, const std::string& body, const std::string& id) {
    auto ack = bus->wait(bus->publish_event({subject, body, id}, kTimeout));
    if (!ack) throw std::runtime_error("publish_event: " + ack.error().detail);
    return *ack;
  }
  ConsumerCounters counters() {
    return run([this] { return bus->counters().at(0); });
  }

  std::shared_ptr<Bus> bus;
  std::vector<Subscription> subscriptions;

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(context_);
  std::thread thread_;
};

/// In a test, what handlers refer to is declared before the members, so that it ends after them.
class BusTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = app::start_nats(directory_.path());
    ASSERT_TRUE(started) << started.error().detail;
    nats_ = std::move(started).value();
  }

  std::unique_ptr<Member> join() { return std::make_unique<Member>(nats_->url()); }

  void make_stream(Member& member, milliseconds max_age = 0ms) {
    const auto info = member.bus->wait(
        member.bus->ensure_stream({.name = "EVENTS", .subjects = {"intent.>"}, .max_age = max_age}));
    ASSERT_TRUE(info) << info.error().detail;
  }

  void kill_nats() {
    nats_->kill(SIGKILL);
    ASSERT_TRUE(nats_->wait(10s));
  }

  support::TempDir directory_;
  std::unique_ptr<app::Nats> nats_;
};

ConsumerConfig workers() {
  ConsumerConfig config;
  config.stream = "EVENTS";
  config.durable = "test-workers";
  config.deliver_group = "test.workers";
  config.filter_subject = "intent.submitted";
  config.ack_wait = 600ms;
  config.check_interval = 100ms;
  return config;
}

asio::awaitable<Verdict> acknowledge(Message) {
  co_return Verdict::ack();
}

// --- Messages
// -----------------------------------------------------------------------------------------------

TEST_F(BusTest, ARequestIsAnsweredByTheCoroutineThatServesIt) {
  auto server = join();
  auto client = join();
  server->serve("echo",
                [](Message message) -> asio::awaitable<std::string> { co_return "re: " + message.body; });
  EXPECT_EQ(client->request("echo", "hello").value(), "re: hello");
  EXPECT_EQ(client->request("echo", "").value(), "re: ");
}

TEST_F(BusTest, ARequestThatItsOwnBusServesIsServedThere) {
  auto own = join();
  auto other = join();
  own->serve("echo", [](Message) -> asio::awaitable<std::string> { co_return "own"; });
  other->serve("echo", [](Message) -> asio::awaitable<std::string> { co_return "other"; });
  // The server would choose among the two.
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(own->request("echo", "").value(), "own");
    EXPECT_EQ(other->request("echo", "").value(), "other");
  }
  own->run([&] { own->subscriptions.clear(); });
  EXPECT_EQ(own->request("echo", "").value(), "other");
}

TEST_F(BusTest, ARequestThatItsOwnBusServesFailsWithoutAConnectionToo) {
  auto member = join();
  member->serve("echo", [](Message message) -> asio::awaitable<std::string> { co_return message.body; });
  kill_nats();
  ASSERT_TRUE(eventually([&] { return !member->bus->connected(); }, kPatience));
  EXPECT_EQ(member->request("echo", "hello").error().code, errc::kBusUnavailable);
}

TEST_F(BusTest, AnObjectStaysInItsProcessAndOthersGetTheText) {
  Seen<std::string> own, others;
  std::atomic<int> written = 0;
  auto asker = join();
  auto other = join();
  const RequestHandler what_came = [](Message message) -> asio::awaitable<std::string> {
    const auto* object = std::any_cast<int>(&message.object);
    co_return object != nullptr ? "object " + std::to_string(*object) + message.body : "text " + message.body;
  };
  const auto ask = [&] {
    return asker->bus
        ->wait(asker->bus->request(
            "echo", 7, [&] { return std::to_string(++written) + "st"; }, kTimeout))
        .value();
  };
  other->serve("echo", what_came);
  EXPECT_EQ(ask(), "text 1st");
  asker->serve("echo", what_came);
  EXPECT_EQ(ask(), "object 7");
  EXPECT_EQ(written, 1);

  asker->subscribe("news", [&](const Message& message) {
    own.add(message.body + std::to_string(std::any_cast<int>(message.object)));
  });
  other->subscribe("news", [&](const Message& message) { others.add(message.body); });
  ASSERT_TRUE(asker->bus->publish("news", "eight", 8));
  ASSERT_TRUE(own.wait_for_count(1));
  ASSERT_TRUE(others.wait_for_count(1));
  EXPECT_EQ(own.values(), std::vector<std::string>{"8"});
  EXPECT_EQ(others.values(), std::vector<std::string>{"eight"});
}

TEST_F(BusTest, WhatABusPublishesReachesItsOwnSubscribersAndOthersOnce) {
  Seen<std::string> own, others;
  auto publisher = join();
  auto listener = join();
  publisher->subscribe("news.*", [&](const Message& message) { own.add(message.body); });
  listener->subscribe("news.*", [&](const Message& message) { others.add(message.body); });
  for (const auto* text : {"one", "two", "three"}) ASSERT_TRUE(publisher->bus->publish("news.today", text));
  ASSERT_TRUE(own.wait_for_count(3));
  ASSERT_TRUE(others.wait_for_count(3));
  // What would have come twice would have come before the answer to this.
  listener->serve("echo", [](Message message) -> asio::awaitable<std::string> { co_return message.body; });
  ASSERT_TRUE(publisher->request("echo", "").has_value());
  EXPECT_EQ(own.values(), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(others.values(), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(BusTest, ARequestThatNobodyServesFailsAtOnce) {
  auto client = join();
  const auto start = std::chrono::steady_clock::now();
  const auto answer = client->request("nobody", "hello", 60s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::kBusUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
}

TEST_F(BusTest, ARequestWithoutAnAnswerTimesOut) {
  Seen<std::string> seen;
  auto silent = join();
  silent->subscribe("silent", [&](const Message& message) { seen.add(message.body); });
  const auto answer = join()->request("silent", "hello", 200ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::kTimeout);
  EXPECT_TRUE(seen.wait_for_count(1));
}

TEST_F(BusTest, AHandlerThatThrowsLeavesTheOthersAnswered) {
  auto member = join();
  member->serve("picky", [](Message message) -> asio::awaitable<std::string> {
    if (message.body == "bad") throw std::runtime_error("bad input");
    co_return "fine";
  });
  EXPECT_EQ(member->request("picky", "bad", 200ms).error().code, errc::kTimeout);
  EXPECT_EQ(member->request("picky", "good").value(), "fine");
}

TEST_F(BusTest, AThousandRequestsAreInFlightTogether) {
  std::vector<Message> asked;
  auto server = join();
  auto client = join();
  // The server answers none before it has all: with fewer in flight nobody would be answered.
  constexpr int kRequests = 1000;
  server->subscribe("square", [&](const Message& message) {
    asked.push_back(message);
    if (asked.size() < kRequests) return;
    for (const Message& one : asked) {
      const int number = std::stoi(one.body);
      EXPECT_TRUE(server->bus->reply(one, std::to_string(number * number)));
    }
  });
  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < kRequests; ++i) {
    answers.push_back(asio::co_spawn(
        client->bus->executor(), client->bus->request("square", std::to_string(i), 20s), asio::use_future));
  }
  for (int i = 0; i < kRequests; ++i) {
    const auto answer = answers[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(answer) << i << ": " << answer.error().detail;
    EXPECT_EQ(*answer, std::to_string(i * i));
  }
}

TEST_F(BusTest, AKeyChangesOnlyFromTheRevisionThatWasRead) {
  Member member(nats_->url());
  const auto get = [&] { return member.bus->wait(member.bus->get_key("things", "one.two")); };
  const auto put = [&](const std::string& value, std::uint64_t revision) {
    return member.bus->wait(member.bus->put_key("things", "one.two", value, revision, kTimeout));
  };
  EXPECT_EQ(get().error().code, errc::kNotFound) << "no such bucket";
  ASSERT_TRUE(member.bus->wait(member.bus->ensure_bucket("things")));
  ASSERT_TRUE(member.bus->wait(member.bus->ensure_bucket("things"))) << "it may be there";
  EXPECT_FALSE(get().value()) << "no such key";
  const auto first = put("a", 0);
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(put("b", 0).error().code, errc::kSequenceConflict);
  const auto second = put("b", *first);
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(put("c", *first).error().code, errc::kSequenceConflict);
  EXPECT_EQ(get().value()->value, "b");
  EXPECT_EQ(get().value()->revision, *second);
}

TEST_F(BusTest, ARawHandlerAnswersFromAThreadOfItsOwn) {
  std::promise<Message> asked;
  std::atomic<std::thread::id> handler_thread;
  auto server = join();
  auto client = join();
  std::thread worker([&, question = asked.get_future()]() mutable {
    const Message message = question.get();
    EXPECT_TRUE(server->bus->reply(message, "from a thread, to " + message.body));
  });
  server->run([&] {
    server->subscriptions.push_back(server->bus
                                        ->serve_raw("raw", "test",
                                                    [&](const Message& message) {
                                                      handler_thread = std::this_thread::get_id();
                                                      asked.set_value(message);
                                                    })
                                        .value());
  });
  EXPECT_EQ(client->request("raw", "you").value(), "from a thread, to you");
  worker.join();
  EXPECT_NE(handler_thread.load(), server->run([] { return std::this_thread::get_id(); }));
}

TEST_F(BusTest, AnEndedSubscriptionHearsNothing) {
  Seen<std::string> first, second;
  auto member = join();
  member->subscribe("news", [&](const Message& message) { first.add(message.body); });
  member->subscribe("news", [&](const Message& message) { second.add(message.body); });
  ASSERT_TRUE(member->bus->publish("news", "one"));
  ASSERT_TRUE(first.wait_for_count(1));
  member->run([&] { member->subscriptions.erase(member->subscriptions.begin()); });
  ASSERT_TRUE(member->bus->publish("news", "two"));
  ASSERT_TRUE(second.wait_for_count(2));
  EXPECT_EQ(first.values(), std::vector<std::string>{"one"});
}

TEST_F(BusTest, ConnectingToNothingFailsWithinItsBound) {
  asio::io_context context;
  const auto bus =
      Bus::connect(context.get_executor(), {.url = "nats://127.0.0.1:1", .connect_timeout = 200ms});
  ASSERT_FALSE(bus);
  EXPECT_EQ(bus.error().code, errc::kBusUnavailable);
}

TEST_F(BusTest, ClosingEndsTheRequestsInFlight) {
  Seen<std::string> seen;
  auto member = join();
  member->subscribe("silent", [&](const Message& message) { seen.add(message.body); });
  auto answer =
      asio::co_spawn(member->bus->executor(), member->bus->request("silent", "x", 60s), asio::use_future);
  ASSERT_TRUE(seen.wait_for_count(1));
  member->run([&] { member->bus->close(); });
  ASSERT_EQ(answer.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(answer.get().error().code, errc::kBusUnavailable);
  EXPECT_EQ(member->bus->publish("silent", "y").error().code, errc::kBusUnavailable);
}

TEST_F(BusTest, ALostConnectionEndsTheRequestsInFlightAndIsMadeAgain) {
  Seen<std::string> seen;
  auto member = join();
  member->subscribe("silent", [&](const Message& message) { seen.add(message.body); });
  auto answer =
      asio::co_spawn(member->bus->executor(), member->bus->request("silent", "x", 60s), asio::use_future);
  ASSERT_TRUE(seen.wait_for_count(1));
  kill_nats();
  ASSERT_EQ(answer.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(answer.get().error().code, errc::kBusUnavailable);
  EXPECT_FALSE(member->bus->connected());
  EXPECT_EQ(member->request("silent", "x", 60s).error().code, errc::kBusUnavailable);
  ASSERT_TRUE(nats_->start());
  EXPECT_TRUE(eventually([&] { return member->bus->publish("silent", "again").has_value(); }, kPatience));
  EXPECT_TRUE(seen.wait_for_count(2)) << "the subscription continues by itself";
}

// --- Streams
// ------------------------------------------------------------------------------------------------

TEST_F(BusTest, AStreamKeepsWhatWasAcknowledged) {
  auto member = join();
  Bus& bus = *member->bus;
  EXPECT_EQ(bus.wait(bus.stream_info("EVENTS")).error().code, errc::kNotFound);
  EXPECT_EQ(bus.wait(bus.last_message("EVENTS")).error().code, errc::kNotFound);
  EXPECT_EQ(bus.wait(bus.publish_event({"intent.submitted", "x", "id"}, kTimeout)).error().code,
            errc::kBusUnavailable);
  make_stream(*member);
  EXPECT_EQ(bus.wait(bus.last_message("EVENTS")).value(), std::nullopt);
  EXPECT_EQ(member->publish_event("intent.submitted", "one", "id-1").sequence, 1u);
  EXPECT_EQ(member->publish_event("intent.accepted", "two \x01\xff", "id-2").sequence, 2u);
  const auto last = bus.wait(bus.last_message("EVENTS")).value().value();
  EXPECT_EQ(last.sequence, 2u);
  EXPECT_EQ(last.subject, "intent.accepted");
  EXPECT_EQ(last.body, "two \x01\xff");
  EXPECT_EQ(bus.wait(bus.get_message("EVENTS", 1)).value().value().body, "one");
  EXPECT_EQ(bus.wait(bus.get_message("EVENTS", 3)).value(), std::nullopt);
  const auto info = bus.wait(bus.stream_info("EVENTS")).value();
  EXPECT_EQ(info.first_sequence, 1u);
  EXPECT_EQ(info.last_sequence, 2u);
  EXPECT_EQ(info.messages, 2u);
  EXPECT_TRUE(bus.wait(bus.delete_stream("EVENTS")));
  EXPECT_TRUE(bus.wait(bus.delete_stream("EVENTS"))) << "deleting what is not there is no error";
  EXPECT_EQ(bus.wait(bus.stream_info("EVENTS")).error().code, errc::kNotFound);
}

TEST_F(BusTest, AnExistingStreamTakesTheNewConfigurationAndKeepsItsMessages) {
  auto member = join();
  Bus& bus = *member->bus;
  make_stream(*member);
  member->publish_event("intent.submitted", "one", "id-1");
  const auto created = bus.wait(bus.stream_info("EVENTS")).value().created;
  const auto updated =
      bus.wait(bus.ensure_stream({.name = "EVENTS", .subjects = {"intent.>", "risk.>"}})).value();
  EXPECT_EQ(updated.messages, 1u);
  EXPECT_EQ(updated.created, created);
  EXPECT_EQ(member->publish_event("risk.approved", "two", "id-2").sequence, 2u);
}

TEST_F(BusTest, AMessageIdIsStoredOnceAlsoAcrossAKill) {
  auto member = join();
  make_stream(*member);
  EXPECT_FALSE(member->publish_event("intent.submitted", "one", "same").duplicate);
  EXPECT_TRUE(member->publish_event("intent.submitted", "one", "same").duplicate);
  kill_nats();
  ASSERT_TRUE(nats_->start());
  auto other = join();
  const PubAck again = other->publish_event("intent.submitted", "one", "same");
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.sequence, 1u);
}

TEST_F(BusTest, ABatchIsStoredInOrderAndSaysWhichFailed) {
  auto member = join();
  make_stream(*member);
  std::vector<Publication> batch;
  for (int i = 0; i < 500; ++i) {
    batch.push_back({"intent.submitted", std::to_string(i), "id-" + std::to_string(i)});
  }
  batch[200].subject = "no.stream.takes.this";
  const auto acks = member->bus->publish_events(batch, kTimeout);
  ASSERT_EQ(acks.size(), 500u);
  for (std::size_t i = 0; i < acks.size(); ++i) {
    if (i == 200) {
      EXPECT_EQ(acks[i].error().code, errc::kBusUnavailable);
      continue;
    }
    ASSERT_TRUE(acks[i]) << i << ": " << acks[i].error().detail;
    EXPECT_EQ(acks[i]->sequence, i < 200 ? i + 1 : i);
  }
  EXPECT_TRUE(member->bus->publish_events({}, kTimeout).empty());
}

std::vector<Publication> row(const std::string& prefix, int count, std::uint64_t behind) {
  std::vector<Publication> row;
  for (int i = 0; i < count; ++i)
    row.push_back({.subject = "intent.submitted",
                   .body = std::to_string(i),
                   .message_id = prefix + std::to_string(i),
                   .expected_last_sequence = behind + static_cast<std::uint64_t>(i)});
  return row;
}

TEST_F(BusTest, ARowIsStoredWholeAndItsLastAcknowledgementSaysSo) {
  auto member = join();
  make_stream(*member);
  const auto first = member->bus->publish_row(row("a", 300, 0), kTimeout);
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(first->sequence, 300U);
  const auto second = member->bus->publish_row(row("b", 1, 300), kTimeout);
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(second->sequence, 301U);
  const auto message = member->bus->wait(member->bus->get_message("EVENTS", 300)).value().value();
  EXPECT_EQ(message.body, "299");
}

TEST_F(BusTest, ARowWithAGapIsAnError) {
  auto member = join();
  make_stream(*member);
  // One that no stream takes, one that the stream has, and one in whose place another is.
  auto lost = row("a", 5, 0);
  lost[2].subject = "no.stream.takes.this";
  EXPECT_FALSE(member->bus->publish_row(lost, kTimeout));
  EXPECT_EQ(member->bus->wait(member->bus->stream_info("EVENTS"))->last_sequence, 2U);
  auto known = row("b", 5, 2);
  known[1].message_id = "a1";
  EXPECT_FALSE(member->bus->publish_row(known, kTimeout));
  EXPECT_EQ(member->bus->wait(member->bus->stream_info("EVENTS"))->last_sequence, 3U);
  // Behind it the sequences alone would let the rest in.
  member->publish_event("intent.submitted", "another's", "x");
  EXPECT_FALSE(member->bus->publish_row(row("c", 3, 3), kTimeout));
  EXPECT_EQ(member->bus->wait(member->bus->stream_info("EVENTS"))->last_sequence, 4U);
}

// --- Work queues
// --------------------------------------------------------------------------------------------

TEST_F(BusTest, AWorkQueueGetsItsSubjectOnly) {
  Seen<std::string> seen;
  auto member = join();
  make_stream(*member);
  member->publish_event("intent.submitted", "before", "a");
  member->publish_event("intent.accepted", "other", "b");
  member->consume(workers(), [&](Message message) -> asio::awaitable<Verdict> {
    seen.add(message.subject + " " + message.body + " " + std::to_string(message.stream_sequence));
    co_return Verdict::ack();
  });
  member->publish_event("intent.submitted", "after", "c");
  ASSERT_TRUE(seen.wait_for_count(2));
  EXPECT_EQ(seen.values(),
            (std::vector<std::string>{"intent.submitted before 1", "intent.submitted after 3"}));
}

TEST_F(BusTest, AWorkQueueWaitsForAStreamThatIsBeingMade) {
  Seen<std::string> seen;
  auto maker = join();
  auto worker = join();
  auto joined = std::async(std::launch::async, [&] {
    return worker->bus->wait(
        worker->bus->consume(workers(), [&](Message message) -> asio::awaitable<Verdict> {
          seen.add(message.body);
          co_return Verdict::ack();
        }));
  });
  // It looks in vain before there is a stream: how long it has looked does not matter.
  EXPECT_EQ(joined.wait_for(200ms), std::future_status::timeout);
  make_stream(*maker);
  maker->publish_event("intent.submitted", "work", "a");
  auto subscription = joined.get();
  ASSERT_TRUE(subscription) << subscription.error().detail;
  worker->subscriptions.push_back(std::move(*subscription));
  EXPECT_TRUE(seen.wait_for_count(1));
}

/// What the handler of a work queue was called with.
std::string called_with(const Message& message) {
  const auto* announced = std::any_cast<std::string>(&message.object);
  return announced != nullptr ? "announced " + *announced : "delivered " + message.body;
}

ConsumerConfig early_workers() {
  auto config = workers();
  config.early = true;
  return config;
}

TEST_F(BusTest, WorkThatIsDoneWhenAnnouncedIsNotDoneAgain) {
  Seen<std::string> seen;
  auto member = join();
  make_stream(*member);
  EXPECT_FALSE(member->bus->awaits("intent.submitted"));
  member->consume(early_workers(), [&](const Message& message) -> asio::awaitable<Verdict> {
    seen.add(called_with(message));
    co_return Verdict::ack();
  });
  EXPECT_TRUE(member->bus->awaits("intent.submitted"));
  EXPECT_FALSE(member->bus->awaits("intent.accepted"));
  member->bus->announce("intent.submitted", "a", std::string("first"));
  member->bus->announce("intent.accepted", "b", std::string("of no interest"));
  ASSERT_TRUE(seen.wait_for_count(1));
  member->publish_event("intent.submitted", "first", "a");
  member->publish_event("intent.submitted", "second", "c");
  ASSERT_TRUE(seen.wait_for_count(2));
  EXPECT_TRUE(eventually([&] { return member->counters().acked == 2; }, kPatience));
  EXPECT_EQ(seen.values(), (std::vector<std::string>{"announced first", "delivered second"}));
}

TEST_F(BusTest, WorkThatCouldNotBeDoneWhenAnnouncedIsDoneWhenItIsDelivered) {
  Seen<std::string> seen;
  auto member = join();
  make_stream(*member);
  member->consume(early_workers(), [&](const Message& message) -> asio::awaitable<Verdict> {
    seen.add(called_with(message));
    if (!message.object.has_value()) co_return Verdict::ack();
    if (std::any_cast<std::string>(message.object) == "a") co_return Verdict::wait(1ms);
    throw std::runtime_error("as a handler should not");
  });
  for (const auto* id : {"a", "b"}) {
    member->bus->announce("intent.submitted", id, std::string(id));
    ASSERT_TRUE(seen.wait_until([&](const auto& values) {
      return std::ranges::find(values, "announced " + std::string(id)) != values.end();
    }));
    member->publish_event("intent.submitted", id, id);
  }
  ASSERT_TRUE(seen.wait_for_count(4));
  EXPECT_TRUE(eventually([&] { return member->counters().acked == 2; }, kPatience));
  EXPECT_EQ(member->counters().retried, 0U);
}

TEST_F(BusTest, AMessageWaitsForTheHandlerThatItsAnnouncementBegan) {
  Seen<std::string> seen;
  std::optional<asio::steady_timer> held;
  auto member = join();
  make_stream(*member);
  const WorkHandler handler = [&](Message message) -> asio::awaitable<Verdict> {
    seen.add(called_with(message));
    if (!message.object.has_value()) co_return Verdict::ack();
    const bool done = std::any_cast<std::string>(message.object) == "done";
    held.emplace(co_await asio::this_coro::executor, 1h);
    co_await held->async_wait(asio::as_tuple(asio::use_awaitable));
    co_return done ? Verdict::ack() : Verdict::retry(0ms, "not on the record");
  };
  member->consume(early_workers(), handler);
  std::uint64_t acked = 0;
  for (const auto* id : {"done", "refused"}) {
    member->bus->announce("intent.submitted", id, std::string(id));
    ASSERT_TRUE(seen.wait_until([&](const auto& values) {
      return !values.empty() && values.back() == "announced " + std::string(id);
    }));
    member->publish_event("intent.submitted", id, id);
    ASSERT_TRUE(eventually([&] { return member->counters().held == 1; }, kPatience));
    EXPECT_EQ(member->counters().acked, acked);
    member->run([&] { held->cancel(); });
    ++acked;
    EXPECT_TRUE(eventually([&] { return member->counters().acked == acked; }, kPatience));
    EXPECT_EQ(member->counters().held, 0U);
  }
  EXPECT_EQ(seen.values(),
            (std::vector<std::string>{"announced done", "announced refused", "delivered refused"}));
}

TEST_F(BusTest, SaysHowFarAWorkQueueIs) {
  auto member = join();
  make_stream(*member);
  const auto info = [&] {
    return member->bus->wait(member->bus->consumer_info(workers().stream, workers().durable));
  };
  EXPECT_EQ(info().error().code, errc::kNotFound);
  Seen<std::string> seen;
  auto config = workers();
  config.max_ack_pending = 2;
  member->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    seen.add(message.body);
    asio::steady_timer never(co_await asio::this_coro::executor, 1h);
    co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return Verdict::ack();
  });
  for (const auto* id : {"a", "b", "c", "d", "e"}) member->publish_event("intent.submitted", id, id);
  ASSERT_TRUE(seen.wait_for_count(2));
  const auto behind = info();
  ASSERT_TRUE(behind) << behind.error().detail;
  EXPECT_EQ(behind->pending, 3u);
  EXPECT_EQ(behind->unacknowledged, 2u);
}

TEST_F(BusTest, AMessageWithoutAVerdictGoesToAnotherMember) {
  Seen<std::string> lost, found;
  auto publisher = join();
  make_stream(*publisher);
  {
    // A member that dies with the message in its hands: its executor is gone before the handler ends.
    Member dying(nats_->url());
    dying.consume(workers(), [&](Message message) -> asio::awaitable<Verdict> {
      lost.add(message.body);
      asio::steady_timer never(co_await asio::this_coro::executor, 1h);
      co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
      co_return Verdict::ack();
    });
    publisher->publish_event("intent.submitted", "work", "a");
    ASSERT_TRUE(lost.wait_for_count(1));
  }
  publisher->consume(workers(), [&](Message message) -> asio::awaitable<Verdict> {
    found.add(message.body + " " + std::to_string(message.deliveries));
    co_return Verdict::ack();
  });
  ASSERT_TRUE(found.wait_for_count(1));
  EXPECT_EQ(found.values(), std::vector<std::string>{"work 2"});
}

TEST_F(BusTest, ALongHandlerKeepsItsMessage) {
  std::atomic<int> started = 0;
  Seen<std::string> ended;
  auto first = join();
  auto second = join();
  make_stream(*first);
  // Four times as long as the server waits for an acknowledgement.
  const WorkHandler slow = [&](Message message) -> asio::awaitable<Verdict> {
    ++started;
    asio::steady_timer timer(co_await asio::this_coro::executor, 2400ms);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    ended.add(message.body);
    co_return Verdict::ack();
  };
  first->consume(workers(), slow);
  second->consume(workers(), slow);
  first->publish_event("intent.submitted", "work", "a");
  ASSERT_TRUE(ended.wait_for_count(1));
  EXPECT_EQ(started, 1);
}

TEST_F(BusTest, WhatFailsTooOftenIsADeadLetterAndBlocksNothing) {
  Seen<std::string> tried;
  Seen<std::string> dead;
  auto member = join();
  make_stream(*member);
  auto config = workers();
  config.max_tries = 3;
  config.max_in_flight = 1;
  member->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    tried.add(message.body);
    if (message.body == "poison") co_return Verdict::retry(10ms, "it is bad");
    if (message.body == "throws") throw std::runtime_error("what a handler throws");
    if (message.body == "hopeless") co_return Verdict::dead("never");
    co_return Verdict::ack();
  });
  ConsumerConfig readers;
  readers.stream = kDeadStream;
  readers.durable = "dead-readers";
  readers.deliver_group = "dead.readers";
  readers.filter_subject = "dead.>";
  member->consume(readers, [&](Message message) -> asio::awaitable<Verdict> {
    const auto letter = parse_json(message.body)->as_object();
    dead.add(message.subject + " " + string_or(letter, "data") + " " + string_or(letter, "reason") + " " +
             std::to_string(get_int(letter, "tries").value()));
    co_return Verdict::ack();
  });
  for (const std::string body : {"poison", "throws", "hopeless", "good"}) {
    member->publish_event("intent.submitted", body, body);
  }
  ASSERT_TRUE(dead.wait_for_count(3));
  auto letters = dead.values();
  std::ranges::sort(letters);
  EXPECT_EQ(letters, (std::vector<std::string>{"dead.intent.submitted hopeless never 1",
                                               "dead.intent.submitted poison it is bad 3",
                                               "dead.intent.submitted throws what a handler throws 3"}));
  ASSERT_TRUE(tried.wait_for_count(8));
  auto tries = tried.values();
  EXPECT_EQ(std::ranges::count(tries, "poison"), 3);
  EXPECT_EQ(std::ranges::count(tries, "throws"), 3);
  EXPECT_EQ(std::ranges::count(tries, "hopeless"), 1);
  EXPECT_EQ(std::ranges::count(tries, "good"), 1);
  EXPECT_TRUE(eventually([&] { return member->counters().dead == 3; }, kPatience));
  const auto counters = member->counters();
  EXPECT_EQ(counters.acked, 1u);
  EXPECT_EQ(counters.retried, 4u);
  EXPECT_EQ(counters.durable, "test-workers");
}

TEST_F(BusTest, WaitingCountsForNoTry) {
  std::atomic<int> calls = 0;
  Seen<std::uint64_t> done;
  auto member = join();
  make_stream(*member);
  auto config = workers();
  config.max_tries = 2;
  member->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    if (++calls < 50) co_return Verdict::wait(1ms);
    done.add(message.deliveries);
    co_return Verdict::ack();
  });
  member->publish_event("intent.submitted", "work", "a");
  ASSERT_TRUE(done.wait_for_count(1));
  EXPECT_EQ(done.values().front(), 1u);
  EXPECT_EQ(member->counters().dead, 0u);
}

TEST_F(BusTest, WhatWaitsHoldsUpNothing) {
  std::atomic<bool> open = false;
  Seen<std::string> looked_at, done;
  auto member = join();
  make_stream(*member);
  auto config = workers();
  config.max_in_flight = 2;
  member->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    looked_at.add(message.body);
    if (message.body != "good" && !open) co_return Verdict::wait(20ms);
    done.add(message.body);
    co_return Verdict::ack();
  });
  const std::vector<std::string> waiting{"a", "b", "c", "d", "e"};
  for (const auto& body : waiting) member->publish_event("intent.submitted", body, body);
  member->publish_event("intent.submitted", "good", "good");
  ASSERT_TRUE(done.wait_for_count(1));
  // All of them have their turn, again and again.
  EXPECT_TRUE(looked_at.wait_until([&](const auto& values) {
    return std::ranges::all_of(waiting,
                               [&](const auto& body) { return std::ranges::count(values, body) > 3; });
  }));
  open = true;
  ASSERT_TRUE(done.wait_for_count(6));
  EXPECT_TRUE(eventually([&] { return member->counters().held == 0; }, kPatience));
  EXPECT_EQ(member->counters().acked, 6u);
}

TEST_F(BusTest, WhatWaitsGoesToAnotherMemberWhereItsOwnEnds) {
  Seen<std::string> waiting, done;
  auto first = join();
  make_stream(*first);
  auto config = workers();
  config.ack_wait = 10'000ms;
  config.max_in_flight = 1;
  first->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    waiting.add(message.body);
    co_return Verdict::wait(message.body == "a" ? 100ms : 60'000ms);
  });
  for (const std::string body : {"a", "b", "c"}) first->publish_event("intent.submitted", body, body);
  ASSERT_TRUE(waiting.wait_until([](const auto& values) { return std::ranges::count(values, "c") > 0; }));
  first->run([&] { first->subscriptions.clear(); });
  auto second = join();
  second->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    done.add(message.body);
    co_return Verdict::ack();
  });
  // At once, not after ack_wait.
  EXPECT_TRUE(eventually([&] { return done.values().size() == 3; }, 5s));
}

TEST_F(BusTest, RestartsCountForNoTry) {
  Seen<std::uint64_t> waiting, done;
  auto publisher = join();
  make_stream(*publisher);
  auto config = workers();
  config.max_tries = 2;
  publisher->publish_event("intent.submitted", "work", "a");
  // Members that end while they wait: in order, which gives the message back, or not.
  for (std::size_t i = 1; i <= 4; ++i) {
    auto member = join();
    member->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
      waiting.add(message.deliveries);
      co_return Verdict::wait(i % 2 == 0 ? milliseconds{10} : milliseconds{60'000});
    });
    ASSERT_TRUE(
        waiting.wait_until([i](const auto& values) { return !values.empty() && values.back() >= i; }));
    if (i % 2 == 0) {
      member->run([&] { member->subscriptions.clear(); });
      ASSERT_TRUE(eventually([&] { return member->counters().held == 0; }, kPatience));
    }
  }
  // What it met on the way does not cost it its tries either.
  auto last = join();
  last->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    done.add(message.deliveries);
    if (done.values().size() < 2) co_return Verdict::retry(10ms, "somebody else was first");
    co_return Verdict::ack();
  });
  ASSERT_TRUE(done.wait_for_count(2));
  EXPECT_TRUE(eventually([&] { return last->counters().acked == 1; }, kPatience));
  EXPECT_GT(done.values().front(), config.max_tries);
  EXPECT_EQ(last->counters().dead, 0u);
}

TEST_F(BusTest, WhatEndsItsMembersIsADeadLetterInTheEnd) {
  std::atomic<int> started = 0;
  auto publisher = join();
  make_stream(*publisher);
  auto config = workers();
  config.max_tries = 1;
  config.ack_wait = 100ms;
  publisher->publish_event("intent.submitted", "poison", "a");
  const auto dead = [&] {
    const auto info = publisher->bus->wait(publisher->bus->stream_info(std::string(kDeadStream)));
    return info && info->messages == 1;
  };
  for (int members = 1; !dead(); ++members) {
    ASSERT_LE(members, 30);
    auto member = join();
    member->consume(config, [&](Message) -> asio::awaitable<Verdict> {
      ++started;
      asio::steady_timer never(co_await asio::this_coro::executor, 1h);
      co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
      co_return Verdict::ack();
    });
    ASSERT_TRUE(eventually([&] { return started == members || dead(); }, kPatience));
  }
  EXPECT_GT(started, 1);
  EXPECT_LE(started, 10);
}

TEST_F(BusTest, AGroupSharesTheWork) {
  Seen<std::pair<int, std::string>> seen;
  int by_first = 0;
  constexpr int kMessages = 400;
  auto first = join();
  auto second = join();
  make_stream(*first);
  for (const auto& [number, member] : {std::pair{1, first.get()}, std::pair{2, second.get()}}) {
    member->consume(workers(), [&seen, number](Message message) -> asio::awaitable<Verdict> {
      seen.add({number, message.body});
      co_return Verdict::ack();
    });
  }
  std::vector<Publication> batch;
  for (int i = 0; i < kMessages; ++i) {
    batch.push_back({"intent.submitted", std::to_string(i), "id-" + std::to_string(i)});
  }
  for (const auto& ack : first->bus->publish_events(std::move(batch), kTimeout)) ASSERT_TRUE(ack);
  ASSERT_TRUE(seen.wait_for_count(kMessages));
  std::set<std::string> bodies;
  for (const auto& [member, body] : seen.values()) {
    bodies.insert(body);
    by_first += member == 1;
  }
  EXPECT_EQ(bodies.size(), static_cast<std::size_t>(kMessages));
  EXPECT_EQ(seen.values().size(), static_cast<std::size_t>(kMessages)) << "none went to both";
  EXPECT_GT(by_first, kMessages / 10);
  EXPECT_LT(by_first, kMessages * 9 / 10);
}

TEST_F(BusTest, NoMoreHandlersRunThanAllowed) {
  int running = 0, most = 0;
  Seen<std::string> done;
  auto member = join();
  make_stream(*member);
  auto config = workers();
  config.max_in_flight = 3;
  member->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    most = std::max(most, ++running);
    asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    --running;
    done.add(message.body);
    co_return Verdict::ack();
  });
  for (int i = 0; i < 30; ++i) {
    member->publish_event("intent.submitted", std::to_string(i), "id-" + std::to_string(i));
  }
  ASSERT_TRUE(done.wait_for_count(30));
  EXPECT_EQ(most, 3);
}

TEST_F(BusTest, AnotherConfigurationReplacesTheConsumer) {
  Seen<std::string> seen;
  auto member = join();
  make_stream(*member);
  member->consume(workers(), acknowledge);
  member->run([&] { member->subscriptions.clear(); });
  auto config = workers();
  config.filter_subject = "intent.accepted";
  config.ack_wait = 900ms;
  member->consume(config, [&](Message message) -> asio::awaitable<Verdict> {
    seen.add(message.body);
    co_return Verdict::ack();
  });
  member->publish_event("intent.submitted", "one", "a");
  member->publish_event("intent.accepted", "two", "b");
  ASSERT_TRUE(seen.wait_for_count(1));
  EXPECT_EQ(seen.values(), std::vector<std::string>{"two"});
}

TEST_F(BusTest, ADeletedConsumerIsMadeAnewAndReadsFromTheStart) {
  Seen<std::string> seen;
  auto member = join();
  auto other = join();
  make_stream(*member);
  member->consume(workers(), [&](Message message) -> asio::awaitable<Verdict> {
    seen.add(message.body);
    co_return Verdict::ack();
  });
  member->publish_event("intent.submitted", "one", "a");
  ASSERT_TRUE(seen.wait_for_count(1));
  ASSERT_TRUE(other->request("$JS.API.CONSUMER.DELETE.EVENTS.test-workers", ""));
  ASSERT_TRUE(seen.wait_for_count(2)) << "the member noticed that its consumer is gone";
  EXPECT_EQ(seen.values(), (std::vector<std::string>{"one", "one"}));
  // Counted when the server's answer is here, which may be after the message.
  EXPECT_TRUE(eventually([&] { return member->counters().recreated == 1; }, kPatience));
}

TEST_F(BusTest, AWorkQueueSurvivesAStreamThatWasMadeAnew) {
  Seen<std::string> seen;
  auto member = join();
  make_stream(*member);
  member->consume(workers(), [&](Message message) -> asio::awaitable<Verdict> {
    seen.add(message.body);
    co_return Verdict::ack();
  });
  ASSERT_TRUE(member->bus->wait(member->bus->delete_stream("EVENTS")));
  make_stream(*member);
  member->publish_event("intent.submitted", "new", "a");
  ASSERT_TRUE(seen.wait_for_count(1));
  EXPECT_EQ(seen.values(), std::vector<std::string>{"new"});
}

TEST_F(BusTest, AKilledServerLosesNoWork) {
  Seen<std::string> seen;
  auto member = join();
  make_stream(*member);
  member->consume(workers(), [&](Message message) -> asio::awaitable<Verdict> {
    seen.add(message.body);
    co_return Verdict::ack();
  });
  std::set<std::string> published;
  for (int round = 0; round < 3; ++round) {
    // Published again with the same id until acknowledged, as the coordinator does.
    for (int i = 0; i < 50; ++i) {
      const std::string body = std::to_string(round) + "." + std::to_string(i);
      ASSERT_TRUE(eventually(
          [&] {
            return member->bus->wait(member->bus->publish_event({"intent.submitted", body, body}, 1000ms))
                .has_value();
          },
          kPatience));
      published.insert(body);
    }
    kill_nats();
    ASSERT_TRUE(nats_->start());
  }
  EXPECT_TRUE(seen.wait_until([&](const std::vector<std::string>& values) {
    return std::set<std::string>(values.begin(), values.end()) == published;
  }));
}

}  // namespace
}  // namespace sep::bus
