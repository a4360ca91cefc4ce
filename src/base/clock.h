#pragma once
// Time as a value. Pure code takes a Timestamp; only services and app call now().
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sep {

/// Milliseconds since 1970-01-01T00:00:00Z.
struct Timestamp {
  std::int64_t ms = 0;

  auto operator<=>(const Timestamp&) const = default;
  Timestamp plus_ms(std::int64_t delta) const { return {ms + delta}; }
  std::int64_t unix_seconds() const { return ms / 1000; }
};

/// RFC 3339 in UTC with milliseconds: "2026-08-21T19:26:00.000Z". Years 0 to 9999.
std::string to_rfc3339(Timestamp time);
Result<Timestamp> parse_rfc3339(std::string_view text);

/// The system's clock.
Timestamp now();
/// Nanoseconds of the monotonic clock, for measuring.
std::int64_t monotonic_ns();

}  // namespace sep
