import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { named } from "../../test/prove/tamper/attempt.ts";
import { type Logs, openLogs, rolledBack, TABLES } from "../../test/prove/tamper/logs.ts";
import { exportLog, proveEvent } from "./index.ts";

// Which fault each change is found by. That every change is found, is what `npm run prove -- tamper` tries.
let logs: Logs;
beforeAll(async () => {
  logs = await openLogs(inject("server"));
});
afterEach(() => logs.restore());
afterAll(() => logs.close());

describe("a single change by a superuser's hand is found", () => {
  test.each([
    [
      "a byte of an entry",
      "update lethe.audit_event set entry = set_byte(entry, 30, get_byte(entry, 30) # 1) where controller_id = :a and position = 1",
      "audit/entry-altered",
    ],
    [
      "an entry made unreadable, and its leaf rewritten to fit",
      "update lethe.audit_event set entry = '\\xff7b'::bytea where controller_id = :a and position = 1; update lethe.audit_leaf l set leaf = sha256('\\x00'::bytea || e.entry) from lethe.audit_event e where l.controller_id = :a and e.controller_id = :a and e.id = l.event_id",
      "audit/entry-altered",
    ],
    [
      "an entry's last byte",
      "update lethe.audit_event set entry = substring(entry for length(entry) - 1) where controller_id = :a and position = 2",
      "audit/entry-altered",
    ],
    [
      "an entry taken out",
      "delete from lethe.audit_event where controller_id = :a and position = 1",
      "audit/entry-missing",
    ],
    [
      "the newest entry taken out",
      "delete from lethe.audit_event where controller_id = :a and id = (select max(event_id) from lethe.audit_leaf where controller_id = :a)",
      "audit/entry-missing",
    ],
    [
      "an entry's position",
      "update lethe.audit_event set position = 77 where controller_id = :a and position = 1",
      "audit/column-altered",
    ],
    [
      "an entry's workflow",
      "update lethe.audit_event set workflow_id = gen_random_uuid() where controller_id = :a and position = 1",
      "audit/column-altered",
    ],
    [
      "an entry's transaction",
      "update lethe.audit_event set xid = '5' where controller_id = :a and position = 1",
      "audit/column-altered",
    ],
    [
      "a leaf",
      "update lethe.audit_leaf set leaf = sha256('x') where controller_id = :a and seq = 1",
      "audit/entry-altered",
    ],
    [
      "a leaf that is no hash any more, of the hub",
      "update lethe.audit_leaf set leaf = leaf || '\\x00' where controller_id = :hub",
      "audit/entry-altered",
    ],
    [
      "a leaf's transaction",
      "update lethe.audit_leaf set event_xid = '5' where controller_id = :a and seq = 1",
      "audit/column-altered",
    ],
    [
      "a leaf that points at another event",
      "update lethe.audit_leaf set event_id = (select event_id from lethe.audit_leaf where controller_id = :a and seq = 2) where controller_id = :a and seq = 1",
      "audit/entry-altered",
    ],
    [
      "a leaf taken out",
      "delete from lethe.audit_leaf where controller_id = :a and seq = 1",
      "audit/sequence-broken",
    ],
    [
      "the tail taken off",
      "delete from lethe.audit_leaf where controller_id = :b and seq = (select max(seq) from lethe.audit_leaf where controller_id = :b)",
      "audit/log-truncated",
    ],
    [
      "a leaf and its entry taken out together",
      "delete from lethe.audit_event e using lethe.audit_leaf l where l.controller_id = :a and l.seq = 1 and e.controller_id = :a and e.id = l.event_id; delete from lethe.audit_leaf where controller_id = :a and seq = 1",
      "audit/sequence-broken",
    ],
    [
      "two entries in each other's place",
      "update lethe.audit_leaf a set event_id = b.event_id, event_xid = b.event_xid from lethe.audit_leaf b where a.controller_id = :a and b.controller_id = :a and a.seq + b.seq = 5 and a.seq in (2, 3)",
      "audit/entry-altered",
    ],
    [
      "an event slipped into the past",
      "insert into lethe.audit_event (controller_id, xid, workflow_id, position, entry) select controller_id, '3', gen_random_uuid(), 0, entry from lethe.audit_event where controller_id = :a limit 1",
      "audit/event-inserted",
    ],
    [
      "an entry and its leaf rewritten to fit",
      "update lethe.audit_event set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'thing:1', 'thing:9'), 'UTF8') where controller_id = :a and position = 1; update lethe.audit_leaf l set leaf = sha256('\\x00'::bytea || e.entry) from lethe.audit_event e where l.controller_id = :a and e.controller_id = :a and e.id = l.event_id",
      "audit/root-mismatch",
    ],
    [
      "which event an entry follows, and its leaf rewritten to fit",
      "update lethe.audit_event set entry = convert_to(regexp_replace(convert_from(entry, 'UTF8'), '\"previous\":\"[0-9a-f]{8}', '\"previous\":\"00000000'), 'UTF8') where controller_id = :a and position = 2; update lethe.audit_leaf l set leaf = sha256('\\x00'::bytea || e.entry) from lethe.audit_event e where l.controller_id = :a and e.controller_id = :a and e.id = l.event_id",
      "audit/chain-broken",
    ],
    [
      "an entry taken out of the middle of its workflow, and its leaf",
      "delete from lethe.audit_leaf l using lethe.audit_event e where l.controller_id = :a and e.controller_id = :a and e.id = l.event_id and e.position = 1; delete from lethe.audit_event where controller_id = :a and position = 1",
      "audit/chain-broken",
    ],
    [
      "an entry put into the log a second time",
      "insert into lethe.audit_leaf select controller_id, (select max(seq) + 1 from lethe.audit_leaf where controller_id = :a), event_id, event_xid, leaf from lethe.audit_leaf where controller_id = :a and seq = 1",
      "audit/chain-broken",
    ],
    [
      "a tile",
      "update lethe.audit_tile set hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) where controller_id = :a",
      "audit/tile-altered",
    ],
    ["a tile taken out", "delete from lethe.audit_tile where controller_id = :a", "audit/tile-altered"],
    [
      "the recorded size",
      "update lethe.audit_log set size = size - 1 where controller_id = :a",
      "audit/state-altered",
    ],
    [
      "the recorded frontier",
      "update lethe.audit_log set frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1) where controller_id = :a",
      "audit/state-altered",
    ],
    [
      "a checkpoint's text",
      "update lethe.audit_checkpoint set note = replace(note, E'\\ntime 2', E'\\ntime 1') where controller_id = :a",
      "audit/checkpoint-forged",
    ],
    [
      "a checkpoint's size",
      "update lethe.audit_checkpoint set size = size + 1 where controller_id = :a",
      "audit/column-altered",
    ],
    [
      "a checkpoint taken out",
      "delete from lethe.audit_checkpoint where controller_id = :a",
      "audit/checkpoint-missing",
    ],
    [
      "an entry of the hub's log",
      "update lethe.audit_event set entry = set_byte(entry, 30, get_byte(entry, 30) # 1) where controller_id = :hub and id = (select max(id) from lethe.audit_event where controller_id = :hub)",
      "audit/entry-altered",
    ],
    [
      "a tile of a level that the log does not have",
      "insert into lethe.audit_tile select controller_id, 3, index, hashes from lethe.audit_tile where controller_id = :a",
      "audit/tile-altered",
    ],
    [
      "the hub's checkpoint that is held outside, replaced by an older one",
      "update lethe.audit_checkpoint c set size = o.size, note = o.note from lethe.audit_checkpoint o where c.controller_id = :hub and o.controller_id = :hub and o.id < c.id",
      "audit/checkpoint-missing",
    ],
  ])("%s", async (_what, change, code) => {
    await logs.change(named(logs, change));
    expect(await logs.faults(logs.outside.newest)).toContain(code);
  });

  test("and in the hub's log too, where the entry is no JSON any more: every other log is checked all the same", async () => {
    const spoil = (owner: string, which: string) =>
      `update lethe.audit_event set entry = set_byte(entry, 0, 0) where controller_id = ${owner} and id = (select ${which}(event_id) from lethe.audit_leaf where controller_id = ${owner})`;
    await logs.change(named(logs, spoil(":hub", "min")));
    await logs.change(named(logs, spoil(":b", "max")));
    const { faults } = await logs.verify();
    for (const { id } of [logs.hub, logs.b])
      expect(faults).toContainEqual(expect.objectContaining({ controller: id, code: "audit/entry-altered" }));
    // What is still whole can be taken out and proved.
    const file = join(mkdtempSync(join(tmpdir(), "lethe-tamper-")), "log.jsonl");
    const { a, b, hub, rooms } = logs;
    const { database, ring } = rooms;
    expect(await exportLog({ database, ring, owner: b, hub, file })).toBe(9);
    const [first] = readFileSync(file, "utf8").split("\n").slice(1);
    const { event } = JSON.parse(JSON.parse(first ?? "").entry);
    expect(await database.inController(b.id, (tx) => proveEvent(tx, event))).toBeDefined();
    expect(await database.inController(a.id, (tx) => proveEvent(tx, event))).toBeUndefined();
  });

  test("a database rolled back as a whole, by the checkpoint that is held outside", async () => {
    await logs.change(rolledBack("first", TABLES));
    expect(await logs.faults(logs.outside.first)).toEqual([]); // inside, everything fits
    expect(await logs.faults(logs.outside.newest)).toContain("audit/log-truncated");
  });
});
