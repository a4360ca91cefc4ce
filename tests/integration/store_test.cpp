// The record against a real PostgreSQL, started privately.
#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>
#include <numeric>
#include <thread>

#include "integration/record_fixture.h"
#include <gtest/gtest.h>

#include "engine/sample_lives.h"
#include "store/event_store.h"
#include "support/eventually.h"

namespace sep::store {
namespace {

using engine::Envelope;
using engine::samples::Ids;
using engine::samples::Life;
using support::RecordServer;
using support::RecordWriter;
using support::sql;
using Kind = CommitFailure::Kind;

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    conninfo_ = RecordServer::new_record();
    store_.emplace(open(EventStore::Role::kWriter));
    ASSERT_TRUE(store_->try_lead().value());
    writer_.emplace(*store_);
  }

  EventStore open(EventStore::Role role, EventStore::Options options = {}) {
    auto opened = EventStore::open(conninfo_, role, options);
    EXPECT_TRUE(opened.has_value()) << opened.error().detail;
    return std::move(*opened);
  }

  /// A life that is submitted and accepted, on the record.
  Life& submitted(const std::string& strategy = "demo") {
    lives_.push_back(std::make_unique<Life>(ids_, strategy, "acquire", "1"));
    lives_.back()->submit().accept();
    writer_->commit(lives_.back()->events());
    return *lives_.back();
  }
  static std::span<const Envelope> last(const Life& life, std::size_t count = 1) {
    return std::span(life.events()).last(count);
  }
  void expect_refused(const CommitBatch& batch, Kind kind) {
    const auto before = store_->last_global_sequence().value();
    const auto status = store_->commit(batch);
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().kind, kind) << to_string(status.error().kind) << ": " << status.error().detail;
    EXPECT_EQ(store_->last_global_sequence().value(), before);
    EXPECT_EQ(store_->range(before + 1, 10).value().size(), 0U);
  }

  Ids ids_;
  std::vector<std::unique_ptr<Life>> lives_;
  std::string conninfo_;
  std::optional<EventStore> store_;
  std::optional<RecordWriter> writer_;
};

TEST_F(StoreTest, MigratingAgainAndAtOnceChangesNothing) {
  auto other = std::async(std::launch::async, [&] { return migrate(conninfo_); });
  const auto report = migrate(conninfo_);
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  ASSERT_TRUE(other.get().has_value());
  EXPECT_TRUE(report->applied.empty());
  EXPECT_EQ(report->engine, store_->record_engine().value());
  EXPECT_EQ(report->note.empty(), report->engine == RecordEngine::kTimescaleDb);
}

TEST_F(StoreTest, GivesBackWhatWasCommitted) {
  Life life(ids_, "demo", "dispose", "1.5");
  life.submit().accept().plan("1.5", "3750", true);
  auto odd = life.events();
  engine::samples::edit(odd.back())["note"] =
      "quotes \" and \\ backslashes, {braces}, nothing: NULL, ünïcödé, line\nbreak";
  odd.back().timestamp.ms += 7;
  const auto committed = writer_->commit(odd);

  auto reader = open(EventStore::Role::kReader);
  EXPECT_EQ(reader.range(1, 100).value(), committed);
  EXPECT_EQ(reader.history(life.correlation_id()).value(), committed);
  EXPECT_EQ(reader.history(life.correlation_id(), 3).value(),
            std::vector(committed.begin() + 2, committed.end()));
  EXPECT_EQ(reader.event_by_id(committed[1].event_id).value(), committed[1]);
  EXPECT_EQ(reader.head(life.correlation_id()).value(), writer_->row(life.correlation_id()));
  EXPECT_EQ(reader.last_global_sequence().value(), 4U);

  EXPECT_EQ(reader.event_by_id("01J5S3Y4PEJHBJ5A7FYHBXQRFG").value(), std::nullopt);
  EXPECT_EQ(reader.head("intent-01J5S3Y4PEJHBJ5A7FYHBXQRFG").value(), std::nullopt);
  EXPECT_TRUE(reader.history("intent-01J5S3Y4PEJHBJ5A7FYHBXQRFG").value().empty());
}

