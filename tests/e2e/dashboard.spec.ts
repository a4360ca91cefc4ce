import { foldHistory } from "../../web/lib/sep/fold.ts";
import { allowComplaints, connected, expect, networkComplaints, test } from "./fixtures.ts";

test("intents appear live, newest first, and two browsers see the same", async ({ page, browser, platform }) => {
  await page.goto("/");
  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(`${platform.url}/`);
  await expect(connected(page)).toBeVisible();
  await expect(connected(other)).toBeVisible();
  const before = await page.locator("[data-intent]").count();

  const first = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  const second = await platform.submit({ type: "dispose", amount: "100", base: "DAI", quote: "USDC" });
  for (const browserPage of [page, other]) {
    for (const id of [first, second]) {
      const row = browserPage.locator(`[data-intent="${id}"]`);
      await expect(row).toHaveAttribute("data-state", "completed");
      await expect(row).toContainText("Completed");
    }
    await expect(browserPage.locator("[data-intent]")).toHaveCount(before + 2);
    const shown = await browserPage
      .locator("[data-intent]")
      .evaluateAll((rows) => rows.map((row) => row.dataset.intent));
    expect(shown.slice(0, 2)).toEqual([second, first]);
  }
  const texts = await Promise.all([page, other].map((each) => each.locator("[data-intent]").allInnerTexts()));
  expect(texts[0]).toEqual(texts[1]);
  await context.close();
});

test("new rows wait while the reader is in the list, and come in when asked", async ({ page, platform }) => {
  await platform.ended(await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" }));
  await page.goto("/");
  await expect(connected(page)).toBeVisible();
  await page.locator("[data-intent]").first().waitFor();
  const shown = () => page.locator("[data-intent]").evaluateAll((rows) => rows.map((row) => row.dataset.intent));
  const before = await shown();
  await page.keyboard.press("j");
  await expect(page.locator("[data-intent] a").first()).toBeFocused();

  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  const pill = page.getByRole("button", { name: "1 new" });
  await expect(pill).toBeVisible();
  expect(await shown()).toEqual(before);
  await pill.click();
  await expect(page.locator("[data-intent]").first()).toHaveAttribute("data-intent", id);
});

test("new rows move nothing on a phone, and the keyboard goes on with the first of them", async ({
  page,
  platform,
}) => {
  await platform.ended(await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" }));
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/");
  await expect(connected(page)).toBeAttached();
  const first = page.locator("[data-intent]").first();
  await first.waitFor();
  await page.getByRole("button", { name: /^Pause/ }).click();
  const before = await first.boundingBox();
  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await platform.ended(id);
  const pill = page.getByRole("button", { name: "1 new" });
  await expect(pill).toBeVisible();
  expect(await first.boundingBox()).toEqual(before);
  await pill.press("Enter");
  await expect(page.locator(`[data-intent="${id}"] a`)).toBeFocused();
});

test("totals are told in full on every width", async ({ page }) => {
  await page.route(/\/stats\?/, async (route) => {
    const response = await route.fetch();
    const stats = (await response.json()) as { window: { totals: object; settle_ms: object } };
    Object.assign(stats.window.totals, { submitted: 1284, completed: 1252, failed: 6, rejected: 6, expired: 4 });
    Object.assign(stats.window.totals, { cancelled: 2, value_usd: "999999.99", quote_gain_usd: "338.1" });
    Object.assign(stats.window.settle_ms, { count: 1252, p50: 23_900, p95: 41_800 });
    await route.fulfill({ response, json: stats });
  });
  for (const width of [1440, 1280, 1101, 1001, 900, 768, 390, 320]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto("/");
    await expect(page.getByText("median, p95 41.8 s")).toBeVisible();
    await expect(page.getByText("1,252 of 1,262 that ran to their end, 8 did not")).toBeVisible();
    const cut = await page
      .locator("main dl dd > span")
      .evaluateAll((texts) =>
        texts.filter((text) => text.scrollWidth > text.clientWidth).map((text) => text.textContent),
      );
    expect(cut, `cut off at ${width}`).toEqual([]);
  }
});

test("paused, nothing comes in; resumed, it does", async ({ page, platform }) => {
  await page.goto("/");
  await expect(connected(page)).toBeVisible();
  await page.keyboard.press("p");
  await expect(page.getByRole("button", { name: "Paused" })).toBeVisible();
  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await expect(page.getByRole("button", { name: "1 new" })).toBeVisible();
  await expect(page.locator(`[data-intent="${id}"]`)).toHaveCount(0);
  await expect(page.locator("header").getByText("Paused, 1 new waiting")).toBeVisible();
  await page.locator("header").getByRole("button", { name: "Resume" }).click();
  await expect(page.locator(`[data-intent="${id}"]`)).toHaveCount(1);
});

test("the rows on screen stay, however many intents of others arrive", async ({ page, platform }) => {
  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await platform.ended(id);
  const [submitted] = await platform.events(id);
  let flood = (_: string): void => undefined;
  await page.routeWebSocket(/\/stream/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => socket.send(message));
    socket.onMessage((message) => server.send(message));
    flood = (message) => socket.send(message);
  });
  await page.goto("/");
  await expect(connected(page)).toBeVisible();
  const row = page.locator(`[data-intent="${id}"]`);
  await expect(row).toContainText("Completed");
  await page.keyboard.press("p");
  const rows = await page.locator("[data-intent]").count();
  const named = (index: number) => `7${index.toString().padStart(25, "0")}`;
  for (let index = 0; index < 2_100; index += 1)
    flood(
      JSON.stringify({
        ...submitted,
        eventId: named(index),
        correlationId: `intent-${named(index)}`,
        globalSequence: 1_000_000 + index,
      }),
    );
  await expect(page.getByRole("button", { name: "2,100 new" })).toBeVisible();
  await expect(page.locator("[data-intent]")).toHaveCount(rows);
  await expect(row).toContainText("Completed");
});

