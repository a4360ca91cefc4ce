// Made by `make gen` from schema/; not to be edited.

/**
 * What a client of WS /stream may send.
 */
export type StreamAction = Subscribe | Unsubscribe | Ping;
/**
 * What WS /stream sends beside events (envelopes, which have no `action`).
 */
export type StreamReply = Subscribed | Unsubscribed | Pong | StreamError;
/**
 * One transaction of a plan.
 */
export type PlanStep =
  ApproveStep | ExactInputSwap | ExactOutputSwap | ExactInputSwapInOnePool | ExactOutputSwapInOnePool;

/**
 * Every document of schema/, by its name there.
 */
export interface Documents {
  "api.account": Account;
  "api.cancel_answer": AnswerOfPOSTIntentsIdCancel;
  "api.event_list": EventsOfAnIntent;
  "api.intent_page": PageOfIntents;
  "api.platform": Platform;
  "api.problem": Problem;
  "api.quote": Quote;
  "api.quote_request": QuoteRequest;
  "api.readiness": Readiness;
  "api.stats": Statistics;
  "api.status": Status;
  "api.strategy_list": Strategies;
  "api.stream_action": StreamAction;
  "api.stream_reply": StreamReply;
  "api.submit_answer": AnswerOfPOSTIntents;
  "api.token_list": TokenList;
  asset: Asset;
  envelope: EventEnvelope;
  errors: ErrorCodes;
  intent: Intent;
  "payloads.control.halted": PayloadOfControlHalted;
  "payloads.control.resumed": PayloadOfControlResumed;
  "payloads.exec.completed": PayloadOfExecCompleted;
  "payloads.exec.failed": PayloadOfExecFailed;
  "payloads.exec.started": PayloadOfExecStarted;
  "payloads.exec.step_filled": PayloadOfExecStepFilled;
  "payloads.exec.step_prepared": PayloadOfExecStepPrepared;
  "payloads.exec.step_reorged": PayloadOfExecStepReorged;
  "payloads.exec.step_reverted": PayloadOfExecStepReverted;
  "payloads.exec.step_submitted": PayloadOfExecStepSubmitted;
  "payloads.intent.accepted": PayloadOfIntentAccepted;
  "payloads.intent.cancel_requested": PayloadOfIntentCancelRequested;
  "payloads.intent.cancelled": PayloadOfIntentCancelled;
  "payloads.intent.expired": PayloadOfIntentExpired;
  "payloads.intent.submitted": PayloadOfIntentSubmitted;
  "payloads.plan.created": PayloadOfPlanCreated;
  "payloads.plan.rejected": PayloadOfPlanRejected;
  "payloads.risk.approved": PayloadOfRiskApproved;
  "payloads.risk.rejected": PayloadOfRiskRejected;
  "payloads.signer.halted": PayloadOfSignerHalted;
  "payloads.signer.resumed": PayloadOfSignerResumed;
  plan_step: PlanStep;
  success_criterion: SuccessCriterion;
  "views.intent": IntentView;
  "views.plan": PlanView;
  "views.positions": PositionsView;
}
/**
 * The account that executes: what it holds at one block, and what that is worth.
 */
export interface Account {
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  address: string;
  block_number: number;
  /**
   * When the node last said that this block is its head.
   */
  as_of: string;
  /**
   * Whether the market is young enough to trade on; `detail` says why not.
   */
  fresh: boolean;
  detail?: string;
  /**
   * While it is set the account begins no transaction, and those that it has are followed to their end.
   */
  halted: Halt | null;
  /**
   * The coin that pays for gas.
   */
  native: {
    symbol: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    balance: string;
    value_usd: string | null;
  };
  tokens: {
    asset: Asset;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    balance: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    allowance: string;
    /**
     * Of one whole token at the spot price; null where no path leads to a stablecoin.
     */
    price_usd: string | null;
    /**
     * Of the balance.
     */
    value_usd: string | null;
  }[];
}
export interface Halt {
  /**
   * RFC 3339, UTC, milliseconds.
   */
  since: string;
  /**
   * Who did it: user@host of a shell, or a service.
   */
  by: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person; may be empty.
   */
  detail: string;
  /**
   * The one that somebody else used, where that is the reason.
   */
  nonce?: number;
}
/**
 * A token of a chain. On input it must be one of the configured ones (GET /assets), all four fields agreeing.
 */
export interface Asset {
  /**
   * A token's symbol.
   */
  symbol: string;
  /**
   * A chain's configured name.
   */
  chain: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  address: string;
  /**
   * Decimals of the token's base unit.
   */
  decimals: number;
}
/**
 * The request is on the record; the intent ends when nothing of it is under way.
 */
export interface AnswerOfPOSTIntentsIdCancel {
  /**
   * 26 characters of Crockford base32.
   */
  intent_id: string;
  /**
   * All events of one intent.
   */
  correlation_id: string;
  /**
   * Where an intent is in its life.
   */
  state:
    | "submitted"
    | "accepted"
    | "planned"
    | "executing"
    | "completed"
    | "failed"
    | "risk_rejected"
    | "plan_rejected"
    | "expired"
    | "cancelled";
  cancel_requested: true;
}
/**
 * In order.
 */
