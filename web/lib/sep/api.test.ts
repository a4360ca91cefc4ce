import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { api, ApiProblem } from "./api.ts";
import type { Intent } from "./types.ts";

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
  mock.timers.reset();
});

const busy = (retryAfter: string) =>
  new Response(JSON.stringify({ code: "OVERLOADED", detail: "busy", status: 429 }), {
    status: 429,
    headers: { "Retry-After": retryAfter },
  });

test("an intent that a busy platform refuses is sent again when it says, under the same key", async () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const keys: string[] = [];
  const answers = [busy("2"), busy("3"), new Response(JSON.stringify({ intent_id: "I" }), { status: 201 })];
  globalThis.fetch = async (_, init) => {
    keys.push(new Headers(init?.headers).get("Idempotency-Key") ?? "");
    return answers.shift() ?? busy("1");
  };
  const sent = api.submitIntent({} as Intent, "key");
  const settled = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await settled();
  assert.equal(keys.length, 1);
  mock.timers.tick(1999);
  await settled();
  assert.equal(keys.length, 1);
  mock.timers.tick(1);
  await settled();
  assert.equal(keys.length, 2);
  mock.timers.tick(3000);
  assert.equal((await sent).intent_id, "I");
  assert.deepEqual(keys, ["key", "key", "key"]);
});

test("a platform that stays busy is told of after a minute", async () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  globalThis.fetch = async () => busy("61");
  await assert.rejects(api.submitIntent({} as Intent, "key"), (problem) => {
    assert.ok(problem instanceof ApiProblem);
    assert.equal(problem.retryAfterS, 61);
    return problem.code === "OVERLOADED";
  });
});
