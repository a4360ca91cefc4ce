#pragma once
// The body of a POST /intents as people send it, and the chain that it is checked against.
#include <string_view>

#include "engine/intent.h"
#include "engine/settings.h"

namespace sep::bench {

inline constexpr std::string_view kIntentBody = R"({
  "strategy_id": "demo",
  "intent_type": "acquire",
  "assets": [
    {"symbol": "WETH", "chain": "ethereum", "address": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "decimals": 18},
    {"symbol": "USDC", "chain": "ethereum", "address": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "decimals": 6}
  ],
  "amount": "1.25",
  "constraints": {"max_slippage": "0.01", "time_window": 300, "execution_style": "aggressive"},
  "success_criteria": [
    {"metric": "max_amount_in", "value": "4000.5"},
    {"metric": "max_gas_usd", "value": "2"}
  ]
})";

inline engine::ChainSettings ethereum() {
  engine::ChainSettings chain;
  chain.name = "ethereum";
  chain.tokens = {
      {"USDC", "USD Coin", parse_address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48").value(), 6, true},
      {"WETH", "Wrapped Ether", parse_address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2").value(), 18,
       false}};
  for (auto& token : chain.tokens) token.checksum_address = to_checksum(token.address);
  return chain;
}

}  // namespace sep::bench
