#include "uniswap/path_search.h"

#include <algorithm>
#include <functional>

#include "base/decimal.h"

namespace sep::uniswap {
namespace {

constexpr Direction opposite(Direction direction) {
  return direction == Direction::kZeroForOne ? Direction::kOneForZero : Direction::kZeroForOne;
}

auto swap_in(const Pool& pool, Direction direction, Kind kind, const Uint256& amount) {
  return kind == Kind::kExactInput ? pool.quote_exact_input(direction, amount)
                                   : pool.quote_exact_output(direction, amount);
}

/// The other end's amount of one pool's swap; nothing where it cannot do all of it.
std::optional<PathQuote> quote_pool(const Pool& pool, Direction direction, Kind kind, const Uint256& amount) {
  const auto swap = pool.exchange(direction, kind, amount);
  if (!swap) return std::nullopt;
  return PathQuote{swap->other_amount,
                   kGasOfHop + kGasOfCrossedTick * swap->ticks_crossed + kGasOfStep * swap->steps};
}

/// The hop that comes k-th when one starts where the amount is known.
std::uint32_t hop_at(const PoolPath& path, Kind kind, std::uint32_t k) {
  return kind == Kind::kExactInput ? k : path.hops - 1 - k;
}

}  // namespace

Uint256 Objective::gas_cost(std::uint64_t gas) const {
  if (gas_unit_cost_wad.is_zero()) return {};
  const auto cost = mul_div(gas_unit_cost_wad, gas, kWad);
  return cost ? std::min(*cost, Uint256::pow2(254)) : Uint256::pow2(254);
}

Uint256 Objective::score(const Uint256& amount, std::uint64_t gas) const {
  const bool exact_input = kind == Kind::kExactInput;
  const Uint256 before_gas = exact_input ? Uint256::pow2(254) + amount : Uint256::pow2(255) - amount;
  return before_gas - gas_cost(gas);
}

std::optional<Uint256> Objective::amount_for(const Uint256& score, std::uint64_t gas) const {
  const Uint256 before_gas = score + gas_cost(gas);
  return kind == Kind::kExactInput ? checked_sub(before_gas, Uint256::pow2(254))
                                   : checked_sub(Uint256::pow2(255), before_gas);
}

std::optional<PathQuote> quote_path(const PoolGraph& graph, const PoolPath& path, Kind kind,
                                    const Uint256& amount) {
  return PathQuoter(graph, kind, amount).quote(path);
}

std::vector<SwapAtPrice> follow_path(const PoolGraph& graph, const PoolPath& path, Kind kind,
                                     const Uint256& amount) {
  std::vector<SwapAtPrice> swaps(path.hops);
  Uint256 next = amount;
  for (std::uint32_t k = 0; k < path.hops; ++k) {
    const std::uint32_t hop = hop_at(path, kind, k);
    const Pool& pool = graph.pool(path.pools[hop]);
    const Direction direction = path.directions[hop];
    const auto swap = swap_in(pool, direction, kind, next);
    SEP_ASSERT(swap && swap->complete);
    swaps[hop] = {pool.state().sqrt_price_x96, direction, *swap};
    next = kind == Kind::kExactInput ? swap->amount_out : swap->amount_in;
  }
  return swaps;
}

Magnitude rate_after(const PoolGraph& graph, const PoolPath& path, Kind kind, const Uint256& amount) {
  const auto swaps = follow_path(graph, path, kind, amount);
  Magnitude rate = Magnitude::one();
  for (std::uint32_t hop = 0; hop < path.hops; ++hop)
    rate =
        multiply(rate,
                 rate_at(swaps[hop].swap.sqrt_price_x96_after, graph.pool(path.pools[hop]).state().fee_pips,
                         path.directions[hop], Rounding::kDown),
                 Rounding::kDown);
  return rate;
}

std::optional<PathQuote> PathQuoter::quote(const PoolPath& path) {
  std::uint32_t k = 0;
  while (k < quoted_ && k < path.hops &&
         path.pools[hop_at(path, kind_, k)] == last_.pools[hop_at(last_, kind_, k)])
    ++k;
  last_ = path;
  quoted_ = k;
  while (quoted_ < path.hops && (quoted_ == 0 || so_far_[quoted_ - 1])) {
    const PathQuote before = quoted_ == 0 ? PathQuote{amount_, 0} : *so_far_[quoted_ - 1];
    const std::uint32_t hop = hop_at(path, kind_, quoted_);
    auto& after = so_far_[quoted_];
    after = quote_pool(graph_.pool(path.pools[hop]), path.directions[hop], kind_, before.amount);
    if (after) after->gas += before.gas;
    ++quoted_;
  }
  return so_far_[quoted_ - 1];
}

bool is_better(const FoundPath& a, const FoundPath& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.quote.gas != b.quote.gas) return a.quote.gas < b.quote.gas;
  if (a.fee_pips != b.fee_pips) return a.fee_pips < b.fee_pips;
  if (a.path.hops != b.path.hops) return a.path.hops < b.path.hops;
  return a.path.pools < b.path.pools;
}

