#include "app/config.h"

#include <algorithm>
#include <concepts>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "base/decimal.h"
#include "base/uint256.h"
#include "engine/plan.h"
#include "ethereum/address.h"

namespace sep::app {
namespace {

constexpr unsigned kWadDecimals = 18;
constexpr unsigned kGweiDecimals = 9;
constexpr unsigned kPercentDecimals = 2;  // a percent is 100 basis points
constexpr std::uint64_t kMinBumpBasisPoints = 1'250;
constexpr std::uint64_t kMaxBumpBasisPoints = 10'000;
constexpr std::uint32_t kMaxFeePips = 999'999;  // UniswapV3Factory.sol: fee < 1000000
constexpr unsigned kMaxTokenDecimals = 36;      // far above any token, small enough that 10^decimals is safe

enum class Need { kRequired, kOptional };

/// The faults found so far, one line each.
class Faults {
 public:
  void add(const toml::source_region& source, std::string_view key, std::string_view fault) {
    const std::string file = source.path ? *source.path : std::string("configuration");
    const std::string line = source.begin.line > 0 ? fmt::format(":{}", source.begin.line) : std::string();
    lines_.push_back(fmt::format("{}{}: {}: {}", file, line, key, fault));
  }
  void add(std::string line) { lines_.push_back(std::move(line)); }
  bool empty() const { return lines_.empty(); }
  Error error() const { return {errc::kConfiguration, fmt::format("{}", fmt::join(lines_, "\n")), {}}; }

 private:
  std::vector<std::string> lines_;
};

/// One table: each read marks its key as known, finish() reports the others.
class Section {
 public:
  Section(const toml::table& table, std::string path, Faults& faults)
      : table_(table), path_(std::move(path)), faults_(faults) {}

  void text(std::string_view key, std::string& out, Need need = Need::kOptional) {
    const toml::node* node = find(key, need);
    if (!node) return;
    const auto value = node->value_exact<std::string>();
    if (!value) return fault(key, "must be a string in quotes");
    if (need == Need::kRequired && value->empty()) return fault(key, "must not be empty");
    out = *value;
  }

  void boolean(std::string_view key, bool& out) {
    const toml::node* node = find(key, Need::kOptional);
    if (!node) return;
    const auto value = node->value_exact<bool>();
    if (!value) return fault(key, "must be true or false");
    out = *value;
  }

  template <std::integral T>
  void integer(std::string_view key, T& out, std::type_identity_t<T> low, std::type_identity_t<T> high,
               Need need = Need::kOptional) {
    const toml::node* node = find(key, need);
    if (!node) return;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || std::cmp_less(*value, low) || std::cmp_greater(*value, high))
      return fault(key, fmt::format("must be an integer from {} to {}", low, high));
    out = static_cast<T>(*value);
  }

  /// A decimal number of at most `decimals` digits after the point, as an integer of its smallest unit.
  void decimal(std::string_view key, Uint256& out, unsigned decimals, Need need = Need::kOptional) {
    const toml::node* node = find(key, need);
    if (!node) return;
    const auto value = node->value_exact<std::string>();
    const auto number = value ? parse_decimal(*value, decimals) : fail(errc::kWrongType, "");
    if (!number)
      return fault(key,
                   fmt::format("must be a decimal number in quotes, with at most {} digits after the point",
                               decimals));
    out = *number;
  }

  void address(std::string_view key, Address& out) {
    std::string value;
    text(key, value, Need::kRequired);
    if (value.empty()) return;
    const auto address = parse_address(value);
    if (!address || to_checksum(*address) != value)
      return fault(
          key,
          fmt::format("\"{}\" is not an address with EIP-55's letter case (a digit may be wrong)", value));
    if (address->is_zero()) return fault(key, "must not be the zero address");
    out = *address;
  }

  /// Empty, or an address with one of the schemes.
  void url(std::string_view key, std::string& out, std::initializer_list<std::string_view> schemes) {
    std::string value;
    text(key, value);
    const auto matches = [&](std::string_view scheme) {
      return value.starts_with(scheme) && value.size() > scheme.size();
    };
    if (!value.empty() && std::ranges::none_of(schemes, matches))
      return fault(key, fmt::format("must start with {}", fmt::join(schemes, " or ")));
    out = value;
  }

