import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { listConsents } from "#consent";
import { expireDeliveries, openRequest, replayDeliveries } from "#intake";
import type { DeliveryId } from "#schemas";
import { fixture, openProcessing, type Processing } from "#test";
import { fingerprint } from "#vault";

let hub: Processing;
beforeAll(async () => {
  hub = await openProcessing();
});
afterAll(() => hub.close());

const eventually = <T>(what: () => Promise<T>) => expect.poll(what, { timeout: 15_000 });
const typesOf = async (id: DeliveryId) => (await hub.chain(id)).map(({ type }) => type);
const customer = (n: number) => () => JSON.stringify({ id: n, email: `customer-${n}@example.com` });

/** Of a delivery with a new subject and one activity, when nothing was wrong. */
const ALL_WENT_WELL = ["subject.created", "activity.recorded", "delivery.processed", "delivery.shredded"];

/** The database refuses to write one kind of activity, so often (a sequence counts: it does not roll back). */
async function noRoomFor(activity: string, times = 1_000_000): Promise<{ mend(): Promise<void> }> {
  const mend = async () => {
    await hub.byHand("drop function if exists refuse cascade");
    await hub.byHand("drop sequence if exists refused");
  };
  onTestFinished(mend);
  await hub.byHand("create sequence refused");
  await hub.byHand(`create function refuse() returns trigger language plpgsql security definer as $$ begin
    if nextval('lethe.refused') <= ${times} then raise 'no room' using errcode = 'disk_full'; end if;
    return new; end $$`);
  await hub.byHand(`create trigger no_room before insert on processing_activity
    for each row when (new.activity = '${activity}') execute function refuse()`);
  return { mend };
}

/** The replay windows of these deliveries are over, and it is time for the hourly sweep. */
async function endWindowOf(...ids: DeliveryId[]): Promise<void> {
  const over = "update delivery set processed_at = now() - interval '8 days' where id = $1";
  for (const id of ids) await hub.byHand(over, id);
  await hub.byHand("update runtime_cron set next_at = now() where function_id = 'lethe-expire-deliveries'");
}

test("a delivery that is itself at fault fails at once and alone among many, and its payload is kept sealed", async () => {
  const [one, other] = [await hub.shop(), await hub.shop()];
  for (let n = 0; n < 17; n++) await one.send("customers-create", customer(n));
  const malformed = await one.send("malformed");
  for (let n = 17; n < 40; n++) await one.send("customers-create", customer(n));
  await other.send("customers-create");
  await hub.working(async () => {
    await eventually(one.state).toEqual({ processed: 40, failed: 1, left: [malformed] });
    await eventually(other.state).toEqual({ processed: 1, left: [] });
    await eventually(one.runs).toEqual(["process-delivery 41 completed"]); // nothing is tried again
  });
  expect(await one.effects()).toHaveLength(40);
  const error = expect.stringMatching(/^payload\/unreadable: /);
  expect(await one.delivery(malformed)).toMatchObject({ status: "failed", attempts: 1, error });

  const sealed = await one.sealed(malformed);
  if (sealed === undefined) throw new Error("its payload is gone");
  expect(await hub.chain(malformed)).toMatchObject([
    { type: "delivery.failed", body: fingerprint(sealed), facts: { error: "payload/unreadable" } },
  ]);
  expect(Buffer.from(sealed).includes("mallory@example.com")).toBe(false);
  const { body } = openRequest(
    await hub.rooms.ring.keys(one.controllerId),
    one.controllerId,
    malformed,
    sealed,
  );
  expect(Buffer.from(body).toString("utf8")).toBe(fixture("shopify/malformed").body);
});

