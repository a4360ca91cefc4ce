import assert from "node:assert/strict";
import { test } from "node:test";
import { escaped, tableHtml, type DocsRow } from "./table-html.ts";

const bodyOf = (row: DocsRow): string | undefined =>
  tableHtml("Fields", ["Field", "Meaning"], [row]).split("<tbody>")[1];

test("a row has its name, its type with links, and its meaning", () => {
  assert.equal(
    bodyOf({
      parent: "pools[].",
      name: "fee",
      optional: true,
      type: [{ text: "array of " }, { text: "amount", href: "#form-amount" }],
      meaning: ["Of `amount`.", ""],
    }),
    '<tr><th scope=row><i>pools[].</i>fee <em>optional</em><td><small>array of <a href="#form-amount">amount</a></small>Of <code>amount</code>.',
  );
  assert.equal(
    bodyOf({ id: "code-A", name: "A", type: [], meaning: ["One.", "Two."] }),
    '<tr id="code-A"><th scope=row>A<td>One.<br>Two.',
  );
});

test("long names can be broken between their parts", () => {
  const row = { parent: "execution_styles.", name: "max_priority_fee_per_gas", type: [], meaning: [] };
  assert.match(bodyOf(row) ?? "", /execution_<wbr>styles.<wbr><\/i>max_<wbr>priority_<wbr>fee_<wbr>per_<wbr>gas/);
  assert.match(bodyOf({ ...row, parent: "", name: "intent_id" }) ?? "", />intent_id</);
});

test("a table has a caption and heads", () => {
  assert.equal(
    tableHtml("Fields of <x>", ["Field", "Meaning"], []),
    "<caption>Fields of &lt;x&gt;</caption><thead><tr><th scope=col>Field<th scope=col>Meaning<tbody>",
  );
});

test("nothing that comes in becomes markup", () => {
  const nasty = `<b>&"'`;
  assert.equal(escaped(nasty), `&lt;b&gt;&amp;&quot;'`);
  const html = bodyOf({
    id: nasty,
    parent: nasty,
    name: nasty,
    place: nasty,
    type: [{ text: nasty, href: nasty }],
    meaning: [`\`${nasty}\``],
  });
  assert.doesNotMatch(html ?? "", /<b>/);
  assert.equal(html?.match(/"/g)?.length, 4, "only the quotes of the attributes");
});
