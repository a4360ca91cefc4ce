#include "uniswap/pool.h"

#include <algorithm>
#include <optional>

#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

constexpr std::int32_t kMaxTickSpacing = 16383;  // UniswapV3Factory.enableFeeAmount
constexpr u128 kMaxLiquidity = ~u128{0};

constexpr i128 signed_liquidity(u128 amount) {
  return static_cast<i128>(amount);
}
constexpr bool fits_signed(u128 amount) {
  return amount >> 127 == 0;
}
constexpr u128 magnitude(i128 value) {
  return value < 0 ? -static_cast<u128>(value) : static_cast<u128>(value);
}

/// LiquidityMath.addDelta; empty where the sum leaves uint128.
std::optional<u128> add_delta(u128 liquidity, i128 delta) {
  const u128 size = magnitude(delta);
  if (delta < 0) return size > liquidity ? std::nullopt : std::optional(liquidity - size);
  return size > kMaxLiquidity - liquidity ? std::nullopt : std::optional(liquidity + size);
}

constexpr std::int32_t floor_divide(std::int32_t value, std::int32_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

constexpr bool is_usable_tick(std::int32_t tick, std::int32_t spacing) {
  return tick >= kMinTick && tick <= kMaxTick && tick % spacing == 0;
}

std::unexpected<Error> invalid(std::string pointer, std::string detail) {
  return fail(errc::kInvalidValue, std::move(detail), std::move(pointer));
}

auto first_above(const std::vector<TickInfo>& ticks, std::int32_t tick) {
  return std::ranges::upper_bound(ticks, tick, {}, &TickInfo::tick);
}

Status check_ticks(const PoolState& state) {
  u128 running = 0;
  u128 in_range = 0;
  for (std::size_t i = 0; i < state.ticks.size(); ++i) {
    const TickInfo& info = state.ticks[i];
    const std::string pointer = "/ticks/" + std::to_string(i);
    if (!is_usable_tick(info.tick, state.tick_spacing))
      return invalid(pointer + "/tick", "is not a multiple of the spacing within the range of ticks");
    if (i > 0 && info.tick <= state.ticks[i - 1].tick)
      return invalid(pointer + "/tick", "ticks must be in ascending order");
    if (info.liquidity_gross == 0 || info.liquidity_gross < magnitude(info.liquidity_net))
      return invalid(pointer + "/liquidity_gross", "must be above 0 and at least |liquidity_net|");
    if (!fits_signed(magnitude(info.liquidity_net)))
      return invalid(pointer + "/liquidity_net", "is out of range");
    const auto next = add_delta(running, info.liquidity_net);
    if (!next) return invalid(pointer + "/liquidity_net", "makes the pool's liquidity negative or too large");
    running = *next;
    if (info.tick <= state.tick) in_range = running;
  }
  if (running != 0) return invalid("/ticks", "the sum of liquidity_net is not 0");
  if (in_range != state.liquidity)
    return invalid("/liquidity", "is not the sum of liquidity_net up to the current tick");
  return {};
}

Status check_price(const PoolState& state) {
  if (state.sqrt_price_x96.is_zero()) {
    // The contract's slot0.tick is 0 until a price is set.
    if (state.tick != 0 || !state.ticks.empty())
      return invalid("/sqrt_price_x96", "the pool has no price yet");
    return {};
  }
  if (state.sqrt_price_x96 < kMinSqrtRatio || state.sqrt_price_x96 >= kMaxSqrtRatio)
    return invalid("/sqrt_price_x96", "is out of range");
  const std::int32_t tick = tick_at_sqrt_ratio(state.sqrt_price_x96);
  // A falling price that stops exactly on a tick has crossed it: the tick is then the one below.
  const bool crossed_down = state.tick == tick - 1 && sqrt_ratio_at_tick(tick) == state.sqrt_price_x96;
  if (state.tick != tick && !crossed_down) return invalid("/tick", "is not the tick of the price");
  return {};
}

/// The price at which a swap without limit stops, as QuoterV2 and SwapRouter02 set it.
Uint256 end_of_range(Direction direction) {
  return direction == Direction::kZeroForOne ? kMinSqrtRatio + 1 : kMaxSqrtRatio - 1;
}

void add(SwapResult& result, const SwapStep& step) {
  result.sqrt_price_x96_after = step.sqrt_price_next_x96;
  result.amount_in += step.amount_in + step.fee_amount;
  result.amount_out += step.amount_out;
  result.fee_amount += step.fee_amount;
  ++result.steps;
}

}  // namespace

