#pragma once
// What became of intents before their plan, as it was announced or published: so that whoever carries plans
// out needs not ask the record for what everybody was told.
//
// Invariants:
//  1. A life that is given is whole: every event from the first up to the plan, each caused by the one before
//     it. Where the plan is on the record they all are.
//  2. Nothing rests on having heard: what was missed, or forgotten beyond the bound, is on the record. What
//  is
//     on the record behind the plan makes an append a conflict.
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "bus/bus.h"
#include "engine/envelope.h"

namespace sep::services {

class HeardLives {
 public:
  /// Hears from now on, on the bus's executor, as long as this lives. BUS_UNAVAILABLE.
  Status start(bus::Bus& bus);

  /// The intent's events up to this plan.created; nothing where one was not heard. They are forgotten.
  std::optional<std::vector<engine::Envelope>> take(const engine::Envelope& plan);

 private:
  struct Life {
    std::vector<engine::SharedEvent> events;
    std::uint64_t published = 0;  // sequence of the last that was published
    std::uint64_t taken = 0;      // so many were given, some before they were published
  };
  void hear(const bus::Message& message, bool published);

  std::unordered_map<std::string, Life> lives_;  // by correlation id
  std::vector<bus::Subscription> subscriptions_;
};

}  // namespace sep::services
