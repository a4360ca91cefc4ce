// Bytes that contracts return, logs, and revert data. The first byte chooses the decoder.
#include "ethereum/abi.h"

#include <algorithm>
#include <array>
#include <vector>

#include "fuzz/fuzz.h"

#include "base/errors.h"
#include "ethereum/revert.h"
#include "uniswap/contracts.h"

namespace sep {
namespace {

template <class T>
void looked_at(const Result<T>& result) {
  if (!result) fuzz::expect_said(result.error());
}

void log_of(fuzz::Take take) {
  namespace logs = uniswap::logs;
  // The first topic is one of the known ones or any; the others are any.
  const std::array<const Hash32*, 5> known = {&logs::kInitialize, &logs::kSwap, &logs::kMint, &logs::kBurn,
                                              &logs::kTransfer};
  std::vector<Hash32> topics(take.byte() % 5);
  const auto first = take.byte();
  for (auto& topic : topics) std::ranges::copy(take.next(32), topic.bytes.begin());
  if (!topics.empty() && first < known.size()) topics.front() = *known[first];
  looked_at(logs::decode_initialize(topics, take.rest()));
  looked_at(logs::decode_swap(topics, take.rest()));
  looked_at(logs::decode_mint(topics, take.rest()));
  looked_at(logs::decode_burn(topics, take.rest()));
  const auto transfer = logs::decode_transfer(topics, take.rest());
  looked_at(transfer);
  if (transfer) {
    abi::Encoder encoder;
    SEP_ASSERT(std::ranges::equal(encoder.uint(transfer->amount).finish(), take.rest().first(32)));
    SEP_ASSERT(from_big_endian(transfer->to.bytes) == topics[2].to_uint256());
  }
}

/// Everything that a decoder offers, at any word.
void words_of(const abi::Decoder& decoder, std::size_t index, int depth) {
  looked_at(decoder.uint(index));
  if (const auto small = decoder.uint(index, 24)) SEP_ASSERT(*small < Uint256::pow2(24));
  if (const auto number = decoder.integer(index, 24)) {
    SEP_ASSERT(*number >= -(1 << 23) && *number < (1 << 23));
    SEP_ASSERT(abi::word_of(*number) == decoder.uint(index).value());
  }
  looked_at(decoder.address(index));
  looked_at(decoder.boolean(index));
  looked_at(decoder.hash(index));
  looked_at(decoder.bytes(index));
  looked_at(decoder.string(index));
  if (const auto list = decoder.bytes_array(index)) {
    abi::Encoder encoder;
    const auto encoded = encoder.bytes_array(*list).finish();
    SEP_ASSERT(abi::Decoder(encoded).bytes_array(0) == *list);
  }
  looked_at(decoder.array(index, 2));
  if (const auto tuple = decoder.tuple(index); tuple && depth > 0) words_of(*tuple, index, depth - 1);
}

}  // namespace

FUZZ_TARGET(data) {
  fuzz::Take take(data);
  const auto choice = take.byte();
  const auto bytes = take.rest();
  namespace pool = uniswap::pool_contract;
  switch (choice % 8) {
    case 0: {
      const auto revert = decode_revert(bytes);
      SEP_ASSERT(revert.code == errc::kSlippageExceeded || revert.code == errc::kInsufficientBalance ||
                 revert.code == errc::kTimeWindow || revert.code == errc::kReverted);
      SEP_ASSERT(bytes.empty() == (revert.kind == Revert::Kind::kEmpty) || !bytes.empty());
      break;
    }
    case 1:
      log_of(take);
      break;
    case 2: {
      const auto ticks = uniswap::tick_lens::decode_populated_ticks(bytes);
      looked_at(ticks);
      if (ticks) SEP_ASSERT(std::ranges::is_sorted(*ticks, {}, &uniswap::TickInfo::tick));
      break;
    }
    case 3: {
      const auto swap = uniswap::swap_router::decode_multicall(bytes);
      looked_at(swap);
      if (swap)
        SEP_ASSERT(uniswap::swap_router::decode_multicall(uniswap::swap_router::multicall(*swap)) == *swap);
      looked_at(uniswap::swap_router::decode_result(bytes));
      break;
    }
    case 4:
      looked_at(pool::decode_slot0(bytes));
      looked_at(pool::decode_liquidity(bytes));
      looked_at(pool::decode_tick_spacing(bytes));
      break;
    case 5:
      looked_at(uniswap::quoter::decode(bytes));
      looked_at(uniswap::erc20::decode_symbol(bytes));
      break;
    case 6: {
      const auto number = uniswap::decode_uint(bytes);
      looked_at(number);
      if (number) SEP_ASSERT(*number == from_big_endian(bytes.first(32)));
      looked_at(uniswap::decode_address(bytes));
      break;
    }
    default:
      words_of(abi::Decoder(bytes), choice / 8, 3);
  }
}

}  // namespace sep
