"use client";
// Which pools the swap goes through.
import { Fragment } from "react";
import { Amount, Copy, Panel } from "@/components/ui/kit.tsx";
import { counted, formatFee, shortHash } from "@/lib/format/text.ts";
import { isStable } from "@/lib/intent/wording.ts";
import { api } from "@/lib/sep/api.ts";
import { useSep } from "@/lib/sep/store.ts";
import { flowOf } from "@/lib/submit/document.ts";
import { tokensOnRoute } from "@/lib/submit/route.ts";
import { useLoaded } from "@/lib/use-loaded.ts";
import type { QuoteView } from "./state.ts";

export function RoutePanel({ view }: { view: QuoteView }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const quote = view.shown?.quote;
  const flow = quote && flowOf(quote.intent_type, quote.assets[0], quote.assets[1]);
  const hops = quote?.pools.length ?? 0;
  const known = useLoaded(`pools ${hops > 1}`, async (signal) => (hops > 1 ? (await api.status(signal)).pools : []));
  const middle = quote && flow ? tokensOnRoute(flow.tokenIn.symbol, quote.pools, known.data ?? []).slice(1, -1) : [];
  return (
    <Panel
      title="Route"
      aside={<span className="text-note text-text2">{quote && counted(quote.pools.length, "pool")}</span>}
    >
      <div className="min-h-[72px] px-4 py-3.5">
        {quote && flow ? (
          <>
            <div className="flex justify-between gap-4 text-table">
              <span>
                {[flow.tokenIn.symbol, ...middle.map((symbol) => symbol ?? "…"), flow.tokenOut.symbol].map(
                  (symbol, index) => (
                    <Fragment key={index}>
                      {index > 0 && (
                        <>
                          {" "}
                          <span aria-hidden="true">→</span>
                          <span className="sr-only">to</span>{" "}
                        </>
                      )}
                      {symbol}
                    </Fragment>
                  ),
                )}
              </span>
              <Amount text={quote.amount_in} stable={isStable(flow.tokenIn, tokens)} symbol={flow.tokenIn.symbol} />
            </div>
            <ul>
              {quote.pools.map((pool, index) => (
                <li key={pool} className="flex min-h-6 items-center gap-2 text-note text-text2">
                  <span>pool {formatFee(quote.fees[index] ?? 0)}</span>
                  <span className="font-mono" title={pool}>
                    {shortHash(pool)}
                  </span>
                  <Copy text={pool} label={`Copy the pool's address ${pool}`} />
                </li>
              ))}
            </ul>
          </>
        ) : (
          <p className="text-table text-text2">The pools that give the best price appear here.</p>
        )}
      </div>
    </Panel>
  );
}