export interface EventsOfAnIntent {
  /**
   * 26 characters of Crockford base32.
   */
  intent_id: string;
  /**
   * All events of one intent.
   */
  correlation_id: string;
  events: EventEnvelope[];
}
/**
 * One immutable fact in the life of an intent, of the kill switch, or of an account that can be halted. `globalSequence` is there once the event is committed.
 */
export interface EventEnvelope {
  /**
   * 26 characters of Crockford base32.
   */
  eventId: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  timestamp: string;
  topic:
    | "intent.submitted"
    | "risk.approved"
    | "risk.rejected"
    | "intent.accepted"
    | "plan.created"
    | "plan.rejected"
    | "exec.started"
    | "exec.step_prepared"
    | "exec.step_submitted"
    | "exec.step_filled"
    | "exec.step_reverted"
    | "exec.step_reorged"
    | "exec.completed"
    | "exec.failed"
    | "intent.expired"
    | "intent.cancel_requested"
    | "intent.cancelled"
    | "control.halted"
    | "control.resumed"
    | "signer.halted"
    | "signer.resumed";
  /**
   * All events of one intent; control: of the kill switch; signer-<chain id>-<account in lower case>: of that account's halts.
   */
  correlationId: string;
  /**
   * The eventId of the event before it; the correlationId for the first.
   */
  causationId: string;
  /**
   * Counts the events of the correlationId from 1 without gaps.
   */
  sequence: number;
  /**
   * Place in the whole record, in commit order.
   */
  globalSequence?: number;
  payload: {};
  version: 1;
}
/**
 * Newest first. `next_cursor` is for the parameter `cursor` of the next call, null on the last page.
 */
export interface PageOfIntents {
  intents: IntentView[];
  next_cursor: string | null;
}
/**
 * An intent as GET /intents/{id} shows it.
 */
export interface IntentView {
  /**
   * 26 characters of Crockford base32.
   */
  intent_id: string;
  /**
   * All events of one intent.
   */
  correlation_id: string;
  /**
   * Who asks: a person, a script, a treasury.
   */
  strategy_id: string;
  /**
   * Where an intent is in its life.
   */
  state:
    | "submitted"
    | "accepted"
    | "planned"
    | "executing"
    | "completed"
    | "failed"
    | "risk_rejected"
    | "plan_rejected"
    | "expired"
    | "cancelled";
  /**
   * Of the last event.
   */
  sequence: number;
  intent: Intent;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  received_at: string;
  latest_plan_id: string | null;
  /**
   * 26 characters of Crockford base32.
   */
  last_event_id: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  last_event_time: string;
  last_global_sequence: number;
  cancel_requested: boolean;
  /**
   * What is known so far; `bound` is max_amount_in or min_amount_out.
   */
  summary: {
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    amount_in?: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    amount_out?: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    quoted?: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    bound?: string;
    /**
     * 32 bytes: of a transaction or a block.
     */
    tx_hash?: string;
    /**
     * US dollars with at most 6 decimals.
     */
    gas_cost_usd?: string;
    /**
     * US dollars with at most 6 decimals.
     */
    notional_usd?: string;
    /**
     * A machine-readable code of errors.json.
     */
    reason?: string;
    detail?: string;
    attempts?: number;
    /**
     * How often the intent was planned.
     */
    plans?: number;
    /**
     * Of the latest transaction of the swap: above 1 it replaced one at the same nonce.
     */
    attempt?: number;
    /**
     * What the swap's transaction did last; absent before there is one.
     */
    phase?: "prepared" | "broadcast" | "included" | "reverted" | "reorged";
    /**
     * The block that holds the swap, while it is included.
     */
    block_number?: number;
    criteria?: CriterionResult[];
  };
  /**
   * Milliseconds from received_at to the first time each was reached; absent until then.
   */
  timings_ms: {
    risk?: number;
    accepted?: number;
    planned?: number;
    prepared?: number;
    broadcast?: number;
    filled?: number;
    completed?: number;
    total?: number;
  };
}
/**
 * What a strategy wants: the body of POST /intents.
 */
export interface Intent {
  /**
   * Who asks: a person, a script, a treasury.
   */
  strategy_id: string;
  /**
   * acquire buys exactly `amount` of the base asset, dispose sells exactly it.
   */
  intent_type: "acquire" | "dispose";
  /**
   * The base asset, in whose units `amount` is, and the quote asset, which pays or is received.
   *
   * @minItems 2
   * @maxItems 2
   */
  assets: [Asset, Asset];
  /**
   * A positive amount in whole tokens, with at most as many decimals as the token has: "1", "0.05".
   */
  amount: string;
  constraints: {
    /**
     * How much worse than the quote the price may be, 0 <= s < 1: "0.01" is 1 %. At most 18 decimals.
     */
    max_slippage: string;
    /**
     * Seconds from submission in which everything must be done.
     */
    time_window: number;
    /**
     * The priority fee, and how soon a fee is raised.
     */
    execution_style?: "passive" | "normal" | "aggressive";
  };
  /**
   * @maxItems 16
   */
  success_criteria?: SuccessCriterion[];
}
/**
 * What must hold for the execution to count as a success. What can be known before execution tightens the plan or rejects it.
 */
