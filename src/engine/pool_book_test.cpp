#include "engine/pool_book.h"

#include <gtest/gtest.h>

#include "engine/test_support.h"

namespace sep::engine {
namespace {

using namespace test;

ChainSettings chain() {
  return settings().chain;
}

/// What of a book decides prices: each pool's bounds, both ways, and what a token is worth.
void expect_same(const PoolBook& a, const PoolBook& b) {
  ASSERT_EQ(a.graph.pool_count(), b.graph.pool_count());
  for (std::uint32_t i = 0; i < a.graph.pool_count(); ++i) {
    EXPECT_EQ(&a.graph.pool(i), &b.graph.pool(i));
    for (const auto direction : {uniswap::Direction::kZeroForOne, uniswap::Direction::kOneForZero}) {
      const auto& x = a.graph.swap_bounds(i, direction);
      const auto& y = b.graph.swap_bounds(i, direction);
      EXPECT_EQ(x.rate, y.rate);
      EXPECT_EQ(x.inverse_depth_out, y.inverse_depth_out);
      EXPECT_EQ(x.inverse_held, y.inverse_held);
    }
  }
  EXPECT_EQ(a.valuation.usd(kWeth, wad("1")).value_or(0), b.valuation.usd(kWeth, wad("1")).value_or(0));
}

class PoolBookTest : public testing::Test {
 protected:
  /// The update that makes `state` into `after`, and the book's refresh.
  void update(MarketState after, const std::vector<Address>& changed) {
    after.revision = state.revision + 1;
    const auto applied =
        apply_update(state, parse_json(json::serialize(update_json(after, changed)))->get_object());
    ASSERT_TRUE(applied) << applied.error().detail;
    EXPECT_EQ(*applied, changed);
    book.refresh(state, chain(), *applied);
  }

  MarketState state = market({usdc_weth(0xa1), usdc_weth(0xa2, 3000)});
  PoolBook book{state, chain()};
};

TEST_F(PoolBookTest, APoolThatChangedIsReadAnew) {
  auto after = state;
  // Deeper and dearer: another bound, and the pool that values WETH.
  after.pools[1].pool =
      pool(0xa2, kUsdc, kWeth, 3000, kUsdcWethTick + 1000, {{-600'000, 600'000, 100 * kUsdcWethLiquidity}});
  const auto worth = book.valuation.usd(kWeth, wad("1")).value();
  update(after, {address(0xa2)});
  EXPECT_NE(book.valuation.usd(kWeth, wad("1")).value(), worth);
  expect_same(book, PoolBook(state, chain()));
}

TEST_F(PoolBookTest, APoolThatCameOrIsQuarantinedMakesItAnew) {
  auto after = state;
  after.pools.push_back({usdc_weth(0xa3, 100), ""});
  update(after, {address(0xa3)});
  EXPECT_EQ(book.graph.pool_count(), 3U);
  expect_same(book, PoolBook(state, chain()));

  after = state;
  after.pools[0].quarantine = "differs";
  update(after, {address(0xa1)});
  EXPECT_EQ(book.graph.pool_count(), 2U);
  expect_same(book, PoolBook(state, chain()));
}

}  // namespace
}  // namespace sep::engine
