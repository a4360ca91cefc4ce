// What the local chain holds, as values: contracts, tokens, pools, positions, and the transactions that make them.
// Pure. Every transaction comes from one account that nothing else uses, at a fixed nonce, so every address is the
// same on every chain that starts empty; config/devnet.toml names them, and a test holds that file to this one.
import { createRequire } from 'node:module';
import {
  encodeAbiParameters,
  encodeDeployData,
  encodeFunctionData,
  getContractAddress,
  getCreate2Address,
  keccak256,
  parseUnits,
  type Abi,
  type Address,
  type Hex,
} from 'viem';
import { TICK_SPACING, amountsOf, positionsOf, type Position, type Shape } from './positions.ts';

/** Account 9 of anvil's mnemonic. Account 0, the platform's signer, keeps its nonces for itself. */
export const DEPLOYER: Address = '0xa0Ee7A142d267C1f36714E4a8F75612F20a79720';
export const SIGNER: Address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
export const CHAIN_ID = 31337;
const ZERO: Address = '0x0000000000000000000000000000000000000000';

export interface Token {
  symbol: string;
  name: string;
  decimals: number;
  address: Address;
}

export interface Pool {
  base: string; // token symbols
  quote: string;
  fee: number; // hundredths of a basis point
  price: number; // initially, whole quote tokens for one whole base token
  depth: number; // liquidity at that price as the base side of a full-range pool, whole tokens
  seed: number;
}

export interface Deployment {
  chain_id: number;
  deployer: Address;
  signer: Address;
  contracts: Record<
    'factory' | 'swap_router' | 'quoter' | 'tick_lens' | 'position_manager' | 'weth',
    Address
  >;
  tokens: Token[];
  pools: { base: string; quote: string; fee: number; address: Address; positions: number }[];
}

/** One transaction of the deployer; its place in the list is its nonce. */
export interface Transaction {
  label: string;
  to: Address | null; // null: creates a contract
  creates?: Address;
  data: Hex;
  value: bigint;
  gas: bigint;
}

// A trade of 1 WETH moves the 0.05 % pool by about 0.1 %, one or two initialised ticks. The others are deeper.
const POOLS: Pool[] = [
  { base: 'WETH', quote: 'USDC', fee: 500, price: 2500, depth: 2000, seed: 1 },
  { base: 'WETH', quote: 'USDC', fee: 3000, price: 2500, depth: 3000, seed: 2 },
  { base: 'WBTC', quote: 'WETH', fee: 3000, price: 20, depth: 150, seed: 3 },
  { base: 'USDC', quote: 'DAI', fee: 100, price: 1, depth: 40_000_000, seed: 4 },
];

/** What the signer starts with, in whole tokens, beside anvil's 10,000 ETH. */
const SIGNER_FUNDS: Record<string, string> = { WETH: '1000', USDC: '10000000', WBTC: '200', DAI: '10000000' };

const TOKENS = [
  { symbol: 'WETH', name: 'Wrapped Ether', decimals: 18 },
  { symbol: 'USDC', name: 'USD Coin', decimals: 6 },
  { symbol: 'WBTC', name: 'Wrapped BTC', decimals: 8 },
  { symbol: 'DAI', name: 'Dai Stablecoin', decimals: 18 },
];

const GAS = { contract: 6_000_000n, call: 200_000n, pool: 6_000_000n, positions: 16_000_000n }; // at most 2^24

interface Artifact {
  abi: Abi;
  bytecode: Hex;
}
const require = createRequire(import.meta.url);
const artifact = (path: string): Artifact => require(path) as Artifact;
const ARTIFACTS = {
  token: artifact('./contracts/Token.json'),
  provider: artifact('./contracts/LiquidityProvider.json'),
  weth: artifact('canonical-weth/build/contracts/WETH9.json'),
  factory: artifact('@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json'),
  pool: artifact('@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json'),
  positionManager: artifact(
    '@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json',
  ),
  swapRouter: artifact('@uniswap/swap-router-contracts/artifacts/contracts/SwapRouter02.sol/SwapRouter02.json'),
  quoter: artifact('@uniswap/swap-router-contracts/artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json'),
  tickLens: artifact('@uniswap/v3-periphery/artifacts/contracts/lens/TickLens.sol/TickLens.json'),
};
export const QUOTER_ABI = ARTIFACTS.quoter.abi;

/** Collects transactions and knows the address that each creation will have. */
class Plan {
  readonly transactions: Transaction[] = [];

  create(label: string, { abi, bytecode }: Artifact, args: unknown[] = []): Address {
    const address = getContractAddress({ from: DEPLOYER, nonce: BigInt(this.transactions.length) });
    const data = encodeDeployData({ abi, bytecode, args });
    this.transactions.push({ label, to: null, creates: address, data, value: 0n, gas: GAS.contract });
    return address;
  }

  call(label: string, to: Address, abi: Abi, name: string, args: unknown[], options: { value?: bigint; gas?: bigint } = {}) {
    const data = encodeFunctionData({ abi, functionName: name, args });
    this.transactions.push({ label, to, data, value: options.value ?? 0n, gas: options.gas ?? GAS.call });
  }
}