Pool::Pool(PoolState state)
    : state_(std::move(state)),
      falling_(Direction::kZeroForOne, state_.tick_spacing, state_.fee_pips),
      rising_(Direction::kOneForZero, state_.tick_spacing, state_.fee_pips) {
  u128 running = 0;
  liquidity_.reserve(state_.ticks.size());
  for (const TickInfo& info : state_.ticks)
    liquidity_.push_back(running += static_cast<u128>(info.liquidity_net));
  falling_.update(state_.ticks, liquidity_, kMinTick, kMaxTick);
  rising_.update(state_.ticks, liquidity_, kMinTick, kMaxTick);
  find_price();
}

void Pool::find_price() {
  next_tick_ = static_cast<std::size_t>(first_above(state_.ticks, state_.tick) - state_.ticks.begin());
  if (!initialized()) return;
  approach_falling_ = approach(Direction::kZeroForOne);
  approach_rising_ = approach(Direction::kOneForZero);
}

Pool::Approach Pool::approach(Direction direction) const {
  const bool falls = direction == Direction::kZeroForOne;
  const Segments& sums = segments(direction);
  const auto& stops = sums.stops();
  Approach approach;
  if (stops.empty()) return approach;
  // The ends of the range of ticks are never passed.
  const std::size_t begin = stops.front().tick == kMinTick ? 1 : 0;
  const std::size_t end = stops.size() - (stops.back().tick == kMaxTick ? 1 : 0);
  const auto above = static_cast<std::size_t>(
      std::ranges::upper_bound(stops, state_.tick, {}, &Segments::Stop::tick) - stops.begin());
  if (falls ? above <= begin : above >= end) return approach;
  approach.stop = falls ? above - 1 : above;
  approach.count = falls ? above - begin : end - above;

  const Segments::Stop& stop = stops[approach.stop];
  const WordEdges& edges = sums.edges();
  const std::int32_t nearest = falls ? std::max(stop.tick, edges.at_or_below(state_.tick))
                                     : std::min(stop.tick, edges.at_or_below(state_.tick) + edges.width());
  const auto way_to = [&](std::int32_t tick) {
    return sums.whole_way(state_.sqrt_price_x96, state_.tick, tick, state_.liquidity);
  };
  approach.first_step = way_to(nearest);
  approach.nearest_price = nearest == stop.tick ? stop.sqrt_price_x96() : sqrt_ratio_at_tick(nearest);
  const Amounts way = nearest == stop.tick ? approach.first_step : way_to(stop.tick);
  approach.anchor = falls ? stop.from_lowest + way : stop.from_lowest - way;
  approach.steps =
      1 + (falls ? edges.count(stop.tick, state_.tick) : edges.count(state_.tick, stop.tick - 1));
  return approach;
}

Result<Pool> Pool::create(PoolState state) {
  if (state.token0 >= state.token1) return invalid("/token0", "must be below token1");
  if (state.fee_pips >= kFeeUnit) return invalid("/fee", "must be below 1000000");
  if (state.tick_spacing < 1 || state.tick_spacing > kMaxTickSpacing)
    return invalid("/tick_spacing", "must be from 1 to 16383");
  SEP_CHECK(check_price(state));
  SEP_CHECK(check_ticks(state));
  return Pool(std::move(state));
}

const Address& Pool::token_in(Direction direction) const {
  return direction == Direction::kZeroForOne ? state_.token0 : state_.token1;
}

const Address& Pool::token_out(Direction direction) const {
  return direction == Direction::kZeroForOne ? state_.token1 : state_.token0;
}

