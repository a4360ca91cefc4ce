// An intent's events as people read them: what happened, then the detail, each kind of event in its own words.
import { basisPoints, formatAmount, formatPercent, formatUsd, fromUnits } from "../format/amount.ts";
import { formatCount, shortHash } from "../format/text.ts";
import { formatWindow } from "../format/time.ts";
import type { IntentView, SepEvent } from "../sep/types.ts";
import { confirmationsOf, stagesOf, type ChainPosition, type Hue } from "./badge.ts";
import { checkPhrase, criteriaPhrase } from "./checks.ts";
import { formatGwei, versusWords } from "./figures.ts";
import { tookWords } from "./path.ts";
import { pathsOf, routeWithFees } from "./paths.ts";
import { feesOf, nameOf, paidWei, transactionsOf, type Transaction } from "./transactions.ts";
import { amountOf, boundOf, promiseOf, reasonWord, type Tokens } from "./wording.ts";

export type TimelineIcon =
  "open" | "tick" | "sent" | "filled" | "retry" | "late" | "failed" | "rejected" | "clock" | "cancelled" | "confirming";

export interface Words {
  icon: TimelineIcon;
  hue: Hue;
  /** What happened. */
  fact: string;
  /** What stands beside it in plain type. */
  tail?: string;
  detail?: string;
}

export interface TimelineRow extends Words {
  event: SepEvent;
  /** Since the event before; undefined for the first. */
  sinceMs: number | undefined;
}

interface Life {
  events: readonly SepEvent[];
  view: IntentView | undefined;
  transactions: readonly Transaction[];
  tokens: Tokens;
  nativeSymbol: string;
}

const listed = (...parts: (string | undefined | false)[]): string => parts.filter(Boolean).join(", ");

/** A row for each event, in the record's order. `view` is the intent's, for its times against their budgets. */
export function timelineOf(
  events: readonly SepEvent[],
  view: IntentView | undefined,
  tokens: Tokens,
  nativeSymbol: string,
): TimelineRow[] {
  const life: Life = { events, view, transactions: transactionsOf(events), tokens, nativeSymbol };
  return events.map((event, index) => {
    const before = events[index - 1];
    const sinceMs = before && Math.max(Date.parse(event.timestamp) - Date.parse(before.timestamp), 0);
    return { ...late(event, wordsOf(event, life), life), event, sinceMs };
  });
}

/** The first plan and the first broadcast have a budget; past it the row says by how much. */
function late(event: SepEvent, words: Words, { events, view }: Life): Words {
  const name =
    event.topic === "plan.created" ? "Planned" : event.topic === "exec.step_submitted" ? "Broadcast" : undefined;
  if (name === undefined || view === undefined) return words;
  if (events.find((other) => other.topic === event.topic) !== event) return words;
  const stage = stagesOf(view).find((candidate) => candidate.name === name);
  const { tookMs, budgetMs } = stage ?? {};
  if (tookMs === undefined || budgetMs === undefined || tookMs <= budgetMs) return words;
  const against = `${tookWords(tookMs)}${name === "Broadcast" ? " since submission" : ""} against a budget of ${budgetMs} ms`;
  return {
    ...words,
    icon: "late",
    hue: "amber",
    tail: listed(words.tail, "late"),
    detail: [against, words.detail].filter(Boolean).join("; "),
  };
}

function wordsOf(event: SepEvent, life: Life): Words {
  switch (event.topic) {
    case "intent.submitted":
      return submitted(event.payload.intent, life);
    case "risk.approved":
      return approved(event, life);
    case "risk.rejected":
      return {
        icon: "rejected",
        hue: "red",
        fact: "Rejected by risk",
        tail: reasonWord(event.payload.reason),
        detail: event.payload.checks
          .filter((check) => !check.ok)
          .map(checkPhrase)
          .join(", "),
      };
    case "intent.accepted":
      return { icon: "tick", hue: "grey", fact: "Accepted", detail: "handed to the planner" };
    case "plan.created":
      return planned(event, life);
    case "plan.rejected":
      return {
        icon: "rejected",
        hue: "red",
        fact: "No plan",
        tail: reasonWord(event.payload.reason),
        detail: event.payload.detail,
      };
    case "exec.started":
      return {
        icon: "tick",
        hue: "grey",
        fact: "Execution started",
        detail:
          swapOf(event.payload.planId, life)?.venue === "paper"
            ? "filled at the pools’ prices, nothing is signed"
            : "simulated, then signed step by step",
      };
    case "exec.step_prepared":
      return prepared(event, life);
    case "exec.step_submitted":
      return sent(event, life);
    case "exec.step_filled":
      return filled(event, life);
    case "exec.step_reverted":
      return reverted(event, life);
    case "exec.step_reorged":
      return {
        icon: "retry",
        hue: "amber",
        fact: "Block dropped by the chain",
        detail: `${shortHash(event.payload.txHash)} is pending again, what it moved is undone`,
      };
    case "exec.completed":
      return completed(event, life);
    case "exec.failed":
      return {
        icon: "failed",
        hue: "red",
        fact: "Failed",
        tail: reasonWord(event.payload.reason),
        detail: event.payload.detail,
      };
    case "intent.expired":
      return {
        icon: "clock",
        hue: "grey",
        fact: "Expired",
        tail: reasonWord(event.payload.reason),
        detail: spent(life),
      };
    case "intent.cancel_requested":
      return { icon: "cancelled", hue: "amber", fact: "Cancellation asked for", detail: "it may still fill" };
    case "intent.cancelled":
      return { icon: "cancelled", hue: "grey", fact: "Cancelled", detail: spent(life) };
    // Of no intent: they stand in nobody's timeline, but events they are.
    case "control.halted":
    case "signer.halted":
      return {
        icon: "cancelled",
        hue: "amber",
        fact: event.topic === "control.halted" ? "New work stopped" : "Account halted",
        tail: reasonWord(event.payload.reason),
        detail: event.payload.detail,
      };
    case "control.resumed":
    case "signer.resumed":
      return { icon: "tick", hue: "grey", fact: "Resumed", detail: event.payload.detail };
  }
}

