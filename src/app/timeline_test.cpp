#include "app/timeline.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sep::app {
namespace {

using testing::HasSubstr;

json::object event(const std::string& topic, const std::string& time, const std::string& payload) {
  return parse_json(R"({"topic":")" + topic + R"(","timestamp":"2026-08-21T)" + time + R"(Z","payload":)" +
                    payload + "}")
      ->as_object();
}

const std::string kAcquire =
    R"({"intentId":"01J5S3Y4PEJHBJ5A7FYHBXQRFG","intent":{"strategy_id":"demo","intent_type":"acquire","assets":
       [{"symbol":"WETH","decimals":18},{"symbol":"USDC","decimals":6}],"amount":"1",
       "constraints":{"max_slippage":"0.01","time_window":300}}})";

TEST(Text, Thousands) {
  EXPECT_EQ(with_thousands("2501.12"), "2,501.12");
  EXPECT_EQ(with_thousands("100"), "100");
  EXPECT_EQ(with_thousands("1000"), "1,000");
  EXPECT_EQ(with_thousands("-1234567.0001"), "-1,234,567.0001");
  EXPECT_EQ(with_thousands("?"), "?");
  EXPECT_EQ(with_thousands(""), "");
}

RC_GTEST_PROP(Text, ThousandsOnlyAddCommas, (std::uint64_t number)) {
  auto shown = with_thousands(std::to_string(number));
  std::erase(shown, ',');
  RC_ASSERT(shown == std::to_string(number));
}

TEST(Text, Percent) {
  EXPECT_EQ(as_percent("0.01"), "1 %");
  EXPECT_EQ(as_percent("0.0104"), "1.04 %");
  EXPECT_EQ(as_percent("0.5"), "50 %");
  EXPECT_EQ(as_percent("0"), "0 %");
  EXPECT_EQ(as_percent("1"), "100 %");
  EXPECT_EQ(as_percent("0.00045"), "0.045 %");
  EXPECT_EQ(as_percent("0.000500028246668801"), "0.0500028246668801 %");
  EXPECT_EQ(about_percent("0.000500028246668801"), "0.05 %");
  EXPECT_EQ(about_percent("0.00123456"), "0.1234 %");
  EXPECT_EQ(about_percent("0"), "0 %");
}

TEST(Timeline, TellsAPurchase) {
  Timeline timeline;
  EXPECT_EQ(
      timeline.line(event("intent.submitted", "12:01:02.345", kAcquire)),
      "12:01:02.345  +     0 ms  intent.submitted     acquire 1 WETH with USDC, at most 1 % slippage, within "
      "300 s");
  EXPECT_THAT(
      timeline.line(event("risk.approved", "12:01:02.348", R"({"notionalUsd":"2499.76","checks":[{},{}]})")),
      HasSubstr("+     3 ms  risk.approved        worth 2,499.76 USD, 2 checks passed"));
  EXPECT_THAT(
      timeline.line(event("plan.created", "12:01:02.350",
                          R"({"steps":[{"kind":"approve","amount":"2512.4","token":{"symbol":"USDC"}},
                                      {"kind":"swap","swap_kind":"exact_output","amount_in":"2501.12",
                                       "max_amount_in":"2526.1312","amount_out":"1","token_in":{"symbol":"USDC"},
                                       "token_out":{"symbol":"WETH"},"price_impact":"0.0004"}],
                                      "estimatedCost":{"gas_usd":"0.81"}})")),
      HasSubstr("approve 2,512.4 USDC, then swap at most 2,526.1312 USDC for 1 WETH (quoted 2,501.12), price "
                "impact 0.04 %, gas about 0.81 USD"));
  EXPECT_FALSE(timeline.ending());
  timeline.line(
      event("exec.completed", "12:01:03.000",
            R"({"amountIn":"2501.12","amountOut":"1","gasCostUsd":"0.79","txHash":"0xab","criteria":[]})"));
  EXPECT_EQ(timeline.ending(), "Bought 1 WETH for 2,501.12 USDC, gas 0.79 USD, transaction 0xab");
  EXPECT_TRUE(timeline.filled());
}

TEST(Timeline, TellsASale) {
  Timeline timeline;
  auto intent = kAcquire;
  intent.replace(intent.find("acquire"), 7, "dispose");
  timeline.line(event("intent.submitted", "12:01:02.345", intent));
  EXPECT_THAT(
      timeline.line(event(
          "exec.step_filled", "12:01:03.000",
          R"({"txHash":"0xab","amountIn":"1","amountOut":"2499.9","blockNumber":7,"gasUsed":"123456"})")),
      HasSubstr("1 WETH for 2,499.9 USDC in block 7, gas 123,456"));
  timeline.line(event("exec.completed", "12:01:03.000",
                      R"({"amountIn":"1","amountOut":"2499.9","gasCostUsd":"0.79","txHash":"0xab"})"));
  EXPECT_EQ(timeline.ending(), "Sold 1 WETH for 2,499.9 USDC, gas 0.79 USD, transaction 0xab");
}

TEST(Timeline, TellsThatAFillIsOnPaper) {
  Timeline timeline;
  timeline.line(event("intent.submitted", "12:01:02.345", kAcquire));
  EXPECT_THAT(timeline.line(event("exec.step_filled", "12:01:03.000",
                                  R"({"amountIn":"2499.9","amountOut":"1","blockNumber":7,"gasUsed":"0"})")),
              HasSubstr("on paper, at the prices of block 7"));
  timeline.line(
      event("exec.completed", "12:01:03.000", R"({"amountIn":"2499.9","amountOut":"1","gasCostUsd":"0"})"));
  EXPECT_EQ(timeline.ending(), "Bought 1 WETH for 2,499.9 USDC, on paper");
}

TEST(Timeline, EveryEndWithoutAFillIsTold) {
  for (const char* topic :
       {"risk.rejected", "plan.rejected", "exec.failed", "intent.expired", "intent.cancelled"}) {
    Timeline timeline;
    timeline.line(event("intent.submitted", "12:01:02.345", kAcquire));
    timeline.line(event(topic, "12:01:02.400", R"({"reason":"NO_ROUTE","detail":"no pool"})"));
    EXPECT_TRUE(timeline.ending()) << topic;
    EXPECT_FALSE(timeline.filled()) << topic;
  }
}

TEST(Timeline, UnknownShapesAreToldByTheirTopic) {
  Timeline timeline;
  for (const char* topic : {"intent.submitted", "risk.approved", "plan.created", "exec.step_prepared",
                            "exec.step_filled", "exec.completed", "something.new"}) {
    EXPECT_THAT(timeline.line(event(topic, "12:01:02.345", "{}")), HasSubstr(topic));
    EXPECT_THAT(
        timeline.line(event(topic, "12:01:02.345", R"({"steps":[1],"intent":{"assets":[]},"criteria":[2]})")),
        HasSubstr(topic));
  }
}

}  // namespace
}  // namespace sep::app
