import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Connector, type Door, doorsOf } from "./connector.ts";
import { connectorErrors } from "./errors.ts";
import { type WebhookRequest, webhookRequest } from "./request.ts";

/**
 * One case of a platform's behaviour, in a `.http` file: a comment, the request as sent (without its signature, which
 * is made with whatever secret is at hand), what the platform's API answers where the payload is thin, and what must
 * come of it.
 *
 *     # customers/create: an id beyond 2^53
 *     POST /
 *     content-type: application/json
 *     x-shopify-topic: customers/create
 *
 *     {"id": 706405506930370084, "email": "bob@example.com"}
 *     === GET https://api.example.com/customers/706405506930370084
 *     {"name": "Bob"}
 *     === expect
 *     {"records": [{"type": "subject", "email": ["bob@example.com"], "platformId": ["706405506930370084"]}]}
 */
export interface Fixture {
  readonly name: string;
  readonly about: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What the platform's API answers, by URL. Without any, the connection has no credentials. */
  readonly answers: ReadonlyMap<string, unknown>;
  readonly expect: Expectation;
}

/** What must come of a request. */
export interface Expectation extends Outcome {
  /** Of each event, where a request carries several. */
  readonly events?: readonly Outcome[];
}

export interface Outcome {
  /** Absent: an ordinary delivery. */
  readonly outcome?: "ping" | "handshake" | "ignored";
  readonly topic?: string;
  readonly account?: string;
  readonly records?: readonly unknown[];
  /** Code of the error that processing must end with. */
  readonly error?: string;
}

/** Reads every `.http` file of a folder, by name. Throws `connector/bad-fixture`, which names the file at fault. */
export function loadFixtures(folder: string): Fixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".http"))
    .sort()
    .map((file) => parseFixture(basename(file, ".http"), readFileSync(join(folder, file), "utf8")));
}

function parseFixture(name: string, text: string): Fixture {
  const bad = (fault: string) => connectorErrors.badFixture(name, fault);
  const [request = "", ...sections] = text.split(/^=== (?=expect$|GET )/m);
  const [head = "", ...rest] = request.replace(/\n$/, "").split("\n\n");
  const lines = head.split("\n");
  const about = lines.filter((line) => line.startsWith("#")).map((line) => line.slice(1).trim());
  const [start = "", ...headerLines] = lines.filter((line) => !line.startsWith("#"));
  const [method = "", target = ""] = start.split(" ");
  if (!/^[A-Z]+$/.test(method) || !target.startsWith("/"))
    throw bad('it must begin with a request line such as "POST /", after comments that begin with "#"');
  let expect: Expectation | undefined;
  const answers = new Map<string, unknown>();
  for (const section of sections) {
    const [title = "", ...content] = section.split("\n");
    const value = json(content.join("\n")) ?? bad(`what follows "=== ${title}" is not JSON`);
    if (value instanceof Error) throw value;
    if (title === "expect") expect = value as Expectation;
    else answers.set(title.slice("GET ".length).trim(), value);
  }
  if (expect === undefined)
    throw bad('it must end with a line "=== expect" and what must come of it, as JSON');
  const headers = headerLines.map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw bad(`"${line}" is not a header such as "content-type: application/json"`);
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return {
    name,
    about: about.join(" "),
    method,
    url: target,
    headers: Object.fromEntries(headers),
    body: rest.join("\n\n"),
    answers,
    expect,
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fixture's request, signed as the platform would sign it with this secret, at this time (milliseconds), for this URL. */
export function signFixture(
  connector: Connector,
  fixture: Pick<Fixture, "method" | "url" | "headers" | "body" | "expect">,
  secret: string,
  now: number,
  url = fixture.url,
): WebhookRequest & { headers: Record<string, string> } {
  const unsigned = webhookRequest({ ...fixture, url });
  const { signature } = fixtureDoor(connector, fixture);
  const signed = fixture.expect.outcome === "ping" ? undefined : signature.sign(unsigned, secret, now);
  const headers = { ...fixture.headers, ...signed?.headers };
  const target = new URL(unsigned.url);
  for (const [name, value] of Object.entries(signed?.query ?? {})) target.searchParams.set(name, value);
  return { ...webhookRequest({ ...fixture, url: target.href, headers }), headers };
}

/** The door that a fixture is made for: the first whose required headers it has, otherwise the last. */
export function fixtureDoor(connector: Connector, fixture: Pick<Fixture, "headers">): Door {
  const { header } = webhookRequest({ headers: fixture.headers });
  const doors = doorsOf(connector);
  const found = doors.find(({ requires = [] }) => requires.every((name) => header(name) !== undefined));
  const door = found ?? doors.at(-1);
  if (door === undefined) throw connectorErrors.invalid(connector.id, "it has no webhook");
  return door;
}
