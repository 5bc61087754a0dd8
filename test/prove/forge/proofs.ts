import { createHmac } from "node:crypto";
import { connectors } from "#connectors";
import { configured } from "#kit";
import { type Chance, type Expected, type Forge, type Forgery, oneOf } from "./forgery.ts";
import { type Genuine, genuine, type Proof, withHeader, withQuery } from "./genuine.ts";
import type { Target } from "./site.ts";
import type { Wire } from "./wire.ts";

/** The request is genuine but for its proof: a changed, borrowed, re-encoded or repeated one, or another's key. */
export const forgedProofs: Forge = (from, chance) => [
  ...from.proofs.flatMap((proof) => wrongValues(from, proof, chance)),
  ...wrongKeys(from),
  ...wrongPlaces(from),
];

function wrongValues(from: Genuine, proof: Proof, chance: Chance): Forgery[] {
  const { value, where } = proof;
  const put = (what: string, text: string, expected: Expected = "refused"): Forgery[] =>
    text === value ? [] : [{ kind: `proof: ${what}`, expected, wire: holding(from.wire, proof, text) }];
  const at = Math.floor(chance() * value.length);
  const place = (to: string) => value.slice(0, at) + to + value.slice(at + 1);
  const character = value[at] ?? "";
  return [
    ...put("empty", ""),
    ...put("a character changed", place(another(character))),
    ...put("its last character changed", value.slice(0, -1) + another(value.at(-1) ?? "")),
    ...put("its last characters changed", wrong(value)),
    ...put("its first character cut off", value.slice(1)),
    ...put("its last character cut off", value.slice(0, -1)),
    ...put("its half", value.slice(0, value.length >> 1)),
    ...put("a character more", value + oneOf(["0", "a", "=", ";", ",", "-"], chance)),
    ...put("quoted", `"${value}"`),
    // A digest in hex is the same digest in capitals.
    ...put("the other case", swapCase(value), /[0-9a-f]{40}/.test(value) ? "harmless" : "refused"),
    ...put("a space within", `${value.slice(0, at + 1)} ${value.slice(at + 1)}x`),
    ...put("all zeros", value.replace(/[0-9A-Za-z+/]/g, "0")),
    ...put("a word", oneOf(["null", "undefined", "true", "none", "*", "[object Object]", "NaN"], chance)),
    ...put("of another encoding", reencoded(value)),
    ...put("percent-encoded", where === "header" ? percent(value) : value),
    ...put("a look-alike within", place(lookAlike(character))),
    ...put("a character that does not show within", `${value.slice(0, at)}\u200b${value.slice(at)}`),
    ...put("very long", "a".repeat(8_000)),
    ...put("itself twice", `${value}, ${value}`),
    ...put("itself twice, nothing between", value + value),
  ];
}

function wrongKeys(from: Genuine): Forgery[] {
  const { target, wire, again, signsBody, door } = from;
  const of = (what: string, expected: Expected, made: Wire): Forgery => ({
    kind: `key: ${what}`,
    expected,
    wire: made,
  });
  const borrowed = from.proofs.reduce(
    (made, proof) => holding(made, proof, proofOf(again({ secret: "another" }), proof)),
    wire,
  );
  const names = from.fixture.expect.account !== undefined && door.events === undefined;
  return [
    of("the secret before, within its grace", "repeated", again({ secret: target.previous })),
    of("the secret before that", "refused", again({ secret: target.former })),
    of("an unknown secret", "refused", again({ secret: "another" })),
    of("half of the secret", "refused", again({ secret: target.secret.slice(0, target.secret.length >> 1) })),
    of("the empty secret", "refused", again({ secret: "" })),
    of("a proof by an unknown secret", "refused", borrowed),
    of("another connection's secret", "refused", again({ secret: target.other.secret })),
    of("at another connection", "refused", again({ id: target.other.id })),
    ...(names
      ? [
          of(
            "for another account",
            "refused",
            again({ id: target.elsewhere.id, secret: target.elsewhere.secret }),
          ),
        ]
      : []),
    ...(signsBody ? [of("of another body", "refused", signedFor(from, `${from.fixture.body} `))] : []),
    ...(signsBody ? [of("the public part only", "refused", plainHash(from))] : []),
  ];
}

const wrong = (value: string) => value.slice(0, -6) + [...value.slice(-6)].map(another).join("");

