// The record against PostgreSQL's own speed, in one run on one private server: what the event store writes
// beside COPY into a table of the same form, and what it reads, folds and writes to Redis beside an ordered
// COPY out.
//
// Usage: bench_record [INTENTS [EVENTS]]   (20000 of nine events each; so many events a commit at the least:
// 256)
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "app/parts.h"
#include "engine/projection.h"
#include "engine/sample_lives.h"
#include "engine/sequencer.h"
#include "engine/topics.h"
#include "store/event_store.h"
#include "store/read_models.h"
#include "store/record_fold.h"

namespace sep {
namespace {

template <class T>
T must(Result<T> result) {
  if (result) {
    if constexpr (std::is_void_v<T>)
      return;
    else
      return std::move(*result);
  }
  std::fprintf(stderr, "bench_record: %s\n", result.error().detail.c_str());
  std::exit(1);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One way to read the record, and how long each time took.
struct Reading {
  std::string_view what;
  std::function<void()> work;
  std::vector<double> seconds = {};
};

void print(std::string_view what, std::size_t rows, double seconds, double beside = 0) {
  const auto rate = static_cast<double>(rows) / seconds;
  fmt::print("{:58} {:>10.0f} events/s{}\n", what, rate,
             beside > 0 ? fmt::format("   {:.2f} of PostgreSQL's own", rate / beside) : "");
  std::fflush(stdout);
}

/// The appends of `count` intents as the services make them, those of different intents side by side.
std::vector<engine::RecordAppend> appends_of(std::size_t count) {
  engine::samples::Ids ids;
  std::vector<engine::RecordAppend> appends;
  constexpr std::size_t kSideBySide = 64;
  // submitted; approved and accepted; planned; started and prepared; submitted; filled; completed
  constexpr std::array<std::size_t, 7> kEvents = {1, 2, 1, 2, 1, 1, 1};
  for (std::size_t first = 0; first < count; first += kSideBySide) {
    std::vector<engine::samples::Life> lives;
    for (auto i = first; i < std::min(count, first + kSideBySide); ++i) {
      lives.emplace_back(ids, fmt::format("strategy-{}", i % 10), i % 2 == 0 ? "acquire" : "dispose", "1",
                         engine::samples::kStart.plus_ms(static_cast<std::int64_t>(i)));
      lives.back().trade(i % 2 == 0 ? "2500" : "1", i % 2 == 0 ? "1" : "2480");
    }
    std::size_t at = 0;
    for (const auto events : kEvents) {
      for (const auto& life : lives) {
        auto& append = appends.emplace_back();
        const auto begin = life.events().begin() + static_cast<std::ptrdiff_t>(at);
        append.events.assign(begin, begin + static_cast<std::ptrdiff_t>(events));
        for (const auto nonce : engine::samples::prepared_nonces(append.events))
          append.nonces.push_back({31337, engine::samples::hex('a', 40), nonce, life.correlation_id()});
      }
      at += events;
    }
  }
  return appends;
}

class Database {
 public:
  explicit Database(const std::string& conninfo) : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) die();
  }
  void run(const char* sql) {
    const Rows rows(PQexec(connection_.get(), sql), &PQclear);
    const auto status = PQresultStatus(rows.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) die();
  }
  void copy_in(const char* sql, const std::vector<std::string>& pieces) {
    const Rows begun(PQexec(connection_.get(), sql), &PQclear);
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) die();
    for (const auto& piece : pieces)
      if (PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) != 1) die();
    PQputCopyEnd(connection_.get(), nullptr);
    const Rows ended(PQgetResult(connection_.get()), &PQclear);
    if (PQresultStatus(ended.get()) != PGRES_COMMAND_OK) die();
    while (PQgetResult(connection_.get()) != nullptr) {
    }
  }
  /// What comes, in pieces.
  std::vector<std::string> copy_out(const char* sql) {
    const Rows begun(PQexec(connection_.get(), sql), &PQclear);
    if (PQresultStatus(begun.get()) != PGRES_COPY_OUT) die();
    std::vector<std::string> pieces;
    char* row = nullptr;
    for (int size = 0; (size = PQgetCopyData(connection_.get(), &row, 0)) > 0; PQfreemem(row))
      pieces.emplace_back(row, static_cast<std::size_t>(size));
    while (PQgetResult(connection_.get()) != nullptr) {
    }
    return pieces;
  }

 private:
  using Rows = std::unique_ptr<PGresult, decltype(&PQclear)>;
  [[noreturn]] void die() {
    std::fprintf(stderr, "bench_record: %s\n", PQerrorMessage(connection_.get()));
    std::exit(1);
  }
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

constexpr auto kOrderedRead = "COPY (SELECT * FROM events ORDER BY global_sequence) TO STDOUT";

