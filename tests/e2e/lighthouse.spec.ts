// Lighthouse on each page, in the browser of the other tests. Accessibility is a property of the page and asserted;
// performance is a measurement of this machine and printed (and kept in results/lighthouse).
import { chromium, type TestInfo } from "@playwright/test";
import lighthouse from "lighthouse";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "./fixtures.ts";
import { freePort } from "./platform.ts";

const folder = join(import.meta.dirname, "results/lighthouse");

test("lighthouse", async ({ platform }, info: TestInfo) => {
  test.setTimeout(300_000);
  const id = await platform.submit({ type: "acquire", amount: "0.5", base: "WETH", quote: "USDC" });
  await platform.ended(id);
  const port = await freePort();
  const { executablePath, args = [] } = info.project.use.launchOptions ?? {};
  const browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [...args, `--remote-debugging-port=${port}`],
  });
  mkdirSync(folder, { recursive: true });
  const lines: string[] = [];
  const accessibility: Record<string, number> = {};
  try {
    for (const path of ["/", "/submit", `/intent/${id}`, "/positions", "/system", "/docs"]) {
      for (const preset of ["mobile", "desktop"] as const) {
        const result = await lighthouse(
          platform.url + path,
          {
            port,
            output: "json",
            logLevel: "error",
            onlyCategories: ["performance", "accessibility", "best-practices"],
          },
          preset === "desktop" ? desktop : undefined,
        );
        if (!result) throw new Error(`no result for ${path}`);
        const score = (category: string) => Math.round((result.lhr.categories[category]?.score ?? 0) * 100);
        const name = path.startsWith("/intent/") ? "/intent/{id}" : path;
        writeFileSync(join(folder, `${preset}${name.replaceAll(/[/{}]/g, "_")}.json`), JSON.stringify(result.lhr));
        accessibility[`${name} ${preset}`] = score("accessibility");
        lines.push(
          `${name.padEnd(14)} ${preset.padEnd(8)} performance ${score("performance")}, accessibility ${score("accessibility")}, best practices ${score("best-practices")}` +
            `, LCP ${result.lhr.audits["largest-contentful-paint"]?.displayValue}, blocking ${result.lhr.audits["total-blocking-time"]?.displayValue}, shift ${result.lhr.audits["cumulative-layout-shift"]?.displayValue}`,
        );
      }
    }
  } finally {
    await browser.close();
  }
  console.log(lines.join("\n"));
  for (const [page, score] of Object.entries(accessibility)) expect(score, page).toBeGreaterThanOrEqual(95);
});

/** Lighthouse's own desktop settings. */
const desktop = {
  extends: "lighthouse:default",
  settings: {
    formFactor: "desktop" as const,
    throttling: {
      rttMs: 40,
      throughputKbps: 10_240,
      cpuSlowdownMultiplier: 1,
      requestLatencyMs: 0,
      downloadThroughputKbps: 0,
      uploadThroughputKbps: 0,
    },
    screenEmulation: { mobile: false, width: 1350, height: 940, deviceScaleFactor: 1, disabled: false },
    emulatedUserAgent: false,
  },
};
