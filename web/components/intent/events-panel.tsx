"use client";
import { useMemo } from "react";
import { Button, Panel, Skeleton } from "@/components/ui/kit.tsx";
import { Swap } from "@/components/ui/icons.tsx";
import { setEventOrder, useEventOrder } from "@/lib/intent/order.ts";
import { confirmationsWords, timelineOf } from "@/lib/intent/timeline.ts";
import { useChainPosition, useSep } from "@/lib/sep/store.ts";
import type { IntentView, SepEvent } from "@/lib/sep/types.ts";
import { EventRow, LiveRow } from "./event-row.tsx";

/** Everything that happened, in the record's order. */
export function EventsPanel({ events, view }: { events: readonly SepEvent[]; view: IntentView | undefined }) {
  const order = useEventOrder();
  const tokens = useSep((state) => state.tokensByAddress);
  const nativeSymbol = useSep((state) => state.platform?.chain.native_symbol ?? "ETH");
  const chain = useChainPosition();
  const rows = useMemo(() => timelineOf(events, view, tokens, nativeSymbol), [events, view, tokens, nativeSymbol]);
  const newestFirst = order === "newest";
  const shown = newestFirst ? rows.toReversed() : rows;
  const live = confirmationsWords(view, chain);
  const liveRow = live && <LiveRow key="live" words={live} />;
  return (
    <Panel
      title="Events"
      note={events.length > 0 ? events.length : undefined}
      aside={
        <Button
          look="quiet"
          className="-mr-2 px-2"
          title={newestFirst ? "Show the oldest first" : "Show the newest first"}
          onClick={() => setEventOrder(newestFirst ? "oldest" : "newest")}
        >
          {newestFirst ? "Newest first" : "Oldest first"}
          <Swap size={14} />
        </Button>
      }
    >
      {rows.length === 0 ? (
        <Loading />
      ) : (
        <ol className="py-2">
          {newestFirst && liveRow}
          {shown.map((row) => (
            <EventRow key={row.event.eventId} row={row} />
          ))}
          {!newestFirst && liveRow}
        </ol>
      )}
    </Panel>
  );
}

/** A whole life has about a dozen events. */
function Loading() {
  return (
    <div className="flex flex-col gap-4 p-4">
      {Array.from({ length: 12 }, (_, index) => (
        <Skeleton key={index} className="h-10 w-full" />
      ))}
    </div>
  );
}
