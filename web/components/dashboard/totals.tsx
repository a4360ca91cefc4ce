"use client";
import type { ReactNode } from "react";
import { cx, fillOf, Skeleton } from "@/components/ui/kit.tsx";
import { basisPoints, divide, formatPercent, formatSigned, formatUsd, add } from "@/lib/format/amount.ts";
import { formatCount } from "@/lib/format/text.ts";
import { formatDuration } from "@/lib/format/time.ts";
import { windowOf } from "@/lib/intent/list-filter.ts";
import { successOf } from "@/lib/intent/totals.ts";
import type { Bucket, Statistics, StatsWindow } from "@/lib/sep/types.ts";

const cellHeight = "min-h-24 min-[360px]:min-h-[124px]";

/** What happened in the window, each figure beside what it is judged against. */
export function Totals({ stats }: { stats: Statistics | undefined }) {
  const window = stats?.window;
  return (
    <dl className="grid grid-cols-1 gap-px overflow-hidden rounded-panel border border-line bg-line min-[360px]:grid-cols-2 tablet:grid-cols-6 stage:grid-cols-5">
      <Cell label="Success rate" className="min-h-[124px] min-[360px]:col-span-2">
        {window && <SuccessRate totals={window.totals} />}
      </Cell>
      <Cell label="Active now" className={cx(cellHeight, "tablet:col-span-2")}>
        {stats && window && <Figure value={formatCount(stats.active)} note={activeNote(stats)} />}
      </Cell>
      <Cell label="Intents" className={cx(cellHeight, "tablet:col-span-2")}>
        {window && <Figure value={formatCount(window.totals.submitted)} note={againstBefore(window)} />}
      </Cell>
      <Cell label="Value completed" className={cx(cellHeight, "tablet:col-span-3")}>
        {window && <Value totals={window.totals} />}
      </Cell>
      <Cell label="Time to complete" className={cx(cellHeight, "tablet:col-span-3")}>
        {window && <SettleTime window={window} />}
      </Cell>
    </dl>
  );
}

function Cell({ label, children, className }: { label: string; children: ReactNode; className?: string }) {
  return (
    <div className={cx("min-w-0 bg-surface px-4 pt-3.5 pb-3 stage:col-span-1 wide:px-5", className)}>
      <dt className="text-table text-text2">{label}</dt>
      <dd className="flow-root">{children || <Skeleton className="mt-2 h-6 w-20" />}</dd>
    </div>
  );
}

/** "$999,999.99" in the room that "1,284" has. */
const longFigure = "text-phone-title leading-8 tablet:text-title tablet:leading-8 wide:text-total";

function Figure({ value, unit, note }: { value: string; unit?: string; note: string }) {
  return (
    <>
      <span className={cx("block font-semibold", value.length > 9 ? longFigure : "text-total")}>
        {value}
        {unit !== undefined && <span className="ml-1 text-body font-normal text-text2">{unit}</span>}
      </span>
      <span className="block text-note text-text2">{note}</span>
    </>
  );
}

function SuccessRate({ totals }: { totals: Bucket }) {
  const { percent = "–", of, note } = successOf(totals);
  const parts = [
    { name: "completed", count: totals.completed, fill: fillOf.green },
    { name: "expired", count: totals.expired, fill: fillOf.grey },
    { name: "failed", count: totals.failed, fill: fillOf.red },
  ].filter(({ count }) => count > 0);
  return (
    <>
      <Figure value={percent} unit="%" note={note} />
      <span
        role="img"
        aria-label={of === 0 ? "none ran to its end" : parts.map(({ name, count }) => `${count} ${name}`).join(", ")}
        className="mt-1.5 flex h-1 gap-0.5 overflow-hidden rounded-full bg-line"
      >
        {parts.map(({ name, count, fill }) => (
          <span key={name} className={cx("min-w-1", fill)} style={{ flexGrow: count }} />
        ))}
      </span>
    </>
  );
}

function activeNote({ by_state }: Statistics): string {
  const executing = by_state.executing ?? 0;
  const waiting = (by_state.submitted ?? 0) + (by_state.accepted ?? 0) + (by_state.planned ?? 0);
  if (executing + waiting === 0) return "nothing under way";
  return [executing > 0 && `${executing} executing`, waiting > 0 && `${waiting} planning`].filter(Boolean).join(", ");
}

function againstBefore({ totals, previous_submitted = 0, name }: StatsWindow): string {
  const before = windowOf(name).words;
  if (previous_submitted === 0) return `none in the ${before} before`;
  const change = divide(String(totals.submitted - previous_submitted), String(previous_submitted), 4) ?? "0";
  return `${change.startsWith("-") || change === "0" ? "" : "+"}${formatPercent(change, 1)} on the ${before} before`;
}

function Value({ totals }: { totals: Bucket }) {
  const [figure = "", unit] = formatUsd(totals.value_usd, true).split(" ");
  const bps = basisPoints(add(totals.value_usd, totals.quote_gain_usd), totals.value_usd, "received");
  const note =
    bps === undefined
      ? "nothing completed"
      : bps.replace("-", "") === "0.0"
        ? "as quoted"
        : `${formatSigned(bps).slice(1)} bps ${bps.startsWith("-") ? "worse" : "better"} than quoted`;
  return <Figure value={figure} {...(unit !== undefined && { unit })} note={note} />;
}

function SettleTime({ window }: { window: StatsWindow }) {
  const { count, p50, p95 } = window.settle_ms;
  if (count === 0) return <Figure value="–" note="none completed" />;
  const [figure = "", unit = ""] = formatDuration(p50).split(/ (?=ms$|s$)/);
  return <Figure value={figure} {...(unit !== "" && { unit })} note={`median, p95 ${formatDuration(p95)}`} />;
}
