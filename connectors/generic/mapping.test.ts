import { describe, expect, test } from "vitest";
import { configured, z } from "#kit";
import example from "./example.json" with { type: "json" };
import generic from "./index.ts";
import { given, refusal } from "./mapping.support.ts";

/** What of a mapping is refused, when the connection is made, and in which words. */
describe("a path", () => {
  const email = (path: unknown) => refusal({ topics: { a: { subject: { email: path } } } });
  test.each([
    ["$.a[?match(@.b, '(a+)+$')]", /subject\.email: regular expressions are not allowed in paths: /],
    ["$.a[?search(@.b, '(a+)+$')]", /regular expressions are not allowed in paths/],
    ["$..email", /`\.\.` is not allowed in paths, name every level: "\$\.\.email"/],
    ["$.a[*]..*", /`\.\.` is not allowed/],
    ["$[0,0][0,0]", /several selectors in a bracket are not allowed/],
    ["$.a[?@..b]", /one place only/],
    ["$.a[?@[*]]", /one place only/],
    ["$.a[?@[?@.b]]", /one place only/],
    ["$.a[?count(@[*]) > 1 && @.b]", /one place only/],
    ["$.a[?!(@.b == $.c)]", /`\$` is not allowed in a filter/],
    [`$.${"a".repeat(400)}`, /must not be longer than 300/],
    ["contact.email", /"contact\.email" is not a JSONPath, such as \$\.contact\.email/],
    [7, /must be a path/],
    [null, /must be a path/],
    [[], /subject\.email: must not be empty/],
    [["$.a", "b"], /subject\.email\[1\]: "b" is not a JSONPath/],
    [{ all: "$..a" }, /subject\.email\.all: `\.\.` is not allowed/],
  ])("%j is refused", (path, fault) => {
    expect(email(path)).toMatch(fault);
  });

  test.each(["$.a[*].b[*].c[*].d", "$.a[?@.primary].value", "$.a[?@.kind == 'work'].value", "$.a[-1:]"])(
    "%s is allowed",
    (path) => {
      expect(email(path)).toBe("");
    },
  );
});

describe("a choice", () => {
  const consent = (more: object) =>
    refusal({ topics: { a: { consent: { purpose: "email_marketing", method: "unknown", ...more } } } });
  test.each([
    [{ path: "$.n", values: {} }, /consent\.state\.values: needs at least one word/],
    [{ path: "$.n" }, /consent\.state\.values: is missing/],
    [
      { path: "$.n", values: { yes: "given" } },
      /values\.yes: "given" is not allowed; allowed: granted, with/,
    ],
    [
      { path: "$.n", values: { yes: "granted" }, optional: "yes" },
      /optional: must be true or false, not a text/,
    ],
    ["given", /consent\.state: "given" is not allowed; allowed: granted, withdrawn, /],
    [undefined, /consent\.state: is missing/],
  ])("whose state is %j is refused", (state, fault) => {
    expect(consent({ state })).toMatch(fault);
  });

  test("is not an empty list of them", () => {
    expect(refusal({ topics: { a: { consent: [] } } })).toMatch(/consent: must not be empty/);
  });
});

describe("what tells deliveries apart", () => {
  const choice = { purpose: "email_marketing", method: "unknown", state: "withdrawn" };
  const choosing = { topics: { a: { consent: choice } } };

  test("must be there where there is consent: an id, or a time in the event", () => {
    expect(refusal({ ...choosing, id: undefined })).toMatch(/^id: is missing, and so is occurredAt/);
    expect(refusal({ ...choosing, id: undefined, occurredAt: { header: "date" } })).toMatch(/^id: /);
    expect(refusal({ ...choosing, id: undefined, occurredAt: "$.at" })).toBe("");
    expect(refusal({ ...choosing, events: "$.e[*]", id: undefined, occurredAt: { body: "$.at" } })).toMatch(
      /^id: /,
    );
    expect(refusal({ id: undefined })).toBe("");
  });

  test.each([
    ...[
      "content-type",
      "Content-Length",
      "host",
      "user-agent",
      "accept-encoding",
      "connection",
      "authorization",
    ],
    ...["x-acme-signature", "x-acme-time", "x-other-timestamp"],
  ])("is not the header %s", (header) => {
    const signature = {
      ...{ scheme: "hmac", header: "x-acme-signature", algorithm: "sha256", encoding: "hex" },
      ...{ signed: "{timestamp}{body}", timestamp: { header: "X-Acme-Time", format: "seconds" } },
    };
    expect(refusal({ signature, id: ["$.id", { header }] })).toMatch(
      /^id\[1\]: the header \S+ does not tell one delivery from another$/,
    );
  });

  test("is neither the topic alone, nor what all events of a request share", () => {
    expect(refusal({ id: "$.type" })).toMatch(/^id: topic and account do not tell/);
    expect(refusal({ events: "$.e[*]", id: { body: "$.id" } })).toMatch(/^id: the body is the same/);
    expect(refusal({ id: [] })).toMatch(/^id: must not be empty/);
    expect(refusal({ id: { header: "webhook-id" } })).toBe("");
  });
});

