import { type Connector, type Door, doorFor } from "../connector.ts";
import { type Fixture, fixtureDoor, signFixture } from "../fixtures.ts";
import { receive } from "../receive.ts";
import { type WebhookRequest, webhookRequest } from "../request.ts";

type Scheme = Door["signature"];

/** 2026-11-20T09:15:00Z, on the second: the time at which fixtures are signed, in milliseconds. */
export const NOW = Date.UTC(2026, 10, 20, 9, 15);

/** A secret as the connection holds it, and what signs for it; the same unless the platform has a private key. */
export interface Key {
  readonly secret: string;
  readonly signing: string;
}

/** A request in plain values, so that one of them can be changed. */
export interface Parts {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A fixture that a platform would deliver, signed. */
export interface Case {
  readonly connector: Connector;
  readonly fixture: Fixture;
  readonly door: Door;
  readonly key: Key;
  readonly parts: Parts;
  /** What the signature added to the request. */
  readonly signed: ReturnType<Scheme["sign"]>;
}

/** The fixtures whose requests must be let in; the others are pings, handshakes and requests to be refused. */
export function deliveriesOf(fixtures: readonly Fixture[]): readonly Fixture[] {
  // A code of an error names its room; the reason of a refusal does not.
  const isRefusal = (error: string | undefined) => error !== undefined && !error.includes("/");
  return fixtures.filter(
    ({ expect: { outcome, error } }) => outcome !== "ping" && outcome !== "handshake" && !isRefusal(error),
  );
}

export function caseOf(connector: Connector, fixture: Fixture): Case {
  const signer = fixtureDoor(connector, fixture);
  const key = keyFor(signer.signature);
  const request = signFixture(connector, fixture, key.signing, NOW);
  const parts = partsOf(request);
  const signed = signer.signature.sign(webhookRequest(fixture), key.signing, NOW);
  return { connector, fixture, door: doorFor(connector, request), key, parts, signed };
}

/** The case's request with another body or other headers, signed anew, by the same key unless another is given. */
export function signAnew(
  { connector, fixture, key }: Case,
  change: { body?: string; headers?: Readonly<Record<string, string>>; key?: Key; now?: number },
): Parts {
  const { body = fixture.body, headers = fixture.headers, now = NOW } = change;
  const signing = (change.key ?? key).signing;
  return partsOf(signFixture(connector, { ...fixture, body, headers }, signing, now));
}

function partsOf(request: WebhookRequest & { headers: Record<string, string> }): Parts {
  const { method, url, headers, body } = request;
  return { method, url, headers, body };
}

export function keyFor(scheme: Scheme): Key {
  const text = "s3cret-of-the-conformance-suite";
  return scheme.keyPair?.() ?? { secret: text, signing: text };
}

/** A second key of the scheme; undefined where none can be made. */
export function anotherKey({ door: { signature }, key }: Case): Key | undefined {
  const other = `${key.secret}-2`;
  return [signature.keyPair?.(), { secret: other, signing: other }].find(
    (candidate) => candidate !== undefined && candidate.secret !== key.secret,
  );
}

export interface Given {
  readonly secrets?: readonly string[];
  readonly account?: string | null;
  readonly now?: number;
}

export function receiveParts({ connector, key }: Case, parts: Parts, given: Given = {}) {
  const { secrets = [key.secret], account = null, now = NOW } = given;
  return receive(connector, webhookRequest(parts), { secrets, account }, now);
}

/** What is wrong if such a request is let in; nothing if it is turned away. */
export function mustBeRefused(tried: Case, what: string, parts: Parts, given?: Given): string[] {
  try {
    const { kind } = receiveParts(tried, parts, given);
    return kind === "delivery" || kind === "handshake" ? [`${what}: it was let in`] : [];
  } catch (error) {
    return [`${what}: it threw ${String(error)}`];
  }
}

/** What is wrong if such a request is turned away. */
export function mustBeLetIn(tried: Case, what: string, parts: Parts, given?: Given): string[] {
  const received = receiveParts(tried, parts, given);
  if (received.kind === "delivery") return [];
  return [`${what}: it was turned away (${received.kind === "refused" ? received.reason : received.kind})`];
}

/** The request with a header of another value; undefined takes it away. */
export function withHeader(parts: Parts, name: string, value: string | undefined): Parts {
  const { [name]: _, ...headers } = parts.headers;
  return { ...parts, headers: value === undefined ? headers : { ...headers, [name]: value } };
}
