#pragma once
// One libpq connection with bounded waits: prepared statements, and pipelines that are
// one transaction. Internal to store/.
//
// Invariants
//  1. No call waits longer than its timeout; a connection that kept one waiting is closed, since its answer
//  could
//     arrive in the place of another's.
//  2. What was prepared is prepared once a connection, at its first use.
#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/result.h"

namespace sep::store {

/// A statement with its name on the server. Both must outlive the connection: use constants.
struct Statement {
  const char* name;
  const char* sql;
};

/// A value of a statement: as text, or in the binary form of its type.
struct Parameter {
  Parameter(std::string text) : value(std::move(text)) {}  // NOLINT(google-explicit-constructor)
  Parameter(const char* text) : value(text) {}             // NOLINT(google-explicit-constructor)
  Parameter(std::string bytes, bool in_binary) : value(std::move(bytes)), binary(in_binary) {}
  std::string value;
  bool binary = false;
};

struct Command {
  const Statement* statement;
  std::vector<Parameter> parameters;
};

struct PgFailure {
  enum class Kind {
    kRefused,  // the server answered with an error; the transaction is rolled back
    kNotSent,  // no connection
    kLost,     // the connection broke or timed out after something was sent
  };
  Kind kind;
  std::string detail;
  std::string sqlstate;    // kRefused
  std::string constraint;  // kRefused, where the server named one
};

/// Rows in binary form.
class PgRows {
 public:
  explicit PgRows(PGresult* result) : result_(result, &PQclear) {}

  int size() const { return PQntuples(result_.get()); }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  /// Of text and JSONB.
  std::string_view text(int row, int column) const;
  /// Of SMALLINT, INT and BIGINT.
  std::int64_t integer(int row, int column) const;
  std::uint64_t unsigned_integer(int row, int column) const;
  bool boolean(int row, int column) const { return integer(row, column) != 0; }
  /// Of TIMESTAMPTZ, which holds microseconds: what is below a millisecond is cut off.
  Timestamp timestamp(int row, int column) const;

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

template <class T>
using PgResult = std::expected<T, PgFailure>;

class PgConnection {
 public:
  static PgResult<PgConnection> connect(const std::string& conninfo, int connect_timeout_s,
                                        int query_timeout_ms);

  bool alive() const { return connection_ != nullptr; }
  /// The server's process for this connection.
  std::int64_t session() const { return PQbackendPID(connection_.get()); }
  /// One or more statements without parameters, in one transaction; the rows of the last one.
  PgResult<PgRows> execute(const std::string& sql);
  PgResult<PgRows> query(const Statement& statement, std::span<const Parameter> parameters);
  /// All commands in one round trip and one transaction; their rows are dropped.
  PgResult<void> transaction(std::span<const Command> commands);

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  PgConnection(PGconn* connection, int query_timeout_ms);
  PgResult<void> prepare(const Statement& statement);
  bool send(const Statement& statement, std::span<const Parameter> parameters);
  /// The next PGresult; nullptr between two commands' results. kLost after the deadline.
  PgResult<PGresult*> next_result(Deadline deadline);
  /// Reads up to the end of the command, keeping its last result.
  PgResult<PgRows> collect(Deadline deadline);
  PgFailure lost(std::string_view why);
  Deadline deadline() const;

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  int query_timeout_ms_;
  std::set<std::string_view> prepared_;
};

/// The text of a JSONB value.
struct PgJson {
  std::string_view text;
};

/// An array parameter in binary form (array_recv in PostgreSQL's arrayfuncs.c), which spares both sides the
/// quoting of every element. Elements are of one type: TEXT, BIGINT, INT, BOOLEAN, TIMESTAMPTZ or JSONB.
class PgArray {
 public:
  void add(std::string_view element);
  void add(std::int64_t element);
  void add(std::uint64_t element) { add(static_cast<std::int64_t>(element)); }
  void add(std::int32_t element);
  void add(bool element);
  void add(Timestamp element);
  void add(const PgJson& element);
  bool empty() const { return count_ == 0; }
  Parameter parameter() &&;

 private:
  void begin_element(std::uint32_t type, std::size_t size);

  std::uint32_t type_ = 0;  // PostgreSQL's number of it
  std::uint32_t count_ = 0;
  static constexpr std::size_t kHead = 20;  // dimensions, flags, type, length, lowest index
  std::string bytes_;                       // of the head, written last, and of the elements
};

}  // namespace sep::store
