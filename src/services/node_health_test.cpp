#include "services/node_health.h"

#include <gtest/gtest.h>

namespace sep::services {
namespace {

node::NodesHealth health_of(bool first_ok, bool second_ok) {
  node::NodesHealth health{.readers = 2, .voters = 0, .needed = 2};
  health.endpoints.push_back(
      {.name = "a", .read = true, .submit = true, .ok = first_ok, .detail = first_ok ? "" : "cut"});
  health.endpoints.push_back({.name = "b",
                              .read = true,
                              .submit = false,
                              .ok = second_ok,
                              .detail = second_ok ? "" : "lags",
                              .head = 7});
  for (const auto& endpoint : health.endpoints) health.voters += endpoint.ok ? 1 : 0;
  return health;
}
std::string message(std::string_view service, const node::NodesHealth& health) {
  return json::serialize(to_json(service, health));
}

TEST(NodeHealthHeard, AnEndpointIsWellWhereEveryServiceSaysSo) {
  NodeHealthHeard heard;
  ASSERT_TRUE(heard.heard(message("market", health_of(true, true)), {1000}));
  ASSERT_TRUE(heard.heard(message("orchestrator", health_of(true, false)), {1000}));
  const auto endpoints = heard.endpoints({1500});
  ASSERT_EQ(endpoints.size(), 2);
  EXPECT_EQ(endpoints[0], json::parse(R"({"name":"a","ok":true,"detail":"","read":true,"submit":true,
      "lag_blocks":0})"));
  EXPECT_EQ(endpoints[1], json::parse(R"({"name":"b","ok":false,"detail":"lags","read":true,"submit":false,
      "lag_blocks":0,"block_number":7})"));
  EXPECT_EQ(
      heard.undecided({1500}),
      "orchestrator: nothing is decided: 2 must agree, 1 of 2 endpoints that are read are well; b: lags");
  ASSERT_TRUE(heard.heard(message("orchestrator", health_of(true, true)), {2000}));
  EXPECT_EQ(heard.undecided({2000}), std::nullopt);
}

TEST(NodeHealthHeard, WhatWasSilentForLongIsForgotten) {
  NodeHealthHeard heard;
  ASSERT_TRUE(heard.heard(message("market", health_of(false, false)), {0}));
  EXPECT_TRUE(heard.undecided({NodeHealthHeard::kForgottenAfterMs}));
  EXPECT_FALSE(heard.undecided({NodeHealthHeard::kForgottenAfterMs + 1}));
  EXPECT_TRUE(heard.endpoints({NodeHealthHeard::kForgottenAfterMs + 1}).empty());
}

TEST(NodeHealthHeard, RefusesWhatIsNoReport) {
  NodeHealthHeard heard;
  for (const char* text : {"", "[]", "{}", R"({"service":"a","can_decide":true,"detail":""})",
                           R"({"service":"a","can_decide":true,"detail":"","endpoints":[1]})",
                           R"({"service":"a","can_decide":1,"detail":"","endpoints":[]})"})
    EXPECT_FALSE(heard.heard(text, {0})) << text;
  for (std::size_t i = 0; i < NodeHealthHeard::kMaxServices; ++i)
    ASSERT_TRUE(heard.heard(message("s" + std::to_string(i), health_of(true, true)), {0}));
  EXPECT_FALSE(heard.heard(message("one more", health_of(true, true)), {0}));
  EXPECT_TRUE(heard.heard(message("one more", health_of(true, true)), {20'000}));
}

}  // namespace
}  // namespace sep::services
