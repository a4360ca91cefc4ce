"use client";
// The chain, the account that signs, the record: a few facts each.
import type { ReactNode } from "react";
import { Amount, Copy, Fact, Panel, Skeleton, Time } from "@/components/ui/kit.tsx";
import { formatUsd } from "@/lib/format/amount.ts";
import { formatCount, shortHash } from "@/lib/format/text.ts";
import { formatDuration } from "@/lib/format/time.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { Status } from "@/lib/sep/types.ts";
import { engineWords, formatGwei } from "@/lib/system/attention.ts";
import { Answer } from "./answer.tsx";

function Facts({ title, rows, children }: { title: string; rows: number; children: ReactNode }) {
  return (
    <Panel title={title}>
      <dl className="px-4 py-1">
        {children ??
          Array.from({ length: rows }, (_, index) => (
            <div key={index} className="flex h-[41px] items-center border-b border-line last:border-b-0">
              <dt className="sr-only">loading</dt>
              <dd className="w-full">
                <Skeleton />
              </dd>
            </div>
          ))}
      </dl>
    </Panel>
  );
}

export function ChainPanel({ status }: { status: Status | undefined }) {
  const platform = useSep((state) => state.platform);
  const chain = status?.chain;
  return (
    <Facts title="Chain" rows={4}>
      {status && (
        <>
          <Fact label="Name">
            {platform === undefined ? "–" : `${platform.chain.name}, chain ${platform.chain.chain_id}`}
          </Fact>
          <Fact label="Block">{chain === undefined ? "–" : formatCount(chain.block_number)}</Fact>
          <Fact label="Made">{chain === undefined ? "–" : <Time at={chain.block_time} zone />}</Fact>
          <Fact label="Head confirmed" note="by the node">
            {chain === undefined ? "–" : `${formatDuration(chain.age_ms)} ago`}
          </Fact>
          <Fact label="Base fee">{chain === undefined ? "–" : `${formatGwei(chain.base_fee_per_gas)} gwei`}</Fact>
        </>
      )}
    </Facts>
  );
}

export function SignerPanel({ status }: { status: Status | undefined }) {
  const coin = useSep((state) => state.platform?.chain.native_symbol) ?? "ETH";
  const signer = status?.signer;
  return (
    <Facts title="Signer" rows={3}>
      {status && (
        <>
          <Fact label="Address">
            {signer === undefined ? (
              "–"
            ) : (
              <span className="-my-0.5 flex items-center justify-end gap-1">
                <span className="font-mono text-note" title={signer.address}>
                  {shortHash(signer.address)}
                </span>
                <Copy text={signer.address} label="Copy the signer's address" />
              </span>
            )}
          </Fact>
          <Fact label="Balance" note="pays for gas">
            {signer === undefined ? (
              "–"
            ) : (
              <>
                <Amount text={signer.balance} stable={false} symbol={coin} />
                <span className="block text-note text-text3">{formatUsd(signer.value_usd)}</span>
              </>
            )}
          </Fact>
          <Fact label="Next nonce" note="by the record">
            {signer?.nonce === undefined ? "–" : formatCount(signer.nonce)}
          </Fact>
        </>
      )}
    </Facts>
  );
}

export function RecordPanel({ status }: { status: Status | undefined }) {
  const record = status?.record;
  const engine = record && engineWords(record.engine);
  return (
    <Facts title="Record" rows={3}>
      {record && engine && (
        <>
          <Fact label="State">
            <Answer ok={record.ok} />
          </Fact>
          <Fact label="Engine">
            {engine.name}
            <span className="block text-note text-text3">{engine.note}</span>
          </Fact>
          <Fact label="Last event">{formatCount(record.last_global_sequence)}</Fact>
        </>
      )}
    </Facts>
  );
}
