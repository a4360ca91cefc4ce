// The words with which nodes refuse a transaction. Read in the sources of geth (core/txpool/errors.go,
// core/error.go), reth (transaction-pool/src/error.rs), anvil (anvil/src/eth/error.rs), nethermind
// (TxPoolErrorMessages, and the older names of AcceptTxResult), erigon (txpoolcfg.DiscardReason) and besu
// (TransactionInvalidReason).
#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"
#include "node/node.h"

namespace sep::node {
namespace {

using Kind = SubmitOutcome::Kind;

struct Phrase {
  std::string_view words;  // lower case, anywhere in the message
  Kind kind;
};

/// The first that fits decides: the narrower phrase stands before the wider.
constexpr std::array kPhrases = {
    Phrase{"already known", Kind::kAlreadyKnown},                        // geth, reth, erigon, nethermind
    Phrase{"alreadyknown", Kind::kAlreadyKnown},                         // nethermind before 1.30
    Phrase{"already imported", Kind::kAlreadyKnown},                     // anvil
    Phrase{"known transaction", Kind::kAlreadyKnown},                    // besu, older geth
    Phrase{"already in mempool", Kind::kAlreadyKnown},                   // providers
    Phrase{"existing tx with same hash", Kind::kAlreadyKnown},           // erigon
    Phrase{"existing txn with same hash", Kind::kAlreadyKnown},          // erigon 3
    Phrase{"nonce too low", Kind::kNonceTooLow},                         // all
    Phrase{"nonce is too low", Kind::kNonceTooLow},                      // providers
    Phrase{"oldnonce", Kind::kNonceTooLow},                              // nethermind before 1.30
    Phrase{"nonce too high", Kind::kBusy},                               // nethermind, geth
    Phrase{"nonce too far", Kind::kBusy},                                // nethermind
    Phrase{"nonce is too distant", Kind::kBusy},                         // besu
    Phrase{"noncegap", Kind::kBusy},                                     // nethermind before 1.30
    Phrase{"future transaction tries to replace pending", Kind::kBusy},  // geth
    Phrase{"is full", Kind::kBusy},                      // geth, reth: txpool; erigon: sub-pool
    Phrase{"pool size constraints", Kind::kBusy},        // reth
    Phrase{"in-flight transaction limit", Kind::kBusy},  // geth, delegated accounts
    Phrase{"syncing", Kind::kBusy},                      // nethermind
    Phrase{"rate limit", Kind::kBusy},                   // providers
    Phrase{"too many requests", Kind::kBusy},            // providers
    Phrase{"request limit", Kind::kBusy},                // providers
    Phrase{"underpriced", Kind::kUnderpriced},           // all: the transaction's own or a replacement's fee
    Phrase{"could not replace existing tx", Kind::kUnderpriced},   // erigon
    Phrase{"replacementnotallowed", Kind::kUnderpriced},           // nethermind before 1.30
    Phrase{"feetoolow", Kind::kUnderpriced},                       // nethermind before 1.30
    Phrase{"fee too low", Kind::kUnderpriced},                     // erigon
    Phrase{"less than block base fee", Kind::kUnderpriced},        // geth, reth, anvil
    Phrase{"below configured minimum", Kind::kUnderpriced},        // besu
    Phrase{"less than the current base fee", Kind::kUnderpriced},  // besu
    Phrase{"insufficient funds", Kind::kInsufficientFunds},        // geth, reth, anvil, erigon, nethermind
    Phrase{"insufficientfunds", Kind::kInsufficientFunds},         // nethermind before 1.30
    Phrase{"upfront cost exceeds account balance", Kind::kInsufficientFunds},  // besu
};

constexpr std::array<std::int64_t, 2> kRateLimitCodes = {-32005, 429};  // EIP-1474, providers

}  // namespace

SubmitOutcome::Kind classify_refusal(std::int64_t rpc_code, std::string_view message) {
  const auto text = lower(message);
  for (const auto& phrase : kPhrases)
    if (text.find(phrase.words) != std::string::npos) return phrase.kind;
  return std::ranges::find(kRateLimitCodes, rpc_code) != kRateLimitCodes.end() ? Kind::kBusy : Kind::kRefused;
}

std::string_view to_string(SubmitOutcome::Kind kind) {
  switch (kind) {
    case Kind::kAccepted:
      return "accepted";
    case Kind::kAlreadyKnown:
      return "already known";
    case Kind::kNonceTooLow:
      return "nonce too low";
    case Kind::kUnderpriced:
      return "underpriced";
    case Kind::kInsufficientFunds:
      return "insufficient funds";
    case Kind::kRefused:
      return "refused";
    case Kind::kBusy:
      return "busy";
    case Kind::kUnreachable:
      return "unreachable";
    case Kind::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace sep::node
