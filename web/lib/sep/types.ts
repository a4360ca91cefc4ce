// The documents of the API under the names that the pages use. Everything is generated from schema/; only the event,
// whose payload depends on its topic, is put together here.
import type { Documents } from "./generated/types.ts";

export type {
  Account,
  Asset,
  Attempt,
  Bucket,
  Check,
  CriterionResult,
  Fault,
  Intent,
  IntentView,
  Platform,
  PlanStep,
  PlanView,
  PositionsView,
  Problem,
  Quote,
  QuotedPath,
  QuoteRequest,
  Stage,
  Statistics,
  Status,
  SuccessCriterion,
  Window as StatsWindow,
} from "./generated/types.ts";
export type IntentPage = Documents["api.intent_page"];
export type Strategies = Documents["api.strategy_list"];
export type SubmitAnswer = Documents["api.submit_answer"];
export type CancelAnswer = Documents["api.cancel_answer"];
export type TokenList = Documents["api.token_list"];
export type Token = TokenList["tokens"][number];
export type StreamReply = Documents["api.stream_reply"];
export type StreamAction = Documents["api.stream_action"];
export type State = Documents["views.intent"]["state"];
export type PlanStepView = Documents["views.plan"]["steps"][number];
export type SwapStep = Exclude<PlanStepView, { kind: "approve" }>;
export type WindowName = "15m" | "1h" | "24h" | "7d";

/** What each topic's payload holds. */
export type Payloads = {
  [Name in keyof Documents as Name extends `payloads.${infer Topic}` ? Topic : never]: Documents[Name];
};
export type Topic = keyof Payloads;

type Envelope = Documents["envelope"];
/** An event with the payload of its topic, so that testing `topic` tells the payload's type. */
export type SepEvent = {
  [T in Topic]: Omit<Envelope, "topic" | "payload"> & { topic: T; payload: Payloads[T] };
}[Topic];
