#pragma once
// A measured run as people and programs read it: tables, JSON, HdrHistogram files, a picture.
#include <filesystem>
#include <string>
#include <vector>

#include "app/bench_floor.h"
#include "app/bench_load.h"
#include "app/bench_samples.h"
#include "base/json.h"

namespace sep::app {

struct Stage {
  std::string name;   // in JSON and file names
  std::string title;  // for people: from which instant to which
  Samples samples;
};

/// A figure, held against what it should be at most.
struct Ratio {
  std::string name;
  double value = 0;
  std::optional<double> goal;
  std::string unit;  // empty: a ratio
};

struct BenchReport {
  LoadOptions load;
  LoadOutcome outcome;
  std::vector<Stage> stages;  // without empty ones
  Floor floor;                // one operation right after the other
  Floor spaced_floor;         // kApart from each other
  std::vector<Ratio> ratios;
  std::string platform;  // what was driven, for the title
};

std::string text_of(const BenchReport& report);
json::object json_of(const BenchReport& report);
/// One <stage>.hgrm a stage.
Status write_hgrm(const BenchReport& report, const std::filesystem::path& directory);
/// Latency by percentile, one line a stage; both axes logarithmic. Legible on light and on dark ground.
std::string svg_of(const BenchReport& report);

}  // namespace sep::app
