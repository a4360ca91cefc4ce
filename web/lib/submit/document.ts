// From the form to the documents that the API takes, and from the API's faults back to the form's fields.
import { compare, formatPercent, multiply, parseInput, shift, toUnits } from "../format/amount.ts";
import { formatWindow } from "../format/time.ts";
import type { Asset, Intent, Platform, QuoteRequest, SuccessCriterion, Token } from "../sep/types.ts";
import {
  chosenSlippage,
  chosenWindow,
  other,
  pairOf,
  type CriterionRow,
  type Form,
  type Limits,
  type Metric,
} from "./form.ts";

/** A place of the form where a fault is shown; criteria are told apart by their place in the list. */
export type Field =
  | "amount"
  | "base"
  | "quote"
  | "slippage"
  | "window"
  | "style"
  | "strategy"
  | `criteria.${number}.metric`
  | `criteria.${number}.value`
  | "retyped";
export type Faults = Partial<Record<Field, string>>;

/** As the fields stand on the page, so that the first fault is the first that a reader meets. */
const order = ["amount", "base", "quote", "slippage", "window", "style", "strategy"];
export function firstField(faults: Faults): Field | undefined {
  const place = (field: string) => {
    const index = order.indexOf(field);
    return index >= 0
      ? index
      : field === "retyped"
        ? Number.MAX_SAFE_INTEGER
        : order.length + Number(field.split(".")[1]);
  };
  return (Object.keys(faults) as Field[]).sort((a, b) => place(a) - place(b))[0];
}

const maxUnits = 2n ** 256n - 1n;

export function assetOf(token: Token): Asset {
  return {
    symbol: token.symbol,
    chain: token.extensions?.chain ?? "",
    address: token.address,
    decimals: token.decimals,
  };
}

type Read<T> = { value: T; fault?: never } | { value?: never; fault: string };

const decimalsOf = (text: string): number => (text.split(".")[1] ?? "").length;

/** A plain decimal number, zero included; comma or point. */
function readDecimal(typed: string): string | undefined {
  const text = typed.trim().replace(",", ".");
  return /^0*(\.0*)?$/.test(text) && /\d/.test(text) ? "0" : parseInput(typed);
}

/** An amount of the token, as the API takes it. */
export function readAmount(typed: string, token: Token | undefined): Read<string> {
  if (typed.trim() === "") return { fault: "Type an amount." };
  const value = parseInput(typed);
  if (value === undefined)
    return {
      fault: readDecimal(typed) === "0" ? "Must be more than zero." : "Type a plain number, such as 1 or 0.05.",
    };
  if (token === undefined) return { value };
  if (decimalsOf(value) > token.decimals) return { fault: `${token.symbol} has at most ${token.decimals} decimals.` };
  if (toUnits(value, token.decimals) > maxUnits) return { fault: "Larger than any token amount can be." };
  return { value };
}

/** A percentage as the ratio that the API takes: "0.5" is "0.005". */
export function readPercent(typed: string): Read<string> {
  const percent = readDecimal(typed);
  if (percent === undefined) return { fault: "Type a percentage, such as 0.5." };
  const ratio = shift(percent, 2);
  return decimalsOf(ratio) > 18 ? { fault: "At most 16 decimals." } : { value: ratio };
}

export function readSlippage(form: Form, limits: Limits | undefined): Read<string> {
  const choice = chosenSlippage(form, limits);
  const read = choice === other ? readPercent(form.otherSlippage) : { value: choice };
  if (read.value === undefined) return read;
  if (limits !== undefined && compare(read.value, limits.max_slippage) > 0)
    return { fault: `At most ${formatPercent(limits.max_slippage)} is allowed.` };
  return compare(read.value, "1") >= 0 ? { fault: "Must be below 100%." } : read;
}

const unitSeconds: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, min: 60, h: 3600 };

/** "90", "90 s", "5 m" or "2 h" in seconds. */
export function readWindow(form: Form, limits: Limits | undefined): Read<number> {
  const choice = chosenWindow(form, limits);
  const match = /^(\d{1,6})\s*(s|m|min|h)?$/i.exec((choice === other ? form.otherWindow : choice).trim());
  if (!match) return { fault: "Type seconds, or a time such as 5 m or 2 h." };
  const seconds = Number(match[1]) * (unitSeconds[(match[2] ?? "").toLowerCase()] ?? 1);
  if (seconds < 1) return { fault: "At least 1 s." };
  if (limits !== undefined && seconds > limits.max_time_window)
    return { fault: `At most ${formatWindow(limits.max_time_window)} is allowed.` };
  return { value: seconds };
}

function readStrategy(typed: string): Read<string> {
  const value = typed.trim();
  if (value === "") return { fault: "Type the strategy's name." };
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(value)) return { fault: "1 to 64 letters, digits, dots, underscores or hyphens." };
  return { value };
}

/** What each criterion is called, and the unit in which a person states it. */
export const metricWords: Readonly<
  Record<Metric, { label: string; unit: (tokenIn: string, tokenOut: string) => string }>
