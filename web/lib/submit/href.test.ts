import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Intent } from "../sep/types.ts";
import { assetOf, readForm } from "./document.ts";
import { emptyForm } from "./form.ts";
import { formOfQuery, submitHref } from "./href.ts";
import { platform, tokens, usdc, weth } from "./test-support.ts";

const intent: Intent = {
  strategy_id: "eth-rebalance",
  intent_type: "dispose",
  assets: [assetOf(weth), assetOf(usdc)],
  amount: "0.050",
  constraints: { max_slippage: "0.0075", time_window: 90, execution_style: "passive" },
  success_criteria: [
    { metric: "min_amount_out", value: "120.25" },
    { metric: "max_price_impact", value: "0.0025" },
    { metric: "complete_within_ms", value: "12500" },
  ],
};
const queryOf = (href: string) => new URLSearchParams(href.slice(href.indexOf("?")));

describe("a link to the form", () => {
  test("asks for the same again", () => {
    for (const one of [
      intent,
      {
        ...intent,
        intent_type: "acquire" as const,
        constraints: { max_slippage: "0.005", time_window: 600, execution_style: "normal" as const },
        success_criteria: [],
      },
    ]) {
      const form = { ...emptyForm, ...formOfQuery(queryOf(submitHref(one))) };
      assert.deepEqual(readForm(form, tokens, platform).intent, one);
    }
  });
  test("says what it means", () => {
    assert.equal(
      submitHref({ ...intent, success_criteria: [] }),
      "/submit?side=dispose&base=WETH&quote=USDC&amount=0.050&slippage=0.0075&window=90&style=passive&strategy=eth-rebalance",
    );
  });
  test("keeps what it can read", () => {
    const query = "side=steal&base=&amount=x&slippage=a&window=1.5&style=fast&criterion=fun:1&criterion=max_gas_usd:2";
    assert.deepEqual(formOfQuery(new URLSearchParams(query)), {
      amount: "x",
      criteria: [{ id: 2, metric: "max_gas_usd", value: "2" }],
    });
    assert.deepEqual(formOfQuery(new URLSearchParams("")), {});
  });
});
