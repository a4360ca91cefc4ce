"use client";
import { Fragment, type ReactNode } from "react";
import { Amount, cx } from "@/components/ui/kit.tsx";
import { CircleTick, DottedCircle, OctagonCross } from "@/components/ui/icons.tsx";
import { counted, formatCount, formatFee, shortHash } from "@/lib/format/text.ts";
import { gaugeOf, gaugeQuoteAt, swapOf, type AssetFigure, type Figures } from "@/lib/intent/figures.ts";
import { amountOf, isStable } from "@/lib/intent/wording.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { PlanStepView, PlanView, SwapStep } from "@/lib/sep/types.ts";

interface Hop {
  pool: string;
  fee: number;
  ticks: number | undefined;
  /** "USDC / WETH"; a pool between others is known by its address alone. */
  name: string;
  /** The figure that may still move, at the pool where it is paid or received. */
  figure: AssetFigure | undefined;
}

/** What pays enters the first pool, what is received leaves the last one. */
function hopsOf(swap: SwapStep, figures: Figures): Hop[] {
  const last = swap.pools.length - 1;
  const acquires = swap.swap_kind === "exact_output";
  return swap.pools.map((pool, index) => ({
    pool,
    fee: swap.fees[index] ?? 0,
    ticks: swap.ticks_crossed[index],
    name: last === 0 ? `${swap.token_in.symbol} / ${swap.token_out.symbol}` : `Pool ${shortHash(pool)}`,
    figure: acquires ? (index === 0 ? figures.pay : undefined) : index === last ? figures.receive : undefined,
  }));
}

/** Token, pools, token; under 780 px a list. */
export function PlanDrawing({ plan, figures }: { plan: PlanView; figures: Figures }) {
  const swap = swapOf(plan);
  if (!swap) return null;
  const hops = hopsOf(swap, figures);
  return (
    <div className="flex flex-1 flex-col justify-center gap-4 border-b border-line px-4 py-5 tablet:px-6">
      <div className="hidden items-center tablet:flex">
        <TokenBox figure={figures.pay} word={figures.pay.fill === undefined ? "pays" : "paid"} />
        {hops.map((hop) => (
          <Fragment key={hop.pool}>
            <Line />
            <PoolBox hop={hop} word={swap.swap_kind === "exact_output" ? "≤" : "≥"} wide={hops.length === 1} />
          </Fragment>
        ))}
        <Line arrow />
        <TokenBox figure={figures.receive} word={figures.receive.fill === undefined ? "receives" : "received"} />
      </div>
      <HopList swap={swap} hops={hops} figures={figures} />
      <Approvals plan={plan} />
    </div>
  );
}

function Line({ arrow = false }: { arrow?: boolean }) {
  return (
    <span aria-hidden="true" className="flex min-w-6 flex-1 items-center">
      <span className="h-1 flex-1 bg-control/60" />
      {arrow && (
        <span className="-ml-px size-0 border-y-[6px] border-l-[9px] border-y-transparent border-l-control/60" />
      )}
    </span>
  );
}

function TokenBox({ figure, word }: { figure: AssetFigure; word: string }) {
  const tokens = useSep((state) => state.tokensByAddress);
  return (
    <div className="flex min-h-20 min-w-[108px] flex-none flex-col items-center justify-center rounded-control border border-line bg-sunken px-3 py-2">
      <span className="text-body font-semibold">{figure.asset.symbol}</span>
      <span className="text-note text-text2">{word}</span>
      <span className="text-table font-semibold">
        <Amount text={figure.fill ?? figure.quote ?? "0"} stable={isStable(figure.asset, tokens)} />
      </span>
    </div>
  );
}

function PoolBox({ hop, word, wide }: { hop: Hop; word: string; wide: boolean }) {
  return (
    <div
      className={cx(
        "min-w-0 rounded-control border border-control px-3 py-2.5",
        wide ? "w-60 flex-none" : "max-w-[200px] flex-[3]",
      )}
      title={`Pool ${hop.pool}`}
    >
      <p className="flex justify-between gap-2 text-table">
        <span className="truncate font-semibold">{hop.name}</span>
        <span className="whitespace-nowrap text-text2">fee {formatFee(hop.fee)}</span>
      </p>
      {hop.figure ? (
        <PoolFigures figure={hop.figure} word={word} />
      ) : (
        hop.ticks !== undefined && <p className="mt-1 text-note text-text2">crosses {counted(hop.ticks, "tick")}</p>
      )}
    </div>
  );
}