export interface SuccessCriterion {
  metric: "min_amount_out" | "max_amount_in" | "max_gas_usd" | "max_price_impact" | "complete_within_ms";
  /**
   * In whole tokens (amounts), US dollars (gas), a fraction of one (impact) or milliseconds.
   */
  value: string;
}
export interface CriterionResult {
  metric: "min_amount_out" | "max_amount_in" | "max_gas_usd" | "max_price_impact" | "complete_within_ms";
  value: string;
  actual: string;
  met: boolean;
}
/**
 * What the platform is set to: the chain, the limits, what an execution style means. It changes only with a restart.
 */
export interface Platform {
  version: string;
  /**
   * Where plans are executed; "paper": nowhere, they are filled at the present quote without a transaction.
   */
  venue: "uniswap_v3" | "paper";
  chain: {
    /**
     * A chain's configured name.
     */
    name: string;
    chain_id: number;
    /**
     * Blocks that end a transaction, the including one counted.
     */
    confirmations: number;
    /**
     * The coin that pays for gas.
     */
    native_symbol: string;
  };
  limits: {
    /**
     * US dollars with at most 6 decimals.
     */
    max_notional_usd: string;
    /**
     * A fraction of one: "0.01" is 1 %. At most 18 decimals.
     */
    max_slippage: string;
    /**
     * A fraction of one: "0.01" is 1 %. At most 18 decimals.
     */
    max_price_impact: string;
    /**
     * Per strategy; 0: no limit.
     */
    max_open_intents: number;
    /**
     * Symbols; empty: every token of GET /assets.
     *
     * Items: A token's symbol.
     */
    allowed_tokens: string[];
    /**
     * Plans of an intent that are sent.
     */
    max_attempts: number;
    /**
     * Wei a gas unit, replacements included.
     */
    max_fee_per_gas: string;
    /**
     * What a replacement pays more, of both fees: "12.5" is 12.5 %.
     */
    bump_percent: string;
    /**
     * Of all attempts of an intent; null: no limit.
     */
    max_gas_usd: string | null;
    /**
     * Seconds.
     */
    max_time_window: number;
  };
  execution_styles: {
    passive: Style;
    normal: Style;
    aggressive: Style;
  };
  /**
   * exact: each swap is approved for what it may take; standing: once, up to a cap.
   */
  allowance: "exact" | "standing";
}
export interface Style {
  /**
   * Wei a gas unit.
   */
  max_priority_fee_per_gas: string;
  /**
   * Of what recent blocks were paid: the tip, up to max_priority_fee_per_gas.
   */
  reward_percentile: number;
  /**
   * The highest fee is the base fee times this, plus the priority fee.
   */
  base_fee_multiplier_percent: number;
  /**
   * A pending transaction is replaced at a higher fee after this time.
   */
  bump_after_ms: number;
}
/**
 * An error as RFC 9457 says, with a code, and every fault of the request.
 */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /**
   * A machine-readable code of errors.json.
   */
  code: string;
  /**
   * The request's id, as in the header X-Request-Id.
   */
  instance: string;
  /**
   * @minItems 1
   */
  errors?: [Fault, ...Fault[]];
}
export interface Fault {
  /**
   * RFC 6901 JSON pointer of the field; "/query/<name>" and "/header/<Name>" for what is not in the body.
   */
  pointer: string;
  /**
   * A machine-readable code of errors.json.
   */
  code: string;
  /**
   * A sentence for a person.
   */
  message: string;
}
/**
 * A price at one block. The bound is there when the request has max_slippage.
 */
export interface Quote {
  /**
   * acquire buys exactly `amount` of the base asset, dispose sells exactly it.
   */
  intent_type: "acquire" | "dispose";
  /**
   * @minItems 2
   * @maxItems 2
   */
  assets: [Asset, Asset];
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  max_amount_in?: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  min_amount_out?: string;
  /**
   * Quote tokens for one base token.
   */
  price: string;
  /**
   * null where no path leads to a stablecoin.
   */
  notional_usd: string | null;
  /**
   * How the amount is swapped: paths side by side.
   *
   * @minItems 1
   */
  paths: [QuotedPath, ...QuotedPath[]];
  /**
   * All pools, path after path; fees and ticks_crossed in the same order.
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: string[];
  /**
   * Items: Hundredths of a basis point.
   */
  fees: number[];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  ticks_crossed: number[];
  estimated_cost: EstimatedCost;
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
}
/**
 * Pools one after the other. Paths side by side share no pool, and their amounts add up to the quote's.
 */
export interface QuotedPath {
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * From the token that pays to the one received: one more than pools.
   *
   * @minItems 2
   */
  tokens: [PathToken, PathToken, ...PathToken[]];
  /**
   * In the order in which they are traded.
   *
   * @minItems 1
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: [string, ...string[]];
  /**
   * One for each pool.
   *
   * @minItems 1
   *
   * Items: Hundredths of a basis point.
   */
  fees: [number, ...number[]];
  /**
   * One for each pool, as QuoterV2 counts them.
   */
  ticks_crossed: number[];
  /**
   * One for each pool.
   *
   * Items: A whole number of wei or gas units.
   */
  sqrt_price_x96_after: string[];
}
/**
 * A token on the way of a path.
 */
