#include "engine/valuation.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/decimal.h"
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

struct Edge {
  const uniswap::Pool* pool;
  Uint256 depth;
  const Token* to;
};

/// Each configured token's pools that lead to another configured token, the deepest first.
std::map<Address, std::vector<Edge>> edges_of(const ChainSettings& chain,
                                              std::span<const uniswap::Pool* const> pools) {
  std::map<Address, const Token*> tokens;
  for (const auto& token : chain.tokens) tokens.try_emplace(token.address, &token);
  std::map<Address, std::vector<Edge>> edges;
  for (const auto* pool : pools) {
    for (const auto& from : {pool->state().token0, pool->state().token1}) {
      const auto to = tokens.find(other(*pool, from));
      if (!tokens.contains(from) || to == tokens.end()) continue;
      const auto reserve = depth(*pool, from);
      if (!reserve.is_zero()) edges[from].push_back({pool, reserve, to->second});
    }
  }
  for (auto& [token, from] : edges)
    std::ranges::sort(from, [](const Edge& a, const Edge& b) {
      return a.depth != b.depth ? a.depth > b.depth : a.pool->state().address < b.pool->state().address;
    });
  return edges;
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

Valuation::Valuation(const ChainSettings& chain, std::span<const uniswap::Pool* const> pools) {
  if (const auto* wrapped = find_token(chain, chain.contracts.weth)) wrapped_ = *wrapped;
  for (const auto& token : chain.tokens)
    if (token.stablecoin) stablecoins_.insert(token.address);
  const auto edges = edges_of(chain, pools);
  // A straight way is taken before a longer one through a deeper pool.
  for (const auto& [token, from] : edges) {
    const auto straight = std::ranges::find_if(from, [](const Edge& edge) { return edge.to->stablecoin; });
    if (straight != from.end()) ways_[token] = {{straight->pool}, straight->to->decimals};
  }
  const auto straight_ways = ways_;
  for (const auto& [token, from] : edges) {
    if (straight_ways.contains(token)) continue;
    for (const auto& edge : from) {
      const auto next = straight_ways.find(edge.to->address);
      if (next == straight_ways.end()) continue;
      ways_[token] = {{edge.pool, next->second.pools.front()}, next->second.stablecoin_decimals};
      break;
    }
  }
}

Result<Uint256> Valuation::usd(const Token& token, const Uint256& amount) const {
  std::optional<Uint256> value = amount;
  auto decimals = token.decimals;
  if (!token.stablecoin && !stablecoins_.contains(token.address)) {
    const auto way = ways_.find(token.address);
    if (way == ways_.end())
      return fail(errc::kNoPrice,
                  fmt::format("no pools lead from {} to a configured stablecoin", token.symbol));
    auto at = token.address;
    for (const auto* pool : way->second.pools) {
      if (value) value = at_spot(*pool, at, *value);
      at = other(*pool, at);
    }
    decimals = way->second.stablecoin_decimals;
  }
  if (value) value = to_wad(*value, decimals);
  if (!value)
    return fail(errc::kNoPrice, fmt::format("the value of so much {} is beyond counting", token.symbol));
  return *value;
}

Result<Uint256> Valuation::native_usd(const Uint256& wei) const {
  if (!wrapped_) return fail(errc::kNoPrice, "the wrapped coin is not among the configured tokens");
  return usd(*wrapped_, wei);
}

Uint256 Valuation::gas_unit_cost_wad(const Uint256& gas_price_wei, const Token& token) const {
  const auto gas = checked_mul(gas_price_wei, Uint256(kWad));  // wei of 10^18 units
  if (!gas) return {};
  if (wrapped_ && wrapped_->address == token.address) return *gas;
  // Of 10^18 whole tokens: one that is worth little is less than a stablecoin's unit, and would count as one.
  const auto many = checked_mul(pow10(token.decimals), Uint256(kWad));
  if (!many) return {};
  const auto gas_usd = native_usd(*gas);
  const auto token_usd = usd(token, *many);
  if (!gas_usd || !token_usd || token_usd->is_zero()) return {};
  return mul_div_rounding_up(*gas_usd, *many, *token_usd).value_or(Uint256());
}

}  // namespace sep::engine
