import { afterAll, beforeAll, expect, test } from "vitest";
import { addressesOf, claimOf, linkClaims } from "#identity";
import { subject } from "#kit";
import { freshRooms, type TestRooms } from "#test";
import { contactsOf, forgetContacts, keepContacts } from "./contact.ts";
import { noteDue } from "./due.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());

test("an address that is kept anew while it would be deleted stays: its person is due again", async () => {
  const controllerId = await rooms.controller();
  const connectionId = (await rooms.connection(controllerId, "mailchimp")).id;
  const inController: typeof rooms.database.inController<unknown> = rooms.database.inController;
  const keys = await rooms.ring.keys(controllerId);
  const ann = subject({ platformId: "m1", email: "ann@example.com" });
  const claim = claimOf(keys, { workflowId: crypto.randomUUID(), connectionId, region: null }, ann);
  const person = await rooms.database.inController(controllerId, async (tx) => {
    const holder = (await linkClaims(tx, keys, [claim])).subjects.get(claim);
    if (holder === undefined) throw new Error("nobody");
    const contact = {
      ...addressesOf(ann, null),
      subject: { id: holder.subjectId, sealedKey: holder.sealedKey },
    };
    await keepContacts(tx, keys, [contact]);
    return contact;
  });
  const { id } = person.subject;
  const { promise: written, resolve: isWritten } = Promise.withResolvers<void>();
  const { promise: meanwhile, resolve: goOn } = Promise.withResolvers<void>();
  const kept = inController(controllerId, async (tx) => {
    await noteDue(tx, [{ subjectId: id, purpose: "email_marketing" }]);
    await keepContacts(tx, keys, [person]);
    isWritten();
    await meanwhile;
  });
  await written;
  const deleted = inController(controllerId, (tx) => forgetContacts(tx, [id]));
  const waiting = async () => {
    const [row] = await rooms.sql`select count(*)::int from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return row?.count;
  };
  await expect.poll(waiting).toBe(1);
  goOn();
  await Promise.all([kept, deleted]);
  const left = await rooms.database.inController(controllerId, (tx) => contactsOf(tx, keys, [id]));
  expect([...left.keys()]).toEqual([id]);
});
