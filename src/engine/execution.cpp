#include "engine/execution.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "base/decimal.h"
#include "base/hex.h"
#include "engine/topics.h"
#include "uniswap/contracts.h"

namespace sep::engine {
namespace {

/// An unknown or refused broadcast is tried again after this time, with the same bytes.
constexpr std::int64_t kRetryBroadcastMs = 500;
/// A pending transaction may have been dropped from the pool: its bytes are sent again after this time.
constexpr std::int64_t kRebroadcastMs = 15'000;
/// Receipts are asked for again after this time even when no new block was seen.
constexpr std::int64_t kAskAgainMs = 1'000;
/// A nonce that the chain counts as used while none of our attempts has a receipt is looked up after this
/// time: longer than nodes take to index a block's transactions, so that it is rarely asked for in vain.
constexpr std::int64_t kNonceGoneMs = 3'000;
/// So often, one after the other, a node must refuse a transaction that no node took before the step is given
/// up: the words of refusals are many, and those not known may be a node's passing trouble.
constexpr unsigned kRefusals = 3;
/// A halted account is tried again after this time.
constexpr std::int64_t kHaltedRetryMs = 1'000;
/// A plan's bounds are max_slippage from the price that it was made at. What waited longer before it began,
/// for cheaper gas or the end of a halt, is planned at the present price first.
constexpr std::int64_t kPlanGoodForMs = 30'000;
constexpr std::uint32_t kBasisPoints = 10'000;

template <class T>
Result<T> required(const json::object& payload, std::string_view key, Result<T> (*parse)(std::string_view)) {
  SEP_TRY(const auto text, text_at(payload, key));
  return parse(text);
}

/// At least one more: nodes take no replacement whose fees are not both above the former's, and a tip may be
/// 0.
Uint256 raised(const Uint256& value, std::uint32_t basis_points) {
  const auto share = mul_div_rounding_up(value, Uint256(kBasisPoints + basis_points), Uint256(kBasisPoints));
  return std::max(share.value_or(Uint256::max()), checked_add(value, 1).value_or(Uint256::max()));
}

const std::optional<Uint256>& tip_of(const FeesSeen& seen, ExecutionStyle style) {
  switch (style) {
    case ExecutionStyle::kPassive:
      return seen.passive_tip;
    case ExecutionStyle::kNormal:
      return seen.normal_tip;
    case ExecutionStyle::kAggressive:
      return seen.aggressive_tip;
  }
  SEP_ASSERT(false);
}

/// As the style wants them now, below no cap.
Fees uncapped_fees(const ExecutionSettings& settings, ExecutionStyle style, const FeesSeen& seen) {
  const auto& policy = policy_of(settings, style);
  const auto& most = policy.max_priority_fee_per_gas_wei;
  const auto tip =
      std::min(std::max(tip_of(seen, style).value_or(most), settings.min_priority_fee_per_gas_wei), most);
  const auto base = mul_div(seen.base_fee, Uint256(policy.base_fee_multiplier_percent), Uint256(100U))
                        .value_or(Uint256::max());
  return {0, checked_add(base, tip).value_or(Uint256::max()), tip};
}

json::object fees_json(const Fees& fees) {
  return {{"gas_limit", std::to_string(fees.gas_limit)},
          {"max_fee_per_gas", to_string(fees.max_fee_per_gas)},
          {"max_priority_fee_per_gas", to_string(fees.max_priority_fee_per_gas)}};
}

Result<Fees> fees_from(const json::object& object) {
  Fees fees;
  SEP_TRY(const auto gas_limit, required(object, "gas_limit", parse_uint256));
  if (!gas_limit.fits_u64()) return fail(errc::kInvalidEvent, "gas_limit is out of range");
  fees.gas_limit = gas_limit.to_u64();
  SEP_TRY(fees.max_fee_per_gas, required(object, "max_fee_per_gas", parse_uint256));
  SEP_TRY(fees.max_priority_fee_per_gas, required(object, "max_priority_fee_per_gas", parse_uint256));
  return fees;
}

Result<Attempt> attempt_from(const Envelope& event) {
  Attempt attempt;
  SEP_TRY(const auto index, get_uint(event.payload, "stepIndex"));
  attempt.step_index = index;
  SEP_TRY(const auto number, get_uint(event.payload, "attempt"));
  attempt.number = static_cast<unsigned>(number);
  SEP_TRY(const auto kind, get_string(event.payload, "kind"));
  attempt.kind = kind == to_string(StepKind::kApprove)  ? StepKind::kApprove
                 : kind == to_string(StepKind::kCancel) ? StepKind::kCancel
                                                        : StepKind::kSwap;
  SEP_TRY(attempt.nonce, get_uint(event.payload, "nonce"));
  SEP_TRY(attempt.tx_hash, required(event.payload, "txHash", parse_hash));
  SEP_TRY(attempt.raw, required(event.payload, "rawTx", from_hex));
  SEP_TRY(const auto* fees, object_at(event.payload, "fees"));
  SEP_TRY(attempt.fees, fees_from(*fees));
  attempt.prepared_at = event.timestamp;
  return attempt;
}

/// Plans that a simulation refused cost nothing, unlike those that were sent (max_attempts); their number is
/// bounded all the same, so that a price that runs away does not fill the record.
constexpr unsigned kMaxUnsentPlans = 16;
/// Added to a third more than what the simulation used. The state at inclusion differs from the simulated
/// one: a price further on crosses more ticks, EIP-150 keeps back 1/64 at each call, and a storage slot that
/// held something when simulated (the allowance that an intent before this one has spent by then) may be
/// empty, which makes writing it 20,000 gas dearer (EIP-2200): room for two of those.
constexpr std::uint64_t kFreshSlotsGas = 40'000;

/// Where planning again, at the new price, can help.
bool price_related(std::string_view reason) {
  return reason == errc::kSlippageExceeded || reason == errc::kSimulationReverted ||
         reason == errc::kReverted;
}

}  // namespace

const FeePolicy& policy_of(const ExecutionSettings& settings, ExecutionStyle style) {
  switch (style) {
    case ExecutionStyle::kPassive:
      return settings.passive;
    case ExecutionStyle::kNormal:
      return settings.normal;
    case ExecutionStyle::kAggressive:
      return settings.aggressive;
  }
  SEP_ASSERT(false);
}

std::vector<unsigned> reward_percentiles(const ExecutionSettings& settings) {
  std::vector<unsigned> percentiles{settings.passive.reward_percentile, settings.normal.reward_percentile,
                                    settings.aggressive.reward_percentile};
  std::ranges::sort(percentiles);
  percentiles.erase(std::ranges::unique(percentiles).begin(), percentiles.end());
  return percentiles;
}

FeesSeen fees_seen(const ExecutionSettings& settings, const Uint256& next_base_fee,
                   std::span<const std::vector<Uint256>> rewards, std::span<const unsigned> percentiles) {
  const auto tip = [&](const FeePolicy& policy) -> std::optional<Uint256> {
    const auto column = std::ranges::find(percentiles, policy.reward_percentile) - percentiles.begin();
    std::vector<Uint256> paid;
    for (const auto& row : rewards)
      if (std::cmp_less(column, row.size()) && !row[static_cast<std::size_t>(column)].is_zero())
        paid.push_back(row[static_cast<std::size_t>(column)]);
    if (paid.empty()) return std::nullopt;
    std::ranges::sort(paid);
    return paid[paid.size() / 2];
  };
  return {next_base_fee, tip(settings.passive), tip(settings.normal), tip(settings.aggressive)};
}

Uint256 attempt_fee_cap(const ExecutionSettings& settings) {
  return mul_div(settings.max_fee_per_gas_wei, Uint256(kBasisPoints),
                 Uint256(kBasisPoints + settings.bump_basis_points))
      .value();
}

Status check_gas_limit(const ExecutionSettings& settings, std::uint64_t gas_limit) {
  if (gas_limit <= settings.max_gas_limit) return {};
  return fail(errc::kGasLimit,
              fmt::format("needs {} gas; execution.max_gas_limit is {}", gas_limit, settings.max_gas_limit));
}

std::uint64_t gas_limit_for(std::uint64_t gas_used) {
  return gas_used + gas_used / 3 + kFreshSlotsGas;
}

Result<Fees> initial_fees(const ExecutionSettings& settings, ExecutionStyle style, const FeesSeen& seen,
                          std::uint64_t gas_limit) {
  SEP_CHECK(check_gas_limit(settings, gas_limit));
  auto fees = uncapped_fees(settings, style, seen);
  const auto cap = attempt_fee_cap(settings);
  if (seen.base_fee > cap || fees.max_priority_fee_per_gas > cap - seen.base_fee)
    return fail(
        errc::kGasLimit,
        fmt::format("a unit of gas costs {} wei now; execution.max_fee_per_gas is {} wei, of which {} are "
                    "for a first attempt and its replacements, the rest for a cancellation",
                    to_string(seen.base_fee + fees.max_priority_fee_per_gas),
                    to_string(settings.max_fee_per_gas_wei), to_string(cap)));
  fees.gas_limit = gas_limit;
  fees.max_fee_per_gas = std::min(fees.max_fee_per_gas, cap);
  return fees;
}

std::optional<Fees> replacement_fees(const Fees& fees, const Fees& wanted, const Uint256& cap,
                                     std::uint32_t bump_basis_points) {
  const auto least = raised(fees.max_fee_per_gas, bump_basis_points);
  if (least > cap) return std::nullopt;
  auto most = std::min(std::max(least, wanted.max_fee_per_gas), cap);
  if (raised(most, bump_basis_points) > cap) most = cap;
  const auto tip =
      std::max(raised(fees.max_priority_fee_per_gas, bump_basis_points), wanted.max_priority_fee_per_gas);
  return Fees{fees.gas_limit, most, std::min(tip, most)};
}

Fill fill_from_logs(const SwapStep& swap, std::span<const Log> logs) {
  const auto net = [&](const Address& token, bool incoming) {
    Uint256 in, out;
    for (const auto& log : logs) {
      if (log.address != token) continue;
      const auto transfer = uniswap::logs::decode_transfer(log.topics, log.data);
      if (!transfer) continue;
      if (transfer->from == swap.recipient) out = wrapping_add(out, transfer->amount);
      if (transfer->to == swap.recipient) in = wrapping_add(in, transfer->amount);
    }
    const auto& gained = incoming ? in : out;
    const auto& lost = incoming ? out : in;
    return gained > lost ? gained - lost : Uint256();
  };
  return {net(swap.token_in.address, false), net(swap.token_out.address, true)};
}

Uint256 price_impact_wad(const SwapStep& swap, const Fill& fill) {
  const Uint256 one(kWad);
  if (fill.amount_in.is_zero() || swap.amount_out.is_zero() || swap.price_impact_wad >= one)
    return swap.price_impact_wad;
  // What would have come out of the planned input at the fill's price, to what the pools' price promised.
  const auto out = mul_div(fill.amount_out, swap.amount_in, fill.amount_in).value_or(Uint256::max());
  const auto kept = mul_div(out, one - swap.price_impact_wad, swap.amount_out).value_or(one);
  return kept >= one ? Uint256() : one - kept;
}

// --- The record

Result<Execution> Execution::from_history(std::span<const Envelope> events, const ExecutionSettings& settings,
                                          unsigned confirmations) {
  Execution execution(settings, confirmations);
  for (const auto& event : events) SEP_CHECK(execution.apply(event));
  if (execution.intent_id_.empty() || execution.plan_.steps.empty())
    return fail(errc::kInvalidEvent, "the history holds no intent with a plan");
  return execution;
}

Status Execution::apply(const Envelope& event) {
  if (event.sequence <= head_.sequence) return {};
  const auto before = head_.sequence == 0 ? std::nullopt : std::optional(head_);
  SEP_ASSERT(event.sequence == head_.sequence + 1);
  if (event.topic == topic::kIntentSubmitted) {
    SEP_TRY(intent_id_, get_string(event.payload, "intentId"));
    SEP_TRY(const auto* document, object_at(event.payload, "intent"));
    SEP_TRY(intent_, intent_from_record(*document));
    submitted_ = event.payload;
    submitted_at_ = event.timestamp;
  } else if (event.topic == topic::kPlanCreated) {
    SEP_TRY(plan_, plan_from_payload(event.payload));
    planned_at_ = event.timestamp;
    ++plans_;
    steps_.assign(plan_.steps.size(), {});
    simulation_.reset();
    begin_refused_.reset();
  } else if (event.topic == topic::kIntentCancelRequested) {
    cancel_requested_ = true;
  } else if (event.topic == topic::kExecStepPrepared) {
    SEP_TRY(auto attempt, attempt_from(event));
    if (attempt.step_index >= steps_.size())
      return fail(errc::kInvalidEvent, "no such step", "/payload/stepIndex");
    if (!prepared_any()) ++sent_plans_;
    steps_[attempt.step_index].attempts.push_back(std::move(attempt));
  } else if (event.topic == topic::kExecStepSubmitted) {
    SEP_TRY(const auto hash, required(event.payload, "txHash", parse_hash));
    for (auto& step : steps_)
      for (auto& attempt : step.attempts)
        if (attempt.tx_hash == hash) attempt.submitted = true;
  } else if (event.topic == topic::kExecStepFilled || event.topic == topic::kExecStepReverted) {
    SEP_TRY(const auto index, get_uint(event.payload, "stepIndex"));
    if (index >= steps_.size()) return fail(errc::kInvalidEvent, "no such step", "/payload/stepIndex");
    Inclusion inclusion;
    inclusion.success = event.topic == topic::kExecStepFilled;
    if (event.payload.contains("txHash")) {
      SEP_TRY(inclusion.tx_hash, required(event.payload, "txHash", parse_hash));
    }
    SEP_TRY(inclusion.block_number, get_uint(event.payload, "blockNumber"));
    SEP_TRY(inclusion.block_hash, required(event.payload, "blockHash", parse_hash));
    inclusion.reason = string_or(event.payload, "reason");
    inclusion.detail = string_or(event.payload, "detail");
    SEP_TRY(const auto gas_used, required(event.payload, "gasUsed", parse_uint256));
    SEP_TRY(const auto gas_price, required(event.payload, "effectiveGasPrice", parse_uint256));
    const auto gas_cost = checked_mul(gas_used, gas_price);
    if (!gas_cost) return fail(errc::kInvalidEvent, "the gas paid exceeds 2^256-1 wei", "/payload/gasUsed");
    inclusion.gas_cost_wei = *gas_cost;
    gas_spent_wei_ += inclusion.gas_cost_wei;
    if (inclusion.success && kind_of(plan_.steps[index]) == StepKind::kSwap) {
      const auto& swap = plan_.swap();
      SEP_TRY(const auto in, get_string(event.payload, "amountIn"));
      SEP_TRY(const auto out, get_string(event.payload, "amountOut"));
      fill_.emplace();
      SEP_TRY(fill_->amount_in, parse_decimal(in, swap.token_in.decimals));
      SEP_TRY(fill_->amount_out, parse_decimal(out, swap.token_out.decimals));
    }
    steps_[index].included = std::move(inclusion);
  } else if (event.topic == topic::kExecStepReorged) {
    SEP_TRY(const auto index, get_uint(event.payload, "stepIndex"));
    if (index >= steps_.size()) return fail(errc::kInvalidEvent, "no such step", "/payload/stepIndex");
    auto& step = steps_[index];
    if (step.included) gas_spent_wei_ -= step.included->gas_cost_wei;  // the chain took the payment back
    step.included.reset();
    if (index + 1 == steps_.size()) fill_.reset();
    // Whether another transaction holds the nonce is to be seen anew.
    if (!step.attempts.empty()) {
      nonce_used_since_.erase(step.attempts.front().nonce);
      nonce_users_.erase(step.attempts.front().nonce);
    }
  }
  const auto single = std::span(&event, 1);
  const auto state = event.topic == topic::kRiskApproved || event.topic == topic::kIntentAccepted ||
                             event.topic == topic::kPlanCreated
                         ? std::nullopt
                         : std::optional(advance_head(before, single));
  if (state && !*state) return fail(state->error());
  head_ = state ? **state : IntentHead{event.sequence, event.event_id, head_.state};
  if (event.topic == topic::kIntentAccepted) head_.state = State::kAccepted;
  if (event.topic == topic::kPlanCreated) head_.state = State::kPlanned;
  return {};
}

// --- What was observed

void Execution::observe(const Observation& observation) {
  if (const auto* simulated = std::get_if<SimulationSeen>(&observation)) {
    simulation_ = *simulated;
  } else if (const auto* broadcast = std::get_if<BroadcastSeen>(&observation)) {
    auto& state = attempts_seen_[broadcast->tx_hash];
    state.broadcast = broadcast->outcome;
    state.broadcast_detail = broadcast->detail;
    state.broadcast_at = broadcast->at;
    state.refusals = broadcast->outcome == BroadcastOutcome::kRefused ? state.refusals + 1 : 0;
  } else if (const auto* receipt = std::get_if<ReceiptSeen>(&observation)) {
    auto& state = attempts_seen_[receipt->tx_hash];
    state.receipt = *receipt;
    state.receipt_of_head = heads_seen_;
  } else if (const auto* head = std::get_if<HeadSeen>(&observation)) {
    if (chain_head_.number != 0 && head->account_nonce != chain_head_.account_nonce)
      in_turn_since_ = head->at;
    chain_head_ = *head;
    ++heads_seen_;
    for (const auto nonce : nonces()) {
      if (head->account_nonce > nonce) {
        nonce_used_since_.try_emplace(nonce, head->at);
      } else {  // the chain went back, at whatever height
        nonce_used_since_.erase(nonce);
        nonce_users_.erase(nonce);
      }
    }
  } else if (const auto* fees = std::get_if<FeesSeen>(&observation)) {
    fees_ = *fees;
    if (!affordable()) simulation_.reset();  // of a state that will be long gone
  } else if (const auto* used = std::get_if<NonceSeen>(&observation)) {
    nonce_users_[used->nonce] = *used;
  } else if (const auto* refused = std::get_if<BeginRefused>(&observation)) {
    begin_refused_ = *refused;
    simulation_.reset();
  } else if (std::holds_alternative<BeginAllowed>(observation)) {
    begin_refused_.reset();
  } else {
    SEP_ASSERT(std::holds_alternative<AccountHalted>(observation));
    halted_ = true;
  }
}

// --- What to do

Command Execution::decide(Timestamp now) const {
  if (is_terminal(head_.state)) return Finished{};
  if (!prepared_any()) {
    if (auto command = decide_unprepared(now)) return *std::move(command);
    return WakeAt{next_wake(now)};
  }
  if (auto command = send_prepared(now)) return *std::move(command);
  if (auto command = record_submissions()) return *std::move(command);
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (auto command = record_inclusion(i)) return *std::move(command);
  if (auto command = halt_account(now)) return *std::move(command);
  if (auto command = conclude(now)) return *std::move(command);
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (auto command = drive(i, now)) return *std::move(command);
  return WakeAt{next_wake(now)};
}

std::optional<Command> Execution::decide_unprepared(Timestamp now) const {
  if (cancel_requested_) return Append{{{topic::kIntentCancelled, {{"intentId", intent_id_}}}}};
  if (now >= deadline())
    return Append{{{topic::kIntentExpired, {{"intentId", intent_id_}, {"reason", errc::kTimeWindow}}}}};
  const bool too_old = now.ms - planned_at_.ms > kPlanGoodForMs;
  if (begin_refused_) {
    if (begin_refused_->code == errc::kKillSwitch)
      return end_unprepared(begin_refused_->code, begin_refused_->detail);
    if (too_old || now.ms - begin_refused_->at.ms < kHaltedRetryMs) return std::nullopt;
  }
  if (const auto budget = gas_budget_usd_wad();
      budget && gas_cost_usd_wad() + plan_.estimated_cost.gas_usd_wad > *budget)
    return end_unprepared(
        errc::kGasLimit,
        fmt::format("the plan's gas of {} USD and the {} USD spent on former ones exceed the {} USD that the "
                    "intent's gas may cost",
                    format_usd(plan_.estimated_cost.gas_usd_wad), format_usd(gas_cost_usd_wad()),
                    format_usd(*budget)));
  if (!affordable()) return std::nullopt;  // until gas is cheaper, or the window ends
  if (too_old) return Replan{};
  if (!simulation_) return Simulate{};
  if (!simulation_->success) {
    if (may_replan(simulation_->code, now))
      return Replan{std::string(simulation_->code), simulation_->detail, simulation_->allowance};
    return end_unprepared(simulation_->code, simulation_->detail);
  }
  Prepare prepare;
  for (const auto used : simulation_->gas_used) {
    auto fees = initial_fees(settings_, intent_.style, *fees_, gas_limit_for(used));
    if (!fees) return end_unprepared(fees.error().code, fees.error().detail);
    prepare.gas_limits.push_back(fees->gas_limit);
    prepare.fees.push_back(*fees);
  }
  return prepare;
}

Append Execution::end_unprepared(std::string_view reason, std::string_view detail) const {
  Append append;
  if (head_.state == State::kPlanned) append.events.push_back(started());
  append.events.push_back(failed(reason, detail));
  return append;
}

/// The fees of a first attempt are known and within the cap.
bool Execution::affordable() const {
  return fees_ && initial_fees(settings_, intent_.style, *fees_, 0).has_value();
}

/// Every step's transaction is handed to the node before anything is recorded or asked: a swap must not wait
/// for the answers about its approval.
std::optional<Command> Execution::send_prepared(Timestamp now) const {
  const bool abandoned = abandon(now) != Abandon::kNo;
  for (const auto& step : steps_) {
    if (step.attempts.empty() || step.included) continue;
    const auto& latest = step.attempts.back();
    if (held_up(step)) break;
    if (never_left(latest) && (!abandoned || latest.kind == StepKind::kCancel)) return Broadcast{latest};
  }
  return std::nullopt;
}

/// All that the node took, in one append, so that approval and swap cost one commit.
std::optional<Command> Execution::record_submissions() const {
  Append append;
  for (const auto& step : steps_) {
    for (const auto& attempt : step.attempts) {
      if (attempt.submitted || state_of(attempt.tx_hash).broadcast != BroadcastOutcome::kAccepted) continue;
      auto payload = ids();
      payload["stepIndex"] = attempt.step_index;
      payload["attempt"] = attempt.number;
      payload["kind"] = to_string(attempt.kind);
      payload["txHash"] = to_hex(attempt.tx_hash);
      payload["nonce"] = attempt.nonce;
      append.events.push_back({topic::kExecStepSubmitted, std::move(payload)});
    }
  }
  return append.events.empty() ? std::nullopt : std::optional<Command>(std::move(append));
}

std::optional<Command> Execution::record_inclusion(std::size_t index) const {
  const auto& step = steps_[index];
  if (step.included) {
    const auto& seen = state_of(step.included->tx_hash).receipt;
    if (!seen || (seen->receipt && seen->receipt->block_hash == step.included->block_hash))
      return std::nullopt;
    auto payload = ids();
    payload["stepIndex"] = index;
    payload["txHash"] = to_hex(step.included->tx_hash);
    payload["blockHash"] = to_hex(step.included->block_hash);
    return Append{{{topic::kExecStepReorged, std::move(payload)}}};
  }
  for (const auto& attempt : step.attempts) {
    const auto& seen = state_of(attempt.tx_hash).receipt;
    if (!seen || !seen->receipt) continue;
    const auto& receipt = *seen->receipt;
    auto payload = ids();
    payload["stepIndex"] = index;
    payload["txHash"] = to_hex(attempt.tx_hash);
    payload["blockNumber"] = receipt.block_number;
    payload["blockHash"] = to_hex(receipt.block_hash);
    payload["gasUsed"] = to_string(receipt.gas_used);
    payload["effectiveGasPrice"] = to_string(receipt.effective_gas_price);
    if (!receipt.success) {
      payload["reason"] = receipt.revert_code;
      payload["detail"] = receipt.revert_detail;
      return Append{{{topic::kExecStepReverted, std::move(payload)}}};
    }
    Fill fill;
    if (attempt.kind == StepKind::kSwap) fill = fill_from_logs(plan_.swap(), receipt.logs);
    payload["amountIn"] = format_amount(fill.amount_in, plan_.swap().token_in.decimals);
    payload["amountOut"] = format_amount(fill.amount_out, plan_.swap().token_out.decimals);
    return Append{{{topic::kExecStepFilled, std::move(payload)}}};
  }
  return std::nullopt;
}

/// What the last step's inclusion means for the intent, once it is deep enough.
std::optional<Command> Execution::conclude(Timestamp now) const {
  // An approval whose nonce is gone does not end the intent while its swap can still be included.
  if (!std::ranges::all_of(
          steps_, [&](const Step& s) { return (s.included && confirmed(*s.included)) || foreign(s, now); }))
    return std::nullopt;
  const auto cancelled = [](const Step& step) {
    if (!step.included) return false;
    const auto attempt = std::ranges::find(step.attempts, step.included->tx_hash, &Attempt::tx_hash);
    return attempt != step.attempts.end() && attempt->kind == StepKind::kCancel;
  };
  const auto& last = steps_.back();
  if (!last.included) return outcome_of_abandoning(now);
  if (last.included->success && !cancelled(last)) return Append{{completed(now)}};
  // A swap that reverts because its approval was cancelled is cancelled too.
  if (cancel_requested_ || std::ranges::any_of(steps_, cancelled)) return outcome_of_abandoning(now);
  if (begin_refused_ && begin_refused_->code == errc::kKillSwitch)
    return Append{{failed(begin_refused_->code, begin_refused_->detail)}};
  if (may_replan(last.included->reason, now))
    return Replan{last.included->reason, last.included->detail,
                  std::ranges::any_of(steps_.begin(), steps_.end() - 1,
                                      [](const Step& s) { return !s.included || !s.included->success; })};
  if (last.included->reason == errc::kTimeWindow)
    return Append{{{topic::kIntentExpired, {{"intentId", intent_id_}, {"reason", errc::kTimeWindow}}}}};
  return Append{{failed(last.included->reason, last.included->detail)}};
}

std::optional<Command> Execution::outcome_of_abandoning(Timestamp now) const {
  switch (abandon(now)) {
    case Abandon::kForeign:
      return Append{
          {failed(errc::kForeignNonce,
                  "a nonce of this intent was used by a transaction of the account that is not ours")}};
    case Abandon::kCancel:
      return Append{{{topic::kIntentCancelled, {{"intentId", intent_id_}}}}};
    case Abandon::kNo:
    case Abandon::kRefused:
      return Append{{failed(errc::kTransactionRefused,
                            "the node refused the transaction; its nonce was spent on a cancellation")}};
    case Abandon::kExpire:
      return Append{{{topic::kIntentExpired, {{"intentId", intent_id_}, {"reason", errc::kTimeWindow}}}}};
  }
  SEP_ASSERT(false);
}

std::optional<Command> Execution::halt_account(Timestamp now) const {
  if (halted_) return std::nullopt;
  for (const auto& step : steps_) {
    if (!foreign(step, now)) continue;
    const auto nonce = step.attempts.front().nonce;
    const auto& user = *nonce_users_.at(nonce).user;
    return HaltAccount{nonce, user.tx_hash,
                       fmt::format("nonce {} was used in block {} by {}, which is not ours", nonce,
                                   user.block_number, to_hex(user.tx_hash))};
  }
  return std::nullopt;
}

std::optional<Command> Execution::drive(std::size_t index, Timestamp now) const {
  const auto& step = steps_[index];
  if (step.attempts.empty()) return std::nullopt;
  // One that is deep enough is asked for too while another step is not: a reorganisation may be deeper, and
  // its nonce would then hold up the other one. Whether it is on chain already comes before sending it again:
  // after a restart nothing else is known.
  std::vector<Hash32> unasked;
  for (const auto& attempt : step.attempts) {
    if (!step.included && never_left(attempt)) continue;
    const auto& state = state_of(attempt.tx_hash);
    const auto& receipt = state.receipt;
    if (!receipt || state.receipt_of_head < heads_seen_ || receipt->head < chain_head_.number ||
        now.ms - receipt->at.ms >= kAskAgainMs)
      unasked.push_back(attempt.tx_hash);
  }
  if (!unasked.empty()) return AskReceipts{std::move(unasked)};
  const auto& latest = step.attempts.back();
  if (step.included) return std::nullopt;
  if (nonce_used_since_.contains(latest.nonce)) return ask_nonce(step, now);
  if (auto command = replace(index, now)) return command;
  const auto& seen = state_of(latest.tx_hash);
  if (never_left(latest) && held_up(step)) return std::nullopt;
  const auto wait = seen.broadcast == BroadcastOutcome::kAccepted ? kRebroadcastMs : kRetryBroadcastMs;
  if (!seen.broadcast || now.ms - seen.broadcast_at.ms >= wait) return Broadcast{latest};
  return std::nullopt;
}

/// A step before it was refused, and is to be taken, or given up, first.
bool Execution::held_up(const Step& step) const {
  for (const auto& earlier : steps_) {
    if (&earlier == &step) break;
    if (earlier.attempts.empty() || earlier.included) continue;
    const auto& latest = earlier.attempts.back();
    if (!latest.submitted && state_of(latest.tx_hash).refusals > 0) return true;
  }
  return false;
}

/// Nothing is known to have handed it to the node, and its nonce is free on chain.
bool Execution::never_left(const Attempt& attempt) const {
  const auto& state = state_of(attempt.tx_hash);
  return !attempt.submitted && !state.broadcast && !state.receipt &&
         chain_head_.account_nonce <= attempt.nonce;
}

std::optional<Command> Execution::ask_nonce(const Step& step, Timestamp now) const {
  if (!nonce_gone(step, now)) return std::nullopt;
  const auto nonce = step.attempts.front().nonce;
  const auto known = nonce_users_.find(nonce);
  if (known != nonce_users_.end() && now.ms - known->second.at.ms < kAskAgainMs) return std::nullopt;
  return AskNonce{nonce};
}

/// The chain has counted the nonce as used for a while, and no attempt has a receipt.
bool Execution::nonce_gone(const Step& step, Timestamp now) const {
  if (step.attempts.empty() || step.included) return false;
  const auto since = nonce_used_since_.find(step.attempts.front().nonce);
  if (since == nonce_used_since_.end() || now.ms - since->second.ms < kNonceGoneMs) return false;
  return std::ranges::all_of(step.attempts, [&](const Attempt& attempt) {
    const auto& seen = state_of(attempt.tx_hash).receipt;
    return seen && !seen->receipt && seen->at.ms - since->second.ms >= kNonceGoneMs;
  });
}

/// Another transaction was seen to have used the nonce, deep enough.
bool Execution::foreign(const Step& step, Timestamp now) const {
  if (!nonce_gone(step, now)) return false;
  const auto known = nonce_users_.find(step.attempts.front().nonce);
  if (known == nonce_users_.end() || !known->second.user) return false;
  const auto& user = *known->second.user;
  return std::ranges::find(step.attempts, user.tx_hash, &Attempt::tx_hash) == step.attempts.end() &&
         known->second.head + 1 >= user.block_number + confirmations_;
}

std::optional<Command> Execution::replace(std::size_t index, Timestamp now) const {
  const auto& step = steps_[index];
  if (!receipts_known_absent(step)) return std::nullopt;
  const auto& latest = step.attempts.back();
  const bool cancelling = latest.kind == StepKind::kCancel || abandon(now) != Abandon::kNo;
  const auto dearer = replacement_fees(
      latest.fees, wanted_fees(), cancelling ? settings_.max_fee_per_gas_wei : attempt_fee_cap(settings_),
      settings_.bump_basis_points);
  if (cancelling && latest.kind != StepKind::kCancel) {
    constexpr std::uint64_t kTransferGas = 21'000;  // of a transaction without data
    auto fees = dearer.value_or(latest.fees);  // where the caps were lowered since: should the pool lose it
    fees.gas_limit = kTransferGas;
    return PrepareReplacement{index, StepKind::kCancel, latest.nonce, fees};
  }
  // Behind another transaction of the account it is not its fee that it waits for.
  if (latest.nonce != chain_head_.account_nonce) return std::nullopt;
  const auto& policy = policy_of(settings_, intent_.style);
  const bool tried = latest.submitted || state_of(latest.tx_hash).broadcast == BroadcastOutcome::kUnderpriced;
  const auto waits_since = std::max(latest.prepared_at, in_turn_since_);
  const bool stuck = tried && now.ms - waits_since.ms >= policy.bump_after_ms;
  if (stuck && dearer) return PrepareReplacement{index, latest.kind, latest.nonce, *dearer};
  return std::nullopt;
}

Fees Execution::wanted_fees() const {
  return fees_ ? uncapped_fees(settings_, intent_.style, *fees_) : Fees{};
}

/// No node took it, and one has said often enough that none will.
bool Execution::refused(const Attempt& attempt) const {
  return !attempt.submitted && state_of(attempt.tx_hash).refusals >= kRefusals;
}

Execution::Abandon Execution::abandon(Timestamp now) const {
  if (std::ranges::any_of(steps_, [&](const Step& step) { return foreign(step, now); }))
    return Abandon::kForeign;
  if (cancel_requested_) return Abandon::kCancel;
  if (now >= deadline()) return Abandon::kExpire;
  // A cancellation on the record for none of the other reasons was for a refusal, seen before a restart.
  for (const auto& step : steps_)
    for (const auto& attempt : step.attempts)
      if (attempt.kind == StepKind::kCancel || refused(attempt)) return Abandon::kRefused;
  return Abandon::kNo;
}

bool Execution::may_replan(std::string_view reason, Timestamp now) const {
  const auto gas_budget = gas_budget_usd_wad();
  const bool in_budget = sent_plans_ < settings_.max_attempts && plans_ - sent_plans_ < kMaxUnsentPlans &&
                         (!gas_budget || gas_cost_usd_wad() < *gas_budget);
  return price_related(reason) && !cancel_requested_ && now < deadline() && in_budget;
}

bool Execution::confirmed(const Inclusion& inclusion) const {
  const auto needed = inclusion.block_number + confirmations_ - 1;
  const auto& state = state_of(inclusion.tx_hash);
  const auto& seen = state.receipt;
  // Of the present head: what was seen before it may be on a branch that is no more.
  return seen && state.receipt_of_head == heads_seen_ && seen->receipt &&
         seen->receipt->block_hash == inclusion.block_hash &&
         std::max(seen->head, inclusion.block_number) >= needed;
}

const Execution::AttemptState& Execution::state_of(const Hash32& hash) const {
  static const AttemptState kNothing;
  const auto found = attempts_seen_.find(hash);
  return found == attempts_seen_.end() ? kNothing : found->second;
}

bool Execution::receipts_known_absent(const Step& step) const {
  return std::ranges::all_of(step.attempts, [&](const Attempt& attempt) {
    const auto& state = state_of(attempt.tx_hash);
    return never_left(attempt) || (state.receipt && !state.receipt->receipt);
  });
}

Timestamp Execution::next_wake(Timestamp now) const {
  auto wake = now.plus_ms(kAskAgainMs);
  if (now < deadline()) wake = std::min(wake, deadline());
  return wake;
}

// --- Payloads

json::object Execution::ids() const {
  return {{"intentId", intent_id_}, {"planId", plan_.plan_id}};
}

EventDraft Execution::started() const {
  return {topic::kExecStarted, ids()};
}

EventDraft Execution::prepared(const Attempt& attempt) const {
  auto payload = ids();
  payload["stepIndex"] = attempt.step_index;
  payload["attempt"] = attempt.number;
  payload["kind"] = to_string(attempt.kind);
  payload["nonce"] = attempt.nonce;
  payload["txHash"] = to_hex(attempt.tx_hash);
  payload["rawTx"] = to_hex(attempt.raw);
  payload["fees"] = fees_json(attempt.fees);
  return {topic::kExecStepPrepared, std::move(payload)};
}

EventDraft Execution::failed(std::string_view reason, std::string_view detail) const {
  auto payload = ids();
  payload["reason"] = reason;
  payload["detail"] = detail;
  return {topic::kExecFailed, std::move(payload)};
}

unsigned Execution::next_attempt(std::size_t step_index) const {
  return static_cast<unsigned>(steps_[step_index].attempts.size()) + 1;
}

Uint256 Execution::gas_cost_usd_wad() const {
  // The plan's own rate of USD to wei, so that the figure follows from the record alone.
  const auto& cost = plan_.estimated_cost;
  if (cost.gas_wei.is_zero()) return {};
  return mul_div(gas_spent_wei_, cost.gas_usd_wad, cost.gas_wei).value_or(Uint256::max());
}

std::optional<Uint256> Execution::gas_budget_usd_wad() const {
  auto budget = settings_.max_gas_usd_wad;
  for (const auto& criterion : intent_.criteria)
    if (criterion.metric == Metric::kMaxGasUsd)
      budget = std::min(budget.value_or(criterion.value), criterion.value);
  return budget;
}

EventDraft Execution::completed(Timestamp now) const {
  SEP_ASSERT(fill_.has_value());
  const auto& swap = plan_.swap();
  const auto gas_usd = gas_cost_usd_wad();
  auto payload = ids();
  payload["amountIn"] = format_amount(fill_->amount_in, swap.token_in.decimals);
  payload["amountOut"] = format_amount(fill_->amount_out, swap.token_out.decimals);
  payload["txHash"] = to_hex(steps_.back().included->tx_hash);
  payload["gasCostUsd"] = format_usd(gas_usd);
  payload["criteria"] = criteria_results(*fill_, now, gas_usd);
  return {topic::kExecCompleted, std::move(payload)};
}

std::vector<EventDraft> Execution::filled_on_paper(const Fill& fill, std::uint64_t block_number,
                                                   const Hash32& block_hash, Timestamp now) const {
  SEP_ASSERT(!prepared_any());
  const auto& swap = plan_.swap();
  std::vector<EventDraft> drafts;
  if (head_.state == State::kPlanned) drafts.push_back(started());
  auto filled = ids();
  filled["stepIndex"] = plan_.steps.size() - 1;
  filled["blockNumber"] = block_number;
  filled["blockHash"] = to_hex(block_hash);
  filled["amountIn"] = format_amount(fill.amount_in, swap.token_in.decimals);
  filled["amountOut"] = format_amount(fill.amount_out, swap.token_out.decimals);
  filled["gasUsed"] = "0";
  filled["effectiveGasPrice"] = "0";
  auto ended = ids();
  ended["amountIn"] = filled["amountIn"];
  ended["amountOut"] = filled["amountOut"];
  ended["gasCostUsd"] = "0";
  ended["criteria"] = criteria_results(fill, now, Uint256());
  drafts.push_back({topic::kExecStepFilled, std::move(filled)});
  drafts.push_back({topic::kExecCompleted, std::move(ended)});
  return drafts;
}

json::array Execution::criteria_results(const Fill& fill, Timestamp now, const Uint256& gas_usd_wad) const {
  const auto& swap = plan_.swap();
  const auto elapsed_ms = Uint256(std::max<std::int64_t>(0, now.ms - submitted_at_.ms));
  json::array results;
  for (const auto& criterion : intent_.criteria) {
    const auto result = [&](const Uint256& actual, unsigned decimals, bool met) {
      results.push_back(json::object{{"metric", to_string(criterion.metric)},
                                     {"value", criterion.text},
                                     {"actual", format_amount(actual, decimals)},
                                     {"met", met}});
    };
    switch (criterion.metric) {
      case Metric::kMinAmountOut:
        result(fill.amount_out, swap.token_out.decimals, fill.amount_out >= criterion.value);
        break;
      case Metric::kMaxAmountIn:
        result(fill.amount_in, swap.token_in.decimals, fill.amount_in <= criterion.value);
        break;
      case Metric::kMaxGasUsd:
        result(gas_usd_wad, 18, gas_usd_wad <= criterion.value);
        break;
      case Metric::kMaxPriceImpact: {
        const auto impact = price_impact_wad(swap, fill);
        result(impact, 18, impact <= criterion.value);
        break;
      }
      case Metric::kCompleteWithinMs:
        result(elapsed_ms, 0, elapsed_ms <= criterion.value);
        break;
    }
  }
  return results;
}

Timestamp Execution::next_block_due() const {
  constexpr std::int64_t kAtLeastMs = 500;  // where blocks come on demand
  return planned_at_.plus_ms(2 * plan_.estimated_duration_ms / std::max(1U, confirmations_) + kAtLeastMs);
}

bool Execution::prepared_any() const {
  return std::ranges::any_of(steps_, [](const Step& step) { return !step.attempts.empty(); });
}

std::vector<std::uint64_t> Execution::nonces() const {
  std::vector<std::uint64_t> all;
  for (const auto& step : steps_)
    if (!step.attempts.empty()) all.push_back(step.attempts.front().nonce);
  return all;
}

}  // namespace sep::engine
