#include "app/cli.h"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include "app/bench_command.h"
#include "app/bench_load.h"
#include "app/client.h"
#include "app/config.h"
#include "app/control_command.h"
#include "app/doctor.h"
#include "app/quote_command.h"
#include "app/serve.h"
#include "app/timeline.h"
#include "app/up.h"
#include "base/ulid.h"
#include "base/version.h"
#include "services/heartbeat.h"
#include "store/event_store.h"
#include "store/read_models.h"

namespace sep::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kFooter = R"(Begin on one machine, with a chain of its own:
  sep up --data-dir .sep/devnet                     (stop it with Ctrl-C)
  sep quote acquire 1 WETH USDC                     (in another terminal)
  sep submit acquire 1 WETH USDC --max-slippage 0.01 --wait
  sep list

`sep COMMAND --help` tells more. Exit codes:
  0  done; with --wait or watch ID: the intent was filled
  1  the intent ended without a fill; a check of doctor or a comparison of replay --verify failed
  2  wrong usage, or the platform refuses what is asked
  3  the platform, or a part that it needs, cannot be reached
  4  --wait ended before the intent did)";

// ---- what all commands share ----

void print_line(const std::string& text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

/// The error as a sentence on standard error, and the exit code that goes with it.
int report(const Error& error) {
  fmt::print(stderr, "sep: {}\n", error.detail);
  if (error.code == errc::kNotReady || error.code == errc::kOutcomeUnknown || error.code == errc::kTimeout ||
      error.code == errc::kStoreUnavailable || error.code == errc::kCacheUnavailable ||
      error.code == errc::kBusUnavailable || error.code == errc::kNodeUnreachable)
    return kExitUnreachable;
  return kExitUsage;
}

/// As report(), for the gateway: where nothing answers it also says what to do.
int report(const Error& error, const ApiClient& api) {
  if (error.code != errc::kNotReady) return report(error);
  fmt::print(stderr,
             "sep: no answer from {} ({}); is `sep up` running? Another address: --http or SEP_HTTP\n",
             api.base_url(), error.detail);
  return kExitUnreachable;
}

/// The intent's id from what a person has at hand: the id, or the correlation id.
std::string intent_id_of(const std::string& given) {
  return given.starts_with("intent-") ? given.substr(7) : given;
}

/// A part of a path or a query, as a URL holds it.
std::string escaped(const std::string& text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

std::string upper(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// The asset as documents hold it, for a symbol in any case or an address. UNKNOWN_ASSET names the known
/// ones.
Result<json::object> find_asset(const json::object& token_list, const std::string& name) {
  SEP_TRY(const auto tokens, get_array(token_list, "tokens"));
  std::string known;
  for (const auto& token : tokens) {
    const auto& fields = token.as_object();
    const auto symbol = string_or(fields, "symbol");
    const auto address = string_or(fields, "address");
    if (upper(symbol) == upper(name) || upper(address) == upper(name)) {
      const auto extensions = get_object(fields, "extensions").value_or(json::object{});
      return json::object{{"symbol", symbol},
                          {"chain", string_or(extensions, "chain", "ethereum")},
                          {"address", address},
                          {"decimals", fields.at("decimals")}};
    }
    known += (known.empty() ? "" : ", ") + symbol;
  }
  return fail(errc::kUnknownAsset, fmt::format("'{}' is no configured asset; there are {}", name, known));
}

Result<json::array> find_assets(const ApiClient& api, const std::string& base, const std::string& quote) {
  SEP_TRY(const auto tokens, api.get("/assets"));
  SEP_TRY(const auto base_asset, find_asset(tokens, base));
  SEP_TRY(const auto quote_asset, find_asset(tokens, quote));
  return json::array{base_asset, quote_asset};
}

// ---- following an intent ----

enum class Output { kText, kJson };

/// Prints an intent's events from its first on, until it ends or `timeout` passes.
int follow_intent(const ApiClient& api, const std::string& intent_id, std::uint64_t from_sequence,
                  Output output, std::optional<milliseconds> timeout) {
  const auto deadline = timeout ? std::optional(Clock::now() + *timeout) : std::nullopt;
  auto stream = EventStream::open(api.base_url(), {.correlation_id = "intent-" + intent_id,
                                                   .from_sequence = 1});  // 1: the timeline needs all
  if (!stream) return report(stream.error(), api);
  Timeline timeline;
  while (!timeline.ending()) {
    const auto left =
        deadline ? std::chrono::duration_cast<milliseconds>(*deadline - Clock::now()) : milliseconds(1000);
    if (left <= milliseconds(0)) {
      fmt::print(stderr, "sep: intent {} has not ended within {} s; `sep watch {}` follows it further\n",
                 intent_id, timeout->count() / 1000, intent_id);
      return kExitTimeout;
    }
    auto event = stream->next(left);
    if (!event) return report(event.error(), api);
    if (!*event) continue;
    const auto line = timeline.line(**event);
    if (get_uint(**event, "sequence").value_or(0) < from_sequence) continue;
    print_line(output == Output::kJson ? json::serialize(**event) : line);
  }
  if (output == Output::kText) print_line(*timeline.ending());
  return timeline.filled() ? kExitOk : kExitNotFilled;
}

// ---- submit ----

struct SubmitOptions {
  std::string intent_type;
  std::string amount;
  std::string base;
  std::string quote;
  std::string max_slippage = "0.01";
  std::int64_t time_window_s = 300;
  std::string style = "normal";
  std::string strategy = "cli";
  std::vector<std::string> criteria;
  std::string idempotency_key;
  bool wait = false;
  bool json = false;
};

Result<json::array> criteria_of(const std::vector<std::string>& given) {
  json::array criteria;
  for (const auto& text : given) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return fail(errc::kInvalidValue, fmt::format("--criteria '{}' has not the form metric=value", text));
    criteria.push_back(json::object{{"metric", text.substr(0, equals)}, {"value", text.substr(equals + 1)}});
  }
  return criteria;
}

Result<json::object> intent_document(const ApiClient& api, const SubmitOptions& options) {
  SEP_TRY(auto criteria, criteria_of(options.criteria));
  SEP_TRY(auto assets, find_assets(api, options.base, options.quote));
  return json::object{{"strategy_id", options.strategy},
                      {"intent_type", options.intent_type},
                      {"assets", std::move(assets)},
                      {"amount", options.amount},
                      {"constraints", json::object{{"max_slippage", options.max_slippage},
                                                   {"time_window", options.time_window_s},
                                                   {"execution_style", options.style}}},
                      {"success_criteria", std::move(criteria)}};
}

/// A lost answer is asked for again under the same key, so that one command never makes two intents; where
/// none comes for a minute, the error says under which key to ask further.
Result<json::object> post_intent(const ApiClient& api, const json::object& intent, const std::string& key) {
  constexpr std::chrono::seconds kPatience{60};
  constexpr std::chrono::seconds kPause{1};
  const auto until = Clock::now() + kPatience;
  for (bool given = false;;) {
    auto answer = api.post("/intents", intent, {{"Idempotency-Key", key}});
    if (answer) return answer;
    auto& error = answer.error();
    const bool lost = error.code == errc::kOutcomeUnknown;
    if (!lost && !(given && error.code == errc::kNotReady)) return answer;
    if (!given) fmt::print(stderr, "sep: {}; asking again under the same key\n", error.detail);
    given = true;
    if (Clock::now() + kPause > until)
      return fail(errc::kOutcomeUnknown,
                  fmt::format("{}; it is not known whether the intent was taken: the same command with "
                              "--idempotency-key {} asks further, and makes no second one",
                              error.detail, key));
    std::this_thread::sleep_for(kPause);
  }
}

int submit(const ApiClient& api, const SubmitOptions& options) {
  const auto intent = intent_document(api, options);
  if (!intent) return report(intent.error(), api);
  const auto answer =
      post_intent(api, *intent, options.idempotency_key.empty() ? new_ulid() : options.idempotency_key);
  if (!answer) return report(answer.error(), api);
  const auto id = string_or(*answer, "intent_id");
  if (!options.wait) {
    print_line(options.json ? json::serialize(*answer) : id);
    return kExitOk;
  }
  if (!options.json) print_line("intent " + id);
  constexpr std::chrono::seconds kAfterWindow{
      120};  // a late transaction is replaced by a cancellation, which takes
  return follow_intent(api, id, 1, options.json ? Output::kJson : Output::kText,
                       std::chrono::seconds(options.time_window_s) + kAfterWindow);
}

// ---- reading ----

struct ListOptions {
  std::string state;
  std::string strategy;
  unsigned limit = 20;
  bool json = false;
};

std::string list_row(const json::object& view) {
  const auto intent = get_object(view, "intent").value_or(json::object{});
  const auto summary = get_object(view, "summary").value_or(json::object{});
  auto received = string_or(view, "received_at");
  if (received.size() >= 19) received = received.substr(0, 10) + " " + received.substr(11, 8);
  const auto in = string_or(summary, "amount_in");
  const auto out = string_or(summary, "amount_out");
  const auto result = !out.empty() ? fmt::format("{} -> {}", with_thousands(in), with_thousands(out))
                                   : string_or(summary, "reason");
  const auto assets = get_array(intent, "assets").value_or(json::array{});
  const auto symbol = [&](std::size_t i) {
    return i < assets.size() && assets[i].is_object() ? string_or(assets[i].as_object(), "symbol") : "?";
  };
  return fmt::format("{:<26}  {:<19}  {:<13}  {:<12}  {:<32}  {}", string_or(view, "intent_id"), received,
                     string_or(view, "state"), string_or(view, "strategy_id"),
                     fmt::format("{} {} {}/{}", string_or(intent, "intent_type"),
                                 with_thousands(string_or(intent, "amount")), symbol(0), symbol(1)),
                     result);
}

int list(const ApiClient& api, const ListOptions& options) {
  constexpr unsigned kLargestPage = 200;
  json::array intents;
  std::string cursor;
  while (intents.size() < options.limit) {
    auto path =
        fmt::format("/intents?limit={}", std::min<std::size_t>(kLargestPage, options.limit - intents.size()));
    if (!options.state.empty()) path += "&state=" + escaped(options.state);
    if (!options.strategy.empty()) path += "&strategy_id=" + escaped(options.strategy);
    if (!cursor.empty()) path += "&cursor=" + escaped(cursor);
    const auto page = api.get(path);
    if (!page) return report(page.error(), api);
    for (const auto& view : get_array(*page, "intents").value_or(json::array{})) intents.push_back(view);
    cursor = string_or(*page, "next_cursor");
    if (cursor.empty()) break;
  }
  if (options.json) {
    print_line(json::serialize(intents));
    return kExitOk;
  }
  if (intents.empty()) {
    print_line("no intents");
    return kExitOk;
  }
  print_line(fmt::format("{:<26}  {:<19}  {:<13}  {:<12}  {:<32}  {}", "INTENT", "RECEIVED (UTC)", "STATE",
                         "STRATEGY", "WHAT", "RESULT"));
  for (const auto& view : intents)
    if (view.is_object()) print_line(list_row(view.as_object()));
  return kExitOk;
}

int show(const ApiClient& api, const std::string& given_id, Output output) {
  const auto id = intent_id_of(given_id);
  const auto view = api.get("/intents/" + escaped(id));
  if (!view) return report(view.error(), api);
  const auto events = api.get("/intents/" + escaped(id) + "/events");
  if (!events) return report(events.error(), api);
  const auto plan_id = string_or(*view, "latest_plan_id");
  std::optional<json::object> plan;
  if (!plan_id.empty()) {
    auto answer = api.get("/plans/" + escaped(plan_id));
    if (!answer) return report(answer.error(), api);
    plan = std::move(*answer);
  }
  const auto event_list = get_array(*events, "events").value_or(json::array{});
  if (output == Output::kJson) {
    print_line(json::serialize(json::object{
        {"intent", *view}, {"plan", plan ? json::value(*plan) : json::value()}, {"events", event_list}}));
    return kExitOk;
  }
  print_line(fmt::format("intent {}  {}  strategy {}", id, string_or(*view, "state"),
                         string_or(*view, "strategy_id")));
  print_line("  " + describe_intent(get_object(*view, "intent").value_or(json::object{})));
  if (plan) print_line(fmt::format("  plan {}  {}", plan_id, string_or(*plan, "state")));
  Timeline timeline;
  for (const auto& event : event_list)
    if (event.is_object()) print_line(timeline.line(event.as_object()));
  if (timeline.ending()) print_line(*timeline.ending());
  return kExitOk;
}

int watch_all(const ApiClient& api, std::optional<std::uint64_t> from, Output output) {
  auto stream = EventStream::open(api.base_url(), {.from_sequence = from});
  if (!stream) return report(stream.error(), api);
  std::map<std::string, Timeline> timelines;
  while (true) {
    auto event = stream->next(milliseconds(1000));
    if (!event) return report(event.error(), api);
    if (!*event) continue;
    if (output == Output::kJson) {
      print_line(json::serialize(**event));
      continue;
    }
    const auto id = intent_id_of(string_or(**event, "correlationId"));
    auto& timeline = timelines[id];
    print_line(id + "  " + timeline.line(**event));
    if (timeline.ending()) timelines.erase(id);
  }
}

int cancel(const ApiClient& api, const std::string& given_id, Output output) {
  const auto id = intent_id_of(given_id);
  const auto answer = api.post("/intents/" + escaped(id) + "/cancel", {});
  if (!answer) return report(answer.error(), api);
  if (output == Output::kJson)
    print_line(json::serialize(*answer));
  else
    print_line(
        fmt::format("cancellation of {} requested while it is {}; what is on the chain before it stays", id,
                    string_or(*answer, "state")));
  return kExitOk;
}

// ---- quote ----

struct QuoteOptions {
  std::string pools_file;
  std::string intent_type;
  std::string amount;
  std::string base;
  std::string quote;
  std::string max_slippage;
  bool json = false;
};

void print_quote(const json::object& quote, const QuoteOptions& options) {
  const bool acquires = options.intent_type == "acquire";
  const auto base = upper(options.base);
  const auto counter = upper(options.quote);
  const auto other = string_or(quote, acquires ? "amount_in" : "amount_out");
  print_line(fmt::format("{} {} {} {} {} {}", acquires ? "buy" : "sell", with_thousands(options.amount), base,
                         acquires ? "with" : "for", with_thousands(other), counter));
  const auto bound = string_or(quote, acquires ? "max_amount_in" : "min_amount_out");
  if (!bound.empty())
    print_line(
        fmt::format("  {:<13} {} {}", acquires ? "at most" : "at least", with_thousands(bound), counter));
  print_line(fmt::format("  {:<13} {} {} for one {}", "price", with_thousands(string_or(quote, "price")),
                         counter, base));
  print_line(
      fmt::format("  {:<13} {}", "price impact", about_percent(string_or(quote, "price_impact", "0"))));
  print_line(fmt::format("  {:<13} {} USD", "worth",
                         with_thousands(string_or(quote, "notional_usd", "an unknown amount of"))));
  const auto cost = get_object(quote, "estimated_cost").value_or(json::object{});
  print_line(fmt::format("  {:<13} {} units, {} USD", "gas",
                         with_thousands(string_or(cost, "gas_units", "?")), string_or(cost, "gas_usd", "?")));
}

int quote(const ApiClient& api, const QuoteOptions& options) {
  if (!options.pools_file.empty())
    return run_quote_stream(std::cin, std::cout, std::cerr, options.pools_file);
  if (options.quote.empty()) {
    fmt::print(stderr, "sep: a quote needs acquire|dispose AMOUNT BASE QUOTE, or --pools FILE\n");
    return kExitUsage;
  }
  auto assets = find_assets(api, options.base, options.quote);
  if (!assets) return report(assets.error(), api);
  json::object request{{"intent_type", options.intent_type}, {"assets", *assets}, {"amount", options.amount}};
  if (!options.max_slippage.empty()) request["max_slippage"] = options.max_slippage;
  const auto answer = api.post("/quotes", request);
  if (!answer) return report(answer.error(), api);
  if (options.json)
    print_line(json::serialize(*answer));
  else
    print_quote(*answer, options);
  return kExitOk;
}

// ---- commands that read the configuration ----

struct ConfigOptions {
  std::vector<std::string> files;
  std::string data_directory;
};

Result<engine::Settings> load(const ConfigOptions& options) {
  std::vector<fs::path> files(options.files.begin(), options.files.end());
  if (files.empty() && !options.data_directory.empty()) {
    files = config_files_of(options.data_directory);
    if (files.empty())
      return fail(errc::kConfiguration,
                  fmt::format("no `sep up` has run in {} yet; give --config", options.data_directory));
  }
  if (files.empty()) return fail(errc::kConfiguration, "give --config FILE, or --data-dir of a `sep up`");
  return load_settings(files);
}

int serve(const ConfigOptions& config, const std::vector<std::string>& services) {
  const auto settings = load(config);
  if (!settings) return report(settings.error());
  if (const auto status = check_endpoints(*settings); !status) return report(status.error());
  return run_serve(*settings, services);
}

void print_replay(const store::ReplayReport& replay) {
  print_line(fmt::format("{} events to global sequence {}, {} documents, {} ms ({} events/s)", replay.events,
                         replay.last_global_sequence, replay.documents, replay.elapsed_ms,
                         replay.events_per_second));
}

int replay(const ConfigOptions& config, bool verify) {
  const auto settings = load(config);
  if (!settings) return report(settings.error());
  if (const auto status = check_endpoints(*settings); !status) return report(status.error());
  auto record = store::EventStore::open(settings->endpoints.postgres, store::EventStore::Role::kReader);
  if (!record) return report(record.error());
  auto models = store::ReadModels::open(settings->endpoints.redis_socket);
  if (!models) return report(models.error());
  if (!verify) {
    const auto done = models->rebuild(*record);
    if (!done) return report(done.error());
    print_replay(*done);
    return kExitOk;
  }
  const auto compared = models->verify(*record);
  if (!compared) return report(compared.error());
  print_replay(compared->replay);
  for (const auto& difference : compared->differences)
    print_line(fmt::format("{} differs\n  live    {}\n  rebuilt {}", difference.key, difference.live,
                           difference.rebuilt));
  print_line(fmt::format("{} keys compared, {} differ", compared->keys_compared, compared->differing));
  return compared->differing == 0 ? kExitOk : kExitNotFilled;
}

// ---- the command line itself ----

/// "127.0.0.1:8080" -> UpOptions; false where it has another form.
bool read_address(const std::string& text, UpOptions& options) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  options.host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  return error == std::errc() && end == port.data() + port.size();
}

void add_config_options(CLI::App* command, ConfigOptions& options) {
  command->add_option("--config", options.files, "configuration files, later ones override (repeatable)")
      ->type_name("FILE")
      ->take_all();
  command
      ->add_option("--data-dir", options.data_directory,
                   "instead: what the `sep up` of this directory runs with")
      ->type_name("DIR");
}

void add_trade_options(CLI::App* command, std::string& type, std::string& amount, std::string& base,
                       std::string& quote, bool required) {
  command->add_option("type", type, "acquire: buy exactly AMOUNT of BASE; dispose: sell exactly that")
      ->check(CLI::IsMember({"acquire", "dispose"}))
      ->required(required);
  command->add_option("amount", amount, "whole tokens of BASE, for example 1.5")->required(required);
  command->add_option("base", base, "the asset that is bought or sold: symbol or address")
      ->required(required);
  command->add_option("quote", quote, "the asset that pays, or is received")->required(required);
}

}  // namespace

