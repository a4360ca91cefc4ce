#pragma once
// How many intents are taken on: no more than the platform begins within half a second at the speed that it
// shows, so that under any load the queues stay short, and what is over is refused at once instead of
// answered late.
//
// Invariants
//  1. What counts is work that the platform owes: intents whose append is under way, or that are on the
//  record and have
//     not been begun (executed) or ended. Transactions that wait for a block do not.
//  2. kLeast are always admitted: a platform that was idle has shown no speed.
//  3. An intent is counted once, whoever tells of it and in whichever order.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sep::gateway {

class Admission {
 public:
  static constexpr std::size_t kLeast = 256;
  static constexpr std::chrono::milliseconds kTarget{500};
  /// An intent that was not begun for so long waits for something else than the platform's speed (dear gas, a
  /// stale market): it no longer counts, or a hundred such would keep all others out.
  static constexpr std::chrono::seconds kWaits{15};

  /// Nothing where one more is taken on; otherwise the seconds after which it is worth asking again, 1 to 30.
  /// Times are of the monotonic clock, in nanoseconds, and never go back.
  /// `waiting`: that ask to be taken on and count as owed.
  std::optional<unsigned> refused(std::int64_t now_ns, std::size_t waiting = 0);
  /// It will be appended, or another gateway has appended it.
  void taken(std::string_view intent_id, std::int64_t now_ns);
  /// Its append came to nothing.
  void dropped(std::string_view intent_id) { owed_.erase(std::string(intent_id)); }
  /// Its execution has begun, or it has ended before.
  void begun(std::string_view intent_id, std::int64_t now_ns);

  std::size_t owed() const { return owed_.size(); }
  std::size_t limit(std::int64_t now_ns);

 private:
  static constexpr std::size_t kSlots = 10;  // of the last second
  static constexpr std::int64_t kSlotNs = 100'000'000;

  void turn(std::int64_t now_ns);
  std::size_t begun_last_second() const;

  std::unordered_map<std::string, std::int64_t> owed_;  // since when
  std::array<std::size_t, kSlots> begun_{};             // by time modulo a second
  std::int64_t slot_ = 0;                               // the newest one's number
  std::int64_t forgotten_at_ns_ = 0;
};

}  // namespace sep::gateway
