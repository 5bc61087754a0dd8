import { setTimeout } from "node:timers/promises";
import { v4 as uuid } from "uuid";
import { expect, test } from "vitest";
import { findSubjects, subjectById } from "#identity";
import { subject } from "#kit";
import { placeHold, saveBundle, savePart } from "#rights";
import { RightsRequestId, RightsTaskId, type SubjectId } from "#schemas";
import {
  at,
  EMAIL,
  erased,
  inCompany,
  jenny,
  keysOf,
  processed,
  useCompany,
  viaShopify,
} from "../../test/support/erased-person.ts";
import { eraseAccount, eraseHere } from "./erase-here.ts";
import { recordSignals } from "./record-signals.ts";

useCompany();

const count = async (table: string, where = "true") => {
  const sql = `select count(*)::int as n from ${table} where controller_id = $1 and ${where}`;
  return (await at.hub.byHand<{ n: number }>(sql, at.acme.controllerId))[0]?.n;
};
const known = async (email = EMAIL) => {
  const keys = await keysOf();
  return (await inCompany((tx) => findSubjects(tx, keys, { email })))[0]?.id;
};
const hold = (id: string) =>
  inCompany(async (tx) => {
    const person = await subjectById(tx, id);
    if (person === undefined) throw new Error("nobody is known");
    return placeHold(tx, person, "legal_claims", "MATTER-4712");
  });
const requestOf = (subjectId: SubjectId) => ({ subjectId }) as Parameters<typeof eraseHere>[2];

test("nothing is erased if a hold came after everybody looked, be it on somebody merged into them", async () => {
  const person = await jenny();
  const id = await hold(person);
  await at.hub.byHand(
    "update legal_hold set subject_id = (select id from subject where merged_into = $1 limit 1) where id = $2",
    person,
    id,
  );
  const keys = await keysOf();
  expect(await inCompany((tx) => eraseHere(tx, keys, requestOf(person), undefined))).toBe(false);
  expect(await known()).toBe(person);
  expect([await count("tombstone"), await count("subject", "status = 'erased'")]).toEqual([0, 0]);
  expect(await count("legal_hold", `id = '${id}' and released_at is null`)).toBe(1);
});

test("an erasure that is under way leaves nobody to hold", async () => {
  const person = await jenny();
  const keys = await keysOf();
  const placing = await inCompany(async (tx) => {
    expect(await eraseHere(tx, keys, requestOf(person), undefined)).toBe(true);
    const placing = expect(hold(person)).rejects.toMatchObject({ code: "subject/unknown" });
    // Long enough for whoever would not wait for the end.
    await setTimeout(300);
    return { done: placing };
  });
  await placing.done;
  expect(await count("legal_hold")).toBe(0);
});

test("files of earlier requests go along; what is still in progress keeps its own until it closes", async () => {
  const person = await jenny();
  const keys = await keysOf();
  const [earlier, open] = [RightsRequestId.parse(uuid()), RightsRequestId.parse(uuid())];
  await inCompany(async (tx) => {
    for (const id of [earlier, open]) {
      await tx.sql`insert into rights_request (controller_id, id, source, kind, scope, regime, subject_id, received_at, status, closed_at)
        values (${tx.controllerId}, ${id}, 'operator', 'access', 'subject', 'gdpr', ${person}, now(),
          ${id === earlier ? "fulfilled" : "fulfilling"}, case when ${id === earlier} then now() end)`;
      await saveBundle(tx, keys, id, Buffer.from("a file"));
      await savePart(tx, keys, { id: RightsTaskId.parse(uuid()), requestId: id }, []);
    }
  });
  await erased(person);
  for (const table of ["rights_bundle", "rights_part"]) {
    expect(await count(table, `request_id = '${earlier}'`), table).toBe(0);
    expect(await count(table, `request_id = '${open}'`), table).toBe(1);
  }
});

test("a shop's end leaves who opted out in a browser, with the address that they are recognised by", async () => {
  await viaShopify(at.acme, "7064055069300001", "opted-out@example.com");
  await viaShopify(at.acme, "7064055069300002", "silent@example.com");
  await processed();
  const keys = await keysOf();
  const person = await known("opted-out@example.com");
  const optOut = {
    ...({ purpose: "sale_or_sharing", state: "withdrawn", method: "global_privacy_control" } as const),
    ...{ jurisdiction: null, evidence: "gpc", occurredAt: new Date().toISOString() },
  };
  const browser = { person: subject({ email: "opted-out@example.com" }), connectionId: null, vouched: false };
  await inCompany((tx) => recordSignals(tx, keys, browser, [optOut]));
  const request = { connectionId: at.acme.shopify.connection } as Parameters<typeof eraseAccount>[1];
  expect(await inCompany((tx) => eraseAccount(tx, request))).toBe(false);

  expect(await known("silent@example.com")).toBeUndefined();
  expect(await known("opted-out@example.com")).toBe(person);
  expect(await count("identifier", `subject_id = '${person}' and kind <> 'email'`)).toBe(0);
  expect(await count("consent_record", `subject_id = '${person}' and source = 'browser'`)).toBe(1);
});
