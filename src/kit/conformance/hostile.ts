import { performance } from "node:perf_hooks";
import type { Expectation } from "../fixtures.ts";
import { outcomeOf } from "../outcome.ts";
import { webhookRequest } from "../request.ts";
import { type Case, NOW, signAnew } from "./case.ts";
import { leavesOf, readBody, writeBody } from "./leaves.ts";

/** Milliseconds that one request may take: many times what it does take, so that a busy machine is no fault. */
const PATIENCE = 3_000;
const DEEP = 100_000;
/** Bytes, about what the hub takes of a body. */
const HUGE = 2 * 1024 * 1024;

/** Characters of one text: enough to make a pattern slow that goes over it again for each of them. */
const LONG = 64 * 1024;

/**
 * Correctly signed bodies that somebody made to hurt: huge ones, deep ones, ones with the names of JavaScript's
 * prototypes. They give a refusal, a `payload/*` error or records, soon; and deep ones never give records.
 */
export function hostileBodies(tried: Case): Promise<string[]> {
  const { door, fixture } = tried;
  const payload = readBody(door.body, fixture.body);
  return withstand(
    tried,
    door.body === "json" ? jsonBodies(payload, fixture.body) : formBodies(fixture.body),
  );
}

/** The fixture's own payload with something hostile in the place of one text or number of it after the other. */
export function hostileValues(tried: Case): Promise<string[]> {
  return withstand(tried, values(tried));
}

async function withstand(tried: Case, bodies: Iterable<Hostile>): Promise<string[]> {
  const faults: string[] = [];
  const before = shared();
  for (const { what, body, deep, like } of bodies) {
    const started = performance.now();
    const outcome = await outcomeWith(tried, body);
    const took = performance.now() - started;
    if (took > PATIENCE)
      return [...faults, `${what}: it took ${Math.round(took)} ms; nothing else was tried`];
    if (typeof outcome === "string") faults.push(`${what}: it threw ${outcome}`);
    else faults.push(...judged(what, outcome, deep === true));
    if (like !== undefined && typeof outcome !== "string") {
      const other = await outcomeWith(tried, like);
      if (typeof other !== "string" && failures(other) !== failures(outcome))
        faults.push(`${what}: it was read, which text that is no JSON is not`);
    }
    faults.push(...pollution(what, before));
  }
  return faults;
}

interface Hostile {
  readonly what: string;
  readonly body: string;
  readonly deep?: true;
  /** A body of which just as many events must fail. */
  readonly like?: string;
}

async function outcomeWith(tried: Case, body: string): Promise<Expectation | string> {
  try {
    const parts = signAnew(tried, { body });
    const expected = { secrets: [tried.key.secret], account: null };
    return await outcomeOf(tried.connector, webhookRequest(parts), expected, { now: NOW });
  } catch (error) {
    return String(error);
  }
}

function failures({ error, events = [] }: Expectation): number {
  return [{ error }, ...events].filter((outcome) => outcome.error !== undefined).length;
}

function judged(what: string, outcome: Expectation, deep: boolean): string[] {
  const all = [outcome, ...(outcome.events ?? [])];
  const errors = all.flatMap(({ error }) => (error === undefined ? [] : [error]));
  const wrong = errors.filter((error) => error.includes("/") && !error.startsWith("payload/"));
  return [
    ...[...new Set(wrong)].map(
      (error) => `${what}: it ended with ${error}, which is no fault of the payload`,
    ),
    ...(errors.includes("payload/connector-fault") ? [`${what}: the connector threw`] : []),
    ...(deep && all.some(({ records }) => records !== undefined) ? [`${what}: it gave records`] : []),
  ];
}

/** What all objects share: the members that they come with, which no list of keys shows. */
const shared = () =>
  [Object.prototype, Array.prototype, Function.prototype].map((prototype) => ({
    prototype,
    members: Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(([, own]) => !own.enumerable),
  }));

/** Takes back what was done to every object, so that the other checks can go on. */
function pollution(what: string, before: ReturnType<typeof shared>): string[] {
  let polluted = false;
  for (const { prototype, members } of before) {
    for (const [key, was] of members) {
      const is = Object.getOwnPropertyDescriptor(prototype, key);
      if (is?.value === was.value && is?.get === was.get && is?.set === was.set && !is?.enumerable) continue;
      Object.defineProperty(prototype, key, was);
      polluted = true;
    }
    for (const key of Object.keys(prototype)) {
      Reflect.deleteProperty(prototype, key);
      polluted = true;
    }
  }
  return polluted || "polluted" in {} ? [`${what}: it changed a prototype that all objects share`] : [];
}

