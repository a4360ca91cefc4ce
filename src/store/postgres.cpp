#include "store/postgres.h"

#include <algorithm>
#include <type_traits>

#include <poll.h>

namespace sep::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string_view trimmed(const char* text) {
  std::string_view view = text == nullptr ? "" : text;
  while (!view.empty() && view.back() == '\n') view.remove_suffix(1);
  return view;
}

// Numbers of types in PostgreSQL's pg_type.dat.
constexpr std::uint32_t kBool = 16;
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kTimestamptz = 1184;
constexpr std::uint32_t kJsonb = 3802;
constexpr char kJsonbVersion = 1;                   // of its binary form, before the text
constexpr std::int64_t kEpochMs = 946'684'800'000;  // 2000-01-01, where TIMESTAMPTZ counts from
constexpr std::int64_t kMicroseconds = 1'000;       // in a millisecond

/// Integers travel with the highest byte first.
template <class T>
void append_integer(std::string& out, T value) {
  const auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (auto shift = static_cast<int>(sizeof(T) * 8) - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(bits >> shift & 0xff);
}

PgFailure refused(const PGresult* result) {
  const auto field = [&](int code) { return std::string(trimmed(PQresultErrorField(result, code))); };
  return {PgFailure::Kind::kRefused, field(PG_DIAG_MESSAGE_PRIMARY), field(PG_DIAG_SQLSTATE),
          field(PG_DIAG_CONSTRAINT_NAME)};
}

bool is_error(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

}  // namespace

std::string_view PgRows::text(int row, int column) const {
  const std::string_view bytes(PQgetvalue(result_.get(), row, column),
                               static_cast<std::size_t>(PQgetlength(result_.get(), row, column)));
  return PQftype(result_.get(), column) == kJsonb ? bytes.substr(1) : bytes;
}
std::int64_t PgRows::integer(int row, int column) const {
  const auto size = PQgetlength(result_.get(), row, column);
  SEP_ASSERT(PQfformat(result_.get(), column) == 1 && size > 0 && size <= 8);
  const char* bytes = PQgetvalue(result_.get(), row, column);
  std::int64_t value = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? -1 : 0;  // two's complement
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}
std::uint64_t PgRows::unsigned_integer(int row, int column) const {
  const auto value = integer(row, column);
  SEP_ASSERT(value >= 0);
  return static_cast<std::uint64_t>(value);
}
Timestamp PgRows::timestamp(int row, int column) const {
  return {kEpochMs + integer(row, column) / kMicroseconds};
}

PgConnection::PgConnection(PGconn* connection, int query_timeout_ms)
    : connection_(connection, &PQfinish), query_timeout_ms_(query_timeout_ms) {}

PgResult<PgConnection> PgConnection::connect(const std::string& conninfo, int connect_timeout_s,
                                             int query_timeout_ms) {
  const auto timeout = std::to_string(connect_timeout_s);
  const std::array keywords = {"dbname", "connect_timeout", "client_encoding", "fallback_application_name",
                               static_cast<const char*>(nullptr)};
  const std::array values = {conninfo.c_str(), timeout.c_str(), "UTF8", "sep",
                             static_cast<const char*>(nullptr)};
  PgConnection connection(PQconnectdbParams(keywords.data(), values.data(), 1), query_timeout_ms);
  PGconn* raw = connection.connection_.get();
  if (PQstatus(raw) != CONNECTION_OK)
    return std::unexpected(
        PgFailure{PgFailure::Kind::kNotSent, std::string(trimmed(PQerrorMessage(raw))), {}, {}});
  // Notices ("relation exists, skipping") are for people at a prompt.
  PQsetNoticeProcessor(raw, [](void*, const char*) {}, nullptr);
  // Without this a pipeline larger than the socket's buffers would wait for a server that waits for us.
  PQsetnonblocking(raw, 1);
  return connection;
}

PgConnection::Deadline PgConnection::deadline() const {
  return steady_clock::now() + milliseconds(query_timeout_ms_);
}

PgFailure PgConnection::lost(std::string_view why) {
  std::string detail(why);
  if (connection_ != nullptr && *PQerrorMessage(connection_.get()) != '\0')
    detail += ": " + std::string(trimmed(PQerrorMessage(connection_.get())));
  connection_.reset();
  return {PgFailure::Kind::kLost, std::move(detail), {}, {}};
}

PgResult<PGresult*> PgConnection::next_result(Deadline deadline) {
  PGconn* raw = connection_.get();
  for (;;) {
    const int unsent = PQflush(raw);
    if (unsent < 0) return std::unexpected(lost("cannot send to PostgreSQL"));
    if (PQisBusy(raw) == 0) return PQgetResult(raw);
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return std::unexpected(lost("PostgreSQL did not answer in time"));
    pollfd descriptor{PQsocket(raw), static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), 0};
    if (poll(&descriptor, 1, static_cast<int>(left)) < 0 && errno != EINTR)
      return std::unexpected(lost("poll failed"));
    if ((descriptor.revents & ~POLLOUT) != 0 && PQconsumeInput(raw) == 0)
      return std::unexpected(lost("lost the connection to PostgreSQL"));
  }
}

