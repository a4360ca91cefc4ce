import assert from "node:assert/strict";
import { test } from "node:test";
import { foldHistory } from "../sep/fold.ts";
import { figuresOf, formatGwei, gaugeOf, swapFillOf, versusWords } from "./figures.ts";
import { Life } from "./samples.ts";
import { transactionsOf } from "./transactions.ts";

function figures(life: Life, maxGasUsd?: string) {
  const plan = foldHistory(life.events).plans.at(-1)!;
  return figuresOf(plan, transactionsOf(life.events), life.events, maxGasUsd)!;
}

test("quote, fill and bound of a purchase", () => {
  const life = new Life().accepted().planned();
  const before = figures(life);
  assert.deepEqual([before.pay.quote, before.pay.fill, before.pay.bound], ["2500", undefined, "2525"]);
  assert.deepEqual([before.receive.quote, before.receive.bound, before.receive.exact], ["1", "1", true]);
  assert.deepEqual(before.feeUsd, { quote: "1", fill: undefined, bound: undefined });
  life.prepared(0, "approve", "1").prepared(1, "swap", "2").filled(0, "1", "0", "0").filled(1, "2", "2500.3", "1");
  const after = figures(life);
  assert.deepEqual([after.pay.fill, after.receive.fill], ["2500.3", "1"]);
  // Two times 200,000 gas at 2 gwei; 0.0004 coins are 1 USD.
  assert.deepEqual(after.feeUsd, { quote: "1", fill: "0.75", bound: "2" });
  assert.equal(figures(life, "1.5").feeUsd.bound, "1.5");
  assert.equal(figures(life, "5").feeUsd.bound, "2");
});

test("a replacement raises the bound of its step, it does not add to it", () => {
  const life = new Life().accepted().planned("P1", false).prepared(0, "swap", "1");
  life.prepared(0, "swap", "2", { attempt: 2, cap: "3000000000" });
  assert.equal(figures(life).feeUsd.bound, "1.5");
});

test("a cancellation that was included is no fill", () => {
  const life = new Life().accepted().planned("P1", false).prepared(0, "swap", "1").sent(0, "swap", "1");
  life.prepared(0, "cancel", "2", { attempt: 2 }).filled(0, "2", "0", "0");
  const plan = foldHistory(life.events).plans[0]!;
  assert.notEqual(plan.steps[0].fill, undefined);
  assert.equal(swapFillOf(plan), undefined);
});

test("the gauge runs from better than quoted to the bound", () => {
  const at = (fill: string) => gaugeOf({ quote: "2500", fill, bound: "2525" });
  assert.equal(at("2500"), 15);
  assert.equal(at("2525"), 100);
  assert.equal(at("2512.5"), 57.5);
  assert.equal(at("2400"), 0);
  assert.equal(gaugeOf({ quote: "2500", fill: "2480", bound: "2475" }), 83);
  assert.equal(gaugeOf({ quote: "1", fill: "1", bound: "1" }), 15);
  assert.equal(gaugeOf({ quote: "1", fill: undefined, bound: "1" }), undefined);
});

test("words against the quote", () => {
  assert.equal(versusWords("-1.2"), "1.2 bps worse than quoted");
  assert.equal(versusWords("0.8"), "0.8 bps better than quoted");
  assert.equal(versusWords("0.0"), "As quoted");
});

test("gwei", () => {
  assert.equal(formatGwei(20_700_000_000n), "20.70");
  assert.equal(formatGwei(1_769_204_345n), "1.76");
  assert.equal(formatGwei(1_000_000n), "0.001");
  assert.equal(formatGwei(1n), "<0.000001");
  assert.equal(formatGwei(1_000n), "0.000001");
  assert.equal(formatGwei(0n), "0.00");
});