/// Whole segments up to the furthest stop that the swap passes. Sums ascend on the way. The contract goes on
/// while anything remains, and passes a stop when the way to it takes, or gives, at most that: a stop whose
/// sum is below the amount is passed, and something remains there. The walk does the rest, the stop whose sum
/// equals the amount included.
void Pool::jump(Progress& progress, Direction direction, Kind kind) const {
  const bool falls = direction == Direction::kZeroForOne;
  const Approach& approach = falls ? approach_falling_ : approach_rising_;
  const Uint256& amount = progress.remaining;
  const auto sum = kind == Kind::kExactInput ? &Amounts::taken : &Amounts::out;
  if (amount < approach.first_step.*sum) {
    progress.ends_here = true;
    progress.stop_price = approach.nearest_price;
    return;
  }
  const auto& stops = segments(direction).stops();
  const auto at = [&](std::size_t i) -> const Segments::Stop& {
    return stops[falls ? approach.stop - i : approach.stop + i];
  };
  const auto is_below = [&](std::size_t i) {
    const Uint256& there = at(i).from_lowest.*sum;
    const Uint256& here = approach.anchor.*sum;
    return (falls ? wrapping_sub(here, there) : wrapping_sub(there, here)) < amount;
  };
  // Most swaps end near the price: search from there in growing strides.
  std::size_t low = 0;  // stops known to be below
  std::size_t high = approach.count;
  for (std::size_t stride = 1; low < high; stride *= 2) {
    const std::size_t probe = std::min(low + stride, high) - 1;
    if (!is_below(probe)) {
      high = probe;
      break;
    }
    low = probe + 1;
  }
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (is_below(middle))
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return;

  const Segments::Stop& stop = at(low - 1);
  const Segments::Stop& first = at(0);
  const Amounts amounts = falls ? approach.anchor - stop.from_lowest : stop.from_lowest - approach.anchor;
  SwapResult& result = progress.result;
  result.amount_in = amounts.taken;
  result.amount_out = amounts.out;
  result.fee_amount = amounts.fee;
  result.steps = approach.steps + (falls ? first.passed - stop.passed : stop.passed - first.passed);
  result.sqrt_price_x96_after = stop.sqrt_price_x96();
  result.tick_after = falls ? stop.tick - 1 : stop.tick;
  const bool initialized = state_.ticks[stop.initialized - 1].tick == stop.tick;
  progress.next_tick = falls && initialized ? stop.initialized - 1 : stop.initialized;
  result.ticks_crossed =
      static_cast<std::uint32_t>(falls ? next_tick_ - progress.next_tick : progress.next_tick - next_tick_);
  result.liquidity_after = progress.next_tick == 0 ? 0 : liquidity_[progress.next_tick - 1];
  progress.remaining = amount - amounts.*sum;
  if (low == approach.count) return;
  const Segments::Stop& beyond = at(low);
  const std::uint32_t steps = falls ? stop.passed - beyond.passed : beyond.passed - stop.passed;
  const Uint256& here = stop.from_lowest.*sum;
  const Uint256& there = beyond.from_lowest.*sum;
  progress.ends_here = steps == 1 && progress.remaining < (falls ? here - there : there - here);
  if (progress.ends_here) progress.stop_price = beyond.sqrt_price_x96();
}

/// Where no liquidity follows, nothing is taken or given to the end of the price range: only steps are
/// counted.
void Pool::skip_emptiness(Progress& progress, Direction direction) const {
  const auto& ticks = state_.ticks;
  const std::size_t next = progress.next_tick;
  const WordEdges& edges = segments(direction).edges();
  SwapResult& result = progress.result;
  if (result.liquidity_after != 0) return;
  if (direction == Direction::kZeroForOne) {
    if (next > 0 && ticks[next - 1].tick > kMinTick) return;
    result.steps += edges.count(kMinTick, result.tick_after) + 1;
  } else {
    if (next < ticks.size() && ticks[next].tick < kMaxTick) return;
    result.steps += edges.count(result.tick_after, kMaxTick - 1) + 1;
  }
  // The end is never reached by an amount, and its limit is no stop.
  result.sqrt_price_x96_after = end_of_range(direction);
  result.tick_after = tick_at_sqrt_ratio(result.sqrt_price_x96_after);
}

