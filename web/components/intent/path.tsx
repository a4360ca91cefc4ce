"use client";
import { cx, Panel, Time } from "@/components/ui/kit.tsx";
import {
  ArcDot,
  CircleTick,
  ClockIcon,
  DottedCircle,
  OctagonCross,
  SquareDash,
  Warning,
} from "@/components/ui/icons.tsx";
import type { StageState } from "@/lib/intent/badge.ts";
import { emptyPath, pathOf, type PathNode } from "@/lib/intent/path.ts";
import { useChainPosition } from "@/lib/sep/store.ts";
import type { IntentView } from "@/lib/sep/types.ts";

/** The stages of an intent's life, and where this one is. */
export function Path({ view }: { view: IntentView | undefined }) {
  const chain = useChainPosition();
  const nodes = view ? pathOf(view, chain) : emptyPath;
  return (
    <Panel className="mt-4">
      <h2 className="sr-only">Path</h2>
      <ol className="grid grid-cols-1 px-4 py-2 tablet:grid-cols-4 tablet:gap-y-4 tablet:px-5 tablet:py-4 desktop:grid-cols-8">
        {nodes.map((node, index) => (
          <Stage
            key={index}
            node={node}
            next={nodes[index + 1]}
            receivedAt={index === 0 ? view?.received_at : undefined}
            expired={view?.state === "expired"}
          />
        ))}
      </ol>
    </Panel>
  );
}

const nodeText: Readonly<Record<StageState, string>> = {
  done: "text-text2",
  late: "text-amber",
  current: "text-blue",
  failed: "text-red",
  ended: "text-text2",
  pending: "text-text3",
};
const labelText: Readonly<Record<StageState, string>> = {
  done: "font-semibold text-ink",
  late: "font-semibold text-ink",
  current: "font-semibold text-blue",
  failed: "font-semibold text-red",
  ended: "font-semibold text-ink",
  pending: "text-text2",
};
const noteText: Readonly<Record<StageState, string>> = {
  done: "text-text2",
  late: "text-amber",
  current: "text-text2",
  failed: "text-red",
  ended: "text-text2",
  pending: "text-text3",
};

function NodeIcon({ state, expired }: { state: StageState; expired: boolean }) {
  switch (state) {
    case "done":
      return <CircleTick />;
    case "late":
      return <Warning />;
    case "current":
      return <ArcDot />;
    case "failed":
      return <OctagonCross />;
    case "ended":
      return expired ? <ClockIcon /> : <SquareDash />;
    case "pending":
      return <DottedCircle />;
  }
}

function Stage({
  node,
  next,
  receivedAt,
  expired,
}: {
  node: PathNode;
  next: PathNode | undefined;
  receivedAt: string | undefined;
  expired: boolean;
}) {
  const { label, state, note } = node;
  const reaches = next !== undefined && next.state !== "pending";
  return (
    <li
      aria-current={state === "current" ? "step" : undefined}
      className="relative grid grid-cols-[16px_minmax(0,auto)_minmax(0,1fr)] items-center gap-x-3 py-1.5 tablet:block tablet:min-w-0 tablet:py-0 tablet:pr-3"
    >
      <span className={nodeText[state]}>
        <NodeIcon state={state} expired={expired} />
      </span>
      {next && <Line solid={reaches} />}
      <p className={cx("text-table tablet:mt-2", labelText[state])}>{label}</p>
      <p className={cx("text-right text-note tablet:min-h-4 tablet:text-left", noteText[state])}>
        {note ?? (receivedAt !== undefined && <Time at={receivedAt} precision="millisecond" />)}
      </p>
    </li>
  );
}

/** From a stage to the next: beside it, or under it on phones. */
function Line({ solid }: { solid: boolean }) {
  const stroke = solid ? "border-control" : "border-dotted border-control";
  return (
    <>
      <span aria-hidden="true" className={cx("absolute top-[26px] left-[7px] h-3 border-l-2 tablet:hidden", stroke)} />
      <span
        aria-hidden="true"
        className={cx("absolute top-[7px] right-1 left-[22px] hidden border-t-2 tablet:block", stroke)}
      />
    </>
  );
}
