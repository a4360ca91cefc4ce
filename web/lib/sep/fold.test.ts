import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { applyToIntent, applyToPlan, foldHistory } from "./fold.ts";
import type { IntentView, PlanView, SepEvent } from "./types.ts";

interface Life {
  name: string;
  events: SepEvent[];
  /** After each event, by the server's projection. */
  views: IntentView[];
  plans: Record<string, PlanView>[];
}
const vectors = new URL("../../../tests/vectors/projection.json", import.meta.url);
const { lives } = JSON.parse(readFileSync(vectors, "utf8")) as { lives: Life[] };

for (const life of lives) {
  test(`the server's projection and this one agree after every event: ${life.name}`, () => {
    let view: IntentView | undefined;
    let plans: Record<string, PlanView> = {};
    life.events.forEach((event, index) => {
      view = applyToIntent(view, event);
      plans = Object.fromEntries(Object.entries(plans).map(([id, plan]) => [id, applyToPlan(plan, event)!]));
      const made = applyToPlan(undefined, event);
      if (made) plans[made.plan_id] = made;
      assert.deepEqual(view, life.views[index], `intent after event ${index + 1}, ${event.topic}`);
      assert.deepEqual(plans, life.plans[index], `plans after event ${index + 1}, ${event.topic}`);
    });
  });

  test(`repeats and late events change nothing: ${life.name}`, () => {
    const { intent } = foldHistory(life.events);
    let view = intent;
    for (const event of life.events) view = applyToIntent(view, event);
    assert.equal(view, intent);
  });
}

test("the lives hold every topic", () => {
  const topics = new Set(lives.flatMap((life) => life.events.map((event) => event.topic)));
  assert.equal(topics.size, 17);
});

test("an event beyond the next one is not applied", () => {
  const [first, , third] = lives.find((life) => life.events.length > 3)!.events;
  const view = applyToIntent(undefined, first!);
  assert.equal(applyToIntent(view, third!), view);
  assert.equal(applyToIntent(undefined, third!), undefined);
});
