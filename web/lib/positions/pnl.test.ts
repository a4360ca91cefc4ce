import assert from "node:assert/strict";
import { test } from "node:test";
import { accountTotal, pricesOf, profitOf, totalOf, totalsOf, valueUsd, wholeOf, type Pair } from "./pnl.ts";
import { formatPrice, signedAmount, signedPercent, signedUsd } from "./wording.ts";

const weth = { symbol: "WETH", chain: "ethereum", address: "0x00000000000000000000000000000000000000AA", decimals: 18 };
const usdc = { symbol: "USDC", chain: "ethereum", address: "0x00000000000000000000000000000000000000BB", decimals: 6 };
const prices = { [weth.address.toLowerCase()]: "2500", [usdc.address.toLowerCase()]: "1" };

const pair = (given: Partial<Pair>): Pair => ({
  base: weth,
  quote: usdc,
  bought_base: "0",
  paid_quote: "0",
  sold_base: "0",
  received_quote: "0",
  position_base: "0",
  average_cost_quote: "0",
  realised_pnl_quote: "0",
  gas_usd: "0",
  fills: 1,
  ...given,
});

test("a long position gains what its price has risen above its cost", () => {
  const profit = profitOf(
    pair({ bought_base: "2", paid_quote: "4800", position_base: "2", average_cost_quote: "2400" }),
    prices,
  );
  assert.equal(profit.price, "2500");
  assert.equal(profit.cost, "4800");
  assert.equal(profit.unrealised, "200");
  assert.equal(profit.unrealisedUsd, "200");
  assert.equal(profit.valueUsd, "5000");
  assert.equal(profit.unrealisedRatio, "0.041666", "200 of 4800, cut");
});

test("a short position gains what its price has fallen below what it brought", () => {
  const profit = profitOf(
    pair({ sold_base: "1", received_quote: "2600", position_base: "-1", average_cost_quote: "2600" }),
    prices,
  );
  assert.equal(profit.cost, "-2600");
  assert.equal(profit.unrealised, "100");
  assert.equal(profit.valueUsd, "-2500");
  assert.equal(profit.unrealisedRatio, "0.038461");
});

test("the cost of what is left is exact, though the average beside it is rounded", () => {
  const profit = profitOf(
    pair({
      bought_base: "2",
      paid_quote: "5007.57071",
      sold_base: "0.7",
      received_quote: "1752.070461",
      position_base: "1.3",
      average_cost_quote: "2503.785354",
      realised_pnl_quote: "-0.579288",
    }),
    prices,
  );
  assert.equal(profit.cost, "3254.920961");
  assert.equal(profit.unrealised, "-4.920961");
  assert.equal(profit.unrealisedRatio, "-0.001512", "a loss is rounded away from zero");
  assert.equal(profit.realisedUsd, "-0.579288");
});

test("what does not divide is rounded against the strategy, to the quote token's last unit", () => {
  const third = { [weth.address.toLowerCase()]: "1", [usdc.address.toLowerCase()]: "3" };
  const long = profitOf(pair({ bought_base: "1", position_base: "1" }), third);
  assert.equal(long.unrealised, "0.333333");
  const short = profitOf(pair({ sold_base: "1", position_base: "-1" }), third);
  assert.equal(short.unrealised, "-0.333334");
  assert.equal(valueUsd("0.0000001", { address: usdc.address, decimals: 7 }, prices), "0");
  assert.equal(valueUsd("-0.0000001", { address: usdc.address, decimals: 7 }, prices), "-0.000001");
});

test("without a price nothing is claimed, but a closed position has no unrealised profit at any price", () => {
  const open = profitOf(pair({ bought_base: "1", paid_quote: "10", position_base: "1" }), {});
  assert.equal(open.price, undefined);
  assert.equal(open.unrealised, undefined);
  assert.equal(open.valueUsd, undefined);
  const closed = profitOf(
    pair({ bought_base: "1", paid_quote: "10", sold_base: "1", received_quote: "12", realised_pnl_quote: "2" }),
    {},
  );
  assert.equal(closed.unrealised, "0");
  assert.equal(closed.unrealisedRatio, undefined);
  assert.equal(closed.valueUsd, "0");
  assert.equal(closed.realisedUsd, undefined);
});

