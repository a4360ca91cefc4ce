"use client";
// The form's fields, from what is wanted to how hard it is tried.
import { useEffect, useId, useState, type ReactNode } from "react";
import { Skeleton } from "@/components/ui/kit.tsx";
import { formatAmount, formatPercent } from "@/lib/format/amount.ts";
import { formatClock, formatDuration, formatWindow, zoneName } from "@/lib/format/time.ts";
import { useZone } from "@/lib/preferences.ts";
import { api } from "@/lib/sep/api.ts";
import type { Platform } from "@/lib/sep/types.ts";
import { readWindow } from "@/lib/submit/document.ts";
import {
  allowedSlippages,
  allowedWindows,
  chosenSlippage,
  chosenWindow,
  other,
  styles,
  type Side,
  type Style,
} from "@/lib/submit/form.ts";
import { slackOf } from "@/lib/submit/price.ts";
import type { Surroundings } from "@/lib/submit/store.ts";
import { useNow } from "@/lib/use-loaded.ts";
import { AmountBoxes } from "./amount-boxes.tsx";
import { Criteria } from "./criteria.tsx";
import { Choices, edit, FieldFault, inputLook, OtherInput, useFault } from "./fields.tsx";
import { useSubmit, type QuoteView } from "./state.ts";

export function OrderFields({ known, view }: { known: Surroundings; view: QuoteView }) {
  const side = useSubmit((state) => state.form.side);
  return (
    <div className="flex flex-col gap-5 p-4 tablet:p-5">
      <Choices<Side>
        label="I want to"
        options={[
          { value: "acquire", label: "Buy an exact amount" },
          { value: "dispose", label: "Sell an exact amount" },
        ]}
        value={side}
        onChange={(chosen) => edit({ side: chosen })}
        className="grid grid-cols-2"
      />
      <AmountBoxes known={known} view={view} />
      <div className="grid gap-5 desktop:grid-cols-2">
        <Slippage known={known} view={view} />
        <Window known={known} />
      </div>
      <ExecutionStyle platform={known.platform} />
      <Strategy />
      <Criteria tokens={known.tokens} />
    </div>
  );
}

function Slippage({ known, view }: { known: Surroundings; view: QuoteView }) {
  const form = useSubmit((state) => state.form);
  const limits = known.platform?.limits;
  const choice = chosenSlippage(form, limits);
  const fault = useFault("slippage");
  const { current, currentLimit } = view;
  const symbol = current?.assets[1].symbol;
  const stable = known.tokens.find((token) => token.address === current?.assets[1].address)?.extensions?.stablecoin;
  return (
    <Choices
      field="slippage"
      label="Slippage"
      note={
        current !== undefined && currentLimit !== undefined
          ? `up to ${formatAmount(slackOf(current, currentLimit), stable ?? false, "up")} ${symbol} worse`
          : ""
      }
      options={[
        ...allowedSlippages(limits).map((ratio) => ({ value: ratio, label: formatPercent(ratio) })),
        { value: other, label: "Other" },
      ]}
      value={choice}
      onChange={(slippage) => edit({ slippage })}
      fault={choice === other ? undefined : fault}
      className="grid auto-cols-fr grid-flow-col"
    >
      {choice === other && (
        <OtherInput
          field="slippage"
          label="Slippage in percent"
          unit="%"
          placeholder={limits === undefined ? "" : `up to ${formatPercent(limits.max_slippage).replace("%", "")}`}
          value={form.otherSlippage}
          onChange={(otherSlippage) => edit({ otherSlippage })}
        />
      )}
    </Choices>
  );
}

