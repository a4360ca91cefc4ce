#include "services/state_coordinator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/control.h"
#include "engine/sequencer.h"
#include "services/append_request.h"
#include "services/backlog.h"
#include "services/event_publisher.h"
#include "services/fail_point.h"
#include "services/record_answers.h"
#include "services/record_client.h"
#include "services/work_queue.h"
#include "store/event_store.h"
#include "store/read_models.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::AfterFailure;
using engine::CommitFailure;
using engine::SharedEvent;
using engine::Staging;

constexpr std::size_t kGroup = 256;              // appends in one transaction at the most
constexpr std::size_t kProjectionGroup = 1'000;  // events in one application to Redis
constexpr std::size_t kMaxWaiting = 20'000;      // appends that wait; more are refused with NOT_READY
// What somebody goes on from already is committed together with what follows, where that comes so soon: a
// local node simulates a plan in about 1 ms.
constexpr auto kForWhatFollows = 2ms;
constexpr auto kRetry = 200ms;
// The leader makes itself heard so often, and is unseated after so long a
// silence.
constexpr auto kHeartbeat = 500ms;
constexpr auto kSilence = 3s;
constexpr std::int64_t kMostCutOffNs = 3'000'000'000;  // a leader without NATS leads no longer than that
// An append waits no longer than this for a record that cannot be written.
constexpr std::int64_t kPatienceNs = 2'000'000'000;
// After an application to Redis: what happens to an intent meanwhile is written once, and who executes
// intents has the processor. Readers are behind the record by as much.
constexpr auto kProjectionRest = 10ms;
constexpr auto kProjectionCheck = 500ms;  // how soon an emptied Redis is noticed while nothing is committed

/// One `record.append` that waits for its commit.
struct PendingAppend {
  AppendObject append;
  bus::Message request;
  std::int64_t received_ns = 0;  // monotonic
  /// Somebody in this process goes on from it already, and nobody waits for its answer to go on.
  bool is_gone_on_from = false;

  /// A repeat under the same key is common, and refused only at its commit: what it says is not told before.
  bool may_be_announced() const { return !append->idempotency.has_value(); }
};

/// services/record_client.cpp reads no further than the status.
std::string success_reply(std::string_view status, std::span<const SharedEvent> events) {
  auto text = fmt::format(R"({{"status":"{}","events":[)", status);
  for (const auto& event : events)
    fmt::format_to(std::back_inserter(text), R"({}{{"eventId":"{}","globalSequence":{}}})",
                   text.back() == '}' ? "," : "", event->event_id, event->global_sequence);
  return text + "]}";
}

}  // namespace

