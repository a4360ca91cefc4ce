#include "app/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sep::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// The kernel sends a parent's death signal when the *thread* that forked ends. So one thread, which never
/// ends, forks for all; it is never destroyed, since it must outlast every static object.
class Spawner {
 public:
  static Spawner& instance() {
    static Spawner* spawner = new Spawner;
    return *spawner;
  }

  void run(std::function<void()> job) {
    std::packaged_task<void()> task(std::move(job));
    auto done = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(task));
    }
    wake_.notify_one();
    done.get();
  }

 private:
  Spawner() {
    std::thread([this] { loop(); }).detach();
  }

  void loop() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::packaged_task<void()>> jobs_;
};

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

Result<User> find_user(const std::string& name) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fail(errc::kConfiguration, fmt::format("there is no user '{}' on this machine", name));
  User user{entry.pw_uid, entry.pw_gid, std::vector<gid_t>(64)};
  int count = static_cast<int>(user.groups.size());
  if (getgrouplist(name.c_str(), user.gid, user.groups.data(), &count) < 0) count = 1;
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

/// Everything that the child needs, made before the fork: after it only async-signal-safe calls are allowed.
struct Prepared {
  std::string program;
  std::vector<std::string> argv_text;
  std::vector<std::string> environment_text;
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::string working_directory;
  std::optional<User> user;
  bool keep_file_access = false;
  int parent_death_signal = 0;
  int log_fd = -1;
  pid_t parent = -1;
};

std::vector<std::string> merged_environment(const Command& command) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      merged[std::string(text.substr(0, equals))] = std::string(text.substr(equals + 1));
  }
  for (const auto& [name, value] : command.environment) merged[name] = value;
  std::vector<std::string> result;
  for (const auto& [name, value] : merged) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// What failed in the child, sent to the parent through a pipe that closes by itself when exec succeeds.
enum class Step : int { kUser, kDirectory, kExec };
struct ChildFailure {
  Step step;
  int error;
};

[[noreturn]] void report_and_exit(int pipe_fd, Step step) {
  const ChildFailure failure{step, errno};
  [[maybe_unused]] const auto written = ::write(pipe_fd, &failure, sizeof failure);
  ::_exit(127);
}

/// Keeps CAP_DAC_OVERRIDE over the change of user and over exec. Best effort: a root without it stays
/// without.
void raise_file_access() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::uint32_t wanted = 1U << CAP_DAC_OVERRIDE;
  std::array<__user_cap_data_struct, 2> data{};
  data[0] = {wanted, wanted, wanted};
  if (::syscall(SYS_capset, &header, data.data()) == 0)
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0);
}

bool become(const User& user, bool keep_file_access) {
  if (keep_file_access) ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (::setgroups(user.groups.size(), user.groups.data()) != 0) return false;
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return false;
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return false;
  if (keep_file_access) raise_file_access();
  return true;
}

[[noreturn]] void run_child(Prepared& prepared, int pipe_fd) {
  ::setpgid(0, 0);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);  // ignored ones would be inherited
  const int null_fd = ::open("/dev/null", O_RDONLY);
  if (null_fd >= 0) ::dup2(null_fd, STDIN_FILENO);
  if (prepared.log_fd >= 0) {
    ::dup2(prepared.log_fd, STDOUT_FILENO);
    ::dup2(prepared.log_fd, STDERR_FILENO);
  }
  ::syscall(SYS_close_range, 3U, ~0U, 1U << 2U /* CLOSE_RANGE_CLOEXEC */);
  // The directory is entered before the user is changed: root may pass where that user may not.
  if (!prepared.working_directory.empty() && ::chdir(prepared.working_directory.c_str()) != 0)
    report_and_exit(pipe_fd, Step::kDirectory);
  if (prepared.user && !become(*prepared.user, prepared.keep_file_access))
    report_and_exit(pipe_fd, Step::kUser);
  // Last: a change of user clears it. The parent may have died before the call: then its signal never comes.
  if (prepared.parent_death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, prepared.parent_death_signal, 0, 0, 0);
    if (::getppid() != prepared.parent) ::_exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.environment.data());
  report_and_exit(pipe_fd, Step::kExec);
}

