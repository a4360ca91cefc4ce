#pragma once
// What the platform counts and measures: Prometheus text for GET /metrics, quantiles of each stage for GET
// /stats.
//
// Invariants
//  1. Thread-safe throughout.
//  2. A name is one kind of metric with one set of label names; the first use decides.
//  3. Memory is bounded by the number of label sets: labels hold kinds (stage, route, code), never ids.
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "gateway/trace.h"

namespace sep::gateway {

/// The stages that are measured, with the budget of SPEC 8 where one is promised.
namespace stage {
inline constexpr std::string_view kValidation = "validation";  // of a posted intent, schema and semantics
inline constexpr std::string_view kPost = "post";              // POST /intents received -> answer ready
inline constexpr std::string_view kRisk = "risk";              // risk.evaluate, as the intent manager sees it
inline constexpr std::string_view kPlanning = "planning";      // the planner's computation
inline constexpr std::string_view kPrechain = "prechain";  // POST received -> transaction handed to the node
inline constexpr std::string_view kAppend = "append";      // record.append, as a service sees it
inline constexpr std::string_view kBroadcast = "broadcast";    // eth_sendRawTransaction
inline constexpr std::string_view kEventToUi = "event_to_ui";  // committed -> queued for the stream's clients
}  // namespace stage

class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Counters, "sep_<what>_total"; gauges, "sep_<what>". `help` counts at first use.
  void add(const std::string& counter, const Labels& labels = {}, double by = 1,
           const std::string& help = {});
  void set(const std::string& gauge, double value, const Labels& labels = {}, const std::string& help = {});

  /// One measurement of a stage, in microseconds (negative counts as 0). Feeds the histogram
  /// sep_stage_seconds{stage}, the quantiles, and the trace.
  void observe(std::string_view stage, std::int64_t microseconds) { observe_ns(stage, microseconds * 1000); }
  void observe_ns(std::string_view stage, std::int64_t nanoseconds);

  /// {"<stage>": {"count", "p50_us", "p95_us", "p99_us", "max_us", "budget_us"?, "within_budget"?}}, all
  /// integers but the last, which is of what was seen: not there at count 0. The stages seen so far and every
  /// one that has a budget.
  json::object stages() const;
  /// Prometheus text format 0.0.4.
  std::string text() const;
  Trace& trace() { return trace_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Trace trace_;
};

/// Measures from its construction to stop() or its end.
class StageTimer {
 public:
  StageTimer(Metrics& metrics, std::string_view stage)
      : metrics_(metrics), stage_(stage), started_ns_(monotonic_ns()) {}
  ~StageTimer() { stop(); }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  void stop() {
    if (std::exchange(stopped_, true)) return;
    metrics_.observe_ns(stage_, monotonic_ns() - started_ns_);
  }
  /// Nothing is observed.
  void cancel() { stopped_ = true; }
  std::int64_t started_ns() const { return started_ns_; }

 private:
  Metrics& metrics_;
  std::string_view stage_;
  std::int64_t started_ns_;
  bool stopped_ = false;
};

}  // namespace sep::gateway
