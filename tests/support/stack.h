#pragma once
// A whole platform for a test: the real `sep up` in a directory of its own, on free ports. Whatever happens
// in the test, nothing that it started is left running.
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/process.h"
#include "base/json.h"
#include "base/result.h"
#include "support/temp_dir.h"

namespace sep::support {

/// The `sep` of this build, or $SEP_BINARY.
std::filesystem::path sep_binary();

struct StackOptions {
  std::vector<std::string> arguments{};                            // more for `sep up`: {"--block-time", "1"}
  std::vector<std::pair<std::string, std::string>> environment{};  // of `sep up` and what it starts
  std::chrono::milliseconds timeout{180'000};  // of the start; other work may share the machine
};

class Stack {
 public:
  /// Starts `sep up` and waits until it is ready. The Error holds what it said.
  static Result<std::unique_ptr<Stack>> start(const std::filesystem::path& data_directory,
                                              StackOptions options = {});
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  const std::filesystem::path& directory() const { return directory_; }
  /// run.json as it is now; empty where there is none.
  json::object run() const;
  /// "http://127.0.0.1:PORT"; also rpc, nats, redis, postgres.
  std::string address(const std::string& name = "http") const { return string_or(run(), name); }
  /// The number of a process: "services", "postgres", …; -1 where it does not run.
  pid_t pid(const std::string& process) const;
  /// As pid(), also while another process is being started again; -1 where it does not run at this moment.
  pid_t running(const std::string& process) const;
  /// Sends it; false where the process does not run at this moment.
  bool signal(const std::string& process, int signal) const;
  /// Waits until the process runs under another number than `former`.
  bool wait_for_restart(const std::string& process, pid_t former,
                        std::chrono::milliseconds timeout = std::chrono::milliseconds(60'000));
  /// `sep up` itself.
  app::Process& process() { return process_; }
  /// SIGTERM, and how it ended.
  app::ExitStatus stop();
  /// What `sep up` printed.
  std::string output() const;

 private:
  Stack(std::filesystem::path directory, app::Process process)
      : directory_(std::move(directory)), process_(std::move(process)) {}

  std::filesystem::path directory_;
  app::Process process_;
};

struct CommandResult {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs `sep` with these arguments to its end, at most `timeout` (code -1 then).
CommandResult run_sep(std::vector<std::string> arguments,
                      std::chrono::milliseconds timeout = std::chrono::milliseconds(120'000));

/// The process and everything below it, itself first: PostgreSQL's workers are no group of their own.
std::vector<pid_t> process_tree(pid_t root);

/// True when no process has this number any more, within `timeout`.
bool wait_until_gone(pid_t pid, std::chrono::milliseconds timeout = std::chrono::milliseconds(30'000));

}  // namespace sep::support
