"use client";
import type { ReactNode } from "react";
import { cx, Empty, Panel, Skeleton } from "@/components/ui/kit.tsx";
import { formatAmount, formatUsd, fromUnits } from "@/lib/format/amount.ts";
import { counted, formatCount } from "@/lib/format/text.ts";
import { confirmationsOf } from "@/lib/intent/badge.ts";
import { timeFor } from "@/lib/intent/path.ts";
import { formatGwei } from "@/lib/intent/figures.ts";
import { feesOf, type Fees, type Transaction } from "@/lib/intent/transactions.ts";
import { isTerminal } from "@/lib/sep/fold.ts";
import { useChainPosition, useSep } from "@/lib/sep/store.ts";
import type { IntentView, SepEvent } from "@/lib/sep/types.ts";
import { TransactionsTable } from "./transactions-table.tsx";

interface Props {
  view: IntentView | undefined;
  events: readonly SepEvent[];
  transactions: readonly Transaction[];
}

/** What was sent to the chain, and what the chain did with it. */
export function ExecutionPanel({ view, events, transactions }: Props) {
  const maxAttempts = useSep((state) => state.platform?.limits.max_attempts);
  const plans = view?.summary.plans;
  // Where no plan was made there is nothing to tell of.
  if (view && isTerminal(view.state) && plans === undefined) return null;
  const note =
    plans !== undefined && `attempt ${plans}${maxAttempts === undefined ? "" : ` of at most ${maxAttempts}`}`;
  return (
    <Panel title="Execution" {...(note !== false && { note })}>
      <div className="flex min-h-[216px] flex-col">
        {transactions.length > 0 ? (
          <>
            <Confirmations view={view} transactions={transactions} />
            <Facts transactions={transactions} fees={feesOf(events, transactions)} />
            <TransactionsTable transactions={transactions} />
          </>
        ) : (
          <Nothing view={view} loaded={events.length > 0} />
        )}
      </div>
    </Panel>
  );
}

function Nothing({ view, loaded }: { view: IntentView | undefined; loaded: boolean }) {
  if (view === undefined || (!loaded && view.summary.attempts !== undefined))
    return (
      <div key="loading" className="flex flex-1 p-4">
        <Skeleton className="w-full flex-1" />
      </div>
    );
  return (
    <div key="none" className="m-auto">
      {isTerminal(view.state) ? (
        <Empty title="Nothing was sent">No transaction was signed for this intent.</Empty>
      ) : (
        <Empty title="Nothing sent yet">Transactions appear here before they are sent.</Empty>
      )}
    </div>
  );
}

/** More blocks than this are one bar. */
const maxSegments = 32;

function Confirmations({ view, transactions }: { view: IntentView | undefined; transactions: readonly Transaction[] }) {
  const chain = useChainPosition();
  const needed = chain.confirmations ?? 1;
  // At its end every included transaction is as deep as was asked for.
  const included = transactions.some(({ kind, inclusion }) => inclusion && kind !== "approve");
  const done = view && isTerminal(view.state) && included;
  const confirmed = done ? needed : ((view && confirmationsOf(view, chain)) ?? 0);
  const hue = done ? "bg-grey-fill" : "bg-blue-fill";
  return (
    <div className="px-4 pt-4">
      <div className="flex justify-between gap-4 text-table">
        <h3 className="font-semibold">Confirmations</h3>
        <p className="text-text2">
          <span className="font-semibold text-ink">{formatCount(confirmed)}</span> of {formatCount(needed)}
          {confirmed > 0 && confirmed < needed && chain.blockEveryMs !== undefined && (
            <>{timeFor(needed - confirmed, chain)} left</>
          )}
        </p>
      </div>
      <div aria-hidden="true" className="mt-2 flex h-2.5 gap-1">
        {needed > maxSegments ? (
          <span className="flex-1 rounded-[3px] border border-line bg-sunken">
            <span
              className={cx("block h-full rounded-[3px]", hue)}
              style={{ width: `${Math.floor((confirmed * 100) / needed)}%` }}
            />
          </span>
        ) : (
          Array.from({ length: needed }, (_, index) => (
            <span
              key={index}
              className={cx("flex-1 rounded-[3px]", index < confirmed ? hue : "border border-line bg-sunken")}
            />
          ))
        )}
      </div>
    </div>
  );
}

/** The transaction that the page is about: the one that the chain holds, or the latest; the swap's before an approval's. */
function mainOf(transactions: readonly Transaction[]): Transaction | undefined {
  const { plan } = transactions.at(-1) ?? {};
  const latest = transactions.filter((transaction) => transaction.plan === plan && transaction.kind !== "approve");
  return latest.findLast(({ inclusion }) => inclusion) ?? latest.at(-1) ?? transactions.at(-1);
}

function Facts({ transactions, fees }: { transactions: readonly Transaction[]; fees: Fees }) {
  const nativeSymbol = useSep((state) => state.platform?.chain.native_symbol ?? "ETH");
  const main = mainOf(transactions);
  const inclusion = main?.inclusion;
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-4 px-4 py-4 tablet:grid-cols-4">
      <Item label="Nonce">{main ? formatCount(main.nonce) : "–"}</Item>
      <Item label="Block">{inclusion ? formatCount(inclusion.blockNumber) : "–"}</Item>
      <Item label="Gas used" note={main && `limit ${formatCount(Number(main.gasLimit))}`}>
        {inclusion ? formatCount(Number(inclusion.gasUsed)) : "–"}
      </Item>
      <Item label={fees.count > 1 ? "Fees paid" : "Fee paid"} note={feeNote(fees, inclusion)}>
        {fees.count === 0 ? (
          "–"
        ) : (
          <span title={`${fromUnits(fees.wei, 18)} ${nativeSymbol}`}>
            {formatAmount(fees.coin, false)} {nativeSymbol}
          </span>
        )}
      </Item>
    </dl>
  );
}

function feeNote(fees: Fees, inclusion: Transaction["inclusion"]): string {
  const price =
    fees.count > 1 ? counted(fees.count, "transaction") : inclusion && `${formatGwei(inclusion.gasPriceWei)} gwei`;
  return [fees.usd !== undefined && formatUsd(fees.usd), price].filter(Boolean).join(", ");
}

function Item({ label, note, children }: { label: string; note?: string | undefined; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-note text-text2">{label}</dt>
      <dd className="text-body font-semibold">
        {children}
        <span className="block min-h-4 text-note font-normal text-text2">{note}</span>
      </dd>
    </div>
  );
}
