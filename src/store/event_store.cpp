#include "store/event_store.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "store/postgres.h"

namespace sep::store {
namespace {

using engine::Envelope;
using engine::Payload;
using Kind = CommitFailure::Kind;

// The writer's advisory lock: one a database. "sepw" in ASCII.
constexpr Statement kTryLead{"try_lead", "SELECT pg_try_advisory_lock(1936027767)"};
#define SEP_LEADER_LOCK                                                                                \
  "pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = 1936027767 " \
  "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
constexpr Statement kLeader{"leader", "SELECT l.pid FROM " SEP_LEADER_LOCK};
// The server's own clock and its own view of who waits for whom: while it works for the leader, or waits for
// a disk, the leader is not silent.
constexpr Statement kUnseatSilent{
    "unseat_silent",
    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a "
    "WHERE a.pid IN (SELECT l.pid FROM " SEP_LEADER_LOCK
    ") AND a.wait_event_type = 'Client' "
    "AND greatest(a.query_start, a.state_change) < clock_timestamp() - $1::interval"};
#undef SEP_LEADER_LOCK
constexpr Statement kPing{"ping", "SELECT 1"};

// --- the commit. A promise that does not hold fails the transaction under its constraint's name.
// ------------------

/// What a batch has beside its events: a set of these bits.
enum : unsigned { kCreated = 1, kMoved = 2, kKeys = 4, kClaimed = 8 };
constexpr unsigned kPartsSets = 16;

// All of a batch but its controls in one statement: its parts cost less together than a statement each, and a
// part without rows costs as much as one with a few, so there is a statement for each set of parts. They run
// in the order in which the outer SELECT asks for them, so that a writer with a stale view is told so
// whatever else does not hold.
std::string commit_sql(unsigned parts) {
  unsigned parameters = 2;
  // One row an element of the next parameters, which are arrays of one length. Not as functions in FROM: each
  // of them would write its rows away before the first is read.
  const auto rows = [&](std::initializer_list<std::pair<std::string_view, std::string_view>> columns) {
    std::string text = "SELECT ";
    for (const auto& [name, type] : columns)
      text +=
          fmt::format("{}unnest(${}::{}[]) AS {}", text.ends_with(' ') ? "" : ", ", ++parameters, type, name);
    return text;
  };
  std::string with =
      "WITH head AS (UPDATE record_head SET global_sequence = $2::bigint WHERE global_sequence = $1::bigint "
      "  RETURNING 1), "
      "added AS (INSERT INTO events (time, event_id, topic, correlation_id, causation_id, sequence, "
      "    global_sequence, version, payload) "
      "  " +
      rows({{"time", "timestamptz"},
            {"event_id", "text"},
            {"topic", "text"},
            {"correlation_id", "text"},
            {"causation_id", "text"},
            {"sequence", "bigint"},
            {"global_sequence", "bigint"},
            {"version", "int"},
            {"payload", "jsonb"}}) +
      " RETURNING 1)";
  std::string select =
      " SELECT sep_require((SELECT count(*) FROM head) = 1, 'record_head'), (SELECT count(*) FROM added)";
  if ((parts & kCreated) != 0) {
    with +=
        ", created AS (INSERT INTO intents (correlation_id, strategy_id, state, end_state, last_sequence, "
        "    last_event_id, received_at, deadline) "
        "  SELECT correlation_id, strategy_id, state, nullif(end_state, ''), last_sequence, last_event_id, "
        "    received_at, deadline FROM (" +
        rows({{"correlation_id", "text"},
              {"strategy_id", "text"},
              {"state", "text"},
              {"end_state", "text"},
              {"last_sequence", "bigint"},
              {"last_event_id", "text"},
              {"received_at", "timestamptz"},
              {"deadline", "timestamptz"}}) +
        ") AS c RETURNING 1)";
    select += ", (SELECT count(*) FROM created)";
  }
  if ((parts & kMoved) != 0) {
    select +=
        fmt::format(", sep_require((SELECT count(*) FROM moved) = cardinality(${}::text[]), 'intents_head')",
                    parameters + 1);
    with +=
        ", moved AS (UPDATE intents i SET state = c.state, end_state = nullif(c.end_state, ''), "
        "    last_sequence = c.sequence, last_event_id = c.event_id "
        "  FROM (" +
        rows({{"correlation_id", "text"},
              {"expected", "bigint"},
              {"state", "text"},
              {"end_state", "text"},
              {"sequence", "bigint"},
              {"event_id", "text"}}) +
        ") AS c "
        "  WHERE i.correlation_id = c.correlation_id AND i.last_sequence = c.expected RETURNING 1)";
  }
  if ((parts & kKeys) != 0) {
    with +=
        ", keys AS (INSERT INTO idempotency_keys (key, body_hash, correlation_id) "
        "  " +
        rows({{"key", "text"}, {"body_hash", "text"}, {"correlation_id", "text"}}) + " RETURNING 1)";
    select += ", (SELECT count(*) FROM keys)";
  }
  if ((parts & kClaimed) != 0) {
    select += fmt::format(
        ", sep_require((SELECT count(*) FROM claimed) = cardinality(${}::bigint[]), 'account_nonces_owner')",
        parameters + 1);
    with +=
        ", claimed AS (INSERT INTO account_nonces AS a (chain_id, account, nonce, correlation_id) "
        "  " +
        rows({{"chain_id", "bigint"}, {"account", "text"}, {"nonce", "bigint"}, {"correlation_id", "text"}}) +
        "  ON CONFLICT (chain_id, account, nonce) DO UPDATE SET correlation_id = excluded.correlation_id "
        "    WHERE a.correlation_id = excluded.correlation_id RETURNING 1)";
  }
  return with + select;
}

const Statement& commit_statement(unsigned parts) {
  struct Made {
    std::string name, sql;
    Statement statement;
  };
  static const auto kMade = [] {
    auto all = std::make_unique<std::array<Made, kPartsSets>>();
    for (unsigned i = 0; i < kPartsSets; ++i) {
      auto& made = (*all)[i];
      made.name = fmt::format("commit_{}", i);
      made.sql = commit_sql(i);
      made.statement = {made.name.c_str(), made.sql.c_str()};
    }
    return all;
  }();
  return (*kMade)[parts].statement;
}

constexpr Statement kInsertControl{
    "insert_control",
    "INSERT INTO controls (correlation_id, state, last_sequence, last_event_id, since, reason, detail, "
    "  changed_by, nonce) "
    "VALUES ($1, $2, $3::bigint, $4, $5::timestamptz, $6, $7, $8, nullif($9, '')::bigint)"};
constexpr Statement kMoveControl{
    "move_control",
    "WITH moved AS (UPDATE controls SET state = $2, last_sequence = $3::bigint, last_event_id = $4, "
    "    since = $5::timestamptz, reason = $6, detail = $7, changed_by = $8, nonce = nullif($9, '')::bigint "
    "  WHERE correlation_id = $1 AND last_sequence = $10::bigint RETURNING 1) "
    "SELECT sep_require(count(*) = 1, 'controls_head') FROM moved"};
// --- lookups
// ------------------------------------------------------------------------------------------------------

#define SEP_SELECT_INTENT                                                                                \
  "SELECT correlation_id, strategy_id, last_sequence, last_event_id, state, received_at, deadline FROM " \
  "intents "
#define SEP_SELECT_EVENT                                                                                     \
  "SELECT time, event_id, topic, correlation_id, causation_id, sequence, global_sequence, version, payload " \
  "FROM events "

constexpr Statement kHead{"head", SEP_SELECT_INTENT "WHERE correlation_id = $1"};
constexpr Statement kEventById{"event_by_id", SEP_SELECT_EVENT "WHERE event_id = $1"};
constexpr Statement kIdempotency{
    "idempotency", "SELECT key, body_hash, correlation_id FROM idempotency_keys WHERE key = $1"};
constexpr Statement kNonce{"nonce",
                           "SELECT correlation_id FROM account_nonces "
                           "WHERE chain_id = $1 AND account = lower($2) AND nonce = $3"};
constexpr Statement kNextNonce{
    "next_nonce", "SELECT max(nonce) + 1 FROM account_nonces WHERE chain_id = $1 AND account = lower($2)"};
// From the highest key down, one index step an account: account_nonces has a row for each transaction.
constexpr Statement kNextNonces{
    "next_nonces",
    "WITH RECURSIVE highest AS ("
    "  (SELECT chain_id, account, nonce FROM account_nonces "
    "   ORDER BY chain_id DESC, account DESC, nonce DESC LIMIT 1) "
    "  UNION ALL "
    "  SELECT below.* FROM highest, LATERAL (SELECT chain_id, account, nonce FROM account_nonces a "
    "    WHERE (a.chain_id, a.account) < (highest.chain_id, highest.account) "
    "    ORDER BY chain_id DESC, account DESC, nonce DESC LIMIT 1) AS below) "
    "SELECT chain_id, account, nonce + 1 FROM highest ORDER BY chain_id, account"};
constexpr Statement kNoncesFrom{"nonces_from",
                                "SELECT nonce, correlation_id FROM account_nonces WHERE chain_id = $1 AND "
                                "account = lower($2) AND nonce >= $3 ORDER BY nonce LIMIT $4"};
#define SEP_CONTROL                                                                                          \
  "c.correlation_id, c.state, c.last_sequence, c.last_event_id, c.since, c.reason, c.detail, c.changed_by, " \
  "c.nonce"
constexpr Statement kControls{"controls", "SELECT " SEP_CONTROL " FROM controls c ORDER BY correlation_id"};
#define SEP_SUBMISSION(id) \
  "(SELECT e.global_sequence FROM events e WHERE e.correlation_id = " id " AND e.sequence = 1)"
constexpr Statement kAdmission{
    "admission", "SELECT " SEP_CONTROL
                 ", (SELECT count(*) FROM intents i WHERE strategy_id = $1 AND end_state IS NULL "
                 "   AND (state <> 'submitted' OR " SEP_SUBMISSION("i.correlation_id") " <= "
                 "coalesce(" SEP_SUBMISSION("$2") ", 9223372036854775807))) "
                 "FROM (SELECT) AS one LEFT JOIN controls c ON c.correlation_id = 'control'"};
#undef SEP_SUBMISSION
#undef SEP_CONTROL
constexpr Statement kRecordHead{"record_head", "SELECT global_sequence FROM record_head"};
constexpr Statement kHistory{
    "history", SEP_SELECT_EVENT "WHERE correlation_id = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3"};
constexpr Statement kRange{"range",
                           SEP_SELECT_EVENT "WHERE global_sequence >= $1 ORDER BY global_sequence LIMIT $2"};
constexpr Statement kUnfinished{
    "unfinished",
    SEP_SELECT_INTENT "WHERE end_state IS NULL AND correlation_id > $1 ORDER BY correlation_id LIMIT $2"};
// One index step an intent, whatever the record's size: OFFSET keeps the planner from reading all events.
constexpr Statement kUnfinishedEvents{
    "unfinished_events",
    "SELECT e.global_sequence FROM "
    "  (SELECT correlation_id FROM intents WHERE end_state IS NULL "
    "   UNION ALL SELECT correlation_id FROM controls) AS open, "
    "  LATERAL (SELECT global_sequence FROM events "
    "    WHERE correlation_id = open.correlation_id AND global_sequence <= $1 OFFSET 0) AS e "
    "ORDER BY e.global_sequence"};
constexpr Statement kEvents{
    "events", SEP_SELECT_EVENT "WHERE global_sequence = ANY ($1::bigint[]) ORDER BY global_sequence"};
constexpr Statement kIntentOfPlan{"intent_of_plan",
                                  "SELECT correlation_id FROM events "
                                  "WHERE topic = 'plan.created' AND payload->>'planId' = $1 LIMIT 1"};
constexpr Statement kIntentOfTransaction{
    "intent_of_transaction",
    "SELECT correlation_id FROM events "
    "WHERE topic = 'exec.step_prepared' AND payload->>'txHash' = $1 LIMIT 1"};
constexpr Statement kStrategies{
    "strategies",
    "WITH RECURSIVE names AS ("
    "  (SELECT strategy_id FROM intents WHERE strategy_id > $1 ORDER BY strategy_id LIMIT 1) "
    "  UNION ALL "
    "  SELECT next.* FROM names, LATERAL (SELECT strategy_id FROM intents i "
    "    WHERE i.strategy_id > names.strategy_id ORDER BY strategy_id LIMIT 1) AS next) "
    "SELECT strategy_id FROM names LIMIT $2"};
constexpr Statement kHasTimescaleDb{"has_timescaledb",
                                    "SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL"};
constexpr Statement kIsHypertable{
    "is_hypertable", "SELECT FROM timescaledb_information.hypertables WHERE hypertable_name = 'events'"};

// A statement for each set of filters, so that each is planned on its index and costs O(page); states that an
// intent passes through cost what is open. Several states that it ends in are as many pages, merged.
// Where columns are compared as a row, only an index of them all gives the order: with an equality of the
// first ones the planner may walk all intents by their ids, and drop those that are not asked for.
#define SEP_PAGE(columns, values, order)                                                     \
  "(" columns "correlation_id) < (" values "$1) AND (" columns "correlation_id) >= (" values \
  "$2) "                                                                                     \
  "ORDER BY " order "correlation_id DESC LIMIT $3"
#define SEP_ENDED(columns, values, order)                                                \
  "SELECT page.* FROM unnest($4::text[]) AS wanted (state), LATERAL (" SEP_SELECT_INTENT \
  "WHERE end_state IS NOT NULL AND " SEP_PAGE(columns, values, order) ") AS page "
#define SEP_OPEN(filter) \
  "(" SEP_SELECT_INTENT  \
  "WHERE end_state IS NULL AND state = ANY ($5::text[]) AND " filter SEP_PAGE("", "", "") ") "
constexpr Statement kListAll{"list_all", SEP_SELECT_INTENT "WHERE " SEP_PAGE("", "", "")};
constexpr Statement kListStates{"list_states",
                                SEP_ENDED("end_state, ", "wanted.state, ", "end_state DESC, ")  //
                                "UNION ALL " SEP_OPEN("") "ORDER BY correlation_id DESC LIMIT $3"};
constexpr Statement kListStrategy{
    "list_strategy", SEP_SELECT_INTENT "WHERE " SEP_PAGE("strategy_id, ", "$4, ", "strategy_id DESC, ")};
constexpr Statement kListBoth{"list_both", SEP_ENDED("strategy_id, end_state, ", "$6, wanted.state, ",
                                                     "strategy_id DESC, end_state DESC, ")  //
                              "UNION ALL " SEP_OPEN("strategy_id = $6 AND ")                //
                              "ORDER BY correlation_id DESC LIMIT $3"};
#undef SEP_PAGE
#undef SEP_ENDED
#undef SEP_OPEN
#undef SEP_SELECT_INTENT
#undef SEP_SELECT_EVENT

// Below and above every correlation id in byte order.
constexpr auto kBeforeAllIntents = "";
constexpr auto kAfterAllIntents = "intent-~";

std::unexpected<Error> unavailable(const PgFailure& failure) {
  return fail(errc::kStoreUnavailable, "the record: " + failure.detail);
}

Result<IntentRow> read_intent(const PgRows& rows, int row) {
  const auto state = engine::parse_state(rows.text(row, 4));
  if (!state)
    return fail(errc::kInternal, "the record holds an unknown state: " + std::string(rows.text(row, 4)));
  return IntentRow{.correlation_id = std::string(rows.text(row, 0)),
                   .strategy_id = std::string(rows.text(row, 1)),
                   .head = {.sequence = rows.unsigned_integer(row, 2),
                            .last_event_id = std::string(rows.text(row, 3)),
                            .state = *state},
                   .received_at = rows.timestamp(row, 5),
                   .deadline = rows.timestamp(row, 6)};
}

Result<engine::Control> read_control(const PgRows& rows, int row) {
  engine::Control control{.correlation_id = std::string(rows.text(row, 0)),
                          .sequence = rows.unsigned_integer(row, 2),
                          .last_event_id = std::string(rows.text(row, 3)),
                          .since = rows.timestamp(row, 4),
                          .why = {.reason = std::string(rows.text(row, 5)),
                                  .detail = std::string(rows.text(row, 6)),
                                  .by = std::string(rows.text(row, 7))}};
  if (rows.text(row, 1) == engine::to_string(engine::ControlState::kHalted))
    control.state = engine::ControlState::kHalted;
  if (!rows.is_null(row, 8)) control.why.nonce = rows.unsigned_integer(row, 8);
  return control;
}

Result<Envelope> read_event(const PgRows& rows, int row) {
  const auto text = rows.text(row, 8);
  json::error_code error;
  auto payload = json::parse(text, error, storage_for(text));
  if (error || !payload.is_object())
    return fail(errc::kInternal,
                "the record holds a payload that is no object: event " + std::string(rows.text(row, 1)));
  return Envelope{.event_id = std::string(rows.text(row, 1)),
                  .timestamp = rows.timestamp(row, 0),
                  .topic = std::string(rows.text(row, 2)),
                  .correlation_id = std::string(rows.text(row, 3)),
                  .causation_id = std::string(rows.text(row, 4)),
                  .sequence = rows.unsigned_integer(row, 5),
                  .global_sequence = rows.unsigned_integer(row, 6),
                  .payload = Payload(std::move(payload.get_object())),
                  .version = rows.integer(row, 7)};
}

template <class T, class Read>
Result<std::vector<T>> read_all(const PgRows& rows, Read read) {
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) {
    SEP_TRY(out.emplace_back(), read(rows, row));
  }
  return out;
}

/// INTERNAL unless the events count up from `first` without a gap.
Status check_contiguous(const std::vector<Envelope>& events, std::uint64_t Envelope::* number,
                        std::uint64_t first) {
  for (const auto& event : events) {
    if (event.*number != first)
      return fail(errc::kInternal,
                  fmt::format("the record has a gap: event {} is numbered {} where {} is due", event.event_id,
                              event.*number, first));
    ++first;
  }
  return {};
}

// --- the batch as commands
// ----------------------------------------------------------------------------------------

/// Columns of equal length, as array parameters.
template <std::size_t N>
class Columns {
 public:
  template <class... Values>
  void add(const Values&... values) {
    static_assert(sizeof...(Values) == N);
    std::size_t column = 0;
    (arrays_[column++].add(values), ...);
  }
  bool empty() const { return arrays_[0].empty(); }
  void add_to(std::vector<Parameter>& parameters) && {
    for (auto& array : arrays_) parameters.push_back(std::move(array).parameter());
  }

