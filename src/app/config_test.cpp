#include "app/config.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/decimal.h"
#include "ethereum/address.h"

namespace sep::app {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kConfigFolder = std::filesystem::path(SEP_SOURCE_DIR) / "config";

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sep-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  /// config/devnet.toml with `overlay` over it.
  Result<engine::Settings> load_over_devnet(std::string_view overlay) const {
    const std::vector files = {kConfigFolder / "devnet.toml", write("over.toml", overlay)};
    return load_settings(files);
  }
  /// The faults of devnet.toml with `overlay`.
  std::string faults(std::string_view overlay) const {
    const auto settings = load_over_devnet(overlay);
    if (settings) return "none";
    EXPECT_EQ(settings.error().code, errc::kConfiguration);
    return settings.error().detail;
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigTest, ReadsTheLocalChain) {
  const std::vector files = {kConfigFolder / "devnet.toml"};
  const auto settings = load_settings(files);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->chain.chain_id, 31337);
  EXPECT_EQ(settings->chain.name, "ethereum");
  ASSERT_EQ(settings->chain.tokens.size(), 4);
  EXPECT_EQ(settings->chain.tokens[1].symbol, "USDC");
  EXPECT_EQ(settings->chain.tokens[1].decimals, 6);
  EXPECT_TRUE(settings->chain.tokens[1].stablecoin);
  EXPECT_FALSE(settings->chain.tokens[2].stablecoin);
  EXPECT_EQ(settings->chain.contracts.weth, settings->chain.tokens[0].address);
  ASSERT_EQ(settings->chain.pools.size(), 4);
  EXPECT_EQ(settings->chain.pools[3].fee_pips, 100);
  EXPECT_EQ(settings->market.max_block_age_s, std::nullopt);
  EXPECT_EQ(format_amount(settings->risk.max_notional_usd_wad, 18), "10000");
  EXPECT_EQ(format_amount(settings->risk.max_slippage_wad, 18), "0.05");
  EXPECT_EQ(settings->execution.allowance, engine::AllowanceMode::kExact);
  EXPECT_EQ(settings->execution.passive.max_priority_fee_per_gas_wei, 100'000'000);
  EXPECT_EQ(settings->execution.aggressive.bump_after_ms, 12'000);
  EXPECT_EQ(settings->signer.kind, engine::SignerSettings::Kind::kDevnet);
}

TEST_F(ConfigTest, ReadsHowFeesAreRaisedAndBounded) {
  const auto settings = load_over_devnet("[execution]\nbump_percent = \"20.25\"\nmax_gas_usd = \"7.5\"\n");
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->execution.bump_basis_points, 2'025);
  EXPECT_EQ(format_amount(*settings->execution.max_gas_usd_wad, 18), "7.5");
  EXPECT_EQ(settings->execution.min_priority_fee_per_gas_wei, 10'000'000);
  EXPECT_EQ(settings->execution.passive.reward_percentile, 10);
  EXPECT_EQ(settings->execution.aggressive.reward_percentile, 90);
  EXPECT_FALSE(load_over_devnet("[execution]\nmax_gas_usd = \"0\"\n")->execution.max_gas_usd_wad);
  EXPECT_THAT(faults("[execution]\nbump_percent = \"12.49\"\n"),
              HasSubstr("execution.bump_percent: must be from 12.5 to 100"));
  EXPECT_THAT(faults("[execution]\nbump_percent = \"101\"\n"), HasSubstr("from 12.5 to 100"));
  EXPECT_THAT(faults("[execution]\nmin_priority_fee_per_gas_gwei = \"2\"\n"),
              HasSubstr("must not be below execution.min_priority_fee_per_gas_gwei"));
  EXPECT_THAT(faults("[execution.normal]\nreward_percentile = 100\n"), HasSubstr("from 1 to 99"));
}

TEST_F(ConfigTest, ReadsTheOtherShippedFiles) {
  const std::vector fork = {kConfigFolder / "mainnet-fork.toml"};
  const auto forked = load_settings(fork);
  EXPECT_TRUE(forked) << forked.error().detail;

  const std::vector sepolia = {kConfigFolder / "sepolia.toml",
                               write("mine.toml", "signer = {keystore = \"k\", password_file = \"p\"}")};
  const auto test_net = load_settings(sepolia);
  ASSERT_TRUE(test_net) << test_net.error().detail;
  EXPECT_EQ(test_net->signer.kind, engine::SignerSettings::Kind::kKeystore);
  EXPECT_EQ(test_net->signer.keystore_path, "k");
  EXPECT_EQ(test_net->market.max_block_age_s, 120);
}

TEST_F(ConfigTest, PaperNeedsNoChainNoSignerAndNoFees) {
  const std::vector files = {kConfigFolder / "paper.toml"};
  const auto settings = load_settings(files);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_TRUE(settings->on_paper());
  EXPECT_EQ(settings->market.pools_file, kConfigFolder / "paper-pools.json");
  const auto usdc = std::ranges::find(settings->chain.tokens, "USDC", &engine::Token::symbol)->address;
  EXPECT_EQ(format_amount(settings->paper.balances.at(usdc), 6), "1000000000");
}

TEST_F(ConfigTest, PaperAtLivePricesKeepsItsNode) {
  const auto settings = load_over_devnet(R"(
    [chain]
    rpc_url = "http://127.0.0.1:8545"
    [execution]
    venue = "paper"
    [paper.balances]
    WETH = "1.5"
  )");
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_TRUE(settings->on_paper());
  EXPECT_TRUE(settings->market.pools_file.empty());
}

TEST_F(ConfigTest, PoolsOfAFileAreForPaperAndInPlaceOfANode) {
  const auto traded = load_over_devnet("[market]\npools_file = \"pools.json\"");
  ASSERT_FALSE(traded);
  EXPECT_THAT(traded.error().detail, HasSubstr("market.pools_file: is for execution.venue = \"paper\""));
  const auto both = load_over_devnet(R"(
    [chain]
    rpc_url = "http://127.0.0.1:8545"
    [execution]
    venue = "paper"
    [market]
    pools_file = "pools.json"
  )");
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().detail, HasSubstr("market.pools_file: cannot stand beside a node"));
  const auto unknown = load_over_devnet("[execution]\nvenue = \"paperr\"");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().detail, HasSubstr("execution.venue: must be"));
}

