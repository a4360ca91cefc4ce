#pragma once
// The platform's side of a measured run: what its processes recorded of it (services/measuring.h), gathered.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "app/bench_samples.h"
#include "base/result.h"

namespace sep::app {

struct TraceData {
  std::size_t processes = 0;
  bool this_machine = true;                  // instants may be held against those of this process
  std::map<std::string, Samples> durations;  // by stage
  std::unordered_map<std::string, std::int64_t> received;  // intent id -> POST came in
  std::unordered_map<std::string, std::int64_t> handed;    // intent id -> first handed to the venue
  std::map<std::uint64_t, std::pair<std::uint64_t, std::int64_t>>
      commits;  // first global -> events, committed at

  /// When the event was committed.
  std::optional<std::int64_t> committed_at(std::uint64_t global_sequence) const;
};

/// A connection to the platform's processes.
class TraceClient {
 public:
  static Result<std::unique_ptr<TraceClient>> connect(const std::string& nats_url);
  ~TraceClient();
  /// Every process records from now on, for at most `seconds`. May be called from any thread.
  void begin(unsigned seconds);
  /// Ends it everywhere and reads everything.
  Result<TraceData> end();

 private:
  class Impl;
  explicit TraceClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sep::app
