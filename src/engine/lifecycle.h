#pragma once
// The life of an intent: which event may follow in which state, and the state after it.
//
//   submitted ─▶ accepted ─▶ planned ─▶ executing ─▶ completed
//       │            │           │           ├─▶ failed
//       ▼            ▼           │           │
//   risk_rejected plan_rejected  └───────────┴─▶ expired | cancelled     (from any state that is not
//   terminal)
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "engine/envelope.h"

namespace sep::engine {

enum class State {
  kSubmitted,
  kAccepted,
  kPlanned,
  kExecuting,
  kCompleted,
  kFailed,
  kRiskRejected,
  kPlanRejected,
  kExpired,
  kCancelled,
};

inline constexpr std::array kAllStates = {
    State::kSubmitted, State::kAccepted,     State::kPlanned,      State::kExecuting, State::kCompleted,
    State::kFailed,    State::kRiskRejected, State::kPlanRejected, State::kExpired,   State::kCancelled};

/// The wire name: "risk_rejected".
std::string_view to_string(State state);
std::optional<State> parse_state(std::string_view text);
/// True where nothing may follow.
bool is_terminal(State state);

/// The present end of an intent's events.
struct IntentHead {
  std::uint64_t sequence = 0;
  std::string last_event_id;
  State state = State::kSubmitted;

  bool operator==(const IntentHead&) const = default;
};

/// The head after `events` (of one intent, consecutive) are appended to `head` (none: a new intent).
///
/// SEQUENCE_CONFLICT: an event is not the next one, or its causation is not the event before it.
/// ILLEGAL_TRANSITION: the lifecycle does not allow it. INVALID_EVENT: empty, or of several intents.
/// `risk.approved` decides nothing by itself: it is legal only with what it permits (`intent.accepted`, or a
/// new `plan.created`) right behind it in the same append.
Result<IntentHead> advance_head(const std::optional<IntentHead>& head, std::span<const Envelope> events);

}  // namespace sep::engine