TEST_F(ConfigTest, RiskLimitsThatNoFileNamesAreTheContractsDefaults) {
  std::ifstream file(kConfigFolder / "devnet.toml");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto begin = text.find("[risk]");
  text.erase(begin, text.find("[execution]") - begin);
  const std::vector files = {write("bare.toml", text)};
  const auto settings = load_settings(files);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(format_amount(settings->risk.max_notional_usd_wad, 18), "10000");
  EXPECT_EQ(format_amount(settings->risk.max_slippage_wad, 18), "0.05");
}

TEST_F(ConfigTest, ALaterFileReplacesSingleKeysAndWholeLists) {
  const auto settings = load_over_devnet(R"(
    [chain]
    rpc_url = "http://127.0.0.1:8545"
    [execution.normal]
    bump_after_ms = 1234
    [risk]
    allowed_tokens = ["WETH", "USDC"]
    [[pool]]
    token_a = "USDC"
    token_b = "WETH"
    fee = 10000
  )");
  ASSERT_TRUE(settings) << settings.error().detail;
  ASSERT_EQ(settings->chain.endpoints.size(), 1);
  EXPECT_EQ(settings->chain.endpoints[0].rpc_url, "http://127.0.0.1:8545");
  EXPECT_EQ(settings->chain.chain_id, 31337) << "its neighbours stay";
  EXPECT_EQ(settings->execution.normal.bump_after_ms, 1234);
  EXPECT_EQ(settings->execution.normal.base_fee_multiplier_percent, 200);
  EXPECT_THAT(settings->risk.allowed_tokens, testing::ElementsAre("WETH", "USDC"));
  ASSERT_EQ(settings->chain.pools.size(), 1);
  EXPECT_EQ(settings->chain.pools[0].fee_pips, 10000);
}

