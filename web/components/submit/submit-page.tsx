"use client";
import { useRouter, useSearchParams } from "next/navigation";
import { Suspense, useEffect, useMemo, useRef } from "react";
import { Panel } from "@/components/ui/kit.tsx";
import { platformKnown, sepStore, useSep } from "@/lib/sep/store.ts";
import type { Account } from "@/lib/sep/types.ts";
import { defaultStrategy } from "@/lib/submit/form.ts";
import { formOfQuery } from "@/lib/submit/href.ts";
import type { Surroundings } from "@/lib/submit/store.ts";
import { showToast } from "@/lib/toasts.ts";
import { ChecksPanel } from "./checks-panel.tsx";
import { edit, focusField } from "./fields.tsx";
import { Foot } from "./foot.tsx";
import { OrderFields } from "./order-form.tsx";
import { QuotePanel } from "./quote-panel.tsx";
import { RoutePanel } from "./route-panel.tsx";
import {
  rememberedStrategy,
  rememberStrategy,
  submitStore,
  useAccount,
  useQuoteFeed,
  useQuoteView,
  useTokenList,
} from "./state.ts";

export function SubmitPage() {
  const tokens = useTokenList();
  const platform = useSep((state) => state.platform);
  const account = useAccount();
  const known = useMemo<Surroundings>(
    () => ({ tokens, platform, account: account.data }),
    [tokens, platform, account.data],
  );
  const view = useQuoteView(known);
  useQuoteFeed();
  const submit = useSubmission(account.data);
  return (
    <div className="mx-auto max-w-[1064px]">
      <Suspense fallback={null}>
        <Prefill />
      </Suspense>
      <h1 className="pt-2 pb-5 text-phone-title font-semibold tablet:text-title">Submit intent</h1>
      {/* On phones one column, the quote before the checks; from tablets on, two columns of their own heights. */}
      <div className="flex flex-col gap-4 tablet:grid tablet:grid-cols-[minmax(0,1fr)_minmax(0,20rem)] tablet:items-start desktop:grid-cols-[minmax(0,29fr)_minmax(0,23fr)] desktop:gap-6">
        <div className="contents tablet:flex tablet:flex-col tablet:gap-4">
          <Panel className="order-1">
            <form aria-label="Intent" noValidate onSubmit={(event) => event.preventDefault()} onKeyDown={keepEnter}>
              <OrderFields known={known} view={view} />
              <Foot known={known} view={view} onSubmit={submit} />
            </form>
          </Panel>
          <div className="order-3">
            <ChecksPanel known={known} view={view} account={account} />
          </div>
        </div>
        <div className="contents tablet:flex tablet:flex-col tablet:gap-4">
          <div className="order-2">
            <QuotePanel known={known} view={view} />
          </div>
          <div className="order-4">
            <RoutePanel view={view} />
          </div>
        </div>
      </div>
    </div>
  );
}

/** Enter in a field must not spend money: only the button and Ctrl+Enter submit. */
function keepEnter(event: React.KeyboardEvent): void {
  const plain = event.key === "Enter" && !event.ctrlKey && !event.metaKey;
  if (plain && event.target instanceof HTMLInputElement) event.preventDefault();
}

/** How long a press waits for the tokens and limits that its form is read with. */
const loadMs = 10_000;

/** Submits, and shows what became of it. */
function useSubmission(account: Account | undefined): () => void {
  const router = useRouter();
  const latest = useRef(account);
  useEffect(() => {
    latest.current = account;
  });
  const submit = useMemo(
    () => () => {
      void submitStore
        .getState()
        .submit(async () => {
          await platformKnown(loadMs);
          const { tokensByAddress, platform } = sepStore.getState();
          return { tokens: Object.values(tokensByAddress), platform, account: latest.current };
        })
        .then((outcome) => {
          if (outcome?.kind === "submitted") {
            rememberStrategy(outcome.strategy);
            const href = `/intent/${outcome.intentId}`;
            showToast({
              kind: "success",
              title: "Intent submitted",
              text: outcome.sentence,
              link: { href, label: "Open" },
            });
            router.push(href);
          } else if (outcome?.field !== undefined) {
            const { field } = outcome;
            // The fault, and what it may unfold, is drawn first.
            requestAnimationFrame(() => requestAnimationFrame(() => focusField(field)));
          }
        });
    },
    [router],
  );
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
      if (document.querySelector("dialog[open]")) return;
      event.preventDefault();
      submit();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [submit]);
  return submit;
}

/** Fills the form in from the address, and with what this machine remembers. */
function Prefill() {
  const parameters = useSearchParams().toString();
  useEffect(() => {
    const given = formOfQuery(new URLSearchParams(parameters));
    // A link states a whole intent: what it leaves out is not taken over from what stood here before.
    if (Object.keys(given).length > 0) edit({ criteria: [], ...given });
    if (given.strategy === undefined && submitStore.getState().form.strategy === defaultStrategy)
      edit({ strategy: rememberedStrategy() });
  }, [parameters]);
  return null;
}