 private:
  std::array<PgArray, N> arrays_;
};

void add_events(const std::vector<Envelope>& events, std::vector<Parameter>& parameters) {
  Columns<9> columns;
  for (const auto& event : events)
    columns.add(event.timestamp, event.event_id, event.topic, event.correlation_id, event.causation_id,
                event.sequence, event.global_sequence, static_cast<std::int32_t>(event.version),
                PgJson{event.payload.text()});
  std::move(columns).add_to(parameters);
}

void add_heads(const std::vector<HeadChange>& heads, unsigned& parts, std::vector<Parameter>& parameters) {
  Columns<8> created;
  Columns<6> moved;
  for (const auto& [row, expected] : heads) {
    const auto state = engine::to_string(row.head.state);
    const auto end_state = engine::is_terminal(row.head.state) ? state : std::string_view{};
    const auto sequence = row.head.sequence;
    if (expected == 0)
      created.add(row.correlation_id, row.strategy_id, state, end_state, sequence, row.head.last_event_id,
                  row.received_at, row.deadline);
    else
      moved.add(row.correlation_id, expected, state, end_state, sequence, row.head.last_event_id);
  }
  if (!created.empty()) {
    std::move(created).add_to(parameters);
    parts |= kCreated;
  }
  if (!moved.empty()) {
    std::move(moved).add_to(parameters);
    parts |= kMoved;
  }
}

void add_keys(const std::vector<IdempotencyClaim>& claims, unsigned& parts,
              std::vector<Parameter>& parameters) {
  if (claims.empty()) return;
  parts |= kKeys;
  Columns<3> columns;
  for (const auto& claim : claims) columns.add(claim.key, claim.body_hash, claim.correlation_id);
  std::move(columns).add_to(parameters);
}

void add_controls(const std::vector<ControlChange>& controls, std::vector<Command>& commands) {
  for (const auto& [control, expected] : controls) {
    const auto& why = control.why;
    std::vector<Parameter> parameters = {control.correlation_id,
                                         std::string(engine::to_string(control.state)),
                                         std::to_string(control.sequence),
                                         control.last_event_id,
                                         to_rfc3339(control.since),
                                         why.reason,
                                         why.detail,
                                         why.by,
                                         why.nonce ? std::to_string(*why.nonce) : ""};
    if (expected != 0) parameters.emplace_back(std::to_string(expected));
    commands.push_back({expected == 0 ? &kInsertControl : &kMoveControl, std::move(parameters)});
  }
}

/// Each nonce once, since an upsert may meet a row only once. kAccountNonce where two intents of the batch
/// want one.
CommitStatus add_nonces(const std::vector<NonceClaim>& claims, unsigned& parts,
                        std::vector<Parameter>& parameters) {
  if (claims.empty()) return {};
  parts |= kClaimed;
  std::map<std::tuple<std::uint64_t, std::string, std::uint64_t>, std::string> owners;
  for (const auto& claim : claims) {
    const auto [owner, is_new] =
        owners.try_emplace({claim.chain_id, lower(claim.account), claim.nonce}, claim.correlation_id);
    if (!is_new && owner->second != claim.correlation_id)
      return std::unexpected(CommitFailure{
          Kind::kAccountNonce,
          fmt::format("two intents of one batch claim nonce {} of {}", claim.nonce, claim.account)});
  }
  Columns<4> columns;
  for (const auto& [key, correlation_id] : owners) {
    const auto& [chain_id, account, nonce] = key;
    columns.add(chain_id, account, nonce, correlation_id);
  }
  std::move(columns).add_to(parameters);
  return {};
}

CommitFailure commit_failure(const PgFailure& failure) {
  switch (failure.kind) {
    case PgFailure::Kind::kNotSent:
      return {Kind::kUnavailable, failure.detail};
    case PgFailure::Kind::kLost:
      return {Kind::kOutcomeUnknown, failure.detail};
    case PgFailure::Kind::kRefused:
      break;
  }
  const std::string_view constraint = failure.constraint;
  const auto kind = [&] {
    if (constraint == "idempotency_keys_pkey") return Kind::kIdempotencyKey;
    if (constraint == "account_nonces_owner") return Kind::kAccountNonce;
    if (constraint == "intents_pkey" || constraint == "intents_head") return Kind::kHeadMoved;
    if (constraint == "controls_pkey" || constraint == "controls_head") return Kind::kHeadMoved;
    if (constraint == "record_head") return Kind::kRecordMoved;
    // A hypertable's chunks carry their number before the name.
    if (constraint.ends_with("events_pkey")) return Kind::kDuplicateEvent;
    // Class 22, data exception; 23, a CHECK of the tables; 54, beyond what a row or an index can hold.
    for (const auto* data : {"22", "23", "54"})
      if (failure.sqlstate.starts_with(data)) return Kind::kInvalid;
    if (failure.sqlstate == "53100") return Kind::kFull;
    return Kind::kOther;
  };
  return {kind(), failure.detail};
}

}  // namespace

