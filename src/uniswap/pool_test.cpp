#include "uniswap/pool.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "uniswap/pools_file.h"
#include "uniswap/price.h"
#include "uniswap/router.h"
#include "uniswap/tick_math.h"

namespace sep::uniswap {
namespace {

namespace fs = std::filesystem;

fs::path real_data() {
  if (const char* configured = std::getenv("SEP_REAL_DATA")) return configured;
  return fs::path(SEP_SOURCE_DIR) / ".." / "shared" / "data" / "univ3";
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::vector<std::string>> read_csv(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream stream(line + ",");
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    rows.push_back(cells);
  }
  return rows;
}

Uint256 number(const std::string& text) {
  return parse_uint256(text).value();
}

SignedAmount signed_number(const std::string& text) {
  const bool negative = text.starts_with('-');
  return {number(text.substr(negative ? 1 : 0)), negative};
}

PoolState empty_state(std::uint32_t fee_pips, std::int32_t spacing) {
  PoolState state;
  state.address.bytes[19] = 3;
  state.token0.bytes[19] = 1;
  state.token1.bytes[19] = 2;
  state.fee_pips = fee_pips;
  state.tick_spacing = spacing;
  return state;
}

// --- The real log of one mainnet pool, from its first event

/// Columns of events.csv.
enum Column : std::size_t {
  kEvent = 3,
  kAmount0,
  kAmount1,
  kSpecified,
  kSqrtPrice,
  kLiquidity,
  kTick,
  kPosition,
  kLower,
  kUpper
};

void check_swap(const Pool& pool, const std::vector<std::string>& row) {
  const SignedAmount amount0 = signed_number(row[kAmount0]);
  const SignedAmount amount1 = signed_number(row[kAmount1]);
  const auto direction = amount0.negative ? Direction::kOneForZero : Direction::kZeroForOne;
  const SignedAmount specified = signed_number(row[kSpecified]);
  const auto result = specified.negative ? pool.quote_exact_output(direction, specified.magnitude)
                                         : pool.quote_exact_input(direction, specified.magnitude);
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->amount_in, amount0.negative ? amount1.magnitude : amount0.magnitude);
  EXPECT_EQ(result->amount_out, amount0.negative ? amount0.magnitude : amount1.magnitude);
  EXPECT_EQ(to_string(result->sqrt_price_x96_after), row[kSqrtPrice]);
  EXPECT_EQ(to_string(result->liquidity_after), row[kLiquidity]);
  EXPECT_EQ(std::to_string(result->tick_after), row[kTick]);
}

TEST(PoolReplay, EveryEventOfTheEnsPool) {
  const auto path = real_data() / "ens_weth_3000" / "events.csv";
  if (!fs::exists(path)) GTEST_SKIP() << "no real chain data at " << path;
  Pool pool = Pool::create(empty_state(3000, 60)).value();
  const auto rows = read_csv(path);
  int swaps = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto& row = rows[i];
    SCOPED_TRACE("row " + std::to_string(i));
    if (row[kEvent] == "Initialize") {
      ASSERT_TRUE(pool.initialize(number(row[kSqrtPrice])));
      EXPECT_EQ(std::to_string(pool.state().tick), row[kTick]);
    } else if (row[kEvent] == "Swap") {
      check_swap(pool, row);
      const SwapLog log{signed_number(row[kAmount0]), signed_number(row[kAmount1]), number(row[kSqrtPrice]),
                        number(row[kLiquidity]).to_u128(), std::stoi(row[kTick])};
      SwapLog forged = log;
      SignedAmount& out = forged.amount0.negative ? forged.amount0 : forged.amount1;
      out.magnitude = out.magnitude + 1;
      EXPECT_FALSE(pool.apply_swap(forged));
      const auto applied = pool.apply_swap(log);
      ASSERT_TRUE(applied) << applied.error().detail;
      ++swaps;
    } else {
      const auto amount = number(row[kPosition]).to_u128();
      const int lower = std::stoi(row[kLower]);
      const int upper = std::stoi(row[kUpper]);
      const auto applied = row[kEvent] == "Mint" ? pool.apply_mint(lower, upper, amount)
                                                 : pool.apply_burn(lower, upper, amount);
      ASSERT_TRUE(applied) << applied.error().detail;
    }
    EXPECT_TRUE(Pool::create(pool.state()));
  }
  EXPECT_EQ(swaps, 63);
}

