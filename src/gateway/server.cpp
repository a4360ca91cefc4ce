#include "gateway/server.h"

#include <array>
#include <random>
#include <set>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "base/hex.h"
#include "base/log.h"
#include "gateway/api.h"
#include "gateway/gathered_stream.h"
#include "gateway/validation.h"

namespace sep::gateway {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using std::chrono::milliseconds;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// A refused upload is read on for this long, so that the client sees the answer and not a reset connection.
constexpr milliseconds kLinger{2000};
// What is still being written to a WebSocket that is ordered to close, or has ended on the peer's side, has
// this long.
constexpr milliseconds kCloseTimeout{2000};

class Connection;

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(asio::any_io_executor e, ServerOptions o, Backend& b, std::shared_ptr<StreamHub> h, Metrics& m)
      : executor(std::move(e)),
        options(std::move(o)),
        hub(std::move(h)),
        metrics(m),
        api(options, b, hub, m),
        acceptor(executor),
        all_gone(executor) {
    std::random_device random;
    request_prefix =
        to_hex(std::array{static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random()),
                          static_cast<std::uint8_t>(random())})
            .substr(2);
  }

  asio::any_io_executor executor;
  ServerOptions options;
  std::shared_ptr<StreamHub> hub;
  Metrics& metrics;
  Api api;
  tcp::acceptor acceptor;
  std::uint16_t bound_port = 0;
  std::set<Connection*> connections;
  bool stopping = false;
  asio::steady_timer all_gone;
  std::string request_prefix;
  std::uint64_t request_count = 0;

  Status bind();
  asio::awaitable<void> accept_all();
  std::string request_id(const Request& request);
};

namespace {

void set_common_headers(http::fields& fields, std::string_view request_id) {
  fields.set(http::field::server, "sep");
  fields.set("X-Request-Id", request_id);
  fields.set(http::field::cache_control, "no-store");
  fields.set("X-Content-Type-Options", "nosniff");
  fields.set("X-Frame-Options", "DENY");
  fields.set("Referrer-Policy", "no-referrer");
  fields.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  fields.set("Cross-Origin-Opener-Policy", "same-origin");
  fields.set("Cross-Origin-Resource-Policy", "same-origin");
  fields.set(
      "Permissions-Policy",
      "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), "
      "payment=(), usb=()");
}

/// Beast takes a request of another encoding for one without a body, and the body for the next request.
bool knows_encoding(const Request& request) {
  const auto given = request.count(http::field::transfer_encoding);
  return given == 0 || (given == 1 && beast::iequals(request[http::field::transfer_encoding], "chunked"));
}

/// A message is written faster in one piece than in the thirty that it is made of.
std::string in_one_piece(http::response<http::span_body<const char>>& response) {
  http::response_serializer<http::span_body<const char>> serializer(response);
  std::string text;
  boost::system::error_code error;
  while (!error && !serializer.is_done())
    serializer.next(error, [&](boost::system::error_code&, const auto& buffers) {
      for (const auto buffer : beast::buffers_range_ref(buffers))
        text.append(static_cast<const char*>(buffer.data()), buffer.size());
      serializer.consume(beast::buffer_bytes(buffers));
    });
  return text;
}

/// One peer: its requests one after the other, or its WebSocket.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server::Impl> server, tcp::socket socket)
      : server_(std::move(server)),
        stream_(std::move(socket)),
        buffer_(server_->options.max_header_bytes + server_->options.max_body_bytes) {
    server_->connections.insert(this);
  }
  ~Connection() {
    server_->connections.erase(this);
    if (server_->connections.empty()) server_->all_gone.cancel();
  }

  asio::awaitable<void> run();
  asio::awaitable<void> refuse_as_full();

  /// No further request; one under way is answered.
  void finish() {
    if (idle_) close();
  }
  void close() {
    boost::system::error_code ignored;
    auto& socket = websocket_ ? beast::get_lowest_layer(*websocket_).socket() : stream_.socket();
    socket.shutdown(tcp::socket::shutdown_both, ignored);
    socket.close(ignored);
  }

 private:
  using Parser = http::request_parser<http::string_body>;
  // Without the extension for compression, which is never negotiated: it would be compiled all the same.
  using WebSocket = websocket::stream<GatheredStream, false>;

  asio::awaitable<bool> wait_for_request();
  asio::awaitable<boost::system::error_code> read(Parser& parser);
  asio::awaitable<void> refuse(boost::system::error_code error, Parser& parser);
  asio::awaitable<bool> write(const Reply& reply, const Request& request, std::string_view request_id,
                              bool keep_alive);
  asio::awaitable<void> linger();
  asio::awaitable<void> serve_stream(Request request, std::string request_id);
  asio::awaitable<void> read_stream(StreamClient& client);
  asio::awaitable<void> write_stream(std::shared_ptr<StreamClient> client);

