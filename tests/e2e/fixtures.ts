// What every test gets: a running platform for its worker, and pages that fail the test when the browser complains.
import { test as base, type Page, type TestInfo } from "@playwright/test";
import { Platform } from "./platform.ts";

/** The header's word that the page is live. */
export const connected = (page: Page) => page.locator("header").getByText(/^Live/);

/** What the browser says of servers that are killed, or that answer 404, under a page. */
export const networkComplaints = "net::ERR_|WebSocket connection|Failed to load resource";

/** Names what the browser may complain of in this test. */
export function allowComplaints(info: TestInfo, pattern: string): void {
  info.annotations.push({ type: "complaints", description: pattern });
}

export const test = base.extend<{ complaints: string[]; page: Page }, { platform: Platform }>({
  platform: [
    // The empty pattern is Playwright's way to say that nothing else is needed.
    async ({}, use) => {
      const platform = await Platform.start();
      try {
        await use(platform);
      } finally {
        await platform.stop();
      }
    },
    { scope: "worker", timeout: 120_000 },
  ],
  baseURL: async ({ platform }, use) => use(platform.url),
  complaints: async ({}, use) => use([]),
  page: async ({ page, complaints }, use, info) => {
    page.on("pageerror", (error) => complaints.push(`page: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(`console: ${message.text()}`);
    });
    await use(page);
    const allowed = info.annotations
      .filter(({ type }) => type === "complaints")
      .map(({ description = "" }) => new RegExp(description));
    const unexpected = complaints.filter((text) => !allowed.some((pattern) => pattern.test(text)));
    if (unexpected.length > 0) throw new Error(`the browser complained:\n${unexpected.join("\n")}`);
  },
});
export { expect } from "@playwright/test";
