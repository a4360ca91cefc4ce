import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatShare, pathsOf, routeWithFees, routeWords, sharesOf, tokenName } from "./paths.ts";
import { intentId, planCreated, usdc, weth } from "./samples.ts";
import { foldHistory } from "../sep/fold.ts";
import type { Payloads, PlanStep, SepEvent } from "../sep/types.ts";

type Swap = Exclude<PlanStep, { kind: "approve" }>;
const dai = `0x${"9".repeat(40)}`;
const pool = (digit: string) => `0x${digit.repeat(40)}`;

const direct = planCreated("P", false).steps[0] as Swap & { paths: object };

/** As the record holds it from before there were paths. */
const inOnePool = (() => {
  const { paths: _, ...rest } = direct;
  return {
    ...rest,
    pools: [pool("d")],
    fees: [500],
    ticks_crossed: [0],
    sqrt_price_x96_after: ["79228162514264337593543950336"],
  } as unknown as Swap;
})();

const split = {
  ...direct,
  paths: [
    {
      amount_in: "1800",
      amount_out: "0.72",
      max_amount_in: "1818",
      tokens: [
        { symbol: "USDC", address: usdc.address },
        { symbol: "WETH", address: weth.address },
      ],
      pools: [pool("1")],
      fees: [500],
      ticks_crossed: [2],
      sqrt_price_x96_after: ["1"],
    },
    {
      amount_in: "700",
      amount_out: "0.28",
      max_amount_in: "707",
      tokens: [
        { symbol: "USDC", address: usdc.address },
        { symbol: "DAI", address: dai },
        { symbol: "WETH", address: weth.address },
      ],
      pools: [pool("2"), pool("3")],
      fees: [100, 3000],
      ticks_crossed: [0, 1],
      sqrt_price_x96_after: ["1", "2"],
    },
  ],
} as unknown as Swap;

describe("the paths of a plan's swap", () => {
  test("are the same for either form of a swap in one pool", () => {
    const expected = [
      {
        amountIn: "2500",
        amountOut: "1",
        bound: "2525",
        share: 100,
        hops: [{ pool: pool("d"), fee: 500, ticks: 0, from: "USDC", to: "WETH" }],
      },
    ];
    for (const swap of [direct, inOnePool]) {
      const paths = pathsOf(swap).map((path) => ({
        ...path,
        hops: path.hops.map((hop) => ({ ...hop, from: hop.from.symbol, to: hop.to.symbol })),
      }));
      assert.deepEqual(paths, expected);
    }
  });

  test("are the same in the view that the events fold to", () => {
    for (const swap of [direct, inOnePool, split]) {
      const event = {
        eventId: "01J5S3Y4PEJHBJ5A7FYHBXQRFG",
        timestamp: "2026-08-21T19:26:00.000Z",
        topic: "plan.created",
        correlationId: `intent-${intentId}`,
        causationId: "01J5S3Y4PEJHBJ5A7FYHBXQRFF",
        sequence: 4,
        payload: { ...planCreated("P", false), intentId, steps: [swap] } as unknown as Payloads["plan.created"],
        version: 1,
      } as unknown as SepEvent;
      const step = foldHistory([event]).plans[0]?.steps[0];
      assert.ok(step && step.kind === "swap");
      assert.deepEqual(pathsOf(step), pathsOf(swap));
    }
  });

  test("have shares of the exact amount, bounds of their own, and tokens in the middle", () => {
    const paths = pathsOf(split);
    assert.deepEqual(
      paths.map(({ share, bound }) => [share, bound]),
      [
        [72, "1818"],
        [28, "707"],
      ],
    );
    assert.deepEqual(
      paths[1]!.hops.map(({ from, to, fee }) => [tokenName(from), tokenName(to), fee]),
      [
        ["USDC", "DAI", 100],
        ["DAI", "WETH", 3000],
      ],
    );
  });

  test("are said in words", () => {
    assert.equal(routeWords(pathsOf(direct)), "1 pool");
    assert.equal(routeWithFees(pathsOf(inOnePool)), "1 pool at 0.05%");
    assert.equal(routeWords(pathsOf(split)), "2 paths, 3 pools");
    assert.equal(routeWithFees(pathsOf(split)), "2 paths, 3 pools");
    assert.equal(routeWithFees(pathsOf(split).slice(1)), "2 pools at 0.01% and 0.3%");
  });
});

test("a token that is not configured is named by its address", () => {
  assert.equal(tokenName({ address: dai }), "0x9999…9999");
});

test("shares are whole percents that add up", () => {
  assert.deepEqual(sharesOf([1n, 1n, 1n]), [34, 33, 33]);
  assert.deepEqual(sharesOf([994n, 6n]), [99, 1]);
  assert.deepEqual(sharesOf([9_999n, 1n]), [100, 0]);
  assert.equal(formatShare(0), "<1%");
  assert.equal(formatShare(28), "28%");
  assert.deepEqual(sharesOf([0n]), [0]);
});