std::string_view to_string(RecordEngine engine) {
  return engine == RecordEngine::kTimescaleDb ? "timescaledb" : "postgresql";
}

class EventStore::Impl {
 public:
  Impl(std::string conninfo, Role role, Options options)
      : conninfo_(std::move(conninfo)), role_(role), options_(options) {}

  PgResult<void> ensure_connected() {
    if (connection_ && connection_->alive()) return {};
    leading_ = false;
    auto connection = PgConnection::connect(conninfo_, options_.connect_timeout_s, options_.query_timeout_ms);
    if (!connection) return std::unexpected(std::move(connection).error());
    // A server that is set up for speed must not make an acknowledged commit undurable. The writer's
    // statements have one good plan each, by index, whatever their parameters: planning them anew for every
    // commit costs as much as the commit, and a plan made while the tables are empty would scan them for
    // ever. No statement here is worth compiling to machine code first (0.4 s).
    const auto ready = connection->execute(role_ == Role::kReader
                                               ? "SET jit = off; SET default_transaction_read_only = on"
                                               : "SET jit = off; SET plan_cache_mode = force_generic_plan; "
                                                 "SET enable_seqscan = off; SET enable_hashjoin = off; "
                                                 "SET enable_mergejoin = off; "
                                                 "SELECT set_config('synchronous_commit', 'on', false) "
                                                 "WHERE current_setting('synchronous_commit') = 'off'");
    if (!ready) return std::unexpected(ready.error());
    connection_ = std::move(*connection);
    return {};
  }

