#include "support/stack.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/eventually.h"

namespace sep::support {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kPause{10};

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

struct ProcessEntry {
  char state = 0;
  pid_t parent = 0;
  std::uint64_t started = 0;  // clock ticks since the machine's start: tells a number used again
};

/// Of a process, or of one of its threads; nothing where it is gone, or only its parent knows of it.
std::optional<ProcessEntry> process_entry(const fs::path& directory) {
  const auto text = content_of(directory / "stat");
  const auto name_ends = text.rfind(')');
  if (name_ends == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_ends + 1));
  ProcessEntry entry;
  fields >> entry.state >> entry.parent;
  std::string skipped;
  for (int field = 5; field < 22; ++field) fields >> skipped;
  fields >> entry.started;
  if (!fields || entry.state == 'Z') return std::nullopt;
  return entry;
}
std::optional<ProcessEntry> process_entry(pid_t pid) {
  return process_entry(fs::path("/proc") / std::to_string(pid));
}

/// Whether none of its threads runs any more.
bool is_stopped(pid_t pid) {
  std::error_code gone;
  for (const auto& thread : fs::directory_iterator(fs::path("/proc") / std::to_string(pid) / "task", gone)) {
    const auto entry = process_entry(thread.path());
    if (!entry || entry->state != 'T') return false;
  }
  return !gone;
}

}  // namespace

std::vector<pid_t> process_tree(pid_t root) {
  std::vector<pid_t> tree{root};
  std::multimap<pid_t, pid_t> children;
  for (const auto& directory : fs::directory_iterator("/proc")) {
    const auto name = directory.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    if (const auto entry = process_entry(pid)) children.emplace(entry->parent, pid);
  }
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto [first, last] = children.equal_range(tree[i]);
    for (auto child = first; child != last; ++child) tree.push_back(child->second);
  }
  return tree;
}

fs::path sep_binary() {
  const char* other = std::getenv("SEP_BINARY");
  return other != nullptr ? fs::path(other) : fs::path(SEP_BINARY_DIR) / "sep";
}

Result<std::unique_ptr<Stack>> Stack::start(const fs::path& data_directory, StackOptions options) {
  fs::create_directories(data_directory);
  fs::remove(data_directory / "run.json");  // of one that was killed
  app::Command command{
      .argv = {sep_binary().string(), "up", "--data-dir", data_directory.string(), "--http", "127.0.0.1:0"},
      .environment = std::move(options.environment),
      .log_file = data_directory / "up.log"};
  command.argv.insert(command.argv.end(), options.arguments.begin(), options.arguments.end());
  SEP_TRY(auto process, app::Process::spawn(command));
  std::unique_ptr<Stack> stack(new Stack(data_directory, std::move(process)));
  const auto deadline = Clock::now() + options.timeout;
  while (stack->run().empty()) {
    if (stack->process_.wait(kPause)) return fail(errc::kInternal, "sep up ended: " + stack->output());
    if (Clock::now() > deadline) return fail(errc::kTimeout, "sep up is not ready: " + stack->output());
  }
  return stack;
}

Stack::~Stack() {
  if (!process_.alive()) return;  // what it had started has ended before it, or is told to by the kernel
  if (process_.terminate(milliseconds(60'000)).ok()) return;
  for (const char* part : {"services", "anvil", "nats", "redis", "postgres"})
    app::PidFile(directory_ / part / (std::string(part) + ".id")).stop_stale(milliseconds(5000));
}

json::object Stack::run() const {
  const auto document = parse_json(content_of(directory_ / "run.json"));
  return document && document->is_object() ? document->as_object() : json::object{};
}

pid_t Stack::pid(const std::string& process) const {
  const auto processes = get_object(run(), "processes");
  return processes ? static_cast<pid_t>(get_int(*processes, process).value_or(-1)) : -1;
}

pid_t Stack::running(const std::string& process) const {
  std::ifstream file(directory_ / process / (process + ".id"));
  pid_t pid = -1;
  std::uint64_t started = 0;
  if (!(file >> pid >> started)) return -1;
  const auto entry = process_entry(pid);
  return entry && entry->started == started ? pid : -1;
}

bool Stack::signal(const std::string& process, int signal) const {
  const auto pid = running(process);
  const bool sent = pid > 0 && ::kill(pid, signal) == 0;  // never kill(-1): that is everybody
  if (signal != SIGSTOP) return sent;
  // On a busy machine its threads run on for some milliseconds, and answer.
  return sent && eventually([&] { return is_stopped(pid); }, milliseconds(10'000));
}

bool Stack::wait_for_restart(const std::string& process, pid_t former, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (Clock::now() < deadline) {
    const auto now = pid(process);
    if (now > 0 && now != former) return true;
    if (process_.wait(kPause)) return false;
  }
  return false;
}

app::ExitStatus Stack::stop() {
  return process_.terminate(milliseconds(60'000));
}

std::string Stack::output() const {
  return content_of(directory_ / "up.log");
}

CommandResult run_sep(std::vector<std::string> arguments, milliseconds timeout) {
  const TempDir dir;
  // A shell parts the two streams; the arguments reach it as they are.
  app::Command command{.argv = {"sh", "-c", "out=$1 err=$2; shift 2; exec \"$@\" >\"$out\" 2>\"$err\"", "sh",
                                dir / "out", dir / "err", sep_binary().string()}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  CommandResult result;
  auto process = app::Process::spawn(command);
  if (!process) return result;
  if (const auto ended = process->wait(timeout); ended && !ended->signalled) result.code = ended->code;
  result.out = content_of(dir / "out");
  result.err = content_of(dir / "err");
  return result;
}

bool wait_until_gone(pid_t pid, milliseconds timeout) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return true;
  pollfd entry{pidfd, POLLIN, 0};
  const bool gone = ::poll(&entry, 1, static_cast<int>(timeout.count())) == 1;
  ::close(pidfd);
  return gone;
}

}  // namespace sep::support
