#pragma once
// The execution planner: makes plans of accepted intents, and answers quotes, on the market's present state.
#include <memory>

#include "bus/bus.h"
#include "engine/settings.h"
#include "gateway/metrics.h"
#include "services/market_view.h"
#include "services/record_client.h"

namespace sep::services {

class ExecutionPlanner {
 public:
  /// On the bus's executor. BUS_UNAVAILABLE.
  static Task<Result<std::unique_ptr<ExecutionPlanner>>> start(std::shared_ptr<bus::Bus> bus,
                                                               const engine::Settings& settings,
                                                               std::shared_ptr<MarketView> market,
                                                               gateway::Metrics& metrics);
  ~ExecutionPlanner();

 private:
  class Impl;
  explicit ExecutionPlanner(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
