#include "ethereum/transaction.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/hex.h"
#include "ethereum/rlp.h"

namespace sep {
namespace {

// Raw transactions signed by viem 2.x with the same key.
constexpr const char* kPlainRaw =
    "0x02f876827a69078459682f008506fc23ac0083033450945aaeb6053f3e94c9b9a09f33669435e7ef1beaed84075bcd"
    "1584deadbeefc001a0bba6ce990ade3d16e942ff1c225e16e2f069da382ba45028d42f5d417996d788a0214442c4effa"
    "f1fc4d7770aea4753c9ab44f4124bb0ed0cbbe48997a1dbc6c2f";
constexpr const char* kAccessListRaw =
    "0x02f889018080018252088080826001f838f7945aaeb6053f3e94c9b9a09f33669435e7ef1beaede1a0111111111111"
    "111111111111111111111111111111111111111111111111111101a07c30ccc665673b591a76d8827b0e9d63b89880b9"
    "0187b8529ef954f1840044b8a05b8f6d45b6ab24ffed9ef9501ef3e9f9cbddd21cd3b3647440db326f7d63fa86";

PrivateKey devnet_key() {
  return PrivateKey::from_hex(kDevnetPrivateKey).value();
}
Address some_address() {
  return parse_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").value();
}

Transaction plain() {
  Transaction tx;
  tx.chain_id = 31337;
  tx.nonce = 7;
  tx.max_priority_fee_per_gas = 1'500'000'000U;
  tx.max_fee_per_gas = 30'000'000'000U;
  tx.gas_limit = 210'000;
  tx.to = some_address();
  tx.value = 123'456'789U;
  tx.data = {0xde, 0xad, 0xbe, 0xef};
  return tx;
}

Transaction with_access_list() {
  Transaction tx;
  tx.chain_id = 1;
  tx.max_fee_per_gas = 1;
  tx.gas_limit = 21'000;
  tx.data = {0x60, 0x01};
  Hash32 key;
  key.bytes.fill(0x11);
  tx.access_list = {{some_address(), {key}}};
  return tx;
}

TEST(Transaction, SignsAsOthersDo) {
  const auto signed_plain = sign(plain(), devnet_key());
  EXPECT_EQ(to_hex(signed_plain.raw), kPlainRaw);
  EXPECT_EQ(to_hex(signed_plain.hash), "0x8146de02231430d0e25632307a7b9c51aa5f730720f5ea5ffccbae5797bac00f");
  const auto signed_list = sign(with_access_list(), devnet_key());
  EXPECT_EQ(to_hex(signed_list.raw), kAccessListRaw);
  EXPECT_EQ(to_hex(signed_list.hash), "0x618caab035f487d003958da6d2f4cc9b3a898280a3ed03062c23e22c029bf25c");
}

TEST(Transaction, ReadsBackWithItsSender) {
  for (const auto& [raw, tx] : {std::pair{kPlainRaw, plain()}, {kAccessListRaw, with_access_list()}}) {
    const auto decoded = decode_transaction(from_hex(raw).value());
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->transaction, tx);
    EXPECT_EQ(to_checksum(decoded->sender), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    EXPECT_EQ(decoded->hash, keccak256(from_hex(raw).value()));
  }
}

RC_GTEST_PROP(TransactionProperty, DamagedBytesAreRefusedOrAnotherTransaction, ()) {
  const Bytes good = from_hex(kAccessListRaw).value();
  Bytes bytes = good;
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  if (*rc::gen::arbitrary<bool>())
    bytes.resize(at);
  else
    bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ *rc::gen::inRange(1, 256));
  const auto decoded = decode_transaction(bytes);
  if (!decoded) return;
  // Whatever still decodes is canonical: it encodes to the same bytes, and says something else.
  RC_ASSERT(decoded->raw == bytes);
  RC_ASSERT(decoded->hash != keccak256(good));
  const bool same_signer = decoded->sender == devnet_key().address();
  RC_ASSERT(!same_signer || decoded->transaction == with_access_list());
}

TEST(Rlp, KnownEncodings) {
  // Yellow Paper, appendix B, and ethereum.org's examples.
  EXPECT_EQ(to_hex(rlp::ListEncoder().finish()), "0xc0");
  EXPECT_EQ(to_hex(rlp::ListEncoder().uint(0).uint(15).uint(1024).finish()), "0xc5800f820400");
  const Bytes dog = {'d', 'o', 'g'};
  const Bytes cat = {'c', 'a', 't'};
  EXPECT_EQ(to_hex(rlp::ListEncoder().bytes(cat).bytes(dog).finish()), "0xc88363617483646f67");
  EXPECT_EQ(to_hex(rlp::ListEncoder().bytes(Bytes(56, 0x61)).finish()).substr(0, 10), "0xf83ab838");
}

TEST(Rlp, RefusesWhatIsNotCanonical) {
  for (const auto* text : {"0x", "0x8100", "0x817f", "0xb800", "0xb90038", "0xc180c0", "0xc1", "0x83ffff",
                           "0xbfffffffffffffffff", "0xffffffffffffffffff", "0xf800"})
    EXPECT_FALSE(rlp::decode(from_hex(text).value())) << text;
  EXPECT_FALSE(rlp::decode(from_hex("0xc100").value())->members().value()[0].uint());
  EXPECT_FALSE(rlp::decode(from_hex("0x820400").value())->uint(8));
}

TEST(Keys, TheDevnetKeyIsItsAccount) {
  EXPECT_EQ(to_checksum(devnet_key().address()), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
}

TEST(Keys, RefusesWhatIsNotAKey) {
  EXPECT_FALSE(PrivateKey::from_hex("0x" + std::string(64, '0')));
  EXPECT_FALSE(PrivateKey::from_hex("0x" + std::string(64, 'f')));
  EXPECT_FALSE(PrivateKey::from_hex("0x01"));
  const auto refused = PrivateKey::from_hex("0x" + std::string(62, 'f') + "zz");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail.find("ffff"), std::string::npos) << "a message must not hold the key";
}

TEST(Keys, AMovedFromKeyIsWiped) {
  PrivateKey key = devnet_key();
  const PrivateKey taken = std::move(key);
  EXPECT_EQ(taken.address(), devnet_key().address());
  for (const auto byte : key.reveal()) EXPECT_EQ(byte, 0);  // NOLINT(bugprone-use-after-move)
}

TEST(Keys, AHighSIsRefused) {
  const Hash32 hash = keccak256("message");
  Signature signature = devnet_key().sign(hash);
  EXPECT_EQ(recover(hash, signature).value(), devnet_key().address());
  const Uint256 order =
      parse_quantity("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").value();
  signature.s = order - signature.s;
  signature.y_parity ^= 1;
  EXPECT_FALSE(recover(hash, signature));
}

}  // namespace
}  // namespace sep
