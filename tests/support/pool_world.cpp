#include "support/pool_world.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "app/parts.h"
#include "base/hex.h"
#include "ethereum/revert.h"
#include "ethereum/rlp.h"
#include "ethereum/transaction.h"
#include "uniswap/contracts.h"
#include "uniswap/tick_math.h"

namespace sep::support {
namespace {

Address contract_of(const Address& sender, std::uint64_t nonce) {
  const Hash32 hash = keccak256(rlp::ListEncoder().bytes(sender.bytes).uint(nonce).finish());
  Address address;
  std::copy(hash.bytes.begin() + 12, hash.bytes.end(), address.bytes.begin());
  return address;
}

Bytes token_code() {
  std::ifstream file(std::filesystem::path(SEP_SOURCE_DIR) / "devnet/contracts/Token.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto document = must(parse_json(text), "Token.json");
  Bytes code = must(from_hex(document.at("bytecode").as_string()), "Token.json");
  append(code, abi::Encoder().string("Test").string("TEST").uint(18).finish());
  return code;
}

}  // namespace

std::uint64_t chosen_seed() {
  const char* given = std::getenv("SEP_SEED");
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device()();
  std::cout << "SEP_SEED=" << seed << std::endl;
  return seed;
}

ChainAccount::ChainAccount(node::Node& node, std::uint64_t nonce)
    : node_(node), key_(PrivateKey::from_hex(kDevnetPrivateKey).value()), nonce_(nonce) {}

Address ChainAccount::next_contract() const {
  return contract_of(key_.address(), nonce_);
}

awaitable<node::Receipt> ChainAccount::send(std::optional<Address> to, Bytes data) {
  Transaction tx;
  tx.chain_id = 31337;
  tx.nonce = nonce_++;
  tx.max_fee_per_gas = 100'000'000'000U;
  tx.gas_limit = 25'000'000;
  tx.to = to;
  tx.data = std::move(data);
  const auto signed_tx = sign(std::move(tx), key_);
  // Answers when the transaction is mined.
  must(co_await node_.rpc().call("eth_sendRawTransactionSync", {json::string(to_hex(signed_tx.raw))}),
       "send");
  auto receipt = must(co_await node_.receipt(signed_tx.hash), "receipt");
  if (!receipt) throw std::runtime_error("a mined transaction has no receipt");
  co_return *receipt;
}

awaitable<Bytes> PoolWorld::call(Address to, Bytes data) {
  node::CallRequest request;
  request.to = to;
  request.data = std::move(data);
  auto result = must(co_await node_.call(std::move(request)), "eth_call");
  if (!result) throw std::runtime_error("a call reverted: " + decode_revert(result.error().data).text);
  co_return *result;
}

awaitable<Address> PoolWorld::make_token() {
  const Address token = account_.next_contract();
  co_await account_.send(std::nullopt, token_code());
  static const auto mint = abi::selector("mint(address,uint256)");
  co_await account_.send(token,
                         abi::Encoder().address(account_.address()).uint(Uint256::pow2(200)).call(mint));
  for (const auto& spender : {contracts_.position_manager, contracts_.swap_router})
    co_await account_.send(token, uniswap::erc20::approve(spender, Uint256::max()));
  co_return token;
}

awaitable<ChainPool> PoolWorld::make_pool(Address token_a, Address token_b, std::uint32_t fee,
                                          std::int32_t spacing, PoolShape shape) {
  ChainPool made;
  made.key.token0 = std::min(token_a, token_b);
  made.key.token1 = std::max(token_a, token_b);
  made.key.fee_pips = fee;
  made.key.tick_spacing = spacing;
  const auto tick = static_cast<std::int32_t>(random_.uniform(-shape.tick_reach, shape.tick_reach));
  const Uint256 price = uniswap::sqrt_ratio_at_tick(tick) + random_.uniform(0, 1'000'000);
  co_await account_.send(contracts_.position_manager, uniswap::position_manager::create_and_initialize_pool(
                                                          made.key.token0, made.key.token1, fee, price));
  made.key.address =
      must(uniswap::decode_address(co_await call(
               contracts_.factory, uniswap::factory::get_pool(made.key.token0, made.key.token1, fee))),
           "getPool");
  const int depth = static_cast<int>(random_.uniform(shape.least_depth, shape.greatest_depth));
  const auto positions = random_.uniform(3, 14);
  for (int i = 0; i < positions; ++i) co_await add_position(made, tick, depth, i == 0);
  co_return made;
}

awaitable<uniswap::PoolState> PoolWorld::load(const ChainPool& of) {
  uniswap::PoolState state = of.key;
  const auto slot0 = must(
      uniswap::pool_contract::decode_slot0(co_await call(state.address, uniswap::pool_contract::slot0())),
      "slot0");
  state.sqrt_price_x96 = slot0.sqrt_price_x96;
  state.tick = slot0.tick;
  state.liquidity = must(uniswap::pool_contract::decode_liquidity(
                             co_await call(state.address, uniswap::pool_contract::liquidity())),
                         "liquidity");
  for (const auto word : of.words) {
    const auto ticks =
        must(uniswap::tick_lens::decode_populated_ticks(co_await call(
                 contracts_.tick_lens, uniswap::tick_lens::populated_ticks_in_word(state.address, word))),
             "getPopulatedTicksInWord");
    state.ticks.insert(state.ticks.end(), ticks.begin(), ticks.end());
  }
  co_return state;
}

awaitable<void> PoolWorld::add_position(ChainPool& of, std::int32_t tick, int depth, bool around_price) {
  const std::int32_t spacing = of.key.tick_spacing;
  const std::int32_t limit = uniswap::kMaxTick / spacing;
  const std::int64_t reaches[] = {2, 40, 600, 40'000 / spacing};
  const std::int64_t reach = reaches[random_.uniform(0, 3)];
  const std::int64_t center = tick / spacing;
  const auto at = [&](std::int64_t compressed, std::int64_t low, std::int64_t high) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(compressed, low, high)) * spacing;
  };
  const std::int64_t begin = around_price ? center - 2 : center + random_.uniform(-reach, reach);
  const std::int64_t end = around_price ? center + 3 : begin + random_.uniform(1, reach);
  uniswap::position_manager::Mint mint;
  mint.token0 = of.key.token0;
  mint.token1 = of.key.token1;
  mint.fee_pips = of.key.fee_pips;
  mint.tick_lower = at(begin, -limit, limit - 1);
  mint.tick_upper = at(end, mint.tick_lower / spacing + 1, limit);
  mint.amount0 = random_.log_uniform(depth) + 1'000'000;
  mint.amount1 = random_.log_uniform(depth) + 1'000'000;
  mint.recipient = account_.address();
  mint.deadline = kFarFuture;
  const auto receipt =
      co_await account_.send(contracts_.position_manager, uniswap::position_manager::mint(mint));
  if (!receipt.success) co_return;  // amounts too small for any liquidity in this range
  for (const auto edge : {mint.tick_lower, mint.tick_upper})
    of.words.insert(static_cast<std::int16_t>((edge / spacing) >> 8));
}

}  // namespace sep::support
