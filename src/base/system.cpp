// What the machine gives and no two runs have alike: its clocks and its random source. Nothing else of this
// library depends on either, so that the simulation (tests/simulation) links its own in place of this file.
#include <array>
#include <chrono>
#include <mutex>

#include <openssl/rand.h>

#include "base/clock.h"
#include "base/ulid.h"

namespace sep {

Timestamp now() {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

std::int64_t monotonic_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

namespace {

using UlidRandom = std::array<std::uint8_t, 10>;

/// Asking for many at once costs what asking for one does.
class RandomPool {
 public:
  UlidRandom next() {
    if (at_ == pool_.size()) {
      SEP_ASSERT(RAND_bytes(pool_.front().data(), static_cast<int>(sizeof pool_)) == 1);
      at_ = 0;
    }
    return pool_[at_++];
  }

 private:
  std::array<UlidRandom, 100> pool_{};
  std::size_t at_ = pool_.size();
};

}  // namespace

std::string new_ulid() {
  static std::mutex mutex;
  static UlidGenerator generator;
  static RandomPool pool;
  const std::scoped_lock lock(mutex);
  auto random = pool.next();
  random[0] &= 0x7f;  // room for the counter, so that it does not run over within a millisecond
  return generator.next(now(), random);
}

}  // namespace sep
