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
  return {Kind::kExactInput, address_of(0x11), address_of(0x22), 3000, address_of(0x33), 1000, 990,
          1'787'000'000};
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
  }
  Bytes other = swap_router::multicall(some_swap());
  other[0] ^= 1;
  EXPECT_FALSE(swap_router::decode_multicall(other));
  const Bytes amount = Encoder().uint(77).finish();
  EXPECT_EQ(swap_router::decode_result(Encoder().bytes_array({&amount, 1}).finish()).value(), 77);
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
  EXPECT_EQ(selector(pool_contract::tick_bitmap(0)), "0x5339c296");
  EXPECT_EQ(selector(pool_contract::ticks(0)), "0xf30dba93");
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
