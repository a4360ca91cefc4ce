#include "simulation/record.h"

#include <algorithm>
#include <deque>
#include <tuple>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/topics.h"
#include "services/append_request.h"
#include "services/async.h"
#include "services/record_client.h"
#include "services/state_coordinator.h"

namespace sep::sim {

using engine::CommitFailure;
using engine::Envelope;
using engine::Staging;
using services::Task;

// --- Store

bool Store::try_lead(const Session& session) {
  if (leader_ && leader_->process->incarnation() != leader_->incarnation) leader_.reset();
  // A paused leader's connection is cut some time.
  if (leader_ && leader_->process->paused() && world_.random.one_in(4)) leader_.reset();
  if (leader_) return *leader_ == session;
  leader_ = session;
  return true;
}

std::optional<CommitFailure> Store::refusal(const engine::CommitBatch& batch) const {
  using Kind = CommitFailure::Kind;
  for (std::size_t i = 0; i < batch.events.size(); ++i)
    if (batch.events[i].global_sequence != events_.size() + i + 1)
      return CommitFailure{Kind::kRecordMoved, ""};
  for (const auto& event : batch.events)
    if (by_id_.contains(event.event_id)) return CommitFailure{Kind::kDuplicateEvent, ""};
  for (const auto& change : batch.heads) {
    const auto known = rows_.find(change.row.correlation_id);
    const auto at = known == rows_.end() ? 0 : known->second.head.sequence;
    if (at != change.expected_sequence) return CommitFailure{Kind::kHeadMoved, ""};
  }
  for (const auto& change : batch.controls) {
    const auto known = controls_.find(change.control.correlation_id);
    if ((known == controls_.end() ? 0 : known->second.sequence) != change.expected_sequence)
      return CommitFailure{Kind::kHeadMoved, ""};
  }
  for (const auto& claim : batch.idempotency)
    if (keys_.contains(claim.key)) return CommitFailure{Kind::kIdempotencyKey, ""};
  for (const auto& claim : batch.nonces) {
    const auto known = nonces_.find(claim.nonce);
    if (known != nonces_.end() && known->second != claim.correlation_id)
      return CommitFailure{Kind::kAccountNonce, ""};
  }
  return std::nullopt;
}

std::expected<void, CommitFailure> Store::commit(const Session& session, const engine::CommitBatch& batch) {
  using Kind = CommitFailure::Kind;
  const auto failed = [](Kind kind) { return std::unexpected(CommitFailure{kind, "simulated"}); };
  if (!leader_ || *leader_ != session) return failed(Kind::kNotLeading);
  if (world_.fault(world_.faults.leadership_lost, "leadership lost")) {
    leader_.reset();
    return failed(Kind::kNotLeading);
  }
  if (world_.fault(world_.faults.commit_unavailable, "store unavailable")) return failed(Kind::kUnavailable);
  if (auto refused = refusal(batch)) return std::unexpected(std::move(*refused));
  const bool unknown = world_.fault(world_.faults.commit_unknown, "commit's outcome unknown");
  if (unknown) leader_.reset();
  if (unknown && world_.random.one_in(2)) return failed(Kind::kOutcomeUnknown);
  write(batch);
  if (unknown) return failed(Kind::kOutcomeUnknown);
  return {};
}

void Store::write(const engine::CommitBatch& batch) {
  for (const auto& event : batch.events) {
    by_id_[event.event_id] = events_.size();
    by_correlation_[event.correlation_id].push_back(events_.size());
    events_.push_back(event);
    if (event.topic == engine::topic::kExecStepPrepared)
      prepared_[parse_hash(event.payload.at("txHash").as_string()).value()] = event.correlation_id;
  }
  for (const auto& change : batch.heads) rows_[change.row.correlation_id] = change.row;
  for (const auto& claim : batch.idempotency) keys_[claim.key] = claim;
  for (const auto& change : batch.controls)
    controls_.insert_or_assign(change.control.correlation_id, change.control);
  for (const auto& claim : batch.nonces)
    if (nonces_.try_emplace(claim.nonce, claim.correlation_id).second && on_nonce) on_nonce(claim);
  for (const auto& event : batch.events) {
    world_.trace("record", fmt::format("{} {} #{} {}", event.global_sequence, event.correlation_id,
                                       event.sequence, event.topic));
    if (on_event) on_event(event);
  }
}

std::optional<engine::IntentRow> Store::row(const std::string& correlation_id) const {
  const auto found = rows_.find(correlation_id);
  return found == rows_.end() ? std::nullopt : std::optional(found->second);
}
const Envelope* Store::event_by_id(const std::string& event_id) const {
  const auto found = by_id_.find(event_id);
  return found == by_id_.end() ? nullptr : &events_[found->second];
}
std::optional<engine::IdempotencyClaim> Store::idempotency(const std::string& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? std::nullopt : std::optional(found->second);
}
std::vector<Envelope> Store::history(const std::string& correlation_id, std::uint64_t from_sequence) const {
  std::vector<Envelope> history;
  const auto found = by_correlation_.find(correlation_id);
  if (found == by_correlation_.end()) return history;
  for (const auto at : found->second)
    if (events_[at].sequence >= from_sequence) history.push_back(events_[at]);
  return history;
}
std::uint64_t Store::next_nonce() const {
  return nonces_.empty() ? 0 : nonces_.rbegin()->first + 1;
}

// --- Cache

void Cache::flush() {
  head = 0;
  documents.clear();
  by_state.clear();
  ++flushes;
}

void Cache::apply(const engine::Changes& changes) {
  head = changes.last_global_sequence;
  for (const auto& [key, document] : changes.documents) documents[key] = document;
  for (const auto& move : changes.lists) {
    if (move.before) by_state[std::string(engine::to_string(*move.before))].erase(move.intent_id);
    by_state[std::string(engine::to_string(move.after))].insert(move.intent_id);
  }
}

// --- the coordinator

namespace {

struct Waiting : engine::RecordAppend {
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

/// Of one intent, by one coordinator: whoever is refused looks again, and decides anew.
constexpr int kMostRefusals = 20;

class Coordinator : public std::enable_shared_from_this<Coordinator> {
 public:
  Coordinator(Process& process, Store& store, Cache& cache)
      : process_(process),
        world_(process.world),
        store_(store),
        cache_(cache),
        session_{&process, process.incarnation()},
        bus_(bus::Bus::connect(process.executor(), {}).value()),
        sequencer_(
            [&store](const std::string& id) {
              return Result<std::optional<engine::IntentRow>>(store.row(id));
            },
            [&store](const engine::NonceClaim& claim) -> Result<bool> {
              const auto holder = store.nonces().find(claim.nonce);
              return holder != store.nonces().end() && holder->second == claim.correlation_id;
            }),
        arrived_(process.executor()),
        committed_(process.executor()) {}

