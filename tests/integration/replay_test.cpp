// The read models against a real Redis, and the replay against a real record.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "integration/record_fixture.h"
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include "app/parts.h"
#include "engine/sample_lives.h"
#include "engine/window_stats.h"
#include "gateway/validation.h"
#include "store/read_models.h"
#include "support/eventually.h"
#include "support/temp_dir.h"

namespace sep::store {
namespace {

using engine::Envelope;
using engine::samples::Ids;
using engine::samples::Life;
using support::eventually;
using support::RecordServer;
using support::RecordWriter;

/// Redis beside the store: to look at everything, and to break things.
class RawRedis {
 public:
  explicit RawRedis(const std::string& socket) : context_(redisConnectUnix(socket.c_str()), &redisFree) {}

  std::string call(std::vector<std::string> arguments) {
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    for (const auto& argument : arguments) {
      texts.push_back(argument.data());
      lengths.push_back(argument.size());
    }
    auto* reply = static_cast<redisReply*>(
        redisCommandArgv(context_.get(), static_cast<int>(texts.size()), texts.data(), lengths.data()));
    if (reply == nullptr) return "no answer";
    std::string text = text_of(*reply);
    freeReplyObject(reply);
    return text;
  }

  /// Every key of database 0 with its value.
  std::map<std::string, std::string> dump() {
    std::map<std::string, std::string> out;
    auto* keys = static_cast<redisReply*>(redisCommand(context_.get(), "KEYS *"));
    for (std::size_t i = 0; i < keys->elements; ++i) {
      const std::string key(keys->element[i]->str, keys->element[i]->len);
      out[key] =
          call({"TYPE", key}) == "zset" ? call({"ZRANGE", key, "0", "-1", "WITHSCORES"}) : call({"GET", key});
    }
    freeReplyObject(keys);
    return out;
  }

 private:
  static std::string text_of(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
    if (reply.type != REDIS_REPLY_ARRAY) return std::string(reply.str == nullptr ? "" : reply.str, reply.len);
    std::string out;
    for (std::size_t i = 0; i < reply.elements; ++i) out += text_of(*reply.element[i]) + "\n";
    return out;
  }

  std::unique_ptr<redisContext, decltype(&redisFree)> context_;
};

class ReplayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto redis = app::start_redis(directory_ / "redis");
    ASSERT_TRUE(redis.has_value()) << redis.error().detail;
    redis_ = std::move(*redis);
    open_new_record();
    models_.emplace(open_models());
  }

  void open_new_record() {
    conninfo_ = RecordServer::new_record();
    store_.emplace(EventStore::open(conninfo_, EventStore::Role::kWriter).value());
    ASSERT_TRUE(store_->try_lead().value());
    writer_.emplace(*store_);
  }
  ReadModels open_models() { return ReadModels::open(redis_->socket()).value(); }
  EventStore open_reader() { return EventStore::open(conninfo_, EventStore::Role::kReader).value(); }
  RawRedis raw() { return RawRedis(redis_->socket()); }

  void apply(std::span<const Envelope> events) {
    const auto outcome = models_->apply(engine::shared({events.begin(), events.end()}));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().detail;
    ASSERT_EQ(*outcome, ApplyOutcome::kApplied);
  }
  /// Commits and projects in batches of random sizes.
  void live(const std::vector<Envelope>& record, std::uint64_t seed = 5) {
    std::mt19937_64 random(seed);
    for (std::size_t at = 0; at < record.size();) {
      const auto size = std::min<std::size_t>(random() % 40 + 1, record.size() - at);
      apply(writer_->commit(std::span(record).subspan(at, size)));
      at += size;
    }
  }
  void expect_verified() {
    const auto report = models_->verify(*store_);
    ASSERT_TRUE(report.has_value()) << report.error().detail;
    EXPECT_EQ(report->differing, 0U);
    for (const auto& difference : report->differences)
      ADD_FAILURE() << difference.key << "\nlive    " << difference.live << "\nrebuilt "
                    << difference.rebuilt;
    EXPECT_EQ(report->replay.last_global_sequence, store_->last_global_sequence().value());
    EXPECT_EQ(report->keys_compared, raw().dump().size());
  }
  std::vector<std::string> differing_keys() {
    std::vector<std::string> keys;
    const auto report = models_->verify(*store_).value();
    EXPECT_EQ(report.differences.size(), std::min<std::size_t>(report.differing, kMaxDifferences));
    for (const auto& difference : report.differences) keys.push_back(difference.key);
    return keys;
  }