  /// Lookups only read, so one that met a connection which had died meanwhile is simply asked again.
  Result<PgRows> query(const Statement& statement, const std::vector<Parameter>& parameters = {}) {
    for (bool again : {true, false}) {
      if (auto ready = ensure_connected(); !ready) return unavailable(ready.error());
      auto rows = connection_->query(statement, parameters);
      if (rows) return std::move(*rows);
      const bool lost = !connection_->alive();
      if (lost) leading_ = false;
      if (!lost || !again) return unavailable(rows.error());
    }
    std::unreachable();
  }

  Result<bool> try_lead() {
    SEP_TRY(const auto alive,
            query(kPing));  // also notices that the connection, and the lock with it, is gone
    if (leading_) return true;
    SEP_TRY(const auto rows, query(kTryLead));
    leading_ = rows.boolean(0, 0);
    return leading_;
  }

  bool leading() const { return leading_; }
  void stop_leading() {
    connection_.reset();
    leading_ = false;
  }
  std::int64_t session() const { return connection_ && connection_->alive() ? connection_->session() : 0; }

  CommitStatus commit(const CommitBatch& batch) {
    SEP_ASSERT(role_ == Role::kWriter && !batch.events.empty());
    if (!leading_ || !connection_ || !connection_->alive())
      return std::unexpected(
          CommitFailure{Kind::kNotLeading, "this connection does not hold the writer's lock"});
    const auto first = batch.events.front().global_sequence;
    SEP_ASSERT(check_contiguous(batch.events, &Envelope::global_sequence, first).has_value());

    Command all{nullptr, {std::to_string(first - 1), std::to_string(batch.events.back().global_sequence)}};
    unsigned parts = 0;
    add_events(batch.events, all.parameters);
    add_heads(batch.heads, parts, all.parameters);
    add_keys(batch.idempotency, parts, all.parameters);
    if (auto added = add_nonces(batch.nonces, parts, all.parameters); !added) return added;
    all.statement = &commit_statement(parts);
    std::vector<Command> commands;
    commands.push_back(std::move(all));
    add_controls(batch.controls, commands);

    const auto done = connection_->transaction(commands);
    if (!connection_->alive()) leading_ = false;
    if (!done) return std::unexpected(commit_failure(done.error()));
    return {};
  }

