import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import {
  type Connector,
  configured,
  type Fixture,
  instant,
  loadFixtures,
  MAX_RECORDS,
  type Outcome,
} from "#kit";
import type { ControllerId } from "#schemas";
import {
  freshRooms,
  type HubProcess,
  type SimulatedPlatforms,
  sendFixture,
  simulatePlatforms,
  startHubProcess,
  type TestRooms,
} from "#test";

/** Every fixture of every platform, signed and sent over HTTP to a running hub, and looked at in the database. */
let rooms: TestRooms;
let hub: HubProcess;
let platforms: SimulatedPlatforms;
beforeAll(async () => {
  rooms = await freshRooms();
  platforms = await simulatePlatforms();
  hub = await startHubProcess({
    ...platforms.environment,
    DATABASE_URL: rooms.url,
    LETHE_MASTER_KEY: rooms.masterKey,
    LETHE_DATA_DIR: mkdtempSync(join(tmpdir(), "lethe-")),
  });
});
afterAll(async () => {
  await hub.stop();
  await platforms.stop();
  await rooms.drop();
});

const cases = [...connectors.values()].flatMap((connector) =>
  loadFixtures(`fixtures/${connector.id}`)
    .filter(({ expect: { outcome } }) => outcome !== "ping" && outcome !== "handshake")
    .map((fixture) => ({ name: `${connector.id}/${fixture.name}`, connector: connector.id, fixture })),
);

const rows = (table: string, controllerId: ControllerId) =>
  rooms.sql`select * from ${rooms.sql(table)} where controller_id = ${controllerId}`;

/** What a connection of a fixture with answers calls its platform's API with. */
const credentialsOf = (connector: string): unknown =>
  JSON.parse(readFileSync(`fixtures/${connector}/credentials.json`, "utf8"));

function asConfigured(id: string): Connector {
  const connector = connectors.get(id);
  if (connector === undefined) throw new Error(`no connector ${id}`);
  return configured(connector, connector.configuration?.example);
}

type Expected = Record<string, unknown> & { type: string; ordinal: number };

/** What each event of a fixture gives, its records numbered as they are stored. */
const eventsOf = ({ expect: { events, ...single } }: Fixture): Outcome[] =>
  (events ?? [single]).map((event, index) => ({
    ...event,
    records: ((event.records ?? []) as Expected[]).map((record, place) => ({
      ...record,
      ordinal: index * MAX_RECORDS + place,
    })),
  }));

const ofType = (fixture: Fixture, type: string) =>
  eventsOf(fixture).flatMap(({ records }) =>
    (records as Expected[]).filter((record) => record.type === type),
  );

const IDENTIFIERS = ["email", "phone", "platformId"] as const;

/** What each event knows its person by, or by an object of theirs that came before; events about nobody are left out. */
const identified = (fixture: Fixture) => {
  const owners = new Map<string, string[]>();
  return eventsOf(fixture).flatMap(({ records }) => {
    const [person] = (records as Expected[]).filter(({ type }) => type === "subject");
    const named = IDENTIFIERS.flatMap((kind) => (person?.[kind] as string[] | undefined) ?? []);
    const objects = (person?.["objects"] as string[] | undefined) ?? [];
    const known = named.length > 0 ? named : objects.flatMap((object) => owners.get(object) ?? []);
    for (const object of objects) if (!owners.has(object) && named.length > 0) owners.set(object, named);
    return known.length === 0
      ? []
      : [{ records: records as Expected[], known: known.map((text) => text.toLowerCase()) }];
  });
};

/** How many people there are: those who share an identifier are one. */
function peopleIn(fixture: Fixture): number {
  const people: Set<string>[] = [];
  for (const { known } of identified(fixture)) {
    const same = people.filter((person) => known.some((text) => person.has(text)));
    for (const one of same) people.splice(people.indexOf(one), 1);
    people.push(new Set([...known, ...same.flatMap((one) => [...one])]));
  }
  return people.length;
}

function statusOf(fixture: Fixture): { status: string; error: string | null } {
  const events = eventsOf(fixture);
  const [error = null] = events.flatMap((event) => event.error ?? []);
  const ignored = events.every(({ outcome }) => outcome === "ignored");
  return { status: error !== null ? "failed" : ignored ? "ignored" : "processed", error };
}

