import assert from "node:assert/strict";
import { test } from "node:test";
import { Life } from "./samples.ts";
import { feesOf, nameOf, outcomeWords, transactionsOf } from "./transactions.ts";

const outcomes = (life: Life): string[] =>
  transactionsOf(life.events).map((transaction) => `${nameOf(transaction)}: ${outcomeWords(transaction.outcome)}`);
const feesIn = (life: Life) => feesOf(life.events, transactionsOf(life.events));

test("an approval and a swap that were included", () => {
  const life = new Life().accepted().planned();
  life.prepared(0, "approve", "1").prepared(1, "swap", "2");
  assert.deepEqual(outcomes(life), ["Approval: Signed", "Swap: Signed"]);
  life.sent(0, "approve", "1").sent(1, "swap", "2");
  assert.deepEqual(outcomes(life), ["Approval: Pending", "Swap: Pending"]);
  life.filled(0, "1", "0", "0").filled(1, "2", "2500", "1");
  assert.deepEqual(outcomes(life), ["Approval: Included in 8", "Swap: Included in 8"]);
});

test("a raised fee replaces at the same nonce; either of the two may be included", () => {
  const raised = () =>
    new Life()
      .accepted()
      .planned("P1", false)
      .prepared(0, "swap", "1")
      .sent(0, "swap", "1")
      .prepared(0, "swap", "2", { attempt: 2, cap: "2300000000" })
      .sent(0, "swap", "2", { attempt: 2 });
  assert.deepEqual(outcomes(raised()), ["Swap: Replaced by 2", "Swap 2: Pending"]);
  assert.deepEqual(outcomes(raised().filled(0, "2", "2500", "1")), ["Swap: Replaced by 2", "Swap 2: Included in 8"]);
  assert.deepEqual(outcomes(raised().filled(0, "1", "2500", "1")), [
    "Swap: Included in 8",
    "Swap 2: Not needed, 1 was included",
  ]);
});

test("a cancellation takes the nonce, and what was never sent says so", () => {
  const life = new Life()
    .accepted()
    .planned("P1", false)
    .prepared(0, "swap", "1")
    .add("intent.cancel_requested", {})
    .prepared(0, "cancel", "2", { attempt: 2 })
    .sent(0, "cancel", "2", { attempt: 2 })
    .filled(0, "2", "0", "0")
    .add("intent.cancelled", {});
  assert.deepEqual(outcomes(life), ["Swap: Replaced by 2", "Cancellation: Included in 8"]);
  const unsent = new Life().accepted().planned("P1", false).prepared(0, "swap", "1").add("intent.cancelled", {});
  assert.deepEqual(outcomes(unsent), ["Swap: Not sent"]);
});

test("a dropped block makes it pending again, and its fee was never paid", () => {
  const life = new Life().accepted().planned("P1", false).prepared(0, "swap", "1").sent(0, "swap", "1");
  life.filled(0, "1", "2500", "1");
  assert.equal(feesIn(life).wei, 150_000_000_000_000n);
  life.add("exec.step_reorged", { planId: "P1", stepIndex: 0, txHash: `0x${"1".repeat(64)}`, blockHash: "0x" });
  assert.deepEqual(outcomes(life), ["Swap: Pending again, its block was dropped"]);
  assert.deepEqual(feesIn(life), { wei: 0n, coin: "0", usd: undefined, count: 0 });
  assert.deepEqual(outcomes(life.filled(0, "1", "2500", "1")), ["Swap: Included in 8"]);
});

test("fees are gas used times the price paid, over all plans and reverts, in USD at each plan's price", () => {
  const life = new Life().accepted().planned();
  life.prepared(0, "approve", "1").prepared(1, "swap", "2").filled(0, "1", "0", "0").reverted(1, "2");
  // 100,000 × 1.5 gwei + 80,000 × 1 gwei; 0.0004 coins are 1 USD.
  assert.deepEqual(feesIn(life), { wei: 230_000_000_000_000n, coin: "0.00023", usd: "0.575", count: 2 });
  life.planned("P2", false).prepared(0, "swap", "3", { planId: "P2" }).filled(0, "3", "2500", "1", "P2");
  assert.deepEqual(outcomes(life), ["Approval: Included in 8", "Swap: Reverted in 9", "Swap: Included in 8"]);
  assert.deepEqual(
    transactionsOf(life.events).map((transaction) => transaction.plan),
    [1, 1, 2],
  );
  assert.equal(feesIn(life).wei, 380_000_000_000_000n);
  assert.equal(feesIn(life).usd, "0.95");
});

test("at the end the record's own figure is told", () => {
  const life = new Life().accepted().planned("P1", false).prepared(0, "swap", "1").filled(0, "1", "2500", "1");
  assert.equal(feesIn(life.completed("2500", "1", "0.3751")).usd, "0.3751");
});
