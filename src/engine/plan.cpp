#include "engine/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/decimal.h"
#include "engine/intent.h"

namespace sep::engine {
namespace {

json::object step_json(const ApproveStep& step, std::string_view chain_name) {
  return {{"kind", "approve"},
          {"token", asset_json(step.token, chain_name)},
          {"spender", to_checksum(step.spender)},
          {"amount", format_amount(step.amount, step.token.decimals)}};
}

std::string_view bound_name(SwapKind kind) {
  return kind == SwapKind::kExactInput ? "min_amount_out" : "max_amount_in";
}

/// The token in whose units bounds are.
const Token& bounded_token(const SwapStep& swap) {
  return swap.kind == SwapKind::kExactInput ? swap.token_out : swap.token_in;
}

json::array paths_json(const SwapStep& swap) {
  json::array paths;
  for (const auto& path : swap.paths) {
    auto object = path_json(path, swap);
    object[bound_name(swap.kind)] = format_amount(path.bound, bounded_token(swap).decimals);
    paths.push_back(std::move(object));
  }
  return paths;
}

json::object step_json(const SwapStep& step, std::string_view chain_name) {
  json::object object{{"kind", "swap"},
                      {"venue", step.venue},
                      {"swap_kind", to_string(step.kind)},
                      {"token_in", asset_json(step.token_in, chain_name)},
                      {"token_out", asset_json(step.token_out, chain_name)},
                      {"amount_in", format_amount(step.amount_in, step.token_in.decimals)},
                      {"amount_out", format_amount(step.amount_out, step.token_out.decimals)}};
  object[bound_name(step.kind)] = format_amount(step.bound, bounded_token(step).decimals);
  object["paths"] = paths_json(step);
  object["price_impact"] = format_amount(step.price_impact_wad, 18);
  object["gas_estimate"] = std::to_string(step.gas_estimate);
  object["router"] = to_checksum(step.router);
  object["recipient"] = to_checksum(step.recipient);
  object["deadline"] = step.deadline_unix_s;
  object["block_number"] = step.block_number;
  object["block_hash"] = to_hex(step.block_hash);
  return object;
}

Result<Token> token_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* asset, object_at(object, key));
  return token_from_record(*asset);
}

Result<Address> address_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto text, text_at(object, key));
  return address_from_hex(text);
}

Result<Uint256> amount_from(const json::object& object, std::string_view key, unsigned decimals) {
  SEP_TRY(const auto text, text_at(object, key));
  return parse_decimal(text, decimals);
}

Result<std::uint64_t> gas_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto gas, amount_from(object, key, 0));
  if (!gas.fits_u64()) return fail(errc::kInvalidEvent, fmt::format("\"{}\" is out of range", key));
  return gas.to_u64();
}

Result<std::vector<std::uint32_t>> integers_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* list, array_at(object, key));
  std::vector<std::uint32_t> values;
  for (const auto& element : *list) {
    json::error_code error;
    values.push_back(element.to_number<std::uint32_t>(error));
    if (error) return fail(errc::kInvalidEvent, fmt::format("\"{}\" must hold integers", key));
  }
  return values;
}

Result<ApproveStep> approve_from(const json::object& object) {
  ApproveStep step;
  SEP_TRY(step.token, token_from(object, "token"));
  SEP_TRY(step.spender, address_from(object, "spender"));
  SEP_TRY(step.amount, amount_from(object, "amount", step.token.decimals));
  return step;
}

