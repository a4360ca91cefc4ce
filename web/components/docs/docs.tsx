// The API's description as a page of plain text and tables. It is made when the pages are built, and runs nothing.
import { callsOf, commonForms, schemaViews, sharedAnswers, type Call } from "@/lib/docs/openapi.ts";
import { CallSection } from "./call-section.tsx";
import { Contents, type ContentsGroup } from "./contents.tsx";
import { DocsTable } from "./docs-table.tsx";
import { SchemaSection } from "./schema-section.tsx";
import { description, errorCodes, problem } from "./source.ts";
import { StreamSection } from "./stream-section.tsx";
import { Example, meaning } from "./words.tsx";

const tagTitles: Readonly<Record<string, string>> = { intents: "Intents", prices: "Prices", platform: "Platform" };
const tagTitle = (tag: string): string => tagTitles[tag] ?? tag;

const errorKinds: readonly (readonly [string, string])[] = [
  ["input", "The request is at fault; nothing was done."],
  ["risk", "The limits do not allow the intent. Nothing was sent."],
  ["plan", "The intent cannot be planned. Nothing was sent."],
  ["exec", "The transaction was not sent, or was undone by the chain."],
  ["expiry", "The intent was ended before it was completed."],
  ["system", "The platform, or a part that it needs, is at fault."],
];

const calls = callsOf(description);
const stream = calls.find((call) => call.path === "/stream");
const isPlain = (call: Call): boolean => call !== stream;
const components = Object.keys(description.components.schemas);
const payloads = components.filter((name) => name.startsWith("payloads."));
const documents = components.filter(
  (name) =>
    !name.startsWith("payloads.") && !name.startsWith("api.stream") && !["common", "errors", "envelope"].includes(name),
);
const forms = commonForms(description);

const contents: ContentsGroup[] = [
  ...description.tags.map((tag) => ({
    title: tagTitle(tag.name),
    href: `#${tag.name}`,
    items: calls
      .filter((call) => isPlain(call) && call.tag === tag.name)
      .map((call) => ({ href: `#${call.anchor}`, method: call.method, text: call.path })),
  })),
  {
    title: "Stream and events",
    href: "#stream",
    items: [
      { href: "#call-stream", method: "WS", text: "/stream" },
      { href: "#schema-envelope", text: "Event envelope" },
      { href: "#topics", text: "Topics and payloads" },
    ],
  },
  {
    title: "Documents",
    href: "#documents",
    items: [...documents.map((name) => schemaViews(description, name)[0])].flatMap((view) =>
      view === undefined ? [] : [{ href: `#${view.anchor}`, text: view.title }],
    ),
  },
  { title: "Forms of values", href: "#forms", items: [] },
  { title: "Error codes", href: "#errors", items: [] },
];

// Rows hold no classes of their own: there are hundreds of them.
const prose = [
  "min-w-0 space-y-10 text-body",
  "[&_p]:max-w-[72ch] [&_p]:text-text2 [&_p]:break-words [&_p_strong]:text-ink",
  "[&_h2]:text-title [&_h2]:font-semibold",
  "[&_h3]:inline [&_h3]:text-body [&_h3]:font-semibold [&_h3]:break-words",
  "[&_h4]:mt-4 [&_h4]:mb-1 [&_h4]:text-table [&_h4]:font-semibold",
  "[&_a]:underline [&_a]:underline-offset-2",
  "[&_code]:font-mono [&_code]:text-table [&_code]:break-words",
  "[&_[id]]:scroll-mt-[72px] [&_details>[id]]:scroll-mt-[108px]",
  "[&_table]:w-full [&_table]:table-fixed [&_table]:border-collapse [&_table]:text-table",
  "[&_thead_th]:py-1.5 [&_thead_th]:text-note [&_thead_th]:font-normal [&_thead_th]:text-text3",
  "[&_caption]:sr-only",
  "[&_th]:w-[42%] [&_th]:pr-4 [&_th]:text-left [&_th]:align-top tablet:[&_th]:w-[38%] [&_thead_th+th]:w-auto",
  "[&_tbody_tr]:border-t [&_tbody_tr]:border-line",
  "[&_tbody_th]:py-2 [&_tbody_th]:font-mono [&_tbody_th]:font-semibold [&_tbody_th]:break-words",
  "[&_td]:py-2 [&_td]:align-top [&_td]:break-words [&_td]:text-text2",
  "[&_i]:font-normal [&_i]:not-italic [&_i]:text-text3",
  "[&_em]:inline-block [&_em]:font-sans [&_em]:text-note [&_em]:font-normal [&_em]:not-italic [&_em]:text-text3",
  "[&_small]:block [&_small]:text-table [&_small]:text-text3",
  "[&_ul]:max-w-[72ch] [&_ul]:list-disc [&_ul]:space-y-1 [&_ul]:mt-2 [&_ul]:pl-5 [&_ul]:text-text2",
].join(" ");
const panels =
  "mt-3 overflow-hidden rounded-panel border border-line bg-surface [&>*]:border-b [&>*]:border-line [&>*]:px-4 [&>*]:py-3.5 [&>*:last-child]:border-b-0 [&_details>div]:mt-2 [&_h3+p]:mt-1 [&_h3+pre]:mt-2 [&_section>*+p]:mt-1 [&_summary>span]:ml-2 [&_summary>span]:text-note [&_summary>span]:text-text3";

