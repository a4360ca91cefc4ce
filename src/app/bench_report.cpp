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
  add("processor: hash of 64 KiB", floor.processor);
  return rows;
}

json::object numbers(const Samples& samples) {
  json::object object{{"count", samples.count()}, {"mean_us", samples.mean() / 1e3}};
  constexpr std::array kNames = {"p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"};
  for (std::size_t i = 0; i < kPercents.size(); ++i)
    object[kNames[i]] = static_cast<double>(samples.percentile(kPercents[i])) / 1e3;
  return object;
}

json::object floor_json(const Floor& floor) {
  json::object object;
  const auto add = [&](const char* name, const Samples& samples) {
    if (!samples.empty()) object[name] = numbers(samples);
  };
  add("nats_request", floor.request);
  add("jetstream_publish_to_delivery", floor.publish);
  add("postgres_commit", floor.commit);
  add("eth_send_raw_transaction", floor.send_raw);
  add("processor", floor.processor);
  return object;
}

std::string arrivals(const LoadOptions& load) {
  if (load.spacing == Spacing::kOneByOne) return "one intent after the other";
  return fmt::format("{:.0f} intents/s, {}", load.rate,
                     load.spacing == Spacing::kPoisson ? "Poisson" : "evenly spaced");
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
      "{}: {} for {:.0f} s after {:.0f} s of warm-up, {} connections, {} stream clients\n", report.platform,
      arrivals(load), load.seconds, load.warm_up_s, load.connections, load.ws_clients);
  text += fmt::format("{}\n", counts(outcome));
  text += fmt::format(
      "completed {:.1f} intents/s while the load lasted; at most {} requests waited for a connection{}\n\n",
      outcome.goodput, outcome.largest_backlog,
      outcome.dropped_streams == 0
          ? ""
          : fmt::format("; slow stream clients were dropped {} times", outcome.dropped_streams));
  text += heading("stage");
  for (const auto& stage : report.stages) text += row(stage.title, stage.samples);
  const auto add_floor = [&](const std::string& title, const Floor& floor) {
    const auto rows = floor_rows(floor);
    if (!rows.empty()) text += "\n" + heading(title);
    for (const auto& [name, samples] : rows) text += row(name, *samples);
  };
  add_floor("floor, one right after the other", report.floor);
  add_floor(fmt::format("floor, {} ms apart", kApart.count()), report.spaced_floor);
  if (!report.ratios.empty()) text += "\n";
  for (const auto& ratio : report.ratios) {
    text += fmt::format("  {:<58}{:>10.2f}{}", ratio.name, ratio.value, ratio.unit);
    if (ratio.goal)
      text += fmt::format("   goal at most {:g}{}{}", *ratio.goal, ratio.unit,
                          ratio.value <= *ratio.goal ? "" : "   MISSED");
    text += "\n";
  }
  return text;
}

