#include "app/bench_samples.h"

#include <gtest/gtest.h>

namespace sep::app {
namespace {

Samples up_to(std::int64_t last) {
  Samples samples;
  for (auto value = last; value >= 1; --value) samples.add(value * 1'000'000);
  return samples;
}

TEST(BenchSamples, PercentileIsTheSmallestSampleThatSoManyDoNotExceed) {
  const auto samples = up_to(1000);
  EXPECT_EQ(samples.percentile(50), 500'000'000);
  EXPECT_EQ(samples.percentile(99), 990'000'000);
  EXPECT_EQ(samples.percentile(99.9), 999'000'000);
  EXPECT_EQ(samples.percentile(99.91), 1000'000'000);
  EXPECT_EQ(samples.max(), 1000'000'000);
  EXPECT_EQ(up_to(1).percentile(1), 1'000'000);
}

TEST(BenchSamples, MeanAndDeviation) {
  Samples samples;
  for (const auto value : {2, 4, 4, 4, 5, 5, 7, 9}) samples.add(value);
  EXPECT_DOUBLE_EQ(samples.mean(), 5);
  EXPECT_DOUBLE_EQ(samples.deviation(), 2);
}

// The form of HdrHistogram_c's and HdrHistogram.js's percentile output, five ticks a half distance.
TEST(BenchSamples, WritesHdrHistogramsForm) {
  const auto text = up_to(4).hgrm();
  EXPECT_EQ(text,
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 0.100000000000          1           1.11\n"
            "       1.000 0.200000000000          1           1.25\n"
            "       2.000 0.300000000000          2           1.43\n"
            "       2.000 0.400000000000          2           1.67\n"
            "       2.000 0.500000000000          2           2.00\n"
            "       3.000 0.550000000000          3           2.22\n"
            "       3.000 0.600000000000          3           2.50\n"
            "       3.000 0.650000000000          3           2.86\n"
            "       3.000 0.700000000000          3           3.33\n"
            "       3.000 0.750000000000          3           4.00\n"
            "       4.000 1.000000000000          4\n"
            "#[Mean    =        2.500, StdDeviation   =        1.118]\n"
            "#[Max     =        4.000, Total count    =            4]\n"
            "#[Buckets =           22, SubBuckets     =         2048]\n");
}

}  // namespace
}  // namespace sep::app
