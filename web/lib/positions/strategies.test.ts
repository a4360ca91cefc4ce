import assert from "node:assert/strict";
import { test } from "node:test";
import { allPages, matching, positionsHref } from "./strategies.ts";

test("typing narrows the strategies; the chosen name alone does not", () => {
  const all = ["alpha", "Beta.2", "gamma"];
  assert.deepEqual(matching(all, "beta", "alpha"), ["Beta.2"]);
  assert.deepEqual(matching(all, " A", "alpha"), ["alpha", "Beta.2", "gamma"]);
  assert.deepEqual(matching(all, "alpha", "alpha"), all);
  assert.deepEqual(matching(all, "", "alpha"), all);
  assert.deepEqual(matching(all, "x", "alpha"), []);
});

test("the address holds the strategy and the page", () => {
  assert.equal(positionsHref("demo"), "/positions?strategy=demo");
  assert.equal(positionsHref("a.b_c-d", "01J5"), "/positions?strategy=a.b_c-d&before=01J5");
});

test("pages are read to the end, or to the bound", async () => {
  const load = (cursor: string | undefined) => {
    const page = Number(cursor ?? 0);
    return Promise.resolve({ items: [page], next: page < 4 ? String(page + 1) : null });
  };
  assert.deepEqual(await allPages(load, 10), [0, 1, 2, 3, 4]);
  assert.deepEqual(await allPages(load, 2), [0, 1]);
});
