#pragma once
// A server for tests that answers what the test says: well, late, half, or never.
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "node/connect.h"

namespace sep::node {

/// Runs `work` to its end on `context`, with whatever else runs there.
template <class T>
T run(asio::io_context& context, awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr failure;
  asio::co_spawn(context, std::move(work), [&](std::exception_ptr error, T value) {
    failure = error;
    if (!error) result = std::move(value);
  });
  context.restart();
  while (!result && !failure && context.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(result).value();
}

/// One accepted connection. Reads end with none where the client closed.
template <class Protocol>
class Peer {
 public:
  explicit Peer(typename Protocol::socket socket) : socket_(std::move(socket)) {}

  /// The body of the next HTTP request.
  awaitable<std::optional<std::string>> http_request() {
    const auto [error, size] =
        co_await asio::async_read_until(socket_, asio::dynamic_buffer(in_), "\r\n\r\n", kNoThrow);
    if (error) co_return std::nullopt;
    constexpr std::string_view kLength = "Content-Length: ";
    const auto at = in_.find(kLength);
    const std::size_t length = std::stoul(in_.substr(at + kLength.size()));
    head = in_.substr(0, size);
    in_.erase(0, size);
    if (in_.size() < length)
      co_await asio::async_read(socket_, asio::dynamic_buffer(in_),
                                asio::transfer_exactly(length - in_.size()), kNoThrow);
    std::string body = in_.substr(0, length);
    in_.erase(0, length);
    co_return body;
  }

  /// The next line of a unix socket.
  awaitable<std::optional<std::string>> line() {
    const auto [error, size] =
        co_await asio::async_read_until(socket_, asio::dynamic_buffer(in_), "\n", kNoThrow);
    if (error) co_return std::nullopt;
    std::string text = in_.substr(0, size - 1);
    in_.erase(0, size);
    co_return text;
  }

  awaitable<bool> send(std::string text) {
    const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(text), kNoThrow);
    co_return !error;
  }

  awaitable<bool> send_http(std::string body, std::string status = "200 OK") {
    return send("HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  std::string head;  // of the last HTTP request

 private:
  typename Protocol::socket socket_;
  std::string in_;
};

/// Hands each connection to `serve`; it is closed when `serve` returns.
template <class Protocol>
class ScriptedServer {
 public:
  using Serve = std::function<awaitable<void>(Peer<Protocol>&)>;

  ScriptedServer(asio::io_context& context, typename Protocol::endpoint endpoint, Serve serve)
      : acceptor_(context, endpoint), serve_(std::move(serve)) {
    asio::co_spawn(context, accept(), asio::detached);
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  int connections() const { return connections_; }

 private:
  awaitable<void> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(kNoThrow);
      if (error) co_return;
      ++connections_;
      asio::co_spawn(
          acceptor_.get_executor(),
          [this, peer = Peer<Protocol>(std::move(socket))]() mutable -> awaitable<void> {
            co_await serve_(peer);
          },
          asio::detached);
    }
  }

  typename Protocol::acceptor acceptor_;
  Serve serve_;
  int connections_ = 0;
};

}  // namespace sep::node
