"use client";
import Link from "next/link";
import { useEffect, useState, type ReactNode } from "react";
import { Column, Head, NumberCell, Row, RowHead, Table } from "@/components/table/table.tsx";
import { ArrowUp } from "@/components/ui/icons.tsx";
import { Amount, Button, ButtonLink, cx, Empty, LoadError, Panel, useFocusWithin } from "@/components/ui/kit.tsx";
import { formatSigned, formatUsd } from "@/lib/format/amount.ts";
import { formatFullTime, formatWhen, zoneName } from "@/lib/format/time.ts";
import { versusQuote } from "@/lib/intent/fill.ts";
import { isStable, sentenceOf, type Tokens } from "@/lib/intent/wording.ts";
import { positionsHref } from "@/lib/positions/strategies.ts";
import { useZone } from "@/lib/preferences.ts";
import { api } from "@/lib/sep/api.ts";
import type { IntentPage, IntentView } from "@/lib/sep/types.ts";
import { useLoaded, useMinute } from "@/lib/use-loaded.ts";
import { Waiting } from "./waiting.tsx";

const pageSize = 20;
const everyMs = 5_000;

/**
 * The strategy's completed intents. The newest page is loaded again and again, `before` names an older one, which
 * stands still.
 */
export function FillsPanel({ strategy, before, tokens }: { strategy: string; before?: string; tokens: Tokens }) {
  const loaded = useLoaded(
    `fills ${strategy} ${before ?? ""}`,
    (signal) => api.intents({ strategyId: strategy, states: ["completed"], limit: pageSize, cursor: before }, signal),
    before === undefined ? everyMs : undefined,
  );
  const { ref, inside, handlers } = useFocusWithin<HTMLDivElement>();
  const { shown, waiting, show } = useHeld(loaded.data, inside);
  const zone = useZone();
  return (
    <Panel
      title="Fills"
      note={before === undefined ? "newest first" : "older, as they were loaded"}
      aside={
        waiting > 0 && (
          <Button look="quiet" onClick={show} className="rounded-full bg-blue-tint font-semibold text-blue">
            <ArrowUp size={14} />
            {waiting} new
          </Button>
        )
      }
    >
      {loaded.problem && (
        <LoadError what="the fills" problem={loaded.problem} dataFrom={loaded.at} onRetry={loaded.reload} />
      )}
      <div ref={ref} {...handlers} className={cx(shown === undefined && !loaded.problem && "min-h-[289px]")}>
        {shown === undefined && !loaded.problem && <Waiting rows={6} />}
        {shown?.intents.length === 0 && (
          <Empty title={before === undefined ? "No fills yet" : "No older fills"}>
            {before === undefined
              ? `Completed intents of ${strategy} appear here.`
              : "These were all of this strategy's fills."}
          </Empty>
        )}
        {shown !== undefined && shown.intents.length > 0 && <Fills intents={shown.intents} tokens={tokens} />}
      </div>
      <div className="flex min-h-14 items-center gap-2 border-t border-line px-4 py-2 text-note text-text3">
        <span className="mr-auto">Times in {zoneName(zone) === "UTC" ? "UTC" : "local time"}</span>
        {before !== undefined && (
          <ButtonLink href={positionsHref(strategy)} scroll={false}>
            Newest
          </ButtonLink>
        )}
        {shown?.next_cursor && (
          <ButtonLink href={positionsHref(strategy, shown.next_cursor)} scroll={false}>
            Older
          </ButtonLink>
        )}
      </div>
    </Panel>
  );
}

/** Rows that would move what is being read wait: while the focus is inside, or the page is scrolled. */
function useHeld(latest: IntentPage | undefined, focused: boolean) {
  const [shown, setShown] = useState<IntentPage>();
  const known = new Set(shown?.intents.map((intent) => intent.intent_id));
  const overlaps = latest?.intents.some((intent) => known.has(intent.intent_id)) ?? false;
  const waiting = latest?.intents.filter((intent) => !known.has(intent.intent_id)).length ?? 0;
  // A page of others (another strategy, another cursor) shares nothing with what is shown, and replaces it.
  const replaces = shown === undefined || !overlaps;
  useEffect(() => {
    if (latest === undefined) return setShown(undefined);
    if (replaces || !(focused || window.scrollY > 8)) setShown(latest);
  }, [latest, focused, replaces]);
  return { shown, waiting: shown === undefined ? 0 : waiting, show: () => setShown(latest) };
}

