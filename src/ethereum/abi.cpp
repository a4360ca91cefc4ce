#include "ethereum/abi.h"

#include <algorithm>

namespace sep::abi {
namespace {

constexpr std::size_t kWord = 32;  // bytes

void append_word(Bytes& out, const Uint256& value) {
  append(out, to_big_endian(value));
}

Bytes length_prefixed(ByteView value) {
  Bytes out;
  append_word(out, value.size());
  append(out, value);
  out.resize((out.size() + kWord - 1) / kWord * kWord);
  return out;
}

std::unexpected<Error> malformed(const char* detail) {
  return fail(errc::kInvalidValue, detail);
}

}  // namespace

Selector selector(std::string_view signature) {
  const Hash32 hash = keccak256(signature);
  return {hash.bytes[0], hash.bytes[1], hash.bytes[2], hash.bytes[3]};
}

Uint256 word_of(i128 value) {
  if (value >= 0) return static_cast<u128>(value);
  return wrapping_sub(0, -static_cast<u128>(value));
}

Encoder& Encoder::uint(const Uint256& value) {
  parts_.push_back({value, {}, false});
  return *this;
}

Encoder& Encoder::dynamic(Bytes tail) {
  parts_.push_back({0, std::move(tail), true});
  return *this;
}

Encoder& Encoder::bytes(ByteView value) {
  return dynamic(length_prefixed(value));
}

Encoder& Encoder::string(std::string_view value) {
  return bytes(ByteView(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
}

Encoder& Encoder::bytes_array(std::span<const Bytes> values) {
  Encoder elements;
  for (const auto& value : values) elements.bytes(value);
  Bytes tail;
  append_word(tail, values.size());
  append(tail, elements.finish());
  return dynamic(std::move(tail));
}

Encoder& Encoder::tuple(const Encoder& members) {
  return dynamic(members.finish());
}

Bytes Encoder::finish() const {
  Bytes out;
  std::size_t offset = kWord * parts_.size();
  for (const auto& part : parts_) {
    append_word(out, part.dynamic ? Uint256(offset) : part.word);
    offset += part.tail.size();
  }
  for (const auto& part : parts_) append(out, part.tail);
  return out;
}

Bytes Encoder::call(const Selector& function) const {
  Bytes out(function.begin(), function.end());
  append(out, finish());
  return out;
}

Result<Decoder> Decoder::of_call(ByteView calldata, const Selector& function) {
  if (calldata.size() < 4 || !std::ranges::equal(calldata.first(4), function))
    return malformed("calldata of another function");
  return Decoder(calldata.subspan(4));
}

Result<Uint256> Decoder::uint(std::size_t index, unsigned bits) const {
  if (index >= data_.size() / kWord) return malformed("ABI data is too short");
  const Uint256 value = from_big_endian(data_.subspan(index * kWord, kWord));
  if (value.bit_length() > bits) return malformed("an ABI value does not fit its type");
  return value;
}

Result<i128> Decoder::integer(std::size_t index, unsigned bits) const {
  SEP_ASSERT(bits >= 1 && bits <= 128);
  SEP_TRY(const auto word, uint(index));
  const bool negative = word.bit(255);
  const Uint256 magnitude_less_one = negative ? word ^ Uint256::max() : word;
  if (magnitude_less_one.bit_length() > bits - 1) return malformed("an ABI value does not fit its type");
  return static_cast<i128>(word.low_u128());
}

Result<Address> Decoder::address(std::size_t index) const {
  SEP_TRY(const auto word, uint(index, 160));
  Address address;
  const auto bytes = to_big_endian(word);
  std::copy(bytes.begin() + 12, bytes.end(), address.bytes.begin());
  return address;
}

Result<bool> Decoder::boolean(std::size_t index) const {
  SEP_TRY(const auto word, uint(index, 1));
  return !word.is_zero();
}

Result<Hash32> Decoder::hash(std::size_t index) const {
  SEP_TRY(const auto word, uint(index));
  return Hash32{to_big_endian(word)};
}

Result<ByteView> Decoder::at_offset(std::size_t index) const {
  SEP_TRY(const auto offset, uint(index));
  if (offset > data_.size()) return malformed("an ABI offset points outside the data");
  return data_.subspan(offset.to_u64());
}

Result<ByteView> Decoder::bytes(std::size_t index) const {
  SEP_TRY(const auto tail, at_offset(index));
  SEP_TRY(const auto length, Decoder(tail).uint(0));
  if (length > tail.size() - kWord) return malformed("ABI bytes reach outside the data");
  return tail.subspan(kWord, length.to_u64());
}

Result<std::string> Decoder::string(std::size_t index) const {
  SEP_TRY(const auto view, bytes(index));
  return std::string(view.begin(), view.end());
}

Result<Decoder::Array> Decoder::array(std::size_t index, std::size_t words) const {
  SEP_TRY(const auto tail, at_offset(index));
  SEP_TRY(const auto length, Decoder(tail).uint(0));
  const auto elements = tail.subspan(kWord);
  if (length > elements.size() / kWord / words) return malformed("an ABI array reaches outside the data");
  return Array{length.to_u64(), Decoder(elements)};
}

Result<std::vector<Bytes>> Decoder::bytes_array(std::size_t index) const {
  SEP_TRY(const auto list, array(index, 1));
  // Elements may overlap in hostile data: never more bytes in sum than came in.
  std::size_t budget = data_.size();
  std::vector<Bytes> values;
  for (std::size_t i = 0; i < list.size; ++i) {
    SEP_TRY(const auto element, list.elements.bytes(i));
    if (element.size() > budget) return malformed("ABI array elements overlap");
    budget -= element.size();
    values.emplace_back(element.begin(), element.end());
  }
  return values;
}

Result<Decoder> Decoder::tuple(std::size_t index) const {
  SEP_TRY(const auto tail, at_offset(index));
  return Decoder(tail);
}

}  // namespace sep::abi