PathSearch::PathSearch(const PoolGraph& graph, const Objective& objective, std::uint32_t token_in,
                       std::uint32_t token_out, std::uint32_t max_hops)
    : graph_(graph),
      objective_(objective),
      start_(objective.kind == Kind::kExactInput ? token_in : token_out),
      goal_(objective.kind == Kind::kExactInput ? token_out : token_in),
      max_hops_(max_hops),
      tails_(graph.token_count()) {
  SEP_ASSERT(token_in != token_out && max_hops >= 1 && max_hops <= kMaxHops);
  const auto for_each_group = [&](std::uint32_t token, auto take) {
    const auto all = graph_.edges_of(token);
    for (std::uint32_t begin = all.begin; begin != all.end;) {
      const auto parallel = graph_.parallel_edges(begin, all.end);
      take(graph_.edge(begin), parallel);
      begin = parallel.end;
    }
  };
  // The edges of a pair stand together on either side, in the order of their pools.
  for_each_group(goal_, [&](const PoolGraph::Edge& first, PoolGraph::Edges parallel) {
    tails_[first.token] = {first.twin, first.twin + (parallel.end - parallel.begin)};
  });
  if (max_hops_ > 1) {
    for_each_group(start_, [&](const PoolGraph::Edge& first, PoolGraph::Edges parallel) {
      if (first.token != goal_) groups_.push_back({first.token, parallel, {}, false});
    });
  }
}

bool PathSearch::connected() const {
  if (!tails_[start_].empty()) return true;
  for (const auto& group : groups_) {
    if (!tails_[group.token].empty()) return true;
    if (max_hops_ < 3) continue;
    const auto middles = graph_.edges_of(group.token);
    for (std::uint32_t edge = middles.begin; edge != middles.end; ++edge) {
      const std::uint32_t token = graph_.edge(edge).token;
      if (token != start_ && token != goal_ && !tails_[token].empty()) return true;
    }
  }
  return false;
}

Direction PathSearch::swap_direction(const PoolGraph::Edge& edge) const {
  return exact_input() ? edge.direction : opposite(edge.direction);
}

const SwapBounds& PathSearch::bounds(const PoolGraph::Edge& edge) const {
  return graph_.swap_bounds(edge.pool, swap_direction(edge));
}

bool PathSearch::usable(const PoolGraph::Edge& edge) const {
  return bounds(edge).possible && !(*excluded_)[edge.pool];
}

PathSearch::Weight PathSearch::weight_of(const Uint256& amount) const {
  if (amount.is_zero()) return worst_weight();
  return exact_input() ? Magnitude::of(amount, Rounding::kUp).inverse(Rounding::kDown)
                       : Magnitude::of(amount, Rounding::kDown).inverse(Rounding::kUp);
}

PathSearch::Weight PathSearch::advance(const PoolGraph::Edge& edge, const Weight& weight) const {
  if (exact_input()) return bounds(edge).least_inverse_out(weight);
  return weight.is_zero() ? weight : bounds(edge).most_inverse_in(weight);
}

