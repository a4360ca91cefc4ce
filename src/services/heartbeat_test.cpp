#include "services/heartbeat.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gateway/validation.h"

namespace sep::services {
namespace {

constexpr Timestamp kStart{1'787'000'000'000};

/// One service as the attendance tells of it.
json::object told(const Attendance& attendance, std::string_view name, Timestamp now) {
  for (const auto& service : attendance.services(now))
    if (service.at("name").as_string() == name) return service.as_object();
  return {};
}

TEST(SignOfLife, TravelsAsText) {
  const auto sign =
      parse_sign_of_life(json::serialize(to_json({"risk", "01J5S3Y4PEJHBJ5A7FYHBXQRFG", kStart})));
  ASSERT_TRUE(sign);
  EXPECT_EQ(sign->service, "risk");
  EXPECT_EQ(sign->instance, "01J5S3Y4PEJHBJ5A7FYHBXQRFG");
  EXPECT_EQ(sign->started_at, kStart);
}

TEST(SignOfLife, OneThatIsMalformedIsNone) {
  const json::object sound = to_json({"risk", "a", kStart});
  for (const auto* member : {"service", "instance", "started_at"}) {
    auto document = sound;
    document.erase(member);
    EXPECT_FALSE(parse_sign_of_life(json::serialize(document))) << member;
    document[member] = 1;
    EXPECT_FALSE(parse_sign_of_life(json::serialize(document))) << member;
    document[member] = "";
    EXPECT_FALSE(parse_sign_of_life(json::serialize(document))) << member;
    document[member] = std::string(65, 'x');
    EXPECT_FALSE(parse_sign_of_life(json::serialize(document))) << member;
  }
  EXPECT_FALSE(parse_sign_of_life("[]"));
  EXPECT_FALSE(parse_sign_of_life("{"));
}

TEST(Attendance, EveryServiceThatThereMustBeIsToldOf) {
  Attendance attendance;
  std::vector<std::string> names;
  for (const auto& service : attendance.services(kStart)) {
    names.emplace_back(service.at("name").as_string());
    EXPECT_EQ(service.at("ok"), false);
    EXPECT_EQ(service.at("instances"), 0);
    EXPECT_FALSE(service.as_object().contains("last_seen"));
  }
  EXPECT_EQ(names, service_names());
  attendance.heard({"newcomer", "a", kStart}, kStart);
  EXPECT_EQ(attendance.services(kStart).size(), names.size() + 1);
  EXPECT_EQ(told(attendance, "newcomer", kStart).at("ok"), true);
}

TEST(Attendance, AnInstanceThatFallsSilentCountsNoMore) {
  Attendance attendance;
  attendance.heard({"risk", "a", kStart}, kStart);
  attendance.heard({"risk", "b", kStart.plus_ms(7)}, kStart.plus_ms(2'000));
  EXPECT_EQ(told(attendance, "risk", kStart.plus_ms(5'000)).at("instances"), 2);
  EXPECT_EQ(told(attendance, "risk", kStart.plus_ms(5'001)).at("instances"), 1);
  const auto last = told(attendance, "risk", kStart.plus_ms(7'000));
  EXPECT_EQ(last.at("ok"), true);
  EXPECT_EQ(last.at("last_seen").as_string(), to_rfc3339(kStart.plus_ms(2'000)));
  EXPECT_EQ(last.at("started_at").as_string(), to_rfc3339(kStart.plus_ms(7)));
  const auto silent = told(attendance, "risk", kStart.plus_ms(9'500));
  EXPECT_EQ(silent.at("ok"), false);
  EXPECT_EQ(silent.at("instances"), 0);
  EXPECT_EQ(silent.at("detail"), "last heard of 7 s ago");
  // Heard again, it is back.
  attendance.heard({"risk", "a", kStart}, kStart.plus_ms(10'000));
  EXPECT_EQ(told(attendance, "risk", kStart.plus_ms(10'000)).at("instances"), 1);
  // A sign of one service says nothing of another whose name begins alike.
  EXPECT_EQ(told(attendance, "planner", kStart.plus_ms(10'000)).at("ok"), false);
}

TEST(Attendance, ForgetsWhatWasSilentForLong) {
  Attendance attendance;
  attendance.heard({"newcomer", "a", kStart}, kStart);
  attendance.heard({"risk", "b", kStart}, kStart.plus_ms(600'000));
  EXPECT_FALSE(told(attendance, "newcomer", kStart.plus_ms(600'000)).empty());
  attendance.heard({"risk", "b", kStart}, kStart.plus_ms(600'001));
  EXPECT_TRUE(told(attendance, "newcomer", kStart.plus_ms(600'001)).empty());
}

TEST(Attendance, KeepsTheInstancesThatWereHeardOfLast) {
  Attendance attendance;
  const auto many = static_cast<std::int64_t>(Attendance::kMaxInstances) + 10;
  for (std::int64_t i = 0; i < many; ++i)
    attendance.heard({"risk", fmt::format("{}", i), kStart}, kStart.plus_ms(i));
  const auto risk = told(attendance, "risk", kStart.plus_ms(many));
  EXPECT_EQ(risk.at("instances").to_number<std::size_t>(), Attendance::kMaxInstances);
  EXPECT_EQ(risk.at("last_seen").as_string(), to_rfc3339(kStart.plus_ms(many - 1)));
}

}  // namespace
}  // namespace sep::services
