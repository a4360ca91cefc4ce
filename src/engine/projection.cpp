#include "engine/projection.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/decimal.h"
#include "base/uint256.h"
#include "engine/document.h"
#include "engine/topics.h"
#include "engine/window_stats.h"

namespace sep::engine {
namespace {

using namespace document;

// Documents kept in memory; they are a cache, so that beyond it all are dropped and fetched again when
// needed.
constexpr std::size_t kMaxDocuments = 50'000;
constexpr std::string_view kIntentPrefix = "intent:";
constexpr std::string_view kPlanPrefix = "plan:";
constexpr std::string_view kPositionsPrefix = "positions:";
constexpr std::string_view kTransactionPrefix = "transaction:";
constexpr std::size_t kDocumentBytes = 2'048;  // what an intent's or a plan's document takes at first

/// The state an event leads to; nothing for events that do not change it.
std::optional<State> state_set_by(std::string_view event_topic) {
  constexpr std::array<std::pair<std::string_view, State>, 15> kStates = {{
      {topic::kIntentSubmitted, State::kSubmitted},
      {topic::kRiskRejected, State::kRiskRejected},
      {topic::kIntentAccepted, State::kAccepted},
      {topic::kPlanCreated, State::kPlanned},
      {topic::kPlanRejected, State::kPlanRejected},
      {topic::kExecStarted, State::kExecuting},
      {topic::kExecStepPrepared, State::kExecuting},
      {topic::kExecStepSubmitted, State::kExecuting},
      {topic::kExecStepFilled, State::kExecuting},
      {topic::kExecStepReverted, State::kExecuting},
      {topic::kExecStepReorged, State::kExecuting},
      {topic::kExecCompleted, State::kCompleted},
      {topic::kExecFailed, State::kFailed},
      {topic::kIntentExpired, State::kExpired},
      {topic::kIntentCancelled, State::kCancelled},
  }};
  const auto* found = std::ranges::find(kStates, event_topic, &std::pair<std::string_view, State>::first);
  return found == kStates.end() ? std::nullopt : std::optional(found->second);
}

std::optional<State> state_of(const json::object& intent) {
  return parse_state(find_string(intent, "state"));
}

// --- small reads and writes of documents
// --------------------------------------------------------------------------

/// Copies the payload's member, where it has it.
void copy(const json::object& payload, std::string_view from, json::object& target, std::string_view to) {
  if (const auto* value = payload.if_contains(from); value != nullptr && !value->is_null())
    target[to] = *value;
}

void copy_reason(const json::object& payload, json::object& target) {
  copy(payload, "reason", target, "reason");
  copy(payload, "detail", target, "detail");
}
void clear_reason(json::object& target) {
  target.erase("reason");
  target.erase("detail");
}

// --- the intent
// ---------------------------------------------------------------------------------------------------

/// `view` is empty. What makes a document writes into the object that it is given, whose memory is the
/// document's own. Members that every event reads or writes come first: they are found soonest.
void begin_intent(json::object& view, const Envelope& submitted) {
  view.reserve(15);
  for (const std::string_view key :
       {"sequence", "state", "last_event_id", "last_event_time", "last_global_sequence"})
    view[key] = nullptr;
  view["correlation_id"] = submitted.correlation_id;
  object_in(view, "summary").reserve(16);
  view["timings_ms"] = json::object{};
  view["received_at"] = to_rfc3339(submitted.timestamp);
  view["latest_plan_id"] = nullptr;
  view["intent_id"] = intent_id_of(submitted.correlation_id);
  auto& intent = object_in(view, "intent");
  if (const auto* document = find_object(submitted.payload, "intent")) intent = *document;
  view["strategy_id"] = find_string(intent, "strategy_id");
  view["cancel_requested"] = false;
}

/// A new plan: what its swap expects and what the chain holds the price to; what became of the plan before
/// goes.
void summarise_plan(json::object& summary, const json::object& payload) {
  clear_reason(summary);
  for (const std::string_view key : {"phase", "attempt", "block_number"}) summary.erase(key);
  summary["plans"] = uint_or(summary, "plans") + 1;
  const auto* steps = find_array(payload, "steps");
  if (steps == nullptr) return;
  for (const auto& element : *steps) {
    if (!element.is_object() || find_string(element.get_object(), "kind") != "swap") continue;
    const auto& swap = element.get_object();
    const bool exact_output = find_string(swap, "swap_kind") == "exact_output";
    copy(swap, exact_output ? "amount_in" : "amount_out", summary, "quoted");
    copy(swap, exact_output ? "max_amount_in" : "min_amount_out", summary, "bound");
  }
}

/// An approval is filled with nothing received.
bool is_swap_fill(const Envelope& event) {
  return event.topic == topic::kExecStepFilled && find_string(event.payload, "amountOut") != "0";
}

void summarise(json::object& summary, const Envelope& event) {
  const auto& payload = event.payload;
  const auto of_swap = [&] { return find_string(payload, "kind") == "swap"; };
  const auto of_tx = [&] { return find_string(payload, "txHash") == find_string(summary, "tx_hash"); };
  if (event.topic == topic::kRiskApproved) {
    copy(payload, "notionalUsd", summary, "notional_usd");
  } else if (event.topic == topic::kPlanCreated) {
    summarise_plan(summary, payload);
  } else if (event.topic == topic::kExecStepPrepared) {
    summary["attempts"] = uint_or(summary, "attempts") + 1;
    if (!of_swap()) return;
    summary["phase"] = "prepared";
    copy(payload, "attempt", summary, "attempt");
  } else if (event.topic == topic::kExecStepSubmitted) {
    if (!of_swap()) return;
    summary["phase"] = "broadcast";
    copy(payload, "txHash", summary, "tx_hash");
  } else if (is_swap_fill(event)) {
    summary["phase"] = "included";
    copy(payload, "txHash", summary, "tx_hash");
    copy(payload, "amountIn", summary, "amount_in");
    copy(payload, "amountOut", summary, "amount_out");
    copy(payload, "blockNumber", summary, "block_number");
  } else if (event.topic == topic::kExecStepReorged) {
    if (!of_tx()) return;
    summary["phase"] = "reorged";
    for (const std::string_view key : {"amount_in", "amount_out", "block_number"}) summary.erase(key);
  } else if (event.topic == topic::kExecCompleted) {
    clear_reason(summary);
    copy(payload, "txHash", summary, "tx_hash");
    copy(payload, "amountIn", summary, "amount_in");
    copy(payload, "amountOut", summary, "amount_out");
    copy(payload, "gasCostUsd", summary, "gas_cost_usd");
    copy(payload, "criteria", summary, "criteria");
  } else {
    if (event.topic == topic::kExecStepReverted && of_tx()) summary["phase"] = "reverted";
    copy_reason(payload, summary);  // rejections, reverts, failures, the end of time; others have none
  }
}

/// `state` is the one that the event set.
void note_timing(json::object& view, const Envelope& event, std::optional<State> state) {
  auto& timings = object_in(view, "timings_ms");
  const auto first = [&](std::string_view name) {
    if (timings.contains(name)) return;
    const auto received = parse_rfc3339(find_string(view, "received_at"));
    // A clock that stepped back must not show a negative duration.
    if (received) timings[name] = std::max<std::int64_t>(event.timestamp.ms - received->ms, 0);
  };
  if (event.topic.starts_with("risk.")) first("risk");
  if (event.topic == topic::kIntentAccepted) first("accepted");
  if (event.topic == topic::kPlanCreated) first("planned");
  if (event.topic == topic::kExecStepPrepared) first("prepared");
  if (event.topic == topic::kExecStepSubmitted) first("broadcast");
  if (is_swap_fill(event)) first("filled");
  if (event.topic == topic::kExecCompleted) first("completed");
  if (state && is_terminal(*state)) first("total");
}

/// `event` is the next one of the intent.
void advance_intent(json::object& view, const Envelope& event) {
  if (view.empty()) begin_intent(view, event);
  const auto state = state_set_by(event.topic);
  if (state) view["state"] = to_string(*state);
  view["sequence"] = event.sequence;
  view["last_event_id"] = event.event_id;
  view["last_event_time"] = to_rfc3339(event.timestamp);
  view["last_global_sequence"] = event.global_sequence;
  if (event.topic == topic::kPlanCreated) view["latest_plan_id"] = find_string(event.payload, "planId");
  if (event.topic == topic::kIntentCancelRequested) view["cancel_requested"] = true;
  summarise(object_in(view, "summary"), event);
  note_timing(view, event, state);
}

// --- the plan
// -----------------------------------------------------------------------------------------------------

void begin_step(json::value& step, const json::value& planned) {
  if (!planned.is_object()) {
    step = planned;
    return;
  }
  auto& object = step.emplace_object();
  object.reserve(planned.get_object().size() + 4);  // these two, then its fill, or a reason with its detail
  object["status"] = "pending";
  object["attempts"].emplace_array();
  object.insert(planned.get_object().begin(), planned.get_object().end());
}

void begin_plan(json::object& view, const Envelope& created) {
  const auto& payload = created.payload;
  view.reserve(8);
  view["plan_id"] = string_or(payload, "planId");
  view["intent_id"] = intent_id_of(created.correlation_id);
  view["created_at"] = to_rfc3339(created.timestamp);
  view["state"] = "planned";
  auto& steps = array_in(view, "steps");
  if (const auto* planned = find_array(payload, "steps"))
    for (const auto& step : *planned) begin_step(steps.emplace_back(nullptr), step);
  copy(payload, "estimatedCost", view, "estimated_cost");
  copy(payload, "estimatedDurationMs", view, "estimated_duration_ms");
  copy(payload, "riskScore", view, "risk_score");
}

// Members are made in their place: what is made elsewhere is copied into the document's memory.
void add_attempt(json::object& step, const Envelope& event) {
  auto& attempt = array_in(step, "attempts").emplace_back(nullptr).emplace_object();
  attempt.reserve(7);
  for (const std::string_view key : {"attempt", "kind", "nonce", "fees"})
    copy(event.payload, key, attempt, key);
  copy(event.payload, "txHash", attempt, "tx_hash");
  attempt["prepared_at"] = to_rfc3339(event.timestamp);
}

void note_submission(json::object& step, const Envelope& event) {
  for (auto& attempt : array_in(step, "attempts"))
    if (find_string(attempt.get_object(), "tx_hash") == find_string(event.payload, "txHash"))
      attempt.get_object()["submitted_at"] = to_rfc3339(event.timestamp);
}

void set_fill(json::object& step, const json::object& payload) {
  auto& fill = step["fill"].emplace_object();
  fill.reserve(7);
  copy(payload, "txHash", fill, "tx_hash");
  copy(payload, "blockNumber", fill, "block_number");
  copy(payload, "blockHash", fill, "block_hash");
  copy(payload, "amountIn", fill, "amount_in");
  copy(payload, "amountOut", fill, "amount_out");
  copy(payload, "gasUsed", fill, "gas_used");
  copy(payload, "effectiveGasPrice", fill, "effective_gas_price");
}

void apply_to_step(json::object& step, const Envelope& event) {
  if (event.topic == topic::kExecStepPrepared) {
    step["status"] = "prepared";
    add_attempt(step, event);
  } else if (event.topic == topic::kExecStepSubmitted) {
    step["status"] = "submitted";
    note_submission(step, event);
  } else if (event.topic == topic::kExecStepFilled) {
    step["status"] = "filled";
    set_fill(step, event.payload);
    clear_reason(step);
  } else if (event.topic == topic::kExecStepReverted) {
    step["status"] = "reverted";
    step.erase("fill");
    copy_reason(event.payload, step);
  } else if (event.topic == topic::kExecStepReorged) {
    step["status"] = "reorged";
    step.erase("fill");
  }
}

/// The state that an event of its intent gives a plan that is neither superseded nor ended.
std::optional<std::string_view> plan_state_after(const Envelope& event) {
  if (event.topic == topic::kPlanCreated) return "superseded";
  if (event.topic == topic::kExecStarted) return "executing";
  const auto state = state_set_by(event.topic);
  if (state && is_terminal(*state)) return to_string(*state);
  return std::nullopt;
}

/// Changes nothing where the event does not concern the plan.
void advance_plan(json::object& view, const Envelope& event) {
  if (view.empty()) {
    if (event.topic == topic::kPlanCreated) begin_plan(view, event);
    return;
  }
  if (find_string(view, "intent_id") != intent_id_of(event.correlation_id)) return;
  const auto state = find_string(view, "state");
  if (state != "planned" && state != "executing") return;
  if (const auto next = plan_state_after(event)) view["state"] = *next;
  if (find_string(event.payload, "planId") != find_string(view, "plan_id")) return;
  auto& steps = array_in(view, "steps");
  const auto index = uint_or(event.payload, "stepIndex", steps.size());
  if (index < steps.size() && steps[index].is_object()) apply_to_step(steps[index].get_object(), event);
}

// --- positions
// ----------------------------------------------------------------------------------------------------

bool same_asset(const json::object& a, const json::object& b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(find_string(a, "address"), find_string(b, "address"), {}, lower, lower);
}

/// One trade of a pair, in base units of its two tokens, which are those of the intent's document.
struct Trade {
  const json::object& base;
  const json::object& quote;
  unsigned base_decimals = 0;
  unsigned quote_decimals = 0;
  bool buys_base = false;
  Uint256 base_amount{};
  Uint256 quote_amount{};