describe("a delivery that fails for a passing reason", () => {
  test("goes on alone, is tried again, and is processed when the reason has passed", async () => {
    const shop = await hub.shop();
    await shop.send("customers-create", customer(1));
    const refused = await shop.send("customers-delete");
    await shop.send("customers-create", customer(2));
    await noRoomFor("customer.deleted", 4); // with the others, alone, and at its first two retries
    await hub.working(async () => {
      await eventually(shop.state).toEqual({ processed: 3, left: [] });
      await eventually(shop.runs).toEqual(["process-delivery 3 completed", "process-alone 1 completed"]);
    });
    expect(await shop.delivery(refused)).toMatchObject({ attempts: 4, error: null });
    expect(await shop.effects()).toHaveLength(3);
    expect(await typesOf(refused)).toEqual(ALL_WENT_WELL);
  });

  test("ends failed after its retries when the reason stays, while the others have their effects", async () => {
    const shop = await hub.shop();
    await shop.send("customers-create", customer(1));
    const refused = await shop.send("customers-delete");
    await noRoomFor("customer.deleted");
    await hub.working(() => eventually(shop.state).toEqual({ processed: 1, failed: 1, left: [refused] }));
    const error = expect.stringMatching(/^postgres\/53100: /);
    // Once alone in the batch's run; in a run of its own a first time and five retries.
    expect(await shop.delivery(refused)).toMatchObject({ attempts: 7, error });
    expect(await hub.chain(refused)).toMatchObject([
      { type: "delivery.failed", facts: { error: "postgres/53100" } },
    ]);
    expect((await shop.effects()).map(({ record }) => record)).toEqual(["customer.created"]);
  });

  test("after its effects stays processed; the sweep shreds what could not be shredded then", async () => {
    const shop = await hub.shop();
    const id = await shop.send("customers-create");
    const mend = async () => {
      await hub.byHand("grant delete on delivery_payload to lethe_app");
    };
    onTestFinished(mend);
    await hub.byHand("revoke delete on delivery_payload from lethe_app");
    const spent = ["process-delivery 1 failed", "process-delivery-failure 1 completed"];
    await hub.working(() => eventually(shop.runs).toEqual(spent));
    expect(await shop.state()).toEqual({ processed: 1, left: [id] });
    expect(await shop.replay(id)).toEqual(["not_failed"]);
    await mend();
    await endWindowOf(id);
    await hub.working(() => eventually(shop.state).toEqual({ processed: 1, left: [] }));
    expect(await shop.effects()).toHaveLength(1);
    expect(await typesOf(id)).toEqual(ALL_WENT_WELL);
  });
});

describe("a replay", () => {
  test("of what failed, once the cause is mended, has each effect once and shreds the payload", async () => {
    const shop = await hub.shop();
    const ids = [await shop.send("email-consent-subscribed"), await shop.send("email-consent-unsubscribed")];
    const { mend } = await noRoomFor("consent.updated");
    await hub.working(() => eventually(shop.state).toEqual({ failed: 2, left: ids }));
    await mend();
    expect(await shop.replay(...ids)).toEqual(["replayed", "replayed"]);
    expect(await shop.replay(...ids)).toEqual(["not_failed", "not_failed"]); // they wait again
    await hub.working(() => eventually(shop.state).toEqual({ processed: 2, left: [] }));
    for (const id of ids) {
      expect((await shop.effects()).filter(({ delivery }) => delivery === id)).toHaveLength(2);
      expect(await shop.delivery(id)).toMatchObject({ error: null });
      expect((await typesOf(id)).filter((type) => !type.startsWith("subject."))).toEqual([
        ...["delivery.failed", "delivery.replayed", "activity.recorded", "consent.recorded"],
        ...["delivery.processed", "delivery.shredded"],
      ]);
    }
    expect(await shop.replay(...ids)).toEqual(["not_failed", "not_failed"]);
  });

  test("does not reach a delivery of another controller", async () => {
    const [one, other] = [await hub.shop(), await hub.shop()];
    const id = await one.send("malformed");
    await hub.working(() => eventually(one.state).toEqual({ failed: 1, left: [id] }));
    expect(await other.replay(id)).toEqual([undefined]);
    expect(await one.state()).toEqual({ failed: 1, left: [id] });
  });
});

test("when its replay window ends, a delivery that failed is shredded and expired; one that was never processed is kept", async () => {
  const shop = await hub.shop();
  const [failed, fresh] = [await shop.send("malformed"), await shop.send("malformed")];
  const processed = await shop.send("customers-create");
  await hub.working(() => eventually(shop.state).toEqual({ failed: 2, processed: 1, left: [failed, fresh] }));
  const stuck = await shop.send("customers-create");
  await hub.byHand("delete from runtime_event where id = $1", stuck);
  await hub.byHand("update delivery set received_at = now() - interval '9 days' where id = $1", stuck);
  await endWindowOf(failed);
  await hub.working(() =>
    eventually(shop.state).toEqual({
      expired: 1,
      failed: 1,
      processed: 1,
      received: 1,
      left: [fresh, stuck],
    }),
  );
  expect(await typesOf(failed)).toEqual(["delivery.failed", "delivery.expired"]);
  expect(await typesOf(stuck)).toEqual([]);
  expect(await shop.replay(failed, fresh, processed)).toEqual(["payload_gone", "replayed", "not_failed"]);
});

