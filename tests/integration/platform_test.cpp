// The platform from an intent to its fill: the real `sep up`, Uniswap's contracts on a local chain, every
// pair in both directions, many at once, the same one twice; the event stream, the command line, the replay.
#include "support/platform.h"

#include <csignal>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/blocking.h"
#include "app/process.h"
#include "app/up.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/ulid.h"
#include "bus/bus.h"
#include "gateway/validation.h"
#include "services/record_client.h"

namespace sep {
namespace {

using std::chrono::milliseconds;
using support::Events;
using support::field;
using support::need;
using support::Platform;
using testing::ElementsAre;
using testing::HasSubstr;

/// One platform for all tests of this program; each test compares with where it began.
class PlatformTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { platform_ = std::make_unique<Platform>(); }
  static void TearDownTestSuite() { platform_.reset(); }
  static Platform& platform() { return *platform_; }

 private:
  static inline std::unique_ptr<Platform> platform_;
};

struct Trade {
  const char* type;
  const char* amount;
  const char* base;
  const char* quote;
};

class Trades : public PlatformTest, public testing::WithParamInterface<Trade> {};

TEST_P(Trades, FillsExactlyAsUniswapItselfQuoted) {
  const auto [type, amount, base, quote] = GetParam();
  const bool acquire = std::string_view(type) == "acquire";
  platform().await_market();
  const auto before = platform().mark();
  const auto quoted =
      format_amount(platform().quoter(type, amount, base, quote), platform().token(quote).decimals);
  const auto id = platform().submit(platform().intent(type, amount, base, quote));
  const auto events = platform().await_end(id);

  EXPECT_THAT(support::topics_of(events),
              ElementsAre("intent.submitted", "risk.approved", "intent.accepted", "plan.created",
                          "exec.started", "exec.step_prepared", "exec.step_prepared", "exec.step_submitted",
                          "exec.step_submitted", "exec.step_filled", "exec.step_filled", "exec.completed"));
  support::expect_unbroken(events);
  const auto plan = events[3].at("payload").as_object();
  const auto& swap = plan.at("steps").as_array().back().as_object();
  EXPECT_EQ(string_or(swap, acquire ? "amount_out" : "amount_in"), amount);
  EXPECT_EQ(string_or(swap, acquire ? "amount_in" : "amount_out"), quoted);
  const auto& completed = events.back();
  EXPECT_EQ(field(completed, acquire ? "amountOut" : "amountIn"), amount);
  EXPECT_EQ(field(completed, acquire ? "amountIn" : "amountOut"), quoted);  // nobody else traded
  platform().expect_reconciled(before);

  ASSERT_TRUE(support::eventually(
      [&] { return string_or(platform().get("/intents/" + id), "state") == "completed"; }));
  const auto view = platform().get("/intents/" + id);
  EXPECT_EQ(string_or(view, "latest_plan_id"), string_or(plan, "planId"));
  EXPECT_EQ(string_or(view.at("summary").as_object(), "tx_hash"), field(completed, "txHash"));
  EXPECT_EQ(string_or(platform().get("/plans/" + string_or(plan, "planId")), "state"), "completed");
}

INSTANTIATE_TEST_SUITE_P(
    EveryPair, Trades,
    testing::Values(Trade{"acquire", "1", "WETH", "USDC"}, Trade{"dispose", "2.5", "WETH", "USDC"},
                    Trade{"acquire", "1000", "USDC", "WETH"}, Trade{"dispose", "777.123456", "USDC", "WETH"},
                    Trade{"acquire", "0.05", "WBTC", "WETH"}, Trade{"dispose", "0.12345678", "WBTC", "WETH"},
                    Trade{"acquire", "0.500000000000000001", "WETH", "WBTC"},
                    Trade{"dispose", "3.000000000000000001", "WETH", "WBTC"},
                    Trade{"acquire", "5000", "USDC", "DAI"}, Trade{"dispose", "9999.999999", "USDC", "DAI"},
                    Trade{"acquire", "250.5", "DAI", "USDC"},
                    Trade{"dispose", "1.000000000001", "DAI", "USDC"}),
    [](const auto& info) {
      return fmt::format("{}_{}_{}_{}", info.index, info.param.type, info.param.base, info.param.quote);
    });

TEST_F(PlatformTest, HundredTogetherAreFilledEachAtItsOwnNonces) {
  const auto before = platform().mark();
  const auto first_nonce = platform().nonce();
  std::vector<json::object> intents;
  for (int i = 0; i < 25; ++i) {
    intents.push_back(platform().intent("acquire", fmt::format("0.0{}", 11 + i), "WETH", "USDC"));
    intents.push_back(platform().intent("dispose", fmt::format("0.0{}", 12 + i), "WETH", "USDC"));
    intents.push_back(platform().intent("acquire", fmt::format("0.00{}", 11 + i), "WBTC", "WETH"));
    intents.push_back(platform().intent("dispose", fmt::format("1{}.5", i), "USDC", "DAI"));
  }
  for (auto& intent : intents) intent["constraints"].as_object()["max_slippage"] = "0.05";
  const auto ids = platform().submit_together(intents);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), intents.size());
  std::set<std::int64_t> nonces;
  for (const auto& id : ids) {
    const auto events = platform().await_end(id, milliseconds(120'000));
    EXPECT_EQ(support::topic_of(events.back()), "exec.completed")
        << id << " " << field(events.back(), "detail");
    support::expect_unbroken(events);
    for (const auto& event : events)
      if (support::topic_of(event) == "exec.step_prepared")
        EXPECT_TRUE(nonces.insert(event.at("payload").at("nonce").as_int64()).second)
            << "a nonce used twice: " << id;
  }
  EXPECT_EQ(*nonces.begin(), static_cast<std::int64_t>(first_nonce));
  EXPECT_EQ(nonces.size(), platform().nonce() - first_nonce);
  platform().expect_reconciled(before);
}

// --- What is refused at the door

/// One fault of an otherwise good intent, and where the answer must see it.
struct Fault {
  std::string pointer;  // also where the value goes
  json::value value;
  std::string code;
};

/// Sets or adds the member, or sets the element.
void put(json::value& document, const std::string& pointer, const json::value& value) {
  const auto slash = pointer.rfind('/');
  auto& parent = document.at_pointer(pointer.substr(0, slash));
  const auto key = pointer.substr(slash + 1);
  if (parent.is_array())
    parent.as_array().at(std::stoul(key)) = value;
  else
    parent.as_object()[key] = value;
}

TEST_F(PlatformTest, FaultyIntentsAreNamedAndNothingIsRecorded) {
  const json::string most(78, '9');  // above 2^256 - 1
  const std::vector<Fault> faults{
      {"/amount", "0", "INVALID_AMOUNT"},
      {"/amount", "-1", "INVALID_AMOUNT"},
      {"/amount", "1e3", "INVALID_AMOUNT"},
      {"/amount", "", "INVALID_AMOUNT"},
      {"/amount", "1.0000000000000000001", "TOO_MANY_DECIMALS"},
      {"/amount", most, "AMOUNT_OVERFLOW"},
      {"/amount", 1, "WRONG_TYPE"},
      {"/amount", 1.5, "WRONG_TYPE"},
      {"/assets/0/address", json::string(to_checksum(platform().account(3))), "UNKNOWN_ASSET"},
      {"/assets/0/symbol", "USDC", "UNKNOWN_ASSET"},
      {"/assets/1/decimals", 18, "UNKNOWN_ASSET"},
      {"/intent_type", "hold", "INVALID_VALUE"},
      {"/strategy_id", "a strategy", "INVALID_VALUE"},
      {"/constraints/max_slippage", "1", "INVALID_VALUE"},
      {"/constraints/max_slippage", 0.01, "WRONG_TYPE"},
      {"/constraints/time_window", 0, "INVALID_VALUE"},
      {"/constraints/time_window", 86401, "INVALID_VALUE"},
      {"/constraints/time_window", "300", "WRONG_TYPE"},
      {"/constraints/execution_style", "hasty", "INVALID_VALUE"},
      {"/surprise", true, "UNKNOWN_FIELD"},
      {"/constraints/surprise", true, "UNKNOWN_FIELD"},
  };
  const auto head = platform().record_head();
  for (const auto& fault : faults) {
    json::value document = platform().intent("acquire", "1", "WETH", "USDC");
    put(document, fault.pointer, fault.value);
    const auto answer = platform().http("POST", "/intents", json::serialize(document));
    EXPECT_EQ(answer.status, 400U) << json::serialize(document);
    EXPECT_EQ(answer.content_type, "application/problem+json");
    const auto problem = need(parse_json(answer.body), "the problem");
    bool named = false;
    for (const auto& error : problem.at("errors").as_array())
      named = named || (error.at("pointer") == json::value(fault.pointer) &&
                        error.at("code") == json::value(fault.code));
    EXPECT_TRUE(named) << fault.pointer << " " << json::serialize(fault.value) << ": " << answer.body;
  }
  EXPECT_EQ(platform().record_head(), head);
}

TEST_F(PlatformTest, WhatIsNoIntentIsRefusedAndNothingIsRecorded) {
  const auto head = platform().record_head();
  const auto unknown = new_ulid();
  const auto expect = [&](const std::string& method, const std::string& path, const std::string& body,
                          unsigned status, const std::string& code) {
    const auto answer = platform().http(method, path, body);
    EXPECT_EQ(answer.status, status) << method << " " << path;
    EXPECT_EQ(string_or(need(parse_json(answer.body), path).as_object(), "code"), code) << answer.body;
  };
  expect("POST", "/intents", "{\"strategy_id\": ", 400, "MALFORMED_JSON");
  expect("POST", "/intents", "[]", 400, "VALIDATION_FAILED");
  expect("POST", "/intents", std::string(10'000'000, ' '), 413, "BODY_TOO_LARGE");
  expect("PUT", "/intents", "{}", 405, "METHOD_NOT_ALLOWED");
  expect("GET", "/intents/42", "", 400, "INVALID_ID");
  for (const auto* path : {"/intents/", "/plans/"}) expect("GET", path + unknown, "", 404, "NOT_FOUND");
  expect("GET", "/intents/" + unknown + "/events", "", 404, "NOT_FOUND");
  expect("POST", "/intents/" + unknown + "/cancel", "", 404, "NOT_FOUND");
  expect("GET", "/no/such/path", "", 404, "NOT_FOUND");
  EXPECT_EQ(platform().record_head(), head);
}

// --- The same one twice

TEST_F(PlatformTest, OneKeyIsOneIntent) {
  const auto intent = platform().intent("acquire", "0.01", "WETH", "USDC");
  const app::HttpHeaders key{{"Idempotency-Key", new_ulid()}};
  const auto head = platform().record_head();
  std::vector<std::string> ids(20);
  std::vector<std::thread> clients;
  for (auto& id : ids) clients.emplace_back([&] { id = platform().submit(intent, key); });
  for (auto& client : clients) client.join();
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 1U);
  platform().await_end(ids.front());
  EXPECT_EQ(platform().submit(intent, key), ids.front());

  const auto other = platform().http(
      "POST", "/intents", json::serialize(platform().intent("acquire", "0.02", "WETH", "USDC")), key);
  EXPECT_EQ(other.status, 409U);
  EXPECT_THAT(other.body, HasSubstr("IDEMPOTENCY_CONFLICT"));
  int submitted = 0;
  for (const auto& event : platform().record(head))
    submitted += support::topic_of(event) == "intent.submitted";
  EXPECT_EQ(submitted, 1);
}