class StateCoordinator::Impl {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::EndpointSettings& endpoints, gateway::Metrics& metrics)
      : bus_(std::move(bus)), endpoints_(endpoints), metrics_(metrics), log_(logger("coordinator")) {}

  Status start() {
    SEP_TRY(auto writer, store::EventStore::open(endpoints_.postgres, store::EventStore::Role::kWriter));
    writer_.emplace(std::move(writer));
    publisher_.emplace(bus_, endpoints_.postgres, metrics_,
                       [this](store::EventStore& record) -> Result<bool> {
                         SEP_TRY(const auto leader, record.leader());
                         return leader && *leader == session_;
                       });
    projector_ = std::thread([this] { project_loop(); });
    committer_ = std::thread([this] { commit_loop(); });
    return {};
  }

  ~Impl() {
    stopping_ = true;
    appends_.close();
    if (committer_.joinable()) committer_.join();
    answers_.reset();
    publisher_.reset();
    to_project_.close();
    if (projector_.joinable()) projector_.join();
  }

 private:
  // --- the committing thread: a term of leading after the other

  void commit_loop() {
    std::vector<PendingAppend> none;
    while (lead(none) && serve()) {
      begin_term();
      while (writer_->leading() && !is_cut_off()) {
        auto group = appends_.take(
            kGroup, kHeartbeat, [](const PendingAppend& append) { return append.is_gone_on_from; },
            kForWhatFollows);
        if (!group.empty()) {
          commit_group({std::make_move_iterator(group.begin()), std::make_move_iterator(group.end())});
        } else if (appends_.closed()) {
          append_subscription_.reset();
          query_subscription_.reset();
          return;
        } else if (const auto heard = writer_->ping(); !heard) {
          log_->error("{}", heard.error().detail);
        }
      }
      if (writer_->leading())
        leave_to_others();
      else
        log_->warn("the connection that led is lost");
    }
    step_down();
  }

  bool reaches_nats() {
    const bool connected = bus_->connected();
    if (connected) reached_nats_ns_ = monotonic_ns();
    return connected;
  }

  bool is_cut_off() { return !reaches_nats() && monotonic_ns() - reached_nats_ns_ > kMostCutOffNs; }

  /// PostgreSQL hears this coordinator, and nobody else does: one that is heard shall lead.
  void leave_to_others() {
    log_->error("NATS is out of reach: no longer leading");
    step_down();
    writer_->stop_leading();
  }

  /// Waits for the writer's lock and reads where the record ends; `unsettled`
  /// are appends whose commit failed, less those that were told meanwhile.
  /// False when stopping.
  bool lead(std::vector<PendingAppend>& unsettled) {
    std::string_view told;
    while (!stopping_) {
      const auto taken = take_over();
      if (taken) return true;
      const auto& why = taken.error();
      if (std::exchange(told, why.code) != why.code) log_->warn("waiting: {}", why.detail);
      if (why.code == errc::kNotReady) {
        step_down();
        if (writer_->unseat_silent(kSilence).value_or(false))
          log_->warn("the leader was silent for {} s: its session is ended", kSilence.count());
      } else {
        refuse_the_patient(unsettled, why);
      }
      std::this_thread::sleep_for(kRetry);
    }
    return false;
  }

  /// NOT_READY where another coordinator leads.
  Status take_over() {
    if (!reaches_nats()) return fail(errc::kBusUnavailable, "NATS is out of reach");
    SEP_TRY(const bool leading, writer_->try_lead());
    if (!leading) return fail(errc::kNotReady, "another coordinator leads");
    SEP_CHECK(prepare_record());
    SEP_TRY(const auto last, writer_->last_global_sequence());
    SEP_TRY(auto controls, writer_->controls());
    sequencer_.reset(last);
    sequencer_.know(std::move(controls));
    log_->info("leading; the record has {} events", last);
    return {};
  }

  /// Brings the schema up to date, once; for the leader only, since one of an earlier version could write no
  /// more.
  Status prepare_record() {
    if (answers_) return {};
    auto migrating = std::async(std::launch::async, [this] { return store::migrate(endpoints_.postgres); });
    // It may take minutes, in which the leader must not be silent.
    while (migrating.wait_for(kHeartbeat) != std::future_status::ready) std::ignore = writer_->ping();
    SEP_TRY(const auto report, migrating.get());
    for (const auto& name : report.applied) log_->info("migration {} applied", name);
    if (report.engine == store::RecordEngine::kPostgreSql)
      log_->warn("the record is a plain PostgreSQL table: {}", report.note);
    answers_.emplace(bus_, endpoints_.postgres, report.engine, projected_);
    return {};
  }

  /// Whoever asks is answered by the leader alone. Not a queue group of all
  /// coordinators: a stopped one would get its share of the questions. False
  /// when stopping.
  bool serve() {
    while (!stopping_) {
      if (append_subscription_ && query_subscription_) return true;
      auto appends = bus_->serve_raw(subject::kAppend, "", [this](const bus::Message& m) { receive(m); });
      auto queries =
          bus_->serve_raw("record.query.*", "", [this](const bus::Message& m) { answers_->ask(m); });
      if (appends && queries) {
        append_subscription_ = std::move(*appends);
        query_subscription_ = std::move(*queries);
        return true;
      }
      log_->warn("cannot serve yet: {}", (appends ? queries : appends).error().detail);
      std::this_thread::sleep_for(kRetry);
    }
    return false;
  }

  void begin_term() {
    session_ = writer_->session();
    ++term_;
    publisher_->backlog().begin(term_, sequencer_.last_global_sequence());
    to_project_.begin(term_, sequencer_.last_global_sequence());
  }

  /// Another coordinator leads, and hears whatever is asked: what waits here is
  /// its to answer.
  void step_down() {
    append_subscription_.reset();
    query_subscription_.reset();
    appends_.take_while([](const PendingAppend&) { return true; });
    publisher_->backlog().end_term();
    to_project_.end_term();
  }

  /// What waits for a record that cannot be written is told so in time; of
  /// `unsettled` that means: not known.
  void refuse_the_patient(std::vector<PendingAppend>& unsettled, const Error& why) {
    const auto since = monotonic_ns() - kPatienceNs;
    const auto refuse = [&](const PendingAppend& append) {
      answer(append.request, error_reply(errc::kStoreUnavailable, why.detail));
    };
    const auto patient = [&](const PendingAppend& waiting) { return waiting.received_ns < since; };
    std::ranges::for_each(appends_.take_while(patient), refuse);
    const auto rest = std::ranges::partition(unsettled, std::not_fn(patient));
    std::ranges::for_each(rest, refuse);
    unsettled.erase(rest.begin(), rest.end());
  }

  /// On a thread of the bus: checks what needs no state, so that the committing
  /// thread does not wait for it.
  void receive(const bus::Message& request) {
    auto append = read_append(request);
    if (!append) {
      log_->error("append refused: {} {}", append.error().detail, append.error().pointer);
      answer(request, error_reply(errc::kInvalidEvent, append.error().detail));
    } else if (const auto refusal = publisher_->refuses(); refusal &&
                                                           (*append)->events.front().sequence == 1 &&
                                                           !engine::is_control((*append)->correlation_id())) {
      // It would be on the record with nobody to hear of it. "insufficient resources" is NATS' word for its
      // own storage limit.
      const bool full =
          refusal->contains("storage") || refusal->contains("space") || refusal->contains("resources");
      answer(request, error_reply(full ? errc::kDiskFull : errc::kNotReady,
                                  "events cannot be published: " + *refusal));
    } else {
      PendingAppend pending{*append, request, monotonic_ns()};
      const auto awaited = pending.may_be_announced() ? awaited_events(*append) : std::vector<SharedEvent>();
      pending.is_gone_on_from = !awaited.empty() && (*append)->events.front().sequence > 1;
      if (appends_.push(std::move(pending), kMaxWaiting))
        for (const auto& event : awaited) announce(event);
      else
        answer(request, error_reply(errc::kNotReady, "too many appends wait"));
    }
  }

  static Result<AppendObject> read_append(const bus::Message& request) {
    if (const auto* handed = std::any_cast<AppendObject>(&request.object)) {
      SEP_CHECK(check_append(**handed));
      return *handed;
    }
    SEP_TRY(auto append, parse_append(request.body));
    return std::make_shared<const engine::RecordAppend>(std::move(append));
  }

  void announce(const SharedEvent& event) { bus_->announce(event->topic, event->event_id, event); }

  /// Those that somebody in this process goes on from while they are being committed.
  std::vector<SharedEvent> awaited_events(const AppendObject& append) const {
    std::vector<SharedEvent> awaited;
    for (const auto& event : append->events)
      if (bus_->awaits(event.topic)) awaited.emplace_back(append, &event);
    return awaited;
  }

  /// Commits what can be committed together; where the database refuses the
  /// group, each append alone, so that one refused does not take others with
  /// it. What is put off follows in a group of its own.
  void commit_group(std::vector<PendingAppend> group) {
    while (!group.empty()) {
      std::vector<PendingAppend> members, put_off;
      for (auto& append : group) {
        const auto staging = sequencer_.stage(*append.append);
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
      const auto ended = monotonic_ns();
      metrics_.observe_ns("commit", ended - started);
      const auto& events = sequencer_.batch().events;
      if (metrics_.trace().on() && !events.empty())
        metrics_.trace().record(gateway::series::kCommitted, ended,
                                std::to_string(events.front().global_sequence), events.size());
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
      case AfterFailure::kWait:
        sequencer_.dropped();
        log_->error("commit failed ({}): {}", to_string(failure.kind), failure.detail);
        for (const auto& append : members)
          answer(append.request,
                 error_reply(
                     failure.kind == CommitFailure::Kind::kFull ? errc::kDiskFull : errc::kStoreUnavailable,
                     "nothing is changed: " + failure.detail));
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
    json::object reply{
        {"status", "conflict"}, {"reason", why.code}, {"detail", why.detail}, {"head", nullptr}};
    if (head) reply["head"] = head_json(append.append->correlation_id(), *head);
    answer_unless_on_record(append, std::move(reply));
  }

  /// What is refused is perhaps on the record already: the same append asked
  /// again after its answer was lost.
  void answer_unless_on_record(const PendingAppend& append, json::object conflict) {
    const auto known = on_record(append);
    if (!known)
      answer(append.request, error_reply(known.error().code, known.error().detail));
    else if (!known->empty())
      answer(append.request, success_reply("duplicate", *known));
    else if (writer_->leading())
      answer(append.request, std::move(conflict));
    // Otherwise the head that it was held against may be an old one: whoever
    // leads is asked again.
  }

  /// The append's events as the record has them; empty where it does not have
  /// them all.
  Result<std::vector<SharedEvent>> on_record(const PendingAppend& append) {
    std::vector<engine::Envelope> found;
    for (const auto& event : append.append->events) {
      SEP_TRY(auto stored, writer_->event_by_id(event.event_id));
      if (!stored) return std::vector<SharedEvent>{};
      found.push_back(std::move(*stored));
    }
    return engine::shared(std::move(found));
  }

  void finish(const std::vector<PendingAppend>& members) {
    for (const auto& [control, expected] : sequencer_.batch().controls)
      log_->warn("{} is {} {}", control.correlation_id, to_string(control.state), describe(control));
    const auto events = engine::shared(sequencer_.committed());
    publisher_->backlog().push(events);
    std::size_t at = 0;
    for (const auto& append : members) {
      const auto own = std::span(events).subspan(at, append.append->events.size());
      at += own.size();
      for (const auto& event : own)
        if (!append.may_be_announced() && bus_->awaits(event->topic)) announce(event);
      answer(append.request, success_reply("committed", own));
    }
    to_project_.push(events);
    metrics_.add("sep_events_committed_total", {}, static_cast<double>(events.size()),
                 "Events on the record");
  }

  void refused_alone(const CommitFailure& failure, const PendingAppend& append) {
    using Kind = CommitFailure::Kind;
    if (failure.kind == Kind::kInvalid) {
      answer(append.request, error_reply(errc::kInvalidEvent, failure.detail));
      return;
    }
    if (engine::is_control(append.append->correlation_id())) {
      if (auto controls = writer_->controls()) sequencer_.know(std::move(*controls));
      answer_conflict(append, std::nullopt, {errc::kSequenceConflict, "it has moved on", {}});
      return;
    }
    sequencer_.forget(append.append->correlation_id());
    const auto row = writer_->head(append.append->correlation_id());
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
      const auto known = writer_->idempotency(append.append->idempotency->key);
      if (!known) {
        answer(append.request, error_reply(known.error().code, known.error().detail));
        return;
      }
      if (*known)
        reply["idempotency"] =
            json::object{{"correlation_id", (*known)->correlation_id}, {"body_hash", (*known)->body_hash}};
      answer_unless_on_record(append, std::move(reply));
      return;
    }
    if (failure.kind == Kind::kAccountNonce) {
      answer_conflict(append, head, {errc::kNonceClaimed, "another intent holds the nonce", {}});
      return;
    }
    answer_conflict(append, head, {errc::kSequenceConflict, "the intent has moved on", {}});
  }

  /// The connection, the lock, or the knowledge of the record's end is lost.
  /// Leads again, then says of each append whether it is on the record; where
  /// another coordinator leads, that one is asked again and says so.
  void recover(std::vector<PendingAppend>& members) {
    // What came in the meantime is answered in time; what was sent may be on
    // the record, which only it can say.
    if (!lead(members)) {
      sequencer_.dropped();  // or what is put off behind it would be put off for ever
      return;
    }
    const bool another_led = !append_subscription_;
    if (!serve()) return;
    begin_term();
    if (another_led) return;
    for (const auto& append : members) {
      const auto events = on_record(append);
      if (events && !events->empty())
        answer(append.request, success_reply("committed", *events));
      else if (events)
        answer(append.request,
               error_reply(errc::kStoreUnavailable, "the record could not be written; nothing changed"));
    }
  }

  void answer(const bus::Message& request, const json::object& reply) {
    answer(request, json::serialize(reply));
  }
  void answer(const bus::Message& request, const std::string& reply) {
    if (request.reply.empty()) return;
    if (const auto sent = bus_->reply(request, reply); !sent)
      log_->warn("an answer was lost: {}", sent.error().detail);
  }

  // --- the projecting thread

  void project_loop() {
    std::uint64_t term = 0;
    bool current = false;
    for (;;) {
      const auto look = to_project_.look(projected_, term, kProjectionGroup, kProjectionCheck);
      if (look.term != std::exchange(term, look.term)) current = false;
      if (look.closed && (term == 0 || !current || look.end <= projected_)) return;
      if (term == 0) continue;
      if (!current || (look.events.empty() && look.end > projected_)) {
        current = catch_up();
        if (!current) std::this_thread::sleep_for(kRetry);
      } else if (look.events.empty()) {
        // Nothing to do: is Redis still where it was?
        const auto head = models_->head();
        current = head && *head == projected_;
      } else {
        current = project(look.events);
        if (!look.closed) std::this_thread::sleep_for(kProjectionRest);
      }
    }
  }

  bool project(std::span<const SharedEvent> events) {
    fail_point("redis.before");
    const auto applied = models_->apply(events);
    fail_point("redis.after");
    if (!applied || *applied != store::ApplyOutcome::kApplied) return false;
    // Some of these may have been in already.
    projected_ = std::max(projected_.load(), events.back()->global_sequence);
    return true;
  }

  /// Everything is on the record: Redis is brought up to it from wherever it
  /// is.
  bool catch_up() {
    if (!models_) {
      if (auto opened = store::ReadModels::open(endpoints_.redis_socket)) models_.emplace(std::move(*opened));
    }
    if (!record_) {
      if (auto opened = store::EventStore::open(endpoints_.postgres, store::EventStore::Role::kReader))
        record_.emplace(std::move(*opened));
    }
    if (!models_ || !record_) return false;
    const auto report = models_->catch_up(*record_, [this] { return !stopping_.load(); });
    if (report)
      projected_ = report->last_global_sequence;
    else
      log_->warn("the read models are behind: {}", report.error().detail);
    return report.has_value();
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::EndpointSettings endpoints_;
  gateway::Metrics& metrics_;
  Logger log_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> projected_ =
      0;                                   // the last event that the projecting thread knows to be in Redis
  std::atomic<std::int64_t> session_ = 0;  // of the connection that leads, or led last

  // Of the committing thread.
  std::optional<store::EventStore> writer_;
  engine::Sequencer sequencer_{
      [this](const std::string& correlation_id) { return writer_->head(correlation_id); },
      [this](const engine::NonceClaim& claim) -> Result<bool> {
        SEP_TRY(const auto holder, writer_->nonce(claim.chain_id, claim.account, claim.nonce));
        return holder && holder->correlation_id == claim.correlation_id;
      }};
  std::uint64_t term_ = 0;
  std::int64_t reached_nats_ns_ = 0;  // monotonic
  bus::Subscription append_subscription_;
  bus::Subscription query_subscription_;

  // Of the projecting thread.
  std::optional<store::ReadModels> models_;
  std::optional<store::EventStore> record_;

  WorkQueue<PendingAppend> appends_;
  Backlog to_project_;
  std::optional<RecordAnswers> answers_;  // once the schema is up to date
  std::optional<EventPublisher> publisher_;
  std::thread committer_, projector_;
};

/// Not "risk.>": JetStream would take, and answer, the requests on
/// risk.evaluate.
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