TEST(PoolFile, TheWbtcPoolReadsQuotesAndWritesBack) {
  const auto path = real_data() / "wbtc_weth_3000" / "pools.json";
  if (!fs::exists(path)) GTEST_SKIP() << "no real chain data at " << path;
  const auto file = parse_pools_file(read_file(path));
  ASSERT_TRUE(file) << file.error().detail << file.error().pointer;
  ASSERT_EQ(file->pools.size(), 1U);
  EXPECT_EQ(file->pools[0].ticks.size(), 458U);
  const auto pool = Pool::create(file->pools[0]);
  ASSERT_TRUE(pool) << pool.error().detail << pool.error().pointer;
  const auto again = parse_pools_file(json::serialize(to_json(*file)));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->pools, file->pools);
  // One WBTC is worth some thirty ETH at that block; far more than the pool holds is a partial swap.
  const auto quote = pool->quote_exact_input(Direction::kZeroForOne, 100'000'000U).value();
  EXPECT_GT(quote.amount_out, number("30000000000000000000"));
  EXPECT_LT(quote.amount_out, number("40000000000000000000"));
  EXPECT_FALSE(pool->quote_exact_input(Direction::kZeroForOne, Uint256::pow2(200))->complete);
}

// --- Worked by hand

/// One position from -600 to 600 at price 1.
Pool simple_pool(u128 liquidity = 1'000'000'000'000'000'000ULL) {
  Pool pool = Pool::create(empty_state(3000, 60)).value();
  EXPECT_TRUE(pool.initialize(kQ96));
  EXPECT_TRUE(pool.apply_mint(-600, 600, liquidity));
  return pool;
}

TEST(Pool, AStepWithinOneRangeIsTheFormula) {
  // x = 10^18 · (1 - 0.003) = 997·10^15 is too much; take 10^15: net 997·10^12.
  // New price P' = ceil(L·2^96 / (L + net)); out = floor(L·(2^96 - P') / 2^96).
  const Pool pool = simple_pool();
  const auto quote = pool.quote_exact_input(Direction::kZeroForOne, 1'000'000'000'000'000ULL).value();
  // L·net/(L+net) = 10^18·997·10^12/(10^18 + 997·10^12) = 996006981039903.2…
  EXPECT_EQ(to_string(quote.amount_out), "996006981039903");
  EXPECT_EQ(quote.ticks_crossed, 0U);
  EXPECT_TRUE(quote.complete);
}

TEST(Pool, ASwapBeyondTheLiquidityStopsAtTheEndOfThePriceRange) {
  const Pool pool = simple_pool();
  const auto input = pool.quote_exact_input(Direction::kZeroForOne, Uint256::pow2(100)).value();
  EXPECT_FALSE(input.complete);
  EXPECT_EQ(input.sqrt_price_x96_after, kMinSqrtRatio + 1);
  EXPECT_EQ(input.liquidity_after, u128{0});
  EXPECT_LT(input.amount_in, Uint256::pow2(100));
  const auto output = pool.quote_exact_output(Direction::kOneForZero, Uint256::pow2(100)).value();
  EXPECT_FALSE(output.complete);
  EXPECT_EQ(output.sqrt_price_x96_after, kMaxSqrtRatio - 1);
}

TEST(Pool, AnOutputIsNeverMoreThanWasAskedFor) {
  // At liquidity 2^120 the least move of the price, from 2^96 to 2^96 - 1, is worth 2^24 of token1 and costs
  // ceil(2^120 / (2^96 - 1)) = 2^24 + 1 of token0, and a fee of ceil((2^24 + 1) · 3 / 997) = 50484.
  const auto quote = simple_pool(u128{1} << 120).quote_exact_output(Direction::kZeroForOne, 1).value();
  EXPECT_EQ(quote.amount_out, 1);
  EXPECT_EQ(quote.sqrt_price_x96_after, kQ96 - 1);
  EXPECT_EQ(quote.amount_in, 16'777'217 + 50'484);
  EXPECT_TRUE(quote.complete);
}

TEST(Pool, TheWalkStopsAtEveryEdgeOfABitmapWord) {
  // A word covers 256 · 60 ticks: a fall from 0 to about -40,000 stops at 0, -15,360 and -30,720, a rise to
  // 40,000 at 15,300 and 30,660 (the last tick of a word), although no tick between is initialised.
  Pool pool = Pool::create(empty_state(3000, 60)).value();
  ASSERT_TRUE(pool.initialize(kQ96));
  ASSERT_TRUE(pool.apply_mint(-887'220, 887'220, 1'000'000'000'000ULL));
  const auto fall = pool.quote_exact_input(Direction::kZeroForOne, 6'400'000'000'000ULL).value();
  EXPECT_LT(fall.tick_after, -30'720);
  EXPECT_GT(fall.tick_after, -46'080);
  EXPECT_EQ(fall.steps, 4U);
  const auto rise = pool.quote_exact_input(Direction::kOneForZero, 6'400'000'000'000ULL).value();
  EXPECT_GT(rise.tick_after, 30'660);
  EXPECT_LT(rise.tick_after, 46'020);
  EXPECT_EQ(rise.steps, 3U);
}

TEST(Pool, RefusesWhatTheContractRefuses) {
  const Pool pool = simple_pool();
  EXPECT_EQ(pool.quote_exact_input(Direction::kZeroForOne, 0).error().code, errc::kInvalidAmount);
  EXPECT_EQ(pool.quote_exact_input(Direction::kZeroForOne, Uint256::pow2(255)).error().code,
            errc::kAmountOverflow);
  const Pool without_price = Pool::create(empty_state(500, 10)).value();
  EXPECT_EQ(without_price.quote_exact_input(Direction::kZeroForOne, 1).error().code,
            errc::kInsufficientLiquidity);
  Pool without_liquidity = Pool::create(empty_state(500, 10)).value();
  ASSERT_TRUE(without_liquidity.initialize(kQ96));
  EXPECT_EQ(without_liquidity.quote_exact_input(Direction::kOneForZero, 5).error().code,
            errc::kInsufficientLiquidity);
}

TEST(Pool, CreateNamesTheFaultyField) {
  const PoolState good = simple_pool().state();
  const auto pointer_after = [&](auto change) {
    PoolState state = good;
    change(state);
    const auto pool = Pool::create(state);
    return pool ? std::string("accepted") : pool.error().pointer;
  };
  EXPECT_EQ(pointer_after([](PoolState&) {}), "accepted");
  EXPECT_EQ(pointer_after([](PoolState& s) { std::swap(s.token0, s.token1); }), "/token0");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.fee_pips = 1'000'000; }), "/fee");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.tick_spacing = 0; }), "/tick_spacing");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.tick = 1; }), "/tick");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.sqrt_price_x96 = kMaxSqrtRatio; }), "/sqrt_price_x96");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.liquidity += 1; }), "/liquidity");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.ticks[1].liquidity_net -= 1; }), "/ticks/1/liquidity_gross");
  EXPECT_EQ(
      pointer_after([](PoolState& s) { s.ticks[1].liquidity_gross += 2, s.ticks[1].liquidity_net += 1; }),
      "/ticks");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.ticks[1].tick = 601; }), "/ticks/1/tick");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.ticks[1].tick = -600; }), "/ticks/1/tick");
  EXPECT_EQ(pointer_after([](PoolState& s) { s.ticks[0].liquidity_net *= -1; }), "/ticks/0/liquidity_net");
}

