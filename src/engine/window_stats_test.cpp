#include "engine/window_stats.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/projection.h"
#include "engine/sample_lives.h"

namespace sep::engine {
namespace {

using samples::Ids;
using samples::Life;

Timestamp time_of(std::string_view text) {
  return parse_rfc3339(text).value();
}
std::string text(const json::object& object, std::string_view key) {
  return string_or(object, key, "absent");
}
std::uint64_t number(const json::object& object, std::string_view key) {
  return get_uint(object, key).value();
}

/// The bucket of one intent that was completed after `ms`.
json::object bucket_of(std::string_view type, std::string_view notional, std::string_view quoted,
                       std::string_view filled, std::int64_t ms = 80) {
  Ids ids;
  Life life(ids, "demo", std::string(type), "1");
  const bool buys = type == "acquire";
  life.submit().accept(notional).plan(buys ? quoted : "1", buys ? "1" : quoted).start();
  life.prepare(0).broadcast(0).fill(0, buys ? filled : "1", buys ? "1" : filled).complete();
  auto events = life.events();
  events.back().timestamp = samples::kStart.plus_ms(ms);
  return apply_to_bucket({}, fold_intent(events), events.back());
}

/// A window without events, but for these of its buckets.
json::object window_with(StatsWindow window, Timestamp now,
                         const std::map<std::string, json::object>& documents) {
  const auto read = [&](const std::vector<std::string>& keys) {
    std::vector<std::optional<json::object>> out;
    for (const auto& key : keys) {
      const auto found = documents.find(key);
      out.push_back(found == documents.end() ? std::nullopt : std::optional(found->second));
    }
    return out;
  };
  return window_json(window, now, read(window_keys(window, now)), read(previous_window_keys(window, now)));
}

TEST(Bucket, KeysAreTheMinuteAndTheHourInUtc) {
  const auto keys = bucket_keys(time_of("2026-11-22T23:05:59.999Z"));
  EXPECT_EQ(keys[0], "stats:minute:2026-11-22T23:05");
  EXPECT_EQ(keys[1], "stats:hour:2026-11-22T23");
}

TEST(Bucket, CountsEachEndUnderItsNameAndNothingElse) {
  Ids ids;
  const auto last_of = [&](auto live) {
    Life life(ids, "demo", "acquire", "1");
    live(life);
    return canonical_json(apply_to_bucket({}, fold_intent(life.events()), life.events().back()));
  };
  EXPECT_EQ(last_of([](Life& l) { l.submit(); }), R"({"submitted":1})");
  EXPECT_EQ(last_of([](Life& l) { l.submit().reject_risk(); }), R"({"rejected":1})");
  EXPECT_EQ(last_of([](Life& l) { l.submit().accept().reject_plan(); }), R"({"rejected":1})");
  EXPECT_EQ(last_of([](Life& l) { l.submit().accept().expire(); }), R"({"expired":1})");
  EXPECT_EQ(last_of([](Life& l) { l.submit().ask_to_cancel().cancel(); }), R"({"cancelled":1})");
  EXPECT_EQ(last_of([](Life& l) { l.submit().accept().plan("2", "1").start().fail(); }), R"({"failed":1})");
  EXPECT_EQ(last_of([](Life& l) { l.submit().accept().plan("2", "1"); }), "{}");
}

TEST(Bucket, GainIsNotionalTimesTheDifferenceInPartsOfTheQuote) {
  const auto gain = [](auto... arguments) { return text(bucket_of(arguments...), "quote_gain_usd"); };
  EXPECT_EQ(gain("acquire", "2500", "2500", "2475"), "25");   // paid 1 % less
  EXPECT_EQ(gain("acquire", "2500", "2500", "2550"), "-50");  // paid 2 % more
  EXPECT_EQ(gain("dispose", "1000", "2000", "2020"), "10");   // received 1 % more
  EXPECT_EQ(gain("dispose", "1000", "2000", "1990"), "-5");   // received 0.5 % less
  EXPECT_EQ(gain("acquire", "2500", "2500", "2500"), "absent");
  // 10 / 3 USD, down; the same as a loss, down as well.
  EXPECT_EQ(gain("acquire", "10", "3", "2"), "3.333333");
  EXPECT_EQ(gain("acquire", "10", "3", "4"), "-3.333334");
  EXPECT_EQ(gain("dispose", "10", "3", "4"), "3.333333");
  EXPECT_EQ(gain("dispose", "10", "3", "2"), "-3.333334");
}

TEST(Bucket, SumsGainsOfBothSignsAndForgetsZero) {
  const auto both = window_with(
      StatsWindow::k15Minutes, samples::kStart,
      {{bucket_keys(samples::kStart)[0], bucket_of("acquire", "100", "100", "99")},
       {bucket_keys(samples::kStart.plus_ms(-60'000))[0], bucket_of("acquire", "100", "100", "103")}});
  EXPECT_EQ(text(both.at("totals").as_object(), "quote_gain_usd"), "-2");
  EXPECT_EQ(text(both.at("totals").as_object(), "value_usd"), "200");

  Ids ids;
  Life gained(ids, "demo", "acquire", "1");
  gained.submit()
      .accept("100")
      .plan("100", "1")
      .start()
      .prepare(0)
      .broadcast(0)
      .fill(0, "99", "1")
      .complete();
  Life lost(ids, "demo", "acquire", "1");
  lost.submit().accept("100").plan("100", "1").start().prepare(0).broadcast(0).fill(0, "101", "1").complete();
  auto bucket = apply_to_bucket({}, fold_intent(gained.events()), gained.events().back());
  EXPECT_EQ(text(bucket, "quote_gain_usd"), "1");
  bucket = apply_to_bucket(std::move(bucket), fold_intent(lost.events()), lost.events().back());
  EXPECT_FALSE(bucket.contains("quote_gain_usd"));
}

TEST(Bucket, WithoutNotionalOrQuoteThereIsNoGain) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.trade("2500", "1");
  for (const std::string_view missing : {"notional_usd", "quoted", "amount_in"}) {
    auto view = fold_intent(life.events());
    view.at("summary").as_object().erase(missing);
    const auto bucket = apply_to_bucket({}, view, life.events().back());
    EXPECT_FALSE(bucket.contains("quote_gain_usd")) << missing;
    EXPECT_EQ(number(bucket, "completed"), 1U);
  }
}

/// Against the definition with 128-bit integers.
RC_GTEST_PROP(BucketProperty, GainIsRoundedTowardsLess, ()) {
  const auto notional = *rc::gen::inRange<std::int64_t>(0, 2'000'000'000);
  const auto quoted = *rc::gen::inRange<std::int64_t>(1, 5'000'000'000);
  const auto filled = *rc::gen::inRange<std::int64_t>(1, 5'000'000'000);
  const bool buys = *rc::gen::arbitrary<bool>();
  const auto product = static_cast<i128>(notional) * (buys ? quoted - filled : filled - quoted);
  const auto floored = product / quoted - (product % quoted < 0 ? 1 : 0);
  const auto usdc = [](std::int64_t units) { return format_amount(Uint256(units), 6); };
  const auto bucket = bucket_of(buys ? "acquire" : "dispose", usdc(notional), usdc(quoted), usdc(filled));
  const auto expected =
      floored == 0 ? "absent"
                   : (floored < 0 ? "-" : "") +
                         format_amount(Uint256(static_cast<u128>(floored < 0 ? -floored : floored)), 6);
  RC_ASSERT(text(bucket, "quote_gain_usd") == expected);
}

RC_GTEST_PROP(BucketProperty, ADurationsBoundIsAtMostAnEighthAbove, ()) {
  const auto bits = *rc::gen::inRange(0, 40);
  const auto ms = *rc::gen::inRange<std::int64_t>(0, (std::int64_t{1} << bits) + 1);
  const auto bucket = bucket_of("acquire", "1", "1", "1", ms);
  const auto& settle = bucket.at("settle_ms").as_object();
  RC_ASSERT(settle.size() == 1U);
  const auto bound = std::stoll(std::string(settle.begin()->key()));
  RC_ASSERT(bound >= ms);
  RC_ASSERT((bound - ms) * 8 <= ms);
  // A bound is its own bound: there are no more of them than needed.
  const auto again = bucket_of("acquire", "1", "1", "1", bound);
  RC_ASSERT(again.at("settle_ms") == bucket.at("settle_ms"));
}

TEST(Bucket, AClockThatStepsBackSettlesInNoTime) {
  EXPECT_EQ(canonical_json(bucket_of("acquire", "1", "1", "1", -5).at("settle_ms")), R"({"0":1})");
}

TEST(Window, Names) {
  EXPECT_EQ(parse_stats_window("15m"), StatsWindow::k15Minutes);
  EXPECT_EQ(parse_stats_window("1h"), StatsWindow::k1Hour);
  EXPECT_EQ(parse_stats_window("24h"), StatsWindow::k24Hours);
  EXPECT_EQ(parse_stats_window("7d"), StatsWindow::k7Days);
  for (const std::string_view other : {"", "15", "15M", "1h ", "60m", "7D", "30d"})
    EXPECT_FALSE(parse_stats_window(other).has_value()) << other;
}

TEST(Window, KeysEndWithTheBucketOfNow) {
  const auto now = time_of("2027-01-01T00:03:12.345Z");
  const auto minutes = window_keys(StatsWindow::k15Minutes, now);
  ASSERT_EQ(minutes.size(), 15U);
  EXPECT_EQ(minutes.front(), "stats:minute:2026-12-31T23:49");
  EXPECT_EQ(minutes.back(), "stats:minute:2027-01-01T00:03");
  EXPECT_EQ(window_keys(StatsWindow::k1Hour, now).size(), 60U);
  EXPECT_EQ(window_keys(StatsWindow::k1Hour, now).front(), "stats:minute:2026-12-31T23:04");
  const auto day = window_keys(StatsWindow::k24Hours, now);
  ASSERT_EQ(day.size(), 24U);
  EXPECT_EQ(day.front(), "stats:hour:2026-12-31T01");
  EXPECT_EQ(day.back(), "stats:hour:2027-01-01T00");
  const auto week = window_keys(StatsWindow::k7Days, now);
  ASSERT_EQ(week.size(), 168U);
  EXPECT_EQ(week.front(), "stats:hour:2026-12-25T01");
  EXPECT_EQ(week.back(), "stats:hour:2027-01-01T00");
}

RC_GTEST_PROP(WindowProperty, TheWindowBeforeEndsWhereTheWindowBegins, ()) {
  const Timestamp now{*rc::gen::inRange<std::int64_t>(1'600'000'000'000, 2'000'000'000'000)};
  for (const auto window :
       {StatsWindow::k15Minutes, StatsWindow::k1Hour, StatsWindow::k24Hours, StatsWindow::k7Days}) {
    auto keys = previous_window_keys(window, now);
    const auto later = window_keys(window, now);
    RC_ASSERT(keys.size() == later.size());
    const auto minutes = window == StatsWindow::k15Minutes || window == StatsWindow::k1Hour;
    RC_ASSERT(later.back() == bucket_keys(now)[minutes ? 0 : 1]);
    const auto length = static_cast<std::int64_t>(keys.size()) * (minutes ? 60'000 : 3'600'000);
    RC_ASSERT(keys == window_keys(window, now.plus_ms(-length)));
    // Each bucket once, in order.
    keys.insert(keys.end(), later.begin(), later.end());
    RC_ASSERT(std::ranges::adjacent_find(keys, std::greater_equal<>()) == keys.end());
  }
}

TEST(Window, OfNothingIsAllZeros) {
  const auto now = time_of("2026-11-22T23:05:10.000Z");
  const auto window = window_with(StatsWindow::k15Minutes, now, {});
  EXPECT_EQ(text(window, "name"), "15m");
  EXPECT_EQ(text(window, "from"), "2026-11-22T22:51:00.000Z");
  EXPECT_EQ(text(window, "to"), "2026-11-22T23:06:00.000Z");
  EXPECT_EQ(number(window, "bucket_seconds"), 60U);
  EXPECT_EQ(number(window, "previous_submitted"), 0U);
  EXPECT_EQ(canonical_json(window.at("settle_ms")), R"({"count":0,"p50":0,"p95":0})");
  ASSERT_EQ(window.at("buckets").as_array().size(), 15U);
  EXPECT_EQ(canonical_json(window.at("buckets").as_array()[1]),
            R"({"cancelled":0,"completed":0,"expired":0,"failed":0,"quote_gain_usd":"0","rejected":0,)"
            R"("start":"2026-11-22T22:52:00.000Z","submitted":0,"value_usd":"0"})");
  EXPECT_EQ(text(window.at("totals").as_object(), "start"), text(window, "from"));
}

TEST(Window, SevenDaysAreShownBySixHours) {
  const auto now = time_of("2026-11-22T23:05:10.000Z");
  const auto window = window_with(StatsWindow::k7Days, now,
                                  {{"stats:hour:2026-11-16T00", {{"submitted", 1}}},   // the first hour
                                   {"stats:hour:2026-11-16T05", {{"submitted", 2}}},   // of the same six
                                   {"stats:hour:2026-11-16T06", {{"submitted", 4}}},   // of the next six
                                   {"stats:hour:2026-11-22T23", {{"submitted", 8}}},   // now
                                   {"stats:hour:2026-11-15T23", {{"submitted", 16}}},  // before
                                   {"stats:hour:2026-11-09T00", {{"submitted", 32}}},  // the first one before
                                   {"stats:hour:2026-11-08T23", {{"submitted", 64}}},  // too old
                                   {"stats:hour:2026-11-23T00", {{"submitted", 128}}}});
  EXPECT_EQ(text(window, "from"), "2026-11-16T00:00:00.000Z");
  EXPECT_EQ(text(window, "to"), "2026-11-23T00:00:00.000Z");
  EXPECT_EQ(number(window, "bucket_seconds"), 21'600U);
  EXPECT_EQ(number(window, "previous_submitted"), 48U);
  const auto& buckets = window.at("buckets").as_array();
  ASSERT_EQ(buckets.size(), 28U);
  EXPECT_EQ(number(buckets[0].as_object(), "submitted"), 3U);
  EXPECT_EQ(number(buckets[1].as_object(), "submitted"), 4U);
  EXPECT_EQ(text(buckets[1].as_object(), "start"), "2026-11-16T06:00:00.000Z");
  EXPECT_EQ(number(buckets[27].as_object(), "submitted"), 8U);
  EXPECT_EQ(number(window.at("totals").as_object(), "submitted"), 15U);
}

/// The percentiles against those of the durations themselves, spread over the window's buckets.
RC_GTEST_PROP(WindowProperty, PercentilesAreAtMostAnEighthAboveTheTrueOnes, ()) {
  const auto now = samples::kStart;
  const auto keys = window_keys(StatsWindow::k15Minutes, now);
  auto durations = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 1'000'000)));
  std::map<std::string, json::object> documents;
  Ids ids;
  for (const auto ms : durations) {
    Life life(ids, "demo", "acquire", "1");
    life.trade("1", "1");
    auto events = life.events();
    events.back().timestamp = samples::kStart.plus_ms(ms);
    auto& bucket = documents[keys[*rc::gen::inRange<std::size_t>(0, keys.size())]];
    bucket = apply_to_bucket(std::move(bucket), fold_intent(events), events.back());
  }
  const auto settle = window_with(StatsWindow::k15Minutes, now, documents).at("settle_ms").as_object();
  RC_ASSERT(number(settle, "count") == durations.size());
  std::ranges::sort(durations);
  for (const auto& [name, percent] : {std::pair("p50", 50U), std::pair("p95", 95U)}) {
    const auto truth = durations[(durations.size() * percent + 99) / 100 - 1];
    const auto shown = static_cast<std::int64_t>(number(settle, name));
    RC_ASSERT(shown >= truth);
    RC_ASSERT((shown - truth) * 8 <= truth);
  }
}

}  // namespace
}  // namespace sep::engine
