#include "app/serve.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "app/parts.h"
#include "app/signer.h"
#include "base/log.h"
#include "services/async.h"
#include "services/execution_orchestrator.h"
#include "services/execution_planner.h"
#include "services/file_market.h"
#include "services/gateway_documents.h"
#include "services/gateway_service.h"
#include "services/heartbeat.h"
#include "services/intent_manager.h"
#include "services/market.h"
#include "services/measuring.h"
#include "services/paper_orchestrator.h"
#include "services/risk_engine.h"
#include "services/state_coordinator.h"

namespace sep::app {
namespace {

namespace asio = boost::asio;
using services::service_names;
using namespace std::chrono_literals;
using services::Task;

constexpr auto kRetryDelay = 500ms;
constexpr int kCannotStart = 3;
constexpr const char* kDeadLettersHelp = "Inputs that could not be processed, kept in dead.>.";
// Of the servers, logs and threads, and of clients that are told that they are too many.
constexpr rlim_t kOwnFiles = 256;

/// Where the web build leaves the pages. An installation without the project's files has none.
std::filesystem::path pages_folder() {
  const auto root = project_root();
  return root ? *root / "web/out" : std::filesystem::path();
}

/// How many clients may be connected at a time: beyond them the process must still get the files that it
/// works with, or it could not refuse one, nor find a lost server again.
std::size_t max_connections() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto room =
      std::max(files.rlim_cur / 2, files.rlim_cur - std::min<rlim_t>(files.rlim_cur, kOwnFiles));
  return std::min<rlim_t>(room, gateway::ServerOptions{}.max_connections);
}

/// The services of this process and what they share. Everything but the coordinator lives on one executor,
/// one thread.
class Host {
 public:
  Host(const engine::Settings& settings, std::vector<std::string> names)
      : settings_(settings),
        names_(std::move(names)),
        log_(logger("serve")),
        signals_(context_, SIGINT, SIGTERM) {}

