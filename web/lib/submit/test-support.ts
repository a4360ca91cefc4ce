// Samples for the tests of this folder: the tokens of the local chain, and a quote that its pools gave.
import type { Account, Platform, Quote, Token } from "../sep/types.ts";
import { assetOf } from "./document.ts";

const token = (symbol: string, address: string, decimals: number, stablecoin: boolean): Token => ({
  chainId: 31337,
  address,
  symbol,
  name: symbol,
  decimals,
  extensions: { chain: "ethereum", stablecoin },
});
export const weth = token("WETH", "0x700b6A60ce7EaaEA56F065753d8dcB9653dbAD35", 18, false);
export const usdc = token("USDC", "0xA15BB66138824a1c7167f5E85b957d04Dd34E468", 6, true);
export const wbtc = token("WBTC", "0xb19b36b1456E65E3A6D514D3F715f204BD59f431", 8, false);
export const dai = token("DAI", "0x8ce361602B935680E8DeC218b820ff5056BeB7af", 18, true);
export const tokens: readonly Token[] = [weth, usdc, wbtc, dai];

export const platform: Platform = {
  version: "0.1.0",
  venue: "uniswap_v3",
  chain: { name: "ethereum", chain_id: 31337, confirmations: 1, native_symbol: "ETH" },
  limits: {
    max_notional_usd: "10000",
    max_slippage: "0.05",
    max_price_impact: "0.1",
    max_open_intents: 0,
    allowed_tokens: [],
    max_attempts: 3,
    max_fee_per_gas: "500000000000",
    bump_percent: "12.5",
    max_gas_usd: "250",
    max_time_window: 86_400,
  },
  execution_styles: {
    passive: {
      max_priority_fee_per_gas: "100000000",
      reward_percentile: 10,
      base_fee_multiplier_percent: 150,
      bump_after_ms: 60_000,
    },
    normal: {
      max_priority_fee_per_gas: "1000000000",
      reward_percentile: 50,
      base_fee_multiplier_percent: 200,
      bump_after_ms: 30_000,
    },
    aggressive: {
      max_priority_fee_per_gas: "3000000000",
      reward_percentile: 90,
      base_fee_multiplier_percent: 300,
      bump_after_ms: 12_000,
    },
  },
  allowance: "exact",
};
export const { limits } = platform;

export const account: Account = {
  address: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
  block_number: 1,
  as_of: "2026-11-22T14:32:00.000Z",
  fresh: true,
  halted: null,
  native: { symbol: "ETH", balance: "10", value_usd: "25000" },
  tokens: [
    { asset: assetOf(weth), balance: "4.2071", allowance: "0", price_usd: "2500", value_usd: "10517.75" },
    { asset: assetOf(usdc), balance: "48210.55", allowance: "0", price_usd: "1", value_usd: "48210.55" },
  ],
};

/** Of one pool with 0.05 %, at a market price of 2,500. */
export const buying: Quote = {
  intent_type: "acquire",
  assets: [assetOf(weth), assetOf(usdc)],
  amount: "1",
  amount_in: "2502.501948",
  amount_out: "1",
  max_amount_in: "2515.014458",
  price: "2502.501948",
  notional_usd: "2500",
  paths: [
    {
      amount_in: "2502.501948",
      amount_out: "1",
      tokens: [
        { symbol: "USDC", address: usdc.address },
        { symbol: "WETH", address: weth.address },
      ],
      pools: ["0x70e2a0179dcF2Dd6F3249363664F0B25A52ec8b3"],
      fees: [500],
      ticks_crossed: [1],
      sqrt_price_x96_after: ["1584563250285286751870879006720000"],
    },
  ],
  pools: ["0x70e2a0179dcF2Dd6F3249363664F0B25A52ec8b3"],
  fees: [500],
  price_impact: "0.000500028246668801",
  ticks_crossed: [1],
  estimated_cost: { gas_units: "301000", gas_wei: "602000000000000", gas_eth: "0.000602", gas_usd: "1.505" },
  block_number: 1,
  block_hash: "0xe8a4ded78061f55d19f554f59561a7b2fa21415e548f8498f7402b4ae25bafd0",
};

/** Of the pool with 0.3 %, at the same market price. */
export const selling: Quote = {
  ...buying,
  intent_type: "dispose",
  amount: "100",
  amount_in: "100",
  amount_out: "242000.5166",
  min_amount_out: "240790.514017",
  price: "2420.005166",
  notional_usd: "250000",
  paths: [{ ...buying.paths[0], amount_in: "100", amount_out: "242000.5166", fees: [3000] }],
  fees: [3000],
  price_impact: "0.029085189167502507",
};
delete selling.max_amount_in;
