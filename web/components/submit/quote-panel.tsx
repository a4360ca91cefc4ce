"use client";
// The live quote: the limit first, then what is expected and what it is made of. Its rows stand from the start, so
// that figures arrive without moving anything.
import type { ReactNode } from "react";
import { ClockIcon, Warning } from "@/components/ui/icons.tsx";
import { Amount, cx, Fact, Notice, Panel } from "@/components/ui/kit.tsx";
import { formatAmount, formatPercent, formatUsd, roundTo } from "@/lib/format/amount.ts";
import { formatCount } from "@/lib/format/text.ts";
import { formatDuration } from "@/lib/format/time.ts";
import type { Asset, Quote } from "@/lib/sep/types.ts";
import { quoteHint, readSlippage } from "@/lib/submit/document.ts";
import { effectLevel, expectedOf, marketAmount, poolFees, priceSentence, usdOf } from "@/lib/submit/price.ts";
import { quoteProblemSentence, quoteProblemTitle, staleAfterMs, type Surroundings } from "@/lib/submit/store.ts";
import { useNow } from "@/lib/use-loaded.ts";
import { BoundScale } from "./bound-scale.tsx";
import { amountSize } from "./fields.tsx";
import { useSettleTimes, useSubmit, type QuoteView } from "./state.ts";

export function QuotePanel({ known, view }: { known: Surroundings; view: QuoteView }) {
  const quote = view.shown?.quote;
  return (
    <Panel title="Live quote" aside={<Age view={view} />}>
      <div className="px-4 pt-4 pb-2">
        {view.problem !== undefined && quote === undefined ? (
          <NoQuote view={view} />
        ) : (
          <Limit known={known} view={view} quote={quote} />
        )}
        <Figures known={known} quote={quote} updating={view.current === undefined} />
      </div>
    </Panel>
  );
}

/** "0.4 s old, block 21,904,393". */
function Age({ view }: { view: QuoteView }) {
  const now = useNow(200);
  const { shown, at, problem, request } = view;
  if (shown === undefined || at === undefined || now === undefined)
    return (
      <span className="text-note text-text3">
        {request === undefined ? "no amount yet" : problem === undefined ? "asking" : "no price"}
      </span>
    );
  const age = Math.max(now - at, 0);
  const old = age > staleAfterMs || problem !== undefined;
  return (
    <span className={cx("flex items-center gap-2 text-note", old ? "text-amber" : "text-text2")}>
      {old ? <ClockIcon size={14} /> : <span aria-hidden="true" className="size-2 rounded-full bg-green-fill" />}
      <span>
        {age < 9_950 ? `${(age / 1000).toFixed(1)} s` : formatDuration(Math.round(age / 1000) * 1000)} old, block{" "}
        {formatCount(shown.quote.block_number)}
      </span>
    </span>
  );
}

const stableOf = (asset: Asset, known: Surroundings): boolean =>
  known.tokens.find((token) => token.address.toLowerCase() === asset.address.toLowerCase())?.extensions?.stablecoin ??
  false;

function Limit({ known, view, quote }: { known: Surroundings; view: QuoteView; quote: Quote | undefined }) {
  const form = useSubmit((state) => state.form);
  const limit = view.limit;
  const acquires = (quote?.intent_type ?? form.side) === "acquire";
  const asset = quote?.assets[1];
  const stable = asset !== undefined && stableOf(asset, known);
  const rounding = acquires ? "up" : "down";
  const limitText = limit === undefined ? "–" : formatAmount(limit, stable, rounding);
  const usd = limit === undefined || asset === undefined ? null : usdOf(limit, asset, known.account, known.tokens);
  const bound = quote && (acquires ? quote.max_amount_in : quote.min_amount_out);
  const slippage = readSlippage(form, known.platform?.limits).value;
  const source =
    limit !== undefined && limit !== bound
      ? "by your success criterion"
      : slippage === undefined
        ? ""
        : `quote ${acquires ? "plus" : "minus"} ${formatPercent(slippage)} slippage`;
  return (
    <div className="min-h-[164px]">
      <p className="text-table text-text2">{acquires ? "You pay at most" : "You get at least"}</p>
      <p
        className={cx(
          "h-9 leading-9 font-semibold [container-type:inline-size]",
          view.current === undefined && "text-text3",
        )}
      >
        <span title={limit} style={amountSize(limitText.length + 6)} className="whitespace-nowrap">
          {limitText}
        </span>{" "}
        {limit !== undefined && <span className="text-body font-normal text-text2">{asset?.symbol}</span>}
      </p>
      <p className="min-h-5 text-table text-text2">
        {limit === undefined || asset === undefined
          ? quoteHint(view.request !== undefined, view.current !== undefined, view.faults)
          : `≈ ${formatUsd(usd && roundTo(usd, 2, rounding))}, ${source}`}
      </p>
      <div className="mt-3 min-h-[68px]">
        {quote === undefined || limit === undefined ? (
          <div aria-hidden="true" className="pt-[26px]">
            <div className="h-2 bg-sunken" />
          </div>
        ) : (
          <BoundScale
            market={marketAmount(quote)}
            expected={expectedOf(quote)}
            limit={limit}
            side={quote.intent_type}
            stable={stable}
          />
        )}
      </div>
    </div>
  );
}

