#include "app/up.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <mutex>
#include <ranges>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/client.h"
#include "app/config.h"
#include "app/parts.h"
#include "base/json.h"
#include "node/nodes.h"

namespace sep::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRestartWindow{60};
/// They are ready when the pools are read, which a slow node makes long: to end them for it would begin it
/// anew.
constexpr std::chrono::seconds kServicesReadyWithin{300};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// To whoever reads it, if anybody still does.
void tell(std::FILE* out, std::string line) {
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), out);
  std::fflush(out);
}

void say(const std::string& line) {
  tell(stdout, line);
}

/// This program, whatever became of its file.
constexpr const char* kOwnImage = "/proc/self/exe";

/// This program's own path: the services are the same binary.
fs::path own_binary() {
  return fs::read_symlink(kOwnImage);
}

/// How a person in this directory calls it.
std::string own_command() {
  const auto path = fs::proximate(own_binary()).string();
  return path.find('/') == std::string::npos ? "./" + path : path;
}

std::string toml_string(const std::string& text) {
  return json::serialize(json::string(text));
}

/// `sep serve` with every service. Ready is what GET /readyz says.
class Services final : public Part {
 public:
  Services(fs::path directory, PartOptions options, std::vector<fs::path> config, std::string host,
           std::uint16_t port)
      : Part("services", std::move(directory), std::move(options), SIGTERM),
        config_(std::move(config)),
        host_(std::move(host)),
        port_(port) {}
  ~Services() override { stop(); }

 protected:
  Result<Command> prepare() override {
    // The link itself: the file that it names may have been replaced since, by an upgrade or a build.
    Command command{.argv = {own_binary().string(), "serve"}, .program = kOwnImage};
    for (const auto& file : config_) {
      command.argv.emplace_back("--config");
      command.argv.push_back(file.string());
    }
    return command;
  }
  bool answers() override {
    // Another platform may have taken the address since it was found free.
    if (!listens_on(pid(), host_, port_)) return false;
    const auto answer =
        http_request("GET", fmt::format("http://{}:{}/readyz", host_, port_), {}, {}, milliseconds(2000));
    return answer && answer->status == 200;
  }

 private:
  std::vector<fs::path> config_;
  std::string host_;
  std::uint16_t port_;
};

/// One of what is kept alive, and how it is doing.
struct Watched {
  enum class State { kStarting, kRunning, kStopped };

  std::unique_ptr<Part> part;
  std::function<Status(Part&)> start;  // the part itself, and what belongs to its start
  State state = State::kStarting;
  Status outcome{};
  Clock::time_point started_at{};
  std::deque<Clock::time_point> restarts{};
  std::thread worker{};
};

class Up {
 public:
  explicit Up(UpOptions options) : options_(std::move(options)) {}
  ~Up() { stop_everything(); }
  Up(const Up&) = delete;
  Up& operator=(const Up&) = delete;

  /// Nothing on a stop that was asked for.
  Status run();

 private:
  Status lock_directory();
  Status read_configuration();
  Status choose_http_port();
  Status start_parts();
  Status start_services();
  Status write_overlay();
  Status write_run_json();
  Status check_contracts() const;

  void watch(std::unique_ptr<Part> part, std::function<Status(Part&)> start);
  void begin_start(Watched& watched);
  /// Waits until no part is starting any more; a failure or a signal ends the wait.
  Status wait_for_starts();
  Status supervise();
  Status handle_end(Watched& watched);
  /// Starts it again, unless that was done too often: then the Error that stops everything.
  Status start_again(Watched& watched, const std::string& how_it_ended);
  /// Sleeps until a signal, the end of a start, or the end of a running part.
  void wait_for_events();
  void collect_finished_starts();
  void stop_everything();

  PartOptions part_options(const std::string& name) const {
    return {.log_file = directory_ / "logs" / (name + ".log"), .cancel = cancel_.get_token()};
  }
  std::string http_url() const { return fmt::format("http://{}:{}", options_.host, options_.port); }

  UpOptions options_;
  fs::path directory_;
  engine::Settings settings_;
  bool local_chain_ = false;
  Clock::time_point begun_ = Clock::now();
  std::stop_source cancel_;
  int lock_fd_ = -1;  // -1: the directory is another's
  int signal_fd_ = -1;
  int finished_fd_ = -1;
  int signal_ = 0;  // that asked for the stop
  std::mutex finished_mutex_;
  std::vector<Watched*> finished_;
  std::vector<std::unique_ptr<Watched>> watched_;
  // Owned by watched_; null until started, anvil also where the chain is not a local one.
  Nats* nats_ = nullptr;
  Postgres* postgres_ = nullptr;
  Redis* redis_ = nullptr;
  Anvil* anvil_ = nullptr;
};

