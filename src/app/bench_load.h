#pragma once
// Open-loop load on a running platform: intents are due at times that do not depend on its answers, and what
// waits because it is slow, waits in the figures. Or one intent after the other, as the floor is measured.
//
// Entry point: run_load. One thread; connections are kept, one request at a time on each.
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/bench_samples.h"
#include "base/result.h"

namespace sep::app {

/// kOneByOne: an intent is due when the one before it has ended; `rate` says nothing then.
enum class Spacing { kPoisson, kFixed, kOneByOne };
/// As --spacing names them, in the order of the enumeration.
inline constexpr std::array<std::string_view, 3> kSpacings = {"poisson", "fixed", "one-by-one"};

struct LoadOptions {
  std::string url;       // http://host:port
  double rate = 100;     // intents a second
  double seconds = 10;   // measured
  double warm_up_s = 2;  // before them, at the same rate
  std::size_t connections = 16;
  std::size_t ws_clients = 1;  // each hears every event
  Spacing spacing = Spacing::kPoisson;
  std::uint64_t seed = 1;
  double drain_s = 30;                 // how long the last ones are waited for
  std::vector<std::string> bodies;     // of POST /intents, taken at random
  std::function<void()> on_measuring;  // the warm-up is over
};

struct LoadOutcome {
  /// By intent id: when it was due, and when it ended.
  struct Intent {
    std::int64_t due_ns = 0;
    std::int64_t answered_ns = 0;
    std::int64_t ended_ns = 0;  // 0: not within the drain
    std::string ended_with;     // topic
    bool measured = false;      // not of the warm-up
  };
  std::unordered_map<std::string, Intent> intents;  // acknowledged
  std::map<unsigned, std::size_t> statuses;         // of the measured requests; 0: no answer
  std::map<std::string, std::size_t> endings;       // topics, of the measured intents
  Samples post;                                     // due -> 201
  Samples answered;                                 // written -> 201, 429 or another answer
  Samples completed;                                // due -> exec.completed at the first stream client
  std::int64_t started_ns = 0;                      // the first measured one was due
  std::int64_t ended_ns = 0;                        // the last measured one ended
  std::size_t sent = 0;
  std::size_t dropped_streams =
      0;  // times that a stream client was too slow and began again behind what it had
  std::size_t largest_backlog = 0;  // due and waiting for a free connection
  /// Of each stream client: global sequence -> when it was there. At most kMostReceived in all.
  std::vector<std::vector<std::pair<std::uint64_t, std::int64_t>>> received;
  /// Completed within the measured time, a second: what came out while the load lasted.
  double goodput = 0;
};

inline constexpr std::size_t kMostReceived = 8'000'000;

/// NOT_READY where the platform cannot be reached.
Result<LoadOutcome> run_load(const LoadOptions& options);

}  // namespace sep::app
