// Profits and prices as people read them.
import { formatAmount, formatPercent, formatUsd, grouped, roundTo } from "../format/amount.ts";

export type Direction = "gain" | "loss" | "even";

export function directionOf(text: string | undefined): Direction {
  if (text === undefined || /^-?0*(\.0*)?$/.test(text)) return "even";
  return text.startsWith("-") ? "loss" : "gain";
}

const plus = (text: string, told: string): string => (directionOf(text) === "gain" ? `+${told}` : told);

/** "+12.40", "−0.58", "0", "–". */
export function signedAmount(text: string | undefined, stable: boolean): string {
  return text === undefined ? "–" : plus(text, formatAmount(text, stable));
}
export function signedUsd(text: string | undefined): string {
  return text === undefined ? "–" : plus(text, formatUsd(text));
}
export function signedPercent(ratio: string | undefined): string {
  if (ratio === undefined) return "–";
  if (directionOf(ratio) === "even") return "0%";
  const magnitude = ratio.replace("-", "");
  return `${directionOf(ratio) === "gain" ? "+" : "−"}${formatPercent(magnitude)}`;
}

/** A price: cents where it has three digits or more before the point, six significant digits below. */
export function formatPrice(price: string | undefined): string {
  if (price === undefined) return "–";
  const whole = price.split(".")[0] ?? "0";
  return whole.length >= 3 ? grouped(roundTo(price, 2, "nearest")) : formatAmount(price, false);
}