function NoQuote({ view }: { view: QuoteView }) {
  const problem = view.problem!;
  return (
    <div className="min-h-[164px]">
      <Notice hue={problem.status === 0 ? "grey" : "amber"} icon={<Warning />} role="status">
        <strong className="font-semibold">{quoteProblemTitle(problem)}</strong> {quoteProblemSentence(problem)}
      </Notice>
    </div>
  );
}

function Figures({ known, quote, updating }: { known: Surroundings; quote: Quote | undefined; updating: boolean }) {
  const side = useSubmit((state) => state.form.side);
  const acquires = (quote?.intent_type ?? side) === "acquire";
  const times = useSettleTimes();
  const settle = times.data !== undefined && times.data.count > 0 ? times.data : undefined;
  const level = quote === undefined ? "plain" : effectLevel(quote.price_impact);
  const fees = quote && poolFees(quote);
  const cost = quote?.estimated_cost;
  return (
    <dl className={cx(updating && quote !== undefined && "text-text3")}>
      <Fact label={acquires ? "Expected payment" : "Expected proceeds"}>
        <strong className="font-semibold">
          <Figure>
            {quote && (
              <Amount
                text={expectedOf(quote)}
                stable={stableOf(quote.assets[1], known)}
                symbol={quote.assets[1].symbol}
              />
            )}
          </Figure>
        </strong>
      </Fact>
      <Fact label="Price">
        <Figure>{quote && priceSentence(quote, known.tokens, known.platform?.chain.native_symbol)}</Figure>
      </Fact>
      <Fact label="Price effect" note="this trade alone">
        <span
          className={cx(
            level === "noticeable" && "font-semibold text-amber",
            (level === "high" || level === "extreme") && "font-semibold text-red",
          )}
        >
          <Figure>{quote && formatPercent(quote.price_impact)}</Figure>
        </span>
      </Fact>
      <Fact label="Pool fees" note="inside the price">
        <Figure note={quote && fees && `≈ ${formatUsd(usdOf(fees.amount, fees.asset, known.account, known.tokens))}`}>
          {fees && <Amount text={fees.amount} stable={stableOf(fees.asset, known)} symbol={fees.asset.symbol} />}
        </Figure>
      </Fact>
      <Fact label="Network fee" note={`paid on top, in ${known.platform?.chain.native_symbol ?? "ETH"}`}>
        <Figure note={cost && formatUsd(cost.gas_usd)}>
          {cost && `${formatAmount(cost.gas_eth, false, "up")} ${known.platform?.chain.native_symbol ?? "ETH"}`}
        </Figure>
      </Fact>
      <Fact label="Expected time" note="submission to completion, last 24 h">
        <Figure note={settle && `p95 ${formatDuration(settle.p95)}`}>{settle && formatDuration(settle.p50)}</Figure>
      </Fact>
    </dl>
  );
}

/** A figure, with a line beneath where it has one; a dash while there is none. */
function Figure({ children, note }: { children: ReactNode; note?: ReactNode }) {
  return (
    <>
      {children ?? "–"}
      {note !== undefined && <span className="block text-note text-text2">{note}</span>}
    </>
  );
}
