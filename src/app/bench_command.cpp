#include "app/bench_command.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/bench_floor.h"
#include "app/bench_load.h"
#include "app/bench_report.h"
#include "app/bench_trace.h"
#include "app/cli.h"
#include "app/client.h"
#include "app/process.h"
#include "base/log.h"
#include "gateway/metrics.h"

namespace sep::app {
namespace {

using namespace std::chrono_literals;

/// Small, so that thousands of them neither move the pools nor empty the account.
constexpr std::array kPairs = {"WETH/USDC:0.001", "WBTC/WETH:0.0001", "USDC/DAI:1"};
/// What a platform records at the most after a run that died.
constexpr unsigned kTraceMarginS = 60;
/// So many times fewer samples of the floor are taken apart from each other, which takes its time.
constexpr std::size_t kFewerApart = 4;

struct Pair {
  std::string base, quote, amount;
};

Result<Pair> parse_pair(const std::string& text) {
  const auto slash = text.find('/');
  const auto colon = text.find(':');
  if (slash == std::string::npos || colon == std::string::npos || slash == 0 || colon < slash + 2 ||
      colon + 1 == text.size())
    return fail(errc::kInvalidValue, fmt::format("--pair '{}' has not the form BASE/QUOTE:AMOUNT", text));
  return Pair{text.substr(0, slash), text.substr(slash + 1, colon - slash - 1), text.substr(colon + 1)};
}

std::optional<json::object> asset(const json::array& tokens, const std::string& symbol) {
  for (const auto& token : tokens) {
    const auto& fields = token.as_object();
    if (string_or(fields, "symbol") != symbol) continue;
    const auto extensions = get_object(fields, "extensions").value_or(json::object{});
    return json::object{{"symbol", symbol},
                        {"chain", string_or(extensions, "chain", "ethereum")},
                        {"address", string_or(fields, "address")},
                        {"decimals", fields.at("decimals")}};
  }
  return std::nullopt;
}

/// Bodies of POST /intents, each pair in both directions. Pairs that were not asked for and that the platform
/// does not trade are left out.
Result<std::vector<std::string>> bodies_of(const ApiClient& api, const BenchOptions& options) {
  SEP_TRY(const auto list, api.get("/assets"));
  SEP_TRY(const auto tokens, get_array(list, "tokens"));
  const bool given = !options.pairs.empty();
  std::vector<std::string> bodies;
  for (const auto& text : given ? options.pairs : std::vector<std::string>(kPairs.begin(), kPairs.end())) {
    SEP_TRY(const auto pair, parse_pair(text));
    const auto base = asset(tokens, pair.base);
    const auto quote = asset(tokens, pair.quote);
    if (!base || !quote) {
      if (given)
        return fail(errc::kUnknownAsset, fmt::format("--pair {}: not a token of this platform", text));
      continue;
    }
    for (const auto* type : {"acquire", "dispose"}) {
      const json::object question{
          {"intent_type", type}, {"assets", json::array{*base, *quote}}, {"amount", pair.amount}};
      if (const auto price = api.post("/quotes", question); !price) {
        if (given) return fail(price.error());
        continue;
      }
      bodies.push_back(json::serialize(json::object{
          {"strategy_id", options.strategy},
          {"intent_type", type},
          {"assets", json::array{*base, *quote}},
          {"amount", pair.amount},
          {"constraints",
           json::object{{"max_slippage", "0.01"}, {"time_window", 300}, {"execution_style", "aggressive"}}},
          {"success_criteria", json::array{}}}));
    }
  }
  if (bodies.empty())
    return fail(errc::kNoRoute, "the platform prices none of the usual pairs; name some with --pair");
  return bodies;
}

void add_stage(BenchReport& report, const char* name, const char* title, Samples samples) {
  if (!samples.empty()) report.stages.push_back({name, title, std::move(samples)});
}

/// Of the platform's own measurements.
void add_traced(BenchReport& report, TraceData& trace) {
  namespace stage = gateway::stage;
  const auto take = [&](std::string_view name) { return std::move(trace.durations[std::string(name)]); };
  add_stage(report, "validation", "validation", take(stage::kValidation));
  add_stage(report, "post_inside", "POST inside: request read -> answer ready", take(stage::kPost));
  add_stage(report, "risk", "risk: asked -> answered", take(stage::kRisk));
  add_stage(report, "planning", "planning", take(stage::kPlanning));
  add_stage(report, "commit", "commit of a group", take("commit"));
  Samples prechain;
  for (const auto& [id, received] : trace.received)
    if (const auto handed = trace.handed.find(id); handed != trace.handed.end())
      prechain.add(handed->second - received);
  add_stage(report, "prechain", "pre-chain: POST received -> handed to the venue", std::move(prechain));
  add_stage(report, "broadcast", "eth_sendRawTransaction", take(stage::kBroadcast));
  if (!trace.this_machine) return;
  Samples delivered;
  for (const auto& client : report.outcome.received)
    for (const auto& [global, at] : client)
      if (const auto committed = trace.committed_at(global)) delivered.add(at - *committed);
  add_stage(report, "event_to_client", "event: committed -> stream client has it", std::move(delivered));
}

const Samples* samples_of(const BenchReport& report, std::string_view name) {
  const auto found = std::ranges::find(report.stages, name, &Stage::name);
  return found == report.stages.end() ? nullptr : &found->samples;
}

void add_ratios(BenchReport& report) {
  const auto us = [](std::int64_t ns) { return static_cast<double>(ns) / 1e3; };
  if (const auto* validation = samples_of(report, "validation"))
    report.ratios.push_back({"validation p50", us(validation->percentile(50)), 50, " µs"});
  if (const auto* planning = samples_of(report, "planning"))
    report.ratios.push_back({"planning p50", us(planning->percentile(50)), 100, " µs"});
  if (report.floor.request.empty()) return;
  const auto ratio = [&](const std::string& name, std::int64_t ns, std::int64_t of_ns,
                         std::optional<double> goal) {
    report.ratios.push_back({name, static_cast<double>(ns) / static_cast<double>(of_ns), goal, ""});
  };
  const auto hops = 4 * report.floor.hop_ns();
  const auto spaced_hops = 4 * report.spaced_floor.hop_ns();
  const auto apart = fmt::format(", {} ms apart", kApart.count());
  if (const auto* prechain = samples_of(report, "prechain")) {
    ratio("pre-chain p50 / four hops (request + commit + delivery)", prechain->percentile(50), hops, 1.25);
    ratio("pre-chain p99 / four hops", prechain->percentile(99), hops, 4);
    ratio("pre-chain p50 / four hops" + apart, prechain->percentile(50), spaced_hops, {});
    ratio("pre-chain p99 / four hops" + apart, prechain->percentile(99), spaced_hops, {});
  }
  if (const auto* delivered = samples_of(report, "event_to_client")) {
    ratio("event -> client p50 / publish -> delivered p50", delivered->percentile(50),
          report.floor.publish.percentile(50), 2);
    ratio("event -> client p50 / publish -> delivered p50" + apart, delivered->percentile(50),
          report.spaced_floor.publish.percentile(50), {});
  }
}

/// Half of the samples before and half behind the load, so that what else the machine does falls on both.
Status measure_half_of_floors(const engine::Settings& settings, std::size_t samples, BenchReport& report) {
  if (samples == 0) return {};
  const auto half = [](std::size_t count) { return std::max<std::size_t>(1, count / 2); };
  SEP_CHECK(measure_floor(settings, half(samples), 0ms, report.floor));
  return measure_floor(settings, half(samples / kFewerApart), kApart, report.spaced_floor);
}

Result<BenchReport> measure(const std::optional<engine::Settings>& settings, const BenchOptions& options) {
  const ApiClient api(options.http);
  BenchReport report;
  auto& load = report.load;
  load.url = options.http;
  load.rate = options.rate;
  load.seconds = options.intents != 0 ? static_cast<double>(options.intents) / options.rate : options.seconds;
  load.warm_up_s = options.warm_up_s;
  load.connections = options.connections;
  load.ws_clients = std::max<std::size_t>(1, options.ws_clients);
  load.spacing = static_cast<Spacing>(std::ranges::find(kSpacings, options.spacing) - kSpacings.begin());
  load.seed = options.seed;
  SEP_TRY(load.bodies, bodies_of(api, options));
  report.platform = options.http;
  std::unique_ptr<TraceClient> tracing;
  if (settings) {
    SEP_TRY(tracing, TraceClient::connect(settings->endpoints.nats_url));
    const auto seconds = static_cast<unsigned>(std::ceil(load.seconds + load.drain_s)) + kTraceMarginS;
    load.on_measuring = [&tracing, seconds] { tracing->begin(seconds); };
    SEP_CHECK(measure_half_of_floors(*settings, options.floor_samples, report));
  }
  SEP_TRY(report.outcome, run_load(load));
  add_stage(report, "post", "POST: due -> 201", report.outcome.post);
  if (tracing) {
    SEP_TRY(auto trace, tracing->end());
    add_traced(report, trace);
    SEP_CHECK(measure_half_of_floors(*settings, options.floor_samples, report));
  }
  add_stage(report, "completed", "intent: due -> exec.completed at a client", report.outcome.completed);
  add_ratios(report);
  return report;
}

Status write_files(const BenchReport& report, const BenchOptions& options) {
  if (!options.hdr.empty()) SEP_CHECK(write_hgrm(report, options.hdr));
  if (!options.svg.empty()) SEP_CHECK(write_file_atomically(options.svg, svg_of(report)));
  return {};
}

}  // namespace

int run_bench(const std::optional<engine::Settings>& settings, const BenchOptions& given) {
  set_log_level("warn");  // its output is the report
  auto options = given;
  if (options.http.empty() && settings)
    options.http = fmt::format("http://{}:{}", settings->gateway.host, settings->gateway.port);
  auto report = measure(settings, options);
  const auto written = report ? write_files(*report, options) : Status(fail(report.error()));
  if (!written) {
    fmt::print(stderr, "sep bench: {}\n", written.error().detail);
    return written.error().code == errc::kInvalidValue ? kExitUsage : kExitUnreachable;
  }
  if (options.json)
    fmt::print("{}\n", json::serialize(json_of(*report)));
  else
    fmt::print("{}", text_of(*report));
  return kExitOk;
}

}  // namespace sep::app
