#include "services/heard_lives.h"

#include <utility>

#include "engine/topics.h"
#include "services/record_client.h"

namespace sep::services {
namespace {

constexpr std::size_t kMost = 4'000;  // intents on their way to a plan

}  // namespace

Status HeardLives::start(bus::Bus& bus) {
  namespace topic = engine::topic;
  for (const auto before_plan : {topic::kIntentSubmitted, topic::kRiskApproved, topic::kIntentAccepted}) {
    SEP_TRY(auto subscription,
            bus.subscribe(std::string(before_plan), "", [this](const bus::Message& m) { hear(m); }));
    subscriptions_.push_back(std::move(subscription));
  }
  return {};
}

std::optional<std::vector<engine::Envelope>> HeardLives::take(const engine::Envelope& plan) {
  auto found = lives_.extract(plan.correlation_id);
  if (!found || found.mapped().size() + 1 != plan.sequence) return std::nullopt;
  found.mapped().push_back(plan);
  return std::move(found.mapped());
}

void HeardLives::hear(const bus::Message& message) {
  auto event = event_of(message);
  if (!event) return;
  if (lives_.size() >= kMost) lives_.clear();  // those that got no plan, mostly
  auto& events = lives_[event->correlation_id];
  if (event->sequence == events.size() + 1) events.push_back(std::move(*event));
}

}  // namespace sep::services
