import assert from "node:assert/strict";
import { test } from "node:test";
import { admitsState, isOfList, newcomers, usualFilter, withNewcomers } from "./list-filter.ts";

test("a list of intents under way takes what is submitted, a list of ended ones what ends so", () => {
  assert.ok(admitsState(usualFilter, "submitted"));
  assert.ok(!admitsState(usualFilter, "completed"));
  assert.ok(admitsState({ ...usualFilter, state: "active" }, "submitted"));
  assert.ok(admitsState({ ...usualFilter, state: "completed" }, "completed"));
  assert.ok(!admitsState({ ...usualFilter, state: "completed" }, "submitted"));
  for (const state of ["failed", "risk_rejected", "plan_rejected", "expired", "cancelled"] as const)
    assert.ok(admitsState({ ...usualFilter, state: "not_filled" }, state), state);
  assert.ok(!admitsState({ ...usualFilter, state: "completed", cursor: "A" }, "completed"));
});

test("only what was received in the window, of the strategy that is asked for", () => {
  const now = Date.parse("2026-11-30T12:00:00.000Z");
  const view = { strategy_id: "desk", received_at: "2026-11-30T11:50:00.000Z" };
  assert.ok(isOfList(usualFilter, view, now));
  assert.ok(isOfList({ ...usualFilter, window: "15m", strategyId: "desk" }, view, now));
  assert.ok(!isOfList({ ...usualFilter, strategyId: "other" }, view, now));
  assert.ok(!isOfList({ ...usualFilter, window: "15m" }, { ...view, received_at: "2026-11-30T11:40:00.000Z" }, now));
});

test("what is new comes in at its place, once; what is older than a full page is behind it", () => {
  const rows = { ids: ["D", "B"], nextCursor: "B" };
  assert.deepEqual(newcomers(rows, ["C", "E", "C", "D", "A"]), ["C", "E"]);
  assert.deepEqual(withNewcomers(rows, ["C", "A"], 3), { ids: ["D", "C", "B"], nextCursor: "B" });
  assert.deepEqual(withNewcomers(rows, ["E", "C"], 3), { ids: ["E", "D", "C"], nextCursor: "C" });
  assert.deepEqual(withNewcomers({ ...rows, nextCursor: null }, ["A"], 3), { ids: ["D", "B", "A"], nextCursor: null });
});
