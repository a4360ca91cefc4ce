// Risk checks and success criteria in plain words.
import { formatPercent, formatUsd } from "../format/amount.ts";
import { formatDuration } from "../format/time.ts";
import type { Check, CriterionResult, Intent, SuccessCriterion } from "../sep/types.ts";
import { amountOf, type Tokens } from "./wording.ts";

const checkWords: Readonly<Record<string, string>> = {
  kill_switch: "Kill switch",
  allowed_tokens: "Tokens",
  max_slippage: "Slippage",
  notional_usd: "Value",
  open_intents: "Open intents",
};
const isNumber = (text: string): boolean => /^\d+(\.\d+)?$/.test(text);

export interface CheckWords {
  name: string;
  value: string;
  limit: string;
  ok: boolean;
}

/** A value that is no number is told as it is: it says why there is none. */
export function checkWordsOf({ check, value, limit, ok }: Check): CheckWords {
  const format = (text: string): string => {
    if (!isNumber(text)) return text;
    if (check === "max_slippage") return formatPercent(text);
    return check === "notional_usd" ? formatUsd(text) : text;
  };
  return { name: checkWords[check] ?? check.replaceAll("_", " "), value: format(value), limit: format(limit), ok };
}

/** "slippage 1% of 5%", "kill switch off". */
export function checkPhrase(check: Check): string {
  const { name, value, limit } = checkWordsOf(check);
  const phrase = `${name.toLowerCase()} ${value}`;
  return isNumber(check.value) && isNumber(check.limit) ? `${phrase} of ${limit}` : phrase;
}

const criterionWords: Readonly<Record<SuccessCriterion["metric"], string>> = {
  min_amount_out: "Receive at least",
  max_amount_in: "Pay at most",
  max_gas_usd: "Network fee at most",
  max_price_impact: "Price effect at most",
  complete_within_ms: "Complete within",
};
export const criterionName = (metric: SuccessCriterion["metric"]): string => criterionWords[metric];

/** What is asked for is a bound and rounded as one; what came of it, `actual`, is rounded to the nearest. */
export function criterionValue(
  metric: SuccessCriterion["metric"],
  value: string,
  intent: Intent,
  tokens: Tokens,
  actual = false,
): string {
  const [base, quote] = intent.assets;
  const [paid, received] = intent.intent_type === "acquire" ? [quote, base] : [base, quote];
  switch (metric) {
    case "min_amount_out":
      return amountOf(value, received, tokens, actual ? "nearest" : "down");
    case "max_amount_in":
      return amountOf(value, paid, tokens, actual ? "nearest" : "up");
    case "max_gas_usd":
      return formatUsd(value);
    case "max_price_impact":
      return formatPercent(value);
    case "complete_within_ms":
      return formatDuration(Number(value));
  }
}

/** "2 of 3 criteria met". */
export function criteriaPhrase(criteria: readonly CriterionResult[]): string {
  const met = criteria.filter((criterion) => criterion.met).length;
  return `${met} of ${criteria.length} ${criteria.length === 1 ? "criterion" : "criteria"} met`;
}
