#pragma once
// The record read on from a place, page by page: each page is read while the one before it is worked on, and
// the one before that is given back there, which takes a third as long as parsing it.
#include <algorithm>
#include <cstdint>
#include <future>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include "store/event_store.h"

namespace sep::store {

namespace asio = boost::asio;

class RecordPages {
 public:
  /// The events after `behind`, up to `last` or to the record's end, at most `size` a page. Begins to read.
  /// `record` outlives this and is used by nobody else meanwhile, but after wait().
  RecordPages(EventStore& record, std::uint64_t behind, std::optional<std::uint64_t> last, std::size_t size)
      : record_(record), last_(last), size_(size) {
    read_behind(behind, {});
  }

  /// The next page, good until the next call; empty where there is no more. Not to be called again after an
  /// error or an empty page.
  Result<std::span<const engine::Envelope>> next() {
    SEP_TRY(auto page, coming_.get());
    auto spent = std::exchange(page_, std::move(page));
    if (!page_.empty()) read_behind(page_.back().global_sequence, std::move(spent));
    return page_;
  }
  /// Until the page that is being read is there.
  void wait() const { coming_.wait(); }

 private:
  using Page = std::vector<engine::Envelope>;

  void read_behind(std::uint64_t at, Page spent) {
    const auto wanted = last_ ? std::min<std::uint64_t>(size_, *last_ - std::min(at, *last_)) : size_;
    coming_ = asio::post(reader_, asio::use_future([this, at, wanted, spent = std::move(spent)]() mutable {
                           auto page = wanted == 0 ? Result<Page>() : record_.range(at + 1, wanted);
                           spent.clear();
                           return page;
                         }));
  }

  EventStore& record_;
  std::optional<std::uint64_t> last_;
  std::size_t size_;
  Page page_;
  std::future<Result<Page>> coming_;
  asio::thread_pool reader_{1};  // one thread for all: each has an allocator of its own
};

}  // namespace sep::store