json::object json_of(const BenchReport& report) {
  const auto& load = report.load;
  const auto& outcome = report.outcome;
  json::object stages, statuses, endings;
  for (const auto& stage : report.stages) {
    stages[stage.name] = numbers(stage.samples);
    stages[stage.name].as_object()["title"] = stage.title;
  }
  json::array ratios;
  for (const auto& ratio : report.ratios) {
    json::object object{{"name", ratio.name}, {"value", ratio.value}, {"unit", ratio.unit}};
    if (ratio.goal) {
      object["goal_at_most"] = *ratio.goal;
      object["met"] = ratio.value <= *ratio.goal;
    }
    ratios.push_back(std::move(object));
  }
  for (const auto& [status, count] : outcome.statuses) statuses[std::to_string(status)] = count;
  for (const auto& [topic, count] : outcome.endings) endings[topic] = count;
  return {{"platform", report.platform},
          {"load",
           {{"rate", load.rate},
            {"seconds", load.seconds},
            {"warm_up_seconds", load.warm_up_s},
            {"spacing", kSpacings[static_cast<std::size_t>(load.spacing)]},
            {"connections", load.connections},
            {"ws_clients", load.ws_clients},
            {"seed", load.seed}}},
          {"sent", outcome.sent},
          {"answers", std::move(statuses)},
          {"intents", std::move(endings)},
          {"completed_per_second", outcome.goodput},
          {"largest_backlog", outcome.largest_backlog},
          {"dropped_streams", outcome.dropped_streams},
          {"stages", std::move(stages)},
          {"floor", floor_json(report.floor)},
          {"floor_10_ms_apart", floor_json(report.spaced_floor)},
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

namespace {

// The picture, in its own units (pixels where it is shown as it is).
constexpr double kWidth = 960, kHeight = 540;
constexpr double kLeft = 76, kRight = 250, kTop = 74, kBottom = 58;
constexpr double kPlotWidth = kWidth - kLeft - kRight, kPlotHeight = kHeight - kTop - kBottom;
constexpr double kLabelHeight = 17;

/// Logarithmic both ways: along it nines of the percentile, upwards time.
struct Axes {
  double nines = 2;              // at the right edge: 2 is 99 %
  double low = 1e4, high = 1e9;  // ns, powers of ten

  double x(double quantile) const {
    return kLeft + kPlotWidth * std::min(1.0, std::log10(1 / (1 - quantile)) / nines);
  }
  double y(double ns) const {
    const auto share = std::log10(std::clamp(ns, low, high) / low) / std::log10(high / low);
    return kTop + kPlotHeight * (1 - share);
  }
};

Axes axes_of(const std::vector<const Stage*>& stages) {
  Axes axes;
  double largest = 1, lowest = 1e18;
  for (const auto* stage : stages) {
    const auto& samples = stage->samples;
    largest = std::max(largest, static_cast<double>(samples.max()));
    lowest = std::min(lowest, static_cast<double>(std::max<std::int64_t>(1, samples.percentile(0.001))));
    axes.nines = std::max(axes.nines, std::log10(static_cast<double>(samples.count())));
  }
  axes.nines = std::min(axes.nines, 6.0);
  axes.low = std::pow(10, std::floor(std::log10(lowest)));
  axes.high = std::pow(10, std::ceil(std::log10(largest)));
  if (axes.high <= axes.low) axes.high = axes.low * 10;
  return axes;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '&')
      result += "&amp;";
    else
      result += c;
  }
  return result;
}

std::string power_of_ten(double ns) {
  if (ns < 1e3) return fmt::format("{:.0f} ns", ns);
  if (ns < 1e6) return fmt::format("{:.0f} µs", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.0f} ms", ns / 1e6);
  return fmt::format("{:.0f} s", ns / 1e9);
}

std::string grid_of(const Axes& axes) {
  std::string svg;
  for (double ns = axes.low; ns <= axes.high * 1.001; ns *= 10) {
    const auto y = axes.y(ns);
    svg += fmt::format(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft,
                       kLeft + kPlotWidth, y, y);
    svg += fmt::format(R"(<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 10,
                       y + 4, power_of_ten(ns));
  }
  constexpr std::array kTicks = {0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999};
  constexpr std::array kTickNames = {"0", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"};
  for (std::size_t i = 0; i < kTicks.size(); ++i) {
    if (std::log10(1 / (1 - kTicks[i])) > axes.nines + 1e-9) break;
    const auto x = axes.x(kTicks[i]);
    svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>)", x, x, kTop,
                       kTop + kPlotHeight);
    svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", x,
                       kTop + kPlotHeight + 20, kTickNames[i]);
  }
  svg += fmt::format(R"(<text class="tick" x="{}" y="{}" text-anchor="middle">of all are not above</text>)",
                     kLeft + kPlotWidth / 2, kTop + kPlotHeight + 42);
  return svg + "\n";
}

std::string line_of(const Stage& stage, const Axes& axes, std::size_t colour) {
  std::string points;
  const auto count = static_cast<double>(stage.samples.count());
  constexpr double kStep = 0.02;  // of a nine
  const auto end = std::min(axes.nines, std::log10(count));
  for (double nines = 0; nines < end; nines += kStep) {
    const auto quantile = 1 - std::pow(10, -nines);
    const auto ns = static_cast<double>(stage.samples.percentile(std::max(quantile * 100, 1e-6)));
    points += fmt::format("{:.1f},{:.1f} ", axes.x(quantile), axes.y(ns));
  }
  points += fmt::format("{:.1f},{:.1f}", axes.x(1 - std::pow(10, -end)),
                        axes.y(static_cast<double>(stage.samples.max())));
  return fmt::format("<polyline class=\"line c{}\" points=\"{}\"/>\n", colour, points);
}

}  // namespace

