#include "uniswap/swap_math.h"

#include "base/wide.h"

namespace sep::uniswap {
namespace {

constexpr unsigned kResolution = 96;  // bits after the point of a price

template <std::size_t N>
wide::Limbs<N> limbs_of(const Uint256& value) {
  wide::Limbs<N> limbs;
  for (std::size_t i = 0; i < N; ++i) limbs[i] = value.limb(i);
  return limbs;
}

wide::Limbs<2> limbs_of(u128 value) {
  return {wide::low(value), wide::high(value)};
}

/// A price's limbs: uint160 in the contract.
wide::Limbs<3> price_limbs(const Uint256& price) {
  SEP_ASSERT(price.limb(3) == 0 && price.limb(2) >> 32 == 0);
  return limbs_of<3>(price);
}

/// a · 2^96, one limb wider. The caller knows that the upper 32 bits of a are 0, or asks for two more limbs.
template <std::size_t M, std::size_t N>
wide::Limbs<M> shifted(const wide::Limbs<N>& a) {
  static_assert(M > N);
  wide::Limbs<M> out{};
  for (std::size_t i = 0; i <= N && i + 1 < M; ++i)
    out[i + 1] = (i < N ? a[i] << 32 : 0) | (i > 0 ? a[i - 1] >> 32 : 0);
  return out;
}

template <std::size_t M>
Uint256 rounded(const wide::Quotient<M>& quotient, Rounding rounding) {
  std::array<std::uint64_t, 4> limbs{};
  for (std::size_t i = 0; i < M; ++i) {
    if (i < 4)
      limbs[i] = quotient.value[i];
    else
      SEP_ASSERT(quotient.value[i] == 0);  // amounts are below 2^192, prices below 2^160
  }
  const Uint256 floor = Uint256::from_limbs(limbs);
  return rounding == Rounding::kUp && !quotient.exact ? floor + 1 : floor;
}

/// liquidity · 2^96 · price / denominator, rounding up.
Uint256 price_ratio(u128 liquidity, const Uint256& price, const Uint256& denominator) {
  const auto product = wide::multiply(limbs_of(liquidity), price_limbs(price));  // at most 288 bits
  return rounded(wide::divide(shifted<6>(product), limbs_of<4>(denominator)), Rounding::kUp);
}

/// amount · 2^96 / liquidity.
Uint256 price_move(const Uint256& amount, u128 liquidity, Rounding rounding) {
  return rounded(wide::divide(shifted<6>(limbs_of<4>(amount)), limbs_of(liquidity)), rounding);
}

/// SqrtPriceMath.getNextSqrtPriceFromAmount0RoundingUp with add = true.
Uint256 price_after_adding0(const Uint256& price, u128 liquidity, const Uint256& amount) {
  if (amount.is_zero()) return price;
  const Uint256 numerator = Uint256(liquidity) << kResolution;
  const auto product = wide::multiply(limbs_of<4>(amount), price_limbs(price));
  if ((product[4] | product[5] | product[6]) == 0) {
    const auto sum =
        checked_add(numerator, Uint256::from_limbs({product[0], product[1], product[2], product[3]}));
    if (sum) return price_ratio(liquidity, price, *sum);
  }
  return div_rounding_up(numerator, numerator / price + amount);
}

/// The same with add = false.
Uint256 price_after_removing0(const Uint256& price, u128 liquidity, const Uint256& amount) {
  if (amount.is_zero()) return price;
  return price_ratio(liquidity, price, (Uint256(liquidity) << kResolution) - amount * price);
}

Uint256 input_between(const Uint256& current, const Uint256& next, u128 liquidity, Direction direction) {
  return direction == Direction::kZeroForOne ? amount0_delta(next, current, liquidity, Rounding::kUp)
                                             : amount1_delta(current, next, liquidity, Rounding::kUp);
}

Uint256 output_between(const Uint256& current, const Uint256& next, u128 liquidity, Direction direction) {
  return direction == Direction::kZeroForOne ? amount1_delta(next, current, liquidity, Rounding::kDown)
                                             : amount0_delta(current, next, liquidity, Rounding::kDown);
}

Uint256 fee_on(const Uint256& input, std::uint32_t fee_pips) {
  const auto product = wide::multiply<4, 1>(limbs_of<4>(input), {fee_pips});
  return rounded(wide::Divisor<1>({kFeeUnit - fee_pips}).quotient(product), Rounding::kUp);
}

/// floor(amount · (1 - fee)).
Uint256 without_fee(const Uint256& amount, std::uint32_t fee_pips) {
  static constexpr wide::Divisor<1> kUnit({kFeeUnit});
  const auto product = wide::multiply<4, 1>(limbs_of<4>(amount), {kFeeUnit - fee_pips});
  return rounded(kUnit.quotient(product), Rounding::kDown);
}

}  // namespace

Uint256 amount0_delta(const Uint256& sqrt_a_x96, const Uint256& sqrt_b_x96, u128 liquidity,
                      Rounding rounding) {
  const bool ordered = sqrt_a_x96 <= sqrt_b_x96;
  const Uint256& lower = ordered ? sqrt_a_x96 : sqrt_b_x96;
  const Uint256& upper = ordered ? sqrt_b_x96 : sqrt_a_x96;
  // The contract divides by one price and then by the other, rounding the same way both times: that is one
  // division by their product, since floor(floor(x / a) / b) = floor(x / ab), and likewise for the ceiling.
  const auto product = wide::multiply(limbs_of(liquidity), price_limbs(upper - lower));  // at most 288 bits
  return rounded(wide::divide(shifted<6>(product), wide::multiply(price_limbs(lower), price_limbs(upper))),
                 rounding);
}

Uint256 amount1_delta(const Uint256& sqrt_a_x96, const Uint256& sqrt_b_x96, u128 liquidity,
                      Rounding rounding) {
  const bool ordered = sqrt_a_x96 <= sqrt_b_x96;
  const Uint256 difference = ordered ? sqrt_b_x96 - sqrt_a_x96 : sqrt_a_x96 - sqrt_b_x96;
  // mulDiv by 2^96 is a shift; the product has at most 288 bits.
  const auto product = wide::multiply(limbs_of(liquidity), price_limbs(difference));
  const Uint256 quotient =
      Uint256::from_limbs({product[1] >> 32 | product[2] << 32, product[2] >> 32 | product[3] << 32,
                           product[3] >> 32 | product[4] << 32, 0});
  const bool exact = product[0] == 0 && static_cast<std::uint32_t>(product[1]) == 0;
  return rounding == Rounding::kUp && !exact ? quotient + 1 : quotient;
}

Uint256 next_price_from_input(const Uint256& sqrt_price_x96, u128 liquidity, const Uint256& amount,
                              Direction direction) {
  if (direction == Direction::kZeroForOne) return price_after_adding0(sqrt_price_x96, liquidity, amount);
  return sqrt_price_x96 + price_move(amount, liquidity, Rounding::kDown);
}

Uint256 next_price_from_output(const Uint256& sqrt_price_x96, u128 liquidity, const Uint256& amount,
                               Direction direction) {
  if (direction == Direction::kOneForZero) return price_after_removing0(sqrt_price_x96, liquidity, amount);
  return sqrt_price_x96 - price_move(amount, liquidity, Rounding::kUp);
}

SwapStep compute_whole_step(const Uint256& current_x96, const Uint256& target_x96, u128 liquidity,
                            Direction direction, std::uint32_t fee_pips) {
  SwapStep step;
  step.sqrt_price_next_x96 = target_x96;
  step.amount_in = input_between(current_x96, target_x96, liquidity, direction);
  step.amount_out = output_between(current_x96, target_x96, liquidity, direction);
  step.fee_amount = fee_on(step.amount_in, fee_pips);
  return step;
}

SwapStep compute_partial_step(const Uint256& current_x96, u128 liquidity, const Uint256& remaining, Kind kind,
                              Direction direction, std::uint32_t fee_pips) {
  SwapStep step;
  if (kind == Kind::kExactInput) {
    const Uint256 less_fee = without_fee(remaining, fee_pips);
    // Rounded away from the target, so it never reaches it; what the price does not use is fee.
    step.sqrt_price_next_x96 = next_price_from_input(current_x96, liquidity, less_fee, direction);
    step.amount_in = input_between(current_x96, step.sqrt_price_next_x96, liquidity, direction);
    step.fee_amount = remaining - step.amount_in;
    step.amount_out = output_between(current_x96, step.sqrt_price_next_x96, liquidity, direction);
  } else {
    // Rounded towards the target, so it may reach it, and the way there gives at least what remains: the
    // contract lowers it to that. (The exact price for `remaining` gives exactly that, a further one no less,
    // and floor(floor(x / a) / b) = floor(x / ab).)
    step.sqrt_price_next_x96 = next_price_from_output(current_x96, liquidity, remaining, direction);
    step.amount_out = remaining;
    step.amount_in = input_between(current_x96, step.sqrt_price_next_x96, liquidity, direction);
    step.fee_amount = fee_on(step.amount_in, fee_pips);
  }
  return step;
}

Uint256 partial_output(const Uint256& current_x96, u128 liquidity, const Uint256& remaining,
                       Direction direction, std::uint32_t fee_pips) {
  const Uint256 next =
      next_price_from_input(current_x96, liquidity, without_fee(remaining, fee_pips), direction);
  return output_between(current_x96, next, liquidity, direction);
}

SwapStep compute_swap_step(const Uint256& current_x96, const Uint256& target_x96, u128 liquidity,
                           const Uint256& remaining, Kind kind, Direction direction, std::uint32_t fee_pips) {
  const SwapStep whole = compute_whole_step(current_x96, target_x96, liquidity, direction, fee_pips);
  // For an exact input the contract asks whether floor(remaining · (1 - fee)) reaches the input. That is the
  // same as whether the input and its fee, rounded up, fit into what remains, and it saves a division.
  const Uint256 needed = kind == Kind::kExactInput ? whole.amount_in + whole.fee_amount : whole.amount_out;
  if (needed <= remaining) return whole;
  return compute_partial_step(current_x96, liquidity, remaining, kind, direction, fee_pips);
}

}  // namespace sep::uniswap
