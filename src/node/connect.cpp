#include "node/connect.h"

#include <boost/asio/ip/address.hpp>
#include <openssl/ssl.h>

namespace sep::node {

awaitable<void> Event::wait(Deadline deadline) {
  asio::steady_timer timer(executor_, deadline);
  const auto place = waiting_.insert(waiting_.end(), &timer);
  const std::shared_ptr<void> leave(nullptr, [&](void*) { waiting_.erase(place); });
  co_await timer.async_wait(kNoThrow);
}

void Event::notify() {
  for (auto* timer : waiting_) timer->cancel();
}

std::unexpected<NodeError> unreachable(const Endpoint& endpoint, const std::string& why) {
  return std::unexpected(
      NodeError{.kind = NodeError::Kind::kUnreachable,
                .message = "the Ethereum node at " + endpoint.name + " is unreachable: " + why,
                .data = nullptr});
}

std::unexpected<NodeError> unknown_outcome(const Endpoint& endpoint, const std::string& why) {
  return std::unexpected(
      NodeError{.kind = NodeError::Kind::kUnknownOutcome,
                .message = "the Ethereum node at " + endpoint.name + " gave no usable answer: " + why,
                .data = nullptr});
}

awaitable<NodeResult<void>> connect_tcp(beast::tcp_stream& stream, const Endpoint& endpoint,
                                        Deadline deadline) {
  using asio::ip::tcp;
  std::vector<tcp::endpoint> addresses;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(endpoint.host, error);
  if (!error) {
    addresses.emplace_back(address, static_cast<std::uint16_t>(std::stoul(endpoint.port)));
  } else {
    tcp::resolver resolver(stream.get_executor());
    auto [resolve_error, found] = co_await resolver.async_resolve(endpoint.host, endpoint.port, kNoThrow);
    if (resolve_error) co_return unreachable(endpoint, resolve_error.message());
    for (const auto& entry : found) addresses.push_back(entry.endpoint());
  }
  stream.expires_at(deadline);
  const auto [connect_error, peer] = co_await stream.async_connect(addresses, kNoThrow);
  if (connect_error) co_return unreachable(endpoint, connect_error.message());
  stream.socket().set_option(tcp::no_delay(true), error);
  co_return NodeResult<void>{};
}

asio::ssl::context client_tls() {
  asio::ssl::context context(asio::ssl::context::tls_client);
  boost::system::error_code ignored;  // without certificates every handshake fails, which says so itself
  context.set_default_verify_paths(ignored);
  context.set_verify_mode(asio::ssl::verify_peer, ignored);
  return context;
}

awaitable<NodeResult<void>> handshake(TlsStream& stream, const Endpoint& endpoint) {
  boost::system::error_code error;
  stream.set_verify_callback(asio::ssl::host_name_verification(endpoint.host), error);
  if (SSL_set_tlsext_host_name(stream.native_handle(), endpoint.host.c_str()) != 1)
    co_return unreachable(endpoint, "the host's name does not fit into TLS");
  const auto [handshake_error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kNoThrow);
  if (handshake_error) co_return unreachable(endpoint, "TLS: " + handshake_error.message());
  co_return NodeResult<void>{};
}

}  // namespace sep::node
