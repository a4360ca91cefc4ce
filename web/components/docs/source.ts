// The API's description and its samples, read when the pages are built.
import openapi from "../../../schema/generated/openapi.json";
import errors from "../../../schema/errors.json";
import intentSample from "../../../schema/samples/valid/intent/acquire.json";
import problemSample from "../../../schema/samples/valid/api/problem/validation.json";
import quoteSample from "../../../schema/samples/valid/api/quote_request/acquire.json";
import type { OpenApi } from "@/lib/docs/openapi.ts";

export const description = openapi as unknown as OpenApi;
export const errorCodes: readonly { code: string; kind: string; meaning: string }[] = errors.codes;
export const problem: unknown = problemSample;

/** Documents that a call takes, by method and path. */
export const bodies: Readonly<Record<string, unknown>> = {
  "POST /intents": intentSample,
  "POST /quotes": quoteSample,
};
