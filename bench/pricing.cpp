// Micro-benchmarks of prices: arithmetic, ticks, steps, quotes, loading and changing a pool, memory.
//   bench_pricing [--cases=FILE] [Google Benchmark's flags]
// --cases writes the pools and swaps with their results, for the same measurement elsewhere
// (bench/peers/pricing.ts).
#include <cstdlib>
#include <fstream>
#include <new>
#include <string_view>
#include <vector>

#include "pricing_cases.h"
#include <benchmark/benchmark.h>

#include "uniswap/router.h"
#include "uniswap/swap_math.h"

namespace {

std::size_t allocations = 0;
std::size_t allocated_bytes = 0;

}  // namespace

// NOLINTBEGIN(*no-malloc*)
void* operator new(std::size_t size) {
  ++allocations;
  allocated_bytes += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
// NOLINTEND(*no-malloc*)

namespace sep::bench {
namespace {

using namespace uniswap;

void BM_MulDiv(benchmark::State& state, const Uint256& a, const Uint256& b, const Uint256& d) {
  Uint256 x = a;
  for (auto _ : state) {
    benchmark::DoNotOptimize(x);
    benchmark::DoNotOptimize(mul_div(x, b, d));
  }
}
BENCHMARK_CAPTURE(BM_MulDiv, 256x256_by_256, Uint256::from_limbs({1, 2, 3, 0x1234567812345678}),
                  Uint256::from_limbs({~0ULL, 5, 6, 0x0234567812345678}),
                  Uint256::from_limbs({7, ~0ULL, 8, 0x7fffffffffffffff}));
BENCHMARK_CAPTURE(BM_MulDiv, 160x128_by_160, Uint256::from_limbs({1, 2, 0xf3456781, 0}),
                  Uint256::from_limbs({~0ULL, 0xe234567812345678, 0, 0}),
                  Uint256::from_limbs({7, ~0ULL, 0xffffffff, 0}));
BENCHMARK_CAPTURE(BM_MulDiv, 128x128_by_128, Uint256::from_limbs({1, 0xf000000000000000, 0, 0}),
                  Uint256::from_limbs({~0ULL, 0xe234567812345678, 0, 0}),
                  Uint256::from_limbs({7, 0xf734567812345678, 0, 0}));

/// Ticks as far away as those of most pools.
constexpr std::int32_t some_tick(std::uint32_t i) {
  return static_cast<std::int32_t>(i * 2'654'435'761U % 600'000) - 300'000;
}

void BM_PriceOfTick(benchmark::State& state) {
  std::uint32_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sqrt_ratio_at_tick(some_tick(++i)));
}
BENCHMARK(BM_PriceOfTick);

void BM_TickOfPrice(benchmark::State& state) {
  std::vector<Uint256> prices;
  for (std::uint32_t i = 0; i < 1024; ++i) {
    const Uint256 low = sqrt_ratio_at_tick(some_tick(i));
    prices.push_back(low + (sqrt_ratio_at_tick(some_tick(i) + 1) - low) * (i % 7) / 7);
  }
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(tick_at_sqrt_ratio(prices[++i % 1024]));
}
BENCHMARK(BM_TickOfPrice);

enum class StepEnd { kWhole, kPartial };

void BM_Step(benchmark::State& state, Direction direction, Kind kind, StepEnd end) {
  const Uint256 start = sqrt_ratio_at_tick(30'030);
  const Uint256 target = sqrt_ratio_at_tick(direction == Direction::kZeroForOne ? 30'000 : 30'060);
  constexpr u128 kLiquidity = 1'000'000'000'000'000'000U;
  const SwapStep whole = compute_whole_step(start, target, kLiquidity, direction, 3000);
  Uint256 amount = kind == Kind::kExactInput ? whole.amount_in + whole.fee_amount : whole.amount_out;
  if (end == StepEnd::kPartial) amount = amount >> 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(amount);
    benchmark::DoNotOptimize(compute_swap_step(start, target, kLiquidity, amount, kind, direction, 3000));
  }
}
BENCHMARK_CAPTURE(BM_Step, falling_whole, Direction::kZeroForOne, Kind::kExactInput, StepEnd::kWhole);
BENCHMARK_CAPTURE(BM_Step, rising_whole, Direction::kOneForZero, Kind::kExactInput, StepEnd::kWhole);
BENCHMARK_CAPTURE(BM_Step, falling_input, Direction::kZeroForOne, Kind::kExactInput, StepEnd::kPartial);
BENCHMARK_CAPTURE(BM_Step, rising_input, Direction::kOneForZero, Kind::kExactInput, StepEnd::kPartial);
BENCHMARK_CAPTURE(BM_Step, falling_output, Direction::kZeroForOne, Kind::kExactOutput, StepEnd::kPartial);
BENCHMARK_CAPTURE(BM_Step, rising_output, Direction::kOneForZero, Kind::kExactOutput, StepEnd::kPartial);

void quote_case(benchmark::State& state, const Case& swap) {
  // Amounts differ by little, so that no division is always the same.
  std::uint32_t i = 0;
  const std::size_t before = allocations;
  for (auto _ : state)
    benchmark::DoNotOptimize(quote(*swap.pool, swap.direction, swap.kind, swap.amount + (++i & 255)));
  state.counters["allocations"] = static_cast<double>(allocations - before);
  state.counters["ticks"] = swap.result.ticks_crossed;
}

void walk_case(benchmark::State& state, const Case& swap) {
  for (auto _ : state)
    benchmark::DoNotOptimize(swap.pool->quote_by_walk(swap.direction, swap.kind, swap.amount));
}

void load(benchmark::State& state, const Pool& pool) {
  for (auto _ : state) benchmark::DoNotOptimize(Pool::create(pool.state()));
  const std::size_t before = allocated_bytes;
  const Pool copy = pool;  // NOLINT(performance-unnecessary-copy-initialization): what it takes is measured
  state.counters["bytes"] = static_cast<double>(sizeof(Pool) + allocated_bytes - before);
  state.counters["ticks"] = static_cast<double>(copy.state().ticks.size());
}

SwapLog log_of(Direction direction, const SwapResult& swap) {
  const SignedAmount in{swap.amount_in, false};
  const SignedAmount out{swap.amount_out, true};
  const bool falls = direction == Direction::kZeroForOne;
  return {falls ? in : out, falls ? out : in, swap.sqrt_price_x96_after, swap.liquidity_after,
          swap.tick_after};
}

/// Swap logs across five ticks, back and forth around the price, each computed anew and compared.
void apply_swaps(benchmark::State& state, const Pool& pool) {
  const std::int32_t start = pool.state().tick;
  std::vector<SwapLog> logs;
  Pool moved = pool;
  while (logs.size() < 256) {
    const auto direction = moved.state().tick >= start ? Direction::kZeroForOne : Direction::kOneForZero;
    const Uint256 amount = least_across(moved, direction, Kind::kExactInput, 5);
    logs.push_back(log_of(direction, moved.quote_exact_input(direction, amount).value()));
    SEP_ASSERT(moved.apply_swap(logs.back()).has_value());
  }
  moved = pool;
  std::size_t next = 0;
  for (auto _ : state) {
    if (next == logs.size()) {
      state.PauseTiming();
      moved = pool;
      next = 0;
      state.ResumeTiming();
    }
    SEP_ASSERT(moved.apply_swap(logs[next++]).has_value());
  }
}

enum class Range { kNarrow, kWhole };

/// A position that comes and goes, around the price or over all ticks.
void mint_and_burn(benchmark::State& state, Pool pool, Range range) {
  const std::int32_t spacing = pool.state().tick_spacing;
  const std::int32_t near = pool.state().tick / spacing;
  const std::int32_t end = kMaxTick / spacing;
  const std::int32_t lower = (range == Range::kNarrow ? near - 3 : -end) * spacing;
  const std::int32_t upper = (range == Range::kNarrow ? near + 3 : end) * spacing;
  for (auto _ : state) {
    SEP_ASSERT(pool.apply_mint(lower, upper, 1'000'000'000'000U).has_value());
    SEP_ASSERT(pool.apply_burn(lower, upper, 1'000'000'000'000U).has_value());
  }
  state.counters["logs"] = 2;
}

void BM_BestOfThousandPools(benchmark::State& state) {
  std::vector<Pool> pools;
  for (std::uint16_t id = 0; id < 1000; ++id) pools.push_back(synthetic_pool(200, id));
  std::vector<const Pool*> all;
  for (const auto& pool : pools) all.push_back(&pool);
  const PoolState& wanted = pools[500].state();
  for (auto _ : state)
    benchmark::DoNotOptimize(
        best_direct(all, {wanted.token0, wanted.token1, 1'000'000'000, Kind::kExactInput}));
}
BENCHMARK(BM_BestOfThousandPools);

void write_cases(const std::string& path, const std::vector<Subject>& subjects,
                 const std::vector<Case>& cases) {
  json::array pools;
  for (const auto& [name, pool] : subjects) pools.push_back(to_json(pool.state()));
  json::array swaps;
  for (const Case& swap : cases) {
    std::size_t index = 0;
    while (&subjects[index].pool != swap.pool) ++index;
    swaps.push_back({{"name", swap.name},
                     {"pool", index},
                     {"falls", swap.direction == Direction::kZeroForOne},
                     {"exact_input", swap.kind == Kind::kExactInput},
                     {"amount_in", to_string(swap.result.amount_in)},
                     {"amount_out", to_string(swap.result.amount_out)},
                     {"sqrt_price_x96_after", to_string(swap.result.sqrt_price_x96_after)}});
  }
  std::ofstream(path) << json::serialize(json::object{{"pools", pools}, {"swaps", swaps}});
}

int run(int count, char** arguments) {
  constexpr std::string_view kCases = "--cases=";
  std::string cases_path;
  std::vector<char*> others;
  for (int i = 0; i < count; ++i) {
    if (std::string_view(arguments[i]).starts_with(kCases))
      cases_path = std::string_view(arguments[i]).substr(kCases.size());
    else
      others.push_back(arguments[i]);
  }
  int other_count = static_cast<int>(others.size());
  benchmark::Initialize(&other_count, others.data());
  if (benchmark::ReportUnrecognizedArguments(other_count, others.data())) return 1;

  const auto all = subjects();
  const auto swaps = cases(all);
  if (!cases_path.empty()) write_cases(cases_path, all, swaps);
  for (const Case& swap : swaps) {
    benchmark::RegisterBenchmark(("quote/" + swap.name).c_str(), quote_case, swap);
    benchmark::RegisterBenchmark(("walk/" + swap.name).c_str(), walk_case, swap);
  }
  for (const auto& [name, pool] : all) {
    benchmark::RegisterBenchmark(("load/" + name).c_str(), load, pool);
    benchmark::RegisterBenchmark(("swap_logs/" + name).c_str(), apply_swaps, pool);
    benchmark::RegisterBenchmark(("mint_burn_narrow/" + name).c_str(), mint_and_burn, pool, Range::kNarrow);
    benchmark::RegisterBenchmark(("mint_burn_whole/" + name).c_str(), mint_and_burn, pool, Range::kWhole);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace sep::bench

int main(int count, char** arguments) {
  return sep::bench::run(count, arguments);
}
