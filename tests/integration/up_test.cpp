// `sep up` as an operator meets it: the real program, real servers, ended and killed.
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "app/client.h"
#include "support/stack.h"

namespace sep {
namespace {

using std::chrono::milliseconds;
using support::Stack;
using support::TempDir;
using testing::HasSubstr;

const std::vector<std::string> kProcesses{"anvil", "nats", "postgres", "redis", "services"};

std::vector<pid_t> pids_of(const Stack& stack) {
  std::vector<pid_t> pids;
  for (const auto& name : kProcesses) pids.push_back(stack.pid(name));
  return pids;
}

bool is_ready(const Stack& stack) {
  const auto answer = app::http_request("GET", stack.address() + "/readyz", {}, {}, milliseconds(5000));
  return answer && answer->status == 200;
}

std::string select(const std::string& conninfo, const std::string& query) {
  PGconn* connection = PQconnectdb(conninfo.c_str());
  PGresult* result = PQexec(connection, query.c_str());
  const bool has_row = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0;
  std::string text = has_row ? PQgetvalue(result, 0, 0) : PQerrorMessage(connection);
  PQclear(result);
  PQfinish(connection);
  return text;
}

#define ASSERT_STARTED(stack) ASSERT_TRUE(stack) << (stack).error().detail

TEST(Up, StartsEverythingStopsItAndFindsItAgain) {
  const TempDir dir;
  auto stack = Stack::start(dir / "data");
  ASSERT_STARTED(stack);
  EXPECT_TRUE(is_ready(**stack));
  const auto pids = pids_of(**stack);
  for (const auto pid : pids) EXPECT_GT(pid, 0);
  EXPECT_EQ(std::set<pid_t>(pids.begin(), pids.end()).size(), kProcesses.size());
  const auto http = (*stack)->address();
  const auto rpc = (*stack)->address("rpc");
  const auto conninfo = (*stack)->address("postgres");
  select(conninfo, "CREATE TABLE kept (value int)");
  select(conninfo, "INSERT INTO kept VALUES (7)");
  EXPECT_THAT((*stack)->output(), HasSubstr("sep is up"));
  EXPECT_THAT((*stack)->output(), HasSubstr(http));

  EXPECT_EQ((*stack)->stop(), (app::ExitStatus{.signalled = false, .code = 0}));
  for (const auto pid : pids) EXPECT_TRUE(support::wait_until_gone(pid, milliseconds(0)));
  EXPECT_FALSE(std::filesystem::exists(dir / "data/run.json"));

  stack = Stack::start(dir / "data");
  ASSERT_STARTED(stack);
  EXPECT_TRUE(is_ready(**stack));
  EXPECT_EQ((*stack)->address(), http);
  EXPECT_EQ((*stack)->address("rpc"), rpc);
  EXPECT_EQ(select((*stack)->address("postgres"), "SELECT value FROM kept"), "7");
}

TEST(Up, TwoSideBySideDoNotMeetAndOneDirectoryHoldsOne) {
  const TempDir dir;
  auto one = Stack::start(dir / "one");
  ASSERT_STARTED(one);
  auto two = Stack::start(dir / "two");
  ASSERT_STARTED(two);
  for (const char* name : {"http", "rpc", "nats", "redis", "postgres"})
    EXPECT_NE((*one)->address(name), (*two)->address(name)) << name;

  const auto refused = support::run_sep({"up", "--data-dir", dir / "one", "--http", "127.0.0.1:0"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("another `sep up` (process " + std::to_string((*one)->process().pid())));
  EXPECT_TRUE(is_ready(**one));  // the refused one touched nothing
  EXPECT_FALSE((*one)->run().empty());

  const auto port = (*one)->address().substr(std::string("http://").size());
  const auto taken = support::run_sep({"up", "--data-dir", dir / "three", "--http", port});
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err, HasSubstr(port + " cannot be used: Address already in use"));

  EXPECT_TRUE((*two)->stop().ok());
  EXPECT_TRUE(is_ready(**one));
}

TEST(Up, StartsAgainWhatDies) {
  const TempDir dir;
  auto stack = Stack::start(dir / "data");
  ASSERT_STARTED(stack);
  const auto http = (*stack)->address();
  const auto nats = (*stack)->address("nats");
  for (const auto* name : {"services", "nats", "postgres", "redis", "anvil"}) {
    const auto former = (*stack)->pid(name);
    ASSERT_GT(former, 0) << name;
    ::kill(former, SIGKILL);
    ASSERT_TRUE((*stack)->wait_for_restart(name, former)) << name << "\n" << (*stack)->output();
    EXPECT_THAT((*stack)->output(),
                HasSubstr(std::string(name) + std::string(11 - std::string(name).size(), ' ') +
                          "ended with signal 9"));
  }
  EXPECT_EQ((*stack)->address(), http);
  EXPECT_EQ((*stack)->address("nats"), nats);
  EXPECT_TRUE((*stack)->process().alive());
}

TEST(Up, GivesUpOnWhatKeepsDying) {
  const TempDir dir;
  auto stack = Stack::start(dir / "data");
  ASSERT_STARTED(stack);
  const auto others = pids_of(**stack);
  for (int i = 0; i < 5; ++i) {
    const auto former = (*stack)->pid("redis");
    ::kill(former, SIGKILL);
    ASSERT_TRUE((*stack)->wait_for_restart("redis", former)) << (*stack)->output();
  }
  ::kill((*stack)->pid("redis"), SIGKILL);
  const auto ended = (*stack)->process().wait(milliseconds(60'000));
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, (app::ExitStatus{.signalled = false, .code = 1}));
  EXPECT_THAT((*stack)->output(), HasSubstr("redis ended 6 times within 60 s"));
  for (const auto pid : others) EXPECT_TRUE(support::wait_until_gone(pid, milliseconds(0)));
}

TEST(Up, KilledItLeavesNothingRunning) {
  const TempDir dir;
  auto stack = Stack::start(dir / "data");
  ASSERT_STARTED(stack);
  const auto pids = pids_of(**stack);
  (*stack)->process().kill(SIGKILL);
  for (const auto pid : pids) EXPECT_TRUE(support::wait_until_gone(pid));
  stack = Stack::start(dir / "data");
  ASSERT_STARTED(stack);
  EXPECT_TRUE(is_ready(**stack));
}

TEST(Up, PartThatCannotStartIsNamedAndNothingStays) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "data/nats");
  std::ofstream(dir / "data/nats/data") << "a file where the store's directory should be";
  const auto result = support::run_sep({"up", "--data-dir", dir / "data", "--http", "127.0.0.1:0"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("sep up: nats did not start: it ended with exit code 1"));
  EXPECT_THAT(result.err, HasSubstr((dir / "data/logs/nats.log").string()));
  EXPECT_FALSE(std::filesystem::exists(dir / "data/run.json"));
  for (const char* part : {"postgres", "redis", "anvil"})
    EXPECT_FALSE(std::filesystem::exists(dir / "data" / part / (std::string(part) + ".id"))) << part;
}

TEST(Up, WrongConfigurationIsToldBeforeAnythingStarts) {
  const TempDir dir;
  std::ofstream(dir / "wrong.toml") << "[risk]\nmax_notionl_usd = \"1\"\n";
  const auto result = support::run_sep({"up", "--data-dir", dir / "data", "--config", dir / "wrong.toml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("max_notionl_usd"));
  EXPECT_FALSE(std::filesystem::exists(dir / "data/postgres"));
}

TEST(Command, UsageAndUnreachablePlatformHaveTheirExitCodes) {
  EXPECT_EQ(support::run_sep({"--help"}).code, 0);
  EXPECT_EQ(support::run_sep({}).code, 2);
  EXPECT_EQ(support::run_sep({"no-such-command"}).code, 2);
  EXPECT_EQ(support::run_sep({"submit", "buy", "1", "WETH", "USDC"}).code, 2);
  const auto nobody = support::run_sep({"--http", "http://127.0.0.1:9", "list"});
  EXPECT_EQ(nobody.code, 3);
  EXPECT_THAT(nobody.err, HasSubstr("no answer from http://127.0.0.1:9"));
  EXPECT_EQ(support::run_sep({"version"}).out, "sep 0.1.0\n");
}

}  // namespace
}  // namespace sep