TEST_F(StoreTest, OneBatchHoldsManyIntents) {
  const auto record = engine::samples::random_record(200, 3);
  for (std::size_t at = 0; at < record.size(); at += 300)
    writer_->commit(std::span(record).subspan(at, std::min<std::size_t>(300, record.size() - at)));
  EXPECT_EQ(store_->range(1, record.size() + 1).value(), record);
  EXPECT_EQ(store_->range(40, 5).value(), std::vector(record.begin() + 39, record.begin() + 44));
}

TEST_F(StoreTest, AnIdempotencyKeyIsOneIntents) {
  Life first(ids_, "demo", "acquire", "1");
  first.submit();
  auto batch = writer_->batch(first.events());
  batch.idempotency.push_back({"key-1", "hash-1", first.correlation_id()});
  ASSERT_TRUE(store_->commit(batch).has_value());
  EXPECT_EQ(store_->idempotency("key-1").value(), batch.idempotency[0]);
  EXPECT_EQ(store_->idempotency("key-2").value(), std::nullopt);

  Life second(ids_, "demo", "acquire", "2");
  second.submit();
  auto taken = writer_->batch(second.events());
  taken.idempotency.push_back({"key-1", "hash-2", second.correlation_id()});
  expect_refused(taken, Kind::kIdempotencyKey);
  EXPECT_EQ(store_->head(second.correlation_id()).value(), std::nullopt);
  EXPECT_EQ(store_->idempotency("key-1").value(), batch.idempotency[0]);
}

TEST_F(StoreTest, ANonceIsOneIntents) {
  const std::string account = "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
  auto& first = submitted();
  auto& second = submitted();
  EXPECT_EQ(store_->next_free_nonce(1, account).value(), std::nullopt);

  auto batch = writer_->batch(last(first.plan("2500", "1")));
  batch.nonces = {{1, account, 7, first.correlation_id()}, {1, account, 7, first.correlation_id()}};
  ASSERT_TRUE(store_->commit(batch).has_value());
  EXPECT_EQ(store_->nonce(1, account, 7).value()->correlation_id, first.correlation_id());
  EXPECT_EQ(store_->next_free_nonce(1, account).value(), 8U);
  EXPECT_EQ(store_->next_free_nonce(2, account).value(), std::nullopt);

  // A replacement is prepared at the same nonce.
  batch = writer_->batch(last(first.start()));
  batch.nonces = {{1, account, 7, first.correlation_id()}};
  ASSERT_TRUE(store_->commit(batch).has_value());

  auto lower = account;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  batch = writer_->batch(last(second.plan("2500", "1")));
  batch.nonces = {{1, lower, 6, second.correlation_id()}, {1, lower, 7, second.correlation_id()}};
  expect_refused(batch, Kind::kAccountNonce);
  EXPECT_EQ(store_->nonce(1, account, 6).value(), std::nullopt);
  EXPECT_EQ(store_->head(second.correlation_id()).value()->head.sequence, 3U);

  batch.nonces = {{1, account, 9, first.correlation_id()}, {1, lower, 9, second.correlation_id()}};
  expect_refused(batch, Kind::kAccountNonce);
}

TEST_F(StoreTest, TheNextNonceOfEveryAccountThatClaimedOne) {
  EXPECT_TRUE(store_->next_free_nonces().value().empty());
  const auto claim = [&](std::uint64_t chain_id, char account, std::uint64_t nonce) {
    Life life(ids_, "demo", "acquire", "1");
    auto batch = writer_->batch(life.submit().events());
    batch.nonces.push_back({chain_id, engine::samples::hex(account, 40), nonce, life.correlation_id()});
    ASSERT_TRUE(store_->commit(batch).has_value());
  };
  claim(1, 'B', 0);
  claim(1, 'B', 9);
  claim(1, 'B', 4);
  claim(31337, 'a', 7);
  claim(1, 'c', 2);
  claim(1, 'a', 3);
  const auto account = [](char digit) { return engine::samples::hex(digit, 40); };
  EXPECT_EQ(
      store_->next_free_nonces().value(),
      (std::vector<NextNonce>{
          {1, account('a'), 4}, {1, account('b'), 10}, {1, account('c'), 3}, {31337, account('a'), 8}}));
  for (const auto& each : store_->next_free_nonces().value())
    EXPECT_EQ(store_->next_free_nonce(each.chain_id, each.account).value(), each.next);
}

