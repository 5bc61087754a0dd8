import type { ConsentHistoryView } from "#schemas";
import { type Content, html, type Markup } from "../html.ts";
import { ACTIVITY_PURPOSES, ARTICLES, BASES, CONSENT_STATES, IDENTIFIERS, spelled } from "../in-words.ts";
import { writtenTime } from "../written-date.ts";
import type { BundleFacts, Statements } from "./facts.ts";
import { summary } from "./summary.ts";

/** What the hub itself knows, and what the law wants said about it: GDPR Art. 15(1)(a) to (h) and (2). */
export function hubSection(facts: BundleFacts): Markup {
  return html`<section id="hub" aria-labelledby="hub-title">
<h2 id="hub-title">What we know in our privacy hub</h2>
<p>The hub connects the services that ${facts.controller.name} uses. It keeps no names and no addresses that could be read: only codes made from them, by which it knows you again, and notes of what was done with your data.</p>
${identity(facts)}
${activities(facts)}
${consents(facts)}
${requests(facts)}
${rights(facts)}
</section>
`;
}

function identity({ hub, controller }: BundleFacts): Markup {
  const { subject } = hub;
  if (subject === null)
    return html`<h3>Who you are to it</h3>
<p>The hub knows nobody by what you gave us.</p>`;
  return html`<h3>Who you are to it</h3>
<p>Since ${writtenTime({ at: subject.createdAt, timeZone: controller.timeZone })} it knows you as <code>${subject.did}</code>.</p>
${table(
  "By what it knows you again",
  ["What", "From"],
  subject.identifiers.map(({ kind, connection }) => [IDENTIFIERS[kind], nameOf(hub, connection)]),
)}`;
}

/** Art. 15(1)(a), (b), (c) and (g). */
function activities({ hub, controller }: BundleFacts): Markup {
  const time = (at: string) => writtenTime({ at, timeZone: controller.timeZone });
  return html`<h3>What was done with your data</h3>
<p>With the purpose, the legal ground, the categories of data, who received them, and where we have it from. Every single time is in <code>data.json</code>.</p>
${table(
  "What was done, why, and with what",
  ["What", "Why", "Legal ground", "Data", "Received by", "Known from", "When"],
  summary(hub.activities).map((entry) => [
    ...[spelled(entry.activity), ACTIVITY_PURPOSES[entry.purpose]],
    `${BASES[entry.lawfulBasis]} (${ARTICLES[entry.lawfulBasis]})`,
    ...[entry.dataCategories.map(spelled).join(", "), entry.recipient, nameOf(hub, entry.connection)],
    entry.times === 1
      ? time(entry.first)
      : `${entry.times} times, from ${time(entry.first)} to ${time(entry.last)}`,
  ]),
)}`;
}

function consents({ hub, controller }: BundleFacts): Markup {
  const time = (at: string) => writtenTime({ at, timeZone: controller.timeZone });
  const titleOf = (id: string) => hub.purposes.find((purpose) => purpose.id === id)?.title ?? spelled(id);
  return html`<h3>What you agreed to, and what not</h3>
${table(
  "What holds now, and why",
  ["For what", "What holds", "Since", "Why"],
  hub.consents.map(({ purpose, state, since, reason }) => [
    titleOf(purpose),
    state === null ? "Nothing is known" : CONSENT_STATES[state],
    since === null ? "–" : time(since),
    reason === null ? "–" : REASONS[reason],
  ]),
)}
${hub.consents
  .filter(({ records }) => records.length > 0)
  .map(({ purpose, records }) =>
    table(
      `What was said or reported: ${titleOf(purpose)}`,
      ["When", "What", "How", "From", "Legal ground", "What it counts for"],
      records.map((record) => [
        ...[time(record.occurredAt), CONSENT_STATES[record.state], spelled(record.method)],
        record.connection === null ? SOURCES[record.source] : nameOf(hub, record.connection),
        ...[BASES[record.lawfulBasis], VERDICTS[record.verdict]],
      ]),
    ),
  )}`;
}

function requests({ hub, controller }: BundleFacts): Markup {
  return html`<h3>Your requests</h3>
${table(
  "What you, or somebody for you, asked for",
  ["What", "When", "Where it stands", "Number"],
  hub.requests.map(({ id, kind, status, receivedAt }) => [
    ...[spelled(kind), writtenTime({ at: receivedAt, timeZone: controller.timeZone }), spelled(status), id],
  ]),
)}`;
}

/** Art. 15(1)(d), (e), (f), (h) and (2). What nobody told the hub, it says is to be asked for. */
function rights({ controller }: BundleFacts): Markup {
  const { statements = {} } = controller;
  const ask = `Ask ${controller.name} about this${statements.contact === undefined ? "" : `: ${statements.contact}`}.`;
  const rows = (["retention", "complaint", "automatedDecisions", "transfers"] as const).map((name) => [
    STATEMENTS[name],
    statements[name] ?? ask,
  ]);
  return html`<h3>How long, where to, and your rights</h3>
${table(
  "What else you are to know",
  ["About", "Answer"],
  [
    ...rows,
    [
      "Your rights",
      "You can have your data corrected, erased, or restricted in their use; you can object to their use, and take back what you agreed to at any time.",
    ],
  ],
)}`;
}

const STATEMENTS: Readonly<Record<Exclude<keyof Statements, "contact">, string>> = {
  retention: "How long your data are kept",
  complaint: "Where you can complain",
  automatedDecisions: "Whether machines decide about you",
  transfers: "Whether your data go to other countries",
};

const REASONS: Readonly<Record<NonNullable<ConsentHistoryView["reason"]>, string>> = {
  latest_choice: "It is the last that you chose.",
  opt_out_wins_tie: "You chose both at the same time, and then the no counts.",
  opt_out_reported: "A service reported a no, and a no counts in doubt.",
  latest_report: "It is the last that a service reported.",
};

const VERDICTS: Readonly<Record<ConsentHistoryView["records"][number]["verdict"], string>> = {
  decides: "It decides",
  older: "There is a later one",
  repeated: "It repeats what held already",
  outweighed: "A no at the same time outweighs it",
  report_only: "Reported by a service, not chosen by you",
  echo: "Our own change, reported back",
};

const SOURCES: Readonly<Record<ConsentHistoryView["records"][number]["source"], string>> = {
  platform: "A service",
  operator: "Our privacy team",
  browser: "Your browser",
};

function nameOf(hub: BundleFacts["hub"], connection: string): string {
  return hub.connections.find(({ id }) => id === connection)?.name ?? "A service that we no longer use";
}

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): Content {
  if (rows.length === 0) return html`<p>${caption}: nothing is recorded.</p>`;
  return html`<table>
<caption>${caption}</caption>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td dir="auto">${cell}</td>`)}</tr>\n`)}</tbody>
</table>`;
}
