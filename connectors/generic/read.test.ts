import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { outcome } from "./mapping.support.ts";

/** What comes of payloads: whatever could mean that a choice or a person is missed fails, and says where. */
const failing = (where: string) => {
  const literal = where.replace(/[$.*+?^(){}|[\]\\]/g, "\\$&");
  return expect.stringMatching(new RegExp(`^payload/unexpected-shape: .*${literal}`));
};
const event = { id: "1", type: "a", email: "paula@example.com" };

describe("a choice", () => {
  const mapping = (more: object = {}) => {
    const values = { yes: "granted", no: "withdrawn", never: null, true: "granted", "0": "denied" };
    const state = { path: "$.news[*].is", values, ...more };
    return { topics: { a: { consent: { purpose: "email_marketing", method: "unknown", state } } } };
  };
  const said = (news: unknown, more?: object) => outcome(mapping(more), { ...event, news });
  const consents = (state: string) =>
    expect.arrayContaining([expect.objectContaining({ type: "consent", state })]);
  const nothing = [
    expect.objectContaining({ type: "subject" }),
    expect.objectContaining({ type: "activity" }),
  ];

  test("is one text, number or boolean", () => {
    expect(said([{ is: "no" }])).toEqual(consents("withdrawn"));
    expect(said([{ is: true }])).toEqual(consents("granted"));
    expect(said([{ is: 0 }])).toEqual(consents("denied"));
    expect(said([{ is: "never" }])).toEqual(nothing);
  });

  test.each([
    ["several", [{ is: "yes" }, { is: "no" }], "one word, and not several"],
    ["several, of which one is null", [{ is: null }, { is: "no" }], "one word, and not several"],
    ["a list", [{ is: ["no"] }], "no list or object"],
    ["an object", [{ is: { value: "no" } }], "no list or object"],
    ["an unknown word", [{ is: "paused" }], "has no state for"],
    ["an empty word", [{ is: "" }], "has no state for"],
    ["the name of a prototype", [{ is: "__proto__" }], "has no state for"],
    ["what every object has", [{ is: "constructor" }], "has no state for"],
  ])("that is %s fails, even if it may be absent", (_what, news, why) => {
    for (const more of [{}, { optional: true }]) {
      expect(said(news, more)).toEqual(failing(why));
      expect(said(news, more)).toEqual(failing('"$.news[*].is"'));
    }
  });

  test.each([
    ["absent", []],
    ["null", [{ is: null }]],
  ])("that is %s fails, unless it is optional", (_what, news) => {
    expect(said(news)).toEqual(failing("is missing or null"));
    expect(said(news, { optional: true })).toEqual(nothing);
  });

  test("of an event that nothing tells from others fails: the next such choice would be taken for a repeat", () => {
    const { id: _, ...anonymous } = { ...event, news: [{ is: "no" }] };
    expect(outcome(mapping(), anonymous)).toEqual(failing('"$.id"'));
    expect(outcome({ ...mapping(), id: undefined, occurredAt: "$.at" }, anonymous)).toEqual(
      failing('"$.at"'),
    );
    expect(outcome({ ...mapping(), id: { body: "$.id" } }, anonymous)).toEqual(failing('"$.id"'));
  });
});

describe("an identifier", () => {
  const said = (email: unknown, path: unknown = "$.list[*]") =>
    outcome(
      { topics: { a: { subject: { email: path, phone: "$.phone" } } } },
      { ...event, list: email, phone: "1" },
    );
  const emails = (...email: string[]) =>
    expect.arrayContaining([expect.objectContaining({ type: "subject", email })]);

  test("is one", () => {
    expect(said(["a@example.com"])).toEqual(emails("a@example.com"));
    expect(said([null, "", "a@example.com", " a@example.com", false])).toEqual(emails("a@example.com"));
  });

  test("is not several, unless the mapping says that they are one person's", () => {
    const both = ["a@example.com", "b@example.com"];
    expect(said(both)).toEqual(failing('finds several; write {"all": "$.list[*]"}'));
    expect(said(both, { all: "$.list[*]" })).toEqual(emails(...both));
    expect(said(both, ["$.list[0]", "$.list[1]"])).toEqual(emails(...both));
    expect(
      said(
        Array.from({ length: 51 }, (_, n) => `${n}@example.com`),
        { all: "$.list[*]" },
      ),
    ).toEqual(failing("at most 50"));
  });

  test("is no list and no object, even where others are found", () => {
    for (const path of ["$.list", { all: "$.list" }]) {
      expect(said(["a@example.com"], path)).toEqual(failing("no list or object"));
      expect(said({ a: 1 }, path)).toEqual(failing("no list or object"));
    }
  });
});

