#include <array>

#include "store/event_store.h"
#include "store/postgres.h"

namespace sep::store {
namespace {

struct Migration {
  const char* name;
  const char* sql;
};
constexpr Migration kMigrations[] = {
#include "store/migrations.inc"  // made by CMake from db/migrations
};

// Any constant will do, as long as it is not the writer's (event_store.cpp): "sepm" in ASCII.
constexpr auto kLock = "SELECT pg_advisory_lock(1936027757)";
constexpr int kConnectTimeoutS = 5;
// Another process may be migrating a large table while this one waits for the lock.
constexpr int kTimeoutMs = 120'000;

std::unexpected<Error> unavailable(const PgFailure& failure) {
  return fail(errc::kStoreUnavailable, "migrating the record: " + failure.detail);
}

Result<PgConnection> connect(const std::string& conninfo) {
  auto connection = PgConnection::connect(conninfo, kConnectTimeoutS, kTimeoutMs);
  if (!connection) return unavailable(connection.error());
  return std::move(*connection);
}

Result<PgRows> execute(PgConnection& connection, const std::string& sql) {
  auto rows = connection.execute(sql);
  if (!rows) return unavailable(rows.error());
  return std::move(*rows);
}

/// Why the record is to be a plain table; empty where TimescaleDB is there.
Result<std::string> prepare_timescaledb(const std::string& conninfo) {
  // On a connection of its own: the extension must be the first thing that a session loads.
  SEP_TRY(auto connection, connect(conninfo));
  SEP_TRY(const auto available,
          execute(connection, "SELECT FROM pg_available_extensions WHERE name = 'timescaledb'"));
  if (available.size() == 0) return "the server does not have the timescaledb extension";
  const auto created = connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb");
  return created ? std::string{}
                 : "the server has the timescaledb extension, but refuses it: " + created.error().detail;
}

}  // namespace

Result<MigrationReport> migrate(const std::string& conninfo) {
  SEP_TRY(auto lock, connect(conninfo));
  SEP_CHECK(execute(lock, kLock));
  MigrationReport report;
  SEP_TRY(report.note, prepare_timescaledb(conninfo));

  SEP_TRY(auto connection, connect(conninfo));
  SEP_CHECK(execute(connection,
                    "CREATE TABLE IF NOT EXISTS schema_migrations ("
                    "  name TEXT PRIMARY KEY,"
                    "  applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"));
  for (const auto& [name, sql] : kMigrations) {
    const auto quoted = "'" + std::string(name) + "'";
    SEP_TRY(const auto known, execute(connection, "SELECT FROM schema_migrations WHERE name = " + quoted));
    if (known.size() > 0) continue;
    // One message is one transaction: the migration and the note of it stand or fall together.
    SEP_CHECK(execute(connection,
                      std::string(sql) + "\nINSERT INTO schema_migrations (name) VALUES (" + quoted + ")"));
    report.applied.emplace_back(name);
  }
  SEP_TRY(auto store, EventStore::open(conninfo, EventStore::Role::kReader));
  SEP_TRY(report.engine, store.record_engine());
  if (report.engine == RecordEngine::kTimescaleDb) report.note.clear();
  return report;
}

}  // namespace sep::store
