import { afterAll, beforeAll, expect, test } from "vitest";
import { connectors } from "#connectors";
import { planPushes } from "#consent";
import type { SubjectId } from "#schemas";
import { openProcessing, type Processing } from "#test";
import { recordDeliveries } from "./record-deliveries.ts";

let hub: Processing;
beforeAll(async () => {
  hub = await openProcessing();
});
afterAll(() => hub.close());

const choice = (id: string, newsletter: string) =>
  JSON.stringify({
    workspace: "acme-main",
    events: [
      {
        ...{ id, type: "contact.preferences", created_at: "2026-11-20T08:00:00Z", newsletter },
        contact: { id: "ct_1", email: "ann@example.com" },
      },
    ],
  });

test("a choice is recorded while the person's earlier one is planned: neither waits for what the other waits for", async () => {
  const { rooms } = hub;
  const shop = await hub.shop("generic");
  const keys = await rooms.ring.keys(shop.controllerId);
  const inController: typeof rooms.database.inController<unknown> = rooms.database.inController;
  const record = async (newsletter: string) => {
    const id = await shop.send("contacts", () => choice(newsletter, newsletter));
    return inController(shop.controllerId, (tx) => recordDeliveries(tx, keys, connectors, [id]));
  };
  await record("subscribed");
  const [person] = await hub.byHand<{ id: SubjectId; sealedKey: Uint8Array }>(
    'select id, sealed_key as "sealedKey" from subject where controller_id = $1',
    shop.controllerId,
  );
  const waiting = async () => {
    const [row] = await hub.byHand<{ count: number }>(
      "select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return row?.count;
  };
  // Both come to a stop at the person's address, one after the other.
  const [both] = await rooms.superuser(async (sql) => {
    await sql`begin`;
    await sql`select from lethe.consent_contact for update`;
    const recorded = record("unsubscribed");
    await expect.poll(waiting).toBe(1);
    const changes = [{ subjectId: person?.id as SubjectId, purpose: "email_marketing" as const }];
    const planned = inController(shop.controllerId, (tx) => planPushes(tx, connectors, changes));
    await expect.poll(waiting).toBe(2);
    await sql`commit`;
    return [Promise.allSettled([recorded, planned])];
  });
  expect(await both).toEqual([
    { status: "fulfilled", value: { apart: [], left: [] } },
    { status: "fulfilled", value: [] },
  ]);
});
