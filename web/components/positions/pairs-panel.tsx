"use client";
import type { ReactNode } from "react";
import { Column, Head, NumberCell, Row, RowHead, Table, Under } from "@/components/table/table.tsx";
import { Amount, cx, Panel, Tag } from "@/components/ui/kit.tsx";
import { formatUsd } from "@/lib/format/amount.ts";
import { counted, formatCount } from "@/lib/format/text.ts";
import { isStable, type Tokens } from "@/lib/intent/wording.ts";
import {
  profitOf,
  totalsOf,
  totalOf,
  type Pair,
  type PairProfit,
  type Prices,
  type Total,
} from "@/lib/positions/pnl.ts";
import { directionOf, formatPrice, signedAmount, signedPercent, signedUsd } from "@/lib/positions/wording.ts";
import { gainText } from "./gain.tsx";
import { Waiting } from "./waiting.tsx";

/** Each pair's position against its cost. */
export function PairsPanel({
  pairs,
  prices,
  tokens,
  problem,
}: {
  pairs: readonly Pair[] | undefined;
  prices: Prices;
  tokens: Tokens;
  problem?: ReactNode;
}) {
  return (
    <Panel title="Pairs" note="profit by average cost, in the second token">
      {problem}
      <div className={cx(pairs === undefined && !problem && "min-h-[193px]")}>
        {pairs === undefined && !problem && <Waiting rows={3} />}
        {pairs !== undefined && pairs.length > 0 && (
          <>
            <PairsTable pairs={pairs} prices={prices} tokens={tokens} />
            <ul className="tablet:hidden">
              {pairs.map((pair) => (
                <PairCard key={keyOf(pair)} pair={pair} profit={profitOf(pair, prices)} tokens={tokens} />
              ))}
            </ul>
          </>
        )}
      </div>
    </Panel>
  );
}

const keyOf = (pair: Pair): string => `${pair.base.address}/${pair.quote.address}`;
const nameOf = (pair: Pair): string => `${pair.base.symbol} / ${pair.quote.symbol}`;
const isShort = (pair: Pair): boolean => pair.position_base.startsWith("-");
const isOpen = (pair: Pair): boolean => pair.position_base !== "0";

function PairsTable({ pairs, prices, tokens }: { pairs: readonly Pair[]; prices: Prices; tokens: Tokens }) {
  const totals = totalsOf(pairs, prices);
  const value = totalOf(pairs.map((pair) => ({ usd: profitOf(pair, prices).valueUsd, symbol: pair.base.symbol })));
  const fills = pairs.reduce((sum, pair) => sum + pair.fills, 0);
  return (
    <Table caption="Positions of each pair" className="max-tablet:hidden">
      <Head>
        <Column>Pair</Column>
        <Column number>Position</Column>
        <Column number>
          Average cost<span className="block desktop:hidden">and price now</span>
        </Column>
        <Column number className="max-desktop:hidden">
          Price now
        </Column>
        <Column number>Value</Column>
        <Column number>Unrealised</Column>
        <Column number>Realised</Column>
        <Column number className="max-desktop:pr-4!">
          Gas<span className="block desktop:hidden">and fills</span>
        </Column>
        <Column number className="max-desktop:hidden">
          Fills
        </Column>
      </Head>
      <tbody>
        {pairs.map((pair) => (
          <PairRow key={keyOf(pair)} pair={pair} profit={profitOf(pair, prices)} tokens={tokens} />
        ))}
      </tbody>
      <tfoot>
        <tr className="border-t border-line font-semibold">
          <RowHead className="font-semibold" colSpan={3}>
            Total, in USD
            <Under className="font-normal">
              <Without totals={[totals.unrealised, totals.realised, value]} />
            </Under>
          </RowHead>
          <td className="max-desktop:hidden" />
          <NumberCell>{formatUsd(value.usd)}</NumberCell>
          <NumberCell className={gainText[directionOf(totals.unrealised.usd)]}>
            {signedUsd(totals.unrealised.usd)}
          </NumberCell>
          <NumberCell className={gainText[directionOf(totals.realised.usd)]}>
            {signedUsd(totals.realised.usd)}
          </NumberCell>
          <NumberCell className="max-desktop:pr-4!">
            {formatUsd(totals.gasUsd)}
            <Under className="font-normal desktop:hidden">{counted(fills, "fill")}</Under>
          </NumberCell>
          <NumberCell className="max-desktop:hidden">{formatCount(fills)}</NumberCell>
        </tr>
      </tfoot>
    </Table>
  );
}

