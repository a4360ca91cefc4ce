#pragma once
// How the endpoints of the node are: each service that has some says it once a second, to Prometheus and on
// subject::kNodeHealth, and the gateway keeps what it heard for /status and /readyz.
//
// Entry points: NodeHealthReport for a service with a node::Nodes; NodeHealthHeard for a listener.
// Invariants of a NodeHealthHeard
//  1. Its memory is bounded: kMaxServices, and nothing that was silent for kForgottenAfterMs.
//  2. An endpoint is well where every service that has it says so.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "bus/bus.h"
#include "gateway/metrics.h"
#include "node/nodes.h"

namespace sep::services {

/// {"service", "detail", "can_decide", "endpoints": [as in schema/api/status]}
json::object to_json(std::string_view service, const node::NodesHealth& health);

class NodeHealthReport {
 public:
  NodeHealthReport(std::shared_ptr<bus::Bus> bus, gateway::Metrics& metrics, std::string service);
  void send(const node::NodesHealth& health);

 private:
  std::shared_ptr<bus::Bus> bus_;
  gateway::Metrics& metrics_;
  const std::string service_;
  node::NodesHealth last_;  // as sent: counters go out as what was added since
};

class NodeHealthHeard {
 public:
  static constexpr std::int64_t kForgottenAfterMs = 10'000;
  static constexpr std::size_t kMaxServices = 16;

  /// MALFORMED_JSON, MISSING_FIELD, WRONG_TYPE: nothing changes.
  Status heard(std::string_view message, Timestamp now);
  /// `endpoints` of schema/api/status, in the order of the configuration.
  json::array endpoints(Timestamp now) const;
  /// Why one of the services decides nothing; none while all can.
  std::optional<std::string> undecided(Timestamp now) const;

 private:
  struct Said {
    Timestamp at;
    bool can_decide = true;
    std::string detail;
    json::array endpoints;
  };
  std::map<std::string, Said, std::less<>> said_;
};

}  // namespace sep::services
