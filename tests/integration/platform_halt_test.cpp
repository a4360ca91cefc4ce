// A whole platform is halted and resumed from a shell, under a stream of intents.
#include <csignal>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/blocking.h"
#include "base/decimal.h"
#include "base/json.h"
#include "services/record_client.h"
#include "support/platform.h"
#include "uniswap/contracts.h"

namespace sep {
namespace {

using std::chrono::milliseconds;
using support::Events;
using support::field;
using support::Platform;
using support::topic_of;
using testing::HasSubstr;
using testing::Not;

class PlatformHaltTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { platform_ = std::make_unique<Platform>(); }
  static void TearDownTestSuite() { platform_.reset(); }
  static Platform& platform() { return *platform_; }

  void SetUp() override {
    platform().await_market();
    before_ = platform().mark();
  }
  void TearDown() override {
    platform().rpc("evm_setAutomine", {true});
    platform().rpc("evm_mine");
    platform().expect_reconciled(before_);
    platform().expect_replay_equal();
  }

  /// `sep ARGUMENTS --data-dir …`, with a gateway's address where nobody listens: it must not need one.
  static support::CommandResult sep(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--http", "http://127.0.0.1:1"});
    arguments.insert(arguments.end(), {"--data-dir", platform().stack().directory().string()});
    return support::run_sep(std::move(arguments));
  }
  static void expect_sep(std::vector<std::string> arguments, const std::string& says) {
    const auto result = sep(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr(says));
  }
  static json::object small(int index) {
    auto intent = platform().intent("dispose", fmt::format("0.0{}", 11 + index), "WETH", "USDC");
    intent["constraints"].as_object()["max_slippage"] = "0.05";
    return intent;
  }
  static Events expect_end(const std::string& id, const std::string& topic, const std::string& reason = {}) {
    const auto events = platform().await_end(id);
    support::expect_unbroken(events);
    EXPECT_EQ(topic_of(events.back()), topic) << id << " " << field(events.back(), "detail");
    EXPECT_EQ(field(events.back(), "reason"), reason) << id;
    return events;
  }
  /// As the orchestrator does when it finds somebody else's transaction.
  static void halt_signer() {
    const engine::SignerId signer{platform().settings().chain.chain_id, platform().account()};
    const auto halted = app::run_blocking(
        [&](boost::asio::any_io_executor executor) -> services::Task<Result<services::ControlAnswer>> {
          SEP_CO_TRY(const auto bus, bus::Bus::connect(executor, {.url = platform().stack().address("nats"),
                                                                  .name = "test"}));
          services::RecordClient record(bus);
          auto answer = co_await record.halt_signer(signer, {.reason = std::string(errc::kForeignNonce),
                                                             .detail = "a test",
                                                             .by = "test",
                                                             .nonce = platform().nonce()});
          bus->close();
          co_return answer;
        });
    ASSERT_TRUE(halted.has_value()) << halted.error().detail;
    EXPECT_TRUE(halted->changed);
  }
  static const json::value& halted(const json::object& status) { return status.at("halted"); }

  support::Mark before_;

 private:
  static inline std::unique_ptr<Platform> platform_;
};

TEST_F(PlatformHaltTest, UnderAStreamOfIntentsWhatIsInFlightCompletesAndTheRestIsRefused) {
  constexpr int kClients = 4;
  constexpr int kIntents = 15;  // of each
  std::vector<std::vector<std::string>> ids(kClients);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; i < kIntents; ++i) ids[client].push_back(platform().submit(small(i)));
    });
  const auto count = [&](const std::string& topic) {
    return std::ranges::count(support::topics_of(platform().record(before_.global_sequence)), topic);
  };
  EXPECT_TRUE(support::eventually([&] { return count("exec.completed") >= 3; }));
  expect_sep({"halt", "--reason", "a test"}, "All new work is halted since ");
  for (auto& client : clients) client.join();
  const auto late = platform().submit(small(0));
  const auto rejected = expect_end(late, "risk.rejected", "KILL_SWITCH");
  const auto& checks = rejected.back().at("payload").at("checks").as_array();
  EXPECT_EQ(checks.at(0).at("check").as_string(), "kill_switch");
  EXPECT_THAT(std::string(checks.at(0).at("value").as_string()), HasSubstr("(USER_REQUEST: a test)"));

  int completed = 0;
  int refused = 0;
  for (const auto& of_client : ids)
    for (const auto& id : of_client) {
      const auto end = platform().await_end(id).back();
      if (topic_of(end) == "exec.completed") {
        ++completed;
        continue;
      }
      ++refused;
      EXPECT_EQ(field(end, "reason"), "KILL_SWITCH")
          << id << " " << topic_of(end) << " " << field(end, "detail");
    }
  EXPECT_GE(completed, 3);
  EXPECT_EQ(completed + refused, kClients * kIntents);

  // The record itself: nothing begins behind the halt, and whatever had begun before it was completed.
  std::set<std::string> in_flight;
  bool halted = false;
  for (const auto& event : platform().record(before_.global_sequence)) {
    const auto topic = topic_of(event);
    const auto id = string_or(event, "correlationId");
    if (topic == "control.halted") halted = true;
    if (topic == "exec.step_prepared" && !halted) in_flight.insert(id);
    if (topic == "exec.completed") in_flight.erase(id);
    if (!halted) continue;
    EXPECT_NE(topic, "intent.accepted");
    EXPECT_NE(topic, "plan.created");
    EXPECT_NE(topic, "exec.step_prepared") << "nothing was stuck, so nothing was replaced";
  }
  EXPECT_TRUE(halted);
  EXPECT_TRUE(in_flight.empty());

  expect_sep({"resume"}, "New work is accepted again");
  expect_end(platform().submit(small(1)), "exec.completed");
}