TEST_F(StoreTest, AStaleViewCannotWrite) {
  auto& life = submitted();
  const auto planned = writer_->batch(last(life.plan("2500", "1")));
  auto stale = planned;
  stale.heads[0].expected_sequence = 2;
  expect_refused(stale, Kind::kHeadMoved);
  auto unknown = planned;
  unknown.heads[0].row.correlation_id = engine::correlation_of(ids_.next());
  expect_refused(unknown, Kind::kHeadMoved);
  auto new_again = planned;
  new_again.heads[0].expected_sequence = 0;
  expect_refused(new_again, Kind::kHeadMoved);
  for (const std::uint64_t global : {3U, 5U}) {
    auto elsewhere = planned;
    elsewhere.events[0].global_sequence = global;
    expect_refused(elsewhere, Kind::kRecordMoved);
  }
  auto repeated = planned;
  repeated.events[0].event_id = life.events()[2].event_id;
  repeated.events[0].timestamp = life.events()[2].timestamp;
  expect_refused(repeated, Kind::kDuplicateEvent);
  auto unstorable = planned;
  engine::samples::edit(unstorable.events[0])["detail"] = std::string("a\0b", 3);
  expect_refused(unstorable, Kind::kInvalid);

  ASSERT_TRUE(store_->commit(planned).has_value());
  expect_refused(planned, Kind::kRecordMoved);
}

TEST_F(StoreTest, OneWriterLeads) {
  auto standby = open(EventStore::Role::kWriter);
  EXPECT_FALSE(standby.try_lead().value());
  EXPECT_FALSE(standby.leading());
  Life life(ids_, "demo", "acquire", "1");
  life.submit();
  const auto refused = standby.commit(writer_->batch(life.events()));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Kind::kNotLeading);

  EXPECT_TRUE(store_->try_lead().value());  // asking again neither loses nor doubles the lock
  store_.reset();
  // The server lets go of the lock when it has noticed the end of the connection.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!standby.try_lead().value() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(standby.leading());
}

TEST_F(StoreTest, ALostConnectionHasLostTheLock) {
  submitted();
  Life life(ids_, "demo", "acquire", "1");
  life.submit();
  const auto batch = writer_->batch(life.events());
  ASSERT_TRUE(sql(conninfo_,
                  "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                  "WHERE datname = current_database() AND pid <> pg_backend_pid()")
                  .has_value());
  auto lost = store_->commit(batch);
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, Kind::kOutcomeUnknown) << lost.error().detail;
  EXPECT_FALSE(store_->leading());
  EXPECT_EQ(store_->commit(batch).error().kind, Kind::kNotLeading);
  // Lookups connect again by themselves; leading takes asking.
  EXPECT_EQ(store_->last_global_sequence().value(), 3U);
  EXPECT_FALSE(store_->leading());
  ASSERT_TRUE(store_->try_lead().value());
  EXPECT_TRUE(store_->commit(batch).has_value());
}

TEST_F(StoreTest, AnAnswerThatDoesNotComeIsBounded) {
  auto store = open(EventStore::Role::kReader, {.connect_timeout_s = 2, .query_timeout_ms = 200});
  // Nobody can read the record while this transaction is open.
  const std::unique_ptr<PGconn, decltype(&PQfinish)> blocker(PQconnectdb(conninfo_.c_str()), &PQfinish);
  PQclear(PQexec(blocker.get(), "BEGIN; LOCK TABLE record_head IN ACCESS EXCLUSIVE MODE"));
  const auto started = monotonic_ns();
  const auto answer = store.last_global_sequence();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, errc::kStoreUnavailable);
  EXPECT_LT(monotonic_ns() - started, 5'000'000'000);
  PQclear(PQexec(blocker.get(), "COMMIT"));
  EXPECT_EQ(store.last_global_sequence().value(), 0U);
}

