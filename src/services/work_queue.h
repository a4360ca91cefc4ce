#pragma once
// A queue between threads: many push, one takes everything that waits.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

namespace sep::services {

template <class T>
class WorkQueue {
 public:
  /// False once closed, or where `limit` items wait already: the item is not taken.
  bool push(T item, std::size_t limit = static_cast<std::size_t>(-1)) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_ || items_.size() >= limit) return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
    return true;
  }

  /// At most `most` items, waiting `bound` for the first; empty where none came, or once closed and drained.
  std::deque<T> take(std::size_t most, std::chrono::milliseconds bound) {
    return take(most, bound, [](const T&) { return false; }, {});
  }

  /// The same, and where there are only such that `may_wait`, up to `longer` for more.
  template <class MayWait>
  std::deque<T> take(std::size_t most, std::chrono::milliseconds bound, MayWait may_wait,
                     std::chrono::microseconds longer) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, bound, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return {};
    const auto enough = [&] {
      return closed_ || items_.size() >= most || !std::ranges::all_of(items_, may_wait);
    };
    ready_.wait_for(lock, longer, enough);
    if (items_.size() <= most) return std::exchange(items_, {});
    std::deque<T> taken;
    for (std::size_t i = 0; i < most; ++i) {
      taken.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    return taken;
  }

  /// Takes those that wait at the front as long as `matches`, without waiting.
  template <class Matches>
  std::deque<T> take_while(Matches matches) {
    const std::scoped_lock lock(mutex_);
    std::deque<T> taken;
    while (!items_.empty() && matches(items_.front())) {
      taken.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    return taken;
  }

  /// What is in it can still be taken; nothing more is accepted.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  bool closed() const {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return items_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace sep::services
