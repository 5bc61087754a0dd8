import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import {
  type Connector,
  doorsOf,
  eventsOf,
  type Fixture,
  interpret,
  loadFixtures,
  outcomeOf,
  receive,
  signFixture,
  type WebhookRequest,
} from "#kit";

const NOW = Date.UTC(2026, 10, 20, 9, 15);
const SECRET = "s3cret-of-the-conformance-suite";
const expected = { secrets: [SECRET], account: null };

const folder = (connector: Connector) =>
  fileURLToPath(new URL(`../fixtures/${connector.id}`, import.meta.url));
const cases = [...connectors.values()].flatMap((connector) =>
  loadFixtures(folder(connector)).map((fixture) => ({
    name: `${connector.id}/${fixture.name}`,
    connector,
    fixture,
  })),
);
const deliveries = cases.filter(
  ({ fixture }) => !["ping", "handshake"].includes(fixture.expect.outcome ?? ""),
);

const signed = (connector: Connector, fixture: Fixture, secret = SECRET, now = NOW) =>
  signFixture(connector, fixture, secret, now);

describe.each(cases)("$name", ({ connector, fixture }) => {
  test(fixture.about, async () => {
    const { answers } = fixture;
    const outcome = await outcomeOf(connector, signed(connector, fixture), expected, { now: NOW, answers });
    expect(outcome).toEqual(fixture.expect);
  });
});

