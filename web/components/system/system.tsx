"use client";
import { LatencyPanel } from "@/components/latency/latency-bar.tsx";
import { cx, LoadError, Panel } from "@/components/ui/kit.tsx";
import { api } from "@/lib/sep/api.ts";
import { useLoaded } from "@/lib/use-loaded.ts";
import { ChainPanel, RecordPanel, SignerPanel } from "./facts-panels.tsx";
import { HeadlinePanel } from "./headline-panel.tsx";
import { DependenciesPanel, ServicesPanel, StreamsPanel } from "./parts-panels.tsx";
import { PoolsPanel } from "./pools-panel.tsx";

const everyMs = 2_000;

/** Every part of the platform as the gateway sees it now. */
export function System() {
  const status = useLoaded("status", (signal) => api.status(signal), everyMs);
  const stats = useLoaded("latency", (signal) => api.stats(undefined, signal), everyMs);
  const stale = status.problem !== undefined;
  const data = status.data;
  return (
    <div className="space-y-4">
      {status.problem && (
        <Panel>
          <LoadError what="the status" problem={status.problem} dataFrom={status.at} onRetry={status.reload} />
        </Panel>
      )}
      {(data !== undefined || !stale) && <HeadlinePanel status={data} at={status.at} stale={stale} />}
      <div
        className={cx(
          "grid gap-4",
          (data !== undefined || !stale) &&
            "desktop:grid-cols-[minmax(0,1fr)_344px] wide:grid-cols-[minmax(0,1fr)_372px]",
        )}
      >
        <div className="min-w-0 space-y-4">
          <LatencyPanel
            stats={stats.data}
            problem={
              stats.problem && (
                <LoadError what="the latencies" problem={stats.problem} dataFrom={stats.at} onRetry={stats.reload} />
              )
            }
          />
          {(data !== undefined || !stale) && (
            <>
              <DependenciesPanel status={data} />
              <ServicesPanel status={data} />
              <PoolsPanel status={data} />
            </>
          )}
        </div>
        {(data !== undefined || !stale) && (
          <div className="min-w-0 space-y-4">
            <RecordPanel status={data} />
            <ChainPanel status={data} />
            <SignerPanel status={data} />
            <StreamsPanel status={data} />
          </div>
        )}
      </div>
    </div>
  );
}
