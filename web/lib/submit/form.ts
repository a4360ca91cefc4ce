// What stands in the submit form, and how one choice changes another. Everything is kept as it was typed or chosen;
// document.ts reads it.
import { compare } from "../format/amount.ts";
import type { Intent, Platform, SuccessCriterion, Token } from "../sep/types.ts";

export type Side = Intent["intent_type"];
export type Style = keyof Platform["execution_styles"];
export type Metric = SuccessCriterion["metric"];

export interface CriterionRow {
  /** Names the row while the page is open. */
  id: number;
  metric: Metric;
  value: string;
}

export interface Form {
  side: Side;
  /** A token's address or symbol; empty: the default of the platform's list. */
  base: string;
  quote: string;
  amount: string;
  /** A preset's ratio, "other", or empty: the default preset that the limits allow. */
  slippage: string;
  /** Percent, where `slippage` is "other". */
  otherSlippage: string;
  /** A preset's seconds, "other", or empty as with slippage. */
  window: string;
  otherWindow: string;
  style: Style;
  strategy: string;
  criteria: readonly CriterionRow[];
}

export const other = "other";
export const defaultStrategy = "manual";
export const emptyForm: Form = {
  side: "acquire",
  base: "",
  quote: "",
  amount: "",
  slippage: "",
  otherSlippage: "",
  window: "",
  otherWindow: "",
  style: "normal",
  strategy: defaultStrategy,
  criteria: [],
};

export const slippagePresets = ["0.001", "0.005", "0.01"] as const;
export const windowPresets = ["30", "120", "600"] as const;
const preferredSlippage = "0.005";
const preferredWindow = "120";
export const styles: readonly Style[] = ["passive", "normal", "aggressive"];
export const maxCriteria = 16;

export type Limits = Pick<Platform["limits"], "max_slippage" | "max_time_window">;

/** The presets that the limits allow; all while the limits are not known. */
export function allowedSlippages(limits: Limits | undefined): string[] {
  return slippagePresets.filter((preset) => limits === undefined || compare(preset, limits.max_slippage) <= 0);
}
export function allowedWindows(limits: Limits | undefined): string[] {
  return windowPresets.filter((preset) => limits === undefined || Number(preset) <= limits.max_time_window);
}

const chosen = (value: string, allowed: readonly string[], preferred: string): string =>
  value !== "" ? value : allowed.includes(preferred) ? preferred : (allowed.at(-1) ?? other);

/** A preset's ratio or "other": what is chosen, or stands chosen until something is. */
export const chosenSlippage = (form: Form, limits: Limits | undefined): string =>
  chosen(form.slippage, allowedSlippages(limits), preferredSlippage);
export const chosenWindow = (form: Form, limits: Limits | undefined): string =>
  chosen(form.window, allowedWindows(limits), preferredWindow);

// --- tokens

/** The token of an address or a symbol. */
export function findToken(name: string, tokens: readonly Token[]): Token | undefined {
  const wanted = name.toLowerCase();
  return (
    tokens.find((token) => token.address.toLowerCase() === wanted) ??
    tokens.find((token) => token.symbol.toLowerCase() === wanted)
  );
}

const isStable = (token: Token): boolean => token.extensions?.stablecoin ?? false;

export interface Pair {
  base: Token | undefined;
  quote: Token | undefined;
}

/** The chosen tokens; where none is chosen, the first that is no stablecoin, against the first stablecoin. */
export function pairOf(form: Pick<Form, "base" | "quote">, tokens: readonly Token[]): Pair {
  const named = (name: string) => (name === "" ? undefined : findToken(name, tokens));
  const quote = named(form.quote);
  const free = tokens.filter((token) => token !== quote);
  const base = form.base === "" ? (free.find((token) => !isStable(token)) ?? free[0]) : named(form.base);
  if (form.quote !== "") return { base, quote };
  const others = tokens.filter((token) => token !== base);
  return { base, quote: others.find(isStable) ?? others[0] };
}

const nameOf = (token: Token | undefined, fallback: string): string => token?.address.toLowerCase() ?? fallback;

/** Chooses a token; where it stood on the other side, the two change places. */
export function withToken(form: Form, which: "base" | "quote", token: Token, tokens: readonly Token[]): Form {
  const pair = pairOf(form, tokens);
  const otherSide = which === "base" ? "quote" : "base";
  const displaced = pair[otherSide] === token ? pair[which] : pair[otherSide];
  return { ...form, [which]: nameOf(token, ""), [otherSide]: nameOf(displaced, form[otherSide]) };
}

/** Base and quote change places. */
export function exchanged(form: Form, tokens: readonly Token[]): Form {
  const pair = pairOf(form, tokens);
  return { ...form, base: nameOf(pair.quote, form.quote), quote: nameOf(pair.base, form.base) };
}

// --- criteria

export function withCriterion(form: Form): Form {
  const id = Math.max(0, ...form.criteria.map((row) => row.id)) + 1;
  const metric: Metric = form.side === "acquire" ? "max_amount_in" : "min_amount_out";
  return { ...form, criteria: [...form.criteria, { id, metric, value: "" }] };
}
export function withoutCriterion(form: Form, id: number): Form {
  return { ...form, criteria: form.criteria.filter((row) => row.id !== id) };
}
export function withChangedCriterion(form: Form, id: number, change: Partial<Omit<CriterionRow, "id">>): Form {
  return { ...form, criteria: form.criteria.map((row) => (row.id === id ? { ...row, ...change } : row)) };
}