/** floor(√n) */
function integerSqrt(n: bigint): bigint {
  if (n < 2n) return n;
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Where the factory puts a pool (PoolAddress.sol). */
function poolAddress(factory: Address, token0: Token, token1: Token, fee: number): Address {
  const key = encodeAbiParameters(
    [{ type: 'address' }, { type: 'address' }, { type: 'uint24' }],
    [token0.address, token1.address, fee],
  );
  return getCreate2Address({
    from: factory,
    salt: keccak256(key),
    bytecodeHash: keccak256(ARTIFACTS.pool.bytecode),
  });
}

/** A pool with its tokens in the contract's order. */
interface SortedPool {
  pool: Pool;
  label: string;
  token0: Token;
  token1: Token;
  address: Address;
  shape: Shape;
  sqrtPriceX96: bigint;
  positions: Position[];
}

function sortPool(pool: Pool, base: Token, quote: Token, factory: Address): SortedPool {
  const baseFirst = BigInt(base.address) < BigInt(quote.address);
  const [token0, token1] = baseFirst ? [base, quote] : [quote, base];
  const oneBase = 10n ** BigInt(base.decimals);
  const itsPrice = parseUnits(String(pool.price), quote.decimals);
  const [amount0, amount1] = baseFirst ? [oneBase, itsPrice] : [itsPrice, oneBase];
  const shape = {
    sqrtPrice: Math.sqrt(Number(amount1) / Number(amount0)),
    tickSpacing: TICK_SPACING[pool.fee]!,
    liquidity: pool.depth * Math.sqrt(Number(amount0) * Number(amount1)),
  };
  return {
    pool,
    label: `${pool.base}/${pool.quote} ${pool.fee / 10_000} %`,
    token0,
    token1,
    address: poolAddress(factory, token0, token1, pool.fee),
    shape,
    sqrtPriceX96: integerSqrt((amount1 << 192n) / amount0),
    positions: positionsOf(pool, shape),
  };
}

/** Everything that is in the chain afterwards, and the deployer's transactions, in order of their nonces. */
export function planDeployment(): { deployment: Deployment; transactions: Transaction[] } {
  const plan = new Plan();
  const tokens = TOKENS.map((token): Token => {
    const address =
      token.symbol === 'WETH'
        ? plan.create('WETH9', ARTIFACTS.weth)
        : plan.create(token.symbol, ARTIFACTS.token, [token.name, token.symbol, token.decimals]);
    return { ...token, address };
  });
  const tokenOf = (symbol: string): Token => tokens.find((token) => token.symbol === symbol)!;
  const weth = tokenOf('WETH').address;
  const factory = plan.create('UniswapV3Factory', ARTIFACTS.factory);
  const manager = plan.create('NonfungiblePositionManager', ARTIFACTS.positionManager, [factory, weth, ZERO]);
  const contracts = {
    factory,
    swap_router: plan.create('SwapRouter02', ARTIFACTS.swapRouter, [ZERO, factory, manager, weth]),
    quoter: plan.create('QuoterV2', ARTIFACTS.quoter, [factory, weth]),
    tick_lens: plan.create('TickLens', ARTIFACTS.tickLens),
    position_manager: manager,
    weth,
  };
  plan.call('fee tier 0.01 %', factory, ARTIFACTS.factory.abi, 'enableFeeAmount', [100, 1]);

  const provider = plan.create('LiquidityProvider', ARTIFACTS.provider);

  const pools = POOLS.map((pool) => sortPool(pool, tokenOf(pool.base), tokenOf(pool.quote), factory));
  for (const token of tokens) fund(plan, token, provider, pools);
  for (const pool of pools) openPool(plan, manager, provider, pool);

  const deployment: Deployment = {
    chain_id: CHAIN_ID,
    deployer: DEPLOYER,
    signer: SIGNER,
    contracts,
    tokens,
    pools: pools.map((sorted) => ({
      base: sorted.pool.base,
      quote: sorted.pool.quote,
      fee: sorted.pool.fee,
      address: sorted.address,
      positions: sorted.positions.length,
    })),
  };
  return { deployment, transactions: plan.transactions };
}

/** Makes what the positions need of a token, and a little more against rounding, and what the signer starts with. */
function fund(plan: Plan, token: Token, provider: Address, pools: SortedPool[]): void {
  const forSigner = parseUnits(SIGNER_FUNDS[token.symbol]!, token.decimals);
  const needed = pools
    .flatMap(({ token0, token1, shape, positions }) =>
      positions.map((position) => {
        const [amount0, amount1] = amountsOf(shape, position);
        return token === token0 ? amount0 : token === token1 ? amount1 : 0;
      }),
    )
    .reduce((sum, amount) => sum + amount, 0);
  const forPools = BigInt(Math.ceil(needed * 1.001));
  if (token.symbol === 'WETH') {
    const { abi } = ARTIFACTS.weth;
    plan.call('wrap ETH', token.address, abi, 'deposit', [], { value: forPools + forSigner });
    plan.call('WETH for the pools', token.address, abi, 'transfer', [provider, forPools]);
    plan.call('WETH for the signer', token.address, abi, 'transfer', [SIGNER, forSigner]);
  } else {
    const { abi } = ARTIFACTS.token;
    plan.call(`${token.symbol} for the pools`, token.address, abi, 'mint', [provider, forPools]);
    plan.call(`${token.symbol} for the signer`, token.address, abi, 'mint', [SIGNER, forSigner]);
  }
}

function openPool(plan: Plan, manager: Address, provider: Address, sorted: SortedPool): void {
  const { pool, label, token0, token1, address, sqrtPriceX96, positions } = sorted;
  plan.call(
    `pool ${label}`,
    manager,
    ARTIFACTS.positionManager.abi,
    'createAndInitializePoolIfNecessary',
    [token0.address, token1.address, pool.fee, sqrtPriceX96],
    { gas: GAS.pool },
  );
  for (const half of [positions.slice(0, positions.length / 2), positions.slice(positions.length / 2)])
    plan.call(`positions of ${label}`, provider, ARTIFACTS.provider.abi, 'provide', [address, half], {
      gas: GAS.positions,
    });
}
