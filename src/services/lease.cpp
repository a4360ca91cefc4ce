#include "services/lease.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/ulid.h"

namespace sep::services {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswer{500};
constexpr milliseconds kRetry{200};

std::string read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// What process numbers mean something in: this boot of this machine, and the namespace of processes.
std::string place() {
  std::string space(64, '\0');
  const auto length = ::readlink("/proc/self/ns/pid", space.data(), space.size());
  space.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return read_line("/proc/sys/kernel/random/boot_id") + space;
}

/// What proc(5) tells of a process; empty where it cannot be read.
struct ProcessSeen {
  std::string state;  // field 3
  std::string began;  // field 22
};
ProcessSeen look_at(const std::string& pid) {
  const auto line = read_line("/proc/" + pid + "/stat");
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  ProcessSeen seen;
  std::string field;
  for (int i = 3; i <= 22 && fields >> field; ++i)
    if (i == 3) seen.state = field;
  seen.began = field;
  return seen;
}

std::string describe_this_process() {
  const auto pid = std::to_string(::getpid());
  return canonical_json(json::object{{"place", place()},
                                     {"host", host_name()},
                                     {"pid", pid},
                                     {"began", look_at(pid).began},
                                     {"instance", new_ulid()}});
}

/// The holder ran here and does not any more: nobody needs to wait for it. A process that may not be looked
/// at is taken to live.
bool surely_dead(const std::string& holder) {
  const auto value = parse_json(holder);
  if (!value || !value->is_object()) return false;
  const auto& object = value->get_object();
  const auto pid = string_or(object, "pid");
  if (string_or(object, "place") != place() || pid.empty() || pid.size() > 9 ||
      pid.find_first_not_of("0123456789") != std::string::npos)
    return false;
  if (::kill(static_cast<pid_t>(std::stol(pid)), 0) != 0 && errno == ESRCH) return true;
  const auto seen = look_at(pid);
  return seen.state == "Z" || seen.state == "X" ||
         (!seen.began.empty() && seen.began != string_or(object, "began"));
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string orchestrator_lease(std::uint64_t chain_id, const Address& account) {
  return fmt::format("orchestrator.{}.{}", chain_id, to_hex(account));
}

std::optional<LeaseHolder> lease_holder(std::string_view value) {
  const auto document = parse_json(value);
  if (!document || !document->is_object()) return std::nullopt;
  const auto& object = document->get_object();
  return LeaseHolder{string_or(object, "host"), string_or(object, "pid"), string_or(object, "instance")};
}

Lease::Lease(std::shared_ptr<bus::Bus> bus, LeaseOptions options, std::function<void()> gained,
             std::function<void()> lost)
    : bus_(std::move(bus)),
      options_(std::move(options)),
      gained_(std::move(gained)),
      lost_(std::move(lost)),
      log_(logger("lease")),
      holder_(describe_this_process()) {}

void Lease::start() {
  asio::co_spawn(bus_->executor(), [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void Lease::stop() {
  stopping_ = true;
  if (!std::exchange(holding_, false)) return;
  asio::co_spawn(
      bus_->executor(),
      [](std::shared_ptr<Lease> self) -> Task<void> {
        (void)co_await self->bus_->put_key(self->options_.bucket, self->options_.key, "", self->revision_,
                                           kAnswer);
      }(shared_from_this()),
      asio::detached);
}

bool Lease::held() {
  if (holding_ && monotonic_ns() >= valid_until_ns_) holding_ = false;
  return holding_;
}

Task<void> Lease::run() {
  const auto self = shared_from_this();
  while (!stopping_) {
    const bool holding = held();
    tell();
    const auto delay = holding ? co_await hold() : co_await wait_for_turn();
    tell();
    if (!stopping_) co_await pause(bus_->executor(), delay);
  }
}

void Lease::tell() {
  if (stopping_ || holding_ == told_) return;
  told_ = holding_;
  if (told_) {
    log_->info("{} is held", options_.key);
    gained_();
  } else {
    log_->warn("{} is lost", options_.key);
    seen_since_ns_ = monotonic_ns();
    lost_();
  }
}

Task<milliseconds> Lease::hold() {
  const auto asked = monotonic_ns();
  const auto renewed = co_await bus_->put_key(options_.bucket, options_.key, holder_, revision_, kAnswer);
  if (!held()) co_return milliseconds(0);
  if (renewed) {
    revision_ = *renewed;
    valid_until_ns_ = asked + std::chrono::nanoseconds(options_.ttl).count();
    co_return options_.renewal;
  }
  // Its answer may have been lost: then the key holds our own value, under another revision.
  const auto present = co_await bus_->get_key(options_.bucket, options_.key);
  if (!held()) co_return milliseconds(0);
  if (present && *present && (*present)->value == holder_) {
    revision_ = (*present)->revision;
  } else if (present) {
    holding_ = false;
    co_return milliseconds(0);
  }
  co_return kRetry;
}

Task<milliseconds> Lease::wait_for_turn() {
  const auto present = co_await bus_->get_key(options_.bucket, options_.key);
  if (!present) {
    if (present.error().code == errc::kNotFound)
      (void)co_await bus_->ensure_bucket(options_.bucket);
    else
      co_return kRetry;
    co_return milliseconds(0);
  }
  const auto revision = *present ? (*present)->revision : 0;
  const auto at = monotonic_ns();
  if (seen_since_ns_ == 0 || revision != revision_) {
    revision_ = revision;
    seen_since_ns_ = at;
  }
  const bool free = !*present || (*present)->value.empty() || (*present)->value == holder_ ||
                    surely_dead((*present)->value);
  if (free || at - seen_since_ns_ >= std::chrono::nanoseconds(options_.ttl).count()) co_await take(revision);
  co_return holding_ ? options_.renewal : options_.look;
}

Task<void> Lease::take(std::uint64_t revision) {
  const auto asked = monotonic_ns();
  const auto taken = co_await bus_->put_key(options_.bucket, options_.key, holder_, revision, kAnswer);
  if (!taken) co_return;
  revision_ = *taken;
  valid_until_ns_ = asked + std::chrono::nanoseconds(options_.ttl).count();
  holding_ = !stopping_;
}

}  // namespace sep::services
