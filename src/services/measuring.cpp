#include "services/measuring.h"

#include <algorithm>
#include <fstream>
#include <tuple>

#include "base/json.h"
#include "base/ulid.h"
#include "services/async.h"
#include "services/subjects.h"

namespace sep::services {
namespace {

constexpr std::uint64_t kMostSeconds = 3600;
constexpr std::size_t kPage = 20'000;  // entries: below 2 MB, a quarter of what a message may hold

json::object object_of(const std::string& body) {
  auto value = parse_json(body);
  return value && value->is_object() ? std::move(value->get_object()) : json::object{};
}

}  // namespace

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

Result<std::unique_ptr<Measuring>> Measuring::start(std::shared_ptr<bus::Bus> bus, gateway::Trace& trace) {
  auto measuring = std::make_unique<Measuring>();
  const auto process = new_ulid();
  SEP_TRY(measuring->begin_,
          bus->subscribe(subject::kMeasureBegin, "", [&trace](const bus::Message& message) {
            const auto seconds = get_uint(object_of(message.body), "seconds").value_or(0);
            trace.begin(std::chrono::seconds(std::min(seconds, kMostSeconds)));
          }));
  SEP_TRY(measuring->end_,
          bus->subscribe(subject::kMeasureEnd, "", [bus = bus.get(), &trace, process](const bus::Message& m) {
            trace.end();
            const auto answer_to = string_or(object_of(m.body), "answer_to");
            if (answer_to.empty()) return;
            std::ignore = bus->publish(
                answer_to, json::serialize(json::object{
                               {"process", process}, {"boot_id", boot_id()}, {"series", trace.sizes()}}));
          }));
  SEP_TRY(
      measuring->read_,
      bus->serve(subject::kMeasureRead + process, "", [&trace](bus::Message message) -> Task<std::string> {
        const auto question = object_of(message.body);
        const auto from = get_uint(question, "from").value_or(0);
        co_return json::serialize(
            json::object{{"entries", trace.read(string_or(question, "series"), from, kPage)}});
      }));
  return measuring;
}

}  // namespace sep::services
