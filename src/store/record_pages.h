#pragma once
// The record read on from a place, page by page: each page is read while the one before it is worked on.
#include <algorithm>
#include <cstdint>
#include <future>
#include <optional>
#include <vector>

#include "store/event_store.h"

namespace sep::store {

class RecordPages {
 public:
  using Page = Result<std::vector<engine::Envelope>>;

  /// The events after `behind`, up to `last` or to the record's end, at most `size` a page. Begins to read.
  /// `record` outlives this and is used by nobody else meanwhile, but after wait().
  RecordPages(EventStore& record, std::uint64_t behind, std::optional<std::uint64_t> last, std::size_t size)
      : record_(record), last_(last), size_(size) {
    read_behind(behind);
  }

  /// The next page; empty where there is no more. Not to be called again after an error or an empty page.
  Page next() {
    auto page = coming_.get();
    if (page && !page->empty()) read_behind(page->back().global_sequence);
    return page;
  }
  /// Until the page that is being read is there.
  void wait() const { coming_.wait(); }

 private:
  void read_behind(std::uint64_t at) {
    const auto wanted = last_ ? std::min<std::uint64_t>(size_, *last_ - std::min(at, *last_)) : size_;
    coming_ = std::async(std::launch::async, [this, at, wanted]() -> Page {
      return wanted == 0 ? Page() : record_.range(at + 1, wanted);
    });
  }

  EventStore& record_;
  std::optional<std::uint64_t> last_;
  std::size_t size_;
  std::future<Page> coming_;
};

}  // namespace sep::store
