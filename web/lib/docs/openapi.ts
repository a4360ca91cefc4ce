// The API's description (schema/generated/openapi.json) as a page needs it: calls by tag, schemas as flat rows.
//
// Invariants
//  1. A reference is never opened in place of itself: it is a link to the one place where its schema is shown. So each
//     schema is on the page once, and one that refers to itself ends.
//  2. What a schema says inline (objects in objects, objects in arrays) is opened, with the path to it.

export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: readonly unknown[];
  const?: unknown;
  oneOf?: readonly Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  default?: unknown;
  "x-hint"?: string;
  $defs?: Readonly<Record<string, Schema>>;
}

interface Content {
  content?: Readonly<Record<string, { schema: Schema }>>;
}
interface RawParameter {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}
interface RawAnswer extends Content {
  $ref?: string;
  description: string;
  headers?: Readonly<Record<string, { description: string }>>;
}
interface RawOperation {
  tags: readonly string[];
  operationId: string;
  summary: string;
  description?: string;
  parameters?: readonly RawParameter[];
  requestBody?: Content & { required?: boolean };
  responses: Readonly<Record<string, RawAnswer>>;
}
type PathItem = { parameters?: readonly RawParameter[] } & Partial<Record<"get" | "post", RawOperation>>;

export interface OpenApi {
  info: { title: string; version: string; description: string };
  tags: readonly { name: string; description?: string }[];
  paths: Readonly<Record<string, PathItem>>;
  components: {
    schemas: Readonly<Record<string, Schema>>;
    parameters: Readonly<Record<string, RawParameter>>;
    responses: Readonly<Record<string, RawAnswer>>;
  };
}

/** A piece of a type's words; with `href` where it names a schema that the page shows. */
export interface TypePart {
  text: string;
  href?: string;
}

/** One field of a schema, however deep. */
export interface SchemaRow {
  /** "pools[].fee": `parent` is "pools[].", `name` "fee". */
  parent: string;
  name: string;
  required: boolean;
  type: TypePart[];
  description: string | undefined;
  /** What its value must be, in words. */
  limits: string[];
}

// --- references

const schemaPrefix = "#/components/schemas/";