void Pool::walk(Progress& progress, Direction direction, Kind kind, const Uint256& price_limit) const {
  const bool zero_for_one = direction == Direction::kZeroForOne;
  const std::int32_t spacing = state_.tick_spacing;
  const auto& ticks = state_.ticks;
  auto& [result, remaining, next, ends_here, stop_price] = progress;
  Uint256& price = result.sqrt_price_x96_after;

  while (!remaining.is_zero() && price != price_limit) {
    const Uint256 price_start = price;
    if (ends_here && kind == Kind::kExactInput) {  // rounded away from the stop: it cannot be reached
      add(result,
          compute_partial_step(price, result.liquidity_after, remaining, kind, direction, state_.fee_pips));
      remaining = 0;
      if (price != price_start) result.tick_after = tick_at_sqrt_ratio(price);
      return;
    }
    // TickBitmap.nextInitializedTickWithinOneWord: an initialised tick, or the edge of the bitmap's word.
    const std::int32_t compressed = floor_divide(result.tick_after, spacing);
    std::int32_t tick_next = 0;
    bool initialized = false;
    if (zero_for_one) {
      tick_next = (compressed & ~(kWordTicks - 1)) * spacing;
      initialized = next > 0 && ticks[next - 1].tick >= tick_next;
      if (initialized) tick_next = ticks[next - 1].tick;
    } else {
      tick_next = ((compressed + 1) | (kWordTicks - 1)) * spacing;
      initialized = next < ticks.size() && ticks[next].tick <= tick_next;
      if (initialized) tick_next = ticks[next].tick;
    }
    tick_next = std::clamp(tick_next, kMinTick, kMaxTick);

    const Uint256 price_next = ends_here ? stop_price : sqrt_ratio_at_tick(tick_next);
    const bool limited = zero_for_one ? price_next < price_limit : price_next > price_limit;
    const SwapStep step =
        ends_here
            ? compute_partial_step(price, result.liquidity_after, remaining, kind, direction, state_.fee_pips)
            : compute_swap_step(price, limited ? price_limit : price_next, result.liquidity_after, remaining,
                                kind, direction, state_.fee_pips);
    ends_here = false;
    remaining -= kind == Kind::kExactInput ? step.amount_in + step.fee_amount : step.amount_out;
    add(result, step);

    if (price == price_next) {
      if (initialized) {
        const i128 net = zero_for_one ? -ticks[next - 1].liquidity_net : ticks[next].liquidity_net;
        const auto liquidity = add_delta(result.liquidity_after, net);
        SEP_ASSERT(liquidity.has_value());  // every partial sum was checked when the pool was made
        result.liquidity_after = *liquidity;
        ++result.ticks_crossed;
        zero_for_one ? --next : ++next;
      }
      result.tick_after = zero_for_one ? tick_next - 1 : tick_next;
    } else if (price != price_start) {
      result.tick_after = tick_at_sqrt_ratio(price);
    }
  }
}

bool Pool::is_beyond(const Uint256& price_limit, Direction direction) const {
  return direction == Direction::kZeroForOne ? state_.sqrt_price_x96 <= price_limit
                                             : state_.sqrt_price_x96 >= price_limit;
}

Pool::Progress Pool::start(const Uint256& amount) const {
  Progress progress;
  progress.result.sqrt_price_x96_after = state_.sqrt_price_x96;
  progress.result.tick_after = state_.tick;
  progress.result.liquidity_after = state_.liquidity;
  progress.remaining = amount;
  progress.next_tick = next_tick_;
  return progress;
}

SwapResult Pool::swap(Direction direction, Kind kind, const Uint256& amount, const Uint256& price_limit,
                      Way way) const {
  Progress progress = start(amount);
  if (is_beyond(price_limit, direction)) return progress.result;
  if (way == Way::kSearch) {
    SEP_ASSERT(price_limit == end_of_range(direction));
    jump(progress, direction, kind);
    skip_emptiness(progress, direction);
  }
  walk(progress, direction, kind, price_limit);
  progress.result.complete = progress.remaining.is_zero();
  return progress.result;
}

Result<SwapResult> Pool::quote(Direction direction, Kind kind, const Uint256& amount, Way way) const {
  if (amount.is_zero()) return fail(errc::kInvalidAmount, "must be greater than zero");
  if (amount.bit(255)) return fail(errc::kAmountOverflow, "is 2^255 base units or more");
  const auto empty = [] {
    return fail(errc::kInsufficientLiquidity, "the pool has no liquidity in this direction");
  };
  if (!initialized()) return empty();
  const SwapResult result = swap(direction, kind, amount, end_of_range(direction), way);
  if (result.amount_in.is_zero() && result.amount_out.is_zero()) return empty();
  return result;
}

Result<SwapResult> Pool::quote_exact_input(Direction direction, const Uint256& amount_in) const {
  return quote(direction, Kind::kExactInput, amount_in, Way::kSearch);
}

Result<SwapResult> Pool::quote_exact_output(Direction direction, const Uint256& amount_out) const {
  return quote(direction, Kind::kExactOutput, amount_out, Way::kSearch);
}

