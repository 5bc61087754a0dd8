import { v4 as uuid, v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { claimOf, linkClaims } from "#identity";
import { subject } from "#kit";
import type { ConnectionId, ControllerId, RightsRequestId, SubjectId } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { openRequest } from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let shop: ConnectionId;
let other: ConnectionId;
beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());
beforeEach(async () => {
  controllerId = await rooms.controller();
  shop = (await rooms.connection(controllerId, "shopify")).id;
  other = (await rooms.connection(controllerId, "stripe")).id;
});

/** Whom a sighting is about. */
async function seen(...known: Parameters<typeof subject>[0][]): Promise<SubjectId> {
  const keys = await rooms.ring.keys(controllerId);
  return rooms.database.inController(controllerId, async (tx) => {
    const claims = known.map((one) =>
      claimOf(keys, { workflowId: uuidv7(), connectionId: shop, region: null }, subject(one)),
    );
    const { subjects } = await linkClaims(tx, keys, claims);
    const [first] = claims;
    const id = first && subjects.get(first)?.subjectId;
    if (id === undefined) throw new Error("nobody was linked");
    return id;
  });
}

/** What a platform's demand to erase somebody is recorded as. */
async function asks(connectionId: ConnectionId, subjectId: SubjectId) {
  const keys = await rooms.ring.keys(controllerId);
  return rooms.database.inController(controllerId, (tx) =>
    openRequest(tx, keys, {
      ...{ source: "platform", actor: "platform:shopify", kind: "erasure", scope: "subject" },
      ...{ regime: "platform", subjectId, connectionId, delivery: null, platformDays: 30 },
      details: { emails: [], phones: [], platformIds: ["1"], region: null, corrections: null },
      receivedAt: new Date().toISOString(),
    }),
  );
}
const task = (
  requestId: RightsRequestId,
  connectionId: ConnectionId,
  status: string,
  reason: string | null = null,
) =>
  rooms.superuser(
    (sql) => sql`insert into rights_task (controller_id, id, request_id, connection_id, status, reason)
      values (${controllerId}, ${uuid()}, ${requestId}, ${connectionId}, ${status}, ${reason})`,
  );

describe("a platform that asks again for the same person", () => {
  test("joins the request in progress, also when the person was merged into another meanwhile", async () => {
    const survivor = await seen({ email: "old@example.com" });
    const merged = await seen({ email: "new@example.com" });
    const { id } = await asks(shop, merged);
    await seen({ emails: ["old@example.com", "new@example.com"] });
    expect(await asks(shop, survivor)).toMatchObject({ id, joined: true });
    expect(await asks(shop, merged)).toMatchObject({ id, joined: true });
  });

  test("joins while its own task is still to be done, whatever became of others", async () => {
    const person = await seen({ email: "ann@example.com" });
    const { id } = await asks(shop, person);
    await task(id, other, "done_verified");
    for (const status of ["open", "asked", "manual", "failed"]) {
      await rooms.superuser(
        (sql) => sql`delete from rights_task where request_id = ${id} and connection_id = ${shop}`,
      );
      await task(id, shop, status);
      expect(await asks(shop, person), status).toMatchObject({ id, joined: true });
    }
  });

  test("opens a new one once its own task is over: what came since is still there", async () => {
    const person = await seen({ email: "ann@example.com" });
    const { id } = await asks(shop, person);
    await task(id, shop, "not_found");
    const next = await asks(shop, person);
    expect(next.joined).toBe(false);
    await task(next.id, shop, "failed", "given_up");
    expect((await asks(shop, person)).joined).toBe(false);
  });

  test("never joins somebody else's", async () => {
    const [ann, bob] = [await seen({ email: "ann@example.com" }), await seen({ email: "bob@example.com" })];
    await asks(shop, ann);
    expect((await asks(shop, bob)).joined).toBe(false);
  });
});