TEST_F(ConfigTest, NamesFileLineAndKeyOfEveryFault) {
  const std::string text = faults(
      "[chain]\n"
      "confirmations = 0\n"
      "[risk]\n"
      "max_slipage = \"0.01\"\n"
      "kill_switch = \"yes\"\n");
  const std::string file = (folder_ / "over.toml").string();
  EXPECT_THAT(text, HasSubstr(file + ":2: chain.confirmations: must be an integer from 1 to 1000"));
  EXPECT_THAT(text, HasSubstr(file + ":4: risk.max_slipage: is not a known key"));
  EXPECT_THAT(text, HasSubstr(file + ":5: risk.kill_switch: must be true or false"));
}

TEST_F(ConfigTest, NamesTheFileOfAFaultInTheFirstOfTwo) {
  const std::string text = faults("chain.chain_id = 1");
  EXPECT_THAT(text, AllOf(HasSubstr("devnet.toml:"), HasSubstr("signer.kind"), HasSubstr("not on 1")));
}

TEST_F(ConfigTest, RefusesFloatsForAmounts) {
  EXPECT_THAT(faults("risk.max_slippage = 0.05"),
              HasSubstr("risk.max_slippage: must be a decimal number in quotes"));
  EXPECT_THAT(faults("risk.max_notional_usd = 10000"), HasSubstr("in quotes"));
  EXPECT_THAT(faults("risk.max_notional_usd = \"1e4\""), HasSubstr("risk.max_notional_usd"));
}

TEST_F(ConfigTest, RefusesValuesOutOfRange) {
  EXPECT_THAT(faults("risk.max_slippage = \"1\""), HasSubstr("risk.max_slippage: must be below 1"));
  EXPECT_THAT(faults("gateway.port = 65536"), HasSubstr("gateway.port: must be an integer from 0 to 65535"));
  EXPECT_THAT(faults("execution.max_gas_limit = -1"), HasSubstr("execution.max_gas_limit"));
  EXPECT_THAT(faults("execution.allowance = \"infinite\""), HasSubstr("execution.allowance: must be"));
  EXPECT_THAT(faults("execution.allowance = \"standing\""), HasSubstr("execution.standing_allowance_cap"));
  EXPECT_THAT(faults("execution.max_fee_per_gas_gwei = \"2\""),
              HasSubstr("execution.aggressive.max_priority_fee_per_gas_gwei: must not be above"));
  EXPECT_THAT(faults("chain.rpc_url = \"127.0.0.1:8545\""),
              HasSubstr("chain.rpc_url: must start with http://"));
}

TEST_F(ConfigTest, ReadsSeveralEndpointsOfOneChain) {
  const auto settings = load_over_devnet(R"(
    [[chain.endpoint]]
    name = "own"
    ipc_path = "/run/geth.ipc"
    submit = false
    [[chain.endpoint]]
    rpc_url = "https://node.example/v3/key"
    ws_url = "wss://node.example/v3/key"
    [[chain.endpoint]]
    name = "private"
    rpc_url = "https://relay.example"
    read = false
  )");
  ASSERT_TRUE(settings) << settings.error().detail;
  using Endpoint = engine::NodeEndpoint;
  EXPECT_THAT(settings->chain.endpoints,
              testing::ElementsAre(
                  Endpoint{.name = "own", .ipc_path = "/run/geth.ipc", .read = true, .submit = false},
                  Endpoint{.rpc_url = "https://node.example/v3/key", .ws_url = "wss://node.example/v3/key"},
                  Endpoint{.name = "private", .rpc_url = "https://relay.example", .read = false}));
}

