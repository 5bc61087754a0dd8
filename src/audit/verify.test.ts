import { v4 as uuid } from "uuid";
import { expect, test } from "vitest";
import { HUB } from "#schemas";
import { at, didOf, owner, report, seal, tamper, useAuditLog } from "../../test/support/audit-log.ts";
import { appendEvents, verifyAll } from "./index.ts";

useAuditLog();

/** All in one transaction, and sealed. */
async function writeLong(length: number): Promise<void> {
  await at.rooms.database.inController(at.controllerId, (tx) =>
    appendEvents(
      tx,
      Array.from({ length }, (_, i) => ({
        ...({ workflow: uuid(), type: "test.happened", entity: `thing:${i}` } as const),
        actor: "hub",
      })),
    ),
  );
  await seal();
}

test("a long log is read in many short transactions, and the hub answers in between", async () => {
  await writeLong(5_200);
  const { database, ring } = at.rooms;
  let transactions = 0;
  let turns = 0;
  const turn = setInterval(() => turns++, 0);
  const report = await verifyAll({
    ring,
    database: {
      ...database,
      inController: (...of) => {
        transactions += of[0] === at.controllerId ? 1 : 0;
        return database.inController(...of);
      },
    },
    ...{ logs: [await owner()], hubDid: await didOf(HUB), witnessed: undefined },
  });
  clearInterval(turn);
  expect(report).toMatchObject({ ok: true, logs: [{ events: 5_201, pending: 0 }] });
  expect(transactions).toBeGreaterThan(5 + 2); // a thousand entries each, and the tiles
  expect(turns).toBeGreaterThan(5);
});

test("a fault far into a log is found at its place, and everything around it holds", async () => {
  await writeLong(2_600);
  const entryOf = (seq: number) =>
    `id = (select event_id from lethe.audit_leaf where controller_id = :c and seq = ${seq})`;
  await tamper(`
    update lethe.audit_event set entry = set_byte(entry, 30, get_byte(entry, 30) # 1) where ${entryOf(1_300)};
    update lethe.audit_event set workflow_id = gen_random_uuid() where ${entryOf(2_599)}`);
  expect((await report()).faults).toEqual([
    { controller: at.controllerId, code: "audit/entry-altered", seq: 1_300 },
    { controller: at.controllerId, code: "audit/column-altered", seq: 2_599 },
    // What is signed over the whole log, and the tile that the altered entry is in.
    { controller: at.controllerId, code: "audit/root-mismatch", seq: 2_600 },
    { controller: at.controllerId, code: "audit/tile-altered", seq: 1_280 },
    { controller: at.controllerId, code: "audit/state-altered", seq: null },
  ]);
});

test("a line break in an entry is no end of it", async () => {
  await writeLong(300);
  await tamper(`
    update lethe.audit_event set entry = entry || '\\x0a' where controller_id = :c and id = (
      select event_id from lethe.audit_leaf where controller_id = :c and seq = 7);
    update lethe.audit_leaf l set leaf = sha256('\\x00'::bytea || e.entry) from lethe.audit_event e
      where l.controller_id = :c and l.seq = 7 and e.controller_id = :c and e.id = l.event_id`);
  expect((await report()).faults.map(({ code, seq }) => [code, seq])).toEqual([
    ["audit/root-mismatch", 300],
    ["audit/tile-altered", 0],
    ["audit/state-altered", null],
  ]);
});
