#include "node/endpoint.h"

#include <boost/url/parse.hpp>
#include <sys/un.h>

namespace sep::node {

std::string Endpoint::authority() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  if (text.empty()) return fail(errc::kConfiguration, "no address of an Ethereum node is configured");
  if (text.find("://") == std::string_view::npos) {
    if (text.size() >= sizeof(sockaddr_un::sun_path))
      return fail(errc::kConfiguration,
                  "the path of the node's unix socket is too long: " + std::string(text));
    endpoint.scheme = Endpoint::Scheme::kIpc;
    endpoint.path = endpoint.name = text;
    return endpoint;
  }
  const auto url = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!url || url->host().empty())
    return fail(errc::kConfiguration, "the address of the Ethereum node is not a URL with a host");
  if (url->has_userinfo())
    return fail(errc::kConfiguration, "a user in the address of the Ethereum node is not supported");
  const std::string scheme = url->scheme();
  if (scheme == "http") {
    endpoint.scheme = Endpoint::Scheme::kHttp;
  } else if (scheme == "https") {
    endpoint.scheme = Endpoint::Scheme::kHttps;
  } else if (scheme == "ws") {
    endpoint.scheme = Endpoint::Scheme::kWs;
  } else if (scheme == "wss") {
    endpoint.scheme = Endpoint::Scheme::kWss;
  } else {
    return fail(errc::kConfiguration,
                "the address of the Ethereum node must begin with http, https, ws or wss");
  }
  endpoint.host = url->host_address();
  endpoint.port = url->has_port() ? std::string(url->port()) : endpoint.tls() ? "443" : "80";
  if (url->has_port() && url->port_number() == 0)
    return fail(errc::kConfiguration, "the port of the Ethereum node must be 1..65535");
  endpoint.target = std::string(url->encoded_path());
  if (endpoint.target.empty()) endpoint.target = "/";
  if (url->has_query()) endpoint.target += "?" + std::string(url->encoded_query());
  endpoint.name = scheme + "://" + endpoint.authority();
  return endpoint;
}

}  // namespace sep::node