Result<std::vector<PathHop>> hops_from(const json::object& object) {
  SEP_TRY(const auto* pools, array_at(object, "pools"));
  SEP_TRY(const auto fees, integers_from(object, "fees"));
  SEP_TRY(const auto ticks, integers_from(object, "ticks_crossed"));
  SEP_TRY(const auto* prices, array_at(object, "sqrt_price_x96_after"));
  if (pools->empty() || fees.size() != pools->size() || ticks.size() != pools->size() ||
      prices->size() != pools->size())
    return fail(errc::kInvalidEvent, "a path must have a fee, ticks and a price for each of its pools");
  std::vector<PathHop> hops(pools->size());
  for (std::size_t i = 0; i < hops.size(); ++i) {
    if (!(*pools)[i].is_string()) return fail(errc::kInvalidEvent, "\"pools\" must hold addresses");
    if (!(*prices)[i].is_string())
      return fail(errc::kInvalidEvent, "\"sqrt_price_x96_after\" must hold strings");
    SEP_TRY(hops[i].pool, address_from_hex((*pools)[i].get_string()));
    hops[i].fee_pips = fees[i];
    hops[i].ticks_crossed = ticks[i];
    SEP_TRY(hops[i].sqrt_price_x96_after, parse_uint256((*prices)[i].get_string()));
  }
  return hops;
}

Result<std::vector<PathToken>> tokens_from(const json::object& object) {
  SEP_TRY(const auto* list, array_at(object, "tokens"));
  std::vector<PathToken> tokens;
  for (const auto& element : *list) {
    if (!element.is_object()) return fail(errc::kInvalidEvent, "\"tokens\" must hold objects");
    auto& token = tokens.emplace_back();
    SEP_TRY(token.address, address_from(element.get_object(), "address"));
    token.symbol = string_or(element.get_object(), "symbol");
  }
  return tokens;
}

Result<SwapPath> path_from(const json::object& object, const SwapStep& swap) {
  SwapPath path;
  SEP_TRY(path.amount_in, amount_from(object, "amount_in", swap.token_in.decimals));
  SEP_TRY(path.amount_out, amount_from(object, "amount_out", swap.token_out.decimals));
  SEP_TRY(path.bound, amount_from(object, bound_name(swap.kind), bounded_token(swap).decimals));
  SEP_TRY(path.tokens, tokens_from(object));
  SEP_TRY(path.hops, hops_from(object));
  if (path.tokens.size() != path.hops.size() + 1)
    return fail(errc::kInvalidEvent, "a path must have one token more than pools");
  if (path.tokens.front().address != swap.token_in.address ||
      path.tokens.back().address != swap.token_out.address)
    return fail(errc::kInvalidEvent, "a path must lead from the swap's one token to the other");
  return path;
}

/// Whether the paths' amounts and bounds are the swap's.
bool adds_up(const SwapStep& swap) {
  const auto sum_is = [&](Uint256 SwapPath::* part, const Uint256& whole) {
    std::optional<Uint256> sum = Uint256();
    for (const auto& path : swap.paths)
      if (sum) sum = checked_add(*sum, path.*part);
    return sum == whole;
  };
  return sum_is(&SwapPath::amount_in, swap.amount_in) && sum_is(&SwapPath::amount_out, swap.amount_out) &&
         sum_is(&SwapPath::bound, swap.bound);
}

Result<std::vector<SwapPath>> paths_from(const json::object& object, const SwapStep& swap) {
  std::vector<SwapPath> paths;
  if (!object.contains("paths")) {
    // A swap in one pool, from before there were paths.
    auto& path = paths.emplace_back(SwapPath{
        swap.amount_in,
        swap.amount_out,
        swap.bound,
        {{swap.token_in.address, swap.token_in.symbol}, {swap.token_out.address, swap.token_out.symbol}},
        {}});
    SEP_TRY(path.hops, hops_from(object));
    if (path.hops.size() != 1) return fail(errc::kInvalidEvent, "a swap without paths has one pool");
    return paths;
  }
  SEP_TRY(const auto* list, array_at(object, "paths"));
  for (const auto& element : *list) {
    if (!element.is_object()) return fail(errc::kInvalidEvent, "\"paths\" must hold objects");
    SEP_TRY(paths.emplace_back(), path_from(element.get_object(), swap));
  }
  if (paths.empty()) return fail(errc::kInvalidEvent, "a swap must have a path");
  return paths;
}