  /// 1 where tokens moved: a cancellation that took the swap's nonce costs its gas, and fills nothing.
  unsigned fills() const { return base_amount.is_zero() && quote_amount.is_zero() ? 0 : 1; }
};

std::optional<Trade> trade_of(const json::object& intent, const json::object& step) {
  const auto* document = find_object(intent, "intent");
  const auto* fill = find_object(step, "fill");
  if (document == nullptr || fill == nullptr || find_string(step, "kind") != "swap") return std::nullopt;
  const auto* assets = find_array(*document, "assets");
  if (assets == nullptr || assets->size() != 2 || !(*assets)[0].is_object() || !(*assets)[1].is_object())
    return std::nullopt;
  Trade trade{.base = (*assets)[0].get_object(), .quote = (*assets)[1].get_object()};
  const auto base_decimals = decimals_of(trade.base);
  const auto quote_decimals = decimals_of(trade.quote);
  if (!base_decimals || !quote_decimals) return std::nullopt;
  trade.base_decimals = *base_decimals;
  trade.quote_decimals = *quote_decimals;
  trade.buys_base = find_string(*document, "intent_type") == "acquire";
  const auto base =
      parse_decimal(find_string(*fill, trade.buys_base ? "amount_out" : "amount_in"), *base_decimals);
  const auto quote =
      parse_decimal(find_string(*fill, trade.buys_base ? "amount_in" : "amount_out"), *quote_decimals);
  if (!base || !quote) return std::nullopt;
  trade.base_amount = *base;
  trade.quote_amount = *quote;
  return trade;
}

/// The account of one pair, in base units of its tokens.
struct Book {
  Uint256 bought;    // base
  Uint256 paid;      // quote
  Uint256 sold;      // base
  Uint256 received;  // quote
  Signed realised;   // quote

