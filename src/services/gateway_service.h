#pragma once
// The gateway: the HTTP API and the event stream on top of bus, record and read models.
//
// Invariants:
//  1. 201 is answered only when intent.submitted is committed; an intent once answered is always found: what
//  Redis
//     does not have (yet) is read from the record.
//  2. The stream's feed is the EVENTS stream; its past is the record.
#include <filesystem>
#include <functional>
#include <memory>

#include "bus/bus.h"
#include "engine/settings.h"
#include "gateway/server.h"
#include "services/market_view.h"
#include "services/record_client.h"

namespace sep::services {

struct GatewayOptions {
  std::filesystem::path pages{};  // the folder of gateway/pages.h; empty: none
  std::size_t max_connections = gateway::ServerOptions{}.max_connections;
  /// Asked before each wait for the record, on the bus's executor; empty: it is waited for as long as it
  /// takes.
  std::function<bool()> keep_on{};
};

class GatewayService {
 public:
  /// On the bus's executor; waits for the record, then binds. CONFIGURATION where the address cannot be
  /// bound, NOT_READY where `keep_on` ended the wait.
  static Task<Result<std::unique_ptr<GatewayService>>> start(std::shared_ptr<bus::Bus> bus,
                                                             const engine::Settings& settings,
                                                             std::shared_ptr<MarketView> market,
                                                             gateway::Metrics& metrics,
                                                             GatewayOptions options);
  ~GatewayService();

  std::uint16_t port() const;
  /// Lets requests under way finish.
  Task<void> stop();

 private:
  class Impl;
  explicit GatewayService(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
