// The real services, NATS, PostgreSQL, Redis and a node under a stream of intents, while parts of all of them
// die, stand still, lose each other, and the chain takes blocks back. The oracle is the chain: whatever was
// acknowledged ended, once, as the record says (docs/testing.md).
//
// KILL_MATRIX_SEED chooses what happens when (else a random one, which is printed), KILL_MATRIX_FAULTS how
// much at least, KILL_MATRIX_SECONDS for how long at least.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <nats/nats.h>

#include "app/client.h"
#include "app/process.h"
#include "app/up.h"
#include "base/hex.h"
#include "base/ulid.h"
#include "services/fail_point.h"
#include "support/platform.h"
#include "support/tcp_proxy.h"

namespace sep {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using support::Events;
using support::field;
using support::need;
using support::Platform;
using support::TcpProxy;
using support::topic_of;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kClients = 6;
constexpr auto kClientPause = 800ms;
constexpr auto kClientTimeout = 3s;
/// From the end of a fault to the next intent that is acknowledged and the next that is prepared.
constexpr auto kRecoversWithin = 120s;
/// From the last recovery to the end of everything acknowledged; the confirmations take 8 s of it.
constexpr auto kEndsWithin = 180s;
constexpr unsigned kConfirmations = 7;
constexpr std::uint64_t kGwei = 1'000'000'000;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::stoull(text) : otherwise;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  /// From 0 up to, not including, `bound`.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  milliseconds between(milliseconds least, milliseconds most) {
    return least + milliseconds(below(static_cast<std::size_t>((most - least).count()) + 1));
  }
  template <class T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (auto i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }
  std::uint64_t next() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

// --- The stream of intents

/// What the clients know: nothing of it comes from the record.
struct Journal {
  struct Entry {
    std::string key;
    bool wants_cancel = false;
  };
  std::mutex mutex;
  std::map<std::string, Entry> acknowledged;  // by intent id
  std::size_t refused = 0;                    // malformed, and answered with 400
  std::vector<std::string> complaints;
  /// When the newest request that was acknowledged began.
  Clock::time_point last_acknowledged_request{};

  void complain(std::string what) {
    const std::lock_guard lock(mutex);
    complaints.push_back(std::move(what));
  }
};

