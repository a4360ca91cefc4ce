#pragma once
// Calls to and answers of the contracts that the platform meets: ERC-20 tokens, Uniswap V3's factory, pools,
// TickLens, QuoterV2, SwapRouter02 and NonfungiblePositionManager; and the logs it reads.
// Builders give calldata; decoders refuse what does not fit with INVALID_VALUE.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uint256.h"
#include "ethereum/abi.h"
#include "ethereum/address.h"
#include "ethereum/hash.h"
#include "uniswap/pool.h"

namespace sep::uniswap {

// --- One value, as most view functions return it
Result<Uint256> decode_uint(ByteView returned);
Result<Address> decode_address(ByteView returned);

namespace erc20 {
Bytes approve(const Address& spender, const Uint256& amount);
Bytes transfer(const Address& to, const Uint256& amount);
Bytes balance_of(const Address& owner);
Bytes allowance(const Address& owner, const Address& spender);
Bytes decimals();
Bytes symbol();
/// A string, or the bytes32 of some old tokens.
Result<std::string> decode_symbol(ByteView returned);
}  // namespace erc20

namespace factory {
/// Returns the zero address where no such pool exists.
Bytes get_pool(const Address& token_a, const Address& token_b, std::uint32_t fee_pips);
}  // namespace factory

namespace pool_contract {
Bytes slot0();
Bytes liquidity();
Bytes tick_spacing();

struct Slot0 {
  Uint256 sqrt_price_x96;
  std::int32_t tick = 0;
};
Result<Slot0> decode_slot0(ByteView returned);
Result<u128> decode_liquidity(ByteView returned);
Result<std::int32_t> decode_tick_spacing(ByteView returned);
}  // namespace pool_contract

namespace tick_lens {
Bytes populated_ticks_in_word(const Address& pool, std::int16_t word);
/// Ascending, whatever order the contract answers in.
Result<std::vector<TickInfo>> decode_populated_ticks(ByteView returned);
/// First and last word of a pool's bitmap.
struct WordRange {
  std::int16_t first;
  std::int16_t last;
};
WordRange word_range(std::int32_t tick_spacing);
}  // namespace tick_lens

/// Pools one after the other, as the contracts name them.
struct SwapPath {
  std::vector<Address> tokens;           // from what is paid to what is received: one more than fees
  std::vector<std::uint32_t> fees_pips;  // of each pool; at least one

  bool operator==(const SwapPath&) const = default;
};

namespace quoter {
Bytes exact_input_single(const Address& token_in, const Address& token_out, const Uint256& amount_in,
                         std::uint32_t fee_pips);
Bytes exact_output_single(const Address& token_in, const Address& token_out, const Uint256& amount_out,
                          std::uint32_t fee_pips);
struct Answer {
  Uint256 amount;  // out for an exact input, in for an exact output
  Uint256 sqrt_price_x96_after;
  std::uint32_t ticks_crossed = 0;
  Uint256 gas_estimate;
};
Result<Answer> decode(ByteView returned);

/// quoteExactInput or quoteExactOutput: pools one after the other.
Bytes exact_path(Kind kind, const SwapPath& path, const Uint256& amount);
struct PathAnswer {
  Uint256 amount;
  std::vector<Uint256> sqrt_price_x96_after;  // in the order of the path's pools, for either kind
  std::vector<std::uint32_t> ticks_crossed;
};
Result<PathAnswer> decode_path(Kind kind, ByteView returned);
}  // namespace quoter

namespace swap_router {
/// A path and how much goes through it.
struct PathSwap {
  SwapPath path;
  Uint256 amount;  // of the first token for an exact input, of the last one for an exact output
  Uint256 bound;   // least output, or greatest input, of this path alone

  bool operator==(const PathSwap&) const = default;
};
/// One swap: paths side by side, all of one kind.
struct Swap {
  Kind kind = Kind::kExactInput;
  Address recipient;
  std::uint64_t deadline = 0;   // unix seconds; a later block reverts with "Transaction too old"
  std::vector<PathSwap> paths;  // at least one

  bool operator==(const Swap&) const = default;
};
/// multicall(deadline, [one call for each path]): SwapRouter02's way to carry a deadline, and to do all or
/// nothing. A path of one pool is an exactInputSingle or exactOutputSingle, a longer one an exactInput or
/// exactOutput (swap-router-contracts 1.3.1, IV3SwapRouter).
Bytes multicall(const Swap& swap);
/// Reads such calldata back.
Result<Swap> decode_multicall(ByteView calldata);
/// Each path's other amount from multicall's return value.
Result<std::vector<Uint256>> decode_result(ByteView returned);
}  // namespace swap_router

namespace position_manager {
/// Creates and initialises the pool where it does not exist. token0 < token1.
Bytes create_and_initialize_pool(const Address& token0, const Address& token1, std::uint32_t fee_pips,
                                 const Uint256& sqrt_price_x96);
struct Mint {
  Address token0;
  Address token1;
  std::uint32_t fee_pips = 0;
  std::int32_t tick_lower = 0;
  std::int32_t tick_upper = 0;
  Uint256 amount0;  // at most; no lower bound is set: for the local chain
  Uint256 amount1;
  Address recipient;
  std::uint64_t deadline = 0;
};
Bytes mint(const Mint& mint);
}  // namespace position_manager

namespace logs {
extern const Hash32 kInitialize;  // topics[0]
extern const Hash32 kSwap;
extern const Hash32 kMint;
extern const Hash32 kBurn;
extern const Hash32 kTransfer;
extern const Hash32 kApproval;

struct LiquidityLog {
  std::int32_t tick_lower = 0;
  std::int32_t tick_upper = 0;
  u128 amount = 0;
};
struct TransferLog {
  Address from;
  Address to;
  Uint256 amount;
};
/// The initial price.
Result<Uint256> decode_initialize(std::span<const Hash32> topics, ByteView data);
Result<SwapLog> decode_swap(std::span<const Hash32> topics, ByteView data);
Result<LiquidityLog> decode_mint(std::span<const Hash32> topics, ByteView data);
Result<LiquidityLog> decode_burn(std::span<const Hash32> topics, ByteView data);
Result<TransferLog> decode_transfer(std::span<const Hash32> topics, ByteView data);
}  // namespace logs

}  // namespace sep::uniswap
