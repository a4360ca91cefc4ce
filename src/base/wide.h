#pragma once
// Division of numbers wider than a machine word: Knuth's algorithm D (TAOCP 4.3.1) on 64-bit limbs, least
// significant limb first. Widths are template arguments, so that loops unroll; this is what Uint256 and
// prices are computed with, and nobody else needs it.
//
// Entry points: Divisor (normalised once, used for any number of numerators) and divide().
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace sep::wide {

using u64 = std::uint64_t;
using u128 = unsigned __int128;

template <std::size_t N>
using Limbs = std::array<u64, N>;

constexpr u64 high(u128 value) {
  return static_cast<u64>(value >> 64);
}
constexpr u64 low(u128 value) {
  return static_cast<u64>(value);
}
constexpr u128 join(u64 hi, u64 lo) {
  return static_cast<u128>(hi) << 64 | lo;
}

/// The product, exact.
template <std::size_t A, std::size_t B>
constexpr Limbs<A + B> multiply(const Limbs<A>& a, const Limbs<B>& b) {
  Limbs<A + B> out{};
  for (std::size_t i = 0; i < A; ++i) {
    u64 carry = 0;
    for (std::size_t j = 0; j < B; ++j) {
      const u128 term = static_cast<u128>(a[i]) * b[j] + out[i + j] + carry;
      out[i + j] = low(term);
      carry = high(term);
    }
    out[i + B] = carry;
  }
  return out;
}

/// Number of limbs up to the highest one that is not 0.
template <std::size_t N>
constexpr std::size_t length(const Limbs<N>& a) {
  std::size_t n = N;
  while (n > 0 && a[n - 1] == 0) --n;
  return n;
}

// Division by a normalised divisor (its top bit set) with a precomputed reciprocal: N. Möller, T. Granlund,
// "Improved division by invariant integers", IEEE Transactions on Computers 60 (2011).

/// floor((2^128 - 1) / d) - 2^64, for d with its top bit set. One machine division: on x86 it took 7 ns where
/// the paper's table and Newton steps took 14. Compilers make a call of it, since they do not see that the
/// quotient fits.
constexpr u64 reciprocal_2by1(u64 d) {
#if defined(__x86_64__)
  if (!std::is_constant_evaluated()) {
    u64 quotient = ~u64{0};
    u64 rest = ~d;
    asm("divq %2" : "+a"(quotient), "+d"(rest) : "r"(d) : "cc");
    return quotient;
  }
#endif
  return low(join(~d, ~u64{0}) / d);
}

/// The reciprocal of the two-limb divisor (d1, d0), d1 with its top bit set (algorithm 6).
constexpr u64 reciprocal_3by2(u64 d1, u64 d0) {
  u64 v = reciprocal_2by1(d1);
  u64 p = d1 * v + d0;
  if (p < d0) {
    --v;
    if (p >= d1) {
      --v;
      p -= d1;
    }
    p -= d1;
  }
  const u128 t = static_cast<u128>(v) * d0;
  p += high(t);
  if (p < high(t)) {
    --v;
    if (join(p, low(t)) >= join(d1, d0)) --v;
  }
  return v;
}

/// (u[1], u[0]) / d with u[1] < d; leaves the remainder in u[0] (algorithm 4).
constexpr u64 divide_2by1(u64* u, u64 d, u64 reciprocal) {
  const u128 q = static_cast<u128>(reciprocal) * u[1] + join(u[1], u[0]);
  u64 digit = high(q) + 1;
  u64 r = u[0] - digit * d;
  if (r > low(q)) {
    --digit;
    r += d;
  }
  if (r >= d) {
    ++digit;
    r -= d;
  }
  u[0] = r;
  return digit;
}

/// (u2, u1, u0) / d with (u2, u1) < d; the remainder goes to `rest` (algorithm 5).
constexpr u64 divide_3by2(u64 u2, u64 u1, u64 u0, u128 d, u64 reciprocal, u128& rest) {
  const u128 q = static_cast<u128>(reciprocal) * u2 + join(u2, u1);
  u64 digit = high(q);
  u128 r = join(u1 - digit * high(d), u0) - static_cast<u128>(low(d)) * digit - d;
  ++digit;
  if (high(r) >= low(q)) {
    --digit;
    r += d;
  }
  if (r >= d) {
    ++digit;
    r -= d;
  }
  rest = r;
  return digit;
}

template <std::size_t M, std::size_t N>
struct Division {
  Limbs<M> quotient{};
  Limbs<N> remainder{};
};

/// A quotient, and whether nothing remains.
template <std::size_t M>
struct Quotient {
  Limbs<M> value{};
  bool exact = true;
};

/// A divisor of exactly N limbs: the top one is not 0.
template <std::size_t N>
class Divisor {
 public:
  constexpr explicit Divisor(const Limbs<N>& d) : shift_(static_cast<unsigned>(std::countl_zero(d[N - 1]))) {
    for (std::size_t i = N; i-- > 0;) v_[i] = shifted(d[i], i > 0 ? d[i - 1] : 0);
    if constexpr (N == 1)
      reciprocal_ = reciprocal_2by1(v_[0]);
    else
      reciprocal_ = reciprocal_3by2(v_[N - 1], v_[N - 2]);
  }

  template <std::size_t M>
  constexpr Division<M, N> divide(const Limbs<M>& numerator) const {
    Division<M, N> result;
    const auto u = run(numerator, result.quotient);
    for (std::size_t i = 0; i < N; ++i)
      result.remainder[i] = u[i] >> shift_ | (u[i + 1] << 1) << (63 - shift_);
    return result;
  }

  template <std::size_t M>
  constexpr Quotient<M> quotient(const Limbs<M>& numerator) const {
    Quotient<M> result;
    const auto u = run(numerator, result.value);
    u64 rest = 0;
    for (std::size_t i = 0; i < N; ++i) rest |= u[i];
    result.exact = rest == 0;
    return result;
  }

 private:
  /// Digits go to `quotient`; what is returned is the remainder, still shifted.
  template <std::size_t M>
  [[gnu::always_inline]] constexpr Limbs<M + 1> run(const Limbs<M>& numerator, Limbs<M>& quotient) const
    requires(M >= N)
  {
    Limbs<M + 1> u{};
    u[M] = shifted(0, numerator[M - 1]);
    for (std::size_t i = M; i-- > 0;) u[i] = shifted(numerator[i], i > 0 ? numerator[i - 1] : 0);
    const std::size_t m = length(u);
    // Only the digits that are not 0 by the numbers' lengths alone.
    const std::size_t digits = m < N ? 0 : m - N + (u[m - 1] >= v_[N - 1] ? 1 : 0);
    // From the top one down, with indices that the compiler knows, so that everything stays in registers.
    [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
      const auto place = [&](auto index) __attribute__((always_inline)) {
        constexpr std::size_t kDigit = M - N - decltype(index)::value;
        if (kDigit < digits) quotient[kDigit] = digit(&u[kDigit]);
      };
      (place(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<M - N + 1>{});
    return u;
  }

  /// `limb` and the bits that come up from the one below it.
  constexpr u64 shifted(u64 limb, u64 below) const { return limb << shift_ | (below >> 1) >> (63 - shift_); }

  /// One digit of the quotient of the N + 1 limbs at u; their remainder stays in the lower N, and the top one
  /// becomes 0.
  [[gnu::always_inline]] constexpr u64 digit(u64* u) const {
    if constexpr (N == 1) {
      const u64 quotient = divide_2by1(u, v_[0], reciprocal_);
      u[1] = 0;
      return quotient;
    } else {
      const u128 top = join(v_[N - 1], v_[N - 2]);
      if (join(u[N], u[N - 1]) == top) [[unlikely]] {
        // On a copy: what a call could change would have to stay in memory.
        Limbs<N + 1> part;
        for (std::size_t i = 0; i <= N; ++i) part[i] = u[i];
        const u64 quotient = greatest_digit(part);
        for (std::size_t i = 0; i <= N; ++i) u[i] = part[i];
        return quotient;
      }
      u128 rest = 0;
      u64 quotient = divide_3by2(u[N], u[N - 1], u[N - 2], top, reciprocal_, rest);
      if constexpr (N > 2) {
        u64 carry = 0;
        u64 borrow = 0;
        for (std::size_t i = 0; i + 2 < N; ++i) {
          const u128 product = static_cast<u128>(quotient) * v_[i] + carry;
          carry = high(product);
          const u128 difference = static_cast<u128>(u[i]) - low(product) - borrow;
          u[i] = low(difference);
          borrow = high(difference) & 1;
        }
        const u128 subtrahend = static_cast<u128>(carry) + borrow;
        const bool too_large = rest < subtrahend;
        rest -= subtrahend;
        if (too_large) [[unlikely]] {
          // The digit was one too large (it saw only the divisor's two top limbs): give one divisor back.
          --quotient;
          u64 add_carry = 0;
          for (std::size_t i = 0; i + 2 < N; ++i) {
            const u128 sum = static_cast<u128>(u[i]) + v_[i] + add_carry;
            u[i] = low(sum);
            add_carry = high(sum);
          }
          rest += top + add_carry;
        }
      }
      u[N - 2] = low(rest);
      u[N - 1] = high(rest);
      u[N] = 0;
      return quotient;
    }
  }

  /// The digit would be 2^64: it is 2^64 - 1, and the remainder follows from one plain multiply-subtract.
  constexpr u64 greatest_digit(Limbs<N + 1>& u) const {
    u64 carry = 0;
    u64 borrow = 0;
    for (std::size_t i = 0; i < N; ++i) {
      const u128 product = static_cast<u128>(~u64{0}) * v_[i] + carry;
      carry = high(product);
      const u128 difference = static_cast<u128>(u[i]) - low(product) - borrow;
      u[i] = low(difference);
      borrow = high(difference) & 1;
    }
    u[N] = u[N] - carry - borrow;
    return ~u64{0};
  }

  Limbs<N> v_{};  // normalised
  unsigned shift_;
  u64 reciprocal_ = 0;
};

/// numerator / divisor for a divisor of up to N limbs, not 0: the width is found out, then fixed.
template <std::size_t M, std::size_t N>
constexpr Quotient<M> divide(const Limbs<M>& numerator, const Limbs<N>& divisor) {
  if constexpr (N > 1) {
    if (divisor[N - 1] == 0) {
      Limbs<N - 1> narrower;
      for (std::size_t i = 0; i + 1 < N; ++i) narrower[i] = divisor[i];
      return divide<M, N - 1>(numerator, narrower);
    }
  }
  return Divisor<N>(divisor).quotient(numerator);
}

}  // namespace sep::wide
