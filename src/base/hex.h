#pragma once
// Hexadecimal text of byte strings, as Ethereum's JSON-RPC writes "unformatted data".
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sep {

/// "0x" and two lower-case digits a byte; "0x" for no bytes.
std::string to_hex(ByteView bytes);

/// The bytes of "0x" and an even number of digits of either case. INVALID_VALUE otherwise.
Result<Bytes> from_hex(std::string_view text);

/// The same where their number is known: fills `bytes`. INVALID_VALUE also for any other number.
Status read_hex(std::string_view text, std::span<std::uint8_t> bytes);

/// The value 0..15 of a hexadecimal digit, -1 for any other character.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace sep