> = {
  max_amount_in: { label: "Pay at most", unit: (tokenIn) => tokenIn },
  min_amount_out: { label: "Get at least", unit: (_, tokenOut) => tokenOut },
  max_gas_usd: { label: "Network fee at most", unit: () => "USD" },
  max_price_impact: { label: "Price effect at most", unit: () => "%" },
  complete_within_ms: { label: "Completed within", unit: () => "seconds" },
};
export const metrics = Object.keys(metricWords) as Metric[];

/** The token that pays and the one that is received. */
export function flowOf<T>(side: Form["side"], base: T, quote: T): { tokenIn: T; tokenOut: T } {
  return side === "acquire" ? { tokenIn: quote, tokenOut: base } : { tokenIn: base, tokenOut: quote };
}

function readCriterion(
  row: CriterionRow,
  flow: { tokenIn: Token | undefined; tokenOut: Token | undefined },
): Read<string> {
  switch (row.metric) {
    case "max_amount_in":
      return readAmount(row.value, flow.tokenIn);
    case "min_amount_out":
      return readAmount(row.value, flow.tokenOut);
    case "max_price_impact":
      return readPercent(row.value);
    case "max_gas_usd": {
      const value = readDecimal(row.value);
      if (value === undefined) return { fault: "Type an amount in USD, such as 2.50." };
      return decimalsOf(value) > 18 ? { fault: "At most 18 decimals." } : { value };
    }
    case "complete_within_ms": {
      const seconds = readDecimal(row.value);
      if (seconds === undefined) return { fault: "Type seconds, such as 30." };
      return decimalsOf(seconds) > 3 ? { fault: "At most 3 decimals." } : { value: multiply(seconds, "1000") };
    }
  }
}

export type Reading = { intent: Intent; faults?: never } | { intent?: never; faults: Faults };

/** The intent that the form states, or every fault of it. */
export function readForm(form: Form, tokens: readonly Token[], platform: Platform | undefined): Reading {
  const limits = platform?.limits;
  const { base, quote } = pairOf(form, tokens);
  const faults: Faults = {};
  const take = <T>(field: Field, read: Read<T>): T | undefined => {
    if (read.fault !== undefined) faults[field] = read.fault;
    return read.value;
  };
  const unknownToken =
    tokens.length > 0
      ? "Choose a token."
      : platform === undefined
        ? "The tokens are not loaded yet."
        : "The platform has no tokens set up.";
  if (base === undefined) faults.base = unknownToken;
  if (quote === undefined) faults.quote = unknownToken;
  if (base !== undefined && base === quote) faults.quote = "Choose another token than the one before.";
  const amount = take("amount", readAmount(form.amount, base));
  const slippage = take("slippage", readSlippage(form, limits));
  const window = take("window", readWindow(form, limits));
  const strategy = take("strategy", readStrategy(form.strategy));
  const flow = flowOf(form.side, base, quote);
  const criteria = form.criteria.map((row, index) => ({
    metric: row.metric,
    value: take(`criteria.${index}.value`, readCriterion(row, flow)),
  }));
  if (Object.keys(faults).length > 0) return { faults };
  return {
    intent: {
      strategy_id: strategy!,
      intent_type: form.side,
      assets: [assetOf(base!), assetOf(quote!)],
      amount: amount!,
      constraints: { max_slippage: slippage!, time_window: window!, execution_style: form.style },
      success_criteria: criteria as SuccessCriterion[],
    },
  };
}

/** What to ask a price for; undefined while amount or tokens are not to be read. */
export function readRequest(
  form: Form,
  tokens: readonly Token[],
  platform: Platform | undefined,
): QuoteRequest | undefined {
  const { base, quote } = pairOf(form, tokens);
  const amount = readAmount(form.amount, base).value;
  if (base === undefined || quote === undefined || base === quote || amount === undefined) return undefined;
  const slippage = readSlippage(form, platform?.limits).value;
  return {
    intent_type: form.side,
    assets: [assetOf(base), assetOf(quote)],
    amount,
    ...(slippage !== undefined && { max_slippage: slippage }),
  };
}

/** Why there is no limit to show: what is `asked`, and `priced`, can still lack its slippage. */
export function quoteHint(asked: boolean, priced: boolean, faults: Faults | undefined): string {
  if (priced && faults?.slippage !== undefined) return `Slippage: ${faults.slippage}`;
  if (asked) return "Asking for a price.";
  const fault = faults?.amount ?? faults?.base ?? faults?.quote;
  return fault === undefined || fault === "Type an amount." ? "Type an amount to see its price." : fault;
}

/** The field that a JSON pointer of the API's faults means; undefined where the form has none. */
export function fieldOf(pointer: string): Field | undefined {
  const [first, second, third] = pointer.split("/").slice(1);
  switch (first) {
    case "amount":
      return "amount";
    case "strategy_id":
      return "strategy";
    case "assets":
      return second === "1" ? "quote" : "base";
    case "constraints":
      if (second === "max_slippage") return "slippage";
      if (second === "time_window") return "window";
      return second === "execution_style" ? "style" : undefined;
    case "max_slippage":
      return "slippage";
    case "success_criteria":
      if (second === undefined || !/^\d+$/.test(second)) return undefined;
      return third === "metric" ? `criteria.${Number(second)}.metric` : `criteria.${Number(second)}.value`;
    default:
      return undefined;
  }
}

/** A server's sentence for a field: "has 10 decimals" becomes "Has 10 decimals." */
export function asSentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
