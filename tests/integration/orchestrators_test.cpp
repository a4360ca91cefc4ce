// Two orchestrators want the account. One drives it; when it dies or stands still the other takes over within
// seconds, and one that wakes up finds that it may not act. Whatever happens, each intent is one swap.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <list>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/up.h"
#include "base/ulid.h"
#include "bus/bus.h"
#include "support/platform.h"

namespace sep {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using support::field;
using support::Platform;

milliseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

class OrchestratorsTest : public testing::Test {
 protected:
  void SetUp() override {
    platform_.rpc("evm_setAutomine", {false});
    mine_each_second();
    bus_ = support::need(bus::Bus::connect(context_.get_executor(),
                                           {.url = platform_.stack().address("nats"), .name = "test"}),
                         "NATS");
    guests_.emplace_back(serve_orchestrator());
    guests_.emplace_back(serve_orchestrator());
  }
  void TearDown() override {
    for (auto& guest : guests_) {
      ::kill(guest.pid(), SIGCONT);
      guest.terminate(milliseconds(10'000));
    }
    bus_->close();
    guard_.reset();
    context_.stop();
    thread_.join();
  }

  app::Process serve_orchestrator() {
    app::Command command{.argv = {support::sep_binary().string(), "serve", "--services", "orchestrator"}};
    for (const auto& file : app::config_files_of(platform_.stack().directory())) {
      command.argv.emplace_back("--config");
      command.argv.push_back(file.string());
    }
    return support::need(app::Process::spawn(command), "sep serve");
  }

  /// The process that drives the account, as the lease says; -1 where none does.
  pid_t leader() {
    const auto key =
        fmt::format("orchestrator.{}.{}", platform_.settings().chain.chain_id, to_hex(platform_.account()));
    const auto value = bus_->wait(bus_->get_key("leases", key));
    if (!value || !*value || (*value)->value.empty()) return -1;
    return static_cast<pid_t>(std::stol(string_or(parse_json((*value)->value)->as_object(), "pid", "-1")));
  }
  app::Process* guest(pid_t pid) {
    for (auto& one : guests_)
      if (one.pid() == pid) return &one;
    return nullptr;
  }
  /// One of the two that can be stopped without stopping everything else.
  app::Process& make_a_guest_lead() {
    app::Process* leading = nullptr;
    const bool led = support::eventually(
        [&] {
          if ((leading = guest(leader())) != nullptr) return true;
          if (const auto pid = leader(); pid > 0 && pid == platform_.stack().running("services")) {
            platform_.stack().signal("services", SIGKILL);
            platform_.stack().wait_for_restart("services", pid);
          }
          return false;
        },
        milliseconds(60'000));
    if (!led) throw std::runtime_error("no orchestrator leads");
    return *leading;
  }
  void mine_each_second() { platform_.rpc("evm_setIntervalMining", {1}); }
  /// Stops the mining and waits for a transaction that is sent from now on and not mined: the intent that it
  /// is of cannot end.
  std::string under_way_with_mining_stopped() {
    platform_.rpc("evm_setIntervalMining", {0});
    const auto next_nonce = platform_.nonce();
    const auto before = platform_.record_head();
    std::string id;
    const bool sent = support::eventually([&] {
      for (const auto& event : platform_.record(before))
        if (support::topic_of(event) == "exec.step_submitted" &&
            get_uint(event.at("payload").as_object(), "nonce").value() >= next_nonce)
          id = field(event, "intentId");
      return !id.empty();
    });
    if (!sent) throw std::runtime_error("no transaction is sent");
    return id;
  }
  bool ended(const std::string& id) {
    return std::ranges::any_of(platform_.record(), [&](const json::object& event) {
      return support::is_terminal_topic(support::topic_of(event)) && field(event, "intentId") == id;
    });
  }
  milliseconds until_another_leads(pid_t former, steady_clock::time_point start) {
    EXPECT_TRUE(support::eventually([&] {
      const auto now_leading = leader();
      return now_leading > 0 && now_leading != former;
    }));
    return since(start);
  }

  /// Submits small intents, one after the other, until it ends.
  class Stream {
   public:
    explicit Stream(Platform& platform) : thread_([this, &platform] { run(platform); }) {}
    ~Stream() { stop(); }
    std::vector<std::string> stop() {
      stopping_ = true;
      if (thread_.joinable()) thread_.join();
      return ids_;
    }

   private:
    void run(Platform& platform) {
      for (int i = 0; !stopping_; ++i) {
        auto intent =
            platform.intent(i % 2 == 0 ? "dispose" : "acquire", fmt::format("0.0{}", 10 + i), "WETH", "USDC");
        intent["constraints"].as_object()["max_slippage"] = "0.05";
        const app::HttpHeaders key{{"Idempotency-Key", new_ulid()}};
        support::eventually(
            [&] {
              const auto answer = app::http_request("POST", platform.stack().address() + "/intents",
                                                    json::serialize(intent), key, milliseconds(10'000));
              if (!answer || answer->status != 201) return false;
              ids_.push_back(string_or(parse_json(answer->body)->as_object(), "intent_id"));
              return true;
            },
            milliseconds(60'000));
        std::this_thread::sleep_for(200ms);  // the pace of the stream
      }
    }
    std::atomic<bool> stopping_ = false;
    std::vector<std::string> ids_;
    std::thread thread_;
  };

  void expect_each_swapped_once(const std::vector<std::string>& ids, const support::Mark& before) {
    for (const auto& id : ids) {
      const auto events = platform_.await_end(id, milliseconds(90'000));
      EXPECT_EQ(support::topic_of(events.back()), "exec.completed")
          << id << " " << field(events.back(), "reason") << " " << field(events.back(), "detail");
      support::expect_unbroken(events);
    }
    platform_.expect_reconciled(before);
    platform_.expect_replay_equal();
  }

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(context_);
  std::thread thread_{[this] { context_.run(); }};
  Platform platform_;
  std::shared_ptr<bus::Bus> bus_;
  std::list<app::Process> guests_;
};

TEST_F(OrchestratorsTest, TheOtherTakesOverFromOneThatDiesOrStandsStill) {
  const auto before = platform_.mark();
  Stream stream(platform_);
  auto& killed = make_a_guest_lead();
  const auto killed_pid = killed.pid();
  const auto in_the_killed_ones_hands = under_way_with_mining_stopped();
  ASSERT_EQ(leader(), killed_pid);
  const auto death = steady_clock::now();
  ASSERT_EQ(::kill(killed_pid, SIGKILL), 0);
  EXPECT_FALSE(ended(in_the_killed_ones_hands));
  mine_each_second();
  const auto after_death = until_another_leads(killed_pid, death);
  guests_.remove_if([&](const app::Process& one) { return one.pid() == killed_pid; });
  guests_.emplace_back(serve_orchestrator());

  auto& stopped = make_a_guest_lead();
  const auto stopped_pid = stopped.pid();
  const auto in_the_stopped_ones_hands = under_way_with_mining_stopped();
  ASSERT_EQ(leader(), stopped_pid);
  const auto standstill = steady_clock::now();
  ASSERT_EQ(::kill(stopped_pid, SIGSTOP), 0);
  EXPECT_FALSE(ended(in_the_stopped_ones_hands));
  mine_each_second();
  const auto after_silence = until_another_leads(stopped_pid, standstill);
  std::this_thread::sleep_for(std::max(0ms, 8'000ms - after_silence));
  ASSERT_EQ(::kill(stopped_pid, SIGCONT), 0);
  std::this_thread::sleep_for(3s);  // for it to do harm in
  EXPECT_NE(leader(), stopped_pid);

  const auto ids = stream.stop();
  fmt::print("{} intents; taken over {} ms after a death, {} ms after a standstill\n", ids.size(),
             after_death.count(), after_silence.count());
  EXPECT_GT(ids.size(), 20U);
  EXPECT_LT(after_death, 3'000ms);
  EXPECT_LT(after_silence, 6'000ms);
  EXPECT_THAT(ids, testing::Contains(in_the_killed_ones_hands));
  EXPECT_THAT(ids, testing::Contains(in_the_stopped_ones_hands));
  expect_each_swapped_once(ids, before);
}

}  // namespace
}  // namespace sep
