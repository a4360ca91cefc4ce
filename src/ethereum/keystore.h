#pragma once
// Web3 Secret Storage, version 3: a private key in a JSON file under a password (the format of geth, foundry
// and most wallets). Key derivation by scrypt or PBKDF2-HMAC-SHA256, aes-128-ctr, Keccak-256 as its check.
#include <array>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "ethereum/keys.h"

namespace sep {

/// Opens a keystore. INVALID_VALUE (with the field's pointer) for a malformed or unsupported file and for a
/// wrong password. Parameters are bounded (256 MiB of scrypt memory, 10 million PBKDF2 rounds), so that no
/// file can take the machine's memory or minutes of its time.
Result<PrivateKey> decrypt_keystore(const json::object& file, std::string_view password);

/// scrypt's cost. The default takes 256 MiB and about a second: what geth and foundry write.
struct ScryptCost {
  std::uint64_t n = 1U << 18;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};

/// The random values of a new file; from the system's random source, never reused.
struct KeystoreRandomness {
  std::array<std::uint8_t, 32> salt;
  std::array<std::uint8_t, 16> iv;
  std::array<std::uint8_t, 16> id;  // becomes a version 4 UUID
};

json::object encrypt_keystore(const PrivateKey& key, std::string_view password,
                              const KeystoreRandomness& randomness, const ScryptCost& cost = {});

}  // namespace sep