export interface PathToken {
  /**
   * Absent where the token is not configured.
   */
  symbol?: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  address: string;
}
export interface EstimatedCost {
  /**
   * A whole number of wei or gas units.
   */
  gas_units: string;
  /**
   * A whole number of wei or gas units.
   */
  gas_wei: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  gas_eth: string;
  /**
   * US dollars with at most 6 decimals.
   */
  gas_usd: string;
}
/**
 * Asks for a price without an intent.
 */
export interface QuoteRequest {
  /**
   * acquire buys exactly `amount` of the base asset, dispose sells exactly it.
   */
  intent_type: "acquire" | "dispose";
  /**
   * Base and quote asset.
   *
   * @minItems 2
   * @maxItems 2
   */
  assets: [Asset, Asset];
  /**
   * A positive amount in whole tokens, with at most as many decimals as the token has: "1", "0.05".
   */
  amount: string;
  /**
   * How much worse than the quote the price may be, 0 <= s < 1: "0.01" is 1 %. At most 18 decimals.
   */
  max_slippage?: string;
}
/**
 * Each dependency by its name.
 */
export interface Readiness {
  ready: boolean;
  dependencies: {
    [k: string]: {
      ok: boolean;
      detail?: string;
      [k: string]: unknown;
    };
  };
  [k: string]: unknown;
}
/**
 * Totals of the record, and the latency of each stage of this process.
 */
export interface Statistics {
  /**
   * Intents that have not ended.
   */
  active: number;
  executed: number;
  failed: number;
  rejected?: number;
  expired?: number;
  cancelled?: number;
  by_state: {
    [k: string]: number;
  };
  /**
   * US dollars with at most 6 decimals.
   */
  total_value_usd?: string;
  success_numerator?: number;
  success_denominator?: number;
  last_global_sequence: number;
  latency: {
    [k: string]: Stage;
  };
  window?: Window;
  [k: string]: unknown;
}
export interface Stage {
  count: number;
  p50_us: number;
  p95_us: number;
  p99_us: number;
  max_us: number;
  budget_us?: number;
  /**
   * Of the 99th percentile; absent before the first measurement.
   */
  within_budget?: boolean;
}
/**
 * Of the parameter `window`: what happened in it, by the time of each event.
 */
export interface Window {
  name: "15m" | "1h" | "24h" | "7d";
  /**
   * RFC 3339, UTC, milliseconds.
   */
  from: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  to: string;
  bucket_seconds: number;
  totals: Bucket;
  /**
   * Intents submitted in the window of the same length before.
   */
  previous_submitted?: number;
  /**
   * From submission to completion, of those completed in the window; each at most 13 % above the true one.
   */
  settle_ms: {
    count: number;
    p50: number;
    p95: number;
  };
  /**
   * One for each bucket_seconds, oldest first, those without events as well.
   */
  buckets: Bucket[];
}
export interface Bucket {
  /**
   * RFC 3339, UTC, milliseconds.
   */
  start: string;
  submitted: number;
  completed: number;
  failed: number;
  rejected: number;
  expired: number;
  cancelled: number;
  /**
   * US dollars with at most 6 decimals.
   */
  value_usd: string;
  /**
   * How much better (or, negative, worse) than quoted the completed ones were filled: notional times the difference in parts of the quote.
   */
  quote_gain_usd: string;
}
/**
 * Every part of the platform as this gateway sees it now.
 */
export interface Status {
  ready: boolean;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  now: string;
  /**
   * The kill switch. While it is set no new work is begun, and what is in flight is followed to its end; null: work is accepted.
   */
  halted: Halt | null;
  record: {
    ok: boolean;
    detail: string;
    /**
     * timescaledb or postgresql: where the record is kept; empty while it does not answer.
     */
    engine: "timescaledb" | "postgresql" | "";
    last_global_sequence: number;
  };
  /**
   * The servers that the platform stands on.
   */
  dependencies: Dependency[];
  /**
   * Every service of which a sign of life was ever heard, and those that there must be.
   */
  services: Service[];
  /**
   * How far each reader is behind what it reads.
   */
  streams: Lag[];
  pools: Pool[];
  /**
   * The node's endpoints, as the services that use them see them.
   */
  endpoints?: Endpoint[];
  chain?: {
    block_number: number;
    /**
     * RFC 3339, UTC, milliseconds.
     */
    block_time: string;
    /**
     * RFC 3339, UTC, milliseconds.
     */
    confirmed_at: string;
    /**
     * Since the node last confirmed its head.
     */
    age_ms: number;
    /**
     * A whole number of wei or gas units.
     */
    base_fee_per_gas: string;
  };
  signer?: {
    /**
     * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
     */
    address: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    balance: string;
    value_usd: string | null;
    /**
     * The next one by the record: one more than the last that an intent holds.
     */
    nonce?: number;
    /**
     * While it is set the account begins no transaction, and those that it has are followed to their end.
     */
    halted: Halt | null;
  };
}
export interface Dependency {
  name: string;
  ok: boolean;
  detail: string;
}
export interface Service {
  /**
   * coordinator, market, risk, planner, intents, orchestrator, gateway.
   */
  name: string;
  /**
   * An instance was heard of in the last seconds.
   */
  ok: boolean;
  instances: number;
  detail: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  last_seen?: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  started_at?: string;
}
export interface Lag {
  /**
   * A work queue, the read models, or this gateway's feed.
   */
  name: string;
  /**
   * Events not yet handed out.
   */
  pending: number;
  /**
   * Handed out and not done.
   */
  unacknowledged?: number;
  ok: boolean;
  detail: string;
}
export interface Pool {
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  address: string;
  /**
   * A token's symbol.
   */
  token0: string;
  /**
   * A token's symbol.
   */
  token1: string;
  /**
   * Hundredths of a basis point.
   */
  fee: number;
  /**
   * It is priced.
   */
  ok: boolean;
  detail: string;
  block_number: number;
  /**
   * Since the node last confirmed the state that is priced.
   */
  age_ms: number;
  /**
   * Initialised ticks that are held.
   */
  ticks: number;
}
export interface Endpoint {
  /**
   * Without what may be a secret.
   */
  name: string;
  /**
   * It is counted on.
   */
  ok: boolean;
  /**
   * Why not; empty where it is.
   */
  detail: string;
  /**
   * It is asked, and has a vote.
   */
  read: boolean;
  /**
   * Transactions are handed to it.
   */
  submit: boolean;
  /**
   * Of its head, where it is read.
   */
  block_number?: number;
  /**
   * Behind the others.
   */
  lag_blocks: number;
}
/**
 * Strategies that ever submitted an intent, by name.
 */
