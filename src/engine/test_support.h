#pragma once
// For tests: a small world of four tokens, pools with a few ranges, a market over them, and intents.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "engine/intent.h"
#include "engine/market_state.h"
#include "engine/plan.h"
#include "engine/pool_book.h"
#include "engine/settings.h"
#include "uniswap/tick_math.h"

namespace sep::engine::test {

inline constexpr Timestamp kNow{1'787'000'000'000};

inline Address address(std::uint8_t digit) {
  Address made;
  made.bytes.fill(digit);
  return made;
}

inline Hash32 hash(std::uint8_t digit) {
  Hash32 made;
  made.bytes.fill(digit);
  return made;
}

inline Uint256 number(std::string_view decimal) {
  return parse_uint256(decimal).value();
}
/// "1.5" of 18 decimals.
inline Uint256 wad(std::string_view decimal) {
  return parse_decimal(decimal, 18).value();
}
inline Uint256 units(std::string_view amount, const Token& token) {
  return parse_decimal(amount, token.decimals).value();
}

// In the order of their addresses, which is the order of a pool's tokens.
inline const Token kDai{"DAI", "Dai", address(0x11), 18, true};
inline const Token kUsdc{"USDC", "USD Coin", address(0x22), 6, true};
inline const Token kWbtc{"WBTC", "Wrapped Bitcoin", address(0x33), 8, false};
inline const Token kWeth{"WETH", "Wrapped Ether", address(0x44), 18, false};
inline const Address kRouter = address(0x55);
inline const Address kAccount = address(0x66);

// Ticks of round prices.
inline constexpr std::int32_t kUsdcWethTick = 198'080;  // 1 WETH is about 2,500 USDC
inline constexpr std::int32_t kDaiWethTick = -78'240;   // 1 WETH is about 2,500 DAI
inline constexpr std::int32_t kWbtcWethTick = 260'230;  // 1 WBTC is about 20 WETH

struct Range {
  std::int32_t lower;
  std::int32_t upper;
  std::uint64_t liquidity;
};

/// A pool of the two tokens (in any order) at the price of `tick`.
inline uniswap::Pool pool(std::uint8_t digit, const Token& a, const Token& b, std::uint32_t fee_pips,
                          std::int32_t tick, std::initializer_list<Range> ranges) {
  uniswap::PoolState state;
  state.address = address(digit);
  state.token0 = std::min(a.address, b.address);
  state.token1 = std::max(a.address, b.address);
  state.fee_pips = fee_pips;
  state.tick_spacing = 10;
  state.sqrt_price_x96 = uniswap::sqrt_ratio_at_tick(tick);
  state.tick = tick;
  std::map<std::int32_t, uniswap::TickInfo> ticks;
  for (const auto& range : ranges) {
    for (const auto edge : {range.lower, range.upper}) {
      auto& info = ticks[edge];
      info.tick = edge;
      info.liquidity_gross += range.liquidity;
      if (edge == range.lower)
        info.liquidity_net += range.liquidity;
      else
        info.liquidity_net -= range.liquidity;
    }
    if (range.lower <= tick && tick < range.upper) state.liquidity += range.liquidity;
  }
  for (const auto& [edge, info] : ticks) state.ticks.push_back(info);
  return uniswap::Pool::create(std::move(state)).value();
}

/// `liquidity` around the tick, 6,000 ticks to both sides.
inline uniswap::Pool pool(std::uint8_t digit, const Token& a, const Token& b, std::uint32_t fee_pips,
                          std::int32_t tick, std::uint64_t liquidity) {
  return pool(digit, a, b, fee_pips, tick, {{tick - 6'000, tick + 6'000, liquidity}});
}

/// About 1,000 WETH deep in the pool's own range.
inline constexpr std::uint64_t kUsdcWethLiquidity = 50'000'000'000'000'000;
inline uniswap::Pool usdc_weth(std::uint8_t digit = 0xa1, std::uint32_t fee_pips = 500,
                               std::uint64_t liquidity = kUsdcWethLiquidity) {
  return pool(digit, kUsdc, kWeth, fee_pips, kUsdcWethTick - kUsdcWethTick % 10, liquidity);
}

inline Settings settings() {
  Settings made;
  made.chain.chain_id = 31'337;
  made.chain.tokens = {kWeth, kUsdc, kWbtc, kDai};
  made.chain.contracts.weth = kWeth.address;
  made.chain.contracts.swap_router = kRouter;
  made.risk.max_notional_usd_wad = wad("10000");
  made.risk.max_slippage_wad = wad("0.05");
  made.risk.max_price_impact_wad = wad("0.05");
  auto& execution = made.execution;
  execution.max_fee_per_gas_wei = number("100000000000");
  execution.passive = {number("100000000"), 120, 60'000};
  execution.normal = {number("1000000000"), 200, 30'000};
  execution.aggressive = {number("3000000000"), 300, 10'000};
  return made;
}

inline MarketState market(std::vector<uniswap::Pool> pools = {usdc_weth()}) {
  MarketState state;
  state.revision = 1;
  state.block = {100, hash(0xb1), kNow.unix_seconds() - 1, number("10000000000")};
  state.block_interval_ms = 12'000;
  state.confirmed_at = kNow.plus_ms(-100);
  for (auto& one : pools) state.pools.push_back({std::move(one), ""});
  AccountState account;
  account.address = kAccount;
  account.native_wei = wad("10");
  for (const auto& token : settings().chain.tokens) account.balances[token.address] = units("100000", token);
  state.account = account;
  return state;
}

/// Of pools of `market`, which must outlive it.
inline Valuation valuation(const MarketState& market) {
  return {settings().chain, market.usable_pools()};
}

/// A path of the whole swap through one pool.
inline SwapPath direct_path(const SwapStep& swap, std::uint8_t pool_digit, std::uint32_t fee_pips) {
  return {swap.amount_in,
          swap.amount_out,
          swap.bound,
          {{swap.token_in.address, swap.token_in.symbol}, {swap.token_out.address, swap.token_out.symbol}},
          {{address(pool_digit), fee_pips, 3, uniswap::kQ96}}};
}

/// 1 WETH against USDC, 1 % slippage, five minutes.
inline json::object intent_document(std::string_view type = "acquire", std::string_view amount = "1",
                                    const Token& base = kWeth, const Token& quote = kUsdc) {
  return {{"strategy_id", "demo"},
          {"intent_type", type},
          {"assets", json::array{asset_json(base, "ethereum"), asset_json(quote, "ethereum")}},
          {"amount", amount},
          {"constraints", json::object{{"max_slippage", "0.01"}, {"time_window", 300}}}};
}

inline json::object with_criteria(
    json::object document, std::initializer_list<std::pair<std::string_view, std::string_view>> criteria) {
  json::array list;
  for (const auto& [metric, value] : criteria)
    list.push_back(json::object{{"metric", metric}, {"value", value}});
  document["success_criteria"] = std::move(list);
  return document;
}

inline Intent intent(const json::object& document) {
  return parse_intent(document, settings().chain).value();
}

}  // namespace sep::engine::test