TEST_F(ConfigTest, RefusesEndpointsThatContradictEachOther) {
  const std::string one = "[[chain.endpoint]]\nrpc_url = \"http://a\"\n";
  EXPECT_THAT(faults("chain.rpc_url = \"http://b\"\n" + one),
              HasSubstr("chain.endpoint: cannot stand beside chain.rpc_url"));
  EXPECT_THAT(faults(one + one), HasSubstr("chain.endpoint[1].rpc_url: is there twice"));
  EXPECT_THAT(faults(one + "name = \"n\"\n[[chain.endpoint]]\nrpc_url = \"http://b\"\nname = \"n\""),
              HasSubstr("chain.endpoint[1].name: n is there twice"));
  EXPECT_THAT(faults("[[chain.endpoint]]\nname = \"n\""),
              HasSubstr("chain.endpoint[0].rpc_url: is missing: an endpoint needs"));
  EXPECT_THAT(faults(one + "read = false"), HasSubstr("chain.endpoint: at least one must have read = true"));
  EXPECT_THAT(faults(one + "submit = false"), HasSubstr("at least one must have submit = true"));
  EXPECT_THAT(faults(one + "read = false\nsubmit = false"),
              HasSubstr("chain.endpoint[0].read: must not be false"));
  EXPECT_THAT(faults(one + "rpc = \"http://b\""), HasSubstr("chain.endpoint[0].rpc: is not a known key"));
  EXPECT_THAT(faults("chain.max_lag_blocks = -1"), HasSubstr("chain.max_lag_blocks: must be an integer"));
  EXPECT_THAT(faults("chain.rpc_timeout_ms = 1"), HasSubstr("chain.rpc_timeout_ms: must be an integer"));
}

TEST_F(ConfigTest, RefusesAddressesWithoutChecksum) {
  // Sepolia's factory with one digit changed, and in lower case.
  EXPECT_THAT(
      faults("contracts.factory = \"0x0227628f3F023bb0B980b67D528571c95c6DaC1d\""),
      HasSubstr("contracts.factory: \"0x0227628f3F023bb0B980b67D528571c95c6DaC1d\" is not an address"));
  EXPECT_THAT(faults("contracts.factory = \"0x0227628f3f023bb0b980b67d528571c95c6dac1c\""),
              HasSubstr("EIP-55"));
  EXPECT_THAT(faults("contracts.factory = \"0x0000000000000000000000000000000000000000\""),
              HasSubstr("zero address"));
  EXPECT_EQ(faults("contracts.factory = \"0x0227628f3F023bb0B980b67D528571c95c6DaC1c\""), "none");
}

TEST_F(ConfigTest, RefusesTokensThatAreThereTwice) {
  const std::string text = faults(R"(
    [[token]]
    symbol = "WETH"
    name = "Wrapped Ether"
    address = "0x700b6A60ce7EaaEA56F065753d8dcB9653dbAD35"
    decimals = 18
    [[token]]
    symbol = "WETH"
    name = "Another"
    address = "0x700b6A60ce7EaaEA56F065753d8dcB9653dbAD35"
    decimals = 18
  )");
  EXPECT_THAT(text, HasSubstr("token[1].symbol: WETH is there twice"));
  EXPECT_THAT(text, HasSubstr("token[1].address"));
  EXPECT_THAT(text, HasSubstr("pool[0].token_b: USDC is not a configured token"));
}

TEST_F(ConfigTest, RefusesPoolsThatCannotBe) {
  EXPECT_THAT(faults("[[pool]]\ntoken_a = \"WETH\"\ntoken_b = \"WETH\"\nfee = 500"),
              HasSubstr("pool[0].token_b: must be another token"));
  EXPECT_THAT(faults("[[pool]]\ntoken_a = \"WETH\"\ntoken_b = \"PEPE\"\nfee = 500"),
              HasSubstr("pool[0].token_b: PEPE is not a configured token"));
  EXPECT_THAT(faults("[[pool]]\ntoken_a = \"WETH\"\ntoken_b = \"USDC\"\nfee = 500\n"
                     "[[pool]]\ntoken_a = \"USDC\"\ntoken_b = \"WETH\"\nfee = 500"),
              HasSubstr("pool[1].fee: the pool USDC/WETH 500 is there twice"));
  EXPECT_THAT(faults("[[pool]]\ntoken_a = \"WETH\"\ntoken_b = \"USDC\""),
              HasSubstr("pool[0].fee: is missing"));
  EXPECT_THAT(faults("pool = []"), HasSubstr("pool: must be a list of tables"));
  EXPECT_THAT(faults("risk.allowed_tokens = [\"PEPE\"]"), HasSubstr("risk.allowed_tokens: PEPE"));
}