std::string explain(const Command& command, const ChildFailure& failure) {
  const char* reason = std::strerror(failure.error);
  switch (failure.step) {
    case Step::kUser:
      return fmt::format("cannot start {} as user {}: {}", command.argv[0], command.run_as, reason);
    case Step::kDirectory:
      return fmt::format("cannot start {} in {}: {}", command.argv[0], command.working_directory.string(),
                         reason);
    case Step::kExec:
      return fmt::format("cannot run {}: {}", command.argv[0], reason);
  }
  std::unreachable();
}

Result<int> open_log(const fs::path& path) {
  if (path.empty()) return -1;
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0)
    return fail(errc::kConfiguration,
                fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  return fd;
}

/// When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); nothing where it has
/// ended, also as a zombie.
std::optional<std::uint64_t> start_ticks(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  const auto name_end = text.rfind(')');  // the name may hold spaces and parentheses
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return std::nullopt;
  for (int index = 4; index <= 22; ++index) fields >> field;
  if (!fields) return std::nullopt;
  return std::stoull(field);
}

int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}
int send_signal(int pidfd, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

/// True when the process of `pidfd` has ended within `timeout`.
bool ends_within(int pidfd, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    pollfd entry{pidfd, POLLIN, 0};
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

constexpr milliseconds kKillTakesAtMost{30'000};  // a killed process may still have to leave a system call

}  // namespace

std::string ExitStatus::describe() const {
  if (signalled) return fmt::format("signal {} ({})", code, ::strsignal(code));
  return fmt::format("exit code {}", code);
}

Result<Process> Process::spawn(const Command& command) {
  SEP_ASSERT(!command.argv.empty());
  Prepared prepared;
  SEP_TRY(const auto program,
          find_program(command.program.empty() ? command.argv[0] : command.program.string()));
  prepared.program = program.string();
  prepared.argv_text = command.argv;
  prepared.environment_text = merged_environment(command);
  prepared.argv = pointers(prepared.argv_text);
  prepared.environment = pointers(prepared.environment_text);
  prepared.working_directory = command.working_directory.string();
  prepared.keep_file_access = command.keep_file_access;
  prepared.parent_death_signal = command.parent_death_signal;
  prepared.parent = ::getpid();
  if (!command.run_as.empty()) {
    SEP_TRY(prepared.user, find_user(command.run_as));
  }
  SEP_TRY(prepared.log_fd, open_log(command.log_file));

  std::array<int, 2> failure_pipe{-1, -1};
  SEP_ASSERT(::pipe2(failure_pipe.data(), O_CLOEXEC) == 0);
  pid_t pid = -1;
  int pidfd = -1;
  int fork_error = 0;
  Spawner::instance().run([&] {
    pid = ::fork();
    if (pid == 0) run_child(prepared, failure_pipe[1]);
    fork_error = errno;
    if (pid > 0) pidfd = open_pidfd(pid);  // not yet waited for, so the number is still this child's
  });
  ::close(failure_pipe[1]);
  if (prepared.log_fd >= 0) ::close(prepared.log_fd);
  if (pid < 0) {
    ::close(failure_pipe[0]);
    return fail(errc::kInternal,
                fmt::format("cannot start {}: {}", command.argv[0], std::strerror(fork_error)));
  }
  SEP_ASSERT(pidfd >= 0);
  Process process(pid, pidfd);
  ChildFailure failure{};
  const auto got = ::read(failure_pipe[0], &failure, sizeof failure);
  ::close(failure_pipe[0]);
  if (got == sizeof failure) return fail(errc::kInternal, explain(command, failure));
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      ended_(std::exchange(other.ended_, std::nullopt)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  stop_and_close();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::exchange(other.pidfd_, -1);
  ended_ = std::exchange(other.ended_, std::nullopt);
  return *this;
}

Process::~Process() {
  stop_and_close();
}

void Process::stop_and_close() {
  if (pidfd_ < 0) return;
  terminate(milliseconds(5000));
  ::close(std::exchange(pidfd_, -1));
}

bool Process::alive() {
  return !wait(milliseconds(0)).has_value();
}

std::optional<ExitStatus> Process::wait(milliseconds timeout) {
  if (ended_ || pidfd_ < 0) return ended_;
  if (!ends_within(pidfd_, timeout)) return std::nullopt;
  siginfo_t info{};
  // P_PIDFD (3) is missing in this libc's idtype_t of some versions; the kernel has it since 5.4.
  if (::waitid(static_cast<idtype_t>(3), static_cast<id_t>(pidfd_), &info, WEXITED) != 0) return std::nullopt;
  ended_ = ExitStatus{info.si_code != CLD_EXITED, info.si_status};
  return ended_;
}

void Process::kill(int signal) {
  if (pidfd_ >= 0 && !ended_) send_signal(pidfd_, signal);
}

ExitStatus Process::terminate(milliseconds grace, int signal) {
  if (auto ended = wait(milliseconds(0))) return *ended;
  kill(signal);
  if (auto ended = wait(grace)) return *ended;
  ::kill(-pid_, SIGKILL);  // not yet waited for: the group's number is still this child's
  kill(SIGKILL);
  const auto ended = wait(kKillTakesAtMost);
  SEP_ASSERT(ended.has_value());
  return *ended;
}

Status PidFile::write(pid_t pid) const {
  return write_file_atomically(path_, fmt::format("{} {}\n", pid, start_ticks(pid).value_or(0)));
}

void PidFile::remove() const {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

std::optional<pid_t> PidFile::stop_stale(milliseconds grace, int signal) const {
  std::ifstream file(path_);
  pid_t pid = 0;
  std::uint64_t started = 0;
  if (!(file >> pid >> started) || pid <= 1) return std::nullopt;
  const int pidfd = open_pidfd(pid);
  if (pidfd < 0) return std::nullopt;
  // Asked after the pidfd was opened: had the number changed hands before, the start time would tell.
  const bool same = start_ticks(pid) == started;
  if (same) {
    send_signal(pidfd, signal);
    if (!ends_within(pidfd, grace)) {
      send_signal(pidfd, SIGKILL);
      ends_within(pidfd, kKillTakesAtMost);
    }
  }
  ::close(pidfd);
  remove();
  return same ? std::optional(pid) : std::nullopt;
}

Result<fs::path> find_program(const std::string& name, const std::vector<fs::path>& more) {
  if (name.find('/') != std::string::npos) return fs::absolute(name);
  std::vector<fs::path> directories;
  std::istringstream path(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "");
  for (std::string part; std::getline(path, part, ':');) directories.emplace_back(part);
  directories.insert(directories.end(), more.begin(), more.end());
  // Debian keeps servers in sbin, which is not in every user's PATH.
  for (const char* usual : {"/usr/local/bin", "/usr/bin", "/usr/sbin", "/usr/local/sbin"})
    directories.emplace_back(usual);
  for (const auto& directory : directories) {
    const auto candidate = directory / name;
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored) && ::access(candidate.c_str(), X_OK) == 0)
      return fs::absolute(candidate);
  }
  return fail(errc::kConfiguration,
              fmt::format("the program '{}' is not installed; tools/setup.sh installs what sep needs", name));
}

std::string last_log_line(const fs::path& log_file) {
  constexpr std::streamoff kTail = 8192;
  std::ifstream file(log_file, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto size = static_cast<std::streamoff>(file.tellg());
  file.seekg(std::max<std::streamoff>(0, size - kTail));
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return last.substr(0, 300);
}

Status write_file_atomically(const fs::path& path, std::string_view content, Readers readers) {
  const fs::path temporary = path.string() + ".new";
  std::error_code ignored;
  fs::remove(temporary, ignored);
  // Made with its rights, not given them afterwards.
  const mode_t mode = readers == Readers::kOwner ? 0600 : 0666;
  if (const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); fd >= 0)
    ::close(fd);
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
  if (!file || error)
    return fail(errc::kConfiguration,
                fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  return {};
}

}  // namespace sep::app
