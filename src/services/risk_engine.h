#pragma once
// The risk engine: answers `risk.evaluate` by engine/risk.h on the market's present state.
#include <memory>

#include "bus/bus.h"
#include "engine/settings.h"
#include "services/market_view.h"
#include "services/record_client.h"

namespace sep::services {

class RiskEngine {
 public:
  /// On the bus's executor. BUS_UNAVAILABLE.
  static Result<std::unique_ptr<RiskEngine>> start(std::shared_ptr<bus::Bus> bus,
                                                   const engine::Settings& settings,
                                                   std::shared_ptr<MarketView> market);
  ~RiskEngine();

 private:
  class Impl;
  explicit RiskEngine(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
