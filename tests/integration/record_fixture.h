#pragma once
// A private PostgreSQL with a fresh record for each test, and a writer of sample events.
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "app/parts.h"
#include "engine/projection.h"
#include "engine/sample_lives.h"
#include "services/record_client.h"
#include "store/event_store.h"
#include "support/temp_dir.h"

namespace sep::support {

/// Raw SQL, for what the store itself does not offer. The first column of the first row.
inline Result<std::string> sql(const std::string& conninfo, const std::string& text) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(conninfo.c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), text.c_str()),
                                                             &PQclear);
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK) return std::string{};
  if (status != PGRES_TUPLES_OK) return fail(errc::kStoreUnavailable, PQerrorMessage(connection.get()));
  return std::string(PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0));
}

/// What an append of these events has to claim: their nonces, of the account 0xdd…d, d being `digit`.
inline std::vector<services::NonceRequest> claims_of(std::span<const engine::Envelope> events,
                                                     char digit = 'a', std::uint64_t chain_id = 31337) {
  std::vector<services::NonceRequest> claims;
  for (const auto nonce : engine::samples::prepared_nonces(events))
    claims.push_back({chain_id, parse_address(engine::samples::hex(digit, 40)).value(), nonce});
  return claims;
}

/// One server for all tests of a program.
class RecordServer {
 public:
  static app::Postgres& get() {
    static RecordServer server;
    return *server.postgres_;
  }

  /// The connection string of a new database with the record's schema.
  static std::string new_record() {
    static int number = 0;
    const auto name = "record_" + std::to_string(++number);
    EXPECT_TRUE(sql(get().conninfo(), "CREATE DATABASE " + name).has_value());
    const auto conninfo = get().conninfo() + " dbname=" + name;  // the later of two settings counts
    const auto report = store::migrate(conninfo);
    EXPECT_TRUE(report.has_value()) << report.error().detail;
    return conninfo;
  }

 private:
  RecordServer() {
    auto started = app::start_postgres(directory_ / "postgres");
    if (!started) {
      std::fprintf(stderr, "%s\n", started.error().detail.c_str());
      std::abort();
    }
    postgres_ = std::move(*started);
  }
  TempDir directory_;
  std::unique_ptr<app::Postgres> postgres_;
};

/// Commits sample events as the state coordinator would, without its checks.
class RecordWriter {
 public:
  explicit RecordWriter(store::EventStore& store) : store_(store) {}

  /// The batch that appends these events, numbered on from the last batch().
  store::CommitBatch batch(std::span<const engine::Envelope> events) {
    store::CommitBatch out;
    std::map<std::string, store::HeadChange> changes;
    for (const auto& event : events) {
      auto& view = views_[event.correlation_id];
      changes.try_emplace(event.correlation_id, store::HeadChange{{}, event.sequence - 1});
      out.events.push_back(event);
      out.events.back().global_sequence = ++last_global_sequence_;
      view = engine::apply_to_intent(std::move(view), out.events.back());
    }
    for (auto& [correlation_id, change] : changes) {
      change.row = row(correlation_id);
      out.heads.push_back(change);
    }
    return out;
  }

  /// Commits, and gives the events as committed.
  std::vector<engine::Envelope> commit(std::span<const engine::Envelope> events) {
    const auto appended = batch(events);
    const auto status = store_.commit(appended);
    EXPECT_TRUE(status.has_value()) << to_string(status.error().kind) << ": " << status.error().detail;
    return appended.events;
  }

  store::IntentRow row(const std::string& correlation_id) const {
    const auto& view = views_.at(correlation_id);
    const auto received = parse_rfc3339(string_or(view, "received_at")).value();
    return {.correlation_id = correlation_id,
            .strategy_id = string_or(view, "strategy_id"),
            .head = {.sequence = get_uint(view, "sequence").value(),
                     .last_event_id = string_or(view, "last_event_id"),
                     .state = engine::parse_state(string_or(view, "state")).value()},
            .received_at = received,
            .deadline = received.plus_ms(300'000)};
  }

 private:
  store::EventStore& store_;
  std::uint64_t last_global_sequence_ = 0;
  std::map<std::string, json::object> views_;
};

}  // namespace sep::support