/// A client that does not give up: under one key until it is answered.
class Client {
 public:
  Client(Platform& platform, Journal& journal, std::uint64_t seed, std::string strategy)
      : platform_(platform),
        journal_(journal),
        random_(seed),
        strategy_(std::move(strategy)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// Submits nothing new; returns when everything submitted is answered.
  void stop() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (random_.one_in(20))
        submit_malformed();
      else
        submit(any_intent());
      std::this_thread::sleep_for(random_.between(kClientPause / 2, kClientPause * 3 / 2));
    }
  }

  json::object any_intent() {
    struct Asset {
      const char* symbol;
      std::vector<const char*> amounts;
    };
    static const std::vector<Asset> assets{{"WETH", {"0.0021", "0.013", "0.077"}},
                                           {"USDC", {"7.5", "42.000001", "199"}},
                                           {"DAI", {"6.25", "51.000000000000000001", "180"}},
                                           {"WBTC", {"0.00019", "0.0011", "0.0035"}}};
    static const std::vector<std::pair<std::size_t, std::size_t>> pairs{{0, 1}, {3, 0}, {1, 2}};
    auto [base, quote] = random_.of(pairs);
    if (random_.one_in(2)) std::swap(base, quote);
    auto intent =
        platform_.intent(random_.one_in(2) ? "acquire" : "dispose", random_.of(assets[base].amounts),
                         assets[base].symbol, assets[quote].symbol);
    intent["strategy_id"] = strategy_;
    auto& constraints = intent["constraints"].as_object();
    constraints["max_slippage"] = random_.one_in(8) ? "0.0005" : "0.05";
    constraints["time_window"] = random_.one_in(6) ? 2 + random_.below(18) : 600;
    constraints["execution_style"] = random_.of(std::vector<const char*>{"passive", "normal", "aggressive"});
    if (random_.one_in(20)) constraints["max_slippage"] = "0.2";  // more than risk allows
    if (random_.one_in(25)) intent["amount"] = "90000";           // more than risk, or the pools, allow
    return intent;
  }

  void submit(const json::object& intent) {
    const auto key = new_ulid();
    const bool twice = random_.one_in(8);  // at the same time: one intent
    std::future<std::string> second;
    if (twice) second = std::async(std::launch::async, [&] { return submit_until_answered(intent, key); });
    const auto id = submit_until_answered(intent, key);
    if (twice && second.get() != id) journal_.complain(fmt::format("two intents under key {}", key));
    expect_known(id);
    if (random_.one_in(7)) cancel(id);
    if (random_.one_in(8) && submit_until_answered(intent, key) != id)
      journal_.complain(fmt::format("another intent under key {}", key));
  }

  std::string submit_until_answered(const json::object& intent, const std::string& key) {
    const auto body = json::serialize(intent);
    for (;;) {
      const auto began = Clock::now();
      const auto answer = request("POST", "/intents", body, {{"Idempotency-Key", key}});
      if (answer && answer->status == 201) {
        auto id = string_or(parse_json(answer->body)->as_object(), "intent_id");
        const std::lock_guard lock(journal_.mutex);
        journal_.acknowledged[id].key = key;
        journal_.last_acknowledged_request = std::max(journal_.last_acknowledged_request, began);
        return id;
      }
      if (answer && answer->status < 500)
        journal_.complain(fmt::format("a good intent was refused: {} {}", answer->status, answer->body));
      std::this_thread::sleep_for(200ms);
    }
  }

  void expect_known(const std::string& id) {
    const auto answer = request("GET", "/intents/" + id, {}, {});
    if (answer && answer->status < 500 && answer->status != 200)
      journal_.complain(fmt::format("{} was acknowledged, and answered with {}", id, answer->status));
  }

  void cancel(const std::string& id) {
    std::this_thread::sleep_for(random_.between(0ms, 3000ms));
    for (;;) {
      const auto answer = request("POST", "/intents/" + id + "/cancel", {}, {});
      if (answer && (answer->status == 202 || answer->status == 409)) return;
      if (answer && answer->status < 500)
        journal_.complain(fmt::format("cancelling {}: {} {}", id, answer->status, answer->body));
      std::this_thread::sleep_for(200ms);
    }
  }

  /// Refused, or not answered at all: never taken.
  void submit_malformed() {
    auto intent = any_intent();
    intent["amount"] = "1.0000000000000000000000001";
    const auto answer = request("POST", "/intents", json::serialize(intent), {});
    if (!answer || answer->status >= 500) return;
    if (answer->status == 201) return journal_.complain("a malformed intent was taken");
    const std::lock_guard lock(journal_.mutex);
    ++journal_.refused;
  }

  Result<app::HttpAnswer> request(const std::string& method, const std::string& path, const std::string& body,
                                  const app::HttpHeaders& headers) const {
    return app::http_request(method, platform_.stack().address() + path, body, headers, kClientTimeout);
  }

  Platform& platform_;
  Journal& journal_;
  Random random_;
  std::string strategy_;
  std::jthread thread_;
};

/// A page that shows everything, and goes on where it was whenever the platform is there again.
class Observer {
 public:
  Observer(const std::string& address, std::uint64_t after)
      : stream_(need(app::EventStream::open(address, {.from_sequence = after + 1, .give_up_after = 120s}),
                     "the stream")),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// The event ids in the order of their coming, once the last one is `last`; fewer where it does not come.
  std::vector<std::string> until(std::int64_t last) {
    support::eventually([&] { return last_ >= last; });
    thread_.request_stop();
    thread_.join();
    return std::move(ids_);
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto event = stream_.next(200ms);
      if (!event) return;  // gave up: what is missing is seen in the end
      if (!*event) continue;
      ids_.push_back(string_or(**event, "eventId"));
      last_ = (*event)->at("globalSequence").to_number<std::int64_t>();
    }
  }

  app::EventStream stream_;
  std::vector<std::string> ids_;
  std::atomic<std::int64_t> last_ = 0;
  std::jthread thread_;
};

