// The gateway over real sockets, with a backend and a record that live in the test.
#include <atomic>
#include <fstream>
#include <future>
#include <random>
#include <sstream>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/decimal.h"
#include "gateway/api.h"
#include "gateway/server.h"
#include "gateway/validation.h"
#include "support/eventually.h"
#include "support/temp_dir.h"

namespace sep::gateway {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const std::string kId = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";

std::string sample(const std::string& path) {
  std::ifstream file(std::string(SEP_SOURCE_DIR) + "/schema/samples/valid/" + path + ".json");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Answers from memory; used on the server's thread only, but for what is atomic.
class FakeBackend : public Backend {
 public:
  explicit FakeBackend(asio::io_context& io) : io_(io) {}

  std::vector<Fault> intent_faults(const json::object& intent) const override {
    std::vector<Fault> faults;
    if (const auto amount = parse_amount(string_or(intent, "amount"), 18); !amount)
      faults.push_back({"/amount", amount.error().code, amount.error().detail});
    if (string_or(intent, "strategy_id") == "unlisted")
      faults.push_back({"/assets/0", errc::kUnknownAsset, "is not a configured token"});
    return faults;
  }

  std::vector<Fault> quote_faults(const json::object& request) const override {
    const auto amount = parse_amount(string_or(request, "amount"), 18);
    return amount ? std::vector<Fault>{}
                  : std::vector<Fault>{{"/amount", amount.error().code, amount.error().detail}};
  }

  asio::awaitable<Answer<SubmitAnswer>> submit_intent(json::object intent, std::optional<std::string> key,
                                                      std::string body_hash) override {
    ++submitted;
    last_key = key;
    last_hash = body_hash;
    if (string_or(intent, "strategy_id") == "slow") co_await pause(200ms);
    if (string_or(intent, "strategy_id") == "broken") throw std::runtime_error("the backend broke");
    if (key == "taken")
      co_return std::unexpected(
          problem_of({errc::kIdempotencyConflict, "the key was used with another body", ""}));
    co_return SubmitAnswer{kId, "intent-" + kId, "submitted", key == "known"};
  }
  asio::awaitable<Answer<Document>> intent(std::string id) override {
    if (id != kId) co_return std::unexpected(problem_of({errc::kNotFound, "there is no such intent", ""}));
    co_return json::parse(sample("views/intent/executing")).as_object();
  }
  asio::awaitable<Answer<IntentPage>> list(ListQuery query) override {
    last_list = query;
    co_return IntentPage{{json::parse(sample("views/intent/executing"))}, kId};
  }
  asio::awaitable<Answer<json::array>> events(std::string) override {
    co_return json::array{json::parse(sample("envelope/committed"))};
  }
  asio::awaitable<Answer<json::object>> cancel(std::string id) override {
    if (id != kId)
      co_return std::unexpected(problem_of({errc::kAlreadyTerminal, "the intent has ended", ""}));
    co_return json::object{{"intent_id", id},
                           {"correlation_id", "intent-" + id},
                           {"state", "executing"},
                           {"cancel_requested", true}};
  }
  asio::awaitable<Answer<Document>> plan(std::string) override {
    co_return json::parse(sample("views/plan/completed")).as_object();
  }
  asio::awaitable<Answer<Document>> positions(std::string id) override {
    co_return json::object{{"strategy_id", id}};
  }
  asio::awaitable<Answer<json::object>> quote(json::object) override {
    co_return std::unexpected(problem_of({errc::kNoRoute, "no pool connects the two assets", ""}));
  }
  asio::awaitable<Answer<StrategyPage>> strategies(std::optional<std::string> after,
                                                   unsigned limit) override {
    last_after = after;
    last_limit = limit;
    co_return StrategyPage{{"alpha", "beta"}, "beta"};
  }
  asio::awaitable<Answer<json::object>> account() override {
    co_return std::unexpected(problem_of({errc::kNotReady, "the account is not known yet", ""}));
  }
  asio::awaitable<Answer<Document>> stats(std::optional<engine::StatsWindow> window) override {
    last_window = window;
    co_return json::object{{"active", 1}};
  }
  asio::awaitable<json::object> status() override { co_return json::object{{"ready", true}}; }
  asio::awaitable<Readiness> readiness() override {
    co_return Readiness{
        ready, {{"ready", ready.load()}, {"dependencies", json::object{{"nats", {{"ok", ready.load()}}}}}}};
  }
  json::object assets() override { return {{"tokens", json::array{}}}; }
  json::object platform() override { return {{"version", "1"}, {"padding", std::string(5000, 'x')}}; }

  std::atomic<int> submitted = 0;
  std::atomic<bool> ready = true;
  std::optional<std::string> last_key;
  std::string last_hash;
  ListQuery last_list;
  std::optional<std::string> last_after;
  unsigned last_limit = 0;
  std::optional<engine::StatsWindow> last_window;

 private:
  asio::awaitable<void> pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(io_, time);
    co_await timer.async_wait(asio::use_awaitable);
  }
  asio::io_context& io_;
};

class MemoryRecord : public History {
 public:
  const StreamEvent& commit(std::size_t padding = 0) {
    const auto global = events.size() + 1;
    auto text =
        json::serialize(json::object{{"globalSequence", global}, {"padding", std::string(padding, '.')}});
    return events.emplace_back(StreamEvent{global, global, "intent.submitted", "intent-" + kId,
                                           std::make_shared<const std::string>(std::move(text))});
  }
  asio::awaitable<Result<std::vector<StreamEvent>>> range(std::uint64_t from, std::size_t limit) override {
    std::vector<StreamEvent> page;
    for (auto at = from; at <= events.size() && page.size() < limit; ++at) page.push_back(events[at - 1]);
    co_return page;
  }
  asio::awaitable<Result<std::vector<StreamEvent>>> history(std::string, std::uint64_t from) override {
    return range(from, events.size());
  }
  std::vector<StreamEvent> events;
};

/// A client that sends bytes as it likes. Blocks, for at most ten seconds.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_(io_) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval timeout{10, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  }

  using Response = http::response<http::string_body>;

