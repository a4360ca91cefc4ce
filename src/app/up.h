#pragma once
// `sep up`: everything that a single machine needs, started, watched and stopped by one program.
//
// Invariants:
//  1. One `sep up` a data directory (a lock that ends with the process).
//  2. What it prints as ready answers; run.json exists only while everything is up, and names the processes
//  that
//     run now.
//  3. A process that ends, also while it starts again, is started again at the same address; more than
//  `max_restarts`
//     ends of one within a minute stop everything, with a sentence.
//  4. On SIGINT, SIGTERM or SIGHUP everything that it started is stopped, services first, and nothing else.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sep::app {

struct UpOptions {
  std::filesystem::path data_directory;
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;                    // 0: a free one, the same at the next start
  std::vector<std::filesystem::path> config{};  // empty: config/devnet.toml
  std::optional<unsigned> block_time_s{};       // of the local chain; unset: a block for each transaction
  std::string fork_url{};                       // the local chain is a copy of this one
  std::size_t max_restarts = 5;                 // of one process within a minute
};

/// Runs until it is told to stop: 0 then, 1 where something could not be started or kept alive. Blocks
/// signals in the calling thread: call it before other threads exist.
int run_up(const UpOptions& options);

/// The configuration that the last `sep up` in this directory ran with, for other commands: base files and
/// what was chosen for the run. CONFIGURATION where there is none.
std::vector<std::filesystem::path> config_files_of(const std::filesystem::path& data_directory);

}  // namespace sep::app
