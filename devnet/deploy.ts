// Puts Uniswap V3, four tokens and four pools with liquidity on a fresh anvil, in one block.
//   node devnet/deploy.ts [--rpc http://127.0.0.1:8545] [--json]
// Exit code 0: all is there (--json prints the addresses). A second call finds that and changes nothing; a call after
// an interrupted one sends what is missing. 1: not possible, with one sentence on standard error.
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

/** The transactions that the deployer has sent already must be the ones planned here. */
async function checkContracts(url: string, sent: Transaction[]): Promise<void> {
  const created = sent.flatMap(({ creates }) => (creates ? [creates] : []));
  if (created.length === 0) return;
  const codes = await batch(
    url,
    created.map((address) => ({ method: 'eth_getCode', params: [address, 'latest'] })),
  );
  if (codes.includes('0x'))
    throw new Error(`account ${DEPLOYER} was used for something else on this chain: start a fresh anvil`);
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

/** Sends the transactions from `nonce` on, mines them and checks that each succeeded. */
async function send(url: string, transactions: Transaction[], nonce: number): Promise<void> {
  const calls = transactions.slice(nonce).map((transaction, index) => ({
    method: 'eth_sendTransaction',
    params: [
      {
        from: DEPLOYER,
        ...(transaction.to ? { to: transaction.to } : {}),
        nonce: hex(nonce + index),
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
    const { label } = transactions[nonce + index]!;
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
  const nonce = Number(await request(url, 'eth_getTransactionCount', DEPLOYER, 'latest'));
  await checkContracts(url, transactions.slice(0, nonce));

  if (nonce >= transactions.length) {
    say(`already deployed (${elapsed()})`);
  } else {
    say(`deploying ${transactions.length - nonce} transactions to ${url}`);
    await request(url, 'anvil_setBalance', DEPLOYER, hex(DEPLOYER_ETH_WEI));
    await withMiningPaused(url, () => send(url, transactions, nonce));
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
