#include "support/platform.h"

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>

#include "app/config.h"
#include "base/decimal.h"
#include "base/hex.h"
#include "engine/topics.h"
#include "ethereum/hash.h"
#include "uniswap/contracts.h"

namespace sep::support {
namespace {

using Clock = std::chrono::steady_clock;
namespace topic = engine::topic;

constexpr std::size_t kConnections = 16;

const std::set<std::string> kTerminal{"risk.rejected", "plan.rejected",  "exec.completed",
                                      "exec.failed",   "intent.expired", "intent.cancelled"};

std::string text_of(const json::value& value) {
  return std::string(value.as_string());
}

Uint256 quantity(const json::value& value) {
  return need(parse_quantity(text_of(value)), "a quantity");
}

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// An address as a log's topic.
std::string topic_word(const Address& address) {
  return "0x" + std::string(24, '0') + to_hex(address).substr(2);
}

struct RecordedFill {
  std::string intent_id;
  Address token_in, token_out;
  Uint256 amount_in, amount_out;
};

/// The recorded fills of swaps, by transaction.
std::map<std::string, RecordedFill> fills_of(const Events& record) {
  std::map<std::string, json::object> swaps;  // by plan
  std::map<std::string, RecordedFill> fills;
  for (const auto& event : record) {
    if (topic_of(event) == topic::kPlanCreated)
      swaps[field(event, "planId")] = event.at("payload").at("steps").as_array().back().as_object();
    if (topic_of(event) == topic::kExecStepReorged) fills.erase(field(event, "txHash"));
    if (topic_of(event) != topic::kExecStepFilled || field(event, "amountIn") == "0") continue;
    const auto& swap = swaps.at(field(event, "planId"));
    const auto amount = [&](const char* key, const char* token) {
      return need(
          parse_decimal(field(event, key), static_cast<unsigned>(swap.at(token).at("decimals").as_int64())),
          "a fill's amount");
    };
    const auto address = [&](const char* token) {
      return need(parse_address(text_of(swap.at(token).at("address"))), "a token's address");
    };
    fills[field(event, "txHash")] = {field(event, "intentId"), address("token_in"), address("token_out"),
                                     amount("amountIn", "token_in"), amount("amountOut", "token_out")};
  }
  return fills;
}

}  // namespace

std::string topic_of(const json::object& event) {
  return string_or(event, "topic");
}

std::string field(const json::object& event, const std::string& key) {
  return string_or(event.at("payload").as_object(), key);
}

std::vector<std::string> topics_of(const Events& events) {
  std::vector<std::string> topics;
  for (const auto& event : events) topics.push_back(topic_of(event));
  return topics;
}

std::optional<json::object> find_event(const Events& events, const std::string& topic, const std::string& key,
                                       const std::string& value) {
  for (const auto& event : events)
    if (topic_of(event) == topic && (key.empty() || field(event, key) == value)) return event;
  return std::nullopt;
}

void expect_unbroken(const Events& events) {
  ASSERT_FALSE(events.empty());
  const auto correlation = string_or(events.front(), "correlationId");
  auto cause = correlation;
  std::int64_t sequence = 0;
  for (const auto& event : events) {
    EXPECT_EQ(event.at("sequence").as_int64(), ++sequence);
    EXPECT_EQ(string_or(event, "correlationId"), correlation);
    EXPECT_EQ(string_or(event, "causationId"), cause) << correlation << " sequence " << sequence;
    cause = string_or(event, "eventId");
  }
}

bool is_terminal_topic(const std::string& topic) {
  return kTerminal.contains(topic);
}

void expect_legal(const Events& events) {
  enum class State { kNone, kSubmitted, kAccepted, kPlanned, kExecuting, kEnded };
  // The diagram of SPEC.md, by topic: the states in which the event may come, and the one after it.
  struct Rule {
    std::set<State> in;
    std::optional<State> then{};
  };
  using enum State;
  const std::set<State> open{kSubmitted, kAccepted, kPlanned, kExecuting};
  const Rule in_execution{{kExecuting}};
  static const std::map<std::string, Rule> rules{
      {"intent.submitted", {{kNone}, kSubmitted}},
      {"risk.approved", {{kSubmitted, kPlanned, kExecuting}}},
      {"risk.rejected", {{kSubmitted}, kEnded}},
      {"intent.accepted", {{kSubmitted}, kAccepted}},
      {"plan.created", {{kAccepted, kPlanned, kExecuting}, kPlanned}},
      {"plan.rejected", {{kAccepted}, kEnded}},
      {"exec.started", {{kPlanned}, kExecuting}},
      {"exec.step_prepared", in_execution},
      {"exec.step_submitted", in_execution},
      {"exec.step_filled", in_execution},
      {"exec.step_reverted", in_execution},
      {"exec.step_reorged", in_execution},
      {"exec.completed", {{kExecuting}, kEnded}},
      {"exec.failed", {{kExecuting}, kEnded}},
      {"intent.expired", {open, kEnded}},
      {"intent.cancel_requested", {open}},
      {"intent.cancelled", {open, kEnded}}};
  auto state = kNone;
  for (const auto& event : events) {
    const auto rule = rules.find(topic_of(event));
    ASSERT_NE(rule, rules.end()) << topic_of(event);
    EXPECT_TRUE(rule->second.in.contains(state))
        << topic_of(event) << " after " << fmt::format("{}", fmt::join(topics_of(events), ", "));
    state = rule->second.then.value_or(state);
  }
}

// --- Starting

Platform::Platform(std::optional<std::string> configuration, StackOptions options)
    : configuration_(directory_ / "platform.toml") {
  std::ofstream(configuration_) << configuration.value_or(devnet_configuration());
  options.arguments.insert(options.arguments.end(), {"--config", configuration_.string()});
  stack_ = need(Stack::start(directory_ / "data", std::move(options)), "sep up");
  http_ = stack_->address();
  postgres_ = stack_->address("postgres");
  settings_ = need(app::load_settings(std::vector{configuration_}), "the configuration");
  // Only the chain that `sep up` made itself has its whole address in run.json.
  const auto& endpoints = settings_.chain.endpoints;
  rpc_ = endpoints.empty() ? stack_->address("rpc") : endpoints.front().rpc_url;
  for (const auto& account : rpc("eth_accounts").as_array())
    accounts_.push_back(need(parse_address(text_of(account)), "an account"));
}

std::string Platform::devnet_configuration(
    const std::vector<std::pair<std::string, std::string>>& replacements) {
  std::ifstream file(std::filesystem::path(SEP_SOURCE_DIR) / "config/devnet.toml");
  std::stringstream content;
  content << file.rdbuf();
  auto text = content.str();
  for (const auto& [from, to] : replacements) {
    const auto at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("config/devnet.toml has no " + from);
    text.replace(at, from.size(), to);
  }
  return text;
}

void Platform::reconfigure(const std::string& configuration) {
  std::ofstream(configuration_) << configuration;
  settings_ = need(app::load_settings(std::vector{configuration_}), "the configuration");
  const auto former = stack_->pid("services");
  if (!stack_->signal("services", SIGTERM) || !stack_->wait_for_restart("services", former))
    throw std::runtime_error(stack_->output());
}

const engine::Token& Platform::token(const std::string& symbol) const {
  for (const auto& token : settings_.chain.tokens)
    if (token.symbol == symbol) return token;
  throw std::runtime_error("no token " + symbol);
}

// --- The API

app::HttpAnswer Platform::http(const std::string& method, const std::string& path, const std::string& body,
                               const app::HttpHeaders& headers) const {
  return need(app::http_request(method, http_ + path, body, headers, milliseconds(30'000)),
              method + " " + path);
}

json::object Platform::get(const std::string& path) const {
  const auto answer = http("GET", path);
  if (answer.status != 200) throw std::runtime_error(path + ": " + answer.body);
  return need(parse_json(answer.body), path).as_object();
}

json::object Platform::asset(const std::string& symbol) const {
  const auto& known = token(symbol);
  return {{"symbol", symbol},
          {"chain", settings_.chain.name},
          {"address", to_checksum(known.address)},
          {"decimals", known.decimals}};
}

json::object Platform::intent(const std::string& type, const std::string& amount, const std::string& base,
                              const std::string& quote) const {
  return {{"strategy_id", "test"},
          {"intent_type", type},
          {"assets", json::array{asset(base), asset(quote)}},
          {"amount", amount},
          {"constraints", json::object{{"max_slippage", "0.01"}, {"time_window", 300}}}};
}

std::string Platform::submit(const json::object& intent, const app::HttpHeaders& headers) const {
  const auto answer = http("POST", "/intents", json::serialize(intent), headers);
  if (answer.status != 201) throw std::runtime_error("POST /intents: " + answer.body);
  return string_or(need(parse_json(answer.body), "POST /intents").as_object(), "intent_id");
}

std::vector<std::string> Platform::submit_together(const std::vector<json::object>& intents) const {
  std::vector<std::string> ids(intents.size());
  std::vector<std::thread> clients;
  for (std::size_t first = 0; first < std::min(kConnections, intents.size()); ++first)
    clients.emplace_back([&, first] {
      for (auto i = first; i < intents.size(); i += kConnections) {
        const auto answer = app::http_request("POST", http_ + "/intents", json::serialize(intents[i]), {},
                                              milliseconds(30'000));
        if (answer && answer->status == 201)
          ids[i] = string_or(parse_json(answer->body)->as_object(), "intent_id");
      }
    });
  for (auto& client : clients) client.join();
  for (const auto& id : ids)
    if (id.empty()) throw std::runtime_error("an intent was not answered with 201");
  return ids;
}

Events Platform::await(const std::string& id, const std::function<bool(const json::object&)>& is_last,
                       milliseconds timeout) const {
  auto stream = need(app::EventStream::open(http_, {.correlation_id = "intent-" + id,
                                                    .from_sequence = 1,
                                                    .give_up_after = milliseconds(60'000)}),
                     "the stream");
  const auto deadline = Clock::now() + timeout;
  Events events;
  while (events.empty() || !is_last(events.back())) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    auto event = left > milliseconds(0) ? need(stream.next(left), "the stream") : std::nullopt;
    if (!event)
      throw std::runtime_error(
          fmt::format("{}: what is awaited did not come; seen: {}", id, fmt::join(topics_of(events), ", ")));
    events.push_back(std::move(*event));
  }
  return events;
}

Events Platform::await_topic(const std::string& id, const std::string& wanted) const {
  return await(id, [&](const json::object& event) { return topic_of(event) == wanted; });
}

Events Platform::await_end(const std::string& id, milliseconds timeout) const {
  return await(id, [](const json::object& event) { return kTerminal.contains(topic_of(event)); }, timeout);
}

// --- The chain

json::value Platform::rpc(const std::string& method, json::array params) const {
  const json::object request{
      {"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}};
  const auto answer =
      need(app::http_request("POST", rpc_, json::serialize(request), {}, milliseconds(30'000)), method);
  const auto document = need(parse_json(answer.body, 64), method).as_object();
  if (!document.contains("result")) throw std::runtime_error(method + ": " + answer.body);
  return document.at("result");
}

std::uint64_t Platform::block_number() const {
  return quantity(rpc("eth_blockNumber")).to_u64();
}

std::uint64_t Platform::nonce() const {
  return quantity(rpc("eth_getTransactionCount", {to_hex(account()), "latest"})).to_u64();
}

Bytes Platform::call(const Address& to, const Bytes& data) const {
  const auto result = rpc("eth_call", {json::object{{"to", to_hex(to)}, {"data", to_hex(data)}}, "latest"});
  return need(from_hex(text_of(result)), "eth_call");
}

std::map<std::string, Uint256> Platform::balances() const {
  std::map<std::string, Uint256> balances;
  for (const auto& known : settings_.chain.tokens)
    balances[known.symbol] =
        need(uniswap::decode_uint(call(known.address, uniswap::erc20::balance_of(account()))), known.symbol);
  return balances;
}

Hash32 Platform::send(const ForeignTransaction& transaction) const {
  const Uint256 tip = Uint256(transaction.priority_fee_gwei) * pow10(9);
  json::object request{{"from", to_hex(transaction.from)},
                       {"to", to_hex(transaction.to)},
                       {"data", to_hex(transaction.data)},
                       {"value", to_quantity(transaction.value_wei)},
                       {"gas", to_quantity(Uint256(1'000'000U))},
                       {"maxPriorityFeePerGas", to_quantity(tip)},
                       {"maxFeePerGas", to_quantity(tip + pow10(11))}};
  if (transaction.nonce) request["nonce"] = to_quantity(Uint256(*transaction.nonce));
  return need(parse_hash(text_of(rpc("eth_sendTransaction", {request}))), "eth_sendTransaction");
}

void Platform::await_market() const {
  // A block may come while this waits: the present one is asked for anew.
  std::string wanted;
  const auto known = [&] {
    const auto document = need(parse_json(http("GET", "/readyz").body), "/readyz");
    wanted = "block " + std::to_string(block_number());
    return text_of(document.at("dependencies").at("market").at("detail")) == wanted;
  };
  if (!eventually(known)) throw std::runtime_error("the services do not see " + wanted);
}

Uint256 Platform::quoter(const std::string& type, const std::string& amount, const std::string& base,
                         const std::string& quote) const {
  const bool acquire = type == "acquire";
  const auto units = need(parse_amount(amount, token(base).decimals), "the amount");
  std::optional<Uint256> best;
  for (const auto& pool : settings_.chain.pools) {
    if (std::set{pool.token_a, pool.token_b} != std::set{base, quote}) continue;
    namespace quoter = uniswap::quoter;
    const auto data =
        acquire ? quoter::exact_output_single(token(quote).address, token(base).address, units, pool.fee_pips)
                : quoter::exact_input_single(token(base).address, token(quote).address, units, pool.fee_pips);
    const auto answer = need(quoter::decode(call(settings_.chain.contracts.quoter, data)), "QuoterV2").amount;
    if (!best) best = answer;
    best = acquire ? std::min(*best, answer) : std::max(*best, answer);
  }
  return best.value();
}

// --- The record

Events Platform::record(std::uint64_t after_global) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(postgres_.c_str()), &PQfinish);
  const auto query = fmt::format(
      "SELECT event_id, topic, correlation_id, causation_id, sequence, global_sequence, payload FROM events "
      "WHERE global_sequence > {} ORDER BY global_sequence",
      after_global);
  const std::unique_ptr<PGresult, decltype(&PQclear)> rows(PQexec(connection.get(), query.c_str()), &PQclear);
  if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(connection.get()));
  Events events;
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto column = [&](int index) { return std::string(PQgetvalue(rows.get(), row, index)); };
    events.push_back({{"eventId", column(0)},
                      {"topic", column(1)},
                      {"correlationId", column(2)},
                      {"causationId", column(3)},
                      {"sequence", std::stoll(column(4))},
                      {"globalSequence", std::stoll(column(5))},
                      {"payload", need(parse_json(column(6)), "a payload")}});
  }
  return events;
}

std::uint64_t Platform::record_head() const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(postgres_.c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> rows(
      PQexec(connection.get(), "SELECT coalesce(max(global_sequence), 0) FROM events"), &PQclear);
  if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(connection.get()));
  return std::stoull(PQgetvalue(rows.get(), 0, 0));
}

Mark Platform::mark() const {
  return {record_head(), block_number(), balances()};
}

void Platform::expect_reconciled(const Mark& before, const std::set<std::string>& foreign) const {
  const auto record = this->record(before.global_sequence);
  const auto fills = fills_of(record);

  // Balances move by exactly the fills.
  auto in = before.balances;  // what was there and came
  auto out = balances();      // what went and is there
  for (const auto& known : settings_.chain.tokens)
    for (const auto& [hash, fill] : fills) {
      if (fill.token_out == known.address) in[known.symbol] += fill.amount_out;
      if (fill.token_in == known.address) out[known.symbol] += fill.amount_in;
    }
  for (const auto& [symbol, amount] : in) EXPECT_EQ(to_string(amount), to_string(out[symbol])) << symbol;

  // Each transaction of the account that swapped is one fill, and the reverse; its Transfer logs, one a path
  // either way, carry the fill's amounts together.
  const auto logs_with = [&](json::array topics) {
    json::array logs;
    const auto all = rpc("eth_getLogs", {json::object{{"fromBlock", to_quantity(Uint256(before.block + 1))},
                                                      {"toBlock", "latest"},
                                                      {"topics", std::move(topics)}}});
    for (const auto& log : all.as_array())
      if (!foreign.contains(text_of(log.at("transactionHash")))) logs.push_back(log);
    return logs;
  };
  const auto swaps = logs_with({to_hex(uniswap::logs::kSwap), nullptr, topic_word(account())});
  std::set<std::string> swapped;
  for (const auto& log : swaps) swapped.insert(text_of(log.at("transactionHash")));
  EXPECT_EQ(swapped.size(), fills.size());
  for (const auto& [hash, fill] : fills) EXPECT_TRUE(swapped.contains(hash)) << fill.intent_id << " " << hash;
  const auto check_transfers = [&](json::array topics, Address RecordedFill::* token,
                                   Uint256 RecordedFill::* amount) {
    std::map<std::string, Uint256> moved;
    for (const auto& log : logs_with(std::move(topics))) {
      const auto fill = fills.find(text_of(log.at("transactionHash")));
      if (fill == fills.end()) {
        ADD_FAILURE() << "no fill for the transfer in " << text_of(log.at("transactionHash"));
        continue;
      }
      EXPECT_EQ(lower(text_of(log.at("address"))), to_hex(fill->second.*token));
      auto& sum = moved[fill->first];
      sum = sum + from_big_endian(need(from_hex(text_of(log.at("data"))), "a log"));
    }
    for (const auto& [hash, fill] : fills) EXPECT_EQ(to_string(moved[hash]), to_string(fill.*amount)) << hash;
  };
  check_transfers({to_hex(uniswap::logs::kTransfer), topic_word(account())}, &RecordedFill::token_in,
                  &RecordedFill::amount_in);
  check_transfers({to_hex(uniswap::logs::kTransfer), nullptr, topic_word(account())},
                  &RecordedFill::token_out, &RecordedFill::amount_out);

  // One fill for what completed, of what its end tells; none for what ended otherwise.
  std::map<std::string, json::object> last_fills;  // one that was reorganised may be filled anew
  for (const auto& event : record)
    if (topic_of(event) == topic::kExecStepFilled) last_fills[field(event, "txHash")] = event;
  std::map<std::string, std::vector<std::string>> fills_by_intent;
  for (const auto& [hash, fill] : fills) fills_by_intent[fill.intent_id].push_back(hash);
  for (const auto& event : record) {
    if (!kTerminal.contains(topic_of(event))) continue;
    const auto id = field(event, "intentId");
    const auto& own = fills_by_intent[id];
    EXPECT_EQ(own.size(), topic_of(event) == topic::kExecCompleted ? 1U : 0U) << id << " " << topic_of(event);
    if (topic_of(event) != topic::kExecCompleted || own.size() != 1) continue;
    EXPECT_EQ(own.front(), field(event, "txHash")) << id;
    for (const char* amount : {"amountIn", "amountOut"})
      EXPECT_EQ(field(event, amount), field(last_fills.at(own.front()), amount)) << id << " " << amount;
  }

  // What was mined in the account's name was prepared on the record; a nonce belongs to one intent.
  std::set<std::string> prepared;
  std::map<std::int64_t, std::string> nonces;
  for (const auto& event : record) {
    if (topic_of(event) != topic::kExecStepPrepared) continue;
    const auto hash = field(event, "txHash");
    EXPECT_EQ(hash, to_hex(keccak256(need(from_hex(field(event, "rawTx")), "rawTx")))) << "other bytes";
    prepared.insert(hash);
    const auto nonce = event.at("payload").at("nonce").as_int64();
    const auto [known, added] = nonces.try_emplace(nonce, field(event, "intentId"));
    EXPECT_EQ(known->second, field(event, "intentId")) << "nonce " << nonce;
  }
  std::set<std::int64_t> mined;
  for (auto number = before.block + 1; number <= block_number(); ++number) {
    const auto block = rpc("eth_getBlockByNumber", {to_quantity(Uint256(number)), true});
    for (const auto& transaction : block.at("transactions").as_array()) {
      if (lower(text_of(transaction.at("from"))) != to_hex(account())) continue;
      const auto hash = text_of(transaction.at("hash"));
      EXPECT_TRUE(prepared.contains(hash) || foreign.contains(hash)) << hash << " in block " << number;
      mined.insert(static_cast<std::int64_t>(quantity(transaction.at("nonce")).to_u64()));
    }
  }
  for (const auto& [nonce, intent] : nonces)
    EXPECT_TRUE(mined.contains(nonce)) << "nonce " << nonce << " of " << intent << " was left open";
}

std::map<std::string, std::size_t> Platform::swaps_by_intent(const Mark& before) const {
  std::map<std::string, std::string> intents;  // by transaction
  for (const auto& event : record(before.global_sequence))
    if (topic_of(event) == topic::kExecStepPrepared)
      intents[field(event, "txHash")] = field(event, "intentId");
  std::map<std::string, std::size_t> swaps;
  const auto logs =
      rpc("eth_getLogs",
          {json::object{{"fromBlock", to_quantity(Uint256(before.block + 1))},
                        {"toBlock", "latest"},
                        {"topics", {to_hex(uniswap::logs::kSwap), nullptr, topic_word(account())}}}});
  std::set<std::string> swapped;  // a transaction has one log of the account for each path
  for (const auto& log : logs.as_array()) swapped.insert(text_of(log.at("transactionHash")));
  for (const auto& hash : swapped) ++swaps[intents[hash]];
  return swaps;
}

void Platform::expect_replay_equal() const {
  const auto result = run_sep({"replay", "--verify", "--data-dir", stack_->directory().string()});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
}

}  // namespace sep::support
