import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  basisPoints,
  compare,
  divide,
  formatAmount,
  formatPercent,
  formatSigned,
  formatUsd,
  fromUnits,
  multiply,
  parseInput,
  roundTo,
  subtract,
  toUnits,
} from "./amount.ts";

test("stablecoins have 2 decimals, others up to 6 significant digits and at most 6 decimals", () => {
  assert.equal(formatAmount("2512.4", true), "2,512.40");
  assert.equal(formatAmount("0.173812345", false), "0.173812");
  assert.equal(formatAmount("12.3456789", false), "12.3457");
  assert.equal(formatAmount("1234567.89", false), "1,234,568");
  assert.equal(formatAmount("1.0", false), "1");
  assert.equal(formatAmount("0", true), "0");
});

test("what is too small is told as below the smallest, never as zero or with an exponent", () => {
  assert.equal(formatAmount("0.000000000000000001", false), "<0.000001");
  assert.equal(formatAmount("0.004", true), "<0.01");
});

test("at most rounds up, at least rounds down", () => {
  assert.equal(formatAmount("2512.400001", true, "up"), "2,512.41");
  assert.equal(formatAmount("2512.409999", true, "down"), "2,512.40");
  assert.equal(roundTo("-1.25", 1, "down"), "-1.2");
  assert.equal(roundTo("999.995", 2, "nearest"), "1000.00");
});

test("amounts beyond the range of a double keep every digit", () => {
  const most = (2n ** 256n - 1n).toString();
  assert.equal(fromUnits(toUnits(most, 18), 18), most);
  assert.equal(subtract(add(most, "0.000000000000000001"), most), "0.000000000000000001");
  assert.equal(multiply("1.000000000000000001", "3"), "3.000000000000000003");
});

test("USD says what is unknown, what is zero and what is less than a cent", () => {
  assert.equal(formatUsd("2499.755"), "$2,499.76");
  assert.equal(formatUsd("0.001"), "<$0.01");
  assert.equal(formatUsd("0"), "$0");
  assert.equal(formatUsd(null), "–");
  assert.equal(formatUsd("-3.5"), "−$3.50");
  assert.equal(formatUsd("4830000", true), "$4.83 M");
});

test("paying less and receiving more is better than quoted", () => {
  assert.equal(basisPoints("2500.21", "2499.91", "paid"), "-1.2");
  assert.equal(basisPoints("2499.91", "2500.21", "paid"), "1.1");
  assert.equal(basisPoints("101", "100", "received"), "100.0");
  assert.equal(basisPoints("1", "0", "received"), undefined);
  assert.equal(formatSigned("-1.2"), "−1.2");
  assert.equal(formatSigned("0.8"), "+0.8");
  assert.equal(formatSigned("-0.0"), "0.0");
});

test("percent, division and order", () => {
  assert.equal(formatPercent("0.005"), "0.5%");
  assert.equal(formatPercent("0.00001"), "<0.01%");
  assert.equal(divide("1", "3", 4), "0.3333");
  assert.equal(divide("1", "0", 4), undefined);
  assert.equal(compare("1.10", "1.1"), 0);
  assert.equal(compare("-2", "1"), -1);
});

test("input takes comma and point, and refuses what is no positive plain number", () => {
  assert.equal(parseInput(" 1,5 "), "1.5");
  assert.equal(parseInput("007.50"), "7.50");
  assert.equal(parseInput(".5"), "0.5");
  assert.equal(parseInput("1."), "1");
  for (const bad of ["", "0", "0.00", "-1", "1e3", "1.2.3", "abc", "1,000.5"])
    assert.equal(parseInput(bad), undefined, bad);
});
