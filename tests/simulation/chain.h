#pragma once
// The simulated Ethereum: one account of ours, ERC-20 balances and allowances, Uniswap pools with their real
// prices (uniswap/pool.h), a pool of pending transactions, blocks that may leave the chain, and the front
// ends that it is seen through. node/rpc.h stands on it (node.cpp).
//
// Invariants
//  1. Every block ever made is kept with the state after it, so that a front end can go on showing one that
//  left.
//  2. A reorganisation replaces at most confirmations - 1 blocks: what is as deep as the platform waits for
//  is final.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulation/world.h"

#include "engine/settings.h"
#include "ethereum/log.h"
#include "ethereum/transaction.h"
#include "uniswap/contracts.h"
#include "uniswap/pool.h"

namespace sep::sim {

struct ChainState {
  std::uint64_t nonce = 0;  // of the account
  Uint256 native_wei;
  std::map<Address, Uint256> balances;    // of the account, by token
  std::map<Address, Uint256> allowances;  // of the account to the router, by token
  std::vector<uniswap::Pool> pools;
};

/// What executing one transaction, or one call, did.
struct Executed {
  bool success = false;
  std::uint64_t gas_used = 0;
  Bytes returned;  // revert data where !success
  std::vector<Log> logs;
  bool swapped = false;
  Uint256 amount_in;
  Uint256 amount_out;
};

struct MinedTransaction {
  Hash32 hash;
  SignedTransaction signed_transaction;
  Executed result;
  Uint256 effective_gas_price_wei;
  bool foreign = false;  // of the account, not made by the platform
};

struct Block {
  std::uint64_t number = 0;
  Hash32 hash;
  const Block* parent = nullptr;
  std::int64_t timestamp_s = 0;
  Uint256 base_fee_wei;
  std::vector<MinedTransaction> transactions;
  ChainState after;
};

class Chain {
 public:
  struct Options {
    std::int64_t block_interval_ms = 12'000;
    unsigned confirmations = 1;
    unsigned replacement_percent = 10;    // what the pool asks for
    bool refuses_below_base_fee = false;  // as some nodes do
    bool refuses_nonce_gaps = false;
    Uint256 base_fee_wei;
    std::size_t endpoints = 1;           // addresses that the platform is configured with
    std::size_t front_ends_of_each = 1;  // that answer behind one address, in turns
  };
  Chain(World& world, const engine::Settings& settings, Address account, ChainState genesis, Options options);

  const Options& options() const { return options_; }
  const Address& account() const { return account_; }
  const Block& tip() const { return *tip_; }
  /// Blocks of the chain as it is, newest first, down to the first.
  std::vector<const Block*> canonical() const;

  // --- through a front end

  struct FrontEnd {
    const Block* tip = nullptr;
    std::int64_t stalled_until_ms = 0;
  };
  /// "simulated:2" is the third address.
  std::size_t front_end_for_call(const std::string& endpoint);
  const FrontEnd& front_end(std::size_t index) const { return front_ends_[index]; }
  /// The state that a front end calls pending.
  ChainState pending(const FrontEnd& seen) const;
  /// The block at this number on the front end's chain; nullptr where there is none.
  static const Block* at(const Block* tip, std::uint64_t number);
  /// Where the transaction is, as seen from `tip`.
  struct Found {
    const Block* block = nullptr;
    const MinedTransaction* transaction = nullptr;
  };
  Found find(const Block* tip, const Hash32& hash) const;
  /// Empty: taken. Otherwise the node's words.
  std::string submit(std::size_t front_end, const SignedTransaction& transaction);
  /// Called when a front end shows another head.
  void on_head(std::function<void()> listener) { head_listeners_.push_back(std::move(listener)); }

  Executed execute(ChainState& state, const Transaction& transaction, std::int64_t timestamp_s) const;
  Executed call(const ChainState& state, const Address& to, ByteView data, std::int64_t timestamp_s) const;

  // --- what happens to it

  void start();
  void settle_down();  // no more faults of the chain
  void reorganise(unsigned depth);
  void drop_pending();
  void use_nonce_elsewhere();
  void stall_front_end(std::int64_t ms);

  const SignedTransaction* known(const Hash32& hash) const;

 private:
  std::optional<Executed> swap_path(ChainState& state, const uniswap::swap_router::Swap& swap,
                                    const uniswap::swap_router::PathSwap& one, Executed& done) const;
  void mine();
  Block& append_block(std::int64_t timestamp_s);
  void fill(Block& block);
  void trade(ChainState& state);
  void show(std::size_t front_end);
  void propagate();
  Uint256 next_base_fee();

  World& world_;
  engine::Settings settings_;
  Address account_;
  Options options_;
  std::vector<std::unique_ptr<Block>> blocks_;
  const Block* tip_ = nullptr;
  std::vector<FrontEnd> front_ends_;
  std::vector<std::function<void()>> head_listeners_;
  std::map<std::uint64_t, SignedTransaction> pool_;       // by nonce
  std::map<Hash32, std::vector<const Block*>> included_;  // every block that ever held it
  std::map<Hash32, SignedTransaction> submitted_;
  std::set<Hash32> foreign_;
  Uint256 fee_target_;
  std::int64_t fee_until_ms_ = 0;
  std::uint64_t salt_ = 0;
};

}  // namespace sep::sim
