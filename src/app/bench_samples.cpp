#include "app/bench_samples.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/result.h"

namespace sep::app {
namespace {

constexpr double kNsPerMs = 1e6;
constexpr int kTicksPerHalfDistance = 5;

}  // namespace

void Samples::sort() const {
  if (sorted_) return;
  std::ranges::sort(values_);
  sorted_ = true;
}

std::int64_t Samples::percentile(double percent) const {
  SEP_ASSERT(!values_.empty() && percent > 0 && percent <= 100);
  sort();
  // Less a hair: 99.9 % of 1,000 are 999, and not 1,000 because 0.999 has no exact form.
  const auto rank = std::ceil(static_cast<double>(values_.size()) * percent / 100 - 1e-6);
  const auto index = static_cast<std::size_t>(std::max(1.0, rank)) - 1;
  return values_[std::min(index, values_.size() - 1)];
}

double Samples::mean() const {
  if (values_.empty()) return 0;
  return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(values_.size());
}

double Samples::deviation() const {
  if (values_.empty()) return 0;
  const auto middle = mean();
  const auto squares = std::accumulate(values_.begin(), values_.end(), 0.0, [&](double sum, std::int64_t v) {
    return sum + (static_cast<double>(v) - middle) * (static_cast<double>(v) - middle);
  });
  return std::sqrt(squares / static_cast<double>(values_.size()));
}

std::string Samples::hgrm() const {
  std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  if (values_.empty()) return text;
  sort();
  const auto total = values_.size();
  const auto line = [&](double quantile) {
    const auto value = percentile(std::max(quantile * 100, 1e-9));
    const auto not_above = std::ranges::upper_bound(values_, value) - values_.begin();
    text += fmt::format("{:12.3f} {:2.12f} {:10d} {:14.2f}\n", static_cast<double>(value) / kNsPerMs,
                        quantile, not_above, 1 / (1 - quantile));
  };
  double quantile = 0;
  // Where the distance is less than one sample of all, only the largest one is left.
  while ((1 - quantile) * static_cast<double>(total) > 1 - 1e-6) {
    line(quantile);
    const auto halvings = std::floor(std::log2(1 / (1 - quantile))) + 1;
    quantile += 1 / (kTicksPerHalfDistance * std::exp2(halvings));
  }
  text += fmt::format("{:12.3f} {:2.12f} {:10d}\n", static_cast<double>(max()) / kNsPerMs, 1.0, total);
  text += fmt::format("#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", mean() / kNsPerMs,
                      deviation() / kNsPerMs);
  text += fmt::format("#[Max     = {:12.3f}, Total count    = {:12d}]\n",
                      static_cast<double>(max()) / kNsPerMs, total);
  // Of a histogram with three significant digits up to an hour; here nothing is rounded.
  text += "#[Buckets =           22, SubBuckets     =         2048]\n";
  return text;
}

}  // namespace sep::app
