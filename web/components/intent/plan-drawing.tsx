"use client";
import { Fragment, type ReactNode } from "react";
import { Amount, cx } from "@/components/ui/kit.tsx";
import { CircleTick, DottedCircle, OctagonCross } from "@/components/ui/icons.tsx";
import { counted, formatCount, formatFee } from "@/lib/format/text.ts";
import { gaugeOf, gaugeQuoteAt, swapOf, type AssetFigure, type Figures } from "@/lib/intent/figures.ts";
import { formatShare, pathsOf, tokenName, type Hop, type PlanPath } from "@/lib/intent/paths.ts";
import { amountOf, isStable } from "@/lib/intent/wording.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { PlanStepView, PlanView, SwapStep } from "@/lib/sep/types.ts";

/** What may still move, at the pool where it is paid or received; of one path among several its part of it. */
function figureAt(swap: SwapStep, figures: Figures, paths: readonly PlanPath[], path: PlanPath, hop: number) {
  const acquires = swap.swap_kind === "exact_output";
  if (hop !== (acquires ? 0 : path.hops.length - 1)) return undefined;
  const figure = acquires ? figures.pay : figures.receive;
  if (paths.length === 1) return figure;
  return { ...figure, quote: acquires ? path.amountIn : path.amountOut, bound: path.bound, fill: undefined };
}

/** Token, paths of pools, token; under 780 px a list. */
export function PlanDrawing({ plan, figures }: { plan: PlanView; figures: Figures }) {
  const swap = swapOf(plan);
  if (!swap) return null;
  const paths = pathsOf(swap);
  return (
    <div className="flex flex-1 flex-col justify-center gap-4 border-b border-line px-4 py-5 tablet:px-6">
      <div className="hidden items-stretch tablet:flex">
        <TokenBox figure={figures.pay} word={figures.pay.fill === undefined ? "pays" : "paid"} />
        <Fan paths={paths} />
        <ol className="grid min-w-0 flex-1 auto-rows-fr">
          {paths.map((path) => (
            <li key={path.hops[0]?.pool} className={cx("flex min-w-0 items-center", paths.length > 1 && "py-2")}>
              {paths.length > 1 && <Share path={path} />}
              {path.hops.map((hop, index) => (
                <Fragment key={hop.pool}>
                  {index > 0 && <MiddleToken hop={hop} width={widthOf(path)} />}
                  <Line width={widthOf(path)} />
                  <PoolBox
                    hop={hop}
                    figure={figureAt(swap, figures, paths, path, index)}
                    word={swap.swap_kind === "exact_output" ? "≤" : "≥"}
                    whole={paths.length === 1}
                    wide={path.hops.length === 1}
                  />
                </Fragment>
              ))}
              <Line width={widthOf(path)} arrow={paths.length === 1} />
            </li>
          ))}
        </ol>
        <Fan paths={paths} mirrored />
        <TokenBox figure={figures.receive} word={figures.receive.fill === undefined ? "receives" : "received"} />
      </div>
      <PathList swap={swap} paths={paths} figures={figures} />
      <Approvals plan={plan} />
    </div>
  );
}

/** Two to six pixels, by the path's share. */
const widthOf = ({ share }: PlanPath): number => 2 + Math.round(share / 25);

/** From the token's box to the middle of each path's row, or back. */
function Fan({ paths, mirrored = false }: { paths: readonly PlanPath[]; mirrored?: boolean }) {
  if (paths.length === 1) return null;
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      className={cx("w-9 flex-none self-stretch text-control/60", mirrored && "-scale-x-100")}
    >
      {paths.map((path, index) => {
        const row = ((index + 0.5) / paths.length) * 100;
        return (
          <path
            key={path.hops[0]?.pool}
            d={`M0 50C60 50 40 ${row} 100 ${row}`}
            fill="none"
            stroke="currentColor"
            strokeWidth={widthOf(path)}
            vectorEffect="non-scaling-stroke"
          />
        );
      })}
    </svg>
  );
}

function Share({ path }: { path: PlanPath }) {
  return (
    <span className="w-10 flex-none text-center text-note font-semibold text-text2 tabular-nums">
      {formatShare(path.share)}
    </span>
  );
}

