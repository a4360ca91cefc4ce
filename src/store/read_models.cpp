#include "store/read_models.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <future>
#include <iterator>
#include <map>
#include <ranges>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "engine/projection.h"
#include "store/record_pages.h"
#include "store/redis.h"

namespace sep::store {
namespace {

using engine::Changes;
using engine::Envelope;
using engine::Projection;
using engine::SharedEvent;
using Arguments = RedisConnection::Arguments;

constexpr int kLiveDatabase = 0;
constexpr int kShadowDatabase = 1;
constexpr auto kHeadKey = "projection:head";
constexpr auto kAllIntents = "intents";
constexpr auto kStrategies = "strategies";
// A replay writes large batches, and Redis may be busy freeing what was there before.
constexpr int kReplayTimeoutMs = 10'000;
constexpr std::size_t kReplayBatch = 1'000;  // events
constexpr std::size_t kCompareBatch = 500;   // keys
constexpr auto kScanCount = "1000";          // keys a SCAN looks at
constexpr auto kVerifyPoll = std::chrono::milliseconds(20);

constexpr auto kRebuiltByAnother = "another process rebuilds the read models";

std::string state_list(std::string_view state) {
  return "intents:state:" + std::string(state);
}
std::string strategy_list(std::string_view strategy) {
  return "intents:strategy:" + std::string(strategy);
}
std::string strategy_state_list(std::string_view strategy, std::string_view state) {
  return strategy_list(strategy) + ":state:" + std::string(state);
}
bool is_list(std::string_view key) {
  return key == kAllIntents || key == kStrategies || key.starts_with("intents:");
}

/// The lists that together hold what is asked for, none of it twice.
std::vector<std::string> list_keys(const ListQuery& query) {
  if (query.states.empty()) return {query.strategy_id ? strategy_list(*query.strategy_id) : kAllIntents};
  std::vector<std::string> keys;
  for (const auto state : std::set(query.states.begin(), query.states.end())) {
    const auto name = engine::to_string(state);
    keys.push_back(query.strategy_id ? strategy_state_list(*query.strategy_id, name) : state_list(name));
  }
  return keys;
}

/// A page of the lists KEYS: ids between ARGV 1 (upper) and 2 (lower), newest first, at most ARGV 3 of them;
/// then the views of the first ARGV 4 of these. A script, since what is between the reads would change them:
/// an intent moves from list to list.
constexpr auto kReadPage = R"lua(
local ids = {}
for _, list in ipairs(KEYS) do
  for _, id in ipairs(redis.call('ZREVRANGEBYLEX', list, ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
    ids[#ids + 1] = id
  end
end
table.sort(ids, function(a, b) return a > b end)
local page = {}
for i = 1, math.min(#ids, tonumber(ARGV[3])) do
  page[i] = {ids[i], i <= tonumber(ARGV[4]) and redis.call('GET', ARGV[5] .. ids[i])}
end
return page
)lua";

std::string head_text(std::uint64_t head) {
  return fmt::format("{}:{}", engine::kProjectionForm, head);
}
/// 0 for what holds no documents, or those of another form.
std::uint64_t parse_head(std::string_view text) {
  const auto form = fmt::format("{}:", engine::kProjectionForm);
  std::uint64_t head = 0;
  if (text.starts_with(form)) std::from_chars(text.data() + form.size(), text.data() + text.size(), head);
  return head;
}

Result<std::optional<json::object>> parse_document(const RedisReply& reply) {
  if (reply.is_nil()) return std::nullopt;
  auto value = parse_json(reply.text());
  if (!value || !value->is_object())
    return fail(errc::kCacheUnavailable, "Redis holds a document that is no JSON");
  return std::move(value->get_object());
}

/// One command a list, for all that enters or leaves it, and one for all documents: what Redis does for a
/// command costs more than what it does for a member.
std::vector<Arguments> commands_for(Changes changes) {
  std::map<std::string, Arguments> leave, enter;
  const auto add = [](std::map<std::string, Arguments>& lists, const char* command, std::string key,
                      std::initializer_list<std::string> member) {
    auto& arguments = lists[key];
    if (arguments.empty()) arguments = {command, std::move(key)};
    arguments.insert(arguments.end(), member);
  };
  for (const auto& entry : changes.lists) {
    const auto after = engine::to_string(entry.after);
    if (entry.before) {
      const auto before = engine::to_string(*entry.before);
      add(leave, "ZREM", state_list(before), {entry.intent_id});
      add(leave, "ZREM", strategy_state_list(entry.strategy_id, before), {entry.intent_id});
    } else {
      add(enter, "ZADD", kAllIntents, {"0", entry.intent_id});
      add(enter, "ZADD", strategy_list(entry.strategy_id), {"0", entry.intent_id});
      add(enter, "ZADD", kStrategies, {"0", entry.strategy_id});
    }
    add(enter, "ZADD", state_list(after), {"0", entry.intent_id});
    add(enter, "ZADD", strategy_state_list(entry.strategy_id, after), {"0", entry.intent_id});
  }
  std::vector<Arguments> commands;
  for (auto* lists : {&leave, &enter})
    for (auto& [key, arguments] : *lists) commands.push_back(std::move(arguments));
  Arguments set{"MSET", kHeadKey, head_text(changes.last_global_sequence)};
  for (auto& [key, text] : changes.documents) {
    set.push_back(std::move(key));
    set.push_back(std::move(text));
  }
  commands.push_back(std::move(set));
  return commands;
}

/// The fold of the record into one of Redis's databases.
class Projector {
 public:
  Projector(const std::string& socket, int timeout_ms, int database) : redis_(socket, timeout_ms, database) {}

  RedisConnection& redis() { return redis_; }

  Result<std::uint64_t> head() {
    SEP_TRY(const auto reply, redis_.call({"GET", kHeadKey}));
    return parse_head(reply.text());
  }

  /// What was remembered is forgotten; the next apply() begins from what Redis holds.
  void forget() { projection_.reset(); }

  Result<ApplyOutcome> apply(std::span<const SharedEvent> events) {
    auto change = fold(
        events | std::views::transform([](const SharedEvent& event) -> const Envelope& { return *event; }));
    return concluded(change ? store(std::move(*change)) : fail(std::move(change).error()));
  }

  /// Applies the record's events after Redis's head up to `last`, or to the record's end: what a page changes
  /// is written while the next one is folded. Returns their number.
  Result<std::uint64_t> follow(EventStore& record, std::optional<std::uint64_t> last,
                               const ReadModels::KeepOn& keep_on) {
    SEP_TRY(const auto start, head());
    RecordPages pages(record, start, last, kReplayBatch);
    for (auto at = start;;) {
      const auto events = pages.next();
      auto change = events ? fold(*events) : Result<std::optional<Change>>(fail(events.error()));
      // What is being stored is waited for, whatever came of this page.
      if (storing_.valid()) {
        SEP_TRY(const auto outcome, concluded(storing_.get()));
        if (outcome != ApplyOutcome::kApplied)
          return fail(errc::kNotReady, "another process writes the same read models");
      }
      if (!change) return given_up(std::move(change).error());
      if (events->empty()) return at - start;
      if (keep_on && !keep_on()) return given_up({errc::kNotReady, "the replay was ended", {}});
      at = events->back().global_sequence;
      storing_ = std::async(std::launch::async, [this, change = std::move(*change)]() mutable {
        return store(std::move(change));
      });
    }
  }

  std::uint64_t documents_written() const { return documents_written_; }

 private:
  /// What events changed, to be stored where Redis is still at `head`.
  struct Change {
    std::uint64_t head;
    Changes changes;
  };

  /// Half-applied documents in memory are of no use.
  std::unexpected<Error> given_up(Error why) {
    forget();
    return fail(std::move(why));
  }
  Result<ApplyOutcome> concluded(Result<ApplyOutcome> outcome) {
    if (!outcome || *outcome != ApplyOutcome::kApplied) forget();
    return outcome;
  }

  /// Nothing where events are missing before these.
  template <class Events>
  Result<std::optional<Change>> fold(const Events& events) {
    if (!projection_) {
      SEP_TRY(const auto start, head());
      projection_.emplace(start, [this](const std::string& key) -> Result<std::optional<json::object>> {
        if (storing_.valid()) storing_.wait();
        SEP_TRY(const auto reply, redis_.call({"GET", key}));
        return parse_document(reply);
      });
    }
    const auto before = projection_->last_global_sequence();
    if (!events.empty() && events.front().global_sequence > before + 1) return std::nullopt;
    for (const auto& event : events) SEP_CHECK(projection_->apply(event));
    return Change{before, projection_->take_changes()};
  }

  /// Writes the change where Redis is still where it began.
  Result<ApplyOutcome> store(std::optional<Change> change) {
    if (!change) return ApplyOutcome::kNeedsCatchUp;
    auto& changes = change->changes;
    if (changes.empty()) return ApplyOutcome::kApplied;
    SEP_TRY(const auto watched, redis_.pipeline({{"WATCH", kHeadKey}, {"GET", kHeadKey}}));
    if (parse_head(watched[1].text()) != change->head) {
      SEP_CHECK(redis_.call({"UNWATCH"}));
      return ApplyOutcome::kNeedsCatchUp;
    }
    std::vector<Arguments> commands{{"MULTI"}};
    documents_written_ += changes.documents.size();
    std::ranges::move(commands_for(std::move(changes)), std::back_inserter(commands));
    commands.push_back({"EXEC"});
    SEP_TRY(const auto replies, redis_.pipeline(commands));
    return replies.back().is_nil() ? ApplyOutcome::kNeedsCatchUp : ApplyOutcome::kApplied;
  }

  RedisConnection redis_;
  std::optional<Projection> projection_;
  std::uint64_t documents_written_ = 0;
  std::future<Result<ApplyOutcome>> storing_;  // of follow(): the page before the one that is folded
};

/// Counts and times of one replay.
class Stopwatch {
 public:
  ReplayReport report(std::uint64_t events, std::uint64_t documents,
                      std::uint64_t last_global_sequence) const {
    using std::chrono::microseconds;
    const auto elapsed =
        std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - start_).count();
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed, 1));
    return {.events = events,
            .documents = documents,
            .last_global_sequence = last_global_sequence,
            .elapsed_ms = static_cast<std::int64_t>(us / 1000),
            .events_per_second = events * 1'000'000 / us};
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Arguments read_command(const std::string& key) {
  return is_list(key) ? Arguments{"ZRANGE", key, "0", "-1", "WITHSCORES"} : Arguments{"GET", key};
}

/// One text for a document or a list; empty where the key is not there.
std::string text_of(const RedisReply& reply) {
  if (reply.size() == 0) return std::string(reply.text());
  std::string out;
  for (std::size_t i = 0; i < reply.size(); ++i) (out += reply[i].text()) += ' ';
  return out;
}

/// The values of `keys`, and projection:head, all of one moment.
struct Moment {
  std::uint64_t head = 0;
  std::vector<std::string> texts;
};
Result<Moment> read_moment(RedisConnection& redis, std::span<const std::string> keys) {
  std::vector<Arguments> commands{{"MULTI"}, {"GET", kHeadKey}};
  for (const auto& key : keys) commands.push_back(read_command(key));
  commands.push_back({"EXEC"});
  SEP_TRY(const auto replies, redis.pipeline(commands));
  const auto& values = replies.back();
  SEP_ASSERT(values.size() == keys.size() + 1);
  Moment moment{.head = parse_head(values[0].text()), .texts = {}};
  for (std::size_t i = 0; i < keys.size(); ++i) moment.texts.push_back(text_of(values[i + 1]));
  return moment;
}

Status add_keys(RedisConnection& redis, std::set<std::string>& keys) {
  std::string cursor = "0";
  do {
    SEP_TRY(const auto reply, redis.call({"SCAN", cursor, "COUNT", kScanCount}));
    cursor = reply[0].text();
    const auto found = reply[1];
    for (std::size_t i = 0; i < found.size(); ++i) keys.emplace(found[i].text());
  } while (cursor != "0");
  return {};
}

/// Waits for a live projector that is only a moment behind.
Status await_head(Projector& live, std::uint64_t target) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kVerifyWaitMs);
  for (;;) {
    SEP_TRY(const auto head, live.head());
    if (head >= target || std::chrono::steady_clock::now() >= until) return {};
    std::this_thread::sleep_for(kVerifyPoll);
  }
}

}  // namespace

class ReadModels::Impl {
 public:
  Impl(std::string socket, Options options)
      : socket_(std::move(socket)), live_(socket_, options.timeout_ms, kLiveDatabase) {}

