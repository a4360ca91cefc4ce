// The stream against a real WebSocket server on loopback that plays the gateway's part.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { WebSocketServer, type WebSocket as ServerSocket } from "ws";
import { Stream, type Connection } from "./stream.ts";
import type { SepEvent, StreamAction } from "./types.ts";

interface Peer {
  socket: ServerSocket;
  received: StreamAction[];
}

let server: WebSocketServer;
let head: number;
let peers: Peer[];
let stream: Stream;
let events: SepEvent[];
let statuses: string[];
let triedSince: number[];
let changed: (() => void)[];

/** Waits until it holds; every message and every change of the connection looks again. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (holds()) resolve();
      else changed.push(look);
    };
    look();
  });
}
function notify(): void {
  const waiting = changed;
  changed = [];
  for (const look of waiting) look();
}

async function listen(port = 0): Promise<number> {
  server = new WebSocketServer({ port, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    const peer: Peer = { socket, received: [] };
    peers.push(peer);
    socket.on("message", (data) => {
      const action = JSON.parse(String(data)) as StreamAction;
      if (action.action === "ping") socket.send(JSON.stringify({ action: "pong", globalSequence: head }));
      else peer.received.push(action);
      notify();
    });
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
async function close(): Promise<void> {
  for (const { socket } of peers) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
}
const event = (globalSequence: number) => ({ globalSequence, sequence: 1 }) as unknown as SepEvent;
const send = (peer: Peer, message: unknown) => peer.socket.send(JSON.stringify(message));

beforeEach(async () => {
  head = 10;
  peers = [];
  events = [];
  statuses = [];
  triedSince = [];
  changed = [];
  const port = await listen();
  const target = new EventTarget();
  Object.assign(globalThis, {
    window: Object.assign(target, { location: { protocol: "http:", host: `127.0.0.1:${port}` } }),
    document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
  });
  stream = new Stream({
    onEvent: (received) => {
      events.push(received);
      notify();
    },
    onConnection: (change: Partial<Connection>) => {
      if (change.status) statuses.push(change.status);
      if (change.triedSince !== undefined) triedSince.push(change.triedSince);
      notify();
    },
  });
});
afterEach(async () => {
  stream.stop();
  await close();
});

test("a watch begins where it says, knowing how far the record is", async () => {
  const heads: number[] = [];
  stream.watch({
    from: async (known) => {
      heads.push(known);
      return known + 1;
    },
  });
  stream.start();
  await until(() => peers[0]?.received.length === 1);
  assert.deepEqual(peers[0]!.received, [{ action: "subscribe", topics: [">"], fromSequence: 11 }]);
  assert.deepEqual(heads, [10]);
  assert.deepEqual(statuses, ["connecting", "connected"]);
});

test("after a break it resumes behind the last event, without gap or repeat", async () => {
  let last = 10;
  stream.watch({ from: () => last + 1 });
  stream.start();
  await until(() => peers[0]?.received.length === 1);
  send(peers[0]!, event(11));
  send(peers[0]!, event(12));
  await until(() => events.length === 2);
  last = 12;
  peers[0]!.socket.terminate();
  await until(() => peers[1]?.received.length === 1);
  assert.deepEqual(peers[1]!.received, [{ action: "subscribe", topics: [">"], fromSequence: 13 }]);
  assert.deepEqual(statuses, ["connecting", "connected", "disconnected", "connecting", "connected"]);
  send(peers[1]!, event(13));
  await until(() => events.length === 3);
  assert.deepEqual(
    events.map(({ globalSequence }) => globalSequence),
    [11, 12, 13],
  );
});

test("one intent is watched by its own sequence, and let go by its name", async () => {
  stream.start();
  await until(() => statuses.includes("connected"));
  const stop = stream.watch({ correlationId: "intent-X", from: () => 4 });
  await until(() => peers[0]!.received.length === 1);
  stop();
  await until(() => peers[0]!.received.length === 2);
  assert.deepEqual(peers[0]!.received, [
    { action: "subscribe", topics: [">"], correlationId: "intent-X", fromSequence: 4 },
    { action: "unsubscribe", topics: [">"], correlationId: "intent-X" },
  ]);
});

test("a watch that cannot say where to begin is tried again on a new connection", async () => {
  let tries = 0;
  stream.watch({
    from: async () => {
      tries += 1;
      if (tries === 1) throw new Error("the snapshot could not be loaded");
      return 7;
    },
  });
  stream.start();
  await until(() => peers[1]?.received.length === 1);
  assert.equal(peers[0]!.received.length, 0);
  assert.deepEqual(peers[1]!.received, [{ action: "subscribe", topics: [">"], fromSequence: 7 }]);
});

test("a server that is away is tried again until it is back, and at once when asked", async () => {
  const port = (server.address() as AddressInfo).port;
  await close();
  stream.start();
  await until(() => statuses.filter((status) => status === "disconnected").length >= 2);
  assert.equal(triedSince.length, 1, "the first try is remembered through all that follow");
  peers = [];
  await listen(port);
  stream.retryNow();
  await until(() => statuses.at(-1) === "connected");
});
