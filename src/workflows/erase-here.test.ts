import { v4 as uuid } from "uuid";
import { describe, expect, test } from "vitest";
import { claimOf, findSubjects, listSubjects, readmit, subjectById } from "#identity";
import { subject } from "#kit";
import { placeHold, releaseHolds } from "#rights";
import type { DeliveryId, SubjectId } from "#schemas";
import {
  at,
  company,
  computable,
  EMAIL,
  erased,
  inCompany,
  isProven,
  jenny,
  keysOf,
  logged,
  PHONE,
  processed,
  remembered,
  SECOND_EMAIL,
  SHOPIFY_ID,
  STRIPE_ID,
  useCompany,
  viaNumber,
  viaShopify,
  viaStripe,
} from "../../test/support/erased-person.ts";
import { type ReachedRow, reachable, tablesOf } from "../../test/support/reachable.ts";
import { eraseAccount } from "./erase-here.ts";

useCompany();

const byEmail = async (email: string, of = at.acme) => {
  const keys = await keysOf(of);
  return inCompany(async (tx) => (await findSubjects(tx, keys, { email }))[0]?.id, of);
};
const living = async (of = at.acme) =>
  (await inCompany((tx) => listSubjects(tx, { limit: 100 }), of)).map(({ id }) => id).toSorted();
const count = async (table: string, where = "true", of = at.acme) => {
  const sql = `select count(*)::int as n from ${table} where controller_id = $1 and ${where}`;
  return (await at.hub.byHand<{ n: number }>(sql, of.controllerId))[0]?.n;
};
/** Whose the records of erased people are. */
const heirs = () =>
  at.hub.byHand<{ id: SubjectId }>(
    "select id from subject where controller_id = $1 and status = 'erased'",
    at.acme.controllerId,
  );
const sightings = async () => {
  const rows = await at.hub.byHand<{ id: DeliveryId }>(
    "select delivery_id as id from erased_sighting where controller_id = $1",
    at.acme.controllerId,
  );
  return rows.map(({ id }) => id).toSorted();
};
/** Rows that belong to others who share a telephone or nearly an address with her, and are found by it, are theirs. */
async function withoutOthers(rows: readonly ReachedRow[]): Promise<ReachedRow[]> {
  const others = [await byEmail("brother@example.com"), await byEmail("jennyo+shop@gmail.com")];
  const theirs = await reachable(
    at.hub,
    others.filter((id) => id !== undefined),
  );
  const known = new Set(theirs.map(({ row }) => JSON.stringify(row)));
  return rows.filter(({ row }) => !known.has(JSON.stringify(row)));
}

describe("after an erasure", () => {
  test("what a person is known by leads to tombstones, and before it, to everything", async () => {
    const person = await jenny();
    const start = await computable();
    const before = tablesOf(await reachable(at.hub, start));
    for (const table of [
      ...["subject", "identifier", "identifier_source", "platform_reference", "object_reference"],
      ...[
        "subject_merge",
        "candidate_link",
        "consent_contact",
        "consent_due",
        "legal_hold",
        "rights_request",
      ],
      ...["processing_activity", "consent_record", "consent_push", "delivery", "audit_event"],
    ])
      expect(before, table).toHaveProperty(table);

    await erased(person);
    expect(tablesOf(await withoutOthers(await reachable(at.hub, start)))).toEqual({ tombstone: 5 });
    const [heir, ...more] = await heirs();
    expect(more).toEqual([]);
    expect(await reachable(at.hub, start)).not.toContainEqual(
      expect.objectContaining({ row: expect.objectContaining({ subject_id: heir?.id }) }),
    );
    expect(await count("processing_activity", `subject_id = '${heir?.id}'`)).toBe(5);
    expect(await count("consent_record", `subject_id = '${heir?.id}'`)).toBeGreaterThan(1);
  });

  test("ids that somebody kept lead to nothing either but a runtime's notes, nor does the request that asked for it", async () => {
    const person = await jenny();
    const kept = await remembered(person);
    const earlier = await at.hub.byHand<{ id: string }>(
      "select id from rights_request where controller_id = $1",
      at.acme.controllerId,
    );
    expect(kept.size).toBe(4);
    expect(tablesOf(await reachable(at.hub, kept))).toHaveProperty("processing_activity");
    const request = await erased(person);

    const fromIds = Object.keys(tablesOf(await reachable(at.hub, kept)));
    expect(fromIds.filter((table) => !table.startsWith("runtime_"))).toEqual([]);
    const fromRequests = tablesOf(await reachable(at.hub, [request, ...earlier.map(({ id }) => id)]));
    for (const table of ["subject", "processing_activity", "consent_record", "consent_push", "delivery"])
      expect(fromRequests, table).not.toHaveProperty(table);
    expect(fromRequests).toMatchObject({ rights_request: 2 });
  });

  test("nothing says when it was, but for the day", async () => {
    const person = await jenny();
    const began = Date.now();
    await erased(person);
    const [heir] = await heirs();
    const rows = await reachable(at.hub, [heir?.id ?? ""]);
    const times = rows
      .filter(({ row }) => row.subject_id === heir?.id || row.id === heir?.id)
      .flatMap(({ row }) => Object.values(row).filter((value) => value instanceof Date));
    expect(times.length).toBeGreaterThan(10);
    expect(times.filter((time) => time.getTime() >= began && time.getTime() % 86_400_000 !== 0)).toEqual([]);
  });

  test("the audit log verifies, every event that was in it still in it", async () => {
    const person = await jenny();
    const before = await count("audit_event");
    const subject = (await logged("activity.recorded"))[0]?.subject;
    await erased(person);
    expect(await isProven()).toEqual([]);
    expect(await count("audit_event", "id > 0")).toBeGreaterThan(before ?? 0);
    expect((await logged("activity.recorded"))[0]?.subject).toBe(subject);
    const said = await logged("subject.erased");
    expect(said).toMatchObject([{ subject: null, entity: "subject", position: 0 }]);
  });
});

