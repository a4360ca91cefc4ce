"use client";
import Link from "next/link";
import { useState, type ReactNode } from "react";
import { OctagonCross, Retry, Tick, Warning } from "@/components/ui/icons.tsx";
import { cx, Panel, Skeleton } from "@/components/ui/kit.tsx";
import { formatWhen, zoneName } from "@/lib/format/time.ts";
import { failureWords, retryWords, untoldWords } from "@/lib/intent/attention.ts";
import { badgeOf } from "@/lib/intent/badge.ts";
import { windowOf, type ListFilter } from "@/lib/intent/list-filter.ts";
import { feesOf, transactionsOf } from "@/lib/intent/transactions.ts";
import { promiseOf } from "@/lib/intent/wording.ts";
import { formatLatency, latencyRows } from "@/lib/latency/stages.ts";
import { useZone } from "@/lib/preferences.ts";
import { api } from "@/lib/sep/api.ts";
import { useChainPosition, useSep, useSepShallow } from "@/lib/sep/store.ts";
import type { IntentView, Statistics } from "@/lib/sep/types.ts";
import { useLoaded, useMinute, type Loaded } from "@/lib/use-loaded.ts";

const maxFailed = 3;
const maxRetrying = 3;
/** Their count says when there are others; this is for a load that failed. */
const failedEveryMs = 15_000;

interface Item {
  key: string;
  icon: ReactNode;
  title: string;
  text: string;
  href: string;
  link: string;
}

interface Failure {
  view: IntentView;
  feesUsd: string | undefined;
}

/** The view does not say what a failure cost, its history does; without that it is told without the amount. */
async function feesUsdOf(view: IntentView, signal: AbortSignal): Promise<string | undefined> {
  if (view.timings_ms.broadcast === undefined) return undefined;
  try {
    const events = await api.events(view.intent_id, signal);
    return feesOf(events, transactionsOf(events)).usd;
  } catch {
    return undefined;
  }
}

export interface Found {
  items: readonly Item[];
  /** What could not be loaded, so that there may be more. */
  missing: string | undefined;
}

/** What a person should look at: what is being tried again, what is slow, what failed lately; undefined until known. */
export function useAttention({ data: stats, problem }: Loaded<Statistics>, filter: ListFilter): Found | undefined {
  const tokens = useSep((state) => state.tokensByAddress);
  const chain = useChainPosition();
  const zone = useZone();
  const now = useMinute();
  const retrying = useSepShallow((state) =>
    Object.values(state.intentsById)
      .filter((view) => view.state === "executing" || view.state === "planned")
      .filter((view) => badgeOf(view, chain).name === "retrying")
      .slice(-maxRetrying),
  );
  const failedCount = stats?.by_state.failed ?? 0;
  const failed = useLoaded(
    `failed:${filter.window}:${failedCount}`,
    async (signal) => {
      if (failedCount === 0) return [];
      const since = new Date(Date.now() - windowOf(filter.window).seconds * 1000);
      const { intents } = await api.intents({ states: ["failed"], since, limit: maxFailed }, signal);
      return Promise.all(intents.map(async (view) => ({ view, feesUsd: await feesUsdOf(view, signal) })));
    },
    failedEveryMs,
  );

  // What was known stays until something newer replaces it.
  const [before, setBefore] = useState<readonly Failure[]>();
  const known = stats === undefined ? undefined : failed.data;
  if (known !== undefined && before !== known) setBefore(known);
  const failures = known ?? before;
  const missing = problem ? "the totals" : failed.problem ? "the failed intents" : undefined;
  if (failures === undefined && missing === undefined) return undefined;
  const items = [
    ...retrying.map((view) => ({
      key: view.intent_id,
      icon: <Retry className="text-amber" />,
      title: promiseOf(view.intent),
      text: retryWords(view, chain),
      href: `/intent/${view.intent_id}`,
      link: "Open",
    })),
    ...slowStages(stats),
    ...(failures ?? []).map(({ view, feesUsd }) => ({
      key: view.intent_id,
      icon: <OctagonCross className="text-red" />,
      title: promiseOf(view.intent),
      text: failureWords(view, tokens, `${formatWhen(view.last_event_time, zone, now)} ${zoneName(zone)}`, feesUsd),
      href: `/intent/${view.intent_id}`,
      link: "Open",
    })),
  ];
  return { items, missing };
}

export function Attention({ found }: { found: Found | undefined }) {
  const { items = [], missing } = found ?? {};
  const untold = untoldWords(items.length, missing);
  return (
    <Panel title="Needs attention" {...(found && untold === undefined && { note: items.length })}>
      {found === undefined && (
        <div className="px-4 py-3.5">
          <Skeleton className="h-5 w-28" />
        </div>
      )}
      {found !== undefined && items.length === 0 && untold === undefined && (
        <p className="flex items-center gap-2 px-4 py-3.5 text-table text-text2">
          <Tick className="text-green" /> Nothing does.
        </p>
      )}
      {items.length > 0 && (
        <ul>
          {items.map((item) => (
            <li key={item.key} className="flex gap-3 border-b border-line px-4 py-3 last:border-b-0">
              <span className="mt-0.5">{item.icon}</span>
              <div className="min-w-0 flex-1 text-note wrap-anywhere text-text2">
                <h3 className="text-table font-semibold text-ink">{item.title}</h3>
                {item.text}
              </div>
              <Link
                href={item.href}
                prefetch={false}
                aria-label={`${item.link}: ${item.title}`}
                className="h-6 text-table font-medium text-text2 underline-offset-2 hover:text-ink hover:underline"
              >
                {item.link}
              </Link>
            </li>
          ))}
        </ul>
      )}
      {untold !== undefined && (
        <p className={cx("flex gap-2 px-4 py-3.5 text-table text-text2", items.length > 0 && "border-t border-line")}>
          <Warning className="mt-0.5 shrink-0 text-amber" /> {untold}
        </p>
      )}
    </Panel>
  );
}

function slowStages(stats: Statistics | undefined): Item[] {
  return latencyRows(stats?.latency ?? {})
    .filter((row) => row.verdict === "over")
    .map((row) => ({
      key: row.key,
      icon: <Warning className="text-red" />,
      title: `${row.label} is over budget`,
      text: `p95 ${formatLatency(row.p95Us)} ms against ${formatLatency(row.budgetUs ?? 0)} ms.`,
      href: "/system",
      link: "Health",
    }));
}