describe("the words of a refusal", () => {
  const where = 'must be a path, such as "$.type", or {"header": "x-topic"}, or {"body": "$.type"}';
  test.each([
    [{ topic: undefined }, "topic: is missing"],
    [{ topic: ["$.type"] }, `topic: ${where}`],
    [{ topic: { header: "x-topic", body: "$.type" } }, `topic: ${where}`],
    [
      { topic: { header: "x topic" } },
      'topic.header: "x topic" is not a header\'s name, such as x-signature',
    ],
    [{ topic: { body: "$.a[*]" } }, "topic.body: must name one place: names and positions only"],
    [{ signature: undefined }, "signature: is missing"],
    [{ signature: { scheme: "timestamped" } }, "signature.header: is missing"],
    [
      { signature: { scheme: "timestamped", header: "x sig" } },
      'signature.header: "x sig" is not a header\'s name, such as x-signature',
    ],
    [{ name: " " }, "name: must not be empty"],
    [{ name: 7 }, "name: must be a text, not a number"],
    [{ colour: "red" }, 'the mapping: there is no field "colour" here'],
    [{ topics: {} }, "topics: needs at least one topic"],
    [{ topics: undefined }, "topics: is missing"],
    [
      { events: "$.e[*]", topic: { header: "x-topic" } },
      /^topic: a header says nothing about one of several/,
    ],
    [
      { signature: { scheme: "constructor" } },
      /^signature\.scheme: "constructor" is not allowed; allowed: hmac, /,
    ],
    [
      {
        signature: {
          ...{ scheme: "hmac", header: "x", algorithm: "sha256", encoding: "hex", signed: "{nonsense}" },
        },
      },
      /^signature: unknown placeholder \{nonsense\}/,
    ],
  ])("%j: %s", (change, expected) => {
    const said = refusal(change);
    if (typeof expected === "string") expect(said).toBe(expected);
    else expect(said).toMatch(expected);
  });

  test("name every fault, the word at fault, and what is allowed once", () => {
    const said = refusal({
      name: "",
      topic: "type",
      topics: {
        a: { activity: { dataCategories: ["e-mail", "name", "phone"], purpose: "fun" } },
        b: { subject: { phone: "phone" } },
      },
    });
    expect(said).toMatch(/name: must not be empty; topic: "type" is not a JSONPath/);
    expect(said).toMatch(/topics\.a\.activity\.purpose: "fun" is not allowed; allowed: customer_management/);
    expect(said).toMatch(/dataCategories\[0\]: "e-mail" is not allowed; allowed: name, email_address/);
    expect(said).toMatch(
      /dataCategories\[2\]: "phone" is not allowed, see topics\.a\.activity\.dataCategories\[0\]/,
    );
    expect(said).toMatch(/topics\.b\.subject\.phone: "phone" is not a JSONPath/);
    expect(said.match(/email_address/g)).toHaveLength(1);
  });

  test("name both topics' faults where an activity is declared twice", () => {
    const activity = { ...example.topics["deal.won"].activity, name: "constructor" };
    const other = { ...activity, purpose: "payment" };
    expect(refusal({ topics: { a: { activity }, b: { activity } } })).toBe("");
    expect(refusal({ topics: { a: { activity }, b: { activity: other } } })).toBe(
      'topics.b.activity: "constructor" is declared otherwise by another topic',
    );
  });
});

describe("a hostile mapping", () => {
  test("may use words that every object has", () => {
    expect(refusal({ topics: { constructor: {}, toString: {} } })).toBe("");
  });

  test("may not use the name of a prototype", () => {
    const mapping = JSON.stringify(given({}));
    for (const place of ["topics", "subject"])
      expect(refusalOf(mapping.replace(`"${place}":{`, `"${place}":{"__proto__":{},`))).toMatch(
        /__proto__"?\]?: this name is not allowed$/,
      );
  });

  test("may be nested without end", () => {
    const deep = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
    expect(refusalOf(`{"topics":${deep}}`)).toBe("the mapping: is nested deeper than 32 levels");
    expect(refusalOf("[".repeat(100_000) + "]".repeat(100_000))).toMatch(/nested deeper/);
    // As a connection is made, where it is looked up among those that were compiled before.
    expect(() => configured(generic, JSON.parse(deep))).toThrow(/nested deeper/);
  });

  test.each([[null], [7], ["text"], [[]]])("may be %j", (mapping) => {
    expect(refusalOf(JSON.stringify(mapping))).toMatch(/^the mapping: must be an object/);
  });

  const refusalOf = (json: string) => refusal(z.unknown().parse(JSON.parse(json)), "as it is");
});
