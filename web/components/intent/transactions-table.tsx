"use client";
import type { ReactNode } from "react";
import { CircleArrow, CircleTick, Dash, HalfCircle, OctagonCross, Retry } from "@/components/ui/icons.tsx";
import { Copy, cx, Time } from "@/components/ui/kit.tsx";
import { shortHash } from "@/lib/format/text.ts";
import { zoneName } from "@/lib/format/time.ts";
import { formatGwei } from "@/lib/intent/figures.ts";
import { nameOf, outcomeWords, type Outcome, type Transaction } from "@/lib/intent/transactions.ts";
import { useZone } from "@/lib/preferences.ts";

const head = "px-2 py-2 text-left font-normal first:pl-4 last:pr-4";
const cell = "px-2 py-2.5 align-top first:pl-4 last:pr-4";
const wideOnly = "hidden tablet:table-cell";

/** Every transaction that was signed, newest first. */
export function TransactionsTable({ transactions }: { transactions: readonly Transaction[] }) {
  const zone = useZone();
  const replanned = (transactions.at(-1)?.plan ?? 1) > 1;
  return (
    <table className="w-full border-t border-line text-table">
      <caption className="sr-only">Transactions, newest first</caption>
      <thead className="text-note text-text2">
        <tr>
          <th scope="col" className={head}>
            Transaction
          </th>
          <th scope="col" className={head}>
            Outcome
          </th>
          <th scope="col" className={cx(head, "text-right")}>
            Fee cap, gwei
          </th>
          <th scope="col" className={cx(head, wideOnly, "text-right")}>
            Tip, gwei
          </th>
          <th scope="col" className={cx(head, wideOnly)}>
            Hash
          </th>
          <th scope="col" className={cx(head, wideOnly, "text-right")}>
            Sent, {zoneName(zone)}
          </th>
        </tr>
      </thead>
      <tbody>
        {transactions.toReversed().map((transaction) => (
          <Row key={transaction.hash} transaction={transaction} replanned={replanned} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ transaction, replanned }: { transaction: Transaction; replanned: boolean }) {
  const { hash, sentAt, plan, nonce } = transaction;
  return (
    <tr className="border-t border-line">
      <th scope="row" className={cx(cell, "text-left font-semibold")}>
        {nameOf(transaction)}
        <span className="block text-note font-normal text-text2">
          {replanned && `plan ${plan}, `}nonce {nonce}
        </span>
      </th>
      <td className={cell}>
        <span className="flex gap-1.5">
          <span className="mt-0.5">
            <OutcomeIcon outcome={transaction.outcome} />
          </span>
          {outcomeWords(transaction.outcome)}
        </span>
        <span className="mt-0.5 flex items-center gap-1 text-note text-text2 tablet:hidden">
          <Hash hash={hash} />
        </span>
      </td>
      <td className={cx(cell, "text-right")}>{formatGwei(transaction.feeCapWei)}</td>
      <td className={cx(cell, wideOnly, "text-right")}>{formatGwei(transaction.tipWei)}</td>
      <td className={cx(cell, wideOnly)}>
        <span className="flex items-center gap-1">
          <Hash hash={hash} />
        </span>
      </td>
      <td className={cx(cell, wideOnly, "text-right text-text2")}>
        {sentAt === undefined ? "–" : <Time at={sentAt} precision="tenth" />}
      </td>
    </tr>
  );
}

function Hash({ hash }: { hash: string }) {
  return (
    <>
      <span className="font-mono whitespace-nowrap" title={hash}>
        {shortHash(hash)}
      </span>
      <Copy text={hash} label="Copy the transaction’s hash" />
    </>
  );
}

function OutcomeIcon({ outcome }: { outcome: Outcome }): ReactNode {
  switch (outcome.name) {
    case "included":
      return <CircleTick className="shrink-0 text-green" />;
    case "reverted":
      return <OctagonCross className="shrink-0 text-red" />;
    case "reorged":
      return <Retry className="shrink-0 text-amber" />;
    case "pending":
      return <CircleArrow className="shrink-0 text-blue" />;
    case "prepared":
      return <HalfCircle className="shrink-0 text-blue" />;
    default:
      return <Dash className="shrink-0 text-text3" />;
  }
}
