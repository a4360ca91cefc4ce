// The state coordinator when what it stands on fails: coordinators killed and stopped, PostgreSQL restarted
// and full, Redis emptied, the stream deleted, emptied, truncated and rolled back; under a stream of appends.
// Real servers; the judge is the record, read with SQL.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <future>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include "integration/record_fixture.h"
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "app/parts.h"
#include "engine/projection.h"
#include "engine/sample_lives.h"
#include "engine/topics.h"
#include "engine/window_stats.h"
#include "gateway/metrics.h"
#include "services/append_request.h"
#include "services/event_publisher.h"
#include "services/record_client.h"
#include "services/state_coordinator.h"
#include "store/read_models.h"
#include "support/platform.h"
#include "support/tcp_proxy.h"
#include "support/temp_dir.h"

namespace sep::services {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using engine::Envelope;
using engine::samples::Ids;
using engine::samples::Life;
using support::eventually;
using support::sql;

constexpr auto kCoordinatorMode = "--coordinator";

std::int64_t ms_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

/// A bus on an executor of its own.
class Side {
 public:
  explicit Side(const std::string& nats_url) : thread_([this] { context_.run(); }) {
    bus = bus::Bus::connect(context_.get_executor(),
                            {.url = nats_url, .name = "test", .reconnect_wait = bus::milliseconds(10)})
              .value();
  }
  ~Side() {
    bus->close();
    guard_.reset();
    context_.stop();
    thread_.join();
    bus.reset();
  }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(context_);
  std::thread thread_;

