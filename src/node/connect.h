#pragma once
// Making connections. Internal to this folder.
#include <chrono>
#include <list>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "node/endpoint.h"
#include "node/rpc.h"

namespace sep::node {

namespace beast = boost::beast;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using Deadline = std::chrono::steady_clock::time_point;

/// co_await gives a tuple that begins with the error code; nothing throws.
inline constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

/// Wakes coroutines. Those that wait look again at what they wait for, whyever they woke.
class Event {
 public:
  explicit Event(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  awaitable<void> wait(Deadline deadline);
  void notify();

 private:
  asio::any_io_executor executor_;
  std::list<asio::steady_timer*> waiting_;
};

std::unexpected<NodeError> unreachable(const Endpoint& endpoint, const std::string& why);
std::unexpected<NodeError> unknown_outcome(const Endpoint& endpoint, const std::string& why);

/// Connects the TCP layer until `deadline` (resolving names excepted, which the system's resolver bounds).
awaitable<NodeResult<void>> connect_tcp(beast::tcp_stream& stream, const Endpoint& endpoint,
                                        Deadline deadline);
/// Trusts the system's certificates and checks the host's name.
asio::ssl::context client_tls();
awaitable<NodeResult<void>> handshake(TlsStream& stream, const Endpoint& endpoint);

}  // namespace sep::node
