#include "ethereum/abi.h"

#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/hex.h"
#include "ethereum/revert.h"

namespace sep {
namespace {

using abi::Decoder;
using abi::Encoder;

// f(uint256 a, bytes b, int24 c, string d) of (7, 0x010203, -5, "hello"), encoded by viem 2.x.
constexpr const char* kCall =
    "0xe54b03c200000000000000000000000000000000000000000000000000000000000000070000000000000000000000"
    "000000000000000000000000000000000000000080ffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "fffffffffb00000000000000000000000000000000000000000000000000000000000000c00000000000000000000000"
    "000000000000000000000000000000000000000003010203000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000568656c6c6f000000000000"
    "000000000000000000000000000000000000000000";

TEST(Abi, EncodesAsOthersDo) {
  const Bytes call = Encoder()
                         .uint(7)
                         .bytes(Bytes{1, 2, 3})
                         .integer(-5)
                         .string("hello")
                         .call(abi::selector("f(uint256,bytes,int24,string)"));
  EXPECT_EQ(to_hex(call), kCall);
}

TEST(Abi, DecodesWhatItEncodes) {
  const Bytes call = from_hex(kCall).value();
  const auto arguments = Decoder::of_call(call, abi::selector("f(uint256,bytes,int24,string)"));
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->uint(0).value(), 7);
  const auto bytes = arguments->bytes(1).value();
  EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), (Bytes{1, 2, 3}));
  EXPECT_EQ(static_cast<int>(arguments->integer(2, 24).value()), -5);
  EXPECT_EQ(arguments->string(3).value(), "hello");
  EXPECT_FALSE(arguments->uint(100));
  EXPECT_FALSE(Decoder::of_call(call, abi::selector("g()")));
}

TEST(Abi, NestedTuplesAndArrays) {
  const std::vector<Bytes> list = {{}, {1}, Bytes(33, 0xab)};
  const Bytes data = Encoder().tuple(Encoder().uint(1).bytes_array(list)).boolean(true).finish();
  const Decoder decoder(data);
  EXPECT_EQ(decoder.tuple(0)->bytes_array(1).value(), list);
  EXPECT_TRUE(decoder.boolean(1).value());
}

TEST(Abi, ValuesThatDoNotFitAreRefused) {
  const Bytes data = Encoder().uint(Uint256::pow2(160)).uint(2).integer(-129).integer(128).finish();
  const Decoder decoder(data);
  EXPECT_FALSE(decoder.address(0));
  EXPECT_FALSE(decoder.uint(0, 160));
  EXPECT_FALSE(decoder.boolean(1));
  EXPECT_FALSE(decoder.integer(2, 8));
  EXPECT_FALSE(decoder.integer(3, 8));
  EXPECT_TRUE(decoder.integer(3, 9));
}

TEST(Abi, TheExtremesOfSignedNumbers) {
  constexpr i128 kMin = static_cast<i128>(1) << 127;
  const Bytes data = Encoder().integer(kMin).integer(~kMin).integer(-1).finish();
  EXPECT_TRUE(Decoder(data).integer(0, 128).value() == kMin);
  EXPECT_TRUE(Decoder(data).integer(1, 128).value() == ~kMin);
  EXPECT_TRUE(Decoder(data).integer(2, 1).value() == -1);
}

RC_GTEST_PROP(AbiProperty, HostileBytesAreErrorsNeverReadsOutside, ()) {
  // Words of small numbers make offsets and lengths that nearly fit.
  const auto words = *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::inRange<std::uint8_t>(0, 200));
  Encoder encoder;
  for (const auto word : words) encoder.uint(word);
  Bytes data = encoder.finish();
  data.resize(data.size() - std::min<std::size_t>(data.size(), *rc::gen::inRange<std::size_t>(0, 32)));
  const Decoder decoder(data);
  for (std::size_t i = 0; i < 8; ++i) {
    if (const auto bytes = decoder.bytes(i)) {
      RC_ASSERT(bytes->size() <= data.size());
      RC_ASSERT(bytes->data() >= data.data() && bytes->data() + bytes->size() <= data.data() + data.size());
    }
    if (const auto list = decoder.bytes_array(i)) RC_ASSERT(list->size() <= data.size() / 32);
    if (const auto array = decoder.array(i, 3)) RC_ASSERT(array->size * 96 <= data.size());
    std::ignore = decoder.string(i);
    std::ignore = decoder.tuple(i);
    std::ignore = decode_revert(data);
  }
}