PathSearch::Line PathSearch::extend(const Line& line, const SwapBounds& pool) const {
  constexpr auto kDown = Rounding::kDown;
  const Magnitude inverse_rate = multiply(line.inverse_rate, pool.inverse_rate, kDown);
  if (exact_input())
    return {inverse_rate,
            add(multiply(line.inverse_depth, pool.inverse_rate, kDown), pool.inverse_depth_out, kDown)};
  return {inverse_rate, add(line.inverse_depth, multiply(pool.inverse_depth_in, inverse_rate, kDown), kDown)};
}

/// out(in) - rate · in is at most (1 - sqrt(rate · inverse_rate))^2 / inverse_depth, and for an exact output
/// that divided by the rate. So it is above a gain where sqrt(p) + sqrt(q) < 1 for the p and q below, which
/// is p + q < 1 and 4 p q < (1 - p - q)^2.
bool PathSearch::exceeds(const Line& line, const Magnitude& rate, const Uint256& least_gain) const {
  constexpr auto kDown = Rounding::kDown;
  const Magnitude p = multiply(rate, line.inverse_rate, kDown);
  if (least_gain.is_zero() || line.inverse_depth.is_zero()) return p < Magnitude::one();
  Magnitude q = multiply(Magnitude::of(least_gain, kDown), line.inverse_depth, kDown);
  if (!exact_input()) q = multiply(q, rate, kDown);
  const Magnitude left = subtract_up(Magnitude::one(), add(p, q, kDown));
  q.exponent += 2;
  return !left.is_zero() && multiply(p, q, kDown) < multiply(left, left, Rounding::kUp);
}

bool PathSearch::promises(const Margin& margin, const PoolPath& path) const {
  Line line;
  for (std::uint32_t k = 0; k < path.hops; ++k) {
    const std::uint32_t hop = hop_at(path, objective_.kind, k);
    line = extend(line, graph_.swap_bounds(path.pools[hop], path.directions[hop]));
  }
  return exceeds(line, margin.rate, margin.beside[path.hops - 1]);
}

bool PathSearch::any_promises(const Margin& margin) const {
  const PoolPath& single = margin.single.path;
  const auto promising = [&](std::initializer_list<const PoolGraph::Edge*> edges) {
    Line line;
    std::uint32_t common = 0;
    for (const auto* edge : edges) {
      line = extend(line, bounds(*edge));
      for (std::uint32_t hop = 0; hop < single.hops; ++hop)
        if (single.pools[hop] == edge->pool) ++common;
    }
    const auto hops = static_cast<std::uint32_t>(edges.size());
    if (common == 0) return exceeds(line, margin.rate, margin.beside[hops - 1]);
    const bool is_single = common == hops && common == single.hops;
    return !is_single && single.hops > 1 && exceeds(line, margin.rate, margin.instead[hops - 1]);
  };
  const auto any_of = [&](PoolGraph::Edges edges, auto visit) {
    for (std::uint32_t index = edges.begin; index != edges.end; ++index)
      if (const auto& edge = graph_.edge(index); bounds(edge).possible && visit(edge)) return true;
    return false;
  };
  const auto least_inverse_rate = [&](PoolGraph::Edges edges) {
    Magnitude least = Magnitude::infinite();
    any_of(edges, [&](const auto& edge) {
      least = std::min(least, bounds(edge).inverse_rate);
      return false;
    });
    return least;
  };

  if (any_of(tails_[start_], [&](const auto& edge) { return promising({&edge}); })) return true;
  // By token: what rate · inverse_rate of the way to it must be below for any way on to promise something.
  std::vector<Magnitude> limits(graph_.token_count());
  for (std::uint32_t token = 0; token < graph_.token_count(); ++token)
    if (!tails_[token].empty() && token != start_)
      limits[token] = least_inverse_rate(tails_[token]).inverse(Rounding::kUp);
  for (const auto& group : groups_) {
    const Magnitude first = multiply(margin.rate, least_inverse_rate(group.edges), Rounding::kDown);
    const auto any_head = [&](auto visit) { return any_of(group.edges, visit); };
    if (first < limits[group.token] && any_head([&](const auto& head) {
          return any_of(tails_[group.token], [&](const auto& tail) { return promising({&head, &tail}); });
        }))
      return true;
    if (max_hops_ < 3) continue;
    if (any_of(graph_.edges_of(group.token), [&](const auto& middle) {
          const Magnitude& limit = limits[middle.token];
          return !limit.is_zero() && multiply(first, bounds(middle).inverse_rate, Rounding::kDown) < limit &&
                 any_head([&](const auto& head) {
                   return any_of(tails_[middle.token],
                                 [&](const auto& tail) { return promising({&head, &middle, &tail}); });
                 });
        }))
      return true;
  }
  return false;
}

