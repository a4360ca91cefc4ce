#include "services/paper_orchestrator.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include "base/decimal.h"
#include "base/log.h"
#include "engine/execution.h"
#include "engine/planning.h"
#include "engine/projection.h"
#include "engine/topics.h"
#include "services/account_turn.h"
#include "services/heard_lives.h"
#include "services/paper_account.h"
#include "services/record_client.h"
#include "services/subjects.h"
#include "store/read_models.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::Execution;

constexpr auto kRetry = 300ms;
constexpr auto kNoPriceRetry = 500ms;
constexpr auto kTell = 100ms;             // how soon the market hears of balances that moved
constexpr auto kSettled = 20ms;           // how often it is looked whether fills under way have ended
constexpr std::size_t kStrategies = 200;  // a page
constexpr auto kReadModelsPatience = 60s;

using Balances = std::map<Address, Uint256>;

/// What came in and went out by the fills of all strategies.
struct Moved {
  Balances bought, sold;
};

/// Bought and sold of each token are of all fills of a strategy.
Status add_positions(const json::object& positions, const engine::ChainSettings& chain, Moved& moved) {
  SEP_TRY(const auto list, get_array(positions, "positions"));
  for (const auto& element : list) {
    const auto& position = element.as_object();
    SEP_TRY(const auto asset, get_object(position, "asset"));
    SEP_TRY(const auto text, get_string(asset, "address"));
    SEP_TRY(const auto address, parse_address(text));
    const auto token = std::ranges::find(chain.tokens, address, &engine::Token::address);
    if (token == chain.tokens.end()) continue;  // no longer configured: nothing can be traded in it
    SEP_TRY(const auto bought, parse_decimal(string_or(position, "bought"), token->decimals));
    SEP_TRY(const auto sold, parse_decimal(string_or(position, "sold"), token->decimals));
    moved.bought[address] += bought;
    moved.sold[address] += sold;
  }
  return {};
}

/// One strategy may sell what another bought: only all of it together says what is left.
Balances after(Balances balances, const Moved& moved) {
  for (const auto& [token, amount] : moved.bought) balances[token] += amount;
  for (const auto& [token, amount] : moved.sold) {
    auto& balance = balances[token];
    // Less was there to begin with than the record has sold: the configuration was changed.
    balance = balance > amount ? balance - amount : Uint256();
  }
  return balances;
}

}  // namespace

