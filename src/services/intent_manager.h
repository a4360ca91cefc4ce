#pragma once
// The intent manager: takes a submitted intent through the risk engine, ends those whose time window passes
// or whose owner cancels before an execution has begun.
//
// Invariants:
//  1. An input is acknowledged only when its own event is on the record, or somebody else's made it
//  pointless.
//  2. What has an execution under way is the orchestrator's to end.
#include <memory>

#include "bus/bus.h"
#include "engine/settings.h"
#include "gateway/metrics.h"
#include "services/record_client.h"

namespace sep::services {

class IntentManager {
 public:
  /// On the bus's executor. BUS_UNAVAILABLE.
  static Task<Result<std::unique_ptr<IntentManager>>> start(std::shared_ptr<bus::Bus> bus,
                                                            const engine::RiskSettings& limits,
                                                            gateway::Metrics& metrics);
  ~IntentManager();

 private:
  class Impl;
  explicit IntentManager(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
