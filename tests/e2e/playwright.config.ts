import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  // Measures for some minutes: `make lighthouse` runs it alone.
  testIgnore: process.env.LIGHTHOUSE === undefined ? "lighthouse.spec.ts" : [],
  outputDir: "results/traces",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // The platform and the browser share two cores: one after the other is faster, and tells more.
  workers: 1,
  forbidOnly: true,
  retries: 0,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    },
    viewport: { width: 1440, height: 900 },
    actionTimeout: 15_000,
    navigationTimeout: 15_000,
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    permissions: ["clipboard-read", "clipboard-write"],
  },
});
