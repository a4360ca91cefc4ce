#include "services/gateway_documents.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/decimal.h"
#include "base/hex.h"
#include "base/version.h"
#include "engine/intent.h"
#include "engine/plan.h"
#include "engine/valuation.h"

namespace sep::services {
namespace {

constexpr const char* kNativeSymbol = "ETH";  // what pays for gas, on every chain of Ethereum's
constexpr unsigned kWeiDecimals = 18;
constexpr unsigned kUsdDecimals = 6;
constexpr unsigned kPercentDecimals = 2;  // of basis points
constexpr unsigned kWadDecimals = 18;
/// Events that a reader may be behind and still count as in step: one second of the highest load that is
/// promised.
constexpr std::uint64_t kLagLimit = 1'000;

json::value usd_or_null(const Result<Uint256>& usd_wad) {
  if (!usd_wad) return nullptr;
  return json::string(
      format_amount(div_rounding_up(*usd_wad, pow10(kWadDecimals - kUsdDecimals)), kUsdDecimals));
}

/// `halt` of schema/common.
json::value halt_or_null(const engine::Control* halted) {
  if (halted == nullptr) return nullptr;
  const auto& why = halted->why;
  json::object halt{
      {"since", to_rfc3339(halted->since)}, {"by", why.by}, {"reason", why.reason}, {"detail", why.detail}};
  if (why.nonce) halt["nonce"] = *why.nonce;
  return halt;
}

json::value halt_of_account(const engine::Controls& controls, std::uint64_t chain_id,
                            const Address& account) {
  return halt_or_null(engine::halted(controls, engine::correlation_of(engine::SignerId{chain_id, account})));
}

Uint256 of_token(const std::map<Address, Uint256>& amounts, const Address& token) {
  const auto found = amounts.find(token);
  return found == amounts.end() ? Uint256() : found->second;
}

std::string symbol_of(const engine::ChainSettings& chain, const Address& token) {
  const auto found = std::ranges::find(chain.tokens, token, &engine::Token::address);
  return found == chain.tokens.end() ? to_checksum(token) : found->symbol;
}

std::uint64_t age_ms(const engine::MarketState& market, Timestamp now) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now.ms - market.confirmed_at.ms, 0));
}

json::object style_json(const engine::FeePolicy& policy) {
  return {{"max_priority_fee_per_gas", to_string(policy.max_priority_fee_per_gas_wei)},
          {"reward_percentile", policy.reward_percentile},
          {"base_fee_multiplier_percent", policy.base_fee_multiplier_percent},
          {"bump_after_ms", policy.bump_after_ms}};
}

struct Check {
  std::string name;
  bool ok = false;
  std::string detail;
};

/// Connected, and answering: a server that stands still keeps its connections for a while.
Check nats_check(const PartAnswers& parts) {
  if (!parts.nats_connected) return {"nats", false, "not connected"};
  const bool silent = std::ranges::all_of(
      parts.queues, [](const auto& queue) { return !queue && queue.error().code == errc::kTimeout; });
  if (silent) return {"nats", false, parts.queues.front().error().detail};
  return {"nats", true, "connected"};
}

std::vector<Check> checks_of(const PartAnswers& parts, const engine::MarketState& market,
                             const engine::Settings& settings, Timestamp now) {
  std::vector<Check> checks;
  checks.push_back(nats_check(parts));
  const auto engine = parts.head ? string_or(*parts.head, "record_engine") : "";
  checks.push_back({"record", parts.head.has_value(),
                    !parts.head              ? parts.head.error().detail
                    : engine == "postgresql" ? engine + ": TimescaleDB is not installed, a plain table serves"
                                             : engine});
  checks.push_back({"redis", parts.redis.has_value(), parts.redis ? "answers" : parts.redis.error().detail});
  const auto fresh = market.check_fresh(now, settings.market);
  auto said = fresh ? "block " + std::to_string(market.block.number) : fresh.error().detail;
  if (parts.undecided) said += "; " + *parts.undecided;
  checks.push_back({"market", fresh && !parts.undecided, std::move(said)});
  return checks;
}

/// How far a reader that stands at `position` is behind `head`.
json::object lag_json(std::string_view name, const Result<std::uint64_t>& head,
                      const Result<std::uint64_t>& position) {
  if (!head || !position)
    return {{"name", name},
            {"pending", 0},
            {"ok", false},
            {"detail", "not known: " + (head ? position : head).error().detail}};
  const auto pending = *head > *position ? *head - *position : 0;
  return {{"name", name},
          {"pending", pending},
          {"ok", pending <= kLagLimit},
          {"detail", pending == 0 ? "in step" : fmt::format("{} events behind", pending)}};
}

json::object queue_json(std::string_view name, const Result<bus::ConsumerInfo>& queue) {
  if (!queue)
    return {{"name", name}, {"pending", 0}, {"ok", false}, {"detail", "not known: " + queue.error().detail}};
  auto lag = lag_json(name, queue->pending + queue->unacknowledged, 0);
  lag["pending"] = queue->pending;
  lag["unacknowledged"] = queue->unacknowledged;
  return lag;
}

