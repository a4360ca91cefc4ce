"use client";
// What is bought or sold exactly, and what pays or is received for it.
import { useId, type ReactNode } from "react";
import { Swap } from "@/components/ui/icons.tsx";
import { cx } from "@/components/ui/kit.tsx";
import { formatAmount, formatUsd } from "@/lib/format/amount.ts";
import type { Account, Token } from "@/lib/sep/types.ts";
import { readAmount } from "@/lib/submit/document.ts";
import { exchanged, pairOf, withToken } from "@/lib/submit/form.ts";
import { expectedOf, usdOf } from "@/lib/submit/price.ts";
import type { Surroundings } from "@/lib/submit/store.ts";
import { amountSize, edit, FieldFault, useFault } from "./fields.tsx";
import { useSubmit, type QuoteView } from "./state.ts";
import { TokenPicker } from "./token-picker.tsx";

const about = (usd: string | null): string => (usd === null ? "≈ –" : `≈ ${formatUsd(usd)}`);

export function AmountBoxes({ known, view }: { known: Surroundings; view: QuoteView }) {
  const form = useSubmit((state) => state.form);
  const { base, quote } = pairOf(form, known.tokens);
  const acquires = form.side === "acquire";
  return (
    <div>
      <BaseBox known={known} view={view} base={base} />
      <div className="relative z-10 flex h-3.5 items-center justify-center">
        <button
          type="button"
          onClick={() => edit((before) => exchanged(before, known.tokens))}
          aria-label="Exchange the two tokens"
          title="Exchange the two tokens"
          className="flex size-8 items-center justify-center rounded-control border border-control bg-surface hover:bg-sunken"
        >
          <Swap />
        </button>
      </div>
      <QuoteBox known={known} view={view} quote={quote} label={acquires ? "Pay with" : "Get"} />
    </div>
  );
}

function BaseBox({ known, view, base }: { known: Surroundings; view: QuoteView; base: Token | undefined }) {
  const id = useId();
  const form = useSubmit((state) => state.form);
  const amountFault = useFault("amount");
  const tokenFault = useFault("base");
  const acquires = form.side === "acquire";
  const amount = readAmount(form.amount, base).value;
  const balance = balanceOf(known.account, base);
  const usd =
    amount === undefined || base === undefined
      ? null
      : (view.current?.notional_usd ?? usdOf(amount, base, known.account, known.tokens));
  return (
    <>
      <label htmlFor={`${id}-amount`} className="block pb-2 text-table font-semibold">
        {acquires ? "Buy exactly" : "Sell exactly"}
      </label>
      <Box faulty={amountFault !== undefined || tokenFault !== undefined}>
        <div className="flex items-center gap-2">
          <Fit>
            <input
              id={`${id}-amount`}
              data-field="amount"
              value={form.amount}
              onChange={(event) => edit({ amount: event.target.value })}
              inputMode="decimal"
              autoComplete="off"
              spellCheck={false}
              placeholder="0"
              aria-invalid={amountFault !== undefined}
              aria-describedby={amountFault === undefined ? undefined : `${id}-fault`}
              style={amountSize(form.amount.length)}
              className="h-9 w-full min-w-0 bg-transparent font-semibold outline-none placeholder:text-text3"
            />
          </Fit>
          <TokenPicker
            label={acquires ? "Token to buy" : "Token to sell"}
            field="base"
            tokens={known.tokens}
            value={base}
            account={known.account}
            faultId={tokenFault === undefined ? undefined : `${id}-token-fault`}
            onChange={(token) => edit((before) => withToken(before, "base", token, known.tokens))}
          />
        </div>
        <BoxNotes>
          <span>{amount === undefined ? " " : about(usd)}</span>
          <span className="flex items-center gap-2">
            <Balance token={base} balance={balance} />
            {!acquires && (
              <button
                type="button"
                disabled={balance === undefined}
                onClick={() => balance !== undefined && edit({ amount: balance })}
                className="-my-1 min-h-6 rounded-badge border border-control px-1.5 text-note font-medium text-ink hover:bg-sunken disabled:opacity-55"
              >
                Max
              </button>
            )}
          </span>
        </BoxNotes>
      </Box>
      <FieldFault id={`${id}-fault`} fault={amountFault} />
      <FieldFault id={`${id}-token-fault`} fault={tokenFault} />
    </>
  );
}

