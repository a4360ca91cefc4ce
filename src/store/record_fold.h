#pragma once
// The documents that add up over the whole record (totals, their buckets in time, positions), folded from it
// in memory: what they are answered from while Redis is out. The fold is the read models' own, so the
// documents are the same. Cost: one reading of the record, in slices; then only what is new. One thread owns
// it.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "engine/projection.h"
#include "store/event_store.h"

namespace sep::store {

class RecordPages;

class RecordFold {
 public:
  RecordFold();
  RecordFold(const RecordFold&) = delete;
  RecordFold& operator=(const RecordFold&) = delete;

  /// True for the keys that this keeps: stats, stats:…, positions:….
  static bool keeps(std::string_view key);

  /// Reads on towards the record's end for about `bound`. True where it is there. STORE_UNAVAILABLE.
  Result<bool> catch_up(EventStore& record, std::chrono::milliseconds bound);
  std::uint64_t last_global_sequence() const { return last_global_sequence_; }
  /// As of last_global_sequence(); nothing where there is none.
  std::optional<json::object> document(const std::string& key) const;

 private:
  Result<std::optional<json::object>> fetch(const std::string& key);
  void restart();

  EventStore* record_ = nullptr;  // during catch_up(), as what reads on in it
  const RecordPages* pages_ = nullptr;
  std::optional<engine::Projection> projection_;
  std::uint64_t last_global_sequence_ = 0;
  std::map<std::string, std::string> documents_;  // key → canonical JSON
};

}  // namespace sep::store
