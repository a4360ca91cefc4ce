#pragma once
// Whose turn it is to drive an account: the lease on it, and, while that is held, a place in the work queue
// of plans. The executor's thread owns it.
//
// Invariant: a term is one unbroken time in which this process holds the lease. What was begun in one term is
// not gone on with in another.
#include <cstdint>
#include <functional>
#include <memory>

#include "base/log.h"
#include "bus/bus.h"
#include "ethereum/address.h"
#include "gateway/metrics.h"
#include "services/lease.h"

namespace sep::services {

class AccountTurn : public std::enable_shared_from_this<AccountTurn> {
 public:
  struct Calls {
    std::function<void()> begin{};  // a term begins
    std::function<void()> cease{};  // it has ended; also at stop()
    bus::WorkHandler plan{};        // a message of plan.created, to be judged; also one only announced
  };
  /// `calls` are made on the bus's executor, and none after stop() but for plans that are being judged.
  AccountTurn(std::shared_ptr<bus::Bus> bus, std::uint64_t chain_id, const Address& account,
              gateway::Metrics& metrics, Calls calls);

  void start();
  void stop();

  /// Changes with every beginning and end.
  std::uint64_t term() const { return term_; }
  /// That term lasts still.
  bool holds(std::uint64_t term) const { return !stopping_ && term == term_ && lease_ && lease_->held(); }
  bool holds() const { return holds(term_); }

 private:
  void begin();
  void cease();
  Task<void> join_the_queue(std::uint64_t term);

  std::shared_ptr<bus::Bus> bus_;
  LeaseOptions options_;
  gateway::Metrics& metrics_;
  Calls calls_;
  Logger log_ = logger("turn");
  std::shared_ptr<Lease> lease_;
  bus::Subscription plans_;
  std::uint64_t term_ = 0;
  bool stopping_ = false;
};

}  // namespace sep::services
