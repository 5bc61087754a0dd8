import { v4 as uuid } from "uuid";
import { describe, expect, test } from "vitest";
import { AuditEntry } from "#schemas";
import {
  at,
  codes,
  report,
  seal,
  sequencer,
  tamper,
  useAuditLog,
  write,
} from "../../test/support/audit-log.ts";
import { appendEvents } from "./index.ts";

useAuditLog();

describe("an entry", () => {
  test("is RFC 8785 JSON of the documented fields, chained within its workflow", async () => {
    const workflow = uuid();
    await write(3, workflow);
    const rows = await at.rooms.database.inController(
      at.controllerId,
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
      await expect(at.rooms.superuser((sql) => sql.unsafe(statement))).rejects.toThrow(/append-only/);
    },
  );
});

describe("the log", () => {
  test("holds every committed event once, whatever order concurrent writers commit in", async () => {
    sequencer();
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        for (let i = 0; i < 10; i++)
          await at.rooms.database
            .inController(at.controllerId, async (tx) => {
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
    await at.rooms.database.inController(at.controllerId, async (tx) => {
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
    const [tiles] = await at.rooms.superuser(
      (sql) => sql`select count(*)::int as count from audit_tile where controller_id = ${at.controllerId}`,
    );
    expect(tiles?.count).toBe(2);
    const { ok, logs } = await report();
    expect(ok).toBe(true);
    expect(logs[0]).toMatchObject({ events: 601, pending: 0 });
    const [signed] = await at.rooms.superuser(
      (sql) =>
        sql`select max(size)::int as size from audit_checkpoint where controller_id = ${at.controllerId}`,
    );
    expect(signed?.size).toBe(601);
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
