// Venue "paper" as people run it: `sep up` without any chain, its services killed, and more load than it can
// carry.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/client.h"
#include "app/config.h"
#include "base/decimal.h"
#include "support/platform.h"
#include "support/stack.h"
#include "support/temp_dir.h"

namespace sep {
namespace {

using namespace std::chrono_literals;
using support::need;
using testing::ElementsAre;

const std::filesystem::path kConfiguration = std::filesystem::path(SEP_SOURCE_DIR) / "config/paper.toml";

class PaperTest : public testing::Test {
 protected:
  void SetUp() override { start(kConfiguration); }
  void start(const std::filesystem::path& configuration) {
    stack_.reset();
    auto started = support::Stack::start(directory_.path() / configuration.stem(),
                                         {.arguments = {"--config", configuration.string()}});
    ASSERT_TRUE(started) << started.error().detail;
    stack_ = std::move(*started);
    http_ = stack_->address();
    const std::vector files = {kConfiguration};
    settings_ = need(app::load_settings(files), "config/paper.toml");
  }

  const engine::Token& token(const std::string& symbol) const {
    return *std::ranges::find(settings_.chain.tokens, symbol, &engine::Token::symbol);
  }
  json::object asset(const std::string& symbol) const {
    return {{"symbol", symbol},
            {"chain", "ethereum"},
            {"address", to_checksum(token(symbol).address)},
            {"decimals", token(symbol).decimals}};
  }
  json::object intent(const std::string& type, const std::string& amount) const {
    return {{"strategy_id", "paper"},
            {"intent_type", type},
            {"assets", json::array{asset("WETH"), asset("USDC")}},
            {"amount", amount},
            {"constraints", {{"max_slippage", "0.01"}, {"time_window", 300}}}};
  }
  Result<app::HttpAnswer> post(const json::object& document, const std::string& key) const {
    return app::http_request("POST", http_ + "/intents", json::serialize(document),
                             {{"Idempotency-Key", key}}, 20s);
  }
  json::object get(const std::string& path) const {
    const auto answer = need(app::http_request("GET", http_ + path, {}, {}, 20s), path);
    return parse_json(answer.body).value().as_object();
  }
  /// Under one key, until it is answered: who does not get an answer asks again.
  std::string submit(const json::object& document, const std::string& key) const {
    std::string id;
    const bool done = support::eventually([&] {
      const auto answer = post(document, key);
      if (answer && answer->status == 201) id = string_or(parse_json(answer->body)->as_object(), "intent_id");
      return !id.empty();
    });
    if (!done) throw std::runtime_error("no answer to " + key);
    return id;
  }
  /// None while the platform says that it does not know them yet, as it does right after a start.
  std::map<std::string, Uint256> balances() const {
    std::map<std::string, Uint256> all;
    const auto account = get("/account");
    if (string_or(account, "code") == errc::kNotReady) return all;
    for (const auto& element : account.at("tokens").as_array()) {
      const auto& entry = element.as_object();
      const auto known = entry.at("asset").as_object();
      const auto symbol = string_or(known, "symbol");
      all[symbol] = parse_decimal(string_or(entry, "balance"), token(symbol).decimals).value();
    }
    return all;
  }