  Projector& live() { return live_; }
  RedisConnection& redis() { return live_.redis(); }

  Result<ReplayReport> catch_up(EventStore& record, const KeepOn& keep_on) {
    const Stopwatch stopwatch;
    SEP_TRY(const auto head, live_.head());
    SEP_TRY(const auto last, record.last_global_sequence());
    SEP_TRY(const auto keys, redis().call({"DBSIZE"}));
    // Readers must not see a record grow from its beginning; what is ahead of the record, or of another form,
    // is not a fold of it.
    if (head > last || (head == 0 && (last > 0 || keys.integer() > 0))) return rebuild(record, keep_on);
    live_.forget();
    const auto documents = live_.documents_written();
    SEP_TRY(const auto events, live_.follow(record, std::nullopt, keep_on));
    return stopwatch.report(events, live_.documents_written() - documents, head + events);
  }

  Result<ReplayReport> rebuild(EventStore& record, const KeepOn& keep_on) {
    const Stopwatch stopwatch;
    Projector shadow(socket_, kReplayTimeoutMs, kShadowDatabase);
    SEP_CHECK(shadow.redis().call({"FLUSHDB", "ASYNC"}));
    SEP_TRY(auto events, shadow.follow(record, std::nullopt, keep_on));
    SEP_TRY(const auto built, shadow.head());
    if (built != events) return fail(errc::kNotReady, kRebuiltByAnother);
    SEP_CHECK(
        shadow.redis().call({"SWAPDB", std::to_string(kLiveDatabase), std::to_string(kShadowDatabase)}));
    live_.forget();
    // What another projector had brought into the database that is now aside was committed before the swap.
    SEP_TRY(const auto rest, live_.follow(record, std::nullopt, keep_on));
    SEP_CHECK(shadow.redis().call({"FLUSHDB", "ASYNC"}));
    return stopwatch.report(events + rest, shadow.documents_written(), events + rest);
  }

