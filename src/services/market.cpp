#include "services/market.h"

#include <algorithm>
#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "base/ulid.h"
#include "engine/intent.h"
#include "engine/market_state.h"
#include "node/nodes.h"
#include "services/async.h"
#include "services/node_health.h"
#include "services/paper_account.h"
#include "services/subjects.h"
#include "uniswap/contracts.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::MarketPool;
using engine::MarketState;
using uniswap::Pool;
using uniswap::PoolState;

constexpr auto kRetryDelay = 500ms;
constexpr auto kHeartbeat = 500ms;
/// A longer gap of blocks is not walked: reading the pools anew costs less.
constexpr std::uint64_t kMaxWalk = 128;
/// eth_calls in one request: far below the limits of common nodes. A node that does not answer so many within
/// its bound is asked for half of them the next time.
constexpr std::size_t kMostCalls = 500;
constexpr std::size_t kLeastCalls = 16;
/// Block times looked at for the interval; the shortest counts, so that an idle devnet does not look slow.
constexpr std::size_t kIntervals = 8;

engine::BlockRef ref_of(const node::Head& head) {
  return {head.number, head.hash, static_cast<std::int64_t>(head.timestamp), head.base_fee_wei};
}

/// What a log does to its pool. A log of another kind does nothing.
Status apply_log(Pool& pool, const Log& log) {
  namespace logs = uniswap::logs;
  if (log.topics.empty()) return {};
  const auto& kind = log.topics.front();
  if (kind == logs::kSwap) {
    SEP_TRY(const auto swap, logs::decode_swap(log.topics, log.data));
    return pool.apply_swap(swap);
  }
  if (kind == logs::kMint) {
    SEP_TRY(const auto mint, logs::decode_mint(log.topics, log.data));
    return pool.apply_mint(mint.tick_lower, mint.tick_upper, mint.amount);
  }
  if (kind == logs::kBurn) {
    SEP_TRY(const auto burn, logs::decode_burn(log.topics, log.data));
    return pool.apply_burn(burn.tick_lower, burn.tick_upper, burn.amount);
  }
  if (kind == logs::kInitialize) {
    SEP_TRY(const auto price, logs::decode_initialize(log.topics, log.data));
    return pool.initialize(price);
  }
  return {};
}

}  // namespace

