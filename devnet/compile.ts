// Compiles contracts/*.sol, the few that no package publishes, each to the artifact (.json) beside it.
//   node devnet/compile.ts           writes them
//   node devnet/compile.ts --check   exits with 1 where a file is not what its source compiles to
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Solc {
  compile(input: string): string;
}
interface SolcOutput {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, { abi: unknown[]; evm: { bytecode: { object: string } } }>>;
}

const folder = fileURLToPath(new URL('./contracts/', import.meta.url));

/** Artifacts by contract name; a file holds the contract of its name. */
function compileAll(): Map<string, string> {
  const solc = createRequire(import.meta.url)('solc') as Solc;
  const files = readdirSync(folder).filter((file) => file.endsWith('.sol'));
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(files.map((file) => [file, { content: readFileSync(folder + file, 'utf8') }])),
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'paris', // runs on every hardfork that anvil may be started with
      metadata: { bytecodeHash: 'none' }, // the same bytes whatever the comments say
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput;
  const faults = (output.errors ?? []).filter((error) => error.severity === 'error');
  if (faults.length > 0) throw new Error(faults.map((error) => error.formattedMessage).join('\n'));
  return new Map(
    files.map((file) => {
      const contractName = basename(file, '.sol');
      const { abi, evm } = output.contracts[file]![contractName]!;
      return [contractName, `${JSON.stringify({ contractName, abi, bytecode: `0x${evm.bytecode.object}` }, null, 1)}\n`];
    }),
  );
}

for (const [name, artifact] of compileAll()) {
  const path = `${folder}${name}.json`;
  if (!process.argv.includes('--check')) {
    writeFileSync(path, artifact);
  } else if (readFileSync(path, 'utf8') !== artifact) {
    console.error(`devnet/contracts/${name}.json is not what ${name}.sol compiles to: run \`node devnet/compile.ts\``);
    process.exitCode = 1;
  }
}