  Result<VerifyReport> verify(EventStore& record) {
    const Stopwatch stopwatch;
    SEP_TRY(const auto target, record.last_global_sequence());
    SEP_CHECK(await_head(live_, target));
    Projector shadow(socket_, kReplayTimeoutMs, kShadowDatabase);
    SEP_CHECK(shadow.redis().call({"FLUSHDB", "ASYNC"}));
    SEP_TRY(auto events, shadow.follow(record, target, {}));

    std::set<std::string> found;
    SEP_CHECK(add_keys(redis(), found));
    SEP_CHECK(add_keys(shadow.redis(), found));
    const std::vector<std::string> keys(found.begin(), found.end());
    VerifyReport report;
    for (std::size_t at = 0; at < keys.size(); at += kCompareBatch) {
      const auto batch = std::span(keys).subspan(at, std::min(kCompareBatch, keys.size() - at));
      SEP_TRY(const auto live, read_moment(redis(), batch));
      SEP_TRY(const auto more, shadow.follow(record, live.head, {}));
      events += more;
      SEP_TRY(const auto rebuilt, read_moment(shadow.redis(), batch));
      if (rebuilt.head != events) return fail(errc::kNotReady, kRebuiltByAnother);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        ++report.keys_compared;
        if (live.texts[i] == rebuilt.texts[i]) continue;
        ++report.differing;
        if (report.differences.size() < kMaxDifferences)
          report.differences.push_back({batch[i], live.texts[i], rebuilt.texts[i]});
      }
    }
    SEP_CHECK(shadow.redis().call({"FLUSHDB", "ASYNC"}));
    report.replay = stopwatch.report(events, shadow.documents_written(), events);
    return report;
  }

