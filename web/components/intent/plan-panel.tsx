"use client";
import { useId, useState } from "react";
import { cx, Empty, Panel, Skeleton } from "@/components/ui/kit.tsx";
import { basisPoints, formatPercent } from "@/lib/format/amount.ts";
import { figuresOf, swapFillOf, swapOf, versusWords } from "@/lib/intent/figures.ts";
import { pathsOf, routeWords } from "@/lib/intent/paths.ts";
import { type Transaction } from "@/lib/intent/transactions.ts";
import { reasonWord } from "@/lib/intent/wording.ts";
import { isTerminal } from "@/lib/sep/fold.ts";
import type { IntentView, PlanView, SepEvent } from "@/lib/sep/types.ts";
import { FiguresTable } from "./figures-table.tsx";
import { PlanDrawing } from "./plan-drawing.tsx";

interface Props {
  view: IntentView | undefined;
  plans: readonly PlanView[];
  events: readonly SepEvent[];
  transactions: readonly Transaction[];
}

/** How the intent is executed, and what came of it: the latest plan, or the earlier one that was chosen. */
export function PlanPanel({ view, plans, events, transactions }: Props) {
  const [chosen, setChosen] = useState<string>();
  const plan = plans.find((candidate) => candidate.plan_id === chosen) ?? plans.at(-1);
  const never = plans.length === 0 && view !== undefined && isTerminal(view.state);
  return (
    <Panel
      title="Plan and fill"
      note={plan && <Note plan={plan} />}
      aside={plan && <Aside plan={plan} plans={plans} onChoose={setChosen} />}
    >
      <div className={cx("flex flex-col", !never && "min-h-[324px] tablet:min-h-[374px]")}>
        {plan ? (
          <Body plan={plan} view={view} events={events} transactions={transactions} />
        ) : (
          <NoPlan view={view} loaded={events.length > 0} />
        )}
      </div>
    </Panel>
  );
}

function Note({ plan }: { plan: PlanView }) {
  const swap = swapOf(plan);
  if (!swap) return null;
  return (
    <>
      {routeWords(pathsOf(swap))}, price effect {formatPercent(swap.price_impact)}
    </>
  );
}

function Aside({
  plan,
  plans,
  onChoose,
}: {
  plan: PlanView;
  plans: readonly PlanView[];
  onChoose: (planId: string) => void;
}) {
  const id = useId();
  const newestFirst = plans.map((entry, index) => ({ entry, number: index + 1 })).reverse();
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Versus plan={plan} />
      {plans.length > 1 && (
        <>
          <label htmlFor={id} className="sr-only">
            Plan
          </label>
          <select
            id={id}
            value={plan.plan_id}
            onChange={(event) => onChoose(event.target.value)}
            className="min-h-8 max-w-36 rounded-control border border-control bg-surface px-2 text-table text-ink"
          >
            {newestFirst.map(({ entry, number }) => (
              <option key={entry.plan_id} value={entry.plan_id}>
                Plan {number} of {plans.length}
              </option>
            ))}
          </select>
        </>
      )}
    </div>
  );
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Why a plan was given up for another. */
function endOf(plan: PlanView): string {
  const reason = swapOf(plan)?.reason;
  return reason === undefined ? "given up" : reasonWord(reason);
}

function Versus({ plan }: { plan: PlanView }) {
  const swap = swapOf(plan);
  const fill = swapFillOf(plan);
  if (!swap) return null;
  if (plan.state === "superseded") return <span>{upper(endOf(plan))}</span>;
  if (!fill) return null;
  const bps =
    swap.swap_kind === "exact_output"
      ? basisPoints(fill.amount_in, swap.amount_in, "paid")
      : basisPoints(fill.amount_out, swap.amount_out, "received");
  return bps === undefined ? null : <span>{versusWords(bps)}</span>;
}

function Body({ plan, view, events, transactions }: Omit<Props, "plans"> & { plan: PlanView }) {
  const maxGasUsd = view?.intent.success_criteria?.find(({ metric }) => metric === "max_gas_usd")?.value;
  const figures = figuresOf(plan, transactions, events, maxGasUsd);
  if (!figures) return null;
  return (
    <>
      <PlanDrawing plan={plan} figures={figures} />
      <FiguresTable figures={figures} />
    </>
  );
}

/** Before there is a plan, or where there never will be one. */
function NoPlan({ view, loaded }: { view: IntentView | undefined; loaded: boolean }) {
  if (view === undefined || (!loaded && view.latest_plan_id !== null))
    return (
      <div key="loading" className="flex flex-1 flex-col gap-4 p-4">
        <Skeleton className="w-full flex-1" />
        <Skeleton className="h-[150px] w-full" />
      </div>
    );
  const { reason, detail } = view.summary;
  return (
    <div key="none" className="m-auto">
      {isTerminal(view.state) ? (
        <Empty title={reason === undefined ? "No plan was made" : `No plan: ${reasonWord(reason)}`}>
          {view.state === "risk_rejected" ? "The checks below say which limit stood in the way." : detail}
        </Empty>
      ) : (
        <Empty title="No plan yet">It appears here as soon as the pools have been priced.</Empty>
      )}
    </div>
  );
}