function submitted(intent: IntentView["intent"], { tokens }: Life): Words {
  const { time_window, execution_style } = intent.constraints;
  return {
    icon: "open",
    hue: "grey",
    fact: "Received",
    tail: `from strategy “${intent.strategy_id}”`,
    detail: listed(
      promiseOf(intent),
      boundOf(intent, undefined, tokens),
      `within ${formatWindow(time_window)}`,
      execution_style,
    ),
  };
}

function approved(event: SepEvent & { topic: "risk.approved" }, { events }: Life): Words {
  const { checks } = event.payload;
  const passed = checks.filter((check) => check.ok).length;
  const first = events.find((other) => other.topic === "risk.approved") === event;
  return {
    icon: "tick",
    hue: "grey",
    fact: first ? "Checks passed" : "Checks passed again",
    tail: `${passed} of ${checks.length}`,
    detail: checks.length === 0 ? `worth ${formatUsd(event.payload.notionalUsd)}` : checks.map(checkPhrase).join(", "),
  };
}

function planned(event: SepEvent & { topic: "plan.created" }, { events, tokens }: Life): Words {
  const { steps, estimatedCost } = event.payload;
  const number = events.filter((other) => other.topic === "plan.created").indexOf(event) + 1;
  const swap = steps.find((step) => step.kind === "swap");
  const approves = steps.some((step) => step.kind === "approve");
  const detail =
    swap &&
    listed(
      `${amountOf(swap.amount_in, swap.token_in, tokens)} for ${amountOf(swap.amount_out, swap.token_out, tokens)}`,
      routeWithFees(pathsOf(swap)),
      `price effect ${formatPercent(swap.price_impact)}`,
      approves && "an approval first",
      `about ${formatUsd(estimatedCost.gas_usd)} in fees`,
    );
  return {
    icon: number > 1 ? "retry" : "tick",
    hue: number > 1 ? "amber" : "grey",
    fact: number > 1 ? `Planned again` : "Planned",
    ...(number > 1 && { tail: `as plan ${number}` }),
    ...(detail !== undefined && { detail }),
  };
}

/** The one that this replaces: the same step's, before it. */
function replacedBy({ planId, stepIndex, attempt }: Transaction, all: readonly Transaction[]): Transaction | undefined {
  return all.find((other) => other.planId === planId && other.stepIndex === stepIndex && other.attempt === attempt - 1);
}
const byHash = (hash: string, { transactions }: Life): Transaction | undefined =>
  transactions.find((transaction) => transaction.hash === hash);

function prepared(event: SepEvent & { topic: "exec.step_prepared" }, life: Life): Words {
  const own = byHash(event.payload.txHash, life);
  const before = own && replacedBy(own, life.transactions);
  const cap = formatGwei(BigInt(event.payload.fees.max_fee_per_gas));
  const detail = before
    ? `same nonce ${formatCount(event.payload.nonce)}, fee cap ${formatGwei(before.feeCapWei)} → ${cap} gwei`
    : `nonce ${formatCount(event.payload.nonce)}, fee cap ${cap} gwei`;
  const raised = before !== undefined && event.payload.kind !== "cancel";
  return {
    icon: raised ? "retry" : "tick",
    hue: raised ? "amber" : "grey",
    fact: `${nameOf(event.payload)} signed`,
    detail,
  };
}

function sent(event: SepEvent & { topic: "exec.step_submitted" }, life: Life): Words {
  const own = byHash(event.payload.txHash, life);
  const before = own && replacedBy(own, life.transactions);
  return {
    icon: "sent",
    hue: "blue",
    fact: `${nameOf(event.payload)} sent`,
    detail: listed(
      shortHash(event.payload.txHash),
      before ? `in place of ${nameOf(before).toLowerCase()}` : `nonce ${formatCount(event.payload.nonce)}`,
    ),
  };
}

