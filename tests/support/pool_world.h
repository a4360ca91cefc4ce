#pragma once
// Pools of any shape on a real chain: tokens, random positions, swaps, and the pools' states read back. For
// tests that compare our pools with Uniswap's contracts.
//
// Functions throw std::runtime_error where the chain does not answer as it must.
#include <random>
#include <set>
#include <stdexcept>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "engine/settings.h"
#include "ethereum/keys.h"
#include "node/node.h"
#include "uniswap/pool.h"

namespace sep::support {

using boost::asio::awaitable;

constexpr std::uint64_t kFarFuture = 1ULL << 40;  // unix seconds

/// What a test cannot go on without; gtest's ASSERT does not work in coroutines.
template <class T>
T must(std::expected<T, Error> result, const char* what) {
  if (!result) throw std::runtime_error(std::string(what) + ": " + result.error().detail);
  return std::move(*result);
}
template <class T>
T must(node::NodeResult<T> result, const char* what) {
  if (!result) throw std::runtime_error(std::string(what) + ": " + result.error().message);
  return std::move(*result);
}

/// The seed in SEP_SEED, otherwise any; printed. The same seed is the same pools, quotes, routes and swaps.
std::uint64_t chosen_seed();

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::int64_t uniform(std::int64_t low, std::int64_t high) {  // both included
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  /// From 1 up to 2^bits, every order of magnitude alike.
  Uint256 log_uniform(int bits) {
    const auto length = static_cast<unsigned>(uniform(0, bits));
    const Uint256 any = Uint256::from_limbs({engine_(), engine_(), 0, 0});
    return Uint256::pow2(length) + (any & (Uint256::pow2(length) - 1));
  }

 private:
  std::mt19937_64 engine_;
};

/// The account that makes tokens, pools and swaps; every transaction is mined at once.
class ChainAccount {
 public:
  ChainAccount(node::Node& node, std::uint64_t nonce);

  const Address& address() const { return key_.address(); }
  awaitable<node::Receipt> send(std::optional<Address> to, Bytes data);
  /// The address of the contract that the next transaction creates.
  Address next_contract() const;

 private:
  node::Node& node_;
  PrivateKey key_;
  std::uint64_t nonce_;
};

/// One pool on the chain, and ours.
struct ChainPool {
  uniswap::PoolState key;        // tokens, fee, spacing, address
  std::set<std::int16_t> words;  // of the bitmap, in which its positions begin and end
  std::optional<uniswap::Pool> pool;
};

/// The defaults make shallow pools, and some so deep that the least move of the price is worth more than one
/// unit, at prices that have nothing to do with each other.
struct PoolShape {
  std::int32_t tick_reach = 60'000;  // the price's tick is at most this far from 0
  int least_depth = 60;              // bits of the greatest amount of a position
  int greatest_depth = 90;
};

class PoolWorld {
 public:
  PoolWorld(node::Node& node, const engine::Contracts& contracts, ChainAccount& account, Random& random)
      : node_(node), contracts_(contracts), account_(account), random_(random) {}

  awaitable<Bytes> call(Address to, Bytes data);
  /// Of 18 decimals, 2^200 of it for the account; router and position manager may take all.
  awaitable<Address> make_token();
  /// A pool at a random price with random positions: some around the price, some far away on either side, so
  /// that empty words of the bitmap and stretches without liquidity lie between them.
  awaitable<ChainPool> make_pool(Address token_a, Address token_b, std::uint32_t fee, std::int32_t spacing,
                                 PoolShape shape = {});
  /// Reads the pool's state at the latest block.
  awaitable<uniswap::PoolState> load(const ChainPool& of);

 protected:
  node::Node& node_;
  const engine::Contracts& contracts_;
  ChainAccount& account_;
  Random& random_;

 private:
  awaitable<void> add_position(ChainPool& of, std::int32_t tick, int depth, bool around_price);
};

}  // namespace sep::support
