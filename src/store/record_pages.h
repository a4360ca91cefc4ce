#pragma once
// The record read on from a place, page by page: while one page is worked on, the next one is parsed and the
// one behind that is read. A page that was worked on is given back where it was parsed, which takes a third
// as long as parsing it.
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
      : record_(record), last_(last), size_(size), at_(behind) {
    read();
    parse({});
  }

  /// The next page, good until the next call; empty where there is no more. Not to be called again after an
  /// error or an empty page.
  Result<std::span<const engine::Envelope>> next() {
    SEP_TRY(auto page, parsed_.get());
    auto spent = std::exchange(page_, std::move(page));
    if (!page_.empty()) parse(std::move(spent));
    return page_;
  }
  /// Until nothing is being read.
  void wait() const {
    parsed_.wait();
    if (read_.valid()) read_.wait();
  }

 private:
  using Page = std::vector<engine::Envelope>;

  void read() {
    const auto wanted = last_ ? std::min<std::uint64_t>(size_, *last_ - std::min(at_, *last_)) : size_;
    read_ =
        asio::post(reader_, asio::use_future([this, from = at_ + 1, wanted] {
                     return wanted == 0 ? Result<EventStore::Unparsed>() : record_.read_range(from, wanted);
                   }));
  }

  /// What is being read; behind it the next page is read.
  void parse(Page spent) {
    parsed_ =
        asio::post(parser_, asio::use_future([this, spent = std::move(spent)]() mutable -> Result<Page> {
                     SEP_TRY(auto unparsed, read_.get());
                     if (unparsed.events == 0) return Page();
                     at_ += unparsed.events;
                     read();
                     spent.clear();
                     return unparsed.parse();
                   }));
  }

  EventStore& record_;
  std::optional<std::uint64_t> last_;
  std::size_t size_;
  Page page_;
  std::future<Result<Page>> parsed_;
  // While a page is being parsed these are its thread's.
  std::uint64_t at_;  // the last event that was read
  std::future<Result<EventStore::Unparsed>> read_;
  asio::thread_pool reader_{1};
  asio::thread_pool parser_{1};  // one thread for all: each has an allocator of its own
};

}  // namespace sep::store
