// Routes on a real EVM with Uniswap's own contracts: paths of one to three pools, one to four of them side by
// side, both kinds. What we say a path gives is what QuoterV2 says and then what the chain does, to the last
// unit; a bound that is missed on one path undoes the whole.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "app/blocking.h"
#include "app/config.h"
#include "app/parts.h"
#include "engine/execution.h"
#include "engine/venue.h"
#include "node/node.h"
#include "support/pool_world.h"
#include "support/temp_dir.h"
#include "uniswap/contracts.h"
#include "uniswap/router.h"

namespace sep {
namespace {

using boost::asio::awaitable;
using engine::SwapKind;
using engine::SwapPath;
using engine::SwapStep;
using support::ChainAccount;
using support::ChainPool;
using support::kFarFuture;
using support::must;
using support::Random;
using uniswap::Direction;
using uniswap::Pool;
using uniswap::SwapResult;

/// What a transaction of so many pools and paths used, for fitting the estimate.
struct GasSample {
  std::size_t paths = 0;
  std::size_t hops = 0;
  unsigned crossed = 0;
  unsigned steps = 0;
  std::uint64_t used = 0;
};

class Routes : public support::PoolWorld {
 public:
  using PoolWorld::PoolWorld;

  awaitable<void> build() {
    for (int i = 0; i < 4; ++i) tokens_.push_back(co_await make_token());
    const support::PoolShape shape{.tick_reach = 200, .least_depth = 72, .greatest_depth = 76};
    for (std::size_t a = 0; a < tokens_.size(); ++a)
      for (std::size_t b = a + 1; b < tokens_.size(); ++b)
        for (const auto& [fee, spacing] : {std::pair{500U, 10}, {3000U, 60}, {10000U, 200}})
          pools_.push_back(co_await make_pool(tokens_[a], tokens_[b], fee, spacing, shape));
    for (auto& pool : pools_) pool.pool = must(Pool::create(co_await load(pool)), "Pool::create");
  }

  /// A route of random paths that share no pool; of fewer than asked for where there is no way. The amounts
  /// are of any size that the paths can do.
  std::optional<SwapStep> random_route(std::size_t paths, std::size_t max_hops) {
    SwapStep step = empty_step(random_.uniform(0, 1) == 0 ? SwapKind::kExactInput : SwapKind::kExactOutput);
    std::set<Address> used;
    for (std::size_t i = 0; i < paths; ++i)
      if (auto path = random_path(step, max_hops, used)) add(step, std::move(*path));
    if (step.paths.empty()) return std::nullopt;
    bind_to_quote(step);
    return step;
  }

  /// What the search finds for a random request.
  std::optional<SwapStep> best_route_of_any_size() {
    SwapStep step = empty_step(random_.uniform(0, 1) == 0 ? SwapKind::kExactInput : SwapKind::kExactOutput);
    std::vector<const Pool*> pools;
    for (const auto& one : pools_) pools.push_back(&*one.pool);
    const auto bits = static_cast<unsigned>(random_.uniform(40, 78));
    const auto route =
        best(pools, {.token_in = step.token_in.address,
                     .token_out = step.token_out.address,
                     .amount = Uint256::pow2(bits) + random_.log_uniform(static_cast<int>(bits)),
                     .kind = engine::pools_kind(step.kind),
                     .gas_unit_cost_wad = random_.log_uniform(90)});
    if (!route || route->amount_out.is_zero()) return std::nullopt;
    for (const auto& found : route->paths) {
      SwapPath path{found.amount_in, found.amount_out, {}, {{step.token_in.address, ""}}, {}};
      for (const auto& hop : found.hops) {
        path.tokens.push_back({hop.token_out, ""});
        path.hops.push_back({hop.pool, hop.fee_pips, hop.ticks_crossed, hop.sqrt_price_x96_after});
      }
      add(step, std::move(path));
    }
    EXPECT_EQ(step.amount_in, route->amount_in);
    EXPECT_EQ(step.amount_out, route->amount_out);
    step.gas_estimate = route->gas_estimate;
    bind_to_quote(step);
    return step;
  }

  /// QuoterV2 on the same state, path by path.
  awaitable<void> compare_with_quoter(const SwapStep& step) {
    const auto kind = engine::pools_kind(step.kind);
    for (const auto& path : step.paths) {
      const bool exact_input = step.kind == SwapKind::kExactInput;
      const auto returned = co_await call(
          contracts_.quoter,
          uniswap::quoter::exact_path(kind, named(path), exact_input ? path.amount_in : path.amount_out));
      const auto answer = must(uniswap::quoter::decode_path(kind, returned), "QuoterV2");
      EXPECT_EQ(answer.amount, exact_input ? path.amount_out : path.amount_in);
      EXPECT_EQ(answer.sqrt_price_x96_after.size(), path.hops.size());
      for (std::size_t i = 0; i < path.hops.size(); ++i) {
        EXPECT_EQ(answer.sqrt_price_x96_after[i], path.hops[i].sqrt_price_x96_after);
        EXPECT_EQ(answer.ticks_crossed[i], path.hops[i].ticks_crossed);
      }
      ++quoted_;
    }
  }