// ---- before anything is started ----

Status Up::lock_directory() {
  std::error_code error;
  fs::create_directories(options_.data_directory / "logs", error);
  if (error)
    return fail(errc::kConfiguration,
                fmt::format("cannot make {}: {}", options_.data_directory.string(), error.message()));
  directory_ = fs::canonical(options_.data_directory);
  const int fd = ::open((directory_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0)
    return fail(errc::kConfiguration,
                fmt::format("cannot write {}: {}", (directory_ / "lock").string(), std::strerror(errno)));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    std::string holder = "unknown";
    std::ifstream(directory_ / "lock") >> holder;
    return fail(
        errc::kConfiguration,
        fmt::format("another `sep up` (process {}) runs in {}; stop that one, or choose another --data-dir",
                    holder, directory_.string()));
  }
  lock_fd_ = fd;
  const std::string own = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_fd_, 0) != 0 || ::write(lock_fd_, own.data(), own.size()) < 0)
    return fail(errc::kConfiguration,
                fmt::format("cannot write {}: {}", (directory_ / "lock").string(), std::strerror(errno)));
  return {};
}

Status Up::read_configuration() {
  if (options_.config.empty()) {
    SEP_TRY(const auto root, project_root());
    options_.config.push_back(root / "config/devnet.toml");
  }
  for (auto& file : options_.config) file = fs::absolute(file);
  SEP_TRY(settings_, load_settings(options_.config));
  local_chain_ = settings_.chain.endpoints.empty() && settings_.market.pools_file.empty();
  if (local_chain_ && settings_.chain.chain_id != kDevnetChainId)
    return fail(
        errc::kConfiguration,
        fmt::format(
            "no node is named, and a local chain has chain_id {}, not {}; name one by chain.rpc_url in a "
            "second --config file",
            kDevnetChainId, settings_.chain.chain_id));
  if (!local_chain_ && (!options_.fork_url.empty() || options_.block_time_s))
    return fail(
        errc::kConfiguration,
        "--fork-url and --block-time are for the local chain, but the configuration names a node, or pools "
        "without a chain");
  return {};
}

Status Up::choose_http_port() {
  SEP_TRY(options_.port, free_port(options_.host, options_.port, directory_ / "http_port"));
  return {};
}

// ---- starting ----

void Up::watch(std::unique_ptr<Part> part, std::function<Status(Part&)> start) {
  watched_.push_back(std::make_unique<Watched>());
  watched_.back()->part = std::move(part);
  watched_.back()->start = std::move(start);
  begin_start(*watched_.back());
}

void Up::begin_start(Watched& watched) {
  if (watched.worker.joinable()) watched.worker.join();
  watched.state = Watched::State::kStarting;
  watched.started_at = Clock::now();
  watched.worker = std::thread([this, &watched] {
    watched.outcome = watched.start(*watched.part);
    {
      const std::lock_guard lock(finished_mutex_);
      finished_.push_back(&watched);
    }
    ::eventfd_write(finished_fd_, 1);
  });
}

Status Up::start_parts() {
  const auto plain = [](Part& part) { return part.start(); };
  auto postgres = std::make_unique<Postgres>(directory_ / "postgres", part_options("postgres"));
  auto nats = std::make_unique<Nats>(directory_ / "nats", part_options("nats"));
  auto redis = std::make_unique<Redis>(directory_ / "redis", part_options("redis"));
  postgres_ = postgres.get();
  nats_ = nats.get();
  redis_ = redis.get();
  if (local_chain_) {
    AnvilOptions anvil_options;
    static_cast<PartOptions&>(anvil_options) = part_options("anvil");
    anvil_options.block_time_s = options_.block_time_s;
    anvil_options.chain_id = settings_.chain.chain_id;
    anvil_options.fork_url = options_.fork_url;
    auto anvil = std::make_unique<Anvil>(directory_ / "anvil", anvil_options);
    anvil_ = anvil.get();
    watch(std::move(anvil), [this](Part& part) -> Status {
      SEP_CHECK(part.start());
      if (!options_.fork_url.empty()) return check_contracts();
      // Asked also after a restart: a killed anvil may have forgotten the deployment.
      if (check_contracts()) return {};
      SEP_CHECK(deploy_devnet(anvil_->rpc_url(), directory_ / "logs/deploy.log"));
      return check_contracts();
    });
  }
  watch(std::move(postgres), plain);
  watch(std::move(nats), plain);
  watch(std::move(redis), plain);
  return wait_for_starts();
}