describe("a running hub turns", () => {
  test.each(cases)("$name into its records", async ({ connector, fixture }) => {
    const controllerId = await rooms.controller();
    platforms.answer(fixture.answers);
    const { id, secret } = await rooms.connection(controllerId, connector, {
      region: "CA",
      ...(fixture.answers.size > 0 ? { credentials: credentialsOf(connector) } : {}),
    });
    const response = await sendFixture(`${hub.url}/webhooks/${connector}/${id}`, connector, fixture, secret);
    expect(response.status, `${await response.text()}\n${hub.output().slice(-2_000)}`).toBe(200);
    const settled = async () => (await rows("delivery", controllerId))[0];
    const { status, error } = statusOf(fixture);
    await expect.poll(async () => (await settled())?.status, { timeout: 15_000 }).toBe(status);
    const delivery = await settled();
    expect(delivery?.error_code).toBe(error);
    // What is done with is shredded; what failed is kept, sealed, for a replay.
    await expect
      .poll(async () => (await rows("delivery_payload", controllerId)).length)
      .toBe(status === "failed" ? 1 : 0);

    expect(await rows("subject", controllerId)).toHaveLength(peopleIn(fixture));
    const when = (given: unknown) =>
      instant(typeof given === "string" ? given : fixture.headers["x-shopify-triggered-at"]);

    const known = asConfigured(connector);
    const activities = await rows("processing_activity", controllerId);
    expect(activities.map((row) => [row.ordinal, row.activity])).toEqual(
      identified(fixture).flatMap(({ records }) =>
        records.filter(({ type }) => type === "activity").map((record) => [record.ordinal, record.activity]),
      ),
    );
    for (const row of activities) {
      const declared = known.activities[row.activity as string];
      expect(row).toMatchObject({
        purpose: declared?.purpose,
        lawful_basis: declared?.lawfulBasis,
        data_categories: declared?.dataCategories,
        recipient: declared?.recipient ?? known.name,
      });
      const occurred = when(
        ofType(fixture, "activity").find(({ ordinal }) => ordinal === row.ordinal)?.occurredAt,
      );
      if (occurred !== undefined) expect(new Date(row.occurred_at).toISOString()).toBe(occurred);
    }
    const consents = await rows("consent_record", controllerId);
    expect(consents.map((row) => [row.ordinal, row.purpose, row.state, row.nature, row.method])).toEqual(
      // What is said of a company's own list counts only where the list is tied to a purpose.
      ofType(fixture, "consent")
        .filter((record) => record.list === undefined)
        .map((record) => [record.ordinal, record.purpose, record.state, record.nature, record.method]),
    );
    const asked = ofType(fixture, "rights");
    // For one person it is left to somebody, for want of credentials; what is known of a whole account the hub erases by itself.
    await expect
      .poll(async () =>
        (await rows("rights_request", controllerId)).map((row) => [row.kind, row.scope, row.status]),
      )
      .toEqual(
        asked.map(({ kind, scope }) => [kind, scope, scope === "account" ? "fulfilled" : "fulfilling"]),
      );
    const requests = await rows("rights_request", controllerId);
    for (const row of requests) {
      const last = new Date(new Date(row.received_at).getTime() + 30 * 86_400_000);
      expect(new Date(row.due_at).toISOString()).toBe(`${last.toISOString().slice(0, 10)}T23:59:59.999Z`);
    }
    const [connection] = await rows("connection", controllerId);
    const ended = ofType(fixture, "account").length > 0 || asked.some(({ scope }) => scope === "account");
    expect(connection?.status).toBe(ended ? "uninstalled" : "active");

    const types = (await rows("audit_event", controllerId)).map(
      ({ entry }) => (JSON.parse(Buffer.from(entry).toString("utf8")) as { type: string }).type,
    );
    expect(types).toContain(`delivery.${status}`);
    for (const [type, list] of [
      ["activity.recorded", activities],
      ["consent.recorded", consents],
      ["rights.received", requests],
    ] as const)
      expect(
        types.filter((one) => one === type),
        type,
      ).toHaveLength(list.length);
    expect(types.includes("delivery.shredded")).toBe(status !== "failed");
  });
});

test("two platforms that share a customer's address give one subject, known through both", async () => {
  const controllerId = await rooms.controller();
  for (const name of [
    "shopify/customers-create",
    "stripe/customer-created",
    "mailchimp/subscribe",
    "woocommerce/customer-created",
  ]) {
    const [connector = "", file] = name.split("/");
    const { id, secret } = await rooms.connection(controllerId, connector);
    const sent = loadFixtures(`fixtures/${connector}`).find(
      (candidate) => candidate.name === file,
    ) as Fixture;
    await sendFixture(`${hub.url}/webhooks/${connector}/${id}`, connector, sent, secret);
  }
  await expect
    .poll(async () => (await rows("processing_activity", controllerId)).length, { timeout: 10_000 })
    .toBe(4);
  expect(await rows("subject", controllerId)).toHaveLength(1);
  const sources = await rows("identifier_source", controllerId);
  expect(
    new Set(sources.filter(({ kind }) => kind === "email").map(({ connection_id }) => connection_id)).size,
  ).toBe(4);
});
