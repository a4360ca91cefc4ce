#pragma once
// Places where a test ends, or stops, this process: between two things of which a crash must not lose one or
// do one twice. Off unless SEP_FAIL_POINTS is set: then it names a file that a test writes when it wants a
// fault, and that the fault removes before it happens. So the test knows that it happened, and whatever is
// started afterwards runs on without it. docs/testing.md says how it is used.
//
// The file holds one line, "PLACE=ACTION@N": at the N-th pass (from 1) through PLACE since the file is there,
// `kill` raises SIGKILL and `stop` SIGSTOP on the process itself.
#include <array>
#include <string_view>

namespace sep::services {

inline constexpr const char* kFailPointVariable = "SEP_FAIL_POINTS";

inline constexpr std::array<std::string_view, 12> kFailPoints = {
    "commit.before",    "commit.after",     // a group of appends enters the record
    "publish.before",   "publish.after",    // committed events go to JetStream
    "redis.before",     "redis.after",      // committed events enter the read models
    "sign.before",      "sign.after",       // a transaction is signed; nothing of it is on the record yet
    "broadcast.before", "broadcast.after",  // recorded bytes go to the node
    "receipt.before",   "receipt.after",    // the node is asked for a receipt
};

namespace detail {
extern const bool fail_points_on;
void pass_fail_point(std::string_view place);
}  // namespace detail

/// One of kFailPoints. A test of a constant where fail points are off. Thread-safe.
inline void fail_point(std::string_view place) {
  if (detail::fail_points_on) [[unlikely]]
    detail::pass_fail_point(place);
}

}  // namespace sep::services
