#include "services/record_client.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "base/ulid.h"
#include "services/append_request.h"
#include "services/async.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
constexpr auto kAppendTimeout = 3s;
constexpr auto kAppendPatience = 10s;  // over all tries: another coordinator takes over in less
constexpr auto kQueryTimeout = 5s;
constexpr auto kRetryDelay = 150ms;
constexpr auto kDecisionRetry = 300ms;
constexpr int kControlTries = 5;

engine::RecordAppend record_append(AppendRequest request) {
  engine::RecordAppend append{.events = std::move(request.events)};
  for (auto& event : append.events) event.payload = event.payload.for_another_thread();
  if (append.events.empty()) return append;  // which the coordinator refuses
  const auto& id = append.correlation_id();
  if (request.idempotency)
    append.idempotency = {std::move(request.idempotency->key), std::move(request.idempotency->body_hash), id};
  for (const auto& nonce : request.nonces)
    append.nonces.push_back({nonce.chain_id, to_hex(nonce.account), nonce.nonce, id});
  return append;
}

Result<engine::IntentHead> head_from(const json::object& object) {
  engine::IntentHead head;
  SEP_TRY(head.sequence, get_uint(object, "sequence"));
  SEP_TRY(head.last_event_id, get_string(object, "last_event_id"));
  SEP_TRY(const auto name, get_string(object, "state"));
  const auto state = engine::parse_state(name);
  if (!state) return fail(errc::kInternal, "unknown state " + name);
  head.state = *state;
  return head;
}

Result<AppendAnswer> append_answer(const std::string& text) {
  // By far the most, and there is no more to know of it.
  if (text.starts_with(R"({"status":"committed")")) return AppendAnswer{};
  SEP_TRY(const auto value, parse_json(text));
  if (!value.is_object()) return fail(errc::kInternal, "the coordinator's answer is not an object");
  const auto& object = value.get_object();
  SEP_TRY(const auto status, get_string(object, "status"));
  AppendAnswer answer;
  answer.reason = string_or(object, "reason");
  answer.detail = string_or(object, "detail");
  if (status == "error") return fail(known_code(answer.reason), answer.detail);
  answer.status = status == "committed"   ? AppendAnswer::Status::kCommitted
                  : status == "duplicate" ? AppendAnswer::Status::kDuplicate
                                          : AppendAnswer::Status::kConflict;
  if (const auto* head = object.if_contains("head"); head != nullptr && head->is_object()) {
    SEP_TRY(answer.head, head_from(head->get_object()));
  }
  if (const auto* known = object.if_contains("idempotency"); known != nullptr && known->is_object())
    answer.idempotency = {string_or(known->get_object(), "correlation_id"),
                          string_or(known->get_object(), "body_hash")};
  return answer;
}

Result<std::vector<engine::Envelope>> events_from(const json::object& answer) {
  SEP_TRY(auto list, get_array(answer, "events"));
  std::vector<engine::Envelope> events;
  for (auto& element : list) {
    SEP_TRY(events.emplace_back(), engine::envelope_from_json(std::move(element)));
  }
  return events;
}

Result<UnfinishedIntent> unfinished_intent(const json::value& element) {
  if (!element.is_object()) return fail(errc::kInternal, "\"intents\" must hold objects");
  const auto& object = element.get_object();
  UnfinishedIntent intent;
  SEP_TRY(intent.correlation_id, get_string(object, "correlation_id"));
  SEP_TRY(intent.strategy_id, get_string(object, "strategy_id"));
  SEP_TRY(intent.head, head_from(object));
  SEP_TRY(intent.deadline.ms, get_int(object, "deadline_ms"));
  return intent;
}

bool worth_another_try(const Error& error) {
  return error.code == errc::kTimeout || error.code == errc::kBusUnavailable ||
         error.code == errc::kStoreUnavailable || error.code == errc::kNotReady;
}

}  // namespace

std::string_view known_code(std::string_view code) {
  const auto* found = std::ranges::find(errc::kAll, code);
  return found == errc::kAll.end() ? errc::kInternal : *found;
}

