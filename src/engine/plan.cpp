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

json::object step_json(const SwapStep& step, std::string_view chain_name) {
  json::object object{{"kind", "swap"},
                      {"venue", step.venue},
                      {"swap_kind", to_string(step.kind)},
                      {"token_in", asset_json(step.token_in, chain_name)},
                      {"token_out", asset_json(step.token_out, chain_name)},
                      {"amount_in", format_amount(step.amount_in, step.token_in.decimals)},
                      {"amount_out", format_amount(step.amount_out, step.token_out.decimals)}};
  if (step.kind == SwapKind::kExactInput)
    object["min_amount_out"] = format_amount(step.bound, step.token_out.decimals);
  else
    object["max_amount_in"] = format_amount(step.bound, step.token_in.decimals);
  json::array pools, fees, prices, ticks;
  for (const auto& pool : step.pools) pools.emplace_back(to_checksum(pool));
  for (const auto fee : step.fees) fees.emplace_back(fee);
  for (const auto& price : step.sqrt_price_x96_after) prices.emplace_back(to_string(price));
  for (const auto crossed : step.ticks_crossed) ticks.emplace_back(crossed);
  object["pools"] = std::move(pools);
  object["fees"] = std::move(fees);
  object["price_impact"] = format_amount(step.price_impact_wad, 18);
  object["sqrt_price_x96_after"] = std::move(prices);
  object["ticks_crossed"] = std::move(ticks);
  object["gas_estimate"] = std::to_string(step.gas_estimate);
  object["router"] = to_checksum(step.router);
  object["recipient"] = to_checksum(step.recipient);
  object["deadline"] = step.deadline_unix_s;
  object["block_number"] = step.block_number;
  object["block_hash"] = to_hex(step.block_hash);
  return object;
}

Result<Token> token_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto asset, get_object(object, key));
  Token token;
  SEP_TRY(token.symbol, get_string(asset, "symbol"));
  SEP_TRY(const auto address, get_string(asset, "address"));
  SEP_TRY(token.address, parse_address(address));
  SEP_TRY(const auto decimals, get_uint(asset, "decimals"));
  if (decimals > 255) return fail(errc::kInvalidEvent, "\"decimals\" must be below 256");  // ERC-20: uint8
  token.decimals = static_cast<unsigned>(decimals);
  return token;
}

Result<Address> address_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto text, get_string(object, key));
  return parse_address(text);
}

Result<Uint256> amount_from(const json::object& object, std::string_view key, unsigned decimals) {
  SEP_TRY(const auto text, get_string(object, key));
  return parse_decimal(text, decimals);
}

Result<std::uint64_t> gas_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto gas, amount_from(object, key, 0));
  if (!gas.fits_u64()) return fail(errc::kInvalidEvent, fmt::format("\"{}\" is out of range", key));
  return gas.to_u64();
}

Result<std::vector<std::uint32_t>> integers_from(const json::object& object, std::string_view key) {
  SEP_TRY(const auto list, get_array(object, key));
  std::vector<std::uint32_t> values;
  for (const auto& element : list) {
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

Result<SwapStep> swap_from(const json::object& object) {
  SwapStep step;
  SEP_TRY(step.venue, get_string(object, "venue"));
  SEP_TRY(const auto kind, get_string(object, "swap_kind"));
  if (kind != to_string(SwapKind::kExactInput) && kind != to_string(SwapKind::kExactOutput))
    return fail(errc::kInvalidEvent, "\"swap_kind\" must be exact_input or exact_output");
  step.kind = kind == to_string(SwapKind::kExactInput) ? SwapKind::kExactInput : SwapKind::kExactOutput;
  SEP_TRY(step.token_in, token_from(object, "token_in"));
  SEP_TRY(step.token_out, token_from(object, "token_out"));
  SEP_TRY(step.amount_in, amount_from(object, "amount_in", step.token_in.decimals));
  SEP_TRY(step.amount_out, amount_from(object, "amount_out", step.token_out.decimals));
  if (step.kind == SwapKind::kExactInput) {
    SEP_TRY(step.bound, amount_from(object, "min_amount_out", step.token_out.decimals));
  } else {
    SEP_TRY(step.bound, amount_from(object, "max_amount_in", step.token_in.decimals));
  }
  SEP_TRY(const auto pools, get_array(object, "pools"));
  for (const auto& pool : pools) {
    if (!pool.is_string()) return fail(errc::kInvalidEvent, "\"pools\" must hold addresses");
    SEP_TRY(step.pools.emplace_back(), parse_address(pool.get_string()));
  }
  SEP_TRY(step.fees, integers_from(object, "fees"));
  SEP_TRY(step.price_impact_wad, amount_from(object, "price_impact", 18));
  SEP_TRY(const auto prices, get_array(object, "sqrt_price_x96_after"));
  for (const auto& price : prices) {
    if (!price.is_string()) return fail(errc::kInvalidEvent, "\"sqrt_price_x96_after\" must hold strings");
    SEP_TRY(step.sqrt_price_x96_after.emplace_back(), parse_uint256(price.get_string()));
  }
  SEP_TRY(step.ticks_crossed, integers_from(object, "ticks_crossed"));
  SEP_TRY(step.gas_estimate, gas_from(object, "gas_estimate"));
  SEP_TRY(step.router, address_from(object, "router"));
  SEP_TRY(step.recipient, address_from(object, "recipient"));
  SEP_TRY(step.deadline_unix_s, get_int(object, "deadline"));
  SEP_TRY(step.block_number, get_uint(object, "block_number"));
  SEP_TRY(const auto hash, get_string(object, "block_hash"));
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
    SEP_TRY(const auto steps, get_array(payload, "steps"));
    for (const auto& element : steps) {
      if (!element.is_object()) return fail(errc::kInvalidEvent, "a step must be an object", "/steps");
      const auto& object = element.get_object();
      SEP_TRY(const auto kind, get_string(object, "kind"));
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
    SEP_TRY(const auto cost, get_object(payload, "estimatedCost"));
    SEP_TRY(plan.estimated_cost.gas_units, gas_from(cost, "gas_units"));
    SEP_TRY(plan.estimated_cost.gas_wei, amount_from(cost, "gas_wei", 0));
    SEP_TRY(plan.estimated_cost.gas_usd_wad, amount_from(cost, "gas_usd", 18));
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
