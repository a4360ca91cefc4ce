"use client";
import type { ReactNode } from "react";
import { Copy, Fact, Panel, Skeleton } from "@/components/ui/kit.tsx";
import { formatCount, shortHash } from "@/lib/format/text.ts";
import { swapOf } from "@/lib/intent/figures.ts";
import type { IntentView, PlanView } from "@/lib/sep/types.ts";
import { useRuns } from "./use-intent.ts";

/** Where to find the intent elsewhere: in the record, on the chain, in the API. */
export function RecordPanel({
  intentId,
  view,
  plans,
}: {
  intentId: string;
  view: IntentView | undefined;
  plans: readonly PlanView[];
}) {
  const runs = useRuns();
  const plan = plans.at(-1);
  const swap = plan && swapOf(plan);
  return (
    <Panel
      title="Record"
      aside={
        runs && (
          <a
            href={`/intents/${intentId}`}
            target="_blank"
            rel="noreferrer"
            className="inline-flex min-h-6 items-center underline-offset-2 hover:underline"
          >
            View JSON
            <span className="sr-only"> in a new tab</span>
          </a>
        )
      }
    >
      <dl className="px-4">
        <Fact label="Intent">{runs && <Id text={intentId} label="Copy the intent’s ID" />}</Fact>
        <Fact label="Correlation">
          {view ? (
            <Id
              text={view.correlation_id}
              label="Copy the correlation ID"
              short={`intent-${shortHash(view.intent_id)}`}
            />
          ) : (
            <None view={view} />
          )}
        </Fact>
        <Fact label="Plan">{plan ? <Id text={plan.plan_id} label="Copy the plan’s ID" /> : <None view={view} />}</Fact>
        <Fact label="Account">
          {swap ? <Id text={swap.recipient} label="Copy the account’s address" /> : <None view={view} />}
        </Fact>
        <Fact label="Transaction">
          {swap?.venue === "paper" ? (
            <Line>none: filled on paper</Line>
          ) : view?.summary.tx_hash === undefined ? (
            <None view={view} />
          ) : (
            <Id text={view.summary.tx_hash} label="Copy the transaction’s hash" />
          )}
        </Fact>
        <Fact label="Quoted at">
          <Line>{swap ? `block ${formatCount(swap.block_number)}` : <None view={view} />}</Line>
        </Fact>
      </dl>
    </Panel>
  );
}

function None({ view }: { view: IntentView | undefined }) {
  return <Line>{view === undefined ? <Skeleton className="h-4 w-24" /> : "–"}</Line>;
}

/** As high as a line with a button for copying. */
function Line({ children }: { children: ReactNode }) {
  return <span className="-my-0.5 flex h-6 items-center justify-end">{children}</span>;
}

function Id({ text, label, short }: { text: string; label: string; short?: string }) {
  return (
    <span className="-my-0.5 flex h-6 items-center justify-end gap-1">
      <span className="font-mono whitespace-nowrap" title={text}>
        {short ?? shortHash(text)}
      </span>
      <Copy text={text} label={label} />
    </span>
  );
}
