// The small pieces of the description: types, names, code.
import { Fragment } from "react";
import type { TypePart } from "@/lib/docs/openapi.ts";

/** A type, with links to the schemas that it names. */
export function Type({ parts }: { parts: readonly TypePart[] }) {
  return parts.map(({ text, href }, index) =>
    href === undefined ? (
      <Fragment key={index}>{text}</Fragment>
    ) : (
      <a key={index} href={href}>
        {text}
      </a>
    ),
  );
}

/** Sentences and limits of a value, as one text. */
export function meaning(description: string | undefined, limits: readonly string[]): string {
  const said = limits.length === 0 ? "" : `${limits.join("; ")}.`;
  const start = said.charAt(0).toUpperCase() + said.slice(1);
  return [description, start].filter((part) => part !== undefined && part !== "").join(" ");
}

/** Text with `code` in it, as the description writes it. */
export function Prose({ text }: { text: string }) {
  return text
    .split("`")
    .map((part, index) =>
      index % 2 === 1 ? <code key={index}>{part}</code> : <Fragment key={index}>{part}</Fragment>,
    );
}

/** An example. One click selects all of it. */
export function Example({ text }: { text: string }) {
  return (
    <pre className="rounded-control border border-line bg-sunken px-3 py-2.5 font-mono text-note break-words whitespace-pre-wrap select-all">
      {text}
    </pre>
  );
}

const tints: Readonly<Record<string, string>> = {
  GET: "bg-grey-tint text-grey",
  POST: "bg-blue-tint text-blue",
  WS: "bg-green-tint text-green",
};

export function Method({ name }: { name: string }) {
  return (
    <span
      className={`inline-flex h-[22px] items-center rounded-badge px-1.5 text-note font-semibold ${tints[name] ?? tints["GET"]}`}
    >
      {name}
    </span>
  );
}
