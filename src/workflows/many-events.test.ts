import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { updateConnection } from "#controllers";
import type { Connector } from "#kit";
import type { DeliveryId } from "#schemas";
import { openProcessing, type Processing, type Shop } from "#test";

let hub: Processing;
beforeAll(async () => {
  hub = await openProcessing();
});
afterAll(() => hub.close());

const eventually = <T>(what: () => Promise<T>) => expect.poll(what, { timeout: 15_000 });

/** A request of the generic connector's example platform. */
const request = (...events: object[]) => JSON.stringify({ workspace: "acme-main", events });
const contact = (id: number, email = `contact-${id}@example.com`) => ({
  id: `ev_${id}`,
  type: "contact.updated",
  created_at: "2026-11-20T08:00:00Z",
  contact: { id: `ct_${id}`, email },
});
const choice = (id: number, newsletter: string) => ({
  ...contact(id),
  id: `ch_${id}`,
  type: "contact.preferences",
  newsletter,
});
const send = (shop: Shop, ...events: object[]) => shop.send("contacts", () => request(...events));

const last = async (id: DeliveryId) => (await hub.chain(id)).at(-1);

describe("a request of several events", () => {
  test("is one delivery, and each of its events has its own records", async () => {
    const shop = await hub.shop("generic");
    const id = await send(shop, contact(1), contact(2), choice(1, "unsubscribed"));
    await hub.working(() => eventually(shop.state).toEqual({ processed: 1, left: [] }));
    expect((await shop.effects()).map(({ record }) => record)).toEqual([
      "contact.updated",
      "contact.updated",
      "email_marketing withdrawn",
      "preferences.changed",
    ]);
    const people = await hub.byHand("select id from subject where controller_id = $1", shop.controllerId);
    expect(people).toHaveLength(2);
    const processed = (await hub.chain(id)).find(({ type }) => type === "delivery.processed");
    expect(processed?.facts).toEqual({ events: 3, records: 7 });
    // They are not of one topic, so the delivery has none.
    expect(await shop.delivery(id)).toMatchObject({ topic: null });
  });

  test("that are of one topic is of that topic", async () => {
    const shop = await hub.shop("generic");
    const id = await send(shop, contact(1), contact(2));
    await hub.working(() => eventually(shop.state).toEqual({ processed: 1, left: [] }));
    expect(await shop.delivery(id)).toMatchObject({ topic: "contact.updated", status: "processed" });
  });

  test("none of which the connector knows is ignored", async () => {
    const shop = await hub.shop("generic");
    await send(shop, { ...contact(1), type: "page.viewed" }, { ...contact(2), type: "page.viewed" });
    await send(shop);
    await hub.working(() => eventually(shop.state).toEqual({ ignored: 2, left: [] }));
  });

  test("may have a thousand of them", async () => {
    const shop = await hub.shop("generic");
    const thousand = (from: number) => Array.from({ length: 1_000 }, (_, n) => contact(from + n));
    for (const from of [0, 1_000, 2_000]) await send(shop, ...thousand(from));
    await hub.working(() => eventually(shop.state).toEqual({ processed: 3, left: [] }));
    expect(await shop.effects()).toHaveLength(3_000);
  });
});

describe("one bad event", () => {
  test("does not sink the others, and is recorded when it is replayed after a fix, without doubling them", async () => {
    const shop = await hub.shop("generic");
    const id = await send(shop, contact(1), choice(2, "paused"), contact(3), choice(4, "paused"));
    await hub.working(() => eventually(shop.state).toEqual({ failed: 1, left: [id] }));
    expect(await shop.effects()).toHaveLength(2);
    expect(await shop.delivery(id)).toMatchObject({
      attempts: 1,
      error: expect.stringMatching(
        /^payload\/unexpected-shape: .*"\$.newsletter".*\(of 4 events: 2, 4 failed\)$/,
      ),
    });
    expect((await last(id))?.facts).toEqual({
      ...{ events: 4, failed: 2, records: 4 },
      error: "payload/unexpected-shape",
    });

    // Replayed as it is, it fails again, and the good ones are not had twice.
    await shop.replay(id);
    await hub.working(() => eventually(shop.state).toEqual({ failed: 1, left: [id] }));
    expect(await shop.effects()).toHaveLength(2);

    const generic = connectors.get("generic") as Connector;
    const mapping = structuredClone(generic.configuration?.example) as {
      topics: { "contact.preferences": { consent: { state: { values: Record<string, string> } } } };
    };
    mapping.topics["contact.preferences"].consent.state.values["paused"] = "withdrawn";
    await updateConnection(
      hub.rooms.database,
      hub.rooms.ring,
      generic,
      { controllerId: shop.controllerId, id: shop.connection },
      { configuration: mapping },
    );
    await shop.replay(id);
    await hub.working(() => eventually(shop.state).toEqual({ processed: 1, left: [] }));
    expect((await shop.effects()).map(({ record }) => record)).toEqual([
      "contact.updated",
      "contact.updated",
      "email_marketing withdrawn",
      "email_marketing withdrawn",
      "preferences.changed",
      "preferences.changed",
    ]);
  });
});

describe("an event that comes again", () => {
  test("in another request, among others, has its effects once", async () => {
    const shop = await hub.shop("generic");
    await send(shop, contact(1), contact(2));
    await hub.working(() => eventually(shop.state).toEqual({ processed: 1, left: [] }));
    await send(shop, contact(2), contact(3));
    await send(shop, contact(3), contact(1), contact(3));
    await hub.working(() => eventually(shop.state).toEqual({ processed: 3, left: [] }));
    expect(await shop.effects()).toHaveLength(3);
  });

  test("in two requests that are processed at the same time has its effects once", async () => {
    const shop = await hub.shop("generic");
    const events = Array.from({ length: 50 }, (_, n) => contact(n));
    for (let n = 0; n < 10; n++) await send(shop, ...events, contact(1_000 + n));
    for (let n = 0; n < 10; n++) await send(shop, ...events.toReversed(), contact(2_000 + n));
    await hub.working(() => eventually(shop.state).toEqual({ processed: 20, left: [] }));
    expect(await shop.effects()).toHaveLength(70);
  });

  test("to another connection is another event", async () => {
    const [one, other] = [await hub.shop("generic"), await hub.shop("generic")];
    for (const shop of [one, other]) await send(shop, contact(1));
    await hub.working(async () => {
      for (const shop of [one, other]) await eventually(shop.state).toEqual({ processed: 1, left: [] });
    });
    for (const shop of [one, other]) expect(await shop.effects()).toHaveLength(1);
  });
});
