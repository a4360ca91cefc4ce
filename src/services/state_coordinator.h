#pragma once
// The state coordinator: the sequencer and the single writer of the record. Services ask it to append; it
// checks, commits to PostgreSQL/TimescaleDB what waits as one group, answers, and then publishes on JetStream
// and brings Redis up to date. It also answers questions about the record.
//
// Invariants:
//  1. An answer `committed` or `duplicate` is given only for events that are durably on the record.
//  2. Nothing is published, and nothing enters Redis, before its commit; both follow in commit order.
//  3. What was committed but not published (a crash in between) is published at the next start: the stream's
//  last
//     message says how far it came. A stream that is empty beside a record that is not is refilled with every
//     unfinished intent, and its consumers are made anew.
//  4. What is halted lets nothing in that engine::admit() refuses: a halt holds for every append that is
//     committed behind it. Conflicts KILL_SWITCH and SIGNER_HALTED.
//  5. One writer: PostgreSQL's advisory lock on the committing connection. A second coordinator waits for it
//     and touches nothing meanwhile, the schema included. Who does not reach NATS lets go of it.
#include <memory>
#include <string>

#include "bus/bus.h"
#include "engine/settings.h"
#include "gateway/metrics.h"

namespace sep::services {

inline constexpr const char* kEventStream = "EVENTS";
/// The stream that holds every event, on its topic as subject.
bus::StreamConfig event_stream();

class StateCoordinator {
 public:
  /// Starts its threads; as soon as it leads it brings the schema up to date and serves. STORE_UNAVAILABLE.
  static Result<std::unique_ptr<StateCoordinator>> start(std::shared_ptr<bus::Bus> bus,
                                                         const engine::EndpointSettings& endpoints,
                                                         gateway::Metrics& metrics);
  /// Commits what waits, publishes it, and stops.
  ~StateCoordinator();

 private:
  class Impl;
  explicit StateCoordinator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sep::services