  std::shared_ptr<Server::Impl> server_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  bool idle_ = false;
  std::optional<WebSocket> websocket_;
};

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  boost::system::error_code ignored;
  stream_.socket().set_option(tcp::no_delay(true), ignored);
  while (co_await wait_for_request()) {
    Parser parser;
    if (const auto error = co_await read(parser)) {
      co_await refuse(error, parser);
      break;
    }
    auto request = parser.release();
    const auto request_id = server_->request_id(request);
    if (websocket::is_upgrade(request) &&
        request.target().substr(0, request.target().find('?')) == "/stream" &&
        !server_->api.refused(request)) {
      co_await serve_stream(std::move(request), request_id);
      co_return;
    }
    const auto reply = co_await server_->api.answer(request, request_id);
    const bool keep_alive = request.keep_alive() && !server_->stopping;
    if (!co_await write(reply, request, request_id, keep_alive)) break;
    if (!keep_alive) {
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      break;
    }
  }
}

// Waits for a request's first bytes, unless they came with the one before.
asio::awaitable<bool> Connection::wait_for_request() {
  if (server_->stopping) co_return false;
  if (buffer_.size() > 0) co_return true;
  idle_ = true;
  stream_.expires_after(server_->options.idle_timeout);
  const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(4096), kAwait);
  idle_ = false;
  buffer_.commit(size);
  co_return !error;
}

asio::awaitable<boost::system::error_code> Connection::read(Parser& parser) {
  parser.header_limit(static_cast<std::uint32_t>(server_->options.max_header_bytes));
  parser.body_limit(server_->options.max_body_bytes);
  stream_.expires_after(server_->options.request_timeout);
  auto [error, size] = co_await http::async_read_header(stream_, buffer_, parser, kAwait);
  if (error) co_return error;
  if (!knows_encoding(parser.get())) co_return http::error::bad_transfer_encoding;
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    const auto [write_error, written] = co_await http::async_write(stream_, go_on, kAwait);
    if (write_error) co_return write_error;
  }
  std::tie(error, size) = co_await http::async_read(stream_, buffer_, parser, kAwait);
  co_return error;
}

// Answers what could not be read as a request, where the peer is still there to be answered.
asio::awaitable<void> Connection::refuse(boost::system::error_code error, Parser& parser) {
  if (error == http::error::end_of_stream ||
      error.category() != http::make_error_code(http::error::bad_method).category())
    co_return;
  Problem problem{400, errc::kMalformedRequest, "the request is not HTTP/1.1: " + error.message(), {}};
  if (error == http::error::body_limit)
    problem = {413,
               errc::kBodyTooLarge,
               "a body has at most " + std::to_string(server_->options.max_body_bytes) + " bytes",
               {}};
  if (error == http::error::header_limit)
    problem = {431,
               errc::kMalformedRequest,
               "the header has at most " + std::to_string(server_->options.max_header_bytes) + " bytes",
               {}};
  if (error == http::error::buffer_overflow)
    problem = {431,
               errc::kMalformedRequest,
               "an extension of a chunk, or the trailer, has at most " + std::to_string(buffer_.max_size()) +
                   " bytes",
               {}};
  const auto request_id = server_->request_id(parser.get());
  server_->metrics.add("sep_http_requests_total",
                       {{"route", "none"}, {"status", std::to_string(problem.status)}}, 1,
                       "Answered HTTP requests.");
  if (co_await write(problem_reply(problem, request_id), parser.get(), request_id, false)) co_await linger();
}

asio::awaitable<bool> Connection::write(const Reply& reply, const Request& request,
                                        std::string_view request_id, bool keep_alive) {
  http::response<http::span_body<const char>> response;
  response.version(request.version() == 10 ? 10 : 11);
  response.result(reply.status);
  set_common_headers(response, request_id);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.keep_alive(keep_alive);
  if (!reply.content_type.empty()) response.set(http::field::content_type, reply.content_type);
  const auto body = reply.body.view();
  if (reply.status != 204 && reply.status != 304) response.content_length(body.size());
  if (request.method() != http::verb::head) response.body() = {body.data(), body.size()};
  const auto text = in_one_piece(response);
  stream_.expires_after(server_->options.write_timeout);
  const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(text), kAwait);
  co_return !error;
}

asio::awaitable<void> Connection::linger() {
  boost::system::error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream_.expires_after(kLinger);
  std::array<char, 16 * 1024> rest;
  while (true) {
    const auto [error, size] = co_await stream_.async_read_some(asio::buffer(rest), kAwait);
    if (error) co_return;
  }
}

asio::awaitable<void> Connection::refuse_as_full() {
  const auto self = shared_from_this();
  const Problem problem{503, errc::kNotReady, "there are too many connections", {}};
  if (co_await write(problem_reply(problem, "-"), Request{}, "-", false)) co_await linger();
}

