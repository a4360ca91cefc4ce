#pragma once
// Ethereum JSON-RPC 2.0 over one endpoint: HTTP/1.1 with kept connections, or a unix socket (IPC) or
// WebSocket that carries all calls at once.
//
// Entry points: RpcClient::call and ::batch; NodeError says what a failure means.
// Invariants
//  1. A failure is sorted by what may have happened at the node: kUnreachable means that the request was
//  surely
//     not executed, kAnswered that the node itself said no, kUnknownOutcome that it may or may not have been
//     executed. Nothing that may have been executed is ever sorted as kUnreachable.
//  2. Answers are hostile input: bounded in size and depth, matched by id, checked for their type. A
//  connection
//     that carried something else is closed.
//  3. Nothing is repeated by itself, except a read (message.h) on a kept connection that turned out to be
//  closed.
//  4. One thread: an object's functions are called, and its coroutines run, on the executor it was made with
//  (an
//     io_context with one thread, or a strand).
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/json.h"
#include "base/result.h"

namespace sep::node {

namespace asio = boost::asio;
using asio::awaitable;
using std::chrono::milliseconds;

/// Why a call gave no result.
struct NodeError {
  enum class Kind {
    kAnswered,        // the node answered with a JSON-RPC error: rpc_code, message, data are its own
    kUnreachable,     // no connection, or refused before a node saw it (HTTP 4xx): surely not executed
    kUnknownOutcome,  // sent, but no usable answer came: timeout, connection cut, garbage
  };

  Kind kind = Kind::kUnknownOutcome;
  std::int64_t rpc_code = 0;  // of kAnswered
  std::string message;        // the node's words for kAnswered, ours otherwise
  json::value data;           // of kAnswered: for a revert its data, as the node wrote it

  /// The node does not have the method.
  bool unsupported() const;
  /// NODE_ERROR, NODE_UNREACHABLE, OUTCOME_UNKNOWN. Implicit, so that SEP_CO_TRY passes it on.
  operator Error() const;  // NOLINT(*explicit*)
};

template <class T>
using NodeResult = std::expected<T, NodeError>;

struct RpcOptions {
  milliseconds timeout{5000};                       // of one call, connecting included
  std::size_t max_answer_bytes = 64 * 1024 * 1024;  // whole logs of a busy contract stay far below
  std::size_t max_connections = 8;                  // HTTP only: calls beyond wait for a free one
};

struct RpcCall {
  std::string method;
  json::array params;
};

class RpcClient {
 public:
  /// `endpoint`: "http://host:port/path", "https://…", "ws://…", "wss://…", or the path of a unix socket.
  /// Nothing is connected before the first call; a lost connection is made anew by the next call.
  RpcClient(asio::any_io_executor executor, std::string endpoint, RpcOptions options = {});
  ~RpcClient();
  RpcClient(const RpcClient&) = delete;
  RpcClient& operator=(const RpcClient&) = delete;

  /// The member "result" of the answer.
  awaitable<NodeResult<json::value>> call(std::string method, json::array params);
  awaitable<NodeResult<json::value>> call(std::string method, json::array params, milliseconds timeout);

  /// All calls at once, results in the order of the calls. The outer error means that no call has a result of
  /// its own.
  awaitable<NodeResult<std::vector<NodeResult<json::value>>>> batch(std::vector<RpcCall> calls);
  awaitable<NodeResult<std::vector<NodeResult<json::value>>>> batch(std::vector<RpcCall> calls,
                                                                    milliseconds timeout);

  /// For messages: the endpoint without what may be a secret (path, query, user).
  const std::string& name() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::node
