#include "gateway/stream.h"

#include <map>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "engine/topics.h"
#include "gateway/validation.h"

namespace sep::gateway {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using engine::topic::matches;
using testing::ElementsAre;

const std::vector<std::string> kCorrelations = {"intent-01J5S3Y4PEJHBJ5A7FYHBXQRF0",
                                                "intent-01J5S3Y4PEJHBJ5A7FYHBXQRF1",
                                                "intent-01J5S3Y4PEJHBJ5A7FYHBXQRF2"};
const std::vector<std::string> kTopics = {"intent.submitted", "exec.started", "exec.step_filled",
                                          "plan.created"};

/// A record in memory. Reads take some turns of the executor, before and after they look.
class Record : public History {
 public:
  explicit Record(asio::io_context& io) : io_(io) {}

  const StreamEvent& commit(const std::string& correlation_id, const std::string& topic) {
    StreamEvent event{events.size() + 1, ++sequences_[correlation_id], topic, correlation_id, nullptr};
    event.text = std::make_shared<const std::string>(
        json::serialize(json::object{{"globalSequence", event.global_sequence}, {"topic", topic}}));
    return events.emplace_back(std::move(event));
  }

  asio::awaitable<Result<std::vector<StreamEvent>>> range(std::uint64_t from, std::size_t limit) override {
    ++reads;
    co_await turns();
    if (failing) co_return fail(errc::kStoreUnavailable, "the test says so");
    std::vector<StreamEvent> page;
    for (auto at = from; at <= events.size() && page.size() < limit; ++at) page.push_back(events[at - 1]);
    co_await turns();
    co_return page;
  }

  asio::awaitable<Result<std::vector<StreamEvent>>> history(std::string correlation_id,
                                                            std::uint64_t from) override {
    ++reads;
    co_await turns();
    if (failing) co_return fail(errc::kStoreUnavailable, "the test says so");
    std::vector<StreamEvent> found;
    for (const auto& event : events) {
      if (event.correlation_id == correlation_id && event.sequence >= from) found.push_back(event);
    }
    co_await turns();
    co_return found;
  }

  std::vector<StreamEvent> events;
  bool failing = false;
  std::size_t reads = 0;

 private:
  asio::awaitable<void> turns() {
    for (int i = 0; i < 3; ++i) co_await asio::post(io_, asio::use_awaitable);
  }

  asio::io_context& io_;
  std::map<std::string, std::uint64_t> sequences_;
};

/// A client whose owner takes what comes, unless told to pause.
struct Reader {
  explicit Reader(asio::io_context& io, StreamHub& hub) : client(hub.attach()) {
    asio::co_spawn(io, take_all(client, taken), asio::detached);
  }
  ~Reader() { client->detach(); }

  struct Taken {
    std::vector<std::uint64_t> events;
    std::vector<json::object> replies;
    std::optional<CloseCode> closed;
  };

  static asio::awaitable<void> take_all(std::shared_ptr<StreamClient> client, std::shared_ptr<Taken> taken) {
    while (true) {
      const auto frame = co_await client->next();
      if (!frame.text) {
        taken->closed = frame.code;
        co_return;
      }
      auto message = json::parse(*frame.text).as_object();
      if (message.contains("action"))
        taken->replies.push_back(std::move(message));
      else
        taken->events.push_back(message.at("globalSequence").to_number<std::uint64_t>());
    }
  }

  void subscribe(const std::string& topic, const std::string& correlation_id = {},
                 std::optional<std::uint64_t> from = {}) {
    json::object action{{"action", "subscribe"}, {"topics", json::array{topic}}};
    if (!correlation_id.empty()) action["correlationId"] = correlation_id;
    if (from) action["fromSequence"] = *from;
    client->receive(json::serialize(action));
  }

  std::shared_ptr<StreamClient> client;
  std::shared_ptr<Taken> taken = std::make_shared<Taken>();
};

class Stream : public testing::Test {
 protected:
  void start(StreamLimits limits = {}) { hub = StreamHub::create(io.get_executor(), record, 0, limits); }
  // Commits and publishes `count` events of the first intent.
  void feed(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) hub->publish(record.commit(kCorrelations[0], kTopics[0]));
  }
  // Runs what is ready; waits for timers until `done`.
  template <class Done>
  bool settle(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!done() && std::chrono::steady_clock::now() < deadline) io.run_one_for(10ms);
    io.poll();
    return done();
  }

  asio::io_context io;
  Record record{io};
  std::shared_ptr<StreamHub> hub;
};

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (auto n = first; n <= last; ++n) all.push_back(n);
  return all;
}

