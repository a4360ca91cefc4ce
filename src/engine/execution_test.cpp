#include "engine/execution.h"

#include <deque>
#include <functional>
#include <set>

#include <boost/multiprecision/cpp_int.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/ulid.h"
#include "engine/sample_lives.h"
#include "engine/test_support.h"
#include "engine/topics.h"
#include "uniswap/contracts.h"

namespace sep::engine {
namespace {

using namespace test;
using Big = boost::multiprecision::cpp_int;

const std::string kIntentId = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";
constexpr std::uint64_t kFirstNonce = 40;

Big big(const Uint256& value) {
  return Big(to_string(value));
}

Hash32 word_of(const Address& account) {
  Hash32 word;
  std::ranges::copy(account.bytes, word.bytes.begin() + 12);
  return word;
}

Log transfer(const Token& token, const Address& from, const Address& to, const Uint256& amount) {
  Log log;
  log.address = token.address;
  log.topics = {uniswap::logs::kTransfer, word_of(from), word_of(to)};
  const auto data = to_big_endian(amount);
  log.data.assign(data.begin(), data.end());
  return log;
}

// --- A chain with one account

struct ChainTx {
  Bytes raw;
  Hash32 tx_hash;
  std::string plan;
  StepKind kind = StepKind::kSwap;
  std::uint64_t nonce = 0;
  Fees fees;
  bool foreign = false;
};

/// What a node would answer: a pool of pending transactions and blocks. A swap succeeds once its plan's
/// approval has, unless told otherwise.
class Chain {
 public:
  explicit Chain(bool approvals) : approvals_(approvals) {}

  BroadcastOutcome send(const ChainTx& tx) {
    if (tx.nonce < nonce()) return BroadcastOutcome::kNonceTooLow;
    if (const auto found = pending_.find(tx.nonce); found != pending_.end()) {
      if (found->second.tx_hash == tx.tx_hash) return BroadcastOutcome::kAccepted;
      const auto& old = found->second.fees;
      const bool pays = tx.fees.max_fee_per_gas * 100U >= old.max_fee_per_gas * 110U &&
                        tx.fees.max_priority_fee_per_gas * 100U >= old.max_priority_fee_per_gas * 110U;
      if (!pays) return BroadcastOutcome::kUnderpriced;
    }
    pending_[tx.nonce] = tx;
    return BroadcastOutcome::kAccepted;
  }

  /// One block with everything pending whose turn it is, at most `limit` of them.
  void mine(std::size_t limit = 100) {
    Block block;
    block.block_hash = keccak256(fmt::format("block {} {}", height() + 1, ++forks_));
    for (auto next = nonce(); limit > 0 && pending_.contains(next) && pays(pending_[next]); ++next, --limit) {
      block.txs.push_back(pending_[next]);
      pending_.erase(next);
    }
    blocks_.push_back(std::move(block));
  }
  /// The newest block is undone; its transactions wait again, or are gone from the pool.
  void undo_block(bool drop) {
    for (auto& tx : blocks_.back().txs)
      if (!drop) pending_.insert_or_assign(tx.nonce, tx);
    blocks_.pop_back();
  }
  /// Somebody else with our key.
  void mine_foreign() {
    ChainTx tx;
    tx.foreign = true;
    tx.nonce = nonce();
    tx.fees.max_fee_per_gas = 1'000'000'000'000'000U;
    tx.tx_hash = keccak256(fmt::format("foreign {}", tx.nonce));
    pending_[tx.nonce] = tx;
    mine(1);
  }
  void drop_pool() { pending_.clear(); }

  std::optional<ReceiptView> receipt(const Hash32& tx_hash) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      for (const auto& tx : blocks_[b].txs) {
        if (tx.tx_hash != tx_hash) continue;
        ReceiptView view;
        view.success = succeeded(tx);
        view.block_number = b + 1 + kBase;
        view.block_hash = blocks_[b].block_hash;
        view.gas_used = 100'000U;
        view.effective_gas_price = 11'000'000'000U;
        if (!view.success) {
          view.revert_code = revert_code;
          view.revert_detail = "it reverted";
        } else if (tx.kind == StepKind::kSwap) {
          view.logs = {transfer(kUsdc, kAccount, address(0xa1), units("2499.5", kUsdc)),
                       transfer(kWeth, address(0xa1), kAccount, wad("1"))};
        }
        return view;
      }
    }
    return std::nullopt;
  }

  /// Which transaction used the nonce.
  std::optional<NonceSeen::User> user_of(std::uint64_t wanted) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b)
      for (const auto& tx : blocks_[b].txs)
        if (tx.nonce == wanted) return NonceSeen::User{tx.tx_hash, b + 1 + kBase};
    return std::nullopt;
  }

  std::uint64_t height() const { return kBase + blocks_.size(); }
  std::uint64_t nonce() const {
    std::uint64_t next = kFirstNonce;
    for (const auto& block : blocks_) next += block.txs.size();
    return next;
  }
  const std::map<std::uint64_t, ChainTx>& pending() const { return pending_; }
  std::size_t successful_swaps() const {
    std::size_t count = 0;
    for (const auto& block : blocks_)
      for (const auto& tx : block.txs)
        if (!tx.foreign && tx.kind == StepKind::kSwap && succeeded(tx)) ++count;
    return count;
  }
  std::size_t blocks() const { return blocks_.size(); }

  std::size_t swaps_to_revert = 0;  // plans whose swap reverts
  Uint256 base_fee = 10'000'000'000U;
  std::string revert_code = std::string(errc::kSlippageExceeded);

 private:
  static constexpr std::uint64_t kBase = 100;
  struct Block {
    Hash32 block_hash;
    std::vector<ChainTx> txs;
  };

  bool pays(const ChainTx& tx) const { return tx.foreign || tx.fees.max_fee_per_gas >= base_fee; }

  bool succeeded(const ChainTx& tx) const {
    if (tx.kind != StepKind::kSwap) return true;
    if (std::stoul(tx.plan) <= swaps_to_revert) return false;
    if (!approvals_) return true;
    for (const auto& block : blocks_)
      for (const auto& other : block.txs)
        if (other.kind == StepKind::kApprove && other.plan == tx.plan) return true;
    return false;
  }

  bool approvals_;
  std::vector<Block> blocks_;
  std::map<std::uint64_t, ChainTx> pending_;
  int forks_ = 0;
};

// --- The orchestrator's part, against that chain

struct Options {
  bool approval = false;
  unsigned confirmations = 1;
  json::object document = intent_document();
};

/// Carries out commands as the orchestrator does, keeps the record, and notes every broken promise.
class Rig {
 public:
  /// The record up to the first plan, and a process that takes it up.
  explicit Rig(Options options = {}) : chain(options.approval), options_(std::move(options)) {
    settings.chain.confirmations = options_.confirmations;
    const auto& document = options_.document;
    append({{topic::kIntentSubmitted, {{"intentId", kIntentId}, {"intent", document}}}});
    append({{topic::kRiskApproved, {{"intentId", kIntentId}}},
            {topic::kIntentAccepted, {{"intentId", kIntentId}, {"intent", document}}}});
    append({{topic::kPlanCreated, next_plan()}});
    restart();
  }

  /// A new process: only the record is left.
  void restart() {
    auto made = Execution::from_history(record, settings.execution, settings.chain.confirmations);
    SEP_ASSERT(made.has_value());
    execution.emplace(std::move(*made));
    see_head();
  }

  void see_head() {
    execution->observe(HeadSeen{chain.height(), chain.nonce() + (counts_ahead ? 1U : 0U), now});
    execution->observe(FeesSeen{chain.base_fee, {}, {}, {}});
  }
  void mine(std::size_t limit = 100) {
    chain.mine(limit);
    see_head();
  }
  void request_cancel() { append({{topic::kIntentCancelRequested, {{"intentId", kIntentId}}}}); }

  /// One command. False where there is nothing to do for now.
  bool step() {
    const auto command = execution->decide(now);
    if (std::holds_alternative<Finished>(command)) {
      trace.emplace_back("finished");
      return false;
    }
    if (const auto* wake = std::get_if<WakeAt>(&command)) {
      expect(wake->at > now, "WakeAt is not in the future");
      wake_at = wake->at;
      return false;
    }
    std::visit([&](const auto& c) { carry_out(c); }, command);
    return true;
  }