json::array streams_json(const PartAnswers& parts) {
  json::array streams;
  for (std::size_t i = 0; i < work_queues().size(); ++i)
    streams.push_back(queue_json(work_queues()[i], parts.queues[i]));
  const auto of_head = [&](std::string_view member) {
    return parts.head ? get_uint(*parts.head, member) : Result<std::uint64_t>(fail(parts.head.error()));
  };
  const auto head = of_head("global_sequence");
  streams.push_back(lag_json("read-models", head, of_head("projected_global_sequence")));
  streams.push_back(lag_json("gateway-feed", head, parts.feed_head));
  return streams;
}

json::array pools_json(const engine::MarketState& market, const engine::Settings& settings, Timestamp now) {
  const auto fresh = market.check_fresh(now, settings.market);
  json::array pools;
  for (const auto& [pool, quarantine] : market.pools) {
    const auto& state = pool.state();
    const auto why = !quarantine.empty()   ? quarantine
                     : !pool.initialized() ? std::string("it has no price yet")
                     : !fresh              ? fresh.error().detail
                                           : std::string();
    pools.push_back(json::object{{"address", to_checksum(state.address)},
                                 {"token0", symbol_of(settings.chain, state.token0)},
                                 {"token1", symbol_of(settings.chain, state.token1)},
                                 {"fee", state.fee_pips},
                                 {"ok", why.empty()},
                                 {"detail", why.empty() ? "priced" : why},
                                 {"block_number", market.block.number},
                                 {"age_ms", age_ms(market, now)},
                                 {"ticks", state.ticks.size()}});
  }
  return pools;
}

json::object chain_json(const engine::MarketState& market, Timestamp now) {
  return {{"block_number", market.block.number},
          {"block_time", to_rfc3339({market.block.timestamp_s * 1000})},
          {"confirmed_at", to_rfc3339(market.confirmed_at)},
          {"age_ms", age_ms(market, now)},
          {"base_fee_per_gas", to_string(market.block.base_fee_wei)}};
}

json::object signer_json(const engine::AccountState& account, const engine::Valuation& valuation,
                         const engine::ChainSettings& chain, const engine::Controls& controls,
                         const Result<json::object>& head) {
  json::object signer{{"address", to_checksum(account.address)},
                      {"balance", format_amount(account.native_wei, kWeiDecimals)},
                      {"value_usd", usd_or_null(valuation.native_usd(account.native_wei))},
                      {"halted", halt_of_account(controls, chain.chain_id, account.address)}};
  if (!head) return signer;
  // The record writes addresses in lower case. An account that never sent anything begins at 0.
  const auto nonces = get_object(*head, "next_nonces");
  if (nonces) signer["nonce"] = get_uint(*nonces, to_hex(account.address)).value_or(0);
  return signer;
}

}  // namespace

Result<json::object> account_json(const engine::MarketState& market, const engine::Valuation& valuation,
                                  const engine::Settings& settings, const engine::Controls& controls,
                                  Timestamp now) {
  if (market.revision == 0 || !market.account)
    return fail(errc::kNotReady, "the account's balances are not known yet");
  const auto& account = *market.account;
  json::array tokens;
  for (const auto& token : settings.chain.tokens) {
    const auto balance = of_token(account.balances, token.address);
    tokens.push_back(json::object{
        {"asset", engine::asset_json(token, settings.chain.name)},
        {"balance", format_amount(balance, token.decimals)},
        {"allowance", format_amount(of_token(account.allowances, token.address), token.decimals)},
        {"price_usd", usd_or_null(valuation.usd(token, pow10(token.decimals)))},
        {"value_usd", usd_or_null(valuation.usd(token, balance))}});
  }
  const auto fresh = market.check_fresh(now, settings.market);
  json::object document{
      {"address", to_checksum(account.address)},
      {"block_number", market.block.number},
      {"as_of", to_rfc3339(market.confirmed_at)},
      {"fresh", fresh.has_value()},
      {"halted", halt_of_account(controls, settings.chain.chain_id, account.address)},
      {"native", json::object{{"symbol", kNativeSymbol},
                              {"balance", format_amount(account.native_wei, kWeiDecimals)},
                              {"value_usd", usd_or_null(valuation.native_usd(account.native_wei))}}},
      {"tokens", std::move(tokens)}};
  if (!fresh) document["detail"] = fresh.error().detail;
  return document;
}

/// A configured limit; what is below a millionth of a dollar is cut.
std::string usd_text(const Uint256& usd_wad) {
  return format_amount(usd_wad / pow10(kWadDecimals - kUsdDecimals), kUsdDecimals);
}