asio::awaitable<void> Connection::serve_stream(Request request, std::string request_id) {
  stream_.expires_never();
  websocket_.emplace(GatheredStream(std::move(stream_)));
  auto& socket = *websocket_;
  socket.set_option(websocket::stream_base::timeout{server_->options.request_timeout,
                                                    server_->options.stream_idle_timeout, true});
  socket.set_option(websocket::stream_base::decorator(
      [&](websocket::response_type& response) { set_common_headers(response, request_id); }));
  const auto [error] = co_await socket.async_accept(request, kAwait);
  if (error) co_return;
  socket.text(true);
  socket.auto_fragment(false);
  const auto client = server_->hub->attach();
  const auto deadline = std::make_shared<asio::steady_timer>(server_->executor);
  const auto close_soon = [deadline, self = weak_from_this()] {
    deadline->expires_after(kCloseTimeout);
    deadline->async_wait([deadline, self](boost::system::error_code cancelled) {
      if (const auto connection = self.lock(); connection && !cancelled) connection->close();
    });
  };
  client->on_closing(close_soon);
  asio::co_spawn(
      server_->executor, [self = shared_from_this(), client] { return self->write_stream(client); },
      asio::detached);
  co_await read_stream(*client);
  client->detach();
  // The peer may read nothing and stay: then what is being written to it never ends.
  close_soon();
}

asio::awaitable<void> Connection::read_stream(StreamClient& client) {
  const auto limit = server_->hub->limits().max_message_bytes;
  beast::flat_buffer message;
  bool oversize = false;
  while (true) {
    const auto [error, size] = co_await websocket_->async_read_some(message, 16 * 1024, kAwait);
    if (error) co_return;
    if (message.size() > limit) {
      oversize = true;
      message.clear();
    }
    if (!websocket_->is_message_done()) continue;
    const auto bytes = message.cdata();
    if (oversize)
      client.receive_oversize();
    else if (websocket_->got_binary())
      client.receive_binary();
    else
      client.receive({static_cast<const char*>(bytes.data()), bytes.size()});
    oversize = false;
    message.clear();
  }
}

asio::awaitable<void> Connection::write_stream(std::shared_ptr<StreamClient> client) {
  while (true) {
    // All that waits, which the client's queue bounds.
    for (std::optional frame = co_await client->next(); frame; frame = client->ready()) {
      boost::system::error_code error;
      if (!frame->text) {
        error = co_await websocket_->next_layer().drained();
        const websocket::close_reason reason(static_cast<websocket::close_code>(frame->code), frame->reason);
        if (!error) co_await websocket_->async_close(reason, kAwait);
        co_return;
      }
      websocket_->write(asio::buffer(*frame->text), error);
      if (error) co_return close();
    }
    if (co_await websocket_->next_layer().drained()) co_return close();
  }
}

}  // namespace

// --- server

Status Server::Impl::bind() {
  const auto failed = [&](const boost::system::error_code& error) {
    return fail(errc::kConfiguration, "cannot listen on " + options.host + ":" +
                                          std::to_string(options.port) + ": " + error.message());
  };
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) return failed(error);
  const tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  if (error) return failed(error);
  bound_port = acceptor.local_endpoint(error).port();
  return {};
}

asio::awaitable<void> Server::Impl::accept_all() {
  const auto self = shared_from_this();
  asio::steady_timer pause(executor);
  while (!stopping) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (stopping) co_return;
    if (error) {
      // Out of file descriptors, most likely: others must end before this can go on.
      logger("gateway")->warn("cannot accept a connection: {}", error.message());
      pause.expires_after(milliseconds{100});
      co_await pause.async_wait(kAwait);
      continue;
    }
    // With it all others that wait: one a turn of an executor that has much to do would be a few a second.
    while (!error) {
      const bool full = connections.size() >= options.max_connections;
      const auto connection = std::make_shared<Connection>(self, std::move(socket));
      asio::co_spawn(executor, full ? connection->refuse_as_full() : connection->run(), asio::detached);
      socket = acceptor.accept(error);
    }
  }
}

std::string Server::Impl::request_id(const Request& request) {
  const std::string_view given = request["X-Request-Id"];
  if (is_strategy_id(given)) return std::string(given);
  return request_prefix + "-" + std::to_string(++request_count);
}

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->stopping = true;
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
}

Result<std::shared_ptr<Server>> Server::listen(asio::any_io_executor executor, ServerOptions options,
                                               Backend& backend, std::shared_ptr<StreamHub> hub,
                                               Metrics& metrics) {
  auto impl = std::make_shared<Impl>(executor, std::move(options), backend, std::move(hub), metrics);
  SEP_ASSERT(has_schema(schema::kIntent));  // compiles the schemas now, not at the first request
  SEP_CHECK(impl->bind());
  asio::co_spawn(executor, impl->accept_all(), asio::detached);
  return std::make_shared<Server>(std::move(impl));
}

std::uint16_t Server::port() const {
  return impl_->bound_port;
}

asio::awaitable<void> Server::stop(milliseconds grace) {
  const auto impl = impl_;
  if (std::exchange(impl->stopping, true)) co_return;
  boost::system::error_code ignored;
  impl->acceptor.close(ignored);
  impl->hub->stop();
  for (auto* connection : std::set(impl->connections)) connection->finish();
  impl->all_gone.expires_after(grace);
  if (!impl->connections.empty()) co_await impl->all_gone.async_wait(kAwait);
  for (auto* connection : std::set(impl->connections)) connection->close();
  impl->all_gone.expires_after(grace);
  if (!impl->connections.empty()) co_await impl->all_gone.async_wait(kAwait);
}

}  // namespace sep::gateway
