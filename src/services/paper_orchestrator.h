#pragma once
// Execution on paper: what is planned is filled at the native quote of the present market, without a
// transaction, and the account's balances are kept by adding up. For trying strategies at live prices, and
// for measuring the platform without a chain.
//
// Invariants:
//  1. A fill is one append: exec.started, exec.step_filled and exec.completed together, or nothing. The
//  record decides
//     between two that fill the same plan; what is heard again is filled already.
//  2. The balances are the configured ones and all fills of the record. After any doubt about an append they
//  are read
//     from it anew before anything else is filled.
//  3. A fill holds the plan's bound, as the router would; a price beyond it fails the intent.
#include <memory>

#include "bus/bus.h"
#include "engine/settings.h"
#include "gateway/metrics.h"
#include "services/market_view.h"

namespace sep::services {

class PaperOrchestrator {
 public:
  /// On the bus's executor; joins the work in the background. BUS_UNAVAILABLE.
  static Result<std::unique_ptr<PaperOrchestrator>> start(std::shared_ptr<bus::Bus> bus,
                                                          const engine::Settings& settings,
                                                          std::shared_ptr<MarketView> market,
                                                          gateway::Metrics& metrics);
  /// On the executor.
  ~PaperOrchestrator();

 private:
  class Impl;
  explicit PaperOrchestrator(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
