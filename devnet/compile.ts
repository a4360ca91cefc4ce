// Compiles contracts/Token.sol to contracts/Token.json, the one artifact here that no package publishes.
//   node devnet/compile.ts           writes it
//   node devnet/compile.ts --check   exits with 1 where the file is not what the source compiles to
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Solc {
  compile(input: string): string;
}
interface SolcOutput {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, { abi: unknown[]; evm: { bytecode: { object: string } } }>>;
}

const folder = fileURLToPath(new URL('./contracts/', import.meta.url));

function compileToken(): string {
  const solc = createRequire(import.meta.url)('solc') as Solc;
  const input = {
    language: 'Solidity',
    sources: { 'Token.sol': { content: readFileSync(`${folder}Token.sol`, 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'paris', // runs on every hardfork that anvil may be started with
      metadata: { bytecodeHash: 'none' }, // the same bytes whatever the comments say
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput;
  const faults = (output.errors ?? []).filter((error) => error.severity === 'error');
  const token = output.contracts['Token.sol']?.['Token'];
  if (faults.length > 0 || !token) throw new Error(faults.map((error) => error.formattedMessage).join('\n'));
  return `${JSON.stringify({ contractName: 'Token', abi: token.abi, bytecode: `0x${token.evm.bytecode.object}` }, null, 1)}\n`;
}

const artifact = compileToken();
if (!process.argv.includes('--check')) {
  writeFileSync(`${folder}Token.json`, artifact);
} else if (readFileSync(`${folder}Token.json`, 'utf8') !== artifact) {
  console.error('devnet/contracts/Token.json is not what Token.sol compiles to: run `node devnet/compile.ts`');
  process.exitCode = 1;
}