Result<engine::SharedEvent> event_of(const bus::Message& message) {
  if (const auto* event = std::any_cast<engine::SharedEvent>(&message.object)) return *event;
  SEP_TRY(auto event, engine::parse_envelope(message.body));
  return std::make_shared<const engine::Envelope>(std::move(event));
}

bus::Verdict without_head(const Error& why) {
  return why.code == errc::kNotFound ? bus::Verdict::dead("its intent is not on the record")
                                     : bus::Verdict::wait(kDecisionRetry);
}

std::vector<engine::Envelope> next_events(const std::string& correlation_id,
                                          const std::optional<engine::IntentHead>& head,
                                          std::vector<engine::EventDraft> drafts, Timestamp at) {
  std::vector<engine::Envelope> events;
  auto cause = head ? head->last_event_id : correlation_id;
  auto sequence = head ? head->sequence : 0;
  for (auto& draft : drafts) {
    engine::Envelope event;
    event.event_id = new_ulid();
    event.timestamp = at;
    event.topic = draft.topic;
    event.correlation_id = correlation_id;
    event.causation_id = std::exchange(cause, event.event_id);
    event.sequence = ++sequence;
    event.payload = std::move(draft.payload);
    events.push_back(std::move(event));
  }
  return events;
}

Task<Result<AppendAnswer>> RecordClient::append(AppendRequest request) {
  const auto append = std::make_shared<const engine::RecordAppend>(record_append(std::move(request)));
  const auto text = [append] { return append_text(*append); };
  const auto give_up = std::chrono::steady_clock::now() + kAppendPatience;
  for (;;) {
    auto reply = co_await bus_->request(subject::kAppend, append, text, kAppendTimeout);
    auto answer = reply ? append_answer(*reply) : Result<AppendAnswer>(fail(std::move(reply.error())));
    if (answer || !worth_another_try(answer.error()) ||
        std::chrono::steady_clock::now() + kRetryDelay > give_up)
      co_return answer;
    co_await pause(bus_->executor(), kRetryDelay);
  }
}

Task<bus::Verdict> RecordClient::append_decision(std::string correlation_id, engine::IntentHead head,
                                                 std::vector<engine::EventDraft> drafts, Instead instead) {
  AppendRequest request;
  request.events = next_events(correlation_id, head, std::move(drafts), now());
  auto answer = co_await append(std::move(request));
  if (answer && answer->halted() && instead) {
    AppendRequest other;
    other.events =
        next_events(correlation_id, head, instead(known_code(answer->reason), answer->detail), now());
    answer = co_await append(std::move(other));
  }
  if (!answer) {
    logger("record-client")->warn("{}: {}: {}", correlation_id, answer.error().code, answer.error().detail);
    if (answer.error().code == errc::kInvalidEvent) co_return bus::Verdict::dead(answer.error().detail);
    co_return bus::Verdict::wait(kDecisionRetry);
  }
  if (answer->on_record() || (answer->head && engine::is_terminal(answer->head->state)))
    co_return bus::Verdict::ack();
  co_return bus::Verdict::retry(0ms, answer->detail);
}

Task<bus::Verdict> RecordClient::wait_at(engine::IntentHead head, std::string correlation_id,
                                         std::chrono::milliseconds delay) {
  const auto present = co_await this->head(std::move(correlation_id));
  if (!present) co_return without_head(present.error());
  const bool gone_on = present->sequence > head.sequence && present->state != head.state;
  co_return gone_on ? bus::Verdict::ack() : bus::Verdict::wait(delay);
}

Task<Result<engine::IntentHead>> RecordClient::head(std::string correlation_id) {
  SEP_CO_TRY(const auto events, co_await history(std::move(correlation_id)));
  if (events.empty()) co_return fail(errc::kNotFound, "not on the record");
  co_return engine::advance_head(std::nullopt, events);
}

Task<Result<json::object>> RecordClient::query(std::string query_subject, json::object question) {
  SEP_CO_TRY(const auto reply,
             co_await bus_->request(std::move(query_subject), json::serialize(question), kQueryTimeout));
  SEP_CO_TRY(auto value, parse_json(reply));
  if (!value.is_object()) co_return fail(errc::kInternal, "the coordinator's answer is not an object");
  auto& object = value.get_object();
  if (string_or(object, "status") == "error")
    co_return fail(known_code(string_or(object, "reason")), string_or(object, "detail"));
  co_return std::move(object);
}

