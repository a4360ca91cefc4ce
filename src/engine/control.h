#pragma once
// What can be halted: all new work (the kill switch, correlation id "control"), and each account that signs
// ("signer-<chain id>-<account>"). Each has a life of its own on the record, beside the intents': active
// until the first event, then halted and active in turn.
//
// Entry points: advance_control() (what may follow), admit() (what may enter the record while something is
// halted). The state coordinator holds both at every commit, so that they are exact in the record's order:
// Invariants
//  1. Between control.halted and control.resumed the record has no event that begins work: no
//  intent.accepted,
//     no plan.created, no exec.started that is not ended in the same append, no nonce new to its intent.
//  2. Between signer.halted and signer.resumed no intent gets a nonce of the account that it did not hold.
//  3. Everything else is always admitted: new intents (risk rejects them), and whatever is in flight, with
//     replacements and cancellations at the nonces that it holds, to its end.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "engine/envelope.h"
#include "engine/lifecycle.h"

namespace sep::engine {

enum class ControlState { kActive, kHalted };
/// "active", "halted"
std::string_view to_string(ControlState state);

/// Why somebody halts or resumes.
struct ControlReason {
  std::string reason;                    // a code of base/errors.h
  std::string detail{};                  // a sentence for a person; may be empty
  std::string by{};                      // user@host of a shell, or a service
  std::optional<std::uint64_t> nonce{};  // signer.halted: the one that somebody else used

  bool operator==(const ControlReason&) const = default;
};

/// The present end of a control's events, and what the last one said.
struct Control {
  std::string correlation_id;
  std::uint64_t sequence = 0;
  std::string last_event_id;
  ControlState state = ControlState::kActive;
  Timestamp since;  // of the last event
  ControlReason why;

  bool halted() const { return state == ControlState::kHalted; }
  bool operator==(const Control&) const = default;
};

/// {correlation_id, state, sequence, last_event_id, since, reason, detail, by, nonce?}
json::object to_json(const Control& control);
/// INVALID_EVENT
Result<Control> control_from_json(const json::object& object);
/// "since 2026-08-21T19:26:00.000Z by ops@treasury-1 (USER_REQUEST: the pools look wrong)"
std::string describe(const Control& control);

/// Whether the id is one of a control, not of an intent.
bool is_control(std::string_view correlation_id);

/// What brings the control into the state: topic and payload of its event.
std::string_view control_topic(std::string_view correlation_id, ControlState to);
json::object control_payload(std::string_view correlation_id, const ControlReason& why);

/// The control as one of its events leaves it, whatever it was before.
Control control_after(const Envelope& event);

/// The control after `events` (all its own, consecutive) are appended to `control` (none: it has no event
/// yet, and is active).
///
/// SEQUENCE_CONFLICT: an event is not the next one, or its causation is not the event before it.
/// ILLEGAL_TRANSITION: halted already, or active already. INVALID_EVENT: empty, of several controls, with a
/// topic that is not the control's, or with a payload that names another account.
Result<Control> advance_control(const std::optional<Control>& control, std::span<const Envelope> events);

/// By correlation id; what has no event is absent, and active.
using Controls = std::map<std::string, Control, std::less<>>;
/// The control where it is halted.
const Control* halted(const Controls& controls, std::string_view correlation_id);
bool any_halted(const Controls& controls);

/// A nonce that an append asks for.
struct NonceAsked {
  SignerId signer;
  bool held = false;  // its intent has it on the record already
};

/// Whether an append of one intent, legal by the lifecycle and leading to the state `after`, may enter the
/// record. KILL_SWITCH or SIGNER_HALTED, with who halted it, since when and why.
Status admit(const Controls& controls, std::span<const Envelope> events, State after,
             std::span<const NonceAsked> nonces);

}  // namespace sep::engine