 public:
  std::shared_ptr<bus::Bus> bus;
};

/// Intents that live from submission to completion, several at once, each step appended as a service does and
/// only once the one before it is acknowledged.
class Load {
 public:
  Load(std::shared_ptr<bus::Bus> bus, int threads) : bus_(std::move(bus)) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(i); });
  }
  ~Load() { stop(); }

  std::uint64_t acknowledged() const { return acknowledged_; }
  void stop() {
    stopping_ = true;
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  /// How long it takes until something is acknowledged again, from now on.
  std::int64_t ms_to_next(std::chrono::milliseconds patience = 40s) {
    const auto start = Clock::now();
    // What was on its way at the start may still be acknowledged by whoever is gone: a few more are awaited.
    const auto target = acknowledged_ + threads_.size() + 1;
    EXPECT_TRUE(eventually([&] { return acknowledged_ >= target; }, patience));
    return ms_since(start);
  }
  /// Every event that was acknowledged is on the record, in its place.
  void expect_on_record(const std::string& conninfo) {
    auto record = store::EventStore::open(conninfo, store::EventStore::Role::kReader).value();
    std::size_t missing = 0;
    for (const auto& event : acknowledged_events_) {
      const auto stored = record.event_by_id(event.event_id).value();
      if (!stored || stored->sequence != event.sequence || stored->causation_id != event.causation_id)
        ++missing;
    }
    EXPECT_EQ(missing, 0U) << "of " << acknowledged_events_.size();
    EXPECT_GT(acknowledged_events_.size(), 0U);
    EXPECT_EQ(sql(conninfo,
                  "SELECT count(*) FROM (SELECT correlation_id, sequence FROM events GROUP BY 1, 2 "
                  "HAVING count(*) > 1) twice")
                  .value(),
              "0");
    EXPECT_EQ(sql(conninfo, "SELECT count(*) = max(global_sequence) FROM events").value(), "t");
    EXPECT_EQ(conflicts_, 0U);
  }

 private:
  void run(int number) {
    RecordClient client(bus_);
    Ids ids;
    for (int round = 0; !stopping_; ++round) {
      Life life(ids, "load-" + std::to_string(number), "acquire", "1",
                engine::samples::kStart.plus_ms((number + 1) * 1'000'000'000LL + round));
      life.trade("2500", "1");
      for (std::size_t at = 0; at < life.events().size() && !stopping_;) {
        const auto count = std::size_t{life.events()[at].topic == engine::topic::kRiskApproved ? 2U : 1U};
        AppendRequest request;
        request.events.assign(life.events().begin() + static_cast<std::ptrdiff_t>(at),
                              life.events().begin() + static_cast<std::ptrdiff_t>(at + count));
        // Each of them from its own account.
        request.nonces = support::claims_of(request.events, static_cast<char>('0' + number));
        const auto events = request.events;
        const auto answer = bus_->wait(client.append(std::move(request)));
        if (!answer) continue;  // not known to be on the record: asked again, as it is
        if (!answer->on_record()) {
          ++conflicts_;
          std::cerr << "conflict: " << answer->reason << " " << answer->detail << "\n";
          return;
        }
        {
          const std::scoped_lock lock(mutex_);
          acknowledged_events_.insert(acknowledged_events_.end(), events.begin(), events.end());
        }
        ++acknowledged_;
        at += count;
      }
    }
  }

  std::shared_ptr<bus::Bus> bus_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::atomic<std::uint64_t> conflicts_ = 0;
  std::mutex mutex_;
  std::vector<Envelope> acknowledged_events_;
  std::vector<std::thread> threads_;
};

class CoordinatorFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    nats_ = app::start_nats(directory_ / "nats").value();
    redis_ = app::start_redis(directory_ / "redis").value();
    conninfo_ = support::RecordServer::new_record();
    side_.emplace(nats_->url());
    record_.emplace(side_->bus);
  }
  void TearDown() override {
    coordinator_.reset();
    record_.reset();
    side_.reset();
  }

  const std::shared_ptr<bus::Bus>& bus() { return side_->bus; }
  engine::EndpointSettings endpoints() {
    return {.nats_url = nats_->url(), .postgres = conninfo_, .redis_socket = redis_->socket()};
  }
  /// In this process.
  void start_coordinator() {
    coordinator_ = StateCoordinator::start(bus(), endpoints(), metrics_).value();
    ASSERT_TRUE(eventually([&] { return query(subject::kHead, {}).has_value(); }));
  }
  /// In a process of its own.
  app::Process spawn_coordinator(const std::string& name, const std::string& nats_url = {}) {
    return app::Process::spawn(
               {.argv = {"/proc/self/exe", kCoordinatorMode, nats_url.empty() ? nats_->url() : nats_url,
                         conninfo_, redis_->socket()},
                .log_file = directory_ / (name + ".log")})
        .value();
  }
  std::string log_of(const std::string& name) {
    std::ifstream file(directory_ / (name + ".log"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool leads(const std::string& name) { return log_of(name).contains("leading; the record"); }

  Result<json::object> query(const char* query_subject, json::object question) {
    return bus()->wait(record_->query(query_subject, std::move(question)));
  }
  Result<AppendAnswer> append(std::span<const Envelope> events) {
    AppendRequest request;
    request.events.assign(events.begin(), events.end());
    request.nonces = support::claims_of(events);
    return bus()->wait(record_->append(std::move(request)));
  }
  std::uint64_t recorded() {
    return std::stoull(sql(conninfo_, "SELECT global_sequence FROM record_head").value());
  }

  /// The global sequences of the stream's messages, in its order; 0 for one that is no event.
  std::vector<std::uint64_t> streamed() {
    std::vector<std::uint64_t> found;
    const auto info = bus()->wait(bus()->stream_info(kEventStream));
    if (!info) return found;
    for (auto sequence = info->first_sequence; sequence <= info->last_sequence && sequence > 0; ++sequence) {
      const auto message = bus()->wait(bus()->get_message(kEventStream, sequence)).value();
      if (!message) continue;
      const auto event = parse_json(message->body);
      found.push_back(event && event->is_object() ? get_uint(event->as_object(), "globalSequence").value_or(0)
                                                  : 0);
    }
    return found;
  }
  std::uint64_t last_streamed() {
    const auto message = bus()->wait(bus()->last_message(kEventStream));
    if (!message || !*message) return 0;
    const auto event = parse_json((*message)->body);
    return event && event->is_object() ? get_uint(event->as_object(), "globalSequence").value_or(0) : 0;
  }
  void expect_stream_is_the_record() {
    ASSERT_TRUE(eventually([&] { return last_streamed() == recorded(); }));
    std::vector<std::uint64_t> expected(recorded());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = i + 1;
    EXPECT_EQ(streamed(), expected);
  }
  void expect_read_models_equal() {
    ASSERT_TRUE(eventually([&] {
      const auto head = query(subject::kHead, {});
      return head && head->at("global_sequence") == head->at("projected_global_sequence");
    }));
    auto record = store::EventStore::open(conninfo_, store::EventStore::Role::kReader).value();
    const auto report = store::ReadModels::open(redis_->socket()).value().verify(record);
    ASSERT_TRUE(report.has_value()) << report.error().detail;
    EXPECT_EQ(report->differing, 0U);
    EXPECT_EQ(report->replay.last_global_sequence, recorded());
  }

  /// A worker of the platform: what it heard, by event id.
  void start_worker(std::string_view topic) {
    worker_ = bus()
                  ->wait(bus()->consume({.stream = kEventStream,
                                         .durable = "test-workers",
                                         .deliver_group = "test.workers",
                                         .filter_subject = std::string(topic),
                                         .check_interval = bus::milliseconds(500)},
                                        [this](bus::Message message) -> boost::asio::awaitable<bus::Verdict> {
                                          if (const auto event = event_of(message)) {
                                            const std::scoped_lock lock(heard_mutex_);
                                            heard_.insert((*event)->correlation_id);
                                          }
                                          co_return bus::Verdict::ack();
                                        }))
                  .value();
  }
  bool heard(const std::string& correlation_id) {
    const std::scoped_lock lock(heard_mutex_);
    return heard_.contains(correlation_id);
  }
  void forget_heard() {
    const std::scoped_lock lock(heard_mutex_);
    heard_.clear();
  }

  support::TempDir directory_;
  std::unique_ptr<app::Nats> nats_;
  std::unique_ptr<app::Redis> redis_;
  std::string conninfo_;
  std::optional<Side> side_;
  gateway::Metrics metrics_;
  std::unique_ptr<StateCoordinator> coordinator_;
  std::optional<RecordClient> record_;
  bus::Subscription worker_;
  std::mutex heard_mutex_;
  std::set<std::string> heard_;
  Ids ids_;
};

// --- between commit and publish, and lost answers

TEST_F(CoordinatorFaults, WhatWasCommittedAndNotPublishedIsPublishedAtTheNextStart) {
  constexpr std::size_t kPublished = 1'000;
  const auto all = engine::samples::random_record(2'500, 1);
  {
    auto store = store::EventStore::open(conninfo_, store::EventStore::Role::kWriter).value();
    ASSERT_TRUE(store.try_lead().value());
    support::RecordWriter writer(store);
    ASSERT_TRUE(bus()->wait(bus()->ensure_stream(event_stream())).has_value());
    std::vector<bus::Publication> earlier;
    for (std::size_t at = 0; at < all.size(); at += 1'000) {
      const auto committed =
          writer.commit(std::span(all).subspan(at, std::min<std::size_t>(1'000, all.size() - at)));
      // Under ids of no meaning: as if the time in which the stream knows them were over.
      for (const auto& event : committed)
        if (event.global_sequence <= kPublished)
          earlier.push_back(
              {event.topic, json::serialize(engine::to_json(event)), "earlier-" + event.event_id});
    }
    for (const auto& ack : bus()->publish_events(std::move(earlier), 20s)) ASSERT_TRUE(ack.has_value());
  }
  const auto start = Clock::now();
  start_coordinator();
  ASSERT_TRUE(eventually([&] { return last_streamed() == all.size(); }, 60s));
  std::cout << all.size() - kPublished << " events published after the start in " << ms_since(start)
            << " ms\n";
  expect_stream_is_the_record();
}

TEST_F(CoordinatorFaults, TheSameAppendAskedAgainIsADuplicateWhenever) {
  start_coordinator();
  for (int i = 0; i < 50; ++i) {
    Life life(ids_, "demo", "acquire", "1");
    life.submit();
    // Both on their way together, so that they meet in one group now and then.
    auto first = std::async(std::launch::async, [&] { return append(life.events()); });
    const auto second = append(life.events());
    const auto other = first.get();
    ASSERT_TRUE(second.has_value() && other.has_value());
    using Status = AppendAnswer::Status;
    EXPECT_EQ((std::set{second->status, other->status}), (std::set{Status::kCommitted, Status::kDuplicate}));
    EXPECT_EQ(append(life.events())->status, Status::kDuplicate);
  }
  EXPECT_EQ(recorded(), 50U);
}

TEST_F(CoordinatorFaults, OneOfTwoThatComputedTheSameStepLoses) {
  start_coordinator();
  for (int i = 0; i < 50; ++i) {
    Life life(ids_, "demo", "acquire", "1");
    life.submit();
    ASSERT_TRUE(append(life.events())->on_record());
    Life twin = life;
    life.reject_risk();
    twin.cancel();
    auto first = std::async(std::launch::async, [&] { return append(std::span(life.events()).last(1)); });
    const auto second = append(std::span(twin.events()).last(1));
    const auto other = first.get();
    ASSERT_TRUE(second.has_value() && other.has_value());
    ASSERT_NE(second->on_record(), other->on_record());
    const auto& lost = second->on_record() ? *other : *second;
    const auto& winner = second->on_record() ? twin : life;
    ASSERT_TRUE(lost.head.has_value());
    EXPECT_EQ(lost.head->last_event_id, winner.events().back().event_id);
  }
}

// --- two coordinators

TEST_F(CoordinatorFaults, AStandbyTakesOverFromALeaderThatIsKilled) {
  auto first = spawn_coordinator("first");
  ASSERT_TRUE(eventually([&] { return leads("first"); }));
  auto second = spawn_coordinator("second");
  ASSERT_TRUE(eventually([&] { return log_of("second").contains("another coordinator leads"); }));
  Load load(bus(), 4);
  load.ms_to_next();
  first.kill(SIGKILL);
  const auto gap = load.ms_to_next();
  std::cout << "killed leader: " << gap << " ms without an acknowledgement\n";
  EXPECT_LT(gap, 8'000);
  EXPECT_TRUE(leads("second"));
  load.stop();
  load.expect_on_record(conninfo_);
  expect_stream_is_the_record();
  expect_read_models_equal();
}

TEST_F(CoordinatorFaults, AStoppedLeaderIsUnseatedAndHarmlessWhenItWakes) {
  auto first = spawn_coordinator("first");
  ASSERT_TRUE(eventually([&] { return leads("first"); }));
  auto second = spawn_coordinator("second");
  ASSERT_TRUE(eventually([&] { return log_of("second").contains("another coordinator leads"); }));
  Load load(bus(), 4);
  load.ms_to_next();
  first.kill(SIGSTOP);
  const auto gap = load.ms_to_next();
  std::cout << "stopped leader: " << gap << " ms without an acknowledgement\n";
  EXPECT_LT(gap, 12'000);
  EXPECT_TRUE(leads("second"));
  load.ms_to_next();
  first.kill(SIGCONT);
  ASSERT_TRUE(eventually([&] { return log_of("first").contains("another coordinator leads"); }))
      << log_of("first");
  load.ms_to_next();
  second.kill(SIGKILL);
  const auto back = load.ms_to_next();
  std::cout << "and back: " << back << " ms\n";
  load.stop();
  load.expect_on_record(conninfo_);
  expect_stream_is_the_record();
  expect_read_models_equal();
}

TEST_F(CoordinatorFaults, ALeaderWithNothingToDoIsNotSilent) {
  auto first = spawn_coordinator("first");
  ASSERT_TRUE(eventually([&] { return leads("first"); }));
  auto second = spawn_coordinator("second");
  ASSERT_TRUE(eventually([&] { return log_of("second").contains("another coordinator leads"); }));
  const auto former =
      sql(conninfo_, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").value();
  auto watcher = store::EventStore::open(conninfo_, store::EventStore::Role::kReader).value();
  // Longer than the silence that unseats.
  EXPECT_FALSE(eventually([&] { return leads("second"); }, 5s));
  EXPECT_EQ(std::to_string(watcher.leader().value().value_or(0)), former);
}

TEST_F(CoordinatorFaults, ALeaderWithoutNatsLeavesTheRecordToOneThatHasIt) {
  support::TcpProxy way(nats_->url().substr(nats_->url().find("//") + 2));
  auto first = spawn_coordinator("first", "nats://" + way.address());
  ASSERT_TRUE(eventually([&] { return leads("first"); }));
  auto second = spawn_coordinator("second");
  ASSERT_TRUE(eventually([&] { return log_of("second").contains("another coordinator leads"); }));
  Load load(bus(), 4);
  load.ms_to_next();
  way.set(support::TcpProxy::Mode::kRefuse);
  const auto gap = load.ms_to_next();
  std::cout << "leader without NATS: " << gap << " ms without an acknowledgement\n";
  EXPECT_LT(gap, 12'000);
  EXPECT_TRUE(leads("second"));
  way.set(support::TcpProxy::Mode::kPass);
  ASSERT_TRUE(eventually([&] { return log_of("first").contains("another coordinator leads"); }))
      << log_of("first");
  second.kill(SIGKILL);
  load.ms_to_next();
  load.stop();
  load.expect_on_record(conninfo_);
  expect_stream_is_the_record();
  expect_read_models_equal();
}

TEST_F(CoordinatorFaults, AStandbyMigratesNothing) {
  const std::string database = "not_migrated";
  ASSERT_TRUE(sql(conninfo_, "CREATE DATABASE " + database).has_value());
  conninfo_ += " dbname=" + database;
  // One of an earlier version, whose schema it is.
  auto leader = store::EventStore::open(conninfo_, store::EventStore::Role::kWriter).value();
  ASSERT_TRUE(leader.try_lead().value());
  const auto migrated = [&] { return sql(conninfo_, "SELECT to_regclass('events') IS NOT NULL").value(); };
  auto standby = spawn_coordinator("standby");
  ASSERT_TRUE(eventually([&] { return log_of("standby").contains("another coordinator leads"); }));
  EXPECT_EQ(migrated(), "f");
  leader.stop_leading();
  ASSERT_TRUE(eventually([&] { return leads("standby"); }));
  EXPECT_EQ(migrated(), "t");
}

// --- PostgreSQL

class PostgresRestarted : public CoordinatorFaults, public ::testing::WithParamInterface<int> {};

TEST_P(PostgresRestarted, NothingAcknowledgedIsLost) {
  start_coordinator();
  Load load(bus(), 4);
  // Until then the stream is an empty one beside a record that is not.
  ASSERT_TRUE(eventually([&] { return last_streamed() > 0; }));
  auto& postgres = support::RecordServer::get();
  for (int i = 0; i < 2; ++i) {
    load.ms_to_next();
    postgres.kill(GetParam());
    ASSERT_TRUE(postgres.wait(30s).has_value());
    // What is asked meanwhile is answered within its bound.
    const auto asked = Clock::now();
    Life life(ids_, "demo", "acquire", "1", engine::samples::kStart.plus_ms(-1000 - i));
    AppendRequest request{.events = life.submit().events()};
    json::array events{engine::to_json(request.events[0])};
    const auto reply = bus()->wait(
        bus()->request(subject::kAppend, json::serialize(json::object{{"events", std::move(events)}}), 20s));
    ASSERT_TRUE(reply.has_value()) << reply.error().detail;
    // The leader's own backend may outlive its postmaster by a commit, which then counts.
    const auto told = parse_json(*reply).value();
    const bool committed = string_or(told.as_object(), "status") == "committed";
    EXPECT_TRUE(committed || string_or(told.as_object(), "reason") == errc::kStoreUnavailable) << *reply;
    EXPECT_LT(ms_since(asked), 10'000);
    ASSERT_TRUE(postgres.start().has_value());
    if (committed)
      EXPECT_EQ(
          sql(conninfo_, "SELECT count(*) FROM events WHERE event_id = '" + life.events()[0].event_id + "'")
              .value(),
          "1");
    std::cout << "signal " << GetParam() << ": acknowledged again " << load.ms_to_next()
              << " ms after the start\n";
  }
  load.stop();
  load.expect_on_record(conninfo_);
  expect_stream_is_the_record();
  expect_read_models_equal();
}
INSTANTIATE_TEST_SUITE_P(Signals, PostgresRestarted, ::testing::Values(SIGINT, SIGQUIT, SIGKILL));

/// One transaction on a connection of its own that holds a table's lock until it is let go.
class Locked {
 public:
  Locked(const std::string& conninfo, const std::string& table)
      : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    const auto text = "BEGIN; LOCK TABLE " + table + " IN EXCLUSIVE MODE";
    PQclear(PQexec(connection_.get(), text.c_str()));
  }
  void release() { connection_.reset(); }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

/// What is put off behind an append of a group whose commit got no answer keeps no coordinator from ending.
TEST_F(CoordinatorFaults, ItEndsWhilePostgresIsAwayAndAppendsWait) {
  start_coordinator();
  const auto locks_awaited = [&](const std::string& number) {
    return eventually([&] {
      return sql(conninfo_,
                 "SELECT count(*) FROM pg_stat_activity "
                 "WHERE wait_event_type = 'Lock' AND datname = current_database()")
                 .value() == number;
    });
  };
  const auto ask = [&](const Life& life, std::optional<engine::IdempotencyClaim> key) {
    const auto text = append_text({.events = life.events(), .idempotency = std::move(key), .nonces = {}});
    return std::async(std::launch::async, [this, text] {
      return bus()->wait(bus()->request(subject::kAppend, text, 3s)).has_value();
    });
  };
  Locked head(conninfo_, "record_head"), keys(conninfo_, "idempotency_keys");
  Life first(ids_, "demo", "acquire", "1"), second(ids_, "demo", "acquire", "1");
  std::vector<std::future<bool>> asked;
  asked.push_back(ask(first.submit(), std::nullopt));
  ASSERT_TRUE(locks_awaited("1"));
  second.submit();
  for (int i = 0; i < 2; ++i)
    asked.push_back(ask(second, engine::IdempotencyClaim{"key", engine::samples::hex('b', 64), {}}));
  std::this_thread::sleep_for(200ms);
  head.release();
  ASSERT_TRUE(asked[0].get());
  ASSERT_TRUE(locks_awaited("1"));
  auto& postgres = support::RecordServer::get();
  postgres.kill(SIGQUIT);
  ASSERT_TRUE(postgres.wait(30s).has_value());
  auto ended = std::async(std::launch::async, [&] { coordinator_.reset(); });
  const bool in_time = ended.wait_for(10s) == std::future_status::ready;
  ASSERT_TRUE(postgres.start().has_value());
  if (!in_time) {
    std::cerr << "it does not end\n";
    std::abort();  // its destructor is waited for otherwise
  }
}

// --- Redis

TEST_F(CoordinatorFaults, AnEmptiedRedisIsFilledAtOnceAlsoWhileNothingHappens) {
  start_coordinator();
  const auto flush = [&] {
    return std::system(
        ("redis-cli -s " + redis_->socket() + " FLUSHALL > " + (directory_ / "flush").string()).c_str());
  };
  {
    Load load(bus(), 4);
    for (int i = 0; i < 5; ++i) {
      load.ms_to_next();
      ASSERT_EQ(flush(), 0);
    }
    load.ms_to_next();
  }
  expect_read_models_equal();
  ASSERT_EQ(flush(), 0);
  const auto start = Clock::now();
  auto models = store::ReadModels::open(redis_->socket()).value();
  ASSERT_TRUE(eventually([&] { return models.head().value_or(0) == recorded(); }));
  std::cout << "emptied while idle: " << recorded() << " events back after " << ms_since(start) << " ms\n";
  expect_read_models_equal();
}

/// What the API falls back on says the same as Redis, for every document and list.
TEST_F(CoordinatorFaults, TheRecordAnswersAsTheReadModelsDo) {
  const auto all = engine::samples::random_record(300, 4);
  {
    auto store = store::EventStore::open(conninfo_, store::EventStore::Role::kWriter).value();
    ASSERT_TRUE(store.try_lead().value());
    support::RecordWriter writer(store);
    for (std::size_t at = 0; at < all.size(); at += 500)
      writer.commit(std::span(all).subspan(at, std::min<std::size_t>(500, all.size() - at)));
  }
  start_coordinator();
  expect_read_models_equal();
  auto models = store::ReadModels::open(redis_->socket()).value();

  std::set<std::string> keys{"stats"};
  std::set<std::string> strategies;
  for (const auto& event : all) {
    keys.insert(engine::intent_key(engine::intent_id_of(event.correlation_id)));
    if (const auto plan = string_or(event.payload, "planId"); !plan.empty())
      keys.insert(engine::plan_key(plan));
    if (event.topic == engine::topic::kExecStepPrepared)
      keys.insert(engine::transaction_key(string_or(event.payload, "txHash")));
    for (const auto& bucket : engine::bucket_keys(event.timestamp)) keys.insert(bucket);
    if (event.sequence == 1)
      strategies.insert(string_or(get_object(event.payload, "intent").value(), "strategy_id"));
  }
  for (const auto& strategy : strategies) keys.insert(engine::positions_key(strategy));
  std::size_t documents = 0;
  for (const auto& key : keys) {
    const bool total = key.starts_with("stats") || key.starts_with("positions:");
    const auto answer =
        query(total ? subject::kTotals : subject::kDocuments, {{"keys", json::array{json::value(key)}}});
    ASSERT_TRUE(answer.has_value()) << key << answer.error().detail;
    const std::vector<std::string> one{key};
    const auto cached = models.documents(one).value()[0];
    EXPECT_EQ(canonical_json(answer->at("documents").as_array()[0]),
              cached ? canonical_json(*cached) : std::string("null"))
        << key;
    documents += cached ? 1 : 0;
  }
  EXPECT_GT(documents, 500U);
  const auto listed = query(subject::kStrategies, {{"limit", 100}}).value();
  EXPECT_EQ(json::value_to<std::set<std::string>>(listed.at("strategies")), strategies);
  EXPECT_TRUE(listed.at("next_after").is_null());
  const auto first = query(subject::kStrategies, {{"limit", 1}}).value();
  EXPECT_EQ(first.at("next_after").as_string(), *strategies.begin());

  std::optional<std::string> before;
  for (std::size_t pages = 0;; ++pages) {
    const auto page = models.list({.before_intent_id = before, .limit = 70}).value();
    json::object question{{"limit", 70}};
    if (before) question["before_intent_id"] = *before;
    const auto answer = query(subject::kList, std::move(question)).value();
    EXPECT_EQ(canonical_json(answer.at("views")), canonical_json(json::value_from(page.views)));
    EXPECT_EQ(answer.at("next_before").is_null(), !page.next_before.has_value());
    if (!page.next_before) {
      EXPECT_EQ(pages, 4U);
      break;
    }
    before = page.next_before;
    EXPECT_EQ(answer.at("next_before").as_string(), *before);
  }
}

// --- the stream

/// Whoever works hears of every unfinished intent again, and of what is new; the stream says how far it is.
class StreamLost : public CoordinatorFaults {
 protected:
  void SetUp() override {
    CoordinatorFaults::SetUp();
    start_coordinator();
    start_worker(engine::topic::kIntentSubmitted);
    for (int i = 0; i < 40; ++i) {
      auto& life = lives_.emplace_back(ids_, "demo", "acquire", "1");
      life.submit();
      if (i % 2 == 0) life.reject_risk();
      ASSERT_TRUE(append(life.events())->on_record());
    }
    ASSERT_TRUE(
        eventually([&] { return last_streamed() == recorded() && heard(lives_.back().correlation_id()); }));
  }
  void TearDown() override {
    std::promise<void> ended;
    boost::asio::post(bus()->executor(), [&] {
      worker_.reset();
      ended.set_value();
    });
    ended.get_future().wait();
    CoordinatorFaults::TearDown();
  }
  void expect_whole_again(std::string_view what) {
    const auto start = Clock::now();
    const auto unfinished_heard = [&] {
      for (const auto& life : lives_)
        if (life.events().size() == 1 && !heard(life.correlation_id())) return false;
      return true;
    };
    ASSERT_TRUE(eventually(unfinished_heard));
    std::cout << what << ": unfinished intents heard again after " << ms_since(start) << " ms\n";
    auto& life = lives_.emplace_back(ids_, "demo", "acquire", "1");
    life.submit();
    ASSERT_TRUE(append(life.events())->on_record());
    ASSERT_TRUE(eventually([&] { return heard(life.correlation_id()) && last_streamed() == recorded(); }));
    const auto order = streamed();
    EXPECT_TRUE(std::ranges::is_sorted(order)) << json::serialize(json::value_from(order));
    EXPECT_EQ(std::set(order.begin(), order.end()).size(), order.size());
  }
  /// The stream's messages of earlier, with what the consumers know of now.
  void roll_back(const fs::path& copy) {
    for (const auto& entry : fs::recursive_directory_iterator(directory_ / "nats"))
      if (entry.is_directory() && entry.path().filename() == "msgs" &&
          entry.path().parent_path().filename() == kEventStream) {
        fs::remove_all(entry.path());
        fs::copy(copy, entry.path(), fs::copy_options::recursive);
        return;
      }
    FAIL() << "no messages of " << kEventStream;
  }
  fs::path messages() {
    for (const auto& entry : fs::recursive_directory_iterator(directory_ / "nats"))
      if (entry.is_directory() && entry.path().filename() == "msgs" &&
          entry.path().parent_path().filename() == kEventStream)
        return entry.path();
    return {};
  }
  /// Restarts NATS with `change` made to its files in between.
  template <class Change>
  void restart_nats(Change change) {
    nats_->stop();
    change();
    ASSERT_TRUE(nats_->start().has_value());
  }

  std::deque<Life> lives_;
};

TEST_F(StreamLost, Deleted) {
  forget_heard();
  ASSERT_TRUE(bus()->wait(bus()->delete_stream(kEventStream)).has_value());
  expect_whole_again("deleted");
}

TEST_F(StreamLost, Emptied) {
  forget_heard();
  ASSERT_TRUE(bus()->wait(bus()->request("$JS.API.STREAM.PURGE.EVENTS", "", 5s)).has_value());
  expect_whole_again("emptied");
}

TEST_F(StreamLost, RolledBackWhileTheCoordinatorRuns) {
  const auto copy = directory_ / "copy";
  restart_nats([&] { fs::copy(messages(), copy, fs::copy_options::recursive); });
  for (int i = 0; i < 10; ++i) {
    auto& life = lives_.emplace_back(ids_, "demo", "acquire", "1");
    life.submit();
    ASSERT_TRUE(append(life.events())->on_record());
  }
  ASSERT_TRUE(
      eventually([&] { return last_streamed() == recorded() && heard(lives_.back().correlation_id()); }));
  forget_heard();
  restart_nats([&] { roll_back(copy); });
  expect_whole_again("rolled back");
}

TEST_F(StreamLost, RolledBackWhileTheCoordinatorIsDown) {
  const auto copy = directory_ / "copy";
  restart_nats([&] { fs::copy(messages(), copy, fs::copy_options::recursive); });
  for (int i = 0; i < 10; ++i) {
    auto& life = lives_.emplace_back(ids_, "demo", "acquire", "1");
    life.submit();
    ASSERT_TRUE(append(life.events())->on_record());
  }
  ASSERT_TRUE(
      eventually([&] { return last_streamed() == recorded() && heard(lives_.back().correlation_id()); }));
  coordinator_.reset();
  forget_heard();
  restart_nats([&] { roll_back(copy); });
  start_coordinator();
  expect_whole_again("rolled back while down");
}

TEST_F(StreamLost, Truncated) {
  forget_heard();
  restart_nats([&] {
    for (const auto& entry : fs::directory_iterator(messages())) {
      if (entry.path().extension() == ".blk")
        fs::resize_file(entry.path(), fs::file_size(entry.path()) - 1'000);
      if (entry.path().extension() == ".idx") fs::remove(entry.path());
    }
  });
  expect_whole_again("truncated");
}

TEST_F(StreamLost, EmptiedUnderLoad) {
  Load load(bus(), 4);
  for (int i = 0; i < 3; ++i) {
    load.ms_to_next();
    ASSERT_TRUE(bus()->wait(bus()->delete_stream(kEventStream)).has_value());
  }
  load.ms_to_next();
  load.stop();
  load.expect_on_record(conninfo_);
  forget_heard();
  ASSERT_TRUE(bus()->wait(bus()->delete_stream(kEventStream)).has_value());
  expect_whole_again("deleted under load");
}

TEST_F(CoordinatorFaults, AnIntentSubmittedWhileTheStreamIsMadeAnewIsInIt) {
  auto store = store::EventStore::open(conninfo_, store::EventStore::Role::kWriter).value();
  ASSERT_TRUE(store.try_lead().value());
  support::RecordWriter writer(store);
  const auto submit = [&] {
    Life life(ids_, "demo", "acquire", "1");
    return engine::shared(writer.commit(life.submit().events()));
  };
  submit();
  // What the publisher reads of the intents is a second on its way.
  ASSERT_TRUE(sql(conninfo_,
                  "CREATE SCHEMA slow; CREATE VIEW slow.intents AS "
                  "WITH wait AS MATERIALIZED (SELECT pg_sleep(1)) SELECT i.* FROM public.intents i, wait")
                  .has_value());
  EventPublisher publisher(bus(), conninfo_ + " options='-c search_path=slow,public'", metrics_,
                           [](store::EventStore&) -> Result<bool> { return true; });
  publisher.backlog().begin(1, 1);
  ASSERT_TRUE(eventually([&] {
    return sql(conninfo_,
               "SELECT count(*) FROM pg_stat_activity "
               "WHERE wait_event = 'PgSleep' AND datname = current_database()")
               .value() == "1";
  }));
  for (int i = 0; i < 2; ++i) publisher.backlog().push(submit());
  expect_stream_is_the_record();
}

/// However much was traded while one intent waited: nothing new is published before the stream is made anew.
TEST_F(CoordinatorFaults, ARefillReadsNothingOfFinishedIntents) {
  auto store = store::EventStore::open(conninfo_, store::EventStore::Role::kWriter).value();
  ASSERT_TRUE(store.try_lead().value());
  support::RecordWriter writer(store);
  Life waiting(ids_, "demo", "acquire", "1"), finished(ids_, "demo", "acquire", "1"),
      last(ids_, "demo", "acquire", "1");
  writer.commit(waiting.submit().events());
  writer.commit(finished.submit().reject_risk().events());
  writer.commit(last.submit().events());
  const auto guarded =
      "CREATE SCHEMA guarded; "
      "CREATE FUNCTION guarded.touch(id text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN "
      "  IF id = '" +
      finished.correlation_id() +
      "' THEN RAISE 'read'; END IF; RETURN TRUE; END $$; "
      "CREATE VIEW guarded.events AS SELECT * FROM public.events WHERE guarded.touch(correlation_id)";
  ASSERT_TRUE(sql(conninfo_, guarded).has_value());
  EventPublisher publisher(bus(), conninfo_ + " options='-c search_path=guarded,public'", metrics_,
                           [](store::EventStore&) -> Result<bool> { return true; });
  publisher.backlog().begin(1, 4);
  ASSERT_TRUE(eventually([&] { return last_streamed() == 4; }));
  EXPECT_EQ(streamed(), (std::vector<std::uint64_t>{1, 4}));
}

TEST_F(StreamLost, WhatIsNoEventAtItsEndBlocksNothing) {
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(
        bus()
            ->wait(bus()->publish_event({"intent.submitted", "garbage", "garbage-" + std::to_string(i)}, 5s))
            .has_value());
  coordinator_.reset();
  ASSERT_TRUE(bus()->wait(bus()->publish_event({"intent.submitted", "{}", "garbage-last"}, 5s)).has_value());
  start_coordinator();
  Life life(ids_, "demo", "acquire", "1");
  life.submit();
  ASSERT_TRUE(append(life.events())->on_record());
  EXPECT_TRUE(eventually([&] { return heard(life.correlation_id()); }));
  EXPECT_EQ(last_streamed(), recorded());
}

// --- questions

TEST_F(CoordinatorFaults, ALongHistoryComesInPages) {
  start_coordinator();
  Life life(ids_, "demo", "acquire", "1");
  life.submit().accept();
  for (int i = 0; i < 30; ++i) life.plan("2500", "1").approve();
  auto events = life.events();
  events.pop_back();
  for (auto& event : events)
    if (event.topic == engine::topic::kRiskApproved) {
      json::array checks;
      for (int i = 0; i < 1'000; ++i)
        checks.push_back(json::object{
            {"check", "notional_usd"}, {"value", std::string(40, 'v')}, {"limit", "1"}, {"ok", true}});
      engine::samples::edit(event)["checks"] = std::move(checks);
    }
  for (std::size_t at = 0; at < events.size();) {
    const auto count = std::size_t{events[at].topic == engine::topic::kRiskApproved ? 2U : 1U};
    const auto answer = append(std::span(events).subspan(at, count));
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    ASSERT_TRUE(answer->on_record()) << answer->detail;
    at += count;
  }
  const auto first = query(subject::kHistory, {{"correlation_id", life.correlation_id()}}).value();
  EXPECT_TRUE(first.at("more").as_bool());
  EXPECT_LT(json::serialize(first).size(), 1'000'000U);
  const auto history = bus()->wait(record_->history(life.correlation_id()));
  ASSERT_TRUE(history.has_value()) << history.error().detail;
  ASSERT_EQ(history->size(), events.size());
  EXPECT_EQ(history->back().event_id, events.back().event_id);
}

TEST_F(CoordinatorFaults, AnEventThatNoAnswerCouldHoldIsRefused) {
  start_coordinator();
  Life life(ids_, "demo", "acquire", "1");
  life.submit();
  auto event = life.events()[0];
  engine::samples::edit(event)["intent"].as_object()["amount"] = std::string(400'000, '1');
  const auto answer = append(std::vector{event});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, errc::kInvalidEvent);
  EXPECT_TRUE(answer.error().detail.contains("bytes")) << answer.error().detail;
}

// --- no room

/// A small disk of its own.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path at, const char* size) : at_(std::move(at)) {
    fs::create_directories(at_);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, (std::string("mode=777,size=") + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const fs::path& path() const { return at_; }
  void fill() {
    std::ofstream file(at_ / "ballast", std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush());
  }
  void make_room() { fs::remove(at_ / "ballast"); }

 private:
  fs::path at_;
  bool mounted_ = false;
};

/// NATS at its storage limit answers every question about the stream, and refuses every message.
TEST_F(CoordinatorFaults, AStreamThatRefusesMessagesIsSaidAndLosesNothing) {
  const auto address = nats_->url().substr(nats_->url().find("//") + 2);
  nats_->stop();
  const auto serve_nats = [&](const char* max_file) {
    const auto config = directory_ / "small.conf";
    std::ofstream(config) << "listen: \"" << address << "\"\njetstream { store_dir: \""
                          << (directory_ / "small").string() << "\", max_file: " << max_file << " }\n";
    return app::Process::spawn(
               {.argv = {"nats-server", "--config", config.string()}, .log_file = directory_ / "small.log"})
        .value();
  };
  auto small = serve_nats("200KB");
  ASSERT_TRUE(eventually([&] { return bus()->connected(); }));
  start_coordinator();
  std::atomic<std::size_t> told = 0;
  const auto telling =
      bus()->subscribe(subject::kCommitted, "", [&](const bus::Message&) { ++told; }).value();
  std::deque<Life> lives;
  const auto submit = [&] {
    auto text = append_text({lives.emplace_back(ids_, "demo", "acquire", "1").submit().events(), {}, {}});
    return parse_json(bus()->wait(bus()->request(subject::kAppend, text, 5s)).value()).value().as_object();
  };
  json::object answer;
  ASSERT_TRUE(eventually([&] { return string_or(answer = submit(), "status") != "committed"; }));
  EXPECT_EQ(string_or(answer, "reason"), errc::kDiskFull) << answer;
  lives.pop_back();
  ASSERT_TRUE(bus()->wait(bus()->stream_info(kEventStream)).has_value());
  // What is in flight goes on, and nothing turns as fast as it can.
  EXPECT_TRUE(append(std::span(lives.front().reject_risk().events()).last(1))->on_record());
  const auto before = told.load();
  std::this_thread::sleep_for(2s);
  EXPECT_LT(told - before, 40U);

  auto ended = std::async(std::launch::async, [&] { coordinator_.reset(); });
  EXPECT_EQ(ended.wait_for(10s), std::future_status::ready) << "it does not end";
  small.terminate(bus::milliseconds(5'000));
  small = serve_nats("1GB");
  ended.get();
  ASSERT_TRUE(eventually([&] { return bus()->connected(); }));
  start_coordinator();
  expect_stream_is_the_record();
  EXPECT_EQ(recorded(), lives.size() + 1);
}

TEST_F(CoordinatorFaults, AFullDiskOfTheRecordIsSaidAndLosesNothing) {
  SmallDisk disk(directory_ / "disk", "200m");
  if (!disk.mounted()) GTEST_SKIP() << "no right to mount a tmpfs";
  {
    auto postgres = app::start_postgres(disk.path() / "postgres").value();
    ASSERT_TRUE(store::migrate(postgres->conninfo()).has_value());
    conninfo_ = postgres->conninfo();
    start_coordinator();
    std::vector<Envelope> acknowledged;
    const auto submit = [&] {
      Life life(ids_, "demo", "acquire", "1");
      life.submit();
      auto answer = append(life.events());
      if (answer && answer->on_record()) acknowledged.push_back(life.events()[0]);
      return answer;
    };
    ASSERT_TRUE(submit().has_value());
    disk.fill();
    std::set<std::string> codes;
    const auto until = Clock::now() + 60s;
    while (codes.empty() && Clock::now() < until)
      if (const auto answer = submit(); !answer) codes.insert(std::string(answer.error().code));
    ASSERT_FALSE(codes.empty()) << "the disk did not fill";
    std::cout << "full: " << *codes.begin() << " after " << acknowledged.size() << " more\n";
    EXPECT_TRUE(codes.contains(std::string(errc::kDiskFull)) ||
                codes.contains(std::string(errc::kStoreUnavailable)));
    disk.make_room();
    // Where the log of changes found no room PostgreSQL ends itself: whoever runs it starts it again.
    if (!postgres->alive() || !sql(conninfo_, "SELECT 1").has_value()) {
      postgres->wait(5s);
      if (!postgres->alive()) ASSERT_TRUE(postgres->start().has_value());
    }
    ASSERT_TRUE(eventually([&] { return submit().has_value(); }));
    for (const auto& event : acknowledged)
      EXPECT_EQ(
          sql(conninfo_, "SELECT count(*) FROM events WHERE event_id = '" + event.event_id + "'").value(),
          "1");
    expect_stream_is_the_record();
    coordinator_.reset();
  }
}

}  // namespace
}  // namespace sep::services

/// `--coordinator NATS POSTGRES REDIS`: is one, until it is told to end.
int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == sep::services::kCoordinatorMode) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    sep::services::Side side(argv[2]);
    sep::gateway::Metrics metrics;
    const auto coordinator = sep::services::StateCoordinator::start(
        side.bus, {.nats_url = argv[2], .postgres = argv[3], .redis_socket = argv[4]}, metrics);
    if (!coordinator) return 1;
    int signal = 0;
    sigwait(&signals, &signal);
    return 0;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