PgResult<PgRows> PgConnection::collect(Deadline deadline) {
  PgRows last(nullptr);
  std::optional<PgFailure> failure;
  for (;;) {
    const auto result = next_result(deadline);
    if (!result) return std::unexpected(result.error());
    if (*result == nullptr) break;
    PgRows rows(*result);
    if (is_error(*result)) {
      failure = refused(*result);
    } else {
      last = std::move(rows);
    }
  }
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    return std::unexpected(lost("lost the connection to PostgreSQL"));
  if (failure) return std::unexpected(std::move(*failure));
  return last;
}

bool PgConnection::send(const Statement& statement, std::span<const Parameter> parameters) {
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const auto& parameter : parameters) {
    values.push_back(parameter.value.c_str());
    lengths.push_back(static_cast<int>(parameter.value.size()));
    formats.push_back(parameter.binary ? 1 : 0);
  }
  constexpr int kBinaryResults = 1;
  return PQsendQueryPrepared(connection_.get(), statement.name, static_cast<int>(values.size()),
                             values.data(), lengths.data(), formats.data(), kBinaryResults) == 1;
}

PgResult<void> PgConnection::prepare(const Statement& statement) {
  if (prepared_.contains(statement.name)) return {};
  if (PQsendPrepare(connection_.get(), statement.name, statement.sql, 0, nullptr) != 1)
    return std::unexpected(lost("cannot send to PostgreSQL"));
  if (auto rows = collect(deadline()); !rows) return std::unexpected(std::move(rows).error());
  prepared_.insert(statement.name);
  return {};
}

PgResult<PgRows> PgConnection::execute(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) != 1)
    return std::unexpected(lost("cannot send to PostgreSQL"));
  return collect(deadline());
}

PgResult<PgRows> PgConnection::query(const Statement& statement, std::span<const Parameter> parameters) {
  if (auto ready = prepare(statement); !ready) return std::unexpected(std::move(ready).error());
  if (!send(statement, parameters)) return std::unexpected(lost("cannot send to PostgreSQL"));
  return collect(deadline());
}

PgResult<void> PgConnection::transaction(std::span<const Command> commands) {
  for (const auto& command : commands) {
    if (auto ready = prepare(*command.statement); !ready) {
      auto failure = std::move(ready).error();
      if (failure.kind == PgFailure::Kind::kLost) failure.kind = PgFailure::Kind::kNotSent;
      return std::unexpected(std::move(failure));
    }
  }
  // libpq 34.5: the commands of a pipeline up to its sync are one implicit transaction, committed by the
  // sync.
  PGconn* raw = connection_.get();
  if (PQenterPipelineMode(raw) != 1) return std::unexpected(lost("cannot start a pipeline"));
  for (const auto& command : commands)
    if (!send(*command.statement, command.parameters))
      return std::unexpected(lost("cannot send to PostgreSQL"));
  if (PQpipelineSync(raw) != 1) return std::unexpected(lost("cannot send to PostgreSQL"));

  const auto until = deadline();
  std::optional<PgFailure> failure;
  for (bool synced = false; !synced;) {
    const auto result = next_result(until);
    if (!result) return std::unexpected(result.error());
    if (*result == nullptr) {
      if (PQstatus(raw) != CONNECTION_OK) return std::unexpected(lost("lost the connection to PostgreSQL"));
      continue;  // the end of one command's results
    }
    const PgRows owner(*result);
    synced = PQresultStatus(*result) == PGRES_PIPELINE_SYNC;
    if (is_error(*result) && !failure) failure = refused(*result);
  }
  if (PQexitPipelineMode(raw) != 1) return std::unexpected(lost("cannot end a pipeline"));
  if (failure) return std::unexpected(std::move(*failure));
  return {};
}

void PgArray::begin_element(std::uint32_t type, std::size_t size) {
  SEP_ASSERT(count_ == 0 || type == type_);
  if (count_ == 0) bytes_.resize(kHead);
  type_ = type;
  ++count_;
  append_integer(bytes_, static_cast<std::int32_t>(size));
}

void PgArray::add(std::string_view element) {
  begin_element(kText, element.size());
  bytes_ += element;
}
void PgArray::add(std::int64_t element) {
  begin_element(kInt8, sizeof element);
  append_integer(bytes_, element);
}
void PgArray::add(std::int32_t element) {
  begin_element(kInt4, sizeof element);
  append_integer(bytes_, element);
}
void PgArray::add(bool element) {
  begin_element(kBool, 1);
  bytes_ += element ? '\1' : '\0';
}
void PgArray::add(Timestamp element) {
  begin_element(kTimestamptz, sizeof(std::int64_t));
  append_integer(bytes_, (element.ms - kEpochMs) * kMicroseconds);
}
void PgArray::add(const PgJson& element) {
  begin_element(kJsonb, element.text.size() + 1);
  bytes_ += kJsonbVersion;
  bytes_ += element.text;
}

Parameter PgArray::parameter() && {
  // An empty array has no type of its own: its text serves every type.
  if (count_ == 0) return {"{}"};
  constexpr std::int32_t kDimensions = 1;
  constexpr std::int32_t kNoNulls = 0;
  constexpr std::int32_t kLowestIndex = 1;
  std::string head;
  append_integer(head, kDimensions);
  append_integer(head, kNoNulls);
  append_integer(head, type_);
  append_integer(head, static_cast<std::int32_t>(count_));
  append_integer(head, kLowestIndex);
  SEP_ASSERT(head.size() == kHead);
  bytes_.replace(0, kHead, head);
  return {std::move(bytes_), true};
}

}  // namespace sep::store
