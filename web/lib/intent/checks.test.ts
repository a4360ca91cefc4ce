import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPhrase, checkWordsOf, criteriaPhrase, criterionValue } from "./checks.ts";
import { intent } from "./samples.ts";

test("checks in words", () => {
  assert.equal(checkPhrase({ check: "max_slippage", value: "0.01", limit: "0.05", ok: true }), "slippage 1% of 5%");
  assert.equal(checkPhrase({ check: "open_intents", value: "not counted", limit: "unlimited", ok: true }), "open intents not counted");
  assert.deepEqual(checkWordsOf({ check: "notional_usd", value: "no price for FOO", limit: "10000", ok: false }), {
    name: "Value",
    value: "no price for FOO",
    limit: "$10,000.00",
    ok: false,
  });
  assert.equal(checkWordsOf({ check: "new_check", value: "1", limit: "2", ok: true }).name, "new check");
});

test("criteria in their units", () => {
  assert.equal(criterionValue("max_amount_in", "2500.5", intent, {}), "2,500.5 USDC");
  assert.equal(criterionValue("min_amount_out", "1", intent, {}), "1 WETH");
  assert.equal(criterionValue("max_amount_in", "2502.501948", intent, {}), "2,502.51 USDC");
  assert.equal(criterionValue("max_amount_in", "2502.501948", intent, {}, true), "2,502.5 USDC");
  assert.equal(criterionValue("min_amount_out", "0.1234567", intent, {}), "0.123456 WETH");
  assert.equal(criterionValue("min_amount_out", "0.1234567", intent, {}, true), "0.123457 WETH");
  assert.equal(criterionValue("max_gas_usd", "5", intent, {}), "$5.00");
  assert.equal(criterionValue("max_price_impact", "0.005", intent, {}), "0.5%");
  assert.equal(criterionValue("complete_within_ms", "30000", intent, {}), "30.0 s");
  const met = { metric: "max_gas_usd", value: "5", actual: "1", met: true } as const;
  assert.equal(criteriaPhrase([met]), "1 of 1 criterion met");
  assert.equal(criteriaPhrase([met, { ...met, met: false }]), "1 of 2 criteria met");
});
