#pragma once
// A lease: of all processes that want it, one holds it; when it dies or stands still, another takes it over.
//
// Invariants:
//  1. Whoever holds it stops to, by its own clock, before anybody else can begin: a holder counts from when
//  it asked
//     for its renewal, the others from when they saw it.
//  2. It orders work, and does not make it safe: a process may stand still right after it looked. What must
//  not be
//     done twice is held by the record.
//  3. `lost` is called before the next `gained`.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "bus/bus.h"
#include "ethereum/address.h"
#include "services/async.h"

namespace sep::services {

/// This machine's name, as it gives it itself; empty where it has none.
std::string host_name();

/// The bucket of leases, and the key of the one on an account.
inline constexpr std::string_view kLeaseBucket = "leases";
std::string orchestrator_lease(std::uint64_t chain_id, const Address& account);

/// Which process holds a lease, as it says itself in the key's value.
struct LeaseHolder {
  std::string host;
  std::string pid;       // in its own namespace of processes
  std::string instance;  // differs for two that are one after the other the same process
};
/// Nothing where nobody holds it (an empty value: given back).
std::optional<LeaseHolder> lease_holder(std::string_view value);

struct LeaseOptions {
  std::string bucket{};
  std::string key{};
  std::chrono::milliseconds ttl{3'000};
  std::chrono::milliseconds renewal{1'000};
  std::chrono::milliseconds look{250};  // how often those who wait look
};

class Lease : public std::enable_shared_from_this<Lease> {
 public:
  Lease(std::shared_ptr<bus::Bus> bus, LeaseOptions options, std::function<void()> gained,
        std::function<void()> lost);

  /// Tries for it from now on, until stopped.
  void start();
  /// No callback comes any more. A lease that is held is given back, for another to take at once.
  void stop();
  /// By the clock: false from the moment on at which another may hold it.
  bool held();

 private:
  Task<void> run();
  Task<std::chrono::milliseconds> hold();
  Task<std::chrono::milliseconds> wait_for_turn();
  Task<void> take(std::uint64_t revision);
  void tell();

  std::shared_ptr<bus::Bus> bus_;
  LeaseOptions options_;
  std::function<void()> gained_, lost_;
  Logger log_;
  std::string holder_;
  bool stopping_ = false;
  bool holding_ = false;
  bool told_ = false;  // gained_ was called, lost_ not yet
  std::int64_t valid_until_ns_ = 0;
  std::uint64_t revision_ = 0;      // ours, or the last that was seen
  std::int64_t seen_since_ns_ = 0;  // that revision
};

}  // namespace sep::services