 private:
  std::string conninfo_;
  Role role_;
  Options options_;
  std::optional<PgConnection> connection_;
  bool leading_ = false;
};

EventStore::EventStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventStore::EventStore(EventStore&&) noexcept = default;
EventStore& EventStore::operator=(EventStore&&) noexcept = default;
EventStore::~EventStore() = default;

Result<EventStore> EventStore::open(const std::string& conninfo, Role role, Options options) {
  auto impl = std::make_unique<Impl>(conninfo, role, options);
  if (auto ready = impl->ensure_connected(); !ready) return unavailable(ready.error());
  return EventStore(std::move(impl));
}
Result<EventStore> EventStore::open(const std::string& conninfo, Role role) {
  return open(conninfo, role, Options{});
}

Result<bool> EventStore::try_lead() {
  return impl_->try_lead();
}
bool EventStore::leading() const {
  return impl_->leading();
}
void EventStore::stop_leading() {
  impl_->stop_leading();
}
std::int64_t EventStore::session() const {
  return impl_->session();
}
Result<std::optional<std::int64_t>> EventStore::leader() {
  SEP_TRY(const auto rows, impl_->query(kLeader));
  if (rows.size() == 0) return std::nullopt;
  return rows.integer(0, 0);
}
Result<bool> EventStore::unseat_silent(std::chrono::milliseconds silence) {
  SEP_TRY(const auto rows, impl_->query(kUnseatSilent, {fmt::format("{} milliseconds", silence.count())}));
  return rows.size() > 0;
}
CommitStatus EventStore::commit(const CommitBatch& batch) {
  return impl_->commit(batch);
}

