#include "ethereum/hash.h"

#include <cryptopp/keccak.h>

#include "base/hex.h"

namespace sep {

Hash32 keccak256(ByteView data) {
  Hash32 hash;
  CryptoPP::Keccak_256 keccak;
  keccak.CalculateDigest(hash.bytes.data(), data.data(), data.size());
  return hash;
}

Hash32 keccak256(std::string_view text) {
  return keccak256(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Result<Hash32> parse_hash(std::string_view text) {
  Hash32 hash;
  if (!read_hex(text, hash.bytes)) return fail(errc::kInvalidValue, "a hash is 0x and 64 hexadecimal digits");
  return hash;
}

std::string to_hex(const Hash32& hash) {
  return to_hex(ByteView(hash.bytes));
}

}  // namespace sep
