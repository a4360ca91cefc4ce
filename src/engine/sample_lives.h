#pragma once
// For tests: lives of intents whose events are legal and whose payloads are as schema/payloads says.
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "base/ulid.h"
#include "engine/envelope.h"
#include "engine/topics.h"
#include "ethereum/hash.h"

namespace sep::engine::samples {

inline constexpr Timestamp kStart{1'787'000'000'000};

/// ULIDs that depend on nothing but how many were made before.
class Ids {
 public:
  std::string next(Timestamp time) { return generator_.next(time, {}); }
  std::string next() { return next(kStart); }
  /// Of a life's first step; the one behind it is its own, too. The first life has 5.
  std::uint64_t next_nonce() { return std::exchange(nonce_, nonce_ + 2); }

 private:
  UlidGenerator generator_;
  std::uint64_t nonce_ = 5;
};

/// The event's document to write to; it takes effect at the end of the expression.
class Edit {
 public:
  explicit Edit(Envelope& event) : event_(event), object_(event.payload.object()) {}
  ~Edit() { event_.payload = std::move(object_); }
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  json::object& operator*() { return object_; }
  json::value& operator[](std::string_view key) { return object_[key]; }

 private:
  Envelope& event_;
  json::object object_;
};
inline Edit edit(Envelope& event) {
  return Edit(event);
}

inline std::string hex(char digit, std::size_t digits) {
  return "0x" + std::string(digits, digit);
}

inline json::object asset(std::string_view symbol) {
  const bool weth = symbol == "WETH";
  return {{"symbol", symbol},
          {"chain", "ethereum"},
          {"address", hex(weth ? 'a' : 'b', 40)},
          {"decimals", weth ? 18 : 6}};
}

/// One intent on WETH/USDC. Each call adds what the services would append; time goes on by 10 ms an event.
/// How a plan's swap goes through the pools. kOnePool is the form of records from before swaps had paths.
enum class Route { kOnePath, kSplit, kOnePool };

class Life {
 public:
  Life(Ids& ids, std::string strategy, std::string type, std::string amount, Timestamp received = kStart)
      : ids_(&ids),
        id_(ids.next(received)),
        type_(std::move(type)),
        amount_(std::move(amount)),
        time_(received),
        nonce_(ids.next_nonce()) {
    intent_ = {
        {"strategy_id", strategy},
        {"intent_type", type_},
        {"assets", json::array{asset("WETH"), asset("USDC")}},
        {"amount", amount_},
        {"constraints", {{"max_slippage", "0.01"}, {"time_window", 300}, {"execution_style", "normal"}}},
        {"success_criteria", json::array{}}};
  }

