"use client";
import Link from "next/link";
import { Badge, ButtonLink, Copy, cx, Skeleton, Time } from "@/components/ui/kit.tsx";
import { formatDuration, formatWindow } from "@/lib/format/time.ts";
import { badgeOf } from "@/lib/intent/badge.ts";
import { nowOf } from "@/lib/intent/path.ts";
import { feesOf, type Transaction } from "@/lib/intent/transactions.ts";
import { outcomeOf, promiseOf, sentenceOf } from "@/lib/intent/wording.ts";
import { isTerminal } from "@/lib/sep/fold.ts";
import { useChainPosition, useSep } from "@/lib/sep/store.ts";
import type { IntentView, SepEvent } from "@/lib/sep/types.ts";
import { submitHref } from "@/lib/submit/href.ts";
import { useNow } from "@/lib/use-loaded.ts";
import { Breadcrumb } from "./breadcrumb.tsx";
import { CancelIntent } from "./cancel-intent.tsx";

interface Props {
  intentId: string;
  view: IntentView | undefined;
  events: readonly SepEvent[];
  transactions: readonly Transaction[];
}

export function Head({ intentId, view, events, transactions }: Props) {
  return (
    <header>
      <Breadcrumb intentId={intentId} />
      <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-2.5">
        <Sentence view={view} />
        <div className="flex min-h-8 w-full flex-wrap items-center gap-2 tablet:gap-3 desktop:ml-auto desktop:w-auto">
          <Copy text={intentId} label="Copy the intent’s ID">
            Copy ID
          </Copy>
          {view && (
            <ButtonLink href={submitHref(view.intent)} prefetch={false}>
              Submit again
            </ButtonLink>
          )}
          {view && <CancelIntent view={view} />}
        </div>
      </div>
      <Meta view={view} />
      <Now view={view} events={events} transactions={transactions} />
    </header>
  );
}

function Sentence({ view }: { view: IntentView | undefined }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const chain = useChainPosition();
  if (view === undefined)
    return (
      <h1 className="min-h-[78px] w-full max-w-[560px] text-title tablet:min-h-7">
        <span className="sr-only">Intent</span>
        <Skeleton className="h-12 w-full tablet:h-7" />
      </h1>
    );
  const { bound } = sentenceOf(view, tokens);
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-2">
      <h1 className="text-phone-title font-semibold wrap-anywhere tablet:text-title">
        {promiseOf(view.intent)}, {bound}
      </h1>
      <Badge state={badgeOf(view, chain)} />
    </div>
  );
}

const styleWords: Readonly<Record<string, string>> = { passive: "Passive", normal: "Normal", aggressive: "Aggressive" };

function Meta({ view }: { view: IntentView | undefined }) {
  const line =
    "mt-2.5 flex min-h-11 flex-wrap content-start gap-x-4 gap-y-1 text-table text-text2 tablet:min-h-5 tablet:gap-x-5";
  if (view === undefined)
    return (
      <div className={line}>
        <Skeleton className="h-5 w-full max-w-[420px]" />
      </div>
    );
  const { time_window, execution_style = "normal" } = view.intent.constraints;
  const ends = Date.parse(view.received_at) + time_window * 1000;
  const ended = isTerminal(view.state);
  return (
    <div className={line}>
      <span>{styleWords[execution_style] ?? execution_style}</span>
      <span>
        Received <Time at={view.received_at} zone />
        <Age view={view} />
      </span>
      <span title={`${formatWindow(time_window)} from submission`}>
        Window {ended ? "until" : "ends"} <Time at={ends} />
      </span>
      <Link
        href={`/positions?strategy=${encodeURIComponent(view.strategy_id)}`}
        prefetch={false}
        className="-my-0.5 inline-block py-0.5 break-all underline decoration-control underline-offset-2 hover:decoration-current"
      >
        From strategy {view.strategy_id}
      </Link>
    </div>
  );
}

function Age({ view }: { view: IntentView }) {
  const now = useNow();
  const { total } = view.timings_ms;
  if (total !== undefined) return <>, took {formatDuration(total)}</>;
  if (now === undefined) return null;
  return <>, {formatDuration(Math.max(now - Date.parse(view.received_at), 0))} ago</>;
}

/** What is happening now; once it has ended, what became of the money. One line in both cases, so that nothing moves. */
function Now({ view, events, transactions }: Omit<Props, "intentId">) {
  const tokens = useSep((state) => state.tokensByAddress);
  const chain = useChainPosition();
  const text = view && (nowOf(view, chain) ?? outcomeOf(view, tokens, feesOf(events, transactions).usd));
  const waiting = view?.cancel_requested === true && !isTerminal(view.state);
  return (
    <p className={cx("mt-1.5 min-h-10 text-body tablet:min-h-5", waiting ? "font-semibold text-amber" : "text-ink")}>
      {text}
    </p>
  );
}
