#include "gateway/server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <random>
#include <set>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/url.hpp>
#include <openssl/evp.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/ulid.h"
#include "engine/envelope.h"
#include "engine/lifecycle.h"
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
// What is still being written to a WebSocket that is ordered to close has this long.
constexpr milliseconds kCloseTimeout{2000};
constexpr unsigned kMaxPageLimit = 200;

using Request = http::request<http::string_body>;

struct Reply {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

Reply json_reply(unsigned status, const json::value& document) {
  return {status, json::serialize(document), "application/json", {}};
}

Problem invalid_id(std::string_view text) {
  return {400,
          errc::kInvalidId,
          "\"" + std::string(text.substr(0, 64)) + "\" is not a ULID of 26 characters",
          {}};
}

std::string sha256_hex(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return to_hex(digest).substr(2);
}

bool is_strategy_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

// "application/json", with or without parameters.
bool is_json_type(std::string_view content_type) {
  const auto type = content_type.substr(0, content_type.find(';'));
  const auto end = type.find_last_not_of(" \t");
  return end != std::string_view::npos && beast::iequals(type.substr(0, end + 1), "application/json");
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

// A name that a foreign page cannot have made to lead here: an address, localhost, or the name that was
// configured.
bool is_own_host(std::string_view authority, std::string_view configured) {
  const auto host = host_of(authority);
  if (beast::iequals(host, "localhost") || beast::iequals(host, configured) || host.starts_with('['))
    return true;
  boost::system::error_code error;
  asio::ip::make_address(std::string(host), error);
  return !error;
}

// A browser sends Origin with what a page of another site asks for.
bool is_own_origin(std::string_view origin, std::string_view authority) {
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos && beast::iequals(origin.substr(scheme + 3), authority);
}

// One that a pointer of the schema's faults says already, at the field or around it.
bool is_known(const std::vector<Fault>& faults, std::string_view pointer) {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) {
    return pointer.starts_with(fault.pointer) &&
           (pointer.size() == fault.pointer.size() || pointer[fault.pointer.size()] == '/');
  });
}

/// What a handler gets.
struct Call {
  const Request& request;
  std::string id;  // the path's variable segment
  std::vector<std::pair<std::string, std::string>> query;

  std::string_view header(http::field name) const { return std::string_view(request[name]); }
  std::string_view header(std::string_view name) const { return std::string_view(request[name]); }
};

using Handled = asio::awaitable<Answer<Reply>>;

Answer<json::value> body_json(const Call& call) {
  if (!is_json_type(call.header(http::field::content_type)))
    return std::unexpected(
        Problem{415, errc::kUnsupportedMediaType, "the body must be application/json", {}});
  auto document = parse_json(call.request.body());
  if (!document) return std::unexpected(Problem{400, errc::kMalformedJson, document.error().detail, {}});
  return std::move(*document);
}

template <class T>
Answer<Reply> answered(unsigned status, Answer<T> answer) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  return json_reply(status, json::value(std::move(*answer)));
}

/// The calls of SPEC 4: HTTP on one side, the Backend on the other.
class Api {
 public:
  Api(Backend& backend, std::shared_ptr<StreamHub> hub, Metrics& metrics)
      : backend_(backend), hub_(std::move(hub)), metrics_(metrics) {}

  struct Route {
    http::verb verb;
    std::string_view path;  // {id} stands for one segment
    Handled (Api::*handler)(Call);
  };
  static std::span<const Route> routes();

 private:
  Handled index(Call call);
  Handled submit(Call call);
  Handled list(Call call);
  Handled intent(Call call);
  Handled events(Call call);
  Handled cancel(Call call);
  Handled plan(Call call);
  Handled positions(Call call);
  Handled quote(Call call);
  Handled assets(Call call);
  Handled stats(Call call);
  Handled healthz(Call call);
  Handled readyz(Call call);
  Handled metrics(Call call);
  Handled openapi(Call call);
  Handled stream(Call call);

  Answer<json::object> checked_intent(const json::value& document);

  Backend& backend_;
  std::shared_ptr<StreamHub> hub_;
  Metrics& metrics_;
};

