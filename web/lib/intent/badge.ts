// The ten states that people see, made of the intent's state and what its swap's transaction did last.
import { isTerminal } from "../sep/fold.ts";
import type { IntentView } from "../sep/types.ts";

export type Hue = "grey" | "blue" | "amber" | "green" | "red";
export type BadgeName =
  | "received"
  | "planning"
  | "submitted"
  | "confirming"
  | "retrying"
  | "completed"
  | "failed"
  | "rejected"
  | "expired"
  | "cancelled";

export interface BadgeState {
  name: BadgeName;
  label: string;
  hue: Hue;
  /** "3/12" */
  count?: string;
}

const looks: Readonly<Record<BadgeName, { label: string; hue: Hue }>> = {
  received: { label: "Received", hue: "grey" },
  planning: { label: "Planning", hue: "blue" },
  submitted: { label: "Submitted", hue: "blue" },
  confirming: { label: "Confirming", hue: "blue" },
  retrying: { label: "Retrying", hue: "amber" },
  completed: { label: "Completed", hue: "green" },
  failed: { label: "Failed", hue: "red" },
  rejected: { label: "Rejected", hue: "red" },
  expired: { label: "Expired", hue: "grey" },
  cancelled: { label: "Cancelled", hue: "grey" },
};
export const badge = (name: BadgeName, count?: string): BadgeState => ({
  name,
  ...looks[name],
  ...(count !== undefined && { count }),
});

export interface ChainPosition {
  /** The chain's head, where known. */
  blockNumber: number | undefined;
  confirmations: number | undefined;
  maxAttempts: number | undefined;
  /** How long a block takes, of those seen so far; undefined until that is known. */
  blockEveryMs?: number | undefined;
}

/** How many blocks hold the swap, the including one counted; undefined while it is in none. */
export function confirmationsOf(view: IntentView, chain: ChainPosition): number | undefined {
  const { phase, block_number } = view.summary;
  if (phase !== "included" || block_number === undefined) return undefined;
  const depth = Math.max((chain.blockNumber ?? block_number) - block_number + 1, 1);
  return Math.min(depth, chain.confirmations ?? depth);
}

export function badgeOf(view: IntentView, chain: ChainPosition): BadgeState {
  switch (view.state) {
    case "submitted":
      return badge("received");
    case "accepted":
      return badge("planning");
    case "planned":
    case "executing":
      return executing(view, chain);
    case "risk_rejected":
    case "plan_rejected":
      return badge("rejected");
    default:
      return badge(view.state);
  }
}

function executing(view: IntentView, chain: ChainPosition): BadgeState {
  const { phase, plans = 1, attempt = 1 } = view.summary;
  const confirmed = confirmationsOf(view, chain);
  if (confirmed !== undefined)
    return badge("confirming", chain.confirmations === undefined ? undefined : `${confirmed}/${chain.confirmations}`);
  if (phase === "reverted" || phase === "reorged") return badge("retrying");
  if (plans > 1)
    return badge("retrying", chain.maxAttempts === undefined ? `${plans}` : `${plans}/${chain.maxAttempts}`);
  if (attempt > 1) return badge("retrying", `${attempt}`);
  return phase === "broadcast" ? badge("submitted") : badge("planning");
}

// --- the path

export const stageNames = [
  "Submitted",
  "Risk",
  "Accepted",
  "Planned",
  "Prepared",
  "Broadcast",
  "Confirming",
  "Completed",
] as const;
export type StageName = (typeof stageNames)[number];
export type StageState = "done" | "current" | "late" | "failed" | "ended" | "pending";

export interface Stage {
  name: StageName;
  state: StageState;
  /** From the stage before to this one. */
  tookMs?: number;
  /** From submission to this one. */
  sinceStartMs?: number;
  budgetMs?: number;
}

/** Where the budget of SPEC 8 applies: planning 25 ms; submission to broadcast 50 ms. */
const budgets: Partial<Record<StageName, number>> = { Planned: 25, Broadcast: 50 };

export function stagesOf(view: IntentView): Stage[] {
  const t = view.timings_ms;
  const reached: (number | undefined)[] = [
    0,
    t.risk,
    t.accepted,
    t.planned,
    t.prepared,
    t.broadcast,
    isTerminal(view.state) ? t.filled : undefined, // while blocks on top are waited for, it is under way
    t.completed,
  ];
  const last = reached.findLastIndex((time) => time !== undefined);
  const ended = isTerminal(view.state) && view.state !== "completed";
  return stageNames.map((name, index) => {
    const at = reached[index];
    if (at === undefined || index > last) return { name, state: pendingState(view, index, last, ended) };
    const before = reached.slice(0, index).findLast((time) => time !== undefined) ?? 0;
    const budgetMs = budgets[name];
    const measured = name === "Broadcast" ? at : at - before;
    const stage = { name, tookMs: measured, sinceStartMs: at, ...(budgetMs !== undefined && { budgetMs }) };
    if (ended && index === last) return { ...stage, state: failureState(view) };
    return { ...stage, state: budgetMs !== undefined && measured > budgetMs ? "late" : "done" };
  });
}

function failureState(view: IntentView): StageState {
  return view.state === "failed" || view.state.endsWith("_rejected") ? "failed" : "ended";
}

function pendingState(view: IntentView, index: number, last: number, ended: boolean): StageState {
  if (ended || index !== last + 1) return "pending";
  return isTerminal(view.state) ? "pending" : "current";
}
