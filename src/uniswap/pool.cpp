#include "uniswap/pool.h"

#include <algorithm>
#include <optional>

#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

constexpr std::int32_t kWordTicks = 256;         // ticks (in units of the spacing) in a word of the bitmap
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
    if (info.tick < kMinTick || info.tick > kMaxTick || info.tick % state.tick_spacing != 0)
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

}  // namespace

Pool::Pool(PoolState state) : state_(std::move(state)) {
  find_next_tick();
}

void Pool::find_next_tick() {
  next_tick_ = static_cast<std::size_t>(first_above(state_.ticks, state_.tick) - state_.ticks.begin());
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

SwapResult Pool::swap(Direction direction, Kind kind, const Uint256& amount,
                      const Uint256& price_limit) const {
  const bool zero_for_one = direction == Direction::kZeroForOne;
  const std::int32_t spacing = state_.tick_spacing;
  const auto& ticks = state_.ticks;
  std::size_t next = next_tick_;  // the first initialised tick above the walk's tick

  SwapResult result;
  result.sqrt_price_x96_after = state_.sqrt_price_x96;
  result.tick_after = state_.tick;
  result.liquidity_after = state_.liquidity;
  Uint256 remaining = amount;
  Uint256& price = result.sqrt_price_x96_after;

  while (!remaining.is_zero() && price != price_limit) {
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

    const Uint256 price_start = price;
    const Uint256 price_next = sqrt_ratio_at_tick(tick_next);
    const bool limited = zero_for_one ? price_next < price_limit : price_next > price_limit;
    const SwapStep step = compute_swap_step(price, limited ? price_limit : price_next, result.liquidity_after,
                                            remaining, kind, direction, state_.fee_pips);
    price = step.sqrt_price_next_x96;
    const Uint256 taken = step.amount_in + step.fee_amount;
    remaining -= kind == Kind::kExactInput ? taken : step.amount_out;
    result.amount_in += taken;
    result.amount_out += step.amount_out;
    result.fee_amount += step.fee_amount;
    ++result.steps;

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
  result.complete = remaining.is_zero();
  return result;
}

Result<SwapResult> Pool::quote(Direction direction, Kind kind, const Uint256& amount) const {
  if (amount.is_zero()) return fail(errc::kInvalidAmount, "must be greater than zero");
  if (amount.bit(255)) return fail(errc::kAmountOverflow, "is 2^255 base units or more");
  const auto empty = [] {
    return fail(errc::kInsufficientLiquidity, "the pool has no liquidity in this direction");
  };
  const bool zero_for_one = direction == Direction::kZeroForOne;
  const Uint256 limit = zero_for_one ? kMinSqrtRatio + 1 : kMaxSqrtRatio - 1;
  if (!initialized() || (zero_for_one ? state_.sqrt_price_x96 <= limit : state_.sqrt_price_x96 >= limit))
    return empty();
  const SwapResult result = swap(direction, kind, amount, limit);
  if (result.amount_in.is_zero() && result.amount_out.is_zero()) return empty();
  return result;
}

Result<SwapResult> Pool::quote_exact_input(Direction direction, const Uint256& amount_in) const {
  return quote(direction, Kind::kExactInput, amount_in);
}

Result<SwapResult> Pool::quote_exact_output(Direction direction, const Uint256& amount_out) const {
  return quote(direction, Kind::kExactOutput, amount_out);
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
  const auto [low, high] = std::minmax(before / spacing * spacing, tick_after / spacing * spacing);
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
  find_next_tick();
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
  const Uint256 limit = zero_for_one ? kMinSqrtRatio : kMaxSqrtRatio;
  if (in.negative || (!out.negative && !out.magnitude.is_zero()))
    return invalid("/amount0", "the amounts' signs do not fit the price's move");

  const auto matches = [&](const SwapResult& result) {
    return result.amount_in == in.magnitude && result.amount_out == out.magnitude &&
           result.sqrt_price_x96_after == log.sqrt_price_x96 && result.liquidity_after == log.liquidity &&
           result.tick_after == log.tick;
  };
  // The log does not say what was asked for: an exact input, an exact output, or either until a price limit.
  const bool explained =
      matches(swap(direction, Kind::kExactInput, in.magnitude, limit)) ||
      matches(swap(direction, Kind::kExactOutput, out.magnitude, limit)) ||
      matches(swap(direction, Kind::kExactInput, Uint256::pow2(255) - 1, log.sqrt_price_x96));
  if (!explained) return invalid("", "the swap's result differs from the one computed on this state");
  state_.sqrt_price_x96 = log.sqrt_price_x96;
  state_.liquidity = log.liquidity;
  state_.tick = log.tick;
  find_next_tick();
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
  if (tick_lower >= tick_upper) return invalid("/tick_lower", "must be below tick_upper");
  const i128 delta = add ? signed_liquidity(amount) : -signed_liquidity(amount);

  PoolState changed = state_;
  const auto update = [&](std::int32_t tick, i128 net_delta) -> Status {
    auto found = std::ranges::lower_bound(changed.ticks, tick, {}, &TickInfo::tick);
    if (found == changed.ticks.end() || found->tick != tick)
      found = changed.ticks.insert(found, TickInfo{tick});
    const auto gross = add_delta(found->liquidity_gross, delta);
    i128 net = 0;
    if (!gross || __builtin_add_overflow(found->liquidity_net, net_delta, &net))
      return invalid("/amount", "leaves the range of a tick's liquidity");
    *found = {tick, *gross, net};
    if (*gross == 0) {
      if (net != 0) return invalid("/amount", "removes a tick that others hold");
      changed.ticks.erase(found);
    }
    return {};
  };
  SEP_CHECK(update(tick_lower, delta));
  SEP_CHECK(update(tick_upper, -delta));
  if (tick_lower <= state_.tick && state_.tick < tick_upper) {
    const auto liquidity = add_delta(state_.liquidity, delta);
    if (!liquidity) return invalid("/amount", "leaves the range of the pool's liquidity");
    changed.liquidity = *liquidity;
  }
  SEP_CHECK(check_ticks(changed));
  state_ = std::move(changed);
  find_next_tick();
  return {};
}

}  // namespace sep::uniswap
