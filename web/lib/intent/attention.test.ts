import assert from "node:assert/strict";
import { test } from "node:test";
import { foldHistory } from "../sep/fold.ts";
import { failureWords, retryWords, untoldWords } from "./attention.ts";
import { Life } from "./samples.ts";
import { feesOf, transactionsOf } from "./transactions.ts";

const chain = { blockNumber: 9, confirmations: 3, maxAttempts: 3 };
const viewOf = ({ events }: Life) => foldHistory(events).intent!;
const reverted = () => new Life().accepted().planned("P1", false).prepared(0, "swap", "1").sent(0, "swap", "1");

test("what could not be loaded is not told as nothing", () => {
  assert.equal(untoldWords(0, undefined), undefined);
  assert.equal(untoldWords(0, "the totals"), "Not known: the totals could not be loaded.");
  assert.equal(untoldWords(2, "the totals"), "There may be more: the totals could not be loaded.");
});

test("a plan made anew has no transaction before one is signed", () => {
  const life = reverted().reverted(0, "1");
  assert.equal(retryWords(viewOf(life), chain), "Price moved past the bound. It is being tried again.");
  life.planned("P2", false);
  assert.equal(retryWords(viewOf(life), chain), "Plan 2 is being prepared.");
  life.prepared(0, "swap", "2", { planId: "P2" });
  assert.equal(retryWords(viewOf(life), chain), "Plan 2, transaction 1 is being sent.");
  life.sent(0, "swap", "2", { planId: "P2" });
  assert.equal(retryWords(viewOf(life), chain), "Plan 2, transaction 1 is pending.");
});

test("a failure says when, why and what it cost, each once", () => {
  const end = (reason: string) => ({ planId: "P1", reason, detail: "" }) as never;
  const { events } = reverted().reverted(0, "1").add("exec.failed", end("REVERTED"));
  const view = foldHistory(events).intent!;
  const { usd } = feesOf(events, transactionsOf(events));
  assert.equal(
    failureWords(view, {}, "14:31:06 UTC", usd),
    "Reverted at 14:31:06 UTC. Nothing was spent but $0.20 in fees.",
  );
  assert.equal(
    failureWords(view, {}, "14:31:06 UTC", undefined),
    "Reverted at 14:31:06 UTC. The swap did not happen; only fees were spent.",
  );
  const unsent = viewOf(new Life().accepted().planned("P1", false).add("exec.failed", end("GAS_LIMIT")));
  assert.equal(
    failureWords(unsent, {}, "14:31:06 UTC", undefined),
    "Failed at 14:31:06 UTC: over the fee limit. Nothing was sent, nothing was spent.",
  );
});
