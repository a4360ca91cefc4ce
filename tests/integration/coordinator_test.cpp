// The state coordinator's answers, with a real PostgreSQL, Redis and nats-server behind it.
#include <csignal>
#include <thread>

#include "integration/record_fixture.h"
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "app/parts.h"
#include "engine/sample_lives.h"
#include "gateway/metrics.h"
#include "services/record_client.h"
#include "services/state_coordinator.h"
#include "support/platform.h"
#include "support/temp_dir.h"

namespace sep::services {
namespace {

using engine::samples::Ids;
using engine::samples::Life;
using support::eventually;

class CoordinatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    nats_ = app::start_nats(directory_ / "nats").value();
    redis_ = app::start_redis(directory_ / "redis").value();
    thread_ = std::thread([this] { context_.run(); });
    bus_ = bus::Bus::connect(context_.get_executor(), {.url = nats_->url(), .name = "test"}).value();
    const engine::EndpointSettings endpoints{.nats_url = nats_->url(),
                                             .postgres = support::RecordServer::new_record(),
                                             .redis_socket = redis_->socket()};
    coordinator_ = StateCoordinator::start(bus_, endpoints, metrics_).value();
    record_.emplace(bus_);
    ASSERT_TRUE(eventually([&] { return query(subject::kHead, {}).has_value(); }));
  }
  void TearDown() override {
    coordinator_.reset();
    record_.reset();
    bus_->close();
    guard_.reset();
    context_.stop();
    thread_.join();
    bus_.reset();
  }

  Result<json::object> query(const char* query_subject, json::object question) {
    return bus_->wait(record_->query(query_subject, std::move(question)));
  }
  std::uint64_t head(const char* member) {
    return get_uint(query(subject::kHead, {}).value(), member).value();
  }
  /// Appends the life's events, all but the first `known`, as one request.
  void append(const Life& life, std::size_t known = 0, std::vector<NonceRequest> nonces = {}) {
    AppendRequest request{.nonces = std::move(nonces)};
    request.events.assign(life.events().begin() + static_cast<std::ptrdiff_t>(known), life.events().end());
    const auto answer = bus_->wait(record_->append(std::move(request)));
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    ASSERT_EQ(answer->status, AppendAnswer::Status::kCommitted) << answer->reason << answer->detail;
  }

  support::TempDir directory_;
  std::unique_ptr<app::Nats> nats_;
  std::unique_ptr<app::Redis> redis_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(context_);
  std::thread thread_;
  std::shared_ptr<bus::Bus> bus_;
  gateway::Metrics metrics_;
  std::unique_ptr<StateCoordinator> coordinator_;
  std::optional<RecordClient> record_;
  Ids ids_;
};

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

/// Every payload that the samples hold is as the coordinator wants it.
TEST_F(CoordinatorTest, TakesEveryKindOfLife) {
  for (const auto& [name, life] : engine::samples::every_kind_of_life()) append(life);
}

}  // namespace
}  // namespace sep::services