/// An intent that nobody works on: its time window is as long as may be, and only its first event is made
/// here.
services::AppendRequest first_event(Platform& platform) {
  const auto id = new_ulid();
  services::AppendRequest request;
  auto intent = platform.intent("acquire", "0.01", "WETH", "USDC");
  request.events = services::next_events(
      "intent-" + id, std::nullopt, {{"intent.submitted", {{"intentId", id}, {"intent", intent}}}}, now());
  return request;
}

services::AppendAnswer append(const std::string& nats, services::AppendRequest request) {
  return need(app::run_blocking([&](boost::asio::any_io_executor executor)
                                    -> boost::asio::awaitable<Result<services::AppendAnswer>> {
                SEP_CO_TRY(auto bus, bus::Bus::connect(executor, {.url = nats, .name = "test"}));
                auto answer = co_await services::RecordClient(bus).append(request);
                bus->close();
                co_return answer;
              }),
              "record.append");
}

TEST_F(PlatformTest, AnEventAppendedTwiceIsOnTheRecordOnce) {
  using Status = services::AppendAnswer::Status;
  const auto nats = platform().stack().address("nats");
  const auto request = first_event(platform());
  const auto head = platform().record_head();
  EXPECT_EQ(append(nats, request).status, Status::kCommitted);
  EXPECT_EQ(append(nats, request).status, Status::kDuplicate);
  platform().await_end(request.events.front().correlation_id.substr(7));
  EXPECT_EQ(append(nats, request).status, Status::kDuplicate);  // also long after

  auto second = request;  // another event in the same place
  second.events.front().event_id = new_ulid();
  const auto answer = append(nats, second);
  EXPECT_EQ(answer.status, Status::kConflict);
  ASSERT_TRUE(answer.head);
  EXPECT_EQ(answer.head->state, engine::State::kCompleted);
  int found = 0;
  for (const auto& event : platform().record(head))
    found += string_or(event, "eventId") == request.events.front().event_id;
  EXPECT_EQ(found, 1);
}