TEST_F(StoreTest, AKilledServerKeepsWhatItAcknowledged) {
  constexpr std::size_t kAcknowledgedBeforeTheKill = 100;
  std::promise<void> busy;
  std::thread killer([&] {
    busy.get_future().wait();
    // The process that writes for us, in the middle of it: the postmaster then ends them all.
    const auto pid = sql(conninfo_, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' LIMIT 1").value();
    ::kill(std::stoi(pid), SIGKILL);
    RecordServer::get().kill(SIGKILL);
  });
  std::vector<Envelope> acknowledged;
  std::vector<Envelope> unknown;
  for (std::uint64_t i = 0; unknown.empty(); ++i) {
    Life life(ids_, "demo", "acquire", "1");
    life.trade("2500", "1");
    const auto batch = writer_->batch(life.events());
    if (const auto status = store_->commit(batch)) {
      acknowledged.insert(acknowledged.end(), batch.events.begin(), batch.events.end());
    } else {
      EXPECT_EQ(status.error().kind, Kind::kOutcomeUnknown) << to_string(status.error().kind);
      unknown = batch.events;
    }
    if (i == kAcknowledgedBeforeTheKill) busy.set_value();
  }
  killer.join();
  ASSERT_TRUE(RecordServer::get().wait(std::chrono::seconds(10)).has_value());
  ASSERT_FALSE(store_->last_global_sequence().has_value());
  const auto restarted = RecordServer::get().start();
  ASSERT_TRUE(restarted.has_value()) << restarted.error().detail;

  EXPECT_FALSE(store_->leading());
  ASSERT_TRUE(store_->try_lead().value());
  auto expected = acknowledged;
  const auto found = store_->range(1, acknowledged.size() + 100).value();
  // The last batch is there as a whole or not at all.
  if (found.size() > acknowledged.size()) expected.insert(expected.end(), unknown.begin(), unknown.end());
  EXPECT_EQ(found, expected);
  EXPECT_EQ(store_->last_global_sequence().value(), expected.size());
  EXPECT_EQ(store_->unfinished().value().size(), 0U);
}

TEST_F(StoreTest, ListsNewestFirst) {
  for (int i = 0; i < 7; ++i) submitted(i % 2 == 0 ? "even" : "odd");
  auto& ended = *lives_[3];
  writer_->commit(last(ended.reject_plan()));

  const auto ids = [&](const ListQuery& query) {
    std::vector<std::string> out;
    for (const auto& row : store_->list(query).value()) {
      EXPECT_EQ(row, writer_->row(row.correlation_id));
      out.push_back(row.correlation_id);
    }
    return out;
  };
  const auto expect = [&](std::initializer_list<std::size_t> order) {
    std::vector<std::string> out;
    for (const auto i : order) out.push_back(lives_[i]->correlation_id());
    return out;
  };
  using engine::State;
  EXPECT_EQ(ids({}), expect({6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(ids({.limit = 3}), expect({6, 5, 4}));
  EXPECT_EQ(ids({.before_intent_id = lives_[4]->intent_id(), .limit = 3}), expect({3, 2, 1}));
  EXPECT_EQ(ids({.strategy_id = "odd"}), expect({5, 3, 1}));
  EXPECT_EQ(ids({.states = {State::kPlanRejected}}), expect({3}));
  EXPECT_EQ(
      ids({.states = {State::kAccepted}, .strategy_id = "odd", .before_intent_id = lives_[5]->intent_id()}),
      expect({1}));
  EXPECT_EQ(ids({.strategy_id = "nobody"}), expect({}));
  EXPECT_EQ(ids({.states = {State::kPlanRejected, State::kAccepted, State::kExpired}, .limit = 4}),
            expect({6, 5, 4, 3}));
  EXPECT_EQ(ids({.states = {State::kAccepted, State::kPlanRejected, State::kAccepted}, .strategy_id = "odd"}),
            expect({5, 3, 1}));
  EXPECT_EQ(ids({.since_intent_id = lives_[5]->intent_id()}), expect({6, 5}));
  EXPECT_EQ(ids({.states = {State::kAccepted},
                 .since_intent_id = lives_[3]->intent_id(),
                 .before_intent_id = lives_[6]->intent_id()}),
            expect({5, 4}));

  std::vector<std::string> unfinished;
  for (const auto& row : store_->unfinished().value()) unfinished.push_back(row.correlation_id);
  EXPECT_EQ(unfinished, expect({0, 1, 2, 4, 5, 6}));
  EXPECT_EQ(store_->admission("odd", "").value().open, 2U);
}

TEST_F(StoreTest, OfABurstTheFirstOnesCount) {
  submitted("crowd");  // and accepted
  for (int i = 0; i < 3; ++i) {
    lives_.push_back(std::make_unique<Life>(ids_, "crowd", "acquire", "1"));
    writer_->commit(lives_.back()->submit().events());
  }
  for (std::size_t i = 1; i <= 3; ++i)
    EXPECT_EQ(store_->admission("crowd", lives_[i]->correlation_id()).value().open, i + 1);
  writer_->commit(last(lives_[3]->accept(), 2));
  EXPECT_EQ(store_->admission("crowd", lives_[1]->correlation_id()).value().open, 3U)
      << "one that was let in counts whenever it came";
  EXPECT_EQ(store_->admission("crowd", "intent-01J5S3Y4PEJHBJ5A7FYHBXQRFG").value().open, 4U);
  EXPECT_EQ(store_->admission("others", lives_[1]->correlation_id()).value().open, 0U);
}

// Also where nearly all intents are alike, and what is asked for is rare or not there.
TEST_F(StoreTest, AListCostsWhatItShows) {
  constexpr auto kMany = "5000";
  const auto fill =
      sql(conninfo_, std::string("INSERT INTO intents (correlation_id, strategy_id, state, end_state, "
                                 "last_sequence, last_event_id, received_at, deadline) SELECT "
                                 "'intent-' || lpad(i::text, 26, '0'), 'busy', 'completed', "
                                 "'completed', 9, '', now(), now() FROM generate_series(1, ") +
                         kMany + ") AS i");
  ASSERT_TRUE(fill.has_value()) << fill.error().detail;
  ASSERT_TRUE(sql(conninfo_, "ANALYZE intents").has_value());
  submitted("rare");

  const auto fetched = [&] {
    return std::stoul(
        sql(conninfo_,
            "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'intents'")
            .value());
  };
  using engine::State;
  const std::vector<ListQuery> queries = {
      {.limit = 3},
      {.strategy_id = "rare", .limit = 3},
      {.strategy_id = "nobody", .limit = 3},
      {.states = {State::kFailed}, .limit = 3},
      {.states = {State::kAccepted}, .limit = 3},
      {.states = {State::kFailed, State::kAccepted, State::kCompleted}, .limit = 3},
      {.states = {State::kFailed, State::kAccepted}, .strategy_id = "busy", .limit = 3},
      {.states = {State::kCompleted}, .strategy_id = "rare", .limit = 3}};
  const std::size_t shown[] = {3, 1, 0, 0, 1, 3, 0, 0};
  store_.reset();  // a session gives its counts when it ends
  const auto before = fetched();
  // Often enough for a plan that serves all values.
  constexpr int kTimes = 7;
  {
    auto reader = open(EventStore::Role::kReader);
    for (int i = 0; i < kTimes; ++i)
      for (std::size_t q = 0; q < queries.size(); ++q)
        EXPECT_EQ(reader.list(queries[q]).value().size(), shown[q]) << q;
  }
  const auto least = kTimes * std::accumulate(std::begin(shown), std::end(shown), std::size_t{0});
  ASSERT_TRUE(support::eventually([&] { return fetched() - before >= least; })) << fetched() - before;
  EXPECT_LT(fetched() - before, kTimes * queries.size() * 10);
}

// Each of its changes would be written into every index again, if one held what changes.
TEST_F(StoreTest, AnOpenIntentsRowChangesInPlace) {
  Life life(ids_, "demo", "acquire", "1");
  life.submit().accept().plan("2500", "1").start().prepare(0).broadcast(0).fill(0, "2500", "1").complete();
  for (const auto& event : life.events()) writer_->commit(std::span(&event, 1));
  ASSERT_TRUE(engine::is_terminal(store_->head(life.correlation_id()).value()->head.state));

  store_.reset();  // a session gives its counts when it ends
  const auto changes = [&](const std::string& kind) {
    return sql(conninfo_, "SELECT n_tup_" + kind + " FROM pg_stat_user_tables WHERE relname = 'intents'")
        .value();
  };
  ASSERT_TRUE(support::eventually([&] { return changes("upd") == "8"; })) << changes("upd");
  EXPECT_EQ(changes("hot_upd"), "7");  // all but the last
}

/// A record as V001 to V003 made it, with an intent in each state.
TEST_F(StoreTest, IntentsOfAnOlderRecordKeepTheirPlaceInTheLists) {
  ASSERT_TRUE(sql(conninfo_, "CREATE DATABASE older").has_value());
  const auto older = RecordServer::get().conninfo() + " dbname=older";
  if (store_->record_engine().value() == RecordEngine::kTimescaleDb) {
    ASSERT_TRUE(sql(older, "CREATE EXTENSION timescaledb").has_value());
  }
  ASSERT_TRUE(sql(older, "CREATE TABLE schema_migrations (name TEXT PRIMARY KEY)").has_value());
  for (const std::string name : {"V001__events", "V002__controls", "V003__reads"}) {
    std::ifstream file(std::string(SEP_SOURCE_DIR "/db/migrations/") + name + ".sql");
    const std::string migration(std::istreambuf_iterator<char>(file), {});
    const auto run = sql(older, migration + "; INSERT INTO schema_migrations VALUES ('" + name + "')");
    ASSERT_TRUE(run.has_value()) << run.error().detail;
  }
  for (const auto state : engine::kAllStates) {
    const std::string text(engine::to_string(state));
    const auto insert =
        sql(older, "INSERT INTO intents VALUES ('intent-" + text + "', 'demo', '" + text + "', " +
                       (engine::is_terminal(state) ? "TRUE" : "FALSE") + ", 3, 'id', now(), now())");
    ASSERT_TRUE(insert.has_value()) << insert.error().detail;
  }

  const auto report = migrate(older);
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  EXPECT_EQ(report->applied.front(), "V004__open_intents_change_in_place");
  auto reader = EventStore::open(older, EventStore::Role::kReader);
  ASSERT_TRUE(reader.has_value()) << reader.error().detail;
  std::size_t open = 0;
  for (const auto state : engine::kAllStates) {
    const auto listed = reader->list({.states = {state}}).value();
    ASSERT_EQ(listed.size(), 1U) << engine::to_string(state);
    EXPECT_EQ(listed[0].head.state, state);
    open += engine::is_terminal(state) ? 0 : 1;
  }
  EXPECT_EQ(reader->unfinished().value().size(), open);
}

TEST_F(StoreTest, EventsCannotBeChangedAndAGapIsNoticed) {
  auto& life = submitted();
  submitted();
  EXPECT_FALSE(sql(conninfo_, "DELETE FROM events WHERE global_sequence = 2").has_value());
  EXPECT_FALSE(sql(conninfo_, "UPDATE events SET topic = 'x' WHERE global_sequence = 2").has_value());

  const auto remove = [&](const std::string& which) {
    ASSERT_TRUE(sql(conninfo_, "ALTER TABLE events DISABLE TRIGGER events_append_only").has_value());
    ASSERT_TRUE(sql(conninfo_, "DELETE FROM events WHERE global_sequence " + which).has_value());
  };
  remove("= 6");
  const auto tail = store_->range(4, 10);
  ASSERT_FALSE(tail.has_value());
  EXPECT_EQ(tail.error().code, errc::kInternal);
  remove("= 2");
  EXPECT_FALSE(store_->range(1, 3).has_value());
  EXPECT_FALSE(store_->range(2, 1).has_value());
  EXPECT_FALSE(store_->history(life.correlation_id()).has_value());
  EXPECT_TRUE(store_->range(3, 3).has_value());
}

}  // namespace
}  // namespace sep::store
