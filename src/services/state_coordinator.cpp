#include "services/state_coordinator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/control.h"
#include "engine/projection.h"
#include "engine/sequencer.h"
#include "engine/topics.h"
#include "services/append_request.h"
#include "services/fail_point.h"
#include "services/record_client.h"
#include "services/work_queue.h"
#include "store/event_store.h"
#include "store/read_models.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::AfterFailure;
using engine::CommitFailure;
using engine::Envelope;
using engine::Staging;

constexpr std::size_t kGroup = 256;          // appends in one transaction at the most
constexpr std::size_t kMaxWaiting = 20'000;  // appends that wait; more are refused with NOT_READY
constexpr std::size_t kPublishGroup = 512;
constexpr auto kPublishTimeout = 5s;
constexpr auto kRetry = 200ms;
constexpr std::size_t kPage = 1'000;

/// One `record.append` that waits for its commit.
struct PendingAppend : engine::RecordAppend {
  bus::Message request;
};

json::object error_reply(std::string_view code, std::string_view detail) {
  return {{"status", "error"}, {"reason", code}, {"detail", detail}};
}

json::object head_json(const std::string& correlation_id, const engine::IntentHead& head) {
  return {{"correlation_id", correlation_id},
          {"sequence", head.sequence},
          {"last_event_id", head.last_event_id},
          {"state", engine::to_string(head.state)}};
}

json::object success_reply(std::string_view status, std::span<const Envelope> events) {
  json::array list;
  for (const auto& event : events)
    list.push_back(json::object{{"eventId", event.event_id}, {"globalSequence", event.global_sequence}});
  return {{"status", status}, {"events", std::move(list)}};
}

}  // namespace