/** The body again for each of its texts and numbers, with a canary in that one's place. */
function* poisoned(body: string): Generator<string> {
  const form = !/^\s*[[{]/.test(body);
  const value = form ? /=([^&]*)/g : /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.]*/g;
  for (const { index, 0: found, 1: key } of body.matchAll(value)) {
    if (!form && key !== undefined) continue;
    const canary = form ? `=${encodeURIComponent(CANARY)}` : JSON.stringify(CANARY);
    yield body.slice(0, index) + canary + body.slice(index + found.length);
  }
}
const CANARY = "Canary Q. Leak <canary@leak.example>";

test.each(deliveries)(
  "$name lets no text of the payload out in the clear, whatever stands there",
  ({ connector, fixture }) => {
    const received = receive(connector, signed(connector, fixture), expected, NOW);
    if (received.kind !== "delivery") throw new Error(received.kind);
    let tried = 0;
    for (const body of poisoned(fixture.body)) {
      tried += 1;
      let said: string;
      try {
        const events = eventsOf(connector, Buffer.from(body), received.about);
        said = JSON.stringify(
          events.map((event) => interpret(connector, event, new Date(NOW).toISOString())),
        );
      } catch (error) {
        said = String(error);
      }
      expect(said).not.toMatch(/canary/i);
    }
    expect(tried).toBeGreaterThan(0);
  },
);

const fetched = deliveries.filter(({ fixture }) => fixture.answers.size > 0);

test.each(fetched)(
  "$name lets no text of what was fetched out in the clear, whatever stands there",
  ({ connector, fixture }) => {
    const received = receive(connector, signed(connector, fixture), expected, NOW);
    if (received.kind !== "delivery") throw new Error(received.kind);
    const events = eventsOf(connector, Buffer.from(fixture.body), received.about);
    for (const answer of fixture.answers.values())
      for (const text of poisoned(JSON.stringify(answer)))
        for (const event of events) {
          let said: string;
          try {
            said = JSON.stringify(interpret(connector, event, new Date(NOW).toISOString(), JSON.parse(text)));
          } catch (error) {
            said = String(error);
          }
          expect(said ?? "").not.toMatch(/canary/i);
        }
  },
);

const doorOf = (connector: Connector, fixture: Fixture) =>
  doorsOf(connector).find(
    ({ signature }) =>
      signature.header === undefined || signature.header in signed(connector, fixture).headers,
  );

describe.each(deliveries)("$name is refused", ({ connector, fixture }) => {
  const header = doorOf(connector, fixture)?.signature.header;
  const verdict = (request: WebhookRequest, secrets = [SECRET]) =>
    receive(connector, request, { secrets, account: null }, NOW);

  test("with another secret, without one, and with an empty one", () => {
    const request = signed(connector, fixture);
    expect(verdict(request, ["another"])).toEqual({ kind: "refused", reason: "mismatch" });
    expect(verdict(request, [])).toEqual({ kind: "refused", reason: "no_secret" });
    expect(verdict(request, [""])).toEqual({ kind: "refused", reason: "no_secret" });
    expect(verdict(signed(connector, fixture, ""), [""]).kind).toBe("refused");
  });

  test("unless one of several secrets fits: while one is rotated, both do", () => {
    const old = signed(connector, fixture, "old");
    const fresh = signed(connector, fixture, "new");
    for (const request of [old, fresh]) expect(verdict(request, ["new", "old"]).kind).toBe("delivery");
    expect(verdict(old, ["new"]).kind).toBe("refused");
  });

  test("with any character of the signature changed, and with none, an empty or a doubled one", () => {
    const request = signed(connector, fixture);
    const value = header === undefined ? SECRET : (request.headers[header] ?? "");
    const replaced = (text: string | undefined): WebhookRequest =>
      header === undefined
        ? {
            ...request,
            url: `https://hub.example.com/${text === undefined ? "" : `?secret=${encodeURIComponent(text)}`}`,
          }
        : { ...request, header: (name) => (name === header ? text : request.header(name)) };
    for (let i = 0; i < value.length; i++) {
      const other = value[i] === "a" ? "b" : "a";
      expect(verdict(replaced(value.slice(0, i) + other + value.slice(i + 1))).kind, `character ${i}`).toBe(
        "refused",
      );
    }
    for (const text of [
      undefined,
      "",
      `${value}, ${value}`,
      `${value} `.repeat(2),
      value.slice(1),
      value.slice(0, -1),
    ])
      expect(verdict(replaced(text)).kind, String(text?.length)).toBe("refused");
    if (header === undefined)
      expect(
        verdict({ ...request, url: `https://hub.example.com/?secret=${SECRET}&secret=${SECRET}` }).kind,
      ).toBe("refused");
  });
});

const bodySigned = deliveries.filter(
  ({ connector, fixture }) => doorOf(connector, fixture)?.signature.header !== undefined,
);

test.each(bodySigned)(
  "$name is refused with any byte of the body changed, cut off or added",
  ({ connector, fixture }) => {
    const request = signed(connector, fixture);
    const verdict = (body: Uint8Array) => receive(connector, { ...request, body }, expected, NOW).kind;
    for (let i = 0; i < request.body.length; i++) {
      const body = Uint8Array.from(request.body);
      body[i] = (body[i] ?? 0) ^ 1;
      expect(verdict(body), `byte ${i}`).toBe("refused");
    }
    const added = (...parts: (string | Uint8Array)[]) =>
      Buffer.concat(parts.map((part) => Buffer.from(part)));
    for (const body of [
      request.body.subarray(0, -1),
      added(request.body, "\n"),
      new Uint8Array(),
      added("\ufeff", request.body),
    ])
      expect(verdict(body)).toBe("refused");
  },
);

const timestamped = deliveries.filter(
  ({ connector, fixture }) => doorOf(connector, fixture)?.signature.kind === "timestamped",
);

test.each(timestamped)(
  "$name is refused when its timestamp is too old or from the future",
  ({ connector, fixture }) => {
    const request = signed(connector, fixture);
    const verdict = (now: number) => receive(connector, request, expected, now);
    expect(verdict(NOW + 300_000).kind).toBe("delivery");
    expect(verdict(NOW + 302_000)).toEqual({ kind: "refused", reason: "timestamp_too_old" });
    expect(verdict(NOW - 302_000)).toEqual({ kind: "refused", reason: "timestamp_in_future" });
  },
);

/** What its fixtures say of every event: a request may carry several. */
const outcomesOf = (connector: Connector) =>
  loadFixtures(folder(connector)).flatMap(({ expect }) => expect.events ?? [expect]);

describe("a connector's declarations", () => {
  test.each([...connectors.values()].map((connector) => ({ id: connector.id, connector })))(
    "of $id have a fixture for every topic",
    ({ connector }) => {
      const seen = new Set(outcomesOf(connector).map(({ topic }) => topic));
      expect(Object.keys(connector.events).filter((topic) => !seen.has(topic))).toEqual([]);
    },
  );

  test.each([...connectors.values()].map((connector) => ({ id: connector.id, connector })))(
    "of $id hold no activity that nothing records",
    ({ connector }) => {
      const recorded = new Set(
        outcomesOf(connector).flatMap(({ records = [] }) =>
          records.map((record) => (record as { activity?: string }).activity),
        ),
      );
      expect(Object.keys(connector.activities).filter((name) => !recorded.has(name))).toEqual([]);
    },
  );
});