  support::TempDir directory_;
  std::string conninfo_;
  std::unique_ptr<app::Redis> redis_;
  std::optional<EventStore> store_;
  std::optional<RecordWriter> writer_;
  std::optional<ReadModels> models_;
};

TEST_F(ReplayTest, TheRebuildEqualsTheLivePathByteForByte) {
  const auto record = engine::samples::random_record(300, 11);
  live(record);
  const auto before = raw().dump();
  ASSERT_GT(before.size(), 300U);
  const auto report = models_->rebuild(*store_);
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  EXPECT_EQ(report->events, record.size());
  EXPECT_EQ(report->last_global_sequence, record.size());
  EXPECT_EQ(raw().dump(), before);
  EXPECT_EQ(raw().call({"SELECT", "1"}), "OK");
  expect_verified();
}

TEST_F(ReplayTest, EveryViewIsAsTheSchemaSays) {
  live(engine::samples::random_record(100, 12));
  for (const auto& [key, text] : raw().dump()) {
    const auto kind = key.substr(0, key.find(':'));
    if (kind != "intent" && kind != "plan" && kind != "positions") continue;
    for (const auto& fault : gateway::validate("views/" + kind, json::parse(text)))
      ADD_FAILURE() << key << " " << fault.pointer << " " << fault.message << "\n" << text;
  }
}

