#pragma once
// Private keys and signatures on secp256k1.
// Invariants
//  1. A key's bytes are zeroised when it is destroyed or moved from; no function prints or copies it by
//  accident.
//  2. Signatures are deterministic (RFC 6979) and have the low s that EIP-2 demands.
#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uint256.h"
#include "ethereum/address.h"
#include "ethereum/hash.h"

namespace sep {

struct Signature {
  Uint256 r;
  Uint256 s;
  std::uint8_t y_parity = 0;  // 0 or 1

  bool operator==(const Signature&) const = default;
};

class PrivateKey {
 public:
  /// 32 bytes, from 1 to the group's order - 1. INVALID_VALUE otherwise; the message never holds the key.
  static Result<PrivateKey> from_bytes(ByteView bytes);
  static Result<PrivateKey> from_hex(std::string_view text);

  PrivateKey(PrivateKey&& other) noexcept;
  PrivateKey& operator=(PrivateKey&& other) noexcept;
  PrivateKey(const PrivateKey&) = delete;
  PrivateKey& operator=(const PrivateKey&) = delete;
  ~PrivateKey();

  /// The account that the key controls.
  const Address& address() const { return address_; }
  Signature sign(const Hash32& hash) const;

  /// The secret itself, for writing it to a keystore. Whoever copies it has to zeroise the copy.
  ByteView reveal() const { return secret_; }

 private:
  PrivateKey() = default;
  std::array<std::uint8_t, 32> secret_{};
  Address address_;
};

/// The account whose key made the signature. INVALID_VALUE for values out of range, a high s (EIP-2) or a
/// point that does not exist.
Result<Address> recover(const Hash32& hash, const Signature& signature);

/// Account 0 of anvil and hardhat (mnemonic "test test test … junk"):
/// 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266. Everybody knows it: for the local chain only; anything sent to
/// it elsewhere is taken within seconds.
inline constexpr std::string_view kDevnetPrivateKey =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

}  // namespace sep
