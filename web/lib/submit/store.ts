// The submit page's state: the form, the live quote, and the submission under way.
//
// Invariants
//  1. One submission has one idempotency key: a repeated click, and a retry after an answer that never came, send the
//     same key with the same body, so the intent is taken once. An edit, a success or a conflict ends the key. Only
//     the key of a submission whose outcome is not known outlives edits, in case its very content is sent again.
//  2. A quote stands for what was asked: figures of another question are never submitted, nor checked.
//  3. Nothing that fails changes what was typed.
import { createStore } from "zustand/vanilla";
import { compare, formatPercent, parseInput } from "../format/amount.ts";
import { boundOf, promiseOf, reasonWord, type Tokens } from "../intent/wording.ts";
import { ApiProblem } from "../sep/api.ts";
import type { Account, Intent, Platform, Quote, QuoteRequest, SubmitAnswer, Token } from "../sep/types.ts";
import { checksOf } from "./checks.ts";
import { asSentence, fieldOf, firstField, readForm, readRequest, type Faults, type Field } from "./document.ts";
import { emptyForm, type Form } from "./form.ts";
import { effectLevel, isWorse, limitOf } from "./price.ts";

/** A quote older than this is asked for again before anything is submitted on it. */
export const staleAfterMs = 6_000;

export interface SubmitDeps {
  quote: (request: QuoteRequest, signal?: AbortSignal) => Promise<Quote>;
  submit: (intent: Intent, idempotencyKey: string) => Promise<SubmitAnswer>;
  newKey: () => string;
  now: () => number;
}

/** What the page knows besides the form. */
export interface Surroundings {
  tokens: readonly Token[];
  platform: Platform | undefined;
  account: Account | undefined;
}

export interface Quoted {
  /** What was asked, as text. */
  question: string;
  quote: Quote;
  at: number;
}

/** An intent of which it is not known whether the platform has it. */
export interface Unanswered {
  body: string;
  key: string;
  sentence: string;
}

export type Outcome =
  | { kind: "submitted"; intentId: string; strategy: string; sentence: string }
  | { kind: "refused"; field: Field | undefined }
  | undefined;

export interface SubmitState {
  form: Form;
  /** The amount once more, where the trade moves the price too far to go on by one click. */
  retyped: string;
  faults: Faults;
  /** "Not submitted: …", where no field is at fault. */
  refusal: string | undefined;
  sending: boolean;
  quoted: Quoted | undefined;
  /** Why the last question has no answer. */
  quoteProblem: { question: string; problem: ApiProblem } | undefined;
  unanswered: Unanswered | undefined;

  edit: (change: Partial<Form> | ((form: Form) => Form)) => void;
  retype: (text: string) => void;
  /** Asks for a price; the answer replaces the last one. */
  ask: (request: QuoteRequest, signal?: AbortSignal) => Promise<Quote>;
  /** Sends the form, read with what the page knows; a press can come before that is loaded. */
  submit: (loaded: () => Promise<Surroundings>) => Promise<Outcome>;
}

export const questionOf = (request: QuoteRequest | undefined): string =>
  request === undefined ? "" : JSON.stringify(request);

/** The fields whose content a change can set right. */
function withoutFaultsOf(faults: Faults, before: Form, after: Form): Faults {
  const touched = (field: string): boolean => {
    if (field.startsWith("criteria.")) return before.criteria !== after.criteria;
    if (field === "slippage") return before.slippage !== after.slippage || before.otherSlippage !== after.otherSlippage;
    if (field === "window") return before.window !== after.window || before.otherWindow !== after.otherWindow;
    if (field === "retyped") return true;
    const pairChanged = before.base !== after.base || before.quote !== after.quote;
    if (field === "base" || field === "quote") return pairChanged;
    if (field === "amount") return before.amount !== after.amount || pairChanged || before.side !== after.side;
    return before[field as keyof Form] !== after[field as keyof Form];
  };
  return Object.fromEntries(Object.entries(faults).filter(([field]) => !touched(field)));
}

const byAddress = (tokens: readonly Token[]): Tokens =>
  Object.fromEntries(tokens.map((token) => [token.address.toLowerCase(), token]));

