#pragma once
// `sep bench`: drives a running platform at a given rate and says how long everything took, beside the floor
// of the parts that it stands on, measured in the same run.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/settings.h"

namespace sep::app {

struct BenchOptions {
  std::string http;  // empty: what the settings say
  double rate = 100;
  double seconds = 10;
  double warm_up_s = 2;
  std::uint64_t intents = 0;  // instead of seconds: how many
  std::size_t connections = 16;
  std::size_t ws_clients = 1;
  std::string spacing = "poisson";  // one of kSpacings
  std::uint64_t seed = 1;
  std::vector<std::string> pairs;  // BASE/QUOTE:AMOUNT; empty: what the platform trades
  std::string strategy = "bench";
  std::size_t floor_samples = 400;  // of each part; 0: no floor
  std::string hdr;                  // directory
  std::string svg;                  // file
  bool json = false;
};

/// `settings`: of the platform, for the floor and its own measurements; without, only what a client sees is
/// said.
int run_bench(const std::optional<engine::Settings>& settings, const BenchOptions& options);

}  // namespace sep::app
