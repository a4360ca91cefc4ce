// How cost grows: with the record, with stream clients, with pools, with instances of each service. Prints Markdown
// tables; nothing else runs beside it that matters, or the figures are not worth having.
//
//   node bench/growth.ts [--build build/release] [--records 1000,10000,100000] [--clients 1,10,100,1000]
//                        [--pools 10,100,1000] [--instances 1,2,4] [--only records|clients|pools|instances]
//                        [--pictures docs/pictures]
//
// Everything is on paper (config/paper.toml), so that no chain's speed is in it. Records are filled with synthetic lives
// of nine events through the event store (bench/fill.cpp).
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "..");
const { values: options } = parseArgs({
  options: {
    build: { type: "string", default: "build/release" },
    records: { type: "string", default: "1000,10000,100000" },
    clients: { type: "string", default: "1,10,100,1000" },
    pools: { type: "string", default: "10,100,1000" },
    instances: { type: "string", default: "1,2,4" },
    only: { type: "string", default: "" },
    pictures: { type: "string", default: "" },
  },
});
const build = resolve(options.build);
const sep = join(build, "sep");
const sizes = (text: string): number[] => text.split(",").map(Number);
const work = mkdtempSync(join(tmpdir(), "sep-growth-"));
const running: ChildProcess[] = [];
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const fail = (why: string): never => {
  console.error(`growth: ${why}`);
  process.exit(1);
};

interface Run {
  http: string;
  processes: Record<string, number>;
  /** From the start of `sep up` until it was ready. */
  seconds: number;
}

/** `sep up`; ready when it says so. */
class Platform {
  readonly directory: string;
  readonly #config: string;
  #up: ChildProcess | undefined;
  constructor(directory: string, config: string) {
    this.directory = directory;
    this.#config = config;
  }
  async start(): Promise<Run> {
    const started = performance.now();
    const log = openSync(join(work, "up.log"), "w");
    const up = spawn(sep, ["up", "--data-dir", this.directory, "--http", "127.0.0.1:0", "--config", this.#config], {
      stdio: ["ignore", log, log],
    });
    this.#up = up;
    running.push(up);
    for (;;) {
      const said = readFileSync(join(work, "up.log"), "utf8");
      if (said.includes("\nsep is up")) break;
      if (up.exitCode !== null) fail(said);
      await pause(10);
    }
    const seconds = (performance.now() - started) / 1000;
    return { ...(JSON.parse(readFileSync(join(this.directory, "run.json"), "utf8")) as Run), seconds };
  }
  async stop(): Promise<void> {
    const up = this.#up;
    if (up?.exitCode !== null) return;
    const ended = new Promise((done) => up.once("exit", done));
    up.kill("SIGTERM");
    await ended;
  }
}

interface Numbers {
  count: number;
  p50_us: number;
  p99_us: number;
}
interface Bench {
  stages: Record<string, Numbers | undefined>;
  completed_per_second: number;
  dropped_streams: number;
  intents: Record<string, number>;
}
function bench(directory: string, ...more: string[]): Bench {
  const ran = spawnSync(sep, ["bench", "--data-dir", directory, "--floor", "0", "--json", ...more], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return ran.status === 0 ? (JSON.parse(ran.stdout) as Bench) : fail(ran.stderr);
}

/** The median of 200 reads one after the other, on a kept connection, in microseconds. */
async function read(url: string): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < 220; i += 1) {
    const started = performance.now();
    const answer = await fetch(url);
    await answer.arrayBuffer();
    if (!answer.ok) fail(`${url}: ${answer.status}`);
    if (i >= 20) took.push((performance.now() - started) * 1000);
  }
  return took.toSorted((a, b) => a - b)[100] ?? NaN;
}

/** What a process and those below it hold for themselves, shared pages by their share (PSS), in MB. */
function memory(pid: number): number {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It ended meanwhile.
    }
  }
  const all = [pid];
  for (let i = 0; i < all.length; i += 1) all.push(...(children.get(all[i] ?? 0) ?? []));
  let kb = 0;
  for (const one of all) {
    try {
      kb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // As above.
    }
  }
  return kb / 1024;
}

const time = (us: number | undefined): string =>
  us === undefined ? "–" : us < 1000 ? `${us.toFixed(0)} µs` : us < 1e6 ? `${(us / 1000).toPrecision(3)} ms` : `${(us / 1e6).toFixed(1)} s`;
