import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generated } from "./generate.mjs";

for (const [path, text] of Object.entries(generated)) {
  test(`${path} is what \`make gen\` makes of schema/`, () => {
    assert.ok(readFileSync(new URL(`../${path}`, import.meta.url), "utf8") === text, "stale: run `make gen`");
  });
}
