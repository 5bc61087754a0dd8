import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Connector, Door } from "../connector.ts";
import { on } from "../events.ts";
import { field, header } from "../extract.ts";
import { activity, consent, rightsRequest, subject } from "../records.ts";
import { hmac, urlSecret } from "../signature/index.ts";
import { acme, acmeBatch, agreeing, batch, failing, fixture, hurting, payload } from "./acme.ts";
import { ADVICE } from "./advice.ts";
import { checkConnector, planChecks } from "./index.ts";

const signature = hmac({ header: "x-signature", algorithm: "sha256", encoding: "hex" });
const dated = hmac({
  header: "x-signature",
  algorithm: "sha256",
  encoding: "hex",
  signed: "{method}{url}{timestamp}{body}",
  timestamp: { header: "x-time", format: "seconds" },
});
const customer = z.object({ id: z.int(), email: z.string(), name: z.string() });
type Customer = z.output<typeof customer>;

/** The connector with another reading of its one topic. */
const reading = (records: (c: Customer) => ReturnType<Connector["events"][string]["records"]>): Connector =>
  acme(signature, { events: { created: on(customer, records) } });
const LEAK = "lets no text of the payload out in the clear";

describe("it is found out that a connector", () => {
  test("gives something else than its fixture expects, and what", async () => {
    const { checks } = await checkConnector(
      reading((c) => [subject({ email: c.email }), activity("customer.created")]),
      [fixture()],
    );
    const check = checks.find(({ name }) => name === "gives what the fixture expects");
    expect(check).toMatchObject({ ok: false, fixture: "created" });
    expect(check?.detail).toContain('-         "4711"');
    expect(check?.detail).toContain('          "bob@example.com"');
  });

  test("puts a name where only enumerated words may stand", async () => {
    const byHand = { type: "activity", activity: "customer.created", occurredAt: undefined } as const;
    const leaky = reading((c) => [subject({ email: c.email }), { ...byHand, occurredAt: c.name }]);
    expect(await failing(leaky)).toContain(LEAK);
  });

  test("names an activity after what the payload says: the error does not repeat it", async () => {
    const leaky = reading((c) => [subject({ email: c.email }), activity(c.name as "customer.created")]);
    expect(await failing(leaky)).toEqual(["records only what may be recorded"]);
  });

  test("records a consent in other words than the ledger's, which is said once for each topic", async () => {
    const byHand = { purpose: "email_marketing", state: "granted", method: "a form" } as const;
    const wrong = on(customer, (c) => [
      subject({ platformId: String(c.id), email: c.email }),
      activity("customer.created"),
      consent(byHand as never),
    ]);
    const of = (topic: string, name: string) =>
      fixture({
        name,
        body: JSON.stringify({ ...payload, event: name, type: topic }),
        expect: { ...fixture().expect, topic },
      });
    const { checks, ok } = await checkConnector(
      acme(signature, { events: { created: wrong, updated: wrong } }),
      [of("created", "created"), of("created", "created-again"), of("updated", "updated")],
    );
    expect(ok).toBe(false);
    const failed = checks.filter((check) => !check.ok);
    expect(failed).toMatchObject([
      { name: "records only what may be recorded", advice: expect.stringContaining("ConsentMethod") },
    ]);
    expect(failed[0]?.detail.split("\n")).toEqual([
      expect.stringMatching(/^"created" \(created\.http\): connector "acme" is refused: /),
      expect.stringMatching(/^"updated" \(updated\.http\): connector "acme" is refused: /),
    ]);
    expect(checks.find(({ name }) => name === "gives what the fixture expects")).toMatchObject({
      ok: true,
      skipped: expect.stringContaining("is refused"),
    });
  });

  test("takes a field that nobody declared for an address", async () => {
    const leaky = reading((c) => [
      subject({ platformId: String(c.id), emails: [c.email, c.name] }),
      activity("customer.created"),
    ]);
    expect(await failing(leaky)).toContain(LEAK);
  });

  test("seals with a request what its fixture does not expect there", async () => {
    const leaky = reading((c) => [
      subject({ email: c.email }),
      rightsRequest("access", { dueInDays: 30, details: { name: c.name } }),
    ]);
    expect(await failing(leaky)).toContain(LEAK);
  });

  test("throws at what it does not expect", async () => {
    const throwing = acme(signature, {
      events: {
        created: on(z.looseObject({}), (c) => [
          subject({ email: (c as Customer).email.toLowerCase() }),
          activity("customer.created"),
        ]),
      },
    });
    expect(await hurting(throwing)).toContain("withstands hostile values");
  });

  test("is slow at a long text", async () => {
    const slow = reading((c) => {
      const start = performance.now();
      while (c.name.length > 50_000 && performance.now() - start < 3_100);
      return [subject({ email: c.email }), activity("customer.created")];
    });
    expect(await hurting(slow)).toEqual(["withstands hostile values"]);
  });

  test("changes what all objects share", async () => {
    const merging = reading((c) => {
      Object.assign(Object.prototype, { [c.name]: c.email });
      return [subject({ email: c.email }), activity("customer.created")];
    });
    expect(await hurting(merging)).toContain("withstands hostile values");
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("changes what all objects have already, which no list of members shows", async () => {
    const overwriting = reading((c) => {
      if (c.name === "constructor") Object.assign(Object.prototype, { [c.name]: c.email });
      return [subject({ email: c.email }), activity("customer.created")];
    });
    expect(await hurting(overwriting)).toContain("withstands hostile values");
    expect({}.constructor).toBe(Object);
  });

  test("reads JSON in a text without a limit on its depth", async () => {
    const extra = z.string().transform((text) => JSON.parse(text) as object);
    const reader = acme(signature, {
      events: {
        created: on(z.object({ extra }), () => [subject({ email: "x" }), activity("customer.created")]),
      },
    });
    expect(await hurting(reader)).toEqual(["withstands hostile values"]);
  });

  test("compares nothing that could differ", async () => {
    const found = await failing(acmeBatch(signature, [() => "same", () => "same"]), [batch]);
    expect(found).toContain("refuses facts that disagree");
  });

  test("takes one fixture for another", async () => {
    const other = { ...payload, name: "Carol Carver" };
    const found = await failing(acme(signature), [
      fixture(),
      fixture({ name: "again", body: JSON.stringify(other) }),
    ]);
    expect(found).toEqual(["tells its fixtures apart"]);
  });

  test("does not know a request that is signed anew", async () => {
    const webhook = { ...(acme(dated).webhook as Door), id: { parts: [header("x-time"), field("event")] } };
    expect(await failing(acme(dated, { webhook }))).toEqual(["knows a request that comes again"]);
  });

  test("declares a topic without a fixture, and an activity that nothing records", async () => {
    const { events, activities } = acme(signature);
    const [created] = Object.values(events);
    const [declared] = Object.values(activities);
    if (created === undefined || declared === undefined) throw new Error("acme has lost its topic");
    const found = await failing(
      acme(signature, {
        events: { ...events, deleted: created },
        activities: { ...activities, "customer.deleted": declared },
      }),
    );
    expect(found).toEqual(["has a fixture for every topic", "records every activity"]);
  });

  test("has no fixture that comes through its door", async () => {
    expect(await failing(acme(signature), [])).toEqual([
      "has a fixture for every door",
      "has a fixture for every topic",
      "records every activity",
    ]);
  });

  test("declares an activity that lacks what the record of processing needs", async () => {
    const lacking = { purpose: "customer_management", lawfulBasis: "contract", dataCategories: [] } as const;
    const connector = { ...acme(signature), activities: { "customer.created": lacking } };
    expect(await failing(connector)).toEqual(["declares every activity"]);
  });

  test("does not accept its own example of a configuration", async () => {
    const configuration = {
      example: {},
      configure: () => {
        throw new RangeError("no topics");
      },
    };
    const { checks } = await checkConnector({ ...acme(signature), configuration }, [fixture()]);
    expect(checks).toEqual([
      {
        name: "accepts its own example of a configuration",
        ok: false,
        detail: "RangeError: no topics",
        advice: expect.stringContaining("configuration.example"),
      },
    ]);
  });
});

test("a connector that is configured is checked as its example makes it", async () => {
  const shell = { ...acme(signature), events: {}, activities: {} };
  const configuration = { example: "created", configure: () => acme(signature) };
  expect(await failing({ ...shell, configuration })).toEqual([]);
});

test("a check that does not apply says why, and is not left out", async () => {
  const skipped = async (connector: Connector) =>
    Object.fromEntries(
      (await checkConnector(connector, [fixture()])).checks.flatMap((check) =>
        check.skipped === undefined ? [] : [[check.name, check.skipped]],
      ),
    );
  expect(await skipped(acme(dated))).toEqual({
    "refuses facts that disagree": "no two facts of a request have to agree",
  });
  const { account: _, ...door } = acme(urlSecret()).webhook as Door;
  expect(await skipped(acme(urlSecret(), { webhook: door }))).toMatchObject({
    "refuses a changed body": expect.stringContaining("nothing is signed"),
    "refuses a request that is too old or from the future": "no time is signed",
    "refuses another account": "requests name no account",
  });
});

test("every check says what to do when it fails", () => {
  const names = [acme(dated), acmeBatch(signature, agreeing)].flatMap((connector) =>
    planChecks(connector, [fixture(), batch], { readme: "" }).map(({ name }) => name),
  );
  expect(names.filter((name) => ADVICE[name] === undefined)).toEqual([]);
});
