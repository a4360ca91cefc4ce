import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ApiProblem } from "../sep/api.ts";
import type { Intent, Quote } from "../sep/types.ts";
import { readRequest } from "./document.ts";
import { createSubmitStore, staleAfterMs, type Surroundings } from "./store.ts";
import { account, buying, platform, tokens } from "./test-support.ts";

const known: Surroundings = { tokens, platform, account };

/** A store whose server answers what the test says, and notes what it was sent. */
function made({ quote = () => buying }: { quote?: () => Quote } = {}) {
  const sent: { key: string; intent: Intent }[] = [];
  const clock = { now: 1_000_000 };
  let keys = 0;
  let quotes = 0;
  const answers: (ApiProblem | "taken")[] = [];
  const store = createSubmitStore({
    quote: async () => {
      quotes += 1;
      return quote();
    },
    submit: async (intent, key) => {
      sent.push({ key, intent });
      const answer = answers.shift() ?? "taken";
      if (answer !== "taken") throw answer;
      return { intent_id: "01J5S3Y4PEJHBJ5A7FYHBXQRFG", correlation_id: "", state: "submitted" };
    },
    newKey: () => `key-${(keys += 1)}`,
    now: () => clock.now,
  });
  store.getState().edit({ amount: "1", strategy: "demo" });
  return {
    store,
    sent,
    clock,
    answers,
    quotes: () => quotes,
    submit: () => store.getState().submit(async () => known),
    ask: () => store.getState().ask(readRequest(store.getState().form, tokens, platform)!),
    keys: () => sent.map(({ key }) => key),
  };
}
const timeout = () => new ApiProblem(0, "TIMEOUT", "the server did not answer within 10 s");

describe("a submission", () => {
  test("goes out with a key, and leaves the form for the next", async () => {
    const it = made();
    const outcome = await it.submit();
    assert.deepEqual(outcome, {
      kind: "submitted",
      intentId: "01J5S3Y4PEJHBJ5A7FYHBXQRFG",
      strategy: "demo",
      sentence: "Buy exactly 1 WETH, pay at most 2,515.02 USDC.",
    });
    assert.equal(it.sent[0]?.intent.amount, "1");
    assert.deepEqual([it.store.getState().form.amount, it.store.getState().form.strategy], ["", "demo"]);
  });
  test("happens once, however often it is asked for meanwhile", async () => {
    const it = made();
    await Promise.all([it.submit(), it.submit(), it.submit()]);
    assert.equal(it.sent.length, 1);
  });
  test("waits for what the form is read with, and is then read as it stands", async () => {
    const it = made();
    let load: (known: Surroundings) => void = () => {};
    const pressed = it.store.getState().submit(() => new Promise((resolve) => (load = resolve)));
    assert.equal(it.store.getState().sending, true);
    it.store.getState().edit({ amount: "2", strategy: "later" });
    load(known);
    const outcome = await pressed;
    assert.equal(outcome?.kind === "submitted" && outcome.strategy, "later");
    assert.deepEqual([it.sent[0]?.intent.amount, it.store.getState().sending], ["2", false]);
  });
  test("is not sent while the form has faults", async () => {
    const it = made();
    it.store.getState().edit({ amount: "", strategy: "" });
    assert.deepEqual(await it.submit(), { kind: "refused", field: "amount" });
    assert.deepEqual(Object.keys(it.store.getState().faults), ["amount", "strategy"]);
    it.store.getState().edit({ amount: "1" });
    assert.deepEqual(Object.keys(it.store.getState().faults), ["strategy"]);
    assert.equal(it.sent.length, 0);
  });
});

describe("the idempotency key", () => {
  test("stays for a repeated click after a refusal", async () => {
    const it = made();
    it.answers.push(
      new ApiProblem(400, "VALIDATION_FAILED", "no", [{ pointer: "/amount", code: "X", message: "is bad" }]),
    );
    await it.submit();
    await it.submit();
    assert.deepEqual(it.keys(), ["key-1", "key-1"]);
  });
  test("is new after an edit, and after a success", async () => {
    const it = made();
    it.answers.push(new ApiProblem(400, "VALIDATION_FAILED", "no"));
    await it.submit();
    it.store.getState().edit({ style: "passive" });
    await it.submit();
    it.store.getState().edit({ amount: "1" });
    await it.submit();
    assert.deepEqual(it.keys(), ["key-1", "key-2", "key-3"]);
  });
  test("stays where the outcome is not known, even if the content comes back by edits", async () => {
    const it = made();
    it.answers.push(timeout(), new ApiProblem(503, "OUTCOME_UNKNOWN", "unknown"));
    assert.deepEqual(await it.submit(), { kind: "refused", field: undefined });
    assert.match(
      it.store.getState().refusal ?? "",
      /^No confirmation: The server did not answer within 10 s\. It is not/,
    );
    await it.submit();
    it.store.getState().edit({ amount: "2" });
    assert.equal(it.store.getState().unanswered?.key, "key-1");
    it.store.getState().edit({ amount: "1" });
    await it.submit();
    assert.deepEqual(it.keys(), ["key-1", "key-1", "key-1"]);
    assert.equal(it.store.getState().unanswered, undefined);
  });
  test("a retry of what may have been taken is judged by the platform alone", async () => {
    const it = made();
    it.answers.push(timeout());
    await it.submit();
    const spent: Surroundings = {
      ...known,
      account: { ...account, tokens: [], native: { ...account.native, balance: "0" } },
    };
    assert.equal((await it.store.getState().submit(async () => spent))?.kind, "submitted");
  });
  test("is given up after a conflict", async () => {
    const it = made();
    it.answers.push(new ApiProblem(409, "IDEMPOTENCY_CONFLICT", "used before"));
    await it.submit();
    assert.match(it.store.getState().refusal ?? "", /^Not submitted: /);
    assert.equal(it.store.getState().form.amount, "1");
    await it.submit();
    assert.deepEqual(it.keys(), ["key-1", "key-2"]);
  });
});

