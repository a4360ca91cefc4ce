#include "engine/pool_book.h"

#include <algorithm>

namespace sep::engine {

void PoolBook::refresh(const MarketState& market, const ChainSettings& chain,
                       std::span<const Address> changed) {
  if (changed.empty()) return;
  auto usable = market.usable_pools();
  if (usable != pools_) {
    *this = PoolBook(std::move(usable), chain);
    return;
  }
  for (const auto* pool : pools_)
    if (std::ranges::find(changed, pool->state().address) != changed.end()) graph.refresh(*pool);
  // Which pools are the deepest may be another thing now.
  valuation = Valuation(chain, pools_);
}

}  // namespace sep::engine
