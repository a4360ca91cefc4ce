// The private servers of src/app/parts.h, started for real.
#include "app/parts.h"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/client.h"
#include "support/platform.h"
#include "support/temp_dir.h"

namespace sep::app {
namespace {

using std::chrono::milliseconds;
using support::eventually;
using support::TempDir;

std::string detail_of(const auto& result) {
  return result ? "" : result.error().detail;
}

bool exists(pid_t pid) {
  return std::filesystem::exists("/proc/" + std::to_string(pid));
}

/// Whether a process that is nobody's child here ends within five seconds.
bool ends(pid_t pid) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return true;
  pollfd entry{pidfd, POLLIN, 0};
  const bool ended = ::poll(&entry, 1, 5000) == 1;
  ::close(pidfd);
  return ended;
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

TEST(Nats, KeepsItsAddressOverAKill) {
  const TempDir dir;
  auto nats = start_nats(dir / "nats");
  ASSERT_TRUE(nats) << detail_of(nats);
  const auto url = (*nats)->url();
  const auto first_pid = (*nats)->pid();
  (*nats)->kill(SIGKILL);
  ASSERT_TRUE((*nats)->wait(milliseconds(5000)));
  ASSERT_TRUE((*nats)->start());
  EXPECT_EQ((*nats)->url(), url);
  EXPECT_NE((*nats)->pid(), first_pid);
}

TEST(Nats, TwoInDifferentDirectoriesDoNotMeet) {
  const TempDir dir;
  auto one = start_nats(dir / "one");
  auto two = start_nats(dir / "two");
  ASSERT_TRUE(one) << detail_of(one);
  ASSERT_TRUE(two) << detail_of(two);
  EXPECT_NE((*one)->url(), (*two)->url());
}

TEST(Nats, TakesAnotherPortWhereTheFormerIsTaken) {
  const TempDir dir;
  auto one = start_nats(dir / "one");
  ASSERT_TRUE(one) << detail_of(one);
  std::filesystem::create_directories(dir / "two");
  std::filesystem::copy_file(dir / "one/port", dir / "two/port");
  auto two = start_nats(dir / "two");
  ASSERT_TRUE(two) << detail_of(two);
  EXPECT_NE((*one)->url(), (*two)->url());
}

TEST(Nats, LeftoverOfAnEarlierStartIsStopped) {
  const TempDir dir;
  // What a start that was killed leaves: a server without parent, and the file that names it.
  auto stale = Process::spawn({.argv = {"sleep", "300"}});
  ASSERT_TRUE(stale) << detail_of(stale);
  std::filesystem::create_directories(dir / "nats");
  ASSERT_TRUE(PidFile(dir / "nats/nats.id").write(stale->pid()));
  auto nats = start_nats(dir / "nats");
  ASSERT_TRUE(nats) << detail_of(nats);
  const auto ended = stale->wait(milliseconds(0));
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, (ExitStatus{.signalled = true, .code = SIGTERM}));
}

TEST(Nats, ErrorNamesPartReasonAndLog) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "nats");
  std::ofstream(dir / "nats/data") << "a file where the store's directory should be";
  const auto nats = start_nats(dir / "nats");
  ASSERT_FALSE(nats);
  EXPECT_NE(nats.error().detail.find("nats did not start: it ended with exit code 1"), std::string::npos)
      << nats.error().detail;
  EXPECT_NE(nats.error().detail.find("not a directory"), std::string::npos) << nats.error().detail;
  EXPECT_NE(nats.error().detail.find((dir / "nats/nats.log").string()), std::string::npos)
      << nats.error().detail;
}

TEST(Postgres, KeepsDataOverStopAndKill) {
  const TempDir dir;  // made by mkdtemp with 0700: as root, user `postgres` may not enter it
  auto postgres = start_postgres(dir / "postgres");
  ASSERT_TRUE(postgres) << detail_of(postgres);
  select((*postgres)->conninfo(), "CREATE TABLE kept (value int)");
  select((*postgres)->conninfo(), "INSERT INTO kept VALUES (7)");
  (*postgres)->kill(SIGKILL);
  ASSERT_TRUE((*postgres)->wait(milliseconds(5000)));
  auto status = (*postgres)->start();
  ASSERT_TRUE(status) << detail_of(status);
  EXPECT_EQ(select((*postgres)->conninfo(), "SELECT value FROM kept"), "7");
  (*postgres)->stop();
  postgres = start_postgres(dir / "postgres");
  ASSERT_TRUE(postgres) << detail_of(postgres);
  EXPECT_EQ(select((*postgres)->conninfo(), "SELECT value FROM kept"), "7");
  EXPECT_EQ(select((*postgres)->conninfo(), "SHOW listen_addresses"), "");
  EXPECT_EQ(select((*postgres)->conninfo(), "SHOW fsync"), "on");
  EXPECT_EQ(select((*postgres)->conninfo(), "SHOW server_encoding"), "UTF8");
}

