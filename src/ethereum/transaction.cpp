#include "ethereum/transaction.h"

#include <algorithm>

#include "ethereum/rlp.h"

namespace sep {
namespace {

constexpr std::uint8_t kType = 0x02;

rlp::ListEncoder encode_access_list(const std::vector<AccessListEntry>& entries) {
  rlp::ListEncoder list;
  for (const auto& entry : entries) {
    rlp::ListEncoder keys;
    for (const auto& key : entry.storage_keys) keys.bytes(key.bytes);
    list.list(rlp::ListEncoder().bytes(entry.address.bytes).list(keys));
  }
  return list;
}

rlp::ListEncoder encode_fields(const Transaction& tx) {
  rlp::ListEncoder fields;
  fields.uint(tx.chain_id).uint(tx.nonce).uint(tx.max_priority_fee_per_gas).uint(tx.max_fee_per_gas);
  fields.uint(tx.gas_limit).bytes(tx.to ? ByteView(tx.to->bytes) : ByteView{});
  fields.uint(tx.value).bytes(tx.data).list(encode_access_list(tx.access_list));
  return fields;
}

Bytes typed(const rlp::ListEncoder& fields) {
  Bytes out{kType};
  append(out, fields.finish());
  return out;
}

std::unexpected<Error> malformed(const char* detail) {
  return fail(errc::kInvalidValue, detail);
}

Result<Address> to_address(const rlp::Item& item) {
  SEP_TRY(const auto bytes, item.bytes());
  if (bytes.size() != 20) return malformed("an address of a transaction has not 20 bytes");
  Address address;
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

Result<std::vector<AccessListEntry>> to_access_list(const rlp::Item& item) {
  std::vector<AccessListEntry> entries;
  SEP_TRY(const auto members, item.members());
  for (const auto& member : members) {
    SEP_TRY(const auto pair, member.members());
    if (pair.size() != 2) return malformed("an access list entry has not two members");
    AccessListEntry entry;
    SEP_TRY(entry.address, to_address(pair[0]));
    SEP_TRY(const auto keys, pair[1].members());
    for (const auto& key : keys) {
      SEP_TRY(const auto bytes, key.bytes());
      if (bytes.size() != 32) return malformed("a storage key has not 32 bytes");
      std::ranges::copy(bytes, entry.storage_keys.emplace_back().bytes.begin());
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

Hash32 signing_hash(const Transaction& transaction) {
  return keccak256(typed(encode_fields(transaction)));
}

SignedTransaction sign(Transaction transaction, const PrivateKey& key) {
  SignedTransaction out;
  out.signature = key.sign(signing_hash(transaction));
  out.sender = key.address();
  auto fields = encode_fields(transaction);
  fields.uint(out.signature.y_parity).uint(out.signature.r).uint(out.signature.s);
  out.raw = typed(fields);
  out.hash = keccak256(out.raw);
  out.transaction = std::move(transaction);
  return out;
}

Result<SignedTransaction> decode_transaction(ByteView raw) {
  if (raw.empty() || raw[0] != kType) return malformed("not an EIP-1559 transaction");
  SEP_TRY(const auto outer, rlp::decode(raw.subspan(1)));
  SEP_TRY(const auto fields, outer.members());
  if (fields.size() != 12) return malformed("an EIP-1559 transaction has 12 fields");
  SignedTransaction out;
  auto& tx = out.transaction;
  SEP_TRY(const auto chain_id, fields[0].uint(64));
  SEP_TRY(const auto nonce, fields[1].uint(64));
  SEP_TRY(tx.max_priority_fee_per_gas, fields[2].uint());
  SEP_TRY(tx.max_fee_per_gas, fields[3].uint());
  SEP_TRY(const auto gas_limit, fields[4].uint(64));
  SEP_TRY(const auto to, fields[5].bytes());
  SEP_TRY(tx.value, fields[6].uint());
  SEP_TRY(const auto data, fields[7].bytes());
  SEP_TRY(tx.access_list, to_access_list(fields[8]));
  SEP_TRY(const auto y_parity, fields[9].uint(1));
  SEP_TRY(out.signature.r, fields[10].uint());
  SEP_TRY(out.signature.s, fields[11].uint());
  tx.chain_id = chain_id.to_u64();
  tx.nonce = nonce.to_u64();
  tx.gas_limit = gas_limit.to_u64();
  if (!to.empty()) {
    SEP_TRY(tx.to, to_address(fields[5]));
  }
  tx.data.assign(data.begin(), data.end());
  out.signature.y_parity = static_cast<std::uint8_t>(y_parity.to_u64());
  SEP_TRY(out.sender, recover(signing_hash(tx), out.signature));
  out.raw.assign(raw.begin(), raw.end());
  out.hash = keccak256(raw);
  return out;
}

}  // namespace sep
