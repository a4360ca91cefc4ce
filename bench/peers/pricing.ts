// @uniswap/v3-sdk on the pools and swaps of bench_pricing: its results must be the same, its times stand beside ours.
//   node bench/peers/pricing.ts CASES RESULTS
// CASES is what `bench_pricing --cases=` wrote, RESULTS its `--benchmark_out=` with repetitions. Loaded through
// `require`: the package's ES modules leave out the extensions that Node asks for.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

interface Tick {
  tick: number;
  liquidity_gross: string;
  liquidity_net: string;
}
interface PoolState {
  token0: string;
  token1: string;
  fee: number;
  sqrt_price_x96: string;
  tick: number;
  liquidity: string;
  ticks: Tick[];
}
interface Swap {
  name: string;
  pool: number;
  falls: boolean;
  exact_input: boolean;
  amount_in: string;
  amount_out: string;
  sqrt_price_x96_after: string;
}

const require = createRequire(import.meta.url);
const { Pool, TickMath, FullMath } = require('@uniswap/v3-sdk');
const { CurrencyAmount, Token } = createRequire(require.resolve('@uniswap/v3-sdk'))('@uniswap/sdk-core');
const sdkVersion: string = JSON.parse(
  readFileSync(new URL('../../../package.json', pathToFileURL(require.resolve('@uniswap/v3-sdk'))), 'utf8'),
).version;
const JSBI = createRequire(require.resolve('@uniswap/v3-sdk'))('jsbi');

const [casesPath, resultsPath] = process.argv.slice(2);
if (casesPath === undefined || resultsPath === undefined) {
  console.error('usage: node bench/peers/pricing.ts CASES RESULTS');
  process.exit(2);
}
const cases: { pools: PoolState[]; swaps: Swap[] } = JSON.parse(readFileSync(casesPath, 'utf8'));
// Google Benchmark writes NaN, which is no JSON, for the variation of a counter that is always 0.
const results: { benchmarks: { run_name: string; aggregate_name?: string; cpu_time: number }[] } = JSON.parse(
  readFileSync(resultsPath, 'utf8').replaceAll(': NaN', ': null'),
);
const ours = new Map<string, number>(
  results.benchmarks.filter((b) => b.aggregate_name === 'median').map((b) => [b.run_name, b.cpu_time]),
);

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** Nanoseconds of one call: the median of at least 31 runs, each of as many calls as take a fifth of a millisecond. */
async function measure(call: () => unknown): Promise<number> {
  const run = async (calls: number): Promise<number> => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; ++i) await call();
    return Number(process.hrtime.bigint() - start) / calls;
  };
  await run(50); // so that it is compiled
  const calls = Math.max(1, Math.ceil(200_000 / (await run(20))));
  const times: number[] = [];
  const until = Date.now() + 100;
  while (times.length < 31 || Date.now() < until) times.push(await run(calls));
  return median(times);
}

const rows: [string, string, string, string][] = [];
const micro = (ns: number): string => (ns / 1000).toFixed(3);
function add(name: string, own: number | undefined, theirs: number): void {
  rows.push([name, own === undefined ? '-' : micro(own), micro(theirs), own === undefined ? '-' : `${(theirs / own).toFixed(0)}x`]);
}

const price = JSBI.BigInt('45586356773108504879089041748871691');
const [a, b, d] = [JSBI.BigInt(2n ** 159n + 7n + ''), JSBI.BigInt(2n ** 128n - 5n + ''), JSBI.BigInt(2n ** 160n - 9n + '')];
add('tick to price', ours.get('BM_PriceOfTick'), await measure(() => TickMath.getSqrtRatioAtTick(265269)));
add('price to tick', ours.get('BM_TickOfPrice'), await measure(() => TickMath.getTickAtSqrtRatio(price)));
add('mulDiv 160 x 128 / 160', ours.get('BM_MulDiv/160x128_by_160'), await measure(() => FullMath.mulDivRoundingUp(a, b, d)));

let different = 0;
const pools = cases.pools.map((state) => {
  const token0 = new Token(1, state.token0.toLowerCase(), 18);
  const token1 = new Token(1, state.token1.toLowerCase(), 18);
  const ticks = state.ticks.map((t) => ({ index: t.tick, liquidityGross: t.liquidity_gross, liquidityNet: t.liquidity_net }));
  return new Pool(token0, token1, state.fee, state.sqrt_price_x96, state.liquidity, state.tick, ticks);
});
for (const swap of cases.swaps) {
  const pool = pools[swap.pool];
  const [tokenIn, tokenOut] = swap.falls ? [pool.token0, pool.token1] : [pool.token1, pool.token0];
  const given = swap.exact_input
    ? CurrencyAmount.fromRawAmount(tokenIn, swap.amount_in)
    : CurrencyAmount.fromRawAmount(tokenOut, swap.amount_out);
  const call = (): Promise<unknown> => (swap.exact_input ? pool.getOutputAmount(given) : pool.getInputAmount(given));
  const [amount, after] = (await call()) as [{ quotient: unknown }, { sqrtRatioX96: unknown }];
  const expected = swap.exact_input ? swap.amount_out : swap.amount_in;
  if (String(amount.quotient) !== expected || String(after.sqrtRatioX96) !== swap.sqrt_price_x96_after) {
    ++different;
    console.error(`${swap.name}: the SDK says ${String(amount.quotient)}, we say ${expected}`);
  }
  add(swap.name, ours.get(`quote/${swap.name}`), await measure(call));
}

const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length), 8));
const line = (row: readonly string[]): string =>
  row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
console.log(`\nMedians in µs, beside @uniswap/v3-sdk ${sdkVersion} on Node ${process.version}`);
console.log(line(['', 'sep', 'v3-sdk', 'ratio']));
for (const row of rows) console.log(line(row));
console.log(
  different === 0
    ? `${cases.swaps.length} swaps: amounts and prices are the same to the last unit`
    : `${different} of ${cases.swaps.length} swaps DIFFER`,
);
process.exit(different === 0 ? 0 : 1);
