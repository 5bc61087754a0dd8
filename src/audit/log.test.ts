import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { v4 as uuid } from "uuid";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eq, tables } from "#database";
import { AuditEntry, AuditExportLine, type ControllerId, type Did, HUB } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import {
  appendEvents,
  exportLog,
  proveConsistency,
  proveEvent,
  type Sequencer,
  startSequencer,
  verifyAll,
} from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
let witnessed: string | undefined;
const running: Sequencer[] = [];

beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());
beforeEach(async () => {
  witnessed = undefined;
  controllerId = await rooms.controller();
});
afterEach(async () => {
  for (const sequencer of running.splice(0)) await sequencer.stop();
});

const sequencer = () => {
  const started = startSequencer({
    database: rooms.database,
    ring: rooms.ring,
    witness: async (note) => {
      witnessed = note;
    },
    onError: ({ code }) => {
      throw new Error(code);
    },
  });
  running.push(started);
  return started;
};

/** Writes events, each in a transaction and a workflow of its own unless told otherwise. */
async function write(count: number, workflow?: string): Promise<void> {
  for (let i = 0; i < count; i++)
    await rooms.database.inController(controllerId, (tx) =>
      appendEvents(tx, [
        {
          workflow: workflow ?? uuid(),
          type: "test.happened",
          entity: `thing:${i}`,
          actor: "hub",
          facts: { i },
        },
      ]),
    );
}

/** Seals and signs everything, as a hub that stops does. */
async function seal(): Promise<void> {
  const once = sequencer();
  await expect.poll(async () => (await report()).logs[0]?.pending).toBe(0);
  await once.stop();
}

const didOf = async (id: ControllerId): Promise<Did> => {
  const [row] = await rooms.database.inController(id, ({ db }) =>
    db.select().from(tables.controller).where(eq(tables.controller.controllerId, id)),
  );
  return row?.did as Did;
};
const owner = async (id = controllerId) => ({ id, did: await didOf(id) });
const report = async (outside = witnessed) =>
  verifyAll({
    database: rooms.database,
    ring: rooms.ring,
    logs: [await owner()],
    hubDid: await didOf(HUB),
    witnessed: outside,
  });
const codes = async (outside?: string) => [
  ...new Set((await report(outside)).faults.map(({ code }) => code)),
];

/** A superuser's hand, which takes the append-only trigger away first. */
async function tamper(change: string): Promise<void> {
  await rooms.superuser(async (sql) => {
    for (const table of ["audit_event", "audit_leaf", "audit_tile", "audit_checkpoint"])
      await sql.unsafe(`alter table lethe.${table} disable trigger append_only`);
    await sql.unsafe(change.replaceAll(":c", `'${controllerId}'`).replaceAll(":hub", `'${HUB}'`));
    for (const table of ["audit_event", "audit_leaf", "audit_tile", "audit_checkpoint"])
      await sql.unsafe(`alter table lethe.${table} enable always trigger append_only`);
  });
}

