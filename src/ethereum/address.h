#pragma once
// Account and contract addresses, with EIP-55's checksum in the letters' case.
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sep {

struct Address {
  std::array<std::uint8_t, 20> bytes{};

  /// Byte order, which is the order Uniswap sorts a pool's tokens in.
  auto operator<=>(const Address&) const = default;
  bool is_zero() const { return *this == Address{}; }
};

/// "0x" and 40 hexadecimal digits. All letters of one case are accepted; mixed case must be the EIP-55
/// checksum. INVALID_VALUE otherwise.
Result<Address> parse_address(std::string_view text);
/// The same whatever its letters' case: for what was checked when it was written, as everything on the record
/// was, or is checked otherwise. The checksum is a Keccak hash.
Result<Address> address_from_hex(std::string_view text);

/// "0x" and 40 digits with EIP-55's letter case: the form for documents and people.
std::string to_checksum(const Address& address);
/// "0x" and 40 lower-case digits: the form for JSON-RPC and for keys.
std::string to_hex(const Address& address);

}  // namespace sep

template <>
struct std::hash<sep::Address> {
  std::size_t operator()(const sep::Address& address) const noexcept {
    std::size_t suffix = 0;  // the end: vanity addresses share leading bytes
    std::memcpy(&suffix, address.bytes.data() + address.bytes.size() - sizeof suffix, sizeof suffix);
    return suffix;
  }
};
