// What is known ahead of the platform's own decision: whether an intent, at the present quote, would be refused.
import { compare, divide, formatAmount, formatPercent, formatUsd, type Rounding } from "../format/amount.ts";
import type { Account, Asset, Platform, Quote, Token } from "../sep/types.ts";

export interface Check {
  name: "balance" | "allowance" | "value" | "effect" | "market" | "gas" | "tokens";
  label: string;
  state: "ok" | "fails" | "unknown";
  /** What the label is judged by. */
  value: string;
  /** Why the platform would refuse, as "Not submitted: …" goes on. */
  refusal?: string;
}

export interface Known {
  /** Of what the form states now. */
  quote: Quote | undefined;
  /** The bound in the quote token. */
  limit: string | undefined;
  platform: Platform | undefined;
  account: Account | undefined;
  tokens: readonly Token[];
}

const unknown = (name: Check["name"], label: string): Check => ({ name, label, state: "unknown", value: "–" });

export function checksOf(known: Known): Check[] {
  return [balance(known), allowance(known), value(known), effect(known), market(known), gas(known), ...allowed(known)];
}

/** The token that pays, and the most of it that is paid. */
function needed({ quote, limit }: Known): { asset: Asset; amount: string } | undefined {
  if (quote === undefined) return undefined;
  if (quote.intent_type === "dispose") return { asset: quote.assets[0], amount: quote.amount_in };
  return limit === undefined ? undefined : { asset: quote.assets[1], amount: limit };
}

const heldOf = (account: Account | undefined, asset: Asset | undefined) =>
  account?.tokens.find((held) => held.asset.address.toLowerCase() === asset?.address.toLowerCase());

function told(amount: string, asset: Asset, tokens: readonly Token[], rounding: Rounding): string {
  const token = tokens.find((one) => one.address.toLowerCase() === asset.address.toLowerCase());
  return `${formatAmount(amount, token?.extensions?.stablecoin ?? false, rounding)} ${asset.symbol}`;
}

function balance(known: Known): Check {
  const sells = known.quote?.intent_type === "dispose";
  const label = sells ? "Balance covers the amount" : "Balance covers the limit";
  const need = needed(known);
  const held = heldOf(known.account, need?.asset);
  if (need === undefined || held === undefined) return unknown("balance", label);
  const has = told(held.balance, need.asset, known.tokens, "down");
  if (compare(held.balance, need.amount) >= 0) return { name: "balance", label, state: "ok", value: has };
  const needs = told(need.amount, need.asset, known.tokens, "up");
  return {
    name: "balance",
    label,
    state: "fails",
    value: `${has.split(" ")[0]} of ${needs}`,
    refusal: `balance too low. Needs ${needs}, account has ${has}.`,
  };
}

function allowance(known: Known): Check {
  const need = needed(known);
  const held = heldOf(known.account, need?.asset);
  if (known.platform === undefined) return unknown("allowance", "Allowance");
  if (known.platform.allowance === "exact")
    return { name: "allowance", label: "Allowance for this swap alone", state: "ok", value: "approved first" };
  if (need === undefined || held === undefined) return unknown("allowance", "Standing allowance");
  return compare(held.allowance, need.amount) >= 0
    ? { name: "allowance", label: "Standing allowance covers it", state: "ok", value: "no approval needed" }
    : { name: "allowance", label: "Standing allowance", state: "ok", value: "approved first" };
}

function value({ quote, platform }: Known): Check {
  const label = "Within the value limit";
  if (quote === undefined || platform === undefined) return unknown("value", label);
  const limit = formatUsd(platform.limits.max_notional_usd);
  if (quote.notional_usd === null)
    return {
      name: "value",
      label,
      state: "fails",
      value: "no USD value known",
      refusal: `no pool tells the value of ${quote.assets[0].symbol} in USD, so it cannot be held against the limit of ${limit}.`,
    };
  if (compare(quote.notional_usd, platform.limits.max_notional_usd) > 0)
    return {
      name: "value",
      label,
      state: "fails",
      value: `${formatUsd(quote.notional_usd)} of ${limit}`,
      refusal: `over the value limit. Worth ${formatUsd(quote.notional_usd)}, the limit is ${limit}.`,
    };
  const used = divide(quote.notional_usd, platform.limits.max_notional_usd, 6);
  return { name: "value", label, state: "ok", value: used === undefined ? "" : `${formatPercent(used, 1)} used` };
}

function effect({ quote, platform }: Known): Check {
  const label = "Within the price effect limit";
  if (quote === undefined || platform === undefined) return unknown("effect", label);
  const [is, may] = [formatPercent(quote.price_impact), formatPercent(platform.limits.max_price_impact)];
  return compare(quote.price_impact, platform.limits.max_price_impact) <= 0
    ? { name: "effect", label, state: "ok", value: `${is} of ${may}` }
    : {
        name: "effect",
        label,
        state: "fails",
        value: `${is} of ${may}`,
        refusal: `it moves the price too far. The price effect is ${is}, the limit is ${may}.`,
      };
}

/** A market that is not fresh is no refusal: the platform decides on what it knows when it plans. */
function market({ quote, account }: Known): Check {
  const label = "Market is fresh";
  if (account === undefined) return unknown("market", label);
  if (!account.fresh) return { name: "market", label, state: "fails", value: account.detail ?? "too old to trade on" };
  const behind = quote === undefined ? 0 : account.block_number - quote.block_number;
  const age = behind === 0 ? "same block" : `${Math.abs(behind)} ${Math.abs(behind) === 1 ? "block" : "blocks"} apart`;
  return { name: "market", label, state: "ok", value: quote === undefined ? `block ${account.block_number}` : age };
}

function gas({ quote, account }: Known): Check {
  const label = "Balance covers the network fee";
  if (account === undefined) return unknown("gas", label);
  const { symbol, balance } = account.native;
  const has = `${formatAmount(balance, false, "down")} ${symbol}`;
  if (quote === undefined || compare(balance, quote.estimated_cost.gas_eth) >= 0)
    return { name: "gas", label, state: quote === undefined ? "unknown" : "ok", value: has };
  const needs = `${formatAmount(quote.estimated_cost.gas_eth, false, "up")} ${symbol}`;
  return {
    name: "gas",
    label,
    state: "fails",
    value: `${has.split(" ")[0]} of ${needs}`,
    refusal: `balance too low for the network fee. Needs ${needs}, account has ${has}.`,
  };
}

/** Only where the platform allows some tokens alone. */
function allowed({ quote, platform }: Known): Check[] {
  const list = platform?.limits.allowed_tokens ?? [];
  if (list.length === 0) return [];
  const label = "Tokens are allowed";
  if (quote === undefined) return [unknown("tokens", label)];
  const refused = quote.assets.map(({ symbol }) => symbol).filter((symbol) => !list.includes(symbol));
  if (refused.length === 0) return [{ name: "tokens", label, state: "ok", value: "both" }];
  const names = refused.join(" and ");
  return [{ name: "tokens", label, state: "fails", value: names, refusal: `the platform does not trade ${names}.` }];
}