/** Names what a total leaves out. */
function Without({ totals }: { totals: readonly Total[] }) {
  const symbols = [...new Set(totals.flatMap((total) => total.without))];
  return symbols.length === 0 ? null : <>without {symbols.join(", ")}: no price</>;
}

function PairRow({ pair, profit, tokens }: { pair: Pair; profit: PairProfit; tokens: Tokens }) {
  const quoteStable = isStable(pair.quote, tokens);
  return (
    <Row>
      <RowHead className="whitespace-nowrap">
        <strong className="font-semibold">{nameOf(pair)}</strong>
        {isShort(pair) && (
          <span className="ml-2">
            <Tag>short</Tag>
          </span>
        )}
      </RowHead>
      <NumberCell>
        <Amount text={pair.position_base} stable={isStable(pair.base, tokens)} />
      </NumberCell>
      <NumberCell>
        <span title={pair.average_cost_quote}>{isOpen(pair) ? formatPrice(pair.average_cost_quote) : "–"}</span>
        <Under className="desktop:hidden">now {formatPrice(profit.price)}</Under>
      </NumberCell>
      <NumberCell className="max-desktop:hidden">
        <span title={profit.price}>{formatPrice(profit.price)}</span>
      </NumberCell>
      <NumberCell>{formatUsd(profit.valueUsd)}</NumberCell>
      <NumberCell>
        <Gain text={profit.unrealised} stable={quoteStable} />
        <Under>{profit.unrealisedRatio === undefined ? "" : signedPercent(profit.unrealisedRatio)}</Under>
      </NumberCell>
      <NumberCell>
        <Gain text={pair.realised_pnl_quote} stable={quoteStable} />
      </NumberCell>
      <NumberCell className="max-desktop:pr-4!">
        {formatUsd(pair.gas_usd)}
        <Under className="desktop:hidden">{counted(pair.fills, "fill")}</Under>
      </NumberCell>
      <NumberCell className="max-desktop:hidden">{formatCount(pair.fills)}</NumberCell>
    </Row>
  );
}

function Gain({ text, stable, symbol }: { text: string | undefined; stable: boolean; symbol?: string }) {
  return (
    <span title={text} className={cx("whitespace-nowrap", gainText[directionOf(text)])}>
      {signedAmount(text, stable)}
      {symbol !== undefined && text !== undefined && ` ${symbol}`}
    </span>
  );
}

function PairCard({ pair, profit, tokens }: { pair: Pair; profit: PairProfit; tokens: Tokens }) {
  const quoteStable = isStable(pair.quote, tokens);
  return (
    <li className="border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex items-baseline justify-between gap-3">
        <span className="flex items-center gap-2 font-semibold whitespace-nowrap">
          {nameOf(pair)}
          {isShort(pair) && <Tag>short</Tag>}
        </span>
        <span className="text-right font-semibold">
          <Gain text={profit.unrealised} stable={quoteStable} symbol={pair.quote.symbol} />
        </span>
      </div>
      <div className="flex justify-between gap-3 text-note text-text2">
        <span>
          <Amount text={pair.position_base} stable={isStable(pair.base, tokens)} symbol={pair.base.symbol} />,{" "}
          {formatUsd(profit.valueUsd)}
        </span>
        <span>unrealised{profit.unrealisedRatio !== undefined && `, ${signedPercent(profit.unrealisedRatio)}`}</span>
      </div>
      <dl className="mt-2 grid grid-cols-2 gap-x-6 gap-y-2 text-note">
        <CardFact label="Average cost">{isOpen(pair) ? formatPrice(pair.average_cost_quote) : "–"}</CardFact>
        <CardFact label="Price now">{formatPrice(profit.price)}</CardFact>
        <CardFact label="Realised">
          <Gain text={pair.realised_pnl_quote} stable={quoteStable} />
        </CardFact>
        <CardFact label={`Gas for ${counted(pair.fills, "fill")}`}>{formatUsd(pair.gas_usd)}</CardFact>
      </dl>
    </li>
  );
}

function CardFact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-text3">{label}</dt>
      <dd className="text-table">{children}</dd>
    </div>
  );
}
