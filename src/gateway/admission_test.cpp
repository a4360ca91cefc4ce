#include "gateway/admission.h"

#include <gtest/gtest.h>

namespace sep::gateway {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStart = 1'000'000 * kMs;

void take(Admission& admission, std::size_t count, std::int64_t at, std::string_view prefix = "i") {
  for (std::size_t i = 0; i < count; ++i) admission.taken(std::string(prefix) + std::to_string(i), at);
}

TEST(Admission, WhatIsOwedAtTheStartIsBounded) {
  Admission admission;
  take(admission, Admission::kLeast - 1, kStart);
  EXPECT_EQ(admission.refused(kStart), std::nullopt);
  admission.taken("one more", kStart);
  EXPECT_EQ(admission.refused(kStart), Admission::kLeast > 30 ? 30U : Admission::kLeast);
  admission.begun("one more", kStart);
  EXPECT_EQ(admission.refused(kStart), std::nullopt);
}

TEST(Admission, WhoWaitsToBeTakenOnCountsAsOwed) {
  Admission admission;
  take(admission, 100, kStart);
  EXPECT_EQ(admission.refused(kStart, Admission::kLeast - 101), std::nullopt);
  EXPECT_NE(admission.refused(kStart, Admission::kLeast - 100), std::nullopt);
  // The wait that is told is for all of them.
  for (int i = 0; i < 50; ++i) admission.begun("i" + std::to_string(i), kStart);
  EXPECT_EQ(admission.refused(kStart, 250), 6U);
}

TEST(Admission, TheLimitFollowsTheSpeedOfTheLastSecond) {
  Admission admission;
  for (int ms = 0; ms < 1000; ++ms) {
    take(admission, 2, kStart + ms * kMs);
    admission.begun("i0", kStart + ms * kMs);
    admission.begun("i1", kStart + ms * kMs);
  }
  EXPECT_EQ(admission.limit(kStart + 999 * kMs), 1000U);  // 2,000 a second, half a second of them
  EXPECT_EQ(admission.limit(kStart + 1499 * kMs), 500U);
  EXPECT_EQ(admission.limit(kStart + 5000 * kMs), Admission::kLeast);
}

TEST(Admission, SaysHowLongTheQueueTakes) {
  Admission admission;
  take(admission, 100, kStart, "done");
  for (int i = 0; i < 100; ++i) admission.begun("done" + std::to_string(i), kStart);
  take(admission, 400, kStart);
  EXPECT_EQ(admission.refused(kStart), 4U);
}

TEST(Admission, CountsAnIntentOnce) {
  Admission admission;
  admission.taken("a", kStart);
  admission.taken("a", kStart);
  EXPECT_EQ(admission.owed(), 1U);
  admission.begun("a", kStart);
  admission.begun("a", kStart);
  admission.begun("never heard of", kStart);
  EXPECT_EQ(admission.owed(), 0U);
  take(admission, 3, kStart);
  admission.dropped("i1");
  EXPECT_EQ(admission.owed(), 2U);
}

TEST(Admission, WhatWaitsForSomethingElseIsNotHeldAgainstOthers) {
  Admission admission;
  take(admission, Admission::kLeast, kStart);
  const auto waited = kStart + std::chrono::nanoseconds(Admission::kWaits).count();
  EXPECT_NE(admission.refused(waited - 2000 * kMs), std::nullopt);
  EXPECT_EQ(admission.refused(waited + kMs), std::nullopt);
}

}  // namespace
}  // namespace sep::gateway
