#pragma once
// HTTP/1.1 POST over a bounded pool of kept connections. Internal to this folder.
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "node/connect.h"
#include "node/endpoint.h"
#include "node/rpc.h"

namespace sep::node {

class HttpPool : public std::enable_shared_from_this<HttpPool> {
 public:
  struct Response {
    unsigned status = 0;
    std::string body;
  };
  /// Whether a request may be sent again when a kept connection ended before the first byte of its response.
  enum class Repeat { kNever, kOnce };

  HttpPool(asio::any_io_executor executor, Endpoint endpoint, const RpcOptions& options);

  awaitable<NodeResult<Response>> post(std::string body, Repeat repeat, Deadline deadline);

 private:
  struct Connection {
    std::variant<beast::tcp_stream, TlsStream> stream;
    beast::flat_buffer buffer;
    bool used = false;  // for a request before this one
  };
  /// A place among max_connections, given on to the longest waiter.
  class Permit;

  awaitable<NodeResult<Permit>> permit(Deadline deadline);
  std::unique_ptr<Connection> idle_connection();
  awaitable<NodeResult<std::unique_ptr<Connection>>> connect(Deadline deadline);
  /// `stale` becomes true where a kept connection gave not a byte.
  template <class Stream>
  awaitable<NodeResult<Response>> exchange(Connection& connection, Stream& stream, const std::string& body,
                                           bool& keep, bool& stale);

  const asio::any_io_executor executor_;
  const Endpoint endpoint_;
  const std::size_t max_answer_bytes_;
  std::optional<asio::ssl::context> tls_;
  std::size_t free_;
  Event freed_;
  std::vector<std::unique_ptr<Connection>> idle_;  // the last was used last
};

}  // namespace sep::node
