// Every intent as one sentence with its bound, the same in list, form and detail; and what became of the money.
import { formatAmount, formatPercent, formatUsd, type Rounding } from "../format/amount.ts";
import { isTerminal } from "../sep/fold.ts";
import type { Asset, Intent, IntentView, Token } from "../sep/types.ts";

export type Tokens = Readonly<Record<string, Token>>;

export const isStable = (asset: { address: string }, tokens: Tokens): boolean =>
  tokens[asset.address.toLowerCase()]?.extensions?.stablecoin ?? false;

export function amountOf(text: string, asset: Asset, tokens: Tokens, rounding: Rounding = "nearest"): string {
  return `${formatAmount(text, isStable(asset, tokens), rounding)} ${asset.symbol}`;
}

export interface Sentence {
  /** "Buy exactly 1 WETH" */
  promise: string;
  /** "pay at most 2,512.40 USDC", or why it ended otherwise. */
  bound: string;
}

/** "Buy exactly 1 WETH". The amount is exact, so it is never rounded here. */
export function promiseOf(intent: Intent): string {
  const verb = intent.intent_type === "acquire" ? "Buy" : "Sell";
  return `${verb} exactly ${groupedExact(intent.amount)} ${intent.assets[0].symbol}`;
}

function groupedExact(amount: string): string {
  const [whole = "0", fraction = ""] = amount.split(".");
  const kept = fraction.replace(/0+$/, "");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (kept === "" ? "" : `.${kept}`);
}

/** "pay at most 2,512.40 USDC"; before there is a plan, "at most 1% worse than quoted in USDC". */
export function boundOf(intent: Intent, bound: string | undefined, tokens: Tokens): string {
  const acquires = intent.intent_type === "acquire";
  const quote = intent.assets[1];
  if (bound === undefined) {
    const slippage = formatPercent(intent.constraints.max_slippage);
    return acquires
      ? `pay ${quote.symbol}, at most ${slippage} over the quote`
      : `get ${quote.symbol}, at most ${slippage} under the quote`;
  }
  return acquires
    ? `pay at most ${amountOf(bound, quote, tokens, "up")}`
    : `get at least ${amountOf(bound, quote, tokens, "down")}`;
}

const reasonWords: Readonly<Record<string, string>> = {
  NOTIONAL_LIMIT: "over the value limit",
  SLIPPAGE_LIMIT: "over the slippage limit",
  NO_PRICE: "no price for it",
  TOKEN_NOT_ALLOWED: "token not allowed",
  OPEN_INTENTS_LIMIT: "too many open intents",
  KILL_SWITCH: "new work is stopped",
  NO_ROUTE: "no pool connects the two",
  INSUFFICIENT_LIQUIDITY: "not enough liquidity",
  INSUFFICIENT_BALANCE: "balance too low",
  PRICE_IMPACT: "moves the price too far",
  STALE_MARKET: "market data too old",
  CRITERIA_UNREACHABLE: "a success criterion is out of reach",
  SIMULATION_REVERTED: "would have reverted, not sent",
  REVERTED: "reverted, only fees were spent",
  SLIPPAGE_EXCEEDED: "price moved past the bound",
  GAS_LIMIT: "over the fee limit",
  FOREIGN_NONCE: "the account was used by someone else",
  SIGNER_HALTED: "the account is halted",
  TRANSACTION_REFUSED: "refused by the node",
  TIME_WINDOW: "time window ended",
  USER_REQUEST: "by you",
};
export const reasonWord = (code: string): string => reasonWords[code] ?? code.toLowerCase().replaceAll("_", " ");

export function sentenceOf(view: IntentView, tokens: Tokens): Sentence {
  const promise = promiseOf(view.intent);
  const bound = boundOf(view.intent, view.summary.bound, tokens);
  if (!isTerminal(view.state) || view.state === "completed") return { promise, bound };
  if (view.state === "cancelled")
    return {
      promise,
      bound: view.timings_ms.broadcast === undefined ? "cancelled before sending" : "cancelled, not swapped",
    };
  if (view.state === "expired") return { promise, bound: "time window ended, not swapped" };
  return { promise, bound: view.summary.reason === undefined ? bound : reasonWord(view.summary.reason) };
}

/** What happened to the money, as a sentence, once the intent has ended. */
export function outcomeOf(view: IntentView, tokens: Tokens, feesUsd: string | undefined): string | undefined {
  const [base, quote] = view.intent.assets;
  const { amount_in, amount_out, gas_cost_usd } = view.summary;
  const fees = gas_cost_usd ?? feesUsd;
  const feeWords = fees === undefined ? "" : `${formatUsd(fees)} in fees`;
  if (view.state === "completed" && amount_in !== undefined && amount_out !== undefined) {
    const [paid, received] = view.intent.intent_type === "acquire" ? [quote, base] : [base, quote];
    return `Paid ${amountOf(amount_in, paid, tokens)}, received ${amountOf(amount_out, received, tokens)}${feeWords && `, ${feeWords}`}.`;
  }
  if (!isTerminal(view.state)) return undefined;
  if (view.timings_ms.broadcast === undefined) return "Nothing was sent, nothing was spent.";
  return feeWords === "" ? "The swap did not happen; only fees were spent." : `Nothing was spent but ${feeWords}.`;
}