Result<std::optional<IntentRow>> EventStore::head(std::string_view correlation_id) {
  SEP_TRY(const auto rows, impl_->query(kHead, {std::string(correlation_id)}));
  if (rows.size() == 0) return std::nullopt;
  return read_intent(rows, 0);
}

Result<std::optional<Envelope>> EventStore::event_by_id(std::string_view event_id) {
  SEP_TRY(const auto rows, impl_->query(kEventById, {std::string(event_id)}));
  if (rows.size() == 0) return std::nullopt;
  return read_event(rows, 0);
}

Result<std::optional<IdempotencyClaim>> EventStore::idempotency(std::string_view key) {
  SEP_TRY(const auto rows, impl_->query(kIdempotency, {std::string(key)}));
  if (rows.size() == 0) return std::nullopt;
  return IdempotencyClaim{std::string(rows.text(0, 0)), std::string(rows.text(0, 1)),
                          std::string(rows.text(0, 2))};
}

Result<std::optional<NonceClaim>> EventStore::nonce(std::uint64_t chain_id, std::string_view account,
                                                    std::uint64_t nonce) {
  SEP_TRY(const auto rows,
          impl_->query(kNonce, {std::to_string(chain_id), std::string(account), std::to_string(nonce)}));
  if (rows.size() == 0) return std::nullopt;
  return NonceClaim{chain_id, lower(account), nonce, std::string(rows.text(0, 0))};
}

