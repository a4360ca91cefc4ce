#include "engine/valuation.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/intent.h"

namespace sep::engine {
namespace {

const Uint256 kQ96 = Uint256::pow2(96);
constexpr unsigned kWadDecimals = 18;

bool holds(const uniswap::Pool& pool, const Address& token) {
  return pool.state().token0 == token || pool.state().token1 == token;
}

const Address& other(const uniswap::Pool& pool, const Address& token) {
  return pool.state().token0 == token ? pool.state().token1 : pool.state().token0;
}

/// How much of `token` the liquidity in range is worth at the present price (its virtual reserve).
Uint256 depth(const uniswap::Pool& pool, const Address& token) {
  const auto& state = pool.state();
  if (state.sqrt_price_x96.is_zero()) return {};
  const Uint256 liquidity(state.liquidity);
  const auto reserve = state.token0 == token ? mul_div(liquidity, kQ96, state.sqrt_price_x96)
                                             : mul_div(liquidity, state.sqrt_price_x96, kQ96);
  return reserve.value_or(Uint256());
}

std::optional<Uint256> to_wad(const Uint256& amount, unsigned decimals) {
  if (decimals <= kWadDecimals) return checked_mul(amount, pow10(kWadDecimals - decimals));
  return div_rounding_up(amount, pow10(decimals - kWadDecimals));
}

std::optional<Uint256> value_over(const Token& token, const Uint256& amount, const ChainSettings& chain,
                                  std::span<const uniswap::Pool* const> pools, unsigned hops) {
  if (token.stablecoin) return to_wad(amount, token.decimals);
  if (hops == 0) return std::nullopt;
  std::vector<const uniswap::Pool*> deepest_first;
  for (const auto* pool : pools)
    if (holds(*pool, token.address) && !depth(*pool, token.address).is_zero()) deepest_first.push_back(pool);
  std::ranges::sort(deepest_first, [&](const auto* a, const auto* b) {
    const auto depth_a = depth(*a, token.address);
    const auto depth_b = depth(*b, token.address);
    return depth_a != depth_b ? depth_a > depth_b : a->state().address < b->state().address;
  });
  for (const auto* pool : deepest_first) {
    const auto* next = find_token(chain, other(*pool, token.address));
    if (next == nullptr) continue;
    const auto converted = at_spot(*pool, token.address, amount);
    if (!converted) continue;
    if (auto value = value_over(*next, *converted, chain, pools, hops - 1)) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Uint256> at_spot(const uniswap::Pool& pool, const Address& token, const Uint256& amount) {
  const auto& price = pool.state().sqrt_price_x96;
  if (price.is_zero() || !holds(pool, token)) return std::nullopt;
  // price = token1 / token0 = (sqrt_price / 2^96)^2
  const bool zero_for_one = pool.state().token0 == token;
  const auto& numerator = zero_for_one ? price : kQ96;
  const auto& denominator = zero_for_one ? kQ96 : price;
  const auto half_way = mul_div_rounding_up(amount, numerator, denominator);
  return half_way ? mul_div_rounding_up(*half_way, numerator, denominator) : std::nullopt;
}

Result<Uint256> usd_value(const Token& token, const Uint256& amount, const ChainSettings& chain,
                          std::span<const uniswap::Pool* const> pools) {
  // A straight way is taken before a longer one through a deeper pool.
  for (unsigned hops = 0; hops <= 2; ++hops)
    if (auto value = value_over(token, amount, chain, pools, hops)) return *value;
  return fail(errc::kNoPrice, fmt::format("no pools lead from {} to a configured stablecoin", token.symbol));
}

Result<Uint256> native_usd_value(const Uint256& wei, const ChainSettings& chain,
                                 std::span<const uniswap::Pool* const> pools) {
  const auto* wrapped = find_token(chain, chain.contracts.weth);
  if (wrapped == nullptr) return fail(errc::kNoPrice, "the wrapped coin is not among the configured tokens");
  return usd_value(*wrapped, wei, chain, pools);
}

}  // namespace sep::engine
