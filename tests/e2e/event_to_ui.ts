// Prints how long an event takes to the page that shows it: `make bench-ui`, or `npm run bench-ui -- <events>`.
//
// Every event is a real one, of intents that a real `sep up` executes; five moments of it are noted, all by one clock:
//  written    the event's own timestamp: before it is committed; whole milliseconds, so up to 1 ms early
//  published  this program hears it from NATS, to which the coordinator publishes behind the commit. Its own way here
//             counts as if the event were published that much later
//  received   the page's WebSocket hands it to the page
//  shown      the DOM holds it, seen by a MutationObserver; the next frame paints it
// On an intent's page each event is a row of the timeline. On the dashboard a row in flight changes in place and says
// which event it shows; new rows may wait for 250 ms there (UI.md), so they are told apart.
// It ends after `maxMs` with what there is.
import { chromium, type Page } from "@playwright/test";
import { connect } from "node:net";
import { eventually, Platform } from "./platform.ts";

const wanted = Number(process.argv[2] ?? 500);
const onDashboard = Math.ceil(wanted / 4);
const maxMs = 220_000;

const now = () => performance.timeOrigin + performance.now();
const published = new Map<string, number>();
const written = new Map<string, number>();

/** Hears what is published, by NATS's own protocol: a subscription to every subject of the record's events. */
async function listenTo(port: number): Promise<() => void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let buffer = Buffer.alloc(0);
  socket.on("data", (data: Buffer) => {
    const at = now();
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      const end = buffer.indexOf("\r\n");
      if (end < 0) return;
      const line = buffer.subarray(0, end).toString();
      const words = line.split(" ");
      let next = end + 2;
      if (words[0] === "MSG" || words[0] === "HMSG") {
        const total = Number(words.at(-1));
        const head = words[0] === "HMSG" ? Number(words.at(-2)) : 0;
        if (buffer.length < next + total + 2) return;
        const text = buffer.subarray(next + head, next + total).toString();
        next += total + 2;
        const event = JSON.parse(text) as { correlationId?: string; sequence?: number; timestamp?: string };
        if (event.correlationId?.startsWith("intent-") && event.sequence !== undefined) {
          const key = `${event.correlationId.slice("intent-".length)}:${event.sequence}`;
          if (!published.has(key)) published.set(key, at);
          written.set(key, Date.parse(event.timestamp ?? ""));
        }
      } else if (words[0] === "PING") socket.write("PONG\r\n");
      buffer = buffer.subarray(next);
    }
  });
  const subjects = ["intent.>", "plan.>", "exec.>", "risk.approved", "risk.rejected"];
  socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"lang":"node","version":"1"}\r\n');
  subjects.forEach((subject, index) => socket.write(`SUB ${subject} ${index + 1}\r\n`));
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => resolve());
  });
  return () => socket.destroy();
}

/** In the page, before anything of it runs: notes when events come in, and when the DOM shows them. */
function instrument(): void {
  interface Notes {
    received: Record<string, number>;
    shown: Record<string, number>;
  }
  const notes: Notes = ((window as unknown as { notes: Notes }).notes = { received: {}, shown: {} });
  const time = () => performance.timeOrigin + performance.now();
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        const at = time();
        const { correlationId, sequence } = JSON.parse(data as string) as { correlationId?: string; sequence?: number };
        if (correlationId && sequence) notes.received[`${correlationId.slice("intent-".length)}:${sequence}`] ??= at;
      });
    }
  };
  const note = (key: string) => (notes.shown[key] ??= time());
  const noteRow = (row: Element) => note(`${row.getAttribute("data-intent")}:${row.getAttribute("data-sequence")}`);
  const noteEvent = (row: Element) => note(`${location.pathname.split("/")[2]}:${row.getAttribute("data-event")}`);
  const observe = () =>
    new MutationObserver((mutations) => {
      for (const { type, target, addedNodes } of mutations) {
        if (type === "attributes" && (target as Element).hasAttribute("data-intent")) noteRow(target as Element);
        for (const node of addedNodes)
          if (node instanceof Element)
            for (const found of [node, ...node.querySelectorAll("[data-event],[data-intent]")]) {
              if (found.hasAttribute("data-event")) noteEvent(found);
              if (found.hasAttribute("data-intent")) noteRow(found);
            }
      }
    }).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["data-sequence"],
    });
  document.addEventListener("DOMContentLoaded", observe);
}

interface Sample {
  commit: number;
  transport: number;
  page: number;
  total: number;
  whole: number;
}

/** For each intent, the last event that the page showed once it had been opened: later ones come by the stream. */
const opened = new Map<string, number>();