test("amounts beyond what a float holds stay exact", () => {
  const profit = profitOf(
    pair({
      bought_base: "123456789012345678.000000000000000001",
      paid_quote: "1",
      position_base: "123456789012345678.000000000000000001",
    }),
    prices,
  );
  assert.equal(profit.unrealised, "308641972530864194999");
});

test("totals take gas off, and name what they leave out", () => {
  const dai = { ...weth, symbol: "DAI", address: "0x00000000000000000000000000000000000000CC" };
  const totals = totalsOf(
    [
      pair({ bought_base: "2", paid_quote: "4800", position_base: "2", realised_pnl_quote: "0", gas_usd: "1.25" }),
      pair({ base: dai, bought_base: "1", paid_quote: "1", position_base: "1", gas_usd: "0.5" }),
    ],
    prices,
  );
  assert.equal(totals.unrealised.usd, "200");
  assert.deepEqual(totals.unrealised.without, ["DAI"]);
  assert.equal(totals.realised.usd, "0");
  assert.deepEqual(totals.realised.without, []);
  assert.equal(totals.gasUsd, "1.75");
  assert.equal(totals.profit.usd, "198.25");
  assert.deepEqual(totals.profit.without, ["DAI"]);
});

test("a sum of which nothing is known is not known; one that only the whole means neither", () => {
  assert.deepEqual(totalOf([{ usd: undefined, symbol: "DAI" }]), { usd: undefined, without: ["DAI"] });
  assert.deepEqual(totalOf([]), { usd: "0", without: [] });
  const partly = totalOf([
    { usd: undefined, symbol: "DAI" },
    { usd: "-500", symbol: "USDC" },
  ]);
  assert.equal(partly.usd, "-500");
  assert.equal(wholeOf(partly).usd, undefined);
  const totals = totalsOf([pair({ bought_base: "1", paid_quote: "10", position_base: "1", gas_usd: "1" })], {});
  assert.equal(totals.unrealised.usd, undefined);
  assert.equal(totals.realised.usd, "0");
  assert.equal(totals.profit.usd, undefined);
  assert.equal(totals.gasUsd, "1");
});

test("realised and unrealised profit are together what the holdings are worth", () => {
  const book = pair({
    bought_base: "2",
    paid_quote: "5000",
    sold_base: "0.7",
    received_quote: "1752",
    position_base: "1.3",
    realised_pnl_quote: "2",
  });
  const { unrealised, realised } = totalsOf([book], prices);
  assert.equal(Number(unrealised.usd) + Number(realised.usd), 1.3 * 2500 - 3248);
});

test("prices and totals of the account", () => {
  const account = {
    native: { symbol: "ETH", balance: "2", value_usd: "5000" },
    tokens: [
      { asset: weth, balance: "1", allowance: "0", price_usd: "2500", value_usd: "2500" },
      { asset: usdc, balance: "0", allowance: "0", price_usd: null, value_usd: null },
    ],
  };
  assert.equal(pricesOf(account)[weth.address.toLowerCase()], "2500");
  assert.deepEqual(accountTotal(account), { usd: "7500", without: [] });
  account.tokens[1]!.balance = "3";
  assert.deepEqual(accountTotal(account), { usd: "7500", without: ["USDC"] });
});

test("signs are said, not only coloured", () => {
  assert.equal(signedAmount("12.4", true), "+12.40");
  assert.equal(signedAmount("-0.579288", true), "−0.58");
  assert.equal(signedAmount("-0.001", true), "−<0.01");
  assert.equal(signedAmount("0", true), "0");
  assert.equal(signedAmount(undefined, true), "–");
  assert.equal(signedUsd("-4.920961"), "−$4.92");
  assert.equal(signedUsd("198.25"), "+$198.25");
  assert.equal(signedPercent("0.041666"), "+4.17%");
  assert.equal(signedPercent("-0.001512"), "−0.15%");
  assert.equal(signedPercent("0"), "0%");
  assert.equal(formatPrice("2503.785354"), "2,503.79");
  assert.equal(formatPrice("1.000112"), "1.00011");
  assert.equal(formatPrice("20.0668694981242494"), "20.0669");
});