  void start() { asio::co_spawn(process_.executor(), run(), asio::detached); }

 private:
  Task<void> pause(std::int64_t ms) {
    return services::pause(process_.executor(), std::chrono::milliseconds(ms));
  }

  /// True where another one led meanwhile: whoever asks is answered by the leader alone.
  Task<bool> lead() {
    bool another_led = false;
    while (!store_.try_lead(session_)) {
      another_led = true;
      appends_.reset();
      queries_.reset();
      waiting_.clear();
      co_await pause(200);
    }
    world_.trace(process_.name, "leads");
    sequencer_.reset(store_.events().size());
    sequencer_.know(store_.controls());
    serve();
    co_return another_led;
  }

  void serve() {
    if (appends_) return;
    appends_ =
        bus_->serve_raw(services::subject::kAppend, "",
                        [this](const bus::Message& m) {
                          auto append = services::parse_append(m.body);
                          if (!append) {
                            world_.violated("append", append.error().detail + " " + append.error().pointer);
                            return;
                          }
                          const auto events = engine::shared(append->events);
                          waiting_.push_back({std::move(*append), m});
                          arrived_.set();
                          for (const auto& event : events)
                            bus_->announce(event->topic, event->event_id, event);
                        })
            .value();
    queries_ = bus_->serve_raw("record.query.*", "",
                               [this](const bus::Message& m) {
                                 asio::co_spawn(process_.executor(), answer_query(m), asio::detached);
                               })
                   .value();
  }

