#include "ethereum/rlp.h"

namespace sep::rlp {
namespace {

constexpr std::uint8_t kString = 0x80;
constexpr std::uint8_t kList = 0xc0;
constexpr std::size_t kShort = 55;  // longest payload whose length is held in the first byte

Bytes minimal_big_endian(const Uint256& value) {
  const auto word = to_big_endian(value);
  const std::size_t length = (value.bit_length() + 7) / 8;
  return {word.end() - static_cast<std::ptrdiff_t>(length), word.end()};
}

void append_header(Bytes& out, std::uint8_t base, std::size_t length) {
  if (length <= kShort) {
    out.push_back(static_cast<std::uint8_t>(base + length));
    return;
  }
  const Bytes size = minimal_big_endian(length);
  out.push_back(static_cast<std::uint8_t>(base + kShort + size.size()));
  append(out, size);
}

std::unexpected<Error> malformed(const char* detail) {
  return fail(errc::kInvalidValue, detail);
}

/// Takes the first item off `data`.
Result<Item> take(ByteView& data) {
  if (data.empty()) return malformed("RLP data ends early");
  const std::uint8_t first = data[0];
  if (first < kString) {
    const Item item{false, data.first(1)};
    data = data.subspan(1);
    return item;
  }
  const bool is_list = first >= kList;
  std::size_t length = first - (is_list ? kList : kString);
  std::size_t header = 1;
  if (length > kShort) {
    const std::size_t size_bytes = length - kShort;
    if (data.size() < 1 + size_bytes) return malformed("RLP data ends early");
    const Uint256 size = from_big_endian(data.subspan(1, size_bytes));
    if (data[1] == 0 || size <= kShort) return malformed("an RLP length is not canonical");
    if (size > data.size()) return malformed("RLP data ends early");
    length = size.to_u64();
    header += size_bytes;
  }
  if (data.size() - header < length) return malformed("RLP data ends early");
  const Item item{is_list, data.subspan(header, length)};
  if (!is_list && length == 1 && item.payload[0] < kString) return malformed("an RLP byte is not canonical");
  data = data.subspan(header + length);
  return item;
}

}  // namespace

ListEncoder& ListEncoder::bytes(ByteView value) {
  if (value.size() != 1 || value[0] >= kString) append_header(payload_, kString, value.size());
  append(payload_, value);
  return *this;
}

ListEncoder& ListEncoder::uint(const Uint256& value) {
  return bytes(minimal_big_endian(value));
}

ListEncoder& ListEncoder::list(const ListEncoder& members) {
  append(payload_, members.finish());
  return *this;
}

Bytes ListEncoder::finish() const {
  Bytes out;
  append_header(out, kList, payload_.size());
  append(out, payload_);
  return out;
}

Result<std::vector<Item>> Item::members() const {
  if (!is_list) return malformed("an RLP list is expected");
  std::vector<Item> items;
  for (ByteView rest = payload; !rest.empty();) {
    SEP_TRY(const auto item, take(rest));
    items.push_back(item);
  }
  return items;
}

Result<Uint256> Item::uint(unsigned bits) const {
  if (is_list) return malformed("an RLP integer is expected");
  if (payload.size() > 32) return malformed("an RLP integer is too large");
  if (!payload.empty() && payload[0] == 0) return malformed("an RLP integer has a leading zero");
  const Uint256 value = from_big_endian(payload);
  if (value.bit_length() > bits) return malformed("an RLP integer is too large");
  return value;
}

Result<ByteView> Item::bytes() const {
  if (is_list) return malformed("an RLP string is expected");
  return payload;
}

Result<Item> decode(ByteView data) {
  SEP_TRY(const auto item, take(data));
  if (!data.empty()) return malformed("bytes are left over after the RLP item");
  return item;
}

}  // namespace sep::rlp
