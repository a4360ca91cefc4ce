#include "services/heartbeat.h"

#include <algorithm>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "base/ulid.h"
#include "services/async.h"
#include "services/subjects.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
constexpr auto kInterval = 1s;
constexpr std::size_t kMaxName = 64;  // characters

Result<std::string> name_of(const json::object& object, std::string_view key) {
  SEP_TRY(auto name, get_string(object, key));
  if (name.empty() || name.size() > kMaxName)
    return fail(errc::kInvalidValue, "a name has 1 to 64 characters", "/" + std::string(key));
  return name;
}

}  // namespace

const std::vector<std::string>& service_names() {
  static const std::vector<std::string> kNames = {"coordinator", "market",       "risk",   "planner",
                                                  "intents",     "orchestrator", "gateway"};
  return kNames;
}

json::object to_json(const SignOfLife& sign) {
  return {
      {"service", sign.service}, {"instance", sign.instance}, {"started_at", to_rfc3339(sign.started_at)}};
}

Result<SignOfLife> parse_sign_of_life(std::string_view text) {
  SEP_TRY(const auto document, parse_json(text));
  if (!document.is_object()) return fail(errc::kWrongType, "must be an object");
  const auto& object = document.get_object();
  SignOfLife sign;
  SEP_TRY(sign.service, name_of(object, "service"));
  SEP_TRY(sign.instance, name_of(object, "instance"));
  SEP_TRY(const auto started_at, get_string(object, "started_at"));
  SEP_TRY(sign.started_at, parse_rfc3339(started_at));
  return sign;
}

void Attendance::heard(SignOfLife sign, Timestamp now) {
  forget(now);
  seen_[{std::move(sign.service), std::move(sign.instance)}] = {sign.started_at, now};
  if (seen_.size() <= kMaxInstances) return;
  seen_.erase(std::ranges::min_element(seen_, {}, [](const auto& entry) { return entry.second.last_seen; }));
}

void Attendance::forget(Timestamp now) {
  std::erase_if(seen_,
                [&](const auto& entry) { return now.ms - entry.second.last_seen.ms > kForgottenAfterMs; });
}

json::array Attendance::services(Timestamp now) const {
  auto names = service_names();
  for (const auto& [key, seen] : seen_)
    if (std::ranges::find(names, key.first) == names.end()) names.push_back(key.first);
  json::array services;
  for (const auto& name : names) {
    std::size_t instances = 0;
    const Seen* latest = nullptr;  // that was heard of last
    for (auto entry = seen_.lower_bound({name, {}}); entry != seen_.end() && entry->first.first == name;
         ++entry) {
      const auto& seen = entry->second;
      if (now.ms - seen.last_seen.ms <= kSilentAfterMs) ++instances;
      if (latest == nullptr || seen.last_seen > latest->last_seen ||
          (seen.last_seen == latest->last_seen && seen.started_at > latest->started_at))
        latest = &seen;
    }
    json::object service{{"name", name}, {"ok", instances > 0}, {"instances", instances}};
    if (latest == nullptr) {
      service["detail"] = "was never heard of";
    } else {
      service["detail"] = instances == 1 ? "runs"
                          : instances > 1
                              ? fmt::format("{} instances run", instances)
                              : fmt::format("last heard of {} s ago", (now.ms - latest->last_seen.ms) / 1000);
      service["last_seen"] = to_rfc3339(latest->last_seen);
      service["started_at"] = to_rfc3339(latest->started_at);
    }
    services.push_back(std::move(service));
  }
  return services;
}

class Heartbeat::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(std::shared_ptr<bus::Bus> bus) : bus_(std::move(bus)), timer_(bus_->executor()) {}

  void add(std::string service) {
    signs_.push_back(json::serialize(to_json({std::move(service), instance_, now()})));
    timer_.cancel();
  }

  Task<void> beat() {
    const auto self = shared_from_this();
    while (!stopping_) {
      for (const auto& sign : signs_)
        if (!bus_->publish(subject::kServiceAlive, sign)) break;  // not connected: the next ones will do
      co_await wait(timer_, kInterval);
    }
  }
  void stop() {
    stopping_ = true;
    timer_.cancel();
  }
  const asio::any_io_executor& executor() const { return bus_->executor(); }

 private:
  std::shared_ptr<bus::Bus> bus_;
  asio::steady_timer timer_;
  const std::string instance_ = new_ulid();
  std::vector<std::string> signs_;
  bool stopping_ = false;
};

Heartbeat::Heartbeat(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Heartbeat::~Heartbeat() {
  impl_->stop();
}

void Heartbeat::add(std::string service) {
  impl_->add(std::move(service));
}

std::unique_ptr<Heartbeat> Heartbeat::start(std::shared_ptr<bus::Bus> bus) {
  auto impl = std::make_shared<Impl>(std::move(bus));
  asio::co_spawn(impl->executor(), impl->beat(), [](std::exception_ptr) {});
  return std::unique_ptr<Heartbeat>(new Heartbeat(std::move(impl)));
}

}  // namespace sep::services