describe("an entry", () => {
  test("is RFC 8785 JSON of the documented fields, chained within its workflow", async () => {
    const workflow = uuid();
    await write(3, workflow);
    const rows = await rooms.database.inController(
      controllerId,
      ({ sql }) =>
        sql<
          { entry: Uint8Array }[]
        >`select entry from audit_event where workflow_id = ${workflow} order by position`,
    );
    const entries = rows.map(({ entry }) => Buffer.from(entry).toString("utf8"));
    const parsed = entries.map((text) => AuditEntry.parse(JSON.parse(text)));
    expect(parsed.map(({ position }) => position)).toEqual([0, 1, 2]);
    const { hash } = await import("node:crypto");
    expect(parsed.map(({ previous }) => previous)).toEqual([
      null,
      hash("sha256", entries[0] ?? "", "hex"),
      hash("sha256", entries[1] ?? "", "hex"),
    ]);
    expect(entries[0]).toBe(
      JSON.stringify(
        Object.fromEntries(Object.entries(parsed[0] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
      ),
    );
  });

  test.each([
    "update audit_event set position = 9",
    "delete from audit_event",
    "truncate audit_event",
    "update audit_leaf set seq = 9",
    "delete from audit_checkpoint",
    "delete from audit_tile",
  ])(
    "and what is made of it cannot be changed, not even by a superuser in passing: %s",
    async (statement) => {
      await write(1);
      await expect(rooms.superuser((sql) => sql.unsafe(statement))).rejects.toThrow(/append-only/);
    },
  );
});

describe("the log", () => {
  test("holds every committed event once, whatever order concurrent writers commit in", async () => {
    sequencer();
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        for (let i = 0; i < 10; i++)
          await rooms.database
            .inController(controllerId, async (tx) => {
              await appendEvents(tx, [
                { workflow: uuid(), type: "test.happened", entity: "x", actor: "hub" },
              ]);
              await new Promise((done) => setTimeout(done, Math.random() * 5));
              if (i === 7) throw new Error("rolled back");
            })
            .catch(() => {});
      }),
    );
    await expect.poll(async () => (await report()).logs[0]).toMatchObject({ events: 12 * 9 + 1, pending: 0 });
    expect(await codes()).toEqual([]);
  });

  test("fills tiles and signs checkpoints as it grows", async () => {
    await rooms.database.inController(controllerId, async (tx) => {
      for (let i = 0; i < 6; i++)
        await appendEvents(
          tx,
          Array.from({ length: 100 }, () => ({
            workflow: uuid(),
            type: "test.happened",
            entity: "x",
            actor: "hub",
          })),
        );
    });
    await seal();
    const [tiles] = await rooms.superuser(
      (sql) => sql`select count(*)::int as count from audit_tile where controller_id = ${controllerId}`,
    );
    expect(tiles?.count).toBe(2);
    const { ok, logs } = await report();
    expect(ok).toBe(true);
    expect(logs[0]).toMatchObject({ events: 601, pending: 0 });
    expect(logs[0]?.checkpoints.at(-1)?.size).toBe(601);
  });

  test("has one sequencer among several processes, and another when that one stops", async () => {
    const first = sequencer();
    const second = sequencer();
    await write(5);
    await expect.poll(async () => (await report()).logs[0]?.events).toBe(6);
    await first.stop();
    await write(5);
    await expect.poll(async () => (await report()).logs[0]?.events, { timeout: 5_000 }).toBe(11);
    await second.stop();
    expect(await codes()).toEqual([]);
  });

  test("goes on in another cluster, where transaction ids begin anew", async () => {
    await write(3);
    await seal();
    await write(2); // unsealed when the dump is made
    // What a restored dump looks like: another system identifier, and rows whose ids are ahead of this cluster's.
    await tamper(
      "update lethe.audit_event set xid = (xid::text::bigint + 1000000)::text::xid8 where controller_id = :c; update lethe.audit_leaf set event_xid = (event_xid::text::bigint + 1000000)::text::xid8 where controller_id = :c; update lethe.audit_sequencer set cluster = 'another', watermark_xid = '99999999'",
    );
    await write(4);
    await seal();
    const { logs, faults } = await report();
    expect(logs[0]?.events).toBe(10);
    expect(faults).toEqual([]);
  });
});