TEST(Topics, WildcardsAreThoseOfNats) {
  EXPECT_TRUE(matches("intent.submitted", "intent.submitted"));
  EXPECT_TRUE(matches("intent.*", "intent.submitted"));
  EXPECT_TRUE(matches("*.submitted", "intent.submitted"));
  EXPECT_TRUE(matches(">", "intent.submitted"));
  EXPECT_TRUE(matches("intent.>", "intent.submitted"));
  EXPECT_TRUE(matches("a.*.c.>", "a.b.c.d.e"));
  EXPECT_FALSE(matches("intent", "intent.submitted"));
  EXPECT_FALSE(matches("intent.>", "intent"));
  EXPECT_FALSE(matches("*", "intent.submitted"));
  EXPECT_FALSE(matches("intent.*", "intent"));
  EXPECT_FALSE(matches("intent.*", "intent.a.b"));
  EXPECT_FALSE(matches("exec.*", "intent.submitted"));
  EXPECT_FALSE(matches("intent.sub", "intent.submitted"));
}

TEST_F(Stream, ItsListenerHearsWhatTheFeedSkippedOnceAndInOrder) {
  start();
  const Reader connected(io, *hub);
  std::vector<std::uint64_t> heard;
  hub->tell([&](const StreamEvent& event) { heard.push_back(event.global_sequence); });
  feed(1);
  record.commit(kCorrelations[0], kTopics[0]);  // the feed loses it
  feed(1);
  ASSERT_TRUE(settle([&] { return hub->stats().head == 3; }));
  hub->publish(record.events[1]);
  record.commit(kCorrelations[0], kTopics[0]);
  hub->reach(4);
  ASSERT_TRUE(settle([&] { return hub->stats().head == 4; }));
  EXPECT_THAT(heard, ElementsAre(1, 2, 3, 4));
}

TEST_F(Stream, DeliversWhatComesAfterSubscribing) {
  start();
  feed(2);
  Reader reader(io, *hub);
  reader.subscribe("intent.*");
  feed(2);
  hub->publish(record.commit(kCorrelations[0], "exec.started"));
  io.poll();
  EXPECT_EQ(reader.taken->events, numbers(3, 4));
  ASSERT_EQ(reader.taken->replies.size(), 1u);
  EXPECT_EQ(reader.taken->replies[0], (json::object{{"action", "subscribed"}, {"topics", {"intent.*"}}}));
}

TEST_F(Stream, APongSaysHowFarTheStreamIs) {
  start();
  Reader reader(io, *hub);
  const auto pong = [&] {
    reader.client->receive(R"({"action": "ping"})");
    io.poll();
    EXPECT_TRUE(validate("api/stream_reply", reader.taken->replies.back()).empty());
    return reader.taken->replies.back();
  };
  EXPECT_EQ(pong(), (json::object{{"action", "pong"}, {"globalSequence", 0}}));
  feed(3);
  std::uint64_t block = 7;
  hub->tell_with_pong([&] { return json::object{{"blockNumber", block}, {"blockAgeMs", 12}}; });
  pong();
  block = 8;
  EXPECT_EQ(pong(), (json::object{
                        {"action", "pong"}, {"globalSequence", 3}, {"blockNumber", 8}, {"blockAgeMs", 12}}));
}

