#pragma once
// The pools and swaps that prices are measured on, here and in bench/peers/pricing.ts: a real state where it
// is at hand, and synthetic ones.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "uniswap/pool.h"
#include "uniswap/pools_file.h"
#include "uniswap/tick_math.h"

namespace sep::bench {

using uniswap::Direction;
using uniswap::Kind;
using uniswap::Pool;

struct Subject {
  std::string name;
  Pool pool;
};

/// A pool at tick 30, spacing 60, with `ticks` initialised ticks, as many below as above. Every tick opens or
/// closes a position of a size of its own.
inline Pool synthetic_pool(int ticks, std::uint16_t id = 0) {
  uniswap::PoolState state;
  state.token0.bytes = {1};
  state.token1.bytes = {2, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
  state.address.bytes = {3, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
  state.fee_pips = 3000;
  state.tick_spacing = 60;
  state.tick = 30;
  state.sqrt_price_x96 = uniswap::sqrt_ratio_at_tick(30) + 12'345'678'901U;
  const int half = ticks / 2;
  std::uint64_t seed = 88172645463325252U;
  const auto random = [&] {  // xorshift64
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
  };
  std::vector<uniswap::TickInfo> above;
  for (int i = half; i >= 1; --i) {
    const auto amount = static_cast<u128>(100'000'000'000'000'000U + random() % 1'000'000'000'000'000'000U);
    state.ticks.push_back({-60 * i, amount, static_cast<i128>(amount)});
    above.push_back({60 * i, amount, -static_cast<i128>(amount)});
    state.liquidity += amount;
  }
  state.ticks.insert(state.ticks.end(), above.rbegin(), above.rend());
  return Pool::create(std::move(state)).value();
}

/// Where the real states are: SEP_REAL_DATA, or beside the checkout that the program is started in.
inline std::filesystem::path real_data() {
  if (const char* configured = std::getenv("SEP_REAL_DATA")) return configured;
  return "../shared/data/univ3";
}

inline std::vector<Subject> subjects() {
  std::vector<Subject> list;
  const auto path = real_data() / "wbtc_weth_3000" / "pools.json";
  if (std::ifstream file(path); file) {
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto parsed = uniswap::parse_pools_file(text).value();
    list.push_back({"wbtc_weth_458", Pool::create(std::move(parsed.pools.at(0))).value()});
  } else {
    std::fprintf(stderr, "no real state at %s (SEP_REAL_DATA): only synthetic pools are measured\n",
                 path.c_str());
  }
  for (const int ticks : {50, 500, 5000})
    list.push_back({"synthetic_" + std::to_string(ticks), synthetic_pool(ticks)});
  return list;
}

struct Case {
  std::string name;
  const Pool* pool;
  Direction direction;
  Kind kind;
  Uint256 amount;
  uniswap::SwapResult result;
};

inline Result<uniswap::SwapResult> quote(const Pool& pool, Direction direction, Kind kind,
                                         const Uint256& amount) {
  return kind == Kind::kExactInput ? pool.quote_exact_input(direction, amount)
                                   : pool.quote_exact_output(direction, amount);
}

/// The least amount that crosses at least `ticks` ticks; 0 where none does.
inline Uint256 least_across(const Pool& pool, Direction direction, Kind kind, std::uint32_t ticks) {
  Uint256 low = 0;
  Uint256 high = Uint256::pow2(200);
  const auto crosses = [&](const Uint256& amount) {
    const auto result = quote(pool, direction, kind, amount);
    return result && result->ticks_crossed >= ticks;
  };
  if (!crosses(high)) return 0;
  while (high - low > 1) {
    const Uint256 middle = (low + high) >> 1;
    (crosses(middle) ? high : low) = middle;
  }
  return high;
}

/// Swaps that cross exactly 0, 5, 50 and 300 ticks and end half way to the next one, where the pool has as
/// many.
inline std::vector<Case> cases(const std::vector<Subject>& subjects) {
  std::vector<Case> list;
  for (const auto& [name, pool] : subjects) {
    for (const auto direction : {Direction::kZeroForOne, Direction::kOneForZero}) {
      for (const auto kind : {Kind::kExactInput, Kind::kExactOutput}) {
        for (const std::uint32_t ticks : {0U, 5U, 50U, 300U}) {
          const Uint256 least = ticks == 0 ? Uint256(0) : least_across(pool, direction, kind, ticks);
          const Uint256 beyond = least_across(pool, direction, kind, ticks + 1);
          if ((ticks != 0 && least.is_zero()) || beyond.is_zero()) continue;
          const Uint256 amount = (least + beyond) >> 1;
          const auto result = quote(pool, direction, kind, amount);
          if (!result || !result->complete || result->ticks_crossed != ticks) continue;
          list.push_back({name + (direction == Direction::kZeroForOne ? "/falling" : "/rising") +
                              (kind == Kind::kExactInput ? "/exact_input/" : "/exact_output/") +
                              std::to_string(ticks),
                          &pool, direction, kind, amount, *result});
        }
      }
    }
  }
  return list;
}

}  // namespace sep::bench