export function Docs() {
  return (
    <>
      <div className="mb-4 flex min-h-9 flex-wrap items-center justify-between gap-x-4">
        <h1 className="text-phone-title font-semibold tablet:text-title">API</h1>
        <a href="/openapi.json" className="text-table underline underline-offset-2">
          openapi.json
        </a>
      </div>
      <div className="grid gap-6 desktop:grid-cols-[232px_minmax(0,880px)] desktop:gap-10">
        <Contents groups={contents} />
        <div className={prose}>
          <Introduction />
          {description.tags.map((tag) => (
            <section key={tag.name} id={tag.name} aria-label={tagTitle(tag.name)}>
              <h2>{tagTitle(tag.name)}</h2>
              {tag.description !== undefined && <p>{tag.description}.</p>}
              <div className={panels}>
                {calls
                  .filter((call) => isPlain(call) && call.tag === tag.name)
                  .map((call) => (
                    <CallSection key={call.anchor} call={call} />
                  ))}
              </div>
            </section>
          ))}
          <Stream />
          <Documents />
          <Forms />
          <Errors />
        </div>
      </div>
    </>
  );
}

function Introduction() {
  return (
    <section className="space-y-2" aria-label="Introduction">
      <p>{description.info.description}</p>
      <p>
        The examples speak to the address that the platform listens on unless told otherwise. Tokens in them are those
        of the main chain: take yours from <a href="#call-listAssets">GET /assets</a>. Every failure is a{" "}
        <a href="#schema-api.problem">Problem</a> with one of the <a href="#errors">error codes</a>.
      </p>
    </section>
  );
}

function Stream() {
  return (
    <section id="stream" aria-label="Stream and events">
      <h2>Stream and events</h2>
      <div className={panels}>
        {stream && <StreamSection call={stream} />}
        {schemaViews(description, "envelope").map((view) => (
          <SchemaSection key={view.anchor} view={view} open />
        ))}
        <section id="topics">
          <h3>Topics and payloads</h3>
          <p>The topic of an event says what its payload holds.</p>
        </section>
        {payloads.flatMap((name) =>
          schemaViews(description, name).map((view) => (
            <SchemaSection key={view.anchor} view={{ ...view, title: name.slice("payloads.".length) }} />
          )),
        )}
      </div>
    </section>
  );
}

function Documents() {
  return (
    <section id="documents" aria-label="Documents">
      <h2>Documents</h2>
      <p>What calls take and answer. Each is here once; calls lead to it.</p>
      <div className={panels}>
        {documents.flatMap((name) =>
          schemaViews(description, name).map((view) => <SchemaSection key={view.anchor} view={view} />),
        )}
        {forms.objects.map((view) => (
          <SchemaSection key={view.anchor} view={view} />
        ))}
      </div>
    </section>
  );
}

function Forms() {
  return (
    <section id="forms" aria-label="Forms of values">
      <h2>Forms of values</h2>
      <p>Numbers that matter are strings or integers, never JSON fractions.</p>
      <div className={panels}>
        <div>
          <DocsTable
            caption="Forms of values"
            heads={["Form", "Meaning"]}
            rows={forms.values.map(({ anchor, name, type, description: text, limits }) => ({
              id: anchor,
              name,
              type,
              meaning: [meaning(text, limits)],
            }))}
          />
        </div>
      </div>
    </section>
  );
}

function Errors() {
  return (
    <section id="errors" aria-label="Error codes">
      <h2>Error codes</h2>
      <p>
        For programs: <code>code</code> of a <a href="#schema-api.problem">Problem</a>, and <code>reason</code> of
        events and views. They are added to, never changed.
      </p>
      <div className={panels}>
        <section>
          <h3>A refused request</h3>
          <Example text={JSON.stringify(problem, null, 2)} />
        </section>
        <section id="failures">
          <h3>Status codes</h3>
          <DocsTable
            caption="Status codes of failures"
            heads={["Status", "Meaning"]}
            rows={sharedAnswers(description).map((answer) => ({
              name: answer.status,
              type: [],
              meaning: [answer.description],
            }))}
          />
        </section>
        {errorKinds.map(([kind, sentence]) => (
          <section key={kind}>
            <h3>{kind}</h3>
            <p>{sentence}</p>
            <DocsTable
              caption={`Error codes of kind ${kind}`}
              heads={["Code", "Meaning"]}
              rows={errorCodes
                .filter((error) => error.kind === kind)
                .map(({ code, meaning: text }) => ({ id: `code-${code}`, name: code, type: [], meaning: [text] }))}
            />
          </section>
        ))}
      </div>
    </section>
  );
}
