"use client";
// The page's one store, and what the page keeps loading beside it.
import { useEffect, useMemo } from "react";
import { useStore } from "zustand";
import { api } from "@/lib/sep/api.ts";
import { useSep } from "@/lib/sep/store.ts";
import type { QuoteRequest, Token } from "@/lib/sep/types.ts";
import { readForm, readRequest } from "@/lib/submit/document.ts";
import { defaultStrategy } from "@/lib/submit/form.ts";
import { limitOf } from "@/lib/submit/price.ts";
import { createSubmitStore, questionOf, type SubmitState, type Surroundings } from "@/lib/submit/store.ts";
import { useLoaded } from "@/lib/use-loaded.ts";

const debounceMs = 150;
const refreshMs = 2_000;
/** Where the answer is that there is no price. */
const noPriceRefreshMs = 10_000;
const accountMs = 5_000;
const timesMs = 60_000;

/** A random UUID; browsers have randomUUID only where the page is secure, as on this machine or by HTTPS. */
function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What was typed stays while the reader looks at other pages. */
export const submitStore = createSubmitStore({
  quote: (request, signal) => api.quote(request, signal),
  submit: (intent, key) => api.submitIntent(intent, key),
  newKey,
  now: () => Date.now(),
});

export function useSubmit<T>(select: (state: SubmitState) => T): T {
  return useStore(submitStore, select);
}

export function useTokenList(): readonly Token[] {
  const byAddress = useSep((state) => state.tokensByAddress);
  return useMemo(() => Object.values(byAddress), [byAddress]);
}

export const useAccount = () => useLoaded("account", (signal) => api.account(signal), accountMs);

/** How long intents took to complete lately. */
export const useSettleTimes = () =>
  useLoaded("settle", async (signal) => (await api.stats("24h", signal)).window?.settle_ms, timesMs);

/** What to ask a price for; the same object while the question is the same. */
function useQuoteRequest(): QuoteRequest | undefined {
  const form = useSubmit((state) => state.form);
  const tokens = useTokenList();
  const platform = useSep((state) => state.platform);
  const question = questionOf(readRequest(form, tokens, platform));
  return useMemo(() => (question === "" ? undefined : (JSON.parse(question) as QuoteRequest)), [question]);
}

/** Keeps the quote young: asks when the question changes, once typing rests, and again while the page is visible. */
export function useQuoteFeed(): void {
  const request = useQuoteRequest();
  useEffect(() => {
    if (request === undefined) return;
    const controller = new AbortController();
    let timer = setTimeout(run, debounceMs);
    let asking = false;
    function run() {
      clearTimeout(timer);
      if (asking || document.visibilityState === "hidden") return;
      asking = true;
      submitStore
        .getState()
        .ask(request!, controller.signal)
        .catch(() => {}) // the store holds the problem
        .finally(() => {
          asking = false;
          if (controller.signal.aborted) return;
          const status = submitStore.getState().quoteProblem?.problem.status ?? 0;
          timer = setTimeout(run, status >= 400 && status < 500 ? noPriceRefreshMs : refreshMs);
        });
    }
    document.addEventListener("visibilitychange", run);
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", run);
    };
  }, [request]);
}

/** The quote as the page shows it. */
export function useQuoteView(known: Surroundings) {
  const form = useSubmit((state) => state.form);
  const quoted = useSubmit((state) => state.quoted);
  const quoteProblem = useSubmit((state) => state.quoteProblem);
  const request = readRequest(form, known.tokens, known.platform);
  const question = questionOf(request);
  const reading = readForm(form, known.tokens, known.platform);
  const criteria = reading.intent?.success_criteria;
  const matches = request !== undefined && quoted?.question === question;
  const problem = request !== undefined && quoteProblem?.question === question ? quoteProblem.problem : undefined;
  // Figures of another question stay until their successor is there, but not beside the word that there is none.
  const shown = request === undefined || (problem !== undefined && !matches) ? undefined : quoted;
  return {
    request,
    faults: reading.faults,
    shown,
    /** The quote of what the form states now. */
    current: matches ? quoted!.quote : undefined,
    at: shown?.at,
    problem,
    limit: shown && limitOf(shown.quote, criteria),
    currentLimit: matches ? limitOf(quoted!.quote, criteria) : undefined,
    criteria,
  };
}
export type QuoteView = ReturnType<typeof useQuoteView>;

const strategyKey = "strategy";
/** The strategy's name that was used last on this machine. */
export function rememberedStrategy(): string {
  try {
    return window.localStorage.getItem(strategyKey) ?? defaultStrategy;
  } catch {
    return defaultStrategy; // storage can be forbidden
  }
}
export function rememberStrategy(name: string): void {
  try {
    window.localStorage.setItem(strategyKey, name);
  } catch {
    // The name then lasts for this page alone.
  }
}
