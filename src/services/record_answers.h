#pragma once
// Answers `record.query.*` from the record, on two threads with a connection each: what workers wait for
// (heads, histories, what is unfinished) never waits behind what people look at (lists, documents, long
// ranges).
//
// Invariant: no answer is larger than a message may be, and none costs more than a page: the rest is asked
// for with what the answer says ("more", "next_before", "next_after").
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/json.h"
#include "bus/bus.h"
#include "services/work_queue.h"
#include "store/event_store.h"
#include "store/record_fold.h"

namespace sep::services {

/// {"correlation_id", "sequence", "last_event_id", "state"}
json::object head_json(const std::string& correlation_id, const engine::IntentHead& head);
/// The coordinator's answer where it has none: {"status": "error", "reason", "detail"}
json::object error_reply(std::string_view code, std::string_view detail);

class RecordAnswers {
 public:
  /// `projected`: the last event that is in Redis.
  RecordAnswers(std::shared_ptr<bus::Bus> bus, std::string postgres, store::RecordEngine engine,
                const std::atomic<std::uint64_t>& projected);
  /// Answers what waits, and ends.
  ~RecordAnswers();

  /// On a thread of the bus. NOT_READY is answered where too many wait.
  void ask(const bus::Message& question);

 private:
  /// One thread, its connection and what waits for it.
  struct Desk {
    WorkQueue<bus::Message> questions;
    std::optional<store::EventStore> record;
    std::thread thread;
  };

  void run(Desk& desk);
  void continue_fold(Desk& desk);
  void answer(const bus::Message& question, const Result<json::object>& reply);
  Result<json::object> reply_to(store::EventStore& record, const bus::Message& question);
  Result<json::object> head(store::EventStore& record, const json::object& question) const;
  template <class Read>
  Result<json::object> documents(const json::object& question, Read read);
  Status fold(store::EventStore& record);

  std::shared_ptr<bus::Bus> bus_;
  std::string postgres_;
  store::RecordEngine engine_;
  const std::atomic<std::uint64_t>& projected_;
  // Of the slow desk's thread.
  std::unique_ptr<store::RecordFold> fold_;  // while somebody asks for what it keeps
  bool fold_is_current_ = false;
  std::int64_t fold_wanted_at_ns_ = 0;

  Desk quick_, slow_;
};

}  // namespace sep::services