function coin(wei: bigint, { nativeSymbol }: Life): string {
  return `${formatAmount(fromUnits(wei, 18), false)} ${nativeSymbol}`;
}

function swapOf(planId: string, life: Life) {
  const plan = life.events.find((other) => other.topic === "plan.created" && other.payload.planId === planId);
  return plan?.topic === "plan.created" ? plan.payload.steps.find((step) => step.kind === "swap") : undefined;
}

function filled(event: SepEvent & { topic: "exec.step_filled" }, life: Life): Words {
  const { txHash, blockNumber, planId, amountIn, amountOut, gasUsed, effectiveGasPrice } = event.payload;
  const onPaper = txHash === undefined;
  const own = onPaper ? undefined : byHash(txHash, life);
  const tail = `${onPaper ? "at the prices of" : "in"} block ${formatCount(blockNumber)}`;
  const gas = `gas ${formatCount(Number(gasUsed))}`;
  const fee = `${coin(BigInt(gasUsed) * BigInt(effectiveGasPrice), life)} in fees`;
  if (own?.kind === "approve")
    return { icon: "tick", hue: "grey", fact: "Approval included", tail, detail: listed(gas, fee) };
  if (own?.kind === "cancel")
    return {
      icon: "cancelled",
      hue: "grey",
      fact: "Cancellation included",
      tail,
      detail: listed("the swap can no longer happen", fee),
    };
  const swap = swapOf(planId, life);
  const bps =
    swap &&
    (swap.swap_kind === "exact_output"
      ? basisPoints(amountIn, swap.amount_in, "paid")
      : basisPoints(amountOut, swap.amount_out, "received"));
  return {
    icon: "filled",
    hue: "green",
    fact: onPaper ? "Filled on paper" : "Included",
    tail,
    detail: swap
      ? listed(
          `paid ${amountOf(amountIn, swap.token_in, life.tokens)}`,
          `received ${amountOf(amountOut, swap.token_out, life.tokens)}`,
          bps !== undefined && versusWords(bps).toLowerCase(),
        )
      : gas,
  };
}

function reverted(event: SepEvent & { topic: "exec.step_reverted" }, life: Life): Words {
  const { txHash, blockNumber, reason, detail } = event.payload;
  const own = byHash(txHash, life);
  const fee = own ? paidWei(own) : 0n;
  return {
    icon: "failed",
    hue: "red",
    fact: `${own ? nameOf(own) : "Transaction"} reverted`,
    ...(blockNumber !== undefined && { tail: `in block ${formatCount(blockNumber)}` }),
    detail: listed(
      reasonWord(reason),
      detail && `“${detail}”`,
      fee > 0n && `nothing was spent but ${coin(fee, life)} in fees`,
    ),
  };
}

function completed(event: SepEvent & { topic: "exec.completed" }, { view, tokens }: Life): Words {
  const { amountIn, amountOut, gasCostUsd, criteria } = event.payload;
  const fees = `${formatUsd(gasCostUsd)} in fees`;
  const words = { icon: "filled", hue: "green", fact: "Completed" } as const;
  if (view === undefined) return { ...words, detail: fees };
  const [base, quote] = view.intent.assets;
  const [paid, received] = view.intent.intent_type === "acquire" ? [quote, base] : [base, quote];
  return {
    ...words,
    detail: listed(
      `paid ${amountOf(amountIn, paid, tokens)}`,
      `received ${amountOf(amountOut, received, tokens)}`,
      fees,
      criteria.length > 0 && criteriaPhrase(criteria),
    ),
  };
}

/** What an end without a fill cost. */
function spent(life: Life): string {
  const { events, transactions } = life;
  if (!transactions.some((transaction) => transaction.sentAt !== undefined))
    return "nothing was sent, nothing was spent";
  const { wei } = feesOf(events, transactions);
  return wei === 0n ? "nothing was swapped" : `nothing was spent but ${coin(wei, life)} in fees`;
}

/** The blocks on top of the swap, as one row that grows; undefined unless they are being counted. */
export function confirmationsWords(view: IntentView | undefined, chain: ChainPosition): Words | undefined {
  if (view?.state !== "executing" || chain.confirmations === undefined) return undefined;
  const confirmed = confirmationsOf(view, chain);
  if (confirmed === undefined) return undefined;
  return {
    icon: "confirming",
    hue: "blue",
    fact: confirmed === 1 ? "Confirmation 1" : `Confirmations 1 to ${confirmed}`,
    tail: `of ${chain.confirmations}`,
    ...(chain.blockNumber !== undefined && { detail: `latest block ${formatCount(chain.blockNumber)}` }),
  };
}
