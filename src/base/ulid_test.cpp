#include "base/ulid.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sep {
namespace {

TEST(Ulid, the_specifications_example_decodes_to_its_time) {
  // github.com/ulid/spec, "Encoding Crockford's Base32": 01ARZ3NDEKTSV4RRFFQ69G5FAV
  const auto time = ulid_time("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->ms, 1469922850259);
}

TEST(Ulid, the_lowest_of_a_millisecond_parts_what_came_before_from_what_came_later) {
  std::array<std::uint8_t, 10> lowest{}, highest{};
  highest.fill(0xff);
  const auto bound = lowest_ulid({1469922850259});
  EXPECT_TRUE(is_ulid(bound));
  EXPECT_GT(bound, UlidGenerator().next({1469922850258}, highest));
  EXPECT_EQ(bound, UlidGenerator().next({1469922850259}, lowest));
  EXPECT_EQ(lowest_ulid({-1}), std::string(26, '0'));
}

TEST(Ulid, refuses_what_is_none) {
  for (const auto* text :
       {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAVX"})
    EXPECT_FALSE(is_ulid(text)) << text;
}

TEST(Ulid, grows_within_a_millisecond_and_when_the_clock_steps_back) {
  UlidGenerator generator;
  std::array<std::uint8_t, 10> random{};
  random.fill(0xfe);
  auto last = generator.next({1000}, random);
  for (const std::int64_t ms : {1000, 1000, 999, 1, 1000, 1001, 1001, 5}) {
    const auto next = generator.next({ms}, random);
    EXPECT_TRUE(is_ulid(next));
    EXPECT_GT(next, last);
    last = next;
  }
}

TEST(Ulid, used_up_randomness_borrows_the_next_millisecond) {
  UlidGenerator generator;
  std::array<std::uint8_t, 10> random{};
  random.fill(0xff);
  const auto first = generator.next({1000}, random);
  const auto second = generator.next({1000}, random);
  EXPECT_GT(second, first);
  EXPECT_EQ(ulid_time(second)->ms, 1001);
}

TEST(Ulid, is_unique_and_monotonic_across_threads) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& list : made)
    threads.emplace_back([&list] {
      for (int i = 0; i < 2000; ++i) list.push_back(new_ulid());
    });
  for (auto& thread : threads) thread.join();
  std::vector<std::string> all;
  for (const auto& list : made) {
    EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
    all.insert(all.end(), list.begin(), list.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

}  // namespace
}  // namespace sep
