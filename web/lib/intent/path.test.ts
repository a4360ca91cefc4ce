import assert from "node:assert/strict";
import { test } from "node:test";
import { foldHistory } from "../sep/fold.ts";
import type { ChainPosition } from "./badge.ts";
import { nowOf, pathOf } from "./path.ts";
import { Life } from "./samples.ts";

const chain: ChainPosition = { blockNumber: 10, confirmations: 12, maxAttempts: 3 };
const path = (life: Life): string[] =>
  pathOf(foldHistory(life.events).intent!, chain).map(({ label, state, note }) => `${label} ${state}: ${note ?? ""}`);
const now = (life: Life) => nowOf(foldHistory(life.events).intent!, chain);
const sent = () => new Life().accepted().planned("P1", false).prepared(0, "swap", "1").sent(0, "swap", "1");

test("a trade on its way, waited for, included and completed", () => {
  const life = sent();
  assert.deepEqual(path(life), [
    "Submitted done: ",
    "Risk done: 10 ms",
    "Accepted done: 10 ms",
    "Planned done: 10 ms of 25 ms",
    "Prepared done: 20 ms",
    "Broadcast late: 60 ms of 50 ms, late",
    "Confirming current: waiting for a block",
    "Completed pending: not reached",
  ]);
  assert.equal(now(life), "Sent. Waiting for a block that holds it.");
  life.filled(0, "1", "2500", "1");
  assert.deepEqual(path(life).slice(6), ["Confirming current: 3 of 12 blocks", "Completed pending: not reached"]);
  assert.equal(now(life), "In block 8. Waiting for 9 more blocks on top.");
  const paced = nowOf(foldHistory(life.events).intent!, { ...chain, blockEveryMs: 12_000 });
  assert.equal(paced, "In block 8. Waiting for 9 more blocks on top, about 1m 48s.");
  life.completed("2500", "1");
  assert.deepEqual(path(life).slice(6), ["Confirming done: 10 ms", "Completed done: 10 ms"]);
  assert.equal(now(life), undefined);
});

test("what was filled without a transaction needed none", () => {
  const life = new Life().accepted().planned("P1", false).filled(0, "1", "2500", "1").completed("2500", "1");
  assert.deepEqual(path(life).slice(3), [
    "Planned done: 10 ms of 25 ms",
    "Prepared pending: not needed",
    "Broadcast pending: not needed",
    "Confirming done: 20 ms",
    "Completed done: 10 ms",
  ]);
});

test("where it ended, and why", () => {
  const risk = new Life().add("intent.submitted", new Life().accepted().events[0]!.payload as never);
  risk.add("risk.rejected", { reason: "NOTIONAL_LIMIT", detail: "too much", checks: [] });
  assert.deepEqual(path(risk).slice(0, 3), [
    "Submitted done: ",
    "Rejected by risk failed: over the value limit",
    "Accepted pending: not reached",
  ]);
  const plan = new Life().accepted().add("plan.rejected", { reason: "NO_ROUTE", detail: "no pool" });
  assert.deepEqual(path(plan).slice(2, 5), [
    "Accepted done: 10 ms",
    "No plan failed: no pool connects the two",
    "Prepared pending: not reached",
  ]);
  const failed = sent().reverted(0, "1").add("exec.failed", { planId: "P1", reason: "REVERTED", detail: "gave up" });
  assert.deepEqual(path(failed).slice(4, 7), [
    "Prepared done: 20 ms",
    "Failed on chain failed: reverted after 80 ms",
    "Confirming pending: not reached",
  ]);
  const expired = new Life().accepted().add("intent.expired", { reason: "TIME_WINDOW" });
  assert.equal(path(expired)[2], "Expired ended: after 30 ms");
  const cancelled = sent().add("intent.cancel_requested", {}).add("intent.cancelled", {});
  assert.equal(path(cancelled)[5], "Cancelled ended: after 80 ms");
});

test("a cancellation that was asked for is said until it ends", () => {
  const life = sent().add("intent.cancel_requested", {});
  assert.equal(now(life), "Cancelling. It may still fill.");
  assert.equal(now(life.add("intent.cancelled", {})), undefined);
});

test("after a revert it tries again", () => {
  const life = sent().reverted(0, "1");
  assert.equal(path(life)[6], "Confirming current: trying again");
  assert.equal(now(life), "Reverted, only fees were spent. It is being checked and planned again.");
  life.planned("P2", false);
  assert.equal(now(life), "Planned again. It is being signed.");
});