export interface Strategies {
  /**
   * Items: Who asks: a person, a script, a treasury.
   */
  strategies: string[];
  /**
   * For the parameter `cursor` of the next call; null on the last page.
   */
  next_cursor: string | null;
}
export interface Subscribe {
  action: "subscribe";
  /**
   * @minItems 1
   * @maxItems 32
   *
   * Items: A topic with NATS wildcards: * is one token, > the rest.
   */
  topics: [string, ...string[]];
  /**
   * All events of one intent; control: of the kill switch; signer-<chain id>-<account in lower case>: of that account's halts.
   */
  correlationId?: string;
  /**
   * The first event wanted: by its own sequence with correlationId, by globalSequence without.
   */
  fromSequence?: number;
}
/**
 * Without topics: every subscription of that correlationId; without both: all.
 */
export interface Unsubscribe {
  action: "unsubscribe";
  /**
   * @minItems 1
   * @maxItems 32
   *
   * Items: A topic with NATS wildcards: * is one token, > the rest.
   */
  topics?: [string, ...string[]];
  /**
   * All events of one intent; control: of the kill switch; signer-<chain id>-<account in lower case>: of that account's halts.
   */
  correlationId?: string;
}
export interface Ping {
  action: "ping";
}
export interface Subscribed {
  action: "subscribed";
  topics?: string[];
  correlationId?: string;
  fromSequence?: number;
}
export interface Unsubscribed {
  action: "unsubscribed";
  topics?: string[];
  correlationId?: string;
  fromSequence?: number;
}
export interface Pong {
  action: "pong";
  /**
   * Of the last event that the stream passed on.
   */
  globalSequence: number;
  /**
   * The chain's head, where the gateway knows it.
   */
  blockNumber?: number;
  /**
   * Since the node last confirmed that head.
   */
  blockAgeMs?: number;
}
export interface StreamError {
  action: "error";
  /**
   * A machine-readable code of errors.json.
   */
  code: string;
  message: string;
  /**
   * @minItems 1
   */
  errors?: [Fault, ...Fault[]];
  topics?: string[];
  correlationId?: string;
  fromSequence?: number;
}
/**
 * The intent is on the record.
 */
export interface AnswerOfPOSTIntents {
  /**
   * 26 characters of Crockford base32.
   */
  intent_id: string;
  /**
   * All events of one intent.
   */
  correlation_id: string;
  /**
   * Where an intent is in its life.
   */
  state:
    | "submitted"
    | "accepted"
    | "planned"
    | "executing"
    | "completed"
    | "failed"
    | "risk_rejected"
    | "plan_rejected"
    | "expired"
    | "cancelled";
}
/**
 * The tokens of the configured chain (tokenlists.org), with what sep knows besides.
 */
export interface TokenList {
  name: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  timestamp: string;
  version: {
    major: number;
    minor: number;
    patch: number;
  };
  tokens: {
    chainId: number;
    /**
     * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
     */
    address: string;
    /**
     * A token's symbol.
     */
    symbol: string;
    name: string;
    decimals: number;
    /**
     * `chain` is what an asset's `chain` must be.
     */
    extensions?: {
      /**
       * A chain's configured name.
       */
      chain: string;
      stablecoin: boolean;
    };
  }[];
}
/**
 * The form of errors.json.
 */
export interface ErrorCodes {
  $comment: string;
  /**
   * @minItems 1
   */
  codes: [
    {
      /**
       * A machine-readable code of errors.json.
       */
      code: string;
      kind: "input" | "risk" | "plan" | "exec" | "expiry" | "system";
      meaning: string;
    },
    ...{
      /**
       * A machine-readable code of errors.json.
       */
      code: string;
      kind: "input" | "risk" | "plan" | "exec" | "expiry" | "system";
      meaning: string;
    }[]
  ];
}
/**
 * From here on no new work enters the record; what is in flight is followed to its end.
 */
export interface PayloadOfControlHalted {
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person; may be empty.
   */
  detail: string;
  /**
   * Who did it: user@host of a shell, or a service.
   */
  by: string;
}
/**
 * New work is accepted again.
 */
