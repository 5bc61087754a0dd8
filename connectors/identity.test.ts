import { describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { eventsOf, loadFixtures, receive, signFixture } from "#kit";

/** What tells a delivery, or an event of one, from others, where the platform makes that hard. */
const load = (platform: string, name: string) => {
  const connector = connectors.get(platform);
  const fixture = loadFixtures(`fixtures/${platform}`).find((candidate) => candidate.name === name);
  if (connector === undefined || fixture === undefined) throw new Error(`no ${platform}/${name}`);
  return { connector, fixture };
};
const take = (platform: string, name: string, body?: string) => {
  const { connector, fixture } = load(platform, name);
  const request = signFixture(connector, { ...fixture, body: body ?? fixture.body }, "secret", 0);
  const received = receive(connector, request, { secrets: ["secret"], account: null }, 0);
  if (received.kind !== "delivery") throw new Error(received.kind);
  return { about: received.about, events: eventsOf(connector, request.body, received.about) };
};
const identities = (body: string) =>
  take("quickbooks", "customer", body).events.map(({ identity }) => identity?.join(" "));

describe("QuickBooks", () => {
  const events = JSON.parse(load("quickbooks", "customer").fixture.body) as Record<string, unknown>[];
  const notification = (entities: unknown[]) =>
    JSON.stringify({ eventNotifications: [{ realmId: "1185883450", dataChangeEvent: { entities } }] });
  const entity = { name: "Customer", id: "1", operation: "Update", lastUpdated: "2015-10-05T14:42:19-0700" };

  test("sends an event again in another request: it is the same one", () => {
    const together = identities(JSON.stringify(events));
    expect(new Set(together).size).toBe(events.length);
    expect(events.flatMap((event) => identities(JSON.stringify([event])))).toEqual(together);
    expect(identities(notification([entity]))).toEqual(identities(notification([entity, entity])).slice(1));
  });

  test.each(["name", "id", "operation", "lastUpdated"])("tells two of the older form apart by %s", (key) => {
    const other = { ...entity, [key]: "2" };
    expect(new Set(identities(notification([entity, other]))).size).toBe(2);
  });

  test("tells the same change in two companies apart", () => {
    const [event] = events;
    const elsewhere = { ...event, intuitaccountid: "310687" };
    expect(new Set(identities(JSON.stringify([event, elsewhere]))).size).toBe(2);
  });

  test("says when each happened, with or without a colon in the zone", () => {
    const times = (name: string) => take("quickbooks", name).events.map(({ occurredAt }) => occurredAt);
    expect(times("legacy")[0]).toBe("2015-10-05T21:42:19.000Z");
    expect(times("customer")[0]).toMatch(/^2026-11-20T09:\d\d:25\.179Z$/);
  });

  test("may send a request without any event", () => {
    expect(take("quickbooks", "customer", "[]").events).toEqual([]);
  });
});

test("Eventbrite sends the same bytes for two updates of one order: neither is taken for a repeat", () => {
  const [first, second] = [take("eventbrite", "order-updated"), take("eventbrite", "order-updated")];
  expect(first.about.identity).not.toEqual(second.about.identity);
});

test("SurveyMonkey's event id tells its events apart", () => {
  expect(take("surveymonkey", "response-completed").about.identity).toHaveLength(1);
  expect(take("surveymonkey", "response-completed").about.identity).toEqual(
    take("surveymonkey", "response-completed").about.identity,
  );
});