TEST(Postgres, RunsAsItsUserBelowADirectoryClosedToIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: only root changes to user postgres";
  const TempDir dir;
  struct stat info{};
  ASSERT_EQ(::stat(dir.path().c_str(), &info), 0);
  ASSERT_EQ(info.st_mode & 07777, 0700);
  ASSERT_EQ(info.st_uid, 0);
  const auto postgres = start_postgres(dir / "postgres");
  ASSERT_TRUE(postgres) << detail_of(postgres);
  ASSERT_EQ(::stat(("/proc/" + std::to_string((*postgres)->pid())).c_str(), &info), 0);
  EXPECT_NE(info.st_uid, 0);
}

TEST(Postgres, StartsWhereThePathIsTooLongForASocket) {
  const TempDir dir;
  const auto deep = dir / std::string(90, 'a') / std::string(90, 'b');
  const auto postgres = start_postgres(deep / "postgres");
  ASSERT_TRUE(postgres) << detail_of(postgres);
  EXPECT_EQ(select((*postgres)->conninfo(), "SELECT 1"), "1");
  const auto redis = start_redis(deep / "redis");
  ASSERT_TRUE(redis) << detail_of(redis);
}

TEST(Postgres, PathsMayHoldBlanksAndQuotes) {
  const TempDir dir;
  const auto postgres = start_postgres(dir / "it's a \"place\"");
  ASSERT_TRUE(postgres) << detail_of(postgres);
  EXPECT_EQ(select((*postgres)->conninfo(), "SELECT 1"), "1");
  const auto redis = start_redis(dir / "it's a \"place\" too");
  ASSERT_TRUE(redis) << detail_of(redis);
  const auto nats = start_nats(dir / "it's a \"place\" as well");
  ASSERT_TRUE(nats) << detail_of(nats);
}

std::string ask(const Redis& redis, std::vector<const char*> command) {
  redisContext* context = redisConnectUnix(redis.socket().c_str());
  auto* reply = static_cast<redisReply*>(
      redisCommandArgv(context, static_cast<int>(command.size()), command.data(), nullptr));
  std::string answer = reply != nullptr && reply->str != nullptr ? reply->str : "";
  freeReplyObject(reply);
  redisFree(context);
  return answer;
}

TEST(Redis, KeepsDataOverAStop) {
  const TempDir dir;
  auto redis = start_redis(dir / "redis");
  ASSERT_TRUE(redis) << detail_of(redis);
  EXPECT_EQ(ask(**redis, {"SET", "kept", "7"}), "OK");
  (*redis)->stop();
  ASSERT_TRUE((*redis)->start());
  // It has started before it has read what it had.
  EXPECT_TRUE(eventually([&] { return ask(**redis, {"GET", "kept"}) == "7"; }));
}

TEST(Redis, HasStartedWhileItLoads) {
  const TempDir dir;
  auto redis = start_redis(dir / "redis");
  ASSERT_TRUE(redis) << detail_of(redis);
  // Enough that reading it takes a second or more.
  ask(**redis, {"EVAL", "for i = 1, 1000000 do redis.call('SET', i, 'x') end", "0"});
  ASSERT_EQ(ask(**redis, {"GET", "1000000"}), "x");
  (*redis)->stop();
  ASSERT_TRUE((*redis)->start());
  EXPECT_THAT(ask(**redis, {"GET", "1"}), testing::StartsWith("LOADING"));
}

TEST(Anvil, KeepsTheChainOverAStop) {
  const TempDir dir;
  auto anvil = start_anvil(dir / "anvil");
  ASSERT_TRUE(anvil) << detail_of(anvil);
  const auto ask = [&](const std::string& method) {
    const auto answer = http_request("POST", (*anvil)->rpc_url(),
                                     R"({"jsonrpc":"2.0","id":1,"params":[],"method":")" + method + "\"}", {},
                                     milliseconds(2000));
    return answer ? answer->body : answer.error().detail;
  };
  EXPECT_NE(ask("eth_chainId").find("\"0x7a69\""), std::string::npos);
  ask("evm_mine");
  ask("evm_mine");
  const auto url = (*anvil)->rpc_url();
  (*anvil)->stop();
  ASSERT_TRUE((*anvil)->start());
  EXPECT_EQ((*anvil)->rpc_url(), url);
  EXPECT_NE(ask("eth_blockNumber").find("\"0x2\""), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_socket((*anvil)->ipc_path()));
}

