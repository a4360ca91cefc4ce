#include "node/channel.h"

#include <algorithm>
#include <array>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "node/message.h"

namespace sep::node {
namespace {

using boost::system::error_code;

json::parse_options answer_options() {
  json::parse_options options;
  options.max_depth = kMaxAnswerDepth;
  return options;
}

/// Messages follow each other without a frame (geth ends each with a line feed, others do not): the end of
/// each is found by parsing.
class IpcChannel final : public Channel {
 public:
  using Socket = asio::local::stream_protocol::socket;

  IpcChannel(Socket socket, Endpoint endpoint, std::size_t max_answer_bytes)
      : Channel(socket.get_executor(), std::move(endpoint), max_answer_bytes),
        socket_(std::move(socket)),
        parser_({}, answer_options()) {}

 private:
  std::shared_ptr<IpcChannel> self() { return std::static_pointer_cast<IpcChannel>(shared_from_this()); }

  void start_reading() override {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = self()](const error_code& error, std::size_t size) {
                              if (error) return self->die(error.message());
                              self->feed({self->buffer_.data(), size});
                              if (self->alive()) self->start_reading();
                            });
  }

  void feed(std::string_view text) {
    while (!text.empty() && alive()) {
      error_code error;
      const std::size_t used = parser_.write_some(text.data(), text.size(), error);
      size_ += used;
      if (error) return die("not JSON: " + error.message());
      if (size_ > max_answer_bytes_) return die("a message is larger than allowed");
      text.remove_prefix(used);
      if (!parser_.done()) continue;
      auto message = parser_.release();
      parser_.reset();
      size_ = 0;
      receive(std::move(message));
    }
  }

  void start_writing(const std::string& text) override {
    const std::array<asio::const_buffer, 2> line{asio::buffer(text), asio::buffer("\n", 1)};
    asio::async_write(socket_, line,
                      [self = self()](const error_code& error, std::size_t) { self->written(error); });
  }

  void shut() override {
    error_code ignored;
    socket_.close(ignored);
  }

  Socket socket_;
  std::array<char, 64 * 1024> buffer_;
  json::stream_parser parser_;
  std::size_t size_ = 0;  // of the message that is being read
};

// Without the extension for compression, which is never negotiated: its code is a good part of what is
// compiled here.
template <class Stream>
using WebSocket = beast::websocket::stream<Stream, false>;

template <class Stream>
class WsChannel final : public Channel {
 public:
  using Socket = WebSocket<Stream>;

  WsChannel(std::unique_ptr<Socket> socket, Endpoint endpoint, std::size_t max_answer_bytes)
      : Channel(socket->get_executor(), std::move(endpoint), max_answer_bytes), socket_(std::move(socket)) {
    beast::get_lowest_layer(*socket_).expires_never();
    socket_->read_message_max(max_answer_bytes);
    socket_->text(true);
  }

 private:
  std::shared_ptr<WsChannel> self() { return std::static_pointer_cast<WsChannel>(shared_from_this()); }

  void start_reading() override {
    socket_->async_read(buffer_, [self = self()](const error_code& read_error, std::size_t) {
      if (read_error) return self->die(read_error.message());
      const auto data = self->buffer_.cdata();
      error_code error;
      auto message =
          json::parse({static_cast<const char*>(data.data()), data.size()}, error, {}, answer_options());
      if (error) return self->die("not JSON: " + error.message());
      self->buffer_.clear();
      self->receive(std::move(message));
      if (self->alive()) self->start_reading();
    });
  }

  void start_writing(const std::string& text) override {
    socket_->async_write(asio::buffer(text),
                         [self = self()](const error_code& error, std::size_t) { self->written(error); });
  }

  void shut() override { beast::get_lowest_layer(*socket_).close(); }

  std::unique_ptr<Socket> socket_;
  beast::flat_buffer buffer_;
};

awaitable<NodeResult<std::shared_ptr<Channel>>> open_ipc(asio::any_io_executor executor, Endpoint endpoint,
                                                         std::size_t max_answer_bytes) {
  IpcChannel::Socket socket(executor);
  const auto [error] =
      co_await socket.async_connect(asio::local::stream_protocol::endpoint(endpoint.path), kNoThrow);
  if (error) co_return unreachable(endpoint, error.message());
  co_return std::make_shared<IpcChannel>(std::move(socket), std::move(endpoint), max_answer_bytes);
}

template <class Stream>
awaitable<NodeResult<std::shared_ptr<Channel>>> upgrade(std::unique_ptr<WebSocket<Stream>> socket,
                                                        Endpoint endpoint, std::size_t max_answer_bytes) {
  const auto [error] = co_await socket->async_handshake(endpoint.authority(), endpoint.target, kNoThrow);
  if (error) co_return unreachable(endpoint, error.message());
  co_return std::make_shared<WsChannel<Stream>>(std::move(socket), std::move(endpoint), max_answer_bytes);
}

