import assert from "node:assert/strict";
import { test } from "node:test";
import { successOf } from "./totals.ts";

const counts = { completed: 0, failed: 0, rejected: 0, expired: 0, cancelled: 0 };

test("success is told with what it is of, and with those that it leaves out", () => {
  assert.deepEqual(successOf({ ...counts, completed: 8, rejected: 4, cancelled: 1 }), {
    percent: "100.0",
    of: 8,
    note: "8 of 8 that ran to their end, 5 did not",
  });
  assert.deepEqual(successOf({ completed: 1252, failed: 6, rejected: 6, expired: 4, cancelled: 2 }), {
    percent: "99.2",
    of: 1262,
    note: "1,252 of 1,262 that ran to their end, 8 did not",
  });
  assert.equal(successOf({ ...counts, completed: 3, failed: 1 }).note, "3 of 4 that ran to their end");
});

test("where none ran to its end there is no rate", () => {
  assert.deepEqual(successOf(counts), { percent: undefined, of: 0, note: "none ran to its end" });
  assert.equal(successOf({ ...counts, rejected: 2 }).note, "none of 2 ran to its end");
});
