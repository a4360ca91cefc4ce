#pragma once
// All pools of one market as a graph: tokens are its nodes, a pool an edge either way, with bounds on what a
// swap along it can give at best.
//
// The graph points to the pools and does not own them: whoever holds a market's pools holds the graph beside
// them. The pools must stay where they are and as they are; after a pool changed in place, refresh() it
// before the next search. It is made anew when pools come, go or move. Searches do not change it: many
// threads may search one graph.
//
// Invariants
//  1. Pools and tokens are numbered in the order of their addresses, so that nothing that is decided on a
//     graph depends on the order that the pools came in. Of pools with one address one counts.
//  2. No quote of a pool is better than its bounds (swap_bounds), to the last unit.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "uniswap/magnitude.h"
#include "uniswap/pool.h"

namespace sep::uniswap {

/// How good a swap through a pool in one direction can be. With all liquidity as deep as the deepest range on
/// its way, a pool gives 1/out = 1/(rate · in) + 1/depth_out: no quote gives more, whatever ticks it crosses,
/// nor more than the pool holds. In the reciprocals of the amounts the first is a line, so a path's bound
/// takes one multiplication and one addition a hop.
struct SwapBounds {
  Magnitude rate;               // out for one of in at the spot price after the fee, rounded up
  Magnitude inverse_rate;       // rounded down
  Magnitude inverse_depth_out;  // 1 / what would come out of an endless input; rounded down
  Magnitude inverse_depth_in;   // inverse_depth_out · rate; rounded down
  Magnitude inverse_held;       // 1 / what the pool gives when it gives everything; rounded down
  bool possible = false;        // false: nothing can be swapped this way

  /// At most 1/out of any exact input, given at most 1/in.
  Magnitude least_inverse_out(const Magnitude& inverse_in) const {
    return std::max(
        add(multiply(inverse_in, inverse_rate, Rounding::kDown), inverse_depth_out, Rounding::kDown),
        inverse_held);
  }
  /// At least 1/in of any exact output, given at least 1/out above zero; zero where it is more than the pool
  /// can give.
  Magnitude most_inverse_in(const Magnitude& inverse_out) const {
    if (inverse_out < inverse_held) return {};
    return subtract_up(multiply(inverse_out, rate, Rounding::kUp), inverse_depth_in);
  }
};

class PoolGraph {
 public:
  /// A pool seen from one of its tokens.
  struct Edge {
    std::uint32_t token = 0;  // the other one
    std::uint32_t pool = 0;
    std::uint32_t twin = 0;                        // the same pool seen from the other token
    Direction direction = Direction::kZeroForOne;  // of a swap that takes this token and gives the other
  };
  /// A range of edges, by index.
  struct Edges {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool empty() const { return begin == end; }
  };

  PoolGraph() = default;
  explicit PoolGraph(std::span<const Pool* const> pools);

  /// Reads anew what depends on a pool's price and liquidity. A pool that is not in the graph changes
  /// nothing.
  void refresh(const Pool& pool);

  std::uint32_t pool_count() const { return static_cast<std::uint32_t>(pools_.size()); }
  std::uint32_t token_count() const { return static_cast<std::uint32_t>(tokens_.size()); }
  const Pool& pool(std::uint32_t index) const { return *pools_[index]; }
  const Address& token(std::uint32_t index) const { return tokens_[index]; }
  std::optional<std::uint32_t> find_token(const Address& token) const;

  /// All pools of a token, in the order of the other token and then of the pool.
  Edges edges_of(std::uint32_t token) const { return {first_edge_[token], first_edge_[token + 1]}; }
  const Edge& edge(std::uint32_t index) const { return edges_[index]; }
  /// From `begin` on, the pools to the same other token.
  Edges parallel_edges(std::uint32_t begin, std::uint32_t end) const;
  const SwapBounds& swap_bounds(std::uint32_t pool, Direction direction) const {
    return bounds_[2 * pool + static_cast<std::uint32_t>(direction)];
  }

 private:
  void refresh(std::uint32_t index);

  std::vector<const Pool*> pools_;         // by address
  std::vector<Address> tokens_;            // ascending
  std::vector<std::uint32_t> first_edge_;  // by token, and the number of all at the end
  std::vector<Edge> edges_;
  std::vector<SwapBounds> bounds_;  // two a pool, in Direction's order
};

/// The bounds of a pool in one direction.
SwapBounds bounds_of(const Pool& pool, Direction direction);

/// What a pool gives for one more of what goes in at this price (its square root times 2^96, above 0), after
/// the fee.
Magnitude rate_at(const Uint256& sqrt_price_x96, std::uint32_t fee_pips, Direction direction,
                  Rounding rounding);

}  // namespace sep::uniswap
