#include "uniswap/pools_file.h"

#include <limits>

namespace sep::uniswap {
namespace {

std::string pointer_to(std::string_view key) {
  return "/" + std::string(key);
}

/// Puts the path of the value in which the error arose before its pointer.
std::unexpected<Error> within(const std::string& prefix, Error error) {
  error.pointer = prefix + error.pointer;
  return fail(std::move(error));
}

Result<Address> get_address(const json::object& object, std::string_view key) {
  SEP_TRY(const auto text, get_string(object, key));
  auto address = parse_address(text);
  if (!address) return within(pointer_to(key), address.error());
  return address;
}

/// A decimal integer of at most `bits` bits.
Result<Uint256> get_unsigned(const json::object& object, std::string_view key, unsigned bits) {
  SEP_TRY(const auto text, get_string(object, key));
  const auto value = parse_uint256(text);
  if (!value || value->bit_length() > bits)
    return fail(errc::kInvalidValue, "must be a decimal integer of at most " + std::to_string(bits) + " bits",
                pointer_to(key));
  return *value;
}

Result<i128> get_signed(const json::object& object, std::string_view key) {
  SEP_TRY(const auto text, get_string(object, key));
  const bool negative = text.starts_with('-');
  const auto magnitude = parse_uint256(std::string_view(text).substr(negative ? 1 : 0));
  if (!magnitude || magnitude->bit_length() > 127)
    return fail(errc::kInvalidValue, "must be a decimal integer of at most 127 bits and a sign",
                pointer_to(key));
  const auto value = static_cast<i128>(magnitude->to_u128());
  return negative ? -value : value;
}

Result<std::int32_t> get_int32(const json::object& object, std::string_view key) {
  SEP_TRY(const auto value, get_int(object, key));
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
    return fail(errc::kInvalidValue, "is out of range", pointer_to(key));
  return static_cast<std::int32_t>(value);
}

Result<const json::object*> as_object(const json::value& value) {
  if (!value.is_object()) return fail(errc::kWrongType, "must be an object");
  return &value.get_object();
}

Result<TickInfo> tick_from_json(const json::value& value) {
  SEP_TRY(const auto* object, as_object(value));
  TickInfo info;
  SEP_TRY(info.tick, get_int32(*object, "tick"));
  SEP_TRY(const auto gross, get_unsigned(*object, "liquidity_gross", 128));
  SEP_TRY(info.liquidity_net, get_signed(*object, "liquidity_net"));
  info.liquidity_gross = gross.to_u128();
  return info;
}

}  // namespace

std::string to_string(u128 value) {
  return sep::to_string(Uint256(value));
}

std::string to_string(i128 value) {
  return value < 0 ? "-" + to_string(-static_cast<u128>(value)) : to_string(static_cast<u128>(value));
}

json::object to_json(const PoolState& state) {
  json::array ticks;
  ticks.reserve(state.ticks.size());
  for (const auto& info : state.ticks)
    ticks.push_back(json::object{{"tick", info.tick},
                                 {"liquidity_gross", to_string(info.liquidity_gross)},
                                 {"liquidity_net", to_string(info.liquidity_net)}});
  return {{"address", to_checksum(state.address)},
          {"token0", to_checksum(state.token0)},
          {"token1", to_checksum(state.token1)},
          {"fee", state.fee_pips},
          {"tick_spacing", state.tick_spacing},
          {"sqrt_price_x96", sep::to_string(state.sqrt_price_x96)},
          {"tick", state.tick},
          {"liquidity", to_string(state.liquidity)},
          {"ticks", std::move(ticks)}};
}

Result<PoolState> pool_state_from_json(const json::value& value) {
  SEP_TRY(const auto* object, as_object(value));
  PoolState state;
  SEP_TRY(state.address, get_address(*object, "address"));
  SEP_TRY(state.token0, get_address(*object, "token0"));
  SEP_TRY(state.token1, get_address(*object, "token1"));
  SEP_TRY(const auto fee, get_uint(*object, "fee"));
  if (fee >= kFeeUnit) return fail(errc::kInvalidValue, "must be below 1000000", "/fee");
  state.fee_pips = static_cast<std::uint32_t>(fee);
  SEP_TRY(state.tick_spacing, get_int32(*object, "tick_spacing"));
  SEP_TRY(state.sqrt_price_x96, get_unsigned(*object, "sqrt_price_x96", 160));
  SEP_TRY(state.tick, get_int32(*object, "tick"));
  SEP_TRY(const auto liquidity, get_unsigned(*object, "liquidity", 128));
  state.liquidity = liquidity.to_u128();
  SEP_TRY(const auto ticks, get_array(*object, "ticks"));
  state.ticks.reserve(ticks.size());
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const auto info = tick_from_json(ticks[i]);
    if (!info) return within("/ticks/" + std::to_string(i), info.error());
    state.ticks.push_back(*info);
  }
  return state;
}

json::object to_json(const PoolsFile& file) {
  json::array pools;
  for (const auto& state : file.pools) pools.push_back(to_json(state));
  return {{"chain_id", file.chain_id}, {"block_number", file.block_number}, {"pools", std::move(pools)}};
}

Result<PoolsFile> parse_pools_file(std::string_view text) {
  SEP_TRY(const auto document, parse_json(text));
  SEP_TRY(const auto* root, as_object(document));
  PoolsFile file;
  SEP_TRY(file.chain_id, get_uint(*root, "chain_id"));
  SEP_TRY(file.block_number, get_uint(*root, "block_number"));
  SEP_TRY(const auto pools, get_array(*root, "pools"));
  for (std::size_t i = 0; i < pools.size(); ++i) {
    auto state = pool_state_from_json(pools[i]);
    if (!state) return within("/pools/" + std::to_string(i), state.error());
    file.pools.push_back(std::move(*state));
  }
  return file;
}

}  // namespace sep::uniswap
