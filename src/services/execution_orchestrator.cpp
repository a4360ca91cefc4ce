#include "services/execution_orchestrator.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include "base/decimal.h"
#include "base/log.h"
#include "engine/account.h"
#include "engine/ancestry.h"
#include "engine/topics.h"
#include "engine/venue.h"
#include "ethereum/revert.h"
#include "ethereum/transaction.h"
#include "node/nodes.h"
#include "services/account_turn.h"
#include "services/async.h"
#include "services/control_view.h"
#include "services/fail_point.h"
#include "services/heard_lives.h"
#include "services/node_health.h"
#include "services/subjects.h"
#include "uniswap/contracts.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::Execution;
using engine::StepKind;

constexpr auto kRetry = 300ms;
/// How soon a new plan is asked for again that cannot be made at this moment; a new block is waited for no
/// longer than it takes.
constexpr auto kRetryReplan = 1s;
/// How long a delivery of plan.created waits for its own event; redelivered afterwards.
constexpr auto kPreparedBound = 20s;
/// An execution that waits looks at the record after this time even when nothing told it to.
constexpr std::int64_t kResyncMs = 5'000;
constexpr auto kAskBound = 5s;
/// How often an execution whose account is halted looks whether its window has ended.
constexpr auto kHaltedBound = 1s;
/// Blocks whose transactions are looked at for somebody else's, each second.
constexpr unsigned kBlocksAtOnce = 64;
/// Blocks whose priority fees are looked at: a few minutes of a chain of 12 s blocks.
constexpr unsigned kFeeBlocks = 20;
/// How often it is looked for nonces that the chain waits for and nobody attends to.
constexpr auto kTendNonces = 5s;

engine::BroadcastOutcome outcome_of(node::SubmitOutcome::Kind kind) {
  using Kind = node::SubmitOutcome::Kind;
  switch (kind) {
    case Kind::kAccepted:
    case Kind::kAlreadyKnown:
      return engine::BroadcastOutcome::kAccepted;
    case Kind::kNonceTooLow:
      return engine::BroadcastOutcome::kNonceTooLow;
    case Kind::kUnderpriced:
      return engine::BroadcastOutcome::kUnderpriced;
    case Kind::kInsufficientFunds:
    case Kind::kRefused:
      return engine::BroadcastOutcome::kRefused;
    case Kind::kBusy:
    case Kind::kUnreachable:
    case Kind::kUnknown:
      return engine::BroadcastOutcome::kUnknown;
  }
  SEP_ASSERT(false);
}

bool uses_account(const engine::Command& command) {
  return std::holds_alternative<engine::Simulate>(command) ||
         std::holds_alternative<engine::Prepare>(command) ||
         std::holds_alternative<engine::Broadcast>(command);
}

bool takes_nonces(const engine::Command& command) {
  return std::holds_alternative<engine::Simulate>(command) ||
         std::holds_alternative<engine::Prepare>(command);
}

bool signs(const engine::Command& command) {
  return takes_nonces(command) || std::holds_alternative<engine::PrepareReplacement>(command);
}

engine::ReceiptView view_of(const node::Receipt& receipt) {
  engine::ReceiptView view;
  view.success = receipt.success;
  view.block_number = receipt.block_number;
  view.block_hash = receipt.block_hash;
  view.gas_used = receipt.gas_used;
  view.effective_gas_price = receipt.effective_gas_price_wei;
  view.logs = receipt.logs;
  return view;
}

}  // namespace

