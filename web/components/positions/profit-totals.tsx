"use client";
import type { ReactNode } from "react";
import { cx, Skeleton } from "@/components/ui/kit.tsx";
import { formatUsd } from "@/lib/format/amount.ts";
import { counted } from "@/lib/format/text.ts";
import { totalsOf, type Prices, type Total } from "@/lib/positions/pnl.ts";
import { directionOf, signedUsd } from "@/lib/positions/wording.ts";
import type { PositionsView } from "@/lib/sep/types.ts";
import { gainText } from "./gain.tsx";

/** What the strategy has made, in one line. `positions` is undefined while it is loaded, as are `prices`. */
export function ProfitTotals({
  positions,
  prices,
}: {
  positions: PositionsView | undefined;
  prices: Prices | undefined;
}) {
  const totals = positions && prices && totalsOf(positions.pairs, prices);
  const open = positions?.pairs.filter((pair) => pair.position_base !== "0").length ?? 0;
  return (
    <dl className="grid grid-cols-2 overflow-hidden rounded-panel border border-line bg-surface tablet:grid-cols-4">
      <Cell label="Profit after gas" className="border-r border-b tablet:border-b-0">
        {totals && <Profit total={totals.profit} note="realised and unrealised" />}
      </Cell>
      <Cell label="Unrealised" className="border-b tablet:border-r tablet:border-b-0">
        {totals && <Profit total={totals.unrealised} note={`in ${counted(open, "open position")}`} />}
      </Cell>
      <Cell label="Realised" className="border-r">
        {totals && <Profit total={totals.realised} note="at present prices" />}
      </Cell>
      <Cell label="Gas">
        {totals && positions && (
          <Figure value={formatUsd(totals.gasUsd)} note={`for ${counted(positions.fills, "fill")}`} />
        )}
      </Cell>
    </dl>
  );
}

function Cell({ label, children, className }: { label: string; children: ReactNode; className?: string }) {
  return (
    <div className={cx("min-h-24 min-w-0 border-line px-4 pt-3.5 pb-3 tablet:px-5", className)}>
      <dt className="text-table text-text2">{label}</dt>
      <dd className="flow-root">{children || <Skeleton className="mt-2 h-6 w-24" />}</dd>
    </div>
  );
}

function Profit({ total, note }: { total: Total; note: string }) {
  const unknown = total.without.length > 0;
  return (
    <Figure
      value={signedUsd(total.usd)}
      tone={gainText[directionOf(total.usd)]}
      note={unknown ? `without ${total.without.join(", ")}, which has no price` : note}
    />
  );
}

function Figure({ value, note, tone }: { value: string; note: string; tone?: string }) {
  return (
    <>
      <span className={cx("block text-phone-title font-semibold tablet:text-total", tone)}>{value}</span>
      <span className="block text-note text-text2">{note}</span>
    </>
  );
}
