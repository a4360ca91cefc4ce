#include "app/bench_trace.h"

#include <charconv>
#include <chrono>
#include <tuple>

#include <fmt/format.h>

#include "app/bench_bus.h"
#include "base/json.h"
#include "base/ulid.h"
#include "gateway/trace.h"
#include "services/async.h"
#include "services/measuring.h"
#include "services/subjects.h"

namespace sep::app {
namespace {

using namespace std::chrono_literals;
using services::Task;
namespace subject = services::subject;

constexpr auto kGather = 500ms;  // processes that do not say anything within this time have nothing to say
constexpr auto kReadBound = 10s;

void take(TraceData& data, const std::string& name, const json::value& entry) {
  if (!entry.is_array()) {
    data.durations[name].add(entry.to_number<std::int64_t>());
    return;
  }
  const auto& fields = entry.get_array();
  const auto ns = fields[0].to_number<std::int64_t>();
  const std::string key(fields[1].as_string());
  if (name == gateway::series::kCommitted) {
    std::uint64_t first = 0;
    std::from_chars(key.data(), key.data() + key.size(), first);
    data.commits[first] = {fields[2].to_number<std::uint64_t>(), ns};
    return;
  }
  auto& instants = name == gateway::series::kReceived ? data.received : data.handed;
  const auto [known, fresh] = instants.emplace(key, ns);
  if (!fresh && ns < known->second) known->second = ns;
}

}  // namespace

std::optional<std::int64_t> TraceData::committed_at(std::uint64_t global_sequence) const {
  const auto after = commits.upper_bound(global_sequence);
  if (after == commits.begin()) return std::nullopt;
  const auto& [first, group] = *std::prev(after);
  if (global_sequence >= first + group.first) return std::nullopt;
  return group.second;
}

class TraceClient::Impl {
 public:
  explicit Impl(std::unique_ptr<BusThread> bus) : bus_(std::move(bus)) {}

  void begin(unsigned seconds) {
    std::ignore =
        (*bus_)->publish(subject::kMeasureBegin, json::serialize(json::object{{"seconds", seconds}}));
  }

  Result<TraceData> end() { return (*bus_)->wait(gather(**bus_)); }

 private:
  static Task<Result<TraceData>> gather(bus::Bus& bus) {
    const auto answer_to = "measure.answer." + new_ulid();
    std::vector<json::object> answers;
    SEP_CO_TRY(auto subscription, bus.subscribe(answer_to, "", [&answers](const bus::Message& message) {
      if (auto answer = parse_json(message.body); answer && answer->is_object())
        answers.push_back(std::move(answer->get_object()));
    }));
    SEP_CO_CHECK(bus.publish(subject::kMeasureEnd, json::serialize(json::object{{"answer_to", answer_to}})));
    co_await services::pause(bus.executor(), kGather);
    subscription.reset();
    TraceData data;
    data.processes = answers.size();
    for (const auto& answer : answers) {
      data.this_machine = data.this_machine && string_or(answer, "boot_id") == services::boot_id();
      SEP_CO_TRY(const auto process, get_string(answer, "process"));
      SEP_CO_TRY(const auto sizes, get_object(answer, "series"));
      for (const auto& entry : sizes)
        SEP_CO_CHECK(co_await read(bus, process, std::string(entry.key()), data));
    }
    co_return data;
  }

  static Task<Status> read(bus::Bus& bus, std::string process, std::string name, TraceData& data) {
    for (std::size_t from = 0;;) {
      const json::object question{{"series", name}, {"from", from}};
      SEP_CO_TRY(const auto reply, co_await bus.request(subject::kMeasureRead + process,
                                                        json::serialize(question), kReadBound));
      SEP_CO_TRY(const auto answer, parse_json(reply));
      SEP_CO_TRY(const auto entries, get_array(answer.as_object(), "entries"));
      if (entries.empty()) co_return Status{};
      for (const auto& entry : entries) take(data, name, entry);
      from += entries.size();
    }
  }

  std::unique_ptr<BusThread> bus_;
};

TraceClient::TraceClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceClient::~TraceClient() = default;
void TraceClient::begin(unsigned seconds) {
  impl_->begin(seconds);
}
Result<TraceData> TraceClient::end() {
  return impl_->end();
}
Result<std::unique_ptr<TraceClient>> TraceClient::connect(const std::string& nats_url) {
  SEP_TRY(auto bus, BusThread::start(nats_url));
  return std::unique_ptr<TraceClient>(new TraceClient(std::make_unique<Impl>(std::move(bus))));
}

}  // namespace sep::app
