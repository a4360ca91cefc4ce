#pragma once
// What is committed, on its way from the committing thread to one follower of the record (the publisher, the
// projector). Bounded: what does not fit is not kept, since the record has it.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "engine/envelope.h"

namespace sep::services {

class Backlog {
 public:
  struct Look {
    std::vector<engine::SharedEvent> events{};  // those right behind what was asked for, where they are kept
    std::uint64_t end = 0;                      // where the record ends
    std::uint64_t term = 0;                     // 0: this coordinator does not lead
    bool closed = false;
  };

  /// A term of leading begins, with the record ending at `end`; nothing of an earlier one is kept.
  void begin(std::uint64_t term, std::uint64_t end) {
    change([&] {
      events_.clear();
      term_ = term;
      end_ = end;
    });
  }
  void end_term() {
    change([&] { term_ = 0; });
  }
  /// The record's next events.
  void push(std::span<const engine::SharedEvent> events) {
    change([&] {
      if (events_.size() + events.size() > kMost) events_.clear();
      events_.insert(events_.end(), events.begin(), events.end());
      end_ = events.back()->global_sequence;
    });
  }
  void close() {
    change([&] { closed_ = true; });
  }

  /// At most `most` of the events behind `after`. Waits up to `bound` for the record to end behind `after`,
  /// for another term than `term`, or for close(). What is up to `after` is let go.
  Look look(std::uint64_t after, std::uint64_t term, std::size_t most, std::chrono::milliseconds bound) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, bound, [&] { return closed_ || term_ != term || (term_ != 0 && end_ > after); });
    while (!events_.empty() && events_.front()->global_sequence <= after) events_.pop_front();
    Look look{.end = end_, .term = term_, .closed = closed_};
    if (!events_.empty() && events_.front()->global_sequence == after + 1) {
      const auto count = static_cast<std::ptrdiff_t>(std::min(most, events_.size()));
      look.events.assign(events_.begin(), events_.begin() + count);
    }
    return look;
  }

 private:
  static constexpr std::size_t kMost = 20'000;  // events

  template <class Change>
  void change(Change change) {
    {
      const std::scoped_lock lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<engine::SharedEvent> events_;
  std::uint64_t end_ = 0;
  std::uint64_t term_ = 0;
  bool closed_ = false;
};

}  // namespace sep::services
