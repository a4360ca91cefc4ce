#pragma once
// A process's trace, over the bus: `sep bench` begins, ends and reads it with subject::kMeasure…
#include <memory>
#include <string>

#include "bus/bus.h"
#include "gateway/trace.h"

namespace sep::services {

/// Names one run of this machine's kernel: within it, all processes share one monotonic clock.
std::string boot_id();

class Measuring {
 public:
  /// On the bus's executor; `trace` outlives it. BUS_UNAVAILABLE.
  static Result<std::unique_ptr<Measuring>> start(std::shared_ptr<bus::Bus> bus, gateway::Trace& trace);

 private:
  bus::Subscription begin_, end_, read_;
};

}  // namespace sep::services
