#include "app/client.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

namespace sep::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

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

asio::awaitable<HttpAnswer> exchange(Target target, http::request<http::string_body> request,
                                     std::chrono::milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  beast::tcp_stream stream(executor);
  stream.expires_after(timeout);
  const auto endpoints = co_await resolver.async_resolve(target.host, target.port, asio::use_awaitable);
  co_await stream.async_connect(endpoints, asio::use_awaitable);
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  constexpr std::uint64_t kLargestAnswer = 256ULL << 20U;
  parser.body_limit(kLargestAnswer);
  if (request.method() == http::verb::head) parser.skip(true);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  auto response = parser.release();
  co_return HttpAnswer{response.result_int(), std::string(response[http::field::content_type]),
                       std::move(response.body())};
}

}  // namespace

Result<HttpAnswer> http_request(const std::string& method, const std::string& url, const std::string& body,
                                const HttpHeaders& headers, std::chrono::milliseconds timeout) {
  SEP_TRY(const auto target, parse_url(url));
  http::request<http::string_body> request(http::string_to_verb(method), target.path, 11);
  request.set(http::field::host, target.host + ":" + target.port);
  request.set(http::field::connection, "close");
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();

  Result<HttpAnswer> result = fail(errc::kInternal, "no answer");
  asio::io_context context(1);
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        try {
          result = co_await exchange(target, std::move(request), timeout);
        } catch (const boost::system::system_error& error) {
          const bool late = error.code() == beast::error::timeout;
          result = fail(late ? errc::kTimeout : errc::kNodeUnreachable,
                        fmt::format("{}:{}: {}", target.host, target.port, error.code().message()));
        }
      },
      asio::detached);
  context.run();
  return result;
}

}  // namespace sep::app
