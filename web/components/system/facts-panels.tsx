"use client";
// The chain, the account that signs, the record: a few facts each. What they are called stands before they are known.
import type { ReactNode } from "react";
import { Amount, Copy, Fact, Panel, Skeleton, Time } from "@/components/ui/kit.tsx";
import { formatUsd } from "@/lib/format/amount.ts";
import { formatCount, shortHash } from "@/lib/format/text.ts";
import { formatDuration } from "@/lib/format/time.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { Status } from "@/lib/sep/types.ts";
import { engineWords, formatGwei } from "@/lib/system/attention.ts";
import { Answer } from "./answer.tsx";

interface Props {
  status: Status | undefined;
}

/** Room for a value that is not there yet, so many lines high. */
function Waiting({ height = "h-5" }: { height?: "h-5" | "h-[52px]" }) {
  return (
    <span className={`flex items-start ${height}`}>
      <Skeleton className="mt-0.5 h-4 w-24" />
    </span>
  );
}

/** A value of a part that the status may leave out. */
function told<T>(status: Status | undefined, part: T | undefined, show: (part: T) => ReactNode): ReactNode {
  if (status === undefined) return <Waiting />;
  return part === undefined ? "–" : show(part);
}

export function ChainPanel({ status }: Props) {
  const platform = useSep((state) => state.platform);
  const chain = status?.chain;
  return (
    <Panel title="Chain">
      <dl className="px-4 py-1">
        <Fact label="Name">
          {platform === undefined ? <Waiting /> : `${platform.chain.name}, chain ${platform.chain.chain_id}`}
        </Fact>
        <Fact label="Block">{told(status, chain, (known) => formatCount(known.block_number))}</Fact>
        <Fact label="Made">
          {told(status, chain, (known) => (
            <Time at={known.block_time} zone />
          ))}
        </Fact>
        <Fact label="Head confirmed" note="by the node">
          {told(status, chain, (known) => `${formatDuration(known.age_ms)} ago`)}
        </Fact>
        <Fact label="Base fee">{told(status, chain, (known) => `${formatGwei(known.base_fee_per_gas)} gwei`)}</Fact>
      </dl>
    </Panel>
  );
}

export function SignerPanel({ status }: Props) {
  const coin = useSep((state) => state.platform?.chain.native_symbol) ?? "ETH";
  const signer = status?.signer;
  return (
    <Panel title="Signer">
      <dl className="px-4 py-1">
        <Fact label="Address">
          {told(status, signer, (known) => (
            <span className="-my-0.5 flex items-center justify-end gap-1">
              <span className="font-mono text-note" title={known.address}>
                {shortHash(known.address)}
              </span>
              <Copy text={known.address} label="Copy the signer's address" />
            </span>
          ))}
        </Fact>
        <Fact label="Balance" note="pays for gas">
          {told(status, signer, (known) => (
            <>
              <Amount text={known.balance} stable={false} symbol={coin} />
              <span className="block text-note text-text3">{formatUsd(known.value_usd)}</span>
            </>
          ))}
        </Fact>
        <Fact label="Next nonce" note="by the record">
          {told(status, signer, (known) => (known.nonce === undefined ? "–" : formatCount(known.nonce)))}
        </Fact>
      </dl>
    </Panel>
  );
}

export function RecordPanel({ status }: Props) {
  const record = status?.record;
  const engine = record && engineWords(record.engine);
  return (
    <Panel title="Record">
      <dl className="px-4 py-1">
        <Fact label="State">{record === undefined ? <Waiting /> : <Answer ok={record.ok} />}</Fact>
        <Fact label="Engine">
          {engine === undefined ? (
            <Waiting height="h-[52px]" />
          ) : (
            <>
              {engine.name}
              <span className="block text-note text-text3">{engine.note}</span>
            </>
          )}
        </Fact>
        <Fact label="Last event">{record === undefined ? <Waiting /> : formatCount(record.last_global_sequence)}</Fact>
      </dl>
    </Panel>
  );
}
