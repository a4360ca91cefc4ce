import type { Page } from "@playwright/test";
import { allowComplaints, connected, expect, networkComplaints, test } from "./fixtures.ts";

const amount = (page: Page) => page.getByLabel(/^(Buy|Sell) exactly$/);
const submit = (page: Page) => page.getByRole("button", { name: /^Submit intent/ });
/** Every event of the intent's page, oldest first. */
const shownEvents = (page: Page) =>
  page
    .locator("[data-event]")
    .evaluateAll((rows) => rows.map((row) => Number((row as HTMLElement).dataset.event)).sort((a, b) => a - b));

/** The page has its price, so it is alive and knows what it submits. */
const priced = (page: Page) =>
  expect(page.getByRole("form", { name: "Intent" })).toContainText(/pay at most [\d,.]+ USDC/);

async function submitted(page: Page): Promise<string> {
  await page.waitForURL(/\/intent\/[0-9A-Z]{26}$/);
  return page.url().slice(-26);
}

test("an intent is submitted on the page and completes under it; a refresh shows the same", async ({
  page,
  platform,
}) => {
  await page.goto("/submit");
  await amount(page).fill("0,25");
  await expect(page.getByRole("form", { name: "Intent" })).toContainText(
    /Buy exactly 0\.25 WETH, pay at most [\d,.]+ USDC, before [\d:]+ UTC\./,
  );
  await submit(page).click();
  const id = await submitted(page);
  await expect(page.getByText("Intent submitted")).toBeVisible();
  const view = await platform.ended(id);
  expect(view.state).toBe("completed");
  expect(view.intent.amount).toBe("0.25");

  const events = (await platform.events(id)).map(({ sequence }) => sequence);
  await expect.poll(() => shownEvents(page)).toEqual(events);
  // Newest first, as told.
  expect(
    await page
      .locator("[data-event]")
      .evaluateAll((rows) => rows.map((row) => Number((row as HTMLElement).dataset.event))),
  ).toEqual(events.toReversed());
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Buy exactly 0.25 WETH");
  await expect(page.getByText(/^Paid [\d,.]+ USDC, received 0\.25 WETH/)).toBeVisible();
  const before = await page.locator("main").innerText();
  await page.reload();
  await expect.poll(() => shownEvents(page)).toEqual(events);
  const ages = /\d[\d.]* (ms|s|m \d+s) ago/g;
  expect((await page.locator("main").innerText()).replace(ages, "")).toBe(before.replace(ages, ""));
});

test("two browsers see the same life", async ({ page, browser, platform }) => {
  await platform.automine(false);
  const id = await platform.submit({ type: "dispose", amount: "0.3", base: "WETH", quote: "USDC" });
  const context = await browser.newContext();
  const other = await context.newPage();
  await page.goto(`/intent/${id}`);
  await other.goto(`${platform.url}/intent/${id}`);
  await expect(page.locator("[data-event]").filter({ hasText: "Swap sent" })).toBeVisible();
  await platform.automine(true);
  await platform.mine();
  await platform.ended(id);
  const events = (await platform.events(id)).map(({ sequence }) => sequence);
  for (const each of [page, other]) await expect.poll(() => shownEvents(each)).toEqual(events);
  await context.close();
});

test("a second click, or an answer that was lost, submits nothing twice", async ({ page, platform }, info) => {
  allowComplaints(info, networkComplaints);
  await page.goto("/submit?amount=0.11&base=WETH&quote=USDC&strategy=once");
  await priced(page);
  const keys: (string | undefined)[] = [];
  // The server takes the first one, and its answer is lost on the way.
  await page.route("**/intents", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.fallback();
    await route.fetch();
    return route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({
        type: "about:blank",
        title: "Service Unavailable",
        status: 503,
        code: "TIMEOUT",
        detail: "the record did not answer in time",
        instance: "x",
      }),
    });
  });
  await submit(page).click();
  await expect(page.getByRole("alert").filter({ hasText: /not/i }).first()).toBeVisible();
  await submit(page).click();
  const id = await submitted(page);
  expect(keys.length).toBe(2);
  expect(keys[0]).toMatch(/\S{16,}/);
  expect(keys[1]).toBe(keys[0]);
  const { intents } = (await platform.get("/intents?strategy_id=once")) as { intents: { intent_id: string }[] };
  expect(intents.map(({ intent_id }) => intent_id)).toEqual([id]);
});

