#include "base/hex.h"

namespace sep {

std::string to_hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  text.reserve(2 + 2 * bytes.size());
  for (const auto byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<Bytes> from_hex(std::string_view text) {
  if (!text.starts_with("0x")) return fail(errc::kInvalidValue, "hexadecimal data must start with 0x");
  if (text.size() % 2 != 0) return fail(errc::kInvalidValue, "hexadecimal data has an odd number of digits");
  Bytes bytes(text.size() / 2 - 1);
  SEP_CHECK(read_hex(text, bytes));
  return bytes;
}

Status read_hex(std::string_view text, std::span<std::uint8_t> bytes) {
  if (!text.starts_with("0x")) return fail(errc::kInvalidValue, "hexadecimal data must start with 0x");
  text.remove_prefix(2);
  if (text.size() != 2 * bytes.size())
    return fail(errc::kInvalidValue, "hexadecimal data has another number of digits");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return fail(errc::kInvalidValue, "not a hexadecimal digit");
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return {};
}

}  // namespace sep
