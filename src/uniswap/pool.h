#pragma once
// A Uniswap V3 pool in memory: its complete price state, exact quotes, and the effect of each of its logs
// (v3-core 1.0.1, UniswapV3Pool.sol).
//
// Entry points: Pool::create, quote_exact_input / quote_exact_output / exchange, apply_*.
// Invariants
//  1. A Pool's state is one that the contract can be in: create() and apply_* refuse everything else, and
//  leave
//     the state unchanged when they do.
//  2. Quotes are the contract's own numbers to the last unit: every edge of a bitmap word counts as a stop,
//  as
//     in the contract, since each stop rounds. The stops on the way are not walked but searched in sums of
//     whole segments (segments.h); quote_by_walk is the same step by step.
//  3. The sums are right for the ticks after every change of them; a swap does not change them.
//  4. Quotes do not allocate and do not change the pool; many threads may quote one pool at a time.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uint256.h"
#include "ethereum/address.h"
#include "uniswap/segments.h"
#include "uniswap/swap_math.h"

namespace sep::uniswap {

/// Everything that determines a pool's quotes.
struct PoolState {
  Address address;
  Address token0;  // the lower address of the two
  Address token1;
  std::uint32_t fee_pips = 0;  // hundredths of a basis point: 3000 = 0.3 %
  std::int32_t tick_spacing = 0;
  Uint256 sqrt_price_x96;  // 0: not initialised yet
  std::int32_t tick = 0;
  u128 liquidity = 0;           // in range
  std::vector<TickInfo> ticks;  // ascending

  bool operator==(const PoolState&) const = default;
};

struct SwapResult {
  Uint256 amount_in;   // what the pool takes, fee included
  Uint256 amount_out;  // what it gives
  Uint256 fee_amount;  // the part of amount_in that is fee
  Uint256 sqrt_price_x96_after;
  std::int32_t tick_after = 0;
  u128 liquidity_after = 0;
  std::uint32_t ticks_crossed = 0;  // initialised ticks whose liquidity came or went
  std::uint32_t steps = 0;          // walked, edges of bitmap words included
  /// False where liquidity ran out at the end of the price range: less was taken, or given, than asked for.
  /// QuoterV2 answers such an exact input with what it would give, and reverts such an exact output.
  bool complete = true;

  bool operator==(const SwapResult&) const = default;
};

/// The part of a complete SwapResult that one swap is compared with another by.
struct Exchange {
  Uint256 other_amount;  // amount_out of an exact input, amount_in of an exact output
  std::uint32_t ticks_crossed = 0;
  std::uint32_t steps = 0;
};

/// A signed amount of a Swap log, from the pool's side: positive came in, negative went out.
struct SignedAmount {
  Uint256 magnitude;
  bool negative = false;

  bool operator==(const SignedAmount&) const = default;
};

/// What a Swap log says.
struct SwapLog {
  SignedAmount amount0;
  SignedAmount amount1;
  Uint256 sqrt_price_x96;
  u128 liquidity = 0;
  std::int32_t tick = 0;
};

class Pool {
 public:
  /// INVALID_VALUE with the offending field's pointer ("/ticks/3/liquidity_net"). Checked: the range of every
  /// value, the ticks' order and spacing, that the sum of net liquidity is 0 in all and the pool's own up to
  /// its tick, gross >= |net|, and that the tick is the price's.
  static Result<Pool> create(PoolState state);

  const PoolState& state() const { return state_; }
  bool initialized() const { return !state_.sqrt_price_x96.is_zero(); }
  const Address& token_in(Direction direction) const;
  const Address& token_out(Direction direction) const;

  /// A swap without price limit, as QuoterV2 and SwapRouter02 do it. Amounts in base units.
  /// INVALID_AMOUNT for 0; AMOUNT_OVERFLOW from 2^255; INSUFFICIENT_LIQUIDITY where not even a part can be
  /// swapped. A partial swap is a result with complete = false.
  Result<SwapResult> quote_exact_input(Direction direction, const Uint256& amount_in) const;
  Result<SwapResult> quote_exact_output(Direction direction, const Uint256& amount_out) const;

