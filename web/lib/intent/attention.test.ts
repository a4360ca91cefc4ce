import assert from "node:assert/strict";
import { test } from "node:test";
import { untoldWords } from "./attention.ts";

test("what could not be loaded is not told as nothing", () => {
  assert.equal(untoldWords(0, undefined), undefined);
  assert.equal(untoldWords(0, "the totals"), "Not known: the totals could not be loaded.");
  assert.equal(untoldWords(2, "the totals"), "There may be more: the totals could not be loaded.");
});
