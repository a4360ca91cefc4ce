#include "engine/intent.h"

#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_support.h"

namespace sep::engine {
namespace {

using namespace test;
using testing::UnorderedElementsAre;

using Faults = std::vector<std::pair<std::string, std::string>>;  // pointer, code

std::pair<std::string, std::string> fault_at(std::string_view pointer, std::string_view code) {
  return {std::string(pointer), std::string(code)};
}

Faults faults_of(const json::object& document) {
  Faults faults;
  const auto parsed = parse_intent(document, settings().chain);
  if (parsed) return faults;
  for (const auto& error : parsed.error()) {
    EXPECT_FALSE(error.detail.empty()) << error.pointer;
    faults.emplace_back(error.pointer, error.code);
  }
  return faults;
}

json::object& asset(json::object& document, std::size_t index) {
  return document["assets"].as_array()[index].as_object();
}
json::object& constraints(json::object& document) {
  return document["constraints"].as_object();
}

TEST(Intent, AcquireIsReadWhole) {
  auto document = with_criteria(intent_document("acquire", "1.5"), {{"max_amount_in", "4000.25"},
                                                                    {"min_amount_out", "1.5"},
                                                                    {"max_gas_usd", "0.75"},
                                                                    {"max_price_impact", "0.002"},
                                                                    {"complete_within_ms", "60000"}});
  constraints(document)["execution_style"] = "aggressive";
  const auto parsed = parse_intent(document, settings().chain);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->strategy_id, "demo");
  EXPECT_EQ(parsed->type, IntentType::kAcquire);
  EXPECT_EQ(parsed->base, kWeth);
  EXPECT_EQ(parsed->quote, kUsdc);
  EXPECT_EQ(parsed->token_in(), kUsdc);
  EXPECT_EQ(parsed->token_out(), kWeth);
  EXPECT_EQ(parsed->amount, number("1500000000000000000"));
  EXPECT_EQ(parsed->max_slippage_wad, number("10000000000000000"));
  EXPECT_EQ(parsed->time_window_s, 300);
  EXPECT_EQ(parsed->style, ExecutionStyle::kAggressive);
  ASSERT_EQ(parsed->criteria.size(), 5U);
  EXPECT_EQ(parsed->criteria[0].metric, Metric::kMaxAmountIn);
  EXPECT_EQ(parsed->criteria[0].value, number("4000250000"));  // USDC pays: 6 decimals
  EXPECT_EQ(parsed->criteria[0].text, "4000.25");
  EXPECT_EQ(parsed->criteria[1].value, number("1500000000000000000"));
  EXPECT_EQ(parsed->criteria[2].value, number("750000000000000000"));
  EXPECT_EQ(parsed->criteria[3].value, number("2000000000000000"));
  EXPECT_EQ(parsed->criteria[4].value, number("60000"));
}

TEST(Intent, AnAddressInMixedCaseMustBeTheChecksumWhetherItsTokenIsKnownOrNot) {
  auto chain = settings().chain;
  for (auto& token : chain.tokens) token.checksum_address = to_checksum(token.address);
  const auto faults = [&](std::string_view address) {
    auto document = intent_document("acquire", "1.5");
    asset(document, 0)["address"] = address;
    const auto parsed = parse_intent(document, chain);
    return parsed ? Faults{}
                  : Faults{{parsed.error().front().pointer, std::string(parsed.error().front().code)}};
  };
  chain.tokens[0].address = parse_address("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2").value();
  chain.tokens[0].checksum_address = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
  auto& base = chain.tokens[0];
  base.symbol = intent_document("acquire", "1").at("assets").at(0).at("symbol").as_string();
  base.decimals = 18;
  EXPECT_EQ(faults("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"), Faults{});
  EXPECT_EQ(faults("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"), Faults{});
  EXPECT_EQ(faults("0xC02AAA39B223FE8D0A0E5C4F27EAD9083C756CC2"), Faults{});
  const Faults wrong_case{fault_at("/assets/0/address", errc::kInvalidValue)};
  EXPECT_EQ(faults("0xc02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"), wrong_case);
  EXPECT_EQ(faults("0xa0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"), wrong_case);  // of no token here
  EXPECT_EQ(faults("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
            Faults{fault_at("/assets/0/address", errc::kUnknownAsset)});
}

TEST(Intent, DisposeTurnsTheSidesAndStyleHasADefault) {
  const auto parsed = parse_intent(with_criteria(intent_document("dispose"), {{"min_amount_out", "2400.5"}}),
                                   settings().chain);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->token_in(), kWeth);
  EXPECT_EQ(parsed->token_out(), kUsdc);
  EXPECT_EQ(parsed->style, ExecutionStyle::kNormal);
  EXPECT_EQ(parsed->criteria[0].value, number("2400500000"));
}

TEST(Intent, AddressesAreTakenInEitherCase) {
  auto document = intent_document();
  asset(document, 0)["address"] = to_hex(kWeth.address);
  EXPECT_EQ(faults_of(document), Faults{});
}

struct Fault {
  std::string name;
  std::function<void(json::object&)> spoil;
  std::string pointer;
  std::string_view code;
};

std::vector<Fault> single_faults() {
  const auto drop = [](const char* key) { return [key](json::object& d) { d.erase(key); }; };
  const auto set = [](const char* key, json::value value) {
    return [key, value](json::object& d) { d[key] = value; };
  };
  const auto set_asset = [](std::size_t index, const char* key, json::value value) {
    return [=](json::object& d) { asset(d, index)[key] = value; };
  };
  const auto set_constraint = [](const char* key, json::value value) {
    return [=](json::object& d) { constraints(d)[key] = value; };
  };
  const auto criterion = [](json::value value) {
    return [value](json::object& d) { d["success_criteria"] = json::array{value}; };
  };
  const auto metric = [criterion](const char* name, json::value value) {
    return criterion(json::object{{"metric", name}, {"value", value}});
  };
  return {
      {"no_strategy", drop("strategy_id"), "/strategy_id", errc::kMissingField},
      {"strategy_number", set("strategy_id", 7), "/strategy_id", errc::kWrongType},
      {"strategy_empty", set("strategy_id", ""), "/strategy_id", errc::kInvalidValue},
      {"strategy_long", set("strategy_id", json::string(65, 'a')), "/strategy_id", errc::kInvalidValue},
      {"strategy_slash", set("strategy_id", "a/b"), "/strategy_id", errc::kInvalidValue},
      {"no_type", drop("intent_type"), "/intent_type", errc::kMissingField},
      {"type_number", set("intent_type", 1), "/intent_type", errc::kWrongType},
      {"type_unknown", set("intent_type", "swap"), "/intent_type", errc::kInvalidValue},
      {"no_assets", drop("assets"), "/assets", errc::kMissingField},
      {"assets_object", set("assets", json::object{}), "/assets", errc::kWrongType},
      {"one_asset", [](auto& d) { d["assets"].as_array().pop_back(); }, "/assets", errc::kInvalidValue},
      {"three_assets", [](auto& d) { d["assets"].as_array().push_back(d["assets"].as_array()[0]); },
       "/assets", errc::kInvalidValue},
      {"asset_text", [](auto& d) { d["assets"].as_array()[1] = "USDC"; }, "/assets/1", errc::kWrongType},
      {"asset_no_symbol", [](auto& d) { asset(d, 0).erase("symbol"); }, "/assets/0/symbol",
       errc::kMissingField},
      {"asset_no_chain", [](auto& d) { asset(d, 1).erase("chain"); }, "/assets/1/chain", errc::kMissingField},
      {"asset_no_address", [](auto& d) { asset(d, 0).erase("address"); }, "/assets/0/address",
       errc::kMissingField},
      {"asset_no_decimals", [](auto& d) { asset(d, 0).erase("decimals"); }, "/assets/0/decimals",
       errc::kMissingField},
      {"asset_decimals_text", set_asset(0, "decimals", "18"), "/assets/0/decimals", errc::kWrongType},
      {"other_chain", set_asset(0, "chain", "solana"), "/assets/0/chain", errc::kUnknownAsset},
      {"malformed_address", set_asset(0, "address", "0x12"), "/assets/0/address", errc::kInvalidValue},
      {"unknown_address", set_asset(1, "address", json::string(to_hex(address(0x77)))), "/assets/1/address",
       errc::kUnknownAsset},
      {"other_symbol", set_asset(1, "symbol", "USDT"), "/assets/1/symbol", errc::kUnknownAsset},
      {"other_decimals", set_asset(0, "decimals", 6), "/assets/0/decimals", errc::kUnknownAsset},
      {"negative_decimals", set_asset(0, "decimals", -18), "/assets/0/decimals", errc::kUnknownAsset},
      {"same_asset", [](auto& d) { d["assets"].as_array()[1] = d["assets"].as_array()[0]; }, "/assets/1",
       errc::kSameAsset},
      {"no_amount", drop("amount"), "/amount", errc::kMissingField},
      {"amount_number", set("amount", 1), "/amount", errc::kWrongType},
      {"amount_zero", set("amount", "0.0"), "/amount", errc::kInvalidAmount},
      {"amount_negative", set("amount", "-1"), "/amount", errc::kInvalidAmount},
      {"amount_exponent", set("amount", "1e3"), "/amount", errc::kInvalidAmount},
      {"amount_decimals", set("amount", "1.0000000000000000001"), "/amount", errc::kTooManyDecimals},
      {"amount_overflow", set("amount", json::string(61, '1')), "/amount", errc::kAmountOverflow},
      {"no_constraints", drop("constraints"), "/constraints", errc::kMissingField},
      {"constraints_text", set("constraints", "none"), "/constraints", errc::kWrongType},
      {"no_slippage", [](auto& d) { constraints(d).erase("max_slippage"); }, "/constraints/max_slippage",
       errc::kMissingField},
      {"slippage_number", set_constraint("max_slippage", 0), "/constraints/max_slippage", errc::kWrongType},
      {"slippage_one", set_constraint("max_slippage", "1"), "/constraints/max_slippage", errc::kInvalidValue},
      {"slippage_negative", set_constraint("max_slippage", "-0.1"), "/constraints/max_slippage",
       errc::kInvalidAmount},
      {"slippage_decimals", set_constraint("max_slippage", "0.0000000000000000001"),
       "/constraints/max_slippage", errc::kTooManyDecimals},
      {"no_window", [](auto& d) { constraints(d).erase("time_window"); }, "/constraints/time_window",
       errc::kMissingField},
      {"window_text", set_constraint("time_window", "300"), "/constraints/time_window", errc::kWrongType},
      {"window_zero", set_constraint("time_window", 0), "/constraints/time_window", errc::kInvalidValue},
      {"window_long", set_constraint("time_window", 86'401), "/constraints/time_window", errc::kInvalidValue},
      {"style_unknown", set_constraint("execution_style", "fast"), "/constraints/execution_style",
       errc::kInvalidValue},
      {"criteria_object", set("success_criteria", json::object{}), "/success_criteria", errc::kWrongType},
      {"criteria_many", set("success_criteria", json::array(17, json::object{})), "/success_criteria",
       errc::kInvalidValue},
      {"criterion_text", criterion("cheap"), "/success_criteria/0", errc::kWrongType},
      {"criterion_no_metric", criterion(json::object{{"value", "1"}}), "/success_criteria/0/metric",
       errc::kMissingField},
      {"criterion_no_value", criterion(json::object{{"metric", "max_gas_usd"}}), "/success_criteria/0/value",
       errc::kMissingField},
      {"criterion_unknown", metric("fun", "1"), "/success_criteria/0/metric", errc::kInvalidValue},
      {"criterion_number", metric("max_gas_usd", 1), "/success_criteria/0/value", errc::kWrongType},
      {"max_in_decimals", metric("max_amount_in", "1.0000001"), "/success_criteria/0/value",
       errc::kTooManyDecimals},
      {"within_ms_decimals", metric("complete_within_ms", "0.5"), "/success_criteria/0/value",
       errc::kTooManyDecimals},
      {"gas_usd_malformed", metric("max_gas_usd", "$1"), "/success_criteria/0/value", errc::kInvalidAmount},
  };
}

TEST(Intent, EveryFaultHasItsPointerAndCode) {
  std::set<std::string> names;
  for (const auto& fault : single_faults()) {
    auto document = intent_document();
    fault.spoil(document);
    EXPECT_EQ(faults_of(document), (Faults{{fault.pointer, std::string(fault.code)}})) << fault.name;
    EXPECT_TRUE(names.insert(fault.name).second) << fault.name;
  }
}

TEST(Intent, AllFaultsAreReportedAtOnce) {
  auto document = with_criteria(intent_document(), {{"max_gas_usd", "1"}, {"min_amount_out", "x"}});
  document["strategy_id"] = "";
  document["amount"] = "0";
  constraints(document)["max_slippage"] = "2";
  constraints(document)["time_window"] = -1;
  constraints(document)["execution_style"] = 3;
  EXPECT_THAT(faults_of(document),
              UnorderedElementsAre(fault_at("/strategy_id", errc::kInvalidValue),
                                   fault_at("/amount", errc::kInvalidAmount),
                                   fault_at("/constraints/max_slippage", errc::kInvalidValue),
                                   fault_at("/constraints/time_window", errc::kInvalidValue),
                                   fault_at("/constraints/execution_style", errc::kWrongType),
                                   fault_at("/success_criteria/1/value", errc::kInvalidAmount)));
  EXPECT_THAT(faults_of({}), UnorderedElementsAre(fault_at("/strategy_id", errc::kMissingField),
                                                  fault_at("/intent_type", errc::kMissingField),
                                                  fault_at("/assets", errc::kMissingField),
                                                  fault_at("/amount", errc::kMissingField),
                                                  fault_at("/constraints", errc::kMissingField)));
}

TEST(Intent, BothAssetsAreReportedAtOnce) {
  auto document = intent_document();
  asset(document, 0)["symbol"] = "ETH";
  asset(document, 1)["decimals"] = 18;
  EXPECT_THAT(faults_of(document), UnorderedElementsAre(fault_at("/assets/0/symbol", errc::kUnknownAsset),
                                                        fault_at("/assets/1/decimals", errc::kUnknownAsset)));
}

TEST(Intent, BoundsOfTheWindowAndOfSlippageAreInside) {
  for (const auto window : {1, 86'400}) {
    auto document = intent_document();
    constraints(document)["time_window"] = window;
    EXPECT_EQ(faults_of(document), Faults{}) << window;
  }
  for (const auto* slippage : {"0", "0.999999999999999999"}) {
    auto document = intent_document();
    constraints(document)["max_slippage"] = slippage;
    EXPECT_EQ(faults_of(document), Faults{}) << slippage;
  }
}

}  // namespace
}  // namespace sep::engine
