#include "engine/valuation.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/test_support.h"

namespace sep::engine {
namespace {

using namespace test;
using Big = boost::multiprecision::cpp_int;

Big big(const Uint256& value) {
  return Big(to_string(value));
}

Result<Uint256> value(const Token& token, const Uint256& amount, std::vector<const uniswap::Pool*> pools) {
  return Valuation(settings().chain, pools).usd(token, amount);
}

/// Within one part in 10^4: the ticks' prices are not round.
void expect_about(const Uint256& usd_wad, std::int64_t usd) {
  const Big expected = Big(usd) * Big(kWad);
  EXPECT_LT(abs(big(usd_wad) - expected) * 10'000, expected) << to_string(usd_wad);
}

TEST(Valuation, AStablecoinIsOneDollar) {
  EXPECT_EQ(*value(kUsdc, number("1234567"), {}), number("1234567000000000000"));
  EXPECT_EQ(*value(kDai, wad("3.000000000000000001"), {}), wad("3.000000000000000001"));
  Token fine{"FINE", "", address(0x10), 20, true};
  EXPECT_EQ(*value(fine, number("101"), {}), Uint256(2U));  // 1.01 units of 10^-18, rounded up
}

TEST(Valuation, OverOnePool) {
  const auto direct = usdc_weth();
  const auto usd = value(kWeth, wad("2"), {&direct});
  ASSERT_TRUE(usd);
  expect_about(*usd, 5'000);
}

TEST(Valuation, OverTwoPools) {
  const auto direct = usdc_weth();
  const auto wbtc = pool(0xa2, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000'000'000);
  const auto usd = value(kWbtc, units("0.5", kWbtc), {&wbtc, &direct});
  ASSERT_TRUE(usd);
  expect_about(*usd, 25'000);
}

TEST(Valuation, NoPathIsNoPrice) {
  const auto wbtc = pool(0xa2, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000'000'000);
  EXPECT_EQ(value(kWbtc, Uint256(1U), {&wbtc}).error().code, errc::kNoPrice);
  EXPECT_EQ(value(kWeth, Uint256(1U), {}).error().code, errc::kNoPrice);
}

TEST(Valuation, ThreePoolsAreTooFar) {
  Token far{"FAR", "", address(0x20), 18, false};
  auto chain = settings().chain;
  chain.tokens.push_back(far);
  const auto direct = usdc_weth();
  const auto wbtc = pool(0xa2, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000'000'000);
  const auto to_wbtc = pool(0xa3, far, kWbtc, 3000, 0, 1'000'000'000'000'000);
  const std::vector<const uniswap::Pool*> pools = {&direct, &wbtc, &to_wbtc};
  EXPECT_EQ(Valuation(chain, pools).usd(far, wad("1")).error().code, errc::kNoPrice);
}

TEST(Valuation, APoolWithoutLiquidityOrPriceDoesNotCount) {
  const auto outside = pool(0xa4, kUsdc, kWeth, 500, kUsdcWethTick, {{0, 1'000, 1'000'000}});
  uniswap::PoolState state;
  state.address = address(0xa5);
  state.token0 = kUsdc.address;
  state.token1 = kWeth.address;
  state.tick_spacing = 10;
  const auto unpriced = uniswap::Pool::create(state).value();
  EXPECT_EQ(value(kWeth, wad("1"), {&outside, &unpriced}).error().code, errc::kNoPrice);
  EXPECT_FALSE(at_spot(unpriced, kWeth.address, Uint256(1U)));
}

TEST(Valuation, TheDeepestPoolDecidesInAnyOrder) {
  const auto deep = pool(0xa2, kUsdc, kWeth, 500, kUsdcWethTick, 2 * kUsdcWethLiquidity);
  // Twice the dollars for a WETH, but half as deep.
  const auto skewed = pool(0xa1, kUsdc, kWeth, 3000, kUsdcWethTick - 6'930, kUsdcWethLiquidity);
  const auto expected = value(kWeth, wad("1"), {&deep});
  EXPECT_EQ(*value(kWeth, wad("1"), {&deep, &skewed}), *expected);
  EXPECT_EQ(*value(kWeth, wad("1"), {&skewed, &deep}), *expected);
  EXPECT_NE(*value(kWeth, wad("1"), {&skewed}), *expected);
}

TEST(Valuation, AStraightWayComesBeforeADeeperDetour) {
  const auto shallow = pool(0xa1, kUsdc, kWbtc, 500, -64'360, 1'000'000'000);
  const auto wbtc = pool(0xa2, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000'000'000'000);
  const auto weth = usdc_weth(0xa3);
  EXPECT_EQ(*value(kWbtc, Uint256(1'000'000U), {&shallow, &wbtc, &weth}),
            *value(kWbtc, Uint256(1'000'000U), {&shallow}));
}

TEST(Valuation, TheChainsCoinIsItsWrappedToken) {
  const auto direct = usdc_weth();
  const std::vector<const uniswap::Pool*> pools = {&direct};
  EXPECT_EQ(*Valuation(settings().chain, pools).native_usd(wad("0.25")), *value(kWeth, wad("0.25"), pools));
  auto chain = settings().chain;
  chain.contracts.weth = address(0x99);
  EXPECT_EQ(Valuation(chain, pools).native_usd(wad("1")).error().code, errc::kNoPrice);
}

TEST(Valuation, AUnitOfGasIsCountedInAnyToken) {
  const auto direct = usdc_weth();
  const auto wbtc = pool(0xa2, kWbtc, kWeth, 3000, kWbtcWethTick, 1'000'000'000'000'000);
  const std::vector<const uniswap::Pool*> pools = {&direct, &wbtc};
  const Valuation valuation(settings().chain, pools);
  const Uint256 price = number("20000000000");  // 20 gwei
  EXPECT_EQ(valuation.gas_unit_cost_wad(price, kWeth), price * Uint256(kWad));
  const auto about = [](const Uint256& cost_wad, const Big& expected) {
    EXPECT_LT(abs(big(cost_wad) - expected) * 1'000, expected) << to_string(cost_wad);
  };
  // 20 gwei at 2,500 USD are 0.00005 USD: 50 of USDC's units, and 0.1 satoshi where a bitcoin is 20 ether.
  about(valuation.gas_unit_cost_wad(price, kUsdc), Big(50) * Big(kWad));
  about(valuation.gas_unit_cost_wad(price, kWbtc), Big(kWad) / 10);
  EXPECT_EQ(valuation.gas_unit_cost_wad({}, kUsdc), Uint256());
  const Token unknown{"FAR", "", address(0x77), 18, false};
  EXPECT_EQ(valuation.gas_unit_cost_wad(price, unknown), Uint256());
  EXPECT_EQ(Valuation(settings().chain, {}).gas_unit_cost_wad(price, kUsdc), Uint256());
}

TEST(Valuation, GasIsNotCheaperInATokenThatIsWorthLittle) {
  // 10^9 units of 18 decimals for one of USDC's: a whole token is 10^-15 USD.
  auto chain = settings().chain;
  const Token dust{"DUST", "", address(0x21), 18, false};
  chain.tokens.push_back(dust);
  const auto direct = usdc_weth();
  const auto cheap = pool(0xa6, dust, kUsdc, 3000, -483'540, 1'000'000'000'000'000);
  const std::vector<const uniswap::Pool*> pools = {&direct, &cheap};
  const Valuation valuation(chain, pools);
  const Uint256 price = number("20000000000");
  const auto cost = valuation.gas_unit_cost_wad(price, dust);
  // 50 units of USDC (see above), at the pool's price.
  const auto expected = big(*at_spot(cheap, kUsdc.address, Uint256(50U) * Uint256(kWad)));
  EXPECT_LT(abs(big(cost) - expected) * 1'000, expected) << to_string(cost);
}

TEST(Valuation, AStablecoinIsOneWhoeverAsks) {
  auto forgotten = kUsdc;
  forgotten.stablecoin = false;  // as read from the record
  EXPECT_EQ(*value(forgotten, units("7", kUsdc), {}), wad("7"));
}

/// The exact value is amount · price; ours is never below it, and above by less than the two roundings can
/// add.
RC_GTEST_PROP(ValuationProperty, SpotIsRoundedUpAndTight, ()) {
  const auto tick = *rc::gen::inRange<std::int32_t>(-250'000, 250'000) / 10 * 10;
  const auto one = pool(0xa1, kUsdc, kWeth, 500, tick, 1'000'000'000'000);
  const auto amount = Uint256(*rc::gen::arbitrary<std::uint64_t>());
  const Big square = big(one.state().sqrt_price_x96) * big(one.state().sqrt_price_x96);
  const Big unit = Big(1) << 192;
  for (const bool zero_for_one : {true, false}) {
    const Big numerator = zero_for_one ? square : unit;
    const Big denominator = zero_for_one ? unit : square;
    const auto converted = at_spot(one, zero_for_one ? kUsdc.address : kWeth.address, amount);
    RC_ASSERT(converted.has_value());
    const Big scaled = big(*converted) * denominator;
    const Big exact = big(amount) * numerator;
    RC_ASSERT(scaled >= exact);
    // One unit for each rounding; the first is multiplied by the square root of the price.
    using boost::multiprecision::sqrt;
    RC_ASSERT(scaled - exact < denominator + (sqrt(numerator / denominator) + 1) * denominator);
  }
}

}  // namespace
}  // namespace sep::engine
