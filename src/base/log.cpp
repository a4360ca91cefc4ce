#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

namespace sep {

Logger logger(const std::string& component) {
  if (auto existing = spdlog::get(component)) return existing;
  try {
    auto created = spdlog::stderr_logger_mt(component);
    created->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5!l [%n] %v", spdlog::pattern_time_type::utc);
    created->set_level(spdlog::get_level());
    return created;
  } catch (const spdlog::spdlog_ex&) {
    return spdlog::get(component);  // another thread was first
  }
}

void set_log_level(const std::string& level) {
  spdlog::set_level(spdlog::level::from_str(level));
}

}  // namespace sep