function PoolFigures({ figure, word }: { figure: AssetFigure; word: string }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const stable = isStable(figure.asset, tokens);
  const rounding = word === "≤" ? "up" : "down";
  return (
    <>
      <dl className="mt-1 text-note">
        <Row label="quote">{figure.quote !== undefined && <Amount text={figure.quote} stable={stable} />}</Row>
        <Row label="fill" strong>
          {figure.fill === undefined ? "–" : <Amount text={figure.fill} stable={stable} />}
        </Row>
      </dl>
      <Gauge figure={figure} />
      <dl className="text-note">
        <Row label="bound">
          {figure.bound !== undefined && (
            <>
              {word} <Amount text={figure.bound} stable={stable} rounding={rounding} />
            </>
          )}
        </Row>
      </dl>
    </>
  );
}

function Row({ label, strong = false, children }: { label: string; strong?: boolean; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-3">
      <dt className="text-text2">{label}</dt>
      <dd className={cx(strong && "font-semibold")}>{children}</dd>
    </div>
  );
}

/** From the quote to the bound, and where the fill came to stand. The numbers stand beside it. */
export function Gauge({ figure }: { figure: AssetFigure }) {
  const at = gaugeOf(figure);
  return (
    <span aria-hidden="true" className="relative my-1.5 block h-1.5 rounded-full bg-sunken">
      {at !== undefined && (
        <>
          <span className="absolute inset-y-0 left-0 rounded-full bg-blue-fill/45" style={{ width: `${at}%` }} />
          <span
            className="absolute -inset-y-0.5 w-[3px] -translate-x-1/2 rounded-full bg-blue-fill"
            style={{ left: `${at}%` }}
          />
        </>
      )}
      <span className="absolute inset-y-0 w-px bg-control" style={{ left: `${gaugeQuoteAt}%` }} />
      <span className="absolute -inset-y-0.5 right-0 w-0.5 rounded-full bg-ink" />
    </span>
  );
}

function HopList({ swap, hops, figures }: { swap: SwapStep; hops: readonly Hop[]; figures: Figures }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const acquires = swap.swap_kind === "exact_output";
  const figure = acquires ? figures.pay : figures.receive;
  return (
    <div className="tablet:hidden">
      <p className="flex justify-between gap-4 text-table">
        <span className="font-semibold">
          {swap.token_in.symbol} → {swap.token_out.symbol}
        </span>
        <span className="font-semibold">
          <Amount
            text={figure.fill ?? figure.quote ?? "0"}
            stable={isStable(figure.asset, tokens)}
            symbol={figure.asset.symbol}
          />
        </span>
      </p>
      <p className="flex flex-wrap justify-between gap-x-4 text-note text-text2">
        <span>
          {hops.length === 1 ? "pool" : "pools"} {hops.map((hop) => formatFee(hop.fee)).join(", ")}
        </span>
        {figure.bound !== undefined && (
          <span>
            {acquires ? "at most" : "at least"} {amountOf(figure.bound, figure.asset, tokens, acquires ? "up" : "down")}
          </span>
        )}
      </p>
      <Gauge figure={figure} />
    </div>
  );
}

/** The allowances that the swap needs, each a transaction of its own. */
function Approvals({ plan }: { plan: PlanView }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const steps = plan.steps.filter((step) => step.kind === "approve");
  if (steps.length === 0) return <p className="text-note text-text2">No approval is needed.</p>;
  return (
    <ul className="flex flex-col gap-1">
      {steps.map((step) => (
        <li key={step.index} className="flex items-start gap-2 text-note text-text2">
          <span className="mt-px">
            <StepIcon status={step.status} />
          </span>
          <span>
            Approves {amountOf(step.amount, step.token, tokens, "up")} for the router first
            {statusWords(step)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function StepIcon({ status }: { status: PlanStepView["status"] }) {
  if (status === "filled") return <CircleTick size={14} />;
  return status === "reverted" ? <OctagonCross size={14} /> : <DottedCircle size={14} />;
}

function statusWords({ status, fill }: PlanStepView): string {
  switch (status) {
    case "filled":
      return fill ? `, done in block ${formatCount(fill.block_number)}` : ", done";
    case "submitted":
      return ", sent";
    case "prepared":
      return ", signed";
    case "reverted":
      return ", reverted";
    case "reorged":
      return ", pending again";
    case "pending":
      return "";
  }
}