Bytes error_data(std::string_view text) {
  return Encoder().string(text).call(abi::selector("Error(string)"));
}

TEST(Revert, CodesOfKnownReasons) {
  EXPECT_EQ(decode_revert(error_data("Too little received")).code, errc::kSlippageExceeded);
  EXPECT_EQ(decode_revert(error_data("Too much requested")).code, errc::kSlippageExceeded);
  EXPECT_EQ(decode_revert(error_data("Transaction too old")).code, errc::kTimeWindow);
  EXPECT_EQ(decode_revert(error_data("STF")).code, errc::kInsufficientBalance);
  EXPECT_EQ(decode_revert(error_data("SPL")).code, errc::kReverted);
  EXPECT_EQ(decode_revert(error_data("Insufficient WETH9")).code, errc::kReverted);
  EXPECT_NE(decode_revert(error_data("Blockhash")).text.find("moved past the block"), std::string::npos);
  EXPECT_EQ(decode_revert(error_data("anything")).code, errc::kReverted);
  const Bytes balance = Encoder().address({}).uint(1).uint(2).call(
      abi::selector("ERC20InsufficientBalance(address,uint256,uint256)"));
  EXPECT_EQ(to_hex(ByteView(balance).first(4)), "0xe450d38c");
  EXPECT_EQ(decode_revert(balance).code, errc::kInsufficientBalance);
  EXPECT_EQ(decode_revert(balance).kind, Revert::Kind::kCustom);
}

/// Every text of a require() in v3-core, v3-periphery and swap-router-contracts that is no sentence by
/// itself.
TEST(Revert, EveryAbbreviationOfUniswapIsSaidInWords) {
  for (const std::string text : {"AI",
                                 "AS",
                                 "BP",
                                 "DL",
                                 "F0",
                                 "F1",
                                 "I",
                                 "IIA",
                                 "INSUFFICIENT_INPUT_AMOUNT",
                                 "INSUFFICIENT_OUTPUT_AMOUNT",
                                 "L",
                                 "LA",
                                 "LO",
                                 "LOK",
                                 "LS",
                                 "M0",
                                 "M1",
                                 "NEO",
                                 "NI",
                                 "NP",
                                 "OLD",
                                 "ONI",
                                 "R",
                                 "SA",
                                 "SPL",
                                 "ST",
                                 "STE",
                                 "STF",
                                 "T",
                                 "TD",
                                 "TF",
                                 "TLM",
                                 "TLU",
                                 "TUM",
                                 "slice_outOfBounds",
                                 "slice_overflow",
                                 "toAddress_outOfBounds",
                                 "toAddress_overflow",
                                 "toUint24_outOfBounds",
                                 "toUint24_overflow"}) {
    const auto revert = decode_revert(error_data(text));
    EXPECT_FALSE(revert.text.starts_with("reverted with")) << text;
    EXPECT_TRUE(revert.text.contains('"' + text + '"')) << revert.text;
  }
}

TEST(Revert, KindsAndTexts) {
  EXPECT_EQ(decode_revert({}).kind, Revert::Kind::kEmpty);
  const Bytes panic = Encoder().uint(0x11).call(abi::selector("Panic(uint256)"));
  EXPECT_EQ(decode_revert(panic).kind, Revert::Kind::kPanic);
  EXPECT_EQ(decode_revert(panic).text, "arithmetic overflow or underflow (panic 0x11)");
  EXPECT_EQ(decode_revert(Bytes{1, 2, 3}).kind, Revert::Kind::kUnknown);
  EXPECT_NE(decode_revert(Bytes{0xde, 0xad, 0xbe, 0xef}).text.find("0xdeadbeef"), std::string::npos);
  const auto hostile = decode_revert(error_data(std::string(5000, '\n')));
  EXPECT_LT(hostile.text.size(), 300U);
  EXPECT_EQ(hostile.text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace sep
