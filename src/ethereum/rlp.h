#pragma once
// RLP, the serialisation of transactions (Ethereum Yellow Paper, appendix B). Decoding is strict: only the
// one canonical encoding of a value is accepted.
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uint256.h"

namespace sep::rlp {

/// Builds the payload of one list.
class ListEncoder {
 public:
  ListEncoder& bytes(ByteView value);
  /// Big endian without leading zeros; zero is the empty string.
  ListEncoder& uint(const Uint256& value);
  /// A nested list.
  ListEncoder& list(const ListEncoder& members);

  Bytes finish() const;

 private:
  Bytes payload_;
};

/// One item; views into the decoded bytes.
struct Item {
  bool is_list = false;
  ByteView payload;

  /// The members of a list. INVALID_VALUE for a string or malformed members.
  Result<std::vector<Item>> members() const;
  /// An integer of at most `bits` bits without leading zeros. INVALID_VALUE otherwise.
  Result<Uint256> uint(unsigned bits = 256) const;
  Result<ByteView> bytes() const;
};

/// The item that is the whole of `data`. INVALID_VALUE where bytes are missing, left over or not canonical.
Result<Item> decode(ByteView data);

}  // namespace sep::rlp
