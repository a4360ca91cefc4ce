// What is halted, as the record holds it: with a real PostgreSQL, Redis and nats-server.
#include <atomic>
#include <future>
#include <set>
#include <vector>

#include "integration/coordinator_fixture.h"
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "engine/control.h"
#include "engine/topics.h"
#include "store/read_models.h"

namespace sep::services {
namespace {

using engine::ControlState;

constexpr std::uint64_t kChain = 31337;
const std::string kControl{engine::kControlCorrelation};

class HaltTest : public CoordinatorTest {
 protected:
  static Address account() { return parse_address(engine::samples::hex('a', 40)).value(); }
  static engine::SignerId signer() { return {kChain, account()}; }
  static engine::ControlReason why(std::string by = "ops@desk") {
    return {.reason = std::string(errc::kUserRequest), .detail = "a test", .by = std::move(by)};
  }
  ControlAnswer set(const std::string& id, ControlState state, std::string by = "ops@desk") {
    const auto answer = bus_->wait(record_->set_control(id, state, why(std::move(by))));
    EXPECT_TRUE(answer.has_value()) << answer.error().detail;
    return answer.value_or(ControlAnswer{});
  }
  /// The life's events from `known` on as one append with their nonces.
  static AppendRequest request(const Life& life, std::size_t known) {
    AppendRequest out;
    out.events.assign(life.events().begin() + static_cast<std::ptrdiff_t>(known), life.events().end());
    out.nonces = support::claims_of(out.events, 'a', kChain);
    return out;
  }
  AppendAnswer ask(const Life& life, std::size_t known) {
    const auto answer = bus_->wait(record_->append(request(life, known)));
    EXPECT_TRUE(answer.has_value()) << answer.error().detail;
    return answer.value_or(AppendAnswer{});
  }
  std::vector<engine::Envelope> whole_record() { return bus_->wait(record_->range(1, 1'000)).value(); }
};

TEST_F(HaltTest, TheKillSwitchHoldsUntilItIsResumed) {
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit());
  EXPECT_TRUE(set(kControl, ControlState::kHalted).changed);

  auto accepted = life;
  const auto refused = ask(accepted.accept(), 1);
  EXPECT_EQ(refused.status, AppendAnswer::Status::kConflict);
  EXPECT_EQ(refused.reason, errc::kKillSwitch);
  EXPECT_NE(refused.detail.find("ops@desk (USER_REQUEST: a test)"), std::string::npos) << refused.detail;
  ASSERT_TRUE(refused.head.has_value());
  EXPECT_EQ(refused.head->sequence, 1U);  // it did not move
  // Intents come in and are refused on the record.
  Life late(ids_, "demo", "acquire", "1");
  append(late.submit());
  append(late.reject_risk(), 1);

  const auto again = set(kControl, ControlState::kHalted, "somebody@else");
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.control.why.by, "ops@desk");
  EXPECT_TRUE(set(kControl, ControlState::kActive).changed);
  EXPECT_FALSE(set(kControl, ControlState::kActive).changed);
  EXPECT_TRUE(ask(accepted, 1).on_record());
}

TEST_F(HaltTest, AHaltedSignerKeepsTheNoncesItGaveAndGivesNoOther) {
  Life flying(ids_, "demo", "acquire", "1");
  append(flying.submit().accept().plan("2500", "1").start().prepare(0));
  Life waiting(ids_, "demo", "acquire", "1");
  append(waiting.submit().accept().plan("2500", "1"));

  const auto halted = bus_->wait(record_->halt_signer(
      signer(),
      {.reason = std::string(errc::kForeignNonce), .detail = "", .by = "orchestrator", .nonce = 4}));
  ASSERT_TRUE(halted.has_value()) << halted.error().detail;
  EXPECT_TRUE(halted->changed);
  const auto twice = bus_->wait(record_->halt_signer(signer(), why()));
  ASSERT_TRUE(twice.has_value());
  EXPECT_FALSE(twice->changed);
  EXPECT_EQ(twice->control.why.nonce, 4U);

  auto started = waiting;
  const auto refused = ask(started.start().prepare(0), 4);
  EXPECT_EQ(refused.status, AppendAnswer::Status::kConflict);
  EXPECT_EQ(refused.reason, errc::kSignerHalted);
  // A nonce that another intent holds is not one that this intent holds.
  auto greedy = request(started, 4);
  greedy.nonces.push_back({kChain, account(), 5});
  EXPECT_EQ(bus_->wait(record_->append(greedy)).value().reason, errc::kSignerHalted);
  // A replacement, and what becomes of it.
  const auto known = flying.events().size();
  EXPECT_TRUE(ask(flying.broadcast(0).prepare(0), known).on_record());
  EXPECT_TRUE(ask(flying.broadcast(0).fill(0, "2500", "1").complete(), known + 2).on_record());
  // Other accounts, and work that needs none, go on.
  Life other(ids_, "demo", "acquire", "1");
  append(other.submit().accept().plan("2500", "1"));

  EXPECT_TRUE(set(engine::correlation_of(signer()), ControlState::kActive).changed);
  EXPECT_TRUE(ask(started, 4).on_record());
}

TEST_F(HaltTest, SurvivesTheCoordinator) {
  set(kControl, ControlState::kHalted);
  bus_->wait(record_->halt_signer(signer(), why())).value();
  coordinator_.reset();
  start_coordinator();
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit());
  EXPECT_EQ(ask(life.accept(), 1).reason, errc::kKillSwitch);
  const auto controls = bus_->wait(record_->controls());
  ASSERT_TRUE(controls.has_value()) << controls.error().detail;
  EXPECT_EQ(controls->size(), 2U);
  for (const auto& [id, control] : *controls) EXPECT_TRUE(control.halted()) << id;
  EXPECT_TRUE(set(kControl, ControlState::kActive).changed);
  EXPECT_EQ(controls->at(kControl).sequence, 1U);
}

TEST_F(HaltTest, OneOfManyHaltsAtOnceIsTheOne) {
  std::vector<std::future<Result<ControlAnswer>>> answers;
  for (int i = 0; i < 8; ++i)
    answers.push_back(boost::asio::co_spawn(
        context_, record_->set_control(kControl, ControlState::kHalted, why("person-" + std::to_string(i))),
        boost::asio::use_future));
  int changed = 0;
  std::set<std::string> by;
  for (auto& answer : answers) {
    const auto got = answer.get();
    ASSERT_TRUE(got.has_value()) << got.error().detail;
    changed += got->changed ? 1 : 0;
    by.insert(got->control.why.by);
  }
  EXPECT_EQ(changed, 1);
  EXPECT_EQ(by.size(), 1U);
  EXPECT_EQ(whole_record().size(), 1U);
}

TEST_F(HaltTest, NothingBeginsBetweenHaltAndResumeUnderLoad) {
  constexpr std::size_t kLives = 60;
  std::vector<Life> lives;
  for (std::size_t i = 0; i < kLives; ++i) {
    lives.emplace_back(ids_, "demo", "acquire", "1");
    append(lives.back().submit());
  }
  // All at once, with halts and resumes among them, so that many meet in one group of the coordinator.
  std::vector<std::future<Result<AppendAnswer>>> answers;
  std::vector<std::future<Result<ControlAnswer>>> switches;
  for (std::size_t i = 0; i < kLives; ++i) {
    answers.push_back(boost::asio::co_spawn(context_, record_->append(request(lives[i].accept(), 1)),
                                            boost::asio::use_future));
    if (i % 10 == 4)
      switches.push_back(boost::asio::co_spawn(
          context_,
          record_->set_control(kControl, i % 20 == 4 ? ControlState::kHalted : ControlState::kActive, why()),
          boost::asio::use_future));
  }
  std::set<std::string> committed;
  for (std::size_t i = 0; i < kLives; ++i) {
    const auto answer = answers[i].get();
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    if (answer->on_record())
      committed.insert(lives[i].correlation_id());
    else
      EXPECT_EQ(answer->reason, errc::kKillSwitch);
  }
  for (auto& one : switches) ASSERT_TRUE(one.get().has_value());
  bool halted = false;
  std::set<std::string> accepted;
  for (const auto& event : whole_record()) {
    if (event.topic == engine::topic::kControlHalted) halted = true;
    if (event.topic == engine::topic::kControlResumed) halted = false;
    if (event.topic != engine::topic::kIntentAccepted) continue;
    EXPECT_FALSE(halted) << event.global_sequence;
    accepted.insert(event.correlation_id);
  }
  EXPECT_EQ(accepted, committed);
}

TEST_F(HaltTest, IsPublishedAndCountedButIsNoIntent) {
  std::vector<std::string> heard;
  std::atomic<int> count = 0;
  auto subscription = bus_->wait([&]() -> Task<Result<bus::Subscription>> {
    co_return bus_->subscribe(">", "", [&](const bus::Message& message) {
      if (!message.subject.starts_with("control.") && !message.subject.starts_with("signer.")) return;
      heard.push_back(event_of(message).value()->topic);
      ++count;
    });
  }());
  ASSERT_TRUE(subscription.has_value());
  set(kControl, ControlState::kHalted);
  bus_->wait(record_->halt_signer(signer(), why())).value();
  set(kControl, ControlState::kActive);
  ASSERT_TRUE(eventually([&] { return count == 3; }));
  bus_->wait([&]() -> Task<bool> {  // on the executor, as subscriptions end
    subscription->reset();
    co_return true;
  }());
  EXPECT_EQ(heard, (std::vector<std::string>{"control.halted", "signer.halted", "control.resumed"}));
  // Whoever listens in the coordinator's process hears of an event before the stream has it.
  EXPECT_TRUE(eventually([&] { return bus_->wait(bus_->stream_info(kEventStream)).value().messages == 3; }));

  EXPECT_TRUE(eventually([&] { return head("projected_global_sequence") == 3; }));
  EXPECT_EQ(head("global_sequence"), 3U);
  EXPECT_TRUE(query(subject::kUnfinished, {}).value().at("intents").as_array().empty());
  EXPECT_TRUE(query(subject::kList, {{"limit", 10}}).value().at("views").as_array().empty());
  auto models = store::ReadModels::open(redis_->socket()).value();
  auto store = store::EventStore::open(endpoints_.postgres, store::EventStore::Role::kReader).value();
  const auto report = models.verify(store);
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  EXPECT_EQ(report->differing, 0U);
  EXPECT_EQ(models.head().value(), 3U);
}

TEST_F(HaltTest, TheQuestionsOfServicesTellOfIt) {
  EXPECT_TRUE(query(subject::kOpenIntents, {{"strategy_id", "demo"}, {"correlation_id", "intent-x"}})
                  .value()
                  .at("control")
                  .is_null());
  Life life(ids_, "demo", "acquire", "1");
  append(life.submit().accept().plan("2500", "1").start().prepare(0));
  set(kControl, ControlState::kHalted);
  const auto open =
      query(subject::kOpenIntents, {{"strategy_id", "demo"}, {"correlation_id", "intent-x"}}).value();
  EXPECT_EQ(get_uint(open, "open").value(), 1U);
  const auto control = engine::control_from_json(open.at("control").as_object());
  ASSERT_TRUE(control.has_value()) << control.error().detail;
  EXPECT_TRUE(control->halted());
  const auto nonces = [&](std::uint64_t from) {
    return query(subject::kNonces,
                 {{"chain_id", kChain}, {"account", to_checksum(account())}, {"from", from}})
        .value()
        .at("nonces")
        .as_array();
  };
  EXPECT_EQ(nonces(0), (json::array{json::object{{"nonce", 5}, {"correlation_id", life.correlation_id()}}}));
  EXPECT_TRUE(nonces(6).empty());
}

}  // namespace
}  // namespace sep::services
