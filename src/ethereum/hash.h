#pragma once
// Keccak-256 and the 32-byte hashes of blocks, transactions and topics.
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uint256.h"

namespace sep {

struct Hash32 {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Hash32&) const = default;
  bool is_zero() const { return *this == Hash32{}; }
  Uint256 to_uint256() const { return from_big_endian(bytes); }
};

/// Ethereum's Keccak-256 (the original padding, not FIPS 202's SHA3-256).
Hash32 keccak256(ByteView data);
Hash32 keccak256(std::string_view text);

/// "0x" and 64 hexadecimal digits of either case. INVALID_VALUE otherwise.
Result<Hash32> parse_hash(std::string_view text);
/// "0x" and 64 lower-case digits.
std::string to_hex(const Hash32& hash);

}  // namespace sep

template <>
struct std::hash<sep::Hash32> {
  std::size_t operator()(const sep::Hash32& hash) const noexcept {
    std::size_t prefix = 0;
    std::memcpy(&prefix, hash.bytes.data(), sizeof prefix);
    return prefix;
  }
};
