#pragma once
// The command line's side of the gateway: HTTP requests and the event stream, blocking.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sep::app {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpAnswer {
  unsigned status = 0;
  std::string content_type;
  std::string body;
  HttpHeaders headers{};  // as they came
};

/// One HTTP/1.1 request on a connection of its own. `url` is http://host[:port][/path]; a body is sent as
/// application/json. NOT_READY where nobody takes it, OUTCOME_UNKNOWN where it was given and no answer came
/// in time or whole; any HTTP status is an answer.
Result<HttpAnswer> http_request(const std::string& method, const std::string& url, const std::string& body,
                                const HttpHeaders& headers, std::chrono::milliseconds timeout);

/// The gateway's API. A platform that is busy (429) is asked again when it says, for up to two minutes.
/// Errors are the problem that it answered, every fault on a line of its own; NOT_READY where nobody took the
/// request, OUTCOME_UNKNOWN where it was given and there is no answer, or only that a part of the platform
/// does not answer.
class ApiClient {
 public:
  /// `base_url`: http://host:port
  explicit ApiClient(std::string base_url) : base_url_(std::move(base_url)) {}

  const std::string& base_url() const { return base_url_; }
  Result<json::object> get(const std::string& path) const;
  Result<json::object> post(const std::string& path, const json::object& body,
                            const HttpHeaders& headers = {}) const;

 private:
  Result<json::object> request(const std::string& method, const std::string& path, const std::string& body,
                               const HttpHeaders& headers) const;
  std::string base_url_;
};

/// A subscription of WS /stream that survives lost connections: it continues where it was.
class EventStream {
 public:
  struct Options {
    std::vector<std::string> topics{">"};
    std::string correlation_id{};  // empty: every intent
    std::optional<std::uint64_t>
        from_sequence{};  // the intent's own with correlation_id, else the global one
    std::chrono::milliseconds give_up_after{30'000};  // how long a lost connection is tried again
  };

  /// Connects and subscribes. NOT_READY where nothing answers; the gateway's own error for a bad
  /// subscription.
  static Result<EventStream> open(const std::string& base_url, Options options);
  EventStream(EventStream&&) noexcept;
  EventStream& operator=(EventStream&&) noexcept;
  ~EventStream();

  /// The next event's envelope; nothing where none comes within `timeout`. Fails once a lost connection could
  /// not be made again.
  Result<std::optional<json::object>> next(std::chrono::milliseconds timeout);

 private:
  class Impl;
  explicit EventStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sep::app
