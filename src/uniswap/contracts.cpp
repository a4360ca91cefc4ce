#include "uniswap/contracts.h"

#include <algorithm>

#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

using abi::Decoder;
using abi::Encoder;

/// Calldata of a function; the hash of its signature costs half a microsecond, so callers keep it.
Bytes call(const char* signature) {
  return Encoder().call(abi::selector(signature));
}

Result<std::int32_t> decode_int24(const Decoder& decoder, std::size_t index) {
  SEP_TRY(const auto value, decoder.integer(index, 24));
  return static_cast<std::int32_t>(value);
}

std::unexpected<Error> malformed(const char* detail) {
  return fail(errc::kInvalidValue, detail);
}

constexpr std::size_t kAddressBytes = 20;
constexpr std::size_t kFeeBytes = 3;

/// token | fee | token …, as periphery's Path library reads it: from what is paid for an exact input, from
/// what is received for an exact output.
Bytes packed(Kind kind, const SwapPath& path) {
  const auto hops = path.fees_pips.size();
  SEP_ASSERT(hops > 0 && path.tokens.size() == hops + 1);
  Bytes bytes;
  bytes.reserve(kAddressBytes + hops * (kFeeBytes + kAddressBytes));
  for (std::size_t i = 0; i <= hops; ++i) {
    const bool forward = kind == Kind::kExactInput;
    append(bytes, path.tokens[forward ? i : hops - i].bytes);
    if (i == hops) break;
    const auto fee = path.fees_pips[forward ? i : hops - 1 - i];
    for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(fee >> shift));
  }
  return bytes;
}

Result<SwapPath> unpacked(Kind kind, ByteView bytes) {
  constexpr auto kHop = kFeeBytes + kAddressBytes;
  if (bytes.size() < kAddressBytes + kHop || (bytes.size() - kAddressBytes) % kHop != 0)
    return malformed("a path of another length");
  SwapPath path;
  for (std::size_t at = 0; at < bytes.size(); at += kHop) {
    std::ranges::copy(bytes.subspan(at, kAddressBytes), path.tokens.emplace_back().bytes.begin());
    if (at + kAddressBytes == bytes.size()) break;
    const auto fee = bytes.subspan(at + kAddressBytes, kFeeBytes);
    path.fees_pips.push_back(std::uint32_t{fee[0]} << 16 | std::uint32_t{fee[1]} << 8 | fee[2]);
  }
  if (kind == Kind::kExactOutput) {
    std::ranges::reverse(path.tokens);
    std::ranges::reverse(path.fees_pips);
  }
  return path;
}

}  // namespace

Result<Uint256> decode_uint(ByteView returned) {
  return Decoder(returned).uint(0);
}
Result<Address> decode_address(ByteView returned) {
  return Decoder(returned).address(0);
}

namespace erc20 {

Bytes approve(const Address& spender, const Uint256& amount) {
  static const auto function = abi::selector("approve(address,uint256)");
  return Encoder().address(spender).uint(amount).call(function);
}

Bytes transfer(const Address& to, const Uint256& amount) {
  static const auto function = abi::selector("transfer(address,uint256)");
  return Encoder().address(to).uint(amount).call(function);
}

Bytes balance_of(const Address& owner) {
  static const auto function = abi::selector("balanceOf(address)");
  return Encoder().address(owner).call(function);
}

Bytes allowance(const Address& owner, const Address& spender) {
  static const auto function = abi::selector("allowance(address,address)");
  return Encoder().address(owner).address(spender).call(function);
}

Bytes decimals() {
  return call("decimals()");
}
Bytes symbol() {
  return call("symbol()");
}

Result<std::string> decode_symbol(ByteView returned) {
  if (returned.size() != 32) return Decoder(returned).string(0);
  const auto end = std::ranges::find(returned, 0);
  return std::string(returned.begin(), end);
}

}  // namespace erc20

namespace factory {

Bytes get_pool(const Address& token_a, const Address& token_b, std::uint32_t fee_pips) {
  static const auto function = abi::selector("getPool(address,address,uint24)");
  return Encoder().address(token_a).address(token_b).uint(fee_pips).call(function);
}

}  // namespace factory

namespace pool_contract {

Bytes slot0() {
  return call("slot0()");
}
Bytes liquidity() {
  return call("liquidity()");
}
Bytes tick_spacing() {
  return call("tickSpacing()");
}
Result<Slot0> decode_slot0(ByteView returned) {
  const Decoder decoder(returned);
  Slot0 slot;
  SEP_TRY(slot.sqrt_price_x96, decoder.uint(0, 160));
  SEP_TRY(slot.tick, decode_int24(decoder, 1));
  return slot;
}

Result<u128> decode_liquidity(ByteView returned) {
  SEP_TRY(const auto value, Decoder(returned).uint(0, 128));
  return value.to_u128();
}

Result<std::int32_t> decode_tick_spacing(ByteView returned) {
  return decode_int24(Decoder(returned), 0);
}

}  // namespace pool_contract