  /// One unit less on one path, and nothing of any happens.
  awaitable<void> fail_on_one_path(SwapStep step) {
    auto& path = step.paths[static_cast<std::size_t>(
        random_.uniform(0, static_cast<std::int64_t>(step.paths.size()) - 1))];
    path.bound = step.kind == SwapKind::kExactInput ? path.bound + 1 : path.bound - 1;
    const auto call = engine::UniswapV3Venue("ethereum").build_swap_tx(step);
    const auto receipt = co_await account_.send(call.to, call.data);
    EXPECT_FALSE(receipt.success);
    EXPECT_TRUE(receipt.logs.empty());
    ++outcomes["undone for one path's bound"];
    for (const auto* pool : pools_of(step)) EXPECT_EQ(pool->pool->state(), co_await load(*pool));
  }

  /// The transaction that the platform would send, its bounds at the quotes themselves.
  awaitable<void> swap(const SwapStep& step) {
    GasSample sample = sample_of(step);
    const auto before = co_await balances(step);
    const auto call = engine::UniswapV3Venue("ethereum").build_swap_tx(step);
    const auto receipt = co_await account_.send(call.to, call.data);
    EXPECT_TRUE(receipt.success);
    if (!receipt.success) co_return;
    const auto fill = engine::fill_from_logs(step, receipt.logs);
    EXPECT_EQ(fill.amount_in, step.amount_in);
    EXPECT_EQ(fill.amount_out, step.amount_out);
    const auto after = co_await balances(step);
    EXPECT_EQ(before.first - after.first, step.amount_in);
    EXPECT_EQ(after.second - before.second, step.amount_out);
    for (const auto& log : receipt.logs) {
      const auto decoded = uniswap::logs::decode_swap(log.topics, log.data);
      if (!decoded) continue;
      EXPECT_TRUE(pool_at(log.address).pool->apply_swap(*decoded));
    }
    for (const auto* pool : pools_of(step)) EXPECT_EQ(pool->pool->state(), co_await load(*pool));
    sample.used = receipt.gas_used;
    samples.push_back(sample);
    count(step, sample);
    if (step.gas_estimate > 0)
      ratios[{sample.paths, sample.hops}].push_back(static_cast<double>(step.gas_estimate) /
                                                    static_cast<double>(receipt.gas_used));
  }

  int quoted() const { return quoted_; }
  std::map<std::string, int> outcomes;  // what the transactions were, and how many of each
  std::vector<GasSample> samples;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<double>> ratios;  // by paths and hops of all

 private:
  static Result<uniswap::Route> best(std::span<const Pool* const> pools,
                                     const uniswap::QuoteRequest& request) {
    return uniswap::best_route(uniswap::PoolGraph(pools), request);
  }

  SwapStep empty_step(SwapKind kind) {
    SwapStep step;
    step.kind = kind;
    const auto in = random_.uniform(0, 3);
    const auto out = (in + random_.uniform(1, 3)) % 4;
    step.token_in = {"IN", "", tokens_[static_cast<std::size_t>(in)], 18};
    step.token_out = {"OUT", "", tokens_[static_cast<std::size_t>(out)], 18};
    step.router = contracts_.swap_router;
    step.recipient = account_.address();
    step.deadline_unix_s = static_cast<std::int64_t>(kFarFuture);
    return step;
  }

  static void add(SwapStep& step, SwapPath path) {
    step.amount_in = step.amount_in + path.amount_in;
    step.amount_out = step.amount_out + path.amount_out;
    step.paths.push_back(std::move(path));
  }

  static void bind_to_quote(SwapStep& step) {
    engine::set_bound(step, step.kind == SwapKind::kExactInput ? step.amount_out : step.amount_in);
  }

  std::optional<SwapPath> random_path(const SwapStep& step, std::size_t max_hops, std::set<Address>& used) {
    for (int tries = 0; tries < 20; ++tries) {
      const auto hops = static_cast<std::size_t>(random_.uniform(1, static_cast<std::int64_t>(max_hops)));
      auto way = random_way(step, hops, used);
      if (way.empty()) continue;
      auto path = priced(
          step, way, Uint256::pow2(static_cast<unsigned>(random_.uniform(30, 74))) + random_.log_uniform(60));
      if (!path) continue;
      for (const auto* pool : way) used.insert(pool->key.address);
      return path;
    }
    return std::nullopt;
  }