describe("a later webhook", () => {
  test("about them is recognised, by the address, by the platform's id, by a number alone; told of, and not linked", async () => {
    await erased(await jenny());
    const before = [await living(), await count("processing_activity"), await count("identifier")];
    const seen = [
      await viaStripe(at.acme, "cus_JennyAnew", ` ${EMAIL.toUpperCase()}`),
      await viaStripe(at.acme, "cus_JennyAtWork", SECOND_EMAIL),
      await at.acme.shopify.send("customers-delete", (body) =>
        body.replaceAll("706405506930370084", SHOPIFY_ID),
      ),
      await viaNumber(at.acme, PHONE),
    ];
    await processed();
    expect([await living(), await count("processing_activity"), await count("identifier")]).toEqual(before);
    expect(await sightings()).toEqual(seen.toSorted());
    const told = await logged("subject.erased_seen");
    expect(told.map(({ workflow }) => workflow).toSorted()).toEqual(seen.toSorted());
    expect(told.filter(({ subject }) => subject !== null)).toEqual([]);
  });

  test("that knows them by nothing but a new id which it has shown to be theirs is recognised, too", async () => {
    await erased(await jenny());
    const [first, second] = [
      await viaShopify(at.acme, "7064055069300099", EMAIL),
      await at.acme.shopify.send("customers-delete", (body) =>
        body.replaceAll("706405506930370084", "7064055069300099"),
      ),
    ];
    await processed();
    const third = await at.acme.shopify.send("customers-enable", (body) =>
      body.replaceAll("706405506930370084", "7064055069300099").replaceAll("bob@example.com", ""),
    );
    await processed();
    expect(await sightings()).toEqual([first, second, third].toSorted());
  });

  test("that also names somebody who is known is about them, and they are known by nothing of hers", async () => {
    await erased(await jenny());
    const brother = await byEmail("brother@example.com");
    const known = await count("identifier", `subject_id = '${brother}'`);
    await viaStripe(at.acme, "cus_Brother", EMAIL, "+16135550177");
    await processed();
    expect(await sightings()).toEqual([]);
    expect(await byEmail(EMAIL)).toBeUndefined();
    expect(await count("processing_activity", `subject_id = '${brother}'`)).toBe(2);
    // The new number is his; her address is not.
    expect(await count("identifier", `subject_id = '${brother}'`)).toBe((known ?? 0) + 1);
  });

  test("about somebody else who has the same number makes them known", async () => {
    await erased(await jenny());
    await viaShopify(at.acme, "7064055069300055", "sister@example.com", PHONE);
    await processed();
    const sister = await byEmail("sister@example.com");
    expect(sister).toBeDefined();
    expect(await sightings()).toEqual([]);
  });

  test("after they were let in again makes them known, as somebody new", async () => {
    const person = await jenny();
    await erased(person);
    const keys = await keysOf();
    const from = { workflowId: uuid(), connectionId: null, region: null };
    const claim = claimOf(keys, from, subject({ email: EMAIL }));
    expect(await inCompany((tx) => readmit(tx, keys, claim, { anyway: false }))).toBeDefined();
    await viaShopify(at.acme, SHOPIFY_ID, EMAIL, PHONE);
    await processed();
    const [again] = [await byEmail(EMAIL)];
    expect(again).toBeDefined();
    expect([person, (await heirs())[0]?.id]).not.toContain(again);
    expect(await sightings()).toEqual([]);
    expect(await count("processing_activity", `subject_id = '${again}'`)).toBe(1);
  });
});

