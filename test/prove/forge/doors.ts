import { createHmac, randomUUID } from "node:crypto";
import type { ControllerId } from "#schemas";
import { type Chance, oneOf } from "./forgery.ts";
import { bytesOf, chunked, type Exchange, type Wire } from "./wire.ts";

/** An attempt on a door that is open to everybody, and what it may be answered. */
export interface PublicAttempt {
  readonly kind: string;
  /** Everything else is a fault. */
  readonly allowed: readonly number[];
  readonly bytes: Uint8Array;
}

const DEEP = 100_000;

/** Malformed input for browsers' signals, people's rights, links, codes, and what the hub publishes. */
export function publicAttempts(controllerId: ControllerId, chance: Chance): PublicAttempt[] {
  return [
    ...signals(controllerId, chance),
    ...rights(controllerId, chance),
    ...links(controllerId),
    ...published(),
  ];
}

/** What is wrong with an answer; undefined if it may be. */
export function publicFault(
  { allowed }: PublicAttempt,
  { statuses, codes, closed }: Exchange,
): string | undefined {
  const [status] = statuses;
  if (status === undefined) return closed && allowed.includes(400) ? undefined : "got no answer";
  return allowed.includes(status) && statuses.length === 1
    ? undefined
    : `answered ${statuses.join(", ")} ${codes.join(", ")}`.trim();
}

const JSON_TYPE = ["content-type", "application/json"] as const;

function request(target: string, body: string, ...headers: (readonly [string, string])[]): Wire {
  return { method: "POST", target, headers: [JSON_TYPE, ...headers], body: Buffer.from(body) };
}

const BAD_BODIES: readonly [string, string][] = [
  ["nothing", ""],
  ["half of it", '{"person": {"ema'],
  ["no object", "null"],
  ["a list", "[]"],
  ["brackets", "[".repeat(8_000)],
  ["objects in one another", `${'{"person":'.repeat(1_000)}1${"}".repeat(1_000)}`],
  ["a prototype", '{"__proto__":{"email":"a@example.com"},"constructor":{"prototype":{"polluted":1}}}'],
  ["another type", '{"person":{"email":{"toString":"x"}},"email":["a@example.com"],"kind":7,"code":{}}'],
  [
    "one member more",
    '{"person":{"email":"a@example.com"},"kind":"access","email":"a@example.com","code":"1","x":1}',
  ],
  ["a NUL", '{"person":{"email":"a\\u0000@example.com"},"kind":"access","email":"a\\u0000@example.com"}'],
  [
    "half a character",
    '{"person":{"email":"\\ud800@example.com"},"kind":"\\ud800","email":"\\ud800@example.com"}',
  ],
  ["a huge number", `{"person":${"9".repeat(5_000)},"kind":1e999}`],
  ["UTF-16", Buffer.from('{"kind":"access"}', "utf16le").toString("latin1")],
];

function signals(controllerId: ControllerId, chance: Chance): PublicAttempt[] {
  const path = `/signals/${controllerId}`;
  const person = { email: `forge-${Math.floor(chance() * 20)}@example.com` };
  const body = JSON.stringify({ person });
  const granting = (token: string) =>
    request(path, body, ["authorization", `Bearer ${token}`], ["sec-gpc", "1"]);
  const of = (kind: string, allowed: number[], wire: Wire): PublicAttempt => ({
    ...{ kind: `signals: ${kind}`, allowed },
    bytes: bytesOf(wire),
  });
  const text = oneOf(
    [
      "",
      "~",
      "DBAA",
      "C".repeat(20_000),
      "\0",
      "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
      "DBACNYA~1YNN",
    ],
    chance,
  );
  return [
    ...BAD_BODIES.map(([kind, bad]) => of(kind, [400], request(path, bad))),
    of(
      "of strings that may be none",
      [200, 400],
      request(path, JSON.stringify({ person, tcf: text, gpp: text })),
    ),
    of("an opt-out", [200], request(path, body, ["sec-gpc", oneOf(["1", "0", "true", "١"], chance)])),
    of("too large", [413], request(path, body.padEnd(41 * 1_024))),
    of("deep and too large", [413], request(path, "[".repeat(DEEP))),
    of("an unknown controller", [404], request(`/signals/${randomUUID()}`, body)),
    of("no controller", [404], request("/signals/__proto__", body)),
    of("the hub itself", [404], request("/signals/00000000-0000-0000-0000-000000000000", body)),
    of("another method", [405], { ...request(path, body), method: "DELETE" }),
    ...badTokens(person).map(([kind, token]) => of(kind, [401], granting(token))),
    {
      kind: "signals: too large, in chunks",
      allowed: [413],
      bytes: bytesOf({
        ...request(path, "", ["transfer-encoding", "chunked"]),
        body: chunked(Buffer.alloc(50_000, 32), 5_000),
      }),
    },
  ];
}

