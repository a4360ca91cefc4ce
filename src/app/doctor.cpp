#include "app/doctor.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/blocking.h"
#include "app/client.h"
#include "app/parts.h"
#include "app/signer.h"
#include "base/decimal.h"
#include "bus/bus.h"
#include "ethereum/abi.h"
#include "node/nodes.h"
#include "store/event_store.h"
#include "store/read_models.h"
#include "uniswap/contracts.h"

namespace sep::app {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

/// Prints checks as they are made, and remembers whether all passed.
class Report {
 public:
  void ok(const std::string& what, const std::string& detail) { line("ok", what, detail); }
  void failed(const std::string& what, const std::string& detail) {
    line("FAILED", what, detail);
    ++failures_;
  }
  /// One check, from what it answered.
  void check(const std::string& what, const Result<std::string>& outcome) {
    if (outcome)
      ok(what, *outcome);
    else
      failed(what, outcome.error().detail);
  }
  int failures() const { return failures_; }

 private:
  static void line(const char* verdict, const std::string& what, const std::string& detail) {
    fmt::print("{:<6}  {:<25}  {}\n", verdict, what, detail);
    std::fflush(stdout);
  }
  int failures_ = 0;
};

// ---- this machine ----

Result<std::string> path_of(const Result<std::filesystem::path>& found) {
  if (!found) return fail(found.error());
  return found->string();
}

void check_programs(Report& report) {
  report.check("nats-server", path_of(find_program("nats-server")));
  report.check("postgres", path_of(find_postgres()));
  report.check("redis-server", path_of(find_program("redis-server")));
  report.check("anvil", path_of(find_anvil()));
  report.check("node", path_of(find_node()));
}

Result<std::string> check_signer(const engine::SignerSettings& settings) {
  SEP_TRY(const auto key, load_signer(settings));
  const bool devnet = settings.kind == engine::SignerSettings::Kind::kDevnet;
  return fmt::format("{}{}", to_checksum(key.address()), devnet ? " (the local chain's well-known key)" : "");
}

/// Either sep answers there, or nobody does and the address is free.
Result<std::string> check_gateway(const engine::GatewaySettings& settings) {
  const auto url = fmt::format("http://{}:{}", settings.host, settings.port);
  const auto answer = http_request("GET", url + "/readyz", {}, {}, milliseconds(5000));
  if (answer) {
    const auto document = parse_json(answer->body);
    if (document && document->is_object() && document->as_object().contains("dependencies"))
      return fmt::format("{} {}", url, answer->status == 200 ? "is ready" : "answers, but is not ready");
    return fail(errc::kConfiguration, fmt::format("another program answers at {}", url));
  }
  SEP_CHECK(free_port(settings.host, settings.port, {}));
  return fmt::format("{} is free; sep does not run there", url);
}

// ---- servers ----

Result<std::string> check_postgres(const std::string& conninfo) {
  if (conninfo.empty()) return fail(errc::kConfiguration, "endpoints.postgres is empty");
  SEP_TRY(auto record, store::EventStore::open(conninfo, store::EventStore::Role::kReader));
  SEP_TRY(const auto engine, record.record_engine());
  const auto last = record.last_global_sequence();
  const auto events = last ? fmt::format("{} events on record", *last) : "no schema yet";
  if (engine == store::RecordEngine::kTimescaleDb) return "TimescaleDB, a hypertable; " + events;
  return "PostgreSQL without TimescaleDB: the record is a plain table; " + events;
}

Result<std::string> check_nats(const std::string& url) {
  if (url.empty()) return fail(errc::kConfiguration, "endpoints.nats is empty");
  return run_blocking([&](asio::any_io_executor executor) -> asio::awaitable<Result<std::string>> {
    SEP_CO_TRY(const auto bus, bus::Bus::connect(executor, {.url = url, .name = "sep doctor"}));
    const auto info = co_await bus->stream_info("EVENTS");
    if (!info && info.error().code != errc::kNotFound) co_return fail(info.error());
    co_return info ? fmt::format("JetStream, {} events in the stream", info->messages)
                   : "JetStream, the stream is not made yet";
  });
}

Result<std::string> check_redis(const std::string& socket) {
  if (socket.empty()) return fail(errc::kConfiguration, "endpoints.redis is empty");
  SEP_TRY(auto models, store::ReadModels::open(socket));
  SEP_TRY(const auto head, models.head());
  return fmt::format("read models up to event {}", head);
}

// ---- the chain ----

using Outcome = Result<std::string>;

class ChainChecks {
 public:
  ChainChecks(asio::any_io_executor executor, const engine::ChainSettings& chain, Report& report)
      : chain_(chain), report_(report), executor_(executor), node_(executor, node::nodes_options(chain)) {}

