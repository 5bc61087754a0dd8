import { activity, consent, type EventHandler, on, payloadErrors, subject, z } from "#kit";
import type { ConsentMapping, Identifier, TopicMapping, Word } from "./mapping.ts";
import { type Path, valuesAt } from "./path.ts";

/** What every event of a mapped topic must say besides. */
export interface Needed {
  readonly account: boolean;
  /** What tells an event from others, of which an event with a choice must not lack any. */
  readonly tellingApart: readonly Path[];
}

/** The most addresses of a kind that an event may name. */
const MAX_ALL = 50;

/** Reads events of one topic. Whatever could mean that a choice or a person is missed fails. */
export function handlerOf(
  { subject: who, activity: done, consent: choices = [] }: TopicMapping,
  needed: Needed,
): EventHandler {
  const paths = [who.email, who.phone, who.platformId, who.object].flatMap((given) => given ?? []);
  return on(z.unknown(), (event, { account }) => {
    if (needed.account && account === undefined)
      throw payloadErrors.unexpectedShape("the account (the mapping says where it is, and nothing is there)");
    if (choices.length > 0)
      for (const path of needed.tellingApart)
        if (textAt(path, event) === undefined)
          throw unexpected(path, "one text, to tell the event from others");
    const all = (identifiers: readonly Identifier[] = []) =>
      identifiers.flatMap((identifier) => identified(identifier, event));
    const person = {
      emails: all(who.email),
      phones: all(who.phone),
      platformIds: all(who.platformId),
      objects: all(who.object),
    };
    // Nobody at all is no event of this topic: better found out now than never missed.
    if (Object.values(person).every((found) => found.length === 0))
      throw payloadErrors.unexpectedShape(`none of ${paths.map(({ path }) => `"${path.text}"`).join(", ")}`);
    return [
      subject({ ...person, region: who.region && textAt(who.region, event) }),
      activity(done.name),
      ...choices.flatMap((choice) => choiceOf(choice, event)),
    ];
  });
}

/** The text, number or boolean that a path finds; undefined if it finds nothing, several or something else. */
export function textAt(path: Path, root: unknown): string | undefined {
  const [value, ...more] = valuesAt(path, root);
  return more.length === 0 && isScalar(value) && value !== "" ? String(value) : undefined;
}

/** Absent, null, blank and true or false (as some platforms write "none") are no identifiers. */
function identified({ path, all }: Identifier, event: unknown): string[] {
  const values = valuesAt(path, event);
  const found = new Set<string>();
  for (const value of values) {
    if (typeof value === "object" && value !== null)
      throw unexpected(path, "a text or number, and no list or object");
    if (typeof value !== "string" && typeof value !== "number") continue;
    const text = String(value).trim();
    if (text !== "") found.add(text);
  }
  if (!all && found.size > 1)
    throw unexpected(path, `finds several; write {"all": "${path.text}"} if they all belong to one person`);
  if (found.size > MAX_ALL) throw unexpected(path, `at most ${MAX_ALL}`);
  return [...found];
}

/** A word that the mapping does not know fails the delivery: it might be a withdrawal. */
function choiceOf({ state, occurredAt, nature, ...choice }: ConsentMapping, event: unknown) {
  const said = typeof state === "string" ? state : wordAt(state, event);
  if (said === null) return [];
  return [
    consent({
      ...choice,
      state: said,
      ...(nature && { nature }),
      occurredAt: occurredAt && textAt(occurredAt, event),
    }),
  ];
}

function wordAt({ path, values, optional = false }: Word, event: unknown) {
  const [word = null, ...more] = valuesAt(path, event);
  if (more.length > 0) throw unexpected(path, "one word, and not several");
  if (word === null) {
    if (optional) return null;
    throw unexpected(path, "is missing or null, and the mapping does not say that it is optional");
  }
  if (!isScalar(word)) throw unexpected(path, "one word, and no list or object");
  const state = Object.hasOwn(values, String(word)) ? values[String(word)] : undefined;
  if (state === undefined) throw unexpected(path, "a word that the mapping has no state for");
  return state;
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

const unexpected = ({ text }: Path, what: string) => payloadErrors.unexpectedShape(`"${text}" (${what})`);