std::span<const Api::Route> Api::routes() {
  using enum http::verb;
  static const std::array kRoutes = std::to_array<Route>({
      {get, "/", &Api::index},
      {post, "/intents", &Api::submit},
      {get, "/intents", &Api::list},
      {get, "/intents/{id}", &Api::intent},
      {get, "/intents/{id}/events", &Api::events},
      {post, "/intents/{id}/cancel", &Api::cancel},
      {get, "/plans/{id}", &Api::plan},
      {get, "/strategies/{id}/positions", &Api::positions},
      {post, "/quotes", &Api::quote},
      {get, "/assets", &Api::assets},
      {get, "/stats", &Api::stats},
      {get, "/healthz", &Api::healthz},
      {get, "/readyz", &Api::readyz},
      {get, "/metrics", &Api::metrics},
      {get, "/openapi.json", &Api::openapi},
      {get, "/stream", &Api::stream},
  });
  return kRoutes;
}

Handled Api::index(Call) {
  json::array calls;
  for (const auto& route : routes()) {
    const auto method = route.path == "/stream" ? "WS" : http::to_string(route.verb);
    calls.emplace_back(std::string(method) + " " + std::string(route.path));
  }
  co_return json_reply(200,
                       json::object{{"name", "sep"}, {"description", "/openapi.json"}, {"calls", calls}});
}

Answer<json::object> Api::checked_intent(const json::value& document) {
  const StageTimer timer(metrics_, stage::kValidation);
  auto faults = validate(schema::kIntent, document);
  if (document.is_object()) {
    for (auto& fault : backend_.intent_faults(document.get_object())) {
      if (!is_known(faults, fault.pointer)) faults.push_back(std::move(fault));
    }
  }
  if (!faults.empty()) return std::unexpected(validation_problem(std::move(faults)));
  return document.get_object();
}

Handled Api::submit(Call call) {
  const StageTimer timer(metrics_, stage::kPost);
  std::optional<std::string> key;
  if (call.request.count("Idempotency-Key") > 0) {
    key = std::string(call.header("Idempotency-Key"));
    if (call.request.count("Idempotency-Key") > 1 || key->empty() || key->size() > 128 ||
        !is_visible_ascii(*key))
      co_return std::unexpected(validation_problem({{"/header/Idempotency-Key", errc::kInvalidValue,
                                                     "must be 1 to 128 visible ASCII characters, once"}}));
  }
  const auto document = body_json(call);
  if (!document) co_return std::unexpected(document.error());
  auto intent = checked_intent(*document);
  if (!intent) co_return std::unexpected(std::move(intent.error()));
  auto body_hash = sha256_hex(canonical_json(*document));
  const auto answer =
      co_await backend_.submit_intent(std::move(*intent), std::move(key), std::move(body_hash));
  if (!answer) co_return std::unexpected(answer.error());
  auto reply = json_reply(201, json::object{{"intent_id", answer->intent_id},
                                            {"correlation_id", answer->correlation_id},
                                            {"state", answer->state}});
  reply.headers.emplace_back("Location", "/intents/" + answer->intent_id);
  if (answer->replayed) reply.headers.emplace_back("Idempotent-Replayed", "true");
  co_return reply;
}

Answer<ListQuery> list_query(const Call& call) {
  ListQuery query;
  std::vector<Fault> faults;
  std::set<std::string_view> seen;
  for (const auto& [name, value] : call.query) {
    const auto fault = [&](std::string_view code, std::string message) {
      faults.push_back({"/query/" + name, code, std::move(message)});
    };
    if (!seen.insert(name).second) {
      fault(errc::kInvalidValue, "must be given once");
    } else if (name == "state") {
      query.state = value;
      if (!engine::parse_state(value)) fault(errc::kInvalidValue, "is not a state of an intent");
    } else if (name == "strategy_id") {
      query.strategy_id = value;
      if (!is_strategy_id(value)) fault(errc::kInvalidValue, "is not a strategy's identifier");
    } else if (name == "limit") {
      const auto end = value.data() + value.size();
      const auto read = std::from_chars(value.data(), end, query.limit);
      if (read.ec != std::errc() || read.ptr != end || query.limit < 1 || query.limit > kMaxPageLimit)
        fault(errc::kInvalidValue, "must be from 1 to " + std::to_string(kMaxPageLimit));
    } else if (name == "cursor") {
      query.before_intent_id = value;
      if (!is_ulid(value)) fault(errc::kInvalidCursor, "is not a next_cursor of a page");
    } else {
      fault(errc::kUnknownField, "is not a known parameter");
    }
  }
  if (!faults.empty()) return std::unexpected(validation_problem(std::move(faults)));
  return query;
}

