#pragma once
// The JSON form of pool states: the file that `sep quote --pools` reads, and the form in which the market
// service hands pools on. Liquidity and prices are decimal strings, ticks and fees integers.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "uniswap/pool.h"

namespace sep::uniswap {

struct PoolsFile {
  std::uint64_t chain_id = 0;
  std::uint64_t block_number = 0;  // the block that the states were read at
  std::vector<PoolState> pools;
};

/// {"address","token0","token1","fee","tick_spacing","sqrt_price_x96","tick","liquidity","ticks":[{"tick",
/// "liquidity_gross","liquidity_net"}…]}.
json::object to_json(const PoolState& state);

/// Reads that form; the types and ranges of values only, Pool::create checks what they mean together.
/// MISSING_FIELD, WRONG_TYPE, INVALID_VALUE with the pointer from `value`.
Result<PoolState> pool_state_from_json(const json::value& value);

json::object to_json(const PoolsFile& file);
/// {"chain_id","block_number","pools":[…]}. MALFORMED_JSON, or as above with the pointer from the document's
/// root.
Result<PoolsFile> parse_pools_file(std::string_view text);

/// Decimal text of 128-bit integers.
std::string to_string(u128 value);
std::string to_string(i128 value);

}  // namespace sep::uniswap
