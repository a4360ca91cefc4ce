#include "services/record_answers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/control.h"
#include "engine/projection.h"
#include "services/record_client.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::Envelope;

constexpr std::size_t kMaxWaiting = 20'000;  // questions; more are answered NOT_READY
constexpr std::size_t kGroup = 64;
constexpr std::size_t kPageEvents = 1'000;
constexpr std::size_t kPageIntents = 200;
constexpr std::size_t kPageUnfinished = 2'000;
constexpr std::size_t kPageNonces = 1'000;
constexpr std::size_t kPageStrategies = 1'000;
constexpr std::size_t kPageDocuments = 400;
constexpr std::size_t kReplyBytes = 700'000;  // NATS takes 1 MiB: room for one element beyond it
constexpr auto kIdle = 100ms;
constexpr auto kFoldSlice = 400ms;  // other questions wait no longer for a fold
constexpr auto kFoldPatience = 3s;  // whoever asks for what is folded waits no longer
constexpr std::int64_t kFoldKeptForNs = 60'000'000'000;

// Asked by people, through the gateway.
constexpr std::array<std::string_view, 4> kSlowQuestions = {subject::kRange, subject::kList, subject::kTotals,
                                                            subject::kStrategies};

/// Elements up to kReplyBytes of text. False: the element did not fit.
class Page {
 public:
  bool add(json::value element) {
    bytes_ += json::serialize(element).size();
    if (!elements_.empty() && bytes_ > kReplyBytes) return false;
    elements_.push_back(std::move(element));
    return true;
  }
  json::array take() { return std::move(elements_); }

 private:
  json::array elements_;
  std::size_t bytes_ = 0;
};

/// `events` may hold one more than `limit`, which says that there are more.
json::object events_reply(const std::vector<Envelope>& events, std::size_t limit) {
  Page page;
  std::size_t added = 0;
  while (added < std::min(limit, events.size()) && page.add(engine::to_json(events[added]))) ++added;
  return {{"events", page.take()}, {"more", added < events.size()}};
}

Result<json::object> history(store::EventStore& record, const json::object& question) {
  SEP_TRY(const auto correlation_id, get_string(question, "correlation_id"));
  const auto from = get_uint(question, "from_sequence");
  SEP_TRY(const auto events, record.history(correlation_id, from.value_or(1), kPageEvents + 1));
  return events_reply(events, kPageEvents);
}

Result<json::object> range(store::EventStore& record, const json::object& question) {
  SEP_TRY(const auto from, get_uint(question, "from_global"));
  SEP_TRY(const auto asked, get_uint(question, "limit"));
  const auto limit = std::min<std::size_t>(asked, kPageEvents);
  SEP_TRY(const auto events, record.range(from, limit));
  return events_reply(events, limit);
}

Result<json::object> unfinished(store::EventStore& record, const json::object& question) {
  SEP_TRY(const auto rows, record.unfinished(string_or(question, "after"), kPageUnfinished + 1));
  json::array intents;
  for (const auto& row : rows) {
    if (intents.size() == kPageUnfinished) break;
    auto object = head_json(row.correlation_id, row.head);
    object["strategy_id"] = row.strategy_id;
    object["deadline_ms"] = row.deadline.ms;
    intents.push_back(std::move(object));
  }
  return json::object{{"intents", std::move(intents)}, {"more", rows.size() > kPageUnfinished}};
}

Result<store::ListQuery> list_query(const json::object& question) {
  store::ListQuery query;
  if (question.contains("states")) {
    SEP_TRY(const auto states, get_array(question, "states"));
    for (const auto& name : states) {
      const auto state = name.is_string() ? engine::parse_state(name.get_string()) : std::nullopt;
      if (!state) return fail(errc::kInvalidValue, "no such state: " + json::serialize(name), "/states");
      query.states.push_back(*state);
    }
  }
  const auto text = [&](std::string_view key) {
    auto value = string_or(question, key);
    return value.empty() ? std::nullopt : std::optional(std::move(value));
  };
  query.strategy_id = text("strategy_id");
  query.since_intent_id = text("since_intent_id");
  query.before_intent_id = text("before_intent_id");
  SEP_TRY(const auto limit, get_uint(question, "limit"));
  query.limit = std::min<std::size_t>(limit, kPageIntents);
  return query;
}

Result<json::object> list(store::EventStore& record, const json::object& question) {
  SEP_TRY(auto query, list_query(question));
  const auto limit = query.limit++;  // one more says whether there is another page
  SEP_TRY(const auto rows, record.list(query));
  Page page;
  std::string_view last;
  bool full = false;
  std::size_t added = 0;
  for (const auto& row : rows) {
    full = added++ == limit;
    if (full) break;
    SEP_TRY(auto events, record.history(row.correlation_id));
    // Not beyond the row: the intent may have left the state since.
    if (events.size() > row.head.sequence) events.resize(row.head.sequence);
    full = !page.add(engine::fold_intent(events));
    if (full) break;
    last = engine::intent_id_of(row.correlation_id);
  }
  json::object reply{{"views", page.take()}, {"next_before", nullptr}};
  if (full) reply["next_before"] = last;
  return reply;
}