TEST_F(PlatformHaltTest, OutlivesTheServicesAndIsToldEverywhere) {
  platform().rpc("evm_setAutomine", {false});
  const auto flying = platform().submit(small(0));
  platform().await_topic(flying, "exec.step_submitted");
  expect_sep({"halt"}, "1 intent in flight is followed to its end");
  expect_sep({"halt", "--reason", "again"}, "Halted already since ");
  EXPECT_TRUE(support::eventually([] { return halted(platform().get("/status")).is_object(); }));
  EXPECT_EQ(platform().get("/readyz").at("ready"), true);

  const auto former = platform().stack().pid("services");
  ASSERT_EQ(::kill(former, SIGKILL), 0);
  ASSERT_TRUE(platform().stack().wait_for_restart("services", former)) << platform().stack().output();
  platform().await_market();
  EXPECT_TRUE(support::eventually([] { return halted(platform().get("/status")).is_object(); }));
  EXPECT_THAT(platform().http("GET", "/metrics").body, HasSubstr("sep_halted{what=\"control\"} 1"));
  expect_end(platform().submit(small(1)), "risk.rejected", "KILL_SWITCH");
  platform().rpc("evm_setAutomine", {true});
  platform().rpc("evm_mine");
  expect_end(flying, "exec.completed");

  expect_sep({"resume"}, "New work is accepted again");
  expect_sep({"resume"}, "Nothing to resume");
  EXPECT_TRUE(support::eventually([] { return halted(platform().get("/status")).is_null(); }));
  EXPECT_THAT(platform().http("GET", "/metrics").body, HasSubstr("sep_halted{what=\"control\"} 0"));
  expect_end(platform().submit(small(2)), "exec.completed");
}

TEST_F(PlatformHaltTest, AHaltedAccountMakesExecutionsWaitUntilItIsResumedOrTheirWindowEnds) {
  platform().rpc("evm_setAutomine", {false});
  const auto flying = platform().submit(small(0));
  platform().await_topic(flying, "exec.step_submitted");
  halt_signer();
  const auto waiting = platform().submit(small(1));
  auto brief = small(2);
  brief["constraints"].as_object()["time_window"] = 4;
  const auto expiring = platform().submit(brief);
  platform().await_topic(waiting, "plan.created");
  expect_end(expiring, "intent.expired", "TIME_WINDOW");

  const auto status = sep({"signer", "status"});
  EXPECT_EQ(status.code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("HALTED since "));
  EXPECT_THAT(status.out, HasSubstr("by test (FOREIGN_NONCE: a test)"));
  EXPECT_THAT(status.out, HasSubstr(fmt::format("nonce {}", platform().nonce())));
  EXPECT_THAT(status.out, HasSubstr("intent " + flying));
  EXPECT_THAT(status.out, Not(HasSubstr(waiting)));
  EXPECT_THAT(status.out, HasSubstr(fmt::format("process {} on ", platform().stack().pid("services"))));
  EXPECT_TRUE(support::eventually([] { return halted(platform().get("/account")).is_object(); }));
  EXPECT_EQ(string_or(halted(platform().get("/status").at("signer").as_object()).as_object(), "reason"),
            "FOREIGN_NONCE");

  // What is in flight goes on; what waits has prepared nothing.
  platform().rpc("evm_setAutomine", {true});
  platform().rpc("evm_mine");
  expect_end(flying, "exec.completed");
  EXPECT_EQ(platform().get("/intents/" + waiting).at("state"), "planned");

  expect_sep({"signer", "resume", "--reason", "a test"}, "begins transactions again");
  expect_end(waiting, "exec.completed");
  EXPECT_TRUE(support::eventually([] { return halted(platform().get("/account")).is_null(); }));
  expect_sep({"signer", "resume"}, "Nothing to resume");
  expect_sep({"signer", "status"}, "nothing");
  // What is bought for less than the most that it may cost leaves an allowance: told as the chain has it.
  expect_end(platform().submit(platform().intent("acquire", "0.01", "WETH", "USDC")), "exec.completed");
  const auto told =
      support::need(parse_json(sep({"signer", "status", "--json"}).out), "signer status").as_object();
  const auto driver = told.at("driven_by").as_object();
  EXPECT_EQ(string_or(driver, "pid"), std::to_string(platform().stack().pid("services")));
  std::set<std::string> symbols;
  for (const auto& allowance : told.at("allowances").as_array()) {
    const auto& token = platform().token(string_or(allowance.as_object(), "symbol"));
    symbols.insert(token.symbol);
    const auto returned = platform().call(
        token.address,
        uniswap::erc20::allowance(platform().account(), platform().settings().chain.contracts.swap_router));
    EXPECT_EQ(string_or(allowance.as_object(), "amount"),
              format_amount(support::need(uniswap::decode_uint(returned), "an allowance"), token.decimals));
  }
  EXPECT_TRUE(symbols.contains("USDC"));
}

TEST_F(PlatformHaltTest, TheCommandsSayWhatTheyCannotDo) {
  const auto nowhere = support::run_sep({"halt", "--data-dir", "/nonexistent"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("no `sep up` has run in /nonexistent"));
  const auto pid = platform().stack().pid("services");
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const auto silent = sep({"halt"});
  ::kill(pid, SIGCONT);
  EXPECT_EQ(silent.code, 3);
  EXPECT_THAT(silent.err, HasSubstr("the state coordinator does not answer"));
}

}  // namespace
}  // namespace sep
