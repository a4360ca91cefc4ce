#include "engine/risk.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/decimal.h"
#include "engine/plan.h"

namespace sep::engine {
namespace {

bool allowed(const Token& token, const RiskSettings& settings) {
  return settings.allowed_tokens.empty() ||
         std::ranges::find(settings.allowed_tokens, token.symbol) != settings.allowed_tokens.end();
}

const RiskCheck* first_failed(const std::vector<RiskCheck>& checks) {
  const auto found = std::ranges::find(checks, false, &RiskCheck::ok);
  return found == checks.end() ? nullptr : &*found;
}

}  // namespace

bool RiskDecision::approved() const {
  return first_failed(checks) == nullptr;
}

std::string_view RiskDecision::reason() const {
  const auto* failed = first_failed(checks);
  return failed == nullptr ? std::string_view{} : failed->reason;
}

std::string RiskDecision::detail() const {
  const auto* failed = first_failed(checks);
  if (failed == nullptr) return {};
  if (!failed->why.empty()) return fmt::format("{} is {}: {}", failed->check, failed->value, failed->why);
  return fmt::format("{} is {}; allowed: {}", failed->check, failed->value, failed->limit);
}

RiskDecision decide_risk(const RiskInput& input, const RiskSettings& settings) {
  const auto& intent = input.intent;
  RiskDecision decision;
  const auto check = [&](std::string_view name, std::string value, std::string limit, bool ok,
                         std::string_view reason, std::string why = {}) {
    decision.checks.push_back({name, std::move(value), std::move(limit), ok, reason, std::move(why)});
  };
  const bool stopped = settings.kill_switch || !input.halted.empty();
  check("kill_switch", (stopped ? "on" : "off") + (input.halted.empty() ? "" : " " + input.halted), "off",
        !stopped, errc::kKillSwitch);
  check("allowed_tokens", fmt::format("{}, {}", intent.base.symbol, intent.quote.symbol),
        settings.allowed_tokens.empty() ? "every configured token"
                                        : fmt::format("{}", fmt::join(settings.allowed_tokens, ", ")),
        allowed(intent.base, settings) && allowed(intent.quote, settings), errc::kTokenNotAllowed);
  check("max_slippage", format_amount(intent.max_slippage_wad, 18),
        format_amount(settings.max_slippage_wad, 18), intent.max_slippage_wad <= settings.max_slippage_wad,
        errc::kSlippageLimit);
  if (input.notional_usd_wad) {
    decision.notional_usd_wad = *input.notional_usd_wad;
    check("notional_usd", format_usd(decision.notional_usd_wad), format_usd(settings.max_notional_usd_wad),
          decision.notional_usd_wad <= settings.max_notional_usd_wad, errc::kNotionalLimit);
  } else {
    const auto& why = input.notional_usd_wad.error();
    check("notional_usd", "unknown", format_usd(settings.max_notional_usd_wad), false, why.code, why.detail);
  }
  const bool few =
      settings.max_open_intents == 0 || input.open_intents.value_or(0) <= settings.max_open_intents;
  check("open_intents", input.open_intents ? std::to_string(*input.open_intents) : "not counted",
        settings.max_open_intents == 0 ? "unlimited" : std::to_string(settings.max_open_intents), few,
        errc::kOpenIntentsLimit);
  return decision;
}

json::array to_json(const std::vector<RiskCheck>& checks) {
  json::array list;
  for (const auto& check : checks)
    list.push_back(json::object{
        {"check", check.check}, {"value", check.value}, {"limit", check.limit}, {"ok", check.ok}});
  return list;
}

}  // namespace sep::engine
