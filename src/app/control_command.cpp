#include "app/control_command.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "app/blocking.h"
#include "app/cli.h"
#include "app/signer.h"
#include "base/decimal.h"
#include "bus/bus.h"
#include "engine/topics.h"
#include "node/nodes.h"
#include "services/lease.h"
#include "services/record_client.h"
#include "uniswap/contracts.h"

namespace sep::app {
namespace {

using engine::Control;
using engine::ControlState;
using services::ControlAnswer;
using services::RecordClient;
using services::Task;

constexpr unsigned kWeiDecimals = 18;

void print_line(const std::string& text) {
  fmt::print("{}\n", text);
}

int unreachable(const Error& error) {
  fmt::print(stderr, "sep: {}\n", error.detail);
  return error.code == errc::kConfiguration ? kExitUsage : kExitUnreachable;
}

/// Runs `ask(bus)` on a connection to the bus.
template <class Ask>
auto with_bus(const engine::Settings& settings, Ask ask) {
  using Value = typename std::invoke_result_t<Ask, std::shared_ptr<bus::Bus>>::value_type;
  return run_blocking([&](boost::asio::any_io_executor executor) -> Task<Value> {
    auto bus = bus::Bus::connect(executor, {.url = settings.endpoints.nats_url, .name = "sep"});
    if (!bus)
      co_return fail(bus.error().code, fmt::format("no NATS at {} ({}); is `sep up` running?",
                                                   settings.endpoints.nats_url, bus.error().detail));
    auto answer = co_await ask(*bus);
    (*bus)->close();
    co_return answer;
  });
}

/// Runs `ask(record)`. An error says which part did not answer.
template <class Ask>
auto with_record(const engine::Settings& settings, Ask ask) {
  using Value = typename std::invoke_result_t<Ask, RecordClient&>::value_type;
  return with_bus(settings, [&](std::shared_ptr<bus::Bus> bus) -> Task<Value> {
    RecordClient record(std::move(bus));
    auto answer = co_await ask(record);
    if (!answer)
      answer =
          fail(answer.error().code,
               fmt::format("the state coordinator does not answer ({}); nothing is known to have changed",
                           answer.error().detail));
    co_return answer;
  });
}

engine::ControlReason reason_of(const ControlOptions& options) {
  return {.reason = std::string(errc::kUserRequest), .detail = options.reason, .by = who()};
}

/// A control as it stands now, and the intents that are on their way.
struct Standing {
  ControlAnswer answer;
  std::size_t waiting = 0;    // nothing of them is on the chain
  std::size_t executing = 0;  // something of them may be
  std::size_t halted_signers = 0;
};

Task<Result<Standing>> set(RecordClient& record, std::string correlation_id, ControlState state,
                           engine::ControlReason why) {
  Standing standing;
  SEP_CO_TRY(standing.answer, co_await record.set_control(std::move(correlation_id), state, std::move(why)));
  SEP_CO_TRY(const auto unfinished, co_await record.unfinished());
  for (const auto& intent : unfinished)
    ++(intent.head.state == engine::State::kExecuting ? standing.executing : standing.waiting);
  SEP_CO_TRY(const auto controls, co_await record.controls());
  standing.halted_signers = static_cast<std::size_t>(std::ranges::count_if(controls, [](const auto& entry) {
    return entry.first != engine::kControlCorrelation && entry.second.halted();
  }));
  co_return standing;
}

void print_json(const Standing& standing) {
  auto object = engine::to_json(standing.answer.control);
  object["changed"] = standing.answer.changed;
  object["intents_executing"] = standing.executing;
  object["intents_waiting"] = standing.waiting;
  print_line(json::serialize(object));
}

std::string intents(std::size_t count) {
  return fmt::format("{} {}", count, count == 1 ? "intent" : "intents");
}

std::string is_or_are(std::size_t count) {
  return count == 1 ? "is" : "are";
}

Result<engine::SignerId> signer_of(const engine::Settings& settings) {
  if (settings.on_paper())
    return fail(errc::kConfiguration, "the venue is \"paper\": no account signs anything");
  SEP_TRY(const auto key, load_signer(settings.signer));
  return engine::SignerId{settings.chain.chain_id, key.address()};
}

// ---- sep signer status ----

/// A nonce on the record that the chain does not count yet.
struct OpenNonce {
  std::uint64_t nonce = 0;
  std::string intent_id;
  std::string kind;  // of the last attempt
  std::string tx_hash;
  std::uint64_t attempts = 0;
  bool broadcast = false;
  Timestamp prepared_at;
};

struct RecordSide {
  std::optional<Control> control;
  bool all_halted = false;
  std::uint64_t next_nonce = 0;
  std::vector<OpenNonce> open;  // of those that the chain does not count
};
/// What the router may take of a token.
struct Allowance {
  engine::Token token;
  Uint256 amount;  // base units, not zero
};
struct ChainSide {
  std::uint64_t latest = 0;
  std::uint64_t pending = 0;
  Uint256 balance_wei;
  std::vector<Allowance> allowances;
};
/// Who drives the account; nobody where no orchestrator holds its lease.
using Driver = std::optional<services::LeaseHolder>;

OpenNonce open_nonce(std::uint64_t nonce, std::string_view correlation_id,
                     const std::vector<engine::Envelope>& history) {
  OpenNonce open{.nonce = nonce, .intent_id = std::string(engine::intent_id_of(correlation_id))};
  for (const auto& event : history) {
    if (event.topic == engine::topic::kExecStepPrepared && get_uint(event.payload, "nonce") == nonce) {
      ++open.attempts;
      open.kind = string_or(event.payload, "kind");
      open.tx_hash = string_or(event.payload, "txHash");
      open.prepared_at = event.timestamp;
      open.broadcast = false;
    } else if (event.topic == engine::topic::kExecStepSubmitted &&
               string_or(event.payload, "txHash") == open.tx_hash) {
      open.broadcast = true;
    }
  }
  return open;
}

/// `counted`: how many transactions of the account the chain has; nothing where it did not say.
Task<Result<RecordSide>> ask_record(RecordClient& record, engine::SignerId signer,
                                    std::optional<std::uint64_t> counted) {
  RecordSide side;
  SEP_CO_TRY(const auto controls, co_await record.controls());
  if (const auto found = controls.find(engine::correlation_of(signer)); found != controls.end())
    side.control = found->second;
  side.all_halted = engine::halted(controls, engine::kControlCorrelation) != nullptr;
  json::object question{{"chain_id", signer.chain_id}, {"account", to_hex(signer.account)}};
  SEP_CO_TRY(const auto next, co_await record.query(services::subject::kNextNonce, question));
  SEP_CO_TRY(side.next_nonce, get_uint(next, "next"));
  if (!counted) co_return side;
  question["from"] = *counted;
  SEP_CO_TRY(const auto nonces, co_await record.query(services::subject::kNonces, std::move(question)));
  SEP_CO_TRY(const auto list, get_array(nonces, "nonces"));
  std::map<std::string, std::vector<engine::Envelope>> histories;
  for (const auto& element : list) {
    const auto correlation_id = string_or(element.as_object(), "correlation_id");
    if (!histories.contains(correlation_id)) {
      SEP_CO_TRY(histories[correlation_id], co_await record.history(correlation_id));
    }
    SEP_CO_TRY(const auto nonce, get_uint(element.as_object(), "nonce"));
    side.open.push_back(open_nonce(nonce, correlation_id, histories[correlation_id]));
  }
  co_return side;
}

Result<ChainSide> ask_chain(const engine::Settings& settings, const Address& account) {
  return run_blocking([&](boost::asio::any_io_executor executor) -> Task<Result<ChainSide>> {
    node::Nodes node(executor, node::nodes_options(settings.chain));
    ChainSide side;
    SEP_CO_TRY(side.latest, co_await node.transaction_count(account, node::kLatest));
    SEP_CO_TRY(side.pending, co_await node.transaction_count(account, node::kPending));
    SEP_CO_TRY(side.balance_wei, co_await node.balance(account));
    for (const auto& token : settings.chain.tokens) {
      const auto question = uniswap::erc20::allowance(account, settings.chain.contracts.swap_router);
      SEP_CO_TRY(const auto returned,
                 co_await node.call({.to = token.address, .data = question}, node::kLatest));
      if (!returned)
        co_return fail(errc::kReverted, token.symbol + " does not say what the router may take of it");
      SEP_CO_TRY(const auto amount, uniswap::decode_uint(*returned));
      if (!amount.is_zero()) side.allowances.push_back({token, amount});
    }
    co_return side;
  });
}

Result<Driver> ask_driver(const engine::Settings& settings, const engine::SignerId& signer) {
  return with_bus(settings, [&](std::shared_ptr<bus::Bus> bus) -> Task<Result<Driver>> {
    const auto lease = co_await bus->get_key(std::string(services::kLeaseBucket),
                                             services::orchestrator_lease(signer.chain_id, signer.account));
    if (!lease && lease.error().code != errc::kNotFound) co_return fail(lease.error());
    if (!lease || !*lease) co_return Driver{};
    co_return services::lease_holder((*lease)->value);
  });
}

json::value driver_json(const Driver& driver) {
  if (!driver) return nullptr;
  return json::object{{"host", driver->host}, {"pid", driver->pid}, {"instance", driver->instance}};
}

json::object status_json(const engine::SignerId& signer, const Result<RecordSide>& record,
                         const Result<ChainSide>& chain, const Result<Driver>& driver) {
  json::object object{{"chain_id", signer.chain_id}, {"address", to_checksum(signer.account)}};
  if (record) {
    object["state"] = to_string(record->control ? record->control->state : ControlState::kActive);
    object["control"] = record->control ? json::value(engine::to_json(*record->control)) : nullptr;
    object["next_nonce"] = record->next_nonce;
    json::array open;
    for (const auto& nonce : record->open)
      open.push_back(json::object{{"nonce", nonce.nonce},
                                  {"intent_id", nonce.intent_id},
                                  {"kind", nonce.kind},
                                  {"tx_hash", nonce.tx_hash},
                                  {"attempts", nonce.attempts},
                                  {"broadcast", nonce.broadcast},
                                  {"prepared_at", to_rfc3339(nonce.prepared_at)}});
    object["open"] = std::move(open);
  }
  if (driver) object["driven_by"] = driver_json(*driver);
  if (chain) {
    object["latest_nonce"] = chain->latest;
    object["pending_nonce"] = chain->pending;
    object["balance"] = format_amount(chain->balance_wei, kWeiDecimals);
    json::array allowances;
    for (const auto& [token, amount] : chain->allowances)
      allowances.push_back(json::object{{"symbol", token.symbol},
                                        {"address", to_checksum(token.address)},
                                        {"amount", format_amount(amount, token.decimals)}});
    object["allowances"] = std::move(allowances);
  }
  return object;
}

void print_row(const std::string& name, const std::string& text) {
  print_line(fmt::format("  {:<10} {}", name, text));
}

void print_open(const RecordSide& record) {
  if (record.open.empty()) print_row("in flight", "nothing");
  for (const auto& open : record.open)
    print_row("in flight", fmt::format("nonce {}  {}, attempt {}, {} since {}  {}  intent {}", open.nonce,
                                       open.kind, open.attempts, open.broadcast ? "broadcast" : "prepared",
                                       to_rfc3339(open.prepared_at), open.tx_hash, open.intent_id));
}

std::string driver_text(const Result<Driver>& driver) {
  if (!driver) return "not known: " + driver.error().detail;
  if (!*driver) return "nobody: no orchestrator holds its lease";
  return fmt::format("process {} on {}", (*driver)->pid, (*driver)->host);
}

void print_allowances(const ChainSide& chain, const Address& router) {
  for (const auto& [token, amount] : chain.allowances)
    print_row("allowance", fmt::format("{} {} to the router {}", format_amount(amount, token.decimals),
                                       token.symbol, to_checksum(router)));
  if (chain.allowances.empty()) print_row("allowance", "none");
}

void print_status(const engine::SignerId& signer, const engine::Settings& settings,
                  const Result<RecordSide>& record, const Result<ChainSide>& chain,
                  const Result<Driver>& driver) {
  print_line(fmt::format("signer {} on chain {} ({})", to_checksum(signer.account), signer.chain_id,
                         settings.chain.name));
  if (record) {
    const bool halted = record->control && record->control->halted();
    print_row("state", halted            ? "HALTED " + describe(*record->control)
                       : record->control ? "active " + describe(*record->control)
                                         : "active, never halted");
    if (halted)
      print_row("", "It begins no transaction; `sep signer resume` once it is clear who uses the account.");
    if (record->all_halted) print_row("", "All new work is halted as well: `sep resume`.");
  } else {
    print_row("record", record.error().detail);
  }
  print_row("driven by", driver_text(driver));
  if (chain) {
    print_row("balance", format_amount(chain->balance_wei, kWeiDecimals) + " ETH");
    print_allowances(*chain, settings.chain.contracts.swap_router);
    print_row("chain", fmt::format("next nonce {}, with what is pending {}", chain->latest, chain->pending));
  } else {
    print_row("chain", "the node does not answer: " + chain.error().detail);
  }
  if (!record) return;
  print_row("record", fmt::format("next nonce {}", record->next_nonce));
  if (!chain) return;
  print_open(*record);
  if (chain->latest > record->next_nonce && record->next_nonce > 0)
    print_row("note", fmt::format("nonces {} to {} were used by somebody else", record->next_nonce,
                                  chain->latest - 1));
}

}  // namespace

std::string who() {
  const auto* entry = getpwuid(geteuid());
  const auto host = services::host_name();
  return fmt::format("{}@{}", entry != nullptr ? entry->pw_name : std::to_string(geteuid()).c_str(),
                     host.empty() ? "localhost" : host)
      .substr(0, 128);  // the longest that schema/common's `actor` takes
}

int run_halt(const engine::Settings& settings, const ControlOptions& options) {
  const auto standing = with_record(settings, [&](RecordClient& record) {
    return set(record, std::string(engine::kControlCorrelation), ControlState::kHalted, reason_of(options));
  });
  if (!standing) return unreachable(standing.error());
  if (options.json) {
    print_json(*standing);
    return kExitOk;
  }
  print_line(fmt::format("{} {}", standing->answer.changed ? "All new work is halted" : "Halted already",
                         describe(standing->answer.control)));
  print_line(standing->executing == 0
                 ? "  Nothing is in flight, and no new work is begun."
                 : fmt::format("  {} in flight {} followed to {} end; no new work is begun.",
                               intents(standing->executing), is_or_are(standing->executing),
                               standing->executing == 1 ? "its" : "their"));
  if (standing->waiting != 0)
    print_line(fmt::format("  {} of which nothing was sent {} refused.", intents(standing->waiting),
                           is_or_are(standing->waiting)));
  print_line("  New intents are taken in and refused by risk with KILL_SWITCH, until `sep resume`.");
  return kExitOk;
}

int run_resume(const engine::Settings& settings, const ControlOptions& options) {
  const auto standing = with_record(settings, [&](RecordClient& record) {
    return set(record, std::string(engine::kControlCorrelation), ControlState::kActive, reason_of(options));
  });
  if (!standing) return unreachable(standing.error());
  if (options.json) {
    print_json(*standing);
    return kExitOk;
  }
  const auto& control = standing->answer.control;
  print_line(standing->answer.changed ? "New work is accepted again, " + describe(control)
             : control.sequence == 0  ? "Nothing to resume: new work was never halted"
                                      : "Nothing to resume: new work is accepted, " + describe(control));
  if (standing->halted_signers != 0)
    print_line("  An account is halted by itself: `sep signer status` says why.");
  if (settings.risk.kill_switch)
    print_line("  The configuration says risk.kill_switch = true: that stops new work as well.");
  return kExitOk;
}

int run_signer_resume(const engine::Settings& settings, const ControlOptions& options) {
  const auto signer = signer_of(settings);
  if (!signer) return unreachable(signer.error());
  const auto standing = with_record(settings, [&](RecordClient& record) {
    return set(record, engine::correlation_of(*signer), ControlState::kActive, reason_of(options));
  });
  if (!standing) return unreachable(standing.error());
  if (options.json) {
    print_json(*standing);
    return kExitOk;
  }
  const auto& control = standing->answer.control;
  const auto account = to_checksum(signer->account);
  print_line(standing->answer.changed
                 ? fmt::format("{} begins transactions again, {}", account, describe(control))
             : control.sequence == 0
                 ? fmt::format("Nothing to resume: {} was never halted", account)
                 : fmt::format("Nothing to resume: {} is active, {}", account, describe(control)));
  return kExitOk;
}

int run_signer_status(const engine::Settings& settings, const ControlOptions& options) {
  const auto signer = signer_of(settings);
  if (!signer) return unreachable(signer.error());
  const auto chain = ask_chain(settings, signer->account);
  const auto counted = chain ? std::optional(chain->latest) : std::nullopt;
  const auto record =
      with_record(settings, [&](RecordClient& client) { return ask_record(client, *signer, counted); });
  const auto driver = ask_driver(settings, *signer);
  if (options.json)
    print_line(json::serialize(status_json(*signer, record, chain, driver)));
  else
    print_status(*signer, settings, record, chain, driver);
  return record && chain ? kExitOk : kExitUnreachable;
}

}  // namespace sep::app
