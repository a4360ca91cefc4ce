"use client";
import { Panel, Skeleton } from "@/components/ui/kit.tsx";
import { counted } from "@/lib/format/text.ts";
import { formatFullTime, formatWhen, type Zone } from "@/lib/format/time.ts";
import { windowOf } from "@/lib/intent/list-filter.ts";
import { useZone } from "@/lib/preferences.ts";
import type { Bucket, StatsWindow } from "@/lib/sep/types.ts";
import { useMinute } from "@/lib/use-loaded.ts";

const height = 88;

const notFilled = (bucket: Bucket): number => bucket.failed + bucket.rejected + bucket.expired + bucket.cancelled;

/** Intents that ended in each part of the window: completed ones below, the others on top. */
export function Throughput({ window }: { window: StatsWindow | undefined }) {
  const zone = useZone();
  const now = useMinute();
  const buckets = window?.buckets ?? [];
  const most = Math.max(1, ...buckets.map((bucket) => bucket.completed + notFilled(bucket)));
  const per = window === undefined ? "" : ({ 60: "a minute", 3600: "an hour" }[window.bucket_seconds] ?? "6 hours");
  return (
    <Panel
      title="Throughput"
      note={window && `ended, ${per}`}
      aside={window && <span className="text-note text-text2">most {most}</span>}
    >
      <div className="px-4 pt-4 pb-3">
        <div className="h-[88px]">
          {window ? (
            <svg
              role="img"
              aria-label={`Intents ended in the last ${windowOf(window.name).words}: ${window.totals.completed} completed, ${notFilled(window.totals)} not filled; at most ${most} ${per}.`}
              viewBox={`0 0 ${buckets.length * 4} ${height}`}
              preserveAspectRatio="none"
              className="h-full w-full"
            >
              {buckets.map((bucket, index) => {
                const done = (bucket.completed / most) * height;
                const other = (notFilled(bucket) / most) * height;
                return (
                  <g key={bucket.start}>
                    <title>{`${formatFullTime(bucket.start, zone).slice(0, 16)}: ${counted(bucket.completed, "completed", "completed")}, ${notFilled(bucket)} not filled`}</title>
                    <rect x={index * 4} y="0" width="4" height={height} fill="transparent" />
                    <rect
                      x={index * 4 + 0.5}
                      y={height - Math.max(done, 0.75)}
                      width="3"
                      height={Math.max(done, 0.75)}
                      fill={bucket.completed > 0 ? "var(--grey-fill)" : "var(--line)"}
                    />
                    {other > 0 && (
                      <rect
                        x={index * 4 + 0.5}
                        y={height - done - other}
                        width="3"
                        height={other}
                        fill="var(--red-fill)"
                      />
                    )}
                  </g>
                );
              })}
            </svg>
          ) : (
            <Skeleton className="h-full w-full" />
          )}
        </div>
        <p className="mt-1.5 flex justify-between text-note text-text2">
          <span>{window ? label(window, zone, now) : "\u00a0"}</span>
          <span>now</span>
        </p>
        <p className="mt-2 flex gap-4 text-note text-text2">
          <span className="flex items-center gap-1.5">
            <span aria-hidden="true" className="size-2 rounded-[2px] bg-grey-fill" /> completed
          </span>
          <span className="flex items-center gap-1.5">
            <span aria-hidden="true" className="size-2 rounded-[2px] bg-red-fill" /> not filled
          </span>
        </p>
      </div>
    </Panel>
  );
}

function label({ name, from }: StatsWindow, zone: Zone, now: number): string {
  return name === "7d" ? formatFullTime(from, zone).slice(5, 10) : formatWhen(from, zone, now, "minute");
}
