#include "services/node_health.h"

#include <algorithm>
#include <tuple>

#include "services/subjects.h"

namespace sep::services {

json::object to_json(std::string_view service, const node::NodesHealth& health) {
  json::array endpoints;
  for (const auto& endpoint : health.endpoints) {
    json::object one{{"name", endpoint.name},     {"ok", endpoint.ok},
                     {"detail", endpoint.detail}, {"read", endpoint.read},
                     {"submit", endpoint.submit}, {"lag_blocks", endpoint.lag_blocks}};
    if (endpoint.head) one["block_number"] = *endpoint.head;
    endpoints.push_back(std::move(one));
  }
  return {{"service", service},
          {"can_decide", health.can_decide()},
          {"detail", health.detail()},
          {"endpoints", std::move(endpoints)}};
}

NodeHealthReport::NodeHealthReport(std::shared_ptr<bus::Bus> bus, gateway::Metrics& metrics,
                                   std::string service)
    : bus_(std::move(bus)), metrics_(metrics), service_(std::move(service)) {}

void NodeHealthReport::send(const node::NodesHealth& health) {
  const gateway::Metrics::Labels whole{{"service", service_}};
  metrics_.set("sep_node_voters", static_cast<double>(health.voters), whole, "Endpoints whose answers count");
  metrics_.set("sep_node_voters_needed", static_cast<double>(health.needed), whole,
               "Endpoints that must say the same before anything is decided");
  metrics_.add("sep_node_decided_total", whole, static_cast<double>(health.decided - last_.decided),
               "Questions that the endpoints agreed on");
  metrics_.add("sep_node_open_total", whole, static_cast<double>(health.open - last_.open),
               "Questions that stayed open: too few endpoints, or contradicting ones");
  for (std::size_t i = 0; i < health.endpoints.size(); ++i) {
    const auto& endpoint = health.endpoints[i];
    const auto before = i < last_.endpoints.size() ? last_.endpoints[i] : node::EndpointHealth{};
    const gateway::Metrics::Labels labels{{"service", service_}, {"endpoint", endpoint.name}};
    metrics_.set("sep_node_up", endpoint.ok ? 1 : 0, labels, "1 while the endpoint is counted on");
    if (endpoint.head)
      metrics_.set("sep_node_head", static_cast<double>(*endpoint.head), labels,
                   "Block of the endpoint's head");
    metrics_.set("sep_node_lag_blocks", static_cast<double>(endpoint.lag_blocks), labels,
                 "Blocks that the endpoint is behind the others");
    metrics_.add("sep_node_calls_total", labels, static_cast<double>(endpoint.calls - before.calls),
                 "Calls to the endpoint, probes included");
    metrics_.add("sep_node_failures_total", labels, static_cast<double>(endpoint.failures - before.failures),
                 "Calls without an answer of the endpoint's own");
    metrics_.add("sep_node_contradictions_total", labels,
                 static_cast<double>(endpoint.contradictions - before.contradictions),
                 "Answers against what the majority said");
  }
  last_ = health;
  // Not connected: the next ones will do.
  std::ignore = bus_->publish(subject::kNodeHealth, json::serialize(to_json(service_, health)));
}

Status NodeHealthHeard::heard(std::string_view message, Timestamp now) {
  std::erase_if(said_, [&](const auto& entry) { return now.ms - entry.second.at.ms > kForgottenAfterMs; });
  SEP_TRY(const auto value, parse_json(message));
  if (!value.is_object()) return fail(errc::kWrongType, "not an object");
  const auto& object = value.get_object();
  SEP_TRY(const auto service, get_string(object, "service"));
  SEP_TRY(const auto can_decide, get_bool(object, "can_decide"));
  SEP_TRY(const auto detail, get_string(object, "detail"));
  const auto* endpoints = object.if_contains("endpoints");
  if (endpoints == nullptr || !endpoints->is_array()) return fail(errc::kWrongType, "no endpoints");
  for (const auto& endpoint : endpoints->get_array())
    if (!endpoint.is_object() || !endpoint.get_object().contains("name") ||
        !endpoint.get_object().contains("ok"))
      return fail(errc::kWrongType, "not an endpoint");
  if (said_.size() >= kMaxServices && !said_.contains(service)) return fail(errc::kInvalidValue, "too many");
  said_[std::string(service)] = {now, can_decide, std::string(detail), endpoints->get_array()};
  return {};
}

json::array NodeHealthHeard::endpoints(Timestamp now) const {
  json::array merged;
  for (const auto& [service, said] : said_) {
    if (now.ms - said.at.ms > kForgottenAfterMs) continue;
    for (const auto& endpoint : said.endpoints) {
      const auto same = std::ranges::find_if(
          merged, [&](const auto& other) { return other.at("name") == endpoint.at("name"); });
      if (same == merged.end())
        merged.push_back(endpoint);
      else if (same->at("ok") == true)
        *same = endpoint;
    }
  }
  return merged;
}

std::optional<std::string> NodeHealthHeard::undecided(Timestamp now) const {
  for (const auto& [service, said] : said_)
    if (!said.can_decide && now.ms - said.at.ms <= kForgottenAfterMs) return service + ": " + said.detail;
  return std::nullopt;
}

}  // namespace sep::services
