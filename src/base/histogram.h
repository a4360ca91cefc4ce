#pragma once
// Quantiles of durations in bounded memory, with integers only (the idea of HdrHistogram): buckets that grow
// with the value, so that each quantile is at most 1/32 (3.2 %) above the true one.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sep {

/// Values are microseconds, or any other unit; those above 2^40 count as 2^40. 9.4 kB. Not thread-safe.
class LatencyRecorder {
 public:
  void record(std::uint64_t value) {
    if (value > kLargest) value = kLargest;
    ++counts_[bucket_of(value)];
    ++count_;
    sum_ += value;
    if (value > max_) max_ = value;
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  std::uint64_t max() const { return max_; }

  /// The value that `percent` of the recorded ones do not exceed, rounded up to its bucket's end but never
  /// above max(); 0 where nothing is recorded. 0 < percent <= 100.
  std::uint64_t percentile(unsigned percent) const {
    if (count_ == 0) return 0;
    const std::uint64_t rank = (count_ * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (seen >= rank) return largest_of(bucket) < max_ ? largest_of(bucket) : max_;
    }
    return max_;
  }

 private:
  static constexpr unsigned kBits = 5;  // each power of two is split into 2^5 buckets
  static constexpr unsigned kLargestBits = 40;
  static constexpr std::uint64_t kLargest = 1ULL << kLargestBits;

  // Values below 2^(kBits+1) have a bucket each; above, the leading kBits+1 bits name the bucket.
  static constexpr std::size_t bucket_of(std::uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    if (width <= kBits + 1) return static_cast<std::size_t>(value);
    const unsigned shift = width - (kBits + 1);
    return (static_cast<std::size_t>(shift) << kBits) + static_cast<std::size_t>(value >> shift);
  }
  static constexpr std::uint64_t largest_of(std::size_t bucket) {
    if (bucket < (2ULL << kBits)) return bucket;
    const auto shift = static_cast<unsigned>((bucket >> kBits) - 1);
    const std::uint64_t leading = (bucket & ((1ULL << kBits) - 1)) | (1ULL << kBits);
    return ((leading + 1) << shift) - 1;
  }

  std::array<std::uint64_t, ((kLargestBits - kBits + 1) << kBits) + 1> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sep