  /// All commands that are due at this moment. A process that lives through it needs few.
  void settle() {
    int since_crash = 0;
    for (int commands = 0; step(); ++commands) {
      since_crash = trace.back() == "crash" ? 0 : since_crash + 1;
      if (since_crash < 80 && commands < 2'000) continue;
      expect(false, "spins: " + trace.back());
      return;
    }
  }
  void pass(std::int64_t ms) {
    now.ms += ms;
    settle();
  }
  /// Blocks every second until the intent has ended.
  void run_to_end(int seconds = 900) {
    settle();
    for (int i = 0; i < seconds && !ended(); ++i) {
      now.ms += 1'000;
      mine();
      settle();
    }
    expect(ended(), "does not end");
  }

  bool ended() const { return is_terminal(execution->head().state); }
  State state() const { return execution->head().state; }
  std::vector<std::string> topics() const {
    std::vector<std::string> all;
    for (const auto& event : record) all.push_back(event.topic);
    return all;
  }
  std::vector<std::string> topics_from(std::size_t index) const {
    const auto all = topics();
    return {all.begin() + static_cast<std::ptrdiff_t>(index), all.end()};
  }
  std::size_t count(std::string_view wanted) const {
    return static_cast<std::size_t>(std::ranges::count(record, wanted, &Envelope::topic));
  }
  const json::object& last() const { return record.back().payload; }
  std::string field(std::string_view key) const { return string_or(last(), key); }
  std::size_t traced(const std::string& name) const {
    return static_cast<std::size_t>(std::ranges::count(trace, name));
  }
  /// Every broadcast, in order.
  const std::vector<Attempt>& sent() const { return sent_; }
  /// Every exec.step_prepared: kind and nonce.
  std::vector<std::pair<std::string, std::uint64_t>> prepared() const {
    std::vector<std::pair<std::string, std::uint64_t>> all;
    for (const auto& event : record)
      if (event.topic == topic::kExecStepPrepared)
        all.emplace_back(string_or(event.payload, "kind"), get_uint(event.payload, "nonce").value());
    return all;
  }

  Settings settings = test::settings();
  Chain chain;
  Timestamp now = kNow;
  Timestamp wake_at;
  std::vector<Envelope> record;
  std::optional<Execution> execution;
  std::vector<std::string> trace;  // commands
  std::vector<std::string> broken;

  std::deque<SimulationSeen> simulations;  // answers; then success
  std::deque<BroadcastOutcome>
      broadcast_answers;  // said instead of the chain's own; what is refused does not arrive
  std::function<bool()> crash = [] { return false; };  // asked at every command, before and after it
  bool receipts_lag = false;                           // the node does not know its newest receipts yet
  bool counts_ahead = false;                           // the node counts a transaction that nobody made
  bool plan_again = true;
  std::string refuse_plans;       // the same, against a new plan
  std::string refuse_to_begin;    // the record's code against a transaction that begins; empty: it lets it
  std::uint64_t final_block = 0;  // what was decided upon a block as deep as the confirmations
  std::uint64_t next_nonce() const { return next_nonce_; }

 private:
  void expect(bool held, std::string what) {
    if (!held) broken.push_back(std::move(what));
  }

  json::object next_plan() {
    ++plans_;
    SwapStep swap;
    swap.kind = SwapKind::kExactOutput;
    swap.token_in = kUsdc;
    swap.token_out = kWeth;
    swap.amount_in = units("2500", kUsdc);
    swap.amount_out = wad("1");
    swap.bound = units("2525", kUsdc);
    swap.paths = {direct_path(swap, 0xa1, 500)};
    swap.gas_estimate = 150'000;
    swap.router = kRouter;
    swap.recipient = kAccount;
    swap.deadline_unix_s = kNow.unix_seconds() + 300;
    Plan plan;
    plan.plan_id = std::to_string(plans_);
    if (options_.approval) plan.steps.emplace_back(ApproveStep{kUsdc, kRouter, swap.bound});
    plan.steps.emplace_back(swap);
    plan.estimated_cost = {150'000, number("1000000000000000"), wad("2.5")};
    return plan_payload(plan, kIntentId, "ethereum");
  }

  void append(std::vector<EventDraft> drafts) {
    std::vector<Envelope> events;
    for (auto& draft : drafts) {
      Envelope event;
      event.event_id = ids_.next(now, {});
      event.timestamp = now;
      event.topic = draft.topic;
      event.correlation_id = correlation_of(kIntentId);
      event.sequence = record.size() + events.size() + 1;
      const auto* before = !events.empty() ? &events.back() : record.empty() ? nullptr : &record.back();
      event.causation_id = before != nullptr ? before->event_id : event.correlation_id;
      event.payload = std::move(draft.payload);
      events.push_back(std::move(event));
    }
    const auto next = advance_head(head_, events);
    expect(next.has_value(), next ? "" : "illegal append: " + next.error().detail);
    if (!next) return;
    head_ = *next;
    for (auto& event : events) {
      record.push_back(event);
      if (!execution) continue;
      const auto applied = execution->apply(event);
      expect(applied.has_value(), applied ? "" : "not applied: " + applied.error().detail);
    }
    if (execution) expect(execution->head() == *head_, "the execution's head is not the record's");
  }

  /// True where the process dies here; it is started again at once.
  bool dies() {
    if (!crash()) return false;
    trace.emplace_back("crash");
    restart();
    return true;
  }

  Attempt sign(std::size_t index, StepKind kind, std::uint64_t nonce, const Fees& fees) {
    Attempt attempt;
    attempt.step_index = index;
    attempt.number = execution->next_attempt(index);
    attempt.kind = kind;
    attempt.nonce = nonce;
    attempt.fees = fees;
    const auto text = fmt::format("{} {} {} {} {} {}", execution->plan().plan_id, index, to_string(kind),
                                  nonce, to_string(fees.max_fee_per_gas), attempt.number);
    attempt.raw.assign(text.begin(), text.end());
    attempt.tx_hash = keccak256(attempt.raw);
    signed_[attempt.tx_hash] = {attempt.raw, attempt.tx_hash, execution->plan().plan_id, kind, nonce, fees,
                                false};
    return attempt;
  }

  void carry_out(const Finished&) {}
  void carry_out(const WakeAt&) {}

  void carry_out(const Simulate&) {
    trace.emplace_back("simulate");
    SimulationSeen seen{.success = true,
                        .gas_used = std::vector<std::uint64_t>(execution->plan().steps.size(), 120'000)};
    if (!simulations.empty()) {
      seen = simulations.front();
      simulations.pop_front();
    }
    if (!dies()) execution->observe(seen);
  }

  void carry_out(const Prepare& prepare) {
    trace.emplace_back("prepare");
    expect(now < execution->deadline(), "prepared past the deadline");
    expect(prepare.gas_limits.size() == execution->plan().steps.size(), "not one gas limit a step");
    std::vector<EventDraft> drafts;
    if (execution->head().state == State::kPlanned) drafts.push_back(execution->started());
    for (std::size_t i = 0; i < prepare.fees.size(); ++i) {
      expect(prepare.fees[i].gas_limit == prepare.gas_limits[i], "other gas limits than fees");
      expect(prepare.fees[i].max_fee_per_gas <= attempt_fee_cap(settings.execution), "no reserve is left");
      drafts.push_back(execution->prepared(
          sign(i, kind_of(execution->plan().steps[i]), next_nonce_ + i, prepare.fees[i])));
    }
    if (!refuse_to_begin.empty()) {
      execution->observe(BeginRefused{refuse_to_begin, "said so", now});
      return;
    }
    if (dies()) return;
    next_nonce_ += prepare.gas_limits.size();
    append(std::move(drafts));
    dies();
  }

  void carry_out(const PrepareReplacement& command) {
    trace.push_back(command.kind == StepKind::kCancel ? "cancel" : "replace");
    const auto attempt = sign(command.step_index, command.kind, command.nonce, command.fees);
    expect(execution->nonces()[command.step_index] == command.nonce,
           "a replacement at another nonce than its step's");
    const auto cap = command.kind == StepKind::kCancel ? settings.execution.max_fee_per_gas_wei
                                                       : attempt_fee_cap(settings.execution);
    expect(command.fees.max_fee_per_gas <= cap, "fees above the cap");
    if (dies()) return;
    append({execution->prepared(attempt)});
    dies();
  }

  void carry_out(const Broadcast& command) {
    trace.push_back(fmt::format("send {} {}", to_string(command.attempt.kind), command.attempt.nonce));
    const bool on_record = std::ranges::any_of(record, [&](const Envelope& event) {
      return event.topic == topic::kExecStepPrepared &&
             string_or(event.payload, "txHash") == to_hex(command.attempt.tx_hash);
    });
    expect(on_record, "broadcast before its preparation is on the record");
    expect(signed_.contains(command.attempt.tx_hash) &&
               signed_[command.attempt.tx_hash].raw == command.attempt.raw,
           "other bytes than were signed");
    const bool first_time = sent_hashes_.insert(command.attempt.tx_hash).second;
    expect(command.attempt.kind == StepKind::kCancel || now < execution->deadline(),
           first_time ? "first broadcast past the deadline" : "broadcast past the deadline");
    sent_.push_back(command.attempt);
    if (dies()) return;
    BroadcastOutcome outcome{};
    if (broadcast_answers.empty()) {
      outcome = chain.send(signed_[command.attempt.tx_hash]);
    } else {
      outcome = broadcast_answers.front();
      broadcast_answers.pop_front();
      // An unknown outcome arrives every other time.
      if (outcome == BroadcastOutcome::kUnknown && ++unknown_ % 2 == 1)
        chain.send(signed_[command.attempt.tx_hash]);
    }
    if (!dies()) execution->observe(BroadcastSeen{command.attempt.tx_hash, outcome, "said so", now});
  }

  void carry_out(const AskReceipts& command) {
    trace.emplace_back("ask");
    expect(!command.tx_hashes.empty(), "asks for nothing");
    for (const auto& tx_hash : command.tx_hashes) {
      auto receipt = chain.receipt(tx_hash);
      if (receipts_lag && receipt && receipt->block_number == chain.height()) receipt.reset();
      execution->observe(ReceiptSeen{tx_hash, receipt, chain.height(), now});
    }
    dies();
  }

  void carry_out(const AskNonce& command) {
    trace.emplace_back("ask nonce");
    std::optional<NonceSeen::User> user;
    if (!receipts_lag) user = chain.user_of(command.nonce);
    execution->observe(NonceSeen{command.nonce, user, chain.height(), now});
    dies();
  }

  void carry_out(const HaltAccount& command) {
    trace.emplace_back("halt");
    const auto user = chain.user_of(command.nonce);
    expect(user && user->tx_hash == command.tx_hash && !signed_.contains(user->tx_hash),
           "halted for a nonce that is ours");
    expect(user && user->block_number + settings.chain.confirmations - 1 <= chain.height(),
           "halted for a block that is not deep enough");
    final_block = chain.height();
    if (dies()) return;
    execution->observe(AccountHalted{});
    dies();
  }

  void carry_out(const Append& command) {
    for (const auto& event : command.events) trace.push_back(std::string(event.topic));
    if (dies()) return;
    append(command.events);
    dies();
  }

  void carry_out(const Replan& command) {
    trace.push_back("replan " + command.reason + (command.approve ? " approve" : ""));
    if (execution->prepared_any()) final_block = chain.height();
    if (dies()) return;
    if (!refuse_plans.empty()) {
      execution->observe(BeginRefused{refuse_plans, "said so", now});
      return;
    }
    if (plan_again) {
      append({{topic::kRiskApproved, {{"intentId", kIntentId}}}, {topic::kPlanCreated, next_plan()}});
    } else {
      std::vector<EventDraft> drafts;
      if (execution->head().state == State::kPlanned) drafts.push_back(execution->started());
      drafts.push_back(execution->failed(command.reason, command.detail));
      append(std::move(drafts));
    }
    dies();
  }

  Options options_;
  UlidGenerator ids_;
  std::optional<IntentHead> head_;
  std::uint64_t next_nonce_ = kFirstNonce;
  unsigned plans_ = 0;
  unsigned unknown_ = 0;
  std::map<Hash32, ChainTx> signed_;
  std::set<Hash32> sent_hashes_;
  std::vector<Attempt> sent_;
};

#define EXPECT_SOUND(rig) EXPECT_EQ((rig).broken, std::vector<std::string>{})

using Strings = std::vector<std::string>;
using Prepared = std::vector<std::pair<std::string, std::uint64_t>>;
const std::deque<BroadcastOutcome> kThreeRefusals(3, BroadcastOutcome::kRefused);
constexpr std::size_t kPlanned = 4;  // events of the record before the execution's

SimulationSeen failed_simulation(std::string_view code = errc::kSimulationReverted) {
  return {.success = false, .gas_used = {}, .code = code, .detail = "it would revert"};
}

// --- The usual way

TEST(Execution, HappyPathWithoutApproval) {
  Rig rig;
  rig.settle();
  EXPECT_EQ(rig.trace, (Strings{"simulate", "prepare", "send swap 40", "exec.step_submitted", "ask"}));
  rig.now.ms += 700;
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.topics_from(kPlanned), (Strings{"exec.started", "exec.step_prepared", "exec.step_submitted",
                                                "exec.step_filled", "exec.completed"}));
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.field("amountIn"), "2499.5");  // of the logs, not of the quote
  EXPECT_EQ(rig.field("amountOut"), "1");
  EXPECT_EQ(rig.field("txHash"), to_hex(rig.sent()[0].tx_hash));
  // 100,000 gas at 11 gwei are 0.0011 ETH; the plan's rate is 2.5 USD for 0.001 ETH.
  EXPECT_EQ(rig.field("gasCostUsd"), "2.75");
  EXPECT_EQ(rig.chain.successful_swaps(), 1U);
  EXPECT_SOUND(rig);
}

TEST(Execution, ApprovalAndSwapAreSentBeforeAnythingIsAsked) {
  Rig rig({.approval = true});
  rig.settle();
  EXPECT_EQ(rig.trace, (Strings{"simulate", "prepare", "send approve 40", "send swap 41",
                                "exec.step_submitted", "exec.step_submitted", "ask", "ask"}));
  rig.mine(1);
  rig.settle();
  EXPECT_EQ(rig.record.back().topic, topic::kExecStepFilled);
  EXPECT_EQ(rig.field("amountIn"), "0");
  EXPECT_EQ(rig.field("amountOut"), "0");
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.topics_from(kPlanned),
            (Strings{"exec.started", "exec.step_prepared", "exec.step_prepared", "exec.step_submitted",
                     "exec.step_submitted", "exec.step_filled", "exec.step_filled", "exec.completed"}));
  EXPECT_EQ(rig.field("gasCostUsd"), "5.5");  // of both
  EXPECT_SOUND(rig);
}

TEST(Execution, AChainThatMinesAtOnceChangesNoOrder) {
  Rig rig({.approval = true});
  while (rig.trace.empty() || !rig.trace.back().starts_with("send")) rig.step();
  rig.mine();
  rig.settle();
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.topics_from(kPlanned),
            (Strings{"exec.started", "exec.step_prepared", "exec.step_prepared", "exec.step_submitted",
                     "exec.step_submitted", "exec.step_filled", "exec.step_filled", "exec.completed"}));
  EXPECT_SOUND(rig);
}

