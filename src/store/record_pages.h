#pragma once
// The record read on from a place, page by page: while one is worked on the next is parsed and the one behind
// that is read.
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
      : record_(record), behind_(behind), last_(last), size_(size) {
    read();
  }

  /// The next page; empty where there is no more. Not to be called again after an error or an empty page.
  Page next() {
    if (!parsed_.valid()) go_on();
    auto page = parsed_.get();
    if (page && !page->empty()) go_on();
    return page;
  }
  /// Until what is being read is there.
  void wait() const { raw_.wait(); }

 private:
  /// Parses what was read, and reads what follows.
  void go_on() {
    auto raw = raw_.get();
    if (raw && *raw) behind_ += (*raw)->size();
    read();
    parsed_ = std::async(std::launch::async, [raw = std::move(raw)]() -> Page {
      if (!raw) return fail(raw.error());
      return *raw ? (*raw)->parse() : Page();
    });
  }

  void read() {
    const auto wanted = last_ ? std::min<std::uint64_t>(size_, *last_ - std::min(behind_, *last_)) : size_;
    raw_ = std::async(std::launch::async, [this, wanted]() -> Raw {
      if (wanted == 0) return std::nullopt;
      SEP_TRY(auto events, record_.raw_range(behind_ + 1, wanted));
      return events;
    });
  }

  using Raw = Result<std::optional<RawEvents>>;

  EventStore& record_;
  std::uint64_t behind_;  // what is being read begins here
  std::optional<std::uint64_t> last_;
  std::size_t size_;
  std::future<Raw> raw_;
  std::future<Page> parsed_;
};

}  // namespace sep::store
