"use client";
import Link from "next/link";
import { memo } from "react";
import { Badge, cx, fillOf, Tag, Time } from "@/components/ui/kit.tsx";
import { formatSigned, formatUsd } from "@/lib/format/amount.ts";
import { formatDuration } from "@/lib/format/time.ts";
import { badgeOf, stagesOf, type BadgeState, type Stage } from "@/lib/intent/badge.ts";
import { versusQuote } from "@/lib/intent/fill.ts";
import { sentenceOf } from "@/lib/intent/wording.ts";
import { isTerminal } from "@/lib/sep/fold.ts";
import { useChainPosition, useSep } from "@/lib/sep/store.ts";
import type { IntentView } from "@/lib/sep/types.ts";
import { useNow } from "@/lib/use-loaded.ts";

/** The columns of the list; the header and each row share them. */
export const columns =
  "grid items-center gap-x-3 grid-cols-[140px_minmax(0,1fr)_96px_72px_72px] stage:grid-cols-[140px_minmax(0,1fr)_96px_76px_84px_72px_72px]";

/** One intent of the list: a link to its page, on any width. */
export const IntentRow = memo(function IntentRow({ id }: { id: string }) {
  const view = useSep((state) => state.intentsById[id]);
  const tokens = useSep((state) => state.tokensByAddress);
  const chain = useChainPosition();
  if (!view) return null;
  const state = badgeOf(view, chain);
  const sentence = sentenceOf(view, tokens);
  const versus = versusQuote(view);
  return (
    <li className="border-b border-line" data-intent={id} data-sequence={view.sequence} data-state={view.state}>
      <Link
        href={`/intent/${id}`}
        prefetch={false}
        className="block px-4 py-2 -outline-offset-2 hover:bg-sunken focus-visible:bg-sunken tablet:px-0 tablet:py-0"
      >
        <div className={cx(columns, "hidden min-h-[53px] px-4 wide:min-h-[41px] tablet:grid")}>
          <div className="min-w-0">
            <Badge state={state} />
          </div>
          <p className="min-w-0 py-1 text-table wrap-anywhere">
            <strong className="font-semibold">{sentence.promise}</strong>
            <span className="text-text2 max-wide:hidden">, </span>
            <span className="text-text2 max-wide:block">{sentence.bound}</span>
            {view.intent.constraints.execution_style === "passive" && (
              <>
                {" "}
                <Tag>passive</Tag>
              </>
            )}
          </p>
          <div className="text-right text-table">{formatUsd(view.summary.notional_usd)}</div>
          <div className="hidden text-right text-table text-text2 stage:block">
            {versus === undefined ? "–" : <Versus bps={versus} />}
          </div>
          <div className="hidden stage:block">
            <StageBar view={view} state={state} />
          </div>
          <div className="text-right text-table">
            <Elapsed view={view} />
          </div>
          <div className="text-right text-table text-text2">
            <Time at={view.received_at} />
          </div>
        </div>
        <div className="tablet:hidden">
          <div className="flex items-center justify-between gap-2">
            <Badge state={state} />
            <span className="text-note text-text2">
              <Time at={view.received_at} />
            </span>
          </div>
          <p className="mt-1.5 text-table wrap-anywhere">
            <strong className="font-semibold">{sentence.promise}</strong>
            <span className="block text-text2">{sentence.bound}</span>
          </p>
          <p className="mt-1 flex gap-3 text-note text-text2">
            <span>{formatUsd(view.summary.notional_usd)}</span>
            {versus !== undefined && <Versus bps={versus} />}
            <Elapsed view={view} />
          </p>
        </div>
      </Link>
    </li>
  );
});

function Versus({ bps }: { bps: string }) {
  return (
    <span className="whitespace-nowrap">
      <span className="text-ink">{formatSigned(bps)}</span> bps
    </span>
  );
}

function Elapsed({ view }: { view: IntentView }) {
  const total = view.timings_ms.total;
  if (total !== undefined) return <>{formatDuration(total)}</>;
  return isTerminal(view.state) ? <>–</> : <Running since={Date.parse(view.received_at)} />;
}
function Running({ since }: { since: number }) {
  const now = useNow();
  return <>{now === undefined ? "" : formatDuration(Math.max(now - since, 0))}</>;
}

/** Seven segments, from risk to completion; the badge says the same in words. */
function StageBar({ view, state }: { view: IntentView; state: BadgeState }) {
  const stages = stagesOf(view).slice(1);
  return (
    <span aria-hidden="true" className="flex gap-0.5">
      {stages.map((stage) => (
        <span key={stage.name} className={cx("h-[5px] flex-1 rounded-[1.5px]", colourOf(stage, state))} />
      ))}
    </span>
  );
}
function colourOf(stage: Stage, state: BadgeState): string {
  switch (stage.state) {
    case "done":
    case "late":
      return fillOf.grey;
    case "current":
      return fillOf[state.hue === "grey" ? "blue" : state.hue];
    case "failed":
      return fillOf.red;
    case "ended":
      return fillOf.grey;
    case "pending":
      return "bg-line";
  }
}
