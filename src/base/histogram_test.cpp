#include "base/histogram.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sep {
namespace {

TEST(LatencyRecorder, NothingRecordedIsZero) {
  const LatencyRecorder recorder;
  EXPECT_EQ(recorder.count(), 0u);
  EXPECT_EQ(recorder.percentile(50), 0u);
  EXPECT_EQ(recorder.max(), 0u);
}

TEST(LatencyRecorder, SmallValuesAreExact) {
  LatencyRecorder recorder;
  for (std::uint64_t value = 1; value <= 10; ++value) recorder.record(value);
  EXPECT_EQ(recorder.percentile(50), 5u);
  EXPECT_EQ(recorder.percentile(95), 10u);
  EXPECT_EQ(recorder.percentile(1), 1u);
  EXPECT_EQ(recorder.sum(), 55u);
}

TEST(LatencyRecorder, WhatIsTooLargeCountsAsTheLargest) {
  LatencyRecorder recorder;
  recorder.record(~0ULL);
  EXPECT_EQ(recorder.max(), 1ULL << 40);
  EXPECT_EQ(recorder.percentile(99), 1ULL << 40);
}

// The value at the rank, found by sorting, is met from above and by at most one bucket's width.
RC_GTEST_PROP(LatencyRecorder, PercentileIsAtMostABucketAboveTheTrueOne, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint64_t>>(
      rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t v) { return v >> (24 + v % 40); })));
  const auto percent = *rc::gen::inRange(1u, 101u);
  LatencyRecorder recorder;
  for (const auto value : values) recorder.record(value);
  std::sort(values.begin(), values.end());
  const auto exact = values[(values.size() * percent + 99) / 100 - 1];
  const auto answer = recorder.percentile(percent);
  RC_ASSERT(answer >= exact);
  RC_ASSERT(answer <= exact + exact / 32);
  RC_ASSERT(recorder.max() == values.back());
}

}  // namespace
}  // namespace sep
