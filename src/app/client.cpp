#include "app/client.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include "app/blocking.h"

namespace sep::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

struct Target {
  std::string host;
  std::string port;
  std::string path;
};

Result<Target> parse_url(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->scheme() != "http" || parsed->host().empty())
    return fail(errc::kInvalidValue, fmt::format("'{}' is not an address of the form http://host:port", url));
  std::string path(parsed->encoded_target());
  return Target{parsed->host_address(), parsed->has_port() ? std::string(parsed->port()) : "80",
                path.empty() ? "/" : path};
}

/// `given` is set once the server may have the request.
asio::awaitable<HttpAnswer> exchange(Target target, http::request<http::string_body> request,
                                     milliseconds timeout, bool& given) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  beast::tcp_stream stream(executor);
  stream.expires_after(timeout);
  const auto endpoints = co_await resolver.async_resolve(target.host, target.port, asio::use_awaitable);
  co_await stream.async_connect(endpoints, asio::use_awaitable);
  given = true;
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  constexpr std::uint64_t kLargestAnswer = 256ULL << 20U;
  parser.body_limit(kLargestAnswer);
  if (request.method() == http::verb::head) parser.skip(true);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  auto response = parser.release();
  HttpAnswer answer{response.result_int(), std::string(response[http::field::content_type]),
                    std::move(response.body())};
  for (const auto& field : response)
    answer.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  co_return answer;
}

}  // namespace

Result<HttpAnswer> http_request(const std::string& method, const std::string& url, const std::string& body,
                                const HttpHeaders& headers, milliseconds timeout) {
  SEP_TRY(const auto target, parse_url(url));
  http::request<http::string_body> request(http::string_to_verb(method), target.path, 11);
  request.set(http::field::host, target.host + ":" + target.port);
  request.set(http::field::connection, "close");
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();

  return run_blocking([&](asio::any_io_executor) -> asio::awaitable<Result<HttpAnswer>> {
    bool given = false;
    try {
      co_return co_await exchange(target, std::move(request), timeout, given);
    } catch (const boost::system::system_error& error) {
      const auto why = error.code() == beast::error::timeout
                           ? fmt::format("no answer within {} ms", timeout.count())
                           : error.code().message();
      co_return fail(given ? errc::kOutcomeUnknown : errc::kNotReady,
                     fmt::format("{}:{}: {}", target.host, target.port, why));
    }
  });
}

// ---- the API ----

