#include "uniswap/tick_math.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sep::uniswap {
namespace {

// v3-core, test/TickMath.spec.ts and its snapshots.
TEST(TickMath, KnownRatios) {
  EXPECT_EQ(sqrt_ratio_at_tick(kMinTick), kMinSqrtRatio);
  EXPECT_EQ(sqrt_ratio_at_tick(kMaxTick), kMaxSqrtRatio);
  EXPECT_EQ(to_string(sqrt_ratio_at_tick(kMinTick + 1)), "4295343490");
  EXPECT_EQ(to_string(sqrt_ratio_at_tick(kMaxTick - 1)), "1461373636630004318706518188784493106690254656249");
  EXPECT_EQ(sqrt_ratio_at_tick(0), kQ96);
  EXPECT_EQ(to_string(sqrt_ratio_at_tick(50)), "79426470787362580746886972461");
  EXPECT_EQ(to_string(sqrt_ratio_at_tick(-50)), "79030349367926598376800521322");
  EXPECT_EQ(to_string(sqrt_ratio_at_tick(100)), "79625275426524748796330556128");
  EXPECT_EQ(to_string(kMaxSqrtRatio), "1461446703485210103287273052203988822378723970342");
}

TEST(TickMath, KnownTicks) {
  EXPECT_EQ(tick_at_sqrt_ratio(kMinSqrtRatio), kMinTick);
  EXPECT_EQ(tick_at_sqrt_ratio(4295343490U), kMinTick + 1);
  EXPECT_EQ(tick_at_sqrt_ratio(kMaxSqrtRatio - 1), kMaxTick - 1);
  EXPECT_EQ(tick_at_sqrt_ratio(parse_uint256("1461373636630004318706518188784493106690254656249").value()),
            kMaxTick - 1);
}

TEST(TickMath, EveryTickBeginsAtItsRatioAndNotBefore) {
  // Between two ratios nothing can change, so this decides every price there is.
  Uint256 ratio = kMinSqrtRatio;
  for (std::int32_t tick = kMinTick; tick < kMaxTick; ++tick) {
    const Uint256 next = sqrt_ratio_at_tick(tick + 1);
    ASSERT_LT(ratio, next);
    ASSERT_EQ(tick_at_sqrt_ratio(ratio), tick);
    ASSERT_EQ(tick_at_sqrt_ratio(next - 1), tick);
    ratio = next;
  }
}

RC_GTEST_PROP(TickMathProperty, ATicksRatioIsWhereTheTickBegins, ()) {
  const int tick = *rc::gen::inRange(kMinTick, kMaxTick);
  const Uint256 ratio = sqrt_ratio_at_tick(tick);
  RC_ASSERT(tick_at_sqrt_ratio(ratio) == tick);
  RC_ASSERT(sqrt_ratio_at_tick(tick + 1) > ratio);
  RC_ASSERT(tick_at_sqrt_ratio(sqrt_ratio_at_tick(tick + 1) - 1) == tick);
}

RC_GTEST_PROP(TickMathProperty, TheTickBracketsAnyRatio, ()) {
  const Uint256 high = sqrt_ratio_at_tick(*rc::gen::inRange(kMinTick, kMaxTick));
  const Uint256 ratio = std::min(high + (high >> 14) * *rc::gen::inRange(0U, 3U) / 3, kMaxSqrtRatio - 1);
  const int tick = tick_at_sqrt_ratio(ratio);
  RC_ASSERT(sqrt_ratio_at_tick(tick) <= ratio);
  RC_ASSERT(sqrt_ratio_at_tick(tick + 1) > ratio);
}

}  // namespace
}  // namespace sep::uniswap
