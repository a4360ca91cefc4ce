#pragma once
// Signs of life: every process says once a second which services it runs, and whoever wants to know keeps
// what it heard.
//
// Entry points: Heartbeat::start() for a process; Attendance for a listener of subject::kServiceAlive.
//
// Invariants of an Attendance
//  1. Its memory is bounded: kMaxInstances, and nothing that was silent for kForgottenAfterMs.
//  2. An instance counts as running for kSilentAfterMs after it was last heard of, by the listener's own
//  clock.
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "bus/bus.h"

namespace sep::services {

/// The services that there are: what `sep serve --services` runs, and what a platform needs all of.
const std::vector<std::string>& service_names();

struct SignOfLife {
  std::string service;
  std::string instance;  // of the process: a ULID
  Timestamp started_at;  // of the service, by the process's clock
};

/// {"service", "instance", "started_at"}
json::object to_json(const SignOfLife& sign);
/// MALFORMED_JSON, MISSING_FIELD, WRONG_TYPE, INVALID_VALUE: a name that is empty or longer than 64
/// characters.
Result<SignOfLife> parse_sign_of_life(std::string_view text);

class Attendance {
 public:
  static constexpr std::int64_t kSilentAfterMs = 5'000;
  static constexpr std::int64_t kForgottenAfterMs = 600'000;
  static constexpr std::size_t kMaxInstances = 256;  // of all services together

  void heard(SignOfLife sign, Timestamp now);
  /// `services` of schema/api/status.schema.json: those of service_names() in that order, then others.
  json::array services(Timestamp now) const;

 private:
  struct Seen {
    Timestamp started_at;
    Timestamp last_seen;
  };
  void forget(Timestamp now);

  std::map<std::pair<std::string, std::string>, Seen> seen_;  // by service and instance
};

/// Publishes this process's signs of life until it is destroyed.
class Heartbeat {
 public:
  /// On the bus's executor.
  static std::unique_ptr<Heartbeat> start(std::shared_ptr<bus::Bus> bus);
  ~Heartbeat();
  /// This service runs from now on; said at once.
  void add(std::string service);

 private:
  class Impl;
  explicit Heartbeat(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
