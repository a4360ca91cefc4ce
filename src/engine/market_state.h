#pragma once
// What the market service knows at one block, as a value: every configured pool, the chain's head, the
// signer's balances. It travels over the bus as JSON, whole (a snapshot) or as what changed (an update).
//
// Invariants:
//  1. All pools and balances are of the block that `block` names.
//  2. Updates apply in order of `revision`, and to a state of the same `source` only; a gap is refused, and a
//     snapshot mends it.
//  3. A pool that disagreed with its own logs is quarantined: it is in no pricing.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "engine/settings.h"
#include "ethereum/hash.h"
#include "uniswap/pool.h"

namespace sep::engine {

struct BlockRef {
  std::uint64_t number = 0;
  Hash32 hash;
  std::int64_t timestamp_s = 0;  // the block's own
  Uint256 base_fee_wei;

  bool operator==(const BlockRef&) const = default;
};

struct MarketPool {
  uniswap::Pool pool;
  std::string quarantine;  // why it is not priced; empty: it is
};

/// The signer's account.
struct AccountState {
  Address address;
  Uint256 native_wei;
  std::map<Address, Uint256> balances;    // base units, by token
  std::map<Address, Uint256> allowances;  // base units that the swap router may take, by token

  bool operator==(const AccountState&) const = default;
};

struct MarketState {
  std::string source;          // whose count `revision` is: a ULID of the market service's start
  std::uint64_t revision = 0;  // 0: nothing is known yet
  BlockRef block;
  std::int64_t block_interval_ms = 0;  // between the last blocks; 0: not known, or mined on demand
  Timestamp confirmed_at;              // when the node last said that `block` is its head
  std::vector<MarketPool> pools;
  std::optional<AccountState> account;

  /// STALE_MARKET with what is missing or too old.
  Status check_fresh(Timestamp now, const MarketSettings& settings) const;
  /// The pools that may be priced.
  std::vector<const uniswap::Pool*> usable_pools() const;
};

/// The whole state.
json::object snapshot_json(const MarketState& state);
/// What changed with `state.revision`: its head and account, and the pools with these addresses.
json::object update_json(const MarketState& state, const std::vector<Address>& changed_pools);

/// MISSING_FIELD, WRONG_TYPE or INVALID_VALUE where the document is malformed, or a pool's state is not one
/// that a pool can be in.
Result<MarketState> market_from_snapshot(const json::object& document);
/// The addresses of the pools that it brought; they stay where they are in memory unless one was added.
/// SEQUENCE_CONFLICT where the update is of another source or not the next one; an older one changes nothing.
Result<std::vector<Address>> apply_update(MarketState& state, const json::object& document);

}  // namespace sep::engine
