import { curlOf, type Call } from "@/lib/docs/openapi.ts";
import { DocsTable } from "./docs-table.tsx";
import { bodies } from "./source.ts";
import { Example, meaning, Method, Prose, Type } from "./words.tsx";

const origin = "http://127.0.0.1:8080";

/** One call: what it takes, what it answers, and a command line that makes it. */
export function CallSection({ call }: { call: Call }) {
  return (
    <section id={call.anchor}>
      <h3>
        <Method name={call.method} /> <code className="select-all">{call.path}</code>
      </h3>
      <p>
        <strong>{call.summary}.</strong> {call.description !== undefined && <Prose text={call.description} />}
      </p>
      {call.parameters.length > 0 && <Parameters call={call} />}
      {call.body !== undefined && (
        <>
          <h4>Body</h4>
          <p>
            <Type parts={call.body} />, as application/json
          </p>
        </>
      )}
      <h4>Answers</h4>
      <Answers call={call} />
      <Failures call={call} />
      <h4>Example</h4>
      <Example text={curlOf(call, origin, bodies[`${call.method} ${call.path}`])} />
    </section>
  );
}

function Parameters({ call }: { call: Call }) {
  return (
    <>
      <h4>Parameters</h4>
      <DocsTable
        caption={`Parameters of ${call.method} ${call.path}`}
        heads={["Name", "Meaning"]}
        rows={call.parameters.map(({ name, required, place, type, description, limits }) => ({
          name,
          optional: !required,
          place: `${place}, `,
          type,
          meaning: [meaning(description, limits)],
        }))}
      />
    </>
  );
}

/** The answers that calls share are told in one line; the section on errors describes them. */
function Failures({ call }: { call: Call }) {
  const statuses = call.answers.filter((answer) => answer.shared).map((answer) => answer.status);
  if (statuses.length === 0) return null;
  return (
    <p>
      Fails with <a href="#failures">{statuses.join(", ")}</a>.
    </p>
  );
}

function Answers({ call }: { call: Call }) {
  return (
    <DocsTable
      caption={`Answers of ${call.method} ${call.path}`}
      heads={["Status", "Answer"]}
      rows={call.answers
        .filter((answer) => !answer.shared)
        .map(({ status, type, description, headers }) => ({
          name: status,
          type: type ?? [],
          meaning: [description, ...headers.map((header) => `\`${header.name}\`: ${header.description}`)],
        }))}
    />
  );
}
