// The calls of the HTTP API. Every failure is an ApiProblem, which says what happened and when, for a person and for a
// program. Nothing is retried here but an intent that a busy platform refused (429), when it said to ask again.
import type {
  Account,
  CancelAnswer,
  Intent,
  IntentPage,
  IntentView,
  Platform,
  PlanView,
  PositionsView,
  Problem,
  Quote,
  QuoteRequest,
  SepEvent,
  State,
  Statistics,
  Status,
  Strategies,
  SubmitAnswer,
  TokenList,
  WindowName,
} from "./types.ts";

const timeoutMs = 10_000;
/** How long a busy platform is asked again. */
const patienceMs = 60_000;

/** What a call failed with: the server's problem document, or `code` UNREACHABLE where there was no answer. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  /** Every fault of the request, by the JSON pointer of its field. */
  readonly faults: readonly { pointer: string; code: string; message: string }[];
  /** The server's name for the request, for its log. */
  readonly instance: string | undefined;
  readonly at = new Date();
  /** When a busy platform wants to be asked again; undefined where it does not say. */
  retryAfterS: number | undefined;

  constructor(status: number, code: string, detail: string, faults: ApiProblem["faults"] = [], instance?: string) {
    super(detail);
    this.name = "ApiProblem";
    this.status = status;
    this.code = code;
    this.faults = faults;
    this.instance = instance;
  }
}

function unreachable(error: unknown): ApiProblem {
  const timedOut = error instanceof DOMException && error.name === "TimeoutError";
  return new ApiProblem(
    0,
    timedOut ? "TIMEOUT" : "UNREACHABLE",
    timedOut ? `the server did not answer within ${timeoutMs / 1000} s` : "the server cannot be reached",
  );
}

async function problemOf(response: Response): Promise<ApiProblem> {
  try {
    const { code, detail, errors, instance } = (await response.json()) as Problem & { errors?: ApiProblem["faults"] };
    const problem = new ApiProblem(response.status, code, detail, errors ?? [], instance);
    const seconds = Number(response.headers.get("Retry-After") ?? undefined);
    if (seconds > 0) problem.retryAfterS = seconds;
    return problem;
  } catch {
    return new ApiProblem(response.status, "INTERNAL", `the server answered ${response.status}`);
  }
}

interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

async function call<T>(method: "GET" | "POST", path: string, options: CallOptions = {}): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        Accept: "application/json",
        ...(options.body !== undefined && { "Content-Type": "application/json" }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    });
    if (response.ok) return (await response.json()) as T;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw unreachable(error);
  }
  throw await problemOf(response);
}

/** The call, made again as long as the platform is too busy for it: a refused one left nothing behind. */
async function whenThereIsRoom<T>(once: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + patienceMs; ; ) {
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 429) throw error;
      const delayMs = (error.retryAfterS ?? 1) * 1000;
      if (Date.now() + delayMs > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

function query(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

export interface ListQuery {
  states?: readonly State[] | undefined;
  strategyId?: string | undefined;
  /** Only intents submitted then or later. */
  since?: Date | undefined;
  txHash?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

export const api = {
  submitIntent: (intent: Intent, idempotencyKey: string) =>
    whenThereIsRoom(() =>
      call<SubmitAnswer>("POST", "/intents", { body: intent, headers: { "Idempotency-Key": idempotencyKey } }),
    ),
  cancelIntent: (intentId: string) => call<CancelAnswer>("POST", `/intents/${intentId}/cancel`),
  intent: (intentId: string, signal?: AbortSignal) => call<IntentView>("GET", `/intents/${intentId}`, { signal }),
  intents: (list: ListQuery = {}, signal?: AbortSignal) =>
    call<IntentPage>(
      "GET",
      `/intents${query({
        state: list.states?.join(","),
        strategy_id: list.strategyId,
        since: list.since?.toISOString(),
        tx_hash: list.txHash,
        limit: list.limit,
        cursor: list.cursor,
      })}`,
      { signal },
    ),
  events: async (intentId: string, signal?: AbortSignal) =>
    (await call<{ events: SepEvent[] }>("GET", `/intents/${intentId}/events`, { signal })).events,
  plan: (planId: string, signal?: AbortSignal) => call<PlanView>("GET", `/plans/${planId}`, { signal }),
  strategies: (cursor?: string, signal?: AbortSignal) =>
    call<Strategies>("GET", `/strategies${query({ limit: 200, cursor })}`, { signal }),
  positions: (strategyId: string, signal?: AbortSignal) =>
    call<PositionsView>("GET", `/strategies/${encodeURIComponent(strategyId)}/positions`, { signal }),
  quote: (request: QuoteRequest, signal?: AbortSignal) => call<Quote>("POST", "/quotes", { body: request, signal }),
  assets: (signal?: AbortSignal) => call<TokenList>("GET", "/assets", { signal }),
  account: (signal?: AbortSignal) => call<Account>("GET", "/account", { signal }),
  platform: (signal?: AbortSignal) => call<Platform>("GET", "/platform", { signal }),
  status: (signal?: AbortSignal) => call<Status>("GET", "/status", { signal }),
  stats: (window?: WindowName, signal?: AbortSignal) =>
    call<Statistics>("GET", `/stats${query({ window })}`, { signal }),
};