TEST_F(PlatformTest, ANonceBelongsToOneIntent) {
  using Status = services::AppendAnswer::Status;
  const auto nats = platform().stack().address("nats");
  // An account that is not the platform's, so that its nonces are not touched.
  const services::NonceRequest nonce{31337, platform().account(5), 7};
  auto one = first_event(platform());
  auto two = first_event(platform());
  one.nonces = two.nonces = {nonce};
  EXPECT_EQ(append(nats, one).status, Status::kCommitted);
  const auto refused = append(nats, two);
  EXPECT_EQ(refused.status, Status::kConflict);
  EXPECT_EQ(refused.reason, "NONCE_CLAIMED");
  two.nonces.front().nonce = 8;
  EXPECT_EQ(append(nats, two).status, Status::kCommitted);  // the refused one left nothing behind
  for (const auto* request : {&one, &two})
    platform().await_end(request->events.front().correlation_id.substr(7));
}

// --- The event stream

bool of_interest(const json::object& event) {
  const auto topic = support::topic_of(event);
  return topic.starts_with("intent.") || topic.starts_with("exec.");
}

std::vector<std::string> ids_of(const Events& events) {
  std::vector<std::string> ids;
  for (const auto& event : events)
    if (of_interest(event)) ids.push_back(string_or(event, "eventId"));
  return ids;
}

