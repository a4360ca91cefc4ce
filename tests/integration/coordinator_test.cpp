// The state coordinator's answers, with a real PostgreSQL, Redis and nats-server behind it.
#include <csignal>

#include "integration/coordinator_fixture.h"
#include <gtest/gtest.h>

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

/// Every payload that the samples hold is as the coordinator wants it.
TEST_F(CoordinatorTest, TakesEveryKindOfLife) {
  for (const auto& [name, life] : engine::samples::every_kind_of_life()) append(life);
}

}  // namespace
}  // namespace sep::services
