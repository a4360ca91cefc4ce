#include "uniswap/pool_graph.h"

#include <algorithm>
#include <tuple>

namespace sep::uniswap {
namespace {

constexpr auto kUp = Rounding::kUp;
constexpr auto kDown = Rounding::kDown;

constexpr Rounding opposite(Rounding rounding) {
  return rounding == kUp ? kDown : kUp;
}

/// A pool's liquidity, below 2^128 over all prices, is at most 2^192 of either token.
constexpr Uint256 kMoreThanAnyPool = Uint256::pow2(254);

/// The deepest range from the price downwards, or upwards.
u128 deepest_liquidity(const PoolState& state, Direction direction) {
  u128 deepest = state.liquidity;
  u128 liquidity = state.liquidity;
  const auto above = std::ranges::upper_bound(state.ticks, state.tick, {}, &TickInfo::tick);
  // The sum of an unsigned value and a negative one wraps to what the contract's checked sum gives.
  if (direction == Direction::kZeroForOne) {
    for (auto tick = above; tick != state.ticks.begin();) {
      --tick;
      liquidity -= static_cast<u128>(tick->liquidity_net);
      deepest = std::max(deepest, liquidity);
    }
  } else {
    for (auto tick = above; tick != state.ticks.end(); ++tick) {
      liquidity += static_cast<u128>(tick->liquidity_net);
      deepest = std::max(deepest, liquidity);
    }
  }
  return deepest;
}

/// sqrt_price / 2^96.
Magnitude sqrt_price(const Uint256& sqrt_price_x96, Rounding rounding) {
  Magnitude price = Magnitude::of(sqrt_price_x96, rounding);
  price.exponent -= 96;
  return price;
}

Magnitude share_after_fee(std::uint32_t fee_pips, Rounding rounding) {
  return multiply(Magnitude::of(kFeeUnit - fee_pips, rounding),
                  Magnitude::of(kFeeUnit, rounding).inverse(rounding), rounding);
}

}  // namespace

SwapBounds bounds_of(const Pool& pool, Direction direction) {
  const PoolState& state = pool.state();
  const u128 deepest = deepest_liquidity(state, direction);
  if (!pool.initialized() || deepest == 0) return {};
  const auto everything = pool.quote_exact_output(direction, kMoreThanAnyPool);
  if (!everything || everything->amount_out.is_zero()) return {};
  const Magnitude price_up = sqrt_price(state.sqrt_price_x96, kUp);
  const Magnitude price_down = sqrt_price(state.sqrt_price_x96, kDown);
  const Magnitude inverse_liquidity = Magnitude::of(deepest, kUp).inverse(kDown);
  const Magnitude kept_down = share_after_fee(state.fee_pips, kDown);

  // At constant liquidity L and root s of the price the pool holds L / s of token0 and L · s of token1.
  SwapBounds bounds;
  bounds.possible = true;
  bounds.rate = rate_at(state.sqrt_price_x96, state.fee_pips, direction, kUp);
  if (direction == Direction::kZeroForOne) {
    bounds.inverse_depth_out = multiply(inverse_liquidity, price_up.inverse(kDown), kDown);
    bounds.inverse_depth_in = multiply(multiply(price_down, kept_down, kDown), inverse_liquidity, kDown);
  } else {
    bounds.inverse_depth_out = multiply(price_down, inverse_liquidity, kDown);
    bounds.inverse_depth_in =
        multiply(multiply(price_up.inverse(kDown), kept_down, kDown), inverse_liquidity, kDown);
  }
  bounds.inverse_rate = bounds.rate.inverse(kDown);
  bounds.inverse_held = Magnitude::of(everything->amount_out, kUp).inverse(kDown);
  return bounds;
}

Magnitude rate_at(const Uint256& sqrt_price_x96, std::uint32_t fee_pips, Direction direction,
                  Rounding rounding) {
  const Magnitude root = direction == Direction::kZeroForOne
                             ? sqrt_price(sqrt_price_x96, rounding)
                             : sqrt_price(sqrt_price_x96, opposite(rounding)).inverse(rounding);
  return multiply(multiply(root, root, rounding), share_after_fee(fee_pips, rounding), rounding);
}

PoolGraph::PoolGraph(std::span<const Pool* const> pools) : pools_(pools.begin(), pools.end()) {
  const auto address = [](const Pool* pool) -> const Address& { return pool->state().address; };
  std::ranges::sort(pools_, {}, address);
  const auto repeated = std::ranges::unique(pools_, {}, address);
  pools_.erase(repeated.begin(), repeated.end());

  tokens_.reserve(2 * pools_.size());
  for (const Pool* pool : pools_) {
    tokens_.push_back(pool->state().token0);
    tokens_.push_back(pool->state().token1);
  }
  std::ranges::sort(tokens_);
  const auto same = std::ranges::unique(tokens_);
  tokens_.erase(same.begin(), same.end());

  struct Seen {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::uint32_t pool = 0;
    Direction direction = Direction::kZeroForOne;
  };
  std::vector<Seen> seen;
  seen.reserve(2 * pools_.size());
  for (std::uint32_t index = 0; index < pools_.size(); ++index) {
    const PoolState& state = pools_[index]->state();
    const std::uint32_t token0 = *find_token(state.token0);
    const std::uint32_t token1 = *find_token(state.token1);
    seen.push_back({token0, token1, index, Direction::kZeroForOne});
    seen.push_back({token1, token0, index, Direction::kOneForZero});
  }
  std::ranges::sort(seen, {}, [](const Seen& one) { return std::tuple(one.from, one.to, one.pool); });

  first_edge_.assign(tokens_.size() + 1, 0);
  edges_.reserve(seen.size());
  std::vector<std::uint32_t> earlier(pools_.size(), ~0U);  // the edge of the pool that was made before
  for (std::uint32_t index = 0; index < seen.size(); ++index) {
    const Seen& one = seen[index];
    ++first_edge_[one.from + 1];
    edges_.push_back({one.to, one.pool, earlier[one.pool], one.direction});
    if (earlier[one.pool] == ~0U)
      earlier[one.pool] = index;
    else
      edges_[earlier[one.pool]].twin = index;
  }
  for (std::size_t token = 0; token < tokens_.size(); ++token) first_edge_[token + 1] += first_edge_[token];

  bounds_.resize(2 * pools_.size());
  for (std::uint32_t index = 0; index < pools_.size(); ++index) refresh(index);
}

void PoolGraph::refresh(std::uint32_t index) {
  for (const auto direction : {Direction::kZeroForOne, Direction::kOneForZero})
    bounds_[2 * index + static_cast<std::uint32_t>(direction)] = bounds_of(*pools_[index], direction);
}

void PoolGraph::refresh(const Pool& pool) {
  const auto found =
      std::ranges::lower_bound(pools_, pool.state().address, {},
                               [](const Pool* one) -> const Address& { return one->state().address; });
  if (found != pools_.end() && *found == &pool) refresh(static_cast<std::uint32_t>(found - pools_.begin()));
}

std::optional<std::uint32_t> PoolGraph::find_token(const Address& token) const {
  const auto found = std::ranges::lower_bound(tokens_, token);
  if (found == tokens_.end() || *found != token) return std::nullopt;
  return static_cast<std::uint32_t>(found - tokens_.begin());
}

PoolGraph::Edges PoolGraph::parallel_edges(std::uint32_t begin, std::uint32_t end) const {
  std::uint32_t last = begin;
  while (last != end && edges_[last].token == edges_[begin].token) ++last;
  return {begin, last};
}

}  // namespace sep::uniswap
