#include "store/record_fold.h"

#include <algorithm>

#include "store/record_pages.h"

namespace sep::store {
namespace {

constexpr std::size_t kBatch = 1'000;  // events read and folded between two looks at the clock

}  // namespace

RecordFold::RecordFold() {
  restart();
}

void RecordFold::restart() {
  projection_.emplace(0, [this](const std::string& key) { return fetch(key); }, keeps);
  last_global_sequence_ = 0;
  documents_.clear();
}

bool RecordFold::keeps(std::string_view key) {
  return key.starts_with(engine::kStatsKey) || key.starts_with(engine::positions_key(""));
}

/// Intents and plans are not kept: one that the projection let go is folded from its own history, up to where
/// the fold is.
Result<std::optional<json::object>> RecordFold::fetch(const std::string& key) {
  if (keeps(key)) return document(key);
  const auto upto = projection_->last_global_sequence();
  const auto history_of = [&](std::string_view correlation_id) -> Result<std::vector<engine::Envelope>> {
    pages_->wait();
    SEP_TRY(auto events, record_->history(correlation_id));
    std::erase_if(events, [&](const engine::Envelope& event) { return event.global_sequence > upto; });
    return events;
  };
  json::object found;
  if (const auto prefix = engine::intent_key(""); key.starts_with(prefix)) {
    SEP_TRY(const auto events, history_of(engine::correlation_of(key.substr(prefix.size()))));
    found = engine::fold_intent(events);
  } else if (const auto plan_prefix = engine::plan_key(""); key.starts_with(plan_prefix)) {
    const auto plan_id = key.substr(plan_prefix.size());
    pages_->wait();
    SEP_TRY(const auto correlation_id, record_->intent_of_plan(plan_id));
    if (!correlation_id) return std::nullopt;
    SEP_TRY(const auto events, history_of(*correlation_id));
    found = engine::fold_plan(events, plan_id);
  }
  if (found.empty()) return std::nullopt;
  return found;
}

Result<bool> RecordFold::catch_up(EventStore& record, std::chrono::milliseconds bound) {
  const auto until = std::chrono::steady_clock::now() + bound;
  RecordPages pages(record, last_global_sequence_, std::nullopt, kBatch);
  record_ = &record;
  pages_ = &pages;
  do {
    SEP_TRY(const auto events, pages.next());
    if (events.empty()) return true;
    for (const auto& event : events) {
      if (const auto applied = projection_->apply(event); !applied) {
        restart();  // half of an event may be in
        return fail(applied.error());
      }
    }
    for (auto& [key, text] : projection_->take_changes().documents) documents_[key] = std::move(text);
    last_global_sequence_ = projection_->last_global_sequence();
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

std::optional<json::object> RecordFold::document(const std::string& key) const {
  const auto found = documents_.find(key);
  if (found == documents_.end()) return std::nullopt;
  return json::parse(found->second).as_object();
}

}  // namespace sep::store
