// @uniswap/v3-sdk's Trade.bestTradeExactIn and bestTradeExactOut (three hops, one path) on the markets of
// bench_routing: what they find and how long they take, beside our best single path and our best split.
//   node bench/peers/routing.ts MARKETS [SECONDS]
// MARKETS is what `bench_routing --json` wrote. The SDK tries every sequence of pools, so a market gets SECONDS
// (60): what is not answered by then is not compared, and the table says how much that is. Loaded through
// `require`: the package's ES modules leave out the extensions that Node asks for.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

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
interface Question {
  token_in: string;
  token_out: string;
  kind: 'exact_input' | 'exact_output';
  usd: number;
  amount: string;
  single: string;
  split: string;
  single_us: number;
  split_us: number;
}
interface Market {
  pools: PoolState[];
  questions: Question[];
}
interface Answer {
  question: number;
  us: number;
  /** What comes out, or must go in; empty where the SDK finds nothing, or a trade that does not do the whole amount. */
  amount: string;
}

const require = createRequire(import.meta.url);
const median = (values: number[]): number | undefined => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? '-';

/** One question of each kind and size in turn, so that a market that runs out of time still has some of each. */
function inTurn(questions: Question[]): number[] {
  const groups = new Map<string, number[]>();
  questions.forEach((question, i) => {
    const key = `${question.kind} ${question.usd}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  const order: number[] = [];
  for (let rank = 0; order.length < questions.length; ++rank)
    for (const group of groups.values()) if (rank < group.length) order.push(group[rank]!);
  return order;
}

async function answerAll(market: Market): Promise<void> {
  const sdk = require('@uniswap/v3-sdk');
  const { CurrencyAmount, Token } = createRequire(require.resolve('@uniswap/v3-sdk'))('@uniswap/sdk-core');
  const token = (address: string): unknown => new Token(1, address.toLowerCase(), 18);
  const pools = market.pools.map((state) => {
    const ticks = state.ticks.map((t) => ({ index: t.tick, liquidityGross: t.liquidity_gross, liquidityNet: t.liquidity_net }));
    return new sdk.Pool(token(state.token0), token(state.token1), state.fee, state.sqrt_price_x96, state.liquidity, state.tick, ticks);
  });
  for (const index of inTurn(market.questions)) {
    const question = market.questions[index]!;
    const [tokenIn, tokenOut] = [token(question.token_in), token(question.token_out)];
    const exactInput = question.kind === 'exact_input';
    const amount = CurrencyAmount.fromRawAmount(exactInput ? tokenIn : tokenOut, question.amount);
    const options = { maxNumResults: 1, maxHops: 3 };
    const begin = process.hrtime.bigint();
    const [trade] = exactInput
      ? await sdk.Trade.bestTradeExactIn(pools, amount, tokenOut, options)
      : await sdk.Trade.bestTradeExactOut(pools, tokenIn, amount, options);
    const us = Number(process.hrtime.bigint() - begin) / 1000;
    let found = trade === undefined ? '' : String((exactInput ? trade.outputAmount : trade.inputAmount).quotient);
    if (trade !== undefined && !exactInput) {
      // An output that a pool cannot give in full is quoted as if it could: what goes in must bring it out.
      let through = trade.inputAmount;
      for (const pool of trade.swaps[0].route.pools) [through] = await pool.getOutputAmount(through);
      if (BigInt(String(through.quotient)) < BigInt(question.amount)) found = '';
    }
    parentPort!.postMessage({ question: index, us, amount: found } satisfies Answer);
  }
}

async function ask(market: Market, seconds: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  const worker = new Worker(new URL(import.meta.url), { workerData: market });
  const timer = setTimeout(() => void worker.terminate(), seconds * 1000);
  await new Promise<void>((done, failed) => {
    worker.on('message', (answer: Answer) => answers.push(answer));
    worker.on('error', failed);
    worker.on('exit', () => done());
  });
  clearTimeout(timer);
  return answers;
}

async function compareAll(path: string, seconds: number): Promise<number> {
  const markets: Market[] = JSON.parse(readFileSync(path, 'utf8'));
  const rows: string[][] = [
    ['pools', 'kind', 'USD', 'answered', 'v3-sdk us', 'single us', 'ratio', 'more', 'equal', 'less', 'none', 'split us', 'split more', 'by %'],
  ];
  let less = 0;
  for (const market of markets) {
    const answers = await ask(market, seconds);
    for (const kind of ['exact_input', 'exact_output'] as const)
      for (const usd of new Set(market.questions.map((q) => q.usd))) {
        const asked = market.questions.filter((q) => q.kind === kind && q.usd === usd).length;
        const of = answers
          .map((answer) => ({ answer, question: market.questions[answer.question]! }))
          .filter(({ question }) => question.kind === kind && question.usd === usd);
        const real = of.filter(({ answer }) => answer.amount !== '');
        /** How much better ours is, in parts of a million; above 0: more comes out, or less goes in. */
        const gain = (own: string, theirs: string): bigint =>
          ((kind === 'exact_input' ? BigInt(own) - BigInt(theirs) : BigInt(theirs) - BigInt(own)) * 1_000_000_000n) / BigInt(theirs);
        const better = (own: string, theirs: string): number =>
          own === theirs ? 0 : (kind === 'exact_input' ? BigInt(own) > BigInt(theirs) : BigInt(own) < BigInt(theirs)) ? 1 : -1;
        const single = real.map(({ question, answer }) => better(question.single, answer.amount));
        const splits = real.filter(({ question, answer }) => better(question.split, answer.amount) > 0);
        const gained = splits.map(({ question, answer }) => Number(gain(question.split, answer.amount)) / 1e7);
        const worse = single.filter((sign) => sign < 0).length;
        less += worse + real.filter(({ question, answer }) => better(question.split, answer.amount) < 0).length;
        const theirs = median(of.map(({ answer }) => answer.us));
        const own = median(of.map(({ question }) => question.single_us));
        rows.push([
          String(market.pools.length),
          kind === 'exact_input' ? 'input' : 'output',
          String(usd),
          `${of.length}/${asked}`,
          fixed(theirs, 0),
          fixed(own, 1),
          theirs === undefined || own === undefined ? '-' : `${(theirs / own).toFixed(0)}x`,
          String(single.filter((sign) => sign > 0).length),
          String(single.filter((sign) => sign === 0).length),
          String(worse),
          String(of.length - real.length),
          fixed(median(of.map(({ question }) => question.split_us)), 0),
          String(splits.length),
          gained.length === 0 ? '-' : (gained.reduce((a, b) => a + b) / gained.length).toFixed(3),
        ]);
      }
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const version: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).devDependencies['@uniswap/v3-sdk'];
  console.log(`\nOur best single path and best split beside @uniswap/v3-sdk ${version}, ` +
    `Trade.bestTrade of 3 hops, Node ${process.version}; medians in us; more, equal, less: our single path against theirs`);
  for (const row of rows) console.log(row.map((cell, i) => cell.padStart(widths[i]!)).join('  '));
  console.log(less === 0 ? 'ours is never less' : `ours is LESS ${less} times`);
  return less === 0 ? 0 : 1;
}

if (isMainThread) {
  const [path, seconds] = process.argv.slice(2);
  if (path === undefined) {
    console.error('usage: node bench/peers/routing.ts MARKETS [SECONDS]');
    process.exit(2);
  }
  process.exit(await compareAll(path, Number(seconds ?? 60)));
} else {
  await answerAll(workerData as Market);
}