namespace tick_lens {

Bytes populated_ticks_in_word(const Address& pool, std::int16_t word) {
  static const auto function = abi::selector("getPopulatedTicksInWord(address,int16)");
  return Encoder().address(pool).integer(word).call(function);
}

Result<std::vector<TickInfo>> decode_populated_ticks(ByteView returned) {
  constexpr std::size_t kWords = 3;  // tick, liquidityNet, liquidityGross
  SEP_TRY(const auto array, Decoder(returned).array(0, kWords));
  std::vector<TickInfo> ticks;
  ticks.reserve(array.size);
  for (std::size_t i = 0; i < array.size; ++i) {
    TickInfo info;
    SEP_TRY(info.tick, decode_int24(array.elements, kWords * i));
    SEP_TRY(info.liquidity_net, array.elements.integer(kWords * i + 1, 128));
    SEP_TRY(const auto gross, array.elements.uint(kWords * i + 2, 128));
    info.liquidity_gross = gross.to_u128();
    ticks.push_back(info);
  }
  std::ranges::sort(ticks, {}, &TickInfo::tick);
  return ticks;
}

WordRange word_range(std::int32_t tick_spacing) {
  // The greatest usable tick is the last multiple of the spacing; the words are symmetric but for the floor.
  const std::int32_t last = kMaxTick / tick_spacing;
  return {static_cast<std::int16_t>(-last >> 8), static_cast<std::int16_t>(last >> 8)};
}

}  // namespace tick_lens

namespace quoter {
namespace {

Bytes quote(const abi::Selector& function, const Address& token_in, const Address& token_out,
            const Uint256& amount, std::uint32_t fee_pips) {
  constexpr unsigned kNoPriceLimit = 0;
  return Encoder()
      .address(token_in)
      .address(token_out)
      .uint(amount)
      .uint(fee_pips)
      .uint(kNoPriceLimit)
      .call(function);
}

}  // namespace

Bytes exact_input_single(const Address& token_in, const Address& token_out, const Uint256& amount_in,
                         std::uint32_t fee_pips) {
  static const auto function =
      abi::selector("quoteExactInputSingle((address,address,uint256,uint24,uint160))");
  return quote(function, token_in, token_out, amount_in, fee_pips);
}

Bytes exact_output_single(const Address& token_in, const Address& token_out, const Uint256& amount_out,
                          std::uint32_t fee_pips) {
  static const auto function =
      abi::selector("quoteExactOutputSingle((address,address,uint256,uint24,uint160))");
  return quote(function, token_in, token_out, amount_out, fee_pips);
}

Result<Answer> decode(ByteView returned) {
  const Decoder decoder(returned);
  Answer answer;
  SEP_TRY(answer.amount, decoder.uint(0));
  SEP_TRY(answer.sqrt_price_x96_after, decoder.uint(1, 160));
  SEP_TRY(const auto ticks_crossed, decoder.uint(2, 32));
  SEP_TRY(answer.gas_estimate, decoder.uint(3));
  answer.ticks_crossed = static_cast<std::uint32_t>(ticks_crossed.to_u64());
  return answer;
}

Bytes exact_path(Kind kind, const SwapPath& path, const Uint256& amount) {
  static const auto input = abi::selector("quoteExactInput(bytes,uint256)");
  static const auto output = abi::selector("quoteExactOutput(bytes,uint256)");
  return Encoder().bytes(packed(kind, path)).uint(amount).call(kind == Kind::kExactInput ? input : output);
}

Result<PathAnswer> decode_path(Kind kind, ByteView returned) {
  const Decoder decoder(returned);
  PathAnswer answer;
  SEP_TRY(answer.amount, decoder.uint(0));
  SEP_TRY(const auto prices, decoder.array(1, 1));
  SEP_TRY(const auto ticks, decoder.array(2, 1));
  if (prices.size != ticks.size) return malformed("lists of different lengths");
  for (std::size_t i = 0; i < prices.size; ++i) {
    SEP_TRY(answer.sqrt_price_x96_after.emplace_back(), prices.elements.uint(i, 160));
    SEP_TRY(const auto crossed, ticks.elements.uint(i, 32));
    answer.ticks_crossed.push_back(static_cast<std::uint32_t>(crossed.to_u64()));
  }
  if (kind == Kind::kExactOutput) {
    std::ranges::reverse(answer.sqrt_price_x96_after);
    std::ranges::reverse(answer.ticks_crossed);
  }
  return answer;
}

}  // namespace quoter

