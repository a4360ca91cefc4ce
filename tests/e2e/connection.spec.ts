import AxeBuilder from "@axe-core/playwright";
import { join } from "node:path";
import { allowComplaints, connected, expect, networkComplaints, test } from "./fixtures.ts";

test("the services die under an open page: it says so, comes back, and has missed nothing", async ({
  page,
  platform,
}, info) => {
  allowComplaints(info, networkComplaints);
  await page.goto("/");
  await expect(connected(page)).toBeVisible();
  const before = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await expect(page.locator(`[data-intent="${before}"]`)).toHaveAttribute("data-state", "completed");

  platform.killPart("services");
  await expect(page.locator("header").getByText(/^Reconnecting/)).toBeVisible();
  await platform.ready();
  // Submitted before the page is back: it must hear of it all the same.
  const during = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await expect(connected(page)).toBeVisible();
  const row = page.locator(`[data-intent="${during}"]`);
  await expect(row).toHaveAttribute("data-state", "completed");
  const view = await platform.intent(during);
  await expect(row).toHaveAttribute("data-sequence", String(view.sequence));
  await expect(page.locator(`[data-intent="${before}"]`)).toHaveCount(1);
});

test("an intent's page outlives a restart of the services, with every event once", async ({ page, platform }, info) => {
  allowComplaints(info, networkComplaints);
  await platform.automine(false);
  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await page.goto(`/intent/${id}`);
  await expect(
    page
      .locator("[data-event]")
      .filter({ hasText: /sent|Sent/ })
      .first(),
  ).toBeVisible();
  platform.killPart("services");
  await expect(page.locator("header").getByText(/^Reconnecting/)).toBeVisible();
  await platform.ready();
  await platform.automine(true);
  await platform.mine();
  await platform.ended(id);
  await expect(page.getByText("Completed").first()).toBeVisible();
  const expected = (await platform.events(id)).map(({ sequence }) => String(sequence));
  await expect
    .poll(() => page.locator("[data-event]").evaluateAll((rows) => rows.map((row) => row.dataset.event).reverse()))
    .toEqual(expected);
});

test("a page that slept catches up by itself", async ({ page, platform, context }, info) => {
  allowComplaints(info, networkComplaints);
  await page.goto("/");
  await expect(connected(page)).toBeVisible();
  await context.setOffline(true);
  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await platform.ended(id);
  await context.setOffline(false);
  await expect(page.locator(`[data-intent="${id}"]`)).toHaveAttribute("data-state", "completed");
});

test("a stream that is refused from the start is told as offline, in words on a phone too", async ({
  page,
  platform,
}, info) => {
  allowComplaints(info, networkComplaints);
  await page.routeWebSocket(/\/stream/, (socket) => socket.close());
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(platform.url);
  for (const words of [/^Reconnecting, try \d+/, /^Offline since \d\d:\d\d:\d\d UTC/]) {
    const told = page.locator("header").getByText(words);
    await expect(told).toBeVisible({ timeout: 25_000 });
    // What only a screen reader gets is one pixel wide.
    expect((await told.boundingBox())?.width).toBeGreaterThan(60);
  }
  await expect(page.locator("header").getByRole("button", { name: "Try now" })).toBeVisible();
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(sideways).toBe(0);
});

test("a halt is told on every page, and a resumed platform says nothing", async ({ page, platform }, info) => {
  allowComplaints(info, networkComplaints); // an intent that is not there
  const banner = page.getByText("Halted: no new work.");
  await page.goto("/");
  await expect(connected(page)).toBeVisible();
  await expect(banner).toHaveCount(0);
  try {
    await platform.command("halt", "--reason", "the pools look wrong");
    await expect(banner).toBeVisible();
    await expect(page.locator("main")).toContainText("the pools look wrong. What is under way is followed to its end.");
    await page.screenshot({ path: join(import.meta.dirname, "results/screenshots/dashboard-halted.png") });
    for (const address of ["/positions", "/system", "/intent/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/docs", "/submit"]) {
      await page.goto(address);
      await expect(banner, address).toBeVisible();
      if (address === "/system") await expect(page.getByText("New work is halted")).toBeVisible();
    }
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
  } finally {
    await platform.command("resume", "--reason", "they are right");
  }
  await expect(banner).toHaveCount(0);
});
