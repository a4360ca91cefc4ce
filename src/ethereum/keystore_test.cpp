#include "ethereum/keystore.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace sep {
namespace {

// The two test vectors of the Web3 Secret Storage Definition (ethereum.org).
constexpr const char* kPbkdf2 = R"({"crypto":{"cipher":"aes-128-ctr",
  "cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
  "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
  "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
    "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
  "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
  "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3})";
constexpr const char* kScrypt = R"({"crypto":{"cipher":"aes-128-ctr",
  "cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
  "ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt",
  "kdfparams":{"dklen":32,"n":262144,"r":1,"p":8,
    "salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
  "mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
  "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3})";
constexpr const char* kSecret = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

json::object parsed(const char* text) {
  return parse_json(text)->as_object();
}

TEST(Keystore, OfficialVectors) {
  for (const auto* text : {kPbkdf2, kScrypt}) {
    const auto key = decrypt_keystore(parsed(text), "testpassword");
    ASSERT_TRUE(key) << key.error().detail;
    EXPECT_EQ(to_hex(key->reveal()), kSecret);
  }
}

TEST(Keystore, AWrongPasswordIsAnError) {
  const auto key = decrypt_keystore(parsed(kPbkdf2), "testpassworD");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().pointer, "/crypto/mac");
}

TEST(Keystore, WhatIsEncryptedDecrypts) {
  const auto key = PrivateKey::from_hex(kDevnetPrivateKey).value();
  const KeystoreRandomness randomness{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
  const auto file = encrypt_keystore(key, "pässword", randomness, {1024, 8, 1});
  EXPECT_EQ(decrypt_keystore(file, "pässword")->address(), key.address());
  EXPECT_FALSE(decrypt_keystore(file, "password"));
  EXPECT_EQ(file.at("address").as_string(), "f39fd6e51aad88f6f4ce6ab8827279cfffb92266");
  EXPECT_EQ(file.at("id").as_string(), "07080900-0000-4000-8000-000000000000");
}

TEST(Keystore, OpensOnBothSidesOfTheLibrariesBorder) {
  const auto key = PrivateKey::from_hex(kDevnetPrivateKey).value();
  for (const ScryptCost& cost : {ScryptCost{1U << 15, 1, 1}, ScryptCost{1U << 16, 1, 1}})
    EXPECT_EQ(decrypt_keystore(encrypt_keystore(key, "p", {}, cost), "p")->address(), key.address());
}

TEST(Keystore, HostileFilesAreRefusedAtTheField) {
  const auto pointer_after = [](auto change) {
    json::object file = parsed(kScrypt);
    change(file, file.at("crypto").as_object());
    const auto key = decrypt_keystore(file, "testpassword");
    return key ? std::string("accepted") : key.error().pointer;
  };
  const auto parameter = [&](const char* name, json::value value) {
    return pointer_after(
        [&](json::object&, json::object& crypto) { crypto.at("kdfparams").as_object()[name] = value; });
  };
  EXPECT_EQ(parameter("n", 1U << 30), "/crypto/kdfparams");
  EXPECT_EQ(parameter("n", 3), "/crypto/kdfparams");
  EXPECT_EQ(parameter("n", 0), "/crypto/kdfparams");
  EXPECT_EQ(parameter("n", -4), "/crypto/kdfparams/n");
  EXPECT_EQ(parameter("r", 1U << 30), "/crypto/kdfparams");
  EXPECT_EQ(parameter("p", 1U << 30), "/crypto/kdfparams");
  EXPECT_EQ(parameter("n", ~0ULL), "/crypto/kdfparams");
  EXPECT_EQ(parameter("dklen", 64), "/crypto/kdfparams/dklen");
  EXPECT_EQ(parameter("salt", "xyz"), "/crypto/kdfparams/salt");
  EXPECT_EQ(pointer_after([](json::object& file, json::object&) { file["version"] = 1; }), "/version");
  EXPECT_EQ(pointer_after([](json::object& file, json::object&) { file.erase("crypto"); }), "/crypto");
  EXPECT_EQ(pointer_after([](json::object&, json::object& crypto) { crypto["kdf"] = "argon2"; }),
            "/crypto/kdf");
  EXPECT_EQ(pointer_after([](json::object&, json::object& crypto) { crypto["cipher"] = "aes-256-cbc"; }),
            "/crypto/cipher");
  EXPECT_EQ(pointer_after([](json::object&, json::object& crypto) { crypto["ciphertext"] = "00"; }),
            "/crypto/ciphertext");
  EXPECT_EQ(pointer_after([](json::object&, json::object& crypto) { crypto["cipherparams"] = 5; }),
            "/crypto/cipherparams");
}

}  // namespace
}  // namespace sep
