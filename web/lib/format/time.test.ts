import assert from "node:assert/strict";
import { test } from "node:test";
import { formatClock, formatDuration, formatFullTime, formatMs, formatWhen, formatWindow } from "./time.ts";

test("durations change their unit where people do", () => {
  const told = [0.9, 3.25, 212, 999.4, 23_700, 59_940, 68_000, 7_500_000, 273_600_000].map(formatDuration);
  assert.deepEqual(told, ["0.9 ms", "3.3 ms", "212 ms", "999 ms", "23.7 s", "59.9 s", "1m 08s", "2h 05m", "3d 4h"]);
  assert.deepEqual([0, -5].map(formatDuration), ["<1 ms", "<1 ms"]);
  assert.equal(formatDuration(59_960), "1m 00s");
  assert.equal(formatMs(900), "0.9");
  assert.equal(formatMs(31_400), "31");
  assert.deepEqual([30, 120, 3600, 90].map(formatWindow), ["30 s", "2 m", "1 h", "90 s"]);
});

test("the clock has 24 hours and is UTC unless chosen otherwise", () => {
  const time = "2026-11-22T14:32:09.104Z";
  assert.equal(formatClock(time, "utc"), "14:32:09");
  assert.equal(formatClock(time, "utc", "tenth"), "14:32:09.1");
  assert.equal(formatFullTime(time, "utc"), "2026-11-22 14:32:09.104 UTC");
});

test("a time of another day has its day, before and after midnight", () => {
  const time = "2026-11-22T23:59:09.104Z";
  assert.equal(formatWhen(time, "utc", Date.parse("2026-11-22T00:00:00.000Z")), "23:59:09");
  assert.equal(formatWhen(time, "utc", Date.parse("2026-11-23T00:00:00.000Z")), "11-22 23:59:09");
  assert.equal(formatWhen(time, "utc", Date.parse("2026-11-25T12:00:00.000Z"), "tenth"), "11-22 23:59:09.1");
});
