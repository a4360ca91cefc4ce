// Routing over made-up but likely markets of 10 to 1,000 pools: the best single path and the best split, both
// kinds, small to large amounts; building and refreshing the graph. Median and 99th percentile over random
// pairs. `--json FILE` writes the markets, the questions and the answers for bench/peers/routing.ts.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "uniswap/pools_file.h"
#include "uniswap/router.h"
#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

using Clock = std::chrono::steady_clock;

struct Tier {
  std::uint32_t fee_pips;
  std::int32_t spacing;
};
constexpr std::array<Tier, 4> kTiers = {Tier{100, 1}, {500, 10}, {3000, 60}, {10000, 200}};
constexpr std::uint32_t kHubs = 4;

struct Market {
  std::vector<double> values;  // USD of a base unit of each token; the first kHubs trade with everything
  std::vector<Pool> pools;

  std::vector<const Pool*> pointers() const {
    std::vector<const Pool*> all;
    for (const auto& pool : pools) all.push_back(&pool);
    return all;
  }
};

Address address_of(std::uint8_t first, std::uint32_t id, std::mt19937_64& random) {
  Address address;
  for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random());
  address.bytes[0] = first;
  address.bytes[18] = static_cast<std::uint8_t>(id >> 8);
  address.bytes[19] = static_cast<std::uint8_t>(id);
  return address;
}

Uint256 from_real(double value) {
  int exponent = 0;
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(std::frexp(value, &exponent), 53));
  return exponent >= 53 ? Uint256(mantissa) << static_cast<unsigned>(exponent - 53)
                        : std::max(Uint256(mantissa) >> static_cast<unsigned>(53 - exponent), Uint256(1));
}

/// A few hubs that every token trades with, as WETH and the stablecoins are; parallel fee tiers; some pools
/// between other tokens. Prices agree to within each pool's fee, where arbitrage leaves them. Each pool holds
/// some liquidity over the whole range and several positions around its price.
Market make_market(std::uint32_t pool_count, std::uint32_t token_count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto real = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const auto below = [&](std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(random);
  };
  Market market;
  std::vector<Address> tokens;
  for (std::uint32_t i = 0; i < token_count; ++i) {
    tokens.push_back(address_of(0x70, i, random));
    const double usd = i == 0 ? 3'000 : i < 3 ? 1 : i == 3 ? 60'000 : std::pow(10, real(-3, 3));
    const int decimals = i == 1 || i == 2 ? 6 : i == 3 ? 8 : 18;
    market.values.push_back(usd * std::pow(10, -decimals));
  }
  const std::uint32_t hubs = std::min(kHubs, token_count - 1);
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::size_t>> made;  // a pair has one pool of each fee
  while (market.pools.size() < pool_count) {
    // WETH has about half of all pools, the next hub half of the rest.
    const bool between_hubs = below(20) == 0;
    std::uint32_t a = below(2) == 0 ? 0U : below(2) == 0 ? 1U : below(hubs);
    if (below(10) == 0) a = below(token_count);
    const std::uint32_t b = between_hubs ? below(hubs) : below(token_count);
    const std::size_t tier = between_hubs ? below(3) : (below(8) + 9) / 5;
    if (a == b || !made.emplace(std::min(a, b), std::max(a, b), tier).second) continue;
    const auto id = static_cast<std::uint32_t>(market.pools.size());
    PoolState state;
    state.address = address_of(0xa0, id, random);
    const bool a_first = tokens[a] < tokens[b];
    state.token0 = a_first ? tokens[a] : tokens[b];
    state.token1 = a_first ? tokens[b] : tokens[a];
    state.fee_pips = kTiers[tier].fee_pips;
    state.tick_spacing = kTiers[tier].spacing;
    const double value0 = market.values[a_first ? a : b];
    const double value1 = market.values[a_first ? b : a];
    const double fee = state.fee_pips / 1e6;
    const double price = value0 / value1 * (1 + real(-fee, fee) * 0.5);
    const auto tick = static_cast<std::int32_t>(std::floor(std::log(price) / std::log(1.0001)));
    const std::int32_t spacing = state.tick_spacing;
    Pool pool = Pool::create(state).value();
    SEP_ASSERT(pool.initialize(sqrt_ratio_at_tick(tick)));
    // Virtual depth of one side in USD, and the liquidity that gives it at this price.
    const double depth = std::pow(10, between_hubs ? real(6.5, 8.5) : real(4.5, 7.5));
    const double liquidity = depth / std::sqrt(value0 * value1);
    const std::int32_t limit = kMaxTick / spacing;
    const std::int32_t center = static_cast<std::int32_t>(std::floor(static_cast<double>(tick) / spacing));
    SEP_ASSERT(pool.apply_mint(-limit * spacing, limit * spacing, from_real(liquidity / 20).to_u128()));
    const std::uint32_t positions = 4 + below(12);
    for (std::uint32_t i = 0; i < positions; ++i) {
      const std::int32_t away = i < 2 ? 0 : static_cast<std::int32_t>(below(41)) - 20;
      const auto half = static_cast<std::int32_t>(1 + below(i < 2 ? 100 : 20));
      SEP_ASSERT(pool.apply_mint(std::clamp(center + away - half, -limit, limit - 1) * spacing,
                                 std::clamp(center + away + half, 1 - limit, limit) * spacing,
                                 from_real(liquidity * real(0.05, 0.5)).to_u128()));
    }
    market.pools.push_back(std::move(pool));
  }
  return market;
}

