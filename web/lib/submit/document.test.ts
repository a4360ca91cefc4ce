import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  asSentence,
  fieldOf,
  firstField,
  quoteHint,
  readAmount,
  readForm,
  readPercent,
  readRequest,
  readSlippage,
  readWindow,
} from "./document.ts";
import { emptyForm, other, type Form } from "./form.ts";
import { limits, platform, tokens, usdc, wbtc, weth } from "./test-support.ts";

const form: Form = { ...emptyForm, amount: "1", strategy: "demo" };

describe("an amount", () => {
  test("is read with comma or point, and spaces", () => {
    for (const [typed, value] of [
      ["1", "1"],
      ["0,05", "0.05"],
      [".5", "0.5"],
      ["1.", "1"],
      [" 1 000.5 ", "1000.5"],
      ["007", "7"],
    ] as const)
      assert.deepEqual(readAmount(typed, weth), { value }, typed);
  });
  test("is a plain positive number", () => {
    for (const typed of ["", "0", "0,0", "-1", "1e3", "0x1", "1.2.3", "1,000.5", "∞"])
      assert.equal(readAmount(typed, weth).value, undefined, typed);
    assert.equal(readAmount("0.0", weth).fault, "Must be more than zero.");
  });
  test("has at most the token's decimals, and fits 256 bits", () => {
    assert.equal(readAmount("0.12345678", wbtc).value, "0.12345678");
    assert.equal(readAmount("0.123456789", wbtc).fault, "WBTC has at most 8 decimals.");
    const most = (2n ** 256n - 1n).toString();
    assert.equal(readAmount(`${most.slice(0, -6)}.${most.slice(-6)}`, usdc).fault, undefined);
    assert.notEqual(
      readAmount(`${(2n ** 256n).toString().slice(0, -6)}.${(2n ** 256n).toString().slice(-6)}`, usdc).fault,
      undefined,
    );
  });
});

test("a percentage becomes a ratio, exactly", () => {
  assert.equal(readPercent("0.5").value, "0.005");
  assert.equal(readPercent("0,75").value, "0.0075");
  assert.equal(readPercent("0").value, "0");
  assert.equal(readPercent("100").value, "1");
  assert.notEqual(readPercent("x").fault, undefined);
  assert.notEqual(readPercent("").fault, undefined);
  assert.notEqual(readPercent(`0.${"0".repeat(16)}1`).fault, undefined);
});

test("slippage keeps the platform's limit, and is never put right in silence", () => {
  assert.equal(readSlippage(form, limits).value, "0.005");
  const typed = (otherSlippage: string) => ({ ...form, slippage: other, otherSlippage });
  assert.equal(readSlippage(typed("5"), limits).value, "0.05");
  assert.equal(readSlippage(typed("5.01"), limits).fault, "At most 5% is allowed.");
  assert.equal(readSlippage(typed("100"), undefined).fault, "Must be below 100%.");
  assert.equal(
    readSlippage({ ...form, slippage: "0.01" }, { ...limits, max_slippage: "0.002" }).fault,
    "At most 0.2% is allowed.",
  );
});

test("a window is seconds, or a number with its unit", () => {
  const typed = (otherWindow: string) => readWindow({ ...form, window: other, otherWindow }, limits);
  assert.equal(readWindow(form, limits).value, 120);
  for (const [text, seconds] of [
    ["90", 90],
    ["90 s", 90],
    ["5m", 300],
    ["2 H", 7200],
    ["15 min", 900],
  ] as const)
    assert.equal(typed(text).value, seconds, text);
  for (const text of ["", "0", "1.5 h", "m", "-5", "5 d"]) assert.notEqual(typed(text).fault, undefined, text);
  assert.equal(typed("25 h").fault, "At most 24 h is allowed.");
});