awaitable<NodeResult<std::shared_ptr<Channel>>> open_ws(asio::any_io_executor executor, Endpoint endpoint,
                                                        std::size_t max_answer_bytes, Deadline deadline) {
  if (!endpoint.tls()) {
    auto socket = std::make_unique<WebSocket<beast::tcp_stream>>(executor);
    SEP_CO_CHECK(co_await connect_tcp(socket->next_layer(), endpoint, deadline));
    co_return co_await upgrade(std::move(socket), std::move(endpoint), max_answer_bytes);
  }
  auto tls = client_tls();
  auto socket = std::make_unique<WebSocket<TlsStream>>(executor, tls);
  SEP_CO_CHECK(co_await connect_tcp(beast::get_lowest_layer(*socket), endpoint, deadline));
  SEP_CO_CHECK(co_await handshake(socket->next_layer(), endpoint));
  co_return co_await upgrade(std::move(socket), std::move(endpoint), max_answer_bytes);
}

}  // namespace

awaitable<NodeResult<std::shared_ptr<Channel>>> Channel::open(asio::any_io_executor executor,
                                                              Endpoint endpoint, std::size_t max_answer_bytes,
                                                              Deadline deadline) {
  auto channel = endpoint.scheme == Endpoint::Scheme::kIpc
                     ? co_await open_ipc(executor, std::move(endpoint), max_answer_bytes)
                     : co_await open_ws(executor, std::move(endpoint), max_answer_bytes, deadline);
  if (channel) (*channel)->start_reading();
  co_return channel;
}

Channel::Channel(asio::any_io_executor executor, Endpoint endpoint, std::size_t max_answer_bytes)
    : endpoint_(std::move(endpoint)),
      max_answer_bytes_(max_answer_bytes),
      executor_(executor),
      notified_(executor) {}

awaitable<std::vector<NodeResult<json::value>>> Channel::call(std::vector<RpcCall> calls, Deadline deadline) {
  const auto self = shared_from_this();
  const auto batch = std::make_shared<Batch>(executor_);
  batch->results.resize(calls.size());
  batch->open = calls.size();
  const std::uint64_t first_id = next_id_;
  next_id_ += calls.size();
  if (alive_) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      slots_.emplace(first_id + i, Slot{batch, i});
      outgoing_.push_back({batch, request_text(first_id + i, calls[i].method, calls[i].params)});
    }
    write_next();
  }
  const Forget forget{*this, batch, first_id};
  while (alive_ && batch->open > 0 && std::chrono::steady_clock::now() < deadline)
    co_await batch->done.wait(deadline);

  std::vector<NodeResult<json::value>> results;
  for (auto& result : batch->results)
    results.push_back(result ? std::move(*result) : no_answer(*batch, alive_ ? "timeout" : death_));
  co_return results;
}

Channel::Forget::~Forget() {
  for (std::size_t i = 0; i < batch->results.size(); ++i) channel.slots_.erase(first_id + i);
  auto& outgoing = channel.outgoing_;
  const auto begin = outgoing.begin() + (channel.writing_ ? 1 : 0);  // the socket still reads the first
  outgoing.erase(
      std::remove_if(begin, outgoing.end(), [&](const Outgoing& out) { return out.batch == batch; }),
      outgoing.end());
}

std::unexpected<NodeError> Channel::no_answer(const Batch& batch, const std::string& why) const {
  return batch.sent ? unknown_outcome(endpoint_, why) : unreachable(endpoint_, why);
}

awaitable<NodeResult<std::optional<json::value>>> Channel::notification(Deadline deadline) {
  const auto self = shared_from_this();
  while (alive_ && notifications_.empty() && std::chrono::steady_clock::now() < deadline)
    co_await notified_.wait(deadline);
  if (!notifications_.empty()) {
    auto front = std::move(notifications_.front());
    notifications_.pop_front();
    co_return std::optional(std::move(front));
  }
  if (!alive_) co_return unreachable(endpoint_, death_);
  co_return std::optional<json::value>{};
}

void Channel::receive(json::value message) {
  if (auto* several = message.if_array()) {
    for (auto& one : *several)
      if (alive_) receive_one(std::move(one));
  } else {
    receive_one(std::move(message));
  }
}

void Channel::receive_one(json::value message) {
  auto* object = message.if_object();
  if (object == nullptr) return die("a message is not an object");
  if (object->contains("method")) {
    auto* params = object->at("method") == "eth_subscription" ? object->if_contains("params") : nullptr;
    auto* fields = params != nullptr ? params->if_object() : nullptr;
    auto* result = fields != nullptr ? fields->if_contains("result") : nullptr;
    if (result == nullptr) return die("a notification of another form than a subscription's");
    if (notifications_.size() == kMaxNotifications) notifications_.pop_front();
    notifications_.push_back(std::move(*result));
    notified_.notify();
    return;
  }
  const auto id = id_of(*object);
  if (!id) return die("an answer without one of our ids");
  const auto slot = slots_.find(*id);
  if (slot == slots_.end()) return;  // its caller waits no more
  const auto [batch, index] = slot->second;
  slots_.erase(slot);
  batch->results[index] = result_of(*object);
  if (--batch->open == 0) batch->done.notify();
}

void Channel::write_next() {
  if (writing_ || outgoing_.empty() || !alive_) return;
  writing_ = true;
  outgoing_.front().batch->sent = true;
  start_writing(outgoing_.front().text);
}

void Channel::written(const boost::system::error_code& error) {
  writing_ = false;
  if (!alive_) return;
  if (error) return die(error.message());
  outgoing_.pop_front();
  write_next();
}

void Channel::die(const std::string& why) {
  if (!alive_) return;
  alive_ = false;
  death_ = why;
  shut();
  for (auto& [id, slot] : slots_) slot.batch->done.notify();
  slots_.clear();
  notified_.notify();
}

}  // namespace sep::node
