#pragma once
// The best single paths of up to three pools between two tokens, by branch and bound over a PoolGraph.
//
// Invariants
//  1. Every amount that is compared is a quote of Pool; bounds only decide what need not be quoted.
//  2. A path visits no token twice.
//  3. The answer does not depend on the order of the search: paths are ordered by what is left after gas,
//  then
//     less gas, then the lower sum of fees, then the lower addresses in the order of the swap.
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "uniswap/pool_graph.h"
#include "uniswap/price.h"

namespace sep::uniswap {

inline constexpr std::uint32_t kMaxHops = 3;

/// What a transaction's gas is made of; the route's estimate is the sum. Fitted by least squares to random
/// routes of 1 to 4 paths of 1 to 3 pools through SwapRouter02 (tests/integration/route_test.cpp prints the
/// samples): a step reads one cold word of the bitmap, a crossing writes the tick's slots.
inline constexpr std::uint64_t kGasOfTransaction = 45'000;
inline constexpr std::uint64_t kGasOfHop = 59'000;
inline constexpr std::uint64_t kGasOfCrossedTick = 37'000;
inline constexpr std::uint64_t kGasOfStep = 4'500;
inline constexpr std::uint64_t kGasOfFurtherPath = 3'500;

/// What a search maximises.
struct Objective {
  Kind kind = Kind::kExactInput;
  Uint256 gas_unit_cost_wad{};  // QuoteRequest

  /// Base units of the counted token (token_out of an exact input, token_in of an exact output), rounded
  /// down; at most 2^254.
  Uint256 gas_cost(std::uint64_t gas) const;
  /// Higher is better: 2^254 + amount_out - gas cost, or 2^255 - amount_in - gas cost; not below 0. `amount`
  /// is the counted token's, below 2^254.
  Uint256 score(const Uint256& amount, std::uint64_t gas) const;
  /// The amount that, with this gas, has just this score; nothing where none has.
  std::optional<Uint256> amount_for(const Uint256& score, std::uint64_t gas) const;
};

/// Pools in the order of the swap.
struct PoolPath {
  std::array<std::uint32_t, kMaxHops> pools{};
  std::array<Direction, kMaxHops> directions{};
  std::uint32_t hops = 0;

  bool operator==(const PoolPath&) const = default;
};

struct PathQuote {
  Uint256 amount;         // what comes out of the last pool, or must go into the first
  std::uint64_t gas = 0;  // of the hops alone
};

/// Nothing where some pool cannot do the whole amount.
std::optional<PathQuote> quote_path(const PoolGraph& graph, const PoolPath& path, Kind kind,
                                    const Uint256& amount);

/// The swaps of a path in the order of the swap, of an amount that was quoted before: each can be done.
std::vector<SwapAtPrice> follow_path(const PoolGraph& graph, const PoolPath& path, Kind kind,
                                     const Uint256& amount);

/// What one more of the path's first token would give of its last one, after a swap of `amount` that it can
/// do; rounded down.
Magnitude rate_after(const PoolGraph& graph, const PoolPath& path, Kind kind, const Uint256& amount);

/// quote_path of one path after the other for one amount: what begins as the last one did is not quoted
/// again.
class PathQuoter {
 public:
  PathQuoter(const PoolGraph& graph, Kind kind, const Uint256& amount)
      : graph_(graph), kind_(kind), amount_(amount) {}
  std::optional<PathQuote> quote(const PoolPath& path);

 private:
  const PoolGraph& graph_;
  const Kind kind_;
  const Uint256 amount_;
  PoolPath last_;
  std::uint32_t quoted_ = 0;                               // hops of the last one
  std::array<std::optional<PathQuote>, kMaxHops> so_far_;  // by hop, from where the amount is known
};

struct FoundPath {
  PoolPath path;
  PathQuote quote;
  Uint256 score;  // of a transaction with this path alone
  std::uint64_t fee_pips = 0;
};

/// Invariant 3.
bool is_better(const FoundPath& a, const FoundPath& b);

class PathSearch {
 public:
  /// Tokens of the graph, not the same; max_hops from 1 to kMaxHops. The graph stays as it is while this
  /// lives.
  PathSearch(const PoolGraph& graph, const Objective& objective, std::uint32_t token_in,
             std::uint32_t token_out, std::uint32_t max_hops);

  /// Whether any path leads from one to the other, whatever it can do.
  bool connected() const;

  /// What a path must be better than to be of use beside, or instead of, the best single one.
  struct Margin {
    FoundPath single;
    Magnitude rate;  // of token_out for one of token_in, above 0
    /// By how much it must be better, for some amount, than that amount is worth at the rate: base units of
    /// the counted token (Objective), by the number of hops - 1. Of paths that share no pool with the single
    /// one, and of those that do.
    std::array<Uint256, kMaxHops> beside;
    std::array<Uint256, kMaxHops> instead;
  };
  /// Whether any other path may do that, by its bounds: no, only where none does. A single path of one hop
  /// has no other ones instead of it: all that share its pool are that path.
  bool any_promises(const Margin& margin) const;
  /// Whether this one may be better by what a path beside the single one must.
  bool promises(const Margin& margin, const PoolPath& path) const;

