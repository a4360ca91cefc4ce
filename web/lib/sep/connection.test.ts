import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionWords } from "./connection.ts";
import type { Connection } from "./stream.ts";

const now = 1_000_000;
const connected: Connection = {
  status: "connected",
  since: now - 60_000,
  attempt: 0,
  retryAt: undefined,
  triedSince: now - 61_000,
  heardAt: now - 500,
  blockNumber: 7,
  blockAt: now - 900,
};

test("live while something is heard and the head is confirmed, behind otherwise", () => {
  assert.deepEqual(connectionWords(connected, now), { name: "live", blockNumber: 7 });
  assert.deepEqual(connectionWords({ ...connected, blockAt: now - 9_000 }, now), {
    name: "behind",
    last: "block",
    ageMs: 9_000,
  });
  assert.equal(connectionWords(connected, undefined).name, "starting");
});

test("a connection that went silent is being made again, not for the first time", () => {
  const silent: Connection = { ...connected, status: "connecting", attempt: 1, since: now, heardAt: now - 7_000 };
  assert.deepEqual(connectionWords(silent, now), { name: "reconnecting", attempt: 1, waitMs: 0 });
  const waits: Connection = { ...silent, status: "disconnected", retryAt: now + 2_500 };
  assert.deepEqual(connectionWords(waits, now), { name: "reconnecting", attempt: 2, waitMs: 2_500 });
});

test("where nothing was ever heard, it is offline once it was tried for long", () => {
  const first: Connection = {
    ...connected,
    status: "connecting",
    attempt: 1,
    since: now - 100,
    triedSince: now - 100,
    heardAt: undefined,
  };
  assert.equal(connectionWords(first, now).name, "starting");
  assert.deepEqual(connectionWords({ ...first, attempt: 9, triedSince: now - 20_000 }, now), {
    name: "offline",
    since: now - 20_000,
  });
});
