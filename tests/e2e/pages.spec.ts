// Every page: nothing for axe to find, in both looks and on both widths, no horizontal scroll, and a picture each,
// kept in results/screenshots.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { join } from "node:path";
import { allowComplaints, connected, expect, networkComplaints, test } from "./fixtures.ts";
import type { Platform } from "./platform.ts";

const folder = join(import.meta.dirname, "results/screenshots");
const sizes = {
  desktop: { width: 1440, height: 1000 },
  laptop: { width: 1200, height: 900 },
  tablet: { width: 800, height: 1000 },
  phone: { width: 390, height: 844 },
  smallest: { width: 320, height: 640 },
};

/** Those that are looked at in both looks, and by axe. */
const both = ["desktop", "phone"];

let intents: { completed: string; rejected: string; cancelled: string } | undefined;
async function someIntents(platform: Platform) {
  if (intents) return intents;
  const completed = await platform.submit({
    type: "acquire",
    amount: "1",
    base: "WETH",
    quote: "USDC",
    strategy: "eth-rebalance",
  });
  const more = [
    platform.submit({ type: "dispose", amount: "0.75", base: "WETH", quote: "USDC", strategy: "eth-rebalance" }),
    platform.submit({ type: "acquire", amount: "0.05", base: "WBTC", quote: "WETH", strategy: "btc-treasury" }),
    platform.submit({ type: "dispose", amount: "500", base: "DAI", quote: "USDC", strategy: "stable-desk" }),
  ];
  const rejected = await platform.submit({
    type: "acquire",
    amount: "900",
    base: "WETH",
    quote: "USDC",
    strategy: "eth-rebalance",
  });
  for (const id of [completed, rejected, ...(await Promise.all(more))]) await platform.ended(id);
  await platform.automine(false);
  const cancelled = await platform.submit({
    type: "acquire",
    amount: "0.3",
    base: "WETH",
    quote: "USDC",
    strategy: "eth-rebalance",
  });
  await expect.poll(async () => (await platform.intent(cancelled)).summary.phase).toBe("broadcast");
  await fetch(`${platform.url}/intents/${cancelled}/cancel`, { method: "POST" });
  await expect
    .poll(async () =>
      (await platform.events(cancelled)).some(
        (event) => event.topic === "exec.step_submitted" && event.payload.kind === "cancel",
      ),
    )
    .toBe(true);
  await platform.automine(true);
  await platform.mine();
  await platform.ended(cancelled);
  intents = { completed, rejected, cancelled };
  return intents;
}

const pages: {
  name: string;
  path: (platform: Platform) => Promise<string>;
  ready: (page: Page) => Promise<unknown>;
}[] = [
  { name: "dashboard", path: async () => "/", ready: (page) => page.locator("[data-intent]").first().waitFor() },
  {
    name: "submit",
    path: async () => "/submit?amount=1&base=WETH&quote=USDC",
    ready: (page) =>
      page
        .getByText(/You pay at most/)
        .first()
        .waitFor(),
  },
  {
    name: "intent-completed",
    path: async (platform) => `/intent/${(await someIntents(platform)).completed}`,
    ready: (page) => page.locator("[data-event]").first().waitFor(),
  },
  {
    name: "intent-rejected",
    path: async (platform) => `/intent/${(await someIntents(platform)).rejected}`,
    ready: (page) => page.locator("[data-event]").first().waitFor(),
  },
  {
    name: "intent-cancelled",
    path: async (platform) => `/intent/${(await someIntents(platform)).cancelled}`,
    ready: (page) => page.locator("[data-event]").first().waitFor(),
  },
  {
    name: "intent-unknown",
    path: async () => "/intent/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ready: (page) =>
      page
        .getByText(/No intent/)
        .first()
        .waitFor(),
  },
  {
    name: "positions",
    path: async () => "/positions?strategy=eth-rebalance",
    ready: (page) =>
      page
        .getByRole("link", { name: /exactly/ })
        .first()
        .waitFor(),
  },
  {
    name: "system",
    path: async () => "/system",
    ready: (page) => page.getByText("Everything answers").waitFor(),
  },
  {
    name: "docs",
    path: async () => "/docs",
    ready: (page) => page.getByRole("heading", { name: "POST /intents/{id}/cancel", exact: true }).waitFor(),
  },
  {
    name: "not-found",
    path: async () => "/nowhere",
    ready: (page) => page.getByText("There is nothing at this address").waitFor(),
  },
];

