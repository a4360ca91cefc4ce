// Makes schema/generated/ from the files that people edit; run by `make gen`, its output is committed.
//
//   schemas.json   every *.schema.json by its id (path without ".schema.json"), as the program embeds them
//   openapi.json   openapi.yaml with all schemas inside, as GET /openapi.json serves it
//   sources.json   the SHA-256 of each source; gateway_test says when one has changed since
//
// and web/lib/sep/generated/types.ts: the same documents as TypeScript types, with the payload of each topic.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { parse } from "yaml";

const root = dirname(fileURLToPath(import.meta.url));
const suffix = ".schema.json";

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
  .sort();
const read = (file) => readFileSync(join(root, file), "utf8");
const schemas = Object.fromEntries(
  files.filter((file) => file.endsWith(suffix)).map((file) => [file.slice(0, -suffix.length), JSON.parse(read(file))]),
);

// A schema's name among OpenAPI's components: "payloads/intent.submitted" -> "payloads.intent.submitted".
const component = (id) => id.replaceAll("/", ".");

// References between files become references into the bundle; `id` is the schema that holds the reference.
function bundled(value, id) {
  if (Array.isArray(value)) return value.map((element) => bundled(element, id));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "$schema" && key !== "$id")
      .map(([key, member]) => [key, key === "$ref" ? bundledReference(member, id) : bundled(member, id)]),
  );
}

function bundledReference(reference, id) {
  const [file, pointer = ""] = reference.split("#");
  if (file === "" && id === "") return reference;
  const target = file === "" ? id : posix.normalize(posix.join(posix.dirname(id), file)).slice(0, -suffix.length);
  if (!(target in schemas)) throw new Error(`${id || "openapi.yaml"}: no schema at ${reference}`);
  return `#/components/schemas/${component(target)}${pointer}`;
}

const openapi = bundled(parse(read("openapi.yaml")), "");
openapi.components.schemas = Object.fromEntries(
  Object.entries(schemas).map(([id, schema]) => [component(id), bundled(schema, id)]),
);

const sources = Object.fromEntries(
  files
    .filter((file) => file.endsWith(suffix) || file === "openapi.yaml" || file === "generate.mjs")
    .map((file) => [file, createHash("sha256").update(read(file)).digest("hex")]),
);

// One root that refers to every document, so that each becomes a named type.
const types = await compile(
  {
    title: "Documents",
    description: "Every document of schema/, by its name there.",
    type: "object",
    properties: Object.fromEntries(
      Object.keys(openapi.components.schemas)
        .filter((name) => name !== "common")
        .map((name) => [name, { $ref: `#/components/schemas/${name}` }]),
    ),
    required: Object.keys(openapi.components.schemas).filter((name) => name !== "common"),
    additionalProperties: false,
    components: openapi.components,
  },
  "Documents",
  {
    additionalProperties: false,
    maxItems: 2,
    bannerComment: "// Made by `make gen` from schema/; not to be edited.",
    style: { printWidth: 120 },
  },
);

/** What the files must hold, by their path in the repository. */
export const generated = {
  ...Object.fromEntries(
    Object.entries({ schemas, openapi, sources }).map(([name, document]) => [
      `schema/generated/${name}.json`,
      JSON.stringify(document, null, 1) + "\n",
    ]),
  ),
  "web/lib/sep/generated/types.ts": types,
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(generated)) {
    const file = join(root, "..", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