  /// The best `count` paths for the whole amount (above 0, below 2^255), best first; fewer where there are
  /// not so many. `excluded`, by pool: not to be used. What was found and quoted for the same amount just
  /// before is not searched for again.
  std::vector<FoundPath> best(const Uint256& amount, std::size_t count, const std::vector<bool>& excluded);

 private:
  /// How far a bound says that one can get, as the reciprocal of an amount: of what comes out, rounded down
  /// (exact input: less is better), or of what must go in, rounded up (exact output: more is better).
  using Weight = Magnitude;

  /// A path's bound for all amounts: 1/out = inverse_rate / in + inverse_depth, both rounded down (exact
  /// input), or the same turned around, 1/in = (1/out - inverse_depth) / inverse_rate, where this
  /// inverse_depth is of token_in and times the rate (exact output).
  struct Line {
    Magnitude inverse_rate = Magnitude::one();
    Magnitude inverse_depth{};
  };

  struct Head {  // an edge of the start
    Weight weight;
    bool usable = false;
    bool quoted = false;
    std::optional<PathQuote> quote;
  };
  struct HeadGroup {  // the edges of the start to one token
    std::uint32_t token = 0;
    PoolGraph::Edges edges;
    Weight weight;  // the best of them
    bool usable = false;
  };
  struct Item {  // a way that may be worth quoting
    Weight bound;
    std::uint32_t group = 0;
    std::uint32_t middle = 0;  // an edge, or kNone
    std::uint32_t tail = 0;    // an edge of a path of two hops, or kNone: any from the middle's token
  };
  static constexpr std::uint32_t kNone = ~0U;

  bool exact_input() const { return objective_.kind == Kind::kExactInput; }
  Direction swap_direction(const PoolGraph::Edge& edge) const;
  const SwapBounds& bounds(const PoolGraph::Edge& edge) const;
  bool usable(const PoolGraph::Edge& edge) const;
  Weight weight_of(const Uint256& amount) const;
  Weight advance(const PoolGraph::Edge& edge, const Weight& weight) const;
  Line extend(const Line& line, const SwapBounds& pool) const;
  bool exceeds(const Line& line, const Magnitude& rate, const Uint256& least_gain) const;
  Weight retreat(const PoolGraph::Edge& edge, const Weight& limit) const;
  Weight worst_weight() const { return exact_input() ? Magnitude::infinite() : Magnitude{}; }
  bool is_better_weight(const Weight& a, const Weight& b) const { return exact_input() ? a < b : a > b; }
  bool reaches(const Weight& weight, const Weight& limit) const {
    return exact_input() ? weight <= limit : weight >= limit && !weight.is_zero();
  }
  bool is_worse_amount(const Uint256& a, const Uint256& b) const { return exact_input() ? a < b : a > b; }

  std::optional<PathQuote> quote(const PoolGraph::Edge& edge, const Uint256& amount) const;
  Head& head(std::uint32_t edge) { return heads_[edge - graph_.edges_of(start_).begin]; }
  /// Quotes the edges of a group that `promises` something with their weight, and again with what was quoted;
  /// into heads_of_item_, the best amount first.
  template <class Promises>
  void quote_heads(const HeadGroup& group, Promises promises);
  void begin_with_known(bool same_amount);
  void search_direct(const Weight& start);
  void weigh_heads(const Weight& start);
  void collect_two_hops();
  void collect_three_hops();
  void explore(std::uint32_t hops);
  void explore_two(const Item& item);
  void explore_three(const Item& item);
  void offer(std::span<const std::uint32_t> edges, const PathQuote& quote);
  void update_limits();

  const PoolGraph& graph_;
  const Objective objective_;
  const std::uint32_t start_;  // where the amount is known
  const std::uint32_t goal_;
  const std::uint32_t max_hops_;
  std::vector<PoolGraph::Edges> tails_;  // by token: the edges from it to the goal
  std::vector<HeadGroup> groups_;

  // Of one search.
  const std::vector<bool>* excluded_ = nullptr;
  Uint256 amount_;
  std::size_t count_ = 0;
  /// With one path wanted and gas not counted, less at a token on the way is less at the end, unless the next
  /// pool cannot take the more.
  bool more_is_better_ = false;
  std::vector<FoundPath> found_;
  std::array<Weight, kMaxHops + 1> limits_{};  // by the number of hops: what a path must reach
  std::vector<Head> heads_;                    // by edge of the start
  std::vector<Item> items_;                    // a heap
  std::vector<Weight> needed_;                 // by token
  std::vector<std::uint32_t> heads_of_item_;   // edges
  std::vector<Uint256> best_into_;  // by edge of the goal: the best amount that its pool could take; 0: none
};

}  // namespace sep::uniswap
