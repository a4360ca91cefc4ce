#pragma once
// The account's nonces, decided: which one comes next, and which ones nobody looks after.
//
// Invariants:
//  1. The next nonce follows the chain and the record, never the node's pool: a pool forgets, and what is
//  counted
//     from it leaves a gap behind which every later transaction hangs.
//  2. Between the chain's nonce and the next one each nonce is claimed on the record, so each gap has its
//  owner.
//     Nonces that others used are counted on only once their transactions cannot leave the chain any more.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/envelope.h"

namespace sep::engine {

/// Each counts up to the first free nonce.
struct AccountNonces {
  std::uint64_t latest = 0;                 // transactions of the account in the chain's newest block
  std::uint64_t settled = 0;                // the same in the newest one that is `confirmations` deep
  std::optional<std::uint64_t> pending;     // the same with the node's pool; unset: not asked
  std::uint64_t recorded = 0;               // one above the greatest nonce that the record claims; 0: none
  std::optional<std::uint64_t> handed_out;  // one above the last that this process had committed
};

/// The nonce of the account's next new transaction. NOT_READY where a transaction of the account that is not
/// on the record waits in the pool at or above that nonce: whichever of the two were mined, the other could
/// not be. NOT_READY too where one was mined and is not settled: a reorganisation could take it from the
/// chain for good, and what stands above it would wait for ever. New work waits until it is settled, or gone.
Result<std::uint64_t> next_nonce(const AccountNonces& nonces);

/// The nonces from `latest` to below `next` that no execution in flight holds. Their transactions ended on
/// the record and left the chain again (a reorganisation deeper than the confirmations waited for), or their
/// execution is not under way: until they are mined all later ones hang. Ascending.
std::vector<std::uint64_t> unattended_nonces(std::uint64_t latest, std::uint64_t next,
                                             std::span<const std::uint64_t> in_flight);

/// What to send again for an unattended nonce, of the events of the intent that claims it: the bytes that the
/// record says were included with success. Nothing where they reverted, or others used the nonce: a second
/// time they might do what the record says did not happen, so that a person has to decide. INVALID_EVENT.
Result<std::optional<Bytes>> bytes_at_nonce(std::span<const Envelope> events, std::uint64_t nonce);

}  // namespace sep::engine
