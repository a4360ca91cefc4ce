// `sep up` as an operator meets it: the real program, real servers, ended and killed.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <sys/stat.h>

#include "app/client.h"
#include "app/parts.h"
#include "support/eventually.h"
#include "support/stack.h"

namespace sep {
namespace {

namespace http = boost::beast::http;
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
    ASSERT_TRUE((*stack)->signal(name, SIGKILL));
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
    ASSERT_TRUE((*stack)->signal("redis", SIGKILL));
    ASSERT_TRUE((*stack)->wait_for_restart("redis", former)) << (*stack)->output();
  }
  ASSERT_TRUE((*stack)->signal("redis", SIGKILL));
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

const std::string kPaper = (std::filesystem::path(SEP_SOURCE_DIR) / "config/paper.toml").string();

/// Sets a variable of this process for as long as it lives.
class Environment {
 public:
  Environment(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Environment() { before_ ? ::setenv(name_.c_str(), before_->c_str(), 1) : ::unsetenv(name_.c_str()); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

TEST(Up, StartsTheServicesAgainThoughItsProgramWasReplaced) {
  const TempDir dir;
  const auto program = dir / "sep";
  std::filesystem::copy_file(support::sep_binary(), program);
  const Environment binary("SEP_BINARY", program);
  auto stack = Stack::start(
      dir / "data", {.arguments = {"--config", kPaper}, .environment = {{"SEP_HOME", SEP_SOURCE_DIR}}});
  ASSERT_STARTED(stack);
  std::filesystem::remove(program);
  std::ofstream(program) << "the next version, half written";
  const auto former = (*stack)->pid("services");
  ASSERT_TRUE((*stack)->signal("services", SIGKILL));
  EXPECT_TRUE((*stack)->wait_for_restart("services", former)) << (*stack)->output();
  EXPECT_TRUE(is_ready(**stack));
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Up, OutlivesWhoeverReadWhatItPrints) {
  const TempDir dir;
  const auto pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  auto up = app::Process::spawn({.argv = {"sh", "-c", "out=$1; shift; exec \"$@\" >\"$out\" 2>&1", "sh", pipe,
                                          support::sep_binary().string(), "up", "--data-dir", dir / "data",
                                          "--http", "127.0.0.1:0", "--config", kPaper}});
  ASSERT_TRUE(up);
  {
    std::ifstream reader(pipe);
    std::string line;
    ASSERT_TRUE(std::getline(reader, line));
  }
  const auto pid = [&](const char* name) -> std::int64_t {
    const auto run = parse_json(content_of(dir / "data/run.json"));
    return run ? run->at("processes").at(name).to_number<std::int64_t>() : -1;
  };
  ASSERT_TRUE(support::eventually([&] { return pid("redis") > 0 || !up->alive(); }, milliseconds(120'000)));
  ASSERT_TRUE(up->alive());
  const auto former = pid("redis");
  ASSERT_EQ(::kill(static_cast<pid_t>(former), SIGKILL), 0);
  EXPECT_TRUE(support::eventually([&] { return pid("redis") > 0 && pid("redis") != former; }));
  EXPECT_EQ(up->terminate(milliseconds(60'000)), (app::ExitStatus{.signalled = false, .code = 0}));
  EXPECT_FALSE(std::filesystem::exists(dir / "data/run.json"));
}

TEST(Up, KeepsTheKeyOfANodeToItself) {
  const TempDir dir;
  const auto with_node = Stack::start(dir / "node");
  ASSERT_STARTED(with_node);
  const auto node = (*with_node)->address("rpc");
  std::ofstream(dir / "node.toml") << "[execution]\nvenue = \"paper\"\n[paper.balances]\nWETH = \"1\"\n"
                                   << "[[chain.endpoint]]\nrpc_url = \"" << node << "/?key=secret\"\n";
  const auto devnet = std::filesystem::path(SEP_SOURCE_DIR) / "config/devnet.toml";
  const auto stack =
      Stack::start(dir / "data", {.arguments = {"--config", devnet.string(), "--config", dir / "node.toml"}});
  ASSERT_STARTED(stack);
  EXPECT_EQ((*stack)->address("rpc"), node);
  const auto run = dir / "data/run.json";
  EXPECT_EQ(content_of(run).find("secret"), std::string::npos);
  EXPECT_EQ(std::filesystem::status(run).permissions(), std::filesystem::perms(0600));
}

/// Answers everything with 200, as nobody's services.
class Stranger {
 public:
  explicit Stranger(std::uint16_t port)
      : acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), port}), thread_([this] { serve(); }) {}
  ~Stranger() {
    ended_ = true;
    boost::asio::ip::tcp::socket(io_).connect(acceptor_.local_endpoint());
    thread_.join();
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

 private:
  void serve() {
    while (!ended_) {
      auto socket = acceptor_.accept();
      boost::beast::flat_buffer buffer;
      http::request<http::string_body> request;
      boost::system::error_code error;
      http::read(socket, buffer, request, error);
      http::response<http::string_body> response(http::status::ok, 11, "{}");
      response.prepare_payload();
      http::write(socket, response, error);
    }
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

TEST(Up, DoesNotTakeAnothersAnswerForItsServices) {
  const TempDir dir;
  const auto port = app::free_port("127.0.0.1", 0, dir / "port");
  ASSERT_TRUE(port);
  auto up = app::Process::spawn({.argv = {support::sep_binary().string(), "up", "--data-dir", dir / "data",
                                          "--http", "127.0.0.1:" + std::to_string(*port), "--config", kPaper},
                                 .log_file = dir / "log"});
  ASSERT_TRUE(up);
  // It has found the port free by then.
  ASSERT_TRUE(support::eventually([&] { return content_of(dir / "log").contains("sep up: data in"); }));
  const Stranger stranger(*port);
  const auto ended = up->wait(milliseconds(120'000));
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, (app::ExitStatus{.signalled = false, .code = 1}));
  EXPECT_THAT(content_of(dir / "log"), HasSubstr("services did not start"));
  EXPECT_THAT(content_of(dir / "log"), testing::Not(HasSubstr("sep is up")));
}

/// Runs `sep` against the stack's address.
support::CommandResult on(const Stack& stack, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--http", stack.address()});
  return support::run_sep(std::move(arguments));
}

std::vector<json::object> json_lines(const std::string& text) {
  std::vector<json::object> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) objects.push_back(parse_json(line)->as_object());
  return objects;
}

TEST(Command, TradesAndLooksBackAtIt) {
  const TempDir dir;
  const auto started = Stack::start(dir / "data");
  ASSERT_STARTED(started);
  const auto& stack = **started;

  const auto quote = on(stack, {"quote", "acquire", "1", "weth", "usdc", "--max-slippage", "0.01", "--json"});
  ASSERT_EQ(quote.code, 0) << quote.err;
  EXPECT_EQ(string_or(json_lines(quote.out).at(0), "amount_out"), "1");

  // The events of one intent, from the first to the last, each once.
  const auto bought = on(stack, {"submit", "acquire", "1", "WETH", "USDC", "--wait", "--json", "--criteria",
                                 "complete_within_ms=600000"});
  ASSERT_EQ(bought.code, 0) << bought.err;
  const auto events = json_lines(bought.out);
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(get_uint(events[i], "sequence").value(), i + 1);
  EXPECT_EQ(string_or(events.front(), "topic"), "intent.submitted");
  EXPECT_EQ(string_or(events.back(), "topic"), "exec.completed");
  const auto paid = string_or(events.back().at("payload").as_object(), "amountIn");
  const auto id = string_or(events.back().at("payload").as_object(), "intentId");

  const auto refused = on(stack, {"submit", "acquire", "100", "WETH", "USDC", "--wait"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.out, HasSubstr("Rejected by risk. NOTIONAL_LIMIT"));

  // One key makes one intent.
  const std::vector<std::string> keyed{"submit", "dispose",           "0.1", "WETH",
                                       "USDC",   "--idempotency-key", "once"};
  const auto first = on(stack, keyed);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(on(stack, keyed).out, first.out);
  const auto sold = first.out.substr(0, 26);
  const auto watched = on(stack, {"watch", sold});
  EXPECT_EQ(watched.code, 0) << watched.err;
  EXPECT_THAT(watched.out, HasSubstr("Sold 0.1 WETH for "));
  const auto from_third = on(stack, {"watch", sold, "--from", "3", "--json"});
  EXPECT_EQ(get_uint(json_lines(from_third.out).at(0), "sequence").value(), 3U);

  const auto shown = on(stack, {"show", id});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("Bought 1 WETH for "));
  const auto as_json = json_lines(on(stack, {"show", "intent-" + id, "--json"}).out).at(0);
  EXPECT_EQ(string_or(as_json.at("intent").as_object().at("summary").as_object(), "amount_in"), paid);
  EXPECT_EQ(as_json.at("events").as_array().size(), events.size());

  const auto listed = parse_json(on(stack, {"list", "--state", "completed", "--json"}).out)->as_array();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(string_or(listed[0].as_object(), "intent_id"), sold);
  EXPECT_EQ(string_or(listed[1].as_object(), "intent_id"), id);
  EXPECT_EQ(parse_json(on(stack, {"list", "--limit", "1", "--json"}).out)->as_array().size(), 1U);

  // What is refused says why, and is not taken for an unreachable platform.
  EXPECT_EQ(on(stack, {"cancel", id}).code, 2);
  EXPECT_EQ(on(stack, {"watch", "01J5S3Y4PEJHBJ5A7FYHBXQRFG"}).code, 2);
  EXPECT_THAT(on(stack, {"show", "a b"}).err, HasSubstr("\"a b\""));
  EXPECT_THAT(on(stack, {"quote", "acquire", "1", "WETH", "FOO"}).err, HasSubstr("there are WETH, USDC"));
  const auto two_faults =
      on(stack, {"submit", "acquire", "1.0000000000000000001", "WETH", "USDC", "--max-slippage", "2"});
  EXPECT_EQ(two_faults.code, 2);
  EXPECT_THAT(two_faults.err, HasSubstr("/amount: "));
  EXPECT_THAT(two_faults.err, HasSubstr("/constraints/max_slippage: "));

  const auto verified = support::run_sep({"replay", "--verify", "--data-dir", dir / "data"});
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr(" keys compared, 0 differ"));
  const auto doctor = support::run_sep({"doctor", "--data-dir", dir / "data"});
  EXPECT_EQ(doctor.code, 0) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("everything is in order"));
}

/// Stands before a platform and hands on what is asked, but of the posts loses the first answer and has a 503
/// instead of the second.
class LossyFront {
 public:
  explicit LossyFront(std::string platform) : platform_(std::move(platform)) {}
  std::string address() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  /// Until a post is answered.
  void serve() {
    for (int posts = 0; posts < 3;) {
      auto socket = acceptor_.accept();
      boost::beast::flat_buffer buffer;
      http::request<http::string_body> request;
      http::read(socket, buffer, request);
      const auto answer = app::http_request(
          std::string(request.method_string()), platform_ + std::string(request.target()), request.body(),
          {{"Idempotency-Key", std::string(request["Idempotency-Key"])}}, milliseconds(20'000));
      if (request.method() == http::verb::post && ++posts == 1) continue;
      http::response<http::string_body> response(
          posts == 2 ? http::status::service_unavailable : http::status(answer->status), 11,
          posts == 2 ? "" : answer->body);
      response.prepare_payload();
      http::write(socket, response);
    }
  }

 private:
  std::string platform_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_{
      io_, {boost::asio::ip::make_address("127.0.0.1"), boost::asio::ip::port_type{0}}};
};

TEST(Command, SubmitMakesOneIntentThoughItsAnswersAreLost) {
  const TempDir dir;
  const auto config = std::filesystem::path(SEP_SOURCE_DIR) / "config/paper.toml";
  auto stack = Stack::start(dir / "data", {.arguments = {"--config", config.string()}});
  ASSERT_STARTED(stack);
  LossyFront front((*stack)->address());
  auto served = std::async(std::launch::async, [&] { front.serve(); });
  const auto result =
      support::run_sep({"--http", front.address(), "submit", "acquire", "0.01", "WETH", "USDC"});
  served.get();

  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("asking again under the same key"));
  const auto listed = parse_json(on(**stack, {"list", "--json"}).out)->as_array();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(result.out, string_or(listed[0].as_object(), "intent_id") + "\n");
}

TEST(Command, DoctorNamesWhatIsWrong) {
  const TempDir dir;
  std::ofstream(dir / "nothing.toml") << "[endpoints]\nredis = \"" << (dir / "no.sock").string() << "\"\n";
  const auto result =
      support::run_sep({"doctor", "--config", std::string(SEP_SOURCE_DIR) + "/config/devnet.toml", "--config",
                        dir / "nothing.toml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("ok      signer"));
  EXPECT_THAT(result.out, HasSubstr("FAILED  record"));
  EXPECT_THAT(result.out, HasSubstr("FAILED  read models"));
  EXPECT_THAT(result.out, HasSubstr("FAILED  node "));
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
