#include "services/work_queue.h"

#include <future>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sep::services {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr milliseconds kEndless{60'000};
/// Odd ones may wait for others.
constexpr auto kIsOdd = [](int item) { return item % 2 == 1; };

TEST(WorkQueue, TakesWhatWaitsInItsOrderUpToTheMost) {
  WorkQueue<int> queue;
  for (const int item : {2, 4, 6}) EXPECT_TRUE(queue.push(item));
  EXPECT_THAT(queue.take(2, kEndless), ElementsAre(2, 4));
  EXPECT_THAT(queue.take(2, kEndless), ElementsAre(6));
  EXPECT_THAT(queue.take(2, milliseconds(1)), IsEmpty());
}

TEST(WorkQueue, RefusesMoreThanItsLimitAndAllOnceClosed) {
  WorkQueue<int> queue;
  EXPECT_TRUE(queue.push(2, 1));
  EXPECT_FALSE(queue.push(4, 1));
  queue.close();
  EXPECT_FALSE(queue.push(6));
  EXPECT_THAT(queue.take(9, kEndless), ElementsAre(2));
  EXPECT_THAT(queue.take(9, kEndless), IsEmpty());
}

TEST(WorkQueue, WhatMayWaitIsTakenWithWhatFollows) {
  WorkQueue<int> queue;
  queue.push(1);
  queue.push(3);
  std::promise<void> asked;
  bool told = false;
  const auto may_wait = [&](int item) {
    if (!std::exchange(told, true)) asked.set_value();
    return kIsOdd(item);
  };
  std::thread later([&] {
    asked.get_future().wait_for(kEndless);
    queue.push(4);  // not before whoever takes lets go of the queue to wait
  });
  EXPECT_THAT(queue.take(9, kEndless, may_wait, kEndless), ElementsAre(1, 3, 4));
  later.join();
}

TEST(WorkQueue, WaitsNoLongerThanItMayAndNotBesideWhatMayNot) {
  WorkQueue<int> queue;
  queue.push(1);
  EXPECT_THAT(queue.take(9, kEndless, kIsOdd, milliseconds(1)), ElementsAre(1));
  queue.push(1);
  queue.push(2);
  EXPECT_THAT(queue.take(9, kEndless, kIsOdd, kEndless), ElementsAre(1, 2));
  queue.push(1);
  queue.push(3);
  EXPECT_THAT(queue.take(2, kEndless, kIsOdd, kEndless), ElementsAre(1, 3));
  queue.push(1);
  std::thread later([&] { queue.close(); });
  EXPECT_THAT(queue.take(9, kEndless, kIsOdd, kEndless), ElementsAre(1));
  later.join();
}

}  // namespace
}  // namespace sep::services
