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
Bytes fee();
Bytes token0();
Bytes token1();
Bytes tick_bitmap(std::int16_t word);
Bytes ticks(std::int32_t tick);

struct Slot0 {
  Uint256 sqrt_price_x96;
  std::int32_t tick = 0;
};
Result<Slot0> decode_slot0(ByteView returned);
Result<u128> decode_liquidity(ByteView returned);
Result<std::int32_t> decode_tick_spacing(ByteView returned);
/// Liquidity of one tick; empty for one that is not initialised.
Result<std::optional<TickInfo>> decode_tick(std::int32_t tick, ByteView returned);
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
}  // namespace quoter

namespace swap_router {
/// One exact swap in one pool.
struct Swap {
  Kind kind = Kind::kExactInput;
  Address token_in;
  Address token_out;
  std::uint32_t fee_pips = 0;
  Address recipient;
  Uint256 amount;              // of token_in for an exact input, of token_out for an exact output
  Uint256 bound;               // least output, or greatest input
  std::uint64_t deadline = 0;  // unix seconds; a later block reverts with "Transaction too old"

  bool operator==(const Swap&) const = default;
};
/// multicall(deadline, [exactInputSingle(…) | exactOutputSingle(…)]): SwapRouter02's way to carry a deadline.
Bytes multicall(const Swap& swap);
/// Reads such calldata back.
Result<Swap> decode_multicall(ByteView calldata);
/// The other side's amount from multicall's return value.
Result<Uint256> decode_result(ByteView returned);
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
