import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Quote } from "../sep/types.ts";
import { dai, buying, account, selling, tokens, usdc, wbtc, weth } from "./test-support.ts";
import { assetOf } from "./document.ts";
import {
  effectLevel,
  isWorse,
  limitAt,
  limitOf,
  marketAmount,
  marketAt,
  poolFees,
  pricedToken,
  priceSentence,
  quoteAt,
  slackOf,
  usdOf,
} from "./price.ts";

/** The sale over pools with these fees, one after the other. */
const through = (fees: [number, ...number[]]): Quote => ({ ...selling, paths: [{ ...selling.paths[0], fees }] });

describe("pool fees", () => {
  test("are the pools' part of what is paid, rounded up", () => {
    assert.deepEqual(poolFees(buying), { amount: "1.251251", asset: buying.assets[1] });
    assert.deepEqual(poolFees(selling), { amount: "0.3", asset: selling.assets[0] });
  });
  test("of several pools are taken one after the other", () => {
    // 100 · (1 − 0.997 · 0.999)
    assert.equal(poolFees(through([3000, 1000])).amount, "0.3997");
    assert.equal(poolFees(through([0])).amount, "0");
  });
  test("of several paths are each path's part of its own amount", () => {
    // 75 · 0.003 + 25 · (1 − 0.9995 · 0.9999)
    assert.equal(poolFees(split).amount, "0.23999875");
  });
});

const [whole] = selling.paths;
const split: Quote = {
  ...selling,
  paths: [
    { ...whole, amount_in: "75" },
    { ...whole, amount_in: "25", fees: [500, 100] },
  ],
};

describe("the market price", () => {
  test("leaves out fees and the trade's own effect", () => {
    // Both quotes come from pools that stood at 2,500; the pools' own rounding leaves one unit.
    assert.equal(marketAmount(buying), "2500.000001");
    assert.equal(marketAmount(selling), "250000");
  });
  test("leaves out each path's own fees", () => {
    // What came out of 99.76000125 after fees, the effect of the trade put back.
    assert.equal(marketAmount(split), "249849.636003");
  });
  test("is unknown where nothing would come out", () => {
    assert.equal(marketAmount({ ...selling, price_impact: "1" }), undefined);
  });
});

describe("the limit", () => {
  test("is the quote's bound", () => {
    assert.equal(limitOf(buying), "2515.014458");
    assert.equal(limitOf(selling), "240790.514017");
    const { max_amount_in: _, ...unbound } = buying;
    assert.equal(limitOf(unbound), undefined);
  });
  test("is a success criterion where that is tighter", () => {
    const most = (value: string) => limitOf(buying, [{ metric: "max_amount_in", value }]);
    assert.equal(most("2510"), "2510");
    assert.equal(most("2600"), "2515.014458");
    assert.equal(limitOf(selling, [{ metric: "min_amount_out", value: "241000" }]), "241000");
    assert.equal(limitOf(buying, [{ metric: "min_amount_out", value: "1" }]), "2515.014458");
  });
  test("is so much worse than the quote", () => {
    assert.equal(slackOf(buying, "2515.014458"), "12.51251");
    assert.equal(slackOf(selling, "240790.514017"), "1210.002583");
  });
  test("gets worse by more to pay or less to get", () => {
    assert.equal(isWorse("2", "1", "acquire"), true);
    assert.equal(isWorse("2", "1", "dispose"), false);
    assert.equal(isWorse("1", "1", "acquire"), false);
    assert.equal(isWorse("0.9", "1", "dispose"), true);
  });
});

describe("the price", () => {
  const told = (a: typeof weth, b: typeof weth) => pricedToken([assetOf(a), assetOf(b)], tokens, "ETH").unit.symbol;
  test("is told in one direction for a pair, whichever is bought", () => {
    for (const [a, b, unit] of [
      [weth, usdc, "WETH"],
      [wbtc, weth, "WBTC"],
      [wbtc, dai, "WBTC"],
      [dai, usdc, "DAI"],
    ] as const) {
      assert.equal(told(a, b), unit);
      assert.equal(told(b, a), unit);
    }
  });
  test("is a sentence", () => {
    assert.equal(priceSentence(buying, tokens, "ETH"), "1 WETH = 2,502.50 USDC");
    assert.equal(priceSentence(selling, tokens, "ETH"), "1 WETH = 2,420.01 USDC");
    const reversed = { ...buying, assets: [buying.assets[1], buying.assets[0]] as typeof buying.assets };
    const buysDollars = { ...reversed, amount_in: "1", amount_out: "2495.5" };
    assert.equal(priceSentence(buysDollars, tokens, "ETH"), "1 WETH = 2,495.50 USDC");
    const stable = { ...buying, assets: [assetOf(dai), assetOf(usdc)] as typeof buying.assets, amount_in: "1.000312" };
    assert.equal(priceSentence(stable, tokens, "ETH"), "1 DAI = 1.00031 USDC");
  });
  test("never fails on nothing", () => {
    assert.equal(priceSentence({ ...selling, amount_in: "0" }, tokens, "ETH"), "1 WETH = – USDC");
  });
});

test("the value in USD is the account's price, or a dollar for a stablecoin", () => {
  assert.equal(usdOf("2", weth, account, tokens), "5000");
  assert.equal(usdOf("2", usdc, undefined, tokens), "2");
  assert.equal(usdOf("2", wbtc, account, tokens), null);
});

test("the price effect has four levels", () => {
  for (const [impact, level] of [
    ["0", "plain"],
    ["0.0099", "plain"],
    ["0.01", "noticeable"],
    ["0.0499", "noticeable"],
    ["0.05", "high"],
    ["0.1", "high"],
    ["0.100000000000000001", "extreme"],
  ] as const)
    assert.equal(effectLevel(impact), level, impact);
});

test("the quote stands between market and limit, for either side", () => {
  assert.equal(quoteAt("100", "100", "110"), marketAt);
  assert.equal(quoteAt("100", "110", "110"), limitAt);
  assert.equal(quoteAt("100", "105", "110"), (marketAt + limitAt) / 2);
  assert.equal(quoteAt("100", "95", "90"), (marketAt + limitAt) / 2);
  assert.equal(quoteAt("100", "100", "100"), limitAt);
  assert.equal(quoteAt("100", "99", "110"), marketAt);
});
