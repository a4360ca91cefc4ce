#include "ethereum/address.h"

#include <algorithm>

#include "base/hex.h"
#include "ethereum/hash.h"

namespace sep {

std::string to_hex(const Address& address) {
  return to_hex(ByteView(address.bytes));
}

std::string to_checksum(const Address& address) {
  std::string text = to_hex(address);
  const Hash32 hash = keccak256(std::string_view(text).substr(2));
  for (std::size_t i = 0; i < 40; ++i) {
    const int nibble = hash.bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15;
    char& c = text[i + 2];
    if (c >= 'a' && nibble >= 8) c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

Result<Address> address_from_hex(std::string_view text) {
  Address address;
  if (!read_hex(text, address.bytes))
    return fail(errc::kInvalidValue, "an address is 0x and 40 hexadecimal digits");
  return address;
}

Result<Address> parse_address(std::string_view text) {
  SEP_TRY(const auto address, address_from_hex(text));
  const auto digits = text.substr(2);
  const bool has_upper = std::ranges::any_of(digits, [](char c) { return c >= 'A' && c <= 'F'; });
  const bool has_lower = std::ranges::any_of(digits, [](char c) { return c >= 'a' && c <= 'f'; });
  if (has_upper && has_lower && text != to_checksum(address))
    return fail(errc::kInvalidValue, "the address's letter case does not match its EIP-55 checksum");
  return address;
}

}  // namespace sep
