// Prepares the export in out/ for the gateway: compresses what compresses, and writes out/pages.json, the only list
// of what it may serve (src/gateway/pages.h reads it). Each page gets a Content-Security-Policy that names the hashes
// of its inline scripts, so that none but those ever runs.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const out = fileURLToPath(new URL("../out", import.meta.url));
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".txt": "text/x-component; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".ico": "image/x-icon",
  ".png": "image/png",
};
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("base64");

function policyOf(html) {
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(([, text]) => text);
  const hashes = [...new Set(scripts.map((text) => `'sha256-${hashOf(text)}'`))];
  return [
    "default-src 'none'",
    `script-src 'self' ${hashes.join(" ")}`.trim(),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

// Each only where it is smaller.
function compress(name, bytes) {
  const encodings = {};
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  for (const [encoding, suffix, packed] of [
    ["br", ".br", brotli],
    ["gzip", ".gz", gzipSync(bytes, { level: 9 })],
  ]) {
    if (packed.length >= bytes.length) continue;
    writeFileSync(join(out, name + suffix), packed);
    encodings[encoding] = name + suffix;
  }
  return encodings;
}

const names = readdirSync(out, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && extname(entry.name) in types)
  .map((entry) => relative(out, join(entry.parentPath, entry.name)))
  .filter((name) => name !== "pages.json")
  .sort();

const files = {};
const routes = {};
for (const name of names) {
  const bytes = readFileSync(join(out, name));
  const type = types[extname(name)];
  files[`/${name}`] = {
    type,
    etag: `"${hashOf(bytes).slice(0, 22)}"`,
    immutable: name.startsWith("_next/static/"),
    encodings: compress(name, bytes),
    ...(extname(name) === ".html" && { csp: policyOf(bytes.toString("utf8")) }),
  };
  // The one page of the export whose address holds an identifier.
  const path = `/${name}`.replace(/^\/intent\/_/, "/intent/{id}");
  if (extname(name) === ".html") routes[path.replace(/\.html$/, "").replace(/^\/index$/, "/")] = `/${name}`;
  else if (path !== `/${name}`) routes[path] = `/${name}`;
}

writeFileSync(join(out, "pages.json"), JSON.stringify({ files, routes }, null, 1) + "\n");
