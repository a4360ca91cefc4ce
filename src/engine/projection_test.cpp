#include "engine/projection.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/decimal.h"
#include "engine/lifecycle.h"
#include "engine/sample_lives.h"
#include "engine/window_stats.h"

namespace sep::engine {
namespace {

using samples::Ids;
using samples::Life;

std::vector<Envelope> numbered(std::initializer_list<const Life*> lives) {
  std::vector<Envelope> record;
  for (const auto* life : lives) {
    for (const auto& event : life->events()) {
      record.push_back(event);
      record.back().global_sequence = record.size();
    }
  }
  return record;
}

/// What Redis would hold: documents by key, and each intent's place in the lists.
struct Stored {
  std::map<std::string, std::string> documents;
  std::map<std::string, State> lists;
  std::uint64_t head = 0;

  bool operator==(const Stored&) const = default;

  Projection open() {
    return {head, [this](const std::string& key) -> Result<std::optional<json::object>> {
              const auto found = documents.find(key);
              if (found == documents.end()) return std::nullopt;
              return json::parse(found->second).as_object();
            }};
  }
  void store(Changes changes) {
    for (auto& [key, text] : changes.documents) documents[key] = text;
    for (const auto& entry : changes.lists) {
      const auto listed = lists.find(entry.intent_id);
      // A list move must begin where the intent stands.
      ASSERT_EQ(entry.before, listed == lists.end() ? std::nullopt : std::optional(listed->second));
      lists[entry.intent_id] = entry.after;
    }
    head = changes.last_global_sequence;
  }
  json::object document(const std::string& key) const {
    const auto found = documents.find(key);
    return found == documents.end() ? json::object{} : json::parse(found->second).as_object();
  }
};

Stored project(const std::vector<Envelope>& record) {
  Stored stored;
  auto projection = stored.open();
  for (const auto& event : record) EXPECT_TRUE(projection.apply(event).has_value());
  stored.store(projection.take_changes());
  return stored;
}

std::string text(const json::object& object, std::string_view key) {
  return string_or(object, key, "absent");
}
const json::object& at(const json::object& object, std::string_view key) {
  return object.at(key).as_object();
}
const json::object& element(const json::object& object, std::string_view key, std::size_t index) {
  return object.at(key).as_array().at(index).as_object();
}

TEST(SampleLives, AreLegal) {
  Ids ids;
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const auto life = samples::random_life(ids, random);
    const auto head = advance_head(std::nullopt, life.events());
    ASSERT_TRUE(head.has_value()) << head.error().detail;
    EXPECT_EQ(to_string(head->state), text(fold_intent(life.events()), "state"));
  }
}

TEST(IntentView, OfACompletedAcquisition) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.trade("2512.4", "1");
  const auto view = fold_intent(numbered({&life}));
  EXPECT_EQ(text(view, "intent_id"), life.intent_id());
  EXPECT_EQ(text(view, "correlation_id"), "intent-" + life.intent_id());
  EXPECT_EQ(text(view, "strategy_id"), "demo");
  EXPECT_EQ(text(view, "state"), "completed");
  EXPECT_EQ(view.at("sequence").to_number<int>(), 9);
  EXPECT_EQ(view.at("last_global_sequence").to_number<int>(), 9);
  EXPECT_EQ(text(view, "latest_plan_id"), life.plan_id());
  EXPECT_EQ(text(view, "last_event_id"), life.events().back().event_id);
  EXPECT_EQ(text(view, "received_at"), to_rfc3339(samples::kStart));
  EXPECT_EQ(text(view, "last_event_time"), to_rfc3339(samples::kStart.plus_ms(80)));
  EXPECT_FALSE(view.at("cancel_requested").as_bool());
  EXPECT_EQ(at(view, "intent"), at(life.events()[0].payload, "intent"));
  const auto expected_summary = json::object{{"notional_usd", "2500"},
                                             {"plans", 1},
                                             {"quoted", "2512.4"},
                                             {"bound", "2537.524"},
                                             {"attempts", 1},
                                             {"attempt", 1},
                                             {"phase", "included"},
                                             {"block_number", 8},
                                             {"tx_hash", text(life.events().back().payload, "txHash")},
                                             {"amount_in", "2512.4"},
                                             {"amount_out", "1"},
                                             {"gas_cost_usd", "0.5"},
                                             {"criteria", json::array{}}};
  EXPECT_EQ(canonical_json(at(view, "summary")), canonical_json(expected_summary));
  const auto expected_timings =
      json::object{{"risk", 10},      {"accepted", 20}, {"planned", 30},   {"prepared", 50},
                   {"broadcast", 60}, {"filled", 70},   {"completed", 80}, {"total", 80}};
  EXPECT_EQ(canonical_json(at(view, "timings_ms")), canonical_json(expected_timings));
}