Task<Result<std::vector<engine::Envelope>>> RecordClient::history(std::string correlation_id,
                                                                  std::uint64_t from_sequence) {
  std::vector<engine::Envelope> events;
  for (bool more = true; more;) {
    json::object question{{"correlation_id", correlation_id},
                          {"from_sequence", from_sequence + events.size()}};
    SEP_CO_TRY(const auto answer, co_await query(subject::kHistory, std::move(question)));
    SEP_CO_TRY(auto page, events_from(answer));
    more = get_bool(answer, "more").value_or(false) && !page.empty();
    std::ranges::move(page, std::back_inserter(events));
  }
  co_return events;
}

Task<Result<std::vector<engine::Envelope>>> RecordClient::range(std::uint64_t from_global,
                                                                std::size_t limit) {
  json::object question{{"from_global", from_global}, {"limit", limit}};
  SEP_CO_TRY(const auto answer, co_await query(subject::kRange, std::move(question)));
  co_return events_from(answer);
}

Task<Result<engine::Controls>> RecordClient::controls() {
  SEP_CO_TRY(const auto answer, co_await query(subject::kControls, {}));
  SEP_CO_TRY(const auto list, get_array(answer, "controls"));
  engine::Controls controls;
  for (const auto& element : list) {
    if (!element.is_object()) co_return fail(errc::kInternal, "\"controls\" must hold objects");
    SEP_CO_TRY(auto control, engine::control_from_json(element.get_object()));
    auto id = control.correlation_id;
    controls.emplace(std::move(id), std::move(control));
  }
  co_return controls;
}

Task<Result<ControlAnswer>> RecordClient::set_control(std::string correlation_id, engine::ControlState state,
                                                      engine::ControlReason why) {
  for (int tries = 0; tries < kControlTries; ++tries) {
    SEP_CO_TRY(const auto known, co_await controls());
    const auto found = known.find(correlation_id);
    const auto before = found == known.end() ? std::nullopt : std::optional(found->second);
    if (before ? before->state == state : state == engine::ControlState::kActive)
      co_return ControlAnswer{.changed = false,
                              .control = before.value_or(engine::Control{.correlation_id = correlation_id})};
    std::optional<engine::IntentHead> head;
    if (before) head = {.sequence = before->sequence, .last_event_id = before->last_event_id};
    AppendRequest request;
    request.events = next_events(
        correlation_id, head,
        {{engine::control_topic(correlation_id, state), engine::control_payload(correlation_id, why)}},
        now());
    SEP_CO_TRY(auto after, engine::advance_control(before, request.events));
    SEP_CO_TRY(const auto answer, co_await append(std::move(request)));
    if (answer.on_record()) co_return ControlAnswer{.changed = true, .control = std::move(after)};
    // Somebody was faster: perhaps with the same wish.
  }
  co_return fail(errc::kSequenceConflict, correlation_id + " changes faster than this could change it");
}

Task<Result<ControlAnswer>> RecordClient::halt_signer(engine::SignerId signer, engine::ControlReason why) {
  return set_control(engine::correlation_of(signer), engine::ControlState::kHalted, std::move(why));
}

Task<Result<std::vector<UnfinishedIntent>>> RecordClient::unfinished() {
  std::vector<UnfinishedIntent> intents;
  for (bool more = true; more;) {
    json::object question{{"after", intents.empty() ? "" : intents.back().correlation_id}};
    SEP_CO_TRY(const auto answer, co_await query(subject::kUnfinished, std::move(question)));
    SEP_CO_TRY(const auto list, get_array(answer, "intents"));
    for (const auto& element : list) {
      SEP_CO_TRY(auto intent, unfinished_intent(element));
      intents.push_back(std::move(intent));
    }
    more = get_bool(answer, "more").value_or(false) && !list.empty();
  }
  co_return intents;
}

}  // namespace sep::services