// --- What can be broken

/// A standby of the platform's services, kept running as an operator's second machine would.
class Standby {
 public:
  Standby(std::string services, std::vector<std::filesystem::path> configuration,
          std::vector<std::pair<std::string, std::string>> environment, std::filesystem::path log)
      : command_{.argv = {support::sep_binary().string(), "serve", "--services", std::move(services)},
                 .environment = std::move(environment),
                 .log_file = std::move(log)} {
    for (const auto& file : configuration) {
      command_.argv.emplace_back("--config");
      command_.argv.push_back(file.string());
    }
    keeper_ = std::jthread([this](const std::stop_token& stop) { keep(stop); });
  }
  ~Standby() {
    keeper_.request_stop();
    keeper_.join();
  }

  /// -1 at a moment without.
  pid_t pid() const { return pid_; }
  std::size_t restarts() const { return starts_ == 0 ? 0 : starts_ - 1; }

 private:
  void keep(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto process = need(app::Process::spawn(command_), "sep serve");
      ++starts_;
      pid_ = process.pid();
      while (!process.wait(50ms) && !stop.stop_requested()) {
      }
      pid_ = -1;
      if (process.alive()) process.terminate(10s);
      std::this_thread::sleep_for(500ms);  // its servers may be down
    }
  }

  app::Command command_;
  std::atomic<pid_t> pid_ = -1;
  std::atomic<std::size_t> starts_ = 0;
  std::jthread keeper_;
};

/// The platform with a network between its services and their servers.
class Arena {
 public:
  Arena()
      : fail_points_(directory_ / "fail_point"),
        platform_(Platform::devnet_configuration(
                      {{"confirmations = 1 ", fmt::format("confirmations = {} ", kConfirmations)}}),
                  {.arguments = {"--max-restarts", "1000"},
                   .environment = {{services::kFailPointVariable, fail_points_.string()}}}) {
    const auto run = platform_.stack().run();
    const auto conninfo = string_or(run, "postgres");
    const auto host = conninfo.find("host='") + 6;
    const auto sockets = conninfo.substr(host, conninfo.find('\'', host) - host);
    std::filesystem::create_directories(directory_ / "pg");
    add_proxy("nats", string_or(run, "nats").substr(7), {});
    add_proxy("node", string_or(run, "rpc").substr(7), {});
    add_proxy("redis", string_or(run, "redis"), directory_ / "redis.sock");
    add_proxy("postgres", sockets + "/.s.PGSQL.5432", directory_ / "pg/.s.PGSQL.5432");

    // What `sep up` chose for this run, with the network in between; it writes the file at its own start
    // only.
    std::ofstream(platform_.stack().directory() / "sep.toml")
        << fmt::format("[chain]\nrpc_url = \"http://{0}\"\nws_url = \"ws://{0}\"\nipc_path = \"\"\n",
                       proxy("node").address())
        << fmt::format("[gateway]\nhost = \"127.0.0.1\"\nport = {}\n",
                       string_or(run, "http").substr(string_or(run, "http").rfind(':') + 1))
        << fmt::format(
               "[endpoints]\nnats = \"nats://{}\"\npostgres = \"host='{}' user=sep dbname=sep\"\n"
               "redis = \"{}\"\n",
               proxy("nats").address(), (directory_ / "pg").string(), proxy("redis").address());
    const auto former = platform_.stack().running("services");
    if (former <= 0 || ::kill(former, SIGTERM) != 0 ||
        !platform_.stack().wait_for_restart("services", former))
      throw std::runtime_error(platform_.stack().output());
    standby_ = std::make_unique<Standby>("coordinator,risk,intents,planner,orchestrator",
                                         app::config_files_of(platform_.stack().directory()),
                                         std::vector<std::pair<std::string, std::string>>{
                                             {services::kFailPointVariable, fail_points_.string()}},
                                         platform_.stack().directory() / "logs/standby.log");
    first_block_ = platform_.block_number();
    platform_.rpc("evm_setIntervalMining", {1});
  }

