import { gzipSync } from "node:zlib";
import { leavesOf, readBody, writeBody } from "../../../src/kit/conformance/leaves.ts";
import { type Chance, type Forge, type Forgery, oneOf } from "./forgery.ts";
import { type Genuine, withHeader } from "./genuine.ts";

/**
 * A body that somebody on the way changed, under the platform's own signature. Where the platform signs nothing of it, whoever
 * knows the secret in the URL may say what they like: that is the scheme, and must only be survived.
 */
export const changedBodies: Forge = (from, chance) => {
  const expected = from.signsBody ? "refused" : "safe";
  const text = Buffer.from(from.wire.body).toString("utf8");
  return [...structured(from, text, chance), ...bytes(from.wire.body, chance)]
    .filter(([, body]) => !Buffer.from(from.wire.body).equals(Buffer.from(body)))
    .flatMap(([what, body]): Forgery[] => [
      { kind: `body: ${what}`, expected, wire: { ...from.wire, body: Buffer.from(body) } },
    ])
    .concat(encoded(from));
};

/** The same changes, signed by whoever has the secret: garbage that is nobody's forgery. */
export const signedChanges: Forge = (from, chance) => {
  const [what, body] = oneOf(structured(from, from.fixture.body, chance), chance);
  return [{ kind: `signed: ${what}`, expected: "safe", wire: from.again({ body }) }];
};

type Changed = readonly [what: string, body: string | Uint8Array];

function structured(from: Genuine, text: string, chance: Chance): [string, string][] {
  const payload = readBody(from.door.body, text);
  const leaves = leavesOf(payload);
  if (leaves.length === 0) return [["anything else", '{"id":"1"}']];
  const leaf = oneOf(leaves, chance);
  const second = oneOf(leaves, chance);
  const put = (what: string, by: unknown): [string, string] => [what, write(from, leaf.replaced(by))];
  return [
    put("a value changed", typeof leaf.value === "number" ? leaf.value + 1 : `${leaf.value}x`),
    put("a value dropped", undefined),
    put("a value of another type", typeof leaf.value === "number" ? String(leaf.value) : 1),
    put("a value null", null),
    put("a value another's", second.value),
    put("a value in a list", [leaf.value, leaf.value]),
    put("a value an object", { value: leaf.value }),
    put("a huge number", "@@huge@@"),
    put("a person's address", "forged@example.com"),
    ["written anew", write(from, payload)],
    ["a member twice", twice(from, text, chance)],
    ["a space more", `${text} `],
    ["emptied", ""],
  ];
}

const write = (from: Genuine, payload: unknown) =>
  writeBody(from.door.body, payload ?? null).replace('"@@huge@@"', "9".repeat(400));

function twice(from: Genuine, text: string, chance: Chance): string {
  if (from.door.body === "form") {
    const fields = text.split("&");
    return [oneOf(fields, chance).replace(/=.*/, "=forged"), ...fields].join("&");
  }
  const [, name = "id"] = oneOf([...text.matchAll(/"(\w+)"\s*:/g)], chance) ?? [];
  return text.trimStart().startsWith("{")
    ? text.replace("{", `{"${name}":"forged",`)
    : `[{"${name}":"forged"}]`;
}

function bytes(body: Uint8Array, chance: Chance): Changed[] {
  const at = Math.floor(chance() * body.length);
  const flipped = Uint8Array.from(body);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(chance() * 8));
  const text = Buffer.from(body).toString("utf8");
  return [
    ["a bit flipped", flipped],
    ["a byte cut out", Buffer.concat([body.subarray(0, at), body.subarray(at + 1)])],
    ["its last byte cut off", body.subarray(0, -1)],
    ["its half", body.subarray(0, body.length >> 1)],
    ["twice", Buffer.concat([body, body])],
    ["a NUL after it", Buffer.concat([body, Buffer.alloc(1)])],
    ["a byte order mark before it", `\ufeff${text}`],
    ["as UTF-16", Buffer.from(text, "utf16le")],
    ["CRLF for LF", text.replaceAll("\n", "\r\n")],
    ["something before it", `{}${text}`],
    ["random bytes", Uint8Array.from({ length: 64 }, () => chance() * 256)],
  ];
}

/** Signed is what is on the wire: a body that would only be the signed one after it was decoded is not. */
function encoded({ wire, signsBody }: Genuine): Forgery[] {
  const expected = signsBody ? "refused" : "safe";
  const zipped = { ...wire, body: gzipSync(wire.body) };
  const base64 = { ...wire, body: Buffer.from(Buffer.from(wire.body).toString("base64")) };
  const utf16 = { ...wire, body: Buffer.from(Buffer.from(wire.body).toString("utf8"), "utf16le") };
  return [
    { kind: "encoding: gzip", expected, wire: withHeader(zipped, "content-encoding", "gzip") },
    {
      kind: "encoding: gzip that is none",
      expected: "repeated",
      wire: withHeader(wire, "content-encoding", "gzip"),
    },
    { kind: "encoding: base64", expected, wire: withHeader(base64, "content-transfer-encoding", "base64") },
    {
      kind: "encoding: UTF-16",
      expected: signsBody ? "refused" : "safe",
      wire: withHeader(utf16, "content-type", "application/json; charset=utf-16"),
    },
  ];
}
