// The transactions of an intent, over all of its plans: what became of each, and what they cost.
import { fromUnits, toUnits } from "../format/amount.ts";
import { formatCount } from "../format/text.ts";
import type { SepEvent, Topic } from "../sep/types.ts";

/** Nothing of an intent is under way after one of these. */
const endings: readonly Topic[] = [
  "risk.rejected",
  "plan.rejected",
  "exec.completed",
  "exec.failed",
  "intent.expired",
  "intent.cancelled",
];

export type TransactionKind = "approve" | "swap" | "cancel";

export interface Inclusion {
  success: boolean;
  blockNumber: number;
  gasUsed: bigint;
  /** Wei a gas unit. */
  gasPriceWei: bigint;
  /** A machine-readable code, where it reverted. */
  reason?: string;
}

export type Outcome =
  | { name: "included" | "reverted"; blockNumber: number }
  /** Another transaction of the same nonce took its place, or may. */
  | { name: "replaced"; by: number }
  /** One that came before it was included after all. */
  | { name: "overtaken"; by: number }
  /** The chain dropped its block. */
  | { name: "reorged" }
  | { name: "pending" }
  | { name: "prepared" }
  /** The intent ended without it. */
  | { name: "unsent" | "absent" };

export interface Transaction {
  planId: string;
  /** From 1, in the order of planning. */
  plan: number;
  stepIndex: number;
  kind: TransactionKind;
  /** From 1 for each step; above 1 it replaces the one before, at the same nonce. */
  attempt: number;
  nonce: number;
  hash: string;
  gasLimit: bigint;
  /** Wei a gas unit. */
  feeCapWei: bigint;
  tipWei: bigint;
  preparedAt: string;
  sentAt?: string;
  inclusion?: Inclusion;
  reorged: boolean;
  outcome: Outcome;
}

type Draft = Omit<Transaction, "outcome">;

function prepared(event: SepEvent & { topic: "exec.step_prepared" }, plans: readonly string[]): Draft {
  const { planId, stepIndex, kind, attempt, nonce, txHash, fees } = event.payload;
  return {
    planId,
    plan: plans.indexOf(planId) + 1,
    stepIndex,
    kind,
    attempt,
    nonce,
    hash: txHash,
    gasLimit: BigInt(fees.gas_limit),
    feeCapWei: BigInt(fees.max_fee_per_gas),
    tipWei: BigInt(fees.max_priority_fee_per_gas),
    preparedAt: event.timestamp,
    reorged: false,
  };
}

function applied(draft: Draft, event: SepEvent): Draft {
  switch (event.topic) {
    case "exec.step_submitted":
      return { ...draft, sentAt: draft.sentAt ?? event.timestamp };
    case "exec.step_filled":
    case "exec.step_reverted": {
      const { blockNumber, gasUsed, effectiveGasPrice } = event.payload;
      const success = event.topic === "exec.step_filled";
      const inclusion: Inclusion = {
        success,
        blockNumber,
        gasUsed: BigInt(gasUsed),
        gasPriceWei: BigInt(effectiveGasPrice ?? 0),
        ...(event.topic === "exec.step_reverted" && { reason: event.payload.reason }),
      };
      return { ...draft, inclusion, reorged: false };
    }
    case "exec.step_reorged": {
      const { inclusion: _, ...rest } = draft;
      return { ...rest, reorged: true };
    }
    default:
      return draft;
  }
}

function outcomeOf(own: Draft, all: readonly Draft[], ended: boolean): Outcome {
  if (own.inclusion)
    return { name: own.inclusion.success ? "included" : "reverted", blockNumber: own.inclusion.blockNumber };
  const rivals = all.filter((other) => other.planId === own.planId && other.stepIndex === own.stepIndex);
  const next = rivals.find((other) => other.attempt === own.attempt + 1);
  const before = rivals.find((other) => other.inclusion && other.attempt < own.attempt);
  if (before) return { name: "overtaken", by: before.attempt };
  if (next) return { name: "replaced", by: next.attempt };
  if (ended) return { name: own.sentAt === undefined ? "unsent" : "absent" };
  if (own.reorged) return { name: "reorged" };
  return { name: own.sentAt === undefined ? "prepared" : "pending" };
}