  asio::awaitable<void> run() {
    co_await check_endpoints();
    if (reached_ == 0) co_return;  // every further line would say the same
    report_.check("eth_simulateV1", co_await check_simulation());
    const auto& contracts = chain_.contracts;
    for (const auto& [name, address] :
         std::vector<std::pair<std::string, Address>>{{"factory", contracts.factory},
                                                      {"swap router", contracts.swap_router},
                                                      {"quoter", contracts.quoter},
                                                      {"tick lens", contracts.tick_lens},
                                                      {"position manager", contracts.position_manager},
                                                      {"weth", contracts.weth}})
      report_.check("contract " + name, co_await check_code(address));
    report_.check("router's factory", co_await check_router("factory()", contracts.factory));
    report_.check("router's weth", co_await check_router("WETH9()", contracts.weth));
    for (const auto& token : chain_.tokens)
      report_.check("token " + token.symbol, co_await check_token(token));
    for (const auto& pool : chain_.pools)
      report_.check(fmt::format("pool {}/{} {}", pool.token_a, pool.token_b, pool.fee_pips),
                    co_await check_pool(pool));
  }

 private:
  /// One line for each endpoint: what runs there, its chain, and how far it is behind the others.
  asio::awaitable<void> check_endpoints() {
    if (chain_.endpoints.empty())
      report_.failed("node", "neither chain.rpc_url nor a [[chain.endpoint]] is set");
    std::vector<Result<Answering>> answers;
    std::uint64_t highest = 0;
    std::size_t readers = 0;
    for (const auto& endpoint : chain_.endpoints) {
      answers.push_back(co_await ask_endpoint(endpoint));
      if (!answers.back()) continue;
      highest = std::max(highest, answers.back()->block);
      if (!endpoint.read) continue;
      ++reached_;
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto& endpoint = chain_.endpoints[i];
      readers += endpoint.read ? 1 : 0;
      report_.check("node " + node::endpoint_name(endpoint), verdict(endpoint, answers[i], highest));
    }
    if (readers == 2)
      report_.ok("agreement", "both endpoints must say the same: three survive the loss of one");
  }

  struct Answering {
    std::string version;
    std::uint64_t chain_id = 0;
    std::uint64_t block = 0;
  };
  asio::awaitable<Result<Answering>> ask_endpoint(engine::NodeEndpoint endpoint) {
    node::Node node(executor_, node::node_options(endpoint));
    Answering answering;
    SEP_CO_TRY(answering.chain_id, co_await node.chain_id());
    if (!endpoint.read) co_return answering;
    SEP_CO_TRY(answering.version, co_await node.client_version());
    SEP_CO_TRY(const auto head, co_await node.header(node::kLatest));
    answering.block = head ? head->number : 0;
    co_return answering;
  }

  Outcome verdict(const engine::NodeEndpoint& endpoint, const Result<Answering>& answer,
                  std::uint64_t highest) const {
    if (!answer) return fail(answer.error());
    if (answer->chain_id != chain_.chain_id)
      return fail(errc::kChainMismatch, fmt::format("the node serves chain {}, the configuration says {}",
                                                    answer->chain_id, chain_.chain_id));
    if (!endpoint.read) return fmt::format("chain {}, for submission alone", answer->chain_id);
    const auto behind = highest - answer->block;
    const auto text = fmt::format("{}, chain {}, at block {}{}{}", answer->version, answer->chain_id,
                                  answer->block, behind > 0 ? fmt::format(", {} behind", behind) : "",
                                  endpoint.submit ? "" : ", never submitted to");
    if (behind > chain_.max_lag_blocks)
      return fail(errc::kNodeError, text + ": its answers do not count (chain.max_lag_blocks)");
    return text;
  }

  asio::awaitable<Outcome> check_simulation() {
    const auto answer =
        co_await node_.simulate({node::CallRequest{.to = chain_.contracts.weth}}, node::kLatest);
    if (answer) co_return "supported";
    if (answer.error().unsupported())
      co_return "not supported; plans with an approval are checked by eth_call alone";
    co_return fail(answer.error());
  }

