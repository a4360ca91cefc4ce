"use client";
import { Column, Head, NumberCell, Row, RowHead, Table, Under } from "@/components/table/table.tsx";
import { Copy, Empty, Panel } from "@/components/ui/kit.tsx";
import { counted, formatCount, formatFee, shortHash } from "@/lib/format/text.ts";
import { formatDuration } from "@/lib/format/time.ts";
import type { Status } from "@/lib/sep/types.ts";
import { Answer } from "./answer.tsx";
import { WaitingRows } from "./parts-panels.tsx";

type Pool = Status["pools"][number];

/** The pools that are priced, and how old what is known of each is. */
export function PoolsPanel({ status }: { status: Status | undefined }) {
  const pools = status?.pools;
  return (
    <Panel title="Pools" note={pools === undefined ? "" : `${formatCount(pools.length)} on Uniswap V3`}>
      {pools?.length === 0 ? (
        <Empty title="No pools">None is configured, or the market has not been read yet.</Empty>
      ) : (
        <Table caption="Pools" className="table-fixed">
          <Head>
            <Column>Pool</Column>
            <Column className="w-[116px] max-tablet:hidden">State</Column>
            <Column number className="w-[112px] max-tablet:pr-4!">
              Confirmed
            </Column>
            <Column number className="w-[72px] max-tablet:hidden">
              Ticks
            </Column>
            <Column number className="w-[152px] max-tablet:hidden">
              Address
            </Column>
          </Head>
          <tbody>
            {pools === undefined && <WaitingRows rows={4} columns={5} />}
            {pools?.map((pool) => (
              <PoolRow key={pool.address} pool={pool} />
            ))}
          </tbody>
        </Table>
      )}
    </Panel>
  );
}

function PoolRow({ pool }: { pool: Pool }) {
  return (
    <Row>
      <RowHead>
        <strong className="font-semibold whitespace-nowrap">
          {pool.token0} / {pool.token1}
        </strong>{" "}
        <span className="text-text2">{formatFee(pool.fee)}</span>
        {!pool.ok && <Under className="break-words">{pool.detail}</Under>}
        <Under className="tablet:hidden">
          <Answer ok={pool.ok} yes="priced" no="not priced" />, {counted(pool.ticks, "tick")}
        </Under>
      </RowHead>
      <td className="max-tablet:hidden">
        <Answer ok={pool.ok} yes="priced" no="not priced" />
      </td>
      <NumberCell className="max-tablet:pr-4!">
        <span title={`at block ${formatCount(pool.block_number)}`}>{formatDuration(pool.age_ms)} ago</span>
      </NumberCell>
      <NumberCell className="max-tablet:hidden">{formatCount(pool.ticks)}</NumberCell>
      <td className="max-tablet:hidden">
        <span className="-my-0.5 flex items-center justify-end gap-1">
          <span className="font-mono text-note" title={pool.address}>
            {shortHash(pool.address)}
          </span>
          <Copy
            text={pool.address}
            label={`Copy the address of ${pool.token0} / ${pool.token1}, ${formatFee(pool.fee)}`}
          />
        </span>
      </td>
    </Row>
  );
}