/** Waits until the page has nothing to do: opening it is not what is measured. */
const idle = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<void>((resolve) =>
        requestIdleCallback(() => requestAnimationFrame(() => requestIdleCallback(() => resolve()))),
      ),
  );

async function samplesOf(page: Page): Promise<Sample[]> {
  const notes = await page.evaluate(
    () => (window as unknown as { notes: { received: Record<string, number>; shown: Record<string, number> } }).notes,
  );
  return Object.entries(notes.received).flatMap(([key, received]) => {
    const [id = "", sequence] = key.split(":");
    if (Number(sequence) <= (opened.get(id) ?? Number.POSITIVE_INFINITY)) return [];
    const shown = notes.shown[key];
    const at = published.get(key);
    const made = written.get(key);
    if (shown === undefined || at === undefined || made === undefined || shown < received) return [];
    return [
      { commit: at - made, transport: received - at, page: shown - received, total: shown - at, whole: shown - made },
    ];
  });
}

function tell(title: string, samples: readonly Sample[]): void {
  console.log(`\n${title}: ${samples.length} events, in ms      p50      p95      p99      max`);
  const rows: [string, keyof Sample][] = [
    ["published → received by the page", "transport"],
    ["received → shown", "page"],
    ["published → shown", "total"],
    ["(written → published)", "commit"],
    ["(written → shown)", "whole"],
  ];
  for (const [name, field] of rows) {
    const values = samples.map((sample) => sample[field]).sort((a, b) => a - b);
    const at = (part: number) =>
      (values[Math.min(Math.ceil(values.length * part) - 1, values.length - 1)] ?? Number.NaN).toFixed(2).padStart(9);
    console.log(`  ${name.padEnd(34)}${at(0.5)}${at(0.95)}${at(0.99)}${at(1)}`);
  }
}

const until = Date.now() + maxMs;
const platform = await Platform.start();
const stopListening = await listenTo(Number(new URL(platform.run().nats).port));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

let made = 0;
/** An intent whose transactions are sent and wait for a block. */
async function sentIntent(): Promise<string> {
  made += 1;
  const type = made % 2 ? "dispose" : "acquire";
  const id = await platform.submit({ type, amount: "0.1", base: "WETH", quote: "USDC" });
  await eventually(`intent ${id} is sent`, async () =>
    (await platform.intent(id)).summary.phase === "broadcast" ? true : undefined,
  );
  return id;
}

try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
  await page.addInitScript(instrument);

  // --- the intent's page: what is sent is mined once its page is open
  await page.goto(platform.url);
  await page.locator("header").getByText(/^Live/).waitFor();
  await platform.automine(false);
  let timeline: Sample[] = [];
  while (timeline.length < wanted && Date.now() < until - maxMs / 4) {
    for (let round = 0; round < 10 && Date.now() < until - maxMs / 4; round += 1) {
      const id = await sentIntent();
      const { sequence } = await platform.intent(id);
      // From page to page without a load, as a reader goes.
      await page.evaluate(
        (path) => (window as unknown as { next: { router: { push(path: string): void } } }).next.router.push(path),
        `/intent/${id}`,
      );
      await page.waitForFunction(
        ([path, last]) => location.pathname === path && document.querySelector(`[data-event="${last}"]`) !== null,
        [`/intent/${id}`, sequence] as const,
      );
      opened.set(id, sequence);
      await idle(page);
      await platform.mine();
      const { sequence: last } = await platform.ended(id);
      await page.locator(`[data-event="${last}"]`).waitFor();
    }
    timeline = await samplesOf(page);
  }
  tell("Intent's page, rows of the timeline", timeline);

  // --- the dashboard: rows in flight, which change in place
  await page.goto(platform.url);
  await page.locator("header").getByText(/^Live/).waitFor();
  let rows: Sample[] = [];
  while (rows.length < onDashboard && Date.now() < until) {
    for (let round = 0; round < 5 && Date.now() < until; round += 1) {
      const id = await sentIntent();
      const { sequence } = await platform.intent(id);
      await page.locator(`[data-intent="${id}"][data-sequence="${sequence}"]`).waitFor();
      opened.set(id, sequence);
      await idle(page);
      await platform.mine();
      const { sequence: last } = await platform.ended(id);
      await page.locator(`[data-intent="${id}"][data-sequence="${last}"]`).waitFor();
    }
    rows = await samplesOf(page);
  }
  tell("Dashboard, rows in place", rows);
  console.log(`\n${made} intents; median of published → shown on an intent's page must be below 50 ms`);
} finally {
  stopListening();
  await browser.close();
  await platform.stop();
}