  Life& submit() { return add(topic::kIntentSubmitted, {{"intent", intent_}}); }
  Life& approve(std::string_view usd = "2500") {
    return add(topic::kRiskApproved, {{"notionalUsd", usd}, {"checks", json::array{}}});
  }
  Life& accept(std::string_view usd = "2500") {
    return approve(usd).add(topic::kIntentAccepted, {{"intent", intent_}});
  }
  Life& reject_risk() {
    return add(topic::kRiskRejected,
               {{"reason", "NOTIONAL_LIMIT"}, {"detail", "too much"}, {"checks", json::array{}}});
  }
  Life& reject_plan() { return add(topic::kPlanRejected, {{"reason", "NO_ROUTE"}, {"detail", "no pool"}}); }
  /// `in`, `out`: quoted amounts of the swap, whose bound is 1 % beyond. With an approval as step 0 where
  /// asked for.
  Life& plan(std::string_view in, std::string_view out, bool with_approval = false,
             Route route = Route::kOnePath) {
    plan_id_ = ids_->next(time_);
    tx_hashes_.clear();
    json::array steps;
    if (with_approval)
      steps.push_back(json::object{{"index", 0},
                                   {"kind", "approve"},
                                   {"token", token_in()},
                                   {"spender", hex('c', 40)},
                                   {"amount", in}});
    swap_index_ = static_cast<unsigned>(steps.size());
    json::object swap{{"index", swap_index_},
                      {"kind", "swap"},
                      {"venue", "uniswap_v3"},
                      {"swap_kind", type_ == "acquire" ? "exact_output" : "exact_input"},
                      {"token_in", token_in()},
                      {"token_out", token_out()},
                      {"amount_in", in},
                      {"amount_out", out},
                      {"price_impact", "0.0004"},
                      {"gas_estimate", "160000"},
                      {"router", hex('c', 40)},
                      {"recipient", hex('e', 40)},
                      {"deadline", time_.unix_seconds() + 300},
                      {"block_number", 7},
                      {"block_hash", hex('1', 64)}};
    add_bound(swap);
    add_route(swap, route);
    steps.push_back(std::move(swap));
    return add(topic::kPlanCreated, {{"planId", plan_id_},
                                     {"steps", std::move(steps)},
                                     {"estimatedCost",
                                      {{"gas_units", "184000"},
                                       {"gas_wei", "300000000000000"},
                                       {"gas_eth", "0.0003"},
                                       {"gas_usd", "0.81"}}},
                                     {"estimatedDurationMs", 12000},
                                     {"riskScore", 25}});
  }
  /// To the swap, or to a path of it: 1 % beyond its quote.
  void add_bound(json::object& object) const {
    if (type_ == "acquire")
      object["max_amount_in"] = percent_of(object["amount_in"].get_string(), 101);
    else
      object["min_amount_out"] = percent_of(object["amount_out"].get_string(), 99);
  }
  void add_route(json::object& swap, Route route) const {
    const json::object pool{{"pools", json::array{hex('d', 40)}},
                            {"fees", json::array{500}},
                            {"ticks_crossed", json::array{0}},
                            {"sqrt_price_x96_after", json::array{"79228162514264337593543950336"}}};
    if (route == Route::kOnePool) {
      for (const auto& member : pool) swap[member.key()] = member.value();
      return;
    }
    const auto named = [](const json::object& token) {
      return json::object{{"symbol", token.at("symbol")}, {"address", token.at("address")}};
    };
    const auto path = [&](unsigned percent, json::array tokens, json::object hops) {
      hops["amount_in"] = percent_of(swap["amount_in"].get_string(), percent);
      hops["amount_out"] = percent_of(swap["amount_out"].get_string(), percent);
      hops["tokens"] = std::move(tokens);
      add_bound(hops);
      return hops;
    };
    const auto first = named(token_in());
    const auto last = named(token_out());
    const unsigned direct = route == Route::kSplit ? 72 : 100;
    json::array paths;
    paths.push_back(path(direct, {first, last}, pool));
    if (route == Route::kSplit)
      paths.push_back(path(28, {first, json::object{{"address", hex('9', 40)}}, last},
                           {{"pools", json::array{hex('2', 40), hex('3', 40)}},
                            {"fees", json::array{100, 3000}},
                            {"ticks_crossed", json::array{0, 1}},
                            {"sqrt_price_x96_after",
                             json::array{"79228162514264337593543950336", "1461446703485210103287273"}}}));
    swap["paths"] = std::move(paths);
  }
  Life& start() { return add(topic::kExecStarted, {{"planId", plan_id_}}); }
  unsigned swap_index() const { return swap_index_; }
  Life& prepare(unsigned step, std::string_view kind = "swap") {
    auto& hashes = tx_hashes_[step];
    hashes.push_back(to_hex(keccak256(id_ + std::to_string(events_.size()))));
    return add(
        topic::kExecStepPrepared,
        {{"planId", plan_id_},
         {"stepIndex", step},
         {"attempt", hashes.size()},
         {"kind", kind},
         {"nonce", nonce_ + step},
         {"txHash", hashes.back()},
         {"rawTx", "0x0200000000"},
         {"fees",
          {{"gas_limit", "200000"}, {"max_fee_per_gas", "2000000000"}, {"max_priority_fee_per_gas", "1"}}}});
  }
  /// The step's latest transaction.
  Life& broadcast(unsigned step, std::string_view kind = "swap") {
    const auto& hashes = tx_hashes_[step];
    return add(topic::kExecStepSubmitted, {{"planId", plan_id_},
                                           {"stepIndex", step},
                                           {"attempt", hashes.size()},
                                           {"kind", kind},
                                           {"txHash", hashes.back()},
                                           {"nonce", nonce_ + step}});
  }
  /// `attempt`: whose transaction is in the block; 0: the latest one's.
  Life& fill(unsigned step, std::string_view in, std::string_view out, std::size_t attempt = 0) {
    if (out != "0") {
      amount_in_ = in;
      amount_out_ = out;
    }
    included_ = hash_of(step, attempt);
    return add(topic::kExecStepFilled, {{"planId", plan_id_},
                                        {"stepIndex", step},
                                        {"txHash", included_},
                                        {"blockNumber", 8},
                                        {"blockHash", hex('2', 64)},
                                        {"amountIn", in},
                                        {"amountOut", out},
                                        {"gasUsed", "150000"},
                                        {"effectiveGasPrice", "1000000000"}});
  }
  /// Begun, filled and completed on paper: without a transaction.
  Life& fill_on_paper(std::string_view in, std::string_view out) {
    amount_in_ = in;
    amount_out_ = out;
    included_.clear();
    start().add(topic::kExecStepFilled, {{"planId", plan_id_},
                                         {"stepIndex", swap_index_},
                                         {"blockNumber", 7},
                                         {"blockHash", hex('1', 64)},
                                         {"amountIn", in},
                                         {"amountOut", out},
                                         {"gasUsed", "0"},
                                         {"effectiveGasPrice", "0"}});
    return complete("0");
  }
  Life& revert(unsigned step, std::size_t attempt = 0) {
    return add(topic::kExecStepReverted, {{"planId", plan_id_},
                                          {"stepIndex", step},
                                          {"txHash", hash_of(step, attempt)},
                                          {"reason", "SLIPPAGE_EXCEEDED"},
                                          {"detail", "Too little received"},
                                          {"blockNumber", 8},
                                          {"blockHash", hex('2', 64)},
                                          {"gasUsed", "90000"},
                                          {"effectiveGasPrice", "1000000000"}});
  }
  Life& reorg(unsigned step, std::size_t attempt = 0) {
    return add(topic::kExecStepReorged, {{"planId", plan_id_},
                                         {"stepIndex", step},
                                         {"txHash", hash_of(step, attempt)},
                                         {"blockHash", hex('2', 64)}});
  }
  Life& complete(std::string_view gas_usd = "0.5", json::array criteria = {}) {
    json::object payload{{"planId", plan_id_},
                         {"amountIn", amount_in_},
                         {"amountOut", amount_out_},
                         {"gasCostUsd", gas_usd},
                         {"criteria", std::move(criteria)}};
    if (!included_.empty()) payload["txHash"] = included_;
    return add(topic::kExecCompleted, std::move(payload));
  }
  Life& fail() {
    return add(topic::kExecFailed, {{"planId", plan_id_}, {"reason", "REVERTED"}, {"detail", "gave up"}});
  }
  Life& expire() { return add(topic::kIntentExpired, {{"reason", "TIME_WINDOW"}}); }
  Life& ask_to_cancel() { return add(topic::kIntentCancelRequested, {}); }
  Life& cancel() { return add(topic::kIntentCancelled, {}); }