  Platform& platform() { return platform_; }
  Standby& standby() { return *standby_; }
  TcpProxy& proxy(const std::string& name) { return *proxies_.at(name); }
  const std::filesystem::path& fail_points() const { return fail_points_; }
  pid_t pid(const std::string& process) {
    return process == "standby" ? standby_->pid() : platform_.stack().running(process);
  }
  std::mutex& chain() { return chain_; }
  std::uint64_t first_block() const { return first_block_; }

  /// Also what a fault left behind that failed half-way.
  void heal() {
    std::filesystem::remove(fail_points_);
    for (auto& [name, proxy] : proxies_) proxy->set(TcpProxy::Mode::kPass);
    for (const char* process : {"services", "standby", "nats", "postgres", "redis", "anvil"})
      signal_tree(pid(process), SIGCONT);
    platform_.rpc("evm_setIntervalMining", {1});
  }

  static void signal_tree(pid_t root, int signal) {
    if (root <= 0) return;
    for (const auto pid : support::process_tree(root)) ::kill(pid, signal);
  }

 private:
  void add_proxy(const std::string& name, const std::string& target, const std::filesystem::path& socket) {
    proxies_[name] =
        socket.empty() ? std::make_unique<TcpProxy>(target) : std::make_unique<TcpProxy>(target, socket);
  }

  support::TempDir directory_;
  std::filesystem::path fail_points_;
  Platform platform_;
  std::map<std::string, std::unique_ptr<TcpProxy>> proxies_;
  std::unique_ptr<Standby> standby_;
  std::uint64_t first_block_ = 0;
  std::mutex chain_;  // one fault of the chain at a time
};

// --- Faults

/// Does it, waits, and undoes what does not undo itself. False where it could not be done.
using Inject = std::function<bool(Arena&, Random&)>;
struct Fault {
  std::string kind;    // what is counted
  std::string detail;  // in the log
  std::string target;  // two of one round have different ones
  Inject inject;
};

milliseconds any_hold(Random& random) {
  static const auto longest = milliseconds(number_from_environment("KILL_MATRIX_LONGEST_MS", 3000));
  return random.between(1000ms, longest);
}

Fault kill_of(const std::string& process, int signal) {
  return {signal == SIGQUIT ? "immediate shutdown" : "kill", process, process, [=](Arena& arena, Random&) {
            const auto pid = arena.pid(process);
            return pid > 0 && ::kill(pid, signal) == 0;
          }};
}

Fault stop_of(const std::string& process) {
  return {"stop", process, process, [=](Arena& arena, Random& random) {
            const auto pid = arena.pid(process);
            if (pid <= 0) return false;
            Arena::signal_tree(pid, SIGSTOP);
            std::this_thread::sleep_for(any_hold(random));
            Arena::signal_tree(pid, SIGCONT);
            return true;
          }};
}

Fault fail_point_of(std::string_view place, const std::string& action) {
  return {
      "fail point " + action, std::string(place), "services",
      [=, place = std::string(place)](Arena& arena, Random& random) {
        const auto& file = arena.fail_points();
        if (!app::write_file_atomically(file, fmt::format("{}={}@{}\n", place, action, 1 + random.below(4))))
          return false;
        const auto taken = [&] { return !std::filesystem::exists(file); };
        if (!support::eventually(taken, 30s) && std::filesystem::remove(file)) return false;
        if (action == "kill") return true;
        std::this_thread::sleep_for(any_hold(random));
        for (const char* process : {"services", "standby"}) Arena::signal_tree(arena.pid(process), SIGCONT);
        return true;
      }};
}

