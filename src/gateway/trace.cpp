#include "gateway/trace.h"

#include <algorithm>

namespace sep::gateway {

void Trace::begin(std::chrono::seconds bound) {
  const std::scoped_lock lock(mutex_);
  series_.clear();
  until_ns_ = monotonic_ns() + std::chrono::nanoseconds(bound).count();
}

void Trace::keep(std::string_view name, std::int64_t ns, std::string_view key, std::uint64_t count) {
  const std::scoped_lock lock(mutex_);
  auto found = series_.find(name);
  if (found == series_.end()) found = series_.emplace(name, std::vector<Entry>{}).first;
  if (found->second.size() < kMostEntries) found->second.push_back({ns, std::string(key), count});
}

json::object Trace::sizes() const {
  const std::scoped_lock lock(mutex_);
  json::object sizes;
  for (const auto& [name, entries] : series_) sizes[name] = entries.size();
  return sizes;
}

json::array Trace::read(std::string_view name, std::size_t from, std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  json::array list;
  const auto found = series_.find(name);
  if (found == series_.end()) return list;
  const auto& entries = found->second;
  const auto end = std::min(entries.size(), from + std::min(limit, entries.size()));
  for (auto i = from; i < end; ++i) {
    const auto& entry = entries[i];
    if (entry.key.empty())
      list.emplace_back(entry.ns);
    else
      list.emplace_back(json::array{entry.ns, entry.key, entry.count});
  }
  return list;
}

}  // namespace sep::gateway
