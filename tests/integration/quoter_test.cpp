// Our quotes against Uniswap's own QuoterV2 on a real EVM: random pools of every fee tier, thousands of
// random swaps of any size, equal to the last unit; and real swaps in between, whose logs move our pools
// along.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "app/blocking.h"
#include "app/config.h"
#include "app/parts.h"
#include "base/hex.h"
#include "ethereum/revert.h"
#include "ethereum/rlp.h"
#include "ethereum/transaction.h"
#include "node/node.h"
#include "support/temp_dir.h"
#include "uniswap/contracts.h"
#include "uniswap/router.h"
#include "uniswap/tick_math.h"

namespace sep {
namespace {

using boost::asio::awaitable;
using uniswap::Direction;
using uniswap::Kind;
using uniswap::Pool;
using uniswap::PoolState;
using uniswap::SwapResult;

constexpr std::uint64_t kFarFuture = 1ULL << 40;  // unix seconds

/// What the test cannot go on without; gtest's ASSERT does not work in coroutines.
template <class T>
T need(std::expected<T, Error> result, const char* what) {
  if (!result) throw std::runtime_error(std::string(what) + ": " + result.error().detail);
  return std::move(*result);
}
template <class T>
T need(node::NodeResult<T> result, const char* what) {
  if (!result) throw std::runtime_error(std::string(what) + ": " + result.error().message);
  return std::move(*result);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::int64_t uniform(std::int64_t low, std::int64_t high) {  // both included
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  /// From 1 up to 2^bits, every order of magnitude alike.
  Uint256 log_uniform(int bits) {
    const auto length = static_cast<unsigned>(uniform(0, bits));
    const Uint256 any = Uint256::from_limbs({engine_(), engine_(), 0, 0});
    return Uint256::pow2(length) + (any & (Uint256::pow2(length) - 1));
  }

 private:
  std::mt19937_64 engine_;
};

/// The account that makes tokens, pools and swaps; every transaction is mined at once.
class Account {
 public:
  Account(node::Node& node, std::uint64_t nonce)
      : node_(node), key_(PrivateKey::from_hex(kDevnetPrivateKey).value()), nonce_(nonce) {}

  const Address& address() const { return key_.address(); }

  awaitable<node::Receipt> send(std::optional<Address> to, Bytes data) {
    Transaction tx;
    tx.chain_id = 31337;
    tx.nonce = nonce_++;
    tx.max_fee_per_gas = 100'000'000'000U;
    tx.gas_limit = 25'000'000;
    tx.to = to;
    tx.data = std::move(data);
    const auto signed_tx = sign(std::move(tx), key_);
    // Answers when the transaction is mined.
    need(co_await node_.rpc().call("eth_sendRawTransactionSync", {json::string(to_hex(signed_tx.raw))}),
         "send");
    auto receipt = need(co_await node_.receipt(signed_tx.hash), "receipt");
    if (!receipt) throw std::runtime_error("a mined transaction has no receipt");
    co_return *receipt;
  }

  /// The address of the contract that the next transaction creates.
  Address next_contract() const;

 private:
  node::Node& node_;
  PrivateKey key_;
  std::uint64_t nonce_;
};

Address contract_of(const Address& sender, std::uint64_t nonce) {
  const Hash32 hash = keccak256(rlp::ListEncoder().bytes(sender.bytes).uint(nonce).finish());
  Address address;
  std::copy(hash.bytes.begin() + 12, hash.bytes.end(), address.bytes.begin());
  return address;
}

Address Account::next_contract() const {
  return contract_of(key_.address(), nonce_);
}

Bytes token_code() {
  std::ifstream file(std::filesystem::path(SEP_SOURCE_DIR) / "devnet/contracts/Token.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto document = need(parse_json(text), "Token.json");
  Bytes code = need(from_hex(document.at("bytecode").as_string()), "Token.json");
  append(code, abi::Encoder().string("Test").string("TEST").uint(18).finish());
  return code;
}

/// One pool on the chain, and ours.
struct TestPool {
  PoolState key;                 // tokens, fee, spacing, address
  std::set<std::int16_t> words;  // of the bitmap, in which its positions begin and end
  std::optional<Pool> pool;
};

class Market {
 public:
  Market(node::Node& node, const engine::Contracts& contracts, Account& account, Random& random)
      : node_(node), contracts_(contracts), account_(account), random_(random) {}

  awaitable<Bytes> call(Address to, Bytes data) {
    node::CallRequest request;
    request.to = to;
    request.data = std::move(data);
    auto result = need(co_await node_.call(std::move(request)), "eth_call");
    if (!result) throw std::runtime_error("a call reverted: " + decode_revert(result.error().data).text);
    co_return *result;
  }

  awaitable<Address> make_token() {
    const Address token = account_.next_contract();
    co_await account_.send(std::nullopt, token_code());
    static const auto mint = abi::selector("mint(address,uint256)");
    co_await account_.send(token,
                           abi::Encoder().address(account_.address()).uint(Uint256::pow2(200)).call(mint));
    for (const auto& spender : {contracts_.position_manager, contracts_.swap_router})
      co_await account_.send(token, uniswap::erc20::approve(spender, Uint256::max()));
    co_return token;
  }

  /// A pool at a random price with random positions: some around the price, some far away on either side, so
  /// that empty words of the bitmap and stretches without liquidity lie between them.
  awaitable<TestPool> make_pool(Address token_a, Address token_b, std::uint32_t fee, std::int32_t spacing) {
    TestPool made;
    made.key.token0 = std::min(token_a, token_b);
    made.key.token1 = std::max(token_a, token_b);
    made.key.fee_pips = fee;
    made.key.tick_spacing = spacing;
    const auto tick = static_cast<std::int32_t>(random_.uniform(-60'000, 60'000));
    const Uint256 price = uniswap::sqrt_ratio_at_tick(tick) + random_.uniform(0, 1'000'000);
    co_await account_.send(contracts_.position_manager, uniswap::position_manager::create_and_initialize_pool(
                                                            made.key.token0, made.key.token1, fee, price));
    made.key.address =
        need(uniswap::decode_address(co_await call(
                 contracts_.factory, uniswap::factory::get_pool(made.key.token0, made.key.token1, fee))),
             "getPool");
    // Shallow pools, and some so deep that the least move of the price is worth more than one unit.
    const int depth = static_cast<int>(random_.uniform(60, 90));  // bits of the greatest amount of a position
    const auto positions = random_.uniform(3, 14);
    for (int i = 0; i < positions; ++i) co_await add_position(made, tick, depth, i == 0);
    co_return made;
  }

  /// Reads the pool's state at the latest block.
  awaitable<PoolState> load(const TestPool& of) {
    PoolState state = of.key;
    const auto slot0 = need(
        uniswap::pool_contract::decode_slot0(co_await call(state.address, uniswap::pool_contract::slot0())),
        "slot0");
    state.sqrt_price_x96 = slot0.sqrt_price_x96;
    state.tick = slot0.tick;
    state.liquidity = need(uniswap::pool_contract::decode_liquidity(
                               co_await call(state.address, uniswap::pool_contract::liquidity())),
                           "liquidity");
    for (const auto word : of.words) {
      const auto ticks =
          need(uniswap::tick_lens::decode_populated_ticks(co_await call(
                   contracts_.tick_lens, uniswap::tick_lens::populated_ticks_in_word(state.address, word))),
               "getPopulatedTicksInWord");
      state.ticks.insert(state.ticks.end(), ticks.begin(), ticks.end());
    }
    co_return state;
  }

  /// Quotes `count` random swaps here and there, and compares.
  awaitable<void> compare_quotes(const Pool& pool, int count, std::map<std::string, int>& outcomes) {
    struct Case {
      Direction direction;
      Kind kind;
      Uint256 amount;
    };
    std::vector<Case> cases;
    std::vector<node::CallRequest> requests;
    for (int i = 0; i < count; ++i) {
      Case one{random_.uniform(0, 1) == 0 ? Direction::kZeroForOne : Direction::kOneForZero,
               random_.uniform(0, 1) == 0 ? Kind::kExactInput : Kind::kExactOutput, random_.log_uniform(100)};
      // Half of any order of magnitude, half a share of what the whole pool can do, or somewhat more.
      if (const auto all = pool.quote_exact_input(one.direction, Uint256::pow2(200)); all && i % 2 == 0)
        one.amount = (one.kind == Kind::kExactInput ? all->amount_in : all->amount_out) *
                         random_.uniform(0, 1'020) / 1'000 +
                     1;
      cases.push_back(one);
      const auto build = one.kind == Kind::kExactInput ? uniswap::quoter::exact_input_single
                                                       : uniswap::quoter::exact_output_single;
      node::CallRequest request;
      request.to = contracts_.quoter;
      request.data = build(pool.token_in(one.direction), pool.token_out(one.direction), one.amount,
                           pool.state().fee_pips);
      requests.push_back(std::move(request));
    }
    const auto answers = need(co_await node_.call_many(std::move(requests)), "QuoterV2");
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const auto& [direction, kind, amount] = cases[i];
      SCOPED_TRACE("fee " + std::to_string(pool.state().fee_pips) + ", tick " +
                   std::to_string(pool.state().tick) +
                   (direction == Direction::kZeroForOne ? ", 0 for 1, " : ", 1 for 0, ") +
                   (kind == Kind::kExactInput ? "input " : "output ") + to_string(amount));
      const auto ours = kind == Kind::kExactInput ? pool.quote_exact_input(direction, amount)
                                                  : pool.quote_exact_output(direction, amount);
      compare(pool, kind, ours, answers[i], outcomes);
    }
  }

  /// A real swap through SwapRouter02, of a size that our pool can do; its log moves our pool.
  awaitable<void> swap(TestPool& of) {
    const auto direction = random_.uniform(0, 1) == 0 ? Direction::kZeroForOne : Direction::kOneForZero;
    const auto kind = random_.uniform(0, 1) == 0 ? Kind::kExactInput : Kind::kExactOutput;
    const uniswap::QuoteRequest request{of.pool->token_in(direction), of.pool->token_out(direction),
                                        random_.log_uniform(80), kind};
    const Pool* pools[] = {&*of.pool};
    const auto route = uniswap::best_direct(pools, request);
    if (!route || route->amount_out.is_zero())
      co_return;  // too large for this pool, or too small to give anything
    const bool exact_input = kind == Kind::kExactInput;
    // Bounds at the quote itself: one unit less would revert.
    const auto receipt = co_await account_.send(
        contracts_.swap_router,
        uniswap::swap_router::multicall({kind, request.token_in, request.token_out, of.key.fee_pips,
                                         account_.address(), request.amount,
                                         exact_input ? route->amount_out : route->amount_in, kFarFuture}));
    EXPECT_TRUE(receipt.success);
    int swaps = 0;
    for (const auto& log : receipt.logs) {
      const auto decoded = uniswap::logs::decode_swap(log.topics, log.data);
      if (!decoded) continue;
      ++swaps;
      const auto& in = direction == Direction::kZeroForOne ? decoded->amount0 : decoded->amount1;
      EXPECT_EQ(in.magnitude, route->amount_in);
      const auto applied = of.pool->apply_swap(*decoded);
      EXPECT_TRUE(applied) << applied.error().detail;
    }
    EXPECT_EQ(swaps, receipt.success ? 1 : 0);
    gas_.push_back(static_cast<double>(route->gas_estimate) / static_cast<double>(receipt.gas_used));
    EXPECT_EQ(of.pool->state(), co_await load(of)) << "the state after a log is the chain's";
  }

  /// Our gas estimates as a share of the gas that swaps used.
  const std::vector<double>& gas_ratios() const { return gas_; }

 private:
  awaitable<void> add_position(TestPool& of, std::int32_t tick, int depth, bool around_price) {
    const std::int32_t spacing = of.key.tick_spacing;
    const std::int32_t limit = uniswap::kMaxTick / spacing;
    const std::int64_t reaches[] = {2, 40, 600, 40'000 / spacing};
    const std::int64_t reach = reaches[random_.uniform(0, 3)];
    const std::int64_t center = tick / spacing;
    const auto at = [&](std::int64_t compressed, std::int64_t low, std::int64_t high) {
      return static_cast<std::int32_t>(std::clamp<std::int64_t>(compressed, low, high)) * spacing;
    };
    const std::int64_t begin = around_price ? center - 2 : center + random_.uniform(-reach, reach);
    const std::int64_t end = around_price ? center + 3 : begin + random_.uniform(1, reach);
    uniswap::position_manager::Mint mint;
    mint.token0 = of.key.token0;
    mint.token1 = of.key.token1;
    mint.fee_pips = of.key.fee_pips;
    mint.tick_lower = at(begin, -limit, limit - 1);
    mint.tick_upper = at(end, mint.tick_lower / spacing + 1, limit);
    mint.amount0 = random_.log_uniform(depth) + 1'000'000;
    mint.amount1 = random_.log_uniform(depth) + 1'000'000;
    mint.recipient = account_.address();
    mint.deadline = kFarFuture;
    const auto receipt =
        co_await account_.send(contracts_.position_manager, uniswap::position_manager::mint(mint));
    if (!receipt.success) co_return;  // amounts too small for any liquidity in this range
    for (const auto edge : {mint.tick_lower, mint.tick_upper})
      of.words.insert(static_cast<std::int16_t>((edge / spacing) >> 8));
  }

  static void compare(const Pool& pool, Kind kind, const Result<SwapResult>& ours,
                      const node::Executed<Bytes>& theirs, std::map<std::string, int>& outcomes) {
    if (!ours || (!ours->complete && kind == Kind::kExactOutput)) {
      EXPECT_FALSE(theirs) << "we refuse, QuoterV2 answers";
      ++outcomes[ours ? "output beyond the liquidity, both refuse" : "no liquidity, both refuse"];
      return;
    }
    if (!theirs) {
      ADD_FAILURE() << "QuoterV2 refuses, we answer: " << decode_revert(theirs.error().data).text;
      return;
    }
    const auto answer = uniswap::quoter::decode(*theirs);
    if (!answer) {
      ADD_FAILURE() << answer.error().detail;
      return;
    }
    EXPECT_EQ(kind == Kind::kExactInput ? ours->amount_out : ours->amount_in, answer->amount);
    EXPECT_EQ(ours->sqrt_price_x96_after, answer->sqrt_price_x96_after);
    EXPECT_EQ(pool.quoter_ticks_crossed(ours->tick_after), answer->ticks_crossed);
    ++outcomes[!ours->complete            ? "input beyond the liquidity, equal"
               : ours->ticks_crossed == 0 ? "within one range, equal"
                                          : "across ticks, equal"];
  }

  node::Node& node_;
  const engine::Contracts& contracts_;
  Account& account_;
  Random& random_;
  std::vector<double> gas_;
};

awaitable<int> compare_everything(boost::asio::any_io_executor executor, std::string ipc_path,
                                  engine::Contracts contracts) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  Random random(seed);
  node::NodeOptions options;
  options.ipc_path = ipc_path;
  options.rpc.timeout = std::chrono::seconds(60);
  node::Node node(executor, options);
  // Quotes of a swap that walks the whole range at spacing 1 take some 60 million gas.
  need(co_await node.rpc().call("evm_setBlockGasLimit", {"0x3b9aca00"}), "evm_setBlockGasLimit");
  const Address deployer = PrivateKey::from_hex(kDevnetPrivateKey)->address();
  Account account(node, need(co_await node.transaction_count(deployer, node::kLatest), "nonce"));
  Market market(node, contracts, account, random);

  std::vector<Address> tokens;
  for (int i = 0; i < 3; ++i) tokens.push_back(co_await market.make_token());
  std::vector<TestPool> pools;
  for (const auto& [fee, spacing] : {std::pair{100U, 1}, {500U, 10}, {3000U, 60}, {10000U, 200}})
    for (std::size_t i = 0; i < 3; ++i)
      pools.push_back(co_await market.make_pool(tokens[i], tokens[(i + 1) % 3], fee, spacing));

  std::map<std::string, int> outcomes;
  for (auto& pool : pools) {
    pool.pool = need(Pool::create(co_await market.load(pool)), "Pool::create");
    for (int round = 0; round < 4; ++round) {
      co_await market.compare_quotes(*pool.pool, 50, outcomes);
      for (int i = 0; i < 3; ++i) co_await market.swap(pool);
    }
  }
  int compared = 0;
  for (const auto& [outcome, count] : outcomes) {
    std::cout << count << " " << outcome << "\n";
    compared += count;
  }
  auto ratios = market.gas_ratios();
  std::ranges::sort(ratios);
  std::cout << ratios.size() << " real swaps; gas estimated / used: " << ratios.front() << " to "
            << ratios.back() << ", median " << ratios[ratios.size() / 2] << std::endl;
  EXPECT_GT(ratios.size(), 50U);
  EXPECT_GT(ratios.front(), 0.5);
  EXPECT_LT(ratios.back(), 2.0);
  co_return compared;
}

TEST(Quoter, OursIsQuoterV2ToTheLastUnit) {
  const support::TempDir dir;
  auto anvil = app::start_anvil(dir / "anvil", {.keep_state = false});
  ASSERT_TRUE(anvil) << anvil.error().detail;
  const auto deployed = app::deploy_devnet((*anvil)->rpc_url(), dir / "deploy.log");
  ASSERT_TRUE(deployed) << deployed.error().detail;
  const std::filesystem::path files[] = {std::filesystem::path(SEP_SOURCE_DIR) / "config/devnet.toml"};
  const auto settings = app::load_settings(files);
  ASSERT_TRUE(settings) << settings.error().detail;
  const int compared = app::run_blocking([&](boost::asio::any_io_executor executor) {
    return compare_everything(executor, (*anvil)->ipc_path(), settings->chain.contracts);
  });
  std::cout << compared << " quotes compared with QuoterV2" << std::endl;
  EXPECT_GE(compared, 2'000);
}

}  // namespace
}  // namespace sep
