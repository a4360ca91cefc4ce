#include "uniswap/contracts.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace sep::uniswap {
namespace {

using abi::Encoder;

Address address_of(std::uint8_t byte) {
  Address address;
  address.bytes.fill(byte);
  return address;
}

swap_router::Swap some_swap() {
  return {Kind::kExactInput,
          address_of(0x33),
          1'787'000'000,
          {{{{address_of(0x11), address_of(0x22)}, {3000}}, 1000, 990}}};
}

/// One path of three pools and one of a single pool.
swap_router::Swap split_swap(Kind kind) {
  auto swap = some_swap();
  swap.kind = kind;
  swap.paths.push_back(
      {{{address_of(0x11), address_of(0x44), address_of(0x55), address_of(0x22)}, {500, 100, 10'000}},
       700,
       680});
  return swap;
}

TEST(SwapRouter, MulticallAsOthersEncodeIt) {
  // Encoded by viem 2.x.
  EXPECT_EQ(to_hex(swap_router::multicall(some_swap())),
            "0x5ae401dc000000000000000000000000000000000000000000000000000000006a8374c00000000000000000000000"
            "000000000000000000000000000000000000000040000000000000000000000000000000000000000000000000000000"
            "000000000100000000000000000000000000000000000000000000000000000000000000200000000000000000000000"
            "0000000000000000000000000000000000000000e404e45aaf0000000000000000000000001111111111111111111111"
            "111111111111111111000000000000000000000000222222222222222222222222222222222222222200000000000000"
            "00000000000000000000000000000000000000000000000bb80000000000000000000000003333333333333333333333"
            "33333333333333333300000000000000000000000000000000000000000000000000000000000003e800000000000000"
            "000000000000000000000000000000000000000000000003de0000000000000000000000000000000000000000000000"
            "00000000000000000000000000000000000000000000000000000000000000000000000000");
}

TEST(SwapRouter, ReadsItsOwnCalldata) {
  for (const auto kind : {Kind::kExactInput, Kind::kExactOutput}) {
    auto swap = some_swap();
    swap.kind = kind;
    EXPECT_EQ(swap_router::decode_multicall(swap_router::multicall(swap)).value(), swap);
    swap = split_swap(kind);
    EXPECT_EQ(swap_router::decode_multicall(swap_router::multicall(swap)).value(), swap);
  }
  Bytes other = swap_router::multicall(some_swap());
  other[0] ^= 1;
  EXPECT_FALSE(swap_router::decode_multicall(other));
  const Bytes amount = Encoder().uint(77).finish();
  EXPECT_EQ(swap_router::decode_result(Encoder().bytes_array(std::vector{amount, amount}).finish()).value(),
            (std::vector<Uint256>{77, 77}));
}

TEST(SwapRouter, SplitsAndPathsAsOthersEncodeThem) {
  // Encoded by viem 2.x; an exact output's path begins with what is received.
  EXPECT_EQ(to_hex(swap_router::multicall(split_swap(Kind::kExactInput))),
            "0x5ae401dc000000000000000000000000000000000000000000000000000000006a8374c000000000000000000000"
            "0000000000000000000000000000000000000000004000000000000000000000000000000000000000000000000000"
            "0000000000000200000000000000000000000000000000000000000000000000000000000000400000000000000000"
            "0000000000000000000000000000000000000000000001600000000000000000000000000000000000000000000000"
            "0000000000000000e404e45aaf00000000000000000000000011111111111111111111111111111111111111110000"
            "0000000000000000000022222222222222222222222222222222222222220000000000000000000000000000000000"
            "000000000000000000000000000bb80000000000000000000000003333333333333333333333333333333333333333"
            "00000000000000000000000000000000000000000000000000000000000003e8000000000000000000000000000000"
            "00000000000000000000000000000003de000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000000000000000124b858183f00000000000000000000000000000000000000000000000000000000"
            "0000002000000000000000000000000000000000000000000000000000000000000000800000000000000000000000"
            "0033333333333333333333333333333333333333330000000000000000000000000000000000000000000000000000"
            "0000000002bc00000000000000000000000000000000000000000000000000000000000002a8000000000000000000"
            "000000000000000000000000000000000000000000005911111111111111111111111111111111111111110001f444"
            "4444444444444444444444444444444444444400006455555555555555555555555555555555555555550027102222"
            "2222222222222222222222222222222222220000000000000000000000000000000000000000000000000000000000"
            "000000000000");
  EXPECT_EQ(to_hex(swap_router::multicall(split_swap(Kind::kExactOutput))),
            "0x5ae401dc000000000000000000000000000000000000000000000000000000006a8374c000000000000000000000"
            "0000000000000000000000000000000000000000004000000000000000000000000000000000000000000000000000"
            "0000000000000200000000000000000000000000000000000000000000000000000000000000400000000000000000"
            "0000000000000000000000000000000000000000000001600000000000000000000000000000000000000000000000"
            "0000000000000000e45023b4df00000000000000000000000011111111111111111111111111111111111111110000"
            "0000000000000000000022222222222222222222222222222222222222220000000000000000000000000000000000"
            "000000000000000000000000000bb80000000000000000000000003333333333333333333333333333333333333333"
            "00000000000000000000000000000000000000000000000000000000000003e8000000000000000000000000000000"
            "00000000000000000000000000000003de000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "00000000000000000000000000012409b8134600000000000000000000000000000000000000000000000000000000"
            "0000002000000000000000000000000000000000000000000000000000000000000000800000000000000000000000"
            "0033333333333333333333333333333333333333330000000000000000000000000000000000000000000000000000"
            "0000000002bc00000000000000000000000000000000000000000000000000000000000002a8000000000000000000"
            "0000000000000000000000000000000000000000000059222222222222222222222222222222222222222200271055"
            "5555555555555555555555555555555555555500006444444444444444444444444444444444444444440001f41111"
            "1111111111111111111111111111111111110000000000000000000000000000000000000000000000000000000000"
            "000000000000");
}

TEST(SwapRouter, AMulticallOfDifferentSwapsIsNotOne) {
  const auto swap = split_swap(Kind::kExactInput);
  const auto inner = [](const swap_router::Swap& one) {
    return abi::Decoder::of_call(swap_router::multicall(one), abi::selector("multicall(uint256,bytes[])"))
        ->bytes_array(1)
        .value();
  };
  const auto joined = [&](const swap_router::Swap& other) {
    std::vector<Bytes> calls = {inner(swap)[0], inner(other)[1]};
    return Encoder().uint(1).bytes_array(calls).call(abi::selector("multicall(uint256,bytes[])"));
  };
  EXPECT_TRUE(swap_router::decode_multicall(joined(swap)));
  auto other = swap;
  other.recipient = address_of(0x99);
  EXPECT_FALSE(swap_router::decode_multicall(joined(other)));
  EXPECT_FALSE(swap_router::decode_multicall(joined(split_swap(Kind::kExactOutput))));
  EXPECT_FALSE(swap_router::decode_multicall(
      Encoder().uint(1).bytes_array({}).call(abi::selector("multicall(uint256,bytes[])"))));
}

TEST(Quoter, PathsAsOthersEncodeThem) {
  // Encoded by viem 2.x.
  EXPECT_EQ(to_hex(quoter::exact_path(Kind::kExactOutput, {{address_of(0x11), address_of(0x22)}, {500}}, 9)),
            "0x2f80bb1d000000000000000000000000000000000000000000000000000000000000004000000000000000000000"
            "0000000000000000000000000000000000000000000900000000000000000000000000000000000000000000000000"
            "0000000000002b22222222222222222222222222222222222222220001f41111111111111111111111111111111111"
            "111111000000000000000000000000000000000000000000");
  const auto returned =
      from_hex(
          "0x00000000000000000000000000000000000000000000000000000000000000050000000000000000000000000000"
          "0000000000000000000000000000000000800000000000000000000000000000000000000000000000000000000000"
          "0000e00000000000000000000000000000000000000000000000000000000000000063000000000000000000000000"
          "0000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000"
          "0000000007000000000000000000000000000000000000000000000000000000000000000800000000000000000000"
          "0000000000000000000000000000000000000000000200000000000000000000000000000000000000000000000000"
          "000000000000010000000000000000000000000000000000000000000000000000000000000002")
          .value();
  const auto forward = quoter::decode_path(Kind::kExactInput, returned).value();
  EXPECT_EQ(forward.amount, 5);
  EXPECT_EQ(forward.sqrt_price_x96_after, (std::vector<Uint256>{7, 8}));
  EXPECT_EQ(forward.ticks_crossed, (std::vector<std::uint32_t>{1, 2}));
  const auto backward = quoter::decode_path(Kind::kExactOutput, returned).value();
  EXPECT_EQ(backward.sqrt_price_x96_after, (std::vector<Uint256>{8, 7})) << "in the order of the trade";
  EXPECT_EQ(backward.ticks_crossed, (std::vector<std::uint32_t>{2, 1}));
}

TEST(Contracts, SelectorsOfPublishedAbis) {
  const auto selector = [](const Bytes& calldata) { return to_hex(ByteView(calldata).first(4)); };
  EXPECT_EQ(selector(erc20::approve({}, 0)), "0x095ea7b3");
  EXPECT_EQ(selector(erc20::transfer({}, 0)), "0xa9059cbb");
  EXPECT_EQ(selector(erc20::balance_of({})), "0x70a08231");
  EXPECT_EQ(selector(erc20::allowance({}, {})), "0xdd62ed3e");
  EXPECT_EQ(selector(erc20::decimals()), "0x313ce567");
  EXPECT_EQ(selector(erc20::symbol()), "0x95d89b41");
  EXPECT_EQ(selector(factory::get_pool({}, {}, 0)), "0x1698ee82");
  EXPECT_EQ(selector(pool_contract::slot0()), "0x3850c7bd");
  EXPECT_EQ(selector(pool_contract::liquidity()), "0x1a686502");
  EXPECT_EQ(selector(quoter::exact_input_single({}, {}, 0, 0)), "0xc6a5026a");
  EXPECT_EQ(selector(quoter::exact_output_single({}, {}, 0, 0)), "0xbd21704a");
  EXPECT_EQ(to_hex(logs::kSwap), "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67");
  EXPECT_EQ(to_hex(logs::kMint), "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde");
  EXPECT_EQ(to_hex(logs::kBurn), "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c");
  EXPECT_EQ(to_hex(logs::kInitialize), "0x98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95");
}

TEST(Logs, SwapAmountsKeepTheirSign) {
  const Bytes data = Encoder().integer(-5).integer(7).uint(1000).uint(9).integer(-887272).finish();
  const auto log = logs::decode_swap(std::vector{logs::kSwap, Hash32{}, Hash32{}}, data);
  ASSERT_TRUE(log);
  EXPECT_EQ(log->amount0, (SignedAmount{5, true}));
  EXPECT_EQ(log->amount1, (SignedAmount{7, false}));
  EXPECT_EQ(log->tick, -887272);
  EXPECT_FALSE(logs::decode_swap(std::vector{logs::kMint, Hash32{}, Hash32{}}, data));
  EXPECT_FALSE(logs::decode_swap(std::vector{logs::kSwap}, data));
  EXPECT_FALSE(logs::decode_swap(std::vector{logs::kSwap, Hash32{}, Hash32{}}, ByteView(data).first(100)));
}

TEST(Logs, MintAndBurnHoldTheirAmountInDifferentPlaces) {
  const std::vector topics = {logs::kMint, Hash32{}, Hash32{to_big_endian(abi::word_of(-60))},
                              Hash32{to_big_endian(120)}};
  const auto mint =
      logs::decode_mint(topics, Encoder().address(address_of(1)).uint(42).uint(1).uint(2).finish());
  ASSERT_TRUE(mint);
  EXPECT_EQ(mint->tick_lower, -60);
  EXPECT_EQ(mint->tick_upper, 120);
  EXPECT_TRUE(mint->amount == 42);
  std::vector burn_topics = topics;
  burn_topics[0] = logs::kBurn;
  EXPECT_TRUE(logs::decode_burn(burn_topics, Encoder().uint(43).uint(1).uint(2).finish())->amount == 43);
}

TEST(TickLens, TicksComeSortedAndTheRangeCoversThePool) {
  const Bytes data =
      Encoder()
          .tuple(Encoder().uint(2).integer(60).integer(-5).uint(5).integer(-60).integer(5).uint(5))
          .finish();
  const auto ticks = tick_lens::decode_populated_ticks(data);
  ASSERT_TRUE(ticks);
  EXPECT_EQ(*ticks, (std::vector<TickInfo>{{-60, 5, 5}, {60, 5, -5}}));
  const auto range = tick_lens::word_range(60);
  EXPECT_EQ(range.first, -58);  // floor(-14787 / 256)
  EXPECT_EQ(range.last, 57);
  EXPECT_EQ(tick_lens::word_range(1).first, -3466);
}

TEST(Erc20, SymbolsOfBothForms) {
  EXPECT_EQ(erc20::decode_symbol(Encoder().string("USDC").finish()).value(), "USDC");
  Bytes old(32, 0);
  old[0] = 'M', old[1] = 'K', old[2] = 'R';
  EXPECT_EQ(erc20::decode_symbol(old).value(), "MKR");
}

}  // namespace
}  // namespace sep::uniswap
