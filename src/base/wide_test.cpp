#include "base/wide.h"

#include <random>

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>

namespace sep::wide {
namespace {

using Big = boost::multiprecision::cpp_int;

template <std::size_t N>
Big big(const Limbs<N>& limbs) {
  Big out = 0;
  for (std::size_t i = N; i-- > 0;) out = out << 64 | limbs[i];
  return out;
}

/// Limbs at the edges are as frequent as random ones: that is where carries and quotient corrections are.
template <std::size_t N>
Limbs<N> operand(std::mt19937_64& random) {
  constexpr u64 kEdges[] = {0, 1, ~0ULL, ~0ULL - 1, 1ULL << 63, (1ULL << 63) - 1, (1ULL << 63) + 1};
  Limbs<N> limbs{};
  const std::size_t used = random() % (N + 1);
  for (std::size_t i = 0; i < used; ++i) limbs[i] = random() % 2 == 0 ? random() : kEdges[random() % 7];
  return limbs;
}

template <std::size_t M, std::size_t N>
void compare_with_boost() {
  std::mt19937_64 random(M * 10 + N);
  for (int i = 0; i < 5'000; ++i) {
    auto a = operand<M>(random);
    auto d = operand<N>(random);
    if (length(d) == 0) d[0] = 1;
    if (i % 3 == 0) {  // a multiple of the divisor, and its neighbours: where exactness is decided
      const auto product = multiply(d, operand<M - N + 1>(random));
      for (std::size_t j = 0; j < M; ++j) a[j] = product[j];
      a[0] += random() % 3 - 1;
    }
    const auto quotient = divide(a, d);
    ASSERT_EQ(big(quotient.value), big(a) / big(d)) << big(a) << " / " << big(d);
    ASSERT_EQ(quotient.exact, big(a) % big(d) == 0) << big(a) << " / " << big(d);
    if (d[N - 1] != 0) ASSERT_EQ(big(Divisor<N>(d).divide(a).remainder), big(a) % big(d));
    ASSERT_EQ(big(multiply(a, d)), big(a) * big(d));
  }
}

TEST(Wide, DivisionAgreesWithBoost) {
  compare_with_boost<4, 1>();
  compare_with_boost<5, 1>();
  compare_with_boost<4, 2>();
  compare_with_boost<6, 2>();
  compare_with_boost<4, 3>();
  compare_with_boost<6, 4>();
  compare_with_boost<8, 4>();
  compare_with_boost<6, 5>();
  compare_with_boost<6, 6>();
}

}  // namespace
}  // namespace sep::wide
