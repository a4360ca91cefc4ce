// The views as a fold over events: the twin of src/engine/projection.cpp, held to it by tests/vectors/projection.json.
// A page that has a view and gets the next event needs no further request to show what the server would answer.
import type { IntentView, PlanStepView, PlanView, SepEvent, State } from "./types.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Summary = Writable<IntentView["summary"]>;
type Timing = keyof IntentView["timings_ms"];

const stateAfter: Partial<Record<SepEvent["topic"], State>> = {
  "intent.submitted": "submitted",
  "risk.rejected": "risk_rejected",
  "intent.accepted": "accepted",
  "plan.created": "planned",
  "plan.rejected": "plan_rejected",
  "exec.started": "executing",
  "exec.step_prepared": "executing",
  "exec.step_submitted": "executing",
  "exec.step_filled": "executing",
  "exec.step_reverted": "executing",
  "exec.step_reorged": "executing",
  "exec.completed": "completed",
  "exec.failed": "failed",
  "intent.expired": "expired",
  "intent.cancelled": "cancelled",
};

/** The state that an event of the topic leads to; undefined where it leads to none. */
export const stateSetBy = (topic: SepEvent["topic"]): State | undefined => stateAfter[topic];

const terminalStates: readonly State[] = [
  "completed",
  "failed",
  "risk_rejected",
  "plan_rejected",
  "expired",
  "cancelled",
];
export const isTerminal = (state: State): boolean => terminalStates.includes(state);

/** Events of the platform itself (`control.*`, `signer.*`) are on the record beside those of intents. */
export const isOfIntent = (event: SepEvent): boolean => event.correlationId.startsWith("intent-");

export const intentIdOf = (event: SepEvent): string => event.correlationId.slice("intent-".length);

/** An approval is filled with nothing received. */
const isSwapFill = (event: SepEvent): boolean => event.topic === "exec.step_filled" && event.payload.amountOut !== "0";

/** True where `event` is the next one of the intent that `view` shows (undefined: none yet). */
export function isNext(view: IntentView | undefined, event: SepEvent): boolean {
  if (view === undefined) return event.sequence === 1 && event.topic === "intent.submitted";
  return view.correlation_id === event.correlationId && event.sequence === view.sequence + 1;
}

function newIntent(event: SepEvent & { topic: "intent.submitted" }): IntentView {
  return {
    intent_id: intentIdOf(event),
    correlation_id: event.correlationId,
    strategy_id: event.payload.intent.strategy_id,
    state: "submitted",
    sequence: event.sequence,
    intent: event.payload.intent,
    received_at: event.timestamp,
    latest_plan_id: null,
    last_event_id: event.eventId,
    last_event_time: event.timestamp,
    last_global_sequence: event.globalSequence ?? 0,
    cancel_requested: false,
    summary: {},
    timings_ms: {},
  };
}

function noteReason(summary: Summary, payload: object): void {
  const { reason, detail } = payload as { reason?: string; detail?: string };
  if (reason !== undefined) summary.reason = reason;
  if (detail !== undefined) summary.detail = detail;
}

function notePlan(summary: Summary, payload: (SepEvent & { topic: "plan.created" })["payload"]): void {
  for (const key of ["reason", "detail", "phase", "attempt", "block_number"] as const) delete summary[key];
  summary.plans = (summary.plans ?? 0) + 1;
  for (const step of payload.steps) {
    if (step.kind !== "swap") continue;
    const exactOutput = step.swap_kind === "exact_output";
    summary.quoted = exactOutput ? step.amount_in : step.amount_out;
    summary.bound = exactOutput ? step.max_amount_in : step.min_amount_out;
  }
}

function summarise(summary: Summary, event: SepEvent): void {
  switch (event.topic) {
    case "risk.approved":
      summary.notional_usd = event.payload.notionalUsd;
      return;
    case "plan.created":
      return notePlan(summary, event.payload);
    case "exec.step_prepared":
      summary.attempts = (summary.attempts ?? 0) + 1;
      if (event.payload.kind !== "swap") return;
      summary.phase = "prepared";
      summary.attempt = event.payload.attempt;
      return;
    case "exec.step_submitted":
      if (event.payload.kind !== "swap") return;
      summary.phase = "broadcast";
      summary.tx_hash = event.payload.txHash;
      return;
    case "exec.step_filled":
      if (!isSwapFill(event)) return;
      summary.phase = "included";
      if (event.payload.txHash !== undefined) summary.tx_hash = event.payload.txHash;
      summary.amount_in = event.payload.amountIn;
      summary.amount_out = event.payload.amountOut;
      summary.block_number = event.payload.blockNumber;
      return;
    case "exec.step_reorged":
      if (event.payload.txHash !== summary.tx_hash) return;
      summary.phase = "reorged";
      delete summary.amount_in;
      delete summary.amount_out;
      delete summary.block_number;
      return;
    case "exec.step_reverted":
      if (event.payload.txHash === summary.tx_hash) summary.phase = "reverted";
      return noteReason(summary, event.payload);
    case "exec.completed":
      delete summary.reason;
      delete summary.detail;
      if (event.payload.txHash !== undefined) summary.tx_hash = event.payload.txHash;
      summary.amount_in = event.payload.amountIn;
      summary.amount_out = event.payload.amountOut;
      summary.gas_cost_usd = event.payload.gasCostUsd;
      summary.criteria = event.payload.criteria;
      return;
    default:
      noteReason(summary, event.payload);
  }
}

