import type { SchemaRow, SchemaView } from "@/lib/docs/openapi.ts";
import { DocsTable } from "./docs-table.tsx";
import { meaning, Prose } from "./words.tsx";

/** Longer ones are closed until they are asked for; a link to one opens it. */
const rowsShownOpen = 6;

/** The fields of a document: name and type, and what they mean. */
function Rows({ caption, rows }: { caption: string; rows: readonly SchemaRow[] }) {
  return (
    <DocsTable
      caption={caption}
      rows={rows.map(({ required, description, limits, ...row }) => ({
        ...row,
        optional: !required,
        meaning: [meaning(description, limits)],
      }))}
    />
  );
}

function Forms({ view }: { view: SchemaView }) {
  return (
    <>
      {view.description !== undefined && (
        <p>
          <Prose text={view.description} />
        </p>
      )}
      {view.forms.map((form, index) => (
        <div key={index}>
          {form.title !== undefined && <h4>{form.title}</h4>}
          {form.description !== undefined && (
            <p>
              <Prose text={form.description} />
            </p>
          )}
          {form.rows.length > 0 && <Rows caption={`Fields of ${form.title ?? view.title}`} rows={form.rows} />}
        </div>
      ))}
    </>
  );
}

/** One schema at its anchor. */
export function SchemaSection({ view, open = false }: { view: SchemaView; open?: boolean }) {
  const rows = view.forms.reduce((sum, form) => sum + form.rows.length, 0);
  if (open || rows <= rowsShownOpen)
    return (
      <section id={view.anchor}>
        <h3>{view.title}</h3>
        <Forms view={view} />
      </section>
    );
  return (
    <details>
      <summary>
        <h3>{view.title}</h3> <span>{rows} fields</span>
      </summary>
      <div id={view.anchor}>
        <Forms view={view} />
      </div>
    </details>
  );
}
