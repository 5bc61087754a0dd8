import fc from "fast-check";
import { v4 as uuid } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claimOf, linkClaims } from "#identity";
import { subject } from "#kit";
import type { ConnectionId, ConsentNature, ConsentState, ControllerId, SubjectId } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import { explain, listConsents, type NewConsent, recordConsents } from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let connectionId: ConnectionId;
beforeAll(async () => {
  rooms = await freshRooms();
  controllerId = await rooms.controller();
  connectionId = (await rooms.connection(controllerId, "shopify")).id;
});
afterAll(() => rooms.drop());

async function somebody(): Promise<SubjectId> {
  const keys = await rooms.ring.keys(controllerId);
  const person = subject({ email: `${uuid()}@example.com` });
  const claim = claimOf(keys, { workflowId: uuid(), connectionId, region: null }, person);
  const { subjects } = await rooms.database.inController(controllerId, (tx) => linkClaims(tx, keys, [claim]));
  return subjects.get(claim)?.subjectId as SubjectId;
}

/** Records them in batches, and tells what holds then, for each purpose. */
async function ledgerOf(batches: readonly (readonly Said[])[]): Promise<Record<string, ConsentState>> {
  const subjectId = await somebody();
  for (const batch of batches)
    await rooms.database.inController(controllerId, (tx) =>
      recordConsents(
        tx,
        batch.map((said) => ({
          ...said,
          ...{ workflowId: uuid(), ordinal: 0, subjectId, connectionId: said.there ? connectionId : null },
        })),
      ),
    );
  const records = await rooms.database.inController(controllerId, (tx) =>
    listConsents(tx, { subject: subjectId, limit: 100 }),
  );
  return Object.fromEntries(
    records.filter(({ current }) => current).map(({ purpose, state }) => [purpose, state]),
  );
}

type Said = Omit<NewConsent, "workflowId" | "ordinal" | "subjectId" | "connectionId"> & {
  readonly there: boolean;
};

const said = fc
  .record({
    purpose: fc.constantFrom("email_marketing", "product_news"),
    state: fc.constantFrom<ConsentState>("granted", "withdrawn", "denied", "pending", "not_asked"),
    nature: fc.constantFrom<ConsentNature>("expressed", "snapshot"),
    minute: fc.nat({ max: 5 }),
    there: fc.boolean(),
  })
  .map(({ minute, ...one }): Said => {
    const occurredAt = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
    return {
      ...one,
      ...{
        method: "unknown",
        source: one.there ? "platform" : "operator",
        jurisdiction: null,
        evidence: null,
      },
      ...{ occurredAt, reportedAt: occurredAt },
    };
  });

test("in the database, too, neither the order in which records arrive nor any repetition makes a difference", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(said, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat({ max: 5 }), { minLength: 12, maxLength: 12 }),
      async (all, order) => {
        const repeated = [...all, ...all.slice(0, 2)];
        const shuffled = repeated
          .map((one, n) => ({ one, at: order[n] ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const oneByOne = shuffled.map((one) => [one]);
        const atOnce = await ledgerOf([all]);
        expect(await ledgerOf(oneByOne)).toEqual(atOnce);
        const decided = (purpose: string) => {
          const records = all
            .filter((one) => one.purpose === purpose)
            .map((one) => ({ ...one, occurredAt: Date.parse(one.occurredAt) }));
          return explain(records).decision?.record.state;
        };
        for (const purpose of new Set(all.map((one) => one.purpose)))
          expect(atOnce[purpose]).toBe(decided(purpose));
      },
    ),
    { seed: 21, numRuns: 25 },
  );
});
