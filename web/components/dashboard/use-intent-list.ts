"use client";
// The list of intents: a page of the API, kept live. Rows change in place; new ones come in at the top, or wait while
// the reader is busy, so that nothing moves under their eyes.
import { startTransition, useCallback, useEffect, useMemo, useRef, useState } from "react";
import {
  admitsState,
  filterHref,
  isOfList,
  newcomers,
  statesOf,
  windowOf,
  withNewcomers,
  type ListFilter,
} from "@/lib/intent/list-filter.ts";
import { api, ApiProblem } from "@/lib/sep/api.ts";
import { intentIdOf, stateSetBy } from "@/lib/sep/fold.ts";
import { sepStore } from "@/lib/sep/store.ts";

export const pageSize = 25;
/** New rows come in at most so often. */
const flushMs = 250;

export interface IntentList {
  /** Newest first; undefined while the first page is loading. */
  ids: readonly string[] | undefined;
  /** How many new ones wait. */
  waiting: number;
  nextCursor: string | null;
  /** When the page was loaded. */
  at: number | undefined;
  problem: ApiProblem | undefined;
  /** Lets the waiting ones in. */
  show: () => void;
  reload: () => void;
}

interface Page {
  key: string;
  ids: readonly string[];
  nextCursor: string | null;
  at: number;
}

const newestOf = (ids: readonly string[]): readonly string[] => ids.toSorted().slice(-pageSize);

/** `held`: the reader reads further down, has the keyboard in the list, or paused it. */
export function useIntentList(filter: ListFilter, held: boolean): IntentList {
  const key = filterHref(filter);
  const [page, setPage] = useState<Page>();
  const [problem, setProblem] = useState<{ key: string; problem: ApiProblem }>();
  const [waiting, setWaiting] = useState<readonly string[]>([]);
  const current = useRef({ filter, key, held });
  useEffect(() => {
    current.current = { filter, key, held };
  });

  const onScreen = useRef<{ key: string | undefined; ids: readonly string[] }>({ key: undefined, ids: [] });
  useEffect(() => {
    // Of those that wait, no more than a page of the newest can come in.
    onScreen.current = { key: page?.key, ids: [...(page?.ids ?? []), ...newestOf(waiting)] };
    sepStore.getState().keepViews(onScreen.current.ids);
  }, [page, waiting]);
  useEffect(() => () => sepStore.getState().keepViews([]), []);

  const underWay = useRef<{ key: string; answer: Promise<number> }>(undefined);

  /**
   * Loads the page of the present filter, and answers how far the record was when it began. Where nobody can say that,
   * a first page is shown all the same; it is not followed.
   */
  const load = useCallback((): Promise<number> => {
    const { filter: wanted, key: wantedKey } = current.current;
    if (underWay.current?.key === wantedKey) return underWay.current.answer;
    const loadPage = async (): Promise<void> => {
      try {
        const result = await api.intents({
          states: wanted.state === "all" ? undefined : statesOf(wanted.state),
          strategyId: wanted.strategyId,
          since: new Date(Date.now() - windowOf(wanted.window).seconds * 1000),
          cursor: wanted.cursor,
          limit: pageSize,
        });
        if (current.current.key !== wantedKey) return;
        const ids = result.intents.map((view) => view.intent_id);
        const { applyViews, keepViews } = sepStore.getState();
        // The rows before are on screen until the new ones are drawn.
        keepViews([...onScreen.current.ids, ...ids]);
        applyViews(result.intents);
        startTransition(() => {
          setPage({ key: wantedKey, ids, nextCursor: result.next_cursor, at: Date.now() });
          setProblem(undefined);
          setWaiting([]);
        });
      } catch (error) {
        const failed = error instanceof ApiProblem ? error : new ApiProblem(0, "INTERNAL", String(error));
        if (current.current.key === wantedKey) setProblem({ key: wantedKey, problem: failed });
        throw failed;
      }
    };
    const run = async (): Promise<number> => {
      try {
        // The head first: events behind it are followed, so nothing falls between the two.
        const head = await api.stats().then(
          (stats) => stats.last_global_sequence,
          (failure: ApiProblem) => failure,
        );
        if (typeof head === "number" || onScreen.current.key !== wantedKey) await loadPage();
        if (typeof head !== "number") throw head;
        return head;
      } finally {
        underWay.current = undefined;
      }
    };
    const answer = run();
    underWay.current = { key: wantedKey, answer };
    return answer;
  }, []);
  const reload = useCallback(() => {
    load().catch(() => {});
  }, [load]);

  useEffect(reload, [reload, key]);
  useEffect(() => sepStore.getState().subscribeToAll(load), [load]);

  // What is new in the feed waits here; a flush soon takes it in.
  useEffect(() => {
    let seen = sepStore.getState().liveEvents;
    const takeIn = (ids: readonly string[]) => setWaiting((before) => [...ids, ...before]);
    /** It was under way before anything was followed. */
    const ask = async (intentId: string, key: string) => {
      const view = await api.intent(intentId);
      if (current.current.key !== key || !isOfList(current.current.filter, view, Date.now())) return;
      sepStore.getState().applyViews([view]);
      takeIn([intentId]);
    };
    return sepStore.subscribe(({ liveEvents, intentsById }) => {
      if (liveEvents === seen) return;
      const lastSeen = seen.at(-1)?.globalSequence ?? 0;
      seen = liveEvents;
      const fresh: string[] = [];
      for (let index = liveEvents.length - 1; index >= 0; index -= 1) {
        const event = liveEvents[index]!;
        if ((event.globalSequence ?? 0) <= lastSeen) break;
        const { filter: wanted, key: wantedKey } = current.current;
        const state = stateSetBy(event.topic);
        if (state === undefined || !admitsState(wanted, state)) continue;
        const intentId = intentIdOf(event);
        const view = intentsById[intentId];
        // Where it cannot be asked for, the next load of the list has it.
        if (view === undefined) ask(intentId, wantedKey).catch(() => {});
        else if (isOfList(wanted, view, Date.now())) fresh.push(intentId);
      }
      if (fresh.length > 0) takeIn(fresh);
    });
  }, []);

  const show = useCallback(() => {
    setWaiting((news) => {
      if (news.length > 0) setPage((before) => before && { ...before, ...withNewcomers(before, news, pageSize) });
      return [];
    });
  }, []);

  const lastFlush = useRef(0);
  const hasWaiting = waiting.length > 0;
  useEffect(() => {
    if (held || !hasWaiting) return;
    const wait = Math.max(lastFlush.current + flushMs - Date.now(), 0);
    const timer = setTimeout(() => {
      lastFlush.current = Date.now();
      show();
    }, wait);
    return () => clearTimeout(timer);
  }, [held, hasWaiting, show]);

  const shown = page?.key === key ? page : undefined;
  const unknown = useMemo(() => (shown === undefined ? 0 : newcomers(shown, waiting).length), [waiting, shown]);
  return {
    ids: shown?.ids,
    waiting: unknown,
    nextCursor: shown?.nextCursor ?? null,
    at: shown?.at,
    problem: problem?.key === key ? problem.problem : undefined,
    show,
    reload,
  };
}