struct Question {
  QuoteRequest request;
  double usd = 0;
  double gas_usd = 0;  // of a unit of gas, in gas_unit_cost_wad
};

constexpr std::array<double, 3> kSizes = {100, 10'000, 1'000'000};  // USD

/// Random pairs that a path connects, each asked for in every size, gas counted.
std::vector<Question> make_questions(const Market& market, const PoolGraph& graph, Kind kind, int pairs,
                                     std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Address> tokens;
  std::vector<double> values;
  // The graph's tokens are sorted; their values are found by any pool that holds them.
  for (std::uint32_t i = 0; i < graph.token_count(); ++i) tokens.push_back(graph.token(i));
  std::vector<Question> questions;
  const double gas_usd = 20e-9 * 3'000;  // 20 gwei, 3,000 USD
  for (int tries = 0; static_cast<int>(questions.size()) < pairs * 3 && tries < 100 * pairs; ++tries) {
    const Address& in = tokens[random() % tokens.size()];
    const Address& out = tokens[random() % tokens.size()];
    if (in == out) continue;
    QuoteRequest request{.token_in = in, .token_out = out, .amount = 1'000'000, .kind = kind};
    if (const auto route = best_route(graph, request, {.max_paths = 1});
        !route && route.error().code == errc::kNoRoute)
      continue;
    const auto value = [&](const Address& token) {
      return market.values[static_cast<std::size_t>(token.bytes[18]) << 8 | token.bytes[19]];
    };
    for (const double usd : kSizes) {
      request.amount = from_real(usd / value(kind == Kind::kExactInput ? in : out));
      request.gas_unit_cost_wad = from_real(gas_usd / value(kind == Kind::kExactInput ? out : in) * 1e18);
      questions.push_back({request, usd, gas_usd});
    }
  }
  return questions;
}

struct Times {
  std::vector<double> us;

  double percentile(double share) {
    if (us.empty()) return 0;
    std::ranges::sort(us);
    return us[std::min(us.size() - 1, static_cast<std::size_t>(share * static_cast<double>(us.size())))];
  }
};

template <class Work>
double time_us(Work work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

/// The best of three, so that what is measured is the search and not a cold cache or a neighbour.
template <class Work>
double best_us(Work work) {
  double best = time_us(work);
  for (int i = 0; i < 2; ++i) best = std::min(best, time_us(work));
  return best;
}

void measure_graph(const Market& market) {
  const auto pointers = market.pointers();
  Times build;
  Times refresh;
  for (int i = 0; i < 50; ++i)
    build.us.push_back(time_us([&] {
      const PoolGraph graph(pointers);
      SEP_ASSERT(graph.pool_count() == market.pools.size());
    }));
  PoolGraph graph(pointers);
  for (const auto& pool : market.pools) refresh.us.push_back(time_us([&] { graph.refresh(pool); }));
  std::cout << fmt::format(
      "{:5} pools, {:3} tokens: build {:.0f} us (p99 {:.0f}), refresh a pool {:.2f} us (p99 {:.2f})\n",
      graph.pool_count(), graph.token_count(), build.percentile(0.5), build.percentile(0.99),
      refresh.percentile(0.5), refresh.percentile(0.99));
}

json::object measure_routes(const Market& market, int pairs) {
  const PoolGraph graph(market.pointers());
  json::array questions;
  for (const auto kind : {Kind::kExactInput, Kind::kExactOutput})
    for (const bool with_gas : {false, true}) {
      auto asked = make_questions(market, graph, kind, pairs, 7);
      for (const double usd : kSizes) {
        Times single_times;
        Times split_times;
        int split = 0;
        int refused = 0;
        double gained = 0;
        std::array<int, 4> hops{};
        for (auto question : asked) {
          if (question.usd != usd) continue;
          if (!with_gas) question.request.gas_unit_cost_wad = 0;
          const RouteLimits one_path{.max_paths = 1};
          const auto single = best_route(graph, question.request, one_path);
          const auto several = best_route(graph, question.request);
          const double single_us = best_us([&] { return best_route(graph, question.request, one_path); });
          const double split_us = best_us([&] { return best_route(graph, question.request); });
          single_times.us.push_back(single_us);
          split_times.us.push_back(split_us);
          if (!single || !several) {
            ++refused;
            continue;
          }
          ++hops[single->paths[0].hops.size()];
          const bool exact_input = kind == Kind::kExactInput;
          if (several->paths.size() > 1) {
            ++split;
            const Uint256& better = exact_input ? several->amount_out : single->amount_in;
            const Uint256& worse = exact_input ? single->amount_out : several->amount_in;
            if (better > worse)
              gained += static_cast<double>(mul_div(better - worse, 1'000'000'000, worse)->to_u64()) / 1e9;
          }
          if (with_gas) continue;
          questions.push_back({{"token_in", to_hex(question.request.token_in)},
                               {"token_out", to_hex(question.request.token_out)},
                               {"kind", exact_input ? "exact_input" : "exact_output"},
                               {"usd", usd},
                               {"amount", to_string(question.request.amount)},
                               {"single", to_string(exact_input ? single->amount_out : single->amount_in)},
                               {"split", to_string(exact_input ? several->amount_out : several->amount_in)},
                               {"single_us", single_us},
                               {"split_us", split_us}});
        }
        std::cout << fmt::format(
            "{:5} pools, {}, {:9} USD, {}: single {:6.1f} us (p99 {:6.1f}), split {:7.1f} us (p99 {:7.1f}); "
            "hops {}/{}/{}, {} of {} split, by {:.3f} % more, {} refused\n",
            graph.pool_count(), kind == Kind::kExactInput ? "input " : "output", usd,
            with_gas ? "gas   " : "no gas", single_times.percentile(0.5), single_times.percentile(0.99),
            split_times.percentile(0.5), split_times.percentile(0.99), hops[1], hops[2], hops[3], split,
            single_times.us.size(), split == 0 ? 0.0 : 100 * gained / split, refused);
      }
    }
  json::array pools;
  for (const auto& pool : market.pools) pools.push_back(to_json(pool.state()));
  return {{"pools", std::move(pools)}, {"questions", std::move(questions)}};
}

}  // namespace
}  // namespace sep::uniswap

int main(int argc, char** argv) {
  using namespace sep::uniswap;
  std::ofstream file;
  if (argc == 3 && std::strcmp(argv[1], "--json") == 0) {
    file.open(argv[2]);
  } else if (argc != 1) {
    std::cerr << "usage: bench_routing [--json FILE]\n";
    return 2;
  }
  sep::json::array markets;
  for (const auto& [pools, tokens, pairs] :
       {std::tuple{10U, 5U, 10}, {30U, 8U, 20}, {100U, 20U, 50}, {1000U, 100U, 200}}) {
    const Market market = make_market(pools, tokens, 1);
    measure_graph(market);
    markets.push_back(measure_routes(market, pairs));
  }
  if (file.is_open()) file << sep::json::serialize(markets) << "\n";
}
