#pragma once
// One event log of a contract, as a receipt or eth_getLogs gives it.
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "ethereum/address.h"
#include "ethereum/hash.h"

namespace sep {

struct Log {
  Address address;             // of the contract
  std::vector<Hash32> topics;  // the first is keccak256 of the event's signature
  Bytes data;
  std::uint64_t block_number = 0;
  Hash32 block_hash;
  Hash32 tx_hash;
  std::uint64_t tx_index = 0;
  std::uint64_t log_index = 0;  // within the block
  bool removed = false;         // by a reorganisation

  bool operator==(const Log&) const = default;
};

}  // namespace sep