  /// A path; a relative one begins at the directory of the file that names it.
  void path(std::string_view key, std::string& out) {
    text(key, out);
    const toml::node* node = table_.get(key);
    if (out.empty() || !node || !node->source().path) return;
    out = (std::filesystem::path(*node->source().path).parent_path() / out).lexically_normal().string();
  }

  void texts(std::string_view key, std::vector<std::string>& out) {
    const toml::node* node = find(key, Need::kOptional);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array || !(array->empty() || array->is_homogeneous(toml::node_type::string)))
      return fault(key, "must be a list of strings");
    out.clear();
    for (const toml::node& item : *array) out.push_back(*item.value_exact<std::string>());
  }

  /// Calls `read(Section&)` for the table `key`; where it is absent for an empty one, so that its required
  /// keys are reported.
  template <class Read>
  void table(std::string_view key, Read&& read) {
    static const toml::table kNone;
    const toml::node* node = find(key, Need::kOptional);
    if (node && !node->is_table()) return fault(key, fmt::format("must be a table: [{}]", path_of(key)));
    Section section(node ? *node->as_table() : kNone, path_of(key), faults_);
    read(section);
    section.finish();
  }

  /// Calls `read(Section&)` for each table of the list [[key]].
  template <class Read>
  void tables(std::string_view key, Read&& read) {
    const toml::node* node = find(key, Need::kRequired);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array || array->empty() || !array->is_homogeneous(toml::node_type::table))
      return fault(key, fmt::format("must be a list of tables: [[{}]]", path_of(key)));
    for (std::size_t i = 0; i < array->size(); ++i) {
      Section section(*array->get_as<toml::table>(i), fmt::format("{}[{}]", path_of(key), i), faults_);
      read(section);
      section.finish();
    }
  }

  bool has(std::string_view key) const { return table_.contains(key); }

  void fault(std::string_view key, std::string_view what) {
    const toml::node* node = table_.get(key);
    faults_.add(node ? node->source() : table_.source(), path_of(key), what);
  }

  void finish() {
    for (const auto& [key, node] : table_)
      if (!known_.contains(key.str())) faults_.add(node.source(), path_of(key.str()), "is not a known key");
  }

 private:
  const toml::node* find(std::string_view key, Need need) {
    known_.emplace(key);
    const toml::node* node = table_.get(key);
    if (!node && need == Need::kRequired) fault(key, "is missing");
    return node;
  }
  std::string path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  const toml::table& table_;
  std::string path_;
  Faults& faults_;
  std::set<std::string, std::less<>> known_;
};

/// Moves every key of `from` into `into`; tables are merged, all else is replaced. Nodes keep their file and
/// line.
void merge(toml::table& into, toml::table&& from) {
  for (auto&& [key, node] : from) {
    toml::table* existing = into.get_as<toml::table>(key.str());
    if (existing && node.is_table()) {
      merge(*existing, std::move(*node.as_table()));
    } else {
      node.visit([&](auto& typed) { into.insert_or_assign(key, std::move(typed)); });
    }
  }
}

/// The four keys that name one endpoint. False where none of its addresses is set.
bool read_addresses(Section& section, engine::NodeEndpoint& endpoint) {
  section.url("rpc_url", endpoint.rpc_url, {"http://", "https://"});
  section.url("ws_url", endpoint.ws_url, {"ws://", "wss://"});
  section.text("ipc_path", endpoint.ipc_path);
  return !(endpoint.rpc_url.empty() && endpoint.ws_url.empty() && endpoint.ipc_path.empty());
}

