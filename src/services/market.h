#pragma once
// The market service: keeps every configured pool, and the signer's balances, as of the chain's head, and
// publishes each change.
//
// Invariants:
//  1. Everything is read at, and followed from, one block hash. A head that does not continue from the last
//  one (a
//     reorganisation, a gap too long to walk) makes everything be read anew.
//  2. Every Swap log is computed anew; a pool that disagrees is quarantined until the state is read anew.
//  3. A block is taken whole or not at all.
//  4. An update goes out at least once a second while the node confirms the block, and none while it does
//  not, or
//     has a newer one that cannot be read: what is published is never older than it says.
#include <memory>
#include <optional>

#include "bus/bus.h"
#include "engine/settings.h"
#include "gateway/metrics.h"

namespace sep::services {

class Market {
 public:
  /// On the bus's executor; loads in the background and goes on trying. `account` is the signer's; none on
  /// paper, whose account is heard of (services/paper_account.h).
  /// BUS_UNAVAILABLE.
  static Result<std::unique_ptr<Market>> start(std::shared_ptr<bus::Bus> bus,
                                               const engine::Settings& settings,
                                               std::optional<Address> account, gateway::Metrics& metrics);
  ~Market();

 private:
  class Impl;
  explicit Market(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