  asio::awaitable<Outcome> check_code(Address address) {
    SEP_CO_TRY(const auto code, co_await node_.code(address));
    if (code.empty()) co_return fail(errc::kConfiguration, to_checksum(address) + " holds no contract");
    co_return fmt::format("{}, {} bytes", to_checksum(address), code.size());
  }

  /// What a view function returns; an error where it reverts.
  asio::awaitable<Result<Bytes>> view(Address contract, Bytes calldata) {
    SEP_CO_TRY(auto executed, co_await node_.call({.to = contract, .data = std::move(calldata)}));
    if (!executed) co_return fail(errc::kReverted, fmt::format("{} refuses the call", to_checksum(contract)));
    co_return std::move(*executed);
  }

  asio::awaitable<Outcome> check_router(std::string function, Address expected) {
    const auto selector = abi::selector(function);
    SEP_CO_TRY(const auto returned,
               co_await view(chain_.contracts.swap_router, Bytes(selector.begin(), selector.end())));
    SEP_CO_TRY(const auto address, uniswap::decode_address(returned));
    if (address != expected)
      co_return fail(errc::kConfiguration, fmt::format("the router says {}, the configuration {}",
                                                       to_checksum(address), to_checksum(expected)));
    co_return to_checksum(address);
  }

  asio::awaitable<Outcome> check_token(engine::Token token) {
    SEP_CO_TRY(const auto decimals_bytes, co_await view(token.address, uniswap::erc20::decimals()));
    SEP_CO_TRY(const auto decimals, uniswap::decode_uint(decimals_bytes));
    SEP_CO_TRY(const auto symbol_bytes, co_await view(token.address, uniswap::erc20::symbol()));
    SEP_CO_TRY(const auto symbol, uniswap::erc20::decode_symbol(symbol_bytes));
    if (decimals != Uint256(token.decimals))
      co_return fail(errc::kConfiguration, fmt::format("has {} decimals, the configuration says {}",
                                                       to_string(decimals), token.decimals));
    if (symbol != token.symbol)
      co_return fail(errc::kConfiguration, fmt::format("calls itself '{}'", symbol));
    co_return fmt::format("{}, {} decimals", to_checksum(token.address), token.decimals);
  }

  asio::awaitable<Outcome> check_pool(engine::PoolKey pool) {
    const auto calldata =
        uniswap::factory::get_pool(address_of(pool.token_a), address_of(pool.token_b), pool.fee_pips);
    SEP_CO_TRY(const auto returned, co_await view(chain_.contracts.factory, calldata));
    SEP_CO_TRY(const auto address, uniswap::decode_address(returned));
    if (address.is_zero()) co_return fail(errc::kConfiguration, "the factory has no such pool");
    co_return to_checksum(address);
  }

  /// The configuration was checked: pools name configured tokens only.
  Address address_of(const std::string& symbol) const {
    const auto token = std::ranges::find(chain_.tokens, symbol, &engine::Token::symbol);
    SEP_ASSERT(token != chain_.tokens.end());
    return token->address;
  }

  const engine::ChainSettings& chain_;
  Report& report_;
  asio::any_io_executor executor_;
  node::Nodes node_;
  std::size_t reached_ = 0;  // endpoints that are read and answered
};

}  // namespace

int run_doctor(const engine::Settings& settings) {
  Report report;
  check_programs(report);
  if (!settings.on_paper()) report.check("signer", check_signer(settings.signer));
  report.check("record", check_postgres(settings.endpoints.postgres));
  report.check("bus", check_nats(settings.endpoints.nats_url));
  report.check("read models", check_redis(settings.endpoints.redis_socket));
  report.check("gateway", check_gateway(settings.gateway));
  if (settings.market.pools_file.empty())
    run_blocking([&](asio::any_io_executor executor) -> asio::awaitable<bool> {
      ChainChecks checks(executor, settings.chain, report);
      co_await checks.run();
      co_return true;
    });
  fmt::print("{}\n", report.failures() == 0 ? "everything is in order"
                                            : fmt::format("{} of these checks failed", report.failures()));
  return report.failures() == 0 ? 0 : 1;
}

}  // namespace sep::app
