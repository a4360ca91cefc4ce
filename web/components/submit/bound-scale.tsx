"use client";
// Where the quote stands between the market price and the limit.
import { formatAmount } from "@/lib/format/amount.ts";
import type { Quote } from "@/lib/sep/types.ts";
import { limitAt, marketAt, quoteAt } from "@/lib/submit/price.ts";

/** About the width of a bold 12 px figure, to centre the labels. */
const digitPx = 7;

export function BoundScale({
  market,
  expected,
  limit,
  side,
  stable,
}: {
  market: string | undefined;
  expected: string;
  limit: string;
  side: Quote["intent_type"];
  stable: boolean;
}) {
  const at = market === undefined ? marketAt : quoteAt(market, expected, limit);
  const quoteLabel = `Quote ${formatAmount(expected, stable)}`;
  const limitLabel = `Limit ${formatAmount(limit, stable, side === "acquire" ? "up" : "down")}`;
  // Each label is centred under its mark, as far as both find room: the spaces around them give way, never they.
  const half = (label: string) => `${(label.length * digitPx) / 2}px`;
  return (
    <div>
      <div className="flex justify-between gap-3 text-note text-text2">
        <span>{market === undefined ? "" : `Market ${formatAmount(market, stable)}`}</span>
        <span>{side === "acquire" ? "never more" : "never less"}</span>
      </div>
      <div aria-hidden="true" className="relative mt-1.5 h-4">
        <span className="absolute inset-x-0 top-1 h-2 bg-sunken" />
        <span
          className="absolute top-1 h-2 bg-blue-fill/40"
          style={{ left: `${marketAt}%`, width: `${limitAt - marketAt}%` }}
        />
        <span className="hatched absolute top-1 right-0 h-2 bg-surface" style={{ left: `${limitAt}%` }} />
        <span className="absolute top-0 h-4 w-0.5 -translate-x-1/2 bg-grey-fill" style={{ left: `${marketAt}%` }} />
        <span className="absolute top-0 h-4 w-0.5 -translate-x-1/2 bg-ink" style={{ left: `${limitAt}%` }} />
        <span
          className="absolute top-0.5 size-3 -translate-x-1/2 rounded-full border-2 border-surface bg-blue-fill ring-1 ring-blue-fill transition-[left] duration-150"
          style={{ left: `${at}%` }}
        />
      </div>
      <div className="mt-1.5 flex h-4 text-note font-semibold whitespace-nowrap">
        <span className="min-w-0 shrink" style={{ flexBasis: `calc(${at}% - ${half(quoteLabel)})` }} />
        <span className="shrink-0">{quoteLabel}</span>
        <span className="min-w-3 grow" />
        <span className="shrink-0">{limitLabel}</span>
        <span className="min-w-0 shrink" style={{ flexBasis: `calc(${100 - limitAt}% - ${half(limitLabel)})` }} />
      </div>
    </div>
  );
}
