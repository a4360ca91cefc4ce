// The liquidity of one pool: where each position lies and how much it holds. Pure, and the same at every call:
// the only randomness is a seeded generator.
import type { Pool } from './deployment.ts';

export interface Position {
  tickLower: number;
  tickUpper: number;
  liquidity: bigint;
}

/** A pool as its contract sees it: price and liquidity in base units of token1 per base unit of token0. */
export interface Shape {
  sqrtPrice: number;
  tickSpacing: number;
  liquidity: number; // in range at the initial price
}

const MAX_TICK = 887272; // TickMath.sol
const POSITIONS = 42;
const FULL_RANGE_SHARE = 0.5; // of the liquidity at the initial price
const WIDEST = 12; // the widest range spans 2^12 tick spacings
export const TICK_SPACING: Record<number, number> = { 100: 1, 500: 10, 3000: 60, 10000: 200 };

/** mulberry32: uniform in [0, 1), the same sequence for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sqrtPriceAt = (tick: number): number => Math.pow(1.0001, tick / 2);

/** What a position holds at the initial price, in base units of token0 and token1 (LiquidityAmounts.sol). */
export function amountsOf(shape: Shape, { tickLower, tickUpper, liquidity }: Position): [number, number] {
  const [lower, upper] = [sqrtPriceAt(tickLower), sqrtPriceAt(tickUpper)];
  const price = Math.min(Math.max(shape.sqrtPrice, lower), upper);
  return [Number(liquidity) * (1 / price - 1 / upper), Number(liquidity) * (price - lower)];
}

/**
 * 42 positions: one over the full range, so that no trade finds an end, and 41 whose widths are spread evenly in
 * the logarithm, from one tick spacing up, with their middles near the initial price. Near it there is an
 * initialised tick at nearly every spacing; further off they thin out. Some lie wholly to one side. Those that
 * hold the initial price add up to `shape.liquidity` there.
 */
export function positionsOf(pool: Pool, shape: Shape): Position[] {
  const random = generator(pool.seed);
  const { tickSpacing } = shape;
  const middle = Math.floor((2 * Math.log(shape.sqrtPrice)) / Math.log(1.0001) / tickSpacing);
  const end = Math.floor(MAX_TICK / tickSpacing);

  const widest = Math.min(WIDEST, Math.log2(20_000 / tickSpacing)); // 20,000 ticks: prices from 1/e to e
  const ranges = Array.from({ length: POSITIONS - 1 }, () => {
    const width = Math.max(1, Math.round(2 ** (random() * widest)));
    const lower = middle - Math.round(random() * 2 * width) + Math.floor(width / 2);
    return { tickLower: lower * tickSpacing, tickUpper: (lower + width) * tickSpacing, weight: 1 + 9 * random() };
  });

  const tick = Math.floor((2 * Math.log(shape.sqrtPrice)) / Math.log(1.0001));
  const weightInRange = ranges
    .filter((range) => range.tickLower <= tick && tick < range.tickUpper)
    .reduce((sum, range) => sum + range.weight, 0);
  const perWeight = (shape.liquidity * (1 - FULL_RANGE_SHARE)) / weightInRange;

  return [
    {
      tickLower: -end * tickSpacing,
      tickUpper: end * tickSpacing,
      liquidity: BigInt(Math.round(shape.liquidity * FULL_RANGE_SHARE)),
    },
    ...ranges.map(({ tickLower, tickUpper, weight }) => ({
      tickLower,
      tickUpper,
      liquidity: BigInt(Math.round(weight * perWeight)),
    })),
  ];
}
