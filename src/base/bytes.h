#pragma once
// Byte strings, as they appear in keys, hashes, calldata and signed transactions.
#include <cstdint>
#include <span>
#include <vector>

namespace sep {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline void append(Bytes& to, ByteView bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace sep
