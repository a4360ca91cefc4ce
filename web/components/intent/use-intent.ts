"use client";
import { usePathname } from "next/navigation";
import { useCallback, useDeferredValue, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { ApiProblem } from "@/lib/sep/api.ts";
import { foldHistory } from "@/lib/sep/fold.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { IntentView, PlanView, SepEvent } from "@/lib/sep/types.ts";

/**
 * The identifier in the page's address. What is built ahead has none, and must not show it: the page that runs begins
 * as it was built (`useRuns`).
 */
export function useIntentId(): string {
  return decodeURIComponent(usePathname().split("/")[2] ?? "");
}

const never = () => () => undefined;
/** False in what is built ahead and in the first draw, where the page must look the same. */
export function useRuns(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
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

/** What comes first is a whole page to draw, and is drawn piece by piece; what comes after that shows at once. */
function useAtLeisure<T>(value: T, nothing: T): T {
  const shown = useDeferredValue(value);
  return shown === nothing ? shown : value;
}

/** The intent's whole history, followed while the page is open. */
export function useIntent(intentId: string): OpenIntent {
  const [failure, setFailure] = useState<{ intentId: string; problem: ApiProblem }>();
  const [round, setRound] = useState(0);
  const subscribeToIntent = useSep((state) => state.subscribeToIntent);
  const connected = useSep((state) => state.connectionStatus === "connected");
  const known = useAtLeisure(
    useSep((state) => state.intentsById[intentId]),
    undefined,
  );
  const events = useAtLeisure(
    useSep((state) => (state.eventsById[intentId]?.length ? state.eventsById[intentId] : noEvents)),
    noEvents,
  );

  useEffect(
    () => subscribeToIntent(intentId, (problem) => setFailure({ intentId, problem })),
    [intentId, round, subscribeToIntent],
  );

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