Fault network_of(const std::string& part, TcpProxy::Mode mode, const std::string& name) {
  return {"network " + name, part, part == "node" ? "anvil" : part, [=](Arena& arena, Random& random) {
            arena.proxy(part).set(mode, random.between(50ms, 400ms));
            std::this_thread::sleep_for(any_hold(random));
            arena.proxy(part).set(TcpProxy::Mode::kPass);
            return true;
          }};
}
Fault cut_of(const std::string& part) {
  return {"network cut", part, part == "node" ? "anvil" : part, [=](Arena& arena, Random&) {
            arena.proxy(part).cut();
            return true;
          }};
}

/// The read models are forgotten.
Fault redis_flushed() {
  return {"redis flushed", "", "redis", [](Arena& arena, Random&) {
            const auto socket = string_or(arena.platform().stack().run(), "redis");
            const std::unique_ptr<redisContext, decltype(&redisFree)> redis(
                redisConnectUnixWithTimeout(socket.c_str(), timeval{1, 0}), &redisFree);
            if (redis == nullptr || redis->err != 0) return false;
            redisSetTimeout(redis.get(), timeval{2, 0});
            auto* reply = static_cast<redisReply*>(redisCommand(redis.get(), "FLUSHALL"));
            const bool flushed = reply != nullptr && reply->type == REDIS_REPLY_STATUS;
            if (reply != nullptr) freeReplyObject(reply);
            return flushed;
          }};
}

/// With its consumers: whoever works waits for events that nobody will send again by itself.
Fault stream_deleted() {
  return {"stream deleted", "", "nats", [](Arena& arena, Random&) {
            natsConnection* connection = nullptr;
            if (natsConnection_ConnectTo(&connection, arena.platform().stack().address("nats").c_str()) !=
                NATS_OK)
              return false;
            jsCtx* jetstream = nullptr;
            const bool deleted = natsConnection_JetStream(&jetstream, connection, nullptr) == NATS_OK &&
                                 js_DeleteStream(jetstream, "EVENTS", nullptr, nullptr) == NATS_OK;
            jsCtx_Destroy(jetstream);
            natsConnection_Destroy(connection);
            return deleted;
          }};
}

std::string quantity(std::uint64_t number) {
  return to_quantity(Uint256(number));
}

/// With no block in between.
template <class F>
void on_still_chain(Arena& arena, F action) {
  const std::lock_guard lock(arena.chain());
  auto& platform = arena.platform();
  platform.rpc("evm_setIntervalMining", {0});
  action(platform);
  platform.rpc("evm_setIntervalMining", {1});
}

/// The last blocks are replaced by others, with the transactions of those that had been in the first `kept`
/// of them; the rest of the transactions is forgotten.
Fault reorganisation(const std::string& kept) {
  return {
      "reorganisation", kept, "anvil", [=](Arena& arena, Random& random) {
        on_still_chain(arena, [&](Platform& platform) {
          const auto head = platform.block_number();
          // Not below where the test began: what it compares with is there.
          const auto depth =
              std::min<std::size_t>(1 + random.below(kConfirmations - 1), head - arena.first_block());
          const auto blocks = kept == "all kept" ? depth : kept == "none kept" ? 0 : depth / 2;
          json::array transactions;
          for (std::size_t i = 0; i < blocks; ++i) {
            const auto block = platform.rpc("eth_getBlockByNumber", {quantity(head - depth + 1 + i), false});
            for (const auto& hash : block.at("transactions").as_array())
              transactions.push_back(json::array{platform.rpc("eth_getRawTransactionByHash", {hash}), i});
          }
          if (depth == 0) return;
          platform.rpc("anvil_reorg", {depth, std::move(transactions)});
          // The new blocks carry old times: the chain's clock goes on from the machine's.
          platform.rpc("evm_setNextBlockTimestamp", {std::chrono::duration_cast<std::chrono::seconds>(
                                                         std::chrono::system_clock::now().time_since_epoch())
                                                         .count() +
                                                     1});
        });
        return true;
      }};
}

