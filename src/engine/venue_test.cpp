#include "engine/venue.h"

#include <gtest/gtest.h>

#include "engine/test_support.h"
#include "uniswap/contracts.h"

namespace sep::engine {
namespace {

using namespace test;

SwapStep sample(SwapKind kind) {
  SwapStep swap;
  swap.kind = kind;
  swap.token_in = kUsdc;
  swap.token_out = kWeth;
  swap.amount_in = number("2500000000");
  swap.amount_out = wad("1");
  swap.bound = kind == SwapKind::kExactInput ? wad("0.99") : number("2525000000");
  swap.paths = {direct_path(swap, 0xa1, 3000)};
  swap.router = kRouter;
  swap.recipient = kAccount;
  swap.deadline_unix_s = 1'787'000'300;
  return swap;
}

TEST(Venue, NamesItself) {
  const UniswapV3Venue venue("ethereum");
  EXPECT_EQ(venue.venue(), "uniswap_v3");
  EXPECT_EQ(venue.chain(), "ethereum");
}

TEST(Venue, AnExactInputsCallHoldsAmountBoundAndDeadline) {
  const auto call = UniswapV3Venue("ethereum").build_swap_tx(sample(SwapKind::kExactInput));
  EXPECT_EQ(call.to, kRouter);
  const auto swap = uniswap::swap_router::decode_multicall(call.data);
  ASSERT_TRUE(swap) << swap.error().detail;
  EXPECT_EQ(*swap, (uniswap::swap_router::Swap{
                       uniswap::Kind::kExactInput,
                       kAccount,
                       1'787'000'300,
                       {{{{kUsdc.address, kWeth.address}, {3000}}, number("2500000000"), wad("0.99")}}}));
}

TEST(Venue, AnExactOutputsCallHoldsAmountBoundAndDeadline) {
  const auto call = UniswapV3Venue("ethereum").build_swap_tx(sample(SwapKind::kExactOutput));
  const auto swap = uniswap::swap_router::decode_multicall(call.data);
  ASSERT_TRUE(swap) << swap.error().detail;
  EXPECT_EQ(*swap, (uniswap::swap_router::Swap{
                       uniswap::Kind::kExactOutput,
                       kAccount,
                       1'787'000'300,
                       {{{{kUsdc.address, kWeth.address}, {3000}}, wad("1"), number("2525000000")}}}));
}

TEST(Venue, EachPathIsACallWithItsOwnBound) {
  auto step = sample(SwapKind::kExactOutput);
  auto& direct = step.paths.front();
  direct.amount_in = number("1500000000");
  direct.amount_out = wad("0.6");
  step.paths.push_back({number("1000000000"),
                        wad("0.4"),
                        {},
                        {{kUsdc.address, "USDC"}, {kDai.address, "DAI"}, {kWeth.address, "WETH"}},
                        {{address(0xa2), 100, 0, {}}, {address(0xa3), 10'000, 0, {}}}});
  set_bound(step, number("2525000000"));
  const auto call = UniswapV3Venue("ethereum").build_swap_tx(step);
  const auto swap = uniswap::swap_router::decode_multicall(call.data);
  ASSERT_TRUE(swap) << swap.error().detail;
  ASSERT_EQ(swap->paths.size(), 2U);
  EXPECT_EQ(swap->paths[0], (uniswap::swap_router::PathSwap{
                                {{kUsdc.address, kWeth.address}, {3000}}, wad("0.6"), number("1515000000")}));
  EXPECT_EQ(
      swap->paths[1],
      (uniswap::swap_router::PathSwap{
          {{kUsdc.address, kDai.address, kWeth.address}, {100, 10'000}}, wad("0.4"), number("1010000000")}));
}

TEST(Venue, TheCallOfAStepIsItsKinds) {
  const UniswapV3Venue venue("ethereum");
  const auto approve = call_of(ApproveStep{kUsdc, kRouter, number("2525000000")}, venue);
  EXPECT_EQ(approve.to, kUsdc.address);
  EXPECT_EQ(approve.data, uniswap::erc20::approve(kRouter, number("2525000000")));
  const auto swap = sample(SwapKind::kExactInput);
  EXPECT_EQ(call_of(swap, venue).to, kRouter);
  EXPECT_EQ(call_of(swap, venue).data, venue.build_swap_tx(swap).data);
}

TEST(Venue, AQuoteIsTheBestOfAllPools) {
  const UniswapV3Venue venue("ethereum");
  const auto cheap = usdc_weth(0xa1, 500);
  const auto dear = usdc_weth(0xa2, 10'000);
  const auto other = pool(0xa3, kWbtc, kWeth, 100, kWbtcWethTick, 1'000'000'000'000'000);
  const PoolBook pools({&other, &dear, &cheap}, settings().chain);
  const auto quote = [&](const Token& from, const Token& to, const Uint256& amount, SwapKind kind) {
    return venue.price_quote({from.address, to.address, amount, pools_kind(kind)}, pools);
  };
  const auto in = quote(kWeth, kUsdc, wad("1"), SwapKind::kExactInput);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->amount_in, wad("1"));
  EXPECT_EQ(in->amount_out, cheap.quote_exact_input(uniswap::Direction::kOneForZero, wad("1"))->amount_out);
  ASSERT_EQ(in->paths[0].hops.size(), 1U);
  EXPECT_EQ(in->paths[0].hops[0].pool, address(0xa1));
  const auto out = quote(kUsdc, kWeth, wad("1"), SwapKind::kExactOutput);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->amount_in, cheap.quote_exact_output(uniswap::Direction::kZeroForOne, wad("1"))->amount_in);

  EXPECT_EQ(quote(kDai, kUsdc, wad("1"), SwapKind::kExactInput).error().code, errc::kNoRoute);
  EXPECT_EQ(quote(kUsdc, kWeth, wad("100000"), SwapKind::kExactOutput).error().code,
            errc::kInsufficientLiquidity);
}

}  // namespace
}  // namespace sep::engine
