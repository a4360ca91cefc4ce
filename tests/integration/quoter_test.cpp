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
#include "ethereum/revert.h"
#include "node/node.h"
#include "support/pool_world.h"
#include "support/temp_dir.h"
#include "uniswap/contracts.h"
#include "uniswap/router.h"
#include "uniswap/tick_math.h"

namespace sep {
namespace {

using boost::asio::awaitable;
using support::ChainAccount;
using support::ChainPool;
using support::kFarFuture;
using support::must;
using support::Random;
using uniswap::Direction;
using uniswap::Kind;
using uniswap::Pool;
using uniswap::PoolState;
using uniswap::SwapResult;

class Market : public support::PoolWorld {
 public:
  using PoolWorld::PoolWorld;

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
    const auto answers = must(co_await node_.call_many(std::move(requests)), "QuoterV2");
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
  awaitable<void> swap(ChainPool& of) {
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
        uniswap::swap_router::multicall({kind,
                                         account_.address(),
                                         kFarFuture,
                                         {{{{request.token_in, request.token_out}, {of.key.fee_pips}},
                                           request.amount,
                                           exact_input ? route->amount_out : route->amount_in}}}));
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

  std::vector<double> gas_;
};

/// How often each outcome came.
awaitable<std::map<std::string, int>> compare_everything(boost::asio::any_io_executor executor,
                                                         std::string ipc_path, engine::Contracts contracts) {
  Random random(support::chosen_seed());
  node::NodeOptions options;
  options.ipc_path = ipc_path;
  options.rpc.timeout = std::chrono::seconds(60);
  node::Node node(executor, options);
  // Quotes of a swap that walks the whole range at spacing 1 take some 60 million gas.
  must(co_await node.rpc().call("evm_setBlockGasLimit", {"0x3b9aca00"}), "evm_setBlockGasLimit");
  const Address deployer = PrivateKey::from_hex(kDevnetPrivateKey)->address();
  ChainAccount account(node, must(co_await node.transaction_count(deployer, node::kLatest), "nonce"));
  Market market(node, contracts, account, random);

  std::vector<Address> tokens;
  for (int i = 0; i < 3; ++i) tokens.push_back(co_await market.make_token());
  std::vector<ChainPool> pools;
  for (const auto& [fee, spacing] : {std::pair{100U, 1}, {500U, 10}, {3000U, 60}, {10000U, 200}})
    for (std::size_t i = 0; i < 3; ++i)
      pools.push_back(co_await market.make_pool(tokens[i], tokens[(i + 1) % 3], fee, spacing));

  std::map<std::string, int> outcomes;
  for (auto& pool : pools) {
    pool.pool = must(Pool::create(co_await market.load(pool)), "Pool::create");
    for (int round = 0; round < 4; ++round) {
      co_await market.compare_quotes(*pool.pool, 50, outcomes);
      for (int i = 0; i < 3; ++i) co_await market.swap(pool);
    }
  }
  for (const auto& [outcome, count] : outcomes) std::cout << count << " " << outcome << "\n";
  auto ratios = market.gas_ratios();
  std::ranges::sort(ratios);
  std::cout << ratios.size() << " real swaps; gas estimated / used: " << ratios.front() << " to "
            << ratios.back() << ", median " << ratios[ratios.size() / 2] << std::endl;
  EXPECT_GT(ratios.size(), 50U);
  EXPECT_GT(ratios.front(), 0.5);
  EXPECT_LT(ratios.back(), 2.0);
  co_return outcomes;
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
  auto outcomes = app::run_blocking([&](boost::asio::any_io_executor executor) {
    return compare_everything(executor, (*anvil)->ipc_path(), settings->chain.contracts);
  });
  // That what is compared did happen: about half of what any seed gives.
  const std::map<std::string, int> floors{{"across ticks, equal", 400},
                                          {"within one range, equal", 400},
                                          {"input beyond the liquidity, equal", 80},
                                          {"output beyond the liquidity, both refuse", 80}};
  for (const auto& [outcome, floor] : floors) EXPECT_GE(outcomes[outcome], floor) << outcome;
}

}  // namespace
}  // namespace sep
