#include "services/fail_point.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "base/result.h"

namespace sep::services {
namespace {

const char* const kFile = std::getenv(kFailPointVariable);

struct Fault {
  std::string place;
  int signal = SIGKILL;
  unsigned pass = 1;
};

/// Aborts where the text is no fault: a test that means a place that does not exist would never fail.
Fault parse_fault(const std::string& text) {
  const auto equals = text.find('='), at = text.find('@');
  SEP_ASSERT(equals != std::string::npos && at != std::string::npos && equals < at);
  Fault fault;
  fault.place = text.substr(0, equals);
  const auto action = text.substr(equals + 1, at - equals - 1);
  SEP_ASSERT(std::ranges::find(kFailPoints, fault.place) != kFailPoints.end());
  SEP_ASSERT(action == "kill" || action == "stop");
  if (action == "stop") fault.signal = SIGSTOP;
  const auto* end = text.data() + text.size();
  SEP_ASSERT(std::from_chars(text.data() + at + 1, end, fault.pass).ptr == end && fault.pass > 0);
  return fault;
}

}  // namespace

namespace detail {

const bool fail_points_on = kFile != nullptr && *kFile != '\0';

void pass_fail_point(std::string_view place) {
  static std::mutex mutex;
  static std::string known;  // the line that is counted for
  static unsigned passes = 0;
  const std::lock_guard lock(mutex);
  std::ifstream file(kFile);
  std::string line;
  if (!std::getline(file, line)) {
    known.clear();
    return;
  }
  if (std::exchange(known, line) != line) passes = 0;
  const auto fault = parse_fault(line);
  if (fault.place != place || ++passes < fault.pass) return;
  known.clear();
  if (::unlink(kFile) != 0) return;  // another process was first
  logger("fail-point")->warn("{}", line);
  ::raise(fault.signal);
}

}  // namespace detail
}  // namespace sep::services