test("a press that comes before the tokens are loaded waits for them", async ({ page, platform }) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/assets", async (route) => {
    await held;
    await route.fallback();
  });
  await page.goto("/submit?amount=0.12&base=WETH&quote=USDC");
  await expect(connected(page)).toBeVisible();
  await submit(page).click();
  await expect(page.getByRole("button", { name: /^Submitting/ })).toBeVisible();
  release();
  expect((await platform.ended(await submitted(page))).intent.amount).toBe("0.12");
});

test("every fault stands at its field, the first one gets the keyboard", async ({ page }) => {
  await page.goto("/submit");
  await expect(connected(page)).toBeVisible();
  await amount(page).fill("0");
  await submit(page).click();
  await expect(amount(page)).toHaveAttribute("aria-invalid", "true");
  await expect(amount(page)).toBeFocused();
  await amount(page).fill("1.1234567890123456789");
  await submit(page).click();
  await expect(page.getByText(/18 decimals/).first()).toBeVisible();
  await amount(page).fill("0.1");
  await page.getByRole("group", { name: "Slippage" }).getByText("Other").click();
  await page.getByLabel("Slippage in percent").fill("7");
  await page.getByRole("group", { name: "Window" }).getByText("Other").click();
  await page.getByLabel(/^Window in seconds/).fill("never");
  await submit(page).click();
  for (const label of ["Slippage in percent", /^Window in seconds/])
    await expect(page.getByLabel(label)).toHaveAttribute("aria-invalid", "true");
  await expect(page).toHaveURL(/\/submit/);
});

test("what only the server can know is told at the field too", async ({ page }, info) => {
  allowComplaints(info, networkComplaints);
  await page.goto("/submit?amount=0.1&base=WETH&quote=USDC");
  await priced(page);
  await page.route("**/intents", (route) =>
    route.request().method() === "POST"
      ? route.continue({
          postData: route
            .request()
            .postData()!
            .replace('"max_slippage":"0.005"', '"max_slippage":"1.5"')
            .replace('"time_window":120', '"time_window":0'),
        })
      : route.fallback(),
  );
  await submit(page).click();
  await expect(page.getByRole("group", { name: "Slippage" }).getByText(/from "0" to below "1"/)).toBeVisible();
  await expect(page.getByRole("group", { name: "Window" }).getByText(/from 1 to 86400/)).toBeVisible();
});

test("an intent over the limits is rejected, with the check that failed", async ({ page, platform }) => {
  const id = await platform.submit({ type: "acquire", amount: "9", base: "WETH", quote: "USDC" });
  await platform.ended(id);
  await page.goto(`/intent/${id}`);
  await expect(page.getByText("Rejected", { exact: true }).first()).toBeVisible();
  await expect(page.getByText("Nothing was sent, nothing was spent.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("over the value limit");
  await expect(page.getByText(/10,000/).first()).toBeVisible();
  await page.goto("/submit?amount=9&base=WETH&quote=USDC");
  await priced(page);
  await submit(page).click();
  await expect(page.getByRole("alert").filter({ hasText: "Not submitted" }).first()).toBeVisible();
  await expect(page).toHaveURL(/\/submit/);
});

test("cancelled while it can be: the page says what came of it", async ({ page, platform }) => {
  await platform.automine(false);
  const id = await platform.submit({ type: "acquire", amount: "0.3", base: "WETH", quote: "USDC" });
  await page.goto(`/intent/${id}`);
  await expect(page.locator("[data-event]").filter({ hasText: "Swap sent" })).toBeVisible();
  await page.getByRole("button", { name: "Cancel intent" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel intent" }).click();
  await expect(page.getByText("Cancelling. It may still fill.").first()).toBeVisible();
  await expect(page.locator("[data-event]").filter({ hasText: "Cancellation sent" }).first()).toBeVisible();
  await platform.automine(true);
  await platform.mine();
  const view = await platform.ended(id);
  expect(view.state).toBe("cancelled");
  await expect(page.getByText("Cancelled", { exact: true }).first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Cancel intent" })).toHaveCount(0);
});

test("the key, not the mouse: a token is found by typing, the form is sent by Ctrl+Enter", async ({
  page,
  platform,
}, info) => {
  allowComplaints(info, "422"); // between the two choices there is a pair without a pool
  await page.goto("/submit");
  await expect(connected(page)).toBeVisible();
  const picker = page.getByRole("combobox", { name: "Token to buy" });
  await picker.fill("wrapped btc");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("combobox", { name: "Token to pay with" }).fill("weth");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await amount(page).fill("0.01");
  await expect(page.getByRole("form", { name: "Intent" })).toContainText("Buy exactly 0.01 WBTC");
  await page.keyboard.press("Control+Enter");
  const view = await platform.ended(await submitted(page));
  expect(view.intent.assets[0].symbol).toBe("WBTC");
});
