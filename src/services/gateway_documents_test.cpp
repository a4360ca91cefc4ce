#include "services/gateway_documents.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/version.h"
#include "engine/test_support.h"
#include "gateway/validation.h"
#include "services/heartbeat.h"

namespace sep::services {
namespace {

using namespace engine::test;
using engine::MarketState;
using engine::Settings;
using testing::HasSubstr;

void expect_valid(gateway::SchemaId schema, const json::object& document) {
  for (const auto& fault : gateway::validate(schema, document))
    ADD_FAILURE() << fault.pointer << " " << fault.code << " " << fault.message << "\n"
                  << json::serialize(document);
}

Settings platform() {
  auto made = settings();
  made.market.max_age_ms = 5'000;
  return made;
}

/// Members of a list by their "name".
json::object named(const json::value& list, std::string_view name) {
  for (const auto& entry : list.as_array())
    if (entry.at("name").as_string() == name) return entry.as_object();
  ADD_FAILURE() << "no " << name << " in " << json::serialize(list);
  return {};
}

json::object token_of(const json::object& account, std::string_view symbol) {
  for (const auto& token : account.at("tokens").as_array())
    if (token.at("asset").at("symbol").as_string() == symbol) return token.as_object();
  ADD_FAILURE() << "no " << symbol;
  return {};
}

// --- the account

TEST(Account, IsNotKnownBeforeTheFirstState) {
  EXPECT_EQ(account_json({}, {}, platform(), {}, kNow).error().code, errc::kNotReady);
  auto state = market();
  state.account.reset();
  EXPECT_EQ(account_json(state, valuation(state), platform(), {}, kNow).error().code, errc::kNotReady);
}

TEST(Account, TellsWhatItHoldsAndWhatThatIsWorth) {
  auto state = market();
  state.account->balances[kUsdc.address] = units("12.5", kUsdc);
  state.account->balances.erase(kWbtc.address);
  state.account->allowances[kUsdc.address] = units("3.25", kUsdc);
  const auto account = account_json(state, valuation(state), platform(), {}, kNow);
  ASSERT_TRUE(account);
  expect_valid("api/account", *account);
  EXPECT_EQ(account->at("address").as_string(), to_checksum(kAccount));
  EXPECT_EQ(account->at("block_number"), 100);
  EXPECT_EQ(account->at("as_of").as_string(), to_rfc3339(kNow.plus_ms(-100)));
  EXPECT_EQ(account->at("fresh"), true);
  EXPECT_FALSE(account->contains("detail"));
  EXPECT_EQ(account->at("native").at("symbol"), "ETH");
  EXPECT_EQ(account->at("native").at("balance"), "10");

  const auto usdc = token_of(*account, "USDC");
  EXPECT_EQ(usdc.at("balance"), "12.5");
  EXPECT_EQ(usdc.at("allowance"), "3.25");
  EXPECT_EQ(usdc.at("price_usd"), "1");
  EXPECT_EQ(usdc.at("value_usd"), "12.5");
  const auto weth = token_of(*account, "WETH");
  const auto price = parse_decimal(string_or(weth, "price_usd"), 6).value();
  EXPECT_GT(price, units("2450", kUsdc));
  EXPECT_LT(price, units("2550", kUsdc));
  // Ten of the coin are worth ten of its wrapped token, each rounded up by itself.
  const auto ten = parse_decimal(string_or(account->at("native").as_object(), "value_usd"), 6).value();
  EXPECT_LE(ten, price * Uint256(10U));
  EXPECT_GE(ten + Uint256(10U), price * Uint256(10U));
  // No pool leads from WBTC to a stablecoin.
  const auto wbtc = token_of(*account, "WBTC");
  EXPECT_EQ(wbtc.at("balance"), "0");
  EXPECT_EQ(wbtc.at("allowance"), "0");
  EXPECT_TRUE(wbtc.at("price_usd").is_null());
  EXPECT_TRUE(wbtc.at("value_usd").is_null());
}

TEST(Account, ValuesAreRoundedUp) {
  auto state = market();
  state.account->balances[kDai.address] = wad("0.0000001");
  EXPECT_EQ(token_of(*account_json(state, valuation(state), platform(), {}, kNow), "DAI").at("value_usd"),
            "0.000001");
  state.account->balances[kDai.address] = wad("7.000000000000000001");
  EXPECT_EQ(token_of(*account_json(state, valuation(state), platform(), {}, kNow), "DAI").at("value_usd"),
            "7.000001");
  state.account->balances[kDai.address] = wad("7");
  EXPECT_EQ(token_of(*account_json(state, valuation(state), platform(), {}, kNow), "DAI").at("value_usd"),
            "7");
}

TEST(Account, SaysWhyItMayNotBeTradedOn) {
  const auto account = account_json(market(), valuation(market()), platform(), {}, kNow.plus_ms(60'000));
  expect_valid("api/account", *account);
  EXPECT_EQ(account->at("fresh"), false);
  EXPECT_THAT(string_or(*account, "detail"), HasSubstr("60100 ms ago"));
}

// --- the platform

TEST(Platform, TellsTheSettings) {
  auto made = platform();
  made.risk.allowed_tokens = {"WETH", "USDC"};
  made.risk.max_notional_usd_wad = wad("2500.5");
  made.execution.allowance = engine::AllowanceMode::kStanding;
  made.execution.normal.reward_percentile = 60;
  const auto document = platform_json(made);
  expect_valid("api/platform", document);
  EXPECT_EQ(document.at("version").as_string(), version());
  EXPECT_EQ(document.at("chain").at("chain_id"), 31'337);
  const auto& limits = document.at("limits").as_object();
  EXPECT_EQ(limits.at("max_notional_usd"), "2500.5");
  EXPECT_EQ(limits.at("max_slippage"), "0.05");
  EXPECT_EQ(limits.at("max_fee_per_gas"), "100000000000");
  EXPECT_EQ(limits.at("max_time_window"), 86'400);
  EXPECT_EQ(limits.at("bump_percent"), "12.5");
  EXPECT_TRUE(limits.at("max_gas_usd").is_null());
  made.execution.max_gas_usd_wad = wad("250.5");
  made.execution.bump_basis_points = 2'000;
  const auto bounded = platform_json(made);
  expect_valid("api/platform", bounded);
  EXPECT_EQ(bounded.at("limits").at("max_gas_usd"), "250.5");
  EXPECT_EQ(bounded.at("limits").at("bump_percent"), "20");
  EXPECT_EQ(limits.at("allowed_tokens"), (json::array{"WETH", "USDC"}));
  const auto& styles = document.at("execution_styles").as_object();
  EXPECT_EQ(styles.at("passive").at("base_fee_multiplier_percent"), 120);
  EXPECT_EQ(styles.at("normal").at("max_priority_fee_per_gas"), "1000000000");
  EXPECT_EQ(styles.at("aggressive").at("bump_after_ms"), 10'000);
  EXPECT_EQ(styles.at("normal").at("reward_percentile"), 60);
  EXPECT_EQ(document.at("allowance"), "standing");
}

TEST(Platform, ItsTokensAreATokenList) {
  const auto list = assets_json(platform(), kNow);
  expect_valid("api/token_list", list);
  EXPECT_EQ(list.at("tokens").as_array().size(), 4U);
}

// --- the status

PartAnswers silent() {
  return PartAnswers({errc::kTimeout, "does not answer within 1 s", {}});
}

PartAnswers sound() {
  auto parts = silent();
  parts.nats_connected = true;
  parts.head = json::object{{"global_sequence", 41},
                            {"projected_global_sequence", 41},
                            {"record_engine", "timescaledb"},
                            {"next_nonces", {{to_hex(kAccount), 7}}}};
  parts.redis = {};
  for (auto& queue : parts.queues) queue = bus::ConsumerInfo{};
  parts.feed_head = 41;
  return parts;
}

json::object status_of(const PartAnswers& parts, const MarketState& state = market(), Timestamp now = kNow) {
  auto document =
      status_json(parts, state, valuation(state), platform(), {}, Attendance().services(now), now);
  expect_valid("api/status", document);
  return document;
}

TEST(PlatformStatus, ShowsTheNodesEndpointsAndThatNothingIsDecided) {
  auto parts = sound();
  EXPECT_FALSE(status_of(parts).contains("endpoints"));
  parts.endpoints = {json::object{{"name", "a"},
                                  {"ok", false},
                                  {"detail", "lags"},
                                  {"read", true},
                                  {"submit", true},
                                  {"block_number", 7},
                                  {"lag_blocks", 4}}};
  EXPECT_EQ(status_of(parts).at("endpoints"), parts.endpoints);
  EXPECT_EQ(status_of(parts).at("ready"), true) << "one of several may be ill";
  parts.undecided = "orchestrator: nothing is decided";
  const auto status = status_of(parts);
  EXPECT_EQ(status.at("ready"), false);
  EXPECT_THAT(std::string(named(status.at("dependencies"), "node").at("detail").as_string()),
              HasSubstr("nothing is decided"));
}

TEST(PlatformStatus, OfASoundPlatform) {
  const auto status = status_of(sound());
  EXPECT_EQ(status.at("ready"), true);
  EXPECT_EQ(status.at("now").as_string(), to_rfc3339(kNow));
  EXPECT_EQ(status.at("record").at("ok"), true);
  EXPECT_EQ(status.at("record").at("engine"), "timescaledb");
  EXPECT_EQ(status.at("record").at("last_global_sequence"), 41);
  for (const auto* name : {"nats", "record", "redis", "node"})
    EXPECT_EQ(named(status.at("dependencies"), name).at("ok"), true) << name;
  for (const auto* name : {"intents-workers", "intents-cancels", "planner-workers", "orchestrator-workers",
                           "read-models", "gateway-feed"}) {
    const auto stream = named(status.at("streams"), name);
    EXPECT_EQ(stream.at("ok"), true) << name;
    EXPECT_EQ(stream.at("pending"), 0) << name;
  }
  EXPECT_EQ(status.at("services").as_array().size(), service_names().size());
  EXPECT_EQ(status.at("chain").at("block_number"), 100);
  EXPECT_EQ(status.at("chain").at("age_ms"), 100);
  EXPECT_EQ(status.at("chain").at("base_fee_per_gas"), "10000000000");
  EXPECT_EQ(status.at("signer").at("balance"), "10");
  EXPECT_EQ(status.at("signer").at("nonce"), 7);
}

TEST(PlatformStatus, EachPartThatIsSilentIsToldBySelf) {
  auto parts = sound();
  parts.redis = fail(errc::kTimeout, "silent");
  auto status = status_of(parts);
  EXPECT_EQ(status.at("ready"), false);
  EXPECT_EQ(named(status.at("dependencies"), "redis").at("ok"), false);
  EXPECT_EQ(named(status.at("dependencies"), "redis").at("detail"), "silent");
  EXPECT_EQ(named(status.at("dependencies"), "record").at("ok"), true);

  parts = sound();
  parts.head = fail(errc::kTimeout, "silent");
  status = status_of(parts);
  EXPECT_EQ(status.at("record").at("ok"), false);
  EXPECT_EQ(status.at("record").at("engine"), "");
  EXPECT_EQ(named(status.at("streams"), "read-models").at("ok"), false);
  EXPECT_EQ(named(status.at("streams"), "gateway-feed").at("ok"), false);
  EXPECT_EQ(named(status.at("streams"), "planner-workers").at("ok"), true);
  EXPECT_FALSE(status.at("signer").as_object().contains("nonce"));

  status = status_of(silent());
  EXPECT_EQ(status.at("ready"), false);
  for (const auto& stream : status.at("streams").as_array()) EXPECT_EQ(stream.at("ok"), false);
}

TEST(PlatformStatus, AServerThatStandsStillIsNotConnected) {
  const auto nats = [](const PartAnswers& parts) {
    return named(status_of(parts).at("dependencies"), "nats").at("ok").as_bool();
  };
  auto parts = sound();
  EXPECT_TRUE(nats(parts));
  for (auto& queue : parts.queues) queue = fail(errc::kNotFound, "no such consumer");
  EXPECT_TRUE(nats(parts));
  for (auto& queue : parts.queues) queue = fail(errc::kTimeout, "silent");
  EXPECT_FALSE(nats(parts));
  parts = sound();
  parts.nats_connected = false;
  EXPECT_FALSE(nats(parts));
}

TEST(PlatformStatus, LagIsWhatIsNotDone) {
  auto parts = sound();
  parts.head->at("global_sequence") = 2'000;
  parts.feed_head = 1'990;
  parts.queues[2] = bus::ConsumerInfo{.pending = 3, .unacknowledged = 2};
  parts.queues[3] = bus::ConsumerInfo{.pending = 1'000, .unacknowledged = 1};
  const auto streams = status_of(parts).at("streams");
  EXPECT_EQ(named(streams, "gateway-feed").at("pending"), 10);
  EXPECT_EQ(named(streams, "gateway-feed").at("ok"), true);
  EXPECT_EQ(named(streams, "read-models").at("pending"), 1'959);
  EXPECT_EQ(named(streams, "read-models").at("ok"), false);
  EXPECT_EQ(named(streams, "planner-workers").at("pending"), 3);
  EXPECT_EQ(named(streams, "planner-workers").at("unacknowledged"), 2);
  EXPECT_EQ(named(streams, "planner-workers").at("ok"), true);
  EXPECT_EQ(named(streams, "orchestrator-workers").at("ok"), false);
  // The feed may have brought more since the record was asked.
  parts.feed_head = 2'001;
  EXPECT_EQ(named(status_of(parts).at("streams"), "gateway-feed").at("pending"), 0);
}

TEST(PlatformStatus, APoolThatIsNotPricedSaysWhy) {
  auto state = market({usdc_weth(0xa1), usdc_weth(0xa2, 3000)});
  state.pools[1].quarantine = "a Swap log differs";
  auto pools = status_of(sound(), state).at("pools").as_array();
  ASSERT_EQ(pools.size(), 2U);
  EXPECT_EQ(pools[0].at("ok"), true);
  EXPECT_EQ(pools[0].at("token0"), "USDC");
  EXPECT_EQ(pools[0].at("token1"), "WETH");
  EXPECT_EQ(pools[0].at("fee"), 500);
  EXPECT_EQ(pools[0].at("ticks"), 2);
  EXPECT_EQ(pools[0].at("age_ms"), 100);
  EXPECT_EQ(pools[1].at("ok"), false);
  EXPECT_EQ(pools[1].at("detail"), "a Swap log differs");
  // Of a node that is silent, no pool is priced.
  const auto stale = status_of(sound(), state, kNow.plus_ms(60'000));
  EXPECT_EQ(stale.at("pools").at(0).at("ok"), false);
  EXPECT_EQ(stale.at("pools").at(0).at("age_ms"), 60'100);
  EXPECT_EQ(named(stale.at("dependencies"), "node").at("ok"), false);
}

TEST(PlatformStatus, BeforeTheFirstStateOfTheMarket) {
  const auto status = status_of(sound(), {});
  EXPECT_EQ(status.at("ready"), false);
  EXPECT_FALSE(status.contains("chain"));
  EXPECT_FALSE(status.contains("signer"));
  EXPECT_TRUE(status.at("pools").as_array().empty());
}

TEST(PlatformStatus, ASignerThatNeverSentAnythingBeginsAtZero) {
  auto parts = sound();
  parts.head->at("next_nonces") = json::object{};
  EXPECT_EQ(status_of(parts).at("signer").at("nonce"), 0);
}

TEST(PlatformStatus, TellsWhatIsHaltedByWhomAndWhy) {
  const auto halted = [](const std::string& id, engine::ControlReason why) {
    return engine::Control{.correlation_id = id,
                           .sequence = 1,
                           .state = engine::ControlState::kHalted,
                           .since = kNow.plus_ms(-5'000),
                           .why = std::move(why)};
  };
  const auto running = status_of(sound());
  EXPECT_TRUE(running.at("halted").is_null());
  EXPECT_TRUE(running.at("signer").at("halted").is_null());

  const auto signer = engine::correlation_of(engine::SignerId{platform().chain.chain_id, kAccount});
  const engine::Controls controls{
      {"control", halted("control", {.reason = "USER_REQUEST", .detail = "looks wrong", .by = "ops@desk"})},
      {signer, halted(signer, {.reason = "FOREIGN_NONCE", .by = "orchestrator", .nonce = 7})}};
  const auto status = status_json(sound(), market(), valuation(market()), platform(), controls,
                                  Attendance().services(kNow), kNow);
  expect_valid("api/status", status);
  const json::object all{{"since", to_rfc3339(kNow.plus_ms(-5'000))},
                         {"by", "ops@desk"},
                         {"reason", "USER_REQUEST"},
                         {"detail", "looks wrong"}};
  const json::object account{{"since", to_rfc3339(kNow.plus_ms(-5'000))},
                             {"by", "orchestrator"},
                             {"reason", "FOREIGN_NONCE"},
                             {"detail", ""},
                             {"nonce", 7U}};
  EXPECT_EQ(status.at("halted"), all);
  EXPECT_EQ(status.at("signer").at("halted"), account);
  EXPECT_EQ(status.at("ready"), true);
  const auto holdings = account_json(market(), valuation(market()), platform(), controls, kNow);
  ASSERT_TRUE(holdings.has_value());
  expect_valid("api/account", *holdings);
  EXPECT_EQ(holdings->at("halted"), account);
}

TEST(Readiness, NeedsEveryPart) {
  const auto ready = readiness_of(sound(), market(), platform(), kNow);
  EXPECT_TRUE(ready.ready);
  expect_valid("api/readiness", ready.document);
  const auto stale = readiness_of(sound(), market(), platform(), kNow.plus_ms(60'000));
  EXPECT_FALSE(stale.ready);
  EXPECT_EQ(stale.document.at("dependencies").at("market").at("ok"), false);
  EXPECT_FALSE(readiness_of(silent(), market(), platform(), kNow).ready);
}

TEST(Pong, SaysHowOldTheChainsHeadIs) {
  EXPECT_EQ(pong_members({}, kNow), json::object{});
  EXPECT_EQ(pong_members(market(), kNow), (json::object{{"blockNumber", 100}, {"blockAgeMs", 100}}));
  // The node's confirmation may carry a clock that is ahead.
  EXPECT_EQ(pong_members(market(), kNow.plus_ms(-500)),
            (json::object{{"blockNumber", 100}, {"blockAgeMs", 0}}));
}

}  // namespace
}  // namespace sep::services
