#pragma once
// The follower of the record that tells of committed events (subject::kCommitted) and brings them into the
// stream EVENTS, on a thread of its own.
//
// Invariants
//  1. The stream's events are in the record's order: each publication names the stream's last sequence and is
//     refused where another message is there, so that neither a lost message nor another publisher (a
//     coordinator that was stopped and woke) puts one out of its place.
//  2. While this coordinator leads, every committed event is in the stream, sooner or later: what an earlier
//  run
//     left, what an answer was lost of, and what does not fit into memory is read from the record.
//  3. A stream that lost messages (made anew, rolled back, truncated, emptied, of another record) is made
//  anew and
//     filled with every event of every unfinished intent; with it go its consumers, which would wait for
//     sequences that are given out again. Noticed at the start, at the next publication, and within
//     kStreamCheck without one.
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "base/log.h"
#include "bus/bus.h"
#include "gateway/metrics.h"
#include "services/backlog.h"
#include "services/record_client.h"
#include "store/event_store.h"

namespace sep::services {

class EventPublisher {
 public:
  /// `leads` answers whether this coordinator leads by the record's own word, asked on the given connection.
  using Leads = std::function<Result<bool>(store::EventStore& record)>;

  EventPublisher(std::shared_ptr<bus::Bus> bus, std::string postgres, gateway::Metrics& metrics, Leads leads);
  /// Publishes what is left, as long as the stream takes it, and ends.
  ~EventPublisher();

  Backlog& backlog() { return backlog_; }
  /// Why the stream has taken nothing for kRefusedFor, though there was something; nothing while it does.
  std::optional<std::string> refuses() const;

 private:
  void run();
  bool pause_after(const Status& failed, bool closed);
  /// What is to be published behind `published_`: `kept` of the backlog, or from the record.
  Result<std::vector<engine::SharedEvent>> next_events(std::vector<engine::SharedEvent> kept);
  /// Finds out how far the stream is; makes it anew where it is not what it was.
  Status synchronise();
  Status look_for_losses(const bus::StreamInfo& info, store::EventStore& record);
  Result<std::uint64_t> published_by(const bus::StreamInfo& info, store::EventStore& record);
  Status refill(store::EventStore& record, std::string_view why);
  /// In order; what the stream has is counted in published_ even where it fails.
  Status publish(std::span<const engine::SharedEvent> events);
  void tell(const CommittedObject& committed);
  bool is_as_left();
  Result<store::EventStore*> record();
  void note(const Status& done);

  std::shared_ptr<bus::Bus> bus_;
  std::string postgres_;
  gateway::Metrics& metrics_;
  Leads leads_;
  Logger log_;
  Backlog backlog_;

  // Of the thread.
  std::optional<store::EventStore> record_;
  std::uint64_t published_ = 0;  // the last global sequence that the stream is known to have
  bool one_by_one_ = false;      // from a failure on, each is looked at until a group went through
  // An event that the stream said it held. Where it turns out not to, its id stands for something else there.
  std::uint64_t swallowed_ = 0;
  std::optional<bus::StreamInfo> stream_;  // as this left it; none before the first look of a term

  mutable std::mutex refusal_mutex_;
  std::optional<std::int64_t> refused_since_ns_;
  std::string refusal_;

  std::thread thread_;
};

}  // namespace sep::services
