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
            bus.subscribe(std::string(before_plan), "", [this](const bus::Message& m) { hear(m, true); }));
    subscriptions_.push_back(std::move(subscription));
    subscriptions_.push_back(
        bus.hear_announced(std::string(before_plan), [this](const bus::Message& m) { hear(m, false); }));
  }
  return {};
}

std::optional<std::vector<engine::Envelope>> HeardLives::take(const engine::Envelope& plan) {
  const auto found = lives_.find(plan.correlation_id);
  if (found == lives_.end()) return std::nullopt;
  auto& life = found->second;
  const bool whole = !life.events.empty() && life.events.size() + 1 == plan.sequence &&
                     life.events.back()->event_id == plan.causation_id;
  if (!whole) return std::nullopt;
  std::vector<engine::Envelope> events;
  for (const auto& event : life.events) events.push_back(*event);
  life.taken = life.events.size();
  life.events.clear();
  if (life.published == life.taken) lives_.erase(found);
  events.push_back(plan);
  return events;
}

void HeardLives::hear(const bus::Message& message, bool published) {
  auto read = event_of(message);
  if (!read) return;
  const auto& event = **read;
  if (lives_.size() >= kMost) lives_.clear();  // those that got no plan, mostly
  const auto known = lives_.try_emplace(event.correlation_id).first;
  auto& life = known->second;
  if (published) life.published = event.sequence;
  if (life.taken != 0) {
    if (life.published >= life.taken) lives_.erase(known);
    return;
  }
  auto& events = life.events;
  // One that was announced and is not what came on the record.
  if (published && event.sequence <= events.size() && events[event.sequence - 1]->event_id != event.event_id)
    events.resize(event.sequence - 1);
  const bool next = event.sequence == events.size() + 1 &&
                    (events.empty() || events.back()->event_id == event.causation_id);
  if (next) events.push_back(std::move(*read));
}

}  // namespace sep::services
