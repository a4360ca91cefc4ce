#include "uniswap/router.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "uniswap/path_search.h"
#include "uniswap/price.h"
#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

const Uint256 kWadUnit = pow10(18);

Address token_address(std::uint8_t id) {
  Address address;
  address.bytes[0] = 0x10;
  address.bytes[19] = id;
  return address;
}

Address pool_address(std::uint16_t id) {
  Address address;
  address.bytes[0] = 0xa0;
  address.bytes[18] = static_cast<std::uint8_t>(id >> 8);
  address.bytes[19] = static_cast<std::uint8_t>(id);
  return address;
}

constexpr std::pair<std::uint32_t, std::int32_t> kTiers[] = {{100, 1}, {500, 10}, {3000, 60}, {10000, 200}};

PoolState bare_pool(std::uint16_t id, std::uint8_t token_a, std::uint8_t token_b, std::size_t tier) {
  PoolState state;
  state.address = pool_address(id);
  state.token0 = token_address(std::min(token_a, token_b));
  state.token1 = token_address(std::max(token_a, token_b));
  state.fee_pips = kTiers[tier].first;
  state.tick_spacing = kTiers[tier].second;
  return state;
}

// --- Random markets

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::int64_t uniform(std::int64_t low, std::int64_t high) {  // both included
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine_); }
  template <class T>
  void shuffle(std::vector<T>& values) {
    std::ranges::shuffle(values, engine_);
  }

 private:
  std::mt19937_64 engine_;
};

Uint256 from_real(double value) {
  if (value < 1) return 1;
  int exponent = 0;
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(std::frexp(value, &exponent), 53));
  return exponent >= 53 ? Uint256(mantissa) << static_cast<unsigned>(exponent - 53)
                        : Uint256(mantissa) >> static_cast<unsigned>(53 - exponent);
}

struct Market {
  std::vector<Pool> pools;
  std::vector<double> values;  // of a base unit of each token

  std::vector<const Pool*> pointers() const {
    std::vector<const Pool*> all;
    for (const auto& pool : pools) all.push_back(&pool);
    return all;
  }
};

