// Micro-benchmarks of prices: 512-bit division, ticks, quotes across 0, 5 and 50 ticks, and the best of 1,000
// pools.
#include <vector>

#include <benchmark/benchmark.h>

#include "uniswap/pool.h"
#include "uniswap/router.h"
#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

/// A pool at price 1 with a position edge at every 60th tick up to 6,000 away.
Pool dense_pool(std::uint16_t id = 0) {
  PoolState state;
  state.token0.bytes = {1};
  state.token1.bytes = {2, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
  state.address.bytes = {3, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
  state.fee_pips = 3000;
  state.tick_spacing = 60;
  Pool pool = Pool::create(state).value();
  SEP_ASSERT(pool.initialize(kQ96));
  for (int i = 1; i <= 100; ++i) SEP_ASSERT(pool.apply_mint(-60 * i, 60 * i, 1'000'000'000'000'000'000U));
  return pool;
}

/// The least power of two that crosses at least `ticks` ticks.
Uint256 amount_across(const Pool& pool, std::uint32_t ticks) {
  Uint256 amount = 1'000'000;
  while (pool.quote_exact_input(Direction::kZeroForOne, amount)->ticks_crossed < ticks)
    amount = amount + amount / 16;
  return amount;
}

void BM_MulDiv(benchmark::State& state) {
  Uint256 a = Uint256::from_limbs({1, 2, 3, 0x1234567812345678});
  const Uint256 b = Uint256::from_limbs({~0ULL, 5, 6, 0x0234567812345678});
  const Uint256 d = Uint256::from_limbs({7, ~0ULL, 8, 0x7fffffffffffffff});
  for (auto _ : state) {
    a = wrapping_add(*mul_div(a, b, d), b);
    a = a & (Uint256::max() >> 2);
    benchmark::DoNotOptimize(a);
  }
}
BENCHMARK(BM_MulDiv);

void BM_PriceOfTick(benchmark::State& state) {
  std::int32_t tick = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sqrt_ratio_at_tick(tick));
    tick = (tick * 7 + 13) % kMaxTick;
  }
}
BENCHMARK(BM_PriceOfTick);

void BM_TickOfPrice(benchmark::State& state) {
  Uint256 price = kQ96;
  for (auto _ : state) {
    benchmark::DoNotOptimize(tick_at_sqrt_ratio(price));
    price = price + (price >> 10);
    if (price >= kMaxSqrtRatio) price = kMinSqrtRatio << 10;
  }
}
BENCHMARK(BM_TickOfPrice);

void BM_Quote(benchmark::State& state) {
  const Pool pool = dense_pool();
  const Uint256 amount = amount_across(pool, static_cast<std::uint32_t>(state.range(0)));
  std::uint32_t crossed = 0;
  for (auto _ : state) {
    const auto quote = pool.quote_exact_input(Direction::kZeroForOne, amount);
    benchmark::DoNotOptimize(crossed = quote->ticks_crossed);
  }
  state.counters["ticks"] = crossed;
}
BENCHMARK(BM_Quote)->Arg(0)->Arg(5)->Arg(50);

void BM_BestOfThousandPools(benchmark::State& state) {
  std::vector<Pool> pools;
  for (std::uint16_t id = 0; id < 1000; ++id) pools.push_back(dense_pool(id));
  std::vector<const Pool*> all;
  for (const auto& pool : pools) all.push_back(&pool);
  const PoolState& wanted = pools[500].state();
  for (auto _ : state)
    benchmark::DoNotOptimize(
        best_direct(all, {wanted.token0, wanted.token1, 1'000'000'000, Kind::kExactInput}));
}
BENCHMARK(BM_BestOfThousandPools);

}  // namespace
}  // namespace sep::uniswap
