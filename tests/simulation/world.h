#pragma once
// One run of the simulation: a simulated clock, one seeded source of randomness, and processes that are run
// one handler at a time in an order that the seed decides.
//
// The services are the production code, object file by object file (src/services, src/engine,
// src/node/node.cpp, …); what they stand on is linked in its place: bus/bus.h and node/rpc.h, node/heads.h,
// services/market_view.h (bus.cpp, node.cpp), base/system.cpp, and below Asio the system's clock and epoll
// (world.cpp). A process is an io_context of its own: it crashes by being destroyed, between any two of its
// handlers, and is paused by not being run.
//
// Invariants
//  1. Nothing but the seed decides: no real time, no threads, no order by address or hash of an address.
//  2. Time stands still while anything can run, and then goes to the next moment at which something can.
//  3. What a dead process sends is not sent; what is sent to it, or was under way in it, is gone.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/ulid.h"
#include "ethereum/hash.h"

namespace sep::sim {

namespace asio = boost::asio;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() { return engine_(); }
  /// 0..n-1
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  /// True once in `n` times.
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  bool per_mille(unsigned share) { return share != 0 && below(1000) < share; }
  template <class T>
  T& pick(std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

/// Which faults a run has, and how often (per mille of the occasions). Each run draws its own set, so that
/// rare combinations come without drowning in all at once.
struct Faults {
  unsigned request_lost = 0;
  unsigned reply_lost = 0;
  unsigned message_delayed = 0;
  unsigned delivery_lost = 0;
  unsigned delivery_repeated = 0;
  unsigned ack_lost = 0;
  unsigned publish_unknown = 0;
  unsigned commit_unavailable = 0;
  unsigned commit_unknown = 0;
  unsigned leadership_lost = 0;
  unsigned crash = 0;  // per 100,000 handlers
  bool pauses = false;
  bool cache_flushed = false;
  bool cache_unavailable = false;
  unsigned rpc_timeout = 0;  // executed or not
  unsigned rpc_refused = 0;
  unsigned rpc_error = 0;
  unsigned rpc_slow = 0;
  unsigned receipt_hidden = 0;
  bool node_stalls = false;
  bool nodes_disagree = false;
  unsigned dropped_from_pool = 0;
  unsigned inclusion_delayed = 0;
  bool fee_spikes = false;
  unsigned reorganised = 0;  // of the blocks
  bool outsiders = false;
  bool foreign_nonce = false;
  bool states_forgotten = false;  // but those of the last blocks
  bool market_stale = false;
  bool halts = false;
  bool buckets_lost = false;
};

class World;
class Broker;
class Chain;

/// One program of the platform.
class Process {
 public:
  /// Starts the services and returns what keeps them.
  using Boot = std::function<void(Process&)>;

  World& world;
  const std::string name;
  Boot boot;
  bool crashes = true;  // by fault

  asio::io_context& context() { return *context_; }
  asio::io_context::executor_type executor() { return context_->get_executor(); }
  bool up() const { return context_ != nullptr; }
  std::uint64_t incarnation() const { return incarnation_; }
  bool paused() const;
  /// Runs `handler` on the process, if it is still the one with this incarnation.
  void post(std::uint64_t incarnation, std::function<void()> handler);
  /// What lives as long as the process.
  void keep(std::shared_ptr<void> part) { parts_.push_back(std::move(part)); }

  void start();
  void crash();
  void pause_until(std::int64_t ms);

 private:
  friend class World;
  Process(World& in, std::string named, Boot with)
      : world(in), name(std::move(named)), boot(std::move(with)) {}

  bool run_one();
  void look_at_timers();

  std::unique_ptr<asio::io_context> context_;
  std::unique_ptr<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::shared_ptr<void>> parts_;
  UlidGenerator ulids_;
  std::uint64_t incarnation_ = 0;
  std::int64_t paused_until_ = 0;
  std::int64_t next_timer_ = 0;
  bool maybe_ready_ = false;

 public:
  std::string next_ulid();
};

/// A promise that did not hold.
struct Violation {
  std::string oracle;
  std::string what;
  std::string correlation_id;  // empty: no single intent's
};

class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  /// The one that runs.
  static World* current();

  Random random;
  Faults faults;
  bool faults_on = true;
  Broker* broker = nullptr;
  Chain* chain = nullptr;
  bool market_stale = false;
  /// Called when signed bytes reach the node.
  std::function<void(const Hash32&)> on_broadcast;
  /// Called with the body of a work queue's message that a worker is done with.
  std::function<void(const std::string&)> on_acknowledge;

  std::int64_t now_ms() const { return now_ms_; }
  Timestamp now() const { return {kEpochMs + now_ms_}; }
  /// Runs `event` after `delay_ms`, outside every process.
  void after(std::int64_t delay_ms, std::function<void()> event);
  /// Runs everything up to this moment, or until something is violated.
  void run_until(std::int64_t ms);

  Process& add_process(std::string name, Process::Boot boot);
  const std::vector<std::unique_ptr<Process>>& processes() const { return processes_; }
  Process& process_of(const asio::execution_context& context);
  Process* running() const { return running_; }
  /// True in `share` of a thousand cases while faults are on; counted as `kind`.
  bool fault(unsigned share, std::string_view kind);
  void count(std::string_view kind) { ++counts_[std::string(kind)]; }
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }
  std::uint64_t handlers() const { return handlers_; }

  /// What happened, into the digest; kept as text where asked for.
  void trace(std::string_view who, std::string_view what);
  void keep_trace() { tracing_ = true; }
  const std::vector<std::string>& trace_lines() const { return lines_; }
  std::uint64_t digest() const { return digest_; }

  void violated(std::string oracle, std::string what, std::string correlation_id = {});
  const std::vector<Violation>& violations() const { return violations_; }

  /// Milliseconds of a message's way.
  std::int64_t latency();

 private:
  friend class Process;
  static constexpr std::int64_t kEpochMs = 1'787'000'000'000;

  void run_ready();

  std::vector<std::unique_ptr<Process>> processes_;
  std::map<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t next_event_ = 0;
  std::int64_t now_ms_ = 0;
  Process* running_ = nullptr;
  std::uint64_t handlers_ = 0;
  std::map<std::string, std::uint64_t> counts_;
  bool tracing_ = false;
  std::vector<std::string> lines_;
  std::uint64_t digest_ = 14'695'981'039'346'656'037U;
  std::vector<Violation> violations_;
  UlidGenerator ulids_;
};

}  // namespace sep::sim