describe("the server's faults", () => {
  test("stand at their fields, and above the button where there is none", async () => {
    const it = made();
    it.answers.push(
      new ApiProblem(400, "VALIDATION_FAILED", "Three fields are at fault.", [
        { pointer: "/constraints/time_window", code: "X", message: "is too long" },
        { pointer: "/success_criteria/0/value", code: "X", message: "is no number" },
        { pointer: "/header/Idempotency-Key", code: "X", message: "is too long" },
      ]),
    );
    assert.deepEqual(await it.submit(), { kind: "refused", field: "window" });
    const { faults, refusal } = it.store.getState();
    assert.deepEqual(faults, { window: "Is too long.", "criteria.0.value": "Is no number." });
    assert.equal(refusal, "Not submitted: /header/Idempotency-Key is too long.");
  });
  test("a stop of all new work is a plain refusal", async () => {
    const it = made();
    it.answers.push(new ApiProblem(503, "KILL_SWITCH", "new work is stopped"));
    await it.submit();
    assert.equal(it.store.getState().refusal, "Not submitted: New work is stopped.");
    assert.equal(it.store.getState().unanswered, undefined);
  });
});

describe("the quote", () => {
  test("that is young is submitted on; an old one is asked for again first", async () => {
    const it = made();
    await it.ask();
    it.clock.now += staleAfterMs;
    await it.submit();
    assert.equal(it.quotes(), 1);
    it.store.getState().edit({ amount: "1" });
    it.clock.now += 1;
    await it.submit();
    assert.equal(it.quotes(), 2);
  });
  test("that became worse is shown before it is taken", async () => {
    const prices = ["2515", "2520"];
    const it = made({ quote: () => ({ ...buying, max_amount_in: prices.shift() ?? "2520" }) });
    await it.ask();
    it.clock.now += staleAfterMs + 1;
    assert.deepEqual(await it.submit(), { kind: "refused", field: undefined });
    assert.equal(
      it.store.getState().refusal,
      "Not submitted: the price has moved. Now: pay at most 2,520.00 USDC. Submit again to accept it.",
    );
    assert.equal((await it.submit())?.kind, "submitted");
  });
  test("that cannot be had stops the submission", async () => {
    const it = made({
      quote: () => {
        throw new ApiProblem(422, "NO_ROUTE", "no pool trades this pair");
      },
    });
    await it.submit();
    assert.equal(it.store.getState().refusal, "Not submitted: no pool connects the two. Choose another pair.");
    assert.equal(it.sent.length, 0);
  });
  test("stays while its successor fails", async () => {
    let fails = false;
    const it = made({
      quote: () => {
        if (fails) throw new ApiProblem(0, "UNREACHABLE", "the server cannot be reached");
        return buying;
      },
    });
    await it.ask();
    fails = true;
    await assert.rejects(it.ask());
    assert.equal(it.store.getState().quoted?.quote, buying);
    assert.equal(it.store.getState().quoteProblem?.problem.code, "UNREACHABLE");
    fails = false;
    await it.ask();
    assert.equal(it.store.getState().quoteProblem, undefined);
  });
  test("an answer that was overtaken is dropped", async () => {
    const waiting: ((quote: Quote) => void)[] = [];
    const store = createSubmitStore({
      quote: () => new Promise((resolve) => waiting.push(resolve)),
      submit: () => Promise.reject(new Error("unused")),
      newKey: () => "",
      now: () => 0,
    });
    store.getState().edit({ amount: "1" });
    const request = readRequest(store.getState().form, tokens, platform)!;
    const [first, second] = [store.getState().ask(request), store.getState().ask({ ...request, amount: "2" })];
    waiting[1]!({ ...buying, amount: "2" });
    waiting[0]!(buying);
    await Promise.all([first, second]);
    assert.equal(store.getState().quoted?.quote.amount, "2");
  });
});

describe("what is known to be refused", () => {
  test("is not sent", async () => {
    const it = made();
    const poor = { ...account, tokens: [{ ...account.tokens[1]!, balance: "1904.18" }] };
    await it.store.getState().submit(async () => ({ ...known, account: poor }));
    assert.equal(
      it.store.getState().refusal,
      "Not submitted: balance too low. Needs 2,515.02 USDC, account has 1,904.18 USDC.",
    );
    assert.equal(it.sent.length, 0);
  });
  test("a trade that moves the price far needs its amount typed again", async () => {
    const it = made({ quote: () => ({ ...buying, price_impact: "0.148" }) });
    const lenient = { ...known, platform: { ...platform, limits: { ...platform.limits, max_price_impact: "0.5" } } };
    assert.deepEqual(await it.store.getState().submit(async () => lenient), { kind: "refused", field: "retyped" });
    it.store.getState().retype("1,0");
    assert.equal((await it.store.getState().submit(async () => lenient))?.kind, "submitted");
    assert.equal(it.store.getState().retyped, "");
  });
});
