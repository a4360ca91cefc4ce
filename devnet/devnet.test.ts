// The local chain against a real anvil: what is promised to those who use it.
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeFunctionResult, encodeFunctionData, parseUnits, type Hex } from 'viem';
import { QUOTER_ABI, SIGNER, planDeployment } from './deployment.ts';
import { batch, request } from './rpc.ts';

const run = promisify(execFile);
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const anvilProgram = createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/bin/anvil');
const { deployment } = planDeployment();
const token = (symbol: string) => deployment.tokens.find((one) => one.symbol === symbol)!;

/** A private anvil on a free port. */
async function startAnvil(...options: string[]): Promise<{ process: ChildProcess; url: string }> {
  const process = spawn(anvilProgram, ['--port', '0', '--hardfork', 'cancun', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of process.stdout!) {
    output += String(chunk);
    const address = /Listening on (\S+)/.exec(output)?.[1];
    if (address) {
      process.stdout!.resume();
      return { process, url: `http://${address}` };
    }
  }
  throw new Error(`anvil ended: ${output}`);
}

const deploy = (url: string, ...options: string[]) =>
  run(process.execPath, [file('./deploy.ts'), '--rpc', url, ...options]);

async function balanceOf(url: string, symbol: string): Promise<bigint> {
  const data = `0x70a08231${SIGNER.slice(2).toLowerCase().padStart(64, '0')}`; // balanceOf(address)
  return BigInt((await request(url, 'eth_call', { to: token(symbol).address, data }, 'latest')) as string);
}

test('config/devnet.toml names what is deployed', () => {
  const config = readFileSync(file('../config/devnet.toml'), 'utf8').replace(/ *#.*$/gm, '');
  for (const [name, address] of Object.entries(deployment.contracts))
    assert.ok(config.includes(`\n${name} = "${address}"`), `${name} = "${address}"`);
  const tokens = [...config.matchAll(/\[\[token\]\]\nsymbol = "(.*)"\nname = "(.*)"\naddress = "(.*)"\ndecimals = (.*)\n/g)];
  assert.deepEqual(
    tokens.map(([, symbol, name, address, decimals]) => ({ symbol, name, decimals: Number(decimals), address })),
    deployment.tokens,
  );
  const pools = [...config.matchAll(/\[\[pool\]\]\ntoken_a = "(.*)"\ntoken_b = "(.*)"\nfee = (.*)\n/g)];
  assert.deepEqual(
    pools.map(([, base, quote, fee]) => [base, quote, Number(fee)]),
    deployment.pools.map(({ base, quote, fee }) => [base, quote, fee]),
  );
});

test('the artifacts here are what their sources compile to', async () => {
  await run(process.execPath, [file('./compile.ts'), '--check']);
});

describe('on a fresh chain', () => {
  let anvil: Awaited<ReturnType<typeof startAnvil>>;
  before(async () => {
    anvil = await startAnvil();
    const { stdout } = await deploy(anvil.url, '--json');
    assert.deepEqual(JSON.parse(stdout), deployment);
  });
  after(() => anvil.process.kill());

  test('every contract and pool has code', async () => {
    const addresses = [...Object.values(deployment.contracts), ...deployment.pools.map(({ address }) => address)];
    const codes = await batch(
      anvil.url,
      addresses.map((address) => ({ method: 'eth_getCode', params: [address, 'latest'] })),
    );
    codes.forEach((code, index) => assert.notEqual(code, '0x', addresses[index]));
  });

  test('the signer has tokens, and all of its nonces', async () => {
    assert.equal(await request(anvil.url, 'eth_getTransactionCount', SIGNER, 'latest'), '0x0');
    assert.equal(await balanceOf(anvil.url, 'WETH'), parseUnits('1000', 18));
    assert.equal(await balanceOf(anvil.url, 'USDC'), parseUnits('10000000', 6));
    assert.equal(await balanceOf(anvil.url, 'WBTC'), parseUnits('200', 8));
    assert.equal(await balanceOf(anvil.url, 'DAI'), parseUnits('10000000', 18));
  });

  /** Selling `amount` in one pool: what one unit fetched, and the ticks crossed. */
  async function sell(tokenIn: string, tokenOut: string, fee: number, amount: string): Promise<{ price: number; ticks: number }> {
    const params = {
      tokenIn: token(tokenIn).address,
      tokenOut: token(tokenOut).address,
      amountIn: parseUnits(amount, token(tokenIn).decimals),
      fee,
      sqrtPriceLimitX96: 0n,
    };
    const call = { abi: QUOTER_ABI, functionName: 'quoteExactInputSingle' };
    const data = encodeFunctionData({ ...call, args: [params] });
    const answer = (await request(anvil.url, 'eth_call', { to: deployment.contracts.quoter, data }, 'latest')) as Hex;
    const [out, , ticks] = decodeFunctionResult({ ...call, data: answer }) as [bigint, bigint, number];
    return { price: Number(out) / 10 ** token(tokenOut).decimals / Number(amount), ticks };
  }

  test('prices before fees: WETH 2500 USDC, WBTC 20 WETH, DAI 1 USDC', async () => {
    const near = (actual: number, expected: number) =>
      assert.ok(Math.abs(actual / expected - 1) < 1e-4, `${actual} for ${expected}`);
    near((await sell('WETH', 'USDC', 500, '0.001')).price, 2500 * 0.9995);
    near((await sell('WETH', 'USDC', 3000, '0.001')).price, 2500 * 0.997);
    near((await sell('WBTC', 'WETH', 3000, '0.0001')).price, 20 * 0.997);
    near((await sell('USDC', 'DAI', 100, '1')).price, 0.9999);
  });

  test('3 WETH cross several ticks and lose less than 0.3 % to the price', async () => {
    const { price, ticks } = await sell('WETH', 'USDC', 500, '3');
    assert.ok(price > 2500 * 0.9995 * 0.997, `${price}`);
    assert.ok(ticks >= 3, `${ticks}`);
  });

  test('a second call changes nothing', async () => {
    const block = await request(anvil.url, 'eth_blockNumber');
    assert.match((await deploy(anvil.url)).stdout, /already deployed/);
    assert.equal(await request(anvil.url, 'eth_blockNumber'), block);
  });

  test('blocks are mined on demand again', async () => {
    assert.equal(await request(anvil.url, 'anvil_getAutomine'), true);
  });
});

test('an interval of mining is kept', async (t) => {
  const anvil = await startAnvil('--block-time', '7');
  t.after(() => anvil.process.kill());
  await deploy(anvil.url);
  assert.equal(await request(anvil.url, 'anvil_getIntervalMining'), 7);
});

test('refuses a chain that is not the local one', async (t) => {
  const anvil = await startAnvil('--chain-id', '1');
  t.after(() => anvil.process.kill());
  await assert.rejects(deploy(anvil.url), /serves chain 1: the local chain is 31337/);
});

test('refuses a chain where the deployer was used for something else', async (t) => {
  const anvil = await startAnvil();
  t.after(() => anvil.process.kill());
  await request(anvil.url, 'eth_sendTransaction', { from: deployment.deployer, to: SIGNER, value: '0x1' });
  await assert.rejects(deploy(anvil.url), /used for something else/);
});
