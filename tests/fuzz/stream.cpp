// The client's side of WS /stream: bytes as WebSocket frames through Beast, and the messages in them through
// the hub. The first byte chooses: frames, or messages alone, one a line.
#include "gateway/stream.h"

#include "fuzz/fuzz.h"
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include "gateway/validation.h"

namespace sep {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

/// A record of three events of one intent.
class Record : public gateway::History {
 public:
  Record() {
    for (std::uint64_t n = 1; n <= 3; ++n)
      events_.push_back(
          {n, n, n == 1 ? "intent.submitted" : "exec.started", kCorrelation,
           std::make_shared<const std::string>(R"({"globalSequence":)" + std::to_string(n) + "}")});
  }
  asio::awaitable<Result<std::vector<gateway::StreamEvent>>> range(std::uint64_t from,
                                                                   std::size_t limit) override {
    std::vector<gateway::StreamEvent> page;
    for (const auto& event : events_)
      if (event.global_sequence >= from && page.size() < limit) page.push_back(event);
    co_return page;
  }
  asio::awaitable<Result<std::vector<gateway::StreamEvent>>> history(std::string correlation_id,
                                                                     std::uint64_t from) override {
    std::vector<gateway::StreamEvent> found;
    for (const auto& event : events_)
      if (event.correlation_id == correlation_id && event.sequence >= from) found.push_back(event);
    co_return found;
  }

 private:
  static inline const std::string kCorrelation = "intent-01J5S3Y4PEJHBJ5A7FYHBXQRF0";
  std::vector<gateway::StreamEvent> events_;
};

/// Takes the client's frames: replies keep their schema, nothing follows the close.
asio::awaitable<void> take_all(std::shared_ptr<gateway::StreamClient> client,
                               std::shared_ptr<std::size_t> replies) {
  for (;;) {
    const auto frame = co_await client->next();
    if (!frame.text) co_return;
    const auto message = parse_json(*frame.text).value();
    if (!message.as_object().contains("action")) continue;
    SEP_ASSERT(gateway::validate("api/stream_reply", message).empty());
    ++*replies;
  }
}

struct World {
  World() : hub(gateway::StreamHub::create(io.get_executor(), record, 3)), client(hub->attach()) {
    asio::co_spawn(io, take_all(client, replies), asio::detached);
  }
  ~World() {
    client->detach();
    hub->stop();
    io.poll();
  }
  void settle() {
    io.restart();
    io.poll();
  }

  asio::io_context io{1};
  Record record;
  std::shared_ptr<gateway::StreamHub> hub;
  std::shared_ptr<gateway::StreamClient> client;
  std::shared_ptr<std::size_t> replies = std::make_shared<std::size_t>(0);
};

void messages(std::string_view text) {
  World world;
  while (!text.empty() && !world.client->closing()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto before = *world.replies;
    world.client->receive(text.substr(0, end));
    world.settle();
    // Each message is answered, by a reply or by the end of the connection.
    SEP_ASSERT(*world.replies > before || world.client->closing());
    SEP_ASSERT(world.hub->stats().subscriptions <= world.hub->limits().max_subscriptions);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void frames(ByteView bytes) {
  World world;
  beast::test::stream wire(world.io);
  beast::websocket::stream<beast::test::stream&, false> socket(wire);
  socket.read_message_max(world.hub->limits().max_message_bytes);
  beast::http::request<beast::http::string_body> upgrade(beast::http::verb::get, "/stream", 11);
  upgrade.set(beast::http::field::host, "localhost");
  upgrade.set(beast::http::field::upgrade, "websocket");
  upgrade.set(beast::http::field::connection, "Upgrade");
  upgrade.set(beast::http::field::sec_websocket_version, "13");
  upgrade.set(beast::http::field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  auto peer = beast::test::connect(wire);
  boost::system::error_code error;
  socket.accept(upgrade, error);
  SEP_ASSERT(!error);
  wire.append(fuzz::text_of(bytes));
  peer.close();
  for (;;) {
    beast::flat_buffer message;
    socket.read(message, error);
    if (error) break;
    SEP_ASSERT(message.size() <= world.hub->limits().max_message_bytes);
    if (socket.got_binary())
      world.client->receive_binary();
    else
      world.client->receive(beast::buffers_to_string(message.cdata()));
    world.settle();
    if (world.client->closing()) break;
  }
}

}  // namespace

FUZZ_TARGET(data) {
  fuzz::Take take(data);
  if (take.byte() % 2 == 0)
    messages(fuzz::text_of(take.rest()));
  else
    frames(take.rest());
}

}  // namespace sep
