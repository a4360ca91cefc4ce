// What the pages know of the platform: one store, fed by snapshots of the API and by the event stream.
//
// Invariants
//  1. An event counts once and in its order: what repeats or comes late changes nothing, and where one is missing the
//     intent is loaded anew. So every view here is one that the server had, and a final state never goes back.
//  2. Memory is bounded: `liveEvents` is a ring, and intents that nobody looks at are forgotten, oldest first. What a
//     list shows (`keepViews`) is never forgotten, whatever else arrives.
import { createStore, useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import type { ChainPosition } from "../intent/badge.ts";
import { api, type ApiProblem } from "./api.ts";
import { applyToIntent, foldHistory, intentIdOf, isOfIntent } from "./fold.ts";
import { Stream, type Connection, type ConnectionStatus } from "./stream.ts";
import type { Intent, IntentView, Platform, SepEvent, SubmitAnswer, Token } from "./types.ts";

const maxLiveEvents = 500;
const maxIntents = 2_000;
/** More missed events than this are not applied one by one: what is shown is loaded anew. */
const maxCatchUp = 2_000;

export interface SepState {
  intentsById: Readonly<Record<string, IntentView>>;
  /** The newest events of intents, oldest first: those too that change no view, as theirs is not known or not all of it. */
  liveEvents: readonly SepEvent[];
  /** The whole history of each intent that is subscribed to. */
  eventsById: Readonly<Record<string, readonly SepEvent[]>>;
  connectionStatus: ConnectionStatus;
  connection: Connection;
  /** What the platform is set to; undefined until loaded. */
  platform: Platform | undefined;
  /** By address in lower case; empty until loaded. */
  tokensByAddress: Readonly<Record<string, Token>>;
  /** How many events of the platform itself were heard: each may have changed its status. */
  platformEvents: number;
  /** How far everything is known: the last event that was applied, or the snapshot's; 0 while not all is followed. */
  globalSequence: number;

  /** Connects and stays connected. Answers how to stop. */
  startStream: () => () => void;
  /** Tries to connect now, where a try is waited for. */
  retryConnection: () => void;
  submitIntent: (intent: Intent, idempotencyKey: string) => Promise<SubmitAnswer>;
  /** Loads the intent's history and follows it. Answers how to stop. */
  subscribeToIntent: (intentId: string, onProblem: (problem: ApiProblem) => void) => () => void;
  /** Follows everything. `loadSnapshot` loads what is shown, where too much was missed, and answers how far it is. */
  subscribeToAll: (loadSnapshot: () => Promise<number>) => () => void;
  applyEvent: (event: SepEvent) => void;
  /** Views of a snapshot; one that is older than what is known changes nothing. */
  applyViews: (views: readonly IntentView[]) => void;
  /** Says which intents the list on screen shows, in the place of those that it said before. */
  keepViews: (intentIds: readonly string[]) => void;
}

function merged(
  known: SepState["intentsById"],
  views: readonly IntentView[],
  shown: ReadonlySet<string>,
): SepState["intentsById"] {
  const news = views.filter((view) => (known[view.intent_id]?.sequence ?? 0) < view.sequence);
  if (news.length === 0) return known;
  const all = { ...known, ...Object.fromEntries(news.map((view) => [view.intent_id, view])) };
  const ids = Object.keys(all);
  if (ids.length <= maxIntents) return all;
  // Identifiers sort by time.
  const newest = new Set(ids.sort().slice(-Math.floor(maxIntents * 0.9)));
  const kept = ids.filter((id) => newest.has(id) || shown.has(id));
  return Object.fromEntries(kept.map((id) => [id, all[id]!]));
}

export function createSepStore() {
  return createStore<SepState>()((set, get) => {
    const reloading = new Set<string>();
    let shown: ReadonlySet<string> = new Set();

    /** After a gap: the server knows the whole. */
    async function reload(intentId: string): Promise<void> {
      if (reloading.has(intentId)) return;
      reloading.add(intentId);
      try {
        if (intentId in get().eventsById) await loadHistory(intentId);
        get().applyViews([await api.intent(intentId)]);
      } catch {
        // The next event of the intent shows the gap again, and the reconnection resumes behind what is known.
      } finally {
        reloading.delete(intentId);
      }
    }

    async function loadHistory(intentId: string): Promise<void> {
      const events = await api.events(intentId);
      const { intent } = foldHistory(events);
      set((state) => ({
        ...(intent && { intentsById: merged(state.intentsById, [intent], shown) }),
        ...((state.eventsById[intentId]?.length ?? events.length) < events.length && {
          eventsById: { ...state.eventsById, [intentId]: events },
        }),
      }));
    }

    const stream = new Stream({
      onEvent: (event) => get().applyEvent(event),
      onConnection: (change) =>
        set((state) => {
          const connection = { ...state.connection, ...change };
          return { connection, connectionStatus: connection.status };
        }),
    });

    return {
      intentsById: {},
      liveEvents: [],
      eventsById: {},
      connectionStatus: "connecting",
      connection: {
        status: "connecting",
        since: 0,
        attempt: 0,
        retryAt: undefined,
        triedSince: undefined,
        heardAt: undefined,
        blockNumber: undefined,
        blockAt: undefined,
      },
      platform: undefined,
      tokensByAddress: {},
      globalSequence: 0,
      platformEvents: 0,

      startStream: () => {
        stream.start();
        return () => stream.stop();
      },
      retryConnection: () => stream.retryNow(),

      submitIntent: (intent, idempotencyKey) => api.submitIntent(intent, idempotencyKey),

      subscribeToIntent: (intentId, onProblem) => {
        set((state) => ({ eventsById: { ...state.eventsById, [intentId]: state.eventsById[intentId] ?? [] } }));
        let ended = false;
        let unwatch: (() => void) | undefined;
        loadHistory(intentId).then(
          () => {
            if (ended) return;
            unwatch = stream.watch({
              correlationId: `intent-${intentId}`,
              from: () => (get().eventsById[intentId]?.length ?? 0) + 1,
            });
          },
          (problem: ApiProblem) => {
            if (!ended) onProblem(problem);
          },
        );
        return () => {
          ended = true;
          unwatch?.();
          set((state) => {
            const { [intentId]: _, ...eventsById } = state.eventsById;
            return { eventsById };
          });
        };
      },

      subscribeToAll: (loadSnapshot) => {
        const unwatch = stream.watch({
          from: async (head) => {
            const known = get().globalSequence;
            // A record that ends before what was seen is another record.
            const resumes = known > 0 && head >= known && head - known <= maxCatchUp;
            if (!resumes) set({ globalSequence: await loadSnapshot() });
            return get().globalSequence + 1;
          },
        });
        return () => {
          unwatch();
          set({ globalSequence: 0 });
        };
      },

      applyEvent: (event) => {
        if (!isOfIntent(event))
          return set(({ globalSequence: known, platformEvents }) => ({
            platformEvents: platformEvents + 1,
            ...(known > 0 && { globalSequence: Math.max(known, event.globalSequence ?? 0) }),
          }));
        const intentId = intentIdOf(event);
        const { intentsById, eventsById } = get();
        const view = intentsById[intentId];
        const after = applyToIntent(view, event);
        const history = eventsById[intentId];
        const isNew = after !== view;
        const extendsHistory = history !== undefined && event.sequence === history.length + 1;
        const isAhead = view !== undefined && event.sequence > view.sequence + 1;
        set((state) => ({
          ...(state.globalSequence > 0 && {
            globalSequence: Math.max(state.globalSequence, event.globalSequence ?? 0),
          }),
          ...(isNew && after && { intentsById: merged(state.intentsById, [after], shown) }),
          ...((isNew || isAhead || view === undefined) && {
            liveEvents: [...state.liveEvents.slice(1 - maxLiveEvents), event],
          }),
          ...(extendsHistory && { eventsById: { ...state.eventsById, [intentId]: [...history, event] } }),
        }));
        const missing = isAhead || (history !== undefined && event.sequence > history.length + 1);
        if (missing) void reload(intentId);
      },

      applyViews: (views) => set((state) => ({ intentsById: merged(state.intentsById, views, shown) })),

      keepViews: (intentIds) => {
        shown = new Set(intentIds);
      },
    };
  });
}

export const sepStore = createSepStore();

/** What a component needs of the store; it renders again when that changes. */
export function useSep<T>(select: (state: SepState) => T): T {
  return useStore(sepStore, select);
}
export function useSepShallow<T>(select: (state: SepState) => T): T {
  return useStore(sepStore, useShallow(select));
}

/** Loads what changes only with a restart of the platform. */
export async function loadPlatform(): Promise<void> {
  const [{ tokens }, platform] = await Promise.all([api.assets(), api.platform()]);
  sepStore.setState({
    platform,
    tokensByAddress: Object.fromEntries(tokens.map((token) => [token.address.toLowerCase(), token])),
  });
}

/** Ends once the platform's tokens and limits are known, or when `ms` have passed. */
export function platformKnown(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const ended = ({ platform }: SepState) => {
      if (platform !== undefined) end();
    };
    const end = () => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const unsubscribe = sepStore.subscribe(ended);
    ended(sepStore.getState());
  });
}

/** What badges need to know of the chain. */
export function useChainPosition(): ChainPosition {
  return useSepShallow((state) => ({
    blockNumber: state.connection.blockNumber,
    confirmations: state.platform?.chain.confirmations,
    maxAttempts: state.platform?.limits.max_attempts,
    // Whole seconds, so that what shows it is not drawn anew for nothing.
    blockEveryMs: state.connection.blockEveryMs && Math.round(state.connection.blockEveryMs / 1000) * 1000,
  }));
}