  Result<std::optional<json::object>> document(const std::string& key) {
    SEP_TRY(const auto reply, redis().call({"GET", key}));
    return parse_document(reply);
  }

  Result<std::vector<std::optional<json::object>>> documents(std::span<const std::string> keys) {
    std::vector<std::optional<json::object>> out;
    if (keys.empty()) return out;
    Arguments command{"MGET"};
    command.insert(command.end(), keys.begin(), keys.end());
    SEP_TRY(const auto replies, redis().call(command));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      SEP_TRY(out.emplace_back(), parse_document(replies[i]));
    }
    return out;
  }

  Result<IntentPage> list(const ListQuery& query) {
    const auto keys = list_keys(query);
    Arguments command{"EVAL", kReadPage, std::to_string(keys.size())};
    command.insert(command.end(), keys.begin(), keys.end());
    command.push_back(query.before_intent_id ? "(" + *query.before_intent_id : "+");
    command.push_back(query.since_intent_id ? "[" + *query.since_intent_id : "-");
    // One more than asked for says whether there is another page.
    command.push_back(std::to_string(query.limit + 1));
    command.push_back(std::to_string(query.limit));
    command.push_back(engine::intent_key(""));
    SEP_TRY(const auto rows, redis().call(command));
    IntentPage page;
    const auto count = std::min(rows.size(), query.limit);
    for (std::size_t i = 0; i < count; ++i) {
      SEP_TRY(auto view, parse_document(rows[i][1]));
      if (view) page.views.push_back(std::move(*view));
    }
    if (count > 0 && rows.size() > count) page.next_before = std::string(rows[count - 1][0].text());
    return page;
  }

  Result<StrategyPage> strategies(const std::optional<std::string>& after, std::size_t limit) {
    SEP_TRY(const auto names, redis().call({"ZRANGEBYLEX", kStrategies, after ? "(" + *after : "-", "+",
                                            "LIMIT", "0", std::to_string(limit + 1)}));
    StrategyPage page;
    const auto count = std::min(names.size(), limit);
    for (std::size_t i = 0; i < count; ++i) page.strategies.emplace_back(names[i].text());
    if (count > 0 && names.size() > count) page.next_after = page.strategies.back();
    return page;
  }

 private:
  std::string socket_;
  Projector live_;
};

