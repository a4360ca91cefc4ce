// The one WebSocket of a page. It connects, asks for what is watched, and after any break connects again and resumes
// behind the last event that it passed on, so that each event is passed on once and none is left out.
//
// Invariants
//  1. A connection that says nothing for `silenceMs` is given up: half-open sockets look alive otherwise.
//  2. Retries wait 0.25 s, doubling to 15 s, with up to a quarter of chance; a page that becomes visible or online
//     tries at once.
//  3. A watch says itself where it begins, knowing how far the record is: behind its last event, or behind a snapshot
//     that it loads first. Where it cannot say, the connection is tried anew.
import type { SepEvent, StreamAction, StreamReply } from "./types.ts";

export type ConnectionStatus = "connecting" | "connected" | "disconnected";

export interface Connection {
  status: ConnectionStatus;
  /** Since when the status holds (ms since the epoch). */
  since: number;
  /** Tries since the last connection. */
  attempt: number;
  /** When the next try is due, while disconnected. */
  retryAt: number | undefined;
  /** Since when a connection is tried for: the first try since the last one that stood. */
  triedSince: number | undefined;
  /** When anything was last heard. */
  heardAt: number | undefined;
  blockNumber: number | undefined;
  /** When the node last confirmed that block, by this machine's clock. */
  blockAt: number | undefined;
  /** How long a block takes, of those seen since the page was opened; undefined until several were. */
  blockEveryMs?: number;
}

/** What is asked of the stream: everything, or one intent's events. */
export interface Watch {
  correlationId?: string;
  /** The first sequence that is wanted: the intent's own, or the record's, which is at `head` now. */
  from: (head: number) => number | Promise<number>;
}

interface Handlers {
  onEvent: (event: SepEvent) => void;
  onConnection: (change: Partial<Connection>) => void;
}

const pingMs = 2_000;
const silenceMs = 6_000;
/** Heads are heard of every `pingMs`: over fewer blocks their pace would be a guess. */
const fewestBlocks = 3;
const firstRetryMs = 250;
const longestRetryMs = 15_000;

export class Stream {
  readonly #handlers: Handlers;
  readonly #watches = new Set<Watch>();
  #socket: WebSocket | undefined;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pulse: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  #firstBlock: { number: number; at: number } | undefined; // that was heard of
  #head: number | undefined; // of the record, once the connection stands
  #stopped = true;

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    window.addEventListener("online", this.#wake);
    window.addEventListener("pageshow", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    window.removeEventListener("online", this.#wake);
    window.removeEventListener("pageshow", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** Answers how to end the watch. */
  watch(watch: Watch): () => void {
    this.#watches.add(watch);
    if (this.#head !== undefined) void this.#subscribe(watch, this.#head);
    return () => {
      this.#watches.delete(watch);
      if (this.#head === undefined) return;
      this.#send({
        action: "unsubscribe",
        topics: [">"],
        ...(watch.correlationId !== undefined && { correlationId: watch.correlationId }),
      });
    };
  }

  /** Tries at once, where a try is waited for. */
  retryNow(): void {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  readonly #wake = (): void => {
    if (document.visibilityState === "hidden") return;
    if (this.#socket && Date.now() - this.#heardAt > silenceMs) this.#lost();
    this.retryNow();
  };

  #connect(): void {
    this.#attempt += 1;
    this.#handlers.onConnection({
      status: "connecting",
      since: Date.now(),
      attempt: this.#attempt,
      retryAt: undefined,
      ...(this.#attempt === 1 && { triedSince: Date.now() }),
    });
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${window.location.host}/stream`);
    this.#socket = socket;
    this.#heardAt = Date.now();
    // The answer to the first ping tells how far the record is, before anything is asked for.
    socket.onopen = () => this.#send({ action: "ping" });
    socket.onmessage = (message) => this.#receive(socket, String(message.data));
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
    this.#pulse = setInterval(() => {
      if (Date.now() - this.#heardAt > silenceMs) this.#lost();
      else if (socket.readyState === WebSocket.OPEN) this.#send({ action: "ping" });
    }, pingMs);
  }

  #drop(): void {
    clearInterval(this.#pulse);
    this.#head = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #lost(): void {
    this.#drop();
    if (this.#stopped) return;
    const wait =
      Math.min(firstRetryMs * 2 ** Math.min(this.#attempt - 1, 10), longestRetryMs) * (1 + Math.random() / 4);
    this.#handlers.onConnection({ status: "disconnected", since: Date.now(), retryAt: Date.now() + wait });
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #receive(socket: WebSocket, text: string): void {
    if (this.#socket !== socket) return;
    this.#heardAt = Date.now();
    const message = JSON.parse(text) as SepEvent | StreamReply;
    if (!("action" in message)) return this.#handlers.onEvent(message);
    if (message.action === "pong") this.#pong(message);
    if (message.action === "error") console.error("stream:", message.code, message.message);
  }

  #pong(pong: StreamReply & { action: "pong" }): void {
    this.#handlers.onConnection({
      heardAt: this.#heardAt,
      ...(pong.blockNumber !== undefined && {
        blockNumber: pong.blockNumber,
        blockAt: this.#heardAt - (pong.blockAgeMs ?? 0),
        ...this.#blockPace(pong.blockNumber),
      }),
    });
    const first = this.#head === undefined;
    this.#head = pong.globalSequence;
    if (!first) return;
    if (this.#watches.size === 0) this.#attempt = 0;
    this.#handlers.onConnection({ status: "connected", since: this.#heardAt, attempt: 0, retryAt: undefined });
    for (const watch of this.#watches) void this.#subscribe(watch, pong.globalSequence);
  }

  #blockPace(number: number): Pick<Connection, "blockEveryMs"> {
    this.#firstBlock ??= { number, at: this.#heardAt };
    const blocks = number - this.#firstBlock.number;
    return blocks < fewestBlocks ? {} : { blockEveryMs: (this.#heardAt - this.#firstBlock.at) / blocks };
  }

  async #subscribe(watch: Watch, head: number): Promise<void> {
    const socket = this.#socket;
    try {
      const fromSequence = await watch.from(head);
      if (this.#socket !== socket || !this.#watches.has(watch)) return;
      this.#send({
        action: "subscribe",
        topics: [">"],
        ...(watch.correlationId !== undefined && { correlationId: watch.correlationId }),
        fromSequence,
      });
      // Not before: a server that answers and cannot say where to go on is not asked without end.
      this.#attempt = 0;
    } catch {
      if (this.#socket === socket && this.#watches.has(watch)) this.#lost();
    }
  }

  #send(action: StreamAction): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(action));
  }
}
