#pragma once
// A venue: where a swap is priced and what transaction makes it happen. The pure half of the adapter; handing
// the transaction to the node and waiting for its receipt are the orchestrator's.
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/plan.h"
#include "engine/pool_book.h"
#include "engine/settings.h"
#include "uniswap/router.h"

namespace sep::engine {

/// What a transaction calls.
struct ContractCall {
  Address to;
  Bytes data;
};

class VenueAdapter {
 public:
  virtual ~VenueAdapter() = default;
  virtual std::string_view venue() const = 0;
  virtual std::string_view chain() const = 0;

  /// The best price at the present cost of gas. SAME_ASSET, NO_ROUTE, INSUFFICIENT_LIQUIDITY.
  virtual Result<uniswap::Route> price_quote(const uniswap::QuoteRequest& request,
                                             const PoolBook& pools) const = 0;
  /// The call that swaps as the step says: its bound and deadline are held on chain.
  virtual ContractCall build_swap_tx(const SwapStep& step) const = 0;
};

/// Uniswap V3 through SwapRouter02 (swap-router-contracts 1.3.1): one call for each path of the swap, inside
/// multicall(uint256 deadline, bytes[]), which carries the deadline and does all of them or none.
class UniswapV3Venue final : public VenueAdapter {
 public:
  /// `max_gas_limit`: of one transaction. Where the best route would need more, the best of fewer paths and
  /// then of fewer pools that does not is quoted, if there is one.
  explicit UniswapV3Venue(std::string chain_name,
                          std::uint64_t max_gas_limit = std::numeric_limits<std::uint64_t>::max())
      : chain_(std::move(chain_name)), max_gas_limit_(max_gas_limit) {}
  std::string_view venue() const override { return "uniswap_v3"; }
  std::string_view chain() const override { return chain_; }
  Result<uniswap::Route> price_quote(const uniswap::QuoteRequest& request,
                                     const PoolBook& pools) const override;
  ContractCall build_swap_tx(const SwapStep& step) const override;

 private:
  std::string chain_;
  std::uint64_t max_gas_limit_;
};

/// The pools' word for a kind of swap.
uniswap::Kind pools_kind(SwapKind kind);

/// The call of any step of a plan.
ContractCall call_of(const PlanStep& step, const VenueAdapter& venue);

}  // namespace sep::engine