int run_cli(int argc, const char* const* argv) {
  CLI::App app("sep, the Strategy Execution Platform: says what a strategy wants, and does it on Uniswap V3.",
               "sep");
  app.footer(kFooter);
  app.require_subcommand(1);
  int code = kExitOk;

  std::string http = "http://127.0.0.1:8080";
  app.add_option("--http", http, "the platform's address")->envname("SEP_HTTP")->capture_default_str();
  app.fallthrough();  // --http may stand behind the command, too

  // up
  UpOptions up_options;
  std::string up_address = "127.0.0.1:8080";
  std::vector<std::string> up_config;
  auto* up = app.add_subcommand("up", "Start everything that one machine needs, and keep it running");
  up->add_option("--data-dir", up_options.data_directory, "where all data and logs are")
      ->required()
      ->type_name("DIR");
  up->add_option("--http", up_address, "address of API and pages; port 0: a free one")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  up->add_option("--config", up_config,
                 "configuration files, later ones override (default: config/devnet.toml)")
      ->type_name("FILE")
      ->take_all();
  up->add_option("--block-time", up_options.block_time_s,
                 "local chain: a block each N seconds, not for each transaction")
      ->type_name("N")
      ->check(CLI::Range(1, 3600));
  up->add_option("--fork-url", up_options.fork_url, "local chain: a copy of the chain behind this node")
      ->type_name("URL");
  up->add_option("--max-restarts", up_options.max_restarts,
                 "give up when one process had to be started again more often within a minute")
      ->capture_default_str()
      ->type_name("N");
  up->footer("Example:\n  sep up --data-dir .sep/devnet --http 127.0.0.1:8080");
  up->callback([&] {
    if (!read_address(up_address, up_options)) {
      fmt::print(stderr, "sep: --http {} has not the form HOST:PORT\n", up_address);
      code = kExitUsage;
      return;
    }
    up_options.config.assign(up_config.begin(), up_config.end());
    code = run_up(up_options);
  });

  // serve
  ConfigOptions serve_config;
  std::vector<std::string> services;
  auto* serve_command =
      app.add_subcommand("serve", "Run services in this process, against servers that run already");
  add_config_options(serve_command, serve_config);
  serve_command
      ->add_option("--services", services,
                   fmt::format("which of {}; separated by commas (default: all)",
                               fmt::join(services::service_names(), ", ")))
      ->delimiter(',');
  serve_command->footer(
      "Example:\n  sep serve --config config/sepolia.toml --config my.toml --services gateway,risk");
  serve_command->callback([&] { code = serve(serve_config, services); });

  // submit
  SubmitOptions submit_options;
  auto* submit_command = app.add_subcommand("submit", "Submit an intent");
  add_trade_options(submit_command, submit_options.intent_type, submit_options.amount, submit_options.base,
                    submit_options.quote, true);
  submit_command->add_option("--max-slippage", submit_options.max_slippage, "as a ratio: 0.01 is 1 %")
      ->capture_default_str();
  submit_command->add_option("--time-window", submit_options.time_window_s, "seconds from now")
      ->capture_default_str();
  submit_command->add_option("--style", submit_options.style, "how much haste costs")
      ->check(CLI::IsMember({"passive", "normal", "aggressive"}))
      ->capture_default_str();
  submit_command->add_option("--strategy", submit_options.strategy, "in whose name")->capture_default_str();
  submit_command
      ->add_option(
          "--criteria", submit_options.criteria,
          "success criterion (repeatable): min_amount_out, max_amount_in, max_gas_usd, max_price_impact, "
          "complete_within_ms")
      ->type_name("METRIC=VALUE")
      ->take_all();
  submit_command->add_option("--idempotency-key", submit_options.idempotency_key,
                             "the same key never makes a second intent (default: a new one)");
  submit_command->add_flag("--wait", submit_options.wait, "show what happens until the intent ends");
  submit_command->add_flag("--json", submit_options.json, "print JSON; with --wait one event a line");
  submit_command->footer(
      "Examples:\n"
      "  sep submit acquire 1 WETH USDC --max-slippage 0.01 --wait\n"
      "  sep submit dispose 0.5 WETH USDC --style aggressive --criteria max_gas_usd=5");
  submit_command->callback([&] { code = submit(ApiClient(http), submit_options); });

  // list
  ListOptions list_options;
  auto* list_command = app.add_subcommand("list", "List intents, newest first");
  list_command->add_option("--state", list_options.state, "only those in this state")
      ->check(CLI::IsMember({"submitted", "accepted", "planned", "executing", "risk_rejected",
                             "plan_rejected", "completed", "failed", "expired", "cancelled"}));
  list_command->add_option("--strategy", list_options.strategy, "only those of this strategy");
  list_command->add_option("--limit", list_options.limit, "how many at most")->capture_default_str();
  list_command->add_flag("--json", list_options.json, "print the views as a JSON array");
  list_command->callback([&] { code = list(ApiClient(http), list_options); });

  // show, watch, cancel
  std::string id;
  bool as_json = false;
  const auto output = [&] { return as_json ? Output::kJson : Output::kText; };
  auto* show_command = app.add_subcommand("show", "Show an intent, its plan and its events");
  show_command->add_option("id", id, "the intent's id")->required();
  show_command->add_flag("--json", as_json, "print one JSON object");
  show_command->callback([&] { code = show(ApiClient(http), id, output()); });

  std::optional<std::uint64_t> from;
  auto* watch_command =
      app.add_subcommand("watch", "Print events as they happen: of one intent until it ends, or of all");
  watch_command->add_option("id", id, "the intent's id; none: all intents, until Ctrl-C");
  watch_command->add_option("--from", from, "begin with this sequence: the intent's own, or the global one")
      ->type_name("N");
  watch_command->add_flag("--json", as_json, "print one event a line");
  watch_command->callback([&] {
    const ApiClient api(http);
    if (!id.empty()) {
      // An unknown intent has no events: it would be waited for in vain.
      if (const auto known = api.get("/intents/" + escaped(intent_id_of(id))); !known) {
        code = report(known.error(), api);
        return;
      }
    }
    code = id.empty() ? watch_all(api, from, output())
                      : follow_intent(api, intent_id_of(id), from.value_or(1), output(), std::nullopt);
  });

  auto* cancel_command = app.add_subcommand("cancel", "Ask for an intent's cancellation");
  cancel_command->add_option("id", id, "the intent's id")->required();
  cancel_command->add_flag("--json", as_json, "print the answer as JSON");
  cancel_command->callback([&] { code = cancel(ApiClient(http), id, output()); });

  // quote
  QuoteOptions quote_options;
  auto* quote_command = app.add_subcommand("quote", "Price a trade without an intent");
  add_trade_options(quote_command, quote_options.intent_type, quote_options.amount, quote_options.base,
                    quote_options.quote, false);
  quote_command->add_option("--max-slippage", quote_options.max_slippage, "also give the bound, 0.01 is 1 %");
  quote_command
      ->add_option("--pools", quote_options.pools_file,
                   "price against the pools of this file, without a platform: one JSON request a line on "
                   "standard input, one answer a line")
      ->type_name("FILE");
  quote_command->add_flag("--json", quote_options.json, "print the answer as JSON");
  quote_command->footer(
      "Examples:\n  sep quote acquire 1 WETH USDC\n  sep quote --pools pools.json < requests.jsonl");
  quote_command->callback([&] { code = quote(ApiClient(http), quote_options); });

  // replay, doctor, version
  ConfigOptions read_config;
  bool verify = false;
  auto* replay_command = app.add_subcommand("replay", "Rebuild the read models in Redis from the record");
  add_config_options(replay_command, read_config);
  replay_command->add_flag("--verify", verify,
                           "change nothing: rebuild beside them and compare byte for byte");
  replay_command->footer("Example:\n  sep replay --verify --data-dir .sep/devnet");
  replay_command->callback([&] { code = replay(read_config, verify); });

  auto* doctor_command =
      app.add_subcommand("doctor", "Check everything that the platform needs, a line each");
  add_config_options(doctor_command, read_config);
  doctor_command->footer("Example:\n  sep doctor --data-dir .sep/devnet");
  doctor_command->callback([&] {
    const auto settings = load(read_config);
    code = settings ? run_doctor(*settings) : report(settings.error());
  });

  // bench
  ConfigOptions bench_config;
  BenchOptions bench_options;
  auto* bench_command = app.add_subcommand(
      "bench", "Drive a running platform at a given rate, and say how long everything took");
  add_config_options(bench_command, bench_config);
  bench_command->add_option("--rate", bench_options.rate, "intents a second, whatever the platform answers")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  bench_command->add_option("--seconds", bench_options.seconds, "how long it is measured")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  bench_command->add_option("--intents", bench_options.intents, "instead of --seconds: how many")
      ->type_name("N");
  bench_command->add_option("--warm-up", bench_options.warm_up_s, "seconds before, at the same rate")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  bench_command->add_option("--connections", bench_options.connections, "HTTP connections, kept")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  bench_command
      ->add_option("--ws-clients", bench_options.ws_clients, "clients of /stream that hear everything")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  bench_command
      ->add_option("--spacing", bench_options.spacing,
                   "of the arrivals; one-by-one: each intent when the one before it has ended")
      ->check(CLI::IsMember(std::vector<std::string>(kSpacings.begin(), kSpacings.end())))
      ->capture_default_str();
  bench_command->add_option("--seed", bench_options.seed, "of arrivals and of what is asked")
      ->capture_default_str();
  bench_command
      ->add_option("--pair", bench_options.pairs, "what is traded, both ways (repeatable): WETH/USDC:0.001")
      ->type_name("BASE/QUOTE:AMOUNT")
      ->take_all();
  bench_command->add_option("--strategy", bench_options.strategy, "in whose name")->capture_default_str();
  bench_command
      ->add_option("--floor", bench_options.floor_samples,
                   "measurements of each part beneath the platform, alone; 0: none")
      ->type_name("N")
      ->capture_default_str();
  bench_command->add_option("--hdr", bench_options.hdr, "write HdrHistogram files, one a stage")
      ->type_name("DIR");
  bench_command->add_option("--svg", bench_options.svg, "write a picture of the latencies")
      ->type_name("FILE");
  bench_command->add_flag("--json", bench_options.json, "print one JSON object");
  bench_command->footer(
      "With --data-dir (or --config) it also asks the platform's own processes and measures the parts "
      "beneath\n"
      "them; without, it says what a client of --http sees.\n"
      "Example:\n  sep bench --data-dir .sep/devnet --rate 50 --seconds 10 --svg latency.svg");
  bench_command->callback([&] {
    const bool inside = !bench_config.files.empty() || !bench_config.data_directory.empty();
    std::optional<engine::Settings> settings;
    if (inside) {
      auto loaded = load(bench_config);
      if (loaded) {
        if (const auto named = check_endpoints(*loaded); !named) loaded = fail(named.error());
      }
      if (!loaded) {
        code = report(loaded.error());
        return;
      }
      settings = std::move(*loaded);
    }
    if (!inside || app.get_option("--http")->count() > 0) bench_options.http = http;
    code = run_bench(settings, bench_options);
  });

  // halt, resume, signer
  ControlOptions control_options;
  const auto add_control = [&](CLI::App& parent, const std::string& name, const std::string& description,
                               int (*run)(const engine::Settings&, const ControlOptions&)) {
    auto* command = parent.add_subcommand(name, description);
    add_config_options(command, read_config);
    command->add_flag("--json", control_options.json, "print one JSON object");
    command->callback([&code, &read_config, &control_options, run] {
      const auto settings = load(read_config);
      const auto ready = settings ? check_endpoints(*settings) : Status(fail(settings.error()));
      code = ready ? run(*settings, control_options) : report(ready.error());
    });
    return command;
  };
  const auto add_reason = [&](CLI::App* command) {
    command->add_option("--reason", control_options.reason, "a sentence for the record")->type_name("TEXT");
  };
  auto* halt_command =
      add_control(app, "halt", "Stop all new work; what is in flight is followed to its end", run_halt);
  add_reason(halt_command);
  halt_command->footer("Example:\n  sep halt --data-dir .sep/devnet --reason \"the pools look wrong\"");
  auto* resume_command = add_control(app, "resume", "Accept new work again", run_resume);
  add_reason(resume_command);
  resume_command->footer("Example:\n  sep resume --data-dir .sep/devnet");
  auto* signer_command = app.add_subcommand("signer", "The account that signs: what it does, and its halts");
  signer_command->require_subcommand(1);
  add_control(*signer_command, "status",
              "Its nonces, who drives it, what is in flight, what the router may take", run_signer_status)
      ->footer("Example:\n  sep signer status --data-dir .sep/devnet");
  auto* signer_resume =
      add_control(*signer_command, "resume",
                  "Let it begin transactions again, after somebody else used its nonce", run_signer_resume);
  add_reason(signer_resume);
  signer_resume->footer(
      "Example:\n  sep signer resume --data-dir .sep/devnet --reason \"sent by hand, once\"");

  app.add_subcommand("version", "Print the version")->callback([&] {
    print_line(fmt::format("sep {}", version()));
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return code;
}

}  // namespace sep::app