  int run() {
    begin_counters();
    auto work = asio::make_work_guard(context_);
    std::thread executor([this] { context_.run(); });
    auto stopped = stop_.get_future();
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) end(0);
    });
    if (const auto started = start(); !started) {
      if (!ending_) log_->critical("{}", started.error().detail);
      end(kCannotStart);
    }
    const int code = stopped.get();
    stop();
    work.reset();
    context_.stop();
    executor.join();
    return code;
  }

 private:
  bool runs(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }

  /// Those that operators alert on are there from the start: what counts from its first event on shows no
  /// rise.
  void begin_counters() {
    for (const auto& queue : services::work_queues())
      metrics_.add("sep_dead_letters_total", {{"consumer", queue}}, 0, kDeadLettersHelp);
    metrics_.add("sep_pools_quarantined_total", {}, 0,
                 "Pools whose recomputed state disagreed with their logs.");
    metrics_.add("sep_overload_total", {}, 0, "Intents that were refused because too many wait");
    metrics_.add("sep_stream_refills_total", {}, 0, "Times that the stream of events had lost messages.");
  }

  void end(int code) {
    if (!ending_.exchange(true)) stop_.set_value(code);
  }

  Status start() {
    SEP_TRY(bus_, bus::Bus::connect(context_.get_executor(),
                                    {.url = settings_.endpoints.nats_url,
                                     .name = fmt::format("sep {}", fmt::join(names_, ",")),
                                     .on_dead_letter = [this](const std::string& consumer) {
                                       metrics_.add("sep_dead_letters_total", {{"consumer", consumer}}, 1);
                                     }}));
    if (runs("coordinator")) {
      SEP_TRY(coordinator_, services::StateCoordinator::start(bus_, settings_.endpoints, metrics_));
    }
    std::optional<PrivateKey> signer;
    if (!settings_.on_paper() && (runs("orchestrator") || runs("market"))) {
      SEP_TRY(signer, load_signer(settings_.signer));
    }
    return asio::co_spawn(context_, start_services(std::move(signer)), asio::use_future).get();
  }

  Task<Status> start_services(std::optional<PrivateKey> signer) {
    while (!ending_) {
      const auto stream = co_await bus_->ensure_stream(services::event_stream());
      if (stream) break;
      log_->warn("waiting for JetStream: {}", stream.error().detail);
      co_await services::pause(context_.get_executor(), kRetryDelay);
    }
    heartbeat_ = services::Heartbeat::start(bus_);
    if (runs("coordinator")) heartbeat_->add("coordinator");
    SEP_CO_TRY(measuring_, services::Measuring::start(bus_, metrics_.trace()));
    SEP_CO_TRY(view_, services::MarketView::start(bus_, settings_.chain));
    if (runs("market")) {
      SEP_CO_CHECK(start_market(signer));
      heartbeat_->add("market");
    }
    if (runs("risk")) {
      SEP_CO_TRY(risk_, services::RiskEngine::start(bus_, settings_, view_));
      heartbeat_->add("risk");
    }
    if (runs("planner")) {
      SEP_CO_TRY(planner_, co_await services::ExecutionPlanner::start(bus_, settings_, view_, metrics_));
      heartbeat_->add("planner");
    }
    if (runs("intents")) {
      SEP_CO_TRY(intents_, co_await services::IntentManager::start(bus_, settings_.risk, metrics_));
      heartbeat_->add("intents");
    }
    if (runs("orchestrator") && settings_.on_paper()) {
      SEP_CO_TRY(paper_, services::PaperOrchestrator::start(bus_, settings_, view_, metrics_));
      heartbeat_->add("orchestrator");
    } else if (runs("orchestrator")) {
      asio::co_spawn(context_, start_orchestrator(std::move(*signer)), [](std::exception_ptr) {});
    }
    if (runs("gateway")) {
      SEP_CO_TRY(gateway_,
                 co_await services::GatewayService::start(bus_, settings_, view_, metrics_,
                                                          {.pages = pages_folder(),
                                                           .max_connections = max_connections(),
                                                           .keep_on = [this] { return !ending_; }}));
      heartbeat_->add("gateway");
    }
    log_->info("running: {}", fmt::join(names_, ", "));
    co_return Status{};
  }

  Status start_market(const std::optional<PrivateKey>& signer) {
    if (!settings_.market.pools_file.empty()) {
      SEP_TRY(file_market_, services::FileMarket::start(bus_, settings_));
      return {};
    }
    const auto account = signer ? std::optional(signer->address()) : std::nullopt;
    SEP_TRY(market_, services::Market::start(bus_, settings_, account, metrics_));
    return {};
  }

  /// Waits for a node that is down; a node of another chain ends the process.
  Task<void> start_orchestrator(PrivateKey signer) {
    auto node_key = std::make_shared<PrivateKey>(std::move(signer));
    while (!ending_) {
      auto started = co_await services::ExecutionOrchestrator::start(bus_, settings_, node_key, metrics_);
      if (started) {
        orchestrator_ = std::move(*started);
        if (heartbeat_) heartbeat_->add("orchestrator");  // null: it is stopping
        co_return;
      }
      log_->error("the orchestrator cannot start: {}", started.error().detail);
      if (started.error().code == errc::kChainMismatch) {
        end(kCannotStart);
        co_return;
      }
      co_await services::pause(context_.get_executor(), kRetryDelay);
    }
  }

  void stop() {
    log_->info("stopping");
    if (bus_) {
      asio::co_spawn(context_, stop_services(), asio::use_future).get();
      coordinator_.reset();
      bus_->close();
    }
  }

  Task<void> stop_services() {
    heartbeat_.reset();
    measuring_.reset();
    if (gateway_) co_await gateway_->stop();
    gateway_.reset();
    intents_.reset();
    planner_.reset();
    risk_.reset();
    orchestrator_.reset();
    paper_.reset();
    market_.reset();
    file_market_.reset();
    view_.reset();
  }

  engine::Settings settings_;
  std::vector<std::string> names_;
  Logger log_;
  gateway::Metrics metrics_;
  asio::io_context context_{1};
  asio::signal_set signals_;
  std::promise<int> stop_;
  std::atomic<bool> ending_ = false;

  std::shared_ptr<bus::Bus> bus_;
  std::unique_ptr<services::StateCoordinator> coordinator_;
  std::shared_ptr<services::MarketView> view_;
  std::unique_ptr<services::Market> market_;
  std::unique_ptr<services::FileMarket> file_market_;
  std::unique_ptr<services::RiskEngine> risk_;
  std::unique_ptr<services::ExecutionPlanner> planner_;
  std::unique_ptr<services::IntentManager> intents_;
  std::unique_ptr<services::ExecutionOrchestrator> orchestrator_;
  std::unique_ptr<services::PaperOrchestrator> paper_;
  std::unique_ptr<services::GatewayService> gateway_;
  std::unique_ptr<services::Heartbeat> heartbeat_;
  std::unique_ptr<services::Measuring> measuring_;
};

}  // namespace

int run_serve(const engine::Settings& settings, std::vector<std::string> names) {
  if (names.empty()) names = service_names();
  for (const auto& name : names) {
    if (std::ranges::find(service_names(), name) != service_names().end()) continue;
    fmt::print(stderr, "sep serve: no service \"{}\"; there are: {}\n", name,
               fmt::join(service_names(), ", "));
    return 2;
  }
  ::prctl(PR_SET_NAME, "sep");  // `sep up` runs it by a link of another name
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;  // the usual soft limit is for programs that call select()
  ::setrlimit(RLIMIT_NOFILE, &files);
  return Host(settings, std::move(names)).run();
}

}  // namespace sep::app
