"use client";
import { useRouter } from "next/navigation";
import { useEffect, type ReactNode } from "react";
import { ButtonLink, cx, Empty, LoadError, Panel } from "@/components/ui/kit.tsx";
import { pricesOf } from "@/lib/positions/pnl.ts";
import { allPages, positionsHref } from "@/lib/positions/strategies.ts";
import { api, ApiProblem } from "@/lib/sep/api.ts";
import { WithQuery } from "@/lib/query.tsx";
import { useSep } from "@/lib/sep/store.ts";
import type { PositionsView } from "@/lib/sep/types.ts";
import { useLoaded, type Loaded } from "@/lib/use-loaded.ts";
import { AccountPanel } from "./account-panel.tsx";
import { FillsPanel } from "./fills-panel.tsx";
import { HoldingsPanel } from "./holdings-panel.tsx";
import { PairsPanel } from "./pairs-panel.tsx";
import { ProfitTotals } from "./profit-totals.tsx";
import { StrategyChooser } from "./strategy-chooser.tsx";

const everyMs = 5_000;
const strategiesEveryMs = 30_000;
const maxStrategyPages = 25;

/** The strategies of which there is a record, however many pages of them. */
function useStrategies() {
  return useLoaded(
    "strategies",
    (signal) =>
      allPages(async (cursor) => {
        const { strategies, next_cursor } = await api.strategies(cursor, signal);
        return { items: strategies, next: next_cursor };
      }, maxStrategyPages),
    strategiesEveryMs,
  );
}

/** No answer but "not found" is an answer: a strategy without fills. */
async function positionsOf(strategy: string, signal: AbortSignal): Promise<PositionsView> {
  try {
    return await api.positions(strategy, signal);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== "NOT_FOUND") throw error;
    return { strategy_id: strategy, as_of: "", fills: 0, positions: [], pairs: [] };
  }
}

/** The whole page; the strategy and the page of fills are in the address. */
export function Positions() {
  return <WithQuery>{(query) => <Chosen query={query} />}</WithQuery>;
}

function Chosen({ query }: { query: URLSearchParams }) {
  const router = useRouter();
  const named = query.get("strategy") ?? undefined;
  const before = query.get("before") ?? undefined;
  const strategies = useStrategies();
  const first = strategies.data?.[0];
  useEffect(() => {
    // The address says what is shown, so that a strategy that comes later, with an earlier name, changes nothing.
    // It is read itself: where the page has just begun, its query is not told yet.
    const inAddress = new URLSearchParams(window.location.search).get("strategy");
    if (named === undefined && inAddress === null && first !== undefined)
      router.replace(positionsHref(first), { scroll: false });
  }, [named, first, router]);
  const chooser = (
    <StrategyChooser
      strategies={strategies.data ?? []}
      chosen={named}
      incomplete={strategies.problem !== undefined}
      onChoose={(strategy) => router.push(positionsHref(strategy), { scroll: false })}
    />
  );
  return (
    <Frame chooser={chooser}>
      {named === undefined ? (
        <Unnamed strategies={strategies} />
      ) : (
        <StrategyPositions strategy={named} before={before} />
      )}
    </Frame>
  );
}

function Frame({ chooser, children }: { chooser: ReactNode; children: ReactNode }) {
  return (
    <div className="space-y-4">
      <div className="flex min-h-9 flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <h1 className="text-phone-title font-semibold tablet:text-title">Positions</h1>
        {chooser}
      </div>
      {children}
    </div>
  );
}

/** Until the first strategy is known and named in the address. */
function Unnamed({ strategies }: { strategies: Loaded<string[]> }) {
  if (strategies.data?.length === 0)
    return (
      <Panel>
        <Empty title="No strategy yet" action={<ButtonLink href="/submit">Submit intent</ButtonLink>}>
          A strategy appears here with the first intent that is submitted in its name.
        </Empty>
      </Panel>
    );
  if (strategies.data === undefined && strategies.problem)
    return (
      <Panel>
        <LoadError what="the strategies" problem={strategies.problem} onRetry={strategies.reload} />
      </Panel>
    );
  return <Panels />;
}

function Panels() {
  return (
    <>
      <ProfitTotals positions={undefined} prices={undefined} />
      <PairsPanel pairs={undefined} prices={{}} tokens={{}} />
    </>
  );
}

function StrategyPositions({ strategy, before }: { strategy: string; before: string | undefined }) {
  const tokens = useSep((state) => state.tokensByAddress);
  const positions = useLoaded(`positions ${strategy}`, (signal) => positionsOf(strategy, signal), everyMs);
  const account = useLoaded("account", (signal) => api.account(signal), everyMs);
  const prices = pricesOf(account.data);
  const accountPanel = <AccountPanel account={account} tokens={tokens} />;
  if (positions.data?.fills === 0 && !positions.problem)
    return (
      <>
        <Panel>
          <Empty
            title={`No fills of ${strategy} yet`}
            action={<ButtonLink href={`/submit?strategy=${encodeURIComponent(strategy)}`}>Submit intent</ButtonLink>}
          >
            What it holds and has gained appears here as soon as one of its intents is completed.
          </Empty>
        </Panel>
        {accountPanel}
      </>
    );
  const settled = account.data !== undefined || account.problem !== undefined;
  return (
    <>
      {(positions.data !== undefined || positions.problem === undefined) && (
        <ProfitTotals positions={positions.data} prices={settled ? prices : undefined} />
      )}
      <PairsPanel
        pairs={settled ? positions.data?.pairs : undefined}
        prices={prices}
        tokens={tokens}
        problem={
          positions.problem && (
            <LoadError
              what={`the positions of ${strategy}`}
              problem={positions.problem}
              dataFrom={positions.at}
              onRetry={positions.reload}
            />
          )
        }
      />
      {/* Nothing stands below what still grows, so that nothing is pushed down. */}
      {settled && (positions.data !== undefined || positions.problem !== undefined) && (
        <>
          <div className={cx("grid gap-4", positions.data && "desktop:grid-cols-[minmax(0,1fr)_432px]")}>
            {positions.data && <HoldingsPanel holdings={positions.data.positions} prices={prices} tokens={tokens} />}
            {accountPanel}
          </div>
          <FillsPanel strategy={strategy} tokens={tokens} {...(before !== undefined && { before })} />
        </>
      )}
    </>
  );
}