test("a list of completed intents takes in what completes, also what was under way before", async ({
  page,
  platform,
}) => {
  await platform.ended(await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" }));
  await platform.automine(false);
  const early = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await expect.poll(async () => (await platform.intent(early)).summary.phase).toBe("broadcast");
  await page.goto("/?state=completed");
  await expect(connected(page)).toBeVisible();
  await page.locator("[data-intent]").first().waitFor();
  await expect(page.locator(`[data-intent="${early}"]`)).toHaveCount(0);
  await platform.automine(true);
  await platform.mine();
  const late = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  for (const id of [early, late]) await expect(page.locator(`[data-intent="${id}"]`)).toContainText("Completed");
  const shown = await page.locator("[data-intent]").evaluateAll((rows) => rows.map((row) => row.dataset.intent));
  expect(shown.slice(0, 2)).toEqual([late, early]);
});

test("totals that cannot be loaded are told as such, and nobody says that nothing needs attention", async ({
  page,
  platform,
}, info) => {
  allowComplaints(info, networkComplaints);
  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  await platform.ended(id);
  const refuse = () =>
    page.route(/\/stats/, (route) =>
      route.fulfill({ status: 503, json: { code: "UNAVAILABLE", detail: "the totals are away" } }),
    );
  const told = page.getByText("Could not load the totals.");
  await refuse();
  await page.goto("/");
  await expect(told).toBeVisible();
  await expect(page.getByText("Not known: the totals could not be loaded.")).toBeVisible();
  await expect(page.getByText("Nothing does.")).toHaveCount(0);
  await expect(page.locator(`[data-intent="${id}"]`)).toHaveCount(1);

  await page.unroute(/\/stats/);
  await expect(told).toHaveCount(0);
  await expect(page.getByText("Success rate")).toBeVisible();
  await refuse();
  await expect(page.getByText(/Showing data from/)).toBeVisible();
  await expect(page.getByText("Success rate")).toBeVisible();
  await expect(page.getByText("Nothing does.")).toHaveCount(0);
});

test("state, strategy and page are kept in the address", async ({ page, platform }) => {
  for (let index = 0; index < 27; index += 1)
    await platform.submit({ type: "acquire", amount: "99", base: "WETH", quote: "USDC", strategy: "paging" });
  await expect.poll(async () => (await platform.stats()).active).toBe(0);
  await page.goto("/");
  await page.getByLabel("Strategy").selectOption("paging");
  await expect(page).toHaveURL(/strategy=paging/);
  await expect(page.locator("[data-intent]")).toHaveCount(25);
  const first = await page.locator("[data-intent]").evaluateAll((rows) => rows.map((row) => row.dataset.intent));
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page).toHaveURL(/before=/);
  await expect(page.locator("[data-intent]")).toHaveCount(2);
  await page.reload();
  await expect(page.locator("[data-intent]")).toHaveCount(2);
  const older = await page.locator("[data-intent]").evaluateAll((rows) => rows.map((row) => row.dataset.intent));
  expect(new Set([...first, ...older]).size).toBe(27);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(page.locator("[data-intent]")).toHaveCount(25);
  await page.getByRole("navigation", { name: "State" }).getByText("Completed").click();
  await expect(page.getByText("No completed intents of paging in the last 24 h.")).toBeVisible();
  await page.getByRole("button", { name: "Clear filter" }).click();
  await expect(page).toHaveURL(/\/$/);
});

test("what the page's fold makes of the events is what the server answers", async ({ platform }) => {
  const ids = await Promise.all([
    platform.submit({ type: "acquire", amount: "0.2", base: "WETH", quote: "USDC" }),
    platform.submit({ type: "dispose", amount: "0.2", base: "WETH", quote: "USDC" }),
    platform.submit({ type: "acquire", amount: "99", base: "WETH", quote: "USDC" }),
  ]);
  for (const id of ids) {
    const view = await platform.ended(id);
    const { intent, plans } = foldHistory(await platform.events(id));
    expect(intent).toEqual(view);
    for (const plan of plans) expect(plan).toEqual(await platform.plan(plan.plan_id));
  }
});

test("an identifier or a transaction's hash leads to its intent", async ({ page, platform }) => {
  const id = await platform.submit({ type: "acquire", amount: "0.1", base: "WETH", quote: "USDC" });
  const { summary } = await platform.ended(id);
  for (const wanted of [id, `intent-${id}`, summary.tx_hash!]) {
    await page.goto("/");
    await expect(connected(page)).toBeVisible();
    await page.keyboard.press("/");
    await page.keyboard.type(wanted);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(`/intent/${id}`);
  }
  await page.keyboard.press("/");
  await page.keyboard.type("what");
  await page.keyboard.press("Enter");
  const fault = page.getByText("Neither an intent's identifier nor a transaction hash.");
  await expect(fault).toBeVisible();
  // Where the field opens below the bar, what was typed stays in sight.
  await page.setViewportSize({ width: 900, height: 900 });
  const field = await page.getByRole("textbox", { name: "Find intent or hash" }).boundingBox();
  expect((await fault.boundingBox())!.y).toBeGreaterThanOrEqual(field!.y + field!.height);
});
