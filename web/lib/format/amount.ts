// Amounts as people read them. They are decimal texts or bigint base units throughout: no float touches one.

/** A decimal text as an integer of 10^-scale. Digits beyond the scale are cut. */
export function toUnits(text: string, scale: number): bigint {
  const negative = text.startsWith("-");
  const [whole = "0", fraction = ""] = (negative ? text.slice(1) : text).split(".");
  const units = BigInt(whole + fraction.slice(0, scale).padEnd(scale, "0"));
  return negative ? -units : units;
}

/** The decimal text of an integer of 10^-scale, without trailing zeros. */
export function fromUnits(units: bigint, scale: number): string {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  return (negative ? "-" : "") + whole + (fraction === "" ? "" : `.${fraction}`);
}

export type Rounding = "down" | "up" | "nearest";

/** Rounds a decimal text to so many decimals; "down" and "up" are toward and away from zero. */
export function roundTo(text: string, decimals: number, rounding: Rounding): string {
  const scale = Math.max((text.split(".")[1] ?? "").length, decimals);
  const units = toUnits(text, scale);
  const step = 10n ** BigInt(scale - decimals);
  const magnitude = units < 0n ? -units : units;
  let kept = magnitude / step;
  const rest = magnitude % step;
  if ((rounding === "up" && rest > 0n) || (rounding === "nearest" && rest * 2n >= step)) kept += 1n;
  return fixed(units < 0n ? -kept : kept, decimals);
}

function fixed(units: bigint, decimals: number): string {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  return (negative ? "-" : "") + whole + (decimals === 0 ? "" : `.${digits.slice(-decimals)}`);
}

/** "1234567.8" → "1,234,567.8", with a true minus. */
export function grouped(text: string): string {
  const [whole = "", fraction] = text.replace("-", "").split(".");
  const sign = text.startsWith("-") ? "−" : "";
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction === undefined ? "" : `.${fraction}`);
}

const isZero = (text: string): boolean => /^-?0*(\.0*)?$/.test(text);
const trimmed = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/**
 * A token amount: stablecoins with 2 decimals, others with up to 6 significant digits and at most 6 decimals. What is
 * too small for that is told as below the smallest.
 */
export function formatAmount(text: string, stable: boolean, rounding: Rounding = "nearest"): string {
  if (isZero(text)) return "0";
  const negative = text.startsWith("-");
  const whole = text.replace("-", "").split(".")[0] ?? "0";
  const decimals = stable ? 2 : whole === "0" ? 6 : Math.max(0, 6 - whole.length);
  const rounded = roundTo(text, decimals, rounding);
  if (isZero(rounded)) return `${negative ? "−" : ""}<0.${"0".repeat(decimals - 1)}1`;
  return grouped(stable ? rounded : trimmed(rounded));
}

/** "$2,499.76"; "<$0.01" for what is less; "$4.83 M" where `short`. */
export function formatUsd(text: string | null | undefined, short = false): string {
  if (text === null || text === undefined) return "–";
  if (isZero(text)) return "$0";
  const sign = text.startsWith("-") ? "−" : "";
  const magnitude = text.replace("-", "");
  const whole = magnitude.split(".")[0] ?? "0";
  if (short && whole.length > 6) {
    const [unit, digits] = whole.length > 9 ? ["B", 9] : ["M", 6];
    return `${sign}$${grouped(roundTo(shift(magnitude, digits as number), 2, "nearest"))} ${unit}`;
  }
  const rounded = roundTo(magnitude, 2, "nearest");
  return isZero(rounded) ? `${sign}<$0.01` : `${sign}$${grouped(rounded)}`;
}

/** A decimal text divided by 10^digits. */
export function shift(text: string, digits: number): string {
  const scale = (text.split(".")[1] ?? "").length;
  return fromUnits(toUnits(text, scale), scale + digits);
}

/** A ratio as a percentage: "0.005" → "0.5%". */
export function formatPercent(ratio: string, decimals = 2): string {
  const percent = multiply(ratio, "100");
  const rounded = trimmed(roundTo(percent, decimals, "nearest"));
  if (isZero(rounded) && !isZero(ratio)) return `<0.${"0".repeat(decimals - 1)}1%`;
  return `${grouped(rounded)}%`;
}

export function multiply(a: string, b: string): string {
  const scaleA = (a.split(".")[1] ?? "").length;
  const scaleB = (b.split(".")[1] ?? "").length;
  return fromUnits(toUnits(a, scaleA) * toUnits(b, scaleB), scaleA + scaleB);
}

/** a ÷ b with so many decimals, cut; undefined where b is zero. */
export function divide(a: string, b: string, decimals: number): string | undefined {
  const scale = Math.max((a.split(".")[1] ?? "").length, (b.split(".")[1] ?? "").length);
  const divisor = toUnits(b, scale);
  return divisor === 0n ? undefined : fromUnits((toUnits(a, scale) * 10n ** BigInt(decimals)) / divisor, decimals);
}

export function add(a: string, b: string): string {
  const scale = Math.max((a.split(".")[1] ?? "").length, (b.split(".")[1] ?? "").length);
  return fromUnits(toUnits(a, scale) + toUnits(b, scale), scale);
}
export const negated = (a: string): string => (a.startsWith("-") ? a.slice(1) : isZero(a) ? a : `-${a}`);
export const subtract = (a: string, b: string): string => add(a, negated(b));

/** −1, 0 or 1. */
export function compare(a: string, b: string): number {
  const difference = subtract(a, b);
  return isZero(difference) ? 0 : difference.startsWith("-") ? -1 : 1;
}

/**
 * How much better (+) or worse (−) than quoted, in basis points with one decimal, cut toward zero: paying less, or
 * receiving more, is better.
 */
export function basisPoints(filled: string, quoted: string, side: "paid" | "received"): string | undefined {
  const gain = side === "paid" ? subtract(quoted, filled) : subtract(filled, quoted);
  const ratio = divide(multiply(gain, "10000"), quoted, 1);
  return ratio === undefined ? undefined : roundTo(ratio, 1, "down");
}
/** "+0.8", "−1.2", "0.0". */
export function formatSigned(text: string): string {
  return isZero(text) ? text.replace("-", "") : text.startsWith("-") ? grouped(text) : `+${grouped(text)}`;
}

/** What a person types: comma or point, spaces. Undefined where it is no plain positive decimal number. */
export function parseInput(typed: string): string | undefined {
  const text = typed.trim().replace(/\s/g, "").replace(",", ".");
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text)) return undefined;
  const [whole = "", fraction = ""] = text.split(".");
  const plain = (whole.replace(/^0+(?=\d)/, "") || "0") + (fraction === "" ? "" : `.${fraction}`);
  return isZero(plain) ? undefined : plain;
}
