// What a quote says, in the figures that the page shows. All of it is bigint arithmetic on base units.
import { compare, divide, formatAmount, fromUnits, multiply, subtract, toUnits } from "../format/amount.ts";
import type { Account, Asset, Quote, SuccessCriterion, Token } from "../sep/types.ts";

const wad = 10n ** 18n;
const pips = 1_000_000n;

/**
 * What is left of the amount after the fees of every pool on its way, left ÷ of: each path's part loses the fees of its
 * own pools, one after the other.
 */
function afterFees(quote: Quote): { left: bigint; of: bigint } {
  const { decimals } = paidAsset(quote);
  const longest = Math.max(...quote.paths.map((path) => path.fees.length));
  let left = 0n;
  let of = 0n;
  for (const { amount_in, fees } of quote.paths) {
    const units = toUnits(amount_in, decimals);
    const kept = fees.reduce((product, fee) => product * (pips - BigInt(fee)), 1n);
    left += units * kept * pips ** BigInt(longest - fees.length);
    of += units * pips ** BigInt(longest);
  }
  return { left, of };
}

const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
const nearestDiv = (a: bigint, b: bigint): bigint => (a + b / 2n) / b;

/**
 * The pools' fees, in the token that pays: each pool keeps its part of what comes in, so with parts f of amount_in it
 * is amount_in · (1 − (1 − f₁)(1 − f₂)…), added up over the paths and rounded up to the token's unit as the pools do. They are inside the price.
 */
export function poolFees(quote: Quote): { amount: string; asset: Asset } {
  const asset = paidAsset(quote);
  const { left, of } = afterFees(quote);
  const units = toUnits(quote.amount_in, asset.decimals);
  return { amount: fromUnits(ceilDiv(units * (of - left), of), asset.decimals), asset };
}

/**
 * What the base amount would cost, or bring, in the quote token at the market price: no fee, no effect of the trade.
 *
 * The price effect e of a quote leaves fees out: amount_out = amount_in · (1 − f) · (1 − e) · market price. So buying
 * would cost amount_in · (1 − f)(1 − e), and selling would bring amount_out ÷ ((1 − f)(1 − e)); to the nearest unit of
 * the quote token, give or take what the pools rounded. Undefined where nothing comes out.
 */
export function marketAmount(quote: Quote): string | undefined {
  const { decimals } = quote.assets[1];
  const { left, of } = afterFees(quote);
  const kept = wad - toUnits(quote.price_impact, 18);
  const market =
    quote.intent_type === "acquire"
      ? nearestDiv(toUnits(quote.amount_in, decimals) * left * kept, of * wad)
      : left * kept === 0n
        ? undefined
        : nearestDiv(toUnits(quote.amount_out, decimals) * of * wad, left * kept);
  return market === undefined ? undefined : fromUnits(market, decimals);
}

export const paidAsset = (quote: Quote): Asset => (quote.intent_type === "acquire" ? quote.assets[1] : quote.assets[0]);

/** What is expected to be paid, or received, in the quote token. */
export const expectedOf = (quote: Quote): string =>
  quote.intent_type === "acquire" ? quote.amount_in : quote.amount_out;

/** The most that is paid, or the least that is received: the quote's bound, or a success criterion that is tighter. */
export function limitOf(quote: Quote, criteria: readonly SuccessCriterion[] = []): string | undefined {
  const acquires = quote.intent_type === "acquire";
  const bound = acquires ? quote.max_amount_in : quote.min_amount_out;
  if (bound === undefined) return undefined;
  const metric = acquires ? "max_amount_in" : "min_amount_out";
  return criteria
    .filter((criterion) => criterion.metric === metric)
    .map((criterion) => criterion.value)
    .reduce((tightest, value) => (compare(value, tightest) === (acquires ? -1 : 1) ? value : tightest), bound);
}

/** How much worse than the quote the limit is; zero or more where it is worse. */
export function slackOf(quote: Quote, limit: string): string {
  const expected = expectedOf(quote);
  return quote.intent_type === "acquire" ? subtract(limit, expected) : subtract(expected, limit);
}