for (const { name, path, ready } of pages) {
  test(`${name}: accessible, no sideways scroll, pictures`, async ({ page, platform }, info) => {
    test.setTimeout(300_000); // the API page is long, and axe looks at all of it
    if (name === "intent-unknown" || name === "not-found") allowComplaints(info, networkComplaints); // a 404 is told in the console
    await someIntents(platform);
    const address = await path(platform);
    for (const theme of ["light", "dark"] as const) {
      await page.addInitScript((chosen) => localStorage.setItem("theme", chosen), theme);
      for (const [size, viewport] of Object.entries(sizes)) {
        if (theme === "dark" && !both.includes(size)) continue;
        await page.setViewportSize(viewport);
        await page.goto(address);
        await ready(page);
        if (name !== "docs") await expect(connected(page)).toBeAttached();
        const sideways = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(sideways, `sideways scroll, ${size}`).toBe(0);
        await page.screenshot({ path: join(folder, `${name}-${theme}-${size}.png`), fullPage: true });
        if (!both.includes(size)) continue;
        const { violations } = await new AxeBuilder({ page }).analyze();
        const told = violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .map((node) => node.html)
              .join("; ")
              .slice(0, 400)}`,
        );
        expect(told, `axe, ${theme}, ${size}`).toEqual([]);
      }
    }
  });
}

test("no sideways scroll, whatever names and amounts are sent and held", async ({ page, platform }, info) => {
  test.setTimeout(120_000);
  allowComplaints(info, networkComplaints); // a strategy without fills has no positions
  const id = await platform.submit({
    type: "acquire",
    amount: "1234567890123456789012345678901234567890.12345678",
    base: "WETH",
    quote: "USDC",
    strategy: "s".repeat(64),
  });
  await platform.ended(id);
  await page.route(/\/account$/, async (route) => {
    const response = await route.fetch();
    const account = (await response.json()) as { tokens: { balance: string; value_usd: string | null }[] };
    for (const token of account.tokens)
      Object.assign(token, { balance: "100000000.123456", value_usd: "250000000000.12" });
    await route.fulfill({ response, json: account });
  });
  const shown: [string, string][] = [
    ["/", `[data-intent="${id}"]`],
    [`/intent/${id}`, "[data-event]"],
    ["/positions", "text=Total, USD"],
  ];
  for (const [address, sign] of shown)
    for (const width of [1440, 1200, 1024, 768, 390, 320]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(address);
      await page.locator(sign).first().waitFor();
      await expect(connected(page)).toBeAttached();
      const sideways = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(sideways, `sideways scroll of ${address} at ${width}`).toBe(0);
    }
});

test("the zone and the keys are chosen from every page, also by touch, and tooltips obey", async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  for (const address of ["/submit", "/positions", "/docs", "/system"]) {
    await page.goto(address);
    await page.getByRole("button", { name: "Keyboard and preferences" }).click();
    await expect(page.getByLabel("Single-key shortcuts")).toBeVisible();
    await page.getByLabel(/in this machine's zone/).setChecked(true);
    await page.getByRole("button", { name: "Close" }).click();
  }
  await expect(page.locator("td span[title$=' local']").first()).toBeAttached();
});

test("nothing moves while a page loads", async ({ page, platform }) => {
  const { completed } = await someIntents(platform);
  for (const address of [
    "/",
    "/submit?amount=1&base=WETH&quote=USDC",
    `/intent/${completed}`,
    "/positions",
    "/positions?strategy=eth-rebalance",
    "/system",
    "/docs",
  ]) {
    await page.addInitScript(() => {
      const shifts = ((window as unknown as { shifts: number[] }).shifts = [] as number[]);
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
          if (!entry.hadRecentInput) shifts.push(entry.value);
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(address);
    await page.waitForLoadState("networkidle").catch(() => {});
    await expect(connected(page)).toBeAttached();
    const shift = await page.evaluate(() =>
      (window as unknown as { shifts: number[] }).shifts.reduce((sum, value) => sum + value, 0),
    );
    expect(shift, `layout shift of ${address}`).toBeLessThan(0.02);
  }
});

test("no script runs but the page's own, and none is written into the page", async ({ page, platform }, info) => {
  allowComplaints(info, "Content Security Policy");
  const response = await page.goto("/");
  const policy = response?.headers()["content-security-policy"] ?? "";
  const scripts = policy.split("; ").find((directive) => directive.startsWith("script-src")) ?? "";
  expect(scripts).toMatch(/^script-src 'self'( 'sha256-[A-Za-z0-9+/=]+')+$/);
  expect(policy).toContain("default-src 'none'");
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.intruder = true";
    document.head.append(script);
    return "intruder" in window;
  });
  expect(ran).toBe(false);
  const hosts = new Set<string>();
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await page.reload();
  await expect(connected(page)).toBeVisible();
  expect([...hosts]).toEqual([new URL(platform.url).host]);
});