/// Pools whose prices agree but for some noise: deep and thin ones, over the whole range or in few ticks.
Market random_market(Random& random, int tokens, int pools) {
  Market market;
  for (int i = 0; i < tokens; ++i) market.values.push_back(std::exp2(random.real(-12, 12)));
  const double noise = random.uniform(0, 2) == 0 ? 0.3 : 0.004;
  for (int i = 0; i < pools; ++i) {
    const auto a = static_cast<std::uint8_t>(random.uniform(0, tokens - 1));
    const auto b = static_cast<std::uint8_t>((a + random.uniform(1, tokens - 1)) % tokens);
    const auto tier = static_cast<std::size_t>(random.uniform(0, 3));
    Pool pool =
        Pool::create(bare_pool(static_cast<std::uint16_t>(random.uniform(0, 1'000) * 64 + i), a, b, tier))
            .value();
    const std::int32_t spacing = pool.state().tick_spacing;
    const double price = market.values[std::min(a, b)] / market.values[std::max(a, b)];
    const auto tick =
        static_cast<std::int32_t>(std::log(price * (1 + random.real(-noise, noise))) / std::log(1.0001));
    EXPECT_TRUE(pool.initialize(sqrt_ratio_at_tick(tick) + random.uniform(0, 1'000'000)));
    const double depth = std::pow(10, random.real(17, 22)) / std::sqrt(market.values[a] * market.values[b]);
    const auto positions = random.uniform(1, 5);
    for (int k = 0; k < positions; ++k) {
      const std::int32_t center = tick / spacing;
      const std::int32_t reach =
          std::array{2, 20, 200, 80'000 / spacing}[static_cast<std::size_t>(random.uniform(0, 3))];
      const std::int32_t away = k == 0 ? 0 : static_cast<std::int32_t>(random.uniform(-reach, reach));
      const std::int32_t half = static_cast<std::int32_t>(random.uniform(1, reach));
      const std::int32_t limit = kMaxTick / spacing;
      EXPECT_TRUE(pool.apply_mint(std::clamp(center + away - half, -limit, limit - 1) * spacing,
                                  std::clamp(center + away + half, 1 - limit, limit) * spacing,
                                  from_real(depth * std::pow(10, random.real(-2, 0))).to_u128()));
    }
    market.pools.push_back(std::move(pool));
  }
  return market;
}

QuoteRequest random_request(Random& random, const Market& market, bool with_gas) {
  const auto tokens = static_cast<std::int64_t>(market.values.size());
  const auto in = static_cast<std::uint8_t>(random.uniform(0, tokens - 1));
  const auto out = static_cast<std::uint8_t>((in + random.uniform(1, tokens - 1)) % tokens);
  QuoteRequest request;
  request.token_in = token_address(in);
  request.token_out = token_address(out);
  request.kind = random.uniform(0, 1) == 0 ? Kind::kExactInput : Kind::kExactOutput;
  const bool exact_input = request.kind == Kind::kExactInput;
  const double value = std::pow(10, random.real(14, 21));
  request.amount = from_real(value / market.values[exact_input ? in : out]);
  // From nothing that matters to some percent a hop.
  if (with_gas)
    request.gas_unit_cost_wad = from_real(value / market.values[exact_input ? out : in] *
                                          std::pow(10, random.real(-10, -6.5)) * 1e18);
  return request;
}

// --- Exhaustive search, with nothing but Pool

struct Swap {
  const Pool* pool;
  Direction direction;
};
using Way = std::vector<Swap>;

void all_ways(const Market& market, const Address& at, const Address& to, std::size_t hops, Way& way,
              std::set<Address>& visited, std::vector<Way>& ways) {
  if (at == to) {
    ways.push_back(way);
    return;
  }
  if (hops == 0) return;
  for (const auto& pool : market.pools)
    for (const auto direction : {Direction::kZeroForOne, Direction::kOneForZero}) {
      if (pool.token_in(direction) != at || visited.contains(pool.token_out(direction))) continue;
      way.push_back({&pool, direction});
      visited.insert(pool.token_out(direction));
      all_ways(market, pool.token_out(direction), to, hops - 1, way, visited, ways);
      visited.erase(pool.token_out(direction));
      way.pop_back();
    }
}

std::vector<Way> all_ways(const Market& market, const QuoteRequest& request, std::size_t hops) {
  std::vector<Way> ways;
  Way way;
  std::set<Address> visited{request.token_in};
  all_ways(market, request.token_in, request.token_out, hops, way, visited, ways);
  return ways;
}

struct Outcome {
  Uint256 amount;  // the other end's
  std::uint64_t gas = 0;
};

/// What a way gives or takes, and the gas of its hops.
std::optional<Outcome> follow(const Way& way, Kind kind, const Uint256& amount) {
  Outcome outcome{amount, 0};
  for (std::size_t k = 0; k < way.size(); ++k) {
    const auto& [pool, direction] = way[kind == Kind::kExactInput ? k : way.size() - 1 - k];
    const auto swap = kind == Kind::kExactInput ? pool->quote_exact_input(direction, outcome.amount)
                                                : pool->quote_exact_output(direction, outcome.amount);
    if (!swap || !swap->complete) return std::nullopt;
    outcome.amount = kind == Kind::kExactInput ? swap->amount_out : swap->amount_in;
    outcome.gas += kGasOfHop + kGasOfCrossedTick * swap->ticks_crossed + kGasOfStep * swap->steps;
  }
  return outcome;
}

/// What is left (exact input), or minus what is paid (exact output), after the gas of the whole transaction.
/// Comparable; exact as long as it fits 255 bits.
struct Net {
  bool negative = false;
  Uint256 size;

  std::strong_ordering operator<=>(const Net& other) const {
    if (negative != other.negative)
      return negative ? std::strong_ordering::less : std::strong_ordering::greater;
    return negative ? other.size <=> size : size <=> other.size;
  }
  bool operator==(const Net&) const = default;
};

Net net_of(const QuoteRequest& request, const Uint256& amount, std::uint64_t gas) {
  const Uint256 cost = request.gas_unit_cost_wad * gas / kWadUnit;
  if (request.kind == Kind::kExactOutput) return {true, amount + cost};
  return amount >= cost ? Net{false, amount - cost} : Net{true, cost - amount};
}

Net net_of(const QuoteRequest& request, const Route& route) {
  return net_of(request, request.kind == Kind::kExactInput ? route.amount_out : route.amount_in,
                route.gas_estimate);
}

std::optional<Net> best_single(const std::vector<Way>& ways, const QuoteRequest& request) {
  std::optional<Net> best;
  for (const auto& way : ways) {
    const auto outcome = follow(way, request.kind, request.amount);
    if (!outcome) continue;
    const Net net = net_of(request, outcome->amount, kGasOfTransaction + outcome->gas);
    if (!best || net > *best) best = net;
  }
  return best;
}

std::ostream& operator<<(std::ostream& out, const Net& net) {
  return out << (net.negative ? "-" : "") << to_string(net.size);
}

// --- What every route must be

void expect_sound(const Market& market, const QuoteRequest& request, const Route& route,
                  const RouteLimits& limits) {
  ASSERT_FALSE(route.paths.empty());
  EXPECT_LE(route.paths.size(), limits.max_paths);
  std::map<Address, const Pool*> by_address;
  for (const auto& pool : market.pools) by_address[pool.state().address] = &pool;
  std::set<Address> used;
  Uint256 amount_in;
  Uint256 amount_out;
  std::uint64_t gas = kGasOfTransaction + (route.paths.size() - 1) * kGasOfFurtherPath;
  for (const auto& path : route.paths) {
    ASSERT_FALSE(path.hops.empty());
    EXPECT_LE(path.hops.size(), limits.max_hops);
    EXPECT_EQ(path.hops.front().token_in, request.token_in);
    EXPECT_EQ(path.hops.back().token_out, request.token_out);
    std::set<Address> visited{request.token_in};
    Way way;
    for (std::size_t i = 0; i < path.hops.size(); ++i) {
      const Hop& hop = path.hops[i];
      EXPECT_TRUE(used.insert(hop.pool).second) << "a pool is used twice";
      EXPECT_TRUE(visited.insert(hop.token_out).second) << "a token is visited twice";
      if (i > 0) EXPECT_EQ(hop.token_in, path.hops[i - 1].token_out);
      const Pool* pool = by_address.at(hop.pool);
      const auto direction =
          hop.token_in == pool->state().token0 ? Direction::kZeroForOne : Direction::kOneForZero;
      EXPECT_EQ(pool->token_in(direction), hop.token_in);
      EXPECT_EQ(pool->token_out(direction), hop.token_out);
      EXPECT_EQ(hop.fee_pips, pool->state().fee_pips);
      EXPECT_EQ(hop.sqrt_price_x96_before, pool->state().sqrt_price_x96);
      way.push_back({pool, direction});
    }
    const bool exact_input = request.kind == Kind::kExactInput;
    Uint256 amount = exact_input ? path.amount_in : path.amount_out;
    EXPECT_FALSE(amount.is_zero());
    const auto outcome = follow(way, request.kind, amount);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->amount, exact_input ? path.amount_out : path.amount_in);
    gas += outcome->gas;
    // Hop by hop in the order of the search, for the prices that each leaves.
    for (std::size_t k = 0; k < way.size(); ++k) {
      const std::size_t i = exact_input ? k : way.size() - 1 - k;
      const auto swap = exact_input ? way[i].pool->quote_exact_input(way[i].direction, amount)
                                    : way[i].pool->quote_exact_output(way[i].direction, amount);
      EXPECT_EQ(path.hops[i].sqrt_price_x96_after, swap->sqrt_price_x96_after);
      EXPECT_EQ(path.hops[i].ticks_crossed, way[i].pool->quoter_ticks_crossed(swap->tick_after));
      amount = exact_input ? swap->amount_out : swap->amount_in;
    }
    amount_in += path.amount_in;
    amount_out += path.amount_out;
  }
  EXPECT_EQ(route.amount_in, amount_in);
  EXPECT_EQ(route.amount_out, amount_out);
  EXPECT_EQ(request.kind == Kind::kExactInput ? amount_in : amount_out, request.amount);
  EXPECT_EQ(route.gas_estimate, gas);
  EXPECT_LE(route.price_impact_wad, kWadUnit);
}

/// Markets, seeds from 1 on, or one given in SEP_SEED.
template <class Test>
void for_each_seed(int count, Test test) {
  if (const char* one = std::getenv("SEP_SEED")) {
    test(std::strtoull(one, nullptr, 10));
    return;
  }
  for (int seed = 1; seed <= count && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE("SEP_SEED=" + std::to_string(seed));
    test(static_cast<std::uint64_t>(seed));
  }
}

TEST(BestRoute, OfOnePathIsThatOfExhaustiveSearch) {
  std::map<std::size_t, int> by_hops;
  const auto compare = [&](Random& random, const Market& market, const PoolGraph& graph, bool with_gas) {
    const QuoteRequest request = random_request(random, market, with_gas);
    for (std::uint32_t hops = 1; hops <= 3; ++hops) {
      const RouteLimits limits{.max_hops = hops, .max_paths = 1};
      const auto ways = all_ways(market, request, hops);
      const auto best = best_single(ways, request);
      const auto route = best_route(graph, request, limits);
      if (!best) {
        ASSERT_FALSE(route);
        EXPECT_EQ(route.error().code, ways.empty() ? errc::kNoRoute : errc::kInsufficientLiquidity);
        continue;
      }
      ASSERT_TRUE(route) << route.error().detail;
      EXPECT_EQ(net_of(request, *route), *best) << hops << " hops";
      expect_sound(market, request, *route, limits);
      if (hops == 3) ++by_hops[route->paths[0].hops.size()];
    }
  };
  for_each_seed(400, [&](std::uint64_t seed) {
    Random random(seed);
    const bool large = seed % 10 == 0;
    const Market market =
        random_market(random, static_cast<int>(large ? random.uniform(8, 12) : random.uniform(4, 6)),
                      static_cast<int>(large ? random.uniform(30, 40) : random.uniform(4, 12)));
    const PoolGraph graph(market.pointers());
    for (int i = 0; i < 6; ++i) compare(random, market, graph, i % 2 == 1);
  });
  for (const auto& [hops, count] : by_hops) std::cout << count << " best paths of " << hops << " hops\n";
}

/// Random questions to random markets, for two tokens that both trade; every other one counts gas.
template <class Test>
void for_each_question(int seeds, int tokens, int pools, Test test) {
  for_each_seed(seeds, [&](std::uint64_t seed) {
    Random random(seed);
    const Market market = random_market(random, tokens, pools);
    const PoolGraph graph(market.pointers());
    const QuoteRequest request = random_request(random, market, seed % 2 == 0);
    const auto token_in = graph.find_token(request.token_in);
    const auto token_out = graph.find_token(request.token_out);
    if (token_in && token_out) test(random, market, graph, request, *token_in, *token_out);
  });
}

TEST(PathSearch, FindsTheBestPathsInOrderWithoutTheExcludedPools) {
  for_each_question(
      150, 5, 12,
      [](Random& random, const Market& market, const PoolGraph& graph, const QuoteRequest& request,
         std::uint32_t token_in, std::uint32_t token_out) {
        std::vector<bool> excluded(graph.pool_count(), false);
        std::set<const Pool*> left_out;
        for (int i = 0; i < 2; ++i) {
          const auto index = static_cast<std::uint32_t>(random.uniform(0, graph.pool_count() - 1));
          excluded[index] = true;
          left_out.insert(&graph.pool(index));
        }
        std::vector<Net> expected;
        for (const auto& way : all_ways(market, request, 3)) {
          if (std::ranges::any_of(way, [&](const Swap& swap) { return left_out.contains(swap.pool); }))
            continue;
          if (const auto outcome = follow(way, request.kind, request.amount))
            expected.push_back(net_of(request, outcome->amount, kGasOfTransaction + outcome->gas));
        }
        std::ranges::sort(expected, std::greater<>());
        if (expected.size() > 7) expected.erase(expected.begin() + 7, expected.end());
        PathSearch search(graph, {request.kind, request.gas_unit_cost_wad}, token_in, token_out, 3);
        const auto found = search.best(request.amount, 7, excluded);
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i)
          EXPECT_EQ(net_of(request, found[i].quote.amount, kGasOfTransaction + found[i].quote.gas),
                    expected[i]);
      });
}

TEST(PathSearch, WhatWasFoundBeforeChangesNoAnswer) {
  for_each_question(
      150, 5, 12,
      [](Random& random, const Market&, const PoolGraph& graph, const QuoteRequest& request,
         std::uint32_t token_in, std::uint32_t token_out) {
        const Objective objective{request.kind, request.gas_unit_cost_wad};
        PathSearch search(graph, objective, token_in, token_out, 3);
        for (int i = 0; i < 6; ++i) {
          const Uint256 amount = random.uniform(0, 3) == 0 ? request.amount / 4 + 1 : request.amount;
          const auto count = static_cast<std::size_t>(random.uniform(1, 8));
          std::vector<bool> excluded(graph.pool_count(), false);
          for (int k = 0; k < i % 4; ++k) excluded[random.uniform(0, graph.pool_count() - 1)] = true;
          const auto found = search.best(amount, count, excluded);
          const auto fresh =
              PathSearch(graph, objective, token_in, token_out, 3).best(amount, count, excluded);
          ASSERT_EQ(found.size(), fresh.size());
          for (std::size_t k = 0; k < found.size(); ++k) {
            EXPECT_EQ(found[k].path, fresh[k].path);
            EXPECT_EQ(found[k].score, fresh[k].score);
          }
        }
      });
}

// --- Splits

/// The best division over any set of paths that share no pool: every set on a grid of 64 parts, and the best
/// eight of them moved in ever smaller parts.
class ExhaustiveSplit {
 public:
  ExhaustiveSplit(const Market& market, const QuoteRequest& request, const RouteLimits& limits)
      : request_(request), limits_(limits), ways_(all_ways(market, request, limits.max_hops)) {
    for (const auto& way : ways_) {
      auto& row = grid_.emplace_back(1, Outcome{});
      for (std::uint64_t part = 1; part <= kParts; ++part) {
        const auto outcome = follow(way, request.kind, *mul_div(request.amount, part, kParts));
        if (!outcome) break;
        row.push_back(*outcome);
      }
    }
  }

  std::size_t ways() const { return ways_.size(); }

  std::optional<Net> best() {
    std::vector<std::size_t> set;
    grow(set, 0);
    std::ranges::sort(sets_, [](const auto& a, const auto& b) { return a.net > b.net; });
    if (sets_.size() > 8) sets_.resize(8);
    std::optional<Net> best;
    for (const auto& one : sets_)
      if (const Net net = refine(one); !best || net > *best) best = net;
    return best;
  }

 private:
  static constexpr std::uint64_t kParts = 64;
  struct Set {
    std::vector<std::size_t> ways;
    std::vector<std::uint64_t> parts;
    Net net;
  };

  void grow(std::vector<std::size_t>& set, std::size_t from) {
    if (!set.empty()) weigh(set);
    if (set.size() == limits_.max_paths) return;
    for (std::size_t i = from; i < ways_.size(); ++i) {
      const bool meets = std::ranges::any_of(set, [&](std::size_t k) {
        return std::ranges::any_of(ways_[i], [&](const Swap& a) {
          return std::ranges::any_of(ways_[k], [&](const Swap& b) { return a.pool == b.pool; });
        });
      });
      if (meets) continue;
      set.push_back(i);
      grow(set, i + 1);
      set.pop_back();
    }
  }

  bool less_is_better() const { return request_.kind == Kind::kExactOutput; }

  /// Part by part to whom it is worth most: right where marginal worth falls.
  void weigh(const std::vector<std::size_t>& set) {
    std::vector<std::uint64_t> parts(set.size(), 0);
    for (std::uint64_t given = 0; given < kParts; ++given) {
      std::optional<std::size_t> best;
      Uint256 best_step;
      for (std::size_t i = 0; i < set.size(); ++i) {
        const auto& row = grid_[set[i]];
        if (parts[i] + 1 >= row.size()) continue;
        const Uint256 step = row[parts[i] + 1].amount - row[parts[i]].amount;
        if (best && (less_is_better() ? step >= best_step : step <= best_step)) continue;
        best = i;
        best_step = step;
      }
      if (!best) return;
      ++parts[*best];
    }
    Uint256 amount;
    std::uint64_t gas = kGasOfTransaction + (set.size() - 1) * kGasOfFurtherPath;
    for (std::size_t i = 0; i < set.size(); ++i) {
      if (parts[i] == 0) return;  // the smaller set is weighed on its own
      amount += grid_[set[i]][parts[i]].amount;
      gas += grid_[set[i]][parts[i]].gas;
    }
    sets_.push_back({set, parts, net_of(request_, amount, gas)});
  }

  Net refine(const Set& set) const {
    std::vector<Uint256> shares;
    Uint256 left = request_.amount;
    for (std::size_t i = 0; i < set.ways.size(); ++i) {
      shares.push_back(*mul_div(request_.amount, set.parts[i], kParts));
      left -= shares.back();
    }
    shares[0] += left;
    const auto value = [&](const std::vector<Uint256>& amounts) -> std::optional<Net> {
      Uint256 amount;
      std::uint64_t gas = kGasOfTransaction + (amounts.size() - 1) * kGasOfFurtherPath;
      for (std::size_t i = 0; i < amounts.size(); ++i) {
        const auto outcome = follow(ways_[set.ways[i]], request_.kind, amounts[i]);
        if (!outcome) return std::nullopt;
        amount += outcome->amount;
        gas += outcome->gas;
      }
      return net_of(request_, amount, gas);
    };
    Net best = set.net;
    if (const auto net = value(shares)) best = *net;
    for (Uint256 part = request_.amount >> 5; part > request_.amount >> 16; part = part >> 1)
      for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t from = 0; from < shares.size(); ++from)
          for (std::size_t to = 0; to < shares.size(); ++to) {
            if (from == to || shares[from] <= part) continue;
            auto next = shares;
            next[from] -= part;
            next[to] += part;
            const auto net = value(next);
            if (!net || *net <= best) continue;
            best = *net;
            shares = next;
            moved = true;
          }
      }
    return best;
  }

  const QuoteRequest request_;
  const RouteLimits limits_;
  const std::vector<Way> ways_;
  std::vector<std::vector<Outcome>> grid_;  // by way, by parts
  std::vector<Set> sets_;
};

TEST(BestRoute, OfSeveralPathsIsWithinATenThousandthOfExhaustiveSearch) {
  std::map<std::size_t, int> by_paths;
  int compared = 0;
  int at_least_equal = 0;
  double worst = 0;
  std::size_t most_ways = 0;
  const auto compare = [&](Random& random, const Market& market, const PoolGraph& graph, bool with_gas) {
    const QuoteRequest request = random_request(random, market, with_gas);
    const RouteLimits limits{};
    ExhaustiveSplit exhaustive(market, request, limits);
    most_ways = std::max(most_ways, exhaustive.ways());
    const auto best = exhaustive.best();
    const auto route = best_route(graph, request, limits);
    if (!best) return;
    ASSERT_TRUE(route) << route.error().detail;
    expect_sound(market, request, *route, limits);
    ++by_paths[route->paths.size()];
    ++compared;
    const Net ours = net_of(request, *route);
    if (ours >= *best) {
      ++at_least_equal;
      return;
    }
    const Uint256 missing = best->negative != ours.negative ? best->size + ours.size
                            : best->size > ours.size        ? best->size - ours.size
                                                            : ours.size - best->size;
    const Uint256 whole = request.kind == Kind::kExactInput ? route->amount_out : route->amount_in;
    const double share = static_cast<double>(mul_div(missing, pow10(12), whole)->to_u64()) / 1e12;
    worst = std::max(worst, share);
    EXPECT_LE(share, 1e-4) << ours << " and not " << *best << ", " << exhaustive.ways() << " ways, "
                           << route->paths.size() << " paths";
  };
  for_each_seed(200, [&](std::uint64_t seed) {
    Random random(seed);
    const Market market = random_market(random, static_cast<int>(random.uniform(4, 6)),
                                        static_cast<int>(random.uniform(4, 12)));
    const PoolGraph graph(market.pointers());
    for (int i = 0; i < 4; ++i) compare(random, market, graph, i % 2 == 1);
  });
  std::cout << compared << " splits compared, of up to " << most_ways << " paths; " << at_least_equal
            << " at least as good, the worst " << worst << " of the amount less\n";
  for (const auto& [paths, count] : by_paths) std::cout << count << " of " << paths << " paths\n";
}

TEST(BestRoute, DoesNotDependOnTheOrderOfThePools) {
  for_each_seed(60, [](std::uint64_t seed) {
    Random random(seed);
    const Market market = random_market(random, 5, 12);
    auto order = market.pointers();
    const QuoteRequest request = random_request(random, market, seed % 2 == 0);
    const auto first = best_route(PoolGraph(order), request);
    for (int i = 0; i < 4; ++i) {
      random.shuffle(order);
      const auto again = best_route(PoolGraph(order), request);
      ASSERT_EQ(first.has_value(), again.has_value());
      if (!first) continue;
      EXPECT_EQ(first->amount_in, again->amount_in);
      EXPECT_EQ(first->amount_out, again->amount_out);
      ASSERT_EQ(first->paths.size(), again->paths.size());
      for (std::size_t p = 0; p < first->paths.size(); ++p) {
        EXPECT_EQ(first->paths[p].amount_in, again->paths[p].amount_in);
        ASSERT_EQ(first->paths[p].hops.size(), again->paths[p].hops.size());
        for (std::size_t h = 0; h < first->paths[p].hops.size(); ++h)
          EXPECT_EQ(first->paths[p].hops[h].pool, again->paths[p].hops[h].pool);
      }
    }
  });
}

// --- Worked by hand

/// Price 1, liquidity over ±60,000 ticks.
Pool even_pool(std::uint16_t id, std::uint8_t token_a, std::uint8_t token_b, std::size_t tier,
               u128 liquidity) {
  Pool pool = Pool::create(bare_pool(id, token_a, token_b, tier)).value();
  EXPECT_TRUE(pool.initialize(kQ96));
  EXPECT_TRUE(pool.apply_mint(-60'000, 60'000, liquidity));
  return pool;
}

constexpr u128 kDeep = u128{1'000'000'000'000} * 1'000'000'000'000;  // 10^24

QuoteRequest ask(std::uint8_t in, std::uint8_t out, const Uint256& amount, Kind kind = Kind::kExactInput) {
  return {.token_in = token_address(in), .token_out = token_address(out), .amount = amount, .kind = kind};
}

TEST(BestRoute, SaysWhyThereIsNone) {
  const Market market{{even_pool(1, 1, 2, 1, 1'000'000), even_pool(2, 3, 4, 1, 1'000'000)}, {}};
  const PoolGraph graph(market.pointers());
  const auto code = [&](const QuoteRequest& request) { return best_route(graph, request).error().code; };
  EXPECT_EQ(code(ask(1, 1, 5)), errc::kSameAsset);
  EXPECT_EQ(code(ask(1, 2, 0)), errc::kInvalidAmount);
  EXPECT_EQ(code(ask(1, 2, Uint256::pow2(255))), errc::kAmountOverflow);
  EXPECT_EQ(code(ask(1, 9, 5)), errc::kNoRoute);
  EXPECT_EQ(code(ask(1, 3, 5)), errc::kNoRoute);
  EXPECT_EQ(code(ask(1, 2, pow10(30))), errc::kInsufficientLiquidity);
  EXPECT_EQ(code(ask(1, 2, pow10(30), Kind::kExactOutput)), errc::kInsufficientLiquidity);
  EXPECT_EQ(best_route(PoolGraph(), ask(1, 2, 5)).error().code, errc::kNoRoute);
}

TEST(BestRoute, TakesTwoCheapPoolsRatherThanADearOneUnlessGasCostsMore) {
  // 1 % against twice 0.05 %.
  const Market market{
      {even_pool(1, 1, 2, 3, kDeep), even_pool(2, 1, 3, 1, kDeep), even_pool(3, 3, 2, 1, kDeep)}, {}};
  const PoolGraph graph(market.pointers());
  for (const auto kind : {Kind::kExactInput, Kind::kExactOutput}) {
    QuoteRequest request = ask(1, 2, 1'000'000'000, kind);
    const RouteLimits one_path{.max_paths = 1};
    const auto cheap = best_route(graph, request, one_path);
    ASSERT_TRUE(cheap);
    EXPECT_EQ(cheap->paths[0].hops.size(), 2U);
    // The other way saves 0.9 % of 10^9 = 9·10^6 base units and costs a hop's 63,500 gas more.
    request.gas_unit_cost_wad = kWadUnit * 138U;
    EXPECT_EQ(best_route(graph, request, one_path)->paths[0].hops.size(), 2U);
    request.gas_unit_cost_wad = kWadUnit * 145U;
    const auto direct = best_route(graph, request, one_path);
    ASSERT_TRUE(direct);
    EXPECT_EQ(direct->paths[0].hops.size(), 1U);
    EXPECT_EQ(best_route(graph, request, {.max_hops = 1, .max_paths = 1})->amount_out, direct->amount_out);
  }
}

TEST(BestRoute, DividesEvenlyOverEqualPoolsUnlessGasCostsMore) {
  const Market market{{even_pool(1, 1, 2, 2, kDeep), even_pool(2, 1, 2, 2, kDeep)}, {}};
  const PoolGraph graph(market.pointers());
  // Rising from tick 0 the swap takes one step, falling it would stop at 0 first.
  QuoteRequest request = ask(2, 1, kDeep / 10);
  const auto both = best_route(graph, request);
  ASSERT_TRUE(both);
  ASSERT_EQ(both->paths.size(), 2U);
  EXPECT_EQ(both->paths[0].amount_in, Uint256(kDeep / 20));
  EXPECT_EQ(both->paths[1].amount_in, Uint256(kDeep / 20));
  const auto one = best_route(graph, request, {.max_paths = 1});
  EXPECT_GT(both->amount_out, one->amount_out);
  // The second path's 67,000 gas for more than it gains.
  request.gas_unit_cost_wad = (both->amount_out - one->amount_out) * kWadUnit / 66'900U;
  EXPECT_EQ(best_route(graph, request)->paths.size(), 1U);
  request.gas_unit_cost_wad = (both->amount_out - one->amount_out) * kWadUnit / 67'100U;
  EXPECT_EQ(best_route(graph, request)->paths.size(), 2U);
}

TEST(BestRoute, PoolsTogetherDoWhatNoneCanDoAlone) {
  const auto capacity = [](const Pool& pool) {
    return pool.quote_exact_output(Direction::kZeroForOne, pow10(40))->amount_out;
  };
  const Market market{{even_pool(1, 1, 2, 2, 700'000'000'000), even_pool(2, 1, 2, 1, 1'000'000'000'000),
                       even_pool(3, 1, 3, 1, kDeep), even_pool(4, 3, 2, 1, 600'000'000'000)},
                      {}};
  const PoolGraph graph(market.pointers());
  const Uint256 all = capacity(market.pools[0]) + capacity(market.pools[1]);
  const QuoteRequest request = ask(1, 2, all * 99U / 100U, Kind::kExactOutput);
  EXPECT_EQ(best_route(graph, request, {.max_hops = 1, .max_paths = 1}).error().code,
            errc::kInsufficientLiquidity);
  const auto two = best_route(graph, request, {.max_hops = 1});
  ASSERT_TRUE(two);
  EXPECT_EQ(two->paths.size(), 2U);
  expect_sound(market, request, *two, {.max_hops = 1});
  const auto three = best_route(graph, request);
  ASSERT_TRUE(three);
  EXPECT_EQ(three->paths.size(), 3U);
  EXPECT_LT(three->amount_in, two->amount_in);
}

TEST(BestRoute, AmongEqualsTakesLessGasThenTheLowerFeeThenTheLowerAddress) {
  const Market market{
      {even_pool(7, 1, 2, 2, kDeep), even_pool(5, 1, 2, 2, kDeep), even_pool(6, 1, 2, 2, kDeep)}, {}};
  EXPECT_EQ(
      best_route(PoolGraph(market.pointers()), ask(1, 2, 1'000), {.max_paths = 1})->paths[0].hops[0].pool,
      pool_address(5));
}

TEST(BestRoute, TheImpactOfOneHopIsThatOfItsSwap) {
  const Market market{{even_pool(1, 1, 2, 2, kDeep)}, {}};
  const PoolGraph graph(market.pointers());
  const auto route = best_route(graph, ask(1, 2, kDeep / 3));
  ASSERT_TRUE(route);
  const auto swap = market.pools[0].quote_exact_input(Direction::kZeroForOne, kDeep / 3);
  EXPECT_EQ(route->price_impact_wad, price_impact_wad(kQ96, Direction::kZeroForOne, *swap));
}

TEST(BestRoute, TheImpactOfHopsMultipliesAndThatOfPathsAddsUp) {
  // Two hops of one third each: 1 - out/in without fees is 1 - (3/4)·(…): computed from the amounts alone.
  const Market market{{even_pool(1, 1, 3, 2, kDeep), even_pool(2, 3, 2, 2, kDeep)}, {}};
  const auto route = best_route(PoolGraph(market.pointers()), ask(1, 2, kDeep / 3));
  ASSERT_TRUE(route);
  // Prices are 1: what was promised is the input times 0.997².
  const double kept =
      static_cast<double>((route->amount_out * pow10(12) / route->amount_in).to_u64()) / 1e12 / 0.997 / 0.997;
  EXPECT_NEAR(static_cast<double>(route->price_impact_wad.to_u64()) / 1e18, 1 - kept, 1e-9);

  const Market twins{{even_pool(1, 1, 2, 2, kDeep), even_pool(2, 1, 2, 2, kDeep)}, {}};
  const auto both = best_route(PoolGraph(twins.pointers()), ask(1, 2, kDeep / 3));
  const auto half = best_route(PoolGraph(twins.pointers()), ask(1, 2, kDeep / 6), {.max_paths = 1});
  ASSERT_EQ(both->paths.size(), 2U);
  EXPECT_NEAR(static_cast<double>(both->price_impact_wad.to_u64()),
              static_cast<double>(half->price_impact_wad.to_u64()), 1e9);
}

TEST(BestDirect, IsTheRouteOfOnePool) {
  const Market market{{even_pool(1, 1, 2, 3, kDeep), even_pool(2, 1, 3, 1, kDeep),
                       even_pool(3, 3, 2, 1, kDeep), even_pool(4, 1, 2, 2, kDeep)},
                      {}};
  EXPECT_EQ(best_direct(market.pointers(), ask(1, 2, 1'000'000))->paths[0].hops[0].pool, pool_address(4));
  EXPECT_EQ(best_direct(market.pointers(), ask(1, 2, 1'000'000), pool_address(1))->paths[0].hops[0].pool,
            pool_address(1));
  EXPECT_EQ(best_direct(market.pointers(), ask(1, 2, 1'000'000), pool_address(2)).error().code,
            errc::kNoRoute);
}

// --- The graph

TEST(PoolGraph, FollowsAPoolThatChangesInPlace) {
  Market market{{even_pool(1, 1, 2, 2, kDeep), even_pool(2, 1, 2, 1, kDeep)}, {}};
  PoolGraph graph(market.pointers());
  EXPECT_EQ(best_route(graph, ask(1, 2, 1'000'000), {.max_paths = 1})->paths[0].hops[0].pool,
            pool_address(2));
  ASSERT_TRUE(market.pools[1].apply_burn(-60'000, 60'000, kDeep));
  ASSERT_TRUE(market.pools[1].apply_mint(-60'000, 60'000, 1'000'000));
  graph.refresh(market.pools[1]);
  EXPECT_EQ(best_route(graph, ask(1, 2, 1'000'000), {.max_paths = 1})->paths[0].hops[0].pool,
            pool_address(1));
}

double to_real(const Magnitude& value) {
  return std::ldexp(static_cast<double>(value.mantissa), value.exponent);
}

RC_GTEST_PROP(MagnitudeProperty, RoundsToTheSideThatIsNamedAndStaysClose, ()) {
  const auto number = [] {
    const auto limbs =
        *rc::gen::container<std::vector<std::uint64_t>>(3, rc::gen::arbitrary<std::uint64_t>());
    const auto value = Uint256::from_limbs({limbs[0], limbs[1], limbs[2], 0}) >>
                       static_cast<unsigned>(*rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 191)));
    return value + 1;
  };
  const auto integer = [](const Magnitude& value) { return value.floor(); };
  const Uint256 a = number();
  const Uint256 b = number();
  const auto down = [](const Uint256& value) { return Magnitude::of(value, Rounding::kDown); };
  const auto up = [](const Uint256& value) { return Magnitude::of(value, Rounding::kUp); };
  RC_ASSERT(integer(down(a)) <= a);
  RC_ASSERT(integer(up(a)) >= a);
  RC_ASSERT(integer(up(a)) - integer(down(a)) <= (a >> 62) + 1);
  RC_ASSERT(integer(add(down(a), down(b), Rounding::kDown)) <= a + b);
  RC_ASSERT(integer(Magnitude::next(add(up(a), up(b), Rounding::kUp))) >= a + b);
  RC_ASSERT(to_real(add(down(a), down(b), Rounding::kDown)) >= to_real(up(a + b)) * (1 - 1e-15));
  if (a > b) RC_ASSERT(integer(Magnitude::next(subtract_up(up(a), down(b)))) + 1 >= a - b);
  if (a <= b) RC_ASSERT(subtract_up(down(a), up(b)).is_zero());
  if (const auto product = checked_mul(a, b)) {
    RC_ASSERT(integer(multiply(down(a), down(b), Rounding::kDown)) <= *product);
    if (product->bit_length() < 250)
      RC_ASSERT(integer(Magnitude::next(multiply(up(a), up(b), Rounding::kUp))) >= *product);
    RC_ASSERT(to_real(multiply(down(a), down(b), Rounding::kDown)) >= to_real(up(*product)) * (1 - 1e-15));
  }
  // a · (1/a) is 1 from either side.
  const Magnitude one = Magnitude::of(1, Rounding::kDown);
  RC_ASSERT(multiply(down(a), down(a).inverse(Rounding::kDown), Rounding::kDown) <= one);
  RC_ASSERT(multiply(up(a), up(a).inverse(Rounding::kUp), Rounding::kUp) >= one);
  RC_ASSERT(to_real(multiply(up(a), up(a).inverse(Rounding::kUp), Rounding::kUp)) <= 1 + 1e-15);
}

/// For random pairs and amounts: a path that can do it, and the margin that it makes.
template <class Test>
void for_each_margin(Test test) {
  for_each_question(
      300, 4, 8,
      [&](Random& random, const Market&, const PoolGraph& graph, const QuoteRequest& request,
          std::uint32_t token_in, std::uint32_t token_out) {
        PathSearch search(graph, {request.kind, {}}, token_in, token_out, kMaxHops);
        const auto found = search.best(request.amount, static_cast<std::size_t>(random.uniform(1, 3)),
                                       std::vector<bool>(graph.pool_count(), false));
        if (found.empty()) return;
        const FoundPath& path = found.back();
        test(graph, request, search,
             PathSearch::Margin{path, rate_after(graph, path.path, request.kind, request.amount), {}, {}});
      });
}

/// A path bends downwards: what comes before is worth no less, what comes after no more.
TEST(RateAfter, LiesBetweenWhatTheLastPartGaveAndTheNextOneGives) {
  int compared = 0;
  for_each_margin([&](const PoolGraph& graph, const QuoteRequest& request, PathSearch&,
                      const PathSearch::Margin& margin) {
    const Uint256 part = request.amount >> 10;
    if (part < Uint256(1'000'000'000U)) return;
    const auto quote = [&](const Uint256& amount) {
      return quote_path(graph, margin.single.path, request.kind, amount);
    };
    const auto before = quote(request.amount - part);
    const auto after = quote(request.amount + part);
    if (!before || !after || before->amount < Uint256(1'000'000'000U)) return;
    ++compared;
    const auto real = [](const Uint256& value) { return to_real(Magnitude::of(value, Rounding::kDown)); };
    const double gave = real(margin.single.quote.amount - before->amount) / real(part);
    const double gives = real(after->amount - margin.single.quote.amount) / real(part);
    // Every hop rounds by a unit.
    const double slack = 1e-4;
    const bool exact_input = request.kind == Kind::kExactInput;
    const double rate = exact_input ? to_real(margin.rate) : 1 / to_real(margin.rate);
    EXPECT_LE(rate, (exact_input ? gave : gives) * (1 + slack));
    EXPECT_GE(rate, (exact_input ? gives : gave) * (1 - slack));
  });
  EXPECT_GT(compared, 50);
}

TEST(PathSearch, APathThatIsBetterThanTheMarginPromises) {
  int better = 0;
  for_each_margin([&](const PoolGraph& graph, const QuoteRequest& request, PathSearch& search,
                      PathSearch::Margin margin) {
    const bool exact_input = request.kind == Kind::kExactInput;
    for (const unsigned power : {0U, 1U, 3U, 6U, 10U}) {
      const Uint256 amount = request.amount >> power;
      if (amount.is_zero()) continue;
      for (const auto& found : search.best(amount, 30, std::vector<bool>(graph.pool_count(), false))) {
        const Magnitude rate = exact_input ? margin.rate : margin.rate.inverse(Rounding::kDown);
        const Uint256 worth = multiply(Magnitude::of(amount, exact_input ? Rounding::kUp : Rounding::kDown),
                                       rate, exact_input ? Rounding::kUp : Rounding::kDown)
                                  .floor();
        const auto gain =
            exact_input ? checked_sub(found.quote.amount, worth + 1) : checked_sub(worth, found.quote.amount);
        if (!gain || gain->is_zero()) continue;
        ++better;
        margin.beside.fill(*gain - 1);
        margin.instead.fill(*gain - 1);
        EXPECT_TRUE(search.promises(margin, found.path)) << found.path.hops << " hops, 1/2^" << power;
        const bool other = found.path != margin.single.path && margin.single.path.hops > 1;
        if (other) EXPECT_TRUE(search.any_promises(margin));
      }
    }
  });
  EXPECT_GT(better, 1'000);
}

/// Graph invariant 2, and that the bounds are worth something.
TEST(PoolGraph, NoQuoteIsBetterThanItsBounds) {
  for_each_seed(300, [](std::uint64_t seed) {
    Random random(seed);
    const Market market = random_market(random, 3, 3);
    for (const auto& pool : market.pools)
      for (int i = 0; i < 20; ++i) {
        const auto direction = random.uniform(0, 1) == 0 ? Direction::kZeroForOne : Direction::kOneForZero;
        const SwapBounds bounds = bounds_of(pool, direction);
        const Uint256 amount = from_real(std::pow(10, random.real(0, 26)));
        if (const auto swap = pool.quote_exact_input(direction, amount);
            swap && !swap->amount_out.is_zero()) {
          ASSERT_TRUE(bounds.possible);
          const auto least = bounds.least_inverse_out(
              Magnitude::of(swap->amount_in, Rounding::kUp).inverse(Rounding::kDown));
          EXPECT_LE(least, Magnitude::of(swap->amount_out, Rounding::kDown).inverse(Rounding::kUp));
        }
        if (const auto swap = pool.quote_exact_output(direction, amount); swap && swap->complete) {
          const auto most =
              bounds.most_inverse_in(Magnitude::of(amount, Rounding::kDown).inverse(Rounding::kUp));
          EXPECT_GE(most, Magnitude::of(swap->amount_in, Rounding::kUp).inverse(Rounding::kDown));
        }
      }
  });
}

}  // namespace
}  // namespace sep::uniswap
