#pragma once
// A plan: how the platform will do what an intent wants. A list of steps, each one transaction, with the
// bounds that the chain will hold, and what it should cost.
//
// Invariants:
//  1. The last step is the swap; what stands before it are approvals that it needs.
//  2. An exact-input swap has min_amount_out, an exact-output swap max_amount_in; the other bound is the
//  exact
//     amount itself.
//  3. Amounts and bounds of a swap's paths add up to the swap's, so that the bounds which the router holds
//  path by
//     path hold the swap's.
//  4. plan_payload and plan_from_payload are inverse: the record's plan.created holds all of a plan. Only USD
//  is cut
//     to the 6 decimals of its text, and of a token its asset is kept.
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/uint256.h"
#include "engine/settings.h"
#include "ethereum/address.h"
#include "ethereum/hash.h"

namespace sep::engine {

enum class SwapKind { kExactInput, kExactOutput };
enum class StepKind { kApprove, kSwap, kCancel };

std::string_view to_string(SwapKind kind);
std::string_view to_string(StepKind kind);

struct ApproveStep {
  Token token;
  Address spender;
  Uint256 amount;  // base units
};

/// A token on the way.
struct PathToken {
  Address address;
  std::string symbol;  // empty where it is not configured

  bool operator==(const PathToken&) const = default;
};

/// One pool on the way.
struct PathHop {
  Address pool;
  std::uint32_t fee_pips = 0;  // hundredths of a basis point
  std::uint32_t ticks_crossed = 0;
  Uint256 sqrt_price_x96_after;

  bool operator==(const PathHop&) const = default;
};

/// Pools one after the other.
struct SwapPath {
  Uint256 amount_in;              // base units of the swap's token_in
  Uint256 amount_out;             // base units of the swap's token_out
  Uint256 bound;                  // this path's part of the swap's
  std::vector<PathToken> tokens;  // from token_in to token_out: one more than hops
  std::vector<PathHop> hops;

  bool operator==(const SwapPath&) const = default;
};

/// SwapStep::venue of a plan that is filled on paper.
inline constexpr std::string_view kPaperVenue = "paper";

struct SwapStep {
  std::string venue = "uniswap_v3";
  SwapKind kind;
  Token token_in;
  Token token_out;
  Uint256 amount_in;            // quoted, or exact for exact input; base units of token_in
  Uint256 amount_out;           // quoted, or exact for exact output; base units of token_out
  Uint256 bound;                // min_amount_out (exact input) or max_amount_in (exact output)
  std::vector<SwapPath> paths;  // side by side, in one transaction; no two share a pool
  Uint256 price_impact_wad;
  std::uint64_t gas_estimate = 0;
  Address router;
  Address recipient;
  std::int64_t deadline_unix_s = 0;
  std::uint64_t block_number = 0;  // the state that was priced
  Hash32 block_hash;

  /// The most that leaves the account.
  const Uint256& max_amount_in() const { return kind == SwapKind::kExactInput ? amount_in : bound; }
};

/// Sets the swap's bound and each path's part of it: in the proportion of their quotes, rounded down, and the
/// units that are left given where they make no bound tighter than its quote. `bound` must be at most
/// amount_out (exact input), or at least amount_in (exact output); the swap has paths.
void set_bound(SwapStep& swap, const Uint256& bound);

using PlanStep = std::variant<ApproveStep, SwapStep>;

struct EstimatedCost {
  std::uint64_t gas_units = 0;
  Uint256 gas_wei;
  Uint256 gas_usd_wad;
};

struct Plan {
  std::string plan_id;
  std::vector<PlanStep> steps;
  EstimatedCost estimated_cost;
  std::int64_t estimated_duration_ms = 0;
  unsigned risk_score = 0;  // 0 to 100: the largest of notional, slippage and price impact against its limit

  const SwapStep& swap() const { return std::get<SwapStep>(steps.back()); }
};

StepKind kind_of(const PlanStep& step);

/// {amount_in, amount_out, tokens, pools, fees, ticks_crossed, sqrt_price_x96_after}: one of the swap's paths
/// as documents show it, without its bound.
json::object path_json(const SwapPath& path, const SwapStep& swap);

/// The payload of `plan.created`.
json::object plan_payload(const Plan& plan, std::string_view intent_id, std::string_view chain_name);
/// Reads also what was written before swaps had paths: a swap in one pool, whose fields stand in the step
/// itself. INVALID_EVENT where a field is absent or malformed, or paths do not add up to their swap.
Result<Plan> plan_from_payload(const json::object& payload);

/// {gas_units, gas_wei, gas_eth, gas_usd}, all decimal strings.
json::object to_json(const EstimatedCost& cost);

/// USD · 10^18 as text with at most 6 decimals, rounded down.
std::string format_usd(const Uint256& usd_wad);

}  // namespace sep::engine
