import { randomUUID } from "node:crypto";
import { type Expected, type Forge, type Forgery, oneOf } from "./forgery.ts";
import { type Genuine, withHeader } from "./genuine.ts";
import type { Wire } from "./wire.ts";

/** Headers that the platform does not sign and by which it tells its deliveries apart; with another value it is another delivery. */
const UNSIGNED_IDS: ReadonlySet<string> = new Set([
  "x-shopify-webhook-id",
  "shopify-webhook-id",
  "x-wc-webhook-delivery-id",
]);

/** What is around a body and its signature: other headers, methods and paths. */
export const changedEnvelopes: Forge = (from, chance) => [
  { kind: "replay: again", expected: "repeated", wire: from.wire },
  ...ids(from),
  ...headers(from, chance),
  ...methods(from),
  ...paths(from, chance),
];

function ids({ wire, fixture, door }: Genuine): Forgery[] {
  const named = Object.keys(fixture.headers).filter((name) => UNSIGNED_IDS.has(name));
  const agreeing = door.agree === undefined ? [] : (door.requires ?? []);
  return [
    ...named.map(
      (name): Forgery => ({
        kind: "replay: under another unsigned id",
        expected: "anew",
        wire: withHeader(wire, name, randomUUID()),
      }),
    ),
    ...agreeing.map(
      (name): Forgery => ({
        kind: "replay: an unsigned id that must agree",
        expected: "refused",
        wire: withHeader(wire, name, randomUUID()),
      }),
    ),
  ];
}

function headers(from: Genuine, chance: () => number): Forgery[] {
  const { wire, door, proofs } = from;
  const as = (what: string, expected: Expected, made: Wire): Forgery => ({
    kind: `header: ${what}`,
    expected,
    wire: made,
  });
  const mapped = (change: (name: string, value: string) => [string, string]): Wire => ({
    ...wire,
    headers: wire.headers.map(([name, value]) => change(name, value)),
  });
  const other = door.body === "json" ? "application/x-www-form-urlencoded" : "application/json";
  const extra = (name: string, value: string): Wire => ({
    ...wire,
    headers: [...wire.headers, [name, value]],
  });
  const [proof] = proofs;
  const header = proof?.where === "header" ? proof : undefined;
  return [
    as(
      "names in upper case",
      "repeated",
      mapped((name, value) => [name.toUpperCase(), value]),
    ),
    as(
      "white space around values",
      "repeated",
      mapped((name, value) => [name, ` \t ${value} \t`]),
    ),
    as("many others", "repeated", {
      ...wire,
      headers: [...wire.headers, ...Array.from({ length: 60 }, (_, i) => [`x-${i}`, "x"] as const)],
    }),
    as("a long one", "repeated", extra("x-long", "x".repeat(8_000))),
    as("too long a one", "refused", extra("x-long", "x".repeat(20_000))),
    as("too many", "refused", {
      ...wire,
      headers: [...wire.headers, ...Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, "x"] as const)],
    }),
    as("names of prototypes", "repeated", {
      ...wire,
      headers: [...wire.headers, ["__proto__", "x"], ["constructor", "x"]],
    }),
    as(
      "another content type",
      "refused",
      withHeader(
        wire,
        "content-type",
        oneOf([other, "text/html", "multipart/form-data; boundary=x"], chance),
      ),
    ),
    as(
      "a charset",
      "repeated",
      withHeader(
        wire,
        "content-type",
        `${door.body === "json" ? "application/json" : "application/x-www-form-urlencoded"}; charset=${oneOf(["utf-7", "utf-16", "x", '"'], chance)}`,
      ),
    ),
    as("a NUL in a value", "refused", extra("x-nul", "a\0b")),
    as("another method to override with", "repeated", extra("x-http-method-override", "DELETE")),
    as("another URL to rewrite to", "repeated", extra("x-original-url", "/metrics")),
    as(
      "forwarded for",
      "repeated",
      extra("x-forwarded-for", oneOf(["::1", "unknown", "a,b,,c", "1.2.3.4\t,5"], chance)),
    ),
    as("another host", "repeated", withHeader(wire, "host", "evil.example")),
    as(
      "a host that is none",
      "harmless",
      withHeader(wire, "host", oneOf(["a b/c@d", "[::1", "%00", ""], chance)),
    ),
    ...(header === undefined
      ? []
      : [
          as(
            "underscores for dashes",
            "refused",
            mapped((name, value) => [name.replaceAll("-", "_"), value]),
          ),
          as(
            "a space before the colon",
            "refused",
            mapped((name, value) => [name === header.name ? `${name} ` : name, value]),
          ),
          as("folded", "refused", withHeader(wire, header.name, `\r\n ${header.value}`)),
        ]),
    ...(door.requires ?? []).flatMap((name) => [
      as("a required one missing", "refused", withHeader(wire, name)),
      as("a required one empty", "refused", withHeader(wire, name, "")),
    ]),
  ];
}

function methods(from: Genuine): Forgery[] {
  const { wire, door } = from;
  return ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "post"].map((method) => ({
    kind: `method: ${method}`,
    expected: door.handshake?.method === method ? "unstored" : "refused",
    wire: { ...wire, method },
  }));
}

function paths({ wire, target, again }: Genuine, chance: () => number): Forgery[] {
  const [path = "", query] = wire.target.split("?");
  const { id: platform } = target.connector;
  const { id } = target;
  const to = (what: string, expected: Expected, changed: string): Forgery => ({
    kind: `path: ${what}`,
    expected,
    wire: { ...wire, target: query === undefined ? changed : `${changed}?${query}` },
  });
  const at = 1 + Math.floor(chance() * (path.length - 1));
  const escaped = `${path.slice(0, at)}%${path.charCodeAt(at).toString(16)}${path.slice(at + 1)}`;
  return [
    to("two slashes", "harmless", `/${path}`),
    to("two slashes within", "harmless", path.replace(`/${platform}`, `//${platform}`)),
    to("a slash at the end", "harmless", `${path}/`),
    to("upper case", "harmless", path.toUpperCase()),
    to("the id in upper case", "harmless", path.replace(id, id.toUpperCase())),
    to("a dot", "harmless", path.replace(`/${platform}`, `/./${platform}`)),
    to("two dots", "harmless", path.replace(`/${platform}`, `/x/../${platform}`)),
    to("escaped dots", "harmless", path.replace(`/${platform}`, `/x/%2e%2e/${platform}`)),
    to("an escaped slash", "harmless", path.replace(`${platform}/`, `${platform}%2f`)),
    to("an escaped character", "harmless", escaped),
    to("a character escaped twice", "harmless", escaped.replace("%", "%25")),
    to("a broken escape", "harmless", `${path}%`),
    to("a NUL", "refused", `${path}%00`),
    to("a semicolon", "refused", `${path};x=1`),
    to("a backslash", "harmless", path.replaceAll("/", "\\")),
    to("a whole URL", "harmless", `http://evil.example${path}`),
    to("a whole URL that is none", "harmless", `http://[::${path}`),
    to(
      "another platform's",
      "refused",
      path.replace(`/${platform}/`, platform === "stripe" ? "/shopify/" : "/stripe/"),
    ),
    to("of an object's own names", "refused", path.replace(`/${platform}/`, "/__proto__/")),
    to("an unknown connection", "refused", path.replace(id, randomUUID())),
    to("no id", "refused", path.replace(id, "nonsense")),
    to("longer", "refused", `${path}/${"a/".repeat(200)}`),
    {
      kind: "path: without a connection, another's key",
      expected: "refused",
      wire: { ...again({ secret: "another" }), target: `/webhooks/${platform}` },
    },
  ];
}
