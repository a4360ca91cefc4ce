"use client";
import { usePathname } from "next/navigation";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { ApiProblem } from "@/lib/sep/api.ts";
import { foldHistory } from "@/lib/sep/fold.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { IntentView, PlanView, SepEvent } from "@/lib/sep/types.ts";

const never = () => () => undefined;

/** The identifier in the page's address; undefined in what is built ahead, where there is none. */
export function useIntentId(): string | undefined {
  const path = usePathname();
  const runs = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  return runs ? decodeURIComponent(path.split("/")[2] ?? "") : undefined;
}

export interface OpenIntent {
  /** Undefined until loaded. */
  view: IntentView | undefined;
  /** Oldest first; empty until loaded. */
  events: readonly SepEvent[];
  /** Oldest first. */
  plans: readonly PlanView[];
  problem: ApiProblem | undefined;
  retry: () => void;
}

const noEvents: readonly SepEvent[] = [];

/** The intent's whole history, followed while the page is open. */
export function useIntent(intentId: string | undefined): OpenIntent {
  const [failure, setFailure] = useState<{ intentId: string; problem: ApiProblem }>();
  const [round, setRound] = useState(0);
  const subscribeToIntent = useSep((state) => state.subscribeToIntent);
  const connected = useSep((state) => state.connectionStatus === "connected");
  const known = useSep((state) => (intentId === undefined ? undefined : state.intentsById[intentId]));
  const events = useSep((state) => (intentId === undefined ? noEvents : (state.eventsById[intentId] ?? noEvents)));

  useEffect(() => {
    if (intentId === undefined) return;
    return subscribeToIntent(intentId, (problem) => setFailure({ intentId, problem }));
  }, [intentId, round, subscribeToIntent]);

  const retry = useCallback(() => setRound((before) => before + 1), []);
  // It stands while it is tried again, so that nothing jumps, and goes once the history is there.
  const problem = failure?.intentId === intentId && events.length === 0 ? failure?.problem : undefined;
  // What failed while the server was away is tried again once it answers.
  const unreachable = problem !== undefined && (problem.status === 0 || problem.status >= 500);
  useEffect(() => {
    if (connected && unreachable) retry();
    // Only the moment of connecting counts: a server that answers and fails is not asked without end.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [connected]);

  const folded = useMemo(() => foldHistory(events), [events]);
  const newest = (folded.intent?.sequence ?? 0) > (known?.sequence ?? 0) ? folded.intent : known;
  return { view: newest, events, plans: folded.plans, problem, retry };
}