export interface PayloadOfControlResumed {
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person; may be empty.
   */
  detail: string;
  /**
   * Who did it: user@host of a shell, or a service.
   */
  by: string;
}
/**
 * The intent is done. Without txHash on venue "paper".
 */
export interface PayloadOfExecCompleted {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amountIn: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amountOut: string;
  /**
   * 32 bytes: of a transaction or a block.
   */
  txHash?: string;
  /**
   * US dollars with at most 6 decimals.
   */
  gasCostUsd: string;
  criteria: CriterionResult[];
}
/**
 * The intent ended without what it wanted.
 */
export interface PayloadOfExecFailed {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person.
   */
  detail: string;
}
/**
 * The plan is being executed.
 */
export interface PayloadOfExecStarted {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
}
/**
 * The transaction is in a block; the amounts are those of the receipt's logs ("0" for an approval). On venue "paper" there is no transaction: no txHash, no gas, and the block is the one whose prices filled it.
 */
export interface PayloadOfExecStepFilled {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * The step's place in the plan.
   */
  stepIndex: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  txHash?: string;
  blockNumber: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  blockHash: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amountIn: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amountOut: string;
  /**
   * A whole number of wei or gas units.
   */
  gasUsed: string;
  /**
   * A whole number of wei or gas units.
   */
  effectiveGasPrice: string;
}
/**
 * A transaction is signed and will be sent; it is on the record before it is anywhere else.
 */
export interface PayloadOfExecStepPrepared {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * The step's place in the plan.
   */
  stepIndex: number;
  /**
   * Counts a step's transactions from 1.
   */
  attempt: number;
  /**
   * cancel is a transaction that only uses up the nonce of a swap that must not happen any more.
   */
  kind: "approve" | "swap" | "cancel";
  nonce: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  txHash: string;
  /**
   * A signed EIP-1559 transaction.
   */
  rawTx: string;
  fees: Fees;
}
/**
 * In gas units and wei a gas unit.
 */
export interface Fees {
  /**
   * A whole number of wei or gas units.
   */
  gas_limit: string;
  /**
   * A whole number of wei or gas units.
   */
  max_fee_per_gas: string;
  /**
   * A whole number of wei or gas units.
   */
  max_priority_fee_per_gas: string;
}
/**
 * The block of the transaction is not part of the chain any more.
 */
export interface PayloadOfExecStepReorged {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * The step's place in the plan.
   */
  stepIndex: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  txHash: string;
  /**
   * 32 bytes: of a transaction or a block.
   */
  blockHash: string;
}
/**
 * The transaction was included and reverted: only its gas was spent.
 */
export interface PayloadOfExecStepReverted {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * The step's place in the plan.
   */
  stepIndex: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  txHash: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  detail?: string;
  blockNumber: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  blockHash: string;
  /**
   * A whole number of wei or gas units.
   */
  gasUsed: string;
  /**
   * A whole number of wei or gas units.
   */
  effectiveGasPrice: string;
}
/**
 * The node has the transaction.
 */
export interface PayloadOfExecStepSubmitted {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * The step's place in the plan.
   */
  stepIndex: number;
  attempt: number;
  /**
   * cancel is a transaction that only uses up the nonce of a swap that must not happen any more.
   */
  kind: "approve" | "swap" | "cancel";
  /**
   * 32 bytes: of a transaction or a block.
   */
  txHash: string;
  nonce: number;
}
/**
 * The intent may be planned.
 */
export interface PayloadOfIntentAccepted {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  intent: Intent;
}
/**
 * The owner asked for the cancellation.
 */
export interface PayloadOfIntentCancelRequested {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
}
/**
 * The intent is cancelled.
 */
export interface PayloadOfIntentCancelled {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
}
/**
 * The time window ended.
 */
export interface PayloadOfIntentExpired {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
}
/**
 * An intent was taken in.
 */
export interface PayloadOfIntentSubmitted {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  intent: Intent;
}
/**
 * How the platform will do it.
 */
export interface PayloadOfPlanCreated {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * 26 characters of Crockford base32.
   */
  planId: string;
  /**
   * @minItems 1
   */
  steps: [PlanStep, ...PlanStep[]];
  estimatedCost: EstimatedCost;
  estimatedDurationMs: number;
  /**
   * The largest of notional, slippage and price impact against its limit.
   */
  riskScore: number;
}
export interface ApproveStep {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "approve";
  token: Asset;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  spender: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount: string;
}
export interface ExactInputSwap {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_input";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  min_amount_out: string;
  /**
   * At least one; several are swapped in one transaction.
   *
   * @minItems 1
   */
  paths: [ExactInputPath, ...ExactInputPath[]];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
}
/**
 * Pools one after the other. Paths side by side share no pool, and their amounts and bounds add up to the swap's; the router holds each bound by itself.
 */
