// The tokens that a swap passes through. A quote names its pools alone; which two tokens a pool holds is the status's.
import type { Status } from "../sep/types.ts";

type Pool = Pick<Status["pools"][number], "address" | "token0" | "token1">;

/** Symbols from `first` through each pool; undefined from where a pool is not known. */
export function tokensOnRoute(
  first: string,
  pools: readonly string[],
  known: readonly Pool[],
): readonly (string | undefined)[] {
  const path: (string | undefined)[] = [first];
  for (const address of pools) {
    const at = path.at(-1);
    const pool = known.find((one) => one.address.toLowerCase() === address.toLowerCase());
    path.push(pool && (pool.token0 === at ? pool.token1 : pool.token1 === at ? pool.token0 : undefined));
  }
  return path;
}
