// What GET /stats knows of each stage's latency, put so that a page can draw it: each stage on a track of its own, on
// which its budget stands at the same place, so that one vertical line reads all of them.
import type { Stage } from "../sep/types.ts";

/** Where the budget stands on every track, in percent of its width. */
export const budgetAt = 75;
/** A stage that needs this part of its budget, in percent, is close to it. */
const closeFrom = 80;

const stageLabels: readonly (readonly [string, string])[] = [
  ["validation", "Validate"],
  ["post", "Submit answered"],
  ["risk", "Risk"],
  ["planning", "Plan"],
  ["append", "Commit"],
  ["commit", "Database"],
  ["broadcast", "Broadcast"],
  ["prechain", "Pre-chain"],
  ["event_to_ui", "Event to page"],
];

/** Shown until the platform says them itself. */
const budgetsUs: Readonly<Record<string, number>> = {
  validation: 10_000,
  planning: 25_000,
  prechain: 50_000,
  event_to_ui: 50_000,
};

/** What is measured, in a sentence. */
export const stageNotes: Readonly<Record<string, string>> = {
  validation: "schema and meaning of a posted intent",
  post: "intent received to answer ready",
  risk: "the limits, as the intent manager sees it",
  planning: "routes, prices, bounds",
  append: "one decision into the record, as a service sees it",
  commit: "one transaction of the database",
  broadcast: "the node takes a transaction",
  prechain: "intent received to transaction sent, every step on record",
  event_to_ui: "committed to sent to the pages",
};

export type Verdict = "none" | "within" | "close" | "over";

export interface LatencyRow {
  key: string;
  label: string;
  note: string | undefined;
  count: number;
  p50Us: number;
  p95Us: number;
  p99Us: number;
  maxUs: number;
  budgetUs: number | undefined;
  /** Of the 95th percentile against the budget; none without a budget or a sample. */
  verdict: Verdict;
  /** Percent of the track; 0 without a budget. */
  p50Width: number;
  p95Width: number;
}

/** A stage before its first sample; what is promised of it stands. */
function promised(key: string): Stage {
  const budget = budgetsUs[key];
  return budget === undefined ? unmeasured : { ...unmeasured, budget_us: budget };
}

/** Of the 95th percentile; a stage without samples has none. */
export function verdictOf(p95Us: number, budgetUs: number | undefined, count: number): Verdict {
  if (budgetUs === undefined || count === 0) return "none";
  if (p95Us > budgetUs) return "over";
  return p95Us * 100 >= budgetUs * closeFrom ? "close" : "within";
}

function widthOf(us: number, budgetUs: number | undefined): number {
  if (budgetUs === undefined || budgetUs === 0) return 0;
  return Math.min(Math.round((us / budgetUs) * budgetAt * 10) / 10, 100);
}

function humanised(key: string): string {
  const words = key.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const unmeasured: Stage = { count: 0, p50_us: 0, p95_us: 0, p99_us: 0, max_us: 0 };

/**
 * One row a stage, in the order of an intent's life. The stages that have a name here are always there, measured or
 * not, so that nothing moves when they are; others come last.
 */
export function latencyRows(latency: Readonly<Record<string, Stage>>): LatencyRow[] {
  const order = stageLabels.map(([key]) => key);
  const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.entries({ ...Object.fromEntries(order.map((key) => [key, promised(key)])), ...latency })
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([key, stage]) => ({
      key,
      label: stageLabels.find(([name]) => name === key)?.[1] ?? humanised(key),
      note: stageNotes[key],
      count: stage.count,
      p50Us: stage.p50_us,
      p95Us: stage.p95_us,
      p99Us: stage.p99_us,
      maxUs: stage.max_us,
      budgetUs: stage.budget_us,
      verdict: verdictOf(stage.p95_us, stage.budget_us, stage.count),
      p50Width: widthOf(stage.p50_us, stage.budget_us),
      p95Width: widthOf(stage.p95_us, stage.budget_us),
    }));
}

/** Microseconds as milliseconds, with the decimals that a judgement against some ten milliseconds needs. */
export function formatLatency(us: number): string {
  if (us === 0) return "0";
  if (us < 10) return "<0.01";
  const ms = us / 1000;
  return ms < 1 ? ms.toFixed(2) : ms < 9.95 ? ms.toFixed(1) : Math.round(ms).toString();
}
