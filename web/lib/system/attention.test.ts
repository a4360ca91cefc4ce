import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "../sep/types.ts";
import { agoMs, attentionOf, engineWords, formatGwei, headlineOf, partName } from "./attention.ts";

const at = "2026-08-21T19:26:00.000Z";
const fine: Status = {
  ready: true,
  now: at,
  halted: null,
  record: { ok: true, detail: "answers", engine: "timescaledb", last_global_sequence: 41 },
  dependencies: [
    { name: "nats", ok: true, detail: "connected" },
    { name: "redis", ok: true, detail: "answers" },
  ],
  services: [{ name: "planner", ok: true, instances: 1, detail: "" }],
  streams: [{ name: "planner-workers", pending: 0, ok: true, detail: "" }],
  pools: [
    {
      address: "0xAA",
      token0: "WETH",
      token1: "USDC",
      fee: 500,
      ok: true,
      detail: "",
      block_number: 7,
      age_ms: 300,
      ticks: 4,
    },
  ],
};

test("where all answers, nothing needs attention", () => {
  assert.deepEqual(attentionOf(fine, true), []);
  assert.deepEqual(headlineOf(fine, false, true), { mood: "fine", text: "Everything answers" });
});

test("before all has come up, the platform is starting", () => {
  assert.equal(headlineOf({ ...fine, ready: false }, false, true).mood, "starting");
});

test("each part that does not answer is counted once, with its detail", () => {
  const status: Status = {
    ...fine,
    ready: false,
    record: { ok: false, detail: "refused", engine: "", last_global_sequence: 0 },
    dependencies: [
      { name: "record", ok: false, detail: "the same fault" },
      { name: "redis", ok: false, detail: "timed out" },
    ],
    pools: [{ ...fine.pools[0]!, ok: false, detail: "never read" }],
  };
  assert.deepEqual(attentionOf(status, true), [
    { part: "Record", detail: "refused" },
    { part: "Redis", detail: "timed out" },
    { part: "Pool WETH / USDC, 0.05%", detail: "never read" },
  ]);
  assert.equal(headlineOf(status, false, true).text, "3 parts need attention");
});

test("one part is one part; a signer without coin is one", () => {
  const status: Status = { ...fine, signer: { address: "0xAA", balance: "0", value_usd: "0", halted: null } };
  assert.equal(headlineOf(status, false, true).text, "1 part needs attention");
  assert.equal(
    attentionOf({ ...fine, signer: { address: "0xAA", balance: "0.1", value_usd: null, halted: null } }, true).length,
    0,
  );
});

test("where nothing is signed, no coin is needed", () => {
  const status: Status = { ...fine, signer: { address: "0xAA", balance: "0", value_usd: null, halted: null } };
  assert.deepEqual(attentionOf(status, false), []);
  assert.equal(headlineOf(status, false, false).mood, "fine");
});

test("a halt is no state in which everything answers", () => {
  const halt = { reason: "KILL_SWITCH", detail: "prices look wrong" } as NonNullable<Status["halted"]>;
  const halted: Status = { ...fine, halted: halt };
  assert.deepEqual(headlineOf(halted, false, true), { mood: "attention", text: "New work is halted" });
  assert.deepEqual(attentionOf(halted, true), [{ part: "New work", detail: "halted: prices look wrong" }]);
  const both: Status = { ...halted, signer: { address: "0xAA", balance: "0", value_usd: null, halted: halt } };
  assert.deepEqual(
    attentionOf(both, true).map(({ part }) => part),
    ["New work", "Signer"],
  );
  assert.equal(headlineOf(both, false, true).text, "2 parts need attention");
});

test("what is old says nothing of the present, good or bad", () => {
  assert.equal(headlineOf(fine, true, true).mood, "unknown");
});

test("names, ages, fees", () => {
  assert.equal(partName("nats"), "NATS");
  assert.equal(partName("planner-workers"), "Planner workers");
  assert.equal(agoMs(at, "2026-08-21T19:25:57.500Z"), 2_500);
  assert.equal(agoMs(at, "2026-08-21T19:26:01.000Z"), 0);
  assert.equal(formatGwei("0"), "0");
  assert.equal(formatGwei("7"), "<0.001");
  assert.equal(formatGwei("1000000000"), "1");
  assert.equal(formatGwei("1250600000"), "1.251");
  assert.equal(formatGwei("1234000000000000"), "1,234,000");
  assert.equal(engineWords("postgresql").name, "PostgreSQL");
});
