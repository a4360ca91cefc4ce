#include "gateway/admission.h"

#include <algorithm>
#include <numeric>

namespace sep::gateway {
namespace {

constexpr unsigned kLongestRetryS = 30;
constexpr std::int64_t kForgetEveryNs = 1'000'000'000;

}  // namespace

void Admission::turn(std::int64_t now_ns) {
  const auto present = now_ns / kSlotNs;
  for (auto next = std::max(slot_ + 1, present - static_cast<std::int64_t>(kSlots) + 1); next <= present;
       ++next)
    begun_[static_cast<std::size_t>(next) % kSlots] = 0;
  slot_ = std::max(slot_, present);
}

std::size_t Admission::begun_last_second() const {
  return std::accumulate(begun_.begin(), begun_.end(), std::size_t{0});
}

std::size_t Admission::limit(std::int64_t now_ns) {
  turn(now_ns);
  return std::max(kLeast, begun_last_second() * static_cast<std::size_t>(kTarget.count()) / 1000);
}

std::optional<unsigned> Admission::refused(std::int64_t now_ns, std::size_t waiting) {
  const auto most = limit(now_ns);
  if (owed_.size() + waiting < most) return std::nullopt;
  if (now_ns - forgotten_at_ns_ >= kForgetEveryNs) {
    forgotten_at_ns_ = now_ns;
    const auto before = now_ns - std::chrono::nanoseconds(kWaits).count();
    std::erase_if(owed_, [&](const auto& entry) { return entry.second < before; });
    if (owed_.size() + waiting < most) return std::nullopt;
  }
  const auto speed = std::max<std::size_t>(1, begun_last_second());
  return static_cast<unsigned>(std::clamp<std::size_t>((owed_.size() + waiting) / speed, 1, kLongestRetryS));
}

void Admission::taken(std::string_view intent_id, std::int64_t now_ns) {
  owed_.try_emplace(std::string(intent_id), now_ns);
}

void Admission::begun(std::string_view intent_id, std::int64_t now_ns) {
  turn(now_ns);
  if (owed_.erase(std::string(intent_id)) > 0) ++begun_[static_cast<std::size_t>(slot_) % kSlots];
}

}  // namespace sep::gateway
