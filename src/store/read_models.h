#pragma once
// The read models in Redis: documents and lists that the gateway answers from. They are a fold of the record
// (engine/projection.h) and can be lost at any time.
//
// Entry points: apply() and catch_up() for the projector, rebuild() and verify() for `sep replay`, the reads
// for the gateway. All calls block, each with a bound; one thread owns a ReadModels at a time. Keys
//   intent:{id}  plan:{id}  positions:{strategy}  stats         canonical JSON
//   stats:minute:{time}  stats:hour:{time}                      canonical JSON: engine/window_stats.h
//   transaction:{hash}                                          canonical JSON: {"intent_id"}
//   projection:head                                             "{form}:{n}": n is the last global_sequence
//                                                               that is in, form engine::kProjectionForm
//   intents  intents:state:{s}  intents:strategy:{id}  intents:strategy:{id}:state:{s}
//                                                               sorted sets of intent ids, all with score 0:
//                                                               ULIDs sort by time
//   strategies                                                  sorted set of strategy ids, all with score 0
// Invariants
//  1. Documents, lists and projection:head move together (MULTI/EXEC): Redis always holds the fold of exactly
//  the
//     record's first `projection:head` events, whatever is killed when. Documents of another form count as
//     none: they are built anew, as if Redis were empty.
//  2. The projector writes only onto the head that it knows (WATCH): two projectors, or one beside a rebuild,
//     cannot mix their states.
//  3. A rebuild works in database 1 and swaps it with database 0 when it is whole: no reader sees half of it.
//     This Redis belongs to sep alone.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/envelope.h"
#include "engine/lifecycle.h"
#include "store/event_store.h"

namespace sep::store {

enum class ApplyOutcome {
  kApplied,       // all events are in now, or were before
  kNeedsCatchUp,  // Redis is not where these events begin (it was emptied, restored or rebuilt): catch_up()
};

struct ReplayReport {
  std::uint64_t events = 0;     // applied by this call
  std::uint64_t documents = 0;  // written by this call
  std::uint64_t last_global_sequence = 0;
  std::int64_t elapsed_ms = 0;
  std::uint64_t events_per_second = 0;
};

/// A key that does not hold what the record says. Empty text: the key is not there.
struct Difference {
  std::string key;
  std::string live;
  std::string rebuilt;
};

struct VerifyReport {
  ReplayReport replay;
  std::uint64_t keys_compared = 0;
  std::uint64_t differing = 0;
  std::vector<Difference> differences;  // at most kMaxDifferences of them
};
inline constexpr std::size_t kMaxDifferences = 100;
inline constexpr int kVerifyWaitMs = 3'000;

struct IntentPage {
  std::vector<json::object> views;
  std::optional<std::string> next_before;  // the cursor of the next page; none: this was the last one
};

struct StrategyPage {
  std::vector<std::string> strategies;    // by name, in byte order
  std::optional<std::string> next_after;  // the cursor of the next page; none: this was the last one
};

class ReadModels {
 public:
  struct Options {
    int timeout_ms = 500;  // of connecting and of each answer
  };
  /// Asked after each page of a replay; false ends it with NOT_READY.
  using KeepOn = std::function<bool()>;

  /// Connects to Redis on a unix socket. CACHE_UNAVAILABLE; NOT_READY while it loads, as every call below. A
  /// lost connection is made again by the next call.
  static Result<ReadModels> open(const std::string& socket, Options options);
  static Result<ReadModels> open(const std::string& socket);
  ReadModels(ReadModels&&) noexcept;
  ReadModels& operator=(ReadModels&&) noexcept;
  ~ReadModels();

  // --- the projector
  // ------------------------------------------------------------------------------------------

  /// Brings contiguous committed events in, as one step. CACHE_UNAVAILABLE: whether they are in is then not
  /// known, and applying them again is safe.
  Result<ApplyOutcome> apply(std::span<const engine::SharedEvent> events);
  /// From where Redis is to the end of the record; a rebuild where Redis is ahead of it (it belongs to
  /// another record). STORE_UNAVAILABLE, CACHE_UNAVAILABLE.
  Result<ReplayReport> catch_up(EventStore& record, const KeepOn& keep_on = {});

  // --- replay
  // -------------------------------------------------------------------------------------------------

  /// Builds everything anew from the record and puts it in place of what is there. NOT_READY where another
  /// process does so, or verifies, at the same time.
  Result<ReplayReport> rebuild(EventStore& record, const KeepOn& keep_on = {});
  /// Builds everything anew beside what is there and compares byte for byte. May run while a projector
  /// writes; NOT_READY where the record moved too fast to compare the two at one point.
  Result<VerifyReport> verify(EventStore& record);

  // --- reads; CACHE_UNAVAILABLE
  // -------------------------------------------------------------------------------

  /// Empty where unknown.
  Result<std::optional<json::object>> intent(std::string_view intent_id);
  Result<std::optional<json::object>> plan(std::string_view plan_id);
  Result<std::optional<json::object>> positions(std::string_view strategy_id);
  /// The intent that made a transaction (its hash in lower case); empty where unknown.
  Result<std::optional<std::string>> intent_of_transaction(std::string_view tx_hash);
  /// Views newest first, all of one moment: each is in a state that was asked for. Costs what it returns.
  Result<IntentPage> list(const ListQuery& query);
  /// Strategies that ever submitted an intent, those behind `after` (empty: all), at most `limit`.
  Result<StrategyPage> strategies(const std::optional<std::string>& after, std::size_t limit);
  /// The documents of these keys, in one read: for the buckets of engine/window_stats.h.
  Result<std::vector<std::optional<json::object>>> documents(std::span<const std::string> keys);
  /// The totals of an empty record where nothing is in yet.
  Result<json::object> stats();
  /// The last global_sequence that is in; 0 for an empty Redis.
  Result<std::uint64_t> head();
  Status ping();

 private:
  class Impl;
  explicit ReadModels(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sep::store
