import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { subject } from "#kit";
import type { ConnectionId, ControllerId } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import {
  beginErasure,
  type Claim,
  claimOf,
  endErasure,
  linkClaims,
  raiseTombstones,
  readmit,
} from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let shop: ConnectionId;
beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());
beforeEach(async () => {
  controllerId = await rooms.controller();
  shop = (await rooms.connection(controllerId, "shopify")).id;
});

type Known = Parameters<typeof subject>[0];
const [JENNY, SISTER, NEW] = ["jenny@example.com", "sister@example.com", "new@example.com"];

async function claims(connectionId: ConnectionId | null, ...known: Known[]): Promise<Claim[]> {
  const keys = await rooms.ring.keys(controllerId);
  return known.map((one) =>
    claimOf(keys, { workflowId: uuidv7(), connectionId, region: null }, subject(one)),
  );
}

/** Who each of the shop's sightings turned out to be; undefined for somebody who was erased. All in one transaction. */
async function seen(...known: Known[]) {
  const keys = await rooms.ring.keys(controllerId);
  const sightings = await claims(shop, ...known);
  const { subjects } = await rooms.database.inController(controllerId, (tx) =>
    linkClaims(tx, keys, sightings),
  );
  return sightings.map((claim) => subjects.get(claim)?.subjectId);
}
const one = async (known: Known) => (await seen(known))[0];

/** Jenny was known by her address and account 1, and was erased. */
async function jennyErased() {
  const keys = await rooms.ring.keys(controllerId);
  const id = await one({ email: JENNY, platformId: "1" });
  await rooms.database.inController(controllerId, async (tx) => {
    const leaving = id && (await beginErasure(tx, id));
    if (leaving) await raiseTombstones(tx, keys, await endErasure(tx, leaving));
  });
}
async function letIn(email: string, anyway = false) {
  const keys = await rooms.ring.keys(controllerId);
  const [claim] = await claims(null, { email });
  return rooms.database.inController(
    controllerId,
    async (tx) => claim && readmit(tx, keys, claim, { anyway }),
  );
}

describe("of somebody who was erased", () => {
  test("the address, the account, and an account that is named with the address are recognised", async () => {
    await jennyErased();
    expect(await seen({ email: JENNY, platformId: "2" }, { platformId: "2" })).toEqual([
      undefined,
      undefined,
    ]);
    expect(await seen({ email: JENNY }, { platformId: "1" }, { platformId: "2" })).toEqual(Array(3));
  });

  test("the account is theirs even under an address that nobody has: they may have changed it", async () => {
    await jennyErased();
    expect(await one({ platformId: "1", email: NEW })).toBeUndefined();
    // It made nobody of the address either, so that it is nobody's who was erased.
    expect(await one({ email: NEW, platformId: "3" })).toBeDefined();
  });

  test("an account stays theirs that is named with both addresses", async () => {
    await jennyErased();
    const sister = await one({ email: SISTER });
    expect(await one({ emails: [JENNY, SISTER], platformId: "1" })).toBe(sister);
    expect(await one({ platformId: "1" })).toBeUndefined();
  });
});

describe("an account that somebody else opened with the erased address", () => {
  test("is theirs once it has their own, also if nobody knew that", async () => {
    await jennyErased();
    expect(await one({ email: JENNY, platformId: "2" })).toBeUndefined();
    const sister = await one({ email: SISTER, platformId: "2" });
    expect(sister).toBeDefined();
    expect(await one({ platformId: "2" })).toBe(sister);
    expect(await one({ email: JENNY })).toBeUndefined();
  });

  test("also when all of it comes in one batch", async () => {
    await jennyErased();
    const [first, second, third] = await seen(
      { email: JENNY, platformId: "2" },
      { email: SISTER, platformId: "2" },
      { platformId: "2" },
    );
    expect([first, second]).toEqual([undefined, third]);
    expect(await one({ platformId: "2" })).toBe(third);
  });

  test("does not come back to the erased by the tombstone that it had", async () => {
    await jennyErased();
    await one({ email: JENNY, platformId: "2" });
    const sister = await one({ email: SISTER, platformId: "2" });
    expect(await one({ email: JENNY, platformId: "2" })).toBe(sister);
    expect(await one({ email: JENNY })).toBeUndefined();
  });
});

describe("somebody who is let in again", () => {
  test("is known by the address at once, as somebody new, and by the account when a platform names both", async () => {
    await jennyErased();
    const known = (await letIn(JENNY))?.subject.subjectId;
    expect(known).toBeDefined();
    expect(await one({ platformId: "1" })).toBeUndefined();
    expect(await one({ email: JENNY, platformId: "1" })).toBe(known);
    expect(await one({ platformId: "1" })).toBe(known);
  });

  test("is known by an account that had been learnt, too", async () => {
    await jennyErased();
    await one({ email: JENNY, platformId: "2" });
    const known = (await letIn(JENNY))?.subject.subjectId;
    expect(await one({ email: JENNY, platformId: "2" })).toBe(known);
  });

  test("may have another address by now", async () => {
    await jennyErased();
    expect(await letIn(NEW)).toBeUndefined();
    const back = await letIn(NEW, true);
    expect(back?.events.map(({ type }) => type)).toEqual(["subject.created", "subject.readmitted"]);
    expect(await one({ email: NEW, platformId: "1" })).toBe(back?.subject.subjectId);
    expect(await one({ email: JENNY })).toBeUndefined();
  });
});
