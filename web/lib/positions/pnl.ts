// Profit and value of what a strategy holds by its fills.
//
// All is bigint over the tokens' base units and millionths of a US dollar. Rounding is down, which is against the
// strategy: toward less value, less profit, more loss; to the quote token's last unit, and to a millionth of a dollar.
import { add, fromUnits, subtract, toUnits } from "../format/amount.ts";
import type { Account, Asset, PositionsView } from "../sep/types.ts";

export type Holding = PositionsView["positions"][number];
export type Pair = PositionsView["pairs"][number];

const usdScale = 6;
const priceScale = 18;
const ratioScale = 6;

/** US dollars for one whole token, by address in lower case; absent or null: not known. */
export type Prices = Readonly<Record<string, string | null>>;

export function pricesOf(account: Pick<Account, "tokens"> | undefined): Prices {
  return Object.fromEntries(
    (account?.tokens ?? []).map((token) => [token.asset.address.toLowerCase(), token.price_usd]),
  );
}
export const priceOf = (asset: Pick<Asset, "address">, prices: Prices): string | undefined =>
  prices[asset.address.toLowerCase()] ?? undefined;

/** Toward minus infinity; `b` is positive. */
function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

/** The value of an amount, rounded down; nothing is worth 0 at any price, and undefined is not known. */
export function valueUsd(
  amount: string,
  asset: Pick<Asset, "address" | "decimals">,
  prices: Prices,
): string | undefined {
  const units = toUnits(amount, asset.decimals);
  if (units === 0n) return "0";
  const price = priceOf(asset, prices);
  if (price === undefined) return undefined;
  return fromUnits(floorDivide(units * toUnits(price, usdScale), 10n ** BigInt(asset.decimals)), usdScale);
}

export interface PairProfit {
  /** Quote tokens for one base token, by the US dollar prices of both; undefined where one is not known. */
  price: string | undefined;
  /** Of the position. */
  valueUsd: string | undefined;
  /** What the open position cost in the quote token; negative for a short one, which brought it. */
  cost: string;
  /** In the quote token: what the position is worth less its cost; undefined without a price. */
  unrealised: string | undefined;
  /** `unrealised` as a part of what was put in; undefined where nothing was, or without a price. */
  unrealisedRatio: string | undefined;
  unrealisedUsd: string | undefined;
  realisedUsd: string | undefined;
}

/**
 * The cost is exact: paid − received + realised, as the record's own books have it; the average cost beside it is
 * rounded and only shown.
 */
export function profitOf(pair: Pair, prices: Prices): PairProfit {
  const { base, quote } = pair;
  const quoteUnits = (text: string): bigint => toUnits(text, quote.decimals);
  const position = toUnits(pair.position_base, base.decimals);
  const cost = quoteUnits(pair.paid_quote) - quoteUnits(pair.received_quote) + quoteUnits(pair.realised_pnl_quote);
  const basePrice = toUnits(priceOf(base, prices) ?? "0", usdScale);
  const quotePrice = toUnits(priceOf(quote, prices) ?? "0", usdScale);
  const priced = basePrice > 0n && quotePrice > 0n;
  const unrealised = unrealisedUnits();
  const unrealisedText = unrealised === undefined ? undefined : fromUnits(unrealised, quote.decimals);
  return {
    price: priced ? fromUnits((basePrice * 10n ** BigInt(priceScale)) / quotePrice, priceScale) : undefined,
    valueUsd: valueUsd(pair.position_base, base, prices),
    cost: fromUnits(cost, quote.decimals),
    unrealised: unrealisedText,
    unrealisedRatio:
      unrealised === undefined || cost === 0n
        ? undefined
        : fromUnits(floorDivide(unrealised * 10n ** BigInt(ratioScale), cost < 0n ? -cost : cost), ratioScale),
    unrealisedUsd: unrealisedText === undefined ? undefined : valueUsd(unrealisedText, quote, prices),
    realisedUsd: valueUsd(pair.realised_pnl_quote, quote, prices),
  };

  function unrealisedUnits(): bigint | undefined {
    if (position === 0n) return 0n - cost;
    if (!priced) return undefined;
    const worth = floorDivide(
      position * basePrice * 10n ** BigInt(quote.decimals),
      quotePrice * 10n ** BigInt(base.decimals),
    );
    return worth - cost;
  }
}

/** A sum of what is known, and what it leaves out. */
export interface Total {
  /** Undefined where nothing is known. */
  usd: string | undefined;
  /** Symbols of tokens without a price. */
  without: string[];
}

export function totalOf(parts: readonly { usd: string | undefined; symbol: string }[]): Total {
  const known = parts.flatMap((part) => (part.usd === undefined ? [] : [part.usd]));
  const without = parts.filter((part) => part.usd === undefined).map((part) => part.symbol);
  return {
    usd: known.length === 0 && without.length > 0 ? undefined : known.reduce(add, "0"),
    without: [...new Set(without)],
  };
}

/** For parts that mean something only together: where one is not known, nothing is. */
export function wholeOf(total: Total): Total {
  return total.without.length === 0 ? total : { ...total, usd: undefined };
}

export interface StrategyTotals {
  unrealised: Total;
  realised: Total;
  gasUsd: string;
  /** Unrealised and realised, less gas. */
  profit: Total;
}

/** In US dollars at present prices, over all pairs. */
export function totalsOf(pairs: readonly Pair[], prices: Prices): StrategyTotals {
  const profits = pairs.map((pair) => ({ pair, profit: profitOf(pair, prices) }));
  const unrealised = totalOf(
    profits.map(({ pair, profit }) => ({ usd: profit.unrealisedUsd, symbol: unknownOf(pair, prices) })),
  );
  const realised = totalOf(
    profits.map(({ pair, profit }) => ({ usd: profit.realisedUsd, symbol: unknownOf(pair, prices) })),
  );
  const gasUsd = pairs.reduce((sum, pair) => add(sum, pair.gas_usd), "0");
  return {
    unrealised,
    realised,
    gasUsd,
    profit: {
      usd:
        unrealised.usd === undefined || realised.usd === undefined
          ? undefined
          : subtract(add(unrealised.usd, realised.usd), gasUsd),
      without: [...new Set([...unrealised.without, ...realised.without])],
    },
  };
}

function unknownOf(pair: Pair, prices: Prices): string {
  return priceOf(pair.base, prices) === undefined ? pair.base.symbol : pair.quote.symbol;
}

/** The value of everything that the account holds, its coin included. */
export function accountTotal(account: Pick<Account, "native" | "tokens">): Total {
  const nothing = (balance: string): boolean => /^0*(\.0*)?$/.test(balance);
  return totalOf([
    {
      usd: account.native.value_usd ?? (nothing(account.native.balance) ? "0" : undefined),
      symbol: account.native.symbol,
    },
    ...account.tokens.map((token) => ({
      usd: token.value_usd ?? (nothing(token.balance) ? "0" : undefined),
      symbol: token.asset.symbol,
    })),
  ]);
}