TEST(Pool, AFallThatStopsOnATickIsBelowIt) {
  // The contract leaves tick = next - 1 when a fall ends exactly on a crossed tick.
  PoolState state = simple_pool().state();
  state.sqrt_price_x96 = sqrt_ratio_at_tick(-600);
  state.tick = -601;
  state.liquidity = 0;
  EXPECT_TRUE(Pool::create(state));
  state.tick = -602;
  EXPECT_EQ(Pool::create(state).error().pointer, "/tick");
}

TEST(Pool, FailedChangesLeaveTheStateAlone) {
  Pool pool = simple_pool();
  const PoolState before = pool.state();
  EXPECT_FALSE(pool.apply_burn(-600, 600, before.liquidity + 1));
  EXPECT_FALSE(pool.apply_mint(-601, 600, 5));
  EXPECT_FALSE(pool.apply_mint(600, -600, 5));
  EXPECT_FALSE(pool.apply_mint(-600, 600, ~u128{0}));
  EXPECT_FALSE(pool.initialize(kQ96));
  EXPECT_EQ(pool.state(), before);
  EXPECT_TRUE(pool.apply_burn(-600, 600, before.liquidity));
  EXPECT_TRUE(pool.state().ticks.empty());
}

TEST(Pool, TheQuotersCountOfTicksFollowsTheBitmap) {
  // v3-periphery, PoolTicksCounter.spec: a rise counts the tick below an unaligned start, a fall that ends on
  // a tick does not count it.
  PoolState state = simple_pool().state();
  state.sqrt_price_x96 = sqrt_ratio_at_tick(0);
  EXPECT_EQ(Pool::create(state)->quoter_ticks_crossed(600), 1U);
  EXPECT_EQ(Pool::create(state)->quoter_ticks_crossed(599), 0U);
  EXPECT_EQ(Pool::create(state)->quoter_ticks_crossed(-600), 0U);
  EXPECT_EQ(Pool::create(state)->quoter_ticks_crossed(-601), 1U);
  state.sqrt_price_x96 = sqrt_ratio_at_tick(601);
  state.tick = 601;
  state.liquidity = 0;
  EXPECT_EQ(Pool::create(state)->quoter_ticks_crossed(700), 1U);

  state.tick_spacing = 10;
  state.tick = -15;
  state.sqrt_price_x96 = sqrt_ratio_at_tick(-15);
  state.liquidity = 1;
  state.ticks = {{-20, 1, 1}, {-10, 2, 0}, {0, 2, 0}, {10, 2, 0}, {20, 2, 0}, {30, 1, -1}};
  EXPECT_EQ(Pool::create(state)->quoter_ticks_crossed(25), 4U);
}