TEST(IntentView, ReasonsComeWithTheFaultAndGoWithTheNextPlan) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1").start().prepare(0).broadcast(0).revert(0);
  EXPECT_EQ(text(at(fold_intent(life.events()), "summary"), "reason"), "SLIPPAGE_EXCEEDED");
  life.approve().plan("2510", "1");
  const auto planned = fold_intent(life.events());
  EXPECT_FALSE(at(planned, "summary").contains("reason"));
  EXPECT_EQ(text(at(planned, "summary"), "bound"), "2535.1");
  EXPECT_EQ(text(planned, "state"), "planned");
  life.start().prepare(0).expire();
  const auto expired = fold_intent(life.events());
  EXPECT_EQ(text(at(expired, "summary"), "reason"), "TIME_WINDOW");
  EXPECT_EQ(at(expired, "summary").at("attempts").to_number<int>(), 2);
}

TEST(IntentView, AnApprovalIsNoFill) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit()
      .accept()
      .plan("2500", "1", true)
      .start()
      .prepare(0, "approve")
      .broadcast(0, "approve")
      .fill(0, "0", "0");
  const auto view = fold_intent(life.events());
  EXPECT_FALSE(at(view, "summary").contains("amount_out"));
  EXPECT_FALSE(at(view, "summary").contains("tx_hash"));
  EXPECT_FALSE(at(view, "timings_ms").contains("filled"));
}

TEST(IntentView, AReorganisationTakesTheFillBack) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1").start().prepare(0).broadcast(0).fill(0, "2500", "1");
  EXPECT_EQ(text(at(fold_intent(life.events()), "summary"), "amount_in"), "2500");
  life.reorg(0);
  EXPECT_FALSE(at(fold_intent(life.events()), "summary").contains("amount_in"));
  EXPECT_EQ(text(element(fold_plan(life.events(), life.plan_id()), "steps", 0), "status"), "reorged");
}

json::object summary_of(const Life& life) {
  return at(fold_intent(life.events()), "summary");
}

TEST(IntentView, ThePhaseIsWhatTheSwapsTransactionDidLast) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  const auto phase = [&] { return text(summary_of(life), "phase"); };
  life.submit().accept().plan("2500", "1", true).start();
  EXPECT_EQ(phase(), "absent");
  life.prepare(0, "approve").broadcast(0, "approve").fill(0, "0", "0");
  EXPECT_EQ(phase(), "absent");
  life.prepare(1);
  EXPECT_EQ(phase(), "prepared");
  life.broadcast(1);
  EXPECT_EQ(phase(), "broadcast");
  life.prepare(1);
  EXPECT_EQ(phase(), "prepared");
  life.broadcast(1).fill(1, "2500", "1", 1);
  EXPECT_EQ(phase(), "included");
  EXPECT_EQ(summary_of(life).at("block_number").to_number<int>(), 8);
  life.reorg(1, 1);
  EXPECT_EQ(phase(), "reorged");
  EXPECT_FALSE(summary_of(life).contains("block_number"));
  life.fill(1, "2500", "1").complete();
  EXPECT_EQ(phase(), "included");
}

TEST(IntentView, ARevertIsTheSwapsOnlyWhereItsTransactionIs) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1", true).start().prepare(0, "approve").prepare(1);
  life.broadcast(0, "approve").broadcast(1).revert(0);
  EXPECT_EQ(text(summary_of(life), "phase"), "broadcast");
  EXPECT_EQ(text(summary_of(life), "reason"), "SLIPPAGE_EXCEEDED");
  life.reorg(0);
  EXPECT_EQ(text(summary_of(life), "phase"), "broadcast");
  life.revert(1);
  EXPECT_EQ(text(summary_of(life), "phase"), "reverted");
}