/** Every transaction that was ever signed for the intent, in that order. */
export function transactionsOf(events: readonly SepEvent[]): Transaction[] {
  const plans = events.flatMap((event) => (event.topic === "plan.created" ? [event.payload.planId] : []));
  let drafts: Draft[] = [];
  for (const event of events) {
    if (event.topic === "exec.step_prepared") drafts.push(prepared(event, plans));
    else if ("txHash" in event.payload) {
      const { txHash } = event.payload;
      drafts = drafts.map((draft) => (draft.hash === txHash ? applied(draft, event) : draft));
    }
  }
  const ended = events.some((event) => endings.includes(event.topic));
  return drafts.map((draft) => ({ ...draft, outcome: outcomeOf(draft, drafts, ended) }));
}

export const paidWei = ({ inclusion }: Pick<Transaction, "inclusion">): bigint =>
  inclusion ? inclusion.gasUsed * inclusion.gasPriceWei : 0n;

export interface Fees {
  wei: bigint;
  /** Decimal text in the chain's coin. */
  coin: string;
  /** Decimal text; undefined where no plan says what the coin is worth. */
  usd: string | undefined;
  /** Transactions that were paid for. */
  count: number;
}

const usdDecimals = 6;

/** What `wei` is worth at the price that a plan's estimate was made with, cut at 6 decimals. */
export function usdOf(wei: bigint, cost: { gas_usd: string; gas_wei: string }): string | undefined {
  const unit = BigInt(cost.gas_wei);
  return unit === 0n ? undefined : fromUnits((wei * toUnits(cost.gas_usd, usdDecimals)) / unit, usdDecimals);
}

/**
 * The fees of all that the chain holds, reverted ones and approvals too. In USD: what the record says at the end, until
 * then each transaction at its plan's price.
 */
export function feesOf(events: readonly SepEvent[], transactions: readonly Transaction[]): Fees {
  const paid = transactions.filter((transaction) => transaction.inclusion);
  const wei = paid.reduce((sum, transaction) => sum + paidWei(transaction), 0n);
  return { wei, coin: fromUnits(wei, 18), usd: feesUsd(events, paid), count: paid.length };
}

function feesUsd(events: readonly SepEvent[], paid: readonly Transaction[]): string | undefined {
  const end = events.findLast((event) => event.topic === "exec.completed");
  if (end) return end.payload.gasCostUsd;
  if (paid.length === 0) return undefined;
  let sum = 0n;
  for (const transaction of paid) {
    const plan = events.find((event) => event.topic === "plan.created" && event.payload.planId === transaction.planId);
    const usd = plan?.topic === "plan.created" ? usdOf(paidWei(transaction), plan.payload.estimatedCost) : undefined;
    if (usd === undefined) return undefined;
    sum += toUnits(usd, usdDecimals);
  }
  return fromUnits(sum, usdDecimals);
}

const kindWords: Readonly<Record<TransactionKind, string>> = {
  approve: "Approval",
  swap: "Swap",
  cancel: "Cancellation",
};
/** "Swap"; "Swap 2" where it replaces the first. */
export function nameOf({ kind, attempt }: Pick<Transaction, "kind" | "attempt">): string {
  return attempt > 1 && kind !== "cancel" ? `${kindWords[kind]} ${attempt}` : kindWords[kind];
}

/** What became of it: "Replaced by 2". */
export function outcomeWords(outcome: Outcome): string {
  switch (outcome.name) {
    case "included":
      return `Included in ${formatCount(outcome.blockNumber)}`;
    case "reverted":
      return `Reverted in ${formatCount(outcome.blockNumber)}`;
    case "replaced":
      return `Replaced by ${outcome.by}`;
    case "overtaken":
      return `Not needed, ${outcome.by} was included`;
    case "reorged":
      return "Pending again, its block was dropped";
    case "pending":
      return "Pending";
    case "prepared":
      return "Signed";
    case "unsent":
      return "Not sent";
    case "absent":
      return "Not included";
  }
}