describe("the end of an account", () => {
  test("forgets who is known through it alone, without tombstones, and of others what it knew them by", async () => {
    const [alone, both] = ["alone@example.com", "both@example.com"];
    await viaShopify(at.acme, "7064055069300001", alone);
    await viaShopify(at.acme, "7064055069300002", both, "+16135550101");
    await viaStripe(at.acme, "cus_Both", both, "+16135550102");
    await viaStripe(at.acme, "cus_Elsewhere", "elsewhere@example.com");
    await processed();
    const [here, there] = [await byEmail(both), await byEmail("elsewhere@example.com")];
    const shop = at.acme.shopify.connection;
    const request = { connectionId: shop } as Parameters<typeof eraseAccount>[1];
    expect(await inCompany((tx) => eraseAccount(tx, request))).toBe(false);

    expect(await living()).toEqual([here, there].toSorted());
    expect(await byEmail(alone)).toBeUndefined();
    expect(await count("tombstone")).toBe(0);
    for (const table of ["identifier_source", "platform_reference", "object_reference"])
      expect(await count(table, `connection_id = '${shop}'`), table).toBe(0);
    const kinds = await at.hub.byHand<{ kind: string }>(
      "select kind from identifier where controller_id = $1 and subject_id = $2 order by kind",
      at.acme.controllerId,
      here ?? "",
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(["email", "phone", "platform_id"]);
    expect(await count("connection", `id = '${shop}' and status = 'uninstalled'`)).toBe(1);
    expect(await isProven()).toEqual([]);

    // Nobody asked not to be known again.
    await viaStripe(at.acme, "cus_Alone", alone);
    await processed();
    expect(await byEmail(alone)).toBeDefined();
    expect(await sightings()).toEqual([]);
  });

  test("leaves who is on legal hold, with all that they are known by, until it is released", async () => {
    await viaShopify(at.acme, "7064055069300001", "held@example.com");
    await viaShopify(at.acme, "7064055069300002", "free@example.com");
    await processed();
    const held = await byEmail("held@example.com");
    const request = { connectionId: at.acme.shopify.connection } as Parameters<typeof eraseAccount>[1];
    const person = await inCompany((tx) => subjectById(tx, held ?? ""));
    if (person === undefined) throw new Error("nobody is known");
    await inCompany((tx) => placeHold(tx, person, "legal_claims", "MATTER-4711"));
    expect(await inCompany((tx) => eraseAccount(tx, request))).toBe(false);
    expect([await living(), await byEmail("held@example.com")]).toEqual([[held], held]);
    await inCompany((tx) => releaseHolds(tx, person));
    expect(await inCompany((tx) => eraseAccount(tx, request))).toBe(false);
    expect(await living()).toEqual([]);
  });
});

test("the same person at another company stays as they are", async () => {
  const other = await company();
  const [hers, theirs] = [await jenny(), await jenny(other)];
  const everything = async () =>
    at.hub.byHand(
      `select (select json_agg(s order by id) from subject s where controller_id = $1) as subjects,
        (select json_agg(i order by hash, kind, subject_id) from identifier i where controller_id = $1) as identifiers,
        (select json_agg(p order by delivery_id, ordinal) from processing_activity p where controller_id = $1) as activities,
        (select json_agg(c order by workflow_id, ordinal) from consent_record c where controller_id = $1) as consents`,
      other.controllerId,
    );
  const before = await everything();
  await erased(hers);
  expect(await everything()).toEqual(before);
  expect(await byEmail(EMAIL, other)).toBe(theirs);
  await viaStripe(other, STRIPE_ID, EMAIL);
  await processed();
  expect(await count("erased_sighting", "true", other)).toBe(0);
  expect(await byEmail(EMAIL)).toBeUndefined();
});

test("the night after, everybody else's key is wrapped anew", async () => {
  await erased(await jenny());
  for (const table of ["controller_key", "subject"])
    await at.hub.byHand(`update ${table} set created_at = created_at - interval '1 day'`);
  await at.hub.byHand("update runtime_cron set next_at = now() where function_id ~ 'retire-subject-keys'");
  const epochs = () => count("subject", "get_byte(sealed_key, 5) = 2 and status = 'active'");
  const all = (await living()).length;
  await at.hub.working(() => expect.poll(epochs, { timeout: 10_000 }).toBe(all));
});
