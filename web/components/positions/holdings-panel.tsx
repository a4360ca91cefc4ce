"use client";
import { Column, Head, NumberCell, Row, RowHead, Table, Under } from "@/components/table/table.tsx";
import { Amount, Panel } from "@/components/ui/kit.tsx";
import { formatAmount, formatUsd } from "@/lib/format/amount.ts";
import { isStable, type Tokens } from "@/lib/intent/wording.ts";
import { priceOf, totalOf, valueUsd, wholeOf, type Holding, type Prices } from "@/lib/positions/pnl.ts";
import { directionOf, formatPrice, signedUsd } from "@/lib/positions/wording.ts";
import { gainText } from "./gain.tsx";

/** What the fills brought and took of each token; together they are worth what was gained or lost. */
export function HoldingsPanel({
  holdings,
  prices,
  tokens,
}: {
  holdings: readonly Holding[];
  prices: Prices;
  tokens: Tokens;
}) {
  return (
    <Panel title="Tokens" note="by this strategy's fills, not the account's balance" className="h-full">
      <HoldingsTable holdings={holdings} prices={prices} tokens={tokens} />
    </Panel>
  );
}

function HoldingsTable({ holdings, prices, tokens }: { holdings: readonly Holding[]; prices: Prices; tokens: Tokens }) {
  const total = wholeOf(
    totalOf(holdings.map(({ asset, quantity }) => ({ usd: valueUsd(quantity, asset, prices), symbol: asset.symbol }))),
  );
  return (
    <Table caption="Tokens by this strategy's fills">
      <Head>
        <Column>Token</Column>
        <Column number>Net quantity</Column>
        <Column number className="max-tablet:hidden">
          Bought
        </Column>
        <Column number className="max-tablet:hidden">
          Sold
        </Column>
        <Column number className="max-tablet:hidden">
          Price, USD
        </Column>
        <Column number>Value</Column>
      </Head>
      <tbody>
        {holdings.map(({ asset, quantity, bought, sold }) => {
          const stable = isStable(asset, tokens);
          return (
            <Row key={asset.address}>
              <RowHead className="font-semibold">{asset.symbol}</RowHead>
              <NumberCell className="max-tablet:whitespace-normal">
                <Amount text={quantity} stable={stable} />
                <Under className="tablet:hidden">
                  +{formatAmount(bought, stable)} −{formatAmount(sold, stable)}
                </Under>
              </NumberCell>
              <NumberCell className="text-text2 max-tablet:hidden">
                <Amount text={bought} stable={stable} />
              </NumberCell>
              <NumberCell className="text-text2 max-tablet:hidden">
                <Amount text={sold} stable={stable} />
              </NumberCell>
              <NumberCell className="max-tablet:hidden">{formatPrice(priceOf(asset, prices))}</NumberCell>
              <NumberCell>
                {formatUsd(valueUsd(quantity, asset, prices))}
                {priceOf(asset, prices) !== undefined && (
                  <Under className="tablet:hidden">at {formatPrice(priceOf(asset, prices))}</Under>
                )}
              </NumberCell>
            </Row>
          );
        })}
      </tbody>
      <tfoot>
        <tr className="border-t border-line font-semibold">
          <RowHead className="font-semibold" colSpan={2}>
            Total, USD
            <Under className="font-normal">
              {total.without.length === 0
                ? "the profit before gas: bought less sold"
                : `no price for ${total.without.join(", ")}`}
            </Under>
          </RowHead>
          <td className="max-tablet:hidden" colSpan={3} />
          <NumberCell className={gainText[directionOf(total.usd)]}>{signedUsd(total.usd)}</NumberCell>
        </tr>
      </tfoot>
    </Table>
  );
}
