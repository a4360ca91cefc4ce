import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, test } from "node:test";
import { foldHistory } from "./fold.ts";
import { createSepStore } from "./store.ts";
import type { IntentView, SepEvent } from "./types.ts";

const vectors = new URL("../../../tests/vectors/projection.json", import.meta.url);
const { lives } = JSON.parse(readFileSync(vectors, "utf8")) as { lives: { events: SepEvent[] }[] };
const life = lives.find(({ events }) => events.at(-1)?.topic === "exec.completed")!;
const id = life.events[0]!.correlationId.slice("intent-".length);
const final = foldHistory(life.events).intent!;

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});
/** Answers calls by their path, and counts them. */
function serve(answers: Record<string, unknown>): string[] {
  const asked: string[] = [];
  globalThis.fetch = async (input) => {
    const path = String(input);
    asked.push(path);
    return path in answers
      ? Response.json(answers[path])
      : Response.json({ code: "NOT_FOUND", detail: "no" }, { status: 404 });
  };
  return asked;
}

test("events in any order, any number of times, give the view of the whole or wait for it", () => {
  const store = createSepStore();
  serve({});
  const { applyEvent } = store.getState();
  for (const event of life.events) {
    applyEvent(event);
    applyEvent(event);
    applyEvent(life.events[0]!);
  }
  assert.deepEqual(store.getState().intentsById[id], final);
  assert.equal(store.getState().liveEvents.length, life.events.length);
});

test("events that are not an intent's change nothing but how far the record is", () => {
  const store = createSepStore();
  serve({});
  store.setState({ globalSequence: 7 });
  const halted = {
    ...life.events[0]!,
    topic: "control.halted",
    correlationId: "control-01J5S3Y4PEJHBJ5A7FYHBXQRFG",
    globalSequence: 8,
  } as unknown as SepEvent;
  store.getState().applyEvent(halted);
  const { intentsById, liveEvents, eventsById, globalSequence } = store.getState();
  assert.deepEqual({ intentsById, liveEvents, eventsById }, { intentsById: {}, liveEvents: [], eventsById: {} });
  assert.equal(globalSequence, 8);
  assert.equal(store.getState().platformEvents, 1);
});

test("a final state never goes back", () => {
  const store = createSepStore();
  const { applyViews, applyEvent } = store.getState();
  applyViews([final]);
  applyViews([foldHistory(life.events.slice(0, 2)).intent!]);
  for (const event of life.events) applyEvent(event);
  assert.equal(store.getState().intentsById[id], final);
  assert.equal(store.getState().liveEvents.length, 0);
});

test("a gap is closed by asking the server", async () => {
  const store = createSepStore();
  const asked = serve({ [`/intents/${id}`]: final });
  store.getState().applyEvent(life.events[0]!);
  store.getState().applyEvent(life.events[3]!);
  await new Promise<void>((resolve) => {
    const stop = store.subscribe((state) => {
      if (state.intentsById[id]?.sequence !== final.sequence) return;
      stop();
      resolve();
    });
  });
  assert.deepEqual(asked, [`/intents/${id}`]);
  assert.deepEqual(store.getState().intentsById[id], final);
});

test("events of intents that nobody knows are heard, and change nothing", () => {
  const store = createSepStore();
  const asked = serve({});
  store.getState().applyEvent(life.events[2]!);
  assert.deepEqual(store.getState().intentsById, {});
  assert.deepEqual(asked, []);
  assert.deepEqual(store.getState().liveEvents, [life.events[2]]);
});

test("memory is bounded: events and intents that are old are forgotten", () => {
  const store = createSepStore();
  const first = life.events[0] as SepEvent & { topic: "intent.submitted" };
  for (let index = 0; index < 2_100; index += 1) {
    const name = index.toString(32).toUpperCase().padStart(26, "0");
    store.getState().applyEvent({ ...first, correlationId: `intent-${name}`, globalSequence: index + 1 });
  }
  const { intentsById, liveEvents } = store.getState();
  assert.equal(liveEvents.length, 500);
  assert.equal(liveEvents.at(-1)!.globalSequence, 2_100);
  assert.ok(Object.keys(intentsById).length <= 2_000);
  assert.ok((2_099).toString(32).toUpperCase().padStart(26, "0") in intentsById);
});

test("what a list shows is never forgotten, however many others arrive", () => {
  const store = createSepStore();
  const { applyViews, keepViews } = store.getState();
  const viewOf = (index: number): IntentView => {
    const name = index.toString(32).toUpperCase().padStart(26, "0");
    return { ...final, intent_id: name, correlation_id: `intent-${name}` };
  };
  const flood = (from: number) => applyViews(Array.from({ length: 2_300 }, (_, index) => viewOf(from + index)));
  const shown = viewOf(5);
  flood(1_000);
  keepViews([shown.intent_id]);
  applyViews([shown]);
  flood(4_000);
  assert.equal(store.getState().intentsById[shown.intent_id], shown);
  assert.ok(Object.keys(store.getState().intentsById).length <= 2_000);
  keepViews([]);
  flood(7_000);
  assert.equal(store.getState().intentsById[shown.intent_id], undefined);
});

test("a subscribed intent has its whole history, whatever came before", async () => {
  const store = createSepStore();
  serve({ [`/intents/${id}/events`]: { events: life.events.slice(0, 4) } });
  store.getState().applyEvent(life.events[0]!);
  const stop = store.getState().subscribeToIntent(id, (problem) => assert.fail(problem.message));
  await new Promise<void>((resolve) => {
    const unsubscribe = store.subscribe((state) => {
      if (state.eventsById[id]?.length !== 4) return;
      unsubscribe();
      resolve();
    });
  });
  for (const event of life.events) store.getState().applyEvent(event);
  assert.deepEqual(store.getState().eventsById[id], life.events);
  assert.deepEqual(store.getState().intentsById[id] as IntentView, final);
  stop();
  assert.equal(store.getState().eventsById[id], undefined);
});

test("an intent that is not there is told as such", async () => {
  const store = createSepStore();
  serve({});
  const problem = await new Promise((resolve) => store.getState().subscribeToIntent(id, resolve));
  assert.equal((problem as { status: number }).status, 404);
});