  /// Pools from token_in to token_out over tokens that are not met twice; empty where chance leads nowhere.
  std::vector<const ChainPool*> random_way(const SwapStep& step, std::size_t hops,
                                           const std::set<Address>& used) {
    std::vector<const ChainPool*> way;
    std::set<Address> met = {step.token_in.address};
    Address at = step.token_in.address;
    for (std::size_t hop = 0; hop < hops; ++hop) {
      std::vector<std::pair<const ChainPool*, Address>> open;
      for (const auto& pool : pools_) {
        if (used.contains(pool.key.address) || (pool.key.token0 != at && pool.key.token1 != at)) continue;
        const auto next = pool.key.token0 == at ? pool.key.token1 : pool.key.token0;
        const bool last = hop + 1 == hops;
        if (!met.contains(next) && (next == step.token_out.address) == last) open.emplace_back(&pool, next);
      }
      if (open.empty()) return {};
      const auto& [pool, next] =
          open[static_cast<std::size_t>(random_.uniform(0, static_cast<std::int64_t>(open.size()) - 1))];
      way.push_back(pool);
      met.insert(next);
      at = next;
    }
    return way;
  }

  /// The path with our quotes; nothing where its pools cannot do the amount, or would give nothing for it.
  static std::optional<SwapPath> priced(const SwapStep& step, std::vector<const ChainPool*> way,
                                        Uint256 amount) {
    const bool exact_input = step.kind == SwapKind::kExactInput;
    SwapPath path{.amount_in = amount, .amount_out = amount};
    path.hops.resize(way.size());
    path.tokens.resize(way.size() + 1);
    Address at = exact_input ? step.token_in.address : step.token_out.address;
    for (std::size_t i = 0; i < way.size(); ++i) {
      const auto hop = exact_input ? i : way.size() - 1 - i;
      const auto& pool = *way[hop]->pool;
      const auto& state = pool.state();
      const auto other = state.token0 == at ? state.token1 : state.token0;
      const auto direction =
          (state.token0 == at) == exact_input ? Direction::kZeroForOne : Direction::kOneForZero;
      const auto swap = exact_input ? pool.quote_exact_input(direction, amount)
                                    : pool.quote_exact_output(direction, amount);
      if (!swap || !swap->complete || swap->amount_out.is_zero()) return std::nullopt;
      amount = exact_input ? swap->amount_out : swap->amount_in;
      path.tokens[exact_input ? hop : hop + 1].address = at;
      path.tokens[exact_input ? hop + 1 : hop].address = other;
      path.hops[hop] = {state.address, state.fee_pips, pool.quoter_ticks_crossed(swap->tick_after),
                        swap->sqrt_price_x96_after};
      at = other;
    }
    (exact_input ? path.amount_out : path.amount_in) = amount;
    return path;
  }

  static uniswap::SwapPath named(const SwapPath& path) {
    uniswap::SwapPath made;
    for (const auto& token : path.tokens) made.tokens.push_back(token.address);
    for (const auto& hop : path.hops) made.fees_pips.push_back(hop.fee_pips);
    return made;
  }

  ChainPool& pool_at(const Address& address) {
    return *std::ranges::find_if(pools_, [&](const ChainPool& pool) { return pool.key.address == address; });
  }
  std::vector<const ChainPool*> pools_of(const SwapStep& step) {
    std::vector<const ChainPool*> pools;
    for (const auto& path : step.paths)
      for (const auto& hop : path.hops) pools.push_back(&pool_at(hop.pool));
    return pools;
  }

  /// Of what is paid and of what is received.
  awaitable<std::pair<Uint256, Uint256>> balances(const SwapStep& step) {
    const auto of = uniswap::erc20::balance_of(account_.address());
    const auto in = co_await call(step.token_in.address, of);
    const auto out = co_await call(step.token_out.address, of);
    co_return std::pair(must(uniswap::decode_uint(in), "balanceOf"),
                        must(uniswap::decode_uint(out), "balanceOf"));
  }

  void count(const SwapStep& step, const GasSample& sample) {
    ++outcomes[std::string(to_string(step.kind))];
    ++outcomes[std::to_string(sample.paths) + " side by side"];
    const auto longest =
        std::ranges::max(step.paths, {}, [](const SwapPath& path) { return path.hops.size(); });
    ++outcomes["the longest path of " + std::to_string(longest.hops.size())];
    if (sample.crossed > 0) ++outcomes["across ticks"];
    if (step.gas_estimate > 0 && sample.paths > 1) ++outcomes["several paths that the search found"];
  }