/// The worst weight that an edge may start from for what comes after it to reach the limit.
PathSearch::Weight PathSearch::retreat(const PoolGraph::Edge& edge, const Weight& limit) const {
  const SwapBounds& pool = bounds(edge);
  if (exact_input()) {
    const Magnitude rest =
        limit < pool.inverse_held ? Magnitude{} : subtract_up(limit, pool.inverse_depth_out);
    return rest.is_zero() ? rest : multiply(rest, pool.rate, Rounding::kUp);
  }
  return std::max(
      multiply(add(limit, pool.inverse_depth_in, Rounding::kDown), pool.inverse_rate, Rounding::kDown),
      pool.inverse_held);
}

std::optional<PathQuote> PathSearch::quote(const PoolGraph::Edge& edge, const Uint256& amount) const {
  return quote_pool(graph_.pool(edge.pool), swap_direction(edge), objective_.kind, amount);
}

std::vector<FoundPath> PathSearch::best(const Uint256& amount, std::size_t count,
                                        const std::vector<bool>& excluded) {
  const bool same_amount = amount == amount_;
  amount_ = amount;
  count_ = count;
  excluded_ = &excluded;
  more_is_better_ = count == 1 && objective_.gas_unit_cost_wad.is_zero();
  begin_with_known(same_amount);

  const Weight start = weight_of(amount);

  search_direct(start);
  if (max_hops_ > 1) {
    weigh_heads(start);
    collect_two_hops();
    explore(2);
  }
  if (max_hops_ > 2) {
    collect_three_hops();
    explore(3);
  }
  return found_;
}

/// What the search before found for the same amount still holds, where its pools may be used.
void PathSearch::begin_with_known(bool same_amount) {
  limits_.fill(worst_weight());
  const auto may_be_used = [&](const FoundPath& one) {
    return std::ranges::none_of(std::span(one.path.pools).first(one.path.hops),
                                [&](std::uint32_t pool) { return (*excluded_)[pool]; });
  };
  if (same_amount) {
    std::erase_if(found_, std::not_fn(may_be_used));
    if (found_.size() > count_) found_.resize(count_);
  } else {
    found_.clear();
    heads_.assign(heads_.size(), Head{});
  }
  if (found_.size() == count_) update_limits();
}

void PathSearch::search_direct(const Weight& start) {
  for (std::uint32_t index = tails_[start_].begin; index != tails_[start_].end; ++index) {
    const auto& edge = graph_.edge(index);
    if (!usable(edge) || !reaches(advance(edge, start), limits_[1])) continue;
    if (const auto result = quote(edge, amount_)) offer(std::array{index}, *result);
  }
}

void PathSearch::weigh_heads(const Weight& start) {
  const auto all = graph_.edges_of(start_);
  heads_.resize(all.end - all.begin);
  for (auto& group : groups_) {
    group.weight = worst_weight();
    group.usable = false;
    for (std::uint32_t index = group.edges.begin; index != group.edges.end; ++index) {
      const auto& edge = graph_.edge(index);
      Head& head = heads_[index - all.begin];
      head.usable = usable(edge) && (!head.quoted || head.quote);
      if (!head.usable) continue;
      if (!head.quoted) head.weight = advance(edge, start);
      if (!reaches(head.weight, worst_weight())) head.usable = false;
      if (!head.usable) continue;
      if (!group.usable || is_better_weight(head.weight, group.weight)) group.weight = head.weight;
      group.usable = true;
    }
  }
}

