#pragma once
// Commits sample events as the state coordinator would, without its checks.
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/projection.h"
#include "engine/sample_lives.h"
#include "store/event_store.h"

namespace sep::support {

class RecordWriter {
 public:
  explicit RecordWriter(store::EventStore& store) : store_(store) {}

  /// The batch that appends these events, numbered on from the last batch().
  store::CommitBatch batch(std::span<const engine::Envelope> events) {
    store::CommitBatch out;
    std::map<std::string, store::HeadChange> changes;
    for (const auto& event : events) {
      auto& view = views_[event.correlation_id];
      changes.try_emplace(event.correlation_id, store::HeadChange{{}, event.sequence - 1});
      out.events.push_back(event);
      out.events.back().global_sequence = ++last_global_sequence_;
      view = engine::apply_to_intent(std::move(view), out.events.back());
    }
    for (auto& [correlation_id, change] : changes) {
      change.row = row(correlation_id);
      out.heads.push_back(change);
    }
    return out;
  }

  /// Commits, and gives the events as committed.
  std::vector<engine::Envelope> commit(std::span<const engine::Envelope> events) {
    const auto appended = batch(events);
    const auto status = store_.commit(appended);
    EXPECT_TRUE(status.has_value()) << to_string(status.error().kind) << ": " << status.error().detail;
    return appended.events;
  }

  store::IntentRow row(const std::string& correlation_id) const {
    const auto& view = views_.at(correlation_id);
    const auto received = parse_rfc3339(string_or(view, "received_at")).value();
    return {.correlation_id = correlation_id,
            .strategy_id = string_or(view, "strategy_id"),
            .head = {.sequence = get_uint(view, "sequence").value(),
                     .last_event_id = string_or(view, "last_event_id"),
                     .state = engine::parse_state(string_or(view, "state")).value()},
            .received_at = received,
            .deadline = received.plus_ms(300'000)};
  }

 private:
  store::EventStore& store_;
  std::uint64_t last_global_sequence_ = 0;
  std::map<std::string, json::object> views_;
};

}  // namespace sep::support
