#pragma once
// Exact cumulative sums over a pool's segments in one direction, so that a quote is a search.
//
// A swap stops at every initialised tick and at every edge of a bitmap word. What it takes and gives between
// two neighbouring stops, the segment crossed whole, depends on their prices, the liquidity and the fee
// alone, not on the swap: sums of whole segments are the contract's own numbers (docs/decisions/0053-*).
//
// Entry points: update() after ticks have changed; taken_by() and furthest_before() for quotes.
// Invariants
//  1. Every initialised tick is a stop here. Of the word edges between two initialised ticks with liquidity,
//     every kEdgeStride-th is; of those without liquidity, where nothing is taken or given, none is.
//  2. Sums are anchored at the lowest stop, not at the price: a swap changes nothing here.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/uint256.h"
#include "uniswap/swap_math.h"

namespace sep::uniswap {

/// Ticks, in units of the spacing, in a word of the bitmap.
inline constexpr std::int32_t kWordTicks = 256;

/// One initialised tick.
struct TickInfo {
  std::int32_t tick = 0;
  u128 liquidity_gross = 0;  // of all positions that start or end here; above 0
  i128 liquidity_net = 0;    // added when the price rises across the tick

  bool operator==(const TickInfo&) const = default;
};

/// What a swap has taken and given on a way of whole segments. Each sum is below 2^213: liquidity below 2^128
/// over all prices is at most 2^192 of either token, and with a fee below 100 % less than 10^6 times that.
struct Amounts {
  Uint256 taken;  // fee included
  Uint256 out;
  Uint256 fee;

  Amounts& operator+=(const SwapStep& step);
  /// Modulo 2^256: differences of sums are right even where one of them is below its anchor.
  friend Amounts operator+(const Amounts& a, const Amounts& b);
  friend Amounts operator-(const Amounts& a, const Amounts& b);
  bool operator==(const Amounts&) const = default;
};

/// The edges of bitmap words: where a swap that moves in one direction stops whether or not the tick is
/// initialised (v3-core, TickBitmap.nextInitializedTickWithinOneWord).
class WordEdges {
 public:
  WordEdges(Direction direction, std::int32_t spacing);

  /// The greatest edge below or at `tick`.
  std::int32_t at_or_below(std::int32_t tick) const { return index(tick) * width_ + offset_; }
  std::int32_t width() const { return width_; }
  /// Counts edges from below: consecutive numbers for consecutive edges.
  std::int32_t index(std::int32_t tick) const;
  /// Edges e with low < e <= high.
  std::uint32_t count(std::int32_t low, std::int32_t high) const {
    return static_cast<std::uint32_t>(index(high) - index(low));
  }

 private:
  std::int32_t width_;   // ticks from edge to edge
  std::int32_t offset_;  // of the edges from the multiples of width_
};

class Segments {
 public:
  struct Stop {
    Amounts from_lowest;  // between the lowest stop and this one, crossed in this direction
    // The price at the tick, 160 bits, so that the whole is two cache lines.
    std::uint64_t price_low = 0;
    std::uint64_t price_middle = 0;
    std::uint32_t price_high = 0;
    std::int32_t tick = 0;
    std::uint32_t initialized = 0;  // initialised ticks up to this one
    std::uint32_t passed = 0;       // stops, the omitted ones included, above the lowest and up to this one

    Uint256 sqrt_price_x96() const { return Uint256::from_limbs({price_low, price_middle, price_high, 0}); }
    void set_price(const Uint256& sqrt_price_x96) {
      price_low = sqrt_price_x96.limb(0);
      price_middle = sqrt_price_x96.limb(1);
      price_high = static_cast<std::uint32_t>(sqrt_price_x96.limb(2));
    }
    bool operator==(const Stop&) const = default;
  };
  /// An edge is kept where its number is a multiple of this: a full range at spacing 1 has 6,932 of them. A
  /// quote walks at most one step less than this many from the last stop to its own segment.
  static constexpr std::int32_t kEdgeStride = 4;

  Segments(Direction direction, std::int32_t spacing, std::uint32_t fee_pips)
      : direction_(direction), edges_(direction, spacing), fee_pips_(fee_pips) {}

  /// Makes the sums right after initialised ticks came, went or changed within [lower, upper] only. `ticks`
  /// ascend; `liquidity[i]` is that between ticks[i] and the next one. O(stops in the range) divisions and
  /// O(stops above it) additions.
  void update(std::span<const TickInfo> ticks, std::span<const u128> liquidity, std::int32_t lower,
              std::int32_t upper);

  const std::vector<Stop>& stops() const { return stops_; }
  const WordEdges& edges() const { return edges_; }
  /// The way from `price` down or up to `tick` over every edge between, at one liquidity. `from` is the tick
  /// of the price: the first one to stop at when it falls, the last one not to when it rises.
  Amounts whole_way(const Uint256& price, std::int32_t from, std::int32_t tick, u128 liquidity) const;

 private:
  void append_stretch(std::vector<Stop>& stops, std::int32_t low, std::int32_t high, u128 liquidity) const;

  Direction direction_;
  WordEdges edges_;
  std::uint32_t fee_pips_;
  std::vector<Stop> stops_;  // ascending
};

}  // namespace sep::uniswap
