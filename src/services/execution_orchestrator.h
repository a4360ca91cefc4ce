#pragma once
// The execution orchestrator: carries out what engine/execution.h decides for every planned intent, from one
// local account: simulates, signs, records, broadcasts, follows receipts, and asks for a new plan where one
// can help.
//
// Invariants:
//  1. Bytes are handed to the node only after their exec.step_prepared is committed.
//  2. Nonces are given out one append at a time; the record refuses one that another intent holds, and after
//     any doubt the next nonce is read again from record and chain.
//  3. A plan that is only announced is simulated, and what follows from it is appended behind it. Nothing but
//     questions to the node leaves the platform before that append is committed.
//  4. At the start every intent that is planned or executing is taken up again from its history.
#include <memory>

#include "bus/bus.h"
#include "engine/settings.h"
#include "ethereum/keys.h"
#include "gateway/metrics.h"
#include "services/record_client.h"

namespace sep::services {

class ExecutionOrchestrator {
 public:
  /// On the bus's executor. CHAIN_MISMATCH where the node serves another chain, NODE_UNREACHABLE,
  /// BUS_UNAVAILABLE.
  static Task<Result<std::unique_ptr<ExecutionOrchestrator>>> start(std::shared_ptr<bus::Bus> bus,
                                                                    const engine::Settings& settings,
                                                                    std::shared_ptr<const PrivateKey> signer,
                                                                    gateway::Metrics& metrics);
  /// On the executor. Executions stay where they are on the record.
  ~ExecutionOrchestrator();

 private:
  class Impl;
  explicit ExecutionOrchestrator(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
