"use client";
// Data that is loaded, and loaded again: what was loaded stays until something newer replaces it.
import { startTransition, useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { ApiProblem } from "./sep/api.ts";

export interface Loaded<T> {
  data: T | undefined;
  /** When `data` was loaded. */
  at: number | undefined;
  /** Why the last load failed, until one succeeds. */
  problem: ApiProblem | undefined;
  reload: () => void;
}

/**
 * Loads at once, whenever `key` changes, and every `everyMs` while the page is visible. Data of another key is not
 * shown.
 */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; at?: number; problem?: ApiProblem }>({ key });
  const [round, setRound] = useState(0);
  const loader = useRef(load);
  useEffect(() => {
    loader.current = load;
  });
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      if (everyMs !== undefined && !controller.signal.aborted) timer = setTimeout(run, everyMs);
    };
    let first = true;
    const run = () => {
      if (!first && document.visibilityState === "hidden") return again();
      first = false;
      loader
        .current(controller.signal)
        .then(
          (data) => {
            // What is drawn anew is drawn piece by piece, so that keys and events never wait for it.
            if (!controller.signal.aborted) startTransition(() => setState({ key, data, at: Date.now() }));
          },
          (error: unknown) => {
            if (controller.signal.aborted) return;
            const problem = error instanceof ApiProblem ? error : new ApiProblem(0, "INTERNAL", String(error));
            startTransition(() =>
              setState((before) => (before.key === key ? { ...before, problem } : { key, problem })),
            );
          },
        )
        .then(again);
    };
    run();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const current = state.key === key ? state : { key };
  return { data: current.data, at: current.at, problem: current.problem, reload };
}

/** The present, again and again; undefined until the page runs, so that what is built ahead shows no time. */
export function useNow(everyMs = 1000): number | undefined {
  const [now, setNow] = useState<number>();
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

const minuteMs = 60_000;
const minuteListeners = new Set<() => void>();
let minuteTimer: ReturnType<typeof setInterval> | undefined;

function onMinute(listener: () => void): () => void {
  minuteListeners.add(listener);
  minuteTimer ??= setInterval(() => {
    for (const tell of minuteListeners) tell();
  }, 10_000);
  return () => {
    minuteListeners.delete(listener);
    if (minuteListeners.size > 0) return;
    clearInterval(minuteTimer);
    minuteTimer = undefined;
  };
}

/** The present to the minute, by one timer for all that show it: enough to tell today from yesterday. */
export function useMinute(): number {
  return useSyncExternalStore(
    onMinute,
    () => Math.floor(Date.now() / minuteMs) * minuteMs,
    () => 0,
  );
}
