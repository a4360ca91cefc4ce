#include "engine/control.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/topics.h"

namespace sep::engine {
namespace {

/// `exec.started` begins work unless the same append ends the intent: a failure needs it before itself.
bool begins_work(std::span<const Envelope> events, State after) {
  // An execution that begins and ends in one append did nothing, unless it completed (on paper).
  const bool did_nothing = is_terminal(after) && after != State::kCompleted;
  return std::ranges::any_of(events, [&](const Envelope& event) {
    return event.topic == topic::kIntentAccepted || event.topic == topic::kPlanCreated ||
           (event.topic == topic::kExecStarted && !did_nothing);
  });
}

/// A signer's payload must speak of the signer that its correlation id names.
Status check_account(const Envelope& event) {
  const auto signer = signer_of(event.correlation_id);
  if (!signer) return {};
  SEP_TRY(const auto chain_id, get_uint(event.payload, "chainId"));
  SEP_TRY(const auto text, get_string(event.payload, "account"));
  SEP_TRY(const auto account, parse_address(text));
  if (SignerId{chain_id, account} == *signer) return {};
  return fail(errc::kInvalidEvent, "the payload names another account than the correlationId",
              "/payload/account");
}

ControlReason reason_of(const json::object& payload) {
  const auto nonce = get_uint(payload, "nonce");
  return {.reason = string_or(payload, "reason"),
          .detail = string_or(payload, "detail"),
          .by = string_or(payload, "by"),
          .nonce = nonce ? std::optional(*nonce) : std::nullopt};
}

std::unexpected<Error> refused(std::string_view code, std::string_view what, const Control& control) {
  return fail(code, fmt::format("{} {}", what, describe(control)));
}

}  // namespace

std::string_view to_string(ControlState state) {
  return state == ControlState::kHalted ? "halted" : "active";
}

json::object to_json(const Control& control) {
  json::object object{{"correlation_id", control.correlation_id},
                      {"state", to_string(control.state)},
                      {"sequence", control.sequence},
                      {"last_event_id", control.last_event_id},
                      {"since", to_rfc3339(control.since)},
                      {"reason", control.why.reason},
                      {"detail", control.why.detail},
                      {"by", control.why.by}};
  if (control.why.nonce) object["nonce"] = *control.why.nonce;
  return object;
}

Result<Control> control_from_json(const json::object& object) {
  const auto read = [&]() -> Result<Control> {
    Control control;
    SEP_TRY(control.correlation_id, get_string(object, "correlation_id"));
    SEP_TRY(const auto state, get_string(object, "state"));
    SEP_TRY(control.sequence, get_uint(object, "sequence"));
    SEP_TRY(control.last_event_id, get_string(object, "last_event_id"));
    SEP_TRY(const auto since, get_string(object, "since"));
    SEP_TRY(control.since, parse_rfc3339(since));
    control.state = state == to_string(ControlState::kHalted) ? ControlState::kHalted : ControlState::kActive;
    control.why = reason_of(object);
    return control;
  };
  auto result = read();
  if (!result) return fail(errc::kInvalidEvent, result.error().detail, result.error().pointer);
  return result;
}

std::string describe(const Control& control) {
  const auto& why = control.why;
  return fmt::format("since {} by {} ({}{}{})", to_rfc3339(control.since), why.by, why.reason,
                     why.detail.empty() ? "" : ": ", why.detail);
}

bool is_control(std::string_view correlation_id) {
  return correlation_id == kControlCorrelation || signer_of(correlation_id).has_value();
}

std::string_view control_topic(std::string_view correlation_id, ControlState to) {
  if (correlation_id == kControlCorrelation)
    return to == ControlState::kHalted ? topic::kControlHalted : topic::kControlResumed;
  return to == ControlState::kHalted ? topic::kSignerHalted : topic::kSignerResumed;
}

json::object control_payload(std::string_view correlation_id, const ControlReason& why) {
  json::object payload{{"reason", why.reason}, {"detail", why.detail}, {"by", why.by}};
  if (const auto signer = signer_of(correlation_id)) {
    payload["chainId"] = signer->chain_id;
    payload["account"] = to_hex(signer->account);
    if (why.nonce) payload["nonce"] = *why.nonce;
  }
  return payload;
}

Control control_after(const Envelope& event) {
  const bool halts = event.topic == control_topic(event.correlation_id, ControlState::kHalted);
  return {.correlation_id = event.correlation_id,
          .sequence = event.sequence,
          .last_event_id = event.event_id,
          .state = halts ? ControlState::kHalted : ControlState::kActive,
          .since = event.timestamp,
          .why = reason_of(event.payload)};
}

Result<Control> advance_control(const std::optional<Control>& control, std::span<const Envelope> events) {
  if (events.empty()) return fail(errc::kInvalidEvent, "an append needs at least one event");
  auto current = control.value_or(Control{.correlation_id = events.front().correlation_id});
  for (const auto& event : events) {
    if (event.correlation_id != current.correlation_id)
      return fail(errc::kInvalidEvent, "the events of one append must have one correlationId",
                  "/correlationId");
    SEP_CHECK(check_next(event, current.sequence, current.last_event_id));
    const auto to = current.halted() ? ControlState::kActive : ControlState::kHalted;
    if (event.topic != control_topic(event.correlation_id, to)) {
      if (event.topic != control_topic(event.correlation_id, current.state))
        return fail(errc::kInvalidEvent,
                    fmt::format("{} is no event of {}", event.topic, event.correlation_id), "/topic");
      return fail(
          errc::kIllegalTransition,
          fmt::format("{} is {} already{}{}", event.correlation_id, to_string(current.state),
                      current.sequence == 0 ? "" : " ", current.sequence == 0 ? "" : describe(current)));
    }
    SEP_CHECK(check_account(event));
    current = control_after(event);
  }
  return current;
}

const Control* halted(const Controls& controls, std::string_view correlation_id) {
  const auto found = controls.find(correlation_id);
  return found != controls.end() && found->second.halted() ? &found->second : nullptr;
}

bool any_halted(const Controls& controls) {
  return std::ranges::any_of(controls, [](const auto& entry) { return entry.second.halted(); });
}

Status admit(const Controls& controls, std::span<const Envelope> events, State after,
             std::span<const NonceAsked> nonces) {
  const auto* control = halted(controls, kControlCorrelation);
  if (control != nullptr && begins_work(events, after))
    return refused(errc::kKillSwitch, "all new work is halted", *control);
  for (const auto& nonce : nonces) {
    if (nonce.held) continue;
    if (control != nullptr) return refused(errc::kKillSwitch, "all new work is halted", *control);
    if (const auto* signer = halted(controls, correlation_of(nonce.signer)))
      return refused(errc::kSignerHalted,
                     fmt::format("account {} is halted", to_checksum(nonce.signer.account)), *signer);
  }
  return {};
}

}  // namespace sep::engine