  /// From submission to completion with one swap.
  Life& trade(std::string_view in, std::string_view out) {
    return submit().accept().plan(in, out).start().prepare(0).broadcast(0).fill(0, in, out).complete();
  }

  const std::string& intent_id() const { return id_; }
  const std::string& plan_id() const { return plan_id_; }
  std::string correlation_id() const { return correlation_of(id_); }
  const std::vector<Envelope>& events() const { return events_; }

 private:
  const std::string& hash_of(unsigned step, std::size_t attempt) const {
    const auto& hashes = tx_hashes_.at(step);
    return attempt == 0 ? hashes.back() : hashes.at(attempt - 1);
  }
  static std::string percent_of(std::string_view usdc, unsigned percent) {
    const auto amount = parse_decimal(usdc, 6).value_or(0);
    return format_amount(mul_div(amount, percent, 100).value_or(0), 6);
  }
  json::object token_in() const { return asset(type_ == "acquire" ? "USDC" : "WETH"); }
  json::object token_out() const { return asset(type_ == "acquire" ? "WETH" : "USDC"); }

  Life& add(std::string_view event_topic, json::object payload) {
    payload["intentId"] = id_;
    Envelope event;
    event.event_id = ids_->next(time_);
    event.timestamp = time_;
    event.topic = event_topic;
    event.correlation_id = correlation_of(id_);
    event.causation_id = events_.empty() ? event.correlation_id : events_.back().event_id;
    event.sequence = events_.size() + 1;
    event.payload = std::move(payload);
    events_.push_back(std::move(event));
    time_.ms += 10;
    return *this;
  }