function QuoteBox({
  known,
  view,
  quote,
  label,
}: {
  known: Surroundings;
  view: QuoteView;
  quote: Token | undefined;
  label: string;
}) {
  const id = useId();
  const fault = useFault("quote");
  const shown = view.shown?.quote;
  // A figure of another token must not stand beside this one's symbol.
  const fits = shown !== undefined && shown.assets[1].address.toLowerCase() === quote?.address.toLowerCase();
  const expected = fits ? expectedOf(shown) : undefined;
  const expectedText =
    expected === undefined || quote === undefined ? "–" : formatAmount(expected, quote.extensions?.stablecoin ?? false);
  return (
    <>
      <Box sunken faulty={fault !== undefined}>
        <div className="flex items-center gap-2">
          <Fit>
            <output
              aria-label={`${label}, expected`}
              aria-live="off"
              title={expected}
              style={amountSize(expectedText.length)}
              className={cx(
                "block leading-9 font-semibold whitespace-nowrap",
                view.current === undefined && "text-text3",
              )}
            >
              {expectedText}
            </output>
          </Fit>
          <TokenPicker
            label={label === "Get" ? "Token to get" : "Token to pay with"}
            field="quote"
            tokens={known.tokens}
            value={quote}
            account={known.account}
            faultId={fault === undefined ? undefined : `${id}-fault`}
            onChange={(token) => edit((before) => withToken(before, "quote", token, known.tokens))}
          />
        </div>
        <BoxNotes>
          <span>
            {expected === undefined || quote === undefined
              ? label
              : `${about(usdOf(expected, quote, known.account, known.tokens))}, expected`}
          </span>
          <Balance token={quote} balance={balanceOf(known.account, quote)} />
        </BoxNotes>
      </Box>
      <FieldFault id={`${id}-fault`} fault={fault} />
    </>
  );
}

function Box({ sunken, faulty, children }: { sunken?: boolean; faulty: boolean; children: ReactNode }) {
  return (
    <div
      className={cx(
        "rounded-panel border px-4 pt-3 pb-2.5",
        sunken ? "border-line bg-sunken" : "border-control bg-surface",
        // The ring of the amount's field is the box's own.
        "has-[[data-field=amount]:focus]:border-focus has-[[data-field=amount]:focus]:shadow-[inset_0_0_0_1px_var(--focus)]",
        faulty && "border-red",
      )}
    >
      {children}
    </div>
  );
}

/** What amountSize() measures by. */
function Fit({ children }: { children: ReactNode }) {
  return <div className="h-9 min-w-0 flex-1 [container-type:inline-size]">{children}</div>;
}

function BoxNotes({ children }: { children: ReactNode }) {
  return (
    <div className="mt-1 flex min-h-5 max-[359px]:min-h-10 flex-wrap content-start items-center justify-between gap-x-3 text-table text-text2">
      {children}
    </div>
  );
}

function balanceOf(account: Account | undefined, token: Token | undefined): string | undefined {
  return account?.tokens.find(({ asset }) => asset.address.toLowerCase() === token?.address.toLowerCase())?.balance;
}

function Balance({ token, balance }: { token: Token | undefined; balance: string | undefined }) {
  return (
    <span title={balance === undefined ? undefined : `${balance} ${token?.symbol}`} className="whitespace-nowrap">
      Balance {balance === undefined ? "–" : formatAmount(balance, token?.extensions?.stablecoin ?? false, "down")}
    </span>
  );
}
