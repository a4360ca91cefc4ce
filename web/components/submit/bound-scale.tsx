"use client";
// Where the quote stands between the market price and the limit.
import { formatAmount } from "@/lib/format/amount.ts";
import type { Quote } from "@/lib/sep/types.ts";
import { limitAt, marketAt, quoteAt } from "@/lib/submit/price.ts";

/** About the width of a bold 12 px figure, to keep two labels apart. */
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
  const [quotePx, limitPx] = [quoteLabel.length * digitPx, limitLabel.length * digitPx];
  // Each label is centred under its mark, as far as both find room beside one another.
  const limitLeft = `clamp(0px, ${limitAt}% - ${limitPx / 2}px, 100% - ${limitPx}px)`;
  const quoteLeft = `clamp(0px, ${at}% - ${quotePx / 2}px, ${limitLeft} - ${quotePx + 8}px)`;
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
      <div className="relative mt-1.5 h-4 text-note font-semibold whitespace-nowrap">
        <span className="absolute transition-[left] duration-150" style={{ left: quoteLeft }}>
          {quoteLabel}
        </span>{" "}
        <span className="absolute" style={{ left: limitLeft }}>
          {limitLabel}
        </span>
      </div>
    </div>
  );
}