TEST_F(Stream, RepliesFollowTheirSchemaAndEchoTheRequest) {
  start();
  Reader reader(io, *hub);
  const std::string named = R"("topics": ["exec.>"], "correlationId": ")" + kCorrelations[1] + "\"";
  for (const std::string& message :
       {R"({"action": "ping"})"s, R"({"action": "subscribe", )" + named + R"(, "fromSequence": 2})",
        R"({"action": "unsubscribe", )" + named + "}",
        R"({"action": "subscribe", )" + named + R"(, "fromSequence": -2})",
        R"({"action": "fly", )" + named + "}", "garbage"s, "[]"s, "{}"s, "\xff\xfe"s})
    reader.client->receive(message);
  reader.client->receive_binary();
  reader.client->receive_oversize();
  io.poll();
  const auto& replies = reader.taken->replies;
  ASSERT_EQ(replies.size(), 11u);
  for (const auto& reply : replies)
    EXPECT_TRUE(validate("api/stream_reply", reply).empty()) << json::serialize(reply);
  const auto code = [&](std::size_t i) { return string_or(replies[i], "code"); };
  EXPECT_EQ(string_or(replies[0], "action"), "pong");
  EXPECT_EQ(string_or(replies[1], "action"), "subscribed");
  EXPECT_EQ(string_or(replies[2], "action"), "unsubscribed");
  for (const auto i : {1, 2, 3, 4}) EXPECT_EQ(string_or(replies[i], "correlationId"), kCorrelations[1]) << i;
  EXPECT_EQ(replies[1].at("fromSequence"), 2);
  EXPECT_EQ(code(3), errc::kValidationFailed);
  EXPECT_EQ(replies[3].at("errors").at(0).at("pointer"), "/fromSequence");
  EXPECT_EQ(code(4), errc::kInvalidAction);
  EXPECT_EQ(code(5), errc::kMalformedJson);
  EXPECT_EQ(code(6), errc::kInvalidAction);
  EXPECT_EQ(code(7), errc::kInvalidAction);
  EXPECT_EQ(code(8), errc::kMalformedJson);
  EXPECT_EQ(code(9), errc::kInvalidAction);
  EXPECT_EQ(code(10), errc::kBodyTooLarge);
  EXPECT_FALSE(reader.taken->closed);
}

TEST_F(Stream, SubscriptionsAreBounded) {
  start({.max_subscriptions = 2});
  Reader reader(io, *hub);
  for (const auto* topic : {"a.*", "b.*", "c.*"}) reader.subscribe(topic);
  io.poll();
  EXPECT_EQ(string_or(reader.taken->replies.at(2), "code"), errc::kInvalidAction);
  reader.client->receive(R"({"action": "unsubscribe", "topics": ["a.*"]})");
  reader.subscribe("c.*");
  io.poll();
  EXPECT_EQ(string_or(reader.taken->replies.at(4), "action"), "subscribed");
}

TEST_F(Stream, UnsubscribeTakesBackWhatItNames) {
  start();
  Reader reader(io, *hub);
  reader.client->receive(R"({"action": "subscribe", "topics": ["intent.*", "exec.*"]})");
  reader.subscribe("intent.*", kCorrelations[1]);
  reader.client->receive(R"({"action": "unsubscribe", "topics": ["intent.*"]})");
  hub->publish(record.commit(kCorrelations[0], "intent.submitted"));  // 1: nobody's any more
  hub->publish(record.commit(kCorrelations[0], "exec.started"));      // 2: the pattern that stays
  hub->publish(record.commit(kCorrelations[1], "intent.submitted"));  // 3: the intent's own subscription
  reader.client->receive(R"({"action": "unsubscribe"})");
  hub->publish(record.commit(kCorrelations[1], "intent.submitted"));
  io.poll();
  EXPECT_THAT(reader.taken->events, ElementsAre(2, 3));
  EXPECT_EQ(hub->stats().subscriptions, 0u);
}

TEST_F(Stream, RecentEventsNeedNoReadOfTheRecord) {
  start();
  feed(20);
  Reader reader(io, *hub);
  reader.subscribe(">", {}, 5);
  ASSERT_TRUE(settle([&] { return reader.taken->events.size() >= 16; }));
  EXPECT_EQ(reader.taken->events, numbers(5, 20));
  EXPECT_EQ(record.reads, 0u);
}

TEST_F(Stream, OlderEventsComeFromTheRecordWhileNewOnesAreHeld) {
  start({.recent_events = 4, .page_events = 3});
  feed(30);
  Reader reader(io, *hub);
  reader.subscribe(">", {}, 2);
  for (int i = 0; i < 50; ++i) {
    io.poll_one();
    feed(1);
  }
  ASSERT_TRUE(settle([&] { return reader.taken->events.size() >= 79; }));
  EXPECT_EQ(reader.taken->events, numbers(2, 80));
}

TEST_F(Stream, ABacklogLargerThanTheQueueIsDelivered) {
  start({.max_queue_frames = 8, .recent_events = 64, .page_events = 50});
  for (int i = 0; i < 500; ++i) hub->publish(record.commit(kCorrelations[0], kTopics[0]));
  Reader reader(io, *hub);
  reader.subscribe(">", {}, 1);
  ASSERT_TRUE(settle([&] { return reader.taken->events.size() >= 500 || reader.taken->closed; }));
  EXPECT_EQ(reader.taken->events, numbers(1, 500));
}

