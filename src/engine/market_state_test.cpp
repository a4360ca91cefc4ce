#include "engine/market_state.h"

#include <gtest/gtest.h>

#include "engine/test_support.h"

namespace sep::engine {
namespace {

using namespace test;

MarketState sample() {
  auto state = market({usdc_weth(0xa1), usdc_weth(0xa2, 3000)});
  state.source = "a market";
  state.revision = 7;
  state.pools[1].quarantine = "a Swap log differs";
  state.account->allowances[kUsdc.address] = number("5");
  return state;
}

/// As it travels: through text.
json::object sent(const json::object& document) {
  return parse_json(json::serialize(document))->get_object();
}

void expect_same(const MarketState& a, const MarketState& b) {
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.revision, b.revision);
  EXPECT_EQ(a.block, b.block);
  EXPECT_EQ(a.block_interval_ms, b.block_interval_ms);
  EXPECT_EQ(a.confirmed_at, b.confirmed_at);
  EXPECT_EQ(a.account, b.account);
  ASSERT_EQ(a.pools.size(), b.pools.size());
  for (std::size_t i = 0; i < a.pools.size(); ++i) {
    EXPECT_EQ(a.pools[i].pool.state(), b.pools[i].pool.state());
    EXPECT_EQ(a.pools[i].quarantine, b.pools[i].quarantine);
  }
}

/// The next block: a new price in the first pool, other balances.
MarketState next(const MarketState& state) {
  auto later = state;
  ++later.revision;
  later.block = {state.block.number + 1, hash(0xb2), state.block.timestamp_s + 12, number("11000000000")};
  later.confirmed_at = state.confirmed_at.plus_ms(12'000);
  later.account->native_wei = wad("9.5");
  later.account->balances[kWeth.address] = wad("3");
  later.account->allowances.clear();
  later.pools[0].pool = usdc_weth(0xa1, 500, 2 * kUsdcWethLiquidity);
  return later;
}

TEST(MarketState, ASnapshotIsTheState) {
  const auto state = sample();
  const auto read = market_from_snapshot(sent(snapshot_json(state)));
  ASSERT_TRUE(read) << read.error().detail;
  expect_same(*read, state);

  auto without_account = state;
  without_account.account.reset();
  expect_same(*market_from_snapshot(sent(snapshot_json(without_account))), without_account);
}

TEST(MarketState, AnUpdateBringsWhatChanged) {
  const auto before = sample();
  const auto after = next(before);
  const auto update = sent(update_json(after, {address(0xa1)}));
  EXPECT_EQ(update.at("pools").as_array().size(), 1U);
  auto state = *market_from_snapshot(sent(snapshot_json(before)));
  const auto applied = apply_update(state, update);
  ASSERT_TRUE(applied) << applied.error().detail;
  expect_same(state, after);
}

TEST(MarketState, AnUpdateMayBringANewPoolAndAQuarantine) {
  const auto before = sample();
  auto after = before;
  ++after.revision;
  after.pools[0].quarantine = "differs";
  after.pools.push_back({pool(0xa3, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000), ""});
  auto state = before;
  ASSERT_TRUE(apply_update(state, sent(update_json(after, {address(0xa1), address(0xa3)}))));
  expect_same(state, after);
}

TEST(MarketState, AGapIsRefusedAndAnOldUpdateIgnored) {
  const auto first = sample();
  const auto second = next(first);
  const auto third = next(second);
  auto state = first;
  const auto gap = apply_update(state, sent(update_json(third, {})));
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, errc::kSequenceConflict);
  expect_same(state, first);
  EXPECT_TRUE(apply_update(state, sent(update_json(first, {address(0xa1)}))));
  expect_same(state, first);
  ASSERT_TRUE(apply_update(state, sent(update_json(second, {address(0xa1)}))));
  ASSERT_TRUE(apply_update(state, sent(update_json(third, {address(0xa1)}))));
  expect_same(state, third);
}

TEST(MarketState, AnUpdateOfAnotherMarketIsRefusedWhateverItsRevision) {
  const auto before = sample();
  for (const std::uint64_t revision : {1U, 7U, 8U, 9U}) {
    auto others = next(before);
    others.source = "another";
    others.revision = revision;
    auto state = before;
    const auto applied = apply_update(state, sent(update_json(others, {address(0xa1)})));
    ASSERT_FALSE(applied) << revision;
    EXPECT_EQ(applied.error().code, errc::kSequenceConflict);
    expect_same(state, before);
  }
}

TEST(MarketState, AMalformedUpdateChangesNothing) {
  const auto before = sample();
  const auto update = sent(update_json(next(before), {address(0xa1)}));
  for (const auto* key : {"source", "revision", "block", "block_interval_ms", "confirmed_at_ms", "pools"}) {
    for (const bool absent : {true, false}) {
      auto spoilt = update;
      if (absent)
        spoilt.erase(key);
      else
        spoilt[key] = "?";
      auto state = before;
      EXPECT_FALSE(apply_update(state, spoilt)) << key;
      expect_same(state, before);
    }
  }
}

TEST(MarketState, AStateThatNoPoolCanBeInIsRefused) {
  auto document = sent(snapshot_json(sample()));
  document["pools"].as_array()[0].as_object()["liquidity"] = "1";
  const auto read = market_from_snapshot(document);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::kInvalidValue);
}

TEST(MarketState, PoolsInQuarantineOrWithoutAPriceAreNotUsed) {
  auto state = sample();
  uniswap::PoolState unpriced;
  unpriced.token1 = address(1);
  unpriced.tick_spacing = 1;
  state.pools.push_back({uniswap::Pool::create(unpriced).value(), ""});
  const auto usable = state.usable_pools();
  ASSERT_EQ(usable.size(), 1U);
  EXPECT_EQ(usable[0]->state().address, address(0xa1));
}

TEST(MarketState, FreshUpToTheAllowedAge) {
  MarketSettings limits;
  limits.max_age_ms = 5'000;
  auto state = sample();
  state.confirmed_at = kNow;
  EXPECT_TRUE(state.check_fresh(kNow.plus_ms(5'000), limits));
  EXPECT_EQ(state.check_fresh(kNow.plus_ms(5'001), limits).error().code, errc::kStaleMarket);

  limits.max_block_age_s = 60;
  state.block.timestamp_s = kNow.unix_seconds() - 60;
  EXPECT_TRUE(state.check_fresh(kNow, limits));
  state.block.timestamp_s -= 1;
  EXPECT_EQ(state.check_fresh(kNow, limits).error().code, errc::kStaleMarket);

  state = sample();
  state.revision = 0;
  EXPECT_EQ(state.check_fresh(kNow, {}).error().code, errc::kStaleMarket);
}

}  // namespace
}  // namespace sep::engine
