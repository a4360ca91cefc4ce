#pragma once
// What the parts beneath the platform cost on this machine, alone and one operation at a time: the floor that
// no platform on these parts can go below.
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "app/bench_samples.h"
#include "base/result.h"
#include "engine/settings.h"

namespace sep::app {

inline constexpr std::chrono::milliseconds kApart{10};

struct Floor {
  Samples request;   // NATS request -> reply, between two connections
  Samples publish;   // JetStream, file storage: publish -> delivered to a subscriber on another connection
  Samples commit;    // PostgreSQL: one row of 400 bytes, durable
  Samples send_raw;  // eth_sendRawTransaction, of an account of its own; the local chain only
  /// Always the same computing (the hash of 64 KiB), by a thread that waits for nothing: what is above the
  /// median is the machine's own, and no program on it has a better 99th percentile.
  Samples processor;

  /// One hop of the platform: an append's request, its commit, the event's delivery. Medians, nanoseconds.
  std::int64_t hop_ns() const;
};

/// Adds `samples` measurements of each to `floor`, `apart` from each other: one after the other finds all
/// that it needs in the caches, one after a pause finds what a platform does that has little to do. What it
/// makes (a stream, a schema) it removes again. The first error says which part failed.
Status measure_floor(const engine::Settings& settings, std::size_t samples, std::chrono::milliseconds apart,
                     Floor& floor);

}  // namespace sep::app