TEST_F(Stream, ASkippingFeedIsFilledFromTheRecord) {
  start({.page_events = 3});
  Reader reader(io, *hub);
  reader.subscribe(">");
  for (int i = 0; i < 20; ++i) record.commit(kCorrelations[0], kTopics[0]);
  for (const auto global : {2, 1, 9, 9, 12, 3, 20})
    hub->publish(record.events[static_cast<std::size_t>(global - 1)]);
  ASSERT_TRUE(settle([&] { return reader.taken->events.size() >= 20; }));
  EXPECT_EQ(reader.taken->events, numbers(1, 20));
  feed(1);
  ASSERT_TRUE(settle([&] { return reader.taken->events.size() >= 21; }));
  EXPECT_EQ(hub->stats().head, 21u);
}

TEST_F(Stream, AGapWaitsForTheRecordToAnswer) {
  start({.retry_delay = 1ms});
  Reader reader(io, *hub);
  reader.subscribe(">");
  for (int i = 0; i < 3; ++i) record.commit(kCorrelations[0], kTopics[0]);
  record.failing = true;
  hub->publish(record.events[2]);
  ASSERT_TRUE(settle([&] { return record.reads >= 3; }));
  EXPECT_TRUE(reader.taken->events.empty());
  record.failing = false;
  ASSERT_TRUE(settle([&] { return reader.taken->events.size() >= 3; }));
  EXPECT_EQ(reader.taken->events, numbers(1, 3));
}

TEST_F(Stream, WhatTheFeedLostAtItsEndIsReadOnceItIsKnownToBeThere) {
  start();
  Reader reader(io, *hub);
  reader.subscribe(">");
  feed(1);
  record.commit(kCorrelations[0], kTopics[0]);
  record.commit(kCorrelations[0], kTopics[0]);
  io.poll();
  EXPECT_EQ(reader.taken->events, numbers(1, 1));
  hub->reach(3);
  ASSERT_TRUE(settle([&] { return reader.taken->events.size() >= 3; }));
  EXPECT_EQ(reader.taken->events, numbers(1, 3));
  const auto reads = record.reads;
  hub->reach(3);
  io.poll();
  EXPECT_EQ(record.reads, reads);
}

TEST_F(Stream, MissedEventsThatCannotBeReadEndTheConnection) {
  start({.retry_delay = 1ms, .max_read_tries = 3});
  feed(2);
  record.failing = true;
  Reader reader(io, *hub);
  reader.subscribe(">", kCorrelations[0], 1);
  ASSERT_TRUE(settle([&] { return reader.taken->closed.has_value(); }));
  EXPECT_EQ(*reader.taken->closed, CloseCode::kTryLater);
  EXPECT_EQ(string_or(reader.taken->replies.back(), "code"), errc::kStoreUnavailable);
}

TEST_F(Stream, ASlowClientIsToldAndClosedWhileOthersReceive) {
  start({.max_queue_bytes = 2000});
  Reader quick(io, *hub);
  quick.subscribe(">");
  const auto slow = hub->attach();  // nobody takes its frames
  slow->receive(R"({"action": "subscribe", "topics": [">"]})");
  bool told = false;
  slow->on_closing([&] { told = true; });
  for (int i = 0; i < 200; ++i) {
    feed(1);
    io.poll();
  }
  EXPECT_EQ(quick.taken->events, numbers(1, 200));
  EXPECT_TRUE(told);
  EXPECT_TRUE(slow->closing());
  EXPECT_EQ(hub->stats().dropped_clients, 1u);
  auto taken = std::make_shared<Reader::Taken>();
  asio::co_spawn(io, Reader::take_all(slow, taken), asio::detached);
  io.poll();
  ASSERT_EQ(taken->replies.size(), 1u);
  EXPECT_EQ(string_or(taken->replies[0], "code"), errc::kSlowConsumer);
  EXPECT_EQ(taken->closed, CloseCode::kPolicy);
}

TEST_F(Stream, AClientThatTakesNoMissedEventsIsSlowToo) {
  start({.max_queue_frames = 8, .stall_timeout = 5ms});
  feed(100);
  const auto slow = hub->attach();
  slow->receive(R"({"action": "subscribe", "topics": [">"], "fromSequence": 1})");
  EXPECT_TRUE(settle([&] { return slow->closing(); }));
  EXPECT_EQ(hub->stats().dropped_clients, 1u);
}

