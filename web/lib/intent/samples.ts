// For tests: lives of intents, as the services append them; time goes on by 10 ms an event.
import type { Payloads, SepEvent, Topic } from "../sep/types.ts";

type Asset = Payloads["intent.submitted"]["intent"]["assets"][0];
export const weth: Asset = { symbol: "WETH", chain: "ethereum", address: `0x${"a".repeat(40)}`, decimals: 18 };
export const usdc: Asset = { symbol: "USDC", chain: "ethereum", address: `0x${"b".repeat(40)}`, decimals: 6 };
export const hash = (digit: string): string => `0x${digit.repeat(64)}`;

export const intentId = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";
export const start = Date.parse("2026-08-21T19:26:00.000Z");

export const intent: Payloads["intent.submitted"]["intent"] = {
  strategy_id: "demo",
  intent_type: "acquire",
  assets: [weth, usdc],
  amount: "1",
  constraints: { max_slippage: "0.01", time_window: 300, execution_style: "normal" },
  success_criteria: [],
};

/** Of 2,500 USDC for 1 WETH, at most 2,525; a coin costs 2,500 USD. */
export function planCreated(planId: string, approves = true): Omit<Payloads["plan.created"], "intentId"> {
  const swap = {
    index: approves ? 1 : 0,
    kind: "swap",
    venue: "uniswap_v3",
    swap_kind: "exact_output",
    token_in: usdc,
    token_out: weth,
    amount_in: "2500",
    amount_out: "1",
    max_amount_in: "2525",
    paths: [
      {
        amount_in: "2500",
        amount_out: "1",
        max_amount_in: "2525",
        tokens: [
          { symbol: "USDC", address: usdc.address },
          { symbol: "WETH", address: weth.address },
        ],
        pools: [`0x${"d".repeat(40)}`],
        fees: [500],
        ticks_crossed: [0],
        sqrt_price_x96_after: ["79228162514264337593543950336"],
      },
    ],
    price_impact: "0.0004",
    gas_estimate: "160000",
    router: `0x${"c".repeat(40)}`,
    recipient: `0x${"e".repeat(40)}`,
    deadline: 1_787_000_300,
    block_number: 7,
    block_hash: hash("1"),
  } as const;
  const approve = { index: 0, kind: "approve", token: usdc, spender: swap.router, amount: "2525" } as const;
  return {
    planId,
    steps: approves ? [approve, { ...swap }] : [{ ...swap }],
    estimatedCost: { gas_units: "200000", gas_wei: "400000000000000", gas_eth: "0.0004", gas_usd: "1" },
    estimatedDurationMs: 0,
    riskScore: 25,
  } as unknown as Omit<Payloads["plan.created"], "intentId">;
}

export class Life {
  readonly events: SepEvent[] = [];
  #time = start;

  add<T extends Topic>(topic: T, payload: Omit<Payloads[T], "intentId">, afterMs = 10): this {
    if (this.events.length > 0) this.#time += afterMs;
    this.events.push({
      eventId: `01J5S3Y4PEJHBJ5A7FYH${String(this.events.length).padStart(6, "0")}`,
      timestamp: new Date(this.#time).toISOString(),
      topic,
      correlationId: `intent-${intentId}`,
      causationId: this.events.at(-1)?.eventId ?? `intent-${intentId}`,
      sequence: this.events.length + 1,
      payload: { ...payload, intentId },
      version: 1,
    } as unknown as SepEvent);
    return this;
  }

  accepted(): this {
    return this.add("intent.submitted", { intent })
      .add("risk.approved", {
        notionalUsd: "2500",
        checks: [
          { check: "kill_switch", value: "off", limit: "off", ok: true },
          { check: "notional_usd", value: "2500", limit: "10000", ok: true },
        ],
      })
      .add("intent.accepted", { intent });
  }

  planned(planId = "P1", approves = true): this {
    return this.add("plan.created", planCreated(planId, approves)).add("exec.started", { planId });
  }

  prepared(
    stepIndex: number,
    kind: Payloads["exec.step_prepared"]["kind"],
    digit: string,
    { planId = "P1", attempt = 1, nonce = stepIndex, cap = "2000000000" } = {},
  ): this {
    return this.add("exec.step_prepared", {
      planId,
      stepIndex,
      attempt,
      kind,
      nonce,
      txHash: hash(digit),
      rawTx: "0x02",
      fees: { gas_limit: "200000", max_fee_per_gas: cap, max_priority_fee_per_gas: "1000000000" },
    });
  }

  sent(
    stepIndex: number,
    kind: Payloads["exec.step_submitted"]["kind"],
    digit: string,
    { planId = "P1", attempt = 1, nonce = stepIndex } = {},
  ): this {
    return this.add("exec.step_submitted", { planId, stepIndex, attempt, kind, txHash: hash(digit), nonce });
  }

  filled(stepIndex: number, digit: string, amountIn: string, amountOut: string, planId = "P1"): this {
    return this.add("exec.step_filled", {
      planId,
      stepIndex,
      txHash: hash(digit),
      blockNumber: 8,
      blockHash: hash("2"),
      amountIn,
      amountOut,
      gasUsed: "100000",
      effectiveGasPrice: "1500000000",
    });
  }

  reverted(stepIndex: number, digit: string, planId = "P1"): this {
    return this.add("exec.step_reverted", {
      planId,
      stepIndex,
      txHash: hash(digit),
      reason: "SLIPPAGE_EXCEEDED",
      detail: "Too much requested",
      blockNumber: 9,
      blockHash: hash("3"),
      gasUsed: "80000",
      effectiveGasPrice: "1000000000",
    });
  }

  completed(amountIn: string, digit: string, gasCostUsd = "0.75"): this {
    return this.add("exec.completed", {
      planId: "P1",
      amountIn,
      amountOut: "1",
      txHash: hash(digit),
      gasCostUsd,
      criteria: [],
    });
  }
}