test("a delivery that is being replayed keeps its payload, though its window is over", async () => {
  const shop = await hub.shop();
  const failed = await shop.send("malformed");
  await hub.working(() => eventually(shop.state).toEqual({ failed: 1, left: [failed] }));
  await hub.byHand("update delivery set processed_at = now() - interval '8 days' where id = $1", failed);
  const { database } = hub.rooms;
  await database.inController(shop.controllerId, async (tx) => {
    await replayDeliveries(tx, [failed], { dryRun: false });
    const expiry = database.inController(shop.controllerId, (other) =>
      expireDeliveries(other, { afterDays: 7, limit: 10 }),
    );
    expect(await expiry).toEqual([]);
  });
  expect(await shop.state()).toEqual({ received: 1, left: [failed] });
});

describe("a platform's test data", () => {
  const ignored = { ignored: 1, left: [] };
  const processed = { processed: 1, left: [] };
  test.each([
    [
      "is no business of a live controller's",
      "live",
      false,
      ignored,
      ["delivery.ignored", "delivery.shredded"],
    ],
    ["is processed by a sandbox controller", "sandbox", false, processed, ALL_WENT_WELL],
    ["is told from real data, which a live controller processes", "live", true, processed, ALL_WENT_WELL],
  ] as const)("%s", async (_, environment, live, state, types) => {
    const shop = await hub.shop("stripe", environment);
    const id = await shop.send("customer-created", (body) =>
      body.replace('"livemode": false', `"livemode": ${live}`),
    );
    await hub.working(() => eventually(shop.state).toEqual(state));
    expect(await typesOf(id)).toEqual(types);
    expect(await shop.effects()).toHaveLength("processed" in state ? 1 : 0);
  });
});

test("the events of a processed delivery are a chain: its effects, then the fingerprint of what was received", async () => {
  const shop = await hub.shop();
  const id = await shop.send("email-consent-subscribed");
  const sealed = await shop.sealed(id);
  await hub.working(() => eventually(shop.state).toEqual({ processed: 1, left: [] }));
  const events = await hub.chain(id);
  const subject = events[0]?.subject;
  expect(subject).toMatch(/^[0-9a-f]{64}$/);
  const ofPlatform = { actor: "platform:shopify", subject, body: null };
  const ofHub = { actor: "hub", entity: `delivery:${id}`, subject: null };
  expect(events).toMatchObject([
    { type: "subject.created", actor: "hub", body: null },
    { type: "activity.recorded", ...ofPlatform, entity: `activity:${id}.1` },
    { type: "consent.recorded", ...ofPlatform, entity: `consent:${id}.2`, facts: { state: "granted" } },
    { type: "delivery.processed", ...ofHub, body: sealed && fingerprint(sealed), facts: { records: 3 } },
    { type: "delivery.shredded", ...ofHub, body: null },
  ]);
});

test("a choice that is dated in the future counts from when it came, so that it can be withdrawn", async () => {
  const shop = await hub.shop();
  await shop.send("email-consent-subscribed", (body) =>
    body.replaceAll(/"20\d\d-[^"]+"/g, '"9999-01-01T00:00:00Z"'),
  );
  await hub.working(() => eventually(shop.state).toMatchObject({ processed: 1, left: [] }));
  await shop.send("email-consent-unsubscribed", (body) =>
    body.replaceAll(/"20\d\d-[^"]+"/g, JSON.stringify(new Date(Date.now() + 60_000).toISOString())),
  );
  await hub.working(() => eventually(shop.state).toMatchObject({ processed: 2, left: [] }));
  const consents = await hub.rooms.database.inController(shop.controllerId, (tx) =>
    listConsents(tx, { limit: 10 }),
  );
  expect(consents.filter(({ current }) => current).map(({ state }) => state)).toEqual(["withdrawn"]);
  for (const { occurredAt } of consents) expect(Date.parse(occurredAt)).toBeLessThanOrEqual(Date.now());
});

test("a delivery that its runtime lost is announced again after a while, and no other", async () => {
  const shop = await hub.shop();
  const lost = await shop.send("customers-create");
  const fresh = await shop.send("customers-update");
  await hub.byHand("delete from runtime_event");
  await hub.byHand("update delivery set received_at = now() - interval '20 minutes' where id = $1", lost);
  await hub.working(async () => {
    await hub.byHand(
      "update runtime_cron set next_at = now() where function_id = 'lethe-recover-deliveries'",
    );
    await eventually(async () => (await shop.delivery(lost))?.status).toBe("processed");
  });
  expect((await shop.delivery(fresh))?.status).toBe("received");
  expect(await shop.runs()).toEqual(["process-delivery 1 completed"]);
});