void read_endpoint(Section& section, std::vector<engine::NodeEndpoint>& endpoints) {
  engine::NodeEndpoint endpoint;
  if (!read_addresses(section, endpoint))
    section.fault("rpc_url", "is missing: an endpoint needs an rpc_url, a ws_url or an ipc_path");
  section.text("name", endpoint.name);
  section.boolean("read", endpoint.read);
  section.boolean("submit", endpoint.submit);
  if (!endpoint.read && !endpoint.submit)
    section.fault("read", "must not be false where submit is false: the endpoint would have no use");
  const auto is_there = [&](const std::string& value, std::string engine::NodeEndpoint::* member) {
    return !value.empty() && std::ranges::find(endpoints, value, member) != endpoints.end();
  };
  // Twice the same would be two votes of one voice.
  if (is_there(endpoint.name, &engine::NodeEndpoint::name))
    section.fault("name", fmt::format("{} is there twice", endpoint.name));
  if (is_there(endpoint.rpc_url, &engine::NodeEndpoint::rpc_url)) section.fault("rpc_url", "is there twice");
  if (is_there(endpoint.ws_url, &engine::NodeEndpoint::ws_url)) section.fault("ws_url", "is there twice");
  if (is_there(endpoint.ipc_path, &engine::NodeEndpoint::ipc_path))
    section.fault("ipc_path", "is there twice");
  endpoints.push_back(std::move(endpoint));
}

/// chain.rpc_url, ws_url and ipc_path are the short form of one [[chain.endpoint]].
void read_node(Section& section, std::vector<engine::NodeEndpoint>& endpoints) {
  engine::NodeEndpoint only;
  const bool short_form = read_addresses(section, only);
  if (!section.has("endpoint")) {
    if (short_form) endpoints.push_back(std::move(only));
    return;
  }
  if (short_form)
    section.fault(
        "endpoint",
        "cannot stand beside chain.rpc_url, ws_url or ipc_path, which name one endpoint alone: leave "
        "those empty, or move them into a [[chain.endpoint]]");
  section.tables("endpoint", [&](Section& table) { read_endpoint(table, endpoints); });
  if (std::ranges::none_of(endpoints, &engine::NodeEndpoint::read))
    section.fault("endpoint", "at least one must have read = true");
  if (std::ranges::none_of(endpoints, &engine::NodeEndpoint::submit))
    section.fault("endpoint", "at least one must have submit = true");
}

