"use client";
import { Column, Head, NumberCell, Row, RowHead, Table, Under } from "@/components/table/table.tsx";
import { ClockIcon } from "@/components/ui/icons.tsx";
import { Amount, Copy, cx, LoadError, Notice, Panel } from "@/components/ui/kit.tsx";
import { formatUsd } from "@/lib/format/amount.ts";
import { formatCount, shortHash } from "@/lib/format/text.ts";
import { isStable, type Tokens } from "@/lib/intent/wording.ts";
import { accountTotal } from "@/lib/positions/pnl.ts";
import { formatPrice } from "@/lib/positions/wording.ts";
import type { Account } from "@/lib/sep/types.ts";
import type { Loaded } from "@/lib/use-loaded.ts";
import { Waiting } from "./waiting.tsx";

/** The balances of the account that all strategies share. */
export function AccountPanel({ account, tokens }: { account: Loaded<Account>; tokens: Tokens }) {
  const { data, problem } = account;
  return (
    <Panel
      title="Account"
      note="shared by all strategies"
      aside={
        data && (
          <span className="flex items-center gap-1 text-text2">
            <span className="font-mono text-note" title={data.address}>
              {shortHash(data.address)}
            </span>
            <Copy text={data.address} label="Copy the account's address" />
          </span>
        )
      }
      className="h-full"
    >
      {problem && <LoadError what="the account" problem={problem} dataFrom={account.at} onRetry={account.reload} />}
      {data && !data.fresh && (
        <div className="px-4 pt-3">
          <Notice hue="amber" icon={<ClockIcon />}>
            The market is not fresh: {data.detail ?? "no new block is known"}. Prices may be old.
          </Notice>
        </div>
      )}
      <div className={cx(data === undefined && !problem && "min-h-[327px]")}>
        {data === undefined && !problem && <Waiting rows={5} />}
        {data && <Balances account={data} tokens={tokens} />}
      </div>
    </Panel>
  );
}

function Balances({ account, tokens }: { account: Account; tokens: Tokens }) {
  const total = accountTotal(account);
  return (
    <Table caption="Balances of the account">
      <Head>
        <Column>Token</Column>
        <Column number className="max-tablet:pr-4!">
          Balance
        </Column>
        <Column number className="max-tablet:hidden">
          Price, USD
        </Column>
        <Column number className="max-tablet:hidden">
          Value
        </Column>
      </Head>
      <tbody>
        <Row>
          <RowHead>
            <span className="font-semibold">{account.native.symbol}</span>
            <Under>pays for gas</Under>
          </RowHead>
          <NumberCell className="max-tablet:pr-4!">
            <Amount text={account.native.balance} stable={false} />
            <Under className="tablet:hidden">{formatUsd(account.native.value_usd)}</Under>
          </NumberCell>
          <NumberCell className="text-text3 max-tablet:hidden">–</NumberCell>
          <NumberCell className="max-tablet:hidden">{formatUsd(account.native.value_usd)}</NumberCell>
        </Row>
        {account.tokens.map(({ asset, balance, price_usd, value_usd }) => (
          <Row key={asset.address}>
            <RowHead className="font-semibold">{asset.symbol}</RowHead>
            <NumberCell className="max-tablet:pr-4!">
              <Amount text={balance} stable={isStable(asset, tokens)} />
              <Under className="whitespace-normal tablet:hidden">
                {formatUsd(value_usd)}
                {price_usd !== null && ` at ${formatPrice(price_usd)}`}
              </Under>
            </NumberCell>
            <NumberCell className="text-text2 max-tablet:hidden">{formatPrice(price_usd ?? undefined)}</NumberCell>
            <NumberCell className="max-tablet:hidden">{formatUsd(value_usd)}</NumberCell>
          </Row>
        ))}
      </tbody>
      <tfoot>
        <tr className="border-t border-line font-semibold">
          <RowHead className="font-semibold">
            Total, USD
            <Under className="font-normal">
              at block {formatCount(account.block_number)}
              {total.without.length > 0 && `, without ${total.without.join(", ")}: no price`}
            </Under>
          </RowHead>
          <NumberCell className="max-tablet:pr-4!">
            <span className="tablet:hidden">{formatUsd(total.usd, true)}</span>
          </NumberCell>
          <td className="max-tablet:hidden" />
          <NumberCell className="max-tablet:hidden">{formatUsd(total.usd, true)}</NumberCell>
        </tr>
      </tfoot>
    </Table>
  );
}