namespace swap_router {
namespace {

const abi::Selector& multicall_function() {
  static const auto function = abi::selector("multicall(uint256,bytes[])");
  return function;
}

const abi::Selector& single_function(Kind kind) {
  static const auto input =
      abi::selector("exactInputSingle((address,address,uint24,address,uint256,uint256,uint160))");
  static const auto output =
      abi::selector("exactOutputSingle((address,address,uint24,address,uint256,uint256,uint160))");
  return kind == Kind::kExactInput ? input : output;
}

const abi::Selector& path_function(Kind kind) {
  static const auto input = abi::selector("exactInput((bytes,address,uint256,uint256))");
  static const auto output = abi::selector("exactOutput((bytes,address,uint256,uint256))");
  return kind == Kind::kExactInput ? input : output;
}

Bytes call_of(const Swap& swap, const PathSwap& one) {
  Encoder arguments;
  if (one.path.fees_pips.size() == 1) {
    constexpr unsigned kNoPriceLimit = 0;
    arguments.address(one.path.tokens.front()).address(one.path.tokens.back());
    arguments.uint(one.path.fees_pips.front()).address(swap.recipient);
    arguments.uint(one.amount).uint(one.bound).uint(kNoPriceLimit);
    return arguments.call(single_function(swap.kind));
  }
  arguments.bytes(packed(swap.kind, one.path)).address(swap.recipient).uint(one.amount).uint(one.bound);
  return Encoder().tuple(arguments).call(path_function(swap.kind));
}

/// One call of a multicall, and who receives.
struct Call {
  Kind kind;
  Address recipient;
  PathSwap swap;
};

Result<Call> single_from(Kind kind, const Decoder& arguments) {
  Call call{.kind = kind};
  auto& [path, amount, bound] = call.swap;
  for (const std::size_t index : {0, 1}) {
    SEP_TRY(path.tokens.emplace_back(), arguments.address(index));
  }
  SEP_TRY(const auto fee, arguments.uint(2, 24));
  path.fees_pips.push_back(static_cast<std::uint32_t>(fee.to_u64()));
  SEP_TRY(call.recipient, arguments.address(3));
  SEP_TRY(amount, arguments.uint(4));
  SEP_TRY(bound, arguments.uint(5));
  SEP_TRY(const auto limit, arguments.uint(6, 160));
  if (!limit.is_zero()) return malformed("a swap with a price limit");
  return call;
}

Result<Call> path_from(Kind kind, const Decoder& outer) {
  SEP_TRY(const auto arguments, outer.tuple(0));
  Call call{.kind = kind};
  SEP_TRY(const auto bytes, arguments.bytes(0));
  SEP_TRY(call.swap.path, unpacked(kind, bytes));
  SEP_TRY(call.recipient, arguments.address(1));
  SEP_TRY(call.swap.amount, arguments.uint(2));
  SEP_TRY(call.swap.bound, arguments.uint(3));
  return call;
}

Result<Call> call_from(ByteView calldata) {
  for (const auto kind : {Kind::kExactInput, Kind::kExactOutput}) {
    if (const auto single = Decoder::of_call(calldata, single_function(kind)))
      return single_from(kind, *single);
    if (const auto path = Decoder::of_call(calldata, path_function(kind))) return path_from(kind, *path);
  }
  return malformed("a multicall of another function");
}

}  // namespace

Bytes multicall(const Swap& swap) {
  SEP_ASSERT(!swap.paths.empty());
  std::vector<Bytes> calls;
  calls.reserve(swap.paths.size());
  for (const auto& path : swap.paths) calls.push_back(call_of(swap, path));
  return Encoder().uint(swap.deadline).bytes_array(calls).call(multicall_function());
}

Result<Swap> decode_multicall(ByteView calldata) {
  SEP_TRY(const auto outer, Decoder::of_call(calldata, multicall_function()));
  SEP_TRY(const auto deadline, outer.uint(0, 64));
  SEP_TRY(const auto calls, outer.bytes_array(1));
  if (calls.empty()) return malformed("a multicall without a call");
  Swap swap;
  swap.deadline = deadline.to_u64();
  for (const auto& bytes : calls) {
    SEP_TRY(auto call, call_from(bytes));
    if (swap.paths.empty()) {
      swap.kind = call.kind;
      swap.recipient = call.recipient;
    }
    if (call.kind != swap.kind || call.recipient != swap.recipient)
      return malformed("a multicall of different kinds of swaps");
    swap.paths.push_back(std::move(call.swap));
  }
  return swap;
}

Result<std::vector<Uint256>> decode_result(ByteView returned) {
  SEP_TRY(const auto results, Decoder(returned).bytes_array(0));
  std::vector<Uint256> amounts;
  for (const auto& result : results) {
    SEP_TRY(amounts.emplace_back(), Decoder(result).uint(0));
  }
  return amounts;
}

}  // namespace swap_router