TEST(Anvil, AForkThatCannotBeMadeDoesNotTellTheKeyOfItsNode) {
  const TempDir dir;
  AnvilOptions options;
  options.fork_url = "http://127.0.0.1:9/v3/secret";
  const auto anvil = start_anvil(dir / "anvil", options);
  ASSERT_FALSE(anvil);
  EXPECT_THAT(anvil.error().detail, testing::HasSubstr("http://127.0.0.1:9"));
  EXPECT_THAT(anvil.error().detail, testing::Not(testing::HasSubstr("secret")));
}

TEST(Process, TellsWhyItCannotRun) {
  const auto missing = Process::spawn({.argv = {"no-such-program-anywhere"}});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().detail.find("'no-such-program-anywhere' is not installed"), std::string::npos);
  const TempDir dir;
  std::ofstream(dir / "text") << "not a program";
  const auto forbidden = Process::spawn({.argv = {dir / "text"}});
  ASSERT_FALSE(forbidden);
  EXPECT_NE(forbidden.error().detail.find("Permission denied"), std::string::npos)
      << forbidden.error().detail;
}

TEST(Process, ReportsHowItEnded) {
  auto quick = Process::spawn({.argv = {"sh", "-c", "exit 3"}});
  ASSERT_TRUE(quick);
  EXPECT_EQ(quick->wait(milliseconds(5000)), (ExitStatus{.signalled = false, .code = 3}));
  auto sleeper = Process::spawn({.argv = {"sleep", "300"}});
  ASSERT_TRUE(sleeper);
  EXPECT_TRUE(sleeper->alive());
  EXPECT_FALSE(sleeper->wait(milliseconds(1)));
  EXPECT_EQ(sleeper->terminate(milliseconds(5000)), (ExitStatus{.signalled = true, .code = SIGTERM}));
  EXPECT_FALSE(exists(sleeper->pid()));  // waited for, not a zombie
}

TEST(Process, StubbornOneIsKilledAfterTheGraceWithItsGroup) {
  const TempDir dir;
  auto stubborn =
      Process::spawn({.argv = {"sh", "-c", "trap '' TERM; sleep 300 & echo $!; while :; do sleep 1; done"},
                      .log_file = dir / "log"});
  ASSERT_TRUE(stubborn);
  while (last_log_line(dir / "log").empty()) ASSERT_FALSE(stubborn->wait(milliseconds(5)));
  const auto grandchild = static_cast<pid_t>(std::stol(last_log_line(dir / "log")));
  EXPECT_TRUE(exists(grandchild));
  EXPECT_EQ(stubborn->terminate(milliseconds(50)), (ExitStatus{.signalled = true, .code = SIGKILL}));
  EXPECT_TRUE(ends(grandchild));
}

/// Not a test of its own: the program that DoesNotOutliveItsParent starts and kills.
TEST(Process, HelperParent) {
  const char* log = std::getenv("SEP_TEST_CHILD_LOG");
  if (log == nullptr) GTEST_SKIP() << "runs only as a part of DoesNotOutliveItsParent";
  std::optional<Process> child;
  // The spawning thread ends at once; the child must live on until the process itself is killed.
  std::thread([&] {
    child =
        Process::spawn({.argv = {"sh", "-c", "sleep 0.2; echo $$; exec sleep 300"}, .log_file = log}).value();
  }).join();
  child->wait(std::chrono::minutes(5));
}

TEST(Process, DoesNotOutliveItsParent) {
  const TempDir dir;
  auto parent = Process::spawn({.argv = {"/proc/self/exe", "--gtest_filter=Process.HelperParent"},
                                .environment = {{"SEP_TEST_CHILD_LOG", dir / "child.log"}},
                                .log_file = dir / "parent.log"});
  ASSERT_TRUE(parent) << detail_of(parent);
  while (last_log_line(dir / "child.log").empty()) ASSERT_FALSE(parent->wait(milliseconds(5)));
  const auto child = static_cast<pid_t>(std::stol(last_log_line(dir / "child.log")));
  ASSERT_TRUE(exists(child));
  parent->kill(SIGKILL);
  ASSERT_TRUE(parent->wait(milliseconds(5000)));
  EXPECT_TRUE(ends(child));
}

TEST(PidFile, ANumberThatChangedHandsIsLeftAlone) {
  const TempDir dir;
  auto other = Process::spawn({.argv = {"sleep", "300"}});
  ASSERT_TRUE(other);
  std::ofstream(dir / "id") << other->pid() << " 12345\n";  // the number, but another start time
  EXPECT_EQ(PidFile(dir / "id").stop_stale(milliseconds(100)), std::nullopt);
  EXPECT_TRUE(other->alive());
}

}  // namespace
}  // namespace sep::app
