#include "engine/lifecycle.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/topics.h"

namespace sep::engine {
namespace {

constexpr std::array<std::pair<State, std::string_view>, kAllStates.size()> kNames = {{
    {State::kSubmitted, "submitted"},
    {State::kAccepted, "accepted"},
    {State::kPlanned, "planned"},
    {State::kExecuting, "executing"},
    {State::kCompleted, "completed"},
    {State::kFailed, "failed"},
    {State::kRiskRejected, "risk_rejected"},
    {State::kPlanRejected, "plan_rejected"},
    {State::kExpired, "expired"},
    {State::kCancelled, "cancelled"},
}};

/// One arrow of the picture in the header.
struct Transition {
  State from;
  std::string_view topic;
  State to;
};

constexpr std::array kTransitions = {
    Transition{State::kSubmitted, topic::kRiskApproved, State::kSubmitted},
    Transition{State::kSubmitted, topic::kRiskRejected, State::kRiskRejected},
    Transition{State::kSubmitted, topic::kIntentAccepted, State::kAccepted},
    Transition{State::kAccepted, topic::kPlanCreated, State::kPlanned},
    Transition{State::kAccepted, topic::kPlanRejected, State::kPlanRejected},
    Transition{State::kPlanned, topic::kExecStarted, State::kExecuting},
    Transition{State::kPlanned, topic::kRiskApproved, State::kPlanned},
    Transition{State::kPlanned, topic::kPlanCreated, State::kPlanned},
    Transition{State::kExecuting, topic::kRiskApproved, State::kExecuting},
    Transition{State::kExecuting, topic::kPlanCreated, State::kPlanned},
    Transition{State::kExecuting, topic::kExecStepPrepared, State::kExecuting},
    Transition{State::kExecuting, topic::kExecStepSubmitted, State::kExecuting},
    Transition{State::kExecuting, topic::kExecStepFilled, State::kExecuting},
    Transition{State::kExecuting, topic::kExecStepReverted, State::kExecuting},
    Transition{State::kExecuting, topic::kExecStepReorged, State::kExecuting},
    Transition{State::kExecuting, topic::kExecCompleted, State::kCompleted},
    Transition{State::kExecuting, topic::kExecFailed, State::kFailed},
};

std::optional<State> next_state(State from, std::string_view event_topic) {
  if (is_terminal(from)) return std::nullopt;
  if (event_topic == topic::kIntentCancelRequested) return from;
  if (event_topic == topic::kIntentCancelled) return State::kCancelled;
  if (event_topic == topic::kIntentExpired) return State::kExpired;
  const auto* found = std::ranges::find_if(
      kTransitions, [&](const Transition& t) { return t.from == from && t.topic == event_topic; });
  return found == kTransitions.end() ? std::nullopt : std::optional(found->to);
}

/// `intent.accepted`, and a plan that replaces another, need the risk engine's word right before them.
bool needs_approval(State from, std::string_view event_topic) {
  return event_topic == topic::kIntentAccepted ||
         (event_topic == topic::kPlanCreated && from != State::kAccepted);
}

std::unexpected<Error> illegal(std::string_view event_topic, std::string_view where) {
  return fail(errc::kIllegalTransition, fmt::format("{} is not legal {}", event_topic, where));
}

}  // namespace

std::string_view to_string(State state) {
  return std::ranges::find(kNames, state, &std::pair<State, std::string_view>::first)->second;
}

std::optional<State> parse_state(std::string_view text) {
  const auto* found = std::ranges::find(kNames, text, &std::pair<State, std::string_view>::second);
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

bool is_terminal(State state) {
  return state >= State::kCompleted;
}

Result<IntentHead> advance_head(const std::optional<IntentHead>& head, std::span<const Envelope> events) {
  if (events.empty()) return fail(errc::kInvalidEvent, "an append needs at least one event");
  auto state = head ? std::optional(head->state) : std::nullopt;
  std::uint64_t sequence = head ? head->sequence : 0;
  std::string_view last_event_id = head ? std::string_view(head->last_event_id) : "";
  bool approved = false;  // by the event before
  for (const auto& event : events) {
    if (event.correlation_id != events.front().correlation_id)
      return fail(errc::kInvalidEvent, "the events of one append must be of one intent", "/correlationId");
    SEP_CHECK(check_next(event, sequence, last_event_id));
    if (!state && event.topic != topic::kIntentSubmitted)
      return illegal(event.topic, "as an intent's first event");
    const auto after = state ? next_state(*state, event.topic) : State::kSubmitted;
    if (!after) return illegal(event.topic, fmt::format("in state {}", to_string(*state)));
    if (state && needs_approval(*state, event.topic) && !approved)
      return illegal(event.topic, "without risk.approved right before it");
    approved = event.topic == topic::kRiskApproved;
    state = after;
    sequence = event.sequence;
    last_event_id = event.event_id;
  }
  if (approved) return illegal(topic::kRiskApproved, "without the decision that it permits");
  return IntentHead{sequence, std::string(last_event_id), *state};
}

}  // namespace sep::engine
