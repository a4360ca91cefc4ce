import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

// The pages are files: the gateway serves them, beside the API, on one origin.
const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  // `make lint` checks types, with the project's own compiler.
  typescript: { ignoreBuildErrors: true },
  turbopack: { root: dirname(dirname(fileURLToPath(import.meta.url))) },
};

export default config;
