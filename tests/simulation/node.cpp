// node/rpc.h and node/heads.h over the simulated chain, and services/market_view.h.
#include "simulation/chain.h"
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/hex.h"
#include "node/heads.h"
#include "node/rpc.h"
#include "services/market_view.h"

namespace sep::node {

using sim::Block;
using sim::Chain;
using sim::World;

namespace {

/// Blocks whose states a node that forgets still has: deeper than any reorganisation.
constexpr std::uint64_t kStatesKept = 8;

awaitable<void> sleep(asio::any_io_executor executor, std::int64_t ms) {
  asio::steady_timer timer(executor, milliseconds(ms));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

std::string quantity(const Uint256& value) {
  return to_quantity(value);
}

json::object header_json(const Block& block) {
  return json::object{{"number", quantity(block.number)},
                      {"hash", to_hex(block.hash)},
                      {"parentHash", to_hex(block.parent != nullptr ? block.parent->hash : Hash32{})},
                      {"timestamp", quantity(static_cast<std::uint64_t>(block.timestamp_s))},
                      {"gasLimit", "0x1c9c380"},
                      {"baseFeePerGas", quantity(block.base_fee_wei)}};
}

json::array logs_json(const std::vector<Log>& logs) {
  json::array list;
  for (const auto& log : logs) {
    json::array topics;
    for (const auto& topic : log.topics) topics.emplace_back(to_hex(topic));
    list.push_back(json::object{{"address", to_hex(log.address)},
                                {"topics", std::move(topics)},
                                {"data", to_hex(log.data)},
                                {"blockNumber", quantity(log.block_number)},
                                {"blockHash", to_hex(log.block_hash)},
                                {"transactionHash", to_hex(log.tx_hash)},
                                {"logIndex", quantity(log.log_index)}});
  }
  return list;
}

NodeResult<json::value> answered_error(std::int64_t code, std::string message, json::value data = nullptr) {
  return std::unexpected(NodeError{.kind = NodeError::Kind::kAnswered,
                                   .rpc_code = code,
                                   .message = std::move(message),
                                   .data = std::move(data)});
}

/// One front end's answers.
class View {
 public:
  View(World& world, std::size_t front_end)
      : world_(world), chain_(*world.chain), front_end_(front_end), tip_(chain_.front_end(front_end).tip) {}

  NodeResult<json::value> answer(const std::string& method, const json::array& params) {
    if (method == "eth_chainId") return json::string(quantity(31'337U));
    if (method == "web3_clientVersion") return json::string("simulated/1");
    if (method == "eth_blockNumber") return json::string(quantity(tip_->number));
    if (method == "eth_getBlockByNumber") {
      const auto* block = block_of(params[0]);
      return block == nullptr ? json::value(nullptr) : block_json(*block, params);
    }
    if (method == "eth_getBlockByHash") {
      const auto hash = parse_hash(params[0].as_string()).value();
      for (const auto* block = tip_; block != nullptr; block = block->parent)
        if (block->hash == hash) return block_json(*block, params);
      return json::value(nullptr);
    }
    if (method == "eth_getTransactionCount") {
      if (params[1] == "pending") return json::string(quantity(pending().nonce));
      const auto* block = block_of(params[1]);
      if (block == nullptr) return answered_error(-32'000, "header not found");
      if (world_.faults.states_forgotten && block->number + kStatesKept < tip_->number) {
        world_.count("state forgotten");
        return answered_error(-32'000, "missing trie node");
      }
      return json::string(quantity(block->after.nonce));
    }
    if (method == "eth_getBalance") {
      const auto* block = block_of(params[1]);
      if (block == nullptr) return answered_error(-32'000, "header not found");
      return json::string(quantity(block->after.native_wei));
    }
    if (method == "eth_getCode") return json::string("0x");
    if (method == "eth_call") return call(params);
    if (method == "eth_simulateV1") return simulate(params);
    if (method == "eth_getTransactionReceipt") return receipt(parse_hash(params[0].as_string()).value());
    if (method == "eth_getTransactionByHash") return transaction(parse_hash(params[0].as_string()).value());
    if (method == "eth_sendRawTransaction") return send(params[0].as_string());
    if (method == "eth_feeHistory") return fee_history(params);
    return answered_error(-32'601, "the method " + method + " does not exist");
  }

 private:
  /// With its transactions where they are asked for.
  json::value block_json(const Block& block, const json::array& params) const {
    auto object = header_json(block);
    const bool whole = params.size() > 1 && params[1] == true;
    auto& list = object["transactions"].emplace_array();
    for (const auto& mined : block.transactions)
      list.push_back(whole ? transaction(mined.hash).value() : json::value(to_hex(mined.hash)));
    return object;
  }

  sim::ChainState pending() const { return chain_.pending(chain_.front_end(front_end_)); }

  const Block* block_of(const json::value& id) const {
    if (id.is_object()) {
      const auto hash = parse_hash(id.at("blockHash").as_string()).value();
      for (const auto* block = tip_; block != nullptr; block = block->parent)
        if (block->hash == hash) return block;
      return nullptr;
    }
    const auto& text = id.as_string();
    if (text == "latest" || text == "pending") return tip_;
    if (text == "safe" || text == "finalized")
      return Chain::at(tip_, tip_->number > 64 ? tip_->number - 64 : 0);
    return Chain::at(tip_, parse_quantity(text).value().to_u64());
  }

  static std::pair<Address, Bytes> request_of(const json::value& value) {
    const auto& object = value.as_object();
    const auto* input = object.if_contains("input");
    return {parse_address(object.at("to").as_string()).value(),
            input != nullptr ? from_hex(input->as_string()).value() : Bytes{}};
  }

  NodeResult<json::value> call(const json::array& params) const {
    const bool at_pending = params[1] == "pending";
    const auto* block = block_of(params[1]);
    if (block == nullptr) return answered_error(-32'000, "header not found");
    const auto [to, data] = request_of(params[0]);
    const auto done = at_pending ? chain_.call(pending(), to, data, world_.now().unix_seconds())
                                 : chain_.call(block->after, to, data, block->timestamp_s);
    if (!done.success) return answered_error(3, "execution reverted", json::string(to_hex(done.returned)));
    return json::string(to_hex(done.returned));
  }

  NodeResult<json::value> simulate(const json::array& params) const {
    auto state = params[1] == "pending" ? pending() : tip_->after;
    json::array results;
    for (const auto& request : params[0].at("blockStateCalls").at(0).at("calls").as_array()) {
      const auto [to, data] = request_of(request);
      Transaction transaction;
      transaction.to = to;
      transaction.data = data;
      const auto before = state;
      const auto done = chain_.execute(state, transaction, world_.now().unix_seconds() + 1);
      json::object result{{"status", done.success ? "0x1" : "0x0"},
                          {"returnData", to_hex(done.returned)},
                          {"gasUsed", quantity(done.gas_used)},
                          {"logs", logs_json(done.logs)}};
      if (!done.success) {
        state = before;
        result["error"] = json::object{{"code", 3}, {"message", "execution reverted"}};
      }
      results.push_back(std::move(result));
    }
    return json::array{json::object{{"calls", std::move(results)}}};
  }

  NodeResult<json::value> receipt(const Hash32& hash) const {
    const auto found = chain_.find(tip_, hash);
    if (found.block == nullptr) return json::value(nullptr);
    if (found.block == tip_ && world_.fault(world_.faults.receipt_hidden, "receipt hidden"))
      return json::value(nullptr);
    const auto& mined = *found.transaction;
    return json::object{{"transactionHash", to_hex(hash)},
                        {"blockHash", to_hex(found.block->hash)},
                        {"blockNumber", quantity(found.block->number)},
                        {"status", mined.result.success ? "0x1" : "0x0"},
                        {"gasUsed", quantity(mined.result.gas_used)},
                        {"effectiveGasPrice", quantity(mined.effective_gas_price_wei)},
                        {"logs", logs_json(mined.result.logs)}};
  }

  NodeResult<json::value> transaction(const Hash32& hash) const {
    const auto* known = chain_.known(hash);
    if (known == nullptr) return json::value(nullptr);
    const auto found = chain_.find(tip_, hash);
    const auto& tx = known->transaction;
    json::object object{{"hash", to_hex(hash)},     {"from", to_hex(chain_.account())},
                        {"to", to_hex(*tx.to)},     {"nonce", quantity(tx.nonce)},
                        {"value", "0x0"},           {"gas", quantity(tx.gas_limit)},
                        {"input", to_hex(tx.data)}, {"blockNumber", nullptr},
                        {"blockHash", nullptr}};
    if (found.block != nullptr) {
      object["blockNumber"] = quantity(found.block->number);
      object["blockHash"] = to_hex(found.block->hash);
    }
    return object;
  }

  NodeResult<json::value> send(std::string_view raw_text) {
    const auto raw = from_hex(raw_text).value();
    const auto hash = keccak256(raw);
    const auto* known = chain_.known(hash);
    std::optional<SignedTransaction> decoded;
    if (known == nullptr) decoded = decode_transaction(raw).value();
    world_.on_broadcast(hash);
    const auto refusal = chain_.submit(front_end_, known != nullptr ? *known : *decoded);
    world_.trace("node", fmt::format("{} is handed in: {}", to_hex(hash).substr(0, 12),
                                     refusal.empty() ? "taken" : refusal));
    if (!refusal.empty()) return answered_error(-32'000, refusal);
    return json::string(to_hex(hash));
  }

  NodeResult<json::value> fee_history(const json::array& params) const {
    const auto count = parse_quantity(params[0].as_string()).value().to_u64();
    json::array fees, rewards;
    const auto* block = tip_;
    std::vector<const Block*> blocks;
    for (; block != nullptr && blocks.size() < count; block = block->parent) blocks.push_back(block);
    for (auto at = blocks.rbegin(); at != blocks.rend(); ++at) {
      fees.emplace_back(quantity((*at)->base_fee_wei));
      json::array row;
      for (std::size_t i = 0; i < params[2].as_array().size(); ++i)
        row.emplace_back(quantity(1'000'000'000U));
      rewards.push_back(std::move(row));
    }
    fees.emplace_back(quantity(tip_->base_fee_wei + tip_->base_fee_wei / Uint256(8U)));
    return json::object{{"oldestBlock", quantity(blocks.back()->number)},
                        {"baseFeePerGas", std::move(fees)},
                        {"reward", std::move(rewards)}};
  }

  World& world_;
  Chain& chain_;
  std::size_t front_end_;
  const Block* tip_;
};

}  // namespace

// --- node/rpc.h

bool NodeError::unsupported() const {
  return kind == Kind::kAnswered && rpc_code == -32'601;
}

NodeError::operator Error() const {
  switch (kind) {
    case Kind::kAnswered:
      return {errc::kNodeError, message, {}};
    case Kind::kUnreachable:
      return {errc::kNodeUnreachable, message, {}};
    case Kind::kUnknownOutcome:
      break;
  }
  return {errc::kOutcomeUnknown, message, {}};
}

class RpcClient::Impl {
 public:
  Impl(asio::any_io_executor on, std::string to, RpcOptions with)
      : executor(std::move(on)), endpoint(std::move(to)), options(with) {}

  asio::any_io_executor executor;
  std::string endpoint;
  RpcOptions options;

  static awaitable<NodeResult<json::value>> call(std::shared_ptr<Impl> self, std::string method,
                                                 json::array params, milliseconds timeout) {
    auto& world = *World::current();
    const auto& faults = world.faults;
    const auto failure = [](NodeError::Kind kind, const char* message) {
      return std::unexpected(NodeError{.kind = kind, .rpc_code = 0, .message = message, .data = nullptr});
    };
    if (world.fault(faults.rpc_refused, "node unreachable")) {
      co_await sleep(self->executor, 1);
      co_return failure(NodeError::Kind::kUnreachable, "no connection");
    }
    co_await sleep(self->executor, world.random.between(1, 10));
    if (world.fault(faults.rpc_slow, "node slow"))
      co_await sleep(self->executor, world.random.between(100, 4'000));
    if (world.fault(faults.rpc_error, "node answers an error"))
      co_return answered_error(world.random.one_in(2) ? -32'005 : -32'603,
                               world.random.one_in(2) ? "rate limit exceeded" : "internal error");
    const bool lost = world.fault(faults.rpc_timeout, "node's answer lost");
    if (lost && world.random.one_in(2)) {
      co_await sleep(self->executor, timeout.count());
      co_return failure(NodeError::Kind::kUnknownOutcome, "no answer in time");
    }
    auto answer = View(world, world.chain->front_end_for_call(self->endpoint)).answer(method, params);
    if (lost) {
      if (method == "eth_sendRawTransaction") world.count("broadcast's answer lost");
      co_await sleep(self->executor, world.random.one_in(2) ? timeout.count() : 20);
      co_return failure(NodeError::Kind::kUnknownOutcome, "the connection was cut");
    }
    co_await sleep(self->executor, world.random.between(0, 5));
    co_return answer;
  }
};

RpcClient::RpcClient(asio::any_io_executor executor, std::string endpoint, RpcOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(endpoint), options)) {}
RpcClient::~RpcClient() = default;
const std::string& RpcClient::name() const {
  return impl_->endpoint;
}

awaitable<NodeResult<json::value>> RpcClient::call(std::string method, json::array params) {
  return Impl::call(impl_, std::move(method), std::move(params), impl_->options.timeout);
}
awaitable<NodeResult<json::value>> RpcClient::call(std::string method, json::array params,
                                                   milliseconds timeout) {
  return Impl::call(impl_, std::move(method), std::move(params), timeout);
}
awaitable<NodeResult<std::vector<NodeResult<json::value>>>> RpcClient::batch(std::vector<RpcCall> calls) {
  return batch(std::move(calls), impl_->options.timeout);
}
awaitable<NodeResult<std::vector<NodeResult<json::value>>>> RpcClient::batch(std::vector<RpcCall> calls,
                                                                             milliseconds timeout) {
  std::vector<NodeResult<json::value>> results;
  for (auto& one : calls)
    results.push_back(co_await Impl::call(impl_, std::move(one.method), std::move(one.params), timeout));
  co_return results;
}

// --- node/heads.h

class HeadFollower::Impl {
 public:
  Impl(asio::any_io_executor executor, const std::string& endpoint)
      : world(*World::current()),
        front_end(world.chain->front_end_for_call(endpoint)),
        changed(executor),
        process(world.process_of(asio::query(executor, asio::execution::context))),
        incarnation(process.incarnation()) {}

  const Block* tip() const { return world.chain->front_end(front_end).tip; }

  World& world;
  std::size_t front_end;
  asio::steady_timer changed;
  sim::Process& process;
  std::uint64_t incarnation;
  const Block* delivered = nullptr;
  bool stopped = false;
};

HeadFollower::HeadFollower(asio::any_io_executor executor, HeadOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), options.rpc_url)) {
  impl_->world.chain->on_head([weak = std::weak_ptr(impl_)] {
    if (const auto self = weak.lock())
      self->process.post(self->incarnation, [weak] {
        if (const auto still = weak.lock()) still->changed.cancel();
      });
  });
}
HeadFollower::~HeadFollower() {
  stop();
}

awaitable<Result<Head>> HeadFollower::next() {
  const auto self = impl_;
  while (!self->stopped && self->tip() == self->delivered) {
    self->changed.expires_after(std::chrono::hours(1));
    boost::system::error_code ignored;
    co_await self->changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (self->stopped) co_return fail(errc::kNotReady, "stopped");
  self->delivered = self->tip();
  co_return header_from_json(header_json(*self->delivered)).value();
}

void HeadFollower::stop() {
  impl_->stopped = true;
  impl_->changed.cancel();
}
bool HeadFollower::connected() const {
  return true;
}
std::int64_t HeadFollower::last_confirmed_ms() const {
  return impl_->world.now().ms;
}

}  // namespace sep::node

// --- services/market_view.h

namespace sep::services {

class MarketView::Impl {
 public:
  Impl(asio::any_io_executor on, engine::ChainSettings settings)
      : executor(std::move(on)), world(*sim::World::current()), chain_settings(std::move(settings)) {}

  void refresh() {
    auto& chain = *world.chain;
    const auto* tip = chain.front_end(0).tip;
    if (!world.market_stale) state.confirmed_at = world.now();
    if (tip == shown || world.market_stale) return;
    shown = tip;
    ++state.revision;
    state.block = {tip->number, tip->hash, tip->timestamp_s, tip->base_fee_wei};
    state.block_interval_ms = chain.options().block_interval_ms;
    state.pools.clear();
    for (const auto& pool : tip->after.pools) state.pools.push_back({pool, ""});
    pools = engine::PoolBook(state, chain_settings);
    state.account = engine::AccountState{chain.account(), tip->after.native_wei, tip->after.balances,
                                         tip->after.allowances};
  }

  asio::any_io_executor executor;
  sim::World& world;
  engine::ChainSettings chain_settings;
  const sim::Block* shown = nullptr;
  engine::MarketState state;
  engine::PoolBook pools;
};

MarketView::MarketView(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
MarketView::~MarketView() = default;
Result<std::shared_ptr<MarketView>> MarketView::start(std::shared_ptr<bus::Bus> bus,
                                                      const engine::ChainSettings& chain) {
  return std::shared_ptr<MarketView>(new MarketView(std::make_shared<Impl>(bus->executor(), chain)));
}
const engine::PoolBook& MarketView::pools() const {
  impl_->refresh();
  return impl_->pools;
}
const engine::MarketState& MarketView::state() const {
  impl_->refresh();
  return impl_->state;
}
asio::awaitable<Status> MarketView::settle(const engine::MarketSettings& settings) {
  const auto self = impl_;
  for (int i = 0; i < 4; ++i) {
    self->refresh();
    if (self->state.check_fresh(self->world.now(), settings)) break;
    co_await node::sleep(self->executor, 500);
  }
  co_return self->state.check_fresh(self->world.now(), settings);
}

}  // namespace sep::services