/** True where `next` binds worse than `shown`: more is paid at most, or less received at least. */
export function isWorse(next: string, shown: string, side: Quote["intent_type"]): boolean {
  return compare(next, shown) === (side === "acquire" ? 1 : -1);
}

// --- price

const isStable = (token: Token | undefined): boolean => token?.extensions?.stablecoin ?? false;

/**
 * In which direction a pair's price is told, on every page and for either side: the unit is the token that is priced.
 * Stablecoins price all others, then the wrapped coin of the chain does, then the token that the list names first.
 */
export function pricedToken(
  pair: readonly [Asset, Asset],
  tokens: readonly Token[],
  nativeSymbol: string | undefined,
): { unit: Asset; counter: Asset } {
  const place = (asset: Asset) =>
    tokens.findIndex((token) => token.address.toLowerCase() === asset.address.toLowerCase());
  const rank = (asset: Asset) =>
    isStable(tokens[place(asset)]) ? 0 : asset.symbol === `W${nativeSymbol ?? "ETH"}` ? 1 : 2;
  const [a, b] = pair;
  const difference = rank(a) - rank(b) || place(a) - place(b);
  return difference < 0 ? { unit: b, counter: a } : { unit: a, counter: b };
}

/** "1 WETH = 2,499.90 USDC", whichever of the two is bought. */
export function priceSentence(quote: Quote, tokens: readonly Token[], nativeSymbol: string | undefined): string {
  const { unit, counter } = pricedToken(quote.assets, tokens, nativeSymbol);
  const unitPays = paidAsset(quote).address === unit.address;
  const [ofUnit, ofCounter] = unitPays ? [quote.amount_in, quote.amount_out] : [quote.amount_out, quote.amount_in];
  const price = divide(ofCounter, ofUnit, 18);
  const stable = isStable(tokens.find((token) => token.address.toLowerCase() === counter.address.toLowerCase()));
  // Between two stablecoins the cents say nothing.
  const cents = stable && price !== undefined && compare(price, "10") >= 0;
  return `1 ${unit.symbol} = ${price === undefined ? "–" : formatAmount(price, cents)} ${counter.symbol}`;
}

/** The value in USD: by the account's prices, and one dollar for a stablecoin, as the platform counts it. */
export function usdOf(
  amount: string,
  token: Asset | Token,
  account: Account | undefined,
  tokens: readonly Token[],
): string | null {
  const address = token.address.toLowerCase();
  const held = account?.tokens.find(({ asset }) => asset.address.toLowerCase() === address);
  const known = tokens.find((one) => one.address.toLowerCase() === address);
  const price = held?.price_usd ?? (isStable(known) ? "1" : null);
  return price === null ? null : multiply(amount, price);
}

// --- price effect

/** Plain below 1 %, noticeable to 5 %, high to 10 %; above, the amount must be typed again. */
export type EffectLevel = "plain" | "noticeable" | "high" | "extreme";
export function effectLevel(impact: string): EffectLevel {
  if (compare(impact, "0.1") > 0) return "extreme";
  if (compare(impact, "0.05") >= 0) return "high";
  return compare(impact, "0.01") >= 0 ? "noticeable" : "plain";
}

// --- the scale

/** Where market and limit stand on the scale, in percent of its width; what is beyond the limit is hatched. */
export const marketAt = 8;
export const limitAt = 85;

/** Where the quote stands on the scale between market and limit, in percent of its width. */
export function quoteAt(market: string, expected: string, limit: string): number {
  const scale = 18;
  const span = toUnits(limit, scale) - toUnits(market, scale);
  if (span === 0n) return limitAt;
  const thousandths = Number(((toUnits(expected, scale) - toUnits(market, scale)) * 1000n) / span);
  return marketAt + ((limitAt - marketAt) * Math.min(Math.max(thousandths, 0), 1000)) / 1000;
}
