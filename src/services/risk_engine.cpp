#include "services/risk_engine.h"

#include "engine/plan.h"
#include "engine/risk.h"
#include "engine/valuation.h"
#include "services/control_view.h"
#include "services/subjects.h"

namespace sep::services {
namespace {

/// An intent that the record holds but today's configuration does not know is refused like a check that
/// failed.
json::object refusal(const Error& error) {
  return {{"approved", false}, {"reason", error.code}, {"detail", error.detail}, {"checks", json::array()}};
}

RiskQuestion question_of(const json::object& document) {
  return {document, string_or(document, "intent_id"), document.contains("asked_again"),
          get_bool(document, "executing").value_or(false)};
}

/// Nothing can be decided yet: to be asked again.
json::object undecided(const Error& error) {
  return {{"reason", error.code}, {"detail", error.detail}};
}

}  // namespace

class RiskEngine::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings, std::shared_ptr<MarketView> market)
      : bus_(std::move(bus)), settings_(settings), market_(std::move(market)), record_(bus_) {}

  Status start() {
    SEP_TRY(controls_, ControlView::start(bus_, {}));
    SEP_TRY(requests_, bus_->serve(subject::kRiskEvaluate, "risk",
                                   [self = shared_from_this()](bus::Message message) -> Task<std::string> {
                                     if (const auto* handed = std::any_cast<RiskQuestion>(&message.object))
                                       co_return json::serialize(co_await self->evaluate(*handed));
                                     auto question = parse_json(message.body);
                                     if (!question || !question->is_object())
                                       co_return json::serialize(refusal(
                                           {errc::kInvalidValue, "a question must be an object", {}}));
                                     co_return json::serialize(
                                         co_await self->evaluate(question_of(question->get_object())));
                                   }));
    return {};
  }
  void stop() {
    requests_.reset();
    if (controls_) controls_->stop();
  }

 private:
  Task<json::object> evaluate(RiskQuestion question) {
    const auto self = shared_from_this();
    const auto document = object_at(question.payload, "intent");
    if (!document) co_return refusal(document.error());
    const auto intent = engine::parse_intent(**document, settings_.chain);
    if (!intent) co_return refusal(intent.error().front());
    auto standing = co_await standing_of(intent->strategy_id, question);
    if (!standing) co_return undecided(standing.error());
    const auto decide = [&] {
      return engine::decide_risk({*intent, notional(*intent), standing->open, standing->halted},
                                 settings_.risk);
    };
    auto decision = decide();
    if (decision.reason() == errc::kStaleMarket) {
      (void)co_await market_->settle(settings_.market);
      decision = decide();
    }
    // What refuses it whatever it is worth is said at once; what it is worth is waited for.
    if (decision.reason() == errc::kStaleMarket)
      co_return undecided({errc::kStaleMarket, decision.detail(), {}});
    json::object reply{{"approved", decision.approved()},
                       {"notional_usd", engine::format_usd(decision.notional_usd_wad)},
                       {"checks", engine::to_json(decision.checks)}};
    if (!decision.approved()) {
      reply["reason"] = decision.reason();
      reply["detail"] = decision.detail();
    }
    co_return reply;
  }

  struct Standing {
    std::optional<std::uint64_t> open;  // of RiskInput
    std::string halted;                 // of RiskInput
  };
  /// What is heard of halts may be late, and costs nothing; whoever was refused for it asks again, and then
  /// it is the record that answers. One that is `executing` was let in before: those that came since are not
  /// counted against it.
  Task<Result<Standing>> standing_of(std::string strategy_id, const RiskQuestion& question) {
    const auto self = shared_from_this();
    Standing standing;
    const bool counts = settings_.risk.max_open_intents != 0 && !question.executing;
    if (!counts && !question.asked_again) {
      if (const auto* control = controls_->halted(engine::kControlCorrelation))
        standing.halted = describe(*control);
      co_return standing;
    }
    SEP_CO_TRY(const auto answer,
               co_await record_.query(subject::kOpenIntents,
                                      {{"strategy_id", std::move(strategy_id)},
                                       {"correlation_id", engine::correlation_of(question.intent_id)}}));
    if (counts) {
      SEP_CO_TRY(standing.open, get_uint(answer, "open"));
    }
    if (const auto* known = answer.if_contains("control"); known != nullptr && known->is_object()) {
      SEP_CO_TRY(const auto control, engine::control_from_json(known->get_object()));
      if (control.halted()) standing.halted = describe(control);
    }
    co_return standing;
  }

  Result<Uint256> notional(const engine::Intent& intent) const {
    SEP_CHECK(market_->state().check_fresh(now(), settings_.market));
    return market_->pools().valuation.usd(intent.base, intent.amount);
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::Settings settings_;
  std::shared_ptr<MarketView> market_;
  RecordClient record_;
  std::shared_ptr<ControlView> controls_;
  bus::Subscription requests_;
};

RiskEngine::RiskEngine(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
RiskEngine::~RiskEngine() {
  impl_->stop();
}

Result<std::unique_ptr<RiskEngine>> RiskEngine::start(std::shared_ptr<bus::Bus> bus,
                                                      const engine::Settings& settings,
                                                      std::shared_ptr<MarketView> market) {
  auto impl = std::make_shared<Impl>(std::move(bus), settings, std::move(market));
  SEP_CHECK(impl->start());
  return std::unique_ptr<RiskEngine>(new RiskEngine(std::move(impl)));
}

}  // namespace sep::services