json::object platform_json(const engine::Settings& settings) {
  const auto& [chain, market, risk, execution, paper, signer, gateway, endpoints] = settings;
  json::array allowed;
  for (const auto& symbol : risk.allowed_tokens) allowed.emplace_back(symbol);
  return {{"version", version()},
          {"venue", settings.on_paper() ? engine::kPaperVenue : "uniswap_v3"},
          {"chain", json::object{{"name", chain.name},
                                 {"chain_id", chain.chain_id},
                                 {"confirmations", chain.confirmations},
                                 {"native_symbol", kNativeSymbol}}},
          {"limits",
           json::object{
               {"max_notional_usd", usd_text(risk.max_notional_usd_wad)},
               {"max_slippage", format_amount(risk.max_slippage_wad, kWadDecimals)},
               {"max_price_impact", format_amount(risk.max_price_impact_wad, kWadDecimals)},
               {"max_open_intents", risk.max_open_intents},
               {"allowed_tokens", std::move(allowed)},
               {"max_attempts", execution.max_attempts},
               {"max_fee_per_gas", to_string(execution.max_fee_per_gas_wei)},
               {"bump_percent", format_amount(Uint256(execution.bump_basis_points), kPercentDecimals)},
               {"max_gas_usd", execution.max_gas_usd_wad ? json::value(usd_text(*execution.max_gas_usd_wad))
                                                         : json::value(nullptr)},
               {"max_time_window", engine::kMaxTimeWindowSeconds}}},
          {"execution_styles", json::object{{"passive", style_json(execution.passive)},
                                            {"normal", style_json(execution.normal)},
                                            {"aggressive", style_json(execution.aggressive)}}},
          {"allowance", execution.allowance == engine::AllowanceMode::kExact ? "exact" : "standing"}};
}

json::object assets_json(const engine::Settings& settings, Timestamp made_at) {
  json::array tokens;
  for (const auto& token : settings.chain.tokens)
    tokens.push_back(json::object{
        {"chainId", settings.chain.chain_id},
        {"address", to_checksum(token.address)},
        {"symbol", token.symbol},
        {"name", token.name},
        {"decimals", token.decimals},
        {"extensions", json::object{{"chain", settings.chain.name}, {"stablecoin", token.stablecoin}}}});
  return {{"name", "sep: " + settings.chain.name},
          {"timestamp", to_rfc3339(made_at)},
          {"version", json::object{{"major", 1}, {"minor", 0}, {"patch", 0}}},
          {"tokens", std::move(tokens)}};
}

json::object pong_members(const engine::MarketState& market, Timestamp now) {
  if (market.revision == 0) return {};
  return {{"blockNumber", market.block.number}, {"blockAgeMs", age_ms(market, now)}};
}

const std::vector<std::string>& work_queues() {
  static const std::vector<std::string> kQueues = {"intents-workers", "intents-cancels", "planner-workers",
                                                   "orchestrator-workers"};
  return kQueues;
}

PartAnswers::PartAnswers(const Error& silence)
    : head(fail(silence)),
      redis(fail(silence)),
      queues(work_queues().size(), Result<bus::ConsumerInfo>(fail(silence))) {}

gateway::Readiness readiness_of(const PartAnswers& parts, const engine::MarketState& market,
                                const engine::Settings& settings, Timestamp now) {
  gateway::Readiness readiness{.ready = true};
  json::object dependencies;
  for (const auto& check : checks_of(parts, market, settings, now)) {
    readiness.ready = readiness.ready && check.ok;
    dependencies[check.name] = json::object{{"ok", check.ok}, {"detail", check.detail}};
  }
  readiness.document = {{"ready", readiness.ready}, {"dependencies", std::move(dependencies)}};
  return readiness;
}

json::object status_json(const PartAnswers& parts, const engine::MarketState& market,
                         const engine::Valuation& valuation, const engine::Settings& settings,
                         const engine::Controls& controls, json::array services, Timestamp now) {
  bool ready = true;
  json::array dependencies;
  for (const auto& check : checks_of(parts, market, settings, now)) {
    ready = ready && check.ok;
    // What is known of the node is what the market hears from it.
    dependencies.push_back(json::object{
        {"name", check.name == "market" ? "node" : check.name}, {"ok", check.ok}, {"detail", check.detail}});
  }
  json::object record{
      {"ok", parts.head.has_value()},
      {"detail", parts.head ? "answers" : parts.head.error().detail},
      {"engine", parts.head ? string_or(*parts.head, "record_engine") : ""},
      {"last_global_sequence", parts.head ? get_uint(*parts.head, "global_sequence").value_or(0) : 0}};
  json::object status{{"ready", ready},
                      {"now", to_rfc3339(now)},
                      {"halted", halt_or_null(engine::halted(controls, engine::kControlCorrelation))},
                      {"record", std::move(record)},
                      {"dependencies", std::move(dependencies)},
                      {"services", std::move(services)},
                      {"streams", streams_json(parts)},
                      {"pools", pools_json(market, settings, now)}};
  if (!parts.endpoints.empty()) status["endpoints"] = parts.endpoints;
  if (market.revision != 0) status["chain"] = chain_json(market, now);
  if (market.account)
    status["signer"] = signer_json(*market.account, valuation, settings.chain, controls, parts.head);
  return status;
}

}  // namespace sep::services