TEST_F(Stream, StopClosesEveryClient) {
  start();
  Reader reader(io, *hub);
  hub->stop();
  Reader late(io, *hub);
  io.poll();
  EXPECT_EQ(reader.taken->closed, CloseCode::kGoingAway);
  EXPECT_EQ(late.taken->closed, CloseCode::kGoingAway);
}

// --- the promise as a whole: any interleaving of commits, publications, reads and subscriptions delivers
// exactly what is covered, once

struct Covered {
  std::string topic;
  std::string correlation_id;
  bool by_sequence;
  std::uint64_t from;

  bool operator()(const StreamEvent& event) const {
    return (correlation_id.empty() || correlation_id == event.correlation_id) &&
           (by_sequence ? event.sequence : event.global_sequence) >= from && matches(topic, event.topic);
  }
};

RC_GTEST_PROP(StreamProperty, EveryCoveredEventExactlyOnce, ()) {
  asio::io_context io;
  Record record(io);
  const auto hub =
      StreamHub::create(io.get_executor(), record, 0,
                        {.max_queue_frames = 24, .recent_events = 5, .page_events = 4, .retry_delay = 0ms});
  Reader single(io, *hub), several(io, *hub);
  std::vector<Covered> single_covers, several_covers;
  std::size_t published = 0;
  // A reader that never runs is dropped as slow, rightly. Without a turn it has to keep the 8 events of this
  // bound, those of one turn of the hub (held and a page: 9) and 5 replies.
  std::size_t without_a_turn = 0;
  const auto publish = [&](const StreamEvent& event) {
    if (++without_a_turn > 8) {
      io.poll();
      without_a_turn = 1;
    }
    hub->publish(event);
  };

  const auto subscribe = [&](Reader& reader, std::vector<Covered>& covers) {
    const auto topic =
        *rc::gen::elementOf(std::vector<std::string>{">", "exec.*", "*.created", "intent.submitted"});
    const auto correlation =
        *rc::gen::elementOf(std::vector<std::string>{"", kCorrelations[0], kCorrelations[1]});
    const bool resumed = *rc::gen::arbitrary<bool>();
    const auto from = *rc::gen::inRange<std::uint64_t>(0, record.events.size() + 4);
    reader.subscribe(topic, correlation, resumed ? std::optional(from) : std::nullopt);
    covers.push_back(
        {topic, correlation, resumed && !correlation.empty(), resumed ? from : hub->stats().head + 1});
  };

  for (const auto action : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 20))) {
    if (action < 6) {
      record.commit(*rc::gen::elementOf(kCorrelations), *rc::gen::elementOf(kTopics));
    } else if (action < 12) {
      // In order, with repeats and holes.
      if (published == record.events.size()) continue;
      published = *rc::gen::inRange(published + 1, std::min(published + 3, record.events.size()) + 1);
      publish(record.events[published - 1]);
    } else if (action == 12) {
      if (published > 0) publish(record.events[*rc::gen::inRange<std::size_t>(0, published)]);
    } else if (action == 13) {
      if (several_covers.size() < 5) subscribe(several, several_covers);
    } else if (action == 14) {
      if (single_covers.empty()) subscribe(single, single_covers);
    } else {
      for (int i = 0; i < action - 14; ++i) io.poll_one();
    }
  }
  if (record.events.empty()) record.commit(kCorrelations[0], kTopics[0]);
  publish(record.events.back());

  const auto expected = [&](const std::vector<Covered>& covers) {
    std::vector<std::uint64_t> all;
    for (const auto& event : record.events) {
      if (std::any_of(covers.begin(), covers.end(), [&](const auto& covered) { return covered(event); }))
        all.push_back(event.global_sequence);
    }
    return all;
  };
  const auto expect_single = expected(single_covers), expect_several = expected(several_covers);
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while ((single.taken->events.size() < expect_single.size() ||
          several.taken->events.size() < expect_several.size() || hub->stats().head < record.events.size()) &&
         std::chrono::steady_clock::now() < deadline)
    io.run_one_for(1ms);
  for (int i = 0; i < 200; ++i) io.poll();  // whatever comes beyond is a repeat

  RC_ASSERT(!single.taken->closed && !several.taken->closed);
  RC_ASSERT(single.taken->events == expect_single);  // in order as well
  auto sorted = several.taken->events;
  std::sort(sorted.begin(), sorted.end());
  RC_ASSERT(sorted == expect_several);
}

}  // namespace
}  // namespace sep::gateway
