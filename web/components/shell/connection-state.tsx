"use client";
import type { ReactNode } from "react";
import { ClockIcon, OctagonCross, Pause, Play, Retry } from "@/components/ui/icons.tsx";
import { Button, cx, Key } from "@/components/ui/kit.tsx";
import { formatCount } from "@/lib/format/text.ts";
import { formatWhen, zoneName } from "@/lib/format/time.ts";
import { setPaused, usePause } from "@/lib/intent/pause.ts";
import { useZone } from "@/lib/preferences.ts";
import { connectionWords } from "@/lib/sep/connection.ts";
import { sepStore, useSep } from "@/lib/sep/store.ts";
import { useNow } from "@/lib/use-loaded.ts";

/** Says whether what the page shows is live, and how old it is if not. */
export function ConnectionState() {
  const connection = useSep((state) => state.connection);
  const { paused, waiting } = usePause();
  const now = useNow();
  const zone = useZone();
  const words = connectionWords(connection, now);
  switch (words.name) {
    case "starting":
      return (
        <Box className="text-text3" icon={<Dot className="bg-grey-fill" />}>
          <span className="sr-only search:not-sr-only">Connecting</span>
        </Box>
      );
    case "offline":
      return (
        <Box
          className="text-red"
          icon={<OctagonCross />}
          action={<Action label="Try now" icon={<Retry />} onClick={() => sepStore.getState().retryConnection()} />}
        >
          Offline since {formatWhen(words.since, zone, now ?? 0)} {zoneName(zone)}
        </Box>
      );
    case "reconnecting":
      return (
        <Box className="text-amber" icon={<Retry />}>
          Reconnecting, try {words.attempt}
          {words.waitMs > 0 && ` in ${Math.ceil(words.waitMs / 1000)} s`}
          <span className="sr-only wide:not-sr-only">. Figures may be old.</span>
        </Box>
      );
    case "behind":
      return (
        <Box className="text-amber" icon={<ClockIcon />}>
          Behind, last {words.last} {Math.round(words.ageMs / 1000)} s ago
        </Box>
      );
    case "live":
      return paused ? (
        <Box
          className="text-text2"
          icon={<Pause />}
          action={<Action label="Resume" icon={<Play />} keys="P" onClick={() => setPaused(false)} />}
        >
          Paused{waiting > 0 && `, ${formatCount(waiting)} new waiting`}
        </Box>
      ) : (
        <Live blockNumber={words.blockNumber} />
      );
  }
}

/** As wide as the usual text, so that nothing moves when the connection comes. */
const box =
  "flex h-8 min-w-6 shrink-0 items-center justify-end gap-2 text-table whitespace-nowrap search:min-w-[150px]";

function Live({ blockNumber }: { blockNumber: number | undefined }) {
  return (
    <div className={cx(box, "text-text2")}>
      <Dot className="bg-green-fill" />
      <span>
        <span className={cx(blockNumber !== undefined && "sr-only search:not-sr-only")}>
          Live{blockNumber !== undefined && ", block "}
        </span>
        {blockNumber !== undefined && formatCount(blockNumber)}
      </span>
    </div>
  );
}

/** Where the bar has no room for one line, the words take two. */
function Box({
  icon,
  action,
  className,
  children,
}: {
  icon: ReactNode;
  action?: ReactNode;
  className: string;
  children: ReactNode;
}) {
  return (
    <div className={cx(box, className)}>
      {icon}
      <span className="max-wide:max-w-[104px] max-wide:text-note max-wide:whitespace-normal">{children}</span>
      {action}
    </div>
  );
}

/** A button that keeps its word where there is room for it. */
function Action({
  label,
  icon,
  keys,
  onClick,
}: {
  label: string;
  icon: ReactNode;
  keys?: string;
  onClick: () => void;
}) {
  return (
    <Button onClick={onClick} aria-label={label} title={label} className="max-wide:size-8 max-wide:px-0">
      <span className="wide:hidden">{icon}</span>
      <span className="max-wide:hidden">{label}</span>
      {keys !== undefined && (
        <span className="max-wide:hidden">
          <Key>{keys}</Key>
        </span>
      )}
    </Button>
  );
}

function Dot({ className }: { className: string }) {
  return <span aria-hidden="true" className={cx("size-2 rounded-full", className)} />;
}
