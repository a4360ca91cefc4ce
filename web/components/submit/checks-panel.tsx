"use client";
// What the platform will check, as far as it is known ahead.
import { Dash, OctagonCross, Tick } from "@/components/ui/icons.tsx";
import { cx, LoadError, Panel } from "@/components/ui/kit.tsx";
import type { Account } from "@/lib/sep/types.ts";
import { checksOf, type Check } from "@/lib/submit/checks.ts";
import type { Surroundings } from "@/lib/submit/store.ts";
import type { Loaded } from "@/lib/use-loaded.ts";
import type { QuoteView } from "./state.ts";

export function ChecksPanel({
  known,
  view,
  account,
}: {
  known: Surroundings;
  view: QuoteView;
  account: Loaded<Account>;
}) {
  const checks = checksOf({ ...known, quote: view.shown?.quote, limit: view.limit });
  return (
    <Panel title="Checks">
      <ul className="px-4 py-2">
        {checks.map((check) => (
          <Row key={check.name} check={check} />
        ))}
      </ul>
      {account.problem !== undefined && (
        <div className="border-t border-line">
          <LoadError what="the account" problem={account.problem} dataFrom={account.at} onRetry={account.reload} />
        </div>
      )}
    </Panel>
  );
}

const looks = {
  ok: { icon: <Tick className="text-green" />, word: "Passes" },
  fails: { icon: <OctagonCross className="text-red" />, word: "Fails" },
  unknown: { icon: <Dash className="text-text3" />, word: "Not known yet" },
} as const;

function Row({ check }: { check: Check }) {
  const { icon, word } = looks[check.state];
  return (
    <li className="flex min-h-[30px] items-start gap-2.5 py-1 text-table">
      <span className="mt-0.5">{icon}</span>
      <span className="flex min-w-0 flex-1 flex-wrap justify-between gap-x-4">
        <span>
          {check.label}
          <span className="sr-only">: {word}.</span>
        </span>
        <span className={cx("ml-auto text-right", check.state === "fails" ? "font-semibold text-red" : "text-text2")}>
          {check.value}
        </span>
      </span>
    </li>
  );
}
