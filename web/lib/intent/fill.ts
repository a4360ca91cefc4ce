// What a fill was against what was quoted and bound.
import { basisPoints } from "../format/amount.ts";
import type { IntentView } from "../sep/types.ts";

/** Basis points better (+) or worse (−) than quoted, with one decimal; undefined while nothing is filled. */
export function versusQuote(view: IntentView): string | undefined {
  const { quoted, amount_in, amount_out } = view.summary;
  if (quoted === undefined || amount_in === undefined || amount_out === undefined) return undefined;
  return view.intent.intent_type === "acquire"
    ? basisPoints(amount_in, quoted, "paid")
    : basisPoints(amount_out, quoted, "received");
}