  Signed position() const { return difference(bought, sold); }
  /// What the open position cost, or brought where it is short: see apply_to_positions.
  Uint256 open_cost() const { return add(realised, difference(paid, received)).magnitude; }

  void buy(const Uint256& base, const Uint256& quote) {
    if (const auto open = position(); open.negative) {
      const auto closed = std::min(base, open.magnitude);
      const auto brought = part(open_cost(), closed, open.magnitude, Rounding::kDown);
      realised = add(realised, difference(brought, part(quote, closed, base, Rounding::kUp)));
    }
    bought = add(bought, base);
    paid = add(paid, quote);
  }
  void sell(const Uint256& base, const Uint256& quote) {
    if (const auto open = position(); !open.negative && !open.magnitude.is_zero()) {
      const auto closed = std::min(base, open.magnitude);
      const auto cost = part(open_cost(), closed, open.magnitude, Rounding::kUp);
      realised = add(realised, difference(part(quote, closed, base, Rounding::kDown), cost));
    }
    sold = add(sold, base);
    received = add(received, quote);
  }

 private:
  enum class Rounding { kDown, kUp };

  /// value · numerator / denominator, numerator <= denominator; exactly `value` for the whole.
  static Uint256 part(const Uint256& value, const Uint256& numerator, const Uint256& denominator,
                      Rounding rounding) {
    if (numerator == denominator) return value;
    const auto scaled = rounding == Rounding::kUp ? mul_div_rounding_up(value, numerator, denominator)
                                                  : mul_div(value, numerator, denominator);
    return scaled.value_or(value);
  }
};

json::object& pair_in(json::object& positions, const Trade& trade) {
  auto& pairs = array_in(positions, "pairs");
  for (auto& element : pairs) {
    auto& pair = element.get_object();
    if (same_asset(pair.at("base").as_object(), trade.base) &&
        same_asset(pair.at("quote").as_object(), trade.quote))
      return pair;
  }
  pairs.push_back(json::object{{"base", trade.base}, {"quote", trade.quote}, {"fills", 0U}});
  return pairs.back().get_object();
}

void book_pair(json::object& pair, const Trade& trade, const Uint256& gas_usd) {
  const auto base = [&](const Uint256& value) { return format_amount(value, trade.base_decimals); };
  const auto quote = [&](const Uint256& value) { return format_amount(value, trade.quote_decimals); };
  const auto read = [&](std::string_view key, unsigned decimals) {
    return parse_decimal(find_string(pair, key), decimals).value_or(0);
  };
  Book book{.bought = read("bought_base", trade.base_decimals),
            .paid = read("paid_quote", trade.quote_decimals),
            .sold = read("sold_base", trade.base_decimals),
            .received = read("received_quote", trade.quote_decimals),
            .realised = parse_signed(find_string(pair, "realised_pnl_quote"), trade.quote_decimals)};
  if (trade.buys_base)
    book.buy(trade.base_amount, trade.quote_amount);
  else
    book.sell(trade.base_amount, trade.quote_amount);

  const auto position = book.position();
  const auto average = position.magnitude.is_zero()
                           ? Uint256(0)
                           : mul_div(book.open_cost(), pow10(trade.base_decimals), position.magnitude)
                                 .value_or(Uint256::max());
  pair["bought_base"] = base(book.bought);
  pair["paid_quote"] = quote(book.paid);
  pair["sold_base"] = base(book.sold);
  pair["received_quote"] = quote(book.received);
  pair["position_base"] = format_signed(position, trade.base_decimals);
  pair["average_cost_quote"] = quote(average);
  pair["realised_pnl_quote"] = format_signed(book.realised, trade.quote_decimals);
  pair["gas_usd"] = format_amount(add(usd(pair, "gas_usd"), gas_usd), kUsdDecimals);
  pair["fills"] = uint_or(pair, "fills") + trade.fills();
}

json::object& asset_in(json::object& positions, const json::object& asset) {
  auto& list = array_in(positions, "positions");
  for (auto& element : list)
    if (same_asset(element.get_object().at("asset").as_object(), asset)) return element.get_object();
  list.push_back(json::object{{"asset", asset}});
  return list.back().get_object();
}

void book_asset(json::object& holding, unsigned decimals, const Uint256& bought, const Uint256& sold) {
  const auto total = [&](std::string_view key, const Uint256& more) {
    return add(parse_decimal(find_string(holding, key), decimals).value_or(0), more);
  };
  const auto all_bought = total("bought", bought);
  const auto all_sold = total("sold", sold);
  holding["bought"] = format_amount(all_bought, decimals);
  holding["sold"] = format_amount(all_sold, decimals);
  holding["quantity"] = format_signed(difference(all_bought, all_sold), decimals);
}

void book(json::object& positions, const Trade& trade, const Uint256& gas_usd) {
  book_pair(pair_in(positions, trade), trade, gas_usd);
  const Uint256 none;
  book_asset(asset_in(positions, trade.base), trade.base_decimals, trade.buys_base ? trade.base_amount : none,
             trade.buys_base ? none : trade.base_amount);
  book_asset(asset_in(positions, trade.quote), trade.quote_decimals,
             trade.buys_base ? none : trade.quote_amount, trade.buys_base ? trade.quote_amount : none);
  positions["fills"] = uint_or(positions, "fills") + trade.fills();
}

// --- totals
// -------------------------------------------------------------------------------------------------------

void refresh_totals(json::object& stats) {
  const auto& by_state = stats.at("by_state").as_object();
  const auto count = [&](State state) { return uint_or(by_state, to_string(state)); };
  std::uint64_t active = 0;
  for (const auto state : kAllStates)
    if (!is_terminal(state)) active += count(state);
  // All of it before the first insertion, which moves what by_state refers to.
  const auto completed = count(State::kCompleted);
  const auto failed = count(State::kFailed);
  const auto rejected = count(State::kRiskRejected) + count(State::kPlanRejected);
  const auto expired = count(State::kExpired);
  const auto cancelled = count(State::kCancelled);
  stats["active"] = active;
  stats["executed"] = completed;
  stats["failed"] = failed;
  stats["rejected"] = rejected;
  stats["expired"] = expired;
  stats["cancelled"] = cancelled;
  stats["success_numerator"] = completed;
  stats["success_denominator"] = completed + failed + expired;
}

}  // namespace

std::string intent_key(std::string_view intent_id) {
  return std::string(kIntentPrefix).append(intent_id);
}
std::string plan_key(std::string_view plan_id) {
  return std::string(kPlanPrefix).append(plan_id);
}
std::string positions_key(std::string_view strategy_id) {
  return std::string(kPositionsPrefix).append(strategy_id);
}
std::string transaction_key(std::string_view tx_hash) {
  return std::string(kTransactionPrefix).append(tx_hash);
}

bool is_next(const json::object& view, const Envelope& event) {
  if (view.empty()) return event.sequence == 1 && event.topic == topic::kIntentSubmitted;
  return find_string(view, "correlation_id") == event.correlation_id &&
         event.sequence == uint_or(view, "sequence") + 1;
}

json::object apply_to_intent(json::object view, const Envelope& event) {
  if (is_next(view, event)) advance_intent(view, event);
  return view;
}

json::object apply_to_plan(json::object view, const Envelope& event) {
  advance_plan(view, event);
  return view;
}

json::object apply_to_positions(json::object positions, const json::object& intent, const json::object& plan,
                                const Envelope& event) {
  const auto state = state_set_by(event.topic);
  const auto* steps = find_array(plan, "steps");
  if (!state || !is_terminal(*state) || steps == nullptr) return positions;
  auto gas_usd = usd(event.payload, "gasCostUsd");
  for (const auto& step : *steps) {
    const auto trade = step.is_object() ? trade_of(intent, step.get_object()) : std::nullopt;
    if (!trade) continue;
    positions["strategy_id"] = string_or(intent, "strategy_id");
    positions["as_of"] = to_rfc3339(event.timestamp);
    book(positions, *trade, std::exchange(gas_usd, Uint256(0)));
  }
  return positions;
}

json::object empty_stats() {
  json::object stats;
  auto& by_state = object_in(stats, "by_state");
  for (const auto state : kAllStates) by_state[to_string(state)] = 0U;
  stats["total_value_usd"] = "0";
  stats["last_global_sequence"] = 0U;
  refresh_totals(stats);
  return stats;
}

json::object apply_to_stats(json::object stats, std::optional<State> before, const json::object& after,
                            const Envelope& event) {
  if (stats.empty()) stats = empty_stats();
  stats["last_global_sequence"] = event.global_sequence;
  const auto state = state_of(after);
  if (!state || state == before) return stats;
  auto& by_state = object_in(stats, "by_state");
  const auto count = [&](State of) { return uint_or(by_state, to_string(of)); };
  if (before) by_state[to_string(*before)] = std::max<std::uint64_t>(count(*before), 1) - 1;
  by_state[to_string(*state)] = count(*state) + 1;
  if (before && !is_terminal(*before) && !is_terminal(*state)) return stats;  // the totals are as they were
  if (*state == State::kCompleted) {
    const auto* summary = find_object(after, "summary");
    const auto value = summary == nullptr ? Uint256() : usd(*summary, "notional_usd");
    stats["total_value_usd"] = format_amount(add(usd(stats, "total_value_usd"), value), kUsdDecimals);
  }
  refresh_totals(stats);
  return stats;
}

json::object fold_intent(std::span<const Envelope> history) {
  json::object view;
  for (const auto& event : history) view = apply_to_intent(std::move(view), event);
  return view;
}

json::object fold_plan(std::span<const Envelope> history, std::string_view plan_id) {
  json::object view;
  for (const auto& event : history) {
    if (view.empty() && find_string(event.payload, "planId") != plan_id) continue;
    view = apply_to_plan(std::move(view), event);
  }
  return view;
}

// --- Projection
// ---------------------------------------------------------------------------------------------------

Projection::Projection(std::uint64_t last_global_sequence, Fetch fetch, Wanted wanted)
    : last_global_sequence_(last_global_sequence), fetch_(std::move(fetch)), wanted_(wanted) {}

std::string_view Projection::key_of(std::string_view prefix, std::string_view id) {
  key_.assign(prefix);
  return key_ += id;
}

Result<Projection::Entry*> Projection::document(std::string_view key, Origin origin) {
  if (const auto known = documents_.find(key); known != documents_.end()) return &*known;
  auto memory = key.starts_with(kIntentPrefix) || key.starts_with(kPlanPrefix)
                    ? std::make_unique<json::monotonic_resource>(kDocumentBytes)
                    : nullptr;
  const json::storage_ptr storage = memory ? json::storage_ptr(memory.get()) : json::storage_ptr();
  Document document{.memory = std::move(memory), .object = json::object(storage)};
  if (origin == Origin::kStored) {
    SEP_TRY(auto stored, fetch_(std::string(key)));
    if (stored) document.object = std::move(*stored);
  }
  return &*documents_.emplace(key, std::move(document)).first;
}

void Projection::mark_changed(Entry& entry) {
  if (!std::exchange(entry.second.changed, true)) changed_.push_back(&entry);
}

template <class Change>
Status Projection::update(std::string_view key, Change change) {
  SEP_TRY(auto* entry, document(key, Origin::kStored));
  auto& object = entry->second.object;
  object = change(std::move(object));
  if (!object.empty()) mark_changed(*entry);
  return {};
}

Status Projection::apply(const Envelope& event) {
  if (event.global_sequence <= last_global_sequence_) return {};
  if (event.global_sequence != last_global_sequence_ + 1)
    return fail(errc::kSequenceConflict, fmt::format("event {} of the record came where {} is due",
                                                     event.global_sequence, last_global_sequence_ + 1));
  const auto intent_id = intent_id_of(event.correlation_id);
  // What is halted is for the record to tell; here such an event counts, and changes nothing else.
  if (intent_id.empty()) return count(std::nullopt, {}, event);
  SEP_TRY(auto* entry,
          document(key_of(kIntentPrefix, intent_id), event.sequence == 1 ? Origin::kNew : Origin::kStored));
  auto& intent = entry->second.object;
  const auto before = state_of(intent);
  if (is_next(intent, event)) {
    SEP_CHECK(apply_to_plans(find_string(intent, "latest_plan_id"), event));
    advance_intent(intent, event);
    mark_changed(*entry);
    SEP_CHECK(note_transaction(event));
    const auto after = state_of(intent);
    if (after && after != before) SEP_CHECK(enter_state(*entry, before, *after, event));
  }
  return count(before, intent, event);
}

Status Projection::count(std::optional<State> before, const json::object& intent, const Envelope& event) {
  SEP_CHECK(update(kStatsKey, [&](json::object stats) {
    return apply_to_stats(std::move(stats), before, intent, event);
  }));
  last_global_sequence_ = event.global_sequence;
  return {};
}

Status Projection::enter_state(Entry& entry, std::optional<State> before, State after,
                               const Envelope& event) {
  const auto& intent = entry.second.object;
  auto& move = entry.second.move;
  if (!move) move = Move{.before = before, .after = after};
  move->after = after;
  if (after != State::kSubmitted && !is_terminal(after)) return {};
  for (const auto& key : bucket_keys(event.timestamp))
    SEP_CHECK(
        update(key, [&](json::object bucket) { return apply_to_bucket(std::move(bucket), intent, event); }));
  if (!is_terminal(after)) return {};
  entry.second.finished = true;
  const auto plan_id = find_string(intent, "latest_plan_id");
  if (plan_id.empty()) return {};
  SEP_TRY(const auto* plan, document(key_of(kPlanPrefix, plan_id), Origin::kStored));
  return update(key_of(kPositionsPrefix, find_string(intent, "strategy_id")), [&](json::object positions) {
    return apply_to_positions(std::move(positions), intent, plan->second.object, event);
  });
}

Status Projection::apply_to_plans(std::string_view old_plan_id, const Envelope& event) {
  const auto plan_id = find_string(event.payload, "planId");
  const auto apply = [&](std::string_view id, Origin origin, bool last) -> Status {
    SEP_TRY(auto* entry, document(key_of(kPlanPrefix, id), origin));
    auto& plan = entry->second.object;
    advance_plan(plan, event);
    if (!plan.empty()) mark_changed(*entry);
    entry->second.finished |= last;
    return {};
  };
  if (!old_plan_id.empty() && old_plan_id != plan_id && plan_state_after(event))
    SEP_CHECK(apply(old_plan_id, Origin::kStored, true));
  if (plan_id.empty()) return {};
  const auto state = state_set_by(event.topic);
  return apply(plan_id, event.topic == topic::kPlanCreated ? Origin::kNew : Origin::kStored,
               state && is_terminal(*state));
}

Status Projection::note_transaction(const Envelope& event) {
  if (event.topic != topic::kExecStepPrepared) return {};
  const auto tx_hash = find_string(event.payload, "txHash");
  const auto key = key_of(kTransactionPrefix, tx_hash);
  if (tx_hash.empty() || !is_wanted(key)) return {};
  SEP_TRY(auto* entry, document(key, Origin::kNew));
  entry->second.object = {{"intent_id", intent_id_of(event.correlation_id)}};
  entry->second.finished = true;
  mark_changed(*entry);
  return {};
}

Changes Projection::take_changes() {
  Changes changes;
  changes.last_global_sequence = last_global_sequence_;
  for (auto* entry : changed_) {
    auto& [key, document] = *entry;
    if (is_wanted(key)) changes.documents.emplace_back(key, canonical_json(document.object));
    if (const auto move = std::exchange(document.move, std::nullopt))
      changes.lists.push_back({.intent_id = string_or(document.object, "intent_id"),
                               .strategy_id = string_or(document.object, "strategy_id"),
                               .before = move->before,
                               .after = move->after});
    document.changed = false;
    if (document.finished) documents_.erase(documents_.find(key));
  }
  std::ranges::sort(changes.lists, {}, &ListEntry::intent_id);
  changed_.clear();
  if (documents_.size() > kMaxDocuments) documents_.clear();
  return changes;
}

}  // namespace sep::engine
