#include "ethereum/keystore.h"

#include <algorithm>
#include <bit>
#include <memory>

#include <cryptopp/scrypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/hex.h"

namespace sep {
namespace {

constexpr std::uint64_t kMaxScryptBytes = 256ULL << 20;  // 128 · n · r of the costliest files in use
constexpr std::uint64_t kMaxScryptP = 16;                // lanes, one after the other
constexpr std::uint64_t kMaxRounds = 10'000'000;         // PBKDF2: about five seconds
constexpr std::size_t kDerivedBytes = 32;                // 16 for the cipher, 16 for the check

/// The derived key, zeroised when it goes.
struct DerivedKey {
  std::array<std::uint8_t, kDerivedBytes> bytes{};
  DerivedKey() = default;
  DerivedKey(const DerivedKey&) = default;
  DerivedKey& operator=(const DerivedKey&) = default;
  ~DerivedKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  ByteView cipher_key() const { return ByteView(bytes).first(16); }
  ByteView check_key() const { return ByteView(bytes).last(16); }
};

std::unexpected<Error> at(std::string_view prefix, Error error) {
  error.code = errc::kInvalidValue;
  error.pointer = std::string(prefix) + error.pointer;
  return fail(std::move(error));
}

std::unexpected<Error> invalid(std::string_view pointer, std::string detail) {
  return fail(errc::kInvalidValue, std::move(detail), std::string(pointer));
}

/// A member of hexadecimal digits, with or without "0x": writers differ.
Result<Bytes> get_hex(const json::object& object, std::string_view key, std::string_view prefix) {
  auto text = get_string(object, key);
  if (!text) return at(prefix, text.error());
  auto bytes = from_hex(text->starts_with("0x") ? *text : "0x" + *text);
  if (!bytes) return invalid(std::string(prefix) + "/" + std::string(key), bytes.error().detail);
  return bytes;
}

Result<std::uint64_t> get_number(const json::object& object, std::string_view key) {
  auto number = get_uint(object, key);
  if (!number) return at("/crypto/kdfparams", number.error());
  return number;
}

bool scrypt(std::string_view password, ByteView salt, const ScryptCost& cost, DerivedKey& key) {
  // OpenSSL refuses n >= 2^(16 r), which the format's own test vector has; Crypto++ takes five times as long.
  const bool openssl_refuses = cost.r < 4 && cost.n >= 1ULL << (16 * cost.r);
  if (!openssl_refuses) {
    constexpr std::uint64_t kMemoryLimit = kMaxScryptBytes + (64ULL << 20);  // 128 · n · r and working blocks
    return EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), cost.n, cost.r, cost.p,
                          kMemoryLimit, key.bytes.data(), key.bytes.size()) == 1;
  }
  try {
    CryptoPP::Scrypt().DeriveKey(key.bytes.data(), key.bytes.size(),
                                 reinterpret_cast<const std::uint8_t*>(password.data()), password.size(),
                                 salt.data(), salt.size(), cost.n, cost.r, cost.p);
    return true;
  } catch (const std::exception&) {  // refused parameters, or no memory
    return false;
  }
}

Result<DerivedKey> derive_scrypt(const json::object& parameters, ByteView salt, std::string_view password) {
  constexpr std::string_view kPointer = "/crypto/kdfparams";
  SEP_TRY(const auto n, get_number(parameters, "n"));
  SEP_TRY(const auto r, get_number(parameters, "r"));
  SEP_TRY(const auto p, get_number(parameters, "p"));
  const bool bounded = n >= 2 && std::has_single_bit(n) && n <= kMaxScryptBytes / 128 && r >= 1 &&
                       r <= kMaxScryptBytes / 128 / n && p >= 1 && p <= kMaxScryptP;
  if (!bounded) return invalid(kPointer, "scrypt's n, r or p is out of bounds");
  DerivedKey key;
  const ScryptCost cost{n, static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(p)};
  if (!scrypt(password, salt, cost, key)) return invalid(kPointer, "scrypt refused its parameters");
  return key;
}

Result<DerivedKey> derive_pbkdf2(const json::object& parameters, ByteView salt, std::string_view password) {
  constexpr std::string_view kPointer = "/crypto/kdfparams";
  SEP_TRY(const auto rounds, get_number(parameters, "c"));
  if (string_or(parameters, "prf") != "hmac-sha256")
    return invalid("/crypto/kdfparams/prf", "only hmac-sha256 is supported");
  if (rounds < 1 || rounds > kMaxRounds) return invalid(kPointer, "PBKDF2's c is out of bounds");
  DerivedKey key;
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                        static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha256(),
                        static_cast<int>(key.bytes.size()), key.bytes.data()) != 1)
    return invalid(kPointer, "PBKDF2 refused its parameters");
  return key;
}