Handled Api::list(Call call) {
  auto query = list_query(call);
  if (!query) co_return std::unexpected(std::move(query.error()));
  auto page = co_await backend_.list(std::move(*query));
  if (!page) co_return std::unexpected(std::move(page.error()));
  json::object document{{"intents", std::move(page->intents)}, {"next_cursor", nullptr}};
  if (page->next_before) document["next_cursor"] = *page->next_before;
  co_return json_reply(200, document);
}

Handled Api::intent(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  co_return answered(200, co_await backend_.intent(std::move(call.id)));
}

Handled Api::events(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  auto events = co_await backend_.events(call.id);
  if (!events) co_return std::unexpected(std::move(events.error()));
  co_return json_reply(200, json::object{{"intent_id", call.id},
                                         {"correlation_id", engine::correlation_of(call.id)},
                                         {"events", std::move(*events)}});
}

Handled Api::cancel(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  co_return answered(202, co_await backend_.cancel(std::move(call.id)));
}

Handled Api::plan(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  co_return answered(200, co_await backend_.plan(std::move(call.id)));
}

Handled Api::positions(Call call) {
  if (!is_strategy_id(call.id))
    co_return std::unexpected(
        Problem{400,
                errc::kInvalidValue,
                "a strategy's identifier is 1 to 64 letters, digits, dots, underscores or hyphens",
                {}});
  co_return answered(200, co_await backend_.positions(std::move(call.id)));
}

Handled Api::quote(Call call) {
  auto document = body_json(call);
  if (!document) co_return std::unexpected(std::move(document.error()));
  auto faults = validate(schema::kQuoteRequest, *document);
  if (!faults.empty()) co_return std::unexpected(validation_problem(std::move(faults)));
  co_return answered(200, co_await backend_.quote(std::move(document->as_object())));
}

Handled Api::assets(Call) {
  co_return json_reply(200, backend_.assets());
}
Handled Api::stats(Call) {
  co_return answered(200, co_await backend_.stats());
}
Handled Api::healthz(Call) {
  co_return json_reply(200, json::object{{"status", "ok"}});
}

Handled Api::readyz(Call) {
  const auto readiness = co_await backend_.readiness();
  co_return json_reply(readiness.ready ? 200 : 503, readiness.document);
}

Handled Api::metrics(Call) {
  const auto stream = hub_->stats();
  metrics_.set("sep_stream_clients", static_cast<double>(stream.clients), {}, "Open WebSocket streams.");
  metrics_.set("sep_stream_subscriptions", static_cast<double>(stream.subscriptions), {},
               "Subscriptions of all streams.");
  metrics_.set("sep_stream_head", static_cast<double>(stream.head), {}, "The last globalSequence passed on.");
  metrics_.set("sep_stream_delivered", static_cast<double>(stream.delivered), {},
               "Events queued for streams since the start.");
  metrics_.set("sep_stream_dropped_clients", static_cast<double>(stream.dropped_clients), {},
               "Slow streams dropped since the start.");
  metrics_.set("sep_stream_gaps_filled", static_cast<double>(stream.gaps_filled), {},
               "Times that the feed skipped events.");
  co_return Reply{200, metrics_.text(), "text/plain; version=0.0.4; charset=utf-8", {}};
}

Handled Api::openapi(Call) {
  co_return Reply{200, std::string(openapi_json()), "application/json", {}};
}

// Upgrades are taken before routing; what comes here asked without one.
Handled Api::stream(Call) {
  co_return std::unexpected(Problem{426, errc::kMalformedRequest, "/stream is a WebSocket", {}});
}

