#pragma once
// The simulated database and cache, and the state coordinator around engine/sequencer.h: the production one
// commits on threads against PostgreSQL, this one in turns against a store that makes the same promises
// (store/event_store.h): a batch is in as a whole or not at all, one writer leads, a crash loses nothing
// committed, and sometimes nobody learns whether a commit happened.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "simulation/world.h"

#include "bus/bus.h"
#include "engine/projection.h"
#include "engine/sequencer.h"

namespace sep::sim {

class Store {
 public:
  explicit Store(World& world) : world_(world) {}

  /// Of whoever wants to write. A lost connection (a crash, or the fault) frees the lock.
  struct Session {
    Process* process = nullptr;
    std::uint64_t incarnation = 0;
    bool operator==(const Session&) const = default;
  };
  bool try_lead(const Session& session);
  std::expected<void, engine::CommitFailure> commit(const Session& session, const engine::CommitBatch& batch);

  const std::vector<engine::Envelope>& events() const { return events_; }
  const std::map<std::string, engine::IntentRow>& rows() const { return rows_; }
  std::optional<engine::IntentRow> row(const std::string& correlation_id) const;
  const engine::Envelope* event_by_id(const std::string& event_id) const;
  std::optional<engine::IdempotencyClaim> idempotency(const std::string& key) const;
  std::vector<engine::Envelope> history(const std::string& correlation_id,
                                        std::uint64_t from_sequence = 1) const;
  std::uint64_t next_nonce() const;
  const std::map<std::uint64_t, std::string>& nonces() const { return nonces_; }
  const engine::Controls& controls() const { return controls_; }
  /// Whether exec.step_prepared of this transaction is committed.
  bool prepared(const Hash32& hash) const { return prepared_.contains(hash); }
  const std::map<Hash32, std::string>& prepared() const { return prepared_; }  // → correlation id

  /// Called with each committed event, and for each nonce that an intent did not hold before.
  std::function<void(const engine::Envelope&)> on_event;
  std::function<void(const engine::NonceClaim&)> on_nonce;

 private:
  std::optional<engine::CommitFailure> refusal(const engine::CommitBatch& batch) const;
  void write(const engine::CommitBatch& batch);

  World& world_;
  std::optional<Session> leader_;
  std::vector<engine::Envelope> events_;
  std::map<std::string, std::vector<std::size_t>> by_correlation_;
  std::map<std::string, std::size_t> by_id_;
  std::map<std::string, engine::IntentRow> rows_;
  std::map<std::string, engine::IdempotencyClaim> keys_;
  std::map<std::uint64_t, std::string> nonces_;
  engine::Controls controls_;
  std::map<Hash32, std::string> prepared_;
};

/// Redis: documents and lists, which move together.
struct Cache {
  std::uint64_t head = 0;
  std::map<std::string, std::string> documents;
  std::map<std::string, std::set<std::string>> by_state;  // state → intent ids
  std::uint64_t flushes = 0;

  void flush();
  void apply(const engine::Changes& changes);
};

/// Starts a state coordinator on the process.
void start_coordinator(Process& process, Store& store, Cache& cache);

}  // namespace sep::sim
