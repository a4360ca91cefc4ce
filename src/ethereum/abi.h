#pragma once
// Solidity's ABI: building calldata and reading returned bytes (docs.soliditylang.org, "Contract ABI
// Specification").
//
// Entry points: Encoder, Decoder, selector(), event_topic().
// Invariants
//  1. A Decoder never reads outside its bytes: short, misaligned or self-referring data is an error
//  (INVALID_VALUE).
//  2. A value that does not fit its declared type (dirty high bits) is an error, as Solidity's own decoder
//  has it.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uint256.h"
#include "ethereum/address.h"
#include "ethereum/hash.h"

namespace sep::abi {

using Selector = std::array<std::uint8_t, 4>;

/// First four bytes of the signature's hash: selector("transfer(address,uint256)").
Selector selector(std::string_view signature);
/// topics[0] of an event: event_topic("Transfer(address,address,uint256)").
inline Hash32 event_topic(std::string_view signature) {
  return keccak256(signature);
}

/// The 32-byte word of a signed value (two's complement).
Uint256 word_of(i128 value);

/// Builds one tuple of arguments, in order. A static tuple's members are added one by one, as if inlined.
class Encoder {
 public:
  Encoder& uint(const Uint256& value);
  Encoder& integer(i128 value) { return uint(word_of(value)); }
  Encoder& address(const Address& value) { return uint(from_big_endian(value.bytes)); }
  Encoder& boolean(bool value) { return uint(value ? 1U : 0U); }
  Encoder& hash(const Hash32& value) { return uint(value.to_uint256()); }
  Encoder& bytes(ByteView value);
  Encoder& string(std::string_view value);
  Encoder& bytes_array(std::span<const Bytes> values);
  /// A dynamic tuple: its head goes to the tail of this one.
  Encoder& tuple(const Encoder& members);

  Bytes finish() const;
  /// selector || arguments.
  Bytes call(const Selector& function) const;

 private:
  struct Part {
    Uint256 word;
    Bytes tail;
    bool dynamic = false;
  };
  Encoder& dynamic(Bytes tail);
  std::vector<Part> parts_;
};

/// Reads one tuple (or an array's elements). `index` counts 32-byte words of its head, static tuples inlined.
/// Does not own the bytes.
class Decoder {
 public:
  explicit Decoder(ByteView data) : data_(data) {}
  /// The arguments of a call to `function`; INVALID_VALUE where the calldata starts otherwise.
  static Result<Decoder> of_call(ByteView calldata, const Selector& function);

  Result<Uint256> uint(std::size_t index, unsigned bits = 256) const;
  /// A signed integer of at most 128 bits.
  Result<i128> integer(std::size_t index, unsigned bits) const;
  Result<Address> address(std::size_t index) const;
  Result<bool> boolean(std::size_t index) const;
  Result<Hash32> hash(std::size_t index) const;
  Result<ByteView> bytes(std::size_t index) const;
  Result<std::string> string(std::size_t index) const;
  Result<std::vector<Bytes>> bytes_array(std::size_t index) const;
  /// A dynamic tuple.
  Result<Decoder> tuple(std::size_t index) const;

  struct Array;
  /// A dynamic array of static elements of `words` words each, or of dynamic ones (words = 1: their offsets).
  Result<Array> array(std::size_t index, std::size_t words) const;

 private:
  Result<ByteView> at_offset(std::size_t index) const;
  ByteView data_;
};

struct Decoder::Array {
  std::size_t size = 0;
  Decoder elements;
};

}  // namespace sep::abi
