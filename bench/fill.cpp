// Fills the record of a data directory of `sep up` (stopped) with synthetic completed intents, whole and
// legal lives of nine events, through the same sequencer and event store as the state coordinator: for
// bench/growth.ts.
//
// Usage: bench_fill DATA_DIR INTENTS     adds as many as INTENTS says are missing
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/parts.h"
#include "engine/sample_lives.h"
#include "engine/sequencer.h"
#include "store/event_store.h"

namespace sep {
namespace {

constexpr std::size_t kSideBySide = 64;  // lives whose appends alternate, as those of busy services do
constexpr std::size_t kGroup = 2'000;    // events in one transaction: this is filling, not measuring
constexpr std::int64_t kStepMs = 20;     // between two submissions
constexpr std::size_t kEventsALife = 9;
constexpr std::size_t kStrategies = 10;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "bench_fill: %s\n", result.error().detail.c_str());
  std::exit(1);
}

class Filler {
 public:
  Filler(store::EventStore& record, std::size_t existing)
      : record_(record),
        sequencer_([&](const std::string& id) { return record_.head(id); }),
        at_(existing),
        start_(engine::samples::kStart.plus_ms(static_cast<std::int64_t>(existing) * kStepMs + 60'000)) {
    sequencer_.reset(must(record_.last_global_sequence()));
    for (std::size_t i = 0; i < existing; ++i) ids_.next_nonce();
  }

  void up_to(std::size_t intents) {
    const auto started = std::chrono::steady_clock::now();
    const auto first = at_;
    while (at_ < intents) {
      add(std::min(kSideBySide, intents - at_));
      if (at_ % 64'000 < kSideBySide) tell(first, started);
    }
    commit();
    tell(first, started);
  }

 private:
  /// Appends of `count` lives as the services make them: submitted; approved and accepted; planned; started
  /// and prepared; submitted; filled; completed.
  void add(std::size_t count) {
    static constexpr std::array<std::size_t, 7> kEvents = {1, 2, 1, 2, 1, 1, 1};
    std::vector<engine::samples::Life> lives;
    for (std::size_t i = 0; i < count; ++i, ++at_) {
      const bool buys = at_ % 2 == 0;
      lives.emplace_back(ids_, fmt::format("strategy-{}", at_ % kStrategies), buys ? "acquire" : "dispose",
                         "1", start_.plus_ms(static_cast<std::int64_t>(at_) * kStepMs));
      lives.back().trade(buys ? "2500" : "1", buys ? "1" : "2480");
    }
    std::ptrdiff_t from = 0;
    for (const auto events : kEvents) {
      for (const auto& life : lives) {
        engine::RecordAppend append;
        const auto begin = life.events().begin() + from;
        append.events.assign(begin, begin + static_cast<std::ptrdiff_t>(events));
        for (const auto nonce : engine::samples::prepared_nonces(append.events))
          append.nonces.push_back({31337, engine::samples::hex('a', 40), nonce, life.correlation_id()});
        put(append);
      }
      from += static_cast<std::ptrdiff_t>(events);
    }
  }

  void put(const engine::RecordAppend& append) {
    auto staged = sequencer_.stage(append);
    if (staged.kind != engine::Staging::Kind::kStaged) {  // an intent enters a batch once
      commit();
      staged = sequencer_.stage(append);
    }
    if (staged.kind != engine::Staging::Kind::kStaged) {
      std::fprintf(stderr, "bench_fill: %s\n", staged.why.detail.c_str());
      std::exit(1);
    }
    if (sequencer_.batch().events.size() >= kGroup) commit();
  }

  void commit() {
    if (sequencer_.batch().events.empty()) return;
    if (const auto done = record_.commit(sequencer_.batch()); !done) {
      std::fprintf(stderr, "bench_fill: %s\n", done.error().detail.c_str());
      std::exit(1);
    }
    sequencer_.committed();
  }

  void tell(std::size_t first, std::chrono::steady_clock::time_point started) const {
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    fmt::print("{} intents on the record, {:.0f} events/s\n", at_,
               static_cast<double>((at_ - first) * kEventsALife) / seconds);
    std::fflush(stdout);
  }

  store::EventStore& record_;
  engine::Sequencer sequencer_;
  engine::samples::Ids ids_;
  std::size_t at_;
  Timestamp start_;
};

int run(const std::string& directory, std::size_t intents) {
  // Without the stream the next start fills it as after its loss: with what is unfinished. Otherwise it would
  // publish every event that is filled in.
  std::filesystem::remove_all(directory + "/nats/data");
  const auto postgres = must(app::start_postgres(directory + "/postgres"));
  must(store::migrate(postgres->conninfo()));
  auto record = must(store::EventStore::open(postgres->conninfo(), store::EventStore::Role::kWriter));
  if (!must(record.try_lead())) {
    std::fprintf(stderr, "bench_fill: a coordinator runs on %s\n", directory.c_str());
    return 1;
  }
  // Other intents than these are few: what `sep bench` left there between two fillings.
  const auto existing = must(record.last_global_sequence()) / kEventsALife;
  Filler(record, existing).up_to(intents);
  return 0;
}

}  // namespace
}  // namespace sep

int main(int argc, char** argv) {
  std::size_t intents = 0;
  if (argc == 3) {
    const std::string_view text = argv[2];
    std::from_chars(text.data(), text.data() + text.size(), intents);
  }
  if (intents == 0) {
    std::fprintf(stderr, "usage: bench_fill DATA_DIR INTENTS\n");
    return 2;
  }
  return sep::run(argv[1], intents);
}
