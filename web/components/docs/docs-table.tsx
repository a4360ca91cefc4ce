import { tableHtml, type DocsRow } from "@/lib/docs/table-html.ts";

/** Names at the left, what they mean at the right. */
export function DocsTable({
  caption,
  heads = ["Field", "Meaning"],
  rows,
}: {
  caption: string;
  heads?: readonly [string, string];
  rows: readonly DocsRow[];
}) {
  return <table dangerouslySetInnerHTML={{ __html: tableHtml(caption, heads, rows) }} />;
}
