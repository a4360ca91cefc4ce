// Which intents a list shows: kept in the page's address, so that a refresh or a link shows the same.
import type { IntentView, State, WindowName } from "../sep/types.ts";

export const activeStates: readonly State[] = ["submitted", "accepted", "planned", "executing"];
export const notFilledStates: readonly State[] = ["failed", "risk_rejected", "plan_rejected", "expired", "cancelled"];

export const stateFilters = [
  { value: "all", label: "All", states: [] as readonly State[] },
  { value: "active", label: "Active", states: activeStates },
  { value: "completed", label: "Completed", states: ["completed"] as readonly State[] },
  { value: "not_filled", label: "Not filled", states: notFilledStates },
  { value: "failed", label: "Failed", states: ["failed"] as readonly State[] },
  { value: "rejected", label: "Rejected", states: ["risk_rejected", "plan_rejected"] as readonly State[] },
  { value: "expired", label: "Expired", states: ["expired"] as readonly State[] },
  { value: "cancelled", label: "Cancelled", states: ["cancelled"] as readonly State[] },
] as const;
export type StateFilter = (typeof stateFilters)[number]["value"];

export const windows: readonly { value: WindowName; label: string; seconds: number; words: string }[] = [
  { value: "15m", label: "15 m", seconds: 900, words: "15 minutes" },
  { value: "1h", label: "1 h", seconds: 3_600, words: "hour" },
  { value: "24h", label: "24 h", seconds: 86_400, words: "24 h" },
  { value: "7d", label: "7 d", seconds: 604_800, words: "7 days" },
];

export interface ListFilter {
  window: WindowName;
  state: StateFilter;
  strategyId: string | undefined;
  /** Of an older page; such a page stands still. */
  cursor: string | undefined;
}

export const usualFilter: ListFilter = { window: "24h", state: "all", strategyId: undefined, cursor: undefined };

export function filterFrom(parameters: { get(name: string): string | null }): ListFilter {
  const window = windows.find(({ value }) => value === parameters.get("window"))?.value ?? "24h";
  const state = stateFilters.find(({ value }) => value === parameters.get("state"))?.value ?? "all";
  return {
    window,
    state,
    strategyId: parameters.get("strategy") ?? undefined,
    cursor: parameters.get("before") ?? undefined,
  };
}

/** The address of the list with this filter; what is usual is left out. */
export function filterHref(filter: ListFilter): string {
  const parameters = new URLSearchParams();
  if (filter.window !== "24h") parameters.set("window", filter.window);
  if (filter.state !== "all") parameters.set("state", filter.state);
  if (filter.strategyId !== undefined) parameters.set("strategy", filter.strategyId);
  if (filter.cursor !== undefined) parameters.set("before", filter.cursor);
  const text = parameters.toString();
  return text === "" ? "/" : `/?${text}`;
}

export const statesOf = (filter: StateFilter): readonly State[] =>
  stateFilters.find(({ value }) => value === filter)?.states ?? [];
export const windowOf = (name: WindowName) => windows.find(({ value }) => value === name)!;

/** Whether an intent comes into the list by reaching `state`: an older page stands still. */
export function admitsState({ cursor, state: wanted }: ListFilter, state: State): boolean {
  if (cursor !== undefined) return false;
  return wanted === "all" || wanted === "active" ? state === "submitted" : statesOf(wanted).includes(state);
}

/** Whether the list is of such intents, whatever their state. */
export function isOfList(
  { strategyId, window }: ListFilter,
  view: Pick<IntentView, "strategy_id" | "received_at">,
  now: number,
): boolean {
  if (strategyId !== undefined && strategyId !== view.strategy_id) return false;
  return Date.parse(view.received_at) >= now - windowOf(window).seconds * 1000;
}

export interface Rows {
  /** Newest first: identifiers sort by time. */
  ids: readonly string[];
  nextCursor: string | null;
}

/** Which of those that wait have a place among the rows; what is older than all of them may be on the older page. */
export function newcomers({ ids, nextCursor }: Rows, waiting: readonly string[]): string[] {
  const known = new Set(ids);
  const oldest = nextCursor === null ? "" : (ids.at(-1) ?? "");
  return [...new Set(waiting)].filter((id) => !known.has(id) && id > oldest);
}

/** The rows with the newcomers in their places. Rows that fall off the end are on the older page. */
export function withNewcomers(rows: Rows, waiting: readonly string[], pageSize: number): Rows {
  const ids = [...newcomers(rows, waiting), ...rows.ids].sort().reverse();
  if (ids.length <= pageSize) return { ids, nextCursor: rows.nextCursor };
  const kept = ids.slice(0, pageSize);
  return { ids: kept, nextCursor: kept.at(-1)! };
}