Result<SwapStep> swap_from(const json::object& object) {
  SwapStep step;
  SEP_TRY(step.venue, get_string(object, "venue"));
  SEP_TRY(const auto kind, text_at(object, "swap_kind"));
  if (kind != to_string(SwapKind::kExactInput) && kind != to_string(SwapKind::kExactOutput))
    return fail(errc::kInvalidEvent, "\"swap_kind\" must be exact_input or exact_output");
  step.kind = kind == to_string(SwapKind::kExactInput) ? SwapKind::kExactInput : SwapKind::kExactOutput;
  SEP_TRY(step.token_in, token_from(object, "token_in"));
  SEP_TRY(step.token_out, token_from(object, "token_out"));
  SEP_TRY(step.amount_in, amount_from(object, "amount_in", step.token_in.decimals));
  SEP_TRY(step.amount_out, amount_from(object, "amount_out", step.token_out.decimals));
  SEP_TRY(step.bound, amount_from(object, bound_name(step.kind), bounded_token(step).decimals));
  SEP_TRY(step.paths, paths_from(object, step));
  if (!adds_up(step)) return fail(errc::kInvalidEvent, "the paths do not add up to their swap");
  SEP_TRY(step.price_impact_wad, amount_from(object, "price_impact", 18));
  SEP_TRY(step.gas_estimate, gas_from(object, "gas_estimate"));
  SEP_TRY(step.router, address_from(object, "router"));
  SEP_TRY(step.recipient, address_from(object, "recipient"));
  SEP_TRY(step.deadline_unix_s, get_int(object, "deadline"));
  SEP_TRY(step.block_number, get_uint(object, "block_number"));
  SEP_TRY(const auto hash, text_at(object, "block_hash"));
  SEP_TRY(step.block_hash, parse_hash(hash));
  return step;
}

}  // namespace

std::string_view to_string(SwapKind kind) {
  return kind == SwapKind::kExactInput ? "exact_input" : "exact_output";
}

std::string_view to_string(StepKind kind) {
  switch (kind) {
    case StepKind::kApprove:
      return "approve";
    case StepKind::kSwap:
      return "swap";
    case StepKind::kCancel:
      return "cancel";
  }
  SEP_ASSERT(false);
}

void set_bound(SwapStep& swap, const Uint256& bound) {
  const bool exact_input = swap.kind == SwapKind::kExactInput;
  const auto& quote = exact_input ? swap.amount_out : swap.amount_in;
  SEP_ASSERT(!swap.paths.empty() && (exact_input ? bound <= quote : bound >= quote));
  swap.bound = bound;
  auto left = bound;
  for (auto& path : swap.paths) {
    const auto& part = exact_input ? path.amount_out : path.amount_in;
    path.bound = quote.is_zero() ? Uint256() : *mul_div(bound, part, quote);
    left = left - path.bound;
  }
  // At most one unit a path is left. An exact input's bounds must not exceed their quotes; together they
  // have the room.
  for (auto& path : swap.paths) {
    const auto room = exact_input ? path.amount_out - path.bound : left;
    const auto given = std::min(left, room);
    path.bound = path.bound + given;
    left = left - given;
  }
  SEP_ASSERT(left.is_zero());
}