describe("the form", () => {
  test("becomes an intent", () => {
    const reading = readForm(
      {
        ...form,
        side: "dispose",
        amount: "0,50",
        window: "30",
        style: "aggressive",
        criteria: [
          { id: 1, metric: "min_amount_out", value: "1200,5" },
          { id: 4, metric: "max_price_impact", value: "0.25" },
          { id: 5, metric: "complete_within_ms", value: "12.5" },
          { id: 6, metric: "max_gas_usd", value: "0" },
        ],
      },
      tokens,
      platform,
    );
    assert.deepEqual(reading.intent, {
      strategy_id: "demo",
      intent_type: "dispose",
      assets: [
        { symbol: "WETH", chain: "ethereum", address: weth.address, decimals: 18 },
        { symbol: "USDC", chain: "ethereum", address: usdc.address, decimals: 6 },
      ],
      amount: "0.50",
      constraints: { max_slippage: "0.005", time_window: 30, execution_style: "aggressive" },
      success_criteria: [
        { metric: "min_amount_out", value: "1200.5" },
        { metric: "max_price_impact", value: "0.0025" },
        { metric: "complete_within_ms", value: "12500" },
        { metric: "max_gas_usd", value: "0" },
      ],
    });
  });
  test("tells every fault, each at its field", () => {
    const { faults } = readForm(
      {
        ...form,
        base: "FOO",
        amount: "x",
        slippage: other,
        otherSlippage: "90",
        window: other,
        otherWindow: "soon",
        strategy: "a b",
        criteria: [
          { id: 1, metric: "max_gas_usd", value: "1" },
          { id: 2, metric: "max_amount_in", value: "1.0000001" },
        ],
      },
      tokens,
      platform,
    );
    assert.deepEqual(
      Object.keys(faults ?? {}).sort(),
      ["amount", "base", "criteria.1.value", "slippage", "strategy", "window"].sort(),
    );
    assert.equal(firstField(faults ?? {}), "amount");
    assert.equal(firstField({ "criteria.10.value": "", "criteria.2.value": "", retyped: "" }), "criteria.2.value");
  });
  test("asks a price as soon as amount and tokens can be read", () => {
    assert.equal(readRequest({ ...form, strategy: "" }, tokens, platform)?.max_slippage, "0.005");
    const loose = readRequest({ ...form, slippage: other, otherSlippage: "?" }, tokens, platform);
    assert.deepEqual([loose?.amount, loose?.max_slippage], ["1", undefined]);
    assert.equal(readRequest({ ...form, amount: "" }, tokens, platform), undefined);
    assert.equal(readRequest(form, [], platform), undefined);
  });
});

test("each pointer of the API's faults has its field", () => {
  for (const [pointer, field] of [
    ["/amount", "amount"],
    ["/strategy_id", "strategy"],
    ["/assets", "base"],
    ["/assets/0", "base"],
    ["/assets/0/address", "base"],
    ["/assets/1/symbol", "quote"],
    ["/constraints/max_slippage", "slippage"],
    ["/constraints/time_window", "window"],
    ["/constraints/execution_style", "style"],
    ["/max_slippage", "slippage"],
    ["/success_criteria/0/value", "criteria.0.value"],
    ["/success_criteria/12/metric", "criteria.12.metric"],
    ["/success_criteria/1", "criteria.1.value"],
    ["/success_criteria", undefined],
    ["/constraints", undefined],
    ["/header/Idempotency-Key", undefined],
    ["", undefined],
  ] as const)
    assert.equal(fieldOf(pointer), field, pointer);
});

test("a server's message reads as a sentence", () => {
  assert.equal(asSentence("has 10 decimals; at most 8 are allowed"), "Has 10 decimals; at most 8 are allowed.");
  assert.equal(asSentence("One field is at fault."), "One field is at fault.");
});

test("where there is no limit, what it lacks is named: a price that is there is not asked for", () => {
  assert.equal(quoteHint(false, false, { amount: "Type an amount." }), "Type an amount to see its price.");
  assert.equal(quoteHint(false, false, { quote: "Choose another." }), "Choose another.");
  assert.equal(quoteHint(true, false, undefined), "Asking for a price.");
  assert.equal(quoteHint(true, true, { slippage: "At most 5% is allowed." }), "Slippage: At most 5% is allowed.");
});
