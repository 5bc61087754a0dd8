import { createHash, randomUUID } from "node:crypto";
import { type Connector, type DeliveryIdentity, type Door, doorFor, doorsOf } from "./connector.ts";
import type { Envelope } from "./extract.ts";
import { instant } from "./instant.ts";
import { isOfFormat, parseBody } from "./payload.ts";
import type { WebhookRequest } from "./request.ts";
import type { Refusal } from "./signature/index.ts";

/** What the core makes of a request before anything is stored. */
export type Received =
  | { readonly kind: "refused"; readonly reason: Refusal }
  /** The platform checks that the URL is there: answer 200, store nothing. */
  | { readonly kind: "handshake" }
  | { readonly kind: "ping" }
  | { readonly kind: "method_not_allowed"; readonly allowed: readonly string[] }
  | { readonly kind: "delivery"; readonly about: DeliveryFacts };

export interface DeliveryFacts {
  /** Which of the connector's doors it came through: it knows how to read the body. */
  readonly door: number;
  readonly topic: string | undefined;
  readonly account: string | undefined;
  /** ISO 8601 in UTC. */
  readonly occurredAt: string | undefined;
  readonly environment: "live" | "sandbox" | undefined;
  /** What tells this delivery from others, to be MACed: never stored as it is. */
  readonly identity: readonly string[];
}

/** What the connection knows that the request came to. */
export interface Expected {
  readonly secrets: readonly string[];
  readonly account: string | null;
  /** It has credentials to fetch thin payloads with. */
  readonly fetches?: boolean;
}

/**
 * Verifies a request and reads its envelope: the core does it, on the raw bytes, and a connector cannot
 * leave it out. Nothing is parsed before the signature holds. `now` in milliseconds since the epoch.
 */
export function receive(
  connector: Connector,
  request: WebhookRequest,
  expected: Expected,
  now: number,
): Received {
  const door = doorFor(connector, request);
  if (request.method !== "POST") return shakeHands(door, request, expected, now);
  const verdict = door.signature.verify(request, expected.secrets, now);
  if (!verdict.ok) {
    return verdict.reason === "missing_signature" && door.ping?.(request) === true
      ? { kind: "ping" }
      : { kind: "refused", reason: verdict.reason };
  }
  const missing = door.requires?.some((name) => (request.header(name) ?? "") === "");
  if (missing === true) return { kind: "refused", reason: "missing_header" };
  if (!isOfFormat(door.body, request.header("content-type")))
    return { kind: "refused", reason: "wrong_content_type" };
  const envelope = lazyEnvelope(door, request);
  if (door.agree !== undefined) {
    const [given, signed] = door.agree.map((fact) => fact(envelope));
    if (given === undefined || given !== signed) return { kind: "refused", reason: "header_disagrees" };
  }
  const facts = factsOf(door, envelope, expected.fetches === true);
  const about = { door: doorsOf(connector).indexOf(door), ...facts };
  if (
    expected.account !== null &&
    about.account !== undefined &&
    plainAccount(about.account) !== plainAccount(expected.account)
  )
    return { kind: "refused", reason: "wrong_account" };
  return { kind: "delivery", about };
}

function shakeHands(door: Door, request: WebhookRequest, expected: Expected, now: number): Received {
  const { handshake } = door;
  if (handshake === undefined || handshake.method !== request.method)
    return {
      kind: "method_not_allowed",
      allowed: ["POST", ...(handshake === undefined ? [] : [handshake.method])],
    };
  if (!handshake.signed) return { kind: "handshake" };
  const verdict = door.signature.verify(request, expected.secrets, now);
  return verdict.ok ? { kind: "handshake" } : { kind: "refused", reason: verdict.reason };
}

type RequestEnvelope = Envelope & { readonly request: WebhookRequest };

/** The body is parsed only if somebody asks: where headers say it all, that is done in processing, not while the platform waits. */
function lazyEnvelope(door: Door, request: WebhookRequest): RequestEnvelope {
  let parsed: { body: unknown } | undefined;
  const body = () => {
    parsed ??= { body: readable(door, request) };
    return parsed.body;
  };
  return {
    request,
    get body() {
      return body();
    },
    get event() {
      return body();
    },
  };
}

function factsOf(door: Door, envelope: RequestEnvelope, fetches: boolean): Omit<DeliveryFacts, "door"> {
  const environment = door.environment?.(envelope);
  // What each of several events is about is found out in processing; the request is told from others by its body.
  if (door.events !== undefined)
    return {
      ...{ topic: undefined, account: undefined, occurredAt: undefined, environment },
      identity: [bodyHash(envelope)],
    };
  return {
    topic: door.topic(envelope),
    account: door.account?.(envelope),
    occurredAt: instant(door.occurredAt?.(envelope)),
    environment,
    identity: door.id.pointer === true && fetches ? [randomUUID()] : identityOf(door.id, envelope),
  };
}

/** A body that cannot be read is no reason to turn a signed request away: it is stored, and fails in processing. */
function readable(door: Door, request: WebhookRequest): unknown {
  try {
    return parseBody(door.body, request.body);
  } catch {
    return undefined;
  }
}

function identityOf(id: DeliveryIdentity, envelope: RequestEnvelope): readonly string[] {
  const parts = id.parts.map((part) => part(envelope));
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length || known.length === 0) return [bodyHash(envelope)];
  const withBody = typeof id.withBody === "function" ? id.withBody(known) : id.withBody === true;
  return withBody ? [...known, bodyHash(envelope)] : known;
}

function bodyHash({ request }: { request: WebhookRequest }): string {
  return createHash("sha256").update(request.body).digest("hex");
}

/** An account as it is compared and stored: shop domains and store URLs without case, scheme and trailing slash. */
export function plainAccount(account: string): string {
  return account
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "");
}
