"use client";
// Above and around the Submit button: what to know before pressing it, and what became of the last press.
import Link from "next/link";
import { useId, type ReactNode } from "react";
import { ClockIcon, OctagonCross, Warning } from "@/components/ui/icons.tsx";
import { Button, Key, Notice } from "@/components/ui/kit.tsx";
import { compare, formatAmount, formatPercent, subtract } from "@/lib/format/amount.ts";
import { formatWindow } from "@/lib/format/time.ts";
import { amountOf, boundOf, promiseOf, type Tokens } from "@/lib/intent/wording.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { Intent, Quote } from "@/lib/sep/types.ts";
import { readAmount, readForm, readSlippage, readWindow } from "@/lib/submit/document.ts";
import { pairOf } from "@/lib/submit/form.ts";
import { effectLevel, expectedOf, marketAmount } from "@/lib/submit/price.ts";
import { staleAfterMs, type Surroundings } from "@/lib/submit/store.ts";
import { useNow } from "@/lib/use-loaded.ts";
import { FieldFault, inputLook, useFault } from "./fields.tsx";
import { EndsAt } from "./order-form.tsx";
import { submitStore, useSubmit, type QuoteView } from "./state.ts";

export function Foot({ known, view, onSubmit }: { known: Surroundings; view: QuoteView; onSubmit: () => void }) {
  const sending = useSubmit((state) => state.sending);
  return (
    <div className="border-t border-line p-4 tablet:p-5">
      <Notices view={view} />
      <div className="flex flex-col gap-4 desktop:flex-row desktop:items-center desktop:justify-between">
        <p className="min-h-10 min-w-0 text-body">
          <Bound known={known} view={view} />
        </p>
        <Button
          look="ink"
          // Not `disabled`, which would take the focus away from who just pressed it.
          aria-disabled={sending}
          onClick={onSubmit}
          className="min-h-11 shrink-0 text-body tablet:min-h-9 aria-disabled:cursor-not-allowed aria-disabled:opacity-55"
        >
          {sending ? "Submitting" : "Submit intent"}
          <span aria-hidden="true" className="hidden tablet:inline">
            <Key>Ctrl Enter</Key>
          </span>
        </Button>
      </div>
      <div role="alert" className="empty:hidden">
        <FaultCount />
      </div>
    </div>
  );
}

/** Tells of faults at fields to those who do not see them. */
function FaultCount() {
  const count = useSubmit((state) => Object.keys(state.faults).length);
  if (count === 0) return null;
  return (
    <p className="mt-3 text-table text-red">
      Not submitted: {count === 1 ? "one field needs" : `${count} fields need`} a change.
    </p>
  );
}

/** "Buy exactly 1 WETH, pay at most 2,512.40 USDC, before 14:34:48 UTC." */
function Bound({ known, view }: { known: Surroundings; view: QuoteView }): ReactNode {
  const form = useSubmit((state) => state.form);
  const tokens = useSep((state) => state.tokensByAddress);
  const { base } = pairOf(form, known.tokens);
  const limits = known.platform?.limits;
  const seconds = readWindow(form, limits).value;
  const sentenceOf = statedIntent(known, view);
  if (sentenceOf === undefined)
    return (
      <span className="text-text2">
        {readAmount(form.amount, base).value === undefined
          ? "Type an amount to see what you would promise."
          : "Set the fields above to see what you would promise."}
      </span>
    );
  const { verb, amount, lead, bound } = parts(sentenceOf, view.currentLimit, tokens);
  return (
    <>
      {verb} <strong className="font-semibold">{amount}</strong>, {lead}
      {bound !== undefined && <strong className="font-semibold">{bound}</strong>}
      {seconds !== undefined && (
        <>
          , <Deadline seconds={seconds} />
        </>
      )}
      .
    </>
  );
}

/** The clock is running only in the reader's page, so what is built ahead names the window's length. */
function Deadline({ seconds }: { seconds: number }) {
  const now = useNow();
  if (now === undefined) return <>within {formatWindow(seconds)}</>;
  return (
    <>
      before{" "}
      <strong className="font-semibold">
        <EndsAt seconds={seconds} />
      </strong>
    </>
  );
}

/** The intent without what does not enter the sentence, so that a faulty strategy name does not hide the bound. */
function statedIntent(known: Surroundings, view: QuoteView): Intent | undefined {
  const { form } = submitStore.getState();
  const whole = readForm(form, known.tokens, known.platform).intent;
  const slippage = readSlippage(form, known.platform?.limits).value;
  if (whole !== undefined || view.request === undefined || slippage === undefined) return whole;
  return {
    strategy_id: "",
    intent_type: view.request.intent_type,
    assets: view.request.assets,
    amount: view.request.amount,
    constraints: { max_slippage: slippage, time_window: 0 },
  };
}

