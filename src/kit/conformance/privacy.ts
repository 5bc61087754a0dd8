import { describeError, LetheError } from "#schemas";
import type { Fixture } from "../fixtures.ts";
import { eventsOf, fetchObject, interpret, isThin } from "../interpret.ts";
import { answering, summarise } from "../outcome.ts";
import type { BodyFormat } from "../payload.ts";
import type { PersonalRecord } from "../records.ts";
import { type Case, NOW, receiveParts, signAnew } from "./case.ts";
import { outcomesOf } from "./declarations.ts";
import { type Leaf, leavesOf, readBody, writeBody } from "./leaves.ts";

/** Texts and a number that no fixture holds. The text is the form of a name, an address, and an id at once. */
const CANARIES = ["Canary-7770001112223-Leak <canary@leak.example>", 7770001112223] as const;
const CANARY = "7770001112223";

/**
 * For every text and number of the payload, and of what the API answers: with a canary in its place, the canary is in
 * nothing that is stored in the clear or said in an error; and in what records know of a person only where this
 * or another fixture of the topic expects a value that stood there.
 */
export async function leaks(tried: Case, fixtures: readonly Fixture[]): Promise<string[]> {
  const { fixture, door } = tried;
  const related = fixtures.filter((one) => topicsOf(one).some((topic) => topicsOf(fixture).includes(topic)));
  const declared = new Set(related.flatMap((one) => declaredPlaces(one, door.body)));
  const faults: string[] = [];
  const look = async (path: string, body: string, answers: typeof fixture.answers) => {
    for (const { stored, revealed } of await seen(tried, body, answers)) {
      if (stored.includes(CANARY))
        faults.push(`what stands at ${path} gets into a record or an error in the clear`);
      if (revealed.includes(CANARY) && !declared.has(placeOf(path)))
        faults.push(`what stands at ${path} gets into records, and no fixture of its topic expects it there`);
    }
  };
  const payload = readBody(door.body, fixture.body);
  for (const { path, replaced } of leavesOf(payload))
    for (const canary of CANARIES) await look(path, writeBody(door.body, replaced(canary)), fixture.answers);
  for (const [url, answer] of fixture.answers)
    for (const { path, replaced } of leavesOf(answer))
      for (const canary of CANARIES)
        await look(
          `${path} of an answer`,
          fixture.body,
          new Map([...fixture.answers, [url, replaced(canary)]]),
        );
  return [...new Set(faults)];
}

interface Seen {
  /** Records as they would be if somebody stored them without sealing, and errors. */
  readonly stored: string;
  /** Records with what they know of a person. */
  readonly revealed: string;
}

async function seen(tried: Case, body: string, answers: Case["fixture"]["answers"]): Promise<Seen[]> {
  const { connector } = tried;
  const parts = signAnew(tried, { body });
  try {
    const received = receiveParts(tried, parts);
    if (received.kind !== "delivery") return [];
    const events = eventsOf(connector, parts.body, received.about);
    return await Promise.all(
      events.map(async (event) => {
        try {
          const thin = answers.size > 0 && isThin(connector, event);
          const object = thin ? await fetchObject(connector, event, answering(answers)) : undefined;
          const records = interpret(connector, event, new Date(NOW).toISOString(), object) ?? [];
          return { stored: JSON.stringify(records), revealed: revealedOf(records) };
        } catch (error) {
          return { stored: textOf(error), revealed: "" };
        }
      }),
    );
  } catch (error) {
    return [{ stored: textOf(error), revealed: "" }];
  }
}

function revealedOf(records: readonly PersonalRecord[]): string {
  return JSON.stringify(summarise(records));
}

/** What of an error may be stored or logged. */
function textOf(error: unknown): string {
  const stack = error instanceof LetheError ? String(error.stack) : "";
  return JSON.stringify(describeError(error)) + stack;
}

/** Where in a fixture's payload and answers there stands what the fixture expects in records. */
function declaredPlaces({ body, answers, expect }: Fixture, format: BodyFormat): string[] {
  const outputs = outcomesOf([{ expect }]).flatMap(({ records = [] }) =>
    leavesOf(records).map(({ value }) => String(value)),
  );
  // What is empty in this fixture may be filled in another request: it says nothing of where values belong.
  const declared = ({ value }: Leaf) => String(value).trim() === "" || isDeclared(String(value), outputs);
  return [
    ...leavesOf(readBody(format, body))
      .filter(declared)
      .map(({ path }) => placeOf(path)),
    ...[...answers.values()].flatMap((answer) =>
      leavesOf(answer)
        .filter(declared)
        .map(({ path }) => placeOf(`${path} of an answer`)),
    ),
  ];
}

function topicsOf(fixture: Fixture): (string | undefined)[] {
  return outcomesOf([fixture]).map(({ topic }) => topic);
}

/** The path without the places in lists, which differ between fixtures. */
function placeOf(path: string): string {
  return path.replace(/(?<=^|\.)\d+(?=\.|$)/g, "[]");
}

/** Whether the fixture expects the value, or something made of it (`order:123` of 123, 1 of `gid://…/1`). */
function isDeclared(value: string, outputs: readonly string[]): boolean {
  const text = value.trim();
  const parts = text.split(/[/:#,;\s]+/);
  return text !== "" && outputs.some((output) => output.includes(text) || parts.includes(output));
}
