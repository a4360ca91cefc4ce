#include "base/ulid.h"

#include <algorithm>

namespace sep {
namespace {
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::int8_t kNone = -1;
constexpr auto kDigits = [] {
  std::array<std::int8_t, 256> digits{};
  digits.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return digits;
}();

/// 0 to 31, or kNone.
std::int8_t digit_of(char c) {
  return kDigits[static_cast<unsigned char>(c)];
}
}  // namespace

bool is_ulid(std::string_view text) {
  return text.size() == 26 && text[0] <= '7' &&
         std::ranges::none_of(text, [](char c) { return digit_of(c) == kNone; });
}

Result<Timestamp> ulid_time(std::string_view ulid) {
  if (!is_ulid(ulid)) return fail(errc::kInvalidId, "not a ULID: " + std::string(ulid.substr(0, 64)));
  std::int64_t ms = 0;
  for (const char c : ulid.substr(0, 10)) ms = ms << 5 | digit_of(c);
  return Timestamp{ms};
}

std::string encode_ulid(const std::array<std::uint8_t, 16>& bytes) {
  std::string text(26, '0');
  unsigned __int128 value = 0;
  for (const auto byte : bytes) value = value << 8 | byte;
  for (std::size_t i = 26; i-- > 0; value >>= 5) text[i] = kAlphabet[static_cast<std::size_t>(value & 31)];
  return text;
}

namespace {
std::string ulid_of(std::int64_t ms, const std::array<std::uint8_t, 10>& rest) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  std::ranges::copy(rest, bytes.begin() + 6);
  return encode_ulid(bytes);
}
}  // namespace

std::string lowest_ulid(Timestamp time) {
  return ulid_of(std::max<std::int64_t>(time.ms, 0), {});
}

std::string UlidGenerator::next(Timestamp time, const std::array<std::uint8_t, 10>& random) {
  if (time.ms > last_ms_) {
    last_ms_ = time.ms;
    last_ = random;
  } else {
    std::size_t i = last_.size();
    while (i-- > 0 && ++last_[i] == 0) {
    }
    if (i == static_cast<std::size_t>(-1)) ++last_ms_;  // all 80 bits were used: borrow the next millisecond
  }
  return ulid_of(last_ms_, last_);
}

}  // namespace sep