Fault dropped_transaction() {
  return {"transaction dropped", "", "anvil", [](Arena& arena, Random& random) {
            bool dropped = false;
            on_still_chain(arena, [&](Platform& platform) {
              std::vector<std::string> hashes;
              const auto waiting = [&] {
                const auto pool = platform.rpc("txpool_content");
                for (const char* part : {"pending", "queued"})  // queued: behind a nonce that is missing
                  for (const auto& [account, by_nonce] : pool.at(part).as_object())
                    for (const auto& [nonce, transaction] : by_nonce.as_object())
                      hashes.emplace_back(transaction.at("hash").as_string());
                return !hashes.empty();
              };
              if (!support::eventually(waiting, 10s)) return;
              platform.rpc("anvil_dropTransaction", {random.of(hashes)});
              dropped = true;
            });
            return dropped;
          }};
}

Fault no_mining() {
  return {"mining stopped", "", "anvil", [](Arena& arena, Random& random) {
            on_still_chain(arena, [&](Platform&) { std::this_thread::sleep_for(any_hold(random)); });
            return true;
          }};
}

/// Above execution.max_fee_per_gas_gwei: nothing of ours can be included.
Fault high_base_fee() {
  return {"base fee above the cap", "", "anvil", [](Arena& arena, Random& random) {
            const std::lock_guard lock(arena.chain());
            arena.platform().rpc("anvil_setNextBlockBaseFeePerGas", {quantity(900 * kGwei)});
            std::this_thread::sleep_for(any_hold(random));
            arena.platform().rpc("anvil_setNextBlockBaseFeePerGas", {quantity(kGwei)});
            return true;
          }};
}

/// Every kind once, in the order of the seed.
std::vector<Fault> deck(Random& random) {
  std::vector<Fault> faults;
  for (const auto place : services::kFailPoints)
    faults.push_back(fail_point_of(place, random.one_in(4) ? "stop" : "kill"));
  for (const std::string process : {"services", "standby", "nats", "postgres", "redis"})
    faults.push_back(kill_of(process, SIGKILL));
  faults.push_back(kill_of("postgres", SIGQUIT));
  for (const std::string process : {"services", "standby", "nats", "postgres", "redis", "anvil"})
    faults.push_back(stop_of(process));
  std::vector<Fault> network;
  for (const std::string part : {"nats", "postgres", "redis", "node"}) {
    network.push_back(network_of(part, TcpProxy::Mode::kDelay, "delay"));
    network.push_back(network_of(part, TcpProxy::Mode::kBlackhole, "blackhole"));
    network.push_back(network_of(part, TcpProxy::Mode::kHalfOpen, "half open"));
    network.push_back(network_of(part, TcpProxy::Mode::kRefuse, "refused"));
    network.push_back(cut_of(part));
  }
  random.shuffle(network);
  constexpr std::size_t kNetworkFaults = 9;  // of 20 in one deck: the others in the next ones
  faults.insert(faults.end(), network.begin(), network.begin() + kNetworkFaults);
  for (const char* kept : {"all kept", "half kept", "none kept"}) faults.push_back(reorganisation(kept));
  faults.push_back(redis_flushed());
  faults.push_back(stream_deleted());
  faults.push_back(dropped_transaction());
  faults.push_back(no_mining());
  faults.push_back(high_base_fee());
  random.shuffle(faults);
  return faults;
}

// --- The test

class KillMatrix {
 public:
  KillMatrix(std::uint64_t seed, std::size_t faults) : random_(seed), wanted_(faults) {}