  Ids* ids_;
  std::string id_;
  std::string type_;
  std::string amount_;
  Timestamp time_;
  std::uint64_t nonce_;  // of step 0
  json::object intent_;
  std::string plan_id_;
  std::map<unsigned, std::vector<std::string>> tx_hashes_;  // by step of the present plan
  std::string included_;                                    // hash of the latest fill
  std::string amount_in_;
  std::string amount_out_;
  unsigned swap_index_ = 0;
  std::vector<Envelope> events_;
};

/// The nonces that events prepare: what their append has to claim.
inline std::vector<std::uint64_t> prepared_nonces(std::span<const Envelope> events) {
  std::vector<std::uint64_t> nonces;
  for (const auto& event : events)
    if (event.topic == topic::kExecStepPrepared) nonces.push_back(get_uint(event.payload, "nonce").value());
  return nonces;
}

/// A life of a random shape; some are not at their end yet.
inline Life random_life(Ids& ids, std::mt19937_64& random, Timestamp received = kStart) {
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  const bool acquire = below(2) == 0;
  const auto base = std::to_string(below(5) + 1) + "." + std::to_string(below(9) + 1);
  const auto quote = std::to_string(below(9'000) + 1'000) + ".25";
  Life life(ids, "strategy-" + std::to_string(below(3)), acquire ? "acquire" : "dispose", base, received);
  const auto in = acquire ? quote : base;
  const auto out = acquire ? base : quote;
  const bool approval = below(3) == 0;
  const unsigned swap = approval ? 1 : 0;
  life.submit();
  if (below(8) == 0) return life.reject_risk();
  if (below(10) == 0) return life;
  life.accept();
  if (below(10) == 0) return life.reject_plan();
  if (below(10) == 0) return life.ask_to_cancel().cancel();
  life.plan(in, out, approval).start();
  if (approval) life.prepare(0, "approve").broadcast(0, "approve").fill(0, "0", "0");
  life.prepare(swap).broadcast(swap);
  switch (below(7)) {
    case 0:
      return life.revert(swap).fail();
    case 1:
      life.revert(swap).approve().plan(in, out).start().prepare(0).broadcast(0);
      return life.fill(0, in, out).complete();
    case 2:
      return life.prepare(swap, "cancel").broadcast(swap, "cancel").expire();
    case 3:
      return life.fill(swap, in, out).reorg(swap).broadcast(swap).fill(swap, in, out).complete("1.25");
    case 4:
      return life;
    case 5:
      return life.prepare(swap).broadcast(swap).fill(swap, in, out, 1 + below(2)).complete();
    default:
      return life.fill(swap, in, out).complete();
  }
}

struct NamedLife {
  std::string name;
  Life life;
};

/// Lives that between them show every topic and every rule of the views (engine/projection.h).
inline std::vector<NamedLife> every_kind_of_life() {
  Ids ids;
  std::vector<NamedLife> lives;
  const auto live = [&](std::string name, std::string type) -> Life& {
    const auto received = kStart.plus_ms(static_cast<std::int64_t>(lives.size()) * 1'000);
    lives.push_back({std::move(name), Life(ids, "demo", std::move(type), "1", received)});
    return lives.back().life;
  };
  const json::array criteria{
      json::object{{"metric", "max_gas_usd"}, {"value", "5"}, {"actual", "0.75"}, {"met", true}}};
  live("bought, better than quoted, with its approval", "acquire")
      .submit()
      .accept()
      .plan("2500", "1", true)
      .start()
      .prepare(0, "approve")
      .prepare(1)
      .broadcast(0, "approve")
      .broadcast(1)
      .fill(0, "0", "0")
      .fill(1, "2490.5", "1")
      .complete("0.75", criteria);
  live("sold by the first of two attempts", "dispose")
      .submit()
      .accept()
      .plan("1", "2480")
      .start()
      .prepare(0)
      .broadcast(0)
      .prepare(0)
      .broadcast(0)
      .fill(0, "1", "2479.25", 1)
      .complete();
  live("included again after a reorganisation", "acquire")
      .submit()
      .accept()
      .plan("2500", "1")
      .start()
      .prepare(0)
      .broadcast(0)
      .fill(0, "2500", "1")
      .reorg(0)
      .fill(0, "2501", "1")
      .complete();
  live("planned again after a revert", "dispose")
      .submit()
      .accept()
      .plan("1", "2480")
      .start()
      .prepare(0)
      .broadcast(0)
      .revert(0)
      .approve("2470")
      .plan("1", "2470")
      .start()
      .prepare(0)
      .broadcast(0)
      .fill(0, "1", "2470")
      .complete();
  live("failed as its approval reverted, and then its swap", "acquire")
      .submit()
      .accept()
      .plan("2500", "1", true)
      .start()
      .prepare(0, "approve")
      .prepare(1)
      .broadcast(0, "approve")
      .broadcast(1)
      .revert(0)
      .revert(1)
      .fail();
  live("cancelled by a transaction in the swap's place", "acquire")
      .submit()
      .accept()
      .plan("2500", "1")
      .start()
      .prepare(0)
      .broadcast(0)
      .ask_to_cancel()
      .prepare(0, "cancel")
      .broadcast(0, "cancel")
      .fill(0, "0", "0")
      .cancel();
  live("split over two paths", "dispose")
      .submit()
      .accept()
      .plan("1", "2480", true, Route::kSplit)
      .start()
      .prepare(0, "approve")
      .prepare(1)
      .broadcast(0, "approve")
      .broadcast(1)
      .fill(0, "0", "0")
      .fill(1, "1", "2479.5")
      .complete();
  live("bought in one pool, before swaps had paths", "acquire")
      .submit()
      .accept()
      .plan("2500", "1", false, Route::kOnePool)
      .start()
      .prepare(0)
      .broadcast(0)
      .fill(0, "2500", "1")
      .complete();
  live("expired before it was sent", "acquire").submit().accept().plan("2500", "1").expire();
  live("filled on paper", "dispose").submit().accept().plan("1", "2480").fill_on_paper("1", "2480.5");
  live("refused by risk", "acquire").submit().reject_risk();
  live("without a plan", "dispose").submit().accept().reject_plan();
  live("on its way", "dispose").submit().accept().plan("1", "2480").start().prepare(0);
  return lives;
}

/// A record: the lives' events in a random order that keeps each life's own, numbered from 1.
inline std::vector<Envelope> interleave(const std::vector<Life>& lives, std::mt19937_64& random) {
  std::vector<std::size_t> open;
  std::vector<std::size_t> at(lives.size(), 0);
  for (std::size_t i = 0; i < lives.size(); ++i) open.push_back(i);
  std::vector<Envelope> record;
  while (!open.empty()) {
    const auto pick = random() % open.size();
    const auto life = open[pick];
    if (at[life] == lives[life].events().size()) {
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
      continue;
    }
    record.push_back(lives[life].events()[at[life]++]);
    record.back().global_sequence = record.size();
  }
  return record;
}

/// `count` random lives as one record.
inline std::vector<Envelope> random_record(std::size_t count, std::uint64_t seed) {
  Ids ids;
  std::mt19937_64 random(seed);
  std::vector<Life> lives;
  for (std::size_t i = 0; i < count; ++i)
    lives.push_back(random_life(ids, random, kStart.plus_ms(static_cast<std::int64_t>(i))));
  return interleave(lives, random);
}

}  // namespace sep::engine::samples
