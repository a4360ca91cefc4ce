#include "services/execution_planner.h"

#include <algorithm>
#include <expected>

#include "base/decimal.h"
#include "base/log.h"
#include "base/ulid.h"
#include "engine/planning.h"
#include "engine/topics.h"
#include "services/async.h"
#include "services/quote_request.h"
#include "services/subjects.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::State;

/// How soon it is tried again to plan what cannot be planned at this moment: the next block may allow it.
constexpr auto kRetryDelay = 1s;

json::object refusal(const Error& error) {
  json::object object{{"reason", error.code}, {"detail", error.detail}};
  if (!error.pointer.empty()) object["pointer"] = error.pointer;
  return object;
}

/// Price of one whole base token in quote tokens, rounded down to 18 decimals.
std::string price_of(const engine::Intent& intent, const engine::SwapStep& swap) {
  const auto& quote_amount = intent.type == engine::IntentType::kAcquire ? swap.amount_in : swap.amount_out;
  const auto& base_amount = intent.type == engine::IntentType::kAcquire ? swap.amount_out : swap.amount_in;
  const auto wad = mul_div(quote_amount, pow10(intent.base.decimals) * Uint256(kWad), base_amount);
  if (!wad) return "0";
  return format_amount(*wad / pow10(intent.quote.decimals), 18);
}

}  // namespace

