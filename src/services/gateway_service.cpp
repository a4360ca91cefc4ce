#include "services/gateway_service.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/log.h"
#include "base/ulid.h"
#include "engine/intent.h"
#include "engine/projection.h"
#include "engine/topics.h"
#include "gateway/admission.h"
#include "gateway/validation.h"
#include "services/async.h"
#include "services/control_view.h"
#include "services/gateway_documents.h"
#include "services/heartbeat.h"
#include "services/node_health.h"
#include "services/quote_request.h"
#include "services/subjects.h"
#include "store/read_models.h"
#include "store/record_fold.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using gateway::Answer;
using gateway::Problem;

constexpr auto kRetryDelay = 200ms;
constexpr auto kLook = 1s;               // how soon events are read that the feed lost
constexpr std::size_t kLooksBehind = 3;  // the read models count as current up to two or three seconds behind
constexpr std::size_t kShownBytes = 200;  // of a message that is no event
constexpr auto kQuoteTimeout = 2s;
constexpr auto kGrace = 2s;
constexpr auto kPartBound = 1s;
constexpr int kCancelTries = 5;
constexpr std::int64_t kRedisPauseNs = 500'000'000;
// Intents between the first look at their request and their commit. A commit takes all that wait for it, so
// that more at a time make nothing faster; what is over waits as a request, which costs nothing, and not as a
// life half begun, whose documents push those of the others out of the processor's caches.
constexpr std::size_t kPlaces = 64;

std::unexpected<Problem> problem(Error error) {
  return std::unexpected(gateway::problem_of(std::move(error)));
}

std::unexpected<Problem> not_found(std::string_view what, std::string_view id) {
  return problem({errc::kNotFound, "no " + std::string(what) + " " + std::string(id), {}});
}

/// Of a submission: one of its tries may have been committed, whatever became of its answer.
Error unanswered(Error error, bool has_key) {
  constexpr std::array kUnknown = {errc::kTimeout, errc::kBusUnavailable, errc::kStoreUnavailable,
                                   errc::kNotReady};
  if (std::ranges::find(kUnknown, error.code) != kUnknown.end())
    error.detail += has_key ? "; it may be on the record: repeat it with the same Idempotency-Key"
                            : "; it may be on the record: look for it there before it is sent again";
  return error;
}

std::vector<gateway::Fault> faults_of(const std::vector<Error>& errors) {
  std::vector<gateway::Fault> faults;
  for (const auto& error : errors) faults.push_back({error.pointer, error.code, error.detail});
  return faults;
}

}  // namespace