TEST(Execution, GasLimitsLeaveRoomAboveTheSimulation) {
  Rig rig;
  rig.step();
  const auto command = rig.execution->decide(rig.now);
  ASSERT_TRUE(std::holds_alternative<Prepare>(command));
  const auto& limits = std::get<Prepare>(command).gas_limits;
  ASSERT_EQ(limits.size(), 1U);
  EXPECT_GE(limits[0], 120'000U + 40'000U);  // at least a third
}

TEST(Execution, CriteriaAreReportedMetOrNot) {
  Rig rig({.document = with_criteria(intent_document(), {{"max_amount_in", "2499.5"},
                                                         {"min_amount_out", "1.1"},
                                                         {"max_gas_usd", "2.7499"},
                                                         {"max_price_impact", "0.1"},
                                                         {"complete_within_ms", "1500"}})});
  rig.settle();
  rig.now.ms += 1'500;
  rig.mine();
  rig.settle();
  const auto row = [](const char* metric, const char* value, const char* actual, bool met) {
    return json::object{{"metric", metric}, {"value", value}, {"actual", actual}, {"met", met}};
  };
  EXPECT_EQ(
      rig.last().at("criteria"),
      (json::array{row("max_amount_in", "2499.5", "2499.5", true), row("min_amount_out", "1.1", "1", false),
                   row("max_gas_usd", "2.7499", "2.75", false), row("max_price_impact", "0.1", "0", true),
                   row("complete_within_ms", "1500", "1500", true)}));
}

TEST(Execution, ThePriceImpactIsOfTheFill) {
  SwapStep swap;
  swap.amount_in = units("1000", kUsdc);
  swap.amount_out = units("500", kDai);
  swap.price_impact_wad = wad("0.01");
  const auto impact = [&](const char* in, const char* out) {
    return price_impact_wad(swap, {units(in, kUsdc), units(out, kDai)});
  };
  EXPECT_EQ(impact("1000", "500"), wad("0.01")) << "as planned";
  EXPECT_EQ(impact("1000", "490"), wad("0.0298")) << "1 - 0.98 · 0.99";
  EXPECT_EQ(impact("1100", "500"), wad("0.1") + 1) << "1 - 0.99 / 1.1, rounded up";
  EXPECT_EQ(impact("1000", "505"), wad("0.0001")) << "1 - 1.01 · 0.99";
  EXPECT_EQ(impact("1000", "506"), Uint256()) << "better than the pools' price";
}

TEST(Execution, TheNextBlockIsDueAfterTwoIntervals) {
  Rig rig;
  EXPECT_EQ(rig.execution->next_block_due(), kNow.plus_ms(500)) << "blocks on demand";
}

// --- Simulation

TEST(Execution, AFailedSimulationPlansAgainABoundedNumberOfTimes) {
  Rig rig;
  rig.simulations.assign(100, failed_simulation());
  rig.settle();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kSimulationReverted);
  EXPECT_EQ(rig.field("detail"), "it would revert");
  // Plans that were never sent cost nothing: they do not count against max_attempts.
  EXPECT_GT(rig.count(topic::kPlanCreated), rig.settings.execution.max_attempts);
  EXPECT_EQ(rig.traced("simulate"), rig.count(topic::kPlanCreated));
  EXPECT_EQ(rig.count(topic::kExecStarted), 1U);
  EXPECT_TRUE(rig.sent().empty());
  EXPECT_SOUND(rig);
}

TEST(Execution, FailedSimulationsLeaveTheSendsTheirBudget) {
  Rig rig;
  rig.simulations.assign(3, failed_simulation());
  rig.chain.swaps_to_revert = 5;  // of six plans, three are never sent and two revert
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.count(topic::kExecStepReverted), 2U);
  EXPECT_SOUND(rig);
}

TEST(Execution, ANewPlanIsSimulatedAnewAndMaySucceed) {
  Rig rig;
  rig.simulations = {failed_simulation()};
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.field("planId"), "2");
  EXPECT_SOUND(rig);
}

TEST(Execution, WhatNoNewPriceMendsFailsAtOnce) {
  Rig rig;
  rig.simulations = {failed_simulation(errc::kInsufficientBalance)};
  rig.settle();
  EXPECT_EQ(rig.topics_from(kPlanned), (Strings{"exec.started", "exec.failed"}));
  EXPECT_EQ(rig.field("reason"), errc::kInsufficientBalance);
}

// --- Broadcasts whose outcome is not what one hopes

TEST(Execution, AnUnknownOutcomeIsTriedAgainWithTheSameBytes) {
  for (const bool arrived : {true, false}) {
    Rig rig;
    if (!arrived) rig.broadcast_answers.push_back(BroadcastOutcome::kUnknown);  // the first of them arrives
    rig.broadcast_answers.push_back(BroadcastOutcome::kUnknown);
    rig.settle();
    if (!arrived) rig.chain.drop_pool();
    rig.pass(500);
    rig.pass(500);
    ASSERT_GE(rig.sent().size(), 2U);
    for (const auto& again : rig.sent()) EXPECT_EQ(again.raw, rig.sent()[0].raw);
    EXPECT_EQ(rig.prepared(), (Prepared{{"swap", kFirstNonce}}));
    rig.run_to_end();
    EXPECT_EQ(rig.state(), State::kCompleted);
    EXPECT_EQ(rig.chain.successful_swaps(), 1U);
    EXPECT_SOUND(rig);
  }
}

TEST(Execution, AnUnknownApprovalDoesNotHoldBackItsSwap) {
  Rig rig({.approval = true});
  rig.broadcast_answers = {BroadcastOutcome::kUnknown};
  rig.settle();
  ASSERT_GE(rig.trace.size(), 4U);
  EXPECT_EQ(rig.trace[3], "send swap 41");
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
}

TEST(Execution, NonceTooLowWithAReceiptIsFilled) {
  Rig rig;
  while (rig.sent().empty()) rig.step();
  rig.chain.mine();  // it was taken; the process dies before it hears so
  rig.restart();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.sent().size(), 1U) << "the chain says that the nonce is used: ask, do not send";
  EXPECT_SOUND(rig);

  Rig blind;  // the same, but the head is not known yet
  while (blind.sent().empty()) blind.step();
  blind.chain.mine();
  blind.execution =
      Execution::from_history(blind.record, blind.settings.execution, blind.settings.chain.confirmations)
          .value();
  blind.settle();
  EXPECT_EQ(blind.state(), State::kCompleted);
  EXPECT_EQ(blind.sent().size(), 2U);
  EXPECT_EQ(blind.chain.successful_swaps(), 1U);
  EXPECT_SOUND(blind);
}

