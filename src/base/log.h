#pragma once
// Logging: spdlog, one line an entry on standard error, "time level [component] message".
#include <memory>
#include <string>

#include <spdlog/spdlog.h>

namespace sep {

using Logger = std::shared_ptr<spdlog::logger>;

/// The logger of one component ("coordinator", "gateway"). The same name gives the same logger.
Logger logger(const std::string& component);
/// trace, debug, info, warn, err, off; for all components, present and future.
void set_log_level(const std::string& level);

}  // namespace sep