class ExecutionPlanner::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings, std::shared_ptr<MarketView> market,
       gateway::Metrics& metrics)
      : bus_(std::move(bus)),
        settings_(settings),
        market_(std::move(market)),
        metrics_(metrics),
        log_(logger("planner")),
        record_(bus_) {}

  Task<Status> start() {
    const auto self = shared_from_this();
    SEP_CO_TRY(plan_requests_,
               bus_->serve(subject::kPlanMake, "planner", [self](bus::Message m) -> Task<std::string> {
                 // Where it stays stale, the answer says so.
                 (void)co_await self->market_->settle(self->settings_.market);
                 co_return json::serialize(self->answer_plan(m.body));
               }));
    SEP_CO_TRY(quote_requests_,
               bus_->serve(subject::kQuotePrice, "planner", [self](bus::Message m) -> Task<std::string> {
                 co_return json::serialize(self->answer_quote(m.body));
               }));
    SEP_CO_TRY(accepted_,
               co_await bus_->consume({.stream = "EVENTS",
                                       .durable = "planner-workers",
                                       .deliver_group = "planner.workers",
                                       .filter_subject = std::string(engine::topic::kIntentAccepted),
                                       .early = true},
                                      [self](bus::Message m) { return self->accepted(std::move(m)); }));
    co_return Status{};
  }

  void stop() {
    accepted_.reset();
    plan_requests_.reset();
    quote_requests_.reset();
  }

 private:
  /// intent.accepted → plan.created or plan.rejected; what passes is waited for within the time window, whose
  /// end the intent manager records.
  Task<bus::Verdict> accepted(bus::Message message) {
    const auto self = shared_from_this();
    const auto read = event_of(message);
    if (!read) co_return bus::Verdict::dead(read.error().detail);
    const auto& event = **read;
    engine::IntentHead head{event.sequence, event.event_id, State::kAccepted};
    if (message.deliveries > 1) {
      const auto present = co_await record_.head(event.correlation_id);
      if (!present) co_return without_head(present.error());
      if (present->state != State::kAccepted) co_return bus::Verdict::ack();
      head = *present;
    }
    const auto intent_id = std::string(engine::intent_id_of(event.correlation_id));
    const auto document = object_at(event.payload, "intent");
    if (!document) co_return bus::Verdict::dead(document.error().detail);
    (void)co_await market_->settle(settings_.market);
    const auto plan = make_plan(intent_id, **document);
    if (!plan && plan.error().passes) {
      log_->debug("{}: not planned yet: {}", event.correlation_id, plan.error().why.detail);
      co_return co_await record_.wait_at(head, event.correlation_id, kRetryDelay);
    }
    std::vector<engine::EventDraft> drafts;
    if (plan) {
      drafts.push_back({engine::topic::kPlanCreated, *plan});
    } else if (plan.error().why.code == errc::kTimeWindow) {
      drafts.push_back(
          {engine::topic::kIntentExpired, {{"intentId", intent_id}, {"reason", errc::kTimeWindow}}});
    } else {
      drafts.push_back({engine::topic::kPlanRejected,
                        {{"intentId", intent_id},
                         {"reason", plan.error().why.code},
                         {"detail", plan.error().why.detail}}});
    }
    const gateway::StageTimer timed(metrics_, gateway::stage::kAppend);
    co_return co_await record_.append_decision(
        event.correlation_id, head, std::move(drafts),
        [intent_id](std::string_view code, std::string detail) {
          return std::vector<engine::EventDraft>{
              {engine::topic::kPlanRejected,
               {{"intentId", intent_id}, {"reason", code}, {"detail", std::move(detail)}}}};
        });
  }

  /// The payload of plan.created.
  std::expected<json::object, engine::NoPlan> make_plan(const std::string& intent_id,
                                                        const json::object& document, bool approve = false) {
    const gateway::StageTimer timed(metrics_, gateway::stage::kPlanning);
    const auto intent = engine::parse_intent(document, settings_.chain);
    if (!intent) return std::unexpected(intent.error().front());
    SEP_TRY(const auto submitted_at, ulid_time(intent_id));
    const engine::PlanningInput input{.intent = *intent,
                                      .plan_id = new_ulid(),
                                      .submitted_at = submitted_at,
                                      .now = now(),
                                      .market = market_->state(),
                                      .pools = market_->pools(),
                                      .settings = settings_,
                                      .approve = approve};
    SEP_TRY(const auto plan, engine::make_plan(input));
    return engine::plan_payload(plan, intent_id, settings_.chain.name);
  }

  json::object answer_plan(const std::string& body) {
    const auto question = parse_json(body);
    if (!question || !question->is_object())
      return refusal({errc::kInvalidValue, "a question must be an object", {}});
    const auto intent_id = get_string(question->get_object(), "intent_id");
    const auto document = object_at(question->get_object(), "intent");
    if (!intent_id || !document) return refusal({errc::kMissingField, "intent_id and intent are needed", {}});
    const auto approve = get_bool(question->get_object(), "approve").value_or(false);
    auto plan = make_plan(*intent_id, **document, approve);
    if (plan) return {{"plan", std::move(*plan)}};
    auto refused = refusal(plan.error().why);
    refused["passes"] = plan.error().passes;
    return refused;
  }

  json::object answer_quote(const std::string& body) {
    const auto question = parse_json(body);
    if (!question || !question->is_object())
      return refusal({errc::kInvalidValue, "a question must be an object", {}});
    const auto& request = question->get_object();
    const bool bounded = request.contains("max_slippage");
    const auto intent = parse_quote_request(request, settings_.chain);
    if (!intent) {
      json::array faults;
      for (const auto& fault : intent.error())
        faults.push_back(
            json::object{{"pointer", fault.pointer}, {"code", fault.code}, {"message", fault.detail}});
      return {{"faults", std::move(faults)}};
    }
    const auto priced = engine::price_intent(*intent, market_->state(), market_->pools(), settings_, now());
    if (!priced) return refusal(priced.error());
    return quote_json(*intent, *priced, bounded);
  }

  json::object quote_json(const engine::Intent& intent, const engine::Pricing& priced, bool bounded) const {
    const auto& swap = priced.swap;
    json::array paths, pools, fees, ticks;
    for (const auto& path : swap.paths) {
      paths.push_back(engine::path_json(path, swap));
      for (const auto& hop : path.hops) {
        pools.emplace_back(to_checksum(hop.pool));
        fees.emplace_back(hop.fee_pips);
        ticks.emplace_back(hop.ticks_crossed);
      }
    }
    json::object quote{{"intent_type", to_string(intent.type)},
                       {"assets", json::array{engine::asset_json(intent.base, settings_.chain.name),
                                              engine::asset_json(intent.quote, settings_.chain.name)}},
                       {"amount", format_amount(intent.amount, intent.base.decimals)},
                       {"amount_in", format_amount(swap.amount_in, swap.token_in.decimals)},
                       {"amount_out", format_amount(swap.amount_out, swap.token_out.decimals)},
                       {"price", price_of(intent, swap)},
                       {"notional_usd", engine::format_usd(priced.notional_usd_wad)},
                       {"paths", std::move(paths)},
                       {"pools", std::move(pools)},
                       {"fees", std::move(fees)},
                       {"price_impact", format_amount(swap.price_impact_wad, 18)},
                       {"ticks_crossed", std::move(ticks)},
                       {"estimated_cost", engine::to_json(priced.cost)},
                       {"block_number", swap.block_number},
                       {"block_hash", to_hex(swap.block_hash)}};
    if (bounded && swap.kind == engine::SwapKind::kExactInput)
      quote["min_amount_out"] = format_amount(swap.bound, swap.token_out.decimals);
    if (bounded && swap.kind == engine::SwapKind::kExactOutput)
      quote["max_amount_in"] = format_amount(swap.bound, swap.token_in.decimals);
    return quote;
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::Settings settings_;
  std::shared_ptr<MarketView> market_;
  gateway::Metrics& metrics_;
  Logger log_;
  RecordClient record_;
  bus::Subscription accepted_, plan_requests_, quote_requests_;
};

ExecutionPlanner::ExecutionPlanner(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExecutionPlanner::~ExecutionPlanner() {
  impl_->stop();
}

Task<Result<std::unique_ptr<ExecutionPlanner>>> ExecutionPlanner::start(std::shared_ptr<bus::Bus> bus,
                                                                        const engine::Settings& settings,
                                                                        std::shared_ptr<MarketView> market,
                                                                        gateway::Metrics& metrics) {
  auto impl = std::make_shared<Impl>(std::move(bus), settings, std::move(market), metrics);
  SEP_CO_CHECK(co_await impl->start());
  co_return std::unique_ptr<ExecutionPlanner>(new ExecutionPlanner(std::move(impl)));
}

}  // namespace sep::services
