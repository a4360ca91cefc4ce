#include "support/tcp_proxy.h"

#include <cstring>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace sep::support {
namespace {

namespace asio = boost::asio;
using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;
using Acceptor = asio::basic_socket_acceptor<Protocol>;
using Error = boost::system::error_code;
template <class T>
using Task = asio::awaitable<T>;
using Mode = TcpProxy::Mode;

Protocol::endpoint endpoint_of(const std::string& address) {
  if (address.starts_with('/')) return asio::local::stream_protocol::endpoint(address);
  const auto colon = address.rfind(':');
  return asio::ip::tcp::endpoint(asio::ip::make_address(address.substr(0, colon)),
                                 static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
}

struct Connection {
  explicit Connection(Socket accepted) : client(std::move(accepted)), server(client.get_executor()) {}
  Socket client, server;
  bool lost = false;  // was half open: what its server says does not arrive any more

  void close() {
    Error ignored;
    for (auto* socket : {&client, &server}) {
      socket->set_option(asio::socket_base::linger(true, 0), ignored);  // a reset, not an orderly end
      socket->close(ignored);
    }
  }
};
using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace

class TcpProxy::Impl {
 public:
  Impl(std::string target, const std::string& listen_at)
      : target_(std::move(target)), acceptor_(context_), changed_(context_) {
    const auto endpoint = endpoint_of(listen_at);
    acceptor_.open(endpoint.protocol());
    acceptor_.bind(endpoint);
    acceptor_.listen();
    address_ = listen_at;
    if (!listen_at.starts_with('/')) {
      const auto bound = acceptor_.local_endpoint();
      asio::ip::tcp::endpoint own;
      own.resize(bound.size());
      std::memcpy(own.data(), bound.data(), bound.size());
      address_ = "127.0.0.1:" + std::to_string(own.port());
    }
    changed_.expires_at(asio::steady_timer::time_point::max());
    asio::co_spawn(context_, accept_loop(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
  }

  ~Impl() {
    context_.stop();
    thread_.join();
  }

  const std::string& address() const { return address_; }

  void set(Mode mode, std::chrono::milliseconds delay) {
    on_thread([this, mode, delay] {
      const auto before = std::exchange(mode_, mode);
      delay_ = delay;
      if (mode == Mode::kHalfOpen)
        for (const auto& connection : connections_) connection->lost = true;
      if (mode == Mode::kRefuse || before == Mode::kHalfOpen) close_all();
      changed_.cancel();
    });
  }

  void cut() {
    on_thread([this] { close_all(); });
  }

 private:
  template <class F>
  void on_thread(F action) {
    std::packaged_task<void()> task(std::move(action));
    auto done = task.get_future();
    asio::post(context_, [&task] { task(); });
    done.get();
  }

  void close_all() {
    for (const auto& connection : connections_) connection->close();
    changed_.cancel();
  }

  Task<void> accept_loop() {
    for (;;) {
      Error error;
      Socket accepted = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error || mode_ == Mode::kRefuse) continue;
      asio::co_spawn(context_, serve(std::make_shared<Connection>(std::move(accepted))), asio::detached);
    }
  }

  Task<void> serve(ConnectionPtr connection) {
    connections_.push_back(connection);
    connection->lost = mode_ == Mode::kHalfOpen;
    co_await passable(*connection, mode_ == Mode::kBlackhole);
    Error error;
    co_await connection->server.async_connect(endpoint_of(target_),
                                              asio::redirect_error(asio::use_awaitable, error));
    if (error) connection->close();
    auto answers = pump(connection, connection->server, connection->client, /*from_server=*/true);
    asio::co_spawn(context_, std::move(answers), asio::detached);
    co_await pump(connection, connection->client, connection->server, /*from_server=*/false);
    std::erase(connections_, connection);
  }

  /// Waits while it is `blocked`, until the mode changes.
  Task<void> passable(const Connection& connection, bool blocked) {
    Error ignored;
    while (blocked && connection.client.is_open()) {
      co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      blocked = mode_ == Mode::kBlackhole;
    }
  }

  Task<void> pump(ConnectionPtr connection, Socket& from, Socket& to, bool from_server) {
    std::vector<char> buffer(64 * 1024);
    Error error;
    while (!error) {
      const auto count = co_await from.async_read_some(asio::buffer(buffer),
                                                       asio::redirect_error(asio::use_awaitable, error));
      // An end is withheld as well: nothing tells the other side.
      co_await passable(*connection, mode_ == Mode::kBlackhole);
      if (mode_ == Mode::kDelay) {
        Error ignored;
        asio::steady_timer timer(context_, delay_);
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      if (from_server && connection->lost) {
        if (error) co_return;
        continue;
      }
      if (!error)
        co_await asio::async_write(to, asio::buffer(buffer, count),
                                   asio::redirect_error(asio::use_awaitable, error));
    }
    connection->close();
  }

  asio::io_context context_{1};
  std::string target_, address_;
  Acceptor acceptor_;
  asio::steady_timer changed_;  // cancelled at each change of mode_
  Mode mode_ = Mode::kPass;
  std::chrono::milliseconds delay_{};
  std::vector<ConnectionPtr> connections_;
  std::thread thread_;
};

TcpProxy::TcpProxy(std::string target) : impl_(std::make_unique<Impl>(std::move(target), "127.0.0.1:0")) {}
TcpProxy::TcpProxy(std::string target, const std::filesystem::path& socket)
    : impl_(std::make_unique<Impl>(std::move(target), socket.string())) {}
TcpProxy::~TcpProxy() = default;

const std::string& TcpProxy::address() const {
  return impl_->address();
}
void TcpProxy::set(Mode mode, std::chrono::milliseconds delay) {
  impl_->set(mode, delay);
}
void TcpProxy::cut() {
  impl_->cut();
}

}  // namespace sep::support