class StateCoordinator::Impl {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::EndpointSettings& endpoints, gateway::Metrics& metrics)
      : bus_(std::move(bus)), endpoints_(endpoints), metrics_(metrics), log_(logger("coordinator")) {}

  Status start() {
    SEP_TRY(const auto report, store::migrate(endpoints_.postgres));
    for (const auto& name : report.applied) log_->info("migration {} applied", name);
    if (report.engine == store::RecordEngine::kPostgreSql)
      log_->warn("the record is a plain PostgreSQL table: {}", report.note);
    record_engine_ = report.engine;
    SEP_TRY(auto writer, store::EventStore::open(endpoints_.postgres, store::EventStore::Role::kWriter));
    writer_.emplace(std::move(writer));
    committer_ = std::thread([this] { commit_loop(); });
    return {};
  }

  ~Impl() {
    stopping_ = true;
    append_subscription_.reset();
    query_subscription_.reset();
    appends_.close();
    queries_.close();
    if (committer_.joinable()) committer_.join();
    for (auto* thread : {&reader_, &publisher_, &projector_})
      if (thread->joinable()) thread->join();
  }

 private:
  // --- the committing thread

  void commit_loop() {
    if (lead()) {
      start_followers();
      while (!stopping_ && !serve()) std::this_thread::sleep_for(kRetry);
      for (auto group = appends_.take(kGroup); !group.empty(); group = appends_.take(kGroup))
        commit_group({std::make_move_iterator(group.begin()), std::make_move_iterator(group.end())});
    }
    to_publish_.close();
    to_project_.close();
  }

  /// Waits for the writer's lock and reads where the record ends. False when stopping.
  bool lead() {
    bool told = false;
    while (!stopping_) {
      const auto leading = writer_->try_lead();
      if (leading && *leading) {
        const auto last = writer_->last_global_sequence();
        auto controls = writer_->controls();
        if (last && controls) {
          sequencer_.reset(*last);
          sequencer_.know(std::move(*controls));
          log_->info("leading; the record has {} events", *last);
          return true;
        }
      } else if (!std::exchange(told, true)) {
        log_->warn("waiting: {}", leading ? "another coordinator leads" : leading.error().detail);
      }
      std::this_thread::sleep_for(kRetry);
    }
    return false;
  }

  bool serve() {
    auto appends =
        bus_->serve_raw(subject::kAppend, "coordinator", [this](const bus::Message& m) { receive(m); });
    auto queries = bus_->serve_raw("record.query.*", "coordinator", [this](const bus::Message& m) {
      if (!queries_.push(m, kMaxWaiting)) answer(m, error_reply(errc::kNotReady, "too many questions wait"));
    });
    if (!appends || !queries) {
      log_->warn("cannot serve yet: {}", (appends ? queries : appends).error().detail);
      return false;
    }
    append_subscription_ = std::move(*appends);
    query_subscription_ = std::move(*queries);
    return true;
  }

  /// On a thread of the bus: checks what needs no state, so that the committing thread does not wait for it.
  void receive(const bus::Message& request) {
    auto append = parse_append(request.body);
    if (!append) {
      log_->error("append refused: {} {}", append.error().detail, append.error().pointer);
      answer(request, error_reply(errc::kInvalidEvent, append.error().detail));
    } else if (!appends_.push({std::move(*append), request}, kMaxWaiting)) {
      answer(request, error_reply(errc::kNotReady, "too many appends wait"));
    }
  }

  /// Commits what can be committed together; where the database refuses the group, each append alone, so that
  /// one refused does not take others with it. What is put off follows in a group of its own.
  void commit_group(std::vector<PendingAppend> group) {
    while (!group.empty()) {
      std::vector<PendingAppend> members, put_off;
      for (auto& append : group) {
        const auto staging = sequencer_.stage(append);
        if (staging.kind == Staging::Kind::kStaged)
          members.push_back(std::move(append));
        else if (staging.kind == Staging::Kind::kLater)
          put_off.push_back(std::move(append));
        else
          answer_refused(append, staging);
      }
      if (!members.empty()) commit(std::move(members));
      group = std::move(put_off);
    }
  }

  /// The batch that `members` are staged in.
  void commit(std::vector<PendingAppend> members) {
    const auto started = monotonic_ns();
    fail_point("commit.before");
    const auto committed = writer_->commit(sequencer_.batch());
    fail_point("commit.after");
    if (committed) {
      metrics_.observe("commit", (monotonic_ns() - started) / 1000);
      finish(members);
      return;
    }
    const auto& failure = committed.error();
    switch (engine::after_failure(failure.kind, members.size())) {
      case AfterFailure::kSplit:
        sequencer_.dropped();
        for (auto& append : members) {
          std::vector<PendingAppend> alone;
          alone.push_back(std::move(append));
          commit_group(std::move(alone));
        }
        return;
      case AfterFailure::kRefuse:
        sequencer_.dropped();
        refused_alone(failure, members.front());
        return;
      case AfterFailure::kReload:
        log_->error("commit failed ({}): {}", to_string(failure.kind), failure.detail);
        recover(members);
        return;
    }
  }

  void answer_refused(const PendingAppend& append, const Staging& staging) {
    if (staging.kind == Staging::Kind::kConflict)
      answer_conflict(append, staging.head, staging.why);
    else
      answer(append.request, error_reply(staging.why.code, staging.why.detail));
  }

  void answer_conflict(const PendingAppend& append, const std::optional<engine::IntentHead>& head,
                       const Error& why) {
    // Not the next one: perhaps because it is on the record already.
    const auto known = on_record(append);
    if (!known) {  // unknown is no conflict: that would tell a client that its committed intent was refused
      answer(append.request, error_reply(known.error().code, known.error().detail));
      return;
    }
    if (!known->empty()) {
      answer(append.request, success_reply("duplicate", *known));
      return;
    }
    json::object reply{
        {"status", "conflict"}, {"reason", why.code}, {"detail", why.detail}, {"head", nullptr}};
    if (head) reply["head"] = head_json(append.correlation_id(), *head);
    answer(append.request, std::move(reply));
  }

  /// The append's events as the record has them; empty where it does not have them all.
  Result<std::vector<Envelope>> on_record(const PendingAppend& append) {
    std::vector<Envelope> found;
    for (const auto& event : append.events) {
      SEP_TRY(auto stored, writer_->event_by_id(event.event_id));
      if (!stored) return std::vector<Envelope>{};
      found.push_back(std::move(*stored));
    }
    return found;
  }

  void finish(const std::vector<PendingAppend>& members) {
    const auto events = sequencer_.batch().events;
    for (const auto& [control, expected] : sequencer_.batch().controls)
      log_->warn("{} is {} {}", control.correlation_id, to_string(control.state), describe(control));
    sequencer_.committed();
    std::size_t at = 0;
    for (const auto& append : members) {
      answer(append.request, success_reply("committed", std::span(events).subspan(at, append.events.size())));
      at += append.events.size();
    }
    for (const auto& event : events) {
      to_publish_.push(event);
      to_project_.push(event);
    }
    metrics_.add("events_committed", {}, static_cast<double>(events.size()), "Events on the record");
  }

  void refused_alone(const CommitFailure& failure, const PendingAppend& append) {
    using Kind = CommitFailure::Kind;
    if (failure.kind == Kind::kInvalid) {
      answer(append.request, error_reply(errc::kInvalidEvent, failure.detail));
      return;
    }
    if (engine::is_control(append.correlation_id())) {
      if (auto controls = writer_->controls()) sequencer_.know(std::move(*controls));
      answer_conflict(append, std::nullopt, {errc::kSequenceConflict, "it has moved on", {}});
      return;
    }
    sequencer_.forget(append.correlation_id());
    const auto row = writer_->head(append.correlation_id());
    if (!row) {
      answer(append.request, error_reply(row.error().code, row.error().detail));
      return;
    }
    const auto head = *row ? std::optional((*row)->head) : std::nullopt;
    if (failure.kind == Kind::kIdempotencyKey) {
      json::object reply{{"status", "conflict"},
                         {"reason", errc::kIdempotencyConflict},
                         {"detail", "the idempotency key is taken"},
                         {"head", nullptr}};
      const auto known = writer_->idempotency(append.idempotency->key);
      const auto events = on_record(append);
      if (!known || !events) {
        const auto& why = known ? events.error() : known.error();
        answer(append.request, error_reply(why.code, why.detail));
        return;
      }
      if (*known)
        reply["idempotency"] =
            json::object{{"correlation_id", (*known)->correlation_id}, {"body_hash", (*known)->body_hash}};
      // The same append asked again after its answer was lost finds its own key.
      if (!events->empty())
        answer(append.request, success_reply("duplicate", *events));
      else
        answer(append.request, std::move(reply));
      return;
    }
    if (failure.kind == Kind::kAccountNonce) {
      answer_conflict(append, head, {errc::kNonceClaimed, "another intent holds the nonce", {}});
      return;
    }
    answer_conflict(append, head, {errc::kSequenceConflict, "the intent has moved on", {}});
  }

  /// The connection, the lock, or the knowledge of the record's end is lost. Leads again, then says of each
  /// append whether it is on the record.
  void recover(const std::vector<PendingAppend>& members) {
    const auto before = sequencer_.last_global_sequence();
    if (!lead()) return;
    for (auto next = before + 1; next <= sequencer_.last_global_sequence(); next += kPage) {
      // What another connection committed in between, or ours did without our knowing, is published too.
      const auto events = writer_->range(next, kPage);
      if (!events) break;
      for (const auto& event : *events) {
        to_publish_.push(event);
        to_project_.push(event);
      }
    }
    for (const auto& append : members) {
      const auto events = on_record(append);
      if (events && !events->empty())
        answer(append.request, success_reply("committed", *events));
      else
        answer(append.request,
               error_reply(errc::kStoreUnavailable, "the record could not be written; nothing changed"));
    }
  }

  void answer(const bus::Message& request, json::object reply) {
    if (request.reply.empty()) return;
    if (const auto sent = bus_->reply(request, json::serialize(reply)); !sent)
      log_->warn("an answer was lost: {}", sent.error().detail);
  }

  // --- behind the commit: publishing, projecting, answering questions

  void start_followers() {
    reader_ = std::thread([this] { answer_questions(); });
    publisher_ = std::thread([this, upto = sequencer_.last_global_sequence()] { publish_loop(upto); });
    projector_ = std::thread([this] { project_loop(); });
  }

  void publish_loop(std::uint64_t upto) {
    while (!stopping_ && !catch_up_stream(upto)) std::this_thread::sleep_for(kRetry);
    for (auto group = to_publish_.take(kPublishGroup); !group.empty();
         group = to_publish_.take(kPublishGroup)) {
      std::vector<Envelope> events(group.begin(), group.end());
      publish(events);
    }
  }

  /// Publishes in order until the stream has them all. The message id makes a repeat harmless.
  void publish(std::span<const Envelope> events) {
    while (!events.empty()) {
      std::vector<bus::Publication> publications;
      for (const auto& event : events)
        publications.push_back({event.topic, json::serialize(engine::to_json(event)), event.event_id});
      fail_point("publish.before");
      const auto results = bus_->wait(bus_->publish_events(std::move(publications), kPublishTimeout));
      fail_point("publish.after");
      const auto failed =
          std::ranges::find_if(results, [](const auto& result) { return !result.has_value(); });
      if (failed == results.end()) return;
      if (stopping_) return;
      log_->warn("publishing failed, trying again: {}", failed->error().detail);
      events = events.subspan(static_cast<std::size_t>(failed - results.begin()));
      std::this_thread::sleep_for(kRetry);
    }
  }

  /// What was committed before this start and is not in the stream.
  bool catch_up_stream(std::uint64_t upto) {
    const auto stream = bus_->wait(bus_->ensure_stream(event_stream()));
    if (!stream) {
      log_->warn("the stream {} is not to be had: {}", kEventStream, stream.error().detail);
      return false;
    }
    auto record = store::EventStore::open(endpoints_.postgres, store::EventStore::Role::kReader);
    if (!record) return false;
    const auto last = bus_->wait(bus_->last_message(kEventStream));
    if (!last) return false;
    if (!*last) return upto == 0 || refill_stream(*record);
    const auto value = parse_json((*last)->body);
    const auto event = value ? engine::envelope_from_json(*value) : Result<Envelope>(fail(value.error()));
    if (!event) {
      log_->error("the last message of {} is no event: {}", kEventStream, event.error().detail);
      return false;
    }
    if (event->global_sequence > upto)
      log_->error("the stream is ahead of the record: {} against {}; it belongs to another record",
                  event->global_sequence, upto);
    for (auto next = event->global_sequence + 1; next <= upto;) {
      const auto events = record->range(next, kPage);
      if (!events || events->empty()) return false;
      publish(*events);
      log_->info("published {} events that an earlier run had committed", events->size());
      next = events->back().global_sequence + 1;
    }
    return true;
  }

  /// The stream is empty beside a record that is not: whoever works needs the events of what is unfinished.
  bool refill_stream(store::EventStore& record) {
    const auto rows = record.unfinished();
    if (!rows) return false;
    log_->warn("the stream {} is empty: refilling it with {} unfinished intents", kEventStream, rows->size());
    for (const auto& row : *rows) {
      const auto events = record.history(row.correlation_id);
      if (!events) return false;
      publish(*events);
    }
    return bus_->wait(bus_->reset_consumers(kEventStream)).has_value();
  }

  void project_loop() {
    std::optional<store::ReadModels> models;
    std::optional<store::EventStore> record;
    bool current = false;
    const auto open = [&] {
      if (!models) {
        if (auto opened = store::ReadModels::open(endpoints_.redis_socket))
          models.emplace(std::move(*opened));
      }
      if (!record) {
        if (auto opened = store::EventStore::open(endpoints_.postgres, store::EventStore::Role::kReader))
          record.emplace(std::move(*opened));
      }
      return models && record;
    };
    const auto catch_up = [&] {
      if (!open()) return false;
      const auto report = models->catch_up(*record);
      if (report)
        projected_ = report->last_global_sequence;
      else
        log_->warn("the read models are behind: {}", report.error().detail);
      return report.has_value();
    };
    while (!stopping_ && !(current = catch_up())) std::this_thread::sleep_for(kRetry);
    for (auto group = to_project_.take(kGroup); !group.empty(); group = to_project_.take(kGroup)) {
      const std::vector<Envelope> events(group.begin(), group.end());
      fail_point("redis.before");
      const auto applied =
          models ? models->apply(events) : Result<store::ApplyOutcome>(fail(errc::kCacheUnavailable, ""));
      fail_point("redis.after");
      if (applied && *applied == store::ApplyOutcome::kApplied) {
        // Some of these may have been in already.
        projected_ = std::max(projected_.load(), events.back().global_sequence);
        continue;
      }
      // Everything is on the record: reading on from there needs none of what waits here.
      while (!stopping_ && !catch_up()) std::this_thread::sleep_for(kRetry);
    }
  }

  void answer_questions() {
    std::optional<store::EventStore> record;
    for (auto group = queries_.take(kGroup); !group.empty(); group = queries_.take(kGroup)) {
      for (const auto& question : group) {
        if (!record) {
          if (auto opened = store::EventStore::open(endpoints_.postgres, store::EventStore::Role::kReader))
            record.emplace(std::move(*opened));
        }
        auto reply =
            record ? answer_question(*record, question)
                   : Result<json::object>(fail(errc::kStoreUnavailable, "the record cannot be reached"));
        answer(question, reply ? std::move(*reply) : error_reply(reply.error().code, reply.error().detail));
      }
    }
  }

  Result<json::object> answer_question(store::EventStore& record, const bus::Message& question) {
    SEP_TRY(const auto value, parse_json(question.body.empty() ? "{}" : question.body));
    if (!value.is_object()) return fail(errc::kInvalidValue, "a question must be a JSON object");
    const auto& object = value.get_object();
    if (question.subject == subject::kHistory) return history(record, object);
    if (question.subject == subject::kRange) return range(record, object);
    if (question.subject == subject::kUnfinished) return unfinished(record);
    if (question.subject == subject::kView) return view(record, object);
    if (question.subject == subject::kList) return list(record, object);
    if (question.subject == subject::kOpenIntents) {
      SEP_TRY(const auto strategy, get_string(object, "strategy_id"));
      SEP_TRY(const auto admission, record.admission(strategy));
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
    if (question.subject == subject::kHead) return head(record, object);
    return fail(errc::kNotFound, "no such question: " + question.subject);
  }

  /// `chain_id` of the question, where it has one, is the chain whose nonces are told.
  Result<json::object> head(store::EventStore& record, const json::object& question) const {
    const auto chain_id = get_uint(question, "chain_id");
    const auto projected = projected_.load();  // before the record's head, which it must not exceed
    SEP_TRY(const auto last, record.last_global_sequence());
    SEP_TRY(const auto nonces, record.next_free_nonces());
    json::object next_nonces;
    for (const auto& nonce : nonces)
      if (!chain_id || *chain_id == nonce.chain_id) next_nonces[nonce.account] = nonce.next;
    return json::object{{"global_sequence", last},
                        {"projected_global_sequence", projected},
                        {"record_engine", store::to_string(record_engine_)},
                        {"next_nonces", std::move(next_nonces)}};
  }

  static Result<json::object> controls(store::EventStore& record) {
    SEP_TRY(const auto controls, record.controls());
    json::array list;
    for (const auto& [id, control] : controls) list.push_back(engine::to_json(control));
    return json::object{{"controls", std::move(list)}};
  }

  static Result<json::object> nonces(store::EventStore& record, const json::object& question) {
    SEP_TRY(const auto chain_id, get_uint(question, "chain_id"));
    SEP_TRY(const auto account, get_string(question, "account"));
    SEP_TRY(const auto from, get_uint(question, "from"));
    SEP_TRY(const auto claims, record.nonces_from(chain_id, account, from, kPage));
    json::array list;
    for (const auto& claim : claims)
      list.push_back(json::object{{"nonce", claim.nonce}, {"correlation_id", claim.correlation_id}});
    return json::object{{"nonces", std::move(list)}};
  }

  static json::object events_reply(const std::vector<Envelope>& events) {
    json::array list;
    for (const auto& event : events) list.push_back(engine::to_json(event));
    return {{"events", std::move(list)}};
  }

  static Result<json::object> history(store::EventStore& record, const json::object& question) {
    SEP_TRY(const auto correlation_id, get_string(question, "correlation_id"));
    const auto from = get_uint(question, "from_sequence");
    SEP_TRY(const auto events, record.history(correlation_id, from ? *from : 1));
    return events_reply(events);
  }

  static Result<json::object> range(store::EventStore& record, const json::object& question) {
    SEP_TRY(const auto from, get_uint(question, "from_global"));
    SEP_TRY(const auto limit, get_uint(question, "limit"));
    SEP_TRY(const auto events, record.range(from, std::min<std::size_t>(limit, kPage)));
    return events_reply(events);
  }

  static Result<json::object> unfinished(store::EventStore& record) {
    SEP_TRY(const auto rows, record.unfinished());
    json::array intents;
    for (const auto& row : rows) {
      auto object = head_json(row.correlation_id, row.head);
      object["strategy_id"] = row.strategy_id;
      object["deadline_ms"] = row.deadline.ms;
      intents.push_back(std::move(object));
    }
    return json::object{{"intents", std::move(intents)}};
  }

  static Result<json::object> view(store::EventStore& record, const json::object& question) {
    SEP_TRY(const auto intent_id, get_string(question, "intent_id"));
    SEP_TRY(const auto events, record.history(engine::correlation_of(intent_id)));
    json::object reply{{"view", nullptr}};
    if (!events.empty()) reply["view"] = engine::fold_intent(events);
    return reply;
  }

  static Result<json::object> list(store::EventStore& record, const json::object& question) {
    store::ListQuery query;
    if (question.contains("states")) {
      SEP_TRY(const auto states, get_array(question, "states"));
      for (const auto& name : states) {
        const auto state = name.is_string() ? engine::parse_state(name.get_string()) : std::nullopt;
        if (!state) return fail(errc::kInvalidValue, "no such state: " + json::serialize(name), "/states");
        query.states.push_back(*state);
      }
    }
    if (auto strategy = string_or(question, "strategy_id"); !strategy.empty())
      query.strategy_id = std::move(strategy);
    if (auto since = string_or(question, "since_intent_id"); !since.empty())
      query.since_intent_id = std::move(since);
    if (auto before = string_or(question, "before_intent_id"); !before.empty())
      query.before_intent_id = std::move(before);
    SEP_TRY(const auto limit, get_uint(question, "limit"));
    query.limit = limit + 1;  // one more says whether there is another page
    SEP_TRY(const auto rows, record.list(query));
    json::array views;
    json::value next = nullptr;
    for (const auto& row : rows) {
      if (views.size() == limit) {
        next = std::string(string_or(views.back().as_object(), "intent_id"));
        break;
      }
      SEP_TRY(auto events, record.history(row.correlation_id));
      // Not beyond the row: the intent may have left the state since.
      if (events.size() > row.head.sequence) events.resize(row.head.sequence);
      views.push_back(engine::fold_intent(events));
    }
    return json::object{{"views", std::move(views)}, {"next_before", std::move(next)}};
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::EndpointSettings endpoints_;
  gateway::Metrics& metrics_;
  Logger log_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> projected_ =
      0;  // the last event that the projecting thread knows to be in Redis
  store::RecordEngine record_engine_ = store::RecordEngine::kPostgreSql;

  // Of the committing thread.
  std::optional<store::EventStore> writer_;
  engine::Sequencer sequencer_{
      [this](const std::string& correlation_id) { return writer_->head(correlation_id); },
      [this](const engine::NonceClaim& claim) -> Result<bool> {
        SEP_TRY(const auto holder, writer_->nonce(claim.chain_id, claim.account, claim.nonce));
        return holder && holder->correlation_id == claim.correlation_id;
      }};

  WorkQueue<PendingAppend> appends_;
  WorkQueue<bus::Message> queries_;
  WorkQueue<Envelope> to_publish_;
  WorkQueue<Envelope> to_project_;
  bus::Subscription append_subscription_;
  bus::Subscription query_subscription_;
  std::thread committer_, reader_, publisher_, projector_;
};

/// Not "risk.>": JetStream would take, and answer, the requests on risk.evaluate.
bus::StreamConfig event_stream() {
  return {.name = kEventStream,
          .subjects = {"intent.>", "risk.approved", "risk.rejected", "plan.>", "exec.>", "control.>",
                       "signer.>"}};
}

StateCoordinator::StateCoordinator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StateCoordinator::~StateCoordinator() = default;

Result<std::unique_ptr<StateCoordinator>> StateCoordinator::start(std::shared_ptr<bus::Bus> bus,
                                                                  const engine::EndpointSettings& endpoints,
                                                                  gateway::Metrics& metrics) {
  auto impl = std::make_unique<Impl>(std::move(bus), endpoints, metrics);
  SEP_CHECK(impl->start());
  return std::unique_ptr<StateCoordinator>(new StateCoordinator(std::move(impl)));
}

}  // namespace sep::services