json::object path_json(const SwapPath& path, const SwapStep& swap) {
  json::array tokens, pools, fees, ticks, prices;
  const auto address_text = [&](const Address& address) {
    return address == swap.token_in.address    ? checksum_address(swap.token_in)
           : address == swap.token_out.address ? checksum_address(swap.token_out)
                                               : to_checksum(address);
  };
  for (const auto& token : path.tokens) {
    json::object object{{"address", address_text(token.address)}};
    if (!token.symbol.empty()) object["symbol"] = token.symbol;
    tokens.push_back(std::move(object));
  }
  for (const auto& hop : path.hops) {
    pools.emplace_back(to_checksum(hop.pool));
    fees.emplace_back(hop.fee_pips);
    ticks.emplace_back(hop.ticks_crossed);
    prices.emplace_back(to_string(hop.sqrt_price_x96_after));
  }
  return {{"amount_in", format_amount(path.amount_in, swap.token_in.decimals)},
          {"amount_out", format_amount(path.amount_out, swap.token_out.decimals)},
          {"tokens", std::move(tokens)},
          {"pools", std::move(pools)},
          {"fees", std::move(fees)},
          {"ticks_crossed", std::move(ticks)},
          {"sqrt_price_x96_after", std::move(prices)}};
}

StepKind kind_of(const PlanStep& step) {
  return std::holds_alternative<SwapStep>(step) ? StepKind::kSwap : StepKind::kApprove;
}

std::string format_usd(const Uint256& usd_wad) {
  return format_amount(usd_wad / pow10(12), 6);
}

json::object to_json(const EstimatedCost& cost) {
  return {{"gas_units", std::to_string(cost.gas_units)},
          {"gas_wei", to_string(cost.gas_wei)},
          {"gas_eth", format_amount(cost.gas_wei, 18)},
          {"gas_usd", format_usd(cost.gas_usd_wad)}};
}

json::object plan_payload(const Plan& plan, std::string_view intent_id, std::string_view chain_name) {
  json::array steps;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    auto step = std::visit([&](const auto& s) { return step_json(s, chain_name); }, plan.steps[i]);
    step["index"] = i;
    steps.push_back(std::move(step));
  }
  return {{"intentId", intent_id},
          {"planId", plan.plan_id},
          {"steps", std::move(steps)},
          {"estimatedCost", to_json(plan.estimated_cost)},
          {"estimatedDurationMs", plan.estimated_duration_ms},
          {"riskScore", plan.risk_score}};
}

Result<Plan> plan_from_payload(const json::object& payload) {
  const auto read = [&]() -> Result<Plan> {
    Plan plan;
    SEP_TRY(plan.plan_id, get_string(payload, "planId"));
    SEP_TRY(const auto* steps, array_at(payload, "steps"));
    for (const auto& element : *steps) {
      if (!element.is_object()) return fail(errc::kInvalidEvent, "a step must be an object", "/steps");
      const auto& object = element.get_object();
      SEP_TRY(const auto kind, text_at(object, "kind"));
      if (kind == to_string(StepKind::kApprove)) {
        SEP_TRY(plan.steps.emplace_back(), approve_from(object));
      } else if (kind == to_string(StepKind::kSwap)) {
        SEP_TRY(plan.steps.emplace_back(), swap_from(object));
      } else {
        return fail(errc::kInvalidEvent, "a step must be an approve or a swap", "/steps");
      }
    }
    const auto swaps = std::ranges::count(plan.steps, StepKind::kSwap, kind_of);
    if (swaps != 1 || kind_of(plan.steps.back()) != StepKind::kSwap)
      return fail(errc::kInvalidEvent, "a plan must end with its swap", "/steps");
    SEP_TRY(const auto* cost, object_at(payload, "estimatedCost"));
    SEP_TRY(plan.estimated_cost.gas_units, gas_from(*cost, "gas_units"));
    SEP_TRY(plan.estimated_cost.gas_wei, amount_from(*cost, "gas_wei", 0));
    SEP_TRY(plan.estimated_cost.gas_usd_wad, amount_from(*cost, "gas_usd", 18));
    SEP_TRY(plan.estimated_duration_ms, get_int(payload, "estimatedDurationMs"));
    SEP_TRY(const auto score, get_uint(payload, "riskScore"));
    plan.risk_score = static_cast<unsigned>(score);
    return plan;
  };
  auto plan = read();
  if (!plan) return fail(errc::kInvalidEvent, plan.error().detail, plan.error().pointer);
  return plan;
}

}  // namespace sep::engine