Result<std::optional<std::uint64_t>> EventStore::next_free_nonce(std::uint64_t chain_id,
                                                                 std::string_view account) {
  SEP_TRY(const auto rows, impl_->query(kNextNonce, {std::to_string(chain_id), std::string(account)}));
  if (rows.is_null(0, 0)) return std::nullopt;
  return rows.unsigned_integer(0, 0);
}

Result<std::vector<NextNonce>> EventStore::next_free_nonces() {
  SEP_TRY(const auto rows, impl_->query(kNextNonces));
  return read_all<NextNonce>(rows, [](const PgRows& all, int row) -> Result<NextNonce> {
    return NextNonce{all.unsigned_integer(row, 0), std::string(all.text(row, 1)),
                     all.unsigned_integer(row, 2)};
  });
}

Result<std::vector<NonceClaim>> EventStore::nonces_from(std::uint64_t chain_id, std::string_view account,
                                                        std::uint64_t from, std::size_t limit) {
  SEP_TRY(const auto rows, impl_->query(kNoncesFrom, {std::to_string(chain_id), std::string(account),
                                                      std::to_string(from), std::to_string(limit)}));
  return read_all<NonceClaim>(rows, [&](const PgRows& all, int row) -> Result<NonceClaim> {
    return NonceClaim{chain_id, lower(account), all.unsigned_integer(row, 0), std::string(all.text(row, 1))};
  });
}

Result<engine::Controls> EventStore::controls() {
  SEP_TRY(const auto rows, impl_->query(kControls));
  SEP_TRY(auto list, read_all<engine::Control>(rows, read_control));
  engine::Controls controls;
  for (auto& control : list) {
    auto id = control.correlation_id;
    controls.emplace(std::move(id), std::move(control));
  }
  return controls;
}

Result<std::uint64_t> EventStore::last_global_sequence() {
  SEP_TRY(const auto rows, impl_->query(kRecordHead));
  return rows.unsigned_integer(0, 0);
}

Result<std::vector<Envelope>> EventStore::history(std::string_view correlation_id,
                                                  std::uint64_t from_sequence, std::size_t limit) {
  SEP_TRY(const auto rows, impl_->query(kHistory, {std::string(correlation_id), std::to_string(from_sequence),
                                                   std::to_string(limit)}));
  SEP_TRY(auto events, read_all<Envelope>(rows, read_event));
  SEP_CHECK(check_contiguous(events, &Envelope::sequence, std::max<std::uint64_t>(from_sequence, 1)));
  return events;
}

Result<std::vector<Envelope>> EventStore::range(std::uint64_t from_global, std::size_t limit) {
  SEP_TRY(auto unparsed, read_range(from_global, limit));
  return unparsed.parse();
}

