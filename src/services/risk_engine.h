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

 private:
  RiskEngine(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings,
             std::shared_ptr<MarketView> market);
  Task<json::object> evaluate(json::object question);
  Result<Uint256> notional(const engine::Intent& intent) const;

  std::shared_ptr<bus::Bus> bus_;
  engine::Settings settings_;
  std::shared_ptr<MarketView> market_;
  RecordClient record_;
  bus::Subscription requests_;
};

}  // namespace sep::services
