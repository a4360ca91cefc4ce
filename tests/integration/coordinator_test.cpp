// The state coordinator's answers, with a real PostgreSQL, Redis and nats-server behind it.
#include <csignal>
#include <future>
#include <mutex>
#include <set>

#include "integration/coordinator_fixture.h"
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "app/client.h"
#include "services/gateway_service.h"
#include "services/heard_lives.h"
#include "services/market_view.h"

namespace sep::services {
namespace {

TEST_F(CoordinatorTest, TheHeadTellsHowFarTheReadModelsAre) {
  EXPECT_EQ(head("global_sequence"), 0U);
  EXPECT_EQ(head("projected_global_sequence"), 0U);
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit());
  EXPECT_TRUE(eventually([&] { return head("projected_global_sequence") == 1; }));

  redis_->kill(SIGKILL);
  ASSERT_TRUE(redis_->wait(std::chrono::seconds(10)).has_value());
  append(life.accept(), 1);
  EXPECT_EQ(head("global_sequence"), 3U);
  EXPECT_EQ(head("projected_global_sequence"), 1U);
  ASSERT_TRUE(redis_->start().has_value());
  EXPECT_TRUE(eventually([&] { return head("projected_global_sequence") == 3; }));
}

TEST_F(CoordinatorTest, TheHeadTellsTheNextNonceOfEachAccount) {
  EXPECT_TRUE(query(subject::kHead, {}).value().at("next_nonces").as_object().empty());
  const auto account = [](char digit) { return engine::samples::hex(digit, 40); };
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit().accept(), 0,
         {{1, parse_address(account('a')).value(), 6}, {1, parse_address(account('a')).value(), 5}});
  Life other(ids_, "demo", "acquire", "1");
  append(other.submit(), 0, {{31337, parse_address(account('b')).value(), 0}});
  const auto nonces = [&](json::object question) {
    return canonical_json(query(subject::kHead, std::move(question)).value().at("next_nonces"));
  };
  EXPECT_EQ(nonces({}), canonical_json(json::object{{account('a'), 7}, {account('b'), 1}}));
  EXPECT_EQ(nonces({{"chain_id", 1}}), canonical_json(json::object{{account('a'), 7}}));
}

TEST_F(CoordinatorTest, ListsIntentsOfSeveralStatesSinceATime) {
  std::vector<std::string> ids;
  const auto live = [&](auto shape) {
    Life life(ids_, "demo", "acquire", "1",
              engine::samples::kStart.plus_ms(static_cast<std::int64_t>(ids.size())));
    shape(life);
    append(life);
    ids.push_back(life.intent_id());
  };
  live([](Life& life) { life.submit().reject_risk(); });
  live([](Life& life) { life.submit(); });
  live([](Life& life) { life.submit().accept(); });
  live([](Life& life) { life.submit().reject_risk(); });
  const auto listed = [&](json::object question) {
    question["limit"] = 10;
    std::vector<std::size_t> out;
    for (const auto& view : query(subject::kList, std::move(question)).value().at("views").as_array())
      out.push_back(static_cast<std::size_t>(
          std::ranges::find(ids, string_or(view.as_object(), "intent_id")) - ids.begin()));
    return out;
  };
  using Expected = std::vector<std::size_t>;
  EXPECT_EQ(listed({}), (Expected{3, 2, 1, 0}));
  EXPECT_EQ(listed({{"states", {"risk_rejected"}}}), (Expected{3, 0}));
  EXPECT_EQ(listed({{"states", {"submitted", "risk_rejected"}}}), (Expected{3, 1, 0}));
  EXPECT_EQ(listed({{"states", {"submitted", "risk_rejected"}}, {"since_intent_id", ids[1]}}),
            (Expected{3, 1}));
  EXPECT_EQ(listed({{"since_intent_id", ids[2]}, {"before_intent_id", ids[3]}}), (Expected{2}));
  for (const auto& wrong : {json::value("submitted"), json::value{"done"}, json::value(json::array{1})}) {
    const auto refused = query(subject::kList, {{"states", wrong}, {"limit", 10}});
    EXPECT_FALSE(refused.has_value()) << json::serialize(wrong);
  }
}

/// What was announced of an append that is not on the record, or not yet, has not "gone on".
TEST_F(CoordinatorTest, AWorkerWaitsWhereTheRecordIsNotAsFarAsItsInput) {
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit());
  const auto verdict = [&](std::uint64_t sequence, engine::State state) {
    engine::IntentHead head{.sequence = sequence, .last_event_id = {}, .state = state};
    return bus_->wait(record_->wait_at(head, life.correlation_id(), std::chrono::milliseconds(1))).kind;
  };
  using Kind = bus::Verdict::Kind;
  EXPECT_EQ(verdict(3, engine::State::kAccepted), Kind::kWait);
  EXPECT_EQ(verdict(1, engine::State::kSubmitted), Kind::kWait);
  append(life.accept(), 1);
  EXPECT_EQ(verdict(3, engine::State::kAccepted), Kind::kWait);
  EXPECT_EQ(verdict(1, engine::State::kSubmitted), Kind::kAck);
}

TEST_F(CoordinatorTest, AnAppendIsAnnouncedToWhoWaitsForItsTopic) {
  std::vector<std::string> heard;
  auto subscription = bus_->hear_announced("intent.*", [&](const bus::Message& message) {
    const auto event = event_of(message);
    heard.push_back(message.subject + " " + (event ? (*event)->event_id : event.error().detail));
  });
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit().accept());
  const auto& events = life.events();
  std::promise<std::vector<std::string>> all;
  boost::asio::post(context_, [&] {
    subscription.reset();
    all.set_value(heard);
  });
  EXPECT_EQ(all.get_future().get(), (std::vector<std::string>{"intent.submitted " + events[0].event_id,
                                                              "intent.accepted " + events[2].event_id}));
}