void PathSearch::collect_two_hops() {
  items_.clear();
  for (std::uint32_t index = 0; index < groups_.size(); ++index) {
    const HeadGroup& group = groups_[index];
    if (!group.usable) continue;
    const auto tails = tails_[group.token];
    for (std::uint32_t tail = tails.begin; tail != tails.end; ++tail) {
      const auto& edge = graph_.edge(tail);
      if (!usable(edge)) continue;
      const Weight bound = advance(edge, group.weight);
      if (reaches(bound, limits_[2])) items_.push_back({bound, index, kNone, tail});
    }
  }
}

void PathSearch::collect_three_hops() {
  items_.clear();
  const auto goal = graph_.edges_of(goal_);
  best_into_.assign(goal.end - goal.begin, Uint256());
  const bool any_limit = limits_[3] != worst_weight();
  needed_.assign(graph_.token_count(), worst_weight());
  std::vector<bool> open(graph_.token_count(), false);
  for (std::uint32_t token = 0; token < graph_.token_count(); ++token) {
    if (token == start_ || token == goal_) continue;
    bool any = false;
    for (std::uint32_t tail = tails_[token].begin; tail != tails_[token].end; ++tail) {
      const auto& edge = graph_.edge(tail);
      if (!usable(edge)) continue;
      if (any_limit) {
        const Weight needed = retreat(edge, limits_[3]);
        if (!any || is_better_weight(needed_[token], needed)) needed_[token] = needed;
      }
      any = true;
    }
    open[token] = any;
  }
  for (std::uint32_t index = 0; index < groups_.size(); ++index) {
    const HeadGroup& group = groups_[index];
    if (!group.usable) continue;
    const auto middles = graph_.edges_of(group.token);
    for (std::uint32_t middle = middles.begin; middle != middles.end; ++middle) {
      const auto& edge = graph_.edge(middle);
      if (!open[edge.token] || !usable(edge)) continue;
      const Weight second = advance(edge, group.weight);
      if (!reaches(second, needed_[edge.token])) continue;
      Weight bound = worst_weight();
      for (std::uint32_t tail = tails_[edge.token].begin; tail != tails_[edge.token].end; ++tail) {
        if (!usable(graph_.edge(tail))) continue;
        const Weight third = advance(graph_.edge(tail), second);
        if (is_better_weight(third, bound)) bound = third;
      }
      if (reaches(bound, limits_[3])) items_.push_back({bound, index, middle, kNone});
    }
  }
}

void PathSearch::explore(std::uint32_t hops) {
  const auto worse = [&](const Item& a, const Item& b) { return is_better_weight(b.bound, a.bound); };
  std::ranges::make_heap(items_, worse);
  while (!items_.empty()) {
    std::ranges::pop_heap(items_, worse);
    const Item item = items_.back();
    items_.pop_back();
    if (!reaches(item.bound, limits_[hops])) return;
    hops == 2 ? explore_two(item) : explore_three(item);
  }
}

template <class Promises>
void PathSearch::quote_heads(const HeadGroup& group, Promises promises) {
  heads_of_item_.clear();
  for (std::uint32_t index = group.edges.begin; index != group.edges.end; ++index) {
    Head& one = head(index);
    if (!one.usable || !promises(one.weight)) continue;
    if (!one.quoted) {
      one.quoted = true;
      one.quote = quote(graph_.edge(index), amount_);
      if (one.quote) one.weight = weight_of(one.quote->amount);
    }
    if (one.quote && promises(one.weight)) heads_of_item_.push_back(index);
  }
  std::ranges::sort(heads_of_item_, [&](std::uint32_t a, std::uint32_t b) {
    const Uint256& amount_a = head(a).quote->amount;
    const Uint256& amount_b = head(b).quote->amount;
    return amount_a != amount_b ? is_worse_amount(amount_b, amount_a) : a < b;
  });
}

