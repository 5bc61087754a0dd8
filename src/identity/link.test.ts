import { createHash } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type SubjectRecord, subject } from "#kit";
import type { ConnectionId, ControllerId } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { claimOf, didOf, findSubjects, linkClaims, listSubjects } from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let shopify: ConnectionId;
let stripe: ConnectionId;
beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());
beforeEach(async () => {
  controllerId = await rooms.controller();
  shopify = (await rooms.connection(controllerId, "shopify")).id;
  stripe = (await rooms.connection(controllerId, "stripe")).id;
});

type Sighting = [ConnectionId, Parameters<typeof subject>[0]];

/** Links sightings in one transaction, and returns the subject that each turned out to be. */
async function link(...sightings: Sighting[]) {
  const keys = await rooms.ring.keys(controllerId);
  return rooms.database.inController(controllerId, async (tx) => {
    const claims = sightings.map(([connectionId, known]) =>
      claimOf(keys, { workflowId: uuidv7(), connectionId, region: null }, subject(known) as SubjectRecord),
    );
    const { subjects, events } = await linkClaims(tx, keys, claims);
    return {
      ids: claims.map((claim) => subjects.get(claim)?.subjectId),
      types: events.map(({ type }) => type),
    };
  });
}
const linkOne = async (...sighting: Sighting) => (await link(sighting)).ids[0];
const subjects = () => rooms.database.inController(controllerId, (tx) => listSubjects(tx, { limit: 100 }));
const rows = (table: string) =>
  rooms.superuser((sql) => sql`select * from ${sql(table)} where controller_id = ${controllerId}`);

describe("two sightings are the same subject", () => {
  test("when they share an e-mail address, on whatever platform and however it is written", async () => {
    const a = await linkOne(shopify, { email: "Bob@Example.com", platformId: "1" });
    expect(await linkOne(stripe, { email: " bob@example.COM", platformId: "cus_1" })).toBe(a);
    expect(await subjects()).toHaveLength(1);
  });

  test("when they share the platform's id on the same connection", async () => {
    const a = await linkOne(shopify, { platformId: "1", email: "old@example.com" });
    expect(await linkOne(shopify, { platformId: "1", email: "new@example.com" })).toBe(a);
    expect(await linkOne(stripe, { email: "old@example.com" })).toBe(a);
  });

  test("also when both come in one batch", async () => {
    const { ids } = await link(
      [shopify, { email: "bob@example.com" }],
      [stripe, { email: "bob@example.com" }],
    );
    expect(ids[0]).toBe(ids[1]);
    expect(await subjects()).toHaveLength(1);
  });
});

describe("two sightings are not the same subject", () => {
  test("when the same id comes from different connections", async () => {
    expect(await linkOne(shopify, { platformId: "1" })).not.toBe(await linkOne(stripe, { platformId: "1" }));
  });

  test("when they share a phone number only, but the link is suggested", async () => {
    const a = await linkOne(shopify, { email: "bob@example.com", phone: "+16135550188" });
    const b = await linkOne(stripe, { email: "alice@example.com", phone: "+1 613 555 0188" });
    expect(a).not.toBe(b);
    expect(await rows("candidate_link")).toMatchObject([
      { first_subject: a, second_subject: b, reason: "phone", status: "open" },
    ]);
  });

  test("when their Gmail addresses differ in dots and tags, but the link is suggested", async () => {
    const a = await linkOne(shopify, { email: "b.o.b@gmail.com" });
    const b = await linkOne(stripe, { email: "bob+shop@gmail.com" });
    expect(a).not.toBe(b);
    expect(await rows("candidate_link")).toMatchObject([{ reason: "email_folded" }]);
  });

  test("when they belong to different controllers, whose hashes do not even compare", async () => {
    await linkOne(shopify, { email: "bob@example.com" });
    const mine = await rows("identifier");
    controllerId = await rooms.controller();
    const other = (await rooms.connection(controllerId, "shopify")).id;
    await linkOne(other, { email: "bob@example.com" });
    const theirs = await rows("identifier");
    expect(Buffer.from(mine[0]?.hash).equals(Buffer.from(theirs[0]?.hash))).toBe(false);
  });
});

