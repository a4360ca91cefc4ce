#include "uniswap/tick_math.h"

#include <array>
#include <cstdlib>

#include "base/wide.h"

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

/// The contract multiplies the powers of a tick's bits from the lowest one on, each time rounding down. What
/// the low byte gives, ready made; 2^128 for 0 is left out, since it has 129 bits.
constexpr std::array<u128, 256> kLowBytes = [] {
  std::array<u128, 256> table{};
  for (std::size_t i = 1; i < table.size(); ++i) {
    const std::size_t top = std::bit_floor(i);
    const u128 power = kPowers[static_cast<std::size_t>(std::countr_zero(top))];
    table[i] = top == i ? power : mul_high(table[i - top], power);
  }
  return table;
}();

// log2 of a mantissa in [1, 2) by a table over its upper 8 bits: m = c · (1 + y) with c in the middle of the
// table's interval and |y| < 2^-8, and log2(1 + y) by its series.

constexpr unsigned kLogBits = 56;  // after the point of logarithms below

/// log2(x / 2^127), rounded down, for x in [2^127, 2^128), by squaring.
constexpr u64 log2_by_squaring(u128 x) {
  u64 log = 0;
  for (unsigned i = 0; i < kLogBits; ++i) {
    const u128 square = mul_high(x, x);  // in [2^126, 2^128)
    const bool one = square >> 127 != 0;
    log = log << 1 | (one ? 1 : 0);
    x = one ? square : square << 1;
  }
  return log;
}

struct LogInterval {
  u64 inverse;  // 2^64 / c, rounded
  u64 log;      // log2(c)
};
constexpr std::array<LogInterval, 256> kLogs = [] {
  std::array<LogInterval, 256> table{};
  for (u64 i = 0; i < 256; ++i) {
    const u128 middle = static_cast<u128>(512 + 2 * i + 1);  // c · 512
    table[i] = {static_cast<u64>((static_cast<u128>(512) << 64) / middle), log2_by_squaring(middle << 118)};
  }
  return table;
}();

}  // namespace

Uint256 sqrt_ratio_at_tick(std::int32_t tick) {
  SEP_ASSERT(tick >= kMinTick && tick <= kMaxTick);
  const auto magnitude = static_cast<std::uint32_t>(std::abs(tick));
  // Q128.128; all products of the powers stay below 2^128, and only tick 0 has the ratio 2^128 itself.
  if (magnitude == 0) return kQ96;
  u128 ratio = kLowBytes[magnitude & 255];
  std::uint32_t bits = magnitude & ~255U;
  if (ratio == 0) {
    ratio = kPowers[static_cast<std::size_t>(std::countr_zero(bits))];
    bits &= bits - 1;
  }
  for (; bits != 0; bits &= bits - 1)
    ratio = mul_high(ratio, kPowers[static_cast<std::size_t>(std::countr_zero(bits))]);
  // To Q64.96, rounding up.
  if (tick < 0) return Uint256((ratio >> 32) + (static_cast<std::uint32_t>(ratio) != 0 ? 1 : 0));
  const auto inverse = wide::Divisor<2>({static_cast<u64>(ratio), static_cast<u64>(ratio >> 64)})
                           .divide<4>({~0ULL, ~0ULL, ~0ULL, ~0ULL});
  const auto& q = inverse.quotient;
  const Uint256 floor =
      Uint256::from_limbs({q[0] >> 32 | q[1] << 32, q[1] >> 32 | q[2] << 32, q[2] >> 32, 0});
  return static_cast<std::uint32_t>(q[0]) == 0 ? floor : floor + 1;
}

std::int32_t tick_at_sqrt_ratio(const Uint256& sqrt_ratio_x96) {
  SEP_ASSERT(sqrt_ratio_x96 >= kMinSqrtRatio && sqrt_ratio_x96 < kMaxSqrtRatio);
  const unsigned top = sqrt_ratio_x96.bit_length() - 1;
  const u64 mantissa = (top >= 63 ? sqrt_ratio_x96 >> (top - 63) : sqrt_ratio_x96 << (63 - top)).limb(0);
  const LogInterval& interval = kLogs[mantissa >> 55 & 255];
  // y in Q64, from the low words alone since |y| < 2^-8: mantissa / 2^63 · inverse / 2^64 - 1.
  const auto y = static_cast<std::int64_t>(static_cast<u128>(mantissa) * interval.inverse >> 63);
  // ln(1 + y) = y - y²/2 + y³/3 - y⁴/4 + y⁵/5 - …, all in Q64; the next term is below 2^-50.
  const auto times = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<i128>(a) * b >> 64);
  };
  const std::int64_t y2 = times(y, y);
  const std::int64_t y3 = times(y2, y);
  const std::int64_t y4 = times(y2, y2);
  const std::int64_t y5 = times(y2, y3);
  const std::int64_t ln = y - y2 / 2 + y3 / 3 - y4 / 4 + y5 / 5;
  constexpr std::int64_t kInverseLn2 = 0x171547652b82fe17;  // 1 / ln(2) in Q60
  const auto log2 = static_cast<std::int64_t>(static_cast<i128>(ln) * kInverseLn2 >> (60 + 64 - kLogBits)) +
                    static_cast<std::int64_t>(interval.log) +
                    (static_cast<std::int64_t>(top) - 96) * (std::int64_t{1} << kLogBits);
  // 2 / log2(1.0001) in Q40.
  constexpr std::int64_t kTicksPerLog2 = 15243229806399573;
  const i128 ticks = static_cast<i128>(log2) * kTicksPerLog2;
  // Above the point, and so far from a whole tick that the error cannot reach it: done. The logarithm errs by
  // less than 2^-45 ticks' worth of 14 bits, and the contract's own ratios by less than 2^-17 ticks.
  constexpr unsigned kPoint = kLogBits + 40;
  const auto tick = static_cast<std::int32_t>(ticks >> kPoint);
  const auto fraction = static_cast<std::uint32_t>(ticks >> (kPoint - 16)) & 0xffff;
  if (fraction >= 16 && fraction < 0xffff - 16) return tick;
  const std::int32_t nearest = fraction < 16 ? tick : tick + 1;
  return sqrt_ratio_at_tick(nearest) <= sqrt_ratio_x96 ? nearest : nearest - 1;
}

}  // namespace sep::uniswap
