#pragma once
// A service's own copy of the market, kept by what the market service publishes.
//
// Invariant: the copy is the state of one revision, whole. After a gap, a reconnection or a start it is
// fetched anew; until then check_fresh() tells that it is stale.
#include <memory>

#include "bus/bus.h"
#include "engine/market_state.h"
#include "engine/pool_book.h"
#include "engine/settings.h"

namespace sep::services {

namespace asio = boost::asio;

class MarketView {
 public:
  /// On the bus's executor; the first copy comes as soon as the market service answers.
  static Result<std::shared_ptr<MarketView>> start(std::shared_ptr<bus::Bus> bus,
                                                   const engine::ChainSettings& chain);
  ~MarketView();

  const engine::MarketState& state() const;
  /// Of that state; until the next suspension.
  const engine::PoolBook& pools() const;
  /// Waits up to two seconds for a fresh state: what was queued while a part started again goes on as soon as
  /// the market is heard of again. STALE_MARKET where it is not by then.
  asio::awaitable<Status> settle(const engine::MarketSettings& settings);

 private:
  class Impl;
  explicit MarketView(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