std::optional<Exchange> Pool::exchange(Direction direction, Kind kind, const Uint256& amount) const {
  const Uint256 limit = end_of_range(direction);
  if (amount.is_zero() || amount.bit(255) || !initialized() || is_beyond(limit, direction))
    return std::nullopt;
  Progress progress = start(amount);
  SwapResult& result = progress.result;
  jump(progress, direction, kind);
  if (progress.ends_here) {
    const Uint256& price = result.sqrt_price_x96_after;
    if (kind == Kind::kExactInput)
      return Exchange{result.amount_out + partial_output(price, result.liquidity_after, progress.remaining,
                                                         direction, state_.fee_pips),
                      result.ticks_crossed, result.steps + 1};
    const SwapStep last = compute_partial_step(price, result.liquidity_after, progress.remaining, kind,
                                               direction, state_.fee_pips);
    if (last.sqrt_price_next_x96 != progress.stop_price)  // or else a tick is crossed
      return Exchange{result.amount_in + last.amount_in + last.fee_amount, result.ticks_crossed,
                      result.steps + 1};
  }
  skip_emptiness(progress, direction);
  walk(progress, direction, kind, limit);
  if (!progress.remaining.is_zero()) return std::nullopt;
  return Exchange{kind == Kind::kExactInput ? result.amount_out : result.amount_in, result.ticks_crossed,
                  result.steps};
}

Result<SwapResult> Pool::quote_by_walk(Direction direction, Kind kind, const Uint256& amount) const {
  return quote(direction, kind, amount, Way::kWalk);
}

std::uint32_t Pool::quoter_ticks_crossed(std::int32_t tick_after) const {
  const std::int32_t spacing = state_.tick_spacing;
  const std::int32_t before = state_.tick;
  const auto at = [&](std::int32_t tick) {
    return std::ranges::lower_bound(state_.ticks, tick, {}, &TickInfo::tick);
  };
  const auto is_initialized = [&](std::int32_t tick) {
    const auto found = at(tick);
    return found != state_.ticks.end() && found->tick == tick;
  };
  // The contract divides rounding towards zero here, unlike in the pool itself.
  const auto [low, high] = std::minmax({before / spacing * spacing, tick_after / spacing * spacing});
  auto count = static_cast<std::uint32_t>(first_above(state_.ticks, high) - at(low));
  if (tick_after % spacing == 0 && before > tick_after && is_initialized(tick_after)) --count;
  if (before % spacing == 0 && before < tick_after && is_initialized(before)) --count;
  return count;
}

Status Pool::initialize(const Uint256& sqrt_price_x96) {
  if (initialized()) return invalid("/sqrt_price_x96", "the pool has a price already");
  if (sqrt_price_x96 < kMinSqrtRatio || sqrt_price_x96 >= kMaxSqrtRatio)
    return invalid("/sqrt_price_x96", "is out of range");
  state_.sqrt_price_x96 = sqrt_price_x96;
  state_.tick = tick_at_sqrt_ratio(sqrt_price_x96);
  find_price();
  return {};
}

Status Pool::apply_swap(const SwapLog& log) {
  if (!initialized()) return invalid("", "a swap in a pool without a price");
  if (log.sqrt_price_x96 < kMinSqrtRatio || log.sqrt_price_x96 >= kMaxSqrtRatio)
    return invalid("/sqrt_price_x96", "is out of range");
  const bool zero_for_one = log.sqrt_price_x96 != state_.sqrt_price_x96
                                ? log.sqrt_price_x96 < state_.sqrt_price_x96
                                : !log.amount0.magnitude.is_zero() && !log.amount0.negative;
  const auto direction = zero_for_one ? Direction::kZeroForOne : Direction::kOneForZero;
  const SignedAmount& in = zero_for_one ? log.amount0 : log.amount1;
  const SignedAmount& out = zero_for_one ? log.amount1 : log.amount0;
  const Uint256 limit = end_of_range(direction);
  if (in.negative || (!out.negative && !out.magnitude.is_zero()))
    return invalid("/amount0", "the amounts' signs do not fit the price's move");

  const auto matches = [&](const SwapResult& result) {
    return result.amount_in == in.magnitude && result.amount_out == out.magnitude &&
           result.sqrt_price_x96_after == log.sqrt_price_x96 && result.liquidity_after == log.liquidity &&
           result.tick_after == log.tick;
  };
  // The log does not say what was asked for: an exact input, an exact output, or either until a price limit.
  const bool explained =
      matches(swap(direction, Kind::kExactInput, in.magnitude, limit, Way::kSearch)) ||
      matches(swap(direction, Kind::kExactOutput, out.magnitude, limit, Way::kSearch)) ||
      matches(swap(direction, Kind::kExactInput, Uint256::pow2(255) - 1, log.sqrt_price_x96, Way::kWalk));
  if (!explained) return invalid("", "the swap's result differs from the one computed on this state");
  state_.sqrt_price_x96 = log.sqrt_price_x96;
  state_.liquidity = log.liquidity;
  state_.tick = log.tick;
  find_price();
  return {};
}