  Task<void> run() {
    const auto self = shared_from_this();
    co_await lead();
    asio::co_spawn(process_.executor(), publish(), asio::detached);
    asio::co_spawn(process_.executor(), project(), asio::detached);
    while (true) {
      if (waiting_.empty()) co_await arrived_.wait_for(std::chrono::hours(1));
      std::vector<Waiting> group;
      while (!waiting_.empty() && group.size() < 256) {
        group.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
      if (!group.empty()) co_await commit_group(std::move(group));
    }
  }

  // What follows is the production coordinator's, in turns.

  Task<void> commit_group(std::vector<Waiting> group) {
    while (!group.empty()) {
      std::vector<Waiting> members, put_off;
      for (auto& append : group) {
        const auto staging = sequencer_.stage(append);
        if (staging.kind == Staging::Kind::kStaged)
          members.push_back(std::move(append));
        else if (staging.kind == Staging::Kind::kLater)
          put_off.push_back(std::move(append));
        else if (staging.kind == Staging::Kind::kConflict)
          answer_conflict(append, staging.head, staging.why);
        else
          answer(append.request, error_reply(staging.why.code, staging.why.detail));
      }
      if (!members.empty()) co_await commit(std::move(members));
      group = std::move(put_off);
    }
  }

  Task<void> commit(std::vector<Waiting> members) {
    co_await pause(world_.random.between(0, 3));
    const auto committed = store_.commit(session_, sequencer_.batch());
    co_await pause(world_.random.between(0, 3));
    if (committed) {
      const auto events = sequencer_.committed();
      std::size_t at = 0;
      for (const auto& append : members) {
        answer(append.request,
               success_reply("committed", std::span(events).subspan(at, append.events.size())));
        at += append.events.size();
      }
      committed_.set();
      to_project_.set();
      co_return;
    }
    const auto kind = committed.error().kind;
    world_.count(fmt::format("commit: {}", engine::to_string(kind)));
    switch (engine::after_failure(kind, members.size())) {
      case engine::AfterFailure::kSplit:
        sequencer_.dropped();
        for (auto& append : members) {
          std::vector<Waiting> alone;
          alone.push_back(std::move(append));
          co_await commit_group(std::move(alone));
        }
        co_return;
      case engine::AfterFailure::kRefuse:
        sequencer_.dropped();
        refused_alone(kind, members.front());
        co_return;
      case engine::AfterFailure::kWait:
        sequencer_.dropped();
        for (const auto& append : members)
          answer(append.request, error_reply(errc::kStoreUnavailable, "nothing is changed"));
        co_return;
      case engine::AfterFailure::kReload:
        if (co_await lead()) co_return;  // it is asked again
        for (const auto& append : members) {
          if (const auto events = on_record(append); !events.empty())
            answer(append.request, success_reply("committed", events));
          else
            answer(append.request, error_reply(errc::kStoreUnavailable, "nothing changed"));
        }
        committed_.set();
        to_project_.set();
        co_return;
    }
  }

  std::vector<Envelope> on_record(const Waiting& append) const {
    std::vector<Envelope> found;
    for (const auto& event : append.events) {
      const auto* stored = store_.event_by_id(event.event_id);
      if (stored == nullptr) return {};
      found.push_back(*stored);
    }
    return found;
  }

  void answer_conflict(const Waiting& append, const std::optional<engine::IntentHead>& head,
                       const Error& why) {
    if (const auto known = on_record(append); !known.empty()) {
      world_.count("append repeated");
      answer(append.request, success_reply("duplicate", known));
      return;
    }
    world_.count(fmt::format("append refused: {}", why.code));
    if (++refused_[append.correlation_id()] == kMostRefusals)
      world_.violated("looks again", "appends are refused again and again: " + why.detail,
                      append.correlation_id());
    json::object reply{
        {"status", "conflict"}, {"reason", why.code}, {"detail", why.detail}, {"head", nullptr}};
    if (head) reply["head"] = head_json(append.correlation_id(), *head);
    answer(append.request, std::move(reply));
  }

  void refused_alone(CommitFailure::Kind kind, const Waiting& append) {
    if (engine::is_control(append.correlation_id())) {
      sequencer_.know(store_.controls());
      answer_conflict(append, std::nullopt, {errc::kSequenceConflict, "it has moved on", {}});
      return;
    }
    sequencer_.forget(append.correlation_id());
    const auto row = store_.row(append.correlation_id());
    const auto head = row ? std::optional(row->head) : std::nullopt;
    if (kind == CommitFailure::Kind::kIdempotencyKey) {
      if (const auto events = on_record(append); !events.empty()) {
        answer(append.request, success_reply("duplicate", events));
        return;
      }
      json::object reply{{"status", "conflict"},
                         {"reason", errc::kIdempotencyConflict},
                         {"detail", "the idempotency key is taken"},
                         {"head", nullptr}};
      if (const auto known = store_.idempotency(append.idempotency->key))
        reply["idempotency"] =
            json::object{{"correlation_id", known->correlation_id}, {"body_hash", known->body_hash}};
      answer(append.request, std::move(reply));
      return;
    }
    if (kind == CommitFailure::Kind::kAccountNonce)
      answer_conflict(append, head, {errc::kNonceClaimed, "another intent holds the nonce", {}});
    else
      answer_conflict(append, head, {errc::kSequenceConflict, "the intent has moved on", {}});
  }

  void answer(const bus::Message& request, json::object reply) {
    std::ignore = bus_->reply(request, json::serialize(reply));
  }

  // --- behind the commit

  /// Everything that the stream lacks, in order; what was committed by an earlier run too.
  Task<void> publish() {
    const auto self = shared_from_this();
    std::uint64_t next = 1;
    while (true) {
      const auto last = co_await bus_->last_message("EVENTS");
      if (!last) continue;
      if (*last)
        next = engine::envelope_from_json(parse_json((*last)->body).value()).value().global_sequence + 1;
      break;
    }
    while (true) {
      if (next > store_.events().size()) {
        co_await committed_.wait_for(std::chrono::seconds(30));
        continue;
      }
      const auto& event = store_.events()[next - 1];
      const auto published = co_await bus_->publish_event(
          {event.topic, json::serialize(engine::to_json(event)), event.event_id}, std::chrono::seconds(5));
      if (published)
        ++next;
      else
        co_await pause(200);
    }
  }

  Task<void> project() {
    const auto self = shared_from_this();
    std::optional<engine::Projection> projection;
    std::uint64_t flushes = 0;
    while (true) {
      if (world_.fault(world_.faults.cache_unavailable ? 100 : 0, "cache unavailable")) {
        projection.reset();
        co_await pause(world_.random.between(100, 5'000));
      }
      if (projection && (flushes != cache_.flushes || projection->last_global_sequence() != cache_.head))
        projection.reset();
      if (!projection) {
        flushes = cache_.flushes;
        projection.emplace(cache_.head,
                           [this](const std::string& key) -> Result<std::optional<json::object>> {
                             const auto found = cache_.documents.find(key);
                             if (found == cache_.documents.end()) return std::nullopt;
                             return parse_json(found->second).value().as_object();
                           });
      }
      const auto from = projection->last_global_sequence();
      const auto to = std::min<std::size_t>(store_.events().size(), from + 64);
      if (from == to) {
        co_await to_project_.wait_for(std::chrono::seconds(2));
        continue;
      }
      for (auto at = from; at < to; ++at) {
        const auto applied = projection->apply(store_.events()[at]);
        if (!applied) world_.violated("read models", applied.error().detail);
      }
      co_await pause(1);
      // The store watches the head: another projector, or a flush, makes this one begin anew.
      if (flushes == cache_.flushes && cache_.head == from)
        cache_.apply(projection->take_changes());
      else
        projection.reset();
    }
  }

  Task<void> answer_query(bus::Message question) {
    const auto self = shared_from_this();
    co_await pause(world_.random.between(0, 3));
    const auto object = parse_json(question.body.empty() ? "{}" : question.body).value().as_object();
    json::object reply = error_reply(errc::kNotFound, "no such question: " + question.subject);
    namespace subject = services::subject;
    if (question.subject == subject::kHistory) {
      const auto from = get_uint(object, "from_sequence");
      json::array list;
      for (const auto& event : store_.history(get_string(object, "correlation_id").value(), from ? *from : 1))
        list.push_back(engine::to_json(event));
      reply = {{"events", std::move(list)}};
    } else if (question.subject == subject::kUnfinished) {
      json::array intents;
      for (const auto& [id, row] : store_.rows()) {
        if (engine::is_terminal(row.head.state)) continue;
        auto one = head_json(id, row.head);
        one["strategy_id"] = row.strategy_id;
        one["deadline_ms"] = row.deadline.ms;
        intents.push_back(std::move(one));
      }
      reply = {{"intents", std::move(intents)}};
    } else if (question.subject == subject::kOpenIntents) {
      const auto strategy = get_string(object, "strategy_id").value();
      const auto submission = [&](const std::string& id) {
        const auto history = store_.history(id, 1);
        return history.empty() ? ~0ULL : history.front().global_sequence;
      };
      const auto own = submission(get_string(object, "correlation_id").value());
      const auto open = std::ranges::count_if(store_.rows(), [&](const auto& entry) {
        const auto& [id, row] = entry;
        return row.strategy_id == strategy && !engine::is_terminal(row.head.state) &&
               (row.head.state != engine::State::kSubmitted || submission(id) <= own);
      });
      reply = {{"open", open}, {"control", nullptr}};
      if (const auto control = store_.controls().find(engine::kControlCorrelation);
          control != store_.controls().end())
        reply["control"] = engine::to_json(control->second);
    } else if (question.subject == subject::kControls) {
      json::array list;
      for (const auto& [id, control] : store_.controls()) list.push_back(engine::to_json(control));
      reply = {{"controls", std::move(list)}};
    } else if (question.subject == subject::kNonces) {
      json::array list;
      for (const auto& [nonce, id] : store_.nonces())
        if (nonce >= get_uint(object, "from").value())
          list.push_back(json::object{{"nonce", nonce}, {"correlation_id", id}});
      reply = {{"nonces", std::move(list)}};
    } else if (question.subject == subject::kNextNonce) {
      reply = {{"next", store_.next_nonce()}};
    } else {
      world_.violated("query", question.subject);
    }
    answer(question, std::move(reply));
  }

  Process& process_;
  World& world_;
  Store& store_;
  Cache& cache_;
  Store::Session session_;
  std::shared_ptr<bus::Bus> bus_;
  engine::Sequencer sequencer_;
  std::deque<Waiting> waiting_;
  std::unordered_map<std::string, int> refused_;  // appends, by intent
  services::Signal arrived_;
  services::Signal committed_;
  services::Signal to_project_{process_.executor()};
  bus::Subscription appends_, queries_;
};

}  // namespace

void start_coordinator(Process& process, Store& store, Cache& cache) {
  auto coordinator = std::make_shared<Coordinator>(process, store, cache);
  coordinator->start();
  process.keep(std::move(coordinator));
}

}  // namespace sep::sim
