import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "../sep/types.ts";
import { haltsOf } from "./halts.ts";

const status = (parts: object) => ({ signer: { address: "0x", balance: "1" }, ...parts }) as unknown as Status;

test("work that is accepted needs no words", () => {
  assert.deepEqual(haltsOf(status({ halted: null, signer: { halted: null } })), []);
  assert.deepEqual(haltsOf(status({ halted: null, signer: undefined })), []);
});

test("a halt says what stands still, and why", () => {
  assert.deepEqual(haltsOf(status({ halted: { reason: "KILL_SWITCH", detail: "prices look wrong." } })), [
    { title: "Halted: no new work.", text: "prices look wrong. What is under way is followed to its end." },
  ]);
  assert.deepEqual(haltsOf(status({ halted: null, signer: { halted: { reason: "FOREIGN_NONCE", detail: "" } } })), [
    { title: "Account halted: nothing new is sent.", text: "FOREIGN_NONCE. What was sent is followed to its end." },
  ]);
});