describe("a single change by a superuser's hand is found", () => {
  test.each([
    [
      "a byte of an entry",
      "update lethe.audit_event set entry = set_byte(entry, 30, get_byte(entry, 30) # 1) where controller_id = :c and position = 1",
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
    const local = await freshRooms();
    const outer = { rooms, controllerId };
    rooms = local;
    controllerId = await local.controller();
    try {
      await write(4, uuid());
      await rooms.database.inController(controllerId, (tx) =>
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
    } finally {
      for (const one of running.splice(0)) await one.stop();
      ({ rooms, controllerId } = outer);
      await local.drop();
    }
  });

  test("a database rolled back as a whole, by the checkpoint that is held outside", async () => {
    const local = await freshRooms();
    const outer = { rooms, controllerId };
    rooms = local;
    controllerId = await local.controller();
    try {
      await write(3);
      await seal();
      const before = witnessed;
      await rooms.superuser((sql) =>
        sql.unsafe(
          "create schema old; do $$ declare t text; begin foreach t in array array['audit_event','audit_leaf','audit_tile','audit_log','audit_checkpoint','audit_sequencer'] loop execute format('create table old.%I as select * from lethe.%I', t, t); end loop; end $$",
        ),
      );
      await write(3);
      await seal();
      const outside = witnessed;
      await tamper(
        "do $$ declare t text; begin foreach t in array array['audit_event','audit_leaf','audit_tile','audit_log','audit_checkpoint','audit_sequencer'] loop execute format('delete from lethe.%I', t); execute format('insert into lethe.%I overriding system value select * from old.%I', t, t); end loop; end $$",
      );
      expect(await codes(before)).toEqual([]); // inside, everything fits
      expect(await codes(outside)).toContain("audit/log-truncated");
    } finally {
      for (const one of running.splice(0)) await one.stop();
      ({ rooms, controllerId } = outer);
      await local.drop();
    }
  });
});

describe("an export", () => {
  const verifier = new URL("./offline-verifier.mjs", import.meta.url).pathname;
  const check = async (file: string, ...options: string[]) =>
    promisify(execFile)(process.execPath, [verifier, file, ...options], { cwd: tmpdir(), env: {} }).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      (error: { code: number; stderr: string }) => ({ code: error.code, text: error.stderr }),
    );
  let file: string;
  let lines: string[];
  beforeEach(async () => {
    await write(5, uuid());
    await write(3);
    await seal();
    file = join(mkdtempSync(join(tmpdir(), "lethe-export-")), "log.jsonl");
    expect(
      await exportLog({
        database: rooms.database,
        ring: rooms.ring,
        owner: await owner(),
        hub: await owner(HUB),
        file,
      }),
    ).toBe(9);
    lines = readFileSync(file, "utf8").trimEnd().split("\n");
  });
  const changed = (change: (lines: string[]) => string[]) => {
    const path = `${file}.changed`;
    writeFileSync(path, `${change([...lines]).join("\n")}\n`);
    return check(path);
  };

  test("has the documented lines, and is checked with nothing but itself and a key", async () => {
    const parsed = lines.map((line) => AuditExportLine.parse(JSON.parse(line)));
    const [header] = parsed;
    const key = header?.kind === "header" ? header.keys[0] : "";
    expect(await check(file, "--json")).toMatchObject({
      code: 0,
      text: expect.stringContaining('"events":9'),
    });
    expect(JSON.parse((await check(file, "--key", key ?? "", "--json")).text)).toMatchObject({
      ok: true,
      signed: 9,
      witnessed: true,
      keyFrom: "--key",
    });
  });

  test("says in its exit code what is wrong with it", async () => {
    expect((await changed((all) => all.map((line) => line.replace("thing:3", "thing:4")))).code).toBe(1);
    expect((await changed((all) => all.filter((_, i) => i !== 3))).code).toBe(1);
    expect(
      (await changed((all) => [...all.slice(0, 3), all[4] ?? "", all[3] ?? "", ...all.slice(5)])).code,
    ).toBe(1);
    expect((await changed((all) => all.slice(0, -1))).code).toBe(4);
    expect(
      (
        await changed((all) =>
          all.map((line) => (line.includes('"checkpoint"') ? line.replace(/\\n\d+\\n/, "\\n3\\n") : line)),
        )
      ).code,
    ).toBe(3);
    // Cut off at the end, and the end line made to fit: only the checkpoints remember more.
    expect(
      (
        await changed((all) =>
          all
            .filter((line) => !line.includes('"seq":8'))
            .map((line) => line.replace('"entries":9', '"entries":8')),
        )
      ).code,
    ).toBe(5);
    expect((await check("/nonexistent")).code).toBe(4);
    expect((await check(file, "--bogus")).code).toBe(2);
    expect((await check(file, "--key", "nonsense")).code).toBe(2);
  });

  test("that was forged whole, with keys of the forger's own, fails against the controller's key", async () => {
    const stranger = await rooms.controller();
    const other = join(mkdtempSync(join(tmpdir(), "lethe-export-")), "log.jsonl");
    await exportLog({
      database: rooms.database,
      ring: rooms.ring,
      owner: await owner(stranger),
      hub: await owner(HUB),
      file: other,
    });
    const header = AuditExportLine.parse(JSON.parse(readFileSync(other, "utf8").split("\n")[0] ?? ""));
    const key = header.kind === "header" ? (header.keys[0] ?? "") : "";
    expect((await check(file, "--key", key)).code).toBe(3);
  });

  test("still contains a checkpoint that was kept from earlier", async () => {
    const kept = `${file}.note`;
    const note = lines
      .map((line) => AuditExportLine.parse(JSON.parse(line)))
      .find((line) => line.kind === "checkpoint");
    writeFileSync(kept, note?.kind === "checkpoint" ? note.note : "");
    expect((await check(file, "--checkpoint", kept)).code).toBe(0);
  });
});

test("one event is proven to be in the log, and an older checkpoint to be a prefix of it", async () => {
  await write(5);
  await seal();
  const [row] = await rooms.database.inController(
    controllerId,
    ({ sql }) => sql<{ entry: Uint8Array }[]>`select entry from audit_event order by id offset 2 limit 1`,
  );
  const { event } = AuditEntry.parse(JSON.parse(Buffer.from(row?.entry ?? []).toString()));
  const proof = await rooms.database.inController(controllerId, (tx) => proveEvent(tx, event), {
    snapshot: true,
  });
  expect(proof?.proof).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 2\n([A-Za-z0-9+/]{43}=\n){3}\ndid:lethe:/);
  expect(proof?.entry).toContain(event);
  const consistency = await rooms.database.inController(controllerId, (tx) => proveConsistency(tx, 2));
  expect(consistency?.hashes.length).toBeGreaterThan(0);
  expect(await rooms.database.inController(controllerId, (tx) => proveEvent(tx, uuid()))).toBeUndefined();
});