class GatewayService::Impl : public gateway::Backend,
                             public gateway::History,
                             public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings, std::shared_ptr<MarketView> market,
       gateway::Metrics& metrics, GatewayOptions options)
      : bus_(std::move(bus)),
        settings_(settings),
        market_(std::move(market)),
        metrics_(metrics),
        options_(std::move(options)),
        log_(logger("gateway")),
        record_(bus_) {}

  Task<Status> start() {
    // The feed first, the record's end afterwards: nothing falls between the two.
    std::vector<gateway::StreamEvent> early;
    SEP_CO_TRY(feed_, bus_->subscribe(subject::kCommitted, "",
                                      [this, &early](const bus::Message& m) { fed(m, early); }));
    SEP_CO_TRY(const auto head, co_await await_head());
    hub_ = gateway::StreamHub::create(bus_->executor(), *this, head);
    heads_.fill(head);
    hub_->tell_with_pong([market = market_] { return pong_members(market->state(), now()); });
    hub_->tell([this](const gateway::StreamEvent& event) { note_work(event); });
    SEP_CO_TRY(signs_, bus_->subscribe(subject::kServiceAlive, "", [this](const bus::Message& message) {
      if (auto sign = parse_sign_of_life(message.body)) attendance_.heard(std::move(*sign), now());
    }));
    SEP_CO_TRY(controls_, ControlView::start(bus_, [this] { measure_halts(); }));
    measure_halts();
    SEP_CO_TRY(health_, bus_->subscribe(subject::kNodeHealth, "", [this](const bus::Message& message) {
      std::ignore = node_health_.heard(message.body, now());
    }));
    for (auto& event : early) hub_->publish(std::move(event));
    SEP_CO_TRY(server_, gateway::Server::listen(bus_->executor(),
                                                {.host = settings_.gateway.host,
                                                 .port = settings_.gateway.port,
                                                 .pages = options_.pages,
                                                 .max_body_bytes = settings_.gateway.max_body_bytes,
                                                 .max_connections = options_.max_connections},
                                                *this, hub_, metrics_));
    log_->info("listening on {}:{}", settings_.gateway.host, server_->port());
    asio::co_spawn(bus_->executor(), look_for_missed(), [self = shared_from_this()](std::exception_ptr) {});
    asio::co_spawn(bus_->executor(), count_what_is_owed(),
                   [self = shared_from_this()](std::exception_ptr) {});
    co_return Status{};
  }

  Task<void> stop() {
    const auto self = shared_from_this();
    stopping_ = true;
    looks_.cancel();
    feed_.reset();
    signs_.reset();
    if (controls_) controls_->stop();
    health_.reset();
    if (hub_) hub_->stop();
    if (server_) co_await server_->stop(kGrace);
    cache_thread_.join();
  }

  std::uint16_t port() const { return server_->port(); }

  // --- gateway::Backend
  // Each call holds this object for as long as it runs: a stop waits for them only so long.

  std::vector<gateway::Fault> intent_faults(const json::object& intent) const override {
    const auto parsed = engine::parse_intent(intent, settings_.chain);
    return parsed ? std::vector<gateway::Fault>{} : faults_of(parsed.error());
  }

  std::vector<gateway::Fault> quote_faults(const json::object& request) const override {
    const auto parsed = parse_quote_request(request, settings_.chain);
    return parsed ? std::vector<gateway::Fault>{} : faults_of(parsed.error());
  }

  Task<Answer<gateway::Place>> admit() override {
    const auto at = monotonic_ns();
    if (const auto retry_after_s = admission_.refused(at, places_.waiting())) {
      metrics_.add("sep_overload_total");
      co_return std::unexpected(Problem{
          .status = gateway::status_of(errc::kOverloaded),
          .code = errc::kOverloaded,
          .detail = fmt::format("{} intents wait to be executed, and at most {} may; nothing is recorded",
                                admission_.owed() + places_.waiting(), admission_.limit(at)),
          .retry_after_s = *retry_after_s});
    }
    struct Held {
      std::shared_ptr<Impl> self;  // outlives the place
      Semaphore::Held place;
    };
    auto self = shared_from_this();
    auto place = co_await places_.acquire();
    co_return std::make_shared<Held>(std::move(self), std::move(place));
  }

  Task<Answer<gateway::SubmitAnswer>> submit_intent(json::object intent,
                                                    std::optional<std::string> idempotency_key,
                                                    std::string body_hash) override {
    const auto self = shared_from_this();
    const auto intent_id = new_ulid();
    const auto correlation_id = engine::correlation_of(intent_id);
    AppendRequest request;
    // The id's own millisecond is the time of submission: whoever has the id knows when the time window
    // began.
    request.events = next_events(
        correlation_id, std::nullopt,
        {{engine::topic::kIntentSubmitted, {{"intentId", intent_id}, {"intent", std::move(intent)}}}},
        *ulid_time(intent_id));
    if (idempotency_key) request.idempotency = {*idempotency_key, body_hash};
    admission_.taken(intent_id, monotonic_ns());
    gateway::StageTimer append(metrics_, gateway::stage::kAppend);
    const auto answer = co_await record_.append(std::move(request));
    append.stop();
    if (!answer || !answer->on_record()) admission_.dropped(intent_id);
    if (!answer) co_return problem(unanswered(answer.error(), idempotency_key.has_value()));
    if (answer->on_record()) co_return gateway::SubmitAnswer{intent_id, correlation_id};
    if (!answer->idempotency) co_return problem({known_code(answer->reason), answer->detail, {}});
    const auto& [known_correlation, known_hash] = *answer->idempotency;
    if (known_hash != body_hash)
      co_return problem({errc::kIdempotencyConflict, "the idempotency key was used with another body", {}});
    co_return gateway::SubmitAnswer{.intent_id = std::string(engine::intent_id_of(known_correlation)),
                                    .correlation_id = known_correlation,
                                    .replayed = true};
  }

  Task<Answer<gateway::Document>> intent(std::string intent_id) override {
    const auto self = shared_from_this();
    co_return co_await document(engine::intent_key(intent_id), "intent", intent_id);
  }

  Task<Answer<gateway::IntentPage>> list(gateway::ListQuery query) override {
    const auto self = shared_from_this();
    if (query.tx_hash) co_return co_await list_of_transaction(std::move(*query.tx_hash));
    const store::ListQuery cache_query{.states = query.states,
                                       .strategy_id = query.strategy_id,
                                       .since_intent_id = query.since_intent_id,
                                       .before_intent_id = query.before_intent_id,
                                       .limit = query.limit};
    auto cached = co_await from_read_models<store::IntentPage>(
        [cache_query](store::ReadModels& models) { return models.list(cache_query); });
    gateway::IntentPage page;
    if (cached) {
      for (auto& view : cached->views) page.intents.push_back(std::move(view));
      page.next_before = std::move(cached->next_before);
      co_return page;
    }
    json::array states;
    for (const auto state : query.states) states.emplace_back(engine::to_string(state));
    json::object question{{"limit", query.limit}, {"states", std::move(states)}};
    if (query.strategy_id) question["strategy_id"] = *query.strategy_id;
    if (query.since_intent_id) question["since_intent_id"] = *query.since_intent_id;
    if (query.before_intent_id) question["before_intent_id"] = *query.before_intent_id;
    auto answer = co_await record_.query(subject::kList, std::move(question));
    if (!answer) co_return problem(answer.error());
    page.source = gateway::Source::kRecord;
    page.intents = answer->at("views").as_array();
    if (const auto& next = answer->at("next_before"); next.is_string())
      page.next_before = std::string(next.get_string());
    co_return page;
  }

  Task<Answer<json::array>> events(std::string intent_id) override {
    const auto self = shared_from_this();
    const auto events = co_await record_.history(engine::correlation_of(intent_id));
    if (!events) co_return problem(events.error());
    if (events->empty()) co_return not_found("intent", intent_id);
    json::array list;
    for (const auto& event : *events) list.push_back(engine::to_json(event));
    co_return list;
  }

  Task<Answer<json::object>> cancel(std::string intent_id) override {
    const auto self = shared_from_this();
    const auto correlation_id = engine::correlation_of(intent_id);
    for (int attempt = 0; attempt < kCancelTries; ++attempt) {
      const auto events = co_await record_.history(correlation_id);
      if (!events) co_return problem(events.error());
      if (events->empty()) co_return not_found("intent", intent_id);
      const auto head = engine::advance_head(std::nullopt, *events);
      if (!head) co_return problem(head.error());
      if (engine::is_terminal(head->state))
        co_return problem(
            {errc::kAlreadyTerminal, "the intent is " + std::string(engine::to_string(head->state)), {}});
      json::object accepted{{"intent_id", intent_id},
                            {"correlation_id", correlation_id},
                            {"state", engine::to_string(head->state)},
                            {"cancel_requested", true}};
      if (std::ranges::find(*events, engine::topic::kIntentCancelRequested, &engine::Envelope::topic) !=
          events->end())
        co_return accepted;
      AppendRequest request;
      request.events = next_events(
          correlation_id, *head, {{engine::topic::kIntentCancelRequested, {{"intentId", intent_id}}}}, now());
      const auto answer = co_await record_.append(std::move(request));
      if (!answer) co_return problem(answer.error());
      if (answer->on_record()) co_return accepted;
    }
    co_return problem(
        {errc::kSequenceConflict, "the intent moves too fast to be cancelled now; try again", {}});
  }

  Task<Answer<gateway::Document>> plan(std::string plan_id) override {
    const auto self = shared_from_this();
    co_return co_await document(engine::plan_key(plan_id), "plan", plan_id);
  }

  Task<Answer<gateway::Document>> positions(std::string strategy_id) override {
    const auto self = shared_from_this();
    co_return co_await document(engine::positions_key(strategy_id), "positions of strategy", strategy_id);
  }

  Task<Answer<json::object>> quote(json::object request) override {
    const auto self = shared_from_this();
    const auto reply = co_await bus_->request(subject::kQuotePrice, json::serialize(request), kQuoteTimeout);
    if (!reply) co_return problem(reply.error());
    auto document = parse_json(*reply);
    if (!document || !document->is_object())
      co_return problem({errc::kInternal, "the planner's answer is not an object", {}});
    auto& answer = document->get_object();
    if (const auto* faults = answer.if_contains("faults")) {
      std::vector<gateway::Fault> list;
      for (const auto& fault : faults->as_array())
        list.push_back({string_or(fault.as_object(), "pointer"),
                        known_code(string_or(fault.as_object(), "code")),
                        string_or(fault.as_object(), "message")});
      co_return std::unexpected(gateway::validation_problem(std::move(list)));
    }
    if (answer.contains("reason"))
      co_return problem({known_code(string_or(answer, "reason")), string_or(answer, "detail"), {}});
    co_return std::move(answer);
  }

  Task<Answer<gateway::StrategyPage>> strategies(std::optional<std::string> after, unsigned limit) override {
    const auto self = shared_from_this();
    auto cached = co_await from_read_models<store::StrategyPage>(
        [after, limit](store::ReadModels& models) { return models.strategies(after, limit); });
    if (cached)
      co_return gateway::StrategyPage{.strategies = std::move(cached->strategies),
                                      .next_after = std::move(cached->next_after)};
    json::object question{{"limit", limit}, {"after", after.value_or("")}};
    const auto answer = co_await record_.query(subject::kStrategies, std::move(question));
    if (!answer) co_return problem(answer.error());
    gateway::StrategyPage page{.source = gateway::Source::kRecord};
    for (const auto& name : answer->at("strategies").as_array())
      page.strategies.emplace_back(name.as_string());
    if (const auto& next = answer->at("next_after"); next.is_string())
      page.next_after = std::string(next.get_string());
    co_return page;
  }

  Task<Answer<json::object>> account() override {
    auto document =
        account_json(market_->state(), market_->pools().valuation, settings_, shown_controls(), now());
    if (!document) co_return problem(document.error());
    co_return std::move(*document);
  }

  Task<Answer<gateway::Document>> stats(std::optional<engine::StatsWindow> window) override {
    const auto self = shared_from_this();
    const auto at = now();
    std::vector<std::string> keys{std::string(engine::kStatsKey)};
    if (window) {
      std::ranges::move(engine::window_keys(*window, at), std::back_inserter(keys));
      std::ranges::move(engine::previous_window_keys(*window, at), std::back_inserter(keys));
    }
    auto read = co_await documents(std::move(keys));
    if (!read) co_return problem(read.error());
    auto& found = read->documents;
    gateway::Document stats(found[0] ? std::move(*found[0]) : engine::empty_stats(), read->source);
    stats.body["latency"] = metrics_.stages();
    if (window) {
      const std::span buckets(found.begin() + 1, found.end());
      const auto half = buckets.size() / 2;
      stats.body["window"] = engine::window_json(*window, at, buckets.first(half), buckets.subspan(half));
    }
    co_return stats;
  }

  Task<gateway::Readiness> readiness() override {
    const auto self = shared_from_this();
    const auto parts = co_await ask_parts();
    co_return readiness_of(parts, market_->state(), settings_, now());
  }

  Task<json::object> status() override {
    const auto self = shared_from_this();
    const auto parts = co_await ask_parts();
    const auto at = now();
    co_return status_json(parts, market_->state(), market_->pools().valuation, settings_, shown_controls(),
                          attendance_.services(at), at);
  }

  json::object assets() override { return assets_json(settings_, started_at_); }
  json::object platform() override { return platform_json(settings_); }

  // --- gateway::History

  Task<Result<std::vector<gateway::StreamEvent>>> range(std::uint64_t from_global,
                                                        std::size_t limit) override {
    const auto self = shared_from_this();
    SEP_CO_TRY(const auto events, co_await record_.range(from_global, limit));
    co_return stream_events(events);
  }

  Task<Result<std::vector<gateway::StreamEvent>>> history(std::string correlation_id,
                                                          std::uint64_t from_sequence) override {
    const auto self = shared_from_this();
    SEP_CO_TRY(const auto events, co_await record_.history(std::move(correlation_id), from_sequence));
    co_return stream_events(events);
  }

 private:
  static std::vector<gateway::StreamEvent> stream_events(const std::vector<engine::Envelope>& events) {
    std::vector<gateway::StreamEvent> list;
    for (const auto& event : events) list.push_back(gateway::stream_event(event));
    return list;
  }

  /// The record's last global sequence, as soon as a coordinator leads.
  Task<Result<std::uint64_t>> await_head() {
    for (bool told = false;; told = true) {
      const auto answer = co_await record_.query(subject::kHead, {});
      const auto last =
          answer ? get_uint(*answer, "global_sequence") : Result<std::uint64_t>(fail(answer.error()));
      if (last) co_return last;
      if (options_.keep_on && !options_.keep_on())
        co_return fail(errc::kNotReady, "the record did not answer until the stop");
      if (!told) log_->warn("waiting for the record: {}", last.error().detail);
      co_await pause(bus_->executor(), kRetryDelay);
    }
  }

  void fed(const bus::Message& message, std::vector<gateway::StreamEvent>& early) {
    if (const auto* object = std::any_cast<CommittedObject>(&message.object)) {
      const auto& committed = **object;
      for (std::size_t i = 0; i < committed.events.size(); ++i)
        fed(*committed.events[i], committed.texts[i], early);
      return;
    }
    for (std::string_view lines = message.body; !lines.empty();) {
      const auto text = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(text.size() + 1, lines.size()));
      const auto envelope = engine::parse_envelope(text);
      if (!envelope || envelope->global_sequence == 0) {
        log_->error("what was told of the record is no event: {}", text.substr(0, kShownBytes));
        continue;
      }
      fed(*envelope, std::make_shared<const std::string>(text), early);
    }
  }

  void fed(const engine::Envelope& envelope, std::shared_ptr<const std::string> text,
           std::vector<gateway::StreamEvent>& early) {
    auto event = gateway::stream_event(envelope, std::move(text));
    if (!hub_) {
      early.push_back(std::move(event));
      return;
    }
    hub_->publish(std::move(event));
    metrics_.observe(gateway::stage::kEventToUi, (now().ms - envelope.timestamp.ms) * 1000);
  }

  /// The feed may lose the last events before a silence: what the record had a moment ago must be here.
  Task<void> look_for_missed() {
    const auto self = shared_from_this();
    std::uint64_t last = 0;
    while (!stopping_) {
      co_await wait(looks_, kLook);
      if (stopping_) co_return;
      hub_->reach(last);
      std::ranges::rotate(heads_, heads_.begin() + 1);
      heads_.back() = hub_->stats().head;
      const auto answer = co_await record_.query(subject::kHead, {});
      if (answer) last = get_uint(*answer, "global_sequence").value_or(last);
    }
  }

  /// What was taken on shortly before this gateway ran: older ones wait for something else than the platform.
  /// One that begins meanwhile counts until it has waited too long.
  Task<void> count_what_is_owed() {
    const auto self = shared_from_this();
    const auto unfinished = co_await record_.unfinished();
    if (!unfinished) log_->warn("what is owed is not known: {}", unfinished.error().detail);
    if (!unfinished) co_return;
    const auto since = now().plus_ms(-std::chrono::milliseconds(gateway::Admission::kWaits).count());
    for (const auto& intent : *unfinished) {
      const auto id = engine::intent_id_of(intent.correlation_id);
      if (intent.head.state != engine::State::kExecuting && ulid_time(id).value_or(Timestamp{}) >= since)
        admission_.taken(id, monotonic_ns());
    }
  }

  /// What of the platform's work is owed: also what other gateways took on.
  void note_work(const gateway::StreamEvent& event) {
    const auto id = engine::intent_id_of(event.correlation_id);
    const auto at = monotonic_ns();
    if (event.topic == engine::topic::kIntentSubmitted)
      admission_.taken(id, at);
    else if (event.topic == engine::topic::kExecStarted || engine::topic::ends_an_intent(event.topic))
      admission_.begun(id, at);
    else
      return;
    metrics_.set("sep_intents_owed", static_cast<double>(admission_.owed()), {},
                 "Intents taken on whose execution has not begun");
  }

  /// What is halted on the record, or by the configuration of this process.
  engine::Controls shown_controls() const {
    auto controls = controls_->controls();
    auto& all = controls[std::string(engine::kControlCorrelation)];
    if (settings_.risk.kill_switch && !all.halted())
      all = {.correlation_id = std::string(engine::kControlCorrelation),
             .state = engine::ControlState::kHalted,
             .since = started_at_,
             .why = {.reason = std::string(errc::kKillSwitch),
                     .detail = "risk.kill_switch is set",
                     .by = "configuration"}};
    return controls;
  }

  void measure_halts() {
    for (const auto& [id, control] : shown_controls())
      metrics_.set("sep_halted", control.halted() ? 1 : 0, {{"what", id}},
                   "1 while nothing new is begun: at all (control), or by an account (signer-…)");
  }

  Task<Answer<gateway::IntentPage>> list_of_transaction(std::string tx_hash) {
    auto found = co_await documents({engine::transaction_key(tx_hash)});
    if (!found) co_return problem(found.error());
    gateway::IntentPage page{.source = found->source};
    if (!found->documents[0]) co_return page;
    auto view = co_await intent(string_or(*found->documents[0], "intent_id"));
    if (!view) co_return std::unexpected(std::move(view.error()));
    page.intents.push_back(std::move(view->body));
    co_return page;
  }

  /// Documents of the read models by their keys.
  struct Found {
    std::vector<std::optional<json::object>> documents;  // one for each key
    gateway::Source source = gateway::Source::kReadModels;
  };

  /// Of the read models; where Redis is out, or holds nothing, the record's own.
  Task<Result<Found>> documents(std::vector<std::string> keys) {
    using Documents = std::vector<std::optional<json::object>>;
    auto cached = co_await from_read_models<Documents>(
        [keys](store::ReadModels& models) { return models.documents(keys); });
    if (cached) co_return Found{std::move(*cached)};
    co_return co_await recorded_documents(keys);
  }

  Task<Result<Found>> recorded_documents(const std::vector<std::string>& keys) {
    const auto* question = store::RecordFold::keeps(keys.front()) ? subject::kTotals : subject::kDocuments;
    SEP_CO_TRY(auto answer, co_await record_.query(question, {{"keys", json::value_from(keys)}}));
    SEP_CO_TRY(auto list, get_array(answer, "documents"));
    if (list.size() != keys.size()) co_return fail(errc::kInternal, "the record's answer lacks documents");
    Found found{.source = gateway::Source::kRecord};
    for (auto& element : list)
      found.documents.push_back(element.is_object() ? std::optional(std::move(element.get_object()))
                                                    : std::nullopt);
    co_return found;
  }

  /// One that is not in the read models may be on the record already. Not so what adds up over the whole
  /// record, which would be read for the sake of a few milliseconds.
  Task<Answer<gateway::Document>> document(std::string key, std::string_view what, std::string id) {
    auto found = co_await documents({key});
    if (found && !found->documents[0] && found->source == gateway::Source::kReadModels &&
        !store::RecordFold::keeps(key))
      found = co_await recorded_documents({key});
    if (!found) co_return problem(found.error());
    if (!found->documents[0]) co_return not_found(what, id);
    co_return gateway::Document(std::move(*found->documents[0]), found->source);
  }

  /// What parts answer within kPartBound, all asked at the same time: a dead one delays nothing by more.
  struct Asked {
    explicit Asked(const asio::any_io_executor& executor) : done(executor) {}
    PartAnswers answers{{errc::kTimeout, "does not answer within 1 s", {}}};
    std::size_t missing = 0;
    Signal done;
  };

  Task<PartAnswers> ask_parts() {
    const auto self = shared_from_this();
    const auto asked = std::make_shared<Asked>(bus_->executor());
    const auto ask = [&](auto question) {
      ++asked->missing;
      asio::co_spawn(bus_->executor(), std::move(question), [asked](std::exception_ptr) {
        if (--asked->missing == 0) asked->done.set();
      });
    };
    ask([self, asked]() -> Task<void> {
      asked->answers.head =
          co_await self->record_.query(subject::kHead, {{"chain_id", self->settings_.chain.chain_id}});
    });
    ask([self, asked]() -> Task<void> {
      const auto due = self->heads_.front();
      const auto pong = co_await self->from_cache<bool>([due](store::ReadModels& models) -> Result<bool> {
        SEP_CHECK(models.ping());
        SEP_TRY(const auto head, models.head());
        // While it is built anew it holds nothing: then the record answers, for as long as that takes.
        if (head != 0) SEP_CHECK(reaches(head, due));
        return true;
      });
      asked->answers.redis = pong ? Status{} : fail(pong.error());
    });
    for (std::size_t i = 0; i < work_queues().size(); ++i)
      ask([self, asked, i]() -> Task<void> {
        asked->answers.queues[i] = co_await self->bus_->consumer_info("EVENTS", work_queues()[i]);
      });
    co_await asked->done.wait_for(kPartBound);
    auto answers = asked->answers;
    answers.nats_connected = bus_->connected();
    answers.feed_head = hub_->stats().head;
    answers.endpoints = node_health_.endpoints(now());
    answers.undecided = node_health_.undecided(now());
    co_return answers;
  }

  /// Whether the read models, which are at `head`, hold what the stream had passed on some seconds ago.
  static Status reaches(std::uint64_t head, std::uint64_t due) {
    if (head >= due) return {};
    return fail(errc::kCacheUnavailable, fmt::format("{} events behind for some seconds", due - head));
  }

  /// A read of Redis that counts only where Redis holds the fold of the record: emptied, while it is built
  /// anew, and while it is behind (it refuses writes, or is being caught up), it answers CACHE_UNAVAILABLE.
  template <class T, class Read>
  Task<Result<T>> from_read_models(Read read) {
    const auto due = heads_.front();
    co_return co_await from_cache<T>([this, read, due](store::ReadModels& models) -> Result<T> {
      if (monotonic_ns() < redis_left_until_ns_) return fail(errc::kCacheUnavailable, "Redis is left alone");
      auto value = read(models);
      const auto head = value ? models.head() : Result<std::uint64_t>(fail(value.error()));
      const auto current = head ? reaches(*head, due) : fail(head.error());
      if (current && *head != 0) return value;
      // One that hangs would keep each request waiting for its bound, one after the other.
      redis_left_until_ns_ = monotonic_ns() + kRedisPauseNs;
      return fail(current ? Error{errc::kCacheUnavailable, "Redis holds nothing", {}} : current.error());
    });
  }

  /// Runs a read on the thread that owns the connection to Redis.
  template <class T, class Read>
  Task<Result<T>> from_cache(Read read) {
    const auto self = shared_from_this();
    co_return co_await asio::co_spawn(
        cache_thread_.get_executor(),
        [self, read]() -> Task<Result<T>> {
          if (!self->models_) {
            SEP_CO_TRY(auto opened, store::ReadModels::open(self->settings_.endpoints.redis_socket));
            self->models_.emplace(std::move(opened));
          }
          co_return read(*self->models_);
        },
        asio::use_awaitable);
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::Settings settings_;
  std::shared_ptr<MarketView> market_;
  gateway::Metrics& metrics_;
  GatewayOptions options_;
  Logger log_;
  RecordClient record_;
  Timestamp started_at_ = now();
  std::shared_ptr<gateway::StreamHub> hub_;
  std::shared_ptr<gateway::Server> server_;
  bus::Subscription feed_, signs_, health_;
  bool stopping_ = false;
  asio::steady_timer looks_{bus_->executor()};
  std::array<std::uint64_t, kLooksBehind> heads_{};  // of the stream at the last looks, the oldest first
  NodeHealthHeard node_health_;
  gateway::Admission admission_;
  Semaphore places_{bus_->executor(), kPlaces};
  Attendance attendance_;
  std::shared_ptr<ControlView> controls_;
  std::optional<store::ReadModels> models_;  // of cache_thread_, as is what follows
  std::int64_t redis_left_until_ns_ = 0;     // monotonic; until then the record is asked at once
  asio::thread_pool cache_thread_{1};
};

GatewayService::GatewayService(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
GatewayService::~GatewayService() = default;
std::uint16_t GatewayService::port() const {
  return impl_->port();
}
Task<void> GatewayService::stop() {
  return impl_->stop();
}

Task<Result<std::unique_ptr<GatewayService>>> GatewayService::start(std::shared_ptr<bus::Bus> bus,
                                                                    const engine::Settings& settings,
                                                                    std::shared_ptr<MarketView> market,
                                                                    gateway::Metrics& metrics,
                                                                    GatewayOptions options) {
  auto impl =
      std::make_shared<Impl>(std::move(bus), settings, std::move(market), metrics, std::move(options));
  if (const auto started = co_await impl->start(); !started) {
    co_await impl->stop();  // what has begun calls it back
    co_return fail(started.error());
  }
  co_return std::unique_ptr<GatewayService>(new GatewayService(std::move(impl)));
}

}  // namespace sep::services