const mb = (value: number): string => value.toFixed(0);
function table(title: string, head: string[], rows: string[][]): void {
  console.log(`\n### ${title}\n`);
  console.log(`| ${head.join(" | ")} |\n| ${head.map((_, i) => (i === 0 ? "---" : "---:")).join(" | ")} |`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}

interface Line {
  name: string;
  us: (number | undefined)[];
}
/** Lines over `xs`, both ways logarithmic. Legible on light and on dark ground. */
function picture(file: string, title: string, along: string, xs: number[], lines: Line[]): void {
  if (options.pictures === "" || xs.length < 2) return;
  const [width, height, left, right, top, bottom] = [760, 400, 80, 190, 50, 50];
  const values = lines.flatMap(({ us }) => us.filter((value) => value !== undefined));
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  const [first, last] = [Math.log10(xs[0] ?? 1), Math.log10(xs.at(-1) ?? 1)];
  const x = (value: number) => left + ((width - left - right) * (Math.log10(value) - first)) / (last - first);
  const y = (us: number) =>
    height - bottom - ((height - top - bottom) * Math.log10(us / low)) / Math.log10(high / low);
  const at = (value: number) => value.toFixed(1);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<style>text{fill:#333}.g{stroke:#ccc}@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#555}}</style>`,
    `<title>${title}</title><text x="${left}" y="24" font-size="16">${title}</text>`,
  ];
  for (let us = low; us <= high * 1.001; us *= 10)
    parts.push(
      `<line class="g" x1="${left}" x2="${width - right}" y1="${at(y(us))}" y2="${at(y(us))}"/>`,
      `<text x="${left - 8}" y="${at(y(us) + 4)}" text-anchor="end">${us < 1e3 ? `${us} µs` : us < 1e6 ? `${us / 1e3} ms` : `${us / 1e6} s`}</text>`,
    );
  for (const value of xs)
    parts.push(
      `<text x="${at(x(value))}" y="${height - bottom + 18}" text-anchor="middle">${value.toLocaleString("en")}</text>`,
    );
  parts.push(`<text x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle">${along}</text>`);
  const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#808080"];
  const ends = lines
    .map(({ us }, i) => ({ i, y: y(us.at(-1) ?? low) }))
    .toSorted((a, b) => a.y - b.y);
  let free = top;
  for (const { i, y: end } of ends) {
    const line = lines[i];
    if (line === undefined) continue;
    const points = line.us.flatMap((us, n) => (us === undefined ? [] : [`${at(x(xs[n] ?? 1))},${at(y(us))}`]));
    const label = Math.max(end + 4, free);
    free = label + 16;
    parts.push(
      `<polyline fill="none" stroke="${colours[i % colours.length]}" stroke-width="2" points="${points.join(" ")}"/>`,
      `<circle cx="${width - right + 12}" cy="${at(label - 4)}" r="4" fill="${colours[i % colours.length]}"/>`,
      `<text x="${width - right + 22}" y="${at(label)}">${line.name}</text>`,
    );
  }
  mkdirSync(options.pictures, { recursive: true });
  writeFileSync(join(options.pictures, file), `${parts.join("\n")}\n</svg>\n`);
}

const paper = join(root, "config/paper.toml");

async function records(): Promise<void> {
  const rows: string[][] = [];
  const names = ["POST", "pre-chain", "list of 50", "filtered list", "stats 24h", "one intent", "positions"];
  const lines: Line[] = names.map((name) => ({ name, us: [] }));
  const directory = join(work, "records");
  for (const size of sizes(options.records)) {
    // The first start makes the database; what is filled in behind the platform's back is projected by the second.
    const platform = new Platform(directory, paper);
    if (rows.length === 0) {
      await platform.start();
      await platform.stop();
    }
    const filled = spawnSync(join(build, "bench_fill"), [directory, String(size)], { encoding: "utf8" });
    if (filled.status !== 0) fail(filled.stderr);
    const projected = await platform.start();
    const behind = async () => {
      const status = (await (await fetch(`${projected.http}/status`)).json()) as {
        streams: { name: string; pending: number }[];
      };
      return status.streams.find(({ name }) => name === "read-models")?.pending ?? 0;
    };
    const begun = performance.now();
    while ((await behind()) > 0) await pause(200);
    const projection = projected.seconds + (performance.now() - begun) / 1000;
    await platform.stop();
    const { http, processes, seconds } = await platform.start();
    const load = bench(directory, "--rate", "20", "--seconds", "10");
    const page = (await (await fetch(`${http}/intents?limit=50`)).json()) as { intents: { intent_id: string }[] };
    const id = page.intents[0]?.intent_id ?? "";
    const took = [load.stages["post"]?.p50_us, load.stages["prechain"]?.p50_us];
    for (const path of [
      "/intents?limit=50",
      "/intents?strategy_id=strategy-3&state=completed&limit=50",
      "/stats?window=24h",
      `/intents/${id}`,
      "/strategies/strategy-3/positions",
    ])
      took.push(await read(http + path));
    lines.forEach((line, i) => line.us.push(took[i]));
    rows.push([
      size.toLocaleString("en"),
      ...took.map(time),
      `${seconds.toFixed(2)} s`,
      `${projection.toFixed(1)} s`,
      mb(memory(processes["services"] ?? 0)),
      mb(memory(processes["redis"] ?? 0)),
      mb(memory(processes["nats"] ?? 0)),
    ]);
    await platform.stop();
  }
  table(
    "Intents on the record",
    [
      "intents",
      ...names,
      "start",
      "start, read models to build",
      "services MB",
      "Redis MB",
      "NATS MB",
    ],
    rows,
  );
  picture("growth-records.svg", "Medians by the intents on the record", "intents on the record", sizes(options.records), lines);
}

async function clients(): Promise<void> {
  const platform = new Platform(join(work, "clients"), paper);
  const { processes } = await platform.start();
  const rows: string[][] = [];
  const lines: Line[] = ["event p50", "event p99", "POST p50"].map((name) => ({ name, us: [] }));
  for (const count of sizes(options.clients)) {
    const load = bench(platform.directory, "--rate", "2", "--seconds", "20", "--ws-clients", String(count));
    const event = load.stages["event_to_client"];
    [event?.p50_us, event?.p99_us, load.stages["post"]?.p50_us].forEach((us, i) => lines[i]?.us.push(us));
    rows.push([
      String(count),
      time(event?.p50_us),
      time(event?.p99_us),
      time(load.stages["post"]?.p50_us),
      String(load.dropped_streams),
      mb(memory(processes["services"] ?? 0)),
    ]);
  }
  await platform.stop();
  table(
    "Clients of the stream, every one hearing every event, 2 intents/s",
    ["clients", "event → client p50", "p99", "POST p50", "dropped", "services MB"],
    rows,
  );
  picture("growth-clients.svg", "Latency by the clients of the stream", "clients", sizes(options.clients), lines);
}

/** config/paper.toml with so many pools: each is one of its own under another address. */
function withPools(count: number): string {
  const file = JSON.parse(readFileSync(join(root, "config/paper-pools.json"), "utf8")) as {
    pools: { address: string }[];
  };
  const pools = Array.from({ length: count }, (_, i) => {
    const pool = file.pools[i % file.pools.length];
    return i < file.pools.length ? pool : { ...pool, address: `0x${(0xf00000 + i).toString(16).padStart(40, "0")}` };
  });
  const pools_file = join(work, `pools-${count}.json`);
  writeFileSync(pools_file, JSON.stringify({ ...file, pools }));
  const config = join(work, `pools-${count}.toml`);
  writeFileSync(config, readFileSync(paper, "utf8").replace(/"paper-pools\.json"/, JSON.stringify(pools_file)));
  return config;
}

async function pools(): Promise<void> {
  const rows: string[][] = [];
  const lines: Line[] = ["planning p50", "planning p99", "risk p50", "pre-chain p50"].map((name) => ({ name, us: [] }));
  for (const count of sizes(options.pools)) {
    const platform = new Platform(join(work, `pools-${count}`), withPools(count));
    const { processes, seconds } = await platform.start();
    const load = bench(platform.directory, "--rate", "20", "--seconds", "10");
    const { planning, risk, prechain } = load.stages;
    const took = [planning?.p50_us, planning?.p99_us, risk?.p50_us, prechain?.p50_us];
    lines.forEach((line, i) => line.us.push(took[i]));
    rows.push([
      String(count),
      ...took.map(time),
      `${seconds.toFixed(2)} s`,
      mb(memory(processes["services"] ?? 0)),
    ]);
    await platform.stop();
  }
  table("Pools", ["pools", "planning p50", "p99", "risk p50", "pre-chain p50", "start", "services MB"], rows);
  picture("growth-pools.svg", "Latency by the pools of the chain", "pools", sizes(options.pools), lines);
}

async function instances(): Promise<void> {
  const roles = ["coordinator", "intents", "risk", "planner", "orchestrator", "market"];
  const platform = new Platform(join(work, "instances"), paper);
  await platform.start();
  const rows: string[][] = [];
  const lines: Line[] = ["p50 at 20/s", "p99 at 20/s", "p50 at 500/s", "p99 at 500/s"].map((name) => ({ name, us: [] }));
  const more: ChildProcess[] = [];
  for (const count of sizes(options.instances)) {
    while (more.length < count - 1) {
      const configs = readFileSync(join(platform.directory, "config_files"), "utf8").trim().split("\n");
      const child = spawn(
        sep,
        ["serve", "--services", roles.join(","), ...configs.flatMap((file) => ["--config", file])],
        { stdio: "ignore" },
      );
      running.push(child);
      more.push(child);
    }
    await pause(2000);
    const slow = bench(platform.directory, "--rate", "20", "--seconds", "10");
    const fast = bench(platform.directory, "--rate", "500", "--seconds", "10", "--connections", "64");
    const took = [slow, fast].flatMap(({ stages: { prechain } }) => [prechain?.p50_us, prechain?.p99_us]);
    lines.forEach((line, i) => line.us.push(took[i]));
    rows.push([
      String(count),
      ...took.map(time),
      fast.completed_per_second.toFixed(0),
    ]);
  }
  for (const child of more) child.kill("SIGTERM");
  await platform.stop();
  table(
    "Instances of each service but the gateway, on the same two cores",
    ["instances", "pre-chain p50 at 20/s", "p99", "p50 at 500/s", "p99", "completed/s"],
    rows,
  );
  picture("growth-instances.svg", "Pre-chain by the instances of each service", "instances", sizes(options.instances), lines);
}

const parts = { records, clients, pools, instances };
try {
  for (const [name, run] of Object.entries(parts)) if (options.only === "" || options.only === name) await run();
} finally {
  for (const child of running) child.kill("SIGTERM");
  await pause(1000);
  rmSync(work, { recursive: true, force: true });
}
