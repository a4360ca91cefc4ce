#include "uniswap/segments.h"

#include <algorithm>

#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

constexpr std::int32_t floor_divide(std::int32_t value, std::int32_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

}  // namespace

Amounts& Amounts::operator+=(const SwapStep& step) {
  taken += step.amount_in + step.fee_amount;
  out += step.amount_out;
  fee += step.fee_amount;
  return *this;
}

Amounts operator+(const Amounts& a, const Amounts& b) {
  return {wrapping_add(a.taken, b.taken), wrapping_add(a.out, b.out), wrapping_add(a.fee, b.fee)};
}

Amounts operator-(const Amounts& a, const Amounts& b) {
  return {wrapping_sub(a.taken, b.taken), wrapping_sub(a.out, b.out), wrapping_sub(a.fee, b.fee)};
}

// A falling price stops at a word's first tick, a rising one at its last.
WordEdges::WordEdges(Direction direction, std::int32_t spacing)
    : width_(kWordTicks * spacing),
      offset_(direction == Direction::kZeroForOne ? 0 : (kWordTicks - 1) * spacing) {}

std::int32_t WordEdges::index(std::int32_t tick) const {
  return floor_divide(tick - offset_, width_);
}

Amounts Segments::whole_way(const Uint256& price, std::int32_t from, std::int32_t tick,
                            u128 liquidity) const {
  Amounts amounts;
  if (liquidity == 0) return amounts;
  Uint256 current = price;
  const auto step_to = [&](std::int32_t stop) {
    const Uint256 target = sqrt_ratio_at_tick(stop);
    amounts += compute_whole_step(current, target, liquidity, direction_, fee_pips_);
    current = target;
  };
  const std::int32_t width = edges_.width();
  if (direction_ == Direction::kZeroForOne) {
    for (std::int32_t edge = edges_.at_or_below(from); edge > tick; edge -= width) step_to(edge);
  } else {
    for (std::int32_t edge = edges_.at_or_below(from) + width; edge < tick; edge += width) step_to(edge);
  }
  step_to(tick);
  return amounts;
}

/// Appends the stops in (low, high]; the last of `stops` is low, and low and high are neighbours among the
/// initialised ticks.
void Segments::append_stretch(std::vector<Stop>& stops, std::int32_t low, std::int32_t high,
                              u128 liquidity) const {
  Stop stop = stops.back();
  if (liquidity == 0) {
    stop.passed += edges_.count(low, high - 1);
    stop.set_price(sqrt_ratio_at_tick(high));
  } else {
    Uint256 price = stop.sqrt_price_x96();
    const auto advance = [&](std::int32_t tick) {
      const Uint256 next = sqrt_ratio_at_tick(tick);
      const bool falls = direction_ == Direction::kZeroForOne;
      stop.from_lowest +=
          compute_whole_step(falls ? next : price, falls ? price : next, liquidity, direction_, fee_pips_);
      stop.set_price(next);
      price = next;
    };
    std::int32_t edge = edges_.at_or_below(low) + edges_.width();
    for (; edge < high; edge += edges_.width()) {
      advance(edge);
      ++stop.passed;
      stop.tick = edge;
      if (edges_.index(edge) % kEdgeStride == 0) stops.push_back(stop);
    }
    advance(high);
  }
  stop.tick = high;
  ++stop.initialized;
  ++stop.passed;
  stops.push_back(stop);
}

void Segments::update(std::span<const TickInfo> ticks, std::span<const u128> liquidity, std::int32_t lower,
                      std::int32_t upper) {
  // What changes lies between the last initialised tick below the range and the first one above it: a tick
  // that comes or goes splits or joins the segments beside it.
  const auto below = [](auto&& range, std::int32_t tick) {
    return std::ranges::lower_bound(range, tick, {}, [](const auto& entry) { return entry.tick; });
  };
  const auto first = static_cast<std::size_t>(below(ticks, lower) - ticks.begin());
  const auto last =
      static_cast<std::size_t>(std::ranges::upper_bound(ticks, upper, {}, &TickInfo::tick) - ticks.begin());

  std::vector<Stop> fresh;
  auto replaced = stops_.begin();
  if (first > 0) {
    replaced = below(stops_, ticks[first - 1].tick);
    fresh.push_back(*replaced);
  } else if (!ticks.empty()) {
    fresh.push_back({.tick = ticks[0].tick, .initialized = 1});
    fresh.back().set_price(sqrt_ratio_at_tick(ticks[0].tick));
  }
  for (std::size_t i = std::max<std::size_t>(first, 1); i < std::min(last + 1, ticks.size()); ++i)
    append_stretch(fresh, ticks[i - 1].tick, ticks[i].tick, liquidity[i - 1]);

  auto kept = stops_.end();
  if (last < ticks.size()) {
    kept = below(stops_, ticks[last].tick);
    const Stop old = *kept++;
    const Stop& now = fresh.back();
    const Amounts difference = now.from_lowest - old.from_lowest;
    for (auto stop = kept; stop != stops_.end(); ++stop) {
      stop->from_lowest = stop->from_lowest + difference;
      stop->initialized += now.initialized - old.initialized;
      stop->passed += now.passed - old.passed;
    }
  }
  const auto common = std::min(fresh.end() - fresh.begin(), kept - replaced);
  std::copy_n(fresh.begin(), common, replaced);
  stops_.insert(stops_.erase(replaced + common, kept), fresh.begin() + common, fresh.end());
}

}  // namespace sep::uniswap
