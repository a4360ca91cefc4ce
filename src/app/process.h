#pragma once
// Child processes that are started, watched and stopped by identity.
//
// Entry points: Process::spawn, PidFile.
// Invariants:
// 1. A child is signalled through its pidfd, so a signal never reaches another process that got its number.
// 2. A child is waited for: no zombie outlives its Process. The destructor stops a child that still runs.
// 3. Every child leads its own process group, so Ctrl-C at a terminal reaches only the program that started
// it
//    and the order of stopping stays that program's decision.
// 4. With `parent_death_signal` a child does not outlive this process, whichever thread asked for it.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sep::app {

struct Command {
  std::vector<std::string> argv;    // argv[0] is looked up in PATH unless it holds a slash
  std::filesystem::path program{};  // what is run under the name argv[0]; empty: what that names
  std::vector<std::pair<std::string, std::string>> environment{};  // added to, or replacing, this process's
  std::filesystem::path working_directory{};                       // empty: this process's
  std::filesystem::path log_file{};  // stdout and stderr are appended; empty: inherited
  std::string run_as{};              // a user's name, for root only; empty: this process's user
  /// With run_as: the child keeps root's right to pass and read directories closed to that user
  /// (CAP_DAC_OVERRIDE as an ambient capability). Where root itself lacks it, the child goes without.
  bool keep_file_access = false;
  int parent_death_signal = SIGTERM;  // 0: the child outlives this process
};

/// How a process ended.
struct ExitStatus {
  bool signalled = false;
  int code = 0;  // exit code, or the signal's number

  bool ok() const { return !signalled && code == 0; }
  /// "exit code 1", "signal 9 (Killed)".
  std::string describe() const;
  bool operator==(const ExitStatus&) const = default;
};

/// One child process. Movable; not to be used by two threads at once.
class Process {
 public:
  /// INTERNAL with a sentence that names the program and the failing step (not found, not permitted, …).
  static Result<Process> spawn(const Command& command);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  /// For poll(): readable once the process has ended. Owned by this object.
  int ended_fd() const { return pidfd_; }
  /// True until it has ended. Reaps it.
  bool alive();
  /// Waits up to `timeout` for the end; nothing where it still runs then.
  std::optional<ExitStatus> wait(std::chrono::milliseconds timeout);
  /// Sends a signal; nothing happens to a process that has ended.
  void kill(int signal);
  /// Asks it to end with `signal`; after `grace` its whole process group is killed. Returns how it ended.
  ExitStatus terminate(std::chrono::milliseconds grace, int signal = SIGTERM);

 private:
  Process(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}
  void stop_and_close();

  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<ExitStatus> ended_;
};

/// Names a running process for a later one: its number and when it started, since numbers are used again.
class PidFile {
 public:
  explicit PidFile(std::filesystem::path path) : path_(std::move(path)) {}

  Status write(pid_t pid) const;
  void remove() const;
  /// Ends the process that the file names, where that very process still runs: `signal`, then SIGKILL after
  /// `grace`. Returns its number, or nothing where there was none.
  std::optional<pid_t> stop_stale(std::chrono::milliseconds grace, int signal = SIGTERM) const;

 private:
  std::filesystem::path path_;
};

/// The absolute path of `name` in PATH, or in one of `more` directories. CONFIGURATION where it is nowhere.
Result<std::filesystem::path> find_program(const std::string& name,
                                           const std::vector<std::filesystem::path>& more = {});

/// The last line of a log that says something, shortened to 300 characters; empty where there is none.
std::string last_log_line(const std::filesystem::path& log_file);

/// Who may read a file, as far as the directories above it let them.
enum class Readers { kAll, kOwner };

/// Writes a file so that a reader sees the old or the new content, never a part of it.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content,
                             Readers readers = Readers::kAll);

}  // namespace sep::app