Result<json::object> controls(store::EventStore& record) {
  SEP_TRY(const auto controls, record.controls());
  json::array list;
  for (const auto& [id, control] : controls) list.push_back(engine::to_json(control));
  return json::object{{"controls", std::move(list)}};
}

Result<json::object> nonces(store::EventStore& record, const json::object& question) {
  SEP_TRY(const auto chain_id, get_uint(question, "chain_id"));
  SEP_TRY(const auto account, get_string(question, "account"));
  SEP_TRY(const auto from, get_uint(question, "from"));
  SEP_TRY(const auto claims, record.nonces_from(chain_id, account, from, kPageNonces));
  json::array list;
  for (const auto& claim : claims)
    list.push_back(json::object{{"nonce", claim.nonce}, {"correlation_id", claim.correlation_id}});
  return json::object{{"nonces", std::move(list)}};
}

Result<json::object> strategies(store::EventStore& record, const json::object& question) {
  SEP_TRY(const auto asked, get_uint(question, "limit"));
  const auto limit = std::min<std::size_t>(asked, kPageStrategies);
  SEP_TRY(auto names, record.strategies(string_or(question, "after"), limit + 1));
  const bool more = names.size() > limit;
  names.resize(std::min(names.size(), limit));
  json::object reply{{"strategies", json::value_from(names)}, {"next_after", nullptr}};
  if (more && !names.empty()) reply["next_after"] = names.back();
  return reply;
}

Result<std::optional<json::object>> document(store::EventStore& record, const std::string& key) {
  const auto folded = [&](std::string_view correlation_id, auto fold) -> Result<std::optional<json::object>> {
    SEP_TRY(const auto events, record.history(correlation_id));
    json::object found = fold(events);
    if (found.empty()) return std::nullopt;
    return found;
  };
  const auto id_of = [&](std::string_view prefix) -> std::optional<std::string> {
    if (!key.starts_with(prefix)) return std::nullopt;
    return key.substr(prefix.size());
  };
  if (const auto intent_id = id_of(engine::intent_key("")))
    return folded(engine::correlation_of(*intent_id),
                  [](const auto& events) { return engine::fold_intent(events); });
  if (const auto plan_id = id_of(engine::plan_key(""))) {
    SEP_TRY(const auto correlation_id, record.intent_of_plan(*plan_id));
    if (!correlation_id) return std::nullopt;
    return folded(*correlation_id, [&](const auto& events) { return engine::fold_plan(events, *plan_id); });
  }
  if (const auto tx_hash = id_of(engine::transaction_key(""))) {
    SEP_TRY(const auto correlation_id, record.intent_of_transaction(*tx_hash));
    if (!correlation_id) return std::nullopt;
    return json::object{{"intent_id", engine::intent_id_of(*correlation_id)}};
  }
  return fail(errc::kInvalidValue, "no such document: " + key, "/keys");
}

}  // namespace

json::object head_json(const std::string& correlation_id, const engine::IntentHead& head) {
  return {{"correlation_id", correlation_id},
          {"sequence", head.sequence},
          {"last_event_id", head.last_event_id},
          {"state", engine::to_string(head.state)}};
}

json::object error_reply(std::string_view code, std::string_view detail) {
  return {{"status", "error"}, {"reason", code}, {"detail", detail}};
}

RecordAnswers::RecordAnswers(std::shared_ptr<bus::Bus> bus, std::string postgres, store::RecordEngine engine,
                             const std::atomic<std::uint64_t>& projected)
    : bus_(std::move(bus)), postgres_(std::move(postgres)), engine_(engine), projected_(projected) {
  quick_.thread = std::thread([this] { run(quick_); });
  slow_.thread = std::thread([this] { run(slow_); });
}

RecordAnswers::~RecordAnswers() {
  for (auto* desk : {&quick_, &slow_}) desk->questions.close();
  for (auto* desk : {&quick_, &slow_}) desk->thread.join();
}

void RecordAnswers::ask(const bus::Message& question) {
  const bool slow = std::ranges::find(kSlowQuestions, question.subject) != kSlowQuestions.end();
  if (!(slow ? slow_ : quick_).questions.push(question, kMaxWaiting))
    answer(question, fail(errc::kNotReady, "too many questions wait"));
}

void RecordAnswers::run(Desk& desk) {
  for (;;) {
    const auto group = desk.questions.take(kGroup, kIdle);
    if (group.empty() && desk.questions.closed()) return;
    if (group.empty() && &desk == &slow_) continue_fold(desk);
    for (const auto& question : group) {
      if (!desk.record) {
        if (auto opened = store::EventStore::open(postgres_, store::EventStore::Role::kReader))
          desk.record.emplace(std::move(*opened));
      }
      answer(question, desk.record ? reply_to(*desk.record, question)
                                   : fail(errc::kStoreUnavailable, "the record cannot be reached"));
    }
  }
}

