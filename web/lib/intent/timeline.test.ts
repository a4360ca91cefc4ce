import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { foldHistory } from "../sep/fold.ts";
import type { SepEvent, Topic } from "../sep/types.ts";
import { hash, Life, planCreated, usdc } from "./samples.ts";
import { confirmationsWords, timelineOf, type TimelineRow } from "./timeline.ts";

const tokens = {
  [usdc.address]: { ...usdc, chainId: 1, name: "USD Coin", extensions: { stablecoin: true } },
} as unknown as Parameters<typeof timelineOf>[2];

const rowsOf = (events: readonly SepEvent[]): TimelineRow[] =>
  timelineOf(events, foldHistory(events).intent, tokens, "ETH");
const text = ({ fact, tail, detail }: TimelineRow): string =>
  [fact, tail, detail && `– ${detail}`].filter(Boolean).join(" ");
const last = (life: Life): string => text(rowsOf(life.events).at(-1)!);

const vectors = new URL("../../../tests/vectors/projection.json", import.meta.url);
const { lives } = JSON.parse(readFileSync(vectors, "utf8")) as { lives: { name: string; events: SepEvent[] }[] };

for (const { name, events } of lives) {
  test(`every event has its row, in the record's order: ${name}`, () => {
    const rows = rowsOf(events);
    assert.deepEqual(
      rows.map((row) => row.event.sequence),
      events.map((event) => event.sequence),
    );
    for (const row of rows) {
      assert.match(row.fact, /^[A-Z]/);
      assert.doesNotMatch(text(row), /undefined|null|NaN|\[object/, text(row));
    }
  });
}

test("the lives hold every topic, so that each has words", () => {
  const topics = new Set<Topic>(lives.flatMap((life) => life.events.map((event) => event.topic)));
  assert.equal(topics.size, 17);
});

test("nothing is signed on paper", () => {
  const life = new Life().accepted();
  const plan = planCreated("P1", false);
  for (const step of plan.steps) if (step.kind === "swap") step.venue = "paper";
  life.add("plan.created", plan).add("exec.started", { planId: "P1" });
  assert.equal(last(life), "Execution started – filled at the pools’ prices, nothing is signed");
  assert.equal(last(new Life().accepted().planned()), "Execution started – simulated, then signed step by step");
});

test("a trade in words", () => {
  const life = new Life().accepted().planned();
  life.prepared(0, "approve", "1").prepared(1, "swap", "2").sent(0, "approve", "1").sent(1, "swap", "2");
  life.filled(0, "1", "0", "0").filled(1, "2", "2500.3", "1").completed("2500.3", "2");
  assert.deepEqual(rowsOf(life.events).map(text), [
    "Received from strategy “demo” – Buy exactly 1 WETH, pay USDC, at most 1% over the quote, within 5 m, normal",
    "Checks passed 2 of 2 – kill switch off, value $2,500.00 of $10,000.00",
    "Accepted – handed to the planner",
    "Planned – 2,500.00 USDC for 1 WETH, 1 pool at 0.05%, price effect 0.04%, an approval first, about $1.00 in fees",
    "Execution started – simulated, then signed step by step",
    "Approval signed – nonce 0, fee cap 2.00 gwei",
    "Swap signed – nonce 1, fee cap 2.00 gwei",
    "Approval sent late – 70 ms since submission against a budget of 50 ms; 0x1111…1111, nonce 0",
    "Swap sent – 0x2222…2222, nonce 1",
    "Approval included in block 8 – gas 100,000, 0.00015 ETH in fees",
    "Included in block 8 – paid 2,500.30 USDC, received 1 WETH, 1.2 bps worse than quoted",
    "Completed – paid 2,500.30 USDC, received 1 WETH, $0.75 in fees",
  ]);
});

test("times since the event before", () => {
  const life = new Life().accepted().add("plan.rejected", { reason: "NO_ROUTE", detail: "no pool" }, 25);
  assert.deepEqual(
    rowsOf(life.events).map((row) => row.sinceMs),
    [undefined, 10, 10, 25],
  );
});

test("a plan past its budget is late; a second plan has none", () => {
  const life = new Life().accepted().add("plan.created", planCreated("P1"), 31);
  assert.match(last(life), /^Planned late – 31 ms against a budget of 25 ms; 2,500\.00 USDC for 1 WETH/);
  assert.equal(rowsOf(life.events).at(-1)?.icon, "late");
  life.add("plan.created", planCreated("P2"), 500);
  assert.equal(rowsOf(life.events).at(-1)?.icon, "retry");
});

test("a rejection by the planner", () => {
  const life = new Life().accepted().add("plan.rejected", { reason: "NO_ROUTE", detail: "no pool trades this pair" });
  assert.equal(last(life), "No plan no pool connects the two – no pool trades this pair");
});

test("replacements, cancellations and what goes wrong", () => {
  const life = new Life().accepted().planned("P1", false).prepared(0, "swap", "1").sent(0, "swap", "1");
  life.prepared(0, "swap", "2", { attempt: 2, cap: "2300000000" });
  assert.equal(last(life), "Swap 2 signed – same nonce 0, fee cap 2.00 → 2.30 gwei");
  life.sent(0, "swap", "2", { attempt: 2 });
  assert.equal(last(life), "Swap 2 sent – 0x2222…2222, in place of swap");
  life.filled(0, "2", "2500", "1").add("exec.step_reorged", {
    planId: "P1",
    stepIndex: 0,
    txHash: hash("2"),
    blockHash: hash("2"),
  });
  assert.equal(last(life), "Block dropped by the chain – 0x2222…2222 is pending again, what it moved is undone");
  life.add("intent.cancel_requested", {});
  assert.equal(last(life), "Cancellation asked for – it may still fill");
  life.prepared(0, "cancel", "3", { attempt: 3, cap: "2600000000" }).sent(0, "cancel", "3", { attempt: 3 });
  assert.equal(last(life), "Cancellation sent – 0x3333…3333, in place of swap 2");
  life.filled(0, "3", "0", "0");
  assert.equal(last(life), "Cancellation included in block 8 – the swap can no longer happen, 0.00015 ETH in fees");
  life.add("intent.cancelled", {});
  assert.equal(last(life), "Cancelled – nothing was spent but 0.00015 ETH in fees");
});

test("reverts say what was spent, and a new plan its number", () => {
  const life = new Life()
    .accepted()
    .planned("P1", false)
    .prepared(0, "swap", "1")
    .sent(0, "swap", "1")
    .reverted(0, "1");
  assert.equal(
    last(life),
    "Swap reverted in block 9 – price moved past the bound, “Too much requested”, nothing was spent but 0.00008 ETH in fees",
  );
  life.add("risk.approved", { notionalUsd: "2500", checks: [] });
  assert.equal(last(life), "Checks passed again 0 of 0 – worth $2,500.00");
  life.planned("P2", false);
  assert.match(text(rowsOf(life.events).at(-2)!), /^Planned again as plan 2 – /);
});

test("an end before anything was sent cost nothing", () => {
  const life = new Life().accepted().add("intent.expired", { reason: "TIME_WINDOW" });
  assert.equal(last(life), "Expired time window ended – nothing was sent, nothing was spent");
  const rejected = new Life()
    .add("intent.submitted", new Life().accepted().events[0]!.payload as never)
    .add("risk.rejected", {
      reason: "NOTIONAL_LIMIT",
      detail: "too much",
      checks: [
        { check: "max_slippage", value: "0.01", limit: "0.05", ok: true },
        { check: "notional_usd", value: "12500", limit: "10000", ok: false },
      ],
    });
  assert.equal(last(rejected), "Rejected by risk over the value limit – value $12,500.00 of $10,000.00");
});

test("confirmations are one row that grows", () => {
  const life = new Life().accepted().planned("P1", false).prepared(0, "swap", "1").sent(0, "swap", "1");
  const chain = { blockNumber: 10, confirmations: 12, maxAttempts: 3 };
  assert.equal(confirmationsWords(foldHistory(life.events).intent, chain), undefined);
  life.filled(0, "1", "2500", "1");
  const words = confirmationsWords(foldHistory(life.events).intent, chain);
  assert.equal(`${words?.fact} ${words?.tail}, ${words?.detail}`, "Confirmations 1 to 3 of 12, latest block 10");
  life.completed("2500", "1");
  assert.equal(confirmationsWords(foldHistory(life.events).intent, chain), undefined);
});
