#include "engine/market_state.h"

#include <algorithm>

#include <fmt/format.h>

#include "uniswap/pools_file.h"

namespace sep::engine {
namespace {

json::object block_json(const BlockRef& block) {
  return {{"number", block.number},
          {"hash", to_hex(block.hash)},
          {"timestamp_s", block.timestamp_s},
          {"base_fee_wei", to_string(block.base_fee_wei)}};
}

json::object amounts_json(const std::map<Address, Uint256>& amounts) {
  json::object object;
  for (const auto& [token, amount] : amounts) object[to_hex(token)] = to_string(amount);
  return object;
}

json::value account_json(const std::optional<AccountState>& account) {
  if (!account) return nullptr;
  return json::object{{"address", to_hex(account->address)},
                      {"native_wei", to_string(account->native_wei)},
                      {"balances", amounts_json(account->balances)},
                      {"allowances", amounts_json(account->allowances)}};
}

json::object pool_json(const MarketPool& pool) {
  auto object = uniswap::to_json(pool.pool.state());
  object["quarantine"] = pool.quarantine;
  return object;
}

json::object frame_json(const MarketState& state) {
  return {{"source", state.source},
          {"revision", state.revision},
          {"block", block_json(state.block)},
          {"block_interval_ms", state.block_interval_ms},
          {"confirmed_at_ms", state.confirmed_at.ms},
          {"account", account_json(state.account)}};
}

Result<BlockRef> block_from(const json::object& object) {
  BlockRef block;
  SEP_TRY(block.number, get_uint(object, "number"));
  SEP_TRY(const auto hash, get_string(object, "hash"));
  SEP_TRY(block.hash, parse_hash(hash));
  SEP_TRY(block.timestamp_s, get_int(object, "timestamp_s"));
  SEP_TRY(const auto base_fee, get_string(object, "base_fee_wei"));
  SEP_TRY(block.base_fee_wei, parse_uint256(base_fee));
  return block;
}

Result<std::map<Address, Uint256>> amounts_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto members, get_object(object, key));
  std::map<Address, Uint256> amounts;
  for (const auto& member : members) {
    SEP_TRY(const auto token, parse_address(member.key()));
    if (!member.value().is_string()) return fail(errc::kWrongType, "an amount must be a string");
    SEP_TRY(amounts[token], parse_uint256(member.value().get_string()));
  }
  return amounts;
}

Result<std::optional<AccountState>> account_from(const json::object& document) {
  const auto* value = document.if_contains("account");
  if (value == nullptr || !value->is_object()) return std::nullopt;
  const auto& object = value->get_object();
  AccountState account;
  SEP_TRY(const auto address, get_string(object, "address"));
  SEP_TRY(account.address, parse_address(address));
  SEP_TRY(const auto native, get_string(object, "native_wei"));
  SEP_TRY(account.native_wei, parse_uint256(native));
  SEP_TRY(account.balances, amounts_from(object, "balances"));
  SEP_TRY(account.allowances, amounts_from(object, "allowances"));
  return account;
}

/// Everything but the pools.
Status read_frame(const json::object& document, MarketState& state) {
  SEP_TRY(state.source, get_string(document, "source"));
  SEP_TRY(state.revision, get_uint(document, "revision"));
  SEP_TRY(const auto block, get_object(document, "block"));
  SEP_TRY(state.block, block_from(block));
  SEP_TRY(state.block_interval_ms, get_int(document, "block_interval_ms"));
  SEP_TRY(state.confirmed_at.ms, get_int(document, "confirmed_at_ms"));
  SEP_TRY(state.account, account_from(document));
  return {};
}

Result<std::vector<MarketPool>> pools_from(const json::object& document) {
  SEP_TRY(const auto list, get_array(document, "pools"));
  std::vector<MarketPool> pools;
  for (const auto& element : list) {
    if (!element.is_object()) return fail(errc::kWrongType, "a pool must be an object");
    auto object = element.get_object();
    auto quarantine = string_or(object, "quarantine");
    object.erase("quarantine");
    SEP_TRY(auto pool_state, uniswap::pool_state_from_json(object));
    SEP_TRY(auto pool, uniswap::Pool::create(std::move(pool_state)));
    pools.push_back({std::move(pool), std::move(quarantine)});
  }
  return pools;
}

}  // namespace

Status MarketState::check_fresh(Timestamp now, const MarketSettings& settings) const {
  if (revision == 0) return fail(errc::kStaleMarket, "the market's state is not loaded yet");
  if (const auto age = now.ms - confirmed_at.ms; age > settings.max_age_ms)
    return fail(errc::kStaleMarket, fmt::format("the node last confirmed its head {} ms ago; allowed: {} ms",
                                                age, settings.max_age_ms));
  if (settings.max_block_age_s && now.unix_seconds() - block.timestamp_s > *settings.max_block_age_s)
    return fail(errc::kStaleMarket,
                fmt::format("the newest block is {} s old; allowed: {} s",
                            now.unix_seconds() - block.timestamp_s, *settings.max_block_age_s));
  return {};
}

std::vector<const uniswap::Pool*> MarketState::usable_pools() const {
  std::vector<const uniswap::Pool*> usable;
  for (const auto& entry : pools)
    if (entry.quarantine.empty() && entry.pool.initialized()) usable.push_back(&entry.pool);
  return usable;
}

json::object snapshot_json(const MarketState& state) {
  auto document = frame_json(state);
  json::array pools;
  for (const auto& pool : state.pools) pools.push_back(pool_json(pool));
  document["pools"] = std::move(pools);
  return document;
}

json::object update_json(const MarketState& state, const std::vector<Address>& changed_pools) {
  auto document = frame_json(state);
  json::array pools;
  for (const auto& pool : state.pools)
    if (std::ranges::find(changed_pools, pool.pool.state().address) != changed_pools.end())
      pools.push_back(pool_json(pool));
  document["pools"] = std::move(pools);
  return document;
}

Result<MarketState> market_from_snapshot(const json::object& document) {
  MarketState state;
  SEP_CHECK(read_frame(document, state));
  SEP_TRY(state.pools, pools_from(document));
  return state;
}

Result<std::vector<Address>> apply_update(MarketState& state, const json::object& document) {
  SEP_TRY(const auto source, get_string(document, "source"));
  SEP_TRY(const auto revision, get_uint(document, "revision"));
  if (source != state.source)
    return fail(errc::kSequenceConflict,
                fmt::format("an update of market {} to that of {}", source, state.source));
  if (revision <= state.revision) return std::vector<Address>();
  if (revision != state.revision + 1)
    return fail(errc::kSequenceConflict, fmt::format("update {} after {}", revision, state.revision));
  SEP_TRY(auto changed, pools_from(document));
  MarketState next;
  SEP_CHECK(read_frame(document, next));
  next.pools = std::move(state.pools);
  std::vector<Address> addresses;
  for (auto& pool : changed) {
    addresses.push_back(pool.pool.state().address);
    const auto known = std::ranges::find_if(
        next.pools, [&](const MarketPool& entry) { return entry.pool.state().address == addresses.back(); });
    if (known == next.pools.end())
      next.pools.push_back(std::move(pool));
    else
      *known = std::move(pool);
  }
  state = std::move(next);
  return addresses;
}

}  // namespace sep::engine
