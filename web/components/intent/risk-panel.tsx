"use client";
import { CircleTick, OctagonCross } from "@/components/ui/icons.tsx";
import { cx, Panel } from "@/components/ui/kit.tsx";
import { checkWordsOf } from "@/lib/intent/checks.ts";
import { reasonWord } from "@/lib/intent/wording.ts";
import type { Check, SepEvent } from "@/lib/sep/types.ts";

/** Each limit and what stood against it; shown where one of them ended the intent. */
export function RiskPanel({ events }: { events: readonly SepEvent[] }) {
  const event = events.find((candidate) => candidate.topic === "risk.rejected");
  if (!event) return null;
  const { checks, reason } = event.payload;
  const passed = checks.filter((check) => check.ok).length;
  return (
    <Panel title="Checks" note={`${passed} of ${checks.length} passed`} aside={`Rejected: ${reasonWord(reason)}`}>
      <table className="w-full text-table wrap-anywhere">
        <caption className="sr-only">Checks of the limits</caption>
        <thead className="text-note text-text2">
          <tr>
            <th scope="col" className="py-2 pr-2 pl-4 text-left font-normal">
              Check
            </th>
            <th scope="col" className="px-2 py-2 text-right font-normal">
              Value
            </th>
            <th scope="col" className="py-2 pr-4 pl-2 text-right font-normal">
              Limit
            </th>
          </tr>
        </thead>
        <tbody>
          {checks.map((check) => (
            <Row key={check.check} check={check} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Row({ check }: { check: Check }) {
  const { name, value, limit, ok } = checkWordsOf(check);
  return (
    <tr className="border-t border-line">
      <th scope="row" className="py-2.5 pr-2 pl-4 text-left font-normal">
        <span className="flex items-start gap-2">
          <span className={cx("mt-0.5", ok ? "text-text2" : "text-red")}>{ok ? <CircleTick /> : <OctagonCross />}</span>
          <span className={cx(!ok && "font-semibold")}>{name}</span>
          <span className="sr-only">{ok ? "passed" : "failed"}</span>
        </span>
      </th>
      <td className={cx("px-2 py-2.5 text-right", !ok && "font-semibold text-red")}>{value}</td>
      <td className="py-2.5 pr-4 pl-2 text-right text-text2">{limit}</td>
    </tr>
  );
}