/** "Buy exactly 1 WETH, pay at most 2,512.40 USDC". */
export function submissionSentence(intent: Intent, limit: string | undefined, tokens: readonly Token[]): string {
  return `${promiseOf(intent)}, ${boundOf(intent, limit, byAddress(tokens))}`;
}

/** True where the platform may have taken the intent although it did not say so. */
const mayHaveArrived = (problem: ApiProblem): boolean =>
  (problem.status === 0 || problem.status >= 500) && !["NOT_READY", "KILL_SWITCH"].includes(problem.code);

function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, "INTERNAL", String(error));
}

/** Why there is no price, as a sentence. */
export function quoteProblemSentence(problem: ApiProblem): string {
  if (problem.status === 0) return `${asSentence(problem.message)} The page keeps asking.`;
  if (problem.code === "NO_ROUTE") return "Choose another pair.";
  if (problem.code === "INSUFFICIENT_LIQUIDITY") return "Choose a smaller amount.";
  if (problem.code === "STALE_MARKET") return asSentence(problem.message);
  const [fault] = problem.faults;
  return asSentence(fault === undefined ? problem.message : `${fault.pointer.slice(1)} ${fault.message}`);
}

/** What the quote panel leads with where there is no price. */
export function quoteProblemTitle(problem: ApiProblem): string {
  switch (problem.code) {
    case "NO_ROUTE":
    case "INSUFFICIENT_LIQUIDITY":
    case "STALE_MARKET":
      return `No quote: ${reasonWord(problem.code)}.`;
    default:
      return "No quote.";
  }
}