describe("a sighting that ties two subjects", () => {
  test("merges them: the older survives, holds the identifiers of both, and the merge can be undone from its record", async () => {
    const older = await linkOne(shopify, { platformId: "1", email: "bob@example.com" });
    const younger = await linkOne(stripe, { platformId: "cus_1", email: "robert@example.com" });
    const tie = await link([stripe, { platformId: "cus_1", email: "bob@example.com" }]);
    expect(tie.ids).toEqual([older]);
    expect(tie.types).toContain("subject.merged");
    const [survivor, ...others] = await subjects();
    expect(others).toEqual([]);
    expect(survivor?.id).toBe(older);
    expect(survivor?.identifiers).toHaveLength(5); // Bob's address is known through both connections
    expect(await rows("subject_merge")).toMatchObject([
      { merged_subject: younger, surviving_subject: older, moved: [] },
    ]);
    expect(await linkOne(stripe, { email: "robert@example.com" })).toBe(older);
  });

  test("follows a chain of merges to its end, and notes whom each merge moved", async () => {
    const a = await linkOne(shopify, { email: "a@example.com" });
    const b = await linkOne(shopify, { email: "b@example.com" });
    const c = await linkOne(shopify, { email: "c@example.com" });
    await linkOne(shopify, { emails: ["b@example.com", "c@example.com"] });
    await linkOne(shopify, { emails: ["a@example.com", "c@example.com"] });
    for (const letter of ["a", "b", "c"])
      expect(await linkOne(shopify, { email: `${letter}@example.com` })).toBe(a);
    const merges = await rows("subject_merge");
    expect(merges.map((row) => [row.merged_subject, row.surviving_subject, row.moved])).toEqual([
      [c, b, []],
      [b, a, [c]],
    ]);
  });

  test("merges subjects that were made in the same batch", async () => {
    const { ids } = await link(
      [shopify, { email: "a@example.com" }],
      [stripe, { email: "b@example.com" }],
      [stripe, { emails: ["a@example.com", "b@example.com"] }],
    );
    expect(new Set(ids).size).toBe(1);
    expect(await subjects()).toHaveLength(1);
  });
});

describe("an order", () => {
  test("finds whom it concerns when nothing else is named, and makes nobody when it is unknown", async () => {
    const a = await linkOne(shopify, { email: "bob@example.com", objects: ["order:1"] });
    expect(await linkOne(shopify, { objects: ["order:1"] })).toBe(a);
    expect(await linkOne(shopify, { objects: ["order:2"] })).toBeUndefined();
    expect(await linkOne(stripe, { objects: ["order:1"] })).toBeUndefined();
    expect(await subjects()).toHaveLength(1);
  });

  test("never merges: it can change hands", async () => {
    const a = await linkOne(shopify, { email: "a@example.com", objects: ["order:1"] });
    const b = await linkOne(shopify, { email: "b@example.com", objects: ["order:1"] });
    expect(a).not.toBe(b);
  });
});

test("a sighting that identifies nobody is nobody", async () => {
  expect(await linkOne(shopify, {})).toBeUndefined();
  expect(await linkOne(shopify, { email: "not an address", phone: "030 123456" })).toBeUndefined();
});

test("many at once, in transactions of their own, make each subject once", async () => {
  const people = Array.from({ length: 40 }, (_, i) => `p${i % 8}@example.com`);
  await Promise.all(
    people.map((email, i) =>
      linkOne(i % 2 === 0 ? shopify : stripe, { email, platformId: `${email}-${i % 2}` }),
    ),
  );
  expect(await subjects()).toHaveLength(8);
});

test("nothing of a person is stored but keyed hashes and sealed ids", async () => {
  await linkOne(shopify, {
    email: "canary@example.com",
    phone: "+16135550188",
    platformId: "canary-id",
    objects: ["order:canary"],
  });
  for (const table of [
    "subject",
    "identifier",
    "identifier_source",
    "platform_reference",
    "object_reference",
  ]) {
    const text = JSON.stringify(await rows(table), (_key, value) =>
      value?.type === "Buffer" ? Buffer.from(value.data).toString("latin1") : value,
    );
    expect(text, table).not.toMatch(/canary|6135550188/);
  }
  const plain = createHash("sha256").update("canary@example.com").digest("hex");
  expect((await rows("identifier")).map(({ hash }) => Buffer.from(hash).toString("hex"))).not.toContain(
    plain,
  );
});

test("a subject is found again by the address or the number, whatever its form", async () => {
  const a = await linkOne(shopify, { email: "bob@example.com", phone: "+16135550188" });
  const keys = await rooms.ring.keys(controllerId);
  const find = (by: Parameters<typeof findSubjects>[2]) =>
    rooms.database.inController(controllerId, (tx) => findSubjects(tx, keys, by));
  expect((await find({ email: " BOB@example.com\n" })).map(({ id }) => id)).toEqual([a]);
  expect((await find({ phone: "613 555 0188", region: "CA" })).map(({ id }) => id)).toEqual([a]);
  expect(await find({ email: "nobody@example.com" })).toEqual([]);
});

test("a DID is SHA3-256 of the documented string", () => {
  const uuid = "0F8FAD5B-D9CB-469F-A165-70867728950E";
  const expected = createHash("sha3-256")
    .update("lethe:v1:subject:0f8fad5b-d9cb-469f-a165-70867728950e")
    .digest("hex");
  expect(didOf("subject", uuid)).toBe(`did:lethe:${expected}`);
  expect(didOf("controller", uuid)).not.toBe(didOf("subject", uuid));
});
