#include "gateway/gathered_stream.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <gtest/gtest.h>

namespace sep::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

/// A stream and who reads it, over loopback.
class Gathered : public testing::Test {
 protected:
  Gathered() {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    boost::beast::tcp_stream near(io);
    near.socket().connect(acceptor.local_endpoint());
    acceptor.accept(peer);
    stream.emplace(std::move(near));
  }

  void write(std::string_view text) {
    boost::system::error_code error;
    EXPECT_EQ(stream->write_some(asio::buffer(text), error), error ? 0 : text.size());
    failed = error.failed();
  }
  std::string read(std::size_t size) {
    std::string text(size, '\0');
    asio::read(peer, asio::buffer(text));
    return text;
  }
  /// What drained() says; nothing while it waits.
  void drain() {
    asio::co_spawn(
        io, [this]() -> asio::awaitable<void> { drained = co_await stream->drained(); },
        [](std::exception_ptr) {});
  }

  asio::io_context io;
  tcp::socket peer{io};
  std::optional<GatheredStream> stream;
  std::optional<boost::system::error_code> drained;
  bool failed = false;
};

TEST_F(Gathered, WhatIsWrittenInOneTurnGoesOutAtItsEndInOrder) {
  write("one ");
  write("two ");
  write("three");
  EXPECT_EQ(peer.available(), 0);
  io.poll();
  EXPECT_EQ(read(13), "one two three");
}

TEST_F(Gathered, ABusyExecutorSendsAllThatTheSocketTakesInFewTurns) {
  // Asio by itself offers a socket 64 KB a turn.
  const std::string large(1'000'000, 'x');
  stream->next_layer().socket().set_option(asio::socket_base::send_buffer_size(4'000'000));
  peer.set_option(asio::socket_base::receive_buffer_size(4'000'000));
  write(large);
  drain();
  std::size_t turns = 0, got = 0;
  while (!drained && turns < 1'000) {
    turns += io.poll_one();
    got += read(peer.available()).size();
  }
  ASSERT_TRUE(drained);
  EXPECT_FALSE(drained->failed());
  EXPECT_EQ(got + read(large.size() - got).size(), large.size());
  EXPECT_LT(turns, 12);  // 16 pieces of 64 KB would take more
}

TEST_F(Gathered, DrainedWaitsForAPeerThatDoesNotRead) {
  const std::string more_than_buffers_hold(8'000'000, 'x');
  stream->next_layer().socket().set_option(asio::socket_base::send_buffer_size(65'536));
  peer.set_option(asio::socket_base::receive_buffer_size(65'536));
  write(more_than_buffers_hold);
  drain();
  io.run_for(20ms);
  EXPECT_FALSE(drained);
  std::size_t got = 0;
  while (!drained && got < more_than_buffers_hold.size()) {
    got += read(peer.available()).size();
    io.run_one_for(10ms);
  }
  got += read(more_than_buffers_hold.size() - got).size();
  io.run_for(20ms);
  ASSERT_TRUE(drained);
  EXPECT_FALSE(drained->failed());
}

TEST_F(Gathered, AnAsynchronousWriteWaitsForAPeerThatDoesNotRead) {
  stream->next_layer().socket().set_option(asio::socket_base::send_buffer_size(65'536));
  peer.set_option(asio::socket_base::receive_buffer_size(65'536));
  const std::string pong(10'000, 'x');
  std::size_t written = 0;
  const std::function<void(boost::system::error_code, std::size_t)> next =
      [&](boost::system::error_code error, std::size_t size) {
        written += size;
        if (!error) stream->async_write_some(asio::buffer(pong), next);
      };
  next({}, 0);
  io.run_for(100ms);
  EXPECT_LT(written, 1'000'000);
  // It goes on as far as the peer reads, and ends with the connection.
  const auto before = written;
  for (std::size_t got = 0; got < 2'000'000; io.run_for(1ms)) got += read(peer.available()).size();
  EXPECT_GT(written, before + 1'000'000);
  io.run_for(20ms);
  stream->next_layer().close();
  io.run_for(20ms);
  EXPECT_TRUE(io.stopped());
}

TEST_F(Gathered, AfterAnErrorEveryWriteSaysSo) {
  peer.set_option(asio::socket_base::linger(true, 0));  // closes with a reset
  peer.close();
  write("lost");
  drain();
  io.run_for(20ms);
  if (!drained || !drained->failed()) {  // the reset came after the first send
    write("lost too");
    drained.reset();
    drain();
    io.run_for(20ms);
  }
  ASSERT_TRUE(drained);
  EXPECT_TRUE(drained->failed());
  write("refused");
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace sep::gateway