export function createSubmitStore(deps: SubmitDeps) {
  return createStore<SubmitState>()((set, get) => {
    /** The key of the form's present content, once it was sent. */
    let current: { body: string; key: string } | undefined;
    let asked = 0;
    let answered = 0;

    function keyFor(body: string): string {
      const { unanswered } = get();
      if (unanswered?.body === body) return unanswered.key;
      if (current?.body !== body) current = { body, key: deps.newKey() };
      return current.key;
    }

    function refuse(change: { faults?: Faults; refusal?: string }): Outcome {
      const faults = change.faults ?? {};
      set({ faults, refusal: change.refusal });
      return { kind: "refused", field: firstField(faults) };
    }

    /** The quote to submit on: the one that is shown, or a new one where that is old. */
    async function presentQuote(request: QuoteRequest): Promise<{ quote: Quote; shown: Quote | undefined }> {
      const question = questionOf(request);
      const { quoted, quoteProblem } = get();
      const shown = quoted?.question === question ? quoted.quote : undefined;
      const failed = quoteProblem?.question === question;
      if (quoted && shown && !failed && deps.now() - quoted.at <= staleAfterMs) return { quote: shown, shown };
      return { quote: await get().ask(request), shown };
    }

    /** Why the intent is not sent, known ahead; undefined where nothing speaks against it. */
    async function objection(intent: Intent, known: Surroundings): Promise<Outcome> {
      const request = readRequest(get().form, known.tokens, known.platform);
      if (request === undefined) return undefined;
      let priced: Awaited<ReturnType<typeof presentQuote>>;
      try {
        priced = await presentQuote(request);
      } catch (error) {
        const problem = asProblem(error);
        const reason = ["NO_ROUTE", "INSUFFICIENT_LIQUIDITY"].includes(problem.code)
          ? `${reasonWord(problem.code)}. ${quoteProblemSentence(problem)}`
          : `there is no new price. ${quoteProblemSentence(problem)}`;
        return refuse({ refusal: `Not submitted: ${reason}` });
      }
      const { quote, shown } = priced;
      const limit = limitOf(quote, intent.success_criteria);
      const shownLimit = shown && limitOf(shown, intent.success_criteria);
      if (limit !== undefined && shownLimit !== undefined && isWorse(limit, shownLimit, intent.intent_type)) {
        const { tokens } = known;
        return refuse({
          refusal: `Not submitted: the price has moved. Now: ${boundOf(intent, limit, byAddress(tokens))}. Submit again to accept it.`,
        });
      }
      const again = parseInput(get().retyped);
      if (
        effectLevel(quote.price_impact) === "extreme" &&
        (again === undefined || compare(again, intent.amount) !== 0)
      ) {
        const effect = formatPercent(quote.price_impact);
        return refuse({ faults: { retyped: `The price effect is ${effect}. Type the amount again to go on.` } });
      }
      const failing = checksOf({ ...known, quote, limit }).find((check) => check.refusal !== undefined);
      if (failing) return refuse({ refusal: `Not submitted: ${failing.refusal}` });
      return undefined;
    }

    function refusedBy(problem: ApiProblem, sent: Unanswered): Outcome {
      if (mayHaveArrived(problem)) {
        const why =
          problem.status === 0 ? problem.message : `the server answered ${problem.status}, ${problem.message}`;
        const known = "It is not known whether the platform has it. Submit again: it is never taken twice.";
        set({ unanswered: sent });
        return refuse({ refusal: `No confirmation: ${asSentence(why)} ${known}` });
      }
      if (get().unanswered?.key === sent.key) set({ unanswered: undefined });
      if (problem.code === "IDEMPOTENCY_CONFLICT") {
        current = undefined;
        return refuse({
          refusal: "Not submitted: its key was used for another intent before. Submit again to send it with a new key.",
        });
      }
      const faults: Faults = {};
      const homeless: string[] = [];
      for (const { pointer, message } of problem.faults) {
        const field = fieldOf(pointer);
        if (field === undefined) homeless.push(`${pointer} ${message}`);
        else
          faults[field] = faults[field] === undefined ? asSentence(message) : `${faults[field]} ${asSentence(message)}`;
      }
      if (problem.faults.length === 0) homeless.push(problem.message);
      if (homeless.length === 0) return refuse({ faults });
      return refuse({ faults, refusal: `Not submitted: ${homeless.map(asSentence).join(" ")}` });
    }

    return {
      form: emptyForm,
      retyped: "",
      faults: {},
      refusal: undefined,
      sending: false,
      quoted: undefined,
      quoteProblem: undefined,
      unanswered: undefined,

      edit: (change) => {
        const before = get().form;
        const form = typeof change === "function" ? change(before) : { ...before, ...change };
        current = undefined;
        const traded = form.amount !== before.amount || form.base !== before.base || form.side !== before.side;
        set((state) => ({
          form,
          faults: withoutFaultsOf(state.faults, before, form),
          refusal: undefined,
          ...(traded && { retyped: "" }),
        }));
      },

      retype: (text) =>
        set((state) => {
          const { retyped: _, ...faults } = state.faults;
          return { retyped: text, faults };
        }),

      ask: async (request, signal) => {
        const question = questionOf(request);
        asked += 1;
        const turn = asked;
        try {
          const quote = await deps.quote(request, signal);
          if (turn > answered) {
            answered = turn;
            set({ quoted: { question, quote, at: deps.now() }, quoteProblem: undefined });
          }
          return quote;
        } catch (error) {
          if (signal?.aborted !== true && turn > answered) {
            answered = turn;
            set({ quoteProblem: { question, problem: asProblem(error) } });
          }
          throw error;
        }
      },

      submit: async (loaded) => {
        if (get().sending) return undefined;
        set({ sending: true, faults: {}, refusal: undefined });
        try {
          const known = await loaded();
          const { form, unanswered } = get();
          const reading = readForm(form, known.tokens, known.platform);
          if (reading.faults !== undefined) return refuse({ faults: reading.faults });
          const { intent } = reading;
          const body = JSON.stringify(intent);
          // What may have been taken already is not judged again: its effects could be the objection.
          if (unanswered?.body !== body) {
            const objected = await objection(intent, known);
            if (objected) return objected;
          }
          const { quoted } = get();
          const asksThis = quoted?.question === questionOf(readRequest(form, known.tokens, known.platform));
          const limit = quoted && asksThis ? limitOf(quoted.quote, intent.success_criteria) : undefined;
          const sentence = `${submissionSentence(intent, limit, known.tokens)}.`;
          const key = keyFor(body);
          try {
            const answer = await deps.submit(intent, key);
            current = undefined;
            set((state) => ({
              form: state.form === form ? { ...form, amount: "" } : state.form,
              retyped: "",
              ...(state.unanswered?.key === key && { unanswered: undefined }),
            }));
            return { kind: "submitted", intentId: answer.intent_id, strategy: intent.strategy_id, sentence };
          } catch (error) {
            return refusedBy(asProblem(error), { body, key, sentence });
          }
        } finally {
          set({ sending: false });
        }
      },
    };
  });
}