function timed(event: SepEvent, state: State): Timing[] {
  const names: Timing[] = [];
  if (event.topic === "risk.approved" || event.topic === "risk.rejected") names.push("risk");
  if (event.topic === "intent.accepted") names.push("accepted");
  if (event.topic === "plan.created") names.push("planned");
  if (event.topic === "exec.step_prepared") names.push("prepared");
  if (event.topic === "exec.step_submitted") names.push("broadcast");
  if (isSwapFill(event)) names.push("filled");
  if (event.topic === "exec.completed") names.push("completed");
  if (isTerminal(state)) names.push("total");
  return names;
}

/** The intent's view after the event; the same object where the event is not its next one. */
export function applyToIntent(view: IntentView | undefined, event: SepEvent): IntentView | undefined {
  if (!isNext(view, event)) return view;
  const before = view ?? newIntent(event as SepEvent & { topic: "intent.submitted" });
  const state = stateAfter[event.topic] ?? before.state;
  const summary = { ...before.summary };
  summarise(summary, event);
  const timings = { ...before.timings_ms };
  const elapsed = Math.max(Date.parse(event.timestamp) - Date.parse(before.received_at), 0);
  for (const name of timed(event, state)) timings[name] ??= elapsed;
  return {
    ...before,
    state,
    sequence: event.sequence,
    last_event_id: event.eventId,
    last_event_time: event.timestamp,
    last_global_sequence: event.globalSequence ?? 0,
    latest_plan_id: event.topic === "plan.created" ? event.payload.planId : before.latest_plan_id,
    cancel_requested: before.cancel_requested || event.topic === "intent.cancel_requested",
    summary,
    timings_ms: timings,
  };
}

// --- plans

function newPlan(event: SepEvent & { topic: "plan.created" }): PlanView {
  const { payload } = event;
  return {
    plan_id: payload.planId,
    intent_id: intentIdOf(event),
    created_at: event.timestamp,
    state: "planned",
    steps: payload.steps.map((step) => ({ ...step, status: "pending", attempts: [] })) as unknown as PlanView["steps"],
    estimated_cost: payload.estimatedCost,
    estimated_duration_ms: payload.estimatedDurationMs,
    risk_score: payload.riskScore,
  };
}

function planStateAfter(event: SepEvent): PlanView["state"] | undefined {
  if (event.topic === "plan.created") return "superseded";
  if (event.topic === "exec.started") return "executing";
  const state = stateAfter[event.topic];
  return state !== undefined && isTerminal(state) ? (state as PlanView["state"]) : undefined;
}

function without<T extends object, K extends keyof T>(object: T, ...keys: K[]): T {
  const copy = { ...object };
  for (const key of keys) delete copy[key];
  return copy;
}

function applyToStep(step: PlanStepView, event: SepEvent): PlanStepView {
  switch (event.topic) {
    case "exec.step_prepared": {
      const { attempt, kind, nonce, fees, txHash } = event.payload;
      const made = { attempt, kind, nonce, fees, tx_hash: txHash, prepared_at: event.timestamp };
      return { ...step, status: "prepared", attempts: [...step.attempts, made] };
    }
    case "exec.step_submitted": {
      const sent = event.payload.txHash;
      const attempts = step.attempts.map((attempt) =>
        attempt.tx_hash === sent ? { ...attempt, submitted_at: event.timestamp } : attempt,
      );
      return { ...step, status: "submitted", attempts };
    }
    case "exec.step_filled": {
      const { txHash, blockNumber, blockHash, amountIn, amountOut, gasUsed, effectiveGasPrice } = event.payload;
      const fill = {
        ...(txHash !== undefined && { tx_hash: txHash }),
        block_number: blockNumber,
        block_hash: blockHash,
        amount_in: amountIn,
        amount_out: amountOut,
        gas_used: gasUsed,
        effective_gas_price: effectiveGasPrice,
      };
      return { ...without(step, "reason", "detail"), status: "filled", fill };
    }
    case "exec.step_reverted": {
      const { reason, detail } = event.payload;
      return { ...without(step, "fill"), status: "reverted", reason, ...(detail !== undefined && { detail }) };
    }
    case "exec.step_reorged":
      return { ...without(step, "fill"), status: "reorged" };
    default:
      return step;
  }
}

/** The plan's view after an event of its intent, undefined before its plan.created. */
export function applyToPlan(view: PlanView | undefined, event: SepEvent): PlanView | undefined {
  if (view === undefined) return event.topic === "plan.created" ? newPlan(event) : undefined;
  if (view.intent_id !== intentIdOf(event)) return view;
  if (view.state !== "planned" && view.state !== "executing") return view;
  const after = { ...view, state: planStateAfter(event) ?? view.state };
  const { planId, stepIndex } = event.payload as { planId?: string; stepIndex?: number };
  if (planId !== view.plan_id || stepIndex === undefined || stepIndex >= view.steps.length) return after;
  const steps = view.steps.map((step, index) => (index === stepIndex ? applyToStep(step, event) : step));
  return { ...after, steps: steps as PlanView["steps"] };
}

/** The views of an intent and of its plans, oldest first, after these events from its first. */
export function foldHistory(events: readonly SepEvent[]): { intent: IntentView | undefined; plans: PlanView[] } {
  let intent: IntentView | undefined;
  let plans: PlanView[] = [];
  for (const event of events) {
    intent = applyToIntent(intent, event);
    plans = plans.map((plan) => applyToPlan(plan, event) ?? plan);
    const made = applyToPlan(undefined, event);
    if (made) plans.push(made);
  }
  return { intent, plans };
}
