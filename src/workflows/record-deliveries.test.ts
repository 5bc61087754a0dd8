import { afterAll, beforeAll, expect, test } from "vitest";
import { connectors } from "#connectors";
import { forgetConsent, planPushes } from "#consent";
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

test.each(["is recorded", "is forgotten with all of theirs"])(
  "a choice %s while the person's earlier one is planned: neither waits for what the other waits for",
  async (what) => {
    const { rooms } = hub;
    const shop = await hub.shop("generic");
    const keys = await rooms.ring.keys(shop.controllerId);
    const inController: typeof rooms.database.inController<unknown> = rooms.database.inController;
    const record = async (newsletter: string) => {
      const id = await shop.send("contacts", () => choice(newsletter, newsletter));
      return inController(shop.controllerId, (tx) => recordDeliveries(tx, keys, connectors, [id]));
    };
    await record("subscribed");
    const [person] = await hub.byHand<{ id: SubjectId }>(
      "select id from subject where controller_id = $1",
      shop.controllerId,
    );
    if (person === undefined) throw new Error("nobody is known");
    const leaving = { family: [person.id], heir: person.id };
    const other = () =>
      what === "is recorded"
        ? record("unsubscribed")
        : inController(shop.controllerId, (tx) => forgetConsent(tx, leaving));
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
      const first = other();
      await expect.poll(waiting).toBe(1);
      const changes = [{ subjectId: person.id, purpose: "email_marketing" as const }];
      const planned = inController(shop.controllerId, (tx) => planPushes(tx, connectors, changes));
      await expect.poll(waiting).toBe(2);
      await sql`commit`;
      return [Promise.allSettled([first, planned])];
    });
    const ended = await both;
    expect(ended.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  },
);
