#pragma once
// Where a node listens. Internal to this folder.
#include <string>
#include <string_view>

#include "base/result.h"

namespace sep::node {

struct Endpoint {
  enum class Scheme { kHttp, kHttps, kWs, kWss, kIpc };
  Scheme scheme = Scheme::kHttp;
  std::string host;    // without the brackets of an IPv6 address
  std::string port;    // decimal
  std::string target;  // path and query: may hold a provider's key
  std::string path;    // of kIpc
  std::string name;    // for messages: without target

  bool duplex() const { return scheme != Scheme::kHttp && scheme != Scheme::kHttps; }
  bool tls() const { return scheme == Scheme::kHttps || scheme == Scheme::kWss; }
  /// The Host header.
  std::string authority() const;
};

/// "http[s]://…", "ws[s]://…" or the path of a unix socket. CONFIGURATION.
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace sep::node