function* values({ door, fixture }: Case): Generator<Hostile> {
  for (const { path, value, replaced } of leavesOf(readBody(door.body, fixture.body))) {
    const put = (what: string, by: unknown): Hostile => ({
      what: `${what} at ${path}`,
      body: writeBody(door.body, replaced(by)),
    });
    yield put("a long text", "x".repeat(LONG));
    yield put("many spaces", " ".repeat(LONG));
    yield put("a long number", "9".repeat(LONG));
    yield put("nothing", null);
    yield put("an empty text", "");
    yield put("a list", [value]);
    yield put("an object", { toString: value });
    yield put("the name of a prototype", "__proto__");
    yield put("what every object has", "constructor");
    yield put("a NUL and half a character", "\0\ud800");
    if (typeof value === "string" && /^\s*[[{]/.test(value))
      yield {
        ...put("JSON in a text, and deep,", withMember(value, `"x":${nested()}`)),
        like: writeBody(door.body, replaced("{")),
      };
  }
}

function* jsonBodies(payload: unknown, body: string): Generator<Hostile> {
  yield { what: `${DEEP} lists in one another`, body: "[".repeat(DEEP) + "]".repeat(DEEP), deep: true };
  yield { what: `${DEEP} lists that are never closed`, body: "[".repeat(DEEP), deep: true };
  yield { what: `${DEEP} objects in one another`, body: nested(), deep: true };
  for (const inside of [nested(), "[".repeat(DEEP) + "]".repeat(DEEP)])
    yield {
      what: "the payload with something deep beside it",
      body: withMember(body, `"x":${inside}`),
      deep: true,
    };
  const [leaf] = leavesOf(payload);
  if (leaf !== undefined) {
    const marked = JSON.stringify(leaf.replaced("@@deep@@"));
    yield {
      what: `something deep at ${leaf.path}`,
      body: marked.replace('"@@deep@@"', nested()),
      deep: true,
    };
    yield { what: `2 MiB of text at ${leaf.path}`, body: writeBody("json", leaf.replaced("x".repeat(HUGE))) };
  }
  const members = Array.from({ length: 60_000 }, (_, i) => `"key${i}":"value ${i}, and more"`).join();
  yield { what: "the payload with 60,000 members beside it", body: withMember(body, members) };
  yield { what: "a list of a million numbers", body: `[${"1,".repeat(HUGE / 2 - 1)}1]` };
  yield { what: "a number of a million digits", body: withMember(body, `"n":${"9".repeat(1_000_000)}`) };
  for (const [what, repeated] of repeatedLists(payload)) yield { what, body: writeBody("json", repeated) };
  for (const poison of POISON) {
    yield { what: `a member ${poison}`, body: withMember(body, poison) };
    yield {
      what: `a member ${poison} in every object`,
      body: body.replaceAll("{", `{${poison},`).replaceAll(",}", "}"),
    };
  }
  for (const text of ["null", "true", "0", '""', "[]", "{}", "[null]", '{"":null}'])
    yield { what: `the body ${text}`, body: text };
}

const POISON = [
  '"__proto__":{"polluted":true}',
  '"constructor":{"prototype":{"polluted":true}}',
  '"prototype":{"polluted":true},"toString":null,"hasOwnProperty":1',
];

function nested(): string {
  return `${'{"x":'.repeat(DEEP)}1${"}".repeat(DEEP)}`;
}

/** The object with another member in front; an object of that member alone if the text is none. */
function withMember(text: string, member: string): string {
  const rest = text.trimStart();
  if (!rest.startsWith("{")) return `{${member}}`;
  return `{${member}${/^\{\s*\}/.test(rest) ? "" : ","}${rest.slice(1)}`;
}

/** The payload with each list at its top, or itself, thousands of times as long: up to 2 MiB. */
function* repeatedLists(payload: unknown): Generator<[string, unknown]> {
  if (typeof payload !== "object" || payload === null) return;
  if (Array.isArray(payload)) yield ["the list, thousands of times as long", many(payload)];
  for (const [key, value] of Object.entries(payload))
    if (Array.isArray(value) && value.length > 0)
      yield [`the list ${key}, thousands of times as long`, { ...payload, [key]: many(value) }];
}

function many(list: readonly unknown[]): unknown[] {
  const size = Math.max(1, JSON.stringify(list).length);
  return Array.from({ length: Math.min(5_000, Math.ceil(HUGE / size)) }, () => list).flat();
}

function* formBodies(body: string): Generator<Hostile> {
  const key = (levels: number) => `x${"[x]".repeat(levels)}`;
  yield { what: `a field of ${DEEP} levels`, body: `${body}&${key(DEEP)}=1`, deep: true };
  yield { what: "a field of 100 levels", body: `${body}&${key(100)}=1`, deep: true };
  const fields = Array.from({ length: 60_000 }, (_, i) => `key${i}=value+${i}+and+more`).join("&");
  yield { what: "60,000 more fields", body: `${body}&${fields}` };
  yield { what: "60,000 values of one field", body: `${body}&${"list[]=1&".repeat(60_000)}` };
  yield { what: "2 MiB in one field", body: `${body}&text=${"x".repeat(HUGE)}` };
  yield { what: "2 MiB of percent signs", body: `${body}&text=${"%".repeat(HUGE)}` };
  for (const poison of [
    "__proto__[polluted]=1",
    "constructor[prototype][polluted]=1",
    "data[__proto__][polluted]=1",
  ])
    yield { what: `a field ${poison}`, body: `${poison}&${body}` };
  for (const text of ["", "=", "&&&", "[]=1", "data=1", "toString=1&hasOwnProperty=1"])
    yield { what: `the body ${JSON.stringify(text)}`, body: text };
}
