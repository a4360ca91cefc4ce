// simulation: runs seeds until one breaks a promise. The same seed is the same run, to the last event.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <optional>
#include <set>

#include "simulation/run.h"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

namespace {

using sep::sim::Report;
using sep::sim::Trace;

double seconds_now() {  // the simulated clock stands between runs as well as within
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Totals {
  std::uint64_t seeds = 0, simulated_ms = 0, handlers = 0, events = 0, acknowledged = 0;
  std::map<std::string, std::uint64_t> outcomes, counts;

  void add(const Report& report) {
    ++seeds;
    simulated_ms += static_cast<std::uint64_t>(report.simulated_ms);
    handlers += report.handlers;
    events += report.events;
    acknowledged += report.acknowledged;
    for (const auto& [name, count] : report.outcomes) outcomes[name] += count;
    for (const auto& [name, count] : report.counts) counts[name] += count;
  }

  void print(double seconds) const {
    fmt::print(
        "{} seeds in {:.1f} s ({:.0f} a minute), {:.1f} simulated hours, {} intents acknowledged, {} events, "
        "{} handlers\n",
        seeds, seconds, static_cast<double>(seeds) * 60 / seconds, static_cast<double>(simulated_ms) / 3.6e6,
        acknowledged, events, handlers);
    fmt::print("ended as:\n");
    for (const auto& [name, count] : outcomes) fmt::print("  {:>9} {}\n", count, name);
    fmt::print("faults, and what came of them:\n");
    for (const auto& [name, count] : counts) fmt::print("  {:>9} {}\n", count, name);
  }
};

/// The failed run once more, with its trace: all of it for what concerns no single intent.
void explain(const Report& failed) {
  const auto again = sep::sim::run_seed(failed.seed, Trace::kLines);
  for (const auto& violation : again.violations)
    fmt::print("seed {}: {}: {} {}\n", failed.seed, violation.oracle, violation.what,
               violation.correlation_id);
  const auto& id = failed.violations.front().correlation_id;
  fmt::print("what happened{}:\n", id.empty() ? "" : " to " + id + " and around it");
  const auto elsewhere = [&](const std::string& line) {
    const auto at = line.find("intent-");
    return !id.empty() && at != std::string::npos && line.compare(at, id.size(), id) != 0;
  };
  for (const auto& line : again.trace)
    if (!elsewhere(line)) fmt::print("{}\n", line);
  fmt::print("to see it again: simulation --seed {} --trace\n", failed.seed);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs the platform in simulation: one seed is one run."};
  double seconds = 60;
  std::optional<std::uint64_t> seed, from;
  std::string range;
  bool trace = false, twice = false, keep_going = false;
  unsigned jobs = 1;
  app.add_option("--seconds", seconds, "how long, with seeds from --from on");
  app.add_option("--from", from, "the first seed (otherwise one of the time of day)");
  app.add_option("--seed", seed, "this one only");
  app.add_option("--seeds", range, "these: FIRST..LAST");
  app.add_flag("--trace", trace, "print everything that happens (with --seed)");
  app.add_flag("--twice", twice, "run each seed twice and compare the whole trace");
  app.add_flag("--keep-going", keep_going, "go on after a broken promise, one line each");
  app.add_option("--jobs", jobs, "processes side by side");
  CLI11_PARSE(app, argc, argv);
  sep::set_log_level(trace ? "info" : "off");

  std::uint64_t first = 1, last = ~0ULL;
  if (seed) {
    first = last = *seed;
  } else if (!range.empty()) {
    if (std::sscanf(range.c_str(), "%lu..%lu", &first, &last) != 2 || last < first) {
      fmt::print(stderr, "--seeds must be FIRST..LAST\n");
      return 2;
    }
  } else {
    first = from.value_or(static_cast<std::uint64_t>(std::time(nullptr)) * 1'000'000);
    fmt::print("seeds from {} on\n", first);
  }
  const bool timed = !seed && range.empty();

  if (jobs > 1) {
    std::fflush(stdout);
    int worst = 0;
    std::vector<pid_t> children;
    for (unsigned job = 0; job < jobs; ++job) {
      const auto pid = fork();
      if (pid == 0) {
        children.clear();
        first += job;
        break;
      }
      children.push_back(pid);
    }
    if (!children.empty()) {
      for (const auto child : children) {
        int status = 0;
        waitpid(child, &status, 0);
        worst = std::max(worst, WIFEXITED(status) ? WEXITSTATUS(status) : 3);
      }
      return worst;
    }
  }

  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  Totals totals;
  std::uint64_t broken = 0;
  const auto started = seconds_now();
  for (auto at = first; at <= last; at += jobs) {
    if (timed && seconds_now() - started >= seconds) break;
    const auto report = sep::sim::run_seed(at, trace ? Trace::kLines : Trace::kDigest);
    totals.add(report);
    if (trace)
      for (const auto& line : report.trace) fmt::print("{}\n", line);
    if (!report.violations.empty() && keep_going) {
      const auto& first_one = report.violations.front();
      fmt::print("seed {}: {}: {} {}\n", at, first_one.oracle, first_one.what, first_one.correlation_id);
      ++broken;
      continue;
    }
    if (!report.violations.empty()) {
      explain(report);
      totals.print(seconds_now() - started);
      return 1;
    }
    if (twice && sep::sim::run_seed(at, Trace::kDigest).digest != report.digest) {
      fmt::print("seed {} gives two different runs\n", at);
      return 1;
    }
    if (last == at) break;
  }
  totals.print(seconds_now() - started);
  if (broken != 0) fmt::print("{} of {} seeds broke a promise\n", broken, totals.seeds);
  return broken == 0 ? 0 : 1;
}