  GasSample sample_of(const SwapStep& step) {
    GasSample sample{.paths = step.paths.size()};
    for (const auto& path : step.paths) {
      const bool exact_input = step.kind == SwapKind::kExactInput;
      Uint256 amount = exact_input ? path.amount_in : path.amount_out;
      for (std::size_t i = 0; i < path.hops.size(); ++i) {
        const auto hop = exact_input ? i : path.hops.size() - 1 - i;
        const auto& pool = *pool_at(path.hops[hop].pool).pool;
        const auto direction =
            pool.state().token0 == path.tokens[hop].address ? Direction::kZeroForOne : Direction::kOneForZero;
        const auto swap = must(exact_input ? pool.quote_exact_input(direction, amount)
                                           : pool.quote_exact_output(direction, amount),
                               "quote");
        amount = exact_input ? swap.amount_out : swap.amount_in;
        sample.crossed += swap.ticks_crossed;
        sample.steps += swap.steps;
        ++sample.hops;
      }
    }
    return sample;
  }

  std::vector<Address> tokens_;
  std::vector<ChainPool> pools_;
  int quoted_ = 0;
};

/// How many transactions were of which sort.
awaitable<std::map<std::string, int>> trade_everything(boost::asio::any_io_executor executor,
                                                       std::string ipc_path, engine::Contracts contracts) {
  Random random(support::chosen_seed());
  node::NodeOptions options;
  options.ipc_path = ipc_path;
  options.rpc.timeout = std::chrono::seconds(60);
  node::Node node(executor, options);
  must(co_await node.rpc().call("evm_setBlockGasLimit", {"0x3b9aca00"}), "evm_setBlockGasLimit");
  const Address deployer = PrivateKey::from_hex(kDevnetPrivateKey)->address();
  ChainAccount account(node, must(co_await node.transaction_count(deployer, node::kLatest), "nonce"));
  Routes routes(node, contracts, account, random);
  co_await routes.build();
  int made = 0;
  const auto trade = [&](std::optional<SwapStep> step) -> awaitable<void> {
    if (!step) co_return;
    SCOPED_TRACE(std::string(to_string(step->kind)) + " over " + std::to_string(step->paths.size()) +
                 " paths");
    co_await routes.compare_with_quoter(*step);
    if (made % 5 == 0) co_await routes.fail_on_one_path(*step);
    co_await routes.swap(*step);
    ++made;
  };
  for (int round = 0; round < 12; ++round)
    for (std::size_t paths = 1; paths <= 4; ++paths)
      for (std::size_t hops = 1; hops <= 3; ++hops) co_await trade(routes.random_route(paths, hops));
  for (int i = 0; i < 80; ++i) co_await trade(routes.best_route_of_any_size());

  std::cout << routes.quoted() << " paths compared with QuoterV2, " << made << " transactions\n";
  for (const auto& [outcome, count] : routes.outcomes) std::cout << count << " " << outcome << "\n";
  for (auto& [shape, ratios] : routes.ratios) {
    std::ranges::sort(ratios);
    std::cout << shape.first << " paths, " << shape.second << " pools: gas estimated / used "
              << ratios.front() << " to " << ratios.back() << ", median " << ratios[ratios.size() / 2]
              << " of " << ratios.size() << "\n";
  }
  if (std::getenv("SEP_GAS_SAMPLES") != nullptr)
    for (const auto& one : routes.samples)
      std::cout << "gas," << one.paths << "," << one.hops << "," << one.crossed << "," << one.steps << ","
                << one.used << "\n";
  std::cout << std::flush;
  co_return routes.outcomes;
}

TEST(Route, WhatIsPlannedIsWhatUniswapQuotesAndTheChainDoes) {
  const support::TempDir dir;
  auto anvil = app::start_anvil(dir / "anvil", {.keep_state = false});
  ASSERT_TRUE(anvil) << anvil.error().detail;
  const auto deployed = app::deploy_devnet((*anvil)->rpc_url(), dir / "deploy.log");
  ASSERT_TRUE(deployed) << deployed.error().detail;
  const std::filesystem::path files[] = {std::filesystem::path(SEP_SOURCE_DIR) / "config/devnet.toml"};
  const auto settings = app::load_settings(files);
  ASSERT_TRUE(settings) << settings.error().detail;
  auto outcomes = app::run_blocking([&](boost::asio::any_io_executor executor) {
    return trade_everything(executor, (*anvil)->ipc_path(), settings->chain.contracts);
  });
  // That what is compared did happen: about half of what any seed gives, of the rarest less.
  const std::map<std::string, int> floors{{"exact_input", 50},
                                          {"exact_output", 50},
                                          {"1 side by side", 40},
                                          {"2 side by side", 25},
                                          {"3 side by side", 25},
                                          {"4 side by side", 10},
                                          {"the longest path of 1", 40},
                                          {"the longest path of 2", 40},
                                          {"the longest path of 3", 25},
                                          {"across ticks", 20},
                                          {"undone for one path's bound", 20},
                                          {"several paths that the search found", 4}};
  for (const auto& [outcome, floor] : floors) EXPECT_GE(outcomes[outcome], floor) << outcome;
}

}  // namespace
}  // namespace sep
