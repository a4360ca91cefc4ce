"use client";
import Link from "next/link";
import { useState, type ReactNode } from "react";
import { OctagonCross, Retry, Tick, Warning } from "@/components/ui/icons.tsx";
import { Panel, Skeleton } from "@/components/ui/kit.tsx";
import { badgeOf } from "@/lib/intent/badge.ts";
import { windowOf, type ListFilter } from "@/lib/intent/list-filter.ts";
import { outcomeOf, promiseOf, reasonWord } from "@/lib/intent/wording.ts";
import { formatLatency, latencyRows } from "@/lib/latency/stages.ts";
import { api } from "@/lib/sep/api.ts";
import { useChainPosition, useSep, useSepShallow } from "@/lib/sep/store.ts";
import type { IntentView, Statistics } from "@/lib/sep/types.ts";
import { useLoaded, type Loaded } from "@/lib/use-loaded.ts";

const maxFailed = 3;
const maxRetrying = 3;

interface Item {
  key: string;
  icon: ReactNode;
  title: string;
  text: string;
  href: string;
  link: string;
}

/** What a person should look at: what is being tried again, what is slow, what failed lately; undefined until known. */
export function useAttention({ data: stats, problem }: Loaded<Statistics>, filter: ListFilter): Item[] | undefined {
  const tokens = useSep((state) => state.tokensByAddress);
  const chain = useChainPosition();
  const retrying = useSepShallow((state) =>
    Object.values(state.intentsById)
      .filter((view) => view.state === "executing" || view.state === "planned")
      .filter((view) => badgeOf(view, chain).name === "retrying")
      .slice(-maxRetrying),
  );
  const failedCount = stats?.by_state.failed ?? 0;
  const failed = useLoaded(`failed:${filter.window}:${failedCount}`, async (signal) => {
    const since = new Date(Date.now() - windowOf(filter.window).seconds * 1000);
    return failedCount === 0
      ? []
      : (await api.intents({ states: ["failed"], since, limit: maxFailed }, signal)).intents;
  });

  const known = stats === undefined ? problem !== undefined : failed.data !== undefined || failed.problem !== undefined;
  // What was known stays until something newer replaces it.
  const [before, setBefore] = useState<readonly IntentView[]>();
  const failures = failed.data ?? before ?? [];
  if (known && before !== failures) setBefore(failures);
  if (!known && before === undefined) return undefined;
  return [
    ...retrying.map((view) => ({
      key: view.intent_id,
      icon: <Retry className="text-amber" />,
      title: promiseOf(view.intent),
      text:
        view.summary.reason === undefined
          ? `Plan ${view.summary.plans ?? 1}, transaction ${view.summary.attempt ?? 1} is pending.`
          : `Tried again: ${reasonWord(view.summary.reason)}.`,
      href: `/intent/${view.intent_id}`,
      link: "Open",
    })),
    ...slowStages(stats),
    ...failures.map((view) => ({
      key: view.intent_id,
      icon: <OctagonCross className="text-red" />,
      title: promiseOf(view.intent),
      text: `Failed: ${reasonWord(view.summary.reason ?? "INTERNAL")}. ${outcomeOf(view, tokens, undefined) ?? ""}`,
      href: `/intent/${view.intent_id}`,
      link: "Open",
    })),
  ];
}

export function Attention({ items }: { items: readonly Item[] | undefined }) {
  return (
    <Panel title="Needs attention" {...(items && { note: items.length })}>
      {items === undefined ? (
        <div className="px-4 py-3.5">
          <Skeleton className="h-5 w-28" />
        </div>
      ) : items.length === 0 ? (
        <p className="flex items-center gap-2 px-4 py-3.5 text-table text-text2">
          <Tick className="text-green" /> Nothing does.
        </p>
      ) : (
        <ul>
          {items.map((item) => (
            <li key={item.key} className="flex gap-3 border-b border-line px-4 py-3 last:border-b-0">
              <span className="mt-0.5">{item.icon}</span>
              <div className="min-w-0 flex-1 text-note text-text2">
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
