// What the dashboard says of what a person should look at, in sentences.
import type { IntentView } from "../sep/types.ts";
import type { ChainPosition } from "./badge.ts";
import { nowOf } from "./path.ts";
import { outcomeOf, reasonWord, type Tokens } from "./wording.ts";

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What is being tried again, and how far that is. */
export function retryWords(view: IntentView, chain: ChainPosition): string {
  const { reason, phase, plans = 1, attempt = 1 } = view.summary;
  if (reason !== undefined) return `${upper(reasonWord(reason))}. It is being tried again.`;
  if (phase === undefined) return `Plan ${plans} is being prepared.`;
  if (phase === "prepared" || phase === "broadcast")
    return `Plan ${plans}, transaction ${attempt} is ${phase === "prepared" ? "being sent" : "pending"}.`;
  return nowOf(view, chain) ?? "";
}

/** Why an intent failed, when (`at`, in words), and what that cost; `feesUsd` where it is known. */
export function failureWords(view: IntentView, tokens: Tokens, at: string, feesUsd: string | undefined): string {
  const { reason = "INTERNAL" } = view.summary;
  const what = reason === "REVERTED" ? `Reverted at ${at}.` : `Failed at ${at}: ${reasonWord(reason)}.`;
  const outcome = outcomeOf(view, tokens, feesUsd);
  return outcome === undefined ? what : `${what} ${outcome}`;
}

/** That there may be more than the `shown` ones, as `missing` could not be loaded; undefined where nothing is. */
export function untoldWords(shown: number, missing: string | undefined): string | undefined {
  if (missing === undefined) return undefined;
  return `${shown === 0 ? "Not known" : "There may be more"}: ${missing} could not be loaded.`;
}
