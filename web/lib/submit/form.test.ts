import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  allowedSlippages,
  allowedWindows,
  chosenSlippage,
  chosenWindow,
  emptyForm,
  exchanged,
  findToken,
  other,
  pairOf,
  withChangedCriterion,
  withCriterion,
  withoutCriterion,
  withToken,
} from "./form.ts";
import { dai, limits, tokens, usdc, wbtc, weth } from "./test-support.ts";

const names = (form: { base: string; quote: string }) => {
  const { base, quote } = pairOf(form, tokens);
  return [base?.symbol, quote?.symbol];
};

describe("the pair", () => {
  test("is the first token that is no stablecoin, against the first stablecoin, until chosen", () => {
    assert.deepEqual(names(emptyForm), ["WETH", "USDC"]);
    assert.deepEqual(names({ base: "usdc", quote: "" }), ["USDC", "DAI"]);
    assert.deepEqual(names({ base: "", quote: "WETH" }), ["WBTC", "WETH"]);
  });
  test("is nothing where no token is known, or a name is none", () => {
    assert.deepEqual(pairOf(emptyForm, []), { base: undefined, quote: undefined });
    assert.equal(pairOf({ base: "FOO", quote: "" }, tokens).base, undefined);
  });
  test("tokens are found by symbol and by address, whatever the case", () => {
    assert.equal(findToken("wEth", tokens), weth);
    assert.equal(findToken(usdc.address.toUpperCase().replace("0X", "0x"), tokens), usdc);
  });
  test("choosing the token of the other side exchanges them", () => {
    const chosen = withToken(emptyForm, "base", usdc, tokens);
    assert.deepEqual(names(chosen), ["USDC", "WETH"]);
    assert.deepEqual(names(withToken(chosen, "quote", usdc, tokens)), ["WETH", "USDC"]);
    assert.deepEqual(names(withToken(chosen, "quote", dai, tokens)), ["USDC", "DAI"]);
    assert.deepEqual(names(withToken(emptyForm, "base", wbtc, tokens)), ["WBTC", "USDC"]);
  });
  test("exchanging keeps what was typed", () => {
    const before = { ...emptyForm, amount: "1,5", slippage: "0.01" };
    const after = exchanged(before, tokens);
    assert.deepEqual(names(after), ["USDC", "WETH"]);
    assert.deepEqual([after.amount, after.slippage, after.side], ["1,5", "0.01", "acquire"]);
    assert.deepEqual(names(exchanged(after, tokens)), ["WETH", "USDC"]);
  });
});

describe("presets", () => {
  test("are those that the limits allow", () => {
    assert.deepEqual(allowedSlippages(undefined), ["0.001", "0.005", "0.01"]);
    assert.deepEqual(allowedSlippages({ ...limits, max_slippage: "0.005" }), ["0.001", "0.005"]);
    assert.deepEqual(allowedWindows({ ...limits, max_time_window: 60 }), ["30"]);
  });
  test("the default gives way to a limit, a choice does not", () => {
    const tight = { max_slippage: "0.002", max_time_window: 10 };
    assert.equal(chosenSlippage(emptyForm, limits), "0.005");
    assert.equal(chosenSlippage(emptyForm, tight), "0.001");
    assert.equal(chosenWindow(emptyForm, tight), other);
    assert.equal(chosenSlippage({ ...emptyForm, slippage: "0.01" }, tight), "0.01");
  });
});

test("criteria are added, changed and removed by their row", () => {
  const two = withCriterion(withCriterion(emptyForm));
  assert.deepEqual(
    two.criteria.map((row) => row.id),
    [1, 2],
  );
  assert.equal(two.criteria[0]?.metric, "max_amount_in");
  assert.equal(withCriterion({ ...emptyForm, side: "dispose" }).criteria[0]?.metric, "min_amount_out");
  const changed = withChangedCriterion(two, 2, { metric: "max_gas_usd", value: "3" });
  assert.deepEqual(changed.criteria[1], { id: 2, metric: "max_gas_usd", value: "3" });
  assert.deepEqual(withoutCriterion(changed, 1).criteria, [{ id: 2, metric: "max_gas_usd", value: "3" }]);
});