function wrongPlaces(from: Genuine): Forgery[] {
  const { wire, proofs, target } = from;
  const bare = proofs.reduce(without, wire);
  const foreign = foreignProofs(target, wire);
  const [proof] = proofs;
  const twice = ({ name, value }: Proof): Forgery[] => [
    { kind: "place: a header twice", expected: "refused", wire: withHeader(wire, name, value, value) },
    {
      kind: "place: a wrong one after it",
      expected: "refused",
      wire: withHeader(wire, name, value, wrong(value)),
    },
    {
      kind: "place: a wrong one before it",
      expected: "refused",
      wire: withHeader(wire, name, wrong(value), value),
    },
  ];
  const secondQuery = (value: string) =>
    withQuery(wire, `${wire.target.split("?")[1]}&${proof?.name}=${encodeURIComponent(value)}`);
  return [
    { kind: "place: nowhere", expected: "refused", wire: bare },
    {
      kind: "place: another platform's",
      expected: "refused",
      wire: { ...bare, headers: [...bare.headers, ...foreign] },
    },
    ...proofs.flatMap((one): Forgery[] => [
      { kind: "place: one missing", expected: "refused", wire: without(wire, one) },
      ...(one.where === "header"
        ? [
            { kind: "place: in the query", expected: "refused", wire: asQuery(bare, proofs) } as const,
            ...twice(one),
          ]
        : ([
            { kind: "place: in a header", expected: "refused", wire: withHeader(bare, one.name, one.value) },
            { kind: "place: twice in the query", expected: "refused", wire: secondQuery(one.value) },
            { kind: "place: beside a wrong one", expected: "refused", wire: secondQuery("x") },
            {
              kind: "place: under another case",
              expected: "refused",
              wire: withQuery(wire, `SECRET=${one.value}`),
            },
          ] as const)),
    ]),
  ];
}

function holding(wire: Wire, { where, name }: Proof, value: string): Wire {
  return where === "header"
    ? withHeader(wire, name, value)
    : withQuery(wire, `${name}=${encodeURIComponent(value)}`);
}

function without(wire: Wire, { where, name }: Proof): Wire {
  return where === "header" ? withHeader(wire, name) : withQuery(wire, "");
}

function asQuery(wire: Wire, proofs: readonly Proof[]): Wire {
  return withQuery(
    wire,
    new URLSearchParams(Object.fromEntries(proofs.map(({ name, value }) => [name, value]))).toString(),
  );
}

function proofOf(wire: Wire, { where, name }: Proof): string {
  if (where === "header") return wire.headers.find(([given]) => given === name)?.[1] ?? "";
  return new URL(wire.target, "http://hub.example.com").searchParams.get(name) ?? "";
}

/** The fixture's own body with the proof that the platform would give to another. */
function signedFor(from: Genuine, body: string): Wire {
  return { ...from.again({ body }), body: from.wire.body };
}

/** Hash instead of HMAC: what whoever has no secret could make. */
function plainHash(from: Genuine): Wire {
  const [signature] = from.proofs;
  if (signature === undefined) return from.wire;
  const hex = createHmac("sha256", Buffer.alloc(0)).update(from.wire.body).digest("hex");
  const value = /[0-9a-f]{64}/.test(signature.value)
    ? signature.value.replace(/[0-9a-f]{64}/, hex)
    : Buffer.from(hex, "hex").toString("base64");
  return holding(from.wire, signature, value);
}

/** The headers by which every other platform would prove this very body, with this very secret. */
function foreignProofs(target: Target, { body }: Wire): [string, string][] {
  return [...connectors.values()]
    .filter(({ id }) => id !== target.connector.id)
    .flatMap((known) => {
      const connector = configured(known, known.configuration?.example);
      const fixture = { ...emptyFixture, body: Buffer.from(body).toString("utf8") };
      const { proofs } = genuine({ ...target, connector, fixtures: [] }, fixture);
      return proofs
        .filter(({ where }) => where === "header")
        .map(({ name, value }): [string, string] => [name, value]);
    });
}

const emptyFixture = {
  ...{ name: "", about: "", method: "POST", url: "/", headers: {}, answers: new Map(), expect: {} },
};

/** A digit for a digit, so that a changed number is still one. */
function another(character: string): string {
  if (/\d/.test(character)) return String((Number(character) + 1) % 10);
  return character === "a" ? "b" : "a";
}

const swapCase = (text: string) => {
  const swapped = [...text].map((c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join("");
  return swapped === text ? `${text}0` : swapped;
};

/** Fullwidth digits and letters: NFKC makes them what they look like. */
const lookAlike = (character: string) =>
  /[!-~]/.test(character) ? String.fromCodePoint(character.charCodeAt(0) + 0xfee0) : `${character}\u0301`;

const percent = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");

/** Hex as base64, base64 as hex, and without its padding where it is neither. */
function reencoded(value: string): string {
  const hex = /[0-9a-f]{40,}/.exec(value)?.[0];
  if (hex !== undefined) return value.replace(hex, Buffer.from(hex, "hex").toString("base64"));
  if (/^[A-Za-z0-9+/]{26,}={0,2}$/.test(value)) return Buffer.from(value, "base64").toString("hex");
  return Buffer.from(value).toString("base64");
}