TEST(IntentView, AReplacementCountsAndACancellationDoesNot) {
  Ids ids;
  Life life(ids, "demo", "dispose", "1");
  life.submit().accept().plan("1", "2480").start().prepare(0).broadcast(0).prepare(0).broadcast(0);
  EXPECT_EQ(summary_of(life).at("attempt").to_number<int>(), 2);
  const auto sent = text(life.events().back().payload, "txHash");
  life.prepare(0, "cancel").broadcast(0, "cancel");
  EXPECT_EQ(summary_of(life).at("attempt").to_number<int>(), 2);
  EXPECT_EQ(summary_of(life).at("attempts").to_number<int>(), 3);
  EXPECT_EQ(text(summary_of(life), "phase"), "broadcast");
  EXPECT_EQ(text(summary_of(life), "tx_hash"), sent);
}

TEST(IntentView, ANewPlanTellsItsOwnQuoteAndBeginsAnew) {
  Ids ids;
  Life life(ids, "demo", "dispose", "1");
  life.submit().accept().plan("1", "2480");
  EXPECT_EQ(text(summary_of(life), "quoted"), "2480");
  EXPECT_EQ(text(summary_of(life), "bound"), "2455.2");
  EXPECT_EQ(summary_of(life).at("plans").to_number<int>(), 1);
  life.start().prepare(0).broadcast(0).revert(0).approve().plan("1", "2470");
  const auto summary = summary_of(life);
  EXPECT_EQ(text(summary, "quoted"), "2470");
  EXPECT_EQ(summary.at("plans").to_number<int>(), 2);
  for (const std::string_view gone : {"phase", "attempt", "block_number", "reason", "detail"})
    EXPECT_FALSE(summary.contains(gone)) << gone;

  Life buy(ids, "demo", "acquire", "1");
  buy.submit().accept().plan("2500", "1", true);
  EXPECT_EQ(text(summary_of(buy), "quoted"), "2500");
}

TEST(IntentView, AClockThatStepsBackGivesNoNegativeDuration) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept();
  auto events = life.events();
  events[1].timestamp = samples::kStart.plus_ms(-5);
  EXPECT_EQ(at(fold_intent(events), "timings_ms").at("risk").to_number<int>(), 0);
}

TEST(IntentView, UnknownPayloadsAreLeftOut) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.trade("2500", "1");
  auto events = life.events();
  for (auto& event : events) event.payload = {{"stepIndex", "0"}, {"steps", 1}, {"planId", nullptr}};
  const auto view = fold_intent(events);
  EXPECT_EQ(text(view, "state"), "completed");
  for (std::size_t i = 0; i < events.size(); ++i) events[i].global_sequence = i + 1;
  EXPECT_EQ(text(project(events).document(intent_key(life.intent_id())), "state"), "completed");
}

TEST(PlanView, ShowsEachStepsProgress) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1", true);
  auto view = fold_plan(life.events(), life.plan_id());
  EXPECT_EQ(text(view, "state"), "planned");
  EXPECT_EQ(text(view, "created_at"), to_rfc3339(samples::kStart.plus_ms(30)));
  EXPECT_EQ(text(at(view, "estimated_cost"), "gas_usd"), "0.81");
  EXPECT_EQ(view.at("risk_score").to_number<int>(), 25);
  EXPECT_EQ(text(element(view, "steps", 1), "status"), "pending");

  life.start()
      .prepare(0, "approve")
      .broadcast(0, "approve")
      .fill(0, "0", "0")
      .prepare(1)
      .broadcast(1)
      .prepare(1);
  view = fold_plan(life.events(), life.plan_id());
  EXPECT_EQ(text(view, "state"), "executing");
  EXPECT_EQ(text(element(view, "steps", 0), "status"), "filled");
  EXPECT_EQ(at(element(view, "steps", 0), "fill").at("block_number").to_number<int>(), 8);
  const auto& swap = element(view, "steps", 1);
  EXPECT_EQ(text(swap, "status"), "prepared");
  ASSERT_EQ(swap.at("attempts").as_array().size(), 2U);
  EXPECT_EQ(text(element(swap, "attempts", 0), "prepared_at"), to_rfc3339(samples::kStart.plus_ms(80)));
  EXPECT_EQ(text(element(swap, "attempts", 0), "submitted_at"), to_rfc3339(samples::kStart.plus_ms(90)));
  EXPECT_EQ(text(element(swap, "attempts", 1), "submitted_at"), "absent");

  life.broadcast(1).fill(1, "2500", "1").complete();
  EXPECT_EQ(text(fold_plan(life.events(), life.plan_id()), "state"), "completed");
}

