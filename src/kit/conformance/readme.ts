import type { ActivityDeclaration, Connector } from "../connector.ts";
import type { Fixture, Outcome } from "../fixtures.ts";
import { activitiesOf, outcomesOf, recordsOf, type Written } from "./declarations.ts";
import { exampleOf } from "./example.ts";

const START = "<!-- topics -->";
const END = "<!-- /topics -->";
const HEAD = ["Topic", "Activities", "Purpose", "Lawful basis", "Data categories", "Consent, rights"];

/** The table of what each topic means: from the connector, and what its fixtures record. */
export function topicsTable(given: Connector, fixtures: readonly Fixture[]): string {
  const connector = exampleOf(given);
  const outcomes = outcomesOf(fixtures);
  const rows = Object.keys(connector.events).map((topic) =>
    row(
      topic,
      connector,
      outcomes.filter((outcome) => outcome.topic === topic),
    ),
  );
  return [HEAD, HEAD.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function row(topic: string, { activities }: Connector, outcomes: readonly Outcome[]): string[] {
  const names = unique(outcomes.flatMap(activitiesOf));
  const declared = names.flatMap((name) => (Object.hasOwn(activities, name) ? [activities[name]] : []));
  const of = (what: (activity: ActivityDeclaration) => string | readonly string[]) =>
    unique(declared.flatMap((activity) => (activity === undefined ? [] : what(activity))));
  return [
    [`\`${topic}\``],
    names.map((name) => `\`${name}\``),
    of(({ purpose }) => purpose),
    of(({ lawfulBasis }) => lawfulBasis),
    of(({ dataCategories }) => dataCategories),
    unique(outcomes.flatMap((outcome) => recordsOf(outcome).flatMap(told))),
  ].map((cell) => cell.join(", ").replaceAll("|", "\\|") || "–");
}

/** `email_marketing withdrawn (unsubscribe)`, `erasure of the subject in 30 days`. A fixture may lack any part of it. */
function told(record: Written): string[] {
  if (record.type === "consent") {
    const how = [record.method, record.nature === "snapshot" ? "reported" : undefined].filter(Boolean);
    const purpose = record.list === undefined ? record.purpose : "a list of the company's own";
    const what = [purpose, record.state].filter(Boolean).join(" ");
    return [how.length === 0 ? what : `${what} (${how.join(", ")})`];
  }
  if (record.type === "rights") return [`${record.kind} of the ${record.scope} in ${record.dueInDays} days`];
  return record.type === "account" ? [`account ${record.change}`] : [];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

/** What is wrong with the topics that a README lists; nothing if they are what the connector and its fixtures say. */
export function checkReadme(text: string, connector: Connector, fixtures: readonly Fixture[]): string[] {
  const fresh = writeTopics(text, connector, fixtures);
  if (fresh === undefined)
    return [`it has no lines "${START}" and "${END}", between which the topics are listed; add them`];
  if (fresh === text) return [];
  const before = new Set(text.split("\n"));
  const after = new Set(fresh.split("\n"));
  const gone = [...before].filter((line) => line.startsWith("|") && !after.has(line));
  const come = [...after].filter((line) => line.startsWith("|") && !before.has(line));
  return [
    "its topics are not what the connector says; write them with `lethe connector test <name> --update`",
    ...gone.map((line) => `- ${line}`),
    ...come.map((line) => `+ ${line}`),
  ];
}

/** The README with its topics written anew; undefined if it has no place for them. */
export function writeTopics(
  text: string,
  connector: Connector,
  fixtures: readonly Fixture[],
): string | undefined {
  const [before, between, ...more] = text.split(START);
  const [, after, ...others] = between?.split(END) ?? [];
  if (before === undefined || after === undefined || more.length + others.length > 0) return undefined;
  return `${before}${START}\n${topicsTable(connector, fixtures)}\n${END}${after}`;
}