interface Fill {
  view: IntentView;
  paid: ReactNode;
  received: ReactNode;
}

function fillOf(view: IntentView, tokens: Tokens): Fill {
  const [base, quote] = view.intent.assets;
  const { amount_in, amount_out } = view.summary;
  const [paidIn, receivedIn] = view.intent.intent_type === "acquire" ? [quote, base] : [base, quote];
  const told = (text: string | undefined, asset: typeof base): ReactNode =>
    text === undefined ? "–" : <Amount text={text} stable={isStable(asset, tokens)} symbol={asset.symbol} />;
  return { view, paid: told(amount_in, paidIn), received: told(amount_out, receivedIn) };
}

function Fills({ intents, tokens }: { intents: readonly IntentView[]; tokens: Tokens }) {
  const fills = intents.map((view) => fillOf(view, tokens));
  return (
    <>
      <Table caption="Completed intents of this strategy" className="max-tablet:hidden">
        <Head>
          <Column>Intent</Column>
          <Column number>Paid</Column>
          <Column number>Received</Column>
          <Column number className="max-stage:hidden">
            vs quote
          </Column>
          <Column number>Gas</Column>
          <Column number>Completed</Column>
        </Head>
        <tbody>
          {fills.map((fill) => (
            <FillRow key={fill.view.intent_id} fill={fill} tokens={tokens} />
          ))}
        </tbody>
      </Table>
      <ul className="tablet:hidden">
        {fills.map((fill) => (
          <FillCard key={fill.view.intent_id} fill={fill} tokens={tokens} />
        ))}
      </ul>
    </>
  );
}

function FillRow({ fill: { view, paid, received }, tokens }: { fill: Fill; tokens: Tokens }) {
  const sentence = sentenceOf(view, tokens);
  return (
    <Row className="relative hover:bg-sunken has-focus-visible:bg-sunken">
      <RowHead>
        <Link
          href={`/intent/${view.intent_id}`}
          prefetch={false}
          className="-outline-offset-2 after:absolute after:inset-0"
        >
          <strong className="font-semibold">{sentence.promise}</strong>
          <span className="text-text2 max-wide:hidden">, </span>
          <span className="text-text2 max-wide:block">{sentence.bound}</span>
        </Link>
      </RowHead>
      <NumberCell>{paid}</NumberCell>
      <NumberCell>{received}</NumberCell>
      <NumberCell className="max-stage:hidden">
        <Versus view={view} />
      </NumberCell>
      <NumberCell>{formatUsd(view.summary.gas_cost_usd)}</NumberCell>
      <NumberCell className="text-text2">
        <When at={view.last_event_time} />
      </NumberCell>
    </Row>
  );
}

function FillCard({ fill: { view, paid, received }, tokens }: { fill: Fill; tokens: Tokens }) {
  const sentence = sentenceOf(view, tokens);
  return (
    <li className="border-b border-line last:border-b-0">
      <Link
        href={`/intent/${view.intent_id}`}
        prefetch={false}
        className="block px-4 py-3 text-table -outline-offset-2 focus-visible:bg-sunken"
      >
        <strong className="font-semibold">{sentence.promise}</strong>
        <span className="block text-text2">{sentence.bound}</span>
        <span className="mt-1 block">
          Paid {paid}, received {received}
        </span>
        <span className="mt-1 flex flex-wrap gap-x-3 text-note text-text2">
          <When at={view.last_event_time} />
          <span>gas {formatUsd(view.summary.gas_cost_usd)}</span>
          {versusQuote(view) !== undefined && <Versus view={view} />}
        </span>
      </Link>
    </li>
  );
}

function Versus({ view }: { view: IntentView }) {
  const bps = versusQuote(view);
  if (bps === undefined) return <>–</>;
  return (
    <span className="whitespace-nowrap text-text2">
      <span className="text-ink">{formatSigned(bps)}</span> bps
    </span>
  );
}

function When({ at }: { at: string }) {
  const zone = useZone();
  const now = useMinute();
  return (
    <time dateTime={at} title={formatFullTime(at, zone)} className="whitespace-nowrap">
      {formatWhen(at, zone, now)}
    </time>
  );
}
