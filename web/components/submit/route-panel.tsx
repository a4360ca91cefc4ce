"use client";
// Which pools the swap goes through: paths side by side, each with its share of the amount.
import { Fragment } from "react";
import { Amount, Copy, Panel } from "@/components/ui/kit.tsx";
import { formatFee, shortHash } from "@/lib/format/text.ts";
import { formatShare, quotedPaths, routeWords, tokenName, type Path } from "@/lib/intent/paths.ts";
import { isStable } from "@/lib/intent/wording.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { Asset, Quote } from "@/lib/sep/types.ts";
import { flowOf } from "@/lib/submit/document.ts";
import type { QuoteView } from "./state.ts";

export function RoutePanel({ view }: { view: QuoteView }) {
  const quote = view.shown?.quote;
  const paths = quote && pathsOfQuote(quote);
  return (
    <Panel title="Route" aside={<span className="text-note text-text2">{paths && routeWords(paths)}</span>}>
      <div className="min-h-[72px] px-4 py-3.5">
        {quote && paths ? (
          <ul className="flex flex-col gap-2.5">
            {paths.map((path) => (
              <li key={path.hops[0]?.pool}>
                <PathRow path={path} share={paths.length > 1} paid={paidOf(quote)} />
              </li>
            ))}
          </ul>
        ) : (
          <p className="text-table text-text2">The pools that give the best price appear here.</p>
        )}
      </div>
    </Panel>
  );
}

const paidOf = ({ intent_type, assets }: Quote): Asset => flowOf(intent_type, assets[0], assets[1]).tokenIn;

/** The base's amount is the exact one, and what is divided. */
function pathsOfQuote({ intent_type, assets, paths }: Quote): readonly Path[] {
  return quotedPaths(paths, { side: intent_type === "acquire" ? "out" : "in", decimals: assets[0].decimals });
}

function PathRow({ path, share, paid }: { path: Path; share: boolean; paid: Asset }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const first = path.hops[0];
  return (
    <>
      <div className="flex justify-between gap-4 text-table">
        <span>
          {share && <span className="mr-2 font-semibold tabular-nums">{formatShare(path.share)}</span>}
          {first && tokenName(first.from)}
          {path.hops.map((hop) => (
            <Fragment key={hop.pool}>
              {" "}
              <span aria-hidden="true">→</span>
              <span className="sr-only">to</span> {tokenName(hop.to)}
            </Fragment>
          ))}
        </span>
        <Amount text={path.amountIn} stable={isStable(paid, tokens)} symbol={paid.symbol} />
      </div>
      <ul>
        {path.hops.map(({ pool, fee }) => (
          <li key={pool} className="flex min-h-6 items-center gap-2 text-note text-text2">
            <span>pool {formatFee(fee)}</span>
            <span className="font-mono" title={pool}>
              {shortHash(pool)}
            </span>
            <Copy text={pool} label={`Copy the pool's address ${pool}`} />
          </li>
        ))}
      </ul>
    </>
  );
}