void PathSearch::explore_two(const Item& item) {
  const auto& tail = graph_.edge(item.tail);
  const auto promises = [&](const Weight& first) { return reaches(advance(tail, first), limits_[2]); };
  quote_heads(groups_[item.group], promises);
  for (const std::uint32_t index : heads_of_item_) {
    const PathQuote& first = *head(index).quote;
    if (!promises(head(index).weight)) continue;
    const auto second = quote(tail, first.amount);
    if (!second) continue;
    offer(std::array{index, item.tail}, {second->amount, first.gas + second->gas});
    if (more_is_better_) return;
  }
}

void PathSearch::explore_three(const Item& item) {
  const auto& middle = graph_.edge(item.middle);
  const auto tails = tails_[middle.token];
  const auto promises_over = [&](const Weight& second, std::uint32_t tail) {
    const auto& edge = graph_.edge(tail);
    return usable(edge) && reaches(advance(edge, second), limits_[3]);
  };
  quote_heads(groups_[item.group], [&](const Weight& first) {
    const Weight second = advance(middle, first);
    for (std::uint32_t tail = tails.begin; tail != tails.end; ++tail)
      if (promises_over(second, tail)) return true;
    return false;
  });
  for (const std::uint32_t index : heads_of_item_) {
    const PathQuote& first = *head(index).quote;
    const auto second = quote(middle, first.amount);
    if (!second) continue;
    const Weight weight = weight_of(second->amount);
    bool any_refused = false;
    for (std::uint32_t tail = tails.begin; tail != tails.end; ++tail) {
      const auto& edge = graph_.edge(tail);
      if (!promises_over(weight, tail)) continue;
      Uint256& best_into = best_into_[edge.twin - graph_.edges_of(goal_).begin];
      if (more_is_better_ && !best_into.is_zero() && is_worse_amount(second->amount, best_into)) continue;
      const auto third = quote(edge, second->amount);
      if (!third) {
        any_refused = true;
        continue;
      }
      if (best_into.is_zero() || is_worse_amount(best_into, second->amount)) best_into = second->amount;
      offer(std::array{index, item.middle, tail}, {third->amount, first.gas + second->gas + third->gas});
    }
    if (more_is_better_ && !any_refused) return;
  }
}

void PathSearch::offer(std::span<const std::uint32_t> edges, const PathQuote& quote) {
  FoundPath path;
  path.quote = quote;
  path.score = objective_.score(quote.amount, kGasOfTransaction + quote.gas);
  path.path.hops = static_cast<std::uint32_t>(edges.size());
  for (std::uint32_t k = 0; k < edges.size(); ++k) {
    const auto& edge = graph_.edge(edges[k]);
    const std::uint32_t hop = hop_at(path.path, objective_.kind, k);
    path.path.pools[hop] = edge.pool;
    path.path.directions[hop] = swap_direction(edge);
    path.fee_pips += graph_.pool(edge.pool).state().fee_pips;
  }
  if (found_.size() == count_ && !is_better(path, found_.back())) return;
  if (std::ranges::find(found_, path.path, &FoundPath::path) != found_.end()) return;  // known from the start
  if (found_.size() == count_) found_.pop_back();
  found_.insert(std::ranges::upper_bound(found_, path, is_better), path);
  if (found_.size() == count_) update_limits();
}

void PathSearch::update_limits() {
  for (std::uint32_t hops = 1; hops <= max_hops_; ++hops) {
    // At least this gas: every hop takes a step.
    const auto amount =
        objective_.amount_for(found_.back().score, kGasOfTransaction + hops * (kGasOfHop + kGasOfStep));
    if (exact_input())
      limits_[hops] = amount && !amount->is_zero()
                          ? Magnitude::of(*amount, Rounding::kDown).inverse(Rounding::kUp)
                          : worst_weight();
    else
      limits_[hops] = amount && !amount->is_zero()
                          ? Magnitude::of(*amount, Rounding::kUp).inverse(Rounding::kDown)
                          : Magnitude::infinite();
  }
}

}  // namespace sep::uniswap
