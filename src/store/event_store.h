#pragma once
// The record: every event, in one order, in PostgreSQL (a TimescaleDB hypertable where the extension is
// there).
//
// Entry points: migrate(), EventStore::open(), try_lead() and commit() for the one writer, lookups for
// everybody. All calls block; one thread owns an EventStore at a time. Invariants
//  1. A batch is committed as a whole or not at all, durably (synchronous_commit is on), with events, heads,
//  keys
//     and nonces in one transaction.
//  2. global_sequence is contiguous from 1 in commit order: the transaction moves the single row of
//  `record_head`
//     from the batch's first number less one to its last, or fails. A writer with a stale view cannot write.
//  3. A head moves only from the sequence that the batch expects; one intent holds an idempotency key, one
//  intent
//     holds an (account, nonce).
//  4. commit() works only while this very connection holds the advisory lock; a lost connection has lost
//  both.
//  5. Events are never changed or removed: the table refuses it.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/control.h"
#include "engine/envelope.h"
#include "engine/lifecycle.h"
#include "engine/sequencer.h"

namespace sep::store {

using engine::CommitBatch;
using engine::CommitFailure;
using engine::ControlChange;
using engine::HeadChange;
using engine::IdempotencyClaim;
using engine::IntentRow;
using engine::NonceClaim;

using CommitStatus = std::expected<void, CommitFailure>;

enum class RecordEngine { kTimescaleDb, kPostgreSql };
std::string_view to_string(RecordEngine engine);  // "timescaledb", "postgresql"

struct MigrationReport {
  RecordEngine engine = RecordEngine::kPostgreSql;
  std::vector<std::string> applied;  // names of the migrations that were new
  std::string note;                  // why TimescaleDB is not used; empty where it is
};

/// Brings the schema up to date (db/migrations, which the binary holds), one transaction a migration. Several
/// processes may call it at once. STORE_UNAVAILABLE.
Result<MigrationReport> migrate(const std::string& conninfo);

/// Intents to list, newest first.
struct ListQuery {
  std::vector<engine::State> states;  // empty: all; a repeated one counts once
  std::optional<std::string> strategy_id;
  std::optional<std::string> since_intent_id;   // inclusive: no older intents
  std::optional<std::string> before_intent_id;  // exclusive: only older intents
  std::size_t limit = 50;
};

/// The nonce after the highest one that an account claimed on a chain.
struct NextNonce {
  std::uint64_t chain_id = 0;
  std::string account;  // lower case
  std::uint64_t next = 0;

  bool operator==(const NextNonce&) const = default;
};

class EventStore {
 public:
  static constexpr std::size_t kAllRows = 1'000'000'000;

  enum class Role { kWriter, kReader };
  struct Options {
    int connect_timeout_s = 5;      // of each connection attempt
    int query_timeout_ms = 10'000;  // an answer later than this counts as a lost connection
  };

  /// Connects. A reader's session is read-only. STORE_UNAVAILABLE.
  static Result<EventStore> open(const std::string& conninfo, Role role, Options options);
  static Result<EventStore> open(const std::string& conninfo, Role role);
  EventStore(EventStore&&) noexcept;
  EventStore& operator=(EventStore&&) noexcept;
  ~EventStore();

  // --- the writer -----------------------------------------------------------------------------------------

  /// True when this connection holds the writer's lock, now or already. After a change from false to true the
  /// caller must reload whatever it remembers. STORE_UNAVAILABLE.
  Result<bool> try_lead();
  /// False since the connection that held the lock was lost.
  bool leading() const;
  /// Lets go of the connection, and of the lock with it.
  void stop_leading();
  /// The server's number of this session; 0 without a connection.
  std::int64_t session() const;
  /// The session that holds the writer's lock; nothing where nobody leads. STORE_UNAVAILABLE.
  Result<std::optional<std::int64_t>> leader();
  /// Ends the leader's session where the server has waited for a word of it for longer than `silence`: a
  /// stopped process keeps its connection, and with it the lock. True where one was ended. Whoever leads must
  /// ask or commit something more often. STORE_UNAVAILABLE.
  Result<bool> unseat_silent(std::chrono::milliseconds silence);
  /// One durable transaction; see the invariants. The batch's events are in global order with their
  /// global_sequence set, contiguous, the first one being last_global_sequence() + 1.
  CommitStatus commit(const CommitBatch& batch);