class ExecutionOrchestrator::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings,
       std::shared_ptr<const PrivateKey> signer, gateway::Metrics& metrics)
      : bus_(std::move(bus)),
        executor_(bus_->executor()),
        settings_(settings),
        signer_(std::move(signer)),
        metrics_(metrics),
        log_(logger("orchestrator")),
        record_(bus_),
        venue_(settings.chain.name),
        node_(executor_, node::nodes_options(settings.chain)),
        account_lock_(executor_),
        asking_headers_(executor_) {}

  Task<Status> start() {
    SEP_CO_TRY(const auto chain_id, co_await node_.chain_id());
    if (chain_id != settings_.chain.chain_id)
      co_return fail(errc::kChainMismatch, fmt::format("the node serves chain {}, the configuration says {}",
                                                       chain_id, settings_.chain.chain_id));
    log_->info("signing as {} on chain {}", to_checksum(signer_->address()), chain_id);
    spawn(follow_heads());
    SEP_CO_TRY(controls_, ControlView::start(bus_, [this] {
                 handed_out_.reset();  // a halt has its reason; after it both sides are asked again
                 for (auto& [id, drive] : drives_) {
                   if (drive->execution) tell_whether_halted(*drive->execution);
                   drive->wake.set();
                 }
               }));
    spawn(report_health());
    SEP_CO_TRY(cancels_, bus_->subscribe(std::string(engine::topic::kIntentCancelRequested), "",
                                         [this](const bus::Message& m) { cancel_requested(m); }));
    SEP_CO_CHECK(lives_.start(*bus_));
    // A member of the work queue that stands still is still given messages, and its share comes to others
    // only after a while: whoever drives the account hears of each plan himself, too.
    SEP_CO_TRY(heard_plans_, bus_->subscribe(std::string(engine::topic::kPlanCreated), "",
                                             [this](const bus::Message& m) { plan_heard(m); }));
    turn_ = std::make_shared<AccountTurn>(
        bus_, settings_.chain.chain_id, signer_->address(), metrics_,
        AccountTurn::Calls{.begin = [this] { begin_to_drive(); },
                           .cease = [this] { cease_to_drive(); },
                           .plan = [this](bus::Message m) { return plan_created(std::move(m)); }});
    turn_->start();
    co_return Status{};
  }

  void stop() {
    stopping_ = true;
    if (turn_) turn_->stop();
    cancels_.reset();
    heard_plans_.reset();
    if (controls_) controls_->stop();
    node_.stop();
  }

 private:
  /// One execution under way.
  struct Drive {
    Drive(asio::any_io_executor executor, std::string id, std::uint64_t of_term)
        : correlation_id(std::move(id)), term(of_term), wake(executor), progress(executor) {}
    std::string correlation_id;
    std::uint64_t term;  // of the lease in which it was taken up; it ends with that
    std::optional<std::vector<engine::Envelope>>
        heard;  // its events up to the plan that it was taken up with
    /// `heard` is not known to be on the record. The first append behind it tells; where that is refused, or
    /// anything else is in doubt, the execution is made anew from the record.
    bool announced = false;
    std::optional<Execution> execution;
    Signal wake;
    Signal progress;  // prepared, or ended
    bool ended = false;
    std::int64_t synced_ms = 0;
    std::int64_t prechain_started_ns = monotonic_ns();

    bool settled() const { return ended || (execution && execution->prepared_any()); }
    /// Of the plan that this event made: what is known of an execution may still be of the plan before it.
    bool settled(const engine::Envelope& plan) const {
      return ended || (settled() && execution->head().sequence > plan.sequence);
    }
  };
  using DrivePtr = std::shared_ptr<Drive>;

  void spawn(Task<void> task) {
    asio::co_spawn(executor_, std::move(task), [self = shared_from_this()](std::exception_ptr error) {
      if (!error) return;
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        self->log_->critical("a task ended with an exception: {}", e.what());
      }
    });
  }

  // --- The turn on the account

  /// Of a drive: the account is ours, without a break since it was taken up.
  bool drives(std::uint64_t term) const { return turn_->holds(term); }

  void begin_to_drive() {
    handed_out_.reset();
    spawn(take_up_unfinished(turn_->term()));
    spawn(tend_nonces(turn_->term()));
  }

  /// What is under way stays where it is on the record, for whoever drives the account next.
  void cease_to_drive() {
    for (auto& [id, drive] : std::exchange(drives_, {})) {
      drive->wake.set();
      drive->progress.set();
    }
  }

  // --- What comes in

  Task<bus::Verdict> plan_created(bus::Message message) {
    const auto self = shared_from_this();
    const auto read = event_of(message);
    if (!read) co_return bus::Verdict::dead(read.error().detail);
    const auto& event = **read;
    // Not ours to say that it is done: whoever drives the account reads it from the record.
    if (!turn_->holds()) co_return bus::Verdict::wait(500ms);
    const bool announced = message.stream_sequence == 0;
    auto life = lives_.take(event);
    if (announced && !life) co_return bus::Verdict::wait(500ms);  // as it will be when it is published
    const auto drive = take_up(event.correlation_id, std::move(life), announced);
    const auto until = monotonic_ns() + std::chrono::nanoseconds(kPreparedBound).count();
    while (!drive->settled(event) && drives(drive->term) && monotonic_ns() < until)
      co_await drive->progress.wait_for(1s);
    // One that ended without a history that can be read is not done: it was never begun.
    if (drive->execution && drive->settled(event)) co_return bus::Verdict::ack();
    const auto head = co_await record_.head(event.correlation_id);
    co_return head ? bus::Verdict::wait(500ms) : without_head(head.error());
  }

  void plan_heard(const bus::Message& message) {
    if (const auto event = event_of(message); event && turn_->holds())
      take_up((*event)->correlation_id, lives_.take(**event));
  }

  void cancel_requested(const bus::Message& message) {
    const auto event = event_of(message);
    if (!event) return;
    if (const auto found = drives_.find((*event)->correlation_id); found != drives_.end()) {
      found->second->synced_ms = 0;
      found->second->wake.set();
    }
  }

  Task<void> take_up_unfinished(std::uint64_t term) {
    while (drives(term)) {
      const auto intents = co_await record_.unfinished();
      if (intents) {
        if (!drives(term)) co_return;
        for (const auto& intent : *intents)
          if (intent.head.state == engine::State::kPlanned || intent.head.state == engine::State::kExecuting)
            take_up(intent.correlation_id);
        co_return;
      }
      co_await pause(executor_, kRetry);
    }
  }

  DrivePtr take_up(const std::string& correlation_id,
                   std::optional<std::vector<engine::Envelope>> heard = std::nullopt,
                   bool announced = false) {
    if (const auto found = drives_.find(correlation_id); found != drives_.end()) return found->second;
    auto drive = std::make_shared<Drive>(executor_, correlation_id, turn_->term());
    drive->heard = std::move(heard);
    drive->announced = announced;
    drives_[correlation_id] = drive;
    spawn(run(drive));
    return drive;
  }

  Task<void> follow_heads() {
    while (!stopping_) {
      const auto head = co_await node_.next_head();
      if (!head) co_return;
      const auto nonce = co_await node_.transaction_count(signer_->address(), node::BlockId(head->number));
      if (!nonce) {
        co_await pause(executor_, kRetry);
        node_.repeat_head();
        continue;
      }
      ancestry_.advance({head->number, head->hash}, head->parent_hash);
      head_seen_ = {head->number, *nonce, now()};
      for (auto& [id, drive] : drives_) {
        if (drive->execution) drive->execution->observe(head_for(*drive->execution));
        drive->wake.set();
      }
      co_await look_at_fees(*head);
    }
  }

  /// What the next block will cost, for all who have not begun and those who have to bid anew.
  Task<void> look_at_fees(const node::Head& head) {
    const auto percentiles = engine::reward_percentiles(settings_.execution);
    const auto history = co_await node_.fee_history(kFeeBlocks, node::BlockId(head.number), percentiles);
    if (history) {
      fees_ = engine::fees_seen(settings_.execution, history->base_fees_wei.back(), history->rewards_wei,
                                percentiles);
    } else {
      log_->debug("no fee history: {}", history.error().message);
      // EIP-1559 lets the base fee grow by an eighth at the most.
      fees_ =
          engine::FeesSeen{.base_fee = head.base_fee_wei + div_rounding_up(head.base_fee_wei, Uint256(8U))};
    }
    for (auto& [id, drive] : drives_) {
      if (!drive->execution) continue;
      drive->execution->observe(*fees_);
      if (!drive->execution->prepared_any()) drive->wake.set();
    }
  }

  Task<void> report_health() {
    NodeHealthReport report(bus_, metrics_, "orchestrator");
    while (!stopping_) {
      report.send(node_.health());
      co_await pause(executor_, 1s);
    }
  }

  // --- One execution

  Task<void> run(DrivePtr drive) {
    std::optional<Mutex::Lock> account;
    while (drives(drive->term)) {
      const auto synced = co_await sync(*drive);
      if (!synced) {
        log_->warn("{}: {}", drive->correlation_id, synced.error().detail);
        if (synced.error().code == errc::kInvalidEvent) break;
        co_await pause(executor_, kRetry);
        continue;
      }
      if (!drives(drive->term)) break;
      const auto command = drive->execution->decide(now());
      if (std::holds_alternative<engine::Finished>(command)) break;
      if ((takes_nonces(command) && controls_->halted(signer_id())) ||
          (signs(command) && !ours(*drive->execution))) {
        account.reset();
        co_await drive->wake.wait_for(kHaltedBound);
        continue;
      }
      // From simulation to broadcast the account is one execution's: the pending state that it simulates on
      // holds everything that was prepared before.
      if (!uses_account(command)) {
        account.reset();
      } else if (!account) {
        account.emplace(co_await account_lock_.lock());
        continue;  // what is to be done may have changed while waiting
      }
      const auto done = co_await std::visit([&](const auto& c) { return carry_out(*drive, c); }, command);
      if (!done) {
        log_->warn("{}: {}: {}", drive->correlation_id, done.error().code, done.error().detail);
        drive->synced_ms = 0;
        account.reset();  // others need not wait for what fails here
        co_await pause(executor_, kRetry);
      }
      if (drive->settled()) drive->progress.set();
    }
    drive->ended = drives(drive->term);
    drive->progress.set();
    if (const auto known = drives_.find(drive->correlation_id);
        known != drives_.end() && known->second == drive)
      drives_.erase(known);
  }

  /// Brings the execution up to the record, at first and now and then.
  Task<Status> sync(Drive& drive) {
    const auto time = now().ms;
    if (drive.execution && time - drive.synced_ms < kResyncMs) co_return Status{};
    if (drive.execution && drive.announced) drive.execution.reset();
    const auto from = drive.execution ? drive.execution->head().sequence + 1 : 1;
    auto heard = std::exchange(drive.heard, std::nullopt);
    if (!heard) drive.announced = false;
    SEP_CO_TRY(const auto events, heard ? Result<std::vector<engine::Envelope>>(std::move(*heard))
                                        : co_await record_.history(drive.correlation_id, from));
    if (!drive.execution) {
      SEP_CO_TRY(drive.execution,
                 Execution::from_history(events, settings_.execution, settings_.chain.confirmations));
      if (!ours(*drive.execution))
        log_->error(
            "{} was planned for {}, whose key is not configured: it is followed, and nothing is signed",
            drive.correlation_id, to_checksum(drive.execution->plan().swap().recipient));
      if (head_seen_.number != 0) drive.execution->observe(head_for(*drive.execution));
      if (fees_) drive.execution->observe(*fees_);
    } else {
      for (const auto& event : events) SEP_CO_CHECK(drive.execution->apply(event));
    }
    drive.synced_ms = time;
    co_return Status{};
  }

  Task<Status> append(Drive& drive, std::vector<engine::EventDraft> drafts,
                      std::vector<NonceRequest> nonces = {}) {
    auto& execution = *drive.execution;
    AppendRequest request;
    request.events = next_events(drive.correlation_id, execution.head(), std::move(drafts), now());
    request.nonces = std::move(nonces);
    const auto events = request.events;
    SEP_CO_TRY(const auto answer, co_await record_.append(std::move(request)));
    if (!answer.on_record()) {
      if (answer.halted()) {
        execution.observe(engine::BeginRefused{known_code(answer.reason), answer.detail, now()});
        if (answer.reason == errc::kSignerHalted && co_await controls_->refresh())
          tell_whether_halted(execution);
        co_return Status{};
      }
      drive.synced_ms = 0;  // somebody else appended: look again before deciding anew
      co_return fail(answer.reason == errc::kNonceClaimed ? errc::kNonceClaimed : errc::kSequenceConflict,
                     answer.detail);
    }
    drive.announced = false;
    for (const auto& event : events) SEP_CO_CHECK(execution.apply(event));
    co_return Status{};
  }

  /// Planned for the account whose key we have; not where the signer was exchanged since.
  bool ours(const Execution& execution) const {
    return execution.plan().swap().recipient == signer_->address();
  }
  /// Nothing is known of another account's nonces.
  engine::HeadSeen head_for(const Execution& execution) const {
    return ours(execution) ? head_seen_ : engine::HeadSeen{head_seen_.number, 0, head_seen_.at};
  }

  void tell_whether_halted(Execution& execution) const {
    if (controls_->halted(signer_id()) == nullptr) execution.observe(engine::BeginAllowed{});
  }

  engine::SignerId signer_id() const { return {settings_.chain.chain_id, signer_->address()}; }

  Task<Status> carry_out(Drive&, const engine::Finished&) { co_return Status{}; }

  Task<Status> carry_out(Drive& drive, const engine::WakeAt& wake) {
    const auto delay = std::max<std::int64_t>(1, wake.at.ms - now().ms);
    co_await drive.wake.wait_for(std::chrono::milliseconds(delay));
    co_return Status{};
  }

  Task<Status> carry_out(Drive& drive, const engine::Append& command) {
    co_return co_await append(drive, command.events);
  }

  Task<Status> carry_out(Drive& drive, const engine::Simulate&) {
    std::vector<node::CallRequest> calls;
    for (const auto& step : drive.execution->plan().steps) {
      auto call = engine::call_of(step, venue_);
      calls.push_back({.from = signer_->address(), .to = call.to, .data = std::move(call.data)});
    }
    SEP_CO_TRY(const auto results, co_await node_.simulate(std::move(calls)));
    engine::SimulationSeen seen{.success = true};
    for (const auto& result : results) {
      seen.gas_used.push_back(result.gas_used);
      if (result.result) continue;
      SEP_CO_TRY(const auto why, co_await explain(drive, result.result.error(), node::kPending));
      seen.success = false;
      SEP_CO_TRY(seen.allowance, co_await failed_for_allowance(drive, seen.gas_used.size() - 1));
      seen.code = why.code == errc::kInsufficientBalance ? why.code : errc::kSimulationReverted;
      seen.detail = why.detail;
      break;
    }
    drive.execution->observe(seen);
    co_return Status{};
  }

  /// The simulation failed at this step: an approval that its token takes only from zero, or a swap that
  /// counted on an allowance which others in flight spend before it.
  Task<Result<bool>> failed_for_allowance(const Drive& drive, std::size_t index) {
    const auto& steps = drive.execution->plan().steps;
    if (engine::kind_of(steps[index]) == StepKind::kApprove) co_return true;
    if (steps.size() > 1) co_return false;  // it has its own
    const auto& swap = drive.execution->plan().swap();
    SEP_CO_TRY(const auto returned,
               co_await node_.call({.to = swap.token_in.address,
                                    .data = uniswap::erc20::allowance(signer_->address(), swap.router)},
                                   node::kPending));
    if (!returned) co_return false;
    SEP_CO_TRY(const auto allowance, uniswap::decode_uint(*returned));
    co_return allowance < swap.max_amount_in();
  }

  Task<Status> carry_out(Drive& drive, const engine::Prepare& prepare) {
    auto& execution = *drive.execution;
    SEP_CO_TRY(const auto first_nonce, co_await next_nonce());
    if (!drives(drive.term)) co_return fail(errc::kNotReady, "the account is driven by another orchestrator");
    std::vector<engine::EventDraft> drafts;
    std::vector<NonceRequest> nonces;
    if (execution.head().state == engine::State::kPlanned) drafts.push_back(execution.started());
    for (std::size_t i = 0; i < execution.plan().steps.size(); ++i) {
      const auto& step = execution.plan().steps[i];
      auto call = engine::call_of(step, venue_);
      const auto attempt = signed_attempt(execution, i, engine::kind_of(step), first_nonce + i,
                                          prepare.fees[i], call.to, std::move(call.data));
      drafts.push_back(execution.prepared(attempt));
      nonces.push_back({settings_.chain.chain_id, signer_->address(), attempt.nonce});
    }
    const auto count = nonces.size();
    const auto appended = co_await append(drive, std::move(drafts), std::move(nonces));
    // After any doubt both sides are asked again which nonce is next; a halt leaves nothing on the record.
    handed_out_ = appended && execution.prepared_any() ? std::optional(first_nonce + count) : std::nullopt;
    co_return appended;
  }

  Task<Status> carry_out(Drive& drive, const engine::PrepareReplacement& command) {
    auto& execution = *drive.execution;
    auto to = signer_->address();
    Bytes data;
    if (command.kind != StepKind::kCancel) {
      auto call = engine::call_of(execution.plan().steps[command.step_index], venue_);
      to = call.to;
      data = std::move(call.data);
    }
    const auto attempt = signed_attempt(execution, command.step_index, command.kind, command.nonce,
                                        command.fees, to, std::move(data));
    std::vector<NonceRequest> nonces{{settings_.chain.chain_id, signer_->address(), command.nonce}};
    co_return co_await append(drive, {execution.prepared(attempt)}, std::move(nonces));
  }

  engine::Attempt signed_attempt(const Execution& execution, std::size_t step_index, StepKind kind,
                                 std::uint64_t nonce, const engine::Fees& fees, const Address& to,
                                 Bytes data) {
    Transaction transaction;
    transaction.chain_id = settings_.chain.chain_id;
    transaction.nonce = nonce;
    transaction.max_fee_per_gas = fees.max_fee_per_gas;
    transaction.max_priority_fee_per_gas = fees.max_priority_fee_per_gas;
    transaction.gas_limit = fees.gas_limit;
    transaction.to = to;
    transaction.data = std::move(data);
    fail_point("sign.before");
    const auto signed_transaction = sign(std::move(transaction), *signer_);
    fail_point("sign.after");
    engine::Attempt attempt;
    attempt.step_index = step_index;
    attempt.number = execution.next_attempt(step_index);
    attempt.kind = kind;
    attempt.nonce = nonce;
    attempt.tx_hash = signed_transaction.hash;
    attempt.raw = signed_transaction.raw;
    attempt.fees = fees;
    return attempt;
  }

  Task<Status> carry_out(Drive& drive, const engine::Broadcast& command) {
    const auto started = monotonic_ns();
    if (!command.attempt.submitted && command.attempt.number == 1)
      metrics_.trace().record(gateway::series::kHanded, started, drive.execution->intent_id());
    fail_point("broadcast.before");
    const auto outcome = co_await node_.send_raw_transaction(command.attempt.raw);
    fail_point("broadcast.after");
    metrics_.observe_ns(gateway::stage::kBroadcast, monotonic_ns() - started);
    if (!command.attempt.submitted && command.attempt.number == 1)
      metrics_.observe(gateway::stage::kPrechain, (now().ms - drive.execution->submitted_at().ms) * 1000);
    if (outcome_of(outcome.kind) != engine::BroadcastOutcome::kAccepted)
      log_->warn("{}: broadcast of {}: {} ({})", drive.correlation_id, to_hex(command.attempt.tx_hash),
                 to_string(outcome.kind), outcome.message);
    drive.execution->observe(
        engine::BroadcastSeen{command.attempt.tx_hash, outcome_of(outcome.kind), outcome.message, now()});
    co_return Status{};
  }

  Task<Status> carry_out(Drive& drive, const engine::AskReceipts& command) {
    for (const auto& hash : command.tx_hashes) {
      engine::ReceiptSeen seen{.tx_hash = hash, .receipt = std::nullopt, .head = head_seen_.number, .at = {}};
      fail_point("receipt.before");
      SEP_CO_TRY(const auto receipt, co_await node_.receipt(hash));
      fail_point("receipt.after");
      if (receipt) {
        seen.receipt = view_of(*receipt);
        if (!receipt->success) {
          const auto halt = co_await node_.halt_of(hash);
          if (halt && *halt) {
            SEP_CO_TRY(const auto why, co_await explain(drive, **halt, node::BlockId(receipt->block_number)));
            seen.receipt->revert_code = why.code;
            seen.receipt->revert_detail = why.detail;
          }
        }
        SEP_CO_TRY(seen.head, co_await head_above({receipt->block_number, receipt->block_hash}));
      }
      seen.at = now();
      drive.execution->observe(seen);
    }
    co_return Status{};
  }

  /// The present head's number, where that head descends from the block. OUTCOME_UNKNOWN where it does not:
  /// the receipt, or the head, is of an abandoned branch, and which one the next heads tell.
  Task<Result<std::uint64_t>> head_above(engine::Ancestry::Block block) {
    using Relation = engine::Ancestry::Relation;
    for (;;) {
      const auto found = ancestry_.relation(block);
      if (const auto* wanted = std::get_if<engine::Ancestry::Block>(&found)) {
        const auto turn = co_await asking_headers_.lock();  // others may lack the same
        if (ancestry_.relation(block) != found) continue;
        SEP_CO_TRY(const auto header, co_await node_.header(node::BlockId(wanted->hash)));
        if (!header || header->number != wanted->number)
          co_return fail(errc::kOutcomeUnknown,
                         fmt::format("no node has block {} {}", wanted->number, to_hex(wanted->hash)));
        ancestry_.learn(*wanted, header->parent_hash);
        continue;
      }
      const auto head = ancestry_.head();
      const auto relation = std::get<Relation>(found);
      if (relation == Relation::kDescends || relation == Relation::kAhead) co_return head.number;
      if (relation == Relation::kTooDeep) {
        SEP_CO_TRY(const auto header, co_await node_.header(node::BlockId(block.number)));
        if (header && header->hash == block.hash) co_return ancestry_.head().number;
      }
      ancestry_.forget();
      co_return fail(errc::kOutcomeUnknown,
                     fmt::format("block {} {} is not below the head {} {}", block.number, to_hex(block.hash),
                                 head.number, to_hex(head.hash)));
    }
  }

  Task<Status> carry_out(Drive& drive, const engine::AskNonce& command) {
    engine::NonceSeen seen{.nonce = command.nonce, .head = head_seen_.number, .at = {}};
    const auto since = drive.execution->plan().swap().block_number;
    SEP_CO_TRY(seen.user, co_await user_of(command.nonce, std::min(since, seen.head), seen.head));
    seen.at = now();
    drive.execution->observe(seen);
    co_return Status{};
  }

  /// The account's transaction with this nonce, which is used at `head`. None where it is not found, as when
  /// the chain moves meanwhile, or not yet: of what lies before the states that nodes keep each block is
  /// looked at, some at a time, back to somewhat before `since`.
  Task<Result<std::optional<engine::NonceSeen::User>>> user_of(std::uint64_t nonce, std::uint64_t since,
                                                               std::uint64_t head) {
    const auto first = co_await first_known_use(nonce, head);
    if (first.certain) co_return co_await user_in(nonce, first.block);
    const auto left = look_on_.find(nonce);
    auto block = left == look_on_.end() ? first.block : std::min(first.block, left->second);
    std::optional<engine::NonceSeen::User> user;
    for (unsigned looked = 0; !user && looked < kBlocksAtOnce && block > 0; ++looked, --block) {
      SEP_CO_TRY(user, co_await user_in(nonce, block));
    }
    if (!user && block + kBlocksAtOnce > since)
      look_on_[nonce] = block;
    else
      look_on_.erase(nonce);
    co_return user;
  }

  struct FirstUse {
    std::uint64_t block = 0;  // the account's count of transactions goes past the nonce here or before
    bool certain = true;      // here: the block before it was asked, too
  };
  /// Looked for from the head backwards, where nodes still have the states.
  Task<FirstUse> first_known_use(std::uint64_t nonce, std::uint64_t head) {
    FirstUse use{.block = head};
    const auto is_used = [&](const node::NodeResult<std::uint64_t>& count) {
      use.certain = use.certain && count.has_value();
      return count && *count > nonce;
    };
    const auto count_at = [this](std::uint64_t block) {
      return node_.transaction_count(signer_->address(), node::BlockId(block));
    };
    auto before = head - std::min<std::uint64_t>(head, 1);
    for (std::uint64_t step = 1; before > 0 && is_used(co_await count_at(before)); step *= 2) {
      use.block = before;
      before -= std::min(before, step);
    }
    while (before + 1 < use.block) {
      const auto middle = before + (use.block - before) / 2;
      (is_used(co_await count_at(middle)) ? use.block : before) = middle;
    }
    co_return use;
  }

  Task<Result<std::optional<engine::NonceSeen::User>>> user_in(std::uint64_t nonce, std::uint64_t block) {
    SEP_CO_TRY(const auto transactions, co_await node_.transactions(node::BlockId(block)));
    if (!transactions) co_return std::nullopt;
    for (const auto& transaction : *transactions)
      if (transaction.from == signer_->address() && transaction.nonce == nonce) {
        // One node's block is its word alone; a receipt is what they agree on.
        SEP_CO_TRY(const auto receipt, co_await node_.receipt(transaction.hash));
        if (receipt) co_return engine::NonceSeen::User{transaction.hash, receipt->block_number};
      }
    co_return std::nullopt;
  }

  Task<Status> carry_out(Drive& drive, const engine::HaltAccount& command) {
    log_->critical("{}: the account {} is used by somebody else: {}", drive.correlation_id,
                   to_checksum(signer_->address()), command.detail);
    SEP_CO_TRY(const auto answer,
               co_await record_.halt_signer(signer_id(), {.reason = std::string(errc::kForeignNonce),
                                                          .detail = command.detail,
                                                          .by = "orchestrator",
                                                          .nonce = command.nonce}));
    if (answer.changed) co_await controls_->refresh();
    drive.execution->observe(engine::AccountHalted{});
    co_return Status{};
  }

  /// The reason of a revert. With an exact allowance a price past the bound shows as a token that cannot be
  /// taken (SwapRouter02 pays before it compares): where the balance would do, it was the price.
  Task<Result<Error>> explain(const Drive& drive, const node::Halt& halt, node::BlockId block) {
    const auto revert = decode_revert(halt.data);
    Error why{revert.code, revert.text.empty() ? halt.message : revert.text, {}};
    if (why.code != errc::kInsufficientBalance) co_return why;
    const auto& swap = drive.execution->plan().swap();
    SEP_CO_TRY(
        const auto returned,
        co_await node_.call(
            {.to = swap.token_in.address, .data = uniswap::erc20::balance_of(signer_->address())}, block));
    if (!returned) co_return why;
    SEP_CO_TRY(const auto balance, uniswap::decode_uint(*returned));
    if (balance < swap.max_amount_in()) co_return why;
    co_return Error{
        errc::kSlippageExceeded,
        fmt::format("the price moved past the bound of {} {}",
                    format_amount(swap.max_amount_in(), swap.token_in.decimals), swap.token_in.symbol),
        {}};
  }

  /// Replan is decided again, as long as the window lasts.
  static Task<Status> wait_to_replan(Drive& drive) {
    co_await drive.wake.wait_for(kRetryReplan);
    co_return Status{};
  }

  Task<Status> carry_out(Drive& drive, const engine::Replan& command) {
    auto& execution = *drive.execution;
    const auto give_up = [&](std::string_view reason, std::string_view detail) {
      std::vector<engine::EventDraft> drafts;
      if (execution.head().state == engine::State::kPlanned) drafts.push_back(execution.started());
      drafts.push_back(execution.failed(reason, detail));
      return append(drive, std::move(drafts));
    };
    const json::object question{{"intent_id", execution.intent_id()},
                                {"intent", execution.submitted().at("intent")},
                                {"executing", true},
                                {"approve", command.approve}};
    SEP_CO_TRY(const auto risk, co_await ask(subject::kRiskEvaluate, question));
    // Not there while the market is stale, as the plan is not while gas is too dear: both may pass.
    if (!risk.contains("approved")) co_return co_await wait_to_replan(drive);
    SEP_CO_TRY(const auto approved, get_bool(risk, "approved"));
    if (!approved) co_return co_await give_up(string_or(risk, "reason"), string_or(risk, "detail"));
    SEP_CO_TRY(const auto planned, co_await ask(subject::kPlanMake, question));
    if (get_bool(planned, "passes").value_or(false)) co_return co_await wait_to_replan(drive);
    const auto* plan = planned.if_contains("plan");
    if (plan == nullptr || !plan->is_object()) {
      const auto detail = string_or(planned, "detail");
      if (command.reason.empty()) co_return co_await give_up(string_or(planned, "reason"), detail);
      co_return co_await give_up(command.reason, command.detail + "; planned again: " + detail);
    }
    SEP_CO_TRY(const auto made, engine::plan_from_payload(plan->get_object()));
    // The same prices would be answered with the same failure.
    if (!command.reason.empty() && !command.approve && now() < execution.next_block_due() &&
        made.swap().block_hash == execution.plan().swap().block_hash)
      co_return co_await wait_to_replan(drive);
    std::vector<engine::EventDraft> drafts;
    drafts.push_back({engine::topic::kRiskApproved,
                      {{"intentId", execution.intent_id()},
                       {"notionalUsd", risk.at("notional_usd")},
                       {"checks", risk.at("checks")}}});
    drafts.push_back({engine::topic::kPlanCreated, plan->get_object()});
    co_return co_await append(drive, std::move(drafts));
  }

  Task<Result<json::object>> ask(const char* question_subject, const json::object& question) {
    SEP_CO_TRY(const auto reply,
               co_await bus_->request(question_subject, json::serialize(question), kAskBound));
    SEP_CO_TRY(auto value, parse_json(reply));
    if (!value.is_object()) co_return fail(errc::kInternal, "an answer is not an object");
    co_return std::move(value.get_object());
  }

  // --- The account

  /// Hands transactions to the node again whose intents have ended and that left the chain all the same,
  /// after a reorganisation deeper than the confirmations: every later one waits for them.
  Task<void> tend_nonces(std::uint64_t term) {
    std::vector<std::uint64_t> before;
    while (drives(term)) {
      co_await pause(executor_, kTendNonces);
      if (!drives(term) || head_seen_.number == 0) continue;
      const auto found = co_await unattended();
      // Twice in a row: others may just begin, or end.
      std::vector<std::uint64_t> lasting;
      if (found) std::ranges::set_intersection(before, *found, std::back_inserter(lasting));
      before = found.value_or(std::vector<std::uint64_t>{});
      if (lasting.empty() || !drives(term)) continue;
      if (const auto done = co_await send_again(lasting); !done)
        log_->warn("nonces without an owner: {}", done.error().detail);
    }
  }

  Task<Result<std::vector<std::uint64_t>>> unattended() {
    const auto latest = head_seen_.account_nonce;
    if (handed_out_ && latest >= *handed_out_) co_return std::vector<std::uint64_t>{};
    json::object question{{"chain_id", settings_.chain.chain_id}, {"account", to_hex(signer_->address())}};
    SEP_CO_TRY(const auto recorded, co_await record_.query(subject::kNextNonce, std::move(question)));
    SEP_CO_TRY(const auto next, get_uint(recorded, "next"));
    std::vector<std::uint64_t> in_flight;
    for (const auto& [id, drive] : drives_) {
      if (!drive->execution) co_return std::vector<std::uint64_t>{};  // not read yet: it may hold any
      std::ranges::copy(drive->execution->nonces(), std::back_inserter(in_flight));
    }
    co_return engine::unattended_nonces(latest, next, in_flight);
  }

  Task<Status> send_again(std::span<const std::uint64_t> nonces) {
    json::object question{{"chain_id", settings_.chain.chain_id},
                          {"account", to_hex(signer_->address())},
                          {"from", nonces.front()}};
    SEP_CO_TRY(const auto answer, co_await record_.query(subject::kNonces, std::move(question)));
    SEP_CO_TRY(const auto claims, get_array(answer, "nonces"));
    std::vector<std::uint64_t> foreign(nonces.begin(), nonces.end());
    for (const auto& claim : claims) {
      const auto& object = claim.as_object();
      SEP_CO_TRY(const auto nonce, get_uint(object, "nonce"));
      if (std::erase(foreign, nonce) == 0) continue;
      SEP_CO_TRY(const auto correlation_id, get_string(object, "correlation_id"));
      SEP_CO_TRY(const auto events, co_await record_.history(correlation_id));
      SEP_CO_TRY(const auto raw, engine::bytes_at_nonce(events, nonce));
      if (!raw) {
        log_->critical("nonce {} of {} is free again, and holds up all later ones: a person has to use it",
                       nonce, correlation_id);
        continue;
      }
      const auto outcome = co_await node_.send_raw_transaction(*raw);
      log_->error("{} left the chain after it had ended: its transaction at nonce {} is sent again: {}",
                  correlation_id, nonce, to_string(outcome.kind));
    }
    for (const auto nonce : foreign)
      log_->critical(
          "nonce {} is free again, and holds up all later ones: somebody else's transaction left the "
          "chain, and a person has to use it",
          nonce);
    co_return Status{};
  }

  Task<Result<std::uint64_t>> next_nonce() {
    const auto head = head_seen_;
    const auto latest = head.account_nonce;
    if (handed_out_ && *handed_out_ >= latest)
      co_return engine::next_nonce({.latest = latest, .handed_out = handed_out_});
    SEP_CO_TRY(const auto pending, co_await node_.transaction_count(signer_->address(), node::kPending));
    json::object question{{"chain_id", settings_.chain.chain_id}, {"account", to_hex(signer_->address())}};
    SEP_CO_TRY(const auto recorded, co_await record_.query(subject::kNextNonce, std::move(question)));
    SEP_CO_TRY(const auto next, get_uint(recorded, "next"));
    auto settled = latest;
    if (latest > next) {
      const auto above = head.number + 1;
      const auto deepest = above - std::min<std::uint64_t>(above, settings_.chain.confirmations);
      SEP_CO_TRY(settled, co_await node_.transaction_count(signer_->address(), node::BlockId(deepest)));
    }
    co_return engine::next_nonce(
        {.latest = latest, .settled = settled, .pending = pending, .recorded = next});
  }

  std::shared_ptr<bus::Bus> bus_;
  asio::any_io_executor executor_;
  engine::Settings settings_;
  std::shared_ptr<const PrivateKey> signer_;
  gateway::Metrics& metrics_;
  Logger log_;
  RecordClient record_;
  engine::UniswapV3Venue venue_;
  node::Nodes node_;
  Mutex account_lock_;
  std::optional<std::uint64_t>
      handed_out_;  // the nonce after the last that was committed; unset after any doubt
  std::optional<engine::FeesSeen> fees_;
  engine::HeadSeen head_seen_;
  engine::Ancestry ancestry_;  // of the same head
  Mutex asking_headers_;
  std::map<std::uint64_t, std::uint64_t> look_on_;  // nonces whose user is looked for, from which block on
  std::unordered_map<std::string, DrivePtr> drives_;
  std::shared_ptr<ControlView> controls_;
  std::shared_ptr<AccountTurn> turn_;
  HeardLives lives_;
  bus::Subscription heard_plans_, cancels_;
  bool stopping_ = false;
};

ExecutionOrchestrator::ExecutionOrchestrator(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExecutionOrchestrator::~ExecutionOrchestrator() {
  impl_->stop();
}

Task<Result<std::unique_ptr<ExecutionOrchestrator>>> ExecutionOrchestrator::start(
    std::shared_ptr<bus::Bus> bus, const engine::Settings& settings, std::shared_ptr<const PrivateKey> signer,
    gateway::Metrics& metrics) {
  auto impl = std::make_shared<Impl>(std::move(bus), settings, std::move(signer), metrics);
  SEP_CO_CHECK(co_await impl->start());
  co_return std::unique_ptr<ExecutionOrchestrator>(new ExecutionOrchestrator(std::move(impl)));
}

}  // namespace sep::services