/// One whose key may be taken is told of once it is on the record, and never where it is refused.
TEST_F(CoordinatorTest, AnAppendWithAKeyIsAnnouncedBehindItsCommit) {
  std::vector<std::uint64_t> numbers;
  auto subscription = bus_->hear_announced("intent.submitted", [&](const bus::Message& message) {
    numbers.push_back(event_of(message).value()->global_sequence);
  });
  const auto submit = [&](const std::string& key) {
    AppendRequest request{.events = Life(ids_, "demo", "acquire", "1").submit().events()};
    request.idempotency = {key, "hash"};
    return bus_->wait(record_->append(std::move(request))).value().status;
  };
  EXPECT_EQ(submit("one"), AppendAnswer::Status::kCommitted);
  EXPECT_EQ(submit("one"), AppendAnswer::Status::kConflict);
  EXPECT_EQ(submit("two"), AppendAnswer::Status::kCommitted);
  Life without(ids_, "demo", "acquire", "1");
  append(without.submit());  // announced at once, and behind what was announced before
  std::promise<std::vector<std::uint64_t>> all;
  boost::asio::post(context_, [&] {
    subscription.reset();
    all.set_value(numbers);
  });
  EXPECT_EQ(all.get_future().get(), (std::vector<std::uint64_t>{1, 2, 0}));
}

/// Lives as a paper orchestrator hears them: announced first, published behind that.
TEST_F(CoordinatorTest, ALifeIsHeardOnceAndAnEventThatNeverWasIsNoPartOfIt) {
  Life life(ids_, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1");
  const std::vector<engine::Envelope> before(life.events().begin(), life.events().begin() + 3);
  const auto& plan = life.events()[3];
  HeardLives lives;
  const auto on_executor = [&](auto what) {
    return boost::asio::post(context_, std::packaged_task<decltype(what())()>(what)).get();
  };
  const auto announce = [&](const engine::Envelope& event) {
    bus_->announce(event.topic, event.event_id, engine::shared({event}).front());
  };
  const auto publish = [&](const engine::Envelope& event) {
    ASSERT_TRUE(
        bus_->publish(event.topic, canonical_json(engine::to_json(event)), engine::shared({event}).front()));
  };
  ASSERT_TRUE(on_executor([&] { return lives.start(*bus_).has_value(); }));
  const auto take = [&] { return on_executor([&] { return lives.take(plan); }); };

  EXPECT_EQ(take(), std::nullopt);
  // The record took another event in the place of one that was announced.
  auto refused = before[1];
  refused.event_id = ids_.next();
  announce(before[0]);
  announce(refused);
  EXPECT_EQ(take(), std::nullopt);
  for (const auto& event : before) publish(event);
  EXPECT_EQ(take(), std::optional(life.events()));
  EXPECT_EQ(take(), std::nullopt);

  for (const auto& event : before) announce(event);
  EXPECT_EQ(take(), std::optional(life.events()));
  for (const auto& event : before) publish(event);
  EXPECT_EQ(take(), std::nullopt);
  on_executor([&] {
    lives = HeardLives();
    return 0;
  });
}

TEST_F(CoordinatorTest, NothingToAppendIsAnErrorWithinTheProcessToo) {
  const auto answer = bus_->wait(record_->append({}));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, errc::kInvalidEvent);
  EXPECT_EQ(head("global_sequence"), 0U);
}

/// Every payload that the samples hold is as the coordinator wants it.
TEST_F(CoordinatorTest, TakesEveryKindOfLife) {
  for (const auto& [name, life] : engine::samples::every_kind_of_life()) append(life);
}

/// A strategy of which nothing is filled is an ordinary one: the record is not read as a whole for it.
TEST_F(CoordinatorTest, PositionsThatRedisDoesNotHaveAreNotLookedForOnTheRecord) {
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit());
  ASSERT_TRUE(eventually([&] { return head("projected_global_sequence") == 1; }));
  std::mutex mutex;
  std::set<std::string> asked;
  const auto listening = bus_->subscribe("record.query.*", "",
                                         [&](const bus::Message& question) {
                                           const std::scoped_lock lock(mutex);
                                           asked.insert(question.subject);
                                         })
                             .value();
  const auto was_asked = [&](const char* question) {
    const std::scoped_lock lock(mutex);
    return asked.contains(question);
  };
  // On a connection of its own: what a bus asks of itself is heard by nobody else.
  const auto bus =
      bus::Bus::connect(context_.get_executor(), {.url = nats_->url(), .name = "gateway"}).value();
  engine::Settings settings;
  settings.endpoints = endpoints_;
  settings.gateway = {.host = "127.0.0.1", .port = 0};
  auto market = MarketView::start(bus, settings.chain).value();
  auto gateway = bus->wait(GatewayService::start(bus, settings, market, metrics_, {})).value();
  const auto status = [&](const std::string& path) {
    const auto url = "http://127.0.0.1:" + std::to_string(gateway->port()) + path;
    return app::http_request("GET", url, {}, {}, std::chrono::seconds(10)).value().status;
  };
  EXPECT_EQ(status("/strategies/demo/positions"), 404U);
  EXPECT_EQ(status("/intents/" + ids_.next(engine::samples::kStart)), 404U);
  EXPECT_TRUE(eventually([&] { return was_asked(subject::kDocuments); }));
  EXPECT_FALSE(was_asked(subject::kTotals));
  bus->wait(gateway->stop());
  boost::asio::post(context_, boost::asio::use_future([&] {
                      gateway.reset();
                      market.reset();
                    }))
      .get();
  bus->close();
}

}  // namespace
}  // namespace sep::services
