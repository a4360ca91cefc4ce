#pragma once
// Reads and writes of the documents that the folds keep (engine/projection.h, engine/window_stats.h). None of
// them fails: what is not there, or not of its kind, reads as nothing; a sum that leaves the range stays at
// its end.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/decimal.h"
#include "base/json.h"
#include "base/uint256.h"

namespace sep::engine::document {

inline constexpr unsigned kUsdDecimals = 6;
// Of a token: above it, one whole token has no place in 256 bits.
inline constexpr std::uint64_t kMaxDecimals = 77;

inline std::uint64_t uint_or(const json::object& object, std::string_view key, std::uint64_t fallback = 0) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return fallback;
  if (const auto* number = value->if_uint64()) return *number;
  const auto* number = value->if_int64();
  return number != nullptr && *number >= 0 ? static_cast<std::uint64_t>(*number) : fallback;
}

/// The member as an object or array; created where it is not.
inline json::object& object_in(json::object& parent, std::string_view key) {
  auto& member = parent[key];
  return member.is_object() ? member.get_object() : member.emplace_object();
}
inline json::array& array_in(json::object& parent, std::string_view key) {
  auto& member = parent[key];
  return member.is_array() ? member.get_array() : member.emplace_array();
}

/// In 10^-6 USD.
inline Uint256 usd(const json::object& object, std::string_view key) {
  return parse_decimal(find_string(object, key), kUsdDecimals).value_or(0);
}

inline std::optional<unsigned> decimals_of(const json::object& asset) {
  const auto decimals = get_uint(asset, "decimals");
  if (!decimals || *decimals > kMaxDecimals) return std::nullopt;
  return static_cast<unsigned>(*decimals);
}

/// Saturates at 2^256 - 1.
inline Uint256 add(const Uint256& a, const Uint256& b) {
  return checked_add(a, b).value_or(Uint256::max());
}

struct Signed {
  Uint256 magnitude;
  bool negative = false;
};

inline Signed difference(const Uint256& a, const Uint256& b) {
  return a >= b ? Signed{a - b, false} : Signed{b - a, true};
}
inline Signed add(const Signed& a, const Signed& b) {
  if (a.negative == b.negative) return {add(a.magnitude, b.magnitude), a.negative};
  auto sum = difference(a.magnitude, b.magnitude);
  if (a.negative) sum.negative = !sum.negative;
  return sum;
}

inline std::string format_signed(const Signed& value, unsigned decimals) {
  const bool minus = value.negative && !value.magnitude.is_zero();
  return (minus ? "-" : "") + format_amount(value.magnitude, decimals);
}
inline Signed parse_signed(std::string_view text, unsigned decimals) {
  const bool negative = text.starts_with('-');
  return {parse_decimal(text.substr(negative ? 1 : 0), decimals).value_or(0), negative};
}

}  // namespace sep::engine::document