function Window({ known }: { known: Surroundings }) {
  const form = useSubmit((state) => state.form);
  const limits = known.platform?.limits;
  const choice = chosenWindow(form, limits);
  const fault = useFault("window");
  const seconds = readWindow(form, limits).value;
  return (
    <Choices
      field="window"
      label="Window"
      note={seconds !== undefined && <EndsAt seconds={seconds} before="ends " />}
      options={[
        ...allowedWindows(limits).map((preset) => ({ value: preset, label: formatWindow(Number(preset)) })),
        { value: other, label: "Other" },
      ]}
      value={choice}
      onChange={(window) => edit({ window })}
      fault={choice === other ? undefined : fault}
      className="grid auto-cols-fr grid-flow-col"
    >
      {choice === other && (
        <OtherInput
          field="window"
          label="Window in seconds, or with a unit such as 5 m or 2 h"
          placeholder={limits === undefined ? "" : `90 s, 5 m, up to ${formatWindow(limits.max_time_window)}`}
          value={form.otherWindow}
          onChange={(otherWindow) => edit({ otherWindow })}
        />
      )}
    </Choices>
  );
}

/** When a window of so many seconds ends that begins now. */
export function EndsAt({ seconds, before = "" }: { seconds: number; before?: string }) {
  const now = useNow();
  const zone = useZone();
  if (now === undefined) return null;
  const end = now + seconds * 1000;
  const days = Math.floor(end / 86_400_000) - Math.floor(now / 86_400_000);
  return (
    <span className="whitespace-nowrap">
      {before}
      {formatClock(end, zone)} {zoneName(zone)}
      {zone === "utc" && days > 0 && " tomorrow"}
    </span>
  );
}

const styleNames: Readonly<Record<Style, string>> = { passive: "Passive", normal: "Normal", aggressive: "Aggressive" };

function ExecutionStyle({ platform }: { platform: Platform | undefined }) {
  const style = useSubmit((state) => state.form.style);
  const fault = useFault("style");
  return (
    <Choices<Style>
      field="style"
      label="Style"
      options={styles.map((one) => ({
        value: one,
        label: styleNames[one],
        note: <StyleNote platform={platform} style={one} />,
      }))}
      value={style}
      onChange={(chosen) => edit({ style: chosen })}
      fault={fault}
      className="grid grid-cols-1 min-[420px]:grid-cols-3"
    />
  );
}

/** "Tip 3 gwei, fee raised after 12 s", two lines high from the start. */
function StyleNote({ platform, style }: { platform: Platform | undefined; style: Style }) {
  const meaning = platform?.execution_styles[style];
  return (
    <span className="block min-[420px]:min-h-12 desktop:min-h-8">
      {meaning === undefined ? (
        <Skeleton className="h-4 w-24" />
      ) : (
        `Tip ${gwei(meaning.max_priority_fee_per_gas)} gwei, fee raised after ${wholeDuration(meaning.bump_after_ms)}`.replaceAll(
          / (?=gwei|[smh]$)/g,
          "\u00a0",
        )
      )}
    </span>
  );
}

const wholeDuration = (ms: number): string => (ms % 1000 === 0 ? formatWindow(ms / 1000) : formatDuration(ms));

/** Wei in gwei. */
function gwei(wei: string): string {
  const padded = wei.padStart(10, "0");
  return formatAmount(`${padded.slice(0, -9)}.${padded.slice(-9)}`, false);
}

function Strategy(): ReactNode {
  const id = useId();
  const strategy = useSubmit((state) => state.form.strategy);
  const fault = useFault("strategy");
  const [known, setKnown] = useState<readonly string[]>([]);
  useEffect(() => {
    const controller = new AbortController();
    // Suggestions only: without them the name is typed.
    api.strategies(undefined, controller.signal).then(
      ({ strategies }) => setKnown(strategies),
      () => {},
    );
    return () => controller.abort();
  }, []);
  return (
    <div>
      <label htmlFor={id} className="block pb-2 text-table font-semibold">
        Strategy
      </label>
      <input
        id={id}
        data-field="strategy"
        list={`${id}-known`}
        value={strategy}
        onChange={(event) => edit({ strategy: event.target.value })}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={fault !== undefined}
        aria-describedby={fault === undefined ? undefined : `${id}-fault`}
        className={inputLook(fault)}
      />
      <datalist id={`${id}-known`}>
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <FieldFault id={`${id}-fault`} fault={fault} />
    </div>
  );
}
