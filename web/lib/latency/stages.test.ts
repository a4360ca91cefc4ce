import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetAt, formatLatency, latencyRows, verdictOf } from "./stages.ts";

const stage = (p50_us: number, p95_us: number, budget_us?: number, count = 10) => ({
  count,
  p50_us,
  p95_us,
  p99_us: p95_us,
  max_us: p95_us,
  ...(budget_us !== undefined && { budget_us, within_budget: p95_us <= budget_us }),
});

test("stages come in the order of an intent's life, those without a name last", () => {
  const rows = latencyRows({
    event_to_ui: stage(1, 2, 50_000),
    something_new: stage(1, 2),
    planning: stage(1, 2, 25_000),
    validation: stage(1, 2, 10_000),
  });
  assert.deepEqual(
    rows.filter((row) => row.count > 0).map((row) => row.label),
    ["Validate", "Plan", "Event to page", "Something new"],
  );
  assert.equal(rows.at(-1)?.label, "Something new");
});

test("a stage without samples stands in its place, with its budget and no verdict", () => {
  const rows = latencyRows({});
  assert.equal(rows.length, 9);
  assert.deepEqual(
    rows.filter((row) => row.budgetUs !== undefined).map((row) => row.key),
    ["validation", "planning", "prechain", "event_to_ui"],
  );
  assert.ok(rows.every((row) => row.verdict === "none" && row.p95Width === 0));
});

test("each stage is drawn against its own budget", () => {
  const rows = latencyRows({
    planning: stage(12_500, 25_000, 25_000),
    prechain: stage(50_000, 500_000, 50_000),
    risk: stage(100, 200),
  });
  const [half, over, free] = ["planning", "prechain", "risk"].map((key) => rows.find((row) => row.key === key));
  assert.equal(half?.p50Width, budgetAt / 2);
  assert.equal(half?.p95Width, budgetAt);
  assert.equal(over?.p95Width, 100);
  assert.equal(free?.p95Width, 0);
});

test("the verdict turns at 80 % of the budget, and past it", () => {
  assert.equal(verdictOf(7_999, 10_000, 1), "within");
  assert.equal(verdictOf(8_000, 10_000, 1), "close");
  assert.equal(verdictOf(10_000, 10_000, 1), "close");
  assert.equal(verdictOf(10_001, 10_000, 1), "over");
  assert.equal(verdictOf(0, 10_000, 0), "none");
  assert.equal(verdictOf(5, undefined, 1), "none");
});

test("latencies are told in milliseconds", () => {
  assert.equal(formatLatency(0), "0");
  assert.equal(formatLatency(4), "<0.01");
  assert.equal(formatLatency(49), "0.05");
  assert.equal(formatLatency(4_096), "4.1");
  assert.equal(formatLatency(9_960), "10");
  assert.equal(formatLatency(188_400), "188");
});
