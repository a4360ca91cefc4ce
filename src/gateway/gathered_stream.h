#pragma once
// Beneath a WebSocket: gathers what is written into memory and sends all of it at once.
//
// A WebSocket's message is a write of its own, and an asynchronous write a turn of the executor: where the
// executor is busy, a client would get one event a turn. Written here synchronously, as many events as wait
// go out in one send.
//
// Invariants
//  1. What is written is sent in order, frames whole, whoever wrote it: Beast's own control frames too.
//  2. Sending begins by itself; drained() tells when all is sent. Bounding what is written is the writer's;
//  of an asynchronous one, Beast, it is done here: it waits while kMostWaiting bytes wait.
//  3. After an error nothing more is sent, and every write says so.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket/teardown.hpp>

namespace sep::gateway {

class GatheredStream {
 public:
  using next_layer_type = boost::beast::tcp_stream;
  using executor_type = next_layer_type::executor_type;

  /// Some hundred pongs: one who pings and reads nothing is not read from until it does.
  static constexpr std::size_t kMostWaiting = 64 * 1024;

  explicit GatheredStream(next_layer_type stream) : state_(std::make_shared<State>(std::move(stream))) {}

  executor_type get_executor() noexcept { return state_->stream.get_executor(); }
  next_layer_type& next_layer() noexcept { return state_->stream; }
  const next_layer_type& next_layer() const noexcept { return state_->stream; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return state_->stream.async_read_some(buffers, std::forward<Token>(token));
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    return state_->stream.read_some(buffers, error);
  }
  // Beast's concept of a synchronous stream wants these two, which throw.
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return state_->stream.read_some(buffers);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    boost::system::error_code error;
    const auto size = write_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return size;
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    error = state_->error;
    return error ? 0 : state_->add(buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    boost::system::error_code error;
    const auto size = write_some(buffers, error);
    // Called once to begin, then by whatever it waited for.
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        [state = state_, size, begun = false](auto& self, boost::system::error_code = {}) mutable {
          const bool first = !std::exchange(begun, true);
          if (state->is_full()) {
            state->room.expires_at(std::chrono::steady_clock::time_point::max());
            state->room.async_wait(std::move(self));
          } else if (first) {
            boost::asio::post(state->stream.get_executor(), std::move(self));
          } else {
            self.complete(state->error, state->error ? 0 : size);
          }
        },
        token, state_->stream);
  }

  /// Returns when all that was written is sent, or cannot be.
  boost::asio::awaitable<boost::system::error_code> drained() {
    const auto state = state_;
    state->send_what_waits();
    while (state->sending && !state->error) {
      state->sent.expires_at(std::chrono::steady_clock::time_point::max());
      co_await state->sent.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    co_return state->error;
  }

 private:
  struct State : std::enable_shared_from_this<State> {
    explicit State(next_layer_type s)
        : stream(std::move(s)), sent(stream.get_executor()), room(stream.get_executor()) {}

    bool is_full() const { return waiting.size() >= kMostWaiting && !error; }

    template <class Buffers>
    std::size_t add(const Buffers& buffers) {
      const auto before = waiting.size();
      for (const auto buffer : boost::beast::buffers_range_ref(buffers))
        waiting.append(static_cast<const char*>(buffer.data()), buffer.size());
      const auto size = waiting.size() - before;
      // What is written until this turn ends goes with it.
      if (!sending && !std::exchange(awaits_its_turn, true))
        boost::asio::post(stream.get_executor(), [self = this->shared_from_this()] {
          self->awaits_its_turn = false;
          self->send_what_waits();
        });
      return size;
    }

    void send_what_waits() {
      if (!sending && !waiting.empty() && !error) send();
    }

    void send() {
      sending = true;
      on_its_way = std::exchange(waiting, {});
      boost::asio::async_write(
          stream, boost::asio::buffer(on_its_way),
          // All that the socket takes in one turn: by itself Asio offers it 64 KB.
          [size = on_its_way.size()](boost::system::error_code result, std::size_t) {
            return result ? std::size_t{0} : size;
          },
          [self = this->shared_from_this()](boost::system::error_code result, std::size_t) {
            self->error = result;
            self->sending = false;
            self->on_its_way = {};  // a client that caught up must not keep megabytes
            self->send_what_waits();
            if (!self->sending) self->sent.cancel();
            if (!self->is_full()) self->room.cancel();
          });
    }

    next_layer_type stream;
    boost::asio::steady_timer sent, room;
    std::string waiting, on_its_way;
    bool awaits_its_turn = false;
    bool sending = false;
    boost::system::error_code error;
  };

  std::shared_ptr<State> state_;
};

/// Of Beast's customisation points: how the connection ends.
inline void teardown(boost::beast::role_type role, GatheredStream& stream, boost::system::error_code& error) {
  using boost::beast::websocket::teardown;
  teardown(role, stream.next_layer(), error);
}
template <class Handler>
void async_teardown(boost::beast::role_type role, GatheredStream& stream, Handler&& handler) {
  using boost::beast::websocket::async_teardown;
  async_teardown(role, stream.next_layer(), std::forward<Handler>(handler));
}

}  // namespace sep::gateway
