import { v4 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { claimOf, linkClaims } from "#identity";
import { subject } from "#kit";
import type { ConnectionId, ConsentState, ControllerId, SubjectId } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { consentsChangedByMerges, listConsents, recordConsents } from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let connectionId: ConnectionId;
beforeAll(async () => {
  rooms = await freshRooms();
  controllerId = await rooms.controller();
  connectionId = (await rooms.connection(controllerId, "shopify")).id;
});
afterAll(() => rooms.drop());

/** Links somebody by their addresses, and tells what the merge that it made (if it did) changed. */
async function link(...emails: string[]) {
  const keys = await rooms.ring.keys(controllerId);
  return rooms.database.inController(controllerId, async (tx) => {
    const claim = claimOf(keys, { workflowId: uuid(), connectionId, region: null }, subject({ emails }));
    const { subjects, merges } = await linkClaims(tx, keys, [claim]);
    const id = subjects.get(claim)?.subjectId as SubjectId;
    return { id, merges: merges.length, changed: await consentsChangedByMerges(tx, merges) };
  });
}

async function choose(subjectId: SubjectId, state: ConsentState, day: number): Promise<void> {
  const occurredAt = new Date(2026, 0, day).toISOString();
  await rooms.database.inController(controllerId, (tx) =>
    recordConsents(tx, [
      {
        ...{ workflowId: uuid(), ordinal: 0, subjectId, connectionId, purpose: "email_marketing", state },
        ...{ nature: "expressed", method: "unknown", source: "platform", jurisdiction: null, evidence: null },
        ...{ occurredAt, reportedAt: occurredAt },
      },
    ]),
  );
}

const address = () => `${uuid()}@example.com`;
const current = async (id: SubjectId) => {
  const records = await rooms.database.inController(controllerId, (tx) =>
    listConsents(tx, { subject: id, limit: 10 }),
  );
  return records.find((record) => record.current)?.state;
};

describe("when two subjects turn out to be one person", () => {
  test("what the one withdrew counts for both, and that is a change", async () => {
    const [a, b] = [address(), address()];
    const [first, second] = [await link(a), await link(b)];
    await choose(first.id, "granted", 1);
    await choose(second.id, "withdrawn", 2);
    const merged = await link(a, b);
    expect(merged).toMatchObject({ id: first.id, merges: 1 });
    expect(merged.changed).toMatchObject([{ subjectId: first.id, purpose: "email_marketing" }]);
    expect(await current(first.id)).toBe("withdrawn");
  });

  test("what only one has ever been asked is news to where the other is known", async () => {
    const [a, b] = [address(), address()];
    await link(a);
    await choose((await link(b)).id, "withdrawn", 1);
    expect((await link(a, b)).changed).toHaveLength(1);
  });

  test("the same choice of both changes nothing, and neither does a choice that nobody made", async () => {
    const [a, b, c, d] = [address(), address(), address(), address()];
    for (const one of [a, b]) await choose((await link(one)).id, "granted", 1);
    expect(await link(a, b)).toMatchObject({ merges: 1, changed: [] });
    await link(c);
    await link(d);
    expect(await link(c, d)).toMatchObject({ merges: 1, changed: [] });
  });

  test("a third who comes later is compared with what the two had become", async () => {
    const [a, b, c] = [address(), address(), address()];
    const [first, second, third] = [await link(a), await link(b), await link(c)];
    await choose(first.id, "granted", 1);
    await choose(second.id, "withdrawn", 2);
    await choose(third.id, "withdrawn", 3);
    await link(a, b);
    expect(await link(a, c)).toMatchObject({ merges: 1, changed: [] });
  });
});
