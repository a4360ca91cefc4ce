// Lighthouse on each page, in the browser of the other tests: the median of `runs` by performance, as Lighthouse
// advises. Accessibility and a still layout are properties of the page and asserted; performance is a measurement of
// this machine and printed (and kept in results/lighthouse).
import { chromium, type TestInfo } from "@playwright/test";
import lighthouse from "lighthouse";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "./fixtures.ts";
import { freePort } from "./platform.ts";

const folder = join(import.meta.dirname, "results/lighthouse");
const runs = Number(process.env.LIGHTHOUSE_RUNS ?? 3);

for (const preset of ["mobile", "desktop"] as const)
  test(`lighthouse ${preset}`, async ({ platform }, info: TestInfo) => {
    test.setTimeout(600_000);
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
    try {
      for (const path of ["/", "/submit", `/intent/${id}`, "/positions", "/system", "/docs"]) {
        const reports = [];
        for (let run = 0; run < runs; run += 1) {
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
          reports.push(result.lhr);
        }
        type Report = (typeof reports)[number];
        const score = (report: Report, category: string) => Math.round((report.categories[category]?.score ?? 0) * 100);
        const sorted = reports.sort((a, b) => score(a, "performance") - score(b, "performance"));
        const median = sorted[Math.floor(sorted.length / 2)]!;
        const shown = (audit: string) => median.audits[audit]?.displayValue;
        const name = path.startsWith("/intent/") ? "/intent/{id}" : path;
        writeFileSync(join(folder, `${preset}${name.replaceAll(/[/{}]/g, "_")}.json`), JSON.stringify(median));
        lines.push(
          `${name.padEnd(14)} ${preset.padEnd(8)} performance ${score(median, "performance")}` +
            ` (${sorted.map((report) => score(report, "performance")).join(", ")})` +
            `, accessibility ${score(median, "accessibility")}, best practices ${score(median, "best-practices")}` +
            `, FCP ${shown("first-contentful-paint")}, LCP ${shown("largest-contentful-paint")}` +
            `, blocking ${shown("total-blocking-time")}, shift ${shown("cumulative-layout-shift")}`,
        );
        for (const report of reports) {
          expect.soft(score(report, "accessibility"), name).toBeGreaterThanOrEqual(95);
          expect.soft(report.audits["cumulative-layout-shift"]?.numericValue, name).toBeLessThan(0.005);
        }
      }
    } finally {
      await browser.close();
      console.log(lines.join("\n"));
    }
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
