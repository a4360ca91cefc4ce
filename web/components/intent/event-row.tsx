"use client";
import { memo, useId, useState, type ReactNode } from "react";
import {
  ArcDot,
  ChevronDown,
  CircleArrow,
  CircleSlash,
  CircleTick,
  ClockIcon,
  OctagonCross,
  OpenCircle,
  Retry,
  SquareDash,
  Warning,
} from "@/components/ui/icons.tsx";
import { Copy, cx, textOf, Time } from "@/components/ui/kit.tsx";
import { tookWords } from "@/lib/intent/path.ts";
import type { TimelineIcon, TimelineRow, Words } from "@/lib/intent/timeline.ts";
import type { SepEvent } from "@/lib/sep/types.ts";

const icons: Readonly<Record<TimelineIcon, () => ReactNode>> = {
  open: () => <OpenCircle />,
  tick: () => <CircleTick />,
  sent: () => <CircleArrow />,
  filled: () => <CircleTick />,
  retry: () => <Retry />,
  late: () => <Warning />,
  failed: () => <OctagonCross />,
  rejected: () => <CircleSlash />,
  clock: () => <ClockIcon />,
  cancelled: () => <SquareDash />,
  confirming: () => <ArcDot />,
};

const layout = "group grid grid-cols-[76px_16px_minmax(0,1fr)] gap-x-2.5 px-4";

/** One event: when, what, and all that the record holds of it once opened. */
export const EventRow = memo(function EventRow({ row }: { row: TimelineRow }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const { event, sinceMs } = row;
  return (
    <li className={layout} data-event={event.sequence}>
      <Clock>
        <Time at={event.timestamp} precision="tenth" />
        {sinceMs !== undefined && sinceMs > 0 && (
          <span className="block text-note text-text3">+{tookWords(sinceMs)}</span>
        )}
      </Clock>
      <Rail words={row} />
      <div className="min-w-0 border-b border-line py-2 group-last:border-b-0">
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          className="-mx-1.5 flex w-[calc(100%+12px)] items-start gap-2 rounded-badge px-1.5 py-0.5 text-left hover:bg-sunken"
        >
          <Text words={row} />
          <ChevronDown size={14} className={cx("mt-[3px] ml-auto shrink-0 text-text3", open && "rotate-180")} />
        </button>
        <div id={id} hidden={!open}>
          {open && <Payload event={event} />}
        </div>
      </div>
    </li>
  );
}, sameRow);

/** The words are made anew with every event; most rows stay as they are. */
function sameRow({ row: before }: { row: TimelineRow }, { row: after }: { row: TimelineRow }): boolean {
  const keys = Object.keys(after) as (keyof TimelineRow)[];
  return keys.length === Object.keys(before).length && keys.every((key) => Object.is(before[key], after[key]));
}

/** What the chain's head says, which is no event of the record. */
export function LiveRow({ words }: { words: Words }) {
  return (
    <li className={layout}>
      <Clock>now</Clock>
      <Rail words={words} />
      <div className="min-w-0 border-b border-line py-2.5 group-last:border-b-0">
        <Text words={words} />
      </div>
    </li>
  );
}

function Clock({ children }: { children: ReactNode }) {
  return <div className="py-2.5 text-right text-table text-text2">{children}</div>;
}

/** The icon, and the line that joins it to its neighbours. */
function Rail({ words }: { words: Words }) {
  return (
    <div className="relative flex flex-col items-center">
      <span aria-hidden="true" className="h-3 w-px bg-line group-first:bg-transparent" />
      <span className={cx("my-px", textOf[words.hue])}>{icons[words.icon]()}</span>
      <span aria-hidden="true" className="w-px flex-1 bg-line group-last:bg-transparent" />
    </div>
  );
}

function Text({ words }: { words: Words }) {
  return (
    <span className="min-w-0">
      <span className="block text-table wrap-anywhere">
        <span className="font-semibold">{words.fact}</span>
        {words.tail !== undefined && ` ${words.tail}`}
      </span>
      {words.detail !== undefined && words.detail !== "" && (
        <span className="block text-note wrap-anywhere text-text2">{words.detail}</span>
      )}
    </span>
  );
}

function Payload({ event }: { event: SepEvent }) {
  const text = JSON.stringify(event.payload, null, 2);
  return (
    <div className="mt-1.5 mb-1 rounded-control bg-sunken">
      <div className="flex items-center justify-between gap-2 py-1 pr-1 pl-2.5 text-note text-text2">
        <span className="min-w-0">
          <span className="font-mono">{event.topic}</span>, sequence {event.sequence}
        </span>
        <Copy text={text} label="Copy the payload" />
      </div>
      <pre
        tabIndex={0}
        role="group"
        aria-label={`Payload of ${event.topic}`}
        className="max-h-80 overflow-y-auto px-2.5 pb-2.5 font-mono text-note break-all whitespace-pre-wrap"
      >
        {text}
      </pre>
    </div>
  );
}
