#include "services/async.h"

#include <map>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace sep::services {
namespace {

using namespace std::chrono_literals;

class SignalTest : public testing::Test {
 protected:
  void wait_in_background(std::chrono::milliseconds bound) {
    asio::co_spawn(
        context_,
        [](SignalTest& test, std::chrono::milliseconds within) -> Task<void> {
          co_await test.signal_.wait_for(within);
          ++test.woken_;
        }(*this, bound),
        asio::detached);
  }
  /// Runs what can run without waiting.
  void settle() {
    context_.restart();
    context_.poll();
  }

  asio::io_context context_;
  Signal signal_{context_.get_executor()};
  int woken_ = 0;
};

TEST_F(SignalTest, AWakeThatComesWhileNobodyWaitsIsKept) {
  signal_.set();
  wait_in_background(1h);
  wait_in_background(1h);
  settle();
  EXPECT_EQ(woken_, 1);
}

TEST_F(SignalTest, WakesAllWhoWait) {
  wait_in_background(1h);
  wait_in_background(1h);
  settle();
  signal_.set();
  settle();
  EXPECT_EQ(woken_, 2);
}

TEST_F(SignalTest, OneWhoWaitsDoesNotEndTheWaitOfAnother) {
  wait_in_background(1h);
  settle();
  wait_in_background(1h);
  settle();
  EXPECT_EQ(woken_, 0);
}

TEST_F(SignalTest, ReturnsAfterItsBound) {
  wait_in_background(1ms);
  context_.run();
  EXPECT_EQ(woken_, 1);
}

class SemaphoreTest : public testing::Test {
 protected:
  void ask(std::string name) {
    asio::co_spawn(
        context_,
        [](SemaphoreTest& test, std::string who) -> Task<void> {
          auto place = co_await test.semaphore_.acquire();
          test.order_.push_back(who);
          test.held_.emplace(std::move(who), std::move(place));
        }(*this, std::move(name)),
        asio::detached);
    settle();
  }
  void give_back(const std::string& name) {
    held_.erase(name);
    settle();
  }
  void settle() {
    context_.restart();
    context_.poll();
  }

  asio::io_context context_;
  Semaphore semaphore_{context_.get_executor(), 2};
  std::map<std::string, Semaphore::Held> held_;
  std::vector<std::string> order_;
};

TEST_F(SemaphoreTest, HasSoManyPlacesFirstComeFirstServed) {
  for (const auto* name : {"a", "b", "c", "d"}) ask(name);
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(semaphore_.waiting(), 2U);
  give_back("b");
  EXPECT_EQ(order_.back(), "c");
  // A place that is passed on is not free for who comes now.
  ask("e");
  EXPECT_EQ(order_.size(), 3U);
  give_back("a");
  give_back("c");
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(semaphore_.waiting(), 0U);
}

TEST_F(SemaphoreTest, APlaceNobodyWaitsForIsFreeAgain) {
  ask("a");
  ask("b");
  give_back("a");
  ask("c");
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace sep::services
