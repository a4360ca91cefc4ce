#include "engine/plan.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/test_support.h"

namespace sep::engine {
namespace {

using namespace test;

SwapStep sample_swap() {
  SwapStep swap;
  swap.kind = SwapKind::kExactOutput;
  swap.token_in = kUsdc;
  swap.token_out = kWeth;
  swap.amount_in = number("2500000000");
  swap.amount_out = wad("1");
  swap.bound = number("2525000000");
  swap.price_impact_wad = wad("0.0004");
  swap.paths = {direct_path(swap, 0xa1, 500)};
  swap.gas_estimate = 160'000;
  swap.router = kRouter;
  swap.recipient = kAccount;
  swap.deadline_unix_s = 1'787'000'300;
  swap.block_number = 100;
  swap.block_hash = hash(0xb1);
  return swap;
}

json::array array_of(const json::value& element) {
  json::array made;
  made.push_back(element);
  return made;
}

Plan sample_plan() {
  Plan plan;
  plan.plan_id = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";
  plan.steps = {ApproveStep{kUsdc, kRouter, number("2525000000")}, sample_swap()};
  plan.estimated_cost = {308'000, number("3388000000000000"), wad("8.47")};
  plan.estimated_duration_ms = 12'000;
  plan.risk_score = 25;
  return plan;
}

json::object payload_of(const Plan& plan) {
  return plan_payload(plan, "01J5S3Y4PEJHBJ5A7FYHBXQRFH", "ethereum");
}

TEST(Plan, ThePayloadIsTheContracts) {
  const auto payload = payload_of(sample_plan());
  EXPECT_EQ(payload.at("intentId"), "01J5S3Y4PEJHBJ5A7FYHBXQRFH");
  EXPECT_EQ(payload.at("planId"), "01J5S3Y4PEJHBJ5A7FYHBXQRFG");
  EXPECT_EQ(payload.at("estimatedDurationMs"), 12'000);
  EXPECT_EQ(payload.at("riskScore"), 25);
  EXPECT_EQ(payload.at("estimatedCost"), (json::object{{"gas_units", "308000"},
                                                       {"gas_wei", "3388000000000000"},
                                                       {"gas_eth", "0.003388"},
                                                       {"gas_usd", "8.47"}}));
  const auto& steps = payload.at("steps").as_array();
  ASSERT_EQ(steps.size(), 2U);
  const json::object path{
      {"amount_in", "2500"},
      {"amount_out", "1"},
      {"max_amount_in", "2525"},
      {"tokens", json::array{json::object{{"address", to_checksum(kUsdc.address)}, {"symbol", "USDC"}},
                             json::object{{"address", to_checksum(kWeth.address)}, {"symbol", "WETH"}}}},
      {"pools", array_of(json::string(to_checksum(address(0xa1))))},
      {"fees", array_of(500)},
      {"ticks_crossed", array_of(3)},
      {"sqrt_price_x96_after", array_of("79228162514264337593543950336")}};
  EXPECT_EQ(steps[0], (json::object{{"index", 0},
                                    {"kind", "approve"},
                                    {"token", asset_json(kUsdc, "ethereum")},
                                    {"spender", to_checksum(kRouter)},
                                    {"amount", "2525"}}));
  EXPECT_EQ(steps[1], (json::object{{"index", 1},
                                    {"kind", "swap"},
                                    {"venue", "uniswap_v3"},
                                    {"swap_kind", "exact_output"},
                                    {"token_in", asset_json(kUsdc, "ethereum")},
                                    {"token_out", asset_json(kWeth, "ethereum")},
                                    {"amount_in", "2500"},
                                    {"amount_out", "1"},
                                    {"max_amount_in", "2525"},
                                    {"paths", array_of(path)},
                                    {"price_impact", "0.0004"},
                                    {"gas_estimate", "160000"},
                                    {"router", to_checksum(kRouter)},
                                    {"recipient", to_checksum(kAccount)},
                                    {"deadline", 1'787'000'300},
                                    {"block_number", 100},
                                    {"block_hash", to_hex(hash(0xb1))}}));
}

TEST(Plan, AnExactInputIsBoundByWhatComesOut) {
  auto plan = sample_plan();
  auto& swap = std::get<SwapStep>(plan.steps.back());
  EXPECT_EQ(swap.max_amount_in(), number("2525000000"));
  swap.kind = SwapKind::kExactInput;
  set_bound(swap, wad("0.99"));
  EXPECT_EQ(swap.max_amount_in(), number("2500000000"));
  const auto payload = payload_of(plan);
  const auto& step = payload.at("steps").as_array()[1].as_object();
  EXPECT_EQ(step.at("min_amount_out"), "0.99");
  EXPECT_FALSE(step.contains("max_amount_in"));
}

Uint256 any_amount() {
  std::array<std::uint64_t, 4> limbs{};
  const auto used = *rc::gen::inRange<std::size_t>(0, 5);
  for (std::size_t i = 0; i < used; ++i) limbs[i] = *rc::gen::arbitrary<std::uint64_t>();
  return Uint256::from_limbs(limbs);
}

Address any_address() {
  Address made;
  for (auto& byte : made.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return made;
}

Plan any_plan() {
  const auto any = [] { return *rc::gen::arbitrary<std::uint32_t>(); };
  const auto token = [&] {
    return Token{*rc::gen::element<std::string>("AAA", "B"), "", any_address(),
                 *rc::gen::inRange<unsigned>(0, 40), false};
  };
  SwapStep swap;
  swap.kind = *rc::gen::element(SwapKind::kExactInput, SwapKind::kExactOutput);
  swap.token_in = token();
  swap.token_out = token();
  for (auto paths = *rc::gen::inRange(1, 5); paths > 0; --paths) {
    // A quarter of what a number holds: the sum of four does not overflow.
    auto& path =
        swap.paths.emplace_back(SwapPath{any_amount() >> 2, any_amount() >> 2, any_amount() >> 2, {}, {}});
    swap.amount_in = swap.amount_in + path.amount_in;
    swap.amount_out = swap.amount_out + path.amount_out;
    swap.bound = swap.bound + path.bound;
    path.tokens.push_back({swap.token_in.address, swap.token_in.symbol});
    for (auto hops = *rc::gen::inRange(1, 4); hops > 0; --hops) {
      path.hops.push_back({any_address(), any(), any(), any_amount()});
      if (hops > 1) path.tokens.push_back({any_address(), *rc::gen::element<std::string>("MID", "")});
    }
    path.tokens.push_back({swap.token_out.address, swap.token_out.symbol});
  }
  swap.price_impact_wad = any_amount();
  swap.gas_estimate = *rc::gen::arbitrary<std::uint64_t>();
  swap.router = any_address();
  swap.recipient = any_address();
  swap.deadline_unix_s = any();
  swap.block_number = *rc::gen::arbitrary<std::uint64_t>();
  swap.block_hash.bytes.fill(*rc::gen::arbitrary<std::uint8_t>());
  Plan plan;
  plan.plan_id = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";
  for (auto approvals = *rc::gen::inRange(0, 3); approvals > 0; --approvals)
    plan.steps.emplace_back(ApproveStep{token(), any_address(), any_amount()});
  plan.steps.emplace_back(std::move(swap));
  plan.estimated_cost.gas_units = *rc::gen::arbitrary<std::uint64_t>();
  plan.estimated_cost.gas_wei = any_amount();
  plan.estimated_cost.gas_usd_wad = any_amount() / pow10(12) * pow10(12);  // what 6 decimals can say
  plan.estimated_duration_ms = any();
  plan.risk_score = *rc::gen::inRange(0U, 101U);
  return plan;
}

void assert_same(const SwapStep& a, const SwapStep& b) {
  const auto fields = [](const SwapStep& s) {
    return std::tie(s.venue, s.kind, s.token_in, s.token_out, s.amount_in, s.amount_out, s.bound, s.paths,
                    s.price_impact_wad, s.gas_estimate, s.router, s.recipient, s.deadline_unix_s,
                    s.block_number, s.block_hash);
  };
  RC_ASSERT((fields(a) == fields(b)));
}

RC_GTEST_PROP(PlanProperty, ThePayloadHoldsAllOfAPlan, ()) {
  const auto plan = any_plan();
  // Through text, as the record keeps it.
  const auto payload = parse_json(canonical_json(payload_of(plan)));
  RC_ASSERT(payload.has_value());
  const auto read = plan_from_payload(payload->get_object());
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->plan_id == plan.plan_id);
  RC_ASSERT(read->steps.size() == plan.steps.size());
  for (std::size_t i = 0; i + 1 < plan.steps.size(); ++i) {
    const auto& a = std::get<ApproveStep>(plan.steps[i]);
    const auto& b = std::get<ApproveStep>(read->steps[i]);
    RC_ASSERT((std::tie(a.token, a.spender, a.amount) == std::tie(b.token, b.spender, b.amount)));
  }
  assert_same(plan.swap(), read->swap());
  RC_ASSERT(read->estimated_cost.gas_units == plan.estimated_cost.gas_units);
  RC_ASSERT(read->estimated_cost.gas_wei == plan.estimated_cost.gas_wei);
  RC_ASSERT(read->estimated_cost.gas_usd_wad == plan.estimated_cost.gas_usd_wad);
  RC_ASSERT(read->estimated_duration_ms == plan.estimated_duration_ms);
  RC_ASSERT(read->risk_score == plan.risk_score);
}

void expect_invalid(const json::object& payload, const std::string& what) {
  const auto read = plan_from_payload(payload);
  ASSERT_FALSE(read) << what;
  EXPECT_EQ(read.error().code, errc::kInvalidEvent) << what;
}

/// Calls `visit` with the payload less one member, and with that member replaced by nonsense, for each member
/// of `at`.
void spoil_each(const std::function<json::object&(json::object&)>& at, const std::set<std::string>& ignored) {
  auto whole = payload_of(sample_plan());
  std::vector<std::string> keys;
  for (const auto& member : at(whole)) keys.emplace_back(member.key());
  for (const auto& key : keys) {
    if (ignored.contains(key)) continue;
    auto payload = whole;
    at(payload).erase(key);
    expect_invalid(payload, "without " + key);
    for (const auto& nonsense : {json::value(true), json::value(-1.5), json::value("?!"),
                                 json::value(array_of("?")), json::value(array_of(-1))}) {
      // Free text takes any text.
      if (nonsense.is_string() && (key == "symbol" || key == "venue" || key == "planId")) continue;
      payload = whole;
      at(payload)[key] = nonsense;
      expect_invalid(payload, key + " = " + json::serialize(nonsense));
    }
  }
}

json::object& step(json::object& payload, std::size_t index) {
  return payload["steps"].as_array()[index].as_object();
}
json::object& path(json::object& payload) {
  return step(payload, 1)["paths"].as_array()[0].as_object();
}

TEST(Plan, MalformedPayloadsAreRefused) {
  spoil_each([](json::object& p) -> json::object& { return p; }, {"intentId"});
  spoil_each([](json::object& p) -> json::object& { return step(p, 0); }, {"index"});
  spoil_each([](json::object& p) -> json::object& { return step(p, 1); }, {"index"});
  spoil_each([](json::object& p) -> json::object& { return path(p); }, {});
  spoil_each([](json::object& p) -> json::object& { return path(p)["tokens"].as_array()[0].as_object(); },
             {"symbol"});
  spoil_each([](json::object& p) -> json::object& { return step(p, 1)["token_in"].as_object(); }, {"chain"});
  spoil_each([](json::object& p) -> json::object& { return p["estimatedCost"].as_object(); }, {"gas_eth"});
}

TEST(Plan, NumbersOutOfRangeAreRefused) {
  const std::string huge(25, '9');
  for (const auto& spoil : std::vector<std::function<void(json::object&)>>{
           [&](auto& p) { step(p, 1)["gas_estimate"] = huge; },
           [&](auto& p) { p["estimatedCost"].as_object()["gas_units"] = huge; },
           [&](auto& p) { path(p)["fees"] = array_of(1ULL << 32); },
           [&](auto& p) { path(p)["ticks_crossed"] = array_of(0.5); },
           [&](auto& p) { step(p, 1)["token_in"].as_object()["decimals"] = 4'000'000'000; },
           [&](auto& p) { step(p, 1)["amount_in"] = "1.0000001"; },
           [&](auto& p) { step(p, 1)["amount_out"] = std::string(80, '9'); }}) {
    auto payload = payload_of(sample_plan());
    spoil(payload);
    expect_invalid(payload, json::serialize(payload));
  }
}

TEST(Plan, PathsLeadFromTokenToTokenAndAddUp) {
  for (const auto& [what, spoil] : std::vector<std::pair<std::string, std::function<void(json::object&)>>>{
           {"no path", [](auto& p) { step(p, 1)["paths"] = json::array(); }},
           {"other amount in", [](auto& p) { path(p)["amount_in"] = "2499"; }},
           {"other amount out", [](auto& p) { path(p)["amount_out"] = "1.1"; }},
           {"other bound", [](auto& p) { path(p)["max_amount_in"] = "2525.000001"; }},
           {"the same path twice",
            [](auto& p) { step(p, 1)["paths"].as_array().push_back(json::value(path(p))); }},
           {"one token", [](auto& p) { path(p)["tokens"].as_array().pop_back(); }},
           {"from elsewhere",
            [](auto& p) {
              path(p)["tokens"].as_array()[0].as_object()["address"] = to_checksum(kDai.address);
            }},
           {"two fees for a pool", [](auto& p) { path(p)["fees"].as_array().push_back(500); }},
           {"no pool", [](auto& p) {
              for (const auto* key : {"pools", "fees", "ticks_crossed", "sqrt_price_x96_after"})
                path(p)[key] = json::array();
              path(p)["tokens"].as_array().pop_back();
            }}}) {
    auto payload = payload_of(sample_plan());
    spoil(payload);
    expect_invalid(payload, what);
  }
}

/// What records hold from before swaps had paths is read for ever.
TEST(Plan, ASwapInOnePoolWithoutPathsIsRead) {
  std::ifstream file(std::filesystem::path(SEP_SOURCE_DIR) /
                     "schema/samples/valid/payloads/plan.created/in_one_pool.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto payload = parse_json(text);
  ASSERT_TRUE(payload);
  const auto plan = plan_from_payload(payload->get_object());
  ASSERT_TRUE(plan) << plan.error().detail;
  const auto& swap = plan->swap();
  ASSERT_EQ(swap.paths.size(), 1U);
  const auto& path = swap.paths.front();
  EXPECT_EQ(path.amount_in, swap.amount_in);
  EXPECT_EQ(path.amount_out, swap.amount_out);
  EXPECT_EQ(path.bound, swap.bound);
  EXPECT_EQ(path.tokens, (std::vector<PathToken>{{swap.token_in.address, swap.token_in.symbol},
                                                 {swap.token_out.address, swap.token_out.symbol}}));
  ASSERT_EQ(path.hops.size(), 1U);
  EXPECT_EQ(to_checksum(path.hops[0].pool), "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640");
  EXPECT_EQ(path.hops[0].fee_pips, 500U);
  EXPECT_EQ(path.hops[0].ticks_crossed, 3U);
  EXPECT_EQ(to_string(path.hops[0].sqrt_price_x96_after), "1584563250285286751870879006720000");
  // Two pools of such a step could not be told into a path.
  auto two = payload->get_object();
  for (auto& one : two["steps"].as_array()) {
    if (!one.as_object().contains("pools")) continue;
    for (const auto* key : {"pools", "fees", "ticks_crossed", "sqrt_price_x96_after"}) {
      auto& list = one.as_object()[key].as_array();
      list.push_back(json::value(list[0]));
    }
  }
  expect_invalid(two, "two pools");
}

/// However the amounts lie: the parts are the bound, none is tighter than its quote, and each is within a
/// unit a path of its share.
RC_GTEST_PROP(PlanProperty, TheBoundIsDividedExactly, ()) {
  auto swap = any_plan().swap();
  const bool exact_input = swap.kind == SwapKind::kExactInput;
  const auto& quote = exact_input ? swap.amount_out : swap.amount_in;
  const auto any = any_amount();
  const auto bound = exact_input ? std::min(any, quote) : std::max(any, quote);
  set_bound(swap, bound);
  RC_ASSERT(swap.bound == bound);
  Uint256 sum;
  for (const auto& path : swap.paths) {
    const auto& part = exact_input ? path.amount_out : path.amount_in;
    if (exact_input) RC_ASSERT(path.bound <= part);
    if (!exact_input) RC_ASSERT(path.bound >= part);
    const auto share = quote.is_zero() ? Uint256() : mul_div(bound, part, quote).value();
    if (!quote.is_zero()) RC_ASSERT(path.bound >= share && path.bound - share <= Uint256(4U));
    sum = sum + path.bound;
  }
  RC_ASSERT(sum == bound);
}

TEST(Plan, TheLastStepIsTheOnlySwap) {
  auto payload = payload_of(sample_plan());
  payload["steps"] = json::array();
  expect_invalid(payload, "no steps");
  payload = payload_of(sample_plan());
  payload["steps"].as_array().pop_back();
  expect_invalid(payload, "an approval only");
  payload = payload_of(sample_plan());
  payload["steps"].as_array()[0] = payload["steps"].as_array()[1];
  expect_invalid(payload, "two swaps");
  payload = payload_of(sample_plan());
  step(payload, 1)["kind"] = "cancel";
  expect_invalid(payload, "a step of another kind");
}

TEST(Plan, UsdIsCutToSixDecimals) {
  EXPECT_EQ(format_usd(wad("2499.7654329")), "2499.765432");
  EXPECT_EQ(format_usd(wad("0.000000999999")), "0");
  EXPECT_EQ(format_usd(wad("12")), "12");
}

}  // namespace
}  // namespace sep::engine