/// A fold that somebody waits for goes on while nobody asks.
void RecordAnswers::continue_fold(Desk& desk) {
  if (!fold_) return;
  if (monotonic_ns() - fold_wanted_at_ns_ > kFoldKeptForNs) {
    fold_.reset();
  } else if (!fold_is_current_ && desk.record) {
    fold_is_current_ = fold_->catch_up(*desk.record, kFoldSlice).value_or(false);
  }
}

void RecordAnswers::answer(const bus::Message& question, const Result<json::object>& reply) {
  if (question.reply.empty()) return;
  const auto text = json::serialize(reply ? *reply : error_reply(reply.error().code, reply.error().detail));
  if (const auto sent = bus_->reply(question, text); !sent)
    logger("coordinator")->warn("the answer to {} is lost: {}", question.subject, sent.error().detail);
}

Result<json::object> RecordAnswers::reply_to(store::EventStore& record, const bus::Message& question) {
  SEP_TRY(const auto value, parse_json(question.body.empty() ? "{}" : question.body));
  if (!value.is_object()) return fail(errc::kInvalidValue, "a question must be a JSON object");
  const auto& object = value.get_object();
  if (question.subject == subject::kHead) return head(record, object);
  if (question.subject == subject::kHistory) return history(record, object);
  if (question.subject == subject::kRange) return range(record, object);
  if (question.subject == subject::kUnfinished) return unfinished(record, object);
  if (question.subject == subject::kList) return list(record, object);
  if (question.subject == subject::kStrategies) return strategies(record, object);
  if (question.subject == subject::kDocuments)
    return documents(object, [&](const std::string& key) { return document(record, key); });
  if (question.subject == subject::kTotals) {
    SEP_CHECK(fold(record));
    return documents(object, [&](const std::string& key) -> Result<std::optional<json::object>> {
      return fold_->document(key);
    });
  }
  if (question.subject == subject::kOpenIntents) {
    SEP_TRY(const auto strategy, get_string(object, "strategy_id"));
    SEP_TRY(const auto correlation_id, get_string(object, "correlation_id"));
    SEP_TRY(const auto admission, record.admission(strategy, correlation_id));
    json::object reply{{"open", admission.open}, {"control", nullptr}};
    if (admission.control) reply["control"] = engine::to_json(*admission.control);
    return reply;
  }
  if (question.subject == subject::kControls) return controls(record);
  if (question.subject == subject::kNonces) return nonces(record, object);
  if (question.subject == subject::kNextNonce) {
    SEP_TRY(const auto chain_id, get_uint(object, "chain_id"));
    SEP_TRY(const auto account, get_string(object, "account"));
    SEP_TRY(const auto next, record.next_free_nonce(chain_id, account));
    return json::object{{"next", next.value_or(0)}};
  }
  return fail(errc::kNotFound, "no such question: " + question.subject);
}

/// `chain_id` of the question, where it has one, is the chain whose nonces are told.
Result<json::object> RecordAnswers::head(store::EventStore& record, const json::object& question) const {
  const auto chain_id = get_uint(question, "chain_id");
  const auto projected = projected_.load();  // before the record's head, which it must not exceed
  SEP_TRY(const auto last, record.last_global_sequence());
  SEP_TRY(const auto nonces, record.next_free_nonces());
  json::object next_nonces;
  for (const auto& nonce : nonces)
    if (!chain_id || *chain_id == nonce.chain_id) next_nonces[nonce.account] = nonce.next;
  return json::object{{"global_sequence", last},
                      {"projected_global_sequence", projected},
                      {"record_engine", store::to_string(engine_)},
                      {"next_nonces", std::move(next_nonces)}};
}

/// {"keys": […]} → {"documents": […]}, each as `read` has it, or null.
template <class Read>
Result<json::object> RecordAnswers::documents(const json::object& question, Read read) {
  SEP_TRY(const auto keys, get_array(question, "keys"));
  if (keys.size() > kPageDocuments) return fail(errc::kInvalidValue, "too many keys", "/keys");
  json::array found;
  for (const auto& key : keys) {
    if (!key.is_string()) return fail(errc::kWrongType, "a key must be a string", "/keys");
    SEP_TRY(auto one, read(std::string(key.get_string())));
    found.push_back(one ? json::value(std::move(*one)) : json::value(nullptr));
  }
  return json::object{{"documents", std::move(found)}};
}

/// Brings the fold of the whole record to its end. NOT_READY where that takes longer.
Status RecordAnswers::fold(store::EventStore& record) {
  if (!fold_) fold_ = std::make_unique<store::RecordFold>();
  fold_wanted_at_ns_ = monotonic_ns();
  SEP_TRY(fold_is_current_, fold_->catch_up(record, kFoldPatience));
  if (fold_is_current_) return {};
  return fail(errc::kNotReady, fmt::format("the record is being read while Redis is out: {} events so far",
                                           fold_->last_global_sequence()));
}

}  // namespace sep::services
