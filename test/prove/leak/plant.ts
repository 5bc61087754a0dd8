import { type Connector, configured, type Fixture, outcomeOf, parseBody, signFixture } from "#kit";
import { writeBody } from "../../../src/kit/conformance/leaves.ts";
import { fixtureDoor } from "../../../src/kit/fixtures.ts";
import type { Canaries } from "./canaries.ts";

/** Somewhere in a fixture where a canary may stand. */
type Place = string;

const SECRET = "a-secret-to-plant-by";

/**
 * The places of a fixture (body, headers, what the API answers) where a canary of the same kind makes no difference to what
 * comes of it: everything that the parser ignores, and everything that it knows people by. What must be a word of the
 * platform's, or says whose request it is, is left.
 */
export async function plantable(known: Connector, fixture: Fixture): Promise<ReadonlySet<Place>> {
  const connector = configured(known, known.configuration?.example);
  const format = fixtureDoor(connector, fixture).body;
  const all: Place[] = [];
  planted(fixture, format, (value, at) => {
    all.push(at);
    return value;
  });
  const before = await shapeOf(connector, fixture);
  const takes = async (places: readonly Place[]) => {
    const chosen = new Set(places);
    const changed = planted(fixture, format, (value, at) => (chosen.has(at) ? stubFor(value) : value));
    return (await shapeOf(connector, changed)) === before;
  };
  return new Set(await most([...new Set(all)], [], takes));
}

/** As many of the places as can be taken together with those that were, by halves. */
async function most(
  places: readonly Place[],
  taken: readonly Place[],
  takes: (places: readonly Place[]) => Promise<boolean>,
): Promise<readonly Place[]> {
  const together = [...taken, ...places];
  if (places.length === 0 || (await takes(together))) return together;
  if (places.length === 1) return taken;
  const half = places.length >> 1;
  return most(places.slice(half), await most(places.slice(0, half), taken, takes), takes);
}

/** The fixture with a fresh canary at each of the places. */
export function plant(
  known: Connector,
  fixture: Fixture,
  places: ReadonlySet<Place>,
  canaries: Canaries,
): Fixture {
  const connector = configured(known, known.configuration?.example);
  return planted(fixture, fixtureDoor(connector, fixture).body, (value, at) =>
    places.has(at) ? canaries.like(value, `${known.id}/${fixture.name} ${at}`) : value,
  );
}

type Change = (value: string, at: Place) => string;

function planted(fixture: Fixture, format: "json" | "form", change: Change): Fixture {
  const changed = (value: string, at: Place) => (isCandidate(value) ? change(value, at) : value);
  let body = fixture.body;
  const payload = attempt(() => parseBody(format, Buffer.from(fixture.body)));
  if (typeof payload === "object" && payload !== null)
    body = unquoted(writeBody(format, mapped(payload, "body", changed)));
  const headers = Object.entries(fixture.headers).map(([name, value]) => [
    name,
    name.startsWith("content-") ? value : changed(value, name).replace(/[^\x20-\x7e]/g, ""),
  ]);
  const answers = [...fixture.answers].map(
    ([url, answer], index) => [url, mapped(answer, `answer ${index}`, changed)] as const,
  );
  return { ...fixture, body, headers: Object.fromEntries(headers), answers: new Map(answers) };
}

function mapped(value: unknown, at: Place, change: Change): unknown {
  if (typeof value === "string") {
    const embedded = /^\s*[[{]/.test(value) ? attempt(() => JSON.parse(value) as unknown) : undefined;
    return embedded === undefined ? change(value, at) : JSON.stringify(mapped(embedded, at, change));
  }
  if (typeof value === "number") {
    const changed = change(String(value), at);
    return /^\d{1,15}$/.test(changed) ? Number(changed) : changed;
  }
  if (Array.isArray(value)) return value.map((child, index) => mapped(child, `${at}.${index}`, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, mapped(child, `${at}.${key}`, change)]),
  );
}

/** Not a time, a truth, a code of two or three letters, an amount or a word of the platform's own. */
function isCandidate(value: string): boolean {
  if (/^\d+$/.test(value)) return value.length >= 9 && !/^1[5-9]\d{8}(\d{3})?$/.test(value);
  if (ADDRESS.test(value)) return true;
  return value.length > 2 && !/^\d{4}-\d\d-\d\d|^[a-z][a-z_.:/-]*$|^[\d.,:-]+$|^[A-Z_]{2,24}$/.test(value);
}

const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;

/** What a platform sends as a number beyond 2^53 stays one: read without loss, it is text in between. */
const unquoted = (json: string) => json.replace(/:"(\d{16,19})"/g, ":$1");

/** Another value of the same kind, which is no canary: nobody searches for it. */
function stubFor(value: string): string {
  if (value.includes("@")) return "someone.else@mail.example.com";
  if (/^\d{9,}$/.test(value)) return "4".repeat(Math.max(15, value.length));
  if (/^gid:/.test(value)) return value.replace(/\d+$/, stubFor);
  if (/^https?:/.test(value)) return `${value}${value.includes("?") ? "&" : "?"}k=someone`;
  if (/^[+(]?\d[\d ().-]{8,}\d$/.test(value) && !/^[\d.]+$/.test(value)) {
    let left = value.replace(/\D/g, "").length;
    return value.replace(/\d/g, (digit) => (left-- > 7 ? digit : "6"));
  }
  return value.includes(" ") ? 'Zoé "Ö" <b>&amp; 100%' : `Someone${value.length}`;
}

/** What comes of a fixture, without who it is about. */
async function shapeOf(connector: Connector, fixture: Fixture): Promise<string> {
  const now = Date.UTC(2026, 10, 20, 9, 15);
  const request = signFixture(connector, fixture, SECRET, now);
  const expected = { secrets: [SECRET], account: null, fetches: fixture.answers.size > 0 };
  const outcome = await outcomeOf(connector, request, expected, { now, answers: fixture.answers });
  return JSON.stringify(outcome, (name, value) =>
    PERSONAL.has(name) ? (Array.isArray(value) ? value.length : Object.keys(value)) : value,
  );
}

const PERSONAL = new Set(["email", "phone", "platformId", "objects", "details"]);

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // a fixture of something that cannot be read has only headers
  }
}
