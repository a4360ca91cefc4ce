import assert from "node:assert/strict";
import { test } from "node:test";
import { checksOf, type Known } from "./checks.ts";
import { account, buying, platform, selling, tokens } from "./test-support.ts";

const known: Known = { quote: buying, limit: "2515.014458", platform, account, tokens };
const check = (name: string, change: Partial<Known> = {}) =>
  checksOf({ ...known, ...change }).find((one) => one.name === name);

test("all passes with a covered, small trade", () => {
  assert.deepEqual(
    checksOf(known).map(({ name, state, value }) => [name, state, value]),
    [
      ["balance", "ok", "48,210.55 USDC"],
      ["allowance", "ok", "approved first"],
      ["value", "ok", "25% used"],
      ["effect", "ok", "0.05% of 10%"],
      ["market", "ok", "same block"],
      ["gas", "ok", "10 ETH"],
    ],
  );
});

test("nothing is claimed that is not known", () => {
  const states = checksOf({ quote: undefined, limit: undefined, platform: undefined, account: undefined, tokens });
  assert.ok(states.every(({ state, refusal }) => state === "unknown" && refusal === undefined));
});

test("the balance must cover the most that is paid", () => {
  const poor = { ...account, tokens: [{ ...account.tokens[1]!, balance: "1904.189" }] };
  assert.equal(
    check("balance", { account: poor })?.refusal,
    "balance too low. Needs 2,515.02 USDC, account has 1,904.18 USDC.",
  );
  assert.equal(
    check("balance", { quote: selling, limit: "1" })?.refusal,
    "balance too low. Needs 100 WETH, account has 4.2071 WETH.",
  );
});

test("the value must be known, and within the limit", () => {
  assert.equal(
    check("value", { quote: selling })?.refusal,
    "over the value limit. Worth $250,000.00, the limit is $10,000.00.",
  );
  assert.equal(check("value", { quote: { ...buying, notional_usd: null } })?.state, "fails");
});

test("the price effect, the network fee and the tokens are held against what is allowed", () => {
  const limits = { ...platform.limits, max_price_impact: "0.0001", allowed_tokens: ["USDC"] };
  const strict = { platform: { ...platform, limits } };
  assert.equal(check("effect", strict)?.state, "fails");
  assert.equal(check("tokens", strict)?.value, "WETH");
  const dry = { ...account, native: { ...account.native, balance: "0.0001" } };
  assert.equal(
    check("gas", { account: dry })?.refusal,
    "balance too low for the network fee. Needs 0.000602 ETH, account has 0.0001 ETH.",
  );
});

test("an old market is shown, but left for the platform to judge", () => {
  const old = check("market", { account: { ...account, fresh: false, detail: "no block for 9 s" } });
  assert.deepEqual([old?.state, old?.value, old?.refusal], ["fails", "no block for 9 s", undefined]);
});
