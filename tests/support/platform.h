#pragma once
// A running platform as its users, its operator and its chain see it: the API, the event stream, the node,
// and the record read straight from the database, so that what is compared does not come from the code under
// test.
//
// Functions throw std::runtime_error where the platform does not answer as it must: the test fails there.
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/client.h"
#include "base/bytes.h"
#include "base/uint256.h"
#include "engine/settings.h"
#include "ethereum/hash.h"
#include "support/eventually.h"
#include "support/stack.h"

namespace sep::support {

using std::chrono::milliseconds;
using Events = std::vector<json::object>;

/// The value, or an exception with what was asked for and why it failed.
template <class T>
T need(Result<T> result, const std::string& what) {
  if (!result)
    throw std::runtime_error(what + ": " + result.error().code.data() + ": " + result.error().detail);
  return std::move(*result);
}

// --- Events

std::string topic_of(const json::object& event);
/// A string of the payload; empty where there is none.
std::string field(const json::object& event, const std::string& key);
std::vector<std::string> topics_of(const Events& events);
/// The first with this topic, and this payload string where `key` is given; nothing where there is none.
std::optional<json::object> find_event(const Events& events, const std::string& topic,
                                       const std::string& key = {}, const std::string& value = {});
/// Fails the test unless the events are one intent's from the first on: sequence, causation, correlation.
void expect_unbroken(const Events& events);

/// Whether the event ends an intent.
bool is_terminal_topic(const std::string& topic);
/// Fails the test unless each event may follow those before it (SPEC.md 2), and nothing follows the end.
void expect_legal(const Events& events);

/// A transaction of an account other than the platform's, or one that the test sends in its name.
struct ForeignTransaction {
  Address from;
  Address to;
  Bytes data;
  Uint256 value_wei;
  std::optional<std::uint64_t> nonce;
  std::uint64_t priority_fee_gwei = 100;  // far above the platform's: it goes first in a block
};

/// What the chain and the record hold at one moment, to be compared with a later one.
struct Mark {
  std::uint64_t global_sequence = 0;
  std::uint64_t block = 0;
  std::map<std::string, Uint256> balances;  // of the platform's account, by symbol
};

class Platform {
 public:
  /// `configuration` is the text of a file that replaces config/devnet.toml.
  explicit Platform(std::optional<std::string> configuration = std::nullopt, StackOptions options = {});

  Stack& stack() { return *stack_; }
  const engine::Settings& settings() const { return settings_; }
  /// anvil's account `index`, whose key the node has; 0 is the platform's.
  Address account(std::size_t index = 0) const { return accounts_.at(index); }
  const engine::Token& token(const std::string& symbol) const;
  /// Gives the services another configuration: they are stopped, and `sep up` starts them with it.
  void reconfigure(const std::string& configuration);
  /// config/devnet.toml with `replacements`, each of which must be found.
  static std::string devnet_configuration(
      const std::vector<std::pair<std::string, std::string>>& replacements = {});

  // --- The API

  app::HttpAnswer http(const std::string& method, const std::string& path, const std::string& body = {},
                       const app::HttpHeaders& headers = {}) const;
  json::object get(const std::string& path) const;
  json::object asset(const std::string& symbol) const;
  json::object intent(const std::string& type, const std::string& amount, const std::string& base,
                      const std::string& quote) const;
  /// The id of an intent that was answered with 201.
  std::string submit(const json::object& intent, const app::HttpHeaders& headers = {}) const;
  /// All at once, over several connections.
  std::vector<std::string> submit_together(const std::vector<json::object>& intents) const;

  /// An intent's events up to the first that `is_last` accepts, over the WebSocket.
  Events await(const std::string& id, const std::function<bool(const json::object&)>& is_last,
               milliseconds timeout = milliseconds(60'000)) const;
  Events await_topic(const std::string& id, const std::string& topic) const;
  /// Up to its terminal event.
  Events await_end(const std::string& id, milliseconds timeout = milliseconds(60'000)) const;

  // --- The chain

  json::value rpc(const std::string& method, json::array params = {}) const;
  std::uint64_t block_number() const;
  std::uint64_t nonce() const;  // of the platform's account, in the latest block
  Bytes call(const Address& to, const Bytes& data) const;
  std::map<std::string, Uint256> balances() const;
  Hash32 send(const ForeignTransaction& transaction) const;
  /// Waits until the services know the node's latest block.
  void await_market() const;
  /// What QuoterV2 answers now: the least input, or the greatest output, over the configured pools of the
  /// pair.
  Uint256 quoter(const std::string& type, const std::string& amount, const std::string& base,
                 const std::string& quote) const;

  // --- The record

  Events record(std::uint64_t after_global = 0) const;
  std::uint64_t record_head() const;  // the last global sequence

  Mark mark() const;
  /// Fails the test unless since `before`: the account's balances moved by exactly the recorded fills; each
  /// Swap and Transfer log of the account belongs to one fill and each fill to one transaction; every
  /// transaction of the account (but `foreign` ones) was on the record as prepared; no nonce belongs to two
  /// intents, and none was left out. An intent that ended has one fill, of the amounts that exec.completed
  /// tells, where it completed, and none otherwise; what was mined in the account's name has the bytes that
  /// were recorded.
  void expect_reconciled(const Mark& before, const std::set<std::string>& foreign = {}) const;
  /// How many swaps of the account on chain since `before` each intent has.
  std::map<std::string, std::size_t> swaps_by_intent(const Mark& before) const;
  /// Fails the test unless the read models are what the record gives: `sep replay --verify`.
  void expect_replay_equal() const;

 private:
  TempDir directory_;
  std::filesystem::path configuration_;
  std::unique_ptr<Stack> stack_;
  engine::Settings settings_;
  std::vector<Address> accounts_;
  std::string http_, rpc_, postgres_;
};

}  // namespace sep::support
