// The path of an intent through its stages, in words: where it is, what each stage took, where it ended and why.
import { formatCount } from "../format/text.ts";
import { formatDuration } from "../format/time.ts";
import { isTerminal } from "../sep/fold.ts";
import type { IntentView } from "../sep/types.ts";
import { confirmationsOf, stageNames, stagesOf, type ChainPosition, type Stage, type StageState } from "./badge.ts";
import { reasonWord } from "./wording.ts";

export interface PathNode {
  /** The stage's name, or how the intent ended there. */
  label: string;
  state: StageState;
  /** "41 ms of 60 ms"; undefined for the first, which shows the clock. */
  note: string | undefined;
}

export const emptyPath: readonly PathNode[] = stageNames.map((label) => ({ label, state: "pending", note: "" }));

/** Times are whole milliseconds, so that none is told as nothing. */
export const tookWords = (ms: number): string => (ms < 1 ? "<1 ms" : formatDuration(ms));

function timeNote({ tookMs, budgetMs, state }: Stage): string {
  if (tookMs === undefined) return "";
  if (budgetMs === undefined) return tookWords(tookMs);
  return `${tookWords(tookMs)} of ${budgetMs} ms${state === "late" ? ", late" : ""}`;
}

function endLabel(view: IntentView): string {
  switch (view.state) {
    case "risk_rejected":
      return "Rejected by risk";
    case "plan_rejected":
      return "No plan";
    case "failed":
      return view.timings_ms.broadcast === undefined ? "Failed before sending" : "Failed on chain";
    default:
      return view.state === "expired" ? "Expired" : "Cancelled";
  }
}

function endNote(view: IntentView): string {
  const after = view.timings_ms.total === undefined ? "" : `after ${tookWords(view.timings_ms.total)}`;
  if (view.state.endsWith("_rejected") && view.summary.reason !== undefined) return reasonWord(view.summary.reason);
  if (view.state === "failed" && view.summary.phase === "reverted") return `reverted ${after}`;
  return after;
}

/** Where the intent ended: a rejection by the planner is the planner's, not the stage's before it. */
function endIndex(view: IntentView, stages: readonly Stage[]): number {
  const last = stages.findIndex((stage) => stage.state === "failed" || stage.state === "ended");
  return view.state === "plan_rejected" ? last + 1 : last;
}

export function pathOf(view: IntentView, chain: ChainPosition): PathNode[] {
  const stages = stagesOf(view);
  if (isTerminal(view.state) && view.state !== "completed") {
    const end = endIndex(view, stages);
    return stages.map((stage, index) => {
      if (index > end) return { label: stage.name, state: "pending", note: "not reached" };
      if (index < end) return nodeOf({ ...stage, state: lateOrDone(stage) });
      const state = view.state === "expired" || view.state === "cancelled" ? "ended" : "failed";
      return { label: endLabel(view), state, note: endNote(view) };
    });
  }
  return stages.map((stage) =>
    stage.name === "Confirming" ? confirmingNode(stage, view, chain) : openNode(stage, isTerminal(view.state)),
  );
}

function lateOrDone({ tookMs, budgetMs }: Stage): StageState {
  return tookMs !== undefined && budgetMs !== undefined && tookMs > budgetMs ? "late" : "done";
}

function nodeOf(stage: Stage): PathNode {
  return { label: stage.name, state: stage.state, note: stage.name === "Submitted" ? undefined : timeNote(stage) };
}

/** A completed intent lacks the stages that its venue does not have. */
function openNode(stage: Stage, ended: boolean): PathNode {
  if (stage.state === "pending")
    return { label: stage.name, state: "pending", note: ended ? "not needed" : "not reached" };
  if (stage.state === "current") return { label: stage.name, state: "current", note: "under way" };
  return nodeOf(stage);
}

function confirmingNode(stage: Stage, view: IntentView, chain: ChainPosition): PathNode {
  if (view.state === "completed") return nodeOf(stage);
  if (view.timings_ms.broadcast === undefined) return { label: stage.name, state: "pending", note: "not reached" };
  return { label: stage.name, state: "current", note: waitNote(view, chain) };
}

function waitNote(view: IntentView, chain: ChainPosition): string {
  const confirmed = confirmationsOf(view, chain);
  if (confirmed !== undefined)
    return chain.confirmations === undefined ? `${confirmed} blocks` : `${confirmed} of ${chain.confirmations} blocks`;
  const { phase, plans = 1 } = view.summary;
  if (phase === "reorged") return "its block was dropped";
  if (plans > 1 || phase === "reverted") return "trying again";
  return "waiting for a block";
}

/** What is happening now, as a sentence; undefined once it has ended. */
export function nowOf(view: IntentView, chain: ChainPosition): string | undefined {
  if (isTerminal(view.state)) return undefined;
  if (view.cancel_requested) return "Cancelling. It may still fill.";
  const { phase, plans = 1, block_number } = view.summary;
  const again = plans > 1 ? " again" : "";
  if (view.state === "submitted") return "Received. Its limits are being checked.";
  if (view.state === "accepted") return "Accepted. A plan is being made.";
  const confirmed = confirmationsOf(view, chain);
  if (confirmed !== undefined && block_number !== undefined) return confirmingNow(block_number, confirmed, chain);
  if (phase === "reverted") return "Reverted, only fees were spent. It is being checked and planned again.";
  if (phase === "reorged") return "The chain dropped its block. The transaction is followed until it is in one again.";
  if (phase === "broadcast") return `Sent${again}. Waiting for a block that holds it.`;
  return phase === "prepared" ? `Signed${again}. It is being sent.` : `Planned${again}. It is being signed.`;
}

/** ", about 1m 48s", where the chain's pace is known. */
export function timeFor(blocks: number, { blockEveryMs }: ChainPosition): string {
  return blockEveryMs ? `, about ${formatDuration(blocks * blockEveryMs)}` : "";
}

function confirmingNow(block: number, confirmed: number, chain: ChainPosition): string {
  const left = (chain.confirmations ?? confirmed) - confirmed;
  const held = `In block ${formatCount(block)}.`;
  if (left === 0) return `${held} Being recorded as completed.`;
  return `${held} Waiting for ${left === 1 ? "1 more block" : `${formatCount(left)} more blocks`} on top${timeFor(left, chain)}.`;
}
