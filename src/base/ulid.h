#pragma once
// ULIDs (github.com/ulid/spec): 48 bits of milliseconds, 80 bits of randomness, 26 characters of Crockford
// base32. Text order is time order.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sep {

/// True for 26 characters of Crockford base32, upper case, first character at most '7' (128 bits).
bool is_ulid(std::string_view text);

/// Makes ULIDs that only grow, also within one millisecond and when the clock steps back. Not thread-safe.
class UlidGenerator {
 public:
  /// `random` is the 80 random bits to start a new millisecond with; a counter takes over within it.
  std::string next(Timestamp time, const std::array<std::uint8_t, 10>& random);

 private:
  std::int64_t last_ms_ = -1;
  std::array<std::uint8_t, 10> last_{};
};

/// A fresh ULID of this process, from its clock and the system's random source. Thread-safe and monotonic.
std::string new_ulid();

/// The millisecond that a ULID was made in. INVALID_ID.
Result<Timestamp> ulid_time(std::string_view ulid);

/// The lowest ULID of a millisecond (before 1970: of its first): none that is made then or later is below it.
std::string lowest_ulid(Timestamp time);

/// The 26-character text of 128 bits, most significant byte first.
std::string encode_ulid(const std::array<std::uint8_t, 16>& bytes);

}  // namespace sep
