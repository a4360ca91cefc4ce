#pragma once
// The pools of one state of the market that may be priced, made ready to be asked: what every plan, quote and
// valuation needs of them and none should have to find again.
//
// Invariant: a book points into the market state that it was made of, whose pools must stay where they are
// and as they are. It is made anew when `MarketState::pools_revision` changes.
#include <vector>

#include "engine/market_state.h"
#include "engine/settings.h"
#include "engine/valuation.h"
#include "uniswap/pool.h"
#include "uniswap/pool_graph.h"

namespace sep::engine {

struct PoolBook {
  uniswap::PoolGraph graph;
  Valuation valuation;

  /// Of no pools.
  PoolBook() = default;
  PoolBook(const MarketState& market, const ChainSettings& chain) : PoolBook(market.usable_pools(), chain) {}
  PoolBook(const std::vector<const uniswap::Pool*>& pools, const ChainSettings& chain)
      : graph(pools), valuation(chain, pools) {}
};

}  // namespace sep::engine
