"use client";
import { memo, useDeferredValue, useMemo } from "react";
import { LoadError, Panel } from "@/components/ui/kit.tsx";
import { badgeOf } from "@/lib/intent/badge.ts";
import { transactionsOf, type Transaction } from "@/lib/intent/transactions.ts";
import { promiseOf } from "@/lib/intent/wording.ts";
import { shortHash } from "@/lib/format/text.ts";
import type { ApiProblem } from "@/lib/sep/api.ts";
import { useChainPosition } from "@/lib/sep/store.ts";
import { useTitle } from "@/lib/title.ts";
import { Announcer } from "./announcer.tsx";
import { Breadcrumb } from "./breadcrumb.tsx";
import { CriteriaPanel } from "./criteria-panel.tsx";
import { EventsPanel } from "./events-panel.tsx";
import { ExecutionPanel } from "./execution-panel.tsx";
import { Head } from "./head.tsx";
import { NotFound } from "./not-found.tsx";
import { Path } from "./path.tsx";
import { PlanPanel } from "./plan-panel.tsx";
import { RecordPanel } from "./record-panel.tsx";
import { RiskPanel } from "./risk-panel.tsx";
import { useIntent, useIntentId, type OpenIntent } from "./use-intent.ts";

interface FiguresProps extends Pick<OpenIntent, "view" | "plans" | "events"> {
  transactions: readonly Transaction[];
}

export function IntentPage() {
  const intentId = useIntentId();
  const intent = useIntent(intentId);
  const { code } = intent.problem ?? {};
  if (code === "NOT_FOUND" || code === "INVALID_ID")
    return <NotFound intentId={intentId} malformed={code === "INVALID_ID"} />;
  if (intent.problem && intent.view === undefined)
    return <NotLoaded intentId={intentId} problem={intent.problem} onRetry={intent.retry} />;
  return <Found key={intentId} intentId={intentId} intent={intent} />;
}

function NotLoaded({ intentId, problem, onRetry }: { intentId: string; problem: ApiProblem; onRetry: () => void }) {
  useTitle(`Intent ${shortHash(intentId)}`);
  return (
    <>
      <Breadcrumb intentId={intentId} />
      <h1 className="mt-2 text-phone-title font-semibold break-all tablet:text-title">Intent {intentId}</h1>
      <Panel className="mt-4">
        <LoadError what="this intent" problem={problem} onRetry={onRetry} />
      </Panel>
    </>
  );
}

function Found({ intentId, intent }: { intentId: string; intent: OpenIntent }) {
  const { view, events, plans, problem, retry } = intent;
  const chain = useChainPosition();
  const transactions = useMemo(() => transactionsOf(events), [events]);
  const state = view && badgeOf(view, chain);
  // An event shows in the head, the path and the timeline at once; the tables follow a moment later.
  const figures = useMemo(() => ({ view, plans, events, transactions }), [view, plans, events, transactions]);
  useTitle(view && state ? `${promiseOf(view.intent)} · ${state.label}` : `Intent ${shortHash(intentId)}`);
  return (
    <>
      <Head intentId={intentId} view={view} events={events} transactions={transactions} />
      {problem && (
        <Panel className="mt-4">
          <LoadError what="this intent" problem={problem} onRetry={retry} />
        </Panel>
      )}
      <Path view={view} />
      <div className="mt-4 grid gap-4 desktop:grid-cols-[minmax(0,1fr)_clamp(372px,30vw,432px)] desktop:items-start">
        <Figures {...useDeferredValue(figures)} />
        <div className="flex min-w-0 flex-col gap-4">
          <EventsPanel events={events} view={view} />
          <RecordPanel intentId={intentId} view={view} plans={plans} />
        </div>
      </div>
      <Announcer label={state?.label} />
    </>
  );
}

const Figures = memo(function Figures({ view, plans, events, transactions }: FiguresProps) {
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <PlanPanel view={view} plans={plans} events={events} transactions={transactions} />
      <ExecutionPanel view={view} events={events} transactions={transactions} />
      <RiskPanel events={events} />
      <CriteriaPanel view={view} />
    </div>
  );
});