TEST(Execution, ADroppedTransactionIsSentAgain) {
  Rig rig;
  rig.settle();
  rig.chain.drop_pool();
  rig.pass(14'999);
  EXPECT_EQ(rig.sent().size(), 1U);
  rig.pass(1);
  EXPECT_EQ(rig.sent().size(), 2U);
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.count(topic::kExecStepPrepared), 1U);
  EXPECT_SOUND(rig);
}

TEST(Execution, ARefusedTransactionFreesItsNonceAndFails) {
  Rig rig;
  rig.broadcast_answers = kThreeRefusals;
  rig.settle();
  EXPECT_EQ(rig.traced("cancel"), 0U) << "once may be a node's passing trouble";
  rig.pass(500);
  rig.pass(500);
  EXPECT_EQ(rig.prepared(), (Prepared{{"swap", kFirstNonce}, {"cancel", kFirstNonce}}));
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kTransactionRefused);
  EXPECT_EQ(rig.chain.nonce(), kFirstNonce + 1);
  EXPECT_EQ(rig.chain.successful_swaps(), 0U);
  EXPECT_SOUND(rig);
}

TEST(Execution, ARefusedApprovalTakesItsSwapAlong) {
  Rig rig({.approval = true});
  rig.broadcast_answers = kThreeRefusals;
  for (int i = 0; i < 3; ++i) rig.pass(500);
  EXPECT_EQ(rig.traced("send swap 41"), 0U);
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kTransactionRefused);
  EXPECT_EQ(rig.chain.nonce(), kFirstNonce + 2);
  EXPECT_SOUND(rig);
}

TEST(Execution, ARefusalIsRememberedByItsCancellation) {
  Rig rig({.approval = true});
  rig.broadcast_answers = kThreeRefusals;
  for (int i = 0; rig.traced("cancel") == 0 && i < 100; ++i)
    if (!rig.step()) rig.now.ms += 100;
  rig.restart();
  rig.run_to_end();
  EXPECT_EQ(rig.traced("send swap 41"), 0U);
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kTransactionRefused);
  EXPECT_SOUND(rig);
}

TEST(Execution, ARefusalOfWhatANodeTookBeforeIsNoRefusal) {
  Rig rig;
  rig.settle();
  rig.broadcast_answers = kThreeRefusals;
  for (int i = 0; i < 20; ++i) rig.pass(1'000);
  EXPECT_EQ(rig.traced("cancel"), 0U);
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, RefusalsCountOneAfterTheOtherOnly) {
  Rig rig;
  rig.broadcast_answers = {BroadcastOutcome::kRefused, BroadcastOutcome::kRefused, BroadcastOutcome::kUnknown,
                           BroadcastOutcome::kRefused, BroadcastOutcome::kRefused};
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

// --- Included and reverted

TEST(Execution, ARevertedSwapIsPlannedAgain) {
  Rig rig({.approval = true});
  rig.chain.swaps_to_revert = 1;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.count(topic::kExecStepReverted), 1U);
  EXPECT_EQ(rig.count(topic::kPlanCreated), 2U);
  EXPECT_EQ(rig.prepared(), (Prepared{{"approve", 40}, {"swap", 41}, {"approve", 42}, {"swap", 43}}));
  EXPECT_EQ(rig.field("gasCostUsd"), "11") << "the reverted plan's gas was paid too";
  EXPECT_SOUND(rig);
}

TEST(Execution, RevertsEndWhenThePlansRunOut) {
  Rig rig;
  rig.chain.swaps_to_revert = 9;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kSlippageExceeded);
  EXPECT_EQ(rig.field("detail"), "it reverted");
  EXPECT_EQ(rig.count(topic::kPlanCreated), 3U);
  EXPECT_SOUND(rig);
}

TEST(Execution, ARevertForTheDeadlineExpires) {
  Rig rig;
  rig.chain.swaps_to_revert = 1;
  rig.chain.revert_code = errc::kTimeWindow;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kExpired);
  EXPECT_EQ(rig.field("reason"), errc::kTimeWindow);
}

TEST(Execution, ARevertForAnotherReasonFails) {
  Rig rig;
  rig.chain.swaps_to_revert = 1;
  rig.chain.revert_code = errc::kInsufficientBalance;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kInsufficientBalance);
}

TEST(Execution, NoNewPlanAfterTheWindow) {
  Rig rig;
  rig.chain.swaps_to_revert = 1;
  rig.settle();
  rig.chain.mine();
  rig.now = rig.execution->deadline();
  rig.see_head();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.count(topic::kPlanCreated), 1U);
}

// --- Depth and reorganisations