Status Up::check_contracts() const {
  const auto answer = http_request(
      "POST", anvil_->rpc_url(),
      json::serialize(json::object{{"jsonrpc", "2.0"},
                                   {"id", 1},
                                   {"method", "eth_getCode"},
                                   {"params", {to_checksum(settings_.chain.contracts.factory), "latest"}}}),
      {}, milliseconds(30'000));
  if (answer && answer->body.find("\"0x\"") == std::string::npos) return {};
  return fail(
      errc::kConfiguration,
      fmt::format(
          "the local chain has no contract at the configured factory {}; a configuration with another "
          "chain's addresses needs --fork-url",
          to_checksum(settings_.chain.contracts.factory)));
}

Status Up::write_overlay() {
  std::string text = "# Written by `sep up` at each start: what it chose for this run.\n";
  if (local_chain_)
    text += fmt::format("[chain]\nrpc_url = {}\nws_url = {}\nipc_path = {}\n", toml_string(anvil_->rpc_url()),
                        toml_string(anvil_->ws_url()), toml_string(anvil_->ipc_path()));
  text += fmt::format("[gateway]\nhost = {}\nport = {}\n", toml_string(options_.host), options_.port);
  text += fmt::format("[endpoints]\nnats = {}\npostgres = {}\nredis = {}\n", toml_string(nats_->url()),
                      toml_string(postgres_->conninfo()), toml_string(redis_->socket()));
  const fs::path overlay = directory_ / "sep.toml";
  SEP_CHECK(write_file_atomically(overlay, text));
  std::string list;
  for (const auto& file : options_.config) list += file.string() + "\n";
  SEP_CHECK(write_file_atomically(directory_ / "config_files", list + overlay.string() + "\n"));
  SEP_CHECK(
      load_settings(config_files_of(directory_)));  // the address may be one that the configuration refuses
  return {};
}

Status Up::start_services() {
  auto options = part_options("services");
  options.start_timeout = kServicesReadyWithin;
  watch(std::make_unique<Services>(directory_ / "services", std::move(options), config_files_of(directory_),
                                   options_.host, options_.port),
        [](Part& part) { return part.start(); });
  return wait_for_starts();
}

Status Up::write_run_json() {
  json::object processes;
  for (const auto& watched : watched_) processes[watched->part->name()] = watched->part->pid();
  const json::object document{
      {"http", http_url()},
      {"rpc", local_chain_                        ? anvil_->rpc_url()
              : settings_.chain.endpoints.empty() ? std::string()
                                                  : node::endpoint_name(settings_.chain.endpoints.front())},
      {"nats", nats_->url()},
      {"redis", redis_->socket()},
      {"postgres", postgres_->conninfo()},
      {"pid", ::getpid()},
      {"processes", processes}};
  return write_file_atomically(directory_ / "run.json", canonical_json(document) + "\n", Readers::kOwner);
}

// ---- waiting and keeping alive ----

void Up::wait_for_events() {
  std::vector<pollfd> entries{{signal_fd_, POLLIN, 0}, {finished_fd_, POLLIN, 0}};
  for (const auto& watched : watched_)
    if (watched->state == Watched::State::kRunning) entries.push_back({watched->part->ended_fd(), POLLIN, 0});
  ::poll(entries.data(), entries.size(), -1);
  if ((entries[0].revents & POLLIN) != 0) {
    signalfd_siginfo info{};
    if (::read(signal_fd_, &info, sizeof info) == sizeof info) signal_ = static_cast<int>(info.ssi_signo);
  }
  collect_finished_starts();
}

void Up::collect_finished_starts() {
  eventfd_t count = 0;
  ::eventfd_read(finished_fd_, &count);
  const std::lock_guard lock(finished_mutex_);
  for (auto* watched : finished_) {
    watched->worker.join();
    watched->state = watched->outcome ? Watched::State::kRunning : Watched::State::kStopped;
    if (watched->outcome)
      say(fmt::format("  {:<10} ready in {:.2f} s", watched->part->name(),
                      seconds_since(watched->started_at)));
  }
  finished_.clear();
}

Status Up::wait_for_starts() {
  while (signal_ == 0) {
    bool starting = false;
    for (const auto& watched : watched_) {
      if (watched->state == Watched::State::kStopped) return watched->outcome;
      if (watched->state == Watched::State::kRunning && !watched->part->alive())
        return fail(errc::kInternal, fmt::format("{} ended while the others started; its log is {}",
                                                 watched->part->name(), watched->part->log_file().string()));
      starting = starting || watched->state == Watched::State::kStarting;
    }
    if (!starting) return {};
    wait_for_events();
  }
  return {};
}

Status Up::handle_end(Watched& watched) {
  const auto ended = watched.part->wait(milliseconds(0));
  return ended ? start_again(watched, "ended with " + ended->describe()) : Status{};
}

Status Up::start_again(Watched& watched, const std::string& how_it_ended) {
  const auto now = Clock::now();
  auto& restarts = watched.restarts;
  while (!restarts.empty() && now - restarts.front() > kRestartWindow) restarts.pop_front();
  if (restarts.size() >= options_.max_restarts)
    return fail(errc::kInternal,
                fmt::format("{} ended {} times within {} s; the last time: {}; its log is {}",
                            watched.part->name(), restarts.size() + 1, kRestartWindow.count(), how_it_ended,
                            watched.part->log_file().string()));
  restarts.push_back(now);
  say(fmt::format("  {:<10} {}; starting it again", watched.part->name(), how_it_ended));
  begin_start(watched);
  return {};
}

Status Up::supervise() {
  bool whole = true;  // run.json says what runs
  while (signal_ == 0) {
    bool starting = false;
    for (const auto& watched : watched_) {
      if (watched->state == Watched::State::kStopped)
        SEP_CHECK(start_again(*watched, watched->outcome.error().detail));
      if (watched->state == Watched::State::kRunning) SEP_CHECK(handle_end(*watched));
      starting = starting || watched->state == Watched::State::kStarting;
    }
    if (starting) whole = false;
    if (!starting && !whole) {
      SEP_CHECK(write_run_json());
      whole = true;
    }
    wait_for_events();
  }
  return {};
}

void Up::stop_everything() {
  cancel_.request_stop();
  std::error_code ignored;
  if (lock_fd_ >= 0) fs::remove(directory_ / "run.json", ignored);
  for (const auto& watched : watched_)
    if (watched->worker.joinable()) watched->worker.join();
  const bool anything_started = !watched_.empty();
  if (anything_started) say("sep up: stopping");
  // Services first, while everything that they need to finish is still there; then the rest together.
  if (!watched_.empty() && watched_.back()->part->name() == "services") watched_.pop_back();
  std::vector<std::thread> stops;
  for (auto& watched : watched_)
    stops.emplace_back([&watched] { watched->part->stop(milliseconds(30'000)); });
  for (auto& stop : stops) stop.join();
  watched_.clear();
  if (anything_started) say("sep up: stopped");
  for (int* fd : {&finished_fd_, &signal_fd_, &lock_fd_})
    if (*fd >= 0) ::close(std::exchange(*fd, -1));
}

Status Up::run() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every thread from here on
  ::signal(SIGPIPE, SIG_IGN);  // whoever reads the output may end before, `| tee` at the same Ctrl-C
  signal_fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
  finished_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

  SEP_CHECK(lock_directory());
  SEP_CHECK(read_configuration());
  SEP_CHECK(choose_http_port());
  say(fmt::format(
      "sep up: data in {}, configuration {}", directory_.string(),
      fmt::join(options_.config | std::views::transform([](const fs::path& p) { return p.string(); }),
                ", ")));
  SEP_CHECK(start_parts());
  if (signal_ != 0) return {};
  SEP_CHECK(write_overlay());
  SEP_CHECK(start_services());
  if (signal_ != 0) return {};
  SEP_CHECK(write_run_json());
  say(fmt::format(
      "sep is up after {:.1f} s: {}\n"
      "  try   {} --http {} submit acquire 1 WETH USDC --max-slippage 0.01 --wait\n"
      "  stop  Ctrl-C; logs are in {}",
      seconds_since(begun_), http_url(), own_command(), http_url(), (directory_ / "logs").string()));
  return supervise();
}

}  // namespace

std::vector<fs::path> config_files_of(const fs::path& data_directory) {
  std::vector<fs::path> files;
  std::ifstream list(data_directory / "config_files");
  for (std::string line; std::getline(list, line);) files.emplace_back(line);
  return files;
}

int run_up(const UpOptions& options) {
  Up up(options);
  const auto status = up.run();
  if (!status) tell(stderr, "sep up: " + status.error().detail);
  return status ? 0 : 1;
}

}  // namespace sep::app
