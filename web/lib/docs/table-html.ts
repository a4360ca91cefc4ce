// The description's tables as HTML text. They have hundreds of rows, and what is made of elements is in the page twice,
// the second time at three times the size: for the framework, which has nothing to do here. So each tag counts twice as
// well: those that HTML lets a writer leave out are left out.
import type { TypePart } from "./openapi.ts";

/** One line of a table: a name with its type, and what it means. */
export interface DocsRow {
  /** The row's anchor. */
  id?: string;
  /** The path to the name: "pools[].". */
  parent?: string;
  name: string;
  optional?: boolean;
  /** Before the type: "query, ". */
  place?: string;
  type: readonly TypePart[];
  /** With `code` between backticks; one paragraph each. */
  meaning: readonly string[];
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as it stands in HTML, in an attribute's quotes too. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

/** Longer names are broken where they are made of parts, on a narrow page. */
const longName = 14;

/** A path may be broken behind a dot, a long name behind an underscore. */
function breakable(text: string): string {
  const html = escaped(text);
  return text.length < longName ? html : html.replace(/[._]/g, "$&<wbr>");
}

function typeHtml(parts: readonly TypePart[]): string {
  return parts
    .map(({ text, href }) => (href === undefined ? escaped(text) : `<a href="${escaped(href)}">${escaped(text)}</a>`))
    .join("");
}

function proseHtml(text: string): string {
  return escaped(text)
    .split("`")
    .map((part, index) => (index % 2 === 1 ? `<code>${part}</code>` : part))
    .join("");
}

function rowHtml({ id, parent = "", name, optional = false, place = "", type, meaning }: DocsRow): string {
  const anchor = id === undefined ? "" : ` id="${escaped(id)}"`;
  const path = parent === "" ? "" : `<i>${breakable(parent)}</i>`;
  const under = place === "" && type.length === 0 ? "" : `<small>${escaped(place)}${typeHtml(type)}</small>`;
  const told = meaning.filter((text) => text !== "").map(proseHtml);
  return (
    `<tr${anchor}><th scope=row>${path}${breakable(name)}${optional ? " <em>optional</em>" : ""}` +
    `<td>${under}${told.join("<br>")}`
  );
}

/** The inside of a table. All that comes in is escaped. */
export function tableHtml(caption: string, heads: readonly [string, string], rows: readonly DocsRow[]): string {
  const head = heads.map((text) => `<th scope=col>${escaped(text)}`).join("");
  return `<caption>${escaped(caption)}</caption><thead><tr>${head}<tbody>${rows.map(rowHtml).join("")}`;
}