TEST(PlanView, ANewPlanSupersedesTheOldAndTheEndIsTheNewOnes) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1").start().prepare(0).broadcast(0).revert(0).approve();
  const auto first = life.plan_id();
  life.plan("2510", "1").ask_to_cancel().cancel();
  const auto stored = project(numbered({&life}));
  EXPECT_EQ(text(stored.document(plan_key(first)), "state"), "superseded");
  EXPECT_EQ(text(element(stored.document(plan_key(first)), "steps", 0), "reason"), "SLIPPAGE_EXCEEDED");
  EXPECT_EQ(text(stored.document(plan_key(life.plan_id())), "state"), "cancelled");
  EXPECT_TRUE(stored.document(intent_key(life.intent_id())).at("cancel_requested").as_bool());
}

/// Trades of one strategy, one after the other, and the account of its pair.
json::object pair_after(const std::vector<std::tuple<std::string, std::string, std::string>>& trades) {
  Ids ids;
  std::vector<Envelope> record;
  for (const auto& [type, weth, usdc] : trades) {
    Life life(ids, "demo", type, weth);
    type == "acquire" ? life.trade(usdc, weth) : life.trade(weth, usdc);
    for (const auto& event : life.events()) {
      record.push_back(event);
      record.back().global_sequence = record.size();
    }
  }
  return element(project(record).document(positions_key("demo")), "pairs", 0);
}

TEST(Positions, AverageCost) {
  // Bought 1 at 2000 and 3 at 2400: 4 at 2300. Sold 2 at 2500: profit 2 · 200.
  const auto pair =
      pair_after({{"acquire", "1", "2000"}, {"acquire", "3", "7200"}, {"dispose", "2", "5000"}});
  EXPECT_EQ(text(pair, "bought_base"), "4");
  EXPECT_EQ(text(pair, "paid_quote"), "9200");
  EXPECT_EQ(text(pair, "sold_base"), "2");
  EXPECT_EQ(text(pair, "received_quote"), "5000");
  EXPECT_EQ(text(pair, "position_base"), "2");
  EXPECT_EQ(text(pair, "average_cost_quote"), "2300");
  EXPECT_EQ(text(pair, "realised_pnl_quote"), "400");
  EXPECT_EQ(text(pair, "gas_usd"), "1.5");
  EXPECT_EQ(pair.at("fills").to_number<int>(), 3);
}

TEST(Positions, SellingPastZeroOpensAShortThatBuyingBackCloses) {
  // 1 bought at 2000; 3 sold at 2100: 1 closes (+100), 2 are short at 2100.
  auto pair = pair_after({{"acquire", "1", "2000"}, {"dispose", "3", "6300"}});
  EXPECT_EQ(text(pair, "position_base"), "-2");
  EXPECT_EQ(text(pair, "average_cost_quote"), "2100");
  EXPECT_EQ(text(pair, "realised_pnl_quote"), "100");
  // 5 bought at 2200: 2 close at a loss of 100 each, 3 are long at 2200.
  pair = pair_after({{"acquire", "1", "2000"}, {"dispose", "3", "6300"}, {"acquire", "5", "11000"}});
  EXPECT_EQ(text(pair, "position_base"), "3");
  EXPECT_EQ(text(pair, "average_cost_quote"), "2200");
  EXPECT_EQ(text(pair, "realised_pnl_quote"), "-100");
}

TEST(Positions, PartsAreRoundedAgainstTheStrategyAndTheRestLosesNothing) {
  // 3 units cost 10 units of quote (0.00001). Selling 1 for 4: its cost is 10/3, up to 4: nothing is
  // realised.
  auto pair = pair_after({{"acquire", "3", "0.00001"}, {"dispose", "1", "0.000004"}});
  EXPECT_EQ(text(pair, "realised_pnl_quote"), "0");
  EXPECT_EQ(text(pair, "average_cost_quote"), "0.000003");
  // What is left costs 6: sold for 7, and over all 11 came in for 10.
  pair =
      pair_after({{"acquire", "3", "0.00001"}, {"dispose", "1", "0.000004"}, {"dispose", "2", "0.000007"}});
  EXPECT_EQ(text(pair, "realised_pnl_quote"), "0.000001");
  EXPECT_EQ(text(pair, "position_base"), "0");
  EXPECT_EQ(text(pair, "average_cost_quote"), "0");
}

