"use client";
import type { ReactNode } from "react";
import { Amount, cx } from "@/components/ui/kit.tsx";
import { formatUsd } from "@/lib/format/amount.ts";
import type { AssetFigure, Figures } from "@/lib/intent/figures.ts";
import { isStable } from "@/lib/intent/wording.ts";
import { useSep } from "@/lib/sep/store.ts";

/** Each figure beside what it is judged against. */
export function FiguresTable({ figures }: { figures: Figures }) {
  const { feeUsd } = figures;
  return (
    <table className="w-full text-table tablet:table-fixed">
      <caption className="sr-only">Quote, fill and bound</caption>
      <thead className="text-note text-text2">
        <tr>
          <td />
          {["Quote", "Fill", "Bound"].map((name) => (
            <th key={name} scope="col" className={cx(cell, "font-normal")}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <AssetRow label="Pay" figure={figures.pay} rounding="up" />
        <AssetRow label="Receive" figure={figures.receive} rounding="down" />
        <Row label="Network fee, USD">
          {usd(feeUsd.quote)}
          {usd(feeUsd.fill)}
          {usd(feeUsd.bound)}
        </Row>
      </tbody>
    </table>
  );
}

const cell = "px-1 py-2.5 text-right last:pr-3 tablet:px-2 tablet:last:pr-4";
const usd = (text: string | undefined): string => formatUsd(text).replace("$", "");

function AssetRow({ label, figure, rounding }: { label: string; figure: AssetFigure; rounding: "up" | "down" }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const stable = isStable(figure.asset, tokens);
  const amount = (text: string | undefined, how?: "up" | "down") =>
    text === undefined ? "–" : <Amount text={text} stable={stable} {...(how && { rounding: how })} />;
  return (
    <Row label={`${label}, ${figure.asset.symbol}`}>
      {amount(figure.quote)}
      {amount(figure.fill)}
      {figure.exact ? "exact" : amount(figure.bound, rounding)}
    </Row>
  );
}

function Row({ label, children }: { label: string; children: [ReactNode, ReactNode, ReactNode] }) {
  const [quote, fill, bound] = children;
  return (
    <tr className="border-t border-line">
      <th scope="row" className="py-2.5 pr-1 pl-3 tablet:pr-2 tablet:pl-4 text-left font-normal text-text2">
        {label}
      </th>
      <td className={cell}>{quote}</td>
      <td className={cx(cell, "font-semibold")}>{fill}</td>
      <td className={cell}>{bound}</td>
    </tr>
  );
}
