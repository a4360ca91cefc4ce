#pragma once
// Durations as they were measured, and what is said of them: exact percentiles, HdrHistogram's text form.
#include <cstdint>
#include <string>
#include <vector>

namespace sep::app {

/// Nanoseconds. Every sample is kept, so that percentiles are exact.
class Samples {
 public:
  void add(std::int64_t ns) {
    values_.push_back(ns);
    sorted_ = false;
  }
  std::size_t count() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  /// The smallest sample that `percent` of them do not exceed; 0 < percent <= 100, and at least one sample.
  std::int64_t percentile(double percent) const;
  std::int64_t max() const { return percentile(100); }
  double mean() const;
  double deviation() const;

  /// HdrHistogram's percentile distribution in milliseconds (.hgrm), five lines each time the distance to 100
  /// % halves: what its plotter and every tool of that family read.
  std::string hgrm() const;

 private:
  void sort() const;

  mutable std::vector<std::int64_t> values_;
  mutable bool sorted_ = false;
};

}  // namespace sep::app
