// A plan in figures: what it quoted, what the chain moved, and what it could have been at worst.
import { compare, divide, formatSigned, fromUnits, subtract, toUnits } from "../format/amount.ts";
import type { Asset, PlanView, SepEvent, SwapStep } from "../sep/types.ts";
import { feesOf, paidWei, usdOf, type Transaction } from "./transactions.ts";

export function swapOf(plan: PlanView): SwapStep | undefined {
  return plan.steps.find((step): step is SwapStep => step.kind === "swap");
}

/** What the swap moved, on paper without a transaction; a cancellation that took its nonce moved nothing. */
export function swapFillOf(plan: PlanView): SwapStep["fill"] {
  const swap = swapOf(plan);
  if (!swap?.fill) return undefined;
  const { fill, attempts } = swap;
  if (fill.tx_hash === undefined) return fill;
  return attempts.some(({ tx_hash, kind }) => tx_hash === fill.tx_hash && kind === "swap") ? fill : undefined;
}

/** Decimal texts; undefined is not known yet. */
export interface Figure {
  quote: string | undefined;
  fill: string | undefined;
  bound: string | undefined;
}
export interface AssetFigure extends Figure {
  asset: Asset;
  /** That the promise is this amount exactly. */
  exact: boolean;
}
export interface Figures {
  pay: AssetFigure;
  receive: AssetFigure;
  feeUsd: Figure;
}

export function figuresOf(
  plan: PlanView,
  transactions: readonly Transaction[],
  events: readonly SepEvent[],
  maxGasUsd: string | undefined,
): Figures | undefined {
  const swap = swapOf(plan);
  if (!swap) return undefined;
  const fill = swapFillOf(plan);
  const acquires = swap.swap_kind === "exact_output";
  return {
    pay: {
      asset: swap.token_in,
      exact: !acquires,
      quote: swap.amount_in,
      fill: fill?.amount_in,
      bound: acquires ? swap.max_amount_in : swap.amount_in,
    },
    receive: {
      asset: swap.token_out,
      exact: acquires,
      quote: swap.amount_out,
      fill: fill?.amount_out,
      bound: acquires ? swap.amount_out : swap.min_amount_out,
    },
    feeUsd: feeFigure(plan, transactions, events, maxGasUsd),
  };
}

/** The most that the fees can be is what the signed transactions allow, or what the owner asked for. */
function feeFigure(
  plan: PlanView,
  transactions: readonly Transaction[],
  events: readonly SepEvent[],
  maxGasUsd: string | undefined,
): Figure {
  const own = transactions.filter((transaction) => transaction.planId === plan.plan_id);
  const onlyPlan = transactions.length === own.length;
  const paid = own.reduce((sum, transaction) => sum + paidWei(transaction), 0n);
  const fill = onlyPlan ? feesOf(events, own).usd : paid === 0n ? undefined : usdOf(paid, plan.estimated_cost);
  const capWei = Object.values(
    own.reduce<Record<number, bigint>>((caps, { stepIndex, gasLimit, feeCapWei }) => {
      const cap = gasLimit * feeCapWei;
      return { ...caps, [stepIndex]: cap > (caps[stepIndex] ?? 0n) ? cap : (caps[stepIndex] ?? 0n) };
    }, {}),
  ).reduce((sum, cap) => sum + cap, 0n);
  const cap = capWei === 0n ? undefined : usdOf(capWei, plan.estimated_cost);
  const bound = maxGasUsd !== undefined && (cap === undefined || compare(maxGasUsd, cap) < 0) ? maxGasUsd : cap;
  return { quote: plan.estimated_cost.gas_usd, fill, bound };
}

/** Where on its gauge the quote stands, in percent of the way to the bound, which is at the end. */
export const gaugeQuoteAt = 15;

/** Where the fill stands on the gauge: at `gaugeQuoteAt` as quoted, at 100 on the bound. For drawing only. */
export function gaugeOf({ quote, fill, bound }: Figure): number | undefined {
  if (quote === undefined || fill === undefined || bound === undefined) return undefined;
  const used = divide(subtract(fill, quote), subtract(bound, quote), 4);
  if (used === undefined) return gaugeQuoteAt;
  const percent = gaugeQuoteAt + Number(used) * (100 - gaugeQuoteAt);
  return Math.min(Math.max(percent, 0), 100);
}

/** "1.2 bps worse than quoted" of basis points, where more is better. */
export function versusWords(bps: string): string {
  const sign = compare(bps, "0");
  if (sign === 0) return "As quoted";
  return `${formatSigned(bps).slice(1)} bps ${sign > 0 ? "better" : "worse"} than quoted`;
}

/** Wei as gwei, with so many decimals that a cap and its raise differ; below the smallest that those can say "<0.000001". */
export function formatGwei(wei: bigint): string {
  if (wei > 0n && wei < 1_000n) return "<0.000001";
  const text = fromUnits(wei, 9);
  const [whole = "0", fraction = ""] = text.split(".");
  const decimals = whole === "0" && toUnits(text, 2) === 0n ? 6 : 2;
  return `${whole}.${fraction.slice(0, decimals).padEnd(2, "0")}`;
}
