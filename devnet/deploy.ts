// Puts Uniswap V3, four tokens and four pools with liquidity on a fresh anvil, in one block.
//   node devnet/deploy.ts [--rpc http://127.0.0.1:8545] [--json]
// Exit code 0: all is there (--json prints the addresses); a second call finds that and changes nothing.
// 1: not possible, with one sentence on standard error.
import { parseArgs } from 'node:util';
import { CHAIN_ID, DEPLOYER, planDeployment, type Transaction } from './deployment.ts';
import { batch, hex, request } from './rpc.ts';

const MAX_FEE_WEI = 10n ** 12n; // 1,000 gwei, far above any base fee of a fresh chain
const PRIORITY_FEE_WEI = 10n ** 9n;
const DEPLOYER_ETH_WEI = 10n ** 25n; // 10 million ETH: the pools' WETH is wrapped from it

const elapsed = (): string => `${(performance.now() / 1000).toFixed(2)} s`;

async function checkChain(url: string): Promise<void> {
  const [chainId, client] = (await batch(url, [{ method: 'eth_chainId' }, { method: 'web3_clientVersion' }])) as [
    string,
    string,
  ];
  if (!client.startsWith('anvil/')) throw new Error(`${url} is not an anvil (${client}): refusing to deploy`);
  if (Number(chainId) !== CHAIN_ID)
    throw new Error(`${url} serves chain ${Number(chainId)}: the local chain is ${CHAIN_ID}`);
}

/** Whether the plan's transactions are in the chain already. Throws where the deployer sent others. */
async function isDeployed(url: string, transactions: Transaction[]): Promise<boolean> {
  const created = transactions.flatMap(({ creates }) => (creates ? [creates] : []));
  const [count, ...codes] = (await batch(url, [
    { method: 'eth_getTransactionCount', params: [DEPLOYER, 'latest'] },
    ...created.map((address) => ({ method: 'eth_getCode', params: [address, 'latest'] })),
  ])) as [string, ...string[]];
  if (Number(count) === 0) return false;
  if (Number(count) < transactions.length || codes.includes('0x'))
    throw new Error(`account ${DEPLOYER} was used for something else on this chain: start a fresh anvil`);
  return true;
}

/** Runs `action` while nothing is mined by itself and a block holds any amount of gas; puts both back after. */
async function withMiningPaused(url: string, action: () => Promise<void>): Promise<void> {
  const [automine, interval, head] = (await batch(url, [
    { method: 'anvil_getAutomine' },
    { method: 'anvil_getIntervalMining' },
    { method: 'eth_getBlockByNumber', params: ['latest', false] },
  ])) as [boolean, number | null, { gasLimit: string }];
  await batch(url, [
    { method: 'evm_setIntervalMining', params: [0] }, // 0: neither by interval nor on demand
    { method: 'evm_setBlockGasLimit', params: [hex(2n ** 32n)] },
  ]);
  try {
    await action();
  } finally {
    await request(url, 'evm_setBlockGasLimit', head.gasLimit);
    if (interval) await request(url, 'evm_setIntervalMining', interval);
    else await request(url, 'evm_setAutomine', automine);
  }
}

/** Sends the transactions, mines them and checks that each succeeded. */
async function send(url: string, transactions: Transaction[]): Promise<void> {
  const calls = transactions.map((transaction, nonce) => ({
    method: 'eth_sendTransaction',
    params: [
      {
        from: DEPLOYER,
        ...(transaction.to ? { to: transaction.to } : {}),
        nonce: hex(nonce),
        data: transaction.data,
        value: hex(transaction.value),
        gas: hex(transaction.gas),
        maxFeePerGas: hex(MAX_FEE_WEI),
        maxPriorityFeePerGas: hex(PRIORITY_FEE_WEI),
      },
    ],
  }));
  const hashes = await batch(url, calls);
  await request(url, 'evm_mine');
  const receipts = (await batch(
    url,
    hashes.map((hash) => ({ method: 'eth_getTransactionReceipt', params: [hash] })),
  )) as ({ status: string } | null)[];
  receipts.forEach((receipt, index) => {
    const { label } = transactions[index]!;
    if (receipt?.status !== '0x1') throw new Error(`${label}: ${receipt ? 'reverted' : 'not mined'}`);
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rpc: { type: 'string', default: 'http://127.0.0.1:8545' }, json: { type: 'boolean', default: false } },
  });
  const url = values.rpc;
  const say = (line: string) => (values.json ? console.error(line) : console.log(line));

  const { deployment, transactions } = planDeployment();
  await checkChain(url);
  if (await isDeployed(url, transactions)) {
    say(`already deployed (${elapsed()})`);
  } else {
    say(`deploying ${transactions.length} transactions to ${url}`);
    await request(url, 'anvil_setBalance', DEPLOYER, hex(DEPLOYER_ETH_WEI));
    await withMiningPaused(url, () => send(url, transactions));
    const positions = deployment.pools.reduce((sum, pool) => sum + pool.positions, 0);
    say(`deployed Uniswap V3, ${deployment.tokens.length} tokens, ${deployment.pools.length} pools, ${positions} positions (${elapsed()})`);
  }
  if (values.json) console.log(JSON.stringify(deployment, null, 2));
  else for (const [name, address] of Object.entries(deployment.contracts)) say(`  ${name.padEnd(16)} ${address}`);
}

await main().catch((error: unknown) => {
  const { message, cause } = error as Error;
  console.error(`deploy: ${cause instanceof Error ? `${message}: ${cause.message}` : message}`);
  process.exitCode = 1;
});