namespace position_manager {

Bytes create_and_initialize_pool(const Address& token0, const Address& token1, std::uint32_t fee_pips,
                                 const Uint256& sqrt_price_x96) {
  static const auto function =
      abi::selector("createAndInitializePoolIfNecessary(address,address,uint24,uint160)");
  return Encoder().address(token0).address(token1).uint(fee_pips).uint(sqrt_price_x96).call(function);
}

Bytes mint(const Mint& mint) {
  static const auto function = abi::selector(
      "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))");
  Encoder arguments;
  arguments.address(mint.token0).address(mint.token1).uint(mint.fee_pips);
  arguments.integer(mint.tick_lower).integer(mint.tick_upper).uint(mint.amount0).uint(mint.amount1);
  arguments.uint(0).uint(0).address(mint.recipient).uint(mint.deadline);
  return arguments.call(function);
}

}  // namespace position_manager

namespace logs {

const Hash32 kInitialize = abi::event_topic("Initialize(uint160,int24)");
const Hash32 kSwap = abi::event_topic("Swap(address,address,int256,int256,uint160,uint128,int24)");
const Hash32 kMint = abi::event_topic("Mint(address,address,int24,int24,uint128,uint256,uint256)");
const Hash32 kBurn = abi::event_topic("Burn(address,int24,int24,uint128,uint256,uint256)");
const Hash32 kTransfer = abi::event_topic("Transfer(address,address,uint256)");
const Hash32 kApproval = abi::event_topic("Approval(address,address,uint256)");

namespace {

Status check_topics(std::span<const Hash32> topics, const Hash32& event, std::size_t count) {
  if (topics.size() != count || topics[0] != event) return malformed("a log of another event");
  return {};
}

Result<SignedAmount> decode_signed(const Decoder& decoder, std::size_t index) {
  SEP_TRY(const auto word, decoder.uint(index));
  const bool negative = word.bit(255);
  return SignedAmount{negative ? wrapping_sub(0, word) : word, negative};
}

/// An indexed value is a topic: one word.
Result<std::int32_t> tick_of_topic(const Hash32& topic) {
  return decode_int24(Decoder(topic.bytes), 0);
}

/// Ticks are indexed in topics[2] and [3]; `amount_at` is the amount's word in the data.
Result<LiquidityLog> decode_liquidity(std::span<const Hash32> topics, ByteView data, const Hash32& event,
                                      std::size_t amount_at) {
  SEP_CHECK(check_topics(topics, event, 4));
  LiquidityLog log;
  SEP_TRY(log.tick_lower, tick_of_topic(topics[2]));
  SEP_TRY(log.tick_upper, tick_of_topic(topics[3]));
  SEP_TRY(const auto amount, Decoder(data).uint(amount_at, 128));
  log.amount = amount.to_u128();
  return log;
}

}  // namespace

Result<Uint256> decode_initialize(std::span<const Hash32> topics, ByteView data) {
  SEP_CHECK(check_topics(topics, kInitialize, 1));
  return Decoder(data).uint(0, 160);
}

Result<SwapLog> decode_swap(std::span<const Hash32> topics, ByteView data) {
  SEP_CHECK(check_topics(topics, kSwap, 3));
  const Decoder decoder(data);
  SwapLog log;
  SEP_TRY(log.amount0, decode_signed(decoder, 0));
  SEP_TRY(log.amount1, decode_signed(decoder, 1));
  SEP_TRY(log.sqrt_price_x96, decoder.uint(2, 160));
  SEP_TRY(const auto liquidity, decoder.uint(3, 128));
  SEP_TRY(log.tick, decode_int24(decoder, 4));
  log.liquidity = liquidity.to_u128();
  return log;
}

Result<LiquidityLog> decode_mint(std::span<const Hash32> topics, ByteView data) {
  return decode_liquidity(topics, data, kMint, 1);  // word 0 is the sender
}

Result<LiquidityLog> decode_burn(std::span<const Hash32> topics, ByteView data) {
  return decode_liquidity(topics, data, kBurn, 0);
}

Result<TransferLog> decode_transfer(std::span<const Hash32> topics, ByteView data) {
  SEP_CHECK(check_topics(topics, kTransfer, 3));
  TransferLog log;
  SEP_TRY(log.from, Decoder(topics[1].bytes).address(0));
  SEP_TRY(log.to, Decoder(topics[2].bytes).address(0));
  SEP_TRY(log.amount, Decoder(data).uint(0));
  return log;
}

}  // namespace logs
}  // namespace sep::uniswap
