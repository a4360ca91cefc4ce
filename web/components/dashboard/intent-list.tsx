"use client";
import Link from "next/link";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { ArrowUp, Pause, Play } from "@/components/ui/icons.tsx";
import { Button, ButtonLink, cx, Empty, Key, LoadError, Skeleton, useFocusWithin } from "@/components/ui/kit.tsx";
import { counted, formatCount } from "@/lib/format/text.ts";
import { zoneName } from "@/lib/format/time.ts";
import { filterHref, stateFilters, windowOf, type ListFilter } from "@/lib/intent/list-filter.ts";
import { togglePaused, usePause } from "@/lib/intent/pause.ts";
import { useZone } from "@/lib/preferences.ts";
import type { Statistics, Strategies } from "@/lib/sep/types.ts";
import { useShortcut } from "@/lib/shortcuts.ts";
import { openPreferences } from "../shell/shortcuts.tsx";
import { columns, IntentRow } from "./intent-row.tsx";
import { pageSize, useIntentList } from "./use-intent-list.ts";

export interface Choice {
  filter: ListFilter;
  choose: (change: Partial<ListFilter>) => void;
}

/** How many intents each tab holds, of those submitted in the window. */
function countsOf(stats: Statistics | undefined): Partial<Record<string, number>> {
  const totals = stats?.window?.totals;
  if (!stats || !totals) return {};
  return {
    all: totals.submitted,
    active: stats.active,
    completed: totals.completed,
    not_filled: totals.failed + totals.rejected + totals.expired + totals.cancelled,
  };
}

export function IntentListPanel({
  filter,
  choose,
  stats,
  strategies,
}: Choice & { stats: Statistics | undefined; strategies: Strategies["strategies"] }) {
  const zone = useZone();
  const focus = useFocusWithin<HTMLOListElement>();
  const paused = usePause((state) => state.paused);
  const scrolled = useScrolled();
  const list = useIntentList(filter, paused || scrolled || focus.inside);
  const { ids, waiting } = list;

  useEffect(() => usePause.setState({ waiting }), [waiting]);
  useEffect(() => () => usePause.setState({ paused: false, waiting: 0 }), []);

  useShortcut("p", togglePaused);
  const move = (step: number) => {
    const links = [...(focus.ref.current?.querySelectorAll<HTMLElement>("a") ?? [])];
    const at = links.findIndex((link) => link === document.activeElement);
    links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
  };
  useShortcut("j", () => move(1));
  useShortcut("k", () => move(-1));
  useShortcut("escape", () => (document.activeElement as HTMLElement | null)?.blur());

  const toFirst = useRef(false);
  const admit = (byKeyboard: boolean) => {
    list.show();
    window.scrollTo({ top: 0 });
    toFirst.current = byKeyboard;
  };
  // The button that was pressed is gone: the keyboard goes on with what it let in.
  useEffect(() => {
    if (!toFirst.current) return;
    toFirst.current = false;
    focus.ref.current?.querySelector<HTMLElement>("a")?.focus({ preventScroll: true });
  }, [ids, focus.ref]);

  return (
    <section aria-labelledby="intents-title" className="min-w-0 rounded-panel border border-line bg-surface">
      <h2 id="intents-title" className="sr-only">
        Intents
      </h2>
      <Toolbar {...{ filter, choose, stats, strategies, waiting, paused }} onAdmit={admit} onPause={togglePaused} />
      <div
        aria-hidden="true"
        className={cx(columns, "hidden border-b border-line px-4 py-1.5 text-note text-text2 tablet:grid")}
      >
        <span>State</span>
        <span>Intent</span>
        <span className="text-right">Value</span>
        <span className="hidden text-right stage:block">vs quote</span>
        <span className="hidden stage:block">Stage</span>
        <span className="text-right">Elapsed</span>
        <span className="text-right">Received</span>
      </div>
      {list.problem && <LoadError what="intents" problem={list.problem} dataFrom={list.at} onRetry={list.reload} />}
      <ol ref={focus.ref} aria-label="Intents, newest first" aria-busy={ids === undefined} {...focus.handlers}>
        {ids === undefined && !list.problem && <Loading />}
        {ids?.map((id) => (
          <IntentRow key={id} id={id} />
        ))}
      </ol>
      {ids?.length === 0 && <NoIntents {...{ filter, choose }} />}
      {/* Rows that wait take the room of a whole page: where there are fewer, this would be seen moving up. */}
      <footer
        className={cx(
          "flex min-h-[52px] flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2 text-table text-text2",
          ids === undefined && "invisible",
        )}
      >
        <span>
          {ids === undefined ? "\u00a0" : `Showing ${counted(ids.length, "intent")}, times in ${zoneName(zone)}`}
        </span>
        <span className="ml-auto hidden items-center gap-1.5 text-note text-text3 desktop:flex">
          <Key>J</Key> <Key>K</Key> move <Key>Enter</Key> open
          <button
            type="button"
            className="ml-1 inline-flex min-h-6 items-center gap-1.5 rounded-badge hover:text-ink"
            onClick={openPreferences}
          >
            <Key>?</Key> all shortcuts
          </button>
        </span>
        <span className="ml-auto flex gap-2 desktop:ml-0">
          {filter.cursor !== undefined && (
            <ButtonLink href={filterHref({ ...filter, cursor: undefined })} prefetch={false}>
              Newest
            </ButtonLink>
          )}
          {list.nextCursor !== null && (
            <ButtonLink href={filterHref({ ...filter, cursor: list.nextCursor })} prefetch={false}>
              Older
            </ButtonLink>
          )}
        </span>
      </footer>
    </section>
  );
}

