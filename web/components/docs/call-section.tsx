import { curlOf, type Call } from "@/lib/docs/openapi.ts";
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
      <table>
        <caption className="sr-only">Parameters of {call.path}</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {call.parameters.map((parameter) => (
            <tr key={parameter.place + parameter.name}>
              <th scope="row">
                <code>{parameter.name}</code>
                {!parameter.required && <em>optional</em>}
                <div>
                  {parameter.place}, <Type parts={parameter.type} />
                </div>
              </th>
              <td>
                <Prose text={meaning(parameter.description, parameter.limits)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
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
    <table>
      <caption className="sr-only">Answers of {call.path}</caption>
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Answer</th>
        </tr>
      </thead>
      <tbody>
        {call.answers
          .filter((answer) => !answer.shared)
          .map((answer) => (
            <tr key={answer.status}>
              <th scope="row">
                <code>{answer.status}</code>
                {answer.type && (
                  <div>
                    <Type parts={answer.type} />
                  </div>
                )}
              </th>
              <td>
                <Prose text={answer.description} />
                {answer.headers.map((header) => (
                  <div key={header.name}>
                    <code>{header.name}</code>: {header.description}
                  </div>
                ))}
              </td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
