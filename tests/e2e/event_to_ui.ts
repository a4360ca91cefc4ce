// Prints how long an event takes from its publication to the page's DOM: `make bench-ui`. The event's own timestamp
// is taken before it is committed and published, so the figures include both. Clock and browser are one machine's; the
// timestamp has milliseconds, so a figure is up to 1 ms too large.
import { chromium } from "@playwright/test";
import { Platform } from "./platform.ts";

const wanted = Number(process.argv[2] ?? 500);

interface Sample {
  key: string;
  shownAt: number;
}

const platform = await Platform.start();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
  await page.goto(platform.url);
  await page.locator("header").getByText(/^Live/).waitFor();
  // Every row says which event it shows; the moment of each change is kept.
  await page.evaluate(() => {
    const samples: Sample[] = ((window as unknown as { samples: Sample[] }).samples = []);
    const note = (row: Element) =>
      samples.push({
        key: `${row.getAttribute("data-intent")}:${row.getAttribute("data-sequence")}`,
        shownAt: performance.timeOrigin + performance.now(),
      });
    new MutationObserver((mutations) => {
      for (const { type, target, addedNodes } of mutations) {
        if (type === "attributes") note(target as Element);
        for (const node of addedNodes) if (node instanceof Element && node.matches("[data-intent]")) note(node);
      }
    }).observe(document.querySelector("main")!, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["data-sequence"],
    });
  });
  const ids: string[] = [];
  let shown: Sample[] = [];
  const mostIntents = wanted; // every intent shows at least once
  while (shown.length < wanted && ids.length < mostIntents) {
    const id = await platform.submit({
      type: ids.length % 2 ? "dispose" : "acquire",
      amount: "0.1",
      base: "WETH",
      quote: "USDC",
    });
    ids.push(id);
    await platform.ended(id);
    shown = await page.evaluate(() => (window as unknown as { samples: Sample[] }).samples);
  }
  const times = new Map<string, number>();
  for (const id of ids)
    for (const event of await platform.events(id)) times.set(`${id}:${event.sequence}`, Date.parse(event.timestamp));
  const delays = shown
    .map(({ key, shownAt }) => ({ delay: shownAt - (times.get(key) ?? Number.NaN), first: key.endsWith(":1") }))
    .filter(({ delay }) => !Number.isNaN(delay));
  const tell = (name: string, values: number[]) => {
    values.sort((a, b) => a - b);
    const at = (part: number) => values[Math.min(Math.ceil(values.length * part) - 1, values.length - 1)]!.toFixed(1);
    console.log(
      `${name}: ${values.length} shown, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`,
    );
  };
  console.log(
    `${times.size} events of ${ids.length} intents; a page draws the latest of those that come within a frame`,
  );
  tell(
    "event → page, all",
    delays.map(({ delay }) => delay),
  );
  tell(
    "event → page, changes of a row",
    delays.filter(({ first }) => !first).map(({ delay }) => delay),
  );
} finally {
  await browser.close();
  await platform.stop();
}
