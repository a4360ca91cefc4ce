#pragma once
// The topics of events; each is also its NATS subject.
#include <algorithm>
#include <array>
#include <string_view>

namespace sep::engine::topic {

inline constexpr std::string_view kIntentSubmitted = "intent.submitted";
inline constexpr std::string_view kRiskApproved = "risk.approved";
inline constexpr std::string_view kRiskRejected = "risk.rejected";
inline constexpr std::string_view kIntentAccepted = "intent.accepted";
inline constexpr std::string_view kPlanCreated = "plan.created";
inline constexpr std::string_view kPlanRejected = "plan.rejected";
inline constexpr std::string_view kExecStarted = "exec.started";
inline constexpr std::string_view kExecStepPrepared = "exec.step_prepared";
inline constexpr std::string_view kExecStepSubmitted = "exec.step_submitted";
inline constexpr std::string_view kExecStepFilled = "exec.step_filled";
inline constexpr std::string_view kExecStepReverted = "exec.step_reverted";
inline constexpr std::string_view kExecStepReorged = "exec.step_reorged";
inline constexpr std::string_view kExecCompleted = "exec.completed";
inline constexpr std::string_view kExecFailed = "exec.failed";
inline constexpr std::string_view kIntentExpired = "intent.expired";
inline constexpr std::string_view kIntentCancelRequested = "intent.cancel_requested";
inline constexpr std::string_view kIntentCancelled = "intent.cancelled";

inline constexpr std::string_view kControlHalted = "control.halted";
inline constexpr std::string_view kControlResumed = "control.resumed";
inline constexpr std::string_view kSignerHalted = "signer.halted";
inline constexpr std::string_view kSignerResumed = "signer.resumed";

/// Of an intent's life.
inline constexpr std::array kOfIntents = {
    kIntentSubmitted,       kRiskApproved,    kRiskRejected,     kIntentAccepted,    kPlanCreated,
    kPlanRejected,          kExecStarted,     kExecStepPrepared, kExecStepSubmitted, kExecStepFilled,
    kExecStepReverted,      kExecStepReorged, kExecCompleted,    kExecFailed,        kIntentExpired,
    kIntentCancelRequested, kIntentCancelled};
/// Those that end an intent.
inline constexpr std::array kEndings = {kExecCompleted, kExecFailed,    kRiskRejected,
                                        kPlanRejected,  kIntentExpired, kIntentCancelled};
constexpr bool ends_an_intent(std::string_view topic) {
  return std::ranges::find(kEndings, topic) != kEndings.end();
}
/// Of what can be halted (engine/control.h).
inline constexpr std::array kOfControls = {kControlHalted, kControlResumed, kSignerHalted, kSignerResumed};

inline constexpr auto kAll = [] {
  std::array<std::string_view, kOfIntents.size() + kOfControls.size()> all;
  std::ranges::copy(kOfControls, std::ranges::copy(kOfIntents, all.begin()).out);
  return all;
}();

// --- patterns: tokens of [A-Za-z0-9_-] parted by dots, `*` for one token, a last `>` for one or more

/// Cuts the first token off `text`.
constexpr std::string_view take_token(std::string_view& text) {
  const auto dot = text.find('.');
  const auto token = text.substr(0, dot);
  text = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
  return token;
}
constexpr bool is_pattern(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (text.empty() || text.ends_with('.')) return false;
  while (!text.empty()) {
    const auto token = take_token(text);
    if (token == ">") return text.empty();
    if (token != "*" && (token.empty() || !std::ranges::all_of(token, is_letter))) return false;
  }
  return true;
}
/// NATS's matching of subjects.
constexpr bool matches(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const auto expected = take_token(pattern);
    if (expected == ">") return true;
    const auto token = take_token(subject);
    if (expected != "*" && expected != token) return false;
  }
  return pattern.empty() && subject.empty();
}

}  // namespace sep::engine::topic
