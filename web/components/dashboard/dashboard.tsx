"use client";
import { useRouter } from "next/navigation";
import { Plus } from "@/components/ui/icons.tsx";
import { ButtonLink, cx, Key, LoadError, Panel, Segmented } from "@/components/ui/kit.tsx";
import { filterFrom, filterHref, windows, type ListFilter } from "@/lib/intent/list-filter.ts";
import { api } from "@/lib/sep/api.ts";
import { WithQuery } from "@/lib/query.tsx";
import { useTitle } from "@/lib/title.ts";
import { useLoaded } from "@/lib/use-loaded.ts";
import { LatencyPanel } from "../latency/latency-bar.tsx";
import { Attention, useAttention } from "./attention.tsx";
import { IntentListPanel } from "./intent-list.tsx";
import { Throughput } from "./throughput.tsx";
import { Totals } from "./totals.tsx";

const statsEveryMs = 2_000;

export function Dashboard() {
  return <WithQuery>{(query) => <DashboardView filter={filterFrom(query)} />}</WithQuery>;
}

function DashboardView({ filter }: { filter: ListFilter }) {
  const router = useRouter();
  const stats = useLoaded(`stats:${filter.window}`, (signal) => api.stats(filter.window, signal), statsEveryMs);
  const strategies = useLoaded("strategies", (signal) => api.strategies(undefined, signal), 15_000);
  const attention = useAttention(stats, filter);
  // What stands below grows by as much as it holds: what it would push away is not seen before.
  const below = attention === undefined && "invisible";
  const aside = attention === undefined && "max-desktop:invisible";
  const untold = stats.data === undefined && stats.problem !== undefined;
  useTitle("Dashboard");
  const choose = (change: Partial<ListFilter>) =>
    router.replace(filterHref({ ...filter, ...change }), { scroll: false });
  return (
    <>
      <div className="flex min-h-9 flex-wrap items-center justify-between gap-3">
        <h1 className="text-phone-title font-semibold tablet:text-title">Dashboard</h1>
        <div className="flex items-center gap-3">
          <Segmented
            label="Time window"
            options={windows}
            value={filter.window}
            onChange={(window) => choose({ window, cursor: undefined })}
          />
          <ButtonLink look="ink" href="/submit" className="h-9 text-body max-tablet:hidden">
            <Plus size={14} /> Submit intent{" "}
            <span className="hidden desktop:inline">
              <Key>N</Key>
            </span>
          </ButtonLink>
        </div>
      </div>
      {stats.problem && (
        <Panel className="mt-4">
          <LoadError what="the totals" problem={stats.problem} dataFrom={stats.at} onRetry={stats.reload} />
        </Panel>
      )}
      {!untold && (
        <div className="mt-4">
          <Totals stats={stats.data} />
        </div>
      )}
      <div className="mt-4 grid gap-4 desktop:grid-cols-[minmax(0,1fr)_312px]">
        <div className={cx("order-2 min-w-0 desktop:order-1", aside)}>
          <IntentListPanel
            filter={filter}
            choose={choose}
            stats={stats.data}
            strategies={strategies.data?.strategies ?? []}
          />
        </div>
        <div className="contents desktop:order-2 desktop:grid desktop:content-start desktop:gap-4">
          <div className="order-1 min-w-0">
            <Attention found={attention} />
          </div>
          {!untold && (
            <>
              <div className={cx("order-3 min-w-0", below)}>
                <LatencyPanel stats={stats.data} compact />
              </div>
              <div className={cx("order-4 min-w-0", below)}>
                <Throughput window={stats.data?.window} />
              </div>
            </>
          )}
        </div>
      </div>
    </>
  );
}