TEST_F(ReplayTest, EveryKindOfLifeIsShownAsTheSchemaSays) {
  for (auto& [name, life] : engine::samples::every_kind_of_life()) {
    live(life.events());
    for (const auto& event : life.events())
      for (const auto& fault : gateway::validate(gateway::payload_schema(event.topic), event.payload.value()))
        ADD_FAILURE() << name << " " << event.topic << " " << fault.pointer << " " << fault.message;
    const auto view = models_->intent(life.intent_id()).value().value();
    for (const auto& fault : gateway::validate("views/intent", view))
      ADD_FAILURE() << name << " " << fault.pointer << " " << fault.message;
  }
  // The first second of kStart is in the window of the half minute behind.
  const auto now = engine::samples::kStart.plus_ms(30'000);
  auto stats = models_->stats().value();
  stats["latency"] = json::object{};
  for (const std::string_view name : {"15m", "1h", "24h", "7d"}) {
    const auto window = engine::parse_stats_window(name).value();
    const auto buckets = models_->documents(engine::window_keys(window, now)).value();
    const auto previous = models_->documents(engine::previous_window_keys(window, now)).value();
    stats["window"] = engine::window_json(window, now, buckets, previous);
    for (const auto& fault : gateway::validate("api/stats", stats))
      ADD_FAILURE() << name << " " << fault.pointer << " " << fault.message;
    const auto& totals = stats.at("window").at("totals");
    EXPECT_EQ(totals.at("submitted").to_number<int>(), 13) << name;
    EXPECT_EQ(totals.at("completed").to_number<int>(), 7) << name;
    EXPECT_EQ(totals.at("rejected").to_number<int>(), 2) << name;
    EXPECT_EQ(totals.at("value_usd").as_string(), "17470") << name;
  }
}

TEST_F(ReplayTest, DocumentsOfAnEarlierFormAreBuiltAnew) {
  live(engine::samples::random_record(20, 21));
  raw().call({"SET", "projection:head", std::to_string(models_->head().value())});
  raw().call({"DEL", "strategies"});
  EXPECT_EQ(models_->head().value(), 0U);
  ASSERT_TRUE(models_->catch_up(*store_).has_value());
  EXPECT_FALSE(models_->strategies({}, 10).value().strategies.empty());
  expect_verified();

  raw().call({"SET", "projection:head", "1:7"});
  open_new_record();
  ASSERT_TRUE(models_->catch_up(*store_).has_value());
  EXPECT_EQ(raw().dump().size(), 0U);
}

TEST_F(ReplayTest, VerifyNamesWhatDiffers) {
  live(engine::samples::random_record(30, 13));
  EXPECT_EQ(differing_keys(), std::vector<std::string>{});
  std::string intent, plan;
  for (const auto& [key, text] : raw().dump()) {
    if (key.starts_with("intent:")) intent = key;
    if (key.starts_with("plan:")) plan = key;
  }
  raw().call({"SET", intent, raw().call({"GET", intent}) + " "});
  raw().call({"DEL", plan});
  raw().call({"ZADD", "intents:state:completed", "0", "01J5S3Y4PEJHBJ5A7FYHBXQRFG"});
  raw().call({"SET", "stray", "1"});
  const auto differing = differing_keys();
  EXPECT_EQ(differing, (std::vector<std::string>{intent, "intents:state:completed", plan, "stray"}));

  ASSERT_TRUE(models_->rebuild(*store_).has_value());
  EXPECT_EQ(differing_keys(), std::vector<std::string>{});
}

TEST_F(ReplayTest, AnEmptiedRedisIsFilledAgain) {
  const auto record = engine::samples::random_record(40, 14);
  const auto half = record.size() / 2;
  live({record.begin(), record.begin() + static_cast<std::ptrdiff_t>(half)});
  raw().call({"FLUSHALL"});
  const auto next = writer_->commit(std::span(record).subspan(half));
  EXPECT_EQ(models_->apply(engine::shared(next)).value(), ApplyOutcome::kNeedsCatchUp);
  EXPECT_EQ(raw().dump().size(), 0U);
  EXPECT_FALSE(differing_keys().empty());
  const auto report = models_->catch_up(*store_);
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  EXPECT_EQ(report->events, record.size());
  expect_verified();
  apply(next);  // again: changes nothing
  expect_verified();
}

TEST_F(ReplayTest, CatchesUpFromWhereItIs) {
  const auto record = engine::samples::random_record(40, 15);
  live({record.begin(), record.begin() + 50});
  writer_->commit(std::span(record).subspan(50, 30));
  const auto later = writer_->commit(std::span(record).subspan(80));
  EXPECT_EQ(models_->apply(engine::shared(later)).value(), ApplyOutcome::kNeedsCatchUp);
  const auto report = models_->catch_up(*store_);
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  EXPECT_EQ(report->events, record.size() - 50);
  EXPECT_EQ(models_->head().value(), record.size());
  EXPECT_EQ(models_->catch_up(*store_).value().events, 0U);
  expect_verified();
}

TEST_F(ReplayTest, ReadModelsOfAnotherRecordAreReplaced) {
  live(engine::samples::random_record(40, 16));
  open_new_record();
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  life.submit();
  writer_->commit(life.events());
  ASSERT_TRUE(models_->catch_up(*store_).has_value());
  EXPECT_EQ(models_->head().value(), 1U);
  expect_verified();
  EXPECT_EQ(models_->list({}).value().views.size(), 1U);
}

TEST_F(ReplayTest, NoReaderSeesHalfARebuild) {
  const auto record = engine::samples::random_record(400, 17);
  live(record);
  const auto stats = canonical_json(models_->stats().value());
  const auto first = engine::intent_id_of(record.front().correlation_id);
  std::atomic<bool> done = false;
  std::atomic<int> reads = 0;
  std::thread reader([&] {
    auto models = open_models();
    while (!done) {
      EXPECT_EQ(canonical_json(models.stats().value()), stats);
      EXPECT_TRUE(models.intent(first).value().has_value());
      EXPECT_EQ(models.list({.limit = 400}).value().views.size(), 400U);
      ++reads;
    }
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(models_->rebuild(*store_).has_value());
  done = true;
  reader.join();
  EXPECT_GT(reads.load(), 0);
}

TEST_F(ReplayTest, RebuildAndVerifyMayRunBesideALiveProjector) {
  const auto record = engine::samples::random_record(400, 18);
  std::thread projector([&] {
    auto follower = open_reader();
    const auto catch_up = [&] { return models_->catch_up(follower).has_value(); };
    for (std::size_t at = 0; at < record.size(); at += 7) {
      const auto events =
          writer_->commit(std::span(record).subspan(at, std::min<std::size_t>(7, record.size() - at)));
      auto outcome = models_->apply(engine::shared(events));
      while (!outcome || *outcome != ApplyOutcome::kApplied) {
        // A rebuild may replace what is caught up with, and then it is done again.
        while (!catch_up()) std::this_thread::yield();
        outcome = models_->apply(engine::shared(events));
      }
    }
  });
  auto operators = open_models();
  auto reader = open_reader();
  int rebuilt = 0;
  while (reader.last_global_sequence().value() < record.size()) {
    // Losing to the projector's own rebuild is no harm; half a state would be.
    if (operators.rebuild(reader).has_value()) ++rebuilt;
    if (const auto report = operators.verify(reader))
      for (const auto& difference : report->differences)
        ADD_FAILURE() << difference.key << "\nlive    " << difference.live << "\nrebuilt "
                      << difference.rebuilt;
  }
  projector.join();
  EXPECT_GT(rebuilt, 0);
  EXPECT_EQ(models_->head().value(), record.size());
  expect_verified();
}

TEST_F(ReplayTest, ListsAgreeWithTheRecord) {
  live(engine::samples::random_record(60, 19));
  const auto ids_of_record = [&](const ListQuery& query) {
    std::vector<std::string> out;
    for (const auto& row : store_->list(query).value())
      out.emplace_back(engine::intent_id_of(row.correlation_id));
    return out;
  };
  const auto ids_of_models = [&](ListQuery query) {
    query.limit = 7;
    std::vector<std::string> out;
    for (;;) {
      const auto page = models_->list(query).value();
      for (const auto& view : page.views) {
        out.push_back(string_or(view, "intent_id"));
        const auto state = engine::parse_state(string_or(view, "state"));
        EXPECT_TRUE(query.states.empty() || std::ranges::count(query.states, state) > 0);
      }
      if (!page.next_before) return out;
      EXPECT_EQ(page.views.size(), 7U);
      query.before_intent_id = page.next_before;
    }
  };
  std::size_t found = 0;
  for (const std::optional<std::string>& strategy :
       {std::optional<std::string>{}, std::optional<std::string>{"strategy-1"},
        std::optional<std::string>{"nobody"}}) {
    EXPECT_EQ(ids_of_models({.strategy_id = strategy}),
              ids_of_record({.strategy_id = strategy, .limit = 1000}));
    for (const auto state : engine::kAllStates) {
      const auto ids = ids_of_models({.states = {state}, .strategy_id = strategy});
      EXPECT_EQ(ids, ids_of_record({.states = {state}, .strategy_id = strategy, .limit = 1000}));
      found += ids.size();
    }
    const std::vector several{engine::State::kFailed, engine::State::kCompleted, engine::State::kCancelled,
                              engine::State::kFailed};
    EXPECT_EQ(ids_of_models({.states = several, .strategy_id = strategy}),
              ids_of_record({.states = several, .strategy_id = strategy, .limit = 1000}));
    const auto all = ids_of_record({.strategy_id = strategy, .limit = 1000});
    const auto since = all.empty() ? std::optional<std::string>{} : all[all.size() / 2];
    for (const auto& states : {std::vector<engine::State>{}, several}) {
      const ListQuery query{
          .states = states, .strategy_id = strategy, .since_intent_id = since, .limit = 1000};
      auto expected = ids_of_record({.states = states, .strategy_id = strategy, .limit = 1000});
      std::erase_if(expected, [&](const auto& id) { return since && id < *since; });
      EXPECT_EQ(ids_of_models(query), expected);
      EXPECT_EQ(ids_of_record(query), expected);
    }
  }
  EXPECT_GT(found, 60U);
  EXPECT_TRUE(models_->list({.limit = 0}).value().views.empty());
}

/// The states move while the lists are read: a page shows each intent once, and only in a state asked for.
TEST_F(ReplayTest, APageIsOfOneMoment) {
  const auto record = engine::samples::random_record(400, 22);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    auto models = open_models();
    const std::vector open{engine::State::kSubmitted, engine::State::kAccepted, engine::State::kPlanned,
                           engine::State::kExecuting};
    while (!done) {
      std::vector<engine::State> ended;
      for (const auto state : engine::kAllStates)
        if (engine::is_terminal(state)) ended.push_back(state);
      for (const auto& states : {open, ended}) {
        std::set<std::string> seen;
        for (const auto& view : models.list({.states = states, .limit = 500}).value().views) {
          EXPECT_TRUE(seen.insert(string_or(view, "intent_id")).second);
          EXPECT_EQ(std::ranges::count(states, engine::parse_state(string_or(view, "state"))), 1);
        }
      }
      // All states together: whoever changed lists meanwhile is in one of them.
      const auto head = models.stats().value().at("last_global_sequence").to_number<std::uint64_t>();
      std::set<std::string> submitted;
      for (std::size_t i = 0; i < head; ++i)
        submitted.emplace(engine::intent_id_of(record[i].correlation_id));
      const std::vector every(engine::kAllStates.begin(), engine::kAllStates.end());
      EXPECT_GE(models.list({.states = every, .limit = 500}).value().views.size(), submitted.size());
    }
  });
  live(record);
  done = true;
  reader.join();
}

TEST_F(ReplayTest, StrategiesByNameAndTransactionsByHash) {
  EXPECT_TRUE(models_->strategies({}, 10).value().strategies.empty());
  Ids ids;
  for (const std::string strategy : {"b", "a.1", "B", "b", "a"}) {
    Life life(ids, strategy, "acquire", "1");
    life.trade("2500", "1");
    live(life.events());
    const auto hash = string_or(life.events().back().payload, "txHash");
    EXPECT_EQ(models_->intent_of_transaction(hash).value(), life.intent_id());
  }
  EXPECT_EQ(models_->intent_of_transaction("0x" + std::string(64, '0')).value(), std::nullopt);

  const auto page = [&](std::optional<std::string> after, std::size_t limit) {
    return models_->strategies(after, limit).value();
  };
  EXPECT_EQ(page({}, 10).strategies, (std::vector<std::string>{"B", "a", "a.1", "b"}));
  EXPECT_EQ(page({}, 4).next_after, std::nullopt);
  EXPECT_EQ(page({}, 2).strategies, (std::vector<std::string>{"B", "a"}));
  EXPECT_EQ(page({}, 2).next_after, "a");
  EXPECT_EQ(page("a", 2).strategies, (std::vector<std::string>{"a.1", "b"}));
  EXPECT_EQ(page("a", 2).next_after, std::nullopt);
  EXPECT_TRUE(page("b", 2).strategies.empty());
}

TEST_F(ReplayTest, DocumentsOfSeveralKeysInTheirOrder) {
  EXPECT_TRUE(models_->documents({}).value().empty());
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  live(life.submit().events());
  const auto bucket = engine::bucket_keys(engine::samples::kStart)[0];
  const std::vector<std::string> keys{"stats:minute:2000-01-01T00:00", bucket,
                                      engine::intent_key(life.intent_id())};
  const auto documents = models_->documents(keys).value();
  ASSERT_EQ(documents.size(), 3U);
  EXPECT_EQ(documents[0], std::nullopt);
  EXPECT_EQ(canonical_json(documents[1].value()), R"({"submitted":1})");
  EXPECT_EQ(string_or(documents[2].value(), "intent_id"), life.intent_id());
}

TEST_F(ReplayTest, ReadsOfWhatIsThereAndWhatIsNot) {
  EXPECT_EQ(models_->head().value(), 0U);
  EXPECT_EQ(canonical_json(models_->stats().value()), canonical_json(engine::empty_stats()));
  Ids ids;
  Life life(ids, "demo", "acquire", "1");
  live(life.trade("2500", "1").events());
  EXPECT_EQ(string_or(models_->intent(life.intent_id()).value().value(), "state"), "completed");
  EXPECT_EQ(string_or(models_->plan(life.plan_id()).value().value(), "state"), "completed");
  EXPECT_EQ(string_or(models_->positions("demo").value().value(), "strategy_id"), "demo");
  EXPECT_EQ(models_->intent("01J5S3Y4PEJHBJ5A7FYHBXQRFG").value(), std::nullopt);
  EXPECT_EQ(models_->plan("01J5S3Y4PEJHBJ5A7FYHBXQRFG").value(), std::nullopt);
  EXPECT_EQ(models_->positions("nobody").value(), std::nullopt);
}

TEST_F(ReplayTest, ARedisThatIsGoneOrHangsIsAnErrorInTimeAndThenServesAgain) {
  const auto record = engine::samples::random_record(20, 20);
  live({record.begin(), record.begin() + 20});
  auto reader = open_models();
  redis_->kill(SIGSTOP);
  const auto started = monotonic_ns();
  const auto hanging = reader.stats();
  ASSERT_FALSE(hanging.has_value());
  EXPECT_EQ(hanging.error().code, errc::kCacheUnavailable);
  EXPECT_LT(monotonic_ns() - started, 3'000'000'000);
  redis_->kill(SIGCONT);
  EXPECT_TRUE(reader.stats().has_value());

  redis_->kill(SIGKILL);
  ASSERT_TRUE(redis_->wait(std::chrono::seconds(10)).has_value());
  EXPECT_FALSE(reader.ping().has_value());
  const auto next = writer_->commit(std::span(record).subspan(20));
  EXPECT_FALSE(models_->apply(engine::shared(next)).has_value());
  ASSERT_TRUE(redis_->start().has_value());
  // It has started before it has read what it had; until then it says so.
  EXPECT_TRUE(eventually([&] {
    const auto answer = reader.ping();
    EXPECT_TRUE(answer || answer.error().code == errc::kNotReady) << answer.error().detail;
    return answer.has_value();
  }));
  // It may have forgotten its last second: what it has is still a whole state, and the rest is on the record.
  ASSERT_TRUE(models_->catch_up(*store_).has_value());
  expect_verified();
}

}  // namespace
}  // namespace sep::store
