#include "engine/intent.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/decimal.h"

namespace sep::engine {
namespace {

constexpr std::array<std::pair<IntentType, std::string_view>, 2> kTypes = {
    {{IntentType::kAcquire, "acquire"}, {IntentType::kDispose, "dispose"}}};
constexpr std::array<std::pair<ExecutionStyle, std::string_view>, 3> kStyles = {
    {{ExecutionStyle::kPassive, "passive"},
     {ExecutionStyle::kNormal, "normal"},
     {ExecutionStyle::kAggressive, "aggressive"}}};
constexpr std::array<std::pair<Metric, std::string_view>, 5> kMetrics = {
    {{Metric::kMinAmountOut, "min_amount_out"},
     {Metric::kMaxAmountIn, "max_amount_in"},
     {Metric::kMaxGasUsd, "max_gas_usd"},
     {Metric::kMaxPriceImpact, "max_price_impact"},
     {Metric::kCompleteWithinMs, "complete_within_ms"}}};

constexpr std::size_t kMaxStrategyIdLength = 64;
constexpr std::size_t kMaxCriteria = 16;
constexpr unsigned kWadDecimals = 18;

template <class Table>
auto find_by_name(const Table& table, std::string_view name) {
  const auto* found = std::ranges::find(table, name, &Table::value_type::second);
  return found == table.end() ? std::nullopt : std::optional(found->first);
}

template <class Table, class Value>
std::string_view name_of(const Table& table, Value value) {
  return std::ranges::find(table, value, &Table::value_type::first)->second;
}

/// Reads the members of a document and gathers the faults. What it gives lies in the document.
class Reader {
 public:
  Reader(const json::object& object, std::string prefix, std::vector<Error>& faults)
      : object_(object), prefix_(std::move(prefix)), faults_(faults) {}

  void fault(std::string_view code, std::string detail, std::string_view pointer) {
    faults_.push_back({code, std::move(detail), prefix_ + std::string(pointer)});
  }

  /// The value, or nullopt with its fault noted: at `pointer`, or else where the error says.
  template <class T>
  std::optional<T> take(Result<T> result, std::string_view pointer = {}) {
    if (result) return std::move(*result);
    const auto& error = result.error();
    fault(error.code, error.detail, pointer.empty() ? error.pointer : pointer);
    return std::nullopt;
  }

  std::optional<std::string_view> text(std::string_view key) { return take(text_at(object_, key)); }
  std::optional<std::int64_t> integer(std::string_view key) { return take(get_int(object_, key)); }
  const json::object* object(std::string_view key) { return take(object_at(object_, key)).value_or(nullptr); }
  const json::array* array(std::string_view key) { return take(array_at(object_, key)).value_or(nullptr); }

  template <class Table>
  auto choice(std::string_view key, const Table& table) {
    using Value = typename Table::value_type::first_type;
    const auto name = text(key);
    if (!name) return std::optional<Value>();
    const auto value = find_by_name(table, *name);
    if (!value) {
      std::string names;
      for (const auto& row : table) names += (names.empty() ? "" : ", ") + std::string(row.second);
      fault(errc::kInvalidValue, fmt::format("\"{}\" must be one of {}", key, names), "/" + std::string(key));
    }
    return value;
  }

  bool has(std::string_view key) const { return object_.contains(key); }

