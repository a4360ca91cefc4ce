#include "node/http.h"

#include <boost/beast/http.hpp>
#include <sys/socket.h>

namespace sep::node {
namespace {

namespace http = beast::http;

/// An idle connection has nothing to read; one that has was closed by the node, or speaks out of turn.
bool is_quiet(int socket) {
  char byte = 0;
  const auto size = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

class HttpPool::Permit {
 public:
  explicit Permit(std::shared_ptr<HttpPool> pool) : pool_(std::move(pool)) {}
  Permit(Permit&&) = default;
  Permit& operator=(Permit&&) = delete;
  ~Permit() {
    if (!pool_) return;
    ++pool_->free_;
    pool_->freed_.notify();
  }

 private:
  std::shared_ptr<HttpPool> pool_;
};

HttpPool::HttpPool(asio::any_io_executor executor, Endpoint endpoint, const RpcOptions& options)
    : executor_(std::move(executor)),
      endpoint_(std::move(endpoint)),
      max_answer_bytes_(options.max_answer_bytes),
      free_(std::max<std::size_t>(options.max_connections, 1)),
      freed_(executor_) {
  if (endpoint_.tls()) tls_ = client_tls();
}

awaitable<NodeResult<HttpPool::Response>> HttpPool::post(std::string body, Repeat repeat, Deadline deadline) {
  const auto self = shared_from_this();
  SEP_CO_TRY(const auto permission, co_await permit(deadline));
  for (auto connection = idle_connection();; connection = nullptr) {
    if (!connection) {
      SEP_CO_TRY(connection, co_await connect(deadline));
    }
    bool keep = false;
    bool stale = false;
    const auto send = [&](auto& stream) {
      beast::get_lowest_layer(stream).expires_at(deadline);
      return exchange(*connection, stream, body, keep, stale);
    };
    auto response = co_await std::visit(send, connection->stream);
    if (stale && repeat == Repeat::kOnce) continue;
    if (keep) {
      connection->used = true;
      idle_.push_back(std::move(connection));
    }
    co_return response;
  }
}

awaitable<NodeResult<HttpPool::Permit>> HttpPool::permit(Deadline deadline) {
  while (free_ == 0 && std::chrono::steady_clock::now() < deadline) co_await freed_.wait(deadline);
  if (free_ == 0) co_return unreachable(endpoint_, "every connection is busy");
  --free_;
  co_return Permit(shared_from_this());
}

std::unique_ptr<HttpPool::Connection> HttpPool::idle_connection() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    const auto socket =
        std::visit([](auto& stream) { return beast::get_lowest_layer(stream).socket().native_handle(); },
                   connection->stream);
    if (is_quiet(socket)) return connection;
  }
  return nullptr;
}

awaitable<NodeResult<std::unique_ptr<HttpPool::Connection>>> HttpPool::connect(Deadline deadline) {
  if (!tls_) {
    auto connection = std::make_unique<Connection>(beast::tcp_stream(executor_));
    SEP_CO_CHECK(co_await connect_tcp(std::get<0>(connection->stream), endpoint_, deadline));
    co_return connection;
  }
  auto connection = std::make_unique<Connection>(TlsStream(executor_, *tls_));
  auto& stream = std::get<1>(connection->stream);
  SEP_CO_CHECK(co_await connect_tcp(stream.next_layer(), endpoint_, deadline));
  SEP_CO_CHECK(co_await handshake(stream, endpoint_));
  co_return connection;
}

template <class Stream>
awaitable<NodeResult<HttpPool::Response>> HttpPool::exchange(Connection& connection, Stream& stream,
                                                             const std::string& body, bool& keep,
                                                             bool& stale) {
  http::request<http::span_body<const char>> request(http::verb::post, endpoint_.target, 11);
  request.set(http::field::host, endpoint_.authority());
  request.set(http::field::content_type, "application/json");
  request.body() = {body.data(), body.size()};
  request.prepare_payload();
  const auto [write_error, written] = co_await http::async_write(stream, request, kNoThrow);
  if (write_error) {
    stale = connection.used && write_error != beast::error::timeout;
    co_return unknown_outcome(endpoint_, write_error.message());
  }
  http::response_parser<http::string_body> parser;
  parser.body_limit(max_answer_bytes_);
  const auto [read_error, size] = co_await http::async_read(stream, connection.buffer, parser, kNoThrow);
  if (read_error) {
    stale = connection.used && !parser.got_some() && read_error != beast::error::timeout;
    co_return unknown_outcome(endpoint_, read_error.message());
  }
  keep = parser.keep_alive();
  auto response = parser.release();
  co_return Response{response.result_int(), std::move(response.body())};
}

}  // namespace sep::node
