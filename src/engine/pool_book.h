#pragma once
// The pools of one state of the market that may be priced, made ready to be asked: what every plan, quote and
// valuation needs of them and none should have to find again.
//
// Invariant: a book points into the market state that it was made of, whose pools must stay where they are
// and as they are; after an update of that state it is refreshed before it is asked again.
#include <span>
#include <utility>
#include <vector>

#include "engine/market_state.h"
#include "engine/settings.h"
#include "engine/valuation.h"
#include "uniswap/pool.h"
#include "uniswap/pool_graph.h"

namespace sep::engine {

class PoolBook {
 public:
  /// Of no pools.
  PoolBook() = default;
  PoolBook(const MarketState& market, const ChainSettings& chain) : PoolBook(market.usable_pools(), chain) {}
  PoolBook(std::vector<const uniswap::Pool*> pools, const ChainSettings& chain)
      : graph(pools), valuation(chain, pools), pools_(std::move(pools)) {}

  /// The market's pools at these addresses changed. Where others may be priced than before, or they moved in
  /// memory, all is made anew; otherwise the graph costs what the changed pools cost.
  void refresh(const MarketState& market, const ChainSettings& chain, std::span<const Address> changed);

  uniswap::PoolGraph graph;
  Valuation valuation;

 private:
  std::vector<const uniswap::Pool*> pools_;
};

}  // namespace sep::engine
