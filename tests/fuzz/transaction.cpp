// RLP and signed transactions: what is accepted is canonical, so encoding it again gives the same bytes.
#include "ethereum/transaction.h"

#include "fuzz/fuzz.h"

#include "ethereum/rlp.h"

namespace sep {
namespace {

constexpr int kMaxDepth = 64;  // of the way back, not of the decoder

/// Encodes a list's members again; none where the nesting is deeper than this function goes.
std::optional<rlp::ListEncoder> again(const rlp::Item& list, int depth) {
  const auto members = list.members();
  if (!members) {
    fuzz::expect_said(members.error());
    return std::nullopt;
  }
  if (depth > kMaxDepth) return std::nullopt;
  rlp::ListEncoder encoder;
  for (const auto& member : *members) {
    if (member.is_list) {
      const auto nested = again(member, depth + 1);
      if (!nested) return std::nullopt;
      encoder.list(*nested);
    } else {
      encoder.bytes(member.payload);
      if (const auto number = member.uint()) {
        rlp::ListEncoder one, other;
        SEP_ASSERT(one.uint(*number).finish() == other.bytes(member.payload).finish());
      }
    }
  }
  return encoder;
}

}  // namespace

FUZZ_TARGET(data) {
  if (const auto item = rlp::decode(data)) {
    SEP_ASSERT(item->bytes().has_value() != item->is_list);
    if (item->is_list)
      if (const auto encoder = again(*item, 0)) SEP_ASSERT(std::ranges::equal(encoder->finish(), data));
  } else {
    fuzz::expect_said(item.error());
  }

  const auto decoded = decode_transaction(data);
  if (!decoded) {
    fuzz::expect_said(decoded.error());
    return;
  }
  SEP_ASSERT(std::ranges::equal(decoded->raw, data));
  SEP_ASSERT(decoded->hash == keccak256(data));
  // The signature is over what was read: the fields encoded again must give the sender's hash.
  const auto sender = recover(signing_hash(decoded->transaction), decoded->signature);
  SEP_ASSERT(sender && *sender == decoded->sender);
}

}  // namespace sep