Result<DerivedKey> derive(const json::object& crypto, std::string_view password) {
  auto parameters = get_object(crypto, "kdfparams");
  if (!parameters) return at("/crypto", parameters.error());
  SEP_TRY(const auto length, get_number(*parameters, "dklen"));
  if (length != kDerivedBytes) return invalid("/crypto/kdfparams/dklen", "must be 32");
  SEP_TRY(const auto salt, get_hex(*parameters, "salt", "/crypto/kdfparams"));
  const std::string kdf = string_or(crypto, "kdf");
  if (kdf == "scrypt") return derive_scrypt(*parameters, salt, password);
  if (kdf == "pbkdf2") return derive_pbkdf2(*parameters, salt, password);
  return invalid("/crypto/kdf", "only scrypt and pbkdf2 are supported");
}

/// aes-128-ctr; encrypting and decrypting are the same.
void apply_cipher(ByteView key, ByteView iv, ByteView in, std::span<std::uint8_t> out) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  int written = 0;
  SEP_ASSERT(key.size() == 16 && iv.size() == 16 && out.size() == in.size() && context != nullptr);
  SEP_ASSERT(EVP_EncryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr, key.data(), iv.data()) == 1);
  SEP_ASSERT(EVP_EncryptUpdate(context.get(), out.data(), &written, in.data(), static_cast<int>(in.size())) ==
             1);
}

Hash32 check_of(const DerivedKey& key, ByteView ciphertext) {
  Bytes input(key.check_key().begin(), key.check_key().end());
  append(input, ciphertext);
  const Hash32 hash = keccak256(input);
  OPENSSL_cleanse(input.data(), input.size());
  return hash;
}

std::string bare_hex(ByteView bytes) {
  return to_hex(bytes).substr(2);
}

std::string uuid(std::array<std::uint8_t, 16> bytes) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = bare_hex(bytes);
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

}  // namespace

Result<PrivateKey> decrypt_keystore(const json::object& file, std::string_view password) {
  auto version = get_int(file, "version");
  if (!version) return at("", version.error());
  if (*version != 3) return invalid("/version", "only version 3 is supported");
  // Old writers capitalise the member's name.
  auto crypto = get_object(file, file.contains("Crypto") ? "Crypto" : "crypto");
  if (!crypto) return at("", crypto.error());
  if (string_or(*crypto, "cipher") != "aes-128-ctr")
    return invalid("/crypto/cipher", "only aes-128-ctr is supported");
  auto cipher_parameters = get_object(*crypto, "cipherparams");
  if (!cipher_parameters) return at("/crypto", cipher_parameters.error());
  SEP_TRY(const auto iv, get_hex(*cipher_parameters, "iv", "/crypto/cipherparams"));
  SEP_TRY(const auto ciphertext, get_hex(*crypto, "ciphertext", "/crypto"));
  SEP_TRY(const auto mac, get_hex(*crypto, "mac", "/crypto"));
  if (iv.size() != 16) return invalid("/crypto/cipherparams/iv", "must have 16 bytes");
  if (ciphertext.size() != 32) return invalid("/crypto/ciphertext", "must have 32 bytes");
  if (mac.size() != 32) return invalid("/crypto/mac", "must have 32 bytes");

  SEP_TRY(const auto derived, derive(*crypto, password));
  if (CRYPTO_memcmp(check_of(derived, ciphertext).bytes.data(), mac.data(), mac.size()) != 0)
    return invalid("/crypto/mac", "wrong password, or a damaged file");
  std::array<std::uint8_t, 32> secret{};
  apply_cipher(derived.cipher_key(), iv, ciphertext, secret);
  auto key = PrivateKey::from_bytes(secret);
  OPENSSL_cleanse(secret.data(), secret.size());
  return key;
}

json::object encrypt_keystore(const PrivateKey& key, std::string_view password,
                              const KeystoreRandomness& randomness, const ScryptCost& cost) {
  DerivedKey derived;
  SEP_ASSERT(scrypt(password, randomness.salt, cost, derived));
  std::array<std::uint8_t, 32> ciphertext{};
  apply_cipher(derived.cipher_key(), randomness.iv, key.reveal(), ciphertext);
  const json::object parameters{{"n", cost.n},
                                {"r", cost.r},
                                {"p", cost.p},
                                {"dklen", kDerivedBytes},
                                {"salt", bare_hex(randomness.salt)}};
  const json::object crypto{{"cipher", "aes-128-ctr"},
                            {"cipherparams", json::object{{"iv", bare_hex(randomness.iv)}}},
                            {"ciphertext", bare_hex(ciphertext)},
                            {"kdf", "scrypt"},
                            {"kdfparams", parameters},
                            {"mac", bare_hex(check_of(derived, ciphertext).bytes)}};
  return {{"version", 3},
          {"id", uuid(randomness.id)},
          {"address", to_hex(key.address()).substr(2)},
          {"crypto", crypto}};
}

}  // namespace sep
