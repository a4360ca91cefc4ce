#include "services/intent_manager.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.h"
#include "engine/topics.h"
#include "services/async.h"
#include "services/subjects.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::EventDraft;
using engine::State;

constexpr auto kRiskTimeout = 3s;
/// How soon risk is asked again about what could not be decided, as while the market is not loaded.
constexpr auto kRetryDelay = 300ms;
/// How often windows are looked at; an intent may outlive its window by as much while nothing executes it.
constexpr auto kExpiryInterval = 500ms;

bool executes(State state) {
  return state == State::kExecuting;
}

}  // namespace

class IntentManager::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::RiskSettings& limits, gateway::Metrics& metrics)
      : bus_(std::move(bus)),
        early_(limits.max_open_intents == 0),
        metrics_(metrics),
        log_(logger("intent-manager")),
        record_(bus_),
        timer_(bus_->executor()) {}

  Task<Status> start() {
    auto self = shared_from_this();
    SEP_CO_TRY(submitted_,
               co_await bus_->consume({.stream = "EVENTS",
                                       .durable = "intents-workers",
                                       .deliver_group = "intents.workers",
                                       .filter_subject = std::string(engine::topic::kIntentSubmitted),
                                       .early = early_},
                                      [self](bus::Message m) { return self->submitted(std::move(m)); }));
    SEP_CO_TRY(cancels_, co_await bus_->consume(
                             {.stream = "EVENTS",
                              .durable = "intents-cancels",
                              .deliver_group = "intents.cancels",
                              .filter_subject = std::string(engine::topic::kIntentCancelRequested)},
                             [self](bus::Message m) { return self->cancel_requested(std::move(m)); }));
    asio::co_spawn(bus_->executor(), expire_loop(), [self](std::exception_ptr) {});
    co_return Status{};
  }

  void stop() {
    stopping_ = true;
    submitted_.reset();
    cancels_.reset();
    timer_.cancel();
  }

 private:
  /// intent.submitted → risk.approved and intent.accepted, or risk.rejected.
  Task<bus::Verdict> submitted(bus::Message message) {
    const auto self = shared_from_this();
    const auto read = event_of(message);
    if (!read) co_return bus::Verdict::dead(read.error().detail);
    const auto& event = **read;
    engine::IntentHead head{event.sequence, event.event_id, State::kSubmitted};
    if (message.deliveries > 1) {
      const auto present = co_await record_.head(event.correlation_id);
      if (!present) co_return without_head(present.error());
      if (present->state != State::kSubmitted) co_return bus::Verdict::ack();
      head = *present;
    }
    const auto& intent_id = event.payload.at("intentId");
    gateway::StageTimer timed(metrics_, gateway::stage::kRisk);
    const auto decision =
        co_await ask_risk({event.payload, std::string(intent_id.as_string()), message.deliveries > 1});
    timed.stop();
    if (!decision) {
      log_->warn("{}: not decided yet: {}", event.correlation_id, decision.error().detail);
      co_return co_await record_.wait_at(head, event.correlation_id, kRetryDelay);
    }
    std::vector<EventDraft> drafts;
    if (decision->at("approved").as_bool()) {
      drafts.push_back({engine::topic::kRiskApproved,
                        {{"intentId", intent_id},
                         {"notionalUsd", decision->at("notional_usd")},
                         {"checks", decision->at("checks")}}});
      // It says the same: the intent as it was submitted.
      drafts.push_back({engine::topic::kIntentAccepted, event.payload});
    } else {
      drafts.push_back({engine::topic::kRiskRejected,
                        {{"intentId", intent_id},
                         {"reason", decision->at("reason")},
                         {"detail", decision->at("detail")},
                         {"checks", decision->at("checks")}}});
    }
    co_return co_await record_.append_decision(event.correlation_id, head, std::move(drafts));
  }

  Task<bus::Verdict> cancel_requested(bus::Message message) {
    const auto self = shared_from_this();
    const auto read = event_of(message);
    if (!read) co_return bus::Verdict::dead(read.error().detail);
    const auto& event = **read;
    const auto head = co_await record_.head(event.correlation_id);
    if (!head) co_return without_head(head.error());
    if (engine::is_terminal(head->state) || executes(head->state)) co_return bus::Verdict::ack();
    co_return co_await record_.append_decision(
        event.correlation_id, *head,
        {{engine::topic::kIntentCancelled, {{"intentId", engine::intent_id_of(event.correlation_id)}}}});
  }

  Task<void> expire_loop() {
    const auto self = shared_from_this();
    while (!stopping_) {
      co_await wait(timer_, kExpiryInterval);
      if (stopping_) co_return;
      const auto intents = co_await record_.unfinished();
      if (!intents) continue;
      for (const auto& intent : *intents) {
        if (intent.deadline > now() || executes(intent.head.state)) continue;
        co_await record_.append_decision(
            intent.correlation_id, intent.head,
            {{engine::topic::kIntentExpired,
              {{"intentId", engine::intent_id_of(intent.correlation_id)}, {"reason", errc::kTimeWindow}}}});
      }
    }
  }

  Task<Result<json::object>> ask_risk(RiskQuestion question) {
    const auto text = [question] {
      json::object body{{"intent_id", question.intent_id}, {"intent", question.payload.at("intent")}};
      if (question.asked_again) body["asked_again"] = true;
      return json::serialize(body);
    };
    SEP_CO_TRY(const auto reply,
               co_await bus_->request(subject::kRiskEvaluate, question, text, kRiskTimeout));
    SEP_CO_TRY(auto value, parse_json(reply));
    if (!value.is_object()) co_return fail(errc::kInternal, "the risk engine's answer is malformed");
    if (!value.get_object().contains("approved"))
      co_return fail(errc::kNotReady, string_or(value.get_object(), "detail"));
    co_return std::move(value.get_object());
  }

  std::shared_ptr<bus::Bus> bus_;
  /// Open intents are counted on the record: where they are limited, one is there before it is judged.
  const bool early_;
  gateway::Metrics& metrics_;
  Logger log_;
  RecordClient record_;
  asio::steady_timer timer_;
  bus::Subscription submitted_, cancels_;
  bool stopping_ = false;
};

IntentManager::IntentManager(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
IntentManager::~IntentManager() {
  impl_->stop();
}

Task<Result<std::unique_ptr<IntentManager>>> IntentManager::start(std::shared_ptr<bus::Bus> bus,
                                                                  const engine::RiskSettings& limits,
                                                                  gateway::Metrics& metrics) {
  auto impl = std::make_shared<Impl>(std::move(bus), limits, metrics);
  SEP_CO_CHECK(co_await impl->start());
  co_return std::unique_ptr<IntentManager>(new IntentManager(std::move(impl)));
}

}  // namespace sep::services