class Market::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings, std::optional<Address> account,
       gateway::Metrics& metrics)
      : bus_(std::move(bus)),
        settings_(settings),
        chain_(settings_.chain),
        account_(account),
        metrics_(metrics),
        log_(logger("market")),
        node_(bus_->executor(), node::nodes_options(chain_)),
        health_report_(bus_, metrics, "market"),
        heartbeat_(bus_->executor()) {
    state_.source = new_ulid();
  }

  Status start() {
    SEP_TRY(snapshots_,
            bus_->serve(subject::kMarketSnapshot, "market", [self = this](bus::Message) -> Task<std::string> {
              co_return json::serialize(engine::snapshot_json(self->state_));
            }));
    if (settings_.on_paper()) {
      SEP_TRY(paper_account_, hear_paper_account(*bus_, [this](engine::AccountState account) {
                state_.account = std::move(account);
                if (state_.revision != 0) publish({});
              }));
    }
    spawn(follow());
    spawn(beat());
    return {};
  }

  void stop() {
    stopping_ = true;
    snapshots_.reset();
    paper_account_.reset();
    node_.stop();
    heartbeat_.cancel();
  }

 private:
  void spawn(Task<void> task) {
    asio::co_spawn(bus_->executor(), std::move(task), [self = shared_from_this()](std::exception_ptr error) {
      if (error) self->log_->critical("a task ended with an exception");
    });
  }

  Task<void> follow() {
    while (!stopping_) {
      const auto head = co_await node_.next_head();
      if (!head) co_return;
      const auto confirmed_ms = node_.confirmed_ms(head->hash);
      while (!stopping_) {
        const auto taken = co_await take(*head, {confirmed_ms});
        if (taken) break;
        log_->warn("block {}: {}", head->number, taken.error().detail);
        co_await pause(bus_->executor(), kRetryDelay);
        // The head may be gone by now; a newer one is taken next.
        const auto latest = co_await node_.header(node::kLatest);
        if (latest && *latest && (*latest)->hash != head->hash) break;
      }
    }
  }

  /// Says how the endpoints are and, while no block comes, when the node last confirmed the present one.
  Task<void> beat() {
    const auto self = shared_from_this();
    while (!stopping_) {
      co_await wait(heartbeat_, kHeartbeat);
      if (stopping_) co_return;
      health_report_.send(node_.health());
      const auto confirmed_ms = node_.confirmed_ms(state_.block.hash);
      if (state_.revision == 0 || confirmed_ms <= state_.confirmed_at.ms) continue;
      state_.confirmed_at = {confirmed_ms};
      publish({});
    }
  }

  /// Everything is asked for before any of it is taken, so that a failed question leaves the state as it was,
  /// and no other task sees half of a block. `confirmed_at`: when the node said that `head` is its head.
  Task<Status> take(const node::Head& head, Timestamp confirmed_at) {
    if (state_.revision != 0 && head.hash == state_.block.hash) co_return Status{};
    if (state_.revision == 0) co_return co_await load(head, confirmed_at);
    SEP_CO_TRY(const auto way, co_await blocks_up_to(head));
    if (way.empty()) {
      log_->info("block {} does not continue from block {}: reading the pools anew", head.number,
                 state_.block.number);
      co_return co_await load(head, confirmed_at);
    }
    std::vector<std::vector<Log>> logs;
    for (const auto& block : way) {
      SEP_CO_TRY(auto of_block, co_await node_.logs(block.hash, addresses_));
      logs.push_back(std::move(of_block));
    }
    SEP_CO_TRY(auto account, co_await read_account(head));

    std::vector<Address> changed;
    for (std::size_t i = 0; i < way.size(); ++i) advance(way[i], std::move(logs[i]), changed);
    move_to(head, confirmed_at, std::move(account), changed);
    co_return Status{};
  }

  /// The state is that of `head` from now on. On paper the account is another's to tell.
  void move_to(const node::Head& head, Timestamp confirmed_at, std::optional<engine::AccountState> account,
               const std::vector<Address>& changed) {
    state_.block = ref_of(head);
    state_.confirmed_at = std::max(state_.confirmed_at, confirmed_at);
    if (account) state_.account = std::move(account);
    publish(changed);
  }

  /// The blocks after the present one up to `head`; none where they do not connect.
  Task<Result<std::vector<node::Head>>> blocks_up_to(const node::Head& head) {
    std::deque<node::Head> way{head};
    while (way.front().parent_hash != state_.block.hash) {
      const auto& first = way.front();
      if (first.number <= state_.block.number + 1 || way.size() > kMaxWalk)
        co_return std::vector<node::Head>{};
      SEP_CO_TRY(const auto parent, co_await node_.header(node::BlockId(first.parent_hash)));
      if (!parent) co_return fail(errc::kNodeError, "the node does not have the parent of its head");
      way.push_front(*parent);
    }
    co_return std::vector<node::Head>(way.begin(), way.end());
  }

  void advance(const node::Head& block, std::vector<Log> logs, std::vector<Address>& changed) {
    std::ranges::sort(logs, {}, &Log::log_index);
    for (const auto& log : logs) {
      const auto entry = std::ranges::find_if(
          state_.pools, [&](const MarketPool& p) { return p.pool.state().address == log.address; });
      if (entry == state_.pools.end() || !entry->quarantine.empty()) continue;
      if (std::ranges::find(changed, log.address) == changed.end()) changed.push_back(log.address);
      if (const auto applied = apply_log(entry->pool, log); !applied) {
        entry->quarantine =
            fmt::format("block {}, log {}: {}", block.number, log.log_index, applied.error().detail);
        log_->error("pool {} is quarantined: {}", to_checksum(log.address), entry->quarantine);
        metrics_.add("sep_pools_quarantined_total");
      }
    }
    note_interval(block);
    state_.block = ref_of(block);
  }

  void note_interval(const node::Head& block) {
    const auto seconds = static_cast<std::int64_t>(block.timestamp) - state_.block.timestamp_s;
    intervals_ms_.push_back(std::max<std::int64_t>(0, seconds * 1000));
    if (intervals_ms_.size() > kIntervals) intervals_ms_.pop_front();
    state_.block_interval_ms = std::ranges::min(intervals_ms_);
  }

  // --- Reading everything at one block

  Task<Status> load(const node::Head& head, Timestamp confirmed_at) {
    const auto started = monotonic_ns();
    std::vector<MarketPool> pools;
    std::vector<Address> addresses;
    for (const auto& key : chain_.pools) {
      SEP_CO_TRY(const auto address, co_await pool_address(key, head));
      if (address.is_zero()) {
        log_->error("no pool {}/{} at {} in the factory", key.token_a, key.token_b, key.fee_pips);
        continue;
      }
      SEP_CO_TRY(auto pool, co_await read_pool(key, address, head));
      addresses.push_back(address);
      pools.push_back({std::move(pool), {}});
    }
    SEP_CO_TRY(auto account, co_await read_account(head));
    state_.pools = std::move(pools);
    addresses_ = std::move(addresses);
    move_to(head, confirmed_at, std::move(account), addresses_);
    calls_per_batch_ = std::min(kMostCalls, 2 * calls_per_batch_);  // what was slow need not stay so
    log_->info("read {} pools at block {} in {} ms", addresses_.size(), head.number,
               (monotonic_ns() - started) / 1'000'000);
    co_return Status{};
  }

  Task<Result<Bytes>> call(const Address& to, Bytes data, const node::Head& head) {
    SEP_CO_TRY(auto executed,
               co_await node_.call({.to = to, .data = std::move(data)}, node::BlockId(head.hash)));
    if (!executed)
      co_return fail(errc::kChainMismatch,
                     fmt::format("a call to {} failed: {}", to_checksum(to), executed.error().message));
    co_return std::move(*executed);
  }

  Task<Result<Address>> pool_address(const engine::PoolKey& key, const node::Head& head) {
    const auto* a = engine::find_token(chain_, key.token_a);
    const auto* b = engine::find_token(chain_, key.token_b);
    SEP_CO_TRY(const auto returned,
               co_await call(chain_.contracts.factory,
                             uniswap::factory::get_pool(a->address, b->address, key.fee_pips), head));
    co_return uniswap::decode_address(returned);
  }

  Task<Result<Pool>> read_pool(const engine::PoolKey& key, const Address& address, const node::Head& head) {
    namespace contract = uniswap::pool_contract;
    PoolState state;
    state.address = address;
    state.fee_pips = key.fee_pips;
    const auto a = engine::find_token(chain_, key.token_a)->address;
    const auto b = engine::find_token(chain_, key.token_b)->address;
    state.token0 = std::min(a, b);
    state.token1 = std::max(a, b);
    SEP_CO_TRY(const auto slot0_bytes, co_await call(address, contract::slot0(), head));
    SEP_CO_TRY(const auto slot0, contract::decode_slot0(slot0_bytes));
    state.sqrt_price_x96 = slot0.sqrt_price_x96;
    state.tick = slot0.tick;
    SEP_CO_TRY(const auto liquidity, co_await call(address, contract::liquidity(), head));
    SEP_CO_TRY(state.liquidity, contract::decode_liquidity(liquidity));
    SEP_CO_TRY(const auto spacing, co_await call(address, contract::tick_spacing(), head));
    SEP_CO_TRY(state.tick_spacing, contract::decode_tick_spacing(spacing));
    SEP_CO_TRY(state.ticks, co_await read_ticks(address, state.tick_spacing, head));
    co_return Pool::create(std::move(state));
  }

  Task<Result<std::vector<uniswap::TickInfo>>> read_ticks(const Address& pool, std::int32_t spacing,
                                                          const node::Head& head) {
    namespace lens = uniswap::tick_lens;
    const auto words = lens::word_range(spacing);
    std::vector<node::CallRequest> calls;
    for (auto word = words.first; word <= words.last; ++word)
      calls.push_back({.to = chain_.contracts.tick_lens,
                       .data = lens::populated_ticks_in_word(pool, static_cast<std::int16_t>(word))});
    SEP_CO_TRY(const auto answers, co_await call_in_batches(std::move(calls), head));
    std::vector<uniswap::TickInfo> ticks;
    for (const auto& answer : answers) {
      if (!answer) co_return fail(errc::kChainMismatch, "TickLens: " + answer.error().message);
      SEP_CO_TRY(const auto in_word, lens::decode_populated_ticks(*answer));
      ticks.insert(ticks.end(), in_word.begin(), in_word.end());
    }
    co_return ticks;
  }

  /// None where the signer's account is not the chain's.
  Task<Result<std::optional<engine::AccountState>>> read_account(const node::Head& head) {
    if (!account_) co_return std::nullopt;
    std::vector<node::CallRequest> calls;
    for (const auto& token : chain_.tokens) {
      calls.push_back({.to = token.address, .data = uniswap::erc20::balance_of(*account_)});
      calls.push_back(
          {.to = token.address, .data = uniswap::erc20::allowance(*account_, chain_.contracts.swap_router)});
    }
    SEP_CO_TRY(const auto answers, co_await call_in_batches(std::move(calls), head));
    engine::AccountState account;
    account.address = *account_;
    for (std::size_t i = 0; i < chain_.tokens.size(); ++i) {
      const auto& balance = answers[2 * i];
      const auto& allowance = answers[2 * i + 1];
      if (!balance || !allowance)
        co_return fail(errc::kChainMismatch,
                       chain_.tokens[i].symbol + " does not answer balanceOf or allowance");
      SEP_CO_TRY(account.balances[chain_.tokens[i].address], uniswap::decode_uint(*balance));
      SEP_CO_TRY(account.allowances[chain_.tokens[i].address], uniswap::decode_uint(*allowance));
    }
    SEP_CO_TRY(account.native_wei, co_await node_.balance(*account_, node::BlockId(head.hash)));
    co_return account;
  }

  /// As many in one request as the node has lately answered; fewer the next time where it does not.
  Task<Result<std::vector<node::Executed<Bytes>>>> call_in_batches(std::vector<node::CallRequest> calls,
                                                                   const node::Head& head) {
    std::vector<node::Executed<Bytes>> answers;
    const auto batch = calls_per_batch_;
    for (std::size_t first = 0; first < calls.size(); first += batch) {
      const auto begin = std::make_move_iterator(calls.begin() + static_cast<std::ptrdiff_t>(first));
      const auto count = std::min(batch, calls.size() - first);
      auto some = co_await node_.call_many({begin, begin + static_cast<std::ptrdiff_t>(count)},
                                           node::BlockId(head.hash));
      if (!some) {
        calls_per_batch_ = std::max(kLeastCalls, batch / 2);
        co_return fail(some.error());
      }
      std::ranges::move(*some, std::back_inserter(answers));
    }
    co_return answers;
  }

  void publish(const std::vector<Address>& changed) {
    ++state_.revision;
    if (const auto sent =
            bus_->publish(subject::kMarketUpdate, json::serialize(engine::update_json(state_, changed)));
        !sent)
      log_->debug("an update was not published: {}", sent.error().detail);
    metrics_.set("sep_market_block", static_cast<double>(state_.block.number), {},
                 "Block of the market's state");
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::Settings settings_;
  const engine::ChainSettings& chain_;
  std::optional<Address> account_;
  gateway::Metrics& metrics_;
  Logger log_;
  node::Nodes node_;
  NodeHealthReport health_report_;
  asio::steady_timer heartbeat_;
  bus::Subscription snapshots_, paper_account_;
  MarketState state_;
  std::vector<Address> addresses_;
  std::size_t calls_per_batch_ = kMostCalls;
  std::deque<std::int64_t> intervals_ms_;
  bool stopping_ = false;
};

Market::Market(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Market::~Market() {
  impl_->stop();
}

Result<std::unique_ptr<Market>> Market::start(std::shared_ptr<bus::Bus> bus, const engine::Settings& settings,
                                              std::optional<Address> account, gateway::Metrics& metrics) {
  auto impl = std::make_shared<Impl>(std::move(bus), settings, account, metrics);
  SEP_CHECK(impl->start());
  return std::unique_ptr<Market>(new Market(std::move(impl)));
}

}  // namespace sep::services
