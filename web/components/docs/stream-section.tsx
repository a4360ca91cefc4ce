import { schemaViews, type Call } from "@/lib/docs/openapi.ts";
import { SchemaSection } from "./schema-section.tsx";
import { description } from "./source.ts";
import { Example, Method, Prose } from "./words.tsx";

const examples = `{"action": "subscribe", "topics": ["intent.*", "exec.>"]}
{"action": "subscribe", "topics": [">"], "correlationId": "intent-01J5S3Y4PEJHBJ5A7FYHBXQRFG", "fromSequence": 1}
{"action": "subscribe", "topics": [">"], "fromSequence": 4711}
{"action": "unsubscribe", "topics": ["intent.*"]}
{"action": "ping"}`;

const script = `const socket = new WebSocket("ws://127.0.0.1:8080/stream");
socket.onopen = () => socket.send(JSON.stringify({ action: "subscribe", topics: [">"] }));
socket.onmessage = ({ data }) => console.log(data);`;

/** The WebSocket: what a client sends, what it gets. */
export function StreamSection({ call }: { call: Call }) {
  return (
    <>
      <section id={call.anchor}>
        <h3>
          <Method name="WS" /> <code className="select-all">{call.path}</code>
        </h3>
        <p>
          <strong>{call.summary}.</strong> <Prose text={call.description ?? ""} />
        </p>
        <ul>
          <li>
            Topics are patterns: <code>*</code> is one token, a last <code>&gt;</code> is the rest. With{" "}
            <code>correlationId</code> only that intent’s events match.
          </li>
          <li>
            <code>fromSequence</code> is the first event wanted: the intent’s own <code>sequence</code> with{" "}
            <code>correlationId</code>, the <code>globalSequence</code> without. To resume, ask for the last one you
            have plus one.
          </li>
          <li>
            The stream closes with 1008 where a client reads too slowly, with 1001 where the server stops, with 1013
            where missed events could not be read now. Connect again and resume.
          </li>
        </ul>
        <h4>A client</h4>
        <Example text={script} />
        <h4>Actions that it may send</h4>
        <Example text={examples} />
      </section>
      {["api.stream_action", "api.stream_reply"].flatMap((name) =>
        schemaViews(description, name).map((view) => <SchemaSection key={view.anchor} view={view} open />),
      )}
    </>
  );
}
