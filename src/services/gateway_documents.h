#pragma once
// Documents that the gateway makes of what it knows: the account, the settings, the status of every part.
// Pure.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "bus/bus.h"
#include "engine/control.h"
#include "engine/market_state.h"
#include "engine/settings.h"
#include "engine/valuation.h"
#include "gateway/server.h"

namespace sep::services {

/// schema/api/account: values in USD are rounded up to 10^-6. NOT_READY before the account's first state.
Result<json::object> account_json(const engine::MarketState& market, const engine::Valuation& valuation,
                                  const engine::Settings& settings, const engine::Controls& controls,
                                  Timestamp now);

/// schema/api/platform
json::object platform_json(const engine::Settings& settings);

/// The token list of GET /assets; `made_at` is its timestamp.
json::object assets_json(const engine::Settings& settings, Timestamp made_at);

/// blockNumber and blockAgeMs of schema/api/stream_reply's pong; empty before the market's first state.
json::object pong_members(const engine::MarketState& market, Timestamp now);

/// The durable consumers of stream EVENTS that services work from.
const std::vector<std::string>& work_queues();

/// What the parts answered when they were asked, each within its bound.
struct PartAnswers {
  explicit PartAnswers(const Error& silence);

  bool nats_connected = false;
  Result<json::object> head;  // record.query.head
  Status redis;
  std::vector<Result<bus::ConsumerInfo>> queues;  // of work_queues()
  std::uint64_t feed_head = 0;                    // the last globalSequence that the stream passed on
  json::array endpoints;                          // NodeHealthHeard::endpoints()
  std::optional<std::string> undecided;           // NodeHealthHeard::undecided()
};

/// GET /readyz: nats, record, redis and market.
gateway::Readiness readiness_of(const PartAnswers& parts, const engine::MarketState& market,
                                const engine::Settings& settings, Timestamp now);

/// schema/api/status. `services` is Attendance::services().
json::object status_json(const PartAnswers& parts, const engine::MarketState& market,
                         const engine::Valuation& valuation, const engine::Settings& settings,
                         const engine::Controls& controls, json::array services, Timestamp now);

}  // namespace sep::services
