"use client";
import { CircleTick, DottedCircle, OctagonCross } from "@/components/ui/icons.tsx";
import { Panel } from "@/components/ui/kit.tsx";
import { criteriaPhrase, criterionName, criterionValue } from "@/lib/intent/checks.ts";
import { isTerminal } from "@/lib/sep/fold.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { CriterionResult, IntentView, SuccessCriterion } from "@/lib/sep/types.ts";

/** What had to hold for the execution to count as a success, and whether it did. */
export function CriteriaPanel({ view }: { view: IntentView | undefined }) {
  const asked = view?.intent.success_criteria ?? [];
  if (view === undefined || asked.length === 0) return null;
  const results = view.summary.criteria;
  const rows: readonly (SuccessCriterion & Partial<CriterionResult>)[] = results ?? asked;
  return (
    <Panel title="Success criteria" note={results ? criteriaPhrase(results) : undefined}>
      <table className="w-full text-table">
        <caption className="sr-only">Success criteria</caption>
        <thead className="text-note text-text2">
          <tr>
            <th scope="col" className="py-2 pr-2 pl-4 text-left font-normal">
              Criterion
            </th>
            <th scope="col" className="px-2 py-2 text-right font-normal">
              Asked
            </th>
            <th scope="col" className="py-2 pr-4 pl-2 text-right font-normal tablet:pr-2">
              Actual
            </th>
            <th scope="col" className="hidden py-2 pr-4 pl-2 text-left font-normal tablet:table-cell">
              Outcome
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Row key={index} row={row} view={view} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Row({ row, view }: { row: SuccessCriterion & Partial<CriterionResult>; view: IntentView }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const value = (text: string, actual = false) => criterionValue(row.metric, text, view.intent, tokens, actual);
  return (
    <tr className="border-t border-line">
      <th scope="row" className="py-2.5 pr-2 pl-4 text-left font-normal text-text2">
        {criterionName(row.metric)}
        <span className="mt-0.5 block text-ink tablet:hidden">
          <Met met={row.met} ended={isTerminal(view.state)} />
        </span>
      </th>
      <td className="px-2 py-2.5 text-right tablet:whitespace-nowrap">{value(row.value)}</td>
      <td className="py-2.5 pr-4 pl-2 text-right font-semibold tablet:pr-2 tablet:whitespace-nowrap" title={row.actual}>
        {row.actual === undefined ? "–" : value(row.actual, true)}
      </td>
      <td className="hidden py-2.5 pr-4 pl-2 tablet:table-cell">
        <Met met={row.met} ended={isTerminal(view.state)} />
      </td>
    </tr>
  );
}

function Met({ met, ended }: { met: boolean | undefined; ended: boolean }) {
  const [icon, word] =
    met === undefined
      ? [<DottedCircle key="open" />, ended ? "Not judged" : "Open"]
      : met
        ? [<CircleTick key="met" className="shrink-0 text-green" />, "Met"]
        : [<OctagonCross key="missed" className="shrink-0 text-red" />, "Not met"];
  return (
    <span className="flex items-center gap-1.5 whitespace-nowrap">
      {icon}
      {word}
    </span>
  );
}
