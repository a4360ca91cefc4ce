#include "services/quote_request.h"

#include <string_view>

namespace sep::services {

std::expected<engine::Intent, std::vector<Error>> parse_quote_request(const json::object& request,
                                                                      const engine::ChainSettings& chain) {
  constexpr std::string_view kConstraints = "/constraints";
  const auto* assets = request.if_contains("assets");
  const auto* slippage = request.if_contains("max_slippage");
  auto intent = engine::parse_intent(
      {{"strategy_id", "quote"},
       {"intent_type", string_or(request, "intent_type")},
       {"assets", assets != nullptr ? *assets : json::array()},
       {"amount", string_or(request, "amount")},
       {"constraints",
        json::object{{"max_slippage", slippage != nullptr ? *slippage : "0"}, {"time_window", 1}}}},
      chain);
  if (intent) return intent;
  for (auto& fault : intent.error())
    if (fault.pointer.starts_with(kConstraints)) fault.pointer.erase(0, kConstraints.size());
  return intent;
}

}  // namespace sep::services
