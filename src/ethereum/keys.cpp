#include "ethereum/keys.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/hex.h"

namespace sep {
namespace {

/// Making a context costs milliseconds; once made it is only read, so all threads share it.
const secp256k1_context* context() {
  static const secp256k1_context* const shared = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  return shared;
}

Address address_of(const secp256k1_pubkey& key) {
  std::array<std::uint8_t, 65> point{};  // 0x04, x, y
  std::size_t size = point.size();
  secp256k1_ec_pubkey_serialize(context(), point.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
  const Hash32 hash = keccak256(ByteView(point).subspan(1));
  Address address;
  std::ranges::copy(ByteView(hash.bytes).last(20), address.bytes.begin());
  return address;
}

}  // namespace

Result<PrivateKey> PrivateKey::from_bytes(ByteView bytes) {
  if (bytes.size() != 32 || secp256k1_ec_seckey_verify(context(), bytes.data()) != 1)
    return fail(errc::kInvalidValue, "not a private key: 32 bytes, between 1 and the group's order");
  PrivateKey key;
  std::ranges::copy(bytes, key.secret_.begin());
  secp256k1_pubkey point;
  SEP_ASSERT(secp256k1_ec_pubkey_create(context(), &point, key.secret_.data()) == 1);
  key.address_ = address_of(point);
  return key;
}

Result<PrivateKey> PrivateKey::from_hex(std::string_view text) {
  auto bytes = sep::from_hex(text);
  if (!bytes) return fail(errc::kInvalidValue, "not a private key: 0x and 64 hexadecimal digits");
  auto key = from_bytes(*bytes);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  return key;
}

PrivateKey::PrivateKey(PrivateKey&& other) noexcept : secret_(other.secret_), address_(other.address_) {
  OPENSSL_cleanse(other.secret_.data(), other.secret_.size());
}

PrivateKey& PrivateKey::operator=(PrivateKey&& other) noexcept {
  if (this != &other) {
    secret_ = other.secret_;
    address_ = other.address_;
    OPENSSL_cleanse(other.secret_.data(), other.secret_.size());
  }
  return *this;
}

PrivateKey::~PrivateKey() {
  OPENSSL_cleanse(secret_.data(), secret_.size());
}

Signature PrivateKey::sign(const Hash32& hash) const {
  secp256k1_ecdsa_recoverable_signature signature;
  // Fails only for a key out of range: one that was moved from.
  SEP_ASSERT(secp256k1_ecdsa_sign_recoverable(context(), &signature, hash.bytes.data(), secret_.data(),
                                              nullptr, nullptr) == 1);
  std::array<std::uint8_t, 64> compact{};
  int recovery_id = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), compact.data(), &recovery_id,
                                                          &signature);
  // Ids 2 and 3 mean that x exceeded the group's order: a chance of 2^-127.
  SEP_ASSERT(recovery_id == 0 || recovery_id == 1);
  return {from_big_endian(ByteView(compact).first(32)), from_big_endian(ByteView(compact).last(32)),
          static_cast<std::uint8_t>(recovery_id)};
}

Result<Address> recover(const Hash32& hash, const Signature& signature) {
  // Half the group's order; a signature with a higher s is the malleable twin of a valid one.
  const Uint256 half_order =
      Uint256::from_limbs({0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff});
  if (signature.y_parity > 1 || signature.s > half_order)
    return fail(errc::kInvalidValue, "a signature's parity or s is out of range");
  std::array<std::uint8_t, 64> compact{};
  std::ranges::copy(to_big_endian(signature.r), compact.begin());
  std::ranges::copy(to_big_endian(signature.s), compact.begin() + 32);
  secp256k1_ecdsa_recoverable_signature parsed;
  secp256k1_pubkey key;
  if (secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &parsed, compact.data(),
                                                          signature.y_parity) != 1 ||
      secp256k1_ecdsa_recover(context(), &key, &parsed, hash.bytes.data()) != 1)
    return fail(errc::kInvalidValue, "no key can have made this signature");
  return address_of(key);
}

}  // namespace sep
