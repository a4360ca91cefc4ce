#pragma once
// One seed: the platform, its users and its troubles, and the promises that are checked.
//
// Entry point: run_seed. The promises (SPEC.md 3, 6), by the names that violations have:
//   liveness       every acknowledged intent reaches a terminal state once faults stop
//   once           at most one successful swap of an intent on the chain; exactly one, with the recorded
//   amounts, for a
//                  completed one; none for every other
//   sequence       an intent's events are contiguous from 1, legal in the lifecycle, each caused by the one
//   before read models    documents and lists equal the fold of the record, at the end and on the way
//   broadcast      what is handed to the node, and what is mined, was committed before
//   nonces         the account's nonces on the record are contiguous
//   balances       the account's balances moved by exactly the recorded fills and the gas
//   halted         while the kill switch is on the record, nothing enters it that begins work; while the
//   account is
//                  halted, no nonce that is new to its intent
//   acknowledged   what was acknowledged to a user is on the record, one intent for each idempotency key; a
//   worker
//                  acknowledges its input only when an event that follows from it is
//   looks again    whoever appends to an intent and is refused does not go on trying the same
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "simulation/world.h"

namespace sep::sim {

struct Report {
  std::uint64_t seed = 0;
  std::int64_t simulated_ms = 0;
  std::uint64_t handlers = 0;
  std::uint64_t events = 0;  // on the record
  std::uint64_t acknowledged = 0;
  std::map<std::string, std::uint64_t> outcomes;  // by state, with the reason
  std::map<std::string, std::uint64_t> counts;    // faults and what came of them
  std::uint64_t digest = 0;                       // of the whole trace
  std::vector<Violation> violations;
  std::vector<std::string> trace;
};

enum class Trace { kDigest, kLines };
Report run_seed(std::uint64_t seed, Trace trace);

}  // namespace sep::sim