export interface ExactInputPath {
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  min_amount_out: string;
  /**
   * From the token that pays to the one received: one more than pools.
   *
   * @minItems 2
   */
  tokens: [PathToken, PathToken, ...PathToken[]];
  /**
   * In the order in which they are traded.
   *
   * @minItems 1
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: [string, ...string[]];
  /**
   * One for each pool.
   *
   * @minItems 1
   *
   * Items: Hundredths of a basis point.
   */
  fees: [number, ...number[]];
  /**
   * One for each pool, as QuoterV2 counts them.
   */
  ticks_crossed: number[];
  /**
   * One for each pool.
   *
   * Items: A whole number of wei or gas units.
   */
  sqrt_price_x96_after: string[];
}
export interface ExactOutputSwap {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_output";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  max_amount_in: string;
  /**
   * At least one; several are swapped in one transaction.
   *
   * @minItems 1
   */
  paths: [ExactOutputPath, ...ExactOutputPath[]];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
}
/**
 * Pools one after the other. Paths side by side share no pool, and their amounts and bounds add up to the swap's; the router holds each bound by itself.
 */
export interface ExactOutputPath {
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  max_amount_in: string;
  /**
   * From the token that pays to the one received: one more than pools.
   *
   * @minItems 2
   */
  tokens: [PathToken, PathToken, ...PathToken[]];
  /**
   * In the order in which they are traded.
   *
   * @minItems 1
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: [string, ...string[]];
  /**
   * One for each pool.
   *
   * @minItems 1
   *
   * Items: Hundredths of a basis point.
   */
  fees: [number, ...number[]];
  /**
   * One for each pool, as QuoterV2 counts them.
   */
  ticks_crossed: number[];
  /**
   * One for each pool.
   *
   * Items: A whole number of wei or gas units.
   */
  sqrt_price_x96_after: string[];
}
/**
 * As records hold it that were written before swaps had paths: one pool.
 */
export interface ExactInputSwapInOnePool {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_input";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  min_amount_out: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: [string];
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: Hundredths of a basis point.
   */
  fees: [number];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: A whole number of wei or gas units.
   */
  sqrt_price_x96_after: [string];
  /**
   * @minItems 1
   * @maxItems 1
   */
  ticks_crossed: [number];
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
}
/**
 * As records hold it that were written before swaps had paths: one pool.
 */
export interface ExactOutputSwapInOnePool {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_output";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  max_amount_in: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: [string];
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: Hundredths of a basis point.
   */
  fees: [number];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: A whole number of wei or gas units.
   */
  sqrt_price_x96_after: [string];
  /**
   * @minItems 1
   * @maxItems 1
   */
  ticks_crossed: [number];
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
}
/**
 * There is no plan that keeps the constraints.
 */
export interface PayloadOfPlanRejected {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person.
   */
  detail: string;
}
/**
 * Every risk check passed.
 */
export interface PayloadOfRiskApproved {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * US dollars with at most 6 decimals.
   */
  notionalUsd: string;
  checks: Check[];
}
export interface Check {
  /**
   * What was checked: notional_usd, max_slippage, allowed_tokens, open_intents, kill_switch.
   */
  check: string;
  value: string;
  limit: string;
  ok: boolean;
}
/**
 * A risk check failed.
 */
export interface PayloadOfRiskRejected {
  /**
   * 26 characters of Crockford base32.
   */
  intentId: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person.
   */
  detail: string;
  /**
   * US dollars with at most 6 decimals.
   */
  notionalUsd?: string;
  checks: Check[];
}
/**
 * From here on no intent takes a new nonce of the account; those it holds are followed to their end.
 */
export interface PayloadOfSignerHalted {
  /**
   * EIP-155.
   */
  chainId: number;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  account: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person; may be empty.
   */
  detail: string;
  /**
   * Who did it: user@host of a shell, or a service.
   */
  by: string;
  /**
   * The one that somebody else used, where that is the reason.
   */
  nonce?: number;
}
/**
 * Intents may take nonces of the account again.
 */
export interface PayloadOfSignerResumed {
  /**
   * EIP-155.
   */
  chainId: number;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  account: string;
  /**
   * A machine-readable code of errors.json.
   */
  reason: string;
  /**
   * A sentence for a person; may be empty.
   */
  detail: string;
  /**
   * Who did it: user@host of a shell, or a service.
   */
  by: string;
}
/**
 * A plan with its progress, as GET /plans/{id} shows it.
 */
