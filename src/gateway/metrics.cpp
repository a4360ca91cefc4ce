#include "gateway/metrics.h"

#include <algorithm>
#include <map>
#include <mutex>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/histogram.h"

namespace sep::gateway {
namespace {

// SPEC 8: what each must stay below, in microseconds.
constexpr std::pair<std::string_view, std::int64_t> kBudgets[] = {{stage::kValidation, 10'000},
                                                                  {stage::kPlanning, 25'000},
                                                                  {stage::kPrechain, 50'000},
                                                                  {stage::kEventToUi, 50'000}};

// Seconds; from a schema check to a block time.
const prometheus::Histogram::BucketBoundaries kBuckets = {
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
    0.025,   0.05,     0.1,     0.25,   0.5,     1,      2.5,   10,     60};

constexpr std::string_view kPrefix = "sep_";  // one name space for all that others scrape beside it

prometheus::Labels labels_of(const Metrics::Labels& labels) {
  return {labels.begin(), labels.end()};
}

std::string help_of(const std::string& help, const std::string& name) {
  return help.empty() ? name : help;
}

}  // namespace

struct Metrics::Impl {
  struct Stage {
    prometheus::Histogram* histogram;
    LatencyRecorder recorder;
  };

  std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, prometheus::Family<prometheus::Counter>*> counters;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges;
  prometheus::Family<prometheus::Histogram>& stage_seconds = prometheus::BuildHistogram()
                                                                 .Name("sep_stage_seconds")
                                                                 .Help("Duration of each stage.")
                                                                 .Register(registry);
  std::map<std::string, Stage, std::less<>> stages;

  Stage& stage_of(std::string_view name) {
    if (const auto found = stages.find(name); found != stages.end()) return found->second;
    auto& histogram = stage_seconds.Add({{"stage", std::string(name)}}, kBuckets);
    return stages.emplace(name, Stage{&histogram, {}}).first->second;
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  for (const auto& [name, budget] : kBudgets) impl_->stage_of(name);
}
Metrics::~Metrics() = default;

void Metrics::add(const std::string& counter, const Labels& labels, double by, const std::string& help) {
  SEP_ASSERT(counter.starts_with(kPrefix) && counter.ends_with("_total"));
  const std::scoped_lock lock(impl_->mutex);
  auto& family = impl_->counters[counter];
  if (family == nullptr)
    family = &prometheus::BuildCounter().Name(counter).Help(help_of(help, counter)).Register(impl_->registry);
  family->Add(labels_of(labels)).Increment(by);
}

void Metrics::set(const std::string& gauge, double value, const Labels& labels, const std::string& help) {
  SEP_ASSERT(gauge.starts_with(kPrefix) && !gauge.ends_with("_total"));
  const std::scoped_lock lock(impl_->mutex);
  auto& family = impl_->gauges[gauge];
  if (family == nullptr)
    family = &prometheus::BuildGauge().Name(gauge).Help(help_of(help, gauge)).Register(impl_->registry);
  family->Add(labels_of(labels)).Set(value);
}

void Metrics::observe_ns(std::string_view stage, std::int64_t nanoseconds) {
  const auto ns = std::max<std::int64_t>(0, nanoseconds);
  trace_.record(stage, ns);
  const std::scoped_lock lock(impl_->mutex);
  auto& entry = impl_->stage_of(stage);
  entry.histogram->Observe(static_cast<double>(ns) / 1e9);
  entry.recorder.record(static_cast<std::uint64_t>(ns) / 1000);
}

json::object Metrics::stages() const {
  const std::scoped_lock lock(impl_->mutex);
  json::object document;
  for (const auto& [name, entry] : impl_->stages) {
    const auto& recorder = entry.recorder;
    json::object numbers{{"count", recorder.count()},
                         {"p50_us", recorder.percentile(50)},
                         {"p95_us", recorder.percentile(95)},
                         {"p99_us", recorder.percentile(99)},
                         {"max_us", recorder.max()}};
    for (const auto& [budgeted, budget] : kBudgets) {
      if (budgeted != name) continue;
      numbers["budget_us"] = budget;
      if (recorder.count() != 0)
        numbers["within_budget"] = recorder.percentile(99) <= static_cast<std::uint64_t>(budget);
    }
    document[name] = std::move(numbers);
  }
  return document;
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace sep::gateway