namespace {

constexpr milliseconds kApiTimeout{15'000};
/// How long a platform that is busy is asked again; others wait as well, and it says when to come back.
constexpr milliseconds kPatience{120'000};
constexpr unsigned kTooManyRequests = 429;

/// Seconds, as sep says them.
milliseconds retry_after(const HttpAnswer& answer) {
  unsigned seconds = 1;
  for (const auto& [name, value] : answer.headers)
    if (beast::iequals(name, "Retry-After"))
      std::from_chars(value.data(), value.data() + value.size(), seconds);
  return std::chrono::seconds(std::max(1U, seconds));
}

/// A problem document as an Error; each fault of a request on a line of its own.
Error error_of(const json::object& problem, unsigned status) {
  Error error{errc::kInternal, string_or(problem, "detail", fmt::format("HTTP {}", status)), {}};
  const auto code = string_or(problem, "code");
  for (const auto known : errc::kAll)
    if (known == code) error.code = known;
  if (const auto faults = get_array(problem, "errors"))
    for (const auto& fault : *faults)
      if (const auto* object = fault.if_object())
        error.detail +=
            fmt::format("\n  {}: {}", string_or(*object, "pointer"), string_or(*object, "message"));
  return error;
}

/// Of an answer that says no more than that the platform, or what stands before it, is not whole now.
bool leaves_unknown(unsigned status) {
  return status == 502 || status == 503 || status == 504;
}

}  // namespace

Result<json::object> ApiClient::request(const std::string& method, const std::string& path,
                                        const std::string& body, const HttpHeaders& headers) const {
  SEP_TRY(auto answer, http_request(method, base_url_ + path, body, headers, kApiTimeout));
  for (const auto until = Clock::now() + kPatience; answer.status == kTooManyRequests;) {
    const auto delay = retry_after(answer);
    if (Clock::now() + delay > until) break;
    std::this_thread::sleep_for(delay);
    SEP_TRY(answer, http_request(method, base_url_ + path, body, headers, kApiTimeout));
  }
  const auto document = parse_json(answer.body);
  if (!document || !document->is_object())
    return fail(leaves_unknown(answer.status) ? errc::kOutcomeUnknown : errc::kNotReady,
                fmt::format("{} answers, but not as sep does (HTTP {})", base_url_, answer.status));
  if (answer.status < 300) return document->as_object();
  auto error = error_of(document->as_object(), answer.status);
  if (leaves_unknown(answer.status)) error.code = errc::kOutcomeUnknown;
  return fail(std::move(error));
}

Result<json::object> ApiClient::get(const std::string& path) const {
  return request("GET", path, {}, {});
}

Result<json::object> ApiClient::post(const std::string& path, const json::object& body,
                                     const HttpHeaders& headers) const {
  return request("POST", path, json::serialize(body), headers);
}

// ---- the stream ----

class EventStream::Impl {
 public:
  Impl(Target target, Options options) : target_(std::move(target)), options_(std::move(options)) {}

  Status connect() {
    stream_.reset();
    context_.restart();
    context_.poll();  // what the old connection left behind must not be taken for the new one's
    stream_.emplace(context_);
    pending_ = false;
    asio::ip::tcp::resolver resolver(context_);
    boost::system::error_code error;
    const auto endpoints = resolver.resolve(target_.host, target_.port, error);
    if (error) return unreachable(error);
    auto& socket = beast::get_lowest_layer(*stream_);
    SEP_CHECK(
        finish([&](auto done) { socket.async_connect(endpoints, [done](auto code, auto) { done(code); }); }));
    socket.socket().set_option(asio::ip::tcp::no_delay(true));
    SEP_CHECK(finish([&](auto done) {
      stream_->async_handshake(target_.host + ":" + target_.port, "/stream",
                               [done](auto code) { done(code); });
    }));
    stream_->set_option(websocket::stream_base::timeout::suggested(beast::role_type::client));
    stream_->read_message_max(64ULL << 20U);
    stream_->text(true);
    const std::string action = json::serialize(subscription());
    return finish([&](auto done) {
      stream_->async_write(asio::buffer(action), [done](auto code, auto) { done(code); });
    });
  }

  /// The gateway's answer to the subscription, which comes before any event.
  Status confirm() {
    const auto deadline = Clock::now() + kApiTimeout;
    while (!confirmed_) {
      SEP_TRY(auto event, read_until(deadline));
      if (!event && Clock::now() >= deadline) return fail(errc::kTimeout, "the event stream does not answer");
      if (event) return fail(errc::kNotReady, "the event stream sent an event before its answer");
    }
    return {};
  }

  Result<std::optional<json::object>> next(milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (true) {
      auto event = read_until(deadline);
      if (!event) {
        if (refused_) return fail(event.error());
        SEP_CHECK(reconnect());
        continue;
      }
      if (*event) return std::optional(remember(std::move(**event)));
      if (Clock::now() >= deadline) return std::nullopt;
    }
  }

 private:
  json::object subscription() const {
    json::object action{{"action", "subscribe"}, {"topics", json::value_from(options_.topics)}};
    if (!options_.correlation_id.empty()) action["correlationId"] = options_.correlation_id;
    if (options_.from_sequence) action["fromSequence"] = *options_.from_sequence;
    return action;
  }

  /// Runs one operation to its end, at most kApiTimeout.
  template <class Start>
  Status finish(Start start) {
    std::optional<boost::system::error_code> outcome;
    start([&](boost::system::error_code code) { outcome = code; });
    context_.restart();
    context_.run_for(kApiTimeout);
    if (!outcome) {
      beast::get_lowest_layer(*stream_).cancel();
      context_.restart();
      context_.run();
      return fail(errc::kTimeout, fmt::format("{}:{} does not answer", target_.host, target_.port));
    }
    if (*outcome) return unreachable(*outcome);
    return {};
  }

  std::unexpected<Error> unreachable(boost::system::error_code code) const {
    return fail(errc::kNotReady, fmt::format("{}:{}: {}", target_.host, target_.port, code.message()));
  }

  /// One message, if one comes in time; replies to actions are dealt with here.
  Result<std::optional<json::object>> read_until(Clock::time_point deadline) {
    if (!pending_) {
      pending_ = true;
      arrived_.reset();
      stream_->async_read(buffer_, [this](boost::system::error_code code, std::size_t) { arrived_ = code; });
    }
    context_.restart();
    while (!arrived_ && context_.run_one_until(deadline) != 0) {
    }
    if (!arrived_) return std::nullopt;
    pending_ = false;
    if (*arrived_) return unreachable(*arrived_);
    const auto text = beast::buffers_to_string(buffer_.data());
    buffer_.clear();
    SEP_TRY(auto message, parse_json(text));
    if (!message.is_object())
      return fail(errc::kNotReady, "the event stream sent something that is no event");
    const auto action = string_or(message.as_object(), "action");
    if (action.empty()) return std::optional(std::move(message.as_object()));
    if (action == "subscribed") confirmed_ = true;
    if (action == "error") {
      refused_ = !confirmed_;
      return fail(errc::kNotReady, "the event stream says: " + string_or(message.as_object(), "message"));
    }
    return std::nullopt;
  }

  /// A later subscription continues behind this event.
  json::object remember(json::object event) {
    const auto sequence = get_uint(event, options_.correlation_id.empty() ? "globalSequence" : "sequence");
    if (sequence) options_.from_sequence = *sequence + 1;
    return event;
  }

  Status reconnect() {
    const auto give_up = Clock::now() + options_.give_up_after;
    while (true) {
      confirmed_ = false;
      buffer_.clear();
      auto status = connect();
      if (status) status = confirm();
      if (status || refused_ || Clock::now() > give_up) return status;
      context_.restart();
      asio::steady_timer pause(context_, milliseconds(200));
      pause.async_wait([](auto) {});
      context_.run_for(milliseconds(200));
    }
  }

  asio::io_context context_{1};
  Target target_;
  Options options_;
  std::optional<websocket::stream<beast::tcp_stream, false>> stream_;
  beast::flat_buffer buffer_;
  bool pending_ = false;
  bool confirmed_ = false;
  bool refused_ = false;
  std::optional<boost::system::error_code> arrived_;
};

EventStream::EventStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventStream::EventStream(EventStream&&) noexcept = default;
EventStream& EventStream::operator=(EventStream&&) noexcept = default;
EventStream::~EventStream() = default;

Result<EventStream> EventStream::open(const std::string& base_url, Options options) {
  SEP_TRY(auto target, parse_url(base_url));
  auto impl = std::make_unique<Impl>(std::move(target), std::move(options));
  SEP_CHECK(impl->connect());
  SEP_CHECK(impl->confirm());
  return EventStream(std::move(impl));
}

Result<std::optional<json::object>> EventStream::next(milliseconds timeout) {
  return impl_->next(timeout);
}

}  // namespace sep::app
