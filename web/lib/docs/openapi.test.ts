import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  callsOf,
  commonForms,
  curlOf,
  limitsOf,
  resolve,
  rowsOf,
  schemaOf,
  schemaViews,
  sharedAnswers,
  typeOf,
  type OpenApi,
  type Schema,
  type TypePart,
} from "./openapi.ts";

const real = JSON.parse(
  readFileSync(new URL("../../../schema/generated/openapi.json", import.meta.url), "utf8"),
) as OpenApi;
const words = (type: readonly TypePart[]): string => type.map((part) => part.text).join("");

function documentOf(schemas: Record<string, Schema>): OpenApi {
  return {
    info: { title: "", version: "", description: "" },
    tags: [],
    paths: {},
    components: { schemas, parameters: {}, responses: {} },
  };
}
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

test("types in words, with links to what has a name", () => {
  const document = documentOf({
    asset: { title: "Asset", type: "object", properties: {} },
    common: { $defs: { max_slippage: { type: "string" } } },
    view: { properties: { metric: { enum: ["a", "b"] } } },
  });
  assert.deepEqual(typeOf(document, { type: "array", items: ref("asset") }), [
    { text: "array of " },
    { text: "Asset", href: "#schema-asset" },
  ]);
  assert.deepEqual(typeOf(document, ref("common/$defs/max_slippage")), [
    { text: "max slippage", href: "#form-max_slippage" },
  ]);
  assert.equal(words(typeOf(document, ref("view/properties/metric"))), '"a" or "b"');
  assert.equal(words(typeOf(document, { oneOf: [ref("asset"), { type: "null" }] })), "Asset or null");
  assert.equal(words(typeOf(document, { const: "approve" })), '"approve"');
  assert.equal(
    words(typeOf(document, { type: "object", additionalProperties: { type: "integer" } })),
    "map of string to integer",
  );
  assert.equal(words(typeOf(document, {})), "anything");
});

test("inline objects are opened with the path to them, in order", () => {
  const document = documentOf({});
  const rows = rowsOf(document, {
    type: "object",
    required: ["pools"],
    properties: {
      pools: {
        type: "array",
        items: { type: "object", required: ["fee"], properties: { fee: { type: "integer" } } },
      },
      chain: { type: "object", properties: { head: { type: "object", properties: { number: { type: "integer" } } } } },
      stages: {
        type: "object",
        additionalProperties: { type: "object", properties: { count: { type: "integer" } } },
      },
      last: { oneOf: [{ type: "object", properties: { id: { type: "string" } } }, { type: "null" }] },
    },
  });
  assert.deepEqual(
    rows.map((row) => row.parent + row.name),
    [
      "pools",
      "pools[].fee",
      "chain",
      "chain.head",
      "chain.head.number",
      "stages",
      "stages.<name>.count",
      "last",
      "last.id",
    ],
  );
  assert.deepEqual(
    rows.filter((row) => row.required).map((row) => row.name),
    ["pools", "fee"],
  );
});

test("a schema that refers to itself ends, and one that is only a circle is an error", () => {
  const document = documentOf({
    tree: { title: "Tree", type: "object", properties: { children: { type: "array", items: ref("tree") } } },
    a: ref("b"),
    b: ref("a"),
  });
  assert.deepEqual(
    schemaViews(document, "tree")[0]?.forms[0]?.rows.map((row) => words(row.type)),
    ["array of Tree"],
  );
  assert.throws(() => schemaOf(document, ref("a")), /refers to itself/);
  assert.throws(() => resolve(document, "#/components/schemas/none"), /nothing at/);
});

test("each alternative of a document has its own rows", () => {
  const [view] = schemaViews(real, "api.stream_action");
  assert.deepEqual(
    view?.forms.map((form) => form.title),
    ["Subscribe", "Unsubscribe", "Ping"],
  );
  assert.ok(view?.forms.every((form) => form.rows[0]?.name === "action"));
});

test("limits in words", () => {
  assert.deepEqual(limitsOf({ minimum: 1, maximum: 200, default: 50 }), ["1 to 200", "50 unless said"]);
  assert.deepEqual(limitsOf({ minimum: 0 }), []);
  assert.deepEqual(limitsOf({ minItems: 2, maxItems: 2 }), ["exactly 2"]);
  assert.deepEqual(limitsOf({ minLength: 1, maxLength: 64, "x-hint": "a name" }), ["a name"]);
});

test("every call of the real description is there, with its parameters and answers opened", () => {
  const calls = callsOf(real);
  const cancel = calls.find((call) => call.path === "/intents/{id}/cancel");
  assert.equal(cancel?.method, "POST");
  assert.equal(cancel?.parameters[0]?.name, "id");
  assert.equal(cancel?.parameters[0]?.required, true);
  assert.equal(words(cancel?.answers.find((answer) => answer.status === "404")?.type ?? []), "Problem");
  assert.equal(
    calls.length,
    Object.values(real.paths).reduce((sum, item) => sum + Number("get" in item) + Number("post" in item), 0),
  );
  assert.equal(new Set(calls.map((call) => call.anchor)).size, calls.length);
});

test("answers that calls share are described once", () => {
  const shared = sharedAnswers(real);
  assert.deepEqual(
    shared.map((answer) => answer.status),
    ["400", "404", "409", "413", "415", "429", "503", "504"],
  );
  const submit = callsOf(real).find((call) => call.anchor === "call-submitIntent");
  assert.deepEqual(
    submit?.answers.filter((answer) => !answer.shared).map((answer) => answer.status),
    ["201"],
  );
});

test("every link of the real description leads to something that is shown once", () => {
  const components = Object.keys(real.components.schemas).filter((name) => name !== "common" && name !== "errors");
  const views = components.flatMap((name) => schemaViews(real, name));
  const { values, objects } = commonForms(real);
  const anchors = [...views, ...objects, ...values].map((one) => one.anchor);
  assert.equal(new Set(anchors).size, anchors.length);
  const types = [
    ...[...views, ...objects].flatMap((view) => view.forms.flatMap((form) => form.rows.map((row) => row.type))),
    ...callsOf(real).flatMap((call) => [call.body ?? [], ...call.answers.map((answer) => answer.type ?? [])]),
    ...callsOf(real).flatMap((call) => call.parameters.map((parameter) => parameter.type)),
  ];
  for (const { href, text } of types.flat())
    if (href !== undefined) assert.ok(anchors.includes(href.slice(1)), `${text}: nothing at ${href}`);
});

test("an example is a command that can be run", () => {
  const get = { method: "GET", path: "/intents/{id}/events" };
  assert.equal(curlOf(get, "http://h"), "curl -s http://h/intents/01J5S3Y4PEJHBJ5A7FYHBXQRFG/events");
  assert.equal(
    curlOf({ method: "GET", path: "/strategies/{id}/positions" }, "http://h"),
    "curl -s http://h/strategies/demo/positions",
  );
  assert.match(
    curlOf({ method: "POST", path: "/quotes" }, "http://h", { a: 1 }),
    /-X POST http:\/\/h\/quotes \\\n.*json' \\\n {2}-d '\{/,
  );
});
