#pragma once
// EIP-1559 transactions (type 2): building, signing, reading back.
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uint256.h"
#include "ethereum/address.h"
#include "ethereum/hash.h"
#include "ethereum/keys.h"

namespace sep {

/// One entry of an access list (EIP-2930).
struct AccessListEntry {
  Address address;
  std::vector<Hash32> storage_keys;

  bool operator==(const AccessListEntry&) const = default;
};

struct Transaction {
  std::uint64_t chain_id = 0;
  std::uint64_t nonce = 0;
  Uint256 max_priority_fee_per_gas;  // wei
  Uint256 max_fee_per_gas;           // wei
  std::uint64_t gas_limit = 0;
  std::optional<Address> to;  // empty: creates a contract
  Uint256 value;              // wei
  Bytes data;
  std::vector<AccessListEntry> access_list;

  bool operator==(const Transaction&) const = default;
};

struct SignedTransaction {
  Transaction transaction;
  Signature signature;
  Address sender;
  Hash32 hash;
  Bytes raw;  // what eth_sendRawTransaction takes
};

/// What the sender signs: keccak256(0x02 || rlp([chain_id, …, access_list])).
Hash32 signing_hash(const Transaction& transaction);

SignedTransaction sign(Transaction transaction, const PrivateKey& key);

/// Reads raw bytes back and recovers the sender. INVALID_VALUE for other types, malformed or non-canonical
/// bytes and signatures that no key can have made.
Result<SignedTransaction> decode_transaction(ByteView raw);

}  // namespace sep