  /// What such a swap exchanges, faster than a whole quote: for those who weigh many. Nothing where a quote
  /// fails or is not complete.
  std::optional<Exchange> exchange(Direction direction, Kind kind, const Uint256& amount) const;

  /// The same step by step, as the contract does it: what the quotes above must equal, for tests and
  /// benchmarks. O(ticks and words on the way).
  Result<SwapResult> quote_by_walk(Direction direction, Kind kind, const Uint256& amount) const;

  /// What QuoterV2 reports as initializedTicksCrossed for a swap that ends at `tick_after` (v3-periphery,
  /// PoolTicksCounter.sol). It counts from the bitmap, and differs by one from SwapResult::ticks_crossed
  /// where the tick below the start is initialised and the price rises, and around negative ticks.
  std::uint32_t quoter_ticks_crossed(std::int32_t tick_after) const;

  /// The first price of a pool. INVALID_VALUE for a price out of range or a second time.
  Status initialize(const Uint256& sqrt_price_x96);
  /// Applies a Swap log after computing the swap anew. INVALID_VALUE where amounts, price, liquidity or tick
  /// differ from the log's: then this state is not the contract's, and the pool must not be quoted.
  Status apply_swap(const SwapLog& log);
  /// Liquidity of a Mint or Burn log; `amount` may be 0 in a Burn log.
  Status apply_mint(std::int32_t tick_lower, std::int32_t tick_upper, u128 amount);
  Status apply_burn(std::int32_t tick_lower, std::int32_t tick_upper, u128 amount);

 private:
  /// A swap on its way.
  struct Progress {
    SwapResult result;
    Uint256 remaining;
    std::size_t next_tick = 0;  // index of the first initialised tick above the swap's own
    /// True where the next step is known to end the swap before its next stop, or just there.
    bool ends_here = false;
    Uint256 stop_price;  // of the next stop, where the swap ends here
  };
  /// The way from the price to the first of the segments' stops in a direction; unset where there is none.
  struct Approach {
    std::size_t stop = 0;   // index of that stop
    std::size_t count = 0;  // of stops from there on in this direction
    Amounts first_step;     // to the nearest stop of all, which may be an omitted edge
    Uint256 nearest_price;  // of that stop
    /// Sums of the segments at the price, were it a stop: the way to a stop is the difference of its sum.
    Amounts anchor;
    std::uint32_t steps = 0;  // to the first stop, that one included
  };
  enum class Way { kSearch, kWalk };

  explicit Pool(PoolState state);
  Result<SwapResult> quote(Direction direction, Kind kind, const Uint256& amount, Way way) const;
  Progress start(const Uint256& amount) const;
  bool is_beyond(const Uint256& price_limit, Direction direction) const;
  SwapResult swap(Direction direction, Kind kind, const Uint256& amount, const Uint256& price_limit,
                  Way way) const;
  void jump(Progress& progress, Direction direction, Kind kind) const;
  void skip_emptiness(Progress& progress, Direction direction) const;
  void walk(Progress& progress, Direction direction, Kind kind, const Uint256& price_limit) const;

  Status change_liquidity(std::int32_t tick_lower, std::int32_t tick_upper, u128 amount, bool add);
  void find_price();
  Approach approach(Direction direction) const;

  const Segments& segments(Direction direction) const {
    return direction == Direction::kZeroForOne ? falling_ : rising_;
  }

  PoolState state_;
  std::vector<u128> liquidity_;  // between each initialised tick and the next
  Segments falling_;
  Segments rising_;
  // Where the price is among them.
  std::size_t next_tick_ = 0;  // index in state_.ticks of the first one above the current tick
  Approach approach_falling_;
  Approach approach_rising_;
};

}  // namespace sep::uniswap
