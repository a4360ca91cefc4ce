// The whole platform with a part missing or fed with what it cannot read: the API answers from the record
// while Redis is out or stands still, a gateway without a record or an address ends in order, and inputs that
// no worker can process are put aside.
#include <csignal>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <thread>
#include <tuple>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>

#include "app/blocking.h"
#include "app/parts.h"
#include "app/up.h"
#include "base/ulid.h"
#include "bus/bus.h"
#include "engine/sample_lives.h"
#include "support/platform.h"

namespace sep::support {
namespace {

using namespace std::chrono_literals;

Platform& platform() {
  static Platform instance;
  return instance;
}

std::string header(const app::HttpAnswer& answer, const std::string& name) {
  for (const auto& [key, value] : answer.headers)
    if (key == name) return value;
  return {};
}

/// `sep serve --services gateway` on these files of configuration, which count from the first to the last.
app::Process serve_gateway(const std::vector<std::filesystem::path>& config,
                           const std::filesystem::path& log_file,
                           std::vector<std::pair<std::string, std::string>> environment = {},
                           std::vector<std::string> argv = {}) {
  argv.insert(argv.end(), {sep_binary().string(), "serve", "--services", "gateway"});
  for (const auto& file : config) argv.insert(argv.end(), {"--config", file.string()});
  return need(app::Process::spawn(
                  {.argv = std::move(argv), .environment = std::move(environment), .log_file = log_file}),
              "sep serve");
}

/// What freed memory holds is overwritten: a use of it is seen at once.
const std::vector<std::pair<std::string, std::string>> kJunk = {{"MALLOC_CONF", "junk:true"}};

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Without what is of this moment.
std::string timeless(const std::string& path, json::value document) {
  if (path.starts_with("/stats")) {
    document.as_object().erase("latency");
    if (auto* window = document.as_object().if_contains("window")) window->as_object().erase("until");
  }
  return canonical_json(document);
}

TEST(Degraded, TheRecordAnswersWhatRedisWould) {
  auto& sep = platform();
  const auto id = sep.submit(sep.intent("acquire", "0.1", "WETH", "USDC"));
  const auto events = sep.await_end(id);
  const auto plan = field(*find_event(events, "plan.created"), "planId");
  const auto hash = field(*find_event(events, "exec.completed"), "txHash");
  const std::vector<std::string> paths = {
      "/intents/" + id,   "/intents?limit=5", "/intents?state=completed",   "/intents?tx_hash=" + hash,
      "/plans/" + plan,   "/strategies",      "/strategies/test/positions", "/stats",
      "/stats?window=24h"};
  const auto read = [&](const std::string& path) {
    const auto answer = sep.http("GET", path);
    EXPECT_EQ(answer.status, 200) << path << answer.body;
    return std::pair(header(answer, "X-Sep-Source"), timeless(path, parse_json(answer.body).value()));
  };
  // Redis has all of it.
  ASSERT_TRUE(eventually([&] {
    const auto [source, document] = read("/intents/" + id);
    return source.empty() && document.find(R"("state":"completed")") != std::string::npos;
  }));
  std::map<std::string, std::string> before;
  for (const auto& path : paths) before[path] = read(path).second;

  const auto redis = sep.stack().pid("redis");
  ASSERT_GT(redis, 0);
  ASSERT_TRUE(sep.stack().signal("redis", SIGSTOP));
  for (const auto& path : paths) {
    const auto start = std::chrono::steady_clock::now();
    const auto [source, document] = read(path);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    EXPECT_EQ(source, "record") << path;
    EXPECT_EQ(document, before[path]) << path;
    EXPECT_LT(took, 3s) << path;
    std::cout << path << ": " << took.count() << " ms\n";
  }
  // Work goes on, and is seen.
  const auto second = sep.submit(sep.intent("dispose", "0.05", "WETH", "USDC"));
  sep.await_end(second);
  EXPECT_EQ(sep.http("GET", "/intents/" + second).status, 200);
  ASSERT_TRUE(sep.stack().signal("redis", SIGCONT));
  EXPECT_TRUE(eventually([&] { return read("/intents/" + second).first.empty(); }));
  sep.expect_replay_equal();
}

TEST(Degraded, CountersToAlertOnAreThereBeforeTheirFirstEvent) {
  const auto metrics = platform().http("GET", "/metrics").body;
  std::vector<std::string> counters{"sep_pools_quarantined_total 0", "sep_overload_total 0",
                                    "sep_stream_refills_total 0"};
  for (const auto* queue : {"intents-workers", "intents-cancels", "planner-workers", "orchestrator-workers"})
    counters.push_back(std::string("sep_dead_letters_total{consumer=\"") + queue + "\"} 0");
  for (const auto& counter : counters) EXPECT_TRUE(metrics.contains("\n" + counter + "\n")) << counter;
}

/// Of Redis: what it answers to one command, as text.
std::string ask_redis(Platform& sep, const std::string& command) {
  auto* context = redisConnectUnix(sep.stack().address("redis").c_str());
  auto* reply = static_cast<redisReply*>(redisCommand(context, command.c_str()));
  std::string answer = reply != nullptr && reply->str != nullptr ? reply->str : "";
  freeReplyObject(reply);
  redisFree(context);
  return answer;
}

TEST(Degraded, ReadModelsThatStandStillAreNotPresentedAsFresh) {
  auto& sep = platform();
  const auto before = sep.submit(sep.intent("acquire", "0.1", "WETH", "USDC"));
  sep.await_end(before);
  const auto is_ready = [&] { return sep.http("GET", "/readyz").status == 200; };
  const auto from_record = [&](const std::string& path) {
    return header(sep.http("GET", path), "X-Sep-Source") == "record";
  };
  ASSERT_TRUE(eventually([&] { return is_ready() && !from_record("/stats"); }));

  // It answers reads and refuses writes.
  ASSERT_EQ(ask_redis(sep, "CONFIG SET maxmemory 1"), "OK");
  const auto id = sep.submit(sep.intent("acquire", "0.1", "WETH", "USDC"));
  sep.await_end(id);
  EXPECT_TRUE(eventually([&] { return from_record("/stats"); }, 10s));
  EXPECT_EQ(get_uint(sep.get("/stats"), "last_global_sequence").value(), sep.record_head());
  EXPECT_EQ(string_or(sep.get("/intents?limit=1").at("intents").as_array().at(0).as_object(), "intent_id"),
            id);
  EXPECT_EQ(string_or(sep.get("/intents/" + id), "state"), "completed");
  EXPECT_TRUE(from_record("/strategies"));
  const auto readiness = sep.http("GET", "/readyz");
  EXPECT_EQ(readiness.status, 503);
  EXPECT_TRUE(readiness.body.contains("events behind")) << readiness.body;

  ASSERT_EQ(ask_redis(sep, "CONFIG SET maxmemory 0"), "OK");
  EXPECT_TRUE(eventually([&] { return is_ready() && !from_record("/stats"); }));
  EXPECT_EQ(get_uint(sep.get("/stats"), "last_global_sequence").value(), sep.record_head());
}

TEST(Degraded, AGatewayThatCannotBindSaysSoAndEnds) {
  auto& sep = platform();
  const TempDir dir;
  // There are controls on the record: it asks for them while it starts.
  const auto data = sep.stack().directory();
  for (const char* command : {"halt", "resume"})
    ASSERT_EQ(run_sep({command, "--reason", "a test", "--data-dir", data.string()}).code, 0);
  for (int i = 0; i < 3; ++i) {
    auto gateway = serve_gateway(app::config_files_of(data), dir / "log", kJunk);
    const auto ended = gateway.wait(60s);
    ASSERT_TRUE(ended);
    EXPECT_EQ(*ended, (app::ExitStatus{.signalled = false, .code = 3})) << ended->describe();
  }
  EXPECT_TRUE(content_of(dir / "log").contains("cannot listen on"));
}

TEST(Degraded, AGatewayThatWaitsForTheRecordCanBeStopped) {
  const TempDir dir;
  const auto nats = need(app::start_nats(dir / "nats"), "nats");
  std::ofstream(dir / "overlay.toml") << "[endpoints]\nnats = \"" << nats->url()
                                      << "\"\npostgres = \"host=/nowhere\"\nredis = \"/nowhere\"\n";
  auto gateway = serve_gateway(
      {std::filesystem::path(SEP_SOURCE_DIR) / "config/paper.toml", dir / "overlay.toml"}, dir / "log");
  ASSERT_TRUE(eventually([&] { return content_of(dir / "log").contains("waiting for the record"); }));
  gateway.kill(SIGTERM);
  const auto ended = gateway.wait(10s);  // a question that is under way takes five seconds
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, (app::ExitStatus{.signalled = false, .code = 0})) << ended->describe();
}

TEST(Degraded, ConnectionsBeyondTheFilesOfTheProcessAreRefused) {
  auto& sep = platform();
  const TempDir dir;
  const auto port = need(app::free_port("127.0.0.1", 0, dir / "port"), "a port");
  std::ofstream(dir / "overlay.toml") << "[gateway]\nport = " << port << "\n";
  auto config = app::config_files_of(sep.stack().directory());
  config.push_back(dir / "overlay.toml");
  auto gateway = serve_gateway(config, dir / "log", {},
                               {"sh", "-c", "ulimit -Sn 100 && ulimit -Hn 400 && exec \"$@\"", "sh"});
  const auto url = "http://127.0.0.1:" + std::to_string(port);
  const auto status = [&] {
    const auto answer = app::http_request("GET", url + "/healthz", {}, {}, 4s);
    return answer ? answer->status : 0;
  };
  ASSERT_TRUE(eventually([&] { return status() == 200; })) << content_of(dir / "log");

  boost::asio::io_context io;
  std::vector<boost::asio::ip::tcp::socket> idle;
  for (int i = 0; i < 300; ++i) {
    idle.emplace_back(io);
    idle.back().connect({boost::asio::ip::make_address("127.0.0.1"), port});
  }
  EXPECT_EQ(status(), 503);
  idle.erase(idle.begin() + 150, idle.end());  // still more than the soft limit
  EXPECT_TRUE(eventually([&] { return status() == 200; }));
}

/// The one column of the one row.
std::string select(Platform& sep, const std::string& query) {
  auto* connection = PQconnectdb(sep.stack().address("postgres").c_str());
  auto* result = PQexec(connection, query.c_str());
  std::string text = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  PQclear(result);
  PQfinish(connection);
  return text;
}

/// PostgreSQL's process that writes the record.
pid_t record_writer(Platform& sep) {
  return std::stoi(select(sep, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"));
}

TEST(Degraded, AnIntentThatGotNoAnswerIsToldAsOneThatMayBeOnTheRecord) {
  auto& sep = platform();
  const auto body = json::serialize(sep.intent("acquire", "0.1", "WETH", "USDC"));
  const auto post = [&] {
    return need(app::http_request("POST", sep.stack().address() + "/intents", body,
                                  {{"Idempotency-Key", "no-answer"}}, 20s),
                "POST /intents");
  };
  const auto writer = record_writer(sep);
  ASSERT_EQ(::kill(writer, SIGSTOP), 0);
  const auto unanswered = post();
  ASSERT_EQ(::kill(writer, SIGCONT), 0);
  EXPECT_EQ(unanswered.status, 504) << unanswered.body;
  EXPECT_TRUE(unanswered.body.contains("it may be on the record: repeat it with the same Idempotency-Key"))
      << unanswered.body;
  app::HttpAnswer answered;
  ASSERT_TRUE(eventually([&] { return (answered = post()).status == 201; })) << answered.body;
  sep.await_end(string_or(parse_json(answered.body)->as_object(), "intent_id"));
}

TEST(Degraded, TheServicesStopUnderACancellationThatNobodyAnswers) {
  Platform sep(std::nullopt, {.environment = kJunk});
  sep.rpc("evm_setAutomine", {false});
  const auto id = sep.submit(sep.intent("acquire", "0.1", "WETH", "USDC"));
  sep.await_topic(id, "exec.step_submitted");
  const auto services = sep.stack().running("services");
  const auto writer = record_writer(sep);
  ASSERT_EQ(::kill(writer, SIGSTOP), 0);
  auto cancelled = std::async(std::launch::async, [&] {
    return app::http_request("POST", sep.stack().address() + "/intents/" + id + "/cancel", "", {}, 20s);
  });
  std::this_thread::sleep_for(300ms);  // until it waits for its append, of which nobody tells
  ASSERT_TRUE(sep.stack().signal("services", SIGTERM));
  wait_until_gone(services, 12s);  // its tries take ten seconds
  ASSERT_EQ(::kill(writer, SIGCONT), 0);
  EXPECT_TRUE(sep.stack().wait_for_restart("services", services)) << sep.stack().output();
  EXPECT_TRUE(sep.stack().output().contains("services   ended with exit code 0")) << sep.stack().output();
  std::ignore = cancelled.get();
  sep.rpc("evm_setAutomine", {true});
  sep.rpc("evm_mine");
  sep.await_end(id);
}

TEST(Degraded, WhatCannotBeProcessedIsPutAsideAndBlocksNothing) {
  auto& sep = platform();
  engine::samples::Ids ids;
  engine::samples::Life stranger(ids, "demo", "acquire", "1");
  stranger.submit().accept().plan("2500", "1").ask_to_cancel();
  const auto url = "nats://" + sep.stack().address("nats").substr(sep.stack().address("nats").find("//") + 2);
  const std::vector<std::string> subjects = {"intent.submitted", "intent.accepted", "plan.created",
                                             "intent.cancel_requested"};
  const auto dead = app::run_blocking([&](auto executor) -> boost::asio::awaitable<std::uint64_t> {
    auto bus = bus::Bus::connect(executor, {.url = url, .name = "test"}).value();
    for (const auto& subject : subjects) {
      // No JSON; JSON that is no event; an event of an intent that the record does not know.
      std::vector<bus::Publication> poison{{subject, "\x01 no JSON", new_ulid()},
                                           {subject, "{}", new_ulid()}};
      for (const auto& event : stranger.events())
        if (event.topic == subject) {
          auto object = engine::to_json(event);
          object["globalSequence"] = 1;
          poison.push_back({subject, json::serialize(object), new_ulid()});
        }
      for (auto& publication : poison) {
        const auto ack = co_await bus->publish_event(std::move(publication), 5s);
        EXPECT_TRUE(ack.has_value());
      }
    }
    std::uint64_t count = 0;
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (count < 3 * subjects.size() && std::chrono::steady_clock::now() < until) {
      const auto info = co_await bus->stream_info(std::string(bus::kDeadStream));
      if (info) count = info->messages;
      boost::asio::steady_timer timer(executor, 200ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    for (std::uint64_t i = 1; i <= count; ++i) {
      const auto letter = co_await bus->get_message(std::string(bus::kDeadStream), i);
      if (!letter || !*letter) continue;
      const auto document = parse_json((*letter)->body).value().as_object();
      EXPECT_TRUE((*letter)->subject.starts_with("dead."));
      EXPECT_FALSE(string_or(document, "reason").empty());
      std::cout << (*letter)->subject << ": " << string_or(document, "reason") << "\n";
    }
    bus->close();
    co_return count;
  });
  EXPECT_EQ(dead, 3 * subjects.size());
  const auto metrics = sep.http("GET", "/metrics").body;
  for (const auto* consumer :
       {"intents-workers", "intents-cancels", "planner-workers", "orchestrator-workers"})
    EXPECT_TRUE(metrics.contains(std::string("sep_dead_letters_total{consumer=\"") + consumer + "\"} 3"))
        << consumer;
  sep.await_end(sep.submit(sep.intent("acquire", "0.1", "WETH", "USDC")));
}

}  // namespace
}  // namespace sep::support