  void run() {
    auto& platform = arena_.platform();
    platform.await_market();
    const auto before = platform.mark();
    const auto began = Clock::now();
    Observer observer(platform.stack().address(), before.global_sequence);
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < kClients; ++i)
      clients.push_back(
          std::make_unique<Client>(platform, journal_, random_.next(), fmt::format("strategy-{}", i)));
    try {
      const std::chrono::seconds at_least(number_from_environment("KILL_MATRIX_SECONDS", 0));
      while (injected_ < wanted_ || Clock::now() < began + at_least) round();
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
      arena_.heal();
    }
    for (auto& client : clients) client->stop();
    EXPECT_THAT(journal_.complaints, testing::IsEmpty());
    await_ends(before);
    check(before, observer);
    report(before, std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began));
  }

 private:
  static void say(const std::string& line) { std::cout << line << std::endl; }

  /// One to three faults at a time, and the recovery from them.
  void round() {
    std::vector<Fault> faults;
    const auto at_once = 1 + random_.below(3);
    while (faults.size() < at_once) {
      if (deck_.empty()) deck_ = deck(random_);
      const auto other = std::ranges::find_if(deck_, [&](const Fault& fault) {
        return std::ranges::none_of(faults, [&](const Fault& f) { return f.target == fault.target; });
      });
      if (other == deck_.end()) break;
      faults.push_back(*other);
      deck_.erase(other);
    }
    std::vector<std::future<bool>> outcomes;
    for (const auto& fault : faults) {
      say(fmt::format("fault {}: {} {}", injected_ + outcomes.size() + 1, fault.kind, fault.detail));
      outcomes.push_back(std::async(std::launch::async, [this, &fault, seed = random_.next()] {
        Random own(seed);
        return fault.inject(arena_, own);
      }));
    }
    for (std::size_t i = 0; i < faults.size(); ++i) {
      if (outcomes[i].get()) {
        ++injected_;
        ++by_kind_[faults[i].kind];
      } else {
        say(fmt::format("not done: {} {}", faults[i].kind, faults[i].detail));
        ++not_done_;
      }
    }
    await_recovery();
  }

  /// Until an intent is acknowledged that was submitted from now on, and another transaction is prepared.
  void await_recovery() {
    const auto healed = Clock::now();
    std::optional<std::uint64_t> head;
    const auto recovered = [&] {
      try {
        if (!head) head = arena_.platform().record_head();
        {
          const std::lock_guard lock(journal_.mutex);
          if (journal_.last_acknowledged_request < healed) return false;
        }
        const auto events = arena_.platform().record(*head);
        return support::find_event(events, "exec.step_prepared").has_value();
      } catch (const std::runtime_error&) {
        return false;  // PostgreSQL starts
      }
    };
    if (!support::eventually(recovered, kRecoversWithin))
      throw std::runtime_error(fmt::format("no recovery within {} s; the platform's log:\n{}",
                                           kRecoversWithin.count(), arena_.platform().stack().output()));
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - healed);
    say(fmt::format("  recovered after {} ms", took.count()));
    slowest_recovery_ = std::max(slowest_recovery_, took);
  }

  std::set<std::string> open_intents(const support::Mark& before) {
    std::set<std::string> open;
    for (const auto& [id, entry] : journal_.acknowledged) open.insert(id);
    for (const auto& event : arena_.platform().record(before.global_sequence))
      if (support::is_terminal_topic(topic_of(event))) open.erase(field(event, "intentId"));
    return open;
  }

  void await_ends(const support::Mark& before) {
    std::set<std::string> open;
    const auto ended = [&] {
      open = open_intents(before);
      return open.empty();
    };
    const auto began = Clock::now();
    if (!support::eventually(ended, kEndsWithin))
      for (const auto& id : open) ADD_FAILURE() << id << " was acknowledged and has no end";
    drained_ = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  }

  void check(const support::Mark& before, Observer& observer) {
    auto& platform = arena_.platform();
    const auto record = platform.record(before.global_sequence);
    std::map<std::string, Events> intents;
    auto global = static_cast<std::int64_t>(before.global_sequence);
    for (const auto& event : record) {
      EXPECT_EQ(event.at("globalSequence").as_int64(), ++global);
      intents[field(event, "intentId")].push_back(event);
    }
    std::vector<std::string> ids;
    for (const auto& event : record) ids.push_back(string_or(event, "eventId"));
    EXPECT_TRUE(observer.until(global) == ids) << "the stream is not the record";
    std::map<std::string, std::uint64_t> states;
    for (const auto& [id, events] : intents) {
      support::expect_unbroken(events);
      support::expect_legal(events);
      EXPECT_TRUE(journal_.acknowledged.contains(id)) << id << " is on the record, and nobody was told";
      const auto reason = field(events.back(), "reason");
      // Nobody else used the account, and no service met what it does not know.
      EXPECT_NE(reason, "FOREIGN_NONCE") << id;
      EXPECT_NE(reason, "INTERNAL") << id;
      ++states[topic_of(events.back())];
      ++ends_[topic_of(events.back()) + (reason.empty() ? "" : " " + reason)];
    }
    for (const auto& [id, entry] : journal_.acknowledged)
      if (!intents.contains(id)) {
        ++lost_;
        ADD_FAILURE() << id << " was acknowledged, and is not on the record";
      }
    platform.expect_reconciled(before);
    EXPECT_TRUE(support::eventually([&] {
      return platform.get("/stats").at("last_global_sequence").to_number<std::int64_t>() == global;
    })) << "the read models do not catch up";
    const auto stats = platform.get("/stats");
    const auto expect_stat = [&](const char* name, std::initializer_list<const char*> topics) {
      std::uint64_t count = 0;
      for (const char* topic : topics) count += states[topic];
      EXPECT_EQ(stats.at(name).to_number<std::uint64_t>(), count) << name;
    };
    expect_stat("executed", {"exec.completed"});
    expect_stat("failed", {"exec.failed"});
    expect_stat("rejected", {"risk.rejected", "plan.rejected"});
    expect_stat("expired", {"intent.expired"});
    expect_stat("cancelled", {"intent.cancelled"});
    EXPECT_EQ(stats.at("active").to_number<std::uint64_t>(), 0U);
    platform.expect_replay_equal();
  }

  void report(const support::Mark& before, std::chrono::seconds took) {
    const auto swaps = arena_.platform().swaps_by_intent(before);
    const auto doubled = std::ranges::count_if(swaps, [](const auto& entry) { return entry.second > 1; });
    EXPECT_EQ(doubled, 0);
    const auto restarts = arena_.standby().restarts() + times_in(arena_.platform().stack().output());
    say(fmt::format("kill matrix: {} faults in {} s: {}", injected_, took.count(),
                    fmt::join(by_kind_, ", ")));
    say(fmt::format("  not done {} (what they wait for did not come)", not_done_));
    say(fmt::format("  intents acknowledged {}, refused {}; ends: {}", journal_.acknowledged.size(),
                    journal_.refused, fmt::join(ends_, ", ")));
    say(fmt::format(
        "  lost {}, doubled {}; {} restarts, slowest recovery {} ms, everything ended {} ms after", lost_,
        doubled, restarts, slowest_recovery_.count(), drained_.count()));
  }

  static std::size_t times_in(const std::string& output) {
    std::size_t count = 0;
    for (auto at = output.find("starting it again"); at != std::string::npos;
         at = output.find("starting it again", at + 1))
      ++count;
    return count;
  }

  Random random_;
  std::size_t wanted_;
  Arena arena_;
  Journal journal_;
  std::vector<Fault> deck_;
  std::size_t injected_ = 0, not_done_ = 0, lost_ = 0;
  std::map<std::string, std::size_t> by_kind_;
  std::map<std::string, std::uint64_t> ends_;  // by topic and reason
  milliseconds slowest_recovery_{}, drained_{};
};

TEST(KillMatrixTest, NothingLostNothingDoneTwice) {
  const auto seed = number_from_environment("KILL_MATRIX_SEED", std::random_device()());
  const auto faults = number_from_environment("KILL_MATRIX_FAULTS", 40);
  std::cout << "kill matrix: KILL_MATRIX_SEED=" << seed << " KILL_MATRIX_FAULTS=" << faults << std::endl;
  KillMatrix(seed, faults).run();
}

}  // namespace
}  // namespace sep
