#pragma once
// Reads schema/api/quote_request: what the gateway checks and the planner prices. Pure.
#include <expected>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/intent.h"

namespace sep::services {

/// A quote is the pricing of an intent that nobody submits: this one. Without max_slippage its bound is 0,
/// which is not the request's. Every fault is reported as by engine::parse_intent, with a pointer into the
/// request.
std::expected<engine::Intent, std::vector<Error>> parse_quote_request(const json::object& request,
                                                                      const engine::ChainSettings& chain);

}  // namespace sep::services