function MiddleToken({ hop, width }: { hop: Hop; width: number }) {
  return (
    <>
      <Line width={width} />
      <span
        className="flex-none rounded-full border border-line bg-sunken px-2.5 py-1 text-note font-semibold"
        title={hop.from.address}
      >
        {tokenName(hop.from)}
      </span>
    </>
  );
}

function Line({ width, arrow = false }: { width: number; arrow?: boolean }) {
  return (
    <span aria-hidden="true" className="flex min-w-2 flex-1 items-center">
      <span className="flex-1 bg-control/60" style={{ height: width }} />
      {arrow && (
        <span className="-ml-px size-0 border-y-[6px] border-l-[9px] border-y-transparent border-l-control/60" />
      )}
    </span>
  );
}

function TokenBox({ figure, word }: { figure: AssetFigure; word: string }) {
  const tokens = useSep((state) => state.tokensByAddress);
  return (
    <div className="flex min-h-20 min-w-[108px] flex-none flex-col self-center items-center justify-center rounded-control border border-line bg-sunken px-3 py-2">
      <span className="text-body font-semibold">{figure.asset.symbol}</span>
      <span className="text-note text-text2">{word}</span>
      <span className="text-table font-semibold">
        <Amount text={figure.fill ?? figure.quote ?? "0"} stable={isStable(figure.asset, tokens)} />
      </span>
    </div>
  );
}

function PoolBox({
  hop,
  figure,
  word,
  whole,
  wide,
}: {
  hop: Hop;
  figure: AssetFigure | undefined;
  word: string;
  /** The whole swap goes through it, so that its fill is known. */
  whole: boolean;
  wide: boolean;
}) {
  return (
    <div
      className={cx(
        "min-w-0 rounded-control border border-control py-2.5",
        wide ? "w-60 flex-initial px-3" : "max-w-[200px] flex-[3] px-2",
      )}
      title={`Pool ${hop.pool}`}
    >
      <p className="flex flex-wrap justify-between gap-x-2 text-table">
        <span className="font-semibold">
          {tokenName(hop.from)} / {tokenName(hop.to)}
        </span>
        <span className="whitespace-nowrap text-text2">fee {formatFee(hop.fee)}</span>
      </p>
      {figure ? (
        <PoolFigures figure={figure} word={word} whole={whole} />
      ) : (
        hop.ticks !== undefined && <p className="mt-1 text-note text-text2">crosses {counted(hop.ticks, "tick")}</p>
      )}
    </div>
  );
}

function PoolFigures({ figure, word, whole }: { figure: AssetFigure; word: string; whole: boolean }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const stable = isStable(figure.asset, tokens);
  const rounding = word === "≤" ? "up" : "down";
  return (
    <>
      <dl className="mt-1 text-note">
        <Row label="quote">{figure.quote !== undefined && <Amount text={figure.quote} stable={stable} />}</Row>
        {whole && (
          <Row label="fill" strong>
            {figure.fill === undefined ? "–" : <Amount text={figure.fill} stable={stable} />}
          </Row>
        )}
      </dl>
      {whole && <Gauge figure={figure} />}
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
    <div className="flex flex-wrap justify-between gap-x-3">
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

function PathList({ swap, paths, figures }: { swap: SwapStep; paths: readonly PlanPath[]; figures: Figures }) {
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
      <ul className="text-note text-text2">
        {paths.map((path) => (
          <li key={path.hops[0]?.pool}>
            {paths.length > 1 && `${formatShare(path.share)} `}
            {pathWords(path)}
          </li>
        ))}
      </ul>
      {figure.bound !== undefined && (
        <p className="text-note text-text2">
          {acquires ? "at most" : "at least"} {amountOf(figure.bound, figure.asset, tokens, acquires ? "up" : "down")}
        </p>
      )}
      <Gauge figure={figure} />
    </div>
  );
}

/** "pool 0.05%", or "0.05%, DAI, 0.3%": the middle tokens between the pools. */
function pathWords({ hops }: PlanPath): string {
  if (hops.length === 1) return `pool ${formatFee(hops[0]!.fee)}`;
  const middle = hops.slice(1).map((hop) => `${tokenName(hop.from)}, ${formatFee(hop.fee)}`);
  return `pools ${[formatFee(hops[0]!.fee), ...middle].join(", ")}`;
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
