#pragma once
// Small tools for coroutines of one executor (one thread): a semaphore, a mutex, and a signal that can be
// waited for with a bound.
#include <chrono>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sep::services {

namespace asio = boost::asio;
template <class T>
using Task = asio::awaitable<T>;

/// Waits `delay`; ends early without an error when the timer is cancelled.
inline Task<void> wait(asio::steady_timer& timer, std::chrono::milliseconds delay) {
  timer.expires_after(delay);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

inline Task<void> pause(asio::any_io_executor executor, std::chrono::milliseconds delay) {
  asio::steady_timer timer(executor);
  co_await wait(timer, delay);
}

/// Wakes all who wait. A wake that comes while nobody waits is kept for the next one.
class Signal {
 public:
  explicit Signal(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  void set() {
    pending_ = waiting_->empty();
    for (auto* timer : *waiting_) timer->cancel();
  }
  /// Returns at the next set(), or after `bound`.
  Task<void> wait_for(std::chrono::milliseconds bound) {
    if (std::exchange(pending_, false)) co_return;
    // One timer each: waiting on a shared one ends the wait of whoever waits already, and two would wake each
    // other without end.
    asio::steady_timer timer(executor_);
    const Waiting registered(waiting_, timer);
    co_await wait(timer, bound);
  }

 private:
  using Timers = std::vector<asio::steady_timer*>;

  class Waiting {
   public:
    Waiting(std::shared_ptr<Timers> all, asio::steady_timer& timer) : all_(std::move(all)), timer_(&timer) {
      all_->push_back(timer_);
    }
    ~Waiting() { std::erase(*all_, timer_); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    std::shared_ptr<Timers> all_;
    asio::steady_timer* timer_;
  };

  asio::any_io_executor executor_;
  // Of all who wait: an executor that ends lets go of waits, perhaps after whom they waited for.
  std::shared_ptr<Timers> waiting_ = std::make_shared<Timers>();
  bool pending_ = false;
};

/// So many places, first come, first served. Outlives whoever has one or waits for one.
class Semaphore {
 public:
  Semaphore(asio::any_io_executor executor, std::size_t places)
      : executor_(std::move(executor)), free_(places) {}

  /// A place, until it is destroyed.
  class Held {
   public:
    explicit Held(Semaphore& semaphore) : semaphore_(&semaphore) {}
    Held(Held&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (semaphore_ != nullptr) semaphore_->release();
    }

   private:
    Semaphore* semaphore_;
  };

  Task<Held> acquire() {
    if (free_ > 0) {
      --free_;
      co_return Held(*this);
    }
    auto turn = std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    waiting_.push_back(turn);
    boost::system::error_code ignored;
    co_await turn->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return Held(*this);
  }

  std::size_t waiting() const { return waiting_.size(); }

 private:
  void release() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    next->cancel();
  }

  asio::any_io_executor executor_;
  std::deque<std::shared_ptr<asio::steady_timer>> waiting_;
  std::size_t free_;
};

class Mutex : private Semaphore {
 public:
  explicit Mutex(asio::any_io_executor executor) : Semaphore(std::move(executor), 1) {}
  using Lock = Held;
  Task<Lock> lock() { return acquire(); }
};

}  // namespace sep::services
