#include "uniswap/swap_math.h"

#include <algorithm>

#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

constexpr unsigned kResolution = 96;  // bits after the point of a price

/// The quotient is known to fit: prices have 160 bits, liquidity 128, amounts below 2^255.
Uint256 must(const std::optional<Uint256>& value) {
  SEP_ASSERT(value.has_value());
  return *value;
}

Uint256 divide(const Uint256& a, const Uint256& d, Rounding rounding) {
  return rounding == Rounding::kUp ? div_rounding_up(a, d) : a / d;
}

Uint256 multiply_divide(const Uint256& a, const Uint256& b, const Uint256& d, Rounding rounding) {
  return must(rounding == Rounding::kUp ? mul_div_rounding_up(a, b, d) : mul_div(a, b, d));
}

/// a · 2^96 / d.
Uint256 shift_divide(const Uint256& a, u128 d, Rounding rounding) {
  if (a.bit_length() <= 160) return divide(a << kResolution, d, rounding);
  return multiply_divide(a, kQ96, d, rounding);
}

/// SqrtPriceMath.getNextSqrtPriceFromAmount0RoundingUp with add = true.
Uint256 price_after_adding0(const Uint256& price, u128 liquidity, const Uint256& amount) {
  if (amount.is_zero()) return price;
  const Uint256 numerator = Uint256(liquidity) << kResolution;
  if (const auto product = checked_mul(amount, price)) {
    if (const auto denominator = checked_add(numerator, *product))
      return multiply_divide(numerator, price, *denominator, Rounding::kUp);
  }
  return div_rounding_up(numerator, numerator / price + amount);
}

/// The same with add = false.
Uint256 price_after_removing0(const Uint256& price, u128 liquidity, const Uint256& amount) {
  if (amount.is_zero()) return price;
  const Uint256 numerator = Uint256(liquidity) << kResolution;
  return multiply_divide(numerator, price, numerator - amount * price, Rounding::kUp);
}

}  // namespace

Uint256 amount0_delta(const Uint256& sqrt_a_x96, const Uint256& sqrt_b_x96, u128 liquidity,
                      Rounding rounding) {
  const auto& [lower, upper] = std::minmax(sqrt_a_x96, sqrt_b_x96);
  const Uint256 numerator = Uint256(liquidity) << kResolution;
  return divide(multiply_divide(numerator, upper - lower, upper, rounding), lower, rounding);
}

Uint256 amount1_delta(const Uint256& sqrt_a_x96, const Uint256& sqrt_b_x96, u128 liquidity,
                      Rounding rounding) {
  const auto& [lower, upper] = std::minmax(sqrt_a_x96, sqrt_b_x96);
  // mulDiv by 2^96 is a shift; the product has at most 288 bits.
  const auto product = Uint256::wide_mul(upper - lower, liquidity);
  const Uint256 quotient =
      Uint256::from_limbs({product[1] >> 32 | product[2] << 32, product[2] >> 32 | product[3] << 32,
                           product[3] >> 32 | product[4] << 32, product[4] >> 32});
  const bool exact = product[0] == 0 && static_cast<std::uint32_t>(product[1]) == 0;
  return rounding == Rounding::kUp && !exact ? quotient + 1 : quotient;
}

Uint256 next_price_from_input(const Uint256& sqrt_price_x96, u128 liquidity, const Uint256& amount,
                              Direction direction) {
  if (direction == Direction::kZeroForOne) return price_after_adding0(sqrt_price_x96, liquidity, amount);
  return sqrt_price_x96 + shift_divide(amount, liquidity, Rounding::kDown);
}

Uint256 next_price_from_output(const Uint256& sqrt_price_x96, u128 liquidity, const Uint256& amount,
                               Direction direction) {
  if (direction == Direction::kOneForZero) return price_after_removing0(sqrt_price_x96, liquidity, amount);
  return sqrt_price_x96 - shift_divide(amount, liquidity, Rounding::kUp);
}

SwapStep compute_swap_step(const Uint256& current_x96, const Uint256& target_x96, u128 liquidity,
                           const Uint256& remaining, Kind kind, Direction direction, std::uint32_t fee_pips) {
  const bool zero_for_one = direction == Direction::kZeroForOne;
  const auto input_to = [&](const Uint256& price) {
    return zero_for_one ? amount0_delta(price, current_x96, liquidity, Rounding::kUp)
                        : amount1_delta(current_x96, price, liquidity, Rounding::kUp);
  };
  const auto output_to = [&](const Uint256& price) {
    return zero_for_one ? amount1_delta(price, current_x96, liquidity, Rounding::kDown)
                        : amount0_delta(current_x96, price, liquidity, Rounding::kDown);
  };
  const auto fee_on = [&](const Uint256& input) {
    return must(mul_div_rounding_up(input, fee_pips, kFeeUnit - fee_pips));
  };

  SwapStep step;
  if (kind == Kind::kExactInput) {
    step.amount_in = input_to(target_x96);
    step.fee_amount = fee_on(step.amount_in);
    // The contract asks whether floor(remaining · (1 - fee)) reaches the input; that is the same as whether
    // the input and its fee, rounded up, fit into what remains, and it saves a division.
    if (step.amount_in + step.fee_amount <= remaining) {
      step.sqrt_price_next_x96 = target_x96;
    } else {
      const Uint256 less_fee = must(mul_div(remaining, kFeeUnit - fee_pips, kFeeUnit));
      step.sqrt_price_next_x96 = next_price_from_input(current_x96, liquidity, less_fee, direction);
      // Rounded away from the target, so never equal to it; what the price does not use is fee.
      step.amount_in = input_to(step.sqrt_price_next_x96);
      step.fee_amount = remaining - step.amount_in;
    }
    step.amount_out = output_to(step.sqrt_price_next_x96);
  } else {
    step.amount_out = output_to(target_x96);
    if (step.amount_out <= remaining) {
      step.sqrt_price_next_x96 = target_x96;
    } else {
      // Rounded towards the target, so it may reach it, and the output may exceed what remains.
      step.sqrt_price_next_x96 = next_price_from_output(current_x96, liquidity, remaining, direction);
      step.amount_out = std::min(output_to(step.sqrt_price_next_x96), remaining);
    }
    step.amount_in = input_to(step.sqrt_price_next_x96);
    step.fee_amount = fee_on(step.amount_in);
  }
  return step;
}

}  // namespace sep::uniswap
