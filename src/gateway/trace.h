#pragma once
// What happened when in this process, to the nanosecond, while somebody measures: `sep bench` begins it, ends
// it and reads it (services/measuring.h). Otherwise it records nothing and costs one atomic read a call.
//
// Invariants
//  1. Thread-safe throughout.
//  2. It ends by itself: after the time that begin() was given, and a series after kMostEntries.
//  3. Instants are of the monotonic clock, which all processes of one machine share.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace sep::gateway {

/// Series of instants. Those of durations have the names of the stages (gateway/metrics.h).
namespace series {
inline constexpr std::string_view kReceived = "received";  // POST /intents came in; key: the intent's id
inline constexpr std::string_view kHanded = "handed";      // handed to the venue; key: the intent's id
inline constexpr std::string_view kCommitted =
    "committed";  // key: first global sequence; `count` events with it
}  // namespace series

class Trace {
 public:
  static constexpr std::size_t kMostEntries = 1'000'000;  // of one series; about 60 MB

  /// Forgets what there was, and records from here on for at most `bound`.
  void begin(std::chrono::seconds bound);
  void end() { until_ns_ = 0; }
  bool on() const {
    const auto until = until_ns_.load(std::memory_order_relaxed);
    return until != 0 && monotonic_ns() < until;
  }

  /// A duration, or an instant with its key. Does nothing while off.
  void record(std::string_view name, std::int64_t ns, std::string_view key = {}, std::uint64_t count = 1) {
    if (on()) keep(name, ns, key, count);
  }

  /// {"<series>": number of entries}
  json::object sizes() const;
  /// Entries from `from` on, at most `limit`: numbers where they have no key, else [ns, key, count].
  json::array read(std::string_view name, std::size_t from, std::size_t limit) const;

 private:
  struct Entry {
    std::int64_t ns;
    std::string key;
    std::uint64_t count;
  };

  void keep(std::string_view name, std::int64_t ns, std::string_view key, std::uint64_t count);

  std::atomic<std::int64_t> until_ns_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Entry>, std::less<>> series_;
};

}  // namespace sep::gateway