/// "/intents/{id}" against "/intents/01J…": the variable's value (empty without one), or nothing where they
/// differ.
std::optional<std::string> match_path(std::string_view pattern, const boost::urls::url_view& url) {
  std::string id;
  auto segment = url.segments().begin();
  const auto end = url.segments().end();
  for (auto rest = pattern.substr(1); !rest.empty(); ++segment) {
    const auto slash = rest.find('/');
    const auto expected = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (segment == end) return std::nullopt;
    const std::string given = *segment;
    if (expected == "{id}" && !given.empty())
      id = given;
    else if (expected != given)
      return std::nullopt;
  }
  if (segment != end) return std::nullopt;
  return id;
}

class Connection;

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(asio::any_io_executor e, ServerOptions o, Backend& b, std::shared_ptr<StreamHub> h, Metrics& m)
      : executor(std::move(e)),
        options(std::move(o)),
        hub(std::move(h)),
        metrics(m),
        api(b, hub, m),
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
  asio::awaitable<Reply> handle(const Request& request, std::string_view request_id);
  asio::awaitable<Answer<Reply>> routed(const Request& request, std::string_view request_id,
                                        std::string& route_name);
  std::optional<Problem> refused_origin(const Request& request) const;
  std::string request_id(const Request& request);
};

namespace {

Reply problem_reply(const Problem& problem, std::string_view request_id) {
  return {problem.status, json::serialize(to_json(problem, request_id)), "application/problem+json", {}};
}

void set_common_headers(http::fields& fields, std::string_view request_id) {
  fields.set(http::field::server, "sep");
  fields.set("X-Request-Id", request_id);
  fields.set(http::field::cache_control, "no-store");
  fields.set("X-Content-Type-Options", "nosniff");
  fields.set("X-Frame-Options", "DENY");
  fields.set("Referrer-Policy", "no-referrer");
  fields.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
}

/// One peer: its requests one after the other, or its WebSocket.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server::Impl> server, tcp::socket socket)
      : server_(std::move(server)), stream_(std::move(socket)) {
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
  using WebSocket = websocket::stream<beast::tcp_stream>;

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
        !server_->refused_origin(request)) {
      co_await serve_stream(std::move(request), request_id);
      co_return;
    }
    const auto reply = co_await server_->handle(request, request_id);
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
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    problem = {431,
               errc::kMalformedRequest,
               "the header has at most " + std::to_string(server_->options.max_header_bytes) + " bytes",
               {}};
  const auto request_id = server_->request_id(parser.get());
  server_->metrics.add("sep_http_requests_total",
                       {{"route", "none"}, {"status", std::to_string(problem.status)}}, 1,
                       "Answered HTTP requests.");
  if (co_await write(problem_reply(problem, request_id), parser.get(), request_id, false)) co_await linger();
}

asio::awaitable<bool> Connection::write(const Reply& reply, const Request& request,
                                        std::string_view request_id, bool keep_alive) {
  http::response<http::string_body> response;
  response.version(request.version() == 10 ? 10 : 11);
  response.result(reply.status);
  set_common_headers(response, request_id);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.keep_alive(keep_alive);
  if (reply.status != 204) {
    response.set(http::field::content_type, reply.content_type);
    response.content_length(reply.body.size());
  }
  if (request.method() != http::verb::head) response.body() = reply.body;
  stream_.expires_after(server_->options.write_timeout);
  const auto [error, size] = co_await http::async_write(stream_, response, kAwait);
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
  websocket_.emplace(std::move(stream_));
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
  client->on_closing([deadline, self = weak_from_this()] {
    deadline->expires_after(kCloseTimeout);
    deadline->async_wait([self](boost::system::error_code cancelled) {
      if (const auto connection = self.lock(); connection && !cancelled) connection->close();
    });
  });
  asio::co_spawn(
      server_->executor, [self = shared_from_this(), client] { return self->write_stream(client); },
      asio::detached);
  co_await read_stream(*client);
  client->detach();
  deadline->cancel();
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
    const auto frame = co_await client->next();
    if (!frame.text) {
      const websocket::close_reason reason(static_cast<websocket::close_code>(frame.code), frame.reason);
      co_await websocket_->async_close(reason, kAwait);
      co_return;
    }
    const auto [error, size] = co_await websocket_->async_write(asio::buffer(*frame.text), kAwait);
    if (error) co_return close();
  }
}