export interface PlanView {
  /**
   * 26 characters of Crockford base32.
   */
  plan_id: string;
  /**
   * 26 characters of Crockford base32.
   */
  intent_id: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  created_at: string;
  state: "planned" | "executing" | "completed" | "failed" | "superseded" | "expired" | "cancelled";
  /**
   * @minItems 1
   */
  steps: [
    (
      | ApproveStepWithProgress
      | ExactInputSwapWithProgress
      | ExactOutputSwapWithProgress
      | ExactInputSwapInOnePoolWithProgress
      | ExactOutputSwapInOnePoolWithProgress
    ),
    ...(
      | ApproveStepWithProgress
      | ExactInputSwapWithProgress
      | ExactOutputSwapWithProgress
      | ExactInputSwapInOnePoolWithProgress
      | ExactOutputSwapInOnePoolWithProgress
    )[]
  ];
  estimated_cost: EstimatedCost;
  estimated_duration_ms: number;
  risk_score: number;
}
export interface ApproveStepWithProgress {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "approve";
  token: Asset;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  spender: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount: string;
  status: "pending" | "prepared" | "submitted" | "filled" | "reverted" | "reorged";
  attempts: Attempt[];
  fill?: Fill;
  /**
   * A machine-readable code of errors.json.
   */
  reason?: string;
  detail?: string;
}
export interface Attempt {
  attempt: number;
  /**
   * cancel is a transaction that only uses up the nonce of a swap that must not happen any more.
   */
  kind: "approve" | "swap" | "cancel";
  nonce: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  tx_hash: string;
  fees: Fees;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  prepared_at: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  submitted_at?: string;
}
export interface Fill {
  /**
   * 32 bytes: of a transaction or a block.
   */
  tx_hash?: string;
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * A whole number of wei or gas units.
   */
  gas_used: string;
  /**
   * A whole number of wei or gas units.
   */
  effective_gas_price: string;
}
export interface ExactInputSwapWithProgress {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_input";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  min_amount_out: string;
  /**
   * At least one; several are swapped in one transaction.
   *
   * @minItems 1
   */
  paths: [ExactInputPath, ...ExactInputPath[]];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
  status: "pending" | "prepared" | "submitted" | "filled" | "reverted" | "reorged";
  attempts: Attempt[];
  fill?: Fill;
  /**
   * A machine-readable code of errors.json.
   */
  reason?: string;
  detail?: string;
}
export interface ExactOutputSwapWithProgress {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_output";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  max_amount_in: string;
  /**
   * At least one; several are swapped in one transaction.
   *
   * @minItems 1
   */
  paths: [ExactOutputPath, ...ExactOutputPath[]];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
  status: "pending" | "prepared" | "submitted" | "filled" | "reverted" | "reorged";
  attempts: Attempt[];
  fill?: Fill;
  /**
   * A machine-readable code of errors.json.
   */
  reason?: string;
  detail?: string;
}
/**
 * As records hold it that were written before swaps had paths: one pool.
 */
export interface ExactInputSwapInOnePoolWithProgress {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_input";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  min_amount_out: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: [string];
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: Hundredths of a basis point.
   */
  fees: [number];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: A whole number of wei or gas units.
   */
  sqrt_price_x96_after: [string];
  /**
   * @minItems 1
   * @maxItems 1
   */
  ticks_crossed: [number];
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
  status: "pending" | "prepared" | "submitted" | "filled" | "reverted" | "reorged";
  attempts: Attempt[];
  fill?: Fill;
  /**
   * A machine-readable code of errors.json.
   */
  reason?: string;
  detail?: string;
}
/**
 * As records hold it that were written before swaps had paths: one pool.
 */
export interface ExactOutputSwapInOnePoolWithProgress {
  /**
   * Place in the plan, from 0.
   */
  index: number;
  kind: "swap";
  /**
   * The venue that trades.
   */
  venue: string;
  swap_kind: "exact_output";
  token_in: Asset;
  token_out: Asset;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_in: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  amount_out: string;
  /**
   * An amount in whole tokens, without trailing zeros.
   */
  max_amount_in: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  pools: [string];
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: Hundredths of a basis point.
   */
  fees: [number];
  /**
   * A fraction of one: "0.01" is 1 %. At most 18 decimals.
   */
  price_impact: string;
  /**
   * @minItems 1
   * @maxItems 1
   *
   * Items: A whole number of wei or gas units.
   */
  sqrt_price_x96_after: [string];
  /**
   * @minItems 1
   * @maxItems 1
   */
  ticks_crossed: [number];
  /**
   * A whole number of wei or gas units.
   */
  gas_estimate: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  router: string;
  /**
   * An Ethereum address; upper and lower case are EIP-55's when they are mixed.
   */
  recipient: string;
  /**
   * Unix seconds; the router refuses the swap after it.
   */
  deadline: number;
  /**
   * The state that was priced.
   */
  block_number: number;
  /**
   * 32 bytes: of a transaction or a block.
   */
  block_hash: string;
  status: "pending" | "prepared" | "submitted" | "filled" | "reverted" | "reorged";
  attempts: Attempt[];
  fill?: Fill;
  /**
   * A machine-readable code of errors.json.
   */
  reason?: string;
  detail?: string;
}
/**
 * What a strategy holds by its fills, and its profit by the average-cost method, as GET /strategies/{id}/positions shows it.
 */
export interface PositionsView {
  /**
   * Who asks: a person, a script, a treasury.
   */
  strategy_id: string;
  /**
   * RFC 3339, UTC, milliseconds.
   */
  as_of: string;
  fills: number;
  positions: {
    asset: Asset;
    /**
     * An amount in whole tokens that may be negative, without trailing zeros.
     */
    quantity: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    bought: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    sold: string;
  }[];
  pairs: {
    base: Asset;
    quote: Asset;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    bought_base: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    paid_quote: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    sold_base: string;
    /**
     * An amount in whole tokens, without trailing zeros.
     */
    received_quote: string;
    /**
     * An amount in whole tokens that may be negative, without trailing zeros.
     */
    position_base: string;
    /**
     * An amount in whole tokens that may be negative, without trailing zeros.
     */
    average_cost_quote: string;
    /**
     * An amount in whole tokens that may be negative, without trailing zeros.
     */
    realised_pnl_quote: string;
    /**
     * US dollars with at most 6 decimals.
     */
    gas_usd: string;
    fills: number;
  }[];
}