void read_chain(Section& section, engine::ChainSettings& chain) {
  section.text("name", chain.name, Need::kRequired);
  section.integer("chain_id", chain.chain_id, 1, std::numeric_limits<std::int64_t>::max(), Need::kRequired);
  read_node(section, chain.endpoints);
  section.integer("max_lag_blocks", chain.max_lag_blocks, 0U, 1000U);
  section.integer("rpc_timeout_ms", chain.rpc_timeout_ms, 100U, 60'000U);
  section.integer("confirmations", chain.confirmations, 1, 1000);
  section.integer("poll_interval_ms", chain.poll_interval_ms, 10, 60'000);
}

void read_contracts(Section& section, engine::Contracts& contracts) {
  section.address("factory", contracts.factory);
  section.address("swap_router", contracts.swap_router);
  section.address("quoter", contracts.quoter);
  section.address("tick_lens", contracts.tick_lens);
  section.address("position_manager", contracts.position_manager);
  section.address("weth", contracts.weth);
}

bool has_token(const std::vector<engine::Token>& tokens, std::string_view symbol) {
  return std::ranges::find(tokens, symbol, &engine::Token::symbol) != tokens.end();
}
bool has_token(const std::vector<engine::Token>& tokens, const Address& address) {
  return std::ranges::find(tokens, address, &engine::Token::address) != tokens.end();
}

void read_token(Section& section, std::vector<engine::Token>& tokens) {
  engine::Token token;
  section.text("symbol", token.symbol, Need::kRequired);
  section.text("name", token.name, Need::kRequired);
  section.address("address", token.address);
  token.checksum_address = to_checksum(token.address);
  section.integer("decimals", token.decimals, 0U, kMaxTokenDecimals, Need::kRequired);
  section.boolean("stablecoin", token.stablecoin);
  section.boolean("reset_allowance", token.reset_allowance);
  if (!token.symbol.empty() && has_token(tokens, token.symbol))
    section.fault("symbol", fmt::format("{} is there twice", token.symbol));
  if (!token.address.is_zero() && has_token(tokens, token.address))
    section.fault("address", fmt::format("{} is there twice", to_checksum(token.address)));
  tokens.push_back(std::move(token));
}

void read_pool(Section& section, const std::vector<engine::Token>& tokens,
               std::vector<engine::PoolKey>& pools) {
  engine::PoolKey pool;
  const auto read_symbol = [&](std::string_view key, std::string& symbol) {
    section.text(key, symbol, Need::kRequired);
    if (!symbol.empty() && !has_token(tokens, symbol))
      section.fault(key, fmt::format("{} is not a configured token", symbol));
  };
  read_symbol("token_a", pool.token_a);
  read_symbol("token_b", pool.token_b);
  section.integer("fee", pool.fee_pips, 1U, kMaxFeePips, Need::kRequired);
  if (!pool.token_a.empty() && pool.token_a == pool.token_b)
    section.fault("token_b", "must be another token than token_a");
  const auto same = [&](const engine::PoolKey& other) {
    return other.fee_pips == pool.fee_pips &&
           std::minmax(other.token_a, other.token_b) == std::minmax(pool.token_a, pool.token_b);
  };
  if (std::ranges::any_of(pools, same))
    section.fault("fee",
                  fmt::format("the pool {}/{} {} is there twice", pool.token_a, pool.token_b, pool.fee_pips));
  pools.push_back(std::move(pool));
}

void read_market(Section& section, const engine::ChainSettings& chain, bool on_paper,
                 engine::MarketSettings& market) {
  section.path("pools_file", market.pools_file);
  if (!market.pools_file.empty() && !on_paper)
    section.fault("pools_file", "is for execution.venue = \"paper\": pools of a file cannot be traded on");
  if (!market.pools_file.empty() && !chain.endpoints.empty())
    section.fault("pools_file", "cannot stand beside a node: prices come from one of the two");
  section.integer("max_age_ms", market.max_age_ms, 1, 3'600'000);
  std::int64_t max_block_age_s = 0;
  section.integer("max_block_age_s", max_block_age_s, 1, 86'400);
  if (max_block_age_s > 0) market.max_block_age_s = max_block_age_s;
}

void read_ratio(Section& section, std::string_view key, Uint256& wad) {
  section.decimal(key, wad, kWadDecimals);
  if (wad >= kWad) section.fault(key, "must be below 1");
}

void read_risk(Section& section, const std::vector<engine::Token>& tokens, engine::RiskSettings& risk) {
  risk.max_notional_usd_wad = Uint256(10'000) * kWad;
  risk.max_slippage_wad = Uint256(kWad) * 5 / 100;
  risk.max_price_impact_wad = Uint256(kWad) * 10 / 100;
  section.decimal("max_notional_usd", risk.max_notional_usd_wad, kWadDecimals);
  read_ratio(section, "max_slippage", risk.max_slippage_wad);
  read_ratio(section, "max_price_impact", risk.max_price_impact_wad);
  section.integer("max_open_intents", risk.max_open_intents, 0U, 1'000'000U);
  section.texts("allowed_tokens", risk.allowed_tokens);
  section.boolean("kill_switch", risk.kill_switch);
  for (const std::string& symbol : risk.allowed_tokens)
    if (!has_token(tokens, symbol))
      section.fault("allowed_tokens", fmt::format("{} is not a configured token", symbol));
}

void read_fee_policy(Section& section, const engine::ExecutionSettings& execution,
                     engine::FeePolicy& policy) {
  section.decimal("max_priority_fee_per_gas_gwei", policy.max_priority_fee_per_gas_wei, kGweiDecimals,
                  Need::kRequired);
  section.integer("base_fee_multiplier_percent", policy.base_fee_multiplier_percent, 100U, 10'000U,
                  Need::kRequired);
  section.integer("bump_after_ms", policy.bump_after_ms, 100, 86'400'000, Need::kRequired);
  section.integer("reward_percentile", policy.reward_percentile, 1U, 99U);
  if (policy.max_priority_fee_per_gas_wei > execution.max_fee_per_gas_wei)
    section.fault("max_priority_fee_per_gas_gwei", "must not be above execution.max_fee_per_gas_gwei");
  if (policy.max_priority_fee_per_gas_wei < execution.min_priority_fee_per_gas_wei)
    section.fault("max_priority_fee_per_gas_gwei",
                  "must not be below execution.min_priority_fee_per_gas_gwei");
}

void read_execution(Section& section, engine::ExecutionSettings& execution) {
  std::string venue = "uniswap_v3";
  section.text("venue", venue);
  if (venue == engine::kPaperVenue)
    execution.venue = engine::Venue::kPaper;
  else if (venue != "uniswap_v3")
    section.fault("venue", "must be \"uniswap_v3\" or \"paper\"");
  // On paper nothing is signed and no gas is paid: what is set is left alone, and nothing has to be.
  if (execution.venue == engine::Venue::kPaper && !section.has("max_fee_per_gas_gwei")) return;
  std::string allowance = "exact";
  section.text("allowance", allowance);
  section.decimal("standing_allowance_cap", execution.standing_allowance_cap, 0);
  section.decimal("max_fee_per_gas_gwei", execution.max_fee_per_gas_wei, kGweiDecimals, Need::kRequired);
  section.decimal("min_priority_fee_per_gas_gwei", execution.min_priority_fee_per_gas_wei, kGweiDecimals);
  Uint256 bump = Uint256(execution.bump_basis_points);
  section.decimal("bump_percent", bump, kPercentDecimals);
  // Nodes want a tenth more of a replacement, and the base fee may rise by an eighth in one block (EIP-1559):
  // less than that would be a replacement which the next block's base fee has overtaken already.
  if (bump < kMinBumpBasisPoints || bump > kMaxBumpBasisPoints)
    section.fault("bump_percent",
                  "must be from 12.5 to 100: below, the next block's base fee may have overtaken the raise");
  else
    execution.bump_basis_points = static_cast<std::uint32_t>(bump.to_u64());
  section.integer("max_gas_limit", execution.max_gas_limit, 21'000, 100'000'000);
  section.integer("max_attempts", execution.max_attempts, 1U, 100U);
  Uint256 max_gas_usd;
  section.decimal("max_gas_usd", max_gas_usd, kWadDecimals);
  if (!max_gas_usd.is_zero()) execution.max_gas_usd_wad = max_gas_usd;
  if (allowance == "standing") {
    execution.allowance = engine::AllowanceMode::kStanding;
    if (execution.standing_allowance_cap.is_zero())
      section.fault("standing_allowance_cap", "must be above 0 where allowance is \"standing\"");
  } else if (allowance != "exact") {
    section.fault("allowance", "must be \"exact\" or \"standing\"");
  }
  const auto read_style = [&](std::string_view style, engine::FeePolicy& policy) {
    section.table(style, [&](Section& table) { read_fee_policy(table, execution, policy); });
  };
  execution.passive.reward_percentile = 10;
  execution.normal.reward_percentile = 50;
  execution.aggressive.reward_percentile = 90;
  read_style("passive", execution.passive);
  read_style("normal", execution.normal);
  read_style("aggressive", execution.aggressive);
}

void read_signer(Section& section, std::uint64_t chain_id, engine::SignerSettings& signer) {
  std::string kind;
  section.text("kind", kind, Need::kRequired);
  section.text("keystore", signer.keystore_path);
  section.text("password_file", signer.password_path);
  if (kind == "devnet") {
    signer.kind = engine::SignerSettings::Kind::kDevnet;
    if (chain_id != 0 && chain_id != kDevnetChainId)
      section.fault(
          "kind", fmt::format("\"devnet\" signs with a key that everybody knows: only on chain {}, not on {}",
                              kDevnetChainId, chain_id));
  } else if (kind == "keystore") {
    signer.kind = engine::SignerSettings::Kind::kKeystore;
    if (signer.keystore_path.empty())
      section.fault("keystore", "must name a file where kind is \"keystore\"");
    if (signer.password_path.empty())
      section.fault("password_file", "must name a file where kind is \"keystore\"");
  } else if (!kind.empty()) {
    section.fault("kind", "must be \"devnet\" or \"keystore\"");
  }
}

/// [paper.balances]: whole tokens, by symbol.
void read_paper(Section& section, const std::vector<engine::Token>& tokens, engine::PaperSettings& paper) {
  section.table("balances", [&](Section& balances) {
    for (const auto& token : tokens)
      balances.decimal(token.symbol, paper.balances[token.address], token.decimals);
  });
}

void read_gateway(Section& section, engine::GatewaySettings& gateway) {
  bool allow_remote = false;
  section.text("host", gateway.host);
  section.integer("port", gateway.port, 0, std::numeric_limits<std::uint16_t>::max());
  section.integer("max_body_bytes", gateway.max_body_bytes, 1024, 16 * 1024 * 1024);
  section.boolean("allow_remote", allow_remote);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(gateway.host, error);
  if (error) return section.fault("host", fmt::format("\"{}\" is not an IP address", gateway.host));
  if (!address.is_loopback() && !allow_remote)
    section.fault("host", fmt::format("{} can be reached from other machines, and the API has no log-in: set "
                                      "gateway.allow_remote = true where that is meant",
                                      gateway.host));
}

void read_endpoints(Section& section, engine::EndpointSettings& endpoints) {
  section.url("nats", endpoints.nats_url, {"nats://", "tls://"});
  section.text("postgres", endpoints.postgres);
  section.text("redis", endpoints.redis_socket);
}

engine::Settings read_settings(const toml::table& table, Faults& faults) {
  engine::Settings settings;
  auto& [chain, market, risk, execution, paper, signer, gateway, endpoints] = settings;
  Section root(table, "", faults);
  root.table("chain", [&](Section& section) { read_chain(section, chain); });
  root.table("execution", [&](Section& section) { read_execution(section, execution); });
  root.table("market", [&](Section& section) { read_market(section, chain, settings.on_paper(), market); });
  // Pools of a file need no chain to be looked up on.
  const bool chainless = !market.pools_file.empty();
  if (!chainless || root.has("contracts"))
    root.table("contracts", [&](Section& section) { read_contracts(section, chain.contracts); });
  root.tables("token", [&](Section& section) { read_token(section, chain.tokens); });
  if (!chainless || root.has("pool"))
    root.tables("pool", [&](Section& section) { read_pool(section, chain.tokens, chain.pools); });
  root.table("risk", [&](Section& section) { read_risk(section, chain.tokens, risk); });
  root.table("paper", [&](Section& section) { read_paper(section, chain.tokens, paper); });
  if (!settings.on_paper() || root.has("signer"))
    root.table("signer", [&](Section& section) { read_signer(section, chain.chain_id, signer); });
  root.table("gateway", [&](Section& section) { read_gateway(section, gateway); });
  root.table("endpoints", [&](Section& section) { read_endpoints(section, endpoints); });
  root.finish();
  if (!chain.contracts.weth.is_zero() && !has_token(chain.tokens, chain.contracts.weth))
    root.fault("contracts", "weth must be one of the tokens: gas is valued through it");
  return settings;
}

}  // namespace

Result<engine::Settings> load_settings(std::span<const std::filesystem::path> files) {
  Faults faults;
  toml::table merged;
  for (const std::filesystem::path& file : files) {
    try {
      merge(merged, toml::parse_file(file.string()));
    } catch (const toml::parse_error& error) {
      const auto line = error.source().begin.line;
      faults.add(line > 0 ? fmt::format("{}:{}: {}", file.string(), line, error.description())
                          : fmt::format("{}: {}", file.string(), error.description()));
    }
  }
  if (!faults.empty()) return fail(faults.error());
  auto settings = read_settings(merged, faults);
  if (!faults.empty()) return fail(faults.error());
  return settings;
}

Status check_endpoints(const engine::Settings& settings) {
  std::vector<std::string_view> missing;
  if (settings.chain.endpoints.empty() && settings.market.pools_file.empty())
    missing.emplace_back("chain.rpc_url");
  if (settings.endpoints.nats_url.empty()) missing.emplace_back("endpoints.nats");
  if (settings.endpoints.postgres.empty()) missing.emplace_back("endpoints.postgres");
  if (settings.endpoints.redis_socket.empty()) missing.emplace_back("endpoints.redis");
  if (missing.empty()) return {};
  return fail(errc::kConfiguration,
              fmt::format("the configuration does not say where to find: {}", fmt::join(missing, ", ")));
}

}  // namespace sep::app