Status Pool::apply_mint(std::int32_t tick_lower, std::int32_t tick_upper, u128 amount) {
  return change_liquidity(tick_lower, tick_upper, amount, true);
}

Status Pool::apply_burn(std::int32_t tick_lower, std::int32_t tick_upper, u128 amount) {
  return change_liquidity(tick_lower, tick_upper, amount, false);
}

Status Pool::change_liquidity(std::int32_t tick_lower, std::int32_t tick_upper, u128 amount, bool add) {
  if (amount == 0) return {};
  if (!fits_signed(amount)) return invalid("/amount", "is above 2^127 - 1");
  if (!initialized()) return invalid("", "liquidity in a pool without a price");
  if (!is_usable_tick(tick_lower, state_.tick_spacing))
    return invalid("/tick_lower", "is not a multiple of the spacing within the range of ticks");
  if (!is_usable_tick(tick_upper, state_.tick_spacing))
    return invalid("/tick_upper", "is not a multiple of the spacing within the range of ticks");
  if (tick_lower >= tick_upper) return invalid("/tick_lower", "must be below tick_upper");
  auto& ticks = state_.ticks;
  const i128 delta = add ? signed_liquidity(amount) : -signed_liquidity(amount);

  // Everything is checked before anything changes.
  const auto changed = [&](std::int32_t tick, i128 net_delta) -> Result<TickInfo> {
    const auto found = std::ranges::lower_bound(ticks, tick, {}, &TickInfo::tick);
    const TickInfo old = found != ticks.end() && found->tick == tick ? *found : TickInfo{tick};
    const auto gross = add_delta(old.liquidity_gross, delta);
    i128 net = 0;
    if (!gross || __builtin_add_overflow(old.liquidity_net, net_delta, &net) || !fits_signed(magnitude(net)))
      return invalid("/amount", "leaves the range of a tick's liquidity");
    if (*gross < magnitude(net)) return invalid("/amount", "removes liquidity that others hold");
    return TickInfo{tick, *gross, net};
  };
  SEP_TRY(const TickInfo lower, changed(tick_lower, delta));
  SEP_TRY(const TickInfo upper, changed(tick_upper, -delta));
  auto first = static_cast<std::size_t>(first_above(ticks, tick_lower - 1) - ticks.begin());
  auto last = static_cast<std::size_t>(first_above(ticks, tick_upper - 1) - ticks.begin());
  const auto between = [&](std::size_t next) { return next == 0 ? 0 : liquidity_[next - 1]; };
  const bool starts_at_tick = first < ticks.size() && ticks[first].tick == tick_lower;
  for (std::size_t next = starts_at_tick ? first + 1 : first; next <= last; ++next)
    if (!add_delta(between(next), delta))
      return invalid("/amount", "leaves the range of the pool's liquidity");

  const auto insert = [&](std::size_t index, std::int32_t tick) {
    if (index < ticks.size() && ticks[index].tick == tick) return false;
    liquidity_.insert(liquidity_.begin() + static_cast<std::ptrdiff_t>(index), between(index));
    ticks.insert(ticks.begin() + static_cast<std::ptrdiff_t>(index), TickInfo{tick});
    return true;
  };
  const auto erase_unused = [&](std::size_t index) {
    if (ticks[index].liquidity_gross != 0) return;
    liquidity_.erase(liquidity_.begin() + static_cast<std::ptrdiff_t>(index));
    ticks.erase(ticks.begin() + static_cast<std::ptrdiff_t>(index));
  };
  insert(last, tick_upper);
  if (insert(first, tick_lower)) ++last;
  for (std::size_t i = first; i < last; ++i) liquidity_[i] += static_cast<u128>(delta);
  ticks[first] = lower;
  ticks[last] = upper;
  erase_unused(last);
  erase_unused(first);
  if (tick_lower <= state_.tick && state_.tick < tick_upper) state_.liquidity += static_cast<u128>(delta);

  falling_.update(ticks, liquidity_, tick_lower, tick_upper);
  rising_.update(ticks, liquidity_, tick_lower, tick_upper);
  find_price();
  return {};
}

}  // namespace sep::uniswap