describe("several events", () => {
  const said = (body: unknown, events = "$.events[*]") => outcome({ events }, body);

  test("are in a list, which may be empty", () => {
    expect(said({ events: [] })).toEqual([]);
    expect(said({ events: [event] })).toHaveLength(1);
    expect(said([], "$[*]")).toEqual([]);
    expect(said({ batches: [] }, "$.batches[*].events[*]")).toEqual([]);
    expect(said({ batches: [{ events: [event] }, { events: [] }] }, "$.batches[*].events[*]")).toHaveLength(
      1,
    );
  });

  test.each([
    ["no list", { test: true }, "$.events[*]"],
    ["an object", { events: { a: event } }, "$.events[*]"],
    ["null", { events: null }, "$.events[*]"],
    ["a list in only one of two", { batches: [{ events: [] }, {}] }, "$.batches[*].events[*]"],
    ["nothing at another path", { events: [] }, "$.event"],
    ["nothing that a filter lets through", { events: [event] }, "$.events[?@.mine]"],
    ["a text for a body", '"text"', "$.events[*]"],
  ])("cannot be %s", (_what, body, events) => {
    expect(said(body, events)).toEqual(failing(`"${events}" (`));
  });

  test("may be more than fit on a stack", () => {
    expect(said({ events: Array.from({ length: 200_000 }, () => 0) })).toMatch(/too-many-events/);
  });
});

describe("an account that the mapping says is there", () => {
  const topics = { a: {} };
  test.each([undefined, null, "", ["acme"], { id: "acme" }])("and is %j fails", (account) => {
    expect(outcome({ account: "$.account", topics }, { ...event, account })).toEqual(failing("the account"));
    expect(
      outcome(
        { account: { body: "$.account" }, events: "$.events[*]", topics },
        { account, events: [event] },
      ),
    ).toEqual([failing("the account")]);
    expect(
      outcome({ account: "$.account", events: "$.events[*]", topics }, { events: [{ ...event, account }] }),
    ).toEqual([failing("the account")]);
  });

  test("and is there does not", () => {
    expect(outcome({ account: "$.account", topics }, { ...event, account: "acme" })).toHaveLength(2);
  });
});

test("topics and activities may be called what every object has", () => {
  const topics = { constructor: { activity: { name: "constructor" } }, b: {} };
  expect(outcome({ topics }, { ...event, type: "constructor" })).toEqual(
    expect.arrayContaining([expect.objectContaining({ activity: "constructor" })]),
  );
  for (const type of ["toString", "__proto__"])
    expect(outcome({ topics }, { ...event, type })).toBeUndefined();
});

test("a payload made to be slow is read about as fast as any", () => {
  const wide = (levels: number): unknown =>
    levels === 0 ? 1 : Array.from({ length: 60 }, () => wide(levels - 1));
  const body = JSON.stringify({ ...event, a: wide(3) });
  const chain = `$.a${"[*]".repeat(60)}`;
  const started = performance.now();
  for (const path of [chain, "$.a[*][*][*]", "$.a[?@[0]][?@[0]]", "$.a[?@ == @ && @ != @]"])
    outcome({ topics: { a: { subject: { email: ["$.email", { all: path }] } } } }, body);
  expect(performance.now() - started).toBeLessThan(15_000); // what is exponential takes for ever
});
