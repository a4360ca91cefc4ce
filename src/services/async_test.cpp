#include "services/async.h"

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

}  // namespace
}  // namespace sep::services