/** The sentence of lib/intent/wording.ts, cut where its figures are printed bold. */
function parts(intent: Intent, limit: string | undefined, tokens: Tokens) {
  const promise = promiseOf(intent);
  const bound = boundOf(intent, limit, tokens);
  const [, verb = "", amount = ""] = /^(\w+ exactly) (.*)$/.exec(promise) ?? [];
  const [, lead, figure] = /^(pay at most |get at least )(.*)$/.exec(bound) ?? [];
  return { verb, amount, lead: lead ?? bound, bound: figure };
}

function Notices({ view }: { view: QuoteView }) {
  const refusal = useSubmit((state) => state.refusal);
  const unanswered = useSubmit((state) => state.unanswered);
  return (
    <div className="flex flex-col gap-3 has-[>:not(:empty)]:mb-4">
      <Staleness view={view} />
      {view.shown !== undefined && <PriceEffect quote={view.shown.quote} />}
      {unanswered !== undefined && refusal === undefined && (
        <Notice hue="amber" icon={<Warning />}>
          <strong className="font-semibold">An intent without an answer.</strong> {unanswered.sentence} The platform may
          have it: <DashboardLink /> before submitting another.
        </Notice>
      )}
      <div role="alert" className="empty:hidden">
        {refusal !== undefined && <Refusal text={refusal} />}
      </div>
    </div>
  );
}

function DashboardLink() {
  return (
    <Link href="/" className="underline underline-offset-2">
      look at the dashboard
    </Link>
  );
}

function Refusal({ text }: { text: string }) {
  const [, lead = "", rest = ""] = /^([^.:]*[.:])(.*)$/s.exec(text) ?? [];
  return (
    <Notice hue="red" icon={<OctagonCross />}>
      <strong className="font-semibold">{lead}</strong>
      {rest}
    </Notice>
  );
}

function Staleness({ view }: { view: QuoteView }) {
  const now = useNow();
  if (view.shown === undefined || now === undefined || view.at === undefined) return null;
  const age = now - view.at;
  if (age <= staleAfterMs && (view.problem === undefined || view.current === undefined)) return null;
  return (
    <Notice hue="grey" icon={<ClockIcon />}>
      Quote is {Math.max(Math.round(age / 1000), 0)} s old. Submitting will ask for a new one first.
    </Notice>
  );
}

/** What the trade does to the price, where that is much; and the amount again, where it is very much. */
function PriceEffect({ quote }: { quote: Quote }) {
  const id = useId();
  const retyped = useSubmit((state) => state.retyped);
  const fault = useFault("retyped");
  const tokens = useSep((state) => state.tokensByAddress);
  const allowed = useSep((state) => state.platform?.limits.max_price_impact) ?? "1";
  const level = effectLevel(quote.price_impact);
  if (level === "plain") return null;
  const effect = formatPercent(quote.price_impact);
  const market = marketAmount(quote);
  const acquires = quote.intent_type === "acquire";
  const [more, less] = acquires ? [expectedOf(quote), market] : [market, expectedOf(quote)];
  const cost = more === undefined || less === undefined ? undefined : subtract(more, less);
  const words =
    cost === undefined
      ? ""
      : acquires
        ? `You would pay ${amountOf(cost, quote.assets[1], tokens)} more than at the market price.`
        : `You would get ${amountOf(cost, quote.assets[1], tokens)} less than at the market price.`;
  if (level !== "extreme")
    return (
      <Notice hue={level === "high" ? "red" : "amber"} icon={<Warning />}>
        <strong className="font-semibold">This trade moves the price {effect}.</strong> {words}
      </Notice>
    );
  return (
    <div>
      <Notice hue="red" icon={<OctagonCross />}>
        <strong className="font-semibold">Price effect {effect}.</strong> {words}{" "}
        {compare(quote.price_impact, allowed) > 0 && `The platform refuses more than ${formatPercent(allowed)}. `}
        Type the amount again to go on.
      </Notice>
      <label htmlFor={id} className="mt-3 block pb-1.5 text-table font-semibold">
        Amount again, in {quote.assets[0].symbol}
      </label>
      <input
        id={id}
        data-field="retyped"
        inputMode="decimal"
        autoComplete="off"
        placeholder={formatAmount(quote.amount, false)}
        value={retyped}
        onChange={(event) => submitStore.getState().retype(event.target.value)}
        aria-invalid={fault !== undefined}
        aria-describedby={fault === undefined ? undefined : `${id}-fault`}
        className={inputLook(fault)}
      />
      <FieldFault id={`${id}-fault`} fault={fault} />
    </div>
  );
}
