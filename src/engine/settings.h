#pragma once
// What the operator configures, as values. app/config.h reads it from TOML and refuses what is wrong;
// everything else receives the parts that it needs.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/uint256.h"
#include "ethereum/address.h"

namespace sep::engine {

/// One token of the configured chain.
struct Token {
  std::string symbol;
  std::string name;
  Address address;
  unsigned decimals = 18;
  bool stablecoin = false;       // counts as 1 USD when values are computed
  bool reset_allowance = false;  // its approve reverts unless the present or the new allowance is zero (USDT)
  /// Of one that is configured: its address with EIP-55's checksum, which costs a hash each time that it is
  /// made.
  std::string checksum_address{};
  bool operator==(const Token&) const = default;
};

/// A pool to load and follow; its address is looked up at the factory.
struct PoolKey {
  std::string token_a;  // symbols of configured tokens, in any order
  std::string token_b;
  std::uint32_t fee_pips = 0;  // hundredths of a basis point: 500 = 0.05 %
};

struct Contracts {
  Address factory;
  Address swap_router;  // SwapRouter02
  Address quoter;       // QuoterV2
  Address tick_lens;
  Address position_manager;
  Address weth;
};

/// One way to the chain. Calls take ipc_path where it is set, then rpc_url, then ws_url; new heads ipc_path,
/// ws_url, rpc_url.
struct NodeEndpoint {
  std::string name;      // for people; empty: the address without its path, which may hold a key
  std::string rpc_url;   // http://host:port, empty: none
  std::string ws_url;    // ws://host:port, empty: none
  std::string ipc_path;  // unix socket, empty: none
  bool read = true;      // it is asked, and has a vote in what is decided
  bool submit = true;    // transactions are handed to it
  bool operator==(const NodeEndpoint&) const = default;
};

struct ChainSettings {
  std::string name = "ethereum";  // assets[].chain on the wire
  std::uint64_t chain_id = 0;
  std::vector<NodeEndpoint> endpoints;  // the preferred one first; empty: not configured
  unsigned max_lag_blocks = 3;          // an endpoint that is more behind the others has no vote
  unsigned rpc_timeout_ms = 5000;       // of one call to an endpoint
  unsigned confirmations = 1;           // blocks, the including one counted
  unsigned poll_interval_ms = 1000;     // where no subscription is to be had
  Contracts contracts;
  std::vector<Token> tokens;
  std::vector<PoolKey> pools;
};

struct MarketSettings {
  std::int64_t max_age_ms = 5000;  // since the node last confirmed the head: older is STALE_MARKET
  std::optional<std::int64_t>
      max_block_age_s;     // of the head's own timestamp; unset on chains that mine on demand
  std::string pools_file;  // on paper: the market, where no node is; empty: there is a node
};

/// What the account of venue "paper" begins with: base units, by token.
struct PaperSettings {
  std::map<Address, Uint256> balances;
};

struct RiskSettings {
  Uint256 max_notional_usd_wad;             // USD · 10^18
  Uint256 max_slippage_wad;                 // ratio · 10^18
  Uint256 max_price_impact_wad;             // ratio · 10^18; plans above are rejected
  unsigned max_open_intents = 0;            // per strategy; 0: no limit
  std::vector<std::string> allowed_tokens;  // symbols; empty: every configured token
  bool kill_switch = false;
};

enum class AllowanceMode { kExact, kStanding };

/// Where plans are executed: Uniswap V3 by transactions, or on paper (services/paper_orchestrator.h).
enum class Venue { kUniswapV3, kPaper };

/// Of one execution_style.
struct FeePolicy {
  Uint256 max_priority_fee_per_gas_wei;  // of a first attempt; where blocks tell nothing, this is paid
  std::uint32_t base_fee_multiplier_percent = 200;  // max fee = base fee · this + priority fee
  std::int64_t bump_after_ms = 30'000;              // a pending transaction is replaced after this time
  unsigned reward_percentile = 50;                  // of the priority fees that recent blocks were paid
};

struct ExecutionSettings {
  Venue venue = Venue::kUniswapV3;
  AllowanceMode allowance = AllowanceMode::kExact;
  Uint256 standing_allowance_cap;                      // base units of any token, for kStanding
  Uint256 max_fee_per_gas_wei;                         // never exceeded, replacements included
  Uint256 min_priority_fee_per_gas_wei = 10'000'000U;  // 0.01 gwei; pools and builders want a little
  std::uint32_t bump_basis_points = 1'250;  // what a replacement pays more, of both fees; at least 1,250
  std::uint64_t max_gas_limit = 2'000'000;  // of one transaction
  unsigned max_attempts = 3;                // plans of an intent that are sent
  std::optional<Uint256> max_gas_usd_wad;   // USD · 10^18 of all attempts of an intent; unset: no limit
  FeePolicy passive, normal, aggressive;
};

struct SignerSettings {
  enum class Kind { kDevnet, kKeystore } kind = Kind::kDevnet;
  std::string keystore_path;
  std::string password_path;
};

struct GatewaySettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::size_t max_body_bytes = 64 * 1024;
};

struct EndpointSettings {
  std::string nats_url;
  std::string postgres;      // libpq connection string
  std::string redis_socket;  // path of a unix socket
};

struct Settings {
  ChainSettings chain;
  MarketSettings market;
  RiskSettings risk;
  ExecutionSettings execution;
  PaperSettings paper;
  SignerSettings signer;
  GatewaySettings gateway;
  EndpointSettings endpoints;

  bool on_paper() const { return execution.venue == Venue::kPaper; }
};

}  // namespace sep::engine
