#pragma once
// What a strategy wants, checked: the document of `POST /intents` as values with their guarantees.
//
// Invariants of an Intent:
//  1. base and quote are two different tokens of the configured chain.
//  2. 0 < amount <= 2^256-1, in base units of the base token.
//  3. 0 <= max_slippage_wad < 10^18.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/uint256.h"
#include "engine/settings.h"

namespace sep::engine {

enum class IntentType { kAcquire, kDispose };
enum class ExecutionStyle { kPassive, kNormal, kAggressive };
enum class Metric { kMinAmountOut, kMaxAmountIn, kMaxGasUsd, kMaxPriceImpact, kCompleteWithinMs };

/// One success criterion. `value` is in base units of the token received (min_amount_out) or paid
/// (max_amount_in), in USD · 10^18, in ratio · 10^18, or in milliseconds.
struct Criterion {
  Metric metric;
  Uint256 value;
  std::string text;  // as the strategy wrote it
};

/// The longest time_window.
inline constexpr std::int64_t kMaxTimeWindowSeconds = 86'400;

struct Intent {
  std::string strategy_id;
  IntentType type;
  Token base;   // acquired or disposed of
  Token quote;  // pays, or is received
  Uint256 amount;
  Uint256 max_slippage_wad;
  std::int64_t time_window_s = 0;
  ExecutionStyle style = ExecutionStyle::kNormal;
  std::vector<Criterion> criteria;

  const Token& token_in() const { return type == IntentType::kAcquire ? quote : base; }
  const Token& token_out() const { return type == IntentType::kAcquire ? base : quote; }
};

std::string_view to_string(IntentType type);
std::string_view to_string(ExecutionStyle style);
std::string_view to_string(Metric metric);

/// The token of the chain with this address or symbol; nullptr where there is none.
const Token* find_token(const ChainSettings& chain, const Address& address);
const Token* find_token(const ChainSettings& chain, std::string_view symbol);

/// Of any token.
std::string checksum_address(const Token& token);
/// {"symbol", "chain", "address", "decimals"}
json::object asset_json(const Token& token, std::string_view chain_name);

/// Reads an intent document. Every fault is reported, each with its pointer and code: structure
/// (MISSING_FIELD, WRONG_TYPE, INVALID_VALUE) as well as meaning (UNKNOWN_ASSET, SAME_ASSET, INVALID_AMOUNT,
/// TOO_MANY_DECIMALS, AMOUNT_OVERFLOW).
std::expected<Intent, std::vector<Error>> parse_intent(const json::object& document,
                                                       const ChainSettings& chain);
/// Reads a token of a document on the record, as that says. MISSING_FIELD, WRONG_TYPE, INVALID_VALUE,
/// INVALID_EVENT.
Result<Token> token_from_record(const json::object& asset);
/// Reads an intent from the record: its tokens are what the document says, so that what was accepted once is
/// understood whatever is configured later. INVALID_EVENT.
Result<Intent> intent_from_record(const json::object& document);

}  // namespace sep::engine