ReadModels::ReadModels(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReadModels::ReadModels(ReadModels&&) noexcept = default;
ReadModels& ReadModels::operator=(ReadModels&&) noexcept = default;
ReadModels::~ReadModels() = default;

Result<ReadModels> ReadModels::open(const std::string& socket, Options options) {
  ReadModels models(std::make_unique<Impl>(socket, options));
  SEP_CHECK(models.ping());
  return models;
}
Result<ReadModels> ReadModels::open(const std::string& socket) {
  return open(socket, Options{});
}

Result<ApplyOutcome> ReadModels::apply(std::span<const SharedEvent> events) {
  return impl_->live().apply(events);
}
Result<ReplayReport> ReadModels::catch_up(EventStore& record, const KeepOn& keep_on) {
  return impl_->catch_up(record, keep_on);
}
Result<ReplayReport> ReadModels::rebuild(EventStore& record, const KeepOn& keep_on) {
  return impl_->rebuild(record, keep_on);
}
Result<VerifyReport> ReadModels::verify(EventStore& record) {
  return impl_->verify(record);
}

Result<std::optional<json::object>> ReadModels::intent(std::string_view intent_id) {
  return impl_->document(engine::intent_key(intent_id));
}
Result<std::optional<json::object>> ReadModels::plan(std::string_view plan_id) {
  return impl_->document(engine::plan_key(plan_id));
}
Result<std::optional<json::object>> ReadModels::positions(std::string_view strategy_id) {
  return impl_->document(engine::positions_key(strategy_id));
}
Result<std::optional<std::string>> ReadModels::intent_of_transaction(std::string_view tx_hash) {
  SEP_TRY(const auto stored, impl_->document(engine::transaction_key(tx_hash)));
  if (!stored) return std::nullopt;
  return string_or(*stored, "intent_id");
}
Result<IntentPage> ReadModels::list(const ListQuery& query) {
  return impl_->list(query);
}
Result<StrategyPage> ReadModels::strategies(const std::optional<std::string>& after, std::size_t limit) {
  return impl_->strategies(after, limit);
}
Result<std::vector<std::optional<json::object>>> ReadModels::documents(std::span<const std::string> keys) {
  return impl_->documents(keys);
}
Result<json::object> ReadModels::stats() {
  SEP_TRY(auto stored, impl_->document(std::string(engine::kStatsKey)));
  return stored ? std::move(*stored) : engine::empty_stats();
}
Result<std::uint64_t> ReadModels::head() {
  return impl_->live().head();
}
Status ReadModels::ping() {
  SEP_CHECK(impl_->redis().call({"PING"}));
  return {};
}

}  // namespace sep::store
