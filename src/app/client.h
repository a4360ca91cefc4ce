#pragma once
// The command line's side of the gateway: plain HTTP requests and the event stream.
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sep::app {

struct HttpAnswer {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// One HTTP/1.1 request on a connection of its own, blocking. `url` is http://host[:port][/path]; a body is
/// sent as application/json. TIMEOUT, or NODE_UNREACHABLE where nothing answers; any HTTP status is an
/// answer.
Result<HttpAnswer> http_request(const std::string& method, const std::string& url, const std::string& body,
                                const HttpHeaders& headers, std::chrono::milliseconds timeout);

}  // namespace sep::app