TEST_F(PlatformTest, AStreamTakenUpAgainHasNeitherGapNorRepeat) {
  const auto head = platform().record_head();
  std::vector<json::object> intents(12, platform().intent("dispose", "0.01", "WETH", "USDC"));
  Events seen;
  auto next = head + 1;
  std::size_t completed = 0;
  std::thread client([&] { platform().submit_together(intents); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (completed < intents.size() && std::chrono::steady_clock::now() < deadline) {
    // Ten events, then the connection is gone and another begins behind the last one.
    auto stream = need(app::EventStream::open(platform().stack().address(),
                                              {.topics = {"intent.*", "exec.*"}, .from_sequence = next}),
                       "the stream");
    for (int i = 0; i < 10 && completed < intents.size(); ++i) {
      const auto event = need(stream.next(milliseconds(30'000)), "the stream");
      if (!event) break;
      seen.push_back(*event);
      next = static_cast<std::uint64_t>(event->at("globalSequence").as_int64()) + 1;
      completed += support::topic_of(*event) == "exec.completed";
    }
  }
  client.join();
  EXPECT_EQ(completed, intents.size());
  EXPECT_EQ(ids_of(seen), ids_of(platform().record(head)));
}

TEST_F(PlatformTest, AStreamOfOneIntentStartsWhereItIsAskedTo) {
  const auto id = platform().submit(platform().intent("dispose", "0.01", "WETH", "USDC"));
  const auto all = platform().await_end(id);
  support::expect_unbroken(all);
  auto stream = need(app::EventStream::open(platform().stack().address(),
                                            {.correlation_id = "intent-" + id, .from_sequence = 5}),
                     "the stream");
  for (std::size_t i = 4; i < all.size(); ++i) {
    const auto event = need(stream.next(milliseconds(10'000)), "the stream");
    ASSERT_TRUE(event);
    EXPECT_EQ(canonical_json(*event), canonical_json(all[i]));
  }
  const auto page = need(parse_json(platform().http("GET", "/intents/" + id + "/events").body), "the events");
  ASSERT_EQ(page.at("events").as_array().size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(canonical_json(page.at("events").as_array()[i]), canonical_json(all[i]));
}

// --- The command line

support::CommandResult sep_at(Platform& platform, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--http", platform.stack().address()});
  return support::run_sep(std::move(arguments));
}

TEST_F(PlatformTest, CommandsTellHowItEnded) {
  const auto filled = sep_at(platform(), {"submit", "acquire", "0.1", "WETH", "USDC", "--wait"});
  EXPECT_EQ(filled.code, 0) << filled.err;
  EXPECT_THAT(filled.out, HasSubstr("Bought 0.1 WETH"));
  const auto rejected = sep_at(platform(), {"submit", "acquire", "100", "WETH", "USDC", "--wait"});
  EXPECT_EQ(rejected.code, 1) << rejected.err;
  EXPECT_THAT(rejected.out, HasSubstr("NOTIONAL_LIMIT"));
  const auto malformed = sep_at(platform(), {"submit", "acquire", "1e3", "WETH", "USDC"});
  EXPECT_EQ(malformed.code, 2);
  EXPECT_THAT(malformed.err, HasSubstr("/amount"));

  const auto lines = sep_at(platform(), {"submit", "dispose", "0.1", "WETH", "USDC", "--wait", "--json"});
  EXPECT_EQ(lines.code, 0) << lines.err;
  Events events;
  std::istringstream text(lines.out);
  for (std::string line; std::getline(text, line);)
    events.push_back(need(parse_json(line), line).as_object());
  support::expect_unbroken(events);
  const auto id = field(events.front(), "intentId");

  const auto listed = need(parse_json(sep_at(platform(), {"list", "--limit", "3", "--json"}).out), "list");
  EXPECT_EQ(listed.as_array().size(), 3U);
  EXPECT_EQ(string_or(listed.as_array().front().as_object(), "intent_id"), id);
  const auto shown = need(parse_json(sep_at(platform(), {"show", id, "--json"}).out), "show");
  EXPECT_THAT(json::serialize(shown), HasSubstr(field(events.back(), "txHash")));
  EXPECT_EQ(sep_at(platform(), {"show", new_ulid()}).code, 2);
  EXPECT_EQ(sep_at(platform(), {"cancel", id}).code, 2);  // it has ended

  const auto quoted =
      need(parse_json(sep_at(platform(), {"quote", "acquire", "1", "WETH", "USDC", "--json"}).out), "quote");
  EXPECT_EQ(string_or(quoted.as_object(), "amount_in"),
            format_amount(platform().quoter("acquire", "1", "WETH", "USDC"), 6));
  const auto doctor = support::run_sep({"doctor", "--data-dir", platform().stack().directory().string()});
  EXPECT_EQ(doctor.code, 0) << doctor.out << doctor.err;
  EXPECT_THAT(support::run_sep({"version"}).out, HasSubstr("sep "));
}

// --- What the pages ask for

void expect_valid(gateway::SchemaId schema, const json::object& document) {
  for (const auto& fault : gateway::validate(schema, document))
    ADD_FAILURE() << schema << fault.pointer << " " << fault.message << "\n" << json::serialize(document);
}

std::vector<std::string> ids_of_page(const json::object& page) {
  std::vector<std::string> ids;
  for (const auto& view : page.at("intents").as_array())
    ids.push_back(string_or(view.as_object(), "intent_id"));
  return ids;
}

TEST_F(PlatformTest, TheAccountIsWhatTheChainSays) {
  platform().await_market();
  const auto account = platform().get("/account");
  expect_valid("api/account", account);
  EXPECT_EQ(account.at("address").as_string(), to_checksum(platform().account()));
  EXPECT_EQ(account.at("fresh"), true);
  const auto balances = platform().balances();
  EXPECT_EQ(account.at("tokens").as_array().size(), balances.size());
  for (const auto& entry : account.at("tokens").as_array()) {
    const auto symbol = std::string(entry.at("asset").at("symbol").as_string());
    EXPECT_EQ(entry.at("balance").as_string(),
              format_amount(balances.at(symbol), platform().token(symbol).decimals))
        << symbol;
    EXPECT_FALSE(entry.at("value_usd").is_null()) << symbol;
  }
  const auto wei = platform().rpc("eth_getBalance", {to_hex(platform().account()), "latest"}).as_string();
  EXPECT_EQ(account.at("native").at("balance").as_string(), format_amount(parse_quantity(wei).value(), 18));
}

TEST_F(PlatformTest, TheStatusOfASoundPlatformIsSound) {
  // The last work done is acknowledged, and every service was heard of.
  EXPECT_TRUE(support::eventually([] {
    const auto status = platform().get("/status");
    return std::ranges::all_of(status.at("streams").as_array(),
                               [](const auto& lag) { return lag.at("pending") == 0; }) &&
           std::ranges::all_of(status.at("services").as_array(),
                               [](const auto& service) { return service.at("instances") == 1; });
  }));
  const auto status = platform().get("/status");
  expect_valid("api/status", status);
  EXPECT_EQ(status.at("ready"), true) << json::serialize(status);
  for (const auto* part : {"dependencies", "services", "streams"})
    for (const auto& entry : status.at(part).as_array())
      EXPECT_EQ(entry.at("ok"), true) << json::serialize(entry);
  EXPECT_EQ(status.at("services").as_array().size(), 7U);
  EXPECT_EQ(status.at("streams").as_array().size(), 6U);
  EXPECT_EQ(status.at("pools").as_array().size(), platform().settings().chain.pools.size());
  EXPECT_EQ(status.at("record").at("last_global_sequence").to_number<std::uint64_t>(),
            platform().record_head());
  EXPECT_EQ(status.at("signer").at("nonce").to_number<std::uint64_t>(), platform().nonce());
}

// A part that stands still keeps its connections: nothing but the lack of an answer tells.
TEST_F(PlatformTest, TheStatusTellsInTimeOfAPartThatStandsStill) {
  for (const std::string part : {"redis", "nats"}) {
    ASSERT_TRUE(platform().stack().signal(part, SIGSTOP));
    const auto asked_at = std::chrono::steady_clock::now();
    const auto status = platform().get("/status");
    const auto took = std::chrono::steady_clock::now() - asked_at;
    platform().stack().signal(part, SIGCONT);
    EXPECT_LT(took, milliseconds(2'500)) << part;
    EXPECT_EQ(status.at("ready"), false) << part;
    for (const auto& dependency : status.at("dependencies").as_array())
      if (dependency.at("name").as_string() == part) EXPECT_EQ(dependency.at("ok"), false) << part;
    EXPECT_TRUE(support::eventually([] { return platform().get("/status").at("ready") == true; })) << part;
  }
}

TEST_F(PlatformTest, TheStatusTellsOfAServiceThatIsGone) {
  const auto count = [](std::string_view name) {
    for (const auto& service : platform().get("/status").at("services").as_array())
      if (service.at("name").as_string() == name) return service.at("instances").as_int64();
    return std::int64_t{-1};
  };
  // A second planner beside the platform's own, and its end.
  app::Command command{.argv = {support::sep_binary().string(), "serve", "--services", "planner"}};
  for (const auto& file : app::config_files_of(platform().stack().directory())) {
    command.argv.emplace_back("--config");
    command.argv.push_back(file.string());
  }
  auto second = support::need(app::Process::spawn(command), "sep serve");
  EXPECT_TRUE(support::eventually([&] { return count("planner") == 2; }));
  EXPECT_EQ(count("risk"), 1);
  second.terminate(milliseconds(10'000));
  EXPECT_TRUE(support::eventually([&] { return count("planner") == 1; }));
}

TEST_F(PlatformTest, IntentsAreFoundByTransactionStateTimeAndStrategy) {
  const auto before = platform().get("/stats?window=15m");
  expect_valid("api/stats", before);
  auto intent = platform().intent("acquire", "0.1", "WETH", "USDC");
  intent["strategy_id"] = "pages-" + new_ulid();
  const auto id = platform().submit(intent);
  const auto events = platform().await_end(id);
  ASSERT_EQ(support::topic_of(events.back()), "exec.completed");
  const auto submitted_at = string_or(events.front(), "timestamp");
  ASSERT_TRUE(support::eventually(
      [&] { return string_or(platform().get("/intents/" + id), "state") == "completed"; }));

  using Ids = std::vector<std::string>;
  for (const auto& event : events) {
    if (support::topic_of(event) != "exec.step_prepared") continue;
    const auto page = platform().get("/intents?tx_hash=" + field(event, "txHash"));
    expect_valid("api/intent_page", page);
    EXPECT_EQ(ids_of_page(page), Ids{id});
  }
  EXPECT_EQ(ids_of_page(platform().get("/intents?tx_hash=0x" + std::string(64, '0'))), Ids{});

  const auto of_strategy = "/intents?strategy_id=" + string_or(intent, "strategy_id");
  EXPECT_EQ(ids_of_page(platform().get(of_strategy + "&state=failed,completed")), Ids{id});
  EXPECT_EQ(ids_of_page(platform().get(of_strategy + "&state=failed,executing")), Ids{});
  EXPECT_EQ(ids_of_page(platform().get("/intents?since=" + submitted_at)), Ids{id});
  const auto later = to_rfc3339(parse_rfc3339(submitted_at)->plus_ms(1));
  EXPECT_EQ(ids_of_page(platform().get("/intents?since=" + later)), Ids{});

  const auto strategies = platform().get("/strategies?limit=200");
  expect_valid("api/strategy_list", strategies);
  EXPECT_THAT(json::serialize(strategies.at("strategies")), HasSubstr(string_or(intent, "strategy_id")));
  const auto first = platform().get("/strategies?limit=1");
  EXPECT_EQ(first.at("strategies").as_array().size(), 1U);
  EXPECT_EQ(first.at("next_cursor"), first.at("strategies").at(0));
  EXPECT_EQ(
      platform().get("/strategies?limit=1&cursor=" + string_or(first, "next_cursor")).at("strategies").at(0),
      strategies.at("strategies").at(1));

  for (const std::string window : {"15m", "1h", "24h", "7d"}) {
    const auto stats = platform().get("/stats?window=" + window);
    expect_valid("api/stats", stats);
    EXPECT_EQ(stats.at("window").at("name").as_string(), window);
    EXPECT_GE(stats.at("window").at("totals").at("completed").as_int64(), 1);
  }
  EXPECT_FALSE(platform().get("/stats").contains("window"));
}

TEST_F(PlatformTest, SettingsAndAssetsAreKnownToWhoeverHasThem) {
  expect_valid("api/platform", platform().get("/platform"));
  expect_valid("api/token_list", platform().get("/assets"));
  for (const std::string path : {"/platform", "/assets", "/openapi.json"})
    EXPECT_EQ(platform().http("GET", path, {}, {{"If-None-Match", "*"}}).status, 304U) << path;
}

TEST_F(PlatformTest, APongSaysHowOldWhatItShowsIs) {
  namespace beast = boost::beast;
  platform().await_market();
  const auto address = platform().stack().address();
  boost::asio::io_context io;
  beast::websocket::stream<boost::asio::ip::tcp::socket> socket(io);
  const auto port = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
  socket.next_layer().connect({boost::asio::ip::make_address("127.0.0.1"), port});
  socket.handshake("localhost", "/stream");
  socket.write(boost::asio::buffer(std::string(R"({"action": "ping"})")));
  beast::flat_buffer buffer;
  socket.read(buffer);
  const auto pong = need(parse_json(beast::buffers_to_string(buffer.data())), "the pong").as_object();
  expect_valid("api/stream_reply", pong);
  EXPECT_EQ(pong.at("globalSequence").to_number<std::uint64_t>(), platform().record_head());
  EXPECT_EQ(pong.at("blockNumber").to_number<std::uint64_t>(), platform().block_number());
  EXPECT_LT(pong.at("blockAgeMs").as_int64(), 5'000);
}

// --- The replay; the last test, so that it has all that came before

TEST_F(PlatformTest, WhatIsRebuiltFromTheRecordIsWhatWasShown) {
  platform().expect_replay_equal();
  const auto head = platform().record_head();
  std::map<std::string, std::string> before;
  for (const auto& event : platform().record())
    if (support::topic_of(event) == "plan.created") {
      const auto intent = "/intents/" + field(event, "intentId");
      const auto plan = "/plans/" + field(event, "planId");
      before[intent] = platform().http("GET", intent).body;
      before[plan] = platform().http("GET", plan).body;
    }
  before["/strategies/test/positions"] = platform().http("GET", "/strategies/test/positions").body;
  const auto replayed = support::run_sep({"replay", "--data-dir", platform().stack().directory().string()});
  EXPECT_EQ(replayed.code, 0) << replayed.err;
  for (const auto& [path, body] : before) EXPECT_EQ(platform().http("GET", path).body, body) << path;
  EXPECT_EQ(platform().record_head(), head);
}

}  // namespace
}  // namespace sep
