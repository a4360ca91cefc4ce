#include "app/bench_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/process.h"

namespace sep::app {
namespace {

constexpr std::array kPercents = {50.0, 90.0, 99.0, 99.9, 100.0};
constexpr std::array kPercentNames = {"p50", "p90", "p99", "p99.9", "max"};

/// Three digits that say something, with the unit that fits.
std::string duration(std::int64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns < 10'000) return fmt::format("{:.2f} µs", value / 1e3);
  if (ns < 100'000) return fmt::format("{:.1f} µs", value / 1e3);
  if (ns < 1'000'000) return fmt::format("{:.0f} µs", value / 1e3);
  if (ns < 10'000'000) return fmt::format("{:.2f} ms", value / 1e6);
  if (ns < 100'000'000) return fmt::format("{:.1f} ms", value / 1e6);
  if (ns < 10'000'000'000) return fmt::format("{:.0f} ms", value / 1e6);
  return fmt::format("{:.1f} s", value / 1e9);
}

/// Right-aligned: µ is two bytes and one column.
std::string cell(const std::string& text, std::size_t width) {
  const auto columns = text.size() - (text.find("µ") != std::string::npos ? 1 : 0);
  return std::string(width > columns ? width - columns : 1, ' ') + text;
}

std::string row(const std::string& title, const Samples& samples) {
  auto line = fmt::format("  {:<46}{:>9}", title, samples.count());
  for (const auto percent : kPercents) line += cell(duration(samples.percentile(percent)), 10);
  return line + "\n";
}

std::string heading(const std::string& first) {
  auto line = fmt::format("{:<48}{:>9}", first, "count");
  for (const auto* name : kPercentNames) line += fmt::format("{:>10}", name);
  return line + "\n";
}

std::vector<std::pair<std::string, const Samples*>> floor_rows(const Floor& floor) {
  std::vector<std::pair<std::string, const Samples*>> rows;
  const auto add = [&](const char* name, const Samples& samples) {
    if (!samples.empty()) rows.emplace_back(name, &samples);
  };
  add("NATS request -> reply", floor.request);
  add("JetStream publish -> delivered", floor.publish);
  add("PostgreSQL commit of one row", floor.commit);
  add("eth_sendRawTransaction", floor.send_raw);
  return rows;
}

json::object numbers(const Samples& samples) {
  json::object object{{"count", samples.count()}, {"mean_us", samples.mean() / 1e3}};
  constexpr std::array kNames = {"p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"};
  for (std::size_t i = 0; i < kPercents.size(); ++i)
    object[kNames[i]] = static_cast<double>(samples.percentile(kPercents[i])) / 1e3;
  return object;
}

std::string counts(const LoadOutcome& outcome) {
  std::string text;
  for (const auto& [status, count] : outcome.statuses)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                        status == 0 ? "no answer" : std::to_string(status), count);
  std::string endings;
  for (const auto& [topic, count] : outcome.endings)
    endings += fmt::format("{}{} {}", endings.empty() ? "" : ", ", topic, count);
  return fmt::format("answers: {}; intents: {}", text, endings);
}

}  // namespace

std::string text_of(const BenchReport& report) {
  const auto& load = report.load;
  const auto& outcome = report.outcome;
  std::string text = fmt::format(
      "{}: {:.0f} intents/s ({}) for {:.0f} s after {:.0f} s of warm-up, {} connections, {} stream clients\n",
      report.platform, load.rate, load.spacing == Spacing::kPoisson ? "Poisson" : "evenly spaced",
      load.seconds, load.warm_up_s, load.connections, load.ws_clients);
  text += fmt::format("{}\n", counts(outcome));
  text += fmt::format(
      "completed {:.1f} intents/s while the load lasted; at most {} requests waited for a connection\n\n",
      outcome.goodput, outcome.largest_backlog);
  text += heading("stage");
  for (const auto& stage : report.stages) text += row(stage.title, stage.samples);
  const auto rows = floor_rows(report.floor);
  if (!rows.empty()) text += "\n" + heading("floor, one at a time, nothing else running");
  for (const auto& [title, samples] : rows) text += row(title, *samples);
  if (!report.ratios.empty()) text += "\n";
  for (const auto& ratio : report.ratios)
    text += fmt::format("  {:<58}{:>10.2f}{}   goal at most {:g}{}{}\n", ratio.name, ratio.value, ratio.unit,
                        ratio.goal, ratio.unit, ratio.value <= ratio.goal ? "" : "   MISSED");
  return text;
}

json::object json_of(const BenchReport& report) {
  const auto& load = report.load;
  const auto& outcome = report.outcome;
  json::object stages, floor, statuses, endings;
  for (const auto& stage : report.stages) {
    stages[stage.name] = numbers(stage.samples);
    stages[stage.name].as_object()["title"] = stage.title;
  }
  const auto add = [&](const char* name, const Samples& samples) {
    if (!samples.empty()) floor[name] = numbers(samples);
  };
  add("nats_request", report.floor.request);
  add("jetstream_publish_to_delivery", report.floor.publish);
  add("postgres_commit", report.floor.commit);
  add("eth_send_raw_transaction", report.floor.send_raw);
  json::array ratios;
  for (const auto& ratio : report.ratios)
    ratios.push_back(json::object{{"name", ratio.name},
                                  {"value", ratio.value},
                                  {"unit", ratio.unit},
                                  {"goal_at_most", ratio.goal},
                                  {"met", ratio.value <= ratio.goal}});
  for (const auto& [status, count] : outcome.statuses) statuses[std::to_string(status)] = count;
  for (const auto& [topic, count] : outcome.endings) endings[topic] = count;
  return {{"platform", report.platform},
          {"load",
           {{"rate", load.rate},
            {"seconds", load.seconds},
            {"warm_up_seconds", load.warm_up_s},
            {"spacing", load.spacing == Spacing::kPoisson ? "poisson" : "fixed"},
            {"connections", load.connections},
            {"ws_clients", load.ws_clients},
            {"seed", load.seed}}},
          {"sent", outcome.sent},
          {"answers", std::move(statuses)},
          {"intents", std::move(endings)},
          {"completed_per_second", outcome.goodput},
          {"largest_backlog", outcome.largest_backlog},
          {"stages", std::move(stages)},
          {"floor", std::move(floor)},
          {"ratios", std::move(ratios)}};
}

Status write_hgrm(const BenchReport& report, const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(errc::kConfiguration, fmt::format("cannot make {}: {}", directory.string(), error.message()));
  for (const auto& stage : report.stages)
    SEP_CHECK(write_file_atomically(directory / (stage.name + ".hgrm"), stage.samples.hgrm()));
  return {};
}

std::string svg_of(const BenchReport&) {
  return {};
}

}  // namespace sep::app