// --- Properties on random pools

/// Whatever size rapidcheck has reached: small sizes would only give swaps that drain the pool.
template <class T>
T uniform(T low, T high) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(low, high));
}

struct Setup {
  Pool pool;
  Direction direction;
};

u128 random_liquidity() {
  const auto bits = uniform(10, 100);
  const u128 value =
      static_cast<u128>(*rc::gen::arbitrary<std::uint64_t>()) << 64 | *rc::gen::arbitrary<std::uint64_t>();
  return (value >> (128 - bits)) | 1;
}

/// A pool with 1 to 12 positions, some of them far away, so that empty words lie between.
Setup random_setup() {
  const auto [fee, spacing] = *rc::gen::elementOf(
      std::vector<std::pair<std::uint32_t, int>>{{100, 1}, {500, 10}, {3000, 60}, {10000, 200}});
  Pool pool = Pool::create(empty_state(fee, spacing)).value();
  const int start = uniform(-200'000, 200'000);
  EXPECT_TRUE(pool.initialize(sqrt_ratio_at_tick(start) + uniform(0U, 100'000U)));
  // One around the price, so that most swaps move something.
  EXPECT_TRUE(
      pool.apply_mint((start / spacing - 2) * spacing, (start / spacing + 2) * spacing, random_liquidity()));
  const int positions = uniform(0, 12);
  for (int i = 0; i < positions; ++i) {
    const int reach = *rc::gen::element(2, 30, 300, 1'000);
    const int lower = start / spacing - uniform(-reach / 4, reach);
    const int upper = lower + uniform(1, 2 * reach);
    const int limit = kMaxTick / spacing;
    EXPECT_TRUE(pool.apply_mint(std::clamp(lower, -limit, limit - 1) * spacing,
                                std::clamp(upper, 1 - limit, limit) * spacing, random_liquidity()));
  }
  return {pool, *rc::gen::element(Direction::kZeroForOne, Direction::kOneForZero)};
}

Uint256 random_amount() {
  return (from_big_endian(
              *rc::gen::container<std::vector<std::uint8_t>>(16, rc::gen::arbitrary<std::uint8_t>())) >>
          static_cast<unsigned>(uniform(0, 127))) +
         1;
}

Direction opposite(Direction direction) {
  return direction == Direction::kZeroForOne ? Direction::kOneForZero : Direction::kZeroForOne;
}

/// The pool after a swap, through its own log.
Pool after(const Pool& pool, Direction direction, const SwapResult& swap) {
  const SignedAmount in{swap.amount_in, false};
  const SignedAmount out{swap.amount_out, !swap.amount_out.is_zero()};
  const bool zero_for_one = direction == Direction::kZeroForOne;
  Pool next = pool;
  const auto applied = next.apply_swap({zero_for_one ? in : out, zero_for_one ? out : in,
                                        swap.sqrt_price_x96_after, swap.liquidity_after, swap.tick_after});
  RC_ASSERT(applied.has_value());
  return next;
}

RC_GTEST_PROP(PoolProperty, ARoundTripNeverGains, ()) {
  const auto [pool, direction] = random_setup();
  const auto there = pool.quote_exact_input(direction, random_amount());
  RC_PRE(there.has_value() && !there->amount_out.is_zero());
  const Pool moved = after(pool, direction, *there);
  RC_ASSERT(Pool::create(moved.state()).has_value());
  const auto back = moved.quote_exact_input(opposite(direction), there->amount_out);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->amount_out <= there->amount_in);
}

RC_GTEST_PROP(PoolProperty, MoreInNeverGivesLess, ()) {
  const auto [pool, direction] = random_setup();
  const Uint256 amount = random_amount();
  const auto less = pool.quote_exact_input(direction, amount);
  const auto more = pool.quote_exact_input(direction, amount + random_amount());
  RC_PRE(less.has_value() && more.has_value());
  RC_ASSERT(more->amount_out >= less->amount_out);
}

/// Not always at most what was paid: the contract compares floored outputs (SwapMath.computeSwapStep), so
/// what is left to buy may equal the floored output up to the next edge, and is then charged for the whole
/// way there.
RC_GTEST_PROP(PoolProperty, BuyingTheOutputCostsNoMoreThanWasPaidButForTheWayToAnEdge, ()) {
  const auto [pool, direction] = random_setup();
  const auto sold = pool.quote_exact_input(direction, random_amount());
  RC_PRE(sold.has_value() && !sold->amount_out.is_zero());
  const auto bought = pool.quote_exact_output(direction, sold->amount_out);
  RC_ASSERT(bought.has_value());
  RC_ASSERT(bought->complete);
  RC_ASSERT(bought->amount_out == sold->amount_out);
  const auto is_edge = [&](std::int32_t tick) {
    return sqrt_ratio_at_tick(tick) == bought->sqrt_price_x96_after;
  };
  RC_ASSERT(bought->amount_in <= sold->amount_in || is_edge(bought->tick_after) ||
            is_edge(bought->tick_after + 1));
  const auto resold = pool.quote_exact_input(direction, bought->amount_in);
  RC_ASSERT(resold.has_value());
  RC_ASSERT(resold->amount_out >= sold->amount_out);
}

RC_GTEST_PROP(PoolProperty, ImpactAndFeeExplainThePriceOfASwap, ()) {
  const auto [pool, direction] = random_setup();
  const auto swap = pool.quote_exact_input(direction, random_amount());
  RC_PRE(swap.has_value());
  const auto value =
      value_at_spot(pool.state().sqrt_price_x96, direction, swap->amount_in - swap->fee_amount);
  RC_PRE(value.has_value());
  RC_ASSERT(swap->amount_out <= *value + 1);
  RC_ASSERT(price_impact_wad(pool.state().sqrt_price_x96, direction, *swap) <=
            Uint256(1'000'000'000'000'000'000ULL));
}

// --- Router

TEST(Router, TakesTheBestPoolWhateverTheirOrder) {
  std::vector<Pool> pools;
  std::uint8_t id = 10;
  for (const auto& [fee, spacing, liquidity] : {std::tuple{500U, 10, 1'000'000'000ULL},
                                                {3000U, 60, 900'000'000'000'000ULL},
                                                {10000U, 200, 1'000'000'000'000'000ULL}}) {
    PoolState state = empty_state(fee, spacing);
    state.address.bytes[19] = id++;
    Pool pool = Pool::create(state).value();
    ASSERT_TRUE(pool.initialize(kQ96));
    ASSERT_TRUE(pool.apply_mint(-6000, 6000, liquidity));
    pools.push_back(pool);
  }
  const PoolState& state = pools[0].state();
  const auto route = [&](std::vector<const Pool*> order, std::uint64_t amount,
                         std::optional<Address> only = {}) {
    return best_direct(order, {state.token0, state.token1, amount, Kind::kExactInput}, only);
  };
  const auto& [small, middle, large] = std::tie(pools[0], pools[1], pools[2]);
  // A tiny amount goes where the fee is lowest, a large one where the liquidity is.
  EXPECT_EQ(route({&small, &middle, &large}, 10'000)->paths[0].hops[0].fee_pips, 500U);
  EXPECT_EQ(route({&large, &middle, &small}, 10'000)->paths[0].hops[0].fee_pips, 500U);
  EXPECT_EQ(route({&small, &middle, &large}, 1'000'000'000)->paths[0].hops[0].fee_pips, 3000U);
  EXPECT_EQ(route({&small, &middle, &large}, 10'000, large.state().address)->paths[0].hops[0].fee_pips,
            10000U);
  EXPECT_EQ(route({}, 1).error().code, errc::kNoRoute);
  EXPECT_EQ(route({&small}, 1'000'000'000).error().code, errc::kInsufficientLiquidity);
  EXPECT_EQ(best_direct({}, {state.token0, state.token0, 1, Kind::kExactInput}).error().code,
            errc::kSameAsset);
}

}  // namespace
}  // namespace sep::uniswap
