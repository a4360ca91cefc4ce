#pragma once
// For fuzz targets: each file here is one program of libFuzzer (`make fuzz`) that hands bytes to code which
// meets them from outside and aborts where a promise is broken.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

#define FUZZ_TARGET(data)                                                              \
  static void fuzz_one(sep::ByteView data);                                            \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) { \
    fuzz_one({bytes, size});                                                           \
    return 0;                                                                          \
  }                                                                                    \
  static void fuzz_one(sep::ByteView data)

namespace sep::fuzz {

inline std::string_view text_of(ByteView data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// Takes numbers from the front of the input; zeros once it is used up.
class Take {
 public:
  explicit Take(ByteView data) : rest_(data) {}
  std::uint8_t byte() { return rest_.empty() ? 0 : next(1)[0]; }
  ByteView next(std::size_t size) {
    const auto taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

/// What every refusal owes: a code and words, and a pointer that is one.
inline void expect_said(const Error& error) {
  SEP_ASSERT(!error.code.empty());
  SEP_ASSERT(!error.detail.empty());
  SEP_ASSERT(error.pointer.empty() || error.pointer.front() == '/');
}

}  // namespace sep::fuzz