TEST_F(ConfigTest, RefusesAWethThatIsNoToken) {
  EXPECT_THAT(faults("contracts.weth = \"0x0227628f3F023bb0B980b67D528571c95c6DaC1c\""),
              HasSubstr("contracts: weth must be one of the tokens"));
}

TEST_F(ConfigTest, TheKnownKeySignsOnTheLocalChainOnly) {
  EXPECT_THAT(faults("chain.chain_id = 11155111"), HasSubstr("only on chain 31337, not on 11155111"));
  EXPECT_THAT(faults("signer.kind = \"keystore\""),
              AllOf(HasSubstr("signer.keystore: must name a file"), HasSubstr("signer.password_file")));
  EXPECT_EQ(
      faults("chain.chain_id = 1\n[signer]\nkind = \"keystore\"\nkeystore = \"a\"\npassword_file = \"b\""),
      "none");
}

TEST_F(ConfigTest, ListensToOtherMachinesOnlyWhereThatIsMeant) {
  EXPECT_THAT(faults("gateway.host = \"0.0.0.0\""), HasSubstr("gateway.host: 0.0.0.0 can be reached"));
  EXPECT_THAT(faults("gateway.host = \"example.com\""), HasSubstr("is not an IP address"));
  EXPECT_EQ(faults("gateway.host = \"::1\""), "none");
  EXPECT_EQ(faults("gateway.host = \"0.0.0.0\"\ngateway.allow_remote = true"), "none");
}

TEST_F(ConfigTest, SaysWhatIsWrongWithAFileThatCannotBeRead) {
  const std::vector missing = {folder_ / "none.toml"};
  const auto absent = load_settings(missing);
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error().detail, HasSubstr("none.toml"));
  EXPECT_THAT(faults("[chain\n"), AllOf(HasSubstr("over.toml:1: "), Not(EndsWith(": "))));
}

TEST_F(ConfigTest, AnEmptyConfigurationIsToldEverythingThatIsMissing) {
  const std::vector files = {write("empty.toml", "")};
  const auto settings = load_settings(files);
  ASSERT_FALSE(settings);
  for (const char* key : {"chain.chain_id", "contracts.factory", "token", "pool",
                          "execution.normal.bump_after_ms", "execution.max_fee_per_gas_gwei", "signer.kind"})
    EXPECT_THAT(settings.error().detail, HasSubstr(std::string(key) + ": is missing"));
}

TEST_F(ConfigTest, ChecksThatEveryEndpointIsNamed) {
  const auto bare = load_over_devnet("endpoints.redis = \"/run/redis.sock\"");
  ASSERT_TRUE(bare);
  const Status incomplete = check_endpoints(*bare);
  ASSERT_FALSE(incomplete);
  EXPECT_THAT(incomplete.error().detail, HasSubstr("chain.rpc_url, endpoints.nats, endpoints.postgres"));
  EXPECT_THAT(incomplete.error().detail, Not(HasSubstr("redis")));

  const auto whole = load_over_devnet(R"(
    chain.rpc_url = "http://127.0.0.1:8545"
    endpoints = {nats = "nats://127.0.0.1:4222", postgres = "host=/run dbname=sep", redis = "/run/redis.sock"}
  )");
  ASSERT_TRUE(whole) << whole.error().detail;
  EXPECT_TRUE(check_endpoints(*whole));
}

}  // namespace
}  // namespace sep::app
