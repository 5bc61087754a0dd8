import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { v4 as uuid } from "uuid";
import { describe, expect, test } from "vitest";
import { HUB } from "#schemas";
import {
  at,
  codes,
  inOwnDatabase,
  owner,
  report,
  seal,
  tamper,
  useAuditLog,
  write,
} from "../../test/support/audit-log.ts";
import { appendEvents, exportLog, proveEvent } from "./index.ts";

useAuditLog();

describe("a single change by a superuser's hand is found", () => {
  test.each([
    [
      "a byte of an entry",
      "update lethe.audit_event set entry = set_byte(entry, 30, get_byte(entry, 30) # 1) where controller_id = :c and position = 1",
      "audit/entry-altered",
    ],
    [
      "an entry made unreadable, and its leaf rewritten to fit",
      "update lethe.audit_event set entry = '\\xff7b'::bytea where controller_id = :c and position = 1; update lethe.audit_leaf l set leaf = sha256('\\x00'::bytea || e.entry) from lethe.audit_event e where l.controller_id = :c and e.controller_id = :c and e.id = l.event_id",
      "audit/entry-altered",
    ],
    [
      "an entry's last byte",
      "update lethe.audit_event set entry = substring(entry for length(entry) - 1) where controller_id = :c and position = 2",
      "audit/entry-altered",
    ],
    [
      "an entry taken out",
      "delete from lethe.audit_event where controller_id = :c and position = 1",
      "audit/entry-missing",
    ],
    [
      "the newest entry taken out",
      "delete from lethe.audit_event where controller_id = :c and id = (select max(id) from lethe.audit_event where controller_id = :c)",
      "audit/entry-missing",
    ],
    [
      "an entry's position",
      "update lethe.audit_event set position = 77 where controller_id = :c and position = 1",
      "audit/column-altered",
    ],
    [
      "an entry's workflow",
      "update lethe.audit_event set workflow_id = gen_random_uuid() where controller_id = :c and position = 1",
      "audit/column-altered",
    ],
    [
      "an entry's transaction",
      "update lethe.audit_event set xid = '5' where controller_id = :c and position = 1",
      "audit/column-altered",
    ],
    [
      "a leaf",
      "update lethe.audit_leaf set leaf = sha256('x') where controller_id = :c and seq = 1",
      "audit/entry-altered",
    ],
    [
      "a leaf's transaction",
      "update lethe.audit_leaf set event_xid = '5' where controller_id = :c and seq = 1",
      "audit/column-altered",
    ],
    [
      "a leaf that points at another event",
      "update lethe.audit_leaf set event_id = (select event_id from lethe.audit_leaf where controller_id = :c and seq = 2) where controller_id = :c and seq = 1",
      "audit/entry-altered",
    ],
    [
      "a leaf taken out",
      "delete from lethe.audit_leaf where controller_id = :c and seq = 1",
      "audit/sequence-broken",
    ],
    [
      "the tail taken off",
      "delete from lethe.audit_leaf where controller_id = :c and seq = (select max(seq) from lethe.audit_leaf where controller_id = :c)",
      "audit/log-truncated",
    ],
    [
      "a leaf and its entry taken out together",
      "delete from lethe.audit_event e using lethe.audit_leaf l where l.controller_id = :c and l.seq = 1 and e.controller_id = :c and e.id = l.event_id; delete from lethe.audit_leaf where controller_id = :c and seq = 1",
      "audit/sequence-broken",
    ],
    [
      "two entries in each other's place",
      "update lethe.audit_leaf a set event_id = b.event_id, event_xid = b.event_xid from lethe.audit_leaf b where a.controller_id = :c and b.controller_id = :c and a.seq + b.seq = 5 and a.seq in (2, 3)",
      "audit/entry-altered",
    ],
    [
      "an event slipped into the past",
      "insert into lethe.audit_event (controller_id, xid, workflow_id, position, entry) select controller_id, '3', gen_random_uuid(), 0, entry from lethe.audit_event where controller_id = :c limit 1",
      "audit/event-inserted",
    ],
    [
      "an entry and its leaf rewritten to fit",
      "update lethe.audit_event set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'thing:1', 'thing:9'), 'UTF8') where controller_id = :c and position = 1; update lethe.audit_leaf l set leaf = sha256('\\x00'::bytea || e.entry) from lethe.audit_event e where l.controller_id = :c and e.controller_id = :c and e.id = l.event_id",
      "audit/root-mismatch",
    ],
    [
      "a tile",
      "update lethe.audit_tile set hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) where controller_id = :c",
      "audit/tile-altered",
    ],
    ["a tile taken out", "delete from lethe.audit_tile where controller_id = :c", "audit/tile-altered"],
    [
      "the recorded size",
      "update lethe.audit_log set size = size - 1 where controller_id = :c",
      "audit/state-altered",
    ],
    [
      "the recorded frontier",
      "update lethe.audit_log set frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1) where controller_id = :c",
      "audit/state-altered",
    ],
    [
      "a checkpoint's text",
      "update lethe.audit_checkpoint set note = replace(note, E'\\ntime 2', E'\\ntime 1') where controller_id = :c",
      "audit/checkpoint-forged",
    ],
    [
      "a checkpoint's size",
      "update lethe.audit_checkpoint set size = size + 1 where controller_id = :c",
      "audit/column-altered",
    ],
    [
      "a checkpoint taken out",
      "delete from lethe.audit_checkpoint where controller_id = :c",
      "audit/checkpoint-missing",
    ],
    [
      "an entry of the hub's log",
      "update lethe.audit_event set entry = set_byte(entry, 30, get_byte(entry, 30) # 1) where controller_id = :hub and id = (select max(id) from lethe.audit_event where controller_id = :hub)",
      "audit/entry-altered",
    ],
  ])("%s", async (_what, change, code) => {
    await inOwnDatabase(async () => {
      await write(4, uuid());
      await at.rooms.database.inController(at.controllerId, (tx) =>
        appendEvents(
          tx,
          Array.from({ length: 260 }, () => ({
            workflow: uuid(),
            type: "test.happened",
            entity: "x",
            actor: "hub",
          })),
        ),
      );
      await seal();
      expect(await codes()).toEqual([]);
      await tamper(change);
      expect(await codes()).toContain(code);
    });
  });

  test("and in the hub's log too, where the entry is no JSON any more: every other log is checked all the same", async () => {
    await inOwnDatabase(async () => {
      await write(3);
      await seal();
      await tamper(
        "update lethe.audit_event set entry = set_byte(entry, 0, 0) where controller_id = :hub; update lethe.audit_event set entry = set_byte(entry, 0, 0) where controller_id = :c and id = (select max(id) from lethe.audit_event where controller_id = :c)",
      );
      const { ok, faults } = await report();
      expect(ok).toBe(false);
      for (const controller of [HUB, at.controllerId])
        expect(faults).toContainEqual(expect.objectContaining({ controller, code: "audit/entry-altered" }));
      // What is still whole can be taken out and proved.
      const file = join(mkdtempSync(join(tmpdir(), "lethe-tamper-")), "log.jsonl");
      const { database, ring } = at.rooms;
      expect(await exportLog({ database, ring, owner: await owner(), hub: await owner(HUB), file })).toBe(4);
      const [first] = readFileSync(file, "utf8").split("\n").slice(1);
      const { event } = JSON.parse(JSON.parse(first ?? "").entry);
      expect(await database.inController(at.controllerId, (tx) => proveEvent(tx, event))).toBeDefined();
    });
  });

  test("a database rolled back as a whole, by the checkpoint that is held outside", async () => {
    await inOwnDatabase(async () => {
      await write(3);
      await seal();
      const before = at.witnessed;
      await at.rooms.superuser((sql) =>
        sql.unsafe(
          "create schema old; do $$ declare t text; begin foreach t in array array['audit_event','audit_leaf','audit_tile','audit_log','audit_checkpoint','audit_sequencer'] loop execute format('create table old.%I as select * from lethe.%I', t, t); end loop; end $$",
        ),
      );
      await write(3);
      await seal();
      const outside = at.witnessed;
      await tamper(
        "do $$ declare t text; begin foreach t in array array['audit_event','audit_leaf','audit_tile','audit_log','audit_checkpoint','audit_sequencer'] loop execute format('delete from lethe.%I', t); execute format('insert into lethe.%I overriding system value select * from old.%I', t, t); end loop; end $$",
      );
      expect(await codes(before)).toEqual([]); // inside, everything fits
      expect(await codes(outside)).toContain("audit/log-truncated");
      at.witnessed = undefined;
      expect(await report()).toMatchObject({ ok: true, witness: "absent" }); // and says that it compared nothing
    });
  });
});