  support::TempDir directory_;
  std::unique_ptr<support::Stack> stack_;
  std::string http_;
  engine::Settings settings_;
};

TEST_F(PaperTest, KilledInTheMiddleEveryIntentIsFilledOnceAndTheBalancesAreTheFills) {
  constexpr int kIntents = 60;
  std::vector<std::string> ids;
  for (int i = 0; i < kIntents; ++i) {
    if (i == 15 || i == 30 || i == 45) {
      const auto killed = stack_->pid("services");
      ASSERT_TRUE(stack_->signal("services", SIGKILL));
      ASSERT_TRUE(stack_->wait_for_restart("services", killed));
    }
    ids.push_back(submit(intent(i % 2 == 0 ? "acquire" : "dispose", "0.5"), "key-" + std::to_string(i)));
  }
  ASSERT_TRUE(stack_->signal("services", SIGKILL));  // with some of them on their way
  auto weth = need(parse_decimal("1000000", 18), "WETH");
  auto usdc = need(parse_decimal("1000000000", 6), "USDC");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ASSERT_TRUE(support::eventually([&] {
      const auto answer = app::http_request("GET", http_ + "/intents/" + ids[i], {}, {}, 20s);
      return answer && answer->body.find(R"("state":"completed")") != std::string::npos;
    })) << ids[i];
    support::Events events;
    for (const auto& event : get("/intents/" + ids[i] + "/events").at("events").as_array())
      events.push_back(event.as_object());
    support::expect_unbroken(events);
    EXPECT_THAT(support::topics_of(events),
                ElementsAre("intent.submitted", "risk.approved", "intent.accepted", "plan.created",
                            "exec.started", "exec.step_filled", "exec.completed"));
    const auto fill = *support::find_event(events, "exec.step_filled");
    EXPECT_EQ(support::field(fill, "txHash"), "");
    const bool buys = i % 2 == 0;
    const auto in = need(parse_decimal(support::field(fill, "amountIn"), buys ? 6 : 18), "amountIn");
    const auto out = need(parse_decimal(support::field(fill, "amountOut"), buys ? 18 : 6), "amountOut");
    (buys ? usdc : weth) -= in;
    (buys ? weth : usdc) += out;
  }
  std::map<std::string, Uint256> now;
  EXPECT_TRUE(support::eventually([&] {
    now = balances();
    return now["WETH"] == weth && now["USDC"] == usdc;
  })) << to_string(now["WETH"])
      << " " << to_string(weth) << ", " << to_string(now["USDC"]) << " " << to_string(usdc);
  const auto replay = support::run_sep({"replay", "--verify", "--data-dir", stack_->directory().string()});
  EXPECT_EQ(replay.code, 0) << replay.out << replay.err;
}

/// One strategy sells what another bought: read anew, the balances are the sum of all, in whatever order.
TEST_F(PaperTest, WhatOneStrategyBoughtAndAnotherSoldAddsUpAfterARestart) {
  std::ifstream file(kConfiguration);
  std::string text(std::istreambuf_iterator<char>(file), {});
  const auto replace = [&](const std::string& from, const std::string& to) {
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
  };
  replace("WETH = \"1000000\"", "WETH = \"1\"");
  replace("\"paper-pools.json\"", "\"" + (kConfiguration.parent_path() / "paper-pools.json").string() + "\"");
  const auto poor = directory_.path() / "poor.toml";
  std::ofstream(poor) << text;
  start(poor);

  const auto traded = [&](const std::string& strategy, const std::string& type, const std::string& amount) {
    auto wanted = intent(type, amount);
    wanted["strategy_id"] = strategy;
    const auto id = submit(wanted, strategy);
    EXPECT_TRUE(
        support::eventually([&] { return string_or(get("/intents/" + id), "state") == "completed"; }));
  };
  const auto weth_is = [&](const std::string& amount) {
    return support::eventually([&] { return balances()["WETH"] == need(parse_decimal(amount, 18), amount); });
  };
  traded("b-buys", "acquire", "3");
  EXPECT_TRUE(weth_is("4"));
  traded("a-sells", "dispose", "3.5");
  EXPECT_TRUE(weth_is("0.5"));
  const auto killed = stack_->pid("services");
  ASSERT_TRUE(stack_->signal("services", SIGKILL));
  ASSERT_TRUE(stack_->wait_for_restart("services", killed));
  ASSERT_TRUE(support::eventually([&] { return !balances().empty(); }));
  EXPECT_EQ(to_string(balances()["WETH"]), "500000000000000000");
}

TEST_F(PaperTest, MoreThanItCanCarryIsRefusedAtOnceAndWhatIsTakenOnCompletes) {
  support::CommandResult load;
  std::atomic<bool> over = false;
  std::thread driver([&] {
    load =
        support::run_sep({"bench", "--data-dir", stack_->directory().string(), "--rate", "6000", "--seconds",
                          "3", "--warm-up", "0", "--connections", "1000", "--floor", "0", "--json"});
    over = true;
  });
  // A refusal as a client sees it; the same key is free afterwards, since nothing was recorded. Several
  // clients, since under such a load one gets a few answers only, and some intents are taken on.
  std::mutex mutex;
  std::optional<app::HttpAnswer> refused;
  std::string key;
  std::vector<std::thread> clients;
  for (int client = 0; client < 12; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; !over; ++i) {
        const auto own = fmt::format("overload-{}-{}", client, i);
        const auto answer = post(intent("acquire", "0.1"), own);
        if (!answer || answer->status != 429) continue;
        const std::scoped_lock lock(mutex);
        refused = *answer;
        key = own;
        return;
      }
    });
  for (auto& client : clients) client.join();
  driver.join();
  ASSERT_EQ(load.code, 0) << load.err;
  ASSERT_TRUE(refused.has_value()) << load.out;
  EXPECT_EQ(refused->content_type, "application/problem+json");
  EXPECT_THAT(refused->body, testing::HasSubstr(R"("code":"OVERLOADED")"));
  const auto retry =
      std::ranges::find(refused->headers, "Retry-After", &std::pair<std::string, std::string>::first);
  ASSERT_NE(retry, refused->headers.end());
  EXPECT_GE(std::stoi(retry->second), 1);
  EXPECT_LE(std::stoi(retry->second), 30);
  std::optional<app::HttpAnswer> again;
  EXPECT_TRUE(support::eventually([&] {
    auto answer = post(intent("acquire", "0.1"), key);
    if (answer) again = *answer;
    return answer && answer->status == 201;
  }));
  EXPECT_EQ(
      std::ranges::find(again->headers, "Idempotent-Replayed", &std::pair<std::string, std::string>::first),
      again->headers.end());

  const auto document = parse_json(load.out).value().as_object();
  const auto& answers = document.at("answers").as_object();
  const auto& endings = document.at("intents").as_object();
  const auto of = [](const json::object& counts, std::string_view name) {
    return counts.contains(name) ? counts.at(name).to_number<std::uint64_t>() : 0;
  };
  EXPECT_GT(of(answers, "429"), 0U);
  EXPECT_GT(of(answers, "201"), 0U);
  EXPECT_EQ(of(answers, "201") + of(answers, "429"), document.at("sent").to_number<std::uint64_t>())
      << load.out;
  EXPECT_EQ(of(endings, "exec.completed"), of(answers, "201")) << load.out;
}

}  // namespace
}  // namespace sep