 private:
  const json::object& object_;
  std::string prefix_;
  std::vector<Error>& faults_;
};

/// One that the chain's configuration knows, and as it knows it.
std::optional<Token> read_configured_token(const json::object& asset, const std::string& pointer,
                                           const ChainSettings& chain, std::vector<Error>& faults) {
  Reader reader(asset, pointer, faults);
  const auto symbol = reader.text("symbol");
  const auto chain_name = reader.text("chain");
  const auto address_text = reader.text("address");
  const auto decimals = reader.integer("decimals");
  if (!symbol || !chain_name || !address_text || !decimals) return std::nullopt;
  if (*chain_name != chain.name) {
    reader.fault(errc::kUnknownAsset, fmt::format("chain must be \"{}\"", chain.name), "/chain");
    return std::nullopt;
  }
  const auto address = reader.take(address_from_hex(*address_text), "/address");
  if (!address) return std::nullopt;
  const auto* token = find_token(chain, *address);
  const bool known_right = token != nullptr && token->checksum_address == *address_text;
  if (!known_right && !reader.take(parse_address(*address_text), "/address")) return std::nullopt;
  if (token == nullptr) {
    reader.fault(errc::kUnknownAsset,
                 fmt::format("no token at {} is configured; GET /assets lists them", *address_text),
                 "/address");
    return std::nullopt;
  }
  if (token->symbol != *symbol) {
    reader.fault(errc::kUnknownAsset, fmt::format("the token at this address is {}", token->symbol),
                 "/symbol");
    return std::nullopt;
  }
  if (std::cmp_not_equal(token->decimals, *decimals)) {
    reader.fault(errc::kUnknownAsset, fmt::format("{} has {} decimals", token->symbol, token->decimals),
                 "/decimals");
    return std::nullopt;
  }
  return *token;
}

/// `Intent.type`, `base` and `quote` are known here.
void read_criteria(const json::array& list, Intent& intent, std::vector<Error>& faults) {
  if (list.size() > kMaxCriteria) {
    faults.push_back(
        {errc::kInvalidValue, fmt::format("at most {} criteria", kMaxCriteria), "/success_criteria"});
    return;
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto prefix = fmt::format("/success_criteria/{}", i);
    if (!list[i].is_object()) {
      faults.push_back({errc::kWrongType, "a criterion must be an object", prefix});
      continue;
    }
    Reader reader(list[i].get_object(), prefix, faults);
    const auto metric = reader.choice("metric", kMetrics);
    const auto text = reader.text("value");
    if (!metric || !text) continue;
    const unsigned decimals = *metric == Metric::kMinAmountOut       ? intent.token_out().decimals
                              : *metric == Metric::kMaxAmountIn      ? intent.token_in().decimals
                              : *metric == Metric::kCompleteWithinMs ? 0
                                                                     : kWadDecimals;
    if (auto value = reader.take(parse_decimal(*text, decimals), "/value"))
      intent.criteria.push_back({*metric, *value, std::string(*text)});
  }
}

void read_constraints(const json::object& document, Intent& intent, std::vector<Error>& faults) {
  Reader reader(document, "/constraints", faults);
  if (const auto text = reader.text("max_slippage")) {
    if (const auto wad = reader.take(parse_decimal(*text, kWadDecimals), "/max_slippage")) {
      if (*wad >= kWad)
        reader.fault(errc::kInvalidValue, "max_slippage must be below 1 (0.01 is 1 %)", "/max_slippage");
      intent.max_slippage_wad = *wad;
    }
  }
  if (const auto window = reader.integer("time_window")) {
    if (*window < 1 || *window > kMaxTimeWindowSeconds)
      reader.fault(errc::kInvalidValue,
                   fmt::format("time_window must be 1 to {} seconds", kMaxTimeWindowSeconds), "/time_window");
    intent.time_window_s = *window;
  }
  if (reader.has("execution_style")) {
    if (const auto style = reader.choice("execution_style", kStyles)) intent.style = *style;
  }
}

bool is_strategy_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxStrategyIdLength && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

/// `read_token` gives the token of an asset, or notes its faults, which begin with the pointer that it is
/// given.
template <class ReadToken>
std::expected<Intent, std::vector<Error>> read_intent(const json::object& document,
                                                      const ReadToken& read_token) {
  std::vector<Error> faults;
  Reader reader(document, "", faults);
  Intent intent;
  if (const auto strategy = reader.text("strategy_id")) {
    if (!is_strategy_id(*strategy))
      reader.fault(errc::kInvalidValue, "strategy_id must be 1 to 64 of A-Z a-z 0-9 . _ -", "/strategy_id");
    intent.strategy_id = *strategy;
  }
  const auto type = reader.choice("intent_type", kTypes);
  if (type) intent.type = *type;

  const auto read_asset = [&](const json::value& value, const std::string& pointer) -> std::optional<Token> {
    if (const auto* asset = value.if_object()) return read_token(*asset, pointer, faults);
    faults.push_back({errc::kWrongType, "an asset must be an object", pointer});
    return std::nullopt;
  };
  std::optional<Token> base, quote;
  if (const auto* assets = reader.array("assets")) {
    if (assets->size() != 2) {
      reader.fault(errc::kInvalidValue, "assets must hold two: the base, then the quote", "/assets");
    } else {
      base = read_asset((*assets)[0], "/assets/0");
      quote = read_asset((*assets)[1], "/assets/1");
    }
  }
  if (base && quote && base->address == quote->address)
    reader.fault(errc::kSameAsset, "base and quote are the same token", "/assets/1");
  if (base) intent.base = *base;
  if (quote) intent.quote = *quote;

  if (const auto text = reader.text("amount")) {
    // Without a known base its decimals are not known: 77 digits of fraction are then let through here.
    if (const auto amount = reader.take(parse_amount(*text, base ? base->decimals : 77), "/amount"))
      intent.amount = *amount;
  }
  if (const auto* constraints = reader.object("constraints")) read_constraints(*constraints, intent, faults);
  if (reader.has("success_criteria")) {
    const auto* list = reader.array("success_criteria");
    if (list != nullptr && type && base && quote) read_criteria(*list, intent, faults);
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return intent;
}

}  // namespace

std::string_view to_string(IntentType type) {
  return name_of(kTypes, type);
}
std::string_view to_string(ExecutionStyle style) {
  return name_of(kStyles, style);
}
std::string_view to_string(Metric metric) {
  return name_of(kMetrics, metric);
}

const Token* find_token(const ChainSettings& chain, const Address& address) {
  const auto found = std::ranges::find(chain.tokens, address, &Token::address);
  return found == chain.tokens.end() ? nullptr : &*found;
}

const Token* find_token(const ChainSettings& chain, std::string_view symbol) {
  const auto found = std::ranges::find(chain.tokens, symbol, &Token::symbol);
  return found == chain.tokens.end() ? nullptr : &*found;
}

std::string checksum_address(const Token& token) {
  return token.checksum_address.empty() ? to_checksum(token.address) : token.checksum_address;
}

json::object asset_json(const Token& token, std::string_view chain_name) {
  return {{"symbol", token.symbol},
          {"chain", chain_name},
          {"address", checksum_address(token)},
          {"decimals", token.decimals}};
}

std::expected<Intent, std::vector<Error>> parse_intent(const json::object& document,
                                                       const ChainSettings& chain) {
  return read_intent(document, [&](const auto& asset, const auto& pointer, auto& faults) {
    return read_configured_token(asset, pointer, chain, faults);
  });
}

Result<Token> token_from_record(const json::object& asset) {
  Token token;
  SEP_TRY(token.symbol, get_string(asset, "symbol"));
  SEP_TRY(const auto address, text_at(asset, "address"));
  SEP_TRY(token.address, address_from_hex(address));
  SEP_TRY(const auto decimals, get_uint(asset, "decimals"));
  if (decimals > 255) return fail(errc::kInvalidEvent, "\"decimals\" must be below 256");  // ERC-20: uint8
  token.decimals = static_cast<unsigned>(decimals);
  return token;
}

Result<Intent> intent_from_record(const json::object& document) {
  auto intent = read_intent(document, [](const auto& asset, const auto& pointer, auto& faults) {
    return Reader(asset, pointer, faults).take(token_from_record(asset));
  });
  if (!intent)
    return fail(errc::kInvalidEvent, intent.error().front().detail, intent.error().front().pointer);
  return *std::move(intent);
}

}  // namespace sep::engine
