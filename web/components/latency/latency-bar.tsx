"use client";
// Each stage's latency against its budget: half of the samples, 95 of 100, and the line that they must not pass.
import type { ReactNode } from "react";
import { Column, Head, NumberCell, Row, RowHead, Table, Under } from "@/components/table/table.tsx";
import { OctagonCross, Tick, Warning } from "@/components/ui/icons.tsx";
import { cx, Panel } from "@/components/ui/kit.tsx";
import { budgetAt, formatLatency, latencyRows, type LatencyRow, type Verdict } from "@/lib/latency/stages.ts";
import type { Statistics } from "@/lib/sep/types.ts";

const fills: Readonly<Record<Verdict, { solid: string; pale: string; text: string }>> = {
  none: { solid: "bg-grey-fill", pale: "bg-grey-fill/50", text: "text-ink" },
  within: { solid: "bg-grey-fill", pale: "bg-grey-fill/50", text: "text-ink" },
  close: { solid: "bg-amber-fill", pale: "bg-amber-fill/50", text: "text-amber" },
  over: { solid: "bg-red-fill", pale: "bg-red-fill/50", text: "text-red" },
};

/** The bar alone; a number must stand beside it, so it says nothing to those who do not see it. */
export function LatencyBar({ row }: { row: LatencyRow }) {
  const { solid, pale } = fills[row.verdict];
  return (
    <span aria-hidden="true" className="relative block h-4">
      <span className="absolute inset-x-0 top-[5px] h-1.5 overflow-hidden rounded-full bg-sunken">
        <span className={cx("absolute inset-y-0 left-0", pale)} style={{ width: `${row.p95Width}%` }} />
        <span className={cx("absolute inset-y-0 left-0", solid)} style={{ width: `${row.p50Width}%` }} />
      </span>
      {row.budgetUs !== undefined && (
        <span className="absolute inset-y-0 w-0.5 -translate-x-1/2 bg-ink" style={{ left: `${budgetAt}%` }} />
      )}
    </span>
  );
}

function Legend() {
  return (
    <p aria-hidden="true" className="flex flex-wrap gap-x-4 gap-y-1 text-note text-text2">
      <span className="flex items-center gap-1.5">
        <span className="h-1.5 w-3.5 rounded-full bg-grey-fill" /> p50
      </span>
      <span className="flex items-center gap-1.5">
        <span className="h-1.5 w-3.5 rounded-full bg-grey-fill/50" /> p95
      </span>
      <span className="flex items-center gap-1.5">
        <span className="h-3 w-0.5 bg-ink" /> budget
      </span>
    </p>
  );
}

/**
 * The stages of GET /stats. `compact` is for a side column: the stages that have a budget, and their 95th percentile.
 * `problem` stands above what was loaded last.
 */
export function LatencyPanel({
  stats,
  compact = false,
  problem,
  className,
}: {
  stats: Pick<Statistics, "latency"> | undefined;
  compact?: boolean;
  problem?: ReactNode;
  className?: string;
}) {
  const rows = latencyRows(stats?.latency ?? {});
  return (
    <Panel
      title="Stage latency"
      aside={<span className="text-note text-text3">{compact ? "p95 / budget" : "milliseconds, since the start"}</span>}
      {...(className !== undefined && { className })}
    >
      {problem}
      {problem !== undefined && stats === undefined ? null : compact ? (
        <Compact rows={rows.filter((row) => row.budgetUs !== undefined)} />
      ) : (
        <Full rows={rows} />
      )}
    </Panel>
  );
}

function Compact({ rows }: { rows: LatencyRow[] }) {
  return (
    <div className="px-4 pt-1 pb-3">
      <ul>
        {rows.map((row) => (
          <CompactRow key={row.key} row={row} />
        ))}
      </ul>
      <div className="pt-3">
        <Legend />
      </div>
    </div>
  );
}

function CompactRow({ row }: { row: LatencyRow }) {
  return (
    <li className="grid min-h-[41px] grid-cols-[92px_minmax(48px,1fr)_96px] items-center gap-x-3 border-b border-line text-table">
      <span>{row.label}</span>
      <LatencyBar row={row} />
      <span className="text-right whitespace-nowrap text-text2">
        <strong className={cx("font-semibold", fills[row.verdict].text)}>
          {row.count === 0 ? "–" : formatLatency(row.p95Us)}
        </strong>
        <span className="sr-only">{row.count === 0 ? "no sample yet" : "milliseconds at p95, budget"}</span>
        {row.budgetUs !== undefined && ` / ${formatLatency(row.budgetUs)} ms`}
      </span>
    </li>
  );
}

function Full({ rows }: { rows: LatencyRow[] }) {
  return (
    <>
      <Table caption="Latency of each stage in milliseconds, against its budget" className="table-fixed">
        <Head>
          <Column className="tablet:w-[30%]">Stage</Column>
          <Column className="w-[22%] max-tablet:hidden">Against the budget</Column>
          <Column number className="max-tablet:w-[58px]">
            p50
          </Column>
          <Column number className="max-tablet:w-[58px]">
            p95
          </Column>
          <Column number className="max-tablet:hidden">
            p99
          </Column>
          <Column number className="max-tablet:hidden">
            max
          </Column>
          <Column number className="max-tablet:w-[92px] tablet:w-[12%]">
            Budget
          </Column>
        </Head>
        <tbody>
          {rows.map((row) => (
            <FullRow key={row.key} row={row} />
          ))}
        </tbody>
      </Table>
      <div className="border-t border-line px-4 py-3">
        <Legend />
      </div>
    </>
  );
}

function FullRow({ row }: { row: LatencyRow }) {
  const told = (us: number) => (row.count === 0 ? "–" : formatLatency(us));
  const tone = fills[row.verdict].text;
  return (
    <Row>
      <RowHead>
        {row.label}
        {row.note !== undefined && <Under className="max-tablet:hidden">{row.note}</Under>}
        <span className="mt-1 block tablet:hidden">{row.budgetUs !== undefined && <LatencyBar row={row} />}</span>
      </RowHead>
      <td className="max-tablet:hidden">{row.budgetUs !== undefined && <LatencyBar row={row} />}</td>
      <NumberCell>{told(row.p50Us)}</NumberCell>
      <NumberCell className={cx("font-semibold", tone)}>{told(row.p95Us)}</NumberCell>
      <NumberCell className="max-tablet:hidden">{told(row.p99Us)}</NumberCell>
      <NumberCell className="text-text2 max-tablet:hidden">{told(row.maxUs)}</NumberCell>
      <NumberCell className="text-text2">
        {row.budgetUs === undefined ? <span className="text-text3">none</span> : formatLatency(row.budgetUs)}
        <VerdictWord row={row} />
      </NumberCell>
    </Row>
  );
}

function VerdictWord({ row }: { row: LatencyRow }) {
  if (row.budgetUs === undefined) return null;
  if (row.count === 0) return <Under>no sample</Under>;
  const [icon, word] = {
    none: [null, ""],
    within: [<Tick key="icon" size={12} />, "within"],
    close: [<Warning key="icon" size={12} />, "close"],
    over: [<OctagonCross key="icon" size={12} />, "over"],
  }[row.verdict];
  return (
    <span
      className={cx(
        "flex items-center justify-end gap-1 text-note",
        row.verdict === "within" ? "text-text3" : fills[row.verdict].text,
      )}
    >
      {icon}
      {word}
    </span>
  );
}
