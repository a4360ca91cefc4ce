// Parts of a working platform die while intents are under way: whatever was acknowledged is carried out,
// once.
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/up.h"
#include "base/ulid.h"
#include "support/platform.h"

namespace sep {
namespace {

using std::chrono::milliseconds;
using support::field;
using support::Platform;

constexpr int kIntents = 30;

class FaultsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { platform_ = std::make_unique<Platform>(); }
  static void TearDownTestSuite() { platform_.reset(); }
  static Platform& platform() { return *platform_; }

  /// A client that does not give up: under one key until it is answered with 201. Empty after a minute.
  static std::string submit_surely(const json::object& intent) {
    const app::HttpHeaders key{{"Idempotency-Key", new_ulid()}};
    const auto body = json::serialize(intent);
    std::string id;
    support::eventually(
        [&] {
          const auto answer = app::http_request("POST", platform().stack().address() + "/intents", body, key,
                                                milliseconds(10'000));
          if (!answer || answer->status != 201) return false;
          id = string_or(parse_json(answer->body)->as_object(), "intent_id");
          return true;
        },
        milliseconds(60'000));
    return id;
  }

  static std::vector<json::object> mixed_intents() {
    std::vector<json::object> intents;
    for (int i = 0; i < kIntents / 3; ++i) {
      intents.push_back(platform().intent("acquire", fmt::format("0.0{}", 11 + i), "WETH", "USDC"));
      intents.push_back(platform().intent("dispose", fmt::format("0.0{}", 12 + i), "WETH", "USDC"));
      intents.push_back(platform().intent("dispose", fmt::format("1{}.5", i), "USDC", "DAI"));
    }
    for (auto& intent : intents) intent["constraints"].as_object()["max_slippage"] = "0.05";
    return intents;
  }

  /// Ends `part` with SIGKILL once `topic` has been recorded three times, while thirty intents are submitted
  /// and carried out. All of them are to be filled, once each.
  void expect_survived(const std::string& part, const std::string& topic) {
    const auto before = platform().mark();
    const auto intents = mixed_intents();
    std::vector<std::string> ids(intents.size());
    std::vector<std::thread> clients;
    constexpr std::size_t kClients = 6;
    for (std::size_t first = 0; first < kClients; ++first)
      clients.emplace_back([&, first] {
        for (auto i = first; i < intents.size(); i += kClients) ids[i] = submit_surely(intents[i]);
      });
    EXPECT_TRUE(support::eventually([&] { return recorded(topic, before.global_sequence) >= 3; })) << topic;
    const auto former = platform().stack().pid(part);
    EXPECT_TRUE(platform().stack().signal(part, SIGKILL)) << part;
    EXPECT_TRUE(platform().stack().wait_for_restart(part, former)) << platform().stack().output();
    for (auto& client : clients) client.join();

    std::set<std::string> submitted;
    for (const auto& id : ids) {
      ASSERT_FALSE(id.empty()) << "an intent was not acknowledged within a minute";
      const auto events = platform().await_end(id, milliseconds(90'000));
      EXPECT_EQ(support::topic_of(events.back()), "exec.completed")
          << id << " " << field(events.back(), "reason") << " " << field(events.back(), "detail");
      support::expect_unbroken(events);
      submitted.insert(id);
    }
    EXPECT_EQ(submitted.size(), intents.size());
    for (const auto& event : platform().record(before.global_sequence))
      if (support::topic_of(event) == "intent.submitted")
        EXPECT_TRUE(submitted.contains(field(event, "intentId")))
            << "submitted twice: " << field(event, "intentId");
    platform().expect_reconciled(before);
    platform().expect_replay_equal();
  }

 private:
  static std::ptrdiff_t recorded(const std::string& topic, std::uint64_t after) {
    try {
      return std::ranges::count(support::topics_of(platform().record(after)), topic);
    } catch (const std::runtime_error&) {
      return 0;  // PostgreSQL starts
    }
  }
  static inline std::unique_ptr<Platform> platform_;
};

TEST_F(FaultsTest, ServicesKilledBetweenSubmissionAndPlan) {
  expect_survived("services", "risk.approved");
}

TEST_F(FaultsTest, ServicesKilledBetweenPreparingAndSending) {
  expect_survived("services", "exec.step_prepared");
}

TEST_F(FaultsTest, ServicesKilledBetweenSendingAndFilling) {
  expect_survived("services", "exec.step_submitted");
}

TEST_F(FaultsTest, NatsKilled) {
  expect_survived("nats", "exec.step_submitted");
}

TEST_F(FaultsTest, PostgresKilled) {
  expect_survived("postgres", "exec.step_prepared");
}

TEST_F(FaultsTest, RedisKilled) {
  expect_survived("redis", "exec.step_prepared");
}

// A part that stands still keeps its connections: nothing but the lack of an answer tells.
TEST_F(FaultsTest, TheStatusTellsInTimeOfAPartThatStandsStill) {
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

TEST_F(FaultsTest, TheStatusTellsOfAServiceThatIsGone) {
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

}  // namespace
}  // namespace sep