std::string allowed_methods(const std::set<http::verb>& verbs) {
  std::string text;
  for (const auto verb : verbs) {
    if (!text.empty()) text += ", ";
    text += http::to_string(verb);
  }
  return text;
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
    const bool full = connections.size() >= options.max_connections;
    const auto connection = std::make_shared<Connection>(self, std::move(socket));
    asio::co_spawn(executor, full ? connection->refuse_as_full() : connection->run(), asio::detached);
  }
}

std::string Server::Impl::request_id(const Request& request) {
  const std::string_view given = request["X-Request-Id"];
  if (is_strategy_id(given)) return std::string(given);
  return request_prefix + "-" + std::to_string(++request_count);
}

std::optional<Problem> Server::Impl::refused_origin(const Request& request) const {
  const std::string_view host = request[http::field::host];
  if (host.empty() && request.version() >= 11)
    return Problem{400, errc::kMalformedRequest, "the header Host is missing", {}};
  if (!host.empty() && !is_own_host(host, options.host))
    return Problem{403,
                   errc::kForbiddenOrigin,
                   "\"" + std::string(host.substr(0, 100)) + "\" is not a name of this server",
                   {}};
  const std::string_view origin = request[http::field::origin];
  if (!origin.empty() && !is_own_origin(origin, host))
    return Problem{403, errc::kForbiddenOrigin, "requests of pages of other sites are refused", {}};
  return std::nullopt;
}

asio::awaitable<Answer<Reply>> Server::Impl::routed(const Request& request, std::string_view request_id,
                                                    std::string& route_name) {
  if (auto problem = refused_origin(request)) co_return std::unexpected(std::move(*problem));
  const auto url = boost::urls::parse_origin_form(request.target());
  if (!url)
    co_return std::unexpected(
        Problem{400, errc::kMalformedRequest, "the request's target is not a path", {}});
  const bool head = request.method() == http::verb::head;
  std::set<http::verb> allowed;
  for (const auto& route : Api::routes()) {
    auto id = match_path(route.path, *url);
    if (!id) continue;
    route_name = route.path;
    if (route.verb == request.method() || (head && route.verb == http::verb::get)) {
      Call call{request, std::move(*id), {}};
      for (const auto parameter : url->params()) call.query.emplace_back(parameter.key, parameter.value);
      co_return co_await (api.*route.handler)(std::move(call));
    }
    allowed.insert(route.verb);
    if (route.verb == http::verb::get) allowed.insert(http::verb::head);
  }
  if (allowed.empty())
    co_return std::unexpected(Problem{404, errc::kNotFound, "there is nothing at this path", {}});
  allowed.insert(http::verb::options);
  const auto methods = allowed_methods(allowed);
  Reply reply{204, {}, {}, {}};
  if (request.method() != http::verb::options)
    reply = problem_reply({405, errc::kMethodNotAllowed, "this path answers " + methods, {}}, request_id);
  reply.headers.emplace_back("Allow", methods);
  co_return reply;
}

asio::awaitable<Reply> Server::Impl::handle(const Request& request, std::string_view request_id) {
  std::string route = "none";
  Answer<Reply> answer;
  try {
    answer = co_await routed(request, request_id, route);
  } catch (const std::exception& exception) {
    logger("gateway")->error("{} {} ({}): {}", std::string(request.method_string()), route, request_id,
                             exception.what());
    answer = std::unexpected(
        Problem{500, errc::kInternal, "an error that should not happen; the log has more", {}});
  }
  auto reply = answer ? std::move(*answer) : problem_reply(answer.error(), request_id);
  if (reply.status == 426) reply.headers.emplace_back("Upgrade", "websocket");
  metrics.add("sep_http_requests_total", {{"route", route}, {"status", std::to_string(reply.status)}}, 1,
              "Answered HTTP requests.");
  co_return reply;
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
