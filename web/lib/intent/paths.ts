// How a swap goes through the pools: paths side by side, each a chain of pools. Of plans and quotes alike.
import { counted, formatFee, shortHash } from "../format/text.ts";
import { toUnits } from "../format/amount.ts";
import type { PlanStep, QuotedPath } from "../sep/types.ts";

type Swap = Exclude<PlanStep, { kind: "approve" }>;
type PathToken = QuotedPath["tokens"][number];

export interface Hop {
  pool: string;
  /** Hundredths of a basis point. */
  fee: number;
  ticks: number | undefined;
  from: PathToken;
  to: PathToken;
}

export interface Path {
  amountIn: string;
  amountOut: string;
  /** Of the amount that is exact, in whole percent; all paths' together are 100. */
  share: number;
  hops: readonly Hop[];
}

export interface PlanPath extends Path {
  /** The least that this path gives, or the most that it takes. */
  bound: string;
}

/** The symbol where it is known, the address otherwise. */
export const tokenName = ({ symbol, address }: PathToken): string => symbol ?? shortHash(address);

/** "72%"; what is there but rounds to nothing is "<1%". */
export const formatShare = (share: number): string => (share === 0 ? "<1%" : `${share}%`);

/** Whole percents that add up to 100: what rounding down leaves goes to the largest remainders. */
export function sharesOf(amounts: readonly bigint[]): number[] {
  const total = amounts.reduce((sum, amount) => sum + amount, 0n);
  if (total === 0n) return amounts.map(() => 0);
  const shares = amounts.map((amount) => Number((amount * 100n) / total));
  const byRemainder = amounts
    .map((amount, index) => ({ index, remainder: (amount * 100n) % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  const left = 100 - shares.reduce((sum, share) => sum + share, 0);
  for (const { index } of byRemainder.slice(0, left)) shares[index]! += 1;
  return shares;
}

function hopsOf({ tokens, pools, fees, ticks_crossed }: QuotedPath): Hop[] {
  return pools.map((pool, index) => ({
    pool,
    fee: fees[index] ?? 0,
    ticks: ticks_crossed[index],
    from: tokens[index] ?? tokens[0],
    to: tokens[index + 1] ?? tokens[0],
  }));
}

/** `exact`: the side whose amount is divided, and its decimals. */
export function quotedPaths(
  paths: readonly QuotedPath[],
  exact: { side: "in" | "out"; decimals: number },
): readonly Path[] {
  const amounts = paths.map((path) =>
    toUnits(exact.side === "in" ? path.amount_in : path.amount_out, exact.decimals),
  );
  const shares = sharesOf(amounts);
  return paths.map((path, index) => ({
    amountIn: path.amount_in,
    amountOut: path.amount_out,
    share: shares[index] ?? 0,
    hops: hopsOf(path),
  }));
}

/** A plan's swap. Records from before there were paths hold one pool, whose fields stand in the step itself. */
export function pathsOf(swap: Swap): readonly PlanPath[] {
  const exact =
    swap.swap_kind === "exact_input"
      ? ({ side: "in", decimals: swap.token_in.decimals } as const)
      : ({ side: "out", decimals: swap.token_out.decimals } as const);
  const paths = "paths" in swap ? swap.paths : [{ ...swap, tokens: [swap.token_in, swap.token_out] as const }];
  const quoted = quotedPaths(paths as readonly QuotedPath[], exact);
  return quoted.map((path, index) => ({ ...path, bound: boundOf(paths[index]!) }));
}

function boundOf(path: { min_amount_out?: string; max_amount_in?: string } | object): string {
  if ("min_amount_out" in path && path.min_amount_out !== undefined) return path.min_amount_out;
  return "max_amount_in" in path && path.max_amount_in !== undefined ? path.max_amount_in : "0";
}

/** "1 pool", "2 pools", "2 paths, 3 pools". */
export function routeWords(paths: readonly Path[]): string {
  const pools = counted(
    paths.reduce((count, path) => count + path.hops.length, 0),
    "pool",
  );
  return paths.length === 1 ? pools : `${counted(paths.length, "path")}, ${pools}`;
}

/** "1 pool at 0.05%", "2 pools at 0.05% and 0.3%"; of several paths how many. */
export const routeWithFees = (paths: readonly Path[]): string =>
  paths.length === 1
    ? `${routeWords(paths)} at ${paths[0]!.hops.map(({ fee }) => formatFee(fee)).join(" and ")}`
    : routeWords(paths);
