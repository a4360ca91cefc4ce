#pragma once
// The HTTP API (SPEC 4): HTTP/1.1 and WebSocket on one address. It knows HTTP, JSON and the schemas; what the
// calls mean is the Backend's.
//
// Entry points: Server::listen() binds and serves; Backend is what an owner implements.
//
// Invariants
//  1. Everything runs on one executor (one thread); a Backend call may suspend, never block.
//  2. A connection's requests are answered one after the other in their order (pipelining is safe).
//  3. Every refusal is application/problem+json with a code of schema/errors.json, and X-Request-Id in its
//  headers.
//  4. No request holds more than max_body_bytes + max_header_bytes of memory before it is refused, and no
//  peer can hold
//     a connection open by sending slowly (timeouts below).
//  5. The Backend sees only documents that the schema allows and identifiers that are well formed.
//  6. Cross-origin reads are off: no CORS header is ever sent, and a WebSocket whose Origin is another host
//  is refused.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/json.h"
#include "base/result.h"
#include "engine/lifecycle.h"
#include "engine/window_stats.h"
#include "gateway/metrics.h"
#include "gateway/problem.h"
#include "gateway/stream.h"

namespace sep::gateway {

struct SubmitAnswer {
  std::string intent_id;
  std::string correlation_id;
  std::string state = "submitted";
  bool replayed = false;  // the idempotency key was known: this is the intent of the first request
};

struct ListQuery {
  std::vector<engine::State> states;  // empty: all; each once
  std::optional<std::string> strategy_id;
  unsigned limit = 50;                          // 1..200
  std::optional<std::string> since_intent_id;   // inclusive: none that is older; a ULID
  std::optional<std::string> before_intent_id;  // from the cursor, exclusive; a ULID
  std::optional<std::string> tx_hash;           // stands alone: the intent that made this transaction
};

/// Where an answer was read. Both hold the same; the record is slower.
enum class Source { kReadModels, kRecord };

struct Document {
  Document() = default;
  Document(json::object object, Source from = Source::kReadModels)  // NOLINT(google-explicit-constructor)
      : body(std::move(object)), source(from) {}

  json::object body;
  Source source = Source::kReadModels;
};

struct IntentPage {
  json::array intents;                     // views, newest first
  std::optional<std::string> next_before;  // absent on the last page
  Source source = Source::kReadModels;
};

struct StrategyPage {
  std::vector<std::string> strategies;    // by name
  std::optional<std::string> next_after;  // absent on the last page
  Source source = Source::kReadModels;
};

struct Readiness {
  bool ready = false;
  json::object document;  // {"ready": bool, "dependencies": {"<name>": {"ok": bool, "detail": …}}, …}
};

/// What the calls mean. Called on the server's executor; each call may run many times at once. Everything
/// passed in has been checked against the schema: identifiers are ULIDs, strategies match their pattern.
/// Given back when it is let go.
using Place = std::shared_ptr<void>;

class Backend {
 public:
  virtual ~Backend() = default;

  /// What the schema cannot know of an intent: decimals of the amount, known tokens, two of them. Called also
  /// on documents that the schema refuses, so that a caller learns of every fault at once; faults at a
  /// pointer that the schema has at fault already are left out. Does not suspend; its time counts as
  /// validation.
  virtual std::vector<Fault> intent_faults(const json::object& /*intent*/) const { return {}; }
  /// The same of a request for a quote.
  virtual std::vector<Fault> quote_faults(const json::object& /*request*/) const { return {}; }
  /// Waits for a place among the few intents that are taken on at a time: whatever waits on the way behind
  /// them costs all of them more. OVERLOADED at once, with the time after which it is worth asking again,
  /// where too many wait; nothing is read of the intent then.
  virtual asio::awaitable<Answer<Place>> admit() { co_return Place{}; }
  /// Answers once the event is committed. `intent` has passed the schema, not the semantics (decimals, known
  /// tokens). `idempotency_key` is 1..128 visible ASCII characters; `body_hash` is the SHA-256 (hex) of the
  /// body's canonical JSON, so order of keys and white space make no difference. IDEMPOTENCY_CONFLICT where
  /// key and hash disagree.
  virtual asio::awaitable<Answer<SubmitAnswer>> submit_intent(json::object intent,
                                                              std::optional<std::string> idempotency_key,
                                                              std::string body_hash) = 0;
  virtual asio::awaitable<Answer<Document>> intent(std::string intent_id) = 0;
  virtual asio::awaitable<Answer<IntentPage>> list(ListQuery query) = 0;
  /// The envelopes of one intent in order, with globalSequence. NOT_FOUND where there are none.
  virtual asio::awaitable<Answer<json::array>> events(std::string intent_id) = 0;
  /// The document of the 202: {"intent_id", "correlation_id", "state", "cancel_requested": true}.
  /// ALREADY_TERMINAL, NOT_FOUND.
  virtual asio::awaitable<Answer<json::object>> cancel(std::string intent_id) = 0;
  virtual asio::awaitable<Answer<Document>> plan(std::string plan_id) = 0;
  virtual asio::awaitable<Answer<Document>> positions(std::string strategy_id) = 0;
  /// `request` has passed schema/api/quote_request.schema.json.
  virtual asio::awaitable<Answer<json::object>> quote(json::object request) = 0;
  /// Strategies behind `after`, at most `limit`.
  virtual asio::awaitable<Answer<StrategyPage>> strategies(std::optional<std::string> after,
                                                           unsigned limit) = 0;
  /// NOT_READY before anything is known.
  virtual asio::awaitable<Answer<json::object>> account() = 0;
  virtual asio::awaitable<Answer<Document>> stats(std::optional<engine::StatsWindow> window) = 0;
  virtual asio::awaitable<Readiness> readiness() = 0;
  /// Every part as it is now; one that does not answer is told as such.
  virtual asio::awaitable<json::object> status() = 0;
  /// The token list document of GET /assets. This and platform() stay the same while the process runs.
  virtual json::object assets() = 0;
  virtual json::object platform() = 0;
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;      // 0: any free one
  std::filesystem::path pages{};  // the folder of gateway/pages.h; empty: no pages
  std::size_t max_body_bytes = 64 * 1024;
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_connections = 2048;                 // further ones are answered 503 and closed
  std::chrono::milliseconds idle_timeout{60'000};     // between requests
  std::chrono::milliseconds request_timeout{10'000};  // from a request's first byte to its last
  std::chrono::milliseconds write_timeout{20'000};
  std::chrono::milliseconds stream_idle_timeout{
      30'000};  // WebSocket: a ping after half of it, closed after all of it
};

class Server : public std::enable_shared_from_this<Server> {
 public:
  /// Binds and begins to serve on `executor`. BUS-like failures do not exist here: CONFIGURATION with the
  /// address where it cannot be bound. `backend`, `hub` and `metrics` outlive the server.
  static Result<std::shared_ptr<Server>> listen(asio::any_io_executor executor, ServerOptions options,
                                                Backend& backend, std::shared_ptr<StreamHub> hub,
                                                Metrics& metrics);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  /// Stops accepting, lets requests under way finish for at most `grace`, closes the streams with 1001, then
  /// ends every connection. Returns when none is left.
  asio::awaitable<void> stop(std::chrono::milliseconds grace);

  struct Impl;
  explicit Server(std::shared_ptr<Impl> impl);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::gateway
