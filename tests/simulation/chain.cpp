#include "simulation/chain.h"

#include <algorithm>

#include "base/hex.h"
#include "engine/intent.h"
#include "ethereum/abi.h"

namespace sep::sim {
namespace {

constexpr std::uint64_t kTransferGas = 21'000;
constexpr std::uint64_t kSwapGas = 130'000;
constexpr std::uint64_t kTickGas = 22'000;

Bytes revert_data(std::string_view text) {
  return abi::Encoder().string(text).call(abi::selector("Error(string)"));
}

Executed reverted(std::string_view text, std::uint64_t gas) {
  return {.success = false, .gas_used = gas, .returned = revert_data(text)};
}

Hash32 topic_of(const Address& address) {
  Hash32 topic;
  std::ranges::copy(address.bytes, topic.bytes.begin() + 12);
  return topic;
}

Log transfer_log(const Address& token, const Address& from, const Address& to, const Uint256& amount) {
  Log log;
  log.address = token;
  log.topics = {uniswap::logs::kTransfer, topic_of(from), topic_of(to)};
  const auto word = to_big_endian(amount);
  log.data.assign(word.begin(), word.end());
  return log;
}

uniswap::SwapLog swap_log(const uniswap::Pool& pool, uniswap::Direction direction,
                          const uniswap::SwapResult& result) {
  uniswap::SwapLog log;
  const uniswap::SignedAmount in{result.amount_in, false};
  const uniswap::SignedAmount out{result.amount_out, true};
  log.amount0 = direction == uniswap::Direction::kZeroForOne ? in : out;
  log.amount1 = direction == uniswap::Direction::kZeroForOne ? out : in;
  log.sqrt_price_x96 = result.sqrt_price_x96_after;
  log.liquidity = result.liquidity_after;
  log.tick = result.tick_after;
  (void)pool;
  return log;
}

}  // namespace

Chain::Chain(World& world, const engine::Settings& settings, Address account, ChainState genesis,
             Options options)
    : world_(world),
      settings_(settings),
      account_(account),
      options_(options),
      front_ends_(options.endpoints * options.front_ends_of_each),
      fee_target_(options.base_fee_wei) {
  world.chain = this;
  auto first = std::make_unique<Block>();
  first->number = 100;
  first->hash = keccak256("genesis");
  first->timestamp_s = world_.now().unix_seconds() - 1;
  first->base_fee_wei = options_.base_fee_wei;
  first->after = std::move(genesis);
  tip_ = first.get();
  blocks_.push_back(std::move(first));
  for (auto& front_end : front_ends_) front_end.tip = tip_;
}

std::vector<const Block*> Chain::canonical() const {
  std::vector<const Block*> blocks;
  for (const auto* block = tip_; block != nullptr; block = block->parent) blocks.push_back(block);
  return blocks;
}

const SignedTransaction* Chain::known(const Hash32& hash) const {
  const auto found = submitted_.find(hash);
  return found == submitted_.end() ? nullptr : &found->second;
}

// --- executing

Executed Chain::execute(ChainState& state, const Transaction& transaction, std::int64_t timestamp_s) const {
  const auto& to = *transaction.to;
  if (transaction.data.empty()) return {.success = true, .gas_used = kTransferGas};
  if (to != settings_.chain.contracts.swap_router) {
    // approve(router, amount)
    const auto call = abi::Decoder::of_call(transaction.data, abi::selector("approve(address,uint256)"));
    if (!call) return reverted("no such function", kTransferGas);
    auto& allowance = state.allowances[to];
    const auto amount = call->uint(1).value();
    const auto* token = engine::find_token(settings_.chain, to);
    if (token != nullptr && token->reset_allowance && !allowance.is_zero() && !amount.is_zero())
      return reverted("", 25'000);
    Executed done{.success = true, .gas_used = allowance.is_zero() ? 46'000U : 29'000U};
    done.returned = abi::Encoder().boolean(true).finish();
    allowance = amount;
    return done;
  }
  const auto swap = uniswap::swap_router::decode_multicall(transaction.data);
  if (!swap) return reverted("no such function", kTransferGas);
  if (timestamp_s > static_cast<std::int64_t>(swap->deadline)) return reverted("Transaction too old", 28'000);
  // All or nothing: the pools and balances become the state's only where every path is done.
  ChainState next = state;
  Executed done{.success = true, .gas_used = kTransferGas, .swapped = true};
  for (const auto& path : swap->paths) {
    auto failure = swap_path(next, *swap, path, done);
    if (failure) return std::move(*failure);
  }
  state = std::move(next);
  return done;
}

/// One path on the state, its logs and amounts added to `done`; what the router says where it fails.
std::optional<Executed> Chain::swap_path(ChainState& state, const uniswap::swap_router::Swap& swap,
                                         const uniswap::swap_router::PathSwap& one, Executed& done) const {
  const auto& [tokens, fees] = one.path;
  const bool exact_input = swap.kind == uniswap::Kind::kExactInput;
  Uint256 amount_in = one.amount;
  Uint256 amount_out = one.amount;
  // An exact output is computed from its end.
  for (std::size_t step = 0; step < fees.size(); ++step) {
    const auto hop = exact_input ? step : fees.size() - 1 - step;
    const auto pool = std::ranges::find_if(state.pools, [&](const uniswap::Pool& candidate) {
      const auto& known = candidate.state();
      return known.fee_pips == fees[hop] && std::min(tokens[hop], tokens[hop + 1]) == known.token0 &&
             std::max(tokens[hop], tokens[hop + 1]) == known.token1;
    });
    if (pool == state.pools.end()) return reverted("no pool", kTransferGas);
    const auto direction = tokens[hop] == pool->state().token0 ? uniswap::Direction::kZeroForOne
                                                               : uniswap::Direction::kOneForZero;
    const auto quoted = exact_input ? pool->quote_exact_input(direction, amount_out)
                                    : pool->quote_exact_output(direction, amount_in);
    if (!quoted || !quoted->complete) return reverted("SPL", 60'000);
    amount_in = exact_input && step > 0 ? amount_in : quoted->amount_in;
    amount_out = !exact_input && step > 0 ? amount_out : quoted->amount_out;
    const auto& from = hop == 0 ? account_ : settings_.chain.contracts.swap_router;
    const auto& to = hop + 1 == fees.size() ? swap.recipient : settings_.chain.contracts.swap_router;
    const auto& address = pool->state().address;
    done.logs.push_back(transfer_log(tokens[hop + 1], address, to, quoted->amount_out));
    done.logs.push_back(transfer_log(tokens[hop], from, address, quoted->amount_in));
    done.gas_used += kSwapGas - kTransferGas + kTickGas * quoted->ticks_crossed;
    const auto applied = pool->apply_swap(swap_log(*pool, direction, *quoted));
    SEP_ASSERT(applied.has_value());
  }
  // SwapRouter02 pays before it compares.
  auto& balance = state.balances[tokens.front()];
  auto& allowance = state.allowances[tokens.front()];
  if (balance < amount_in || allowance < amount_in) return reverted("STF", 90'000);
  if (exact_input && amount_out < one.bound) return reverted("Too little received", 115'000);
  if (!exact_input && amount_in > one.bound) return reverted("Too much requested", 115'000);
  balance -= amount_in;
  allowance -= amount_in;
  state.balances[tokens.back()] += amount_out;
  done.amount_in = done.amount_in + amount_in;
  done.amount_out = done.amount_out + amount_out;
  return std::nullopt;
}

Executed Chain::call(const ChainState& state, const Address& to, ByteView data,
                     std::int64_t timestamp_s) const {
  if (const auto balance = abi::Decoder::of_call(data, abi::selector("balanceOf(address)"))) {
    const auto found = state.balances.find(to);
    Executed done{.success = true, .gas_used = 30'000};
    done.returned = abi::Encoder().uint(found == state.balances.end() ? Uint256() : found->second).finish();
    return done;
  }
  if (const auto allowance = abi::Decoder::of_call(data, abi::selector("allowance(address,address)"))) {
    const auto found = state.allowances.find(to);
    Executed done{.success = true, .gas_used = 30'000};
    done.returned = abi::Encoder().uint(found == state.allowances.end() ? Uint256() : found->second).finish();
    return done;
  }
  auto copy = state;
  Transaction transaction;
  transaction.to = to;
  transaction.data.assign(data.begin(), data.end());
  return execute(copy, transaction, timestamp_s);
}

ChainState Chain::pending(const FrontEnd& seen) const {
  auto state = seen.tip->after;
  for (auto next = pool_.find(state.nonce); next != pool_.end() && next->first == state.nonce; ++next) {
    (void)execute(state, next->second.transaction, world_.now().unix_seconds());
    ++state.nonce;
  }
  return state;
}

// --- front ends

std::size_t Chain::front_end_for_call(const std::string& endpoint) {
  const auto first = static_cast<std::size_t>(endpoint.back() - '0') * options_.front_ends_of_each;
  return world_.faults_on ? first + world_.random.below(options_.front_ends_of_each) : first;
}

const Block* Chain::at(const Block* tip, std::uint64_t number) {
  if (number > tip->number) return nullptr;
  while (tip != nullptr && tip->number > number) tip = tip->parent;
  return tip;
}

Chain::Found Chain::find(const Block* tip, const Hash32& hash) const {
  const auto blocks = included_.find(hash);
  if (blocks == included_.end()) return {};
  for (const auto* block : blocks->second) {
    if (at(tip, block->number) != block) continue;
    const auto found = std::ranges::find(block->transactions, hash, &MinedTransaction::hash);
    return {block, &*found};
  }
  return {};
}

std::string Chain::submit(std::size_t front_end, const SignedTransaction& signed_transaction) {
  const auto& tx = signed_transaction.transaction;
  const auto& seen = *front_ends_[front_end].tip;
  submitted_.try_emplace(signed_transaction.hash, signed_transaction);
  if (tx.nonce < seen.after.nonce || tx.nonce < tip_->after.nonce) return "nonce too low";
  const auto waiting = pool_.find(tx.nonce);
  if (waiting != pool_.end()) {
    if (waiting->second.hash == signed_transaction.hash) return "already known";
    const auto& old = waiting->second.transaction;
    const auto enough = [&](const Uint256& now, const Uint256& before) {
      return now * Uint256(100U) >= before * Uint256(100U + options_.replacement_percent);
    };
    if (!enough(tx.max_fee_per_gas, old.max_fee_per_gas) ||
        !enough(tx.max_priority_fee_per_gas, old.max_priority_fee_per_gas))
      return "replacement transaction underpriced";
  }
  if (options_.refuses_below_base_fee && tx.max_fee_per_gas < seen.base_fee_wei)
    return "max fee per gas less than block base fee";
  if (Uint256(tx.gas_limit) * tx.max_fee_per_gas + tx.value > tip_->after.native_wei)
    return "insufficient funds for gas * price + value";
  if (options_.refuses_nonce_gaps && tx.nonce > tip_->after.nonce && !pool_.contains(tx.nonce - 1))
    return "nonce too high";
  pool_.insert_or_assign(tx.nonce, signed_transaction);
  if (world_.fault(world_.faults.dropped_from_pool, "dropped from the pool")) pool_.erase(tx.nonce);
  return {};
}

void Chain::show(std::size_t front_end) {
  auto& seen = front_ends_[front_end];
  if (seen.tip == tip_) return;
  if (world_.faults_on && seen.stalled_until_ms > world_.now_ms()) {
    world_.after(seen.stalled_until_ms - world_.now_ms(), [this, front_end] { show(front_end); });
    return;
  }
  seen.tip = tip_;
  for (const auto& listener : head_listeners_) listener();
}

void Chain::propagate() {
  for (std::size_t i = 0; i < front_ends_.size(); ++i) {
    auto delay = world_.random.between(1, 300);
    if (world_.faults_on && world_.faults.nodes_disagree && world_.random.one_in(3)) {
      world_.count("front end behind");
      delay = world_.random.between(1, 3 * options_.block_interval_ms);
    }
    world_.after(delay, [this, i] { show(i); });
  }
}

void Chain::stall_front_end(std::int64_t ms) {
  auto& seen = world_.random.pick(front_ends_);
  seen.stalled_until_ms = world_.now_ms() + ms;
  world_.trace("chain", fmt::format("a front end stalls for {} ms", ms));
}

// --- what happens

void Chain::start() {
  world_.after(options_.block_interval_ms, [this] { mine(); });
}

void Chain::settle_down() {
  fee_target_ = options_.base_fee_wei;
  propagate();
}

Uint256 Chain::next_base_fee() {
  if (!world_.faults_on) {
    fee_target_ = options_.base_fee_wei;
  } else if (world_.faults.fee_spikes && world_.now_ms() >= fee_until_ms_) {
    const bool spike = world_.random.one_in(2);
    fee_until_ms_ = world_.now_ms() + world_.random.between(30'000, 400'000);
    fee_target_ = options_.base_fee_wei * Uint256(spike ? world_.random.below(30) + 2 : 1U);
    if (spike) world_.count("fee spike");
  }
  const auto present = tip_->base_fee_wei;
  const auto eighth = present / Uint256(8U);
  if (present < fee_target_) return std::min(present + eighth + Uint256(1U), fee_target_);
  return std::max(present - eighth, std::min(present, fee_target_));
}

Block& Chain::append_block(std::int64_t timestamp_s) {
  auto block = std::make_unique<Block>();
  block->number = tip_->number + 1;
  block->hash = keccak256(fmt::format("block {} {}", block->number, ++salt_));
  block->parent = tip_;
  block->timestamp_s = std::max(timestamp_s, tip_->timestamp_s + 1);
  block->base_fee_wei = next_base_fee();
  block->after = tip_->after;
  fill(*block);
  tip_ = block.get();
  blocks_.push_back(std::move(block));
  for (const auto& mined : tip_->transactions) included_[mined.hash].push_back(tip_);
  if (!tip_->transactions.empty() || salt_ % 16 == 0)
    world_.trace("chain", fmt::format("block {} base fee {} with {} of ours", tip_->number,
                                      to_string(tip_->base_fee_wei), tip_->transactions.size()));
  return *blocks_.back();
}

/// A swap of somebody else: the price moves.
void Chain::trade(ChainState& state) {
  auto& pool = world_.random.pick(state.pools);
  const auto direction =
      world_.random.one_in(2) ? uniswap::Direction::kZeroForOne : uniswap::Direction::kOneForZero;
  // Of the virtual reserve that comes in: 0.01 % to 2 %.
  const auto& price = pool.state().sqrt_price_x96;
  const Uint256 liquidity(pool.state().liquidity);
  const auto q96 = Uint256::pow2(96);
  const auto reserve = direction == uniswap::Direction::kZeroForOne ? mul_div(liquidity, q96, price)
                                                                    : mul_div(liquidity, price, q96);
  const auto amount = *reserve * Uint256(world_.random.below(200) + 1) / Uint256(10'000U);
  const auto quoted = pool.quote_exact_input(direction, amount);
  if (!quoted || !quoted->complete) return;
  const auto& bounds = pool.state().ticks;
  if (quoted->tick_after <= bounds.front().tick + 500 || quoted->tick_after >= bounds.back().tick - 500)
    return;
  SEP_ASSERT(pool.apply_swap(swap_log(pool, direction, *quoted)).has_value());
  world_.count("outsider's trade");
}

void Chain::fill(Block& block) {
  const auto trade_perhaps = [&] {
    if (world_.faults_on && world_.faults.outsiders && world_.random.one_in(3)) trade(block.after);
  };
  trade_perhaps();
  while (true) {
    const auto next = pool_.find(block.after.nonce);
    if (next == pool_.end()) break;
    const auto& candidate = next->second;
    const auto& tx = candidate.transaction;
    if (tx.max_fee_per_gas < block.base_fee_wei) break;
    if (world_.fault(world_.faults.inclusion_delayed, "inclusion delayed")) break;
    MinedTransaction mined;
    mined.hash = candidate.hash;
    mined.signed_transaction = candidate;
    mined.foreign = foreign_.contains(candidate.hash);
    mined.effective_gas_price_wei =
        block.base_fee_wei + std::min(tx.max_priority_fee_per_gas, tx.max_fee_per_gas - block.base_fee_wei);
    const auto before = block.after;
    mined.result = execute(block.after, tx, block.timestamp_s);
    if (mined.result.success && mined.result.gas_used > tx.gas_limit) {
      mined.result = {.success = false, .gas_used = tx.gas_limit};
      world_.count("out of gas");
    }
    if (!mined.result.success) block.after = before;
    block.after.native_wei -= Uint256(mined.result.gas_used) * mined.effective_gas_price_wei;
    ++block.after.nonce;
    std::uint64_t index = 0;
    for (auto& log : mined.result.logs) {
      log.block_number = block.number;
      log.block_hash = block.hash;
      log.tx_hash = mined.hash;
      log.tx_index = block.transactions.size();
      log.log_index = index++;
    }
    world_.count(!mined.result.success  ? "mined: reverted"
                 : mined.result.swapped ? "mined: swapped"
                                        : "mined: other");
    world_.trace("chain", fmt::format("block {}: nonce {} {} {}", block.number, tx.nonce,
                                      to_hex(mined.hash).substr(0, 12),
                                      mined.result.success ? "succeeds" : "reverts"));
    pool_.erase(next);
    block.transactions.push_back(std::move(mined));
    trade_perhaps();
  }
}

void Chain::mine() {
  if (world_.fault(world_.faults.reorganised, "reorganisation"))
    reorganise(static_cast<unsigned>(world_.random.below(6)) + 1);
  append_block(world_.now().unix_seconds());
  propagate();
  world_.after(options_.block_interval_ms, [this] { mine(); });
}

void Chain::reorganise(unsigned depth) {
  depth = std::min(depth, options_.confirmations - 1);
  std::vector<std::int64_t> timestamps;
  std::vector<SignedTransaction> back;
  const auto* old = tip_;
  for (unsigned i = 0; i < depth && old->parent != nullptr; ++i, old = old->parent) {
    timestamps.push_back(old->timestamp_s);
    for (const auto& mined : old->transactions) back.push_back(mined.signed_transaction);
  }
  if (timestamps.empty()) return;
  world_.count(fmt::format("reorganisation {} deep", timestamps.size()));
  world_.trace("chain", fmt::format("reorganisation: {} blocks leave, {} transactions of ours",
                                    timestamps.size(), back.size()));
  tip_ = old;
  for (auto& transaction : back) {
    if (world_.random.one_in(4)) {
      world_.count("lost in a reorganisation");
      continue;
    }
    // What replaced it in the pool meanwhile stays.
    pool_.try_emplace(transaction.transaction.nonce, std::move(transaction));
  }
  for (std::size_t i = timestamps.size(); i-- > 0;) append_block(timestamps[i]);
}

void Chain::drop_pending() {
  if (pool_.empty()) return;
  auto at = pool_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(world_.random.below(pool_.size())));
  world_.count("dropped from the pool later");
  pool_.erase(at);
}

/// Somebody else who holds the key sends a transaction, at whatever nonce is next.
void Chain::use_nonce_elsewhere() {
  const auto nonce = tip_->after.nonce + (world_.random.one_in(2) ? 0 : pool_.size());
  SignedTransaction foreign;
  foreign.transaction.nonce = nonce;
  foreign.transaction.gas_limit = kTransferGas;
  foreign.transaction.max_fee_per_gas = options_.base_fee_wei * Uint256(1'000U);
  foreign.transaction.max_priority_fee_per_gas = options_.base_fee_wei * Uint256(10U);
  foreign.transaction.to = account_;
  foreign.hash = keccak256(fmt::format("foreign {}", ++salt_));
  foreign_.insert(foreign.hash);
  submitted_.try_emplace(foreign.hash, foreign);
  world_.count("foreign transaction");
  world_.trace("chain", fmt::format("a foreign transaction at nonce {}", nonce));
  pool_.insert_or_assign(nonce, std::move(foreign));
}

}  // namespace sep::sim