TEST(Positions, OfEachAsset) {
  Ids ids;
  Life buy(ids, "demo", "acquire", "1");
  buy.trade("2500", "1");
  Life sell(ids, "demo", "dispose", "0.25");
  sell.trade("0.25", "700");
  const auto view = project(numbered({&buy, &sell})).document(positions_key("demo"));
  EXPECT_EQ(view.at("fills").to_number<int>(), 2);
  EXPECT_EQ(text(view, "as_of"), to_rfc3339(sell.events().back().timestamp));
  const auto& weth = element(view, "positions", 0);
  EXPECT_EQ(text(at(weth, "asset"), "symbol"), "WETH");
  EXPECT_EQ(text(weth, "quantity"), "0.75");
  const auto& usdc = element(view, "positions", 1);
  EXPECT_EQ(text(usdc, "quantity"), "-1800");
  EXPECT_EQ(text(usdc, "bought"), "700");
  EXPECT_EQ(text(usdc, "sold"), "2500");
}

TEST(Positions, AFillCountsAtTheEndHoweverItEnds) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1").start().prepare(0).broadcast(0).fill(0, "2500", "1");
  EXPECT_TRUE(project(numbered({&life})).document(positions_key("demo")).empty());
  life.fail();
  const auto view = project(numbered({&life})).document(positions_key("demo"));
  EXPECT_EQ(text(element(view, "pairs", 0), "bought_base"), "1");
}

TEST(Positions, ACancellationInTheSwapsPlaceFillsNothing) {
  Ids ids;
  Life bought(ids, "demo", "acquire", "1");
  bought.trade("2500", "1");
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1").start().prepare(0).broadcast(0).ask_to_cancel();
  life.prepare(0, "cancel").broadcast(0, "cancel").fill(0, "0", "0").cancel();
  const auto view = project(numbered({&bought, &life})).document(positions_key("demo"));
  EXPECT_EQ(view.at("fills").to_number<int>(), 1);
  EXPECT_EQ(element(view, "pairs", 0).at("fills").to_number<int>(), 1);
  EXPECT_EQ(text(element(view, "pairs", 0), "bought_base"), "1");
}

TEST(Positions, SumsThatLeaveTheRangeSaturate) {
  Ids ids;
  const auto huge = format_amount(Uint256::max(), 18);
  Life first(ids, "demo", "acquire", huge);
  first.trade("1", huge);
  Life second(ids, "demo", "acquire", huge);
  second.trade("1", huge);
  const auto view = project(numbered({&first, &second})).document(positions_key("demo"));
  EXPECT_EQ(text(element(view, "pairs", 0), "bought_base"), huge);
}

/// Without rounding, in 10^-6 USDC and 10^-18 WETH: the same by another way, with fractions kept.
RC_GTEST_PROP(Positions, RealisedProfitIsCashFlowPlusTheOpenCost, ()) {
  const auto count = *rc::gen::inRange(1, 12);
  std::vector<std::tuple<std::string, std::string, std::string>> trades;
  std::int64_t position = 0;  // units of WETH's last digit but 17: 0.1
  double cost = 0;            // of the open position, USDC; exact enough to compare with
  double realised = 0;
  for (int i = 0; i < count; ++i) {
    const auto amount = *rc::gen::inRange<std::int64_t>(1, 50);
    const auto price = *rc::gen::inRange<std::int64_t>(1, 4000);
    const bool buy = *rc::gen::arbitrary<bool>();
    const auto value = static_cast<double>(amount * price);
    const auto sign = buy ? 1 : -1;
    if (position * sign >= 0) {
      cost += value;
    } else {
      const auto open = std::abs(position);
      const auto closed = std::min(amount, open);
      const double closed_cost = cost * static_cast<double>(closed) / static_cast<double>(open);
      const double closed_value = value * static_cast<double>(closed) / static_cast<double>(amount);
      realised += buy ? closed_cost - closed_value : closed_value - closed_cost;
      cost = amount > open ? value - closed_value : cost - closed_cost;
    }
    position += sign * amount;
    trades.emplace_back(buy ? "acquire" : "dispose", format_amount(Uint256(amount), 1),
                        std::to_string(amount * price));
  }
  const auto pair = pair_after(trades);
  RC_ASSERT(std::abs(std::stod(text(pair, "position_base")) - static_cast<double>(position) / 10) < 1e-9);
  // Each of the trades may be rounded twice by one unit of 10^-6.
  RC_ASSERT(std::abs(std::stod(text(pair, "realised_pnl_quote")) - realised) < 1e-4);
  const double average = position == 0 ? 0 : cost / static_cast<double>(std::abs(position)) * 10;
  RC_ASSERT(std::abs(std::stod(text(pair, "average_cost_quote")) - average) < 1e-3);
}