  // --- lookups; STORE_UNAVAILABLE where the server cannot be reached. The next call connects again.
  // ----------

  Result<std::optional<IntentRow>> head(std::string_view correlation_id);
  Result<std::optional<engine::Envelope>> event_by_id(std::string_view event_id);
  Result<std::optional<IdempotencyClaim>> idempotency(std::string_view key);
  Result<std::optional<NonceClaim>> nonce(std::uint64_t chain_id, std::string_view account,
                                          std::uint64_t nonce);
  /// One more than the highest nonce on record for the account; nothing where there is none.
  Result<std::optional<std::uint64_t>> next_free_nonce(std::uint64_t chain_id, std::string_view account);
  /// The same of every account that claimed one, in one index step for each.
  Result<std::vector<NextNonce>> next_free_nonces();
  /// The account's nonces on record from `from` on, in order, at most `limit`.
  Result<std::vector<NonceClaim>> nonces_from(std::uint64_t chain_id, std::string_view account,
                                              std::uint64_t from, std::size_t limit);
  /// Every control that has events.
  Result<engine::Controls> controls();
  /// 0 for an empty record.
  Result<std::uint64_t> last_global_sequence();
  /// The intent's events from this sequence on, in order, at most `limit`. INTERNAL where the record has a
  /// gap.
  Result<std::vector<engine::Envelope>> history(std::string_view correlation_id,
                                                std::uint64_t from_sequence = 1,
                                                std::size_t limit = kAllRows);
  /// The record's events from `from_global` on, in order, at most `limit`. INTERNAL where the record has a
  /// gap.
  Result<std::vector<engine::Envelope>> range(std::uint64_t from_global, std::size_t limit);
  /// The same in two steps: what was read can be parsed by another thread while more is read.
  struct Unparsed {
    std::size_t events = 0;
    std::move_only_function<Result<std::vector<engine::Envelope>>()> parse;
  };
  Result<Unparsed> read_range(std::uint64_t from_global, std::size_t limit);
  /// Intents that are not terminal, oldest first, those behind `after` (a correlation id), at most `limit`.
  Result<std::vector<IntentRow>> unfinished(std::string_view after = {}, std::size_t limit = kAllRows);
  /// The global sequences up to `end`, in order, of all events of every intent that is not terminal, and of
  /// every control. Costs what it finds.
  Result<std::vector<std::uint64_t>> unfinished_events(std::uint64_t end);
  /// The record's events with these global sequences, in order.
  Result<std::vector<engine::Envelope>> events(std::span<const std::uint64_t> global_sequences);
  /// The correlation id of the intent that has this plan, or made this transaction (its hash in lower case);
  /// nothing where the record does not know it.
  Result<std::optional<std::string>> intent_of_plan(std::string_view plan_id);
  Result<std::optional<std::string>> intent_of_transaction(std::string_view tx_hash);
  /// Strategies that ever submitted an intent, in byte order, those behind `after`, at most `limit`; one
  /// index step each.
  Result<std::vector<std::string>> strategies(std::string_view after, std::size_t limit);
  /// Newest first, at most `limit`; costs what it returns, and for states that an intent passes through what
  /// is open, whatever the record's size.
  Result<std::vector<IntentRow>> list(const ListQuery& query);
  /// What decides whether an intent of a strategy may be worked on, as it is at one moment.
  struct Admission {
    /// The strategy's intents that are not terminal, it included, but not those that were submitted after it
    /// and have not been judged: of a burst the first ones are let in.
    std::uint64_t open = 0;
    std::optional<engine::Control> control;  // the kill switch; nothing while it has no event
  };
  /// Of an intent that is not on the record, all count.
  Result<Admission> admission(std::string_view strategy_id, std::string_view correlation_id);
  Result<RecordEngine> record_engine();
  /// A round trip. STORE_UNAVAILABLE.
  Status ping();

 private:
  class Impl;
  explicit EventStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sep::store