/** A token of everything but the secret. */
function badTokens(person: object): [string, string][] {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = part({ person, exp: Math.floor(Date.now() / 1_000) + 600 });
  const hmac = (alg: string, hash: string, key: string) => {
    const signed = `${part({ alg, typ: "JWT" })}.${claims}`;
    return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`;
  };
  return [
    ["a token of no algorithm", `${part({ alg: "none" })}.${claims}.`],
    ["a token of no algorithm, signed", hmac("none", "sha256", "x")],
    ["a token by another secret", hmac("HS256", "sha256", "another")],
    ["a token by a NUL", hmac("HS256", "sha256", "\0")],
    ["a token of another algorithm", hmac("HS512", "sha512", "another")],
    ["a token without a signature", `${part({ alg: "HS256", typ: "JWT" })}.${claims}.`],
    ["a token of two parts", `${part({ alg: "HS256" })}.${claims}`],
    ["no token", "x"],
    ["a token of dots", "...."],
    ["a long token", "a".repeat(12_000)],
  ];
}

function rights(controllerId: ControllerId, chance: Chance): PublicAttempt[] {
  const path = `/rights/${controllerId}`;
  const verify = `${path}/${randomUUID()}/verify`;
  const of = (kind: string, allowed: number[], wire: Wire): PublicAttempt => ({
    ...{ kind: `rights: ${kind}`, allowed },
    bytes: bytesOf(wire),
  });
  const code = oneOf(["000000", "", " ", "١٢٣٤٥٦", "1e9", "' or 1=1", "\0", "9".repeat(40)], chance);
  return [
    ...BAD_BODIES.flatMap(([kind, bad]) => [
      of(kind, [400], request(path, bad)),
      of(`a code: ${kind}`, [400], request(verify, bad)),
    ]),
    // This hub has no mail server, and says so to whoever asked rightly.
    of("a request", [503], request(path, '{"kind":"access","email":"forge@example.com"}')),
    of(
      "a code that nobody was sent",
      [400, 401, 403, 404, 409, 410, 422],
      request(verify, JSON.stringify({ code })),
    ),
    of(
      "a code of no request",
      [400, 401, 403, 404, 409, 410, 422],
      request(`${path}/__proto__/verify`, '{"code":"1"}'),
    ),
    of("too large", [413], request(path, " ".repeat(17 * 1_024))),
    of(
      "an unknown controller",
      [404],
      request(`/rights/${randomUUID()}`, '{"kind":"access","email":"a@example.com"}'),
    ),
    of("another method", [405], { ...request(path, "{}"), method: "PUT" }),
  ];
}

function links(controllerId: ControllerId): PublicAttempt[] {
  const tokens = [
    "x",
    "..",
    "%00",
    "%zz",
    "__proto__",
    "a".repeat(8_000),
    Buffer.from(controllerId).toString("base64url"),
    Buffer.alloc(64).toString("base64url"),
    `${controllerId}.${randomUUID()}.${"A".repeat(43)}`,
    `${controllerId}${randomUUID()}`,
  ];
  return tokens.flatMap((token) =>
    ["verify", "download"].flatMap((what) =>
      ["GET", "POST"].map(
        (method): PublicAttempt => ({
          kind: `links: ${what}`,
          allowed: [400, 404, 405, 410, 414, 431],
          bytes: bytesOf({ ...request(`/rights/${what}/${token}`, ""), method }),
        }),
      ),
    ),
  );
}

/** What anybody may read, asked for in ways that nobody should; and what there is only with the other runtime. */
function published(): PublicAttempt[] {
  const get = (target: string, allowed: number[], method = "GET"): PublicAttempt => ({
    ...{ kind: "published", allowed },
    bytes: bytesOf({ method, target, headers: [], body: Buffer.alloc(0) }),
  });
  const did = (text: string) => get(`/.well-known/did.json?did=${text}`, [404]);
  return [
    get("/.well-known/did.json", [200]),
    ...[
      "x",
      "did:lethe:0",
      `did:lethe:${"0".repeat(64)}`,
      "%00",
      "%zz",
      "did:web:x",
      "a".repeat(8_000),
      "'%3b--",
    ].map(did),
    get("/.well-known/did.json", [404, 405], "POST"),
    get("/.well-known/gpc.json", [200]),
    get("/.well-known/gpc.json", [404, 405], "PUT"),
    get("/.well-known/../../etc/passwd", [404]),
    get("/.well-known/%2e%2e/%2e%2e/etc/passwd", [404]),
    get("/api/inngest", [404]),
    get("/api/inngest", [404], "POST"),
    get("/api/inngest", [404], "PUT"),
    get("/api/inngest?fnId=lethe-process-delivery&stepId=step", [404], "POST"),
    get("/", [404]),
    get("/healthz?x=%zz", [200]),
    get("/healthz", [404, 405], "POST"),
    get("*", [400, 404], "OPTIONS"),
  ];
}
