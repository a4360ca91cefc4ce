"use client";
import { ClockIcon, OctagonCross, Retry } from "@/components/ui/icons.tsx";
import { Button, cx } from "@/components/ui/kit.tsx";
import { formatClock, zoneName } from "@/lib/format/time.ts";
import { formatCount } from "@/lib/format/text.ts";
import { useZone } from "@/lib/preferences.ts";
import { sepStore, useSep } from "@/lib/sep/store.ts";
import { useNow } from "@/lib/use-loaded.ts";

/** The server says something every 2 s, and the market confirms its head every second. */
const behindMs = 5_000;
/** After this long without a connection, it is no short break any more. */
const offlineMs = 15_000;

/** Says whether what the page shows is live, and how old it is if not. */
export function ConnectionState() {
  const connection = useSep((state) => state.connection);
  const now = useNow();
  const zone = useZone();
  // As wide as the usual text, so that nothing moves when the connection comes.
  const box = "flex h-8 min-w-6 items-center justify-end gap-2 text-table whitespace-nowrap search:min-w-[150px]";
  const start = connection.since === 0 || now === undefined;
  if (start || (connection.status === "connecting" && connection.attempt <= 1))
    return (
      <div className={cx(box, "text-text3")}>
        <Dot className="bg-grey-fill" />
        <span className="sr-only search:not-sr-only">Connecting</span>
      </div>
    );
  if (connection.status !== "connected") {
    const { heardAt = connection.since, retryAt, attempt } = connection;
    if (now - heardAt > offlineMs)
      return (
        <div className={cx(box, "text-red")}>
          <OctagonCross />
          <span className="sr-only search:not-sr-only">
            Offline since {formatClock(heardAt, zone)} {zoneName(zone)}
          </span>
          <Button className="text-red" onClick={() => sepStore.getState().retryConnection()}>
            Try now
          </Button>
        </div>
      );
    const wait = retryAt === undefined ? 0 : Math.max(Math.ceil((retryAt - now) / 1000), 0);
    return (
      <div className={cx(box, "text-amber")} title="Figures may be old.">
        <Retry />
        <span className="sr-only search:not-sr-only">
          Reconnecting, try {attempt + (retryAt === undefined ? 0 : 1)}
          {wait > 0 && ` in ${wait} s`}
        </span>
      </div>
    );
  }
  const { heardAt = now, blockAt, blockNumber } = connection;
  const age = Math.max(now - heardAt, blockAt === undefined ? 0 : now - blockAt);
  if (age > behindMs)
    return (
      <div className={cx(box, "text-amber")}>
        <ClockIcon />
        <span className="sr-only search:not-sr-only">
          Behind, last {now - heardAt > behindMs ? "update" : "block"} {Math.round(age / 1000)} s ago
        </span>
      </div>
    );
  return (
    <div className={cx(box, "text-text2")}>
      <Dot className="bg-green-fill" />
      <span>
        <span className="sr-only search:not-sr-only">Live{blockNumber !== undefined && ", block "}</span>
        {blockNumber !== undefined && formatCount(blockNumber)}
      </span>
    </div>
  );
}

function Dot({ className }: { className: string }) {
  return <span aria-hidden="true" className={cx("size-2 rounded-full", className)} />;
}