std::string svg_of(const BenchReport& report) {
  std::vector<const Stage*> stages;
  for (const auto& stage : report.stages) stages.push_back(&stage);
  const auto axes = axes_of(stages);
  // Names stand at their lines' ends, the slowest on top; where ends are close the names make room for each
  // other.
  std::ranges::sort(stages, std::greater{}, [](const Stage* stage) { return stage->samples.max(); });
  std::string lines, names;
  double free_from = kTop - kLabelHeight / 2;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto& stage = *stages[i];
    lines += line_of(stage, axes, i);
    const auto below = static_cast<double>(stages.size() - i - 1) * 2 * kLabelHeight;
    auto y = std::max(axes.y(static_cast<double>(stage.samples.max())), free_from + kLabelHeight);
    y = std::min(y, kTop + kPlotHeight + kBottom - 14 - below - kLabelHeight);
    free_from = y + kLabelHeight;
    const auto x = kLeft + kPlotWidth + 14;
    names += fmt::format(R"(<circle class="dot c{}" cx="{}" cy="{:.1f}" r="4"/>)", i, x, y - 4);
    names += fmt::format(R"(<text class="name" x="{}" y="{:.1f}">{}</text>)", x + 12, y,
                         escaped(stage.title.substr(0, stage.title.find(':'))));
    names += fmt::format(R"(<text class="tick" x="{}" y="{:.1f}">p50 {}, p99 {}</text>)", x + 12, y + 14,
                         duration(stage.samples.percentile(50)), duration(stage.samples.percentile(99)));
    names += "\n";
  }
  const auto subtitle = fmt::format("{} for {:.0f} s: {} completed", arrivals(report.load),
                                    report.load.seconds, report.outcome.completed.count());
  return fmt::format(
             R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-label="Latency by percentile">)",
             kWidth, kHeight) +
         R"(
<style>
svg { --ground: #ffffff; --ink: #1b1f24; --soft: #5a6470; --grid: #e3e7ec;
  --c0: #b3261e; --c1: #1553b8; --c2: #a15c00; --c3: #0d7a4f; --c4: #7b3fb5; --c5: #00727f; --c6: #b0307a;
  --c7: #5c6b00; --c8: #4a5568; --c9: #8a4b2a; }
@media (prefers-color-scheme: dark) { svg { --ground: #14181d; --ink: #e8ecf1; --soft: #9aa5b1; --grid: #2b323a;
  --c0: #ff8a80; --c1: #8ab6ff; --c2: #ffb95e; --c3: #5fd6a2; --c4: #cba6f7; --c5: #66d4e0; --c6: #ff9ad0;
  --c7: #cddc5c; --c8: #b3bfcd; --c9: #e0a888; } }
rect { fill: var(--ground) } text { font: 12px system-ui, sans-serif; fill: var(--ink) }
.title { font-size: 17px; font-weight: 600 } .tick { fill: var(--soft); font-size: 11.5px } .name { font-weight: 600 }
.grid { stroke: var(--grid); stroke-width: 1 } .line { fill: none; stroke-width: 2; stroke-linejoin: round }
)" +
         [] {
           std::string rules;
           for (int i = 0; i < 10; ++i)
             rules +=
                 fmt::format(".line.c{0} {{ stroke: var(--c{0}) }} .dot.c{0} {{ fill: var(--c{0}) }} ", i);
           return rules;
         }() +
         "\n</style>\n" + fmt::format(R"(<rect width="{}" height="{}"/>)", kWidth, kHeight) +
         fmt::format(R"(<text class="title" x="{}" y="30">Latency by percentile</text>)", kLeft) +
         fmt::format(R"(<text class="tick" x="{}" y="50">{}</text>)", kLeft, escaped(subtitle)) + "\n" +
         grid_of(axes) + lines + names + "</svg>\n";
}

}  // namespace sep::app