/** What a JSON pointer into the document names; an error where it names nothing. */
export function resolve(document: OpenApi, reference: string): unknown {
  let value: unknown = document;
  for (const token of reference.replace(/^#\//, "").split("/")) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    value = (value as Record<string, unknown> | undefined)?.[key];
  }
  if (value === undefined) throw new Error(`nothing at ${reference}`);
  return value;
}

/** Follows references until there is a schema; one that only refers to itself is an error. */
export function schemaOf(document: OpenApi, schema: Schema): Schema {
  const seen = new Set<string>();
  let found = schema;
  while (found.$ref !== undefined) {
    if (seen.has(found.$ref)) throw new Error(`${found.$ref} refers to itself`);
    seen.add(found.$ref);
    found = resolve(document, found.$ref) as Schema;
  }
  return found;
}

function opened<T extends { $ref?: string }>(document: OpenApi, value: T): T {
  return value.$ref === undefined ? value : (resolve(document, value.$ref) as T);
}

/** The page's anchor of a schema: "schema-api.stats", "schema-api.stats.bucket", "form-amount". */
export function anchorOf(component: string, definition?: string): string {
  if (component === "common" && definition !== undefined) return `form-${definition}`;
  return definition === undefined ? `schema-${component}` : `schema-${component}.${definition}`;
}

function named(document: OpenApi, reference: string): TypePart[] {
  const [component = "", kind, definition] = reference.slice(schemaPrefix.length).split("/");
  if (kind === undefined) {
    const title = document.components.schemas[component]?.title ?? component;
    return [{ text: title, href: `#${anchorOf(component)}` }];
  }
  const target = resolve(document, reference) as Schema;
  const isShown = component === "common" || target.properties !== undefined || target.oneOf !== undefined;
  if (kind === "$defs" && definition !== undefined && isShown)
    return [{ text: definition.replaceAll("_", " "), href: `#${anchorOf(component, definition)}` }];
  // A part of a schema that has no place of its own on the page.
  return typeOf(document, target);
}

// --- types

const isNull = (schema: Schema): boolean => schema.type === "null";
const literal = (value: unknown): string => JSON.stringify(value);

/** A type in words: "array of Asset", "amount or null", "\"exact\" or \"standing\"". */
export function typeOf(document: OpenApi, schema: Schema): TypePart[] {
  if (schema.$ref !== undefined) return named(document, schema.$ref);
  if (schema.const !== undefined) return [{ text: literal(schema.const) }];
  if (schema.enum !== undefined) return [{ text: schema.enum.map(literal).join(" or ") }];
  if (schema.oneOf !== undefined)
    return schema.oneOf.flatMap((one, index) => [...(index > 0 ? [{ text: " or " }] : []), ...typeOf(document, one)]);
  if (schema.type === "array") return [{ text: "array of " }, ...typeOf(document, schema.items ?? {})];
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return [{ text: "map of string to " }, ...typeOf(document, schema.additionalProperties)];
  if (isNull(schema)) return [{ text: "null" }];
  const type = typeof schema.type === "string" ? schema.type : schema.type?.join(" or ");
  return [{ text: schema.title ?? type ?? "anything" }];
}

/** What a value must be besides its type. */
export function limitsOf(schema: Schema): string[] {
  const limits: string[] = [];
  const { minimum, maximum, minItems, maxItems, minLength, maxLength } = schema;
  if (minimum !== undefined && maximum !== undefined) limits.push(`${minimum} to ${maximum}`);
  else if (minimum !== undefined && minimum !== 0) limits.push(`at least ${minimum}`);
  else if (maximum !== undefined) limits.push(`at most ${maximum}`);
  if (minItems !== undefined && minItems === maxItems) limits.push(`exactly ${minItems}`);
  else {
    if (minItems !== undefined) limits.push(`at least ${minItems} of them`);
    if (maxItems !== undefined) limits.push(`at most ${maxItems} of them`);
  }
  if (schema["x-hint"] !== undefined) limits.push(schema["x-hint"]);
  else if (minLength !== undefined && maxLength !== undefined) limits.push(`${minLength} to ${maxLength} characters`);
  if (schema.default !== undefined) limits.push(`${literal(schema.default)} unless said`);
  return limits;
}

// --- rows

/** The inline object that a property holds, and what its path adds. */
function inside(schema: Schema): { schema: Schema; suffix: string } | undefined {
  if (schema.properties !== undefined) return { schema, suffix: "." };
  if (schema.items?.properties !== undefined) return { schema: schema.items, suffix: "[]." };
  const { additionalProperties } = schema;
  if (typeof additionalProperties === "object" && additionalProperties.properties !== undefined)
    return { schema: additionalProperties, suffix: ".<name>." };
  const option = schema.oneOf?.find((one) => one.properties !== undefined);
  return option && schema.oneOf?.filter((one) => !isNull(one)).length === 1
    ? { schema: option, suffix: "." }
    : undefined;
}

/** Every field of an object's schema in its order, those of inline objects beneath their own. */
export function rowsOf(document: OpenApi, schema: Schema, parent = ""): SchemaRow[] {
  const object = schemaOf(document, schema);
  return Object.entries(object.properties ?? {}).flatMap(([name, property]) => {
    const row: SchemaRow = {
      parent,
      name,
      required: object.required?.includes(name) ?? false,
      type: typeOf(document, property),
      description: property.description,
      limits: limitsOf(property),
    };
    const deeper = inside(property);
    return deeper === undefined ? [row] : [row, ...rowsOf(document, deeper.schema, `${parent}${name}${deeper.suffix}`)];
  });
}

export interface SchemaView {
  anchor: string;
  title: string;
  description: string | undefined;
  /** One for each form that the document may take; most have one, without a title. */
  forms: { title: string | undefined; description: string | undefined; rows: SchemaRow[] }[];
}

function viewOf(document: OpenApi, schema: Schema, anchor: string, title: string): SchemaView {
  const forms = schema.oneOf ?? [schema];
  return {
    anchor,
    title,
    description: schema.description,
    forms: forms.map((form) => {
      const found = schemaOf(document, form);
      return {
        title: schema.oneOf === undefined ? undefined : found.title,
        description: schema.oneOf === undefined ? undefined : found.description,
        rows: rowsOf(document, found),
      };
    }),
  };
}

/** A named schema, then the ones that it defines for itself. */
export function schemaViews(document: OpenApi, component: string): SchemaView[] {
  const schema = resolve(document, `${schemaPrefix}${component}`) as Schema;
  const title = schema.title ?? component;
  return [
    viewOf(document, schema, anchorOf(component), title),
    ...Object.entries(schema.$defs ?? {}).map(([name, definition]) =>
      viewOf(document, definition, anchorOf(component, name), `${title}: ${name.replaceAll("_", " ")}`),
    ),
  ].filter((view) => view.forms.some((form) => form.rows.length > 0));
}

export interface Form {
  anchor: string;
  name: string;
  type: TypePart[];
  description: string | undefined;
  limits: string[];
}

/** The forms of values that the schemas share: "amount", "ulid". Those that are objects have rows of their own. */
export function commonForms(document: OpenApi): { values: Form[]; objects: SchemaView[] } {
  const definitions = Object.entries(document.components.schemas["common"]?.$defs ?? {});
  const isObject = (schema: Schema): boolean => schema.properties !== undefined;
  return {
    values: definitions
      .filter(([, schema]) => !isObject(schema))
      .map(([name, schema]) => ({
        anchor: anchorOf("common", name),
        name: name.replaceAll("_", " "),
        type: typeOf(document, schema),
        description: schema.description,
        limits: limitsOf(schema),
      })),
    objects: definitions
      .filter(([, schema]) => isObject(schema))
      .map(([name, schema]) => viewOf(document, schema, anchorOf("common", name), name.replaceAll("_", " "))),
  };
}

// --- calls

export interface Parameter {
  name: string;
  place: string;
  required: boolean;
  type: TypePart[];
  description: string | undefined;
  limits: string[];
}
export interface Answer {
  status: string;
  /** Calls share this answer; it is described once. */
  shared: boolean;
  description: string;
  headers: { name: string; description: string }[];
  mediaType: string | undefined;
  type: TypePart[] | undefined;
}
export interface Call {
  anchor: string;
  method: string;
  path: string;
  tag: string;
  summary: string;
  description: string | undefined;
  parameters: Parameter[];
  body: TypePart[] | undefined;
  answers: Answer[];
}

function contentOf(document: OpenApi, { content }: Content): { mediaType?: string; type?: TypePart[] } {
  const [entry] = Object.entries(content ?? {});
  if (entry === undefined) return {};
  const [mediaType, { schema }] = entry;
  return { mediaType, type: typeOf(document, schema) };
}

function callOf(document: OpenApi, path: string, method: string, item: PathItem, operation: RawOperation): Call {
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => opened(document, one));
  return {
    anchor: `call-${operation.operationId}`,
    method: method.toUpperCase(),
    path,
    tag: operation.tags[0] ?? "",
    summary: operation.summary,
    description: operation.description,
    parameters: parameters.map((parameter) => ({
      name: parameter.name,
      place: parameter.in,
      required: parameter.required ?? false,
      type: typeOf(document, parameter.schema),
      description: parameter.description,
      limits: limitsOf(parameter.schema),
    })),
    body: operation.requestBody && contentOf(document, operation.requestBody).type,
    answers: Object.entries(operation.responses).map(([status, given]) => {
      const answer = opened(document, given);
      const { mediaType, type } = contentOf(document, answer);
      const headers = Object.entries(answer.headers ?? {});
      return {
        status,
        shared: given.$ref !== undefined,
        description: answer.description,
        headers: headers.map(([name, { description }]) => ({ name, description })),
        mediaType,
        type,
      };
    }),
  };
}

