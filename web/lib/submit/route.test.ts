import assert from "node:assert/strict";
import { test } from "node:test";
import { tokensOnRoute } from "./route.ts";

const pools = [
  { address: "0xAA", token0: "DAI", token1: "USDC" },
  { address: "0xBB", token0: "WETH", token1: "DAI" },
];

test("each pool leads to its other token", () => {
  assert.deepEqual(tokensOnRoute("USDC", ["0xaa", "0xbb"], pools), ["USDC", "DAI", "WETH"]);
  assert.deepEqual(tokensOnRoute("WETH", ["0xbb", "0xaa"], pools), ["WETH", "DAI", "USDC"]);
});

test("behind a pool that is not known, or does not hold the token, nothing is claimed", () => {
  assert.deepEqual(tokensOnRoute("USDC", ["0xcc", "0xbb"], pools), ["USDC", undefined, undefined]);
  assert.deepEqual(tokensOnRoute("USDC", ["0xbb"], pools), ["USDC", undefined]);
});