  void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }
  Response receive(bool head = false) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(1 << 24);
    parser.skip(head);
    http::read(socket_, buffer_, parser);
    return parser.release();
  }
  Response request(const std::string& method, const std::string& target, const std::string& body = {},
                   const std::string& headers = {}) {
    send(text(method, target, body, headers));
    return receive(method == "HEAD");
  }
  static std::string text(const std::string& method, const std::string& target, const std::string& body = {},
                          const std::string& headers = {}) {
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers;
    if (method == "POST" && headers.find("Content-Type") == std::string::npos)
      text += "Content-Type: application/json\r\n";
    if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
  }
  /// True where the server ends the connection without another byte.
  bool is_closed() {
    char byte = 0;
    boost::system::error_code error;
    asio::read(socket_, asio::buffer(&byte, 1), error);
    return error == asio::error::eof || error == asio::error::connection_reset;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_;
  beast::flat_buffer buffer_;
};

/// A WebSocket client. Blocks, for at most ten seconds.
class StreamPeer {
 public:
  explicit StreamPeer(std::uint16_t port) : socket_(io_) {
    auto& tcp_socket = beast::get_lowest_layer(socket_);
    tcp_socket.connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval timeout{10, 0};
    ::setsockopt(tcp_socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    socket_.handshake("localhost", "/stream");
  }
  void send(const std::string& text) { socket_.write(asio::buffer(text)); }
  void send_binary(const std::string& bytes) {
    socket_.binary(true);
    socket_.write(asio::buffer(bytes));
    socket_.text(true);
  }
  json::object receive() {
    beast::flat_buffer buffer;
    socket_.read(buffer);
    return json::parse(beast::buffers_to_string(buffer.data())).as_object();
  }
  json::object ask(const std::string& text) {
    send(text);
    return receive();
  }
  std::uint64_t receive_event() { return receive().at("globalSequence").to_number<std::uint64_t>(); }
  websocket::close_reason reason() const { return socket_.reason(); }
  void abort() { beast::get_lowest_layer(socket_).close(); }
  void half_close() { beast::get_lowest_layer(socket_).shutdown(tcp::socket::shutdown_send); }
  /// Sends pings and reads nothing, until nothing is taken for a second or `most` bytes were; how many were.
  std::size_t flood(std::size_t most) {
    auto& tcp_socket = beast::get_lowest_layer(socket_);
    const timeval patience{1, 0};
    ::setsockopt(tcp_socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const std::string ping = "\x89\xfd"s + std::string(4, '\0') + std::string(125, 'x');
    std::string pings;
    for (int i = 0; i < 500; ++i) pings += ping;
    std::size_t taken = 0;
    while (taken < most) {
      const auto sent = ::send(tcp_socket.native_handle(), pings.data(), pings.size(), MSG_NOSIGNAL);
      if (sent < 0) break;
      taken += static_cast<std::size_t>(sent);
      // The rest of the frame that was cut is lost: what follows is no frame, and is never looked at.
      if (static_cast<std::size_t>(sent) < pings.size()) break;
    }
    return taken;
  }

 private:
  asio::io_context io_;
  websocket::stream<tcp::socket> socket_;
};

class Gateway : public testing::Test {
 protected:
  ~Gateway() override {
    if (server) stop(1s);
    work.reset();
    io.stop();
    if (thread.joinable()) thread.join();
  }
  void start(ServerOptions options = {}, StreamLimits limits = {}) {
    options.port = 0;
    hub = StreamHub::create(io.get_executor(), record, 0, limits);
    auto listening = Server::listen(io.get_executor(), options, backend, hub, metrics);
    ASSERT_TRUE(listening) << listening.error().detail;
    server = *listening;
    thread = std::thread([this] { io.run(); });
  }
  /// Runs on the server's thread and waits for it.
  template <class Work>
  auto on_server(Work work_item) {
    return asio::post(io, asio::use_future(std::move(work_item))).get();
  }
  void stop(std::chrono::milliseconds grace) {
    asio::co_spawn(io, server->stop(grace), asio::use_future).get();
    server.reset();
  }
  void publish(std::size_t count, std::size_t padding = 0) {
    on_server([&] {
      for (std::size_t i = 0; i < count; ++i) hub->publish(record.commit(padding));
    });
  }
  std::uint16_t port() const { return server->port(); }
  /// Whether a new connection is served, and not refused as one too many.
  bool answers() {
    Peer peer(port());
    return peer.request("GET", "/healthz").result_int() == 200u;
  }

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  FakeBackend backend{io};
  MemoryRecord record;
  Metrics metrics;
  std::shared_ptr<StreamHub> hub;
  std::shared_ptr<Server> server;
  std::thread thread;
};

json::object body_of(const Peer::Response& response) {
  return json::parse(response.body()).as_object();
}

std::vector<std::pair<std::string, std::string>> faults_of(const Peer::Response& response) {
  std::vector<std::pair<std::string, std::string>> faults;
  for (const auto& fault : body_of(response).at("errors").as_array())
    faults.emplace_back(fault.at("pointer").as_string(), fault.at("code").as_string());
  std::sort(faults.begin(), faults.end());
  return faults;
}

// A refusal as SPEC 4 promises it.
void expect_problem(const Peer::Response& response, unsigned status, std::string_view code) {
  EXPECT_EQ(response.result_int(), status) << response.body();
  EXPECT_EQ(response[http::field::content_type], "application/problem+json");
  const auto problem = body_of(response);
  EXPECT_TRUE(validate("api/problem", problem).empty()) << response.body();
  EXPECT_EQ(string_or(problem, "code"), code);
  EXPECT_EQ(problem.at("status"), status);
  EXPECT_EQ(problem.at("instance").as_string(), std::string(response["X-Request-Id"]));
}

TEST_F(Gateway, AnswersEveryCall) {
  start();
  Peer peer(port());
  const auto intent = sample("intent/acquire");
  auto response = peer.request("POST", "/intents", intent);
  EXPECT_EQ(response.result_int(), 201u);
  EXPECT_TRUE(validate("api/submit_answer", body_of(response)).empty()) << response.body();
  EXPECT_EQ(response[http::field::location], "/intents/" + kId);
  response = peer.request("GET", "/intents/" + kId);
  EXPECT_TRUE(validate("views/intent", body_of(response)).empty());
  response = peer.request("GET", "/strategies?limit=2&cursor=alpha");
  EXPECT_TRUE(validate("api/strategy_list", body_of(response)).empty()) << response.body();
  EXPECT_EQ(body_of(response).at("next_cursor"), "beta");
  EXPECT_EQ(backend.last_after, "alpha");
  EXPECT_EQ(backend.last_limit, 2u);
  EXPECT_EQ(body_of(peer.request("GET", "/stats?window=24h")).at("active"), 1);
  EXPECT_EQ(backend.last_window, engine::StatsWindow::k24Hours);
  EXPECT_EQ(body_of(peer.request("GET", "/status")).at("ready"), true);
  EXPECT_EQ(body_of(peer.request("GET", "/platform")).at("version"), "1");
  expect_problem(peer.request("GET", "/account"), 503, errc::kNotReady);
  response = peer.request("GET", "/intents?state=executing&strategy_id=demo&limit=2&cursor=" + kId);
  EXPECT_TRUE(validate("api/intent_page", body_of(response)).empty()) << response.body();
  EXPECT_EQ(backend.last_list.states, std::vector{engine::State::kExecuting});
  EXPECT_EQ(backend.last_list.strategy_id, "demo");
  EXPECT_EQ(backend.last_list.limit, 2u);
  EXPECT_EQ(backend.last_list.before_intent_id, kId);
  response = peer.request("GET", "/intents/" + kId + "/events");
  EXPECT_TRUE(validate("api/event_list", body_of(response)).empty()) << response.body();
  response = peer.request("POST", "/intents/" + kId + "/cancel");
  EXPECT_EQ(response.result_int(), 202u);
  EXPECT_TRUE(validate("api/cancel_answer", body_of(response)).empty());
  EXPECT_TRUE(validate("views/plan", body_of(peer.request("GET", "/plans/" + kId))).empty());
  EXPECT_EQ(body_of(peer.request("GET", "/strategies/my%2Ddesk.1/positions")).at("strategy_id"), "my-desk.1");
  EXPECT_EQ(body_of(peer.request("GET", "/stats")).at("active"), 1);
  EXPECT_EQ(body_of(peer.request("GET", "/healthz")).at("status"), "ok");
  EXPECT_EQ(peer.request("GET", "/readyz").result_int(), 200u);
  backend.ready = false;
  EXPECT_EQ(peer.request("GET", "/readyz").result_int(), 503u);
  EXPECT_EQ(body_of(peer.request("GET", "/openapi.json")).at("openapi"), "3.1.0");
  EXPECT_TRUE(body_of(peer.request("GET", "/assets")).contains("tokens"));
  response = peer.request("GET", "/metrics");
  EXPECT_THAT(response.body(),
              HasSubstr("sep_http_requests_total{route=\"/intents/{id}\",status=\"200\"} 1"));
  EXPECT_THAT(response.body(), HasSubstr("sep_stage_seconds_count{stage=\"validation\"} 1"));
}

TEST(GatewayCalls, AreThoseThatTheDocumentDescribes) {
  std::set<std::string> described;
  for (const auto& [path, item] : json::parse(openapi_json()).at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      if (method == "get") described.insert("GET " + std::string(path));
      if (method == "post") described.insert("POST " + std::string(path));
    }
  }
  const auto submission =
      json::parse(openapi_json()).at_pointer("/paths/~1intents/post/responses").as_object();
  for (const auto* status : {"503", "504"}) EXPECT_TRUE(submission.contains(status)) << status;
  const auto calls = Api::calls();
  EXPECT_EQ(std::set(calls.begin(), calls.end()), described);
}

TEST_F(Gateway, ReportsEveryFaultOfABody) {
  start();
  Peer peer(port());
  expect_problem(peer.request("POST", "/intents", "{\"strategy_id\": "), 400, errc::kMalformedJson);
  expect_problem(peer.request("POST", "/intents", ""), 400, errc::kMalformedJson);
  expect_problem(peer.request("POST", "/intents", R"({"amount": "1", "amount": "2"})"), 400,
                 errc::kMalformedJson);
  expect_problem(peer.request("POST", "/intents", std::string(1000, '[')), 400, errc::kMalformedJson);
  expect_problem(peer.request("POST", "/intents", "[]"), 400, errc::kValidationFailed);

  auto intent = json::parse(sample("intent/acquire")).as_object();
  intent["leverage"] = 3;
  intent["assets"].at(0).as_object().erase("decimals");
  intent["constraints"].as_object()["time_window"] = "300";
  intent["amount"] = "0";
  const auto response = peer.request("POST", "/intents", json::serialize(intent));
  expect_problem(response, 400, errc::kValidationFailed);
  // The last one is the backend's: the schema allows it.
  EXPECT_EQ(faults_of(response),
            (std::vector<std::pair<std::string, std::string>>{{"/amount", "INVALID_AMOUNT"},
                                                              {"/assets/0/decimals", "MISSING_FIELD"},
                                                              {"/constraints/time_window", "WRONG_TYPE"},
                                                              {"/leverage", "UNKNOWN_FIELD"}}));
  // Both know that this is no amount; it is said once.
  intent = json::parse(sample("intent/acquire")).as_object();
  intent["amount"] = "1e5";
  EXPECT_EQ(faults_of(peer.request("POST", "/intents", json::serialize(intent))).size(), 1u);
  EXPECT_EQ(backend.submitted, 0);

  expect_problem(peer.request("POST", "/quotes", "{}"), 400, errc::kValidationFailed);
  expect_problem(peer.request("POST", "/quotes", sample("api/quote_request/acquire")), 422, errc::kNoRoute);
}

TEST_F(Gateway, ChecksIdentifiersAndParameters) {
  start();
  Peer peer(port());
  expect_problem(peer.request("GET", "/intents/42"), 400, errc::kInvalidId);
  expect_problem(peer.request("GET", "/intents/" + kId.substr(0, 25) + "0"), 404, errc::kNotFound);
  expect_problem(peer.request("POST", "/intents/" + kId.substr(0, 25) + "0/cancel"), 409,
                 errc::kAlreadyTerminal);
  expect_problem(peer.request("GET", "/strategies/two%20words/positions"), 400, errc::kInvalidValue);
  const auto response =
      peer.request("GET", "/intents?state=done&limit=0&cursor=x&page=2&limit=5&strategy_id=");
  expect_problem(response, 400, errc::kValidationFailed);
  EXPECT_EQ(faults_of(response),
            (std::vector<std::pair<std::string, std::string>>{{"/query/cursor", "INVALID_CURSOR"},
                                                              {"/query/limit", "INVALID_VALUE"},
                                                              {"/query/limit", "INVALID_VALUE"},
                                                              {"/query/page", "UNKNOWN_FIELD"},
                                                              {"/query/state", "INVALID_VALUE"},
                                                              {"/query/strategy_id", "INVALID_VALUE"}}));
}

TEST_F(Gateway, ListsByStatesTimeAndTransaction) {
  start();
  Peer peer(port());
  EXPECT_EQ(
      peer.request("GET", "/intents?state=planned,executing&since=2016-07-30T23:54:10.259Z").result_int(),
      200u);
  EXPECT_EQ(backend.last_list.states, (std::vector{engine::State::kPlanned, engine::State::kExecuting}));
  // The millisecond of github.com/ulid/spec's example, 01ARZ3NDEKTSV4RRFFQ69G5FAV.
  EXPECT_EQ(backend.last_list.since_intent_id, "01ARZ3NDEK0000000000000000");
  const std::string hash = "0x" + std::string(64, 'a');
  EXPECT_EQ(peer.request("GET", "/intents?tx_hash=" + hash).result_int(), 200u);
  EXPECT_EQ(backend.last_list.tx_hash, hash);

  using Faults = std::vector<std::pair<std::string, std::string>>;
  const auto faults = [&](const std::string& query) {
    const auto response = peer.request("GET", query);
    EXPECT_EQ(response.result_int(), 400u) << query;
    return faults_of(response);
  };
  for (const std::string states :
       {"planned,", ",planned", "", "planned,done", "planned,planned", "planned%20"})
    EXPECT_EQ(faults("/intents?state=" + states), (Faults{{"/query/state", "INVALID_VALUE"}})) << states;
  for (const std::string time :
       {"", "yesterday", "2026-08-21", "2026-02-30T00:00:00.000Z", "2026-08-21T19:26:00Z"})
    EXPECT_EQ(faults("/intents?since=" + time), (Faults{{"/query/since", "INVALID_VALUE"}})) << time;
  for (const std::string& text :
       {std::string("0x"), std::string(64, 'a'), "0x" + std::string(64, 'A'), hash + "0"})
    EXPECT_EQ(faults("/intents?tx_hash=" + text), (Faults{{"/query/tx_hash", "INVALID_VALUE"}})) << text;
  EXPECT_EQ(faults("/intents?limit=5&tx_hash=" + hash), (Faults{{"/query/tx_hash", "INVALID_VALUE"}}));
  EXPECT_EQ(faults("/stats?window=2h"), (Faults{{"/query/window", "INVALID_VALUE"}}));
  EXPECT_EQ(faults("/stats?since=1"), (Faults{{"/query/since", "UNKNOWN_FIELD"}}));
  EXPECT_EQ(faults("/strategies?limit=0&cursor=a%20b&page=1"), (Faults{{"/query/cursor", "INVALID_CURSOR"},
                                                                       {"/query/limit", "INVALID_VALUE"},
                                                                       {"/query/page", "UNKNOWN_FIELD"}}));
}

TEST_F(Gateway, CompressesJsonAndKnowsWhatAClientHas) {
  start();
  Peer peer(port());
  const auto plain = peer.request("GET", "/platform");
  EXPECT_EQ(plain.count(http::field::content_encoding), 0u);
  EXPECT_EQ(plain[http::field::vary], "Accept-Encoding");
  EXPECT_EQ(plain[http::field::cache_control], "no-cache");
  const std::string etag(plain[http::field::etag]);
  ASSERT_THAT(etag, testing::MatchesRegex("\"[0-9a-f]+\""));

  const auto packed = peer.request("GET", "/platform", "", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(packed[http::field::content_encoding], "gzip");
  EXPECT_LT(packed.body().size(), 200u);
  EXPECT_EQ(packed.body().substr(0, 2), "\x1f\x8b");
  const std::string packed_etag(packed[http::field::etag]);
  EXPECT_EQ(packed_etag, etag.substr(0, etag.size() - 1) + "-gzip\"");
  const auto head = peer.request("HEAD", "/platform", "", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(head[http::field::content_length], std::to_string(packed.body().size()));
  EXPECT_EQ(peer.request("GET", "/platform", "", "Accept-Encoding: gzip;q=0\r\n").body(), plain.body());

  auto known = peer.request("GET", "/platform", "", "If-None-Match: W/" + etag + "\r\n");
  EXPECT_EQ(known.result_int(), 304u);
  EXPECT_EQ(known.body(), "");
  EXPECT_EQ(known[http::field::etag], etag);
  EXPECT_EQ(known[http::field::vary], "Accept-Encoding");
  known =
      peer.request("GET", "/platform", "", "Accept-Encoding: gzip\r\nIf-None-Match: " + packed_etag + "\r\n");
  EXPECT_EQ(known.result_int(), 304u);
  EXPECT_EQ(peer.request("GET", "/platform", "", "If-None-Match: " + packed_etag + "\r\n").result_int(),
            200u);
  for (const std::string path : {"/openapi.json", "/assets"}) {
    const std::string tag(peer.request("GET", path)[http::field::etag]);
    ASSERT_FALSE(tag.empty()) << path;
    EXPECT_EQ(peer.request("GET", path, "", "If-None-Match: " + tag + "\r\n").result_int(), 304u) << path;
  }
  // What is small, what changes at any time, and what is no JSON.
  auto response = peer.request("GET", "/stats", "", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(response.count(http::field::content_encoding), 0u);
  EXPECT_EQ(response.count(http::field::etag), 0u);
  EXPECT_EQ(response[http::field::cache_control], "no-store");
  response = peer.request("GET", "/metrics", "", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(response.count(http::field::content_encoding), 0u);
  // A refusal may be long, too.
  std::string faulty;
  for (int i = 0; i < 50; ++i) faulty += "&parameter" + std::to_string(i) + "=1";
  response = peer.request("GET", "/intents?limit=1" + faulty, "", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(response.result_int(), 400u);
  EXPECT_EQ(response[http::field::content_encoding], "gzip");
}

TEST_F(Gateway, RefusesWhatItDoesNotServe) {
  start({.max_header_bytes = 2048});
  Peer peer(port());
  for (const auto* path : {"/nothing", "/intents/", "/intents/a/b/c", "//", "/stream/x"})
    expect_problem(peer.request("GET", path), 404, errc::kNotFound);
  auto response = peer.request("DELETE", "/intents/" + kId);
  expect_problem(response, 405, errc::kMethodNotAllowed);
  EXPECT_EQ(response[http::field::allow], "GET, HEAD, OPTIONS");
  response = peer.request("OPTIONS", "/intents");
  EXPECT_EQ(response.result_int(), 204u);
  EXPECT_THAT(std::string(response[http::field::allow]), HasSubstr("POST"));
  EXPECT_EQ(response.count(http::field::access_control_allow_origin), 0u);
  expect_problem(peer.request("POST", "/intents", sample("intent/acquire"), "Content-Type: text/plain\r\n"),
                 415, errc::kUnsupportedMediaType);
  EXPECT_EQ(peer.request("POST", "/intents", sample("intent/acquire"),
                         "Content-Type: Application/JSON; charset=utf-8\r\n")
                .result_int(),
            201u);
  response = peer.request("GET", "/stream");
  expect_problem(response, 426, errc::kMalformedRequest);
  EXPECT_EQ(response[http::field::upgrade], "websocket");
  response = peer.request("HEAD", "/openapi.json");
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response[http::field::content_length], std::to_string(openapi_json().size()));
  EXPECT_EQ(peer.request("GET", "/healthz").result_int(), 200u);  // the connection is still good

  Peer garbage(port());
  garbage.send("\x16\x03\x01 hello\r\n\r\n");
  expect_problem(garbage.receive(), 400, errc::kMalformedRequest);
  Peer large(port());
  expect_problem(large.request("GET", "/", "", "X-Large: " + std::string(4000, 'x') + "\r\n"), 431,
                 errc::kMalformedRequest);
}

TEST_F(Gateway, ServesThePages) {
  const support::TempDir folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
  };
  const std::string script(100'000, 'x');
  write("index.html", "<p>sep");
  write("404.html", "<p>nothing here");
  write("stats.html", "<p>hidden by the call of this path");
  write("app.js", script);
  const json::object page{{"type", "text/html; charset=utf-8"},
                          {"etag", "\"p\""},
                          {"immutable", false},
                          {"csp", "script-src 'self'"},
                          {"encodings", json::object{}}};
  const json::object asset{
      {"type", "text/javascript"}, {"etag", "\"a\""}, {"immutable", true}, {"encodings", json::object{}}};
  write(
      "pages.json",
      json::serialize(json::object{
          {"files", {{"/index.html", page}, {"/404.html", page}, {"/stats.html", page}, {"/app.js", asset}}},
          {"routes", {{"/", "/index.html"}, {"/stats", "/stats.html"}}}}));
  start({.pages = folder.path()});
  Peer peer(port());
  const std::string browser = "Accept: text/html,*/*;q=0.8\r\n";

  auto response = peer.request("GET", "/", "", browser);
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response.body(), "<p>sep");
  EXPECT_EQ(response[http::field::content_type], "text/html; charset=utf-8");
  EXPECT_EQ(response["Content-Security-Policy"], "script-src 'self'");
  EXPECT_EQ(response.count("Content-Security-Policy"), 1u);
  EXPECT_EQ(response[http::field::cache_control], "no-cache");
  EXPECT_EQ(response["X-Content-Type-Options"], "nosniff");
  EXPECT_EQ(response["Cross-Origin-Opener-Policy"], "same-origin");
  EXPECT_EQ(peer.request("GET", "/").body(), "<p>sep");
  EXPECT_EQ(peer.request("GET", "/?since=1h").body(), "<p>sep");
  EXPECT_TRUE(body_of(peer.request("GET", "/stats", "", browser)).contains("active"));

  response = peer.request("GET", "/app.js");
  EXPECT_EQ(response.body(), script);
  EXPECT_EQ(response[http::field::cache_control], "public, max-age=31536000, immutable");
  EXPECT_EQ(response["Content-Security-Policy"], "default-src 'none'; frame-ancestors 'none'");
  response = peer.request("HEAD", "/app.js");
  EXPECT_EQ(response[http::field::content_length], std::to_string(script.size()));
  response = peer.request("GET", "/app.js", "", "Range: bytes=99999-\r\n");
  EXPECT_EQ(response.result_int(), 206u);
  EXPECT_EQ(response.body(), "x");
  response = peer.request("GET", "/app.js", "", "Range: bytes=100000-\r\n");
  EXPECT_EQ(response.result_int(), 416u);
  EXPECT_EQ(response[http::field::content_length], "0");
  // Both lines make one list.
  response = peer.request("GET", "/app.js", "", "If-None-Match: \"b\"\r\nIf-None-Match: \"a\"\r\n");
  EXPECT_EQ(response.result_int(), 304u);
  EXPECT_EQ(response.count(http::field::content_length), 0u);
  EXPECT_EQ(peer.request("GET", "/app.js/").result_int(), 308u);
  EXPECT_EQ(peer.request("OPTIONS", "/app.js")[http::field::allow], "GET, HEAD, OPTIONS");
  expect_problem(peer.request("POST", "/app.js"), 405, errc::kMethodNotAllowed);

  response = peer.request("GET", "/nowhere", "", browser);
  EXPECT_EQ(response.result_int(), 404u);
  EXPECT_EQ(response.body(), "<p>nothing here");
  expect_problem(peer.request("GET", "/nowhere"), 404, errc::kNotFound);
  expect_problem(peer.request("GET", "/intents/" + kId.substr(0, 25) + "0", "", browser), 404,
                 errc::kNotFound);
  for (const std::string path :
       {"/../404.html", "/%2e%2e/404.html", "/..%2f404.html", "/pages.json", "//app.js"})
    expect_problem(peer.request("GET", path), 404, errc::kNotFound);
  EXPECT_THAT(peer.request("GET", "/metrics").body(),
              HasSubstr("sep_http_requests_total{route=\"page\",status=\"206\"} 1"));
}

TEST_F(Gateway, WithoutPagesTheApiWorks) {
  start({.pages = "/nowhere"});
  Peer peer(port());
  const auto page = peer.request("GET", "/", "", "Accept: text/html\r\n");
  EXPECT_EQ(page.result_int(), 503u);
  EXPECT_EQ(page[http::field::content_type], "text/html; charset=utf-8");
  EXPECT_THAT(page.body(), HasSubstr("make web"));
  expect_problem(peer.request("GET", "/"), 503, errc::kNotReady);
  expect_problem(peer.request("GET", "/submit"), 404, errc::kNotFound);
  EXPECT_EQ(peer.request("GET", "/stats").result_int(), 200u);
}

TEST_F(Gateway, RefusesForeignPages) {
  start();
  Peer peer(port());
  const auto intent = sample("intent/acquire");
  expect_problem(peer.request("POST", "/intents", intent, "Origin: https://evil.example\r\n"), 403,
                 errc::kForbiddenOrigin);
  expect_problem(peer.request("GET", "/stats", "", "Origin: null\r\n"), 403, errc::kForbiddenOrigin);
  EXPECT_EQ(peer.request("POST", "/intents", intent, "Origin: http://localhost\r\n").result_int(), 201u);
  peer.send("GET /stats HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  expect_problem(peer.receive(), 403, errc::kForbiddenOrigin);
  peer.send("GET /stats HTTP/1.1\r\n\r\n");
  expect_problem(peer.receive(), 400, errc::kMalformedRequest);
  for (const std::string host : {"127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"}) {
    peer.send("GET /stats HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_EQ(peer.receive().result_int(), 200u) << host;
  }
  const std::string upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  expect_problem(peer.request("GET", "/stream", "", upgrade + "Origin: https://evil.example\r\n"), 403,
                 errc::kForbiddenOrigin);
}

TEST_F(Gateway, LargeBodiesAreRefusedWithoutBeingRead) {
  start();
  const std::string head = "POST /intents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  Peer announced(port());
  announced.send(head + "Content-Length: 10485760\r\n\r\n");  // nothing of the body is sent
  expect_problem(announced.receive(), 413, errc::kBodyTooLarge);

  Peer sent(port());
  sent.send(head + "Content-Length: 10485760\r\n\r\n" + std::string(10 << 20, 'x'));
  const auto response = sent.receive();
  expect_problem(response, 413, errc::kBodyTooLarge);
  EXPECT_FALSE(response.keep_alive());

  Peer chunked(port());
  chunked.send(head + "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
  for (int i = 0; i < 32; ++i) chunked.send(chunk);
  expect_problem(chunked.receive(), 413, errc::kBodyTooLarge);

  Peer asking(port());
  asking.send(head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(asking.receive().result_int(), 100u);
  asking.send("{}");
  expect_problem(asking.receive(), 400, errc::kValidationFailed);
  EXPECT_EQ(backend.submitted, 0);
}

// What they leave undecided is where the body ends: what follows would be read as another request.
TEST_F(Gateway, TransferEncodingsOtherThanChunkedAreRefused) {
  start();
  for (const std::string value : {"gzip", "identity", "xchunked", "chunked, gzip", "gzip, chunked",
                                  "chunked\r\nTransfer-Encoding: chunked"}) {
    Peer peer(port());
    peer.send(
        "POST /quotes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: " +
        value + "\r\n\r\n" + Peer::text("GET", "/healthz"));
    SCOPED_TRACE(value);
    expect_problem(peer.receive(), 400, errc::kMalformedRequest);
    EXPECT_TRUE(peer.is_closed());
  }
}

// Neither is a part of the header, nor of the body.
TEST_F(Gateway, ChunkExtensionsAndTrailersAreBounded) {
  start();
  const std::string head =
      "POST /quotes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  Peer extension(port());
  extension.send(head + "2;" + std::string(1 << 20, 'a') + "\r\n{}\r\n0\r\n\r\n");
  expect_problem(extension.receive(), 431, errc::kMalformedRequest);

  std::string trailers;
  for (int i = 0; i < 100'000; ++i) trailers += "A: trailer\r\n";
  Peer trailing(port());
  trailing.send(head + "2\r\n{}\r\n0\r\n" + trailers + "\r\n");
  expect_problem(trailing.receive(), 431, errc::kMalformedRequest);

  // The largest request that is allowed, and one behind it in the same piece.
  Peer largest(port());
  const std::string field = "X-Padding: " + std::string(8 * 1024, 'h') + "\r\n";
  largest.send(Peer::text("POST", "/intents", std::string(64 * 1024, ' '), field) +
               Peer::text("GET", "/healthz"));
  expect_problem(largest.receive(), 400, errc::kMalformedJson);
  EXPECT_EQ(largest.receive().result_int(), 200u);
}

TEST_F(Gateway, AnswersPipelinedRequestsInOrder) {
  start();
  Peer peer(port());
  auto slow = json::parse(sample("intent/acquire")).as_object();
  slow["strategy_id"] = "slow";
  peer.send(Peer::text("POST", "/intents", json::serialize(slow), "X-Request-Id: first\r\n") +
            Peer::text("GET", "/healthz", "", "X-Request-Id: second\r\n") +
            Peer::text("GET", "/nothing", "", "X-Request-Id: third\r\n"));
  for (const auto& [id, status] : {std::pair{"first", 201u}, {"second", 200u}, {"third", 404u}}) {
    const auto response = peer.receive();
    EXPECT_EQ(response["X-Request-Id"], id);
    EXPECT_EQ(response.result_int(), status);
  }
  // Byte by byte is as good.
  for (const char c : Peer::text("GET", "/healthz")) peer.send(std::string(1, c));
  EXPECT_EQ(peer.receive().result_int(), 200u);
  peer.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(peer.receive().result_int(), 200u);
  EXPECT_TRUE(peer.is_closed());
}

TEST_F(Gateway, PassesTheIdempotencyKeyAndTheHashOfTheDocument) {
  start();
  Peer peer(port());
  const auto post = [&](const std::string& body, const std::string& key) {
    return peer.request("POST", "/intents", body, "Idempotency-Key: " + key + "\r\n");
  };
  const auto intent = json::parse(sample("intent/acquire")).as_object();
  EXPECT_EQ(post(json::serialize(intent), "order-1").result_int(), 201u);
  EXPECT_EQ(backend.last_key, "order-1");
  const auto hash = backend.last_hash;
  json::object reversed;
  for (auto member = intent.end(); member != intent.begin();) {
    --member;
    reversed[member->key()] = member->value();
  }
  post("  " + json::serialize(reversed) + "\n", "order-1");
  EXPECT_EQ(backend.last_hash, hash);
  auto other = intent;
  other["amount"] = "1.5";
  post(json::serialize(other), "order-1");
  EXPECT_NE(backend.last_hash, hash);
  expect_problem(post(json::serialize(intent), "taken"), 409, errc::kIdempotencyConflict);
  const auto replayed = post(json::serialize(intent), "known");
  EXPECT_EQ(replayed.result_int(), 201u);
  EXPECT_EQ(replayed["Idempotent-Replayed"], "true");
  for (const std::string& key : {""s, "two words"s, std::string(129, 'k'), "caf\xc3\xa9"s})
    EXPECT_EQ(faults_of(post(json::serialize(intent), key)).at(0).first, "/header/Idempotency-Key") << key;
  EXPECT_EQ(post(json::serialize(intent), std::string(128, 'k')).result_int(), 201u);
  other["amount"] = "0";
  EXPECT_THAT(faults_of(post(json::serialize(other), "two words")),
              ElementsAre(Pair("/amount", errc::kInvalidAmount),
                          Pair("/header/Idempotency-Key", errc::kInvalidValue)));
}

TEST_F(Gateway, ReportsEveryFaultOfAQuote) {
  start();
  Peer peer(port());
  auto request = json::parse(sample("intent/acquire")).as_object();
  for (const char* name : {"strategy_id", "constraints", "success_criteria"}) request.erase(name);
  request["amount"] = "0";
  EXPECT_THAT(faults_of(peer.request("POST", "/quotes", json::serialize(request))),
              ElementsAre(Pair("/amount", errc::kInvalidAmount)));
  request["max_slippage"] = "1";
  EXPECT_THAT(faults_of(peer.request("POST", "/quotes", json::serialize(request))),
              ElementsAre(Pair("/amount", errc::kInvalidAmount), Pair("/max_slippage", testing::_)));
  // One at the same place is told once.
  request.erase("amount");
  EXPECT_THAT(faults_of(peer.request("POST", "/quotes", json::serialize(request))),
              ElementsAre(Pair("/amount", errc::kMissingField), Pair("/max_slippage", testing::_)));
}

TEST_F(Gateway, ABrokenBackendIsA500AndNothingMore) {
  start();
  Peer peer(port());
  auto intent = json::parse(sample("intent/acquire")).as_object();
  intent["strategy_id"] = "broken";
  const auto response = peer.request("POST", "/intents", json::serialize(intent));
  expect_problem(response, 500, errc::kInternal);
  EXPECT_EQ(response.body().find("the backend broke"), std::string::npos);
  EXPECT_EQ(peer.request("GET", "/healthz").result_int(), 200u);
}

TEST_F(Gateway, SlowSendersAreCutOff) {
  start({.idle_timeout = 300ms, .request_timeout = 300ms});
  Peer silent(port()), slow(port()), body(port());
  slow.send("GET /healthz HTTP/1.1\r\nHost: ");
  body.send("POST /intents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{");
  const auto started = std::chrono::steady_clock::now();
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(slow.is_closed());
  EXPECT_TRUE(body.is_closed());
  EXPECT_LT(std::chrono::steady_clock::now() - started, 5s);
  // A drop a moment does not keep a request alive.
  Peer dripping(port());
  const auto drip_started = std::chrono::steady_clock::now();
  try {
    while (std::chrono::steady_clock::now() - drip_started < 5s) {
      dripping.send("G");
      std::this_thread::sleep_for(20ms);  // the drip itself
    }
    FAIL() << "the connection stayed open";
  } catch (const boost::system::system_error&) {
    EXPECT_GE(std::chrono::steady_clock::now() - drip_started, 250ms);
  }
  EXPECT_EQ(Peer(port()).request("GET", "/healthz").result_int(), 200u);
}

TEST_F(Gateway, ServesManyClientsAtOnceUpToItsLimit) {
  start({.max_connections = 300});
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 300; ++i) peers.push_back(std::make_unique<Peer>(port()));
  const auto intent = sample("intent/acquire");
  for (int round = 0; round < 3; ++round) {
    for (auto& peer : peers) peer->send(Peer::text("POST", "/intents", intent));
    for (auto& peer : peers) EXPECT_EQ(peer->receive().result_int(), 201u);
  }
  EXPECT_EQ(backend.submitted, 900);
  Peer beyond(port());
  expect_problem(beyond.receive(), 503, errc::kNotReady);
}

TEST_F(Gateway, StopFinishesWhatIsUnderWay) {
  start();
  Peer idle(port()), busy(port());
  StreamPeer stream(port());
  EXPECT_EQ(stream.ask(R"({"action": "ping"})").at("action"), "pong");
  auto slow = json::parse(sample("intent/acquire")).as_object();
  slow["strategy_id"] = "slow";
  busy.send(Peer::text("POST", "/intents", json::serialize(slow)));
  while (backend.submitted == 0) std::this_thread::yield();
  const auto stopped_port = port();
  auto stopping = std::async(std::launch::async, [&] { stop(5s); });
  EXPECT_THROW(stream.receive(), boost::system::system_error);
  EXPECT_EQ(stream.reason().code, 1001);
  EXPECT_EQ(busy.receive().result_int(), 201u);
  EXPECT_TRUE(busy.is_closed());
  EXPECT_TRUE(idle.is_closed());
  stopping.get();
  EXPECT_THROW(Peer{stopped_port}, boost::system::system_error);
}

TEST_F(Gateway, AnAddressInUseIsSaid) {
  start();
  ServerOptions options;
  options.port = port();
  const auto second = Server::listen(io.get_executor(), options, backend, hub, metrics);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::kConfiguration);
  EXPECT_THAT(second.error().detail, HasSubstr(std::to_string(port())));
}

// --- stream

TEST_F(Gateway, TheStreamSurvivesGarbage) {
  start();
  StreamPeer peer(port());
  EXPECT_EQ(string_or(peer.ask("garbage"), "code"), errc::kMalformedJson);
  EXPECT_EQ(string_or(peer.ask(R"({"action": "fly"})"), "code"), errc::kInvalidAction);
  EXPECT_EQ(string_or(peer.ask(R"({"action": "subscribe", "topics": ["a..b"]})"), "code"),
            errc::kValidationFailed);
  peer.send_binary(std::string("\x00\x01\x02", 3));
  EXPECT_EQ(string_or(peer.receive(), "code"), errc::kInvalidAction);
  EXPECT_EQ(string_or(peer.ask(std::string(200 * 1024, 'x')), "code"), errc::kBodyTooLarge);
  EXPECT_EQ(peer.ask(R"({"action": "subscribe", "topics": [">"]})").at("action"), "subscribed");
  publish(2);
  EXPECT_EQ(peer.receive_event(), 1u);
  EXPECT_EQ(peer.receive_event(), 2u);
  EXPECT_EQ(peer.ask(R"({"action": "ping"})").at("action"), "pong");
}

TEST_F(Gateway, ASlowReaderIsDroppedWhileAnotherReceives) {
  start({}, {.max_queue_bytes = 256 * 1024});
  StreamPeer quick(port()), slow(port());
  for (auto* peer : {&quick, &slow}) peer->ask(R"({"action": "subscribe", "topics": [">"]})");
  std::uint64_t received = 0;
  // The kernel holds some megabytes for the slow one before its queue begins to fill.
  while (on_server([&] { return hub->stats().dropped_clients; }) == 0 && received < 4000) {
    publish(10, 8 * 1024);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(quick.receive_event(), ++received);
  }
  publish(1);
  EXPECT_EQ(quick.receive_event(), received + 1);
  EXPECT_EQ(on_server([&] { return hub->stats().dropped_clients; }), 1u);
  // What was on its way arrives in order, then the reason, if there was still time for it, and the end.
  std::uint64_t last = 0;
  bool told = false;
  try {
    while (true) {
      const auto message = slow.receive();
      if (message.contains("code"))
        told = string_or(message, "code") == errc::kSlowConsumer;
      else
        ASSERT_EQ(message.at("globalSequence"), ++last);
    }
  } catch (const boost::system::system_error&) {
  }
  EXPECT_LT(last, received);
  EXPECT_TRUE(told);
  EXPECT_EQ(slow.reason().code, 1008);
}

TEST_F(Gateway, PingsOfOneWhoReadsNothingAreNotTakenForEver) {
  start({.max_connections = 1, .stream_idle_timeout = 2s});
  constexpr std::size_t kMoreThanSocketsHold = 64 << 20;
  StreamPeer peer(port());
  EXPECT_LT(peer.flood(kMoreThanSocketsHold), kMoreThanSocketsHold);
  // That it sent much does not keep it.
  EXPECT_TRUE(support::eventually([&] { return answers(); }, 10s));
}

TEST_F(Gateway, AStreamThatIsHalfClosedAndReadsNothingEnds) {
  start({.max_connections = 1}, {.max_queue_bytes = 64 << 20});
  StreamPeer peer(port());
  peer.ask(R"({"action": "subscribe", "topics": [">"]})");
  publish(500, 64 * 1024);  // more than the sockets hold
  peer.half_close();
  EXPECT_TRUE(support::eventually([&] { return answers(); }, 10s));
}

// Clients come and go at random while events are published; each resumes after the last event that it saw.
TEST_F(Gateway, ResumesWithoutGapOrRepeatWhileEventsComeIn) {
  start({}, {.recent_events = 64, .page_events = 50});
  constexpr std::uint64_t kEvents = 3000;
  std::atomic<bool> go_on = true;
  std::thread feeder([&] {
    for (std::uint64_t i = 0; i < kEvents && go_on; ++i) publish(1, 100);
  });
  std::vector<std::future<std::size_t>> clients;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    clients.push_back(std::async(std::launch::async, [&, seed] {
      std::mt19937 random(seed);
      std::uint64_t last = 0;
      std::size_t connections = 0;
      while (last < kEvents) {
        StreamPeer peer(port());
        ++connections;
        const json::object action{
            {"action", "subscribe"}, {"topics", {"intent.*"}}, {"fromSequence", last + 1}};
        if (peer.ask(json::serialize(action)).at("action") != "subscribed") return std::size_t{0};
        const auto cut = last + 1 + random() % 400;
        while (last < std::min<std::uint64_t>(cut, kEvents)) {
          const auto next = peer.receive_event();
          if (next != last + 1) {
            ADD_FAILURE() << "after " << last << " came " << next;
            return std::size_t{0};
          }
          last = next;
        }
        if (random() % 2 == 0) peer.abort();
      }
      return connections;
    }));
  }
  for (auto& client : clients) EXPECT_GT(client.get(), 5u);
  go_on = false;
  feeder.join();
}

}  // namespace
}  // namespace sep::gateway