/** Every call in the order of the document. */
export function callsOf(document: OpenApi): Call[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) =>
      method === "parameters" ? [] : [callOf(document, path, method, item, operation as RawOperation)],
    ),
  );
}

/** The answers that calls share, by status. */
export function sharedAnswers(document: OpenApi): { status: string; description: string }[] {
  const shared = callsOf(document).flatMap((call) => call.answers.filter((answer) => answer.shared));
  const byStatus = new Map(shared.map((answer) => [answer.status, answer.description]));
  return [...byStatus]
    .map(([status, description]) => ({ status, description }))
    .sort((a, b) => (a.status < b.status ? -1 : 1));
}

// --- examples

/** What stands for a path's parameter in an example. */
const exampleOf: Readonly<Record<string, string>> = {
  "/strategies/{id}/positions": "demo",
};
const exampleUlid = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";

/** A command line that makes the call; `body` is its JSON document. */
export function curlOf(call: Pick<Call, "method" | "path">, origin: string, body?: unknown): string {
  const path = call.path.replace("{id}", exampleOf[call.path] ?? exampleUlid);
  const lines = [`curl -s ${call.method === "GET" ? "" : `-X ${call.method} `}${origin}${path}`];
  if (body !== undefined) {
    lines.push("-H 'Content-Type: application/json'");
    lines.push(`-d '${JSON.stringify(body, null, 2)}'`);
  }
  return lines.join(" \\\n  ");
}