Result<EventStore::Unparsed> EventStore::read_range(std::uint64_t from_global, std::size_t limit) {
  from_global = std::max<std::uint64_t>(from_global, 1);
  // Asked before the events: what it counts must be among them.
  SEP_TRY(const auto last, last_global_sequence());
  SEP_TRY(auto rows, impl_->query(kRange, {std::to_string(from_global), std::to_string(limit)}));
  const auto count = static_cast<std::size_t>(rows.size());
  if (count < limit && from_global + count <= last)
    return fail(errc::kInternal,
                fmt::format("the record has a gap: event {} of {} is not there", from_global + count, last));
  return Unparsed{count, [rows = std::move(rows), from_global]() -> Result<std::vector<Envelope>> {
                    SEP_TRY(auto events, read_all<Envelope>(rows, read_event));
                    SEP_CHECK(check_contiguous(events, &Envelope::global_sequence, from_global));
                    return events;
                  }};
}

Result<std::vector<IntentRow>> EventStore::unfinished(std::string_view after, std::size_t limit) {
  SEP_TRY(const auto rows, impl_->query(kUnfinished, {std::string(after), std::to_string(limit)}));
  return read_all<IntentRow>(rows, read_intent);
}

Result<std::vector<std::uint64_t>> EventStore::unfinished_events(std::uint64_t end) {
  SEP_TRY(const auto rows, impl_->query(kUnfinishedEvents, {std::to_string(end)}));
  return read_all<std::uint64_t>(
      rows, [](const PgRows& all, int row) -> Result<std::uint64_t> { return all.unsigned_integer(row, 0); });
}

Result<std::vector<Envelope>> EventStore::events(std::span<const std::uint64_t> global_sequences) {
  PgArray wanted;
  for (const auto sequence : global_sequences) wanted.add(sequence);
  SEP_TRY(const auto rows, impl_->query(kEvents, {std::move(wanted).parameter()}));
  return read_all<Envelope>(rows, read_event);
}

Result<std::optional<std::string>> EventStore::intent_of_plan(std::string_view plan_id) {
  SEP_TRY(const auto rows, impl_->query(kIntentOfPlan, {std::string(plan_id)}));
  return rows.size() == 0 ? std::nullopt : std::optional(std::string(rows.text(0, 0)));
}
Result<std::optional<std::string>> EventStore::intent_of_transaction(std::string_view tx_hash) {
  SEP_TRY(const auto rows, impl_->query(kIntentOfTransaction, {std::string(tx_hash)}));
  return rows.size() == 0 ? std::nullopt : std::optional(std::string(rows.text(0, 0)));
}

Result<std::vector<std::string>> EventStore::strategies(std::string_view after, std::size_t limit) {
  SEP_TRY(const auto rows, impl_->query(kStrategies, {std::string(after), std::to_string(limit)}));
  return read_all<std::string>(
      rows, [](const PgRows& all, int row) -> Result<std::string> { return std::string(all.text(row, 0)); });
}

Result<std::vector<IntentRow>> EventStore::list(const ListQuery& query) {
  std::vector<Parameter> parameters = {
      query.before_intent_id ? engine::correlation_of(*query.before_intent_id) : kAfterAllIntents,
      query.since_intent_id ? engine::correlation_of(*query.since_intent_id) : kBeforeAllIntents,
      std::to_string(query.limit)};
  if (!query.states.empty()) {
    PgArray ended;
    PgArray open;
    for (const auto state : std::set(query.states.begin(), query.states.end()))
      (engine::is_terminal(state) ? ended : open).add(engine::to_string(state));
    parameters.push_back(std::move(ended).parameter());
    parameters.push_back(std::move(open).parameter());
  }
  if (query.strategy_id) parameters.emplace_back(*query.strategy_id);
  const auto& statement = query.strategy_id ? (query.states.empty() ? kListStrategy : kListBoth)
                                            : (query.states.empty() ? kListAll : kListStates);
  SEP_TRY(const auto rows, impl_->query(statement, parameters));
  return read_all<IntentRow>(rows, read_intent);
}

Result<EventStore::Admission> EventStore::admission(std::string_view strategy_id,
                                                    std::string_view correlation_id) {
  SEP_TRY(const auto rows, impl_->query(kAdmission, {std::string(strategy_id), std::string(correlation_id)}));
  Admission admission{.open = rows.unsigned_integer(0, 9)};
  if (!rows.is_null(0, 0)) {
    SEP_TRY(admission.control, read_control(rows, 0));
  }
  return admission;
}

Result<RecordEngine> EventStore::record_engine() {
  SEP_TRY(const auto extension, impl_->query(kHasTimescaleDb));
  if (!extension.boolean(0, 0)) return RecordEngine::kPostgreSql;
  SEP_TRY(const auto hypertable, impl_->query(kIsHypertable));
  return hypertable.size() > 0 ? RecordEngine::kTimescaleDb : RecordEngine::kPostgreSql;
}

Status EventStore::ping() {
  SEP_CHECK(impl_->query(kPing));
  return {};
}

}  // namespace sep::store