TEST(Stats, Totals) {
  Ids ids;
  Life completed(ids, "a", "acquire", "1");
  completed.trade("2500", "1");
  Life failed(ids, "a", "acquire", "1");
  failed.submit().accept().plan("2500", "1").start().prepare(0).revert(0).fail();
  Life rejected(ids, "b", "acquire", "1");
  rejected.submit().reject_risk();
  Life unplanned(ids, "b", "acquire", "1");
  unplanned.submit().accept().reject_plan();
  Life cancelled(ids, "b", "acquire", "1");
  cancelled.submit().ask_to_cancel().cancel();
  Life open(ids, "b", "acquire", "1");
  open.submit().accept("10.000001").plan("10", "1");
  const auto record = numbered({&completed, &failed, &rejected, &unplanned, &cancelled, &open});
  const auto stats = project(record).document("stats");
  const auto number = [&](std::string_view key) { return stats.at(key).to_number<std::uint64_t>(); };
  EXPECT_EQ(number("executed"), 1U);
  EXPECT_EQ(number("failed"), 1U);
  EXPECT_EQ(number("rejected"), 2U);
  EXPECT_EQ(number("cancelled"), 1U);
  EXPECT_EQ(number("expired"), 0U);
  EXPECT_EQ(number("active"), 1U);
  EXPECT_EQ(number("success_numerator"), 1U);
  EXPECT_EQ(number("success_denominator"), 2U);
  EXPECT_EQ(number("last_global_sequence"), record.size());
  EXPECT_EQ(at(stats, "by_state").at("planned").to_number<int>(), 1);
  EXPECT_EQ(text(stats, "total_value_usd"), "2500");
}

TEST(Transactions, EachNamesTheIntentThatMadeIt) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1", true).start().prepare(0, "approve").prepare(1);
  life.broadcast(0, "approve").broadcast(1).prepare(1).prepare(1, "cancel");
  Life other(ids, "demo", "acquire", "1");
  other.submit().accept().plan("2500", "1").start().prepare(0);
  const auto stored = project(numbered({&life, &other}));
  std::set<std::string> expected;
  for (const auto* each : {&life, &other}) {
    for (const auto& event : each->events()) {
      if (event.topic != topic::kExecStepPrepared) continue;
      const auto key = transaction_key(text(event.payload, "txHash"));
      EXPECT_EQ(canonical_json(stored.document(key)),
                canonical_json(json::object{{"intent_id", each->intent_id()}}));
      expected.insert(key);
    }
  }
  EXPECT_EQ(expected.size(), 5U);
  std::set<std::string> found;
  for (const auto& [key, document] : stored.documents)
    if (key.starts_with("transaction:")) found.insert(key);
  EXPECT_EQ(found, expected);
}

