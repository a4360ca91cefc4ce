// A real `sep up` of its own for each worker: free port, private folder, stopped whatever happens.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { IntentView, PlanView, SepEvent, Statistics, Token } from "../../web/lib/sep/types.ts";

const root = join(import.meta.dirname, "../..");
const binary = process.env.SEP_BINARY ?? join(root, "build/release/sep");
const startMs = 90_000;
const stopMs = 40_000;

interface RunFile {
  http: string;
  rpc: string;
  nats: string;
  pid: number;
  processes: Record<string, number>;
}

export interface IntentInput {
  type: "acquire" | "dispose";
  amount: string;
  base: string;
  quote: string;
  slippage?: string;
  window?: number;
  strategy?: string;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

/** Asks until it answers something, for at most `ms`. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, ms = 30_000): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > until) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Platform {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #output: string[] = [];
  #tokens: Token[] = [];

  private constructor(folder: string, port: number, options: string[]) {
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
    this.#process = spawn(binary, ["up", "--data-dir", folder, "--http", `127.0.0.1:${port}`, ...options], {
      env: { ...process.env, SEP_HOME: root },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on("data", (text: Buffer) => this.#output.push(text.toString()));
    process.once("exit", this.#kill);
  }

  static async start(options: string[] = []): Promise<Platform> {
    const folder = mkdtempSync(join(tmpdir(), "sep-e2e-"));
    const platform = new Platform(folder, await freePort(), options);
    try {
      await platform.ready();
      const assets = (await platform.get("/assets")) as { tokens: Token[] };
      platform.#tokens = assets.tokens;
      return platform;
    } catch (error) {
      await platform.stop();
      throw new Error(`${String(error)}\n${platform.#output.join("")}`);
    }
  }

  async ready(): Promise<void> {
    await eventually(
      "the platform is ready",
      async () => {
        if (this.#process.exitCode !== null) throw new Error(`sep up ended with ${this.#process.exitCode}`);
        if (!existsSync(join(this.#folder, "run.json"))) return undefined;
        const response = await fetch(`${this.url}/readyz`).catch(() => undefined);
        return response?.ok ? true : undefined;
      },
      startMs,
    );
  }

  readonly #kill = (): void => {
    this.#process.kill("SIGKILL");
  };

  async stop(): Promise<void> {
    process.removeListener("exit", this.#kill);
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once("exit", resolve));
      this.#process.kill("SIGINT");
      const timer = setTimeout(() => this.#process.kill("SIGKILL"), stopMs);
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  run(): RunFile {
    return JSON.parse(readFileSync(join(this.#folder, "run.json"), "utf8")) as RunFile;
  }
  /** Kills one of the processes that `sep up` looks after. */
  killPart(name: string): void {
    const pid = this.run().processes[name];
    if (pid === undefined) throw new Error(`no part ${name}`);
    process.kill(pid, "SIGKILL");
  }

  /** Runs `sep <command> --data-dir <this platform's>`, as its operator would. */
  async command(name: string, ...options: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(binary, [name, "--data-dir", this.#folder, ...options]);
    return stdout;
  }

  async get(path: string): Promise<unknown> {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
  intent = async (id: string) => (await this.get(`/intents/${id}`)) as IntentView;
  plan = async (id: string) => (await this.get(`/plans/${id}`)) as PlanView;
  events = async (id: string) => ((await this.get(`/intents/${id}/events`)) as { events: SepEvent[] }).events;
  stats = async () => (await this.get("/stats")) as Statistics;

  async submit(input: IntentInput): Promise<string> {
    const assets = [input.base, input.quote].map((symbol) => {
      const token = this.#tokens.find((candidate) => candidate.symbol === symbol);
      if (!token) throw new Error(`no token ${symbol}`);
      const { address, decimals } = token;
      return { symbol, chain: token.extensions?.chain, address, decimals };
    });
    const response = await fetch(`${this.url}/intents`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        strategy_id: input.strategy ?? "e2e",
        intent_type: input.type,
        assets,
        amount: input.amount,
        constraints: { max_slippage: input.slippage ?? "0.02", time_window: input.window ?? 300 },
      }),
    });
    const answer = (await response.json()) as { intent_id: string };
    if (response.status !== 201) throw new Error(`POST /intents: ${response.status} ${JSON.stringify(answer)}`);
    return answer.intent_id;
  }

  async ended(id: string): Promise<IntentView> {
    const terminal = ["completed", "failed", "risk_rejected", "plan_rejected", "expired", "cancelled"];
    return eventually(`intent ${id} has ended`, async () => {
      const view = await this.intent(id);
      return terminal.includes(view.state) ? view : undefined;
    });
  }

  async rpc(method: string, params: unknown[] = []): Promise<unknown> {
    const response = await fetch(this.run().rpc, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const answer = (await response.json()) as { result?: unknown; error?: unknown };
    if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }
  /** Stops or resumes the mining of a block for each transaction. */
  automine = (on: boolean) => this.rpc("evm_setAutomine", [on]);
  mine = () => this.rpc("evm_mine");

  /** For a failed test. */
  writeOutput(file: string): void {
    writeFileSync(file, this.#output.join(""));
  }
}
