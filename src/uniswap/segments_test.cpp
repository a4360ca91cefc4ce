// Quotes by search against the walk, step by step, on random pools: SEP_PRICING_SWAPS=5000000 for a long run,
// and SEP_PRICING_SEED for another one.
#include "uniswap/segments.h"

#include <chrono>
#include <cstdlib>
#include <new>
#include <random>

#include <gtest/gtest.h>

#include "uniswap/pool.h"
#include "uniswap/tick_math.h"

namespace {
thread_local std::uint64_t allocations = 0;
}

// NOLINTBEGIN(*no-malloc*)
void* operator new(std::size_t size) {
  ++allocations;
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

namespace sep::uniswap {
namespace {

constexpr Direction kDirections[] = {Direction::kZeroForOne, Direction::kOneForZero};
constexpr Kind kKinds[] = {Kind::kExactInput, Kind::kExactOutput};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  /// In [low, high].
  std::int32_t between(std::int32_t low, std::int32_t high) {
    return low + static_cast<std::int32_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool once_in(std::uint64_t count) { return engine_() % count == 0; }
  /// Of at most `bits` bits, each length as likely; above 0.
  u128 number(std::int32_t bits) {
    const u128 value = static_cast<u128>(engine_()) << 64 | engine_();
    return (value >> (128 - between(1, bits))) | 1;
  }
  template <class T, std::size_t N>
  const T& element(const T (&list)[N]) {
    return list[engine_() % N];
  }

 private:
  std::mt19937_64 engine_;
};

struct Tier {
  std::uint32_t fee_pips;
  std::int32_t spacing;
};
constexpr Tier kTiers[] = {{100, 1}, {500, 10}, {3000, 60}, {10000, 200}, {0, 60}, {999999, 60}};

PoolState empty_state(Tier tier) {
  PoolState state;
  state.address.bytes[19] = 3;
  state.token0.bytes[19] = 1;
  state.token1.bytes[19] = 2;
  state.fee_pips = tier.fee_pips;
  state.tick_spacing = tier.spacing;
  return state;
}

struct Position {
  std::int32_t lower;
  std::int32_t upper;
  u128 liquidity;
};

/// Positions near the price and far away, with gaps and empty words between, over the whole range, or at its
/// ends.
Position random_position(Random& random, const Pool& pool) {
  const std::int32_t spacing = pool.state().tick_spacing;
  const std::int32_t limit = kMaxTick / spacing;
  const std::int32_t near = pool.state().tick / spacing;
  constexpr std::int32_t kReaches[] = {2, 20, 300, 3'000};
  const std::int32_t reach = random.element(kReaches);
  std::int32_t lower = near + random.between(-reach, reach);
  std::int32_t upper = lower + random.between(1, reach);
  if (random.once_in(12)) lower = -limit;
  if (random.once_in(12)) upper = limit;
  lower = std::clamp(lower, -limit, limit - 1);
  upper = std::clamp(upper, lower + 1, limit);
  return {lower * spacing, upper * spacing, random.number(random.once_in(10) ? 122 : 90)};
}

Uint256 random_price(Random& random, std::int32_t spacing) {
  const bool anywhere = random.once_in(8);
  const std::int32_t tick =
      anywhere ? random.between(kMinTick, kMaxTick - 1) : random.between(-150'000, 150'000);
  // Exactly on a tick, on one that can be initialised, or between two.
  if (random.once_in(4)) return sqrt_ratio_at_tick(tick);
  if (random.once_in(4)) return sqrt_ratio_at_tick(tick / spacing * spacing);
  const Uint256 low = sqrt_ratio_at_tick(tick);
  return low + (sqrt_ratio_at_tick(tick + 1) - low) * random.number(20) / (1U << 20);
}

struct Made {
  Pool pool;
  std::vector<Position> positions;
};

Made random_pool(Random& random) {
  const Tier tier = random.element(kTiers);
  Made made{Pool::create(empty_state(tier)).value(), {}};
  EXPECT_TRUE(made.pool.initialize(random_price(random, tier.spacing)));
  constexpr std::int32_t kCounts[] = {1, 4, 15, 60};
  const std::int32_t count = random.between(1, random.element(kCounts));
  for (std::int32_t i = 0; i < count; ++i) {
    const Position position = random_position(random, made.pool);
    if (made.pool.apply_mint(position.lower, position.upper, position.liquidity))
      made.positions.push_back(position);
  }
  return made;
}

/// What the way to each of the first stops takes and gives, found tick by tick.
std::vector<Uint256> boundaries(const Pool& pool, Direction direction, Kind kind, std::size_t most) {
  const PoolState& state = pool.state();
  const std::int32_t word = 256 * state.tick_spacing;
  const bool falls = direction == Direction::kZeroForOne;
  const auto floor_to_word = [&](std::int32_t tick) { return (tick - ((tick % word) + word) % word); };
  std::vector<Uint256> sums;
  Uint256 sum;
  Uint256 price = state.sqrt_price_x96;
  std::int32_t tick = state.tick;
  u128 liquidity = state.liquidity;
  while (sums.size() < most) {
    std::int32_t stop = falls ? floor_to_word(tick) : floor_to_word(tick + state.tick_spacing) + word;
    if (!falls) stop -= state.tick_spacing;
    const TickInfo* crossed = nullptr;
    for (const TickInfo& info : state.ticks) {
      if (falls ? info.tick <= tick && info.tick >= stop : info.tick > tick && info.tick <= stop) {
        crossed = &info;
        stop = info.tick;
        if (!falls) break;
      }
    }
    if (stop <= kMinTick || stop >= kMaxTick) break;
    const Uint256 target = sqrt_ratio_at_tick(stop);
    const SwapStep step = compute_whole_step(price, target, liquidity, direction, state.fee_pips);
    sum += kind == Kind::kExactInput ? step.amount_in + step.fee_amount : step.amount_out;
    sums.push_back(sum);
    if (crossed != nullptr)
      liquidity += static_cast<u128>(falls ? -crossed->liquidity_net : crossed->liquidity_net);
    price = target;
    tick = falls ? stop - 1 : stop;
  }
  return sums;
}

std::string text(const Result<SwapResult>& result) {
  if (!result) return std::string(result.error().code);
  return to_string(result->amount_in) + " in, " + to_string(result->amount_out) + " out, " +
         to_string(result->fee_amount) + " fee, price " + to_string(result->sqrt_price_x96_after) +
         ", tick " + std::to_string(result->tick_after) + ", liquidity " +
         to_string(Uint256(result->liquidity_after)) + ", crossed " + std::to_string(result->ticks_crossed) +
         ", steps " + std::to_string(result->steps) + (result->complete ? "" : ", partial");
}

Result<SwapResult> quote(const Pool& pool, Direction direction, Kind kind, const Uint256& amount) {
  return kind == Kind::kExactInput ? pool.quote_exact_input(direction, amount)
                                   : pool.quote_exact_output(direction, amount);
}

/// Whether an exchange is what a complete swap says, and none where there is no such.
bool agrees(const std::optional<Exchange>& exchange, Kind kind, const Result<SwapResult>& walked) {
  if (!walked || !walked->complete) return !exchange;
  return exchange && exchange->ticks_crossed == walked->ticks_crossed && exchange->steps == walked->steps &&
         exchange->other_amount == (kind == Kind::kExactInput ? walked->amount_out : walked->amount_in);
}

/// True where search and walk say the same.
bool same(const Pool& pool, Direction direction, Kind kind, const Uint256& amount) {
  const auto searched = quote(pool, direction, kind, amount);
  const auto walked = pool.quote_by_walk(direction, kind, amount);
  const auto exchange = pool.exchange(direction, kind, amount);
  const bool agree = agrees(exchange, kind, walked);
  if (agree && searched && walked && *searched == *walked) return true;
  if (agree && !searched && !walked && searched.error().code == walked.error().code) return true;
  const PoolState& state = pool.state();
  ADD_FAILURE() << (agree ? "" : "the exchange differs, ") << "search: " << text(searched)
                << "\n  walk: " << text(walked) << "\n  amount " << to_string(amount)
                << (direction == Direction::kZeroForOne ? ", falling" : ", rising")
                << (kind == Kind::kExactInput ? ", exact input" : ", exact output") << ", fee "
                << state.fee_pips << ", spacing " << state.tick_spacing << ", tick " << state.tick << ", "
                << state.ticks.size() << " ticks";
  return false;
}

/// Random amounts, and those at which a stop is reached exactly, with one unit less and more.
std::uint64_t compare(Random& random, const Pool& pool, Direction direction, Kind kind, bool& agree) {
  std::uint64_t swaps = 0;
  for (int i = 0; i < 6 && agree; ++i, ++swaps)
    agree = same(pool, direction, kind, random.number(random.once_in(6) ? 128 : 100));
  if (agree) agree = same(pool, direction, kind, Uint256::pow2(255) - 1);
  const auto sums = boundaries(pool, direction, kind, static_cast<std::size_t>(random.between(1, 60)));
  for (int i = 0; i < 4 && agree && !sums.empty(); ++i) {
    const Uint256& sum = sums[static_cast<std::size_t>(random.between(0, static_cast<int>(sums.size()) - 1))];
    for (const Uint256& amount : {sum, sum + 1, sum.is_zero() ? sum : sum - 1}) {
      agree = agree && same(pool, direction, kind, amount);
      ++swaps;
    }
  }
  return swaps + 1;
}

/// A swap, a new position, or one that leaves, whole or in part.
void change(Random& random, Made& made) {
  Pool& pool = made.pool;
  const auto choice = random.between(0, 3);
  if (choice == 0 || made.positions.empty()) {
    const Position position = random_position(random, pool);
    if (pool.apply_mint(position.lower, position.upper, position.liquidity))
      made.positions.push_back(position);
  } else if (choice == 1) {
    const auto index =
        static_cast<std::size_t>(random.between(0, static_cast<int>(made.positions.size()) - 1));
    Position& position = made.positions[index];
    const u128 amount = random.once_in(2) ? position.liquidity : position.liquidity / 3;
    ASSERT_TRUE(pool.apply_burn(position.lower, position.upper, amount));
    position.liquidity -= amount;
    if (position.liquidity == 0)
      made.positions.erase(made.positions.begin() + static_cast<std::ptrdiff_t>(index));
  } else {
    const Direction direction = random.element(kDirections);
    const auto swap = pool.quote_by_walk(direction, random.element(kKinds), random.number(100));
    if (!swap) return;
    const SignedAmount in{swap->amount_in, false};
    const SignedAmount out{swap->amount_out, !swap->amount_out.is_zero()};
    const bool falls = direction == Direction::kZeroForOne;
    const auto applied = pool.apply_swap({falls ? in : out, falls ? out : in, swap->sqrt_price_x96_after,
                                          swap->liquidity_after, swap->tick_after});
    // A log whose amounts are both zero does not say its direction.
    if (!swap->amount_in.is_zero()) ASSERT_TRUE(applied) << applied.error().detail << text(swap);
  }
}

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

TEST(Segments, SearchingIsWalking) {
  const std::uint64_t wanted = number_from_environment("SEP_PRICING_SWAPS", 25'000);
  Random random(number_from_environment("SEP_PRICING_SEED", 1));
  std::uint64_t swaps = 0;
  std::uint64_t pools = 0;
  std::uint64_t states = 0;
  bool agree = true;
  while (swaps < wanted && agree) {
    Made made = random_pool(random);
    ++pools;
    for (int round = 0; round < 6 && agree; ++round) {
      ++states;
      for (const Direction direction : kDirections)
        for (const Kind kind : kKinds)
          if (agree) swaps += compare(random, made.pool, direction, kind, agree);
      change(random, made);
      ASSERT_TRUE(Pool::create(made.pool.state()));
    }
  }
  RecordProperty("swaps", std::to_string(swaps));
  std::printf("%llu swaps compared on %llu states of %llu pools\n", static_cast<unsigned long long>(swaps),
              static_cast<unsigned long long>(states), static_cast<unsigned long long>(pools));
}

TEST(Segments, QuotesDoNotAllocate) {
  Random random(7);
  for (int i = 0; i < 50; ++i) {
    const Pool pool = random_pool(random).pool;
    for (const Direction direction : kDirections) {
      for (const Kind kind : kKinds) {
        const Uint256 amount = random.number(100);
        const std::uint64_t before = allocations;
        const auto result = quote(pool, direction, kind, amount);
        const std::uint64_t after = allocations;
        if (result) EXPECT_EQ(after, before);
        const bool exchanged = pool.exchange(direction, kind, amount).has_value();
        EXPECT_EQ(allocations, after) << exchanged;
      }
    }
  }
}

}  // namespace
}  // namespace sep::uniswap
