// Planning with many pools loaded: from an intent to a plan with its bounds, the payload of plan.created, and
// what a change of the pools costs (engine/pool_book.h). 100 tokens, of which four trade with everything.
#include "engine/planning.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/decimal.h"
#include "uniswap/tick_math.h"

namespace sep::engine {
namespace {

constexpr Timestamp kNow{1'787'000'000'000};
constexpr std::size_t kTokens = 100;
constexpr std::size_t kHubs = 4;  // WETH, two stablecoins, and one more
constexpr std::string_view kPlanId = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";

Address address_of(std::uint8_t first, std::size_t id, std::mt19937_64& random) {
  Address address;
  for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random());
  address.bytes[0] = first;
  address.bytes[18] = static_cast<std::uint8_t>(id >> 8);
  address.bytes[19] = static_cast<std::uint8_t>(id);
  return address;
}

/// Settings, a market of so many pools at prices that agree to within their fees, and an account that can
/// pay.
struct World {
  explicit World(std::size_t pool_count) {
    auto& chain = settings.chain;
    for (std::size_t i = 0; i < kTokens; ++i) {
      Token token{"T" + std::to_string(i), "", address_of(0x70, i, random), 18, i == 1 || i == 2};
      chain.tokens.push_back(token);
      // The value of a token, as a tick: a stablecoin's is 0, WETH's about 2,500 USD.
      values.push_back(token.stablecoin ? 0 : i == 0 ? 78'240 : uniform(-20'000, 60'000));
    }
    chain.contracts.weth = chain.tokens[0].address;
    settings.risk.max_notional_usd_wad = pow10(18) * Uint256(10'000'000U);
    settings.risk.max_slippage_wad = Uint256(kWad / 20);
    settings.risk.max_price_impact_wad = Uint256(kWad);
    settings.execution.max_fee_per_gas_wei = Uint256(100'000'000'000U);
    settings.execution.normal.max_priority_fee_per_gas_wei = Uint256(1'000'000'000U);
    market.revision = 1;
    market.block = {100, {}, kNow.unix_seconds(), Uint256(10'000'000'000U)};
    market.confirmed_at = kNow;
    market.account.emplace();
    market.account->native_wei = pow10(30);
    for (const auto& token : chain.tokens) market.account->balances[token.address] = pow10(40);
    for (std::size_t id = 0; id < pool_count; ++id) market.pools.push_back({any_pool(id), ""});
    book = PoolBook(market, chain);
  }

  std::int64_t uniform(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  }

  uniswap::Pool any_pool(std::size_t id) {
    struct Tier {
      std::uint32_t fee_pips;
      std::int32_t spacing;
    };
    constexpr Tier kTiers[] = {{500, 10}, {3000, 60}, {10'000, 200}};
    const auto tier = kTiers[uniform(0, 2)];
    // Half with WETH, a quarter with a stablecoin, the rest between any two.
    std::size_t a = id % 2 == 0   ? 0
                    : id % 4 == 1 ? 1 + id / 4 % (kHubs - 1)
                                  : static_cast<std::size_t>(uniform(0, kTokens - 1));
    std::size_t b = a;
    while (a == b) b = static_cast<std::size_t>(uniform(0, kTokens - 1));
    const auto& tokens = settings.chain.tokens;
    if (tokens[b].address < tokens[a].address) std::swap(a, b);
    uniswap::PoolState state;
    state.address = address_of(0xa0, id, random);
    state.token0 = tokens[a].address;
    state.token1 = tokens[b].address;
    state.fee_pips = tier.fee_pips;
    state.tick_spacing = tier.spacing;
    auto pool = uniswap::Pool::create(state).value();
    const auto fee_ticks = static_cast<std::int64_t>(tier.fee_pips) / 200;
    const auto tick = static_cast<std::int32_t>(values[a] - values[b] + uniform(-fee_ticks, fee_ticks));
    SEP_ASSERT(pool.initialize(uniswap::sqrt_ratio_at_tick(tick)));
    const u128 liquidity = u128{1} << static_cast<unsigned>(uniform(70, 82));
    const std::int32_t limit = uniswap::kMaxTick / tier.spacing;
    SEP_ASSERT(pool.apply_mint(-limit * tier.spacing, limit * tier.spacing, liquidity / 20));
    for (int i = 0; i < 10; ++i) {
      const auto center = tick / tier.spacing + static_cast<std::int32_t>(uniform(-20, 20));
      const auto half = static_cast<std::int32_t>(uniform(1, 60));
      SEP_ASSERT(
          pool.apply_mint((center - half) * tier.spacing, (center + half) * tier.spacing, liquidity / 4));
    }
    return pool;
  }

  /// Of about so many USD, between any two tokens.
  Intent any_intent(std::int64_t usd) {
    const auto a = static_cast<std::size_t>(uniform(0, kTokens - 1));
    auto b = a;
    while (a == b) b = static_cast<std::size_t>(uniform(0, kTokens - 1));
    Intent intent;
    intent.strategy_id = "bench";
    intent.type = uniform(0, 1) == 0 ? IntentType::kAcquire : IntentType::kDispose;
    intent.base = settings.chain.tokens[a];
    intent.quote = settings.chain.tokens[b];
    const auto price = uniswap::sqrt_ratio_at_tick(static_cast<std::int32_t>(-values[a]));
    // usd / value, as token0's amount for token1's at this price.
    intent.amount =
        *mul_div(*mul_div(pow10(18) * Uint256(static_cast<std::uint64_t>(usd)), price, uniswap::kQ96), price,
                 uniswap::kQ96);
    intent.max_slippage_wad = Uint256(kWad / 100);
    intent.time_window_s = 300;
    return intent;
  }

  std::mt19937_64 random{7};
  Settings settings;
  std::vector<std::int64_t> values;
  MarketState market;
  PoolBook book;
};

/// Reports the median and the 99th percentile, in ns, of what `once` takes.
template <class Once>
void measure(benchmark::State& state, const Once& once) {
  std::vector<double> taken;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    once();
    taken.push_back(
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::sort(taken);
  state.counters["p50_us"] = taken[taken.size() / 2] / 1e3;
  state.counters["p99_us"] = taken[taken.size() * 99 / 100] / 1e3;
}

void BM_MakePlan(benchmark::State& state) {
  World world(static_cast<std::size_t>(state.range(0)));
  std::vector<Intent> intents;
  for (int i = 0; i < 500; ++i) intents.push_back(world.any_intent(state.range(1)));
  std::size_t next = 0, plans = 0, paths = 0, hops = 0;
  measure(state, [&] {
    const auto plan = make_plan({intents[next++ % intents.size()], std::string(kPlanId), kNow, kNow,
                                 world.market, world.book, world.settings});
    if (!plan) return;
    ++plans;
    paths += plan->swap().paths.size();
    for (const auto& path : plan->swap().paths) hops += path.hops.size();
  });
  state.counters["planned"] = static_cast<double>(plans) / static_cast<double>(state.iterations());
  state.counters["paths"] = static_cast<double>(paths) / static_cast<double>(std::max<std::size_t>(plans, 1));
  state.counters["pools"] = static_cast<double>(hops) / static_cast<double>(std::max<std::size_t>(plans, 1));
}
BENCHMARK(BM_MakePlan)
    ->ArgNames({"pools", "usd"})
    ->Args({10, 2'500})
    ->Args({100, 2'500})
    ->Args({1'000, 100})
    ->Args({1'000, 2'500})
    ->Args({1'000, 10'000})
    ->Args({1'000, 100'000});

void BM_PlanPayload(benchmark::State& state) {
  World world(1'000);
  std::optional<Plan> plan;
  while (!plan) {
    auto made = make_plan({world.any_intent(2'500), std::string(kPlanId), kNow, kNow, world.market,
                           world.book, world.settings});
    if (made) plan = std::move(*made);
  }
  for (auto _ : state) benchmark::DoNotOptimize(plan_payload(*plan, kPlanId, "ethereum"));
}
BENCHMARK(BM_PlanPayload);

/// What a block that changed a pool costs.
void BM_PoolBook(benchmark::State& state) {
  World world(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(PoolBook(world.market, world.settings.chain));
}
BENCHMARK(BM_PoolBook)->Arg(10)->Arg(1'000);

}  // namespace
}  // namespace sep::engine
