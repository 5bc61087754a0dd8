import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Connector, doorsOf } from "./connector.ts";
import type { PersonalRecord } from "./records.ts";
import { type WebhookRequest, webhookRequest } from "./request.ts";

/**
 * One case of a platform's behaviour, in a `.http` file: a comment, the request as sent (without its
 * signature, which is made with whatever secret is at hand), and what must come of it.
 *
 *     # customers/create: an id beyond 2^53
 *     POST /
 *     content-type: application/json
 *     x-shopify-topic: customers/create
 *
 *     {"id": 706405506930370084, "email": "bob@example.com"}
 *     === expect
 *     {"records": [{"type": "subject", "email": ["bob@example.com"], "platformId": ["706405506930370084"]}]}
 */
export interface Fixture {
  readonly name: string;
  readonly about: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly expect: {
    /** Absent: an ordinary delivery. */
    readonly outcome?: "ping" | "handshake" | "ignored";
    readonly topic?: string;
    readonly account?: string;
    readonly records?: readonly unknown[];
    /** Code of the error that processing must end with. */
    readonly error?: string;
  };
}

/** Reads every `.http` file of a folder, by name. */
export function loadFixtures(folder: string): Fixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".http"))
    .sort()
    .map((file) => parseFixture(basename(file, ".http"), readFileSync(join(folder, file), "utf8")));
}

function parseFixture(name: string, text: string): Fixture {
  const [request = "", expected] = text.split("\n=== expect\n");
  const [head = "", ...rest] = request.split("\n\n");
  const lines = head.split("\n");
  const about = lines.filter((line) => line.startsWith("#")).map((line) => line.slice(1).trim());
  const [start = "", ...headerLines] = lines.filter((line) => !line.startsWith("#"));
  const [method = "", target = ""] = start.split(" ");
  if (expected === undefined || !/^[A-Z]+$/.test(method) || !target.startsWith("/"))
    throw new Error(
      `fixture ${name}: needs a request line such as "POST /", headers, a body, and a line "=== expect"`,
    );
  const headers = headerLines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return {
    name,
    about: about.join(" "),
    method,
    target,
    headers: Object.fromEntries(headers),
    body: rest.join("\n\n"),
    expect: JSON.parse(expected),
  };
}

/** The fixture's request, signed as the platform would sign it with this secret, at this time (milliseconds), for this URL. */
export function signFixture(
  connector: Connector,
  fixture: Fixture,
  secret: string,
  now: number,
  url?: string,
): WebhookRequest & { headers: Record<string, string> } {
  const unsigned = { ...fixtureRequest(fixture), ...(url === undefined ? {} : { url }) };
  const doors = doorsOf(connector);
  const door =
    doors.find(({ requires = [] }) => requires.every((name) => unsigned.header(name) !== undefined)) ??
    doors.at(-1);
  const signed = fixture.expect.outcome === "ping" ? undefined : door?.signature.sign(unsigned, secret, now);
  const query = new URLSearchParams(signed?.query ?? {}).toString();
  const headers = { ...fixture.headers, ...signed?.headers };
  const target = query === "" ? unsigned.url : `${unsigned.url.split("?")[0]}?${query}`;
  return { ...webhookRequest({ method: fixture.method, url: target, headers, body: fixture.body }), headers };
}

export function fixtureRequest(fixture: Fixture): WebhookRequest {
  return webhookRequest({
    method: fixture.method,
    url: fixture.target,
    headers: fixture.headers,
    body: fixture.body,
  });
}

export type RecordSummary = Readonly<Record<string, unknown>>;

/** Records as plain values, personal ones revealed: for comparing with a fixture, never for storing. */
export function summarise(records: readonly PersonalRecord[]): RecordSummary[] {
  return records.map((record) => {
    switch (record.type) {
      case "subject":
        return present({
          type: "subject",
          email: record.emails.map((value) => value.reveal()),
          phone: record.phones.map((value) => value.reveal()),
          platformId: record.platformIds.map((value) => value.reveal()),
          objects: record.objects.map((value) => value.reveal()),
          region: record.region,
        });
      case "rights":
        return present({ ...record, details: JSON.parse(record.details.reveal()) });
      default:
        return present({ ...record });
    }
  });
}

function present(fields: Record<string, unknown>): RecordSummary {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