TEST(Execution, NothingEndsBeforeItsConfirmations) {
  Rig rig({.approval = true, .confirmations = 3});
  rig.settle();
  for (int blocks = 0; blocks < 2; ++blocks) {
    rig.mine();
    rig.settle();
    EXPECT_FALSE(rig.ended()) << blocks;
  }
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, AReorganisedFillIsFollowedToItsNewBlock) {
  for (const bool dropped : {false, true}) {
    Rig rig({.confirmations = 2});
    rig.settle();
    rig.mine();
    rig.settle();
    ASSERT_EQ(rig.record.back().topic, topic::kExecStepFilled);
    const auto first_block = rig.field("blockHash");
    rig.chain.undo_block(dropped);
    rig.chain.mine(0);  // the other branch is as high, and without it
    rig.see_head();
    rig.pass(1'000);
    EXPECT_EQ(rig.record.back().topic, topic::kExecStepReorged);
    EXPECT_EQ(rig.field("blockHash"), first_block);
    for (int i = 0; i < 10; ++i) rig.pass(1'000);  // absence ends nothing
    EXPECT_FALSE(rig.ended());
    rig.run_to_end();
    EXPECT_EQ(rig.state(), State::kCompleted) << rig.field("reason");
    EXPECT_EQ(rig.count(topic::kExecStepFilled), 2U);
    EXPECT_EQ(rig.count(topic::kExecStepPrepared), 1U);
    EXPECT_EQ(rig.field("gasCostUsd"), "2.75") << "the gas of a block that is no more was not paid";
    EXPECT_SOUND(rig);
  }
}

TEST(Execution, AFillThatIsGoneAfterARestartIsAskedFor) {
  // Never recorded as submitted, and by its nonce it looks as if it had never been sent.
  Rig rig({.confirmations = 2});
  rig.broadcast_answers = {BroadcastOutcome::kUnknown};
  rig.settle();
  rig.mine();
  rig.settle();
  ASSERT_EQ(rig.record.back().topic, topic::kExecStepFilled);
  ASSERT_EQ(rig.count(topic::kExecStepSubmitted), 0U);
  rig.chain.undo_block(true);
  rig.restart();
  rig.settle();
  EXPECT_GE(rig.count(topic::kExecStepReorged), 1U);
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, ANonceThatTheChainGaveBackIsNotForeign) {
  Rig rig;
  rig.settle();
  rig.mine();  // the nonce is used; the receipt is not asked for in time
  rig.chain.undo_block(false);
  rig.chain.mine(0);
  rig.see_head();
  for (int i = 0; i < 10; ++i) rig.pass(1'000);
  EXPECT_FALSE(rig.ended()) << rig.field("reason");
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, AnApprovalThatLeavesTheChainAfterItsDepthDoesNotHoldUpItsSwap) {
  Rig rig({.approval = true});
  rig.settle();
  rig.mine(1);
  rig.settle();
  ASSERT_EQ(rig.record.back().topic, topic::kExecStepFilled);
  rig.chain.undo_block(true);
  rig.chain.mine(0);
  rig.chain.mine(0);
  rig.see_head();
  rig.pass(1'000);
  EXPECT_EQ(rig.count(topic::kExecStepReorged), 1U);
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, ARevertLeadsToANewPlanOnlyOnceItIsDeepEnough) {
  Rig rig({.confirmations = 3});
  rig.chain.swaps_to_revert = 1;
  rig.settle();
  rig.mine();
  rig.settle();
  ASSERT_EQ(rig.record.back().topic, topic::kExecStepReverted);
  rig.mine(0);
  rig.settle();
  EXPECT_EQ(rig.count(topic::kPlanCreated), 1U);
  rig.chain.swaps_to_revert = 0;  // on the other branch the price is another one
  rig.chain.undo_block(false);
  rig.chain.undo_block(false);
  for (int i = 0; i < 3; ++i) rig.mine();
  rig.pass(1'000);
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.count(topic::kPlanCreated), 1U);
  EXPECT_EQ(rig.chain.successful_swaps(), 1U);
  EXPECT_SOUND(rig);
}

TEST(Execution, AReplacedTransactionMayWinAfterAReorganisation) {
  Rig rig({.confirmations = 3});
  rig.settle();
  const auto first = rig.sent().back();
  rig.pass(30'000);
  ASSERT_EQ(rig.prepared().size(), 2U);
  rig.mine();
  rig.settle();
  ASSERT_EQ(rig.field("txHash"), to_hex(rig.sent().back().tx_hash));
  rig.chain.undo_block(true);
  rig.chain.send({first.raw, first.tx_hash, "1", StepKind::kSwap, first.nonce, first.fees, false});
  for (int i = 0; i < 3; ++i) rig.mine();
  rig.pass(1'000);
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.field("txHash"), to_hex(first.tx_hash));
  EXPECT_SOUND(rig);
}

TEST(Execution, ACancellationMayWinAfterAReorganisation) {
  Rig rig({.confirmations = 3});
  rig.settle();
  rig.mine();
  rig.settle();
  ASSERT_EQ(rig.record.back().topic, topic::kExecStepFilled);
  rig.request_cancel();
  rig.chain.undo_block(true);
  rig.chain.mine(0);
  rig.see_head();
  rig.pass(1'000);
  ASSERT_EQ(rig.sent().back().kind, StepKind::kCancel);
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCancelled);
  EXPECT_EQ(rig.chain.successful_swaps(), 0U);
  EXPECT_SOUND(rig);
}

TEST(Execution, AMoveToAnotherBlockIsTwoEvents) {
  Rig rig({.confirmations = 2});
  rig.settle();
  rig.mine();
  rig.settle();
  rig.chain.undo_block(false);
  rig.mine();
  rig.pass(1'000);
  EXPECT_EQ(rig.topics_from(kPlanned + 3),
            (Strings{"exec.step_filled", "exec.step_reorged", "exec.step_filled"}));
  EXPECT_SOUND(rig);
}

TEST(Execution, ALateReceiptAfterAReorganisationIsNotForeign) {
  // The nonce has been used for long when the block is replaced by another that holds the transaction too,
  // and the node is slow to know its receipt there.
  Rig rig({.confirmations = 9});
  rig.settle();
  rig.mine();
  rig.settle();
  rig.pass(20'000);
  rig.chain.undo_block(false);
  rig.receipts_lag = true;
  rig.mine();
  rig.settle();
  rig.pass(1'000);
  EXPECT_FALSE(rig.ended()) << rig.field("reason");
  rig.receipts_lag = false;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted) << rig.field("reason");
  EXPECT_SOUND(rig);
}

// --- Stuck

TEST(Execution, AStuckTransactionIsReplacedAtItsNonce) {
  Rig rig;
  rig.settle();
  rig.pass(29'999);
  EXPECT_EQ(rig.traced("replace"), 0U);
  rig.pass(1);
  EXPECT_EQ(rig.prepared(), (Prepared{{"swap", kFirstNonce}, {"swap", kFirstNonce}}));
  const auto& first = rig.sent().front();
  const auto& second = rig.sent().back();
  EXPECT_EQ(second.number, 2U);
  EXPECT_EQ(second.fees, (Fees{first.fees.gas_limit, number("23625000000"), number("1125000000")}));
  EXPECT_EQ(rig.chain.pending().at(kFirstNonce).tx_hash, second.tx_hash);
  rig.run_to_end();
  EXPECT_EQ(rig.field("txHash"), to_hex(second.tx_hash));
  EXPECT_SOUND(rig);
}

TEST(Execution, AReplacedAttemptsReceiptCounts) {
  Rig rig;
  rig.settle();
  rig.broadcast_answers = {BroadcastOutcome::kAccepted};  // said, but the first one stays in the pool
  rig.pass(30'000);
  ASSERT_EQ(rig.count(topic::kExecStepSubmitted), 2U);
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.field("txHash"), to_hex(rig.sent().front().tx_hash));
  EXPECT_SOUND(rig);
}

/// What an operator means by a cap, and what is left for attempts of it: 27 · 8/9 = 24 gwei.
void cap_at_27_gwei(Rig& rig) {
  rig.settings.execution.max_fee_per_gas_wei = number("27000000000");
  rig.restart();
}

TEST(Execution, FeesStopBelowTheCapAndTheTransactionStays) {
  Rig rig;
  cap_at_27_gwei(rig);
  rig.settle();
  for (int i = 0; i < 280; ++i) rig.pass(1'000);
  EXPECT_EQ(rig.traced("replace"), 1U);  // 21 gwei, then all that is left: the next raise would exceed it
  EXPECT_EQ(rig.sent().back().fees.max_fee_per_gas, number("24000000000"));
  EXPECT_EQ(rig.sent().back().raw, rig.sent()[rig.sent().size() - 2].raw) << "the same bytes again and again";
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, ACancellationOutbidsTheDearestAttempt) {
  Rig rig;
  cap_at_27_gwei(rig);
  rig.settle();
  for (int i = 0; i < 299; ++i) rig.pass(1'000);
  ASSERT_EQ(rig.sent().back().fees.max_fee_per_gas, number("24000000000"));
  rig.pass(1'000);
  EXPECT_EQ(rig.sent().back().kind, StepKind::kCancel);
  EXPECT_EQ(rig.sent().back().fees.max_fee_per_gas, number("27000000000"));
  EXPECT_EQ(rig.chain.pending().at(kFirstNonce).kind, StepKind::kCancel) << "the pool took it";
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kExpired);
  EXPECT_SOUND(rig);
}

TEST(Execution, ABaseFeeAboveTheCapIsWaitedForAndExpiresWhenItFalls) {
  Rig rig;
  cap_at_27_gwei(rig);
  rig.settle();
  rig.chain.base_fee = number("90000000000");
  for (int i = 0; i < 900; ++i) {
    rig.now.ms += 1'000;
    rig.mine();
    rig.settle();
  }
  EXPECT_FALSE(rig.ended()) << "even the cancellation is below the base fee: it stays and is sent again";
  EXPECT_EQ(rig.sent().back().kind, StepKind::kCancel);
  for (const auto& [kind, nonce] : rig.prepared()) EXPECT_EQ(nonce, kFirstNonce) << kind;
  rig.chain.base_fee = number("20000000000");
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kExpired);
  EXPECT_EQ(rig.chain.nonce(), kFirstNonce + 1);
  EXPECT_SOUND(rig);
}

TEST(Execution, NothingIsBegunWhileGasIsAboveTheCap) {
  Rig rig;
  rig.chain.base_fee = number("99000000000");
  rig.restart();
  rig.settle();
  for (int i = 0; i < 20; ++i) rig.pass(1'000);
  EXPECT_TRUE(rig.trace.empty()) << rig.trace.front();
  rig.chain.base_fee = number("20000000000");
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);

  Rig late;
  late.chain.base_fee = number("99000000000");
  late.restart();
  late.run_to_end();
  EXPECT_EQ(late.state(), State::kExpired);
  EXPECT_TRUE(late.sent().empty());
  EXPECT_SOUND(late);
}

TEST(Execution, ASimulationFromBeforeGasWasTooDearIsNotTrusted) {
  Rig rig;
  rig.step();
  ASSERT_EQ(rig.trace, (Strings{"simulate"}));
  rig.chain.base_fee = number("99000000000");
  rig.mine();
  rig.settle();
  rig.chain.base_fee = number("10000000000");
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.traced("simulate"), 2U);
  EXPECT_SOUND(rig);
}

TEST(Execution, APlanThatWaitedIsMadeAnewBeforeItIsBegunOn) {
  for (const bool too_long : {false, true}) {
    Rig rig;
    rig.chain.base_fee = number("99000000000");
    rig.mine();
    rig.settle();
    rig.pass(too_long ? 30'001 : 29'000);
    EXPECT_EQ(rig.trace, Strings{}) << "gas is too dear";
    rig.chain.base_fee = number("10000000000");
    rig.mine();
    rig.settle();
    EXPECT_EQ(rig.count(topic::kPlanCreated), too_long ? 2U : 1U);
    rig.run_to_end();
    EXPECT_EQ(rig.state(), State::kCompleted);
    EXPECT_EQ(rig.prepared().size(), 1U);
    EXPECT_SOUND(rig);
  }
}

TEST(Execution, AfterALongHaltThePlanIsMadeAnew) {
  Rig rig;
  rig.refuse_to_begin = errc::kSignerHalted;
  rig.settle();
  for (int i = 0; i < 60; ++i) rig.pass(1'000);
  const auto tried = rig.traced("prepare");
  EXPECT_LE(tried, 32U) << "too old to be tried further";
  EXPECT_EQ(rig.count(topic::kPlanCreated), 1U);
  rig.refuse_to_begin.clear();
  rig.execution->observe(BeginAllowed{});
  rig.settle();
  EXPECT_EQ(rig.count(topic::kPlanCreated), 2U);
  EXPECT_EQ(rig.traced("prepare"), tried + 1);
  EXPECT_SOUND(rig);
}

TEST(Execution, AReplacementFollowsTheMarketBeyondTheLeastRaise) {
  Rig rig;
  rig.settle();
  rig.chain.base_fee = number("30000000000");
  rig.mine();
  rig.pass(30'000);
  EXPECT_EQ(rig.sent().back().fees.max_fee_per_gas, number("61000000000"));  // as a first attempt would now
  EXPECT_EQ(rig.sent().back().fees.max_priority_fee_per_gas, number("1125000000"));
  EXPECT_SOUND(rig);
}

TEST(Execution, WhatWaitsBehindAnotherTransactionIsNotRaised) {
  Rig rig({.approval = true});
  rig.settle();
  rig.pass(30'000);
  EXPECT_EQ(rig.prepared(), (Prepared{{"approve", 40}, {"swap", 41}, {"approve", 40}}));
  rig.mine(1);  // now it is the swap's turn
  rig.settle();
  rig.pass(29'999);
  EXPECT_EQ(rig.prepared().size(), 3U);
  rig.pass(1);
  EXPECT_EQ(rig.prepared().back(), (std::pair<std::string, std::uint64_t>("swap", 41)));
  EXPECT_SOUND(rig);
}

TEST(Execution, AnUnderpricedTransactionIsRaisedToo) {
  Rig rig;
  for (int i = 0; i < 70; ++i) rig.broadcast_answers.push_back(BroadcastOutcome::kUnderpriced);
  rig.settle();
  for (int i = 0; i < 29; ++i) rig.pass(1'000);
  EXPECT_EQ(rig.traced("replace"), 0U);
  for (int i = 0; i < 5; ++i) rig.pass(1'000);
  EXPECT_EQ(rig.traced("replace"), 1U);
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

// --- Cancellation

TEST(Execution, CancelledBeforeAnythingIsPrepared) {
  Rig rig;
  rig.request_cancel();
  rig.settle();
  EXPECT_EQ(rig.topics_from(kPlanned), (Strings{"intent.cancel_requested", "intent.cancelled"}));
  EXPECT_TRUE(rig.sent().empty());
  EXPECT_SOUND(rig);
}

TEST(Execution, CancelledByATransactionAtTheSameNonce) {
  Rig rig;
  rig.settle();
  rig.request_cancel();
  rig.settle();
  EXPECT_EQ(rig.prepared(), (Prepared{{"swap", kFirstNonce}, {"cancel", kFirstNonce}}));
  EXPECT_EQ(rig.sent().back().fees, (Fees{21'000, number("23625000000"), number("1125000000")}));
  EXPECT_FALSE(rig.ended()) << "nothing ends before the chain says so";
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCancelled);
  EXPECT_EQ(rig.chain.successful_swaps(), 0U);
  EXPECT_EQ(rig.count(topic::kExecCompleted), 0U);
  EXPECT_SOUND(rig);
}

TEST(Execution, ASwapThatWinsAgainstItsCancellationIsCompleted) {
  Rig rig;
  rig.settle();
  rig.chain.mine();
  rig.request_cancel();
  rig.see_head();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCompleted);

  Rig late;
  late.settle();
  late.request_cancel();
  while (late.traced("cancel") == 0) late.step();
  late.mine();  // before the cancellation was sent
  late.settle();
  EXPECT_EQ(late.state(), State::kCompleted);
  EXPECT_EQ(late.field("txHash"), to_hex(late.sent().front().tx_hash));
  EXPECT_SOUND(late);
}

TEST(Execution, CancelledBetweenApprovalAndSwap) {
  Rig rig({.approval = true});
  rig.settle();
  rig.mine(1);
  rig.settle();
  rig.request_cancel();
  rig.settle();
  EXPECT_EQ(rig.prepared(), (Prepared{{"approve", 40}, {"swap", 41}, {"cancel", 41}}));
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCancelled);
  EXPECT_EQ(rig.chain.successful_swaps(), 0U);
  EXPECT_SOUND(rig);
}

TEST(Execution, BothPendingStepsAreCancelled) {
  Rig rig({.approval = true});
  rig.settle();
  rig.request_cancel();
  rig.settle();
  EXPECT_EQ(rig.prepared(), (Prepared{{"approve", 40}, {"swap", 41}, {"cancel", 40}, {"cancel", 41}}));
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCancelled);
  EXPECT_EQ(rig.chain.nonce(), 42U);
  EXPECT_SOUND(rig);
}

TEST(Execution, AStuckCancellationIsRaisedToo) {
  Rig rig;
  rig.settle();
  rig.request_cancel();
  rig.settle();
  for (int i = 0; i < 31; ++i) rig.pass(1'000);
  EXPECT_EQ(rig.prepared(),
            (Prepared{{"swap", kFirstNonce}, {"cancel", kFirstNonce}, {"cancel", kFirstNonce}}));
  EXPECT_EQ(rig.sent().back().fees.max_fee_per_gas, number("26578125000"));
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCancelled);
  EXPECT_SOUND(rig);
}

TEST(Execution, ALoweredCapDoesNotKeepALostSwapFromBeingCancelled) {
  Rig rig;
  rig.settle();
  rig.settings.execution.max_fee_per_gas_wei = number("21000000000");  // lowered since
  rig.restart();
  rig.request_cancel();
  rig.settle();
  EXPECT_EQ(rig.sent().back().fees.max_fee_per_gas, number("21000000000"));
  rig.chain.drop_pool();
  rig.pass(15'000);
  rig.run_to_end();
  EXPECT_EQ(rig.sent().back().kind, StepKind::kCancel);
  EXPECT_EQ(rig.state(), State::kCancelled);
  EXPECT_SOUND(rig);
}

// --- The window

TEST(Execution, ExpiresBeforeAnythingIsPrepared) {
  Rig rig;
  rig.now = rig.execution->deadline();
  rig.settle();
  EXPECT_EQ(rig.topics_from(kPlanned), (Strings{"intent.expired"}));
  EXPECT_EQ(rig.field("reason"), errc::kTimeWindow);
}

TEST(Execution, APendingSwapPastTheWindowIsCancelled) {
  Rig rig;
  rig.settle();
  rig.now = rig.execution->deadline().plus_ms(-1);
  rig.settle();
  EXPECT_EQ(rig.wake_at, rig.execution->deadline());
  EXPECT_EQ(rig.traced("cancel"), 0U);
  rig.pass(1);
  EXPECT_EQ(rig.traced("cancel"), 1U);
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kExpired);
  EXPECT_EQ(rig.field("reason"), errc::kTimeWindow);
  EXPECT_SOUND(rig);
}

TEST(Execution, ASwapMinedPastTheWindowBeforeItsCancellationIsCompleted) {
  Rig rig;
  rig.settle();
  rig.chain.mine();
  rig.now = rig.execution->deadline();
  rig.see_head();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.traced("cancel"), 0U);
}

TEST(Execution, PreparedButNeverSentIsCancelledAtItsNoncesPastTheWindow) {
  Rig rig({.approval = true});
  while (rig.traced("prepare") == 0) rig.step();
  rig.now = rig.execution->deadline();
  rig.restart();
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kExpired);
  for (const auto& sent : rig.sent()) EXPECT_EQ(sent.kind, StepKind::kCancel);
  EXPECT_EQ(rig.chain.nonce(), 42U) << "the account is not left with a gap";
  EXPECT_SOUND(rig);
}

// --- Somebody else with our key

TEST(Execution, AForeignTransactionAtTheSwapsNonceFails) {
  Rig rig;
  rig.settle();
  rig.chain.mine_foreign();
  rig.see_head();
  rig.settle();
  EXPECT_FALSE(rig.ended()) << "the node may not have indexed our receipt yet";
  rig.pass(1'000);
  rig.pass(1'000);
  EXPECT_FALSE(rig.ended());
  rig.pass(1'000);
  rig.pass(1'000);
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kForeignNonce);
  EXPECT_EQ(rig.count(topic::kExecStepPrepared), 1U);
  EXPECT_SOUND(rig);
}

TEST(Execution, AForeignTransactionAtTheApprovalsNonceCancelsTheSwap) {
  Rig rig({.approval = true});
  rig.settle();
  rig.chain.mine_foreign();
  rig.see_head();
  for (int i = 0; i < 5; ++i) rig.pass(1'000);
  EXPECT_FALSE(rig.ended()) << "the swap may still be included";
  EXPECT_EQ(rig.prepared().back(), (std::pair<std::string, std::uint64_t>("cancel", 41)));
  rig.mine();
  rig.settle();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kForeignNonce);
  EXPECT_SOUND(rig);
}

TEST(Execution, TheAccountIsHaltedBeforeTheIntentFails) {
  Rig rig;
  rig.settle();
  rig.chain.mine_foreign();
  rig.see_head();
  for (int i = 0; i < 5; ++i) rig.pass(1'000);
  ASSERT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.traced("halt"), 1U);
  const auto halted = std::ranges::find(rig.trace, "halt");
  EXPECT_NE(std::find(halted, rig.trace.end(), "exec.failed"), rig.trace.end());

  Rig crashed;  // between the two: both are said again
  crashed.settle();
  crashed.chain.mine_foreign();
  crashed.see_head();
  crashed.crash = [&] { return crashed.traced("halt") == 1 && crashed.traced("crash") == 0; };
  for (int i = 0; i < 15; ++i) crashed.pass(1'000);
  EXPECT_EQ(crashed.traced("halt"), 2U);
  EXPECT_EQ(crashed.state(), State::kFailed);
  EXPECT_SOUND(crashed);
}

TEST(Execution, AForeignTransactionCountsOnceItIsDeepEnough) {
  Rig rig({.confirmations = 3});
  rig.settle();
  rig.chain.mine_foreign();
  rig.see_head();
  for (int i = 0; i < 20; ++i) rig.pass(1'000);
  rig.mine(0);
  for (int i = 0; i < 20; ++i) rig.pass(1'000);
  EXPECT_FALSE(rig.ended());
  EXPECT_EQ(rig.traced("halt"), 0U);
  rig.mine(0);
  for (int i = 0; i < 3; ++i) rig.pass(1'000);
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_SOUND(rig);

  Rig undone({.confirmations = 3});  // its block leaves the chain, and ours is mined instead
  undone.settle();
  undone.chain.mine_foreign();
  undone.see_head();
  for (int i = 0; i < 10; ++i) undone.pass(1'000);
  undone.chain.undo_block(true);
  undone.chain.mine(0);
  undone.see_head();
  undone.run_to_end();
  EXPECT_EQ(undone.state(), State::kCompleted);
  EXPECT_EQ(undone.traced("halt"), 0U);
  EXPECT_SOUND(undone);
}

TEST(Execution, ACountOfTransactionsAloneIsNoEvidence) {
  Rig rig;
  rig.settle();
  rig.counts_ahead = true;
  rig.see_head();
  for (int i = 0; i < 60; ++i) rig.pass(1'000);
  EXPECT_FALSE(rig.ended());
  EXPECT_GT(rig.traced("ask nonce"), 0U);
  EXPECT_EQ(rig.traced("halt"), 0U);
  rig.counts_ahead = false;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, ANodeThatLagsForLongIsNotForeign) {
  Rig rig;
  rig.settle();
  rig.receipts_lag = true;  // it counts the block, and knows neither receipt nor transaction of it
  rig.mine();
  for (int i = 0; i < 120; ++i) rig.pass(1'000);
  EXPECT_FALSE(rig.ended());
  rig.receipts_lag = false;
  rig.pass(1'000);
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, AReceiptThatComesLateIsNotForeign) {
  Rig rig;
  rig.settle();
  rig.receipts_lag = true;
  rig.mine();
  rig.settle();
  rig.pass(1'000);
  rig.pass(1'000);
  rig.receipts_lag = false;
  rig.pass(1'000);
  EXPECT_EQ(rig.state(), State::kCompleted);
}

// --- Halts

TEST(Execution, AKillSwitchFailsWhatHasNotBegun) {
  Rig rig;
  rig.refuse_to_begin = errc::kKillSwitch;
  rig.settle();
  EXPECT_EQ(rig.topics_from(kPlanned), (Strings{"exec.started", "exec.failed"}));
  EXPECT_EQ(rig.field("reason"), errc::kKillSwitch);
  EXPECT_TRUE(rig.sent().empty());
  EXPECT_SOUND(rig);
}

TEST(Execution, AKillSwitchEndsWhatWouldBePlannedAgain) {
  Rig rig;
  rig.chain.swaps_to_revert = 1;
  rig.refuse_plans = errc::kKillSwitch;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kKillSwitch);
  EXPECT_EQ(rig.count(topic::kExecStepReverted), 1U);
  EXPECT_SOUND(rig);
}

TEST(Execution, AHaltedAccountIsWaitedForUntilTheWindowEnds) {
  Rig rig;
  rig.refuse_to_begin = errc::kSignerHalted;
  rig.settle();
  for (int i = 0; i < 20; ++i) rig.pass(1'000);
  EXPECT_FALSE(rig.ended());
  EXPECT_GT(rig.traced("prepare"), 10U);
  EXPECT_LT(rig.traced("prepare"), 30U);
  rig.refuse_to_begin.clear();
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_EQ(rig.traced("simulate"), rig.traced("prepare")) << "each time on the present state";
  EXPECT_SOUND(rig);

  Rig late;
  late.refuse_to_begin = errc::kSignerHalted;
  late.run_to_end();
  EXPECT_EQ(late.state(), State::kExpired);
  EXPECT_SOUND(late);
}

// --- The gas budget: 2.5 USD a plan by its estimate, 2.75 USD paid

TEST(Execution, APlanBeyondTheGasBudgetIsNotSent) {
  Rig rig;
  rig.settings.execution.max_gas_usd_wad = wad("5.24");
  rig.restart();
  rig.chain.swaps_to_revert = 9;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.field("reason"), errc::kGasLimit) << "2.75 are spent, 2.5 more would be needed";
  EXPECT_EQ(rig.prepared().size(), 1U);
  EXPECT_EQ(rig.count(topic::kPlanCreated), 2U);
  EXPECT_SOUND(rig);

  Rig enough;
  enough.settings.execution.max_gas_usd_wad = wad("5.25");
  enough.restart();
  enough.chain.swaps_to_revert = 1;
  enough.run_to_end();
  EXPECT_EQ(enough.state(), State::kCompleted);
  EXPECT_SOUND(enough);
}

TEST(Execution, TheIntentsOwnGasCriterionIsItsBudgetTooIfItIsLower) {
  Rig rig({.document = with_criteria(intent_document(), {{"max_gas_usd", "2.6"}})});
  rig.settings.execution.max_gas_usd_wad = wad("100");
  rig.restart();
  rig.chain.swaps_to_revert = 9;
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kFailed);
  EXPECT_EQ(rig.count(topic::kPlanCreated), 1U) << "the budget is spent: planning again would be in vain";
  EXPECT_EQ(rig.field("reason"), errc::kSlippageExceeded);
  EXPECT_SOUND(rig);
}

// --- Allowances

TEST(Execution, WhatFailsForItsAllowanceIsPlannedWithAnApproval) {
  Rig rig;
  auto short_of_allowance = failed_simulation();
  short_of_allowance.allowance = true;
  rig.simulations = {short_of_allowance, failed_simulation()};
  rig.run_to_end();
  EXPECT_EQ(rig.traced("replan SIMULATION_REVERTED approve"), 1U);
  EXPECT_EQ(rig.traced("replan SIMULATION_REVERTED"), 1U);
  EXPECT_SOUND(rig);
}

TEST(Execution, ASwapRevertedForItsCancelledApprovalIsCancelled) {
  Rig rig({.approval = true});
  rig.settle();
  rig.request_cancel();
  while (rig.traced("send cancel 40") == 0) rig.step();
  rig.mine();  // the cancelled approval, and the swap before its own cancellation is sent
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCancelled);
  EXPECT_EQ(rig.chain.successful_swaps(), 0U);
  EXPECT_SOUND(rig);
}

// --- The record

TEST(Execution, AnIntentIsFollowedWhateverIsConfiguredSince) {
  Rig rig;
  rig.settle();
  rig.settings.chain.tokens.clear();
  rig.settings.chain.name = "elsewhere";
  rig.restart();
  rig.run_to_end();
  EXPECT_EQ(rig.state(), State::kCompleted);
  EXPECT_SOUND(rig);
}

TEST(Execution, AHistoryWithoutAPlanIsRefused) {
  Rig rig;
  const auto read = [&](std::size_t events) {
    return Execution::from_history(std::span(rig.record).first(events), rig.settings.execution,
                                   rig.settings.chain.confirmations);
  };
  EXPECT_EQ(read(0).error().code, errc::kInvalidEvent);
  EXPECT_EQ(read(3).error().code, errc::kInvalidEvent);
  EXPECT_TRUE(read(4));
}

TEST(Execution, EventsAppliedAlreadyChangeNothing) {
  Rig rig;
  rig.settle();
  const auto head = rig.execution->head();
  for (const auto& event : rig.record) EXPECT_TRUE(rig.execution->apply(event));
  EXPECT_EQ(rig.execution->head(), head);
  EXPECT_EQ(rig.execution->next_attempt(0), 2U);
}

TEST(Execution, OnPaperAFillIsOneAppendThatEndsIt) {
  samples::Ids ids;
  auto life = samples::Life(ids, "demo", "dispose", "1").submit().accept().plan("1", "2480");
  const auto settings = test::settings();
  const auto read = [&](const std::vector<Envelope>& events) {
    return Execution::from_history(events, settings.execution, settings.chain.confirmations).value();
  };
  const auto execution = read(life.events());
  const auto& swap = execution.plan().swap();
  const Fill fill{parse_decimal("1", swap.token_in.decimals).value(),
                  parse_decimal("2480.5", swap.token_out.decimals).value()};
  const auto drafts = execution.filled_on_paper(fill, 7, Hash32{}, kNow);
  ASSERT_EQ(drafts.size(), 3U);
  EXPECT_EQ(drafts[0].topic, topic::kExecStarted);
  EXPECT_EQ(drafts[1].topic, topic::kExecStepFilled);
  EXPECT_EQ(drafts[2].topic, topic::kExecCompleted);
  for (const auto& draft : drafts) EXPECT_FALSE(draft.payload.contains("txHash"));
  EXPECT_EQ(drafts[1].payload.at("amountIn"), "1");
  EXPECT_EQ(drafts[2].payload.at("amountOut"), "2480.5");
  EXPECT_EQ(drafts[2].payload.at("gasCostUsd"), "0");
  // Read back from the record it has ended.
  EXPECT_TRUE(
      std::holds_alternative<Finished>(read(life.fill_on_paper("1", "2480.5").events()).decide(kNow)));
}

TEST(Execution, MalformedPreparationsAreRefused) {
  Rig rig;
  rig.settle();
  const auto prepared = std::ranges::find(rig.record, topic::kExecStepPrepared, &Envelope::topic);
  const auto index = static_cast<std::size_t>(prepared - rig.record.begin());
  const auto read = [&](const std::function<void(json::object&)>& spoil) {
    auto record = rig.record;
    spoil(*samples::edit(record[index]));
    return Execution::from_history(record, rig.settings.execution, rig.settings.chain.confirmations)
        .has_value();
  };
  EXPECT_TRUE(read([](auto&) {}));
  for (const auto* key : {"stepIndex", "attempt", "kind", "nonce", "txHash", "rawTx", "fees"})
    EXPECT_FALSE(read([&](auto& payload) { payload.erase(key); })) << key;
  EXPECT_FALSE(read([](auto& payload) { payload["stepIndex"] = 7; }));
  EXPECT_FALSE(
      read([](auto& payload) { payload["fees"].as_object()["gas_limit"] = "99999999999999999999999"; }));
}

TEST(Execution, AFillIsTheAccountsNetOfTheTransfers) {
  SwapStep swap;
  swap.token_in = kUsdc;
  swap.token_out = kWeth;
  swap.recipient = kAccount;
  const auto other = address(0x77);
  const std::vector<Log> logs = {transfer(kUsdc, kAccount, other, number("100")),
                                 transfer(kUsdc, other, kAccount, number("30")),  // change
                                 transfer(kWeth, other, kAccount, number("7")),
                                 transfer(kWeth, other, other, number("1000")),
                                 transfer(kDai, kAccount, other, number("5")),
                                 transfer(kWeth, other, kAccount, number("4")),
                                 transfer(kWeth, kAccount, other, number("1"))};
  const auto fill = fill_from_logs(swap, logs);
  EXPECT_EQ(fill.amount_in, number("70"));
  EXPECT_EQ(fill.amount_out, number("10"));
  EXPECT_EQ(fill_from_logs(swap, {}).amount_out, number("0"));
}

// --- Fees

TEST(Fees, InitialFeesFollowTheStyle) {
  const auto execution = settings().execution;
  const FeesSeen seen{.base_fee = number("10000000000")};
  EXPECT_EQ(*initial_fees(execution, ExecutionStyle::kPassive, seen, 90'000),
            (Fees{90'000, number("12100000000"), number("100000000")}));
  EXPECT_EQ(*initial_fees(execution, ExecutionStyle::kNormal, seen, 90'000),
            (Fees{90'000, number("21000000000"), number("1000000000")}));
  EXPECT_EQ(*initial_fees(execution, ExecutionStyle::kAggressive, seen, 90'000),
            (Fees{90'000, number("33000000000"), number("3000000000")}));
}

TEST(Fees, ATipIsWhatBlocksWerePaidBetweenTheFloorAndTheStylesOwn) {
  const auto execution = settings().execution;
  const auto tip = [&](std::string_view paid) {
    const FeesSeen seen{.base_fee = number("10000000000"), .normal_tip = number(paid)};
    const auto fees = *initial_fees(execution, ExecutionStyle::kNormal, seen, 90'000);
    EXPECT_EQ(fees.max_fee_per_gas, number("20000000000") + fees.max_priority_fee_per_gas);
    return fees.max_priority_fee_per_gas;
  };
  EXPECT_EQ(tip("400000000"), number("400000000"));
  EXPECT_EQ(tip("7000000000"), number("1000000000")) << "at most as the style allows, whatever a node says";
  EXPECT_EQ(tip("1"), number("10000000")) << "at least the floor";
}

TEST(Fees, TheTipOfAStyleIsTheMedianOfItsPercentileWhereBlocksPaidAny) {
  auto execution = settings().execution;
  execution.passive.reward_percentile = 10;
  execution.normal.reward_percentile = 50;
  execution.aggressive.reward_percentile = 90;
  const auto percentiles = reward_percentiles(execution);
  EXPECT_EQ(percentiles, (std::vector<unsigned>{10, 50, 90}));
  const auto row = [](std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    return std::vector<Uint256>{Uint256(a), Uint256(b), Uint256(c)};
  };
  const std::vector<std::vector<Uint256>> rewards = {row(0, 0, 0), row(3, 30, 300), row(1, 10, 9'999),
                                                     row(0, 20, 200), row(0, 0, 0)};
  const auto seen = fees_seen(execution, number("7"), rewards, percentiles);
  EXPECT_EQ(seen.base_fee, number("7"));
  EXPECT_EQ(*seen.passive_tip, number("3"));
  EXPECT_EQ(*seen.normal_tip, number("20"));
  EXPECT_EQ(*seen.aggressive_tip, number("300")) << "one block's bid decides nothing";
  EXPECT_FALSE(fees_seen(execution, number("7"), {}, percentiles).normal_tip);
  const std::vector<std::vector<Uint256>> empty = {row(0, 0, 0), {}};
  EXPECT_FALSE(fees_seen(execution, number("7"), empty, percentiles).normal_tip);
  execution.aggressive.reward_percentile = 50;
  EXPECT_EQ(reward_percentiles(execution), (std::vector<unsigned>{10, 50}));
}

TEST(Fees, InitialFeesStayWithinTheCaps) {
  auto execution = settings().execution;  // at most 100 gwei, of which 100 · 8/9 for attempts
  const auto fees = [&](std::string_view base_fee, std::uint64_t gas = 90'000) {
    return initial_fees(execution, ExecutionStyle::kNormal, {.base_fee = number(base_fee)}, gas);
  };
  EXPECT_EQ(attempt_fee_cap(execution), number("88888888888"));
  EXPECT_EQ(fees("60000000000")->max_fee_per_gas, number("88888888888"));
  EXPECT_EQ(fees("87888888888")->max_fee_per_gas, number("88888888888"));
  EXPECT_EQ(fees("87888888889").error().code, errc::kGasLimit);
  EXPECT_TRUE(fees("1", execution.max_gas_limit));
  EXPECT_EQ(fees("1", execution.max_gas_limit + 1).error().code, errc::kGasLimit);
}

RC_GTEST_PROP(FeesProperty, AReplacementIsTheRaiseRoundedUpAndWithinTheCap, ()) {
  const auto any = [] { return Uint256(*rc::gen::inRange<std::uint64_t>(0, 200'000'000'000)); };
  const Fees fees{*rc::gen::arbitrary<std::uint64_t>(), any(), any()};
  const Fees wanted{0, any(), any()};
  const auto cap = any();
  const auto points = *rc::gen::inRange<std::uint32_t>(1'250, 10'000);
  const auto least = [&](const Uint256& v) {
    const auto share = (big(v) * (10'000 + points) + 9'999) / 10'000;
    return share > big(v) ? share : share + 1;  // of nothing
  };
  const auto raised = replacement_fees(fees, wanted, cap, points);
  RC_ASSERT(raised.has_value() == (least(fees.max_fee_per_gas) <= big(cap)));
  if (!raised) return;
  RC_ASSERT(raised->gas_limit == fees.gas_limit);
  RC_ASSERT(big(raised->max_fee_per_gas) >= least(fees.max_fee_per_gas));
  RC_ASSERT(raised->max_fee_per_gas <= cap);
  RC_ASSERT(raised->max_fee_per_gas >= std::min(wanted.max_fee_per_gas, cap));
  RC_ASSERT(raised->max_priority_fee_per_gas <= raised->max_fee_per_gas);
  if (fees.max_priority_fee_per_gas <= fees.max_fee_per_gas)
    RC_ASSERT(big(raised->max_priority_fee_per_gas) >= least(fees.max_priority_fee_per_gas));
  // The last one that the cap allows is the whole of it: what lies between would never be bid.
  RC_ASSERT(raised->max_fee_per_gas == cap || least(raised->max_fee_per_gas) <= big(cap));
}

/// However often an attempt was raised, a cancellation within the cap still outbids it, as nodes demand.
RC_GTEST_PROP(FeesProperty, TheReserveSufficesForACancellation, ()) {
  auto execution = settings().execution;
  execution.max_fee_per_gas_wei = Uint256(*rc::gen::inRange<std::uint64_t>(10'000'000'000, 500'000'000'000));
  execution.bump_basis_points = *rc::gen::inRange<std::uint32_t>(1'250, 5'000);
  const FeesSeen seen{.base_fee = Uint256(*rc::gen::inRange<std::uint64_t>(0, 400'000'000'000))};
  auto fees = initial_fees(execution, ExecutionStyle::kNormal, seen, 90'000);
  RC_PRE(fees.has_value());
  const auto cap = attempt_fee_cap(execution);
  while (const auto next = replacement_fees(*fees, *fees, cap, execution.bump_basis_points)) *fees = *next;
  const auto cancel = replacement_fees(*fees, {}, execution.max_fee_per_gas_wei, execution.bump_basis_points);
  RC_ASSERT(cancel.has_value());
  RC_ASSERT(big(cancel->max_fee_per_gas) * 10 >= big(fees->max_fee_per_gas) * 11);
  RC_ASSERT(big(cancel->max_priority_fee_per_gas) * 10 >= big(fees->max_priority_fee_per_gas) * 11);
  RC_ASSERT(cancel->max_fee_per_gas == execution.max_fee_per_gas_wei);
}

// --- Any schedule

/// After any history of crashes, lost answers, reorganisations, cancellations and foreign transactions the
/// intent ends, the swap happened at most once, and the record says completed exactly when it did.
RC_GTEST_PROP(ExecutionProperty, AnyScheduleEndsWithAtMostOneSwap, ()) {
  const auto confirmations = *rc::gen::element(1U, 3U, 6U);
  Rig rig({.approval = *rc::gen::arbitrary<bool>(), .confirmations = confirmations});
  rig.chain.swaps_to_revert = *rc::gen::weightedElement<std::size_t>({{4, 0}, {2, 1}, {1, 9}});
  std::uint64_t dice = *rc::gen::arbitrary<std::uint64_t>() | 1U;
  const auto roll = [&dice](std::uint64_t sides) {  // xorshift64: cheap, and it follows from the seed
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (dice >> 11) % sides;
  };
  const auto crash_odds = *rc::gen::element<std::uint64_t>(4, 10, 1'000'000);
  rig.crash = [&] { return roll(crash_odds) == 0; };
  bool foreign_seen = false;
  std::size_t lag_left = 0;
  for (int steps = *rc::gen::inRange(5, 80); steps > 0 && !rig.ended(); --steps) {
    switch (roll(18)) {
      case 0:
      case 1:
      case 2:
        rig.mine(roll(3));
        break;
      case 3: {  // not below what was decided upon
        const auto undoable = std::min<std::uint64_t>(
            rig.chain.blocks(), rig.chain.height() - std::min(rig.chain.height(), rig.final_block));
        const auto depth = std::min<std::uint64_t>(roll(7), undoable);
        for (std::uint64_t i = 0; i < depth; ++i) rig.chain.undo_block(roll(2) == 0);
        for (std::uint64_t i = 0; i < depth; ++i) rig.chain.mine(roll(3));
        rig.see_head();
        break;
      }
      case 4:
        rig.chain.drop_pool();
        break;
      case 5:
        rig.broadcast_answers.push_back(BroadcastOutcome::kUnknown);
        break;
      case 6:
        if (roll(4) == 0) rig.broadcast_answers.push_back(BroadcastOutcome::kRefused);
        break;
      case 7:
        rig.broadcast_answers.push_back(BroadcastOutcome::kUnderpriced);
        break;
      case 8:
        if (roll(8) == 0 && !rig.execution->head().last_event_id.empty()) rig.request_cancel();
        break;
      case 9:
        rig.restart();
        break;
      case 10:
        if (!foreign_seen && roll(6) == 0 && rig.execution->prepared_any()) {
          foreign_seen = true;
          rig.chain.mine_foreign();
          rig.see_head();
        }
        break;
      case 11:
        if (lag_left == 0) lag_left = 1 + roll(12);  // as long as it likes: absence is no evidence
        break;
      case 12:
        if (roll(4) == 0) rig.simulations.push_back(failed_simulation());
        break;
      case 13:
        rig.chain.base_fee = roll(3) == 0 ? number("95000000000") : number("10000000000");
        break;
      case 14:
        rig.counts_ahead = !rig.counts_ahead;
        rig.see_head();
        break;
      case 15:
        rig.refuse_to_begin = rig.refuse_to_begin.empty() && roll(4) == 0 ? errc::kSignerHalted : "";
        if (rig.refuse_to_begin.empty()) rig.execution->observe(BeginAllowed{});
        break;
      default:
        rig.now.ms += static_cast<std::int64_t>(roll(roll(6) == 0 ? 400'000 : 40'000));
    }
    rig.receipts_lag = lag_left > 0;
    if (lag_left > 0) --lag_left;
    rig.now.ms += static_cast<std::int64_t>(roll(2'500));
    rig.settle();
  }
  rig.receipts_lag = false;
  rig.crash = [] { return false; };
  rig.broadcast_answers.clear();
  rig.counts_ahead = false;
  rig.refuse_to_begin.clear();
  rig.chain.base_fee = number("10000000000");
  rig.see_head();
  rig.run_to_end();
  RC_LOG() << fmt::format("{}\n", fmt::join(rig.trace, ", "));
  RC_ASSERT(rig.broken == std::vector<std::string>{});
  RC_ASSERT(rig.chain.successful_swaps() <= 1U);
  RC_ASSERT((rig.state() == State::kCompleted) == (rig.chain.successful_swaps() == 1U));
  RC_ASSERT(rig.execution->head() == *advance_head(std::nullopt, rig.record));
  if (rig.traced("finished") > 0) RC_ASSERT(rig.chain.nonce() >= rig.next_nonce());  // no nonce is left open
  RC_TAG(std::string(to_string(rig.state())));
}

}  // namespace
}  // namespace sep::engine