class PaperOrchestrator::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings, std::shared_ptr<MarketView> market,
       gateway::Metrics& metrics)
      : bus_(std::move(bus)),
        executor_(bus_->executor()),
        settings_(settings),
        market_(std::move(market)),
        metrics_(metrics),
        log_(logger("paper")),
        record_(bus_),
        reading_(executor_),
        moved_(executor_) {}

  Status start() {
    SEP_CHECK(lives_.start(*bus_));
    turn_ = std::make_shared<AccountTurn>(
        bus_, settings_.chain.chain_id, paper_account(), metrics_,
        AccountTurn::Calls{.begin = [this] { forget_balances(); },
                           .cease = [] {},
                           .plan = [this](bus::Message m) { return plan_created(std::move(m)); }});
    turn_->start();
    asio::co_spawn(executor_, tell_balances(), [self = shared_from_this()](std::exception_ptr) {});
    return {};
  }

  void stop() {
    stopping_ = true;
    turn_->stop();
    moved_.set();
    cache_thread_.join();
  }

 private:
  /// Nothing is planned before they are read and told.
  void forget_balances() {
    balances_.reset();
    moved_.set();
  }

  // --- One plan

  Task<bus::Verdict> plan_created(bus::Message message) {
    const auto self = shared_from_this();
    const auto read = event_of(message);
    if (!read) co_return bus::Verdict::dead(read.error().detail);
    const auto& event = **read;
    if (!turn_->holds()) co_return bus::Verdict::wait(kRetry);
    const auto events = co_await life_up_to(event);
    if (!events) co_return without_head(events.error());
    auto execution = Execution::from_history(*events, settings_.execution, settings_.chain.confirmations);
    if (!execution) co_return bus::Verdict::dead(execution.error().detail);
    const auto command = execution->decide(now());
    if (std::holds_alternative<engine::Finished>(command)) co_return bus::Verdict::ack();
    if (execution->prepared_any() || execution->plan().swap().venue != engine::kPaperVenue) {
      // Of a platform that traded on chain: its transactions are that one's to follow.
      log_->error("{} was planned for {}, and is not filled on paper", event.correlation_id,
                  execution->plan().swap().venue);
      co_return co_await record_.wait_at(execution->head(), event.correlation_id, 5s);
    }
    if (auto ended = co_await append_end(command, *execution, event.correlation_id))
      co_return *std::move(ended);
    co_return co_await fill(*execution, event.correlation_id);
  }

  /// Cancelled, or its window has ended: the same as on chain. All else that is decided there is about
  /// transactions.
  Task<std::optional<bus::Verdict>> append_end(engine::Command command, const Execution& execution,
                                               const std::string& correlation_id) {
    const auto* end = std::get_if<engine::Append>(&command);
    if (end == nullptr) co_return std::nullopt;
    co_return co_await record_.append_decision(correlation_id, execution.head(), end->events);
  }

  /// The intent's events up to its plan. As a rule all were heard as they were published; what is more on the
  /// record, as a cancellation, makes the append a conflict, and the plan is looked at again with what the
  /// record says.
  Task<Result<std::vector<engine::Envelope>>> life_up_to(const engine::Envelope& plan) {
    if (auto heard = lives_.take(plan)) co_return std::move(*heard);
    co_return co_await record_.history(plan.correlation_id);
  }

  Task<bus::Verdict> fill(const Execution& execution, const std::string& correlation_id) {
    (void)co_await market_->settle(settings_.market);
    if (!co_await know_balances()) co_return bus::Verdict::wait(kRetry);
    // Both may have taken a while.
    if (auto ended = co_await append_end(execution.decide(now()), execution, correlation_id))
      co_return *std::move(ended);
    const auto& market = market_->state();
    const auto priced = engine::price_intent(execution.intent(), market, market_->pools(), settings_, now());
    if (!priced && priced.error().code == errc::kStaleMarket)
      co_return co_await record_.wait_at(execution.head(), correlation_id, kNoPriceRetry);
    const auto refused = priced ? check(execution, priced->swap) : Status(fail(priced.error()));
    if (!refused) co_return co_await give_up(execution, correlation_id, refused.error());
    const auto& swap = priced->swap;
    const engine::Fill amounts{swap.amount_in, swap.amount_out};
    co_return co_await append(execution, correlation_id, swap,
                              execution.filled_on_paper(amounts, swap.block_number, swap.block_hash, now()));
  }

  /// What the router and the tokens would refuse.
  Status check(const Execution& execution, const engine::SwapStep& swap) const {
    const auto& plan = execution.plan().swap();
    const bool beyond = swap.kind == engine::SwapKind::kExactInput ? swap.amount_out < plan.bound
                                                                   : swap.amount_in > plan.bound;
    if (beyond)
      return fail(
          errc::kSlippageExceeded,
          fmt::format("the price moved past the bound: {} {} for {} {}",
                      format_amount(swap.amount_in, swap.token_in.decimals), swap.token_in.symbol,
                      format_amount(swap.amount_out, swap.token_out.decimals), swap.token_out.symbol));
    const auto has = balance_of(swap.token_in.address);
    if (has < swap.amount_in)
      return fail(errc::kInsufficientBalance,
                  fmt::format("balance too low: needs {} {}, the paper account has {}",
                              format_amount(swap.amount_in, swap.token_in.decimals), swap.token_in.symbol,
                              format_amount(has, swap.token_in.decimals)));
    return {};
  }

  Task<bus::Verdict> give_up(const Execution& execution, const std::string& correlation_id,
                             const Error& why) {
    std::vector<engine::EventDraft> drafts;
    if (execution.head().state == engine::State::kPlanned) drafts.push_back(execution.started());
    drafts.push_back(execution.failed(why.code, why.detail));
    co_return co_await record_.append_decision(correlation_id, execution.head(), std::move(drafts));
  }

  /// What is paid is set aside before the append is sent, so that fills side by side never spend it twice.
  Task<bus::Verdict> append(const Execution& execution, const std::string& correlation_id,
                            const engine::SwapStep& swap, std::vector<engine::EventDraft> drafts) {
    const auto term = turn_->term();
    (*balances_)[swap.token_in.address] -= swap.amount_in;
    ++under_way_;
    AppendRequest request;
    request.events = next_events(correlation_id, execution.head(), std::move(drafts), now());
    const auto answer = co_await record_.append(std::move(request));
    --under_way_;
    if (answer && answer->status == AppendAnswer::Status::kCommitted && term == turn_->term()) {
      if (balances_) (*balances_)[swap.token_out.address] += swap.amount_out;
      moved_.set();
      metrics_.trace().record(gateway::series::kHanded, monotonic_ns(), execution.intent_id());
      metrics_.observe(gateway::stage::kPrechain, (now().ms - execution.submitted_at().ms) * 1000);
      co_return bus::Verdict::ack();
    }
    const bool plan_never_was = answer && answer->status == AppendAnswer::Status::kConflict &&
                                (!answer->head || answer->head->sequence < execution.head().sequence);
    if (plan_never_was && balances_ && term == turn_->term()) {
      // It was announced, and refused: nothing was filled by anybody.
      (*balances_)[swap.token_in.address] += swap.amount_in;
      co_return bus::Verdict::wait(kRetry);
    }
    balances_.reset();  // whether it was filled, and by whom, the record says
    if (answer && answer->halted())
      co_return co_await give_up(execution, correlation_id, {known_code(answer->reason), answer->detail, {}});
    if (!answer && answer.error().code == errc::kInvalidEvent)
      co_return bus::Verdict::dead(answer.error().detail);
    co_return answer && answer->on_record() ? bus::Verdict::ack() : bus::Verdict::wait(kRetry);
  }

  // --- The balances

  Uint256 balance_of(const Address& token) const {
    const auto found = balances_->find(token);
    return found == balances_->end() ? Uint256() : found->second;
  }

  /// Reads them where they are not known; false where that cannot be done now.
  Task<bool> know_balances() {
    if (balances_) co_return true;
    const auto turn = co_await reading_.lock();
    if (balances_) co_return true;
    const auto term = turn_->term();
    while (under_way_ > 0) co_await pause(executor_, kSettled);
    auto read = co_await read_balances();
    if (!read) log_->warn("the balances are not known: {}", read.error().detail);
    if (!read || term != turn_->term()) co_return false;
    balances_ = std::move(*read);
    moved_.set();
    co_return true;
  }

  /// The configured ones and every fill on the record. NOT_READY while the read models are behind it.
  Task<Result<Balances>> read_balances() {
    SEP_CO_TRY(const auto head, co_await record_.query(subject::kHead, {}));
    SEP_CO_TRY(const auto last, get_uint(head, "global_sequence"));
    auto cached = co_await from_read_models(last);
    if (cached) behind_since_.reset();
    if (cached || (cached.error().code == errc::kNotReady && still_patient())) co_return cached;
    log_->info("the balances are read from the record: {}", cached.error().detail);
    co_return co_await from_record();
  }

  /// Redis that loads, or a projection that follows, is there sooner than the whole record is read.
  bool still_patient() {
    const auto at = std::chrono::steady_clock::now();
    if (!behind_since_) behind_since_ = at;
    return at - *behind_since_ < kReadModelsPatience;
  }

  /// NOT_READY where they are behind, or Redis still loads them.
  Task<Result<Balances>> from_read_models(std::uint64_t last) {
    const auto self = shared_from_this();
    co_return co_await asio::co_spawn(
        cache_thread_.get_executor(),
        [self, last]() -> Task<Result<Balances>> {
          SEP_CO_TRY(auto models, store::ReadModels::open(self->settings_.endpoints.redis_socket));
          SEP_CO_TRY(const auto head, models.head());
          if (head < last) co_return fail(errc::kNotReady, "the read models are behind the record");
          Moved moved;
          std::optional<std::string> last_name;
          for (bool more = true; more;) {
            SEP_CO_TRY(const auto page, models.strategies(last_name, kStrategies));
            for (const auto& strategy : page.strategies) {
              SEP_CO_TRY(const auto positions, models.positions(strategy));
              if (positions) SEP_CO_CHECK(add_positions(*positions, self->settings_.chain, moved));
            }
            last_name = page.next_after;
            more = last_name.has_value();
          }
          co_return after(self->settings_.paper.balances, moved);
        },
        asio::use_awaitable);
  }

  Task<Result<Balances>> from_record() {
    Moved moved;
    std::string last_name;
    for (bool more = true; more;) {
      SEP_CO_TRY(const auto page, co_await record_.query(subject::kStrategies,
                                                         {{"limit", kStrategies}, {"after", last_name}}));
      SEP_CO_TRY(const auto names, get_array(page, "strategies"));
      json::array keys;
      for (const auto& name : names) keys.emplace_back(engine::positions_key(name.as_string()));
      if (!keys.empty()) {
        SEP_CO_TRY(const auto answer, co_await record_.query(subject::kTotals, {{"keys", std::move(keys)}}));
        SEP_CO_TRY(const auto documents, get_array(answer, "documents"));
        for (const auto& document : documents)
          if (document.is_object())
            SEP_CO_CHECK(add_positions(document.get_object(), settings_.chain, moved));
      }
      last_name = string_or(page, "next_after");
      more = !last_name.empty();
    }
    co_return after(settings_.paper.balances, moved);
  }

  /// The market service shows them as the account's.
  Task<void> tell_balances() {
    const auto self = shared_from_this();
    while (!stopping_) {
      co_await moved_.wait_for(1s);
      if (stopping_) co_return;
      if (!turn_->holds() || !co_await know_balances()) continue;
      std::ignore = bus_->publish(subject::kPaperAccount, paper_account_text(*balances_));
      co_await pause(executor_, kTell);
    }
  }

  std::shared_ptr<bus::Bus> bus_;
  asio::any_io_executor executor_;
  engine::Settings settings_;
  std::shared_ptr<MarketView> market_;
  gateway::Metrics& metrics_;
  Logger log_;
  RecordClient record_;
  std::shared_ptr<AccountTurn> turn_;
  HeardLives lives_;
  std::optional<Balances> balances_;  // less what fills under way set aside; unset after any doubt
  std::size_t under_way_ = 0;
  std::optional<std::chrono::steady_clock::time_point> behind_since_;  // the read models were found so
  Mutex reading_;
  Signal moved_;
  bool stopping_ = false;
  asio::thread_pool cache_thread_{1};  // reads of Redis block
};

PaperOrchestrator::PaperOrchestrator(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
PaperOrchestrator::~PaperOrchestrator() {
  impl_->stop();
}

Result<std::unique_ptr<PaperOrchestrator>> PaperOrchestrator::start(std::shared_ptr<bus::Bus> bus,
                                                                    const engine::Settings& settings,
                                                                    std::shared_ptr<MarketView> market,
                                                                    gateway::Metrics& metrics) {
  auto impl = std::make_shared<Impl>(std::move(bus), settings, std::move(market), metrics);
  SEP_CHECK(impl->start());
  return std::unique_ptr<PaperOrchestrator>(new PaperOrchestrator(std::move(impl)));
}

}  // namespace sep::services