TEST(Buckets, ChangeWithTheBeginningAndTheEndOfAnIntent) {
  Ids ids;
  // 20 ms before a minute ends: accepted in it, planned and completed in the next.
  const Timestamp late{samples::kStart.ms / 3'600'000 * 3'600'000 + 59'980};
  Life life(ids, "demo", "acquire", "1", late);
  life.trade("2500", "1");
  Life refused(ids, "demo", "acquire", "1", late);
  refused.submit().reject_risk();
  const auto stored = project(numbered({&life, &refused}));
  const auto before = bucket_keys(late);
  const auto after = bucket_keys(life.events().back().timestamp);
  ASSERT_NE(before[0], after[0]);
  ASSERT_EQ(before[1], after[1]);
  const auto expect = [&](const std::string& key, const json::object& bucket) {
    EXPECT_EQ(canonical_json(stored.document(key)), canonical_json(bucket)) << key;
  };
  expect(before[0], {{"submitted", 2}, {"rejected", 1}});
  expect(after[0], {{"completed", 1}, {"value_usd", "2500"}, {"settle_ms", {{"80", 1}}}});
  expect(before[1], {{"submitted", 2},
                     {"rejected", 1},
                     {"completed", 1},
                     {"value_usd", "2500"},
                     {"settle_ms", {{"80", 1}}}});
}

// --- vectors for the pages' fold
// --------------------------------------------------------------------------------

/// {"lives": [{"name", "events", "views", "plans"}]}, a life a line: after each of the events, the intent's
/// view and the views of its plans.
std::string projection_vectors() {
  std::string out = "{\"lives\": [\n";
  std::uint64_t last = 0;
  const auto lives = samples::every_kind_of_life();
  for (const auto& [name, life] : lives) {
    json::array events;
    json::array views;
    json::array plans;
    json::object view;
    std::map<std::string, json::object> known;
    for (auto event : life.events()) {
      event.global_sequence = ++last;
      events.push_back(to_json(event));
      view = apply_to_intent(std::move(view), event);
      views.push_back(view);
      if (event.topic == topic::kPlanCreated) known[text(event.payload, "planId")];
      json::object shown;
      for (auto& [plan_id, plan] : known) {
        plan = apply_to_plan(std::move(plan), event);
        shown[plan_id] = plan;
      }
      plans.push_back(std::move(shown));
    }
    out += canonical_json(json::object{{"name", name},
                                       {"events", std::move(events)},
                                       {"views", std::move(views)},
                                       {"plans", std::move(plans)}});
    out += &life == &lives.back().life ? "\n" : ",\n";
  }
  return out + "]}\n";
}

TEST(Vectors, AreWhatTheFoldGives) {
  const auto path = std::filesystem::path(SEP_SOURCE_DIR) / "tests/vectors/projection.json";
  const auto vectors = projection_vectors();
  ASSERT_TRUE(parse_json(vectors).has_value());
  if (std::getenv("SEP_WRITE_VECTORS") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << vectors;
  }
  std::ostringstream file;
  file << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_TRUE(file.str() == vectors) << path << " is not what the fold gives: run SEP_WRITE_VECTORS=1 "
                                     << "engine_test --gtest_filter='Vectors.*' to write it anew";
}

TEST(Vectors, ShowEveryTopicAndPhase) {
  std::set<std::string> topics;
  std::set<std::string> phases;
  std::set<std::string> plan_states;
  for (const auto& [name, life] : samples::every_kind_of_life()) {
    ASSERT_TRUE(advance_head(std::nullopt, life.events()).has_value()) << name;
    const auto& events = life.events();
    for (std::size_t i = 0; i < events.size(); ++i) {
      const std::span prefix(events.data(), i + 1);
      topics.insert(events[i].topic);
      phases.insert(text(at(fold_intent(prefix), "summary"), "phase"));
      if (events[i].topic == topic::kPlanCreated)
        plan_states.insert(text(fold_plan(events, text(events[i].payload, "planId")), "state"));
    }
  }
  EXPECT_EQ(topics.size(), topic::kOfIntents.size());
  EXPECT_EQ(phases,
            (std::set<std::string>{"absent", "prepared", "broadcast", "included", "reverted", "reorged"}));
  EXPECT_EQ(plan_states, (std::set<std::string>{"executing", "completed", "failed", "superseded", "expired",
                                                "cancelled"}));
}

// --- the fold as a whole
// ----------------------------------------------------------------------------------------

// The kill switch's and the signers' events are of the record, and so counted; no document tells of them.
TEST(ProjectionFold, CountsWhatIsOfNoIntent) {
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.trade("2500", "1");
  auto record = numbered({&life});
  const auto without = project(record);
  const auto at = [&](std::size_t place, std::string correlation_id, std::string_view topic) {
    Envelope event{.event_id = ids.next(),
                   .timestamp = samples::kStart,
                   .topic = std::string(topic),
                   .correlation_id = correlation_id,
                   .causation_id = correlation_id,
                   .sequence = 1,
                   .payload = {{"reason", "USER_REQUEST"}, {"detail", ""}, {"by", "ops@desk"}}};
    record.insert(record.begin() + static_cast<std::ptrdiff_t>(place), std::move(event));
  };
  at(0, "control", topic::kControlHalted);
  at(5, "signer-1-0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", topic::kSignerHalted);
  for (std::size_t i = 0; i < record.size(); ++i) record[i].global_sequence = i + 1;
  auto with = project(record);
  EXPECT_EQ(with.head, without.head + 2);
  // Only how far the record was differs.
  const auto plain = [](const Stored& stored) {
    std::map<std::string, std::string> documents;
    for (const auto& [key, text] : stored.documents) {
      auto document = parse_json(text).value().as_object();
      document.erase("last_global_sequence");
      documents.emplace(key, canonical_json(document));
    }
    return documents;
  };
  EXPECT_EQ(plain(with), plain(without));
  EXPECT_EQ(with.lists, without.lists);
}

RC_GTEST_PROP(ProjectionFold, MayStopAndGoOnAnywhere, ()) {
  const auto record = samples::random_record(8, *rc::gen::arbitrary<std::uint64_t>());
  const auto whole = project(record);
  // The same in batches of random sizes, each by a new Projection that has only what is stored.
  Stored pieces;
  for (std::size_t done = 0; done < record.size();) {
    auto projection = pieces.open();
    const auto size = std::min<std::size_t>(*rc::gen::inRange(1, 10), record.size() - done);
    for (std::size_t i = 0; i < size; ++i) RC_ASSERT(projection.apply(record[done + i]).has_value());
    pieces.store(projection.take_changes());
    done += size;
  }
  RC_ASSERT(pieces == whole);
}

RC_GTEST_PROP(ProjectionFold, OneProjectionOverManyBatchesIsTheSame, ()) {
  const auto record = samples::random_record(8, *rc::gen::arbitrary<std::uint64_t>());
  Stored pieces;
  auto projection = pieces.open();
  for (const auto& event : record) {
    RC_ASSERT(projection.apply(event).has_value());
    if (*rc::gen::inRange(0, 4) == 0) pieces.store(projection.take_changes());
  }
  pieces.store(projection.take_changes());
  RC_ASSERT(pieces == project(record));
}

RC_GTEST_PROP(ProjectionFold, RepeatsAndLateEventsChangeNothing, ()) {
  const auto record = samples::random_record(6, *rc::gen::arbitrary<std::uint64_t>());
  Stored stored;
  auto projection = stored.open();
  for (std::size_t i = 0; i < record.size(); ++i) {
    RC_ASSERT(projection.apply(record[i]).has_value());
    RC_ASSERT(projection.apply(record[*rc::gen::inRange<std::size_t>(0, i + 1)]).has_value());
  }
  stored.store(projection.take_changes());
  RC_ASSERT(stored == project(record));
}

RC_GTEST_PROP(ProjectionFold, EveryPrefixAgreesWithTheLifecycleAndTheOneIntentFold, ()) {
  const auto record = samples::random_record(5, *rc::gen::arbitrary<std::uint64_t>());
  const auto length = *rc::gen::inRange<std::size_t>(1, record.size() + 1);
  const std::vector<Envelope> prefix(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(length));
  const auto stored = project(prefix);
  std::map<std::string, std::vector<Envelope>> histories;
  for (const auto& event : prefix) histories[event.correlation_id].push_back(event);
  std::uint64_t active = 0;
  for (const auto& [correlation_id, history] : histories) {
    const std::string id(intent_id_of(correlation_id));
    const auto view = stored.document(intent_key(id));
    RC_ASSERT(canonical_json(view) == canonical_json(fold_intent(history)));
    RC_ASSERT(text(view, "state") == to_string(stored.lists.at(id)));
    active += is_terminal(stored.lists.at(id)) ? 0 : 1;
    for (const auto& event : history) {
      if (event.topic != topic::kPlanCreated) continue;
      const auto plan_id = text(event.payload, "planId");
      RC_ASSERT(canonical_json(stored.document(plan_key(plan_id))) ==
                canonical_json(fold_plan(history, plan_id)));
    }
  }
  RC_ASSERT(stored.document("stats").at("active").to_number<std::uint64_t>() == active);
}

TEST(ProjectionFold, AGapIsRefused) {
  const auto record = samples::random_record(2, 7);
  Stored stored;
  auto projection = stored.open();
  ASSERT_TRUE(projection.apply(record[0]).has_value());
  const auto refused = projection.apply(record[2]);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::kSequenceConflict);
  EXPECT_EQ(projection.last_global_sequence(), 1U);
}

}  // namespace
}  // namespace sep::engine
