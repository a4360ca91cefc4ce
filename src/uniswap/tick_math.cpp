#include "uniswap/tick_math.h"

#include <array>

namespace sep::uniswap {
namespace {

using u64 = std::uint64_t;

constexpr u128 hex128(u64 high, u64 low) {
  return static_cast<u128>(high) << 64 | low;
}

/// 2^128 / sqrt(1.0001)^(2^i), the contract's constants.
constexpr std::array<u128, 20> kPowers = {
    hex128(0xfffcb933bd6fad37, 0xaa2d162d1a594001), hex128(0xfff97272373d4132, 0x59a46990580e213a),
    hex128(0xfff2e50f5f656932, 0xef12357cf3c7fdcc), hex128(0xffe5caca7e10e4e6, 0x1c3624eaa0941cd0),
    hex128(0xffcb9843d60f6159, 0xc9db58835c926644), hex128(0xff973b41fa98c081, 0x472e6896dfb254c0),
    hex128(0xff2ea16466c96a38, 0x43ec78b326b52861), hex128(0xfe5dee046a99a2a8, 0x11c461f1969c3053),
    hex128(0xfcbe86c7900a88ae, 0xdcffc83b479aa3a4), hex128(0xf987a7253ac41317, 0x6f2b074cf7815e54),
    hex128(0xf3392b0822b70005, 0x940c7a398e4b70f3), hex128(0xe7159475a2c29b74, 0x43b29c7fa6e889d9),
    hex128(0xd097f3bdfd2022b8, 0x845ad8f792aa5825), hex128(0xa9f746462d870fdf, 0x8a65dc1f90e061e5),
    hex128(0x70d869a156d2a1b8, 0x90bb3df62baf32f7), hex128(0x31be135f97d08fd9, 0x81231505542fcfa6),
    hex128(0x09aa508b5b7a84e1, 0xc677de54f3e99bc9), hex128(0x005d6af8dedb8119, 0x6699c329225ee604),
    hex128(0x00002216e584f5fa, 0x1ea926041bedfe98), hex128(0x00000000048a1703, 0x91f7dc42444e8fa2)};

/// The upper 128 bits of a 256-bit product.
constexpr u128 mul_high(u128 a, u128 b) {
  const u64 a0 = static_cast<u64>(a), a1 = static_cast<u64>(a >> 64);
  const u64 b0 = static_cast<u64>(b), b1 = static_cast<u64>(b >> 64);
  const u128 low = static_cast<u128>(a0) * b0;
  const u128 middle1 = static_cast<u128>(a1) * b0 + static_cast<u64>(low >> 64);
  const u128 middle2 = static_cast<u128>(a0) * b1 + static_cast<u64>(middle1);
  return static_cast<u128>(a1) * b1 + static_cast<u64>(middle1 >> 64) + static_cast<u64>(middle2 >> 64);
}

/// A 256-bit two's complement number as its upper and lower half: what the contract's int256 logarithm needs.
struct Wide {
  i128 high;
  u128 low;
};

constexpr Wide add(const Wide& a, const Wide& b) {
  const u128 low = a.low + b.low;
  return {a.high + b.high + (low < a.low ? 1 : 0), low};
}

}  // namespace

Uint256 sqrt_ratio_at_tick(std::int32_t tick) {
  SEP_ASSERT(tick >= kMinTick && tick <= kMaxTick);
  const auto magnitude = static_cast<std::uint32_t>(tick < 0 ? -tick : tick);
  // Q128.128; all products of the powers stay below 2^128, and only tick 0 has the ratio 2^128 itself.
  if (magnitude == 0) return kQ96;
  u128 ratio = 0;
  for (std::uint32_t bits = magnitude; bits != 0; bits &= bits - 1) {
    const u128 power = kPowers[static_cast<std::size_t>(std::countr_zero(bits))];
    ratio = bits == magnitude ? power : mul_high(ratio, power);
  }
  const Uint256 q128 = tick > 0 ? Uint256::max() / ratio : Uint256(ratio);
  const bool exact = static_cast<std::uint32_t>(q128.limb(0)) == 0;
  return exact ? q128 >> 32 : (q128 >> 32) + 1;
}

std::int32_t tick_at_sqrt_ratio(const Uint256& sqrt_ratio_x96) {
  SEP_ASSERT(sqrt_ratio_x96 >= kMinSqrtRatio && sqrt_ratio_x96 < kMaxSqrtRatio);
  // log2(ratio) in Q64.64: the integer part from the top bit, 14 binary digits after the point by squaring.
  const unsigned msb = sqrt_ratio_x96.bit_length() - 1 + 32;  // of the ratio in Q128.128
  const unsigned top = sqrt_ratio_x96.bit_length() - 1;
  u128 r = (top >= 127 ? sqrt_ratio_x96 >> (top - 127) : sqrt_ratio_x96 << (127 - top)).low_u128();
  i128 log_2 = (static_cast<i128>(msb) - 128) << 64;
  for (int digit = 63; digit >= 50; --digit) {
    // r is in [2^127, 2^128); its square shifted right by 127 is in [2^127, 2^129).
    const u128 high = mul_high(r, r);
    const bool one = (high >> 127) != 0;
    const u128 low = r * r;
    r = one ? high : high << 1 | low >> 127;
    if (one) log_2 |= static_cast<i128>(1) << digit;
  }
  // log_sqrt10001 = log_2 · 255738958999603826347141, in Q128.128; the constant is 1 / log2(sqrt(1.0001)) in
  // Q64.
  constexpr u128 kInverseLog = hex128(0x3627, 0xa301d71055774c85);
  const bool negative = log_2 < 0;
  const u128 magnitude = static_cast<u128>(negative ? -log_2 : log_2);
  const u128 product_low = magnitude * kInverseLog;
  const u128 product_high = mul_high(magnitude, kInverseLog);
  const Wide log_sqrt10001 =
      negative ? Wide{static_cast<i128>(~product_high + (product_low == 0 ? 1 : 0)), -product_low}
               : Wide{static_cast<i128>(product_high), product_low};
  // The logarithm's error bounds: below 0.01 ticks under, below 0.86 over.
  constexpr u128 kErrorLow =
      hex128(0x028f6481ab7f045a, 0x5af012a19d003aaa);  // 3402992956809132418596140100660247210
  constexpr u128 kErrorHigh =
      hex128(0xdb2df09e81959a81, 0x455e260799a0632f);  // 291339464771989622907027621153398088495
  const auto tick_low = static_cast<std::int32_t>(add(log_sqrt10001, {-1, -kErrorLow}).high);
  const auto tick_high = static_cast<std::int32_t>(add(log_sqrt10001, {0, kErrorHigh}).high);
  if (tick_low == tick_high) return tick_low;
  return sqrt_ratio_at_tick(tick_high) <= sqrt_ratio_x96 ? tick_high : tick_low;
}

}  // namespace sep::uniswap