/// COPY of the same rows, in transactions of as many rows as the event store's, into a table of the same
/// form.
double copy_speed(Database& database, std::size_t group) {
  const auto rows = database.copy_out(kOrderedRead);
  database.run("CREATE TABLE copied (LIKE events INCLUDING ALL)");
  std::vector<std::vector<std::string>> groups;
  for (std::size_t at = 0; at < rows.size(); at += group)
    groups.emplace_back(rows.begin() + static_cast<std::ptrdiff_t>(at),
                        rows.begin() + static_cast<std::ptrdiff_t>(std::min(at + group, rows.size())));
  const auto seconds = seconds_of([&] {
    for (const auto& pieces : groups) database.copy_in("COPY copied FROM STDIN", pieces);
  });
  database.run("DROP TABLE copied");
  return static_cast<double>(rows.size()) / seconds;
}

void measure_writing(store::EventStore& record, Database& database,
                     const std::vector<engine::RecordAppend>& appends, std::size_t group_events) {
  engine::Sequencer sequencer([&](const std::string& id) { return record.head(id); });
  sequencer.reset(0);
  std::size_t events = 0;
  std::size_t commits = 0;
  double committing = 0;
  const auto seconds = seconds_of([&] {
    for (std::size_t at = 0; at < appends.size();) {
      for (; at < appends.size() && sequencer.batch().events.size() < group_events; ++at)
        if (sequencer.stage(appends[at]).kind != engine::Staging::Kind::kStaged) break;
      events += sequencer.batch().events.size();
      committing += seconds_of([&] {
        if (const auto done = record.commit(sequencer.batch()); !done) {
          std::fprintf(stderr, "bench_record: %s\n", done.error().detail.c_str());
          std::exit(1);
        }
      });
      sequencer.committed();
      ++commits;
    }
  });
  const auto group = events / commits;
  const auto copied = copy_speed(database, group);
  fmt::print("{} events in {} commits of {} on average\n", events, commits, group);
  print("COPY into a table of the same form, as many a commit", 1, 1 / copied);
  print("event store: events, heads and nonces, sequencing included", events, seconds, copied);
  print("event store: the commits alone", events, committing, copied);
  print("COPY, all rows in one transaction", 1, 1 / copy_speed(database, events));
}

void measure_reading(store::EventStore& record, Database& database, const std::string& redis) {
  const auto last = must(record.last_global_sequence());
  const auto rows = static_cast<std::size_t>(last);
  const auto read = [&](const std::function<void(std::vector<engine::Envelope>)>& use_page) {
    for (std::uint64_t at = 0; at < last;) {
      auto page = must(record.range(at + 1, 1'000));
      at = page.back().global_sequence;
      use_page(std::move(page));
    }
  };
  std::vector<engine::Envelope> events;
  events.reserve(rows);
  read([&](std::vector<engine::Envelope> page) { std::ranges::move(page, std::back_inserter(events)); });
  auto models = must(store::ReadModels::open(redis));

  std::vector<Reading> readings = {
      {"ordered COPY out", [&] { database.copy_out(kOrderedRead); }},
      {"event store: read and parsed", [&] { read([](const auto&) {}); }},
      {"fold alone, of events in memory",
       [&] {
         engine::Projection projection(0, [](const std::string&) { return std::optional<json::object>(); });
         for (const auto& event : events) {
           must(projection.apply(event));
           if (event.global_sequence % 1'000 == 0) projection.take_changes();
         }
       }},
      {"replay: read and folded into every document",
       [&] {
         store::RecordFold fold;
         while (!must(fold.catch_up(record, std::chrono::seconds(60)))) {
         }
       }},
      {"replay: and written to Redis", [&] { must(models.rebuild(record)); }},
  };
  // In turn: the machine is faster in some seconds than in others.
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round)
    for (auto& reading : readings) reading.seconds.push_back(seconds_of(reading.work));
  double copied = 0;
  for (auto& [what, work, seconds] : readings) {
    std::ranges::sort(seconds);
    const auto median = seconds[kRounds / 2];
    print(what, rows, median, copied);
    if (copied == 0) copied = static_cast<double>(rows) / median;
  }
}

int run(std::size_t intents, std::size_t group_events) {
  std::string directory = std::filesystem::temp_directory_path() / "sep-bench-record-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return 1;
  {
    const auto postgres = must(app::start_postgres(directory + "/postgres"));
    const auto redis = must(app::start_redis(directory + "/redis"));
    must(store::migrate(postgres->conninfo()));
    auto record = must(store::EventStore::open(postgres->conninfo(), store::EventStore::Role::kWriter));
    if (!must(record.try_lead())) return 1;
    Database database(postgres->conninfo());
    const auto appends = appends_of(intents);
    measure_writing(record, database, appends, group_events);
    database.run("VACUUM ANALYZE");
    measure_reading(record, database, redis->socket());
  }
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace sep

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t otherwise) {
    if (argc <= at) return otherwise;
    const std::string_view text = argv[at];
    std::from_chars(text.data(), text.data() + text.size(), otherwise);
    return std::max<std::size_t>(otherwise, 1);
  };
  return sep::run(number(1, 20'000), number(2, 256));
}
