#pragma once
// The risk decision: may this intent be worked on at all? Every check is in the decision with its value and
// its limit, whether it passed or not; the first that failed, in the order below, gives the reason.
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/intent.h"
#include "engine/settings.h"

namespace sep::engine {

struct RiskCheck {
  std::string_view check;
  std::string value;
  std::string limit;
  bool ok = false;
  std::string_view reason;  // the code of a failure
  std::string why{};        // the sentence of one that is no comparison; empty: value and limit say it
};

struct RiskDecision {
  std::vector<RiskCheck> checks;
  Uint256 notional_usd_wad;

  bool approved() const;
  /// Of the first check that failed.
  std::string_view reason() const;
  std::string detail() const;
};

struct RiskInput {
  const Intent& intent;
  Result<Uint256> notional_usd_wad;  // NO_PRICE and STALE_MARKET are no approval
  // Of the strategy, this one included; none where no limit asks for it.
  std::optional<std::uint64_t> open_intents;
  std::string halted{};  // since when, by whom and why all new work is halted; empty: it is not
};

/// Order: kill switch, allowed tokens, slippage, price, notional, open intents.
RiskDecision decide_risk(const RiskInput& input, const RiskSettings& settings);

/// [{check, value, limit, ok}]
json::array to_json(const std::vector<RiskCheck>& checks);

}  // namespace sep::engine