function Toolbar({
  filter,
  choose,
  stats,
  strategies,
  waiting,
  paused,
  onAdmit,
  onPause,
}: Choice & {
  stats: Statistics | undefined;
  strategies: readonly string[];
  waiting: number;
  paused: boolean;
  onAdmit: (byKeyboard: boolean) => void;
  onPause: () => void;
}) {
  const counts = countsOf(stats);
  const known = filter.strategyId === undefined || strategies.includes(filter.strategyId);
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-2.5 py-2">
      <nav aria-label="State" className="flex max-w-full flex-wrap">
        {stateFilters.slice(0, 4).map(({ value, label }) => {
          const current = filter.state === value;
          const count = counts[value];
          return (
            <Link
              key={value}
              href={filterHref({ ...filter, state: value, cursor: undefined })}
              prefetch={false}
              aria-current={current ? "true" : undefined}
              className={cx(
                "flex min-h-8 items-center gap-1.5 rounded-control px-2.5 text-table whitespace-nowrap",
                current ? "bg-sunken font-semibold" : "text-text2 hover:text-ink",
              )}
            >
              {label}
              <span className="min-w-3 font-normal text-text2 max-tablet:hidden">
                {count === undefined ? "" : formatCount(count)}
              </span>
            </Link>
          );
        })}
      </nav>
      <div className="ml-auto flex flex-wrap items-center gap-2 max-tablet:w-full">
        <span role="status" className="sr-only">
          {waiting > 0 && counted(waiting, "new intent")}
        </span>
        <button
          type="button"
          onClick={(event) => onAdmit(event.detail === 0)}
          className={cx(
            "inline-flex h-7 min-w-24 items-center justify-center gap-1 rounded-full bg-blue-tint px-3 text-table font-semibold whitespace-nowrap text-blue max-tablet:order-last",
            waiting === 0 && "invisible",
          )}
        >
          <ArrowUp size={14} /> {formatCount(waiting)} new
        </button>
        <Select
          className="max-tablet:hidden"
          label="State"
          value={filter.state}
          onChange={(state) => choose({ state: state as ListFilter["state"], cursor: undefined })}
        >
          {stateFilters.map(({ value, label }) => (
            <option key={value} value={value}>
              {value === "all" ? "Any state" : label}
            </option>
          ))}
        </Select>
        <Select
          className="max-tablet:min-w-20 max-tablet:basis-20 max-tablet:grow"
          label="Strategy"
          value={filter.strategyId ?? ""}
          onChange={(strategy) => choose({ strategyId: strategy === "" ? undefined : strategy, cursor: undefined })}
        >
          <option value="">Any strategy</option>
          {!known && <option value={filter.strategyId}>{filter.strategyId}</option>}
          {strategies.map((strategy) => (
            <option key={strategy} value={strategy}>
              {strategy}
            </option>
          ))}
        </Select>
        <Button onClick={onPause} aria-pressed={paused} className={paused ? "bg-amber-tint text-amber" : undefined}>
          {paused ? <Play size={14} /> : <Pause size={14} />}
          <span className="min-w-12">{paused ? "Paused" : "Pause"}</span>
          <span className="hidden desktop:inline">
            <Key>P</Key>
          </span>
        </Button>
      </div>
    </div>
  );
}

function Select({
  label,
  value,
  onChange,
  children,
  className,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ReactNode;
  className?: string;
}) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className={cx("h-8 max-w-36 rounded-control border border-control bg-surface px-2 text-table", className)}
    >
      {children}
    </select>
  );
}

function NoIntents({ filter, choose }: Choice) {
  const when = `in the last ${windowOf(filter.window).words}`;
  const label = stateFilters.find(({ value }) => value === filter.state)?.label.toLowerCase();
  const filtered = filter.state !== "all" || filter.strategyId !== undefined;
  if (filter.cursor !== undefined)
    return (
      <Empty
        title="No older intents."
        action={<ButtonLink href={filterHref({ ...filter, cursor: undefined })}>Newest</ButtonLink>}
      />
    );
  if (filtered)
    return (
      <Empty
        title={`No ${filter.state === "all" ? "" : `${label} `}intents${filter.strategyId === undefined ? "" : ` of ${filter.strategyId}`} ${when}.`}
        action={<Button onClick={() => choose({ state: "all", strategyId: undefined })}>Clear filter</Button>}
      />
    );
  return (
    <Empty title={`No intents ${when}`} action={<ButtonLink href="/submit">Submit intent</ButtonLink>}>
      They appear here as soon as a strategy or this page submits one.
    </Empty>
  );
}

function Loading() {
  return Array.from({ length: Math.min(pageSize, 15) }, (_, index) => (
    <li
      key={index}
      aria-hidden="true"
      className="flex h-[84px] items-center gap-3 border-b border-line px-4 tablet:h-[54px] wide:h-[42px]"
    >
      <Skeleton className="h-[22px] w-24" />
      <Skeleton className="h-3 flex-1" />
      <Skeleton className="hidden h-3 w-24 tablet:block" />
    </li>
  ));
}

/** Whether the reader is below the top of the page. */
function useScrolled(): boolean {
  const [scrolled, setScrolled] = useState(false);
  const frame = useRef(0);
  useEffect(() => {
    const look = () => {
      cancelAnimationFrame(frame.current);
      frame.current = requestAnimationFrame(() => setScrolled(window.scrollY > 80));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    return () => {
      cancelAnimationFrame(frame.current);
      window.removeEventListener("scroll", look);
    };
  }, []);
  return scrolled;
}
