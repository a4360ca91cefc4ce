#include "engine/account.h"

#include <algorithm>
#include <map>
#include <string>

#include <fmt/format.h>

#include "base/hex.h"
#include "engine/topics.h"

namespace sep::engine {

Result<std::uint64_t> next_nonce(const AccountNonces& nonces) {
  const auto ours = std::max(nonces.recorded, nonces.handed_out.value_or(0));
  const auto next = std::max(nonces.latest, ours);
  if (nonces.latest > ours && nonces.settled < nonces.latest)
    return fail(
        errc::kNotReady,
        fmt::format("a transaction of the account that is not ours was mined at nonce {} a moment ago",
                    nonces.latest - 1));
  if (nonces.pending && *nonces.pending > next)
    return fail(errc::kNotReady,
                fmt::format("a transaction of the account that is not ours waits at nonce {}", next));
  return next;
}

std::vector<std::uint64_t> unattended_nonces(std::uint64_t latest, std::uint64_t next,
                                             std::span<const std::uint64_t> in_flight) {
  std::vector<std::uint64_t> unattended;
  for (auto nonce = latest; nonce < next; ++nonce)
    if (std::ranges::find(in_flight, nonce) == in_flight.end()) unattended.push_back(nonce);
  return unattended;
}

Result<std::optional<Bytes>> bytes_at_nonce(std::span<const Envelope> events, std::uint64_t nonce) {
  std::map<std::string, std::string> prepared;  // at this nonce: bytes by hash
  std::optional<std::string> included;
  for (const auto& event : events) {
    const auto tx_hash = string_or(event.payload, "txHash");
    if (event.topic == topic::kExecStepPrepared) {
      SEP_TRY(const auto at, get_uint(event.payload, "nonce"));
      if (at == nonce) prepared[tx_hash] = string_or(event.payload, "rawTx");
    } else if (prepared.contains(tx_hash)) {
      if (event.topic == topic::kExecStepFilled) included = prepared.at(tx_hash);
      if (event.topic == topic::kExecStepReorged || event.topic == topic::kExecStepReverted) included.reset();
    }
  }
  if (!included) return std::nullopt;
  SEP_TRY(auto bytes, from_hex(*included));
  return bytes;
}

}  // namespace sep::engine
